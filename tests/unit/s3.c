/* s3.c: the S3 provider's parts that need no server: scope, settings, names,
 * where key ranges are cut, pages, XML. */
#include <stdlib.h>
#include <unistd.h>

#include "certs/base/file.h"
#include "providers/s3/s3.h"
#include "tests/unit/unit.h"

/* ---- settings ----------------------------------------------------------- */

static struct setting string(const char *name, const char *value)
{
	return (struct setting){.name = name,
				.type = SETTING_STRING,
				.file = "closeout.conf",
				.line = 12,
				.str = value};
}

static struct setting flag(const char *name, bool value)
{
	return (struct setting){.name = name,
				.type = SETTING_BOOL,
				.file = "closeout.conf",
				.line = 13,
				.flag = value};
}

/* Reads settings; the code, and the message in *e. */
static enum err_code read_settings(struct s3 *s, const struct setting *list,
				   size_t n, const char *client, struct err *e)
{
	static struct setting group;
	static struct scope scope;

	memset(s, 0, sizeof(*s));
	err_clear(e);
	group = (struct setting){
		.type = SETTING_GROUP, .members = list, .n_members = n};
	scope = (struct scope){.source = "media",
			       .client = client,
			       .base = "/base",
			       .settings = &group};
	s3_settings_read(s, &scope, e);
	return e->code;
}

static void settings_release(struct s3 *s)
{
	buf_release(&s->prefix);
	for (size_t i = 0; i < s->n_excluded; i++)
		buf_release(&s->excluded[i].text);
	free(s->excluded);
}

static void scope_that_may_be_wider_than_meant_is_refused(void)
{
	static const struct {
		const char *prefix;
		int open, whole; /* -1: not written */
		const char *client;
		const char *says; /* NULL: accepted */
	} cases[] = {
		{"clients/{client}/", -1, -1, "7", NULL},
		{"clients/{client}", -1, -1, "7", "does not end in"},
		{"clients/{client}", 0, -1, "7", "does not end in"},
		{"clients/{client}", 1, -1, "7", NULL},
		{NULL, -1, -1, "7", "whole = true"},
		{"", -1, -1, "7", "whole = true"},
		{NULL, -1, 0, "7", "whole = true"},
		{NULL, -1, 1, "7", NULL},
		{"", -1, 1, "7", NULL},
		{"", 1, -1, "7", "whole = true"},
		{"clients/{client}/", -1, 1, "7", "contradict"},
		{"clients/{client}/", -1, -1, "..", "{client}"},
		{"clients/{client}/", -1, -1, "", "{client}"},
		{"clients/{client}/", -1, -1, "7/8", "{client}"},
		{"clients/{other}/", -1, -1, "7", "{client}"},
		{"clients\x01/", -1, -1, "7", "control"},
		{"clients/\xff/", -1, -1, "7", "UTF-8"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setting list[4];
		size_t n = 0;
		struct s3 s;
		struct err e = ERR_INIT;
		list[n++] = string("bucket", "media");
		if (cases[i].prefix != NULL)
			list[n++] = string("prefix", cases[i].prefix);
		if (cases[i].open >= 0)
			list[n++] = flag("prefix_open", cases[i].open);
		if (cases[i].whole >= 0)
			list[n++] = flag("whole", cases[i].whole);
		enum err_code code =
			read_settings(&s, list, n, cases[i].client, &e);
		if (cases[i].says == NULL) {
			CU_ASSERT_EQUAL(code, ERR_NONE);
		} else {
			CU_ASSERT_EQUAL(code, ERR_USAGE);
			CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, cases[i].says));
			CU_ASSERT_PTR_NOT_NULL(
				strstr(e.msg, "closeout.conf:1"));
		}
		if (e.code != (cases[i].says == NULL ? ERR_NONE : ERR_USAGE))
			printf("# case %zu: %s\n", i, e.msg);
		settings_release(&s);
	}
}

