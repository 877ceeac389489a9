/* base.c: the foundation that both sides of the trust boundary stand on. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "certs/base/buf.h"
#include "certs/base/clock.h"
#include "certs/base/err.h"
#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/base/json.h"
#include "certs/base/sha.h"
#include "certs/base/wipe.h"
#include "certs/base/words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char top[256]; /* a folder of this run, removed at its end */

/* A path in that folder; each of four slots is overwritten in turn. */
static const char *at(const char *name)
{
	static char paths[4][512];
	static size_t next;
	char *path = paths[next++ % COUNT(paths)];
	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT(fputs(text, f) >= 0);
	CU_ASSERT(fclose(f) == 0);
}

static bool holds(const char *path, const char *text)
{
	struct err e = ERR_INIT;
	struct buf b;
	buf_init(&b, 1 << 20);
	bool same =
		file_read(&b, path, &e) == 0 && strcmp(buf_str(&b), text) == 0;
	buf_release(&b);
	return same;
}

/* ---- err ---------------------------------------------------------------- */

static void first_message_wins(void)
{
	struct err e = ERR_INIT;
	CU_ASSERT(err_set(&e, ERR_DENIED, "no %s", "right") == -1);
	CU_ASSERT(err_set(&e, ERR_USAGE, "second") == -1);
	CU_ASSERT_EQUAL(e.code, ERR_DENIED);
	CU_ASSERT_STRING_EQUAL(e.msg, "no right");
	CU_ASSERT(err_add(&e, "opening %s", "media") == -1);
	CU_ASSERT_STRING_EQUAL(e.msg, "opening media: no right");
	CU_ASSERT_EQUAL(e.code, ERR_DENIED);
	err_clear(&e);
	CU_ASSERT_EQUAL(e.code, ERR_NONE);
	CU_ASSERT_STRING_EQUAL(e.msg, "");
	err_set(&e, ERR_USAGE, "third");
	CU_ASSERT_STRING_EQUAL(e.msg, "third");
}

static void long_messages_are_cut_in_bounds(void)
{
	static char text[3000];
	struct err e = ERR_INIT;
	memset(text, 'x', sizeof(text) - 1);
	err_set(&e, ERR_FAILED, "%s", text);
	CU_ASSERT_EQUAL(strlen(e.msg), sizeof(e.msg) - 1);
	err_add(&e, "%s", text);
	CU_ASSERT(strlen(e.msg) < sizeof(e.msg));
	CU_ASSERT(strstr(e.msg, "x: x") != NULL);
	err_clear(&e);
	errno = EIO;
	err_errno(&e, "%s", text);
	CU_ASSERT_EQUAL(strlen(e.msg), sizeof(e.msg) - 1);
}

static void system_errors_say_why(void)
{
	struct err e = ERR_INIT;
	errno = EACCES;
	CU_ASSERT(err_errno(&e, "reading %s", "a") == -1);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	CU_ASSERT_STRING_EQUAL(e.msg, "reading a: Permission denied");
	err_clear(&e);
	errno = ENOENT;
	err_errno(&e, "reading b");
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
}

static void openssl_errors_say_why_and_empty_the_queue(void)
{
	struct err e = ERR_INIT;
	ERR_clear_error();
	ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
	ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
	CU_ASSERT(ERR_peek_error() != 0);
	CU_ASSERT(err_openssl(&e, ERR_INVALID, "signing") == -1);
	CU_ASSERT_EQUAL(e.code, ERR_INVALID);
	CU_ASSERT_STRING_EQUAL(e.msg, "signing: malloc failure");
	CU_ASSERT_EQUAL(ERR_peek_error(), 0);
	err_clear(&e);
	err_openssl(&e, ERR_INVALID, "signing");
	CU_ASSERT_STRING_EQUAL(e.msg, "signing");
}

/* ---- buf ---------------------------------------------------------------- */

static void buffer_holds_its_maximum_and_not_a_byte_more(void)
{
	struct buf b;
	buf_init(&b, 100);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
	for (int i = 0; i < 100; i++)
		CU_ASSERT(buf_putc(&b, 'a') == 0);
	CU_ASSERT_EQUAL(b.len, 100);
	CU_ASSERT(!buf_failed(&b));
	CU_ASSERT(buf_putc(&b, 'b') == -1);
	CU_ASSERT(buf_failed(&b));
	CU_ASSERT_EQUAL(b.len, 100);
	CU_ASSERT_EQUAL(b.data[100], '\0');
	buf_release(&b);
	CU_ASSERT(!buf_failed(&b));
	CU_ASSERT(buf_puts(&b, "again") == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "again");
	buf_release(&b);
}

static void failed_buffer_takes_nothing_more(void)
{
	struct buf b;
	buf_init(&b, 4);
	CU_ASSERT(buf_puts(&b, "ab") == 0);
	CU_ASSERT(buf_puts(&b, "cde") == -1);
	/* "c" would fit, but a hole in the middle would go unseen */
	CU_ASSERT(buf_puts(&b, "c") == -1);
	CU_ASSERT(buf_reserve(&b, 1) == NULL);
	CU_ASSERT(buf_put(&b, "", 0) == -1);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "ab");
	buf_reset(&b);
	CU_ASSERT(buf_puts(&b, "cdef") == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "cdef");
	buf_release(&b);
}

