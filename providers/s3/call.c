#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/hex.h"

void s3_call_init(struct s3_call *c, struct s3 *s)
{
	memset(c, 0, sizeof(*c));
	c->s3 = s;
	buf_init(&c->url, 32768);
	buf_init(&c->path, 8192);
	buf_init(&c->query, 16384);
	buf_init(&c->body, HTTP_ANSWER_MAX);
}

void s3_call_release(struct s3_call *c)
{
	buf_release(&c->url);
	buf_release(&c->path);
	buf_release(&c->query);
	buf_release(&c->body);
}

int s3_call_target(struct s3_call *c, const char *method, const void *key,
		   size_t key_len, const struct sigv4_pair *query, size_t n)
{
	struct s3 *s = c->s3;

	c->http.method = method;
	buf_reset(&c->url);
	buf_reset(&c->path);
	buf_reset(&c->query);
	buf_puts(&c->path, s->base);
	if (key != NULL) {
		buf_putc(&c->path, '/');
		sigv4_encode(&c->path, key, key_len, true);
	}
	if (c->path.len == 0)
		buf_putc(&c->path, '/');
	sigv4_query(&c->query, query, n);
	buf_putf(&c->url, "%s://%s", s->scheme, s->authority);
	buf_put(&c->url, c->path.data, c->path.len);
	if (n != 0) {
		buf_putc(&c->url, '?');
		buf_put(&c->url, c->query.data, c->query.len);
	}
	return buf_failed(&c->url) || buf_failed(&c->path) ||
			       buf_failed(&c->query)
		       ? -1
		       : 0;
}

/* ---- a try -------------------------------------------------------------- */

static void pair(struct sigv4_pair *p, size_t *n, const char *name,
		 const char *value)
{
	p[*n].name = name;
	p[*n].value = value;
	p[*n].value_len = strlen(value);
	(*n)++;
}

/* Signs: names ascend, so the order of these lines matters. */
static int sign(struct s3_call *c)
{
	struct s3 *s = c->s3;
	char now[SIGV4_TIME];
	struct sigv4_pair h[8];
	size_t n = 0;
	struct buf auth;
	struct err e = ERR_INIT;
	int rc = -1;

	buf_init(&auth, 4096);
	sigv4_time(now, clock_now());
	const char *body = c->http.body_len != 0 ? c->body_sha : SIGV4_EMPTY;
	if (c->md5 != NULL)
		pair(h, &n, "content-md5", c->md5);
	pair(h, &n, "host", s->authority);
	if (c->bypass)
		pair(h, &n, "x-amz-bypass-governance-retention", "true");
	pair(h, &n, "x-amz-content-sha256", body);
	pair(h, &n, "x-amz-date", now);
	if (s->credentials.token.len != 0)
		pair(h, &n, "x-amz-security-token",
		     buf_str(&s->credentials.token));
	struct sigv4_request rq = {c->http.method,
				   buf_str(&c->path),
				   buf_str(&c->query),
				   h,
				   n,
				   body,
				   now};
	if (sigv4_authorize(&auth, s->signer, &rq, &e) != 0) {
		snprintf(c->http.why, sizeof(c->http.why), "%.200s", e.msg);
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		if (http_header(&c->http, h[i].name, h[i].value) != 0)
			goto out;
	if (http_header(&c->http, "authorization", buf_str(&auth)) != 0)
		goto out;
	if (c->http.body_len != 0 &&
	    http_header(&c->http, "content-type", "application/xml") != 0)
		goto out;
	rc = 0;
out:
	buf_release(&auth);
	return rc;
}

/* A 200 may still be an <Error>; everything else goes to the reader. */
static int element(void *arg, int depth, const char *name, const char *text,
		   size_t len)
{
	struct s3_call *c = arg;

	if (depth == 1 && text == NULL && strcmp(name, "Error") == 0)
		c->error_root = true;
	if (!c->error_root)
		return c->element(c->element_arg, depth, name, text, len);
	if (depth == 2 && text != NULL && strcmp(name, "Code") == 0)
		snprintf(c->error.code, sizeof(c->error.code), "%s", text);
	return 0;
}

static int prepare(struct http_call *h)
{
	struct s3_call *c = h->arg;

	memset(&c->error, 0, sizeof(c->error));
	c->error_root = false;
	if (c->begin != NULL && c->begin(c) != 0)
		return -1;
	if (c->xml != NULL && xml_start(c->xml, element, c) != 0)
		return -1;
	if (c->lenient)
		xml_lenient(c->xml);
	return sign(c);
}

static int sink(struct http_call *h, const void *data, size_t len)
{
	struct s3_call *c = h->arg;
	return xml_feed(c->xml, data, len);
}

/* ---- the answer --------------------------------------------------------- */

/* Text from the store for a message: nothing that controls a terminal. */
static void plain(char *out, size_t size, const char *text)
{
	size_t n = 0;

	if (text != NULL)
		for (; text[n] != '\0' && n + 1 < size; n++)
			out[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n]
								   : '?';
	out[n] = '\0';
}

static void read_error(struct s3_call *c)
{
	struct xml_doc d;

	xml_doc_init(&d);
	if (c->http.answer.len != 0 &&
	    xml_doc_read(&d, c->http.answer.data, c->http.answer.len) == 0 &&
	    strcmp(d.root, "Error") == 0) {
		plain(c->error.code, sizeof(c->error.code),
		      xml_doc_get(&d, "Code", 0));
		plain(c->error.message, sizeof(c->error.message),
		      xml_doc_get(&d, "Message", 0));
		plain(c->error.region, sizeof(c->error.region),
		      xml_doc_get(&d, "Region", 0));
		plain(c->error.endpoint, sizeof(c->error.endpoint),
		      xml_doc_get(&d, "Endpoint", 0));
	}
	xml_doc_release(&d);
	const char *region =
		http_answer_header(&c->http, "x-amz-bucket-region");
	if (c->error.region[0] == '\0')
		plain(c->error.region, sizeof(c->error.region), region);
}

static bool is_one_of(const char *code, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(code, *list) == 0)
			return true;
	return false;
}

