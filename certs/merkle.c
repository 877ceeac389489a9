#include "certs/merkle.h"

#include <stdlib.h>
#include <string.h>

/* The roots of the full subtrees of what was added so far, largest first: one
 * for each bit that is set in size. */
struct merkle {
	struct sha *sha;
	uint64_t size;
	size_t depth;
	unsigned char stack[64][SHA_LEN];
};

struct merkle *merkle_new(void)
{
	struct merkle *m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->sha = sha_new();
	if (m->sha == NULL) {
		free(m);
		return NULL;
	}
	return m;
}

void merkle_free(struct merkle *m)
{
	if (m == NULL)
		return;
	sha_free(m->sha);
	free(m);
}

/* One call with all 65 bytes: each call into the library costs as much as a
 * good part of the hash itself. */
void merkle_node(struct sha *s, unsigned char out[SHA_LEN],
		 const unsigned char left[SHA_LEN],
		 const unsigned char right[SHA_LEN])
{
	unsigned char both[1 + 2 * SHA_LEN];

	both[0] = 0x01;
	memcpy(both + 1, left, SHA_LEN);
	memcpy(both + 1 + SHA_LEN, right, SHA_LEN);
	sha_start(s);
	sha_add(s, both, sizeof(both));
	sha_end(s, out);
}

void merkle_leaf(struct sha *s, unsigned char out[SHA_LEN], const void *data,
		 size_t len)
{
	sha_start(s);
	sha_add(s, "\0", 1);
	sha_add(s, data, len);
	sha_end(s, out);
}

void merkle_add(struct merkle *m, const unsigned char hash[SHA_LEN])
{
	unsigned char h[SHA_LEN];

	memcpy(h, hash, SHA_LEN);
	/* as when counting in binary: each carried one joins two subtrees */
	for (uint64_t n = m->size; n & 1; n >>= 1) {
		m->depth--;
		merkle_node(m->sha, h, m->stack[m->depth], h);
	}
	memcpy(m->stack[m->depth], h, SHA_LEN);
	m->depth++;
	m->size++;
}

uint64_t merkle_size(const struct merkle *m)
{
	return m->size;
}

void merkle_root(struct merkle *m, unsigned char out[SHA_LEN])
{
	if (m->size == 0) {
		sha_start(m->sha);
		sha_end(m->sha, out);
		return;
	}
	memcpy(out, m->stack[m->depth - 1], SHA_LEN);
	for (size_t i = m->depth - 1; i > 0; i--)
		merkle_node(m->sha, out, m->stack[i - 1], out);
}

/* The names fn, sn, r, fr and sr are those of RFC 9162. */
int merkle_check_inclusion(uint64_t index, uint64_t size,
			   const unsigned char leaf[SHA_LEN],
			   const unsigned char (*proof)[SHA_LEN], size_t n,
			   const unsigned char root[SHA_LEN], struct err *e)
{
	unsigned char r[SHA_LEN];

	if (index >= size)
		return err_set(e, ERR_INVALID,
			       "inclusion proof: the entry's number is not "
			       "below the size of the tree");
	struct sha *s = sha_new();
	if (s == NULL)
		return err_openssl(e, ERR_FAILED, "starting SHA-256");
	uint64_t fn = index, sn = size - 1;
	size_t i = 0;
	memcpy(r, leaf, SHA_LEN);
	for (; i < n && sn != 0; i++) {
		if ((fn & 1) || fn == sn) {
			merkle_node(s, r, proof[i], r);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(s, r, r, proof[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	sha_free(s);
	if (i != n || sn != 0)
		return err_set(e, ERR_INVALID,
			       "inclusion proof: it has a wrong number of "
			       "hashes");
	if (memcmp(r, root, SHA_LEN) != 0)
		return err_set(e, ERR_INVALID,
			       "inclusion proof: it does not lead to the root "
			       "of the tree");
	return 0;
}

/* The two cases that have no hashes to walk: 1 when settled well, 0 when
 * there is a walk to do, -1 with *e set. */
static int consistency_trivial(uint64_t size1, uint64_t size2, size_t n,
			       const unsigned char root1[SHA_LEN],
			       const unsigned char root2[SHA_LEN],
			       struct err *e)
{
	unsigned char empty[SHA_LEN];

	if (size1 > size2)
		return err_set(e, ERR_INVALID,
			       "consistency proof: the earlier tree is larger "
			       "than the later one");
	if (size1 != 0 && size1 != size2)
		return 0;
	if (n != 0)
		return err_set(e, ERR_INVALID,
			       "consistency proof: it has hashes where none "
			       "are needed");
	if (size1 == size2) {
		if (memcmp(root1, root2, SHA_LEN) == 0)
			return 1;
		return err_set(e, ERR_INVALID,
			       "consistency proof: two trees of the same size "
			       "with different roots");
	}
	if (sha_once(empty, "", 0, e) != 0)
		return -1;
	if (memcmp(root1, empty, SHA_LEN) == 0)
		return 1;
	return err_set(e, ERR_INVALID,
		       "consistency proof: the earlier root is not that of an "
		       "empty tree");
}

/* The walk of RFC 9162, 2.1.4.2, steps 3 to 7; hash 0 is the start. */
static int consistency_walk(struct sha *s, uint64_t size1, uint64_t size2,
			    const unsigned char *start,
			    const unsigned char (*proof)[SHA_LEN], size_t n,
			    unsigned char fr[SHA_LEN],
			    unsigned char sr[SHA_LEN])
{
	uint64_t fn = size1 - 1, sn = size2 - 1;

	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	memcpy(fr, start, SHA_LEN);
	memcpy(sr, start, SHA_LEN);
	for (size_t i = 0; i < n; i++) {
		if (sn == 0)
			return -1;
		if ((fn & 1) || fn == sn) {
			merkle_node(s, fr, proof[i], fr);
			merkle_node(s, sr, proof[i], sr);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(s, sr, sr, proof[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 ? 0 : -1;
}

int merkle_check_consistency(uint64_t size1, uint64_t size2,
			     const unsigned char (*proof)[SHA_LEN], size_t n,
			     const unsigned char root1[SHA_LEN],
			     const unsigned char root2[SHA_LEN], struct err *e)
{
	unsigned char fr[SHA_LEN], sr[SHA_LEN];
	int rc = consistency_trivial(size1, size2, n, root1, root2, e);

	if (rc != 0)
		return rc > 0 ? 0 : -1;
	/* a full earlier tree is a subtree of the later one: its root stands
	 * for the first hash and is left out of the proof */
	const unsigned char *start = root1;
	if ((size1 & (size1 - 1)) != 0) {
		if (n == 0)
			return err_set(e, ERR_INVALID,
				       "consistency proof: it is empty");
		start = proof[0];
		proof++;
		n--;
	}
	struct sha *s = sha_new();
	if (s == NULL)
		return err_openssl(e, ERR_FAILED, "starting SHA-256");
	rc = consistency_walk(s, size1, size2, start, proof, n, fr, sr);
	sha_free(s);
	if (rc != 0)
		return err_set(e, ERR_INVALID,
			       "consistency proof: it has a wrong number of "
			       "hashes");
	if (memcmp(fr, root1, SHA_LEN) != 0)
		return err_set(e, ERR_INVALID,
			       "consistency proof: it does not lead to the "
			       "earlier root");
	if (memcmp(sr, root2, SHA_LEN) != 0)
		return err_set(e, ERR_INVALID,
			       "consistency proof: it does not lead to the "
			       "later root");
	return 0;
}
