/*
 * bystanders.c: the rows beside a batch, before and after it, inside its own
 * transaction (I10).  Beside the batch are the other clients' rows and those
 * of this client that other batches hold: none of them may change.
 */
#include "providers/sqlite/store.h"

#include <stdlib.h>
#include <string.h>

#define EXACT_ROWS 100000 /* up to here every row is digested */
#define SAMPLE 1000	  /* above, about so many, spread over the table */

void beside_release(struct beside *b)
{
	free(b->points);
	memset(b, 0, sizeof(*b));
}

/* The name of a 64-bit key by which any row can be fetched, or NULL. */
static const char *row_number(const struct table *t)
{
	return t->key == KEY_COLUMNS ? t->rowid : t->keys[0].sql;
}

static void put_columns(struct buf *b, const struct table *t)
{
	for (size_t i = 0; i < t->n_columns; i++)
		buf_putf(b, "%sc.%s", i != 0 ? "," : "", t->columns[i]);
}

static void put_from(struct buf *b, const struct store *s, size_t table)
{
	char *name = sql_quote(s->graph.tables[table].name);
	buf_putf(b, " FROM main.%s c", name != NULL ? name : "");
	free(name);
}

static void put_planned(struct buf *b, const struct store *s, size_t table)
{
	buf_putf(b, "EXISTS (SELECT 1 FROM temp.b%zu x WHERE ", table);
	select_match(b, &s->table[table], "x", "c");
	buf_puts(b, ")");
}

