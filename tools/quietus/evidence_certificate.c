/* evidence_certificate.c: the certificate or exception report of now. */
#include "tools/quietus/evidence.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/sign.h"

#ifndef QUIETUS_BUILD
#define QUIETUS_BUILD "unknown"
#endif

#define FACTS_MAX 32
#define TEXTS 8 /* strings of the ledger kept per source */

/* Everything a statement points at, for one source. */
struct source_part {
	struct evidence ev;
	struct fact facts[FACTS_MAX];
	struct statement_fact fact_list[FACTS_MAX];
	size_t n_facts;
	struct buf texts[TEXTS];
	size_t n_texts;
};

struct plan_part {
	char file[PLAN_NAME];
	struct approval *approvals;
	struct statement_approval *list;
	size_t n;
};

/* Everything a statement points at. */
struct parts {
	struct casedir *c;
	bool roots; /* a kind alone needs none */
	struct statement st;
	struct source_part *source;
	struct statement_source *sources;
	struct plan_part *plan;
	struct statement_plan *plans;
	struct statement_retention *retention;
	struct statement_exclusion *excluded;
	struct statement_earlier *earlier;
	char (*earlier_names)[64];
	char operator_name[128];
	char signer[FINGERPRINT_TEXT];
	struct trail *trail;
};

static void parts_release(struct parts *p)
{
	for (size_t i = 0; p->source != NULL && i < p->c->closeout->n_sources;
	     i++) {
		evidence_release(&p->source[i].ev);
		for (size_t t = 0; t < p->source[i].n_texts; t++)
			buf_release(&p->source[i].texts[t]);
	}
	for (size_t i = 0; p->plan != NULL && i < p->c->n_plans; i++) {
		free(p->plan[i].approvals);
		free(p->plan[i].list);
	}
	free(p->source);
	free(p->sources);
	free(p->plan);
	free(p->plans);
	free(p->retention);
	free(p->excluded);
	free(p->earlier);
	free(p->earlier_names);
	trail_free(p->trail);
}

/* ---- sources ------------------------------------------------------------ */

/* A text of the ledger, or NULL when there is none or it is empty. */
static int text(const char **out, struct parts *p, size_t i, const char *key,
		struct err *e)
{
	struct source_part *s = &p->source[i];
	struct buf *b = &s->texts[s->n_texts++];
	bool found;
	buf_init(b, 4096);
	if (ledger_get_source(&found, b, p->c->ledger, i, key, e) != 0)
		return -1;
	*out = found && b->len != 0 ? buf_str(b) : NULL;
	return 0;
}

static int number(int64_t *out, struct parts *p, size_t i, const char *key,
		  struct err *e)
{
	*out = 0;
	return ledger_get_source_i64(out, p->c->ledger, i, key, e);
}

static int keep_fact(void *arg, const struct fact *f, struct err *e)
{
	struct source_part *s = arg;
	(void)e;
	if (s->n_facts < FACTS_MAX)
		s->facts[s->n_facts++] = *f;
	return 0;
}

static int facts(struct parts *p, size_t i, struct err *e)
{
	struct source_part *s = &p->source[i];
	if (ledger_facts(p->c->ledger, i, keep_fact, s, e) != 0)
		return -1;
	for (size_t f = 0; f < s->n_facts; f++) {
		s->fact_list[f].key = s->facts[f].key;
		s->fact_list[f].value = s->facts[f].value;
	}
	p->sources[i].facts = s->fact_list;
	p->sources[i].n_facts = s->n_facts;
	return 0;
}

static int residue(struct parts *p, size_t i, struct err *e)
{
	struct statement_source *out = &p->sources[i];
	int64_t possible, before, after;
	if (number(&possible, p, i, "residue-possible", e) != 0 ||
	    number(&before, p, i, "residue-before", e) != 0 ||
	    number(&after, p, i, "residue-after", e) != 0 ||
	    text(&out->residue_regions, p, i, "residue-regions", e) != 0 ||
	    text(&out->residue_why, p, i, "residue-why", e) != 0)
		return -1;
	out->residue_possible = possible != 0;
	out->residue_before = (uint64_t)before;
	out->residue_after = (uint64_t)after;
	return 0;
}

