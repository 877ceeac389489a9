/*
 * guard.c: see guard.h.  The state of one batch:
 *
 *   planned --intend+commit--> intended --destroy--> asked --record+commit-->
 *   carried out
 *
 * Killed after the first commit, the batch is open: the next run asks for the
 * same items again, which is harmless because destroy is idempotent (I6).
 */
#include "tools/quietus/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/sign.h"

/* Bytes of ids and specs that one batch may hold in memory. */
#define BATCH_BYTES (24u << 20)

struct guard {
	struct casedir *c;
	struct bystanders *by; /* one per source */
};

/* ---- preconditions ------------------------------------------------------ */

static int check_date(const struct casedir *c, struct err *e)
{
	char text[CLOCK_TEXT];
	if (clock_now() >= c->closeout->not_before)
		return 0;
	clock_text(text, c->closeout->not_before);
	return err_set(e, ERR_REFUSED,
		       "nothing is destroyed before %s (not_before): the "
		       "client may still retrieve its data",
		       text);
}

/* What is destroyed must be certified afterwards: a case whose signing
 * certificate has expired could never be. */
static int check_signer(struct casedir *c, struct err *e)
{
	struct cert *cert = NULL;
	int64_t from, until;
	bool any;
	char text[CLOCK_TEXT];

	if (ledger_any_intent(&any, c->ledger, e) != 0)
		return -1;
	if (any)
		return 0;
	if (cert_read(&cert, c->closeout->signing_certificate, e) != 0)
		return -1;
	cert_validity(&from, &until, cert);
	cert_free(cert);
	if (clock_now() <= until)
		return 0;
	clock_text(text, until);
	return err_set(e, ERR_REFUSED,
		       "the signing certificate expired on %s: what is "
		       "destroyed now could not be certified; plan again with "
		       "a valid one",
		       text);
}

static int check_choice(const struct casedir *c, struct err *e)
{
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		const struct closeout_source *s = &c->closeout->sources[i];
		if (s->choice != DISPOSITION_DESTROY)
			return err_set(
				e, ERR_REFUSED,
				"source %s is to be returned (choice \"%s\") "
				"before it is destroyed, and no package was "
				"delivered: this version of quietus cannot "
				"return data yet; nothing is destroyed (I2)",
				s->name, s->choice_text);
	}
	return 0;
}

/* An approval that is dated after the destruction would make its certificate
 * invalid: whose clock is wrong must be found out before. */
static int not_ahead(void *arg, const struct approval *a, struct err *e)
{
	char text[CLOCK_TEXT];
	(void)arg;
	if (a->signed_at <= clock_now())
		return 0;
	clock_text(text, a->signed_at);
	return err_set(e, ERR_REFUSED,
		       "the approval by %s is dated %s, which has not come: "
		       "one of the clocks is wrong; correct it, or wait",
		       a->subject, text);
}

static int check_approvals(struct casedir *c, struct err *e)
{
	for (unsigned p = 1; p <= c->n_plans; p++) {
		const struct plan *plan = c->plans[p - 1];
		unsigned valid = 0;
		if (plan->n_blockers != 0)
			return err_set(e, ERR_REFUSED,
				       "plan %u has blockers; see: quietus "
				       "status %s",
				       p, c->path);
		if (case_approvals(&valid, c, p, not_ahead, NULL, e) != 0)
			return -1;
		if (valid < c->closeout->approvals_required)
			return err_set(e, ERR_REFUSED,
				       "plan %u has %u of %u approvals; next: "
				       "quietus approve %s --certificate C "
				       "--key K",
				       p, valid,
				       c->closeout->approvals_required,
				       c->path);
	}
	return 0;
}

