/*
 * lookup.c: what a listing says of items that are known by id.
 *
 * The items are cut into slices of about a page and each slice's run of keys
 * is listed, many at once.  Where much else lies between them (bystanders), a
 * slice is given up after a few pages and its keys are asked for one by one.
 */
#include "providers/s3/s3.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_PAGES 4

struct slice {
	struct slice *next;
	size_t begin, end; /* in order */
};

struct lookup {
	const struct item *items;
	const uint32_t *order;
	size_t n;
	enum s3_found *found;
	size_t at;
	bool single; /* second pass: what is still unknown, key by key */
	struct slice *slices;
	struct buf id;
	bool no_memory;
};

static const struct item *item_at(const struct lookup *l, size_t i)
{
	return &l->items[l->order[i]];
}

static bool same_key(const struct lookup *l, size_t i, size_t j)
{
	struct s3_name a, b;
	return s3_name(&a, item_at(l, i)->id, item_at(l, i)->id_len) == 0 &&
	       s3_name(&b, item_at(l, j)->id, item_at(l, j)->id_len) == 0 &&
	       s3_compare(a.key, a.key_len, b.key, b.key_len) == 0;
}

/* The characters that both keys begin with. */
static size_t common(const struct s3_name *a, const struct s3_name *b)
{
	size_t n = 0;

	while (n < a->key_len && n < b->key_len && a->key[n] == b->key[n])
		n++;
	while (n > 0 && n < a->key_len && (a->key[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static bool next_slice(struct s3_walk *w, struct s3_range *r)
{
	struct lookup *l = w->arg;
	struct s3_name first, last;

	while (l->single && l->at < l->n &&
	       l->found[l->order[l->at]] != S3_NOT_ASKED)
		l->at++;
	if (l->at == l->n)
		return false;
	struct slice *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		l->no_memory = true;
		return false;
	}
	s->next = l->slices;
	l->slices = s;
	s->begin = l->at;
	s->end = l->single || l->n - l->at < S3_PAGE ? l->at + 1
						     : l->at + S3_PAGE;
	if (!l->single && l->n - l->at < S3_PAGE)
		s->end = l->n;
	/* all items of a key in one slice */
	while (s->end < l->n && same_key(l, s->end - 1, s->end))
		s->end++;
	l->at = s->end;
	const struct item *a = item_at(l, s->begin);
	const struct item *b = item_at(l, s->end - 1);
	if (s3_name(&first, a->id, a->id_len) != 0 ||
	    s3_name(&last, b->id, b->id_len) != 0)
		return false;
	r->from_len = s3_key_before(r->from, first.key, first.key_len);
	memcpy(r->to, last.key, last.key_len);
	r->to_len = last.key_len;
	r->has_to = true;
	r->prefix = first.key;
	r->prefix_len = common(&first, &last);
	r->pages = l->single ? 0 : SLICE_PAGES;
	r->arg = s;
	return true;
}

static int seen(struct s3_walk *w, void *range_arg, const struct s3_page *p,
		const struct s3_entry *n, struct err *e)
{
	struct lookup *l = w->arg;
	struct slice *s = range_arg;
	size_t low = s->begin, high = s->end;

	l->id.len = 0;
	s3_id(&l->id, s3_key(p, n), n->key_len, n->kind, s3_version(p, n),
	      n->version_len);
	if (buf_failed(&l->id))
		return err_set(e, ERR_FAILED, "out of memory");
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct item *it = item_at(l, middle);
		int order =
			s3_compare(l->id.data, l->id.len, it->id, it->id_len);
		if (order == 0) {
			l->found[l->order[middle]] =
				memcmp(it->digest, n->digest, SHA_LEN) == 0
					? S3_SAME
					: S3_OTHER;
			return 0;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

/* What was listed and not seen is absent. */
static void slice_ended(struct s3_walk *w, void *range_arg, bool cut,
			const unsigned char *reached, size_t len)
{
	struct lookup *l = w->arg;
	struct slice *s = range_arg;
	struct s3_name name;

	for (size_t i = s->begin; i < s->end; i++) {
		const struct item *it = item_at(l, i);
		enum s3_found *f = &l->found[l->order[i]];
		if (*f != S3_NOT_ASKED)
			continue;
		if (cut &&
		    (reached == NULL ||
		     s3_name(&name, it->id, it->id_len) != 0 ||
		     s3_compare(name.key, name.key_len, reached, len) > 0))
			continue;
		*f = S3_ABSENT;
	}
}

int s3_lookup(struct s3 *s, const struct item *items, const uint32_t *order,
	      size_t n, enum s3_found *found, struct err *e)
{
	struct lookup l;
	struct s3_walk w;
	int rc = -1;

	memset(&l, 0, sizeof(l));
	buf_init(&l.id, ITEM_ID_MAX);
	l.items = items;
	l.order = order;
	l.n = n;
	l.found = found;
	memset(&w, 0, sizeof(w));
	w.s3 = s;
	w.want = 'v';
	w.next = next_slice;
	w.entry = seen;
	w.ended = slice_ended;
	w.arg = &l;
	if (s3_walk(&w, e) != 0)
		goto out;
	l.single = true;
	l.at = 0;
	if (s3_walk(&w, e) != 0)
		goto out;
	if (l.no_memory) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	rc = 0;
out:
	while (l.slices != NULL) {
		struct slice *next = l.slices->next;
		free(l.slices);
		l.slices = next;
	}
	buf_release(&l.id);
	return rc;
}
