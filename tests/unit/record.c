/* Item records, salts, leaves and inventory lines. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/merkle.h"
#include "certs/record.h"
#include "tests/unit/unit.h"

#define D64 "abababababababababababababababababababababababababababababababab"
#define S64 "0101010101010101010101010101010101010101010101010101010101010101"

static struct record sample(void)
{
	struct record r = {.source = "media",
			   .id = (const unsigned char *)"clients/7/a.jpg\0v1",
			   .id_len = 18,
			   .cls = CLASS_CURRENT,
			   .bytes = 12,
			   .disposition = DISPOSITION_DESTROY};
	memset(r.digest, 0xab, SHA_LEN);
	return r;
}

static const char *const sample_text =
	"{\"source\":\"media\",\"item\":\"clients/7/a.jpg%00v1\","
	"\"class\":\"current\",\"bytes\":12,\"digest\":\"" D64
	"\",\"disposition\":\"destroy\"}";

static int writes(const struct record *r, const char *want)
{
	struct buf b;
	buf_init(&b, 65536);
	int ok = record_write(&b, r) == 0 && strcmp(buf_str(&b), want) == 0;
	if (!ok)
		printf("# got %s\n", buf_str(&b));
	buf_release(&b);
	return ok;
}

static void record_text_is_exactly_the_documented_one(void)
{
	struct record r = sample();

	CU_ASSERT(writes(&r, sample_text));
	r.rows = 3;
	r.cls = CLASS_FULL_TEXT_INDEX;
	r.disposition = DISPOSITION_RETAIN;
	r.retention = "invoices";
	CU_ASSERT(writes(&r,
			 "{\"source\":\"media\",\"item\":\"clients/7/a.jpg"
			 "%00v1\",\"class\":\"full-text-index\",\"bytes\":12,"
			 "\"rows\":3,\"digest\":\"" D64
			 "\",\"disposition\":\"retain\",\"retention\":"
			 "\"invoices\"}"));
}

static void any_byte_of_an_id_is_plain_text_in_the_record(void)
{
	struct record r = sample();
	unsigned char id[256];
	struct buf b;

	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (unsigned char)i;
	r.id = id;
	r.id_len = sizeof(id);
	buf_init(&b, 65536);
	CU_ASSERT_EQUAL(record_write(&b, &r), 0);
	for (size_t i = 0; i < b.len; i++)
		CU_ASSERT(b.data[i] >= 0x20 && b.data[i] <= 0x7e);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&b), "%00%01%02"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&b), "%22"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&b), "%5C"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&b), "%25"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&b), "%FF"));
	buf_release(&b);
}

static void counts_above_two_to_the_53_are_strings(void)
{
	struct record r = sample();
	struct buf b;

	buf_init(&b, 65536);
	r.bytes = UINT64_C(1) << 53;
	CU_ASSERT_EQUAL(record_write(&b, &r), 0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(buf_str(&b), "\"bytes\":9007199254740992,"));
	buf_reset(&b);
	r.bytes++;
	CU_ASSERT_EQUAL(record_write(&b, &r), 0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(buf_str(&b), "\"bytes\":\"9007199254740993\","));
	buf_reset(&b);
	r.bytes = UINT64_MAX;
	CU_ASSERT_EQUAL(record_write(&b, &r), 0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(buf_str(&b), "\"bytes\":\"18446744073709551615\","));
	buf_release(&b);
}

static void record_of_no_class_or_disposition_is_not_written(void)
{
	struct record good = sample(), r;
	struct buf b;

	buf_init(&b, 65536);
	CU_ASSERT_EQUAL(record_write(&b, &good), 0);
	buf_reset(&b);
	r = good;
	r.cls = CLASS_UNKNOWN;
	CU_ASSERT_EQUAL(record_write(&b, &r), -1);
	r = good;
	r.cls = CLASS_COUNT;
	CU_ASSERT_EQUAL(record_write(&b, &r), -1);
	r = good;
	r.disposition = DISPOSITION_NONE;
	CU_ASSERT_EQUAL(record_write(&b, &r), -1);
	r = good;
	r.source = "";
	CU_ASSERT_EQUAL(record_write(&b, &r), -1);
	r.source = "a\",\"x\":\"";
	CU_ASSERT_EQUAL(record_write(&b, &r), -1);
	r.source = "Media";
	CU_ASSERT_EQUAL(record_write(&b, &r), -1);
	CU_ASSERT_EQUAL(b.len, 0);
	buf_release(&b);
}

static void full_buffer_is_an_error_and_not_half_a_record(void)
{
	struct record r = sample();
	struct buf b;

	buf_init(&b, strlen(sample_text));
	CU_ASSERT_EQUAL(record_write(&b, &r), 0);
	buf_release(&b);
	buf_init(&b, strlen(sample_text) - 1);
	CU_ASSERT_EQUAL(record_write(&b, &r), -1);
	CU_ASSERT(buf_failed(&b));
	buf_release(&b);
}

static void outcome_is_the_planned_text_with_its_verdict(void)
{
	struct buf b;
	char want[512];

	buf_init(&b, 65536);
	for (int v = 0; v < VERDICT_COUNT; v++) {
		buf_reset(&b);
		int rc = record_outcome(&b, sample_text, strlen(sample_text),
					(enum verdict)v);
		if (v == VERDICT_NONE_FOUND) {
			CU_ASSERT_EQUAL(rc, -1);
			CU_ASSERT_EQUAL(b.len, 0);
			continue;
		}
		CU_ASSERT_EQUAL(rc, 0);
		snprintf(want, sizeof(want), "%.*s,\"verdict\":\"%s\"}",
			 (int)strlen(sample_text) - 1, sample_text,
			 verdict_name((enum verdict)v));
		CU_ASSERT_STRING_EQUAL(buf_str(&b), want);
	}
	buf_reset(&b);
	CU_ASSERT_EQUAL(record_outcome(&b, sample_text, 5, VERDICT_DESTROYED),
			-1);
	CU_ASSERT_EQUAL(record_outcome(&b, sample_text, strlen(sample_text),
				       VERDICT_COUNT),
			-1);
	buf_release(&b);
}

/* salt and leaf, once more with the plainest tools of base/ */
static void salt_and_leaf_follow_their_definition(void)
{
	unsigned char secret[32], salt[SHA_LEN], leaf[SHA_LEN], want[SHA_LEN];
	unsigned char pad[64 + 64], inner[SHA_LEN], outer[64 + SHA_LEN];
	static const char message[] = "media\0clients/7/a.jpg\0v1";

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (unsigned char)(i * 7);
	struct leafer *l = leafer_new(secret, sizeof(secret));
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	struct record r = sample();
	leafer_salt(l, salt, r.source, r.id, r.id_len);

	/* HMAC by hand (RFC 2104) */
	size_t n = sizeof(message) - 1;
	for (size_t i = 0; i < 64; i++) {
		unsigned char k = i < sizeof(secret) ? secret[i] : 0;
		pad[i] = k ^ 0x36;
		outer[i] = k ^ 0x5c;
	}
	memcpy(pad + 64, message, n);
	sha_once(inner, pad, 64 + n, NULL);
	memcpy(outer + 64, inner, SHA_LEN);
	sha_once(want, outer, sizeof(outer), NULL);
	CU_ASSERT_EQUAL(memcmp(salt, want, SHA_LEN), 0);

	unsigned char all[1 + SHA_LEN + 256] = {0};
	size_t len = strlen(sample_text);
	memcpy(all + 1, salt, SHA_LEN);
	memcpy(all + 1 + SHA_LEN, sample_text, len);
	sha_once(want, all, 1 + SHA_LEN + len, NULL);
	leafer_leaf(l, leaf, salt, sample_text, len);
	CU_ASSERT_EQUAL(memcmp(leaf, want, SHA_LEN), 0);
	leafer_free(l);
	leafer_free(NULL);
}

