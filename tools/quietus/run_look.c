/* run_look.c: before the first batch: what differs from the plan, what blocks
 * now, and what the check will want to compare (I10). */
#include <stdio.h>
#include <string.h>

#include "certs/base/clock.h"
#include "tools/quietus/run_parts.h"
#include "tools/quietus/scan.h"

/* Bystanders: exact up to this many, above it a sample (docs/LIMITS.md). */
#define BYSTANDERS_EXACT 100000
#define BYSTANDERS_SAMPLE 1000

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
	const char *name = run_closeout(r, i)->name;
	for (size_t k = 0; k < d->n_examples; k++)
		app_warn("  %s: %s", name, d->example[k]);
	return err_set(e, ERR_DRIFT,
		       "source %s is not what was planned: %s new, %s changed "
		       "since the plan; nothing of it is destroyed without an "
		       "approved plan; next: quietus plan --delta %s",
		       name, app_count(n, d->new_items),
		       app_count(m, d->changed), r->c->path);
}

/* A plan is approved against what the store was then: what blocks now and did
 * not then (a new table, a trigger, a replica) stops what is left to do. */
static int still_free(struct run *r, size_t i, struct err *e)
{
	struct description d;
	uint64_t before;
	int64_t begun;
	size_t n = 0;
	if (run_carried_out(&before, r, i, e) != 0 ||
	    ledger_first_intent(&begun, r->c->ledger, i, e) != 0)
		return -1;
	if (run_planned(r, i) <= before)
		return 0;
	description_init(&d);
	int rc = source_describe(&r->sources[i], PHASE_AGAIN, &d, e);
	for (size_t b = 0; rc == 0 && b < d.n_blockers; b++) {
		if (!run_counts(&d.blockers[b], begun != 0))
			continue;
		n++;
		run_tame(d.blockers[b].text);
		app_warn("  blocker %s: %s: %s", d.blockers[b].kind,
			 run_closeout(r, i)->name, d.blockers[b].text);
	}
	description_release(&d);
	if (rc == 0 && n != 0)
		rc = err_set(e, ERR_REFUSED,
			     "source %s: something blocks that did not when "
			     "the plan was approved; settle it, then: quietus "
			     "destroy %s",
			     run_closeout(r, i)->name, r->c->path);
	return rc;
}

int run_look(struct run *r, size_t i, struct err *e)
{
	struct drift d;
	struct progress p;
	int64_t looked;
	char n[APP_NUMBER];

	progress_start(&p, r->app, run_closeout(r, i)->name, 0);
	int rc = scan_drift(&d, r->c, i, &r->sources[i], &p, e);
	progress_end(&p);
	if (rc != 0)
		return -1;
	if (d.vanished != 0)
		app_say(r->app,
			"%s: %s planned item%s gone before we came: absent",
			run_closeout(r, i)->name, app_count(n, d.vanished),
			d.vanished == 1 ? " was" : "s were");
	if (d.new_items != 0 || d.changed != 0)
		return report_drift(r, i, &d, e);
	if (still_free(r, i, e) != 0 ||
	    run_get_number(&looked, r, i, "looked", e) != 0)
		return -1;
	if (looked != 0)
		return 0;
	return bystanders_before(r, i, e) != 0 ? -1 : sample(r, i, e);
}
