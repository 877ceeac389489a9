/* describe.c: what the database is, where else it keeps what was in its rows,
 * and what stands in the way. */
#include "providers/sqlite/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* ---- facts -------------------------------------------------------------- */

struct file_system {
	long magic;
	const char *name;
	bool copies; /* new content goes elsewhere on the medium */
};

/* Numbers of linux/magic.h. */
static const struct file_system file_systems[] = {
	{0xEF53, "ext2, ext3 or ext4", false},
	{0x58465342, "xfs", false},
	{0x9123683E, "btrfs", true},
	{0x2FC12FC1, "zfs", true},
	{0xF2F52010, "f2fs", true},
	{0x01021994, "tmpfs", false},
	{0x794c7630, "overlayfs", false},
	{0x6969, "nfs", false},
	{0x65735546, "fuse", false},
	{0, NULL, false}};

static void describe_file(struct store *s, struct description *d)
{
	struct statfs fs;
	struct stat st;
	const struct file_system *f = file_systems;

	description_fact(d, "engine", "SQLite %s", sqlite3_libversion());
	if (stat(s->path, &st) == 0) {
		description_fact(d, "file size", "%llu bytes",
				 (unsigned long long)st.st_size);
		if (st.st_nlink > 1)
			description_fact(d, "other names",
					 "the file has %llu names; all show "
					 "the same content",
					 (unsigned long long)st.st_nlink);
	}
	if (s->by_link)
		description_fact(d, "path", "a symbolic link was followed");
	if (statfs(s->path, &fs) != 0)
		return;
	while (f->name != NULL && f->magic != (long)fs.f_type)
		f++;
	if (f->name == NULL)
		description_fact(d, "file system", "type 0x%lx",
				 (unsigned long)fs.f_type);
	else
		description_fact(d, "file system", "%s%s", f->name,
				 f->copies ? ", which writes new content "
					     "elsewhere on the medium"
					   : "");
}

static int pragma_text(char out[64], struct store *s, const char *name,
		       struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	struct buf b;

	buf_init(&b, 256);
	buf_putf(&b, "PRAGMA main.%s", name);
	out[0] = '\0';
	if (sql_prepare(&stmt, s, s->ro, &b, e) != 0)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		snprintf(out, 64, "%s",
			 (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return 0;
}

static int describe_settings(struct store *s, struct description *d,
			     struct err *e)
{
	char mode[64], page[64], encoding[64];

	if (pragma_text(mode, s, "journal_mode", e) != 0 ||
	    pragma_text(page, s, "page_size", e) != 0 ||
	    pragma_text(encoding, s, "encoding", e) != 0)
		return -1;
	description_fact(d, "journal mode", "%s", mode);
	description_fact(d, "page size", "%s", page);
	description_fact(d, "encoding", "%s", encoding);
	return 0;
}

/* ---- classes ------------------------------------------------------------ */

static void describe_log(struct store *s, enum phase phase,
			 struct description *d)
{
	uint64_t wal = store_side_file(s, "-wal");
	uint64_t journal = store_side_file(s, "-journal");

	if (wal + journal == 0) {
		description_class(d, CLASS_WRITE_AHEAD_LOG, PRESENCE_NONE, 0,
				  "No write-ahead log and no rollback journal "
				  "with content lies beside the database.");
		return;
	}
	description_class(d, CLASS_WRITE_AHEAD_LOG, PRESENCE_FOUND,
			  (wal != 0 ? 1 : 0) + (journal != 0 ? 1 : 0),
			  phase != PHASE_AFTER
				  ? "The write-ahead log or rollback journal "
				    "holds copies of pages; it is truncated "
				    "after the destruction."
				  : "The write-ahead log or rollback journal "
				    "holds pages: somebody used the database "
				    "after it was truncated. Purge again.");
	d->classes[CLASS_WRITE_AHEAD_LOG].bytes = wal + journal;
}

static int describe_statistics(struct store *s, struct description *d,
			       struct err *e)
{
	static const char *const stats[] = {"sqlite_stat3", "sqlite_stat4",
					    NULL};
	uint64_t values = 0;

	for (const char *const *stat = stats; *stat != NULL; stat++) {
		int64_t there, n;
		if (sql_number(&there, s, s->ro, e,
			       "SELECT count(*) FROM main.sqlite_schema "
			       "WHERE name = %Q",
			       *stat) != 0)
			return -1;
		for (size_t i = 0; there != 0 && i < s->graph.n_tables; i++) {
			if (!s->graph.tables[i].reach)
				continue;
			if (sql_number(&n, s, s->ro, e,
				       "SELECT count(*) FROM main.%s WHERE "
				       "tbl = %Q COLLATE NOCASE",
				       *stat, s->graph.tables[i].name) != 0)
				return -1;
			values += (uint64_t)n;
		}
	}
	description_class(d, CLASS_STATISTICS,
			  values != 0 ? PRESENCE_FOUND : PRESENCE_NONE, values,
			  values != 0
				  ? "ANALYZE keeps samples of values from the "
				    "tables concerned; they are removed after "
				    "the destruction."
				  : "No samples of values are kept for the "
				    "tables concerned; other statistics are "
				    "counts only.");
	return 0;
}

static uint64_t full_text_tables(const struct store *s)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s->graph.n_tables; i++)
		n += purge_concerns(s, i) ? 1 : 0;
	return n;
}

