/*
 * The closeout file: a good one, and what is wrong with every other.
 */
#include "tests/unit/unit.h"
#include "tests/unit/keys.h"

#include <ctype.h>

#include "certs/base/clock.h"
#include "certs/sign.h"
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
static char newco_print[65], alice_print[65];

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
	print_of(alice_print, "alice");
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

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);
	return n >= m && strcmp(s + n - m, tail) == 0;
}

static bool in_folder(const char *path, const char *name)
{
	return path != NULL && strcmp(path, keys_path("%s", name)) == 0;
}

/* ---- what a good file becomes ---------------------------------------------
 */

static void a_good_file_reads_as_written(void)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	int64_t t = 0;

	CU_ASSERT_EQUAL_FATAL(parse(&c, good, &e), 0);
	CU_ASSERT_STRING_EQUAL(c->file, "acme.cfg");
	CU_ASSERT_STRING_EQUAL(c->base, keys_dir);
	CU_ASSERT_STRING_EQUAL(c->id, "acme-2026-11");
	CU_ASSERT_STRING_EQUAL(c->client, "7");
	CU_ASSERT_STRING_EQUAL(c->contract_reference, "SUB-2021-0042");
	CU_ASSERT_STRING_EQUAL(c->contract_clause, "Appendix 1, section 9");
	clock_parse(&t, "2026-11-30");
	CU_ASSERT_EQUAL(c->contract_ended, t);
	CU_ASSERT_STRING_EQUAL(c->controller.name, "Acme SAS");
	CU_ASSERT_STRING_EQUAL(c->controller.address, "1 rue Exemple");
	CU_ASSERT_STRING_EQUAL(c->controller.contact, "privacy@acme.example");
	CU_ASSERT(in_folder(c->controller.certificate, "acme.pem"));
	CU_ASSERT_PTR_NULL(c->controller.dpo);
	CU_ASSERT_STRING_EQUAL(c->processor.name, "Example Self-Care SAS");
	CU_ASSERT_STRING_EQUAL(c->processor.dpo, "Zo\xc3\xa9 Martin");
	CU_ASSERT_STRING_EQUAL(c->choice, "return-to-designee");
	CU_ASSERT_STRING_EQUAL(c->instructed_by, "data protection officer");
	clock_parse(&t, "2026-11-20");
	CU_ASSERT_EQUAL(c->instruction_received, t);
	CU_ASSERT(in_folder(c->instruction_document, "instruction.pdf"));
	CU_ASSERT(in_folder(c->instruction_signature, "instruction.p7s"));
	clock_parse(&t, "2026-12-30T00:00:00Z");
	CU_ASSERT_EQUAL(c->not_before, t);
	CU_ASSERT_EQUAL(c->approvals_required, 2);
	CU_ASSERT_EQUAL_FATAL(c->n_approvers, 2);
	CU_ASSERT(in_folder(c->approvers[0], "alice.pem"));
	CU_ASSERT(in_folder(c->approvers[1], "bob.pem"));
	CU_ASSERT(in_folder(c->signing_certificate, "processor.pem"));
	CU_ASSERT(in_folder(c->signing_key, "processor.key"));
	CU_ASSERT(in_folder(c->trail_directory, "trail"));
	CU_ASSERT(in_folder(c->trail_key, "trail.key"));
	CU_ASSERT(in_folder(c->cases, "cases"));
	CU_ASSERT_EQUAL(c->n_notes, 0);
	closeout_free(c);
}

static void a_good_recipient_reads_as_written(void)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	int64_t t = 0;

	CU_ASSERT_EQUAL_FATAL(parse(&c, good, &e), 0);
	const struct closeout_recipient *r = &c->recipient;
	CU_ASSERT_TRUE(c->has_recipient);
	CU_ASSERT(in_folder(c->recipient_certificate, "newco.pem"));
	CU_ASSERT(in_folder(r->certificate, "newco.pem"));
	CU_ASSERT_STRING_EQUAL(r->name, "NewCo BV");
	CU_ASSERT_STRING_EQUAL(r->fingerprint, newco_print);
	CU_ASSERT_STRING_EQUAL(r->confirmed,
			       "by telephone with the DPO, 2026-11-21");
	CU_ASSERT_STRING_EQUAL(r->country, "NL");
	CU_ASSERT_PTR_NULL(r->safeguard);
	CU_ASSERT_TRUE(r->receipt);
	CU_ASSERT_FALSE(r->also_to_controller);
	CU_ASSERT_EQUAL(r->part_size, 1048576);
	CU_ASSERT_STRING_EQUAL(r->cipher, "aes-256-cbc");
	CU_ASSERT_STRING_EQUAL(r->table_format, "csv");
	clock_parse(&t, "2027-01-31");
	CU_ASSERT_EQUAL(r->receipt_deadline, t);
	CU_ASSERT_PTR_EQUAL(r->destination_provider,
			    provider_find("directory"));
	CU_ASSERT_STRING_EQUAL(setting_str(r->destination, "path", ""),
			       "handover");
	closeout_free(c);
}

static void sources_and_retention_read_as_written(void)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	struct scope scope;
	volatile sig_atomic_t stop = 0;
	int64_t t = 0;

	CU_ASSERT_EQUAL_FATAL(parse(&c, good, &e), 0);
	CU_ASSERT_EQUAL_FATAL(c->n_sources, 3);
	const struct closeout_source *app = &c->sources[0];
	CU_ASSERT_STRING_EQUAL(app->name, "app");
	CU_ASSERT_STRING_EQUAL(app->provider->name, "sqlite");
	CU_ASSERT_STRING_EQUAL(app->category, "accounts");
	CU_ASSERT_STRING_EQUAL(app->choice_text, "destroy");
	CU_ASSERT_EQUAL(app->choice, DISPOSITION_DESTROY);
	CU_ASSERT_FALSE(app->may_be_empty);
	CU_ASSERT_EQUAL_FATAL(app->n_excluded, 1);
	CU_ASSERT_STRING_EQUAL(app->excluded[0].kind, "table");
	CU_ASSERT_STRING_EQUAL(app->excluded[0].reason, "no personal data");
	const struct setting *tables = setting_get(app->settings, "tables");
	CU_ASSERT_EQUAL_FATAL(tables->n_members, 1);
	CU_ASSERT_STRING_EQUAL(setting_str(&tables->members[0], "where", ""),
			       "client_ref = :client");
	CU_ASSERT_STRING_EQUAL(
		setting_str(setting_get(app->settings, "root"), "table", ""),
		"client");
	const struct closeout_source *media = &c->sources[1];
	CU_ASSERT_STRING_EQUAL(media->choice_text, "return-to-designee");
	CU_ASSERT_EQUAL(media->choice, DISPOSITION_RETURN);
	CU_ASSERT_TRUE(media->may_be_empty);
	CU_ASSERT_PTR_NULL(media->category);
	CU_ASSERT_EQUAL(media->n_excluded, 0);

	CU_ASSERT_EQUAL_FATAL(c->n_retention, 3);
	CU_ASSERT_STRING_EQUAL(c->retention[1].name, "contracts");
	CU_ASSERT_STRING_EQUAL(c->retention[1].source, "files");
	CU_ASSERT_STRING_EQUAL(c->retention[1].ground, "Code civil, art. 2224");
	clock_parse(&t, "2031-12-31T12:00:00Z");
	CU_ASSERT_EQUAL(c->retention[1].until, t);
	CU_ASSERT_EQUAL(media->n_retention, 0);
	CU_ASSERT_EQUAL_FATAL(app->n_retention, 2);
	CU_ASSERT_EQUAL(app->retention_index[0], 0);
	CU_ASSERT_EQUAL(app->retention_index[1], 2);
	CU_ASSERT_STRING_EQUAL(app->retention[1].name, "ledgers");
	CU_ASSERT_STRING_EQUAL(setting_str(app->retention[0].at, "parents", ""),
			       "retain");

	closeout_scope(&scope, c, 2, &stop);
	CU_ASSERT_STRING_EQUAL(scope.source, "files");
	CU_ASSERT_STRING_EQUAL(scope.client, "7");
	CU_ASSERT_STRING_EQUAL(scope.base, keys_dir);
	CU_ASSERT_PTR_EQUAL(scope.settings, c->sources[2].settings);
	CU_ASSERT_EQUAL_FATAL(scope.n_retention, 1);
	CU_ASSERT_STRING_EQUAL(scope.retention[0].name, "contracts");
	CU_ASSERT_FALSE(scope.may_be_empty);
	CU_ASSERT_PTR_EQUAL(scope.stop, &stop);
	closeout_scope(&scope, c, 1, NULL);
	CU_ASSERT_TRUE(scope.may_be_empty);
	closeout_free(c);
}

