/*
 * Checking signatures.
 *
 * CMS_verify alone is not enough: it accepts a signature without signed
 * attributes even when CAdES is asked for (openssl #27055, measured), and
 * with it any bytes that happen to be the DER form of attributes.  So the
 * shape is checked first, attribute by attribute, and the mathematics last.
 */
#include "certs/sign.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "certs/base/clock.h"
#include "certs/cert.h"

#define OPENSSL_HOW                                                            \
	"openssl cms -sign -binary -outform DER -md sha256 -cades "            \
	"-signer CERTIFICATE -inkey KEY -in FILE -out FILE.p7s"

/* A signature taken apart. */
struct opened {
	CMS_ContentInfo *cms;
	CMS_SignerInfo *si;
	STACK_OF(X509) * certs; /* what the CMS carries */
	X509 *signer;		/* one of certs, or the expected one */
};

static void opened_release(struct opened *o)
{
	sk_X509_pop_free(o->certs, X509_free);
	CMS_ContentInfo_free(o->cms);
	ERR_clear_error();
}

static int cms_parse(CMS_ContentInfo **out, const unsigned char *der,
		     size_t len, struct err *e)
{
	const unsigned char *p = der;

	if (len == 0)
		return err_set(e, ERR_INVALID, "the signature is empty");
	if (len > SIGNATURE_MAX)
		return err_set(e, ERR_INVALID,
			       "the signature has %zu bytes; more than %d are "
			       "not read",
			       len, SIGNATURE_MAX);
	if (len > 10 && memcmp(der, "-----BEGIN", 10) == 0)
		return err_set(e, ERR_INVALID,
			       "the signature is PEM text, DER is needed: "
			       "make it with " OPENSSL_HOW);
	*out = d2i_CMS_ContentInfo(NULL, &p, (long)len);
	if (*out == NULL)
		return err_openssl(e, ERR_INVALID,
				   "the signature is not CMS in DER");
	if (p != der + len)
		return err_set(e, ERR_INVALID,
			       "%zu bytes follow the end of the signature",
			       (size_t)(der + len - p));
	return 0;
}

static int shape_check(struct opened *o, struct err *e)
{
	if (OBJ_obj2nid(CMS_get0_type(o->cms)) != NID_pkcs7_signed)
		return err_set(e, ERR_INVALID, "the CMS is not signed data");
	if (CMS_is_detached(o->cms) != 1)
		return err_set(e, ERR_INVALID,
			       "the signature carries its own content, so it "
			       "does not speak of the file (detached is "
			       "needed): make it with " OPENSSL_HOW);
	if (OBJ_obj2nid(CMS_get0_eContentType(o->cms)) != NID_pkcs7_data)
		return err_set(e, ERR_INVALID,
			       "the signature is over another content type "
			       "than data");
	STACK_OF(CMS_SignerInfo) *list = CMS_get0_SignerInfos(o->cms);
	int n = list != NULL ? sk_CMS_SignerInfo_num(list) : 0;
	if (n != 1)
		return err_set(e, ERR_INVALID,
			       "the signature has %d signers instead of one",
			       n);
	o->si = sk_CMS_SignerInfo_value(list, 0);
	return 0;
}

/* signing-certificate-v2 names the signer's certificate by its hash. */
static int names_signer(const CMS_SignerInfo *si, X509 *signer,
			STACK_OF(X509) * others, bool *has, struct err *e)
{
	const ASN1_STRING *raw = CMS_signed_get0_data_by_OBJ(
		si, OBJ_nid2obj(NID_id_smime_aa_signingCertificateV2), -3,
		V_ASN1_SEQUENCE);
	ESS_SIGNING_CERT_V2 *ess = NULL;
	STACK_OF(X509) *chain = NULL;
	int rc = -1;

	*has = raw != NULL;
	if (raw == NULL)
		return -1;
	const unsigned char *p = ASN1_STRING_get0_data(raw);
	const unsigned char *end = p + ASN1_STRING_length(raw);
	ess = d2i_ESS_SIGNING_CERT_V2(NULL, &p, ASN1_STRING_length(raw));
	chain = sk_X509_new_null();
	if (ess == NULL || p != end || chain == NULL ||
	    sk_X509_push(chain, signer) == 0)
		goto out;
	for (int i = 0; i < sk_X509_num(others); i++)
		if (X509_cmp(sk_X509_value(others, i), signer) != 0 &&
		    sk_X509_push(chain, sk_X509_value(others, i)) == 0)
			goto out;
	rc = OSSL_ESS_check_signing_certs(NULL, ess, chain, 1) == 1 ? 0 : -1;
out:
	sk_X509_free(chain);
	ESS_SIGNING_CERT_V2_free(ess);
	if (rc != 0)
		err_set(e, ERR_INVALID,
			"the signature's signing-certificate-v2 attribute "
			"names another certificate than the signer's");
	ERR_clear_error();
	return rc;
}

