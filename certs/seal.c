#include "certs/seal.h"

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "certs/cert.h"

/* How the content key is wrapped.  The defaults of OpenSSL 3.0 would be
 * PKCS#1 v1.5, and SHA-1 for the key derivation of ECDH. */
static int recipient_add(CMS_ContentInfo *cms, const struct cert *to,
			 struct err *e)
{
	X509 *x = cert_x509(to);
	CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, x, CMS_KEY_PARAM);
	EVP_PKEY_CTX *ctx =
		ri != NULL ? CMS_RecipientInfo_get0_pkey_ctx(ri) : NULL;
	int ok = 0;

	if (ctx != NULL &&
	    EVP_PKEY_get_base_id(X509_get0_pubkey(x)) == EVP_PKEY_RSA)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) >
			     0 &&
		     EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
	else if (ctx != NULL)
		ok = EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0;
	if (!ok)
		return err_openssl(e, ERR_FAILED, "encrypting to %s",
				   cert_subject(to));
	return 0;
}

int seal(struct buf *der, const struct cert *to, const void *data, size_t len,
	 struct err *e)
{
	CMS_ContentInfo *cms = NULL;
	BIO *bio = NULL;
	int rc = -1;

	if (len > INT_MAX)
		return err_set(e, ERR_FAILED,
			       "too large to be encrypted in one part");
	if (key_allowed(X509_get0_pubkey(cert_x509(to)), cert_subject(to),
			ERR_USAGE, e) != 0)
		return -1;
	ERR_clear_error();
	bio = BIO_new_mem_buf(len != 0 ? data : "", (int)len);
	cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(),
			  CMS_PARTIAL | CMS_BINARY);
	if (bio == NULL || cms == NULL) {
		err_openssl(e, ERR_FAILED, "preparing to encrypt to %s",
			    cert_subject(to));
		goto out;
	}
	if (recipient_add(cms, to, e) != 0)
		goto out;
	if (CMS_final(cms, bio, NULL, CMS_BINARY) != 1) {
		err_openssl(e, ERR_FAILED, "encrypting to %s",
			    cert_subject(to));
		goto out;
	}
	int n = i2d_CMS_ContentInfo(cms, NULL);
	unsigned char *p = n > 0 ? buf_reserve(der, (size_t)n) : NULL;
	if (p == NULL || i2d_CMS_ContentInfo(cms, &p) != n) {
		err_openssl(e, ERR_FAILED,
			    "encrypting %zu bytes to %s: no room", len,
			    cert_subject(to));
		goto out;
	}
	der->len += (size_t)n;
	der->data[der->len] = '\0';
	rc = 0;
out:
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	return rc;
}
