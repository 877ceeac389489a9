/* The processor's signature over the certificate's exact bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/check_private.h"

/* Trust is judged at the time of signing; without a signed time, at the date
 * of issue. */
static void trust(struct check *c, const struct buf *der, int64_t when)
{
	struct anchors *a = NULL;
	struct err e = ERR_INIT;

	if (c->in->n_trust == 0) {
		check_say(c, FINDING_MISSING, "trust-not-given",
			  "Whose signature it is cannot be told without an "
			  "anchor: name the processor's certificate, or that "
			  "of its certification authority, with --trust.");
		return;
	}
	if (anchors_new(&a, &e) != 0)
		goto missing;
	for (size_t i = 0; i < c->in->n_trust; i++)
		if (anchors_add(a, c->in->trust[i], &e) != 0)
			goto missing;
	if (anchors_check(a, der->data, der->len, when, &e) != 0)
		check_say(c, FINDING_BAD, "not-trusted",
			  "The signer's certificate does not lead to an "
			  "anchor given with --trust: %s.",
			  e.msg);
	else
		check_say(c, FINDING_GOOD, "trusted",
			  "The signer's certificate leads to an anchor that "
			  "you trust.");
	anchors_free(a);
	return;
missing:
	check_say(c, FINDING_MISSING, "trust-unreadable",
		  "An anchor cannot be used: %s.", e.msg);
	anchors_free(a);
}

static void validity(struct check *c, const struct signature *s, int64_t when)
{
	char from[CLOCK_TEXT], until[CLOCK_TEXT], at[CLOCK_TEXT];
	int64_t now = clock_now();

	clock_text(from, s->valid_from);
	clock_text(until, s->valid_until);
	clock_text(at, when);

	if (when < s->valid_from || when > s->valid_until)
		check_say(c, FINDING_BAD, "signer-not-valid",
			  "The signer's certificate was not valid when it "
			  "signed (%s; valid from %s until %s).",
			  at, from, until);
	else if (now > s->valid_until && s->signed_at == 0)
		check_say(c, FINDING_BAD, "signer-not-valid",
			  "The signer's certificate has expired (%s), and the "
			  "signature does not say that it was made before.",
			  until);
	else if (now > s->valid_until)
		check_say(c, FINDING_NOTE, "signer-expired-since",
			  "The signer's certificate was valid when it signed "
			  "and expired since (%s).",
			  until);
	if (s->signed_at == 0)
		check_say(c, FINDING_NOTE, "no-signing-time",
			  "The signature does not say when it was made; the "
			  "date of issue stands in.");
	if (s->signed_at > now + CHECK_DAY)
		check_say(c, FINDING_BAD, "in-the-future",
			  "The signing time (%s) lies in the future.", at);
	if (s->signed_at != 0 && c->st != NULL &&
	    s->signed_at < c->st->issued - CHECK_DAY)
		check_say(c, FINDING_BAD, "signed-before-issue",
			  "The signature (%s) is older than the document by "
			  "its own date of issue.",
			  at);
	check_say(c, FINDING_NOTE, "time-is-vendors-word",
		  "The signing time (%s) is the vendor's word: there is no "
		  "time-stamp by a third party.",
		  at);
}

static void signature(struct check *c, const struct buf *der)
{
	struct signature s;
	struct err e = ERR_INIT;

	if (sign_verify(&s, der->data, der->len, c->certificate.data,
			c->certificate.len, NULL, &e) != 0) {
		check_say(c, FINDING_BAD, "signature-invalid",
			  "The signature does not hold: %s.", e.msg);
		return;
	}
	check_say(c, FINDING_GOOD, "signature",
		  "The signature over the certificate's exact bytes holds. "
		  "Signer: %s (SHA-256 %s).",
		  s.subject, s.fingerprint);
	int64_t when = s.signed_at;
	if (when == 0)
		when = c->st != NULL ? c->st->issued : clock_now();
	validity(c, &s, when);
	if (c->st != NULL &&
	    strcmp(s.fingerprint, c->st->signer_fingerprint) != 0)
		check_say(c, FINDING_BAD, "signer-differs",
			  "The certificate names another signer (%s) than "
			  "the one who signed.",
			  c->st->signer_fingerprint);
	trust(c, der, when);
}

void check_signature(struct check *c)
{
	struct buf der;
	const char *slash = strrchr(c->in->certificate, '/');
	const char *base = slash != NULL ? slash + 1 : c->in->certificate;
	size_t size = strlen(base) + sizeof(".p7s");
	char *name = malloc(size);

	buf_init(&der, SIGNATURE_MAX);
	if (name == NULL) {
		check_say(c, FINDING_MISSING, "signature-unreadable",
			  "out of memory");
		return;
	}
	snprintf(name, size, "%s.p7s", base);
	if (check_companion(c, &der, name, "signature") == 0)
		signature(c, &der);
	buf_release(&der);
	free(name);
}
