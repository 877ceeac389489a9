/*
 * Two sources that hold the same thing would plan, destroy and count it twice,
 * and the second would find that the first had drifted: they are refused.
 *
 * The case's copy is read again when the client's folders are gone and the
 * links in them too, and must not be refused then.  A path is therefore
 * compared in every form that it can ever take: for each beginning of it that
 * exists, the real path of that beginning and the rest as written.  Whatever
 * is removed later, the form that is left is one of those that were compared
 * when the case was planned.
 */
#include "tools/quietus/closeout_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "certs/base/file.h"

struct place {
	const struct closeout_source *source;
	const struct setting *at; /* for messages */
	const char **forms;	  /* paths, or one "host/bucket" */
	size_t n_forms;
	const char *prefix; /* of the names in it; "" takes all */
	bool nests;	    /* a form takes what lies below it */
	bool guessed;	    /* no endpoint is written */
	bool exists;	    /* as the file that dev and ino tell */
	dev_t dev;
	ino_t ino;
};

/* ---- files and folders ----------------------------------------------------
 */

static const char *expand(struct closeout_state *st, const struct setting *at,
			  struct err *e)
{
	const char *copy = NULL;
	struct buf text;

	buf_init(&text, CLOSEOUT_MAX);
	if (setting_expand(&text, at, st->pub.client, e) == 0)
		copy = closeout_copy(st, buf_str(&text), e);
	buf_release(&text);
	return copy;
}

static int add_form(struct place *p, struct closeout_state *st,
		    const char *form, struct err *e)
{
	for (size_t i = 0; i < p->n_forms; i++)
		if (strcmp(p->forms[i], form) == 0)
			return 0;
	p->forms[p->n_forms] = closeout_copy(st, form, e);
	return p->forms[p->n_forms++] == NULL ? -1 : 0;
}

/* path is absolute. */
static int add_forms(struct place *p, struct closeout_state *st,
		     const char *path, struct err *e)
{
	size_t len = strlen(path), cuts = 1;

	for (size_t i = 1; i <= len; i++)
		cuts += path[i] == '/' || path[i] == '\0';
	p->forms = closeout_alloc(st, cuts, sizeof(*p->forms), e);
	if (p->forms == NULL)
		return -1;
	for (size_t i = 0; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		if (i > PATH_MAX)
			break;
		char *form = closeout_real(path, i);
		if (form == NULL)
			break; /* what is longer is not there either */
		int rc = add_form(p, st, form, e);
		free(form);
		if (rc != 0)
			return -1;
	}
	return p->n_forms != 0 ? 0 : err_set(e, ERR_FAILED, "out of memory");
}

static int find_file(struct place *p, struct closeout_state *st, struct err *e)
{
	struct stat s;

	p->at = setting_get(p->source->settings, "path");
	const char *text = expand(st, p->at, e);
	if (text == NULL)
		return -1;
	char *path = file_join(st->pub.base, text);
	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	int rc = add_forms(p, st, path, e);
	if (stat(path, &s) == 0) {
		p->exists = true;
		p->dev = s.st_dev;
		p->ino = s.st_ino;
	}
	free(path);
	return rc;
}

static int find_folder(struct place *p, struct closeout_state *st,
		       struct err *e)
{
	p->nests = true;
	return find_file(p, st, e);
}

static int find_prefix(struct place *p, struct closeout_state *st,
		       struct err *e)
{
	const struct setting *at = setting_get(p->source->settings, "prefix");

	if (at == NULL)
		return 0;
	p->at = at;
	p->prefix = expand(st, at, e);
	return p->prefix == NULL ? -1 : 0;
}

static int find_fake(struct place *p, struct closeout_state *st, struct err *e)
{
	if (find_file(p, st, e) != 0)
		return -1;
	return find_prefix(p, st, e);
}

/* ---- buckets --------------------------------------------------------------
 */

/* AWS has many endpoints, but a bucket's name stands once in a partition,
 * which the region or the host tells. */
static const char *partition(const char *name)
{
	if (strstr(name, "us-gov-") != NULL)
		return "aws-us-gov";
	return strstr(name, "cn-") != NULL ? "aws-cn" : "aws";
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);
	return n >= m && strcmp(s + n - m, tail) == 0;
}

