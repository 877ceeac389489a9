/* integrity.c: is the database sound, before and after? */
#include "providers/sqlite/store.h"

#include <stdio.h>
#include <string.h>

int integrity_structure(uint64_t *problems, char first[200], struct store *s,
			sqlite3 *db, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int step, rc = -1;

	*problems = 0;
	first[0] = '\0';
	step = sqlite3_prepare_v2(db, "PRAGMA main.quick_check(20)", -1, &stmt,
				  NULL);
	while (step == SQLITE_OK || step == SQLITE_ROW) {
		step = sqlite3_step(stmt);
		if (step != SQLITE_ROW)
			break;
		const unsigned char *text = sqlite3_column_text(stmt, 0);
		const char *line = text != NULL ? (const char *)text : "?";
		if (strcmp(line, "ok") == 0)
			continue;
		if ((*problems)++ == 0)
			snprintf(first, 200, "%s", line);
	}
	if ((step & 0xff) == SQLITE_ERROR) {
		/* an index whose collation or function is not known here */
		if ((*problems)++ == 0)
			snprintf(first, 200, "%s", sqlite3_errmsg(db));
	} else if (step != SQLITE_DONE) {
		sql_fail(s, db, e, "checking the database");
		goto out;
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

int integrity_references(uint64_t *inside, uint64_t *outside, char first[200],
			 struct store *s, sqlite3 *db, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int step, rc = -1;

	*inside = *outside = 0;
	first[0] = '\0';
	step = sqlite3_prepare_v2(db,
				  "SELECT \"table\", parent, count(*) FROM "
				  "pragma_foreign_key_check GROUP BY 1, 2",
				  -1, &stmt, NULL);
	while (step == SQLITE_OK || step == SQLITE_ROW) {
		step = sqlite3_step(stmt);
		if (step != SQLITE_ROW)
			break;
		const char *child = (const char *)sqlite3_column_text(stmt, 0);
		const char *parent = (const char *)sqlite3_column_text(stmt, 1);
		uint64_t n = (uint64_t)sqlite3_column_int64(stmt, 2);
		size_t c = child != NULL ? graph_find(&s->graph, child)
					 : GRAPH_NONE;
		size_t p = parent != NULL ? graph_find(&s->graph, parent)
					  : GRAPH_NONE;
		if (c == GRAPH_NONE || p == GRAPH_NONE ||
		    !s->graph.tables[c].reach || !s->graph.tables[p].reach) {
			*outside += n;
			continue;
		}
		if (*inside == 0)
			snprintf(first, 200,
				 "%llu row(s) of %.60s refer to rows of %.60s "
				 "that do not exist",
				 (unsigned long long)n, child, parent);
		*inside += n;
	}
	if (step == SQLITE_DONE) {
		rc = 0;
	} else if ((step & 0xff) == SQLITE_ERROR) {
		/* a reference to columns that are no key, or a collation that
		 * is not known here */
		*inside += 1;
		snprintf(first, 200, "%s", sqlite3_errmsg(db));
		rc = 0;
	} else {
		sql_fail(s, db, e, "checking references");
	}
	sqlite3_finalize(stmt);
	return rc;
}

int integrity_full_text(uint64_t *bad, struct store *s, struct err *e)
{
	int rc = -1;

	*bad = 0;
	if (store_writer(s, e) != 0)
		return -1;
	if (sqlite3_exec(s->rw, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
	    SQLITE_OK)
		return sql_fail(s, s->rw, e, "checking full-text indexes");
	for (size_t i = 0; i < s->graph.n_tables; i++) {
		const char *name = s->graph.tables[i].name;
		if (!purge_concerns(s, i))
			continue;
		/* a command written as an INSERT: it changes nothing; rank 1
		 * makes FTS5 compare with external content too */
		char *sql = sqlite3_mprintf(
			s->table[i].fts5
				? "INSERT INTO main.\"%w\"(\"%w\", rank) "
				  "VALUES('integrity-check', 1)"
				: "INSERT INTO main.\"%w\"(\"%w\") "
				  "VALUES('integrity-check')",
			name, name);
		if (sql == NULL) {
			err_set(e, ERR_FAILED, "out of memory");
			goto out;
		}
		int answer = sqlite3_exec(s->rw, sql, NULL, NULL, NULL);
		sqlite3_free(sql);
		if ((answer & 0xff) == SQLITE_CORRUPT) {
			(*bad)++;
		} else if (answer != SQLITE_OK) {
			sql_fail(s, s->rw, e, "checking full-text indexes");
			goto out;
		}
	}
	rc = 0;
out:
	sqlite3_exec(s->rw, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
