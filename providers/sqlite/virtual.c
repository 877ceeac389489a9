/* virtual.c: full-text and other virtual tables.  The library tells whether it
 * can read one; where a full-text table keeps its text stands only in its
 * CREATE statement, which is read here. */
#include "providers/sqlite/store.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The end of the quoted thing that begins at p, or p + 1. */
static const char *skip_quoted(const char *p)
{
	char close = *p == '[' ? ']' : *p;

	if (strchr("'\"`[", *p) == NULL)
		return p + 1;
	for (p++; *p != '\0'; p++) {
		if (*p != close)
			continue;
		if (close != ']' && p[1] == close)
			p++;
		else
			return p + 1;
	}
	return p;
}

/* Where the module's name begins: behind USING. */
static const char *find_module(const char *sql)
{
	const char *p = sql;

	while (*p != '\0') {
		if (p != sql && isspace((unsigned char)p[-1]) &&
		    strncasecmp(p, "USING", 5) == 0 &&
		    isspace((unsigned char)p[5])) {
			p += 5;
			while (isspace((unsigned char)*p))
				p++;
			return p;
		}
		p = skip_quoted(p);
	}
	return NULL;
}

static void module_name(char out[64], const char *p)
{
	size_t n = 0;

	while (p != NULL && n < 63 &&
	       (isalnum((unsigned char)*p) || *p == '_')) {
		out[n++] = (char)tolower((unsigned char)*p);
		p++;
	}
	out[n] = '\0';
}

/* Copies an option's value without its quotes. */
static char *unquote(const char *p, const char *end)
{
	char *out = malloc((size_t)(end - p) + 1), *o = out;
	char close = '\0';

	if (out == NULL)
		return NULL;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	if (p < end && strchr("'\"`[", *p) != NULL) {
		close = *p == '[' ? ']' : *p;
		p++;
	}
	while (p < end) {
		if (close != '\0' && *p == close) {
			if (p + 1 >= end || p[1] != close)
				break;
			p++;
		}
		*o++ = *p++;
	}
	*o = '\0';
	return out;
}

/* The value of option `name = value` among the arguments, in fresh memory; ""
 * for an empty one.  *there says whether the option is used. */
static char *option(bool *there, const char *module, const char *name)
{
	const char *p = strchr(module, '(');
	size_t len = strlen(name);

	*there = false;
	if (p == NULL)
		return NULL;
	p++;
	while (*p != '\0') {
		while (isspace((unsigned char)*p))
			p++;
		const char *start = p;
		int depth = 0;
		while (*p != '\0' &&
		       !(depth == 0 && (*p == ',' || *p == ')'))) {
			depth += (*p == '(') - (*p == ')');
			p = skip_quoted(p);
		}
		const char *v = start + len;
		if (strncasecmp(start, name, len) == 0 && v <= p) {
			while (v < p && isspace((unsigned char)*v))
				v++;
			if (v < p && *v == '=') {
				v++;
				while (v < p && isspace((unsigned char)*v))
					v++;
				*there = true;
				return unquote(v, p);
			}
		}
		if (*p != '\0')
			p++;
	}
	return NULL;
}

static bool in_list(const char *const *list, const char *word)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static int full_text(struct store *s, size_t at, const char *module,
		     struct err *e)
{
	struct table *t = &s->table[at];
	bool there;

	t->fts5 = strncasecmp(module, "fts5", 4) == 0;
	char *content = option(&there, module, "content");

	if (!there) {
		t->fts = FTS_OWN;
		return 0;
	}
	if (content == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	if (content[0] == '\0') {
		free(content);
		t->fts = FTS_OWN;
		return schema_defect(s, "contentless-full-text", at, e,
				     "full-text table %s keeps no content, so "
				     "nobody can tell whose words it holds",
				     s->graph.tables[at].name);
	}
	t->fts = FTS_EXTERNAL;
	t->content = content;
	return 0;
}

int schema_virtual(bool *usable, struct store *s, size_t table, const char *sql,
		   struct err *e)
{
	static const char *const texts[] = {"fts3", "fts4", "fts5", NULL};
	static const char *const others[] = {"rtree", "rtree_i32", NULL};
	static const char *const views[] = {"fts5vocab", "fts4aux",
					    "fts3tokenize", "dbstat", NULL};
	char module[64];
	const char *at = find_module(sql);
	sqlite3_stmt *stmt = NULL;
	const char *name = s->graph.tables[table].name;

	*usable = false;
	module_name(module, at);
	char *probe =
		sqlite3_mprintf("SELECT * FROM main.\"%w\" LIMIT 0", name);
	if (probe == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	int rc = sqlite3_prepare_v2(s->ro, probe, -1, &stmt, NULL);
	sqlite3_finalize(stmt);
	sqlite3_free(probe);
	if (rc != SQLITE_OK)
		return schema_defect(
			s,
			in_list(texts, module) ? "unknown-tokenizer"
					       : "unknown-module",
			table, e, "virtual table %s cannot be read here: %s",
			name, sqlite3_errmsg(s->ro));
	*usable = true;
	if (in_list(texts, module))
		return full_text(s, table, at, e);
	if (in_list(others, module))
		return 0;
	if (in_list(views, module)) {
		/* shows what another table holds and holds nothing itself */
		*usable = false;
		return 0;
	}
	return schema_defect(s, "unknown-module", table, e,
			     "virtual table %s is made by module %s, and what "
			     "that keeps is not known here",
			     name, module);
}