static void salts_differ_by_secret_source_and_item(void)
{
	unsigned char a[SHA_LEN], b[SHA_LEN];
	const unsigned char *id = (const unsigned char *)"bc";
	struct leafer *l = leafer_new((const unsigned char *)"secret", 6);
	struct leafer *m = leafer_new((const unsigned char *)"Secret", 6);

	leafer_salt(l, a, "a", id, 2);
	leafer_salt(l, b, "a", id, 2);
	CU_ASSERT_EQUAL(memcmp(a, b, SHA_LEN), 0);
	leafer_salt(m, b, "a", id, 2);
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, SHA_LEN), 0);
	leafer_salt(l, b, "a", id, 1);
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, SHA_LEN), 0);
	/* the same letters, divided otherwise */
	leafer_salt(l, b, "ab", id + 1, 1);
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, SHA_LEN), 0);
	leafer_free(l);
	leafer_free(m);
}

/* ---- inventory lines ---------------------------------------------------- */

static int parse(const char *line, size_t len, enum err_code *code)
{
	struct err e = ERR_INIT;
	struct inventory_line out;
	struct buf strings;

	buf_init(&strings, 65536);
	int rc = inventory_parse(&out, &strings, line, len, &e);
	buf_release(&strings);
	*code = e.code;
	return rc;
}

