/*
 * seal.h: bytes encrypted to one certificate, as DER CMS AuthEnvelopedData
 * (AES-256-GCM; RSA-OAEP with SHA-256 or ECDH with SHA-256).
 */
#ifndef QUIETUS_SEAL_H
#define QUIETUS_SEAL_H

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/sign.h"

/* Appends the CMS to der.  `openssl cms -decrypt -inform DER -binary -inkey K`
 * opens it. */
int seal(struct buf *der, const struct cert *to, const void *data, size_t len,
	 struct err *e);

#endif
