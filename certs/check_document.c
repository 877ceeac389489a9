/* The certificate itself: strict reading, and everything derived once more. */
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/json.h"
#include "certs/base/sha.h"
#include "certs/check_private.h"
#include "certs/statement_derive.h"

/* What is compared with its derivation; the sentences of "limits" may differ
 * from one version of the program to the next. */
static const struct {
	const char *key, *code, *text;
} derived[] = {
	{"kind", "kind-disagrees",
	 "The kind it gives itself does not follow from its verdicts"},
	{"type", "kind-disagrees",
	 "Its type (certificate or exception report) does not follow from its "
	 "verdicts"},
	{"reservations", "reservations-disagree",
	 "Its reservations are not those that follow from its lines"},
	{"findings", "findings-disagree",
	 "Its findings are not those that follow from its lines"},
	{"totals", "totals-disagree",
	 "Its totals are not the sums of its lines"},
	{"retained", "retained-disagrees",
	 "What it says was retained does not agree with its lines"},
	{"scheduled", "scheduled-disagrees",
	 "What it says is scheduled does not agree with its lines"},
	{"excluded", "excluded-disagrees",
	 "Who approved its exclusions does not follow from its approvals"},
	{"sources", "sources-disagree",
	 "In a source, verification, validation or bystanders do not follow "
	 "from the numbers beside them"},
};

static void compare(struct check *c, const json_t *again)
{
	size_t same = 0;
	for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]); i++) {
		const json_t *is = json_object_get(c->doc, derived[i].key);
		const json_t *should = json_object_get(again, derived[i].key);
		if (json_equal(is, should)) {
			same++;
			continue;
		}
		if (json_is_string(is) && json_is_string(should))
			check_say(c, FINDING_BAD, derived[i].code,
				  "%s: it says \"%s\", the lines allow \"%s\".",
				  derived[i].text, json_string_value(is),
				  json_string_value(should));
		else
			check_say(c, FINDING_BAD, derived[i].code, "%s.",
				  derived[i].text);
	}
	if (same == sizeof(derived) / sizeof(derived[0]))
		check_say(c, FINDING_GOOD, "derivation",
			  "Kind, reservations and totals were derived again "
			  "from the lines and agree.");
}

/* Limits are the one text that may differ between versions of the program:
 * what this one would not write is told apart. */
static void limits(struct check *c, const json_t *again)
{
	const json_t *is = json_object_get(c->doc, "limits");
	const json_t *ours = json_object_get(again, "limits");

	if (json_array_size(is) == 0)
		check_say(c, FINDING_BAD, "limits-empty",
			  "It states no limits; every destruction has some.");
	for (size_t i = 0; i < json_array_size(is); i++) {
		const json_t *text = json_array_get(is, i);
		size_t k = 0;
		while (k < json_array_size(ours) &&
		       !json_equal(text, json_array_get(ours, k)))
			k++;
		if (k == json_array_size(ours))
			check_say(c, FINDING_NOTE, "limits-own-words",
				  "Among the limits stand the vendor's own "
				  "words: \"%s\".",
				  json_string_value(text));
	}
}

static void claims(struct check *c)
{
	const char *text = derive_overclaim(c->doc);

	if (text != NULL)
		check_say(c, FINDING_BAD, "standard-claimed",
			  "It names a standard that does not cover erasure, "
			  "or that this procedure does not claim (EN 15713, "
			  "DIN 66399, ISO/IEC 27555): \"%s\".",
			  text);
}

