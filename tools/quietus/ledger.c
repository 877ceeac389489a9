/*
 * ledger.c: the database, transactions, facts, descriptions, queue and
 * documents.  Items and the journal are in ledger_items.c.
 *
 * I4 rests on two settings made here: journal_mode=WAL and synchronous=FULL,
 * with which a COMMIT returns only after the log is synced.
 */
#include "tools/quietus/ledger_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"

static const char schema[] =
	"CREATE TABLE fact(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
	"CREATE TABLE source_fact(source INT, key TEXT, value BLOB,"
	" PRIMARY KEY(source, key)) WITHOUT ROWID;"
	"CREATE TABLE host(source INT, key TEXT, value TEXT,"
	" PRIMARY KEY(source, key)) WITHOUT ROWID;"
	"CREATE TABLE class(source INT, phase INT, class INT, presence INT,"
	" count INT, bytes INT, until INT, why TEXT,"
	" PRIMARY KEY(source, phase, class)) WITHOUT ROWID;"
	"CREATE TABLE blocker(key INTEGER PRIMARY KEY, plan INT, source INT,"
	" kind TEXT, count INT, text TEXT);"
	"CREATE TABLE item(source INT, id BLOB, plan INT, n INT, class INT,"
	" bytes INT, rows INT, digest BLOB, grp INT, retention INT,"
	" locked INT, held INT, superseded INT, spec BLOB,"
	" PRIMARY KEY(source, id, plan)) WITHOUT ROWID;"
	"CREATE TABLE batch(source INT, plan INT, seq INT, low BLOB, top BLOB,"
	" count INT, intended INT, done INT,"
	" PRIMARY KEY(source, plan, seq)) WITHOUT ROWID;"
	"CREATE TABLE note(source INT, id BLOB, plan INT, act INT, until INT,"
	" checked INT, why TEXT, PRIMARY KEY(source, id, plan)) WITHOUT ROWID;"
	"CREATE TABLE unplanned(source INT, id BLOB, class INT,"
	" PRIMARY KEY(source, id)) WITHOUT ROWID;"
	"CREATE TABLE bystander(source INT, id BLOB,"
	" PRIMARY KEY(source, id)) WITHOUT ROWID;"
	"CREATE TABLE queue(key INTEGER PRIMARY KEY, entry BLOB);"
	"CREATE TABLE document(number INTEGER PRIMARY KEY, kind INT,"
	" bytes BLOB, signature BLOB, proof BLOB, published INT);"
	"PRAGMA user_version = 1;";

int db_fail(struct ledger *l, struct err *e, const char *doing)
{
	return err_set(e, ERR_FAILED, "ledger %s: %s: %s", l->path, doing,
		       sqlite3_errmsg(l->db));
}

sqlite3_stmt *db_kept(struct ledger *l, const char *sql, struct err *e)
{
	for (size_t i = 0; i < l->n_cache; i++)
		if (l->cache[i].sql == sql) {
			sqlite3_reset(l->cache[i].stmt);
			return l->cache[i].stmt;
		}
	sqlite3_stmt *s = NULL;
	if (l->n_cache == LEDGER_STATEMENTS) {
		err_set(e, ERR_FAILED, "ledger: too many statements");
		return NULL;
	}
	if (sqlite3_prepare_v3(l->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s,
			       NULL) != SQLITE_OK) {
		db_fail(l, e, "preparing");
		return NULL;
	}
	l->cache[l->n_cache++] = (struct cached){sql, s};
	return s;
}

sqlite3_stmt *db_fresh(struct ledger *l, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(l->db, sql, -1, &s, NULL) != SQLITE_OK)
		db_fail(l, e, "preparing");
	return s;
}

int db_run(struct ledger *l, sqlite3_stmt *s, const char *doing, struct err *e)
{
	int rc = sqlite3_step(s);
	if (rc == SQLITE_DONE || rc == SQLITE_ROW) {
		sqlite3_reset(s);
		return 0;
	}
	db_fail(l, e, doing);
	sqlite3_reset(s);
	return -1;
}

void db_bytes(sqlite3_stmt *s, int at, const void *data, size_t len)
{
	sqlite3_bind_blob(s, at, len != 0 ? data : "", (int)len, SQLITE_STATIC);
}

