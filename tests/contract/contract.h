/*
 * contract.h: what every provider is held to, whatever its store.
 *
 * contract.c holds the claims; each store under test is one file here that
 * fills a struct contract_store: how to start the store, change it behind the
 * provider's back, and look into it *by other means than the provider*.  The
 * program is run as `contract NAME...` and prints "ok NAME: CLAIM" or
 * "not ok NAME: CLAIM" and "# ..." lines with the reason.
 *
 * Each claim starts a store of its own, so every start() must give the same
 * fresh standard content:
 *
 *   - at least one item of every class that the provider enumerates and that
 *     can be made here; at least 5 items, fewer than 500; some of them
 *     awkward (names, keys, values of this store's own odd kinds);
 *   - at least one item that the scope's one retention rule keeps, and at
 *     least two that it does not;
 *   - neighbours: things out of scope, among them one whose name or value
 *     begins with this client's (clients/7/ and clients/77/);
 *   - nothing that makes the store refuse: no locks, no blockers.
 */
#ifndef QUIETUS_CONTRACT_H
#define QUIETUS_CONTRACT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "certs/base/err.h"
#include "certs/base/sha.h"
#include "providers/provider.h"

/* Answers of the functions below: 0 done, -1 failed (*e says why: the claim
 * is not ok), CONTRACT_CANNOT when this store cannot do such a thing at all
 * (the claim, or that part of it, does not apply). */
#define CONTRACT_CANNOT 1

struct contract_store {
	const char *name;
	const struct provider *provider;

	/*
	 * Starts a fresh store with the standard content and fills *scope with
	 * everything source_open needs (source, client, base, settings,
	 * retention); scope->stop is set by the caller afterwards.  What scope
	 * points to lives until stop().  CONTRACT_CANNOT with *e saying why
	 * when a server that is needed is missing: the store is skipped.
	 * Servers may be kept running from one start to the next.
	 */
	int (*start)(void **store, struct scope *scope, struct err *e);
	/* Ends it and frees all; NULL is harmless. */
	void (*stop)(void *store);
	/* Ends what was kept running between starts; may be NULL.  Called
	 * once, last. */
	void (*finish)(void);

	/* Adds one more item in scope that would be enumerated as class cls,
	 * another one each time, not retained, by other means than the
	 * provider.  Items of other classes may come with it (a new current
	 * version makes the one before noncurrent).  CONTRACT_CANNOT when the
	 * class is not enumerated or cannot be made here. */
	int (*plant)(void *store, enum copy_class cls, struct err *e);

	/* Changes that item's content.  Where the store never changes a thing
	 * in place (object versions), the new content gets another id and the
	 * old item stays or not, as the store does it: set
	 * alter_makes_another.  CONTRACT_CANNOT for an item that has nothing
	 * to change (a folder, a delete marker). */
	int (*alter)(void *store, const struct item *item, struct err *e);
	bool alter_makes_another;

	/* Takes that one item away behind the provider's back, for good.
	 * CONTRACT_CANNOT when it would take others along (a folder with
	 * children, a row others refer to). */
	int (*remove)(void *store, const struct item *item, struct err *e);

	/* Whether that item is there now, asked of the store by other means
	 * than the provider (another client library, the file system, the
	 * sqlite3 library on a connection of its own). */
	int (*exists)(void *store, const struct item *item, bool *is_there,
		      struct err *e);

	/* A digest over names and content of everything out of scope, by
	 * other means; compared before and after. */
	int (*neighbours)(void *store, unsigned char digest[SHA_LEN],
			  struct err *e);

	/* Makes the store impossible to ask (server stopped, permission
	 * taken, folder replaced by a link) while the source is open, and
	 * possible again.  CONTRACT_CANNOT when that cannot be arranged. */
	int (*cut)(void *store, struct err *e);
	int (*mend)(void *store, struct err *e);

	/* Adds n items in scope at once, for the claims on memory and on
	 * batches.  NULL when the provider keeps its store in memory anyway
	 * (say so in the file). */
	int (*bulk)(void *store, size_t n, struct err *e);
	/* How many are added for the claim that memory does not grow; 0:
	 * 20,000. */
	size_t bulk_items;
};

/* The stores; each in tests/contract/NAME.c. */
extern const struct contract_store contract_directory;
extern const struct contract_store contract_fake;
extern const struct contract_store contract_sqlite;
extern const struct contract_store contract_s3;

/*
 * Runs every claim against one store.  Returns how many did not hold.  Sets
 * *skipped and copies the reason into why (a string of at most len bytes)
 * when the store could not be started because something it needs is missing.
 */
unsigned contract_run(const struct contract_store *store, bool *skipped,
		      char *why, size_t len);

#endif
