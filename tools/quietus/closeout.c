#include "tools/quietus/closeout_private.h"

#include <stdio.h>
#include <string.h>

#include <libconfig.h>

/* ---- secrets --------------------------------------------------------------
 */

/* "sources", "an entry of sources", or "the file". */
static const char *place(char out[80], const config_setting_t *at)
{
	const char *before = "";

	for (; at != NULL; at = config_setting_parent(at)) {
		if (config_setting_name(at) != NULL) {
			snprintf(out, 80, "%s%.50s", before,
				 config_setting_name(at));
			return out;
		}
		before = "an entry of ";
	}
	snprintf(out, 80, "the file");
	return out;
}

static void locate(struct setting *out, const struct closeout_state *st,
		   const config_setting_t *in)
{
	out->file = st->pub.file;
	out->line = (int)config_setting_source_line(in);
	if (out->line == 0)
		out->line = 1; /* the root */
}

static int refuse_secret(const struct closeout_state *st,
			 const config_setting_t *at, const char *what,
			 struct err *e)
{
	struct setting here = {0};
	char where[80];

	locate(&here, st, at);
	return setting_refuse(
		&here, e,
		"%s holds %s: no secret may stand in a closeout file; take it "
		"out. Credentials come from the store's own places: AWS_* "
		"variables and profiles, AZURE_STORAGE_* variables, PostgreSQL "
		"service and password files, MySQL option files, ssh keys and "
		"agents",
		place(where, at), what);
}

/* Before anything else is said of the file: every key and every string,
 * wherever they stand.  A `where` is a condition on data and may well speak of
 * a column called password. */
static int find_secrets(const struct closeout_state *st,
			const config_setting_t *at, struct err *e)
{
	const char *name = config_setting_name(at);
	const char *what = NULL;

	if (name != NULL && closeout_secret_key(name))
		return refuse_secret(st, at, "a secret, by its name", e);
	if (config_setting_type(at) == CONFIG_TYPE_STRING &&
	    (name == NULL || strcmp(name, "where") != 0))
		what = closeout_secret_value(config_setting_get_string(at));
	if (what != NULL)
		return refuse_secret(st, at, what, e);
	if (!config_setting_is_aggregate(at))
		return 0;
	for (int i = 0; i < config_setting_length(at); i++)
		if (find_secrets(st, config_setting_get_elem(at, (unsigned)i),
				 e) != 0)
			return -1;
	return 0;
}

/* ---- types ----------------------------------------------------------------
 */

static const char *type_of(const config_setting_t *in)
{
	switch (config_setting_type(in)) {
	case CONFIG_TYPE_GROUP:
		return "a group { ... }";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ... ]";
	case CONFIG_TYPE_LIST:
		return "a list ( ... )";
	default:
		return "nothing";
	}
}

static const char *type_wanted(enum setting_type type)
{
	switch (type) {
	case SETTING_STRING:
		return "a string";
	case SETTING_BOOL:
		return "true or false";
	case SETTING_INT:
		return "a whole number";
	case SETTING_STRINGS:
		return "strings, as in [ \"...\", \"...\" ]";
	case SETTING_GROUP:
		return "a group { ... }";
	case SETTING_GROUPS:
		return "a list of groups ( { ... }, { ... } )";
	}
	return "something else";
}

/* The value as it should have been written; empty when nobody can tell. */
static void rewrite(char *out, size_t size, const config_setting_t *in,
		    enum setting_type type)
{
	short is = config_setting_type(in);
	const char *s =
		is == CONFIG_TYPE_STRING ? config_setting_get_string(in) : "";
	char quoted[CLOSEOUT_QUOTED];
	size_t digits = strspn(s, "0123456789");

	out[0] = '\0';
	if (type == SETTING_STRING &&
	    (is == CONFIG_TYPE_INT || is == CONFIG_TYPE_INT64))
		snprintf(out, size, "\"%lld\"", config_setting_get_int64(in));
	else if (type == SETTING_STRING && is == CONFIG_TYPE_FLOAT)
		snprintf(out, size, "\"%g\"", config_setting_get_float(in));
	else if (type == SETTING_STRING && is == CONFIG_TYPE_BOOL)
		snprintf(out, size, "\"%s\"",
			 config_setting_get_bool(in) ? "true" : "false");
	else if (type == SETTING_STRINGS && is == CONFIG_TYPE_STRING)
		snprintf(out, size, "[ %s ]", closeout_quote(quoted, s));
	else if (type == SETTING_GROUPS && is == CONFIG_TYPE_GROUP)
		snprintf(out, size, "( { ... } )");
	else if (type == SETTING_INT && digits != 0 && digits < 10 &&
		 s[digits] == '\0')
		snprintf(out, size, "%s", s);
	else if (type == SETTING_BOOL &&
		 (strcmp(s, "true") == 0 || strcmp(s, "false") == 0))
		snprintf(out, size, "%s", s);
}

static int refuse_type(const struct setting *at, const config_setting_t *in,
		       enum setting_type type, struct err *e)
{
	char better[CLOSEOUT_QUOTED + 8], where[80];
	const char *name = config_setting_name(in);

