/* sqlite.c: what is selected, what blocks, and what an item is. */
#include "tests/unit/sqlite_world.h"

/* ---- opening ------------------------------------------------------------ */

static void missing_database_is_never_made(void)
{
	struct world w;
	world_init(&w, "CREATE TABLE client(id INTEGER PRIMARY KEY)");
	world_root(&w, "client", "id");
	w.top[0] = string_of("path", "nothing.db");
	CU_ASSERT_EQUAL(world_open(&w), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "closeout.conf:7"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "never made"));
	char name[96];
	snprintf(name, sizeof(name), "%s/nothing.db", w.dir);
	CU_ASSERT_FALSE(file_exists(name));
	world_release(&w);
}

static void file_that_is_no_database_is_named(void)
{
	struct world w;
	struct err e = ERR_INIT;
	char name[96], text[4096];
	world_init(&w, "CREATE TABLE client(id INTEGER PRIMARY KEY)");
	world_root(&w, "client", "id");
	w.top[0] = string_of("path", "text.db");
	snprintf(name, sizeof(name), "%s/text.db", w.dir);
	memset(text, 'x', sizeof(text));
	CU_ASSERT_EQUAL(file_write(name, text, sizeof(text), &e), 0);
	CU_ASSERT_EQUAL(world_open(&w), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_STORE);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "not an SQLite database"));
	unlink(name);
	/* the same settings on the real file open */
	w.top[0] = string_of("path", "app.db");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	world_release(&w);
}

static void directory_or_empty_file_is_refused(void)
{
	struct world w;
	char name[96];
	world_init(&w, "CREATE TABLE client(id INTEGER PRIMARY KEY)");
	world_root(&w, "client", "id");
	w.top[0] = string_of("path", ".");
	CU_ASSERT_EQUAL(world_open(&w), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "not a regular file"));
	w.top[0] = string_of("path", "empty.db");
	snprintf(name, sizeof(name), "%s/empty.db", w.dir);
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL(file_write(name, "", 0, &e), 0);
	CU_ASSERT_EQUAL(world_open(&w), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "empty"));
	unlink(name);
	world_release(&w);
}

static void client_stands_in_the_path(void)
{
	struct world w;
	char name[96];
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	snprintf(name, sizeof(name), "%s/7.db", w.dir);
	CU_ASSERT_EQUAL(link(w.path, name), 0);
	w.top[0] = string_of("path", "{client}.db");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	source_close(&w.source);
	w.scope.client = "../x";
	CU_ASSERT_EQUAL(world_open(&w), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_USAGE);
	unlink(name);
	world_release(&w);
}

struct refusal {
	const char *table, *column, *listed, *where, *excluded, *words;
};

static void settings_that_name_nothing_are_refused(void)
{
	static const struct refusal list[] = {
		{"nobody", "id", NULL, NULL, NULL, "no table nobody"},
		{"client", "nothing", NULL, NULL, NULL, "no column nothing"},
		{"clients", "id", NULL, NULL, NULL, "no table clients"},
		{"client", "id", "nobody", "a = :client", NULL,
		 "no table nobody"},
		{"client", "id", NULL, NULL, "nobody", "no table nobody"},
		{"client", "id", "web_log", "client_ref = :client", "web_log",
		 "both selected and excluded"},
		{"client", "id", NULL, NULL, "client",
		 "both selected and excluded"},
		{"client", "id", "client", "id = :client", NULL,
		 "is the root table"},
		{"v", "id", NULL, NULL, NULL, "no table v"},
		{NULL, NULL, NULL, NULL, NULL, "selects nothing"},
		{NULL, NULL, NULL, NULL, NULL, NULL}};

	for (const struct refusal *r = list; r->words != NULL; r++) {
		struct world w;
		world_init(&w,
			   WORLD_SHOP "CREATE VIEW v AS SELECT * FROM client;");
		if (r->table != NULL)
			world_root(&w, r->table, r->column);
		if (r->listed != NULL)
			world_table(&w, r->listed, r->where);
		if (r->excluded != NULL)
			world_exclude(&w, r->excluded);
		CU_ASSERT_EQUAL(world_open(&w), -1);
		CU_ASSERT_EQUAL(w.e.code, ERR_USAGE);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "closeout.conf:"));
		if (strstr(w.e.msg, r->words) == NULL) {
			printf("# %s\n", w.e.msg);
			CU_FAIL("another message");
		}
		world_release(&w);
	}
}

