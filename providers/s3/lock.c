/* lock.c: what keeps one version from being deleted.  HEAD says all of it in
 * one call, but needs the right to read the object; GET ?retention and GET
 * ?legal-hold do without. */
#include "providers/s3/s3.h"

#include <stdio.h>
#include <string.h>

#include "certs/base/clock.h"

enum { STEP_HEAD, STEP_RETENTION, STEP_HOLD };

/* "2026-12-30T00:00:00Z", also with a fraction of a second.  The fraction is
 * rounded up: a lock ends no earlier than it says. */
static int64_t parse_date(const char *text)
{
	char plain[CLOCK_TEXT];
	int64_t t;
	size_t n = strlen(text);

	if (n < 20 || text[n - 1] != 'Z')
		return -1;
	memcpy(plain, text, 19);
	plain[19] = 'Z';
	plain[20] = '\0';
	if (clock_parse(&t, plain) != 0 || t <= 0)
		return -1;
	/* ".000000000Z" is no fraction */
	return strspn(text + 19, ".0Z") == n - 19 ? t : t + 1;
}

static void take(struct s3_lock *l, const char *mode, const char *until)
{
	if (mode == NULL || mode[0] == '\0' || until == NULL)
		return;
	snprintf(l->mode, sizeof(l->mode), "%s", mode);
	l->governance = strcmp(mode, "GOVERNANCE") == 0;
	/* the right to bypass makes governance no lock at all */
	if (l->governance && l->call.s3->bypass)
		return;
	int64_t t = parse_date(until);
	if (t < 0) {
		l->held = true; /* locked, and we cannot read until when */
		return;
	}
	if (t > clock_now())
		l->until = t;
}

static int send_step(struct s3_lock *l, int step);

static void finish(struct s3_lock *l)
{
	l->done(l);
}

static bool no_lock_there(const struct s3_call *c)
{
	return c->http.failure == HTTP_ANSWERED && c->http.status == 404 &&
	       strcmp(c->error.code, "NoSuchObjectLockConfiguration") == 0;
}

/* Ceph says 400 InvalidRequest for a bucket without Object Lock, and 404
 * ObjectLockConfigurationNotFoundError is Amazon's word for it. */
static bool version_gone(const struct s3_call *c)
{
	return c->http.failure == HTTP_ANSWERED && c->http.status == 404 &&
	       (strcmp(c->error.code, "NoSuchVersion") == 0 ||
		strcmp(c->error.code, "NoSuchKey") == 0);
}

static void head_done(struct s3_lock *l)
{
	struct s3_call *c = &l->call;

	if (s3_call_ok(c)) {
		take(l, http_answer_header(&c->http, "x-amz-object-lock-mode"),
		     http_answer_header(&c->http,
					"x-amz-object-lock-retain-until-date"));
		l->held = l->held ||
			  strcmp(http_answer_header(
					 &c->http,
					 "x-amz-object-lock-legal-hold"),
				 "ON") == 0;
		l->by_head = true;
		finish(l);
		return;
	}
	if (s3_call_fatal(c)) {
		l->failed = true;
		finish(l);
		return;
	}
	/* 403: no right to read; 400: encrypted with a customer's key; 404:
	 * says nothing, a HEAD has no code */
	if (send_step(l, STEP_RETENTION) != 0) {
		l->failed = true;
		finish(l);
	}
}

static void get_done(struct s3_lock *l)
{
	struct s3_call *c = &l->call;
	struct xml_doc d;

	xml_doc_init(&d);
	if (version_gone(c)) {
		l->gone = true;
	} else if (s3_call_ok(c) && xml_doc_read(&d, c->http.answer.data,
						 c->http.answer.len) == 0) {
		const char *status = xml_doc_get(&d, "Status", 0);
		if (l->step == STEP_RETENTION)
			take(l, xml_doc_get(&d, "Mode", 0),
			     xml_doc_get(&d, "RetainUntilDate", 0));
		else if (status != NULL && strcmp(status, "ON") == 0)
			l->held = true;
	} else if (!no_lock_there(c)) {
		l->failed = true;
	}
	xml_doc_release(&d);
	if (l->failed || l->gone || l->step == STEP_HOLD) {
		finish(l);
		return;
	}
	if (send_step(l, STEP_HOLD) != 0) {
		l->failed = true;
		finish(l);
	}
}

static void step_done(struct s3_call *c)
{
	struct s3_lock *l = c->arg;
	if (l->step == STEP_HEAD)
		head_done(l);
	else
		get_done(l);
}

static int send_step(struct s3_lock *l, int step)
{
	static const char *const what[] = {NULL, "retention", "legal-hold"};
	struct sigv4_pair q[2];
	size_t n = 0;

	l->step = step;
	if (what[step] != NULL) {
		q[n].name = what[step];
		q[n].value = "";
		q[n++].value_len = 0;
	}
	q[n].name = "versionId";
	q[n].value = (const char *)l->name.version;
	q[n++].value_len = l->name.version_len;
	if (s3_call_target(&l->call, step == STEP_HEAD ? "HEAD" : "GET",
			   l->name.key, l->name.key_len, q, n) != 0)
		return -1;
	l->call.done = step_done;
	l->call.arg = l;
	s3_call_send(&l->call);
	return 0;
}

int s3_lock_send(struct s3_lock *l, struct s3 *s, const struct s3_name *name,
		 void (*done)(struct s3_lock *l), void *arg)
{
	memset(l, 0, sizeof(*l));
	s3_call_init(&l->call, s);
	l->name = *name;
	l->done = done;
	l->arg = arg;
	return send_step(l, STEP_HEAD);
}

void s3_lock_release(struct s3_lock *l)
{
	s3_call_release(&l->call);
}

int s3_lock_known(struct s3 *s, struct err *e)
{
	struct s3_call c;
	struct xml_doc d;
	const struct sigv4_pair q = {"object-lock", "", 0};
	int rc = -1;

	if (s->lock != S3_UNKNOWN)
		return 0;
	s3_call_init(&c, s);
	xml_doc_init(&d);
	if (s3_call_target(&c, "GET", NULL, 0, &q, 1) != 0) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (s3_call_run(&c, e) != 0)
		goto out;
	if (s3_call_ok(&c) && xml_doc_read(&d, c.body.data, c.body.len) == 0) {
		const char *on = xml_doc_get(&d, "ObjectLockEnabled", 0);
		if (strcmp(d.root, "ObjectLockConfiguration") == 0)
			s->lock = on != NULL && strcmp(on, "Enabled") == 0
					  ? S3_YES
					  : S3_NO;
		else if (d.root[0] != '\0')
			s->lock = S3_NO; /* the store does not know the word */
	} else if (c.http.failure == HTTP_ANSWERED &&
		   (c.http.status == 404 || c.http.status == 501 ||
		    c.http.status == 400 || c.http.status == 405) &&
		   !s3_call_fatal(&c)) {
		s->lock = S3_NO;
	} else if (s3_call_fatal(&c)) {
		s3_call_failed(&c, e, "asking for the bucket's Object Lock");
		goto out;
	}
	/* 403 leaves it unknown: each version is asked, just in case */
	if (s->lock == S3_UNKNOWN)
		s->lock = S3_YES;
	rc = 0;
out:
	xml_doc_release(&d);
	s3_call_release(&c);
	return rc;
}
