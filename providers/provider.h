/*
 * provider.h: the interface between the run (tools/quietus) and a store.
 * It is the only header that tools/ includes from this room.
 *
 * A provider knows one kind of store.  It is opened on one *source*: one
 * place that holds the client's data, described by the closeout file.  Then:
 *
 *   plan      describe(BEFORE), enumerate, sample, bystanders
 *   destroy   enumerate (drift), destroy batch by batch, purge
 *   check     enumerate, check_absent, describe(AFTER), residue, bystanders
 *   seal      remove_place
 *
 * Providers keep no state between runs: whatever must survive (ids, specs,
 * samples) is handed to the run, which keeps it in the ledger.  They never
 * print; credentials never leave this room.  One source is used from one
 * thread; a provider may keep many requests in flight inside one call.
 *
 * `destroy` may be called by tools/quietus/guard.c (and the contract suite)
 * only: a lint keeps it so (I1-I4).
 */
#ifndef QUIETUS_PROVIDER_H
#define QUIETUS_PROVIDER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"
#include "certs/base/words.h"

/* ---- settings: the closeout file's keys for one source ------------------ */

enum setting_type {
	SETTING_STRING,
	SETTING_BOOL,
	SETTING_INT,
	SETTING_STRINGS, /* list or array of strings */
	SETTING_GROUP,	 /* { ... } with its own spec */
	SETTING_GROUPS	 /* list of { ... } */
};

/* One key a provider understands.  Tables end with a NULL name.  The keys
 * common to all sources (name provider category choice may_be_empty) are not
 * repeated here, `excluded` is: its shape differs. */
struct setting_spec {
	const char *name;
	enum setting_type type;
	bool required;
	const struct setting_spec *members; /* of a group or groups */
	const char *const *words; /* the only values of a string, or NULL */
};

/* One value as written.  Made by tools/quietus/closeout.c, which has already
 * refused unknown keys, wrong types, missing required keys and foreign words;
 * owned by it and valid while the source is open. */
struct setting {
	const char *name;
	enum setting_type type;
	const char *file; /* for messages: "file:line: ..." */
	int line;
	const char *str;
	bool flag;
	long long number;
	const struct setting *members; /* of a group, or elements of a list */
	size_t n_members;
};

/* The member of that name in a group, or NULL. */
const struct setting *setting_get(const struct setting *group,
				  const char *name);
/* Its string, or fallback when it is not there. */
const char *setting_str(const struct setting *group, const char *name,
			const char *fallback);
bool setting_flag(const struct setting *group, const char *name, bool fallback);

/* err_set(e, ERR_USAGE, "FILE:LINE: ...") for a value that is wrong. */
int setting_refuse(const struct setting *at, struct err *e, const char *fmt,
		   ...) __attribute__((format(printf, 3, 4)));

/* Appends the text of at (a path or prefix) with every {client} replaced.
 * Refuses (ERR_USAGE, file and line) a client that is empty, ".", ".." or
 * holds a slash or a control byte where {client} is used, an unknown
 * {word}, and an unclosed brace. */
int setting_expand(struct buf *out, const struct setting *at,
		   const char *client, struct err *e);

/* A retention entry that speaks of this source (I3). */
struct retention_rule {
	const char *name;
	const struct setting *at; /* the entry: table where parents prefix
				   * path; already checked for shape */
};

/* What a provider is opened with.  All of it outlives the source. */
struct scope {
	const char *source; /* the source's name, for messages */
	const char *client; /* the closeout's client */
	const char *base;   /* folder that relative paths are relative to */
	const struct setting *settings; /* a SETTING_GROUP */
	const struct retention_rule *retention;
	size_t n_retention;
	bool may_be_empty;
	/* Folders of quietus itself (cases, trail), absolute, ended by NULL: a
	 * provider of files refuses a scope that holds one of them
	 * (ERR_USAGE) and does not count what is in them as bystanders. */
	const char *const *ours;
	/* set by a signal handler: the provider returns ERR_STOPPED at its
	 * next safe point */
	const volatile sig_atomic_t *stop;
};

/* ---- items -------------------------------------------------------------- */

