/* directory.c: the provider "directory": settings, listing, description. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/base/file.h"

/* ---- settings -------------------------------------------------------------
 */

/* Appends text as parts joined by single slashes, each with a slash before it
 * if lead is set.  Refuses "." and "..", and a part no file can have. */
static int put_parts(struct buf *out, const struct setting *at,
		     const char *text, bool lead, struct err *e)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "/");
		if ((len == 1 && text[0] == '.') ||
		    (len == 2 && memcmp(text, "..", 2) == 0))
			return setting_refuse(at, e,
					      "\"%s\": \".\" and \"..\" may "
					      "not be parts of this path",
					      at->str);
		if (len > NAME_MAX)
			return setting_refuse(at, e,
					      "\"%s\": a part is longer than "
					      "%d bytes",
					      at->str, NAME_MAX);
		if (len != 0 && (lead || out->len != 0))
			buf_putc(out, '/');
		buf_put(out, text, len);
		text += len + (text[len] == '/');
	}
	if (buf_failed(out))
		return setting_refuse(at, e, "\"%s\" is too long", at->str);
	return 0;
}

/* Cuts path into anchor and rest (internal.h): before the part that names the
 * client, or before the last part when none does. */
static int split_path(struct directory *d, const struct setting *at,
		      struct err *e)
{
	int rc = -1;
	struct buf whole, rest;

	buf_init(&whole, ITEM_ID_MAX);
	buf_init(&rest, ITEM_ID_MAX);
	if (setting_expand(&whole, at, d->scope->client, e) != 0)
		goto out;
	while (whole.len > 1 && whole.data[whole.len - 1] == '/')
		whole.data[--whole.len] = '\0';
	const char *word = strstr(at->str, "{client}");
	size_t cut = word != NULL ? (size_t)(word - at->str) : whole.len;
	const char *text = buf_str(&whole);
	while (cut != 0 && text[cut - 1] != '/')
		cut--;
	if (put_parts(&rest, at, text + cut, false, e) != 0)
		goto out;
	if (rest.len == 0) {
		setting_refuse(at, e,
			       "\"%s\": a path must name a folder below "
			       "another one",
			       at->str);
		goto out;
	}
	d->rest = strdup(buf_str(&rest));
	whole.data[cut] = '\0';
	d->anchor = file_join(d->scope->base, cut == 0 ? "." : text);
	if (d->rest == NULL || d->anchor == NULL)
		err_set(e, ERR_FAILED, "out of memory");
	else
		rc = 0;
out:
	buf_release(&whole);
	buf_release(&rest);
	return rc;
}

