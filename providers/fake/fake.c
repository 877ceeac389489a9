/*
 * fake.c: the provider "fake", a rehearsal store that can be told to fail and
 * to lie (docs/providers/FAKE.md).
 */
#include "providers/fake/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/hex.h"

/* ---- settings -------------------------------------------------------------
 */

static int expand(char **out, const struct setting *at, const char *client,
		  struct err *e)
{
	struct buf text;

	buf_init(&text, ITEM_ID_MAX);
	int rc = setting_expand(&text, at, client, e);
	if (rc == 0) {
		*out = strdup(buf_str(&text));
		if (*out == NULL)
			rc = err_set(e, ERR_FAILED, "out of memory");
	}
	buf_release(&text);
	return rc;
}

static int add_kept(struct fake *f, const struct setting *group, uint32_t rule,
		    struct err *e)
{
	const struct setting *at = setting_get(group, "prefix");

	if (at == NULL || at->str == NULL || at->str[0] == '\0')
		return setting_refuse(
			group, e, "a %s of a fake source needs a prefix",
			rule != 0 ? "retention entry" : "exclusion");
	if (expand(&f->kept[f->n_kept].prefix, at, f->scope->client, e) != 0)
		return -1;
	f->kept[f->n_kept++].rule = rule;
	return 0;
}

