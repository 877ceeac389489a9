/*
 * Making signatures.  Checking them is in sign_check.c, so that the verifier
 * can be read without the code that holds keys.
 */
#include "certs/sign.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/wipe.h"
#include "certs/cert.h"
#include "certs/passphrase.h"

#define KEY_FILE_MAX 65536

struct signer {
	struct cert *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain; /* what follows in the file; may be empty */
};

struct ask {
	int fd;
	const char *path;
	struct err *e;
	bool asked;
};

/* pem_password_cb */
static int ask_passphrase(char *buf, int size, int writing, void *arg)
{
	struct ask *ask = arg;
	char text[PASSPHRASE_MAX];

	(void)writing;
	ask->asked = true;
	if (passphrase_read(text, ask->fd, ask->path, ask->e) != 0)
		return -1;
	int n = (int)strlen(text);
	if (n > size) {
		err_set(ask->e, ERR_USAGE, "%s: the passphrase is too long",
			ask->path);
		n = -1;
	} else {
		memcpy(buf, text, (size_t)n);
	}
	wipe(text, sizeof(text));
	return n;
}

static int key_read(EVP_PKEY **out, const char *path, int passphrase_fd,
		    struct err *e)
{
	struct ask ask = {passphrase_fd, path, e, false};
	struct buf file;
	BIO *bio = NULL;
	int rc = -1;

	buf_init_secret(&file, KEY_FILE_MAX);
	if (file_read(&file, path, e) != 0) {
		err_add(e, "reading a private key");
		goto out;
	}
	bio = BIO_new_mem_buf(buf_str(&file), (int)file.len);
	if (bio == NULL) {
		err_set(e, ERR_FAILED, "%s: out of memory", path);
		goto out;
	}
	*out = PEM_read_bio_PrivateKey(bio, NULL, ask_passphrase, &ask);
	if (*out == NULL) {
		err_openssl(e, ERR_USAGE,
			    ask.asked ? "%s: the private key does not open "
					"with this passphrase"
				      : "%s: not a private key in PEM",
			    path);
		goto out;
	}
	ERR_clear_error();
	rc = 0;
out:
	BIO_free(bio);
	buf_release(&file);
	return rc;
}

static int valid_now(const struct cert *c, const char *path, struct err *e)
{
	int64_t from, until, now = clock_now();
	char text[CLOCK_TEXT];

	cert_validity(&from, &until, c);
	if (now >= from && now <= until)
		return 0;
	clock_text(text, now < from ? from : until);
	return err_set(e, ERR_USAGE,
		       now < from ? "%s: the certificate is not valid before "
				    "%s; nothing can be signed with it yet"
				  : "%s: the certificate expired on %s; "
				    "nothing can be signed with it any more",
		       path, text);
}

/* The certificate must not itself forbid signing. */
static int may_sign(const struct cert *c, const char *path, struct err *e)
{
	uint32_t usage = X509_get_key_usage(cert_x509(c));
	if (usage == UINT32_MAX ||
	    (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0)
		return 0;
	return err_set(e, ERR_USAGE,
		       "%s: the certificate's key usage allows neither "
		       "digital signatures nor non-repudiation",
		       path);
}

int signer_open(struct signer **out, const char *cert_path,
		const char *key_path, int passphrase_fd, struct err *e)
{
	struct signer *s = calloc(1, sizeof(*s));
	int rc = -1;

	if (s == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	s->chain = certs_read(cert_path, e);
	if (s->chain == NULL)
		goto out;
	s->cert = cert_wrap(sk_X509_shift(s->chain));
	if (s->cert == NULL) {
		err_set(e, ERR_FAILED, "%s: out of memory", cert_path);
		goto out;
	}
	/* what is wrong with the certificate is said before a passphrase is
	 * asked for */
	if (key_allowed(X509_get0_pubkey(cert_x509(s->cert)), cert_path,
			ERR_USAGE, e) != 0 ||
	    valid_now(s->cert, cert_path, e) != 0 ||
	    may_sign(s->cert, cert_path, e) != 0 ||
	    key_read(&s->key, key_path, passphrase_fd, e) != 0)
		goto out;
	if (X509_check_private_key(cert_x509(s->cert), s->key) != 1) {
		ERR_clear_error();
		err_set(e, ERR_USAGE,
			"the private key %s does not belong to the "
			"certificate %s",
			key_path, cert_path);
		goto out;
	}
	*out = s;
	s = NULL;
	rc = 0;
out:
	signer_free(s);
	return rc;
}

void signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	cert_free(s->cert);
	EVP_PKEY_free(s->key); /* OpenSSL clears the numbers of a key */
	sk_X509_pop_free(s->chain, X509_free);
	free(s);
}

const struct cert *signer_cert(const struct signer *s)
{
	return s->cert;
}

/* Appends the DER form of cms. */
static int cms_append(struct buf *der, CMS_ContentInfo *cms, struct err *e)
{
	int n = i2d_CMS_ContentInfo(cms, NULL);
	unsigned char *p = n > 0 ? buf_reserve(der, (size_t)n) : NULL;
	if (p == NULL || i2d_CMS_ContentInfo(cms, &p) != n)
		return err_openssl(e, ERR_FAILED, "writing a signature");
	der->len += (size_t)n;
	der->data[der->len] = '\0';
	return 0;
}

int sign_detached(struct buf *der, const struct signer *s, const void *data,
		  size_t len, struct err *e)
{
	/* CMS_CADES adds signing-certificate-v2; content type, digest and
	 * time come with signed attributes, which are on unless CMS_NOATTR */
	const unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_CADES |
			       CMS_NOSMIMECAP | CMS_PARTIAL;
	CMS_ContentInfo *cms = NULL;
	BIO *bio = NULL;
	int rc = -1;

	if (len > INT32_MAX)
		return err_set(e, ERR_FAILED,
			       "too large to be signed in one piece");
	bio = BIO_new_mem_buf(len != 0 ? data : "", (int)len);
	cms = CMS_sign(NULL, NULL, s->chain, NULL, flags);
	if (bio == NULL || cms == NULL ||
	    CMS_add1_signer(cms, cert_x509(s->cert), s->key, EVP_sha256(),
			    flags) == NULL ||
	    CMS_final(cms, bio, NULL, flags) != 1) {
		err_openssl(e, ERR_FAILED, "signing as %s",
			    cert_subject(s->cert));
		goto out;
	}
	rc = cms_append(der, cms, e);
out:
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	return rc;
}