static int add_kept(struct directory *d, const struct setting *group,
		    uint32_t rule, const char *what, struct err *e)
{
	const struct setting *at = setting_get(group, "path");
	struct buf text, id;
	int rc = -1;

	if (at == NULL || at->str == NULL)
		return setting_refuse(group, e,
				      "%s of a directory source needs a path "
				      "relative to the source's folder",
				      what);
	buf_init(&text, ITEM_ID_MAX);
	buf_init(&id, ITEM_ID_MAX);
	if (setting_expand(&text, at, d->scope->client, e) != 0 ||
	    put_parts(&id, at, buf_str(&text), true, e) != 0)
		goto out;
	if (at->str[0] == '/' || id.len == 0) {
		setting_refuse(at, e,
			       "\"%s\": the path of %s is relative to the "
			       "source's folder and names something in it",
			       at->str, what);
		goto out;
	}
	d->kept[d->n_kept].rule = rule;
	d->kept[d->n_kept].id = strdup(buf_str(&id));
	if (d->kept[d->n_kept].id == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	d->n_kept++;
	rc = 0;
out:
	buf_release(&text);
	buf_release(&id);
	return rc;
}

static int read_kept(struct directory *d, struct err *e)
{
	const struct scope *s = d->scope;
	const struct setting *excluded = setting_get(s->settings, "excluded");
	size_t n = excluded != NULL ? excluded->n_members : 0;

	d->kept = calloc(s->n_retention + n + 1, sizeof(*d->kept));
	if (d->kept == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < s->n_retention; i++)
		if (add_kept(d, s->retention[i].at, (uint32_t)i + 1,
			     "a retention entry", e) != 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (add_kept(d, &excluded->members[i], 0, "an exclusion", e) !=
		    0)
			return -1;
	return 0;
}

static void directory_close(void *handle)
{
	struct directory *d = handle;

	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n_kept; i++)
		free(d->kept[i].id);
	free(d->kept);
	free(d->anchor);
	free(d->rest);
	links_free(d->links);
	sha_free(d->sha);
	free(d);
}

static int directory_open(void **handle, const struct scope *scope,
			  struct err *e)
{
	const struct setting *path = setting_get(scope->settings, "path");
	struct place place;

	if (path == NULL || path->str == NULL)
		return setting_refuse(scope->settings, e,
				      "a directory source needs a path");
	struct directory *d = calloc(1, sizeof(*d));
	if (d == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	d->scope = scope;
	d->sha = sha_new();
	if (d->sha == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto fail;
	}
	if (split_path(d, path, e) != 0 || read_kept(d, e) != 0 ||
	    ours_refuse(d, path, e) != 0 || place_open(&place, d, e) != 0)
		goto fail;
	place_close(&place);
	*handle = d;
	return 0;
fail:
	directory_close(d);
	return -1;
}

/* ---- what is kept ----------------------------------------------------------
 */

/* True when id is path or lies below it. */
static bool within(const char *id, size_t len, const char *path, size_t n)
{
	return len >= n && memcmp(id, path, n) == 0 &&
	       (len == n || id[n] == '/');
}

enum standing kept_standing(const struct kept **which,
			    const struct directory *d, const char *id,
			    size_t len)
{
	enum standing best = STANDING_FREE;

	*which = NULL;
	if (len == 1)
		len = 0; /* "/" is above everything */
	/* Retention entries stand first in the list: a retained path, then a
	 * folder that holds one, go before what is merely excluded. */
	for (size_t i = 0; i < d->n_kept; i++) {
		const struct kept *k = &d->kept[i];
		size_t n = strlen(k->id);
		bool excluded_later =
			*which != NULL && (*which)->rule != 0 && k->rule == 0;
		if (excluded_later)
			break;
		if (within(id, len, k->id, n)) {
			*which = k;
			return STANDING_KEPT;
		}
		if (best == STANDING_FREE && k->found &&
		    within(k->id, n, id, len)) {
			*which = k;
			best = STANDING_ABOVE;
		}
	}
	return best;
}

int kept_look(struct directory *d, const struct place *p, struct err *e)
{
	for (size_t i = 0; i < d->n_kept; i++) {
		struct kept *k = &d->kept[i];
		struct statx st;
		k->found = false;
		if (p->scope < 0)
			continue;
		char *folder = strdup(k->id + 1);
		if (folder == NULL)
			return err_set(e, ERR_FAILED, "out of memory");
		char *slash = strrchr(folder, '/');
		const char *name = slash != NULL ? slash + 1 : folder;
		int fd = -1;
		if (slash != NULL)
			*slash = '\0';
		fd = open_below(p->scope, slash != NULL ? folder : "");
		if (fd >= 0 && look_at(&st, fd, name) == 0)
			k->found = true;
		int saved = errno;
		bool found = k->found;
		if (fd >= 0)
			close(fd);
		free(folder);
		/* doubt must not free a retained path's parents (I3) */
		if (!found && saved != ENOENT && saved != ENOTDIR)
			return err_set(e, ERR_DENIED,
				       "looking for the kept path \"%s\": %s",
				       k->id, strerror(saved));
	}
	return 0;
}

/* ---- enumerate ---------------------------------------------------------- */

struct listing {
	struct directory *d;
	const struct place *place;
	item_fn *fn;
	void *arg;
};

/* Hands one thing over; WALK_SKIP when nothing below it is looked at. */
static int hand_over(void *arg, const struct walked *w, struct err *e)
{
	struct listing *l = arg;
	const struct kept *which;
	struct identity id;
	struct item item = {0};
	unsigned char spec[SPEC_LEN];
	enum standing standing = kept_standing(&which, l->d, w->id, w->id_len);

	if (which != NULL && which->rule == 0)
		return standing == STANDING_KEPT ? WALK_SKIP : WALK_ON;
	identity_of(&id, w->st, l->place->volume, w->folder, w->name, -1);
	spec_write(spec, l->place->volume);
	identity_digest(l->d->sha, item.digest, &id, spec, sizeof(spec));
	item.id = (const unsigned char *)w->id;
	item.id_len = w->id_len;
	item.cls = CLASS_CURRENT;
	item.modified = id.mtime;
	item.bytes = id.type == S_IFREG || id.type == S_IFLNK ? id.size : 0;
	item.retention = which != NULL ? which->rule : 0;
	/* what another file system is mounted on cannot be removed */
	item.held = w->mount;
	item.spec = spec;
	item.spec_len = sizeof(spec);
	return l->fn(l->arg, &item, e) == 0 ? WALK_ON : -1;
}

int directory_enumerate(void *handle, item_fn *fn, void *arg, struct err *e)
{
	struct directory *d = handle;
	struct place p;
	struct statx st;
	int rc = -1;

	if (place_open(&p, d, e) != 0)
		return -1;
	struct listing l = {d, &p, fn, arg};
	if (kept_look(d, &p, e) != 0)
		goto out;
	if (p.scope < 0) {
		rc = 0;
		goto out;
	}
	if (look_fd(&st, p.scope) != 0) {
		err_errno(e, "looking at %s/%s", d->anchor, d->rest);
		goto out;
	}
	/* The scope folder itself: its name may be the client's. */
	struct walked root = {.folder = p.above,
			      .name = place_name(d),
			      .id = "/",
			      .id_len = 1,
			      .st = &st,
			      .mount = p.mounted};
	if (hand_over(&l, &root, e) < 0)
		goto out;
	rc = walk(p.scope, "", p.dev, d->scope->stop, hand_over, &l, e);
out:
	place_close(&p);
	return rc;
}

/* ---- describe ----------------------------------------------------------- */

static int block_links(struct description *out, const struct links *l,
		       struct err *e)
{
	uint64_t outside, kept;

	links_sum(l, &outside, &kept);
	if (outside != 0 &&
	    description_block(
		    out, e, "hard-link-outside", outside,
		    "%llu files have a name outside the source too: their "
		    "content would stay there. Find the other names (find "
		    "FOLDER -inum N) and remove them, or make them a source",
		    (unsigned long long)outside) != 0)
		return -1;
	if (kept == 0)
		return 0;
	return description_block(
		out, e, "hard-link-retained", kept,
		"%llu files to be destroyed share their content with a "
		"retained or excluded name, so the content would stay. Copy "
		"the retained file to one of its own",
		(unsigned long long)kept);
}

static int block_missing(struct description *out, const struct directory *d,
			 struct err *e)
{
	for (size_t i = 0; i < d->n_kept; i++) {
		const struct kept *k = &d->kept[i];
		if (k->found)
			continue;
		if (description_block(out, e,
				      k->rule != 0 ? "retention-missing"
						   : "exclusion-missing",
				      1,
				      "nothing is at \"%s\", which the "
				      "closeout file wants kept: correct the "
				      "path or remove the entry",
				      k->id) != 0)
			return -1;
	}
	return 0;
}

static int describe_before(struct description *out, struct directory *d,
			   const struct place *p, struct err *e)
{
	struct links *l = NULL;
	struct seen_beside beside = {0, 0};
	int rc = -1;

	if (kept_look(d, p, e) != 0 || links_count(&l, &beside, d, p, e) != 0)
		return -1;
	if (block_links(out, l, e) != 0)
		goto out;
	beside.mounts += p->mounted;
	if (beside.mounts != 0 &&
	    description_block(
		    out, e, "mount-point", beside.mounts,
		    "other file systems are mounted in the source (or on its "
		    "folder): what is on them is not listed and not "
		    "destroyed. Unmount them, or make each a source") != 0)
		goto out;
	if (p->scope >= 0 && block_missing(out, d, e) != 0)
		goto out;
	if (beside.specials != 0)
		description_class(out, CLASS_CURRENT, PRESENCE_ITEMS, 0,
				  "files, symbolic links, folders and special "
				  "files: each name is an item; %llu are "
				  "pipes, sockets or devices, whose names are "
				  "removed",
				  (unsigned long long)beside.specials);
	rc = 0;
out:
	links_free(l);
	return rc;
}

int directory_describe(void *handle, enum phase phase, struct description *out,
		       struct err *e)
{
	struct directory *d = handle;
	struct place p;
	int rc = 0;

	if (place_open(&p, d, e) != 0)
		return -1;
	description_class(out, CLASS_CURRENT, PRESENCE_ITEMS, 0,
			  "files, symbolic links, folders and special files: "
			  "each name is an item");
	medium_describe(out, p.scope >= 0 ? p.scope : p.above);
	if (p.scope >= 0)
		shown(out->found, place_name(d), strlen(place_name(d)));
	if (phase != PHASE_AFTER)
		rc = describe_before(out, d, &p, e);
	place_close(&p);
	return rc;
}

static const struct setting_spec excluded_members[] = {
	{"path", SETTING_STRING, true, NULL, NULL},
	{"reason", SETTING_STRING, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec settings[] = {
	{"path", SETTING_STRING, true, NULL, NULL},
	{"excluded", SETTING_GROUPS, false, excluded_members, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const enum copy_class classes[] = {CLASS_CURRENT, CLASS_UNKNOWN};

extern const struct provider provider_directory;
const struct provider provider_directory = {
	.name = "directory",
	.summary = "a folder of files on this machine or mounted on it",
	.settings = settings,
	.classes = classes,
	.batch_items = 512,
	.open = directory_open,
	.close = directory_close,
	.describe = directory_describe,
	.enumerate = directory_enumerate,
	.destroy = directory_destroy,
	.check_absent = directory_check_absent,
	.bystanders = directory_bystanders,
};
