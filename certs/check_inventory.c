/*
 * The inventory, recomputed line by line: both roots, counts, bytes and the
 * tally of every verdict, in memory that does not grow with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/base/hex.h"
#include "certs/base/json.h"
#include "certs/check_private.h"
#include "certs/merkle.h"
#include "certs/record.h"
#include "certs/statement_derive.h"

#define LINE_MAX_BYTES 65536
#define BLOCK 65536
#define COMPLAINTS 20 /* of broken lines; then they are counted only */

/* One source of the certificate. */
struct tally {
	struct merkle *planned, *outcome;
	uint64_t items, bytes;
	uint64_t by_items[CLASS_COUNT][VERDICT_COUNT];
	uint64_t by_bytes[CLASS_COUNT][VERDICT_COUNT];
	uint64_t by_rows[CLASS_COUNT][VERDICT_COUNT];
	/* with several plans: the tree of each, made when it has a line */
	struct merkle **of_plan;
	struct buf last; /* id and plan of the last line */
	unsigned last_plan;
	bool begun, ended;
};

struct inventory {
	struct check *c;
	struct tally *tallies; /* of c->st->sources */
	uint64_t *retained;    /* items of c->st->retention */
	size_t current;	       /* source of the last line, or SIZE_MAX */
	struct leafer *leafer;
	struct wanted *wanted; /* --item; NULL: none */
	struct buf strings, outcome;
	uint64_t line, complaints;
};

static void complain(struct inventory *v, const char *code, const char *text)
{
	v->complaints++;
	if (v->complaints <= COMPLAINTS)
		check_say(v->c, FINDING_BAD, code,
			  "Inventory, line %" PRIu64 ": %s.", v->line, text);
	else
		v->c->bad = true;
}

/* ---- lines ----------------------------------------------------------------
 */

/* The source a line belongs to; lines of one source stand together. */
static struct tally *tally_of(struct inventory *v, const char *name)
{
	const struct statement *st = v->c->st;

	if (v->current != SIZE_MAX &&
	    strcmp(st->sources[v->current].name, name) == 0)
		return &v->tallies[v->current];
	size_t i = 0;
	while (i < st->n_sources && strcmp(st->sources[i].name, name) != 0)
		i++;
	if (i == st->n_sources) {
		complain(v, "inventory-source",
			 "a source that the certificate does not have");
		return NULL;
	}
	if (v->current != SIZE_MAX)
		v->tallies[v->current].ended = true;
	v->current = i;
	if (v->tallies[i].ended)
		complain(v, "inventory-order",
			 "the lines of a source do not stand together");
	return &v->tallies[i];
}

static unsigned plan_of(const struct record *r)
{
	return r->plan > 1 ? r->plan : 1;
}

static void check_order(struct inventory *v, struct tally *t,
			const struct record *r)
{
	if (t->begun) {
		size_t n = t->last.len < r->id_len ? t->last.len : r->id_len;
		int order = n != 0 ? memcmp(t->last.data, r->id, n) : 0;
		if (order == 0 && t->last.len != r->id_len)
			order = t->last.len > r->id_len ? 1 : -1;
		if (order > 0 || (order == 0 && t->last_plan >= plan_of(r)))
			complain(v, "inventory-order",
				 "an item stands twice, or not in the order "
				 "of its id and plan");
	}
	t->begun = true;
	t->last_plan = plan_of(r);
	buf_reset(&t->last);
	buf_put(&t->last, r->id, r->id_len);
}

/* I1, I3: what became of an item must be what its plan allowed. */
static void check_verdict(struct inventory *v, const struct inventory_line *l)
{
	const struct statement *st = v->c->st;
	bool retain = l->record.disposition == DISPOSITION_RETAIN;

	if (retain && (l->verdict == VERDICT_DESTROYED ||
		       l->verdict == VERDICT_DESTROYED_VERIFIED))
		complain(v, "retained-destroyed",
			 "an item that was to be retained was destroyed");
	if (!retain && l->verdict == VERDICT_RETAINED)
		complain(v, "retained-unplanned",
			 "an item that was to be destroyed is called retained");
	if (l->verdict != VERDICT_RETAINED)
		return;
	for (size_t i = 0; l->record.retention != NULL && i < st->n_retention;
	     i++)
		if (strcmp(st->retention[i].name, l->record.retention) == 0 &&
		    strcmp(st->retention[i].source, l->record.source) == 0) {
			v->retained[i]++;
			return;
		}
	complain(v, "retained-unplanned",
		 "a retained item names no retention entry of the "
		 "certificate");
}

