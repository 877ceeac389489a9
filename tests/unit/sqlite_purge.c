/* sqlite_purge.c: what is left in the raw bytes, and what the copy classes say
 * of it.  Every absence is preceded by the presence of the same thing. */
#include <fcntl.h>

#include "providers/sqlite/store.h"
#include "tests/unit/sqlite_world.h"

#define MARK "acmemarker"     /* in every text of client 7 */
#define OTHER "neighbourmark" /* in those of the others */

#define LARGE                                                                  \
	"CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT);"              \
	"CREATE TABLE message(id INTEGER PRIMARY KEY, client_id INTEGER "      \
	" REFERENCES client, body TEXT);"                                      \
	"CREATE INDEX mc ON message(client_id); CREATE INDEX mb ON "           \
	" message(body);"                                                      \
	"CREATE TABLE page(name TEXT PRIMARY KEY NOT NULL, client_id INTEGER " \
	" REFERENCES client, long BLOB);"                                      \
	"INSERT INTO client VALUES(7,'" MARK " inc'),(8,'" OTHER " inc');"     \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE "  \
	" i < 3000) INSERT INTO message SELECT i, 7 + i % 2, CASE i % 2 WHEN " \
	" 0 THEN '" MARK " says ' || i ELSE '" OTHER " says ' || i END FROM "  \
	" n;"                                                                  \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE "  \
	" i < 40) INSERT INTO page SELECT CASE i % 2 WHEN 0 THEN '" MARK "' "  \
	" ELSE '" OTHER "' END || ' page ' || i, 7 + i % 2, replace("          \
	" hex(zeroblob(3000)), '00', CASE i % 2 WHEN 0 THEN '" MARK "' ELSE "  \
	" '" OTHER "' END) FROM n;"

static void start(struct world *w, const char *before, const char *more)
{
	world_init(w, before);
	world_sql(w, LARGE);
	world_sql(w, more);
	world_root(w, "client", "id");
}

/* Plan, destroy, purge; the forensic claim in between. */
static void destroy_and_look(struct world *w)
{
	size_t codes[8];
	struct bystanders by;
	struct buf did, samples;
	struct residue r;
	long long kept = world_number(
		w, "SELECT sum(length(body)) FROM message WHERE client_id = 8");

	buf_init(&did, 1000);
	buf_init_secret(&samples, 65536);
	CU_ASSERT_EQUAL(world_open(w), 0);
	CU_ASSERT_EQUAL(world_blockers(w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(w), 0);
	CU_ASSERT_EQUAL(source_sample(&w->source, &samples, &w->e), 0);
	CU_ASSERT_TRUE(samples.len > 200);
	CU_ASSERT_EQUAL(source_residue(&w->source, samples.data, samples.len,
				       &r, &w->e),
			0);
	CU_ASSERT_TRUE(r.possible);
	CU_ASSERT_TRUE(r.hits >= 20);
	CU_ASSERT_TRUE(world_raw(w, MARK) > 1000);
	CU_ASSERT_TRUE(world_raw(w, OTHER) > 1000);

	CU_ASSERT_EQUAL(world_destroy(w, 2, codes, &by), 0);
	CU_ASSERT_EQUAL(source_purge(&w->source, &did, &w->e), 0);
	if (w->e.code != ERR_NONE)
		printf("# %s\n", w->e.msg);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&did), "VACUUM"));
	/* I9: the sentence holds no name */
	CU_ASSERT_PTR_NULL(strstr(buf_str(&did), "message"));

	CU_ASSERT_EQUAL(world_raw(w, MARK), 0);
	CU_ASSERT_TRUE(world_raw(w, OTHER) > 1000);
	CU_ASSERT_EQUAL(source_residue(&w->source, samples.data, samples.len,
				       &r, &w->e),
			0);
	CU_ASSERT_TRUE(r.possible);
	CU_ASSERT_EQUAL(r.hits, 0);
	CU_ASSERT_TRUE(r.bytes > 100000);
	CU_ASSERT_EQUAL(world_number(w, "SELECT sum(length(body)) FROM message "
					"WHERE client_id = 8"),
			kept);
	CU_ASSERT_EQUAL(world_number(w, "SELECT count(*) FROM "
					"pragma_integrity_check WHERE "
					"integrity_check = 'ok'"),
			1);
	/* purge is idempotent */
	CU_ASSERT_EQUAL(source_purge(&w->source, &did, &w->e), 0);
	CU_ASSERT_EQUAL(world_answers(w, ANSWER_ABSENT), w->n_items);
	buf_release(&did);
	buf_release(&samples);
}