static void describe_full_text(struct store *s, enum phase phase,
			       struct description *d)
{
	uint64_t n = full_text_tables(s), bad = 0;
	struct err why = ERR_INIT;

	if (n == 0) {
		description_class(d, CLASS_FULL_TEXT_INDEX, PRESENCE_NONE, 0,
				  "No full-text index over the tables "
				  "concerned.");
		return;
	}
	if (phase != PHASE_AFTER) {
		description_class(
			d, CLASS_FULL_TEXT_INDEX, PRESENCE_FOUND, n,
			"Full-text indexes over the tables concerned; "
			"they are made again from what is left.");
		return;
	}
	/* the index is held against its content by the library itself */
	if (integrity_full_text(&bad, s, &why) != 0)
		description_class(
			d, CLASS_FULL_TEXT_INDEX, PRESENCE_UNKNOWN, 0,
			"The full-text indexes could not be compared "
			"with their content: the database was busy or "
			"read-only.");
	else if (bad != 0)
		description_class(d, CLASS_FULL_TEXT_INDEX, PRESENCE_FOUND, bad,
				  "A full-text index holds words that its "
				  "content does not have. Purge again.");
	else
		description_class(d, CLASS_FULL_TEXT_INDEX, PRESENCE_NONE, 0,
				  "The full-text indexes agree with their "
				  "content.");
}

static int describe_staging(struct store *s, struct description *d,
			    struct err *e)
{
	int64_t pages, size;

	if (sql_number(&pages, s, s->ro, e, "PRAGMA main.freelist_count") !=
		    0 ||
	    sql_number(&size, s, s->ro, e, "PRAGMA main.page_size") != 0)
		return -1;
	description_class(
		d, CLASS_STAGING, pages != 0 ? PRESENCE_FOUND : PRESENCE_NONE,
		(uint64_t)pages,
		pages != 0 ? "Free pages in the file can hold old rows; "
			     "the file is rewritten after the "
			     "destruction."
			   : "The file has no free pages.");
	d->classes[CLASS_STAGING].bytes = (uint64_t)(pages * size);
	return 0;
}

/* ---- blockers ----------------------------------------------------------- */

static int block_schema(struct store *s, struct description *d, struct err *e)
{
	const struct graph *g = &s->graph;

	for (size_t i = 0; i < s->n_defects; i++) {
		const struct defect *x = &s->defects[i];
		if (x->table != GRAPH_NONE && g->tables[x->table].excluded)
			continue;
		if (description_block(d, e, x->kind, 1, "%s", x->text) != 0)
			return -1;
	}
	for (size_t i = 0; i < g->n_tables; i++) {
		const struct graph_table *t = &g->tables[i];
		size_t fk;
		if (graph_uncovered(g, i, &fk)) {
			if (description_block(
				    d, e, "uncovered-table", 1,
				    "table %s has %s, by which %s leads to the "
				    "client, but nothing selects it: add it to "
				    "tables, or to excluded with a reason",
				    t->name, g->fks[fk].from[0],
				    g->tables[g->fks[fk].child].name) != 0)
				return -1;
		} else if (s->table[i].fts == FTS_OWN && !t->reach &&
			   !t->excluded &&
			   description_block(
				   d, e, "uncovered-table", 1,
				   "full-text table %s keeps its own copy of "
				   "texts and nothing selects it: add it to "
				   "tables (where = \"rowid IN (...)\"), or to "
				   "excluded with a reason",
				   t->name) != 0) {
			return -1;
		}
	}
	return 0;
}

