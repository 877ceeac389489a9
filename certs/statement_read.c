/* The reader of certificates: strict about every member, silent about what is
 * derived (the verifier derives again and compares). */
#include "certs/statement.h"

#include <stdlib.h>
#include <string.h>

#include "certs/base/json.h"
#include "certs/field.h"

/* All strings stay in the JSON document; lists are kept here to be freed. */
struct statement_doc {
	struct statement st;
	json_t *json;
	void **lists;
	size_t n_lists;
};

void statement_free(struct statement_doc *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n_lists; i++)
		free(d->lists[i]);
	free(d->lists);
	json_decref(d->json);
	free(d);
}

const struct statement *statement_of(const struct statement_doc *d)
{
	return &d->st;
}

/* Zeroed memory for n elements, freed with the document; never NULL for want
 * of elements. */
static void *take(struct statement_doc *d, size_t n, size_t size, struct err *e)
{
	void **lists = realloc(d->lists, (d->n_lists + 1) * sizeof(*lists));
	if (lists != NULL) {
		d->lists = lists;
		void *list = calloc(n + 1, size);
		if (list != NULL) {
			lists[d->n_lists++] = list;
			return list;
		}
	}
	err_set(e, ERR_FAILED, "certificate: out of memory");
	return NULL;
}

typedef int read_fn(struct statement_doc *d, void *element, const json_t *v,
		    struct err *e);

