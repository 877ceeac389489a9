/*
 * Opening a trail and appending to it.
 *
 * States of the folder, in the order in which they are reached; a kill leaves
 * one of them, and the next run goes on from there (I6):
 *
 *   1. no folder; 2. folder and lock; 3. private key; 4. key.vkey;
 *   5. checkpoint of no entries: from here on it is a trail.
 *
 * An append writes, each durably before the next: the entry bundle, the tiles
 * from the lowest level up, the checkpoint.  The checkpoint alone says what is
 * in the log.  Whatever lies beyond its size is the leftover of a killed
 * append and is overwritten by the next, which writes the same names.
 * Partial tiles stay until the full tile is there and signed, as tlog-tiles
 * asks; then they go, and a kill that spares them harms nobody.
 */
#include "certs/trail_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/json.h"
#include "certs/merkle.h"

#define KEY_MAX 16384
#define LOCK_WAIT 20.0 /* seconds; an append takes milliseconds */

/* ---- the key ------------------------------------------------------------ */

/* Without this OpenSSL would ask on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)size;
	(void)writing;
	buf[0] = '\0';
	*(bool *)arg = true;
	return -1;
}

static EVP_PKEY *read_key(const char *path, struct err *e)
{
	struct buf pem;
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	bool encrypted = false;

	buf_init_secret(&pem, KEY_MAX);
	if (file_read(&pem, path, e) != 0)
		goto out;
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase,
					      &encrypted);
	if (key == NULL) {
		err_openssl(e, ERR_USAGE, "reading the trail's key %s%s", path,
			    encrypted ? " (it is encrypted, which is not "
					"supported for a trail)"
				      : "");
		goto out;
	}
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
		err_set(e, ERR_USAGE,
			"the trail's key %s is not an Ed25519 key; make one "
			"with: openssl genpkey -algorithm ed25519",
			path);
		EVP_PKEY_free(key);
		key = NULL;
	}
out:
	BIO_free(bio);
	buf_release(&pem);
	return key;
}

static int make_key(const char *path, struct err *e)
{
	int rc = -1;
	char *pem = NULL;
	BIO *bio = BIO_new(BIO_s_secmem());
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	if (bio == NULL || key == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL,
					  NULL) != 1) {
		err_openssl(e, ERR_FAILED, "making a key for the trail");
		goto out;
	}
	long n = BIO_get_mem_data(bio, &pem);
	rc = file_create(path, pem, (size_t)n, e);
out:
	BIO_free(bio); /* wiped: secure memory */
	EVP_PKEY_free(key);
	return rc;
}

/* ---- whose folder it is ------------------------------------------------- */

static bool has(const struct trail *t, const char *name)
{
	char *path = file_join(t->dir, name);
	bool there = path != NULL && file_exists(path);
	free(path);
	return there;
}

