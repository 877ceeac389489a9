/* Signatures and the certificates that make them. */
#include "tests/unit/keys.h"
#include "tests/unit/unit.h"

#include <openssl/cms.h>

#include "certs/base/clock.h"
#include "certs/base/hex.h"
#include "certs/cert.h"
#include "certs/passphrase.h"
#include "certs/sign.h"

static const char text[] = "{\n  \"type\": \"quietus/certificate\"\n}\n";
static const size_t text_len = sizeof(text) - 1;

/* A signature by NAME over the text. */
static void sign_as(struct buf *der, const char *name)
{
	struct signer *s = NULL;
	struct err e = ERR_INIT;
	int rc = signer_open(&s, keys_path("%s.pem", name),
			     keys_path("%s.key", name), -1, &e);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	rc = sign_detached(der, s, text, text_len, &e);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	signer_free(s);
}

static bool verifies(const struct buf *der, struct err *e)
{
	struct signature sig;
	return sign_verify(&sig, der->data, der->len, text, text_len, NULL,
			   e) == 0;
}

static bool trusted(const struct buf *der, const char *anchor, int64_t when,
		    struct err *e)
{
	struct anchors *a = NULL;
	CU_ASSERT_EQUAL_FATAL(anchors_new(&a, e), 0);
	CU_ASSERT_EQUAL_FATAL(anchors_add(a, anchor, e), 0);
	int rc = anchors_check(a, der->data, der->len, when, e);
	anchors_free(a);
	return rc == 0;
}

static bool says(const struct err *e, const char *part)
{
	bool found = strstr(e->msg, part) != NULL;
	if (!found)
		printf("# said: %s\n", e->msg);
	return found;
}

/* ---- what we make ------------------------------------------------------- */

static void signature_by(const char *name)
{
	struct buf der;
	struct err e = ERR_INIT;
	struct signature sig;
	struct cert *c = NULL;
	char print[FINGERPRINT_TEXT];

	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, name);
	CU_ASSERT_EQUAL(cert_read(&c, keys_path("%s.pem", name), &e), 0);
	cert_fingerprint(print, c);
	CU_ASSERT_EQUAL(
		sign_verify(&sig, der.data, der.len, text, text_len, c, &e), 0);
	CU_ASSERT_STRING_EQUAL(sig.fingerprint, print);
	CU_ASSERT(strstr(sig.subject, name) != NULL);
	CU_ASSERT(sig.signed_at > clock_now() - 60 &&
		  sig.signed_at <= clock_now() + 1);
	CU_ASSERT(sig.valid_from <= sig.signed_at &&
		  sig.signed_at <= sig.valid_until);
	cert_free(c);
	buf_release(&der);
}

static void ecdsa_and_rsa_signers_verify(void)
{
	signature_by("processor");
	signature_by("p384");
	signature_by("rsa");
	signature_by("issued");
}

static int stock_verify(const char *name, const char *ca)
{
	struct buf der;
	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, name);
	keys_put(keys_path("f"), text, text_len);
	keys_put(keys_path("f.p7s"), der.data, der.len);
	buf_release(&der);
	return keys_run("out", "openssl", "cms", "-verify", "-binary",
			"-inform", "DER", "-content", keys_path("f"), "-in",
			keys_path("f.p7s"), "-CAfile", keys_path("%s", ca),
			"-purpose", "any", (char *)NULL);
}

static void stock_openssl_accepts_what_we_make(void)
{
	CU_ASSERT_EQUAL(stock_verify("processor", "processor.pem"), 0);
	CU_ASSERT_EQUAL(stock_verify("rsa", "rsa.pem"), 0);
	CU_ASSERT_EQUAL(stock_verify("issued", "ca.pem"), 0);
	/* an intermediate in the signer's file travels with the signature */
	CU_ASSERT_EQUAL(stock_verify("chained", "ca.pem"), 0);
	CU_ASSERT_NOT_EQUAL(stock_verify("processor", "ca.pem"), 0);
}

