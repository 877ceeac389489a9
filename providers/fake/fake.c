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

/* One prefix below the scope that is kept. */
struct fake_kept {
	char *prefix;
	uint32_t rule; /* from 1; 0: excluded */
};

struct fake {
	const struct scope *scope;
	char *path;
	char *prefix;
	struct fake_kept *kept;
	size_t n_kept;
	struct faults faults;
	struct sha *sha;
};

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
static const struct fake_kept *kept_by(const struct fake *f,
				       const struct fake_item *item)
{
	for (size_t i = 0; i < f->n_kept; i++)
		if (has_prefix(item, f->kept[i].prefix))
			return &f->kept[i];
	return NULL;
}

static bool in_scope(const struct fake *f, const struct fake_item *item)
{
	if (item->neighbour ||
	    (f->prefix != NULL && !has_prefix(item, f->prefix)))
		return false;
	const struct fake_kept *k = kept_by(f, item);
	return k == NULL || k->rule != 0;
}

static void digest_of(const struct fake *f, unsigned char digest[SHA_LEN],
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

/* Every call begins so: it takes its time, may find the store out of reach,
 * and reads the file. */
static int begin(struct fake *f, struct fake_store *s, struct err *e)
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

/* ... and ends so. */
static int end(struct fake *f, struct fake_store *s, int rc, struct err *e)
{
	/* what was done before a failure is kept, as in a real store */
	if (store_write(s, f->path, e) != 0)
		rc = -1;
	store_release(s);
	return rc;
}

/* True when everything that can go has gone: then the dead may rise. */
static bool emptied(const struct fake *f, const struct fake_store *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (in_scope(f, &s->items[i]) &&
		    kept_by(f, &s->items[i]) == NULL)
			return false;
	return s->n_gone != 0;
}

static void resurrect(struct fake *f, struct fake_store *s,
		      enum fault_kind kind)
{
	if (emptied(f, s) && faults_strike(&f->faults, s, kind, NULL))
		store_bring_back(s);
}

/* ---- enumerate ------------------------------------------------------ */

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
	const struct fake_kept *k = kept_by(f, from);
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

	digest_of(f, item.digest, from);
	return fn(arg, &item, e);
}

