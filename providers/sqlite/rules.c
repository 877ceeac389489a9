/*
 * rules.c: what becomes of the rows found, and what stands in the way.
 *
 * Retention marks rows in temp.s<i>.ret (I3); everything else here only
 * counts.  A row that also leads to another root row is found by climbing from
 * the scope to the rows outside it (temp.v<i>), and coming down again from the
 * other root rows among those (temp.o<i>).
 */
#include "providers/sqlite/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX (256 * 1024)

static const char *name_of(const struct store *s, size_t table)
{
	return s->graph.tables[table].name;
}

/* The columns of a foreign key for a message. */
static void columns_of(char out[200], const struct graph_fk *fk)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < fk->n && len < 199; i++) {
		int n = snprintf(out + len, 200 - len, "%s%s",
				 i != 0 ? ", " : "", fk->from[i]);
		if (n < 0)
			return;
		len += (size_t)n;
	}
}

static int count(int64_t *out, struct store *s, struct buf *b, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -1;

	if (sql_prepare(&stmt, s, s->ro, b, e) != 0)
		goto out;
	if (sqlite3_step(stmt) != SQLITE_ROW) {
		sql_fail(s, s->ro, e, "counting");
		goto out;
	}
	*out = sqlite3_column_int64(stmt, 0);
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

/* ---- retention --------------------------------------------------------------
 */

static int keep_rows(struct store *s, size_t rule, struct err *e)
{
	const struct entry *r = &s->rules[rule];
	const struct table *t = &s->table[r->table];
	const struct graph_table *g = &s->graph.tables[r->table];
	const char *condition = r->condition != NULL ? r->condition : "1";
	bool selected = g->listed || (s->graph.follow && g->leads);
	char *name = sql_quote(g->name);
	struct buf b;
	int rc;

	if (name == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	buf_init(&b, SQL_MAX);
	if (selected) {
		buf_putf(&b,
			 "UPDATE temp.s%zu SET ret = %zu WHERE ret = 0 "
			 "AND (",
			 r->table, rule + 1);
		select_names(&b, t, NULL);
		buf_puts(&b, ") IN (SELECT ");
	} else {
		/* nothing else selects from this table: its rows are in the
		 * plan because they are retained */
		buf_putf(&b, "INSERT OR IGNORE INTO temp.s%zu(", r->table);
		select_names(&b, t, NULL);
		buf_puts(&b, ", ret) SELECT ");
	}
	for (size_t k = 0; k < t->n_keys; k++)
		buf_putf(&b, "%s%s", k != 0 ? "," : "", t->keys[k].sql);
	if (!selected)
		buf_putf(&b, ", %zu", rule + 1);
	buf_putf(&b, " FROM main.%s WHERE (%s\n)%s", name, condition,
		 selected ? ")" : "");
	rc = sql_run(s, s->ro, &b, NULL, e);
	free(name);
	return rc;
}

/* Keeps the rows in scope that a kept row refers to, to the top. */
static int keep_parents(struct store *s, size_t rule, struct err *e)
{
	const struct graph *g = &s->graph;
	int64_t changed = 1;

	while (changed != 0) {
		changed = 0;
		for (size_t i = 0; i < g->n_fks; i++) {
			const struct graph_fk *fk = &g->fks[i];
			const struct table *p = &s->table[fk->parent];
			int64_t n = 0;
			struct buf b;
			if (fk->n == 0 || !g->tables[fk->child].reach ||
			    !g->tables[fk->parent].reach)
				continue;
			buf_init(&b, SQL_MAX);
			buf_putf(&b,
				 "UPDATE temp.s%zu SET ret = %zu WHERE "
				 "ret = 0 AND (",
				 fk->parent, rule + 1);
			select_names(&b, p, NULL);
			buf_puts(&b, ") IN (SELECT ");
			select_keys(&b, p, "p");
			select_up(&b, s, i, "s");
			buf_putf(&b, " WHERE s.ret = %zu)", rule + 1);
			if (sql_run(s, s->ro, &b, &n, e) != 0)
				return -1;
			changed += n;
		}
	}
	return 0;
}

/* A kept row must not lose what it refers to. */
static int kept_conflicts(struct store *s, struct err *e)
{
	const struct graph *g = &s->graph;

	for (size_t i = 0; i < g->n_fks; i++) {
		const struct graph_fk *fk = &g->fks[i];
		char columns[200];
		int64_t n = 0;
		struct buf b;
		if (fk->n == 0 || !g->tables[fk->child].reach ||
		    !g->tables[fk->parent].reach)
			continue;
		buf_init(&b, SQL_MAX);
		buf_puts(&b, "SELECT count(*)");
		select_up(&b, s, i, "s");
		buf_putf(&b, " CROSS JOIN temp.s%zu x ON ", fk->parent);
		select_match(&b, &s->table[fk->parent], "x", "p");
		buf_puts(&b, " WHERE s.ret <> 0 AND x.ret = 0");
		if (count(&n, s, &b, e) != 0)
			return -1;
		columns_of(columns, fk);
		if (n != 0 &&
		    select_finding(s, e, "conflict", (uint64_t)n,
				   "%lld retained row(s) of %s refer to rows "
				   "of %s that would be destroyed (%s): write "
				   "parents = \"retain\", or retain less",
				   (long long)n, name_of(s, fk->child),
				   name_of(s, fk->parent), columns) != 0)
			return -1;
	}
	return 0;
}

/* What a rule keeps must not depend on rows that are about to go: after the
 * destruction nobody could tell any more why a row was kept. */
static int kept_by_others(struct store *s, struct err *e)
{
	for (size_t i = 0; i < s->n_rules; i++)
		for (size_t r = 0; r < s->rules[i].n_reads; r++) {
			size_t t = s->rules[i].reads[r];
			int64_t n = 0;
			if (!s->graph.tables[t].reach)
				continue;
			if (sql_number(&n, s, s->ro, e,
				       "SELECT count(*) FROM temp.s%llu "
				       "WHERE ret = 0",
				       (unsigned long long)t) != 0)
				return -1;
			if (n != 0 &&
			    select_finding(
				    s, e, "conflict", (uint64_t)n,
				    "the condition that retains rows of %s "
				    "reads %s, whose rows would be destroyed: "
				    "name columns of %s only",
				    name_of(s, s->rules[i].table),
				    name_of(s, t),
				    name_of(s, s->rules[i].table)) != 0)
				return -1;
		}
	return 0;
}

static int retain(struct store *s, struct err *e)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (keep_rows(s, i, e) != 0)
			return -1;
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].parents && keep_parents(s, i, e) != 0)
			return -1;
	if (s->n_rules == 0)
		return 0;
	return kept_conflicts(s, e) != 0 ? -1 : kept_by_others(s, e);
}