static enum http_next judge_code(const char *code)
{
	static const char *const slower[] = {"SlowDown",
					     "ServiceUnavailable",
					     "Throttling",
					     "ThrottlingException",
					     "RequestLimitExceeded",
					     "TooManyRequests",
					     NULL};
	static const char *const again[] = {"InternalError", "RequestTimeout",
					    "OperationAborted", NULL};
	if (is_one_of(code, slower))
		return HTTP_SLOWER;
	return is_one_of(code, again) ? HTTP_AGAIN : HTTP_DONE;
}

static enum http_next judge(struct http_call *h)
{
	struct s3_call *c = h->arg;
	enum http_next next;

	if (h->status == 200 && c->xml != NULL) {
		if (h->broken || xml_end(c->xml) != 0) {
			h->broken = true;
			plain(h->why, sizeof(h->why), xml_why(c->xml));
			/* half an answer may be whole the next time; or it
			 * echoes a control character of a key, as Ceph does */
			c->lenient = c->echoes;
			return h->tried < 4 ? HTTP_AGAIN : HTTP_DONE;
		}
		return c->error_root ? judge_code(c->error.code) : HTTP_DONE;
	}
	if (h->status < 200 || h->status >= 300)
		read_error(c);
	next = judge_code(c->error.code);
	return next != HTTP_DONE ? next : http_judge(h);
}

static void done(struct http_call *h)
{
	struct s3_call *c = h->arg;
	struct s3 *s = c->s3;

	if (s->server[0] == '\0' && h->failure == HTTP_ANSWERED) {
		plain(s->server, sizeof(s->server),
		      http_answer_header(h, "server"));
		const char *id = http_answer_header(h, "x-amz-request-id");
		/* radosgw's ids are "tx" and hexadecimal digits; it names
		 * itself "Server: Ceph Object Gateway" since release 17 */
		if (strncmp(s->server, "Ceph", 4) == 0 ||
		    strncmp(id, "tx0", 3) == 0)
			s->ceph = true;
	}
	c->done(c);
}

void s3_call_send(struct s3_call *c)
{
	c->http.url = buf_str(&c->url);
	c->http.prepare = prepare;
	c->http.sink = c->xml != NULL ? sink : NULL;
	c->http.judge = judge;
	c->http.done = done;
	c->http.arg = c;
	http_send(c->s3->http, &c->http);
}

/* For s3_call_run: the answer outlives the loop. */
static void keep(struct s3_call *c)
{
	buf_put(&c->body, c->http.answer.data, c->http.answer.len);
}

bool s3_call_ok(const struct s3_call *c)
{
	return c->http.failure == HTTP_ANSWERED && c->http.status >= 200 &&
	       c->http.status < 300 && !c->http.broken && !c->error_root;
}

