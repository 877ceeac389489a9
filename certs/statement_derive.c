#include "certs/statement_derive.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/json.h"

#define REASON_MAX 65536

bool derive_add(uint64_t *a, uint64_t b)
{
	if (b > UINT64_MAX - *a)
		return false;
	*a += b;
	return true;
}

const char *derive_probe(const struct statement_source *s)
{
	if (!s->residue_possible)
		return "not possible";
	if (s->residue_after > 0)
		return "failed";
	return s->residue_before > 0 ? "passed" : "not possible";
}

static bool line_failed(const struct statement_line *l)
{
	return l->verdict == VERDICT_UNKNOWN || l->verdict == VERDICT_PRESENT ||
	       l->verdict == VERDICT_REFUSED ||
	       l->verdict == VERDICT_UNREACHABLE;
}

const char *derive_verification(const struct statement_source *s)
{
	if (s->checked == 0)
		return "not carried out";
	for (size_t i = 0; i < s->n_lines; i++)
		if (line_failed(&s->lines[i]))
			return "failed";
	return s->unplanned > 0 ? "failed" : "passed";
}

const char *derive_bystanders(const struct statement_source *s)
{
	return s->bystanders != NULL ? s->bystanders : "not measured";
}

static bool bystanders_lost(const struct statement_source *s)
{
	return strcmp(derive_bystanders(s), "lost") == 0;
}

bool derive_choice_known(const char *choice)
{
	return choice != NULL && (strcmp(choice, "destroy") == 0 ||
				  strcmp(choice, "return") == 0 ||
				  strcmp(choice, "return-to-designee") == 0);
}

static bool alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* True when the name begins here, whatever stands between its letters and
 * digits, and in either case. */
static bool spells(const char *s, const char *name)
{
	for (; *name != '\0'; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
		if (c == *name)
			name++;
		else if (c == '\0' || alnum(c))
			return false;
	}
	return *s < '0' || *s > '9';
}

bool statement_overclaims(const char *s)
{
	static const char *const names[] = {"en15713",	"iso15713", "din66399",
					    "iso21964", "iec21964", "iso27555",
					    "iec27555"};

	for (size_t i = 0; s[i] != '\0'; i++) {
		if (!alnum(s[i]) || (i > 0 && alnum(s[i - 1])))
			continue;
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (spells(s + i, names[k]))
				return true;
	}
	return false;
}

const char *derive_overclaim(const json_t *doc)
{
	const char *key, *found = NULL;
	const json_t *value;

	if (json_is_string(doc))
		return statement_overclaims(json_string_value(doc))
			       ? json_string_value(doc)
			       : NULL;
	for (size_t i = 0; i < json_array_size(doc) && found == NULL; i++)
		found = derive_overclaim(json_array_get(doc, i));
	/* the macro wants an object that it could change */
	for (void *i = json_object_iter((json_t *)(uintptr_t)doc);
	     i != NULL && found == NULL;
	     i = json_object_iter_next((json_t *)(uintptr_t)doc, i)) {
		key = json_object_iter_key(i);
		value = json_object_iter_value(i);
		found = statement_overclaims(key) ? key
						  : derive_overclaim(value);
	}
	return found;
}

enum kind statement_kind(const struct statement *st)
{
	bool seen[VERDICT_COUNT] = {false};

	for (size_t i = 0; i < st->n_sources; i++) {
		const struct statement_source *s = &st->sources[i];
		for (size_t k = 0; k < s->n_lines; k++) {
			enum verdict v = s->lines[k].verdict;
			/* a class without items shows nothing destroyed */
			if (v == VERDICT_DESTROYED_VERIFIED &&
			    s->lines[k].items == 0)
				continue;
			seen[v < VERDICT_COUNT ? v : VERDICT_UNKNOWN] = true;
		}
		/* something of the client's, or of somebody else's that is
		 * gone, was seen after the destruction (I7, I10) */
		if (s->unplanned > 0 || bystanders_lost(s) ||
		    strcmp(derive_probe(s), "failed") == 0)
			seen[VERDICT_PRESENT] = true;
	}
	return kind_derive(seen);
}

const struct statement_retention *
derive_retention(const struct statement *st, const struct statement_source *s,
		 const struct statement_line *l)
{
	for (size_t i = 0; l->retention != NULL && i < st->n_retention; i++)
		if (strcmp(st->retention[i].name, l->retention) == 0 &&
		    strcmp(st->retention[i].source, s->name) == 0)
			return &st->retention[i];
	return NULL;
}

