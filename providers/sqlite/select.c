/*
 * select.c: which rows are the client's.
 *
 * temp.s<i> gets the keys of table i's rows: first the root row and what the
 * conditions select, then, parents before children, every row that refers to
 * one of them.  Inside a cycle of references only the rows found in the last
 * round (temp.f<i>) are followed, so long chains cost their length and not its
 * square.  rules.c then looks at what was found.
 */
#include "providers/sqlite/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX (256 * 1024)

/* ---- fragments ------------------------------------------------------------
 */

void select_names(struct buf *b, const struct table *t, const char *alias)
{
	for (size_t i = 0; i < t->n_keys; i++)
		buf_putf(b, "%s%s%sk%zu", i != 0 ? "," : "",
			 alias != NULL ? alias : "", alias != NULL ? "." : "",
			 i + 1);
}

void select_keys(struct buf *b, const struct table *t, const char *alias)
{
	for (size_t i = 0; i < t->n_keys; i++)
		buf_putf(b, "%s%s.%s", i != 0 ? "," : "", alias,
			 t->keys[i].sql);
}

void select_match(struct buf *b, const struct table *t, const char *temp,
		  const char *alias)
{
	for (size_t i = 0; i < t->n_keys; i++)
		buf_putf(b, "%s%s.k%zu = %s.%s", i != 0 ? " AND " : "", temp,
			 i + 1, alias, t->keys[i].sql);
}

static void put_name(struct buf *b, const char *name)
{
	char *q = sql_quote(name);
	if (q == NULL)
		b->failed = true;
	else
		buf_puts(b, q);
	free(q);
}

static void put_table(struct buf *b, const struct store *s, size_t i,
		      const char *alias)
{
	buf_puts(b, " main.");
	put_name(b, s->graph.tables[i].name);
	buf_putf(b, " %s", alias);
}

/* p."to" = c."from" AND ...: the parent's column is on the left, because its
 * collation and affinity are the ones a foreign key compares by. */
static void put_reference(struct buf *b, const struct graph_fk *fk)
{
	for (size_t i = 0; i < fk->n; i++) {
		buf_puts(b, i != 0 ? " AND p." : "p.");
		put_name(b, fk->to[i]);
		buf_puts(b, " = c.");
		put_name(b, fk->from[i]);
	}
}

/* The same against the temporary table of the parent's keys. */
static void put_key_reference(struct buf *b, const struct store *s, size_t at,
			      const char *temp)
{
	const struct graph_fk *fk = &s->graph.fks[at];

	for (size_t i = 0; i < fk->n; i++) {
		buf_putf(b, "%s%s.k%zu = c.", i != 0 ? " AND " : "", temp,
			 s->link[at].key_position[i] + 1);
		put_name(b, fk->from[i]);
	}
}

/* CROSS JOIN keeps the order written here: through the child's index where
 * there is one, else one pass over the child. */
void select_down(struct buf *b, const struct store *s, size_t at,
		 const char *prefix)
{
	const struct graph_fk *fk = &s->graph.fks[at];
	const struct table *p = &s->table[fk->parent];
	bool indexed = s->link[at].indexed;

	buf_puts(b, " FROM");
	if (!indexed)
		put_table(b, s, fk->child, "c CROSS JOIN");
	if (s->link[at].on_key) {
		buf_putf(b, " temp.%s%zu s", prefix, fk->parent);
		if (indexed) {
			buf_puts(b, " CROSS JOIN");
			put_table(b, s, fk->child, "c");
		}
		buf_puts(b, " ON ");
		put_key_reference(b, s, at, "s");
		return;
	}
	if (!indexed) {
		put_table(b, s, fk->parent, "p ON ");
		put_reference(b, fk);
		buf_putf(b, " CROSS JOIN temp.%s%zu s ON ", prefix, fk->parent);
		select_match(b, p, "s", "p");
		return;
	}
	buf_putf(b, " temp.%s%zu s CROSS JOIN", prefix, fk->parent);
	put_table(b, s, fk->parent, "p ON ");
	select_match(b, p, "s", "p");
	buf_puts(b, " CROSS JOIN");
	put_table(b, s, fk->child, "c ON ");
	put_reference(b, fk);
}

