/*
 * trail_parts.h: what the parts of the trail share.  Included by
 * certs/trail*.c only; everybody else uses trail.h.
 *
 * trail_note.c   signed notes, verifier keys, checkpoints
 * trail_tile.c   names, reading and writing of tiles and entry bundles
 * trail_state.c  the right edge of the tree, hashes of subtrees, proofs' paths
 * trail.c        opening and appending
 * trail_proof.c  tlog-proof files
 * trail_verify.c everything recomputed
 */
#ifndef QUIETUS_TRAIL_PARTS_H
#define QUIETUS_TRAIL_PARTS_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "certs/trail.h"

/* ---- notes and checkpoints (trail_note.c) ------------------------------- */

#define VKEY_NAME_MAX 128
#define VKEY_LINE_MAX 256
#define ED25519_LEN 32
#define NOTE_MAX TRAIL_CHECKPOINT_MAX /* 16 post-quantum signatures */

struct vkey {
	char name[VKEY_NAME_MAX]; /* printable ASCII, no space, no plus */
	unsigned char id[4];
	unsigned char pub[ED25519_LEN];
};

/* Standard base64 with padding, and its strict reverse: -1 for any text that
 * base64_put would not have written. */
int base64_put(struct buf *out, const void *data, size_t len);
int base64_get(struct buf *out, const char *text, size_t len);

/* A decimal without leading zeros in the len bytes at text. */
int decimal_get(uint64_t *out, const char *text, size_t len);

/* "name+keyid+base64(0x01 || public key)", a final newline allowed. */
int vkey_parse(struct vkey *out, const char *line, struct err *e);
/* The verifier key of a public key, named as trail.h says. */
int vkey_of_public(struct vkey *out, const unsigned char pub[ED25519_LEN],
		   struct err *e);
int vkey_write(struct buf *out, const struct vkey *k);
bool vkey_equal(const struct vkey *a, const struct vkey *b);

/* Appends the text (which ends in a newline) with its signature. */
int note_sign(struct buf *out, const char *text, size_t len,
	      const struct vkey *k, EVP_PKEY *signer, struct err *e);
/* Checks the form of a note: *text_len is the length of its text. */
int note_split(size_t *text_len, const char *note, size_t len, struct err *e);
/* Checks form and signature; signatures by others are passed over. */
int note_check(size_t *text_len, const char *note, size_t len,
	       const struct vkey *k, struct err *e);

struct checkpoint {
	char origin[VKEY_NAME_MAX];
	uint64_t size;
	unsigned char root[SHA_LEN];
};

int checkpoint_write(struct buf *out, const struct checkpoint *c);
/* Reads a note's text, which proves nothing by itself. */
int checkpoint_parse(struct checkpoint *out, const char *text, size_t len,
		     struct err *e);
/* Form, signature, content, and that the origin is the key's name. */
int checkpoint_open(struct checkpoint *out, const char *note, size_t len,
		    const struct vkey *k, struct err *e);

/* ---- tiles (trail_tile.c) ----------------------------------------------- */

#define TILE_WIDTH 256
#define TILE_LEVELS 8	  /* 256^8 leaves */
#define TILE_ENTRIES (-1) /* the level of entry bundles */
#define TILE_PATH_MAX 80
#define TILE_MAX (TILE_WIDTH * SHA_LEN)
#define BUNDLE_MAX (TILE_WIDTH * (2 + TRAIL_ENTRY_MAX))

/* The name below the trail's folder: "tile/0/x001/234.p/5". */
void tile_name(char out[TILE_PATH_MAX], int level, uint64_t n, unsigned width);
/* How many hashes tile n of a level has in a tree of that size. */
unsigned tile_width(uint64_t size, int level, uint64_t n);

/*
 * Reads the first width hashes (entries) of a tile (bundle) into out, which
 * is emptied first.  A partial tile whose file is gone is taken from the full
 * one, as tlog-tiles says.  ERR_MISSING when neither is there; ERR_INVALID
 * when it has another length than its name says.
 */
int tile_read(struct buf *out, const char *dir, int level, uint64_t n,
	      unsigned width, struct err *e);
/* Writes it durably; makes folders.  settle also syncs the folders that were
 * there: a kill may have come between their making and their sync. */
int tile_write(const char *dir, int level, uint64_t n, unsigned width,
	       const struct buf *data, bool settle, struct err *e);

/* The bytes of entry i of a bundle that tile_read gave. */
int bundle_entry(const unsigned char **data, size_t *len,
		 const struct buf *bundle, unsigned i);
int bundle_add(struct buf *bundle, const void *entry, size_t len);

/* The root over n hashes, n a power of two up to 256. */
void tile_root(struct sha *s, unsigned char out[SHA_LEN],
	       const unsigned char *hashes, unsigned n);

/* Removes the partial forms of a tile that is full (best effort). */
void tile_drop_partial(const char *dir, int level, uint64_t n);
/* Removes what killed appends left beside the right edge of a tree of that
 * size (best effort; under the lock). */
void tile_sweep(const char *dir, uint64_t size);

/* ---- state (trail_state.c) ---------------------------------------------- */

/* The tiles at the right that are not full, which is all that an append
 * needs to know of the tree. */
struct edge {
	struct buf tile[TILE_LEVELS];
	struct buf bundle;
};

void edge_init(struct edge *g);
void edge_release(struct edge *g);
int edge_copy(struct edge *to, const struct edge *from);
/* The root of the tree of that size. */
void edge_root(struct sha *s, unsigned char out[SHA_LEN], const struct edge *g,
	       uint64_t size);

struct trail {
	char *dir;
	struct vkey key;
	struct buf vkey_line;
	EVP_PKEY *signer; /* NULL: for reading only */
	struct sha *sha;
	struct checkpoint head;
	struct buf note; /* the exact bytes that say head */
	struct edge edge;
	bool settled; /* folders are known to be synced */
	bool doubt;   /* an append failed: look at the disk before the next */
	/* the last full tile used of each level */
	struct {
		bool filled;
		uint64_t n;
		struct buf hashes;
	} cache[TILE_LEVELS];
};

/* Reads checkpoint and right edge and checks one against the other.
 * ERR_INVALID; ERR_MISSING when there is no checkpoint.  After a failure the
 * trail seems empty, so that nothing reads a tree that is half known. */
int state_load(struct trail *t, struct err *e);

/* The hash over leaves [from, from + n), from a multiple of a power of two
 * that is not below n: a subtree as RFC 9162 splits. */
int state_range(struct trail *t, unsigned char out[SHA_LEN], uint64_t from,
		uint64_t n, struct err *e);

#define PROOF_MAX 64
/* The inclusion proof of a leaf in the current tree; checked before it is
 * handed out, so that it is good or ERR_INVALID.  leaf receives its hash. */
int state_inclusion(struct trail *t, unsigned char (*proof)[SHA_LEN], size_t *n,
		    unsigned char leaf[SHA_LEN], uint64_t index, struct err *e);

#endif
