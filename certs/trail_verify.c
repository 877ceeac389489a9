/*
 * The whole trail recomputed.
 *
 * Two trees are built while the entries are read once: one over the entries
 * themselves, one over the leaf hashes that the log stores.  In a sound log
 * they are one tree; in a damaged one the difference tells which entry was
 * changed, and the tree that still leads to the signed checkpoint is the one
 * that is compared with an earlier checkpoint, so that an edit is not called
 * a fork.  Where something cannot be read, the other stands in for it.
 */
#include "certs/trail_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/merkle.h"

/* A forged checkpoint may claim any number of entries: after that many
 * missing bundles in a row the rest is called missing without looking. */
#define MISSING_MAX 64

/* One level above the leaves: what its current tile should hold. */
struct level {
	uint64_t n; /* the tile's number */
	unsigned width;
	bool known[TILE_WIDTH];
	unsigned char hash[TILE_WIDTH][SHA_LEN];
};

struct tree {
	struct merkle *merkle;
	unsigned char root[SHA_LEN], older[SHA_LEN];
};

struct exam {
	const char *dir;
	trail_finding_fn *found;
	void *arg;
	trail_judge_fn *judge; /* or NULL */
	struct trail_summary *sum;
	struct sha *sha;
	struct vkey key;
	bool has_key;
	struct buf note;
	struct checkpoint head, older;
	bool has_older, gap;
	struct tree entries, hashes;
	struct level level[TILE_LEVELS];
	struct buf bundle, tile;
};

static void say(struct exam *x, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct exam *x, const char *fmt, ...)
{
	char text[1280];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->sum->findings++;
	x->found(x->arg, text);
}

/* ---- key and checkpoints ------------------------------------------------ */

/* Reads dir/name; ERR_MISSING when it is not there. */
static int read_part(struct buf *out, const struct exam *x, const char *name,
		     struct err *e)
{
	char *path = file_join(x->dir, name);
	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	int rc = file_read(out, path, e);
	free(path);
	return rc;
}

/* The key to trust: the caller's, else the folder's. */
static int exam_key(struct exam *x, const char *vkey, struct err *e)
{
	struct buf line;
	struct vkey own;
	struct err le = ERR_INIT;
	int rc = -1;

	buf_init(&line, VKEY_LINE_MAX);
	if (vkey != NULL && vkey_parse(&x->key, vkey, e) != 0) {
		e->code = ERR_USAGE;
		goto out;
	}
	x->has_key = vkey != NULL;
	if (read_part(&line, x, "key.vkey", &le) != 0) {
		if (vkey == NULL) {
			*e = le;
			goto out;
		}
		say(x, "the trail does not say whose it is: %s", le.msg);
	} else if (strlen(buf_str(&line)) != line.len ||
		   vkey_parse(&own, buf_str(&line), &le) != 0) {
		say(x, "the trail's key.vkey is damaged: %s", le.msg);
	} else if (vkey == NULL) {
		x->key = own;
		x->has_key = true;
	} else if (!vkey_equal(&x->key, &own)) {
		say(x,
		    "the trail names %s as its signer; the key to trust is "
		    "that of %s",
		    own.name, x->key.name);
	}
	rc = 0;
out:
	buf_release(&line);
	return rc;
}

/* Reads a checkpoint even when its signature is wrong, so that the rest can
 * be looked at; -1 when its text cannot be read. */
static int exam_note(struct checkpoint *out, bool *good, struct exam *x,
		     const char *what, const char *note, size_t len)
{
	struct err signature = ERR_INIT, text = ERR_INIT;
	size_t n;

	*good = false;
	if (!x->has_key)
		say(x, "%s cannot be checked without a key", what);
	else if (checkpoint_open(out, note, len, &x->key, &signature) != 0)
		say(x, "%s: %s", what, signature.msg);
	else
		*good = true;
	if (*good)
		return 0;
	if (note_split(&n, note, len, &text) == 0 &&
	    checkpoint_parse(out, note, n, &text) == 0)
		return 0;
	if (strcmp(text.msg, signature.msg) != 0)
		say(x, "%s: %s", what, text.msg);
	return -1;
}

/* ---- the tree ----------------------------------------------------------- */

/* Adds what is expected of a tile above the leaves; hash NULL: not known. */
static int level_add(struct exam *x, int level, const unsigned char *hash,
		     struct err *e);

