/* The Merkle tree: published vectors, and brute force from the definition. */
#include <stdlib.h>

#include "certs/base/clock.h"
#include "certs/base/hex.h"
#include "certs/merkle.h"
#include "tests/unit/unit.h"

#define MAX_LEAVES 300
#define MAX_PROOF 64

static unsigned char leaves[MAX_LEAVES][SHA_LEN];
static struct sha *sha;

static void setup(void)
{
	if (sha != NULL)
		return;
	sha = sha_new();
	for (unsigned i = 0; i < MAX_LEAVES; i++)
		merkle_leaf(sha, leaves[i], &i, sizeof(i));
}

/* ---- the definitions of RFC 9162, 2.1, written down as they stand ------- */

static size_t split(size_t n)
{
	size_t k = 1;
	while (k * 2 < n)
		k *= 2;
	return k;
}

static void mth(unsigned char out[SHA_LEN], size_t from, size_t n)
{
	unsigned char left[SHA_LEN], right[SHA_LEN];

	if (n == 0) {
		sha_once(out, "", 0, NULL);
		return;
	}
	if (n == 1) {
		memcpy(out, leaves[from], SHA_LEN);
		return;
	}
	mth(left, from, split(n));
	mth(right, from + split(n), n - split(n));
	merkle_node(sha, out, left, right);
}

static size_t path(unsigned char (*out)[SHA_LEN], size_t m, size_t from,
		   size_t n)
{
	if (n == 1)
		return 0;
	size_t k = split(n), got;
	if (m < k) {
		got = path(out, m, from, k);
		mth(out[got], from + k, n - k);
	} else {
		got = path(out, m - k, from + k, n - k);
		mth(out[got], from, k);
	}
	return got + 1;
}

static size_t subproof(unsigned char (*out)[SHA_LEN], size_t m, size_t from,
		       size_t n, int whole)
{
	if (m == n) {
		if (whole)
			return 0;
		mth(out[0], from, n);
		return 1;
	}
	size_t k = split(n), got;
	if (m <= k) {
		got = subproof(out, m, from, k, whole);
		mth(out[got], from + k, n - k);
	} else {
		got = subproof(out, m - k, from + k, n - k, 0);
		mth(out[got], from, k);
	}
	return got + 1;
}

static int inclusion(size_t index, size_t size, const unsigned char *leaf,
		     unsigned char (*proof)[SHA_LEN], size_t n,
		     const unsigned char *root)
{
	struct err e = ERR_INIT;
	int rc = merkle_check_inclusion(index, size, leaf,
					(const unsigned char(*)[SHA_LEN])proof,
					n, root, &e);
	if (rc != 0 && e.code != ERR_INVALID)
		CU_FAIL("a bad proof is ERR_INVALID");
	return rc;
}

static int consistency(size_t m, size_t n, unsigned char (*proof)[SHA_LEN],
		       size_t len, const unsigned char *r1,
		       const unsigned char *r2)
{
	struct err e = ERR_INIT;
	int rc = merkle_check_consistency(
		m, n, (const unsigned char(*)[SHA_LEN])proof, len, r1, r2, &e);
	if (rc != 0 && e.code != ERR_INVALID)
		CU_FAIL("a bad proof is ERR_INVALID");
	return rc;
}

/* ---- published vectors -------------------------------------------------- */

static const char *const vector_leaf[8] = {"",
					   "00",
					   "10",
					   "2021",
					   "3031",
					   "40414243",
					   "5051525354555657",
					   "606162636465666768696a6b6c6d6e6f"};

static const char *const vector_root[9] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

#define H0 "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define H1 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define H23 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define H4567 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define H4 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define H45 "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define H67 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define H0123 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define H01 "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"

struct vector_proof {
	size_t a, b; /* index and size, or first and second size */
	size_t n;
	const char *hash[3];
};

static const struct vector_proof vector_inclusion[] = {
	{0, 1, 0, {NULL}},	     {0, 8, 3, {H1, H23, H4567}},
	{5, 8, 3, {H4, H67, H0123}}, {2, 3, 1, {H01}},
	{1, 5, 3, {H0, H23, H4}},
};

static const struct vector_proof vector_consistency[] = {
	{1, 1, 0, {NULL}},
	{1, 8, 3, {H1, H23, H4567}},
	{6, 8, 3, {H45, H67, H0123}},
	{2, 5, 2, {H23, H4}},
};

static void vector_hash(unsigned char out[SHA_LEN], size_t i)
{
	unsigned char data[16];
	size_t n = strlen(vector_leaf[i]) / 2;

	CU_ASSERT_EQUAL_FATAL(hex_decode(data, n, vector_leaf[i]), 0);
	merkle_leaf(sha, out, data, n);
}

static void published_roots_of_zero_to_eight_leaves(void)
{
	struct merkle *m = merkle_new();
	unsigned char root[SHA_LEN], want[SHA_LEN], leaf[SHA_LEN];

	setup();
	for (size_t n = 0; n <= 8; n++) {
		CU_ASSERT_EQUAL(merkle_size(m), n);
		merkle_root(m, root);
		hex_decode(want, SHA_LEN, vector_root[n]);
		CU_ASSERT_EQUAL(memcmp(root, want, SHA_LEN), 0);
		if (n == 8)
			break;
		vector_hash(leaf, n);
		merkle_add(m, leaf);
	}
	merkle_free(m);
	merkle_free(NULL);
}

