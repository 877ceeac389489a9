/*
 * ledger.h: the private memory of one case, in SQLite (decision 6).
 *
 * The ledger holds names from the client's data; it lives in the case
 * directory, mode 0600, and is destroyed when the case is closed (I11).
 * Everything reaches it through this header, so that another engine can hold
 * it one day.
 *
 * Items are written once, while planning.  Afterwards progress is journaled
 * per batch: items are destroyed in descending order of id, so for one source
 * and plan everything at or above the lowest batch has an intent (I4).  Only
 * items of which there is something particular to say get a row in `note`.
 * An item's verdict is derived from these when it is asked for; nothing stores
 * a verdict (I8).
 */
#ifndef QUIETUS_LEDGER_H
#define QUIETUS_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/words.h"
#include "providers/provider.h"

struct ledger;

/* Creates a new, empty ledger (nothing may be there), or opens one. */
int ledger_create(struct ledger **out, const char *path, struct err *e);
int ledger_open(struct ledger **out, const char *path, struct err *e);
void ledger_close(struct ledger *l);
/* Overwrites and removes the ledger's files. */
int ledger_shred(const char *path, struct err *e);

/* A transaction; every write below happens in one.  commit returns when the
 * bytes are on disk (synchronous=FULL). */
int ledger_begin(struct ledger *l, struct err *e);
int ledger_commit(struct ledger *l, struct err *e);
void ledger_rollback(struct ledger *l);

/* ---- facts of the case -------------------------------------------------- */

/* Small values by name.  get appends the value to out and says whether there
 * was one. */
int ledger_set(struct ledger *l, const char *key, const void *value, size_t len,
	       struct err *e);
int ledger_get(bool *found, struct buf *out, struct ledger *l, const char *key,
	       struct err *e);
int ledger_set_i64(struct ledger *l, const char *key, int64_t value,
		   struct err *e);
/* *value keeps its content when there is none. */
int ledger_get_i64(int64_t *value, struct ledger *l, const char *key,
		   struct err *e);

/* The same, of one source: key is "NAME/i". */
int ledger_set_source(struct ledger *l, size_t source, const char *key,
		      const void *value, size_t len, struct err *e);
int ledger_get_source(bool *found, struct buf *out, struct ledger *l,
		      size_t source, const char *key, struct err *e);
int ledger_set_source_i64(struct ledger *l, size_t source, const char *key,
			  int64_t value, struct err *e);
int ledger_get_source_i64(int64_t *value, struct ledger *l, size_t source,
			  const char *key, struct err *e);

/* ---- descriptions: classes, facts, blockers ----------------------------- */

int ledger_put_class(struct ledger *l, size_t source, enum phase phase,
		     enum copy_class c, const struct class_report *r,
		     struct err *e);
/* PRESENCE_UNKNOWN and an empty sentence when nothing is stored. */
int ledger_get_class(struct class_report *r, struct ledger *l, size_t source,
		     enum phase phase, enum copy_class c, struct err *e);

int ledger_put_fact(struct ledger *l, size_t source, const struct fact *f,
		    struct err *e);
typedef int ledger_fact_fn(void *arg, const struct fact *f, struct err *e);
int ledger_facts(struct ledger *l, size_t source, ledger_fact_fn *fn, void *arg,
		 struct err *e);

int ledger_put_blocker(struct ledger *l, unsigned plan, size_t source,
		       const struct blocker *b, struct err *e);
typedef int ledger_blocker_fn(void *arg, size_t source, const struct blocker *b,
			      struct err *e);
int ledger_blockers(struct ledger *l, unsigned plan, ledger_blocker_fn *fn,
		    void *arg, struct err *e);

/* ---- items -------------------------------------------------------------- */

/* A later plan has the item as it became. */
enum superseded {
	SUPERSEDED_NOT = 0,
	SUPERSEDED_REPLACED, /* it changed before we destroyed it */
	SUPERSEDED_DESTROYED /* we had destroyed it; something is back */
};

/* An item as the ledger keeps it. */
struct ledger_item {
	struct item item; /* pointers valid until the next call on its cursor */
	uint64_t n;	  /* ordinal within the source, from 0, by insertion */
	unsigned plan;
	enum superseded superseded;
};

