/*
 * killat.c: ends the process at the Nth change of the disk, for kill tests.
 *
 * Preloaded, it counts the calls with which a program makes things durable or
 * visible (write to a file, sync, rename, link, unlink, mkdir) and kills the
 * process with SIGKILL instead of making call number KILL_AT.  With KILL_COUNT
 * set, it writes how many there were to that file.  With PLANT_AT set, it runs
 * the shell command PLANT before call number PLANT_AT instead of killing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static long seen;

static void step(void)
{
	const char *at = getenv("KILL_AT");
	seen++;
	if (at != NULL && strtol(at, NULL, 10) == seen)
		kill(getpid(), SIGKILL);
	at = getenv("PLANT_AT");
	if (at != NULL && strtol(at, NULL, 10) == seen &&
	    system(getenv("PLANT")) != 0)
		abort();
}

__attribute__((destructor)) static void report(void)
{
	const char *to = getenv("KILL_COUNT");
	FILE *f = to != NULL ? fopen(to, "w") : NULL;
	if (f != NULL) {
		fprintf(f, "%ld\n", seen);
		fclose(f);
	}
}

#define NEXT(type, name) ((type)(size_t)dlsym(RTLD_NEXT, name))

int fsync(int fd)
{
	step();
	return NEXT(int (*)(int), "fsync")(fd);
}

int fdatasync(int fd)
{
	step();
	return NEXT(int (*)(int), "fdatasync")(fd);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	step();
	return NEXT(ssize_t(*)(int, const void *, size_t, off_t),
		    "pwrite")(fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
	step();
	return NEXT(ssize_t(*)(int, const void *, size_t, off64_t),
		    "pwrite64")(fd, data, n, at);
}

int rename(const char *from, const char *to)
{
	step();
	return NEXT(int (*)(const char *, const char *), "rename")(from, to);
}

int renameat(int fd, const char *from, int fd2, const char *to)
{
	step();
	return NEXT(int (*)(int, const char *, int, const char *),
		    "renameat")(fd, from, fd2, to);
}

int link(const char *from, const char *to)
{
	step();
	return NEXT(int (*)(const char *, const char *), "link")(from, to);
}

int unlink(const char *path)
{
	step();
	return NEXT(int (*)(const char *), "unlink")(path);
}

int unlinkat(int fd, const char *path, int flags)
{
	step();
	return NEXT(int (*)(int, const char *, int), "unlinkat")(fd, path,
								 flags);
}

int mkdir(const char *path, mode_t mode)
{
	step();
	return NEXT(int (*)(const char *, mode_t), "mkdir")(path, mode);
}

int ftruncate(int fd, off_t n)
{
	step();
	return NEXT(int (*)(int, off_t), "ftruncate")(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
	step();
	return NEXT(int (*)(int, off64_t), "ftruncate64")(fd, n);
}

ssize_t write(int fd, const void *data, size_t n)
{
	/* messages to the terminal are no change of the disk */
	if (fd > 2)
		step();
	return NEXT(ssize_t(*)(int, const void *, size_t), "write")(fd, data,
								    n);
}
