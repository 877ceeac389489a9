/*
 * Whether the certificates and the key of a closeout file can sign: asked by
 * plan, and never when a case is read again.
 */
#include "tests/unit/unit.h"
#include "tests/unit/closeout_form.h"

#include "certs/base/clock.h"
#include "certs/sign.h"

static const struct change bad_keys[] = {
	{"an expired signing certificate", "\"processor.pem\"", "\"late.pem\"",
	 NULL, NULL, "\"late.pem\"", "the signing certificate "},
	{"the date of an expired certificate", "\"processor.pem\"",
	 "\"late.pem\"", NULL, NULL, "\"late.pem\"", "@LATE@"},
	{"a signing certificate that is not yet valid", "\"processor.pem\"",
	 "\"early.pem\"", NULL, NULL, "\"early.pem\"", "@EARLY@"},
	{"a signing certificate with a short key", "\"processor.pem\"",
	 "\"short.pem\"", "\"processor.key\"", "\"short.key\"", "\"short.pem\"",
	 "its RSA key has 1024 bits"},
	{"a signing certificate of Ed25519", "\"processor.pem\"",
	 "\"edwards.pem\"", "\"processor.key\"", "\"edwards.key\"",
	 "\"edwards.pem\"", "Ed25519"},
	{"a signing certificate on another curve", "\"processor.pem\"",
	 "\"curve.pem\"", "\"processor.key\"", "\"curve.key\"", "\"curve.pem\"",
	 "the signing certificate cannot sign: "},
	{"an expired approver", "\"bob.pem\" ]", "\n\"late.pem\" ]", NULL, NULL,
	 "\"late.pem\"", "the approver's certificate "},
	{"the date of an expired approver", "\"bob.pem\" ]", "\n\"late.pem\" ]",
	 NULL, NULL, "\"late.pem\"", "@LATE@"},
	{"an approver who is not yet valid", "\"bob.pem\" ]",
	 "\n\"early.pem\" ]", NULL, NULL, "\"early.pem\"", "@EARLY@"},
	{"an approver with a short key", "\"bob.pem\" ]", "\n\"short.pem\" ]",
	 NULL, NULL, "\"short.pem\"", "its RSA key has 1024 bits"},
	{"an approver of Ed25519", "\"bob.pem\" ]", "\n\"edwards.pem\" ]", NULL,
	 NULL, "\"edwards.pem\"", "the approver's certificate cannot sign"},
	{"another's key", "\"processor.key\"", "\"bob.key\"", NULL, NULL,
	 "\"bob.key\"", "does not belong to the certificate"},
	{"a certificate for a key", "\"processor.key\"", "\"processor.pem\"",
	 NULL, NULL, "key = \"processor.pem\"", "not a private key in PEM"},
	{"a key of junk", "\"processor.key\"", "\"junk.pem\"", NULL, NULL,
	 "\"junk.pem\"", "not a private key in PEM"},
	{"a key that is no size of a key", "\"processor.key\"", "\"huge.key\"",
	 NULL, NULL, "\"huge.key\"", "the signing key: "},
};

/* "@LATE@" becomes what is said of late.pem's date. */
static void words(char out[200], const char *says)
{
	char date[CLOCK_TEXT];
	struct err e = ERR_INIT;
	struct cert *cert = NULL;
	int64_t from, until;
	bool late = strcmp(says, "@LATE@") == 0;

	snprintf(out, 200, "%s", says);
	if (says[0] != '@')
		return;
	CU_ASSERT_EQUAL_FATAL(
		cert_read(&cert, keys_path(late ? "late.pem" : "early.pem"),
			  &e),
		0);
	cert_validity(&from, &until, cert);
	cert_free(cert);
	clock_text(date, late ? until : from);
	snprintf(out, 200, "%s %s", late ? "expired on" : "is not valid before",
		 date);
}

static void what_cannot_sign_is_refused_with_its_line(void)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	/* the good one first */
	CU_ASSERT_EQUAL_FATAL(parse(&c, good, &e), 0);
	CU_ASSERT_EQUAL_FATAL(closeout_check_keys(c, &e), 0);
	closeout_free(c);
	for (size_t i = 0; i < sizeof(bad_keys) / sizeof(*bad_keys); i++) {
		const struct change *ch = &bad_keys[i];
		char begins[40], says[200];
		CU_ASSERT_TRUE_FATAL(change_text(text, ch));
		words(says, ch->says);
		snprintf(begins, sizeof(begins),
			 "acme.cfg:%d: ", line_of(text, ch->at));
		/* a case with it stays readable */
		int rc = parse(&c, text, &e);
		if (rc != 0)
			printf("# %s: %s\n", ch->claim, e.msg);
		CU_ASSERT_EQUAL(rc, 0);
		if (rc != 0)
			continue;
		rc = closeout_check_keys(c, &e);
		bool right = rc == -1 && e.code == ERR_USAGE &&
			     strncmp(e.msg, begins, strlen(begins)) == 0 &&
			     strstr(e.msg, says) != NULL;
		if (!right)
			printf("# %s: expected \"%s...%s\", got %d \"%s\"\n",
			       ch->claim, begins, says, rc, e.msg);
		CU_ASSERT_TRUE(right);
		closeout_free(c);
	}
}

