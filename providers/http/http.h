/*
 * http.h: many requests in flight on one event loop (the only user of
 * libcurl).
 *
 * A caller fills in a struct http_call and hands it to http_send(); the loop
 * runs inside http_wait(), which returns when nothing is queued or in flight.
 * `done` may send further calls.  Connections and handles are kept alive for
 * the life of the pool.
 *
 * What the transport promises:
 *  - TLS is verified; plain HTTP only to a loopback address, or where the pool
 *    or the call says so; never a redirect; never a proxy for plain HTTP.
 *  - A try that meets 408, 429, 500, 502, 503, 504, a time-out or a broken
 *    connection is repeated with exponential backoff and jitter, or after what
 *    Retry-After says; so calls must be idempotent.
 *  - 429 and 503 halve the number of requests in flight; answers raise it
 *    again, slowly.
 *  - Between tries the stop flag is looked at: then nothing new is begun, what
 *    is in flight gets its answer.
 */
#ifndef QUIETUS_HTTP_H
#define QUIETUS_HTTP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"

#define HTTP_HEADERS_MAX 32768	     /* bytes of an answer's headers */
#define HTTP_ANSWER_MAX (256 * 1024) /* bytes of a body without a sink */

struct http;
struct http_call;

struct http_options {
	unsigned connections; /* at most, 1 to 64 */
	const char *ca_file;  /* NULL: the system's */
	bool insecure;	      /* plain HTTP to any host */
	unsigned tries;	      /* of one call, at most */
	unsigned backoff_ms;  /* before the second try; doubles */
	unsigned backoff_max_ms;
	unsigned connect_ms;		   /* time-out of a connection */
	unsigned silence_s;		   /* time-out without a byte moving */
	const volatile sig_atomic_t *stop; /* may be NULL */
};
/* The values that suit a store across the internet. */
void http_options_init(struct http_options *o);

/* Why a call has no answer. */
enum http_failure {
	HTTP_ANSWERED = 0, /* status holds it */
	HTTP_UNREACHABLE,  /* no connection, time-out, cut off: all tries */
	HTTP_UNTRUSTED,	   /* TLS: the certificate does not verify */
	HTTP_TOO_LARGE,	   /* headers or body beyond the maximum */
	HTTP_REFUSED,	   /* by us: the URL, prepare or sink said no */
	HTTP_STOPPED,	   /* the stop flag, or http_cancel */
};

/* What becomes of a try that got an answer. */
enum http_next {
	HTTP_DONE = 0,
	HTTP_AGAIN,  /* try again after the backoff */
	HTTP_SLOWER, /* the same, with fewer requests in flight */
};

struct http_call {
	/* Set by the caller; everything outlives the call. */
	const char *method;
	const char *url; /* complete, already percent-encoded */
	const void *body;
	size_t body_len;
	bool plain_allowed; /* a metadata service on a link-local address */
	unsigned tries;	    /* 0: the pool's */
	/* Before every try: forget what earlier tries brought, and add the
	 * headers with http_header() (signatures carry a date).  May set body.
	 * -1 ends the call with HTTP_REFUSED. */
	int (*prepare)(struct http_call *c);
	/* The body of a 200 as it arrives; NULL collects it in answer.  -1
	 * ends the transfer: the try failed as if the answer was broken. */
	int (*sink)(struct http_call *c, const void *data, size_t len);
	/* After an answer; NULL means http_judge. */
	enum http_next (*judge)(struct http_call *c);
	/* The end; called once.  May free the call and send others. */
	void (*done)(struct http_call *c);
	void *arg;

	/* Filled for the callbacks. */
	enum http_failure failure;
	long status;
	bool broken;	   /* the sink refused, or the body was cut */
	struct buf answer; /* released by http after done */
	char why[256];	   /* of the last failure */
	unsigned tried;

	/* The transport's own. */
	struct buf headers;
	void *list;
	double not_before;
	struct http_call *next;
};

/* NULL with *e set when libcurl cannot start.  http_free(NULL) is harmless;
 * calls in flight are dropped without done. */
struct http *http_new(const struct http_options *o, struct err *e);
void http_free(struct http *h);

/* Queues a call. */
void http_send(struct http *h, struct http_call *c);

/* Adds a header to the try that is being prepared.  0 or -1. */
int http_header(struct http_call *c, const char *name, const char *value);

/* Runs the loop until nothing is queued or in flight.  Results are the calls'
 * own; -1 only when the loop itself broke. */
int http_wait(struct http *h, struct err *e);

/* Ends all queued calls with HTTP_STOPPED; what is in flight is answered but
 * not tried again.  Lasts until http_wait returns. */
void http_cancel(struct http *h);

/* How many further calls would begin at once, were they sent now. */
unsigned http_room(const struct http *h);

/* The usual judgement by status. */
enum http_next http_judge(struct http_call *c);

/* A header of the answer ("" when there is none); name in lower case. */
const char *http_answer_header(const struct http_call *c, const char *name);

/* Takes scheme, host (with its port, if any) and path ("" for "/") out of a
 * URL.  -1 with a reason in why when it is not http or https, or carries user
 * information, a query or a fragment. */
struct http_url {
	char scheme[8];
	char host[256];
	char path[512];
	bool loopback;
};
int http_url_split(struct http_url *out, const char *url, const char **why);

#endif
