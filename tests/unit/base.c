/* base.c: buffers, errors, hexadecimal, digests, time and words. */
#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "certs/base/buf.h"
#include "certs/base/clock.h"
#include "certs/base/err.h"
#include "certs/base/hex.h"
#include "certs/base/sha.h"
#include "certs/base/wipe.h"
#include "certs/base/words.h"
#include "tests/unit/unit.h"

/* ---- err ------------------------------------------------------------------
 */

static void first_message_wins(void)
{
	struct err e = ERR_INIT;

	CU_ASSERT(err_set(&e, ERR_DENIED, "reading %s", "a") == -1);
	CU_ASSERT(err_set(&e, ERR_FAILED, "closing") == -1);
	CU_ASSERT(e.code == ERR_DENIED);
	CU_ASSERT_STRING_EQUAL(e.msg, "reading a");
}

static void context_stands_in_front(void)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_STORE, "500");
	CU_ASSERT(err_add(&e, "destroying version %s", "v3") == -1);
	err_add(&e, "source media");
	CU_ASSERT(e.code == ERR_STORE);
	CU_ASSERT_STRING_EQUAL(e.msg,
			       "source media: destroying version v3: 500");
}

static void long_messages_are_cut_not_overrun(void)
{
	struct {
		struct err e;
		char guard[8];
	} s = {ERR_INIT, "guarded"};
	char *big = malloc(5000);

	CU_ASSERT_FATAL(big != NULL);
	memset(big, 'x', 4999);
	big[4999] = '\0';
	err_set(&s.e, ERR_FAILED, "%s", big);
	CU_ASSERT(strlen(s.e.msg) == sizeof(s.e.msg) - 1);
	for (int i = 0; i < 4; i++)
		err_add(&s.e, "%s", big);
	CU_ASSERT(strlen(s.e.msg) < sizeof(s.e.msg));
	CU_ASSERT_STRING_EQUAL(s.guard, "guarded");
	free(big);
}

static void cause_of_errno_is_told(void)
{
	struct err e = ERR_INIT;

	errno = EACCES;
	CU_ASSERT(err_errno(&e, "opening %s", "/x") == -1);
	CU_ASSERT(e.code == ERR_FAILED);
	CU_ASSERT_STRING_EQUAL(e.msg, "opening /x: Permission denied");
	err_clear(&e);
	CU_ASSERT(e.code == ERR_NONE && e.msg[0] == '\0');
	errno = ENOENT;
	err_errno(&e, "opening /x");
	CU_ASSERT(e.code == ERR_MISSING);
}

static void openssl_cause_is_told_and_forgotten(void)
{
	struct err e = ERR_INIT;

	ERR_clear_error();
	CU_ASSERT(EVP_MD_fetch(NULL, "no-such-digest", NULL) == NULL);
	CU_ASSERT(ERR_peek_error() != 0);
	CU_ASSERT(err_openssl(&e, ERR_INVALID, "signing") == -1);
	CU_ASSERT(ERR_peek_error() == 0);
	CU_ASSERT(e.code == ERR_INVALID);
	CU_ASSERT(strncmp(e.msg, "signing: ", 9) == 0 && strlen(e.msg) > 9);
	err_clear(&e);
	err_openssl(&e, ERR_INVALID, "signing");
	CU_ASSERT_STRING_EQUAL(e.msg, "signing");
}

/* ---- buf ------------------------------------------------------------------
 */

static void buffer_holds_exactly_its_maximum(void)
{
	struct buf b;

	buf_init(&b, 5);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
	CU_ASSERT(buf_puts(&b, "12345") == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "12345");
	CU_ASSERT(!buf_failed(&b));
	CU_ASSERT(buf_putc(&b, '6') == -1);
	CU_ASSERT(buf_failed(&b));
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "12345");
	buf_release(&b);
}

static void failed_buffer_stays_failed_until_reset(void)
{
	struct buf b;

	buf_init(&b, 4);
	CU_ASSERT(buf_puts(&b, "12345") == -1);
	CU_ASSERT(buf_puts(&b, "1") == -1);
	CU_ASSERT(buf_putf(&b, "%d", 1) == -1);
	CU_ASSERT(buf_put_u64(&b, 1) == -1);
	CU_ASSERT(buf_reserve(&b, 0) == NULL);
	CU_ASSERT(b.len == 0);
	buf_reset(&b);
	CU_ASSERT(!buf_failed(&b));
	CU_ASSERT(buf_puts(&b, "1") == 0);
	buf_release(&b);
	CU_ASSERT(b.data == NULL && b.len == 0 && b.max == 4);
	CU_ASSERT(buf_puts(&b, "1234") == 0);
	buf_release(&b);
}