static void settings_know_their_file_and_line(void)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	CU_ASSERT_EQUAL_FATAL(parse(&c, good, &e), 0);
	const struct setting *at =
		setting_get(c->sources[1].settings, "endpoint");
	CU_ASSERT_EQUAL(setting_refuse(at, &e, "no"), -1);
	const char *end = strstr(good, "endpoint");
	int line = 1;
	for (const char *p = good; p < end; p++)
		line += *p == '\n';
	char expected[40];
	snprintf(expected, sizeof(expected), "acme.cfg:%d: no", line);
	CU_ASSERT_STRING_EQUAL(e.msg, expected);
	closeout_free(c);
}

/* ---- small changes that are still good ------------------------------------
 */

struct change {
	const char *claim;
	const char *find, *with;
	const char *find2, *with2; /* a second change, or NULL */
	/* bad files: text whose line is named, and words of the message */
	const char *at, *says;
};

static bool change_text(char out[TEXT_MAX], const struct change *ch)
{
	static char half[TEXT_MAX];

	if (ch->find2 == NULL)
		return replace(out, good, ch->find, ch->with);
	return replace(half, good, ch->find, ch->with) &&
	       replace(out, half, ch->find2, ch->with2);
}

static const struct change good_changes[] = {
	{"fingerprint with colons and capitals", "@COLONS@", "", NULL, NULL,
	 NULL, NULL},
	{"the smallest parties",
	 " address = \"2\";\n    contact = \"dpo@example.example\"; dpo = "
	 "\"Zo\xc3\xa9 Martin\";",
	 "", NULL, NULL, NULL, NULL},
	{"no instruction document",
	 "document = \"instruction.pdf\"; signature = \"instruction.p7s\";", "",
	 NULL, NULL, NULL, NULL},
	{"a number with the L suffix", "1048576", "1048576L", NULL, NULL, NULL,
	 NULL},
	{"a hexadecimal number", "1048576", "0x100000", NULL, NULL, NULL, NULL},
	{"no cases", "cases = \"cases\";\n", "", NULL, NULL, NULL, NULL},
	{"no retention", "retention = (", "retention = ();\n/*",
	 "\n);\nsigning", "*/\nsigning", NULL, NULL},
	{"a where that speaks of a password column", "client_ref = :client\"",
	 "client_ref = :client AND password = 'x://a@b'\"", NULL, NULL, NULL,
	 NULL},
	{"a where in two strings", "\"client_ref = :client\"",
	 "\"client_ref = \"\n \":client\"", NULL, NULL, NULL, NULL},
	{"the whole bucket", "prefix = \"clients/{client}/\"", "whole = true",
	 NULL, NULL, NULL, NULL},
	{"an open prefix that says so", "clients/{client}/\";",
	 "clients/{client}\"; prefix_open = true;", NULL, NULL, NULL, NULL},
	{"a country outside the EEA with a safeguard", "country = \"NL\"",
	 "country = \"JP\"; safeguard = \"adequacy (EU) 2019/419\"", NULL, NULL,
	 NULL, NULL},
	{"return to the controller without a recipient", "recipient = {",
	 "/* {", " }; };\n/* three", "}*/\n/* three", NULL, NULL},
	{"a comment at the very end", "cases = \"cases\";\n",
	 "cases = \"cases\"; # end", NULL, NULL, NULL, NULL},
	{"comment signs inside strings", "Acme SAS", "Acme // # /* SAS", NULL,
	 NULL, NULL, NULL},
	{"strings inside comments", "# one client", "# \"one \\q client", NULL,
	 NULL, NULL, NULL},
	{"colons instead of equals signs", "closeout = {", "closeout : {", NULL,
	 NULL, NULL, NULL},
	{"DOS line ends", "# one client leaves\n", "# one client leaves\r\n",
	 NULL, NULL, NULL, NULL},
	{"a client of several scripts", "client = \"7\"",
	 "client = \"\xe5\xae\xa2\xe6\x88\xb7 7\"", NULL, NULL, NULL, NULL},
	{"a path of any bytes", "path = \"contracts\"", "path = \"caf\\xe9\"",
	 NULL, NULL, NULL, NULL},
	{"a trail and cases that do not exist yet", "directory = \"trail\"",
	 "directory = \"not/yet/there\"", NULL, NULL, NULL, NULL},
	{"a source beside our files", "data/{client}", "data/{client}x", NULL,
	 NULL, NULL, NULL},
};

static void small_changes_that_are_good_are_accepted(void)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(good_changes) / sizeof(*good_changes);
	     i++) {
		struct change ch = good_changes[i];
		struct closeout *c = NULL;
		char colons[100];
		if (strcmp(ch.find, "@COLONS@") == 0) {
			size_t n = 0;
			for (size_t k = 0; k < 64; k += 2)
				n += (size_t)snprintf(
					colons + n, sizeof(colons) - n,
					"%s%c%c", k == 0 ? "" : ":",
					toupper(newco_print[k]),
					newco_print[k + 1]);
			ch.find = newco_print;
			ch.with = colons;
		}
		if (strstr(ch.claim, "without a recipient") != NULL) {
			char half[TEXT_MAX];
			CU_ASSERT_TRUE(change_text(text, &ch));
			memcpy(half, text, sizeof(half));
			CU_ASSERT_TRUE(replace(text, half,
					       "\"return-to-designee\"",
					       "\"return\""));
		} else if (!change_text(text, &ch)) {
			printf("# cannot change: %s\n", ch.claim);
			CU_FAIL("a change that finds nothing");
			continue;
		}
		int rc = parse(&c, text, &e);
		if (rc != 0)
			printf("# %s: %s\n", ch.claim, e.msg);
		CU_ASSERT_EQUAL(rc, 0);
		closeout_free(c);
	}
}

/* ---- bad files ------------------------------------------------------------
 */

