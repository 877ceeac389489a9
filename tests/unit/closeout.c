/*
 * The closeout file: what a good one becomes.
 */
#include "tests/unit/unit.h"
#include "tests/unit/closeout_form.h"

#include <ctype.h>

#include "certs/base/clock.h"

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
		{"", "data/{client}", "data/every\\x1bone", NULL, NULL,
		 "path = \"data/every",
		 "path \"data/every%1Bone\" does not say {client}: the whole "
		 "path is taken to be the client's"},
	};

	for (size_t i = 0; i < 4; i++)
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

/* ---- the manual page ------------------------------------------------------
 */

/* docs/man/quietus-closeout.5 of the checkout this program was built in; the
 * tests run at its top. */
static const char *manual(void)
{
	static char text[60000];
	FILE *f = fopen("docs/man/quietus-closeout.5", "r");

	if (f == NULL)
		printf("# docs/man is not here: run at the top of the "
		       "checkout\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* A key stands behind .It Ic or .Ic, or in a list with commas. */
static bool documented(const char *page, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = strstr(page, key); p != NULL;
	     p = strstr(p + 1, key)) {
		const char *line = p;
		while (line > page && line[-1] != '\n')
			line--;
		bool macro = strncmp(line, ".Ic ", 4) == 0 ||
			     strncmp(line, ".It Ic ", 7) == 0;
		if (macro && p[-1] == ' ' && (p[len] == ' ' || p[len] == '\n'))
			return true;
	}
	return false;
}

static size_t all_documented(const char *page, const struct setting_spec *s)
{
	size_t seen = 0;

	for (; s != NULL && s->name != NULL; s++) {
		if (!documented(page, s->name))
			printf("# not in the manual: %s\n", s->name);
		CU_ASSERT_TRUE(documented(page, s->name));
		seen += 1 + all_documented(page, s->members);
	}
	return seen;
}

static void every_key_is_in_the_manual(void)
{
	const char *page = manual();
	size_t seen = all_documented(page, closeout_root_keys);

	for (const struct provider *const *p = provider_list(); *p != NULL; p++)
		seen += all_documented(page, (*p)->settings);
	CU_ASSERT(seen > 90);
	CU_ASSERT_FALSE(documented(page, "clinet"));
	CU_ASSERT_FALSE(documented(page, "excl"));
}

static void the_example_of_the_manual_is_accepted(void)
{
	static char text[TEXT_MAX], more[TEXT_MAX];
	struct err e = ERR_INIT;
	struct closeout *c = NULL;
	const char *begin = strstr(manual(), ".Sh EXAMPLES\n.Bd -literal\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(begin);
	begin = strstr(begin, "closeout = {");
	const char *end = strstr(begin, ".Ed");
	snprintf(text, sizeof(text), "%.*s", (int)(end - begin), begin);
	int rc = parse(&c, text, &e);
	if (rc != 0)
		printf("# %s\n", e.msg);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT_EQUAL(c->n_sources, 3);
	CU_ASSERT_EQUAL(c->n_notes, 0);
	closeout_free(c);
	/* and the recipient that it shows for return-to-designee */
	CU_ASSERT_TRUE(
		replace(more, text, "\"destroy\"", "\"return-to-designee\""));
	CU_ASSERT_EQUAL(parse(&c, more, &e), -1);
	begin = strstr(end, "recipient = {");
	CU_ASSERT_PTR_NOT_NULL_FATAL(begin);
	end = strstr(begin, ".Ed");
	snprintf(text, sizeof(text), "%s%.*s", more, (int)(end - begin), begin);
	CU_ASSERT_TRUE(replace(more, text, "3F:9A:...", newco_print));
	CU_ASSERT_EQUAL(parse(&c, more, &e), 0);
	closeout_free(c);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(a_good_file_reads_as_written),
		UNIT(a_good_recipient_reads_as_written),
		UNIT(sources_and_retention_read_as_written),
		UNIT(settings_know_their_file_and_line),
		UNIT(small_changes_that_are_good_are_accepted),
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
		UNIT(every_key_is_in_the_manual),
		UNIT(the_example_of_the_manual_is_accepted),
		{NULL, NULL}};

	set_up();
	int rc = unit_run("closeout", tests);
	keys_stop();
	return rc;
}
