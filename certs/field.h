/*
 * field.h: reading and making the members of signed JSON documents.
 *
 * Both directions keep going after a failure and remember it, so that a
 * document is read or made member by member and judged once at the end.
 * Strings with control bytes are refused both ways: they could hide text on a
 * terminal, and no honest document has them.
 */
#ifndef QUIETUS_FIELD_H
#define QUIETUS_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "certs/base/err.h"
#include "certs/base/sha.h"

/* One JSON object being read.  what names the document in messages. */
struct fields {
	const json_t *obj;
	const char *what;
	struct err *e;
	bool failed;
};

/* Starts on obj, which must be an object with no key outside the NULL-ended
 * list.  Failures go to *e, code ERR_INVALID. */
void fields_init(struct fields *f, const json_t *obj, const char *const *keys,
		 const char *what, struct err *e);

/* A required member.  On failure the result is harmless ("", 0, NULL). */
const char *field_str(struct fields *f, const char *key);
uint64_t field_u64(struct fields *f, const char *key);
int64_t field_time(struct fields *f, const char *key);
void field_sha(struct fields *f, const char *key, unsigned char out[SHA_LEN]);
const json_t *field_object(struct fields *f, const char *key);
const json_t *field_array(struct fields *f, const char *key);
/* A fingerprint or case number: exactly n lower-case hexadecimal digits. */
const char *field_hex(struct fields *f, const char *key, size_t n);
/* The one value that member may have. */
void field_is(struct fields *f, const char *key, const char *value);

/* An optional member: NULL, 0 or false when it is not there. */
bool field_has(const struct fields *f, const char *key);
const char *field_str_opt(struct fields *f, const char *key);
uint64_t field_u64_opt(struct fields *f, const char *key);
int64_t field_time_opt(struct fields *f, const char *key);
bool field_sha_opt(struct fields *f, const char *key,
		   unsigned char out[SHA_LEN]);
/* true, or not there: false is never written. */
bool field_flag(struct fields *f, const char *key);

/* Marks a failure with a message of the caller's. */
void field_fail(struct fields *f, const char *key, const char *why);

/* A document being made.  Start with {what, e, false}. */
struct maker {
	const char *what;
	struct err *e;
	bool failed;
};

/* Each sets a member of obj; a NULL string and a zero time are left out. */
void make_str(struct maker *m, json_t *obj, const char *key, const char *s);
void make_u64(struct maker *m, json_t *obj, const char *key, uint64_t n);
void make_time(struct maker *m, json_t *obj, const char *key, int64_t t);
void make_sha(struct maker *m, json_t *obj, const char *key,
	      const unsigned char sha[SHA_LEN]);
/* Sets a value made by the caller, whose reference is taken (NULL: out of
 * memory). */
void make_any(struct maker *m, json_t *obj, const char *key, json_t *value);
/* Appends to an array, the reference is taken. */
void make_item(struct maker *m, json_t *array, json_t *value);
/* A string that is checked like those of make_str; NULL on failure. */
json_t *make_text(struct maker *m, const char *key, const char *s);

/* True when s is n lower-case hexadecimal digits. */
bool hex_text(const char *s, size_t n);
/* True when s has no control character (C0, DEL, C1 in UTF-8). */
bool plain_text(const char *s);
/* True for a name as a closeout file may give one to a source: one or more of
 * a-z 0-9 and the hyphen. */
bool word_text(const char *s);

#endif