/* Adds an item to a plan.  A current item of the same id (an earlier plan's)
 * becomes superseded as said.  ERR_STORE when the plan has that id already: the
 * enumeration repeated itself. */
int ledger_add_item(struct ledger *l, size_t source, unsigned plan,
		    const struct item *item, enum superseded earlier,
		    struct err *e);
/* Removes what a killed planning left of a plan that was never fixed. */
int ledger_forget_plan(struct ledger *l, unsigned plan, struct err *e);
/* How many ordinals are taken in the source. */
int ledger_ordinals(uint64_t *n, struct ledger *l, size_t source,
		    struct err *e);

/* Finds the current item of that id; cheap when ids come in mostly ascending
 * order.  *found says whether there is one.  The item stays valid until the
 * next find in the same source. */
int ledger_find(bool *found, struct ledger_item *out, struct ledger *l,
		size_t source, const unsigned char *id, size_t id_len,
		struct err *e);

typedef int ledger_item_fn(void *arg, const struct ledger_item *item,
			   struct err *e);
/* All items of a source in ascending order of id, then plan; plan 0 means all
 * plans.  Superseded ones included. */
int ledger_items(struct ledger *l, size_t source, unsigned plan,
		 ledger_item_fn *fn, void *arg, struct err *e);

/* Items of a plan that are to be destroyed (not retained, not superseded) with
 * id below `below` (all when below is NULL), in descending order, until fn
 * returns 1 (enough) or -1. */
int ledger_items_below(struct ledger *l, size_t source, unsigned plan,
		       const unsigned char *below, size_t below_len,
		       ledger_item_fn *fn, void *arg, struct err *e);

/* ---- journal ---------------------------------------------------------------
 */

/* Records the intent to destroy the items of (source, plan) with ids from
 * `from` up to where the last batch began.  The caller commits before the
 * store is asked (I4). */
int ledger_intend(struct ledger *l, size_t source, unsigned plan,
		  const unsigned char *from, size_t from_len, uint64_t count,
		  int64_t when, struct err *e);
/* Marks the newest batch of (source, plan) as carried out. */
int ledger_carried_out(struct ledger *l, size_t source, unsigned plan,
		       int64_t when, struct err *e);

/* The low-water mark: everything at or above it has an intent.  *started is
 * false when there is no batch.  *open: the newest batch was not marked as
 * carried out; then *open_above/low is its range, to be repeated. */
struct ledger_mark {
	bool started;
	struct buf low; /* the lowest id with an intent */
	bool open;
	bool bounded;	/* the newest batch ends below `top` */
	struct buf top; /* exclusive upper end of the newest batch */
	uint64_t done;	/* items in batches carried out */
};
int ledger_mark(struct ledger_mark *m, struct ledger *l, size_t source,
		unsigned plan, struct err *e);
void ledger_mark_release(struct ledger_mark *m);
/* Whether any batch exists at all: something may have been destroyed. */
int ledger_any_intent(bool *any, struct ledger *l, struct err *e);
/* When the first batch of a source was intended; 0 when none. */
int ledger_first_intent(int64_t *when, struct ledger *l, size_t source,
			struct err *e);

/* Items a second over the batches so far; 0 when it cannot be told. */
int ledger_rate(double *rate, struct ledger *l, size_t source, struct err *e);

/* ---- notes -----------------------------------------------------------------
 */

/* What is particular about one item. */
enum note_code {
	NOTE_NONE = 0,
	NOTE_ABSENT,  /* gone before we had any intent */
	NOTE_LOCKED,  /* not before `until`; the store was not asked, or said
		       * so */
	NOTE_REFUSED, /* the store said no */
	NOTE_HELD,    /* legal hold: the store was not asked */
	NOTE_UNKNOWN, /* asked, no clear answer */
	NOTE_KEPT,    /* our name gone, content stays */
	NOTE_DRIFTED, /* not what was planned: not touched */
	/* findings of the check, in a column of their own: */
	NOTE_PRESENT, /* seen after the destruction */
	NOTE_DOUBT    /* the check could not tell */
};

