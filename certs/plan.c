#include "certs/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/base/json.h"
#include "certs/field.h"

#define PLAN_TYPE "quietus/plan"
#define PLAN_SOURCES_MAX 1000
#define PLAN_LIST_MAX 10000

static const char *const modes[] = {"none", "first", "again", "delta"};

const char *plan_mode_name(enum plan_mode m)
{
	return modes[m >= PLAN_FIRST && m <= PLAN_DELTA ? m : 0];
}

enum plan_mode plan_mode_parse(const char *s)
{
	for (int i = PLAN_FIRST; i <= PLAN_DELTA; i++)
		if (strcmp(modes[i], s) == 0)
			return (enum plan_mode)i;
	return (enum plan_mode)0;
}

void plan_name(char out[PLAN_NAME], unsigned number)
{
	if (number <= 1)
		snprintf(out, PLAN_NAME, "plan.json");
	else
		snprintf(out, PLAN_NAME, "plan-%u.json", number);
}

const struct plan_source *plan_source(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_sources; i++)
		if (strcmp(p->sources[i].name, name) == 0)
			return &p->sources[i];
	return NULL;
}

bool plan_approver(const struct plan *p, const char *fingerprint)
{
	for (size_t i = 0; i < p->n_approvers; i++)
		if (strcmp(p->approvers[i], fingerprint) == 0)
			return true;
	return false;
}

/* ---- what every plan must satisfy --------------------------------------- */

static bool choice_known(const char *s)
{
	return strcmp(s, "destroy") == 0 || strcmp(s, "return") == 0 ||
	       strcmp(s, "return-to-designee") == 0;
}

/* a + b into *a; false when it does not fit */
static bool add(uint64_t *a, uint64_t b)
{
	if (b > UINT64_MAX - *a)
		return false;
	*a += b;
	return true;
}

static int class_check(const struct plan_source *s, size_t i, struct err *e)
{
	const struct plan_class *c = &s->classes[i];
	if (c->cls <= CLASS_UNKNOWN || c->cls >= CLASS_COUNT)
		return err_set(e, ERR_INVALID,
			       "plan: source %s: unknown copy class", s->name);
	if ((c->disposition == DISPOSITION_NONE) != (c->items == 0))
		return err_set(e, ERR_INVALID,
			       "plan: source %s: class %s: items and "
			       "disposition do not agree",
			       s->name, class_name(c->cls));
	for (size_t k = 0; k < i; k++)
		if (s->classes[k].cls == c->cls &&
		    s->classes[k].disposition == c->disposition)
			return err_set(e, ERR_INVALID,
				       "plan: source %s: class %s stands twice "
				       "with one disposition",
				       s->name, class_name(c->cls));
	return 0;
}

static int source_check(const struct plan_source *s, struct err *e)
{
	uint64_t items = 0, bytes = 0, retain = 0;
	bool fits = true;

	if (!word_text(s->name))
		return err_set(e, ERR_INVALID,
			       "plan: a source has a name that "
			       "is not of a-z 0-9 -");
	if (!choice_known(s->choice))
		return err_set(e, ERR_INVALID,
			       "plan: source %s: unknown choice", s->name);
	for (size_t i = 0; i < s->n_classes; i++) {
		const struct plan_class *c = &s->classes[i];
		if (class_check(s, i, e) != 0)
			return -1;
		fits = fits && add(&items, c->items) && add(&bytes, c->bytes);
		if (c->disposition == DISPOSITION_RETAIN)
			fits = fits && add(&retain, c->items);
	}
	if (!fits || items != s->items || bytes != s->bytes)
		return err_set(e, ERR_INVALID,
			       "plan: source %s: the classes do not add up to "
			       "%" PRIu64 " items, %" PRIu64 " bytes",
			       s->name, s->items, s->bytes);
	if (retain != s->retain || s->destroy > s->items ||
	    s->items - s->destroy != s->retain)
		return err_set(e, ERR_INVALID,
			       "plan: source %s: %" PRIu64 " to destroy and "
			       "%" PRIu64 " to retain do not agree with the "
			       "classes",
			       s->name, s->destroy, s->retain);
	return 0;
}

