/* sqlite_items.c: what an item is, and that it stays what it is. */
#include "tests/unit/sqlite_world.h"

static void fill(struct world *w, const char *kind, int n)
{
	char sql[700];
	snprintf(sql, sizeof(sql),
		 "CREATE TABLE client(id INTEGER PRIMARY KEY);"
		 "INSERT INTO client VALUES(7),(8);"
		 "CREATE TABLE big(%s, client_id INTEGER REFERENCES client, "
		 " body TEXT);"
		 "CREATE INDEX big_client ON big(client_id);"
		 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
		 " n WHERE i < %d) INSERT INTO big SELECT %s i, "
		 " 7 + (i %% 10 = 0), 'body of row ' || i FROM n;",
		 kind, n,
		 strstr(kind, "TEXT") != NULL ? "printf('key-%08d', i)," : "");
	world_init(w, "");
	if (strstr(kind, "extra") != NULL) {
		char *at = strstr(sql, "SELECT  i");
		if (at != NULL)
			memcpy(at, "SELECT i ", 9);
	}
	world_sql(w, sql);
	world_root(w, "client", "id");
}

static void items_keep_their_names_when_others_are_destroyed(void)
{
	static const char *const kinds[] = {"id INTEGER PRIMARY KEY",
					    "extra INTEGER", NULL};

	for (const char *const *k = kinds; *k != NULL; k++) {
		struct world w, again;
		struct item two[2];
		struct outcome out[2];
		fill(&w, *k, 20000);
		CU_ASSERT_EQUAL(world_open(&w), 0);
		CU_ASSERT_EQUAL(world_enumerate(&w), 0);
		CU_ASSERT_TRUE(w.n_items > 20);
		CU_ASSERT_EQUAL(world_rows(&w, 0), 18001);
		two[0] = w.items[w.n_items - 1].item;
		two[1] = w.items[w.n_items / 2].item;
		CU_ASSERT_EQUAL(
			source_destroy(&w.source, two, 2, out, NULL, &w.e), 0);
		again = w;
		again.items = NULL;
		again.n_items = 0;
		CU_ASSERT_EQUAL(world_enumerate(&again), 0);
		CU_ASSERT_EQUAL(again.n_items, w.n_items - 2);
		/* every one of those left is as it was */
		size_t same = 0;
		for (size_t i = 0, j = 0; i < w.n_items && j < again.n_items;
		     i++) {
			if (i == w.n_items - 1 || i == w.n_items / 2)
				continue;
			same += world_by_id(&w.items[i], &again.items[j]) ==
					0 &&
				memcmp(w.items[i].item.digest,
				       again.items[j].item.digest,
				       SHA_LEN) == 0;
			j++;
		}
		CU_ASSERT_EQUAL(same, again.n_items);
		world_drop_items(&again);
		world_release(&w);
	}
}

static void new_and_changed_rows_show_in_items(void)
{
	struct world w, again;
	fill(&w, "id INTEGER PRIMARY KEY", 5000);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	again = w;
	again.items = NULL;
	again.n_items = 0;
	CU_ASSERT_EQUAL(world_enumerate(&again), 0);
	CU_ASSERT_EQUAL(again.n_items, w.n_items);
	CU_ASSERT_EQUAL(memcmp(again.items[3].item.digest,
			       w.items[3].item.digest, SHA_LEN),
			0);
	world_sql(&w, "UPDATE big SET body = body || '!' WHERE id = 1");
	CU_ASSERT_EQUAL(world_enumerate(&again), 0);
	size_t differ = 0;
	for (size_t i = 0; i < w.n_items && i < again.n_items; i++)
		differ += memcmp(again.items[i].item.digest,
				 w.items[i].item.digest, SHA_LEN) != 0;
	CU_ASSERT_EQUAL(differ, 1);
	world_sql(&w, "INSERT INTO big VALUES(1000000, 7, 'new')");
	CU_ASSERT_EQUAL(world_enumerate(&again), 0);
	CU_ASSERT_EQUAL(world_rows(&again, 0), world_rows(&w, 0) + 1);
	world_drop_items(&again);
	world_release(&w);
}

