/*
 * purge.c: makes the destruction physical.
 *
 * The order was measured (docs/providers/SQLITE.md): full-text indexes keep
 * words of deleted rows until they are made again; freed pages and the gaps
 * inside pages are rewritten by VACUUM; in WAL mode old pages stay in the
 * -wal file until it is truncated, and only its answer says that it was.
 */
#include "providers/sqlite/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "certs/base/file.h"

static int free_bytes(uint64_t *out, const char *folder)
{
	struct statvfs v;

	if (statvfs(folder, &v) != 0)
		return -1;
	*out = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

int (*sqlite_free_bytes)(uint64_t *out, const char *folder) = free_bytes;

uint64_t store_side_file(const struct store *s, const char *ending)
{
	struct buf b;
	struct stat st;
	uint64_t size = 0;

	buf_init(&b, 8192);
	buf_putf(&b, "%s%s", s->path, ending);
	if (stat(buf_str(&b), &st) == 0)
		size = (uint64_t)st.st_size;
	buf_release(&b);
	return size;
}

bool purge_concerns(const struct store *s, size_t table)
{
	const struct table *t = &s->table[table];

	if (t->fts == FTS_NONE || s->graph.tables[table].excluded)
		return false;
	if (t->fts == FTS_OWN)
		return s->graph.tables[table].reach;
	size_t content = graph_find(&s->graph, t->content);
	/* a view may show any table */
	return content == GRAPH_NONE || s->graph.tables[content].reach;
}

/* moved: only those whose content VACUUM has renumbered. */
static int rebuild(uint64_t *n, struct store *s, bool moved, struct err *e)
{
	*n = 0;
	for (size_t i = 0; i < s->graph.n_tables; i++) {
		const char *name = s->graph.tables[i].name;
		if (!purge_concerns(s, i) ||
		    (moved && !s->table[i].content_rowid_moves))
			continue;
		if (sql_exec(s, s->rw, e,
			     "INSERT INTO main.\"%w\"(\"%w\") "
			     "VALUES('rebuild')",
			     name, name) != 0)
			return err_add(e, "making full-text index %s again",
				       name);
		(*n)++;
	}
	return 0;
}

/* Samples of values, kept by ANALYZE (sqlite_stat3, sqlite_stat4). */
static int forget_samples(int64_t *n, struct store *s, struct err *e)
{
	static const char *const stats[] = {"sqlite_stat3", "sqlite_stat4",
					    NULL};

	*n = 0;
	for (const char *const *stat = stats; *stat != NULL; stat++) {
		int64_t there = 0;
		if (sql_number(&there, s, s->rw, e,
			       "SELECT count(*) FROM main.sqlite_schema "
			       "WHERE name = %Q",
			       *stat) != 0)
			return -1;
		for (size_t i = 0; there != 0 && i < s->graph.n_tables; i++) {
			if (!s->graph.tables[i].reach)
				continue;
			if (sql_exec(s, s->rw, e,
				     "DELETE FROM main.%s WHERE tbl = %Q "
				     "COLLATE NOCASE",
				     *stat, s->graph.tables[i].name) != 0)
				return -1;
			*n += sqlite3_changes64(s->rw);
		}
	}
	return 0;
}

/* VACUUM writes a copy to SQLite's folder for temporary files, then back
 * through the journal or the write-ahead log beside the database. */
static int room(struct store *s, struct err *e)
{
	int64_t pages = 0, page = 0;
	char *name = NULL;
	char *here = file_dirname(s->path), *there = NULL;
	struct stat a, b;
	uint64_t free_here = 0, free_there = 0;
	int rc = -1;

	if (sql_number(&pages, s, s->rw, e, "PRAGMA main.page_count") != 0 ||
	    sql_number(&page, s, s->rw, e, "PRAGMA main.page_size") != 0)
		goto out;
	uint64_t need = (uint64_t)pages * (uint64_t)page + 1024 * 1024;
	sqlite3_file_control(s->rw, "main", SQLITE_FCNTL_TEMPFILENAME, &name);
	there = name != NULL ? file_dirname(name) : NULL;
	if (here == NULL || there == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (stat(here, &a) != 0 || stat(there, &b) != 0 ||
	    sqlite_free_bytes(&free_here, here) != 0 ||
	    sqlite_free_bytes(&free_there, there) != 0) {
		rc = 0; /* unknown: VACUUM itself fails cleanly */
		goto out;
	}
	uint64_t need_here = a.st_dev == b.st_dev ? 2 * need : need;
	if (free_here < need_here || free_there < need) {
		err_set(e, ERR_REFUSED,
			"rewriting %s needs %llu MiB free in %s and %llu MiB "
			"in %s; there are %llu and %llu: make room (or name "
			"another folder in SQLITE_TMPDIR) and run the command "
			"again",
			s->path, (unsigned long long)(need_here >> 20), here,
			(unsigned long long)(need >> 20), there,
			(unsigned long long)(free_here >> 20),
			(unsigned long long)(free_there >> 20));
		goto out;
	}
	rc = 0;
out:
	sqlite3_free(name);
	free(here);
	free(there);
	return rc;
}

static int truncate_log(struct store *s, struct err *e)
{
	int log = 0, done = 0;

	if (sqlite3_wal_checkpoint_v2(s->rw, "main", SQLITE_CHECKPOINT_TRUNCATE,
				      &log, &done) != SQLITE_OK)
		return sql_fail(s, s->rw, e, "truncating the write-ahead log");
	/* the answer, not the call, says whether it happened */
	if (log > 0 || store_side_file(s, "-wal") != 0) {
		struct buf who;
		buf_init(&who, 600);
		busy_who(&who, s);
		err_set(e, ERR_REFUSED,
			"truncating the write-ahead log of %s: %d pages are "
			"still in it because somebody reads or writes: stop "
			"what uses the database and try again: %s",
			s->path, log, buf_str(&who));
		buf_release(&who);
		return -1;
	}
	return 0;
}

static int check_after(uint64_t *dangling, struct store *s, struct err *e)
{
	uint64_t problems, inside, outside;
	char first[200], reference[200];

	if (integrity_structure(&problems, first, s, s->rw, e) != 0 ||
	    integrity_references(&inside, &outside, reference, s, s->rw, e) !=
		    0)
		return -1;
	if (problems != 0)
		return err_set(e, ERR_STORE,
			       "checking %s after the destruction: %s: restore "
			       "or repair it, then run the command again",
			       s->path, first);
	*dangling = inside + outside;
	return 0;
}

static int rewrite(struct store *s, struct err *e)
{
	uint64_t moved;

	if (sql_exec(s, s->rw, e, "VACUUM main") != 0)
		return err_add(e, "VACUUM");
	if (rebuild(&moved, s, true, e) != 0)
		return -1;
	/* what the second rebuild freed */
	if (moved != 0 && sql_exec(s, s->rw, e, "VACUUM main") != 0)
		return err_add(e, "VACUUM");
	return 0;
}

int sqlite_purge(void *handle, struct buf *did, struct err *e)
{
	struct store *s = handle;
	uint64_t indexes = 0, dangling = 0;
	int64_t samples = 0;

	if (store_still_there(s, e) != 0 || store_writer(s, e) != 0 ||
	    store_same_schema(s, s->rw, e) != 0 || room(s, e) != 0)
		return -1;
	/* VACUUM wants no statement of this connection open */
	ops_release(s);
	if (rebuild(&indexes, s, false, e) != 0 ||
	    forget_samples(&samples, s, e) != 0 || rewrite(s, e) != 0 ||
	    truncate_log(s, e) != 0 || check_after(&dangling, s, e) != 0)
		return -1;
	buf_putf(did,
		 "%llu full-text index(es) made again, %lld statistics "
		 "sample(s) removed, the database file rewritten (VACUUM), its "
		 "write-ahead log truncated, its structure checked: sound; "
		 "%llu reference(s) to rows that do not exist.",
		 (unsigned long long)indexes, (long long)samples,
		 (unsigned long long)dangling);
	return buf_failed(did) ? err_set(e, ERR_FAILED, "out of memory") : 0;
}
