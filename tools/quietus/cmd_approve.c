/* cmd_approve.c: quietus approve. */
#include "tools/quietus/steps.h"

#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/sign.h"

/* What an approver is about to sign, in words. */
static int say_what(struct app *app, struct casedir *c, struct err *e)
{
	const struct plan *p = c->plans[c->n_plans - 1];
	const struct closeout *k = c->closeout;
	char date[CLOCK_TEXT], n[APP_NUMBER], b[APP_NUMBER];

	app_say(app, "You are about to sign plan %u of case %s:", p->number,
		k->id);
	app_say(app, "  client      %s", k->client);
	app_say(app, "  controller  %s", k->controller.name);
	app_say(app, "  contract    %s", k->contract_reference);
	app_say(app, "  choice      %s", p->choice);
	clock_text(date, p->not_before);
	app_say(app, "  not before  %s", date);
	for (size_t i = 0; i < p->n_sources; i++) {
		const struct plan_source *s = &p->sources[i];
		struct buf found;
		bool there;
		buf_init(&found, 400);
		if (ledger_get_source(&there, &found, c->ledger, i, "found",
				      e) != 0) {
			buf_release(&found);
			return -1;
		}
		app_say(app, "  %-11s %s items, %s: %llu to go, %llu kept%s%s",
			s->name, app_count(n, s->items), app_bytes(b, s->bytes),
			(unsigned long long)s->destroy,
			(unsigned long long)s->retain,
			found.len != 0 ? "; found as: " : "", buf_str(&found));
		buf_release(&found);
		const struct closeout_source *src = &k->sources[i];
		if (src->provider->remove_place != NULL &&
		    setting_flag(src->settings, "whole", false))
			app_say(app,
				"              the place itself is removed "
				"once it is empty");
		int64_t newest = 0;
		if (ledger_get_source_i64(&newest, c->ledger, i, "newest", e))
			return -1;
		if (newest != 0) {
			clock_text(date, newest);
			app_say(app, "              newest change seen: %s",
				date);
		}
	}
	return 0;
}

static int refuse_blockers(struct app *app, struct casedir *c, struct err *e)
{
	const struct plan *p = c->plans[c->n_plans - 1];
	if (p->n_blockers == 0)
		return 0;
	if (step_show_blockers(app, c, p->number, e) != 0)
		return -1;
	return err_set(e, ERR_REFUSED,
		       "plan %u has blockers and cannot be approved; settle "
		       "them and plan again",
		       p->number);
}

static int listed(const struct plan *p, const char *fingerprint, struct err *e)
{
	if (plan_approver(p, fingerprint))
		return 0;
	return err_set(e, ERR_REFUSED,
		       "the certificate with fingerprint %s is not one of the "
		       "approvers that the plan names",
		       fingerprint);
}

/* Signs here. */
static int sign_here(struct buf *der, char fp[FINGERPRINT_TEXT],
		     struct app *app, struct casedir *c, const char *cert,
		     const char *key, struct err *e)
{
	const struct buf *bytes = &c->plan_bytes[c->n_plans - 1];
	struct signer *s = NULL;
	struct cert *shown = NULL;
	int rc = -1;

	/* a stranger learns so before being asked for a passphrase */
	if (cert_read(&shown, cert, e) != 0) {
		e->code = ERR_USAGE;
		return -1;
	}
	cert_fingerprint(fp, shown);
	cert_free(shown);
	if (listed(c->plans[c->n_plans - 1], fp, e) != 0)
		return -1;
	if (signer_open(&s, cert, key, app->passphrase_fd, e) == 0)
		rc = sign_detached(der, s, bytes->data, bytes->len, e);
	signer_free(s);
	return rc;
}

/* Takes a signature made elsewhere. */
static int take_signature(struct buf *der, char fp[FINGERPRINT_TEXT],
			  struct casedir *c, const char *file, struct err *e)
{
	const struct plan *p = c->plans[c->n_plans - 1];
	const struct buf *bytes = &c->plan_bytes[c->n_plans - 1];
	struct signature sig;
	struct err first = ERR_INIT;