static int fake_enumerate(void *handle, item_fn *fn, void *arg, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	size_t n = 0, at = 0, from, to;
	int rc = 0;

	if (begin(f, &s, e) != 0)
		return -1;
	resurrect(f, &s, FAULT_RESURRECT);
	for (size_t i = 0; i < s.n; i++)
		n += in_scope(f, &s.items[i]);
	lost_page(f, &s, n, &from, &to);
	bool breaks = faults_strike(&f->faults, &s, FAULT_BREAK_PAGE, NULL);
	for (size_t i = 0; i < s.n && rc == 0; i++) {
		if (!in_scope(f, &s.items[i]))
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
	return end(f, &s, rc, e);
}

/* ---- destroy -------------------------------------------------------- */

static int says(struct outcome *out, enum outcome_code code, const char *why)
{
	out->code = code;
	snprintf(out->why, sizeof(out->why), "%s", why);
	return 0;
}

/* What happens to the item behind everybody's back, just before. */
static int behind_the_back(struct fake *f, struct fake_store *s,
			   const struct item *item, struct err *e)
{
	struct fake_item *it = store_find(s, item->id, item->id_len);

	if (it == NULL)
		return 0;
	if (faults_strike(&f->faults, s, FAULT_DRIFT, it)) {
		unsigned char *more = realloc(it->content, it->content_len + 1);
		if (more == NULL)
			return err_set(e, ERR_FAILED, "out of memory");
		more[it->content_len++] = '!';
		it->content = more;
	}
	if (faults_strike(&f->faults, s, FAULT_VANISH, it))
		return store_take(s, it, false, false, e);
	return 0;
}

static int destroy_one(struct fake *f, struct fake_store *s,
		       const struct item *item, bool lies, struct outcome *out,
		       struct err *e)
{
	unsigned char digest[SHA_LEN];
	struct fake_item *it;

	if (behind_the_back(f, s, item, e) != 0)
		return -1;
	it = store_find(s, item->id, item->id_len);
	if (it == NULL)
		return says(out, OUTCOME_GONE, "");
	if (!in_scope(f, it) || kept_by(f, it) != NULL || item->retention != 0)
		return says(out, OUTCOME_REFUSED,
			    "out of scope or kept by the closeout file");
	digest_of(f, digest, it);
	if (memcmp(digest, item->digest, SHA_LEN) != 0)
		return says(out, OUTCOME_DRIFTED, "its content changed");
	if (it->held || faults_strike(&f->faults, s, FAULT_REFUSE, it))
		return says(out, OUTCOME_REFUSED, "the store says no");
	if (it->locked_until > clock_now()) {
		out->until = it->locked_until;
		return says(out, OUTCOME_LOCKED, "locked until a date");
	}
	if (lies)
		return says(out, OUTCOME_DONE, "");
	bool remember = faults_find(&f->faults, FAULT_RESURRECT) != NULL ||
			faults_find(&f->faults, FAULT_RESURRECT_LATE) != NULL;
	bool ghost = faults_find(&f->faults, FAULT_RESIDUE) != NULL ||
		     faults_find(&f->faults, FAULT_RESIDUE_STAYS) != NULL;
	if (store_take(s, it, remember, ghost, e) != 0)
		return -1;
	return says(out, OUTCOME_DONE, "");
}

static int grow(struct fake *f, struct fake_store *s, struct err *e)
{
	char id[ITEM_ID_MAX];
	const struct fault *fault = faults_find(&f->faults, FAULT_GROW);
	const char *prefix = f->prefix != NULL ? f->prefix : "";
	int key_len = snprintf(id, sizeof(id) - 2, "%sgrown-%llu", prefix,
			       (unsigned long long)faults_occasions(fault, s));

	if (key_len < 0 || (size_t)key_len >= sizeof(id) - 2)
		return err_set(e, ERR_FAILED, "the prefix is too long");
	id[key_len + 1] = '1';
	unsigned char content[] = "new";
	struct fake_item item = {.id = id,
				 .key_len = (size_t)key_len,
				 .id_len = (size_t)key_len + 2,
				 .cls = CLASS_CURRENT,
				 .content = content,
				 .content_len = sizeof(content) - 1};
	return store_add(s, &item, e);
}

static int harm(struct fake *f, struct fake_store *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++)
		if (!in_scope(f, &s->items[i]))
			return store_take(s, &s->items[i], false, false, e);
	return 0;
}

static int destroy_items(struct fake *f, struct fake_store *s,
			 const struct item *items, size_t n,
			 struct outcome *out, struct err *e)
{
	bool lies = faults_strike(&f->faults, s, FAULT_LIE, NULL);
	bool half = faults_strike(&f->faults, s, FAULT_HALF_BATCH, NULL);
	bool lost = faults_strike(&f->faults, s, FAULT_LOST_ANSWER, NULL);

	for (size_t i = 0; i < n; i++) {
		if (half && i >= n / 2)
			return err_set(e, ERR_UNREACHABLE,
				       "the connection broke after %zu of %zu "
				       "items",
				       i, n);
		if (destroy_one(f, s, &items[i], lies, &out[i], e) != 0)
			return -1;
	}
	for (size_t i = 0; lost && i < n; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		says(&out[i], OUTCOME_UNKNOWN, "the answer was lost");
	}
	if (faults_strike(&f->faults, s, FAULT_GROW, NULL) &&
	    grow(f, s, e) != 0)
		return -1;
	if (faults_strike(&f->faults, s, FAULT_HARM_NEIGHBOUR, NULL))
		return harm(f, s, e);
	return 0;
}

static int fake_destroy(void *handle, const struct item *items, size_t n,
			struct outcome *out, struct bystanders *by,
			struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	int rc;

	(void)by; /* listed by fake_bystanders() */
	if (begin(f, &s, e) != 0)
		return -1;
	if (faults_strike(&f->faults, &s, FAULT_UNREACHABLE, NULL))
		rc = err_set(e, ERR_UNREACHABLE, "no connection");
	else if (faults_strike(&f->faults, &s, FAULT_AUTH, NULL))
		rc = err_set(e, ERR_AUTH, "the credentials have expired");
	else if (faults_strike(&f->faults, &s, FAULT_TIMEOUT, NULL)) {
		for (size_t i = 0; i < n; i++)
			says(&out[i], OUTCOME_UNKNOWN, "no answer in time");
		rc = 0;
	} else
		rc = destroy_items(f, &s, items, n, out, e);
	return end(f, &s, rc, e);
}

