/* The plans that the certificate names, and who approved them (I1). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/sha.h"
#include "certs/check_private.h"
#include "certs/statement_derive.h"

static bool same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static void differ(struct check *c, const char *file, const char *what)
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
		differ(c, file, "the plan's number");
	if (!same_text(p->case_number, st->case_number))
		differ(c, file, "the case number");
	if (!same_text(p->closeout, st->closeout))
		differ(c, file, "the closeout");
	if (memcmp(p->closeout_sha256, st->closeout_sha256, SHA_LEN) != 0)
		differ(c, file, "the closeout file's SHA-256");
	if (p->has_instruction != st->has_instruction ||
	    memcmp(p->instruction_sha256, st->instruction_sha256, SHA_LEN) != 0)
		differ(c, file, "the instruction's SHA-256");
	if (!same_text(p->choice, st->choice))
		differ(c, file, "the controller's choice");
	if (p->not_before != st->not_before)
		differ(c, file, "the first date of destruction");
	if (p->approvals_required != st->approvals_required)
		differ(c, file, "the number of approvals required");
	if (!same_text(p->signer, st->signer_fingerprint))
		differ(c, file, "the signer");
	if (p->created != named->created)
		differ(c, file, "the date of the plan");
	if (p->n_blockers != 0)
		check_say(c, FINDING_BAD, "plan-blocked",
			  "%s has %zu blockers; such a plan may not be "
			  "approved.",
			  file, p->n_blockers);
}

/* ---- sources ------------------------------------------------------------ */

/* What all readable plans say of one source. */
struct planned {
	uint64_t items, bytes, destroy, retain;
	size_t plans;
	const struct plan_source *last;
};

static void collect(struct check *c, const char *name, struct planned *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < c->st->n_plans; i++) {
		const struct plan_source *s =
			c->plans[i] != NULL ? plan_source(c->plans[i], name)
					    : NULL;
		if (s == NULL)
			continue;
		out->plans++;
		out->last = s;
		/* sums only serve as upper bounds: let them stop at the top */
		if (!derive_add(&out->items, s->items))
			out->items = UINT64_MAX;
		if (!derive_add(&out->bytes, s->bytes))
			out->bytes = UINT64_MAX;
		if (!derive_add(&out->destroy, s->destroy))
			out->destroy = UINT64_MAX;
		if (!derive_add(&out->retain, s->retain))
			out->retain = UINT64_MAX;
	}
}

static uint64_t line_items(const struct statement_source *s, enum verdict v)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s->n_lines; i++)
		if (s->lines[i].verdict == v &&
		    !derive_add(&n, s->lines[i].items))
			n = UINT64_MAX;
	return n;
}

static uint64_t class_items(const struct statement_source *s,
			    enum copy_class cls)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s->n_lines; i++)
		if (s->lines[i].cls == cls &&
		    !derive_add(&n, s->lines[i].items))
			n = UINT64_MAX;
	return n;
}

/* With one plan, everything must be the same. */
static void compare_exact(struct check *c, const struct statement_source *s,
			  const struct plan_source *p)
{
	uint64_t planned[CLASS_COUNT] = {0};

	if (s->items != p->items || s->bytes != p->bytes)
		check_say(c, FINDING_BAD, "plan-counts",
			  "Source %s: the plan has %" PRIu64 " items and "
			  "%" PRIu64 " bytes, the certificate %" PRIu64
			  " and %" PRIu64 ".",
			  s->name, p->items, p->bytes, s->items, s->bytes);
	if (memcmp(s->planned_root, p->root, SHA_LEN) != 0)
		check_say(c, FINDING_BAD, "plan-root",
			  "Source %s: the inventory that was approved is not "
			  "the one that the certificate is about (their "
			  "Merkle roots differ).",
			  s->name);
	for (size_t i = 0; i < p->n_classes; i++)
		planned[p->classes[i].cls] += p->classes[i].items;
	for (int k = CLASS_UNKNOWN + 1; k < CLASS_COUNT; k++)
		if (class_items(s, (enum copy_class)k) != planned[k])
			check_say(c, FINDING_BAD, "plan-counts",
				  "Source %s: class %s has %" PRIu64
				  " items in the plan and %" PRIu64
				  " in the certificate.",
				  s->name, class_name((enum copy_class)k),
				  planned[k],
				  class_items(s, (enum copy_class)k));
}

/* With several, a changed item stands in more than one, so that only bounds
 * follow from the plans. */