/* ---- rows outside that refer to rows inside ----------------------------- */

static const char *why_outside(const struct store *s, size_t child)
{
	if (s->graph.tables[child].excluded)
		return "the table is excluded: select it, or clear those "
		       "references first";
	if (child == s->root)
		return "they are other rows of the root table (other clients), "
		       "which are never taken";
	return "nothing selects them: select them with tables";
}

static int outside_conflicts(struct store *s, struct err *e)
{
	const struct graph *g = &s->graph;

	for (size_t i = 0; i < g->n_fks; i++) {
		const struct graph_fk *fk = &g->fks[i];
		const struct graph_table *child = &g->tables[fk->child];
		int64_t n = 0;
		struct buf b;
		bool followed =
			g->follow && child->reach && fk->child != s->root;
		if (fk->n == 0 || !g->tables[fk->parent].reach || followed)
			continue;
		buf_init(&b, SQL_MAX);
		buf_puts(&b, "SELECT count(*)");
		select_down(&b, s, i, "s");
		buf_puts(&b, " WHERE s.ret = 0");
		if (child->reach) {
			buf_putf(&b,
				 " AND NOT EXISTS (SELECT 1 FROM temp.s%zu x "
				 "WHERE ",
				 fk->child);
			select_match(&b, &s->table[fk->child], "x", "c");
			buf_puts(&b, ")");
		}
		if (count(&n, s, &b, e) != 0)
			return -1;
		if (n != 0 &&
		    select_finding(s, e, "conflict", (uint64_t)n,
				   "%lld row(s) of %s refer to rows of %s that "
				   "would be destroyed; %s",
				   (long long)n, child->name,
				   name_of(s, fk->parent),
				   why_outside(s, fk->child)) != 0)
			return -1;
	}
	return 0;
}