static const struct change bad_changes[] = {
	/* keys */
	{"an unknown key and the nearest one", "client = \"7\"",
	 "clinet = \"7\"", NULL, NULL, "clinet",
	 "unknown key \"clinet\" in closeout; did you mean \"client\"?"},
	{"an unknown key at the top", "cases = ", "caes = ", NULL, NULL, "caes",
	 "did you mean \"cases\"?"},
	{"an unknown key near none", "cases = \"cases\"",
	 "notification = \"x\"", NULL, NULL, "notification",
	 "known are: closeout, recipient, sources"},
	{"an unknown key of a provider", "bucket = ", "buckets = ", NULL, NULL,
	 "buckets", "in an entry of sources; did you mean \"bucket\"?"},
	{"another provider's key", "path = \"app.db\"",
	 "path = \"app.db\"; bucket = \"x\"", NULL, NULL, "bucket = \"x\"",
	 "unknown key \"bucket\""},
	{"an unknown key in a group of a provider", "column = \"id\"",
	 "column = \"id\"; colour = \"red\"", NULL, NULL, "colour",
	 "unknown key \"colour\" in root"},
	{"an unknown key in a list of a provider", "table = \"ab_test\"",
	 "table = \"ab_test\"; because = \"x\"", NULL, NULL, "because",
	 "unknown key \"because\" in an entry of excluded"},
	{"an unknown key in a destination", "path = \"handover\"",
	 "path = \"handover\"; colour = \"red\"", NULL, NULL, "colour",
	 "in destination"},
	{"a common source key in a destination", "path = \"handover\"",
	 "path = \"handover\"; may_be_empty = true", NULL, NULL, "may_be_empty",
	 "unknown key \"may_be_empty\" in destination"},
	{"a key twice", "client = \"7\";", "client = \"7\";\n client = \"8\";",
	 NULL, NULL, "client = \"8\"", "duplicate setting name"},
	{"a group twice", "signing = {", "trail = {}; signing = {", NULL, NULL,
	 "trail = { dir", "duplicate setting name"},
	{"no id", "id = \"acme-2026-11\";", "", NULL, NULL, "closeout = {",
	 "missing key \"id\" in closeout: write id = "},
	{"no client", "client = \"7\";", "", NULL, NULL, "closeout = {",
	 "missing key \"client\""},
	{"no reference", "reference = \"SUB-2021-0042\";", "", NULL, NULL,
	 "contract = {", "missing key \"reference\" in contract"},
	{"no instruction",
	 "instruction = { choice = \"return-to-designee\";\n"
	 "    by = \"data protection officer\"; received = \"2026-11-20\";\n"
	 "    document = \"instruction.pdf\"; signature = "
	 "\"instruction.p7s\"; };",
	 "", NULL, NULL, "closeout = {",
	 "missing key \"instruction\" in closeout: write instruction = {"},
	{"no choice", "choice = \"return-to-designee\";", "", NULL, NULL,
	 "instruction = {", "missing key \"choice\" in instruction"},
	{"no not_before", "not_before = \"2026-12-30T00:00:00Z\";", "", NULL,
	 NULL, "closeout = {", "missing key \"not_before\""},
	{"no approvals",
	 "approvals = { required = 2;\n    approvers = [ "
	 "\"alice.pem\", \"bob.pem\" ]; };",
	 "", NULL, NULL, "closeout = {", "missing key \"approvals\""},
	{"no number of approvals", "required = 2;", "", NULL, NULL,
	 "approvals = {", "missing key \"required\" in approvals"},
	{"no trail", "trail = { directory = \"trail\"; key = \"trail.key\"; };",
	 "", NULL, NULL, "# one client",
	 "missing key \"trail\" in the file: write trail = { directory"},
	{"no signing key", "key = \"processor.key\";", "", NULL, NULL,
	 "signing = {", "missing key \"key\" in signing"},
	{"no fingerprint", "fingerprint = ", "# ", NULL, NULL, "recipient = {",
	 "missing key \"fingerprint\" in recipient"},
	{"no confirmation", "confirmed = ", "# ", NULL, NULL, "recipient = {",
	 "missing key \"confirmed\""},
	{"no provider", "provider = \"sqlite\";", "", NULL, NULL,
	 "{ name = \"app\"", "missing key \"provider\" in an entry of"},
	{"no provider for the destination", "provider = \"directory\"; path",
	 "path", NULL, NULL, "destination = {", "missing key \"provider\""},
	{"a provider's key missing", "bucket = \"media\";", "", NULL, NULL,
	 "{ name = \"media\"", "missing key \"bucket\""},
	{"no ground", "ground = \"Code civil, art. 2224\";", "", NULL, NULL,
	 "{ name = \"contracts\"", "missing key \"ground\""},
	{"no until", "until = \"2031-12-31T12:00:00Z\";", "", NULL, NULL,
	 "{ name = \"contracts\"", "missing key \"until\""},
	/* types */
	{"a number for a client", "client = \"7\"", "client = 7", NULL, NULL,
	 "client = 7", "must be a string: write client = \"7\";"},
	{"a fraction for a client", "client = \"7\"", "client = 7.5", NULL,
	 NULL, "client = 7", "write client = \"7.5\";"},
	{"a truth for a client", "client = \"7\"", "client = true", NULL, NULL,
	 "client = true", "write client = \"true\";"},
	{"a group for a client", "client = \"7\"", "client = { }", NULL, NULL,
	 "client = {", "client is a group { ... }; it must be a string"},
	{"a string for a number", "required = 2", "required = \"2\"", NULL,
	 NULL, "required", "it must be a whole number: write required = 2;"},
	{"a fraction for a number", "required = 2", "required = 2.0", NULL,
	 NULL, "required", "a number with a fraction; it must be a whole"},
	{"a string for a truth", "receipt = true", "receipt = \"true\"", NULL,
	 NULL, "receipt = ", "write receipt = true;"},
	{"a number for a truth", "may_be_empty = true", "may_be_empty = 1",
	 NULL, NULL, "may_be_empty", "it must be true or false"},
	{"a string for a group",
	 "root = { table = \"client\"; column = "
	 "\"id\"; }",
	 "root = \"client\"", NULL, NULL, "root = \"client\"",
	 "root is a string; it must be a group { ... }"},
	{"a string for strings", "[ \"alice.pem\", \"bob.pem\" ]",
	 "\"alice.pem\"", NULL, NULL, "approvers",
	 "write approvers = [ \"alice.pem\" ];"},
	{"numbers for strings", "[ \"alice.pem\", \"bob.pem\" ]", "[ 1,\n 2 ]",
	 NULL, NULL, "approvers = [",
	 "an entry of approvers is a number; it must be a string"},
	{"a group for groups", "excluded = ( {", "excluded = {",
	 "personal data\"; } ); }", "personal data\"; }; }", "excluded",
	 "write excluded = ( { ... } );"},
	{"a string among groups", "retention = (", "retention = ( \"x\",", NULL,
	 NULL, "retention = (",
	 "an entry of retention is a string; it must be a group"},
	{"a number that wraps", "required = 2", "required = 4294967298", NULL,
	 NULL, "required", "larger than 2147483647"},
	{"a long number that wraps", "required = 2",
	 "required = 99999999999999999999999L", NULL, NULL, "required",
	 "larger than 2147483647"},
	{"a hexadecimal number that wraps", "required = 2",
	 "required = 0xFFFFFFFF", NULL, NULL, "required",
	 "larger than 2147483647"},
	/* the bytes */
	{"an include", "cases = ", "@include \"more.cfg\"\ncases = ", NULL,
	 NULL, "@include", "@include is refused"},
	{"an include behind blanks",
	 "cases = ", " \t @include \"more.cfg\"\ncases = ", NULL, NULL,
	 "@include", "@include is refused"},
	{"an include inside a group", "client = \"7\";",
	 "client = \"7\";\n  @include \"more.cfg\"\n", NULL, NULL, "@include",
	 "@include is refused"},
	{"a comment that never ends", "/* three stores */", "/* three stores",
	 NULL, NULL, "/* three", "is never closed"},
	{"a comment that never ends behind a number", "part_size = 1048576;",
	 "part_size = 1048576/* bytes", "/* three stores */", "", "part_size",
	 "is never closed"},
	{"a string that never ends", "cases = \"cases\";", "cases = \"cases;",
	 NULL, NULL, "cases = \"cases;", "string that begins here is never"},
	{"a zero byte in a string", "client = \"7\"", "client = \"7\\x00\"",
	 NULL, NULL, "client = \"7", "\\x00 is a zero byte"},
	{"half a byte in a string", "client = \"7\"", "client = \"7\\x7\"",
	 NULL, NULL, "client = \"7", "\\x needs two hexadecimal digits"},
	{"an unknown escape", "client = \"7\"", "client = \"\\7\"", NULL, NULL,
	 "client = ", "an unknown escape"},
	{"an escape that releases read differently", "client = \"7\"",
	 "client = \"\\a7\"", NULL, NULL, "client = ", "an unknown escape"},
	{"Latin 1", "Acme SAS", "Acm\xe9 SAS", NULL, NULL, "controller = {",
	 "not UTF-8"},
	{"an overlong slash", "Acme SAS", "Acme\xc0\xafSAS", NULL, NULL,
	 "controller = {", "not UTF-8"},
	{"half a surrogate pair", "Acme SAS", "Acme\xed\xa0\x80", NULL, NULL,
	 "controller = {", "not UTF-8"},
	{"a byte order mark", "# one client", "\xef\xbb\xbf# one client", NULL,
	 NULL, "# one", "byte order mark"},
	{"a missing bracket", "retention = (", "retention = ", NULL, NULL,
	 "{ name = \"contracts\"", "syntax error"},
	{"a missing quotation mark", "client = \"7\";", "client = \"7;", NULL,
	 NULL, "contract = {", "syntax error"},
	{"a comma after the last entry", "category = \"uploads\"; }",
	 "category = \"uploads\"; },", NULL, NULL, ");\nretention",
	 "a comma after the last entry"},
	/* names and texts */
	{"an id with a slash", "acme-2026-11", "acme/2026", NULL, NULL,
	 "id = ", "id is \"acme/2026\"; it names the case's folder"},
	{"an id that climbs", "acme-2026-11", "..", NULL, NULL,
	 "id = ", "a-z, 0-9 and - only"},
	{"an id with capitals", "acme-2026-11", "Acme", NULL, NULL,
	 "id = ", "a-z, 0-9 and - only"},
	{"an id like an option", "acme-2026-11", "-rf", NULL, NULL,
	 "id = ", "taken for an option"},
	{"an empty id", "acme-2026-11", "", NULL, NULL, "id = ", "is empty"},
	{"an id too long", "acme-2026-11",
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	 NULL, NULL, "id = ", "at most 64"},
	{"an empty client", "client = \"7\"", "client = \"\"", NULL, NULL,
	 "client = ", "client is empty"},
	{"a client with a control character", "client = \"7\"",
	 "client = \"7\\n\"", NULL, NULL, "client = ", "control character"},
	{"a client with a C1 control", "client = \"7\"",
	 "client = \"7\\xc2\\x9b\"", NULL, NULL,
	 "client = ", "control character"},
	{"a name that turns the direction of writing", "Acme SAS",
	 "Acme \xe2\x80\xae SAS", NULL, NULL, "controller = {",
	 "control character"},
	{"a name made of escaped bytes", "Acme SAS", "Acm\\xe9", NULL, NULL,
	 "controller = {", "not UTF-8"},
	{"a client that climbs", "client = \"7\"", "client = \"..\"", NULL,
	 NULL, "clients/{client}/", "would leave its folder"},
	{"a client with a slash in a prefix", "client = \"7\"",
	 "client = \"7/8\"", NULL, NULL, "clients/{client}/", "slash"},
	{"braces that are not {client}", "data/{client}", "data/{id}", NULL,
	 NULL, "data/{id}", "only {client} may stand in braces"},
	{"an unclosed brace", "data/{client}", "data/{client", NULL, NULL,
	 "data/{client", "only {client} may stand in braces"},
	{"a source's name with a blank", "name = \"media\"",
	 "name = \"my media\"", NULL, NULL, "my media",
	 "the name of a source is \"my media\""},
	{"two sources of one name", "name = \"media\"", "name = \"app\"", NULL,
	 NULL, "{ name = \"app\"; provider = \"s3\"",
	 "there is a source called app already"},
	{"two retention entries of one name", "name = \"ledgers\"",
	 "name = \"invoices\"", NULL, NULL,
	 "{ name = \"invoices\"; source = \"app\"; table = \"ledger\"",
	 "a retention entry called invoices already"},
	/* dates */
	{"a day that does not exist", "2026-11-30", "2026-11-31", NULL, NULL,
	 "contract = {", "ended is \"2026-11-31\"; it must be a date"},
	{"a date of another country", "2026-11-20\";", "20/11/2026\";", NULL,
	 NULL, "received", "received is \"20/11/2026\""},
	{"a time without its zone", "2026-12-30T00:00:00Z",
	 "2026-12-30T00:00:00", NULL, NULL, "not_before",
	 "it must be a date that exists"},
	{"a year alone", "\"2036-12-31\"", "\"2036\"", NULL, NULL,
	 "until = \"2036\"", "until is \"2036\""},
	{"a deadline in words", "\"2027-01-31\"", "\"30 days\"", NULL, NULL,
	 "receipt_deadline", "receipt_deadline is \"30 days\""},
	/* choices */
	{"an unknown choice", "choice = \"return-to-designee\"",
	 "choice = \"erase\"", NULL, NULL, "choice = \"erase\"",
	 "choice cannot be \"erase\"; known are: destroy, return, "
	 "return-to-designee"},
	{"a misspelt choice of a source", "choice = \"destroy\"",
	 "choice = \"destory\"", NULL, NULL, "destory",
	 "did you mean \"destroy\"?"},
	{"an unknown word of a provider", "replicas = \"follow\"",
	 "replicas = \"all\"", NULL, NULL,
	 "replicas = ", "replicas cannot be \"all\""},
	{"an unknown cipher", "aes-256-cbc", "des", NULL, NULL, "cipher",
	 "known are: aes-256-gcm, aes-256-cbc"},
	{"parents of another mind", "parents = \"retain\"",
	 "parents = \"destroy\"", NULL, NULL, "parents",
	 "parents cannot be \"destroy\""},
	/* approvals */
	{"no approval wanted", "required = 2", "required = 0", NULL, NULL,
	 "required = 0", "nothing is destroyed without an approval"},
	{"less than no approval wanted", "required = 2", "required = -1", NULL,
	 NULL, "required = -1", "required is -1"},
	{"more approvals than approvers", "required = 2", "required = 3", NULL,
	 NULL, "required = 3", "there are only 2 approvers"},
	{"no approvers", "[ \"alice.pem\", \"bob.pem\" ]", "[ ]", NULL, NULL,
	 "approvers = [", "approvers is empty"},
	{"an approver named twice", "\"bob.pem\" ]", "\n\"alice.pem\" ]", NULL,
	 NULL, "\"alice.pem\" ]", "approvers names alice.pem twice"},
	{"an approver under two names", "\"bob.pem\" ]", "\n\"alicia.pem\" ]",
	 NULL, NULL, "\"alicia.pem\" ]",
	 "alice.pem and alicia.pem are the same certificate"},
	{"an approver by two ways", "\"bob.pem\" ]", "\n\"./alice.pem\" ]",
	 NULL, NULL, "\"./alice.pem\" ]", "the same certificate"},
	{"an approver who is not there", "\"bob.pem\" ]", "\n\"carol.pem\" ]",
	 NULL, NULL, "carol.pem", "No such file"},
	{"an approver without a certificate", "\"bob.pem\" ]",
	 "\n\"junk.pem\" ]", NULL, NULL, "junk.pem",
	 "is not a certificate that can be read"},
	{"an empty approver", "\"bob.pem\" ]", "\n\"\" ]", NULL, NULL, "\"\" ]",
	 "is empty"},
	/* files */
	{"no controller's certificate", "acme.pem", "gone.pem", NULL, NULL,
	 "gone.pem", "No such file"},
	{"a folder for a certificate", "acme.pem", "folder.pem", NULL, NULL,
	 "folder.pem", "not a regular file"},
	{"no instruction", "instruction.pdf", "gone.pdf", NULL, NULL,
	 "gone.pdf", "No such file"},
	{"no signature of the instruction", "instruction.p7s", "gone.p7s", NULL,
	 NULL, "gone.p7s", "No such file"},
	{"a signature of nothing", "document = \"instruction.pdf\";", "", NULL,
	 NULL, "signature = ", "signature without document"},
	{"an empty path", "\"instruction.pdf\"", "\"\"", NULL, NULL,
	 "document = ", "document is empty"},
	{"no signing certificate", "\"processor.pem\"", "\"gone.pem\"", NULL,
	 NULL, "gone.pem", "No such file"},
	{"a key for a signing certificate", "\"processor.pem\"",
	 "\"processor.key\"", NULL, NULL, "signing = {",
	 "is not a certificate that can be read"},
	{"no signing key", "\"processor.key\"", "\"gone.key\"", NULL, NULL,
	 "gone.key", "No such file"},
	{"no recipient's certificate", "\"newco.pem\"", "\"gone.pem\"", NULL,
	 NULL, "gone.pem", "No such file"},
	{"an empty folder of cases", "cases = \"cases\"", "cases = \"\"", NULL,
	 NULL, "cases = \"\"", "cases is empty"},
	/* recipient */
	{"another certificate than confirmed", "\"newco.pem\"", "\"bob.pem\"",
	 NULL, NULL, "fingerprint", "a package for the wrong key is a breach"},
	{"a short fingerprint", "fingerprint = \"", "fingerprint = \"3f9a\"; #",
	 NULL, NULL, "fingerprint", "fingerprint has 4 digits"},
	{"a fingerprint of SHA-1", "fingerprint = \"",
	 "fingerprint = \"3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a3f9a\"; #", NULL,
	 NULL, "fingerprint", "looks like SHA-1"},
	{"nobody to return to", "recipient = {", "/* {", " }; };\n/* three",
	 "}*/\n/* three", "choice = \"return-to-designee\"",
	 "return-to-designee for source media, but there is no recipient"},
	{"a country in full", "country = \"NL\"", "country = \"Netherlands\"",
	 NULL, NULL, "country", "the two capital letters of ISO 3166"},
	{"a transfer without a safeguard", "country = \"NL\"",
	 "country = \"US\"", NULL, NULL, "country",
	 "outside the European Economic Area"},
	{"a part too large for stock tools", "1048576", "134217728", NULL, NULL,
	 "part_size", "bytes from 65536 to 67108864"},
	{"a part of nothing", "1048576", "0", NULL, NULL, "part_size",
	 "part_size is 0"},
	{"a copy to a controller without certificate",
	 "certificate = \"acme.pem\";", "", "receipt = true;",
	 "receipt = true; also_to_controller = true;", "also_to_controller",
	 "needs the controller's certificate"},
	/* sources */
	{"an unknown provider", "provider = \"s3\"", "provider = \"gdrive\"",
	 NULL, NULL, "gdrive", "unknown provider \"gdrive\"; known are: dir"},
	{"an unknown destination", "{ provider = \"directory\"",
	 "{ provider = \"pigeon\"", NULL, NULL, "pigeon",
	 "unknown provider \"pigeon\""},
	{"no sources", "sources = (", "sources = (); /*", ");\nretention",
	 "*/\nretention", "sources = ()", "sources is empty"},
	{"a prefix without its slash", "clients/{client}/", "clients/{client}",
	 NULL, NULL, "clients/{client}", "does not end in /"},
	{"no prefix", "prefix = \"clients/{client}/\";", "", NULL, NULL,
	 "{ name = \"media\"", "source media has no prefix"},
	{"an empty prefix", "clients/{client}/", "", NULL, NULL,
	 "prefix = \"\"", "source media has no prefix"},
	{"a prefix and the whole bucket", "clients/{client}/\";",
	 "clients/{client}/\"; whole = true;", NULL, NULL, "clients/{client}",
	 "both a prefix and whole"},
	{"a database that selects nothing",
	 "root = { table = \"client\"; column = \"id\"; };", "",
	 "tables = ( { table = \"web_log\";\n                 where = "
	 "\"client_ref = :client\"; } );",
	 "", "{ name = \"app\"", "source app selects nothing"},
	{"a table without a where", "where = \"client_ref = :client\";", "",
	 NULL, NULL, "table = \"web_log\"", "without where would take every"},
	{"a where without the client", "client_ref = :client\"",
	 "client_ref = 7\"", NULL, NULL, "where = \"client_ref",
	 "where does not use :client"},
	{"a where with a longer name", "client_ref = :client\"",
	 "client_ref = :clients\"", NULL, NULL, "where = \"client_ref",
	 "where does not use :client"},
	{"an exclusion without a reason", "reason = \"no personal data\"",
	 "reason = \"  \"", NULL, NULL, "excluded = (",
	 "an exclusion without a reason"},
	{"an exclusion with an empty reason", "reason = \"no personal data\"",
	 "reason = \"\"", NULL, NULL, "reason = ", "is empty"},
	{"a reason with control characters", "reason = \"no personal data\"",
	 "reason = \"\\x1b[2J\"", NULL, NULL, "reason = ", "control character"},
	{"an exclusion of another kind", "{ table = \"ab_test\"",
	 "{ path = \"ab_test\"", NULL, NULL, "path = \"ab_test\"",
	 "unknown key \"path\""},
	{"our keys inside the folder to destroy", "\"bob.pem\" ]",
	 "\"data/7/alice.pem\" ]", "\"alice.pem\"", "\"bob.pem\"",
	 "path = \"data/{client}\"", "which this closeout needs, is inside it"},
	{"our cases inside the folder to destroy", "cases = \"cases\"",
	 "cases = \"data/7/cases\"", NULL, NULL, "path = \"data/{client}\"",
	 "is inside it"},
	{"our trail inside, behind a link", "directory = \"trail\"",
	 "directory = \"seven/log/trail\"", NULL, NULL,
	 "path = \"data/{client}\"", "is inside it"},
	{"everything to destroy", "data/{client}", "/", NULL, NULL,
	 "path = \"/\"", "is inside it"},
	/* retention */
	{"retention in no source", "source = \"files\"", "source = \"disk\"",
	 NULL, NULL, "source = \"disk\"", "there is no source called \"disk\""},
	{"retention of nothing", "path = \"contracts\";", "", NULL, NULL,
	 "{ name = \"contracts\"",
	 "a retention entry names nothing: write path = \"...\";"},
	{"retention of two kinds", "path = \"contracts\";",
	 "path = \"contracts\";\n prefix = \"x/\";", NULL, NULL, "path = \"con",
	 "a retention entry has both prefix and path"},
	{"retention of a table in a folder", "path = \"contracts\"",
	 "table = \"contracts\"", NULL, NULL, "table = \"contracts\"",
	 "table does not fit: a source of provider directory takes path"},
	{"retention of a path in a database", "table = \"ledger\"",
	 "path = \"ledger\"", NULL, NULL, "path = \"ledger\"",
	 "a source of provider sqlite takes table"},
	{"retention of an empty path", "path = \"contracts\"", "path = \"\"",
	 NULL, NULL, "path = \"\"", "path is empty"},
	{"a condition on a folder", "path = \"contracts\"",
	 "path = \"contracts\"; where = \"a = :client\"", NULL, NULL,
	 "where = \"a", "where goes with table only"},
	{"the whole of a folder", "path = \"contracts\"",
	 "path = \"contracts\"; whole = true", NULL, NULL,
	 "path = \"contracts\"", "whole goes with table only"},
	{"retention of every row without saying so", "whole = true; ", "", NULL,
	 NULL, "{ name = \"ledgers\"",
	 "a retention entry without where would take every row"},
	{"a condition on every row", "client_ref = :client\"",
	 "client_ref = :client\"; whole = true", NULL, NULL,
	 "where = \"client_ref", "has both where and whole = true"},
	{"braces in a retained path", "path = \"contracts\"", "path = \"{x}\"",
	 NULL, NULL, "path = \"{x}\"", "only {client} may stand in braces"},
	{"parents of a folder", "path = \"contracts\"",
	 "path = \"contracts\"; parents = \"retain\"", NULL, NULL,
	 "path = \"contracts\"", "parents goes with table only"},
	{"retention of everybody's rows", "client_id = :client\"",
	 "client_id > 0\"", NULL, NULL, "where = \"client_id",
	 "where does not use :client"},
	/* secrets */
	{"a password in the address of an endpoint", "https://s3.gra",
	 "https://user:hunter2@s3.gra", NULL, NULL, "endpoint",
	 "endpoint holds user information in a URL"},
	{"a user in the address of an endpoint", "https://s3.gra",
	 "https://user@s3.gra", NULL, NULL, "endpoint",
	 "user information in a URL"},
	{"a key called password", "region = \"gra\"",
	 "region = \"gra\"; password = \"hunter2\"", NULL, NULL, "region",
	 "password holds a secret, by its name"},
	{"a key called secret_key", "region = \"gra\"",
	 "region = \"gra\"; secret_key = \"hunter2\"", NULL, NULL, "region",
	 "secret_key holds a secret"},
	{"a key called Access_Key in a group", "column = \"id\"",
	 "column = \"id\"; Access_Key = \"hunter2\"", NULL, NULL, "Access_Key",
	 "Access_Key holds a secret"},
	{"a password in a conninfo", "path = \"app.db\"",
	 "path = \"app.db\"; conninfo = \"host=db password=hunter2\"", NULL,
	 NULL, "conninfo", "conninfo holds a password or key"},
	{"a password in prose", "Appendix 1, section 9",
	 "Appendix 1; PWD = hunter2", NULL, NULL, "PWD",
	 "clause holds a password or key"},
	{"a password in a list", "\"bob.pem\" ]", "\n\"x?password=hunter2\" ]",
	 NULL, NULL, "hunter2",
	 "an entry of approvers holds a password or key"},
	{"a private key", "Appendix 1, section 9",
	 "-----BEGIN PRIVATE KEY-----", NULL, NULL, "-----BEGIN",
	 "holds a private key"},
};

