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
#define MATCHES 20    /* printed for --item */

/* One source of the certificate. */
struct tally {
	struct merkle *planned, *outcome;
	uint64_t items, bytes;
	uint64_t by_items[CLASS_COUNT][VERDICT_COUNT];
	uint64_t by_bytes[CLASS_COUNT][VERDICT_COUNT];
	struct buf last; /* id of the last line */
	bool begun, ended;
};

struct inventory {
	struct check *c;
	struct tally *tallies; /* of c->st->sources */
	uint64_t *retained;    /* items of c->st->retention */
	size_t current;	       /* source of the last line, or SIZE_MAX */
	struct leafer *leafer;
	struct buf strings, outcome, item;
	uint64_t line, complaints, matches;
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

/* ---- --item ------------------------------------------------------------- */

static bool bytes_are(const void *a, size_t n, const char *name)
{
	return n == strlen(name) && memcmp(a, name, n) == 0;
}

/* A range of rows is "0003 table first-key": an order, the table (which has
 * no space in it), the key.  People know the table, or table and key. */
static bool row_is(const unsigned char *id, size_t n, const char *name)
{
	size_t start = 0;
	while (start < n && id[start] >= '0' && id[start] <= '9')
		start++;
	if (start == 0 || start == n || id[start] != ' ')
		return false;
	start++;
	size_t end = start;
	while (end < n && id[end] != ' ')
		end++;
	return end > start && (bytes_are(id + start, end - start, name) ||
			       bytes_are(id + start, n - start, name));
}

/* A file is "/dir/file" below the source's folder; people leave the first
 * slash out. */
static bool file_is(const unsigned char *id, size_t n, const char *name)
{
	return n > 1 && id[0] == '/' && bytes_are(id + 1, n - 1, name);
}

static bool name_matches(struct inventory *v, const struct record *r,
			 const char *name)
{
	buf_reset(&v->item);
	if (name_escape(&v->item, r->id, r->id_len) == 0 &&
	    strcmp(buf_str(&v->item), name) == 0)
		return true;
	const unsigned char *nul = memchr(r->id, 0, r->id_len);
	size_t head = nul != NULL ? (size_t)(nul - r->id) : r->id_len;
	return bytes_are(r->id, r->id_len, name) ||
	       bytes_are(r->id, head, name) || row_is(r->id, head, name) ||
	       file_is(r->id, head, name);
}

static void look_for(struct inventory *v, const struct inventory_line *l)
{
	const char *name = v->c->in->item;
	size_t n = strlen(l->record.source);

	bool hit = name_matches(v, &l->record, name);
	if (!hit && strncmp(name, l->record.source, n) == 0 && name[n] == ':')
		hit = name_matches(v, &l->record, name + n + 1);
	if (!hit)
		return;
	v->matches++;
	if (v->matches > MATCHES)
		return;
	buf_reset(&v->item);
	buf_put(&v->item, l->text, l->text_len);
	check_say(v->c, FINDING_GOOD, "item-covered",
		  "Covered: class %s, verdict %s, line %" PRIu64 ": %s",
		  class_name(l->record.cls), verdict_name(l->verdict), v->line,
		  buf_str(&v->item));
}

/* What was found is worth what the inventory is worth. */
static void item_result(struct inventory *v, bool whole)
{
	struct check *c = v->c;
	if (c->in->item == NULL)
		return;
	if (!whole)
		check_say(c, FINDING_NOTE, "item-unproven",
			  "About \"%s\" nothing is proven: the inventory is "
			  "not the one that the certificate is about.",
			  c->in->item);
	else if (v->matches == 0)
		check_say(c, FINDING_NOTE, "item-not-covered",
			  "No item called \"%s\" was in the inventory. "
			  "(Compared with whole ids and with their readable "
			  "part; rows are items by ranges, called by their "
			  "table and first key.)",
			  c->in->item);
	else
		check_say(c, FINDING_GOOD, "item-proven",
			  "%" PRIu64 " item(s) called \"%s\" are in the "
			  "inventory, which leads to the certificate's roots.",
			  v->matches, c->in->item);
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

static void check_order(struct inventory *v, struct tally *t,
			const struct record *r)
{
	if (t->begun) {
		size_t n = t->last.len < r->id_len ? t->last.len : r->id_len;
		int order = n != 0 ? memcmp(t->last.data, r->id, n) : 0;
		if (order > 0 || (order == 0 && t->last.len >= r->id_len))
			complain(v, "inventory-order",
				 "an item stands twice, or not in the order "
				 "of its id");
	}
	t->begun = true;
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

static void add_leaves(struct inventory *v, struct tally *t,
		       const struct inventory_line *l)
{
	unsigned char leaf[SHA_LEN];

	leafer_leaf(v->leafer, leaf, l->salt, l->text, l->text_len);
	merkle_add(t->planned, leaf);
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
	    !derive_add(&t->by_bytes[l.record.cls][l.verdict], l.record.bytes))
		complain(v, "inventory-line", "the bytes overflow");
	t->by_items[l.record.cls][l.verdict]++;
	if (v->c->in->item != NULL)
		look_for(v, &l);
}

/* ---- the whole ------------------------------------------------------------
 */

/* What the certificate's lines say of one class and verdict. */
static void said(const struct statement_source *s, enum copy_class cls,
		 enum verdict verdict, uint64_t *items, uint64_t *bytes)
{
	*items = *bytes = 0;
	for (size_t i = 0; i < s->n_lines; i++)
		if (s->lines[i].cls == cls && s->lines[i].verdict == verdict) {
			*items += s->lines[i].items;
			*bytes += s->lines[i].bytes;
		}
}

static bool same_tallies(struct check *c, const struct statement_source *s,
			 const struct tally *t)
{
	bool same = true;
	for (int k = CLASS_UNKNOWN + 1; k < CLASS_COUNT; k++)
		for (int w = 0; w < VERDICT_COUNT; w++) {
			uint64_t items, bytes;
			said(s, (enum copy_class)k, (enum verdict)w, &items,
			     &bytes);
			if (items == t->by_items[k][w] &&
			    bytes == t->by_bytes[k][w])
				continue;
			same = false;
			check_say(c, FINDING_BAD, "inventory-tally",
				  "Source %s, class %s, verdict %s: the "
				  "certificate has %" PRIu64 " items, the "
				  "inventory %" PRIu64 ".",
				  s->name, class_name((enum copy_class)k),
				  verdict_name((enum verdict)w), items,
				  t->by_items[k][w]);
		}
	return same;
}

/* True when the inventory of this source leads to the certificate. */
static bool source_result(struct check *c, const struct statement_source *s,
			  struct tally *t)
{
	unsigned char planned[SHA_LEN], outcome[SHA_LEN];
	bool same = same_tallies(c, s, t);

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
			  "lead to the planned and to the outcome root; "
			  "counts, bytes and verdicts agree.",
			  s->name, s->items);
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
	item_result(v, whole);
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
	}
	free(v->tallies);
	free(v->retained);
	leafer_free(v->leafer);
	buf_release(&v->strings);
	buf_release(&v->outcome);
	buf_release(&v->item);
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
	buf_init(&v->item, 4 * LINE_MAX_BYTES);
	v->tallies = calloc(n + 1, sizeof(*v->tallies));
	v->retained = calloc(c->st->n_retention + 1, sizeof(*v->retained));
	v->leafer = leafer_new(none, sizeof(none));
	if (v->tallies == NULL || v->retained == NULL || v->leafer == NULL)
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
