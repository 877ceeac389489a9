/* cmd_check.c: quietus check and quietus providers. */
#include "tools/quietus/app.h"

#include <string.h>

#include "certs/sign.h"
#include "tools/quietus/closeout.h"

static void say_description(struct app *app, const struct closeout_source *s,
			    const struct description *d, json_t *list)
{
	json_t *blockers = json_array(), *classes = json_array();
	app_say(app, "  %s (%s): reachable", s->name, s->provider->name);
	for (size_t i = 0; i < d->n_facts; i++)
		app_say(app, "    %s: %s", d->facts[i].key, d->facts[i].value);
	for (const enum copy_class *c = s->provider->classes;
	     *c != CLASS_UNKNOWN; c++) {
		static const char *const words[] = {
			"cannot be asked", "enumerated", "none",
			"cannot exist",	   "found",	 "goes by itself",
			"purged"};
		const struct class_report *r = &d->classes[*c];
		app_say(app, "    %-20s %s%s%s", class_name(*c),
			words[r->presence], r->why[0] != '\0' ? ": " : "",
			r->why);
		json_array_append_new(
			classes, json_pack("{s:s, s:s, s:s}", "class",
					   class_name(*c), "presence",
					   words[r->presence], "why", r->why));
	}
	for (size_t i = 0; i < d->n_blockers; i++) {
		app_warn("    blocker %s: %s", d->blockers[i].kind,
			 d->blockers[i].text);
		json_array_append_new(
			blockers, json_pack("{s:s, s:I, s:s*}", "kind",
					    d->blockers[i].kind, "count",
					    (json_int_t)d->blockers[i].count,
					    "text", d->blockers[i].text));
	}
	json_array_append_new(list,
			      json_pack("{s:s, s:b, s:o, s:o}", "name", s->name,
					"reachable", 1, "classes", classes,
					"blockers", blockers));
}

/* 0 good, 1 blockers, -1 failed (said). */
static int check_source(struct app *app, const struct closeout *k, size_t i,
			json_t *list, struct err *first)
{
	struct scope scope;
	struct source s = {0};
	struct description d;
	struct err e = ERR_INIT;

	description_init(&d);
	closeout_scope(&scope, k, i, app->stop);
	int rc = source_open(&s, k->sources[i].provider, &scope, &e);
	if (rc == 0)
		rc = source_describe(&s, PHASE_BEFORE, &d, &e);
	if (rc == 0) {
		say_description(app, &k->sources[i], &d, list);
		rc = d.n_blockers != 0;
	} else {
		if (first->code == ERR_NONE)
			*first = e;
		else
			app_warn("quietus: %s", e.msg);
		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:s*}", "name",
						k->sources[i].name, "reachable",
						0, "error", e.msg));
	}
	description_release(&d);
	source_close(&s);
	return rc;
}

int cmd_check(struct app *app, int argc, char **argv)
{
	const char *file;
	struct closeout *k = NULL;
	struct err e = ERR_INIT;
	bool blocked = false;

	int rc = app_arguments(app, &file, 1, "the closeout file", NULL, argc,
			       argv);
	if (rc != 0)
		return rc;
	if (closeout_read(&k, file, NULL, &e) != 0)
		return app_fail(app, &e);
	app_say(app, "Closeout %s of client %s:", k->id, k->client);
	for (size_t i = 0; i < k->n_notes; i++)
		app_warn("note: %s", k->notes[i]);
	json_t *list = json_array();
	for (size_t i = 0; i < k->n_sources; i++)
		blocked |= check_source(app, k, i, list, &e) == 1;
	app_json(app, json_pack("{s:s, s:o}", "id", k->id, "sources", list));
	closeout_free(k);
	if (e.code != ERR_NONE)
		return app_fail(app, &e);
	app_say(app, blocked ? "There are blockers: the plan could not be "
			       "approved."
			     : "Nothing stands in the way of a plan.");
	return blocked ? EXIT_PRECONDITION : EXIT_DONE;
}

int cmd_providers(struct app *app, int argc, char **argv)
{
	const char *none[1];
	int rc = app_arguments(app, none, 0, "", NULL, argc, argv);
	if (rc != 0)
		return rc;
	json_t *built = json_array(), *missing = json_array();
	for (const struct provider *const *p = provider_list(); *p != NULL;
	     p++) {
		app_say(app, "%-12s %s", (*p)->name, (*p)->summary);
		json_array_append_new(built, json_pack("{s:s, s:s}", "name",
						       (*p)->name, "summary",
						       (*p)->summary));
	}
	for (const char *const *m = provider_missing(); *m != NULL; m++) {
		app_say(app, "left out     %s", *m);
		json_array_append_new(missing, json_string(*m));
	}
	app_json(app, json_pack("{s:o, s:o}", "providers", built, "left_out",
				missing));
	return EXIT_DONE;
}
