/*
 * walk.c: listing runs of keys, many at once.
 *
 * A walk begins with the ranges it is given (a plain enumeration with one, so
 * that a small prefix costs one request).  While connections are idle, the
 * widest range that has more pages is cut: a *probe* asks for one key behind
 * a guessed middle M.
 *
 *	(from ........... M ........... to]
 *	 nothing behind M:  the range ends at M
 *	 something there:   (from, M] goes on, (M, to] is a range of its own
 *
 * Ranges are open below and closed above, because a key-marker without a
 * version is exclusive at Amazon and inclusive at Ceph: what a store repeats
 * of `from` is dropped, either way no key is lost or counted twice.  All
 * versions of a key are in one range.
 *
 * The next marker is the last entry of the page, never NextKeyMarker: radosgw
 * 16 sends that one without encoding it.
 *
 * Every page is checked: keys inside prefix and order, none twice, progress.
 * Within one key versions have no order that could be checked, so two of them
 * are remembered, the first and a "tortoise" that moves up at powers of two:
 * a listing that goes in circles meets one of them.
 */
#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGES 24
#define PROBES 4
#define LOCKS 16 /* in flight per range */

struct mark {
	unsigned char key[S3_KEY_MAX + 1];
	size_t key_len;
	unsigned char version[S3_VERSION_MAX + 1];
	size_t version_len; /* 0: none */
};

struct range {
	struct run *run;
	struct s3_range r;
	bool active;
	bool probed;   /* a probe is under way */
	bool no_split; /* nothing to be won */
	unsigned pages;
	struct mark at; /* the last entry seen */
	struct mark first, tortoise;
	uint64_t steps, power;
	struct s3_page page;
	struct xml *xml;
	struct s3_call call;
	size_t lock_next, lock_pending;
};

struct probe {
	struct run *run;
	struct range *range; /* NULL: idle */
	unsigned char key[S3_KEY_MAX + 1];
	size_t key_len;
	struct s3_page page;
	struct xml *xml;
	struct s3_call call;
};

struct run {
	struct s3_walk *w;
	struct s3 *s;
	struct err *e;
	bool over; /* failed or enough */
	bool more; /* next may have another range */
	unsigned active;
	struct range *ranges[RANGES];
	struct probe *probes[PROBES];
};

/* What a lock lookup needs to find its way back. */
struct lock_of {
	struct s3_lock lock;
	struct range *r;
	size_t index;
};

static void fill(struct run *run);
static void send_page(struct range *r);
static void deliver(struct range *r);

static void fail(struct run *run)
{
	run->over = true;
	http_cancel(run->s->http);
}

static int broken(struct range *r, const char *why)
{
	err_set(r->run->e, ERR_STORE,
		"listing bucket %s: %s sent a listing that cannot be right "
		"(%s); nothing can be said about what it holds",
		r->run->s->bucket, r->run->s->endpoint, why);
	fail(r->run);
	return -1;
}

/* ---- the request for a page --------------------------------------------- */

static void pair(struct sigv4_pair *q, size_t *n, const char *name,
		 const void *value, size_t len)
{
	q[*n].name = name;
	q[*n].value = value;
	q[*n].value_len = len;
	(*n)++;
}

static int target(struct s3_call *c, char want, const struct s3_range *r,
		  const struct mark *at, const char *max)
{
	struct sigv4_pair q[8];
	size_t n = 0;
	bool uploads = want == 'u';

	c->echoes = true;
	c->lenient = false;

	pair(q, &n, uploads ? "uploads" : "versions", "", 0);
	pair(q, &n, "encoding-type", "url", 3);
	pair(q, &n, uploads ? "max-uploads" : "max-keys", max, strlen(max));
	if (r->prefix_len != 0)
		pair(q, &n, "prefix", (const char *)r->prefix, r->prefix_len);
	/* a marker in front of the prefix says nothing */
	if (at->key_len != 0 &&
	    s3_compare(at->key, at->key_len, r->prefix, r->prefix_len) >= 0) {
		pair(q, &n, "key-marker", (const char *)at->key, at->key_len);
		if (at->version_len != 0)
			pair(q, &n,
			     uploads ? "upload-id-marker" : "version-id-marker",
			     (const char *)at->version, at->version_len);
	}
	return s3_call_target(c, "GET", NULL, 0, q, n);
}

