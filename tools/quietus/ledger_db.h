/* ledger_db.h: what the two halves of the ledger share; for ledger*.c only. */
#ifndef QUIETUS_LEDGER_DB_H
#define QUIETUS_LEDGER_DB_H

#include <sqlite3.h>

#include "tools/quietus/ledger.h"

/* The running cursor of ledger_find and the next ordinal of one source. */
struct ledger_lane {
	sqlite3_stmt *cursor;
	bool at_row;   /* cursor stands on a row that was not consumed */
	struct buf id; /* the id that row has */
	bool known;
	uint64_t next;
	bool dirty;
};

struct cached {
	const char *sql;
	sqlite3_stmt *stmt;
};

#define LEDGER_STATEMENTS 64

struct ledger {
	sqlite3 *db;
	char *path;
	struct cached cache[LEDGER_STATEMENTS];
	size_t n_cache;
	struct ledger_lane *lanes;
	size_t n_lanes;
};

/* err_set with SQLite's message. Returns -1. */
int db_fail(struct ledger *l, struct err *e, const char *doing);
/* A kept statement, reset, by the address of its text; NULL on failure. */
sqlite3_stmt *db_kept(struct ledger *l, const char *sql, struct err *e);
/* A fresh statement for an iteration; the caller finalizes it. */
sqlite3_stmt *db_fresh(struct ledger *l, const char *sql, struct err *e);
/* Runs a statement that returns no row, and resets it. */
int db_run(struct ledger *l, sqlite3_stmt *s, const char *doing, struct err *e);
/* Binds bytes (an empty blob rather than NULL when len is 0). */
void db_bytes(sqlite3_stmt *s, int at, const void *data, size_t len);
/* Appends a blob column to a buffer. */
int db_column(struct buf *out, sqlite3_stmt *s, int col, struct err *e);
/* The lane of a source, made on first use; NULL when memory is exhausted. */
struct ledger_lane *db_lane(struct ledger *l, size_t source, struct err *e);

#endif
