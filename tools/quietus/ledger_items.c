/*
 * ledger_items.c: items, the journal of batches, notes, what no plan names,
 * and bystanders.
 */
#include "tools/quietus/ledger_db.h"

#include <stdio.h>
#include <string.h>

/* The columns every reader of items selects, in this order. */
#define ITEM_COLUMNS                                                           \
	"id, plan, n, class, bytes, rows, digest, grp, retention, locked,"     \
	" held, superseded, spec"

static int read_item(struct ledger *l, struct ledger_item *out, sqlite3_stmt *s,
		     struct err *e)
{
	struct item *it = &out->item;
	memset(out, 0, sizeof(*out));
	it->id = sqlite3_column_blob(s, 0);
	it->id_len = (size_t)sqlite3_column_bytes(s, 0);
	out->plan = (unsigned)sqlite3_column_int(s, 1);
	out->n = (uint64_t)sqlite3_column_int64(s, 2);
	it->cls = (enum copy_class)sqlite3_column_int(s, 3);
	it->bytes = (uint64_t)sqlite3_column_int64(s, 4);
	it->rows = (uint64_t)sqlite3_column_int64(s, 5);
	if (sqlite3_column_bytes(s, 6) != SHA_LEN || it->id_len == 0)
		return err_set(e, ERR_REFUSED,
			       "ledger %s: an item is damaged or was edited",
			       l->path);
	memcpy(it->digest, sqlite3_column_blob(s, 6), SHA_LEN);
	it->group = (uint32_t)sqlite3_column_int64(s, 7);
	it->retention = (uint32_t)sqlite3_column_int64(s, 8);
	it->locked_until = sqlite3_column_int64(s, 9);
	it->held = sqlite3_column_int(s, 10) != 0;
	out->superseded = (enum superseded)sqlite3_column_int(s, 11);
	it->spec = sqlite3_column_blob(s, 12);
	it->spec_len = (size_t)sqlite3_column_bytes(s, 12);
	return 0;
}

static void bind_id(sqlite3_stmt *s, size_t source, const unsigned char *id,
		    size_t len)
{
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	db_bytes(s, 2, id, len);
}

static int supersede(struct ledger *l, size_t source, unsigned plan,
		     const struct item *it, enum superseded how, struct err *e)
{
	static const char sql[] =
		"UPDATE item SET superseded = ?4 WHERE source = ?1"
		" AND id = ?2 AND plan < ?3 AND superseded = 0";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, it->id, it->id_len);
	sqlite3_bind_int(s, 3, (int)plan);
	sqlite3_bind_int(s, 4, (int)how);
	return db_run(l, s, "superseding an item", e);
}

static int next_ordinal(struct ledger_lane **out, struct ledger *l,
			size_t source, struct err *e)
{
	struct ledger_lane *lane = db_lane(l, source, e);
	if (lane == NULL)
		return -1;
	if (!lane->known) {
		int64_t next = 0;
		if (ledger_get_source_i64(&next, l, source, "ordinals", e))
			return -1;
		lane->next = (uint64_t)next;
		lane->known = true;
	}
	*out = lane;
	return 0;
}