int db_column(struct buf *out, sqlite3_stmt *s, int col, struct err *e)
{
	const void *data = sqlite3_column_blob(s, col);
	int len = sqlite3_column_bytes(s, col);
	if (buf_put(out, data, (size_t)len) != 0)
		return err_set(e, ERR_FAILED,
			       "ledger: a value has %d bytes, more than the "
			       "%zu that are accepted here",
			       len, out->max);
	return 0;
}

struct ledger_lane *db_lane(struct ledger *l, size_t source, struct err *e)
{
	if (source >= l->n_lanes) {
		size_t n = source + 8;
		struct ledger_lane *more = realloc(l->lanes, n * sizeof(*more));
		if (more == NULL) {
			err_set(e, ERR_FAILED, "out of memory");
			return NULL;
		}
		l->lanes = more;
		for (size_t i = l->n_lanes; i < n; i++) {
			memset(&more[i], 0, sizeof(more[i]));
			buf_init(&more[i].id, ITEM_ID_MAX);
		}
		l->n_lanes = n;
	}
	return &l->lanes[source];
}

static int exec(struct ledger *l, const char *sql, const char *doing,
		struct err *e)
{
	if (sqlite3_exec(l->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(l, e, doing);
	return 0;
}

static int open_db(struct ledger **out, const char *path, int flags,
		   struct err *e)
{
	struct ledger *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	l->path = strdup(path);
	if (l->path == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto fail;
	}
	if (sqlite3_open_v2(path, &l->db, flags, NULL) != SQLITE_OK) {
		db_fail(l, e, "opening");
		goto fail;
	}
	sqlite3_busy_timeout(l->db, 10000);
	/* secure_delete: what is forgotten (samples) leaves no bytes; temp
	 * b-trees must not reach /tmp, they hold names */
	if (exec(l,
		 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		 "PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
		 "PRAGMA cache_size=-16384; PRAGMA trusted_schema=OFF;",
		 "configuring", e) != 0)
		goto fail;
	*out = l;
	return 0;
fail:
	ledger_close(l);
	return -1;
}

int ledger_create(struct ledger **out, const char *path, struct err *e)
{
	struct ledger *l = NULL;
	/* made by us first, so that the mode is 0600 from the beginning */
	if (file_create(path, "", 0, e) != 0)
		return -1;
	if (open_db(&l, path, SQLITE_OPEN_READWRITE, e) != 0)
		return -1;
	if (exec(l, schema, "creating", e) != 0) {
		ledger_close(l);
		return -1;
	}
	*out = l;
	return 0;
}

int ledger_open(struct ledger **out, const char *path, struct err *e)
{
	struct ledger *l = NULL;
	if (!file_exists(path))
		return err_set(e, ERR_MISSING, "there is no ledger %s", path);
	if (open_db(&l, path, SQLITE_OPEN_READWRITE, e) != 0)
		return -1;
	sqlite3_stmt *s = db_fresh(l, "PRAGMA user_version", e);
	int version = -1;
	if (s != NULL && sqlite3_step(s) == SQLITE_ROW)
		version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	if (version != 1) {
		err_set(e, ERR_REFUSED,
			"ledger %s has version %d; this program knows 1", path,
			version);
		ledger_close(l);
		return -1;
	}
	*out = l;
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n_cache; i++)
		sqlite3_finalize(l->cache[i].stmt);
	for (size_t i = 0; i < l->n_lanes; i++) {
		sqlite3_finalize(l->lanes[i].cursor);
		buf_release(&l->lanes[i].id);
	}
	free(l->lanes);
	sqlite3_close(l->db);
	free(l->path);
	free(l);
}

int ledger_shred(const char *path, struct err *e)
{
	static const char *const tails[] = {"-wal", "-shm", "-journal", ""};
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct buf name;
		buf_init(&name, 8192);
		buf_putf(&name, "%s%s", path, tails[i]);
		int rc = file_shred(buf_str(&name), e);
		buf_release(&name);
		if (rc != 0)
			return -1;
	}
	return 0;
}

int ledger_begin(struct ledger *l, struct err *e)
{
	return exec(l, "BEGIN IMMEDIATE", "beginning", e);
}

static int save_ordinals(struct ledger *l, struct err *e)
{
	for (size_t i = 0; i < l->n_lanes; i++) {
		if (!l->lanes[i].dirty)
			continue;
		if (ledger_set_source_i64(l, i, "ordinals",
					  (int64_t)l->lanes[i].next, e) != 0)
			return -1;
		l->lanes[i].dirty = false;
	}
	return 0;
}