static void endpoint_that_leaks_is_refused(void)
{
	static const struct {
		const char *endpoint;
		bool insecure, good;
	} cases[] = {
		{"https://s3.gra.io.cloud.ovh.net", false, true},
		{"https://s3.gra.io.cloud.ovh.net/", false, true},
		{"http://127.0.0.1:9000", false, true},
		{"http://[::1]:9000", false, true},
		{"http://localhost:9000", false, true},
		{"http://s3.example.com", false, false},
		{"http://s3.example.com", true, true},
		{"http://127.0.0.1.example.com", false, false},
		{"https://id:secret@s3.example.com", false, false},
		{"https://id@s3.example.com", false, false},
		{"https://s3.example.com/?x=1", false, false},
		{"https://s3.example.com/path", false, false},
		{"ftp://s3.example.com", false, false},
		{"s3 example", false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setting list[] = {string("bucket", "media"),
					 string("prefix", "a/"),
					 string("endpoint", cases[i].endpoint),
					 flag("insecure", cases[i].insecure)};
		struct s3 s;
		struct err e = ERR_INIT;
		enum err_code code = read_settings(&s, list, 4, "7", &e);
		CU_ASSERT_EQUAL(code, cases[i].good ? ERR_NONE : ERR_USAGE);
		CU_ASSERT_PTR_NULL(strstr(e.msg, "secret"));
		if ((code == ERR_NONE) != cases[i].good)
			printf("# %s: %s\n", cases[i].endpoint, e.msg);
		settings_release(&s);
	}
}

static void requests_name_bucket_and_host_as_addressing_says(void)
{
	static const struct {
		const char *bucket, *endpoint, *how;
		const char *authority, *base;
	} cases[] = {
		{"media", NULL, "auto", "media.s3.eu-west-3.amazonaws.com", ""},
		{"media", NULL, "path", "s3.eu-west-3.amazonaws.com", "/media"},
		{"me.dia", NULL, "auto", "s3.eu-west-3.amazonaws.com",
		 "/me.dia"},
		{"media", "https://s3.gra.io.cloud.ovh.net", "auto",
		 "s3.gra.io.cloud.ovh.net", "/media"},
		{"media", "https://s3.gra.io.cloud.ovh.net", "virtual",
		 "media.s3.gra.io.cloud.ovh.net", ""},
		{"media", "http://127.0.0.1:9000", "auto", "127.0.0.1:9000",
		 "/media"},
		{"me.dia", "https://x.example", "virtual", NULL, NULL},
		{"../x", NULL, "auto", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setting list[] = {string("bucket", cases[i].bucket),
					 string("prefix", "a/"),
					 string("region", "eu-west-3"),
					 string("addressing", cases[i].how),
					 string("endpoint", cases[i].endpoint)};
		struct s3 s;
		struct err e = ERR_INIT;
		size_t n = cases[i].endpoint != NULL ? 5 : 4;
		enum err_code code = read_settings(&s, list, n, "7", &e);
		if (cases[i].authority == NULL) {
			CU_ASSERT_EQUAL(code, ERR_USAGE);
		} else {
			CU_ASSERT_EQUAL(code, ERR_NONE);
			CU_ASSERT_STRING_EQUAL(s.authority, cases[i].authority);
			CU_ASSERT_STRING_EQUAL(s.base, cases[i].base);
		}
		settings_release(&s);
	}
}

static void excluded_keys_are_out_of_scope_and_neighbours_too(void)
{
	struct setting members[] = {string("prefix", "clients/{client}/pub/"),
				    string("reason", "published")};
	struct setting one = {
		.type = SETTING_GROUP, .members = members, .n_members = 2};
	struct setting list[] = {string("bucket", "media"),
				 string("prefix", "clients/{client}/"),
				 {.name = "excluded",
				  .type = SETTING_GROUPS,
				  .members = &one,
				  .n_members = 1}};
	struct s3 s;
	struct err e = ERR_INIT;
#define IN(text) s3_in_scope(&s, (const unsigned char *)text, sizeof(text) - 1)

	CU_ASSERT_EQUAL(read_settings(&s, list, 3, "7", &e), ERR_NONE);
	CU_ASSERT(IN("clients/7/a"));
	CU_ASSERT(IN("clients/7/pub"));
	CU_ASSERT(IN("clients/7/"));
	CU_ASSERT(!IN("clients/7/pub/a"));
	CU_ASSERT(!IN("clients/77/a"));
	CU_ASSERT(!IN("clients/7"));
	CU_ASSERT(!IN("clients/8"));
	settings_release(&s);
	/* an exclusion that is everything, or elsewhere, is a mistake */
	members[0] = string("prefix", "clients/{client}/");
	CU_ASSERT_EQUAL(read_settings(&s, list, 3, "7", &e), ERR_USAGE);
	settings_release(&s);
	members[0] = string("prefix", "clients/8/");
	CU_ASSERT_EQUAL(read_settings(&s, list, 3, "7", &e), ERR_USAGE);
	settings_release(&s);
}

/* ---- credentials -------------------------------------------------------- */

static void chain_takes_profile_before_environment_before_file(void)
{
	static const char file[] =
		"# comment\n[default]\naws_access_key_id = FILEID\n"
		"aws_secret_access_key = filesecret\n\n[closeout]\n"
		"aws_access_key_id=PROFILEID\n"
		"aws_secret_access_key=profilesecret==\n"
		"aws_session_token=tok\n[role]\nrole_arn = arn:x\n";
	static const char config[] =
		"[default]\nregion = eu-west-1\n[profile closeout]\n"
		"region = gra\nendpoint_url = https://s3.gra.example\n"
		"s3 =\n  addressing_style = path\n  region = wrong\n";
	char dir[] = "/tmp/quietus-s3-XXXXXX", a[64], b[64];
	struct s3_credentials c;
	struct s3_profile p;
	struct err e = ERR_INIT;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(a, sizeof(a), "%s/credentials", dir);
	snprintf(b, sizeof(b), "%s/config", dir);
	CU_ASSERT_EQUAL(file_write(a, file, sizeof(file) - 1, &e), 0);
	CU_ASSERT_EQUAL(file_write(b, config, sizeof(config) - 1, &e), 0);
	setenv("AWS_SHARED_CREDENTIALS_FILE", a, 1);
	setenv("AWS_CONFIG_FILE", b, 1);
	setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "envsecret", 1);
	s3_credentials_init(&c);
	CU_ASSERT_EQUAL(s3_credentials_find(&c, "closeout", NULL, &e), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&c.key_id), "PROFILEID");
	CU_ASSERT_STRING_EQUAL(buf_str(&c.secret), "profilesecret==");
	CU_ASSERT_STRING_EQUAL(buf_str(&c.token), "tok");
	CU_ASSERT_EQUAL(s3_credentials_find(&c, NULL, NULL, &e), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&c.key_id), "ENVID");
	CU_ASSERT_EQUAL(c.token.len, 0);
	unsetenv("AWS_ACCESS_KEY_ID");
	CU_ASSERT_EQUAL(s3_credentials_find(&c, NULL, NULL, &e), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&c.key_id), "FILEID");
	CU_ASSERT_EQUAL(s3_credentials_find(&c, "nobody", NULL, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_AUTH);
	err_clear(&e);
	CU_ASSERT_EQUAL(s3_credentials_find(&c, "role", NULL, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_AUTH);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "role_arn"));
	err_clear(&e);
	s3_credentials_release(&c);
	memset(&p, 0, sizeof(p));
	CU_ASSERT_EQUAL(s3_profile_read(&c, &p, "closeout", &e), 0);
	CU_ASSERT_STRING_EQUAL(p.region, "gra");
	CU_ASSERT_STRING_EQUAL(p.endpoint, "https://s3.gra.example");
	s3_credentials_release(&c);
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	unsetenv("AWS_CONFIG_FILE");
	CU_ASSERT_EQUAL(file_shred_tree(dir, &e), 0);
}

