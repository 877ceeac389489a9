#include "certs/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/wipe.h"

void buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void buf_init_secret(struct buf *b, size_t max)
{
	buf_init(b, max);
	b->secret = true;
}

void buf_release(struct buf *b)
{
	if (b->secret && b->data != NULL)
		wipe(b->data, b->size);
	free(b->data);
	b->data = NULL;
	b->len = b->size = 0;
	b->failed = false;
}

void buf_reset(struct buf *b)
{
	if (b->secret && b->data != NULL)
		wipe(b->data, b->size);
	b->len = 0;
	b->failed = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

static int grow(struct buf *b, size_t need)
{
	size_t size = b->size != 0 ? b->size : 64;
	while (size < need)
		size *= 2;
	if (size > b->max + 1)
		size = b->max + 1;
	/* not realloc: it would leave an unwiped copy of a secret behind */
	unsigned char *data = malloc(size);
	if (data == NULL)
		return -1;
	if (b->data != NULL) {
		memcpy(data, b->data, b->len + 1);
		if (b->secret)
			wipe(b->data, b->size);
		free(b->data);
	} else {
		data[0] = '\0';
	}
	b->data = data;
	b->size = size;
	return 0;
}

unsigned char *buf_reserve(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (n > b->max || b->len > b->max - n) {
		b->failed = true;
		return NULL;
	}
	if (b->len + n + 1 > b->size && grow(b, b->len + n + 1) != 0) {
		b->failed = true;
		return NULL;
	}
	return b->data + b->len;
}

int buf_put(struct buf *b, const void *data, size_t len)
{
	unsigned char *p = buf_reserve(b, len);
	if (p == NULL)
		return -1;
	if (len != 0)
		memcpy(p, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

int buf_putc(struct buf *b, unsigned char c)
{
	return buf_put(b, &c, 1);
}

int buf_putf(struct buf *b, const char *fmt, ...)
{
	char small[512];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return -1;
	}
	if ((size_t)n < sizeof(small))
		return buf_put(b, small, (size_t)n);
	unsigned char *p = buf_reserve(b, (size_t)n);
	if (p == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf((char *)p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

int buf_put_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);
	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	return buf_put(b, digits + i, sizeof(digits) - i);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_reset(b);
		return;
	}
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

bool buf_failed(const struct buf *b)
{
	return b->failed;
}

const char *buf_str(const struct buf *b)
{
	return b->data != NULL ? (const char *)b->data : "";
}