int guard_open(struct guard **out, struct casedir *c, struct err *e)
{
	if (c->closed)
		return err_set(e, ERR_REFUSED, "case %s is closed", c->path);
	if (c->n_plans == 0)
		return err_set(e, ERR_REFUSED,
			       "case %s has no plan; run: quietus plan FILE",
			       c->path);
	if (case_check_bindings(c, e) != 0 || check_choice(c, e) != 0 ||
	    check_approvals(c, e) != 0 || check_date(c, e) != 0 ||
	    check_signer(c, e) != 0 || case_check_roots(c, e) != 0)
		return -1;
	struct guard *g = calloc(1, sizeof(*g));
	if (g != NULL)
		g->by = calloc(c->closeout->n_sources, sizeof(*g->by));
	if (g == NULL || g->by == NULL) {
		guard_free(g);
		return err_set(e, ERR_FAILED, "out of memory");
	}
	g->c = c;
	*out = g;
	return 0;
}

void guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	free(g->by);
	free(g);
}

/* ---- a batch in memory -------------------------------------------------- */

struct batch {
	struct ledger *ledger;
	size_t source;
	struct item *items;
	unsigned *plans;
	struct outcome *outcomes;
	size_t n, size, wanted;
	struct buf bytes; /* ids and specs, one after the other */
	uint64_t counted; /* items in the range, asked for or not */
	/* repeat: everything from low up to where the batch began */
	const struct buf *low;
	bool retry;
	int64_t now;
	uint32_t group;	 /* of the item taken last */
	struct buf last; /* the lowest id in the range */
};

static void batch_init(struct batch *b, struct casedir *c, size_t source,
		       const struct source *s)
{
	memset(b, 0, sizeof(*b));
	b->ledger = c->ledger;
	b->source = source;
	b->wanted = s->provider->batch_items;
	b->now = clock_now();
	buf_init(&b->bytes, 256u << 20);
	buf_init(&b->last, ITEM_ID_MAX);
}

static void batch_release(struct batch *b)
{
	free(b->items);
	free(b->plans);
	free(b->outcomes);
	buf_release(&b->bytes);
	buf_release(&b->last);
}

