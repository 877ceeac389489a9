/* sqlite_where.c: conditions that widen, write or escape are refused with file
 * and line; honest ones are not. */
#include "tests/unit/sqlite_world.h"

struct bad {
	const char *where, *words;
};

static const struct bad refused[] = {
	/* widening */
	{"client_ref = :client OR 1=1", "no client at all"},
	{"client_ref = :client OR client_ref = '77'", "no client at all"},
	{"client_ref IS NOT :client", "no client at all"},
	{"coalesce(:client, client_ref) = client_ref", "no client at all"},
	{"client_ref <> :client", "a client that cannot exist"},
	{"client_ref != :client", "a client that cannot exist"},
	{"NOT client_ref = :client", "a client that cannot exist"},
	{"rowid >= :client", "a client that cannot exist"},
	{"rowid <= :client", "a client that cannot exist"},
	{"length(:client) > 0", "a client that cannot exist"},
	/* no client */
	{"client_ref = '7'", "must use :client"},
	{"1", "must use :client"},
	{"client_ref = ?", "must use :client"},
	{"client_ref = :kunde", "must use :client"},
	{"client_ref = :client AND line = :other", "must use :client"},
	{"client_ref = ':client'", "must use :client"},
	/* more than one condition */
	{"client_ref = :client; DELETE FROM client", "semicolon"},
	{"client_ref = :client;", "semicolon"},
	{"client_ref = :client) OR (1=1", "closes that was not opened"},
	{"client_ref = :client) UNION SELECT 1 FROM client WHERE (id = 8",
	 "closes that was not opened"},
	{"client_ref = :client) --", "closes that was not opened"},
	{"client_ref = :client -- x", "comment"},
	{"client_ref = :client /* x", "comment"},
	{"/* x */ client_ref = :client", "comment"},
	{"(client_ref = :client", "not closed"},
	{"client_ref = :client AND line = 'x", "quote is not closed"},
	{"client_ref = :client AND \"line = 1", "quote is not closed"},
	/* nonsense */
	{"", "not a condition"},
	{"client_ref = :client AND", "not a condition"},
	{"nothing = :client", "not a condition"},
	/* "text" is a column here, never a string */
	{"client_ref = :client AND line = \"GET\"", "not a condition"},
	{"SELECT 1", "must use :client"},
	{"DELETE FROM client", "not a condition"},
	/* functions that do more than compare */
	{"client_ref = :client AND load_extension('x')", "load_extension"},
	{"client_ref = :client AND random() > 0", "random"},
	{"client_ref = :client AND changes() = 0", "changes"},
	{"client_ref = :client AND fts3_tokenizer('x') IS NULL",
	 "fts3_tokenizer"},
	{NULL, NULL}};

static void conditions_that_widen_or_escape_are_refused(void)
{
	for (const struct bad *b = refused; b->where != NULL; b++) {
		struct world w;
		world_init(&w, WORLD_SHOP);
		world_root(&w, "client", "id");
		world_table(&w, "web_log", b->where);
		int rc = world_open(&w);
		if (rc != -1 || w.e.code != ERR_USAGE ||
		    strstr(w.e.msg, "closeout.conf:7: ") == NULL ||
		    strstr(w.e.msg, b->words) == NULL) {
			printf("# %s -> %d %s\n", b->where, rc, w.e.msg);
			CU_FAIL("not refused as it should be");
		}
		CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM client"),
				3);
		world_release(&w);
	}
}

static void the_same_holds_for_retention(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	world_keep(&w, "invoice", "client_id = :client OR 1=1", false);
	CU_ASSERT_EQUAL(world_open(&w), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "no client at all"));
	world_release(&w);
}