static void stock_openssl_refuses_other_bytes(void)
{
	CU_ASSERT_EQUAL(stock_verify("processor", "processor.pem"), 0);
	keys_put(keys_path("f"), "other", 5);
	CU_ASSERT_NOT_EQUAL(keys_run("out", "openssl", "cms", "-verify",
				     "-binary", "-inform", "DER", "-content",
				     keys_path("f"), "-in", keys_path("f.p7s"),
				     "-CAfile", keys_path("processor.pem"),
				     "-purpose", "any", (char *)NULL),
			    0);
}

static void chain_travels_only_when_given(void)
{
	struct buf der, with;
	buf_init(&der, SIGNATURE_MAX);
	buf_init(&with, SIGNATURE_MAX);
	sign_as(&der, "issued");
	sign_as(&with, "chained");
	const unsigned char *p = der.data, *q = with.data;
	CMS_ContentInfo *a = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	CMS_ContentInfo *b = d2i_CMS_ContentInfo(NULL, &q, (long)with.len);
	STACK_OF(X509) *ca = CMS_get1_certs(a), *cb = CMS_get1_certs(b);
	CU_ASSERT_EQUAL(sk_X509_num(ca), 1);
	CU_ASSERT_EQUAL(sk_X509_num(cb), 2);
	sk_X509_pop_free(ca, X509_free);
	sk_X509_pop_free(cb, X509_free);
	CMS_ContentInfo_free(a);
	CMS_ContentInfo_free(b);
	buf_release(&der);
	buf_release(&with);
}

