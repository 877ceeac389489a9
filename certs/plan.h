/*
 * plan.h: plan.json, what approvers sign (docs/formats/plan.md).
 *
 * Written by tools/quietus, read by it and by the verifier.  It holds counts,
 * digests and words only: no name from the data (I9).
 */
#ifndef QUIETUS_PLAN_H
#define QUIETUS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"
#include "certs/base/words.h"

#define PLAN_MAX (4 * 1024 * 1024) /* bytes of a plan file */
#define CASE_NUMBER_TEXT 33	   /* 32 lower-case hex digits and NUL */

enum plan_mode {
	PLAN_FIRST = 1,
	PLAN_AGAIN, /* replaces an earlier plan number 1 before destruction */
	PLAN_DELTA  /* what is new or changed since the earlier plans */
};

/* Items of one class that share one disposition; a class with none has one
 * line with items 0 and DISPOSITION_NONE. */
struct plan_class {
	enum copy_class cls;
	enum disposition disposition;
	uint64_t items, bytes;
	uint64_t rows; /* 0: not written */
};

struct plan_source {
	const char *name, *provider;
	const char *category; /* or NULL */
	const char *choice;   /* destroy return return-to-designee */
	uint64_t items, bytes;
	/* items == destroy + retain; "destroy" counts those with disposition
	 * destroy or return */
	uint64_t destroy, retain;
	unsigned char root[SHA_LEN]; /* planned root over this plan's items */
	const struct plan_class *classes;
	size_t n_classes;
};

struct plan_blocker {
	const char *kind; /* a word, never a name from the data */
	uint64_t count;
};

struct plan {
	unsigned number;	 /* 1, 2, ...: plan.json, plan-2.json, ... */
	enum plan_mode mode;	 /* PLAN_DELTA exactly when number > 1 */
	const char *case_number; /* 32 hex digits, random */
	const char *closeout;	 /* its id */
	int64_t created;
	unsigned char closeout_sha256[SHA_LEN];
	bool has_instruction, has_instruction_signature;
	unsigned char instruction_sha256[SHA_LEN];
	unsigned char instruction_signature_sha256[SHA_LEN];
	/* fingerprints (64 hex digits); NULL when there is none */
	const char *controller_certificate, *recipient_certificate;
	const char *const *approvers; /* fingerprints, distinct */
	size_t n_approvers;
	unsigned approvals_required;
	const char *signer; /* fingerprint of the signing certificate */
	const char *choice;
	int64_t not_before;
	const struct plan_source *sources;
	size_t n_sources;
	const struct plan_blocker *blockers;
	size_t n_blockers;
	int64_t earliest_final; /* 0: no date can be given */
	void *owned; /* plan_parse's; NULL in a plan that a caller fills */
};

/* Appends the document.  Checks what plan_parse checks, so that nothing is
 * written that could not be read: ERR_FAILED. */
int plan_write(struct buf *out, const struct plan *p, struct err *e);

/* Reads a plan, strictly: an unknown or duplicate key, an unknown version, a
 * missing member, sums that do not agree: ERR_INVALID.  The result owns all
 * it points to and is freed with plan_free (harmless with NULL). */
int plan_parse(struct plan **out, const void *bytes, size_t len, struct err *e);
/* The same from a file; its exact bytes are appended to *raw when that is not
 * NULL (for digests and signatures). */
int plan_file(struct plan **out, const char *path, struct buf *raw,
	      struct err *e);
void plan_free(struct plan *p);

/* The file name of plan number n: "plan.json" or "plan-N.json". */
#define PLAN_NAME 24
void plan_name(char out[PLAN_NAME], unsigned number);

/* "first", "again", "delta"; zero of a word that is none. */
const char *plan_mode_name(enum plan_mode m);
enum plan_mode plan_mode_parse(const char *s);

/* The source of that name, or NULL. */
const struct plan_source *plan_source(const struct plan *p, const char *name);
/* True when that fingerprint is one of the approvers. */
bool plan_approver(const struct plan *p, const char *fingerprint);

#endif