/* The tree of the line's own plan, whose root its approvers signed; NULL when
 * that is the whole (one plan), and after a complaint. */
static struct merkle *tree_of_plan(struct inventory *v, struct tally *t,
				   const struct record *r)
{
	size_t n = v->c->st->n_plans, i = plan_of(r) - 1;

	if (i >= n) {
		complain(v, "inventory-plan",
			 "it belongs to a plan that the certificate does not "
			 "name");
		return NULL;
	}
	if (n == 1)
		return NULL;
	if (t->of_plan == NULL)
		t->of_plan = calloc(n, sizeof(struct merkle *));
	if (t->of_plan != NULL && t->of_plan[i] == NULL)
		t->of_plan[i] = merkle_new();
	if (t->of_plan == NULL || t->of_plan[i] == NULL) {
		complain(v, "inventory-unreadable", "out of memory");
		return NULL;
	}
	return t->of_plan[i];
}

static void add_leaves(struct inventory *v, struct tally *t,
		       const struct inventory_line *l)
{
	unsigned char leaf[SHA_LEN];

	leafer_leaf(v->leafer, leaf, l->salt, l->text, l->text_len);
	merkle_add(t->planned, leaf);
	struct merkle *own = tree_of_plan(v, t, &l->record);
	if (own != NULL)
		merkle_add(own, leaf);
	buf_reset(&v->outcome);
	if (record_outcome(&v->outcome, l->text, l->text_len, l->verdict) !=
	    0) {
		complain(v, "inventory-line", "no outcome can be made of it");
		return;
	}
	leafer_leaf(v->leafer, leaf, l->salt, v->outcome.data, v->outcome.len);
	merkle_add(t->outcome, leaf);
}

static void one_line(struct inventory *v, const char *line, size_t len)
{
	struct inventory_line l;
	struct err e = ERR_INIT;

	v->line++;
	if (inventory_parse(&l, &v->strings, line, len, &e) != 0) {
		complain(v, "inventory-line", e.msg);
		return;
	}
	struct tally *t = tally_of(v, l.record.source);
	if (t == NULL)
		return;
	check_order(v, t, &l.record);
	check_verdict(v, &l);
	add_leaves(v, t, &l);
	t->items++;
	if (!derive_add(&t->bytes, l.record.bytes) ||
	    !derive_add(&t->by_bytes[l.record.cls][l.verdict],
			l.record.bytes) ||
	    !derive_add(&t->by_rows[l.record.cls][l.verdict], l.record.rows))
		complain(v, "inventory-line", "bytes or rows overflow");
	t->by_items[l.record.cls][l.verdict]++;
	if (v->wanted != NULL)
		wanted_line(v->wanted, &l, v->line);
}

/* ---- the whole ------------------------------------------------------------
 */

/* What the certificate's lines say of one class and verdict. */
static void said(const struct statement_source *s, enum copy_class cls,
		 enum verdict verdict, uint64_t out[3])
{
	memset(out, 0, 3 * sizeof(*out));
	for (size_t i = 0; i < s->n_lines; i++)
		if (s->lines[i].cls == cls && s->lines[i].verdict == verdict) {
			out[0] += s->lines[i].items;
			out[1] += s->lines[i].bytes;
			out[2] += s->lines[i].rows;
		}
}

static bool same_tallies(struct check *c, const struct statement_source *s,
			 const struct tally *t)
{
	static const char *const units[] = {"items", "bytes", "rows"};
	bool same = true;

	for (int k = CLASS_UNKNOWN + 1; k < CLASS_COUNT; k++)
		for (int w = 0; w < VERDICT_COUNT; w++) {
			uint64_t is[3];
			const uint64_t should[3] = {t->by_items[k][w],
						    t->by_bytes[k][w],
						    t->by_rows[k][w]};
			said(s, (enum copy_class)k, (enum verdict)w, is);
			for (int u = 0; u < 3; u++) {
				if (is[u] == should[u])
					continue;
				same = false;
				check_say(c, FINDING_BAD, "inventory-tally",
					  "Source %s, class %s, verdict %s: "
					  "the certificate has %" PRIu64
					  " %s, the inventory %" PRIu64 ".",
					  s->name,
					  class_name((enum copy_class)k),
					  verdict_name((enum verdict)w), is[u],
					  units[u], should[u]);
			}
		}
	return same;
}

