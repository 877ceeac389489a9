/* What is known of the tree: its right edge in memory, the rest read from
 * tiles when a proof needs it. */
#include "certs/trail_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/merkle.h"

void edge_init(struct edge *g)
{
	for (int level = 0; level < TILE_LEVELS; level++)
		buf_init(&g->tile[level], TILE_MAX);
	buf_init(&g->bundle, BUNDLE_MAX);
}

void edge_release(struct edge *g)
{
	for (int level = 0; level < TILE_LEVELS; level++)
		buf_release(&g->tile[level]);
	buf_release(&g->bundle);
}

int edge_copy(struct edge *to, const struct edge *from)
{
	for (int level = 0; level < TILE_LEVELS; level++)
		if (buf_put(&to->tile[level], from->tile[level].data,
			    from->tile[level].len) != 0)
			return -1;
	return buf_put(&to->bundle, from->bundle.data, from->bundle.len);
}

/* From the smallest subtree at the right to the largest at the left: the
 * bits of size, eight to a level. */
void edge_root(struct sha *s, unsigned char out[SHA_LEN], const struct edge *g,
	       uint64_t size)
{
	unsigned char sub[SHA_LEN];
	bool have = false;

	for (int level = 0; level < TILE_LEVELS; level++) {
		unsigned pos = (unsigned)(size >> (8 * level)) % TILE_WIDTH;
		for (unsigned n = 1; n <= pos; n *= 2) {
			if ((pos & n) == 0)
				continue;
			pos -= n;
			tile_root(s, sub,
				  g->tile[level].data + (size_t)pos * SHA_LEN,
				  n);
			if (have)
				merkle_node(s, out, sub, out);
			else
				memcpy(out, sub, SHA_LEN);
			have = true;
		}
	}
	if (!have) {
		sha_start(s);
		sha_end(s, out);
	}
}

/* ---- loading ------------------------------------------------------------ */

/* A file that the checkpoint vouches for and that is not there is damage,
 * not a trail that cannot be checked. */
static int damaged(const struct trail *t, struct err *e)
{
	if (e->code == ERR_MISSING)
		e->code = ERR_INVALID;
	if (e->code != ERR_INVALID)
		return -1;
	return err_add(e,
		       "trail %s: what is stored does not lead to its signed "
		       "checkpoint of %" PRIu64 " entries",
		       t->dir, t->head.size);
}

static int load_edge(struct trail *t, struct err *e)
{
	uint64_t size = t->head.size;

	for (int level = 0; level < TILE_LEVELS; level++) {
		uint64_t n = (size >> (8 * level)) / TILE_WIDTH;
		unsigned width = tile_width(size, level, n);
		buf_reset(&t->edge.tile[level]);
		if (width != 0 && tile_read(&t->edge.tile[level], t->dir, level,
					    n, width, e) != 0)
			return -1;
	}
	buf_reset(&t->edge.bundle);
	unsigned width = (unsigned)(size % TILE_WIDTH);
	if (width == 0)
		return 0;
	return tile_read(&t->edge.bundle, t->dir, TILE_ENTRIES,
			 size / TILE_WIDTH, width, e);
}

static int check_edge(struct trail *t, struct err *e)
{
	unsigned char hash[SHA_LEN];
	unsigned width = (unsigned)(t->head.size % TILE_WIDTH);

	edge_root(t->sha, hash, &t->edge, t->head.size);
	if (memcmp(hash, t->head.root, SHA_LEN) != 0)
		return err_set(e, ERR_INVALID,
			       "its last tiles have another root");
	for (unsigned i = 0; i < width; i++) {
		const unsigned char *data;
		size_t len;
		if (bundle_entry(&data, &len, &t->edge.bundle, i) != 0)
			return err_set(e, ERR_INVALID,
				       "its last entries are cut short");
		merkle_leaf(t->sha, hash, data, len);
		if (memcmp(hash, t->edge.tile[0].data + (size_t)i * SHA_LEN,
			   SHA_LEN) != 0)
			return err_set(e, ERR_INVALID,
				       "entry %" PRIu64 " was changed",
				       t->head.size - width + i);
	}
	return 0;
}

int state_load(struct trail *t, struct err *e)
{
	int rc = -1;
	char *path = file_join(t->dir, "checkpoint");

	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	buf_reset(&t->note);
	for (int level = 0; level < TILE_LEVELS; level++)
		t->cache[level].filled = false;
	if (file_read(&t->note, path, e) != 0)
		goto out;
	if (checkpoint_open(&t->head, buf_str(&t->note), t->note.len, &t->key,
			    e) != 0) {
		err_add(e, "trail %s", t->dir);
		goto out;
	}
	if (load_edge(t, e) != 0 || check_edge(t, e) != 0) {
		damaged(t, e);
		goto out;
	}
	rc = 0;
out:
	if (rc != 0) {
		buf_reset(&t->note);
		memset(&t->head, 0, sizeof(t->head));
	}
	free(path);
	return rc;
}

/* ---- hashes of the tree ------------------------------------------------- */

