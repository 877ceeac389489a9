/*
 * sqlite.c: a database in a temporary folder, looked into with connections of
 * our own.  Every text of client 7 begins with "acme", so that a row is known
 * as the client's whatever became of the rows it refers to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "certs/base/file.h"
#include "certs/base/sha.h"
#include "tests/contract/contract.h"

extern const struct provider provider_sqlite;

struct store {
	char base[256], path[300], away[310];
	struct setting top[3], root[2], tables[3], table[3][2];
	struct setting keep[3], rule_at, all;
	struct retention_rule rule;
	int planted;
	long long bulk;
};

/* One table: how its rows of the client are known, and what can be changed in
 * them. */
struct part {
	const char *name, *is_ours, *change;
};

static const struct part parts[] = {
	{"client", "name LIKE 'acme%'", NULL},
	{"employee", "login LIKE 'acme%'", "login"},
	{"chat", "title LIKE 'acme%'", "title"},
	{"message", "body LIKE 'acme%'", "body"},
	{"\"odd%20;%22name\"", "note LIKE 'acme%'", "note"},
	{"pair", "v LIKE 'acme%'", "v"},
	{"invoice", "number LIKE 'acme%'", NULL},
	{"log", "line LIKE 'acme%'", "line"},
	{"thread", "text LIKE 'acme%'", "text"},
	{"words", "body LIKE 'acme%'", "body"},
	{NULL, NULL, NULL}};

static const char content[] =
	"CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT);"
	"CREATE TABLE employee(id INTEGER PRIMARY KEY, client_id INTEGER "
	" REFERENCES client, login TEXT);"
	"CREATE TABLE chat(id INTEGER PRIMARY KEY, client_id INTEGER "
	" REFERENCES client(id), title TEXT);"
	"CREATE TABLE message(id INTEGER PRIMARY KEY, chat_id INTEGER "
	" REFERENCES chat(id), body TEXT);"
	"CREATE INDEX message_chat ON message(chat_id);"
	"CREATE TABLE \"odd%20;%22name\"(\"the key\" TEXT PRIMARY KEY NOT NULL,"
	" \"select\" INTEGER REFERENCES CLIENT(ID), note TEXT);"
	"CREATE TABLE pair(a TEXT, b REAL, c INTEGER REFERENCES client, v TEXT,"
	" PRIMARY KEY(a, b)) WITHOUT ROWID;"
	"CREATE TABLE invoice(number TEXT PRIMARY KEY NOT NULL, client_id "
	" INTEGER REFERENCES client);"
	"CREATE TABLE log(client_ref TEXT, line TEXT);"
	"CREATE TABLE thread(id INTEGER PRIMARY KEY, up INTEGER REFERENCES "
	" thread, ref TEXT, text TEXT);"
	"CREATE VIRTUAL TABLE words USING fts5(ref UNINDEXED, body);"
	"INSERT INTO client VALUES(7,'acme'),(77,'begins like it'),(8,'x');"
	"INSERT INTO employee VALUES(-5,7,'acme one'),(2,7,'acme two'),"
	" (3,77,'seventy'),(4,8,'eight');"
	"INSERT INTO chat VALUES(1,7,'acme'),(2,77,'seventy'),(3,7,'acme 3');"
	"INSERT INTO message VALUES(10,1,'acme says'),(11,2,'seventy says'),"
	" (9223372036854775807,3,'acme says last');"
	"INSERT INTO \"odd%20;%22name\" VALUES('m''; DROP TABLE client; --',7,"
	" 'acme'),('m' || char(1, 10, 0, 65), 7, 'acme'),"
	" ('m' || char(0xe9, 0x1f600), 7, 'acme'),('m%20',77,'seventy');"
	"INSERT INTO pair VALUES('x',1.5,7,'acme'),('x',2,7,'acme'),"
	" (x'0001',-0.25,7,'acme'),('y',1.5,77,'seventy');"
	"INSERT INTO invoice VALUES('acme-1',7),('acme-2',7),('77-1',77);"
	"INSERT INTO log VALUES('7','acme'),('77','seventy'),('7','acme'),"
	" ('8','eight');"
	"INSERT INTO thread VALUES(1,2,'7','acme'),(2,1,'7','acme'),"
	" (3,NULL,'77','seventy');"
	"INSERT INTO words VALUES('7','acme writes'),('77','seventy writes');";