static int line_of(const char *text, const char *what)
{
	const char *at = strstr(text, what);
	int line = 1;

	if (at == NULL)
		return -1;
	for (const char *p = text; p < at; p++)
		line += *p == '\n';
	return line;
}

static void every_bad_file_is_refused_with_its_line(void)
{
	static char text[TEXT_MAX];
	const size_t n = sizeof(bad_changes) / sizeof(*bad_changes);
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	/* the good one first */
	CU_ASSERT_EQUAL_FATAL(parse(&c, good, &e), 0);
	closeout_free(c);
	for (size_t i = 0; i < n; i++) {
		const struct change *ch = &bad_changes[i];
		char begins[40];
		if (!change_text(text, ch)) {
			printf("# cannot change: %s\n", ch->claim);
			CU_FAIL("a change that finds nothing");
			continue;
		}
		snprintf(begins, sizeof(begins),
			 "acme.cfg:%d: ", line_of(text, ch->at));
		c = NULL;
		int rc = parse(&c, text, &e);
		bool right = rc == -1 && e.code == ERR_USAGE && c == NULL &&
			     strncmp(e.msg, begins, strlen(begins)) == 0 &&
			     strstr(e.msg, ch->says) != NULL;
		if (!right)
			printf("# %s: expected \"%s...%s\", got %d \"%s\"\n",
			       ch->claim, begins, ch->says, rc, e.msg);
		CU_ASSERT_TRUE(right);
		/* a secret is never repeated */
		CU_ASSERT_PTR_NULL(strstr(e.msg, "hunter2"));
		closeout_free(c);
	}
	printf("# %zu bad files\n", n);
}