/* Reads a list of objects into fresh memory: *n elements of that size. */
static void *read_list(struct statement_doc *d, struct fields *f,
		       const char *key, size_t size, size_t *n, read_fn *fn)
{
	const json_t *list = field_array(f, key);
	if (list == NULL)
		return NULL;
	size_t count = json_array_size(list);
	char *elements = take(d, count, size, f->e);
	if (elements == NULL) {
		f->failed = true;
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		if (fn(d, elements + i * size, json_array_get(list, i), f->e) !=
		    0) {
			f->failed = true;
			return NULL;
		}
	*n = count;
	return elements;
}

static unsigned small(struct fields *f, const char *key)
{
	uint64_t n = field_u64(f, key);
	if (n > 1000000)
		field_fail(f, key, "is too large");
	return n > 1000000 ? 0 : (unsigned)n;
}

/* A required member that is an object with the given keys; f is started on
 * it.  false when there is none. */
static bool inside(struct fields *f, struct fields *outer, const char *key,
		   const char *const *keys)
{
	const json_t *obj = field_object(outer, key);
	if (obj == NULL)
		return false;
	fields_init(f, obj, keys, key, outer->e);
	/* an unknown key inside makes the whole document invalid */
	outer->failed = outer->failed || f->failed;
	return !f->failed;
}

/* ---- lines and sources -------------------------------------------------- */

static int read_line(struct statement_doc *d, void *element, const json_t *v,
		     struct err *e)
{
	static const char *const keys[] = {"class", "verdict",	 "items",
					   "bytes", "rows",	 "until",
					   "why",   "retention", NULL};
	struct statement_line *l = element;
	struct fields f;

	(void)d;
	fields_init(&f, v, keys, "classes", e);
	if (f.failed)
		return -1;
	l->cls = class_parse(field_str(&f, "class"));
	if (l->cls == CLASS_UNKNOWN)
		field_fail(&f, "class", "is not a known copy class");
	const char *verdict = field_str(&f, "verdict");
	l->verdict = verdict_parse(verdict);
	if (strcmp(verdict_name(l->verdict), verdict) != 0)
		field_fail(&f, "verdict", "is not a known verdict");
	l->items = field_u64(&f, "items");
	l->bytes = field_u64(&f, "bytes");
	l->rows = field_u64_opt(&f, "rows");
	l->until = field_time_opt(&f, "until");
	l->why = field_str_opt(&f, "why");
	l->retention = field_str_opt(&f, "retention");
	return f.failed ? -1 : 0;
}

static void read_host(struct statement_doc *d, struct statement_source *s,
		      struct fields *f)
{
	json_t *host = json_object_get(f->obj, "host"), *value;
	const char *key;
	if (field_object(f, "host") == NULL)
		return;
	struct statement_fact *facts =
		take(d, json_object_size(host), sizeof(*facts), f->e);
	if (facts == NULL) {
		f->failed = true;
		return;
	}
	struct fields inner = {host, "host", f->e, false};
	json_object_foreach(host, key, value)
	{
		struct statement_fact *fact = &facts[s->n_facts++];
		fact->key = key;
		fact->value = field_str(&inner, key);
		if (!plain_text(key))
			field_fail(f, "host", "has a control character");
	}
	s->facts = facts;
	f->failed = f->failed || inner.failed;
}

static void read_validation(struct statement_source *s, struct fields *outer)
{
	static const char *const verification[] = {"technique", "asked",
						   "outcome", NULL};
	static const char *const validation[] = {
		"probe", "regions", "hits_before", "hits_after", "why", NULL};
	static const char *const bystanders[] = {"outcome", "sampled",
						 "commitment", NULL};
	struct fields f;

	if (inside(&f, outer, "verification", verification)) {
		field_str(&f, "technique");
		s->asked = field_u64(&f, "asked");
		field_str(&f, "outcome");
		outer->failed = outer->failed || f.failed;
	}
	if (inside(&f, outer, "validation", validation)) {
		field_str(&f, "probe");
		s->residue_possible = field_has(&f, "hits_before");
		s->residue_regions = field_str_opt(&f, "regions");
		if (s->residue_possible) {
			s->residue_before = field_u64(&f, "hits_before");
			s->residue_after = field_u64(&f, "hits_after");
		} else if (field_has(&f, "hits_after")) {
			field_fail(&f, "hits_after", "stands alone");
		}
		s->residue_why = field_str_opt(&f, "why");
		outer->failed = outer->failed || f.failed;
	}
	if (inside(&f, outer, "bystanders", bystanders)) {
		s->bystanders = field_str(&f, "outcome");
		s->bystanders_sampled = field_flag(&f, "sampled");
		field_sha_opt(&f, "commitment", s->bystanders_commitment);
		outer->failed = outer->failed || f.failed;
	}
}

static int read_source(struct statement_doc *d, void *element, const json_t *v,
		       struct err *e)
{
	static const char *const keys[] = {"name",
					   "provider",
					   "category",
					   "choice",
					   "host",
					   "items",
					   "bytes",
					   "planned_root",
					   "outcome_root",
					   "classes",
					   "method",
					   "sanitization",
					   "purge",
					   "started",
					   "ended",
					   "checked",
					   "unplanned",
					   "selected_nothing",
					   "verification",
					   "validation",
					   "bystanders",
					   "limits",
					   NULL};
	struct statement_source *s = element;
	struct fields f;

	fields_init(&f, v, keys, "source", e);
	if (f.failed)
		return -1;
	s->name = field_str(&f, "name");
	s->provider = field_str(&f, "provider");
	s->category = field_str_opt(&f, "category");
	s->choice = field_str(&f, "choice");
	read_host(d, s, &f);
	s->items = field_u64(&f, "items");
	s->bytes = field_u64(&f, "bytes");
	field_sha(&f, "planned_root", s->planned_root);
	field_sha(&f, "outcome_root", s->outcome_root);
	s->lines = read_list(d, &f, "classes", sizeof(*s->lines), &s->n_lines,
			     read_line);
	s->method = field_str_opt(&f, "method");
	field_is(&f, "sanitization", STATEMENT_NO_SANITIZATION);
	s->purge = field_str_opt(&f, "purge");
	s->started = field_time_opt(&f, "started");
	s->ended = field_time_opt(&f, "ended");
	s->checked = field_time_opt(&f, "checked");
	s->unplanned = field_u64(&f, "unplanned");
	s->selected_nothing = field_flag(&f, "selected_nothing");
	read_validation(s, &f);
	s->limits = field_str_opt(&f, "limits");
	return f.failed ? -1 : 0;
}

/* ---- plans and approvals ------------------------------------------------ */

static int read_approval(struct statement_doc *d, void *element,
			 const json_t *v, struct err *e)
{
	static const char *const keys[] = {"file", "certificate", "subject",
					   "signed", NULL};
	struct statement_approval *a = element;
	struct fields f;

	(void)d;
	fields_init(&f, v, keys, "approvals", e);
	if (f.failed)
		return -1;
	a->file = field_str(&f, "file");
	a->fingerprint = field_hex(&f, "certificate", 2 * SHA_LEN);
	a->subject = field_str(&f, "subject");
	a->signed_at = field_time_opt(&f, "signed");
	return f.failed ? -1 : 0;
}

static int read_plan(struct statement_doc *d, void *element, const json_t *v,
		     struct err *e)
{
	static const char *const keys[] = {"file", "sha256", "created",
					   "approvals", NULL};
	struct statement_plan *p = element;
	struct fields f;

	fields_init(&f, v, keys, "plans", e);
	if (f.failed)
		return -1;
	p->file = field_str(&f, "file");
	field_sha(&f, "sha256", p->sha256);
	p->created = field_time(&f, "created");
	p->approvals = read_list(d, &f, "approvals", sizeof(*p->approvals),
				 &p->n_approvals, read_approval);
	return f.failed ? -1 : 0;
}

/* ---- what stands in lists of its own ------------------------------------ */

static int read_retention(struct statement_doc *d, void *element,
			  const json_t *v, struct err *e)
{
	static const char *const keys[] = {"name",  "source", "ground", "until",
					   "items", "bytes",  NULL};
	struct statement_retention *r = element;
	struct fields f;

	(void)d;
	fields_init(&f, v, keys, "retained", e);
	if (f.failed)
		return -1;
	r->name = field_str(&f, "name");
	r->source = field_str(&f, "source");
	r->ground = field_str(&f, "ground");
	r->until = field_time(&f, "until");
	return f.failed ? -1 : 0;
}

static int read_exclusion(struct statement_doc *d, void *element,
			  const json_t *v, struct err *e)
{
	static const char *const keys[] = {"source", "kind", "reason",
					   "approved_by", NULL};
	struct statement_exclusion *x = element;
	struct fields f;

	(void)d;
	fields_init(&f, v, keys, "excluded", e);
	if (f.failed)
		return -1;
	x->source = field_str(&f, "source");
	x->kind = field_str(&f, "kind");
	x->reason = field_str(&f, "reason");
	return f.failed ? -1 : 0;
}

static int read_earlier(struct statement_doc *d, void *element, const json_t *v,
			struct err *e)
{
	static const char *const keys[] = {"file", "sha256", "kind", NULL};
	struct statement_earlier *x = element;
	struct fields f;

	(void)d;
	fields_init(&f, v, keys, "earlier", e);
	if (f.failed)
		return -1;
	x->file = field_str(&f, "file");
	field_sha(&f, "sha256", x->sha256);
	x->kind = kind_parse(field_str(&f, "kind"));
	if (x->kind == KIND_NONE)
		field_fail(&f, "kind", "is not a known kind");
	return f.failed ? -1 : 0;
}

/* ---- the document ------------------------------------------------------- */

static void read_party(struct statement_party *p, struct fields *outer,
		       const char *key)
{
	static const char *const keys[] = {"name", "address", "contact", "dpo",
					   NULL};
	struct fields f;
	if (!inside(&f, outer, key, keys))
		return;
	p->name = field_str(&f, "name");
	p->address = field_str_opt(&f, "address");
	p->contact = field_str_opt(&f, "contact");
	p->dpo = field_str_opt(&f, "dpo");
	outer->failed = outer->failed || f.failed;
}

static void read_contract(struct statement *st, struct fields *outer)
{
	static const char *const contract[] = {"reference", "clause", "ended",
					       NULL};
	static const char *const instruction[] = {"choice", "by", "received",
						  "sha256", NULL};
	struct fields f;

	if (inside(&f, outer, "contract", contract)) {
		st->contract_reference = field_str_opt(&f, "reference");
		st->contract_clause = field_str_opt(&f, "clause");
		st->contract_ended = field_time_opt(&f, "ended");
		outer->failed = outer->failed || f.failed;
	}
	if (inside(&f, outer, "instruction", instruction)) {
		st->choice = field_str(&f, "choice");
		st->instructed_by = field_str_opt(&f, "by");
		st->instruction_received = field_time_opt(&f, "received");
		st->has_instruction =
			field_sha_opt(&f, "sha256", st->instruction_sha256);
		outer->failed = outer->failed || f.failed;
	}
}

static void read_foot(struct statement *st, struct fields *outer)
{
	static const char *const personnel[] = {"operator", "signer", NULL};
	static const char *const tool[] = {"name", "version", "build", NULL};
	static const char *const trail[] = {"origin", "key", NULL};
	static const char *const inventory[] = {"parts", NULL};
	struct fields f;

	if (inside(&f, outer, "personnel", personnel)) {
		st->operator_name = field_str_opt(&f, "operator");
		st->signer_fingerprint = field_hex(&f, "signer", 2 * SHA_LEN);
		outer->failed = outer->failed || f.failed;
	}
	if (inside(&f, outer, "tool", tool)) {
		field_is(&f, "name", "quietus");
		st->tool_version = field_str(&f, "version");
		st->tool_build = field_str_opt(&f, "build");
		outer->failed = outer->failed || f.failed;
	}
	st->started = field_time_opt(outer, "started");
	st->ended = field_time_opt(outer, "ended");
	st->issued = field_time(outer, "issued");
	if (inside(&f, outer, "trail", trail)) {
		st->trail_origin = field_str(&f, "origin");
		st->trail_vkey = field_str(&f, "key");
		outer->failed = outer->failed || f.failed;
	}
	if (inside(&f, outer, "inventory", inventory)) {
		st->inventory_parts = small(&f, "parts");
		outer->failed = outer->failed || f.failed;
	}
	const json_t *limits = field_array(outer, "limits");
	for (size_t i = 0; i < json_array_size(limits); i++) {
		const json_t *v = json_array_get(limits, i);
		if (!json_is_string(v) || !plain_text(json_string_value(v)))
			field_fail(outer, "limits", "is not a list of texts");
	}
}

static void read_lists(struct statement_doc *d, struct fields *f)
{
	struct statement *st = &d->st;
	st->earlier = read_list(d, f, "earlier", sizeof(*st->earlier),
				&st->n_earlier, read_earlier);
	st->plans = read_list(d, f, "plans", sizeof(*st->plans), &st->n_plans,
			      read_plan);
	st->sources = read_list(d, f, "sources", sizeof(*st->sources),
				&st->n_sources, read_source);
	st->retention = read_list(d, f, "retained", sizeof(*st->retention),
				  &st->n_retention, read_retention);
	st->excluded = read_list(d, f, "excluded", sizeof(*st->excluded),
				 &st->n_excluded, read_exclusion);
}

static int read_document(struct statement_doc *d, struct err *e)
{
	static const char *const keys[] = {"type",	  "version",
					   "kind",	  "reservations",
					   "findings",	  "number",
					   "case",	  "closeout",
					   "earlier",	  "controller",
					   "processor",	  "contract",
					   "instruction", "closeout_sha256",
					   "not_before",  "approvals_required",
					   "plans",	  "sources",
					   "totals",	  "retained",
					   "scheduled",	  "excluded",
					   "personnel",	  "tool",
					   "started",	  "ended",
					   "issued",	  "trail",
					   "inventory",	  "limits",
					   NULL};
	struct statement *st = &d->st;
	struct fields f;

	fields_init(&f, d->json, keys, "certificate", e);
	if (f.failed)
		return -1;
	if (field_u64(&f, "version") != 1)
		field_fail(&f, "version",
			   "is not 1: a later format that this program does "
			   "not know");
	const char *type = field_str(&f, "type");
	if (strcmp(type, "quietus/certificate") != 0 &&
	    strcmp(type, "quietus/exception-report") != 0)
		field_fail(&f, "type",
			   "is neither a certificate nor an exception report");
	if (kind_parse(field_str(&f, "kind")) == KIND_NONE)
		field_fail(&f, "kind", "is not a known kind");
	field_array(&f, "reservations");
	field_array(&f, "findings");
	field_array(&f, "scheduled");
	field_object(&f, "totals");
	st->number = small(&f, "number");
	st->case_number = field_hex(&f, "case", 32);
	st->closeout = field_str(&f, "closeout");
	read_party(&st->controller, &f, "controller");
	read_party(&st->processor, &f, "processor");
	read_contract(st, &f);
	field_sha(&f, "closeout_sha256", st->closeout_sha256);
	st->not_before = field_time_opt(&f, "not_before");
	st->approvals_required = small(&f, "approvals_required");
	read_lists(d, &f);
	read_foot(st, &f);
	return f.failed ? -1 : 0;
}

int statement_parse(struct statement_doc **out, json_t *doc, struct err *e)
{
	struct statement_doc *d = calloc(1, sizeof(*d));
	if (d == NULL)
		return err_set(e, ERR_FAILED, "certificate: out of memory");
	d->json = json_incref(doc);
	if (read_document(d, e) != 0) {
		statement_free(d);
		return -1;
	}
	*out = d;
	return 0;
}