/*
 * The unit that is enumerated, destroyed and checked.
 *
 * id orders and names it: unique within the source, stable from one
 * enumeration to the next, at most ITEM_ID_MAX bytes, compared with memcmp
 * (a shorter id that is a prefix of a longer one sorts first).  *Items are
 * destroyed in descending order of id*, so a provider builds ids such that
 * whatever must go first sorts last: "dir" before "dir/file", a parent table
 * before its child.  Ids are shown to the controller as escaped text (hex.h),
 * so they begin with what a person would recognise; docs/providers/ has the
 * shape for each store.
 *
 * digest says what the item was when it was looked at: if it differs later,
 * the item has drifted.  It covers spec.
 *
 * spec is for the provider alone: whatever destroy needs to know beyond id
 * (a list of primary keys).  At most ITEM_SPEC_MAX bytes.
 */
#define ITEM_ID_MAX 4096
#define ITEM_SPEC_MAX 65536

struct item {
	const unsigned char *id;
	size_t id_len;
	enum copy_class cls;
	uint64_t bytes; /* as the store counts them; 0 for markers */
	uint64_t rows;	/* rows in the range; 0 where there are none */
	unsigned char digest[SHA_LEN];
	/* Items of the same non-zero group are adjacent in id order and are
	 * destroyed by one call (rows in a cycle of references). */
	uint32_t group;
	/* 0: to be destroyed; n: kept by scope->retention[n - 1]. */
	uint32_t retention;
	/* When the item cannot be destroyed before a date (object lock):
	 * seconds since 1970, else 0.  Known at enumeration. */
	int64_t locked_until;
	/* The store will refuse to destroy it, no date known (legal hold). */
	bool held;
	/* When it was last changed, seconds since 1970; 0 when the store keeps
	 * no such time.  For whoever approves. */
	int64_t modified;
	const unsigned char *spec;
	size_t spec_len;
};

/* Receives one item; the pointers are valid during the call only.  Returns 0
 * to go on, -1 with *e set to stop the enumeration. */
typedef int item_fn(void *arg, const struct item *item, struct err *e);

/* What a destroy call says of one item.  None of these is evidence (I5). */
enum outcome_code {
	OUTCOME_UNKNOWN = 0, /* time-out, no answer, half an answer */
	OUTCOME_DONE,	     /* the store said that it did it */
	OUTCOME_GONE,	     /* it was not there any more */
	OUTCOME_DRIFTED,     /* it is not what was planned: not touched */
	OUTCOME_REFUSED,     /* the store said no */
	OUTCOME_LOCKED,	     /* not before `until` */
	OUTCOME_KEPT	     /* our name is gone, the content stays (hard link
			      * from outside the scope) */
};

struct outcome {
	enum outcome_code code;
	int64_t until; /* OUTCOME_LOCKED */
	char why[120]; /* the store's words, for the operator; may name
			* things, so it goes to ledger and terminal only */
};

/* Answers about one item.  A refusal, a time-out or a doubt is unknown. */
enum answer { ANSWER_UNKNOWN = 0, ANSWER_ABSENT, ANSWER_PRESENT };

/* ---- what a source says about itself ------------------------------------ */

enum presence {
	PRESENCE_UNKNOWN = 0, /* could not be asked; `why` says what would
			       * settle it (a permission, a GRANT) */
	PRESENCE_ITEMS,	      /* this class is enumerated: see the items */
	PRESENCE_NONE,	      /* asked; nothing of the client's there */
	PRESENCE_IMPOSSIBLE,  /* the store cannot have it; why: the source of
			       * that knowledge */
	PRESENCE_FOUND,	      /* there is such a copy */
	PRESENCE_SCHEDULED,   /* there is, and it goes by itself at `until` */
	PRESENCE_UNREADABLE   /* AFTER only: a purge was carried out that
			       * cannot be read back */
};

struct class_report {
	enum presence presence;
	uint64_t count; /* copies or values found, when they can be counted */
	uint64_t bytes;
	int64_t until;
	/* One plain sentence without any name from the data (I9): it may
	 * stand in the certificate. */
	char why[240];
};