static void a_refused_secret_says_where_credentials_come_from(void)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	CU_ASSERT_TRUE(replace(text, good, "https://s3", "https://a:b@s3"));
	CU_ASSERT_EQUAL(parse(&c, text, &e), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "AWS_"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "service and password files"));
}

static void an_include_is_not_even_opened(void)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	char with[400];

	/* a fifo that is opened for reading would hang the test */
	CU_ASSERT_EQUAL(mkfifo(keys_path("pipe.cfg"), 0600), 0);
	snprintf(with, sizeof(with),
		 "@include \"%s\"\ncases = ", keys_path("pipe.cfg"));
	CU_ASSERT_TRUE(replace(text, good, "cases = ", with));
	CU_ASSERT_EQUAL(parse(&c, text, &e), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "@include is refused"));
}

static void zero_bytes_and_excess_are_refused(void)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	static char text[CLOSEOUT_MAX + 2];

	memset(text, ' ', sizeof(text));
	memcpy(text, good, strlen(good));
	CU_ASSERT_EQUAL_FATAL(
		closeout_parse(&c, text, CLOSEOUT_MAX, "a.cfg", keys_dir, &e),
		0);
	closeout_free(c);
	CU_ASSERT_EQUAL(closeout_parse(&c, text, CLOSEOUT_MAX + 1, "a.cfg",
				       keys_dir, &e),
			-1);
	CU_ASSERT_EQUAL(e.code, ERR_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "a.cfg:1: the file has 1048577"));
	/* everything after a zero byte would go unread */
	err_clear(&e);
	text[strlen(good)] = '\0';
	CU_ASSERT_EQUAL(closeout_parse(&c, text, strlen(good) + 2, "a.cfg",
				       keys_dir, &e),
			-1);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "a zero byte"));
}

