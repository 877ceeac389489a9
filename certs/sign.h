/*
 * sign.h: detached CMS signatures (CAdES-BES, DER, SHA-256) over exact bytes,
 * and the certificates that make them.
 *
 * Keys: ECDSA P-256 (or P-384) and RSA of at least 2048 bits.  Ed25519 is
 * refused with a message that says why: OpenSSL 3.0 cannot sign CMS with it.
 */
#ifndef QUIETUS_SIGN_H
#define QUIETUS_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"

#define FINGERPRINT_TEXT (2 * SHA_LEN + 1)
#define SIGNATURE_MAX (1024 * 1024) /* bytes of a signature that is read */

struct cert; /* one X.509 certificate */

/* Reads the first certificate of a PEM (or one DER) file. */
int cert_read(struct cert **out, const char *path, struct err *e);
void cert_free(struct cert *c);
/* SHA-256 of the DER form, as 64 lower-case hex digits and NUL: what openssl
 * x509 -fingerprint -sha256 shows, without colons. */
void cert_fingerprint(char out[FINGERPRINT_TEXT], const struct cert *c);
/* The subject on one line for people (RFC 2253 form); valid while c lives. */
const char *cert_subject(const struct cert *c);
/* Validity as seconds since 1970. */
void cert_validity(int64_t *from, int64_t *until, const struct cert *c);

struct signer; /* a certificate with its private key */

/*
 * Loads certificate and key (PEM) and checks that they belong together, that
 * the key kind is allowed and that the certificate is valid now.  An
 * encrypted key takes its passphrase from passphrase_fd (first line) when
 * that is >= 0, else from the terminal, else fails with ERR_USAGE.
 */
int signer_open(struct signer **out, const char *cert_path,
		const char *key_path, int passphrase_fd, struct err *e);
void signer_free(struct signer *s);
const struct cert *signer_cert(const struct signer *s);

/* Appends a detached signature over the bytes.  Signed attributes: content
 * type, message digest, signing time, signing-certificate-v2. */
int sign_detached(struct buf *der, const struct signer *s, const void *data,
		  size_t len, struct err *e);

/* What a signature turned out to be. */
struct signature {
	char fingerprint[FINGERPRINT_TEXT]; /* of the signer's certificate */
	char subject[256];
	int64_t signed_at; /* signingTime: the signer's word; 0 when absent */
	int64_t valid_from, valid_until;
};

/*
 * Verifies a detached signature over the bytes with the certificate in the
 * CMS (or, if it carries none, with `expected`).  Insists on: one signer,
 * detached, SHA-256 (or better), signed attributes with content type, message
 * digest and a signing-certificate-v2 that matches the signer.  Says nothing
 * about trust.  expected may be NULL; when given, the signer must be that
 * certificate.  ERR_INVALID with the reason.
 */
int sign_verify(struct signature *out, const void *der, size_t der_len,
		const void *data, size_t len, const struct cert *expected,
		struct err *e);

/* Anchors for trust: CAs, self-signed or leaf certificates (partial chain). */
struct anchors;
int anchors_new(struct anchors **out, struct err *e);
void anchors_free(struct anchors *a);
/* Adds every certificate of a PEM file. */
int anchors_add(struct anchors *a, const char *path, struct err *e);
/* Checks that the signer's chain (using certificates inside the CMS as
 * untrusted intermediates) ends in an anchor, judged at `when`.
 * 0 trusted; -1 ERR_INVALID not trusted. */
int anchors_check(const struct anchors *a, const void *der, size_t der_len,
		  int64_t when, struct err *e);

#endif
