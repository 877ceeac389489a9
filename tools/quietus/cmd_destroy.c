/* cmd_destroy.c: quietus destroy. */
#include "tools/quietus/steps.h"

#include "tools/quietus/evidence.h"
#include "tools/quietus/run.h"

static int say_source(struct app *app, struct casedir *c, size_t i,
		      struct err *e)
{
	struct evidence ev;
	char n[APP_NUMBER], b[APP_NUMBER];
	if (evidence_source(&ev, c, i, false, NULL, NULL, e) != 0)
		return -1;
	app_say(app, "  %s:", c->closeout->sources[i].name);
	for (size_t k = 0; k < ev.n_lines; k++)
		app_say(app, "    %-18s %-20s %12s items  %12s",
			class_name(ev.lines[k].cls),
			verdict_name(ev.lines[k].verdict),
			app_count(n, ev.lines[k].items),
			app_bytes(b, ev.lines[k].bytes));
	if (ev.unplanned != 0)
		app_warn("quietus: source %s: %s item%s in the scope that no "
			 "plan names; next: quietus plan --delta %s",
			 c->closeout->sources[i].name,
			 app_count(n, ev.unplanned),
			 ev.unplanned == 1 ? "" : "s", c->path);
	evidence_release(&ev);
	return 0;
}

static void say_result(struct app *app, const struct run_result *r)
{
	char n[APP_NUMBER], m[APP_NUMBER];
	if (r->asked == 0)
		app_say(app,
			"Nothing was left to destroy (%s items were carried "
			"out before); everything was asked again.",
			app_count(n, r->before));
	else
		app_say(app, "%s items carried out now, %s before.",
			app_count(n, r->asked), app_count(m, r->before));
	if (r->failed != 0)
		app_warn("quietus: %s items were not said to be done; see: "
			 "quietus status",
			 app_count(n, r->failed));
}

int step_destroy(enum kind *kind, struct app *app, struct casedir *c,
		 struct err *e)
{
	struct run_result r;
	int rc = run_destroy(&r, app, c, e);
	if (rc != 0) {
		char n[APP_NUMBER];
		if (r.asked + r.before != 0)
			app_warn("quietus: %s items were carried out before "
				 "this; nothing is lost, the ledger has it",
				 app_count(n, r.asked + r.before));
		return -1;
	}
	say_result(app, &r);
	for (size_t i = 0; i < c->closeout->n_sources; i++)
		if (say_source(app, c, i, e) != 0)
			return -1;
	if (evidence_kind(kind, c, e) != 0)
		return -1;
	if (r.purge_waits)
		return err_set(e, ERR_REFUSED,
			       "the rows are deleted, but not yet made "
			       "physical: %s; then run: quietus destroy %s",
			       r.why, c->path);
	return 0;
}

int cmd_destroy(struct app *app, int argc, char **argv)
{
	const char *name;
	struct casedir *c = NULL;
	struct err e = ERR_INIT;
	enum kind kind = KIND_NONE;

	int rc = app_arguments(app, &name, 1, "the case", NULL, argc, argv);
	if (rc != 0)
		return rc;
	rc = case_open(&c, name, CASE_WORK, &e);
	if (rc == 0)
		rc = step_destroy(&kind, app, c, &e);
	if (rc == 0 && kind != KIND_FINAL)
		app_say(app,
			"Some verdict keeps the certificate from being "
			"final (it would be: %s).",
			kind_name(kind));
	if (rc == 0)
		app_say(app, "Next: quietus certify %s", c->path);
	if (rc == 0 && app->json)
		rc = step_status(app, c, &e);
	case_close(c);
	if (rc != 0)
		return app_fail(app, &e);
	return kind == KIND_FINAL ? EXIT_DONE : EXIT_NOT_FINAL;
}