/* ---- paths ----------------------------------------------------------------
 */

static void relative_bases_become_absolute(void)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	static const char *const bases[] = {".", "", "data/.."};
	char here[1000];

	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof(here)));
	CU_ASSERT_EQUAL_FATAL(chdir(keys_dir), 0);
	for (size_t i = 0; i < 3; i++) {
		err_clear(&e);
		CU_ASSERT_EQUAL_FATAL(closeout_parse(&c, good, strlen(good),
						     "acme.cfg", bases[i], &e),
				      0);
		CU_ASSERT_EQUAL(c->base[0], '/');
		CU_ASSERT_EQUAL(c->signing_key[0], '/');
		CU_ASSERT_EQUAL(c->cases[0], '/');
		CU_ASSERT(ends_with(c->signing_key, "/processor.key"));
		CU_ASSERT_EQUAL(chdir("/"), 0);
		CU_ASSERT_EQUAL(access(c->signing_key, R_OK), 0);
		CU_ASSERT_EQUAL(chdir(keys_dir), 0);
		closeout_free(c);
	}
	CU_ASSERT_EQUAL(chdir(here), 0);
}

static void absolute_paths_stay(void)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	CU_ASSERT_TRUE(replace(text, good, "directory = \"trail\"",
			       "directory = \"/var/lib/quietus/trail\""));
	CU_ASSERT_EQUAL_FATAL(parse(&c, text, &e), 0);
	CU_ASSERT_STRING_EQUAL(c->trail_directory, "/var/lib/quietus/trail");
	closeout_free(c);
}