static int get_tile(struct trail *t, const unsigned char **hashes, int level,
		    uint64_t n, struct err *e)
{
	struct buf *full = &t->cache[level].hashes;

	if (tile_width(t->head.size, level, n) < TILE_WIDTH) {
		*hashes = t->edge.tile[level].data;
		return 0;
	}
	if (!t->cache[level].filled || t->cache[level].n != n) {
		t->cache[level].filled = false;
		if (tile_read(full, t->dir, level, n, TILE_WIDTH, e) != 0)
			return damaged(t, e);
		t->cache[level].filled = true;
		t->cache[level].n = n;
	}
	*hashes = full->data;
	return 0;
}

/* The full subtree of 2^height leaves with that index. */
static int subtree(struct trail *t, unsigned char out[SHA_LEN], int height,
		   uint64_t index, struct err *e)
{
	const unsigned char *hashes = NULL;
	int level = height / 8;
	unsigned n = 1u << (height % 8);
	uint64_t first = index * n;

	if (get_tile(t, &hashes, level, first / TILE_WIDTH, e) != 0)
		return -1;
	tile_root(t->sha, out, hashes + first % TILE_WIDTH * SHA_LEN, n);
	return 0;
}

int state_range(struct trail *t, unsigned char out[SHA_LEN], uint64_t from,
		uint64_t n, struct err *e)
{
	unsigned char part[64][SHA_LEN];
	size_t parts = 0;

	for (int height = 63; height >= 0; height--) {
		if ((n >> height & 1) == 0)
			continue;
		if (subtree(t, part[parts], height, from >> height, e) != 0)
			return -1;
		from += UINT64_C(1) << height;
		parts++;
	}
	if (parts == 0)
		return err_set(e, ERR_FAILED, "no hash over no leaves");
	memcpy(out, part[--parts], SHA_LEN);
	while (parts-- > 0)
		merkle_node(t->sha, out, part[parts], out);
	return 0;
}

/* The largest power of two below n (n > 1). */
static uint64_t split(uint64_t n)
{
	uint64_t k = 1;
	while (k < n - k)
		k *= 2;
	return k;
}

/* The walk of RFC 9162, 2.1.3.1 and 2.1.4.1, from the root down: at each
 * split the half that is not gone into is noted. */
struct walk {
	uint64_t from, n; /* where the walk stands */
	size_t steps;
	uint64_t other_from[PROOF_MAX], other_n[PROOF_MAX];
};

static void step(struct walk *w, bool left)
{
	uint64_t k = split(w->n);

	w->other_from[w->steps] = left ? w->from + k : w->from;
	w->other_n[w->steps] = left ? w->n - k : k;
	w->steps++;
	if (!left)
		w->from += k;
	w->n = left ? k : w->n - k;
}

/* The noted halves from the leaf up, as proofs list them. */
static int walk_hashes(struct trail *t, unsigned char (*proof)[SHA_LEN],
		       const struct walk *w, struct err *e)
{
	for (size_t i = 0; i < w->steps; i++)
		if (state_range(t, proof[w->steps - 1 - i], w->other_from[i],
				w->other_n[i], e) != 0)
			return -1;
	return 0;
}

int state_inclusion(struct trail *t, unsigned char (*proof)[SHA_LEN], size_t *n,
		    unsigned char leaf[SHA_LEN], uint64_t index, struct err *e)
{
	struct walk w = {0, t->head.size, 0, {0}, {0}};

	while (w.n > 1)
		step(&w, index < w.from + split(w.n));
	if (walk_hashes(t, proof, &w, e) != 0 ||
	    state_range(t, leaf, index, 1, e) != 0)
		return -1;
	*n = w.steps;
	if (merkle_check_inclusion(index, t->head.size, leaf,
				   (const unsigned char(*)[SHA_LEN])proof,
				   w.steps, t->head.root, e) != 0)
		return damaged(t, e);
	return 0;
}

int trail_extends(struct trail *t, const void *older, size_t len, struct err *e)
{
	struct checkpoint old;
	struct walk w = {0, t->head.size, 0, {0}, {0}};
	unsigned char proof[PROOF_MAX + 1][SHA_LEN];
	bool whole = true;

	if (checkpoint_open(&old, older, len, &t->key, e) != 0)
		return err_add(e, "the checkpoint seen before");
	if (old.size > t->head.size)
		return err_set(e, ERR_INVALID,
			       "trail %s has %" PRIu64
			       " entries, and had %" PRIu64
			       " at the checkpoint seen before: entries were "
			       "taken away, or an old copy was put back",
			       t->dir, t->head.size, old.size);
	size_t n = 0;
	if (old.size != 0 && old.size != t->head.size) {
		while (w.from + w.n != old.size) {
			bool left = old.size <= w.from + split(w.n);
			whole = whole && left;
			step(&w, left);
		}
		/* the subtree that the walk ends in comes first, unless it
		 * is the whole earlier tree, whose root is known */
		if (!whole && state_range(t, proof[n++], w.from, w.n, e) != 0)
			return -1;
		if (walk_hashes(t, proof + n, &w, e) != 0)
			return -1;
		n += w.steps;
	}
	if (merkle_check_consistency(old.size, t->head.size,
				     (const unsigned char(*)[SHA_LEN])proof, n,
				     old.root, t->head.root, e) != 0)
		return err_add(e,
			       "trail %s does not carry on from the "
			       "checkpoint of %" PRIu64
			       " entries seen before: two logs were signed "
			       "with the same key (a fork)",
			       t->dir, old.size);
	return 0;
}
