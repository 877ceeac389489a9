/*
 * internal.h: what the files of the directory provider share.
 *
 * Everything is reached relative to handles.  The path of the closeout file
 * is cut in two: the *anchor*, the folder up to the first part that is the
 * client's, is opened as the vendor wrote it; what comes after it is opened
 * part by part and no symbolic link is followed.  Below the scope folder
 * neither links nor mount points are crossed, whatever is swapped in while
 * the run goes on.
 *
 * Ids are "/" for the scope folder, "/a/b.txt" for what is in it, and
 * "../other/x" for bystanders beside it.
 */
#ifndef QUIETUS_DIRECTORY_INTERNAL_H
#define QUIETUS_DIRECTORY_INTERNAL_H

#include <sys/stat.h>

#include "providers/provider.h"

/* One path below the scope that is kept, by retention or as excluded. */
struct kept {
	char *id;      /* "/invoices/2024" */
	uint32_t rule; /* retention rule from 1, or 0 when excluded */
	bool found;    /* it was there when the current call began */
};

struct links;

struct directory {
	const struct scope *scope;
	char *anchor; /* folder opened as written */
	char *rest;   /* "a/b": from the anchor to the scope folder */
	struct kept *kept;
	size_t n_kept;
	struct sha *sha;
	struct links *links; /* names per inode, made when first needed */
};

/* ---- place.c: handles --------------------------------------------------- */

/* The folders on the way to the scope, opened anew for each call. */
struct place {
	int above; /* folder that holds the scope folder, or -1: not there */
	int scope; /* the scope folder, or -1: it is not there */
	/* Which file system the scope is on: of the scope folder, or of the
	 * deepest folder on the way that is still there. */
	uint64_t volume;
	uint64_t dev; /* of the scope folder */
	bool mounted; /* the scope folder is itself a mount point */
};

/* True when path ("" or "a/b", what follows the first slash of an id) has only
 * plain parts: none empty, ".", "..".  An edited ledger must not climb. */
bool path_plain(const char *path);

/* An id for a message: escaped, cut to fit. */
#define SHOWN 200
const char *shown(char out[SHOWN], const char *id, size_t len);

/* Opens them.  A missing scope folder is no error (-1); a symbolic link or
 * anything else that is no folder in its place is ERR_REFUSED; an anchor that
 * cannot be opened is ERR_UNREACHABLE (an unmounted file system must not look
 * like absence). */
int place_open(struct place *p, const struct directory *d, struct err *e);
void place_close(struct place *p);
/* The last part of the scope's path: its name inside `above`. */
const char *place_name(const struct directory *d);

/* Looks at name inside folder without following it; errno on -1. */
int look_at(struct statx *st, int folder, const char *name);
/* The same for an open file (O_PATH handles too). */
int look_fd(struct statx *st, int fd);
uint64_t look_dev(const struct statx *st);
/* True when something is mounted there (bind mounts too). */
bool look_mounted(const struct statx *st);

/*
 * Opens the folder at path ("" is root itself, else "a/b") below root without
 * crossing links or mount points.  Returns a handle fit for reading and
 * fsync, or -1 with errno: ENOENT (not there), ELOOP, ENOTDIR or EXDEV (a
 * link, another thing, another file system is in the way).
 */
int open_below(int root, const char *path);
/* What open_below does where the kernel has no openat2. */
int open_below_by_steps(int root, const char *path);

/* Refuses (ERR_USAGE) a scope that holds a folder of quietus itself, whether
 * that exists yet or not. */
int ours_refuse(const struct directory *d, const struct setting *at,
		struct err *e);
/* The folders of quietus itself that are there now. */
struct ours;
int ours_look(struct ours **out, const struct directory *d, struct err *e);
bool ours_is(const struct ours *o, const struct statx *st);
void ours_free(struct ours *o);

/* ---- identity.c: what a thing was when it was looked at ----------------- */

/*
 * The digest of an item covers type, file system, inode, birth time where the
 * file system keeps one, and for all but folders size and time of change.
 *
 * settled: the inode has one name and its content is as new as its inode
 * (mtime equals ctime).  A file whose content was changed and whose mtime was
 * then set back loses it, so that is seen.  ctime itself stays out, because
 * unlinking one of several names changes it.
 */
struct identity {
	unsigned type; /* S_IFMT bits */
	uint64_t volume, ino;
	int64_t born, mtime;
	uint32_t born_nsec, mtime_nsec;
	uint64_t size, rdev;
	bool settled;
	/* an earlier run had begun to destroy this file: the values above are
	 * those from before it */
	bool doomed, marked;
};

/*
 * A regular file is *doomed* before its content is touched, so that a run
 * killed half-way is not taken for drift (I6): its mode becomes one that
 * nobody uses, and a mark with the size and time it had is put behind its
 * content.  Both are undone by nobody: the file is on its way out.
 */
