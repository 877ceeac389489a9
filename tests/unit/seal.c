/* Sealed bytes open with stock tools and with nothing else. */
#define _GNU_SOURCE
#include "tests/unit/keys.h"
#include "tests/unit/unit.h"

#include <openssl/cms.h>

#include "certs/seal.h"

static const char secret[] = "salt record\nMARKER-7731\n";

static void seal_to(struct buf *der, const char *name, const void *data,
		    size_t len)
{
	struct cert *c = NULL;
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL_FATAL(cert_read(&c, keys_path("%s.pem", name), &e), 0);
	int rc = seal(der, c, data, len, &e);
	CU_ASSERT_EQUAL(rc, 0);
	if (rc != 0)
		printf("# %s\n", e.msg);
	cert_free(c);
}

/* What `openssl cms -decrypt` says of der. */
static int stock_open(const struct buf *der, const char *name)
{
	keys_put(keys_path("sealed"), der->data, der->len);
	unlink(keys_path("plain"));
	return keys_run("out", "openssl", "cms", "-decrypt", "-inform", "DER",
			"-binary", "-in", keys_path("sealed"), "-recip",
			keys_path("%s.pem", name), "-inkey",
			keys_path("%s.key", name), "-out", keys_path("plain"),
			(char *)NULL);
}

static bool plain_is(const void *data, size_t len)
{
	struct buf got;
	buf_init(&got, 1 << 24);
	keys_get(&got, keys_path("plain"));
	bool same = got.len == len && memcmp(buf_str(&got), data, len) == 0;
	buf_release(&got);
	return same;
}

static void opens_for(const char *name)
{
	struct buf der;
	buf_init(&der, 1 << 20);
	seal_to(&der, name, secret, sizeof(secret));
	CU_ASSERT_EQUAL(stock_open(&der, name), 0);
	CU_ASSERT(plain_is(secret, sizeof(secret)));
	buf_release(&der);
}

static void stock_openssl_opens_rsa_and_ecdh(void)
{
	opens_for("rsa");
	opens_for("p256");
	opens_for("p384");
}

static void sealed_bytes_hold_no_plain_text(void)
{
	struct buf der;
	buf_init(&der, 1 << 20);
	seal_to(&der, "rsa", secret, sizeof(secret));
	CU_ASSERT_PTR_NOT_NULL(
		memmem(secret, sizeof(secret), "MARKER-7731", 11));
	CU_ASSERT_PTR_NULL(memmem(der.data, der.len, "MARKER-7731", 11));
	buf_release(&der);
}

static void nobody_else_opens_it(void)
{
	struct buf der;
	buf_init(&der, 1 << 20);
	seal_to(&der, "rsa", secret, sizeof(secret));
	CU_ASSERT_EQUAL(stock_open(&der, "rsa"), 0);
	CU_ASSERT_NOT_EQUAL(stock_open(&der, "rsa2"), 0);
	buf_reset(&der);
	seal_to(&der, "p256", secret, sizeof(secret));
	CU_ASSERT_EQUAL(stock_open(&der, "p256"), 0);
	CU_ASSERT_NOT_EQUAL(stock_open(&der, "p256b"), 0);
	buf_release(&der);
}

/* Decrypts in this process: a run of openssl per byte would take minutes. */
static bool opens_here(const struct buf *der, EVP_PKEY *key, X509 *x)
{
	const unsigned char *p = der->data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der->len);
	BIO *out = BIO_new(BIO_s_mem());
	bool ok = cms != NULL &&
		  CMS_decrypt(cms, key, x, NULL, out, CMS_BINARY) == 1;
	char *data = NULL;
	long n = BIO_get_mem_data(out, &data);
	ok = ok && n == (long)sizeof(secret) &&
	     memcmp(data, secret, sizeof(secret)) == 0;
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	return ok;
}

/* The last bytes are ciphertext and tag: none may change unnoticed. */
static void flips_fail(const char *name)
{
	struct buf der;
	EVP_PKEY *key = keys_read_key(name);
	X509 *x = keys_read_cert(name);
	size_t opened = 0;

	buf_init(&der, 1 << 20);
	seal_to(&der, name, secret, sizeof(secret));
	CU_ASSERT(opens_here(&der, key, x));
	CU_ASSERT_FATAL(der.len > sizeof(secret) + 18);
	for (size_t i = der.len - sizeof(secret) - 18; i < der.len; i++) {
		der.data[i] ^= 0x80;
		opened += opens_here(&der, key, x);
		der.data[i] ^= 0x80;
	}
	CU_ASSERT_EQUAL(opened, 0);
	CU_ASSERT(opens_here(&der, key, x));
	der.data[der.len - 1] ^= 1;
	CU_ASSERT_NOT_EQUAL(stock_open(&der, name), 0);
	X509_free(x);
	EVP_PKEY_free(key);
	buf_release(&der);
}