/* Without a terminal a passphrase that is asked for is an error; with one the
 * test would wait. */
static void an_encrypted_key_is_not_opened(void)
{
	static char text[TEXT_MAX];
	static const char *const names[] = {"\"new.key\"", "\"old.key\""};
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(
			replace(text, good, "\"processor.key\"", names[i]));
		CU_ASSERT_EQUAL_FATAL(parse(&c, text, &e), 0);
		int rc = closeout_check_keys(c, &e);
		if (rc != 0)
			printf("# %s: %s\n", names[i], e.msg);
		CU_ASSERT_EQUAL(rc, 0);
		closeout_free(c);
	}
	/* its certificate is looked at all the same */
	static const struct change late = {"",
					   "\"processor.key\"",
					   "\"new.key\"",
					   "\"processor.pem\"",
					   "\"late.pem\"",
					   NULL,
					   NULL};
	CU_ASSERT_TRUE(change_text(text, &late));
	CU_ASSERT_EQUAL_FATAL(parse(&c, text, &e), 0);
	CU_ASSERT_EQUAL(closeout_check_keys(c, &e), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "expired on"));
	closeout_free(c);
}

static void files_that_went_since_the_reading_are_refused(void)
{
	static const char *const gone[] = {"bob.pem", "processor.key",
					   "processor.pem"};
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	CU_ASSERT_EQUAL_FATAL(parse(&c, good, &e), 0);
	CU_ASSERT_EQUAL(closeout_check_keys(c, &e), 0);
	for (size_t i = 0; i < 3; i++) {
		const char *path = keys_path("%s", gone[i]);
		const char *aside = keys_path("aside");
		CU_ASSERT_EQUAL(rename(path, aside), 0);
		err_clear(&e);
		CU_ASSERT_EQUAL(closeout_check_keys(c, &e), -1);
		CU_ASSERT_EQUAL(e.code, ERR_USAGE);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, gone[i]));
		CU_ASSERT_EQUAL(strncmp(e.msg, "acme.cfg:", 9), 0);
		CU_ASSERT_EQUAL(rename(aside, path), 0);
	}
	err_clear(&e);
	CU_ASSERT_EQUAL(closeout_check_keys(c, &e), 0);
	closeout_free(c);
}

static void encrypt(const char *name, bool old)
{
	/* of somebody else: to open it would show */
	EVP_PKEY *key = keys_read_key("bob");
	FILE *f = fopen(keys_path("%s", name), "wb");
	unsigned char word[] = "word";

	if (key == NULL || f == NULL)
		exit(2);
	if (old) {
		BIO *b = BIO_new_fp(f, BIO_NOCLOSE);
		if (PEM_write_bio_PrivateKey_traditional(
			    b, key, EVP_aes_128_cbc(), word, 4, NULL, NULL) !=
		    1)
			exit(2);
		BIO_free(b);
	} else if (PEM_write_PKCS8PrivateKey(f, key, EVP_aes_128_cbc(), "word",
					     4, NULL, NULL) != 1) {
		exit(2);
	}
	fclose(f);
	EVP_PKEY_free(key);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(what_cannot_sign_is_refused_with_its_line),
		UNIT(an_encrypted_key_is_not_opened),
		UNIT(files_that_went_since_the_reading_are_refused),
		{NULL, NULL}};
	static char huge[70000];

	set_up();
	keys_cert("late", "p256", NULL, -2 * KEYS_DAY, -KEYS_DAY);
	keys_cert("early", "p256", NULL, KEYS_DAY, 2 * KEYS_DAY);
	keys_cert("short", "rsa1024", NULL, -KEYS_DAY, KEYS_DAY);
	keys_cert("edwards", "ed25519", NULL, -KEYS_DAY, KEYS_DAY);
	keys_cert("curve", "p521", NULL, -KEYS_DAY, KEYS_DAY);
	memset(huge, '\n', sizeof(huge));
	keys_put(keys_path("huge.key"), huge, sizeof(huge));
	encrypt("new.key", false);
	encrypt("old.key", true);
	int rc = unit_run("closeout_keys", tests);
	keys_stop();
	return rc;
}
