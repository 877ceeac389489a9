/*
 * bystanders.c: what lies beside the scope (I10): the bucket's other versions,
 * before and behind the prefix, and under the excluded prefixes.
 *
 * All of them up to a number; beyond it a sample spread over the key space:
 * the space is cut again and again at its widest place, and a few entries are
 * taken behind each cut.
 */
#include "providers/s3/s3.h"

#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 256 /* places that a sample is taken from */

struct beside {
	struct s3 *s;
	struct s3_range *runs;
	size_t n, next;
	item_fn *fn; /* NULL: only count */
	void *arg;
	uint64_t count, limit;
	struct buf id;
	/* the last entry taken, for cutting behind it */
	unsigned char last[S3_KEY_MAX + 1];
	size_t last_len;
};

static bool next_run(struct s3_walk *w, struct s3_range *r)
{
	struct beside *b = w->arg;

	if (b->next == b->n)
		return false;
	*r = b->runs[b->next++];
	return true;
}

/* Excluded prefixes may lie within each other: the first that matches is the
 * one whose run an entry is counted in. */
static bool elsewhere(const struct beside *b, const struct s3_range *r,
		      const unsigned char *key, size_t len)
{
	for (size_t i = 0; i < b->s->n_excluded; i++) {
		const struct buf *x = &b->s->excluded[i].text;
		if (s3_begins(key, len, x))
			return r->prefix != x->data;
	}
	return false;
}

static int one(struct s3_walk *w, void *range_arg, const struct s3_page *p,
	       const struct s3_entry *n, struct err *e)
{
	struct beside *b = w->arg;
	const struct s3_range *r = range_arg;
	struct item item;

	if (s3_in_scope(b->s, s3_key(p, n), n->key_len) ||
	    elsewhere(b, r, s3_key(p, n), n->key_len))
		return 0;
	b->count++;
	memcpy(b->last, s3_key(p, n), n->key_len);
	b->last_len = n->key_len;
	w->enough = b->count >= b->limit;
	if (b->fn == NULL)
		return 0;
	memset(&item, 0, sizeof(item));
	b->id.len = 0;
	s3_id(&b->id, s3_key(p, n), n->key_len, n->kind, s3_version(p, n),
	      n->version_len);
	if (buf_failed(&b->id))
		return err_set(e, ERR_FAILED, "out of memory");
	item.id = b->id.data;
	item.id_len = b->id.len;
	item.cls = n->kind == 'm' ? CLASS_DELETE_MARKER
		   : n->latest	  ? CLASS_CURRENT
				  : CLASS_NONCURRENT;
	item.bytes = n->size;
	memcpy(item.digest, n->digest, SHA_LEN);
	return b->fn(b->arg, &item, e);
}

static int walk(struct beside *b, uint64_t limit, bool split, item_fn *fn,
		struct err *e)
{
	struct s3_walk w;

	memset(&w, 0, sizeof(w));
	w.s3 = b->s;
	w.want = 'v';
	w.split = split;
	w.next = next_run;
	w.entry = one;
	w.arg = b;
	b->next = 0;
	b->count = 0;
	b->limit = limit;
	b->fn = fn;
	return s3_walk(&w, e);
}

/* In front of the prefix, behind it, and each exclusion inside it. */
static void runs(struct beside *b)
{
	/* the last character that a key can hold sorts behind all keys that
	 * begin with the prefix; entry filters what is left of them */
	static const unsigned char end[] = {0xf4, 0x8f, 0xbf, 0xbd};
	const struct s3 *s = b->s;

	if (s->prefix.len != 0) {
		struct s3_range *front = &b->runs[b->n++];
		memcpy(front->to, s->prefix.data, s->prefix.len);
		front->to_len = s->prefix.len;
		front->has_to = true;
		struct s3_range *behind = &b->runs[b->n++];
		size_t n = s->prefix.len;
		memcpy(behind->from, s->prefix.data, n);
		if (n + sizeof(end) <= S3_KEY_MAX) {
			memcpy(behind->from + n, end, sizeof(end));
			n += sizeof(end);
		}
		behind->from_len = n;
	}
	for (size_t i = 0; i < s->n_excluded; i++) {
		struct s3_range *r = &b->runs[b->n++];
		r->prefix = s->excluded[i].text.data;
		r->prefix_len = s->excluded[i].text.len;
	}
	for (size_t i = 0; i < b->n; i++)
		b->runs[i].arg = &b->runs[i];
}

/* The widest of the remaining runs, by its first bytes. */
static size_t widest(const struct s3_range *r, size_t n)
{
	size_t best = 0;
	double most = -1;

	for (size_t i = 0; i < n; i++) {
		double w = s3_split_width(r[i].from, r[i].from_len, r[i].to,
					  r[i].to_len, r[i].has_to, 0);
		if (w > most) {
			most = w;
			best = i;
		}
	}
	return best;
}

/*
 * Takes up to `each` entries from the front of one run after another; what is
 * left of a run is cut in two.  all holds the runs that are left.
 */
static int sample(struct beside *b, uint64_t sampled, item_fn *fn,
		  struct err *e)
{
	struct s3_range *all = calloc(RUNS_MAX, sizeof(*all));
	size_t n = b->n;
	uint64_t left = sampled, each = sampled / 64 + 1;
	int rc = -1;

	if (all == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	if (n > RUNS_MAX)
		n = RUNS_MAX;
	memcpy(all, b->runs, n * sizeof(*all));
	for (unsigned steps = 0; n != 0 && left != 0 && steps < 512; steps++) {
		size_t i = widest(all, n);
		struct s3_range now = all[i];
		all[i] = all[--n];
		now.arg = &now;
		b->runs = &now;
		b->n = 1;
		if (walk(b, each < left ? each : left, false, fn, e) != 0)
			goto out;
		left -= b->count;
		if (b->count < each && b->count != 0)
			continue; /* the run is exhausted */
		if (b->count == 0)
			continue;
		struct s3_range tail = now, half;
		memcpy(tail.from, b->last, b->last_len);
		tail.from_len = b->last_len;
		half = tail;
		size_t len;
		if (s3_split_key(half.to, &len, &tail, tail.from,
				 tail.from_len) == 0 &&
		    n + 2 <= RUNS_MAX) {
			half.to_len = len;
			half.has_to = true;
			memcpy(tail.from, half.to, len);
			tail.from_len = len;
			all[n++] = half;
		}
		if (n < RUNS_MAX)
			all[n++] = tail;
	}
	rc = 0;
out:
	free(all);
	return rc;
}

int s3_bystanders(void *handle, uint64_t exact, uint64_t sampled, bool *all,
		  item_fn *fn, void *arg, struct err *e)
{
	struct s3 *s = handle;
	struct beside b;
	int rc = -1;

	memset(&b, 0, sizeof(b));
	b.s = s;
	b.arg = arg;
	buf_init(&b.id, ITEM_ID_MAX);
	*all = true;
	struct s3_range *mine = calloc(s->n_excluded + 2, sizeof(*mine));
	if (mine == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	b.runs = mine;
	runs(&b);
	/* counted first, so that nothing has to be kept */
	if (walk(&b, exact + 1, true, NULL, e) != 0)
		goto out;
	if (b.count <= exact) {
		rc = walk(&b, UINT64_MAX, true, fn, e);
		goto out;
	}
	*all = false;
	rc = sample(&b, sampled, fn, e);
out:
	free(mine);
	buf_release(&b.id);
	return rc;
}
