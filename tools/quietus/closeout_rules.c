#include "tools/quietus/closeout_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/hex.h"
#include "certs/sign.h"

#define ID_MAX 64 /* it names a folder */

const char *closeout_need(const struct setting *group, const char *key)
{
	return setting_str(group, key, "");
}

int closeout_date(int64_t *out, const struct setting *group, const char *key,
		  struct err *e)
{
	const struct setting *at = setting_get(group, key);
	char quoted[CLOSEOUT_QUOTED];

	if (at == NULL || clock_parse(out, at->str) == 0)
		return 0;
	return setting_refuse(at, e,
			      "%s is %s; it must be a date that exists, "
			      "written \"2026-11-30\" or "
			      "\"2026-11-30T00:00:00Z\"",
			      key, closeout_quote(quoted, at->str));
}

/* ---- closeout -------------------------------------------------------------
 */

static int read_id(struct closeout *c, const struct setting *group,
		   struct err *e)
{
	const struct setting *at = setting_get(group, "id");
	char quoted[CLOSEOUT_QUOTED];

	if (strspn(at->str, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
	    strlen(at->str))
		return setting_refuse(at, e,
				      "id is %s; it names the case's folder "
				      "and takes a-z, 0-9 and - only",
				      closeout_quote(quoted, at->str));
	if (at->str[0] == '-')
		return setting_refuse(at, e,
				      "id is %s; a leading - would be taken "
				      "for an option",
				      closeout_quote(quoted, at->str));
	if (strlen(at->str) > ID_MAX)
		return setting_refuse(at, e,
				      "id has %zu characters; at most %d",
				      strlen(at->str), ID_MAX);
	c->id = at->str;
	return 0;
}

static int read_party(struct closeout_party *out, struct closeout_state *st,
		      const struct setting *group, struct err *e)
{
	out->name = closeout_need(group, "name");
	out->address = setting_str(group, "address", NULL);
	out->contact = setting_str(group, "contact", NULL);
	out->dpo = setting_str(group, "dpo", NULL);
	if (out->contact == NULL && out->address == NULL &&
	    closeout_note(st, group, e,
			  "%s has neither address nor contact; the "
			  "certificate and the record of processing (GDPR "
			  "Art. 30(2)) are expected to give contact details",
			  group->name) != 0)
		return -1;
	return closeout_certificate(&out->certificate, NULL, st, group,
				    "certificate", e);
}

static int read_instruction(struct closeout_state *st,
			    const struct setting *group, struct err *e)
{
	struct closeout *c = &st->pub;

	c->choice = closeout_need(group, "choice");
	c->instructed_by = closeout_need(group, "by");
	if (closeout_date(&c->instruction_received, group, "received", e) !=
		    0 ||
	    closeout_file(&c->instruction_document, st, group, "document", e) !=
		    0 ||
	    closeout_file(&c->instruction_signature, st, group, "signature",
			  e) != 0)
		return -1;
	if (c->instruction_signature != NULL && c->instruction_document == NULL)
		return setting_refuse(setting_get(group, "signature"), e,
				      "signature without document: name the "
				      "file that it signs");
	return 0;
}

static int read_closeout(struct closeout_state *st, const struct setting *group,
			 struct err *e)
{
	struct closeout *c = &st->pub;
	const struct setting *contract = setting_get(group, "contract");

	c->client = closeout_need(group, "client");
	c->contract_reference = closeout_need(contract, "reference");
	c->contract_clause = setting_str(contract, "clause", NULL);
	if (read_id(c, group, e) != 0 ||
	    closeout_date(&c->contract_ended, contract, "ended", e) != 0 ||
	    read_party(&c->controller, st, setting_get(group, "controller"),
		       e) != 0 ||
	    read_party(&c->processor, st, setting_get(group, "processor"), e) !=
		    0 ||
	    read_instruction(st, setting_get(group, "instruction"), e) != 0 ||
	    closeout_date(&c->not_before, group, "not_before", e) != 0)
		return -1;
	return closeout_approvers(st, setting_get(group, "approvals"), e);
}

/* ---- recipient ------------------------------------------------------------
 */

/* The typed fingerprint against the file: a package for the wrong key is a
 * breach, and the file alone cannot tell. */
static int compare_fingerprint(struct closeout_state *st,
			       const struct setting *group, const char *is,
			       struct err *e)
{
	struct closeout_recipient *r = &st->pub.recipient;
	const struct setting *at = setting_get(group, "fingerprint");
	unsigned char bytes[SHA_LEN];
	char *text = closeout_copy(st, at->str, e);