int ledger_add_item(struct ledger *l, size_t source, unsigned plan,
		    const struct item *it, enum superseded earlier,
		    struct err *e)
{
	static const char sql[] =
		"INSERT INTO item(source, " ITEM_COLUMNS ") VALUES"
		"(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13)";
	struct ledger_lane *lane;
	if (next_ordinal(&lane, l, source, e) != 0 ||
	    (earlier != SUPERSEDED_NOT &&
	     supersede(l, source, plan, it, earlier, e) != 0))
		return -1;
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, it->id, it->id_len);
	sqlite3_bind_int(s, 3, (int)plan);
	sqlite3_bind_int64(s, 4, (sqlite3_int64)lane->next);
	sqlite3_bind_int(s, 5, (int)it->cls);
	sqlite3_bind_int64(s, 6, (sqlite3_int64)it->bytes);
	sqlite3_bind_int64(s, 7, (sqlite3_int64)it->rows);
	db_bytes(s, 8, it->digest, SHA_LEN);
	sqlite3_bind_int64(s, 9, it->group);
	sqlite3_bind_int64(s, 10, it->retention);
	sqlite3_bind_int64(s, 11, it->locked_until);
	sqlite3_bind_int(s, 12, it->held);
	db_bytes(s, 13, it->spec, it->spec_len);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_CONSTRAINT) {
		sqlite3_reset(s);
		return err_set(e, ERR_STORE,
			       "the store listed the same item twice");
	}
	if (rc != SQLITE_DONE) {
		db_fail(l, e, "storing an item");
		sqlite3_reset(s);
		return -1;
	}
	sqlite3_reset(s);
	lane->next++;
	lane->dirty = true;
	return 0;
}

int ledger_ordinals(uint64_t *n, struct ledger *l, size_t source, struct err *e)
{
	struct ledger_lane *lane;
	if (next_ordinal(&lane, l, source, e) != 0)
		return -1;
	*n = lane->next;
	return 0;
}

/* Steps the lane's cursor; at_row tells whether it stands on an item. */
static int cursor_step(struct ledger *l, struct ledger_lane *lane,
		       struct err *e)
{
	int step = sqlite3_step(lane->cursor);
	lane->at_row = step == SQLITE_ROW;
	return step == SQLITE_ROW || step == SQLITE_DONE
		       ? 0
		       : db_fail(l, e, "looking for an item");
}

static int compare_row(const struct ledger_lane *lane, const unsigned char *id,
		       size_t len)
{
	const void *row = sqlite3_column_blob(lane->cursor, 0);
	size_t row_len = (size_t)sqlite3_column_bytes(lane->cursor, 0);
	int c = memcmp(row, id, row_len < len ? row_len : len);
	if (c != 0)
		return c;
	return row_len < len ? -1 : row_len > len;
}

int ledger_find(bool *found, struct ledger_item *out, struct ledger *l,
		size_t source, const unsigned char *id, size_t len,
		struct err *e)
{
	struct ledger_lane *lane = db_lane(l, source, e);
	if (lane == NULL)
		return -1;
	if (lane->cursor == NULL) {
		lane->cursor = db_fresh(
			l,
			"SELECT " ITEM_COLUMNS " FROM item WHERE source = ?1"
			" AND id >= ?2 AND superseded = 0 ORDER BY id",
			e);
		if (lane->cursor == NULL)
			return -1;
	}
	/* mostly the wanted item is the next row: seek only when it is not */
	if (lane->at_row && cursor_step(l, lane, e) != 0)
		return -1;
	if (!lane->at_row || compare_row(lane, id, len) != 0) {
		sqlite3_reset(lane->cursor);
		/* the id must outlive the statement's steps */
		buf_reset(&lane->id);
		if (buf_put(&lane->id, id, len) != 0)
			return err_set(e, ERR_FAILED, "out of memory");
		bind_id(lane->cursor, source, lane->id.data, lane->id.len);
		if (cursor_step(l, lane, e) != 0)
			return -1;
	}
	*found = lane->at_row && compare_row(lane, id, len) == 0;
	return *found ? read_item(l, out, lane->cursor, e) : 0;
}

static int each_item(struct ledger *l, sqlite3_stmt *s, ledger_item_fn *fn,
		     void *arg, struct err *e)
{
	int rc = 0;
	for (;;) {
		struct ledger_item it;
		int step = sqlite3_step(s);
		if (step == SQLITE_DONE)
			break;
		if (step != SQLITE_ROW) {
			rc = db_fail(l, e, "reading items");
			break;
		}
		rc = read_item(l, &it, s, e);
		if (rc == 0)
			rc = fn(arg, &it, e);
		if (rc != 0)
			break;
	}
	sqlite3_finalize(s);
	return rc < 0 ? -1 : 0;
}