static void sizes_that_overflow_are_refused(void)
{
	struct buf b;
	buf_init(&b, 1000);
	CU_ASSERT(buf_puts(&b, "x") == 0);
	CU_ASSERT(buf_reserve(&b, SIZE_MAX) == NULL);
	CU_ASSERT(buf_failed(&b));
	buf_reset(&b);
	CU_ASSERT(buf_puts(&b, "x") == 0);
	CU_ASSERT(buf_reserve(&b, SIZE_MAX - 1) == NULL);
	buf_release(&b);
}

static void formatted_text_of_any_length_is_whole(void)
{
	/* around the 512 bytes up to which no second pass is made */
	for (int n = 508; n < 516; n++) {
		struct buf b;
		buf_init(&b, 4096);
		CU_ASSERT(buf_putf(&b, "%0*d|%s", n, 7, "end") == 0);
		CU_ASSERT_EQUAL(b.len, (size_t)n + 4);
		CU_ASSERT_EQUAL(strlen(buf_str(&b)), b.len);
		CU_ASSERT_STRING_EQUAL(buf_str(&b) + n - 1, "7|end");
		buf_release(&b);
	}
	struct buf b;
	buf_init(&b, 600);
	CU_ASSERT(buf_putf(&b, "%0700d", 1) == -1);
	CU_ASSERT(buf_failed(&b));
	CU_ASSERT_EQUAL(b.len, 0);
	buf_release(&b);
}

static void decimal_numbers_read_back(void)
{
	struct buf b;
	buf_init(&b, 200);
	buf_put_u64(&b, 0);
	buf_putc(&b, ' ');
	buf_put_u64(&b, 1234567890);
	buf_putc(&b, ' ');
	CU_ASSERT(buf_put_u64(&b, UINT64_MAX) == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b),
			       "0 1234567890 18446744073709551615");
	buf_release(&b);
}

static void consumed_bytes_leave_the_rest_in_place(void)
{
	struct buf b;
	buf_init(&b, 100);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "abcdef");
	buf_consume(&b, 2);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "cdef");
	CU_ASSERT_EQUAL(b.len, 4);
	buf_consume(&b, 99);
	CU_ASSERT_EQUAL(b.len, 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
	buf_release(&b);
}

static void secret_buffer_is_wiped_when_emptied(void)
{
	struct buf b;
	buf_init_secret(&b, 1000);
	buf_puts(&b, "topsecret");
	CU_ASSERT(memcmp(b.data, "topsecret", 9) == 0);
	buf_reset(&b);
	CU_ASSERT_FATAL(b.data != NULL);
	for (size_t i = 0; i < b.size; i++)
		CU_ASSERT_EQUAL(b.data[i], 0);
	/* growing keeps the content */
	buf_puts(&b, "secret");
	for (int i = 0; i < 300; i++)
		buf_putc(&b, '.');
	CU_ASSERT(memcmp(b.data, "secret...", 9) == 0);
	CU_ASSERT_EQUAL(b.len, 306);
	buf_release(&b);
}

static void wiped_memory_is_zero(void)
{
	unsigned char key[] = "0123456789";
	CU_ASSERT_EQUAL(key[5], '5');
	wipe(key, sizeof(key));
	for (size_t i = 0; i < sizeof(key); i++)
		CU_ASSERT_EQUAL(key[i], 0);
	wipe_free(NULL);
	char *text = strdup("secret");
	CU_ASSERT_FATAL(text != NULL);
	wipe_free(text);
}

/* ---- hex and names --------------------------------------------------------
 */

static void hex_reads_back_and_refuses_the_rest(void)
{
	static const unsigned char in[] = {0x00, 0x09, 0xaf, 0xff};
	unsigned char out[4] = {1, 1, 1, 1};
	char text[9];
	hex_encode(text, in, sizeof(in));
	CU_ASSERT_STRING_EQUAL(text, "0009afff");
	CU_ASSERT(hex_decode(out, 4, text) == 0);
	CU_ASSERT(memcmp(in, out, 4) == 0);
	CU_ASSERT(hex_decode(out, 4, "0009AfFf") == 0);
	CU_ASSERT(memcmp(in, out, 4) == 0);
	CU_ASSERT(hex_decode(out, 4, "0009aff") == -1);
	CU_ASSERT(hex_decode(out, 4, "0009aff0f") == -1);
	CU_ASSERT(hex_decode(out, 4, "0009afg0") == -1);
	CU_ASSERT(hex_decode(out, 4, " 009af00") == -1);
	CU_ASSERT(hex_decode(out, 0, "") == 0);
}

static void escaped_names_of_all_bytes_read_back(void)
{
	unsigned char all[256];
	struct buf text, back;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	buf_init(&text, 4096);
	buf_init(&back, 4096);
	CU_ASSERT(name_escape(&text, all, sizeof(all)) == 0);
	for (size_t i = 0; i < text.len; i++)
		CU_ASSERT(text.data[i] >= 0x20 && text.data[i] <= 0x7e &&
			  text.data[i] != '"' && text.data[i] != '\\');
	CU_ASSERT(name_unescape(&back, buf_str(&text), text.len) == 0);
	CU_ASSERT_EQUAL(back.len, sizeof(all));
	CU_ASSERT(memcmp(back.data, all, sizeof(all)) == 0);
	buf_release(&text);
	buf_release(&back);
}