	if (text == NULL)
		return -1;
	size_t n = 0;
	for (const char *p = at->str; *p != '\0'; p++)
		if (*p != ':')
			text[n++] = *p;
	text[n] = '\0';
	if (hex_decode(bytes, sizeof(bytes), text) != 0)
		return setting_refuse(
			at, e,
			"fingerprint has %zu digits; it must be the %d "
			"hexadecimal digits that the recipient reads from "
			"\"openssl x509 -noout -fingerprint -sha256\"%s",
			n, 2 * SHA_LEN,
			n == 40 ? " (this one looks like SHA-1)" : "");
	hex_encode(text, bytes, sizeof(bytes));
	if (strcmp(text, is) != 0)
		return setting_refuse(
			at, e,
			"fingerprint is %s, but %s has %s: a package for the "
			"wrong key is a breach; ask the recipient again, by "
			"another way than the file came",
			text, r->certificate, is);
	r->fingerprint = text;
	return 0;
}

/* ISO 3166-1 codes of the European Economic Area; FR includes its outermost
 * regions. */
static bool in_eea(const char *country)
{
	static const char codes[] =
		"AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU "
		"LV MT NL NO PL PT RO SE SI SK ";
	char word[4];

	snprintf(word, sizeof(word), "%s ", country);
	return strstr(codes, word) != NULL;
}

static int check_country(struct closeout_recipient *r,
			 const struct setting *group, struct err *e)
{
	const struct setting *at = setting_get(group, "country");
	char quoted[CLOSEOUT_QUOTED];

	if (at == NULL)
		return 0;
	if (strlen(at->str) != 2 ||
	    strspn(at->str, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
		return setting_refuse(at, e,
				      "country is %s; it must be the two "
				      "capital letters of ISO 3166, as in "
				      "\"NL\"",
				      closeout_quote(quoted, at->str));
	if (!in_eea(at->str) &&
	    (r->safeguard == NULL || r->safeguard[0] == '\0'))
		return setting_refuse(
			at, e,
			"country %s is outside the European Economic Area: "
			"write down what allows the transfer (GDPR Chapter V), "
			"as in safeguard = \"adequacy decision (EU) "
			"2021/1772\";",
			at->str);
	r->country = at->str;
	return 0;
}

static int read_package_keys(struct closeout_state *st,
			     const struct setting *group, struct err *e)
{
	struct closeout_recipient *r = &st->pub.recipient;
	const long long least = 64 * 1024, most = 64 * 1024 * 1024;
	const struct setting *part = setting_get(group, "part_size");

	/* decision 3: a part must be opened by stock tools in memory */
	if (part != NULL && (part->number < least || part->number > most))
		return setting_refuse(part, e,
				      "part_size is %lld; it is a number of "
				      "bytes from %lld to %lld",
				      part->number, least, most);
	r->part_size = part == NULL ? 0 : part->number;
	r->cipher = setting_str(group, "cipher", NULL);
	r->table_format = setting_str(group, "table_format", NULL);
	r->receipt = setting_flag(group, "receipt", false);
	r->also_to_controller =
		setting_flag(group, "also_to_controller", false);
	if (r->also_to_controller && st->pub.controller.certificate == NULL)
		return setting_refuse(
			setting_get(group, "also_to_controller"), e,
			"also_to_controller needs the controller's "
			"certificate: write it in controller");
	if (closeout_certificate(&r->trust, NULL, st, group, "trust", e) != 0 ||
	    closeout_certificate(&r->receipt_certificate, NULL, st, group,
				 "receipt_certificate", e) != 0)
		return -1;
	return closeout_date(&r->receipt_deadline, group, "receipt_deadline",
			     e);
}

static int read_recipient(struct closeout_state *st,
			  const struct setting *group, struct err *e)
{
	struct closeout *c = &st->pub;
	struct closeout_recipient *r = &c->recipient;
	char print[FINGERPRINT_TEXT];

	if (group == NULL)
		return 0;
	c->has_recipient = true;
	r->name = closeout_need(group, "name");
	r->confirmed = closeout_need(group, "confirmed");
	r->safeguard = setting_str(group, "safeguard", NULL);
	r->destination = setting_get(group, "destination");
	if (r->destination != NULL)
		r->destination_provider = provider_find(
			closeout_need(r->destination, "provider"));
	if (closeout_certificate(&r->certificate, print, st, group,
				 "certificate", e) != 0 ||
	    compare_fingerprint(st, group, print, e) != 0 ||
	    check_country(r, group, e) != 0)
		return -1;
	c->recipient_certificate = r->certificate;
	return read_package_keys(st, group, e);
}

/* ---- who receives ----------------------------------------------------------
 */

/* Somebody must be there for what is returned. */
static int check_receiver(struct closeout_state *st, struct err *e)
{
	struct closeout *c = &st->pub;
	const struct setting *recipient = setting_get(&st->root, "recipient");
	bool returns = false;

	for (size_t i = 0; i < c->n_sources; i++) {
		const struct closeout_source *s = &c->sources[i];
		const struct setting *at = setting_get(s->settings, "choice");
		if (s->choice != DISPOSITION_RETURN)
			continue;
		returns = true;
		if (at == NULL)
			at = setting_get(
				setting_get(setting_get(&st->root, "closeout"),
					    "instruction"),
				"choice");
		if (strcmp(s->choice_text, "return-to-designee") == 0 &&
		    !c->has_recipient)
			return setting_refuse(
				at, e,
				"choice is return-to-designee for source %s, "
				"but there is no recipient: write recipient = "
				"{ name = ...; certificate = ...; fingerprint "
				"= ...; confirmed = ...; };",
				s->name);
		if (!c->has_recipient && c->controller.certificate == NULL)
			return setting_refuse(
				at, e,
				"choice is return for source %s, but nobody "
				"can open what is returned: write the "
				"controller's certificate, or a recipient",
				s->name);
	}
	if (recipient != NULL && !returns)
		return closeout_note(st, recipient, e,
				     "there is a recipient, but every source "
				     "is destroyed: nothing will be returned");
	return 0;
}

int closeout_rules(struct closeout_state *st, struct err *e)
{
	struct closeout *c = &st->pub;
	const struct setting *signing = setting_get(&st->root, "signing");
	const struct setting *trail = setting_get(&st->root, "trail");
	const struct setting *cases = setting_get(&st->root, "cases");
	struct setting folder = {.name = "cases",
				 .type = SETTING_STRING,
				 .file = c->file,
				 .line = 1,
				 .str = "cases"};
	struct setting holder = {.type = SETTING_GROUP,
				 .members = cases != NULL ? cases : &folder,
				 .n_members = 1};

	if (read_closeout(st, setting_get(&st->root, "closeout"), e) != 0 ||
	    read_recipient(st, setting_get(&st->root, "recipient"), e) != 0 ||
	    closeout_certificate(&c->signing_certificate, NULL, st, signing,
				 "certificate", e) != 0 ||
	    closeout_file(&c->signing_key, st, signing, "key", e) != 0 ||
	    closeout_path(&c->trail_directory, st, trail, "directory", e) !=
		    0 ||
	    closeout_path(&c->trail_key, st, trail, "key", e) != 0 ||
	    closeout_path(&c->cases, st, &holder, "cases", e) != 0 ||
	    closeout_sources(st, e) != 0)
		return -1;
	c->ours[0] = c->trail_directory;
	c->ours[1] = c->cases;
	return check_receiver(st, e);
}
