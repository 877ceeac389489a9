/*
 * cmd_certify.c: quietus certify.
 *
 * A document is fixed in the ledger first (bytes, then signature, then proof)
 * and published from there, so that a kill anywhere leaves something that the
 * next run completes with the very same bytes (I6).
 */
#include "tools/quietus/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/sign.h"
#include "tools/quietus/evidence.h"

#define DOCUMENT_MAX (64u << 20)

static const char *stem(enum kind kind)
{
	return kind == KIND_EXCEPTION ? "exception-report" : "certificate";
}

/* ---- fixing ------------------------------------------------------------- */

/* Whether anything was done that a document could speak of. */
static int something_to_say(struct casedir *c, struct err *e)
{
	bool any = false, all = true;
	if (ledger_any_intent(&any, c->ledger, e) != 0)
		return -1;
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		int64_t checked = 0;
		if (ledger_get_source_i64(&checked, c->ledger, i, "checked",
					  e) != 0)
			return -1;
		all = all && checked != 0;
	}
	if (any || all)
		return 0;
	return err_set(e, ERR_REFUSED,
		       "nothing was destroyed or checked yet in case %s; next: "
		       "quietus destroy %s",
		       c->path, c->path);
}

static int fix(unsigned *number, struct casedir *c, struct err *e)
{
	struct buf bytes;
	unsigned char sha[SHA_LEN];
	enum kind kind;
	int rc = -1;

	buf_init(&bytes, DOCUMENT_MAX);
	if (case_check_bindings(c, e) != 0 || case_check_roots(c, e) != 0 ||
	    evidence_certificate(&bytes, &kind, c, *number, e) != 0 ||
	    sha_once(sha, bytes.data, bytes.len, e) != 0 ||
	    ledger_begin(c->ledger, e) != 0)
		goto out;
	if (ledger_fix_document(c->ledger, *number, kind, bytes.data, bytes.len,
				e) != 0 ||
	    case_queue_event(c, "certified", "certificate", sha, e) != 0 ||
	    ledger_set_i64(c->ledger, "changed", 0, e) != 0) {
		ledger_rollback(c->ledger);
		goto out;
	}
	rc = ledger_commit(c->ledger, e);
out:
	buf_release(&bytes);
	return rc;
}

/* ---- signature and proof ------------------------------------------------ */