static int batch_grow(struct batch *b, struct err *e)
{
	if (b->n < b->size)
		return 0;
	size_t size = b->size != 0 ? 2 * b->size : 256;
	struct item *items = realloc(b->items, size * sizeof(*items));
	if (items != NULL)
		b->items = items;
	unsigned *plans = realloc(b->plans, size * sizeof(*plans));
	if (plans != NULL)
		b->plans = plans;
	if (items == NULL || plans == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	b->size = size;
	return 0;
}

static int batch_take(struct batch *b, const struct ledger_item *it,
		      struct err *e)
{
	if (batch_grow(b, e) != 0)
		return -1;
	b->items[b->n] = it->item;
	b->plans[b->n] = it->plan;
	b->n++;
	if (buf_put(&b->bytes, it->item.id, it->item.id_len) != 0 ||
	    buf_put(&b->bytes, it->item.spec, it->item.spec_len) != 0)
		return err_set(e, ERR_FAILED,
			       "rows in a cycle of references do not fit "
			       "into memory");
	return 0;
}

static bool same_or_above(const struct item *it, const struct buf *low)
{
	size_t n = it->id_len < low->len ? it->id_len : low->len;
	int c = memcmp(it->id, low->data, n);
	return c > 0 || (c == 0 && it->id_len >= low->len);
}

/* Items the store is not asked about: gone before we came, or known to be
 * locked or held.  A note says so instead. */
static int left_out(bool *out, struct batch *b, const struct ledger_item *it,
		    struct err *e)
{
	struct note note;
	const struct item *i = &it->item;
	*out = true;
	if (ledger_note(&note, b->ledger, b->source, it->plan, i->id, i->id_len,
			e) != 0)
		return -1;
	if (note.act == NOTE_ABSENT)
		return 0;
	if (i->locked_until > b->now)
		return ledger_note_act(b->ledger, b->source, it->plan, i->id,
				       i->id_len, NOTE_LOCKED, i->locked_until,
				       "locked by the store", e);
	if (i->held)
		return ledger_note_act(b->ledger, b->source, it->plan, i->id,
				       i->id_len, NOTE_HELD, 0,
				       "under a legal hold", e);
	*out = false;
	return 0;
}

/* Called for items in descending order; 1: the batch is full. */
static int batch_item(void *arg, const struct ledger_item *it, struct err *e)
{
	struct batch *b = arg;
	bool out;
	if (b->low != NULL) {
		/* a repeat ends exactly where the batch ended */
		if (!same_or_above(&it->item, b->low))
			return 1;
	} else if ((b->n >= b->wanted || b->bytes.len > BATCH_BYTES) &&
		   (it->item.group == 0 || it->item.group != b->group)) {
		return 1;
	}
	if (left_out(&out, b, it, e) != 0 ||
	    (!out && batch_take(b, it, e) != 0))
		return -1;
	b->group = it->item.group;
	b->counted++;
	buf_reset(&b->last);
	if (buf_put(&b->last, it->item.id, it->item.id_len) != 0)
		return err_set(e, ERR_FAILED, "out of memory");
	return 0;
}

/* The copies may have moved while the buffer grew: point into it now. */
static int batch_settle(struct batch *b, struct err *e)
{
	size_t at = 0;
	for (size_t i = 0; i < b->n; i++) {
		b->items[i].id = b->bytes.data + at;
		at += b->items[i].id_len;
		b->items[i].spec = b->bytes.data + at;
		at += b->items[i].spec_len;
	}
	b->outcomes = calloc(b->n + 1, sizeof(*b->outcomes));
	return b->outcomes != NULL ? 0
				   : err_set(e, ERR_FAILED, "out of memory");
}

/* ---- outcomes ----------------------------------------------------------- */

static enum note_code note_of(enum outcome_code code)
{
	switch (code) {
	case OUTCOME_DONE:
	case OUTCOME_GONE:
		return NOTE_NONE;
	case OUTCOME_DRIFTED:
		return NOTE_DRIFTED;
	case OUTCOME_REFUSED:
		return NOTE_REFUSED;
	case OUTCOME_LOCKED:
		return NOTE_LOCKED;
	case OUTCOME_KEPT:
		return NOTE_KEPT;
	default:
		return NOTE_UNKNOWN;
	}
}

/* Writes what is particular about each item; the caller is in a transaction.
 * aborted: the call failed, so items without an answer keep no note: their
 * batch stays open and is repeated. */
static int record(uint64_t *failed, uint64_t *drifted, struct batch *b,
		  bool aborted, struct err *e)
{
	*failed = *drifted = 0;
	for (size_t i = 0; i < b->n; i++) {
		const struct item *it = &b->items[i];
		const struct outcome *o = &b->outcomes[i];
		enum note_code note = note_of(o->code);
		if (aborted && o->code == OUTCOME_UNKNOWN)
			continue;
		if (note == NOTE_NONE) {
			if (b->retry &&
			    ledger_note_clear(b->ledger, b->source, b->plans[i],
					      it->id, it->id_len, e) != 0)
				return -1;
			continue;
		}
		++*failed;
		if (note == NOTE_DRIFTED)
			++*drifted;
		if (ledger_note_act(b->ledger, b->source, b->plans[i], it->id,
				    it->id_len, note, o->until, o->why, e) != 0)
			return -1;
	}
	return 0;
}

static int drift_error(const struct batch *b, uint64_t drifted, struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		char name[APP_NAME];
		if (b->outcomes[i].code != OUTCOME_DRIFTED)
			continue;
		return err_set(
			e, ERR_DRIFT,
			"%llu item%s not what was planned and "
			"not touched, for example %s%s%s; next: quietus "
			"plan --delta",
			(unsigned long long)drifted,
			drifted == 1 ? " is" : "s are",
			app_name(name, b->items[i].id, b->items[i].id_len),
			b->outcomes[i].why[0] != '\0' ? ": " : "",
			b->outcomes[i].why);
	}
	return err_set(e, ERR_DRIFT, "data is not as planned");
}