static void inventory_line_reads_back_what_was_written(void)
{
	struct record r = sample();
	struct buf text, line, strings;
	struct inventory_line got;
	struct err e = ERR_INIT;
	unsigned char salt[SHA_LEN], id[256];

	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (unsigned char)(255 - i);
	memset(salt, 0x5a, sizeof(salt));
	buf_init(&text, 65536);
	buf_init(&line, 65536);
	buf_init(&strings, 65536);
	r.id = id;
	r.id_len = sizeof(id);
	for (int v = 0; v < VERDICT_COUNT; v++) {
		buf_reset(&text);
		buf_reset(&line);
		r.cls = (enum copy_class)(1 + v % (CLASS_COUNT - 1));
		r.bytes = v % 2 != 0 ? UINT64_MAX - (uint64_t)v : (uint64_t)v;
		r.rows = v % 3 == 0 ? 0 : UINT64_C(1) << (v * 5);
		r.disposition = (enum disposition)(1 + v % 3);
		r.retention = v % 3 == 2 ? "bills \"2020\"" : NULL;
		CU_ASSERT_EQUAL_FATAL(record_write(&text, &r), 0);
		int rc = inventory_write(&line, salt, (enum verdict)v,
					 buf_str(&text), text.len);
		if (v == VERDICT_NONE_FOUND) {
			CU_ASSERT_EQUAL(rc, -1);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(rc, 0);
		CU_ASSERT_EQUAL(line.data[line.len - 1], '\n');
		CU_ASSERT_EQUAL_FATAL(inventory_parse(&got, &strings,
						      buf_str(&line),
						      line.len - 1, &e),
				      0);
		CU_ASSERT_EQUAL(memcmp(got.salt, salt, SHA_LEN), 0);
		CU_ASSERT_EQUAL(got.verdict, v);
		CU_ASSERT_EQUAL(got.text_len, text.len);
		CU_ASSERT_EQUAL(memcmp(got.text, text.data, text.len), 0);
		CU_ASSERT_STRING_EQUAL(got.record.source, r.source);
		CU_ASSERT_EQUAL(got.record.id_len, r.id_len);
		CU_ASSERT_EQUAL(memcmp(got.record.id, id, r.id_len), 0);
		CU_ASSERT_EQUAL(got.record.cls, r.cls);
		CU_ASSERT_EQUAL(got.record.bytes, r.bytes);
		CU_ASSERT_EQUAL(got.record.rows, r.rows);
		CU_ASSERT_EQUAL(memcmp(got.record.digest, r.digest, SHA_LEN),
				0);
		CU_ASSERT_EQUAL(got.record.disposition, r.disposition);
		if (r.retention == NULL) {
			CU_ASSERT_PTR_NULL(got.record.retention);
		} else {
			CU_ASSERT_STRING_EQUAL(got.record.retention,
					       r.retention);
		}
	}
	buf_release(&text);
	buf_release(&line);
	buf_release(&strings);
}

#define HEAD S64 " destroyed-verified "
#define REC(source, item, cls, bytes, digest, disposition)                     \
	HEAD "{\"source\":\"" source "\",\"item\":\"" item                     \
	     "\",\"class\":\"" cls "\",\"bytes\":" bytes                       \
	     ",\"digest\":\"" digest "\",\"disposition\":\"" disposition "\"}"

struct mutation {
	const char *name, *line;
};

static const struct mutation mutations[] = {
	{"salt too short", "0101 destroyed {}"},
	{"salt in upper case",
	 "AB01010101010101010101010101010101010101010101010101010101010101 "
	 "destroyed {}"},
	{"salt not hexadecimal",
	 "zz01010101010101010101010101010101010101010101010101010101010101 "
	 "destroyed {}"},
	{"no verdict", S64},
	{"no record", S64 " destroyed"},
	{"verdict nobody knows", S64 " gone {}"},
	{"verdict of a class",
	 S64 " none-found {\"source\":\"m\",\"item\":\"a\",\"class\":"
	     "\"current\",\"bytes\":1,\"digest\":\"" D64
	     "\",\"disposition\":\"destroy\"}"},
	{"unknown class", REC("m", "a", "unknown", "1", D64, "destroy")},
	{"class nobody knows", REC("m", "a", "spare", "1", D64, "destroy")},
	{"disposition none", REC("m", "a", "current", "1", D64, "none")},
	{"leading zero", REC("m", "a", "current", "01", D64, "destroy")},
	{"small number as string",
	 REC("m", "a", "current", "\"1\"", D64, "destroy")},
	{"large number as number",
	 REC("m", "a", "current", "9007199254740993", D64, "destroy")},
	{"number beyond 64 bits",
	 REC("m", "a", "current", "\"18446744073709551616\"", D64, "destroy")},
	{"negative number", REC("m", "a", "current", "-1", D64, "destroy")},
	{"no number", REC("m", "a", "current", "", D64, "destroy")},
	{"space after a colon", REC("m", "a", "current", " 1", D64, "destroy")},
	{"rows of zero",
	 REC("m", "a", "current", "1,\"rows\":0", D64, "destroy")},
	{"a key twice",
	 REC("m", "a", "current", "1,\"bytes\":1", D64, "destroy")},
	{"an unknown key",
	 REC("m", "a", "current", "1,\"more\":1", D64, "destroy")},
	{"escape in lower case",
	 REC("m", "a%0a", "current", "1", D64, "destroy")},
	{"escape of a plain letter",
	 REC("m", "%41", "current", "1", D64, "destroy")},
	{"half an escape", REC("m", "a%0", "current", "1", D64, "destroy")},
	{"a byte that must be escaped",
	 REC("m", "\x01", "current", "1", D64, "destroy")},
	{"a JSON escape", REC("m", "a\\u0062", "current", "1", D64, "destroy")},
	{"a byte above ASCII",
	 REC("m", "\xc3\xa9", "current", "1", D64, "destroy")},
	{"digest in upper case",
	 REC("m", "a", "current", "1",
	     "ABababababababababababababababababababababababababababababababab",
	     "destroy")},
	{"digest too short", REC("m", "a", "current", "1", "abab", "destroy")},
	{"source with a capital",
	 REC("M", "a", "current", "1", D64, "destroy")},
	{"empty source", REC("", "a", "current", "1", D64, "destroy")},
	{"text after the record",
	 REC("m", "a", "current", "1", D64, "destroy") " "},
	{"two spaces before the record", S64 " destroyed  {\"source\":\"m\"}"},
	{"an outcome record",
	 REC("m", "a", "current", "1", D64,
	     "destroy\",\"verdict\":\"destroyed-verified")},
	{"retention empty-handed",
	 REC("m", "a", "current", "1", D64, "retain\",\"retention\":\"") "\"}"},
	{"retention with a NUL",
	 REC("m", "a", "current", "1", D64, "retain\",\"retention\":\"a%00b")},
};

static void every_other_way_to_write_a_line_is_refused(void)
{
	enum err_code code;
	const char *good = REC("m", "a", "current", "1", D64, "destroy");

	CU_ASSERT_EQUAL(parse(good, strlen(good), &code), 0);
	good = REC("m", "a", "current", "\"9007199254740993\",\"rows\":2", D64,
		   "retain\",\"retention\":\"x");
	CU_ASSERT_EQUAL(parse(good, strlen(good), &code), 0);
	for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
		const char *line = mutations[i].line;
		int rc = parse(line, strlen(line), &code);
		if (rc == 0 || code != ERR_INVALID)
			printf("# accepted: %s\n", mutations[i].name);
		CU_ASSERT_EQUAL(rc, -1);
		CU_ASSERT_EQUAL(code, ERR_INVALID);
	}
}

