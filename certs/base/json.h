/*
 * json.h: strict reading and exact writing of small JSON documents (jansson).
 *
 * Reading refuses duplicate keys, trailing bytes and anything nested deeper
 * than jansson's limit; json_known() refuses keys that a format does not
 * define.  Documents are written once, as bytes; what is signed is those
 * bytes and nobody serialises them again.
 */
#ifndef QUIETUS_JSON_H
#define QUIETUS_JSON_H

#include <stdint.h>

#include <jansson.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"

/* Parses len bytes that must be one JSON object.  what names the document in
 * messages.  Returns a new reference or NULL (ERR_INVALID). */
json_t *json_strict(const void *data, size_t len, const char *what,
		    struct err *e);

/* Reads and parses a file of at most max bytes; the bytes are appended to
 * *raw when raw is not NULL. */
json_t *json_file(const char *path, size_t max, struct buf *raw, struct err *e);

/* Checks that obj has no key outside the NULL-ended list.  0 or -1. */
int json_known(const json_t *obj, const char *const *keys, const char *what,
	       struct err *e);

/* Fetches a member of the wanted type; sets ERR_INVALID naming what and key
 * when it is missing or of another type. */
int json_get_str(const char **out, const json_t *obj, const char *key,
		 const char *what, struct err *e);
/* A count: a non-negative integer, or (byte counts beyond 2^53) a string of
 * plain digits without leading zeros. */
int json_get_u64(uint64_t *out, const json_t *obj, const char *key,
		 const char *what, struct err *e);

/* A count as this project writes it: a number up to 2^53, above it a string
 * of digits (strict readers round larger numbers).  New reference. */
json_t *json_u64(uint64_t n);

/* Appends doc with two-space indentation, keys in insertion order, only
 * ASCII, and a final newline. */
int json_write(struct buf *out, const json_t *doc, struct err *e);

#endif
