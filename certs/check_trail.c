/* The proof that the certificate stands in the processor's audit trail. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/hex.h"
#include "certs/base/json.h"
#include "certs/check_private.h"
#include "certs/trail.h"

#define PROOF_MAX (1024 * 1024)

/* The entry must speak of this certificate and of nothing else. */
static void entry(struct check *c, const struct buf *bytes)
{
	struct err e = ERR_INIT;
	const char *type = "", *event = "", *number = "", *digest = "";
	char sha[2 * SHA_LEN + 1];

	json_t *doc =
		json_strict(buf_str(bytes), bytes->len, "trail entry", &e);
	json_t *digests = json_object_get(doc, "digests");
	if (doc == NULL || json_get_str(&type, doc, "type", "entry", &e) ||
	    json_get_str(&event, doc, "event", "entry", &e) ||
	    json_get_str(&number, doc, "case", "entry", &e) ||
	    json_get_str(&digest, digests, "certificate", "entry", &e)) {
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry cannot be read: %s.", e.msg);
		goto out;
	}
	hex_encode(sha, c->sha256, SHA_LEN);
	if (strcmp(type, "quietus/trail-entry") != 0)
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is of an unknown type.");
	if (strcmp(event, "certified") != 0)
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is not about certifying but "
			  "about \"%s\".",
			  event);
	if (strcmp(number, c->st->case_number) != 0)
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is about another case.");
	if (strcmp(digest, sha) != 0)
		check_say(c, FINDING_BAD, "proof-entry",
			  "The trail's entry is about another document (its "
			  "SHA-256 differs).");
out:
	json_decref(doc);
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