int ledger_items(struct ledger *l, size_t source, unsigned plan,
		 ledger_item_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *s =
		db_fresh(l,
			 "SELECT " ITEM_COLUMNS " FROM item WHERE source = ?1"
			 " AND (?2 = 0 OR plan = ?2) ORDER BY id, plan",
			 e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_int(s, 2, (int)plan);
	return each_item(l, s, fn, arg, e);
}

int ledger_items_below(struct ledger *l, size_t source, unsigned plan,
		       const unsigned char *below, size_t below_len,
		       ledger_item_fn *fn, void *arg, struct err *e)
{
	static const char all[] =
		"SELECT " ITEM_COLUMNS " FROM item WHERE source = ?1"
		" AND plan = ?3 AND retention = 0 AND superseded = 0"
		" ORDER BY id DESC";
	static const char some[] =
		"SELECT " ITEM_COLUMNS " FROM item WHERE source = ?1"
		" AND id < ?2 AND plan = ?3 AND retention = 0"
		" AND superseded = 0 ORDER BY id DESC";
	sqlite3_stmt *s = db_fresh(l, below != NULL ? some : all, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	if (below != NULL)
		db_bytes(s, 2, below, below_len);
	sqlite3_bind_int(s, 3, (int)plan);
	return each_item(l, s, fn, arg, e);
}

/* ---- journal ------------------------------------------------------------ */

int ledger_intend(struct ledger *l, size_t source, unsigned plan,
		  const unsigned char *from, size_t from_len, uint64_t count,
		  int64_t when, struct err *e)
{
	static const char sql[] =
		"INSERT INTO batch(source, plan, seq, low, top, count,"
		" intended, done) SELECT ?1, ?3,"
		" coalesce(max(seq), 0) + 1, ?2,"
		" (SELECT low FROM batch b WHERE b.source = ?1 AND b.plan = ?3"
		"  ORDER BY seq DESC LIMIT 1), ?4, ?5, 0"
		" FROM batch WHERE source = ?1 AND plan = ?3";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, from, from_len);
	sqlite3_bind_int(s, 3, (int)plan);
	sqlite3_bind_int64(s, 4, (sqlite3_int64)count);
	sqlite3_bind_int64(s, 5, when);
	return db_run(l, s, "recording an intent", e);
}

int ledger_carried_out(struct ledger *l, size_t source, unsigned plan,
		       int64_t when, struct err *e)
{
	static const char sql[] =
		"UPDATE batch SET done = ?3 WHERE source = ?1 AND plan = ?2"
		" AND seq = (SELECT max(seq) FROM batch WHERE source = ?1"
		" AND plan = ?2)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_int(s, 2, (int)plan);
	sqlite3_bind_int64(s, 3, when);
	return db_run(l, s, "recording a batch", e);
}

static int sum_done(uint64_t *out, struct ledger *l, size_t source,
		    unsigned plan, struct err *e)
{
	static const char sql[] =
		"SELECT coalesce(sum(count), 0) FROM batch"
		" WHERE source = ?1 AND plan = ?2 AND done <> 0";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_int(s, 2, (int)plan);
	if (sqlite3_step(s) != SQLITE_ROW)
		return db_fail(l, e, "reading the journal");
	*out = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return 0;
}

int ledger_mark(struct ledger_mark *m, struct ledger *l, size_t source,
		unsigned plan, struct err *e)
{
	static const char sql[] =
		"SELECT low, top, done FROM batch WHERE source = ?1"
		" AND plan = ?2 ORDER BY seq DESC LIMIT 1";
	memset(m, 0, sizeof(*m));
	buf_init(&m->low, ITEM_ID_MAX);
	buf_init(&m->top, ITEM_ID_MAX);
	if (sum_done(&m->done, l, source, plan, e) != 0)
		return -1;
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_int(s, 2, (int)plan);
	int step = sqlite3_step(s), rc = 0;
	if (step == SQLITE_ROW) {
		m->started = true;
		m->bounded = sqlite3_column_type(s, 1) != SQLITE_NULL;
		m->open = sqlite3_column_int64(s, 2) == 0;
		if (db_column(&m->low, s, 0, e) != 0 ||
		    (m->bounded && db_column(&m->top, s, 1, e) != 0))
			rc = -1;
	} else if (step != SQLITE_DONE) {
		rc = db_fail(l, e, "reading the journal");
	}
	sqlite3_reset(s);
	return rc;
}

void ledger_mark_release(struct ledger_mark *m)
{
	buf_release(&m->low);
	buf_release(&m->top);
}

static int one_i64(int64_t *out, struct ledger *l, const char *sql,
		   size_t source, struct err *e)
{
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	if (sqlite3_bind_parameter_count(s) > 0)
		sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	int rc = 0;
	if (sqlite3_step(s) == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	else
		rc = db_fail(l, e, "reading the journal");
	sqlite3_reset(s);
	return rc;
}

int ledger_any_intent(bool *any, struct ledger *l, struct err *e)
{
	static const char sql[] = "SELECT count(*) FROM batch";
	int64_t n = 0;
	if (one_i64(&n, l, sql, 0, e) != 0)
		return -1;
	*any = n != 0;
	return 0;
}

int ledger_first_intent(int64_t *when, struct ledger *l, size_t source,
			struct err *e)
{
	static const char sql[] = "SELECT coalesce(min(intended), 0) FROM batch"
				  " WHERE source = ?1";
	return one_i64(when, l, sql, source, e);
}

/* ---- notes -------------------------------------------------------------- */

int ledger_note_act(struct ledger *l, size_t source, unsigned plan,
		    const unsigned char *id, size_t id_len, enum note_code code,
		    int64_t until, const char *why, struct err *e)
{
	static const char sql[] =
		"INSERT INTO note(source, id, plan, act, until, checked, why)"
		" VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6) ON CONFLICT DO UPDATE SET"
		" act = excluded.act, until = excluded.until,"
		" why = excluded.why";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, id, id_len);
	sqlite3_bind_int(s, 3, (int)plan);
	sqlite3_bind_int(s, 4, (int)code);
	sqlite3_bind_int64(s, 5, until);
	sqlite3_bind_text(s, 6, why, -1, SQLITE_STATIC);
	return db_run(l, s, "noting an outcome", e);
}

int ledger_note_check(struct ledger *l, size_t source, unsigned plan,
		      const unsigned char *id, size_t id_len,
		      enum note_code code, const char *why, struct err *e)
{
	static const char sql[] =
		"INSERT INTO note(source, id, plan, act, until, checked, why)"
		" VALUES(?1, ?2, ?3, 0, 0, ?4, ?5) ON CONFLICT DO UPDATE SET"
		" checked = excluded.checked,"
		" why = CASE WHEN why = '' THEN excluded.why ELSE why END";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, id, id_len);
	sqlite3_bind_int(s, 3, (int)plan);
	sqlite3_bind_int(s, 4, (int)code);
	sqlite3_bind_text(s, 5, why, -1, SQLITE_STATIC);
	return db_run(l, s, "noting a finding", e);
}