static void types_of_values_count_in_digests(void)
{
	static const char *const values[] = {"1",    "'1'", "x'31'", "1.0",
					     "NULL", "''",  "x''",   NULL};
	unsigned char seen[8][SHA_LEN];
	size_t n = 0;

	for (const char *const *v = values; *v != NULL; v++) {
		struct world w;
		char sql[300];
		snprintf(sql, sizeof(sql),
			 "CREATE TABLE t(id INTEGER PRIMARY KEY, c TEXT, v "
			 "BLOB); INSERT INTO t VALUES(1,'7',%s)",
			 *v);
		world_init(&w, sql);
		world_table(&w, "t", "c = :client");
		CU_ASSERT_EQUAL(world_open(&w), 0);
		CU_ASSERT_EQUAL(world_enumerate(&w), 0);
		CU_ASSERT_EQUAL(w.n_items, 1);
		memcpy(seen[n], w.items[0].item.digest, SHA_LEN);
		for (size_t i = 0; i < n; i++)
			CU_ASSERT_NOT_EQUAL(memcmp(seen[i], seen[n], SHA_LEN),
					    0);
		n++;
		world_release(&w);
	}
}

static void generated_columns_and_views_are_no_trouble(void)
{
	struct world w;
	world_init(
		&w, WORLD_SHOP
		"CREATE TABLE price(id INTEGER PRIMARY KEY, client_id "
		" INTEGER REFERENCES client, net REAL, gross REAL GENERATED "
		" ALWAYS AS (net * 1.2) STORED, twice REAL AS (net * 2));"
		"INSERT INTO price(id, client_id, net) VALUES(1,7,1),(2,8,2);"
		"CREATE VIEW prices AS SELECT * FROM price;");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "price"), 1);
	size_t codes[8];
	struct bystanders by;
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM prices"), 1);
	world_release(&w);
}

static void rows_that_name_a_root_that_is_gone_are_still_found(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_sql(&w, "DELETE FROM client WHERE id = 7");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "employee"), 2);
	CU_ASSERT_EQUAL(world_rows_of(&w, "message"), 3);
	world_release(&w);
}

static void row_that_comes_or_goes_changes_its_own_item_only(void)
{
	static const char *const changes[] = {
		"DELETE FROM big WHERE id = 3",
		"INSERT INTO big VALUES(-4, 7, 'new at the front')", NULL};

	for (const char *const *c = changes; *c != NULL; c++) {
		struct world w, again;
		fill(&w, "id INTEGER PRIMARY KEY", 20000);
		CU_ASSERT_EQUAL(world_open(&w), 0);
		CU_ASSERT_EQUAL(world_enumerate(&w), 0);
		again = w;
		again.items = NULL;
		again.n_items = 0;
		world_sql(&w, *c);
		CU_ASSERT_EQUAL(world_enumerate(&again), 0);
		size_t same = 0;
		for (size_t i = 0; i < w.n_items; i++)
			for (size_t j = 0; j < again.n_items; j++)
				same += memcmp(w.items[i].item.digest,
					       again.items[j].item.digest,
					       SHA_LEN) == 0;
		CU_ASSERT_EQUAL(same, w.n_items - 1);
		world_drop_items(&again);
		world_release(&w);
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(items_keep_their_names_when_others_are_destroyed),
		UNIT(new_and_changed_rows_show_in_items),
		UNIT(types_of_values_count_in_digests),
		UNIT(generated_columns_and_views_are_no_trouble),
		UNIT(rows_that_name_a_root_that_is_gone_are_still_found),
		UNIT(row_that_comes_or_goes_changes_its_own_item_only),
		{NULL, NULL}};
	return unit_run("sqlite_items", tests);
}