static void fingerprint_is_the_one_openssl_shows(void)
{
	struct cert *c = NULL;
	struct err e = ERR_INIT;
	char print[FINGERPRINT_TEXT], shown[FINGERPRINT_TEXT];
	struct buf out;

	CU_ASSERT_EQUAL_FATAL(cert_read(&c, keys_path("processor.pem"), &e), 0);
	cert_fingerprint(print, c);
	keys_run("out", "openssl", "x509", "-in", keys_path("processor.pem"),
		 "-noout", "-fingerprint", "-sha256", (char *)NULL);
	buf_init(&out, 4096);
	keys_get(&out, keys_path("out"));
	size_t n = 0;
	const char *p = strchr(buf_str(&out), '=');
	for (; p != NULL && *p != '\0' && n < 64; p++)
		if (*p != ':' && *p != '=')
			shown[n++] =
				(char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
	shown[n] = '\0';
	CU_ASSERT_STRING_EQUAL(print, shown);
	buf_release(&out);
	cert_free(c);
}

static void der_certificate_is_read_too(void)
{
	struct cert *pem = NULL, *der = NULL;
	struct err e = ERR_INIT;
	char a[FINGERPRINT_TEXT], b[FINGERPRINT_TEXT];
	keys_run(NULL, "openssl", "x509", "-in", keys_path("rsa.pem"),
		 "-outform", "DER", "-out", keys_path("rsa.der"), (char *)NULL);
	CU_ASSERT_EQUAL_FATAL(cert_read(&pem, keys_path("rsa.pem"), &e), 0);
	CU_ASSERT_EQUAL_FATAL(cert_read(&der, keys_path("rsa.der"), &e), 0);
	cert_fingerprint(a, pem);
	cert_fingerprint(b, der);
	CU_ASSERT_STRING_EQUAL(a, b);
	cert_free(pem);
	cert_free(der);
}

static void subject_keeps_accents_and_escapes_controls(void)
{
	struct cert *c = NULL;
	struct err e = ERR_INIT;
	keys_cert("soci\xc3\xa9t\xc3\xa9", "p256", NULL, 0, KEYS_DAY);
	CU_ASSERT_EQUAL_FATAL(
		cert_read(&c, keys_path("soci\xc3\xa9t\xc3\xa9.pem"), &e), 0);
	CU_ASSERT_STRING_EQUAL(cert_subject(c), "CN=soci\xc3\xa9t\xc3\xa9");
	cert_free(c);
	keys_cert("bad\x1b[2J", "p256", NULL, 0, KEYS_DAY);
	CU_ASSERT_EQUAL_FATAL(cert_read(&c, keys_path("bad\x1b[2J.pem"), &e),
			      0);
	CU_ASSERT(strchr(cert_subject(c), '\x1b') == NULL);
	CU_ASSERT(strstr(cert_subject(c), "bad") != NULL);
	cert_free(c);
}

/* ---- who may sign ------------------------------------------------------- */

static void refused_signer(const char *cert, const char *key, const char *why)
{
	struct signer *s = NULL;
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL(signer_open(&s, keys_path("%s", cert),
				    keys_path("%s", key), -1, &e),
			-1);
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_EQUAL(e.code, ERR_USAGE);
	CU_ASSERT(says(&e, why));
}

static void weak_and_unsuitable_keys_are_refused(void)
{
	refused_signer("rsa1024.pem", "rsa1024.key", "1024 bits");
	refused_signer("p521.pem", "p521.key", "P-256 and P-384");
	refused_signer("ed25519.pem", "ed25519.key", "Ed25519");
}

static void certificate_outside_its_dates_signs_nothing(void)
{
	refused_signer("expired.pem", "expired.key", "expired on");
	refused_signer("future.pem", "future.key", "not valid before");
}

static void foreign_key_is_refused(void)
{
	refused_signer("processor.pem", "p384.key", "does not belong");
	refused_signer("processor.key", "processor.key", "not a certificate");
	refused_signer("processor.pem", "processor.pem", "not a private key");
}

static void missing_file_is_named(void)
{
	struct signer *s = NULL;
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL(signer_open(&s, keys_path("nobody.pem"),
				    keys_path("nobody.key"), -1, &e),
			-1);
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
	CU_ASSERT(says(&e, "nobody.pem"));
}

/* Opens the encrypted key with what a pipe gives. */
static int open_with(const char *line, struct err *e)
{
	struct signer *s = NULL;
	int fds[2];
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	CU_ASSERT_EQUAL_FATAL(write(fds[1], line, strlen(line)),
			      (ssize_t)strlen(line));
	close(fds[1]);
	int rc = signer_open(&s, keys_path("processor.pem"),
			     keys_path("locked.key"), fds[0], e);
	close(fds[0]);
	signer_free(s);
	return rc;
}

static void encrypted_key_takes_its_passphrase_from_a_descriptor(void)
{
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL_FATAL(keys_run(NULL, "openssl", "pkey", "-in",
				       keys_path("processor.key"), "-aes256",
				       "-passout", "pass:correct horse", "-out",
				       keys_path("locked.key"), (char *)NULL),
			      0);
	CU_ASSERT_EQUAL(open_with("correct horse\nsecond line\n", &e), 0);
	CU_ASSERT_EQUAL(open_with("correct horse", &e), 0);
	CU_ASSERT_EQUAL(open_with("correct horse\r\n", &e), 0);
	CU_ASSERT_EQUAL(open_with("wrong\n", &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_USAGE);
	CU_ASSERT(says(&e, "does not open"));
	err_clear(&e);
	CU_ASSERT_EQUAL(open_with("\n", &e), -1);
	CU_ASSERT(says(&e, "empty line"));
}

static void passphrase_leaves_the_next_line_unread(void)
{
	char out[PASSPHRASE_MAX], rest[16] = "";
	struct err e = ERR_INIT;
	int fds[2];
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	CU_ASSERT_EQUAL_FATAL(write(fds[1], "one\ntwo\n", 8), 8);
	close(fds[1]);
	CU_ASSERT_EQUAL(passphrase_read(out, fds[0], "k", &e), 0);
	CU_ASSERT_STRING_EQUAL(out, "one");
	CU_ASSERT_EQUAL(read(fds[0], rest, sizeof(rest)), 4);
	CU_ASSERT_EQUAL(memcmp(rest, "two\n", 4), 0);
	close(fds[0]);
}

static void encrypted_key_without_a_terminal_says_what_to_do(void)
{
	/* in a session of its own there is no /dev/tty */
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct signer *s = NULL;
		struct err e = ERR_INIT;
		setsid();
		int rc = signer_open(&s, keys_path("processor.pem"),
				     keys_path("locked.key"), -1, &e);
		_exit(rc == -1 && e.code == ERR_USAGE &&
				      strstr(e.msg, "--passphrase-fd") != NULL
			      ? 0
			      : 1);
	}
	int status = 1;
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
}

/* ---- approvals made elsewhere ------------------------------------------- */

static int stock_sign(const char *name, ...)
{
	char *argv[32] = {(char *)(uintptr_t) "openssl",
			  (char *)(uintptr_t) "cms",
			  (char *)(uintptr_t) "-sign",
			  (char *)(uintptr_t) "-binary",
			  (char *)(uintptr_t) "-signer",
			  strdup(keys_path("%s.pem", name)),
			  (char *)(uintptr_t) "-inkey",
			  strdup(keys_path("%s.key", name)),
			  (char *)(uintptr_t) "-in",
			  strdup(keys_path("f")),
			  (char *)(uintptr_t) "-out",
			  strdup(keys_path("made.p7s"))};
	size_t n = 12;
	va_list ap;
	va_start(ap, name);
	while (n < 31 && (argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	va_end(ap);
	keys_put(keys_path("f"), text, text_len);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		execvp("openssl", argv);
		_exit(127);
	}
	int status = 1;
	waitpid(pid, &status, 0);
	free(argv[5]);
	free(argv[7]);
	free(argv[9]);
	free(argv[11]);
	return status;
}

static bool made_verifies(struct err *e)
{
	struct buf der;
	buf_init(&der, SIGNATURE_MAX);
	keys_get(&der, keys_path("made.p7s"));
	bool ok = verifies(&der, e);
	buf_release(&der);
	return ok;
}

static void made_refused(const char *why)
{
	struct err e = ERR_INIT;
	CU_ASSERT_FALSE(made_verifies(&e));
	CU_ASSERT_EQUAL(e.code, ERR_INVALID);
	CU_ASSERT(says(&e, why));
}

static void signature_made_with_stock_openssl_is_accepted(void)
{
	struct err e = ERR_INIT;
	static const char *const names[] = {"processor", "rsa", "issued"};
	for (size_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(stock_sign(names[i], "-outform", "DER", "-md",
					   "sha256", "-cades", (char *)NULL),
				0);
		CU_ASSERT(made_verifies(&e));
	}
	/* RSA-PSS is a good signature too */
	CU_ASSERT_EQUAL(stock_sign("rsa", "-outform", "DER", "-md", "sha256",
				   "-cades", "-keyopt", "rsa_padding_mode:pss",
				   (char *)NULL),
			0);
	CU_ASSERT(made_verifies(&e));
}

static void signature_without_cades_says_which_command_to_use(void)
{
	CU_ASSERT_EQUAL(stock_sign("processor", "-outform", "DER", "-md",
				   "sha256", (char *)NULL),
			0);
	made_refused("-cades");
}

static void signature_without_signed_attributes_is_refused(void)
{
	CU_ASSERT_EQUAL(stock_sign("processor", "-outform", "DER", "-noattr",
				   (char *)NULL),
			0);
	/* what openssl says of it: the trap of openssl #27055 */
	CU_ASSERT_EQUAL(keys_run("out", "openssl", "cms", "-verify", "-binary",
				 "-inform", "DER", "-cades", "-content",
				 keys_path("f"), "-in", keys_path("made.p7s"),
				 "-CAfile", keys_path("processor.pem"),
				 "-purpose", "any", (char *)NULL),
			0);
	made_refused("no signed attributes");
}

static void signature_that_carries_content_is_refused(void)
{
	CU_ASSERT_EQUAL(stock_sign("processor", "-outform", "DER", "-nodetach",
				   "-cades", (char *)NULL),
			0);
	made_refused("carries its own content");
}

static void pem_signature_is_refused_with_the_command(void)
{
	CU_ASSERT_EQUAL(stock_sign("processor", "-outform", "PEM", "-cades",
				   (char *)NULL),
			0);
	made_refused("-outform DER");
}

static void two_signers_are_refused(void)
{
	CU_ASSERT_EQUAL(stock_sign("processor", "-outform", "DER", "-cades",
				   "-signer", keys_path("rsa.pem"), "-inkey",
				   keys_path("rsa.key"), (char *)NULL),
			0);
	made_refused("2 signers");
}

static void old_digests_are_refused(void)
{
	CU_ASSERT_EQUAL(stock_sign("rsa", "-outform", "DER", "-md", "sha224",
				   "-cades", (char *)NULL),
			0);
	made_refused("SHA-256");
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL(stock_sign("rsa", "-outform", "DER", "-md", "sha384",
				   "-cades", (char *)NULL),
			0);
	CU_ASSERT(made_verifies(&e));
}

static void weak_signer_is_refused_when_checking_too(void)
{
	CU_ASSERT_EQUAL(stock_sign("rsa1024", "-outform", "DER", "-cades",
				   (char *)NULL),
			0);
	made_refused("1024 bits");
}

static void signature_without_certificate_needs_the_expected_one(void)
{
	struct err e = ERR_INIT;
	struct signature sig;
	struct cert *c = NULL;
	struct buf der;

	CU_ASSERT_EQUAL(stock_sign("processor", "-outform", "DER", "-cades",
				   "-nocerts", (char *)NULL),
			0);
	made_refused("does not carry its signer's certificate");
	CU_ASSERT_EQUAL_FATAL(cert_read(&c, keys_path("processor.pem"), &e), 0);
	buf_init(&der, SIGNATURE_MAX);
	keys_get(&der, keys_path("made.p7s"));
	CU_ASSERT_EQUAL(
		sign_verify(&sig, der.data, der.len, text, text_len, c, &e), 0);
	buf_release(&der);
	cert_free(c);
}

/* ---- tampering ---------------------------------------------------------- */

static void other_bytes_are_not_what_was_signed(void)
{
	struct buf der;
	struct err e = ERR_INIT;
	struct signature sig;
	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, "processor");
	CU_ASSERT(verifies(&der, &e));
	CU_ASSERT_EQUAL(sign_verify(&sig, der.data, der.len, text, text_len - 1,
				    NULL, &e),
			-1);
	CU_ASSERT(says(&e, "not those that were signed"));
	buf_release(&der);
}

static void no_flipped_byte_changes_signer_or_time(void)
{
	struct buf der;
	struct err e = ERR_INIT;
	struct signature sig, good;
	size_t survived = 0;

	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, "processor");
	CU_ASSERT_EQUAL_FATAL(
		sign_verify(&good, der.data, der.len, text, text_len, NULL, &e),
		0);
	for (size_t i = 0; i < der.len; i++) {
		der.data[i] ^= 0x01;
		err_clear(&e);
		if (sign_verify(&sig, der.data, der.len, text, text_len, NULL,
				&e) == 0 &&
		    (strcmp(sig.fingerprint, good.fingerprint) != 0 ||
		     sig.signed_at != good.signed_at)) {
			printf("# byte %zu of %zu\n", i, der.len);
			survived++;
		}
		der.data[i] ^= 0x01;
	}
	CU_ASSERT_EQUAL(survived, 0);
	CU_ASSERT(verifies(&der, &e));
	buf_release(&der);
}

