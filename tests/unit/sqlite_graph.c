/* sqlite_graph.c: reach, ranks, cycles and uncovered tables, without any
 * database. */
#include "providers/sqlite/graph.h"
#include "tests/unit/unit.h"

static struct err e = ERR_INIT;

static size_t table(struct graph *g, const char *name, const char *column)
{
	size_t at = GRAPH_NONE;
	CU_ASSERT_EQUAL(graph_add_table(&at, g, name, &e), 0);
	if (column != NULL)
		CU_ASSERT_EQUAL(graph_add_column(g, at, column, &e), 0);
	return at;
}

static void refer(struct graph *g, size_t child, size_t parent,
		  const char *from)
{
	CU_ASSERT_EQUAL(graph_add_fk(g, child, parent, &e), 0);
	CU_ASSERT_EQUAL(graph_add_fk_column(g, g->n_fks - 1, from, "id", &e),
			0);
}

static void parents_rank_below_their_children(void)
{
	struct graph g;
	graph_init(&g, true);
	/* children first in the list: order must come from references */
	size_t message = table(&g, "message", "chat_id");
	size_t chat = table(&g, "chat", "client_id");
	size_t client = table(&g, "client", "id");
	size_t product = table(&g, "product", "id");
	refer(&g, message, chat, "chat_id");
	refer(&g, chat, client, "client_id");
	refer(&g, message, product, "product_id");
	g.tables[client].root = true;
	g.follow = true;
	CU_ASSERT_EQUAL(graph_solve(&g, &e), 0);
	CU_ASSERT_TRUE(g.tables[client].rank < g.tables[chat].rank);
	CU_ASSERT_TRUE(g.tables[chat].rank < g.tables[message].rank);
	CU_ASSERT_TRUE(g.tables[message].reach);
	CU_ASSERT_FALSE(g.tables[product].reach);
	CU_ASSERT_EQUAL(g.tables[product].rank, 0);
	CU_ASSERT_EQUAL(g.n_order, 3);
	CU_ASSERT_EQUAL(g.order[0], client);
	CU_ASSERT_EQUAL(g.order[2], message);
	for (size_t i = 0; i < g.n_tables; i++)
		CU_ASSERT_EQUAL(g.tables[i].group, 0);
	graph_release(&g);
}

static void cycles_share_one_group(void)
{
	struct graph g;
	graph_init(&g, true);
	size_t client = table(&g, "client", "id");
	size_t a = table(&g, "a", "id"), b = table(&g, "b", "id"),
	       c = table(&g, "c", "id"), self = table(&g, "self", "id"),
	       leaf = table(&g, "leaf", "id");
	refer(&g, a, client, "client_id");
	refer(&g, a, b, "b");
	refer(&g, b, c, "c");
	refer(&g, c, a, "a");
	refer(&g, self, self, "up");
	refer(&g, self, a, "a");
	refer(&g, leaf, c, "c");
	g.tables[client].root = true;
	g.follow = true;
	CU_ASSERT_EQUAL(graph_solve(&g, &e), 0);
	CU_ASSERT_NOT_EQUAL(g.tables[a].group, 0);
	CU_ASSERT_EQUAL(g.tables[a].group, g.tables[b].group);
	CU_ASSERT_EQUAL(g.tables[a].group, g.tables[c].group);
	CU_ASSERT_EQUAL(g.tables[a].rank, g.tables[c].rank);
	CU_ASSERT_NOT_EQUAL(g.tables[self].group, 0);
	CU_ASSERT_NOT_EQUAL(g.tables[self].group, g.tables[a].group);
	CU_ASSERT_EQUAL(g.tables[leaf].group, 0);
	CU_ASSERT_EQUAL(g.tables[client].group, 0);
	CU_ASSERT_TRUE(g.tables[leaf].rank > g.tables[c].rank);
	graph_release(&g);
}