static int approvers_check(const struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->n_approvers; i++) {
		if (!hex_text(p->approvers[i], 2 * SHA_LEN))
			return err_set(e, ERR_INVALID,
				       "plan: an approver is not named by a "
				       "SHA-256 fingerprint");
		for (size_t k = 0; k < i; k++)
			if (strcmp(p->approvers[k], p->approvers[i]) == 0)
				return err_set(e, ERR_INVALID,
					       "plan: the same approver "
					       "stands twice");
	}
	if (p->approvals_required < 1 || p->approvals_required > p->n_approvers)
		return err_set(e, ERR_INVALID,
			       "plan: %u approvals are required of %zu "
			       "approvers",
			       p->approvals_required, p->n_approvers);
	return 0;
}

static bool fingerprint_or_none(const char *s)
{
	return s == NULL || hex_text(s, 2 * SHA_LEN);
}

static int head_check(const struct plan *p, struct err *e)
{
	if (p->number < 1 || *plan_mode_name(p->mode) == 'n')
		return err_set(e, ERR_INVALID, "plan: no number or no mode");
	if ((p->number > 1) != (p->mode == PLAN_DELTA))
		return err_set(e, ERR_INVALID,
			       "plan: number %u does not go with mode %s",
			       p->number, plan_mode_name(p->mode));
	if (!hex_text(p->case_number, CASE_NUMBER_TEXT - 1))
		return err_set(e, ERR_INVALID,
			       "plan: the case number is not 32 hexadecimal "
			       "digits");
	if (!choice_known(p->choice))
		return err_set(e, ERR_INVALID, "plan: unknown choice");
	if (!hex_text(p->signer, 2 * SHA_LEN) ||
	    !fingerprint_or_none(p->controller_certificate) ||
	    !fingerprint_or_none(p->recipient_certificate))
		return err_set(e, ERR_INVALID,
			       "plan: a certificate is not named by a SHA-256 "
			       "fingerprint");
	return approvers_check(p, e);
}

static int plan_check(const struct plan *p, struct err *e)
{
	if (head_check(p, e) != 0)
		return -1;
	if (p->n_sources == 0)
		return err_set(e, ERR_INVALID, "plan: no source");
	for (size_t i = 0; i < p->n_sources; i++) {
		if (source_check(&p->sources[i], e) != 0)
			return -1;
		if (plan_source(p, p->sources[i].name) != &p->sources[i])
			return err_set(e, ERR_INVALID,
				       "plan: two sources are called %s",
				       p->sources[i].name);
	}
	for (size_t i = 0; i < p->n_blockers; i++)
		if (p->blockers[i].kind[0] == '\0' || p->blockers[i].count == 0)
			return err_set(e, ERR_INVALID,
				       "plan: a blocker without kind or "
				       "count");
	return 0;
}

/* ---- writing ------------------------------------------------------------ */

static json_t *classes_json(struct maker *m, const struct plan_source *s)
{
	json_t *list = json_array();
	for (size_t i = 0; i < s->n_classes; i++) {
		const struct plan_class *c = &s->classes[i];
		json_t *o = json_object();
		make_str(m, o, "class", class_name(c->cls));
		make_u64(m, o, "items", c->items);
		make_u64(m, o, "bytes", c->bytes);
		if (c->rows != 0)
			make_u64(m, o, "rows", c->rows);
		make_str(m, o, "disposition", disposition_name(c->disposition));
		make_item(m, list, o);
	}
	return list;
}

static json_t *source_json(struct maker *m, const struct plan_source *s)
{
	json_t *o = json_object();
	make_str(m, o, "name", s->name);
	make_str(m, o, "provider", s->provider);
	make_str(m, o, "category", s->category);
	make_str(m, o, "choice", s->choice);
	make_u64(m, o, "items", s->items);
	make_u64(m, o, "bytes", s->bytes);
	make_u64(m, o, "destroy", s->destroy);
	make_u64(m, o, "retain", s->retain);
	make_sha(m, o, "root", s->root);
	make_any(m, o, "classes", classes_json(m, s));
	return o;
}

