/*
 * sigv4.h: AWS Signature Version 4, as Amazon S3 wants it.
 *
 * libcurl 7.88 has a signer of its own, but it signs path and query as given
 * (no sorting, no "=" after bare parameters) and its rules changed from
 * release to release; the strict URL it would need is most of a signer, so the
 * signing is done here and tested against AWS's published vectors.
 *
 * S3's own rules: the path is percent-encoded once, never normalised, and the
 * digest of the body is a signed header (x-amz-content-sha256).
 */
#ifndef QUIETUS_SIGV4_H
#define QUIETUS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"

/* SHA-256 of nothing, for requests without a body. */
#define SIGV4_EMPTY                                                            \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define SIGV4_TIME 17 /* "20130524T000000Z" and its NUL */

/* A name and its value, both raw bytes. */
struct sigv4_pair {
	const char *name;
	const char *value;
	size_t value_len;
};

/* One request to be signed. */
struct sigv4_request {
	const char *method;
	const char *path;  /* encoded, begins with "/" */
	const char *query; /* canonical, see sigv4_query(); "" when none */
	/* Lower-case names in ascending order, values without surrounding
	 * blanks: all that must be signed, host and x-amz-date included. */
	const struct sigv4_pair *headers;
	size_t n_headers;
	const char *body_sha256; /* hexadecimal */
	const char *time;	 /* as x-amz-date: YYYYMMDDThhmmssZ */
};

struct sigv4; /* the derived signing key of one day, region and service */

/* Appends raw bytes percent-encoded: everything but A-Z a-z 0-9 - . _ ~ and,
 * if slash is true, "/". */
int sigv4_encode(struct buf *out, const void *raw, size_t len, bool slash);

/* Appends the canonical query: names and values encoded, pairs in ascending
 * order of their encoded names, each with "=".  n is at most 16.  It serves
 * as the query of the URL too. */
int sigv4_query(struct buf *out, const struct sigv4_pair *pairs, size_t n);

/* Writes the time of x-amz-date. */
void sigv4_time(char out[SIGV4_TIME], int64_t t);

/* Makes a signer; NULL when memory is exhausted.  The strings are copied, the
 * secret into memory that sigv4_free wipes.  sigv4_free(NULL) is harmless. */
struct sigv4 *sigv4_new(const char *key_id, const char *secret,
			const char *region, const char *service);
void sigv4_free(struct sigv4 *s);

/* Appends the value of the Authorization header.  The signing key is derived
 * once a day.  0, or -1 (ERR_FAILED). */
int sigv4_authorize(struct buf *out, struct sigv4 *s,
		    const struct sigv4_request *rq, struct err *e);

/* Appends the canonical request; for the tests and for sigv4_authorize. */
int sigv4_canonical(struct buf *out, const struct sigv4_request *rq);

#endif
