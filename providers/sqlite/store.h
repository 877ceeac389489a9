/*
 * store.h: what the files of the SQLite provider share.  Nothing outside this
 * folder (and its tests) includes it.
 *
 * How a source is worked on:
 *   - `ro`, a read-only connection, answers every question; the scope (which
 *     rows are the client's) is worked out on it in temporary tables, inside
 *     one read transaction, and kept until the database changes;
 *   - `rw`, opened by the first destroy or purge, never creates a database.
 * No transaction is left open between two calls, so nobody is held up.
 */
#ifndef QUIETUS_SQLITE_STORE_H
#define QUIETUS_SQLITE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sqlite3.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"
#include "providers/provider.h"
#include "providers/sqlite/graph.h"

/* How a row is named for ever: by what VACUUM does not change. */
enum key_kind {
	KEY_INTEGER = 1, /* INTEGER PRIMARY KEY, or a virtual table's rowid */
	KEY_COLUMNS,	 /* any other primary key */
	KEY_ROWID	 /* no usable key: hidden row number and content */
};

enum fts_kind {
	FTS_NONE = 0,
	FTS_OWN,     /* holds its own copy of the text */
	FTS_EXTERNAL /* indexes another table or view */
};

struct key_column {
	char *sql; /* quoted name, or the rowid's name */
	const char *affinity;
	char *collation;
};

/* What SQLite knows of graph table i beside its name: table[i]. */
struct table {
	enum key_kind key;
	struct key_column *keys;
	size_t n_keys;
	char **columns; /* quoted, all that are stored, in table order */
	size_t n_columns;
	bool virtual_table;
	bool without_rowid;
	char *rowid; /* a name by which the rowid can be asked, or NULL */
	enum fts_kind fts;
	bool fts5;
	char *content;		  /* FTS_EXTERNAL: its content table */
	bool content_rowid_moves; /* VACUUM renumbers the content table */
	bool has_triggers;	  /* some trigger belongs to it */
	bool trigger_writes;	  /* and its DELETE triggers write */
};

/* How foreign key i can be followed: link[i]. */
struct link {
	bool on_key;  /* the parent's columns are its key, in order */
	bool indexed; /* an index of the child begins with the columns */
	size_t *key_position; /* on_key: from[i] refers to this key column */
};

/* One `tables` entry or retention rule. */
struct entry {
	const struct setting *at;
	size_t table;
	char *condition; /* SQL with :client, or NULL for the whole table */
	size_t *reads;	 /* other tables that the condition reads */
	size_t n_reads;
	bool parents; /* retention: keep what the row needs */
	bool applied; /* scope: selected something */
};

/* Something wrong with the schema itself, found while it was read. */
struct defect {
	const char *kind;
	size_t table; /* an exclusion of it lifts the defect; or GRAPH_NONE */
	char *text;
};

struct store {
	const struct scope *scope;
	char *path;   /* as people wrote it, absolute */
	bool by_link; /* the path given was a symbolic link */
	dev_t dev;    /* which file was opened */
	ino_t ino;
	sqlite3 *ro, *rw;

	struct graph graph;
	struct table *table;
	struct link *link;
	size_t root;	   /* GRAPH_NONE: no root */
	char *root_column; /* quoted */
	struct entry *entries, *rules;
	size_t n_entries, n_rules;
	struct defect *defects;
	size_t n_defects;
	unsigned char schema_digest[SHA_LEN];
	int64_t schema_cookie; /* of ro when schema_digest was taken */

	bool shared_destroy;
	bool allow_triggers;

	/* the scope in temporary tables of ro */
	bool scoped;
	int64_t scoped_at; /* ro's data_version */
	struct finding *findings;
	size_t n_findings;
	uint64_t root_rows;

	struct sha *sha, *row_sha;
	struct buf row;	 /* one row, written out */
	struct ops *ops; /* destroy's statements, by table; n_tables long */
};

/* How long a lock is waited for, in milliseconds (tests shorten it). */
extern int sqlite_busy_ms;

/* ---- sqlite.c: connections ---------------------------------------------- */

/* Fails when the file at path is not the one that was opened. */
int store_still_there(struct store *s, struct err *e);
/* Opens the writing connection unless it is open. */
int store_writer(struct store *s, struct err *e);
/* Starts and ends the read transaction on ro. */
int store_begin_read(struct store *s, struct err *e);
void store_end_read(struct store *s);
/* Fails with ERR_DRIFT when db's schema is not the one that was read. */
int store_same_schema(struct store *s, sqlite3 *db, struct err *e);
bool store_stopped(const struct store *s);

/* ---- sql.c: small helpers over the library ------------------------------ */