/* ---- root -----------------------------------------------------------------
 */

static void root_takes_every_row_that_refers_to_it(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "client"), 1);
	CU_ASSERT_EQUAL(world_rows_of(&w, "employee"), 2);
	CU_ASSERT_EQUAL(world_rows_of(&w, "chat"), 2);
	CU_ASSERT_EQUAL(world_rows_of(&w, "message"), 3);
	CU_ASSERT_EQUAL(world_rows_of(&w, "invoice"), 2);
	CU_ASSERT_EQUAL(world_rows_of(&w, "web_log"), 0);
	/* parents sort first, so that children are destroyed first */
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)w.items[0].id, " client "));
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)w.items[w.n_items - 1].id, "0"));
	world_release(&w);
}

static void names_in_any_case_and_of_any_shape_work(void)
{
	struct world w;
	world_init(&w,
		   "CREATE TABLE \"the \"\"client\"\"\"(\"Its Id\" TEXT "
		   " PRIMARY KEY NOT NULL COLLATE NOCASE);"
		   "CREATE TABLE \"order; DROP TABLE x\"(\"a,b\" INTEGER "
		   " PRIMARY KEY, \"select\" TEXT REFERENCES "
		   " \"THE \"\"CLIENT\"\"\"(\"ITS ID\"));"
		   "INSERT INTO \"the \"\"client\"\"\" VALUES('Seven'),('8');"
		   "INSERT INTO \"order; DROP TABLE x\" VALUES(1,'sEVEN'),"
		   " (2,'8'),(3,NULL);");
	world_root(&w, "The \"Client\"", "its id");
	w.scope.client = "seven";
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows(&w, 0), 2);
	size_t codes[8];
	struct bystanders by;
	CU_ASSERT_EQUAL(world_destroy(&w, 1, codes, &by), 0);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM \"order; DROP "
					 "TABLE x\" WHERE \"a,b\" IN (2,3)"),
			2);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM \"order; DROP "
					 "TABLE x\""),
			2);
	world_release(&w);
}

static void composite_unique_and_implicit_references_are_followed(void)
{
	struct world w;
	world_init(
		&w,
		"CREATE TABLE client(id INTEGER PRIMARY KEY, code TEXT UNIQUE);"
		/* composite parent key, WITHOUT ROWID, no columns named */
		"CREATE TABLE site(client_id INTEGER REFERENCES client, no "
		" INTEGER, PRIMARY KEY(client_id, no)) WITHOUT ROWID;"
		"CREATE TABLE room(id INTEGER PRIMARY KEY, c INTEGER, n "
		" INTEGER, FOREIGN KEY(c, n) REFERENCES site);"
		/* the columns in another order than the key's */
		"CREATE TABLE door(id INTEGER PRIMARY KEY, n INTEGER, c "
		" INTEGER, FOREIGN KEY(n, c) REFERENCES site(no, client_id));"
		/* a UNIQUE column that is not the key */
		"CREATE TABLE tag(label TEXT, code TEXT REFERENCES "
		" client(code));"
		"INSERT INTO client VALUES(7,'seven'),(8,'eight');"
		"INSERT INTO site VALUES(7,1),(7,2),(8,1);"
		"INSERT INTO room VALUES(1,7,1),(2,8,1),(3,7,NULL),(4,NULL,1);"
		"INSERT INTO door VALUES(1,1,7),(2,1,8),(3,2,7);"
		"INSERT INTO tag "
		"VALUES('a','seven'),('b','eight'),('c',NULL);");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "site"), 2);
	CU_ASSERT_EQUAL(world_rows_of(&w, "room"), 1);
	CU_ASSERT_EQUAL(world_rows_of(&w, "door"), 2);
	CU_ASSERT_EQUAL(world_rows_of(&w, "tag"), 1);
	size_t codes[8];
	struct bystanders by;
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM room"), 3);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM door"), 1);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM tag"), 2);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM site"), 1);
	world_release(&w);
}