	if (file_read(der, file, e) != 0) {
		e->code = ERR_USAGE;
		return -1;
	}
	if (sign_verify(&sig, der->data, der->len, bytes->data, bytes->len,
			NULL, &first) == 0) {
		memcpy(fp, sig.fingerprint, FINGERPRINT_TEXT);
		return listed(p, fp, e);
	}
	/* a CMS without certificates: try those of the approvers */
	for (size_t i = 0; i < c->closeout->n_approvers; i++) {
		struct cert *cert = NULL;
		struct err ignored = ERR_INIT;
		if (cert_read(&cert, c->closeout->approvers[i], e) != 0)
			return -1;
		int rc = sign_verify(&sig, der->data, der->len, bytes->data,
				     bytes->len, cert, &ignored);
		cert_free(cert);
		if (rc == 0) {
			memcpy(fp, sig.fingerprint, FINGERPRINT_TEXT);
			return listed(p, fp, e);
		}
	}
	return err_set(e, ERR_REFUSED,
		       "%s is not a valid signature over plan %u: %s", file,
		       p->number, first.msg);
}

static int store(struct casedir *c, const char *fp, const struct buf *der,
		 struct err *e)
{
	struct buf path;
	char name[128];
	unsigned char sha[SHA_LEN];
	int rc = -1;

	buf_init(&path, 8192);
	approval_name(name, c->n_plans, fp);
	if (sha_once(sha, der->data, der->len, e) != 0 ||
	    file_write(case_file(&path, c, "%s", name), der->data, der->len,
		       e) != 0 ||
	    ledger_begin(c->ledger, e) != 0)
		goto out;
	if (case_queue_event(c, "approved", "approval", sha, e) != 0) {
		ledger_rollback(c->ledger);
		goto out;
	}
	if (ledger_commit(c->ledger, e) == 0)
		rc = case_flush_trail(c, e);
out:
	buf_release(&path);
	return rc;
}

static int already(bool *yes, struct casedir *c, const char *fp)
{
	struct buf path;
	char name[128];
	buf_init(&path, 8192);
	approval_name(name, c->n_plans, fp);
	*yes = file_exists(case_file(&path, c, "%s", name));
	buf_release(&path);
	return 0;
}

static int approve(struct app *app, struct casedir *c, const char *cert,
		   const char *key, const char *signature, struct err *e)
{
	struct buf der;
	char fp[FINGERPRINT_TEXT] = "";
	unsigned valid = 0;
	bool again;
	int rc = -1;

	buf_init(&der, 1u << 20);
	if (c->closed || c->n_plans == 0) {
		err_set(e, ERR_REFUSED, "case %s %s", c->path,
			c->closed ? "is closed" : "has no plan");
		goto out;
	}
	if (case_check_bindings(c, e) != 0 || refuse_blockers(app, c, e) != 0 ||
	    say_what(app, c, e) != 0)
		goto out;
	rc = signature != NULL ? take_signature(&der, fp, c, signature, e)
			       : sign_here(&der, fp, app, c, cert, key, e);
	if (rc != 0)
		goto out;
	already(&again, c, fp);
	rc = store(c, fp, &der, e);
	if (rc == 0)
		rc = case_approvals(&valid, c, c->n_plans, NULL, NULL, e);
	if (rc != 0)
		goto out;
	unsigned need = c->closeout->approvals_required;
	app_say(app, "%s by %s: %u of %u approvals.%s",
		again ? "Approved again" : "Approved", fp, valid, need,
		valid >= need ? "" : " More are needed.");
	if (valid >= need)
		app_say(app, "Next: quietus destroy %s", c->path);
	app_json(app,
		 json_pack("{s:s, s:i, s:s, s:i, s:i}", "id", c->closeout->id,
			   "plan", (int)c->n_plans, "approver", fp, "approvals",
			   (int)valid, "required", (int)need));
out:
	buf_release(&der);
	return rc;
}

int cmd_approve(struct app *app, int argc, char **argv)
{
	const char *name, *cert = NULL, *key = NULL, *signature = NULL;
	const struct option_spec options[] = {{"--certificate", &cert, NULL},
					      {"--key", &key, NULL},
					      {"--signature", &signature, NULL},
					      {NULL, NULL, NULL}};
	struct casedir *c = NULL;
	struct err e = ERR_INIT;

	int rc = app_arguments(app, &name, 1, "the case", options, argc, argv);
	if (rc != 0)
		return rc;
	bool here = cert != NULL && key != NULL && signature == NULL;
	bool elsewhere = cert == NULL && key == NULL && signature != NULL;
	if (!here && !elsewhere) {
		app_warn("quietus approve: give either --certificate and "
			 "--key, or --signature");
		return EXIT_BAD_USAGE;
	}
	rc = case_open(&c, name, CASE_WORK, &e);
	if (rc == 0)
		rc = approve(app, c, cert, key, signature, &e);
	case_close(c);
	return rc == 0 ? EXIT_DONE : app_fail(app, &e);
}
