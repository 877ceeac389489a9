/*
 * guard.h: the only way to a provider's destroy.
 *
 * I1  guard_open refuses unless every plan is approved by the required number
 *     of distinct listed approvers over exactly these bytes, binds exactly
 *     these inputs, and its roots equal those of the ledger; guard_step takes
 *     items from the ledger itself, never from a caller.
 * I2  a source whose choice is to return is refused until its package is
 *     delivered.
 * I3  retained items are not among those that guard_step takes.
 * I4  guard_step commits the intent (synced) before the store is asked.
 */
#ifndef QUIETUS_GUARD_H
#define QUIETUS_GUARD_H

#include "tools/quietus/casedir.h"

struct guard;

/* Checks all preconditions that hold for the whole case; ERR_REFUSED says
 * which is not met. */
int guard_open(struct guard **out, struct casedir *c, struct err *e);
void guard_free(struct guard *g);

/* What a step did. */
struct step {
	bool more;	  /* call again */
	uint64_t asked;	  /* items the store was asked to destroy */
	uint64_t failed;  /* of these, not said to be done */
	bool rolled_back; /* the provider met drift and undid the batch */
};

/*
 * Destroys the next batch of a source: repeats a batch whose outcome was never
 * recorded, else takes the next items below the mark.  ERR_DRIFT when the
 * provider met something that is not as planned (nothing of that item was
 * touched) and no plan could go on.  The date is looked at before every
 * batch.  What a provider measures of bystanders inside its transactions (I10)
 * is written with the batch.
 */
int guard_step(struct step *out, struct guard *g, size_t source,
	       struct source *s, struct err *e);

/* Tries the items again that were refused, locked (their date has passed),
 * held or unclear; all of them in one pass. */
int guard_retry(struct step *out, struct guard *g, size_t source,
		struct source *s, struct err *e);

#endif
