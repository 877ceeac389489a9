#include "certs/statement.h"

#include <inttypes.h>
#include <string.h>

#include "certs/base/json.h"
#include "certs/field.h"
#include "certs/statement_derive.h"

#define TECHNIQUE                                                              \
	"the store was listed completely a second time, and items were asked " \
	"about one by one (asked: how many), by other calls than those that "  \
	"destroyed"

/* ---- what a document may claim ------------------------------------------ */

static int line_check(const struct statement *st,
		      const struct statement_source *s,
		      const struct statement_line *l, struct err *e)
{
	const char *verdict = verdict_name(l->verdict);

	if (l->cls <= CLASS_UNKNOWN || l->cls >= CLASS_COUNT ||
	    l->verdict >= VERDICT_COUNT)
		return err_set(e, ERR_FAILED,
			       "source %s: a line without class or verdict",
			       s->name);
	/* I8: only what the check saw may be claimed */
	if (s->checked == 0 &&
	    (l->verdict == VERDICT_DESTROYED_VERIFIED ||
	     l->verdict == VERDICT_ABSENT || l->verdict == VERDICT_NONE_FOUND ||
	     l->verdict == VERDICT_RETAINED))
		return err_set(e, ERR_FAILED,
			       "source %s: class %s cannot be \"%s\": the "
			       "store was not listed again after the "
			       "destruction",
			       s->name, class_name(l->cls), verdict);
	if (s->started == 0 && l->items > 0 &&
	    (l->verdict == VERDICT_DESTROYED_VERIFIED ||
	     l->verdict == VERDICT_DESTROYED))
		return err_set(e, ERR_FAILED,
			       "source %s: class %s cannot be \"%s\": no "
			       "destruction was ever begun",
			       s->name, class_name(l->cls), verdict);
	if (l->verdict == VERDICT_NONE_FOUND && l->items > 0)
		return err_set(e, ERR_FAILED,
			       "source %s: class %s is \"none found\" with "
			       "%" PRIu64 " items",
			       s->name, class_name(l->cls), l->items);
	if ((l->verdict == VERDICT_RETAINED) != (l->retention != NULL) ||
	    (l->retention != NULL && derive_retention(st, s, l) == NULL))
		return err_set(e, ERR_FAILED,
			       "source %s: class %s is \"%s\", which does not "
			       "go with its retention entry",
			       s->name, class_name(l->cls), verdict);
	if (l->verdict == VERDICT_SCHEDULED && l->until == 0 && l->why == NULL)
		return err_set(e, ERR_FAILED,
			       "source %s: class %s is scheduled without date "
			       "or reason",
			       s->name, class_name(l->cls));
	return 0;
}

/* Where anything was found, it cannot be that nothing was. */
static int alone_check(const struct statement_source *s,
		       const struct statement_line *l, struct err *e)
{
	if (l->verdict != VERDICT_NONE_FOUND)
		return 0;
	for (size_t i = 0; i < s->n_lines; i++)
		if (&s->lines[i] != l && s->lines[i].cls == l->cls)
			return err_set(e, ERR_FAILED,
				       "source %s: class %s is \"none found\" "
				       "and something else besides",
				       s->name, class_name(l->cls));
	return 0;
}