int ledger_note_clear(struct ledger *l, size_t source, unsigned plan,
		      const unsigned char *id, size_t id_len, struct err *e)
{
	static const char sql[] =
		"DELETE FROM note WHERE source = ?1 AND id = ?2 AND plan = ?3";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, id, id_len);
	sqlite3_bind_int(s, 3, (int)plan);
	return db_run(l, s, "clearing a note", e);
}

static int run_for(struct ledger *l, const char *sql, size_t source,
		   const char *doing, struct err *e)
{
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	return db_run(l, s, doing, e);
}

int ledger_forget_check(struct ledger *l, size_t source, struct err *e)
{
	static const char reset[] =
		"UPDATE note SET checked = 0 WHERE source = ?1";
	static const char drop[] =
		"DELETE FROM note WHERE source = ?1 AND act = 0";
	if (run_for(l, reset, source, "forgetting findings", e) != 0)
		return -1;
	return run_for(l, drop, source, "forgetting findings", e);
}

int ledger_note(struct note *out, struct ledger *l, size_t source,
		unsigned plan, const unsigned char *id, size_t id_len,
		struct err *e)
{
	static const char sql[] =
		"SELECT act, until, checked, why FROM note"
		" WHERE source = ?1 AND id = ?2 AND plan = ?3";
	memset(out, 0, sizeof(*out));
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, id, id_len);
	sqlite3_bind_int(s, 3, (int)plan);
	int step = sqlite3_step(s), rc = 0;
	if (step == SQLITE_ROW) {
		out->act = (enum note_code)sqlite3_column_int(s, 0);
		out->until = sqlite3_column_int64(s, 1);
		out->check = (enum note_code)sqlite3_column_int(s, 2);
		snprintf(out->why, sizeof(out->why), "%s",
			 (const char *)sqlite3_column_text(s, 3));
	} else if (step != SQLITE_DONE) {
		rc = db_fail(l, e, "reading a note");
	}
	sqlite3_reset(s);
	return rc;
}