static void sizes_that_wrap_around_are_refused(void)
{
	struct buf b;

	buf_init(&b, 100);
	CU_ASSERT(buf_puts(&b, "abc") == 0);
	CU_ASSERT(buf_reserve(&b, SIZE_MAX) == NULL);
	buf_reset(&b);
	CU_ASSERT(buf_puts(&b, "abc") == 0);
	CU_ASSERT(buf_reserve(&b, SIZE_MAX - 2) == NULL);
	CU_ASSERT(b.len == 3);
	buf_release(&b);
}

static void bytes_survive_growth(void)
{
	struct buf b;
	char want[16];

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 20000; i++)
		CU_ASSERT_FATAL(buf_putf(&b, "%05d\n", i) == 0);
	CU_ASSERT(b.len == 120000);
	for (int i = 0; i < 20000; i++) {
		snprintf(want, sizeof(want), "%05d\n", i);
		CU_ASSERT_FATAL(memcmp(b.data + i * 6, want, 6) == 0);
	}
	CU_ASSERT(b.data[b.len] == '\0');
	buf_release(&b);
}

static void nul_bytes_are_bytes(void)
{
	struct buf b;

	buf_init(&b, 10);
	CU_ASSERT(buf_put(&b, "a\0b", 3) == 0);
	CU_ASSERT(buf_putc(&b, 0) == 0);
	CU_ASSERT(b.len == 4 && memcmp(b.data, "a\0b\0", 4) == 0);
	CU_ASSERT(buf_put(&b, NULL, 0) == 0);
	CU_ASSERT(b.len == 4);
	buf_release(&b);
}

static void long_formats_are_whole(void)
{
	struct buf b;
	char s[2001];

	memset(s, 'y', 2000);
	s[2000] = '\0';
	buf_init(&b, 4000);
	CU_ASSERT(buf_putf(&b, "<%s>", s) == 0);
	CU_ASSERT(b.len == 2002 && b.data[0] == '<' && b.data[2001] == '>');
	buf_release(&b);
	buf_init(&b, 2001);
	CU_ASSERT(buf_putf(&b, "<%s>", s) == -1);
	CU_ASSERT(buf_failed(&b) && b.len == 0);
	buf_release(&b);
}

static void numbers_are_plain_digits(void)
{
	static const struct {
		uint64_t n;
		const char *text;
	} t[] = {{0, "0"},
		 {9, "9"},
		 {10, "10"},
		 {UINT64_C(9007199254740993), "9007199254740993"},
		 {UINT64_MAX, "18446744073709551615"}};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct buf b;
		buf_init(&b, 20);
		CU_ASSERT(buf_put_u64(&b, t[i].n) == 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&b), t[i].text);
		buf_release(&b);
	}
}

static void consuming_keeps_the_rest(void)
{
	struct buf b;

	buf_init(&b, 100);
	buf_puts(&b, "hello world");
	buf_consume(&b, 6);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "world");
	buf_consume(&b, 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "world");
	buf_consume(&b, 500);
	CU_ASSERT(b.len == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
	buf_consume(&b, 1);
	buf_release(&b);
	buf_consume(&b, 1);
	CU_ASSERT(b.len == 0);
}

static void secret_is_wiped_on_reset(void)
{
	struct buf b;

	buf_init_secret(&b, 100);
	CU_ASSERT(buf_puts(&b, "passphrase") == 0);
	unsigned char *at = b.data;
	CU_ASSERT(memcmp(at, "passphrase", 10) == 0);
	buf_reset(&b);
	CU_ASSERT_FATAL(b.data == at);
	for (size_t i = 0; i < b.size; i++)
		CU_ASSERT(at[i] == 0);
	buf_release(&b);
}

static void wiping_zeroes_and_null_is_harmless(void)
{
	char s[] = "secret";

	wipe(s, sizeof(s));
	for (size_t i = 0; i < sizeof(s); i++)
		CU_ASSERT(s[i] == 0);
	wipe_free(NULL);
	wipe_free(strdup("secret"));
}

/* ---- hex ------------------------------------------------------------------
 */

