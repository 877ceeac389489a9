/* evidence_plan.c: plan.json from ledger and closeout. */
#include "tools/quietus/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/sign.h"

#define LINES_MAX (CLASS_COUNT * DISPOSITION_COUNT)

/* Counts of one source in one plan. */
struct tally {
	struct casedir *c;
	size_t source;
	struct plan_source *out;
	struct plan_class lines[LINES_MAX];
	size_t n;
	int64_t latest_lock;
};

static struct plan_class *tally_line(struct tally *t, enum copy_class cls,
				     enum disposition d)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->lines[i].cls == cls && t->lines[i].disposition == d)
			return &t->lines[i];
	struct plan_class *l = &t->lines[t->n++];
	memset(l, 0, sizeof(*l));
	l->cls = cls;
	l->disposition = d;
	return l;
}

static int tally_item(void *arg, const struct ledger_item *it, struct err *e)
{
	struct tally *t = arg;
	struct record r;
	(void)e;
	case_record(&r, t->c, t->source, it);
	struct plan_class *l = tally_line(t, r.cls, r.disposition);
	l->items++;
	l->bytes += r.bytes;
	l->rows += r.rows;
	t->out->items++;
	t->out->bytes += r.bytes;
	if (r.disposition == DISPOSITION_RETAIN)
		t->out->retain++;
	else
		t->out->destroy++;
	if (it->item.locked_until > t->latest_lock)
		t->latest_lock = it->item.locked_until;
	return 0;
}

/* Every class the store knows stands in the plan, with 0 if it has none. */
static void empty_classes(struct tally *t)
{
	const enum copy_class *cls =
		t->c->closeout->sources[t->source].provider->classes;
	for (; *cls != CLASS_UNKNOWN; cls++) {
		bool there = false;
		for (size_t i = 0; i < t->n; i++)
			there |= t->lines[i].cls == *cls;
		if (!there)
			tally_line(t, *cls, DISPOSITION_NONE);
	}
}

static int fill_source(struct tally *t, struct plan_source *out,
		       struct casedir *c, size_t i, unsigned number,
		       struct err *e)
{
	const struct closeout_source *src = &c->closeout->sources[i];
	memset(t, 0, sizeof(*t));
	t->c = c;
	t->source = i;
	t->out = out;
	out->name = src->name;
	out->provider = src->provider->name;
	out->category = src->category;
	out->choice = src->choice_text;
	if (ledger_items(c->ledger, i, number, tally_item, t, e) != 0 ||
	    case_plan_root(out->root, c, i, number, e) != 0)
		return -1;
	empty_classes(t);
	out->classes = t->lines;
	out->n_classes = t->n;
	return 0;
}

/* Blockers by kind: the texts stay in the ledger (I9). */
struct blocks {
	struct plan_blocker *list;
	char (*kinds)[40];
	size_t n;
};

static int add_block(void *arg, size_t source, const struct blocker *b,
		     struct err *e)
{
	struct blocks *k = arg;
	(void)source;
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->kinds[i], b->kind) == 0) {
			k->list[i].count += b->count;
			return 0;
		}
	struct plan_blocker *list =
		realloc(k->list, (k->n + 1) * sizeof(*list));
	if (list != NULL)
		k->list = list;
	char(*kinds)[40] = realloc(k->kinds, (k->n + 1) * sizeof(*kinds));
	if (kinds != NULL)
		k->kinds = kinds;
	if (list == NULL || kinds == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	memcpy(kinds[k->n], b->kind, sizeof(kinds[0]));
	list[k->n++].count = b->count;
	return 0;
}

/* Fingerprints of the certificates that the plan binds. */
struct prints {
	char controller[FINGERPRINT_TEXT], recipient[FINGERPRINT_TEXT],
		signer[FINGERPRINT_TEXT];
	char (*approvers)[FINGERPRINT_TEXT];
	const char **list;
};

static int print_of(char out[FINGERPRINT_TEXT], const char *path, struct err *e)
{
	struct cert *cert = NULL;
	if (cert_read(&cert, path, e) != 0)
		return -1;
	cert_fingerprint(out, cert);
	cert_free(cert);
	return 0;
}

static int bind_certificates(struct prints *f, struct plan *p,
			     const struct closeout *k, struct err *e)
{
	f->approvers = calloc(k->n_approvers, sizeof(*f->approvers));
	f->list = calloc(k->n_approvers, sizeof(*f->list));
	if (f->approvers == NULL || f->list == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < k->n_approvers; i++) {
		if (print_of(f->approvers[i], k->approvers[i], e) != 0)
			return -1;
		f->list[i] = f->approvers[i];
	}
	p->approvers = f->list;
	p->n_approvers = k->n_approvers;
	if (print_of(f->signer, k->signing_certificate, e) != 0)
		return -1;
	p->signer = f->signer;
	if (k->controller.certificate != NULL) {
		if (print_of(f->controller, k->controller.certificate, e))
			return -1;
		p->controller_certificate = f->controller;
	}
	if (k->recipient_certificate != NULL) {
		if (print_of(f->recipient, k->recipient_certificate, e) != 0)
			return -1;
		p->recipient_certificate = f->recipient;
	}
	return 0;
}

static int bind_files(struct plan *p, const struct closeout *k, struct err *e)
{
	if (k->instruction_document != NULL) {
		p->has_instruction = true;
		if (sha_file(p->instruction_sha256, k->instruction_document,
			     e) != 0)
			return -1;
	}
	if (k->instruction_signature != NULL) {
		p->has_instruction_signature = true;
		if (sha_file(p->instruction_signature_sha256,
			     k->instruction_signature, e) != 0)
			return -1;
	}
	return 0;
}

int evidence_plan(struct buf *out, struct casedir *c, unsigned number,
		  enum plan_mode mode, struct err *e)
{
	const struct closeout *k = c->closeout;
	struct plan p = {.number = number,
			 .mode = mode,
			 .case_number = c->number,
			 .closeout = k->id,
			 .created = clock_now(),
			 .approvals_required = k->approvals_required,
			 .choice = k->choice,
			 .not_before = k->not_before};
	struct plan_source *sources = calloc(k->n_sources, sizeof(*sources));
	struct tally *tallies = calloc(k->n_sources, sizeof(*tallies));
	struct prints prints = {0};
	struct blocks blocks = {0};
	int rc = -1;

	if (sources == NULL || tallies == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	memcpy(p.closeout_sha256, c->closeout_sha, SHA_LEN);
	p.earliest_final =
		p.created > k->not_before ? p.created : k->not_before;
	for (size_t i = 0; i < k->n_sources; i++) {
		if (fill_source(&tallies[i], &sources[i], c, i, number, e))
			goto out;
		if (tallies[i].latest_lock > p.earliest_final)
			p.earliest_final = tallies[i].latest_lock;
	}
	p.sources = sources;
	p.n_sources = k->n_sources;
	if (ledger_blockers(c->ledger, number, add_block, &blocks, e) != 0 ||
	    bind_certificates(&prints, &p, k, e) != 0 ||
	    bind_files(&p, k, e) != 0)
		goto out;
	for (size_t i = 0; i < blocks.n; i++)
		blocks.list[i].kind = blocks.kinds[i];
	p.blockers = blocks.list;
	p.n_blockers = blocks.n;
	rc = plan_write(out, &p, e);
out:
	free(blocks.list);
	free(blocks.kinds);
	free(prints.approvers);
	free(prints.list);
	free(tallies);
	free(sources);
	return rc;
}