static int read_vkey(struct vkey *out, const struct trail *t, struct err *e)
{
	struct buf line;
	int rc = -1;
	char *path = file_join(t->dir, "key.vkey");

	buf_init(&line, VKEY_LINE_MAX);
	if (path == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (file_read(&line, path, e) != 0)
		goto out;
	if (strlen(buf_str(&line)) != line.len ||
	    vkey_parse(out, buf_str(&line), e) != 0) {
		err_set(e, ERR_INVALID, "it has a NUL byte");
		err_add(e, "%s", path);
		goto out;
	}
	rc = 0;
out:
	buf_release(&line);
	free(path);
	return rc;
}

static int write_vkey(const struct trail *t, struct err *e)
{
	struct buf line;
	int rc = -1;
	char *path = file_join(t->dir, "key.vkey");

	buf_init(&line, VKEY_LINE_MAX);
	vkey_write(&line, &t->key);
	if (buf_putc(&line, '\n') != 0 || path == NULL)
		err_set(e, ERR_FAILED, "out of memory");
	else
		rc = file_write(path, line.data, line.len, e);
	buf_release(&line);
	free(path);
	return rc;
}

static int other_key(const struct trail *t, const char *theirs,
		     const char *key_path, struct err *e)
{
	return err_set(e, ERR_USAGE,
		       "the trail in %s belongs to %s, the key %s is that of "
		       "%s; use the key this trail was begun with, or another "
		       "folder",
		       t->dir, theirs, key_path, t->key.name);
}

/* Finds or makes the key and the file that names it, and refuses a folder
 * that belongs to another. */
static int settle_key(struct trail *t, const char *key_path, bool create,
		      struct err *e)
{
	struct vkey theirs;
	bool named = has(t, "key.vkey");

	if (named && read_vkey(&theirs, t, e) != 0)
		return -1;
	if (!file_exists(key_path)) {
		if (named)
			return err_set(e, ERR_USAGE,
				       "the trail in %s belongs to %s, whose "
				       "key is not in %s; put that key there, "
				       "or use another folder",
				       t->dir, theirs.name, key_path);
		/* a log without its key.vkey is not begun anew */
		if (!create || has(t, "checkpoint") || has(t, "tile"))
			return err_set(e, ERR_MISSING,
				       "the trail's key %s is not there",
				       key_path);
		if (make_key(key_path, e) != 0)
			return -1;
	}
	t->signer = read_key(key_path, e);
	if (t->signer == NULL)
		return -1;
	unsigned char pub[ED25519_LEN];
	size_t n = sizeof(pub);
	if (EVP_PKEY_get_raw_public_key(t->signer, pub, &n) != 1 ||
	    n != sizeof(pub))
		return err_openssl(e, ERR_FAILED, "reading the key %s",
				   key_path);
	if (vkey_of_public(&t->key, pub, e) != 0)
		return -1;
	if (named)
		return vkey_equal(&t->key, &theirs)
			       ? 0
			       : other_key(t, theirs.name, key_path, e);
	return 0;
}

/* A trail that lost its key.vkey still says in its checkpoint whose it is. */
static int settle_vkey(struct trail *t, const char *key_path, struct err *e)
{
	if (has(t, "key.vkey"))
		return 0;
	if (has(t, "checkpoint")) {
		struct buf note;
		struct checkpoint c;
		size_t n;
		int rc = -1;
		char *path = file_join(t->dir, "checkpoint");
		buf_init(&note, NOTE_MAX);
		if (path == NULL)
			err_set(e, ERR_FAILED, "out of memory");
		else if (file_read(&note, path, e) == 0 &&
			 note_split(&n, buf_str(&note), note.len, e) == 0 &&
			 checkpoint_parse(&c, buf_str(&note), n, e) == 0)
			rc = strcmp(c.origin, t->key.name) == 0
				     ? 0
				     : other_key(t, c.origin, key_path, e);
		buf_release(&note);
		free(path);
		if (rc != 0)
			return -1;
	}
	return write_vkey(t, e);
}

/* ---- opening ------------------------------------------------------------ */

static int write_checkpoint(struct trail *t, const struct checkpoint *c,
			    struct buf *note, struct err *e)
{
	struct buf text;
	int rc = -1;
	char *path = file_join(t->dir, "checkpoint");

	buf_init(&text, NOTE_MAX);
	if (path == NULL || checkpoint_write(&text, c) != 0)
		err_set(e, ERR_FAILED, "out of memory");
	else if (note_sign(note, buf_str(&text), text.len, &t->key, t->signer,
			   e) == 0)
		rc = file_write(path, note->data, note->len, e);
	buf_release(&text);
	free(path);
	return rc;
}

/* Begins the log, unless there is one.  A checkpoint that is gone while there
 * are tiles was taken away: it is not signed again from nothing. */
static int settle_checkpoint(struct trail *t, bool create, struct err *e)
{
	struct checkpoint empty;
	struct buf note;

	if (has(t, "checkpoint"))
		return 0;
	if (has(t, "tile"))
		return err_set(e, ERR_INVALID,
			       "trail %s has entries and no checkpoint: it was "
			       "taken away; put it back from a copy",
			       t->dir);
	if (!create)
		return err_set(e, ERR_MISSING,
			       "%s is not a trail: it has no checkpoint",
			       t->dir);
	memset(&empty, 0, sizeof(empty));
	memcpy(empty.origin, t->key.name, sizeof(empty.origin));
	if (sha_once(empty.root, "", 0, e) != 0)
		return -1;
	buf_init(&note, NOTE_MAX);
	int rc = write_checkpoint(t, &empty, &note, e);
	buf_release(&note);
	return rc;
}

/* Waits its turn: another case of the same operator may be appending. */
static int lock(int *fd, const struct trail *t, struct err *e)
{
	double start = clock_elapsed();
	char *path = file_join(t->dir, "lock");

	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (;;) {
		struct err now = ERR_INIT;
		static const struct timespec pause = {0, 5 * 1000 * 1000};
		if (file_lock(fd, path, &now) == 0)
			break;
		if (now.code != ERR_REFUSED ||
		    clock_elapsed() - start > LOCK_WAIT) {
			free(path);
			err_set(e, now.code, "%s", now.msg);
			return err_add(e, "waiting to append to the trail");
		}
		(void)nanosleep(&pause, NULL);
	}
	free(path);
	return 0;
}

static struct trail *trail_new(const char *dir, struct err *e)
{
	struct trail *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		return NULL;
	}
	t->dir = strdup(dir);
	t->sha = sha_new();
	edge_init(&t->edge);
	buf_init(&t->note, NOTE_MAX);
	buf_init(&t->vkey_line, VKEY_LINE_MAX);
	for (int level = 0; level < TILE_LEVELS; level++)
		buf_init(&t->cache[level].hashes, TILE_MAX);
	if (t->dir == NULL || t->sha == NULL) {
		trail_free(t);
		err_set(e, ERR_FAILED, "out of memory");
		return NULL;
	}
	return t;
}