static void hexadecimal_reads_back(void)
{
	unsigned char in[256], out[256];
	char text[513];

	for (int i = 0; i < 256; i++)
		in[i] = (unsigned char)i;
	hex_encode(text, in, 256);
	CU_ASSERT(strlen(text) == 512);
	CU_ASSERT(memcmp(text, "000102030405060708090a0b", 24) == 0);
	CU_ASSERT(hex_decode(out, 256, text) == 0);
	CU_ASSERT(memcmp(in, out, 256) == 0);
}

static void hexadecimal_is_exact(void)
{
	unsigned char out[2];

	CU_ASSERT(hex_decode(out, 2, "aBcD") == 0);
	CU_ASSERT(out[0] == 0xab && out[1] == 0xcd);
	CU_ASSERT(hex_decode(out, 0, "") == 0);
	static const char *const bad[] = {"",	   "abc",   "abcde", "abcg",
					  " abc",  "0xab",  "ab d",  "-bcd",
					  "abcd ", "ab\ncd"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT(hex_decode(out, 2, bad[i]) == -1);
}

static void every_byte_can_stand_in_a_name(void)
{
	struct buf text, back;
	unsigned char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	buf_init(&text, 1024);
	buf_init(&back, 1024);
	CU_ASSERT(name_escape(&text, all, 256) == 0);
	for (size_t i = 0; i < text.len; i++)
		CU_ASSERT(text.data[i] >= 0x20 && text.data[i] <= 0x7e &&
			  text.data[i] != '"' && text.data[i] != '\\');
	CU_ASSERT(name_unescape(&back, buf_str(&text), text.len) == 0);
	CU_ASSERT(back.len == 256 && memcmp(back.data, all, 256) == 0);
	buf_reset(&text);
	CU_ASSERT(name_escape(&text, "a b/\xc3\xa9\"%\n", 9) == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&text), "a b/%C3%A9%22%25%0A");
	buf_release(&text);
	buf_release(&back);
}

/* One name has one spelling: otherwise two records could claim one item. */
static void escaped_names_have_one_spelling(void)
{
	static const char *const bad[] = {"%",	 "%4",	 "a%",	 "%4G",
					  "%41", "a%20", "%7E",	 "a\"b",
					  "\\",	 "\n",	 "\x7f", "\xc3"};
	struct buf out;

	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		buf_reset(&out);
		CU_ASSERT(name_unescape(&out, bad[i], strlen(bad[i])) == -1);
	}
	buf_reset(&out);
	CU_ASSERT(name_unescape(&out, "%25%22%5C", 9) == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "%\"\\");
	buf_reset(&out);
	CU_ASSERT(name_unescape(&out, "%0", 2) == -1);
	buf_release(&out);
}

static void lower_case_escapes_are_another_spelling(void)
{
	struct buf out;

	buf_init(&out, 100);
	CU_ASSERT(name_unescape(&out, "%0A", 3) == 0);
	buf_reset(&out);
	CU_ASSERT(name_unescape(&out, "%0a", 3) == -1);
	buf_release(&out);
}

/* ---- sha ------------------------------------------------------------------
 */

static void expect_hex(const unsigned char *got, const char *want)
{
	char text[2 * SHA_LEN + 1];

	hex_encode(text, got, SHA_LEN);
	CU_ASSERT_STRING_EQUAL(text, want);
}

/* FIPS 180-2, appendix B */
static void sha256_gives_the_published_digests(void)
{
	unsigned char out[SHA_LEN];
	struct err e = ERR_INIT;
	struct sha *s = sha_new();
	char block[1000];

	CU_ASSERT_FATAL(s != NULL);
	CU_ASSERT(sha_once(out, "", 0, &e) == 0);
	expect_hex(out, "e3b0c44298fc1c149afbf4c8996fb924"
			"27ae41e4649b934ca495991b7852b855");
	CU_ASSERT(sha_once(out, "abc", 3, &e) == 0);
	expect_hex(out, "ba7816bf8f01cfea414140de5dae2223"
			"b00361a396177a9cb410ff61f20015ad");
	memset(block, 'a', sizeof(block));
	sha_start(s);
	for (int i = 0; i < 1000; i++)
		sha_add(s, block, sizeof(block));
	sha_end(s, out);
	expect_hex(out, "cdc76e5c9914fb9281a1c7e284d73e67"
			"f1809a48a497200e046d39ccc7112cd0");
	/* the context serves again, and an abandoned start leaves no trace */
	sha_start(s);
	sha_add(s, "rubbish", 7);
	sha_start(s);
	sha_add(s, "a", 1);
	sha_add(s, NULL, 0);
	sha_add(s, "bc", 2);
	sha_end(s, out);
	expect_hex(out, "ba7816bf8f01cfea414140de5dae2223"
			"b00361a396177a9cb410ff61f20015ad");
	sha_free(s);
	sha_free(NULL);
}

