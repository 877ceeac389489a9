/* folder.h: a folder of their own for targets whose reader wants files. */
#ifndef QUIETUS_FUZZ_FOLDER_H
#define QUIETUS_FUZZ_FOLDER_H

#include <fcntl.h>
#include <unistd.h>

#include "certs/base/err.h"
#include "certs/base/file.h"
#include "tests/fuzz/fuzz.h"

static char folder_dir[200];

static void folder_stop(void)
{
	struct err e = ERR_INIT;
	file_shred_tree(folder_dir, &e);
}

static void folder_start(void)
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(folder_dir, sizeof(folder_dir), "%s/target-XXXXXX",
			 tmp != NULL ? tmp : "/tmp");
	MUST(n > 0 && (size_t)n < sizeof(folder_dir));
	MUST(mkdtemp(folder_dir) != NULL);
	atexit(folder_stop);
}

/* The path of a file there; valid until the next call. */
static const char *folder_path(const char *name)
{
	static char path[300];
	snprintf(path, sizeof(path), "%s/%s", folder_dir, name);
	return path;
}

static void folder_put(const char *name, const void *data, size_t len)
{
	int fd = open(folder_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0);
	MUST(len == 0 || write(fd, data, len) == (ssize_t)len);
	MUST(close(fd) == 0);
}

#endif
