/*
 * scan.h: the three uses of an enumeration.
 *
 *   scan_plan   writes what it sees into the ledger (the inventory)
 *   scan_drift  compares what it sees with the plan, before destroying
 *   scan_check  asks again, after destroying (I5)
 *
 * Memory: one bit per item of the source, whatever their number.
 */
#ifndef QUIETUS_SCAN_H
#define QUIETUS_SCAN_H

#include "tools/quietus/casedir.h"

/* Where the destruction of one source stands: a mark per plan. */
struct marks {
	struct ledger_mark *of; /* of[p] is plan p + 1 */
	unsigned n;
};
int marks_read(struct marks *m, struct casedir *c, size_t source,
	       struct err *e);
void marks_release(struct marks *m);
/* Whether an intent covers the item (I4). */
bool marks_intended(const struct marks *m, unsigned plan,
		    const unsigned char *id, size_t id_len);

/* Whether it lies in a batch whose outcome was never recorded. */
bool marks_open(const struct marks *m, unsigned plan, const unsigned char *id,
		size_t id_len);

/* Adds everything (or, with delta, what is new, changed or back) to the plan.
 * *added counts what was added, *newest is the latest change seen. */
int scan_plan(uint64_t *added, int64_t *newest, struct casedir *c,
	      size_t source, struct source *s, unsigned plan, bool delta,
	      struct progress *progress, struct err *e);

/* What differs from the plans.  Items that vanished before any intent of ours
 * are noted as absent; the rest is counted, and is drift. */
struct drift {
	uint64_t new_items;
	uint64_t changed;
	uint64_t vanished;	   /* noted as absent: not drift */
	char example[3][APP_NAME]; /* names of new or changed items */
	size_t n_examples;
};
int scan_drift(struct drift *d, struct casedir *c, size_t source,
	       struct source *s, struct progress *progress, struct err *e);

/* The second enumeration and the questions about single items.  Notes what is
 * still there, what no plan names, what is retained and gone.  When it returns
 * 0 the source was asked completely. */
int scan_check(struct casedir *c, size_t source, struct source *s,
	       struct progress *progress, struct err *e);

/* The verdict of one item, derived from intent, notes and check; checked is
 * false when the second enumeration is not complete. */
enum verdict scan_verdict(const struct ledger_item *item,
			  const struct note *note, bool intended, bool checked);

#endif
