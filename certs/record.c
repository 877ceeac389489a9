#include "certs/record.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/hex.h"
#include "certs/merkle.h"

/* JSON numbers above this are rounded by strict readers. */
#define EXACT_MAX (UINT64_C(1) << 53)

#define PUT(out, literal) buf_put((out), (literal), sizeof(literal) - 1)

/* A source's name stands in the record without escaping. */
static bool name_ok(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') ||
		      *s == '-'))
			return false;
	return true;
}

static void put_count(struct buf *out, uint64_t n)
{
	if (n > EXACT_MAX) {
		buf_putc(out, '"');
		buf_put_u64(out, n);
		buf_putc(out, '"');
	} else {
		buf_put_u64(out, n);
	}
}

int record_write(struct buf *out, const struct record *r)
{
	char digest[2 * SHA_LEN + 1];

	if (!name_ok(r->source) || r->cls <= CLASS_UNKNOWN ||
	    r->cls >= CLASS_COUNT || r->disposition <= DISPOSITION_NONE ||
	    r->disposition >= DISPOSITION_COUNT)
		return -1;
	hex_encode(digest, r->digest, SHA_LEN);
	PUT(out, "{\"source\":\"");
	buf_puts(out, r->source);
	PUT(out, "\",\"item\":\"");
	name_escape(out, r->id, r->id_len);
	PUT(out, "\",\"class\":\"");
	buf_puts(out, class_name(r->cls));
	PUT(out, "\",\"bytes\":");
	put_count(out, r->bytes);
	if (r->rows != 0) {
		PUT(out, ",\"rows\":");
		put_count(out, r->rows);
	}
	PUT(out, ",\"digest\":\"");
	buf_put(out, digest, 2 * SHA_LEN);
	PUT(out, "\",\"disposition\":\"");
	buf_puts(out, disposition_name(r->disposition));
	if (r->retention != NULL) {
		PUT(out, "\",\"retention\":\"");
		name_escape(out, r->retention, strlen(r->retention));
	}
	PUT(out, "\"");
	if (r->plan > 1) {
		PUT(out, ",\"plan\":");
		buf_put_u64(out, r->plan);
	}
	PUT(out, "}");
	return buf_failed(out) ? -1 : 0;
}

/* "none found" says that a class has no item, so no item can have it. */
static bool item_verdict(enum verdict v)
{
	return (int)v >= 0 && v < VERDICT_COUNT && v != VERDICT_NONE_FOUND;
}

int record_outcome(struct buf *out, const char *planned, size_t len,
		   enum verdict v)
{
	if (!item_verdict(v) || len < 2 || planned[len - 1] != '}')
		return -1;
	buf_put(out, planned, len - 1);
	PUT(out, ",\"verdict\":\"");
	buf_puts(out, verdict_name(v));
	PUT(out, "\"}");
	return buf_failed(out) ? -1 : 0;
}

struct leafer {
	struct hmac *hmac;
	struct sha *sha;
};

struct leafer *leafer_new(const unsigned char *secret, size_t len)
{
	struct leafer *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->hmac = hmac_new(secret, len);
	l->sha = sha_new();
	if (l->hmac == NULL || l->sha == NULL) {
		leafer_free(l);
		return NULL;
	}
	return l;
}

void leafer_free(struct leafer *l)
{
	if (l == NULL)
		return;
	if (l->hmac != NULL)
		hmac_free(l->hmac);
	sha_free(l->sha);
	free(l);
}

void leafer_salt(struct leafer *l, unsigned char salt[SHA_LEN],
		 const char *source, const unsigned char *id, size_t id_len)
{
	hmac_start(l->hmac);
	/* with its NUL, so that no name runs into an id */
	hmac_add(l->hmac, source, strlen(source) + 1);
	hmac_add(l->hmac, id, id_len);
	hmac_end(l->hmac, salt);
}

void leafer_leaf(struct leafer *l, unsigned char leaf[SHA_LEN],
		 const unsigned char salt[SHA_LEN], const void *record,
		 size_t len)
{
	unsigned char head[1 + SHA_LEN];

	head[0] = 0x00;
	memcpy(head + 1, salt, SHA_LEN);
	sha_start(l->sha);
	sha_add(l->sha, head, sizeof(head));
	sha_add(l->sha, record, len);
	sha_end(l->sha, leaf);
}

int inventory_write(struct buf *out, const unsigned char salt[SHA_LEN],
		    enum verdict v, const char *planned, size_t len)
{
	char hex[2 * SHA_LEN + 1];

	if (!item_verdict(v))
		return -1;
	hex_encode(hex, salt, SHA_LEN);
	buf_put(out, hex, 2 * SHA_LEN);
	buf_putc(out, ' ');
	/* no verdict of an item has a space in it, so none is replaced */
	buf_puts(out, verdict_name(v));
	buf_putc(out, ' ');
	buf_put(out, planned, len);
	buf_putc(out, '\n');
	return buf_failed(out) ? -1 : 0;
}

/* ---- reading back ------------------------------------------------------- */

/* Where the reader stands in the line, and what it stumbled over. */
struct cursor {
	const char *p, *end;
};

static bool eat(struct cursor *c, const char *literal)
{
	size_t n = strlen(literal);
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, literal, n) != 0)
		return false;
	c->p += n;
	return true;
}

/* Takes what stands before the next quote, and the quote. */
static bool take_text(struct cursor *c, const char **text, size_t *len)
{
	const char *quote = memchr(c->p, '"', (size_t)(c->end - c->p));
	if (quote == NULL)
		return false;
	*text = c->p;
	*len = (size_t)(quote - c->p);
	c->p = quote + 1;
	return true;
}