static void chains_and_cycles_are_followed_to_their_end(void)
{
	struct world w;
	world_init(
		&w,
		"CREATE TABLE client(id INTEGER PRIMARY KEY);"
		"CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER "
		" REFERENCES node, client_id INTEGER REFERENCES client);"
		"CREATE INDEX node_up ON node(up);"
		"CREATE TABLE a(id INTEGER PRIMARY KEY, b INTEGER REFERENCES "
		" b, node INTEGER REFERENCES node);"
		"CREATE TABLE b(id INTEGER PRIMARY KEY, a INTEGER REFERENCES "
		" a);"
		"INSERT INTO client VALUES(7),(8);"
		"INSERT INTO node VALUES(1,NULL,7),(5000,NULL,8);"
		"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM "
		" n WHERE i < 3000) INSERT INTO node SELECT i, i - 1, NULL "
		" FROM n;"
		"INSERT INTO node VALUES(5001,5000,NULL);"
		"INSERT INTO a VALUES(1,NULL,3000),(2,1,NULL),(3,2,NULL),"
		" (9,NULL,5001);"
		"INSERT INTO b VALUES(1,1),(2,2),(3,3),(9,9);");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "node"), 3000);
	CU_ASSERT_EQUAL(world_rows_of(&w, "a"), 3);
	CU_ASSERT_EQUAL(world_rows_of(&w, "b"), 3);
	/* a and b are one transaction, node another */
	uint32_t group_a = 0, group_b = 1, group_node = 0, group_client = 9;
	for (size_t i = 0; i < w.n_items; i++) {
		const char *id = (const char *)w.items[i].id;
		if (strstr(id, " a ") != NULL)
			group_a = w.items[i].item.group;
		if (strstr(id, " b ") != NULL)
			group_b = w.items[i].item.group;
		if (strstr(id, " node ") != NULL)
			group_node = w.items[i].item.group;
		if (strstr(id, " client ") != NULL)
			group_client = w.items[i].item.group;
	}
	CU_ASSERT_NOT_EQUAL(group_a, 0);
	CU_ASSERT_EQUAL(group_a, group_b);
	CU_ASSERT_NOT_EQUAL(group_node, 0);
	CU_ASSERT_NOT_EQUAL(group_node, group_a);
	CU_ASSERT_EQUAL(group_client, 0);
	size_t codes[8];
	struct bystanders by;
	CU_ASSERT_EQUAL(world_destroy(&w, 1, codes, &by), 0);
	CU_ASSERT_EQUAL(codes[OUTCOME_DONE], w.n_items);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM node"), 2);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM a"), 1);
	world_release(&w);
}

static void another_root_row_is_a_conflict_and_never_taken(void)
{
	struct world w;
	world_init(
		&w,
		"CREATE TABLE client(id INTEGER PRIMARY KEY, parent INTEGER "
		" REFERENCES client, name TEXT);"
		"CREATE TABLE employee(id INTEGER PRIMARY KEY, client_id "
		" INTEGER REFERENCES client);"
		"INSERT INTO client VALUES(1,NULL,'holding'),(7,1,'leaving'),"
		" (9,7,'subsidiary');"
		"INSERT INTO employee VALUES(1,7),(2,9);");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "conflict"), 1);
	CU_ASSERT_TRUE(world_says(&w, "other rows of the root table"));
	CU_ASSERT_EQUAL(world_blockers(&w, "shared"), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows(&w, 0), 2);
	/* without the subsidiary the client may go; its own holding may stay */
	world_sql(&w, "UPDATE client SET parent = 1 WHERE id = 9");
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	world_release(&w);
}