static int source_check(const struct statement *st,
			const struct statement_source *s, struct err *e)
{
	uint64_t items = 0, bytes = 0;
	const char *by = derive_bystanders(s);

	if (!word_text(s->name))
		return err_set(e, ERR_FAILED,
			       "a source's name is not of a-z 0-9 -");
	if (s->n_lines == 0)
		return err_set(e, ERR_FAILED,
			       "source %s: no class has a verdict", s->name);
	if (s->checked != 0 && s->checked < s->started)
		return err_set(e, ERR_FAILED,
			       "source %s: checked before it was destroyed",
			       s->name);
	if (strcmp(by, "unchanged") != 0 && strcmp(by, "lost") != 0 &&
	    strcmp(by, "not measured") != 0)
		return err_set(e, ERR_FAILED,
			       "source %s: unknown word about bystanders",
			       s->name);
	static const unsigned char none[SHA_LEN];
	if (strcmp(by, "unchanged") == 0 &&
	    memcmp(s->bystanders_commitment, none, SHA_LEN) == 0)
		return err_set(e, ERR_FAILED,
			       "source %s: bystanders \"unchanged\" without "
			       "the commitment to what was measured",
			       s->name);
	if (!derive_choice_known(s->choice))
		return err_set(e, ERR_FAILED,
			       "source %s: the choice is neither destroy nor "
			       "return nor return-to-designee",
			       s->name);
	for (size_t i = 0; i < s->n_lines; i++) {
		if (line_check(st, s, &s->lines[i], e) != 0 ||
		    alone_check(s, &s->lines[i], e) != 0)
			return -1;
		if (!derive_add(&items, s->lines[i].items) ||
		    !derive_add(&bytes, s->lines[i].bytes))
			return err_set(e, ERR_FAILED,
				       "source %s: the lines overflow",
				       s->name);
	}
	/* I7: everything that was planned has a verdict */
	if (items != s->items || bytes != s->bytes)
		return err_set(e, ERR_FAILED,
			       "source %s: the lines add up to %" PRIu64
			       " items and %" PRIu64 " bytes, the inventory "
			       "has %" PRIu64 " and %" PRIu64,
			       s->name, items, bytes, s->items, s->bytes);
	return 0;
}

static bool source_known(const struct statement *st, const char *name)
{
	for (size_t i = 0; i < st->n_sources; i++)
		if (strcmp(st->sources[i].name, name) == 0)
			return true;
	return false;
}

/* I1: nothing is certified that was not approved. */
static int plans_check(const struct statement *st, struct err *e)
{
	if (st->n_plans == 0)
		return err_set(e, ERR_FAILED, "no plan");
	if (st->approvals_required < 1)
		return err_set(e, ERR_FAILED, "no approval is required");
	for (size_t i = 0; i < st->n_plans; i++) {
		const struct statement_plan *p = &st->plans[i];
		size_t distinct = 0;
		for (size_t k = 0; k < p->n_approvals; k++) {
			size_t j = 0;
			while (j < k && strcmp(p->approvals[j].fingerprint,
					       p->approvals[k].fingerprint))
				j++;
			distinct += j == k;
		}
		if (distinct < st->approvals_required)
			return err_set(e, ERR_FAILED,
				       "%s has %zu of %u approvals", p->file,
				       distinct, st->approvals_required);
	}
	return 0;
}

/* An exception report may be about a case that never came to approvals, but
 * then nothing in it was destroyed. */
static bool anything_destroyed(const struct statement *st)
{
	for (size_t i = 0; i < st->n_sources; i++)
		for (size_t k = 0; k < st->sources[i].n_lines; k++) {
			enum verdict v = st->sources[i].lines[k].verdict;
			if (v == VERDICT_DESTROYED ||
			    v == VERDICT_DESTROYED_VERIFIED)
				return true;
		}
	return false;
}

