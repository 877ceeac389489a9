/* cmd_status.c: quietus status: where a case stands, and who must act. */
#include "tools/quietus/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/json.h"
#include "tools/quietus/evidence.h"
#include "tools/quietus/scan.h"

const char *state_name(enum state s)
{
	static const char *const names[] = {"planned",	  "approved",
					    "destroying", "destroyed",
					    "certified",  "closed"};
	return names[s];
}

/* ---- standing ----------------------------------------------------------- */

static int all_checked(bool *all, struct casedir *c, struct err *e)
{
	*all = true;
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		int64_t checked = 0;
		if (ledger_get_source_i64(&checked, c->ledger, i, "checked",
					  e) != 0)
			return -1;
		*all = *all && checked != 0;
	}
	return 0;
}

/* Whether anything was begun under the newest plan. */
static int newest_begun(bool *begun, struct casedir *c, struct err *e)
{
	*begun = false;
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		struct ledger_mark m;
		int rc = ledger_mark(&m, c->ledger, i, c->n_plans, e);
		*begun |= m.started;
		ledger_mark_release(&m);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int closed_standing(struct standing *out)
{
	/* close insists on a final certificate */
	out->state = STATE_CLOSED;
	out->document = KIND_FINAL;
	return 0;
}

int step_standing(struct standing *out, struct casedir *c, struct err *e)
{
	struct ledger_document d;
	bool found = false, any = false, all = false, newest = false;
	int64_t changed = 0;

	memset(out, 0, sizeof(*out));
	if (c->closed || c->ledger == NULL)
		return closed_standing(out);
	out->required = c->closeout->approvals_required;
	out->too_early = clock_now() < c->closeout->not_before;
	for (size_t i = 0; i < c->closeout->n_sources; i++)
		out->returns |=
			c->closeout->sources[i].choice == DISPOSITION_RETURN;
	if (c->n_plans == 0)
		return 0;
	struct err ignored = ERR_INIT;
	/* an invalid approval counts as none here; destroy names it */
	(void)case_approvals(&out->approvals, c, c->n_plans, NULL, NULL,
			     &ignored);
	out->blockers = c->plans[c->n_plans - 1]->n_blockers;
	int rc = ledger_document(&found, &d, c->ledger, 0, e);
	if (found && d.published)
		out->document = d.kind;
	ledger_document_release(&d);
	if (rc != 0 || ledger_any_intent(&any, c->ledger, e) != 0 ||
	    all_checked(&all, c, e) != 0 || newest_begun(&newest, c, e) != 0 ||
	    ledger_get_i64(&changed, c->ledger, "changed", e) != 0)
		return -1;
	out->stale = changed != 0;
	if (out->document != KIND_NONE && !out->stale)
		out->state = STATE_CERTIFIED;
	else if (all)
		out->state = STATE_DESTROYED;
	else if (any && newest)
		out->state = STATE_DESTROYING;
	else if (out->approvals >= out->required && out->blockers == 0)
		out->state = STATE_APPROVED;
	else
		out->state = STATE_PLANNED;
	return 0;
}

/* ---- what is next ------------------------------------------------------- */

/* Items left and the rate of the batches so far. */
static int time_left(struct buf *out, struct casedir *c, struct err *e)
{
	uint64_t left = 0, done = 0;
	double rate = 0;
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		struct marks m;
		double r = 0;
		int rc = marks_read(&m, c, i, e);
		for (unsigned p = 0; rc == 0 && p < m.n; p++) {
			const struct plan_source *s = plan_source(
				c->plans[p], c->closeout->sources[i].name);
			done += m.of[p].done;
			if (s != NULL && s->destroy > m.of[p].done)
				left += s->destroy - m.of[p].done;
		}
		marks_release(&m);
		if (rc != 0 || ledger_rate(&r, c->ledger, i, e) != 0)
			return -1;
		if (r > rate)
			rate = r;
	}
	char n[APP_NUMBER], d[APP_NUMBER];
	buf_putf(out, " %s items carried out, %s left", app_count(d, done),
		 app_count(n, left));
	if (rate > 0 && left != 0)
		buf_putf(out, ", about %.0f seconds at the measured rate",
			 (double)left / rate);
	buf_puts(out, ".");
	return 0;
}

