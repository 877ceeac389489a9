#include "tools/quietus/closeout_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The three ways to name a part of a store. */
static const char *const kinds[] = {"table", "prefix", "path"};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* The members of a provider's key that takes groups, or NULL. */
static const struct setting_spec *members_of(const struct provider *p,
					     const char *key)
{
	const struct setting_spec *spec = closeout_spec(p->settings, key);
	return spec == NULL ? NULL : spec->members;
}

/* True when the provider names its parts that way: `excluded` tells, since
 * every store lets things be excluded by the kind of name it has. */
static bool kind_fits(const struct provider *p, const char *kind)
{
	const struct setting_spec *excluded = members_of(p, "excluded");

	if (excluded != NULL)
		return closeout_spec(excluded, kind) != NULL;
	if (strcmp(kind, "table") == 0)
		return closeout_spec(p->settings, "tables") != NULL;
	return closeout_spec(p->settings, kind) != NULL;
}

/* {client} where it may stand; the provider does it again when it opens. */
static int check_expansion(const struct setting *group, const char *client,
			   struct err *e)
{
	static const char *const expanded[] = {"prefix", "path"};

	for (size_t i = 0; i < 2; i++) {
		const struct setting *at = setting_get(group, expanded[i]);
		if (at == NULL || at->type != SETTING_STRING)
			continue;
		struct buf text;
		buf_init(&text, CLOSEOUT_MAX);
		int rc = setting_expand(&text, at, client, e);
		buf_release(&text);
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* "table", "prefix" or "path": the one that the entry has. */
static int one_kind(const char **out, const struct setting *entry,
		    const struct provider *p, const char *what, struct err *e)
{
	const char *found = NULL, *fitting = "name";

	for (size_t i = 0; i < KINDS; i++) {
		const struct setting *at = setting_get(entry, kinds[i]);
		if (kind_fits(p, kinds[i]))
			fitting = kinds[i];
		if (at == NULL)
			continue;
		if (found != NULL)
			return setting_refuse(at, e,
					      "%s has both %s and %s; keep one",
					      what, found, kinds[i]);
		if (at->str[0] == '\0')
			return setting_refuse(at, e, "%s is empty", kinds[i]);
		found = kinds[i];
	}
	if (found == NULL)
		return setting_refuse(entry, e,
				      "%s names nothing: write %s = \"...\";",
				      what, fitting);
	if (!kind_fits(p, found))
		return setting_refuse(setting_get(entry, found), e,
				      "%s does not fit: a source of provider "
				      "%s takes %s",
				      found, p->name, fitting);
	*out = found;
	return 0;
}

/* True when the text uses the parameter :client. */
static bool uses_client(const char *where)
{
	static const char word[] = ":client";
	const char *p = strstr(where, word);

	for (; p != NULL; p = strstr(p, word)) {
		p += sizeof(word) - 1;
		char next = *p | 0x20;
		if ((next < 'a' || next > 'z') && (*p < '0' || *p > '9') &&
		    *p != '_')
			return true;
	}
	return false;
}

/* A table's rows are chosen by a condition that speaks of the client, or
 * expressly all of them; the provider then proves that the condition selects
 * nothing without a client. */
static int check_condition(const struct setting *entry, const char *what,
			   struct err *e)
{
	const struct setting *where = setting_get(entry, "where");
	bool whole = setting_flag(entry, "whole", false);

	if (where != NULL && whole)
		return setting_refuse(where, e,
				      "%s has both where and whole = true; "
				      "keep one",
				      what);
	if (where == NULL && !whole)
		return setting_refuse(entry, e,
				      "%s without where would take every row: "
				      "write where = \"client_id = :client\"; "
				      "or, if all of them are the client's, "
				      "whole = true;",
				      what);
	if (where != NULL && !uses_client(where->str))
		return setting_refuse(where, e,
				      "where does not use :client, so it could "
				      "select other clients' rows: write a "
				      "condition such as \"client_id = "
				      ":client\"");
	return 0;
}

static int check_name(const struct setting *entry, const char *what,
		      struct err *e)
{
	const struct setting *at = setting_get(entry, "name");
	char quoted[CLOSEOUT_QUOTED];

	if (strspn(at->str, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
		    strlen(at->str) ||
	    at->str[0] == '-')
		return setting_refuse(at, e,
				      "the name of a %s is %s; it takes a-z, "
				      "0-9 and - only, and does not begin "
				      "with -",
				      what, closeout_quote(quoted, at->str));
	return 0;
}

/* ---- one source -----------------------------------------------------------
 */

static int read_excluded(struct closeout_state *st, struct closeout_source *s,
			 struct err *e)
{
	const struct setting *list = setting_get(s->settings, "excluded");

	if (list == NULL)
		return 0;
	s->excluded =
		closeout_alloc(st, list->n_members, sizeof(*s->excluded), e);
	if (s->excluded == NULL)
		return -1;
	for (size_t i = 0; i < list->n_members; i++) {
		const struct setting *entry = &list->members[i];
		struct closeout_exclusion *x = &s->excluded[i];
		if (one_kind(&x->kind, entry, s->provider,
			     "an entry of excluded", e) != 0 ||
		    check_expansion(entry, st->pub.client, e) != 0)
			return -1;
		x->reason = closeout_need(entry, "reason");
		if (strspn(x->reason, " \t") == strlen(x->reason))
			return setting_refuse(
				entry, e,
				"an exclusion without a reason: write reason = "
				"\"...\"; it stands in the certificate");
	}
	s->n_excluded = list->n_members;
	return 0;
}

/* clients/7 also begins clients/77/ (I10). */
static int check_prefix(const struct closeout_source *s, struct err *e)
{
	const struct setting *at = setting_get(s->settings, "prefix");
	const char *prefix = setting_str(s->settings, "prefix", "");
	size_t len = strlen(prefix);
	bool whole = setting_flag(s->settings, "whole", false);
	char quoted[CLOSEOUT_QUOTED];

	if (closeout_spec(s->provider->settings, "prefix_open") == NULL)
		return 0;
	if (len == 0 && !whole)
		return setting_refuse(at != NULL ? at : s->settings, e,
				      "source %s has no prefix, so it would "
				      "take everything: write prefix = "
				      "\"clients/{client}/\"; or, if all of it "
				      "is the client's, whole = true;",
				      s->name);
	if (len != 0 && whole)
		return setting_refuse(at, e,
				      "source %s has both a prefix and whole = "
				      "true; keep one",
				      s->name);
	if (len != 0 && prefix[len - 1] != '/' &&
	    !setting_flag(s->settings, "prefix_open", false))
		return setting_refuse(at, e,
				      "prefix %s does not end in /, so it "
				      "also takes names that only begin like "
				      "it; end it with /, or write prefix_open "
				      "= true; if that is meant",
				      closeout_quote(quoted, prefix));
	return 0;
}

static int check_selection(const struct closeout_source *s, struct err *e)
{
	const struct setting *root = setting_get(s->settings, "root");
	const struct setting *tables = setting_get(s->settings, "tables");

	if (closeout_spec(s->provider->settings, "tables") == NULL)
		return 0;
	if (root == NULL && (tables == NULL || tables->n_members == 0))
		return setting_refuse(s->settings, e,
				      "source %s selects nothing: write root = "
				      "{ table = \"...\"; column = \"...\"; }; "
				      "or tables = ( ... );",
				      s->name);
	for (size_t i = 0; tables != NULL && i < tables->n_members; i++)
		if (check_condition(&tables->members[i], "an entry of tables",
				    e) != 0)
			return -1;
	return 0;
}

/* A folder that is named without the client may be everybody's (I10). */
static int note_whole_path(struct closeout_state *st,
			   const struct setting *path, struct err *e)
{
	char quoted[CLOSEOUT_QUOTED];

	if (strstr(path->str, "{client}") != NULL)
		return 0;
	return closeout_note(st, path, e,
			     "path %s does not say {client}: the whole path is "
			     "taken to be the client's, with everything in it",
			     closeout_quote(quoted, path->str));
}

static int read_source(struct closeout_state *st, size_t i,
		       const struct setting *entry, struct err *e)
{
	struct closeout *c = &st->pub;
	struct closeout_source *s = &c->sources[i];

	if (check_name(entry, "source", e) != 0)
		return -1;
	s->settings = entry;
	s->name = closeout_need(entry, "name");
	for (size_t j = 0; j < i; j++)
		if (strcmp(c->sources[j].name, s->name) == 0)
			return setting_refuse(setting_get(entry, "name"), e,
					      "there is a source called %s "
					      "already; names are unique",
					      s->name);
	s->provider = provider_find(closeout_need(entry, "provider"));
	s->category = setting_str(entry, "category", NULL);
	s->may_be_empty = setting_flag(entry, "may_be_empty", false);
	s->choice_text = setting_str(entry, "choice", c->choice);
	s->choice = strcmp(s->choice_text, "destroy") == 0 ? DISPOSITION_DESTROY
							   : DISPOSITION_RETURN;
	if (read_excluded(st, s, e) != 0 ||
	    check_expansion(entry, c->client, e) != 0 ||
	    check_prefix(s, e) != 0 || check_selection(s, e) != 0)
		return -1;
	const struct setting *path = setting_get(entry, "path");
	if (path == NULL || strcmp(s->provider->name, "directory") != 0)
		return 0;
	if (closeout_outside(c, path, e) != 0)
		return -1;
	return note_whole_path(st, path, e);
}

/* ---- retention ------------------------------------------------------------
 */

/* Only rows have conditions and parents. */
static int check_rows(const struct setting *entry, const char *kind,
		      struct err *e)
{
	static const char *const rows_only[] = {"where", "whole", "parents"};

	if (strcmp(kind, "table") == 0)
		return check_condition(entry, "a retention entry", e);
	for (size_t i = 0; i < sizeof(rows_only) / sizeof(*rows_only); i++) {
		const struct setting *at = setting_get(entry, rows_only[i]);
		if (at != NULL)
			return setting_refuse(at, e,
					      "%s goes with table only, and "
					      "this entry has %s",
					      rows_only[i], kind);
	}
	return 0;
}

static int read_retention(struct closeout_state *st, size_t i,
			  const struct setting *entry, struct err *e)
{
	struct closeout *c = &st->pub;
	struct closeout_retention *r = &c->retention[i];
	const struct setting *source = setting_get(entry, "source");
	const char *kind = NULL;
	char quoted[CLOSEOUT_QUOTED];
	size_t k = 0;

	if (check_name(entry, "retention entry", e) != 0)
		return -1;
	r->name = closeout_need(entry, "name");
	r->source = source->str;
	r->ground = closeout_need(entry, "ground");
	r->at = entry;
	for (size_t j = 0; j < i; j++)
		if (strcmp(c->retention[j].name, r->name) == 0)
			return setting_refuse(setting_get(entry, "name"), e,
					      "there is a retention entry "
					      "called %s already; names are "
					      "unique",
					      r->name);
	while (k < c->n_sources && strcmp(c->sources[k].name, r->source) != 0)
		k++;
	if (k == c->n_sources)
		return setting_refuse(source, e, "there is no source called %s",
				      closeout_quote(quoted, r->source));
	if (one_kind(&kind, entry, c->sources[k].provider, "a retention entry",
		     e) != 0 ||
	    check_rows(entry, kind, e) != 0 ||
	    check_expansion(entry, c->client, e) != 0 ||
	    closeout_date(&r->until, entry, "until", e) != 0)
		return -1;
	c->sources[k].n_retention++;
	if (r->until > c->not_before)
		return 0;
	return closeout_note(st, setting_get(entry, "until"), e,
			     "retention %s ends before anything may be "
			     "destroyed: does its ground still hold?",
			     r->name);
}

/* Hands every source the rules that name it (I3). */
static int share_retention(struct closeout_state *st, struct err *e)
{
	struct closeout *c = &st->pub;

	for (size_t i = 0; i < c->n_sources; i++) {
		struct closeout_source *s = &c->sources[i];
		size_t n = 0;
		s->retention = closeout_alloc(st, s->n_retention,
					      sizeof(*s->retention), e);
		s->retention_index = closeout_alloc(
			st, s->n_retention, sizeof(*s->retention_index), e);
		if (s->retention == NULL || s->retention_index == NULL)
			return -1;
		for (size_t j = 0; j < c->n_retention; j++) {
			const struct closeout_retention *r = &c->retention[j];
			if (strcmp(r->source, s->name) != 0)
				continue;
			s->retention[n] =
				(struct retention_rule){r->name, r->at};
			s->retention_index[n++] = j;
		}
	}
	return 0;
}

int closeout_sources(struct closeout_state *st, struct err *e)
{
	struct closeout *c = &st->pub;
	const struct setting *sources = setting_get(&st->root, "sources");
	const struct setting *retention = setting_get(&st->root, "retention");
	size_t kept = retention == NULL ? 0 : retention->n_members;

	if (sources->n_members == 0)
		return setting_refuse(sources, e,
				      "sources is empty: there is nothing to "
				      "close out");
	c->sources =
		closeout_alloc(st, sources->n_members, sizeof(*c->sources), e);
	c->retention = closeout_alloc(st, kept, sizeof(*c->retention), e);
	if (c->sources == NULL || c->retention == NULL)
		return -1;
	for (size_t i = 0; i < sources->n_members; i++)
		if (read_source(st, i, &sources->members[i], e) != 0)
			return -1;
	c->n_sources = sources->n_members;
	if (closeout_places(st, e) != 0)
		return -1;
	for (size_t i = 0; i < kept; i++)
		if (read_retention(st, i, &retention->members[i], e) != 0)
			return -1;
	c->n_retention = kept;
	return share_retention(st, e);
}

void closeout_scope(struct scope *out, const struct closeout *c, size_t i,
		    const volatile sig_atomic_t *stop)
{
	const struct closeout_source *s = &c->sources[i];

	*out = (struct scope){.source = s->name,
			      .client = c->client,
			      .base = c->base,
			      .settings = s->settings,
			      .retention = s->retention,
			      .n_retention = s->n_retention,
			      .may_be_empty = s->may_be_empty,
			      .ours = c->ours,
			      .stop = stop};
}
