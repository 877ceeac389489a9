/*
 * internal.h: what the files of the fake provider share.
 *
 * The store is one JSON file (docs/providers/FAKE.md), read at the beginning
 * of every call and replaced at its end when it changed, so that several
 * processes and whoever edits it see one store.
 */
#ifndef QUIETUS_FAKE_INTERNAL_H
#define QUIETUS_FAKE_INTERNAL_H

#include "providers/provider.h"

#define STORE_MAX (64 * 1024 * 1024) /* bytes of a store file */

struct fake_item {
	char *id; /* key NUL version */
	size_t id_len, key_len;
	enum copy_class cls;
	unsigned char *content;
	size_t content_len;
	uint64_t rows;
	uint32_t group;
	int64_t locked_until;
	bool held;
	bool neighbour; /* out of scope whatever its key */
};

struct fake_class {
	bool told; /* the file speaks of this class */
	enum presence before, after;
	uint64_t count;
	int64_t until;
	char why[240];
};

/* How often a fault's occasion has come so far; kept in the file. */
struct fake_counter {
	char *fault;
	uint64_t n;
};

struct fake_store {
	struct fake_item *items; /* ascending by id */
	size_t n;
	struct fake_item *gone; /* destroyed, and what brings back may use */
	size_t n_gone;
	char **ghosts; /* escaped content left in the file by destroy */
	size_t n_ghosts;
	struct fake_class classes[CLASS_COUNT];
	struct fake_counter *counters;
	size_t n_counters;
	bool changed;
};

/* Reads the file strictly: ERR_STORE with the path and what is wrong,
 * ERR_UNREACHABLE when it cannot be read. */
int store_read(struct fake_store *s, const char *path, struct err *e);
/* Replaces the file if the store changed. */
int store_write(struct fake_store *s, const char *path, struct err *e);
void store_release(struct fake_store *s);

/* The item of that id, or NULL. */
struct fake_item *store_find(const struct fake_store *s, const void *id,
			     size_t len);
/* Takes an item out.  With remember it can be brought back, with ghost its
 * content stays in the file. */
int store_take(struct fake_store *s, struct fake_item *item, bool remember,
	       bool ghost, struct err *e);
/* Puts the item taken last back; false when there is none. */
bool store_bring_back(struct fake_store *s);
/* Adds an item (copied); keeps the order. */
int store_add(struct fake_store *s, const struct fake_item *item,
	      struct err *e);
int fake_id_compare(const void *a, size_t a_len, const void *b, size_t b_len);

/* ---- faults ------------------------------------------------------------- */

enum fault_kind {
	FAULT_NONE = 0,
	FAULT_REFUSE, /* refuse:KEY */
	FAULT_DRIFT,  /* drift:KEY */
	FAULT_VANISH, /* vanish:KEY */
	FAULT_TIMEOUT,
	FAULT_LOST_ANSWER,
	FAULT_UNREACHABLE,
	FAULT_AUTH,
	FAULT_HALF_BATCH,
	FAULT_LIE,
	FAULT_LOSE_PAGE,
	FAULT_BREAK_PAGE,
	FAULT_GROW,
	FAULT_RESURRECT,
	FAULT_RESURRECT_LATE,
	FAULT_MUTE,
	FAULT_HARM_NEIGHBOUR,
	FAULT_RESIDUE,
	FAULT_RESIDUE_STAYS,
	FAULT_BLOCKER, /* blocker:KIND */
	FAULT_SLOW     /* slow:MILLISECONDS */
};

struct fault {
	enum fault_kind kind;
	const char *text; /* as written: names its counter */
	char *argument;	  /* escaped key, blocker kind, or NULL */
	uint64_t number;  /* milliseconds of slow */
	uint64_t first;	  /* the occasion it begins with, from 1 */
	uint64_t times;	  /* how often; 0: from then on always */
};

struct faults {
	struct fault *list;
	size_t n;
};

/* WORD[:ARGUMENT][:TIMES][@FIRST]; ERR_USAGE with file and line. */
int faults_read(struct faults *f, const struct setting *at, struct err *e);
void faults_release(struct faults *f);
/* The first fault of that kind, whatever its counter, or NULL. */
const struct fault *faults_find(const struct faults *f, enum fault_kind kind);
/* Counts one occasion for each fault of that kind (and of that argument when
 * key is not NULL) and says whether one of them strikes now. */
bool faults_strike(const struct faults *f, struct fake_store *s,
		   enum fault_kind kind, const struct fake_item *item);
/* How many occasions fault f has had. */
uint64_t faults_occasions(const struct fault *f, const struct fake_store *s);

/* ---- the provider ------------------------------------------------------- */

/* One prefix below the scope that is kept. */
struct fake_kept {
	char *prefix;
	uint32_t rule; /* from 1; 0: excluded */
};

struct fake {
	const struct scope *scope;
	char *path;
	char *prefix;
	struct fake_kept *kept;
	size_t n_kept;
	struct faults faults;
	struct sha *sha;
};

/* In the source's scope: its prefix, not a neighbour, not excluded. */
bool fake_in_scope(const struct fake *f, const struct fake_item *item);
/* The retention or exclusion that keeps it, or NULL. */
const struct fake_kept *fake_kept_by(const struct fake *f,
				     const struct fake_item *item);
void fake_digest(const struct fake *f, unsigned char digest[SHA_LEN],
		 const struct fake_item *item);

/* Every call begins so: it takes its time, heeds the stop flag and reads the
 * file; and ends so: what was done before a failure is kept, as in a real
 * store.  fake_end returns rc, or -1 when the file cannot be written. */
int fake_begin(struct fake *f, struct fake_store *s, struct err *e);
int fake_end(struct fake *f, struct fake_store *s, int rc, struct err *e);

int fake_destroy(void *handle, const struct item *items, size_t n,
		 struct outcome *out, struct bystanders *by, struct err *e);
int fake_purge(void *handle, struct buf *did, struct err *e);
int fake_sample(void *handle, struct buf *samples, struct err *e);
int fake_residue(void *handle, const void *samples, size_t len,
		 struct residue *r, struct err *e);

#endif