/* Each prefix, and each byte changed: refused, or read as another line that
 * is itself written in the one right way. */
static void no_cut_or_flipped_byte_reads_as_the_same_item(void)
{
	const char *good = REC("media", "a%00b", "current", "17", D64,
			       "retain\",\"retention\":\"x");
	size_t len = strlen(good);
	char line[512];
	enum err_code code;
	size_t accepted = 0;

	CU_ASSERT_EQUAL(parse(good, len, &code), 0);
	for (size_t n = 0; n < len; n++)
		CU_ASSERT_EQUAL(parse(good, n, &code), -1);
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			struct inventory_line got;
			struct err e = ERR_INIT;
			struct buf strings, again;
			memcpy(line, good, len + 1);
			line[i] = (char)(line[i] ^ (1 << bit));
			buf_init(&strings, 65536);
			buf_init(&again, 65536);
			if (inventory_parse(&got, &strings, line, len, &e) ==
			    0) {
				accepted++;
				CU_ASSERT_EQUAL(
					inventory_write(&again, got.salt,
							got.verdict, got.text,
							got.text_len),
					0);
				CU_ASSERT_EQUAL(again.len, len + 1);
				CU_ASSERT_EQUAL(memcmp(again.data, line, len),
						0);
			}
			buf_release(&strings);
			buf_release(&again);
		}
	}
	/* other digits and letters are other items, and readable */
	CU_ASSERT(accepted > 0);
}