static int page_begin(struct s3_call *c)
{
	struct s3_page *p = c->element_arg;
	s3_page_reset(p);
	/* radosgw 16 encodes a list of uploads without saying so */
	p->encoded = p->want == 'u' && c->s3->ceph;
	return 0;
}

/* ---- checking and handing over ------------------------------------------ */

static void mark_set(struct mark *m, const struct s3_page *p,
		     const struct s3_entry *n)
{
	memcpy(m->key, s3_key(p, n), n->key_len);
	m->key_len = n->key_len;
	memcpy(m->version, s3_version(p, n), n->version_len);
	m->version_len = n->version_len;
}

static bool mark_is(const struct mark *m, const struct s3_page *p,
		    const struct s3_entry *n)
{
	return m->version_len == n->version_len && m->version_len != 0 &&
	       memcmp(m->version, s3_version(p, n), n->version_len) == 0 &&
	       m->key_len == n->key_len &&
	       memcmp(m->key, s3_key(p, n), n->key_len) == 0;
}

/* Looks for circles; same says that the entry has the key of the one before
 * (uploads have no order of keys, so there it is always true). */
static int circle(struct range *r, const struct s3_entry *n, bool same)
{
	if (!same || r->first.version_len == 0) {
		mark_set(&r->first, &r->page, n);
		r->tortoise.version_len = 0;
		r->steps = 0;
		r->power = 1;
		return 0;
	}
	if (mark_is(&r->first, &r->page, n) ||
	    mark_is(&r->tortoise, &r->page, n))
		return broken(r, "an entry comes twice");
	if (++r->steps == r->power) {
		mark_set(&r->tortoise, &r->page, n);
		r->power *= 2;
		r->steps = 0;
	}
	return 0;
}

/* Looks at entry i.  1: inside the range; 0: to be skipped; 2: behind the
 * end; -1: broken. */
static int judge(struct range *r, size_t i)
{
	const struct s3_page *p = &r->page;
	const struct s3_entry *n = &p->entries[i];
	const struct s3_entry *before = i != 0 ? n - 1 : NULL;
	const unsigned char *last = before ? s3_key(p, before) : r->at.key;
	size_t last_len = before ? before->key_len : r->at.key_len;

	if (n->key_len < r->r.prefix_len ||
	    (r->r.prefix_len != 0 &&
	     memcmp(s3_key(p, n), r->r.prefix, r->r.prefix_len) != 0))
		return broken(r, "a key outside the prefix that was asked for");
	/* a store may repeat the entry that the marker names */
	if (before == NULL && mark_is(&r->at, p, n))
		return 0;
	int order = s3_compare(s3_key(p, n), n->key_len, last, last_len);
	if (p->want == 'v' && order < 0)
		return broken(r, "it goes backwards");
	if (circle(r, n, p->want == 'u' || order == 0) != 0)
		return -1;
	if (p->want == 'u')
		return 1;
	if (r->r.has_to &&
	    s3_compare(s3_key(p, n), n->key_len, r->r.to, r->r.to_len) > 0)
		return 2;
	if (r->r.from_len != 0 &&
	    s3_compare(s3_key(p, n), n->key_len, r->r.from, r->r.from_len) <= 0)
		return 0;
	return 1;
}

static void range_over(struct range *r, bool cut)
{
	struct run *run = r->run;
	const struct s3_page *p = &r->page;

	r->active = false;
	run->active--;
	if (run->w->ended == NULL)
		return;
	/* of the last key some versions may be missing: the one before */
	const unsigned char *reached = NULL;
	size_t len = 0;
	if (cut && p->n != 0) {
		const struct s3_entry *last = &p->entries[p->n - 1];
		for (size_t i = p->n - 1; i-- > 0 && reached == NULL;) {
			const struct s3_entry *n = &p->entries[i];
			if (s3_compare(s3_key(p, n), n->key_len,
				       s3_key(p, last), last->key_len) != 0) {
				reached = s3_key(p, n);
				len = n->key_len;
			}
		}
	}
	run->w->ended(run->w, r->r.arg, cut, reached, len);
}

/* A page without a new entry that is not the last: some stores filter after
 * they count.  Its NextKeyMarker may be encoded or not; the smaller reading
 * loses nothing. */
