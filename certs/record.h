/*
 * record.h: the record of one item and its leaf (docs/formats/inventory.md).
 *
 * A planned record is one line of JSON, keys in this order, no white space:
 *
 *   {"source":"media","item":"clients/7/a.jpg%00...","class":"current",
 *    "bytes":12,"rows":3,"digest":"<64 hex>","disposition":"retain",
 *    "retention":"invoices"}
 *
 * "item" is the id escaped as in hex.h, and so is "retention"; "rows" and
 * "retention" stand only where there are any; a count above 2^53 is a string
 * of digits (strict readers round larger numbers).  A record of plan 2 or
 * later ends in ,"plan":N.  The outcome record is the same text with
 * ,"verdict":"..." put in before the closing brace.
 *
 * leaf = SHA-256(0x00 || salt || record), salt = HMAC-SHA-256(case secret,
 * source name || 0x00 || id).  The planned root of a source is the Merkle
 * root over its planned records in ascending order of id bytes, then of plan
 * (an item that changed stands in several plans); the outcome root the same
 * over the outcome records.
 *
 * An inventory line is: salt (64 hex) SP verdict-with-spaces-as-hyphens SP
 * planned record LF.
 */
#ifndef QUIETUS_RECORD_H
#define QUIETUS_RECORD_H

#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/sha.h"
#include "certs/base/words.h"

struct record {
	const char *source; /* [a-z0-9-] */
	const unsigned char *id;
	size_t id_len;
	enum copy_class cls;
	uint64_t bytes;
	uint64_t rows;
	unsigned char digest[SHA_LEN];
	enum disposition disposition;
	const char *retention; /* name of the entry, or NULL */
	unsigned plan;	       /* 0 and 1: the first, which is not written */
};

/* Appends the planned record (no newline).  0; -1 when out is full and, with
 * nothing appended, when the record has a source name outside [a-z0-9-], no
 * class or no disposition. */
int record_write(struct buf *out, const struct record *r);
/* Appends the outcome record made from a planned record's text.  -1 also for
 * VERDICT_NONE_FOUND, which no item can have, and for a text that does not
 * end in a brace. */
int record_outcome(struct buf *out, const char *planned, size_t len,
		   enum verdict v);

/* Makes salts and leaves for one case. */
struct leafer;
struct leafer *leafer_new(const unsigned char *secret, size_t len);
void leafer_free(struct leafer *l);
void leafer_salt(struct leafer *l, unsigned char salt[SHA_LEN],
		 const char *source, const unsigned char *id, size_t id_len);
void leafer_leaf(struct leafer *l, unsigned char leaf[SHA_LEN],
		 const unsigned char salt[SHA_LEN], const void *record,
		 size_t len);

/* A line of the inventory, read back.  The record's text points into the
 * line; source, id, retention are in *strings (reset by each call). */
struct inventory_line {
	unsigned char salt[SHA_LEN];
	enum verdict verdict;
	const char *text; /* the planned record's exact bytes */
	size_t text_len;
	struct record record;
};
/* Appends one line with its LF.  -1 also for VERDICT_NONE_FOUND. */
int inventory_write(struct buf *out, const unsigned char salt[SHA_LEN],
		    enum verdict v, const char *planned, size_t len);
/* Parses one line without its LF, strictly: the record must be byte for byte
 * what record_write would make of its fields.  ERR_INVALID; ERR_FAILED when
 * strings may not hold len + 3 bytes. */
int inventory_parse(struct inventory_line *out, struct buf *strings,
		    const char *line, size_t len, struct err *e);

#endif
