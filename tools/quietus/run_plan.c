/* run_plan.c: planning: every source enumerated into the ledger. */
#include <stdio.h>
#include <string.h>

#include "tools/quietus/run_parts.h"
#include "tools/quietus/scan.h"

int run_describe(struct casedir *c, size_t i, enum phase phase,
		 const struct description *d, struct err *e)
{
	const struct closeout_source *src = &c->closeout->sources[i];
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

bool run_counts(const struct blocker *b, bool begun)
{
	return !begun || strcmp(b->kind, "selects-nothing") != 0;
}

static int store_blockers(struct casedir *c, size_t i, unsigned plan,
			  const struct description *d, struct err *e)
{
	for (size_t b = 0; b < d->n_blockers; b++)
		if (run_counts(&d->blockers[b], plan > 1) &&
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

void run_tame(char *text)
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
	run_tame(d.found);
	progress_start(&progress, app, src->name, 0);
	rc = scan_plan(&added, &newest, c, i, &s, plan, delta, &progress, e);
	progress_end(&progress);
	if (rc != 0)
		goto out;
	rc = ledger_begin(c->ledger, e);
	if (rc != 0)
		goto out;
	rc = run_describe(c, i, PHASE_BEFORE, &d, e);
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
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		int64_t removed = 0;
		if (ledger_get_source_i64(&removed, c->ledger, i, "removed",
					  e) != 0)
			return -1;
		/* an emptied bucket that we deleted holds nothing new */
		if (removed == 0 &&
		    enumerate_source(app, c, i, number, delta, e) != 0)
			return -1;
	}
	return 0;
}