	rewrite(better, sizeof(better), in, type);
	if (name == NULL)
		return setting_refuse(
			at, e, "%s is %s; it must be %s%s%s", place(where, in),
			type_of(in), type_wanted(type),
			better[0] != '\0' ? ": write " : "", better);
	if (better[0] != '\0')
		return setting_refuse(
			at, e, "%s is %s; it must be %s: write %s = %s;", name,
			type_of(in), type_wanted(type), name, better);
	return setting_refuse(at, e, "%s is %s; it must be %s", name,
			      type_of(in), type_wanted(type));
}

/* ---- strings --------------------------------------------------------------
 */

/* Names from the data: any bytes are possible there. */
static bool free_form(const char *name, bool ours)
{
	if (name == NULL)
		return !ours;
	if (ours)
		return strcmp(name, "path") == 0 ||
		       strcmp(name, "prefix") == 0 ||
		       strcmp(name, "table") == 0 || strcmp(name, "where") == 0;
	return strcmp(name, "category") != 0 && strcmp(name, "reason") != 0;
}

/* spec is NULL for an element of a list of strings. */
static int read_string(struct closeout_state *st, struct setting *out,
		       const config_setting_t *in,
		       const struct setting_spec *spec, bool ours,
		       struct err *e)
{
	char where[80];

	if (config_setting_type(in) != CONFIG_TYPE_STRING)
		return refuse_type(out, in, SETTING_STRING, e);
	out->str = closeout_copy(st, config_setting_get_string(in), e);
	if (out->str == NULL)
		return -1;
	if (!free_form(out->name, ours) && !closeout_printable(out->str))
		return setting_refuse(out, e,
				      "%s holds a control character or bytes "
				      "that are not UTF-8",
				      place(where, in));
	if (out->str[0] == '\0' && (spec == NULL || spec->required))
		return setting_refuse(out, e, "%s is empty", place(where, in));
	if (spec != NULL && spec->words != NULL)
		return closeout_words(out, spec, e);
	return 0;
}

static int read_strings(struct closeout_state *st, struct setting *out,
			const config_setting_t *in, bool ours, struct err *e)
{
	if (config_setting_type(in) != CONFIG_TYPE_ARRAY &&
	    config_setting_type(in) != CONFIG_TYPE_LIST)
		return refuse_type(out, in, SETTING_STRINGS, e);
	size_t n = (size_t)config_setting_length(in);
	struct setting *all = closeout_alloc(st, n, sizeof(*all), e);
	if (all == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *one =
			config_setting_get_elem(in, (unsigned)i);
		locate(&all[i], st, one);
		all[i].type = SETTING_STRING;
		if (read_string(st, &all[i], one, NULL, ours, e) != 0)
			return -1;
	}
	out->members = all;
	out->n_members = n;
	return 0;
}

/* ---- groups ---------------------------------------------------------------
 */

static int read_value(struct closeout_state *st, struct setting *out,
		      const config_setting_t *in,
		      const struct setting_spec *spec, bool ours,
		      struct err *e);

static int refuse_missing(const struct setting *at, const config_setting_t *in,
			  const struct setting_spec *spec, struct err *e)
{
	char where[80];
	const char *example = closeout_example(spec->name);

	place(where, in);
	if (example != NULL)
		return setting_refuse(at, e,
				      "missing key \"%s\" in %s: write %s",
				      spec->name, where, example);
	return setting_refuse(at, e, "missing key \"%s\" in %s: it must be %s",
			      spec->name, where, type_wanted(spec->type));
}

/* The table that the group's provider adds. */
static int provider_keys(const struct setting_spec **extra,
			 struct closeout_state *st, const struct setting *at,
			 const config_setting_t *in,
			 const struct setting_spec *spec, struct err *e)
{
	struct setting value = {.name = "provider", .type = SETTING_STRING};
	const config_setting_t *member =
		config_setting_get_member(in, "provider");

	if (member == NULL)
		return refuse_missing(at, in, spec, e);
	locate(&value, st, member);
	if (read_string(st, &value, member, spec, true, e) != 0)
		return -1;
	const struct provider *p = provider_find(value.str);
	if (p == NULL)
		return closeout_no_provider(&value, e);
	*extra = p->settings;
	return 0;
}

