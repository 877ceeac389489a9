/*
 * file.h: files that survive a crash, and private folders.
 *
 * All durable writes of the project go through here: written aside in the
 * same folder, synced, renamed, folder synced.  Nothing outside certs/base
 * opens a file for writing with fopen.
 */
#ifndef QUIETUS_FILE_H
#define QUIETUS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"

/* Reads a whole file into out (appended); a file that does not fit out->max
 * is an error that names the size; so is anything that is no regular file (a
 * pipe would be waited for).  ERR_MISSING when it is not there. */
int file_read(struct buf *out, const char *path, struct err *e);

/* Replaces path by the given bytes so that a crash leaves either the old or
 * the new content, mode 0600.  On return the bytes are on disk. */
int file_write(const char *path, const void *data, size_t len, struct err *e);

/* The same, but refuses to replace anything (ERR_REFUSED). */
int file_create(const char *path, const void *data, size_t len, struct err *e);

/* True when something of that name exists (links not followed). */
bool file_exists(const char *path);

/* Makes a folder with mode 0700 and syncs its parent; one that is there
 * already is kept, but must be a folder and ours: not writable by others. */
int file_mkdir(const char *path, struct err *e);

/* Overwrites a regular file's bytes, unlinks it and syncs the folder.  For
 * our own working files (I11).  A file that is not there is not an error. */
int file_shred(const char *path, struct err *e);

/* Removes a folder of our own with everything in it, regular files through
 * file_shred; links are unlinked and never followed. */
int file_shred_tree(const char *path, struct err *e);

/* Syncs a folder, so that names made in it survive. */
int file_sync_dir(const char *path, struct err *e);

/* Takes an exclusive advisory lock on path (created with 0600).  Returns the
 * descriptor in *fd, closed by the caller to let go; the kernel lets go of it
 * when the process dies.  ERR_REFUSED when another process holds it. */
int file_lock(int *fd, const char *path, struct err *e);

/* dir/name in fresh memory, or name alone when it is absolute; NULL when
 * memory is exhausted.  The caller frees it. */
char *file_join(const char *dir, const char *name);

/* The folder part of path ("." when there is none) in fresh memory. */
char *file_dirname(const char *path);

#endif
