/* sqlite.c: the provider's table, opening and closing. */
#include "providers/sqlite/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "certs/base/file.h"

int sqlite_busy_ms = 10000;

static const struct setting_spec root_spec[] = {
	{"table", SETTING_STRING, true, NULL, NULL},
	{"column", SETTING_STRING, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL}};
static const struct setting_spec table_spec[] = {
	{"table", SETTING_STRING, true, NULL, NULL},
	{"where", SETTING_STRING, false, NULL, NULL},
	{"whole", SETTING_BOOL, false, NULL, NULL},
	{"category", SETTING_STRING, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL}};
static const struct setting_spec excluded_spec[] = {
	{"table", SETTING_STRING, true, NULL, NULL},
	{"reason", SETTING_STRING, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL}};
static const char *const shared_words[] = {"destroy", NULL};
static const struct setting_spec settings[] = {
	{"path", SETTING_STRING, true, NULL, NULL},
	{"root", SETTING_GROUP, false, root_spec, NULL},
	{"tables", SETTING_GROUPS, false, table_spec, NULL},
	{"excluded", SETTING_GROUPS, false, excluded_spec, NULL},
	{"shared", SETTING_STRING, false, NULL, shared_words},
	{"allow_triggers", SETTING_BOOL, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL}};

static const enum copy_class classes[] = {
	CLASS_CURRENT,	       CLASS_WRITE_AHEAD_LOG, CLASS_STATISTICS,
	CLASS_FULL_TEXT_INDEX, CLASS_STAGING,	      CLASS_UNKNOWN};

bool store_stopped(const struct store *s)
{
	return s->scope->stop != NULL && *s->scope->stop != 0;
}

/* A signal interrupts statements; what they began is rolled back. */
static int progress(void *arg)
{
	return store_stopped(arg) ? 1 : 0;
}