/* ---- rows that also lead to another root row ---------------------------- */

/* References that can lead from the scope to another client.  The client's own
 * root row may name its parent company: that is not sharing. */
static bool may_lead(const struct store *s, size_t fk)
{
	const struct graph_fk *f = &s->graph.fks[fk];

	return f->n != 0 && f->child != s->root &&
	       s->graph.tables[f->parent].leads &&
	       s->table[f->child].n_keys != 0 &&
	       s->table[f->parent].n_keys != 0;
}

/* With a single way up, every row came by it: its parent is in the scope. */
static bool only_way(const struct store *s, size_t fk)
{
	const struct graph *g = &s->graph;
	size_t child = g->fks[fk].child;

	if (g->tables[child].listed)
		return false;
	for (size_t i = 0; i < g->n_fks; i++)
		if (i != fk && g->fks[i].child == child && may_lead(s, i))
			return false;
	return true;
}

/* Parent rows outside the scope that rows in temp.<from><child> refer to. */
static int climb(int64_t *n, struct store *s, size_t fk, const char *from,
		 struct err *e)
{
	size_t parent = s->graph.fks[fk].parent;
	const struct table *p = &s->table[parent];
	struct buf b;

	buf_init(&b, SQL_MAX);
	buf_putf(&b, "INSERT OR IGNORE INTO temp.v%zu(", parent);
	select_names(&b, p, NULL);
	buf_puts(&b, ") SELECT ");
	select_keys(&b, p, "p");
	select_up(&b, s, fk, from);
	if (s->graph.tables[parent].reach) {
		buf_putf(&b,
			 " WHERE NOT EXISTS (SELECT 1 FROM temp.s%zu x "
			 "WHERE ",
			 parent);
		select_match(&b, p, "x", "p");
		buf_puts(&b, ")");
	}
	return sql_run(s, s->ro, &b, n, e);
}

/* Rows of temp.v<child> that refer to rows in temp.o<parent>. */
static int descend(int64_t *n, struct store *s, size_t fk, struct err *e)
{
	size_t child = s->graph.fks[fk].child;
	const struct table *c = &s->table[child];
	struct buf b;

	buf_init(&b, SQL_MAX);
	buf_putf(&b, "INSERT OR IGNORE INTO temp.o%zu(", child);
	select_names(&b, c, NULL);
	buf_puts(&b, ") SELECT ");
	select_keys(&b, c, "c");
	select_up(&b, s, fk, "v");
	buf_putf(&b, " CROSS JOIN temp.o%zu y ON ", s->graph.fks[fk].parent);
	select_match(&b, &s->table[s->graph.fks[fk].parent], "y", "p");
	return sql_run(s, s->ro, &b, n, e);
}