void select_up(struct buf *b, const struct store *s, size_t at,
	       const char *prefix)
{
	const struct graph_fk *fk = &s->graph.fks[at];

	buf_putf(b, " FROM temp.%s%zu s CROSS JOIN", prefix, fk->child);
	put_table(b, s, fk->child, "c ON ");
	select_match(b, &s->table[fk->child], "s", "c");
	buf_puts(b, " CROSS JOIN");
	put_table(b, s, fk->parent, "p ON ");
	put_reference(b, fk);
}

/* ---- findings ---------------------------------------------------------------
 */

int select_finding(struct store *s, struct err *e, const char *kind,
		   uint64_t count, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct finding *more =
		realloc(s->findings, (s->n_findings + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	s->findings = more;
	more[s->n_findings].kind = kind;
	more[s->n_findings].count = count;
	more[s->n_findings].text = strdup(text);
	if (more[s->n_findings].text == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	s->n_findings++;
	return 0;
}

void select_forget(struct store *s)
{
	for (size_t i = 0; i < s->n_findings; i++)
		free(s->findings[i].text);
	free(s->findings);
	s->findings = NULL;
	s->n_findings = 0;
	s->scoped = false;
}

/* ---- temporary tables --------------------------------------------------- */

int select_make(struct store *s, sqlite3 *db, const char *prefix, size_t i,
		struct err *e)
{
	const struct table *t = &s->table[i];
	struct buf b;

	buf_init(&b, SQL_MAX);
	buf_putf(&b, "CREATE TEMP TABLE %s%zu(", prefix, i);
	if (t->key == KEY_COLUMNS) {
		for (size_t k = 0; k < t->n_keys; k++)
			buf_putf(&b, "k%zu %s NOT NULL COLLATE %s, ", k + 1,
				 t->keys[k].affinity, t->keys[k].collation);
		buf_puts(&b, "ret INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(");
		select_names(&b, t, NULL);
		buf_puts(&b, ")) WITHOUT ROWID");
	} else {
		buf_puts(&b, "k1 INTEGER PRIMARY KEY, "
			     "ret INTEGER NOT NULL DEFAULT 0)");
	}
	if (sql_exec(s, db, e, "DROP TABLE IF EXISTS temp.%s%llu", prefix,
		     (unsigned long long)i) != 0) {
		buf_release(&b);
		return -1;
	}
	return sql_run(s, db, &b, NULL, e);
}

/* INSERT OR IGNORE INTO temp.<into><i>(k1,..) SELECT keys; what follows is
 * appended by the caller. */
static void start_insert(struct buf *b, const struct store *s, size_t i,
			 const char *into, const char *alias)
{
	buf_init(b, SQL_MAX);
	buf_putf(b, "INSERT OR IGNORE INTO temp.%s%zu(", into, i);
	select_names(b, &s->table[i], NULL);
	buf_puts(b, ") SELECT ");
	select_keys(b, &s->table[i], alias);
}

/* ---- seeds -------------------------------------------------------------- */

static int seed_root(struct store *s, struct err *e)
{
	const struct graph *g = &s->graph;
	struct buf b;
	int64_t n = 0;

	start_insert(&b, s, s->root, "s", "c");
	buf_puts(&b, " FROM");
	put_table(&b, s, s->root, "c WHERE c.");
	buf_putf(&b, "%s = :client", s->root_column);
	if (sql_run(s, s->ro, &b, &n, e) != 0)
		return -1;
	s->root_rows = (uint64_t)n;
	if (n != 0)
		return 0;
	/* The root row is gone (destroyed by us, or never there): rows that
	 * still name it are the client's all the same. */
	for (size_t i = 0; i < g->n_fks; i++) {
		const struct graph_fk *fk = &g->fks[i];
		char *to = fk->n == 1 ? sql_quote(fk->to[0]) : NULL;
		bool names_it = fk->parent == s->root && fk->n == 1 &&
				fk->child != s->root &&
				g->tables[fk->child].reach && to != NULL &&
				graph_same(g, to, s->root_column);
		free(to);
		if (!names_it)
			continue;
		start_insert(&b, s, fk->child, "s", "c");
		buf_puts(&b, " FROM");
		put_table(&b, s, fk->child, "c WHERE c.");
		put_name(&b, fk->from[0]);
		buf_puts(&b, " = :client");
		if (sql_run(s, s->ro, &b, NULL, e) != 0)
			return -1;
	}
	return 0;
}

static int seed_entries(struct store *s, struct err *e)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		struct entry *entry = &s->entries[i];
		const char *condition =
			entry->condition != NULL ? entry->condition : "1";
		struct buf b;
		int64_t there = 0;

		if (sql_number(&there, s, s->ro, e,
			       "SELECT 1 FROM main.\"%w\" WHERE (%s\n) LIMIT 1",
			       s->graph.tables[entry->table].name,
			       condition) != 0)
			return -1;
		entry->applied = there != 0;
		/* no alias: the condition may name the table */
		buf_init(&b, SQL_MAX);
		buf_putf(&b, "INSERT OR IGNORE INTO temp.s%zu(", entry->table);
		select_names(&b, &s->table[entry->table], NULL);
		buf_puts(&b, ") SELECT ");
		for (size_t k = 0; k < s->table[entry->table].n_keys; k++)
			buf_putf(&b, "%s%s", k != 0 ? "," : "",
				 s->table[entry->table].keys[k].sql);
		buf_puts(&b, " FROM main.");
		put_name(&b, s->graph.tables[entry->table].name);
		buf_putf(&b, " WHERE (%s\n)", condition);
		if (sql_run(s, s->ro, &b, NULL, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- closure ------------------------------------------------------------ */

/* Rows of another client's root are never taken: rules.c reports them. */
static bool followed(const struct store *s, size_t fk)
{
	const struct graph_fk *f = &s->graph.fks[fk];

	return f->n != 0 && f->child != s->root &&
	       s->graph.tables[f->child].reach &&
	       s->graph.tables[f->parent].reach;
}

static void put_pull(struct buf *b, struct store *s, size_t fk,
		     const char *from, const char *into)
{
	size_t child = s->graph.fks[fk].child;

	start_insert(b, s, child, into, "c");
	select_down(b, s, fk, from);
	buf_putf(b, " WHERE NOT EXISTS (SELECT 1 FROM temp.s%zu x WHERE ",
		 child);
	select_match(b, &s->table[child], "x", "c");
	buf_puts(b, ")");
}

/* Statements of one round in a cycle. */
struct round {
	size_t *fks;
	sqlite3_stmt **pull;
	size_t n_fks;
	const size_t *members;
	size_t n_members;
	int64_t *fresh; /* rows in temp.f, by table */
};

static int advance(struct store *s, size_t t, int64_t *fresh, struct err *e)
{
	struct buf b, names;
	int rc;

	buf_init(&names, 4096);
	select_names(&names, &s->table[t], NULL);
	buf_init(&b, SQL_MAX);
	buf_putf(&b,
		 "INSERT OR IGNORE INTO temp.s%zu(%s) SELECT %s FROM "
		 "temp.n%zu",
		 t, buf_str(&names), buf_str(&names), t);
	rc = sql_run(s, s->ro, &b, fresh, e);
	if (rc == 0)
		rc = sql_exec(s, s->ro, e,
			      "DELETE FROM temp.f%llu;"
			      "INSERT INTO temp.f%llu SELECT * FROM temp.n%llu;"
			      "DELETE FROM temp.n%llu",
			      (unsigned long long)t, (unsigned long long)t,
			      (unsigned long long)t, (unsigned long long)t);
	buf_release(&names);
	return rc;
}

static int run_rounds(struct store *s, struct round *r, struct err *e)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < r->n_fks; i++) {
			if (r->fresh[s->graph.fks[r->fks[i]].parent] == 0)
				continue;
			if (sqlite3_step(r->pull[i]) != SQLITE_DONE)
				return sql_fail(s, s->ro, e,
						"following references");
			sqlite3_reset(r->pull[i]);
		}
		for (size_t i = 0; i < r->n_members; i++) {
			size_t t = r->members[i];
			if (advance(s, t, &r->fresh[t], e) != 0)
				return -1;
			more = more || r->fresh[t] != 0;
		}
	}
	return 0;
}

/* Follows the references inside one cycle to their end. */
static int close_cycle(struct store *s, const size_t *members, size_t n,
		       struct err *e)
{
	const struct graph *g = &s->graph;
	uint32_t rank = g->tables[members[0]].rank;
	struct round r = {.members = members, .n_members = n};
	int rc = -1;
	struct buf b;

	r.fks = calloc(g->n_fks + 1, sizeof(*r.fks));
	r.pull = calloc(g->n_fks + 1, sizeof(*r.pull));
	r.fresh = calloc(g->n_tables + 1, sizeof(*r.fresh));
	if (r.fks == NULL || r.pull == NULL || r.fresh == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		size_t t = members[i];
		if (select_make(s, s->ro, "f", t, e) != 0 ||
		    select_make(s, s->ro, "n", t, e) != 0 ||
		    sql_exec(s, s->ro, e,
			     "INSERT INTO temp.f%llu SELECT * FROM temp.s%llu",
			     (unsigned long long)t, (unsigned long long)t) != 0)
			goto out;
		r.fresh[t] = 1;
	}
	for (size_t i = 0; i < g->n_fks; i++) {
		if (!followed(s, i) ||
		    g->tables[g->fks[i].child].rank != rank ||
		    g->tables[g->fks[i].parent].rank != rank)
			continue;
		put_pull(&b, s, i, "f", "n");
		r.fks[r.n_fks] = i;
		if (sql_prepare(&r.pull[r.n_fks++], s, s->ro, &b, e) != 0)
			goto out;
	}
	rc = run_rounds(s, &r, e);
out:
	for (size_t i = 0; i < r.n_fks; i++)
		sqlite3_finalize(r.pull[i]);
	free(r.fks);
	free(r.pull);
	free(r.fresh);
	return rc;
}

static int close_scope(struct store *s, struct err *e)
{
	const struct graph *g = &s->graph;

	for (size_t i = 0; i < g->n_order;) {
		uint32_t rank = g->tables[g->order[i]].rank;
		size_t end = i;
		while (end < g->n_order &&
		       g->tables[g->order[end]].rank == rank)
			end++;
		for (size_t f = 0; f < g->n_fks; f++) {
			struct buf b;
			if (!followed(s, f) ||
			    g->tables[g->fks[f].child].rank != rank ||
			    g->tables[g->fks[f].parent].rank == rank)
				continue;
			put_pull(&b, s, f, "s", "s");
			if (sql_run(s, s->ro, &b, NULL, e) != 0)
				return -1;
		}
		if (g->tables[g->order[i]].group != 0 &&
		    close_cycle(s, g->order + i, end - i, e) != 0)
			return -1;
		i = end;
	}
	return 0;
}

int select_scope(struct store *s, struct err *e)
{
	int64_t now;

	if (sql_number(&now, s, s->ro, e, "PRAGMA main.data_version") != 0)
		return -1;
	if (s->scoped && s->scoped_at == now)
		return 0;
	select_forget(s);
	for (size_t i = 0; i < s->graph.n_order; i++)
		if (select_make(s, s->ro, "s", s->graph.order[i], e) != 0)
			return -1;
	if (s->root != GRAPH_NONE && seed_root(s, e) != 0)
		return -1;
	if (seed_entries(s, e) != 0)
		return -1;
	if (s->graph.follow && close_scope(s, e) != 0)
		return -1;
	if (rules_apply(s, e) != 0)
		return -1;
	s->scoped = true;
	s->scoped_at = now;
	return 0;
}
