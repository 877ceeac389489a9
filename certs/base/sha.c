#include "certs/base/sha.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "certs/base/wipe.h"

struct sha {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

/* A digest that fails half-way would make wrong evidence: stop at once. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

struct sha *sha_new(void)
{
	struct sha *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->ctx = EVP_MD_CTX_new();
	if (s->md == NULL || s->ctx == NULL) {
		sha_free(s);
		return NULL;
	}
	return s;
}

void sha_free(struct sha *s)
{
	if (s == NULL)
		return;
	EVP_MD_CTX_free(s->ctx);
	EVP_MD_free(s->md);
	free(s);
}

void sha_start(struct sha *s)
{
	must(EVP_DigestInit_ex2(s->ctx, s->md, NULL));
}

void sha_add(struct sha *s, const void *data, size_t len)
{
	if (len != 0)
		must(EVP_DigestUpdate(s->ctx, data, len));
}

void sha_end(struct sha *s, unsigned char out[SHA_LEN])
{
	must(EVP_DigestFinal_ex(s->ctx, out, NULL));
}

int sha_once(unsigned char out[SHA_LEN], const void *data, size_t len,
	     struct err *e)
{
	struct sha *s = sha_new();
	if (s == NULL)
		return err_openssl(e, ERR_FAILED, "starting SHA-256");
	sha_start(s);
	sha_add(s, data, len);
	sha_end(s, out);
	sha_free(s);
	return 0;
}

int sha_file(unsigned char out[SHA_LEN], const char *path, struct err *e)
{
	int rc = -1;
	struct sha *s = NULL;
	unsigned char block[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "reading %s", path);
	s = sha_new();
	if (s == NULL) {
		err_openssl(e, ERR_FAILED, "starting SHA-256");
		goto out;
	}
	sha_start(s);
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(e, "reading %s", path);
			goto out;
		}
		if (n == 0)
			break;
		sha_add(s, block, (size_t)n);
	}
	sha_end(s, out);
	rc = 0;
out:
	sha_free(s);
	close(fd);
	return rc;
}

/* HMAC (RFC 2104) over two kept digest states: the inner and outer key pads
 * are hashed once, each message only copies them.  EVP_MAC repeats that work
 * for every message. */
struct hmac {
	EVP_MD *md;
	EVP_MD_CTX *inner, *outer, *work;
};

struct hmac *hmac_new(const void *key, size_t len)
{
	unsigned char pad[64], k[64] = {0};
	struct hmac *h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->inner = EVP_MD_CTX_new();
	h->outer = EVP_MD_CTX_new();
	h->work = EVP_MD_CTX_new();
	if (h->md == NULL || h->inner == NULL || h->outer == NULL ||
	    h->work == NULL) {
		hmac_free(h);
		return NULL;
	}
	if (len > sizeof(k)) {
		must(EVP_Digest(key, len, k, NULL, h->md, NULL));
	} else if (len != 0) {
		memcpy(k, key, len);
	}
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = k[i] ^ 0x36;
	must(EVP_DigestInit_ex2(h->inner, h->md, NULL));
	must(EVP_DigestUpdate(h->inner, pad, sizeof(pad)));
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = k[i] ^ 0x5c;
	must(EVP_DigestInit_ex2(h->outer, h->md, NULL));
	must(EVP_DigestUpdate(h->outer, pad, sizeof(pad)));
	wipe(pad, sizeof(pad));
	wipe(k, sizeof(k));
	return h;
}

void hmac_free(struct hmac *h)
{
	if (h == NULL)
		return;
	/* EVP_MD_CTX_free cleanses the digest state */
	EVP_MD_CTX_free(h->inner);
	EVP_MD_CTX_free(h->outer);
	EVP_MD_CTX_free(h->work);
	EVP_MD_free(h->md);
	free(h);
}

void hmac_start(struct hmac *h)
{
	must(EVP_MD_CTX_copy_ex(h->work, h->inner));
}

void hmac_add(struct hmac *h, const void *data, size_t len)
{
	if (len != 0)
		must(EVP_DigestUpdate(h->work, data, len));
}

void hmac_end(struct hmac *h, unsigned char out[SHA_LEN])
{
	unsigned char in[SHA_LEN];
	must(EVP_DigestFinal_ex(h->work, in, NULL));
	must(EVP_MD_CTX_copy_ex(h->work, h->outer));
	must(EVP_DigestUpdate(h->work, in, sizeof(in)));
	must(EVP_DigestFinal_ex(h->work, out, NULL));
}
