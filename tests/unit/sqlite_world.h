/*
 * sqlite_world.h: a database in a folder of its own, a source opened on it,
 * and small questions; for the sqlite*.c test programs.
 */
#ifndef QUIETUS_SQLITE_WORLD_H
#define QUIETUS_SQLITE_WORLD_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "certs/base/file.h"
#include "providers/provider.h"
#include "tests/unit/unit.h"

#define WORLD_MAX 8

struct kept_item {
	struct item item;
	unsigned char *id, *spec;
};

struct world {
	char dir[64], path[96];
	sqlite3 *db; /* the application's own connection */
	struct setting top[8], root[2];
	struct setting tables[WORLD_MAX], table[WORLD_MAX][3];
	struct setting excluded[WORLD_MAX], exclusion[WORLD_MAX][2];
	struct setting rules[WORLD_MAX], rule[WORLD_MAX][4];
	struct setting all;
	struct retention_rule retention[WORLD_MAX];
	size_t n_tables, n_excluded;
	struct scope scope;
	struct source source;
	struct err e;
	struct kept_item *items;
	size_t n_items;
	struct description d;
};

static struct setting string_of(const char *name, const char *value)
{
	struct setting s = {.name = name,
			    .type = SETTING_STRING,
			    .file = "closeout.conf",
			    .line = 7,
			    .str = value};
	return s;
}

static struct setting flag_of(const char *name)
{
	struct setting s = {.name = name,
			    .type = SETTING_BOOL,
			    .file = "closeout.conf",
			    .line = 8,
			    .flag = true};
	return s;
}

static struct setting group_of(const char *name, struct setting *members,
			       size_t n, enum setting_type type)
{
	struct setting s = {.name = name,
			    .type = type,
			    .file = "closeout.conf",
			    .line = 9,
			    .members = members,
			    .n_members = n};
	return s;
}

static inline void world_sql(struct world *w, const char *sql)
{
	char *why = NULL;
	if (sqlite3_exec(w->db, sql, NULL, NULL, &why) != SQLITE_OK) {
		printf("# %s: %s\n", why, sql);
		CU_FAIL("the test's own SQL failed");
	}
	sqlite3_free(why);
}