static void head_json(struct maker *m, json_t *o, const struct plan *p)
{
	make_str(m, o, "type", PLAN_TYPE);
	make_u64(m, o, "version", 1);
	make_u64(m, o, "number", p->number);
	make_str(m, o, "mode", plan_mode_name(p->mode));
	make_str(m, o, "case", p->case_number);
	make_str(m, o, "closeout", p->closeout);
	make_time(m, o, "created", p->created);
	make_sha(m, o, "closeout_sha256", p->closeout_sha256);
	if (p->has_instruction)
		make_sha(m, o, "instruction_sha256", p->instruction_sha256);
	if (p->has_instruction_signature)
		make_sha(m, o, "instruction_signature_sha256",
			 p->instruction_signature_sha256);
	make_str(m, o, "controller_certificate", p->controller_certificate);
	make_str(m, o, "recipient_certificate", p->recipient_certificate);
	json_t *approvers = json_array();
	for (size_t i = 0; i < p->n_approvers; i++)
		make_item(m, approvers, json_string(p->approvers[i]));
	make_any(m, o, "approvers", approvers);
	make_u64(m, o, "approvals_required", p->approvals_required);
	make_str(m, o, "signer", p->signer);
	make_str(m, o, "choice", p->choice);
	make_time(m, o, "not_before", p->not_before);
}

int plan_write(struct buf *out, const struct plan *p, struct err *e)
{
	struct maker m = {"plan", e, false};
	struct plan *again = NULL;
	struct buf text;
	json_t *o = NULL;
	int rc = -1;

	/* what could not be read again is not written */
	buf_init(&text, PLAN_MAX);
	if (plan_check(p, e) != 0) {
		/* ours to write, so not somebody's bad evidence */
		if (e->code == ERR_INVALID)
			e->code = ERR_FAILED;
		return -1;
	}
	o = json_object();
	head_json(&m, o, p);
	json_t *sources = json_array();
	for (size_t i = 0; i < p->n_sources; i++)
		make_item(&m, sources, source_json(&m, &p->sources[i]));
	make_any(&m, o, "sources", sources);
	json_t *blockers = json_array();
	for (size_t i = 0; i < p->n_blockers; i++) {
		json_t *b = json_object();
		make_str(&m, b, "kind", p->blockers[i].kind);
		make_u64(&m, b, "count", p->blockers[i].count);
		make_item(&m, blockers, b);
	}
	make_any(&m, o, "blockers", blockers);
	make_time(&m, o, "earliest_final", p->earliest_final);
	if (!m.failed && json_write(&text, o, e) == 0 &&
	    plan_parse(&again, buf_str(&text), text.len, e) == 0) {
		rc = buf_put(out, text.data, text.len);
		if (rc != 0)
			err_set(e, ERR_FAILED, "plan: out of memory");
	} else {
		e->code = ERR_FAILED;
	}
	plan_free(again);
	buf_release(&text);
	json_decref(o);
	return rc;
}

/* ---- reading ------------------------------------------------------------ */

/* One allocation per list; all strings stay in the parsed document. */
struct owned {
	json_t *doc;
	const char **approvers;
	struct plan_source *sources;
	struct plan_class **classes; /* one list per source */
	struct plan_blocker *blockers;
};

void plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	struct owned *own = p->owned;
	if (own != NULL) {
		for (size_t i = 0; i < p->n_sources; i++)
			free(own->classes[i]);
		free(own->classes);
		free(own->sources);
		free(own->approvers);
		free(own->blockers);
		json_decref(own->doc);
		free(own);
	}
	free(p);
}

static int class_parse_json(struct plan_class *c, const json_t *v,
			    struct err *e)
{
	static const char *const keys[] = {"class", "items",	   "bytes",
					   "rows",  "disposition", NULL};
	struct fields f;
	fields_init(&f, v, keys, "plan: class", e);
	if (f.failed)
		return -1;
	c->cls = class_parse(field_str(&f, "class"));
	c->items = field_u64(&f, "items");
	c->bytes = field_u64(&f, "bytes");
	c->rows = field_u64_opt(&f, "rows");
	const char *word = field_str(&f, "disposition");
	c->disposition = disposition_parse(word);
	if (c->disposition == DISPOSITION_NONE && strcmp(word, "none") != 0)
		field_fail(&f, "disposition", "is not a known word");
	return f.failed ? -1 : 0;
}