/* With several plans: what the approvers of each signed is in the inventory,
 * whole and unchanged (I1). */
static bool same_plans(struct check *c, const struct statement_source *s,
		       struct tally *t)
{
	bool same = true;

	for (size_t i = 0; c->st->n_plans > 1 && i < c->st->n_plans; i++) {
		const struct plan_source *p =
			c->plans[i] != NULL ? plan_source(c->plans[i], s->name)
					    : NULL;
		struct merkle *own = t->of_plan != NULL ? t->of_plan[i] : NULL;
		struct merkle *none = own == NULL ? merkle_new() : NULL;
		unsigned char root[SHA_LEN];
		if (c->plans[i] == NULL) {
			merkle_free(none);
			continue; /* it was said that it is missing */
		}
		if (own != NULL || none != NULL)
			merkle_root(own != NULL ? own : none, root);
		bool planned = p != NULL && (own != NULL || none != NULL) &&
			       memcmp(root, p->root, SHA_LEN) == 0;
		merkle_free(none);
		if (planned || (p == NULL && own == NULL))
			continue;
		same = false;
		check_say(c, FINDING_BAD, "plan-root",
			  "Source %s: the items that the inventory gives to "
			  "%s are not those that were approved with it (their "
			  "Merkle root differs).",
			  s->name, c->st->plans[i].file);
	}
	return same;
}

/* True when the inventory of this source leads to the certificate. */
static bool source_result(struct check *c, const struct statement_source *s,
			  struct tally *t)
{
	unsigned char planned[SHA_LEN], outcome[SHA_LEN];
	bool same = same_tallies(c, s, t);

	same = same_plans(c, s, t) && same;
	merkle_root(t->planned, planned);
	merkle_root(t->outcome, outcome);
	if (memcmp(planned, s->planned_root, SHA_LEN) != 0) {
		same = false;
		check_say(c, FINDING_BAD, "planned-root",
			  "Source %s: the inventory is not the one that was "
			  "planned (its Merkle root differs).",
			  s->name);
	}
	if (memcmp(outcome, s->outcome_root, SHA_LEN) != 0) {
		same = false;
		check_say(c, FINDING_BAD, "outcome-root",
			  "Source %s: the outcomes in the inventory are not "
			  "those that were certified (their Merkle root "
			  "differs).",
			  s->name);
	}
	if (t->items != s->items || t->bytes != s->bytes) {
		same = false;
		check_say(c, FINDING_BAD, "inventory-count",
			  "Source %s: the certificate covers %" PRIu64
			  " items, the inventory has %" PRIu64 ".",
			  s->name, s->items, t->items);
	}
	if (same)
		check_say(c, FINDING_GOOD, "inventory",
			  "Source %s: all %" PRIu64 " items of the inventory "
			  "lead to the planned and to the outcome root%s; "
			  "counts, bytes, rows and verdicts agree.",
			  s->name, s->items,
			  c->st->n_plans > 1
				  ? ", and those of each plan to the root that "
				    "was approved"
				  : "");
	return same;
}

static void results(struct inventory *v)
{
	struct check *c = v->c;
	bool whole = v->complaints == 0;

	if (v->complaints > COMPLAINTS)
		check_say(c, FINDING_NOTE, "inventory-more",
			  "%" PRIu64 " more complaints about lines of the "
			  "inventory are not shown.",
			  v->complaints - COMPLAINTS);
	for (size_t i = 0; i < c->st->n_sources; i++)
		whole = source_result(c, &c->st->sources[i], &v->tallies[i]) &&
			whole;
	for (size_t i = 0; i < c->st->n_retention; i++) {
		struct err e = ERR_INIT;
		uint64_t items = 0;
		const json_t *o =
			json_array_get(json_object_get(c->doc, "retained"), i);
		if (json_get_u64(&items, o, "items", "retained", &e) != 0 ||
		    items != v->retained[i]) {
			whole = false;
			check_say(c, FINDING_BAD, "inventory-tally",
				  "Retention entry %s: the certificate has "
				  "%" PRIu64 " items, the inventory "
				  "%" PRIu64 ".",
				  c->st->retention[i].name, items,
				  v->retained[i]);
		}
	}
	if (v->wanted != NULL)
		wanted_result(v->wanted, whole);
}

