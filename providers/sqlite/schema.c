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

/* Prepares `PRAGMA name("table")` as a query. */
static int ask(sqlite3_stmt **out, struct store *s, const char *pragma,
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

/* The affinity that SQLite derives from a declared type (datatype3.html). */
static const char *affinity_of(const char *type, bool strict)
{
	struct word {
		const char *part, *affinity;
	};
	static const struct word words[] = {
		{"INT", "INTEGER"}, {"CHAR", "TEXT"}, {"CLOB", "TEXT"},
		{"TEXT", "TEXT"},   {"BLOB", "BLOB"}, {"REAL", "REAL"},
		{"FLOA", "REAL"},   {"DOUB", "REAL"}, {NULL, NULL}};

	/* in a STRICT table ANY keeps every value as it came */
	if (type[0] == '\0' || (strict && strcasecmp(type, "ANY") == 0))
		return "BLOB";
	for (const struct word *w = words; w->part != NULL; w++)
		for (const char *p = type; *p != '\0'; p++)
			if (strncasecmp(p, w->part, strlen(w->part)) == 0)
				return w->affinity;
	return "NUMERIC";
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

/* ---- columns and keys ---------------------------------------------------- */

/* One row of table_xinfo that belongs to the primary key. */
struct pk_column {
	char name[256];
	const char *affinity;
	bool integer, not_null;
	int at; /* position in the key, from 1 */
};

struct columns {
	struct pk_column pk[KEY_MAX];
	size_t n_pk;
	bool too_many;
	bool strict;
};

static int add_stored(struct table *t, const char *name, struct err *e)
{
	char **more = realloc(t->columns, (t->n_columns + 1) * sizeof(*more));
	if (more == NULL)
		return no_memory(e);
	t->columns = more;
	more[t->n_columns] = sql_quote(name);
	if (more[t->n_columns] == NULL)
		return no_memory(e);
	t->n_columns++;
	return 0;
}

static int read_columns(struct store *s, size_t at, struct columns *c,
			struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -1, step;

	if (ask(&stmt, s, "table_xinfo", s->graph.tables[at].name, e) != 0)
		goto out;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		/* cid name type notnull dflt_value pk hidden; hidden: 1 of a
		 * virtual table, 2 computed when read, 3 computed and stored */
		const char *name = column(stmt, 1);
		int pk = sqlite3_column_int(stmt, 5);
		int hidden = sqlite3_column_int(stmt, 6);
		if (hidden == 1)
			continue;
		if (graph_add_column(&s->graph, at, name, e) != 0)
			goto out;
		if (hidden != 2 && add_stored(&s->table[at], name, e) != 0)
			goto out;
		if (pk == 0)
			continue;
		if (c->n_pk == KEY_MAX || strlen(name) >= 256) {
			c->too_many = true;
			continue;
		}
		struct pk_column *k = &c->pk[c->n_pk++];
		snprintf(k->name, sizeof(k->name), "%s", name);
		k->affinity = affinity_of(column(stmt, 2), c->strict);
		k->integer = strcasecmp(column(stmt, 2), "INTEGER") == 0;
		k->not_null = sqlite3_column_int(stmt, 3) != 0;
		k->at = pk;
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

static const struct pk_column *pk_at(const struct columns *c, int at)
{
	for (size_t i = 0; i < c->n_pk; i++)
		if (c->pk[i].at == at)
			return &c->pk[i];
	return NULL;
}

/* A name of the hidden row number that no column takes away, or NULL. */
static const char *rowid_name(const struct store *s, size_t at)
{
	static const char *const names[] = {"rowid", "_rowid_", "oid", NULL};
	const struct graph_table *t = &s->graph.tables[at];

	for (const char *const *n = names; *n != NULL; n++)
		if (!graph_has_column(t, &s->graph, *n))
			return *n;
	return NULL;
}

static int set_key(struct table *t, size_t i, const char *sql,
		   const char *affinity, const char *collation, struct err *e)
{
	t->keys[i].sql = strdup(sql);
	t->keys[i].affinity = affinity;
	t->keys[i].collation = strdup(collation);
	if (t->keys[i].sql == NULL || t->keys[i].collation == NULL)
		return no_memory(e);
	t->n_keys = i + 1;
	return 0;
}

/* Names of a key must be as unique as the index behind it: its collation is
 * compared with the column's. *same false: they differ. */
static int same_collations(bool *same, struct store *s, size_t at,
			   struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -1, step;
	const char *name = s->graph.tables[at].name;

	*same = true;
	if (sqlite3_prepare_v2(
		    s->ro,
		    "SELECT x.name, x.coll FROM pragma_index_list(?1,'main') l,"
		    " pragma_index_xinfo(l.name,'main') x "
		    "WHERE l.origin = 'pk' AND x.key = 1",
		    -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC) != SQLITE_OK) {
		sql_fail(s, s->ro, e, "reading the schema");
		goto out;
	}
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *declared = NULL;
		if (sqlite3_table_column_metadata(
			    s->ro, "main", name, column(stmt, 0), NULL,
			    &declared, NULL, NULL, NULL) != SQLITE_OK ||
		    declared == NULL ||
		    strcasecmp(declared, column(stmt, 1)) != 0)
			*same = false;
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

/* Old tables may have NULL in a primary key, even many times. */
static int has_null_keys(bool *out, struct store *s, size_t at,
			 const struct columns *c, struct err *e)
{
	struct buf b;
	int64_t found = 0;
	int rc = 0;

	buf_init(&b, 65536);
	for (size_t i = 0; i < c->n_pk; i++) {
		char *name = sql_quote(c->pk[i].name);
		if (name == NULL) {
			buf_release(&b);
			return no_memory(e);
		}
		if (!c->pk[i].not_null)
			buf_putf(&b, "%s%s IS NULL", b.len != 0 ? " OR " : "",
				 name);
		free(name);
	}
	if (b.len != 0)
		rc = sql_number(&found, s, s->ro, e,
				"SELECT 1 FROM main.\"%w\" WHERE %s LIMIT 1",
				s->graph.tables[at].name, buf_str(&b));
	buf_release(&b);
	*out = found != 0;
	return rc;
}

static int key_of_columns(struct store *s, size_t at, const struct columns *c,
			  struct err *e)
{
	struct table *t = &s->table[at];

	t->key = KEY_COLUMNS;
	for (size_t i = 0; i < c->n_pk; i++) {
		const struct pk_column *k = pk_at(c, (int)i + 1);
		const char *collation = NULL;
		if (k == NULL)
			return err_set(e, ERR_STORE,
				       "the primary key of %s cannot be read",
				       s->graph.tables[at].name);
		sqlite3_table_column_metadata(
			s->ro, "main", s->graph.tables[at].name, k->name, NULL,
			&collation, NULL, NULL, NULL);
		char *sql = sql_quote(k->name);
		if (sql == NULL)
			return no_memory(e);
		int rc = set_key(t, i, sql, k->affinity,
				 collation != NULL ? collation : "BINARY", e);
		free(sql);
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* Picks the name that a row keeps through VACUUM; the hidden row number is
 * the last resort, and then only together with the row's content. */
static int choose_key(struct store *s, size_t at, const struct columns *c,
		      struct err *e)
{
	struct table *t = &s->table[at];
	const char *rowid = t->without_rowid ? NULL : rowid_name(s, at);
	bool same = true, nulls = false;

	t->keys = calloc(KEY_MAX, sizeof(*t->keys));
	if (t->keys == NULL)
		return no_memory(e);
	if (rowid != NULL) {
		t->rowid = strdup(rowid);
		if (t->rowid == NULL)
			return no_memory(e);
	}
	if (t->virtual_table) {
		t->key = KEY_INTEGER;
		return set_key(t, 0, "rowid", "INTEGER", "BINARY", e);
	}
	if (same_collations(&same, s, at, e) != 0)
		return -1;
	if (!t->without_rowid && c->n_pk == 1 && c->pk[0].integer &&
	    sqlite3_table_column_metadata(
		    s->ro, "main", s->graph.tables[at].name, NULL, NULL, NULL,
		    NULL, NULL, NULL) == SQLITE_OK) {
		/* INTEGER PRIMARY KEY is the rowid, unless an index was made
		 * for it (INTEGER PRIMARY KEY DESC) */
		int64_t index = 0;
		if (sql_number(&index, s, s->ro, e,
			       "SELECT count(*) FROM "
			       "pragma_index_list(%Q,'main') "
			       "WHERE origin = 'pk'",
			       s->graph.tables[at].name) != 0)
			return -1;
		if (index == 0) {
			char *sql = sql_quote(c->pk[0].name);
			if (sql == NULL)
				return no_memory(e);
			t->key = KEY_INTEGER;
			int rc = set_key(t, 0, sql, "INTEGER", "BINARY", e);
			free(sql);
			return rc;
		}
	}
	if (!t->without_rowid && c->n_pk != 0 &&
	    has_null_keys(&nulls, s, at, c, e) != 0)
		return -1;
	if (c->n_pk != 0 && !c->too_many && same && !nulls)
		return key_of_columns(s, at, c, e);
	if (rowid == NULL)
		return schema_defect(s, "unsupported-key", at, e,
				     "rows of table %s cannot be named: its "
				     "columns hide the row number, or its key "
				     "compares differently from its columns",
				     s->graph.tables[at].name);
	t->key = KEY_ROWID;
	return set_key(t, 0, rowid, "INTEGER", "BINARY", e);
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
	struct columns *c = calloc(1, sizeof(*c));
	bool usable = true;
	int rc = -1;

	if (c == NULL)
		return no_memory(e);
	t->without_rowid = wr;
	c->strict = strict;
	t->virtual_table = strcmp(type, "virtual") == 0;
	if (t->virtual_table && schema_virtual(&usable, s, at, sql, e) != 0)
		goto out;
	if (!usable) {
		rc = 0;
		goto out;
	}
	if (read_columns(s, at, c, e) != 0)
		goto out;
	if (!t->virtual_table && read_collations(s, at, e) != 0)
		goto out;
	rc = choose_key(s, at, c, e);
out:
	free(c);
	return rc;
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
	if (ask(&stmt, s, "table_info", parent, e) != 0)
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

	if (ask(&stmt, s, "foreign_key_list", s->graph.tables[child].name, e) !=
	    0)
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
