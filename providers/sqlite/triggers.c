/* triggers.c: what would deleting a row do besides?  The library's authorizer
 * tells, while a DELETE is prepared, what its triggers write, and theirs. */
#include "providers/sqlite/store.h"

#include <string.h>

struct watcher {
	struct store *s;
	size_t table;
	const char *writes; /* a table a trigger writes, or NULL */
};

static int authorize(void *arg, int action, const char *a, const char *b,
		     const char *db, const char *trigger)
{
	struct watcher *w = arg;
	const struct graph *g = &w->s->graph;

	(void)b;
	(void)db;
	if (trigger == NULL ||
	    (action != SQLITE_INSERT && action != SQLITE_UPDATE &&
	     action != SQLITE_DELETE))
		return SQLITE_OK;
	size_t at = a != NULL ? graph_find(g, a) : GRAPH_NONE;
	/* keeping this table's own full-text index is what purge does too */
	if (at != GRAPH_NONE && w->s->table[at].fts == FTS_EXTERNAL &&
	    graph_same(g, w->s->table[at].content, g->tables[w->table].name))
		return SQLITE_OK;
	w->writes = at != GRAPH_NONE ? g->tables[at].name : "another table";
	return SQLITE_OK;
}

static int read_one(struct store *s, size_t table, struct err *e)
{
	struct watcher w = {s, table, NULL};
	const char *name = s->graph.tables[table].name;
	sqlite3_stmt *stmt = NULL;
	int rc = 0;

	char *sql = sqlite3_mprintf("DELETE FROM main.\"%w\" WHERE 0", name);
	if (sql == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	sqlite3_set_authorizer(s->ro, authorize, &w);
	int answer = sqlite3_prepare_v2(s->ro, sql, -1, &stmt, NULL);
	sqlite3_set_authorizer(s->ro, NULL, NULL);
	if (answer != SQLITE_OK) {
		rc = schema_defect(s, "trigger", GRAPH_NONE, e,
				   "rows of %s cannot be deleted here: %s",
				   name, sqlite3_errmsg(s->ro));
	} else if (w.writes != NULL) {
		s->table[table].trigger_writes = true;
		if (!s->allow_triggers)
			rc = schema_defect(
				s, "trigger", GRAPH_NONE, e,
				"deleting rows of %s starts a trigger that "
				"writes to %s: drop it for the time of the "
				"destruction, or say allow_triggers = true and "
				"look at what it leaves",
				name, w.writes);
	}
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
	return rc;
}

int triggers_read(struct store *s, struct err *e)
{
	for (size_t i = 0; i < s->graph.n_tables; i++) {
		int64_t n = 0;
		if (!s->graph.tables[i].reach || s->table[i].virtual_table)
			continue;
		if (sql_number(&n, s, s->ro, e,
			       "SELECT count(*) FROM main.sqlite_schema WHERE "
			       "type = 'trigger' AND tbl_name = %Q "
			       "COLLATE NOCASE",
			       s->graph.tables[i].name) != 0)
			return -1;
		s->table[i].has_triggers = n != 0;
		if (n != 0 && read_one(s, i, e) != 0)
			return -1;
	}
	return 0;
}