/* Hands over every line.  -1 when the file could not be read to its end. */
static int each_line(struct inventory *v, int fd)
{
	struct buf pending;
	int rc = -1;
	bool skipping = false; /* the rest of a line that is too long */

	buf_init(&pending, LINE_MAX_BYTES + BLOCK);
	for (;;) {
		unsigned char *room = buf_reserve(&pending, BLOCK);
		ssize_t n = room != NULL ? read(fd, room, BLOCK) : -1;
		if (n < 0 && room != NULL && errno == EINTR)
			continue;
		if (n < 0)
			goto out;
		if (n == 0)
			break;
		pending.len += (size_t)n;
		size_t at = 0;
		for (;;) {
			const unsigned char *p = pending.data + at;
			const unsigned char *nl =
				memchr(p, '\n', pending.len - at);
			if (nl == NULL)
				break;
			if (!skipping)
				one_line(v, (const char *)p, (size_t)(nl - p));
			skipping = false;
			at += (size_t)(nl - p) + 1;
		}
		buf_consume(&pending, at);
		if (pending.len > LINE_MAX_BYTES) {
			if (!skipping) {
				v->line++;
				complain(v, "inventory-line",
					 "it is longer than any line of this "
					 "format");
			}
			skipping = true;
			buf_reset(&pending);
		}
	}
	if (pending.len != 0 || skipping) {
		v->line++;
		complain(v, "inventory-line",
			 "the file ends in the middle of a line");
	}
	rc = 0;
out:
	buf_release(&pending);
	return rc;
}

static void inventory_release(struct inventory *v)
{
	for (size_t i = 0; v->tallies != NULL && i < v->c->st->n_sources; i++) {
		merkle_free(v->tallies[i].planned);
		merkle_free(v->tallies[i].outcome);
		buf_release(&v->tallies[i].last);
		for (size_t k = 0;
		     v->tallies[i].of_plan != NULL && k < v->c->st->n_plans;
		     k++)
			merkle_free(v->tallies[i].of_plan[k]);
		free(v->tallies[i].of_plan);
	}
	free(v->tallies);
	free(v->retained);
	leafer_free(v->leafer);
	buf_release(&v->strings);
	buf_release(&v->outcome);
	wanted_free(v->wanted);
}

static int inventory_start(struct inventory *v, struct check *c)
{
	/* the salts stand in the lines; no secret is needed for leaves */
	static const unsigned char none[1];
	size_t n = c->st->n_sources;

	memset(v, 0, sizeof(*v));
	v->c = c;
	v->current = SIZE_MAX;
	buf_init(&v->strings, 2 * LINE_MAX_BYTES);
	buf_init(&v->outcome, 2 * LINE_MAX_BYTES);
	v->tallies = calloc(n + 1, sizeof(*v->tallies));
	v->retained = calloc(c->st->n_retention + 1, sizeof(*v->retained));
	v->leafer = leafer_new(none, sizeof(none));
	if (c->in->item != NULL)
		v->wanted = wanted_new(c);
	if (v->tallies == NULL || v->retained == NULL || v->leafer == NULL ||
	    (c->in->item != NULL && v->wanted == NULL))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct tally *t = &v->tallies[i];
		buf_init(&t->last, LINE_MAX_BYTES);
		t->planned = merkle_new();
		t->outcome = merkle_new();
		if (t->planned == NULL || t->outcome == NULL)
			return -1;
	}
	return 0;
}

void check_inventory(struct check *c)
{
	struct inventory v;
	const char *path = c->in->inventory;
	int fd = STDIN_FILENO;

	if (path == NULL) {
		if (c->in->item != NULL)
			check_say(c, FINDING_MISSING, "item-unproven",
				  "An item can be looked for in the inventory "
				  "only: give --inventory.");
		return;
	}
	if (strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		check_say(c, FINDING_MISSING, "inventory-missing",
			  "The inventory %s cannot be opened.", path);
		return;
	}
	if (inventory_start(&v, c) != 0)
		check_say(c, FINDING_MISSING, "inventory-unreadable",
			  "Out of memory for the inventory.");
	else if (each_line(&v, fd) != 0)
		check_say(c, FINDING_MISSING, "inventory-unreadable",
			  "The inventory could not be read to its end.");
	else
		results(&v);
	inventory_release(&v);
	if (fd != STDIN_FILENO)
		close(fd);
}