static int run(struct store *s, const char *sql, struct err *e)
{
	sqlite3 *db = NULL;
	char *why = NULL;
	int rc = 0;

	int answer = sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READWRITE, NULL);
	if (answer == SQLITE_OK)
		answer = sqlite3_exec(db, sql, NULL, NULL, &why);
	if (answer == SQLITE_CONSTRAINT)
		rc = CONTRACT_CANNOT;
	else if (answer != SQLITE_OK)
		rc = err_set(e, ERR_FAILED, "the test's own SQL: %s",
			     why != NULL ? why : "opening");
	sqlite3_free(why);
	sqlite3_close(db);
	return rc;
}

static struct setting text(const char *name, const char *value)
{
	return (struct setting){
		.name = name, .type = SETTING_STRING, .str = value};
}

static void select_table(struct store *s, size_t i, const char *table,
			 const char *where)
{
	s->table[i][0] = text("table", table);
	s->table[i][1] = text("where", where);
	s->tables[i] = (struct setting){
		.type = SETTING_GROUP, .members = s->table[i], .n_members = 2};
}

static void fill(struct store *s, struct scope *scope)
{
	s->top[0] = text("path", "app.db");
	s->root[0] = text("table", "client");
	s->root[1] = text("column", "id");
	s->top[1] = (struct setting){.name = "root",
				     .type = SETTING_GROUP,
				     .members = s->root,
				     .n_members = 2};
	select_table(s, 0, "log", "client_ref = :client");
	select_table(s, 1, "thread", "ref = :client");
	select_table(s, 2, "words", "ref = :client");
	s->top[2] = (struct setting){.name = "tables",
				     .type = SETTING_GROUPS,
				     .members = s->tables,
				     .n_members = 3};
	s->all = (struct setting){
		.type = SETTING_GROUP, .members = s->top, .n_members = 3};
	s->keep[0] = text("table", "invoice");
	s->keep[1] = text("where", "client_id = :client");
	s->keep[2] = text("parents", "retain");
	s->rule_at = (struct setting){
		.type = SETTING_GROUP, .members = s->keep, .n_members = 3};
	s->rule = (struct retention_rule){"invoices", &s->rule_at};
	*scope = (struct scope){.source = "app",
				.client = "7",
				.base = s->base,
				.settings = &s->all,
				.retention = &s->rule,
				.n_retention = 1};
}