static int source_parse(struct plan_source *s, struct plan_class **classes,
			const json_t *v, struct err *e)
{
	static const char *const keys[] = {
		"name",	   "provider", "category", "choice",  "items", "bytes",
		"destroy", "retain",   "root",	   "classes", NULL};
	struct fields f;
	fields_init(&f, v, keys, "plan: source", e);
	if (f.failed)
		return -1;
	s->name = field_str(&f, "name");
	s->provider = field_str(&f, "provider");
	s->category = field_str_opt(&f, "category");
	s->choice = field_str(&f, "choice");
	s->items = field_u64(&f, "items");
	s->bytes = field_u64(&f, "bytes");
	s->destroy = field_u64(&f, "destroy");
	s->retain = field_u64(&f, "retain");
	field_sha(&f, "root", s->root);
	const json_t *list = field_array(&f, "classes");
	if (f.failed)
		return -1;
	size_t n = json_array_size(list);
	if (n > PLAN_LIST_MAX)
		return err_set(e, ERR_INVALID, "plan: too many classes");
	*classes = calloc(n + 1, sizeof(**classes));
	if (*classes == NULL)
		return err_set(e, ERR_FAILED, "plan: out of memory");
	s->classes = *classes;
	s->n_classes = n;
	for (size_t i = 0; i < n; i++)
		if (class_parse_json(&(*classes)[i], json_array_get(list, i),
				     e) != 0)
			return -1;
	return 0;
}

static int sources_parse(struct plan *p, struct owned *own, const json_t *list,
			 struct err *e)
{
	size_t n = json_array_size(list);
	if (n > PLAN_SOURCES_MAX)
		return err_set(e, ERR_INVALID, "plan: too many sources");
	own->sources = calloc(n + 1, sizeof(*own->sources));
	own->classes = calloc(n + 1, sizeof(*own->classes));
	if (own->sources == NULL || own->classes == NULL)
		return err_set(e, ERR_FAILED, "plan: out of memory");
	p->sources = own->sources;
	p->n_sources = n;
	for (size_t i = 0; i < n; i++)
		if (source_parse(&own->sources[i], &own->classes[i],
				 json_array_get(list, i), e) != 0)
			return -1;
	return 0;
}

static int approvers_parse(struct plan *p, struct owned *own,
			   const json_t *list, struct err *e)
{
	size_t n = json_array_size(list);
	if (n > PLAN_SOURCES_MAX)
		return err_set(e, ERR_INVALID, "plan: too many approvers");
	own->approvers = calloc(n + 1, sizeof(*own->approvers));
	if (own->approvers == NULL)
		return err_set(e, ERR_FAILED, "plan: out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list, i));
		if (s == NULL)
			return err_set(e, ERR_INVALID,
				       "plan: an approver is not text");
		own->approvers[i] = s;
	}
	p->approvers = own->approvers;
	p->n_approvers = n;
	return 0;
}

static int blockers_parse(struct plan *p, struct owned *own, const json_t *list,
			  struct err *e)
{
	static const char *const keys[] = {"kind", "count", NULL};
	size_t n = json_array_size(list);
	if (n > PLAN_LIST_MAX)
		return err_set(e, ERR_INVALID, "plan: too many blockers");
	own->blockers = calloc(n + 1, sizeof(*own->blockers));
	if (own->blockers == NULL)
		return err_set(e, ERR_FAILED, "plan: out of memory");
	p->blockers = own->blockers;
	p->n_blockers = n;
	for (size_t i = 0; i < n; i++) {
		struct fields f;
		fields_init(&f, json_array_get(list, i), keys, "plan: blocker",
			    e);
		if (f.failed)
			return -1;
		own->blockers[i].kind = field_str(&f, "kind");
		own->blockers[i].count = field_u64(&f, "count");
		if (f.failed)
			return -1;
	}
	return 0;
}

