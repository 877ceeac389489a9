/* check.c: looking again, and what lies beside the scope. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- check_absent -----------------------------------------------------------
 */

struct asking {
	struct place place;
	int folder; /* the folder of the item before */
	int folder_errno;
	int folder_root;
	char folder_path[ITEM_ID_MAX + 1];
};

/* Where an id begins: the scope folder, or (bystanders) the one above it.
 * *path is what follows. */
static int root_of(const struct asking *a, const char *id, const char **path)
{
	if (strncmp(id, "../", 3) == 0) {
		*path = id + 3;
		return a->place.above;
	}
	*path = id + 1;
	return a->place.scope;
}

/* Opens path's folder unless it is the one before; errno in folder_errno. */
static void open_folder(struct asking *a, int root, const char *path,
			size_t len)
{
	bool same = a->folder_root == root && strlen(a->folder_path) == len &&
		    memcmp(a->folder_path, path, len) == 0;

	if (same && a->folder >= 0)
		return;
	if (a->folder >= 0)
		close(a->folder);
	a->folder_root = root;
	memcpy(a->folder_path, path, len);
	a->folder_path[len] = '\0';
	a->folder = open_below(root, a->folder_path);
	a->folder_errno = errno;
}

static enum answer ask(struct asking *a, const struct directory *d,
		       const struct item *item)
{
	char id[ITEM_ID_MAX + 1];
	const char *path, *name;
	struct statx st;

	if (item->id_len == 0 || item->id_len > ITEM_ID_MAX ||
	    memchr(item->id, '\0', item->id_len) != NULL)
		return ANSWER_UNKNOWN;
	memcpy(id, item->id, item->id_len);
	id[item->id_len] = '\0';
	if (id[0] != '/' && strncmp(id, "../", 3) != 0)
		return ANSWER_UNKNOWN;
	/* Where another file system stands now, not finding the name there
	 * says nothing about the item. */
	if (spec_elsewhere(item, a->place.volume))
		return ANSWER_UNKNOWN;
	int root = root_of(a, id, &path);
	if (!path_plain(path))
		return ANSWER_UNKNOWN;
	if (root < 0) /* place_open() found that the folder is not there */
		return ANSWER_ABSENT;
	if (*path == '\0') {
		root = a->place.above;
		path = place_name(d);
	}
	const char *slash = strrchr(path, '/');
	name = slash != NULL ? slash + 1 : path;
	open_folder(a, root, path, slash != NULL ? (size_t)(slash - path) : 0);
	if (a->folder < 0)
		return a->folder_errno == ENOENT ? ANSWER_ABSENT
						 : ANSWER_UNKNOWN;
	if (look_at(&st, a->folder, name) == 0)
		return ANSWER_PRESENT;
	return errno == ENOENT ? ANSWER_ABSENT : ANSWER_UNKNOWN;
}

int directory_check_absent(void *handle, const struct item *items, size_t n,
			   enum answer *out, struct err *e)
{
	struct directory *d = handle;
	struct asking *a = calloc(1, sizeof(*a));
	int rc = -1;