static int in_ledger(struct casedir *c, int rc, struct err *e)
{
	if (rc != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

static int sign_document(struct app *app, struct casedir *c,
			 struct ledger_document *d, struct err *e)
{
	struct signer *s = NULL;
	int rc = -1;
	if (d->signature.len != 0)
		return 0;
	if (signer_open(&s, c->closeout->signing_certificate,
			c->closeout->signing_key, app->passphrase_fd, e) == 0 &&
	    sign_detached(&d->signature, s, d->bytes.data, d->bytes.len, e) ==
		    0 &&
	    ledger_begin(c->ledger, e) == 0)
		rc = in_ledger(c,
			       ledger_fix_signature(c->ledger, d->number,
						    d->signature.data,
						    d->signature.len, e),
			       e);
	signer_free(s);
	return rc;
}

/* The newest entry that holds the digest. */
static int find_entry(uint64_t *index, struct buf *entry, struct trail *t,
		      const char *hex, struct err *e)
{
	for (uint64_t i = trail_size(t); i > 0; i--) {
		buf_reset(entry);
		if (trail_entry(entry, t, i - 1, e) != 0)
			return -1;
		if (strstr(buf_str(entry), hex) != NULL) {
			*index = i - 1;
			return 0;
		}
	}
	return err_set(e, ERR_REFUSED,
		       "the trail does not hold the entry of this document");
}

static int prove_document(struct casedir *c, struct ledger_document *d,
			  struct err *e)
{
	struct trail *t = NULL;
	struct buf entry;
	unsigned char sha[SHA_LEN];
	char hex[2 * SHA_LEN + 1];
	uint64_t index = 0;
	int rc = -1;

	if (d->proof.len != 0)
		return 0;
	buf_init(&entry, TRAIL_ENTRY_MAX);
	if (sha_once(sha, d->bytes.data, d->bytes.len, e) != 0 ||
	    case_flush_trail(c, e) != 0 || case_trail(&t, c, true, e) != 0)
		goto out;
	hex_encode(hex, sha, SHA_LEN);
	if (find_entry(&index, &entry, t, hex, e) != 0 ||
	    trail_prove(&d->proof, t, index, entry.data, entry.len, e) != 0 ||
	    ledger_begin(c->ledger, e) != 0)
		goto out;
	rc = in_ledger(c,
		       ledger_fix_proof(c->ledger, d->number, d->proof.data,
					d->proof.len, e),
		       e);
out:
	trail_free(t);
	buf_release(&entry);
	return rc;
}

/* ---- files -------------------------------------------------------------- */

static int write_files(struct casedir *c, const struct ledger_document *d,
		       const char *name, struct err *e)
{
	struct buf path;
	int rc = -1;
	buf_init(&path, 8192);
	if (file_write(case_file(&path, c, "%s.json", name), d->bytes.data,
		       d->bytes.len, e) == 0 &&
	    file_write(case_file(&path, c, "%s.json.p7s", name),
		       d->signature.data, d->signature.len, e) == 0 &&
	    file_write(case_file(&path, c, "%s.json.tlog-proof", name),
		       d->proof.data, d->proof.len, e) == 0)
		rc = 0;
	buf_release(&path);
	return rc;
}

/* Earlier documents are kept, numbered. */
static int write_earlier(struct casedir *c, unsigned number, struct err *e)
{
	struct ledger_document d;
	char name[64];
	bool found = false;
	int rc = ledger_document(&found, &d, c->ledger, number, e);
	if (rc == 0 && found) {
		snprintf(name, sizeof(name), "%s-%u", stem(d.kind), number);
		rc = write_files(c, &d, name, e);
	}
	ledger_document_release(&d);
	return rc;
}

/* Removes the document of another name that this one replaces. */
static int remove_other(struct casedir *c, enum kind kind, struct err *e)
{
	static const char *const tails[] = {"", ".p7s", ".tlog-proof"};
	const char *other =
		kind == KIND_EXCEPTION ? "certificate" : "exception-report";
	struct buf path;
	int rc = 0;
	buf_init(&path, 8192);
	for (size_t i = 0; rc == 0 && i < 3; i++)
		rc = file_shred(
			case_file(&path, c, "%s.json%s", other, tails[i]), e);
	buf_release(&path);
	return rc;
}

int step_publish(struct app *app, struct casedir *c, unsigned number,
		 struct err *e)
{
	struct ledger_document d;
	bool found = false;
	int rc = -1;

	if (ledger_document(&found, &d, c->ledger, number, e) != 0)
		goto out;
	if (!found) {
		err_set(e, ERR_FAILED, "document %u is missing", number);
		goto out;
	}
	if (sign_document(app, c, &d, e) != 0 || prove_document(c, &d, e) != 0)
		goto out;
	for (unsigned n = 1; n < number; n++)
		if (write_earlier(c, n, e) != 0)
			goto out;
	if (write_files(c, &d, stem(d.kind), e) != 0 ||
	    remove_other(c, d.kind, e) != 0 || ledger_begin(c->ledger, e) != 0)
		goto out;
	rc = in_ledger(c, ledger_published(c->ledger, number, e), e);
out:
	ledger_document_release(&d);
	return rc;
}

/* ---- the step ----------------------------------------------------------- */

int step_certify(enum kind *kind, struct app *app, struct casedir *c,
		 struct err *e)
{
	struct ledger_document d;
	bool found = false;
	int64_t changed = 0;

	if (c->closed || c->ledger == NULL)
		return err_set(e, ERR_REFUSED, "case %s is closed", c->path);
	int rc = ledger_document(&found, &d, c->ledger, 0, e);
	unsigned number = found ? d.number : 0;
	bool published = found && d.published;
	*kind = d.kind;
	ledger_document_release(&d);
	if (rc != 0 || ledger_get_i64(&changed, c->ledger, "changed", e) != 0 ||
	    ledger_any_intent(&app->destroyed_something, c->ledger, e) != 0)
		return -1;
	/* one that was fixed is published, whatever came since; then, if
	 * something did, another is issued */
	if (found && !published && step_publish(app, c, number, e) != 0)
		return -1;
	if (found && changed == 0)
		return 0;
	if (something_to_say(c, e) != 0)
		return -1;
	number++;
	if (fix(&number, c, e) != 0 || step_publish(app, c, number, e) != 0)
		return -1;
	if (ledger_document(&found, &d, c->ledger, number, e) == 0)
		*kind = d.kind;
	ledger_document_release(&d);
	return 0;
}

int cmd_certify(struct app *app, int argc, char **argv)
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
		rc = step_certify(&kind, app, c, &e);
	if (rc == 0 && kind == KIND_EXCEPTION) {
		app_say(app,
			"Exception report: %s/exception-report.json.  "
			"Something is still there, was refused or could not "
			"be asked about, or nothing was found destroyed and "
			"verified: this is not a certificate.",
			c->path);
	} else if (rc == 0) {
		app_say(app, "Certificate (%s): %s/certificate.json",
			kind_name(kind), c->path);
		if (c->closeout->controller.certificate != NULL)
			app_say(app,
				"Inventory for the controller, encrypted "
				"to its certificate: %s/inventory/",
				c->path);
	}
	if (rc == 0)
		rc = step_status(app, c, &e);
	case_close(c);
	if (rc != 0)
		return app_fail(app, &e);
	return kind == KIND_EXCEPTION ? EXIT_NOT_FINAL : EXIT_DONE;
}