/* RFC 4231, the HMAC-SHA-256 rows (case 5 is truncated there: its first 128
 * bits). */
static void hmac_gives_the_values_of_rfc_4231(void)
{
	static const struct {
		int key_byte; /* repeated, or -1: key */
		size_t key_len;
		const char *key;
		int data_byte;
		size_t data_len;
		const char *data;
		const char *want;
	} t[] = {
		{0x0b, 20, NULL, -1, 8, "Hi There",
		 "b0344c61d8db38535ca8afceaf0bf12b"
		 "881dc200c9833da726e9376c2e32cff7"},
		{-1, 4, "Jefe", -1, 28, "what do ya want for nothing?",
		 "5bdcc146bf60754e6a042426089575c7"
		 "5a003f089d2739839dec58b964ec3843"},
		{0xaa, 20, NULL, 0xdd, 50, NULL,
		 "773ea91e36800e46854db8ebd09181a7"
		 "2959098b3ef8c122d9635514ced565fe"},
		{-1, 25,
		 "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
		 "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
		 0xcd, 50, NULL,
		 "82558a389a443c0ea4cc819899f2083a"
		 "85f0faa3e578f8077a2e3ff46729665b"},
		{0x0c, 20, NULL, -1, 20, "Test With Truncation",
		 "a3b6167473100ee06e0c796c2955552b"},
		{0xaa, 131, NULL, -1, 54,
		 "Test Using Larger Than Block-Size Key - Hash Key First",
		 "60e431591ee0b67f0d8a26aacbf5b77f"
		 "8e0bc6213728c5140546040f0ee37f54"},
		{0xaa, 131, NULL, -1, 152,
		 "This is a test using a larger than block-size key and a "
		 "larger than block-size data. The key needs to be hashed "
		 "before being used by the HMAC algorithm.",
		 "9b09ffa71b942fcb27635fbcd5b0e944"
		 "bfdc63644f0713938a7f51535c3a35e2"},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		unsigned char key[131], data[160], out[SHA_LEN];
		char text[2 * SHA_LEN + 1];
		if (t[i].key_byte >= 0)
			memset(key, t[i].key_byte, t[i].key_len);
		else
			memcpy(key, t[i].key, t[i].key_len);
		if (t[i].data_byte >= 0)
			memset(data, t[i].data_byte, t[i].data_len);
		else
			memcpy(data, t[i].data, t[i].data_len);
		struct hmac *h = hmac_new(key, t[i].key_len);
		CU_ASSERT_FATAL(h != NULL);
		/* twice, the second time byte by byte */
		for (int turn = 0; turn < 2; turn++) {
			hmac_start(h);
			if (turn == 0)
				hmac_add(h, data, t[i].data_len);
			for (size_t j = 0; turn == 1 && j < t[i].data_len; j++)
				hmac_add(h, data + j, 1);
			hmac_end(h, out);
			hex_encode(text, out, SHA_LEN);
			CU_ASSERT(strncmp(text, t[i].want, strlen(t[i].want)) ==
				  0);
		}
		hmac_free(h);
	}
	hmac_free(NULL);
}

static void hmac_agrees_with_openssl_around_the_block_size(void)
{
	unsigned char key[130], want[EVP_MAX_MD_SIZE], out[SHA_LEN];
	size_t want_len = 0;

	for (size_t n = 0; n < sizeof(key); n++)
		key[n] = (unsigned char)(n * 7 + 1);
	for (size_t n = 1; n <= sizeof(key); n++) {
		struct hmac *h = hmac_new(key, n);
		CU_ASSERT_FATAL(h != NULL);
		hmac_start(h);
		hmac_add(h, key, n);
		hmac_end(h, out);
		hmac_free(h);
		CU_ASSERT_FATAL(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL,
					  key, n, key, n, want, sizeof(want),
					  &want_len) != NULL);
		CU_ASSERT(want_len == SHA_LEN);
		CU_ASSERT(memcmp(out, want, SHA_LEN) == 0);
	}
}

/* ---- clock ----------------------------------------------------------------
 */