static void shared_row_blocks_unless_destruction_is_said(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	/* a chat of client 8 that an employee of client 7 answered */
	world_sql(&w, "UPDATE chat SET employee_id = 1 WHERE id = 13");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "shared"), 1);
	CU_ASSERT_TRUE(world_says(&w, "1 row(s) of chat also lead"));
	source_close(&w.source);
	world_add(&w, string_of("shared", "destroy"));
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "chat"), 3);
	world_release(&w);
}

static void shared_is_found_through_rows_out_of_scope(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	/* chat of client 7, answered by an employee of 77: the employee is not
	 * in the scope, but leads to another client */
	world_sql(&w, "UPDATE chat SET employee_id = 3 WHERE id = 10");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "shared"), 1);
	/* one who belongs to nobody leads to nobody */
	world_sql(&w, "UPDATE employee SET client_id = NULL WHERE id = 3");
	CU_ASSERT_EQUAL(world_blockers(&w, "shared"), 0);
	world_release(&w);
}

/* ---- tables -----------------------------------------------------------------
 */

static void tables_add_what_no_reference_reaches(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	world_table(&w, "web_log", "client_ref = :client");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "web_log"), 2);
	CU_ASSERT_EQUAL(world_rows(&w, 0), 12);
	world_release(&w);
}

static void uncovered_table_blocks_until_selected_or_excluded(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP
		   "CREATE TABLE visit(Client_ID INTEGER, page TEXT);"
		   "CREATE TABLE product(id INTEGER PRIMARY KEY, name TEXT);");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	/* product has only a bare id: not uncovered */
	CU_ASSERT_EQUAL(world_blockers(&w, "uncovered-table"), 1);
	CU_ASSERT_TRUE(world_says(&w, "table visit has client_id"));
	source_close(&w.source);
	world_exclude(&w, "VISIT");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	source_close(&w.source);
	w.all.n_members--;
	world_sql(&w, "INSERT INTO visit VALUES(7,'p')");
	world_table(&w, "visit", "client_id = :client");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	world_release(&w);
}

static void what_selects_nothing_blocks(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	world_table(&w, "web_log", "client_ref = :client");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	world_sql(&w, "UPDATE web_log SET client_ref = 'x'");
	CU_ASSERT_EQUAL(world_blockers(&w, "selects-nothing"), 1);
	CU_ASSERT_TRUE(world_says(&w, "web_log"));
	source_close(&w.source);
	w.scope.client = "9";
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "selects-nothing"), 2);
	source_close(&w.source);
	w.scope.may_be_empty = true;
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	world_release(&w);
}

static void excluded_table_that_refers_to_the_scope_is_a_conflict(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	world_exclude(&w, "message");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "conflict"), 1);
	CU_ASSERT_TRUE(world_says(&w, "3 row(s) of message refer"));
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "message"), 0);
	world_sql(&w, "DELETE FROM message WHERE body LIKE '%acme%'");
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	world_release(&w);
}

static void without_root_nothing_is_followed(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_table(&w, "chat", "client_id = :client");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "conflict"), 1);
	CU_ASSERT_TRUE(world_says(&w, "select them with tables"));
	source_close(&w.source);
	world_table(&w, "message",
		    "chat_id IN (SELECT id FROM chat WHERE client_id = "
		    ":client)");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows(&w, 0), 5);
	world_release(&w);
}

static void condition_that_reads_another_table_goes_before_it(void)
{
	struct world w;
	world_init(&w,
		   "CREATE TABLE zone(id INTEGER PRIMARY KEY, c TEXT);"
		   "CREATE TABLE area(id INTEGER PRIMARY KEY, zone INTEGER);"
		   "INSERT INTO zone VALUES(1,'7'),(2,'8');"
		   "INSERT INTO area VALUES(1,1),(2,2);");
	world_table(&w, "zone", "c = :client");
	world_table(&w, "area",
		    "zone IN (SELECT id FROM zone WHERE c = :client)");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(w.n_items, 2);
	/* descending: area first, although nothing refers */
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)w.items[0].id, " zone "));
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)w.items[1].id, " area "));
	world_release(&w);
}