void trail_free(struct trail *t)
{
	if (t == NULL)
		return;
	for (int level = 0; level < TILE_LEVELS; level++)
		buf_release(&t->cache[level].hashes);
	buf_release(&t->vkey_line);
	buf_release(&t->note);
	edge_release(&t->edge);
	sha_free(t->sha);
	EVP_PKEY_free(t->signer);
	free(t->dir);
	free(t);
}

int trail_open(struct trail **out, const char *dir, const char *key_path,
	       bool create, struct err *e)
{
	int rc = -1, fd = -1;
	struct trail *t = trail_new(dir, e);

	if (t == NULL)
		goto out;
	if (create) {
		if (file_mkdir(dir, e) != 0)
			goto out;
	} else if (!has(t, "key.vkey")) {
		err_set(e, ERR_MISSING, "there is no trail in %s", dir);
		goto out;
	}
	if (lock(&fd, t, e) != 0 || settle_key(t, key_path, create, e) != 0 ||
	    settle_vkey(t, key_path, e) != 0 ||
	    settle_checkpoint(t, create, e) != 0 || state_load(t, e) != 0)
		goto out;
	if (vkey_write(&t->vkey_line, &t->key) != 0) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	tile_sweep(t->dir, t->head.size);
	*out = t;
	t = NULL;
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	trail_free(t);
	return rc;
}

int trail_read(struct trail **out, const char *dir, struct err *e)
{
	int rc = -1;
	struct trail *t = trail_new(dir, e);

	if (t == NULL)
		goto out;
	if (!file_exists(dir)) {
		err_set(e, ERR_MISSING, "there is no trail in %s", dir);
		goto out;
	}
	if (read_vkey(&t->key, t, e) != 0 || state_load(t, e) != 0)
		goto out;
	if (vkey_write(&t->vkey_line, &t->key) != 0) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	*out = t;
	t = NULL;
	rc = 0;
out:
	trail_free(t);
	return rc;
}

const char *trail_origin(const struct trail *t)
{
	return t->key.name;
}

const char *trail_vkey(const struct trail *t)
{
	return buf_str(&t->vkey_line);
}

uint64_t trail_size(const struct trail *t)
{
	return t->head.size;
}

int trail_checkpoint(struct buf *out, struct trail *t, struct err *e)
{
	if (buf_put(out, t->note.data, t->note.len) != 0)
		return err_set(e, ERR_FAILED, "out of memory");
	return 0;
}

/* ---- appending ---------------------------------------------------------- */

static int check_entry(const void *entry, size_t len, struct err *e)
{
	const unsigned char *p = entry;

	if (len > TRAIL_ENTRY_MAX)
		return err_set(e, ERR_USAGE,
			       "a trail entry of %zu bytes is longer than the "
			       "%d that a log takes",
			       len, TRAIL_ENTRY_MAX);
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20)
			return err_set(e, ERR_USAGE,
				       "a trail entry is one line: byte %zu is "
				       "a control character",
				       i);
	json_t *doc = json_strict(entry, len, "a trail entry", e);
	if (doc == NULL) {
		if (e->code == ERR_INVALID)
			e->code = ERR_USAGE;
		return -1;
	}
	json_decref(doc);
	return 0;
}

/* Another process may have appended since: reads what it left, and makes sure
 * that it only ever adds. */
static int refresh(struct trail *t, struct err *e)
{
	struct buf seen, now;
	int rc = -1;
	char *path = file_join(t->dir, "checkpoint");

	buf_init(&seen, NOTE_MAX);
	buf_init(&now, NOTE_MAX);
	if (path == NULL || buf_put(&seen, t->note.data, t->note.len) != 0) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (file_read(&now, path, e) != 0)
		goto out;
	if (!t->doubt && seen.len != 0 && now.len == seen.len &&
	    memcmp(now.data, seen.data, now.len) == 0) {
		rc = 0;
		goto out;
	}
	t->settled = false;
	if (state_load(t, e) != 0)
		goto out;
	t->doubt = false;
	if (seen.len != 0 && trail_extends(t, seen.data, seen.len, e) != 0)
		goto out;
	rc = 0;
out:
	buf_release(&seen);
	buf_release(&now);
	free(path);
	return rc;
}