/* Compares one tile above the leaves with what it should hold.  From here up
 * goes on with what is stored, so that one change is told once. */
static int level_close(struct exam *x, int level, struct err *e)
{
	struct level *l = &x->level[level];
	struct err le = ERR_INIT;
	unsigned char root[SHA_LEN];
	char name[TILE_PATH_MAX];
	bool known = true;
	bool stored =
		tile_read(&x->tile, x->dir, level, l->n, l->width, &le) == 0;

	tile_name(name, level, l->n, l->width);
	if (!stored && le.code == ERR_FAILED) {
		*e = le;
		return -1;
	}
	if (!stored)
		say(x, "a part of the tree cannot be read: %s", le.msg);
	for (unsigned i = 0; i < l->width; i++) {
		const unsigned char *there =
			stored ? x->tile.data + (size_t)i * SHA_LEN : NULL;
		if (stored && l->known[i] &&
		    memcmp(there, l->hash[i], SHA_LEN) != 0)
			say(x, "hash %u of %s is not that of the tile below it",
			    i, name);
		if (stored)
			memcpy(l->hash[i], there, SHA_LEN);
		known = known && (stored || l->known[i]);
	}
	unsigned width = l->width;
	l->width = 0;
	l->n++;
	if (width < TILE_WIDTH)
		return 0;
	if (known)
		tile_root(x->sha, root, l->hash[0], TILE_WIDTH);
	return level_add(x, level + 1, known ? root : NULL, e);
}

static int level_add(struct exam *x, int level, const unsigned char *hash,
		     struct err *e)
{
	if (level == TILE_LEVELS)
		return 0;
	struct level *l = &x->level[level];
	l->known[l->width] = hash != NULL;
	if (hash != NULL)
		memcpy(l->hash[l->width], hash, SHA_LEN);
	l->width++;
	return l->width == TILE_WIDTH ? level_close(x, level, e) : 0;
}

/* Tells of entries first to last (numbers in their bundle) in one line. */
static void say_changed(struct exam *x, uint64_t n, unsigned first,
			unsigned last)
{
	uint64_t base = n * TILE_WIDTH;

	if (first == last)
		say(x,
		    "entry %" PRIu64 " does not have the hash that the tree "
		    "has for it: it was changed, moved or replaced",
		    base + first);
	else
		say(x,
		    "entries %" PRIu64 " to %" PRIu64
		    " do not have the hashes that the tree has for them: they "
		    "were changed, moved or replaced",
		    base + first, base + last);
}

static void tree_add(struct exam *x, struct tree *t, const unsigned char *hash)
{
	merkle_add(t->merkle, hash);
	if (x->has_older && merkle_size(t->merkle) == x->older.size)
		merkle_root(t->merkle, t->older);
}

static void judge_entry(struct exam *x, uint64_t index, const void *data,
			size_t len)
{
	struct err e = ERR_INIT;
	if (x->judge != NULL && x->judge(data, len, &e) != 0)
		say(x,
		    "entry %" PRIu64 " is not as this program writes entries: "
		    "%s",
		    index, e.msg);
}

/* One bundle of width entries beside its tile of leaf hashes, either of which
 * may be missing. */
static void bundle_compare(struct exam *x, uint64_t n, unsigned width,
			   bool entries, bool hashes)
{
	unsigned char leaf[SHA_LEN];
	unsigned run = 0; /* length of the run of changed entries */

	for (unsigned i = 0; i < width; i++) {
		unsigned char *stored = x->tile.data + (size_t)i * SHA_LEN;
		const unsigned char *data = NULL;
		size_t len = 0;
		bool changed = false, read = false;
		if (entries)
			read = bundle_entry(&data, &len, &x->bundle, i) == 0;
		if (read)
			merkle_leaf(x->sha, leaf, data, len);
		else
			memcpy(leaf, stored, SHA_LEN);
		if (!hashes)
			memcpy(stored, leaf, SHA_LEN);
		changed = memcmp(leaf, stored, SHA_LEN) != 0;
		if (read && !changed)
			judge_entry(x, n * TILE_WIDTH + i, data, len);
		if (!changed && run > 0)
			say_changed(x, n, i - run, i - 1);
		run = changed ? run + 1 : 0;
		if (!x->gap) {
			tree_add(x, &x->entries, leaf);
			tree_add(x, &x->hashes, stored);
		}
	}
	if (run > 0)
		say_changed(x, n, width - run, width - 1);
}