/* I10: the outcome and a salted commitment, never the others' counts. */
static int bystanders(struct parts *p, size_t i, struct err *e)
{
	struct statement_source *out = &p->sources[i];
	int64_t measured, sampled, lost, unclear, before, called, inside;
	struct buf digest;
	bool found;

	if (number(&measured, p, i, "bystanders", e) != 0 ||
	    number(&sampled, p, i, "bystanders-sampled", e) != 0 ||
	    number(&lost, p, i, "bystanders-lost", e) != 0 ||
	    number(&unclear, p, i, "bystanders-unclear", e) != 0 ||
	    number(&inside, p, i, "bystanders-inside", e) != 0 ||
	    number(&called, p, i, "roll-called", e) != 0 ||
	    number(&before, p, i, "bystanders-before", e) != 0)
		return -1;
	if (lost != 0)
		out->bystanders = "lost";
	else if (measured != 0 && unclear == 0 && (inside != 0 || called != 0))
		out->bystanders = "unchanged";
	if (out->bystanders == NULL)
		return 0;
	out->bystanders_sampled = sampled != 0;
	buf_init(&digest, 64);
	int rc = ledger_get_source(&found, &digest, p->c->ledger, i,
				   "bystanders-digest", e);
	if (rc == 0) {
		/* the salt binds it to the case secret */
		struct buf id;
		buf_init(&id, 256);
		buf_putf(&id, "bystanders %lld ", (long long)before);
		buf_put(&id, digest.data, digest.len);
		leafer_salt(p->c->leafer, out->bystanders_commitment,
			    p->c->closeout->sources[i].name, id.data, id.len);
		buf_release(&id);
	}
	buf_release(&digest);
	return rc;
}

static int fill_source(struct parts *p, size_t i, struct err *e)
{
	const struct closeout_source *src = &p->c->closeout->sources[i];
	struct statement_source *out = &p->sources[i];
	struct evidence *ev = &p->source[i].ev;
	int64_t empty, asked = 0;

	if (evidence_source(ev, p->c, i, p->roots, NULL, NULL, e) != 0 ||
	    facts(p, i, e) != 0)
		return -1;
	out->name = src->name;
	out->provider = src->provider->name;
	out->category = src->category;
	out->choice = src->choice_text;
	out->lines = ev->lines;
	out->n_lines = ev->n_lines;
	out->items = ev->items;
	out->bytes = ev->bytes;
	memcpy(out->planned_root, ev->planned_root, SHA_LEN);
	memcpy(out->outcome_root, ev->outcome_root, SHA_LEN);
	out->checked = ev->checked_at;
	out->ended = ev->checked_at;
	out->unplanned = ev->unplanned;
	if (text(&out->method, p, i, "method", e) != 0 ||
	    text(&out->limits, p, i, "limits", e) != 0 ||
	    text(&out->purge, p, i, "purge", e) != 0 || residue(p, i, e) != 0 ||
	    bystanders(p, i, e) != 0 || number(&empty, p, i, "empty", e) != 0 ||
	    number(&asked, p, i, "asked-singly", e) != 0 ||
	    ledger_first_intent(&out->started, p->c->ledger, i, e) != 0)
		return -1;
	out->asked = (uint64_t)asked;
	out->selected_nothing = empty != 0 && ev->items == 0;
	return 0;
}

static int fill_sources(struct parts *p, struct err *e)
{
	size_t n = p->c->closeout->n_sources;
	p->source = calloc(n, sizeof(*p->source));
	p->sources = calloc(n, sizeof(*p->sources));
	if (p->source == NULL || p->sources == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (fill_source(p, i, e) != 0)
			return -1;
		const struct statement_source *s = &p->sources[i];
		if (s->started != 0 &&
		    (p->st.started == 0 || s->started < p->st.started))
			p->st.started = s->started;
		if (s->ended > p->st.ended)
			p->st.ended = s->ended;
	}
	p->st.sources = p->sources;
	p->st.n_sources = n;
	return 0;
}

