/* keys.c: the columns of a table, and the name by which a row is known for
 * ever. */
#include "providers/sqlite/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int no_memory(struct err *e)
{
	return err_set(e, ERR_FAILED, "out of memory");
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

	if (schema_ask(&stmt, s, "table_xinfo", s->graph.tables[at].name, e) !=
	    0)
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

int keys_read(struct store *s, size_t table, bool strict, struct err *e)
{
	struct columns *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return no_memory(e);
	c->strict = strict;
	int rc = read_columns(s, table, c, e);
	if (rc == 0)
		rc = choose_key(s, table, c, e);
	free(c);
	return rc;
}
