/*
 * destroy.c: batches of up to 1000 through DeleteObjects, everything that XML
 * cannot carry one by one, uploads by AbortMultipartUpload.
 *
 * Nothing here is evidence (I5): DONE means that the store said so.  Whatever
 * was not answered clearly is UNKNOWN, and asked again by a later run; all
 * calls are idempotent, because a version id is never given twice.
 *
 * The exception are "null" versions: they can be overwritten in place.  They
 * are listed again just before, and left alone when they changed.
 *
 * A batch that cannot be understood as a whole (400 without a body, half an
 * answer, an error about a key that was not sent), or whose connection breaks
 * each time, is repeated one by one.
 */
#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "certs/base/hex.h"

#define BODY_MAX (1u << 20)
#define BAD_MAX 4 /* failures of the store in a row that end the call */

struct job {
	struct s3 *s;
	const struct item *items;
	struct s3_name *names;
	struct outcome *out;
	struct err *e;
	uint32_t *batched, *single; /* indices into items */
	size_t n_batched, n_single, next_batched, next_single;
	unsigned bad;
	bool over;
};

struct batch {
	struct job *job;
	size_t begin, n; /* in job->batched */
	struct s3_call call;
	struct xml *xml;
	struct buf body;
	char md5[32];
	char code[S3_PAGE][24]; /* per item, "" when no error came */
	bool stranger;		/* an error for something not sent */
	/* while reading an <Error> */
	bool inside;
	struct buf key, version;
	char now[64];
};

struct one {
	struct job *job;
	uint32_t index;
	struct s3_call call;
	struct s3_lock lock;
};

static void fill(struct job *j);

static void why(struct outcome *o, enum outcome_code code, const char *text)
{
	o->code = code;
	snprintf(o->why, sizeof(o->why), "%s", text);
}

static void give_up(struct job *j)
{
	j->over = true;
	http_cancel(j->s->http);
}

/* What a failed call means for the whole: credentials and lost connections
 * end it at once, a store that keeps failing after a few. */
static void note_failure(struct job *j, const struct s3_call *c,
			 const char *what)
{
	enum err_code code = s3_call_code(c);
	bool answered = c->http.failure == HTTP_ANSWERED;

	if (!s3_call_fatal(c) || j->over)
		return;
	if (code == ERR_UNREACHABLE && answered && ++j->bad < BAD_MAX)
		return;
	s3_call_failed(c, j->e, what);
	give_up(j);
}

/* ---- one by one --------------------------------------------------------- */

static void one_free(struct one *o)
{
	s3_call_release(&o->call);
	free(o);
}

static void locked(struct s3_lock *l)
{
	struct one *o = l->arg;
	struct outcome *out = &o->job->out[o->index];

	if (l->gone) {
		why(out, OUTCOME_GONE, "");
	} else if (l->until != 0) {
		why(out, OUTCOME_LOCKED, "Object Lock");
		out->until = l->until;
	} else if (l->held) {
		why(out, OUTCOME_REFUSED, "legal hold");
	}
	struct job *j = o->job;
	s3_lock_release(l);
	one_free(o);
	fill(j);
}

/* A refusal: is it a lock?  Takes o over. */
static void ask_lock(struct one *o)
{
	struct job *j = o->job;

	if (j->over || j->s->lock != S3_YES || j->names[o->index].kind != 'v') {
		one_free(o);
		return;
	}
	if (s3_lock_send(&o->lock, j->s, &j->names[o->index], locked, o) != 0) {
		s3_lock_release(&o->lock);
		one_free(o);
	}
}

static void one_done(struct s3_call *c)
{
	struct one *o = c->arg;
	struct job *j = o->job;
	struct outcome *out = &j->out[o->index];
	const char *code = c->error.code;
	char text[100];

	snprintf(text, sizeof(text), "%ld %s", c->http.status, code);
	if (s3_call_ok(c)) {
		j->bad = 0;
		why(out, OUTCOME_DONE, "");
	} else if (c->http.failure != HTTP_ANSWERED) {
		snprintf(out->why, sizeof(out->why), "%.110s", c->http.why);
	} else if (c->http.status == 404 &&
		   (strcmp(code, "NoSuchVersion") == 0 ||
		    strcmp(code, "NoSuchKey") == 0 ||
		    strcmp(code, "NoSuchUpload") == 0)) {
		why(out, OUTCOME_GONE, "");
	} else if (s3_call_code(c) == ERR_DENIED || c->http.status == 405 ||
		   c->http.status == 409) {
		why(out, OUTCOME_REFUSED, text);
		ask_lock(o);
		fill(j);
		return;
	} else {
		why(out, OUTCOME_UNKNOWN, text);
	}
	note_failure(j, c, "deleting a version");
	one_free(o);
	fill(j);
}

