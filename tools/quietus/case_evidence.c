/* case_evidence.c: what ties a case to its plans, approvals and trail. */
#include "tools/quietus/casedir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/base/json.h"
#include "certs/merkle.h"
#include "certs/sign.h"

#define RECORD_MAX (16 * 1024)

void case_record(struct record *r, const struct casedir *c, size_t source,
		 const struct ledger_item *item)
{
	const struct closeout_source *s = &c->closeout->sources[source];
	const struct item *it = &item->item;
	memset(r, 0, sizeof(*r));
	r->source = s->name;
	r->id = it->id;
	r->id_len = it->id_len;
	r->cls = it->cls;
	r->bytes = it->bytes;
	r->rows = it->rows;
	memcpy(r->digest, it->digest, SHA_LEN);
	r->disposition = s->choice;
	r->plan = item->plan;
	if (it->retention != 0) {
		r->disposition = DISPOSITION_RETAIN;
		/* an edited ledger may hold any number: then no name, and the
		 * root will not be the planned one */
		if (it->retention <= s->n_retention)
			r->retention = s->retention[it->retention - 1].name;
	}
}

struct rooting {
	struct casedir *c;
	size_t source;
	struct merkle *tree;
	struct buf text;
};

static int root_item(void *arg, const struct ledger_item *item, struct err *e)
{
	struct rooting *r = arg;
	struct record rec;
	unsigned char salt[SHA_LEN], leaf[SHA_LEN];

	case_record(&rec, r->c, r->source, item);
	buf_reset(&r->text);
	if (record_write(&r->text, &rec) != 0)
		return err_set(e, ERR_FAILED, "an item's record is too long");
	leafer_salt(r->c->leafer, salt, rec.source, rec.id, rec.id_len);
	leafer_leaf(r->c->leafer, leaf, salt, r->text.data, r->text.len);
	merkle_add(r->tree, leaf);
	return 0;
}