static void published_inclusion_proofs_hold(void)
{
	setup();
	for (size_t i = 0; i < 5; i++) {
		const struct vector_proof *v = &vector_inclusion[i];
		unsigned char proof[3][SHA_LEN], leaf[SHA_LEN], root[SHA_LEN];
		for (size_t k = 0; k < v->n; k++)
			hex_decode(proof[k], SHA_LEN, v->hash[k]);
		vector_hash(leaf, v->a);
		hex_decode(root, SHA_LEN, vector_root[v->b]);
		CU_ASSERT_EQUAL(inclusion(v->a, v->b, leaf, proof, v->n, root),
				0);
		leaf[0] ^= 1;
		CU_ASSERT_EQUAL(inclusion(v->a, v->b, leaf, proof, v->n, root),
				-1);
	}
}

static void published_consistency_proofs_hold(void)
{
	setup();
	for (size_t i = 0; i < 4; i++) {
		const struct vector_proof *v = &vector_consistency[i];
		unsigned char proof[3][SHA_LEN], r1[SHA_LEN], r2[SHA_LEN];
		for (size_t k = 0; k < v->n; k++)
			hex_decode(proof[k], SHA_LEN, v->hash[k]);
		hex_decode(r1, SHA_LEN, vector_root[v->a]);
		hex_decode(r2, SHA_LEN, vector_root[v->b]);
		CU_ASSERT_EQUAL(consistency(v->a, v->b, proof, v->n, r1, r2),
				0);
		r1[31] ^= 1;
		CU_ASSERT_EQUAL(consistency(v->a, v->b, proof, v->n, r1, r2),
				-1);
	}
}

/* ---- brute force -------------------------------------------------------- */

static void streaming_root_is_the_recursive_root_up_to_300(void)
{
	struct merkle *m = merkle_new();
	unsigned char root[SHA_LEN], want[SHA_LEN];

	setup();
	for (size_t n = 0; n <= MAX_LEAVES; n++) {
		merkle_root(m, root);
		mth(want, 0, n);
		CU_ASSERT_EQUAL(memcmp(root, want, SHA_LEN), 0);
		/* asking for the root changes nothing */
		merkle_root(m, root);
		CU_ASSERT_EQUAL(memcmp(root, want, SHA_LEN), 0);
		if (n < MAX_LEAVES)
			merkle_add(m, leaves[n]);
	}
	merkle_free(m);
}

static void every_inclusion_proof_up_to_65_holds(void)
{
	unsigned char proof[MAX_PROOF][SHA_LEN], root[SHA_LEN];

	setup();
	for (size_t n = 1; n <= 65; n++) {
		mth(root, 0, n);
		for (size_t i = 0; i < n; i++) {
			size_t len = path(proof, i, 0, n);
			CU_ASSERT_EQUAL(
				inclusion(i, n, leaves[i], proof, len, root),
				0);
		}
	}
}

/* Every way to bend a proof of every entry in trees up to 20. */
static void bent_inclusion_proofs_are_refused(void)
{
	unsigned char proof[MAX_PROOF][SHA_LEN], root[SHA_LEN];

	setup();
	for (size_t n = 1; n <= 20; n++) {
		mth(root, 0, n);
		for (size_t i = 0; i < n; i++) {
			size_t len = path(proof, i, 0, n);
			const unsigned char *leaf = leaves[i];
			CU_ASSERT_EQUAL(inclusion(i, n, leaf, proof, len, root),
					0);
			CU_ASSERT_EQUAL(inclusion(n, n, leaf, proof, len, root),
					-1);
			CU_ASSERT_EQUAL(inclusion(i, 0, leaf, proof, len, root),
					-1);
			CU_ASSERT_EQUAL(inclusion(i, n, leaves[i + 1], proof,
						  len, root),
					-1);
			if (n > 1)
				CU_ASSERT_EQUAL(inclusion((i + 1) % n, n, leaf,
							  proof, len, root),
						-1);
			memcpy(proof[len], root, SHA_LEN);
			CU_ASSERT_EQUAL(
				inclusion(i, n, leaf, proof, len + 1, root),
				-1);
			for (size_t k = 0; k < len; k++) {
				proof[k][7] ^= 0x10;
				CU_ASSERT_EQUAL(
					inclusion(i, n, leaf, proof, len, root),
					-1);
				proof[k][7] ^= 0x10;
			}
			if (len > 0)
				CU_ASSERT_EQUAL(inclusion(i, n, leaf, proof,
							  len - 1, root),
						-1);
		}
	}
}

