#include "tools/quietus/closeout_private.h"

#include <stdio.h>
#include <string.h>

#include "certs/base/hex.h"

const char *closeout_quote(char out[CLOSEOUT_QUOTED], const char *s)
{
	struct buf b;

	buf_init(&b, 3 * CLOSEOUT_QUOTED);
	name_escape(&b, s, strnlen(s, CLOSEOUT_QUOTED));
	snprintf(out, CLOSEOUT_QUOTED, b.len > 80 ? "\"%.77s...\"" : "\"%s\"",
		 buf_str(&b));
	buf_release(&b);
	return out;
}

/* ---- what was probably meant ----------------------------------------------
 */

#define NEAR_MAX 40

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that lead from
 * a to b (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
	size_t d[NEAR_MAX + 1][NEAR_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NEAR_MAX || m > NEAR_MAX)
		return NEAR_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			bool same = a[i - 1] == b[j - 1];
			d[i][j] = least(d[i - 1][j - 1] + !same,
					least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

/* ---- what would have been understood --------------------------------------
 */

/* The names that would have been taken; more than there are keys in any two
 * tables, and names beyond it only miss their mention. */
struct names {
	const char *all[80];
	size_t n;
};

static void names_add(struct names *names, const char *name)
{
	if (names->n < sizeof(names->all) / sizeof(*names->all))
		names->all[names->n++] = name;
}

/* The name that text was probably meant to be, or NULL when none is near. */
static const char *nearest(const struct names *names, const char *text)
{
	const char *best = NULL;
	size_t limit = strlen(text) / 3 + 2;

	for (size_t i = 0; i < names->n; i++) {
		size_t d = distance(text, names->all[i]);
		if (d < limit && d < strlen(names->all[i])) {
			best = names->all[i];
			limit = d;
		}
	}
	return best;
}

/* setting_refuse with "; did you mean X?" or the list of all names. */
static int refuse_name(const struct setting *at, const struct names *names,
		       const char *text, const char *complaint, struct err *e)
{
	const char *near = nearest(names, text);
	struct buf known;

	if (near != NULL)
		return setting_refuse(at, e, "%s; did you mean \"%s\"?",
				      complaint, near);
	buf_init(&known, 600);
	for (size_t i = 0; i < names->n; i++)
		buf_putf(&known, "%s%s", i == 0 ? "" : ", ", names->all[i]);
	setting_refuse(at, e, "%s; known are: %s", complaint, buf_str(&known));
	buf_release(&known);
	return -1;
}

int closeout_words(const struct setting *at, const struct setting_spec *spec,
		   struct err *e)
{
	char quoted[CLOSEOUT_QUOTED], complaint[200];
	struct names names = {{NULL}, 0};

	for (const char *const *p = spec->words; *p != NULL; p++) {
		if (strcmp(*p, at->str) == 0)
			return 0;
		names_add(&names, *p);
	}
	snprintf(complaint, sizeof(complaint), "%s cannot be %s", at->name,
		 closeout_quote(quoted, at->str));
	return refuse_name(at, &names, at->str, complaint, e);
}

int closeout_unknown(const struct setting *at, const char *where,
		     const struct setting_spec *const tables[2], struct err *e)
{
	char complaint[200];
	struct names names = {{NULL}, 0};

	for (int t = 0; t < 2; t++)
		for (const struct setting_spec *s = tables[t];
		     s != NULL && s->name != NULL; s++)
			names_add(&names, s->name);
	snprintf(complaint, sizeof(complaint), "unknown key \"%.60s\" in %s",
		 at->name, where);
	return refuse_name(at, &names, at->name, complaint, e);
}

int closeout_no_provider(const struct setting *at, struct err *e)
{
	char quoted[CLOSEOUT_QUOTED], complaint[200];
	struct names names = {{NULL}, 0};
	size_t len = strlen(at->str);

	for (const char *const *m = provider_missing(); *m != NULL; m++)
		if (strncmp(*m, at->str, len) == 0 && (*m)[len] == ':')
			return setting_refuse(
				at, e,
				"this build leaves out provider %s; install "
				"the library and build again",
				*m);
	for (const struct provider *const *p = provider_list(); *p != NULL; p++)
		names_add(&names, (*p)->name);
	snprintf(complaint, sizeof(complaint), "unknown provider %s",
		 closeout_quote(quoted, at->str));
	/* a near name would be a guess at where data is: list them all */
	return refuse_name(at, &names, "", complaint, e);
}
