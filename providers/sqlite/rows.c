/*
 * rows.c: rows and keys as bytes.
 *
 * Row (what digests cover), per value: one letter for its type, then
 *   N            null
 *   I, R         8 bytes, most significant first (R: the bits of the double)
 *   T, B         8 bytes of length, then the bytes (text in UTF-8)
 * Spec: version byte 1, kind of key, number of key columns, varint length and
 * bytes of the table's name, varint number of rows, then the keys: for
 * integers the zigzag varint of the difference to the one before (KEY_ROWID:
 * and 8 bytes of the row's digest), else each value as in a row, with a varint
 * length.
 */
#include "providers/sqlite/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/hex.h"

#define SPEC_VERSION 1

/* ---- numbers ----------------------------------------------------------------
 */

static int put_varint(struct buf *b, uint64_t n)
{
	unsigned char out[10];
	size_t len = 0;

	do {
		out[len] = (unsigned char)(n & 0x7f);
		n >>= 7;
		if (n != 0)
			out[len] |= 0x80;
		len++;
	} while (n != 0);
	return buf_put(b, out, len);
}

static int get_varint(uint64_t *out, const unsigned char **p,
		      const unsigned char *end)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		unsigned char c = *(*p)++;
		n |= (uint64_t)(c & 0x7f) << shift;
		if ((c & 0x80) == 0) {
			*out = n;
			return 0;
		}
	}
	return -1;
}

static void store_u64(unsigned char out[8], uint64_t n)
{
	for (int i = 7; i >= 0; i--) {
		out[i] = (unsigned char)n;
		n >>= 8;
	}
}

static uint64_t load_u64(const unsigned char *p)
{
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

static uint64_t real_bits(double d)
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

/* ---- rows --------------------------------------------------------------- */

void row_key(struct key_value *key, sqlite3_stmt *stmt, int first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int at = first + (int)i;
		struct key_value *k = &key[i];
		k->type = sqlite3_column_type(stmt, at);
		k->bytes = NULL;
		k->len = 0;
		k->number = 0;
		k->real = 0;
		switch (k->type) {
		case SQLITE_INTEGER:
			k->number = sqlite3_column_int64(stmt, at);
			break;
		case SQLITE_FLOAT:
			k->real = sqlite3_column_double(stmt, at);
			break;
		case SQLITE_TEXT:
			k->bytes = sqlite3_column_text(stmt, at);
			k->len = (size_t)sqlite3_column_bytes(stmt, at);
			break;
		case SQLITE_BLOB:
			k->bytes = sqlite3_column_blob(stmt, at);
			k->len = (size_t)sqlite3_column_bytes(stmt, at);
			break;
		default:
			break;
		}
	}
}

int row_bind(struct store *s, sqlite3_stmt *stmt, const struct key_value *key,
	     size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int rc, at = (int)i + 1;
		/* SQLite reads a NULL pointer as NULL, not as empty */
		const void *bytes =
			key[i].bytes != NULL ? (const void *)key[i].bytes : "";
		switch (key[i].type) {
		case SQLITE_INTEGER:
			rc = sqlite3_bind_int64(stmt, at, key[i].number);
			break;
		case SQLITE_FLOAT:
			rc = sqlite3_bind_double(stmt, at, key[i].real);
			break;
		case SQLITE_TEXT:
			rc = sqlite3_bind_text64(stmt, at, bytes, key[i].len,
						 SQLITE_STATIC, SQLITE_UTF8);
			break;
		case SQLITE_BLOB:
			rc = sqlite3_bind_blob64(stmt, at, bytes, key[i].len,
						 SQLITE_STATIC);
			break;
		default:
			rc = sqlite3_bind_null(stmt, at);
			break;
		}
		if (rc != SQLITE_OK)
			return sql_fail(s, sqlite3_db_handle(stmt), e,
					"binding a key");
	}
	return 0;
}

static uint64_t write_value(struct buf *b, sqlite3_stmt *stmt, int at)
{
	unsigned char head[9];
	const void *bytes = NULL;
	size_t len = 0;
	int type = sqlite3_column_type(stmt, at);

	switch (type) {
	case SQLITE_NULL:
		buf_putc(b, 'N');
		return 0;
	case SQLITE_INTEGER:
		head[0] = 'I';
		store_u64(head + 1, (uint64_t)sqlite3_column_int64(stmt, at));
		buf_put(b, head, sizeof(head));
		return 8;
	case SQLITE_FLOAT:
		head[0] = 'R';
		store_u64(head + 1, real_bits(sqlite3_column_double(stmt, at)));
		buf_put(b, head, sizeof(head));
		return 8;
	case SQLITE_TEXT:
		bytes = sqlite3_column_text(stmt, at);
		len = (size_t)sqlite3_column_bytes(stmt, at);
		break;
	default:
		bytes = sqlite3_column_blob(stmt, at);
		len = (size_t)sqlite3_column_bytes(stmt, at);
		break;
	}
	if (bytes == NULL && len != 0) {
		b->failed = true; /* out of memory inside the library */
		return 0;
	}
	head[0] = type == SQLITE_TEXT ? 'T' : 'B';
	store_u64(head + 1, len);
	buf_put(b, head, sizeof(head));
	buf_put(b, bytes, len);
	return len;
}

