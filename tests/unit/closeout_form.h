/*
 * closeout_form.h: a good closeout file, the files it needs, and small changes
 * to it.
 */
#ifndef QUIETUS_TEST_CLOSEOUT_FORM_H
#define QUIETUS_TEST_CLOSEOUT_FORM_H

#include "tests/unit/keys.h"

#include "tools/quietus/closeout.h"
#include "tools/quietus/closeout_private.h"

/* ---- the good file --------------------------------------------------------
 */

#define TEXT_MAX 20000

static const char good_form[] =
	"# one client leaves\n"
	"closeout = {\n"
	"  id = \"acme-2026-11\";\n"
	"  client = \"7\";\n"
	"  contract = { reference = \"SUB-2021-0042\"; ended = "
	"\"2026-11-30\";\n"
	"    clause = \"Appendix 1, section 9\"; };\n"
	"  controller = { name = \"Acme SAS\"; address = \"1 rue Exemple\";\n"
	"    contact = \"privacy@acme.example\"; certificate = \"acme.pem\"; "
	"};\n"
	"  processor = { name = \"Example Self-Care SAS\"; address = \"2\";\n"
	"    contact = \"dpo@example.example\"; dpo = \"Zo\xc3\xa9 Martin\"; "
	"};\n"
	"  instruction = { choice = \"return-to-designee\";\n"
	"    by = \"data protection officer\"; received = \"2026-11-20\";\n"
	"    document = \"instruction.pdf\"; signature = \"instruction.p7s\"; "
	"};\n"
	"  not_before = \"2026-12-30T00:00:00Z\";\n"
	"  approvals = { required = 2;\n"
	"    approvers = [ \"alice.pem\", \"bob.pem\" ]; };\n"
	"};\n"
	"recipient = { name = \"NewCo BV\"; certificate = \"newco.pem\";\n"
	"  fingerprint = \"@PRINT@\";\n"
	"  confirmed = \"by telephone with the DPO, 2026-11-21\";\n"
	"  country = \"NL\"; receipt = true; part_size = 1048576;\n"
	"  cipher = \"aes-256-cbc\"; table_format = \"csv\";\n"
	"  receipt_deadline = \"2027-01-31\";\n"
	"  destination = { provider = \"directory\"; path = \"handover\"; }; "
	"};\n"
	"/* three stores */\n"
	"sources = (\n"
	"  { name = \"app\"; provider = \"sqlite\"; path = \"app.db\";\n"
	"    root = { table = \"client\"; column = \"id\"; };\n"
	"    category = \"accounts\"; choice = \"destroy\";\n"
	"    tables = ( { table = \"web_log\";\n"
	"                 where = \"client_ref = :client\"; } );\n"
	"    excluded = ( { table = \"ab_test\";\n"
	"                   reason = \"no personal data\"; } ); },\n"
	"  { name = \"media\"; provider = \"s3\"; bucket = \"media\";\n"
	"    prefix = \"clients/{client}/\";\n"
	"    endpoint = \"https://s3.gra.io.cloud.ovh.net\"; region = "
	"\"gra\";\n"
	"    profile = \"closeout\"; replicas = \"follow\";\n"
	"    may_be_empty = true; },\n"
	"  { name = \"files\"; provider = \"directory\";\n"
	"    path = \"data/{client}\"; category = \"uploads\"; }\n"
	");\n"
	"retention = (\n"
	"  { name = \"invoices\"; source = \"app\"; table = \"invoice\";\n"
	"    where = \"client_id = :client\"; parents = \"retain\";\n"
	"    ground = \"Code de commerce, art. L123-22\";\n"
	"    until = \"2036-12-31\"; },\n"
	"  { name = \"contracts\"; source = \"files\"; path = \"contracts\";\n"
	"    ground = \"Code civil, art. 2224\";\n"
	"    until = \"2031-12-31T12:00:00Z\"; },\n"
	"  { name = \"ledgers\"; source = \"app\"; table = \"ledger\";\n"
	"    whole = true; ground = \"Code de commerce, art. L123-22\";\n"
	"    until = \"2037-12-31\"; }\n"
	");\n"
	"signing = { certificate = \"processor.pem\";\n"
	"  key = \"processor.key\"; };\n"
	"trail = { directory = \"trail\"; key = \"trail.key\"; };\n"
	"cases = \"cases\";\n";

static char good[TEXT_MAX];
static char newco_print[65];

/* The fingerprint by OpenSSL alone. */
static void print_of(char out[65], const char *name)
{
	unsigned char digest[32];
	unsigned len = sizeof(digest);
	X509 *x = keys_read_cert(name);

	X509_digest(x, EVP_sha256(), digest, &len);
	X509_free(x);
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Copies text with the first `find` replaced; false when it is not there. */
static bool replace(char out[TEXT_MAX], const char *text, const char *find,
		    const char *with)
{
	const char *at = strstr(text, find);

	if (at == NULL)
		return false;
	snprintf(out, TEXT_MAX, "%.*s%s%s", (int)(at - text), text, with,
		 at + strlen(find));
	return true;
}

static void set_up(void)
{
	static const char *const names[] = {"alice", "bob", "acme", "newco",
					    "processor"};

	keys_start();
	for (size_t i = 0; i < 5; i++)
		keys_cert(names[i], "p256", NULL, -KEYS_DAY, 30 * KEYS_DAY);
	print_of(newco_print, "newco");
	keys_put(keys_path("instruction.pdf"), "please", 6);
	keys_put(keys_path("instruction.p7s"), "signed", 6);
	keys_put(keys_path("junk.pem"), "junk", 4);
	if (mkdir(keys_path("data"), 0700) != 0 ||
	    mkdir(keys_path("data/7"), 0700) != 0 ||
	    mkdir(keys_path("folder.pem"), 0700) != 0 ||
	    symlink("data/7", keys_path("seven")) != 0)
		exit(2);
	struct buf alice;
	buf_init(&alice, 10000);
	keys_get(&alice, keys_path("alice.pem"));
	keys_put(keys_path("alicia.pem"), alice.data, alice.len);
	keys_put(keys_path("data/7/alice.pem"), alice.data, alice.len);
	buf_release(&alice);
	replace(good, good_form, "@PRINT@", newco_print);
}

static int parse(struct closeout **c, const char *text, struct err *e)
{
	err_clear(e);
	return closeout_parse(c, text, strlen(text), "acme.cfg", keys_dir, e);
}

struct change {
	const char *claim;
	const char *find, *with;
	const char *find2, *with2; /* a second change, or NULL */
	/* bad files: text whose line is named, and words of the message */
	const char *at, *says;
};

static bool __attribute__((unused))
change_text(char out[TEXT_MAX], const struct change *ch)
{
	static char half[TEXT_MAX];

	if (ch->find2 == NULL)
		return replace(out, good, ch->find, ch->with);
	return replace(half, good, ch->find, ch->with) &&
	       replace(out, half, ch->find2, ch->with2);
}

static int __attribute__((unused)) line_of(const char *text, const char *what)
{
	const char *at = strstr(text, what);
	int line = 1;

	if (at == NULL)
		return -1;
	for (const char *p = text; p < at; p++)
		line += *p == '\n';
	return line;
}

#endif