static void every_cut_and_every_tail_is_refused(void)
{
	struct buf der;
	struct err e = ERR_INIT;
	struct signature sig;
	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, "processor");
	for (size_t n = 0; n < der.len; n++) {
		err_clear(&e);
		CU_ASSERT_EQUAL(sign_verify(&sig, der.data, n, text, text_len,
					    NULL, &e),
				-1);
	}
	err_clear(&e);
	CU_ASSERT(verifies(&der, &e));
	buf_putc(&der, 0);
	CU_ASSERT_FALSE(verifies(&der, &e));
	CU_ASSERT(says(&e, "follow the end"));
	buf_release(&der);
}

static void unexpected_signer_is_refused_by_name(void)
{
	struct buf der;
	struct err e = ERR_INIT;
	struct signature sig;
	struct cert *c = NULL;
	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, "processor");
	CU_ASSERT_EQUAL_FATAL(cert_read(&c, keys_path("rsa.pem"), &e), 0);
	CU_ASSERT_EQUAL(
		sign_verify(&sig, der.data, der.len, text, text_len, c, &e),
		-1);
	CU_ASSERT(says(&e, "CN=processor, not by CN=rsa"));
	cert_free(c);
	buf_release(&der);
}

/* A second certificate with the same issuer and serial number in the CMS
 * must not take the signer's place. */