static void nul_in_a_verdict_does_not_end_it(void)
{
	char line[512];
	static const char good[] =
		S64 " destroyed {\"source\":\"m\",\"item\":\"a\",\"class\":"
		    "\"current\",\"bytes\":1,\"digest\":\"" D64
		    "\",\"disposition\":\"destroy\"}";
	enum err_code code;

	CU_ASSERT_EQUAL(parse(good, sizeof(good) - 1, &code), 0);
	memcpy(line, good, 74);
	line[74] = '\0';
	memcpy(line + 75, good + 74, sizeof(good) - 74);
	CU_ASSERT_EQUAL(parse(line, sizeof(good), &code), -1);
	CU_ASSERT_EQUAL(code, ERR_INVALID);
}

static void a_line_longer_than_the_buffer_is_no_verdict_on_the_evidence(void)
{
	const char *good = REC("m", "a", "current", "1", D64, "destroy");
	struct inventory_line out;
	struct err e = ERR_INIT;
	struct buf strings;

	buf_init(&strings, strlen(good) + 3);
	CU_ASSERT_EQUAL(inventory_parse(&out, &strings, good, strlen(good), &e),
			0);
	buf_release(&strings);
	buf_init(&strings, strlen(good) + 2);
	CU_ASSERT_EQUAL(inventory_parse(&out, &strings, good, strlen(good), &e),
			-1);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	buf_release(&strings);
}

/* ---- the page's own steps ----------------------------------------------- */

/* Runs the shell blocks of docs/formats/inventory.md over the lines of one
 * source; roots receives what they print: planned, outcome. */