/* Translates what db answered; doing says what was tried. Returns -1. */
int sql_fail(struct store *s, sqlite3 *db, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Runs SQL without parameters; fmt is sqlite3_mprintf's (%w, %Q). */
int sql_exec(struct store *s, sqlite3 *db, struct err *e, const char *fmt, ...);
/* Prepares the text of b, which is released. */
int sql_prepare(sqlite3_stmt **out, struct store *s, sqlite3 *db, struct buf *b,
		struct err *e);
/* First column of the first row; 0 when there is none.  :client is bound
 * where it is used; fmt is sqlite3_mprintf's. */
int sql_number(int64_t *out, struct store *s, sqlite3 *db, struct err *e,
	       const char *fmt, ...);
/* Binds the client to :client where the statement has it. */
int sql_bind_client(struct store *s, sqlite3_stmt *stmt, struct err *e);
/* Runs to the end and finalizes; *changes gets how many rows it changed. */
int sql_run(struct store *s, sqlite3 *db, struct buf *b, int64_t *changes,
	    struct err *e);
/* A quoted identifier in fresh memory, or NULL. */
char *sql_quote(const char *name);

/* ---- busy.c ------------------------------------------------------------- */

/* Appends which other processes have the database open: "process 12 (app)",
 * or says that it could not be seen. */
void busy_who(struct buf *out, const struct store *s);

/* ---- schema.c, keys.c --------------------------------------------------- */

int schema_read(struct store *s, struct err *e);
void schema_release(struct store *s);
int schema_defect(struct store *s, const char *kind, size_t table,
		  struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Prepares PRAGMA name(arg) as a query over main. */
int schema_ask(sqlite3_stmt **out, struct store *s, const char *pragma,
	       const char *arg, struct err *e);
/* keys.c: fills columns and key of one table. */
int keys_read(struct store *s, size_t table, bool strict, struct err *e);
/* The digest of everything in sqlite_schema. */
int schema_digest(unsigned char out[SHA_LEN], struct store *s, sqlite3 *db,
		  struct err *e);
/* virtual.c: what kind of virtual table this is; sql is its CREATE statement.
 * *usable: it can be read. */
int schema_virtual(bool *usable, struct store *s, size_t table, const char *sql,
		   struct err *e);

/* ---- entries.c, where.c: what the closeout file selects ----------------- */

int entries_read(struct store *s, struct err *e);
void entries_release(struct store *s);
/* Checks the condition of entry by every rule of DESIGN section 5. */
int where_check(struct store *s, struct entry *entry,
		const struct setting *where, struct err *e);

/* ---- select.c, rules.c: the scope --------------------------------------- */

/* What stands in the way, found while the scope was worked out. */
struct finding {
	const char *kind;
	uint64_t count;
	char *text;
};

/* Works the scope out unless it is known for the current snapshot.  Must be
 * called inside a read transaction on ro.  temp.s<i> then holds the keys of
 * table i's rows: k1..kn, and ret (0: destroy, n: kept by rule n). */
int select_scope(struct store *s, struct err *e);
void select_forget(struct store *s);
/* Makes an empty temp.<prefix><table> for keys, on db. */
int select_make(struct store *s, sqlite3 *db, const char *prefix, size_t table,
		struct err *e);
int select_finding(struct store *s, struct err *e, const char *kind,
		   uint64_t count, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Retention, shared rows, conflicts, empty entries: fills findings. */
int rules_apply(struct store *s, struct err *e);

/* SQL fragments.  "k1,k2" / "t.a,t.b" / "x.k1=t.a AND x.k2=t.b". */
void select_names(struct buf *b, const struct table *t, const char *alias);
void select_keys(struct buf *b, const struct table *t, const char *alias);
void select_match(struct buf *b, const struct table *t, const char *temp,
		  const char *alias);
/* Appends a FROM clause that joins rows of the temporary table
 * <prefix><parent> (alias s) with the rows of the child (alias c) that refer
 * to them through foreign key fk. */
void select_down(struct buf *b, const struct store *s, size_t fk,
		 const char *prefix);
/* Appends a FROM clause that joins rows of the temporary table
 * <prefix><child> (alias s, row c) with the parent rows (alias p) they refer
 * to through foreign key fk. */
void select_up(struct buf *b, const struct store *s, size_t fk,
	       const char *prefix);

/* ---- rows.c: keys, rows, specs ------------------------------------------ */

struct key_value {
	int type; /* SQLITE_INTEGER and so on */
	int64_t number;
	double real;
	const unsigned char *bytes;
	size_t len;
};

#define KEY_MAX 64 /* columns in one key */

/* One row's key while a spec is read. */
struct spec_row {
	struct key_value key[KEY_MAX];
	unsigned char content[8]; /* KEY_ROWID: start of the row's digest */
};

struct spec_reader {
	const unsigned char *p, *end;
	size_t table;
	enum key_kind kind;
	size_t n_keys;
	uint64_t rows, seen;
	int64_t last;
};

/* Reads the keys of row from columns first.. of stmt. */
void row_key(struct key_value *key, sqlite3_stmt *stmt, int first, size_t n);
int row_bind(struct store *s, sqlite3_stmt *stmt, const struct key_value *key,
	     size_t n, struct err *e);
/* Writes columns first..first+n of stmt to s->row; *bytes is the sum of the
 * values' sizes. */
int row_write(struct store *s, sqlite3_stmt *stmt, int first, size_t n,
	      uint64_t *bytes, struct err *e);
/* First eight bytes of the digest of s->row. */
void row_content(struct store *s, unsigned char out[8]);

/* A spec: format, table name, kind of key, number of rows, keys.  The head is
 * written last, when the number is known. */
int spec_add(struct buf *keys, const struct table *t, int64_t *last,
	     const struct key_value *key, const unsigned char content[8]);
int spec_close(struct buf *out, const struct store *s, size_t table,
	       uint64_t rows, const struct buf *keys);
/* Starts reading; ERR_INVALID when the bytes are not a spec; ERR_DRIFT when
 * its table is not there any more or has another key. */
int spec_open(struct spec_reader *r, const struct store *s, const void *spec,
	      size_t len, struct err *e);
/* 1: a row; 0: the end; -1: broken. */
int spec_next(struct spec_reader *r, struct spec_row *row, struct err *e);

/* The id of the item that begins with this key. */
int item_name(struct buf *out, struct store *s, size_t table,
	      const struct key_value *key, struct err *e);
/* True for about one key in 512: an item ends after such a row. */
bool item_ends(const struct table *t, const struct key_value *key);

/* ---- the slots ------------------------------------------------------------
 */

int sqlite_describe(void *handle, enum phase phase, struct description *d,
		    struct err *e);
int sqlite_enumerate(void *handle, item_fn *fn, void *arg, struct err *e);
int sqlite_destroy(void *handle, const struct item *items, size_t n,
		   struct outcome *out, struct bystanders *by, struct err *e);
int sqlite_check_absent(void *handle, const struct item *items, size_t n,
			enum answer *out, struct err *e);
int sqlite_purge(void *handle, struct buf *did, struct err *e);
int sqlite_sample(void *handle, struct buf *samples, struct err *e);
int sqlite_residue(void *handle, const void *samples, size_t len,
		   struct residue *r, struct err *e);

void ops_release(struct store *s);

/* ---- bystanders.c: the rows beside a batch --------------------------------
 */

/* What was seen of one table beside the batch. */
struct beside {
	uint64_t rows;
	bool sampled;
	unsigned char digest[SHA_LEN];
	int64_t *points; /* rowids of the sample */
	size_t n_points;
};

/* Looks at the rows of a table that are not in temp.b<table> (planned rows of
 * this batch).  With `again` the same sample is read again, after the
 * deletion.  batch is how many rows of the table are in the batch and still
 * there. */
int beside_look(struct beside *b, struct store *s, size_t table, uint64_t batch,
		bool again, struct err *e);
void beside_release(struct beside *b);

/* ---- triggers.c --------------------------------------------------------- */

/* Fills has_triggers and trigger_writes of the tables in reach. */
int triggers_read(struct store *s, struct err *e);

/* ---- purge.c ---------------------------------------------------------------
 */

/* True when table i is a full-text index that a destruction here concerns. */
bool purge_concerns(const struct store *s, size_t table);
/* Free bytes on the file system of a folder (tests put another one here). */
extern int (*sqlite_free_bytes)(uint64_t *out, const char *folder);
/* Size of the file with this ending beside the database; 0: none. */
uint64_t store_side_file(const struct store *s, const char *ending);

/* ---- integrity.c ----------------------------------------------------------
 */

/* Structure of the file and of its indexes: 0 sound; *problems gets how many
 * were named, first the first of them. */
int integrity_structure(uint64_t *problems, char first[200], struct store *s,
			sqlite3 *db, struct err *e);
/* Rows that refer to rows which do not exist: *inside in tables that the
 * scope reaches, *outside elsewhere. first names one of those inside. */
int integrity_references(uint64_t *inside, uint64_t *outside, char first[200],
			 struct store *s, sqlite3 *db, struct err *e);
/* How many full-text indexes of tables in reach disagree with their content.
 * Needs the writing connection; nothing is changed. */
int integrity_full_text(uint64_t *bad, struct store *s, struct err *e);

/* ---- match.c: many byte strings at once ------------------------------------
 */

struct match; /* a set of patterns of at least MATCH_MIN bytes */
#define MATCH_MIN 8
#define MATCH_MAX 64 /* bytes of a pattern */

struct match *match_new(void);
void match_free(struct match *m); /* wipes the patterns */
/* Adds a pattern; one that is there already is not added again. */
int match_add(struct match *m, const void *bytes, size_t len, struct err *e);
size_t match_count(const struct match *m);
const unsigned char *match_get(const struct match *m, size_t i, size_t *len);
/* Counts the occurrences that begin before limit (at most len); with found
 * not NULL marks the patterns seen. */
uint64_t match_scan(const struct match *m, const unsigned char *p, size_t len,
		    size_t limit, bool *found);

#endif
