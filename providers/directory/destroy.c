/*
 * destroy.c: a batch of names, overwritten, unlinked and synced.
 *
 * Files of one folder are opened, overwritten and written out together, then
 * synced one after the other (the first sync carries most of the others'
 * data), then unlinked; the folder is synced when the batch leaves it.
 */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TOGETHER 64 /* files open at once */

struct overwritten {
	int fd;
	size_t index;
	bool written; /* false: there was nothing to overwrite */
	char name[NAME_MAX + 1];
};

struct batch {
	struct directory *d;
	const struct item *items;
	struct outcome *out;
	struct place place;
	/* The folder that the current items are in. */
	int folder;
	const unsigned char *folder_id; /* in an item's id */
	size_t folder_len;
	bool dirty;
	/* A folder left with names removed and not yet synced: often the next
	 * thing to go is that folder itself. */
	int left;
	struct overwritten *files;
	size_t n_files;
	struct err *e;
};

static int says(struct batch *b, size_t i, enum outcome_code code,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static int says(struct batch *b, size_t i, enum outcome_code code,
		const char *fmt, ...)
{
	va_list ap;

	b->out[i].code = code;
	va_start(ap, fmt);
	vsnprintf(b->out[i].why, sizeof(b->out[i].why), fmt, ap);
	va_end(ap);
	return 0;
}

/* What errno of a call on item i means. */
static int says_errno(struct batch *b, size_t i, const char *doing)
{
	const char *why = strerror(errno);

	switch (errno) {
	case ENOENT:
		return says(b, i, OUTCOME_GONE, "%s", "");
	case ELOOP:
	case ENOTDIR:
	case EISDIR:
	case ENXIO: /* opening a socket or a device without its driver */
		return says(b, i, OUTCOME_DRIFTED, "%s: %s", doing, why);
	case EXDEV:
		return says(b, i, OUTCOME_DRIFTED,
			    "%s: another file system is mounted there now",
			    doing);
	case EPERM:
		return says(b, i, OUTCOME_REFUSED,
			    "%s: %s (immutable or append-only? see lsattr)",
			    doing, why);
	case EACCES:
	case EBUSY:
	case ETXTBSY:
	case EROFS:
	case ENOSPC:
	case EDQUOT:
	case EIO:
		return says(b, i, OUTCOME_REFUSED, "%s: %s", doing, why);
	case ENOTEMPTY:
	case EEXIST:
		return says(b, i, OUTCOME_REFUSED,
			    "%s: it still holds something", doing);
	default:
		return says(b, i, OUTCOME_UNKNOWN, "%s: %s", doing, why);
	}
}

/* ---- folders ----------------------------------------------------------------
 */

static int sync_left(struct batch *b)
{
	int rc = 0;

	if (b->left < 0)
		return 0;
	if (fsync(b->left) != 0)
		rc = err_set(b->e, ERR_STORE,
			     "syncing a folder after names were removed: %s",
			     strerror(errno));
	close(b->left);
	b->left = -1;
	return rc;
}

static void remove_name(struct batch *b, size_t i, const char *name, int flag)
{
	if (unlinkat(b->folder, name, flag) != 0) {
		says_errno(b, i, "removing the name");
		return;
	}
	b->dirty = true;
	b->out[i].code = OUTCOME_DONE;
}

/* Syncs what was overwritten, then removes the names. */
static void finish_files(struct batch *b)
{
	for (size_t k = 0; k < b->n_files; k++) {
		struct overwritten *f = &b->files[k];
		struct statx st, now;
		if (f->written && fdatasync(f->fd) != 0)
			says_errno(b, f->index, "writing zeros over it");
		else if (look_fd(&st, f->fd) != 0 ||
			 look_at(&now, b->folder, f->name) != 0)
			says_errno(b, f->index, "looking at it again");
		else if (st.stx_ino != now.stx_ino ||
			 look_dev(&st) != look_dev(&now))
			says(b, f->index, OUTCOME_DRIFTED,
			     "another file took its name; the planned one was "
			     "overwritten");
		else if (now.stx_nlink != 1) {
			remove_name(b, f->index, f->name, 0);
			if (b->out[f->index].code == OUTCOME_DONE)
				says(b, f->index, OUTCOME_KEPT,
				     "it was given another name meanwhile; "
				     "zeros are left there");
		} else
			remove_name(b, f->index, f->name, 0);
		close(f->fd);
	}
	b->n_files = 0;
}

/* Ends the work in the current folder. */
static int leave_folder(struct batch *b)
{
	int rc = 0;

	finish_files(b);
	if (b->folder < 0)
		return 0;
	if (b->dirty) {
		rc = sync_left(b);
		b->left = b->folder;
	} else {
		close(b->folder);
	}
	b->folder = -1;
	b->dirty = false;
	return rc;
}

/* Opens the folder that holds item i; *name is its name in there.  1 when the
 * outcome is already decided. */
static int enter_folder(struct batch *b, size_t i, const char **name,
			char path[ITEM_ID_MAX + 1])
{
	const struct item *item = &b->items[i];
	size_t len = item->id_len;

	memcpy(path, item->id, len);
	path[len] = '\0';
	bool root = len == 1;
	char *slash = strrchr(path, '/');
	size_t folder_len = root ? 0 : (size_t)(slash - path) + 1;
	*name = root ? place_name(b->d) : slash + 1;
	if (b->folder >= 0 && folder_len == b->folder_len &&
	    memcmp(item->id, b->folder_id, folder_len) == 0)
		return 0;
	if (leave_folder(b) != 0)
		return -1;
	*slash = '\0';
	b->folder = root ? fcntl(b->place.above, F_DUPFD_CLOEXEC, 3)
			 : open_below(b->place.scope,
				      slash == path ? "" : path + 1);
	if (b->folder < 0) {
		says_errno(b, i, "opening the folder that holds it");
		return 1;
	}
	b->folder_id = item->id;
	b->folder_len = folder_len;
	return 0;
}

static int destroy_folder(struct batch *b, size_t i, const char *name)
{
	struct statx st, left;

	finish_files(b); /* nothing may be open when names go */
	int fd = openat(b->folder, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return says_errno(b, i, "opening it");
	int rc = look_fd(&st, fd);
	if (rc == 0)
		rc = overwrite_attributes(fd);
	close(fd);
	if (rc != 0)
		return says_errno(b, i, "wiping its extended attributes");
	remove_name(b, i, name, AT_REMOVEDIR);
	if (b->out[i].code != OUTCOME_DONE || b->left < 0)
		return 0;
	/* a folder that is gone needs no sync of its own */
	if (look_fd(&left, b->left) == 0 && left.stx_ino == st.stx_ino &&
	    look_dev(&left) == look_dev(&st)) {
		close(b->left);
		b->left = -1;
	}
	return 0;
}

/* ---- files ------------------------------------------------------------------
 */

/* One of several names of an inode: the content goes with the last one, or
 * stays when a name lies outside the scope or is kept. */
static int destroy_linked(struct batch *b, size_t i, const char *name,
			  const struct statx *st)
{
	struct directory *d = b->d;
	struct link_count *c = NULL;

	finish_files(b);
	if (d->links != NULL)
		c = links_find(d->links, st->stx_ino);
	if (c == NULL || c->links != st->stx_nlink) {
		/* first time, or somebody else made or removed names */
		links_free(d->links);
		if (links_count(&d->links, NULL, d, &b->place, b->e) != 0)
			return -1;
		c = links_find(d->links, st->stx_ino);
	}
	if (c == NULL || c->inside == 0)
		return says(b, i, OUTCOME_DRIFTED,
			    "its names changed while they were counted");
	bool stays = c->links > c->inside;
	bool kept = c->kept != 0;
	remove_name(b, i, name, 0);
	if (b->out[i].code != OUTCOME_DONE)
		return 0;
	c->links--;
	c->inside--;
	if (stays)
		says(b, i, OUTCOME_KEPT, "%s",
		     kept ? "its content stays under a retained or excluded "
			    "name"
			  : "its content stays under a name outside the "
			    "source");
	return 0;
}

static bool matches(struct batch *b, size_t i, const struct identity *id)
{
	unsigned char digest[SHA_LEN];
	const struct item *item = &b->items[i];

	identity_digest(b->d->sha, digest, id, item->spec, item->spec_len);
	return memcmp(digest, item->digest, SHA_LEN) == 0;
}

/* Overwrites the only name of a file; the name goes in finish_files(). */
static int destroy_file(struct batch *b, size_t i, const char *name)
{
	struct statx st;
	struct identity id;
	int fd =
		openat(b->folder, name,
		       O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return says_errno(b, i, "opening it for overwriting");
	if (look_fd(&st, fd) != 0) {
		says_errno(b, i, "looking at it");
		goto out;
	}
	/* The handle decides: between the look at the name and the opening
	 * something else may have been put there. */
	identity_of(&id, &st, b->place.volume, b->folder, name, fd);
	if (!matches(b, i, &id) || id.type != S_IFREG) {
		says(b, i, OUTCOME_DRIFTED, "it was replaced or changed");
		goto out;
	}
	if (st.stx_nlink != 1) {
		close(fd);
		return destroy_linked(b, i, name, &st);
	}
	bool written = id.size != 0 || flistxattr(fd, NULL, 0) > 0;
	if (written)
		identity_doom(fd, &id);
	if (overwrite_data(fd, id.size, b->d->scope->stop) != 0 ||
	    overwrite_attributes(fd) != 0) {
		if (errno == ECANCELED) {
			says(b, i, OUTCOME_UNKNOWN, "stopped half-way");
			close(fd);
			return err_set(b->e, ERR_STOPPED,
				       "stopped while overwriting a file");
		}
		says_errno(b, i, "writing zeros over it");
		goto out;
	}
	struct overwritten *f = &b->files[b->n_files++];
	f->fd = fd;
	f->index = i;
	f->written = written;
	snprintf(f->name, sizeof(f->name), "%s", name);
	if (b->n_files == TOGETHER)
		finish_files(b);
	return 0;
out:
	close(fd);
	return 0;
}

static bool id_usable(const struct item *item)
{
	char id[ITEM_ID_MAX + 1];

	if (item->id_len == 0 || item->id_len > ITEM_ID_MAX)
		return false;
	memcpy(id, item->id, item->id_len);
	id[item->id_len] = '\0';
	return id[0] == '/' && strlen(id) == item->id_len && path_plain(id + 1);
}

static int destroy_one(struct batch *b, size_t i)
{
	const struct item *item = &b->items[i];
	const struct kept *which;
	const char *name;
	char path[ITEM_ID_MAX + 1];
	struct statx st;
	struct identity id;

	if (!id_usable(item))
		return says(b, i, OUTCOME_REFUSED, "not a name of this source");
	/* I3 is the guard's; here it is kept a second time */
	if (item->retention != 0 ||
	    kept_standing(&which, b->d, (const char *)item->id, item->id_len) !=
		    STANDING_FREE)
		return says(b, i, OUTCOME_REFUSED,
			    "the closeout file keeps it");
	if (spec_elsewhere(item, b->place.volume))
		return says(b, i, OUTCOME_UNKNOWN,
			    "another file system stands where it was planned; "
			    "is it mounted?");
	if (b->place.scope < 0)
		return says(b, i, OUTCOME_GONE, "%s", "");
	int rc = enter_folder(b, i, &name, path);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (look_at(&st, b->folder, name) != 0)
		return says_errno(b, i, "looking at it");
	if (look_mounted(&st))
		return says(b, i, OUTCOME_REFUSED,
			    "another file system is mounted on it");
	identity_of(&id, &st, b->place.volume, b->folder, name, -1);
	if (!matches(b, i, &id))
		return says(b, i, OUTCOME_DRIFTED,
			    "it was replaced or changed");
	if (id.type == S_IFDIR)
		return destroy_folder(b, i, name);
	if (st.stx_nlink != 1)
		return destroy_linked(b, i, name, &st);
	if (id.type == S_IFREG)
		return destroy_file(b, i, name);
	remove_name(b, i, name, 0);
	return 0;
}

int directory_destroy(void *handle, const struct item *items, size_t n,
		      struct outcome *out, struct bystanders *by, struct err *e)
{
	struct directory *d = handle;
	struct batch b = {.d = d,
			  .items = items,
			  .out = out,
			  .folder = -1,
			  .left = -1,
			  .e = e};
	int rc = -1;

	(void)by; /* measured by directory_bystanders() */
	if (place_open(&b.place, d, e) != 0)
		return -1;
	b.files = calloc(TOGETHER, sizeof(*b.files));
	if (b.files == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (kept_look(d, &b.place, e) != 0)
		goto out;
	for (size_t i = 0; i < n; i++) {
		if (d->scope->stop != NULL && *d->scope->stop) {
			err_set(e, ERR_STOPPED, "stopped between two items");
			goto out;
		}
		if (destroy_one(&b, i) != 0)
			goto out;
	}
	rc = 0;
out:
	/* also after an error: what was overwritten is finished and synced */
	if (leave_folder(&b) != 0 || sync_left(&b) != 0)
		rc = -1;
	free(b.files);
	place_close(&b.place);
	return rc;
}
