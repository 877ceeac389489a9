/* evidence.c: lines of verdicts.  The documents made from them are in
 * evidence_plan.c and evidence_certificate.c. */
#include "tools/quietus/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/merkle.h"
#include "certs/seal.h"
#include "certs/sign.h"
#include "tools/quietus/scan.h"

#define RECORD_MAX (16 * 1024)

void evidence_release(struct evidence *ev)
{
	free(ev->lines);
	free(ev->why);
	memset(ev, 0, sizeof(*ev));
}

/* ---- lines -------------------------------------------------------------- */

static struct statement_line *line_for(struct evidence *ev, enum copy_class cls,
				       enum verdict v, const char *retention)
{
	for (size_t i = 0; i < ev->n_lines; i++) {
		struct statement_line *l = &ev->lines[i];
		if (l->cls == cls && l->verdict == v &&
		    l->retention == retention)
			return l;
	}
	if (ev->n_lines % 16 == 0) {
		size_t n = ev->n_lines + 16;
		struct statement_line *lines =
			realloc(ev->lines, n * sizeof(*lines));
		if (lines != NULL)
			ev->lines = lines;
		char(*why)[240] = realloc(ev->why, n * sizeof(*why));
		if (why != NULL)
			ev->why = why;
		if (lines == NULL || why == NULL)
			return NULL;
	}
	struct statement_line *l = &ev->lines[ev->n_lines];
	memset(l, 0, sizeof(*l));
	ev->why[ev->n_lines++][0] = '\0';
	l->cls = cls;
	l->verdict = v;
	l->retention = retention;
	return l;
}

/* The verdict of a class that is not enumerated, from what describe said
 * before and after. */
static enum verdict class_verdict(const struct class_report *before,
				  const struct class_report *after,
				  bool checked)
{
	if (!checked)
		return VERDICT_UNKNOWN;
	switch (after->presence) {
	case PRESENCE_NONE:
		return before->presence == PRESENCE_FOUND ||
				       before->presence == PRESENCE_SCHEDULED
			       ? VERDICT_DESTROYED_VERIFIED
			       : VERDICT_NONE_FOUND;
	case PRESENCE_IMPOSSIBLE:
		return VERDICT_NONE_FOUND;
	case PRESENCE_FOUND:
		return VERDICT_PRESENT;
	case PRESENCE_SCHEDULED:
		return VERDICT_SCHEDULED;
	case PRESENCE_UNREADABLE:
		return VERDICT_DESTROYED;
	default:
		return VERDICT_UNKNOWN;
	}
}

static bool has_line(const struct evidence *ev, enum copy_class cls)
{
	for (size_t i = 0; i < ev->n_lines; i++)
		if (ev->lines[i].cls == cls)
			return true;
	return false;
}

static int class_line(struct evidence *ev, struct casedir *c, size_t source,
		      enum copy_class cls, struct err *e)
{
	struct class_report before, after;
	if (ledger_get_class(&before, c->ledger, source, PHASE_BEFORE, cls,
			     e) != 0 ||
	    ledger_get_class(&after, c->ledger, source, PHASE_AFTER, cls, e))
		return -1;
	/* what the store says last counts: a class that was enumerated while
	 * planning may be told apart by now */
	const struct class_report *say = ev->checked ? &after : &before;
	enum verdict v = class_verdict(&before, &after, ev->checked);
	if (say->presence == PRESENCE_ITEMS)
		v = ev->checked ? VERDICT_NONE_FOUND : VERDICT_UNKNOWN;
	/* the items speak for the class, unless it is worse than they are */
	if (has_line(ev, cls) &&
	    (say->presence == PRESENCE_ITEMS || v == VERDICT_NONE_FOUND ||
	     v == VERDICT_DESTROYED_VERIFIED))
		return 0;
	struct statement_line *l = line_for(ev, cls, v, NULL);
	if (l == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	l->until = v == VERDICT_SCHEDULED ? after.until : 0;
	snprintf(ev->why[l - ev->lines], 240, "%s", say->why);
	return 0;
}

/* ---- one pass over the items -------------------------------------------- */

struct pass {
	struct evidence *ev;
	struct casedir *c;
	size_t source;
	struct marks marks;
	bool any_note;
	bool unreachable;
	struct merkle *planned, *outcome; /* NULL: no roots */
	struct buf record, other;
	evidence_line_fn *fn;
	void *arg;
};

static int leaves(struct pass *p, const struct ledger_item *it, enum verdict v,
		  struct err *e)
{
	struct record rec;
	unsigned char salt[SHA_LEN], leaf[SHA_LEN];

