/*
 * enumerate.c: the scope as items, and the question whether they are gone.
 *
 * An item is a run of rows of one table in the order of their keys.  It ends
 * after a key whose hash says so (about one in 512), or when it is full.  So
 * where items begin depends on the rows themselves: when some items are
 * already destroyed, or rows come or go, the other items keep their names and
 * digests (I6).
 */
#include "providers/sqlite/store.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_ROWS 2048
#define ITEM_KEYS (48 * 1024)

struct chunk {
	struct store *s;
	size_t table;
	uint32_t retention;
	uint64_t rows, bytes;
	int64_t last;
	struct buf id, keys, spec;
	item_fn *fn;
	void *arg;
};

static void chunk_start(struct chunk *c)
{
	c->rows = c->bytes = 0;
	c->last = 0;
	buf_reset(&c->keys);
	sha_start(c->s->sha);
}

static int chunk_flush(struct chunk *c, struct err *e)
{
	struct item item = {0};

	if (c->rows == 0)
		return 0;
	if (spec_close(&c->spec, c->s, c->table, c->rows, &c->keys) != 0)
		return err_set(e, ERR_FAILED,
			       "keys of table %s are too long to be listed",
			       c->s->graph.tables[c->table].name);
	sha_add(c->s->sha, c->spec.data, c->spec.len);
	sha_end(c->s->sha, item.digest);
	item.id = c->id.data;
	item.id_len = c->id.len;
	item.cls = CLASS_CURRENT;
	item.bytes = c->bytes;
	item.rows = c->rows;
	item.group = c->s->graph.tables[c->table].group;
	item.retention = c->retention;
	item.spec = c->spec.data;
	item.spec_len = c->spec.len;
	if (c->fn(c->arg, &item, e) != 0)
		return -1;
	chunk_start(c);
	return 0;
}

static int chunk_add(struct chunk *c, sqlite3_stmt *stmt, struct err *e)
{
	struct store *s = c->s;
	const struct table *t = &s->table[c->table];
	struct key_value key[KEY_MAX];
	unsigned char content[8] = {0};
	uint64_t bytes;

	row_key(key, stmt, 0, t->n_keys);
	if (c->rows == 0 && item_name(&c->id, s, c->table, key, e) != 0)
		return -1;
	if (row_write(s, stmt, (int)t->n_keys, t->n_columns, &bytes, e) != 0)
		return -1;
	if (t->key == KEY_ROWID)
		row_content(s, content);
	sha_add(s->sha, s->row.data, s->row.len);
	if (spec_add(&c->keys, t, &c->last, key, content) != 0)
		return err_set(e, ERR_FAILED,
			       "a key of table %s is too long to be listed",
			       s->graph.tables[c->table].name);
	c->rows++;
	c->bytes += bytes;
	if (item_ends(t, key) || c->rows == ITEM_ROWS ||
	    c->keys.len >= ITEM_KEYS)
		return chunk_flush(c, e);
	return 0;
}

/* SELECT keys, columns of the rows in scope, in the order of their keys. */
static void put_rows(struct buf *b, const struct store *s, size_t table)
{
	const struct table *t = &s->table[table];
	char *name = sql_quote(s->graph.tables[table].name);

	buf_puts(b, "SELECT ");
	select_keys(b, t, "c");
	for (size_t i = 0; i < t->n_columns; i++)
		buf_putf(b, ",c.%s", t->columns[i]);
	buf_putf(b, " FROM temp.s%zu s CROSS JOIN main.%s c ON ", table,
		 name != NULL ? name : "");
	select_match(b, t, "s", "c");
	buf_puts(b, " WHERE s.ret = ?1 ORDER BY ");
	select_names(b, t, "s");
	free(name);
}

static int enumerate_rows(struct chunk *c, sqlite3_stmt *stmt, uint32_t ret,
			  struct err *e)
{
	int step;

	if (sqlite3_bind_int64(stmt, 1, ret) != SQLITE_OK)
		return sql_fail(c->s, c->s->ro, e, "listing rows");
	c->retention = ret;
	chunk_start(c);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
		if (chunk_add(c, stmt, e) != 0)
			return -1;
	if (step != SQLITE_DONE)
		return sql_fail(c->s, c->s->ro, e, "listing rows of %s",
				c->s->graph.tables[c->table].name);
	sqlite3_reset(stmt);
	return chunk_flush(c, e);
}

