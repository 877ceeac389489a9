/*
 * closing.h: closing.json, the last document of a case
 * (docs/formats/closing.md): what of our own was destroyed (I11), and what
 * nobody can re-check from then on.
 */
#ifndef QUIETUS_CLOSING_H
#define QUIETUS_CLOSING_H

#include <stddef.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"

/* One kind of working file: "ledger", "case secret", "staging", "package".
 * files counts what was there; 0 is said too (I9: no names). */
struct closing_item {
	const char *what;
	uint64_t files;
};

struct closing {
	const char *case_number; /* 32 hex digits */
	const char *closeout;	 /* its id */
	int64_t closed;
	const char *certificate; /* file name of the final certificate */
	unsigned char certificate_sha256[SHA_LEN];
	const struct closing_item *destroyed;
	size_t n_destroyed; /* at least one */
	/* sentences; NULL and 0: those that always hold */
	const char *const *no_longer;
	size_t n_no_longer;
	const char *signer; /* fingerprint */
	const char *tool_version;
};

/* Appends the document.  ERR_FAILED when something is missing. */
int closing_write(struct buf *out, const struct closing *c, struct err *e);

#endif
