/*
 * scan.c: see scan.h.
 *
 * I5 and I7 are kept here: what counts as gone is what a complete enumeration
 * after the destruction did not show and what single questions did not
 * contradict, held against the inventory frozen before.
 */
#include "tools/quietus/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT_EVERY 50000

/* Above this many items, single questions go to a sample of QUESTIONS items
 * spread over the source; up to it, to every one. */
#define QUESTIONS_ALL 10000
#define QUESTIONS 1000
#define QUESTION_BATCH 500

/* ---- marks -------------------------------------------------------------- */

int marks_read(struct marks *m, struct casedir *c, size_t source, struct err *e)
{
	memset(m, 0, sizeof(*m));
	if (c->n_plans == 0)
		return 0;
	m->of = calloc(c->n_plans, sizeof(*m->of));
	if (m->of == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (unsigned p = 0; p < c->n_plans; p++) {
		m->n = p + 1;
		if (ledger_mark(&m->of[p], c->ledger, source, p + 1, e) != 0)
			return -1;
	}
	return 0;
}

void marks_release(struct marks *m)
{
	for (unsigned p = 0; p < m->n; p++)
		ledger_mark_release(&m->of[p]);
	free(m->of);
	memset(m, 0, sizeof(*m));
}

static int compare_ids(const unsigned char *a, size_t a_len,
		       const unsigned char *b, size_t b_len)
{
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

bool marks_intended(const struct marks *m, unsigned plan,
		    const unsigned char *id, size_t id_len)
{
	if (plan == 0 || plan > m->n || !m->of[plan - 1].started)
		return false;
	const struct buf *low = &m->of[plan - 1].low;
	return compare_ids(id, id_len, low->data, low->len) >= 0;
}

bool marks_open(const struct marks *m, unsigned plan, const unsigned char *id,
		size_t id_len)
{
	if (!marks_intended(m, plan, id, id_len) || !m->of[plan - 1].open)
		return false;
	const struct ledger_mark *mark = &m->of[plan - 1];
	return !mark->bounded ||
	       compare_ids(id, id_len, mark->top.data, mark->top.len) < 0;
}

/* ---- what all scans share ----------------------------------------------- */

struct scan {
	struct casedir *c;
	size_t source;
	unsigned plan;
	bool delta;
	uint64_t seen, added, pending;
	uint64_t known; /* planned items among the seen */
	int64_t newest; /* the latest change of any item */
	uint64_t lost;	/* retained items that are gone */
	bool begun;	/* some item of the source has an intent */
	struct marks marks;
	unsigned char *bits; /* ordinals that were seen */
	uint64_t n_bits;
	struct progress *progress;
	struct drift *drift;
};

static int scan_begin(struct scan *s, struct err *e)
{
	if (ledger_ordinals(&s->n_bits, s->c->ledger, s->source, e) != 0)
		return -1;
	s->bits = calloc(s->n_bits / 8 + 1, 1);
	if (s->bits == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	if (marks_read(&s->marks, s->c, s->source, e) != 0)
		return -1;
	for (unsigned p = 0; p < s->marks.n; p++)
		s->begun |= s->marks.of[p].started;
	return 0;
}

static void scan_end(struct scan *s)
{
	free(s->bits);
	marks_release(&s->marks);
}

static bool bit(const struct scan *s, uint64_t n)
{
	return n < s->n_bits && (s->bits[n / 8] >> (n % 8) & 1) != 0;
}

static void set_bit(struct scan *s, uint64_t n)
{
	if (n < s->n_bits)
		s->bits[n / 8] |= (unsigned char)(1u << (n % 8));
}

/* Long scans write in several transactions: a huge one would grow the log. */
static int commit_some(struct scan *s, struct err *e)
{
	if (++s->pending < COMMIT_EVERY)
		return 0;
	s->pending = 0;
	if (ledger_commit(s->c->ledger, e) != 0)
		return -1;
	return ledger_begin(s->c->ledger, e);
}

static void tick(struct scan *s)
{
	if (++s->seen % 256 == 0 && s->progress != NULL)
		progress_add(s->progress, 256);
}

/* Runs an enumeration inside transactions. */
static int enumerate(struct scan *s, struct source *src, item_fn *fn,
		     struct err *e)
{
	if (ledger_begin(s->c->ledger, e) != 0)
		return -1;
	if (source_enumerate(src, fn, s, e) != 0) {
		ledger_rollback(s->c->ledger);
		return -1;
	}
	if (s->progress != NULL)
		progress_add(s->progress, s->seen % 256);
	return ledger_commit(s->c->ledger, e);
}

/* ---- plan --------------------------------------------------------------- */

/* Whether we had destroyed the planned item: if it is seen, it is back. */
static int was_destroyed(bool *was, struct scan *s,
			 const struct ledger_item *known, struct err *e)
{
	struct note note;
	const struct item *it = &known->item;
	*was = false;
	if (!marks_intended(&s->marks, known->plan, it->id, it->id_len) ||
	    marks_open(&s->marks, known->plan, it->id, it->id_len))
		return 0;
	if (ledger_note(&note, s->c->ledger, s->source, known->plan, it->id,
			it->id_len, e) != 0)
		return -1;
	/* refused, locked or unclear ones are tried again under their plan */
	*was = note.act == NOTE_NONE;
	return 0;
}

static int was_absent(bool *was, struct scan *s,
		      const struct ledger_item *known, struct err *e)
{
	struct note note;
	if (ledger_note(&note, s->c->ledger, s->source, known->plan,
			known->item.id, known->item.id_len, e) != 0)
		return -1;
	*was = note.act == NOTE_ABSENT &&
	       marks_intended(&s->marks, known->plan, known->item.id,
			      known->item.id_len);
	return 0;
}

static bool as_planned(const struct ledger_item *known, const struct item *item)
{
	return memcmp(known->item.digest, item->digest, SHA_LEN) == 0 &&
	       known->item.retention == item->retention;
}

/* A delta takes what is new, what is not as planned, and what was gone or
 * destroyed and is back. */
static int delta_item(bool *take, enum superseded *earlier, struct scan *s,
		      const struct item *item, struct err *e)
{
	bool found, destroyed, absent;
	struct ledger_item known;
	*take = true;
	*earlier = SUPERSEDED_NOT;
	if (ledger_find(&found, &known, s->c->ledger, s->source, item->id,
			item->id_len, e) != 0)
		return -1;
	if (!found)
		return 0;
	if (was_destroyed(&destroyed, s, &known, e) != 0 ||
	    was_absent(&absent, s, &known, e) != 0)
		return -1;
	*earlier = destroyed ? SUPERSEDED_DESTROYED : SUPERSEDED_REPLACED;
	*take = destroyed || absent || !as_planned(&known, item);
	return 0;
}

static int plan_item(void *arg, const struct item *item, struct err *e)
{
	struct scan *s = arg;
	bool take = true;
	enum superseded earlier = SUPERSEDED_NOT;
	tick(s);
	if (item->modified > s->newest)
		s->newest = item->modified;
	if (s->delta && delta_item(&take, &earlier, s, item, e) != 0)
		return -1;
	if (!take)
		return 0;
	if (ledger_add_item(s->c->ledger, s->source, s->plan, item, earlier,
			    e) != 0)
		return -1;
	s->added++;
	return commit_some(s, e);
}

int scan_plan(uint64_t *added, int64_t *newest, struct casedir *c,
	      size_t source, struct source *src, unsigned plan, bool delta,
	      struct progress *progress, struct err *e)
{
	struct scan s = {.c = c,
			 .source = source,
			 .plan = plan,
			 .delta = delta,
			 .progress = progress};
	int rc = scan_begin(&s, e);
	if (rc == 0)
		rc = enumerate(&s, src, plan_item, e);
	*added = s.added;
	*newest = s.newest;
	scan_end(&s);
	return rc;
}

/* ---- drift -------------------------------------------------------------- */

static void example(struct drift *d, const struct item *item)
{
	if (d->n_examples < 3)
		app_name(d->example[d->n_examples++], item->id, item->id_len);
}

static int drift_item(void *arg, const struct item *item, struct err *e)
{
	struct scan *s = arg;
	bool found;
	struct ledger_item known;

	tick(s);
	if (ledger_find(&found, &known, s->c->ledger, s->source, item->id,
			item->id_len, e) != 0)
		return -1;
	if (!found) {
		s->drift->new_items++;
		example(s->drift, item);
		return ledger_put_unplanned(s->c->ledger, s->source, item, e);
	}
	set_bit(s, known.n);
	s->known++;
	/* what is retained may change; that it is retained may not (I3) */
	if (as_planned(&known, item) ||
	    (known.item.retention != 0 &&
	     known.item.retention == item->retention))
		return 0;
	/* Changed after our intent: the check or the retry will tell. */
	if (marks_intended(&s->marks, known.plan, item->id, item->id_len))
		return 0;
	s->drift->changed++;
	example(s->drift, item);
	return ledger_put_unplanned(s->c->ledger, s->source, item, e);
}

/* An item that was not seen and of which we never intended anything. */
static int vanished_item(void *arg, const struct ledger_item *it, struct err *e)
{
	struct scan *s = arg;
	if (it->superseded || bit(s, it->n) ||
	    marks_intended(&s->marks, it->plan, it->item.id, it->item.id_len))
		return 0;
	/* once we have begun, a retained item that is gone is not "gone when
	 * we came": the check says so */
	if (it->item.retention != 0 && s->begun)
		return 0;
	s->drift->vanished++;
	return ledger_note_act(s->c->ledger, s->source, it->plan, it->item.id,
			       it->item.id_len, NOTE_ABSENT, 0, "", e);
}

/* An item noted as absent that is there after all (it was gone only for a
 * while) is not absent. */
static int reappeared_item(void *arg, const struct ledger_item *it,
			   struct err *e)
{
	struct scan *s = arg;
	struct note note;
	if (!bit(s, it->n) || it->superseded)
		return 0;
	if (ledger_note(&note, s->c->ledger, s->source, it->plan, it->item.id,
			it->item.id_len, e) != 0)
		return -1;
	if (note.act != NOTE_ABSENT)
		return 0;
	return ledger_note_clear(s->c->ledger, s->source, it->plan, it->item.id,
				 it->item.id_len, e);
}

static int in_transaction(struct scan *s, ledger_item_fn *fn, struct err *e)
{
	if (ledger_begin(s->c->ledger, e) != 0)
		return -1;
	if (ledger_items(s->c->ledger, s->source, 0, fn, s, e) != 0) {
		ledger_rollback(s->c->ledger);
		return -1;
	}
	return ledger_commit(s->c->ledger, e);
}

static int forget_unplanned(struct casedir *c, size_t source, struct err *e)
{
	if (ledger_begin(c->ledger, e) != 0)
		return -1;
	if (ledger_forget_unplanned(c->ledger, source, e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

int scan_drift(struct drift *d, struct casedir *c, size_t source,
	       struct source *src, struct progress *progress, struct err *e)
{
	struct scan s = {
		.c = c, .source = source, .progress = progress, .drift = d};
	memset(d, 0, sizeof(*d));
	int rc = forget_unplanned(c, source, e);
	if (rc == 0)
		rc = scan_begin(&s, e);
	if (rc == 0)
		rc = enumerate(&s, src, drift_item, e);
	/* each pass reads every item: none without a reason */
	bool noted = false;
	if (rc == 0 && s.known != s.n_bits)
		rc = in_transaction(&s, vanished_item, e);
	if (rc == 0)
		rc = ledger_any_note(&noted, c->ledger, source, e);
	if (rc == 0 && noted)
		rc = in_transaction(&s, reappeared_item, e);
	scan_end(&s);
	return rc;
}

/* ---- check -------------------------------------------------------------- */

static int note_seen(struct scan *s, const struct ledger_item *known,
		     struct err *e)
{
	const struct item *it = &known->item;
	/* the id is there: that holds for every plan that ever named it */
	for (unsigned p = 1; p <= known->plan; p++)
		if (ledger_note_check(s->c->ledger, s->source, p, it->id,
				      it->id_len, NOTE_PRESENT,
				      "seen after the destruction", e) != 0)
			return -1;
	return 0;
}

static int check_item(void *arg, const struct item *item, struct err *e)
{
	struct scan *s = arg;
	bool found;
	struct ledger_item known;

	tick(s);
	if (ledger_find(&found, &known, s->c->ledger, s->source, item->id,
			item->id_len, e) != 0)
		return -1;
	if (!found) {
		if (ledger_put_unplanned(s->c->ledger, s->source, item, e))
			return -1;
		return commit_some(s, e);
	}
	set_bit(s, known.n);
	if (known.item.retention != 0)
		return 0; /* I3: it is meant to be there */
	if (note_seen(s, &known, e) != 0)
		return -1;
	return commit_some(s, e);
}

static int retained_item(void *arg, const struct ledger_item *it, struct err *e)
{
	struct scan *s = arg;
	if (it->item.retention == 0 || it->superseded || bit(s, it->n))
		return 0;
	struct note note;
	if (ledger_note(&note, s->c->ledger, s->source, it->plan, it->item.id,
			it->item.id_len, e) != 0)
		return -1;
	if (note.act == NOTE_ABSENT)
		return 0; /* it was gone before we began */
	s->lost++;
	return ledger_note_act(s->c->ledger, s->source, it->plan, it->item.id,
			       it->item.id_len, NOTE_UNKNOWN, 0,
			       "retained, but not found", e);
}

/* Items collected for one check_absent call: copies, since the cursor moves. */
struct questions {
	struct scan *s;
	struct source *src;
	struct item items[QUESTION_BATCH];
	unsigned plans[QUESTION_BATCH];
	enum answer answers[QUESTION_BATCH];
	size_t n;
	struct buf bytes;
	uint64_t step, at, asked;
};

static int ask(struct questions *q, struct err *e)
{
	struct scan *s = q->s;
	if (q->n == 0)
		return 0;
	/* the buffer may have moved while it grew: set the pointers now */
	size_t off = 0;
	for (size_t i = 0; i < q->n; i++) {
		q->items[i].id = q->bytes.data + off;
		off += q->items[i].id_len;
		q->items[i].spec = q->bytes.data + off;
		off += q->items[i].spec_len;
	}
	if (source_check_absent(q->src, q->items, q->n, q->answers, e) != 0)
		return -1;
	for (size_t i = 0; i < q->n; i++) {
		if (q->answers[i] == ANSWER_ABSENT)
			continue;
		bool there = q->answers[i] == ANSWER_PRESENT;
		if (ledger_note_check(s->c->ledger, s->source, q->plans[i],
				      q->items[i].id, q->items[i].id_len,
				      there ? NOTE_PRESENT : NOTE_DOUBT,
				      there ? "the store says that it is there"
					    : "the store gave no clear answer",
				      e) != 0)
			return -1;
	}
	q->asked += q->n;
	q->n = 0;
	buf_reset(&q->bytes);
	return 0;
}

static int question_item(void *arg, const struct ledger_item *it, struct err *e)
{
	struct questions *q = arg;
	if (it->superseded || it->item.retention != 0 || bit(q->s, it->n))
		return 0;
	if (q->at++ % q->step != 0)
		return 0;
	q->items[q->n] = it->item;
	q->plans[q->n] = it->plan;
	if (buf_put(&q->bytes, it->item.id, it->item.id_len) != 0 ||
	    buf_put(&q->bytes, it->item.spec, it->item.spec_len) != 0)
		return err_set(e, ERR_FAILED, "out of memory");
	q->n++;
	return q->n == QUESTION_BATCH ? ask(q, e) : 0;
}

/* Asks about single items by another call than the listing: a store that lost
 * a page of its listing, or lies in it, is caught here. */
static int ask_questions(struct scan *s, struct source *src, struct err *e)
{
	struct questions *q = calloc(1, sizeof(*q));
	if (q == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	q->s = s;
	q->src = src;
	q->step = s->n_bits <= QUESTIONS_ALL ? 1 : s->n_bits / QUESTIONS;
	buf_init(&q->bytes,
		 (size_t)QUESTION_BATCH * (ITEM_ID_MAX + ITEM_SPEC_MAX));
	int rc = ledger_begin(s->c->ledger, e);
	if (rc == 0) {
		rc = ledger_items(s->c->ledger, s->source, 0, question_item, q,
				  e);
		if (rc == 0)
			rc = ask(q, e);
		if (rc == 0)
			rc = ledger_set_source_i64(s->c->ledger, s->source,
						   "asked-singly",
						   (int64_t)q->asked, e);
		if (rc == 0)
			rc = ledger_commit(s->c->ledger, e);
		else
			ledger_rollback(s->c->ledger);
	}
	buf_release(&q->bytes);
	free(q);
	return rc;
}

static int forget_findings(struct casedir *c, size_t source, struct err *e)
{
	if (ledger_begin(c->ledger, e) != 0)
		return -1;
	if (ledger_forget_check(c->ledger, source, e) != 0 ||
	    ledger_forget_unplanned(c->ledger, source, e) != 0 ||
	    ledger_set_source_i64(c->ledger, source, "checked", 0, e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

int scan_check(struct casedir *c, size_t source, struct source *src,
	       struct progress *progress, struct err *e)
{
	struct scan s = {.c = c, .source = source, .progress = progress};
	int rc = forget_findings(c, source, e);
	if (rc == 0)
		rc = scan_begin(&s, e);
	if (rc == 0)
		rc = enumerate(&s, src, check_item, e);
	if (rc == 0 && c->closeout->sources[source].n_retention != 0)
		rc = in_transaction(&s, retained_item, e);
	if (rc == 0 && s.lost != 0)
		app_warn("quietus: source %s: %llu item%s to be retained %s "
			 "not there any more; this is not a final certificate",
			 c->closeout->sources[source].name,
			 (unsigned long long)s.lost, s.lost == 1 ? "" : "s",
			 s.lost == 1 ? "is" : "are");
	if (rc == 0)
		rc = ask_questions(&s, src, e);
	scan_end(&s);
	return rc;
}

/* ---- verdicts ----------------------------------------------------------- */

enum verdict scan_verdict(const struct ledger_item *item,
			  const struct note *note, bool intended, bool checked)
{
	bool seen = note->check == NOTE_PRESENT;

	if (!checked)
		return VERDICT_UNKNOWN;
	if (item->item.retention != 0)
		return note->act == NOTE_ABSENT	   ? VERDICT_ABSENT
		       : note->act == NOTE_UNKNOWN ? VERDICT_UNKNOWN
						   : VERDICT_RETAINED;
	if (note->check == NOTE_DOUBT)
		return VERDICT_UNKNOWN;
	/* what a later plan took over was destroyed under this one only if
	 * the delta found it destroyed */
	if (item->superseded)
		return seen ? VERDICT_PRESENT
		       : item->superseded == SUPERSEDED_DESTROYED
			       ? VERDICT_DESTROYED_VERIFIED
			       : VERDICT_ABSENT;
	switch (note->act) {
	case NOTE_KEPT:
		return VERDICT_PRESENT;
	case NOTE_LOCKED:
		return seen ? VERDICT_SCHEDULED : VERDICT_ABSENT;
	case NOTE_REFUSED:
	case NOTE_HELD:
		return seen ? VERDICT_REFUSED : VERDICT_ABSENT;
	case NOTE_ABSENT:
	case NOTE_DRIFTED:
		return seen ? VERDICT_PRESENT : VERDICT_ABSENT;
	default:
		break;
	}
	if (seen)
		return VERDICT_PRESENT;
	return intended ? VERDICT_DESTROYED_VERIFIED : VERDICT_ABSENT;
}