static inline long long world_number(struct world *w, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	long long n = -1;
	if (sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		printf("# %s: %s\n", sqlite3_errmsg(w->db), sql);
	else if (sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

/* A new folder and database with this content; client "7". */
static inline void world_init(struct world *w, const char *sql)
{
	memset(w, 0, sizeof(*w));
	snprintf(w->dir, sizeof(w->dir), "/tmp/quietus-sqlite-XXXXXX");
	if (mkdtemp(w->dir) == NULL)
		abort();
	snprintf(w->path, sizeof(w->path), "%s/app.db", w->dir);
	if (sqlite3_open(w->path, &w->db) != SQLITE_OK)
		abort();
	world_sql(w, sql);
	w->top[0] = string_of("path", "app.db");
	w->all = group_of("source", w->top, 1, SETTING_GROUP);
	w->scope.source = "app";
	w->scope.client = "7";
	w->scope.base = w->dir;
	w->scope.settings = &w->all;
	w->scope.retention = w->retention;
}

static inline void world_add(struct world *w, struct setting s)
{
	w->top[w->all.n_members++] = s;
}

static inline void world_root(struct world *w, const char *table,
			      const char *column)
{
	w->root[0] = string_of("table", table);
	w->root[1] = string_of("column", column);
	world_add(w, group_of("root", w->root, 2, SETTING_GROUP));
}

/* where NULL: whole = true */
static inline void world_table(struct world *w, const char *table,
			       const char *where)
{
	size_t i = w->n_tables++;
	w->table[i][0] = string_of("table", table);
	w->table[i][1] =
		where != NULL ? string_of("where", where) : flag_of("whole");
	w->tables[i] = group_of(NULL, w->table[i], 2, SETTING_GROUP);
	if (i == 0)
		world_add(w, group_of("tables", w->tables, 1, SETTING_GROUPS));
	for (size_t k = 0; k < w->all.n_members; k++)
		if (strcmp(w->top[k].name, "tables") == 0)
			w->top[k].n_members = w->n_tables;
}

static inline void world_exclude(struct world *w, const char *table)
{
	size_t i = w->n_excluded++;
	w->exclusion[i][0] = string_of("table", table);
	w->exclusion[i][1] = string_of("reason", "no personal data");
	w->excluded[i] = group_of(NULL, w->exclusion[i], 2, SETTING_GROUP);
	if (i == 0)
		world_add(w,
			  group_of("excluded", w->excluded, 1, SETTING_GROUPS));
	for (size_t k = 0; k < w->all.n_members; k++)
		if (strcmp(w->top[k].name, "excluded") == 0)
			w->top[k].n_members = w->n_excluded;
}

static inline void world_keep(struct world *w, const char *table,
			      const char *where, bool parents)
{
	size_t i = w->scope.n_retention++;
	w->rule[i][0] = string_of("table", table);
	w->rule[i][1] =
		where != NULL ? string_of("where", where) : flag_of("whole");
	w->rule[i][2] = string_of("parents", "retain");
	w->rules[i] = group_of("retention", w->rule[i], parents ? 3 : 2,
			       SETTING_GROUP);
	w->retention[i].name = "kept";
	w->retention[i].at = &w->rules[i];
}

static inline int world_open(struct world *w)
{
	err_clear(&w->e);
	return source_open(&w->source, provider_find("sqlite"), &w->scope,
			   &w->e);
}

static inline void world_drop_items(struct world *w)
{
	for (size_t i = 0; i < w->n_items; i++) {
		free(w->items[i].id);
		free(w->items[i].spec);
	}
	free(w->items);
	w->items = NULL;
	w->n_items = 0;
}

static inline void world_release(struct world *w)
{
	char name[160];
	static const char *const endings[] = {"",	  "-wal",  "-shm",
					      "-journal", ".away", NULL};

	world_drop_items(w);
	description_release(&w->d);
	source_close(&w->source);
	sqlite3_close(w->db);
	for (const char *const *x = endings; *x != NULL; x++) {
		snprintf(name, sizeof(name), "%s%s", w->path, *x);
		unlink(name);
	}
	rmdir(w->dir);
}

static inline int world_keep_item(void *arg, const struct item *item,
				  struct err *e)
{
	struct world *w = arg;
	(void)e;
	w->items = realloc(w->items, (w->n_items + 1) * sizeof(*w->items));
	struct kept_item *k = &w->items[w->n_items++];
	k->item = *item;
	k->id = malloc(item->id_len + 1);
	k->spec = malloc(item->spec_len + 1);
	memcpy(k->id, item->id, item->id_len);
	k->id[item->id_len] = '\0';
	memcpy(k->spec, item->spec, item->spec_len);
	k->item.id = k->id;
	k->item.spec = k->spec;
	return 0;
}

static inline int world_by_id(const void *a, const void *b)
{
	const struct item *x = &((const struct kept_item *)a)->item;
	const struct item *y = &((const struct kept_item *)b)->item;
	size_t n = x->id_len < y->id_len ? x->id_len : y->id_len;
	int c = memcmp(x->id, y->id, n);
	if (c != 0)
		return c;
	return (x->id_len > y->id_len) - (x->id_len < y->id_len);
}

/* Fills w->items, ascending by id. */
static inline int world_enumerate(struct world *w)
{
	world_drop_items(w);
	err_clear(&w->e);
	int rc = source_enumerate(&w->source, world_keep_item, w, &w->e);
	if (rc != 0)
		printf("# %s\n", w->e.msg);
	if (w->n_items != 0)
		qsort(w->items, w->n_items, sizeof(*w->items), world_by_id);
	return rc;
}

/* Rows among the items that rule n keeps (0: to be destroyed). */
static inline long long world_rows(const struct world *w, uint32_t rule)
{
	long long n = 0;
	for (size_t i = 0; i < w->n_items; i++)
		if (w->items[i].item.retention == rule)
			n += (long long)w->items[i].item.rows;
	return n;
}

/* Rows among the items of one table, whatever becomes of them. */
static inline long long world_rows_of(const struct world *w, const char *table)
{
	char part[80];
	long long n = 0;
	snprintf(part, sizeof(part), " %s ", table);
	for (size_t i = 0; i < w->n_items; i++)
		if (strstr((const char *)w->items[i].id, part) != NULL)
			n += (long long)w->items[i].item.rows;
	return n;
}

/* Describes and returns the number of blockers of that kind (NULL: all). */
static inline size_t world_blockers(struct world *w, const char *kind)
{
	size_t n = 0;
	description_release(&w->d);
	description_init(&w->d);
	err_clear(&w->e);
	if (source_describe(&w->source, PHASE_BEFORE, &w->d, &w->e) != 0) {
		printf("# describe: %s\n", w->e.msg);
		return 999;
	}
	for (size_t i = 0; i < w->d.n_blockers; i++)
		n += kind == NULL || strcmp(w->d.blockers[i].kind, kind) == 0;
	return n;
}

/* True when some blocker's text holds these words. */
static inline bool world_says(const struct world *w, const char *words)
{
	for (size_t i = 0; i < w->d.n_blockers; i++)
		if (strstr(w->d.blockers[i].text, words) != NULL)
			return true;
	for (size_t i = 0; i < w->d.n_blockers; i++)
		printf("# %s: %s\n", w->d.blockers[i].kind,
		       w->d.blockers[i].text);
	return false;
}

static inline enum presence world_class(struct world *w, enum phase phase,
					enum copy_class c)
{
	description_release(&w->d);
	description_init(&w->d);
	err_clear(&w->e);
	if (source_describe(&w->source, phase, &w->d, &w->e) != 0) {
		printf("# describe: %s\n", w->e.msg);
		return PRESENCE_UNKNOWN;
	}
	return w->d.classes[c].presence;
}

/* Destroys every planned item that is not retained, in descending order, in
 * batches; 0 or -1 with w->e.  codes[OUTCOME_*] counts outcomes. */
static inline int world_destroy(struct world *w, size_t batch, size_t codes[8],
				struct bystanders *by)
{
	struct item list[128];
	struct outcome out[128];
	size_t i = w->n_items;

	memset(codes, 0, 8 * sizeof(*codes));
	memset(by, 0, sizeof(*by));
	err_clear(&w->e);
	while (i > 0) {
		size_t n = 0;
		while (i > 0 && n < 128 &&
		       (n < batch ||
			(list[n - 1].group != 0 &&
			 list[n - 1].group == w->items[i - 1].item.group))) {
			if (w->items[i - 1].item.retention == 0)
				list[n++] = w->items[i - 1].item;
			i--;
		}
		if (n == 0)
			break;
		int rc = source_destroy(&w->source, list, n, out, by, &w->e);
		for (size_t k = 0; k < n; k++)
			codes[out[k].code]++;
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* Counts an answer among all items. */
static inline size_t world_answers(struct world *w, enum answer which)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n_items; i++) {
		enum answer a;
		err_clear(&w->e);
		if (source_check_absent(&w->source, &w->items[i].item, 1, &a,
					&w->e) != 0)
			a = ANSWER_UNKNOWN;
		n += a == which ? 1 : 0;
	}
	return n;
}

/* How often the words stand in the raw bytes of the database's files. */
static inline size_t world_raw(struct world *w, const char *words)
{
	static const char *const endings[] = {"", "-wal", "-journal", NULL};
	size_t hits = 0, len = strlen(words);

	for (const char *const *x = endings; *x != NULL; x++) {
		char name[160];
		struct buf b;
		struct err e = ERR_INIT;
		snprintf(name, sizeof(name), "%s%s", w->path, *x);
		buf_init(&b, 1u << 30);
		if (file_read(&b, name, &e) == 0)
			for (size_t i = 0; i + len <= b.len; i++)
				hits += memcmp(b.data + i, words, len) == 0;
		buf_release(&b);
	}
	return hits;
}

/* A small lifelike shop with three clients: 7 leaves; 77 begins like it. */
#define WORLD_SHOP                                                             \
	"CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT);"              \
	"CREATE TABLE employee(id INTEGER PRIMARY KEY, client_id INTEGER "     \
	" REFERENCES client ON DELETE CASCADE, login TEXT);"                   \
	"CREATE INDEX employee_client ON employee(client_id);"                 \
	"CREATE TABLE chat(id INTEGER PRIMARY KEY, client_id INTEGER "         \
	" REFERENCES client(id), employee_id INTEGER REFERENCES "              \
	" employee(id) ON DELETE SET NULL);"                                   \
	"CREATE TABLE message(id INTEGER PRIMARY KEY, chat_id INTEGER "        \
	" REFERENCES chat(id), body TEXT);"                                    \
	"CREATE TABLE invoice(number TEXT PRIMARY KEY NOT NULL, client_id "    \
	" INTEGER REFERENCES client(id), amount REAL);"                        \
	"CREATE TABLE web_log(at TEXT, client_ref TEXT, line TEXT);"           \
	"INSERT INTO client VALUES(7,'Acme Leaving'),(77,'Seventy Seven'),"    \
	" (8,'Eight');"                                                        \
	"INSERT INTO employee VALUES(1,7,'anna.acme@x'),(2,7,'bob.acme@x'),"   \
	" (3,77,'carl.seven@x'),(4,8,'dora.eight@x');"                         \
	"INSERT INTO chat VALUES(10,7,1),(11,7,NULL),(12,77,3),(13,8,4);"      \
	"INSERT INTO message VALUES(100,10,'secret of acme one'),"             \
	" (101,10,'secret of acme two'),(102,11,'secret of acme three'),"      \
	" (103,12,'seventy seven says hello'),(104,13,'eight says hello');"    \
	"INSERT INTO invoice VALUES('A-1',7,10.5),('A-2',7,11),('B-1',77,3),"  \
	" ('C-1',8,4);"                                                        \
	"INSERT INTO web_log VALUES('t1','7','GET /acme/start'),"              \
	" ('t2','77','GET /seventy'),('t3','8','GET /eight'),"                 \
	" ('t4','7','GET /acme/end');"

/* Everything of other clients, as one number and one text. */
#define WORLD_NEIGHBOURS                                                       \
	"SELECT (SELECT count(*) FROM client WHERE id <> 7) * 1000000 +"       \
	" (SELECT count(*) FROM employee WHERE client_id <> 7) * 100000 +"     \
	" (SELECT count(*) FROM chat WHERE client_id <> 7) * 10000 +"          \
	" (SELECT count(*) FROM message WHERE body LIKE '%says hello') "       \
	"   * 1000 + "                                                         \
	" (SELECT count(*) FROM invoice WHERE client_id <> 7) * 100 +"         \
	" (SELECT count(*) FROM web_log WHERE client_ref <> '7')"

#endif