int ledger_noted(struct ledger *l, size_t source, const unsigned char *below,
		 size_t below_len, ledger_item_fn *fn, void *arg, struct err *e)
{
	/* two texts, so that the range of ids is used where there is one */
	static const char all[] =
		"SELECT " ITEM_COLUMNS " FROM note JOIN item"
		" USING(source, id, plan) WHERE source = ?1"
		" AND act NOT IN (0, ?3) AND retention = 0 AND superseded = 0"
		" ORDER BY id DESC";
	static const char some[] =
		"SELECT " ITEM_COLUMNS " FROM note JOIN item"
		" USING(source, id, plan) WHERE source = ?1 AND id < ?2"
		" AND act NOT IN (0, ?3) AND retention = 0 AND superseded = 0"
		" ORDER BY id DESC";
	sqlite3_stmt *s = db_fresh(l, below != NULL ? some : all, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	if (below != NULL)
		db_bytes(s, 2, below, below_len);
	sqlite3_bind_int(s, 3, (int)NOTE_ABSENT);
	return each_item(l, s, fn, arg, e);
}

int ledger_any_note(bool *any, struct ledger *l, size_t source, struct err *e)
{
	static const char sql[] =
		"SELECT EXISTS(SELECT 1 FROM note WHERE source = ?1)";
	int64_t n = 0;
	if (one_i64(&n, l, sql, source, e) != 0)
		return -1;
	*any = n != 0;
	return 0;
}

/* ---- what no plan names ------------------------------------------------- */

int ledger_put_unplanned(struct ledger *l, size_t source,
			 const struct item *item, struct err *e)
{
	static const char sql[] =
		"INSERT OR IGNORE INTO unplanned VALUES(?1, ?2, ?3)";
	int64_t count = 0;
	if (ledger_get_source_i64(&count, l, source, "unplanned", e) != 0 ||
	    ledger_set_source_i64(l, source, "unplanned", count + 1, e) != 0)
		return -1;
	if (count >= UNPLANNED_KEPT)
		return 0;
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, item->id, item->id_len);
	sqlite3_bind_int(s, 3, (int)item->cls);
	return db_run(l, s, "noting something unplanned", e);
}

int ledger_unplanned(uint64_t *count, struct ledger *l, size_t source,
		     struct err *e)
{
	int64_t n = 0;
	if (ledger_get_source_i64(&n, l, source, "unplanned", e) != 0)
		return -1;
	*count = (uint64_t)n;
	return 0;
}

static int each_name(struct ledger *l, sqlite3_stmt *s, ledger_name_fn *fn,
		     void *arg, struct err *e)
{
	int rc = 0;
	while (rc == 0) {
		int step = sqlite3_step(s);
		if (step == SQLITE_DONE)
			break;
		if (step != SQLITE_ROW)
			rc = db_fail(l, e, "reading names");
		else
			rc = fn(arg, sqlite3_column_blob(s, 0),
				(size_t)sqlite3_column_bytes(s, 0), e);
	}
	sqlite3_finalize(s);
	return rc;
}

