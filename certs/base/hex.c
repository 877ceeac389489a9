#include "certs/base/hex.h"

#include <stdbool.h>
#include <string.h>

void hex_encode(char *out, const unsigned char *in, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(unsigned char *out, size_t len, const char *text)
{
	if (strlen(text) != 2 * len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int hi = nibble(text[2 * i]), lo = nibble(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -1;
		out[i] = (unsigned char)(hi << 4 | lo);
	}
	return 0;
}

static bool plain(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e && c != '%' && c != '"' && c != '\\';
}

int name_escape(struct buf *out, const void *name, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *in = name;
	size_t i = 0;

	while (i < len) {
		size_t run = i;
		while (run < len && plain(in[run]))
			run++;
		if (buf_put(out, in + i, run - i) != 0)
			return -1;
		i = run;
		if (i < len) {
			char esc[3] = {'%', digits[in[i] >> 4],
				       digits[in[i] & 15]};
			if (buf_put(out, esc, 3) != 0)
				return -1;
			i++;
		}
	}
	return 0;
}

/* Upper case only: one name has one spelling. */
static int escape_digit(char c)
{
	return c >= 'a' && c <= 'f' ? -1 : nibble(c);
}

int name_unescape(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '%') {
			if (len - i < 3)
				return -1;
			int hi = escape_digit(text[i + 1]),
			    lo = escape_digit(text[i + 2]);
			if (hi < 0 || lo < 0 ||
			    plain((unsigned char)(hi << 4 | lo)))
				return -1;
			c = (unsigned char)(hi << 4 | lo);
			i += 2;
		} else if (!plain(c)) {
			return -1;
		}
		if (buf_putc(out, c) != 0)
			return -1;
	}
	return 0;
}
