/*
 * sha.h: SHA-256 and HMAC-SHA-256 with contexts that are made once.
 *
 * In OpenSSL 3 fetching a digest costs more than hashing a short record
 * (measured), so a struct sha is created once and used for many messages.
 */
#ifndef QUIETUS_SHA_H
#define QUIETUS_SHA_H

#include <stddef.h>

#include "certs/base/err.h"

#define SHA_LEN 32

struct sha; /* one hashing context; not shared between threads */

/* Returns a context, or NULL when memory is exhausted.  sha_free(NULL) is
 * harmless. */
struct sha *sha_new(void);
void sha_free(struct sha *s);

/* start, any number of add, then end: writes 32 bytes. Cannot fail once the
 * context exists (OpenSSL aborts are turned into abort()). */
void sha_start(struct sha *s);
void sha_add(struct sha *s, const void *data, size_t len);
void sha_end(struct sha *s, unsigned char out[SHA_LEN]);

/* One message; the context is made and freed inside. */
int sha_once(unsigned char out[SHA_LEN], const void *data, size_t len,
	     struct err *e);
/* The bytes of a whole file. */
int sha_file(unsigned char out[SHA_LEN], const char *path, struct err *e);

struct hmac; /* one key, many messages */
struct hmac *hmac_new(const void *key, size_t len);
void hmac_free(struct hmac *h); /* wipes the key */
void hmac_start(struct hmac *h);
void hmac_add(struct hmac *h, const void *data, size_t len);
void hmac_end(struct hmac *h, unsigned char out[SHA_LEN]);

#endif
