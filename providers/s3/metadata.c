/* metadata.c: credentials that a container's or an instance's own service
 * gives out: fixed link-local addresses, one short try. */
#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/json.h"

#define INSTANCE "http://169.254.169.254"
#define CONTAINER "http://169.254.170.2"

struct question {
	struct http_call http;
	const char *header;
	const char *value;
	struct buf *answer;
	bool ok;
};

static int prepare(struct http_call *c)
{
	struct question *q = c->arg;
	if (q->header == NULL)
		return 0;
	return http_header(c, q->header, q->value);
}

static void done(struct http_call *c)
{
	struct question *q = c->arg;
	q->ok = c->failure == HTTP_ANSWERED && c->status == 200 &&
		buf_put(q->answer, c->answer.data, c->answer.len) == 0;
}

/* One request; true with the body in answer when it was a 200. */
static bool ask(struct http *h, struct buf *answer, const char *method,
		const char *url, bool plain, const char *header,
		const char *value)
{
	struct question q;
	struct err ignored = ERR_INIT;

	memset(&q, 0, sizeof(q));
	q.http.method = method;
	q.http.url = url;
	q.http.plain_allowed = plain;
	q.http.prepare = prepare;
	q.http.done = done;
	q.http.arg = &q;
	q.header = header;
	q.value = value;
	q.answer = answer;
	buf_reset(answer);
	http_send(h, &q.http);
	return http_wait(h, &ignored) == 0 && q.ok;
}

/* {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} */
static void take(struct s3_credentials *c, const struct buf *json,
		 const char *from)
{
	struct err ignored = ERR_INIT;
	json_t *doc =
		json_strict(json->data, json->len, "credentials", &ignored);
	if (doc == NULL)
		return;
	const char *id = json_string_value(json_object_get(doc, "AccessKeyId"));
	const char *secret =
		json_string_value(json_object_get(doc, "SecretAccessKey"));
	const char *token = json_string_value(json_object_get(doc, "Token"));
	const char *until =
		json_string_value(json_object_get(doc, "Expiration"));
	if (id != NULL && secret != NULL) {
		buf_puts(&c->key_id, id);
		buf_puts(&c->secret, secret);
		if (token != NULL)
			buf_puts(&c->token, token);
		if (until != NULL && clock_parse(&c->expires, until) != 0)
			c->expires = 0;
		c->renewable = true;
		snprintf(c->from, sizeof(c->from), "%s", from);
	}
	json_decref(doc);
}

/* Amazon's services for containers live at two link-local addresses; anything
 * else must be TLS or this machine. */
static bool container_host(const char *url)
{
	return strncmp(url, "http://169.254.170.2/", 21) == 0 ||
	       strncmp(url, "http://169.254.170.23/", 22) == 0;
}

static void from_container(struct http *h, struct s3_credentials *c,
			   struct buf *answer)
{
	const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *value = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char url[1024];
	struct buf token;
	struct err ignored = ERR_INIT;

	buf_init_secret(&token, 16384);
	if (relative != NULL && relative[0] == '/')
		snprintf(url, sizeof(url), CONTAINER "%s", relative);
	else if (full != NULL)
		snprintf(url, sizeof(url), "%s", full);
	else
		goto out;
	if (file != NULL && file_read(&token, file, &ignored) == 0 &&
	    token.len != 0) {
		token.data[strcspn((char *)token.data, "\r\n")] = '\0';
		value = (const char *)token.data;
	}
	/* the pool refuses plain HTTP to anything but loopback */
	if (ask(h, answer, "GET", url, container_host(url),
		value != NULL && value[0] != '\0' ? "Authorization" : NULL,
		value))
		take(c, answer, "the container's service");
out:
	buf_release(&token);
}

static void from_instance(struct http *h, struct s3_credentials *c,
			  struct buf *answer)
{
	static const char list[] =
		INSTANCE "/latest/meta-data/iam/security-credentials/";
	char url[512];
	struct buf token;

	buf_init_secret(&token, 4096);
	/* version 2 of the service only: version 1 can be tricked */
	if (!ask(h, &token, "PUT", INSTANCE "/latest/api/token", true,
		 "X-aws-ec2-metadata-token-ttl-seconds", "21600"))
		goto out;
	if (!ask(h, answer, "GET", list, true, "X-aws-ec2-metadata-token",
		 buf_str(&token)))
		goto out;
	size_t n = strcspn(buf_str(answer), "\r\n");
	if (n == 0 || n > 128 ||
	    strspn(buf_str(answer), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789+=,.@_-") < n)
		goto out;
	snprintf(url, sizeof(url), "%s%.*s", list, (int)n, buf_str(answer));
	if (ask(h, answer, "GET", url, true, "X-aws-ec2-metadata-token",
		buf_str(&token)))
		take(c, answer, "the instance's service");
out:
	buf_release(&token);
}

int s3_metadata_read(struct s3_credentials *c,
		     const volatile sig_atomic_t *stop, struct err *e)
{
	struct http_options o;
	struct http *h;
	struct buf answer;
	const char *off = getenv("AWS_EC2_METADATA_DISABLED");

	http_options_init(&o);
	o.connections = 1;
	o.tries = 1;
	o.connect_ms = 1000;
	o.silence_s = 2;
	o.stop = stop;
	h = http_new(&o, e);
	if (h == NULL)
		return -1;
	buf_init_secret(&answer, 65536);
	from_container(h, c, &answer);
	if (c->key_id.len == 0 && (off == NULL || strcasecmp(off, "true") != 0))
		from_instance(h, c, &answer);
	buf_release(&answer);
	http_free(h);
	return 0;
}