/* ---- check ---------------------------------------------------------- */

static int fake_check_absent(void *handle, const struct item *items, size_t n,
			     enum answer *out, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;

	if (begin(f, &s, e) != 0)
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
	return end(f, &s, 0, e);
}

static int fake_bystanders(void *handle, uint64_t exact, uint64_t sampled,
			   bool *all, item_fn *fn, void *arg, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	uint64_t n = 0, seen = 0, handed = 0;
	int rc = 0;

	if (begin(f, &s, e) != 0)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		n += !in_scope(f, &s.items[i]);
	*all = n <= exact;
	/* a sample at equal distances */
	for (size_t i = 0; i < s.n && rc == 0; i++) {
		if (in_scope(f, &s.items[i]))
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
	return end(f, &s, rc, e);
}

/* ---- purge, sample, residue ----------------------------------------- */

static int fake_purge(void *handle, struct buf *did, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;

	if (begin(f, &s, e) != 0)
		return -1;
	if (faults_find(&f->faults, FAULT_RESIDUE_STAYS) == NULL) {
		for (size_t i = 0; i < s.n_ghosts; i++)
			free(s.ghosts[i]);
		s.changed |= s.n_ghosts != 0;
		s.n_ghosts = 0;
	}
	buf_puts(did, "the rehearsal store was rewritten");
	return end(f, &s, 0, e);
}

#define SAMPLES 8

static int fake_sample(void *handle, struct buf *samples, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	size_t taken = 0;

	if (begin(f, &s, e) != 0)
		return -1;
	/* one escaped content per line, as it stands in the file; short ones
	 * would be found in anything */
	for (size_t i = 0; i < s.n && taken < SAMPLES; i++) {
		const struct fake_item *it = &s.items[i];
		if (!in_scope(f, it) || kept_by(f, it) != NULL ||
		    it->content_len < 8)
			continue;
		name_escape(samples, it->content, it->content_len);
		buf_putc(samples, '\n');
		taken++;
	}
	int rc = buf_failed(samples)
			 ? err_set(e, ERR_FAILED, "no room for samples")
			 : 0;
	return end(f, &s, rc, e);
}

static uint64_t count_in(const struct buf *raw, const char *text, size_t len)
{
	uint64_t hits = 0;
	const unsigned char *at = raw->data, *last = raw->data + raw->len;

	while (len != 0 && (size_t)(last - at) >= len) {
		at = memchr(at, text[0], (size_t)(last - at) - len + 1);
		if (at == NULL)
			break;
		hits += memcmp(at, text, len) == 0;
		at++;
	}
	return hits;
}

static int fake_residue(void *handle, const void *samples, size_t len,
			struct residue *r, struct err *e)
{
	struct fake *f = handle;
	const char *at = samples, *last = at + len;
	struct buf raw;
	int rc = -1;

	buf_init(&raw, STORE_MAX);
	if (file_read(&raw, f->path, e) != 0)
		goto out;
	while (at < last) {
		const char *line = memchr(at, '\n', (size_t)(last - at));
		if (line == NULL)
			break;
		r->hits += count_in(&raw, at, (size_t)(line - at));
		at = line + 1;
	}
	r->possible = true;
	r->bytes = raw.len;
	snprintf(r->regions, sizeof(r->regions), "the rehearsal store's file");
	rc = 0;
out:
	buf_release(&raw);
	return rc;
}

/* ---- describe ------------------------------------------------------- */

static int fake_describe(void *handle, enum phase phase, struct description *d,
			 struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	const struct fault *blocker = faults_find(&f->faults, FAULT_BLOCKER);
	int rc = 0;

	if (begin(f, &s, e) != 0)
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
	if (blocker != NULL && phase == PHASE_BEFORE)
		rc = description_block(d, e, blocker->argument, 1,
				       "the rehearsal store was told to block");
	return end(f, &s, rc, e);
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