static int block_unsound(struct store *s, struct description *d, struct err *e)
{
	uint64_t problems, inside, outside;
	char first[200];

	if (integrity_structure(&problems, first, s, s->ro, e) != 0)
		return -1;
	if (problems != 0 &&
	    description_block(d, e, "integrity", problems,
			      "the database is not sound: %s: repair it first",
			      first) != 0)
		return -1;
	if (integrity_references(&inside, &outside, first, s, s->ro, e) != 0)
		return -1;
	if (inside != 0 &&
	    description_block(d, e, "foreign-key", inside,
			      "%s: whose rows they are cannot be told; repair "
			      "the references first",
			      first) != 0)
		return -1;
	description_fact(d, "checks",
			 "structure: %llu problem(s); references "
			 "to rows that do not exist: %llu",
			 (unsigned long long)problems,
			 (unsigned long long)(inside + outside));
	return 0;
}

static int block_scope(struct store *s, struct description *d, struct err *e)
{
	if (select_scope(s, e) != 0)
		return -1;
	for (size_t i = 0; i < s->n_findings; i++)
		if (description_block(d, e, s->findings[i].kind,
				      s->findings[i].count, "%s",
				      s->findings[i].text) != 0)
			return -1;
	return 0;
}

/* The client's name as its root row has it: the first text that is not the
 * client's number itself.  For whoever approves; never an error. */
static void describe_found(struct store *s, struct description *d)
{
	struct err ignored = ERR_INIT;
	sqlite3_stmt *stmt = NULL;
	struct buf b;

	if (s->root == GRAPH_NONE)
		return;
	char *table = sql_quote(s->graph.tables[s->root].name);
	if (table == NULL)
		return;
	buf_init(&b, 8192);
	buf_putf(&b, "SELECT * FROM main.%s WHERE %s = :client LIMIT 1", table,
		 s->root_column);
	free(table);
	if (sql_prepare(&stmt, s, s->ro, &b, &ignored) == 0 &&
	    sql_bind_client(s, stmt, &ignored) == 0 &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			if (sqlite3_column_type(stmt, i) != SQLITE_TEXT)
				continue;
			const char *text =
				(const char *)sqlite3_column_text(stmt, i);
			if (strcmp(text, s->scope->client) == 0)
				continue;
			snprintf(d->found, sizeof(d->found), "%s", text);
			break;
		}
	sqlite3_finalize(stmt);
}

int sqlite_describe(void *handle, enum phase phase, struct description *d,
		    struct err *e)
{
	struct store *s = handle;
	int rc = -1;

	describe_file(s, d);
	if (store_begin_read(s, e) != 0)
		return -1;
	if (describe_settings(s, d, e) != 0 ||
	    describe_statistics(s, d, e) != 0 || describe_staging(s, d, e) != 0)
		goto out;
	description_class(d, CLASS_CURRENT, PRESENCE_ITEMS, 0,
			  "Rows in tables.");
	describe_log(s, phase, d);
	describe_found(s, d);
	if (phase != PHASE_AFTER &&
	    (block_schema(s, d, e) != 0 || block_scope(s, d, e) != 0))
		goto out;
	/* reads the whole file; purge looks again at the end */
	if (phase == PHASE_BEFORE && block_unsound(s, d, e) != 0)
		goto out;
	snprintf(d->method, sizeof(d->method),
		 "Rows deleted by primary key with freed bytes zeroed "
		 "(secure_delete), full-text indexes made again, the file "
		 "rewritten (VACUUM), its write-ahead log truncated. Logical "
		 "deletion, no media sanitization claimed.");
	snprintf(d->limits, sizeof(d->limits),
		 "Copies of the file, of its rollback journals and temporary "
		 "files that the file system or the medium keeps are out of "
		 "reach of SQLite; so are backups and files made from the "
		 "database.");
	rc = 0;
out:
	store_end_read(s);
	/* after the reading: it needs the writing connection */
	if (rc == 0)
		describe_full_text(s, phase, d);
	return rc;
}