int row_write(struct store *s, sqlite3_stmt *stmt, int first, size_t n,
	      uint64_t *bytes, struct err *e)
{
	uint64_t sum = 0;

	s->row.len = 0;
	s->row.failed = false;
	for (size_t i = 0; i < n; i++)
		sum += write_value(&s->row, stmt, first + (int)i);
	if (buf_failed(&s->row))
		return err_set(e, ERR_FAILED,
			       "reading a row of %s: out of memory", s->path);
	if (bytes != NULL)
		*bytes = sum;
	return 0;
}

void row_content(struct store *s, unsigned char out[8])
{
	unsigned char digest[SHA_LEN];

	sha_start(s->row_sha);
	sha_add(s->row_sha, s->row.data, s->row.len);
	sha_end(s->row_sha, digest);
	memcpy(out, digest, 8);
}

/* ---- specs -------------------------------------------------------------- */

static int put_key_value(struct buf *b, const struct key_value *k)
{
	unsigned char eight[8];

	switch (k->type) {
	case SQLITE_INTEGER:
		buf_putc(b, 'I');
		store_u64(eight, (uint64_t)k->number);
		return buf_put(b, eight, 8);
	case SQLITE_FLOAT:
		buf_putc(b, 'R');
		store_u64(eight, real_bits(k->real));
		return buf_put(b, eight, 8);
	case SQLITE_TEXT:
	case SQLITE_BLOB:
		buf_putc(b, k->type == SQLITE_TEXT ? 'T' : 'B');
		put_varint(b, k->len);
		return buf_put(b, k->bytes, k->len);
	default:
		return buf_putc(b, 'N');
	}
}

int spec_add(struct buf *keys, const struct table *t, int64_t *last,
	     const struct key_value *key, const unsigned char content[8])
{
	if (t->key == KEY_COLUMNS) {
		for (size_t i = 0; i < t->n_keys; i++)
			put_key_value(keys, &key[i]);
		return buf_failed(keys) ? -1 : 0;
	}
	/* differences wrap around: unsigned arithmetic */
	uint64_t d = (uint64_t)key[0].number - (uint64_t)*last;
	put_varint(keys, d << 1 ^ (d >> 63 != 0 ? UINT64_MAX : 0));
	*last = key[0].number;
	if (t->key == KEY_ROWID)
		buf_put(keys, content, 8);
	return buf_failed(keys) ? -1 : 0;
}

int spec_close(struct buf *out, const struct store *s, size_t table,
	       uint64_t rows, const struct buf *keys)
{
	const struct table *t = &s->table[table];
	const char *name = s->graph.tables[table].name;

	buf_reset(out);
	buf_putc(out, SPEC_VERSION);
	buf_putc(out, (unsigned char)t->key);
	buf_putc(out, (unsigned char)t->n_keys);
	put_varint(out, strlen(name));
	buf_puts(out, name);
	put_varint(out, rows);
	buf_put(out, keys->data, keys->len);
	return buf_failed(out) ? -1 : 0;
}

static int not_a_spec(struct err *e)
{
	return err_set(e, ERR_INVALID,
		       "the list of keys of an item is damaged: the ledger was "
		       "changed; plan again");
}

