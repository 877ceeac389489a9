/*
 * destroy.c: one batch, one transaction.
 *
 *   lock, look whether every planned row is still what was planned, whether
 *   rows that nobody planned refer to them (a cascade would have taken them),
 *   and what lies beside; delete by key, one row at a time, counting; look
 *   beside again; only then commit.
 *
 * Whatever is not as planned rolls the whole batch back (I1, I10): foreign
 * keys are off, so no row goes that is not named here.
 */
#include "providers/sqlite/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Statements that one table needs, made once per connection. */
struct ops {
	sqlite3_stmt *read;   /* columns of the row with this key */
	sqlite3_stmt *remove; /* the row with this key */
	sqlite3_stmt *plan;   /* its key into temp.b<table> */
	bool touched;	      /* by the batch at hand */
	uint64_t rows;	      /* planned and there, in this batch */
	struct beside beside;
};

/* By foreign key: rows outside the batch that refer to rows in it. */
struct batch {
	struct store *s;
	const struct item *items;
	size_t n;
	struct outcome *out;
	bool *todo; /* by item: there, as planned */
};

void ops_release(struct store *s)
{
	for (size_t i = 0; s->ops != NULL && i < s->graph.n_tables; i++) {
		sqlite3_finalize(s->ops[i].read);
		sqlite3_finalize(s->ops[i].remove);
		sqlite3_finalize(s->ops[i].plan);
		beside_release(&s->ops[i].beside);
	}
	free(s->ops);
	s->ops = NULL;
}

static void put_where(struct buf *b, const struct table *t)
{
	buf_puts(b, " WHERE ");
	for (size_t i = 0; i < t->n_keys; i++)
		buf_putf(b, "%s%s = ?%zu", i != 0 ? " AND " : "",
			 t->keys[i].sql, i + 1);
}

