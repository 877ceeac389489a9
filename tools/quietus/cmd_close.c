/*
 * cmd_close.c: quietus close: after a final certificate, destroys what quietus
 * itself stored about the client (I11).
 *
 * Order: the closing document is fixed in the ledger, entered in the trail,
 * written and signed; only then does the ledger go.  Killed in between, the
 * next close carries on.
 */
#include "tools/quietus/steps.h"

#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/closing.h"
#include "certs/sign.h"

#define CLOSING_MAX (1u << 20)

/* The newest document must be a final certificate that is the last word. */
static int final_certificate(unsigned char sha[SHA_LEN], struct casedir *c,
			     struct err *e)
{
	struct ledger_document d;
	bool found = false;
	int64_t changed = 0;

	int rc = ledger_document(&found, &d, c->ledger, 0, e);
	if (rc == 0)
		rc = ledger_get_i64(&changed, c->ledger, "changed", e);
	if (rc == 0 && (!found || !d.published || d.kind != KIND_FINAL))
		rc = err_set(e, ERR_REFUSED,
			     "case %s has no final certificate; see: quietus "
			     "status %s",
			     c->path, c->path);
	if (rc == 0 && changed != 0)
		rc = err_set(e, ERR_REFUSED,
			     "case %s was worked on since its certificate was "
			     "issued; next: quietus certify %s",
			     c->path, c->path);
	if (rc == 0)
		rc = sha_once(sha, d.bytes.data, d.bytes.len, e);
	ledger_document_release(&d);
	return rc;
}

static int make_document(struct buf *out, struct casedir *c, struct err *e)
{
	static const struct closing_item destroyed[] = {
		{"ledger", 1},
		{"case secret", 1},
		{"staging", 0},
		{"package", 0},
	};
	struct closing k = {.case_number = c->number,
			    .closeout = c->closeout->id,
			    .closed = clock_now(),
			    .certificate = "certificate.json",
			    .destroyed = destroyed,
			    .n_destroyed =
				    sizeof(destroyed) / sizeof(destroyed[0]),
			    .tool_version = QUIETUS_VERSION};
	struct cert *cert = NULL;
	char signer[FINGERPRINT_TEXT];

	if (final_certificate(k.certificate_sha256, c, e) != 0 ||
	    cert_read(&cert, c->closeout->signing_certificate, e) != 0)
		return -1;
	cert_fingerprint(signer, cert);
	cert_free(cert);
	k.signer = signer;
	return closing_write(out, &k, e);
}

/* The document, fixed once. */
static int fixed_document(struct buf *out, struct casedir *c, struct err *e)
{
	unsigned char sha[SHA_LEN];
	bool found;
	if (ledger_get(&found, out, c->ledger, "closing", e) != 0)
		return -1;
	if (found)
		return 0;
	if (case_check_bindings(c, e) != 0 || make_document(out, c, e) != 0 ||
	    sha_once(sha, out->data, out->len, e) != 0 ||
	    ledger_begin(c->ledger, e) != 0)
		return -1;
	if (ledger_set(c->ledger, "closing", out->data, out->len, e) != 0 ||
	    case_queue_event(c, "closed", "closing", sha, e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

static int publish(struct app *app, struct casedir *c, struct err *e)
{
	struct buf doc, der, path;
	struct signer *s = NULL;
	int rc = -1;

	buf_init(&doc, CLOSING_MAX);
	buf_init(&der, CLOSING_MAX);
	buf_init(&path, 8192);
	/* the key first: a wrong passphrase must change nothing */
	if (signer_open(&s, c->closeout->signing_certificate,
			c->closeout->signing_key, app->passphrase_fd, e) != 0 ||
	    fixed_document(&doc, c, e) != 0 || case_flush_trail(c, e) != 0 ||
	    sign_detached(&der, s, doc.data, doc.len, e) != 0 ||
	    file_write(case_file(&path, c, "closing.json"), doc.data, doc.len,
		       e) != 0 ||
	    file_write(case_file(&path, c, "closing.json.p7s"), der.data,
		       der.len, e) != 0)
		goto out;
	c->closed = true;
	rc = 0;
out:
	signer_free(s);
	buf_release(&doc);
	buf_release(&der);
	buf_release(&path);
	return rc;
}

static int step_close(struct app *app, struct casedir *c, struct err *e)
{
	unsigned char sha[SHA_LEN];
	struct buf path;

	/* closed and killed while shredding: shred what is left of it */
	if (!c->closed &&
	    (final_certificate(sha, c, e) != 0 || publish(app, c, e) != 0))
		return -1;
	ledger_close(c->ledger);
	c->ledger = NULL;
	buf_init(&path, 8192);
	int rc = ledger_shred(case_file(&path, c, "ledger.db"), e);
	buf_release(&path);
	if (rc == 0)
		app_say(app,
			"Closed: the ledger and the case secret are "
			"destroyed; what can no longer be re-checked stands "
			"in %s/closing.json.",
			c->path);
	return rc;
}

int cmd_close(struct app *app, int argc, char **argv)
{
	const char *name;
	struct casedir *c = NULL;
	struct err e = ERR_INIT;
	int rc = app_arguments(app, &name, 1, "the case", NULL, argc, argv);
	if (rc != 0)
		return rc;
	rc = case_open(&c, name, CASE_WORK, &e);
	if (rc == 0)
		rc = step_close(app, c, &e);
	if (rc == 0 && app->json)
		rc = step_status(app, c, &e);
	case_close(c);
	return rc == 0 ? EXIT_DONE : app_fail(app, &e);
}