static void rollback_mode_leaves_no_trace_of_the_client(void)
{
	struct world w;
	start(&w, "", "");
	destroy_and_look(&w);
	world_release(&w);
}

static void wal_mode_leaves_no_trace_of_the_client(void)
{
	struct world w;
	start(&w, "PRAGMA journal_mode=WAL", "");
	CU_ASSERT_TRUE(world_raw(&w, MARK) > 0);
	destroy_and_look(&w);
	world_release(&w);
}

static void persistent_journal_leaves_no_trace_of_the_client(void)
{
	struct world w;
	start(&w, "PRAGMA journal_mode=PERSIST; PRAGMA secure_delete=OFF;",
	      "UPDATE message SET body = body || '.';");
	/* old pages stand in the journal that the application keeps */
	char name[120];
	struct stat st;
	snprintf(name, sizeof(name), "%s-journal", w.path);
	CU_ASSERT_EQUAL(stat(name, &st), 0);
	CU_ASSERT_TRUE(st.st_size > 0);
	destroy_and_look(&w);
	world_release(&w);
}

static void wide_text_is_probed_in_its_own_encoding(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	struct buf did, samples;
	struct residue r;

	start(&w, "PRAGMA encoding='UTF-16le'", "");
	buf_init(&did, 1000);
	buf_init_secret(&samples, 65536);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(source_sample(&w.source, &samples, &w.e), 0);
	CU_ASSERT_EQUAL(
		source_residue(&w.source, samples.data, samples.len, &r, &w.e),
		0);
	CU_ASSERT_TRUE(r.hits > 20);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	CU_ASSERT_EQUAL(
		source_residue(&w.source, samples.data, samples.len, &r, &w.e),
		0);
	CU_ASSERT_EQUAL(r.hits, 0);
	buf_release(&did);
	buf_release(&samples);
	world_release(&w);
}

static void deletion_alone_is_seen_by_the_residue_probe(void)
{
	struct world w;
	struct buf samples;
	struct residue r;

	start(&w, "PRAGMA secure_delete=OFF", "");
	buf_init_secret(&samples, 65536);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(source_sample(&w.source, &samples, &w.e), 0);
	/* what scripts do: DELETE, and nothing after it */
	world_sql(&w, "DELETE FROM message WHERE client_id = 7;"
		      "DELETE FROM page WHERE client_id = 7;"
		      "DELETE FROM client WHERE id = 7;");
	CU_ASSERT_EQUAL(
		source_residue(&w.source, samples.data, samples.len, &r, &w.e),
		0);
	CU_ASSERT_TRUE(r.hits > 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_STAGING),
			PRESENCE_FOUND);
	struct buf did;
	buf_init(&did, 1000);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	CU_ASSERT_EQUAL(
		source_residue(&w.source, samples.data, samples.len, &r, &w.e),
		0);
	CU_ASSERT_EQUAL(r.hits, 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_STAGING),
			PRESENCE_NONE);
	buf_release(&did);
	buf_release(&samples);
	world_release(&w);
}

static void values_that_neighbours_share_are_not_sampled(void)
{
	struct world w;
	struct buf samples;
	struct residue r;

	world_init(&w, WORLD_SHOP);
	/* every text of client 7 is part of somebody else's */
	world_sql(&w,
		  "UPDATE client SET name = 'shared name of all';"
		  "UPDATE employee SET login = 'shared login ' || (id % 2);"
		  "UPDATE message SET body = 'shared body' WHERE chat_id < "
		  " 12; UPDATE message SET body = 'a shared body too' WHERE "
		  " chat_id >= 12;");
	world_root(&w, "client", "id");
	buf_init_secret(&samples, 65536);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(source_sample(&w.source, &samples, &w.e), 0);
	CU_ASSERT_EQUAL(samples.len, 0);
	CU_ASSERT_EQUAL(
		source_residue(&w.source, samples.data, samples.len, &r, &w.e),
		0);
	/* then it is not possible, never passed */
	CU_ASSERT_FALSE(r.possible);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.why, "client's alone"));
	world_sql(&w, "UPDATE employee SET login = 'only of seven' WHERE id = "
		      "1");
	CU_ASSERT_EQUAL(source_sample(&w.source, &samples, &w.e), 0);
	CU_ASSERT_EQUAL(samples.len, 14);
	CU_ASSERT_EQUAL(samples.data[0], 13);
	CU_ASSERT_EQUAL(memcmp(samples.data + 1, "only of seven", 13), 0);
	buf_release(&samples);
	world_release(&w);
}

