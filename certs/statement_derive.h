/*
 * statement_derive.h: what follows from the lines of a certificate.
 *
 * One place for the writer and the verifier, so that the two cannot come to
 * differ: the verifier derives again and compares (I8).
 */
#ifndef QUIETUS_STATEMENT_DERIVE_H
#define QUIETUS_STATEMENT_DERIVE_H

#include <jansson.h>

#include "certs/field.h"
#include "certs/statement.h"

/* "passed", "failed", "not possible": I5 for the raw bytes.  No hits before
 * means that nothing was shown, however many are found after. */
const char *derive_probe(const struct statement_source *s);
/* "passed", "failed", "not carried out": the second look at the store. */
const char *derive_verification(const struct statement_source *s);
/* "unchanged", "lost" or "not measured". */
const char *derive_bystanders(const struct statement_source *s);
/* The retention entry that a line names, or NULL. */
const struct statement_retention *
derive_retention(const struct statement *st, const struct statement_source *s,
		 const struct statement_line *l);

/* True for destroy, return and return-to-designee. */
bool derive_choice_known(const char *choice);
/* The first text of the document that names a standard which does not cover
 * erasure or which nobody here was certified against (EN 15713, DIN 66399 with
 * its successor ISO/IEC 21964, ISO/IEC 27555); NULL when there is none. */
const char *derive_overclaim(const json_t *doc);

/* The derived members; new references. */
json_t *derive_reservations(struct maker *m, const struct statement *st);
json_t *derive_findings(struct maker *m, const struct statement *st);
json_t *derive_totals(struct maker *m, const struct statement *st);
json_t *derive_retained(struct maker *m, const struct statement *st);
json_t *derive_scheduled(struct maker *m, const struct statement *st);
json_t *derive_excluded(struct maker *m, const struct statement *st);

/* a + b into *a; false when it does not fit. */
bool derive_add(uint64_t *a, uint64_t b);

#endif