static void name_has_one_escaped_form_only(void)
{
	static const char *const bad[] = {
		"%",	"a%4",	"%zz",	"%41", /* A needs no escape */
		"a\"b", "a\\b", "a\nb", "\x7f", "\xc3\xa9", "%2", "%-1",
	};
	struct buf b;
	buf_init(&b, 100);
	CU_ASSERT(name_escape(&b, "a%\"\\\n\xc3", 6) == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "a%25%22%5C%0A%C3");
	for (size_t i = 0; i < COUNT(bad); i++) {
		buf_reset(&b);
		CU_ASSERT(name_unescape(&b, bad[i], strlen(bad[i])) == -1);
	}
	buf_release(&b);
	buf_init(&b, 2);
	CU_ASSERT(name_escape(&b, "\n", 1) == -1);
	CU_ASSERT(name_unescape(&b, "abc", 3) == -1);
	buf_release(&b);
}

/* ---- digests --------------------------------------------------------------
 */

static void hex_is(const unsigned char digest[SHA_LEN], const char *want)
{
	char got[2 * SHA_LEN + 1];
	hex_encode(got, digest, SHA_LEN);
	CU_ASSERT_STRING_EQUAL(got, want);
}

/* FIPS 180-2, appendix B, and the empty message. */
static const char *const sha_empty =
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char *const sha_abc =
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char *const sha_million =
	"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void sha_gives_the_published_digests(void)
{
	struct err e = ERR_INIT;
	unsigned char out[SHA_LEN];
	CU_ASSERT(sha_once(out, "", 0, &e) == 0);
	hex_is(out, sha_empty);
	CU_ASSERT(sha_once(out, "abc", 3, &e) == 0);
	hex_is(out, sha_abc);
	struct sha *s = sha_new();
	CU_ASSERT_FATAL(s != NULL);
	/* one context, many messages, cut anywhere */
	for (int round = 0; round < 2; round++) {
		char block[1000];
		memset(block, 'a', sizeof(block));
		sha_start(s);
		for (int i = 0; i < 1000; i++) {
			sha_add(s, block, (size_t)i);
			sha_add(s, block, sizeof(block) - (size_t)i);
		}
		sha_end(s, out);
		hex_is(out, sha_million);
	}
	sha_start(s);
	sha_add(s, "forgotten", 9);
	sha_start(s);
	sha_add(s, "abc", 3);
	sha_end(s, out);
	hex_is(out, sha_abc);
	sha_free(s);
	sha_free(NULL);
}

