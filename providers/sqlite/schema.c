/* schema.c: reads tables, keys and references through the library's own
 * pragmas; never by reading SQL text, except for virtual tables. */
#include "providers/sqlite/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int no_memory(struct err *e)
{
	return err_set(e, ERR_FAILED, "out of memory");
}

int schema_defect(struct store *s, const char *kind, size_t table,
		  struct err *e, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct defect *more =
		realloc(s->defects, (s->n_defects + 1) * sizeof(*more));
	if (more == NULL)
		return no_memory(e);
	s->defects = more;
	more[s->n_defects].kind = kind;
	more[s->n_defects].table = table;
	more[s->n_defects].text = strdup(text);
	if (more[s->n_defects].text == NULL)
		return no_memory(e);
	s->n_defects++;
	return 0;
}

int schema_ask(sqlite3_stmt **out, struct store *s, const char *pragma,
	       const char *arg, struct err *e)
{
	char *sql = sqlite3_mprintf("SELECT * FROM pragma_%s(%Q,'main')",
				    pragma, arg);
	if (sql == NULL)
		return no_memory(e);
	int rc = sqlite3_prepare_v2(s->ro, sql, -1, out, NULL);
	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return sql_fail(s, s->ro, e, "reading the schema");
	return 0;
}

static const char *column(sqlite3_stmt *stmt, int i)
{
	const unsigned char *text = sqlite3_column_text(stmt, i);
	return text != NULL ? (const char *)text : "";
}

static bool known_collation(struct store *s, const char *name)
{
	sqlite3_stmt *stmt = NULL;
	char *sql = sqlite3_mprintf("SELECT '' < '' COLLATE \"%w\"", name);
	if (sql == NULL)
		return false;
	int rc = sqlite3_prepare_v2(s->ro, sql, -1, &stmt, NULL);
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
	return rc == SQLITE_OK;
}

static int check_collation(struct store *s, size_t table, const char *name,
			   struct err *e)
{
	if (name[0] == '\0' || known_collation(s, name))
		return 0;
	return schema_defect(s, "unknown-collation", GRAPH_NONE, e,
			     "table %s sorts by \"%s\", which only the "
			     "application knows: neither its rows nor its "
			     "indexes can be handled safely",
			     s->graph.tables[table].name, name);
}

/* ---- tables ------------------------------------------------------------- */