/* I10: what the provider measured in the transaction that it committed.  A
 * loss makes it roll back, so nothing is lost then. */
static int keep_bystanders(struct guard *g, const struct batch *b,
			   const struct source *s, struct err *e)
{
	const struct bystanders *by = &g->by[b->source];
	struct ledger *l = b->ledger;
	if (!source_measures_inside(s) || by->tables == 0)
		return 0;
	if (ledger_set_source_i64(l, b->source, "bystanders", 1, e) != 0 ||
	    ledger_set_source_i64(l, b->source, "bystanders-inside", 1, e) ||
	    ledger_set_source_i64(l, b->source, "bystanders-sampled",
				  by->sampled, e) != 0 ||
	    ledger_set_source(l, b->source, "bystanders-digest", by->digest,
			      SHA_LEN, e) != 0)
		return -1;
	return 0;
}

/* Asks the store and records what it said. */
static int carry_out(struct step *out, struct guard *g, struct source *s,
		     struct batch *b, unsigned plan, struct err *e)
{
	uint64_t failed, drifted;
	struct err why = ERR_INIT;
	int rc = 0;

	/* from here on a failure is one after something may be destroyed */
	out->asked += b->n;
	if (b->n != 0)
		rc = source_destroy(s, b->items, b->n, b->outcomes,
				    &g->by[b->source], &why);
	if (ledger_begin(b->ledger, e) != 0)
		return -1;
	if (record(&failed, &drifted, b, rc != 0, e) != 0 ||
	    (rc == 0 && !b->retry &&
	     ledger_carried_out(b->ledger, b->source, plan, clock_now(), e)) ||
	    (rc == 0 && keep_bystanders(g, b, s, e) != 0)) {
		ledger_rollback(b->ledger);
		return -1;
	}
	if (ledger_commit(b->ledger, e) != 0)
		return -1;
	out->failed += failed;
	if (rc != 0) {
		out->rolled_back = why.code == ERR_DRIFT;
		*e = why;
		return -1;
	}
	/* what drifts when it is tried again is left to the check */
	return drifted != 0 && !b->retry ? drift_error(b, drifted, e) : 0;
}

/* I4: the intent is on disk when this returns. */
static int intend(struct guard *g, struct batch *b, unsigned plan,
		  struct err *e)
{
	struct ledger *l = g->c->ledger;
	if (ledger_intend(l, b->source, plan, b->last.data, b->last.len,
			  b->counted, clock_now(), e) != 0 ||
	    ledger_set_source_i64(l, b->source, "checked", 0, e) != 0) {
		ledger_rollback(l);
		return -1;
	}
	return ledger_commit(l, e);
}

/* One batch of one plan; *any is false when the plan has nothing left. */
static int plan_step(bool *any, struct step *out, struct guard *g,
		     size_t source, unsigned plan, struct source *s,
		     struct err *e)
{
	struct ledger *l = g->c->ledger;
	struct ledger_mark mark;
	struct batch b;
	int rc = -1;

	*any = false;
	batch_init(&b, g->c, source, s);
	if (ledger_mark(&mark, l, source, plan, e) != 0)
		goto out;
	bool repeat = mark.started && mark.open;
	const struct buf *below = &mark.low;
	bool bounded = mark.started;
	if (repeat) {
		b.low = &mark.low;
		below = &mark.top;
		bounded = mark.bounded;
	}
	/* the notes of items that are left out belong to the same commit as
	 * the intent */
	if (ledger_begin(l, e) != 0)
		goto out;
	if (ledger_items_below(l, source, plan, bounded ? below->data : NULL,
			       below->len, batch_item, &b, e) != 0 ||
	    batch_settle(&b, e) != 0) {
		ledger_rollback(l);
		goto out;
	}
	if (b.counted == 0 && !repeat) {
		ledger_rollback(l);
		rc = 0;
		goto out;
	}
	*any = true;
	if (repeat)
		rc = ledger_commit(l, e);
	else
		rc = intend(g, &b, plan, e);
	if (rc == 0)
		rc = carry_out(out, g, s, &b, plan, e);
out:
	batch_release(&b);
	ledger_mark_release(&mark);
	return rc;
}