static void every_flipped_byte_fails_to_open(void)
{
	flips_fail("rsa");
	flips_fail("p256");
}

/* The stock tool's description names what DESIGN section 7 asks for. */
static void shows(const char *name, const char *part)
{
	struct buf der, out;
	buf_init(&der, 1 << 20);
	buf_init(&out, 1 << 20);
	seal_to(&der, name, secret, sizeof(secret));
	keys_put(keys_path("sealed"), der.data, der.len);
	keys_run("out", "openssl", "cms", "-cmsout", "-print", "-noout",
		 "-inform", "DER", "-in", keys_path("sealed"), (char *)NULL);
	keys_get(&out, keys_path("out"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), part));
	buf_release(&der);
	buf_release(&out);
}

static void algorithms_are_those_of_the_format(void)
{
	shows("rsa", "authEnvelopedData");
	shows("rsa", "aes-256-gcm");
	shows("rsa", "rsaesOaep");
	shows("rsa", "sha256");
	shows("p256", "aes-256-gcm");
	shows("p256", "dhSinglePass-stdDH-sha256kdf-scheme");
	shows("p384", "dhSinglePass-stdDH-sha256kdf-scheme");
}

static void empty_and_large_contents_survive(void)
{
	struct buf der;
	size_t len = 5 * 1024 * 1024 + 3;
	unsigned char *data = malloc(len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (unsigned char)(i * 7 + i / 251);
	buf_init(&der, 1 << 24);
	seal_to(&der, "p256", "", 0);
	CU_ASSERT_EQUAL(stock_open(&der, "p256"), 0);
	CU_ASSERT(plain_is("", 0));
	buf_reset(&der);
	seal_to(&der, "rsa", data, len);
	CU_ASSERT_EQUAL(stock_open(&der, "rsa"), 0);
	CU_ASSERT(plain_is(data, len));
	buf_release(&der);
	free(data);
}

static void two_seals_of_the_same_bytes_differ(void)
{
	struct buf a, b;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	seal_to(&a, "rsa", secret, sizeof(secret));
	seal_to(&b, "rsa", secret, sizeof(secret));
	CU_ASSERT(a.len != b.len || memcmp(a.data, b.data, a.len) != 0);
	buf_release(&a);
	buf_release(&b);
}

static void weak_recipient_and_full_buffer_are_errors(void)
{
	struct cert *c = NULL;
	struct err e = ERR_INIT;
	struct buf der;

	buf_init(&der, 1 << 20);
	CU_ASSERT_EQUAL_FATAL(cert_read(&c, keys_path("rsa1024.pem"), &e), 0);
	CU_ASSERT_EQUAL(seal(&der, c, secret, sizeof(secret), &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "1024 bits"));
	CU_ASSERT_EQUAL(der.len, 0);
	cert_free(c);
	err_clear(&e);
	buf_release(&der);
	buf_init(&der, 100);
	CU_ASSERT_EQUAL_FATAL(cert_read(&c, keys_path("rsa.pem"), &e), 0);
	CU_ASSERT_EQUAL(seal(&der, c, secret, sizeof(secret), &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	CU_ASSERT_EQUAL(der.len, 0);
	cert_free(c);
	buf_release(&der);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(stock_openssl_opens_rsa_and_ecdh),
		UNIT(sealed_bytes_hold_no_plain_text),
		UNIT(nobody_else_opens_it),
		UNIT(every_flipped_byte_fails_to_open),
		UNIT(algorithms_are_those_of_the_format),
		UNIT(empty_and_large_contents_survive),
		UNIT(two_seals_of_the_same_bytes_differ),
		UNIT(weak_recipient_and_full_buffer_are_errors),
		{NULL, NULL}};

	keys_start();
	keys_cert("rsa", "rsa", NULL, 0, KEYS_DAY);
	keys_cert("rsa2", "rsa", NULL, 0, KEYS_DAY);
	keys_cert("rsa1024", "rsa1024", NULL, 0, KEYS_DAY);
	keys_cert("p256", "p256", NULL, 0, KEYS_DAY);
	keys_cert("p256b", "p256", NULL, 0, KEYS_DAY);
	keys_cert("p384", "p384", NULL, 0, KEYS_DAY);
	int rc = unit_run("seal", tests);
	keys_stop();
	return rc;
}