/* What version 1 of this format has no evidence for cannot be checked. */
static void evidence(struct check *c, const struct statement_source *s)
{
	bool returned = strcmp(s->choice, "destroy") != 0 ||
			strcmp(c->st->choice, "destroy") != 0;

	for (size_t i = 0; i < s->n_lines; i++) {
		const struct statement_line *l = &s->lines[i];
		if (l->verdict == VERDICT_ATTESTED)
			check_say(c, FINDING_MISSING, "attestation-missing",
				  "Source %s, class %s: a third party is said "
				  "to attest it; version 1 carries no signed "
				  "statement of one, so that this cannot be "
				  "checked.",
				  s->name, class_name(l->cls));
		/* I2 */
		if (returned && l->items > 0 &&
		    (l->verdict == VERDICT_DESTROYED ||
		     l->verdict == VERDICT_DESTROYED_VERIFIED))
			check_say(c, FINDING_MISSING, "package-missing",
				  "Source %s, class %s: it was to be returned "
				  "before it was destroyed; version 1 carries "
				  "no package and no receipt, so that this "
				  "cannot be checked.",
				  s->name, class_name(l->cls));
	}
}

static void members(struct check *c)
{
	struct err e = ERR_INIT;
	enum kind kind;

	c->kind = statement_kind(c->st);
	if (statement_check(c->st, c->kind, &e) != 0)
		check_say(c, FINDING_BAD, "inconsistent",
			  "The document claims what it may not claim: %s.",
			  e.msg);
	err_clear(&e);
	json_t *again = statement_json(&kind, c->st, &e);
	if (again == NULL) {
		check_say(c, FINDING_BAD, "inconsistent",
			  "The document cannot be derived again: %s.", e.msg);
		return;
	}
	c->reservations =
		json_array_size(json_object_get(again, "reservations"));
	compare(c, again);
	limits(c, again);
	claims(c);
	for (size_t i = 0; i < c->st->n_sources; i++)
		evidence(c, &c->st->sources[i]);
	json_decref(again);
}

int64_t check_first_start(const struct statement *st)
{
	int64_t first = st->started;
	for (size_t i = 0; i < st->n_sources; i++) {
		int64_t t = st->sources[i].started;
		if (t != 0 && (first == 0 || t < first))
			first = t;
	}
	return first;
}

static void source_times(struct check *c, const struct statement_source *s)
{
	/* I1 seen from outside: nothing before the agreed date */
	if (s->started != 0 && s->started < c->st->not_before)
		check_say(c, FINDING_BAD, "too-early",
			  "Source %s: the destruction began before the agreed "
			  "date (not_before).",
			  s->name);
	if (s->ended != 0 && s->ended < s->started)
		check_say(c, FINDING_BAD, "time-order",
			  "Source %s: it ended before it began.", s->name);
	if (s->checked > c->st->issued)
		check_say(c, FINDING_BAD, "time-order",
			  "Source %s: the check ended after the document was "
			  "issued.",
			  s->name);
}

static void times(struct check *c)
{
	const struct statement *st = c->st;
	int64_t start = check_first_start(st);

	for (size_t i = 0; i < st->n_sources; i++)
		source_times(c, &st->sources[i]);
	if (st->ended != 0 && st->ended < st->started)
		check_say(c, FINDING_BAD, "time-order",
			  "The whole ended before it began.");
	/* I1: what was not planned yet cannot have been approved */
	if (start != 0 && st->n_plans != 0 && start < st->plans[0].created)
		check_say(c, FINDING_BAD, "time-order",
			  "The destruction began before the first plan was "
			  "made.");
	if (st->issued > clock_now() + CHECK_DAY)
		check_say(c, FINDING_BAD, "in-the-future",
			  "The document's date of issue lies in the future.");
}

void check_document(struct check *c)
{
	struct err e = ERR_INIT;

	if (sha_once(c->sha256, buf_str(&c->certificate), c->certificate.len,
		     &e) != 0) {
		check_say(c, FINDING_MISSING, "certificate-unreadable", "%s",
			  e.msg);
		return;
	}
	c->doc = json_strict(buf_str(&c->certificate), c->certificate.len,
			     "certificate", &e);
	if (c->doc == NULL || statement_parse(&c->parsed, c->doc, &e) != 0) {
		check_say(c, FINDING_BAD, "format",
			  "This is not a certificate that can be read "
			  "safely: %s.",
			  e.msg);
		return;
	}
	c->st = statement_of(c->parsed);
	members(c);
	times(c);
}