static void cases_is_beside_the_file_when_left_out(void)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	CU_ASSERT_TRUE(replace(text, good, "cases = \"cases\";\n", ""));
	CU_ASSERT_EQUAL_FATAL(parse(&c, text, &e), 0);
	CU_ASSERT(in_folder(c->cases, "cases"));
	closeout_free(c);
}

static void a_file_is_read_with_its_own_folder_and_bytes(void)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	struct buf raw;

	buf_init(&raw, CLOSEOUT_MAX);
	keys_put(keys_path("acme.cfg"), good, strlen(good));
	CU_ASSERT_EQUAL_FATAL(
		closeout_read(&c, keys_path("acme.cfg"), &raw, &e), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&raw), good);
	CU_ASSERT_STRING_EQUAL(c->base, keys_dir);
	CU_ASSERT(in_folder(c->file, "acme.cfg"));
	closeout_free(c);
	CU_ASSERT_EQUAL(closeout_read(&c, keys_path("acme.cfg"), NULL, &e), 0);
	closeout_free(c);
	buf_release(&raw);

	buf_init(&raw, 10); /* no room: not half of it */
	CU_ASSERT_EQUAL(closeout_read(&c, keys_path("acme.cfg"), &raw, &e), -1);
	CU_ASSERT_PTR_NULL(c);
	buf_release(&raw);
}

static void a_file_that_cannot_be_read_is_the_users_mistake(void)
{
	static const char *const names[] = {"none.cfg", "folder.pem",
					    "large.cfg"};
	static char large[CLOSEOUT_MAX + 1];
	struct err e = ERR_INIT;

	memset(large, '\n', sizeof(large));
	keys_put(keys_path("large.cfg"), large, sizeof(large));
	for (size_t i = 0; i < 3; i++) {
		struct closeout *c = NULL;
		err_clear(&e);
		CU_ASSERT_EQUAL(
			closeout_read(&c, keys_path("%s", names[i]), NULL, &e),
			-1);
		CU_ASSERT_EQUAL(e.code, ERR_USAGE);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, names[i]));
		CU_ASSERT_PTR_NULL(c);
	}
}

/* ---- notes ----------------------------------------------------------------
 */

static void noted(const struct change *ch)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	char begins[40];

	CU_ASSERT_TRUE_FATAL(change_text(text, ch));
	CU_ASSERT_EQUAL_FATAL(parse(&c, text, &e), 0);
	snprintf(begins, sizeof(begins),
		 "acme.cfg:%d: ", line_of(text, ch->at));
	CU_ASSERT_EQUAL_FATAL(c->n_notes, 1);
	CU_ASSERT_EQUAL(strncmp(c->notes[0], begins, strlen(begins)), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(c->notes[0], ch->says));
	closeout_free(c);
}

static void doubtful_files_are_accepted_with_a_note(void)
{
	static const struct change changes[] = {
		{"", "choice = \"return-to-designee\"", "choice = \"destroy\"",
		 NULL, NULL, "recipient = {", "every source is destroyed"},
		{"", "\"2036-12-31\"", "\"2026-12-01\"", NULL, NULL,
		 "until = \"2026-12-01\"", "invoices ends before"},
		{"", "address = \"2\";\n    contact = \"dpo@example.example\";",
		 "", NULL, NULL, "processor = {", "Art. 30(2)"},
	};

	for (size_t i = 0; i < 3; i++)
		noted(&changes[i]);
}

static void many_notes_are_all_kept(void)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	static char text[TEXT_MAX];
	struct buf entries;

	buf_init(&entries, TEXT_MAX);
	buf_puts(&entries, "retention = (");
	for (int i = 0; i < 40; i++)
		buf_putf(&entries,
			 " { name = \"n%d\"; source = \"app\"; table = \"t\";"
			 " whole = true; ground = \"g\"; until = "
			 "\"2000-01-01\"; },\n",
			 i);
	CU_ASSERT_TRUE(replace(text, good, "retention = (", buf_str(&entries)));
	CU_ASSERT_EQUAL_FATAL(parse(&c, text, &e), 0);
	CU_ASSERT_EQUAL_FATAL(c->n_notes, 40);
	CU_ASSERT_PTR_NOT_NULL(strstr(c->notes[39], "n39"));
	CU_ASSERT_EQUAL(c->sources[0].n_retention, 42);
	closeout_free(c);
	buf_release(&entries);
}

/* ---- whom it is returned to -----------------------------------------------
 */

static void return_needs_somebody_who_can_open_it(void)
{
	static char text[TEXT_MAX], half[TEXT_MAX];
	static const struct change without = {"",
					      "recipient = {",
					      "/* {",
					      " }; };\n/* three",
					      "}*/\n/* three",
					      NULL,
					      NULL};
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	CU_ASSERT_TRUE(change_text(half, &without));
	CU_ASSERT_TRUE(
		replace(text, half, "\"return-to-designee\"", "\"return\""));
	CU_ASSERT_EQUAL_FATAL(parse(&c, text, &e), 0);
	CU_ASSERT_FALSE(c->has_recipient);
	CU_ASSERT_PTR_NULL(c->recipient_certificate);
	CU_ASSERT_EQUAL(c->sources[1].choice, DISPOSITION_RETURN);
	closeout_free(c);
	CU_ASSERT_TRUE(replace(half, text, "certificate = \"acme.pem\";", ""));
	CU_ASSERT_EQUAL(parse(&c, half, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "nobody can open"));
	/* one source's own choice asks for it as well */
	CU_ASSERT_TRUE(replace(text, half, "choice = \"return\"",
			       "choice = \"destroy\""));
	CU_ASSERT_EQUAL_FATAL(parse(&c, text, &e), 0);
	closeout_free(c);
	CU_ASSERT_TRUE(replace(half, text, "category = \"uploads\";",
			       "choice = \"return-to-designee\";"));
	CU_ASSERT_EQUAL(parse(&c, half, &e), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "for source files"));
}

/* ---- the parts ------------------------------------------------------------
 */

