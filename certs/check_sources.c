/* The sources of the certificate beside those of its plans (I1, I7). */
#include <inttypes.h>
#include <string.h>

#include "certs/check_private.h"
#include "certs/statement_derive.h"

/* What a count of the certificate may be.  With one plan the two are the same;
 * with several, the union has everything that the largest plan has, and
 * nothing beyond all plans together. */
struct bound {
	uint64_t least, most;
};

static void bound_add(struct bound *b, uint64_t n)
{
	if (n > b->least)
		b->least = n;
	if (!derive_add(&b->most, n))
		b->most = UINT64_MAX;
}

/* What all readable plans say of one source. */
struct planned {
	struct bound items, bytes, destroy, retain;
	struct bound of_class[CLASS_COUNT], rows[CLASS_COUNT];
	bool named[CLASS_COUNT]; /* some plan has a line of that class */
	size_t plans;
	const struct plan_source *last;
};

/* A class may have a line for each disposition: its sum in this plan. */
static void collect_classes(struct planned *out, const struct plan_source *s)
{
	uint64_t items[CLASS_COUNT] = {0}, rows[CLASS_COUNT] = {0};

	for (size_t i = 0; i < s->n_classes; i++) {
		const struct plan_class *k = &s->classes[i];
		out->named[k->cls] = true;
		if (!derive_add(&items[k->cls], k->items))
			items[k->cls] = UINT64_MAX;
		if (!derive_add(&rows[k->cls], k->rows))
			rows[k->cls] = UINT64_MAX;
	}
	for (int k = 0; k < CLASS_COUNT; k++) {
		bound_add(&out->of_class[k], items[k]);
		bound_add(&out->rows[k], rows[k]);
	}
}

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
		bound_add(&out->items, s->items);
		bound_add(&out->bytes, s->bytes);
		bound_add(&out->destroy, s->destroy);
		bound_add(&out->retain, s->retain);
		collect_classes(out, s);
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

/* A line's share of a class: true when the class has a line at all. */
static bool class_sums(const struct statement_source *s, enum copy_class cls,
		       uint64_t *items, uint64_t *rows)
{
	bool any = false;

	*items = *rows = 0;
	for (size_t i = 0; i < s->n_lines; i++) {
		if (s->lines[i].cls != cls)
			continue;
		any = true;
		if (!derive_add(items, s->lines[i].items))
			*items = UINT64_MAX;
		if (!derive_add(rows, s->lines[i].rows))
			*rows = UINT64_MAX;
	}
	return any;
}

static void within(struct check *c, const char *source, const char *what,
		   const char *unit, const struct bound *b, uint64_t is)
{
	if (is >= b->least && is <= b->most)
		return;
	if (b->least == b->most)
		check_say(c, FINDING_BAD, "plan-counts",
			  "Source %s, %s: %" PRIu64 " %s are planned, the "
			  "certificate has %" PRIu64 ".",
			  source, what, b->least, unit, is);
	else
		check_say(c, FINDING_BAD, "plan-counts",
			  "Source %s, %s: the largest plan has %" PRIu64
			  " %s and all plans together %" PRIu64 ", the "
			  "certificate has %" PRIu64 ".",
			  source, what, b->least, unit, b->most, is);
}

static void compare_classes(struct check *c, const struct statement_source *s,
			    const struct planned *p)
{
	for (int k = CLASS_UNKNOWN + 1; k < CLASS_COUNT; k++) {
		const char *name = class_name((enum copy_class)k);
		uint64_t items, rows;
		bool any = class_sums(s, (enum copy_class)k, &items, &rows);
		if (p->named[k] && !any)
			check_say(c, FINDING_BAD, "class-dropped",
				  "Source %s: the plan speaks of class %s, "
				  "the certificate gives it no verdict.",
				  s->name, name);
		within(c, s->name, name, "items", &p->of_class[k], items);
		within(c, s->name, name, "rows", &p->rows[k], rows);
	}
}

static void compare_counts(struct check *c, const struct statement_source *s,
			   const struct planned *p)
{
	uint64_t gone = line_items(s, VERDICT_DESTROYED);
	if (!derive_add(&gone, line_items(s, VERDICT_DESTROYED_VERIFIED)))
		gone = UINT64_MAX;
	if (gone > p->destroy.most)
		check_say(c, FINDING_BAD, "more-than-planned",
			  "Source %s: %" PRIu64 " items were destroyed, only "
			  "%" PRIu64 " were approved for it.",
			  s->name, gone, p->destroy.most);
	if (line_items(s, VERDICT_RETAINED) > p->retain.most)
		check_say(c, FINDING_BAD, "retained-unplanned",
			  "Source %s: more items are called retained than the "
			  "plans retain.",
			  s->name);
	within(c, s->name, "all classes", "items", &p->items, s->items);
	within(c, s->name, "all classes", "bytes", &p->bytes, s->bytes);
	compare_classes(c, s, p);
}

static void compare_root(struct check *c, const struct statement_source *s,
			 const struct planned *p)
{
	if (c->st->n_plans == 1) {
		if (memcmp(s->planned_root, p->last->root, SHA_LEN) != 0)
			check_say(c, FINDING_BAD, "plan-root",
				  "Source %s: the inventory that was approved "
				  "is not the one that the certificate is "
				  "about (their Merkle roots differ).",
				  s->name);
	} else if (c->in->inventory == NULL) {
		check_say(c, FINDING_NOTE, "union-needs-inventory",
			  "Source %s: %zu plans stand behind it, and the "
			  "certificate's root covers them together. Without "
			  "the inventory only bounds could be compared: at "
			  "least what the largest plan has, at most all plans "
			  "added up. That nothing of any plan was left out, "
			  "and that its items are those that were approved, "
			  "can be seen with --inventory only.",
			  s->name, c->st->n_plans);
	}
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
	if (!check_same_text(p.last->provider, s->provider) ||
	    !check_same_text(p.last->category, s->category) ||
	    !check_same_text(p.last->choice, s->choice))
		check_differ(c, "The plan",
			     "a source's provider, category or choice");
	if (!complete)
		return;
	compare_counts(c, s, &p);
	compare_root(c, s, &p);
}

void check_sources(struct check *c)
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