/* ---- retention ---------------------------------------------------------- */

static void retained_rows_are_items_of_their_rule(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	world_keep(&w, "invoice", "client_id = :client", true);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	/* two invoices and the client they refer to */
	CU_ASSERT_EQUAL(world_rows(&w, 1), 3);
	CU_ASSERT_EQUAL(world_rows(&w, 0), 7);
	size_t codes[8];
	struct bystanders by;
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM invoice"), 4);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM client"), 3);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM message"), 2);
	world_release(&w);
}

static void retained_row_without_its_parents_is_a_conflict(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	world_keep(&w, "message", "id = 100 AND :client = '7'", false);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "conflict"), 1);
	CU_ASSERT_TRUE(world_says(&w, "parents = \"retain\""));
	source_close(&w.source);
	w.scope.n_retention = 0;
	world_keep(&w, "message", "id = 100 AND :client = '7'", true);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	/* message 100, its chat, that chat's employee, the client */
	CU_ASSERT_EQUAL(world_rows(&w, 1), 4);
	world_release(&w);
}

static void retention_never_reaches_other_clients_rows(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	world_keep(&w, "invoice", NULL, true);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows_of(&w, "invoice"), 2);
	CU_ASSERT_EQUAL(world_rows(&w, 1), 3);
	world_release(&w);
}

static void retention_must_not_depend_on_rows_that_go(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	world_keep(&w, "invoice",
		   "client_id IN (SELECT client_id FROM employee WHERE "
		   "client_id = :client)",
		   true);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "conflict"), 1);
	CU_ASSERT_TRUE(world_says(&w, "reads employee"));
	world_release(&w);
}

/* ---- schema that cannot be handled -------------------------------------- */

struct odd {
	const char *sql, *kind, *words;
};

static int compare(void *arg, int n, const void *a, int m, const void *b)
{
	(void)arg;
	return n != m ? n - m : memcmp(a, b, (size_t)n);
}

static void unknown_parts_of_the_schema_block(void)
{
	static const struct odd list[] = {
		{"CREATE TABLE x(a TEXT COLLATE ours);", "unknown-collation",
		 "\"ours\""},
		{"CREATE TABLE x(a TEXT); CREATE INDEX xi ON x(a COLLATE "
		 "ours);",
		 "unknown-collation", "sorts by"},
		{"CREATE VIRTUAL TABLE f USING fts5(a, content='');",
		 "contentless-full-text", "keeps no content"},
		{"CREATE VIRTUAL TABLE f USING fts4(a, content=\"\");",
		 "contentless-full-text", "keeps no content"},
		{"CREATE VIRTUAL TABLE f USING fts5(a);", "uncovered-table",
		 "full-text table f"},
		{"CREATE TRIGGER t AFTER DELETE ON message BEGIN INSERT INTO "
		 "web_log VALUES('x','y',old.body); END;",
		 "trigger", "writes to web_log"},
		{"CREATE TRIGGER t BEFORE DELETE ON chat BEGIN DELETE FROM "
		 "message WHERE chat_id = old.id; END;",
		 "trigger", "writes to message"},
		{"PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES("
		 "'table','odd','odd',0,'CREATE VIRTUAL TABLE odd USING "
		 "ours(a)');",
		 "unknown-module", "no such module"},
		{"PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES("
		 "'table','odd','odd',0,'CREATE VIRTUAL TABLE odd USING "
		 "fts5(a, tokenize=''ours'')');",
		 "unknown-tokenizer", "no such tokenizer"},
		{NULL, NULL, NULL}};

	for (const struct odd *o = list; o->sql != NULL; o++) {
		struct world w;
		world_init(&w, WORLD_SHOP);
		sqlite3_create_collation(w.db, "ours", SQLITE_UTF8, NULL,
					 compare);
		world_root(&w, "client", "id");
		/* without it, nothing blocks */
		CU_ASSERT_EQUAL(world_open(&w), 0);
		CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
		source_close(&w.source);
		world_sql(&w, o->sql);
		CU_ASSERT_EQUAL(world_open(&w), 0);
		CU_ASSERT_TRUE(world_blockers(&w, o->kind) >= 1);
		CU_ASSERT_EQUAL(w.e.code, ERR_NONE);
		CU_ASSERT_TRUE(world_says(&w, o->words));
		world_release(&w);
	}
}

