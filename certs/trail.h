/*
 * trail.h: the audit trail, an append-only Merkle log (docs/formats/trail.md).
 *
 * Layout C2SP tlog-tiles (tile/0/000, tile/0/000.p/N, tile/1/..., tile/entries
 * /000), checkpoint as C2SP signed note (Ed25519), verifier key in key.vkey,
 * all inside one folder of mode 0700.  Entries are JSON without personal
 * data; a case is named by its random number.  Origin: "quietus/" and the
 * first 16 hex digits of the SHA-256 of the raw public key.
 */
#ifndef QUIETUS_TRAIL_H
#define QUIETUS_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"

#define TRAIL_ENTRY_MAX 65535 /* tlog-tiles: a 16-bit length */
/* Room for any checkpoint, and for any proof with its entry. */
#define TRAIL_CHECKPOINT_MAX (128 * 1024)
#define TRAIL_PROOF_MAX (256 * 1024)

struct trail;

/*
 * Opens dir for appending with the Ed25519 private key (PEM) in key_path.
 * When create is set, a missing folder and a missing key are made (0700,
 * 0600); without it they are ERR_MISSING.  A folder that belongs to another
 * key is ERR_USAGE; one whose last tiles and entries do not lead to its own
 * signed checkpoint is ERR_INVALID (the rest is read by trail_verify only).
 * Files left half written by a killed append are overwritten or removed.
 */
int trail_open(struct trail **out, const char *dir, const char *key_path,
	       bool create, struct err *e);
/* Opens for reading only, key from key.vkey in dir. */
int trail_read(struct trail **out, const char *dir, struct err *e);
void trail_free(struct trail *t);

const char *trail_origin(const struct trail *t);
/* The C2SP verifier key line, without newline. */
const char *trail_vkey(const struct trail *t);
uint64_t trail_size(const struct trail *t);

/*
 * Appends one entry durably under the trail's lock: entry, tiles, then the
 * signed checkpoint.  Killed in between, the entry is either in the log or
 * not, never half.  Idempotent on request: when an entry with exactly these
 * bytes is already the last `look_back` entries, its index is returned and
 * nothing is appended (a rerun after a kill).  An entry that is not one JSON
 * object on one line is ERR_USAGE; another process that holds the lock for
 * more than 20 seconds is ERR_REFUSED.
 */
int trail_append(uint64_t *index, struct trail *t, const void *entry,
		 size_t len, uint64_t look_back, struct err *e);

/* The current checkpoint (signed note), appended to out. */
int trail_checkpoint(struct buf *out, struct trail *t, struct err *e);

/* A C2SP tlog-proof of entry index in the current checkpoint.  extra (may be
 * NULL) is put in base64 into the proof's extra line: the entry itself, so
 * that the proof verifies alone; ERR_USAGE when it is another. */
int trail_prove(struct buf *out, struct trail *t, uint64_t index,
		const void *extra, size_t extra_len, struct err *e);

/* Checks that the tree of a checkpoint seen before is a prefix of this trail,
 * from a few tiles only.  ERR_INVALID when entries were taken away or the log
 * was forked. */
int trail_extends(struct trail *t, const void *older, size_t len,
		  struct err *e);

/* The bytes of one entry, appended to out. */
int trail_entry(struct buf *out, struct trail *t, uint64_t index,
		struct err *e);

/* Recomputes every tile from the entries and compares with the checkpoint;
 * calls found(arg, text) for each finding and goes on.  0 when there was
 * none; -1 with ERR_INVALID.  older (may be NULL) is a checkpoint seen
 * before, whose tree must be a prefix of this one. */
typedef void trail_finding_fn(void *arg, const char *text);
int trail_verify(struct trail *t, const void *older, size_t older_len,
		 trail_finding_fn *found, void *arg, struct err *e);

/* The same for a folder that may be too damaged to open.  vkey is the
 * verifier key to trust; NULL takes the folder's own key.vkey.  out (zeroed
 * first) says what was read even when there are findings.  ERR_MISSING when
 * folder, key or checkpoint are not there, ERR_USAGE for a malformed vkey. */
struct trail_summary {
	char origin[128];
	uint64_t size;
	unsigned char root[SHA_LEN];
	uint64_t findings;
	bool compared; /* with older, and found to carry it on */
	uint64_t older_size;
};
int trail_examine(struct trail_summary *out, const char *dir, const char *vkey,
		  const void *older, size_t older_len, trail_finding_fn *found,
		  void *arg, struct err *e);

/* The same; besides, judge(data, len, e) looks at each entry that has the hash
 * that the tree has for it: what it refuses (-1 with its reason) is a finding.
 * judge may be NULL. */
typedef int trail_judge_fn(const void *data, size_t len, struct err *e);
int trail_examine_entries(struct trail_summary *out, const char *dir,
			  const char *vkey, const void *older, size_t older_len,
			  trail_judge_fn *judge, trail_finding_fn *found,
			  void *arg, struct err *e);

/* A proof read without the log: checks the note's signature against vkey and
 * the inclusion of extra as the entry.  entry receives the entry's bytes. */
int proof_check(struct buf *entry, uint64_t *index, uint64_t *size,
		const void *proof, size_t len, const char *vkey, struct err *e);

/* A checkpoint (signed note) checked against vkey. */
int checkpoint_check(uint64_t *size, unsigned char root[SHA_LEN],
		     const void *note, size_t len, const char *vkey,
		     struct err *e);

#endif