int guard_step(struct step *out, struct guard *g, size_t source,
	       struct source *s, struct err *e)
{
	memset(out, 0, sizeof(*out));
	/* the clock may have been set back since guard_open */
	if (check_date(g->c, e) != 0)
		return -1;
	struct err drift = ERR_INIT;
	for (unsigned p = 1; p <= g->c->n_plans; p++) {
		bool any = false;
		struct err why = ERR_INIT;
		out->rolled_back = false;
		if (plan_step(&any, out, g, source, p, s, &why) != 0) {
			/* a row of an earlier plan may wait for one that a
			 * later plan names: its batch was rolled back and
			 * stays open while the others go on */
			if (out->rolled_back && p < g->c->n_plans) {
				drift = drift.code == ERR_NONE ? why : drift;
				continue;
			}
			*e = drift.code == ERR_NONE ? why : drift;
			return -1;
		}
		if (any) {
			out->more = true;
			return 0;
		}
	}
	if (drift.code == ERR_NONE)
		return 0;
	*e = drift;
	return -1;
}

/* ---- retry -------------------------------------------------------------- */

static int retry_item(void *arg, const struct ledger_item *it, struct err *e)
{
	struct batch *b = arg;
	struct note note;
	if (b->n >= b->wanted &&
	    (it->item.group == 0 || it->item.group != b->group))
		return 1;
	if (ledger_note(&note, b->ledger, b->source, it->plan, it->item.id,
			it->item.id_len, e) != 0)
		return -1;
	/* what is locked waits for its date; what was kept needs a person;
	 * what drifted may be as planned again: the provider looks */
	if ((note.act == NOTE_LOCKED && note.until > b->now) ||
	    note.act == NOTE_KEPT)
		return 0;
	b->group = it->item.group;
	/* I4: the store may not have been asked before; from the next commit
	 * on the note says that it was */
	if (batch_take(b, it, e) != 0)
		return -1;
	return 0;
}

static int note_asked(struct batch *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++)
		if (ledger_note_act(b->ledger, b->source, b->plans[i],
				    b->items[i].id, b->items[i].id_len,
				    NOTE_UNKNOWN, 0, "asked again", e) != 0)
			return -1;
	return ledger_set_source_i64(b->ledger, b->source, "checked", 0, e);
}

/* One batch of retries below *cursor, which moves down; *any: there was one */
static int retry_step(bool *any, struct step *out, struct guard *g,
		      size_t source, struct source *s, struct buf *cursor,
		      struct err *e)
{
	struct ledger *l = g->c->ledger;
	struct batch b;
	int rc = -1;

	batch_init(&b, g->c, source, s);
	b.retry = true;
	if (check_date(g->c, e) != 0 || ledger_begin(l, e) != 0)
		goto out;
	if (ledger_noted(l, source, cursor->len != 0 ? cursor->data : NULL,
			 cursor->len, retry_item, &b, e) != 0 ||
	    batch_settle(&b, e) != 0 || note_asked(&b, e) != 0) {
		ledger_rollback(l);
		goto out;
	}
	if (ledger_commit(l, e) != 0)
		goto out;
	*any = b.n != 0;
	if (b.n != 0) {
		const struct item *last = &b.items[b.n - 1];
		buf_reset(cursor);
		buf_put(cursor, last->id, last->id_len);
		rc = carry_out(out, g, s, &b, 0, e);
	} else {
		rc = 0;
	}
out:
	batch_release(&b);
	return rc;
}

int guard_retry(struct step *out, struct guard *g, size_t source,
		struct source *s, struct err *e)
{
	struct buf cursor;
	bool any = true;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	buf_init(&cursor, ITEM_ID_MAX);
	while (rc == 0 && any)
		rc = retry_step(&any, out, g, source, s, &cursor, e);
	buf_release(&cursor);
	return rc;
}