static void times_read_and_write_the_same(void)
{
	static const struct {
		const char *text;
		int64_t t;
	} t[] = {{"1970-01-01T00:00:00Z", 0},
		 {"1969-12-31T23:59:59Z", -1},
		 {"2000-02-29T12:00:00Z", 951825600},
		 {"2026-12-30T00:00:00Z", 1798588800},
		 {"2038-01-19T03:14:08Z", INT64_C(2147483648)},
		 {"2100-03-01T00:00:00Z", INT64_C(4107542400)},
		 {"9999-12-31T23:59:59Z", INT64_C(253402300799)}};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		char text[CLOCK_TEXT];
		int64_t got = 42;
		CU_ASSERT(clock_parse(&got, t[i].text) == 0);
		CU_ASSERT(got == t[i].t);
		clock_text(text, t[i].t);
		CU_ASSERT_STRING_EQUAL(text, t[i].text);
	}
}

static void a_date_is_its_first_second(void)
{
	int64_t a, b;

	CU_ASSERT(clock_parse(&a, "2036-12-31") == 0);
	CU_ASSERT(clock_parse(&b, "2036-12-31T00:00:00Z") == 0);
	CU_ASSERT(a == b);
}

static void days_that_do_not_exist_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-1-01",
		"2026-13-01",
		"2026-00-10",
		"2026-02-29",
		"1900-02-29",
		"2026-04-31",
		"2026-01-00",
		"2026-01-32",
		"2026-12-30T24:00:00Z",
		"2026-12-30T00:60:00Z",
		"2026-12-30T00:00:60Z",
		"2026-12-30T00:00:00",
		"2026-12-30T00:00:00z",
		"2026-12-30 00:00:00Z",
		"2026-12-30T00:00:00+01:00",
		"2026-12-30T00:00:00.5Z",
		"2026-12-30T00:00:00ZZ",
		"2026-12-30 ",
		" 2026-12-30",
		"+026-12-30",
		"2026-12-30T",
		"2026-12-30T00:00Z",
	};
	int64_t t;

	CU_ASSERT(clock_parse(&t, "2024-02-29") == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT(clock_parse(&t, bad[i]) == -1);
}

static void every_day_of_four_centuries_reads_back(void)
{
	int64_t start, got;
	char text[CLOCK_TEXT];

	CU_ASSERT_FATAL(clock_parse(&start, "1800-01-01") == 0);
	for (int64_t d = 0; d < 146097; d++) {
		clock_text(text, start + d * 86400);
		text[10] = '\0';
		CU_ASSERT_FATAL(clock_parse(&got, text) == 0);
		CU_ASSERT_FATAL(got == start + d * 86400);
	}
}

static void times_out_of_range_do_not_overrun(void)
{
	struct {
		char text[CLOCK_TEXT];
		char guard[4];
	} s;

	memcpy(s.guard, "abc", 4);
	clock_text(s.text, INT64_MAX);
	CU_ASSERT(strlen(s.text) == CLOCK_TEXT - 1);
	clock_text(s.text, INT64_MIN);
	CU_ASSERT(strlen(s.text) == CLOCK_TEXT - 1);
	CU_ASSERT_STRING_EQUAL(s.guard, "abc");
}

static void clocks_go_forward(void)
{
	double a = clock_elapsed();
	int64_t now = clock_now();

	CU_ASSERT(now > INT64_C(1767225600)); /* 2026 */
	CU_ASSERT(clock_elapsed() >= a);
	CU_ASSERT(clock_now() >= now);
}

/* ---- words ----------------------------------------------------------------
 */

static void every_word_reads_back(void)
{
	for (int i = 1; i < CLASS_COUNT; i++) {
		CU_ASSERT(class_parse(class_name((enum copy_class)i)) ==
			  (enum copy_class)i);
	}
	for (int i = 1; i < VERDICT_COUNT; i++) {
		CU_ASSERT(verdict_parse(verdict_name((enum verdict)i)) ==
			  (enum verdict)i);
	}
	for (int i = 1; i < DISPOSITION_COUNT; i++) {
		CU_ASSERT(disposition_parse(disposition_name(
				  (enum disposition)i)) == (enum disposition)i);
	}
	for (int i = 1; i < KIND_COUNT; i++)
		CU_ASSERT(kind_parse(kind_name((enum kind)i)) == (enum kind)i);
}