int case_plan_root(unsigned char root[SHA_LEN], struct casedir *c,
		   size_t source, unsigned plan, struct err *e)
{
	struct rooting r = {c, source, merkle_new(), {0}};
	if (r.tree == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	buf_init(&r.text, RECORD_MAX);
	int rc = ledger_items(c->ledger, source, plan, root_item, &r, e);
	if (rc == 0)
		merkle_root(r.tree, root);
	merkle_free(r.tree);
	buf_release(&r.text);
	return rc;
}

int case_check_roots(struct casedir *c, struct err *e)
{
	for (unsigned p = 0; p < c->n_plans; p++) {
		for (size_t i = 0; i < c->closeout->n_sources; i++) {
			unsigned char root[SHA_LEN];
			const struct plan_source *s = plan_source(
				c->plans[p], c->closeout->sources[i].name);
			if (s == NULL)
				return err_set(
					e, ERR_REFUSED,
					"plan %u does not speak of source %s",
					p + 1, c->closeout->sources[i].name);
			if (case_plan_root(root, c, i, p + 1, e) != 0)
				return -1;
			if (memcmp(root, s->root, SHA_LEN) != 0)
				return err_set(
					e, ERR_REFUSED,
					"source %s: the ledger does not hold "
					"the items that plan %u was signed "
					"over (its Merkle root differs): it "
					"was edited or damaged; nothing is "
					"destroyed",
					s->name, p + 1);
		}
	}
	return 0;
}

/* ---- bindings ----------------------------------------------------------- */

static int same_cert(const char *path, const char *fingerprint,
		     const char *role, struct err *e)
{
	struct cert *cert = NULL;
	char now[FINGERPRINT_TEXT];
	if (path == NULL || fingerprint == NULL) {
		if ((path == NULL) == (fingerprint == NULL))
			return 0;
		return err_set(e, ERR_REFUSED,
			       "the %s's certificate is not what the plan "
			       "binds",
			       role);
	}
	if (cert_read(&cert, path, e) != 0) {
		e->code = ERR_REFUSED;
		return -1;
	}
	cert_fingerprint(now, cert);
	cert_free(cert);
	if (strcmp(now, fingerprint) == 0)
		return 0;
	return err_set(e, ERR_REFUSED,
		       "%s: the %s's certificate was exchanged after the plan "
		       "was made (SHA-256 now %s, in the plan %s)",
		       path, role, now, fingerprint);
}

static int same_file(const char *path, bool bound,
		     const unsigned char sha[SHA_LEN], const char *role,
		     struct err *e)
{
	unsigned char now[SHA_LEN];
	if (!bound || path == NULL)
		return 0;
	if (sha_file(now, path, e) != 0) {
		e->code = ERR_REFUSED;
		return -1;
	}
	if (memcmp(now, sha, SHA_LEN) == 0)
		return 0;
	return err_set(e, ERR_REFUSED,
		       "%s: the %s was changed after the plan was made", path,
		       role);
}

static int same_approvers(struct casedir *c, const struct plan *p,
			  struct err *e)
{
	const struct closeout *k = c->closeout;
	if (k->n_approvers != p->n_approvers)
		return err_set(e, ERR_REFUSED,
			       "the plan binds %zu approvers, the closeout "
			       "names %zu",
			       p->n_approvers, k->n_approvers);
	for (size_t i = 0; i < k->n_approvers; i++)
		if (same_cert(k->approvers[i], p->approvers[i], "approver",
			      e) != 0)
			return -1;
	return 0;
}

int case_check_bindings(struct casedir *c, struct err *e)
{
	const struct closeout *k = c->closeout;
	for (unsigned i = 0; i < c->n_plans; i++) {
		const struct plan *p = c->plans[i];
		if (strcmp(p->case_number, c->number) != 0)
			return err_set(e, ERR_REFUSED,
				       "plan %u belongs to another case",
				       i + 1);
		if (memcmp(p->closeout_sha256, c->closeout_sha, SHA_LEN) != 0)
			return err_set(e, ERR_REFUSED,
				       "%s/closeout.cfg was changed after "
				       "plan %u was made",
				       c->path, i + 1);
		if (same_approvers(c, p, e) != 0 ||
		    same_cert(k->signing_certificate, p->signer, "signer", e) !=
			    0 ||
		    same_cert(k->controller.certificate,
			      p->controller_certificate, "controller",
			      e) != 0 ||
		    same_cert(k->recipient_certificate,
			      p->recipient_certificate, "recipient", e) != 0 ||
		    same_file(k->instruction_document, p->has_instruction,
			      p->instruction_sha256, "instruction", e) != 0 ||
		    same_file(k->instruction_signature,
			      p->has_instruction_signature,
			      p->instruction_signature_sha256,
			      "signature of the instruction", e) != 0)
			return -1;
	}
	return 0;
}

/* ---- approvals ---------------------------------------------------------- */

void approval_name(char out[128], unsigned plan, const char *fingerprint)
{
	if (plan == 1)
		snprintf(out, 128, "approvals/%s.p7s", fingerprint);
	else
		snprintf(out, 128, "approvals/plan-%u.%s.p7s", plan,
			 fingerprint);
}

/* One approver's signature over one plan: 1 valid, 0 none, -1 invalid. */
static int one_approval(struct approval *a, struct casedir *c, unsigned number,
			size_t approver, struct err *e)
{
	const struct plan *p = c->plans[number - 1];
	const struct buf *bytes = &c->plan_bytes[number - 1];
	struct buf path, der;
	struct cert *cert = NULL;
	struct signature sig;
	int rc = -1;

	memset(a, 0, sizeof(*a));
	buf_init(&path, 8192);
	buf_init(&der, 1 << 20);
	approval_name(a->file, number, p->approvers[approver]);
	if (!file_exists(case_file(&path, c, "%s", a->file))) {
		rc = 0;
		goto out;
	}
	if (file_read(&der, buf_str(&path), e) != 0 ||
	    cert_read(&cert, c->closeout->approvers[approver], e) != 0 ||
	    sign_verify(&sig, der.data, der.len, bytes->data, bytes->len, cert,
			e) != 0) {
		err_add(e, "%s is not a valid approval of plan %u",
			buf_str(&path), number);
		e->code = ERR_REFUSED;
		goto out;
	}
	/* the file's name is not evidence, the signer is */
	if (strcmp(sig.fingerprint, p->approvers[approver]) != 0) {
		err_set(e, ERR_REFUSED,
			"%s was signed by another certificate (%s)",
			buf_str(&path), sig.fingerprint);
		goto out;
	}
	snprintf(a->fingerprint, sizeof(a->fingerprint), "%s", sig.fingerprint);
	snprintf(a->subject, sizeof(a->subject), "%s", sig.subject);
	a->signed_at = sig.signed_at;
	rc = 1;
out:
	cert_free(cert);
	buf_release(&der);
	buf_release(&path);
	return rc;
}

int case_approvals(unsigned *valid, struct casedir *c, unsigned number,
		   approval_fn *found, void *arg, struct err *e)
{
	const struct plan *p = c->plans[number - 1];
	*valid = 0;
	for (size_t i = 0; i < p->n_approvers; i++) {
		struct approval a;
		int rc = one_approval(&a, c, number, i, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		++*valid;
		if (found != NULL && found(arg, &a, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- the trail ---------------------------------------------------------- */

int case_trail(struct trail **out, struct casedir *c, bool create,
	       struct err *e)
{
	struct trail *t = NULL;
	struct buf seen;
	bool found = false;
	int rc = -1;

	buf_init(&seen, 65536);
	if (trail_open(&t, c->closeout->trail_directory, c->closeout->trail_key,
		       create, e) != 0)
		goto out;
	if (c->ledger != NULL &&
	    ledger_get(&found, &seen, c->ledger, "checkpoint", e) != 0)
		goto out;
	/* a few tiles are enough to see that it is the same log, grown */
	if (found && trail_extends(t, seen.data, seen.len, e) != 0) {
		err_add(e, "the trail %s is not the one this case saw before",
			c->closeout->trail_directory);
		e->code = ERR_REFUSED;
		goto out;
	}
	*out = t;
	t = NULL;
	rc = 0;
out:
	trail_free(t);
	buf_release(&seen);
	return rc;
}

int case_queue_event(struct casedir *c, const char *event, const char *name,
		     const unsigned char sha[SHA_LEN], struct err *e)
{
	char hex[2 * SHA_LEN + 1], when[CLOCK_TEXT];
	hex_encode(hex, sha, SHA_LEN);
	clock_text(when, clock_now());
	json_t *doc = json_pack("{s:s, s:i, s:s, s:s, s:s, s:{s:s}}", "type",
				"quietus/trail-entry", "version", 1, "event",
				event, "case", c->number, "time", when,
				"digests", name, hex);
	char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT) : NULL;
	int rc = text != NULL
			 ? ledger_queue_entry(c->ledger, text, strlen(text), e)
			 : err_set(e, ERR_FAILED, "out of memory");
	free(text);
	json_decref(doc);
	return rc;
}

static int flush(struct casedir *c, struct trail *t, struct err *e)
{
	struct buf entry, note;
	int rc = -1;
	buf_init(&entry, TRAIL_ENTRY_MAX);
	buf_init(&note, 65536);
	for (;;) {
		bool found;
		int64_t key;
		uint64_t index;
		buf_reset(&entry);
		buf_reset(&note);
		if (ledger_queued_entry(&found, &key, &entry, c->ledger, e))
			goto out;
		if (!found)
			break;
		/* killed after the append and before the next commit: the
		 * same bytes are found among the newest and not repeated */
		if (trail_append(&index, t, entry.data, entry.len, 1000, e) ||
		    trail_checkpoint(&note, t, e) != 0 ||
		    ledger_begin(c->ledger, e) != 0)
			goto out;
		if (ledger_unqueue_entry(c->ledger, key, e) != 0 ||
		    ledger_set(c->ledger, "checkpoint", note.data, note.len,
			       e) != 0) {
			ledger_rollback(c->ledger);
			goto out;
		}
		if (ledger_commit(c->ledger, e) != 0)
			goto out;
	}
	rc = 0;
out:
	buf_release(&entry);
	buf_release(&note);
	return rc;
}

int case_flush_trail(struct casedir *c, struct err *e)
{
	struct trail *t = NULL;
	if (case_trail(&t, c, true, e) != 0)
		return -1;
	int rc = flush(c, t, e);
	trail_free(t);
	return rc;
}
