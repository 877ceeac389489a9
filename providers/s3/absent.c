/*
 * absent.c: asking again, by other calls than those that deleted (I5).
 *
 * Versions and delete markers: the runs of keys are listed; what the listing
 * shows is present, whatever else says otherwise, because its key is data.
 * Of what it does not show some are asked for by HEAD as well: an index may
 * have lost an entry whose object can still be read.
 * Uploads: ListParts, one call each.
 */
#include "providers/s3/s3.h"

#include <stdlib.h>
#include <string.h>

#define HEADS 32 /* per batch, spread over it; all of a small batch */

struct asking {
	struct s3 *s;
	const struct item *items;
	enum answer *out;
	uint32_t *todo;
	size_t n, next;
	bool over;
	struct err *e;
};

struct question {
	struct asking *a;
	uint32_t index;
	char kind;
	struct s3_call call;
};

static void fill(struct asking *a);

static void answered(struct s3_call *c)
{
	struct question *q = c->arg;
	struct asking *a = q->a;
	enum answer *out = &a->out[q->index];
	bool reply = c->http.failure == HTTP_ANSWERED;

	if (s3_call_ok(c)) {
		*out = ANSWER_PRESENT;
	} else if (q->kind == 'u') {
		/* radosgw 16 says NoSuchKey of an upload that is gone */
		if (reply && c->http.status == 404 &&
		    (strcmp(c->error.code, "NoSuchUpload") == 0 ||
		     (a->s->ceph && strcmp(c->error.code, "NoSuchKey") == 0)))
			*out = ANSWER_ABSENT;
	} else if (!reply || c->http.status >= 500 || c->http.status == 408 ||
		   c->http.status == 429) {
		/* the listing said absent, the second look did not end */
		*out = ANSWER_UNKNOWN;
	}
	/* HEAD without the right to read says 403 of everything: no news */
	if (s3_call_fatal(c) && !a->over) {
		s3_call_failed(c, a->e, "asking whether a version is gone");
		a->over = true;
		http_cancel(a->s->http);
	}
	s3_call_release(&q->call);
	free(q);
	fill(a);
}

static int ask(struct asking *a, uint32_t index)
{
	struct s3_name n;
	struct question *q;
	struct sigv4_pair p[2];
	size_t params = 1;

	if (s3_name(&n, a->items[index].id, a->items[index].id_len) != 0)
		return 0;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return -1;
	q->a = a;
	q->index = index;
	q->kind = n.kind;
	p[0].name = n.kind == 'u' ? "uploadId" : "versionId";
	p[0].value = (const char *)n.version;
	p[0].value_len = n.version_len;
	if (n.kind == 'u') {
		p[1].name = "max-parts";
		p[1].value = "1";
		p[1].value_len = 1;
		params = 2;
	}
	s3_call_init(&q->call, a->s);
	if (s3_call_target(&q->call, n.kind == 'u' ? "GET" : "HEAD", n.key,
			   n.key_len, p, params) != 0) {
		s3_call_release(&q->call);
		free(q);
		return -1;
	}
	q->call.done = answered;
	q->call.arg = q;
	s3_call_send(&q->call);
	return 0;
}

static void fill(struct asking *a)
{
	while (!a->over && a->next < a->n && http_room(a->s->http) > 0) {
		if (ask(a, a->todo[a->next++]) == 0)
			continue;
		err_set(a->e, ERR_FAILED, "out of memory");
		a->over = true;
		http_cancel(a->s->http);
	}
}

static int ask_all(struct asking *a)
{
	a->next = 0;
	fill(a);
	if (http_wait(a->s->http, a->e) != 0 || a->over)
		return -1;
	if (a->next < a->n)
		return err_set(a->e, ERR_STOPPED, "stopped while checking");
	return 0;
}

/* By listing: answers for versions and markers. */
static int by_listing(struct s3 *s, const struct item *items, size_t n,
		      uint32_t *order, enum s3_found *found, enum answer *out,
		      struct err *e)
{
	struct err mine = ERR_INIT;
	struct s3_name name;
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		if (s3_name(&name, items[i].id, items[i].id_len) == 0 &&
		    name.kind != 'u')
			order[m++] = (uint32_t)i;
	if (m != 0 && s3_lookup(s, items, order, m, found, &mine) != 0) {
		/* a refusal or a listing that cannot be right: unknown */
		if (mine.code != ERR_DENIED && mine.code != ERR_STORE)
			return err_set(e, mine.code, "%s", mine.msg);
		return 0;
	}
	for (size_t i = 0; i < m; i++) {
		enum s3_found f = found[order[i]];
		if (f == S3_ABSENT)
			out[order[i]] = ANSWER_ABSENT;
		else if (f != S3_NOT_ASKED)
			out[order[i]] = ANSWER_PRESENT;
	}
	return 0;
}

/* Chooses the versions that are asked for by HEAD too, and all uploads. */
static size_t choose(const struct item *items, size_t n, const enum answer *out,
		     uint32_t *todo)
{
	size_t absent = 0, seen = 0, m = 0;
	struct s3_name name;

	for (size_t i = 0; i < n; i++)
		absent += out[i] == ANSWER_ABSENT;
	size_t stride = absent <= 2 * HEADS ? 1 : absent / HEADS;
	for (size_t i = 0; i < n; i++) {
		if (s3_name(&name, items[i].id, items[i].id_len) != 0)
			continue;
		if (name.kind == 'u')
			todo[m++] = (uint32_t)i;
		else if (name.kind == 'v' && out[i] == ANSWER_ABSENT &&
			 seen++ % stride == 0)
			todo[m++] = (uint32_t)i;
	}
	return m;
}

int s3_check_absent(void *handle, const struct item *items, size_t n,
		    enum answer *out, struct err *e)
{
	struct s3 *s = handle;
	struct asking a = {s, items, out, NULL, 0, 0, false, e};
	enum s3_found *found = calloc(n + 1, sizeof(*found));
	int rc = -1;

	a.todo = malloc((n + 1) * sizeof(*a.todo));
	if (a.todo == NULL || found == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (s3_ready(s, e) != 0 ||
	    by_listing(s, items, n, a.todo, found, out, e) != 0)
		goto out;
	a.n = choose(items, n, out, a.todo);
	rc = ask_all(&a);
out:
	free(a.todo);
	free(found);
	return rc;
}
