/*
 * residue.c: values of the client, looked for in the raw bytes.
 *
 * Only values that occur nowhere outside the scope are taken: else a
 * neighbour's row would look like residue.  The database file is read through
 * the library's own file handle: opening and closing it a second time would
 * drop the locks that this process holds (POSIX locks belong to the process).
 */
#include "providers/sqlite/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/base/wipe.h"

#define SAMPLES 64     /* values kept */
#define CANDIDATES 384 /* values considered */
#define PER_COLUMN 16
#define TAIL 40	      /* bytes taken of a longer value */
#define LOOK_ROWS 200 /* rows looked at from each end of a table */
#define BLOCK (1024 * 1024)

/* ---- candidates -------------------------------------------------------------
 */

/* Zeroes and repeated letters occur in any file. */
static bool distinctive(const unsigned char *p, size_t len)
{
	bool seen[256] = {false};
	size_t kinds = 0;

	for (size_t i = 0; i < len; i++) {
		kinds += seen[p[i]] ? 0 : 1;
		seen[p[i]] = true;
	}
	return kinds >= 5;
}

/* The bytes as they lie in the file: text in the database's encoding. */
static const unsigned char *raw(size_t *len, sqlite3_stmt *stmt, int at)
{
	int type = sqlite3_column_type(stmt, at);

	*len = 0;
	if (type != SQLITE_TEXT && type != SQLITE_BLOB)
		return NULL;
	const unsigned char *p = sqlite3_column_blob(stmt, at);
	*len = p != NULL ? (size_t)sqlite3_column_bytes(stmt, at) : 0;
	return p;
}

static int take_rows(struct match *m, sqlite3_stmt *stmt, size_t n_columns,
		     size_t most, unsigned *taken, struct err *e)
{
	size_t start = match_count(m);

	while (sqlite3_step(stmt) == SQLITE_ROW)
		for (size_t c = 0; c < n_columns; c++) {
			size_t len;
			const unsigned char *p = raw(&len, stmt, (int)c);
			/* the end tells texts apart better than the beginning,
			 * and is looked for faster */
			if (len > TAIL) {
				p += len - TAIL;
				len = TAIL;
			}
			if (len < MATCH_MIN || taken[c] >= PER_COLUMN ||
			    match_count(m) >= start + most ||
			    match_count(m) >= CANDIDATES ||
			    !distinctive(p, len))
				continue;
			if (match_add(m, p, len, e) != 0)
				return -1;
			taken[c]++;
		}
	return 0;
}

/* Some rows from both ends of the table's part of the scope. */
static int take_table(struct match *m, struct store *s, size_t table,
		      size_t most, struct err *e)
{
	const struct table *t = &s->table[table];
	unsigned *taken = calloc(t->n_columns + 1, sizeof(*taken));
	int rc = taken != NULL ? 0 : err_set(e, ERR_FAILED, "out of memory");

	for (int down = 0; down < 2 && rc == 0; down++) {
		sqlite3_stmt *stmt = NULL;
		char *name = sql_quote(s->graph.tables[table].name);
		struct buf b;
		buf_init(&b, 256 * 1024);
		buf_puts(&b, "SELECT ");
		for (size_t i = 0; i < t->n_columns; i++)
			buf_putf(&b, "%sc.%s", i != 0 ? "," : "",
				 t->columns[i]);
		buf_putf(&b, " FROM temp.s%zu s CROSS JOIN main.%s c ON ",
			 table, name != NULL ? name : "");
		select_match(&b, t, "s", "c");
		buf_puts(&b, " WHERE s.ret = 0 ORDER BY ");
		for (size_t i = 0; i < t->n_keys; i++)
			buf_putf(&b, "%ss.k%zu%s", i != 0 ? "," : "", i + 1,
				 down != 0 ? " DESC" : "");
		buf_putf(&b, " LIMIT %d", LOOK_ROWS);
		free(name);
		rc = sql_prepare(&stmt, s, s->ro, &b, e);
		if (rc == 0)
			rc = take_rows(m, stmt, t->n_columns,
				       down != 0 ? most : most / 2 + 1, taken,
				       e);
		sqlite3_finalize(stmt);
		/* the other end gets its own share of each column */
		for (size_t i = 0; rc == 0 && i < t->n_columns; i++)
			taken[i] /= 2;
	}
	free(taken);
	return rc;
}