/* ---- full-text indexes -------------------------------------------------- */

struct index {
	const char *name, *sql, *where;
};

static void full_text_indexes_forget_the_client(void)
{
	static const struct index list[] = {
		{"fts5, external content",
		 "CREATE VIRTUAL TABLE f USING fts5(body, content='message', "
		 "content_rowid='id'); INSERT INTO f(f) VALUES('rebuild');",
		 NULL},
		{"fts5, external content, kept by triggers",
		 "CREATE VIRTUAL TABLE f USING fts5(body, content=message, "
		 "content_rowid=id); INSERT INTO f(f) VALUES('rebuild');"
		 "CREATE TRIGGER t AFTER DELETE ON message BEGIN INSERT INTO "
		 "f(f, rowid, body) VALUES('delete', old.id, old.body); END;",
		 NULL},
		{"fts5, own content",
		 "CREATE VIRTUAL TABLE f USING fts5(body);"
		 "INSERT INTO f(rowid, body) SELECT id, body FROM message;",
		 "rowid IN (SELECT id FROM message WHERE client_id = "
		 ":client)"},
		{"fts4, own content",
		 "CREATE VIRTUAL TABLE f USING fts4(body);"
		 "INSERT INTO f(rowid, body) SELECT id, body FROM message;",
		 "rowid IN (SELECT id FROM message WHERE client_id = "
		 ":client)"},
		{"fts4, external content",
		 "CREATE VIRTUAL TABLE f USING fts4(content=\"message\", body);"
		 "INSERT INTO f(f) VALUES('rebuild');",
		 NULL},
		{"fts3, own content",
		 "CREATE VIRTUAL TABLE f USING fts3(body);"
		 "INSERT INTO f(rowid, body) SELECT id, body FROM message;",
		 "rowid IN (SELECT id FROM message WHERE client_id = "
		 ":client)"},
		{NULL, NULL, NULL}};

	for (const struct index *x = list; x->name != NULL; x++) {
		struct world w;
		start(&w, "", x->sql);
		if (x->where != NULL)
			world_table(&w, "f", x->where);
		CU_ASSERT_EQUAL(
			world_number(&w, "SELECT count(*) FROM f WHERE f MATCH "
					 "'" MARK "'"),
			1500);
		printf("# %s\n", x->name);
		destroy_and_look(&w);
		CU_ASSERT_EQUAL(
			world_number(&w, "SELECT count(*) FROM f WHERE f MATCH "
					 "'" MARK "'"),
			0);
		CU_ASSERT_EQUAL(
			world_number(&w, "SELECT count(*) FROM f WHERE f MATCH "
					 "'" OTHER "'"),
			1500);
		CU_ASSERT_EQUAL(
			world_class(&w, PHASE_AFTER, CLASS_FULL_TEXT_INDEX),
			PRESENCE_NONE);
		world_release(&w);
	}
}

static void index_over_renumbered_rows_is_made_again(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	struct buf did;

	/* no INTEGER PRIMARY KEY: VACUUM renumbers what the index points to */
	world_init(&w, "CREATE TABLE m(c TEXT, body TEXT);"
		       "CREATE VIRTUAL TABLE f USING fts5(body, content='m');"
		       "INSERT INTO m VALUES('7','alpha acme'),('8','bravo'),"
		       " ('7','charlie acme'),('8','delta');"
		       "INSERT INTO f(f) VALUES('rebuild');");
	world_table(&w, "m", "c = :client");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, NULL), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	buf_init(&did, 1000);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT rowid FROM f WHERE f MATCH "
					 "'delta'"),
			2);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM m JOIN f ON "
					 "f.rowid = m.rowid WHERE f MATCH "
					 "'delta' AND m.body = 'delta'"),
			1);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_STAGING),
			PRESENCE_NONE);
	buf_release(&did);
	world_release(&w);
}

static void index_that_still_has_the_clients_words_is_found(void)
{
	struct world w;
	size_t codes[8];
	struct bystanders by;
	struct buf did;

	start(&w, "",
	      "CREATE VIRTUAL TABLE f USING fts5(body, content='message', "
	      "content_rowid='id'); INSERT INTO f(f) VALUES('rebuild');");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_enumerate(&w), 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_BEFORE, CLASS_FULL_TEXT_INDEX),
			PRESENCE_FOUND);
	CU_ASSERT_EQUAL(world_destroy(&w, 64, codes, &by), 0);
	/* rows gone, index not: a planted copy */
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_FULL_TEXT_INDEX),
			PRESENCE_FOUND);
	buf_init(&did, 1000);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_FULL_TEXT_INDEX),
			PRESENCE_NONE);
	buf_release(&did);
	world_release(&w);
}

