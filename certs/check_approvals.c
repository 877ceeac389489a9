/* Who approved a plan, and when (I1). */
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/check_private.h"

/* True when the approval counts. */
static bool approval_good(struct check *c, const struct statement_plan *named,
			  const struct statement_approval *a,
			  const struct plan *p, const struct buf *bytes,
			  const struct buf *der, int64_t *signed_at)
{
	struct signature s;
	struct err e = ERR_INIT;

	if (sign_verify(&s, der->data, der->len, buf_str(bytes), bytes->len,
			NULL, &e) != 0) {
		check_say(c, FINDING_BAD, "approval-invalid",
			  "%s is no valid approval of %s: %s.", a->file,
			  named->file, e.msg);
		return false;
	}
	if (strcmp(s.fingerprint, a->fingerprint) != 0) {
		check_say(c, FINDING_BAD, "approver-differs",
			  "%s was signed by %s (SHA-256 %s), not by the one "
			  "the certificate names.",
			  a->file, s.subject, s.fingerprint);
		return false;
	}
	if (!plan_approver(p, s.fingerprint)) {
		check_say(c, FINDING_BAD, "approver-not-listed",
			  "%s: %s is not among those whom %s lets approve.",
			  a->file, s.subject, named->file);
		return false;
	}
	if (strcmp(s.subject, a->subject) != 0 || s.signed_at != a->signed_at)
		check_say(c, FINDING_BAD, "approval-disagrees",
			  "%s: name or time of the approval are not what the "
			  "certificate says.",
			  a->file);
	if (s.signed_at != 0 &&
	    (s.signed_at < s.valid_from || s.signed_at > s.valid_until)) {
		check_say(c, FINDING_BAD, "approver-not-valid",
			  "%s: the certificate of %s was not valid when it "
			  "signed.",
			  a->file, s.subject);
		return false;
	}
	*signed_at = s.signed_at;
	if (s.signed_at == 0)
		check_say(c, FINDING_NOTE, "approval-without-time",
			  "%s does not say when it was signed.", a->file);
	check_say(c, FINDING_GOOD, "approval",
		  "%s approved %s (SHA-256 of the approver's certificate "
		  "%s).",
		  s.subject, named->file, s.fingerprint);
	return true;
}

static bool seen_before(const struct statement_plan *named, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(named->approvals[k].fingerprint,
			   named->approvals[i].fingerprint) == 0)
			return true;
	return false;
}

/* Until when an approval of the plan must have been signed for a source: the
 * first destruction in it; for a plan made after that (delta), the end of
 * what was done there.  0: nothing was destroyed under it. */
static int64_t deadline(const struct check *c, const struct plan *p,
			const struct plan_source *ps)
{
	for (size_t i = 0; i < c->st->n_sources; i++) {
		const struct statement_source *s = &c->st->sources[i];
		if (strcmp(s->name, ps->name) != 0)
			continue;
		if (s->started == 0 || ps->destroy == 0)
			return 0;
		/* within one second nobody can tell which was first */
		if (p->number < 2 || p->created < s->started)
			return s->started;
		return s->ended != 0 ? s->ended : c->st->issued;
	}
	return 0;
}

/* I1: approved means approved before.  An approval that does not say when it
 * was signed is not known to have been there. */
static void in_time(struct check *c, const struct statement_plan *named,
		    const struct plan *p, const int64_t *times, size_t n)
{
	for (size_t i = 0; i < p->n_sources; i++) {
		int64_t until = deadline(c, p, &p->sources[i]);
		char text[CLOCK_TEXT];
		unsigned early = 0;
		if (until == 0)
			continue;
		for (size_t k = 0; k < n; k++)
			early += times[k] != 0 && times[k] <= until;
		if (early >= p->approvals_required)
			continue;
		clock_text(text, until);
		check_say(c, FINDING_BAD, "approved-after-start",
			  "%s, source %s: %u approvals are required, %u were "
			  "signed before the destruction (%s).",
			  named->file, p->sources[i].name,
			  p->approvals_required, early, text);
	}
}

void check_approvals(struct check *c, const struct statement_plan *named,
		     const struct plan *p, const struct buf *bytes)
{
	int64_t *times = calloc(named->n_approvals + 1, sizeof(*times));
	size_t good = 0, absent = 0;
	struct buf der;

	if (times == NULL) {
		check_say(c, FINDING_MISSING, "approval-unreadable",
			  "out of memory");
		return;
	}
	buf_init(&der, SIGNATURE_MAX);
	for (size_t i = 0; i < named->n_approvals; i++) {
		const struct statement_approval *a = &named->approvals[i];
		buf_reset(&der);
		if (seen_before(named, i)) {
			check_say(c, FINDING_BAD, "approver-twice",
				  "%s: the same approver is counted twice.",
				  named->file);
			continue;
		}
		if (check_companion(c, &der, a->file, "approval") != 0)
			absent++;
		else
			good += approval_good(c, named, a, p, bytes, &der,
					      &times[good]);
	}
	if (good + absent < p->approvals_required)
		check_say(c,
			  c->kind == KIND_EXCEPTION &&
					  check_first_start(c->st) == 0
				  ? FINDING_NOTE
				  : FINDING_BAD,
			  "approvals-too-few",
			  "%s needs %u approvals and has %zu that hold.",
			  named->file, p->approvals_required, good);
	else if (absent == 0)
		in_time(c, named, p, times, good);
	buf_release(&der);
	free(times);
}