static int start(void **handle, struct scope *scope, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct store *s = calloc(1, sizeof(*s));
	sqlite3 *db = NULL;

	if (s == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	snprintf(s->base, sizeof(s->base), "%.200s/quietus-contract-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(s->base) == NULL) {
		free(s);
		return err_errno(e, "making a temporary folder");
	}
	*handle = s;
	snprintf(s->path, sizeof(s->path), "%s/app.db", s->base);
	snprintf(s->away, sizeof(s->away), "%s.away", s->path);
	if (sqlite3_open(s->path, &db) != SQLITE_OK)
		return err_set(e, ERR_FAILED, "making a database");
	sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	sqlite3_close(db);
	fill(s, scope);
	return run(s, content, e);
}

static void stop(void *handle)
{
	struct store *s = handle;
	struct err e = ERR_INIT;

	if (s == NULL)
		return;
	file_shred_tree(s->base, &e);
	free(s);
}

/* The part that an item's id speaks of: "0003 message 000...". */
static const struct part *part_of(const struct item *item)
{
	for (const struct part *p = parts; p->name != NULL; p++) {
		char name[40];
		size_t len;
		/* the odd name stands in ids with its % escaped */
		snprintf(name, sizeof(name), "%s",
			 p->name[0] == '"' ? "odd%2520;%2522name" : p->name);
		len = strlen(name);
		if (item->id_len > 5 + len + 1 &&
		    memcmp(item->id + 5, name, len) == 0 &&
		    item->id[5 + len] == ' ')
			return p;
	}
	return NULL;
}

/* A new smallest key gives the run of rows another first key, so that the
 * item that holds it has another id. */
static int plant(void *handle, enum copy_class cls, struct err *e)
{
	struct store *s = handle;
	char sql[200];

	if (cls != CLASS_CURRENT)
		return CONTRACT_CANNOT;
	snprintf(sql, sizeof(sql),
		 "INSERT INTO employee VALUES(%d, 7, 'acme planted')",
		 -1000 - ++s->planted);
	return run(s, sql, e);
}

static int alter(void *handle, const struct item *item, struct err *e)
{
	const struct part *p = part_of(item);
	char sql[300];

	if (p == NULL || p->change == NULL)
		return CONTRACT_CANNOT;
	snprintf(sql, sizeof(sql), "UPDATE %s SET %s = %s || '!' WHERE %s",
		 p->name, p->change, p->change, p->is_ours);
	return run(handle, sql, e);
}

static int take_away(void *handle, const struct item *item, struct err *e)
{
	const struct part *p = part_of(item);
	char sql[300];

	if (p == NULL)
		return CONTRACT_CANNOT;
	/* enforced: a row that others refer to cannot be taken */
	snprintf(sql, sizeof(sql),
		 "PRAGMA foreign_keys=ON; DELETE FROM %s WHERE %s", p->name,
		 p->is_ours);
	return run(handle, sql, e);
}

static int exists(void *handle, const struct item *item, bool *is_there,
		  struct err *e)
{
	struct store *s = handle;
	const struct part *p = part_of(item);
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	char sql[300];
	int rc = -1;

	if (p == NULL)
		return err_set(e, ERR_FAILED, "an item of an unknown table");
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE %s", p->name,
		 p->is_ours);
	if (sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READWRITE, NULL) ==
		    SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		*is_there = sqlite3_column_int64(stmt, 0) != 0;
		rc = 0;
	} else {
		err_set(e, ERR_FAILED, "asking: %s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return rc;
}

static int neighbours(void *handle, unsigned char digest[SHA_LEN],
		      struct err *e)
{
	struct store *s = handle;
	sqlite3 *db = NULL;
	struct sha *sha = sha_new();
	int rc = -1;

	if (sha == NULL || sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READWRITE,
					   NULL) != SQLITE_OK) {
		err_set(e, ERR_FAILED, "opening the database");
		goto out;
	}
	sha_start(sha);
	for (const struct part *p = parts; p->name != NULL; p++) {
		sqlite3_stmt *stmt = NULL;
		char sql[300];
		snprintf(sql, sizeof(sql),
			 "SELECT * FROM %s WHERE NOT (%s) ORDER BY 1, 2",
			 p->name, p->is_ours);
		if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
			err_set(e, ERR_FAILED, "%s", sqlite3_errmsg(db));
			goto out;
		}
		while (sqlite3_step(stmt) == SQLITE_ROW)
			for (int c = 0; c < sqlite3_column_count(stmt); c++) {
				const unsigned char *v =
					sqlite3_column_text(stmt, c);
				sha_add(sha, v,
					(size_t)sqlite3_column_bytes(stmt, c));
				sha_add(sha, "|", 1);
			}
		sqlite3_finalize(stmt);
	}
	sha_end(sha, digest);
	rc = 0;
out:
	sha_free(sha);
	sqlite3_close(db);
	return rc;
}

static int cut(void *handle, struct err *e)
{
	struct store *s = handle;
	return rename(s->path, s->away) == 0
		       ? 0
		       : err_errno(e, "taking the database away");
}

static int mend(void *handle, struct err *e)
{
	struct store *s = handle;
	return rename(s->away, s->path) == 0
		       ? 0
		       : err_errno(e, "putting the database back");
}

/* About 512 rows make one item; the text fills the library's page cache in
 * the first round already. */
static int bulk(void *handle, size_t n, struct err *e)
{
	struct store *s = handle;
	char sql[400];
	long long rows = (long long)n * 512;

	snprintf(sql, sizeof(sql),
		 "WITH RECURSIVE n(i) AS (SELECT %lld UNION ALL SELECT i + 1 "
		 "FROM n WHERE i < %lld) INSERT INTO message SELECT i, 1, "
		 "'acme ' || hex(zeroblob(120)) FROM n",
		 1000 + s->bulk, 1000 + s->bulk + rows - 1);
	s->bulk += rows;
	return run(s, sql, e);
}

const struct contract_store contract_sqlite = {
	.name = "sqlite",
	.provider = &provider_sqlite,
	.start = start,
	.stop = stop,
	.plant = plant,
	.alter = alter,
	.remove = take_away,
	.exists = exists,
	.neighbours = neighbours,
	.cut = cut,
	.mend = mend,
	.bulk = bulk,
	.bulk_items = 300,
};