static void twin_certificate_does_not_replace_the_signer(void)
{
	struct buf der, twin;
	struct err e = ERR_INIT;
	struct signature sig;
	EVP_PKEY *key = keys_make("p256");

	buf_init(&der, SIGNATURE_MAX);
	buf_init(&twin, SIGNATURE_MAX);
	sign_as(&der, "processor");
	const unsigned char *p = der.data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	X509 *x = keys_read_cert("processor");
	char real[FINGERPRINT_TEXT];
	x509_fingerprint(real, x);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	CU_ASSERT_EQUAL_FATAL(CMS_add1_cert(cms, x), 1);
	unsigned char *out = NULL;
	int n = i2d_CMS_ContentInfo(cms, &out);
	buf_put(&twin, out, (size_t)n);
	CU_ASSERT_EQUAL(sign_verify(&sig, twin.data, twin.len, text, text_len,
				    NULL, &e),
			0);
	CU_ASSERT_STRING_EQUAL(sig.fingerprint, real);
	/* and it is the real one whose trust is judged */
	CU_ASSERT(trusted(&twin, keys_path("processor.pem"), clock_now(), &e));
	OPENSSL_free(out);
	X509_free(x);
	EVP_PKEY_free(key);
	CMS_ContentInfo_free(cms);
	buf_release(&der);
	buf_release(&twin);
}