/* ---- plans and approvals ------------------------------------------------ */

static int keep_approval(void *arg, const struct approval *a, struct err *e)
{
	struct plan_part *p = arg;
	struct approval *more =
		realloc(p->approvals, (p->n + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	p->approvals = more;
	p->approvals[p->n++] = *a;
	return 0;
}

static int fill_plan(struct parts *p, unsigned i, struct err *e)
{
	struct plan_part *part = &p->plan[i];
	struct statement_plan *out = &p->plans[i];
	unsigned valid;

	plan_name(part->file, i + 1);
	out->file = part->file;
	out->created = p->c->plans[i]->created;
	if (sha_once(out->sha256, p->c->plan_bytes[i].data,
		     p->c->plan_bytes[i].len, e) != 0 ||
	    case_approvals(&valid, p->c, i + 1, keep_approval, part, e) != 0)
		return -1;
	part->list = calloc(part->n + 1, sizeof(*part->list));
	if (part->list == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t a = 0; a < part->n; a++) {
		part->list[a].fingerprint = part->approvals[a].fingerprint;
		part->list[a].subject = part->approvals[a].subject;
		part->list[a].file = part->approvals[a].file;
		part->list[a].signed_at = part->approvals[a].signed_at;
	}
	out->approvals = part->list;
	out->n_approvals = part->n;
	return 0;
}

static int fill_plans(struct parts *p, struct err *e)
{
	p->plan = calloc(p->c->n_plans, sizeof(*p->plan));
	p->plans = calloc(p->c->n_plans, sizeof(*p->plans));
	if (p->plan == NULL || p->plans == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (unsigned i = 0; i < p->c->n_plans; i++)
		if (fill_plan(p, i, e) != 0)
			return -1;
	p->st.plans = p->plans;
	p->st.n_plans = p->c->n_plans;
	return 0;
}

/* ---- retention, exclusions, earlier documents --------------------------- */

static int fill_reservations(struct parts *p, struct err *e)
{
	const struct closeout *k = p->c->closeout;
	size_t n = 0;
	for (size_t i = 0; i < k->n_sources; i++)
		n += k->sources[i].n_excluded;
	p->retention = calloc(k->n_retention + 1, sizeof(*p->retention));
	p->excluded = calloc(n + 1, sizeof(*p->excluded));
	if (p->retention == NULL || p->excluded == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < k->n_retention; i++) {
		p->retention[i].name = k->retention[i].name;
		p->retention[i].source = k->retention[i].source;
		p->retention[i].ground = k->retention[i].ground;
		p->retention[i].until = k->retention[i].until;
	}
	n = 0;
	for (size_t i = 0; i < k->n_sources; i++)
		for (size_t x = 0; x < k->sources[i].n_excluded; x++, n++) {
			p->excluded[n].source = k->sources[i].name;
			p->excluded[n].kind = k->sources[i].excluded[x].kind;
			p->excluded[n].reason =
				k->sources[i].excluded[x].reason;
		}
	p->st.retention = p->retention;
	p->st.n_retention = k->n_retention;
	p->st.excluded = p->excluded;
	p->st.n_excluded = n;
	return 0;
}

static int fill_earlier(struct parts *p, unsigned number_now, struct err *e)
{
	size_t n = number_now - 1;
	p->earlier = calloc(n + 1, sizeof(*p->earlier));
	p->earlier_names = calloc(n + 1, sizeof(*p->earlier_names));
	if (p->earlier == NULL || p->earlier_names == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct ledger_document d;
		bool found = false;
		int rc = ledger_document(&found, &d, p->c->ledger,
					 (unsigned)i + 1, e);
		if (rc == 0 && !found)
			rc = err_set(e, ERR_REFUSED,
				     "the ledger holds no document %zu", i + 1);
		if (rc == 0) {
			snprintf(p->earlier_names[i],
				 sizeof(p->earlier_names[i]), "%s-%zu.json",
				 d.kind == KIND_EXCEPTION ? "exception-report"
							  : "certificate",
				 i + 1);
			p->earlier[i].file = p->earlier_names[i];
			p->earlier[i].kind = d.kind;
			rc = sha_once(p->earlier[i].sha256, d.bytes.data,
				      d.bytes.len, e);
		}
		ledger_document_release(&d);
		if (rc != 0)
			return -1;
	}
	p->st.earlier = p->earlier;
	p->st.n_earlier = n;
	return 0;
}

/* ---- the whole ---------------------------------------------------------- */

static void fill_parties(struct parts *p)
{
	const struct closeout *k = p->c->closeout;
	struct statement *st = &p->st;
	st->controller = (struct statement_party){
		k->controller.name, k->controller.address,
		k->controller.contact, k->controller.dpo};
	st->processor = (struct statement_party){
		k->processor.name, k->processor.address, k->processor.contact,
		k->processor.dpo};
	st->contract_reference = k->contract_reference;
	st->contract_clause = k->contract_clause;
	st->contract_ended = k->contract_ended;
	st->choice = k->choice;
	st->instructed_by = k->instructed_by;
	st->instruction_received = k->instruction_received;
	st->not_before = k->not_before;
	st->approvals_required = k->approvals_required;
	st->case_number = p->c->number;
	st->closeout = k->id;
	memcpy(st->closeout_sha256, p->c->closeout_sha, SHA_LEN);
}

static int fill_people(struct parts *p, struct err *e)
{
	const struct closeout *k = p->c->closeout;
	struct cert *cert = NULL;
	struct passwd *pw = getpwuid(geteuid());
	snprintf(p->operator_name, sizeof(p->operator_name), "%s",
		 pw != NULL ? pw->pw_name : "unknown");
	p->st.operator_name = p->operator_name;
	if (cert_read(&cert, k->signing_certificate, e) != 0)
		return -1;
	cert_fingerprint(p->signer, cert);
	cert_free(cert);
	p->st.signer_fingerprint = p->signer;
	if (k->instruction_document == NULL)
		return 0;
	p->st.has_instruction = true;
	/* the digest that the plan bound, not one taken now */
	memcpy(p->st.instruction_sha256, p->c->plans[0]->instruction_sha256,
	       SHA_LEN);
	return 0;
}

int evidence_certificate(struct buf *out, enum kind *kind, struct casedir *c,
			 unsigned number_now, struct err *e)
{
	struct parts p = {.c = c, .roots = true};
	int rc = -1;

	if (c->n_plans == 0)
		return err_set(e, ERR_REFUSED, "case %s has no plan", c->path);

	p.st.number = number_now;
	p.st.issued = clock_now();
	p.st.tool_version = QUIETUS_VERSION;
	p.st.tool_build = QUIETUS_BUILD;
	fill_parties(&p);
	if (fill_people(&p, e) != 0 || fill_plans(&p, e) != 0 ||
	    fill_reservations(&p, e) != 0 ||
	    fill_earlier(&p, number_now, e) != 0 ||
	    case_trail(&p.trail, c, true, e) != 0)
		goto out;
	p.st.trail_origin = trail_origin(p.trail);
	p.st.trail_vkey = trail_vkey(p.trail);
	if (evidence_inventory(&p.st.inventory_parts, c, e) != 0 ||
	    fill_sources(&p, e) != 0)
		goto out;
	rc = statement_write(out, kind, &p.st, e);
out:
	parts_release(&p);
	return rc;
}

int evidence_kind(enum kind *kind, struct casedir *c, struct err *e)
{
	struct parts p = {.c = c};
	int rc = fill_sources(&p, e);
	if (rc == 0)
		*kind = statement_kind(&p.st);
	parts_release(&p);
	return rc;
}