static int read_group(struct closeout_state *st, struct setting *out,
		      const config_setting_t *in,
		      const struct setting_spec *own, bool ours, struct err *e)
{
	const struct setting_spec *tables[2] = {own, NULL};
	char where[80];

	if (config_setting_type(in) != CONFIG_TYPE_GROUP)
		return refuse_type(out, in, SETTING_GROUP, e);
	const struct setting_spec *chooses = closeout_spec(own, "provider");
	if (ours && chooses != NULL &&
	    provider_keys(&tables[1], st, out, in, chooses, e) != 0)
		return -1;
	size_t n = (size_t)config_setting_length(in);
	struct setting *all = closeout_alloc(st, n, sizeof(*all), e);
	if (all == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *one =
			config_setting_get_elem(in, (unsigned)i);
		locate(&all[i], st, one);
		all[i].name = closeout_copy(st, config_setting_name(one), e);
		if (all[i].name == NULL)
			return -1;
		bool mine = ours;
		const struct setting_spec *spec =
			closeout_spec(own, all[i].name);
		if (spec == NULL) {
			spec = closeout_spec(tables[1], all[i].name);
			mine = false;
		}
		if (spec == NULL)
			return closeout_unknown(&all[i], place(where, in),
						tables, e);
		if (read_value(st, &all[i], one, spec, mine, e) != 0)
			return -1;
	}
	out->members = all;
	out->n_members = n;
	for (int t = 0; t < 2; t++)
		for (const struct setting_spec *s = tables[t];
		     s != NULL && s->name != NULL; s++)
			if (s->required && setting_get(out, s->name) == NULL)
				return refuse_missing(out, in, s, e);
	return 0;
}

static int read_groups(struct closeout_state *st, struct setting *out,
		       const config_setting_t *in,
		       const struct setting_spec *spec, bool ours,
		       struct err *e)
{
	/* an array can hold no group, so only an empty one comes this far */
	if (config_setting_type(in) != CONFIG_TYPE_LIST &&
	    (config_setting_type(in) != CONFIG_TYPE_ARRAY ||
	     config_setting_length(in) != 0))
		return refuse_type(out, in, SETTING_GROUPS, e);
	size_t n = (size_t)config_setting_length(in);
	struct setting *all = closeout_alloc(st, n, sizeof(*all), e);
	if (all == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *one =
			config_setting_get_elem(in, (unsigned)i);
		locate(&all[i], st, one);
		all[i].type = SETTING_GROUP;
		if (read_group(st, &all[i], one, spec->members, ours, e) != 0)
			return -1;
	}
	out->members = all;
	out->n_members = n;
	return 0;
}

static int read_value(struct closeout_state *st, struct setting *out,
		      const config_setting_t *in,
		      const struct setting_spec *spec, bool ours, struct err *e)
{
	short is = config_setting_type(in);

	out->type = spec->type;
	switch (spec->type) {
	case SETTING_STRING:
		return read_string(st, out, in, spec, ours, e);
	case SETTING_BOOL:
		if (is != CONFIG_TYPE_BOOL)
			return refuse_type(out, in, spec->type, e);
		out->flag = config_setting_get_bool(in) == CONFIG_TRUE;
		return 0;
	case SETTING_INT:
		if (is != CONFIG_TYPE_INT && is != CONFIG_TYPE_INT64)
			return refuse_type(out, in, spec->type, e);
		out->number = is == CONFIG_TYPE_INT
				      ? config_setting_get_int(in)
				      : config_setting_get_int64(in);
		return 0;
	case SETTING_STRINGS:
		return read_strings(st, out, in, ours, e);
	case SETTING_GROUP:
		return read_group(st, out, in, spec->members, ours, e);
	case SETTING_GROUPS:
		return read_groups(st, out, in, spec, ours, e);
	}
	return setting_refuse(out, e, "%s has no known type", spec->name);
}

#ifdef __SANITIZE_ADDRESS__
/* libconfig 1.5 loses the string it was reading when it meets a syntax error;
 * without this the leak check would change the exit code (2) of every test of
 * a bad file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

/* ---- the whole file -------------------------------------------------------
 */

static int refuse_syntax(const struct closeout_state *st,
			 const config_t *config, struct err *e)
{
	const char *what = config_error_text(config);
	const char *hint = "";

	if (what == NULL)
		what = "not understood";
	if (strcmp(what, "syntax error") == 0)
		hint = " here or just before: look for a missing quotation "
		       "mark, semicolon, bracket or \"=\", or a comma after "
		       "the last entry of a list";
	else if (strcmp(what, "duplicate setting name") == 0)
		hint = ": a key that stands here already; keep one of them";
	return err_set(e, ERR_USAGE, "%s:%d: %s%s", st->pub.file,
		       config_error_line(config), what, hint);
}

int closeout_tree(struct closeout_state *st, const char *text, size_t len,
		  struct err *e)
{
	int rc = -1;
	config_t config;
	/* libconfig 1.5 takes a comment for one only if a line ends it */
	char *copy = closeout_alloc(st, len + 2, 1, e);

	if (copy == NULL)
		return -1;
	memcpy(copy, text, len);
	if (closeout_scan(copy, len, st->pub.file, e) != 0)
		return -1;
	copy[len] = '\n';
	config_init(&config);
	if (config_read_string(&config, copy) != CONFIG_TRUE) {
		refuse_syntax(st, &config, e);
		goto out;
	}
	const config_setting_t *root = config_root_setting(&config);
	if (find_secrets(st, root, e) != 0)
		goto out;
	locate(&st->root, st, root);
	st->root.type = SETTING_GROUP;
	rc = read_group(st, &st->root, root, closeout_root_keys, true, e);
out:
	config_destroy(&config);
	return rc;
}