/* The same, as a word short enough for any of the lists in words.h. */
static bool take_word(struct cursor *c, char out[32])
{
	const char *text;
	size_t len;

	if (!take_text(c, &text, &len) || len >= 32)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static bool take_hash(struct cursor *c, unsigned char out[SHA_LEN])
{
	char hex[2 * SHA_LEN + 1];

	if ((size_t)(c->end - c->p) < 2 * SHA_LEN)
		return false;
	memcpy(hex, c->p, 2 * SHA_LEN);
	hex[2 * SHA_LEN] = '\0';
	c->p += 2 * SHA_LEN;
	return hex_decode(out, SHA_LEN, hex) == 0;
}

/* Digits, in quotes or not; that they are the one right way to write the
 * number is seen when the record is written again. */
static bool take_count(struct cursor *c, uint64_t *out)
{
	uint64_t n = 0;
	bool quoted = eat(c, "\""), any = false;

	for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
		uint64_t digit = (uint64_t)(*c->p - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
		any = true;
	}
	*out = n;
	return any && (!quoted || eat(c, "\""));
}

/* Appends an escaped name's bytes and a NUL to strings; *at is where they
 * begin and *len how many bytes they are. */
static bool take_name(struct cursor *c, struct buf *strings, size_t *at,
		      size_t *len)
{
	const char *text;
	size_t n;

	if (!take_text(c, &text, &n))
		return false;
	*at = strings->len;
	if (name_unescape(strings, text, n) != 0)
		return false;
	*len = strings->len - *at;
	return buf_putc(strings, '\0') == 0;
}

static bool parse_record(struct record *r, struct buf *strings,
			 struct cursor *c)
{
	char word[32];
	size_t source, id, retention, len;
	uint64_t plan;

	if (!eat(c, "{\"source\":\"") || !take_name(c, strings, &source, &len))
		return false;
	r->source = (const char *)strings->data + source;
	if (!eat(c, ",\"item\":\"") || !take_name(c, strings, &id, &r->id_len))
		return false;
	r->id = strings->data + id;
	if (!eat(c, ",\"class\":\"") || !take_word(c, word))
		return false;
	r->cls = class_parse(word);
	if (!eat(c, ",\"bytes\":") || !take_count(c, &r->bytes))
		return false;
	if (eat(c, ",\"rows\":") && !take_count(c, &r->rows))
		return false;
	if (!eat(c, ",\"digest\":\"") || !take_hash(c, r->digest))
		return false;
	if (!eat(c, "\",\"disposition\":\"") || !take_word(c, word))
		return false;
	r->disposition = disposition_parse(word);
	if (eat(c, ",\"retention\":\"")) {
		if (!take_name(c, strings, &retention, &len))
			return false;
		r->retention = (const char *)strings->data + retention;
		/* it is a C string from here on */
		if (strlen(r->retention) != len)
			return false;
	}
	if (eat(c, ",\"plan\":")) {
		if (!take_count(c, &plan) || plan > UINT_MAX)
			return false;
		r->plan = (unsigned)plan;
	}
	return eat(c, "}") && c->p == c->end;
}

/* Writes the record again and compares: one text for one item, so that there
 * is no second line that means the same. */
static bool same_again(const struct record *r, const char *text, size_t len)
{
	struct buf again;

	buf_init(&again, len);
	bool same = buf_reserve(&again, len) != NULL &&
		    record_write(&again, r) == 0 && again.len == len &&
		    memcmp(again.data, text, len) == 0;
	buf_release(&again);
	return same;
}

int inventory_parse(struct inventory_line *out, struct buf *strings,
		    const char *line, size_t len, struct err *e)
{
	struct cursor c = {line, line + len};
	char hex[2 * SHA_LEN + 1], word[32];

	memset(out, 0, sizeof(*out));
	buf_reset(strings);
	/* three names and their NULs: the memory must not move under them */
	if (buf_reserve(strings, len + 3) == NULL)
		return err_set(e, ERR_FAILED,
			       "inventory: a line of %zu bytes is longer than "
			       "is accepted here",
			       len);
	if (!take_hash(&c, out->salt) || !eat(&c, " "))
		return err_set(e, ERR_INVALID,
			       "inventory: a line does not begin with a salt "
			       "of 64 hexadecimal digits and a space");
	hex_encode(hex, out->salt, SHA_LEN);
	if (memcmp(hex, line, 2 * SHA_LEN) != 0)
		return err_set(e, ERR_INVALID,
			       "inventory: a salt is not in lower case");
	const char *space = memchr(c.p, ' ', (size_t)(c.end - c.p));
	size_t n = space != NULL ? (size_t)(space - c.p) : sizeof(word);
	if (n >= sizeof(word))
		return err_set(e, ERR_INVALID,
			       "inventory: a line has no verdict");
	memcpy(word, c.p, n);
	word[n] = '\0';
	out->verdict = verdict_parse(word);
	if (!item_verdict(out->verdict) ||
	    strlen(verdict_name(out->verdict)) != n ||
	    memcmp(word, verdict_name(out->verdict), n) != 0)
		return err_set(e, ERR_INVALID,
			       "inventory: a verdict that no item can have");
	c.p = space + 1;
	out->text = c.p;
	out->text_len = (size_t)(c.end - c.p);
	if (!parse_record(&out->record, strings, &c) ||
	    !same_again(&out->record, out->text, out->text_len))
		return err_set(e, ERR_INVALID,
			       "inventory: a record is not written the way "
			       "this format writes it");
	return 0;
}