int ledger_commit(struct ledger *l, struct err *e)
{
	if (save_ordinals(l, e) != 0 || exec(l, "COMMIT", "committing", e)) {
		ledger_rollback(l);
		return -1;
	}
	return 0;
}

void ledger_rollback(struct ledger *l)
{
	if (!sqlite3_get_autocommit(l->db))
		sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	for (size_t i = 0; i < l->n_lanes; i++) {
		l->lanes[i].known = false;
		l->lanes[i].dirty = false;
	}
}

/* ---- facts -----------------------------------------------------------------
 */

int ledger_set(struct ledger *l, const char *key, const void *value, size_t len,
	       struct err *e)
{
	static const char sql[] = "INSERT OR REPLACE INTO fact VALUES(?1, ?2)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	db_bytes(s, 2, value, len);
	return db_run(l, s, "storing a fact", e);
}

int ledger_get(bool *found, struct buf *out, struct ledger *l, const char *key,
	       struct err *e)
{
	static const char sql[] = "SELECT value FROM fact WHERE key = ?1";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	int step = sqlite3_step(s), rc = 0;
	*found = step == SQLITE_ROW;
	if (*found)
		rc = db_column(out, s, 0, e);
	else if (step != SQLITE_DONE)
		rc = db_fail(l, e, "reading a fact");
	sqlite3_reset(s);
	return rc;
}

int ledger_set_source(struct ledger *l, size_t source, const char *key,
		      const void *value, size_t len, struct err *e)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO source_fact VALUES(?1, ?2, ?3)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_text(s, 2, key, -1, SQLITE_STATIC);
	db_bytes(s, 3, value, len);
	return db_run(l, s, "storing a fact", e);
}

int ledger_get_source(bool *found, struct buf *out, struct ledger *l,
		      size_t source, const char *key, struct err *e)
{
	static const char sql[] =
		"SELECT value FROM source_fact WHERE source = ?1 AND key = ?2";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_text(s, 2, key, -1, SQLITE_STATIC);
	int step = sqlite3_step(s), rc = 0;
	*found = step == SQLITE_ROW;
	if (*found)
		rc = db_column(out, s, 0, e);
	else if (step != SQLITE_DONE)
		rc = db_fail(l, e, "reading a fact");
	sqlite3_reset(s);
	return rc;
}

/* Integers are stored as decimal text: they read in the sqlite3 shell. */
static int parse_i64(int64_t *value, const struct buf *text, struct err *e)
{
	char *end = NULL;
	long long v = strtoll(buf_str(text), &end, 10);
	if (end == NULL || *end != '\0' || text->len == 0)
		return err_set(e, ERR_FAILED, "ledger: a number is damaged");
	*value = v;
	return 0;
}

int ledger_set_i64(struct ledger *l, const char *key, int64_t value,
		   struct err *e)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)value);
	return ledger_set(l, key, text, (size_t)n, e);
}

int ledger_get_i64(int64_t *value, struct ledger *l, const char *key,
		   struct err *e)
{
	bool found;
	struct buf text;
	buf_init(&text, 32);
	int rc = ledger_get(&found, &text, l, key, e);
	if (rc == 0 && found)
		rc = parse_i64(value, &text, e);
	buf_release(&text);
	return rc;
}

int ledger_set_source_i64(struct ledger *l, size_t source, const char *key,
			  int64_t value, struct err *e)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)value);
	return ledger_set_source(l, source, key, text, (size_t)n, e);
}

int ledger_get_source_i64(int64_t *value, struct ledger *l, size_t source,
			  const char *key, struct err *e)
{
	bool found;
	struct buf text;
	buf_init(&text, 32);
	int rc = ledger_get_source(&found, &text, l, source, key, e);
	if (rc == 0 && found)
		rc = parse_i64(value, &text, e);
	buf_release(&text);
	return rc;
}

/* ---- descriptions ------------------------------------------------------- */

