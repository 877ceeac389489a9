/*
 * merkle.h: the Merkle tree of RFC 9162, section 2.1, streaming.
 *
 * leaf = SHA-256(0x00 || data), node = SHA-256(0x01 || left || right); the
 * tree of n leaves splits at the largest power of two below n; the root of no
 * leaves is SHA-256 of nothing.
 */
#ifndef QUIETUS_MERKLE_H
#define QUIETUS_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "certs/base/err.h"
#include "certs/base/sha.h"

/* Adds leaves in order and knows the root at any time; 2 KiB of memory for
 * any number of leaves. */
struct merkle;
struct merkle *merkle_new(void);
void merkle_free(struct merkle *m);

/* hash is already a leaf hash. */
void merkle_add(struct merkle *m, const unsigned char hash[SHA_LEN]);
uint64_t merkle_size(const struct merkle *m);
void merkle_root(struct merkle *m, unsigned char out[SHA_LEN]);

/* One node from its children, and one leaf from its data. */
void merkle_node(struct sha *s, unsigned char out[SHA_LEN],
		 const unsigned char left[SHA_LEN],
		 const unsigned char right[SHA_LEN]);
void merkle_leaf(struct sha *s, unsigned char out[SHA_LEN], const void *data,
		 size_t len);

/* Checks an inclusion proof (RFC 9162, 2.1.3.2): 0, or -1 with ERR_INVALID. */
int merkle_check_inclusion(uint64_t index, uint64_t size,
			   const unsigned char leaf[SHA_LEN],
			   const unsigned char (*proof)[SHA_LEN], size_t n,
			   const unsigned char root[SHA_LEN], struct err *e);

/* Checks a consistency proof (RFC 9162, 2.1.4.2). */
int merkle_check_consistency(uint64_t size1, uint64_t size2,
			     const unsigned char (*proof)[SHA_LEN], size_t n,
			     const unsigned char root1[SHA_LEN],
			     const unsigned char root2[SHA_LEN], struct err *e);

#endif