#define DOOMED_MODE (S_ISVTX | 0600)
#define DOOMED_SETTLED_MODE (S_ISVTX | 0700)
#define DOOM_MARK_LEN 64

/* Fills id from st; folder and name are used to read the mark of a doomed
 * file (fd >= 0: read from it instead). */
void identity_of(struct identity *id, const struct statx *st, uint64_t volume,
		 int folder, const char *name, int fd);
void identity_digest(struct sha *s, unsigned char digest[SHA_LEN],
		     const struct identity *id, const unsigned char *spec,
		     size_t spec_len);
/* Marks an open regular file as described above.  Best effort: without the
 * right to chmod, or without space, the file is destroyed unmarked. */
void identity_doom(int fd, const struct identity *id);

/* The spec of an item: the volume, so that check_absent can tell "gone" from
 * "its file system is not mounted". */
#define SPEC_LEN 8
void spec_write(unsigned char spec[SPEC_LEN], uint64_t volume);
/* True when the item was planned on another file system than volume. */
bool spec_elsewhere(const struct item *item, uint64_t volume);

/* ---- walk.c: every name below a folder ---------------------------------- */

struct walked {
	int folder; /* handle of the folder that holds it */
	const char *name;
	const char *id; /* NUL-terminated */
	size_t id_len;
	const struct statx *st;
	bool mount; /* something is mounted there: never descended into */
};

enum { WALK_ON = 0, WALK_SKIP = 1 }; /* SKIP: do not descend */
typedef int walk_fn(void *arg, const struct walked *w, struct err *e);

/*
 * Hands every name below the open folder to fn, a folder before what is in
 * it; ids begin with prefix.  fn returns WALK_ON, WALK_SKIP or -1 with *e.
 * At most WALK_OPEN descriptors and buffers are held, whatever the depth and
 * the number of names.  What cannot be listed is an error (ERR_DENIED,
 * ERR_STORE), never left out; a name that vanishes meanwhile is left out.
 */
#define WALK_OPEN 48
int walk(int folder, const char *prefix, uint64_t dev,
	 const volatile sig_atomic_t *stop, walk_fn *fn, void *arg,
	 struct err *e);

/* ---- the slots, each in its own file ------------------------------------ */

/* How an id stands to the kept paths. */
enum standing {
	STANDING_FREE = 0,
	STANDING_KEPT, /* it is one, or lies below one */
	STANDING_ABOVE /* a folder that holds one */
};
/* *which is the kept path that decides; retention goes before exclusion. */
enum standing kept_standing(const struct kept **which,
			    const struct directory *d, const char *id,
			    size_t len);
/* Looks which kept paths are there now; only those hold their parents. */
int kept_look(struct directory *d, const struct place *p, struct err *e);

int directory_enumerate(void *handle, item_fn *fn, void *arg, struct err *e);
int directory_describe(void *handle, enum phase phase, struct description *out,
		       struct err *e);
int directory_destroy(void *handle, const struct item *items, size_t n,
		      struct outcome *out, struct bystanders *by,
		      struct err *e);
int directory_check_absent(void *handle, const struct item *items, size_t n,
			   enum answer *out, struct err *e);
int directory_bystanders(void *handle, uint64_t exact, uint64_t sampled,
			 bool *all, item_fn *fn, void *arg, struct err *e);

/* ---- links.c: inodes with several names --------------------------------- */

struct link_count {
	uint64_t ino;
	uint32_t links;	 /* as the inode says */
	uint32_t inside; /* names to be destroyed in the scope */
	uint32_t kept;	 /* names retained or excluded in the scope */
};

/* What the same walk saw besides. */
struct seen_beside {
	uint64_t mounts;   /* things mounted inside the scope */
	uint64_t specials; /* fifos, sockets, devices */
};

/* Walks the scope and counts the names of each inode that has several;
 * memory grows with those inodes only.  *beside may be NULL. */
int links_count(struct links **out, struct seen_beside *beside,
		struct directory *d, const struct place *p, struct err *e);
struct link_count *links_find(const struct links *l, uint64_t ino);
/* Sums: inodes with a name outside the scope, and with a kept name beside one
 * to be destroyed. */
void links_sum(const struct links *l, uint64_t *outside, uint64_t *kept);
void links_free(struct links *l);

/* ---- overwrite.c ----------------------------------------------------------
 */

/* Overwrites the allocated ranges of the first size bytes with zeros (not yet
 * synced) and wipes extended attributes.  -1 with errno; ECANCELED when stop
 * was set. */
int overwrite_data(int fd, uint64_t size, const volatile sig_atomic_t *stop);
int overwrite_attributes(int fd);

/* ---- medium.c: what overwriting is worth here ------------------------------
 */

/* Facts, method and limits for the file system that fd is on. */
void medium_describe(struct description *out, int fd);

#endif
