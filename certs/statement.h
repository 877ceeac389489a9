/*
 * statement.h: the certificate (or exception report) as JSON bytes
 * (docs/formats/certificate.md).
 *
 * The kind, the totals and the reservations are derived here from the lines;
 * nobody passes them in (I8).  The result holds no name from the data (I9):
 * the caller passes parties, counts, digests and provider sentences only, and
 * statement_write refuses any string with a control byte.
 */
#ifndef QUIETUS_STATEMENT_H
#define QUIETUS_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"
#include "certs/base/words.h"

/* One line: items of one class that share one verdict.  A class without items
 * has one line with items 0, and so has a class that is not enumerated (a log,
 * statistics) whatever was counted there: items are those of the inventory. */
struct statement_line {
	enum copy_class cls;
	enum verdict verdict;
	uint64_t items;
	uint64_t bytes;
	uint64_t rows;
	int64_t until;	       /* scheduled: date; else 0 */
	const char *why;       /* sentence, or NULL */
	const char *retention; /* retained: the entry's name, or NULL */
};

struct statement_fact {
	const char *key;
	const char *value;
};

struct statement_source {
	const char *name;
	const char *provider;
	const char *category; /* or NULL */
	const char *choice;   /* destroy ... as it applied to this source */
	const struct statement_fact *facts; /* host region account engine */
	size_t n_facts;
	const struct statement_line *lines;
	size_t n_lines;
	uint64_t items; /* of the frozen inventory */
	uint64_t bytes;
	unsigned char planned_root[SHA_LEN];
	unsigned char outcome_root[SHA_LEN];
	const char *method;	/* NULL: STATEMENT_NO_SANITIZATION alone */
	const char *purge;	/* what the purge did, or NULL */
	int64_t started, ended; /* first destroy intent, end of the check */
	int64_t checked;	/* when the second enumeration completed; 0
				 * when it did not: then no line may be
				 * destroyed-verified, absent or none found */
	uint64_t asked;	    /* items that the check asked about one by one: a
			     * sample of a large inventory */
	uint64_t unplanned; /* things seen by the check that no plan names */
	/* validation: the residue probe */
	bool residue_possible;
	uint64_t residue_before, residue_after;
	const char *residue_regions, *residue_why;
	/* bystanders: "unchanged", "lost", "not measured" */
	const char *bystanders; /* NULL: not measured */
	bool bystanders_sampled;
	unsigned char bystanders_commitment[SHA_LEN]; /* zeros: none */
	const char *limits;
	bool selected_nothing; /* may_be_empty was used */
};

struct statement_retention {
	const char *name, *source, *ground;
	int64_t until;
};

struct statement_exclusion {
	const char *source, *kind, *reason;
};

struct statement_approval {
	const char *fingerprint; /* of the approver's certificate */
	const char *subject;
	const char *file; /* relative to the case */
	int64_t signed_at;
};

struct statement_plan {
	const char *file; /* "plan.json", "plan-2.json" */
	unsigned char sha256[SHA_LEN];
	int64_t created;
	const struct statement_approval *approvals;
	size_t n_approvals;
};

struct statement_party {
	const char *name, *address, *contact, *dpo; /* any may be NULL */
};

struct statement_earlier {
	const char *file;
	unsigned char sha256[SHA_LEN];
	enum kind kind;
};

struct statement {
	unsigned number;	 /* 1 for the first certificate of the case */
	const char *case_number; /* 32 hex digits */
	const char *closeout;	 /* its id */
	struct statement_party controller, processor;
	const char *contract_reference, *contract_clause;
	int64_t contract_ended;
	const char *choice, *instructed_by;
	int64_t instruction_received;
	unsigned char instruction_sha256[SHA_LEN];
	bool has_instruction;
	unsigned char closeout_sha256[SHA_LEN];
	int64_t not_before;
	unsigned approvals_required;
	const struct statement_plan *plans;
	size_t n_plans;
	const struct statement_source *sources;
	size_t n_sources;
	const struct statement_retention *retention;
	size_t n_retention;
	const struct statement_exclusion *excluded;
	size_t n_excluded;
	const struct statement_earlier *earlier;
	size_t n_earlier;
	int64_t started, ended, issued;
	const char *operator_name; /* who ran the destruction and the check */
	const char *signer_fingerprint;
	const char *trail_origin, *trail_vkey;
	size_t inventory_parts; /* encrypted inventory; 0 when none */
	const char *tool_version, *tool_build;
};

/* Appends the document and says its kind.  ERR_FAILED when a line claims more
 * than its source's check allows (see `checked`), when the lines of a source
 * do not add up to its inventory, when a retained line names no retention
 * entry, and when a certificate's plan has too few approvals. */
int statement_write(struct buf *out, enum kind *kind,
		    const struct statement *st, struct err *e);

/* ---- shared with the verifier ------------------------------------------- */

#define STATEMENT_MAX                                                          \
	(16 * 1024 * 1024) /* bytes of a document that is read                 \
			    */
#define STATEMENT_NO_SANITIZATION                                              \
	"logical deletion, no media sanitization claimed"
#define STATEMENT_BREACH                                                       \
	"possible personal data breach: tell the data protection officer now"

/* The document as JSON with everything derived, whatever statement_check would
 * say of it; a new reference, or NULL. */
json_t *statement_json(enum kind *kind, const struct statement *st,
		       struct err *e);

/* Whether a text names a standard that no certificate may name, because it
 * does not cover erasure or nobody here was certified against it (EN 15713,
 * DIN 66399 and its successor ISO/IEC 21964, ISO/IEC 27555). */
bool statement_overclaims(const char *text);

/* The kind that the lines allow: kind_derive over all verdicts, where things
 * that no plan names, residue found again and lost bystanders count as
 * `present`. */
enum kind statement_kind(const struct statement *st);

/* What statement_write insists on, for a document of that kind. */
int statement_check(const struct statement *st, enum kind kind, struct err *e);

/* A document read back: members, not what is derived from them. */
struct statement_doc;
int statement_parse(struct statement_doc **out, json_t *doc, struct err *e);
const struct statement *statement_of(const struct statement_doc *d);
void statement_free(struct statement_doc *d);

#endif