static void sha_of_a_file_is_that_of_its_bytes(void)
{
	struct err e = ERR_INIT;
	unsigned char out[SHA_LEN];
	put(at("abc"), "abc");
	CU_ASSERT(sha_file(out, at("abc"), &e) == 0);
	hex_is(out, sha_abc);
	char *long_text = malloc(1000001);
	CU_ASSERT_FATAL(long_text != NULL);
	memset(long_text, 'a', 1000000);
	long_text[1000000] = '\0';
	put(at("abc"), long_text);
	free(long_text);
	CU_ASSERT(sha_file(out, at("abc"), &e) == 0);
	hex_is(out, sha_million);
	CU_ASSERT(unlink(at("abc")) == 0);
	CU_ASSERT(sha_file(out, at("abc"), &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
	err_clear(&e);
	CU_ASSERT(sha_file(out, top, &e) == -1); /* a folder has no bytes */
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
}

/* RFC 4231, section 4 (case 5 tests truncation, which is not used here). */
struct hmac_case {
	const char *key, *data, *want;
	size_t key_len, data_len; /* of a byte repeated; 0: the strings */
};
static const struct hmac_case hmac_cases[] = {
	{"\x0b", "Hi There",
	 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 20,
	 0},
	{"Jefe", "what do ya want for nothing?",
	 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 0,
	 0},
	{"\xaa", "\xdd",
	 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", 20,
	 50},
	{"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
	 "\x11\x12\x13\x14\x15\x16\x17\x18\x19",
	 "\xcd",
	 "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", 0,
	 50},
	{"\xaa", "Test Using Larger Than Block-Size Key - Hash Key First",
	 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	 131, 0},
	{"\xaa",
	 "This is a test using a larger than block-size key and a larger "
	 "than block-size data. The key needs to be hashed before being "
	 "used by the HMAC algorithm.",
	 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
	 131, 0},
};

static size_t spread(char *out, const char *in, size_t repeated)
{
	size_t n = repeated != 0 ? repeated : strlen(in);
	for (size_t i = 0; i < n; i++)
		out[i] = repeated != 0 ? in[0] : in[i];
	return n;
}

static void hmac_gives_the_digests_of_rfc_4231(void)
{
	for (size_t i = 0; i < COUNT(hmac_cases); i++) {
		const struct hmac_case *c = &hmac_cases[i];
		char key[200], data[200];
		unsigned char out[SHA_LEN];
		size_t key_len = spread(key, c->key, c->key_len);
		size_t len = spread(data, c->data, c->data_len);
		struct hmac *h = hmac_new(key, key_len);
		CU_ASSERT_FATAL(h != NULL);
		/* the key serves many messages */
		for (int round = 0; round < 2; round++) {
			hmac_start(h);
			hmac_add(h, data, len / 2);
			hmac_add(h, data + len / 2, len - len / 2);
			hmac_end(h, out);
			hex_is(out, c->want);
		}
		hmac_free(h);
	}
	hmac_free(NULL);
}

/* ---- clock ----------------------------------------------------------------
 */

static void times_read_back_as_written(void)
{
	static const struct {
		int64_t t;
		const char *text;
	} known[] = {
		{0, "1970-01-01T00:00:00Z"},
		{-1, "1969-12-31T23:59:59Z"},
		{951782400, "2000-02-29T00:00:00Z"},
		{1798588800, "2026-12-30T00:00:00Z"},
		{4107542399, "2100-02-28T23:59:59Z"},
		{4107542400, "2100-03-01T00:00:00Z"}, /* no leap year */
		{253402300799, "9999-12-31T23:59:59Z"},
		{-62135596800, "0001-01-01T00:00:00Z"},
	};
	for (size_t i = 0; i < COUNT(known); i++) {
		char text[CLOCK_TEXT];
		int64_t t = 42;
		clock_text(text, known[i].t);
		CU_ASSERT_STRING_EQUAL(text, known[i].text);
		CU_ASSERT(clock_parse(&t, known[i].text) == 0);
		CU_ASSERT_EQUAL(t, known[i].t);
	}
	int64_t t;
	CU_ASSERT(clock_parse(&t, "2026-12-30") == 0);
	CU_ASSERT_EQUAL(t, 1798588800);
}

static void other_ways_to_write_a_time_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-12",
		"2026-12-3",
		"26-12-30",
		"2026-13-01",
		"2026-00-01",
		"2026-01-00",
		"2026-02-29",
		"2100-02-29",
		"2026-04-31",
		"2026-12-30T",
		"2026-12-30T00:00Z",
		"2026-12-30T00:00:00",
		"2026-12-30T00:00:00z",
		"2026-12-30 00:00:00Z",
		"2026-12-30T24:00:00Z",
		"2026-12-30T00:60:00Z",
		"2026-12-30T23:59:60Z",
		"2026-12-30T00:00:00Z ",
		"2026-12-30T00:00:00.0Z",
		"2026-12-30T00:00:00+00:00",
		" 2026-12-30",
		"2026-12-30 ",
		"+026-12-30",
		"2026-1--30",
	};
	int64_t t = 42;
	CU_ASSERT(clock_parse(&t, "2028-02-29") == 0);
	t = 42;
	for (size_t i = 0; i < COUNT(bad); i++)
		CU_ASSERT(clock_parse(&t, bad[i]) == -1);
	CU_ASSERT_EQUAL(t, 42);
}

static void clocks_run(void)
{
	CU_ASSERT(clock_now() > 1700000000);
	double before = clock_elapsed();
	struct timespec pause = {0, 5000000};
	nanosleep(&pause, NULL);
	CU_ASSERT(clock_elapsed() >= before + 0.005);
	char text[CLOCK_TEXT];
	memset(text, 'x', sizeof(text));
	clock_text(text, INT64_MAX); /* beyond any year of four digits */
	CU_ASSERT_EQUAL(strlen(text), CLOCK_TEXT - 1);
}

/* ---- files ----------------------------------------------------------------
 */