/* Why a plan may not be approved. */
struct blocker {
	char kind[40];	/* one of a few words: see docs/providers */
	uint64_t count; /* how many things are concerned */
	char text[400]; /* for the operator; may name things (ledger only) */
};

/* A fact about the host for the certificate: nothing from the data (I9). */
struct fact {
	char key[32]; /* host region account endpoint credentials engine ... */
	char value[200];
};

enum phase {
	PHASE_BEFORE = 0, /* planning */
	PHASE_AFTER,	  /* after destroy and purge */
	/* Before destroying: what blocks now.  Costly looks at the soundness
	 * of the store, made while planning, may be left out. */
	PHASE_AGAIN
};

#define DESCRIPTION_FACTS 16
struct description {
	struct class_report classes[CLASS_COUNT]; /* by class; only those in
						   * the provider's list */
	struct fact facts[DESCRIPTION_FACTS];
	size_t n_facts;
	struct blocker *blockers; /* heap; see description_release */
	size_t n_blockers;
	/* How destruction works here and what it is worth, for the
	 * certificate: one or two sentences, no names. */
	char method[400];
	/* What cannot be known about this store: for the limits. */
	char limits[400];
	/* How the client is named in the data (the root row's first text
	 * column, the scope's folder or prefix), for whoever approves: on the
	 * terminal and in the ledger only.  Empty when there is no name. */
	char found[200];
};

void description_init(struct description *d);
void description_release(struct description *d);
int description_block(struct description *d, struct err *e, const char *kind,
		      uint64_t count, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void description_fact(struct description *d, const char *key, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));