static int send_one(struct job *j, uint32_t index)
{
	struct one *o = calloc(1, sizeof(*o));
	const struct s3_name *n = &j->names[index];
	const struct sigv4_pair q = {n->kind == 'u' ? "uploadId" : "versionId",
				     (const char *)n->version, n->version_len};

	if (o == NULL)
		return -1;
	o->job = j;
	o->index = index;
	s3_call_init(&o->call, j->s);
	if (s3_call_target(&o->call, "DELETE", n->key, n->key_len, &q, 1) !=
	    0) {
		one_free(o);
		return -1;
	}
	o->call.bypass = j->s->bypass && n->kind == 'v';
	o->call.done = one_done;
	o->call.arg = o;
	s3_call_send(&o->call);
	return 0;
}

/* ---- batches ------------------------------------------------------------ */

static void batch_free(struct batch *b)
{
	s3_call_release(&b->call);
	xml_free(b->xml);
	buf_release(&b->body);
	buf_release(&b->key);
	buf_release(&b->version);
	free(b);
}

static void put_escaped(struct buf *out, const unsigned char *p, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		const char *as = p[i] == '&'   ? "&amp;"
				 : p[i] == '<' ? "&lt;"
				 : p[i] == '>' ? "&gt;"
				 : p[i] == '"' ? "&quot;"
					       : NULL;
		if (as == NULL)
			continue;
		buf_put(out, p + from, i - from);
		buf_puts(out, as);
		from = i + 1;
	}
	buf_put(out, p + from, len - from);
}

/* Keys that XML 1.0 carries unchanged through any parser. */
static bool xml_can(const unsigned char *key, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (key[i] < 0x20 || key[i] == 0x7f)
			return false;
		/* U+FFFE, U+FFFF; C1 controls, which some parsers fold */
		if (key[i] == 0xef && i + 2 < len && key[i + 1] == 0xbf &&
		    key[i + 2] >= 0xbe)
			return false;
		if (key[i] == 0xc2 && i + 1 < len && key[i + 1] < 0xa0)
			return false;
	}
	return s3_utf8(key, len);
}

static uint32_t nth(const struct batch *b, size_t i)
{
	return b->job->batched[b->begin + i];
}

static void end_error(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct s3_name *n = &b->job->names[nth(b, i)];
		if (s3_compare(n->key, n->key_len, b->key.data, b->key.len) !=
			    0 ||
		    (b->version.len != 0 &&
		     s3_compare(n->version, n->version_len, b->version.data,
				b->version.len) != 0))
			continue;
		snprintf(b->code[i], sizeof(b->code[i]), "%.23s",
			 b->now[0] != '\0' ? b->now : "Error");
		/* without a version id it may be any version of the key */
		if (b->version.len != 0)
			return;
		b->stranger = true;
		return;
	}
	b->stranger = true;
}

static int element(void *arg, int depth, const char *name, const char *text,
		   size_t len)
{
	struct batch *b = arg;

	if (depth == 1)
		return strcmp(name, "DeleteResult") == 0 ||
				       strcmp(name, "DeleteObjectsResult") == 0
			       ? 0
			       : -1;
	if (depth == 2) {
		if (strcmp(name, "Error") != 0) {
			b->inside = false;
			return 0;
		}
		b->inside = text == NULL;
		if (text == NULL) {
			buf_reset(&b->key);
			buf_reset(&b->version);
			b->now[0] = '\0';
		} else {
			end_error(b);
		}
		return 0;
	}
	if (!b->inside || text == NULL || depth != 3)
		return 0;
	if (strcmp(name, "Key") == 0)
		return buf_put(&b->key, text, len);
	if (strcmp(name, "VersionId") == 0)
		return buf_put(&b->version, text, len);
	if (strcmp(name, "Code") == 0)
		snprintf(b->now, sizeof(b->now), "%s", text);
	return 0;
}

static int begin(struct s3_call *c)
{
	struct batch *b = c->arg;

	memset(b->code, 0, b->n * sizeof(b->code[0]));
	b->stranger = b->inside = false;
	return 0;
}

/* One by one: what is in the batch, or only what has that code. */
static void singly(struct job *j, uint32_t index)
{
	j->single[j->n_single++] = index;
}

static bool passing(const char *code)
{
	return strcmp(code, "InternalError") == 0 ||
	       strcmp(code, "SlowDown") == 0 ||
	       strcmp(code, "ServiceUnavailable") == 0 ||
	       strcmp(code, "OperationAborted") == 0 ||
	       strcmp(code, "RequestTimeout") == 0 ||
	       strcmp(code, "Error") == 0;
}

