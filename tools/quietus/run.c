/*
 * run.c: see run.h.  The order of stages keeps I4 (look and samples before
 * the first intent), I5 (the check is a second enumeration after the last
 * batch) and I10 (bystanders before and after).
 */
#include "tools/quietus/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "tools/quietus/guard.h"
#include "tools/quietus/scan.h"

/* Bystanders: exact up to this many, above it a sample (DESIGN section 6). */
#define BYSTANDERS_EXACT 100000
#define BYSTANDERS_SAMPLE 1000
#define SAMPLES_MAX (1 << 20)

/* ---- planning ----------------------------------------------------------- */

static int store_description(struct casedir *c, size_t i,
			     const struct closeout_source *src,
			     enum phase phase, const struct description *d,
			     struct err *e)
{
	struct ledger *l = c->ledger;
	const enum copy_class *cls = src->provider->classes;
	for (; *cls != CLASS_UNKNOWN; cls++)
		if (ledger_put_class(l, i, phase, *cls, &d->classes[*cls], e))
			return -1;
	for (size_t f = 0; f < d->n_facts; f++)
		if (ledger_put_fact(l, i, &d->facts[f], e) != 0)
			return -1;
	if (ledger_set_source(l, i, "method", d->method, strlen(d->method),
			      e) != 0 ||
	    ledger_set_source(l, i, "limits", d->limits, strlen(d->limits),
			      e) != 0)
		return -1;
	return 0;
}

/* Once we have destroyed, that a selection finds nothing is what was wanted. */
static bool counts(const struct blocker *b, bool begun)
{
	return !begun || strcmp(b->kind, "selects-nothing") != 0;
}

static int store_blockers(struct casedir *c, size_t i, unsigned plan,
			  const struct description *d, struct err *e)
{
	for (size_t b = 0; b < d->n_blockers; b++)
		if (counts(&d->blockers[b], plan > 1) &&
		    ledger_put_blocker(c->ledger, plan, i, &d->blockers[b],
				       e) != 0)
			return -1;
	return 0;
}

static int selects_nothing(struct casedir *c, size_t i, unsigned plan,
			   struct err *e)
{
	const struct closeout_source *src = &c->closeout->sources[i];
	struct blocker b = {.kind = "selects-nothing", .count = 1};
	if (src->may_be_empty)
		return ledger_set_source_i64(c->ledger, i, "empty", 1, e);
	snprintf(b.text, sizeof(b.text),
		 "nothing of this client was found in the source; if that is "
		 "right, write may_be_empty = true");
	return ledger_put_blocker(c->ledger, plan, i, &b, e);
}