static void page_roots(char roots[2][66], const char *dir, const char *source)
{
	static const char script[] =
		"set -eu; sed -n '/^ *```sh$/,/^ *```$/p' "
		"docs/formats/inventory.md | grep -v '```' > \"$1/steps.sh\"; "
		"test \"$(grep -c . \"$1/steps.sh\")\" -gt 15; cd \"$1\"; "
		"S=$2 L=lines sh -eu steps.sh";
	int fds[2], status;
	size_t n = 0;
	char out[2 * 65 + 1] = "";

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execlp("sh", "sh", "-c", script, "sh", dir, source,
		       (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	for (ssize_t got = read(fds[0], out, sizeof(out) - 1); got > 0;
	     got = read(fds[0], out + n, sizeof(out) - 1 - n))
		n += (size_t)got;
	close(fds[0]);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(n, sizeof(out) - 1);
	for (int i = 0; i < 2; i++) {
		memcpy(roots[i], out + (size_t)i * 65, 64);
		roots[i][64] = '\0';
	}
}

static void the_page_s_steps_give_the_same_roots(void)
{
	char dir[] = "/tmp/quietus-record-XXXXXX", path[64], want[65];
	char got[2][66];
	static const char *const sources[] = {"app", "media", "none"};
	struct leafer *l = leafer_new((const unsigned char *)"case secret", 11);
	struct buf lines, text, outcome;
	struct err e = ERR_INIT;
	unsigned char salt[SHA_LEN], leaf[SHA_LEN], root[3][2][SHA_LEN];

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/lines", dir);
	buf_init(&lines, 65536);
	buf_init(&text, 65536);
	buf_init(&outcome, 65536);
	for (size_t s = 0; s < 3; s++) {
		struct merkle *planned = merkle_new(), *done = merkle_new();
		size_t n = s == 0 ? 1 : s == 1 ? 5 : 0;
		for (size_t i = 0; i < n; i++) {
			struct record r = sample();
			unsigned char id[] = {
				'a', '%', '\\', '"', 0xe9, 0, (unsigned char)i};
			r.source = sources[s];
			r.id = id;
			r.id_len = sizeof(id);
			r.rows = i;
			enum verdict v = i % 2 != 0
						 ? VERDICT_ABSENT
						 : VERDICT_DESTROYED_VERIFIED;
			buf_reset(&text);
			buf_reset(&outcome);
			record_write(&text, &r);
			record_outcome(&outcome, buf_str(&text), text.len, v);
			leafer_salt(l, salt, r.source, r.id, r.id_len);
			leafer_leaf(l, leaf, salt, text.data, text.len);
			merkle_add(planned, leaf);
			leafer_leaf(l, leaf, salt, outcome.data, outcome.len);
			merkle_add(done, leaf);
			inventory_write(&lines, salt, v, buf_str(&text),
					text.len);
		}
		merkle_root(planned, root[s][0]);
		merkle_root(done, root[s][1]);
		merkle_free(planned);
		merkle_free(done);
	}
	CU_ASSERT_EQUAL_FATAL(file_write(path, lines.data, lines.len, &e), 0);
	for (size_t s = 0; s < 3; s++) {
		page_roots(got, dir, sources[s]);
		for (int k = 0; k < 2; k++) {
			hex_encode(want, root[s][k], SHA_LEN);
			CU_ASSERT_STRING_EQUAL(got[k], want);
		}
	}
	/* planned and outcome differ, so that neither stood in for the other */
	CU_ASSERT_NOT_EQUAL(memcmp(root[1][0], root[1][1], SHA_LEN), 0);
	CU_ASSERT_EQUAL(file_shred_tree(dir, &e), 0);
	leafer_free(l);
	buf_release(&lines);
	buf_release(&text);
	buf_release(&outcome);
}

static void record_salt_and_leaf_take_about_a_microsecond(void)
{
	struct record r = sample();
	struct buf text, line, strings;
	struct inventory_line got;
	struct err e = ERR_INIT;
	unsigned char salt[SHA_LEN], leaf[SHA_LEN];
	char id[64];
	const size_t n = 200000;
	struct leafer *l = leafer_new((const unsigned char *)"case secret", 11);

	buf_init(&text, 65536);
	buf_init(&line, 65536);
	buf_init(&strings, 65536);
	double start = clock_elapsed();
	for (size_t i = 0; i < n; i++) {
		r.id_len =
			(size_t)snprintf(id, sizeof(id),
					 "clients/7/attachments/%08zu.jpg", i) +
			1;
		r.id = (const unsigned char *)id;
		buf_reset(&text);
		CU_ASSERT_FALSE(record_write(&text, &r) != 0);
		leafer_salt(l, salt, r.source, r.id, r.id_len);
		leafer_leaf(l, leaf, salt, text.data, text.len);
	}
	double took = clock_elapsed() - start;
	printf("# record, salt and leaf: %.2f microseconds\n",
	       took / (double)n * 1e6);
	CU_ASSERT(took / (double)n < 30e-6); /* wide: see merkle.c */
	inventory_write(&line, salt, VERDICT_DESTROYED, buf_str(&text),
			text.len);
	start = clock_elapsed();
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_FALSE(inventory_parse(&got, &strings, buf_str(&line),
						line.len - 1, &e) != 0);
	printf("# reading an inventory line: %.2f microseconds\n",
	       (clock_elapsed() - start) / (double)n * 1e6);
	leafer_free(l);
	buf_release(&text);
	buf_release(&line);
	buf_release(&strings);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(record_text_is_exactly_the_documented_one),
		UNIT(any_byte_of_an_id_is_plain_text_in_the_record),
		UNIT(counts_above_two_to_the_53_are_strings),
		UNIT(record_of_no_class_or_disposition_is_not_written),
		UNIT(full_buffer_is_an_error_and_not_half_a_record),
		UNIT(outcome_is_the_planned_text_with_its_verdict),
		UNIT(salt_and_leaf_follow_their_definition),
		UNIT(salts_differ_by_secret_source_and_item),
		UNIT(inventory_line_reads_back_what_was_written),
		UNIT(every_other_way_to_write_a_line_is_refused),
		UNIT(no_cut_or_flipped_byte_reads_as_the_same_item),
		UNIT(nul_in_a_verdict_does_not_end_it),
		UNIT(a_line_longer_than_the_buffer_is_no_verdict_on_the_evidence),
		UNIT(the_page_s_steps_give_the_same_roots),
		UNIT(record_salt_and_leaf_take_about_a_microsecond),
		{NULL, NULL}};
	return unit_run("record", tests);
}