enum err_code s3_call_code(const struct s3_call *c)
{
	static const char *const auth[] = {"ExpiredToken",
					   "ExpiredTokenException",
					   "TokenRefreshRequired",
					   "InvalidToken",
					   "InvalidAccessKeyId",
					   "SignatureDoesNotMatch",
					   "RequestTimeTooSkewed",
					   "RequestExpired",
					   "InvalidClientTokenId",
					   "AuthFailure",
					   "MissingSecurityHeader",
					   "NotSignedUp",
					   "InvalidSecurity",
					   "UnauthorizedAccess",
					   NULL};
	switch (c->http.failure) {
	case HTTP_ANSWERED:
		break;
	case HTTP_STOPPED:
		return ERR_STOPPED;
	case HTTP_REFUSED:
		return ERR_FAILED;
	case HTTP_TOO_LARGE:
		return ERR_STORE;
	default:
		return ERR_UNREACHABLE;
	}
	if (is_one_of(c->error.code, auth) || c->http.status == 401)
		return ERR_AUTH;
	if (judge_code(c->error.code) != HTTP_DONE || c->http.status >= 500 ||
	    c->http.status == 429 || c->http.status == 408)
		return c->http.status == 501 ? ERR_STORE : ERR_UNREACHABLE;
	if (c->http.status == 403)
		return ERR_DENIED;
	return ERR_STORE;
}

bool s3_call_fatal(const struct s3_call *c)
{
	enum err_code code = s3_call_code(c);
	return !s3_call_ok(c) && (code == ERR_AUTH || code == ERR_UNREACHABLE ||
				  code == ERR_STOPPED || code == ERR_FAILED);
}

/* What the reader should do about an ERR_AUTH. */
static const char *advice(const struct s3_call *c)
{
	const char *code = c->error.code;

	if (strstr(code, "Expired") != NULL || strstr(code, "Token") != NULL)
		return "; the credentials have expired: get new ones and run "
		       "the same command again, it carries on";
	if (strcmp(code, "RequestTimeTooSkewed") == 0)
		return "; this machine's clock is wrong: set it and run the "
		       "same command again";
	if (strcmp(code, "SignatureDoesNotMatch") == 0)
		return "; the secret key does not belong to the key id, or "
		       "the region is wrong";
	return "; check which credentials are used (profile, "
	       "AWS_ACCESS_KEY_ID)";
}

int s3_call_failed(const struct s3_call *c, struct err *e, const char *what)
{
	const struct http_call *h = &c->http;
	enum err_code code = s3_call_code(c);
	const char *host = c->s3->endpoint;

	if (h->failure == HTTP_STOPPED)
		return err_set(e, code, "stopped while %s", what);
	if (h->failure == HTTP_UNTRUSTED)
		return err_set(e, code,
			       "%s: the certificate of %s does not verify "
			       "(%s); set ca_file if it is your own authority",
			       what, host, h->why);
	if (h->failure != HTTP_ANSWERED)
		return err_set(e, code, "%s: no answer from %s after %u %s: %s",
			       what, host, h->tried,
			       h->tried == 1 ? "try" : "tries", h->why);
	if (h->broken)
		return err_set(e, ERR_STORE,
			       "%s: %s sent an answer that cannot be read: %s",
			       what, host, h->why);
	const char *name = c->error.code[0] != '\0' ? c->error.code : "no code";
	if (h->status >= 300 && h->status < 400)
		return err_set(e, ERR_STORE,
			       "%s: %s redirects (%ld %s, region \"%s\"), "
			       "which is not followed: signed requests go to "
			       "the endpoint of the closeout file only; set "
			       "endpoint and region",
			       what, host, h->status, name, c->error.region);
	if (code == ERR_AUTH)
		return err_set(e, code,
			       "%s: %s refused the credentials from "
			       "%s (%ld %s)%s",
			       what, host, c->s3->credentials.from, h->status,
			       name, advice(c));
	return err_set(e, code, "%s: %s answered %ld %s%s%s%s", what, host,
		       h->status, name, c->error.message[0] != '\0' ? ": " : "",
		       c->error.message,
		       code == ERR_DENIED ? "; see docs/providers/S3.md for "
					    "the permissions"
					  : "");
}

int s3_call_run(struct s3_call *c, struct err *e)
{
	buf_reset(&c->body);
	c->done = keep;
	s3_call_send(c);
	return http_wait(c->s3->http, e);
}

/* ---- credentials in use ------------------------------------------------- */

int s3_signer(struct s3 *s, struct err *e)
{
	sigv4_free(s->signer);
	s->signer = sigv4_new(buf_str(&s->credentials.key_id),
			      buf_str(&s->credentials.secret), s->region, "s3");
	return s->signer != NULL ? 0 : err_set(e, ERR_FAILED, "out of memory");
}

int s3_ready(struct s3 *s, struct err *e)
{
	struct s3_credentials *c = &s->credentials;

	if (s->scope->stop != NULL && *s->scope->stop != 0)
		return err_set(e, ERR_STOPPED, "stopped");
	if (!c->renewable || c->expires == 0 || c->expires - clock_now() > 300)
		return 0;
	if (s3_credentials_find(c, s->profile, s->scope->stop, e) != 0)
		return -1;
	return s3_signer(s, e);
}
