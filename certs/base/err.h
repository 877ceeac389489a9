/*
 * err.h: error codes and messages.
 *
 * Every fallible function of this project returns 0 on success and -1 on
 * failure, and takes a `struct err *` as its last argument in which the
 * failing function leaves a code and one message for people.  The first
 * message wins; callers add context in front of it only where the reader
 * gains ("destroying version v3 of a/b: ...").  Libraries never print and
 * never exit.
 */
#ifndef QUIETUS_ERR_H
#define QUIETUS_ERR_H

#include <stdbool.h>

/* Few codes, each because a caller acts on it. */
enum err_code {
	ERR_NONE = 0,
	ERR_FAILED,	 /* local failure (disk, memory, library) */
	ERR_USAGE,	 /* the user's input is wrong: exit 2 */
	ERR_REFUSED,	 /* a precondition is not met: exit 5 */
	ERR_DRIFT,	 /* data differs from the plan: stop, exit 5 */
	ERR_AUTH,	 /* credentials missing, refused or expired */
	ERR_DENIED,	 /* the store says no to this call (permission) */
	ERR_UNREACHABLE, /* time-out, no connection, server kept failing */
	ERR_STORE,	 /* the store answered something we cannot accept */
	ERR_STOPPED,	 /* SIGINT or SIGTERM: stopped at a safe point */
	ERR_INVALID,	 /* evidence that does not verify */
	ERR_MISSING	 /* a file that is needed is not there */
};

struct err {
	enum err_code code;
	char msg[1024];
};

#define ERR_INIT                                                               \
	{                                                                      \
		ERR_NONE, ""                                                   \
	}

/* Sets code and message unless e already holds an error (the first wins).
 * Always returns -1, so that callers write `return err_set(...)`. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts context in front of the message: "context: message".  Returns -1. */
int err_add(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Like err_set with ERR_FAILED and the text of errno appended.
 * ENOENT gives ERR_MISSING. */
int err_errno(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Like err_set, with the oldest message of OpenSSL's queue appended; clears
 * that queue. */
int err_openssl(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Forgets the error, so that e can be used again. */
void err_clear(struct err *e);

#endif