static void refused(struct job *j, uint32_t index, const char *code)
{
	why(&j->out[index], OUTCOME_REFUSED, code);
	struct one *o = calloc(1, sizeof(*o));
	if (o == NULL)
		return;
	o->job = j;
	o->index = index;
	s3_call_init(&o->call, j->s);
	ask_lock(o);
}

static void batch_answered(struct batch *b)
{
	struct job *j = b->job;

	j->bad = 0;
	for (size_t i = 0; i < b->n; i++) {
		uint32_t x = nth(b, i);
		const char *code = b->code[i];
		if (b->stranger || passing(code))
			singly(j, x);
		else if (code[0] == '\0')
			why(&j->out[x], OUTCOME_DONE, "");
		else if (strcmp(code, "NoSuchVersion") == 0 ||
			 strcmp(code, "NoSuchKey") == 0)
			why(&j->out[x], OUTCOME_GONE, "");
		else
			refused(j, x, code);
	}
}

static void batch_done(struct s3_call *c)
{
	struct batch *b = c->arg;
	struct job *j = b->job;

	if (s3_call_ok(c)) {
		batch_answered(b);
	} else {
		/* no connection, again and again: a server that needs longer
		 * for a batch than it (or what is between) allows; if it is
		 * down, single deletes will tell */
		bool lost = c->http.failure == HTTP_UNREACHABLE;
		if (!lost)
			note_failure(j, c, "deleting a batch of versions");
		for (size_t i = 0; i < b->n; i++) {
			struct outcome *o = &j->out[nth(b, i)];
			/* an answer that helps nobody: one by one */
			if (!j->over &&
			    (lost || c->http.failure == HTTP_ANSWERED))
				singly(j, nth(b, i));
			else
				snprintf(o->why, sizeof(o->why), "%ld %.60s",
					 c->http.status, c->error.code);
		}
	}
	batch_free(b);
	fill(j);
}

static int seal(struct batch *b)
{
	unsigned char md5[16], sha[SHA_LEN];
	struct err ignored = ERR_INIT;
	unsigned n = 0;

	if (buf_failed(&b->body) ||
	    EVP_Digest(b->body.data, b->body.len, md5, &n, EVP_md5(), NULL) !=
		    1 ||
	    n != sizeof(md5) ||
	    sha_once(sha, b->body.data, b->body.len, &ignored) != 0)
		return -1;
	EVP_EncodeBlock((unsigned char *)b->md5, md5, sizeof(md5));
	hex_encode(b->call.body_sha, sha, sizeof(sha));
	b->call.md5 = b->md5;
	b->call.http.body = b->body.data;
	b->call.http.body_len = b->body.len;
	return 0;
}