/* Text from the data, for a terminal: no byte that could control it. */
static void tame(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f ||
		    (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			*p = '?';
}

static int enumerate_source(struct app *app, struct casedir *c, size_t i,
			    unsigned plan, bool delta, struct err *e)
{
	const struct closeout_source *src = &c->closeout->sources[i];
	struct scope scope;
	struct source s = {0};
	struct description d;
	struct progress progress;
	uint64_t added = 0;
	int64_t newest = 0;
	int rc = -1;

	description_init(&d);
	closeout_scope(&scope, c->closeout, i, app->stop);
	if (source_open(&s, src->provider, &scope, e) != 0 ||
	    source_describe(&s, PHASE_BEFORE, &d, e) != 0)
		goto out;
	tame(d.found);
	progress_start(&progress, app, src->name, 0);
	rc = scan_plan(&added, &newest, c, i, &s, plan, delta, &progress, e);
	progress_end(&progress);
	if (rc != 0)
		goto out;
	rc = ledger_begin(c->ledger, e);
	if (rc != 0)
		goto out;
	rc = store_description(c, i, src, PHASE_BEFORE, &d, e);
	if (rc == 0)
		rc = ledger_set_source(c->ledger, i, "found", d.found,
				       strlen(d.found), e);
	if (rc == 0)
		rc = ledger_set_source_i64(c->ledger, i, "newest", newest, e);
	if (rc == 0)
		rc = store_blockers(c, i, plan, &d, e);
	if (rc == 0 && added == 0 && !delta)
		rc = selects_nothing(c, i, plan, e);
	if (rc == 0)
		rc = ledger_commit(c->ledger, e);
	else
		ledger_rollback(c->ledger);
out:
	description_release(&d);
	source_close(&s);
	return rc;
}

int run_enumerate(struct app *app, struct casedir *c, unsigned number,
		  bool delta, struct err *e)
{
	for (size_t i = 0; i < c->closeout->n_sources; i++)
		if (enumerate_source(app, c, i, number, delta, e) != 0)
			return -1;
	return 0;
}

/* ---- destruction -------------------------------------------------------- */

struct run {
	struct app *app;
	struct casedir *c;
	struct guard *guard;
	struct source *sources;
	struct run_result *result;
};

static const struct closeout_source *closeout_of(const struct run *r, size_t i)
{
	return &r->c->closeout->sources[i];
}

static int set_number(struct run *r, size_t i, const char *key, int64_t value,
		      struct err *e)
{
	if (ledger_begin(r->c->ledger, e) != 0)
		return -1;
	if (ledger_set_source_i64(r->c->ledger, i, key, value, e) != 0) {
		ledger_rollback(r->c->ledger);
		return -1;
	}
	return ledger_commit(r->c->ledger, e);
}

static int get_number(int64_t *value, struct run *r, size_t i, const char *key,
		      struct err *e)
{
	*value = 0;
	return ledger_get_source_i64(value, r->c->ledger, i, key, e);
}

static int stopped(const struct run *r, struct err *e)
{
	if (r->app->stop == NULL || !*r->app->stop)
		return 0;
	return err_set(e, ERR_STOPPED,
		       "stopped at a safe point; carry on with: quietus "
		       "destroy %s",
		       r->c->path);
}

/* ---- look --------------------------------------------------------------- */

struct bystander_sink {
	struct run *r;
	size_t source;
	uint64_t n;
};

static int bystander_item(void *arg, const struct item *item, struct err *e)
{
	struct bystander_sink *k = arg;
	k->n++;
	return ledger_put_bystander(k->r->c->ledger, k->source, item->id,
				    item->id_len, e);
}

/* I10, before: what lies beside the scope. */
static int bystanders_before(struct run *r, size_t i, struct err *e)
{
	struct ledger *l = r->c->ledger;
	struct bystander_sink sink = {r, i, 0};
	struct err why = ERR_INIT;
	bool all = true;

	if (source_measures_inside(&r->sources[i]))
		return 0;
	if (ledger_begin(l, e) != 0)
		return -1;
	if (ledger_forget_bystanders(l, i, e) != 0)
		goto fail;
	int rc = source_bystanders(&r->sources[i], BYSTANDERS_EXACT,
				   BYSTANDERS_SAMPLE, &all, bystander_item,
				   &sink, &why);
	if (rc != 0 && why.code != ERR_DENIED) {
		*e = why;
		goto fail;
	}
	/* what the credentials may not see is "not measured" */
	if (ledger_set_source_i64(l, i, "bystanders", rc == 0, e) != 0 ||
	    ledger_set_source_i64(l, i, "bystanders-sampled", !all, e) != 0 ||
	    ledger_set_source_i64(l, i, "bystanders-before", (int64_t)sink.n,
				  e) != 0)
		goto fail;
	return ledger_commit(l, e);
fail:
	ledger_rollback(l);
	return -1;
}

/* Values to look for later, and how often they are there now. */
static int sample(struct run *r, size_t i, struct err *e)
{
	struct ledger *l = r->c->ledger;
	struct buf samples;
	struct residue res;
	int rc = -1;

	buf_init_secret(&samples, SAMPLES_MAX);
	if (source_sample(&r->sources[i], &samples, e) != 0 ||
	    source_residue(&r->sources[i], samples.data, samples.len, &res,
			   e) != 0)
		goto out;
	if (ledger_begin(l, e) != 0)
		goto out;
	if (ledger_set_source(l, i, "samples", samples.data, samples.len, e) !=
		    0 ||
	    ledger_set_source_i64(l, i, "residue-before", (int64_t)res.hits,
				  e) != 0 ||
	    ledger_set_source_i64(l, i, "looked", clock_now(), e) != 0) {
		ledger_rollback(l);
		goto out;
	}
	rc = ledger_commit(l, e);
out:
	buf_release(&samples);
	return rc;
}

static int report_drift(struct run *r, size_t i, const struct drift *d,
			struct err *e)
{
	char n[APP_NUMBER], m[APP_NUMBER];
	const char *name = closeout_of(r, i)->name;
	for (size_t k = 0; k < d->n_examples; k++)
		app_warn("  %s: %s", name, d->example[k]);
	return err_set(e, ERR_DRIFT,
		       "source %s is not what was planned: %s new, %s changed "
		       "since the plan; nothing of it is destroyed without an "
		       "approved plan; next: quietus plan --delta %s",
		       name, app_count(n, d->new_items),
		       app_count(m, d->changed), r->c->path);
}

static uint64_t planned_items(const struct run *r, size_t i)
{
	uint64_t n = 0;
	for (unsigned p = 0; p < r->c->n_plans; p++) {
		const struct plan_source *s =
			plan_source(r->c->plans[p], closeout_of(r, i)->name);
		if (s != NULL)
			n += s->destroy;
	}
	return n;
}

static int carried_before(uint64_t *n, struct run *r, size_t i, struct err *e)
{
	struct marks m;
	*n = 0;
	int rc = marks_read(&m, r->c, i, e);
	for (unsigned p = 0; rc == 0 && p < m.n; p++)
		*n += m.of[p].done;
	marks_release(&m);
	return rc;
}

/* A plan is approved against what the store was then: what blocks now and did
 * not then (a new table, a trigger, a replica) stops what is left to do. */
static int still_free(struct run *r, size_t i, struct err *e)
{
	struct description d;
	uint64_t before;
	int64_t begun;
	size_t n = 0;
	if (carried_before(&before, r, i, e) != 0 ||
	    ledger_first_intent(&begun, r->c->ledger, i, e) != 0)
		return -1;
	if (planned_items(r, i) <= before)
		return 0;
	description_init(&d);
	int rc = source_describe(&r->sources[i], PHASE_AGAIN, &d, e);
	for (size_t b = 0; rc == 0 && b < d.n_blockers; b++) {
		if (!counts(&d.blockers[b], begun != 0))
			continue;
		n++;
		tame(d.blockers[b].text);
		app_warn("  blocker %s: %s: %s", d.blockers[b].kind,
			 closeout_of(r, i)->name, d.blockers[b].text);
	}
	description_release(&d);
	if (rc == 0 && n != 0)
		rc = err_set(e, ERR_REFUSED,
			     "source %s: something blocks that did not when "
			     "the plan was approved; settle it, then: quietus "
			     "destroy %s",
			     closeout_of(r, i)->name, r->c->path);
	return rc;
}

static int look(struct run *r, size_t i, struct err *e)
{
	struct drift d;
	struct progress p;
	int64_t looked;
	char n[APP_NUMBER];

	progress_start(&p, r->app, closeout_of(r, i)->name, 0);
	int rc = scan_drift(&d, r->c, i, &r->sources[i], &p, e);
	progress_end(&p);
	if (rc != 0)
		return -1;
	if (d.vanished != 0)
		app_say(r->app,
			"%s: %s planned item%s gone before we came: absent",
			closeout_of(r, i)->name, app_count(n, d.vanished),
			d.vanished == 1 ? " was" : "s were");
	if (d.new_items != 0 || d.changed != 0)
		return report_drift(r, i, &d, e);
	if (still_free(r, i, e) != 0 ||
	    get_number(&looked, r, i, "looked", e) != 0)
		return -1;
	if (looked != 0)
		return 0;
	return bystanders_before(r, i, e) != 0 ? -1 : sample(r, i, e);
}

/* ---- destroy ------------------------------------------------------------ */

static int batches(struct run *r, size_t i, struct err *e)
{
	struct progress p;
	struct step step = {.more = true};
	uint64_t before;
	int rc = 0;

	if (carried_before(&before, r, i, e) != 0)
		return -1;
	r->result->before += before;
	progress_start(&p, r->app, closeout_of(r, i)->name,
		       planned_items(r, i) - before);
	while (rc == 0 && step.more) {
		rc = stopped(r, e);
		if (rc == 0)
			rc = guard_step(&step, r->guard, i, &r->sources[i], e);
		r->app->destroyed_something |= step.asked != 0;
		r->result->asked += step.asked;
		r->result->failed += step.failed;
		progress_add(&p, step.asked);
	}
	progress_end(&p);
	if (rc != 0)
		return -1;
	rc = guard_retry(&step, r->guard, i, &r->sources[i], e);
	r->app->destroyed_something |= step.asked != 0;
	return rc;
}

/* ---- purge -------------------------------------------------------------- */

static int purge(struct run *r, size_t i, struct err *e)
{
	struct buf did;
	struct err why = ERR_INIT;
	int rc;

	buf_init(&did, 2000);
	rc = source_purge(&r->sources[i], &did, &why);
	if (rc != 0 && why.code == ERR_REFUSED) {
		/* others are in the way: the classes will say so */
		r->result->purge_waits = true;
		snprintf(r->result->why, sizeof(r->result->why), "%s", why.msg);
		rc = 0;
	} else if (rc != 0) {
		*e = why;
	} else if (ledger_begin(r->c->ledger, e) != 0) {
		rc = -1;
	} else if (ledger_set_source(r->c->ledger, i, "purge", did.data,
				     did.len, e) != 0) {
		ledger_rollback(r->c->ledger);
		rc = -1;
	} else {
		rc = ledger_commit(r->c->ledger, e);
	}
	buf_release(&did);
	return rc;
}

/* ---- check -------------------------------------------------------------- */

/* Bystanders asked about again, in batches. */
struct roll_call {
	struct run *r;
	size_t source;
	struct item items[500];
	enum answer answers[500];
	size_t n;
	struct buf ids;
	uint64_t present, lost, unclear;
};

static int call_roll(struct roll_call *k, struct err *e)
{
	size_t at = 0;
	if (k->n == 0)
		return 0;
	for (size_t i = 0; i < k->n; i++) {
		k->items[i].id = k->ids.data + at;
		at += k->items[i].id_len;
	}
	if (source_check_absent(&k->r->sources[k->source], k->items, k->n,
				k->answers, e) != 0)
		return -1;
	for (size_t i = 0; i < k->n; i++) {
		k->present += k->answers[i] == ANSWER_PRESENT;
		k->lost += k->answers[i] == ANSWER_ABSENT;
		k->unclear += k->answers[i] == ANSWER_UNKNOWN;
	}
	k->n = 0;
	buf_reset(&k->ids);
	return 0;
}

static int roll_item(void *arg, const unsigned char *id, size_t len,
		     struct err *e)
{
	struct roll_call *k = arg;
	memset(&k->items[k->n], 0, sizeof(k->items[k->n]));
	k->items[k->n].id_len = len;
	if (buf_put(&k->ids, id, len) != 0)
		return err_set(e, ERR_FAILED, "out of memory");
	k->n++;
	return k->n == 500 ? call_roll(k, e) : 0;
}

/* I10, after: what lay beside the scope must still be there. */
static int bystanders_after(struct run *r, size_t i, struct err *e)
{
	struct ledger *l = r->c->ledger;
	int64_t measured, was_lost;
	int rc = -1;

	if (source_measures_inside(&r->sources[i]))
		return 0;
	if (get_number(&measured, r, i, "bystanders", e) != 0 ||
	    get_number(&was_lost, r, i, "bystanders-lost", e) != 0)
		return -1;
	if (measured == 0)
		return 0;
	struct roll_call *k = calloc(1, sizeof(*k));
	if (k == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	k->r = r;
	k->source = i;
	buf_init(&k->ids, sizeof(k->items) / sizeof(k->items[0]) * ITEM_ID_MAX);
	if (ledger_bystanders(l, i, roll_item, k, e) != 0 ||
	    call_roll(k, e) != 0 || ledger_begin(l, e) != 0)
		goto out;
	/* a loss that was seen is never forgotten by a later, good look */
	if (was_lost < (int64_t)k->lost)
		was_lost = (int64_t)k->lost;
	if (ledger_set_source_i64(l, i, "roll-called", clock_now(), e) != 0 ||
	    ledger_set_source_i64(l, i, "bystanders-lost", was_lost, e) != 0 ||
	    ledger_set_source_i64(l, i, "bystanders-unclear",
				  (int64_t)k->unclear, e) != 0 ||
	    ledger_set_source_i64(l, i, "bystanders-present",
				  (int64_t)k->present, e) != 0) {
		ledger_rollback(l);
		goto out;
	}
	rc = ledger_commit(l, e);
	if (rc == 0 && k->lost != 0) {
		char n[APP_NUMBER];
		app_warn("quietus: source %s: %s thing%s of others that %s "
			 "there before %s gone: possible personal data "
			 "breach: tell the data protection officer now",
			 closeout_of(r, i)->name, app_count(n, k->lost),
			 k->lost == 1 ? "" : "s", k->lost == 1 ? "was" : "were",
			 k->lost == 1 ? "is" : "are");
	}
out:
	buf_release(&k->ids);
	free(k);
	return rc;
}

static int residue_after(struct run *r, size_t i, struct err *e)
{
	struct ledger *l = r->c->ledger;
	struct buf samples;
	struct residue res;
	bool found;
	int rc = -1;

	buf_init_secret(&samples, SAMPLES_MAX);
	if (ledger_get_source(&found, &samples, l, i, "samples", e) != 0 ||
	    source_residue(&r->sources[i], samples.data, samples.len, &res,
			   e) != 0 ||
	    ledger_begin(l, e) != 0)
		goto out;
	if (ledger_set_source_i64(l, i, "residue-after", (int64_t)res.hits,
				  e) != 0 ||
	    ledger_set_source_i64(l, i, "residue-possible",
				  res.possible && samples.len != 0, e) != 0 ||
	    ledger_set_source(l, i, "residue-regions", res.regions,
			      strlen(res.regions), e) != 0 ||
	    ledger_set_source(l, i, "residue-why", res.why, strlen(res.why),
			      e) != 0) {
		ledger_rollback(l);
		goto out;
	}
	rc = ledger_commit(l, e);
out:
	buf_release(&samples);
	return rc;
}

static int describe_after(struct run *r, size_t i, struct err *e)
{
	struct description d;
	description_init(&d);
	int rc = source_describe(&r->sources[i], PHASE_AFTER, &d, e);
	if (rc == 0)
		rc = ledger_begin(r->c->ledger, e);
	if (rc == 0) {
		rc = store_description(r->c, i, closeout_of(r, i), PHASE_AFTER,
				       &d, e);
		/* the last word of the check: everything was asked */
		if (rc == 0)
			rc = ledger_set_source_i64(r->c->ledger, i, "checked",
						   clock_now(), e);
		if (rc == 0)
			rc = ledger_commit(r->c->ledger, e);
		else
			ledger_rollback(r->c->ledger);
	}
	description_release(&d);
	return rc;
}

static int check(struct run *r, size_t i, struct err *e)
{
	struct progress p;
	char label[160];
	snprintf(label, sizeof(label), "%s: asking again",
		 closeout_of(r, i)->name);
	progress_start(&p, r->app, label, 0);
	int rc = scan_check(r->c, i, &r->sources[i], &p, e);
	progress_end(&p);
	if (rc != 0 || residue_after(r, i, e) != 0 ||
	    bystanders_after(r, i, e) != 0)
		return -1;
	return describe_after(r, i, e);
}

/* ---- the whole ---------------------------------------------------------- */

static int open_sources(struct run *r, struct err *e)
{
	for (size_t i = 0; i < r->c->closeout->n_sources; i++) {
		struct scope scope;
		closeout_scope(&scope, r->c->closeout, i, r->app->stop);
		if (source_open(&r->sources[i], closeout_of(r, i)->provider,
				&scope, e) != 0)
			return -1;
	}
	return 0;
}

typedef int stage_fn(struct run *r, size_t i, struct err *e);

/* One stage for all sources.  What went wrong is kept per source: a source
 * that cannot be reached has the verdict "unreachable". */
static int stage(struct run *r, stage_fn *fn, struct err *e)
{
	for (size_t i = 0; i < r->c->closeout->n_sources; i++) {
		if (stopped(r, e) != 0)
			return -1;
		int rc = fn(r, i, e);
		struct err keep = ERR_INIT;
		if (set_number(r, i, "error", rc != 0 ? (int64_t)e->code : 0,
			       rc != 0 ? &keep : e) != 0 ||
		    rc != 0)
			return -1;
	}
	return 0;
}

static int queue_destroyed(struct run *r, struct err *e)
{
	unsigned char sha[SHA_LEN];
	int64_t told = 0;
	struct casedir *c = r->c;
	const struct buf *last = &c->plan_bytes[c->n_plans - 1];

	if (sha_once(sha, last->data, last->len, e) != 0 ||
	    ledger_get_i64(&told, c->ledger, "told-destroyed", e) != 0)
		return -1;
	if (told == (int64_t)c->n_plans)
		return 0;
	if (ledger_begin(c->ledger, e) != 0)
		return -1;
	if (case_queue_event(c, "destroyed", "plan", sha, e) != 0 ||
	    ledger_set_i64(c->ledger, "told-destroyed", (int64_t)c->n_plans,
			   e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

int run_destroy(struct run_result *out, struct app *app, struct casedir *c,
		struct err *e)
{
	struct run r = {.app = app, .c = c, .result = out};
	int rc = -1;

	memset(out, 0, sizeof(*out));
	if (c->closed || c->ledger == NULL)
		return err_set(e, ERR_REFUSED, "case %s is closed", c->path);
	if (ledger_any_intent(&app->destroyed_something, c->ledger, e) != 0 ||
	    guard_open(&r.guard, c, e) != 0)
		return -1;
	r.sources = calloc(c->closeout->n_sources, sizeof(*r.sources));
	if (r.sources == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (case_unsettle(c, e) != 0)
		goto out;
	/* the trail must be writable before anything is destroyed */
	if (case_flush_trail(c, e) != 0 || open_sources(&r, e) != 0 ||
	    stage(&r, look, e) != 0 || stage(&r, batches, e) != 0 ||
	    stage(&r, purge, e) != 0 || stage(&r, check, e) != 0 ||
	    queue_destroyed(&r, e) != 0)
		goto out;
	rc = case_flush_trail(c, e);
out:
	for (size_t i = 0; r.sources != NULL && i < c->closeout->n_sources; i++)
		source_close(&r.sources[i]);
	free(r.sources);
	guard_free(r.guard);
	return rc;
}