static void honest_conditions_are_accepted(void)
{
	static const char *const good[] = {
		"client_ref = :client",
		"(client_ref = :client)",
		"client_ref=:client AND line LIKE 'GET /acme%'",
		"client_ref = :client AND line <> 'a;b' AND line <> '--'",
		"client_ref = :client AND line <> '('",
		"client_ref = :client AND line <> 'it''s'",
		"client_ref IN (SELECT CAST(id AS TEXT) FROM client WHERE "
		"id = :client)",
		"\"client_ref\" = :client",
		"[client_ref] = :client",
		"web_log.client_ref = :client",
		"client_ref = :client\n",
		"lower(client_ref) = lower(:client)",
		"EXISTS (SELECT 1 FROM client WHERE client.id = "
		"web_log.client_ref AND client.id = :client)",
		NULL};

	for (const char *const *g = good; *g != NULL; g++) {
		struct world w;
		world_init(&w, WORLD_SHOP);
		world_table(&w, "web_log", *g);
		if (world_open(&w) != 0) {
			printf("# %s -> %s\n", *g, w.e.msg);
			CU_FAIL("refused");
		} else {
			CU_ASSERT_EQUAL(world_enumerate(&w), 0);
			CU_ASSERT_EQUAL(world_rows(&w, 0), 2);
		}
		world_release(&w);
	}
}

static void values_that_look_like_sql_are_values(void)
{
	static const char *const clients[] = {"7' OR '1'='1",
					      "7; DROP TABLE client",
					      "7 OR 1=1",
					      "'; DELETE FROM web_log; --",
					      "%",
					      "_",
					      "77",
					      NULL};

	for (const char *const *c = clients; *c != NULL; c++) {
		struct world w;
		world_init(&w, WORLD_SHOP);
		world_root(&w, "client", "id");
		world_table(&w, "web_log", "client_ref = :client");
		w.scope.client = *c;
		CU_ASSERT_EQUAL(world_open(&w), 0);
		CU_ASSERT_EQUAL(world_enumerate(&w), 0);
		/* 77 is another client, the rest are nobody */
		CU_ASSERT_EQUAL(world_rows(&w, 0),
				strcmp(*c, "77") == 0 ? 6 : 0);
		CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM client"),
				3);
		world_release(&w);
	}
}

static void where_or_whole_but_not_both_nor_neither(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_table(&w, "web_log", NULL);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows(&w, 0), 4);
	source_close(&w.source);
	w.tables[0].n_members = 1;
	CU_ASSERT_EQUAL(world_open(&w), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "a condition is missing"));
	w.table[0][2] = string_of("where", "client_ref = :client");
	w.tables[0].n_members = 3;
	CU_ASSERT_EQUAL(world_open(&w), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "exclude each other"));
	world_release(&w);
}

static void client_is_compared_in_the_columns_type(void)
{
	struct world w;
	world_init(&w, "CREATE TABLE a(c INTEGER, t TEXT);"
		       "INSERT INTO a VALUES(7,'int'),(77,'int'),('7x','text');"
		       "CREATE TABLE b(c TEXT);"
		       "INSERT INTO b VALUES('7'),('07'),('7 '),('77');");
	world_table(&w, "a", "c = :client");
	world_table(&w, "b", "c = :client");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "a"), 1);
	CU_ASSERT_EQUAL(world_rows_of(&w, "b"), 1);
	world_release(&w);
}

static void shadow_and_index_tables_cannot_be_selected(void)
{
	static const char *const names[] = {"f_content", "e", NULL};
	static const char *const words[] = {"part of a full-text table",
					    "only indexes message", NULL};

	for (size_t i = 0; names[i] != NULL; i++) {
		struct world w;
		world_init(&w, WORLD_SHOP
			   "CREATE VIRTUAL TABLE f USING fts5(body);"
			   "CREATE VIRTUAL TABLE e USING fts5(body, "
			   " content='message', content_rowid='id');");
		world_table(&w, names[i], "rowid = :client");
		CU_ASSERT_EQUAL(world_open(&w), -1);
		CU_ASSERT_EQUAL(w.e.code, ERR_USAGE);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, words[i]));
		world_release(&w);
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(conditions_that_widen_or_escape_are_refused),
		UNIT(the_same_holds_for_retention),
		UNIT(honest_conditions_are_accepted),
		UNIT(values_that_look_like_sql_are_values),
		UNIT(where_or_whole_but_not_both_nor_neither),
		UNIT(client_is_compared_in_the_columns_type),
		UNIT(shadow_and_index_tables_cannot_be_selected),
		{NULL, NULL}};
	return unit_run("sqlite_where", tests);
}
