/*
 * graph.h: tables and the references between them, whatever the database.
 *
 * What a selection by foreign keys needs to know before any row is looked at:
 * which tables a row of the root table can be reached from, which tables are
 * left uncovered, and in which order rows may go.  No database is called
 * here; a provider fills the graph, solves it once and reads the answers.
 */
#ifndef QUIETUS_SQLITE_GRAPH_H
#define QUIETUS_SQLITE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/base/err.h"

struct graph_table {
	char *name;
	char **columns;
	size_t n_columns;
	/* set by the provider before graph_solve */
	bool root;     /* the root table */
	bool listed;   /* a `tables` entry selects from it */
	bool kept;     /* a retention rule speaks of it */
	bool excluded; /* left out with a reason: never followed into */
	/* answers */
	bool leads;	/* its rows can lead to a root row */
	bool reach;	/* its rows can be selected */
	uint32_t rank;	/* 1..: parents first; 0: not in reach */
	uint32_t group; /* non-zero: a cycle of references, one transaction */
};

/* child.from[i] refers to parent.to[i]. */
struct graph_fk {
	size_t child, parent;
	char **from, **to;
	size_t n;
};

/* Rows of `first` must go before rows of `second` although no foreign key
 * says so (a condition on first reads second). */
struct graph_order {
	size_t first, second;
};

struct graph {
	struct graph_table *tables;
	size_t n_tables;
	struct graph_fk *fks;
	size_t n_fks;
	struct graph_order *orders;
	size_t n_orders;
	bool fold;   /* names match in either case (ASCII) */
	bool follow; /* foreign keys are followed: there is a root */
	/* tables in reach, parents first */
	size_t *order;
	size_t n_order;
};

#define GRAPH_NONE ((size_t)-1)

void graph_init(struct graph *g, bool fold);
void graph_release(struct graph *g);

/* Adds a table (its index in *out), a column of the last table, a foreign key
 * (whose columns are added one by one), an order.  0, or -1 without memory. */
int graph_add_table(size_t *out, struct graph *g, const char *name,
		    struct err *e);
int graph_add_column(struct graph *g, size_t table, const char *name,
		     struct err *e);
int graph_add_fk(struct graph *g, size_t child, size_t parent, struct err *e);
int graph_add_fk_column(struct graph *g, size_t fk, const char *from,
			const char *to, struct err *e);
int graph_add_order(struct graph *g, size_t first, size_t second,
		    struct err *e);

/* Same name by the graph's rule. */
bool graph_same(const struct graph *g, const char *a, const char *b);
/* Index of the table, or GRAPH_NONE. */
size_t graph_find(const struct graph *g, const char *name);
bool graph_has_column(const struct graph_table *t, const struct graph *g,
		      const char *name);

/*
 * Fills leads, reach, rank, group and order.  Rank is the number of the
 * table's strongly connected component in an order in which everything that
 * is referred to comes first; it depends on the schema and the entries only,
 * never on rows, so it is the same from one enumeration to the next.
 */
int graph_solve(struct graph *g, struct err *e);

/*
 * True when t is in nobody's care although it has all columns of a foreign
 * key that leads to the root elsewhere (client_id; never a bare id): the index
 * of that key goes to *fk.
 */
bool graph_uncovered(const struct graph *g, size_t t, size_t *fk);

#endif