int ledger_unplanned_names(struct ledger *l, size_t source, size_t most,
			   ledger_name_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *s = db_fresh(l,
				   "SELECT id FROM unplanned WHERE source = ?1"
				   " ORDER BY id LIMIT ?2",
				   e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)most);
	return each_name(l, s, fn, arg, e);
}

int ledger_forget_unplanned(struct ledger *l, size_t source, struct err *e)
{
	static const char sql[] = "DELETE FROM unplanned WHERE source = ?1";
	if (ledger_set_source_i64(l, source, "unplanned", 0, e) != 0)
		return -1;
	return run_for(l, sql, source, "forgetting names", e);
}

/* ---- bystanders --------------------------------------------------------- */

int ledger_put_bystander(struct ledger *l, size_t source,
			 const unsigned char *id, size_t id_len, struct err *e)
{
	static const char sql[] =
		"INSERT OR IGNORE INTO bystander VALUES(?1, ?2)";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	bind_id(s, source, id, id_len);
	return db_run(l, s, "noting a bystander", e);
}

int ledger_bystanders(struct ledger *l, size_t source, ledger_name_fn *fn,
		      void *arg, struct err *e)
{
	sqlite3_stmt *s = db_fresh(l,
				   "SELECT id FROM bystander WHERE source = ?1"
				   " ORDER BY id",
				   e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	return each_name(l, s, fn, arg, e);
}

int ledger_forget_bystanders(struct ledger *l, size_t source, struct err *e)
{
	static const char sql[] = "DELETE FROM bystander WHERE source = ?1";
	return run_for(l, sql, source, "forgetting bystanders", e);
}

/* ---- an unfinished plan ------------------------------------------------- */

static int run_with_plan(struct ledger *l, const char *sql, unsigned plan,
			 struct err *e)
{
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int(s, 1, (int)plan);
	return db_run(l, s, "forgetting an unfinished plan", e);
}

int ledger_forget_plan(struct ledger *l, unsigned plan, struct err *e)
{
	/* what the unfinished plan had superseded is current again */
	static const char restore[] =
		"UPDATE item SET superseded = 0 WHERE superseded <> 0 AND"
		" plan < ?1 AND EXISTS (SELECT 1 FROM item n WHERE"
		" n.source = item.source AND n.id = item.id AND"
		" n.plan = ?1) AND NOT EXISTS (SELECT 1 FROM item m WHERE"
		" m.source = item.source AND m.id = item.id AND"
		" m.plan > item.plan AND m.plan < ?1)";
	static const char items[] = "DELETE FROM item WHERE plan = ?1";
	static const char blockers[] = "DELETE FROM blocker WHERE plan = ?1";

	if (ledger_begin(l, e) != 0)
		return -1;
	if (run_with_plan(l, restore, plan, e) != 0 ||
	    run_with_plan(l, items, plan, e) != 0 ||
	    run_with_plan(l, blockers, plan, e) != 0) {
		ledger_rollback(l);
		return -1;
	}
	return ledger_commit(l, e);
}

int ledger_rate(double *rate, struct ledger *l, size_t source, struct err *e)
{
	static const char sql[] =
		"SELECT coalesce(sum(count), 0),"
		" coalesce(max(done) - min(intended), 0) FROM batch"
		" WHERE source = ?1 AND done <> 0";
	sqlite3_stmt *s = db_kept(l, sql, e);
	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)source);
	if (sqlite3_step(s) != SQLITE_ROW)
		return db_fail(l, e, "reading the journal");
	double seconds = (double)sqlite3_column_int64(s, 1);
	*rate = seconds > 0 ? (double)sqlite3_column_int64(s, 0) / seconds : 0;
	sqlite3_reset(s);
	return 0;
}
