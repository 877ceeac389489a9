/* run_check.c: asking again after the destruction (I5, I10). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "tools/quietus/evidence.h"
#include "tools/quietus/run_parts.h"
#include "tools/quietus/scan.h"

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
	if (run_get_number(&measured, r, i, "bystanders", e) != 0 ||
	    run_get_number(&was_lost, r, i, "bystanders-lost", e) != 0)
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
			 run_closeout(r, i)->name, app_count(n, k->lost),
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
		rc = run_describe(r->c, i, PHASE_AFTER, &d, e);
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

int run_check(struct run *r, size_t i, struct err *e)
{
	struct progress p;
	char label[160];
	snprintf(label, sizeof(label), "%s: asking again",
		 run_closeout(r, i)->name);
	progress_start(&p, r->app, label, 0);
	int rc = scan_check(r->c, i, &r->sources[i], &p, e);
	progress_end(&p);
	if (rc != 0 || residue_after(r, i, e) != 0 ||
	    bystanders_after(r, i, e) != 0)
		return -1;
	return describe_after(r, i, e);
}

/* ---- seal --------------------------------------------------------------- */

int run_removed(struct run *r, size_t i, struct err *e)
{
	static const struct fact gone = {
		"bucket", "deleted after the check; the store refuses that "
			  "while anything is in it"};
	struct ledger *l = r->c->ledger;
	if (ledger_begin(l, e) != 0)
		return -1;
	if (ledger_put_fact(l, i, &gone, e) != 0 ||
	    ledger_set_source_i64(l, i, "removed", clock_now(), e) != 0) {
		ledger_rollback(l);
		return -1;
	}
	return ledger_commit(l, e);
}

/* Whether the check left nothing at all: only then is the place deleted. */
static int all_gone(bool *gone, struct run *r, size_t i, struct err *e)
{
	struct evidence ev;
	bool destroyed = false;
	if (evidence_source(&ev, r->c, i, false, NULL, NULL, e) != 0)
		return -1;
	*gone = ev.checked && ev.unplanned == 0;
	for (size_t k = 0; k < ev.n_lines; k++) {
		enum verdict v = ev.lines[k].verdict;
		destroyed |= v == VERDICT_DESTROYED_VERIFIED;
		*gone = *gone &&
			(v == VERDICT_DESTROYED_VERIFIED ||
			 v == VERDICT_NONE_FOUND || v == VERDICT_ABSENT);
	}
	*gone = *gone && destroyed;
	evidence_release(&ev);
	return 0;
}

int run_seal(struct run *r, size_t i, struct err *e)
{
	bool gone = false, removed = false;
	if (r->sources[i].provider->remove_place == NULL)
		return 0;
	if (all_gone(&gone, r, i, e) != 0)
		return -1;
	/* I4: what we are about to do is on disk before the store is asked */
	if (!gone || run_set_number(r, i, "removing", 1, e) != 0)
		return gone ? -1 : 0;
	if (source_remove_place(&r->sources[i], &removed, e) != 0) {
		struct err keep = ERR_INIT;
		/* a store that contradicts its listing is not checked */
		if (e->code == ERR_DRIFT)
			(void)run_set_number(r, i, "checked", 0, &keep);
		return -1;
	}
	return removed ? run_removed(r, i, e)
		       : run_set_number(r, i, "removing", 0, e);
}