/* 1 and *index when one of the last look_back entries has that leaf hash;
 * 0 when none has; -1. */
static int look_back_for(uint64_t *index, struct trail *t,
			 const unsigned char leaf[SHA_LEN], uint64_t look_back,
			 struct err *e)
{
	unsigned char hash[SHA_LEN], proof[PROOF_MAX][SHA_LEN];
	uint64_t size = t->head.size;

	for (uint64_t i = 1; i <= look_back && i <= size; i++) {
		size_t n;
		if (state_range(t, hash, size - i, 1, e) != 0)
			return -1;
		if (memcmp(hash, leaf, SHA_LEN) != 0)
			continue;
		/* a changed tile must not make an entry seem logged */
		if (state_inclusion(t, proof, &n, hash, size - i, e) != 0)
			return -1;
		*index = size - i;
		return 1;
	}
	return 0;
}

/* Adds a leaf to the tiles of next, writing each that changes.  *full is the
 * number of levels whose tile became full. */
static int write_tiles(struct trail *t, struct edge *next,
		       const unsigned char leaf[SHA_LEN], int *full,
		       struct err *e)
{
	unsigned char hash[SHA_LEN];
	uint64_t index = t->head.size; /* of the new hash, in its level */

	memcpy(hash, leaf, SHA_LEN);
	*full = 0;
	for (int level = 0; level < TILE_LEVELS; level++) {
		struct buf *tile = &next->tile[level];
		if (buf_put(tile, hash, SHA_LEN) != 0)
			return err_set(e, ERR_FAILED, "out of memory");
		unsigned width = (unsigned)(tile->len / SHA_LEN);
		if (tile_write(t->dir, level, index / TILE_WIDTH, width, tile,
			       !t->settled, e) != 0)
			return -1;
		if (width < TILE_WIDTH)
			return 0;
		tile_root(t->sha, hash, tile->data, TILE_WIDTH);
		buf_reset(tile);
		index /= TILE_WIDTH;
		(*full)++;
	}
	return err_set(e, ERR_FAILED, "the trail %s is full", t->dir);
}

static int append_leaf(struct trail *t, const unsigned char leaf[SHA_LEN],
		       const void *entry, size_t len, struct err *e)
{
	int rc = -1, full;
	struct edge next;
	struct buf note;
	struct checkpoint c = t->head;
	uint64_t index = t->head.size;

	edge_init(&next);
	buf_init(&note, NOTE_MAX);
	if (edge_copy(&next, &t->edge) != 0 ||
	    bundle_add(&next.bundle, entry, len) != 0) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (tile_write(t->dir, TILE_ENTRIES, index / TILE_WIDTH,
		       (unsigned)(index % TILE_WIDTH) + 1, &next.bundle,
		       !t->settled, e) != 0 ||
	    write_tiles(t, &next, leaf, &full, e) != 0)
		goto out;
	t->settled = full == 0;
	if (full > 0)
		buf_reset(&next.bundle);
	c.size++;
	edge_root(t->sha, c.root, &next, c.size);
	if (write_checkpoint(t, &c, &note, e) != 0)
		goto out;

	/* it is in the log: from here on nothing fails */
	struct edge past = t->edge;
	t->edge = next;
	next = past;
	t->head = c;
	struct buf old = t->note;
	t->note = note;
	note = old;
	if (full > 0)
		tile_drop_partial(t->dir, TILE_ENTRIES, index / TILE_WIDTH);
	for (int level = 0; level < full; level++) {
		index /= TILE_WIDTH;
		tile_drop_partial(t->dir, level, index);
	}
	rc = 0;
out:
	/* perhaps the checkpoint is on disk all the same: look again first */
	if (rc != 0)
		t->doubt = true;
	buf_release(&note);
	edge_release(&next);
	return rc;
}

int trail_append(uint64_t *index, struct trail *t, const void *entry,
		 size_t len, uint64_t look_back, struct err *e)
{
	int rc = -1, fd = -1;
	unsigned char leaf[SHA_LEN];

	if (t->signer == NULL)
		return err_set(e, ERR_USAGE,
			       "the trail %s is open for reading only", t->dir);
	if (check_entry(entry, len, e) != 0)
		return -1;
	if (lock(&fd, t, e) != 0 || refresh(t, e) != 0)
		goto out;
	merkle_leaf(t->sha, leaf, entry, len);
	int known = look_back_for(index, t, leaf, look_back, e);
	if (known < 0)
		goto out;
	if (known == 0) {
		uint64_t at = t->head.size;
		if (append_leaf(t, leaf, entry, len, e) != 0) {
			err_add(e, "appending to the trail %s", t->dir);
			goto out;
		}
		*index = at;
	}
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	return rc;
}
