/*
 * buf.h: a growing byte buffer with a maximum.
 *
 * Every buffer states how large it may become; an append that would pass the
 * maximum fails and marks the buffer, so that a caller may append many times
 * and look once with buf_failed().  A secret buffer is wiped whenever its
 * memory moves or is released.
 */
#ifndef QUIETUS_BUF_H
#define QUIETUS_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	unsigned char *data; /* NUL-terminated at data[len]; NULL while empty */
	size_t len;
	size_t size;
	size_t max;
	bool secret;
	bool failed;
};

/* Starts an empty buffer that may hold up to max bytes. */
void buf_init(struct buf *b, size_t max);
/* The same for secrets: wiped on release and on growth. */
void buf_init_secret(struct buf *b, size_t max);
/* Frees the memory; the buffer may be used again with the same maximum. */
void buf_release(struct buf *b);
/* Empties the buffer and keeps its memory (wiped if secret). */
void buf_reset(struct buf *b);

/* Appends.  0, or -1 when the maximum or the memory is exhausted: then the
 * buffer is marked failed and further appends do nothing. */
int buf_put(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, unsigned char c);
int buf_putf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends an unsigned decimal number (faster than buf_putf). */
int buf_put_u64(struct buf *b, uint64_t n);
/* Makes room for n more bytes and returns where they go (b->len is not
 * changed), or NULL. */
unsigned char *buf_reserve(struct buf *b, size_t n);

/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);

/* True when any append failed since the last init, reset or release. */
bool buf_failed(const struct buf *b);
/* The content as a C string ("" when empty). */
const char *buf_str(const struct buf *b);

#endif
