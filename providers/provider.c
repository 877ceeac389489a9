#include "providers/provider.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct setting *setting_get(const struct setting *group, const char *name)
{
	if (group == NULL)
		return NULL;
	for (size_t i = 0; i < group->n_members; i++)
		if (group->members[i].name != NULL &&
		    strcmp(group->members[i].name, name) == 0)
			return &group->members[i];
	return NULL;
}

const char *setting_str(const struct setting *group, const char *name,
			const char *fallback)
{
	const struct setting *s = setting_get(group, name);
	return s != NULL && s->type == SETTING_STRING ? s->str : fallback;
}

bool setting_flag(const struct setting *group, const char *name, bool fallback)
{
	const struct setting *s = setting_get(group, name);
	return s != NULL && s->type == SETTING_BOOL ? s->flag : fallback;
}

int setting_refuse(const struct setting *at, struct err *e, const char *fmt,
		   ...)
{
	char text[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (at == NULL || at->file == NULL)
		return err_set(e, ERR_USAGE, "%s", text);
	return err_set(e, ERR_USAGE, "%s:%d: %s", at->file, at->line, text);
}

/* A client may stand in a path or prefix only if it is one plain name. */
static int check_client(const struct setting *at, const char *client,
			struct err *e)
{
	if (client[0] == '\0')
		return setting_refuse(at, e,
				      "{client} is used but the client is "
				      "empty");
	if (strcmp(client, ".") == 0 || strcmp(client, "..") == 0)
		return setting_refuse(at, e,
				      "{client} is used but the client is "
				      "\"%s\", which would leave its folder",
				      client);
	for (const char *p = client; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p < 0x20 || *p == 0x7f)
			return setting_refuse(
				at, e,
				"{client} is used but the client holds a "
				"slash or a control byte");
	return 0;
}

int setting_expand(struct buf *out, const struct setting *at,
		   const char *client, struct err *e)
{
	static const char word[] = "{client}";
	const char *p = at->str;

	while (*p != '\0') {
		size_t plain = strcspn(p, "{}");
		buf_put(out, p, plain);
		p += plain;
		if (*p == '\0')
			break;
		if (strncmp(p, word, sizeof(word) - 1) != 0)
			return setting_refuse(at, e,
					      "\"%s\": only {client} may stand "
					      "in braces",
					      at->str);
		if (check_client(at, client, e) != 0)
			return -1;
		buf_puts(out, client);
		p += sizeof(word) - 1;
	}
	if (buf_failed(out))
		return setting_refuse(at, e, "\"%s\" is too long", at->name);
	return 0;
}

void description_init(struct description *d)
{
	memset(d, 0, sizeof(*d));
}

void description_release(struct description *d)
{
	free(d->blockers);
	memset(d, 0, sizeof(*d));
}

int description_block(struct description *d, struct err *e, const char *kind,
		      uint64_t count, const char *fmt, ...)
{
	struct blocker *more = realloc(
		d->blockers, (d->n_blockers + 1) * sizeof(*d->blockers));
	if (more == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	d->blockers = more;
	struct blocker *b = &more[d->n_blockers++];
	memset(b, 0, sizeof(*b));
	snprintf(b->kind, sizeof(b->kind), "%s", kind);
	b->count = count;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(b->text, sizeof(b->text), fmt, ap);
	va_end(ap);
	return 0;
}

void description_fact(struct description *d, const char *key, const char *fmt,
		      ...)
{
	if (d->n_facts == DESCRIPTION_FACTS)
		return;
	struct fact *f = &d->facts[d->n_facts++];
	snprintf(f->key, sizeof(f->key), "%s", key);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
}

void description_class(struct description *d, enum copy_class c,
		       enum presence p, uint64_t count, const char *fmt, ...)
{
	struct class_report *r = &d->classes[c];
	r->presence = p;
	r->count = count;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
}

/* ---- wrappers ----------------------------------------------------------- */

static int named(const struct source *s, int rc, struct err *e)
{
	/* a message about the closeout file begins with file and line */
	if (rc != 0 && e->code != ERR_USAGE)
		err_add(e, "source %s", s->scope.source);
	return rc;
}

int source_open(struct source *s, const struct provider *p,
		const struct scope *scope, struct err *e)
{
	memset(s, 0, sizeof(*s));
	s->provider = p;
	s->scope = *scope;
	return named(s, p->open(&s->handle, &s->scope, e), e);
}

void source_close(struct source *s)
{
	if (s->provider != NULL && s->handle != NULL)
		s->provider->close(s->handle);
	memset(s, 0, sizeof(*s));
}

int source_describe(struct source *s, enum phase phase, struct description *d,
		    struct err *e)
{
	return named(s, s->provider->describe(s->handle, phase, d, e), e);
}

/* Holds every item to the bounds of the interface before the run sees it. */
struct bounded {
	item_fn *fn;
	void *arg;
};

static int bounded_item(void *arg, const struct item *item, struct err *e)
{
	struct bounded *b = arg;
	if (item->id_len == 0 || item->id_len > ITEM_ID_MAX ||
	    item->spec_len > ITEM_SPEC_MAX)
		return err_set(e, ERR_STORE,
			       "an item's name has %zu bytes; 1 to %d are "
			       "possible",
			       item->id_len, ITEM_ID_MAX);
	return b->fn(b->arg, item, e);
}

int source_enumerate(struct source *s, item_fn *fn, void *arg, struct err *e)
{
	struct bounded b = {fn, arg};
	return named(s, s->provider->enumerate(s->handle, bounded_item, &b, e),
		     e);
}

int source_destroy(struct source *s, const struct item *items, size_t n,
		   struct outcome *out, struct bystanders *by, struct err *e)
{
	memset(out, 0, n * sizeof(*out));
	return named(s, s->provider->destroy(s->handle, items, n, out, by, e),
		     e);
}

int source_check_absent(struct source *s, const struct item *items, size_t n,
			enum answer *out, struct err *e)
{
	memset(out, 0, n * sizeof(*out));
	return named(s, s->provider->check_absent(s->handle, items, n, out, e),
		     e);
}

int source_purge(struct source *s, struct buf *did, struct err *e)
{
	if (s->provider->purge == NULL)
		return 0;
	return named(s, s->provider->purge(s->handle, did, e), e);
}

int source_remove_place(struct source *s, bool *removed, struct err *e)
{
	*removed = false;
	if (s->provider->remove_place == NULL)
		return 0;
	return named(s, s->provider->remove_place(s->handle, removed, e), e);
}

int source_sample(struct source *s, struct buf *samples, struct err *e)
{
	if (s->provider->sample == NULL)
		return 0;
	return named(s, s->provider->sample(s->handle, samples, e), e);
}

int source_residue(struct source *s, const void *samples, size_t len,
		   struct residue *r, struct err *e)
{
	memset(r, 0, sizeof(*r));
	if (s->provider->residue == NULL) {
		snprintf(r->why, sizeof(r->why),
			 "the store's interface does not show raw bytes");
		return 0;
	}
	return named(s, s->provider->residue(s->handle, samples, len, r, e), e);
}

int source_bystanders(struct source *s, uint64_t exact, uint64_t sampled,
		      bool *all, item_fn *fn, void *arg, struct err *e)
{
	struct bounded b = {fn, arg};
	return named(s,
		     s->provider->bystanders(s->handle, exact, sampled, all,
					     bounded_item, &b, e),
		     e);
}

bool source_measures_inside(const struct source *s)
{
	return s->provider->bystanders == NULL;
}