/* Fills temp.v; *others gets how many other root rows were reached. */
static int climb_all(int64_t *others, struct store *s, struct err *e)
{
	const struct graph *g = &s->graph;
	int64_t n, changed = 0;

	for (size_t i = 0; i < g->n_tables; i++)
		if (g->tables[i].leads && s->table[i].n_keys != 0 &&
		    (select_make(s, s->ro, "v", i, e) != 0 ||
		     select_make(s, s->ro, "o", i, e) != 0))
			return -1;
	for (size_t i = 0; i < g->n_fks; i++) {
		if (!may_lead(s, i) || !g->tables[g->fks[i].child].reach ||
		    only_way(s, i))
			continue;
		if (climb(&n, s, i, "s", e) != 0)
			return -1;
		changed += n;
	}
	while (changed != 0) {
		changed = 0;
		for (size_t i = 0; i < g->n_fks; i++) {
			if (!may_lead(s, i) ||
			    !g->tables[g->fks[i].child].leads)
				continue;
			if (climb(&n, s, i, "v", e) != 0)
				return -1;
			changed += n;
		}
	}
	return sql_number(others, s, s->ro, e,
			  "SELECT count(*) FROM temp.v%llu",
			  (unsigned long long)s->root);
}

static int descend_all(struct store *s, struct err *e)
{
	const struct graph *g = &s->graph;
	int64_t n, changed = 1;
	unsigned long long root = s->root;

	if (sql_exec(s, s->ro, e,
		     "INSERT INTO temp.o%llu SELECT * FROM temp.v%llu", root,
		     root) != 0)
		return -1;
	while (changed != 0) {
		changed = 0;
		for (size_t i = 0; i < g->n_fks; i++) {
			if (!may_lead(s, i) ||
			    !g->tables[g->fks[i].child].leads)
				continue;
			if (descend(&n, s, i, e) != 0)
				return -1;
			changed += n;
		}
	}
	return 0;
}

static int shared_rows(struct store *s, struct err *e)
{
	const struct graph *g = &s->graph;
	int64_t others = 0;

	if (s->root == GRAPH_NONE || s->shared_destroy)
		return 0;
	if (climb_all(&others, s, e) != 0)
		return -1;
	if (others == 0)
		return 0;
	if (descend_all(s, e) != 0)
		return -1;
	for (size_t i = 0; i < g->n_fks; i++) {
		const struct graph_fk *fk = &g->fks[i];
		char columns[200];
		int64_t n = 0;
		struct buf b;
		if (!may_lead(s, i) || !g->tables[fk->child].reach)
			continue;
		buf_init(&b, SQL_MAX);
		buf_puts(&b, "SELECT count(*)");
		select_up(&b, s, i, "s");
		buf_putf(&b, " CROSS JOIN temp.o%zu y ON ", fk->parent);
		select_match(&b, &s->table[fk->parent], "y", "p");
		buf_puts(&b, " WHERE s.ret = 0");
		if (count(&n, s, &b, e) != 0)
			return -1;
		columns_of(columns, fk);
		if (n != 0 &&
		    select_finding(s, e, "shared", (uint64_t)n,
				   "%lld row(s) of %s also lead to another "
				   "client, through %s: decide whose they are; "
				   "shared = \"destroy\" destroys them",
				   (long long)n, name_of(s, fk->child),
				   columns) != 0)
			return -1;
	}
	return 0;
}

/* ---- entries that select nothing ---------------------------------------- */

static int empty_entries(struct store *s, struct err *e)
{
	if (s->scope->may_be_empty)
		return 0;
	if (s->root != GRAPH_NONE && s->root_rows == 0 &&
	    select_finding(s, e, "selects-nothing", 1,
			   "root: no row of %s has %s = the client \"%s\"",
			   name_of(s, s->root), s->root_column,
			   s->scope->client) != 0)
		return -1;
	for (size_t i = 0; i < s->n_entries; i++)
		if (!s->entries[i].applied &&
		    select_finding(s, e, "selects-nothing", 1,
				   "tables: the entry of %s selects no row: "
				   "correct it, or say may_be_empty = true",
				   name_of(s, s->entries[i].table)) != 0)
			return -1;
	return 0;
}

int rules_apply(struct store *s, struct err *e)
{
	if (retain(s, e) != 0 || empty_entries(s, e) != 0 ||
	    outside_conflicts(s, e) != 0)
		return -1;
	return shared_rows(s, e);
}
