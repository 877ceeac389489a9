#include "certs/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/base/wipe.h"

int file_read(struct buf *out, const char *path, struct err *e)
{
	int rc = -1;
	unsigned char block[16384];
	struct stat st;
	/* not to wait for a pipe that somebody put in a file's place */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "reading %s", path);
	if (fstat(fd, &st) != 0) {
		err_errno(e, "reading %s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_FAILED, "reading %s: it is not a regular file",
			path);
		goto out;
	}
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(e, "reading %s", path);
			goto out;
		}
		if (n == 0)
			break;
		if (buf_put(out, block, (size_t)n) != 0) {
			err_set(e, ERR_FAILED,
				"reading %s: larger than the %zu bytes that "
				"are accepted here",
				path, out->max);
			goto out;
		}
	}
	rc = 0;
out:
	if (out->secret)
		wipe(block, sizeof(block));
	close(fd);
	return rc;
}

int file_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "opening folder %s", path);
	int rc = fsync(fd) == 0 ? 0 : err_errno(e, "syncing folder %s", path);
	close(fd);
	return rc;
}

static int write_all(int fd, const unsigned char *data, size_t len)
{
	while (len != 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Writes the bytes to a new file beside path and puts it in its place:
 * rename replaces, link refuses to. */
static int put_in_place(const char *path, const void *data, size_t len,
			bool replace, struct err *e)
{
	int rc = -1, fd = -1;
	char *aside = NULL, *dir = file_dirname(path);
	size_t size = strlen(path) + 12;

	aside = malloc(size);
	if (dir == NULL || aside == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	snprintf(aside, size, "%s.new-XXXXXX", path);
	fd = mkstemp(aside); /* mode 0600 */
	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		err_errno(e, "creating a file beside %s", path);
		aside[0] = '\0';
		goto out;
	}
	if (write_all(fd, data, len) != 0 || fsync(fd) != 0) {
		err_errno(e, "writing %s", path);
		goto out;
	}
	if (replace ? rename(aside, path) != 0 : link(aside, path) != 0) {
		if (errno == EEXIST)
			err_set(e, ERR_REFUSED,
				"%s is already there and is not replaced",
				path);
		else
			err_errno(e, "putting %s in place", path);
		goto out;
	}
	if (replace)
		aside[0] = '\0';
	else if (unlink(aside) == 0)
		aside[0] = '\0';
	rc = file_sync_dir(dir, e);
out:
	if (fd >= 0)
		close(fd);
	if (aside != NULL && aside[0] != '\0')
		unlink(aside);
	free(aside);
	free(dir);
	return rc;
}

int file_write(const char *path, const void *data, size_t len, struct err *e)
{
	return put_in_place(path, data, len, true, e);
}

int file_create(const char *path, const void *data, size_t len, struct err *e)
{
	return put_in_place(path, data, len, false, e);
}

bool file_exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

int file_mkdir(const char *path, struct err *e)
{
	struct stat st;
	if (mkdir(path, 0700) == 0) {
		char *dir = file_dirname(path);
		if (dir == NULL)
			return err_set(e, ERR_FAILED, "out of memory");
		int rc = file_sync_dir(dir, e);
		free(dir);
		return rc;
	}
	if (errno != EEXIST)
		return err_errno(e, "creating folder %s", path);
	if (stat(path, &st) != 0)
		return err_errno(e, "looking at folder %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s is not a folder", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, ERR_REFUSED,
			       "folder %s is writable by others; run: "
			       "chmod 700 %s",
			       path, path);
	return 0;
}

static int overwrite(int fd, off_t size)
{
	static const unsigned char zeros[65536];
	for (off_t at = 0; at < size;) {
		size_t n = sizeof(zeros);
		if ((off_t)n > size - at)
			n = (size_t)(size - at);
		ssize_t w = pwrite(fd, zeros, n, at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		at += w;
	}
	return fsync(fd);
}

/* Overwrites (regular files only) and unlinks name inside the folder. */
static int shred_at(int dir, const char *name, const char *path, struct err *e)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0
				       : err_errno(e, "looking at %s", path);
	if (S_ISREG(st.st_mode) && st.st_nlink == 1) {
		int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_errno(e, "opening %s", path);
		int rc = overwrite(fd, st.st_size);
		int saved = errno;
		close(fd);
		errno = saved;
		if (rc != 0)
			return err_errno(e, "overwriting %s", path);
	}
	if (unlinkat(dir, name, 0) != 0)
		return err_errno(e, "removing %s", path);
	return 0;
}

int file_shred(const char *path, struct err *e)
{
	if (shred_at(AT_FDCWD, path, path, e) != 0)
		return -1;
	char *dir = file_dirname(path);
	if (dir == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	int rc = file_sync_dir(dir, e);
	free(dir);
	return rc;
}

static int shred_children(int dirfd, const char *path, struct err *e)
{
	int rc = -1;
	DIR *d = fdopendir(dirfd); /* takes over the descriptor */
	struct dirent *ent;

	if (d == NULL) {
		close(dirfd);
		return err_errno(e, "reading folder %s", path);
	}
	while ((ent = readdir(d)) != NULL) {
		struct stat st;
		if (strcmp(ent->d_name, ".") == 0 ||
		    strcmp(ent->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd, ent->d_name, &st, AT_SYMLINK_NOFOLLOW) !=
		    0) {
			err_errno(e, "looking at %s/%s", path, ent->d_name);
			goto out;
		}
		if (!S_ISDIR(st.st_mode)) {
			if (shred_at(dirfd, ent->d_name, ent->d_name, e) != 0)
				goto out;
			continue;
		}
		int sub =
			openat(dirfd, ent->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0) {
			err_errno(e, "opening %s/%s", path, ent->d_name);
			goto out;
		}
		if (shred_children(sub, ent->d_name, e) != 0)
			goto out;
		if (unlinkat(dirfd, ent->d_name, AT_REMOVEDIR) != 0) {
			err_errno(e, "removing %s/%s", path, ent->d_name);
			goto out;
		}
	}
	rc = 0;
out:
	closedir(d);
	return rc;
}

int file_shred_tree(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "opening %s", path);
	if (shred_children(fd, path, e) != 0)
		return -1;
	if (rmdir(path) != 0)
		return err_errno(e, "removing folder %s", path);
	char *dir = file_dirname(path);
	if (dir == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	int rc = file_sync_dir(dir, e);
	free(dir);
	return rc;
}

int file_lock(int *fd, const char *path, struct err *e)
{
	int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f < 0)
		return err_errno(e, "opening lock %s", path);
	if (flock(f, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			err_set(e, ERR_REFUSED,
				"%s is held: another quietus is at work there",
				path);
		else
			err_errno(e, "locking %s", path);
		close(f);
		return -1;
	}
	*fd = f;
	return 0;
}

char *file_join(const char *dir, const char *name)
{
	if (name[0] == '/')
		return strdup(name);
	size_t n = strlen(dir) + strlen(name) + 2;
	char *path = malloc(n);
	if (path != NULL)
		snprintf(path, n, "%s/%s", dir, name);
	return path;
}

char *file_dirname(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		return strdup(".");
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}
