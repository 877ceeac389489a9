/* sqlite_destroy.c: what a batch does, what stops it, and what is left. */
#include <fcntl.h>
#include <sys/wait.h>

#include "providers/sqlite/store.h"
#include "tests/unit/sqlite_world.h"

static void shop(struct world *w, const char *more)
{
	world_init(w, WORLD_SHOP);
	world_sql(w, more);
	world_root(w, "client", "id");
	world_table(w, "web_log", "client_ref = :client");
	CU_ASSERT_EQUAL(world_open(w), 0);
	CU_ASSERT_EQUAL(world_enumerate(w), 0);
	CU_ASSERT_EQUAL(world_rows(w, 0), 12);
}

static void destruction_takes_the_scope_and_nothing_else(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;

	shop(&w, "");
	long long neighbours = world_number(&w, WORLD_NEIGHBOURS);
	CU_ASSERT_EQUAL(neighbours, 2222202);
	CU_ASSERT_EQUAL(world_answers(&w, ANSWER_PRESENT), w.n_items);
	CU_ASSERT_EQUAL(world_destroy(&w, 2, codes, &by), 0);
	CU_ASSERT_EQUAL(codes[OUTCOME_DONE], w.n_items);
	CU_ASSERT_EQUAL(by.rows_before, by.rows_after);
	CU_ASSERT_TRUE(by.rows_before >= 12);
	CU_ASSERT_TRUE(by.tables >= 6);
	CU_ASSERT_FALSE(by.lost);
	CU_ASSERT_FALSE(by.sampled);
	CU_ASSERT_EQUAL(world_answers(&w, ANSWER_ABSENT), w.n_items);
	CU_ASSERT_EQUAL(world_number(&w, WORLD_NEIGHBOURS), neighbours);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM client"), 2);
	/* again: idempotent, and said so */
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(codes[OUTCOME_GONE], w.n_items);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(w.n_items, 0);
	world_release(&w);
}

struct drift {
	const char *sql, *words;
	enum outcome_code code;
};

static void drift_stops_and_destroys_nothing(void)
{
	static const struct drift list[] = {
		{"UPDATE message SET body = 'other' WHERE id = 101",
		 "not what was planned", OUTCOME_DRIFTED},
		{"UPDATE message SET body = CAST(body AS BLOB) WHERE id = 101",
		 "not what was planned", OUTCOME_DRIFTED},
		{"DELETE FROM message WHERE id = 101", "1 of 3 rows",
		 OUTCOME_DRIFTED},
		{"INSERT INTO message VALUES(999, 10, 'late')",
		 "1 row(s) of message that are not in the plan",
		 OUTCOME_UNKNOWN},
		{"INSERT INTO chat VALUES(999, 8, 2)",
		 "1 row(s) of chat that are not in the plan", OUTCOME_UNKNOWN},
		{"INSERT INTO employee VALUES(999, 7, 'late')",
		 "1 row(s) of employee", OUTCOME_UNKNOWN},
		{"CREATE TABLE late(c INTEGER REFERENCES client)",
		 "tables were added", OUTCOME_UNKNOWN},
		{NULL, NULL, OUTCOME_UNKNOWN}};

	for (const struct drift *d = list; d->sql != NULL; d++) {
		struct world w;
		size_t codes[8];
		struct bystanders by;
		shop(&w, "");
		world_sql(&w, d->sql);
		long long rows = world_number(
			&w, "SELECT (SELECT count(*) FROM client) + (SELECT "
			    "count(*) FROM message) + (SELECT count(*) FROM "
			    "chat) + (SELECT count(*) FROM employee)");
		CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), -1);
		CU_ASSERT_EQUAL(w.e.code, ERR_DRIFT);
		if (strstr(w.e.msg, d->words) == NULL) {
			printf("# %s: %s\n", d->sql, w.e.msg);
			CU_FAIL("another message");
		}
		CU_ASSERT_EQUAL(codes[OUTCOME_DONE], 0);
		if (d->code == OUTCOME_DRIFTED)
			CU_ASSERT_EQUAL(codes[OUTCOME_DRIFTED], 1);
		CU_ASSERT_EQUAL(
			world_number(&w, "SELECT (SELECT count(*) FROM client)"
					 " + (SELECT count(*) FROM message) + "
					 "(SELECT count(*) FROM chat) + "
					 "(SELECT count(*) FROM employee)"),
			rows);
		world_release(&w);
	}
}

static void vanished_item_is_gone_not_destroyed(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	shop(&w, "");
	world_sql(&w, "DELETE FROM message WHERE id IN (100,101,102)");
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(codes[OUTCOME_GONE], 1);
	CU_ASSERT_EQUAL(codes[OUTCOME_DONE], w.n_items - 1);
	world_release(&w);
}