int ledger_put_class(struct ledger *l, size_t source, enum phase phase,
		     enum copy_class c, const struct class_report *r,
		     struct err *e)
{
	static const char sql[] = "INSERT OR REPLACE INTO class"
				  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_int(s, 2, (int)phase);
	sqlite3_bind_int(s, 3, (int)c);
	sqlite3_bind_int(s, 4, (int)r->presence);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)r->count);
	sqlite3_bind_int64(s, 6, (sqlite3_int64)r->bytes);
	sqlite3_bind_int64(s, 7, r->until);
	sqlite3_bind_text(s, 8, r->why, -1, SQLITE_STATIC);
	return db_run(l, s, "storing a class", e);
}

int ledger_get_class(struct class_report *r, struct ledger *l, size_t source,
		     enum phase phase, enum copy_class c, struct err *e)
{
	static const char sql[] =
		"SELECT presence, count, bytes, until, why FROM class"
		" WHERE source = ?1 AND phase = ?2 AND class = ?3";
	sqlite3_stmt *s = db_kept(l, sql, e);
	memset(r, 0, sizeof(*r));
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_int(s, 2, (int)phase);
	sqlite3_bind_int(s, 3, (int)c);
	int step = sqlite3_step(s), rc = 0;
	if (step == SQLITE_ROW) {
		r->presence = (enum presence)sqlite3_column_int(s, 0);
		r->count = (uint64_t)sqlite3_column_int64(s, 1);
		r->bytes = (uint64_t)sqlite3_column_int64(s, 2);
		r->until = sqlite3_column_int64(s, 3);
		snprintf(r->why, sizeof(r->why), "%s",
			 (const char *)sqlite3_column_text(s, 4));
	} else if (step != SQLITE_DONE) {
		rc = db_fail(l, e, "reading a class");
	}
	sqlite3_reset(s);
	return rc;
}

int ledger_put_fact(struct ledger *l, size_t source, const struct fact *f,
		    struct err *e)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO host VALUES(?1, ?2, ?3)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_text(s, 2, f->key, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, f->value, -1, SQLITE_STATIC);
	return db_run(l, s, "storing a host fact", e);
}