int statement_check(const struct statement *st, enum kind kind, struct err *e)
{
	if (st->case_number == NULL || !hex_text(st->case_number, 32))
		return err_set(e, ERR_FAILED,
			       "the case number is not 32 hexadecimal digits");
	if (st->number < 1 || (st->n_earlier != 0) != (st->number > 1))
		return err_set(e, ERR_FAILED,
			       "number %u does not go with %zu earlier "
			       "documents",
			       st->number, st->n_earlier);
	if (st->n_sources == 0)
		return err_set(e, ERR_FAILED, "no source");
	if (st->issued == 0)
		return err_set(e, ERR_FAILED, "no date of issue");
	if (!derive_choice_known(st->choice))
		return err_set(e, ERR_FAILED,
			       "the controller's choice is neither destroy nor "
			       "return nor return-to-designee");
	for (size_t i = 0; i < st->n_sources; i++) {
		if (source_check(st, &st->sources[i], e) != 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (strcmp(st->sources[k].name, st->sources[i].name) ==
			    0)
				return err_set(e, ERR_FAILED,
					       "two sources are called %s",
					       st->sources[i].name);
	}
	for (size_t i = 0; i < st->n_retention; i++)
		if (!source_known(st, st->retention[i].source) ||
		    st->retention[i].until == 0)
			return err_set(e, ERR_FAILED,
				       "retention entry %s has no known "
				       "source or no date",
				       st->retention[i].name);
	for (size_t i = 0; i < st->n_excluded; i++)
		if (!source_known(st, st->excluded[i].source))
			return err_set(e, ERR_FAILED,
				       "an exclusion of an unknown source");
	if (kind == KIND_EXCEPTION && !anything_destroyed(st))
		return 0;
	return plans_check(st, e);
}

/* ---- the document ------------------------------------------------------- */

static json_t *party_json(struct maker *m, const struct statement_party *p)
{
	json_t *o = json_object();
	make_str(m, o, "name", p->name);
	make_str(m, o, "address", p->address);
	make_str(m, o, "contact", p->contact);
	make_str(m, o, "dpo", p->dpo);
	return o;
}

static void parties(struct maker *m, json_t *o, const struct statement *st)
{
	json_t *earlier = json_array();
	for (size_t i = 0; i < st->n_earlier; i++) {
		json_t *x = json_object();
		make_str(m, x, "file", st->earlier[i].file);
		make_sha(m, x, "sha256", st->earlier[i].sha256);
		make_str(m, x, "kind", kind_name(st->earlier[i].kind));
		make_item(m, earlier, x);
	}
	make_any(m, o, "earlier", earlier);
	make_any(m, o, "controller", party_json(m, &st->controller));
	make_any(m, o, "processor", party_json(m, &st->processor));
	json_t *contract = json_object();
	make_str(m, contract, "reference", st->contract_reference);
	make_str(m, contract, "clause", st->contract_clause);
	make_time(m, contract, "ended", st->contract_ended);
	make_any(m, o, "contract", contract);
	json_t *instruction = json_object();
	make_str(m, instruction, "choice", st->choice);
	make_str(m, instruction, "by", st->instructed_by);
	make_time(m, instruction, "received", st->instruction_received);
	if (st->has_instruction)
		make_sha(m, instruction, "sha256", st->instruction_sha256);
	make_any(m, o, "instruction", instruction);
}

static json_t *plans_json(struct maker *m, const struct statement *st)
{
	json_t *list = json_array();
	for (size_t i = 0; i < st->n_plans; i++) {
		const struct statement_plan *p = &st->plans[i];
		json_t *o = json_object(), *approvals = json_array();
		make_str(m, o, "file", p->file);
		make_sha(m, o, "sha256", p->sha256);
		make_time(m, o, "created", p->created);
		for (size_t k = 0; k < p->n_approvals; k++) {
			const struct statement_approval *a = &p->approvals[k];
			json_t *x = json_object();
			make_str(m, x, "file", a->file);
			make_str(m, x, "certificate", a->fingerprint);
			make_str(m, x, "subject", a->subject);
			make_time(m, x, "signed", a->signed_at);
			make_item(m, approvals, x);
		}
		make_any(m, o, "approvals", approvals);
		make_item(m, list, o);
	}
	return list;
}

static json_t *lines_json(struct maker *m, const struct statement_source *s)
{
	json_t *list = json_array();
	for (size_t i = 0; i < s->n_lines; i++) {
		const struct statement_line *l = &s->lines[i];
		json_t *o = json_object();
		make_str(m, o, "class", class_name(l->cls));
		make_str(m, o, "verdict", verdict_name(l->verdict));
		make_u64(m, o, "items", l->items);
		make_u64(m, o, "bytes", l->bytes);
		if (l->rows != 0)
			make_u64(m, o, "rows", l->rows);
		make_time(m, o, "until", l->until);
		make_str(m, o, "why", l->why);
		make_str(m, o, "retention", l->retention);
		make_item(m, list, o);
	}
	return list;
}

static json_t *validation_json(struct maker *m,
			       const struct statement_source *s)
{
	json_t *o = json_object();
	const char *why = s->residue_why;

	make_str(m, o, "probe", derive_probe(s));
	if (s->residue_possible) {
		make_str(m, o, "regions", s->residue_regions);
		make_u64(m, o, "hits_before", s->residue_before);
		make_u64(m, o, "hits_after", s->residue_after);
		if (why == NULL && s->residue_before == 0)
			why = "no sampled value was found before the "
			      "destruction, so that finding none after it "
			      "shows nothing";
	} else if (why == NULL) {
		why = "the raw bytes of this store cannot be read";
	}
	make_str(m, o, "why", why);
	return o;
}

static json_t *bystanders_json(struct maker *m,
			       const struct statement_source *s)
{
	static const unsigned char none[SHA_LEN];
	json_t *o = json_object();
	make_str(m, o, "outcome", derive_bystanders(s));
	if (s->bystanders_sampled)
		make_any(m, o, "sampled", json_true());
	if (memcmp(s->bystanders_commitment, none, SHA_LEN) != 0)
		make_sha(m, o, "commitment", s->bystanders_commitment);
	return o;
}

static json_t *host_json(struct maker *m, const struct statement_source *s)
{
	json_t *o = json_object();
	for (size_t i = 0; i < s->n_facts; i++) {
		if (json_object_get(o, s->facts[i].key) != NULL ||
		    !plain_text(s->facts[i].key)) {
			m->failed = true;
			err_set(m->e, ERR_FAILED,
				"source %s: a fact is given twice or has a "
				"control character",
				s->name);
			continue;
		}
		make_str(m, o, s->facts[i].key, s->facts[i].value);
	}
	return o;
}

static json_t *source_json(struct maker *m, const struct statement_source *s)
{
	json_t *o = json_object(), *verification = json_object();

	make_str(m, o, "name", s->name);
	make_str(m, o, "provider", s->provider);
	make_str(m, o, "category", s->category);
	make_str(m, o, "choice", s->choice);
	make_any(m, o, "host", host_json(m, s));
	make_u64(m, o, "items", s->items);
	make_u64(m, o, "bytes", s->bytes);
	make_sha(m, o, "planned_root", s->planned_root);
	make_sha(m, o, "outcome_root", s->outcome_root);
	make_any(m, o, "classes", lines_json(m, s));
	make_str(m, o, "method", s->method);
	make_str(m, o, "sanitization", STATEMENT_NO_SANITIZATION);
	make_str(m, o, "purge", s->purge);
	make_time(m, o, "started", s->started);
	make_time(m, o, "ended", s->ended);
	make_time(m, o, "checked", s->checked);
	make_u64(m, o, "unplanned", s->unplanned);
	if (s->selected_nothing)
		make_any(m, o, "selected_nothing", json_true());
	make_str(m, verification, "technique", TECHNIQUE);
	make_u64(m, verification, "asked", s->asked);
	make_str(m, verification, "outcome", derive_verification(s));
	make_any(m, o, "verification", verification);
	make_any(m, o, "validation", validation_json(m, s));
	make_any(m, o, "bystanders", bystanders_json(m, s));
	make_str(m, o, "limits", s->limits);
	return o;
}

static json_t *limits_json(struct maker *m, const struct statement *st)
{
	static const char *const always[] = {
		"What is said here is what the interfaces of the stores "
		"showed. Residue on the physical media of a host is not "
		"covered; sanitizing media is the host's task.",
		"Backups and file-system snapshots that are not listed as "
		"sources are not covered.",
		"That the list of sources is complete rests on the closeout "
		"file, whose SHA-256 stands here, and on those who approved "
		"the plan.",
		"Times are those of the processor's clock; no time-stamp of "
		"a third party is attached.",
		"The program that destroyed also checked, with the "
		"credentials it was given; what those cannot see, it did not "
		"see.",
		"The processor's working files about this case (ledger and "
		"case secret) exist until the case is closed.",
	};
	json_t *list = json_array();
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		make_item(m, list, json_string(always[i]));
	if (st->inventory_parts == 0)
		make_item(m, list,
			  json_string("No inventory was handed over: the "
				      "roots can be recomputed by the "
				      "processor only, and by nobody once "
				      "the case is closed."));
	return list;
}

static void foot(struct maker *m, json_t *o, const struct statement *st)
{
	json_t *personnel = json_object(), *tool = json_object();
	json_t *trail = json_object(), *inventory = json_object();

	make_str(m, personnel, "operator", st->operator_name);
	make_str(m, personnel, "signer", st->signer_fingerprint);
	make_any(m, o, "personnel", personnel);
	make_str(m, tool, "name", "quietus");
	make_str(m, tool, "version", st->tool_version);
	make_str(m, tool, "build", st->tool_build);
	make_any(m, o, "tool", tool);
	make_time(m, o, "started", st->started);
	make_time(m, o, "ended", st->ended);
	make_time(m, o, "issued", st->issued);
	make_str(m, trail, "origin", st->trail_origin);
	make_str(m, trail, "key", st->trail_vkey);
	make_any(m, o, "trail", trail);
	make_u64(m, inventory, "parts", st->inventory_parts);
	make_any(m, o, "inventory", inventory);
	make_any(m, o, "limits", limits_json(m, st));
}

json_t *statement_json(enum kind *kind, const struct statement *st,
		       struct err *e)
{
	struct maker m = {"certificate", e, false};
	json_t *o = json_object(), *sources = json_array();

	*kind = statement_kind(st);
	make_str(&m, o, "type",
		 *kind == KIND_EXCEPTION ? "quietus/exception-report"
					 : "quietus/certificate");
	make_u64(&m, o, "version", 1);
	make_str(&m, o, "kind", kind_name(*kind));
	make_any(&m, o, "reservations", derive_reservations(&m, st));
	make_any(&m, o, "findings", derive_findings(&m, st));
	make_u64(&m, o, "number", st->number);
	make_str(&m, o, "case", st->case_number);
	make_str(&m, o, "closeout", st->closeout);
	parties(&m, o, st);
	make_sha(&m, o, "closeout_sha256", st->closeout_sha256);
	make_time(&m, o, "not_before", st->not_before);
	make_u64(&m, o, "approvals_required", st->approvals_required);
	make_any(&m, o, "plans", plans_json(&m, st));
	for (size_t i = 0; i < st->n_sources; i++)
		make_item(&m, sources, source_json(&m, &st->sources[i]));
	make_any(&m, o, "sources", sources);
	make_any(&m, o, "totals", derive_totals(&m, st));
	make_any(&m, o, "retained", derive_retained(&m, st));
	make_any(&m, o, "scheduled", derive_scheduled(&m, st));
	make_any(&m, o, "excluded", derive_excluded(&m, st));
	foot(&m, o, st);
	if (m.failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

int statement_write(struct buf *out, enum kind *kind,
		    const struct statement *st, struct err *e)
{
	struct statement_doc *again = NULL;
	int rc = -1;

	*kind = statement_kind(st);
	if (statement_check(st, *kind, e) != 0)
		return err_add(e, "%s",
			       *kind == KIND_EXCEPTION ? "exception report"
						       : "certificate");
	json_t *doc = statement_json(kind, st, e);
	if (doc == NULL)
		return -1;
	const char *claim = derive_overclaim(doc);
	if (claim != NULL)
		err_set(e, ERR_FAILED,
			"certificate: \"%.200s\" names a standard that a "
			"certificate of erasure may not claim",
			claim);
	/* what the verifier could not read is not written */
	else if (statement_parse(&again, doc, e) == 0)
		rc = json_write(out, doc, e);
	else
		e->code = ERR_FAILED;
	statement_free(again);
	json_decref(doc);
	return rc;
}