static int next_after_document(struct buf *out, const struct standing *s,
			       struct casedir *c)
{
	switch (s->document) {
	case KIND_FINAL:
		buf_putf(out,
			 "The certificate is final: hand %s/certificate.json "
			 "and its companions (and inventory/, where there is "
			 "one) to the client.  Then the operator may run: "
			 "quietus close %s.  Nothing happens by itself.",
			 c->path, c->path);
		return 0;
	case KIND_INTERIM:
		buf_putf(out,
			 "The certificate is interim: some data goes, or may "
			 "first be destroyed, on a date.  After that date the "
			 "operator runs: quietus destroy %s, then quietus "
			 "certify %s.  quietus does nothing by itself.",
			 c->path, c->path);
		return 0;
	default:
		buf_putf(out,
			 "There is only an exception report: see which "
			 "classes are present, refused, unreachable or "
			 "unknown, settle that, then: quietus destroy %s (or, "
			 "for what is new, quietus plan --delta %s first).  "
			 "Nothing happens by itself.",
			 c->path, c->path);
		return 0;
	}
}

static int next_before(struct buf *out, const struct standing *s,
		       struct casedir *c)
{
	char date[CLOCK_TEXT];
	if (c->n_plans == 0)
		buf_puts(out, "The plan was not finished.  The operator runs: "
			      "quietus plan FILE.");
	else if (s->blockers != 0)
		buf_putf(out,
			 "The plan has %llu kind%s of blockers: the operator "
			 "settles them and plans again: quietus plan FILE.",
			 (unsigned long long)s->blockers,
			 s->blockers == 1 ? "" : "s");
	else if (s->approvals < s->required)
		buf_putf(out,
			 "%u of %u approvals: the next approver runs: quietus "
			 "approve %s --certificate C --key K.",
			 s->approvals, s->required, c->path);
	else if (s->returns)
		buf_puts(out, "The data is to be returned before it is "
			      "destroyed; this version cannot return data.");
	else if (s->too_early) {
		clock_text(date, c->closeout->not_before);
		buf_putf(out,
			 "Approved.  Nothing may be destroyed before %s; from "
			 "then on the operator runs: quietus destroy %s.",
			 date, c->path);
	} else
		buf_putf(out,
			 "Approved.  The operator runs: quietus destroy %s.",
			 c->path);
	buf_puts(out, "  Nothing happens by itself.");
	return 0;
}

int step_next(struct buf *out, const struct standing *s, struct casedir *c,
	      struct err *e)
{
	switch (s->state) {
	case STATE_PLANNED:
	case STATE_APPROVED:
		return next_before(out, s, c);
	case STATE_DESTROYING:
		buf_puts(out, "The destruction has begun and is not "
			      "finished:");
		if (time_left(out, c, e) != 0)
			return -1;
		if (s->approvals < s->required)
			buf_putf(out,
				 "  The newest plan lacks approvals: "
				 "quietus approve %s.",
				 c->path);
		buf_putf(out,
			 "  The operator carries on with: quietus destroy "
			 "%s.  Nothing happens by itself.",
			 c->path);
		return 0;
	case STATE_DESTROYED:
		buf_putf(out,
			 "Destroyed and asked again.  The operator runs: "
			 "quietus certify %s.  Nothing happens by itself.",
			 c->path);
		return 0;
	case STATE_CERTIFIED:
		return next_after_document(out, s, c);
	default:
		buf_puts(out, "The case is closed.  Nothing is left to do.");
		return 0;
	}
}

/* ---- output ------------------------------------------------------------- */

static json_t *line_json(const struct statement_line *l)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:s}", "class",
			      class_name(l->cls), "items", json_u64(l->items),
			      "bytes", json_u64(l->bytes), "verdict",
			      verdict_name(l->verdict));
	if (l->until != 0) {
		char date[CLOCK_TEXT];
		clock_text(date, l->until);
		json_object_set_new(o, "until", json_string(date));
	}
	if (l->retention != NULL)
		json_object_set_new(o, "retention", json_string(l->retention));
	return o;
}

