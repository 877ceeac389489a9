/* walk.c: every name below a folder, in bounded memory and descriptors. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES (8 * 1024) /* bytes of names read at once, per level */

/* As the kernel gives them (getdents64(2)). */
struct entry {
	uint64_t ino;
	int64_t next;
	unsigned short len;
	unsigned char type;
	char name[];
};

/*
 * One folder on the way down.  Only the deepest WALK_OPEN levels keep their
 * descriptor and buffer; a level above them is opened again through ".." when
 * the walk comes back to it, must be the same inode, and goes on at `at`.
 */
struct level {
	int fd;
	uint64_t dev, ino;
	int64_t at; /* where the listing goes on */
	size_t id_len;
	unsigned char *entries; /* ENTRIES bytes, or NULL */
	size_t have, pos;
};

struct walker {
	struct level *levels;
	size_t n, size;
	size_t lowest; /* first level that has its descriptor */
	struct buf id;
	uint64_t dev;
	struct err *e;
};

static void cut(struct walker *w, size_t len)
{
	w->id.len = len;
	if (w->id.data != NULL)
		w->id.data[len] = '\0';
}

static int failed(struct walker *w, const char *doing)
{
	char text[SHOWN];
	enum err_code code =
		errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_STORE;
	const char *why = strerror(errno);
	return err_set(w->e, code, "%s \"%s\": %s", doing,
		       shown(text, buf_str(&w->id), w->id.len), why);
}

static int changed(struct walker *w)
{
	char text[SHOWN];
	return err_set(w->e, ERR_STORE,
		       "folder \"%s\" was moved or replaced while it was "
		       "listed; make sure that nothing writes there and run "
		       "the command again",
		       shown(text, buf_str(&w->id), w->id.len));
}

static void close_level(struct level *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->entries);
	l->fd = -1;
	l->entries = NULL;
	l->have = l->pos = 0;
}

/* Takes over fd. */
static int push(struct walker *w, int fd, const struct statx *st)
{
	if (w->n == w->size) {
		size_t size = w->size == 0 ? 16 : 2 * w->size;
		struct level *more = realloc(w->levels, size * sizeof(*more));
		if (more == NULL)
			goto memory;
		w->levels = more;
		w->size = size;
	}
	unsigned char *entries = malloc(ENTRIES);
	if (entries == NULL)
		goto memory;
	if (w->n - w->lowest >= WALK_OPEN)
		close_level(&w->levels[w->lowest++]);
	w->levels[w->n++] = (struct level){.fd = fd,
					   .dev = look_dev(st),
					   .ino = st->stx_ino,
					   .id_len = w->id.len,
					   .entries = entries};
	return 0;
memory:
	close(fd);
	return err_set(w->e, ERR_FAILED, "out of memory");
}