/* A small number: number of the plan, of approvals. */
static unsigned field_small(struct fields *f, const char *key)
{
	uint64_t n = field_u64(f, key);
	if (n > PLAN_LIST_MAX)
		field_fail(f, key, "is too large");
	return n > PLAN_LIST_MAX ? 0 : (unsigned)n;
}

static void head_parse(struct plan *p, struct fields *f)
{
	field_is(f, "type", PLAN_TYPE);
	if (field_u64(f, "version") != 1)
		field_fail(f, "version",
			   "is not 1: a later format that this program does "
			   "not know");
	p->number = field_small(f, "number");
	p->mode = plan_mode_parse(field_str(f, "mode"));
	p->case_number = field_str(f, "case");
	p->closeout = field_str(f, "closeout");
	p->created = field_time(f, "created");
	field_sha(f, "closeout_sha256", p->closeout_sha256);
	p->has_instruction =
		field_sha_opt(f, "instruction_sha256", p->instruction_sha256);
	p->has_instruction_signature =
		field_sha_opt(f, "instruction_signature_sha256",
			      p->instruction_signature_sha256);
	p->controller_certificate = field_str_opt(f, "controller_certificate");
	p->recipient_certificate = field_str_opt(f, "recipient_certificate");
	p->approvals_required = field_small(f, "approvals_required");
	p->signer = field_str(f, "signer");
	p->choice = field_str(f, "choice");
	p->not_before = field_time_opt(f, "not_before");
	p->earliest_final = field_time_opt(f, "earliest_final");
}

static int document_parse(struct plan *p, struct owned *own, struct err *e)
{
	static const char *const keys[] = {"type",
					   "version",
					   "number",
					   "mode",
					   "case",
					   "closeout",
					   "created",
					   "closeout_sha256",
					   "instruction_sha256",
					   "instruction_signature_sha256",
					   "controller_certificate",
					   "recipient_certificate",
					   "approvers",
					   "approvals_required",
					   "signer",
					   "choice",
					   "not_before",
					   "sources",
					   "blockers",
					   "earliest_final",
					   NULL};
	struct fields f;
	fields_init(&f, own->doc, keys, "plan", e);
	if (f.failed)
		return -1;
	head_parse(p, &f);
	const json_t *approvers = field_array(&f, "approvers");
	const json_t *sources = field_array(&f, "sources");
	const json_t *blockers = field_array(&f, "blockers");
	if (f.failed || approvers_parse(p, own, approvers, e) != 0 ||
	    sources_parse(p, own, sources, e) != 0 ||
	    blockers_parse(p, own, blockers, e) != 0)
		return -1;
	return plan_check(p, e);
}

int plan_parse(struct plan **out, const void *bytes, size_t len, struct err *e)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct owned *own = calloc(1, sizeof(*own));
	int rc = -1;

	if (p == NULL || own == NULL) {
		free(own);
		err_set(e, ERR_FAILED, "plan: out of memory");
		goto out;
	}
	p->owned = own;
	own->doc = json_strict(bytes, len, "plan", e);
	if (own->doc == NULL || document_parse(p, own, e) != 0)
		goto out;
	*out = p;
	p = NULL;
	rc = 0;
out:
	plan_free(p);
	return rc;
}

int plan_file(struct plan **out, const char *path, struct buf *raw,
	      struct err *e)
{
	struct buf own;
	buf_init(&own, PLAN_MAX);
	int rc = file_read(&own, path, e);
	if (rc == 0)
		rc = plan_parse(out, buf_str(&own), own.len, e);
	if (rc != 0 && e->code == ERR_INVALID)
		err_add(e, "%s", path);
	if (rc == 0 && raw != NULL && buf_put(raw, own.data, own.len) != 0) {
		plan_free(*out);
		*out = NULL;
		rc = err_set(e, ERR_FAILED, "%s: out of memory", path);
	}
	buf_release(&own);
	return rc;
}
