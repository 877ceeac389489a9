/* cmd_plan.c: quietus plan. */
#include "tools/quietus/steps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/sign.h"
#include "tools/quietus/evidence.h"
#include "tools/quietus/run.h"

/* The instruction's signature, when there is one, must be over the document
 * and, where the controller's certificate is known, by it. */
static int check_instruction(const struct closeout *k, struct err *e)
{
	struct buf doc, der;
	struct cert *by = NULL;
	struct signature sig;
	int rc = -1;

	if (k->instruction_signature == NULL)
		return 0;
	buf_init(&doc, 64u << 20);
	buf_init(&der, 1u << 20);
	if (k->instruction_document == NULL) {
		err_set(e, ERR_USAGE,
			"%s: instruction.signature is given without "
			"instruction.document",
			k->file);
		goto out;
	}
	if (file_read(&doc, k->instruction_document, e) != 0 ||
	    file_read(&der, k->instruction_signature, e) != 0)
		goto out;
	if (k->controller.certificate != NULL &&
	    cert_read(&by, k->controller.certificate, e) != 0)
		goto out;
	if (sign_verify(&sig, der.data, der.len, doc.data, doc.len, by, e)) {
		err_add(e, "%s is not the controller's signature over %s",
			k->instruction_signature, k->instruction_document);
		e->code = ERR_USAGE;
		goto out;
	}
	rc = 0;
out:
	cert_free(by);
	buf_release(&doc);
	buf_release(&der);
	return rc;
}

static int check_word(const struct closeout *k, const char *text, struct err *e)
{
	if (text == NULL || !statement_overclaims(text))
		return 0;
	return err_set(e, ERR_USAGE,
		       "%s: \"%s\" names a standard for destroying media, "
		       "which no certificate of erasure may name (EN 15713, "
		       "DIN 66399, ISO/IEC 21964, ISO/IEC 27555): word it "
		       "without",
		       k->file, text);
}

/* What would make the certificate impossible is said before anything is
 * destroyed: these texts go into it. */
static int check_words(const struct closeout *k, struct err *e)
{
	const char *const texts[] = {
		k->controller.name,    k->controller.address,
		k->controller.contact, k->processor.name,
		k->processor.address,  k->processor.contact,
		k->processor.dpo,      k->contract_reference,
		k->contract_clause,    k->instructed_by};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (check_word(k, texts[i], e) != 0)
			return -1;
	for (size_t i = 0; i < k->n_retention; i++)
		if (check_word(k, k->retention[i].ground, e) != 0)
			return -1;
	for (size_t i = 0; i < k->n_sources; i++) {
		const struct closeout_source *s = &k->sources[i];
		if (check_word(k, s->category, e) != 0)
			return -1;
		for (size_t x = 0; x < s->n_excluded; x++)
			if (check_word(k, s->excluded[x].reason, e) != 0)
				return -1;
	}
	return 0;
}

/* What the closeout file leaves out, for the operator. */
static void say_notes(const struct closeout *k)
{
	for (size_t i = 0; i < k->n_notes; i++)
		app_warn("note: %s", k->notes[i]);
	for (size_t i = 0; i < k->n_sources; i++)
		if (k->sources[i].choice != DISPOSITION_DESTROY)
			app_warn("note: source %s is to be returned first, "
				 "which this version cannot do: destroy will "
				 "refuse",
				 k->sources[i].name);
}

/* Approvals of an earlier plan of the same number, which was replaced. */
static int drop_approvals(struct casedir *c, unsigned n, struct err *e)
{
	struct buf path;
	int rc = 0;
	buf_init(&path, 8192);
	for (size_t i = 0; rc == 0 && n > 1 && i < c->plans[0]->n_approvers;
	     i++) {
		char name[128];
		approval_name(name, n, c->plans[0]->approvers[i]);
		rc = file_shred(case_file(&path, c, "%s", name), e);
	}
	buf_release(&path);
	return rc;
}

/* In one transaction: the bytes, the trail entry, and that whatever was found
 * or issued before is no longer the last word. */