/* *missing counts the bundles in a row of which nothing is left. */
static int exam_bundle(struct exam *x, uint64_t n, unsigned *missing,
		       struct err *e)
{
	struct err be = ERR_INIT, te = ERR_INIT;
	unsigned char root[SHA_LEN];
	unsigned width = tile_width(x->head.size, TILE_ENTRIES, n);
	bool entries =
		tile_read(&x->bundle, x->dir, TILE_ENTRIES, n, width, &be) == 0;
	bool hashes = tile_read(&x->tile, x->dir, 0, n, width, &te) == 0;

	if (be.code == ERR_FAILED || te.code == ERR_FAILED) {
		*e = be.code == ERR_FAILED ? be : te;
		return -1;
	}
	if (!entries)
		say(x, "entries %" PRIu64 " to %" PRIu64 " cannot be read: %s",
		    n * TILE_WIDTH, n * TILE_WIDTH + width - 1, be.msg);
	if (!hashes)
		say(x, "a part of the tree cannot be read: %s", te.msg);
	*missing = entries || hashes ? 0 : *missing + 1;
	if (!entries && !hashes) {
		x->gap = true;
		return width < TILE_WIDTH ? 0 : level_add(x, 1, NULL, e);
	}
	if (!hashes) {
		buf_reset(&x->tile);
		if (buf_reserve(&x->tile, TILE_MAX) == NULL)
			return err_set(e, ERR_FAILED, "out of memory");
	}
	bundle_compare(x, n, width, entries, hashes);
	if (width < TILE_WIDTH)
		return 0;
	tile_root(x->sha, root, x->tile.data, TILE_WIDTH);
	return level_add(x, 1, root, e);
}

static int exam_tree(struct exam *x, struct err *e)
{
	uint64_t size = x->head.size;
	unsigned missing = 0;

	if (x->has_older && x->older.size == 0) {
		merkle_root(x->entries.merkle, x->entries.older);
		merkle_root(x->hashes.merkle, x->hashes.older);
	}
	uint64_t bundles = size / TILE_WIDTH + (size % TILE_WIDTH != 0);
	for (uint64_t n = 0; n < bundles; n++) {
		if (exam_bundle(x, n, &missing, e) != 0)
			return -1;
		if (missing == MISSING_MAX) {
			say(x,
			    "entries from %" PRIu64 " on are missing; the "
			    "checkpoint counts %" PRIu64,
			    (n + 1 - missing) * TILE_WIDTH, size);
			return 0;
		}
	}
	for (int level = 1; level < TILE_LEVELS; level++)
		if (x->level[level].width != 0 && level_close(x, level, e) != 0)
			return -1;
	merkle_root(x->entries.merkle, x->entries.root);
	merkle_root(x->hashes.merkle, x->hashes.root);
	return 0;
}

/* ---- what it adds up to ------------------------------------------------- */

static void exam_older(struct exam *x, const struct tree *signed_tree)
{
	if (x->older.size > x->head.size) {
		say(x,
		    "the trail has %" PRIu64 " entries, and had %" PRIu64
		    " at the earlier checkpoint: entries were taken away, or "
		    "an old copy was put back",
		    x->head.size, x->older.size);
		return;
	}
	if (signed_tree == NULL) {
		say(x, "the trail cannot be compared with the earlier "
		       "checkpoint, because it does not lead to its own");
		return;
	}
	if (memcmp(signed_tree->older, x->older.root, SHA_LEN) != 0) {
		say(x,
		    "the first %" PRIu64 " entries are not those of the "
		    "earlier checkpoint: two different logs were signed with "
		    "one key (a fork)",
		    x->older.size);
		return;
	}
	x->sum->compared = true;
}

static bool there(const struct exam *x, uint64_t n, unsigned width)
{
	char name[TILE_PATH_MAX];

	tile_name(name, TILE_ENTRIES, n, width);
	char *path = file_join(x->dir, name);
	bool yes = path != NULL && file_exists(path);
	free(path);
	return yes;
}

/* A killed append leaves at most one entry beyond the checkpoint.  More of
 * them mean that an older checkpoint was put in the place of a newer. */
