/*
 * split.c: where to cut a run of keys in two.
 *
 * Nothing is known of keys not yet listed, so a cut is a guess, proved by one
 * cheap request (max-keys=1) before it is used.  The guess halves the space of
 * *characters*, not bytes: a marker that is not UTF-8 is refused by stores.
 * The open end counts as 0x7f at first: most keys are ASCII, and what is not
 * lies in the right half, which is cut again later.
 */
#include "providers/s3/s3.h"

#include <string.h>

#define ASCII_END 0x80u
#define LAST 0x10fffdu

/* One character; its length, or 0 when it is not UTF-8. */
static size_t get(uint32_t *out, const unsigned char *p, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*out = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	uint32_t c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

bool s3_utf8(const unsigned char *p, size_t len)
{
	uint32_t c;

	while (len != 0) {
		size_t n = get(&c, p, len);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

static size_t put(unsigned char *out, uint32_t c)
{
	if (c >= 0xd800 && c <= 0xdfff)
		c = 0xe000; /* surrogates are no characters */
	if (c < 0x80) {
		out[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (unsigned char)(0xc0 | c >> 6);
		out[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (unsigned char)(0xe0 | c >> 12);
		out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (unsigned char)(0xf0 | c >> 18);
	out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}

/* Between two characters, at least 2 apart; never a control character: a
 * marker of those is not worth the trouble. */
static uint32_t middle(uint32_t low, uint32_t high)
{
	if (low < 0x20)
		low = 0x20;
	if (low < ASCII_END && high > ASCII_END)
		high = ASCII_END;
	return low + (high - low) / 2;
}

int s3_split_key(unsigned char *out, size_t *len, const struct s3_range *r,
		 const unsigned char *from, size_t from_len)
{
	size_t at = r->prefix_len;

	/* all keys of the range begin with the prefix */
	if (at != 0 && (from_len < at || memcmp(from, r->prefix, at) != 0)) {
		from = r->prefix;
		from_len = at;
	}
	bool open = !r->has_to; /* nothing above bounds the tail */
	for (;;) {
		uint32_t low = 0, high = LAST;
		size_t a = 0, b = 0;

		if (at < from_len) {
			a = get(&low, from + at, from_len - at);
			if (a == 0)
				return -1;
		}
		if (!open && at < r->to_len) {
			b = get(&high, r->to + at, r->to_len - at);
			if (b == 0)
				return -1;
		} else if (!open) {
			return -1; /* to is a prefix of from: nothing left */
		}
		if (low > high)
			return -1;
		uint32_t m = middle(low, high);
		if (m > low && m < high) {
			if (at + 4 > S3_KEY_MAX)
				return -1;
			memcpy(out, from, at);
			*len = at + put(out + at, m);
			return 0;
		}
		/* equal or adjacent: keep the lower character, look further;
		 * below an adjacent one the tail is open */
		if (a == 0)
			return -1;
		if (low < high)
			open = true;
		at += a;
	}
}

double s3_split_width(const unsigned char *from, size_t from_len,
		      const unsigned char *to, size_t to_len, bool has_to,
		      size_t skip)
{
	double low = 0, high = 0, unit = 1.0 / 97;

	for (size_t i = skip; i < skip + 8; i++, unit /= 97) {
		int a = i < from_len ? from[i] - 0x1f : 0;
		int b = has_to ? (i < to_len ? to[i] - 0x1f : 0) : 96;
		low += unit * (a < 0 ? 0 : a > 96 ? 96 : a);
		high += unit * (b < 0 ? 0 : b > 96 ? 96 : b);
	}
	return high - low;
}

size_t s3_key_before(unsigned char out[S3_KEY_MAX + 1],
		     const unsigned char *key, size_t len)
{
	size_t n = len - 1;

	memcpy(out, key, len);
	if (key[n] > 0x21 && key[n] < 0x80) {
		out[n] = key[n] - 1;
		/* after everything that begins with the smaller one */
		if (len < S3_KEY_MAX)
			out[len++] = 0x7f;
		return len;
	}
	/* the key without its last character */
	while (n > 0 && (key[n] & 0xc0) == 0x80)
		n--;
	return n;
}
