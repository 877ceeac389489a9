/*
 * run.h: the stages that touch stores: planning, and destruction with its
 * check.
 */
#ifndef QUIETUS_RUN_H
#define QUIETUS_RUN_H

#include "tools/quietus/casedir.h"

/* Enumerates every source into plan `number` of the ledger and stores
 * descriptions and blockers. */
int run_enumerate(struct app *app, struct casedir *c, unsigned number,
		  bool delta, struct err *e);

/*
 * Destroys what the approved plans name and checks it, source by source,
 * carrying on where an earlier run stopped.  0 when every stage of every
 * source was gone through, whatever the verdicts; else -1, with what was
 * reached kept in the ledger.
 *
 * Stages of a source:
 *
 *   look     what differs from the plan? drift stops everything before the
 *            first batch; samples and bystanders are taken
 *   destroy  batches through the guard, then what was refused once more
 *   purge    make it physical
 *   check    enumerate again, ask about single items, ask the classes,
 *            look for residue and for the bystanders
 *   seal     where the scope is a whole place (a bucket) and the check left
 *            nothing: remove the place itself
 */
struct run_result {
	uint64_t asked;	  /* items the stores were asked to destroy now */
	uint64_t failed;  /* of these, not said to be done */
	uint64_t before;  /* items in batches that earlier runs carried out */
	bool purge_waits; /* a purge was refused: `why` says who must stop */
	char why[1024];
};
int run_destroy(struct run_result *out, struct app *app, struct casedir *c,
		struct err *e);

#endif