static int connect_file(sqlite3 **out, struct store *s, bool write,
			struct err *e)
{
	int flags = (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

	/* without SQLITE_OPEN_CREATE a missing database is never made */
	if (sqlite3_open_v2(s->path, out, flags, NULL) != SQLITE_OK) {
		if (*out != NULL)
			sql_fail(s, *out, e, "opening");
		sqlite3_close(*out);
		*out = NULL;
		return err_set(e, ERR_FAILED, "out of memory");
	}
	sqlite3_extended_result_codes(*out, 1);
	sqlite3_busy_timeout(*out, sqlite_busy_ms);
	sqlite3_progress_handler(*out, 20000, progress, s);
	return 0;
}

int store_still_there(struct store *s, struct err *e)
{
	struct stat st;

	if (store_stopped(s))
		return err_set(e, ERR_STOPPED, "stopped");
	if (stat(s->path, &st) != 0)
		return err_set(e, ERR_UNREACHABLE,
			       "looking for %s again: %s: put the database "
			       "back in its place",
			       s->path, strerror(errno));
	if (st.st_dev != s->dev || st.st_ino != s->ino)
		return err_set(e, ERR_UNREACHABLE,
			       "%s is another file than the one that was "
			       "opened: it was replaced meanwhile",
			       s->path);
	return 0;
}

int store_writer(struct store *s, struct err *e)
{
	if (s->rw != NULL)
		return 0;
	if (connect_file(&s->rw, s, true, e) != 0)
		return -1;
	if (sqlite3_db_readonly(s->rw, "main") != 0) {
		err_set(e, ERR_DENIED,
			"opening %s for writing: this account may only read "
			"it",
			s->path);
		goto fail;
	}
	/* rows go in our order and are looked for by us: no cascades; freed
	 * bytes are zeroed; deletions must survive a power cut */
	if (sql_exec(s, s->rw, e,
		     "PRAGMA foreign_keys=OFF; PRAGMA secure_delete=ON;"
		     "PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;"
		     "PRAGMA temp.cache_size=-4000;"
		     "PRAGMA cell_size_check=ON") != 0)
		goto fail;
	return 0;
fail:
	sqlite3_close(s->rw);
	s->rw = NULL;
	return -1;
}

int store_same_schema(struct store *s, sqlite3 *db, struct err *e)
{
	unsigned char now[SHA_LEN];
	int64_t cookie;

	if (sql_number(&cookie, s, db, e, "PRAGMA main.schema_version") != 0)
		return -1;
	if (cookie == s->schema_cookie)
		return 0;
	/* VACUUM changes the number and nothing else */
	if (schema_digest(now, s, db, e) != 0)
		return -1;
	if (memcmp(now, s->schema_digest, SHA_LEN) != 0)
		return err_set(e, ERR_DRIFT,
			       "%s: tables were added, altered or dropped "
			       "since it was opened: plan again",
			       s->path);
	s->schema_cookie = cookie;
	return 0;
}

int store_begin_read(struct store *s, struct err *e)
{
	int64_t ignored;

	if (store_still_there(s, e) != 0 || sql_exec(s, s->ro, e, "BEGIN") != 0)
		return -1;
	/* the first read fixes the snapshot */
	if (sql_number(&ignored, s, s->ro, e,
		       "SELECT count(*) FROM main.sqlite_schema") != 0 ||
	    store_same_schema(s, s->ro, e) != 0) {
		store_end_read(s);
		return -1;
	}
	return 0;
}

void store_end_read(struct store *s)
{
	/* COMMIT keeps the temporary tables that ROLLBACK would undo */
	if (sqlite3_get_autocommit(s->ro) == 0 &&
	    sqlite3_exec(s->ro, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		sqlite3_exec(s->ro, "ROLLBACK", NULL, NULL, NULL);
		s->scoped = false;
	}
}

/* The absolute path, and which file it is. */
static int find_file(struct store *s, struct err *e)
{
	const struct setting *at = setting_get(s->scope->settings, "path");
	struct buf b;
	struct stat st;
	char *joined = NULL;
	int rc = -1;

	buf_init(&b, PATH_MAX);
	if (at == NULL || at->type != SETTING_STRING) {
		setting_refuse(s->scope->settings, e, "path is missing");
		goto out;
	}
	if (setting_expand(&b, at, s->scope->client, e) != 0)
		goto out;
	joined = file_join(s->scope->base != NULL ? s->scope->base : ".",
			   buf_str(&b));
	if (joined == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	s->by_link = lstat(joined, &st) == 0 && S_ISLNK(st.st_mode);
	s->path = realpath(joined, NULL);
	if (s->path == NULL || stat(s->path, &st) != 0) {
		setting_refuse(at, e,
			       "%s: %s; a database that is not there is never "
			       "made",
			       joined, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		setting_refuse(at, e, "%s is not a regular file", joined);
		goto out;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	rc = 0;
out:
	free(joined);
	buf_release(&b);
	return rc;
}

/* A writer that was killed leaves a journal that must be rolled back first
 * (I6: it may have been this program), which a read-only connection cannot
 * do.  Any program that opens the database would do the same. */
static int recover(struct store *s, struct err *e)
{
	sqlite3 *db = NULL;
	int64_t ignored;
	int rc = sqlite3_exec(s->ro, "SELECT count(*) FROM main.sqlite_schema",
			      NULL, NULL, NULL) &
		 0xff;

	if (rc != SQLITE_READONLY && rc != SQLITE_CANTOPEN)
		return 0; /* other answers are given by the next question */
	if (connect_file(&db, s, true, e) != 0)
		return -1;
	rc = sql_number(&ignored, s, db, e,
			"SELECT count(*) FROM main.sqlite_schema");
	sqlite3_close(db);
	return rc;
}

/* An empty file is a valid empty database to SQLite; here it is a mistake. */
static int first_read(struct store *s, struct err *e)
{
	int64_t pages;

	if (sql_exec(s, s->ro, e,
		     "PRAGMA temp_store=FILE; PRAGMA temp.cache_size=-2000;"
		     "PRAGMA cache_size=-2000; PRAGMA cell_size_check=ON") !=
		    0 ||
	    sql_number(&pages, s, s->ro, e, "PRAGMA main.page_count") != 0)
		return -1;
	if (pages == 0)
		return setting_refuse(setting_get(s->scope->settings, "path"),
				      e, "%s is empty: not a database",
				      s->path);
	return 0;
}

static void sqlite_close_store(void *handle)
{
	struct store *s = handle;

	if (s == NULL)
		return;
	ops_release(s);
	select_forget(s);
	sqlite3_close(s->rw);
	sqlite3_close(s->ro);
	entries_release(s);
	schema_release(s);
	sha_free(s->sha);
	sha_free(s->row_sha);
	buf_release(&s->row);
	free(s->path);
	free(s);
}

static int sqlite_open_store(void **handle, const struct scope *scope,
			     struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	s->scope = scope;
	s->root = GRAPH_NONE;
	/* a row may hold values of up to SQLite's own limit */
	buf_init_secret(&s->row, 1100000000);
	s->sha = sha_new();
	s->row_sha = sha_new();
	if (s->sha == NULL || s->row_sha == NULL) {
		err_openssl(e, ERR_FAILED, "starting SHA-256");
		goto fail;
	}
	if (find_file(s, e) != 0 || connect_file(&s->ro, s, false, e) != 0 ||
	    recover(s, e) != 0 || first_read(s, e) != 0 ||
	    schema_read(s, e) != 0 || entries_read(s, e) != 0)
		goto fail;
	*handle = s;
	return 0;
fail:
	sqlite_close_store(s);
	return -1;
}

/* Up to 64 items are about 32,000 rows in one transaction. */
const struct provider provider_sqlite = {
	.name = "sqlite",
	.summary = "SQLite databases: rows of one client, by foreign keys "
		   "(root) and by conditions (tables)",
	.settings = settings,
	.classes = classes,
	.batch_items = 64,
	.open = sqlite_open_store,
	.close = sqlite_close_store,
	.describe = sqlite_describe,
	.enumerate = sqlite_enumerate,
	.destroy = sqlite_destroy,
	.check_absent = sqlite_check_absent,
	.purge = sqlite_purge,
	.sample = sqlite_sample,
	.residue = sqlite_residue,
};