static void written_file_is_private_and_whole(void)
{
	struct err e = ERR_INIT;
	struct stat st;
	mode_t old = umask(0);
	CU_ASSERT(file_write(at("w"), "one", 3, &e) == 0);
	CU_ASSERT(stat(at("w"), &st) == 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT(holds(at("w"), "one"));
	CU_ASSERT(file_write(at("w"), "two", 3, &e) == 0);
	CU_ASSERT(holds(at("w"), "two"));
	CU_ASSERT(file_write(at("w"), "", 0, &e) == 0);
	CU_ASSERT(holds(at("w"), ""));
	umask(old);
	CU_ASSERT(file_write(at("none/w"), "x", 1, &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
	CU_ASSERT(strstr(e.msg, "none/w") != NULL);
}

static void replacing_a_link_leaves_its_target(void)
{
	struct err e = ERR_INIT;
	struct stat st;
	put(at("target"), "kept");
	CU_ASSERT(symlink("target", at("link")) == 0);
	CU_ASSERT(holds(at("link"), "kept"));
	CU_ASSERT(file_write(at("link"), "new", 3, &e) == 0);
	CU_ASSERT(lstat(at("link"), &st) == 0 && S_ISREG(st.st_mode));
	CU_ASSERT(holds(at("link"), "new"));
	CU_ASSERT(holds(at("target"), "kept"));
}

static void created_file_replaces_nothing(void)
{
	struct err e = ERR_INIT;
	CU_ASSERT(file_create(at("dir0"), "x", 1, &e) == 0);
	CU_ASSERT(holds(at("dir0"), "x"));
	CU_ASSERT(file_create(at("dir0"), "y", 1, &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_REFUSED);
	CU_ASSERT(holds(at("dir0"), "x"));
	/* a link that leads nowhere is something as well */
	err_clear(&e);
	CU_ASSERT(symlink("nowhere", at("dangling")) == 0);
	CU_ASSERT(file_create(at("dangling"), "y", 1, &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_REFUSED);
	CU_ASSERT(!file_exists(at("nowhere")));
	CU_ASSERT(file_exists(at("dangling")));
}

static void failed_write_leaves_no_file_beside(void)
{
	struct err e = ERR_INIT;
	/* the folder "busy" cannot be replaced by a file: rename fails after
	 * the file beside it was written */
	CU_ASSERT(mkdir(at("beside"), 0700) == 0);
	CU_ASSERT(mkdir(at("beside/busy"), 0700) == 0);
	CU_ASSERT(file_write(at("beside/busy"), "x", 1, &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	err_clear(&e);
	CU_ASSERT(file_create(at("beside/busy"), "x", 1, &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_REFUSED);
	CU_ASSERT(rmdir(at("beside")) == -1 &&
		  (errno == ENOTEMPTY || errno == EEXIST));
	CU_ASSERT(rmdir(at("beside/busy")) == 0);
	/* only an empty folder can be removed: nothing was left in it */
	CU_ASSERT(rmdir(at("beside")) == 0);
}

static void reading_stops_at_the_maximum(void)
{
	struct err e = ERR_INIT;
	struct buf b;
	put(at("r"), "12345");
	buf_init(&b, 5);
	CU_ASSERT(file_read(&b, at("r"), &e) == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "12345");
	buf_release(&b);
	buf_init(&b, 4);
	CU_ASSERT(file_read(&b, at("r"), &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	CU_ASSERT(strstr(e.msg, "4 bytes") != NULL);
	buf_release(&b);
	err_clear(&e);
	buf_init(&b, 4);
	CU_ASSERT(file_read(&b, at("no-such"), &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
	err_clear(&e);
	CU_ASSERT(file_read(&b, top, &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	buf_release(&b);
}

static void folders_are_private_and_ours(void)
{
	struct err e = ERR_INIT;
	struct stat st;
	CU_ASSERT(file_mkdir(at("d"), &e) == 0);
	CU_ASSERT(stat(at("d"), &st) == 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);
	CU_ASSERT(file_mkdir(at("d"), &e) == 0);
	CU_ASSERT(chmod(at("d"), 0770) == 0);
	CU_ASSERT(file_mkdir(at("d"), &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_REFUSED);
	CU_ASSERT(strstr(e.msg, "chmod 700") != NULL);
	err_clear(&e);
	put(at("file"), "x");
	CU_ASSERT(file_mkdir(at("file"), &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_REFUSED);
	err_clear(&e);
	CU_ASSERT(file_mkdir(at("no/such"), &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
	err_clear(&e);
	CU_ASSERT(file_sync_dir(at("d"), &e) == 0);
	CU_ASSERT(file_sync_dir(at("file"), &e) == -1);
}

static void shredded_bytes_are_zeros_on_disk(void)
{
	struct err e = ERR_INIT;
	char got[5] = "";
	put(at("s"), "bytes");
	/* a descriptor keeps the content readable after the name is gone */
	int fd = open(at("s"), O_RDONLY);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT(pread(fd, got, 5, 0) == 5 && memcmp(got, "bytes", 5) == 0);
	CU_ASSERT(file_exists(at("s")));
	CU_ASSERT(file_shred(at("s"), &e) == 0);
	CU_ASSERT(!file_exists(at("s")));
	CU_ASSERT(pread(fd, got, 5, 0) == 5);
	CU_ASSERT(memcmp(got, "\0\0\0\0\0", 5) == 0);
	close(fd);
	CU_ASSERT(file_shred(at("s"), &e) == 0);
	CU_ASSERT_EQUAL(e.code, ERR_NONE);
}

static void shredding_follows_no_link(void)
{
	struct err e = ERR_INIT;
	struct stat st;
	put(at("outside"), "kept");
	CU_ASSERT(mkdir(at("far"), 0700) == 0);
	put(at("far/a"), "kept");
	CU_ASSERT(mkdir(at("tree"), 0700) == 0);
	CU_ASSERT(mkdir(at("tree/sub"), 0700) == 0);
	put(at("tree/sub/own"), "gone");
	CU_ASSERT(symlink("../outside", at("tree/file-link")) == 0);
	CU_ASSERT(symlink("../far", at("tree/folder-link")) == 0);
	/* a second name outside: the content is not ours alone */
	CU_ASSERT(link(at("outside"), at("tree/second-name")) == 0);
	CU_ASSERT(symlink("tree", at("tree-link")) == 0);
	CU_ASSERT(file_shred_tree(at("tree-link"), &e) == -1);
	CU_ASSERT(file_exists(at("tree/sub/own")));
	err_clear(&e);
	CU_ASSERT(file_shred_tree(at("tree"), &e) == 0);
	CU_ASSERT(!file_exists(at("tree")));
	CU_ASSERT(holds(at("outside"), "kept"));
	CU_ASSERT(stat(at("outside"), &st) == 0 && st.st_nlink == 1);
	CU_ASSERT(holds(at("far/a"), "kept"));
	CU_ASSERT(file_shred_tree(at("tree"), &e) == 0);
	CU_ASSERT_EQUAL(e.code, ERR_NONE);
}

static void lock_is_held_by_one_and_dies_with_its_holder(void)
{
	struct err e = ERR_INIT;
	int fd = -1, again = -1, status = 0;
	CU_ASSERT_FATAL(file_lock(&fd, at("lock"), &e) == 0);
	CU_ASSERT(file_lock(&again, at("lock"), &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_REFUSED);
	CU_ASSERT_EQUAL(again, -1);
	err_clear(&e);
	close(fd);
	pid_t pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0)
		_exit(file_lock(&fd, at("lock"), &e) == 0 ? 0 : 1);
	CU_ASSERT(waitpid(pid, &status, 0) == pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT(file_lock(&again, at("lock"), &e) == 0);
	close(again);
	CU_ASSERT(symlink("lock", at("lock-link")) == 0);
	CU_ASSERT(file_lock(&again, at("lock-link"), &e) == -1);
}

static void paths_are_joined_and_cut(void)
{
	static const struct {
		const char *dir, *name, *joined, *dirname;
	} cases[] = {
		{"a", "b", "a/b", "a"},
		{"/a", "b/c", "/a/b/c", "/a/b"},
		{"a", "/b", "/b", "/"},
		{".", "b", "./b", "."},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *joined = file_join(cases[i].dir, cases[i].name);
		CU_ASSERT_FATAL(joined != NULL);
		CU_ASSERT_STRING_EQUAL(joined, cases[i].joined);
		char *dir = file_dirname(joined);
		CU_ASSERT_FATAL(dir != NULL);
		CU_ASSERT_STRING_EQUAL(dir, cases[i].dirname);
		free(dir);
		free(joined);
	}
	char *dir = file_dirname("plain");
	CU_ASSERT_FATAL(dir != NULL);
	CU_ASSERT_STRING_EQUAL(dir, ".");
	free(dir);
}

/* ---- JSON -----------------------------------------------------------------
 */

static void loose_json_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"{}x",
		"{} {}",
		"[]",
		"1",
		"\"a\"",
		"null",
		"{\"a\":1,\"a\":1}",
		"{\"a\":{\"b\":1,\"b\":2}}",
		"{\"a\":1,}",
		"{'a':1}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":01}",
		"\xef\xbb\xbf{}",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e = ERR_INIT;
		CU_ASSERT(json_strict(bad[i], strlen(bad[i]), "plan", &e) ==
			  NULL);
		CU_ASSERT_EQUAL(e.code, ERR_INVALID);
		CU_ASSERT(strncmp(e.msg, "plan: ", 6) == 0);
	}
	struct err e = ERR_INIT;
	json_t *doc = json_strict(" {\"a\": 1}\n", 10, "plan", &e);
	CU_ASSERT_FATAL(doc != NULL);
	json_decref(doc);
	/* a NUL byte does not hide what follows it */
	CU_ASSERT(json_strict("{}\0x", 4, "plan", &e) == NULL);
}

static void nesting_without_end_is_refused(void)
{
	struct err e = ERR_INIT;
	struct buf b;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "{\"a\":");
	CU_ASSERT(json_strict(b.data, b.len, "plan", &e) == NULL);
	CU_ASSERT_EQUAL(e.code, ERR_INVALID);
	buf_release(&b);
}

static void unknown_keys_are_refused(void)
{
	static const char *const keys[] = {"a", "b", NULL};
	struct err e = ERR_INIT;
	json_t *doc = json_strict("{\"b\":1}", 7, "plan", &e);
	CU_ASSERT_FATAL(doc != NULL);
	CU_ASSERT(json_known(doc, keys, "plan", &e) == 0);
	CU_ASSERT(json_object_set_new(doc, "B", json_null()) == 0);
	CU_ASSERT(json_known(doc, keys, "plan", &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_INVALID);
	CU_ASSERT(strstr(e.msg, "\"B\"") != NULL);
	json_decref(doc);
}

static void members_have_the_wanted_type(void)
{
	struct err e = ERR_INIT;
	const char *s = NULL;
	const char *text = "{\"s\":\"x\",\"n\":1}";
	json_t *doc = json_strict(text, strlen(text), "plan", &e);
	CU_ASSERT_FATAL(doc != NULL);
	CU_ASSERT(json_get_str(&s, doc, "s", "plan", &e) == 0);
	CU_ASSERT_STRING_EQUAL(s, "x");
	CU_ASSERT(json_get_str(&s, doc, "n", "plan", &e) == -1);
	CU_ASSERT_EQUAL(e.code, ERR_INVALID);
	CU_ASSERT(strstr(e.msg, "plan") != NULL);
	CU_ASSERT(strstr(e.msg, "\"n\"") != NULL);
	err_clear(&e);
	CU_ASSERT(json_get_str(&s, doc, "t", "plan", &e) == -1);
	CU_ASSERT(strstr(e.msg, "missing") != NULL);
	CU_ASSERT(strstr(e.msg, "\"t\"") != NULL);
	json_decref(doc);
}

static void counts_beyond_2_to_53_are_text(void)
{
	static const uint64_t counts[] = {
		0,
		1,
		(UINT64_C(1) << 53) - 1,
		UINT64_C(1) << 53,
		(UINT64_C(1) << 53) + 1,
		UINT64_MAX,
	};
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct err e = ERR_INIT;
		uint64_t back = 42;
		json_t *doc = json_object();
		CU_ASSERT_FATAL(doc != NULL);
		json_t *n = json_u64(counts[i]);
		CU_ASSERT_EQUAL(json_is_string(n), counts[i] > UINT64_C(1)
								       << 53);
		CU_ASSERT(json_object_set_new(doc, "n", n) == 0);
		CU_ASSERT(json_get_u64(&back, doc, "n", "plan", &e) == 0);
		CU_ASSERT_EQUAL(back, counts[i]);
		json_decref(doc);
	}
}

static void what_is_no_count_is_refused(void)
{
	static const char *const bad[] = {
		"{\"n\":-1}",
		"{\"n\":1.0}",
		"{\"n\":true}",
		"{\"n\":null}",
		"{}",
		"{\"n\":\"\"}",
		"{\"n\":\"01\"}",
		"{\"n\":\"-1\"}",
		"{\"n\":\"+1\"}",
		"{\"n\":\" 1\"}",
		"{\"n\":\"1 \"}",
		"{\"n\":\"0x1\"}",
		"{\"n\":\"18446744073709551616\"}",
		"{\"n\":\"99999999999999999999\"}",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e = ERR_INIT;
		uint64_t n = 42;
		json_t *doc = json_strict(bad[i], strlen(bad[i]), "plan", &e);
		CU_ASSERT_FATAL(doc != NULL);
		CU_ASSERT(json_get_u64(&n, doc, "n", "plan", &e) == -1);
		CU_ASSERT_EQUAL(e.code, ERR_INVALID);
		CU_ASSERT_EQUAL(n, 42);
		json_decref(doc);
	}
}

static void documents_are_written_in_one_way(void)
{
	struct err e = ERR_INIT;
	struct buf b;
	json_t *doc =
		json_pack("{s:s, s:i, s:[]}", "b", "\xc3\xa9\n", "a", 1, "c");
	CU_ASSERT_FATAL(doc != NULL);
	buf_init(&b, 1000);
	CU_ASSERT(json_write(&b, doc, &e) == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "{\n  \"b\": \"\\u00E9\\n\",\n"
					    "  \"a\": 1,\n  \"c\": []\n}\n");
	CU_ASSERT(file_write(at("doc"), b.data, b.len, &e) == 0);
	buf_release(&b);
	/* the bytes that are read are the bytes that were written */
	json_t *back = json_file(at("doc"), 1000, &b, &e);
	CU_ASSERT_FATAL(back != NULL);
	CU_ASSERT(json_equal(back, doc));
	CU_ASSERT(holds(at("doc"), buf_str(&b)));
	json_decref(back);
	buf_release(&b);
	CU_ASSERT(json_file(at("doc"), 10, NULL, &e) == NULL);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	err_clear(&e);
	CU_ASSERT(json_file(at("no-doc"), 10, NULL, &e) == NULL);
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
	err_clear(&e);
	buf_init(&b, 10);
	CU_ASSERT(json_write(&b, doc, &e) == -1);
	buf_release(&b);
	json_decref(doc);
}

/* ---- words ----------------------------------------------------------------
 */

static void words_read_back_and_others_are_zero(void)
{
	for (int i = 1; i < CLASS_COUNT; i++)
		CU_ASSERT_EQUAL(class_parse(class_name((enum copy_class)i)),
				(enum copy_class)i);
	for (int i = 1; i < VERDICT_COUNT; i++)
		CU_ASSERT_EQUAL(verdict_parse(verdict_name((enum verdict)i)),
				(enum verdict)i);
	for (int i = 1; i < DISPOSITION_COUNT; i++)
		CU_ASSERT_EQUAL(disposition_parse(
					disposition_name((enum disposition)i)),
				(enum disposition)i);
	for (int i = 1; i < KIND_COUNT; i++)
		CU_ASSERT_EQUAL(kind_parse(kind_name((enum kind)i)),
				(enum kind)i);
	CU_ASSERT_EQUAL(verdict_parse("destroyed-Verified"), VERDICT_UNKNOWN);
	CU_ASSERT_EQUAL(verdict_parse(""), VERDICT_UNKNOWN);
	CU_ASSERT_EQUAL(verdict_parse("destroyed "), VERDICT_UNKNOWN);
	CU_ASSERT_EQUAL(class_parse("currents"), CLASS_UNKNOWN);
	CU_ASSERT_EQUAL(disposition_parse("keep"), DISPOSITION_NONE);
	CU_ASSERT_EQUAL(kind_parse("certificate"), KIND_NONE);
	CU_ASSERT_STRING_EQUAL(verdict_name(VERDICT_UNKNOWN), "unknown");
	CU_ASSERT_STRING_EQUAL(verdict_name(VERDICT_COUNT), "unknown");
	CU_ASSERT_STRING_EQUAL(kind_name((enum kind) - 1), "none");
	CU_ASSERT_STRING_EQUAL(verdict_name(VERDICT_DESTROYED_VERIFIED),
			       "destroyed-verified");
	CU_ASSERT_STRING_EQUAL(class_name(CLASS_UNFINISHED_UPLOAD),
			       "unfinished-upload");
}

/* DESIGN, section 2, written down again from its words: for every set of
 * verdicts there are. */
static enum kind kind_by_the_words(const bool seen[VERDICT_COUNT])
{
	static const enum verdict spoil[] = {VERDICT_PRESENT, VERDICT_REFUSED,
					     VERDICT_UNREACHABLE,
					     VERDICT_UNKNOWN};
	for (size_t i = 0; i < COUNT(spoil); i++)
		if (seen[spoil[i]])
			return KIND_EXCEPTION;
	bool waits = seen[VERDICT_SCHEDULED] || seen[VERDICT_DESTROYED];
	if (waits)
		return KIND_INTERIM;
	return seen[VERDICT_DESTROYED_VERIFIED] ? KIND_FINAL : KIND_EXCEPTION;
}

static void kind_follows_from_every_set_of_verdicts(void)
{
	unsigned kinds[KIND_COUNT] = {0};
	for (unsigned set = 0; set < 1U << VERDICT_COUNT; set++) {
		bool seen[VERDICT_COUNT];
		for (unsigned v = 0; v < VERDICT_COUNT; v++)
			seen[v] = (set >> v & 1) != 0;
		enum kind k = kind_derive(seen);
		if (k != kind_by_the_words(seen)) {
			CU_FAIL("a set of verdicts gives another kind");
			return;
		}
		kinds[k]++;
	}
	/* 11 verdicts, 4 of which spoil: of the 128 other sets, 96 wait; of
	 * the 32 left half have something destroyed and verified */
	CU_ASSERT_EQUAL(kinds[KIND_NONE], 0);
	CU_ASSERT_EQUAL(kinds[KIND_INTERIM], 96);
	CU_ASSERT_EQUAL(kinds[KIND_FINAL], 16);
	CU_ASSERT_EQUAL(kinds[KIND_EXCEPTION], 2048 - 96 - 16);
}

static void nothing_destroyed_is_never_final(void)
{
	bool seen[VERDICT_COUNT] = {false};
	CU_ASSERT_EQUAL(kind_derive(seen), KIND_EXCEPTION);
	seen[VERDICT_NONE_FOUND] = seen[VERDICT_ABSENT] = true;
	seen[VERDICT_RETAINED] = seen[VERDICT_ATTESTED] = true;
	CU_ASSERT_EQUAL(kind_derive(seen), KIND_EXCEPTION);
	seen[VERDICT_DESTROYED_VERIFIED] = true;
	CU_ASSERT_EQUAL(kind_derive(seen), KIND_FINAL);
	seen[VERDICT_DESTROYED] = true;
	CU_ASSERT_EQUAL(kind_derive(seen), KIND_INTERIM);
	seen[VERDICT_UNKNOWN] = true;
	CU_ASSERT_EQUAL(kind_derive(seen), KIND_EXCEPTION);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(first_message_wins),
		UNIT(long_messages_are_cut_in_bounds),
		UNIT(system_errors_say_why),
		UNIT(openssl_errors_say_why_and_empty_the_queue),
		UNIT(buffer_holds_its_maximum_and_not_a_byte_more),
		UNIT(failed_buffer_takes_nothing_more),
		UNIT(sizes_that_overflow_are_refused),
		UNIT(formatted_text_of_any_length_is_whole),
		UNIT(decimal_numbers_read_back),
		UNIT(consumed_bytes_leave_the_rest_in_place),
		UNIT(secret_buffer_is_wiped_when_emptied),
		UNIT(wiped_memory_is_zero),
		UNIT(hex_reads_back_and_refuses_the_rest),
		UNIT(escaped_names_of_all_bytes_read_back),
		UNIT(name_has_one_escaped_form_only),
		UNIT(sha_gives_the_published_digests),
		UNIT(sha_of_a_file_is_that_of_its_bytes),
		UNIT(hmac_gives_the_digests_of_rfc_4231),
		UNIT(times_read_back_as_written),
		UNIT(other_ways_to_write_a_time_are_refused),
		UNIT(clocks_run),
		UNIT(written_file_is_private_and_whole),
		UNIT(replacing_a_link_leaves_its_target),
		UNIT(created_file_replaces_nothing),
		UNIT(failed_write_leaves_no_file_beside),
		UNIT(reading_stops_at_the_maximum),
		UNIT(folders_are_private_and_ours),
		UNIT(shredded_bytes_are_zeros_on_disk),
		UNIT(shredding_follows_no_link),
		UNIT(lock_is_held_by_one_and_dies_with_its_holder),
		UNIT(paths_are_joined_and_cut),
		UNIT(loose_json_is_refused),
		UNIT(nesting_without_end_is_refused),
		UNIT(unknown_keys_are_refused),
		UNIT(members_have_the_wanted_type),
		UNIT(counts_beyond_2_to_53_are_text),
		UNIT(what_is_no_count_is_refused),
		UNIT(documents_are_written_in_one_way),
		UNIT(words_read_back_and_others_are_zero),
		UNIT(kind_follows_from_every_set_of_verdicts),
		UNIT(nothing_destroyed_is_never_final),
		{NULL, NULL},
	};
	const char *tmp = getenv("TMPDIR");
	struct err e = ERR_INIT;
	snprintf(top, sizeof(top), "%s/quietus-base-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(top) == NULL)
		return 2;
	int rc = unit_run("base", tests);
	if (file_shred_tree(top, &e) != 0) {
		printf("not ok base: its folder is removed: %s\n", e.msg);
		rc = 1;
	}
	return rc;
}