static int read_settings(struct fake *f, struct err *e)
{
	const struct scope *s = f->scope;
	const struct setting *path = setting_get(s->settings, "path");
	const struct setting *prefix = setting_get(s->settings, "prefix");
	const struct setting *excluded = setting_get(s->settings, "excluded");
	size_t n = excluded != NULL ? excluded->n_members : 0;
	char *relative = NULL;

	if (path == NULL || path->str == NULL)
		return setting_refuse(s->settings, e,
				      "a fake source needs a path");
	if (expand(&relative, path, s->client, e) != 0)
		return -1;
	f->path = file_join(s->base, relative);
	free(relative);
	f->kept = calloc(s->n_retention + n + 1, sizeof(*f->kept));
	if (f->path == NULL || f->kept == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	if (prefix != NULL && expand(&f->prefix, prefix, s->client, e) != 0)
		return -1;
	for (size_t i = 0; i < s->n_retention; i++)
		if (add_kept(f, s->retention[i].at, (uint32_t)i + 1, e) != 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (add_kept(f, &excluded->members[i], 0, e) != 0)
			return -1;
	return faults_read(&f->faults, setting_get(s->settings, "faults"), e);
}

static void fake_close(void *handle)
{
	struct fake *f = handle;

	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n_kept; i++)
		free(f->kept[i].prefix);
	free(f->kept);
	free(f->path);
	free(f->prefix);
	faults_release(&f->faults);
	sha_free(f->sha);
	free(f);
}

static int fake_open(void **handle, const struct scope *scope, struct err *e)
{
	struct fake_store store;
	struct fake *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	f->scope = scope;
	f->sha = sha_new();
	if (f->sha == NULL)
		err_set(e, ERR_FAILED, "out of memory");
	else if (read_settings(f, e) == 0 &&
		 store_read(&store, f->path, e) == 0) {
		store_release(&store);
		*handle = f;
		return 0;
	}
	fake_close(f);
	return -1;
}

/* ---- scope ------------------------------------------------------------------
 */

static bool has_prefix(const struct fake_item *item, const char *prefix)
{
	size_t n = strlen(prefix);
	return item->key_len >= n && memcmp(item->id, prefix, n) == 0;
}

/* Retention comes first in the list and goes before exclusion. */
const struct fake_kept *fake_kept_by(const struct fake *f,
				     const struct fake_item *item)
{
	for (size_t i = 0; i < f->n_kept; i++)
		if (has_prefix(item, f->kept[i].prefix))
			return &f->kept[i];
	return NULL;
}

bool fake_in_scope(const struct fake *f, const struct fake_item *item)
{
	if (item->neighbour ||
	    (f->prefix != NULL && !has_prefix(item, f->prefix)))
		return false;
	const struct fake_kept *k = fake_kept_by(f, item);
	return k == NULL || k->rule != 0;
}

void fake_digest(const struct fake *f, unsigned char digest[SHA_LEN],
		 const struct fake_item *item)
{
	char head[80];
	int n = snprintf(head, sizeof(head), "%d %d %lld %u ", (int)item->cls,
			 item->held, (long long)item->locked_until,
			 (unsigned)item->group);

	sha_start(f->sha);
	sha_add(f->sha, head, (size_t)n);
	sha_add(f->sha, item->content, item->content_len);
	sha_end(f->sha, digest);
}

int fake_begin(struct fake *f, struct fake_store *s, struct err *e)
{
	const struct fault *slow = faults_find(&f->faults, FAULT_SLOW);

	if (slow != NULL) {
		struct timespec t = {.tv_sec = (time_t)(slow->number / 1000),
				     .tv_nsec = (long)(slow->number % 1000) *
						1000000};
		nanosleep(&t, NULL);
	}
	if (f->scope->stop != NULL && *f->scope->stop)
		return err_set(e, ERR_STOPPED, "stopped before a call");
	return store_read(s, f->path, e);
}

int fake_end(struct fake *f, struct fake_store *s, int rc, struct err *e)
{
	if (store_write(s, f->path, e) != 0)
		rc = -1;
	store_release(s);
	return rc;
}

/* True when everything that can go has gone: then the dead may rise. */
static bool emptied(const struct fake *f, const struct fake_store *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (fake_in_scope(f, &s->items[i]) &&
		    fake_kept_by(f, &s->items[i]) == NULL)
			return false;
	return s->n_gone != 0;
}

static void resurrect(struct fake *f, struct fake_store *s,
		      enum fault_kind kind)
{
	if (emptied(f, s) && faults_strike(&f->faults, s, kind, NULL))
		store_bring_back(s);
}

/* ---- enumerate ---------------------------------------------------------- */

/*
 * Which of the items [0, n) of a listing are lost: one of three pages, another
 * one each time, so that no two listings agree.
 */
static void lost_page(struct fake *f, struct fake_store *s, size_t n,
		      size_t *from, size_t *to)
{
	const struct fault *fault = faults_find(&f->faults, FAULT_LOSE_PAGE);

	*from = *to = 0;
	if (fault == NULL ||
	    !faults_strike(&f->faults, s, FAULT_LOSE_PAGE, NULL))
		return;
	size_t page = (n + 2) / 3;
	*from = (size_t)((faults_occasions(fault, s) - 1) % 3) * page;
	*to = *from + page;
}

static int hand_over(const struct fake *f, const struct fake_item *from,
		     item_fn *fn, void *arg, struct err *e)
{
	const struct fake_kept *k = fake_kept_by(f, from);
	struct item item = {
		.id = (const unsigned char *)from->id,
		.id_len = from->id_len,
		.cls = from->cls,
		.bytes = from->content_len,
		.rows = from->rows,
		.group = from->group,
		.retention = k != NULL ? k->rule : 0,
		.locked_until = from->locked_until,
		.held = from->held,
	};

	fake_digest(f, item.digest, from);
	return fn(arg, &item, e);
}

static int fake_enumerate(void *handle, item_fn *fn, void *arg, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	size_t n = 0, at = 0, from, to;
	int rc = 0;

	if (fake_begin(f, &s, e) != 0)
		return -1;
	resurrect(f, &s, FAULT_RESURRECT);
	for (size_t i = 0; i < s.n; i++)
		n += fake_in_scope(f, &s.items[i]);
	lost_page(f, &s, n, &from, &to);
	bool breaks = faults_strike(&f->faults, &s, FAULT_BREAK_PAGE, NULL);
	for (size_t i = 0; i < s.n && rc == 0; i++) {
		if (!fake_in_scope(f, &s.items[i]))
			continue;
		if (breaks && at >= n / 2)
			break;
		if (at < from || at >= to)
			rc = hand_over(f, &s.items[i], fn, arg, e);
		at++;
	}
	if (rc == 0 && breaks)
		rc = err_set(e, ERR_STORE,
			     "the listing ended after %zu of %zu items", at, n);
	return fake_end(f, &s, rc, e);
}

/* ---- check -------------------------------------------------------------- */

static int fake_check_absent(void *handle, const struct item *items, size_t n,
			     enum answer *out, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;

	if (fake_begin(f, &s, e) != 0)
		return -1;
	resurrect(f, &s, FAULT_RESURRECT);
	bool mute = faults_strike(&f->faults, &s, FAULT_MUTE, NULL);
	for (size_t i = 0; i < n; i++) {
		const struct fake_item *it =
			store_find(&s, items[i].id, items[i].id_len);
		out[i] = mute	      ? ANSWER_UNKNOWN
			 : it != NULL ? ANSWER_PRESENT
				      : ANSWER_ABSENT;
	}
	resurrect(f, &s, FAULT_RESURRECT_LATE);
	return fake_end(f, &s, 0, e);
}

static int fake_bystanders(void *handle, uint64_t exact, uint64_t sampled,
			   bool *all, item_fn *fn, void *arg, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	uint64_t n = 0, seen = 0, handed = 0;
	int rc = 0;

	if (fake_begin(f, &s, e) != 0)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		n += !fake_in_scope(f, &s.items[i]);
	*all = n <= exact;
	/* a sample at equal distances */
	for (size_t i = 0; i < s.n && rc == 0; i++) {
		if (fake_in_scope(f, &s.items[i]))
			continue;
		bool due = *all ||
			   (handed < sampled && seen * sampled >= handed * n);
		seen++;
		if (!due)
			continue;
		handed++;
		struct item item = {.id = (const unsigned char *)s.items[i].id,
				    .id_len = s.items[i].id_len,
				    .cls = s.items[i].cls};
		rc = fn(arg, &item, e);
	}
	return fake_end(f, &s, rc, e);
}

/* ---- describe ----------------------------------------------------------- */

static int fake_describe(void *handle, enum phase phase, struct description *d,
			 struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	const struct fault *blocker = faults_find(&f->faults, FAULT_BLOCKER);
	int rc = 0;

	if (fake_begin(f, &s, e) != 0)
		return -1;
	for (int c = CLASS_CURRENT; c < CLASS_COUNT; c++) {
		const struct fake_class *told = &s.classes[c];
		if (!told->told) {
			description_class(d, (enum copy_class)c, PRESENCE_ITEMS,
					  0, "items of a rehearsal store");
			continue;
		}
		description_class(d, (enum copy_class)c,
				  phase == PHASE_AFTER ? told->after
						       : told->before,
				  told->count, "%s", told->why);
		d->classes[c].until = told->until;
	}
	description_fact(d, "engine", "rehearsal store, no real data");
	snprintf(d->method, sizeof(d->method),
		 "Rehearsal: entries were taken out of a test file. Nothing "
		 "real was destroyed.");
	snprintf(d->limits, sizeof(d->limits),
		 "This source is a rehearsal store: what is said about it "
		 "says nothing about real data.");
	snprintf(d->found, sizeof(d->found), "%s",
		 f->prefix != NULL ? f->prefix : "");
	if (blocker != NULL && phase != PHASE_AFTER)
		rc = description_block(d, e, blocker->argument, 1,
				       "the rehearsal store was told to block");
	return fake_end(f, &s, rc, e);
}

static const struct setting_spec excluded_members[] = {
	{"prefix", SETTING_STRING, true, NULL, NULL},
	{"reason", SETTING_STRING, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec settings[] = {
	{"path", SETTING_STRING, true, NULL, NULL},
	{"prefix", SETTING_STRING, false, NULL, NULL},
	{"faults", SETTING_STRINGS, false, NULL, NULL},
	{"excluded", SETTING_GROUPS, false, excluded_members, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const enum copy_class classes[] = {
	CLASS_CURRENT,		 CLASS_NONCURRENT,	CLASS_DELETE_MARKER,
	CLASS_UNFINISHED_UPLOAD, CLASS_SNAPSHOT,	CLASS_SOFT_DELETED,
	CLASS_REPLICA,		 CLASS_WRITE_AHEAD_LOG, CLASS_ARCHIVED_LOG,
	CLASS_BINARY_LOG,	 CLASS_STATISTICS,	CLASS_FULL_TEXT_INDEX,
	CLASS_STAGING,		 CLASS_BACKUP,		CLASS_UNKNOWN,
};

extern const struct provider provider_fake;
const struct provider provider_fake = {
	.name = "fake",
	.summary = "a rehearsal store in one file, with scripted faults",
	.settings = settings,
	.classes = classes,
	.batch_items = 100,
	.open = fake_open,
	.close = fake_close,
	.describe = fake_describe,
	.enumerate = fake_enumerate,
	.destroy = fake_destroy,
	.check_absent = fake_check_absent,
	.purge = fake_purge,
	.sample = fake_sample,
	.residue = fake_residue,
	.bystanders = fake_bystanders,
};