/* ---- which of them occur elsewhere -------------------------------------- */

static int strike_rows(const struct match *m, bool *found, struct store *s,
		       struct buf *sql, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int step, rc = -1;

	if (sql_prepare(&stmt, s, s->ro, sql, e) != 0)
		return -1;
	int n = sqlite3_column_count(stmt);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
		for (int c = 0; c < n; c++) {
			size_t len;
			const unsigned char *p = raw(&len, stmt, c);
			if (len >= MATCH_MIN)
				match_scan(m, p, len, len, found);
		}
	if (step != SQLITE_DONE) {
		sql_fail(s, s->ro, e, "comparing with other rows");
		goto out;
	}
	rc = 0;
out:
	sqlite3_finalize(stmt);
	return rc;
}

/* Marks the candidates that stand in rows which stay, or in the schema. */
static int strike(const struct match *m, bool *found, struct store *s,
		  struct err *e)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_puts(&b, "SELECT name, tbl_name, sql FROM main.sqlite_schema");
	if (strike_rows(m, found, s, &b, e) != 0)
		return -1;
	for (size_t i = 0; i < s->graph.n_tables; i++) {
		const struct table *t = &s->table[i];
		if (t->n_columns == 0 || t->fts == FTS_EXTERNAL)
			continue;
		char *name = sql_quote(s->graph.tables[i].name);
		buf_init(&b, 256 * 1024);
		buf_puts(&b, "SELECT ");
		for (size_t c = 0; c < t->n_columns; c++)
			buf_putf(&b, "%sc.%s", c != 0 ? "," : "",
				 t->columns[c]);
		buf_putf(&b, " FROM main.%s c", name != NULL ? name : "");
		free(name);
		if (s->graph.tables[i].reach) {
			buf_putf(&b,
				 " WHERE NOT EXISTS (SELECT 1 FROM "
				 "temp.s%zu x WHERE x.ret = 0 AND ",
				 i);
			select_match(&b, t, "x", "c");
			buf_puts(&b, ")");
		}
		if (strike_rows(m, found, s, &b, e) != 0)
			return -1;
	}
	return 0;
}

/* Keeps up to SAMPLES of those left, spread over the candidates. */
static int keep(struct buf *samples, const struct match *m, const bool *found,
		struct err *e)
{
	size_t left = 0, kept = 0, seen = 0;

	for (size_t i = 0; i < match_count(m); i++)
		left += found[i] ? 0 : 1;
	for (size_t i = 0; i < match_count(m); i++) {
		size_t len;
		const unsigned char *p = match_get(m, i, &len);
		if (found[i])
			continue;
		/* the seen-th of left goes to place seen * SAMPLES / left */
		size_t want = left <= SAMPLES ? seen + 1
					      : (seen + 1) * SAMPLES / left;
		seen++;
		if (kept >= want)
			continue;
		kept++;
		buf_putc(samples, (unsigned char)len);
		buf_put(samples, p, len);
	}
	return buf_failed(samples) ? err_set(e, ERR_FAILED, "out of memory")
				   : 0;
}

