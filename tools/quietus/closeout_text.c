#include "tools/quietus/closeout_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- characters -----------------------------------------------------------
 */

/* Reads one character of strict UTF-8 (no overlong forms, no surrogates);
 * returns its length, or 0 when there is none. */
static size_t utf8_next(uint32_t *out, const unsigned char *s, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80	 ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;

	if (n == 0 || n > len)
		return 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

bool closeout_printable(const char *s)
{
	size_t len = strlen(s);

	while (len != 0) {
		uint32_t c = 0;
		size_t n = utf8_next(&c, (const unsigned char *)s, len);
		if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0) ||
		    (c >= 0x2028 && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/* ---- the bytes of the file ------------------------------------------------
 */

struct scan {
	const char *p, *end;
	const char *name; /* of the file */
	int line;
	struct err *e;
};

static int refuse(const struct scan *s, int line, const char *why)
{
	return err_set(s->e, ERR_USAGE, "%s:%d: %s", s->name, line, why);
}

static int scan_bytes(struct scan *s)
{
	static const unsigned char mark[] = {0xef, 0xbb, 0xbf};

	if (s->end - s->p >= 3 && memcmp(s->p, mark, 3) == 0)
		return refuse(s, 1,
			      "the file begins with a byte order mark; save "
			      "it as UTF-8 without one");
	while (s->p < s->end) {
		uint32_t c = 0;
		size_t n = utf8_next(&c, (const unsigned char *)s->p,
				     (size_t)(s->end - s->p));
		if (n == 0)
			return refuse(s, s->line,
				      "a byte here is not UTF-8; save the "
				      "file as UTF-8");
		if (c == 0)
			return refuse(s, s->line,
				      "a zero byte; a closeout file is plain "
				      "text");
		s->line += c == '\n';
		s->p += n;
	}
	return 0;
}

/* Whatever surrounds it: a comment that is refused does no harm, an include
 * that is not would bring in a file which nobody approved. */
static int scan_include(struct scan *s)
{
	static const char word[] = "@include";

	for (; s->p < s->end; s->line++) {
		s->p += strspn(s->p, " \t\r\f\v");
		if (strncmp(s->p, word, sizeof(word) - 1) == 0)
			return refuse(s, s->line,
				      "@include is refused: a closeout is "
				      "one file, so that what is approved is "
				      "what is read");
		s->p += strcspn(s->p, "\n");
		s->p += s->p < s->end;
	}
	return 0;
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c | 0x20);
	return at == NULL ? -1 : (int)(at - digits);
}

/* p stands on a backslash; moves past the escape. */
static int scan_escape(struct scan *s)
{
	char c = s->p[1];

	if (c == 'x' || c == 'X') {
		int hi = hex_value(s->p[2]);
		int lo = hi < 0 ? -1 : hex_value(s->p[3]);
		if (lo < 0)
			return refuse(s, s->line,
				      "\\x needs two hexadecimal digits; "
				      "write \\\\ for a backslash");
		if (hi == 0 && lo == 0)
			return refuse(s, s->line,
				      "\\x00 is a zero byte, which no value "
				      "may hold");
		s->p += 4;
		return 0;
	}
	if (c == '\0' || strchr("nrtf\\\"", c) == NULL)
		return refuse(s, s->line,
			      "an unknown escape; known are \\n \\r \\t \\f "
			      "\\xHH \\\" and \\\\ (write \\\\ for a "
			      "backslash)");
	s->p += 2;
	return 0;
}

/* p stands on the opening quotation mark. */
static int scan_string(struct scan *s)
{
	int begun = s->line;

	for (s->p++; s->p < s->end && *s->p != '"';) {
		if (*s->p == '\\') {
			if (scan_escape(s) != 0)
				return -1;
			continue;
		}
		s->line += *s->p == '\n';
		s->p++;
	}
	if (s->p == s->end)
		return refuse(s, begun,
			      "the string that begins here is never closed");
	s->p++;
	return 0;
}

static int scan_comment(struct scan *s)
{
	int begun = s->line;

	for (s->p += 2; s->p < s->end; s->p++) {
		if (s->p[0] == '*' && s->p[1] == '/') {
			s->p += 2;
			return 0;
		}
		s->line += *s->p == '\n';
	}
	return refuse(s, begun,
		      "the comment that begins here is never closed: "
		      "everything after it would be ignored");
}

/* p stands on a digit that begins a number. */
static int scan_number(struct scan *s)
{
	char *end;
	bool hex = s->p[0] == '0' && (s->p[1] | 0x20) == 'x';

	errno = 0;
	unsigned long long n = strtoull(s->p, &end, hex ? 16 : 10);
	bool whole = end == s->p || strchr(".eE", *end) == NULL;
	if (whole && (errno != 0 || n > INT_MAX))
		return refuse(s, s->line,
			      "a number larger than 2147483647; no key "
			      "takes one");
	s->p = end;
	return 0;
}

/* Walks the tokens as libconfig's scanner does, for their ends only. */
static int scan_tokens(struct scan *s)
{
	static const char in_name[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789*-_";
	int rc = 0;

	while (rc == 0 && s->p < s->end) {
		if (*s->p == '"') {
			rc = scan_string(s);
		} else if (s->p[0] == '/' && s->p[1] == '*') {
			rc = scan_comment(s);
		} else if (*s->p == '#' || (s->p[0] == '/' && s->p[1] == '/')) {
			s->p += strcspn(s->p, "\n");
		} else if (*s->p >= '0' && *s->p <= '9') {
			rc = scan_number(s);
		} else if (*s->p != '-' && strchr(in_name, *s->p) != NULL) {
			s->p += strspn(s->p, in_name);
		} else {
			s->line += *s->p == '\n';
			s->p++;
		}
	}
	return rc;
}

int closeout_scan(const char *text, size_t len, const char *name, struct err *e)
{
	int (*const steps[])(struct scan *) = {scan_bytes, scan_include,
					       scan_tokens};

	if (len > CLOSEOUT_MAX)
		return err_set(e, ERR_USAGE,
			       "%s:1: the file has %zu bytes; a closeout file "
			       "has at most %d",
			       name, len, CLOSEOUT_MAX);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct scan s = {text, text + len, name, 1, e};
		if (steps[i](&s) != 0)
			return -1;
	}
	return 0;
}

/* ---- secrets --------------------------------------------------------------
 */

static const char *const secret_words[] = {
	"password",
	"passwd",
	"pwd",
	"passphrase",
	"sslpassword",
	"secret",
	"secret_key",
	"secretkey",
	"secret_access_key",
	"aws_secret_access_key",
	"access_key",
	"accesskey",
	"access_key_id",
	"aws_access_key_id",
	"session_token",
	"aws_session_token",
	"account_key",
	"accountkey",
	"sharedaccesskey",
	"sharedaccesssignature",
	"sas_token",
	"sig",
	NULL,
};

static bool secret_word(const char *s, size_t len)
{
	for (const char *const *w = secret_words; *w != NULL; w++)
		if (strlen(*w) == len && strncasecmp(*w, s, len) == 0)
			return true;
	return false;
}

bool closeout_secret_key(const char *key)
{
	return secret_word(key, strlen(key));
}

/* "scheme://something@" before the host ends. */
static bool has_userinfo(const char *s)
{
	for (s = strstr(s, "://"); s != NULL; s = strstr(s, "://")) {
		s += 3;
		size_t host = strcspn(s, "/?#\\ \t\r\n\"'<>");
		if (memchr(s, '@', host) != NULL)
			return true;
	}
	return false;
}

/* "word = value" with one of the words, as in a conninfo or a query. */
static bool has_assignment(const char *s)
{
	static const char in_word[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_";

	while (*s != '\0') {
		size_t len = strspn(s, in_word);
		if (len == 0) {
			s++;
			continue;
		}
		size_t blank = strspn(s + len, " \t\r\n");
		if (s[len + blank] == '=' && secret_word(s, len))
			return true;
		s += len;
	}
	return false;
}

/* libpq reads the keywords of a URL percent-decoded. */
static bool has_hidden_assignment(const char *s)
{
	char plain[4096];
	size_t n = 0;

	for (; *s != '\0' && n < sizeof(plain) - 1; s++) {
		int hi = *s == '%' ? hex_value(s[1]) : -1;
		int lo = hi < 0 ? -1 : hex_value(s[2]);
		if (lo >= 0 && hi + lo != 0) {
			plain[n++] = (char)(hi << 4 | lo);
			s += 2;
		} else {
			plain[n++] = *s;
		}
	}
	plain[n] = '\0';
	return has_assignment(plain);
}

const char *closeout_secret_value(const char *value)
{
	if (has_userinfo(value))
		return "user information in a URL";
	if (has_assignment(value) || has_hidden_assignment(value))
		return "a password or key";
	if (strstr(value, "PRIVATE KEY-----") != NULL)
		return "a private key";
	return NULL;
}
