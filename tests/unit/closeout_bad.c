/*
 * What is wrong with every closeout file but the good one.
 */
#include "tests/unit/unit.h"
#include "tests/unit/closeout_form.h"

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
		UNIT(every_bad_file_is_refused_with_its_line),
		UNIT(a_refused_secret_says_where_credentials_come_from),
		UNIT(an_include_is_not_even_opened),
		UNIT(zero_bytes_and_excess_are_refused),
		UNIT(no_beginning_of_a_file_is_a_file),
		UNIT(changed_bytes_are_settled_one_way_or_the_other),
		UNIT(deep_nesting_is_refused),
		{NULL, NULL}};

	set_up();
	int rc = unit_run("closeout_bad", tests);
	keys_stop();
	return rc;
}