	case_record(&rec, p->c, p->source, it);
	buf_reset(&p->record);
	buf_reset(&p->other);
	if (record_write(&p->record, &rec) != 0 ||
	    record_outcome(&p->other, buf_str(&p->record), p->record.len, v))
		return err_set(e, ERR_FAILED, "an item's record is too long");
	leafer_salt(p->c->leafer, salt, rec.source, rec.id, rec.id_len);
	leafer_leaf(p->c->leafer, leaf, salt, p->record.data, p->record.len);
	merkle_add(p->planned, leaf);
	leafer_leaf(p->c->leafer, leaf, salt, p->other.data, p->other.len);
	merkle_add(p->outcome, leaf);
	if (p->fn == NULL)
		return 0;
	buf_reset(&p->other);
	if (inventory_write(&p->other, salt, v, buf_str(&p->record),
			    p->record.len) != 0)
		return err_set(e, ERR_FAILED, "an item's record is too long");
	return p->fn(p->arg, p->other.data, p->other.len, e);
}

static int pass_item(void *arg, const struct ledger_item *it, struct err *e)
{
	struct pass *p = arg;
	struct note note = {0};
	const struct item *item = &it->item;
	const struct closeout_source *src = &p->c->closeout->sources[p->source];

	if (p->any_note && ledger_note(&note, p->c->ledger, p->source, it->plan,
				       item->id, item->id_len, e) != 0)
		return -1;
	enum verdict v = scan_verdict(
		it, &note,
		marks_intended(&p->marks, it->plan, item->id, item->id_len),
		p->ev->checked);
	if (v == VERDICT_UNKNOWN && p->unreachable && !p->ev->checked)
		v = VERDICT_UNREACHABLE;
	const char *retention = NULL;
	if (v == VERDICT_RETAINED && item->retention <= src->n_retention)
		retention = src->retention[item->retention - 1].name;
	struct statement_line *l = line_for(p->ev, item->cls, v, retention);
	if (l == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	l->items++;
	l->bytes += item->bytes;
	l->rows += item->rows;
	if (v == VERDICT_SCHEDULED && note.until > l->until)
		l->until = note.until;
	p->ev->items++;
	p->ev->bytes += item->bytes;
	return p->planned != NULL ? leaves(p, it, v, e) : 0;
}

static const char *why_of(enum verdict v)
{
	switch (v) {
	case VERDICT_PRESENT:
		return "seen after the destruction, or content kept by a "
		       "name outside the scope";
	case VERDICT_SCHEDULED:
		return "locked by the store: first destroyable on the date";
	case VERDICT_ABSENT:
		return "in the inventory, gone when we came, not destroyed "
		       "by us";
	case VERDICT_REFUSED:
		return "the store refused to destroy it";
	default:
		return NULL;
	}
}

static int add_classes(struct pass *p, struct err *e)
{
	const enum copy_class *cls =
		p->c->closeout->sources[p->source].provider->classes;
	for (; *cls != CLASS_UNKNOWN; cls++)
		if (class_line(p->ev, p->c, p->source, *cls, e) != 0)
			return -1;
	/* pointers only now: the arrays no longer move */
	for (size_t i = 0; i < p->ev->n_lines; i++) {
		struct statement_line *l = &p->ev->lines[i];
		l->why = p->ev->why[i][0] != '\0' ? p->ev->why[i] : NULL;
		if (l->items != 0)
			l->why = why_of(l->verdict);
	}
	return 0;
}

int evidence_source(struct evidence *out, struct casedir *c, size_t source,
		    bool roots, evidence_line_fn *fn, void *arg, struct err *e)
{
	struct pass p = {
		.ev = out, .c = c, .source = source, .fn = fn, .arg = arg};
	int64_t error = 0;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	buf_init(&p.record, RECORD_MAX);
	buf_init(&p.other, 2 * RECORD_MAX);
	if (roots) {
		p.planned = merkle_new();
		p.outcome = merkle_new();
		if (p.planned == NULL || p.outcome == NULL) {
			err_set(e, ERR_FAILED, "out of memory");
			goto out;
		}
	}
	if (ledger_get_source_i64(&out->checked_at, c->ledger, source,
				  "checked", e) != 0 ||
	    ledger_get_source_i64(&error, c->ledger, source, "error", e) ||
	    ledger_unplanned(&out->unplanned, c->ledger, source, e) != 0 ||
	    ledger_any_note(&p.any_note, c->ledger, source, e) != 0 ||
	    marks_read(&p.marks, c, source, e) != 0)
		goto out;
	out->checked = out->checked_at != 0;
	p.unreachable = error == ERR_UNREACHABLE;
	if (ledger_items(c->ledger, source, 0, pass_item, &p, e) != 0 ||
	    add_classes(&p, e) != 0)
		goto out;
	if (roots) {
		merkle_root(p.planned, out->planned_root);
		merkle_root(p.outcome, out->outcome_root);
	}
	rc = 0;
out:
	marks_release(&p.marks);
	merkle_free(p.planned);
	merkle_free(p.outcome);
	buf_release(&p.record);
	buf_release(&p.other);
	if (rc != 0)
		evidence_release(out);
	return rc;
}

/* ---- inventory ---------------------------------------------------------- */

/* Plain bytes per part; the CMS is a little larger, far below 64 MiB, and the
 * memory stays small. */
#define PART_PLAIN (8u << 20)

struct parts {
	struct casedir *c;
	struct cert *to;
	struct buf plain;
	size_t n;
};

static int write_part(struct parts *p, struct err *e)
{
	struct buf der, path;
	int rc = -1;
	if (p->plain.len == 0)
		return 0;
	buf_init(&der, 64u << 20);
	buf_init(&path, 8192);
	if (seal(&der, p->to, p->plain.data, p->plain.len, e) == 0)
		rc = file_write(
			case_file(&path, p->c, "inventory/%04zu.cms", p->n + 1),
			der.data, der.len, e);
	p->n++;
	buf_reset(&p->plain);
	buf_release(&der);
	buf_release(&path);
	return rc;
}

static int inventory_line(void *arg, const void *line, size_t len,
			  struct err *e)
{
	struct parts *p = arg;
	if (p->plain.len + len > PART_PLAIN && write_part(p, e) != 0)
		return -1;
	if (buf_put(&p->plain, line, len) != 0)
		return err_set(e, ERR_FAILED, "out of memory");
	return 0;
}

int evidence_inventory(size_t *parts, struct casedir *c, struct err *e)
{
	struct parts p = {.c = c};
	struct buf path;
	int rc = -1;

	*parts = 0;
	if (c->closeout->controller.certificate == NULL)
		return 0;
	buf_init_secret(&p.plain, PART_PLAIN);
	buf_init(&path, 8192);
	if (cert_read(&p.to, c->closeout->controller.certificate, e) != 0 ||
	    file_shred_tree(case_file(&path, c, "inventory"), e) != 0 ||
	    file_mkdir(buf_str(&path), e) != 0)
		goto out;
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		struct evidence ev;
		if (evidence_source(&ev, c, i, true, inventory_line, &p, e))
			goto out;
		evidence_release(&ev);
	}
	rc = write_part(&p, e);
	*parts = p.n;
out:
	cert_free(p.to);
	buf_release(&p.plain);
	buf_release(&path);
	return rc;
}
