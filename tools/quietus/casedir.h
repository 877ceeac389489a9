/*
 * casedir.h: one case: its folder, closeout, plans and ledger.
 *
 *   closeout.cfg  the closeout file's bytes, as planned
 *   case.json     where relative paths start; the id
 *   ledger.db     private (ledger.h); gone once closed
 *   plan.json plan-2.json ...   approvals/   inventory/
 *   certificate.json or exception-report.json, .p7s, .tlog-proof
 *   closing.json closing.json.p7s
 *   lock          held by the quietus that is at work
 *
 * All of it 0700 / 0600.
 */
#ifndef QUIETUS_CASEDIR_H
#define QUIETUS_CASEDIR_H

#include <stdbool.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/plan.h"
#include "certs/record.h"
#include "certs/trail.h"
#include "tools/quietus/app.h"
#include "tools/quietus/closeout.h"
#include "tools/quietus/ledger.h"

struct casedir {
	char *path;
	char *id;		   /* as case.json has it */
	struct closeout *closeout; /* NULL: closed, and its certificates or
				    * keys have moved since */
	struct buf closeout_bytes;
	unsigned char closeout_sha[SHA_LEN];
	struct ledger *ledger; /* NULL once closed */
	int lock;	       /* -1 when not held */
	char number[CASE_NUMBER_TEXT];
	struct leafer *leafer;
	struct plan **plans; /* plans[i] is plan number i + 1 */
	struct buf *plan_bytes;
	unsigned n_plans;
	bool closed;
};

enum case_use {
	CASE_READ, /* no lock: status */
	CASE_WORK  /* takes the lock: ERR_REFUSED while another has it */
};

/* Finds a case directory: a path, or an id in ./cases.  ERR_USAGE when there
 * is none.  The caller frees *path. */
int case_locate(char **path, const char *name, struct err *e);

/* Opens a case: reads closeout copy, ledger and plans.  A case that was killed
 * while planning has no plan yet: n_plans is 0. */
int case_open(struct casedir **out, const char *name, enum case_use use,
	      struct err *e);

/*
 * Makes a case for a closeout (taking it over, with its bytes), or starts an
 * unapproved one afresh.  An existing plan with approvals is ERR_REFUSED
 * unless `again`; one with any intent to destroy always is.
 */
int case_create(struct casedir **out, struct closeout *c,
		const struct buf *bytes, bool again, struct err *e);

void case_close(struct casedir *c);

/* path/name, appended to out (which is reset first). */
const char *case_file(struct buf *out, const struct casedir *c, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));

/* Reads the plan files again after one was written. */
int case_read_plans(struct casedir *c, struct err *e);

/* How many valid approvals plan number n has; found (may be NULL) is called
 * for each.  Invalid files are reported through bad (may be NULL). */
struct approval {
	char fingerprint[65];
	char subject[256];
	char file[128]; /* relative to the case */
	int64_t signed_at;
};
typedef int approval_fn(void *arg, const struct approval *a, struct err *e);
int case_approvals(unsigned *valid, struct casedir *c, unsigned number,
		   approval_fn *found, void *arg, struct err *e);
/* The file name of an approval, relative to the case. */
void approval_name(char out[128], unsigned plan, const char *fingerprint);

/* Opens the trail named by the closeout (creating it where missing) and checks
 * that it extends the checkpoint this case saw last. */
int case_trail(struct trail **out, struct casedir *c, bool create,
	       struct err *e);
/* Queues an entry {event, case, time, digests} in the ledger; the caller is in
 * a transaction.  case_flush_trail appends what is queued: killed in between,
 * the next command appends it, once. */
int case_queue_event(struct casedir *c, const char *event, const char *name,
		     const unsigned char sha[SHA_LEN], struct err *e);
int case_flush_trail(struct casedir *c, struct err *e);

/* From here on a document issued earlier is not the last word, and what an
 * earlier check found no longer stands (I5, I8). */
int case_unsettle(struct casedir *c, struct err *e);
/* The same inside a transaction of the caller. */
int case_unsettled(struct casedir *c, struct err *e);

/* Compares what the plans bind with what is there now: closeout bytes,
 * instruction, certificates.  ERR_REFUSED names what was swapped. */
int case_check_bindings(struct casedir *c, struct err *e);

/* Recomputes the Merkle root of every plan from the ledger: ERR_REFUSED when
 * the ledger is not what was planned. */
int case_check_roots(struct casedir *c, struct err *e);

/* Root and counts of one source over the items of one plan. */
int case_plan_root(unsigned char root[SHA_LEN], struct casedir *c,
		   size_t source, unsigned plan, struct err *e);
/* The record of a ledger item; *r points into item and closeout. */
void case_record(struct record *r, const struct casedir *c, size_t source,
		 const struct ledger_item *item);

#endif