static void secrets_are_seen_in_every_dress(void)
{
	static const char *const secret[] = {
		"postgresql://app:x@db/app",
		"see https://x@y",
		"postgresql://db/app?user=a&password=x",
		"postgresql://db/app?pass%77ord=x",
		"host=db password=x",
		"host=db password = x",
		"PASSWORD=x",
		"pwd=x",
		"sslpassword=x",
		"AccountName=a;AccountKey=x==",
		"https://a.blob.core.windows.net/c?sv=1&sig=x",
		"aws_secret_access_key = x",
		"-----BEGIN EC PRIVATE KEY-----",
	};
	static const char *const plain[] = {
		"",
		"service=app",
		"passfile=/home/closeout/.pgpass",
		"https://s3.gra.io.cloud.ovh.net",
		"https://s3.example:9000/path@2",
		"privacy@acme.example",
		"clients/a@b/",
		"password",
		"the password is with the DPO",
		"mypassword=x",
		"100% = all",
		"://",
		"a %",
	};

	for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++) {
		if (closeout_secret_value(secret[i]) == NULL)
			printf("# not seen: %s\n", secret[i]);
		CU_ASSERT_PTR_NOT_NULL(closeout_secret_value(secret[i]));
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		if (closeout_secret_value(plain[i]) != NULL)
			printf("# no secret: %s\n", plain[i]);
		CU_ASSERT_PTR_NULL(closeout_secret_value(plain[i]));
	}
	CU_ASSERT_TRUE(closeout_secret_key("secret"));
	CU_ASSERT_TRUE(closeout_secret_key("SECRET_KEY"));
	CU_ASSERT_FALSE(closeout_secret_key("key"));
	CU_ASSERT_FALSE(closeout_secret_key("secretary"));
}

static void printable_text_is_strict(void)
{
	static const char *const yes[] = {"", "a b", "Zo\xc3\xa9",
					  "\xe5\xae\xa2", "\xf0\x9f\x94\x92"};
	static const char *const no[] = {"\n",
					 "\x7f",
					 "\xc2\x80",
					 "\xff",
					 "\xc3",
					 "\xe2\x80\xa8",
					 "\xe2\x81\xa6",
					 "\xef\xbb\xbf",
					 "\xf4\x90\x80\x80",
					 "\xe0\x80\x80",
					 "\xf0\x80\x80\x80"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		CU_ASSERT_TRUE(closeout_printable(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		CU_ASSERT_FALSE(closeout_printable(no[i]));
}

static void quoted_text_cannot_control_a_terminal(void)
{
	char out[CLOSEOUT_QUOTED], longer[300];

	CU_ASSERT_STRING_EQUAL(closeout_quote(out, "a b"), "\"a b\"");
	CU_ASSERT_STRING_EQUAL(closeout_quote(out, "\x1b[2J"), "\"%1B[2J\"");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	closeout_quote(out, longer);
	CU_ASSERT(strlen(out) < CLOSEOUT_QUOTED);
	CU_ASSERT(ends_with(out, "x...\""));
}

static void every_required_key_has_an_example(void)
{
	const struct setting_spec *waiting[20] = {closeout_root_keys};
	size_t n = 1, seen = 0;

	while (n > 0) {
		const struct setting_spec *s = waiting[--n];
		for (; s->name != NULL; s++) {
			if (s->members != NULL)
				waiting[n++] = s->members;
			if (!s->required || strcmp(s->name, "name") == 0)
				continue;
			if (closeout_example(s->name) == NULL)
				printf("# no example: %s\n", s->name);
			CU_ASSERT_PTR_NOT_NULL(closeout_example(s->name));
			seen++;
		}
	}
	CU_ASSERT(seen > 20);
}

/* ---- any other bytes ------------------------------------------------------
 */

/* Refused with file and line, or accepted; never anything else. */
static int settled(const char *text, size_t len)
{
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	int rc = closeout_parse(&c, text, len, "acme.cfg", keys_dir, &e);

	if (rc == 0) {
		CU_ASSERT_PTR_NOT_NULL(c);
		closeout_free(c);
		return 0;
	}
	bool right = e.code == ERR_USAGE &&
		     strncmp(e.msg, "acme.cfg:", 9) == 0 && e.msg[9] >= '1' &&
		     e.msg[9] <= '9';
	if (!right)
		printf("# %s\n", e.msg);
	CU_ASSERT_TRUE(right);
	CU_ASSERT_PTR_NULL(c);
	return -1;
}

static void no_beginning_of_a_file_is_a_file(void)
{
	size_t len = strlen(good);
	const char *last = strstr(good, "cases = ");

	CU_ASSERT_EQUAL(settled(good, len), 0);
	/* without `cases` or its semicolon it is still whole */
	for (size_t n = 0; n < len - 2; n++)
		if (good + n < last - 2 || good + n > last)
			CU_ASSERT_EQUAL(settled(good, n), -1);
}

static void changed_bytes_are_settled_one_way_or_the_other(void)
{
	static char text[TEXT_MAX];
	static const char bytes[] = "{}()[]\"\\/*#=:;,@\n\t -.0129axL\xc3\x80";
	size_t len = strlen(good), refused = 0;
	unsigned state = 20261130;

	for (int i = 0; i < 4000; i++) {
		memcpy(text, good, len);
		for (int k = 0; k <= i % 3; k++) {
			state = state * 1103515245u + 12345u;
			size_t at = (state >> 8) % len;
			state = state * 1103515245u + 12345u;
			text[at] = bytes[(state >> 8) % (sizeof(bytes) - 1)];
		}
		refused += settled(text, len) != 0;
	}
	CU_ASSERT(refused > 1000);
	printf("# %zu of 4000 changed files refused\n", refused);
}

static void deep_nesting_is_refused(void)
{
	static char text[TEXT_MAX];

	memset(text, '(', sizeof(text));
	memcpy(text, "a = ", 4);
	CU_ASSERT_EQUAL(settled(text, sizeof(text)), -1);
	for (size_t i = 0; i + 6 < sizeof(text); i += 6)
		memcpy(text + i, "a = { ", 6);
	CU_ASSERT_EQUAL(settled(text, sizeof(text) - 2), -1);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(a_good_file_reads_as_written),
		UNIT(a_good_recipient_reads_as_written),
		UNIT(sources_and_retention_read_as_written),
		UNIT(settings_know_their_file_and_line),
		UNIT(small_changes_that_are_good_are_accepted),
		UNIT(every_bad_file_is_refused_with_its_line),
		UNIT(a_refused_secret_says_where_credentials_come_from),
		UNIT(an_include_is_not_even_opened),
		UNIT(zero_bytes_and_excess_are_refused),
		UNIT(relative_bases_become_absolute),
		UNIT(absolute_paths_stay),
		UNIT(cases_is_beside_the_file_when_left_out),
		UNIT(a_file_is_read_with_its_own_folder_and_bytes),
		UNIT(a_file_that_cannot_be_read_is_the_users_mistake),
		UNIT(doubtful_files_are_accepted_with_a_note),
		UNIT(many_notes_are_all_kept),
		UNIT(return_needs_somebody_who_can_open_it),
		UNIT(secrets_are_seen_in_every_dress),
		UNIT(printable_text_is_strict),
		UNIT(quoted_text_cannot_control_a_terminal),
		UNIT(every_required_key_has_an_example),
		UNIT(no_beginning_of_a_file_is_a_file),
		UNIT(changed_bytes_are_settled_one_way_or_the_other),
		UNIT(deep_nesting_is_refused),
		{NULL, NULL}};

	set_up();
	int rc = unit_run("closeout", tests);
	keys_stop();
	return rc;
}
