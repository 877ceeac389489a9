/*
 * where.c: is a condition what it says?
 *
 * The condition is the operator's SQL in a command that destroys.  It must be
 * one expression that can only read, that depends on :client, and that selects
 * nothing for no client.  Three looks: at its characters (it cannot leave its
 * brackets), at what the library's authorizer sees when it is prepared, and at
 * what it selects for clients that do not exist.
 */
#include "providers/sqlite/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL when text stays inside its brackets, else what is wrong. */
static const char *leaves_brackets(const char *text)
{
	int depth = 0;

	for (const char *p = text; *p != '\0'; p++) {
		char close = *p == '[' ? ']' : *p;
		switch (*p) {
		case '\'':
		case '"':
		case '`':
		case '[':
			p = strchr(p + 1, close);
			/* a doubled quote opens again at once */
			if (p == NULL)
				return "a quote is not closed";
			break;
		case ';':
			return "it holds a semicolon";
		case '(':
			depth++;
			break;
		case ')':
			if (--depth < 0)
				return "a bracket closes that was not opened";
			break;
		case '-':
			if (p[1] == '-')
				return "it holds a comment";
			break;
		case '/':
			if (p[1] == '*')
				return "it holds a comment";
			break;
		default:
			break;
		}
	}
	return depth != 0 ? "a bracket is not closed" : NULL;
}

struct watcher {
	struct store *s;
	struct entry *entry;
	char denied[200];
	bool no_memory;
};

static bool safe_function(const char *name)
{
	static const char *const refused[] = {
		"load_extension", "writefile",
		"readfile",	  "edit",
		"fts3_tokenizer", "random",
		"randomblob",	  "changes",
		"total_changes",  "last_insert_rowid",
		"fsdir",	  "lsmode",
		"eval",		  NULL};

	for (const char *const *r = refused; *r != NULL; r++)
		if (sqlite3_stricmp(*r, name) == 0)
			return false;
	return true;
}

/* Remembers another table that the condition reads: its rows must go later. */
static void note_read(struct watcher *w, const char *name)
{
	size_t at = graph_find(&w->s->graph, name);
	struct entry *en = w->entry;

	if (at == GRAPH_NONE || at == en->table)
		return;
	for (size_t i = 0; i < en->n_reads; i++)
		if (en->reads[i] == at)
			return;
	size_t *more = realloc(en->reads, (en->n_reads + 1) * sizeof(*more));
	if (more == NULL) {
		w->no_memory = true;
		return;
	}
	en->reads = more;
	more[en->n_reads++] = at;
}

static int authorize(void *arg, int action, const char *a, const char *b,
		     const char *db, const char *trigger)
{
	struct watcher *w = arg;

	(void)trigger;
	(void)db;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_READ:
		if (a != NULL)
			note_read(w, a);
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		if (b != NULL && safe_function(b))
			return SQLITE_OK;
		snprintf(w->denied, sizeof(w->denied),
			 "it calls %s(), which may do more than compare",
			 b != NULL ? b : "a function");
		return SQLITE_DENY;
	default:
		snprintf(w->denied, sizeof(w->denied),
			 "it would do more than read");
		return SQLITE_DENY;
	}
}

/* Prepares SELECT ... WHERE (condition), refusing what the authorizer sees. */
static int prepare(sqlite3_stmt **out, struct watcher *w, const char *before,
		   const struct setting *where, struct err *e)
{
	struct store *s = w->s;
	const char *tail = NULL;
	int strings_were = 1;

	/* the line break ends what a comment might have begun */
	char *sql = sqlite3_mprintf("SELECT 1 FROM main.\"%w\" WHERE %s(%s\n)",
				    s->graph.tables[w->entry->table].name,
				    before, where->str);
	if (sql == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	/* "text" in double quotes is a column here, never a string */
	sqlite3_db_config(s->ro, SQLITE_DBCONFIG_DQS_DML, -1, &strings_were);
	sqlite3_db_config(s->ro, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_set_authorizer(s->ro, authorize, w);
	int rc = sqlite3_prepare_v2(s->ro, sql, -1, out, &tail);
	sqlite3_set_authorizer(s->ro, NULL, NULL);
	sqlite3_db_config(s->ro, SQLITE_DBCONFIG_DQS_DML, strings_were, NULL);
	if (w->denied[0] != '\0')
		setting_refuse(where, e, "where is refused: %s", w->denied);
	else if (rc != SQLITE_OK)
		setting_refuse(where, e, "where is not a condition: %s",
			       sqlite3_errmsg(s->ro));
	else if (w->no_memory)
		err_set(e, ERR_FAILED, "out of memory");
	else if (*out == NULL || tail[0] != '\0' ||
		 sqlite3_stmt_readonly(*out) == 0)
		setting_refuse(where, e,
			       "where is refused: it is more than one "
			       "condition");
	sqlite3_free(sql);
	return e->code == ERR_NONE ? 0 : -1;
}

/* Fails when the condition selects a row for this client (NULL: none). */
static int selects_nothing(struct store *s, sqlite3_stmt *stmt,
			   const char *client, const struct setting *where,
			   struct err *e)
{
	int rc = 0;

	if (client != NULL)
		sqlite3_bind_text(stmt, 1, client, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, 1);
	int step = sqlite3_step(stmt);
	if (step == SQLITE_ROW)
		rc = setting_refuse(where, e,
				    "where is refused: it selects rows for %s, "
				    "so it would reach other clients' rows; "
				    "write column = :client",
				    client != NULL
					    ? "a client that cannot exist"
					    : "no client at all (NULL)");
	else if (step != SQLITE_DONE)
		rc = sql_fail(s, s->ro, e, "trying the condition of table %s",
			      where->name);
	sqlite3_reset(stmt);
	return rc;
}

int where_check(struct store *s, struct entry *entry,
		const struct setting *where, struct err *e)
{
	struct watcher w = {.s = s, .entry = entry};
	sqlite3_stmt *stmt = NULL;
	int rc = -1;
	const char *wrong = leaves_brackets(where->str);

	if (wrong != NULL)
		return setting_refuse(where, e, "where is refused: %s", wrong);
	/* a second reading, in which whatever escaped would show */
	if (prepare(&stmt, &w, "1=0 AND ", where, e) != 0)
		goto out;
	sqlite3_finalize(stmt);
	stmt = NULL;
	if (prepare(&stmt, &w, "", where, e) != 0)
		goto out;
	if (sqlite3_bind_parameter_count(stmt) != 1 ||
	    sqlite3_bind_parameter_index(stmt, ":client") != 1) {
		setting_refuse(where, e,
			       "where is refused: it must use :client, and no "
			       "other parameter");
		goto out;
	}
	/* OR 1=1 is seen with NULL; <> :client and >= :client with the ends
	 * of the integers */
	if (selects_nothing(s, stmt, NULL, where, e) != 0 ||
	    selects_nothing(s, stmt, "-9223372036854775808", where, e) != 0 ||
	    selects_nothing(s, stmt, "9223372036854775807", where, e) != 0)
		goto out;
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}
