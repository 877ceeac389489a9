/* The certificate itself: strict reading, and everything derived once more. */
#include <string.h>

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
	json_decref(again);
}

/* I2, I1 seen from outside: nothing before the agreed date. */
static void dates(struct check *c)
{
	for (size_t i = 0; i < c->st->n_sources; i++) {
		const struct statement_source *s = &c->st->sources[i];
		if (s->started != 0 && s->started < c->st->not_before)
			check_say(c, FINDING_BAD, "too-early",
				  "Source %s: the destruction began before "
				  "the agreed date (not_before).",
				  s->name);
	}
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
	dates(c);
}