static void edited_list_of_keys_destroys_nothing(void)
{
	struct world w;
	struct outcome out[1];
	shop(&w, "");
	/* the item of messages; its last key becomes a neighbour's */
	for (size_t i = 0; i < w.n_items; i++) {
		struct item x = w.items[i].item;
		if (strstr((char *)w.items[i].id, " message ") == NULL)
			continue;
		w.items[i].spec[x.spec_len - 1] = 4; /* +2: row 103 */
		CU_ASSERT_EQUAL(
			source_destroy(&w.source, &x, 1, out, NULL, &w.e), -1);
		CU_ASSERT_EQUAL(out[0].code, OUTCOME_DRIFTED);
		/* cut short */
		x.spec_len -= 1;
		err_clear(&w.e);
		CU_ASSERT_EQUAL(
			source_destroy(&w.source, &x, 1, out, NULL, &w.e), -1);
		CU_ASSERT_EQUAL(w.e.code, ERR_INVALID);
		enum answer a;
		err_clear(&w.e);
		CU_ASSERT_EQUAL(source_check_absent(&w.source, &x, 1, &a, &w.e),
				0);
		CU_ASSERT_EQUAL(a, ANSWER_PRESENT);
	}
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM message"), 5);
	world_release(&w);
}

static void hidden_row_numbers_survive_vacuum(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	struct buf did;

	world_init(&w,
		   "CREATE TABLE web_log(client_ref TEXT, line TEXT);"
		   "INSERT INTO web_log VALUES('7','one'),('8','eight'),"
		   " ('7','two'),('77','seventy'),('7','three'),('8','x');");
	world_table(&w, "web_log", "client_ref = :client");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_answers(&w, ANSWER_PRESENT), 1);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	buf_init(&did, 1000);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	/* VACUUM gave neighbours the numbers 1 to 3, which were planned */
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM web_log WHERE "
					 "rowid IN (1,3)"),
			2);
	CU_ASSERT_EQUAL(world_answers(&w, ANSWER_ABSENT), 1);
	/* and a second destroy takes none of them: they are not the plan's */
	err_clear(&w.e);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_DRIFT);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM web_log"), 3);
	buf_release(&did);
	world_release(&w);
}

static void trigger_that_takes_neighbours_is_rolled_back(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;

	shop(&w, "");
	/* made after the plan, in a way that only counting sees: allowed to
	 * write, and taking a neighbour's row */
	source_close(&w.source);
	world_sql(&w, "CREATE TRIGGER t AFTER DELETE ON message BEGIN DELETE "
		      "FROM message WHERE id = 104; END;");
	world_add(&w, flag_of("allow_triggers"));
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_DRIFT);
	CU_ASSERT_TRUE(by.lost);
	CU_ASSERT_EQUAL(by.rows_after + 1, by.rows_before);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM message"), 5);
	world_release(&w);
}

static void trigger_that_forbids_deletion_is_a_refusal(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	shop(&w, "CREATE TRIGGER t BEFORE DELETE ON invoice BEGIN SELECT "
		 "RAISE(ABORT, 'invoices stay'); END;");
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_DENIED);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "invoices stay"));
	CU_ASSERT_EQUAL(codes[OUTCOME_REFUSED], 1);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM message"), 5);
	world_release(&w);
}

static void cascades_of_the_schema_do_not_run(void)
{
	struct world w;
	struct outcome out[1];
	shop(&w, "PRAGMA foreign_keys=ON");
	/* employee 1 alone cannot be destroyed: chat 10 refers to it; were it
	 * let through, ON DELETE SET NULL would change that row */
	for (size_t i = 0; i < w.n_items; i++)
		if (strstr((char *)w.items[i].id, " employee ") != NULL)
			CU_ASSERT_EQUAL(source_destroy(&w.source,
						       &w.items[i].item, 1, out,
						       NULL, &w.e),
					-1);
	CU_ASSERT_EQUAL(w.e.code, ERR_DRIFT);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT employee_id FROM chat WHERE "
					 "id = 10"),
			1);
	world_release(&w);
}