static void triggers_that_only_keep_the_index_do_not_block(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP
		   "CREATE VIRTUAL TABLE f USING fts5(body, content='message', "
		   " content_rowid='id');"
		   "CREATE TRIGGER t AFTER DELETE ON message BEGIN INSERT INTO "
		   " f(f, rowid, body) VALUES('delete', old.id, old.body); END;"
		   "INSERT INTO f(f) VALUES('rebuild');");
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_BEFORE, CLASS_FULL_TEXT_INDEX),
			PRESENCE_FOUND);
	world_release(&w);
}

static void allowed_triggers_do_not_block(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP
		   "CREATE TRIGGER t AFTER DELETE ON message BEGIN INSERT INTO "
		   " web_log VALUES('x','7',old.body); END;");
	world_root(&w, "client", "id");
	world_table(&w, "web_log", "client_ref = :client");
	world_add(&w, flag_of("allow_triggers"));
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	size_t codes[8];
	struct bystanders by;
	CU_ASSERT_EQUAL(world_destroy(&w, 1, codes, &by), 0);
	/* what the trigger wrote is found by the second enumeration */
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_TRUE(world_rows_of(&w, "web_log") >= 1);
	world_release(&w);
}

static void orphans_of_the_scope_block(void)
{
	struct world w;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "foreign-key"), 0);
	world_sql(&w, "INSERT INTO message VALUES(900, 999, 'whose?')");
	CU_ASSERT_EQUAL(world_blockers(&w, "foreign-key"), 1);
	CU_ASSERT_TRUE(world_says(&w, "of message refer to rows of chat"));
	world_release(&w);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(missing_database_is_never_made),
		UNIT(file_that_is_no_database_is_named),
		UNIT(directory_or_empty_file_is_refused),
		UNIT(client_stands_in_the_path),
		UNIT(settings_that_name_nothing_are_refused),
		UNIT(root_takes_every_row_that_refers_to_it),
		UNIT(names_in_any_case_and_of_any_shape_work),
		UNIT(composite_unique_and_implicit_references_are_followed),
		UNIT(chains_and_cycles_are_followed_to_their_end),
		UNIT(another_root_row_is_a_conflict_and_never_taken),
		UNIT(shared_row_blocks_unless_destruction_is_said),
		UNIT(shared_is_found_through_rows_out_of_scope),
		UNIT(tables_add_what_no_reference_reaches),
		UNIT(uncovered_table_blocks_until_selected_or_excluded),
		UNIT(what_selects_nothing_blocks),
		UNIT(excluded_table_that_refers_to_the_scope_is_a_conflict),
		UNIT(without_root_nothing_is_followed),
		UNIT(condition_that_reads_another_table_goes_before_it),
		UNIT(retained_rows_are_items_of_their_rule),
		UNIT(retained_row_without_its_parents_is_a_conflict),
		UNIT(retention_never_reaches_other_clients_rows),
		UNIT(retention_must_not_depend_on_rows_that_go),
		UNIT(unknown_parts_of_the_schema_block),
		UNIT(triggers_that_only_keep_the_index_do_not_block),
		UNIT(allowed_triggers_do_not_block),
		UNIT(orphans_of_the_scope_block),
		{NULL, NULL}};
	return unit_run("sqlite", tests);
}