/* ---- trust -------------------------------------------------------------- */

static void anchors_may_be_ca_intermediate_or_leaf(void)
{
	struct buf der, chained;
	struct err e = ERR_INIT;
	int64_t now = clock_now();
	buf_init(&der, SIGNATURE_MAX);
	buf_init(&chained, SIGNATURE_MAX);
	sign_as(&der, "issued");
	sign_as(&chained, "chained");
	CU_ASSERT(trusted(&der, keys_path("ca.pem"), now, &e));
	CU_ASSERT(trusted(&der, keys_path("issued.pem"), now, &e));
	CU_ASSERT(trusted(&chained, keys_path("ca.pem"), now, &e));
	CU_ASSERT(trusted(&chained, keys_path("ca-two.pem"), now, &e));
	CU_ASSERT_FALSE(trusted(&der, keys_path("ca-two.pem"), now, &e));
	CU_ASSERT_EQUAL(e.code, ERR_INVALID);
	buf_release(&der);
	buf_release(&chained);
}

static void stranger_is_not_trusted(void)
{
	struct buf der;
	struct err e = ERR_INIT;
	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, "processor");
	CU_ASSERT(trusted(&der, keys_path("processor.pem"), clock_now(), &e));
	CU_ASSERT_FALSE(trusted(&der, keys_path("rsa.pem"), clock_now(), &e));
	buf_release(&der);
}

static void trust_is_judged_at_the_given_time(void)
{
	struct buf der;
	struct err e = ERR_INIT;
	int64_t now = clock_now();
	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, "processor");
	CU_ASSERT(trusted(&der, keys_path("processor.pem"), now, &e));
	CU_ASSERT_FALSE(trusted(&der, keys_path("processor.pem"),
				now + 400 * KEYS_DAY, &e));
	CU_ASSERT(says(&e, "expired"));
	buf_release(&der);
}