int spec_open(struct spec_reader *r, const struct store *s, const void *spec,
	      size_t len, struct err *e)
{
	uint64_t name_len;
	const unsigned char *p = spec;

	memset(r, 0, sizeof(*r));
	r->p = p;
	r->end = p != NULL ? p + len : NULL;
	if (len < 4 || p[0] != SPEC_VERSION || p[1] < KEY_INTEGER ||
	    p[1] > KEY_ROWID || p[2] == 0 || p[2] > KEY_MAX)
		return not_a_spec(e);
	r->kind = (enum key_kind)p[1];
	r->n_keys = p[2];
	r->p = p + 3;
	if (get_varint(&name_len, &r->p, r->end) != 0 ||
	    name_len > (uint64_t)(r->end - r->p))
		return not_a_spec(e);
	char *name = strndup((const char *)r->p, (size_t)name_len);
	if (name == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	r->p += name_len;
	r->table = graph_find(&s->graph, name);
	int rc = 0;
	if (get_varint(&r->rows, &r->p, r->end) != 0)
		rc = not_a_spec(e);
	else if (r->table == GRAPH_NONE || s->table[r->table].key != r->kind ||
		 s->table[r->table].n_keys != r->n_keys)
		rc = err_set(e, ERR_DRIFT,
			     "table %s is gone or has another primary key than "
			     "when the plan was made: plan again",
			     name);
	free(name);
	return rc;
}

static int get_key_value(struct key_value *k, struct spec_reader *r)
{
	uint64_t len;

	memset(k, 0, sizeof(*k));
	if (r->p >= r->end)
		return -1;
	switch (*r->p++) {
	case 'I':
	case 'R':
		if (r->end - r->p < 8)
			return -1;
		k->type = r->p[-1] == 'I' ? SQLITE_INTEGER : SQLITE_FLOAT;
		k->number = (int64_t)load_u64(r->p);
		memcpy(&k->real, &k->number, sizeof(k->real));
		r->p += 8;
		return 0;
	case 'T':
	case 'B':
		k->type = r->p[-1] == 'T' ? SQLITE_TEXT : SQLITE_BLOB;
		if (get_varint(&len, &r->p, r->end) != 0 ||
		    len > (uint64_t)(r->end - r->p))
			return -1;
		k->bytes = r->p;
		k->len = (size_t)len;
		r->p += len;
		return 0;
	default:
		return -1;
	}
}

int spec_next(struct spec_reader *r, struct spec_row *row, struct err *e)
{
	if (r->seen == r->rows)
		return r->p == r->end ? 0 : not_a_spec(e);
	r->seen++;
	if (r->kind == KEY_COLUMNS) {
		for (size_t i = 0; i < r->n_keys; i++)
			if (get_key_value(&row->key[i], r) != 0)
				return not_a_spec(e);
		return 1;
	}
	uint64_t z;
	if (get_varint(&z, &r->p, r->end) != 0)
		return not_a_spec(e);
	uint64_t d = z >> 1 ^ ((z & 1) != 0 ? UINT64_MAX : 0);
	r->last = (int64_t)((uint64_t)r->last + d);
	memset(&row->key[0], 0, sizeof(row->key[0]));
	row->key[0].type = SQLITE_INTEGER;
	row->key[0].number = r->last;
	if (r->kind != KEY_ROWID)
		return 1;
	if (r->end - r->p < 8)
		return not_a_spec(e);
	memcpy(row->content, r->p, 8);
	r->p += 8;
	return 1;
}

/* ---- names -------------------------------------------------------------- */

/* As people write values: 0000000000000000042, 'text', x'0AFF'. */
static void put_readable(struct buf *b, const struct key_value *k)
{
	static const char digits[] = "0123456789ABCDEF";

	switch (k->type) {
	case SQLITE_INTEGER:
		/* equal widths, so that the order of bytes is that of numbers
		 */
		if (k->number < 0)
			buf_putf(b, "-%019" PRIu64,
				 (uint64_t)0 - (uint64_t)k->number);
		else
			buf_putf(b, "%019" PRId64, k->number);
		break;
	case SQLITE_FLOAT:
		buf_putf(b, "%.17g", k->real);
		break;
	case SQLITE_TEXT:
		buf_putc(b, '\'');
		buf_put(b, k->bytes, k->len);
		buf_putc(b, '\'');
		break;
	case SQLITE_BLOB:
		buf_puts(b, "x'");
		for (size_t i = 0; i < k->len; i++) {
			buf_putc(b, (unsigned char)digits[k->bytes[i] >> 4]);
			buf_putc(b, (unsigned char)digits[k->bytes[i] & 15]);
		}
		buf_putc(b, '\'');
		break;
	default:
		buf_puts(b, "null");
		break;
	}
}

/* A table's name without spaces, so that an id reads one way only. */
static void put_table_name(struct buf *b, const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p <= 0x20 || *p == '%' || *p == 0x7f)
			buf_putf(b, "%%%02X", (unsigned)(unsigned char)*p);
		else
			buf_putc(b, (unsigned char)*p);
}

int item_name(struct buf *out, struct store *s, size_t table,
	      const struct key_value *key, struct err *e)
{
	const struct graph_table *g = &s->graph.tables[table];
	unsigned char digest[SHA_LEN];
	char hex[2 * SHA_LEN + 1];

	buf_reset(out);
	buf_putf(out, "%04" PRIu32 " ", g->rank);
	put_table_name(out, g->name);
	buf_putc(out, ' ');
	for (size_t i = 0; i < s->table[table].n_keys; i++) {
		if (i != 0)
			buf_putc(out, ',');
		put_readable(out, &key[i]);
	}
	if (buf_failed(out))
		return err_set(e, ERR_FAILED, "a key is too long to be named");
	if (out->len <= 1024)
		return 0;
	/* the beginning for people, the digest for uniqueness */
	if (sha_once(digest, out->data, out->len, e) != 0)
		return -1;
	hex_encode(hex, digest, 16);
	out->len = 960;
	buf_putf(out, "... %s", hex);
	return 0;
}

bool item_ends(const struct table *t, const struct key_value *key)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < t->n_keys; i++) {
		unsigned char eight[8];
		const unsigned char *p = eight;
		size_t len = sizeof(eight);
		if (key[i].type == SQLITE_TEXT || key[i].type == SQLITE_BLOB) {
			p = key[i].bytes;
			len = key[i].len;
		} else {
			store_u64(eight, key[i].type == SQLITE_FLOAT
						 ? real_bits(key[i].real)
						 : (uint64_t)key[i].number);
		}
		for (size_t j = 0; j < len; j++)
			h = (h ^ p[j]) * 1099511628211u;
	}
	/* FNV alone is weak in its low bits */
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	return (h & 511) == 0;
}
