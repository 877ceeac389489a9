/* place.c: handles to the scope folder and to folders below it. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "certs/base/hex.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
/* All that the identity of a thing needs. */
#define WANTED (STATX_BASIC_STATS | STATX_BTIME)

bool path_plain(const char *path)
{
	if (*path == '\0')
		return true;
	for (;;) {
		size_t len = strcspn(path, "/");
		if (len == 0 || len > NAME_MAX ||
		    (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[len] == '\0')
			return true;
		path += len + 1;
	}
}

const char *shown(char out[SHOWN], const char *id, size_t len)
{
	struct buf text;

	buf_init(&text, 3 * ITEM_ID_MAX);
	name_escape(&text, id, len);
	snprintf(out, SHOWN, "%s", buf_str(&text));
	if (text.len >= SHOWN)
		memcpy(out + SHOWN - 4, "...", 4);
	buf_release(&text);
	return out;
}

int look_at(struct statx *st, int folder, const char *name)
{
	return statx(folder, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		     WANTED, st);
}

int look_fd(struct statx *st, int fd)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, WANTED, st);
}

uint64_t look_dev(const struct statx *st)
{
	return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

bool look_mounted(const struct statx *st)
{
	return (st->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* The file system's own identifier where it has one: device numbers change
 * when a machine restarts. */
static int volume_of(uint64_t *volume, int fd)
{
	struct statfs fs;
	struct statx st;

	if (fstatfs(fd, &fs) != 0)
		return -1;
	_Static_assert(sizeof(fs.f_fsid) == sizeof(*volume), "fsid size");
	memcpy(volume, &fs.f_fsid, sizeof(*volume));
	if (*volume != 0)
		return 0;
	if (look_fd(&st, fd) != 0)
		return -1;
	*volume = look_dev(&st);
	return 0;
}

int open_below_by_steps(int root, const char *path)
{
	struct statx st;
	int fd = openat(root, ".", FOLDER);

	if (fd < 0 || look_fd(&st, fd) != 0)
		goto fail;
	uint64_t dev = look_dev(&st);
	while (*path != '\0') {
		char name[NAME_MAX + 1];
		size_t len = strcspn(path, "/");
		if (len > NAME_MAX) {
			errno = ENAMETOOLONG;
			goto fail;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		if (look_at(&st, fd, name) != 0)
			goto fail;
		int next = openat(fd, name, FOLDER);
		if (next < 0)
			goto fail;
		close(fd);
		fd = next;
		if (look_fd(&st, fd) != 0)
			goto fail;
		if (look_dev(&st) != dev || look_mounted(&st)) {
			errno = EXDEV;
			goto fail;
		}
		path += len;
		path += *path == '/';
	}
	return fd;
fail:
	if (fd >= 0) {
		int saved = errno;
		close(fd);
		errno = saved;
	}
	return -1;
}

int open_below(int root, const char *path)
{
	const struct open_how how = {
		.flags = FOLDER,
		.resolve =
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	if (*path == '\0')
		return openat(root, ".", FOLDER);
	/* EAGAIN: a rename somewhere else made the kernel unsure */
	for (int tries = 0; tries < 16; tries++) {
		long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		/* older kernels, and containers that filter the call */
		if (errno == ENOSYS || errno == EPERM || errno == E2BIG)
			return open_below_by_steps(root, path);
		if (errno != EAGAIN && errno != EINTR)
			return -1;
	}
	return open_below_by_steps(root, path);
}

const char *place_name(const struct directory *d)
{
	const char *slash = strrchr(d->rest, '/');
	return slash == NULL ? d->rest : slash + 1;
}

static int not_a_folder(const struct directory *d, int folder, const char *name,
			struct err *e)
{
	struct statx st;
	bool link = look_at(&st, folder, name) == 0 && S_ISLNK(st.stx_mode);

	return err_set(e, ERR_REFUSED,
		       "%s/%s: \"%s\" is %s; symbolic links are never "
		       "followed to a client's data: write the path of the "
		       "real folder",
		       d->anchor, d->rest, name,
		       link ? "a symbolic link" : "not a folder");
}

/* Opens name in *at (then closed) for reading.  0, 1 when it is not there, or
 * -1. */
static int step(int *next, const struct directory *d, int at, const char *name,
		struct err *e)
{
	*next = openat(at, name, FOLDER);
	if (*next >= 0)
		return 0;
	if (errno == ENOENT)
		return 1;
	if (errno == ELOOP || errno == ENOTDIR)
		return not_a_folder(d, at, name, e);
	enum err_code code = errno == EACCES ? ERR_DENIED : ERR_UNREACHABLE;
	return err_set(e, code, "opening folder \"%s\" of %s/%s: %s", name,
		       d->anchor, d->rest, strerror(errno));
}

/* From the anchor to the scope; at is the deepest folder that is there. */
static int descend(struct place *p, int *at, const struct directory *d,
		   struct err *e)
{
	const char *path = d->rest;

	for (;;) {
		char name[NAME_MAX + 1];
		int next;
		size_t len = strcspn(path, "/");
		memcpy(name, path, len); /* open() has checked the length */
		name[len] = '\0';
		bool last = path[len] == '\0';
		int rc = step(&next, d, *at, name, e);
		if (rc < 0)
			return -1;
		if (last)
			p->above = *at;
		if (rc == 1)
			return 0;
		if (last) {
			p->scope = next;
			*at = next;
			return 0;
		}
		close(*at);
		*at = next;
		path += len + 1;
	}
}

int place_open(struct place *p, const struct directory *d, struct err *e)
{
	struct statx st;

	p->above = p->scope = -1;
	p->mounted = false;
	p->dev = 0;
	int at = open(d->anchor,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (at < 0) {
		enum err_code code =
			errno == EACCES ? ERR_DENIED : ERR_UNREACHABLE;
		return err_set(e, code,
			       "opening folder %s: %s; is its file system "
			       "mounted?",
			       d->anchor, strerror(errno));
	}
	if (descend(p, &at, d, e) != 0)
		goto fail;
	if (volume_of(&p->volume, at) != 0) {
		err_errno(e, "asking for the file system of %s/%s", d->anchor,
			  d->rest);
		goto fail;
	}
	if (p->scope >= 0) {
		if (look_fd(&st, p->scope) != 0) {
			err_errno(e, "looking at %s/%s", d->anchor, d->rest);
			goto fail;
		}
		p->dev = look_dev(&st);
		p->mounted = look_mounted(&st);
	}
	if (at != p->scope && at != p->above)
		close(at);
	return 0;
fail:
	if (at != p->scope && at != p->above)
		close(at);
	place_close(p);
	return -1;
}

void place_close(struct place *p)
{
	if (p->above >= 0)
		close(p->above);
	if (p->scope >= 0)
		close(p->scope);
	p->above = p->scope = -1;
}