static void compare_bounds(struct check *c, const struct statement_source *s,
			   const struct planned *p)
{
	uint64_t gone = line_items(s, VERDICT_DESTROYED);
	if (!derive_add(&gone, line_items(s, VERDICT_DESTROYED_VERIFIED)))
		gone = UINT64_MAX;
	if (gone > p->destroy)
		check_say(c, FINDING_BAD, "more-than-planned",
			  "Source %s: %" PRIu64 " items were destroyed, only "
			  "%" PRIu64 " were approved for it.",
			  s->name, gone, p->destroy);
	if (line_items(s, VERDICT_RETAINED) > p->retain)
		check_say(c, FINDING_BAD, "retained-unplanned",
			  "Source %s: more items are called retained than the "
			  "plans retain.",
			  s->name);
	if (s->items > p->items)
		check_say(c, FINDING_BAD, "plan-counts",
			  "Source %s: the certificate covers more items than "
			  "all plans together.",
			  s->name);
}

static void compare_source(struct check *c, const struct statement_source *s,
			   bool complete)
{
	struct planned p;

	collect(c, s->name, &p);
	if (p.plans == 0) {
		if (complete)
			check_say(c, FINDING_BAD, "source-not-planned",
				  "Source %s stands in no plan.", s->name);
		return;
	}
	if (!same_text(p.last->provider, s->provider) ||
	    !same_text(p.last->category, s->category) ||
	    !same_text(p.last->choice, s->choice))
		differ(c, "The plan",
		       "a source's provider, category or "
		       "choice");
	if (!complete)
		return;
	compare_bounds(c, s, &p);
	if (c->st->n_plans == 1)
		compare_exact(c, s, p.last);
	else if (c->in->inventory == NULL)
		check_say(c, FINDING_NOTE, "union-needs-inventory",
			  "Source %s: the root covers several plans together; "
			  "that it does can be seen with --inventory only.",
			  s->name);
}

static void compare_sources(struct check *c)
{
	bool complete = true;

	for (size_t i = 0; i < c->st->n_plans; i++) {
		if (c->plans[i] == NULL) {
			complete = false;
			continue;
		}
		for (size_t k = 0; k < c->plans[i]->n_sources; k++) {
			const char *name = c->plans[i]->sources[k].name;
			size_t j = 0;
			while (j < c->st->n_sources &&
			       strcmp(c->st->sources[j].name, name) != 0)
				j++;
			if (j == c->st->n_sources)
				check_say(c, FINDING_BAD, "source-dropped",
					  "The plan speaks of a source that "
					  "the certificate leaves out: %s.",
					  name);
		}
	}
	for (size_t i = 0; i < c->st->n_sources; i++)
		compare_source(c, &c->st->sources[i], complete);
}

/* ---- approvals ---------------------------------------------------------- */

/* The first time at which anything was destroyed; 0 when nothing was. */
static int64_t first_start(const struct statement *st)
{
	int64_t first = 0;
	for (size_t i = 0; i < st->n_sources; i++) {
		int64_t t = st->sources[i].started;
		if (t != 0 && (first == 0 || t < first))
			first = t;
	}
	return first;
}

/* Notes about the time of an approval: clocks are the signers' word. */
static void approval_time(struct check *c, const char *file,
			  const struct statement_plan *named,
			  const struct signature *s)
{
	int64_t start = first_start(c->st);

	if (s->signed_at == 0)
		check_say(c, FINDING_NOTE, "approval-without-time",
			  "%s does not say when it was signed.", file);
	else if (named == &c->st->plans[0] && start != 0 &&
		 s->signed_at > start)
		check_say(c, FINDING_NOTE, "approved-after-start",
			  "%s: by the clocks used, the approval was signed "
			  "after the destruction had begun.",
			  file);
}

/* True when the approval counts. */
static bool approval_good(struct check *c, const struct statement_plan *named,
			  const struct statement_approval *a,
			  const struct plan *p, const struct buf *bytes,
			  const struct buf *der)
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
	approval_time(c, a->file, named, &s);
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

static void approvals(struct check *c, const struct statement_plan *named,
		      const struct plan *p, const struct buf *bytes)
{
	unsigned good = 0, absent = 0;
	struct buf der;

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
			good += approval_good(c, named, a, p, bytes, &der);
	}
	if (good + absent < p->approvals_required)
		check_say(c,
			  c->kind == KIND_EXCEPTION && first_start(c->st) == 0
				  ? FINDING_NOTE
				  : FINDING_BAD,
			  "approvals-too-few",
			  "%s needs %u approvals and has %u that hold.",
			  named->file, p->approvals_required, good);
	buf_release(&der);
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
	approvals(c, named, c->plans[i], &bytes);
out:
	buf_release(&bytes);
}

static void earlier(struct check *c)
{
	for (size_t i = 0; i < c->st->n_earlier; i++) {
		const struct statement_earlier *x = &c->st->earlier[i];
		check_say(c, FINDING_NOTE, "earlier",
			  "This document follows an earlier one: %s (%s).",
			  x->file, kind_name(x->kind));
	}
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
	compare_sources(c);
	earlier(c);
}
