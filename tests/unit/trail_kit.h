/*
 * trail_kit.h: what the three test programs of the audit trail share.
 *
 * rename, link, fsync, mkdir and unlinkat are wrapped here (the program's own
 * definitions come before the C library's), so that a child process can be
 * stopped dead right before or right after any of them.
 */
#ifndef QUIETUS_TRAIL_KIT_H
#define QUIETUS_TRAIL_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/merkle.h"
#include "certs/trail.h"
#include "certs/trail_parts.h"
#include "tests/unit/unit.h"

/* ---- wrapped system calls ----------------------------------------------- */

static int calls, stop_at; /* 0: never */
static bool skip_sync;	   /* building large trails needs no durability */

/* Odd steps are before a call, even ones after it. */
static inline void step_here(void)
{
	if (++calls == stop_at)
		_exit(77);
}

#define WRAPPED(call)                                                          \
	step_here();                                                           \
	int rc_ = (int)(call);                                                 \
	step_here();                                                           \
	return rc_

int fsync(int fd)
{
	if (skip_sync)
		return 0;
	WRAPPED(syscall(SYS_fsync, fd));
}

int rename(const char *from, const char *to)
{
	WRAPPED(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int link(const char *from, const char *to)
{
	WRAPPED(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int mkdir(const char *path, mode_t mode)
{
	WRAPPED(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int unlinkat(int fd, const char *path, int flags)
{
	WRAPPED(syscall(SYS_unlinkat, fd, path, flags));
}

/* ---- helpers --------------------------------------------------------------
 */

static char top[64];
static struct err last; /* of the failing call */

#define GOOD(call)                                                             \
	do {                                                                   \
		err_clear(&last);                                              \
		if ((call) != 0) {                                             \
			printf("# %s: %s\n", #call, last.msg);                 \
			CU_FAIL(#call);                                        \
		}                                                              \
	} while (0)

#define BAD(call, want, words)                                                 \
	do {                                                                   \
		err_clear(&last);                                              \
		CU_ASSERT_EQUAL((call), -1);                                   \
		CU_ASSERT_EQUAL(last.code, want);                              \
		if (strstr(last.msg, words) == NULL) {                         \
			printf("# %s\n", last.msg);                            \
			CU_FAIL(words);                                        \
		}                                                              \
	} while (0)

static inline int run_status(const char *const *argv)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static inline void run(const char *const *argv)
{
	CU_ASSERT_EQUAL_FATAL(run_status(argv), 0);
}

static inline void copy(const char *from, const char *to)
{
	const char *const rm[] = {"rm", "-rf", to, NULL};
	const char *const cp[] = {"cp", "-a", from, to, NULL};
	run(rm);
	run(cp);
}

/* Removes the partial tiles but the last, which nobody has to keep; copying a
 * trail is quicker then. */
static inline void prune(const char *name, uint64_t size)
{
	char tiles[256], bundles[256], width[16];
	snprintf(tiles, sizeof(tiles), "%s/%s/tile/0", top, name);
	snprintf(bundles, sizeof(bundles), "%s/%s/tile/entries", top, name);
	snprintf(width, sizeof(width), "%u", (unsigned)(size % 256));
	const char *const find[] = {"find",    tiles, bundles, "-path",
				    "*.p/*",   "!",   "-name", width,
				    "-delete", NULL};
	if (size != 0)
		run(find);
}

/* top/name in one of a few static places */
static inline const char *in(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *p = paths[next++ % 8];
	snprintf(p, 256, "%s/%s", top, name);
	return p;
}

static inline size_t entry_text(char out[256], uint64_t i)
{
	return (size_t)snprintf(
		out, 256,
		"{\"type\":\"quietus/trail-entry\",\"version\":1,\"event\":"
		"\"planned\",\"case\":\"%032" PRIx64
		"\",\"time\":\"2026-11-30T00:00:00Z\",\"digests\":{\"plan\":"
		"\"%064" PRIx64 "\"}}",
		i / 7, i);
}

/* Appends entries up to that size; their numbers are their content. */
static inline void grow(struct trail *t, uint64_t size)
{
	char text[256];
	for (uint64_t i = trail_size(t); i < size; i++) {
		uint64_t at = 0;
		size_t n = entry_text(text, i);
		GOOD(trail_append(&at, t, text, n, 0, &last));
		CU_ASSERT_EQUAL(at, i);
	}
}

static inline struct trail *begin(const char *name, const char *key)
{
	struct trail *t = NULL;
	GOOD(trail_open(&t, in(name), in(key), true, &last));
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	return t;
}

/* top/base holds 600 entries, made once. */
static inline void base(void)
{
	static bool made;
	if (made)
		return;
	made = true;
	skip_sync = true;
	struct trail *t = begin("base", "key.pem");
	grow(t, 600);
	trail_free(t);
	prune("base", 600);
	skip_sync = false;
}

static inline struct buf text_of(const char *path)
{
	struct buf b;
	buf_init(&b, BUNDLE_MAX);
	GOOD(file_read(&b, path, &last));
	return b;
}

static inline void findings(void *arg, const char *text)
{
	struct buf *b = arg;
	buf_puts(b, text);
	buf_putc(b, '\n');
}

/* All findings, a line each; the caller releases it. */
static inline struct buf examine(int *rc, const char *dir,
				 const struct buf *older)
{
	struct buf out;
	struct trail_summary sum;
	buf_init(&out, 1 << 20);
	err_clear(&last);
	*rc = trail_examine(&sum, dir, NULL, older != NULL ? older->data : NULL,
			    older != NULL ? older->len : 0, findings, &out,
			    &last);
	return out;
}

static inline void verifies(const char *dir)
{
	int rc;
	struct buf out = examine(&rc, dir, NULL);
	CU_ASSERT_EQUAL(rc, 0);
	if (rc != 0)
		printf("# %s: %s %s\n", dir, last.msg, buf_str(&out));
	buf_release(&out);
}

/* ---- a published key and note ---------------------------------------------
 */

#define PETER                                                                  \
	"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static const char peter_note[] =
	"If you think cryptography is the answer to your problem,\n"
	"then you don't know what your problem is.\n"
	"\n"
	"\xe2\x80\x94 PeterNeumann "
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf"
	"qdngotpRZb6KE6RyyBwJnAM=\n";

/* Runs the tests in a folder of their own. */
static inline int kit_run(const char *name, const struct unit_test *tests)
{
	snprintf(top, sizeof(top), "/tmp/quietus-trail-XXXXXX");
	if (mkdtemp(top) == NULL)
		return 2;
	int rc = unit_run(name, tests);
	const char *const rm[] = {"rm", "-rf", top, NULL};
	(void)run_status(rm);
	return rc;
}

#endif