	if (a == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	a->folder = -1;
	/* a fresh resolution by path: no handle of the destruction is used */
	if (place_open(&a->place, d, e) != 0)
		goto out;
	for (size_t i = 0; i < n; i++) {
		if (d->scope->stop != NULL && *d->scope->stop) {
			err_set(e, ERR_STOPPED, "stopped while checking");
			goto close;
		}
		out[i] = ask(a, d, &items[i]);
	}
	rc = 0;
close:
	if (a->folder >= 0)
		close(a->folder);
	place_close(&a->place);
out:
	free(a);
	return rc;
}

/* ---- bystanders --------------------------------------------------------- */

struct bystander {
	char *id;
	size_t len;
};

/*
 * Up to `limit` names are kept.  While fewer have been seen all of them are
 * there; beyond, each name seen has the same chance to be among the first
 * `sampled` (reservoir sampling), so the sample is spread over the whole walk.
 */
struct neighbours {
	struct directory *d;
	const struct place *place;
	struct statx scope; /* the scope folder, which is no bystander */
	struct ours *ours;  /* nor are these */
	struct bystander *names;
	size_t n, size;
	uint64_t exact, sampled, seen;
	uint64_t random;
};

/* xorshift: which names are sampled need not be secret */
static uint64_t roll(struct neighbours *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

static int set_name(struct bystander *to, const struct walked *w, struct err *e)
{
	char *id = malloc(w->id_len);
	if (id == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	memcpy(id, w->id, w->id_len);
	free(to->id);
	to->id = id;
	to->len = w->id_len;
	return 0;
}

static void shrink(struct neighbours *b, uint64_t n)
{
	while (b->n > n)
		free(b->names[--b->n].id);
}

/* From the first `exact` names to a fair sample of them. */
static void become_sample(struct neighbours *b)
{
	uint64_t want = b->sampled < b->n ? b->sampled : b->n;
	for (size_t i = 0; i < want; i++) {
		size_t j = i + (size_t)(roll(b) % (b->n - i));
		struct bystander swap = b->names[i];
		b->names[i] = b->names[j];
		b->names[j] = swap;
	}
	shrink(b, want);
}

static int add_bystander(struct neighbours *b, const struct walked *w,
			 struct err *e)
{
	b->seen++;
	if (b->seen <= b->exact) {
		if (b->n == b->size) {
			size_t size = b->size == 0 ? 256 : 2 * b->size;
			struct bystander *more =
				realloc(b->names, size * sizeof(*more));
			if (more == NULL)
				return err_set(e, ERR_FAILED, "out of memory");
			b->names = more;
			b->size = size;
		}
		b->names[b->n] = (struct bystander){NULL, 0};
		if (set_name(&b->names[b->n], w, e) != 0)
			return -1;
		b->n++;
		return 0;
	}
	if (b->seen == b->exact + 1)
		become_sample(b);
	if (b->sampled == 0)
		return 0;
	if (b->n < b->sampled && b->n < b->size) {
		b->names[b->n] = (struct bystander){NULL, 0};
		return set_name(&b->names[b->n], w, e) != 0 ? -1 : (b->n++, 0);
	}
	uint64_t at = roll(b) % b->seen;
	return at < b->n ? set_name(&b->names[at], w, e) : 0;
}

static int outside(void *arg, const struct walked *w, struct err *e)
{
	struct neighbours *b = arg;

	/* the scope folder by its identity: it may be bind-mounted beside */
	if (b->place->scope >= 0 && w->st->stx_ino == b->scope.stx_ino &&
	    look_dev(w->st) == look_dev(&b->scope))
		return WALK_SKIP;
	if (S_ISDIR(w->st->stx_mode) && ours_is(b->ours, w->st))
		return WALK_SKIP;
	return add_bystander(b, w, e) != 0 ? -1 : WALK_ON;
}

/* What is excluded inside the scope must stay too. */
static int excluded(void *arg, const struct walked *w, struct err *e)
{
	struct neighbours *b = arg;
	const struct kept *which;
	enum standing standing = kept_standing(&which, b->d, w->id, w->id_len);

	if (standing == STANDING_FREE)
		return WALK_SKIP;
	if (which->rule == 0 && add_bystander(b, w, e) != 0)
		return -1;
	return WALK_ON;
}

int directory_bystanders(void *handle, uint64_t exact, uint64_t sampled,
			 bool *all, item_fn *fn, void *arg, struct err *e)
{
	struct directory *d = handle;
	struct place p;
	int rc = -1;

	if (place_open(&p, d, e) != 0)
		return -1;
	struct neighbours b = {
		.d = d, .place = &p, .exact = exact, .sampled = sampled};
	struct statx above;
	if (getrandom(&b.random, sizeof(b.random), GRND_NONBLOCK) < 0 ||
	    b.random == 0)
		b.random = UINT64_C(0x9e3779b97f4a7c15);
	if (kept_look(d, &p, e) != 0 || ours_look(&b.ours, d, e) != 0)
		goto out;
	if (p.scope >= 0 && look_fd(&b.scope, p.scope) != 0) {
		err_errno(e, "looking at %s/%s", d->anchor, d->rest);
		goto out;
	}
	if (p.above >= 0) {
		if (look_fd(&above, p.above) != 0) {
			err_errno(e, "looking at the folder above %s/%s",
				  d->anchor, d->rest);
			goto out;
		}
		if (walk(p.above, "..", look_dev(&above), d->scope->stop,
			 outside, &b, e) != 0)
			goto out;
	}
	if (p.scope >= 0 && d->n_kept != 0 &&
	    walk(p.scope, "", p.dev, d->scope->stop, excluded, &b, e) != 0)
		goto out;
	*all = b.seen <= exact;
	for (size_t i = 0; i < b.n; i++) {
		struct item item = {.id = (unsigned char *)b.names[i].id,
				    .id_len = b.names[i].len,
				    .cls = CLASS_CURRENT};
		if (fn(arg, &item, e) != 0)
			goto out;
	}
	rc = 0;
out:
	shrink(&b, 0);
	free(b.names);
	ours_free(b.ours);
	place_close(&p);
	return rc;
}