/* Leaves the deepest level; the one above gets its descriptor back. */
static int pop(struct walker *w)
{
	struct level *from = &w->levels[--w->n];
	int rc = 0;

	if (w->n != 0 && w->levels[w->n - 1].fd < 0) {
		struct level *to = &w->levels[w->n - 1];
		struct statx st;
		cut(w, to->id_len);
		to->fd =
			openat(from->fd, "..",
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
		if (to->fd < 0)
			rc = failed(w, "opening the folder above");
		else if (look_fd(&st, to->fd) != 0)
			rc = failed(w, "looking at the folder above");
		else if (look_dev(&st) != to->dev || st.stx_ino != to->ino)
			rc = changed(w);
		else if (lseek(to->fd, to->at, SEEK_SET) != to->at)
			rc = failed(w, "going on in the folder above");
		to->entries = malloc(ENTRIES);
		if (rc == 0 && to->entries == NULL)
			rc = err_set(w->e, ERR_FAILED, "out of memory");
		w->lowest = w->n - 1;
	}
	close_level(from);
	return rc;
}

/* The next name of the deepest level, NULL at its end (or on error, *rc). */
static const struct entry *next(struct walker *w, int *rc)
{
	struct level *l = &w->levels[w->n - 1];

	for (;;) {
		if (l->pos == l->have) {
			long n = syscall(SYS_getdents64, l->fd, l->entries,
					 ENTRIES);
			if (n < 0)
				*rc = failed(w, "listing folder");
			if (n <= 0)
				return NULL;
			l->have = (size_t)n;
			l->pos = 0;
		}
		const struct entry *ent = (const void *)(l->entries + l->pos);
		l->pos += ent->len;
		l->at = ent->next;
		if (strcmp(ent->name, ".") != 0 && strcmp(ent->name, "..") != 0)
			return ent;
	}
}

/* Opens the folder that was just handed over and makes it the deepest level;
 * it must still be the one that was looked at. */
static int enter(struct walker *w, const char *name, const struct statx *seen)
{
	struct statx st;
	int above = w->levels[w->n - 1].fd;
	int fd = openat(above, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC |
				O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return 0; /* it has vanished meanwhile */
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return changed(w);
	if (fd < 0)
		return failed(w, "opening folder");
	if (look_fd(&st, fd) != 0 || st.stx_ino != seen->stx_ino ||
	    look_dev(&st) != look_dev(seen)) {
		close(fd);
		return changed(w);
	}
	return push(w, fd, &st);
}

static int too_long(struct walker *w)
{
	char text[SHOWN];
	return err_set(w->e, ERR_STORE,
		       "a path below \"%s\" is longer than the %d bytes that "
		       "can be planned; move that part of the tree up or make "
		       "it a source of its own",
		       shown(text, buf_str(&w->id), w->id.len), ITEM_ID_MAX);
}

static int one(struct walker *w, const struct entry *ent, walk_fn *fn,
	       void *arg)
{
	struct level *l = &w->levels[w->n - 1];
	struct statx st;
	char name[NAME_MAX + 1];

	/* a copy: the buffer may go when the walk descends */
	memcpy(name, ent->name, strlen(ent->name) + 1);
	cut(w, l->id_len);
	if (w->id.len + 1 + strlen(name) > ITEM_ID_MAX)
		return too_long(w);
	buf_putc(&w->id, '/');
	if (buf_puts(&w->id, name) != 0)
		return err_set(w->e, ERR_FAILED, "out of memory");
	if (look_at(&st, l->fd, name) != 0)
		return errno == ENOENT ? 0 : failed(w, "looking at");
	struct walked seen = {.folder = l->fd,
			      .name = name,
			      .id = buf_str(&w->id),
			      .id_len = w->id.len,
			      .st = &st,
			      .mount = look_mounted(&st) ||
				       look_dev(&st) != w->dev};
	int rc = fn(arg, &seen, w->e);
	if (rc == WALK_ON && S_ISDIR(st.stx_mode) && !seen.mount)
		return enter(w, name, &st);
	return rc < 0 ? -1 : 0;
}

int walk(int folder, const char *prefix, uint64_t dev,
	 const volatile sig_atomic_t *stop, walk_fn *fn, void *arg,
	 struct err *e)
{
	struct walker w = {.dev = dev, .e = e};
	struct statx st;
	int rc = -1;

	buf_init(&w.id, ITEM_ID_MAX);
	buf_puts(&w.id, prefix);
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		failed(&w, "opening folder");
		goto out;
	}
	if (look_fd(&st, fd) != 0) {
		failed(&w, "looking at folder");
		close(fd);
		goto out;
	}
	if (push(&w, fd, &st) != 0)
		goto out;
	while (w.n != 0) {
		int listed = 0;
		if (stop != NULL && *stop) {
			err_set(e, ERR_STOPPED, "stopped while listing");
			goto out;
		}
		const struct entry *ent = next(&w, &listed);
		if (listed != 0)
			goto out;
		if ((ent == NULL ? pop(&w) : one(&w, ent, fn, arg)) != 0)
			goto out;
	}
	rc = 0;
out:
	while (w.n != 0)
		close_level(&w.levels[--w.n]);
	free(w.levels);
	buf_release(&w.id);
	return rc;
}