/* ---- other classes ------------------------------------------------------ */

static void samples_of_statistics_are_a_copy(void)
{
	struct world w;
	struct buf did;

	start(&w, "", "ANALYZE");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_BEFORE, CLASS_STATISTICS),
			PRESENCE_NONE);
	/* what another build of SQLite would have written */
	world_sql(&w,
		  "PRAGMA writable_schema=ON;"
		  "CREATE TABLE s4(tbl, idx, neq, nlt, ndlt, sample);"
		  "UPDATE sqlite_schema SET name='sqlite_stat4', "
		  " tbl_name='sqlite_stat4', sql='CREATE TABLE "
		  " sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)' WHERE "
		  " name='s4'; PRAGMA writable_schema=RESET;"
		  "INSERT INTO sqlite_stat4 VALUES('Message','mb','1','1','1',"
		  " 'sampled by analyze'),('other','x','1','1','1','y');");
	CU_ASSERT_EQUAL(world_class(&w, PHASE_BEFORE, CLASS_STATISTICS),
			PRESENCE_FOUND);
	CU_ASSERT_EQUAL(w.d.classes[CLASS_STATISTICS].count, 1);
	CU_ASSERT_TRUE(world_raw(&w, "sampled by analyze") > 0);
	buf_init(&did, 1000);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_STATISTICS),
			PRESENCE_NONE);
	CU_ASSERT_EQUAL(world_raw(&w, "sampled by analyze"), 0);
	CU_ASSERT_EQUAL(world_number(&w, "SELECT count(*) FROM sqlite_stat4"),
			1);
	buf_release(&did);
	world_release(&w);
}

static void log_that_somebody_wrote_after_the_purge_is_found(void)
{
	struct world w;
	struct buf did;

	start(&w, "PRAGMA journal_mode=WAL", "");
	buf_init(&did, 1000);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_BEFORE, CLASS_WRITE_AHEAD_LOG),
			PRESENCE_FOUND);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_WRITE_AHEAD_LOG),
			PRESENCE_NONE);
	world_sql(&w, "UPDATE message SET body = body WHERE id = 1");
	CU_ASSERT_EQUAL(world_class(&w, PHASE_AFTER, CLASS_WRITE_AHEAD_LOG),
			PRESENCE_FOUND);
	buf_release(&did);
	world_release(&w);
}

static int no_room(uint64_t *out, const char *folder)
{
	(void)folder;
	*out = 4096;
	return 0;
}

static void too_little_room_refuses_before_anything_is_rewritten(void)
{
	struct world w;
	struct buf did;
	int (*was)(uint64_t *, const char *) = sqlite_free_bytes;

	start(&w, "PRAGMA secure_delete=OFF", "DELETE FROM page");
	buf_init(&did, 1000);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	long long pages = world_number(&w, "PRAGMA page_count");
	sqlite_free_bytes = no_room;
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), -1);
	CU_ASSERT_EQUAL(w.e.code, ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "MiB free"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, "SQLITE_TMPDIR"));
	CU_ASSERT_EQUAL(world_number(&w, "PRAGMA page_count"), pages);
	sqlite_free_bytes = was;
	err_clear(&w.e);
	CU_ASSERT_EQUAL(source_purge(&w.source, &did, &w.e), 0);
	CU_ASSERT_TRUE(world_number(&w, "PRAGMA page_count") < pages);
	buf_release(&did);
	world_release(&w);
}

static void damaged_database_blocks(void)
{
	struct world w;

	start(&w, "", "");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "integrity"), 0);
	/* the first page of an index is overwritten */
	long long page = world_number(&w, "PRAGMA page_size");
	long long at = world_number(&w, "SELECT rootpage FROM sqlite_schema "
					"WHERE name = 'mb'");
	unsigned char junk[64];
	memset(junk, 0xee, sizeof(junk));
	int fd = open(w.path, O_WRONLY);
	CU_ASSERT_EQUAL(pwrite(fd, junk, sizeof(junk), (at - 1) * page),
			(ssize_t)sizeof(junk));
	close(fd);
	source_close(&w.source);
	CU_ASSERT_EQUAL(world_open(&w), 0);
	CU_ASSERT_EQUAL(world_blockers(&w, "integrity"), 1);
	CU_ASSERT_TRUE(world_says(&w, "not sound"));
	world_release(&w);
}

