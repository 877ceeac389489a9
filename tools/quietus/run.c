/*
 * run.c: see run.h.  The order of stages keeps I4 (look and samples before
 * the first intent), I5 (the check is a second enumeration after the last
 * batch) and I10 (bystanders before and after).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "tools/quietus/run_parts.h"
#include "tools/quietus/scan.h"

const struct closeout_source *run_closeout(const struct run *r, size_t i)
{
	return &r->c->closeout->sources[i];
}

int run_set_number(struct run *r, size_t i, const char *key, int64_t value,
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

int run_get_number(int64_t *value, struct run *r, size_t i, const char *key,
		   struct err *e)
{
	*value = 0;
	return ledger_get_source_i64(value, r->c->ledger, i, key, e);
}

uint64_t run_planned(const struct run *r, size_t i)
{
	uint64_t n = 0;
	for (unsigned p = 0; p < r->c->n_plans; p++) {
		const struct plan_source *s =
			plan_source(r->c->plans[p], run_closeout(r, i)->name);
		if (s != NULL)
			n += s->destroy;
	}
	return n;
}

int run_carried_out(uint64_t *n, struct run *r, size_t i, struct err *e)
{
	struct marks m;
	*n = 0;
	int rc = marks_read(&m, r->c, i, e);
	for (unsigned p = 0; rc == 0 && p < m.n; p++)
		*n += m.of[p].done;
	marks_release(&m);
	return rc;
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

/* ---- destroy ------------------------------------------------------------ */

static int batches(struct run *r, size_t i, struct err *e)
{
	struct progress p;
	struct step step = {.more = true};
	uint64_t before;
	int rc = 0;

	if (run_carried_out(&before, r, i, e) != 0)
		return -1;
	r->result->before += before;
	progress_start(&p, r->app, run_closeout(r, i)->name,
		       run_planned(r, i) - before);
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

/* ---- the whole ---------------------------------------------------------- */

/* A place that we deleted after its check is not opened again.  Killed in
 * between, it is missing now: the check before it stands. */
static int open_source(struct run *r, size_t i, struct err *e)
{
	int64_t removed, removing;
	struct scope scope;
	struct err why = ERR_INIT;

	if (run_get_number(&removed, r, i, "removed", e) != 0 ||
	    run_get_number(&removing, r, i, "removing", e) != 0)
		return -1;
	if (removed != 0)
		return 0;
	closeout_scope(&scope, r->c->closeout, i, r->app->stop);
	if (source_open(&r->sources[i], run_closeout(r, i)->provider, &scope,
			&why) == 0)
		return removing != 0 ? run_set_number(r, i, "removing", 0, e)
				     : 0;
	source_close(&r->sources[i]);
	if (removing != 0 && why.code == ERR_MISSING)
		return run_removed(r, i, e);
	*e = why;
	return -1;
}

static int open_sources(struct run *r, struct err *e)
{
	for (size_t i = 0; i < r->c->closeout->n_sources; i++)
		if (open_source(r, i, e) != 0)
			return -1;
	return 0;
}

typedef int stage_fn(struct run *r, size_t i, struct err *e);

/* One stage for all sources.  What went wrong is kept per source: a source
 * that cannot be reached has the verdict "unreachable". */
static int stage(struct run *r, stage_fn *fn, struct err *e)
{
	for (size_t i = 0; i < r->c->closeout->n_sources; i++) {
		if (r->sources[i].provider == NULL)
			continue; /* its place was removed */
		if (stopped(r, e) != 0)
			return -1;
		int rc = fn(r, i, e);
		struct err keep = ERR_INIT;
		if (run_set_number(r, i, "error",
				   rc != 0 ? (int64_t)e->code : 0,
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
	/* the trail must be writable before anything is destroyed */
	if (case_flush_trail(c, e) != 0 || open_sources(&r, e) != 0 ||
	    case_unsettle(c, e) != 0 || stage(&r, run_look, e) != 0 ||
	    stage(&r, batches, e) != 0 || stage(&r, purge, e) != 0 ||
	    stage(&r, run_check, e) != 0 || stage(&r, run_seal, e) != 0 ||
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