static int use_next_marker(struct range *r)
{
	struct mark *at = &r->at;
	const char *raw = r->page.next_key;
	size_t n = strlen(raw), to = 0;
	unsigned char plain[S3_KEY_MAX + 1] = "";

	for (size_t i = 0; i < n && to < S3_KEY_MAX; i++) {
		unsigned int c = (unsigned char)raw[i];
		if (c == '%' && i + 2 < n &&
		    sscanf(raw + i + 1, "%2x", &c) == 1)
			i += 2;
		else if (c == '+')
			c = ' ';
		plain[to++] = (unsigned char)c;
	}
	const unsigned char *use = plain;
	if (n <= S3_KEY_MAX && s3_compare(raw, n, plain, to) < 0) {
		use = (const unsigned char *)raw;
		to = n;
	}
	if (to == 0 || s3_compare(use, to, at->key, at->key_len) <= 0 ||
	    r->page.want == 'u')
		return broken(r, "more is announced, but nothing follows");
	memcpy(at->key, use, to);
	at->key_len = to;
	at->version_len = 0;
	return 0;
}

static void deliver(struct range *r)
{
	struct run *run = r->run;
	struct s3_walk *w = run->w;
	bool behind = false, moved = false;

	for (size_t i = 0; i < r->page.n && !behind; i++) {
		int what = judge(r, i);
		if (what < 0)
			return;
		behind = what == 2;
		moved = moved || what != 0 || i != 0 ||
			!mark_is(&r->at, &r->page, &r->page.entries[i]);
		if (what != 1)
			continue;
		if (w->entry(w, r->r.arg, &r->page, &r->page.entries[i],
			     run->e) != 0) {
			fail(run);
			return;
		}
		if (w->enough) {
			fail(run);
			return;
		}
	}
	if (behind || !r->page.truncated) {
		range_over(r, false);
	} else if (r->r.pages != 0 && r->pages >= r->r.pages) {
		range_over(r, true);
	} else {
		if (moved)
			mark_set(&r->at, &r->page,
				 &r->page.entries[r->page.n - 1]);
		else if (use_next_marker(r) != 0)
			return;
		send_page(r);
	}
	fill(run);
}

/* ---- locks of a page ---------------------------------------------------- */

static void more_locks(struct range *r);

static void lock_done(struct s3_lock *l)
{
	struct lock_of *of = l->arg;
	struct range *r = of->r;
	struct run *run = r->run;
	struct s3_entry *n = &r->page.entries[of->index];

	if (l->failed && !run->over) {
		s3_call_failed(&l->call, run->e,
			       "looking up the retention of a version (the "
			       "bucket has Object Lock; permissions "
			       "s3:GetObjectRetention and "
			       "s3:GetObjectLegalHold)");
		fail(run);
	}
	n->locked_until = l->until;
	n->held = l->held;
	s3_lock_release(l);
	free(of);
	r->lock_pending--;
	more_locks(r);
}

static void more_locks(struct range *r)
{
	struct run *run = r->run;
	struct s3_page *p = &r->page;

	while (!run->over && r->lock_next < p->n && r->lock_pending < LOCKS) {
		size_t i = r->lock_next++;
		struct s3_entry *n = &p->entries[i];
		if (n->kind != 'v')
			continue;
		struct lock_of *of = calloc(1, sizeof(*of));
		struct s3_name name = {s3_key(p, n), n->key_len, n->kind,
				       s3_version(p, n), n->version_len};
		if (of == NULL) {
			err_set(run->e, ERR_FAILED, "out of memory");
			fail(run);
			return;
		}
		of->r = r;
		of->index = i;
		r->lock_pending++;
		if (s3_lock_send(&of->lock, run->s, &name, lock_done, of) !=
		    0) {
			r->lock_pending--;
			s3_lock_release(&of->lock);
			free(of);
			err_set(run->e, ERR_FAILED, "out of memory");
			fail(run);
			return;
		}
	}
	if (r->lock_pending == 0 && !run->over)
		deliver(r);
}

/* ---- answers ------------------------------------------------------------ */

static void page_done(struct s3_call *c)
{
	struct range *r = c->arg;
	struct run *run = r->run;
	const char *why = "";

	if (run->over)
		return;
	if (!s3_call_ok(c)) {
		char what[320];
		snprintf(what, sizeof(what), "listing %s of bucket %.255s",
			 run->w->want == 'u' ? "uploads" : "versions",
			 run->s->bucket);
		s3_call_failed(c, run->e, what);
		fail(run);
		return;
	}
	if (s3_page_finish(&r->page, &why) != 0) {
		broken(r, why);
		return;
	}
	r->pages++;
	run->w->pages_read++;
	if (run->w->locks && run->s->lock == S3_YES) {
		r->lock_next = r->lock_pending = 0;
		more_locks(r);
		return;
	}
	deliver(r);
}