static void no_credentials_at_all_is_an_auth_error_that_says_what_to_do(void)
{
	struct s3_credentials c;
	struct err e = ERR_INIT;

	unsetenv("AWS_ACCESS_KEY_ID");
	s3_credentials_init(&c);
	CU_ASSERT_EQUAL(s3_credentials_find(&c, NULL, NULL, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_AUTH);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "AWS_ACCESS_KEY_ID"));
	s3_credentials_release(&c);
}

/* ---- names and cuts ----------------------------------------------------- */

static void id_reads_back_and_anything_else_is_refused(void)
{
	static const unsigned char key[] = "a\x01/\xc3\xa9";
	struct buf id;
	struct s3_name n;

	buf_init(&id, ITEM_ID_MAX);
	s3_id(&id, key, sizeof(key) - 1, 'v', (const unsigned char *)"null", 4);
	CU_ASSERT_EQUAL(s3_name(&n, id.data, id.len), 0);
	CU_ASSERT_EQUAL(n.key_len, sizeof(key) - 1);
	CU_ASSERT_EQUAL(n.kind, 'v');
	CU_ASSERT_EQUAL(n.version_len, 4);
	for (size_t cut = 1; cut < id.len - 3; cut++)
		if (s3_name(&n, id.data, id.len - cut) == 0)
			CU_ASSERT(n.version_len == 4 - cut);
	CU_ASSERT_EQUAL(s3_name(&n, (const unsigned char *)"a\0x\0v", 5), -1);
	CU_ASSERT_EQUAL(s3_name(&n, (const unsigned char *)"\0v\0v", 4), -1);
	CU_ASSERT_EQUAL(s3_name(&n, (const unsigned char *)"abc", 3), -1);
	buf_release(&id);
}