static void unknown_words_are_zero(void)
{
	CU_ASSERT(class_parse("") == CLASS_UNKNOWN);
	CU_ASSERT(class_parse("Current") == CLASS_UNKNOWN);
	CU_ASSERT(verdict_parse("destroyed verified") == VERDICT_UNKNOWN);
	CU_ASSERT(verdict_parse("unknown") == VERDICT_UNKNOWN);
	CU_ASSERT(disposition_parse("keep") == DISPOSITION_NONE);
	CU_ASSERT(kind_parse("Final") == KIND_NONE);
	CU_ASSERT_STRING_EQUAL(class_name((enum copy_class)99), "unknown");
	CU_ASSERT_STRING_EQUAL(class_name((enum copy_class) - 1), "unknown");
	CU_ASSERT_STRING_EQUAL(verdict_name(VERDICT_COUNT), "unknown");
	CU_ASSERT_STRING_EQUAL(kind_name((enum kind)7), "none");
	CU_ASSERT_STRING_EQUAL(disposition_name((enum disposition)7), "none");
}

/* I8: all 2^11 sets of verdicts, against the rule written the other way
 * round. */
static void kind_follows_from_every_set_of_verdicts(void)
{
	unsigned finals = 0;

	for (unsigned set = 0; set < 1u << VERDICT_COUNT; set++) {
		_Bool seen[VERDICT_COUNT];
		unsigned bad = 1u << VERDICT_UNKNOWN | 1u << VERDICT_PRESENT |
			       1u << VERDICT_REFUSED |
			       1u << VERDICT_UNREACHABLE;
		unsigned open =
			1u << VERDICT_SCHEDULED | 1u << VERDICT_DESTROYED;
		unsigned good = 1u << VERDICT_DESTROYED_VERIFIED;
		for (unsigned v = 0; v < VERDICT_COUNT; v++)
			seen[v] = (set >> v & 1) != 0;
		enum kind k = kind_derive(seen);
		CU_ASSERT((k == KIND_FINAL) ==
			  ((set & (bad | open)) == 0 && (set & good) != 0));
		CU_ASSERT((k == KIND_INTERIM) ==
			  ((set & bad) == 0 && (set & open) != 0));
		CU_ASSERT(k != KIND_NONE);
		finals += k == KIND_FINAL;
	}
	/* retained, attested, absent and none-found are free: 2^4 sets */
	CU_ASSERT(finals == 16);
}

static void nothing_destroyed_is_never_final(void)
{
	_Bool seen[VERDICT_COUNT] = {0};

	CU_ASSERT(kind_derive(seen) == KIND_EXCEPTION);
	seen[VERDICT_ABSENT] = seen[VERDICT_RETAINED] = 1;
	CU_ASSERT(kind_derive(seen) == KIND_EXCEPTION);
	seen[VERDICT_DESTROYED_VERIFIED] = 1;
	CU_ASSERT(kind_derive(seen) == KIND_FINAL);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(first_message_wins),
		UNIT(context_stands_in_front),
		UNIT(long_messages_are_cut_not_overrun),
		UNIT(cause_of_errno_is_told),
		UNIT(openssl_cause_is_told_and_forgotten),
		UNIT(buffer_holds_exactly_its_maximum),
		UNIT(failed_buffer_stays_failed_until_reset),
		UNIT(sizes_that_wrap_around_are_refused),
		UNIT(bytes_survive_growth),
		UNIT(nul_bytes_are_bytes),
		UNIT(long_formats_are_whole),
		UNIT(numbers_are_plain_digits),
		UNIT(consuming_keeps_the_rest),
		UNIT(secret_is_wiped_on_reset),
		UNIT(wiping_zeroes_and_null_is_harmless),
		UNIT(hexadecimal_reads_back),
		UNIT(hexadecimal_is_exact),
		UNIT(every_byte_can_stand_in_a_name),
		UNIT(escaped_names_have_one_spelling),
		UNIT(lower_case_escapes_are_another_spelling),
		UNIT(sha256_gives_the_published_digests),
		UNIT(hmac_gives_the_values_of_rfc_4231),
		UNIT(hmac_agrees_with_openssl_around_the_block_size),
		UNIT(times_read_and_write_the_same),
		UNIT(a_date_is_its_first_second),
		UNIT(days_that_do_not_exist_are_refused),
		UNIT(every_day_of_four_centuries_reads_back),
		UNIT(times_out_of_range_do_not_overrun),
		UNIT(clocks_go_forward),
		UNIT(every_word_reads_back),
		UNIT(unknown_words_are_zero),
		UNIT(kind_follows_from_every_set_of_verdicts),
		UNIT(nothing_destroyed_is_never_final),
		{NULL, NULL}};

	return unit_run("base", tests);
}
