#include "providers/sqlite/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int fail_code(struct store *s, sqlite3 *db, int rc, const char *doing,
		     struct err *e)
{
	const char *why = sqlite3_errmsg(db);
	struct buf who;

	switch (rc & 0xff) {
	case SQLITE_INTERRUPT:
		return err_set(e, ERR_STOPPED, "%s: stopped", doing);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		buf_init(&who, 600);
		busy_who(&who, s);
		err_set(e, ERR_REFUSED,
			"%s: %s was still locked after %d seconds: stop what "
			"uses it and try again: %s",
			doing, s->path, sqlite_busy_ms / 1000, buf_str(&who));
		buf_release(&who);
		return -1;
	case SQLITE_NOTADB:
		return err_set(e, ERR_STORE,
			       "%s: %s is not an SQLite database, or it is "
			       "encrypted",
			       doing, s->path);
	case SQLITE_CORRUPT:
		return err_set(e, ERR_STORE,
			       "%s: %s is damaged (%s): restore or recover it "
			       "first",
			       doing, s->path, why);
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return err_set(e, ERR_DENIED,
			       "%s: %s: %s: give this account read and write "
			       "permission on the file and its folder",
			       doing, s->path, why);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		return err_set(e, ERR_UNREACHABLE, "%s: %s: %s", doing, s->path,
			       why);
	case SQLITE_FULL:
		return err_set(e, ERR_FAILED,
			       "%s: the disk of %s is full: make room and run "
			       "the command again",
			       doing, s->path);
	default:
		return err_set(e, ERR_STORE, "%s: %s answered: %s", doing,
			       s->path, why);
	}
}

int sql_fail(struct store *s, sqlite3 *db, struct err *e, const char *fmt, ...)
{
	char doing[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(doing, sizeof(doing), fmt, ap);
	va_end(ap);
	return fail_code(s, db, sqlite3_extended_errcode(db), doing, e);
}

int sql_exec(struct store *s, sqlite3 *db, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (sql == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return rc == SQLITE_OK ? 0 : sql_fail(s, db, e, "asking the database");
}

int sql_prepare(sqlite3_stmt **out, struct store *s, sqlite3 *db, struct buf *b,
		struct err *e)
{
	int rc = 0;

	*out = NULL;
	if (buf_failed(b))
		rc = err_set(e, ERR_FAILED, "a statement became too long");
	else if (sqlite3_prepare_v3(db, buf_str(b), (int)b->len,
				    SQLITE_PREPARE_PERSISTENT, out,
				    NULL) != SQLITE_OK)
		rc = sql_fail(s, db, e, "asking the database");
	buf_release(b);
	return rc;
}

int sql_bind_client(struct store *s, sqlite3_stmt *stmt, struct err *e)
{
	int at = sqlite3_bind_parameter_index(stmt, ":client");

	if (at == 0)
		return 0;
	if (sqlite3_bind_text(stmt, at, s->scope->client, -1, SQLITE_STATIC) !=
	    SQLITE_OK)
		return sql_fail(s, sqlite3_db_handle(stmt), e,
				"binding the client");
	return 0;
}

int sql_number(int64_t *out, struct store *s, sqlite3 *db, struct err *e,
	       const char *fmt, ...)
{
	sqlite3_stmt *stmt = NULL;
	va_list ap;
	int rc = -1;

	*out = 0;
	va_start(ap, fmt);
	char *sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (sql == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		sql_fail(s, db, e, "asking the database");
		goto out;
	}
	if (sql_bind_client(s, stmt, e) != 0)
		goto out;
	int step = sqlite3_step(stmt);
	if (step == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
	} else if (step != SQLITE_DONE) {
		sql_fail(s, db, e, "asking the database");
		goto out;
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
	return rc;
}

int sql_run(struct store *s, sqlite3 *db, struct buf *b, int64_t *changes,
	    struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -1;

	if (sql_prepare(&stmt, s, db, b, e) != 0)
		goto out;
	if (sql_bind_client(s, stmt, e) != 0)
		goto out;
	if (sqlite3_step(stmt) != SQLITE_DONE) {
		sql_fail(s, db, e, "asking the database");
		goto out;
	}
	if (changes != NULL)
		*changes = sqlite3_changes64(db);
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

char *sql_quote(const char *name)
{
	char *quoted = sqlite3_mprintf("\"%w\"", name);
	if (quoted == NULL)
		return NULL;
	/* everything the store owns is freed with free() */
	char *out = strdup(quoted);
	sqlite3_free(quoted);
	return out;
}