static int same_cert(const X509 *a, const X509 *b)
{
	char fa[FINGERPRINT_TEXT], fb[FINGERPRINT_TEXT];
	x509_fingerprint(fa, a);
	x509_fingerprint(fb, b);
	return fa[0] != '\0' && strcmp(fa, fb) == 0;
}

/* The certificate that the signer info speaks of.  Where several share issuer
 * and serial number, signing-certificate-v2 decides. */
static int find_signer(struct opened *o, const struct cert *expected,
		       struct err *e)
{
	struct err ignored = ERR_INIT;
	bool has;

	o->certs = CMS_get1_certs(o->cms);
	for (int i = 0; i < sk_X509_num(o->certs); i++) {
		X509 *x = sk_X509_value(o->certs, i);
		if (CMS_SignerInfo_cert_cmp(o->si, x) != 0)
			continue;
		if (o->signer == NULL ||
		    names_signer(o->si, x, o->certs, &has, &ignored) == 0)
			o->signer = x;
	}
	if (o->signer == NULL && expected != NULL &&
	    CMS_SignerInfo_cert_cmp(o->si, cert_x509(expected)) == 0)
		o->signer = cert_x509(expected);
	if (o->signer == NULL && expected == NULL)
		return err_set(e, ERR_INVALID,
			       "the signature does not carry its signer's "
			       "certificate");
	if (o->signer == NULL)
		return err_set(e, ERR_INVALID,
			       "the signature was not made with the "
			       "certificate of %s",
			       cert_subject(expected));
	if (expected != NULL && !same_cert(o->signer, cert_x509(expected))) {
		char subject[256];
		x509_subject(subject, sizeof(subject), o->signer);
		return err_set(e, ERR_INVALID,
			       "the signature was made by %s, not by %s",
			       subject, cert_subject(expected));
	}
	return 0;
}

static int open_signature(struct opened *o, const void *der, size_t len,
			  const struct cert *expected, struct err *e)
{
	memset(o, 0, sizeof(*o));
	if (cms_parse(&o->cms, der, len, e) != 0 || shape_check(o, e) != 0 ||
	    find_signer(o, expected, e) != 0)
		return -1;
	return 0;
}

/* The digest that both the message digest and the signature use. */
static const EVP_MD *digest_allowed(CMS_SignerInfo *si, struct err *e)
{
	X509_ALGOR *alg = NULL;
	const ASN1_OBJECT *oid = NULL;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &alg, NULL);
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	int nid = OBJ_obj2nid(oid);
	if (nid == NID_sha256)
		return EVP_sha256();
	if (nid == NID_sha384)
		return EVP_sha384();
	if (nid == NID_sha512)
		return EVP_sha512();
	err_set(e, ERR_INVALID,
		"the signature uses the digest %s; SHA-256, SHA-384 or "
		"SHA-512 is needed",
		nid != NID_undef ? OBJ_nid2ln(nid) : "(unknown)");
	return NULL;
}

static int content_check(CMS_SignerInfo *si, const void *data, size_t len,
			 struct err *e)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	const EVP_MD *digest = digest_allowed(si, e);

	if (digest == NULL)
		return -1;
	const ASN1_OBJECT *type = CMS_signed_get0_data_by_OBJ(
		si, OBJ_nid2obj(NID_pkcs9_contentType), -3, V_ASN1_OBJECT);
	if (OBJ_obj2nid(type) != NID_pkcs7_data)
		return err_set(e, ERR_INVALID,
			       "the signature has no signed content type");
	const ASN1_OCTET_STRING *signed_md = CMS_signed_get0_data_by_OBJ(
		si, OBJ_nid2obj(NID_pkcs9_messageDigest), -3,
		V_ASN1_OCTET_STRING);
	if (signed_md == NULL)
		return err_set(e, ERR_INVALID,
			       "the signature has no signed message digest");
	if (EVP_Digest(len != 0 ? data : "", len, md, &n, digest, NULL) != 1)
		return err_openssl(e, ERR_FAILED, "hashing the signed bytes");
	if (ASN1_STRING_length(signed_md) != (int)n ||
	    memcmp(ASN1_STRING_get0_data(signed_md), md, n) != 0)
		return err_set(e, ERR_INVALID,
			       "the bytes are not those that were signed");
	return 0;
}

static int attributes_check(struct opened *o, const void *data, size_t len,
			    struct err *e)
{
	bool has = false;

	if (CMS_signed_get_attr_count(o->si) <= 0)
		return err_set(e, ERR_INVALID,
			       "the signature has no signed attributes, so it "
			       "does not say what it signs; make it "
			       "with " OPENSSL_HOW);
	if (content_check(o->si, data, len, e) != 0)
		return -1;
	if (names_signer(o->si, o->signer, o->certs, &has, e) != 0)
		return err_set(e, ERR_INVALID,
			       "the signature has no signing-certificate-v2 "
			       "attribute (openssl adds it with -cades); make "
			       "it again with " OPENSSL_HOW);
	return 0;
}

