/*
 * cert.h: what sign.c, sign_check.c and seal.c share about certificates.
 * Others use certs/sign.h.
 */
#ifndef QUIETUS_CERT_H
#define QUIETUS_CERT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/sign.h"

#define CERT_FILE_MAX (1024 * 1024) /* bytes of a PEM or DER file */

/* A certificate around x, whose reference is taken; NULL out of memory. */
struct cert *cert_wrap(X509 *x);
X509 *cert_x509(const struct cert *c);

/* All certificates of a PEM file (or the one of a DER file), in order, at
 * least one.  The caller frees the stack with sk_X509_pop_free. */
STACK_OF(X509) * certs_read(const char *path, struct err *e);

/* Fingerprint of any certificate. */
void x509_fingerprint(char out[FINGERPRINT_TEXT], const X509 *x);
/* Its subject for people, at most size - 1 bytes, cut between characters. */
void x509_subject(char *out, size_t size, const X509 *x);

/*
 * The kinds of key that may sign or receive: RSA of 2048 bits and more, EC on
 * P-256 or P-384.  what names the certificate in the message (the given code)
 * that says what is wrong with any other.
 */
int key_allowed(const EVP_PKEY *key, const char *what, enum err_code code,
		struct err *e);

/* Seconds since 1970; 0 when t is not a time. */
int64_t asn1_seconds(const ASN1_TIME *t);

#endif
