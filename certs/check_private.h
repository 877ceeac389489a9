/* check_private.h: what the parts of check.c share. */
#ifndef QUIETUS_CHECK_PRIVATE_H
#define QUIETUS_CHECK_PRIVATE_H

#include "certs/base/buf.h"
#include "certs/check.h"
#include "certs/plan.h"
#include "certs/sign.h"
#include "certs/statement.h"

/* A run of all checks. */
struct check {
	const struct check_input *in;
	check_finding_fn *found;
	void *arg;
	bool bad, missing; /* some finding of that grade was made */

	char *dir;		/* where the companions are */
	struct buf certificate; /* its exact bytes */
	unsigned char sha256[SHA_LEN];
	json_t *doc;
	struct statement_doc *parsed;
	const struct statement *st; /* NULL: the document was not readable */
	enum kind kind;		    /* derived */
	size_t reservations;	    /* derived */

	struct plan **plans; /* of st->plans, NULL where not readable */
};

/* Makes a finding. */
void check_say(struct check *c, enum finding_grade grade, const char *code,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Reads dir/name into out (max bytes).  When it is not there, or is too
 * large, or its name leads out of the folder, a finding says so (codes
 * WHAT-missing, WHAT-unreadable, file-name) and -1 is returned. */
int check_companion(struct check *c, struct buf *out, const char *name,
		    const char *what);

/* The parts, in the order in which they run. */
void check_document(struct check *c);  /* check_document.c */
void check_signature(struct check *c); /* check_signature.c */
void check_plans(struct check *c);     /* check_plan.c */
void check_trail(struct check *c);     /* check_trail.c */
void check_inventory(struct check *c); /* check_inventory.c */

#endif
