/* entries.c: root, tables, excluded and retention of the closeout file, held
 * against the schema. */
#include "providers/sqlite/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find_table(size_t *out, struct store *s, const struct setting *group,
		      struct err *e)
{
	const struct setting *at = setting_get(group, "table");
	int64_t shadow = 0;

	if (at == NULL || at->type != SETTING_STRING)
		return setting_refuse(group, e, "table is missing");
	*out = graph_find(&s->graph, at->str);
	if (*out != GRAPH_NONE)
		return 0;
	if (sql_number(&shadow, s, s->ro, e,
		       "SELECT type = 'shadow' FROM pragma_table_list "
		       "WHERE schema = 'main' AND name = %Q COLLATE NOCASE",
		       at->str) != 0)
		return -1;
	if (shadow != 0)
		return setting_refuse(at, e,
				      "%s is part of a full-text table and is "
				      "handled with it: name that table",
				      at->str);
	return setting_refuse(at, e, "there is no table %s in %s", at->str,
			      s->path);
}

/* where or whole = true, never both, never neither. */
static int read_condition(struct store *s, struct entry *entry, struct err *e)
{
	const struct setting *where = setting_get(entry->at, "where");
	bool whole = setting_flag(entry->at, "whole", false);

	if (s->table[entry->table].n_keys == 0)
		return setting_refuse(entry->at, e,
				      "rows of %s cannot be selected: see the "
				      "blockers of the plan",
				      s->graph.tables[entry->table].name);
	if (where != NULL && whole)
		return setting_refuse(where, e,
				      "where and whole = true exclude each "
				      "other");
	if (where == NULL && !whole)
		return setting_refuse(entry->at, e,
				      "a condition is missing: write where = "
				      "\"column = :client\", or whole = true "
				      "when every row is the client's");
	if (whole)
		return 0;
	if (where->type != SETTING_STRING)
		return setting_refuse(where, e, "where must be a string");
	if (where_check(s, entry, where, e) != 0)
		return -1;
	entry->condition = strdup(where->str);
	return entry->condition != NULL
		       ? 0
		       : err_set(e, ERR_FAILED, "out of memory");
}

static int read_root(struct store *s, struct err *e)
{
	const struct setting *root = setting_get(s->scope->settings, "root");
	size_t at;

	if (root == NULL)
		return 0;
	const struct setting *column = setting_get(root, "column");
	if (find_table(&at, s, root, e) != 0)
		return -1;
	if (column == NULL || column->type != SETTING_STRING)
		return setting_refuse(root, e, "column is missing");
	struct graph_table *t = &s->graph.tables[at];
	if (s->table[at].virtual_table || s->table[at].n_keys == 0)
		return setting_refuse(root, e,
				      "%s cannot be the root: it is not an "
				      "ordinary table",
				      t->name);
	if (!graph_has_column(t, &s->graph, column->str))
		return setting_refuse(column, e, "table %s has no column %s",
				      t->name, column->str);
	t->root = true;
	s->root = at;
	s->graph.follow = true;
	s->root_column = sql_quote(column->str);
	return s->root_column != NULL ? 0
				      : err_set(e, ERR_FAILED, "out of memory");
}

static int read_tables(struct store *s, struct err *e)
{
	const struct setting *list = setting_get(s->scope->settings, "tables");

	if (list == NULL || list->n_members == 0)
		return 0;
	s->entries = calloc(list->n_members, sizeof(*s->entries));
	if (s->entries == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < list->n_members; i++) {
		struct entry *entry = &s->entries[s->n_entries++];
		entry->at = &list->members[i];
		if (find_table(&entry->table, s, entry->at, e) != 0)
			return -1;
		if (entry->table == s->root)
			return setting_refuse(
				entry->at, e,
				"%s is the root table: only the client's own "
				"row is taken from it",
				s->graph.tables[entry->table].name);
		if (s->table[entry->table].fts == FTS_EXTERNAL)
			return setting_refuse(
				entry->at, e,
				"%s only indexes %s: select there, the index "
				"is made again after the destruction",
				s->graph.tables[entry->table].name,
				s->table[entry->table].content);
		if (read_condition(s, entry, e) != 0)
			return -1;
		s->graph.tables[entry->table].listed = true;
	}
	return 0;
}

static int read_excluded(struct store *s, struct err *e)
{
	const struct setting *list =
		setting_get(s->scope->settings, "excluded");

	for (size_t i = 0; list != NULL && i < list->n_members; i++) {
		size_t at;
		const struct setting *group = &list->members[i];
		if (find_table(&at, s, group, e) != 0)
			return -1;
		struct graph_table *t = &s->graph.tables[at];
		if (t->root || t->listed)
			return setting_refuse(group, e,
					      "table %s is both selected and "
					      "excluded",
					      t->name);
		t->excluded = true;
	}
	return 0;
}

static int read_rules(struct store *s, struct err *e)
{
	if (s->scope->n_retention == 0)
		return 0;
	s->rules = calloc(s->scope->n_retention, sizeof(*s->rules));
	if (s->rules == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < s->scope->n_retention; i++) {
		struct entry *rule = &s->rules[s->n_rules++];
		rule->at = s->scope->retention[i].at;
		if (find_table(&rule->table, s, rule->at, e) != 0 ||
		    read_condition(s, rule, e) != 0)
			return -1;
		const struct setting *parents =
			setting_get(rule->at, "parents");
		if (parents != NULL && (parents->type != SETTING_STRING ||
					strcmp(parents->str, "retain") != 0))
			return setting_refuse(parents, e,
					      "parents may only be \"retain\"");
		rule->parents = parents != NULL;
		if (s->graph.tables[rule->table].excluded)
			return setting_refuse(
				rule->at, e,
				"table %s is both retained and "
				"excluded",
				s->graph.tables[rule->table].name);
		s->graph.tables[rule->table].kept = true;
	}
	return 0;
}

/* A row goes before the rows that its own condition reads: else, after half
 * of the work, the condition would not find the rest any more (I6). */
static int add_orders(struct store *s, struct err *e)
{
	for (size_t i = 0; i < s->n_entries; i++)
		for (size_t r = 0; r < s->entries[i].n_reads; r++)
			if (graph_add_order(&s->graph, s->entries[i].table,
					    s->entries[i].reads[r], e) != 0)
				return -1;
	return 0;
}

int entries_read(struct store *s, struct err *e)
{
	const struct setting *all = s->scope->settings;
	const char *shared = setting_str(all, "shared", NULL);

	if (shared != NULL && strcmp(shared, "destroy") != 0)
		return setting_refuse(setting_get(all, "shared"), e,
				      "shared may only be \"destroy\"");
	s->shared_destroy = shared != NULL;
	s->allow_triggers = setting_flag(all, "allow_triggers", false);
	if (read_root(s, e) != 0 || read_tables(s, e) != 0 ||
	    read_excluded(s, e) != 0 || read_rules(s, e) != 0)
		return -1;
	if (s->root == GRAPH_NONE && s->n_entries == 0)
		return setting_refuse(all, e,
				      "source %s selects nothing: it needs "
				      "root or tables",
				      s->scope->source);
	if (add_orders(s, e) != 0)
		return -1;
	if (graph_solve(&s->graph, e) != 0)
		return -1;
	return triggers_read(s, e);
}

static void release(struct entry *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].condition);
		free(list[i].reads);
	}
	free(list);
}

void entries_release(struct store *s)
{
	release(s->entries, s->n_entries);
	release(s->rules, s->n_rules);
	free(s->root_column);
}