int sqlite_sample(void *handle, struct buf *samples, struct err *e)
{
	struct store *s = handle;
	struct match *m = match_new();
	bool *found = calloc(CANDIDATES + 64, sizeof(*found));
	int rc = -1;

	if (m == NULL || found == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (store_begin_read(s, e) != 0 || select_scope(s, e) != 0)
		goto out;
	size_t most = CANDIDATES / (s->graph.n_order + 1) + PER_COLUMN;
	for (size_t i = 0; i < s->graph.n_order; i++)
		if (take_table(m, s, s->graph.order[i], most, e) != 0)
			goto out;
	if (match_count(m) != 0 && strike(m, found, s, e) != 0)
		goto out;
	rc = keep(samples, m, found, e);
out:
	store_end_read(s);
	free(found);
	match_free(m);
	return rc;
}

/* ---- the raw bytes ------------------------------------------------------ */

/* Bytes from offset on: *n, 0 at the end.  One of two kinds of file. */
struct raw_file {
	sqlite3_file *library;
	int fd;
};

static int raw_read(size_t *n, struct raw_file *f, unsigned char *out,
		    size_t size, uint64_t offset, uint64_t end)
{
	uint64_t left = end > offset ? end - offset : 0;

	*n = left < size ? (size_t)left : size;
	if (*n == 0)
		return 0;
	if (f->library != NULL) {
		int rc = f->library->pMethods->xRead(f->library, out, (int)*n,
						     (sqlite3_int64)offset);
		return rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ ? 0
									: -1;
	}
	ssize_t got;
	do
		got = pread(f->fd, out, *n, (off_t)offset);
	while (got < 0 && errno == EINTR);
	*n = got > 0 ? (size_t)got : 0;
	return got < 0 ? -1 : 0;
}

static int scan(struct residue *r, const struct match *m, struct store *s,
		struct raw_file *f, uint64_t end, struct err *e)
{
	const size_t overlap = MATCH_MAX - 1;
	unsigned char *block = malloc(BLOCK + overlap);
	size_t kept = 0, n;
	uint64_t offset = 0;
	int rc = -1;

	if (block == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (;;) {
		if (store_stopped(s)) {
			err_set(e, ERR_STOPPED, "stopped");
			goto out;
		}
		if (raw_read(&n, f, block + kept, BLOCK, offset, end) != 0) {
			err_set(e, ERR_UNREACHABLE,
				"reading the raw bytes of %s failed", s->path);
			goto out;
		}
		size_t have = kept + n;
		/* what begins in the overlap is counted with the next block */
		size_t limit =
			n == 0 ? have : (have > overlap ? have - overlap : 0);
		r->hits += match_scan(m, block, have, limit, NULL);
		if (n == 0)
			break;
		r->bytes += n;
		offset += n;
		kept = have - limit;
		memmove(block, block + limit, kept);
	}
	rc = 0;
out:
	wipe(block, BLOCK + overlap);
	free(block);
	return rc;
}

static int scan_main(struct residue *r, const struct match *m, struct store *s,
		     struct err *e)
{
	struct raw_file f = {NULL, -1};
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(s->ro, "main", SQLITE_FCNTL_FILE_POINTER,
				 &f.library) != SQLITE_OK ||
	    f.library == NULL || f.library->pMethods == NULL ||
	    f.library->pMethods->xFileSize(f.library, &size) != SQLITE_OK)
		return err_set(e, ERR_UNREACHABLE,
			       "reading the raw bytes of %s failed", s->path);
	return scan(r, m, s, &f, (uint64_t)size, e);
}

static int scan_side(struct residue *r, const struct match *m, struct store *s,
		     const char *ending, struct err *e)
{
	struct raw_file f = {NULL, -1};
	struct buf b;
	int rc = -1;

	buf_init(&b, 8192);
	buf_putf(&b, "%s%s", s->path, ending);
	f.fd = open(buf_str(&b), O_RDONLY | O_CLOEXEC);
	if (f.fd < 0 && errno == ENOENT)
		rc = 0;
	else if (f.fd < 0)
		err_errno(e, "reading %s", buf_str(&b));
	else
		rc = scan(r, m, s, &f, UINT64_MAX, e);
	if (f.fd >= 0)
		close(f.fd);
	buf_release(&b);
	return rc;
}

int sqlite_residue(void *handle, const void *samples, size_t len,
		   struct residue *r, struct err *e)
{
	struct store *s = handle;
	struct match *m = match_new();
	const unsigned char *p = samples;
	int rc = -1;

	if (m == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	snprintf(r->regions, sizeof(r->regions),
		 "database file, write-ahead log, rollback journal");
	for (size_t i = 0; i < len; i += (size_t)p[i] + 1) {
		if (p[i] > len - i - 1) {
			err_set(e, ERR_INVALID,
				"the sampled values are damaged: the ledger "
				"was changed");
			goto out;
		}
		if (match_add(m, p + i + 1, p[i], e) != 0)
			goto out;
	}
	if (match_count(m) == 0) {
		snprintf(r->why, sizeof(r->why),
			 "no value of at least %d bytes is the client's alone",
			 MATCH_MIN);
		rc = 0;
		goto out;
	}
	r->possible = true;
	/* the first question makes the library open the file again if it must
	 * and take note of what others wrote */
	if (store_begin_read(s, e) != 0)
		goto out;
	if (scan_main(r, m, s, e) != 0 || scan_side(r, m, s, "-wal", e) != 0 ||
	    scan_side(r, m, s, "-journal", e) != 0)
		goto out_read;
	rc = 0;
out_read:
	store_end_read(s);
out:
	match_free(m);
	return rc;
}