static void certificate_without_ca_right_vouches_for_nobody(void)
{
	struct buf der;
	struct err e = ERR_INIT;
	buf_init(&der, SIGNATURE_MAX);
	sign_as(&der, "byleaf");
	CU_ASSERT_FALSE(trusted(&der, keys_path("rsa.pem"), clock_now(), &e));
	CU_ASSERT(says(&e, "invalid CA"));
	buf_release(&der);
}

/* Appends one file to another. */
static void join(const char *out, const char *a, const char *b)
{
	struct buf all;
	buf_init(&all, 65536);
	keys_get(&all, a);
	keys_get(&all, b);
	keys_put(out, all.data, all.len);
	buf_release(&all);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(ecdsa_and_rsa_signers_verify),
		UNIT(stock_openssl_accepts_what_we_make),
		UNIT(stock_openssl_refuses_other_bytes),
		UNIT(chain_travels_only_when_given),
		UNIT(fingerprint_is_the_one_openssl_shows),
		UNIT(der_certificate_is_read_too),
		UNIT(subject_keeps_accents_and_escapes_controls),
		UNIT(weak_and_unsuitable_keys_are_refused),
		UNIT(certificate_outside_its_dates_signs_nothing),
		UNIT(foreign_key_is_refused),
		UNIT(missing_file_is_named),
		UNIT(encrypted_key_takes_its_passphrase_from_a_descriptor),
		UNIT(passphrase_leaves_the_next_line_unread),
		UNIT(encrypted_key_without_a_terminal_says_what_to_do),
		UNIT(signature_made_with_stock_openssl_is_accepted),
		UNIT(signature_without_cades_says_which_command_to_use),
		UNIT(signature_without_signed_attributes_is_refused),
		UNIT(signature_that_carries_content_is_refused),
		UNIT(pem_signature_is_refused_with_the_command),
		UNIT(two_signers_are_refused),
		UNIT(old_digests_are_refused),
		UNIT(weak_signer_is_refused_when_checking_too),
		UNIT(signature_without_certificate_needs_the_expected_one),
		UNIT(other_bytes_are_not_what_was_signed),
		UNIT(no_flipped_byte_changes_signer_or_time),
		UNIT(every_cut_and_every_tail_is_refused),
		UNIT(unexpected_signer_is_refused_by_name),
		UNIT(twin_certificate_does_not_replace_the_signer),
		UNIT(anchors_may_be_ca_intermediate_or_leaf),
		UNIT(stranger_is_not_trusted),
		UNIT(trust_is_judged_at_the_given_time),
		UNIT(certificate_without_ca_right_vouches_for_nobody),
		{NULL, NULL}};

	keys_start();
	keys_cert("processor", "p256", NULL, -KEYS_DAY, 365 * KEYS_DAY);
	keys_cert("p384", "p384", NULL, 0, KEYS_DAY);
	keys_cert("p521", "p521", NULL, 0, KEYS_DAY);
	keys_cert("rsa", "rsa", NULL, 0, KEYS_DAY);
	keys_cert("rsa1024", "rsa1024", NULL, 0, KEYS_DAY);
	keys_cert("ed25519", "ed25519", NULL, 0, KEYS_DAY);
	keys_cert("expired", "p256", NULL, -2 * KEYS_DAY, -KEYS_DAY);
	keys_cert("future", "p256", NULL, KEYS_DAY, 2 * KEYS_DAY);
	keys_cert("ca", "rsa", NULL, -KEYS_DAY, 365 * KEYS_DAY);
	keys_cert("issued", "p256", "ca", -KEYS_DAY, KEYS_DAY);
	keys_cert("ca-two", "p256", "ca", -KEYS_DAY, KEYS_DAY);
	keys_cert("chained", "p256", "ca-two", -KEYS_DAY, KEYS_DAY);
	keys_cert("byleaf", "p256", "rsa", 0, KEYS_DAY);
	join(keys_path("joined"), keys_path("chained.pem"),
	     keys_path("ca-two.pem"));
	rename(keys_path("joined"), keys_path("chained.pem"));
	int rc = unit_run("sign", tests);
	keys_stop();
	return rc;
}