static void send_page(struct range *r)
{
	struct run *run = r->run;

	if (target(&r->call, run->w->want, &r->r, &r->at, "1000") != 0) {
		err_set(run->e, ERR_FAILED, "a listing's URL is too long");
		fail(run);
		return;
	}
	s3_call_send(&r->call);
}

static void probe_done(struct s3_call *c)
{
	struct probe *p = c->arg;
	struct run *run = p->run;
	struct range *r = p->range;
	const char *why;

	p->range = NULL;
	r->probed = false;
	if (run->over)
		return;
	if (!s3_call_ok(c) || s3_page_finish(&p->page, &why) != 0 ||
	    (p->page.n == 0 && p->page.truncated)) {
		r->no_split = true; /* pages tell of real trouble */
		fill(run);
		return;
	}
	/* the range may have moved on, or be another one by now */
	if (!r->active ||
	    s3_compare(r->at.key, r->at.key_len, p->key, p->key_len) >= 0 ||
	    (r->r.has_to &&
	     s3_compare(p->key, p->key_len, r->r.to, r->r.to_len) >= 0)) {
		fill(run);
		return;
	}
	const struct s3_entry *n = p->page.entries;
	bool found =
		p->page.n != 0 &&
		(!r->r.has_to || s3_compare(s3_key(&p->page, n), n->key_len,
					    r->r.to, r->r.to_len) <= 0);
	if (found) {
		struct s3_range right = r->r;
		memcpy(right.from, p->key, p->key_len);
		right.from_len = p->key_len;
		for (size_t i = 0; i < RANGES; i++) {
			struct range *free_one = run->ranges[i];
			if (free_one == NULL || free_one->active ||
			    free_one->probed)
				continue;
			free_one->r = right;
			free_one->active = true;
			free_one->no_split = false;
			free_one->pages = 0;
			free_one->first.version_len = 0;
			memcpy(free_one->at.key, p->key, p->key_len);
			free_one->at.key_len = p->key_len;
			free_one->at.version_len = 0;
			run->active++;
			send_page(free_one);
			found = false; /* placed */
			break;
		}
		if (found)
			return; /* no place: leave the range whole */
	}
	memcpy(r->r.to, p->key, p->key_len);
	r->r.to_len = p->key_len;
	r->r.has_to = true;
	fill(run);
}

/* ---- keeping busy ------------------------------------------------------- */

static struct range *range_new(struct run *run)
{
	for (size_t i = 0; i < RANGES; i++) {
		struct range *r = run->ranges[i];
		if (r != NULL && !r->active && !r->probed)
			return r;
		if (r != NULL)
			continue;
		r = calloc(1, sizeof(*r));
		if (r == NULL)
			return NULL;
		run->ranges[i] = r;
		r->run = run;
		s3_page_init(&r->page, run->w->want, run->s->sha);
		s3_call_init(&r->call, run->s);
		r->xml = xml_new();
		r->page.xml = r->call.xml = r->xml;
		r->call.element = s3_page_element;
		r->call.element_arg = &r->page;
		r->call.begin = page_begin;
		r->call.done = page_done;
		r->call.arg = r;
		return r->xml != NULL ? r : NULL;
	}
	return NULL;
}

static struct probe *probe_new(struct run *run)
{
	for (size_t i = 0; i < PROBES; i++) {
		struct probe *p = run->probes[i];
		if (p != NULL && p->range == NULL)
			return p;
		if (p != NULL)
			continue;
		p = calloc(1, sizeof(*p));
		if (p == NULL)
			return NULL;
		run->probes[i] = p;
		p->run = run;
		s3_page_init(&p->page, run->w->want, run->s->sha);
		s3_call_init(&p->call, run->s);
		p->xml = xml_new();
		p->page.xml = p->call.xml = p->xml;
		p->call.element = s3_page_element;
		p->call.element_arg = &p->page;
		p->call.begin = page_begin;
		p->call.done = probe_done;
		p->call.arg = p;
		return p->xml != NULL ? p : NULL;
	}
	return NULL;
}

/* The widest range that has shown that it has more than one page. */
static struct range *widest(struct run *run)
{
	const struct range *low = NULL, *high = NULL;
	struct range *best = NULL;
	double most = 0;
	size_t skip = 0;