/* The mathematics, with exactly the certificate that was chosen. */
static int value_check(struct opened *o, const void *data, size_t len,
		       struct err *e)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(len != 0 ? data : "", (int)len);
	int rc = -1;

	if (one == NULL || bio == NULL || sk_X509_push(one, o->signer) == 0)
		err_set(e, ERR_FAILED, "out of memory");
	else if (CMS_verify(o->cms, one, NULL, bio, NULL,
			    CMS_BINARY | CMS_DETACHED | CMS_NOINTERN |
				    CMS_NO_SIGNER_CERT_VERIFY) != 1)
		err_openssl(e, ERR_INVALID,
			    "the signature does not verify with its signer's "
			    "key");
	else
		rc = 0;
	BIO_free(bio);
	sk_X509_free(one);
	return rc;
}

static int64_t signing_time(const CMS_SignerInfo *si)
{
	const ASN1_OBJECT *oid = OBJ_nid2obj(NID_pkcs9_signingTime);
	const ASN1_TIME *t =
		CMS_signed_get0_data_by_OBJ(si, oid, -3, V_ASN1_UTCTIME);
	if (t == NULL)
		t = CMS_signed_get0_data_by_OBJ(si, oid, -3,
						V_ASN1_GENERALIZEDTIME);
	return asn1_seconds(t);
}

int sign_verify(struct signature *out, const void *der, size_t der_len,
		const void *data, size_t len, const struct cert *expected,
		struct err *e)
{
	struct opened o;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	if (len > INT_MAX)
		return err_set(e, ERR_INVALID,
			       "too large to be checked in one piece");
	ERR_clear_error();
	if (open_signature(&o, der, der_len, expected, e) != 0)
		goto out;
	x509_fingerprint(out->fingerprint, o.signer);
	x509_subject(out->subject, sizeof(out->subject), o.signer);
	out->valid_from = asn1_seconds(X509_get0_notBefore(o.signer));
	out->valid_until = asn1_seconds(X509_get0_notAfter(o.signer));
	out->signed_at = signing_time(o.si);
	if (key_allowed(X509_get0_pubkey(o.signer), out->subject, ERR_INVALID,
			e) != 0 ||
	    attributes_check(&o, data, len, e) != 0 ||
	    value_check(&o, data, len, e) != 0)
		goto out;
	rc = 0;
out:
	opened_release(&o);
	return rc;
}

/* ---- trust -------------------------------------------------------------- */

struct anchors {
	X509_STORE *store;
};

int anchors_new(struct anchors **out, struct err *e)
{
	struct anchors *a = calloc(1, sizeof(*a));
	if (a != NULL)
		a->store = X509_STORE_new();
	if (a == NULL || a->store == NULL) {
		free(a);
		return err_set(e, ERR_FAILED, "out of memory");
	}
	*out = a;
	return 0;
}

void anchors_free(struct anchors *a)
{
	if (a == NULL)
		return;
	X509_STORE_free(a->store);
	free(a);
}

int anchors_add(struct anchors *a, const char *path, struct err *e)
{
	STACK_OF(X509) *list = certs_read(path, e);
	int rc = 0;

	if (list == NULL)
		return -1;
	for (int i = 0; i < sk_X509_num(list) && rc == 0; i++)
		if (X509_STORE_add_cert(a->store, sk_X509_value(list, i)) != 1)
			rc = err_openssl(e, ERR_FAILED, "%s: adding an anchor",
					 path);
	sk_X509_pop_free(list, X509_free);
	return rc;
}

static int chain_check(const struct anchors *a, const struct opened *o,
		       int64_t when, struct err *e)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int rc = -1;

	if (ctx == NULL ||
	    X509_STORE_CTX_init(ctx, a->store, o->signer, o->certs) != 1) {
		err_openssl(e, ERR_FAILED, "preparing to check trust");
		goto out;
	}
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
	X509_VERIFY_PARAM_set_time(param, (time_t)when);
	/* 112 bits: a chain over SHA-1 or short RSA keys proves nothing */
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	if (X509_verify_cert(ctx) == 1) {
		rc = 0;
	} else {
		char subject[256];
		const X509 *at = X509_STORE_CTX_get_current_cert(ctx);
		x509_subject(subject, sizeof(subject),
			     at != NULL ? at : o->signer);
		err_set(e, ERR_INVALID, "%s: %s", subject,
			X509_verify_cert_error_string(
				X509_STORE_CTX_get_error(ctx)));
	}
out:
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

int anchors_check(const struct anchors *a, const void *der, size_t der_len,
		  int64_t when, struct err *e)
{
	struct opened o;
	ERR_clear_error();
	int rc = open_signature(&o, der, der_len, NULL, e);
	if (rc == 0)
		rc = chain_check(a, &o, when, e);
	opened_release(&o);
	return rc;
}
