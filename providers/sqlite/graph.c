#include "providers/sqlite/graph.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void graph_init(struct graph *g, bool fold)
{
	memset(g, 0, sizeof(*g));
	g->fold = fold;
}

static void free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

void graph_release(struct graph *g)
{
	for (size_t i = 0; i < g->n_tables; i++) {
		free(g->tables[i].name);
		free_names(g->tables[i].columns, g->tables[i].n_columns);
	}
	for (size_t i = 0; i < g->n_fks; i++) {
		free_names(g->fks[i].from, g->fks[i].n);
		free_names(g->fks[i].to, g->fks[i].n);
	}
	free(g->tables);
	free(g->fks);
	free(g->orders);
	free(g->order);
	memset(g, 0, sizeof(*g));
}

/* One more zeroed element at the end of an array, or NULL. */
static void *grow(void *array, size_t n, size_t size, struct err *e)
{
	char *more = realloc(array, (n + 1) * size);
	if (more == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		return NULL;
	}
	memset(more + n * size, 0, size);
	return more;
}

static int add_name(char ***names, size_t n, const char *name, struct err *e)
{
	char **more = grow(*names, n, sizeof(*more), e);
	if (more == NULL)
		return -1;
	*names = more;
	more[n] = strdup(name);
	return more[n] != NULL ? 0 : err_set(e, ERR_FAILED, "out of memory");
}

int graph_add_table(size_t *out, struct graph *g, const char *name,
		    struct err *e)
{
	struct graph_table *more =
		grow(g->tables, g->n_tables, sizeof(*more), e);
	if (more == NULL)
		return -1;
	g->tables = more;
	*out = g->n_tables++;
	more[*out].name = strdup(name);
	return more[*out].name != NULL
		       ? 0
		       : err_set(e, ERR_FAILED, "out of memory");
}

int graph_add_column(struct graph *g, size_t table, const char *name,
		     struct err *e)
{
	struct graph_table *t = &g->tables[table];
	if (add_name(&t->columns, t->n_columns, name, e) != 0)
		return -1;
	t->n_columns++;
	return 0;
}

int graph_add_fk(struct graph *g, size_t child, size_t parent, struct err *e)
{
	struct graph_fk *more = grow(g->fks, g->n_fks, sizeof(*more), e);
	if (more == NULL)
		return -1;
	g->fks = more;
	more[g->n_fks].child = child;
	more[g->n_fks++].parent = parent;
	return 0;
}

int graph_add_fk_column(struct graph *g, size_t fk, const char *from,
			const char *to, struct err *e)
{
	struct graph_fk *k = &g->fks[fk];
	if (add_name(&k->from, k->n, from, e) != 0)
		return -1;
	if (add_name(&k->to, k->n, to, e) != 0) {
		free(k->from[k->n]);
		return -1;
	}
	k->n++;
	return 0;
}

int graph_add_order(struct graph *g, size_t first, size_t second, struct err *e)
{
	struct graph_order *more =
		grow(g->orders, g->n_orders, sizeof(*more), e);
	if (more == NULL)
		return -1;
	g->orders = more;
	more[g->n_orders].first = first;
	more[g->n_orders++].second = second;
	return 0;
}

bool graph_same(const struct graph *g, const char *a, const char *b)
{
	return (g->fold ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

size_t graph_find(const struct graph *g, const char *name)
{
	for (size_t i = 0; i < g->n_tables; i++)
		if (graph_same(g, g->tables[i].name, name))
			return i;
	return GRAPH_NONE;
}

bool graph_has_column(const struct graph_table *t, const struct graph *g,
		      const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (graph_same(g, t->columns[i], name))
			return true;
	return false;
}

/* Spreads a mark from parents to children along the foreign keys until
 * nothing changes.  Only reach stops at excluded tables: a row may well lead
 * to another client through one. */
static void spread(struct graph *g, bool reach)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < g->n_fks; i++) {
			struct graph_table *p = &g->tables[g->fks[i].parent];
			struct graph_table *c = &g->tables[g->fks[i].child];
			bool *from = reach ? &p->reach : &p->leads;
			bool *to = reach ? &c->reach : &c->leads;
			if (!*from || *to || (reach && c->excluded))
				continue;
			*to = true;
			changed = true;
		}
	}
}

/* ---- strongly connected components (Tarjan) ----------------------------- */