int ledger_facts(struct ledger *l, size_t source, ledger_fact_fn *fn, void *arg,
		 struct err *e)
{
	sqlite3_stmt *s =
		db_fresh(l, "SELECT key, value FROM host WHERE source = ?1", e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	int step = SQLITE_DONE, rc = 0;
	while (rc == 0) {
		step = sqlite3_step(s);
		if (step != SQLITE_ROW)
			break;
		struct fact f;
		snprintf(f.key, sizeof(f.key), "%s",
			 (const char *)sqlite3_column_text(s, 0));
		snprintf(f.value, sizeof(f.value), "%s",
			 (const char *)sqlite3_column_text(s, 1));
		rc = fn(arg, &f, e);
	}
	if (rc == 0 && step != SQLITE_DONE)
		rc = db_fail(l, e, "reading host facts");
	sqlite3_finalize(s);
	return rc;
}

int ledger_put_blocker(struct ledger *l, unsigned plan, size_t source,
		       const struct blocker *b, struct err *e)
{
	static const char sql[] =
		"INSERT INTO blocker(plan, source, kind, count, text)"
		" VALUES(?1, ?2, ?3, ?4, ?5)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int(s, 1, (int)plan);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)source);
	sqlite3_bind_text(s, 3, b->kind, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 4, (sqlite3_int64)b->count);
	sqlite3_bind_text(s, 5, b->text, -1, SQLITE_STATIC);
	return db_run(l, s, "storing a blocker", e);
}

int ledger_blockers(struct ledger *l, unsigned plan, ledger_blocker_fn *fn,
		    void *arg, struct err *e)
{
	sqlite3_stmt *s =
		db_fresh(l,
			 "SELECT source, kind, count, text FROM blocker"
			 " WHERE plan = ?1 ORDER BY source, kind, key",
			 e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int(s, 1, (int)plan);
	int step = SQLITE_DONE, rc = 0;
	while (rc == 0) {
		step = sqlite3_step(s);
		if (step != SQLITE_ROW)
			break;
		struct blocker b;
		snprintf(b.kind, sizeof(b.kind), "%s",
			 (const char *)sqlite3_column_text(s, 1));
		b.count = (uint64_t)sqlite3_column_int64(s, 2);
		snprintf(b.text, sizeof(b.text), "%s",
			 (const char *)sqlite3_column_text(s, 3));
		rc = fn(arg, (size_t)sqlite3_column_int64(s, 0), &b, e);
	}
	if (rc == 0 && step != SQLITE_DONE)
		rc = db_fail(l, e, "reading blockers");
	sqlite3_finalize(s);
	return rc;
}

/* ---- queue of trail entries --------------------------------------------- */

int ledger_queue_entry(struct ledger *l, const void *entry, size_t len,
		       struct err *e)
{
	static const char sql[] = "INSERT INTO queue(entry) VALUES(?1)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	db_bytes(s, 1, entry, len);
	return db_run(l, s, "queueing a trail entry", e);
}

int ledger_queued_entry(bool *found, int64_t *key, struct buf *entry,
			struct ledger *l, struct err *e)
{
	static const char sql[] =
		"SELECT key, entry FROM queue ORDER BY key LIMIT 1";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	int step = sqlite3_step(s), rc = 0;
	*found = step == SQLITE_ROW;
	if (*found) {
		*key = sqlite3_column_int64(s, 0);
		rc = db_column(entry, s, 1, e);
	} else if (step != SQLITE_DONE) {
		rc = db_fail(l, e, "reading the queue");
	}
	sqlite3_reset(s);
	return rc;
}

int ledger_unqueue_entry(struct ledger *l, int64_t key, struct err *e)
{
	static const char sql[] = "DELETE FROM queue WHERE key = ?1";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, key);
	return db_run(l, s, "emptying the queue", e);
}

/* ---- documents ---------------------------------------------------------- */

int ledger_fix_document(struct ledger *l, unsigned number, enum kind kind,
			const void *bytes, size_t len, struct err *e)
{
	static const char sql[] = "INSERT INTO document(number, kind, bytes,"
				  " published) VALUES(?1, ?2, ?3, 0)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int(s, 1, (int)number);
	sqlite3_bind_int(s, 2, (int)kind);
	db_bytes(s, 3, bytes, len);
	return db_run(l, s, "fixing a document", e);
}

static int update_document(struct ledger *l, const char *sql, unsigned number,
			   const void *data, size_t len, struct err *e)
{
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int(s, 1, (int)number);
	if (data != NULL)
		db_bytes(s, 2, data, len);
	return db_run(l, s, "completing a document", e);
}

int ledger_fix_signature(struct ledger *l, unsigned number, const void *der,
			 size_t len, struct err *e)
{
	static const char sql[] =
		"UPDATE document SET signature = ?2 WHERE number = ?1";
	return update_document(l, sql, number, der, len, e);
}

int ledger_fix_proof(struct ledger *l, unsigned number, const void *proof,
		     size_t len, struct err *e)
{
	static const char sql[] =
		"UPDATE document SET proof = ?2 WHERE number = ?1";
	return update_document(l, sql, number, proof, len, e);
}

int ledger_published(struct ledger *l, unsigned number, struct err *e)
{
	static const char sql[] =
		"UPDATE document SET published = 1 WHERE number = ?1";
	return update_document(l, sql, number, NULL, 0, e);
}

int ledger_document(bool *found, struct ledger_document *out, struct ledger *l,
		    unsigned number, struct err *e)
{
	static const char sql[] =
		"SELECT number, kind, bytes, signature, proof, published"
		" FROM document WHERE number = ?1 OR ?1 = 0"
		" ORDER BY number DESC LIMIT 1";
	memset(out, 0, sizeof(*out));
	buf_init(&out->bytes, 64 << 20);
	buf_init(&out->signature, 1 << 20);
	buf_init(&out->proof, 1 << 20);
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int(s, 1, (int)number);
	int step = sqlite3_step(s), rc = 0;
	*found = step == SQLITE_ROW;
	if (*found) {
		out->number = (unsigned)sqlite3_column_int(s, 0);
		out->kind = (enum kind)sqlite3_column_int(s, 1);
		out->published = sqlite3_column_int(s, 5) != 0;
		if (db_column(&out->bytes, s, 2, e) != 0 ||
		    db_column(&out->signature, s, 3, e) != 0 ||
		    db_column(&out->proof, s, 4, e) != 0)
			rc = -1;
	} else if (step != SQLITE_DONE) {
		rc = db_fail(l, e, "reading a document");
	}
	sqlite3_reset(s);
	return rc;
}

void ledger_document_release(struct ledger_document *d)
{
	buf_release(&d->bytes);
	buf_release(&d->signature);
	buf_release(&d->proof);
}