/* Digests all rows that a statement gives, from column first. */
static int digest_rows(struct store *s, struct buf *sql, size_t table,
		       struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -1, step;

	if (sql_prepare(&stmt, s, s->rw, sql, e) != 0)
		return -1;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (row_write(s, stmt, 0, s->table[table].n_columns, NULL, e) !=
		    0)
			goto out;
		sha_add(s->sha, s->row.data, s->row.len);
	}
	if (step != SQLITE_DONE) {
		sql_fail(s, s->rw, e, "looking at the rows beside");
		goto out;
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

static int exact(struct store *s, size_t table, struct err *e)
{
	const struct table *t = &s->table[table];
	const char *number = row_number(t);
	struct buf b;

	buf_init(&b, 256 * 1024);
	buf_puts(&b, "SELECT ");
	put_columns(&b, t);
	put_from(&b, s, table);
	buf_puts(&b, " WHERE NOT ");
	put_planned(&b, s, table);
	buf_puts(&b, " ORDER BY ");
	if (number != NULL)
		buf_putf(&b, "c.%s", number);
	else
		select_keys(&b, t, "c");
	return digest_rows(s, &b, table, e);
}

/* Without a row number: both ends of the table. */
static int both_ends(struct store *s, size_t table, struct err *e)
{
	const struct table *t = &s->table[table];

	for (int down = 0; down < 2; down++) {
		struct buf b;
		buf_init(&b, 256 * 1024);
		buf_puts(&b, "SELECT ");
		put_columns(&b, t);
		put_from(&b, s, table);
		buf_puts(&b, " WHERE NOT ");
		put_planned(&b, s, table);
		buf_puts(&b, " ORDER BY ");
		for (size_t i = 0; i < t->n_keys; i++)
			buf_putf(&b, "%sc.%s%s", i != 0 ? "," : "",
				 t->keys[i].sql, down != 0 ? " DESC" : "");
		buf_putf(&b, " LIMIT %d", SAMPLE / 2);
		if (digest_rows(s, &b, table, e) != 0)
			return -1;
	}
	return 0;
}

/* Chooses the sample: the first unplanned row at or after each of SAMPLE
 * points spread over the row numbers. */
static int choose(struct beside *b, struct store *s, size_t table,
		  struct err *e)
{
	const char *number = row_number(&s->table[table]);
	const char *name = s->graph.tables[table].name;
	sqlite3_stmt *stmt = NULL;
	struct buf sql;
	int64_t low, high;
	int rc = -1;

	b->points = calloc(SAMPLE, sizeof(*b->points));
	if (b->points == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	if (sql_number(&low, s, s->rw, e, "SELECT min(%s) FROM main.\"%w\"",
		       number, name) != 0 ||
	    sql_number(&high, s, s->rw, e, "SELECT max(%s) FROM main.\"%w\"",
		       number, name) != 0)
		return -1;
	uint64_t width = (uint64_t)high - (uint64_t)low;
	buf_init(&sql, 256 * 1024);
	buf_putf(&sql, "SELECT c.%s, ", number);
	put_planned(&sql, s, table);
	put_from(&sql, s, table);
	buf_putf(&sql, " WHERE c.%s >= ?1 ORDER BY c.%s LIMIT 1", number,
		 number);
	if (sql_prepare(&stmt, s, s->rw, &sql, e) != 0)
		return -1;
	for (uint64_t i = 0; i < SAMPLE; i++) {
		uint64_t at = (uint64_t)low + width / SAMPLE * i;
		sqlite3_bind_int64(stmt, 1, (int64_t)at);
		int step = sqlite3_step(stmt);
		if (step != SQLITE_ROW && step != SQLITE_DONE) {
			sql_fail(s, s->rw, e, "looking at the rows beside");
			goto out;
		}
		int64_t found = sqlite3_column_int64(stmt, 0);
		bool again =
			b->n_points != 0 && b->points[b->n_points - 1] == found;
		if (step == SQLITE_ROW && !again &&
		    sqlite3_column_int(stmt, 1) == 0)
			b->points[b->n_points++] = found;
		sqlite3_reset(stmt);
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

static int sample(struct beside *b, struct store *s, size_t table,
		  struct err *e)
{
	const struct table *t = &s->table[table];
	sqlite3_stmt *stmt = NULL;
	struct buf sql;
	int rc = -1;

	buf_init(&sql, 256 * 1024);
	buf_puts(&sql, "SELECT ");
	put_columns(&sql, t);
	put_from(&sql, s, table);
	buf_putf(&sql, " WHERE c.%s = ?1", row_number(t));
	if (sql_prepare(&stmt, s, s->rw, &sql, e) != 0)
		return -1;
	for (size_t i = 0; i < b->n_points; i++) {
		sqlite3_bind_int64(stmt, 1, b->points[i]);
		int step = sqlite3_step(stmt);
		if (step != SQLITE_ROW && step != SQLITE_DONE) {
			sql_fail(s, s->rw, e, "looking at the rows beside");
			goto out;
		}
		/* a row that is not there any more leaves a mark too */
		if (step == SQLITE_DONE)
			sha_add(s->sha, "-", 1);
		else if (row_write(s, stmt, 0, t->n_columns, NULL, e) != 0)
			goto out;
		else
			sha_add(s->sha, s->row.data, s->row.len);
		sqlite3_reset(stmt);
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

int beside_look(struct beside *b, struct store *s, size_t table, uint64_t batch,
		bool again, struct err *e)
{
	const struct table *t = &s->table[table];
	int64_t total;
	int rc;

	if (sql_number(&total, s, s->rw, e, "SELECT count(*) FROM main.\"%w\"",
		       s->graph.tables[table].name) != 0)
		return -1;
	b->rows = (uint64_t)total > batch ? (uint64_t)total - batch : 0;
	if (!again) {
		b->sampled = b->rows > EXACT_ROWS;
		if (b->sampled && row_number(t) != NULL &&
		    choose(b, s, table, e) != 0)
			return -1;
	}
	sha_start(s->sha);
	if (!b->sampled)
		rc = exact(s, table, e);
	else if (row_number(t) != NULL)
		rc = sample(b, s, table, e);
	else
		rc = both_ends(s, table, e);
	sha_end(s->sha, b->digest);
	return rc;
}