static void exam_beyond(struct exam *x)
{
	uint64_t next = x->head.size + 1; /* the number of the second one */
	uint64_t n = next / TILE_WIDTH;
	unsigned from = (unsigned)(next % TILE_WIDTH) + 1;
	bool beyond = there(x, n + 1, 1) || there(x, n + 1, TILE_WIDTH);
	struct buf now;
	struct err ignored = ERR_INIT;

	for (unsigned width = from; width <= TILE_WIDTH; width++)
		beyond = beyond || there(x, n, width);
	if (!beyond)
		return;
	/* unless somebody is appending at this moment */
	buf_init(&now, NOTE_MAX);
	if (read_part(&now, x, "checkpoint", &ignored) == 0 &&
	    now.len == x->note.len &&
	    memcmp(now.data, x->note.data, now.len) == 0)
		say(x,
		    "the folder holds more entries than the %" PRIu64
		    " that the checkpoint counts: an old checkpoint was put "
		    "back",
		    x->head.size);
	buf_release(&now);
}

static void exam_sum(struct exam *x)
{
	const struct tree *signed_tree = NULL;

	if (!x->gap && memcmp(x->hashes.root, x->head.root, SHA_LEN) == 0)
		signed_tree = &x->hashes;
	if (!x->gap && memcmp(x->entries.root, x->head.root, SHA_LEN) == 0)
		signed_tree = &x->entries;
	if (signed_tree != &x->entries)
		say(x,
		    "the entries do not lead to the root that the checkpoint "
		    "of %" PRIu64 " entries has",
		    x->head.size);
	if (x->has_older)
		exam_older(x, signed_tree);
	exam_beyond(x);
}

static int exam_run(struct exam *x, const void *older, size_t older_len,
		    struct err *e)
{
	bool good;

	if (read_part(&x->note, x, "checkpoint", e) != 0)
		return -1;
	if (exam_note(&x->head, &good, x, "the trail's checkpoint",
		      buf_str(&x->note), x->note.len) != 0)
		return 0;
	memcpy(x->sum->origin, x->head.origin, sizeof(x->sum->origin));
	memcpy(x->sum->root, x->head.root, SHA_LEN);
	x->sum->size = x->head.size;
	if (older != NULL &&
	    exam_note(&x->older, &x->has_older, x, "the earlier checkpoint",
		      older, older_len) == 0)
		x->sum->older_size = x->older.size;
	if (exam_tree(x, e) != 0)
		return -1;
	exam_sum(x);
	return 0;
}

int trail_examine_entries(struct trail_summary *out, const char *dir,
			  const char *vkey, const void *older, size_t older_len,
			  trail_judge_fn *judge, trail_finding_fn *found,
			  void *arg, struct err *e)
{
	int rc = -1;
	struct exam *x = calloc(1, sizeof(*x));

	memset(out, 0, sizeof(*out));
	if (x == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	x->dir = dir;
	x->found = found;
	x->arg = arg;
	x->judge = judge;
	x->sum = out;
	buf_init(&x->note, NOTE_MAX);
	buf_init(&x->bundle, BUNDLE_MAX);
	buf_init(&x->tile, TILE_MAX);
	x->sha = sha_new();
	x->entries.merkle = merkle_new();
	x->hashes.merkle = merkle_new();
	if (x->sha == NULL || x->entries.merkle == NULL ||
	    x->hashes.merkle == NULL) {
		err_openssl(e, ERR_FAILED, "starting SHA-256");
		goto out;
	}
	if (exam_key(x, vkey, e) != 0 || exam_run(x, older, older_len, e) != 0)
		goto out;
	if (out->findings != 0) {
		err_set(e, ERR_INVALID, "the trail %s has %" PRIu64 " %s", dir,
			out->findings,
			out->findings == 1 ? "defect" : "defects");
		goto out;
	}
	rc = 0;
out:
	merkle_free(x->entries.merkle);
	merkle_free(x->hashes.merkle);
	sha_free(x->sha);
	buf_release(&x->note);
	buf_release(&x->bundle);
	buf_release(&x->tile);
	free(x);
	return rc;
}

int trail_examine(struct trail_summary *out, const char *dir, const char *vkey,
		  const void *older, size_t older_len, trail_finding_fn *found,
		  void *arg, struct err *e)
{
	return trail_examine_entries(out, dir, vkey, older, older_len, NULL,
				     found, arg, e);
}

int trail_verify(struct trail *t, const void *older, size_t older_len,
		 trail_finding_fn *found, void *arg, struct err *e)
{
	struct trail_summary sum;

	return trail_examine(&sum, t->dir, trail_vkey(t), older, older_len,
			     found, arg, e);
}
