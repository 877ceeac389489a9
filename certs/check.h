/*
 * check.h: everything quietus-verify knows (docs/formats/certificate.md).
 *
 * Offline, holds no key, names every finding and goes on.
 */
#ifndef QUIETUS_CHECK_H
#define QUIETUS_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "certs/base/err.h"
#include "certs/base/words.h"

enum check_result {
	CHECK_VALID_FINAL = 0,
	CHECK_VALID_NOT_FINAL = 1,
	CHECK_NOT_VALID = 2,
	CHECK_IMPOSSIBLE = 3 /* something needed is missing */
};

enum finding_grade {
	FINDING_GOOD,	 /* a check that passed, in plain words */
	FINDING_NOTE,	 /* worth knowing, changes nothing */
	FINDING_MISSING, /* makes the result "cannot be checked" */
	FINDING_BAD	 /* makes the result "not valid" */
};

/* code is a short stable word for programs ("signature-invalid"). */
typedef void check_finding_fn(void *arg, enum finding_grade grade,
			      const char *code, const char *text);

struct check_input {
	const char *certificate;  /* path; companions are beside it */
	const char *const *trust; /* PEM files */
	size_t n_trust;
	const char *inventory; /* path of decrypted lines, "-", or NULL */
	const char *item;      /* name to look for in the inventory, or NULL */
	bool strict;	       /* reservations make it not final */
};

/* Runs all checks.  *doc (may be NULL) receives the parsed certificate, a new
 * reference, or NULL when it could not be read. */
enum check_result check_run(const struct check_input *in, json_t **doc,
			    check_finding_fn *found, void *arg);

#endif