static int prepare_table(struct store *s, size_t table, struct err *e)
{
	struct ops *o = &s->ops[table];
	const struct table *t = &s->table[table];
	char *name = sql_quote(s->graph.tables[table].name);
	struct buf b;
	int rc = -1;

	if (name == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	buf_init(&b, 256 * 1024);
	buf_puts(&b, "SELECT ");
	for (size_t i = 0; i < t->n_columns; i++)
		buf_putf(&b, "%s%s", i != 0 ? "," : "", t->columns[i]);
	buf_putf(&b, " FROM main.%s", name);
	put_where(&b, t);
	if (sql_prepare(&o->read, s, s->rw, &b, e) != 0)
		goto out;
	buf_init(&b, 256 * 1024);
	buf_putf(&b, "DELETE FROM main.%s", name);
	put_where(&b, t);
	if (sql_prepare(&o->remove, s, s->rw, &b, e) != 0)
		goto out;
	buf_init(&b, 256 * 1024);
	buf_putf(&b, "INSERT INTO temp.b%zu(", table);
	select_names(&b, t, NULL);
	buf_puts(&b, ") VALUES(");
	for (size_t i = 0; i < t->n_keys; i++)
		buf_putf(&b, "%s?%zu", i != 0 ? "," : "", i + 1);
	buf_puts(&b, ")");
	rc = sql_prepare(&o->plan, s, s->rw, &b, e);
out:
	free(name);
	return rc;
}

/* Tables for the keys of a batch must exist before its transaction, which may
 * be rolled back. */
static int prepare_ops(struct store *s, struct err *e)
{
	if (s->ops != NULL)
		return 0;
	for (size_t i = 0; i < s->graph.n_tables; i++)
		if (s->table[i].n_keys != 0 &&
		    select_make(s, s->rw, "b", i, e) != 0)
			return -1;
	s->ops = calloc(s->graph.n_tables + 1, sizeof(*s->ops));
	return s->ops != NULL ? 0 : err_set(e, ERR_FAILED, "out of memory");
}

static int begin(struct store *s, struct err *e)
{
	if (sqlite3_exec(s->rw, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
	    SQLITE_OK)
		return sql_fail(s, s->rw, e, "locking the database");
	return store_same_schema(s, s->rw, e);
}

static int start_table(struct store *s, size_t table, struct err *e)
{
	struct ops *o = &s->ops[table];

	if (o->touched)
		return 0;
	if (o->read == NULL && prepare_table(s, table, e) != 0)
		return -1;
	o->touched = true;
	o->rows = 0;
	return sql_exec(s, s->rw, e, "DELETE FROM temp.b%llu",
			(unsigned long long)table);
}

static int step_once(struct store *s, sqlite3_stmt *stmt, const char *doing,
		     struct err *e)
{
	int step = sqlite3_step(stmt);
	if (step != SQLITE_DONE)
		sql_fail(s, s->rw, e, "%s", doing);
	sqlite3_reset(stmt);
	return step == SQLITE_DONE ? 0 : -1;
}

/* ---- is it what was planned? ------------------------------------------------
 */

/* Reads one planned row into the item's digest; *there: it exists. */
static int read_row(bool *there, struct store *s, const struct spec_reader *r,
		    const struct spec_row *row, struct err *e)
{
	struct ops *o = &s->ops[r->table];
	int rc = 0;

	*there = false;
	if (row_bind(s, o->read, row->key, r->n_keys, e) != 0)
		return -1;
	int step = sqlite3_step(o->read);
	if (step == SQLITE_ROW) {
		*there = true;
		rc = row_write(s, o->read, 0, s->table[r->table].n_columns,
			       NULL, e);
		sha_add(s->sha, s->row.data, s->row.len);
	} else if (step != SQLITE_DONE) {
		rc = sql_fail(s, s->rw, e, "reading planned rows");
	}
	sqlite3_reset(o->read);
	if (rc != 0 || !*there)
		return rc;
	o->rows++;
	if (row_bind(s, o->plan, row->key, r->n_keys, e) != 0)
		return -1;
	return step_once(s, o->plan, "noting planned rows", e);
}

/* Sets the item's outcome when it needs no deletion, or *todo. */
static int look(bool *todo, struct store *s, const struct item *item,
		struct outcome *out, struct err *e)
{
	struct spec_reader r;
	struct spec_row row;
	unsigned char digest[SHA_LEN];
	uint64_t there_rows = 0;
	int more;

	*todo = false;
	/* I3, here too: whoever asks, what a rule keeps is not touched */
	if (item->retention != 0) {
		out->code = OUTCOME_REFUSED;
		snprintf(out->why, sizeof(out->why),
			 "the item is retained by a rule of the closeout file");
		return 0;
	}
	if (spec_open(&r, s, item->spec, item->spec_len, e) != 0 ||
	    start_table(s, r.table, e) != 0)
		return -1;
	sha_start(s->sha);
	while ((more = spec_next(&r, &row, e)) == 1) {
		bool there;
		if (read_row(&there, s, &r, &row, e) != 0)
			return -1;
		there_rows += there ? 1 : 0;
	}
	if (more != 0)
		return -1;
	sha_add(s->sha, item->spec, item->spec_len);
	sha_end(s->sha, digest);
	if (there_rows == 0) {
		out->code = OUTCOME_GONE;
		return 0;
	}
	if (memcmp(digest, item->digest, SHA_LEN) == 0) {
		*todo = true;
		return 0;
	}
	out->code = OUTCOME_DRIFTED;
	if (there_rows != r.rows)
		snprintf(out->why, sizeof(out->why),
			 "%llu of %llu rows of %.60s are gone",
			 (unsigned long long)(r.rows - there_rows),
			 (unsigned long long)r.rows,
			 s->graph.tables[r.table].name);
	else
		snprintf(out->why, sizeof(out->why),
			 "rows of %.60s were changed since the plan",
			 s->graph.tables[r.table].name);
	return 0;
}

static int look_all(struct batch *b, struct err *e)
{
	uint64_t drifted = 0;
	const char *first = "";

	for (size_t i = 0; i < b->n; i++) {
		if (look(&b->todo[i], b->s, &b->items[i], &b->out[i], e) != 0)
			return -1;
		if (b->out[i].code != OUTCOME_DRIFTED)
			continue;
		if (drifted++ == 0)
			first = b->out[i].why;
	}
	if (drifted == 0)
		return 0;
	return err_set(e, ERR_DRIFT,
		       "%llu item(s) are not what was planned (%s): nothing of "
		       "this batch was destroyed; look at what changed and run "
		       "plan --delta",
		       (unsigned long long)drifted, first);
}

/* ---- does anything unplanned refer to it? ------------------------------- */

static int look_for_referrers(struct store *s, size_t fk, struct err *e)
{
	const struct graph_fk *f = &s->graph.fks[fk];
	const struct table *c = &s->table[f->child];
	sqlite3_stmt *stmt = NULL;
	struct buf b;
	int rc = -1;

	buf_init(&b, 256 * 1024);
	buf_puts(&b, "SELECT count(*)");
	select_down(&b, s, fk, "b");
	if (s->ops[f->child].touched) {
		buf_putf(&b,
			 " WHERE NOT EXISTS (SELECT 1 FROM temp.b%zu x "
			 "WHERE ",
			 f->child);
		select_match(&b, c, "x", "c");
		buf_puts(&b, ")");
	}
	if (sql_prepare(&stmt, s, s->rw, &b, e) != 0)
		goto out;
	if (sqlite3_step(stmt) != SQLITE_ROW) {
		sql_fail(s, s->rw, e,
			 "looking for rows that refer to the "
			 "batch");
		goto out;
	}
	long long n = sqlite3_column_int64(stmt, 0);
	if (n != 0) {
		err_set(e, ERR_DRIFT,
			"%lld row(s) of %s that are not in the plan refer to "
			"rows of %s that are (they would be orphaned, or taken "
			"by a cascade): nothing of this batch was destroyed; "
			"run plan --delta",
			n, s->graph.tables[f->child].name,
			s->graph.tables[f->parent].name);
		goto out;
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

static int look_around(struct store *s, struct err *e)
{
	for (size_t i = 0; i < s->graph.n_fks; i++) {
		const struct graph_fk *fk = &s->graph.fks[i];
		if (fk->n == 0 || !s->ops[fk->parent].touched ||
		    s->ops[fk->parent].rows == 0)
			continue;
		if (look_for_referrers(s, i, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- deletion ----------------------------------------------------------- */

static int remove_row(struct store *s, const struct spec_reader *r,
		      const struct spec_row *row, struct outcome *out,
		      struct err *e)
{
	struct ops *o = &s->ops[r->table];
	const char *name = s->graph.tables[r->table].name;

	if (row_bind(s, o->remove, row->key, r->n_keys, e) != 0)
		return -1;
	int step = sqlite3_step(o->remove);
	if (step == SQLITE_CONSTRAINT_TRIGGER ||
	    (step & 0xff) == SQLITE_CONSTRAINT) {
		out->code = OUTCOME_REFUSED;
		snprintf(out->why, sizeof(out->why), "%.60s: %.50s", name,
			 sqlite3_errmsg(s->rw));
		err_set(e, ERR_DENIED,
			"deleting from %s: the database's own rules refuse "
			"(%s): nothing of this batch was destroyed; change "
			"the trigger that forbids it and run the command again",
			name, sqlite3_errmsg(s->rw));
	} else if (step != SQLITE_DONE) {
		sql_fail(s, s->rw, e, "deleting from %s", name);
	}
	sqlite3_reset(o->remove);
	if (e->code != ERR_NONE)
		return -1;
	/* a trigger that is allowed to write may have come first */
	if (sqlite3_changes(s->rw) != 1 && !s->allow_triggers &&
	    !s->table[r->table].virtual_table)
		return err_set(e, ERR_DRIFT,
			       "deleting one row of %s removed %d: nothing of "
			       "this batch was destroyed",
			       name, sqlite3_changes(s->rw));
	return 0;
}

/* True when a deletion here changes nothing but the row itself. */
static bool only_itself(const struct store *s, size_t table)
{
	return !s->table[table].virtual_table && !s->table[table].has_triggers;
}

static int remove_item(struct store *s, const struct item *item,
		       struct outcome *out, struct err *e)
{
	struct spec_reader r;
	struct spec_row row;
	int more;
	sqlite3_int64 before = sqlite3_total_changes64(s->rw);

	if (spec_open(&r, s, item->spec, item->spec_len, e) != 0)
		return -1;
	while ((more = spec_next(&r, &row, e)) == 1)
		if (remove_row(s, &r, &row, out, e) != 0)
			return -1;
	if (more != 0)
		return -1;
	sqlite3_int64 changed = sqlite3_total_changes64(s->rw) - before;
	if (only_itself(s, r.table) && changed != (sqlite3_int64)r.rows)
		return err_set(e, ERR_DRIFT,
			       "deleting %llu rows of %s changed %lld: nothing "
			       "of this batch was destroyed",
			       (unsigned long long)r.rows,
			       s->graph.tables[r.table].name,
			       (long long)changed);
	return 0;
}

/* ---- bystanders --------------------------------------------------------- */

static int look_beside(struct store *s, bool again, struct err *e)
{
	for (size_t i = 0; i < s->graph.n_tables; i++) {
		struct ops *o = &s->ops[i];
		struct beside was = o->beside;
		if (!o->touched || o->rows == 0)
			continue;
		if (!again)
			beside_release(&o->beside);
		if (beside_look(&o->beside, s, i, again ? 0 : o->rows, again,
				e) != 0)
			return -1;
		if (!again)
			continue;
		bool same = memcmp(was.digest, o->beside.digest, SHA_LEN) == 0;
		/* a trigger that may write may have changed its own table */
		if (s->allow_triggers && s->table[i].trigger_writes)
			same = true;
		if (o->beside.rows == was.rows && same)
			continue;
		return err_set(e, ERR_DRIFT,
			       "rows of %s that are not in the batch changed "
			       "(%llu before, %llu after): everything was "
			       "rolled back; look for triggers",
			       s->graph.tables[i].name,
			       (unsigned long long)was.rows,
			       (unsigned long long)o->beside.rows);
	}
	return 0;
}

static void add_bystanders(struct bystanders *by, const struct store *s,
			   bool again)
{
	if (by == NULL)
		return;
	sha_start(s->sha);
	for (size_t i = 0; i < s->graph.n_tables; i++) {
		const struct ops *o = &s->ops[i];
		if (!o->touched || o->rows == 0)
			continue;
		if (again)
			by->rows_after += o->beside.rows;
		else
			by->rows_before += o->beside.rows;
		by->tables += again ? 0 : 1;
		by->sampled = by->sampled || o->beside.sampled;
		sha_add(s->sha, o->beside.digest, SHA_LEN);
	}
	sha_end(s->sha, by->digest);
}

/* ---- the batch ---------------------------------------------------------- */

static int remove_all(struct batch *b, struct bystanders *by, struct err *e)
{
	struct store *s = b->s;

	if (look_all(b, e) != 0 || look_around(s, e) != 0 ||
	    look_beside(s, false, e) != 0)
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (b->todo[i] &&
		    remove_item(s, &b->items[i], &b->out[i], e) != 0)
			return -1;
	add_bystanders(by, s, false);
	int rc = look_beside(s, true, e);
	add_bystanders(by, s, true);
	if (rc != 0 && e->code == ERR_DRIFT && by != NULL)
		by->lost = true;
	if (rc != 0)
		return -1;
	if (sqlite3_exec(s->rw, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return sql_fail(s, s->rw, e, "committing the batch");
	return 0;
}

int sqlite_destroy(void *handle, const struct item *items, size_t n,
		   struct outcome *out, struct bystanders *by, struct err *e)
{
	struct store *s = handle;
	struct batch b = {.s = s, .items = items, .n = n, .out = out};
	int rc = -1;

	if (store_still_there(s, e) != 0 || store_writer(s, e) != 0 ||
	    prepare_ops(s, e) != 0)
		return -1;
	b.todo = calloc(n + 1, sizeof(*b.todo));
	if (b.todo == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < s->graph.n_tables; i++)
		s->ops[i].touched = false;
	if (begin(s, e) != 0 || remove_all(&b, by, e) != 0)
		goto out;
	for (size_t i = 0; i < n; i++)
		if (b.todo[i])
			out[i].code = OUTCOME_DONE;
	rc = 0;
out:
	if (sqlite3_get_autocommit(s->rw) == 0)
		sqlite3_exec(s->rw, "ROLLBACK", NULL, NULL, NULL);
	free(b.todo);
	return rc;
}
