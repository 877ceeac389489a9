/* The proof that the certificate stands in the processor's audit trail. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/hex.h"
#include "certs/check_private.h"
#include "certs/trail.h"
#include "certs/trail_entry.h"

#define PROOF_MAX (1024 * 1024)

/* The entry must speak of this certificate and of nothing else. */
static void entry(struct check *c, const struct buf *bytes)
{
	struct err e = ERR_INIT;
	struct trail_entry en;
	char sha[2 * SHA_LEN + 1];

	if (trail_entry_read(&en, bytes->data, bytes->len, &e) != 0) {
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is not one of version 1: %s.",
			  e.msg);
		return;
	}
	hex_encode(sha, c->sha256, SHA_LEN);
	const char *digest =
		json_string_value(json_object_get(en.digests, "certificate"));
	if (strcmp(en.event, "certified") != 0)
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is not about certifying but "
			  "about \"%s\".",
			  en.event);
	if (strcmp(en.number, c->st->case_number) != 0)
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is about another case.");
	if (digest == NULL || json_object_size(en.digests) != 1)
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is not about a certificate "
			  "alone.");
	else if (strcmp(digest, sha) != 0)
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is about another document (its "
			  "SHA-256 differs).");
	trail_entry_release(&en);
}

static void proof(struct check *c, const struct buf *bytes)
{
	struct buf text;
	struct err e = ERR_INIT;
	uint64_t index = 0, size = 0;
	const char *origin = c->st->trail_origin, *key = c->st->trail_vkey;
	bool was_bad = c->bad;

	buf_init(&text, TRAIL_ENTRY_MAX);
	c->bad = false;
	if (strncmp(key, origin, strlen(origin)) != 0 ||
	    key[strlen(origin)] != '+')
		check_say(c, FINDING_BAD, "proof-origin",
			  "The trail's key in the certificate does not belong "
			  "to the trail it names.");
	if (proof_check(&text, &index, &size, buf_str(bytes), bytes->len, key,
			&e) != 0)
		check_say(c, FINDING_BAD, "proof-invalid",
			  "The proof that the certificate stands in the audit "
			  "trail does not hold: %s.",
			  e.msg);
	else
		entry(c, &text);
	if (!c->bad)
		check_say(c, FINDING_GOOD, "proof",
			  "The certificate stands in the processor's audit "
			  "trail %s as entry %" PRIu64 " (counted from 0) of "
			  "%" PRIu64 ".",
			  origin, index, size);
	c->bad = c->bad || was_bad;
	buf_release(&text);
}

void check_trail(struct check *c)
{
	struct buf bytes;
	const char *slash = strrchr(c->in->certificate, '/');
	const char *base = slash != NULL ? slash + 1 : c->in->certificate;
	size_t size = strlen(base) + sizeof(".tlog-proof");
	char *name = malloc(size);

	buf_init(&bytes, PROOF_MAX);
	if (name == NULL) {
		check_say(c, FINDING_MISSING, "proof-unreadable",
			  "out of memory");
		return;
	}
	snprintf(name, size, "%s.tlog-proof", base);
	if (check_companion(c, &bytes, name, "proof") == 0)
		proof(c, &bytes);
	buf_release(&bytes);
	free(name);
}