void description_class(struct description *d, enum copy_class c,
		       enum presence p, uint64_t count, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Bystanders measured inside destroy's own transactions (databases): filled
 * by adding, never by replacing. */
struct bystanders {
	uint64_t tables;
	uint64_t rows_before; /* out-of-scope rows seen before the batch */
	uint64_t rows_after;
	bool sampled;		       /* some digest covered a sample only */
	bool lost;		       /* a loss was seen (and rolled back) */
	unsigned char digest[SHA_LEN]; /* of the last batch's rows */
};

/* Residue: values of the client looked for in the raw bytes. */
struct residue {
	bool possible;	   /* false: why says why not */
	uint64_t hits;	   /* places where a sampled value was found */
	uint64_t bytes;	   /* how much was read */
	char regions[200]; /* what was read: "database file, -wal, -journal" */
	char why[200];
};

/* ---- the provider ------------------------------------------------------- */

struct source; /* an open source; see below */

struct provider {
	const char *name;
	/* One line for `quietus providers`. */
	const char *summary;
	const struct setting_spec *settings;
	/* The copy classes of this store, ended by CLASS_UNKNOWN.  Every one
	 * gets a verdict in every certificate. */
	const enum copy_class *classes;
	/* How many items one destroy call should get (groups may exceed it) */
	size_t batch_items;

	/* Opens the store and checks the settings and credentials.  *handle is
	 * the provider's own state, given to every other slot.  ERR_USAGE with
	 * file and line when the closeout file is wrong (including a `where`
	 * that widens); ERR_AUTH, ERR_DENIED, ERR_UNREACHABLE, ERR_STORE when
	 * the store is.  Changes nothing in the store. */
	int (*open)(void **handle, const struct scope *scope, struct err *e);

	/* Closes; NULL is harmless. */
	void (*close)(void *handle);

	/* Says what the source is: classes, configuration, blockers, facts.
	 * With PHASE_AFTER the classes are asked again.  A class that cannot
	 * be asked is PRESENCE_UNKNOWN, not an error. */
	int (*describe)(void *handle, enum phase phase, struct description *d,
			struct err *e);

	/* Hands every copy the store admits to to fn, each once, streaming, in
	 * runs of mostly ascending ids.  0 only when complete: a lost page, a
	 * listing that goes backwards or repeats is ERR_STORE.  Memory does
	 * not grow with the number of items.  Retained items are handed over
	 * too, with their rule. */
	int (*enumerate)(void *handle, item_fn *fn, void *arg, struct err *e);

	/* Destroys n items, in the given order or all at once; idempotent.
	 * out[i] (zeroed by the caller) gets one outcome per item.  An item
	 * that is not what its digest says is DRIFTED and not touched.
	 * Returns -1 only when the batch as a whole cannot go on (ERR_AUTH,
	 * ERR_UNREACHABLE, ERR_DRIFT, ERR_STOPPED); outcomes that were
	 * learned before are kept in out.  by may be filled (databases). */
	int (*destroy)(void *handle, const struct item *items, size_t n,
		       struct outcome *out, struct bystanders *by,
		       struct err *e);

	/* Asks about n items by another call than destroy used (I5); items
	 * ascend by id.  out is zeroed by the caller. */
	int (*check_absent)(void *handle, const struct item *items, size_t n,
			    enum answer *out, struct err *e);

	/* Makes the destruction physical: rewrite, checkpoint, shrink.
	 * Idempotent.  did gets one plain sentence of what was done, without
	 * names (I9).  NULL when a store has nothing of the kind.
	 * ERR_REFUSED, with who must stop, when others are in the way. */
	int (*purge)(void *handle, struct buf *did, struct err *e);

	/* After a check that found nothing: removes the emptied place itself (a
	 * bucket) when the scope is the whole of it.  That is the store's own
	 * proof, because it refuses while anything is in it: then ERR_DRIFT.
	 * *removed says whether it did; what the credentials may not do is no
	 * error.  NULL where no place is removed.  A source whose place is
	 * gone opens with ERR_MISSING. */
	int (*remove_place)(void *handle, bool *removed, struct err *e);

	/* Before destruction: takes values of the client from the scope and
	 * appends them to *samples in the provider's own form; they are
	 * client data, kept in the ledger only as long as needed.  NULL when
	 * raw bytes cannot be read. */
	int (*sample)(void *handle, struct buf *samples, struct err *e);

	/* Looks for those values in the raw bytes.  NULL together with
	 * sample. */
	int (*residue)(void *handle, const void *samples, size_t len,
		       struct residue *r, struct err *e);

	/* Hands over what lies beside the scope (I10): up to `exact` things
	 * all of them; when there are more, a sample of `sampled` spread over
	 * the store (*all false).  Only id and id_len matter; check_absent
	 * must understand the ids.  *out of reach*: what the credentials may
	 * not see gives ERR_DENIED, and the certificate says "not measured".
	 * NULL when destroy measures bystanders in its own transactions. */
	int (*bystanders)(void *handle, uint64_t exact, uint64_t sampled,
			  bool *all, item_fn *fn, void *arg, struct err *e);
};

/* ---- thin wrappers that callers use ------------------------------------- */

struct source {
	const struct provider *provider;
	void *handle;
	struct scope scope;
};

/* The built-in providers, ended by NULL. */
const struct provider *const *provider_list(void);
/* By name, or NULL. */
const struct provider *provider_find(const char *name);
/* Providers of the design that this build leaves out, as "name: reason"
 * lines ended by NULL. */
const char *const *provider_missing(void);

/* Each wrapper adds the source's name to errors and keeps the rules above
 * (zeroed outputs, ids in bounds, NULL slots). */
int source_open(struct source *s, const struct provider *p,
		const struct scope *scope, struct err *e);
void source_close(struct source *s);
int source_describe(struct source *s, enum phase phase, struct description *d,
		    struct err *e);
int source_enumerate(struct source *s, item_fn *fn, void *arg, struct err *e);
int source_destroy(struct source *s, const struct item *items, size_t n,
		   struct outcome *out, struct bystanders *by, struct err *e);
int source_check_absent(struct source *s, const struct item *items, size_t n,
			enum answer *out, struct err *e);
int source_purge(struct source *s, struct buf *did, struct err *e);
int source_remove_place(struct source *s, bool *removed, struct err *e);
int source_sample(struct source *s, struct buf *samples, struct err *e);
int source_residue(struct source *s, const void *samples, size_t len,
		   struct residue *r, struct err *e);
int source_bystanders(struct source *s, uint64_t exact, uint64_t sampled,
		      bool *all, item_fn *fn, void *arg, struct err *e);
/* True when the provider measures bystanders inside destroy. */
bool source_measures_inside(const struct source *s);

#endif