/* ---- reservations ------------------------------------------------------- */

static void reservation(struct maker *m, json_t *list, const char *source,
			const char *cls, const char *verdict, uint64_t items,
			const struct buf *reason)
{
	json_t *o = json_object();
	if (buf_failed(reason)) {
		m->failed = true;
		err_set(m->e, ERR_FAILED,
			"%s: source %s: a reason is longer "
			"than %d bytes",
			m->what, source, REASON_MAX);
	}
	make_str(m, o, "source", source);
	make_str(m, o, "class", cls);
	make_str(m, o, "verdict", verdict);
	make_u64(m, o, "items", items);
	make_str(m, o, "reason", buf_str(reason));
	make_item(m, list, o);
}

/* The same about a whole source. */
static void source_reservation(struct maker *m, json_t *list,
			       const char *source, const char *verdict,
			       const char *kind, const char *text)
{
	struct buf reason;
	buf_init(&reason, REASON_MAX);
	if (kind != NULL)
		buf_putf(&reason, "%s: ", kind);
	buf_puts(&reason, text);
	reservation(m, list, source, NULL, verdict, 0, &reason);
	buf_release(&reason);
}

static void line_reservation(struct maker *m, json_t *list,
			     const struct statement *st,
			     const struct statement_source *s,
			     const struct statement_line *l)
{
	const struct statement_retention *r = derive_retention(st, s, l);
	struct buf reason;
	char until[CLOCK_TEXT];

	buf_init(&reason, REASON_MAX);
	if (l->verdict == VERDICT_RETAINED && r != NULL) {
		clock_text(until, r->until);
		buf_putf(&reason, "%s, until %.10s", r->ground, until);
	} else if (l->why != NULL) {
		buf_puts(&reason, l->why);
	} else if (l->verdict == VERDICT_ATTESTED) {
		buf_puts(&reason, "a third party says so in a signed "
				  "statement");
	} else {
		buf_puts(&reason,
			 "in the inventory, but gone before we came; not "
			 "destroyed by this procedure");
	}
	reservation(m, list, s->name, class_name(l->cls),
		    verdict_name(l->verdict), l->items, &reason);
	buf_release(&reason);
}

static void source_reservations(struct maker *m, json_t *list,
				const struct statement *st,
				const struct statement_source *s)
{
	for (size_t i = 0; i < s->n_lines; i++) {
		enum verdict v = s->lines[i].verdict;
		if (v == VERDICT_RETAINED || v == VERDICT_ATTESTED ||
		    v == VERDICT_ABSENT)
			line_reservation(m, list, st, s, &s->lines[i]);
	}
	if (s->selected_nothing || s->items == 0)
		source_reservation(m, list, s->name, "selected nothing", NULL,
				   "the source, or a part of it, held nothing "
				   "of the client's when it was listed");
	if (strcmp(derive_bystanders(s), "not measured") == 0)
		source_reservation(m, list, s->name, "bystanders not measured",
				   NULL,
				   "whether other clients' data stayed "
				   "unchanged was not measured here");
}

json_t *derive_reservations(struct maker *m, const struct statement *st)
{
	json_t *list = json_array();
	for (size_t i = 0; i < st->n_sources; i++)
		source_reservations(m, list, st, &st->sources[i]);
	for (size_t i = 0; i < st->n_excluded; i++)
		source_reservation(m, list, st->excluded[i].source, "excluded",
				   st->excluded[i].kind,
				   st->excluded[i].reason);
	return list;
}

/* ---- findings ----------------------------------------------------------- */

static void finding(struct maker *m, json_t *list, const char *source,
		    const char *text)
{
	char line[512];
	snprintf(line, sizeof(line), "%s: %s", source, text);
	make_item(m, list, make_text(m, "findings", line));
}

static void source_findings(struct maker *m, json_t *list,
			    const struct statement_source *s)
{
	char text[400];
	for (size_t i = 0; i < s->n_lines; i++) {
		const struct statement_line *l = &s->lines[i];
		if (!line_failed(l))
			continue;
		snprintf(text, sizeof(text), "%s is %s (%" PRIu64 " items)",
			 class_name(l->cls), verdict_name(l->verdict),
			 l->items);
		finding(m, list, s->name, text);
	}
	if (s->unplanned > 0) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " things that no plan names were there "
			 "after the destruction",
			 s->unplanned);
		finding(m, list, s->name, text);
	}
	if (strcmp(derive_probe(s), "failed") == 0) {
		snprintf(text, sizeof(text),
			 "values of the client were found in the raw bytes "
			 "%" PRIu64 " times after the destruction",
			 s->residue_after);
		finding(m, list, s->name, text);
	}
	if (bystanders_lost(s))
		finding(m, list, s->name,
			"data of others that was there before is "
			"gone: " STATEMENT_BREACH);
}