static void every_consistency_proof_up_to_65_holds(void)
{
	unsigned char proof[MAX_PROOF][SHA_LEN], r1[SHA_LEN], r2[SHA_LEN];

	setup();
	for (size_t n = 1; n <= 65; n++) {
		mth(r2, 0, n);
		for (size_t m = 1; m <= n; m++) {
			mth(r1, 0, m);
			size_t len = subproof(proof, m, 0, n, 1);
			CU_ASSERT_EQUAL(consistency(m, n, proof, len, r1, r2),
					0);
		}
	}
}

static void bent_consistency_proofs_are_refused(void)
{
	unsigned char proof[MAX_PROOF][SHA_LEN], r1[SHA_LEN], r2[SHA_LEN];

	setup();
	for (size_t n = 1; n <= 20; n++) {
		mth(r2, 0, n);
		for (size_t m = 1; m <= n; m++) {
			mth(r1, 0, m);
			size_t len = subproof(proof, m, 0, n, 1);
			CU_ASSERT_EQUAL(consistency(m, n, proof, len, r1, r2),
					0);
			memcpy(proof[len], r1, SHA_LEN);
			CU_ASSERT_EQUAL(
				consistency(m, n, proof, len + 1, r1, r2), -1);
			for (size_t k = 0; k < len; k++) {
				proof[k][0] ^= 0x80;
				CU_ASSERT_EQUAL(
					consistency(m, n, proof, len, r1, r2),
					-1);
				proof[k][0] ^= 0x80;
			}
			if (len > 0)
				CU_ASSERT_EQUAL(consistency(m, n, proof,
							    len - 1, r1, r2),
						-1);
			r1[0] ^= 1;
			CU_ASSERT_EQUAL(consistency(m, n, proof, len, r1, r2),
					-1);
			r1[0] ^= 1;
			r2[0] ^= 1;
			CU_ASSERT_EQUAL(consistency(m, n, proof, len, r1, r2),
					-1);
			r2[0] ^= 1;
			if (m < n)
				CU_ASSERT_EQUAL(
					consistency(n, m, proof, len, r2, r1),
					-1);
		}
	}
}

static void empty_tree_is_a_prefix_of_every_tree_and_of_no_other_root(void)
{
	unsigned char empty[SHA_LEN], root[SHA_LEN];

	setup();
	mth(empty, 0, 0);
	mth(root, 0, 9);
	CU_ASSERT_EQUAL(consistency(0, 9, NULL, 0, empty, root), 0);
	CU_ASSERT_EQUAL(consistency(0, 0, NULL, 0, empty, empty), 0);
	CU_ASSERT_EQUAL(consistency(0, 9, NULL, 0, root, root), -1);
	CU_ASSERT_EQUAL(consistency(0, 9, leaves, 1, empty, root), -1);
}

/* A proof for a tree of 2^63 and more entries must not wrap around. */
static void sizes_near_two_to_the_64_are_walked_without_wrapping(void)
{
	unsigned char proof[MAX_PROOF][SHA_LEN], root[SHA_LEN];
	struct err e = ERR_INIT;

	setup();
	memcpy(root, leaves[0], SHA_LEN);
	for (size_t k = 0; k < MAX_PROOF; k++) {
		memcpy(proof[k], leaves[k + 1], SHA_LEN);
		merkle_node(sha, root, root, proof[k]);
	}
	const unsigned char(*p)[SHA_LEN] =
		(const unsigned char(*)[SHA_LEN])proof;
	CU_ASSERT_EQUAL(merkle_check_inclusion(0, UINT64_MAX, leaves[0], p, 64,
					       root, &e),
			0);
	CU_ASSERT_EQUAL(merkle_check_inclusion(0, UINT64_MAX, leaves[0], p, 63,
					       root, &e),
			-1);
}

static void a_million_leaves_take_a_second_or_so(void)
{
	struct merkle *m = merkle_new();
	unsigned char leaf[SHA_LEN], root[SHA_LEN];
	double start = clock_elapsed();

	setup();
	for (uint64_t i = 0; i < 1000000; i++) {
		merkle_leaf(sha, leaf, &i, sizeof(i));
		merkle_add(m, leaf);
	}
	merkle_root(m, root);
	double took = clock_elapsed() - start;
	printf("# a million leaves: %.2f s\n", took);
	CU_ASSERT_EQUAL(merkle_size(m), 1000000);
	/* wide: other work shares this machine, sanitizers are slow */
	CU_ASSERT(took < 20);
	merkle_free(m);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(published_roots_of_zero_to_eight_leaves),
		UNIT(published_inclusion_proofs_hold),
		UNIT(published_consistency_proofs_hold),
		UNIT(streaming_root_is_the_recursive_root_up_to_300),
		UNIT(every_inclusion_proof_up_to_65_holds),
		UNIT(bent_inclusion_proofs_are_refused),
		UNIT(every_consistency_proof_up_to_65_holds),
		UNIT(bent_consistency_proofs_are_refused),
		UNIT(empty_tree_is_a_prefix_of_every_tree_and_of_no_other_root),
		UNIT(sizes_near_two_to_the_64_are_walked_without_wrapping),
		UNIT(a_million_leaves_take_a_second_or_so),
		{NULL, NULL}};
	int rc = unit_run("merkle", tests);
	sha_free(sha);
	return rc;
}