struct note {
	enum note_code act;   /* from the destruction */
	enum note_code check; /* from the check */
	int64_t until;
	char why[120];
};

int ledger_note_act(struct ledger *l, size_t source, unsigned plan,
		    const unsigned char *id, size_t id_len, enum note_code code,
		    int64_t until, const char *why, struct err *e);
int ledger_note_check(struct ledger *l, size_t source, unsigned plan,
		      const unsigned char *id, size_t id_len,
		      enum note_code code, const char *why, struct err *e);
/* Forgets what destruction noted about an item: it was carried out after
 * all. */
int ledger_note_clear(struct ledger *l, size_t source, unsigned plan,
		      const unsigned char *id, size_t id_len, struct err *e);
/* Forgets all findings of the check of a source, before it is checked anew. */
int ledger_forget_check(struct ledger *l, size_t source, struct err *e);
/* Zeroed when there is none. */
int ledger_note(struct note *out, struct ledger *l, size_t source,
		unsigned plan, const unsigned char *id, size_t id_len,
		struct err *e);
/* Items of a source whose destruction left a note other than absent, with id
 * below `below` (all when NULL), in descending order: they are tried again. */
int ledger_noted(struct ledger *l, size_t source, const unsigned char *below,
		 size_t below_len, ledger_item_fn *fn, void *arg,
		 struct err *e);
/* Whether there is any note about a source: without one, nobody asks. */
int ledger_any_note(bool *any, struct ledger *l, size_t source, struct err *e);

/* Things seen in the scope that no plan names: counted, and the first
 * UNPLANNED_KEPT names kept for the operator. */
#define UNPLANNED_KEPT 1000
int ledger_put_unplanned(struct ledger *l, size_t source,
			 const struct item *item, struct err *e);
int ledger_unplanned(uint64_t *count, struct ledger *l, size_t source,
		     struct err *e);
typedef int ledger_name_fn(void *arg, const unsigned char *id, size_t id_len,
			   struct err *e);
int ledger_unplanned_names(struct ledger *l, size_t source, size_t most,
			   ledger_name_fn *fn, void *arg, struct err *e);
int ledger_forget_unplanned(struct ledger *l, size_t source, struct err *e);

/* ---- bystanders --------------------------------------------------------- */

int ledger_put_bystander(struct ledger *l, size_t source,
			 const unsigned char *id, size_t id_len, struct err *e);
int ledger_bystanders(struct ledger *l, size_t source, ledger_name_fn *fn,
		      void *arg, struct err *e);
int ledger_forget_bystanders(struct ledger *l, size_t source, struct err *e);

/* ---- trail entries not yet in the trail --------------------------------- */

int ledger_queue_entry(struct ledger *l, const void *entry, size_t len,
		       struct err *e);
/* The oldest queued entry, or *found false. */
int ledger_queued_entry(bool *found, int64_t *key, struct buf *entry,
			struct ledger *l, struct err *e);
int ledger_unqueue_entry(struct ledger *l, int64_t key, struct err *e);

/* ---- documents (certificates) ------------------------------------------- */

struct ledger_document {
	unsigned number;
	enum kind kind;
	struct buf bytes; /* the fixed JSON */
	struct buf signature;
	struct buf proof;
	bool published; /* all its files are in the case directory */
};
/* Fixes a new document's bytes, its signature and then its proof. */
int ledger_fix_document(struct ledger *l, unsigned number, enum kind kind,
			const void *bytes, size_t len, struct err *e);
int ledger_fix_signature(struct ledger *l, unsigned number, const void *der,
			 size_t len, struct err *e);
int ledger_fix_proof(struct ledger *l, unsigned number, const void *proof,
		     size_t len, struct err *e);
int ledger_published(struct ledger *l, unsigned number, struct err *e);
/* Number 0 means the newest.  *found false when there is none. */
int ledger_document(bool *found, struct ledger_document *out, struct ledger *l,
		    unsigned number, struct err *e);
void ledger_document_release(struct ledger_document *d);

#endif