/* The host and port of a URL, written one way. */
static void host_of(char *out, size_t size, const char *url)
{
	const char *p = strstr(url, "://");

	p = p == NULL ? url : p + 3;
	snprintf(out, size, "%.*s", (int)strcspn(p, "/?#"), p);
	for (char *c = out; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	const char *usual =
		strncasecmp(url, "http://", 7) == 0 ? ":80" : ":443";
	if (ends_with(out, usual))
		out[strlen(out) - strlen(usual)] = '\0';
	if (ends_with(out, ".amazonaws.com") ||
	    ends_with(out, ".amazonaws.com.cn"))
		snprintf(out, size, "%s", partition(out));
}

static int find_bucket(struct place *p, struct closeout_state *st,
		       struct err *e)
{
	const struct setting *g = p->source->settings;
	const char *endpoint = setting_str(g, "endpoint", "");
	char host[300], form[600];

	p->guessed = endpoint[0] == '\0';
	if (p->guessed)
		snprintf(host, sizeof(host), "%s",
			 partition(setting_str(g, "region", "")));
	else
		host_of(host, sizeof(host), endpoint);
	snprintf(form, sizeof(form), "%s/%s", host, closeout_need(g, "bucket"));
	p->at = setting_get(g, "bucket");
	p->forms = closeout_alloc(st, 1, sizeof(*p->forms), e);
	if (p->forms == NULL || add_form(p, st, form, e) != 0)
		return -1;
	return find_prefix(p, st, e);
}

/* ---- comparing ------------------------------------------------------------
 */

enum meeting { APART, OVERLAP, SAME };

static enum meeting compare_forms(const struct place *a, const struct place *b)
{
	enum meeting found = APART;

	if (a->exists && b->exists && a->dev == b->dev && a->ino == b->ino)
		return SAME; /* by another name: a hard link, a mount */
	for (size_t i = 0; i < a->n_forms; i++)
		for (size_t j = 0; j < b->n_forms; j++) {
			const char *x = a->forms[i], *y = b->forms[j];
			if (strcmp(x, y) == 0)
				return SAME;
			if (a->nests &&
			    (closeout_inside(x, y) || closeout_inside(y, x)))
				found = OVERLAP;
		}
	return found;
}

static enum meeting compare(const struct place *a, const struct place *b)
{
	if (a->source->provider != b->source->provider)
		return APART;
	enum meeting found = compare_forms(a, b);
	if (found == APART || strcmp(a->prefix, b->prefix) == 0)
		return found;
	size_t n = strlen(a->prefix), m = strlen(b->prefix);
	return strncmp(a->prefix, b->prefix, n < m ? n : m) == 0 ? OVERLAP
								 : APART;
}

static int refuse(const struct place *first, const struct place *second,
		  enum meeting how, struct err *e)
{
	return setting_refuse(
		second->at, e,
		"source %s %s source %s (line %d)%s: what lies in both would "
		"be planned, destroyed and certified twice; make them one "
		"source, or keep them apart%s",
		second->source->name,
		how == SAME ? "is the same place as" : "overlaps with",
		first->source->name, first->at->line,
		how == SAME ? "" : ", one lies inside the other",
		first->guessed || second->guessed
			? " (a source without endpoint is taken to be at AWS: "
			  "where they are two services, write the endpoint)"
			: "");
}

int closeout_places(struct closeout_state *st, struct err *e)
{
	static const struct {
		const char *provider;
		int (*find)(struct place *p, struct closeout_state *st,
			    struct err *e);
	} kinds[] = {{"sqlite", find_file},
		     {"directory", find_folder},
		     {"s3", find_bucket},
		     {"fake", find_fake}};
	const struct closeout *c = &st->pub;
	struct place *all = closeout_alloc(st, c->n_sources, sizeof(*all), e);

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < c->n_sources; i++) {
		struct place *p = &all[i];
		p->source = &c->sources[i];
		p->prefix = "";
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			if (strcmp(kinds[k].provider,
				   p->source->provider->name) == 0 &&
			    kinds[k].find(p, st, e) != 0)
				return -1;
		for (size_t j = 0; j < i; j++) {
			enum meeting how = compare(&all[j], p);
			if (how != APART)
				return refuse(&all[j], p, how, e);
		}
	}
	return 0;
}