static int source_status(json_t *list, struct app *app, struct casedir *c,
			 size_t i, struct err *e)
{
	const struct closeout_source *src = &c->closeout->sources[i];
	struct evidence ev;
	char n[APP_NUMBER], b[APP_NUMBER];

	if (evidence_source(&ev, c, i, false, NULL, NULL, e) != 0)
		return -1;
	json_t *classes = json_array();
	app_say(app, "  %-16s %-10s %12s items  %12s", src->name,
		src->provider->name, app_count(n, ev.items),
		app_bytes(b, ev.bytes));
	for (size_t k = 0; k < ev.n_lines; k++) {
		const struct statement_line *l = &ev.lines[k];
		json_array_append_new(classes, line_json(l));
		app_say(app, "    %-20s %-20s %12s items  %12s%s%s",
			class_name(l->cls), verdict_name(l->verdict),
			app_count(n, l->items), app_bytes(b, l->bytes),
			l->items == 0 && l->why != NULL ? "  " : "",
			l->items == 0 && l->why != NULL ? l->why : "");
	}
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "name",
			      src->name, "provider", src->provider->name,
			      "items", json_u64(ev.items), "bytes",
			      json_u64(ev.bytes), "unplanned",
			      json_u64(ev.unplanned), "classes", classes);
	evidence_release(&ev);
	return json_array_append_new(list, o) == 0
		       ? 0
		       : err_set(e, ERR_FAILED, "out of memory");
}

/* The sources of a closed case stand in its certificate only. */
static int closed_sources(json_t *list, struct app *app, struct casedir *c,
			  struct err *e)
{
	struct buf path;
	buf_init(&path, 8192);
	json_t *doc = json_file(case_file(&path, c, "certificate.json"),
				STATEMENT_MAX, NULL, e);
	buf_release(&path);
	if (doc == NULL)
		return -1;
	size_t i;
	json_t *s;
	json_array_foreach(json_object_get(doc, "sources"), i, s)
	{
		const char *name =
			json_string_value(json_object_get(s, "name"));
		app_say(app, "  %s", name != NULL ? name : "?");
		json_array_append(list, s);
	}
	json_decref(doc);
	return 0;
}

int step_status(struct app *app, struct casedir *c, struct err *e)
{
	struct standing s;
	struct buf next;
	json_t *sources = json_array(), *blockers = NULL;
	int rc = -1;

	buf_init(&next, 4096);
	if (step_standing(&s, c, e) != 0 || step_next(&next, &s, c, e) != 0)
		goto out;
	app_say(app, "Case %s (%s): %s", c->id, c->path, state_name(s.state));
	if (s.state == STATE_CLOSED) {
		if (closed_sources(sources, app, c, e) != 0)
			goto out;
	} else {
		for (size_t i = 0; i < c->closeout->n_sources; i++)
			if (source_status(sources, app, c, i, e) != 0)
				goto out;
		if (s.blockers != 0 && !app->json &&
		    step_show_blockers(app, c, c->n_plans, e) != 0)
			goto out;
		if (c->n_plans != 0) {
			blockers = step_blockers_json(c, c->n_plans, e);
			if (blockers == NULL)
				goto out;
		}
	}
	app_say(app, "%s", buf_str(&next));
	app_json(app,
		 json_pack("{s:s, s:s, s:O, s:s, s:i, s:i, s:o, s:s}", "id",
			   c->id, "state", state_name(s.state), "sources",
			   sources, "certificate", kind_name(s.document),
			   "approvals", (int)s.approvals, "approvals_required",
			   (int)s.required, "blockers",
			   blockers != NULL ? json_incref(blockers)
					    : json_array(),
			   "next", buf_str(&next)));
	rc = 0;
out:
	json_decref(sources);
	json_decref(blockers);
	buf_release(&next);
	return rc;
}

int cmd_status(struct app *app, int argc, char **argv)
{
	const char *name;
	struct casedir *c = NULL;
	struct err e = ERR_INIT;
	int rc = app_arguments(app, &name, 1, "the case", NULL, argc, argv);
	if (rc != 0)
		return rc;
	rc = case_open(&c, name, CASE_READ, &e);
	if (rc == 0)
		rc = step_status(app, c, &e);
	case_close(c);
	return rc == 0 ? EXIT_DONE : app_fail(app, &e);
}