static int record_plan(struct casedir *c, unsigned n, const struct buf *bytes,
		       struct err *e)
{
	unsigned char sha[SHA_LEN];
	char key[32];
	snprintf(key, sizeof(key), "plan/%u", n);
	if (sha_once(sha, bytes->data, bytes->len, e) != 0 ||
	    ledger_begin(c->ledger, e) != 0)
		return -1;
	if (ledger_set(c->ledger, key, bytes->data, bytes->len, e) != 0 ||
	    ledger_set_i64(c->ledger, "plans", (int64_t)n, e) != 0 ||
	    case_queue_event(c, "planned", "plan", sha, e) != 0 ||
	    case_unsettled(c, e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

/* Fixes plan number n.  Killed before the ledger has it there is no plan;
 * killed after that, the file and the trail entry follow (case_open). */
static int fix_plan(struct casedir *c, unsigned n, enum plan_mode mode,
		    struct err *e)
{
	struct buf bytes, path;
	char name[PLAN_NAME];
	int rc = -1;

	buf_init(&bytes, PLAN_MAX);
	buf_init(&path, 8192);
	plan_name(name, n);
	if (evidence_plan(&bytes, c, n, mode, e) != 0 ||
	    drop_approvals(c, n, e) != 0 ||
	    file_write(case_file(&path, c, "%s", name), bytes.data, bytes.len,
		       e) != 0 ||
	    record_plan(c, n, &bytes, e) != 0 || case_read_plans(c, e) != 0)
		goto out;
	rc = case_flush_trail(c, e);
out:
	buf_release(&bytes);
	buf_release(&path);
	return rc;
}

/* Opens and closes every source, so that what is wrong in the closeout file or
 * with a store is said before anything is made. */
static int try_sources(struct app *app, const struct closeout *k, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < k->n_sources; i++) {
		struct scope scope;
		struct source s = {0};
		closeout_scope(&scope, k, i, app->stop);
		rc = source_open(&s, k->sources[i].provider, &scope, e);
		source_close(&s);
	}
	return rc;
}

int step_plan(struct casedir **out, struct app *app, const char *file,
	      bool again, struct err *e)
{
	struct closeout *k = NULL;
	struct casedir *c = NULL;
	struct trail *t = NULL;
	struct buf bytes;
	int rc = -1;

	buf_init(&bytes, CLOSEOUT_MAX);
	if (closeout_read(&k, file, &bytes, e) != 0 ||
	    check_instruction(k, e) != 0)
		goto out;
	say_notes(k);
	if (check_words(k, e) != 0 || closeout_check_keys(k, e) != 0 ||
	    try_sources(app, k, e) != 0)
		goto out;
	rc = case_create(&c, k, &bytes, again, e); /* takes k over */
	k = NULL;
	/* the trail is made, and its key checked, before anything is asked */
	if (rc == 0)
		rc = case_trail(&t, c, true, e);
	trail_free(t);
	if (rc == 0)
		rc = run_enumerate(app, c, 1, false, e);
	if (rc == 0)
		rc = fix_plan(c, 1, again ? PLAN_AGAIN : PLAN_FIRST, e);
out:
	closeout_free(k);
	buf_release(&bytes);
	if (rc != 0)
		case_close(c);
	else
		*out = c;
	return rc;
}

/* From here on the ledger may hold items of a plan that is not fixed; whoever
 * opens the case next removes them (case_open). */
static int begin_delta(struct casedir *c, unsigned n, struct err *e)
{
	if (ledger_begin(c->ledger, e) != 0)
		return -1;
	if (ledger_set_i64(c->ledger, "planning", (int64_t)n, e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

/* A delta that is not approved and under which nothing was begun is replaced
 * by the next one: settled blockers would otherwise block for ever. */
static int withdraw_delta(struct casedir *c, struct err *e)
{
	unsigned n = c->n_plans, valid = 0;
	if (n < 2)
		return 0;
	if (case_approvals(&valid, c, n, NULL, NULL, e) != 0)
		return -1;
	if (valid >= c->closeout->approvals_required)
		return 0;
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		struct ledger_mark m;
		int rc = ledger_mark(&m, c->ledger, i, n, e);
		bool started = m.started;
		ledger_mark_release(&m);
		if (rc != 0)
			return -1;
		if (started)
			return 0;
	}
	if (ledger_begin(c->ledger, e) != 0)
		return -1;
	/* as if it had been killed before it was fixed */
	if (ledger_set_i64(c->ledger, "plans", (int64_t)n - 1, e) != 0 ||
	    ledger_set_i64(c->ledger, "planning", (int64_t)n, e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	if (ledger_commit(c->ledger, e) != 0 || drop_approvals(c, n, e) != 0 ||
	    ledger_forget_plan(c->ledger, n, e) != 0)
		return -1;
	struct buf path;
	char name[PLAN_NAME];
	buf_init(&path, 8192);
	plan_name(name, n);
	int rc = file_shred(case_file(&path, c, "%s", name), e);
	buf_release(&path);
	return rc == 0 ? case_read_plans(c, e) : -1;
}

int step_delta(bool *added, struct app *app, struct casedir *c, struct err *e)
{
	unsigned n = c->n_plans + 1, valid = 0;
	uint64_t before = 0, after = 0;
	*added = false;
	if (c->closed)
		return err_set(e, ERR_REFUSED, "case %s is closed", c->path);
	if (c->n_plans == 0)
		return err_set(e, ERR_REFUSED,
			       "case %s has no plan; run: quietus plan FILE",
			       c->path);
	if (case_check_bindings(c, e) != 0 || withdraw_delta(c, e) != 0)
		return -1;
	n = c->n_plans + 1;
	if (case_approvals(&valid, c, c->n_plans, NULL, NULL, e) != 0)
		return -1;
	if (valid < c->closeout->approvals_required)
		return err_set(e, ERR_REFUSED,
			       "plan %u has %u of %u approvals; a delta comes "
			       "after approval (before it, plan afresh)",
			       c->n_plans, valid,
			       c->closeout->approvals_required);
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		uint64_t x;
		if (ledger_ordinals(&x, c->ledger, i, e) != 0)
			return -1;
		before += x;
	}
	if (begin_delta(c, n, e) != 0 || run_enumerate(app, c, n, true, e) != 0)
		return -1;
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		uint64_t x;
		if (ledger_ordinals(&x, c->ledger, i, e) != 0)
			return -1;
		after += x;
	}
	json_t *blockers = step_blockers_json(c, n, e);
	if (blockers == NULL)
		return -1;
	size_t blocked = json_array_size(blockers);
	json_decref(blockers);
	if (after == before && blocked == 0)
		return 0;
	*added = true;
	return fix_plan(c, n, PLAN_DELTA, e);
}

/* ---- showing a plan ----------------------------------------------------- */

static void say_source(struct app *app, const struct plan_source *s)
{
	char n[APP_NUMBER], b[APP_NUMBER];
	app_say(app, "  %-16s %-10s %12s items  %12s   %s", s->name,
		s->provider, app_count(n, s->items), app_bytes(b, s->bytes),
		s->choice);
	for (size_t i = 0; i < s->n_classes; i++) {
		const struct plan_class *k = &s->classes[i];
		if (k->items == 0)
			continue;
		app_say(app, "    %-24s %12s items  %12s   %s",
			class_name(k->cls), app_count(n, k->items),
			app_bytes(b, k->bytes),
			disposition_name(k->disposition));
	}
}

struct blocker_sink {
	struct app *app;
	struct casedir *c;
	json_t *list;
	uint64_t n;
};

static int say_blocker(void *arg, size_t source, const struct blocker *b,
		       struct err *e)
{
	struct blocker_sink *k = arg;
	const char *name = k->c->closeout->sources[source].name;
	char text[APP_NAME * 3];
	(void)e;
	k->n++;
	snprintf(text, sizeof(text), "%s", b->text);
	/* names from the data must not control the terminal */
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (k->list != NULL) {
		json_t *o = json_pack("{s:s, s:s, s:I, s:s*}", "source", name,
				      "kind", b->kind, "count",
				      (json_int_t)b->count, "text", text);
		json_array_append_new(k->list, o);
	} else {
		app_warn("  blocker %s: %s: %s", b->kind, name, text);
	}
	return 0;
}

int step_show_blockers(struct app *app, struct casedir *c, unsigned n,
		       struct err *e)
{
	struct blocker_sink k = {app, c, NULL, 0};
	return ledger_blockers(c->ledger, n, say_blocker, &k, e);
}

json_t *step_blockers_json(struct casedir *c, unsigned n, struct err *e)
{
	struct blocker_sink k = {NULL, c, json_array(), 0};
	if (k.list == NULL ||
	    ledger_blockers(c->ledger, n, say_blocker, &k, e) != 0) {
		json_decref(k.list);
		return NULL;
	}
	return k.list;
}

static json_t *source_json(const struct plan_source *s)
{
	json_t *classes = json_array();
	for (size_t i = 0; i < s->n_classes; i++)
		json_array_append_new(
			classes,
			json_pack("{s:s, s:s, s:I, s:I}", "class",
				  class_name(s->classes[i].cls), "disposition",
				  disposition_name(s->classes[i].disposition),
				  "items", (json_int_t)s->classes[i].items,
				  "bytes", (json_int_t)s->classes[i].bytes));
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "name", s->name,
			 "provider", s->provider, "choice", s->choice, "items",
			 (json_int_t)s->items, "bytes", (json_int_t)s->bytes,
			 "classes", classes);
}

static int show_json(struct app *app, struct casedir *c, unsigned n,
		     struct err *e)
{
	const struct plan *p = c->plans[n - 1];
	char name[PLAN_NAME], date[CLOCK_TEXT];
	json_t *sources = json_array();
	json_t *blockers = step_blockers_json(c, n, e);
	if (blockers == NULL) {
		json_decref(sources);
		return -1;
	}
	plan_name(name, n);
	clock_text(date, p->earliest_final);
	for (size_t i = 0; i < p->n_sources; i++)
		json_array_append_new(sources, source_json(&p->sources[i]));
	app_json(app, json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:s}", "id",
				c->closeout->id, "case", c->path, "plan", name,
				"number", (int)n, "sources", sources,
				"blockers", blockers, "earliest_final", date));
	return 0;
}

int step_show_plan(struct app *app, struct casedir *c, unsigned n,
		   struct err *e)
{
	const struct plan *p = c->plans[n - 1];
	char date[CLOCK_TEXT], name[PLAN_NAME];
	if (app->json)
		return show_json(app, c, n, e);
	plan_name(name, n);
	app_say(app, "Plan %u of case %s (%s/%s):", n, c->closeout->id, c->path,
		name);
	for (size_t i = 0; i < p->n_sources; i++)
		say_source(app, &p->sources[i]);
	clock_text(date, p->earliest_final);
	app_say(app, "A final certificate is possible from %s on.", date);
	if (p->n_blockers != 0) {
		app_say(app, "This plan cannot be approved: it has blockers.");
		return step_show_blockers(app, c, n, e);
	}
	app_say(app,
		"Next: %u approval%s: quietus approve %s --certificate C "
		"--key K",
		p->approvals_required, p->approvals_required == 1 ? "" : "s",
		c->path);
	return 0;
}

/* ---- the command -------------------------------------------------------- */

/* --delta takes a case, or the closeout file it was planned from. */
static int open_for_delta(struct casedir **c, const char *arg, struct err *e)
{
	struct closeout *k = NULL;
	struct stat st;
	char *path = NULL;
	if (stat(arg, &st) != 0 || !S_ISREG(st.st_mode))
		return case_open(c, arg, CASE_WORK, e);
	if (closeout_read(&k, arg, NULL, e) != 0)
		return -1;
	path = file_join(k->cases, k->id);
	closeout_free(k);
	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	int rc = case_open(c, path, CASE_WORK, e);
	free(path);
	return rc;
}

int cmd_plan(struct app *app, int argc, char **argv)
{
	bool again = false, delta = false, added = true;
	const struct option_spec options[] = {{"--again", NULL, &again},
					      {"--delta", NULL, &delta},
					      {NULL, NULL, NULL}};
	const char *file;
	struct err e = ERR_INIT;
	struct casedir *c = NULL;

	int rc = app_arguments(app, &file, 1, "the closeout file", options,
			       argc, argv);
	if (rc != 0)
		return rc;
	if (again && delta) {
		app_warn("quietus plan: --again and --delta exclude each "
			 "other");
		return EXIT_BAD_USAGE;
	}
	if (delta) {
		rc = open_for_delta(&c, file, &e);
		if (rc == 0)
			rc = step_delta(&added, app, c, &e);
	} else {
		rc = step_plan(&c, app, file, again, &e);
	}
	if (rc == 0 && !added) {
		app_say(app, "Nothing is new or changed since plan %u.",
			c->n_plans);
		rc = app->json ? step_show_plan(app, c, c->n_plans, &e) : 0;
	} else if (rc == 0) {
		rc = step_show_plan(app, c, c->n_plans, &e);
	}
	case_close(c);
	return rc == 0 ? EXIT_DONE : app_fail(app, &e);
}
