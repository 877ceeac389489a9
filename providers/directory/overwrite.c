/* overwrite.c: zeros over what a file holds. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK (1024 * 1024)

static const unsigned char zeros[BLOCK];

/* Zeros over [from, to). */
static int overwrite_range(int fd, off_t from, off_t to,
			   const volatile sig_atomic_t *stop)
{
	while (from < to) {
		size_t n = BLOCK;
		if (stop != NULL && *stop) {
			errno = ECANCELED;
			return -1;
		}
		if ((off_t)n > to - from)
			n = (size_t)(to - from);
		ssize_t w = pwrite(fd, zeros, n, from);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		from += w;
	}
	return 0;
}

int overwrite_data(int fd, uint64_t size, const volatile sig_atomic_t *stop)
{
	off_t end = (off_t)size, at = 0;

	while (at < end) {
		off_t from = lseek(fd, at, SEEK_DATA);
		off_t to = end;
		if (from < 0 && errno == ENXIO)
			return 0; /* only a hole is left */
		if (from < 0)
			from = at; /* it does not know holes: all of it */
		else
			to = lseek(fd, from, SEEK_HOLE);
		if (to < 0 || to > end)
			to = end;
		if (from >= end)
			return 0;
		if (overwrite_range(fd, from, to, stop) != 0)
			return -1;
		at = to;
	}
	/* writing out begins now, so that the sync later is short */
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

/* Overwrites one attribute's value at the same length and removes it. */
static int wipe_attribute(int fd, const char *name)
{
	ssize_t len = fgetxattr(fd, name, NULL, 0);

	if (len > 0 && len <= BLOCK)
		/* where the value may not be replaced, removing it must do */
		(void)fsetxattr(fd, name, zeros, (size_t)len, XATTR_REPLACE);
	if (fremovexattr(fd, name) != 0 && errno != ENODATA)
		return -1;
	return 0;
}

int overwrite_attributes(int fd)
{
	int rc = 0;
	ssize_t len = flistxattr(fd, NULL, 0);

	if (len <= 0)
		return len < 0 && errno != ENOTSUP && errno != EBADF ? -1 : 0;
	char *names = malloc((size_t)len);
	if (names == NULL) {
		errno = ENOMEM;
		return -1;
	}
	len = flistxattr(fd, names, (size_t)len);
	if (len < 0)
		rc = -1;
	/* system.* and security.* are access rules and labels of the host:
	 * they hold no data and go with the inode */
	for (char *p = names; rc == 0 && p < names + len; p += strlen(p) + 1)
		if (strncmp(p, "user.", 5) == 0 ||
		    strncmp(p, "trusted.", 8) == 0)
			rc = wipe_attribute(fd, p);
	free(names);
	return rc;
}