static int send_batch(struct job *j)
{
	struct batch *b = calloc(1, sizeof(*b));
	const struct sigv4_pair q = {"delete", "", 0};

	if (b == NULL)
		return -1;
	b->job = j;
	b->begin = j->next_batched;
	s3_call_init(&b->call, j->s);
	buf_init(&b->body, BODY_MAX + 16384);
	buf_init(&b->key, XML_TEXT_MAX);
	buf_init(&b->version, XML_TEXT_MAX);
	b->xml = xml_new();
	buf_puts(&b->body,
		 "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		 "<Quiet>true</Quiet>");
	while (b->n < S3_PAGE && b->begin + b->n < j->n_batched &&
	       b->body.len < BODY_MAX) {
		const struct s3_name *n = &j->names[nth(b, b->n)];
		buf_puts(&b->body, "<Object><Key>");
		put_escaped(&b->body, n->key, n->key_len);
		buf_puts(&b->body, "</Key><VersionId>");
		put_escaped(&b->body, n->version, n->version_len);
		buf_puts(&b->body, "</VersionId></Object>");
		b->n++;
	}
	buf_puts(&b->body, "</Delete>");
	if (b->xml == NULL || seal(b) != 0 ||
	    s3_call_target(&b->call, "POST", NULL, 0, &q, 1) != 0) {
		batch_free(b);
		return -1;
	}
	b->call.bypass = j->s->bypass;
	b->call.http.tries = 4;
	b->call.xml = b->xml;
	b->call.element = element;
	b->call.element_arg = b;
	b->call.begin = begin;
	b->call.done = batch_done;
	b->call.arg = b;
	j->next_batched += b->n;
	s3_call_send(&b->call);
	return 0;
}

static void fill(struct job *j)
{
	while (!j->over && http_room(j->s->http) > 0) {
		int rc;
		if (j->next_batched < j->n_batched)
			rc = send_batch(j);
		else if (j->next_single < j->n_single)
			rc = send_one(j, j->single[j->next_single++]);
		else
			return;
		if (rc != 0) {
			err_set(j->e, ERR_FAILED, "out of memory");
			give_up(j);
		}
	}
}

/* ---- before ------------------------------------------------------------- */

/* I1, I3 once more: what is not of this source, or is retained, is not
 * touched, whoever asks. */
static bool allowed(struct job *j, size_t i)
{
	struct s3_name *n = &j->names[i];

	if (s3_name(n, j->items[i].id, j->items[i].id_len) != 0) {
		why(&j->out[i], OUTCOME_REFUSED, "not an item of S3");
		return false;
	}
	if (!s3_in_scope(j->s, n->key, n->key_len)) {
		why(&j->out[i], OUTCOME_REFUSED, "outside the source's scope");
		return false;
	}
	if (j->items[i].retention != 0 ||
	    s3_retention(j->s, n->key, n->key_len) != 0) {
		why(&j->out[i], OUTCOME_REFUSED, "retained");
		return false;
	}
	return true;
}

static bool is_null(const struct s3_name *n)
{
	return n->kind != 'u' && n->version_len == 4 &&
	       memcmp(n->version, "null", 4) == 0;
}

static _Thread_local const struct item *sorting; /* qsort has no argument */

static int by_id(const void *a, const void *b)
{
	const struct item *x = &sorting[*(const uint32_t *)a];
	const struct item *y = &sorting[*(const uint32_t *)b];
	return s3_compare(x->id, x->id_len, y->id, y->id_len);
}

/* Looks the null versions up; the answers stand in found. */
static int check_nulls(struct job *j, const bool *go, size_t n,
		       enum s3_found *found)
{
	uint32_t *order = malloc((n + 1) * sizeof(*order));
	size_t m = 0;
	int rc = 0;

	if (order == NULL)
		return err_set(j->e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (go[i] && is_null(&j->names[i]))
			order[m++] = (uint32_t)i;
	if (m != 0) {
		sorting = j->items;
		qsort(order, m, sizeof(*order), by_id);
		rc = s3_lookup(j->s, j->items, order, m, found, j->e);
	}
	free(order);
	return rc;
}

static void sort_out(struct job *j, const bool *go, size_t n,
		     const enum s3_found *found)
{
	for (size_t i = 0; i < n; i++) {
		const struct s3_name *name = &j->names[i];
		if (!go[i])
			continue;
		if (is_null(name) && found[i] == S3_ABSENT)
			why(&j->out[i], OUTCOME_GONE, "");
		else if (is_null(name) && found[i] == S3_OTHER)
			why(&j->out[i], OUTCOME_DRIFTED,
			    "overwritten since the plan");
		else if (is_null(name) && found[i] != S3_SAME)
			why(&j->out[i], OUTCOME_UNKNOWN, "could not be listed");
		else if (name->kind != 'u' && xml_can(name->key, name->key_len))
			j->batched[j->n_batched++] = (uint32_t)i;
		else
			j->single[j->n_single++] = (uint32_t)i;
	}
}

int s3_destroy(void *handle, const struct item *items, size_t n,
	       struct outcome *out, struct bystanders *by, struct err *e)
{
	struct s3 *s = handle;
	struct job j;
	bool *go = calloc(n + 1, sizeof(*go));
	enum s3_found *found = calloc(n + 1, sizeof(*found));
	int rc = -1;

	(void)by; /* measured from outside, see bystanders.c */
	memset(&j, 0, sizeof(j));
	j.s = s;
	j.items = items;
	j.out = out;
	j.e = e;
	j.names = calloc(n + 1, sizeof(*j.names));
	j.batched = malloc((n + 1) * sizeof(*j.batched));
	j.single = malloc((n + 1) * sizeof(*j.single));
	if (go == NULL || found == NULL || j.names == NULL ||
	    j.batched == NULL || j.single == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		go[i] = allowed(&j, i);
	if (s3_ready(s, e) != 0 || s3_lock_known(s, e) != 0 ||
	    check_nulls(&j, go, n, found) != 0)
		goto out;
	sort_out(&j, go, n, found);
	fill(&j);
	if (http_wait(s->http, e) != 0 || j.over)
		goto out;
	if (j.next_batched < j.n_batched || j.next_single < j.n_single) {
		err_set(e, ERR_STOPPED, "stopped while deleting");
		goto out;
	}
	rc = 0;
out:
	free(go);
	free(found);
	free(j.names);
	free(j.batched);
	free(j.single);
	return rc;
}