static void excluded_tables_end_the_reach_but_still_lead(void)
{
	struct graph g;
	graph_init(&g, true);
	size_t client = table(&g, "client", "id");
	size_t log = table(&g, "log", "client_id");
	size_t line = table(&g, "line", "log_id");
	refer(&g, log, client, "client_id");
	refer(&g, line, log, "log_id");
	g.tables[client].root = true;
	g.tables[log].excluded = true;
	g.follow = true;
	CU_ASSERT_EQUAL(graph_solve(&g, &e), 0);
	CU_ASSERT_FALSE(g.tables[log].reach);
	CU_ASSERT_FALSE(g.tables[line].reach);
	CU_ASSERT_TRUE(g.tables[log].leads);
	CU_ASSERT_TRUE(g.tables[line].leads);
	g.tables[log].excluded = false;
	CU_ASSERT_EQUAL(graph_solve(&g, &e), 0);
	CU_ASSERT_TRUE(g.tables[line].reach);
	graph_release(&g);
}

static void order_of_conditions_counts_like_a_reference(void)
{
	struct graph g;
	graph_init(&g, true);
	size_t a = table(&g, "a", "id"), b = table(&g, "b", "id");
	g.tables[a].listed = g.tables[b].listed = true;
	CU_ASSERT_EQUAL(graph_add_order(&g, a, b, &e), 0);
	CU_ASSERT_EQUAL(graph_solve(&g, &e), 0);
	CU_ASSERT_TRUE(g.tables[a].rank > g.tables[b].rank);
	/* both ways: they can only go together */
	CU_ASSERT_EQUAL(graph_add_order(&g, b, a, &e), 0);
	CU_ASSERT_EQUAL(graph_solve(&g, &e), 0);
	CU_ASSERT_NOT_EQUAL(g.tables[a].group, 0);
	CU_ASSERT_EQUAL(g.tables[a].group, g.tables[b].group);
	graph_release(&g);
}

static void uncovered_is_all_columns_and_never_a_bare_id(void)
{
	struct graph g;
	size_t fk = GRAPH_NONE;
	graph_init(&g, true);
	size_t client = table(&g, "client", "id");
	size_t chat = table(&g, "chat", "client_id");
	size_t twin = table(&g, "twin", "id");
	size_t visit = table(&g, "visit", "CLIENT_ID");
	size_t product = table(&g, "product", "id");
	size_t part = table(&g, "part", "x");
	size_t both = table(&g, "both", "x");
	graph_add_column(&g, both, "y", &e);
	refer(&g, chat, client, "client_id");
	refer(&g, twin, client, "id");
	refer(&g, chat, client, "x");
	graph_add_fk_column(&g, 2, "y", "other", &e);
	g.tables[client].root = true;
	g.follow = true;
	CU_ASSERT_EQUAL(graph_solve(&g, &e), 0);
	CU_ASSERT_TRUE(graph_uncovered(&g, visit, &fk));
	CU_ASSERT_EQUAL(fk, 0);
	CU_ASSERT_FALSE(graph_uncovered(&g, product, &fk));
	CU_ASSERT_FALSE(graph_uncovered(&g, part, &fk));
	CU_ASSERT_TRUE(graph_uncovered(&g, both, &fk));
	CU_ASSERT_EQUAL(fk, 2);
	CU_ASSERT_FALSE(graph_uncovered(&g, chat, &fk));
	g.tables[visit].excluded = true;
	CU_ASSERT_FALSE(graph_uncovered(&g, visit, &fk));
	g.follow = false;
	CU_ASSERT_FALSE(graph_uncovered(&g, both, &fk));
	graph_release(&g);
}

static void names_match_in_either_case_only_where_they_fold(void)
{
	struct graph g;
	graph_init(&g, true);
	CU_ASSERT_EQUAL(table(&g, "Client", NULL), 0);
	CU_ASSERT_EQUAL(graph_find(&g, "cLIENT"), 0);
	CU_ASSERT_EQUAL(graph_find(&g, "client2"), GRAPH_NONE);
	g.fold = false;
	CU_ASSERT_EQUAL(graph_find(&g, "cLIENT"), GRAPH_NONE);
	CU_ASSERT_EQUAL(graph_find(&g, "Client"), 0);
	graph_release(&g);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(parents_rank_below_their_children),
		UNIT(cycles_share_one_group),
		UNIT(excluded_tables_end_the_reach_but_still_lead),
		UNIT(order_of_conditions_counts_like_a_reference),
		UNIT(uncovered_is_all_columns_and_never_a_bare_id),
		UNIT(names_match_in_either_case_only_where_they_fold),
		{NULL, NULL}};
	return unit_run("sqlite_graph", tests);
}
