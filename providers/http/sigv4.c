#include "providers/http/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs/base/hex.h"
#include "certs/base/wipe.h"

struct sigv4 {
	char *key_id;
	char *secret;
	char *region;
	char *service;
	char day[9];	   /* of the derived key, "" before the first */
	struct hmac *hmac; /* keyed with the derived key */
	struct sha *sha;
};

static const char unreserved[256] = {
	['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1,
	['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1,
	['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1,
	['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1,
	['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,
	['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1,
	['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1,
	['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1,
	['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1, ['0'] = 1, ['1'] = 1,
	['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,
	['8'] = 1, ['9'] = 1, ['-'] = 1, ['.'] = 1, ['_'] = 1, ['~'] = 1,
};

int sigv4_encode(struct buf *out, const void *raw, size_t len, bool slash)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *p = raw;

	unsigned char *to = buf_reserve(out, len * 3);
	if (to == NULL)
		return -1;
	unsigned char *start = to;
	for (size_t i = 0; i < len; i++) {
		if (unreserved[p[i]] || (slash && p[i] == '/')) {
			*to++ = p[i];
		} else {
			*to++ = '%';
			*to++ = (unsigned char)digits[p[i] >> 4];
			*to++ = (unsigned char)digits[p[i] & 15];
		}
	}
	out->len += (size_t)(to - start);
	out->data[out->len] = '\0';
	return 0;
}

int sigv4_query(struct buf *out, const struct sigv4_pair *pairs, size_t n)
{
	size_t order[16];

	if (n > sizeof(order) / sizeof(order[0]))
		return -1;
	/* by insertion: a request has three to seven parameters, and their
	 * names hold nothing that encoding would reorder */
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		while (at > 0 &&
		       strcmp(pairs[order[at - 1]].name, pairs[i].name) > 0) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = i;
	}
	for (size_t i = 0; i < n; i++) {
		const struct sigv4_pair *p = &pairs[order[i]];
		if (i != 0)
			buf_putc(out, '&');
		sigv4_encode(out, p->name, strlen(p->name), false);
		buf_putc(out, '=');
		sigv4_encode(out, p->value, p->value_len, false);
	}
	return buf_failed(out) ? -1 : 0;
}

void sigv4_time(char out[SIGV4_TIME], int64_t t)
{
	struct tm tm;
	time_t when = (time_t)t;

	if (gmtime_r(&when, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	if (strftime(out, SIGV4_TIME, "%Y%m%dT%H%M%SZ", &tm) != SIGV4_TIME - 1)
		out[0] = '\0';
}

struct sigv4 *sigv4_new(const char *key_id, const char *secret,
			const char *region, const char *service)
{
	struct sigv4 *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->key_id = strdup(key_id);
	s->secret = strdup(secret);
	s->region = strdup(region);
	s->service = strdup(service);
	s->sha = sha_new();
	if (s->key_id == NULL || s->secret == NULL || s->region == NULL ||
	    s->service == NULL || s->sha == NULL) {
		sigv4_free(s);
		return NULL;
	}
	return s;
}

void sigv4_free(struct sigv4 *s)
{
	if (s == NULL)
		return;
	free(s->key_id);
	wipe_free(s->secret);
	free(s->region);
	free(s->service);
	hmac_free(s->hmac);
	sha_free(s->sha);
	free(s);
}

/* out = HMAC(key, text); out may be key. */
static int step(unsigned char out[SHA_LEN], const void *key, size_t len,
		const char *text)
{
	struct hmac *h = hmac_new(key, len);
	if (h == NULL)
		return -1;
	hmac_start(h);
	hmac_add(h, text, strlen(text));
	hmac_end(h, out);
	hmac_free(h);
	return 0;
}

static int derive(struct sigv4 *s, const char *day, struct err *e)
{
	int rc = -1;
	unsigned char k[SHA_LEN];
	struct buf first;

	if (s->hmac != NULL && strcmp(s->day, day) == 0)
		return 0;
	buf_init_secret(&first, 4096);
	buf_puts(&first, "AWS4");
	buf_puts(&first, s->secret);
	if (buf_failed(&first) || step(k, first.data, first.len, day) != 0 ||
	    step(k, k, sizeof(k), s->region) != 0 ||
	    step(k, k, sizeof(k), s->service) != 0 ||
	    step(k, k, sizeof(k), "aws4_request") != 0) {
		err_set(e, ERR_FAILED, "deriving the key that signs requests");
		goto out;
	}
	hmac_free(s->hmac);
	s->hmac = hmac_new(k, sizeof(k));
	if (s->hmac == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	snprintf(s->day, sizeof(s->day), "%s", day);
	rc = 0;
out:
	wipe(k, sizeof(k));
	buf_release(&first);
	return rc;
}

static void put_names(struct buf *out, const struct sigv4_request *rq)
{
	for (size_t i = 0; i < rq->n_headers; i++) {
		if (i != 0)
			buf_putc(out, ';');
		buf_puts(out, rq->headers[i].name);
	}
}

int sigv4_canonical(struct buf *out, const struct sigv4_request *rq)
{
	buf_puts(out, rq->method);
	buf_putc(out, '\n');
	buf_puts(out, rq->path);
	buf_putc(out, '\n');
	buf_puts(out, rq->query);
	buf_putc(out, '\n');
	for (size_t i = 0; i < rq->n_headers; i++) {
		buf_puts(out, rq->headers[i].name);
		buf_putc(out, ':');
		buf_put(out, rq->headers[i].value, rq->headers[i].value_len);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
	put_names(out, rq);
	buf_putc(out, '\n');
	buf_puts(out, rq->body_sha256);
	return buf_failed(out) ? -1 : 0;
}

int sigv4_authorize(struct buf *out, struct sigv4 *s,
		    const struct sigv4_request *rq, struct err *e)
{
	int rc = -1;
	char day[9], scope[160], hex[SHA_LEN * 2 + 1];
	unsigned char d[SHA_LEN];
	struct buf b;

	buf_init(&b, 65536);
	snprintf(day, sizeof(day), "%.8s", rq->time);
	if (derive(s, day, e) != 0)
		goto out;
	if (sigv4_canonical(&b, rq) != 0) {
		err_set(e, ERR_FAILED, "a request is too long to be signed");
		goto out;
	}
	sha_start(s->sha);
	sha_add(s->sha, b.data, b.len);
	sha_end(s->sha, d);
	hex_encode(hex, d, sizeof(d));
	snprintf(scope, sizeof(scope), "%s/%s/%s/aws4_request", day, s->region,
		 s->service);
	buf_reset(&b);
	buf_putf(&b, "AWS4-HMAC-SHA256\n%s\n%s\n%s", rq->time, scope, hex);
	hmac_start(s->hmac);
	hmac_add(s->hmac, b.data, b.len);
	hmac_end(s->hmac, d);
	hex_encode(hex, d, sizeof(d));
	buf_putf(out,
		 "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", s->key_id,
		 scope);
	put_names(out, rq);
	buf_putf(out, ",Signature=%s", hex);
	if (buf_failed(out) || buf_failed(&b)) {
		err_set(e, ERR_FAILED, "a signature does not fit its header");
		goto out;
	}
	rc = 0;
out:
	buf_release(&b);
	return rc;
}