static int read_collations(struct store *s, size_t at, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	const struct graph_table *t = &s->graph.tables[at];
	int rc = -1, step;

	for (size_t i = 0; i < t->n_columns; i++) {
		const char *name = NULL;
		sqlite3_table_column_metadata(s->ro, "main", t->name,
					      t->columns[i], NULL, &name, NULL,
					      NULL, NULL);
		if (name != NULL && check_collation(s, at, name, e) != 0)
			return -1;
	}
	if (sqlite3_prepare_v2(
		    s->ro,
		    "SELECT DISTINCT x.coll FROM pragma_index_list(?1,'main') l"
		    ", pragma_index_xinfo(l.name,'main') x "
		    "WHERE x.coll IS NOT NULL",
		    -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_bind_text(stmt, 1, t->name, -1, SQLITE_STATIC) !=
		    SQLITE_OK) {
		sql_fail(s, s->ro, e, "reading the schema");
		goto out;
	}
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
		if (check_collation(s, at, column(stmt, 0), e) != 0)
			goto out;
	rc = step == SQLITE_DONE ? 0
				 : sql_fail(s, s->ro, e, "reading the schema");
out:
	sqlite3_finalize(stmt);
	return rc;
}

static int read_table(struct store *s, size_t at, const char *type, bool wr,
		      bool strict, const char *sql, struct err *e)
{
	struct table *t = &s->table[at];
	bool usable = true;

	t->without_rowid = wr;
	t->virtual_table = strcmp(type, "virtual") == 0;
	if (t->virtual_table && schema_virtual(&usable, s, at, sql, e) != 0)
		return -1;
	if (!usable)
		return 0;
	if (keys_read(s, at, strict, e) != 0)
		return -1;
	return t->virtual_table ? 0 : read_collations(s, at, e);
}

/* Shadow tables belong to their virtual table and are left to it. */
static int read_tables(struct store *s, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -1, step;

	if (sqlite3_prepare_v2(
		    s->ro,
		    "SELECT l.name, l.type, l.wr, l.strict, m.sql "
		    "FROM pragma_table_list l JOIN main.sqlite_schema m "
		    "ON m.name = l.name AND m.type = 'table' "
		    "WHERE l.schema = 'main' AND l.type IN ('table','virtual') "
		    "AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
		    "ORDER BY l.name COLLATE NOCASE",
		    -1, &stmt, NULL) != SQLITE_OK) {
		sql_fail(s, s->ro, e, "reading the schema");
		goto out;
	}
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		size_t at;
		if (graph_add_table(&at, &s->graph, column(stmt, 0), e) != 0)
			goto out;
		struct table *more =
			realloc(s->table, (at + 1) * sizeof(*more));
		if (more == NULL) {
			no_memory(e);
			goto out;
		}
		s->table = more;
		memset(&more[at], 0, sizeof(*more));
		if (read_table(s, at, column(stmt, 1),
			       sqlite3_column_int(stmt, 2) != 0,
			       sqlite3_column_int(stmt, 3) != 0,
			       column(stmt, 4), e) != 0)
			goto out;
	}
	if (step != SQLITE_DONE) {
		sql_fail(s, s->ro, e, "reading the schema");
		goto out;
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

/* ---- references -----------------------------------------------------------
 */

/* The parent's primary key, for a REFERENCES without columns. */
static int implied_column(char out[256], struct store *s, const char *parent,
			  int seq, struct err *e)
{
	sqlite3_stmt *stmt = NULL;

	out[0] = '\0';
	if (schema_ask(&stmt, s, "table_info", parent, e) != 0)
		return -1;
	while (sqlite3_step(stmt) == SQLITE_ROW)
		if (sqlite3_column_int(stmt, 5) == seq + 1)
			snprintf(out, 256, "%s", column(stmt, 1));
	sqlite3_finalize(stmt);
	return 0;
}

static int read_fks(struct store *s, size_t child, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -1, step, last = -1;
	bool known = false;

	if (schema_ask(&stmt, s, "foreign_key_list",
		       s->graph.tables[child].name, e) != 0)
		return -1;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		/* id seq table from to on_update on_delete match */
		int id = sqlite3_column_int(stmt, 0);
		int seq = sqlite3_column_int(stmt, 1);
		char to[256];
		size_t parent = graph_find(&s->graph, column(stmt, 2));
		if (id != last) {
			known = parent != GRAPH_NONE;
			if (known &&
			    graph_add_fk(&s->graph, child, parent, e) != 0)
				goto out;
			last = id;
		}
		if (!known)
			continue; /* refers to no table: nothing to follow */
		snprintf(to, sizeof(to), "%s", column(stmt, 4));
		if (to[0] == '\0' &&
		    implied_column(to, s, column(stmt, 2), seq, e) != 0)
			goto out;
		if (!graph_has_column(&s->graph.tables[parent], &s->graph,
				      to)) {
			if (schema_defect(s, "foreign-key", GRAPH_NONE, e,
					  "a reference of %s to %s names a "
					  "column that is not there: what it "
					  "refers to cannot be told",
					  s->graph.tables[child].name,
					  s->graph.tables[parent].name) != 0)
				goto out;
			if (s->graph.fks[s->graph.n_fks - 1].n == 0)
				s->graph.n_fks--;
			known = false;
			continue;
		}
		if (graph_add_fk_column(&s->graph, s->graph.n_fks - 1,
					column(stmt, 3), to, e) != 0)
			goto out;
	}
	rc = step == SQLITE_DONE ? 0
				 : sql_fail(s, s->ro, e, "reading the schema");
out:
	sqlite3_finalize(stmt);
	return rc;
}

/* True when quoted is the quoted form of name. */
static bool quoted_same(const struct store *s, const char *quoted,
			const char *name)
{
	char *q = sql_quote(name);
	bool same = q != NULL && graph_same(&s->graph, quoted, q);
	free(q);
	return same;
}

/* Does the parent's key consist of exactly the columns referred to? */
static int link_key(struct store *s, size_t i, struct err *e)
{
	const struct graph_fk *fk = &s->graph.fks[i];
	const struct table *p = &s->table[fk->parent];
	struct link *l = &s->link[i];

	l->key_position = calloc(fk->n + 1, sizeof(*l->key_position));
	if (l->key_position == NULL)
		return no_memory(e);
	l->on_key = p->key != KEY_ROWID && p->n_keys == fk->n;
	for (size_t c = 0; c < fk->n && l->on_key; c++) {
		size_t k = 0;
		while (k < p->n_keys &&
		       !quoted_same(s, p->keys[k].sql, fk->to[c]))
			k++;
		l->key_position[c] = k;
		l->on_key = k < p->n_keys;
	}
	return 0;
}

/* Is there an index (or the row order itself) that finds the child's rows? */
static int link_index(struct store *s, size_t i, struct err *e)
{
	const struct graph_fk *fk = &s->graph.fks[i];
	const struct table *c = &s->table[fk->child];
	const char *child = s->graph.tables[fk->child].name;
	struct buf names;
	int64_t found = 0;
	int rc;

	if (c->key == KEY_INTEGER && fk->n == 1 &&
	    quoted_same(s, c->keys[0].sql, fk->from[0])) {
		s->link[i].indexed = true;
		return 0;
	}
	buf_init(&names, 65536);
	for (size_t k = 0; k < fk->n; k++) {
		char *text =
			sqlite3_mprintf("%s%Q", k != 0 ? "," : "", fk->from[k]);
		if (text != NULL)
			buf_puts(&names, text);
		sqlite3_free(text);
	}
	rc = sql_number(&found, s, s->ro, e,
			"SELECT 1 FROM pragma_index_list(%Q,'main') l, "
			"pragma_index_info(l.name,'main') x "
			"WHERE l.partial = 0 AND x.seqno < %d AND x.name "
			"COLLATE NOCASE IN (%s) GROUP BY l.name "
			"HAVING count(*) = %d LIMIT 1",
			child, (int)fk->n, buf_str(&names), (int)fk->n);
	buf_release(&names);
	s->link[i].indexed = found != 0;
	return rc;
}

int schema_digest(unsigned char out[SHA_LEN], struct store *s, sqlite3 *db,
		  struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int step;

	if (sqlite3_prepare_v2(
		    db,
		    "SELECT type, name, tbl_name, sql FROM "
		    "main.sqlite_schema "
		    "WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'"
		    " ORDER BY type, name",
		    -1, &stmt, NULL) != SQLITE_OK)
		return sql_fail(s, db, e, "reading the schema");
	sha_start(s->sha);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
		for (int i = 0; i < 4; i++) {
			sha_add(s->sha, column(stmt, i),
				strlen(column(stmt, i)));
			sha_add(s->sha, "", 1);
		}
	sha_end(s->sha, out);
	sqlite3_finalize(stmt);
	return step == SQLITE_DONE ? 0
				   : sql_fail(s, db, e, "reading the schema");
}

/* A content table whose rows VACUUM renumbers needs its index made again
 * afterwards. */
static void link_full_text(struct store *s)
{
	for (size_t i = 0; i < s->graph.n_tables; i++) {
		struct table *t = &s->table[i];
		if (t->fts != FTS_EXTERNAL)
			continue;
		size_t c = graph_find(&s->graph, t->content);
		t->content_rowid_moves =
			c != GRAPH_NONE && s->table[c].key != KEY_INTEGER;
	}
}

int schema_read(struct store *s, struct err *e)
{
	graph_init(&s->graph, true);
	s->root = GRAPH_NONE;
	if (read_tables(s, e) != 0)
		return -1;
	for (size_t i = 0; i < s->graph.n_tables; i++)
		if (!s->table[i].virtual_table && read_fks(s, i, e) != 0)
			return -1;
	s->link = calloc(s->graph.n_fks + 1, sizeof(*s->link));
	if (s->link == NULL)
		return no_memory(e);
	for (size_t i = 0; i < s->graph.n_fks; i++)
		if (link_key(s, i, e) != 0 || link_index(s, i, e) != 0)
			return -1;
	link_full_text(s);
	if (sql_number(&s->schema_cookie, s, s->ro, e,
		       "PRAGMA main.schema_version") != 0)
		return -1;
	return schema_digest(s->schema_digest, s, s->ro, e);
}

void schema_release(struct store *s)
{
	for (size_t i = 0; s->table != NULL && i < s->graph.n_tables; i++) {
		struct table *t = &s->table[i];
		for (size_t k = 0; t->keys != NULL && k < KEY_MAX; k++) {
			free(t->keys[k].sql);
			free(t->keys[k].collation);
		}
		for (size_t c = 0; c < t->n_columns; c++)
			free(t->columns[c]);
		free(t->keys);
		free(t->columns);
		free(t->rowid);
		free(t->content);
	}
	for (size_t i = 0; s->link != NULL && i < s->graph.n_fks; i++)
		free(s->link[i].key_position);
	for (size_t i = 0; i < s->n_defects; i++)
		free(s->defects[i].text);
	free(s->table);
	free(s->link);
	free(s->defects);
	graph_release(&s->graph);
}