struct walk {
	struct graph *g;
	size_t *index, *low, *stack;
	bool *on_stack;
	size_t next, depth;
	uint32_t rank;
};

/* The i-th edge of the graph, foreign keys first: from child to parent. */
static bool edge(const struct graph *g, size_t i, size_t *from, size_t *to)
{
	if (i < g->n_fks) {
		*from = g->fks[i].child;
		*to = g->fks[i].parent;
	} else if (i < g->n_fks + g->n_orders) {
		*from = g->orders[i - g->n_fks].first;
		*to = g->orders[i - g->n_fks].second;
	} else {
		return false;
	}
	return true;
}

static void close_component(struct walk *w, size_t v)
{
	struct graph *g = w->g;
	size_t members = 0, m, from, to;
	bool self = false;

	for (size_t i = 0; edge(g, i, &from, &to); i++)
		self = self || (from == v && to == v);
	w->rank++;
	do {
		m = w->stack[--w->depth];
		w->on_stack[m] = false;
		g->tables[m].rank = w->rank;
		g->order[g->n_order++] = m;
		members++;
	} while (m != v);
	if (members == 1 && !self)
		return;
	for (size_t i = g->n_order - members; i < g->n_order; i++)
		g->tables[g->order[i]].group = w->rank;
}

/* Visits v; components close in an order in which a parent's comes before its
 * children's.  Recursion is as deep as the longest chain of tables. */
static void visit(struct walk *w, size_t v)
{
	struct graph *g = w->g;
	size_t from, to;

	w->index[v] = w->low[v] = ++w->next;
	w->stack[w->depth++] = v;
	w->on_stack[v] = true;
	for (size_t i = 0; edge(g, i, &from, &to); i++) {
		if (from != v || !g->tables[to].reach)
			continue;
		if (w->index[to] == 0) {
			visit(w, to);
			if (w->low[to] < w->low[v])
				w->low[v] = w->low[to];
		} else if (w->on_stack[to] && w->index[to] < w->low[v]) {
			w->low[v] = w->index[to];
		}
	}
	if (w->low[v] == w->index[v])
		close_component(w, v);
}

int graph_solve(struct graph *g, struct err *e)
{
	size_t n = g->n_tables + 1;
	int rc = -1;
	struct walk w = {.g = g};

	for (size_t i = 0; i < g->n_tables; i++) {
		struct graph_table *t = &g->tables[i];
		t->leads = t->root;
		t->reach = t->root || t->listed;
		t->rank = t->group = 0;
	}
	spread(g, false);
	if (g->follow)
		spread(g, true);
	for (size_t i = 0; i < g->n_tables; i++)
		if (g->tables[i].kept)
			g->tables[i].reach = true;

	free(g->order);
	g->n_order = 0;
	g->order = calloc(n, sizeof(*g->order));
	w.index = calloc(n, sizeof(*w.index));
	w.low = calloc(n, sizeof(*w.low));
	w.stack = calloc(n, sizeof(*w.stack));
	w.on_stack = calloc(n, sizeof(*w.on_stack));
	if (g->order == NULL || w.index == NULL || w.low == NULL ||
	    w.stack == NULL || w.on_stack == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < g->n_tables; i++)
		if (g->tables[i].reach && w.index[i] == 0)
			visit(&w, i);
	if (w.rank > 9999) {
		err_set(e, ERR_REFUSED,
			"more than 9,999 tables would have to be destroyed");
		goto out;
	}
	rc = 0;
out:
	free(w.index);
	free(w.low);
	free(w.stack);
	free(w.on_stack);
	return rc;
}

static bool has_all(const struct graph *g, const struct graph_table *t,
		    const struct graph_fk *fk)
{
	if (fk->n == 1 && graph_same(g, fk->from[0], "id"))
		return false;
	for (size_t i = 0; i < fk->n; i++)
		if (!graph_has_column(t, g, fk->from[i]))
			return false;
	return fk->n != 0;
}

bool graph_uncovered(const struct graph *g, size_t t, size_t *fk)
{
	const struct graph_table *table = &g->tables[t];

	if (!g->follow || table->reach || table->excluded)
		return false;
	for (size_t i = 0; i < g->n_fks; i++) {
		if (!g->tables[g->fks[i].parent].leads ||
		    !has_all(g, table, &g->fks[i]))
			continue;
		*fk = i;
		return true;
	}
	return false;
}
