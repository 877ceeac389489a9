/* run_parts.h: what the run_*.c files share and nobody else sees. */
#ifndef QUIETUS_RUN_PARTS_H
#define QUIETUS_RUN_PARTS_H

#include "tools/quietus/guard.h"
#include "tools/quietus/run.h"

#define SAMPLES_MAX (1 << 20)

/* One run of `destroy`. */
struct run {
	struct app *app;
	struct casedir *c;
	struct guard *guard;
	struct source *sources;
	struct run_result *result;
};

/* The closeout's words about source i. */
const struct closeout_source *run_closeout(const struct run *r, size_t i);
/* A number of one source in the ledger, in a transaction of its own; 0 when
 * there is none. */
int run_set_number(struct run *r, size_t i, const char *key, int64_t value,
		   struct err *e);
int run_get_number(int64_t *value, struct run *r, size_t i, const char *key,
		   struct err *e);
/* How many items the plans want destroyed, and how many of them are in batches
 * carried out. */
uint64_t run_planned(const struct run *r, size_t i);
int run_carried_out(uint64_t *n, struct run *r, size_t i, struct err *e);

/* ---- run_plan.c --------------------------------------------------------- */

/* Stores classes, facts and sentences; the caller is in a transaction. */
int run_describe(struct casedir *c, size_t i, enum phase phase,
		 const struct description *d, struct err *e);
/* Once we have destroyed, that a selection finds nothing is what was wanted:
 * such a blocker does not count. */
bool run_counts(const struct blocker *b, bool begun);
/* Text from the data, for a terminal: no byte that could control it. */
void run_tame(char *text);

/* ---- the stages of one source ------------------------------------------- */

int run_look(struct run *r, size_t i, struct err *e);  /* run_look.c */
int run_check(struct run *r, size_t i, struct err *e); /* run_check.c */
/* After a check that found nothing: removes the emptied place itself. */
int run_seal(struct run *r, size_t i, struct err *e); /* run_check.c */
/* Records that the place is gone. */
int run_removed(struct run *r, size_t i, struct err *e);

#endif