static void range(struct s3_range *r, const char *prefix, const char *to)
{
	memset(r, 0, sizeof(*r));
	r->prefix = (const unsigned char *)prefix;
	r->prefix_len = strlen(prefix);
	if (to != NULL) {
		r->has_to = true;
		r->to_len = strlen(to);
		memcpy(r->to, to, r->to_len);
	}
}

static void cut_lies_strictly_between_and_is_a_key(void)
{
	static const struct {
		const char *prefix, *from, *to;
	} cases[] = {
		{"p/", "p/000000999", NULL},
		{"p/", "p/000000999", "p/a"},
		{"p/", "p/4", "p/5"},
		{"p/", "p/4999", "p/5"},
		{"p/", "p/a", "p/c"},
		{"", "a", "z"},
		{"p/", "p/\xc3\xa9", NULL},
		{"p/", "p/\xe6\xbc\xa2", "p/\xf0\x9f\x97\x91"},
		{"p/", "p/\xed\x9f\xbf", "p/\xee\x80\x82"},
		{"p/", "p/00/12/345", "p/00/12/9"},
		{"p/", "", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct s3_range r;
		unsigned char out[S3_KEY_MAX + 1];
		size_t len = 0;
		const char *from = cases[i].from;
		range(&r, cases[i].prefix, cases[i].to);
		int rc =
			s3_split_key(out, &len, &r, (const unsigned char *)from,
				     strlen(from));
		CU_ASSERT_EQUAL(rc, 0);
		CU_ASSERT(s3_compare(out, len, from, strlen(from)) > 0);
		CU_ASSERT(cases[i].to == NULL ||
			  s3_compare(out, len, r.to, r.to_len) < 0);
		CU_ASSERT(s3_utf8(out, len));
		CU_ASSERT_EQUAL(
			memcmp(out, cases[i].prefix, strlen(cases[i].prefix)),
			0);
	}
}

static void cutting_again_and_again_ends(void)
{
	struct s3_range r;
	unsigned char out[S3_KEY_MAX + 1];
	size_t len = 0;
	unsigned steps = 0;

	range(&r, "p/", NULL);
	while (s3_split_key(out, &len, &r, (const unsigned char *)"p/a", 3) ==
		       0 &&
	       steps < 20000) {
		CU_ASSERT_FATAL(len <= S3_KEY_MAX);
		memcpy(r.to, out, len);
		r.to_len = len;
		r.has_to = true;
		steps++;
	}
	CU_ASSERT(steps > 5);
	CU_ASSERT(steps < 20000);
}

static void key_before_lies_before(void)
{
	static const char *const keys[] = {"p/a",	 "p/",	"a",  "\x01",
					   "p/\xc3\xa9", "p/ ", "p/0"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		unsigned char out[S3_KEY_MAX + 1];
		size_t len = s3_key_before(out, (const unsigned char *)keys[i],
					   strlen(keys[i]));
		CU_ASSERT(s3_compare(out, len, keys[i], strlen(keys[i])) < 0);
		CU_ASSERT(s3_utf8(out, len));
	}
	unsigned char longest[S3_KEY_MAX], out[S3_KEY_MAX + 1];
	memset(longest, 'k', sizeof(longest));
	size_t len = s3_key_before(out, longest, sizeof(longest));
	CU_ASSERT(len <= S3_KEY_MAX);
	CU_ASSERT(s3_compare(out, len, longest, sizeof(longest)) < 0);
}

/* ---- pages and XML ------------------------------------------------------ */

#define HEAD "<ListVersionsResult><EncodingType>url</EncodingType>"
#define ENTRY(latest, size, etag)                                              \
	"<Version><Key>a%2Fb+c%2B%01</Key><VersionId>v</VersionId>"            \
	"<IsLatest>" latest "</IsLatest><LastModified>2026</LastModified>"     \
	"<ETag>" etag "</ETag><Size>" size "</Size></Version>"
#define TAIL "<IsTruncated>false</IsTruncated></ListVersionsResult>"

static int read_page(struct s3_page *p, const char *text, bool lenient)
{
	struct xml *x = xml_new();
	const char *why;

	p->xml = x;
	s3_page_reset(p);
	xml_start(x, s3_page_element, p);
	if (lenient)
		xml_lenient(x);
	int rc = 0;
	/* byte by byte: an answer may break anywhere */
	for (const char *c = text; *c != '\0' && rc == 0; c++)
		rc = xml_feed(x, c, 1);
	if (rc == 0)
		rc = xml_end(x);
	if (rc == 0)
		rc = s3_page_finish(p, &why);
	p->xml = NULL;
	xml_free(x);
	return rc;
}

static void page_decodes_keys_and_digests_what_a_version_is(void)
{
	struct sha *sha = sha_new();
	struct s3_page p;
	unsigned char digest[SHA_LEN];

	s3_page_init(&p, 'v', sha);
	CU_ASSERT_EQUAL_FATAL(
		read_page(&p, HEAD ENTRY("true", "3", "e") TAIL, false), 0);
	CU_ASSERT_EQUAL_FATAL(p.n, 1);
	CU_ASSERT_EQUAL(p.entries[0].key_len, 7);
	CU_ASSERT_EQUAL(memcmp(s3_key(&p, p.entries), "a/b c+\x01", 7), 0);
	memcpy(digest, p.entries[0].digest, SHA_LEN);
	/* being the latest or not is no change of the version */
	read_page(&p, HEAD ENTRY("false", "3", "e") TAIL, false);
	CU_ASSERT_EQUAL(memcmp(digest, p.entries[0].digest, SHA_LEN), 0);
	read_page(&p, HEAD ENTRY("true", "4", "e") TAIL, false);
	CU_ASSERT_NOT_EQUAL(memcmp(digest, p.entries[0].digest, SHA_LEN), 0);
	read_page(&p, HEAD ENTRY("true", "3", "f") TAIL, false);
	CU_ASSERT_NOT_EQUAL(memcmp(digest, p.entries[0].digest, SHA_LEN), 0);
	s3_page_release(&p);
	sha_free(sha);
}

static void echoed_control_characters_are_read_only_beside_encoded_keys(void)
{
	static const char echo[] = HEAD
		"<KeyMarker>p&#x1;&#2;\x03 &amp;</KeyMarker>" ENTRY("true", "3",
								    "e") TAIL;
	static const char raw[] =
		"<ListVersionsResult><Version><Key>a&#x1;</Key>"
		"<VersionId>v</VersionId><IsLatest>true</IsLatest>"
		"<LastModified>2026</LastModified><ETag>e</ETag>"
		"<Size>3</Size></Version>" TAIL;
	struct sha *sha = sha_new();
	struct s3_page p;

	s3_page_init(&p, 'v', sha);
	CU_ASSERT_EQUAL(read_page(&p, echo, false), -1);
	CU_ASSERT_EQUAL(read_page(&p, echo, true), 0);
	CU_ASSERT_EQUAL(p.n, 1);
	CU_ASSERT_EQUAL(memcmp(s3_key(&p, p.entries), "a/b c+\x01", 7), 0);
	/* a key whose characters were replaced is another key */
	CU_ASSERT_EQUAL(read_page(&p, raw, true), -1);
	s3_page_release(&p);
	sha_free(sha);
}

static int nothing(void *arg, int depth, const char *name, const char *text,
		   size_t len)
{
	(void)arg;
	(void)depth;
	(void)name;
	(void)text;
	(void)len;
	return 0;
}

static void xml_that_could_exhaust_us_is_refused(void)
{
	struct xml *x = xml_new();
	char block[1024];

	memset(block, 'x', sizeof(block));
	xml_start(x, nothing, NULL);
	CU_ASSERT_EQUAL(xml_feed(x, "<a>", 3), 0);
	int rc = 0;
	for (int i = 0; i < 17 && rc == 0; i++)
		rc = xml_feed(x, block, sizeof(block));
	CU_ASSERT_EQUAL(rc, -1);
	xml_start(x, nothing, NULL);
	rc = 0;
	for (int i = 0; i < 13 && rc == 0; i++)
		rc = xml_feed(x, "<a>", 3);
	CU_ASSERT_EQUAL(rc, -1);
	static const char bomb[] = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
	xml_start(x, nothing, NULL);
	rc = xml_feed(x, bomb, sizeof(bomb) - 1);
	CU_ASSERT_EQUAL(rc == 0 ? xml_end(x) : rc, -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(xml_why(x), "document type"));
	xml_start(x, nothing, NULL);
	CU_ASSERT_EQUAL(xml_feed(x, "<a></a>", 7), 0);
	CU_ASSERT_EQUAL(xml_end(x), 0);
	xml_free(x);
}

static void small_document_is_found_by_path(void)
{
	static const char text[] =
		"<r:R xmlns:r=\"u\"><Rule><Status>Enabled</Status><D><B>b1</B>"
		"</D></Rule><Rule><Status>Disabled</Status></Rule></r:R>";
	struct xml_doc d;

	xml_doc_init(&d);
	CU_ASSERT_EQUAL(xml_doc_read(&d, text, sizeof(text) - 1), 0);
	CU_ASSERT_STRING_EQUAL(d.root, "R");
	CU_ASSERT_EQUAL(xml_doc_count(&d, "Rule/Status"), 2);
	CU_ASSERT_STRING_EQUAL(xml_doc_get(&d, "Rule/Status", 1), "Disabled");
	CU_ASSERT_STRING_EQUAL(xml_doc_get(&d, "Rule/D/B", 0), "b1");
	CU_ASSERT_PTR_NULL(xml_doc_get(&d, "Status", 0));
	CU_ASSERT_EQUAL(xml_doc_read(&d, text, sizeof(text) - 5), -1);
	CU_ASSERT_EQUAL(xml_doc_count(&d, "Rule/Status"), 0);
	xml_doc_release(&d);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(scope_that_may_be_wider_than_meant_is_refused),
		UNIT(endpoint_that_leaks_is_refused),
		UNIT(requests_name_bucket_and_host_as_addressing_says),
		UNIT(excluded_keys_are_out_of_scope_and_neighbours_too),
		UNIT(chain_takes_profile_before_environment_before_file),
		UNIT(no_credentials_at_all_is_an_auth_error_that_says_what_to_do),
		UNIT(id_reads_back_and_anything_else_is_refused),
		UNIT(cut_lies_strictly_between_and_is_a_key),
		UNIT(cutting_again_and_again_ends),
		UNIT(key_before_lies_before),
		UNIT(page_decodes_keys_and_digests_what_a_version_is),
		UNIT(echoed_control_characters_are_read_only_beside_encoded_keys),
		UNIT(xml_that_could_exhaust_us_is_refused),
		UNIT(small_document_is_found_by_path),
		{NULL, NULL}};
	static const char *const variables[] = {
		"AWS_PROFILE",
		"AWS_REGION",
		"AWS_DEFAULT_REGION",
		"AWS_SESSION_TOKEN",
		"AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_S3",
		"AWS_CA_BUNDLE",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		NULL};

	for (size_t i = 0; variables[i] != NULL; i++)
		unsetenv(variables[i]);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("HOME", "/nonexistent", 1);
	return unit_run("s3", tests);
}
