/* The plans that the certificate names (I1). */
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/base/sha.h"
#include "certs/check_private.h"

bool check_same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

void check_differ(struct check *c, const char *file, const char *what)
{
	check_say(c, FINDING_BAD, "plan-disagrees",
		  "%s and the certificate do not agree about %s.", file, what);
}

static void compare_head(struct check *c, const char *file,
			 const struct statement_plan *named,
			 const struct plan *p, size_t index)
{
	const struct statement *st = c->st;

	if (p->number != index + 1)
		check_differ(c, file, "the plan's number");
	if (!check_same_text(p->case_number, st->case_number))
		check_differ(c, file, "the case number");
	if (!check_same_text(p->closeout, st->closeout))
		check_differ(c, file, "the closeout");
	if (memcmp(p->closeout_sha256, st->closeout_sha256, SHA_LEN) != 0)
		check_differ(c, file, "the closeout file's SHA-256");
	if (p->has_instruction != st->has_instruction ||
	    memcmp(p->instruction_sha256, st->instruction_sha256, SHA_LEN) != 0)
		check_differ(c, file, "the instruction's SHA-256");
	if (!check_same_text(p->choice, st->choice))
		check_differ(c, file, "the controller's choice");
	if (p->not_before != st->not_before)
		check_differ(c, file, "the first date of destruction");
	if (p->approvals_required != st->approvals_required)
		check_differ(c, file, "the number of approvals required");
	if (!check_same_text(p->signer, st->signer_fingerprint))
		check_differ(c, file, "the signer");
	if (p->created != named->created)
		check_differ(c, file, "the date of the plan");
	if (p->n_blockers != 0)
		check_say(c, FINDING_BAD, "plan-blocked",
			  "%s has %zu blockers; such a plan may not be "
			  "approved.",
			  file, p->n_blockers);
}

/* ---- one plan ----------------------------------------------------------- */

static void check_one(struct check *c, size_t i)
{
	const struct statement_plan *named = &c->st->plans[i];
	unsigned char sha[SHA_LEN];
	struct err e = ERR_INIT;
	struct buf bytes;

	buf_init(&bytes, PLAN_MAX);
	if (check_companion(c, &bytes, named->file, "plan") != 0)
		goto out;
	if (sha_once(sha, buf_str(&bytes), bytes.len, &e) != 0 ||
	    memcmp(sha, named->sha256, SHA_LEN) != 0)
		check_say(c, FINDING_BAD, "plan-changed",
			  "%s is not the file that the certificate names (its "
			  "SHA-256 differs).",
			  named->file);
	else
		check_say(c, FINDING_GOOD, "plan",
			  "%s is the plan that the certificate names.",
			  named->file);
	if (plan_parse(&c->plans[i], buf_str(&bytes), bytes.len, &e) != 0) {
		check_say(c, FINDING_BAD, "plan-format",
			  "%s cannot be read safely: %s.", named->file, e.msg);
		goto out;
	}
	compare_head(c, named->file, named, c->plans[i], i);
	check_approvals(c, named, c->plans[i], &bytes);
out:
	buf_release(&bytes);
}

/* A document that this one follows: no companion that must be there, but when
 * it is, it is the one that was meant. */
static void earlier_one(struct check *c, const struct statement_earlier *x)
{
	unsigned char sha[SHA_LEN];
	struct err e = ERR_INIT;

	if (!check_stays_inside(x->file)) {
		check_say(c, FINDING_BAD, "file-name",
			  "The certificate names a file outside its own "
			  "folder: \"%s\".",
			  x->file);
		return;
	}
	char *path = file_join(c->dir, x->file);
	if (path == NULL || sha_file(sha, path, &e) != 0)
		check_say(c, FINDING_NOTE, "earlier",
			  "This document follows an earlier one, which is not "
			  "here to be compared: %s (%s).",
			  x->file, kind_name(x->kind));
	else if (memcmp(sha, x->sha256, SHA_LEN) != 0)
		check_say(c, FINDING_BAD, "earlier-changed",
			  "%s is not the earlier document that this one "
			  "follows (its SHA-256 differs).",
			  x->file);
	else
		check_say(c, FINDING_NOTE, "earlier",
			  "This document follows an earlier one: %s (%s).",
			  x->file, kind_name(x->kind));
	free(path);
}

void check_plans(struct check *c)
{
	c->plans = calloc(c->st->n_plans + 1, sizeof(*c->plans));
	if (c->plans == NULL) {
		check_say(c, FINDING_MISSING, "plan-unreadable",
			  "out of memory");
		return;
	}
	for (size_t i = 0; i < c->st->n_plans; i++)
		check_one(c, i);
	check_sources(c);
	for (size_t i = 0; i < c->st->n_earlier; i++)
		earlier_one(c, &c->st->earlier[i]);
}
