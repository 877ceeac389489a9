#include "certs/cert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/field.h"

#define SUBJECT_MAX 1024

struct cert {
	X509 *x;
	char subject[SUBJECT_MAX];
};

struct cert *cert_wrap(X509 *x)
{
	struct cert *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		X509_free(x);
		return NULL;
	}
	c->x = x;
	x509_subject(c->subject, sizeof(c->subject), x);
	return c;
}

X509 *cert_x509(const struct cert *c)
{
	return c->x;
}

void cert_free(struct cert *c)
{
	if (c == NULL)
		return;
	X509_free(c->x);
	free(c);
}

void x509_fingerprint(char out[FINGERPRINT_TEXT], const X509 *x)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	/* a fingerprint that could not be computed must match nothing */
	out[0] = '\0';
	if (X509_digest(x, EVP_sha256(), md, &n) == 1 && n == SHA_LEN)
		hex_encode(out, md, SHA_LEN);
}

void cert_fingerprint(char out[FINGERPRINT_TEXT], const struct cert *c)
{
	x509_fingerprint(out, c->x);
}

const char *cert_subject(const struct cert *c)
{
	return c->subject;
}

/* Cuts s to less than size bytes without leaving half a UTF-8 character. */
static void copy_cut(char *out, size_t size, const char *s, size_t len)
{
	if (len >= size) {
		len = size - 1;
		while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, s, len);
	out[len] = '\0';
}

static int subject_print(char *out, size_t size, const X509 *x,
			 unsigned long flags)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int rc = -1;
	char *data = NULL;

	if (bio != NULL &&
	    X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, flags) >= 0) {
		long n = BIO_get_mem_data(bio, &data);
		copy_cut(out, size, data, n > 0 ? (size_t)n : 0);
		rc = plain_text(out) && strlen(out) > 0 ? 0 : -1;
	}
	BIO_free(bio);
	return rc;
}

void x509_subject(char *out, size_t size, const X509 *x)
{
	/* accents readable; where that lets a control character through,
	 * everything beyond ASCII is escaped */
	if (subject_print(out, size, x,
			  XN_FLAG_RFC2253 &
				  ~(unsigned long)ASN1_STRFLGS_ESC_MSB) == 0 ||
	    subject_print(out, size, x, XN_FLAG_RFC2253) == 0)
		return;
	copy_cut(out, size, "(no subject)", strlen("(no subject)"));
}

int64_t asn1_seconds(const ASN1_TIME *t)
{
	struct tm tm;
	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

void cert_validity(int64_t *from, int64_t *until, const struct cert *c)
{
	*from = asn1_seconds(X509_get0_notBefore(c->x));
	*until = asn1_seconds(X509_get0_notAfter(c->x));
}

STACK_OF(X509) * certs_read(const char *path, struct err *e)
{
	struct buf file;
	STACK_OF(X509) *list = sk_X509_new_null();
	BIO *bio = NULL;
	X509 *x = NULL;

	buf_init(&file, CERT_FILE_MAX);
	if (file_read(&file, path, e) != 0) {
		err_add(e, "reading a certificate");
		goto fail;
	}
	bio = BIO_new_mem_buf(buf_str(&file), (int)file.len);
	if (list == NULL || bio == NULL) {
		err_set(e, ERR_FAILED, "%s: out of memory", path);
		goto fail;
	}
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(list, x) == 0) {
			X509_free(x);
			err_set(e, ERR_FAILED, "%s: out of memory", path);
			goto fail;
		}
	if (sk_X509_num(list) == 0) {
		const unsigned char *p = file.data;
		if (p != NULL)
			x = d2i_X509(NULL, &p, (long)file.len);
		if (x == NULL || sk_X509_push(list, x) == 0) {
			X509_free(x);
			err_openssl(e, ERR_USAGE,
				    "%s: not a certificate (X.509, PEM or "
				    "DER)",
				    path);
			goto fail;
		}
	}
	ERR_clear_error();
	BIO_free(bio);
	buf_release(&file);
	return list;
fail:
	BIO_free(bio);
	buf_release(&file);
	sk_X509_pop_free(list, X509_free);
	return NULL;
}

int cert_read(struct cert **out, const char *path, struct err *e)
{
	STACK_OF(X509) *list = certs_read(path, e);
	if (list == NULL)
		return -1;
	*out = cert_wrap(sk_X509_shift(list));
	sk_X509_pop_free(list, X509_free);
	if (*out == NULL)
		return err_set(e, ERR_FAILED, "%s: out of memory", path);
	return 0;
}

static int ec_allowed(const EVP_PKEY *key, const char *what, enum err_code code,
		      struct err *e)
{
	char group[64] = "an unnamed curve";
	size_t n = 0;
	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	    (strcmp(group, SN_X9_62_prime256v1) == 0 ||
	     strcmp(group, SN_secp384r1) == 0))
		return 0;
	return err_set(e, code,
		       "%s: its key is on %s; only P-256 and P-384 (or RSA "
		       "of at least 2048 bits) are accepted",
		       what, group);
}

int key_allowed(const EVP_PKEY *key, const char *what, enum err_code code,
		struct err *e)
{
	int id = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	if (id == EVP_PKEY_EC)
		return ec_allowed(key, what, code, e);
	if (id == EVP_PKEY_RSA) {
		int bits = EVP_PKEY_get_bits(key);
		if (bits >= 2048)
			return 0;
		return err_set(e, code,
			       "%s: its RSA key has %d bits; at least 2048 "
			       "are needed",
			       what, bits);
	}
	if (id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448)
		return err_set(e, code,
			       "%s: its key is %s, with which OpenSSL 3.0 "
			       "cannot make CMS signatures; use ECDSA P-256 "
			       "or RSA",
			       what,
			       id == EVP_PKEY_ED25519 ? "Ed25519" : "Ed448");
	return err_set(e, code,
		       "%s: its kind of key is not accepted; use ECDSA P-256, "
		       "P-384 or RSA of at least 2048 bits",
		       what);
}