static int enumerate_table(struct chunk *c, struct err *e)
{
	struct store *s = c->s;
	sqlite3_stmt *stmt = NULL;
	struct buf b;
	int rc = -1;

	buf_init(&b, 256 * 1024);
	put_rows(&b, s, c->table);
	if (sql_prepare(&stmt, s, s->ro, &b, e) != 0)
		return -1;
	for (size_t r = 0; r <= s->n_rules; r++)
		if (enumerate_rows(c, stmt, (uint32_t)r, e) != 0)
			goto out;
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

int sqlite_enumerate(void *handle, item_fn *fn, void *arg, struct err *e)
{
	struct store *s = handle;
	struct chunk c = {.s = s, .fn = fn, .arg = arg};
	int rc = -1;

	buf_init(&c.id, 64 * 1024);
	buf_init(&c.keys, ITEM_SPEC_MAX);
	buf_init(&c.spec, ITEM_SPEC_MAX);
	if (store_begin_read(s, e) != 0)
		goto out;
	if (select_scope(s, e) != 0)
		goto out;
	for (size_t i = 0; i < s->graph.n_order; i++) {
		c.table = s->graph.order[i];
		if (enumerate_table(&c, e) != 0)
			goto out;
	}
	rc = 0;
out:
	store_end_read(s);
	buf_release(&c.id);
	buf_release(&c.keys);
	buf_release(&c.spec);
	return rc;
}

/* ---- absence ---------------------------------------------------------------
 */

static void put_question(struct buf *b, const struct store *s, size_t table)
{
	const struct table *t = &s->table[table];
	char *name = sql_quote(s->graph.tables[table].name);

	buf_puts(b, "SELECT 1");
	for (size_t i = 0; t->key == KEY_ROWID && i < t->n_columns; i++)
		buf_putf(b, ",%s", t->columns[i]);
	buf_putf(b, " FROM main.%s WHERE ", name != NULL ? name : "");
	for (size_t i = 0; i < t->n_keys; i++)
		buf_putf(b, "%s%s = ?%zu", i != 0 ? " AND " : "",
			 t->keys[i].sql, i + 1);
	free(name);
}

/* Is this row there?  A hidden row number alone does not say so: VACUUM may
 * have given it to another row, so the content is compared too. */
static int ask_row(bool *there, struct store *s, sqlite3_stmt *stmt,
		   const struct spec_reader *r, const struct spec_row *row,
		   struct err *e)
{
	unsigned char content[8];
	int rc = 0;

	*there = false;
	if (row_bind(s, stmt, row->key, r->n_keys, e) != 0)
		return -1;
	int step = sqlite3_step(stmt);
	if (step == SQLITE_ROW && r->kind != KEY_ROWID) {
		*there = true;
	} else if (step == SQLITE_ROW) {
		rc = row_write(s, stmt, 1, s->table[r->table].n_columns, NULL,
			       e);
		row_content(s, content);
		*there = memcmp(content, row->content, 8) == 0;
	} else if (step != SQLITE_DONE) {
		rc = sql_fail(s, s->ro, e, "looking for rows of %s",
			      s->graph.tables[r->table].name);
	}
	sqlite3_reset(stmt);
	return rc;
}

struct question {
	size_t table;
	sqlite3_stmt *stmt;
};

static int ask_item(enum answer *out, struct question *q, struct store *s,
		    const struct item *item, struct err *e)
{
	struct spec_reader r;
	struct spec_row row;
	int more;

	if (spec_open(&r, s, item->spec, item->spec_len, e) != 0)
		return -1;
	if (q->stmt == NULL || q->table != r.table) {
		struct buf b;
		sqlite3_finalize(q->stmt);
		q->stmt = NULL;
		q->table = r.table;
		buf_init(&b, 256 * 1024);
		put_question(&b, s, r.table);
		if (sql_prepare(&q->stmt, s, s->ro, &b, e) != 0)
			return -1;
	}
	while ((more = spec_next(&r, &row, e)) == 1) {
		bool there;
		if (ask_row(&there, s, q->stmt, &r, &row, e) != 0)
			return -1;
		if (!there)
			continue;
		*out = ANSWER_PRESENT;
		return 0;
	}
	if (more != 0)
		return -1;
	*out = ANSWER_ABSENT;
	return 0;
}

int sqlite_check_absent(void *handle, const struct item *items, size_t n,
			enum answer *out, struct err *e)
{
	struct store *s = handle;
	struct question q = {GRAPH_NONE, NULL};
	int rc = -1;

	if (store_begin_read(s, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct err one = ERR_INIT;
		out[i] = ANSWER_UNKNOWN;
		if (ask_item(&out[i], &q, s, &items[i], &one) == 0)
			continue;
		/* one item that cannot be asked is a doubt about that item; a
		 * database that cannot be asked is an error */
		if (one.code != ERR_DRIFT && one.code != ERR_INVALID) {
			*e = one;
			goto out;
		}
	}
	rc = 0;
out:
	sqlite3_finalize(q.stmt);
	store_end_read(s);
	return rc;
}