static void certificate_sentences_name_nothing(void)
{
	struct world w;

	world_init(&w, WORLD_SHOP);
	world_root(&w, "client", "id");
	CU_ASSERT_EQUAL(world_open(&w), 0);
	for (int phase = 0; phase < 2; phase++) {
		world_class(&w, (enum phase)phase, CLASS_CURRENT);
		const char *const *no;
		static const char *const names[] = {
			"client_id",	  "employee", "app.db",
			"quietus-sqlite", "message",  NULL};
		for (no = names; *no != NULL; no++) {
			CU_ASSERT_PTR_NULL(strstr(w.d.method, *no));
			CU_ASSERT_PTR_NULL(strstr(w.d.limits, *no));
			for (size_t i = 0; i < w.d.n_facts; i++)
				CU_ASSERT_PTR_NULL(
					strstr(w.d.facts[i].value, *no));
			for (size_t c = 0; c < CLASS_COUNT; c++)
				CU_ASSERT_PTR_NULL(
					strstr(w.d.classes[c].why, *no));
		}
		/* every class of the list has an answer */
		for (const enum copy_class *c = w.source.provider->classes;
		     *c != CLASS_UNKNOWN; c++)
			CU_ASSERT_NOT_EQUAL(w.d.classes[*c].presence,
					    PRESENCE_UNKNOWN);
	}
	world_release(&w);
}

/* ---- many strings at once ----------------------------------------------- */

static void match_counts_what_a_plain_search_counts(void)
{
	static const char *const patterns[] = {
		"abcdefgh",  "abcdefghi",     "bcdefghij", "xxxxxxxx",
		"aaaaaaaab", "needle in hay", NULL};
	struct err e = ERR_INIT;
	struct match *m = match_new();
	unsigned char text[20000];
	uint64_t plain = 0;
	unsigned seed = 1;

	for (const char *const *p = patterns; *p != NULL; p++)
		CU_ASSERT_EQUAL(match_add(m, *p, strlen(*p), &e), 0);
	CU_ASSERT_EQUAL(match_add(m, "abcdefgh", 8, &e), 0);
	CU_ASSERT_EQUAL(match_count(m), 6);
	CU_ASSERT_EQUAL(match_add(m, "short", 5, &e), -1);
	for (size_t i = 0; i < sizeof(text); i++) {
		seed = seed * 1103515245 + 12345;
		text[i] = (unsigned char)("abcdefghijx"[seed >> 16 & 7]);
	}
	for (size_t i = 0; i + 40 < sizeof(text); i += 97) {
		const char *p = patterns[i % 6];
		memcpy(text + i, p, strlen(p));
	}
	memset(text + 5000, 'x', 30);
	memcpy(text + sizeof(text) - 8, "abcdefgh", 8);
	for (const char *const *p = patterns; *p != NULL; p++)
		for (size_t i = 0; i + strlen(*p) <= sizeof(text); i++)
			plain += memcmp(text + i, *p, strlen(*p)) == 0;
	CU_ASSERT_TRUE(plain > 200);
	CU_ASSERT_EQUAL(match_scan(m, text, sizeof(text), sizeof(text), NULL),
			plain);
	/* in two halves that overlap, nothing is counted twice */
	uint64_t halves = match_scan(m, text, 10063, 10000, NULL) +
			  match_scan(m, text + 10000, 10000, 10000, NULL);
	CU_ASSERT_EQUAL(halves, plain);
	match_free(m);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(rollback_mode_leaves_no_trace_of_the_client),
		UNIT(wal_mode_leaves_no_trace_of_the_client),
		UNIT(persistent_journal_leaves_no_trace_of_the_client),
		UNIT(wide_text_is_probed_in_its_own_encoding),
		UNIT(deletion_alone_is_seen_by_the_residue_probe),
		UNIT(values_that_neighbours_share_are_not_sampled),
		UNIT(full_text_indexes_forget_the_client),
		UNIT(index_over_renumbered_rows_is_made_again),
		UNIT(index_that_still_has_the_clients_words_is_found),
		UNIT(samples_of_statistics_are_a_copy),
		UNIT(log_that_somebody_wrote_after_the_purge_is_found),
		UNIT(too_little_room_refuses_before_anything_is_rewritten),
		UNIT(damaged_database_blocks),
		UNIT(certificate_sentences_name_nothing),
		UNIT(match_counts_what_a_plain_search_counts),
		{NULL, NULL}};
	return unit_run("sqlite_purge", tests);
}
