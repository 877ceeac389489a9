/* check_private.h: what the parts of check.c share. */
#ifndef QUIETUS_CHECK_PRIVATE_H
#define QUIETUS_CHECK_PRIVATE_H

#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/check.h"
#include "certs/plan.h"
#include "certs/sign.h"
#include "certs/statement.h"

#define CHECK_DAY 86400 /* how far clocks may be apart: a day */

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

/* False for a name that leads out of the folder that the reader pointed at. */
bool check_stays_inside(const char *name);

/* Says that a plan and the certificate differ in what. */
void check_differ(struct check *c, const char *file, const char *what);
/* The same text, or both none. */
bool check_same_text(const char *a, const char *b);
/* When anything was destroyed first; 0 when nothing was. */
int64_t check_first_start(const struct statement *st);

/* Parts of check_plans: check_approvals.c, check_sources.c. */
void check_approvals(struct check *c, const struct statement_plan *named,
		     const struct plan *p, const struct buf *bytes);
void check_sources(struct check *c);

/* --item (check_item.c): looks at every line of the inventory, then says what
 * it found; whole: the inventory leads to the certificate. */
struct wanted;
struct inventory_line;
struct wanted *wanted_new(struct check *c); /* NULL: out of memory */
void wanted_free(struct wanted *w);
void wanted_line(struct wanted *w, const struct inventory_line *l,
		 uint64_t line);
void wanted_result(struct wanted *w, bool whole);

/* The parts, in the order in which they run. */
void check_document(struct check *c);  /* check_document.c */
void check_signature(struct check *c); /* check_signature.c */
void check_plans(struct check *c);     /* check_plan.c */
void check_trail(struct check *c);     /* check_trail.c */
void check_inventory(struct check *c); /* check_inventory.c */

#endif