	/* what all have in common at the front says nothing of width */
	for (size_t i = 0; i < RANGES && run->ranges[i] != NULL; i++) {
		const struct range *r = run->ranges[i];
		if (!r->active)
			continue;
		if (low == NULL || s3_compare(r->at.key, r->at.key_len,
					      low->at.key, low->at.key_len) < 0)
			low = r;
		if (high == NULL || !r->r.has_to ||
		    (high->r.has_to &&
		     s3_compare(r->r.to, r->r.to_len, high->r.to,
				high->r.to_len) > 0))
			high = r;
	}
	if (low == NULL)
		return NULL;
	if (!high->r.has_to)
		skip = high->r.prefix_len;
	else
		while (skip < low->at.key_len && skip < high->r.to_len &&
		       low->at.key[skip] == high->r.to[skip])
			skip++;
	for (size_t i = 0; i < RANGES && run->ranges[i] != NULL; i++) {
		struct range *r = run->ranges[i];
		if (!r->active || r->probed || r->no_split || r->pages == 0)
			continue;
		double width = s3_split_width(r->at.key, r->at.key_len, r->r.to,
					      r->r.to_len, r->r.has_to, skip);
		if (best == NULL || width > most) {
			best = r;
			most = width;
		}
	}
	return best;
}

/* True when a probe could be sent. */
static bool probe(struct run *run)
{
	struct mark at;
	struct range *r = widest(run);
	struct probe *p = r != NULL ? probe_new(run) : NULL;

	if (p == NULL || range_new(run) == NULL)
		return false;
	if (s3_split_key(p->key, &p->key_len, &r->r, r->at.key,
			 r->at.key_len) != 0 ||
	    s3_compare(p->key, p->key_len, r->at.key, r->at.key_len) <= 0) {
		r->no_split = true;
		return true; /* another range may do */
	}
	memcpy(at.key, p->key, p->key_len);
	at.key_len = p->key_len;
	at.version_len = 0;
	if (target(&p->call, run->w->want, &r->r, &at, "1") != 0) {
		r->no_split = true;
		return true;
	}
	p->range = r;
	r->probed = true;
	s3_call_send(&p->call);
	return true;
}

static void fill(struct run *run)
{
	struct s3_walk *w = run->w;

	while (!run->over && run->more && run->active < RANGES) {
		struct range *r = range_new(run);
		if (r == NULL)
			break;
		memset(&r->r, 0, sizeof(r->r));
		run->more = w->next(w, &r->r);
		if (!run->more)
			break;
		r->active = true;
		r->no_split = false;
		r->pages = 0;
		r->first.version_len = 0;
		r->at.version_len = 0;
		r->at.key_len = r->r.from_len;
		memcpy(r->at.key, r->r.from, r->r.from_len);
		run->active++;
		send_page(r);
	}
	if (w->split)
		while (!run->over && run->active < RANGES &&
		       http_room(run->s->http) > 0 && probe(run))
			;
}

static void run_release(struct run *run)
{
	for (size_t i = 0; i < RANGES; i++) {
		struct range *r = run->ranges[i];
		if (r == NULL)
			continue;
		s3_page_release(&r->page);
		s3_call_release(&r->call);
		xml_free(r->xml);
		free(r);
	}
	for (size_t i = 0; i < PROBES; i++) {
		struct probe *p = run->probes[i];
		if (p == NULL)
			continue;
		s3_page_release(&p->page);
		s3_call_release(&p->call);
		xml_free(p->xml);
		free(p);
	}
}

int s3_walk(struct s3_walk *w, struct err *e)
{
	struct run run;
	struct err mine = ERR_INIT;
	int rc = -1;

	memset(&run, 0, sizeof(run));
	run.w = w;
	run.s = w->s3;
	run.e = &mine;
	run.more = true;
	w->enough = false;
	w->pages_read = 0;
	if (s3_ready(w->s3, e) != 0)
		return -1;
	fill(&run);
	if (http_wait(w->s3->http, &mine) != 0)
		goto out;
	if (mine.code != ERR_NONE)
		goto out;
	/* complete means: no range is left (a stop may have ended the loop) */
	if (!w->enough && (run.active != 0 || run.more)) {
		err_set(&mine, ERR_STOPPED, "stopped while listing bucket %s",
			run.s->bucket);
		goto out;
	}
	rc = 0;
out:
	if (rc != 0)
		err_set(e, mine.code, "%s", mine.msg);
	run_release(&run);
	return rc;
}