json_t *derive_findings(struct maker *m, const struct statement *st)
{
	json_t *list = json_array();
	for (size_t i = 0; i < st->n_sources; i++)
		source_findings(m, list, &st->sources[i]);
	if (json_array_size(list) == 0 && statement_kind(st) == KIND_EXCEPTION)
		make_item(m, list,
			  json_string("nothing was found destroyed and "
				      "verified"));
	return list;
}

/* ---- sums --------------------------------------------------------------- */

json_t *derive_totals(struct maker *m, const struct statement *st)
{
	uint64_t items = 0, bytes = 0, by[VERDICT_COUNT] = {0};
	bool seen[VERDICT_COUNT] = {false}, fits = true;
	json_t *o = json_object(), *verdicts = json_object();

	for (size_t i = 0; i < st->n_sources; i++) {
		const struct statement_source *s = &st->sources[i];
		fits = fits && derive_add(&items, s->items) &&
		       derive_add(&bytes, s->bytes);
		for (size_t k = 0; k < s->n_lines; k++) {
			enum verdict v = s->lines[k].verdict;
			fits = fits && derive_add(&by[v], s->lines[k].items);
			seen[v] = true;
		}
	}
	if (!fits) {
		m->failed = true;
		err_set(m->e, ERR_FAILED, "%s: the totals overflow", m->what);
	}
	make_u64(m, o, "items", items);
	make_u64(m, o, "bytes", bytes);
	for (int v = 0; v < VERDICT_COUNT; v++)
		if (seen[v])
			make_u64(m, verdicts, verdict_name((enum verdict)v),
				 by[v]);
	make_any(m, o, "by_verdict", verdicts);
	return o;
}

json_t *derive_retained(struct maker *m, const struct statement *st)
{
	json_t *list = json_array();
	for (size_t i = 0; i < st->n_retention; i++) {
		const struct statement_retention *r = &st->retention[i];
		uint64_t items = 0, bytes = 0;
		for (size_t j = 0; j < st->n_sources; j++) {
			const struct statement_source *s = &st->sources[j];
			for (size_t k = 0; k < s->n_lines; k++)
				if (derive_retention(st, s, &s->lines[k]) ==
				    r) {
					items += s->lines[k].items;
					bytes += s->lines[k].bytes;
				}
		}
		json_t *o = json_object();
		make_str(m, o, "name", r->name);
		make_str(m, o, "source", r->source);
		make_str(m, o, "ground", r->ground);
		make_time(m, o, "until", r->until);
		make_u64(m, o, "items", items);
		make_u64(m, o, "bytes", bytes);
		make_item(m, list, o);
	}
	return list;
}

json_t *derive_scheduled(struct maker *m, const struct statement *st)
{
	json_t *list = json_array();
	for (size_t i = 0; i < st->n_sources; i++) {
		const struct statement_source *s = &st->sources[i];
		for (size_t k = 0; k < s->n_lines; k++) {
			const struct statement_line *l = &s->lines[k];
			if (l->verdict != VERDICT_SCHEDULED)
				continue;
			json_t *o = json_object();
			make_str(m, o, "source", s->name);
			make_str(m, o, "class", class_name(l->cls));
			make_u64(m, o, "items", l->items);
			make_time(m, o, "until", l->until);
			make_str(m, o, "why", l->why);
			make_item(m, list, o);
		}
	}
	return list;
}

/* An exclusion is part of the closeout file, which the first plan binds: who
 * approved that plan approved it. */
json_t *derive_excluded(struct maker *m, const struct statement *st)
{
	json_t *list = json_array();
	for (size_t i = 0; i < st->n_excluded; i++) {
		const struct statement_exclusion *x = &st->excluded[i];
		json_t *o = json_object(), *by = json_array();
		make_str(m, o, "source", x->source);
		make_str(m, o, "kind", x->kind);
		make_str(m, o, "reason", x->reason);
		for (size_t k = 0;
		     st->n_plans > 0 && k < st->plans[0].n_approvals; k++)
			make_item(
				m, by,
				make_text(
					m, "approved_by",
					st->plans[0].approvals[k].fingerprint));
		make_any(m, o, "approved_by", by);
		make_item(m, list, o);
	}
	return list;
}