/* A process of its own that holds the database. */
static pid_t holder(struct world *w, const char *sql)
{
	int ready[2];
	if (pipe(ready) != 0)
		abort();
	pid_t pid = fork();
	if (pid != 0) {
		char c;
		close(ready[1]);
		CU_ASSERT_EQUAL(read(ready[0], &c, 1), 1);
		close(ready[0]);
		return pid;
	}
	sqlite3 *db;
	char *why = NULL;
	if (sqlite3_open(w->path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		_exit(1);
	if (write(ready[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void let_go(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void busy_database_names_who_must_stop(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	char words[40];

	shop(&w, "");
	sqlite3_close(w.db);
	w.db = NULL;
	sqlite_busy_ms = 1000;
	source_close(&w.source);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	pid_t pid = holder(&w, "BEGIN IMMEDIATE; DELETE FROM web_log");
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_REFUSED);
	snprintf(words, sizeof(words), "process %ld (", (long)pid);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, words));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "stop what uses it"));
	let_go(pid);
	/* and now it goes */
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	sqlite_busy_ms = 10000;
	world_release(&w);
}

static void database_left_by_a_killed_writer_is_recovered(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	char journal[120];
	struct stat st;

	shop(&w, "");
	source_close(&w.source);
	world_sql(&w,
		  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
		  "FROM n WHERE i < 5000) INSERT INTO message SELECT 1000 + "
		  "i, 12, 'seventy seven says hello' FROM n;");
	sqlite3_close(w.db);
	w.db = NULL;
	/* more changes than its cache holds: half of them are in the file */
	let_go(holder(&w,
		      "PRAGMA cache_size=5; BEGIN IMMEDIATE; UPDATE message "
		      "SET body = 'half written, never committed'"));
	snprintf(journal, sizeof(journal), "%s-journal", w.path);
	CU_ASSERT_EQUAL(stat(journal, &st), 0);
	CU_ASSERT_TRUE(st.st_size > 0);
	CU_ASSERT_TRUE(world_raw(&w, "half written") > 0);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	if (w.e.code != ERR_NONE)
		printf("# %s\n", w.e.msg);
	CU_ASSERT_EQUAL(world_raw(&w, "half written"), 0);
	/* and the plan of before still holds */
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(codes[OUTCOME_DONE], w.n_items);
	world_release(&w);
}

static void reader_in_wal_mode_holds_up_purge_and_is_named(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	struct buf did;

	shop(&w, "PRAGMA journal_mode=WAL;");
	sqlite3_close(w.db);
	w.db = NULL;
	sqlite_busy_ms = 1000;
	source_close(&w.source);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	pid_t pid = holder(&w, "BEGIN; SELECT count(*) FROM message");
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	buf_init(&did, 1000);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "process "));
	/* the old pages are still there, and that is said */
	CU_ASSERT_TRUE(world_raw(&w, "secret of acme") > 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_WRITE_AHEAD_LOG),
			PRESENCE_FOUND);
	let_go(pid);
	err_clear(&w.e);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	CU_ASSERT_EQUAL(world_raw(&w, "secret of acme"), 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_WRITE_AHEAD_LOG),
			PRESENCE_NONE);
	sqlite_busy_ms = 10000;
	buf_release(&did);
	world_release(&w);
}

static void database_that_was_replaced_is_not_touched(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	char away[120];
	enum answer a = ANSWER_ABSENT;

	shop(&w, "");
	snprintf(away, sizeof(away), "%s.away", w.path);
	CU_ASSERT_EQUAL(rename(w.path, away), 0);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_UNREACHABLE);
	err_clear(&w.e);
	CU_ASSERT_EQUAL(
		source_check_absent(&w.source, &w.items[0].item, 1, &a, &w.e),
		-1);
	CU_ASSERT_EQUAL(a, ANSWER_UNKNOWN);
	/* another file in its place */
	int fd = open(w.path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	CU_ASSERT_TRUE(fd >= 0);
	close(fd);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "another file"));
	CU_ASSERT_EQUAL(rename(away, w.path), 0);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	world_release(&w);
}

static void stop_is_obeyed_and_nothing_is_half_done(void)
{
	static volatile sig_atomic_t stop;
	struct world w;
	size_t codes[8];
	struct bystanders by;

	stop = 0;
	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	w.scope.stop = &stop;
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	stop = 1;
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_STOPPED);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM message"), 5);
	stop = 0;
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM message"), 2);
	world_release(&w);
}

static void large_tables_are_sampled_and_said_so(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;

	world_init(&w, "CREATE TABLE t(id INTEGER PRIMARY KEY, c TEXT, b TEXT);"
		       "CREATE INDEX tc ON t(c);"
		       "CREATE TABLE u(a TEXT, b INTEGER, c TEXT, PRIMARY "
		       " KEY(a, b)) WITHOUT ROWID;"
		       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
		       " FROM n WHERE i < 130000) INSERT INTO t SELECT i, "
		       " 7 + (i % 10 <> 0), 'body' || i FROM n;"
		       "INSERT INTO u SELECT b, id, c FROM t;");
	world_table(&w, "t", "c = :client");
	world_table(&w, "u", "c = :client");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_rows(&w, 0), 26000);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(codes[OUTCOME_DONE], w.n_items);
	CU_ASSERT_TRUE(by.sampled);
	CU_ASSERT_EQUAL(by.rows_before, by.rows_after);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM t"), 117000);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM u"), 117000);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM t WHERE c = 7"),
			0);
	world_release(&w);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(destruction_takes_the_scope_and_nothing_else),
		UNIT(drift_stops_and_destroys_nothing),
		UNIT(vanished_item_is_gone_not_destroyed),
		UNIT(edited_list_of_keys_destroys_nothing),
		UNIT(hidden_row_numbers_survive_vacuum),
		UNIT(trigger_that_takes_neighbours_is_rolled_back),
		UNIT(trigger_that_forbids_deletion_is_a_refusal),
		UNIT(cascades_of_the_schema_do_not_run),
		UNIT(busy_database_names_who_must_stop),
		UNIT(database_left_by_a_killed_writer_is_recovered),
		UNIT(reader_in_wal_mode_holds_up_purge_and_is_named),
		UNIT(database_that_was_replaced_is_not_touched),
		UNIT(stop_is_obeyed_and_nothing_is_half_done),
		UNIT(large_tables_are_sampled_and_said_so),
		{NULL, NULL}};
	return unit_run("sqlite_destroy", tests);
}
