/* match.c: many byte strings at once (Wu and Manber 1994, blocks of two
 * bytes): skips up to seven bytes where no pattern can end. */
#include "providers/sqlite/store.h"

#include <stdlib.h>
#include <string.h>

#include "certs/base/wipe.h"

#define PATTERNS 512

struct pattern {
	unsigned char bytes[MATCH_MAX];
	size_t len;
	int next; /* with the same last block, or -1 */
};

struct match {
	struct pattern patterns[PATTERNS];
	size_t n;
	unsigned char shift[65536];
	int first[65536];
};

struct match *match_new(void)
{
	struct match *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	memset(m->shift, MATCH_MIN - 1, sizeof(m->shift));
	for (size_t i = 0; i < 65536; i++)
		m->first[i] = -1;
	return m;
}

void match_free(struct match *m)
{
	if (m == NULL)
		return;
	wipe(m->patterns, sizeof(m->patterns));
	free(m);
}

static size_t block(const unsigned char *p)
{
	return (size_t)p[0] | (size_t)p[1] << 8;
}

int match_add(struct match *m, const void *bytes, size_t len, struct err *e)
{
	if (len < MATCH_MIN || len > MATCH_MAX || m->n == PATTERNS)
		return err_set(e, ERR_FAILED,
			       "a value of %zu bytes cannot be looked for",
			       len);
	for (size_t i = 0; i < m->n; i++)
		if (m->patterns[i].len == len &&
		    memcmp(m->patterns[i].bytes, bytes, len) == 0)
			return 0;
	struct pattern *p = &m->patterns[m->n];
	memcpy(p->bytes, bytes, len);
	p->len = len;
	for (size_t i = 1; i < MATCH_MIN; i++) {
		unsigned char *shift = &m->shift[block(p->bytes + i - 1)];
		if (*shift > MATCH_MIN - 1 - i)
			*shift = (unsigned char)(MATCH_MIN - 1 - i);
	}
	int *first = &m->first[block(p->bytes + MATCH_MIN - 2)];
	p->next = *first;
	*first = (int)m->n++;
	return 0;
}

size_t match_count(const struct match *m)
{
	return m->n;
}

const unsigned char *match_get(const struct match *m, size_t i, size_t *len)
{
	*len = m->patterns[i].len;
	return m->patterns[i].bytes;
}

uint64_t match_scan(const struct match *m, const unsigned char *p, size_t len,
		    size_t limit, bool *found)
{
	uint64_t hits = 0;
	size_t at = MATCH_MIN - 1; /* the last byte of a block */

	while (at < len) {
		size_t b = block(p + at - 1);
		size_t start = at - (MATCH_MIN - 1);
		if (start >= limit)
			break;
		if (m->shift[b] != 0) {
			at += m->shift[b];
			continue;
		}
		for (int i = m->first[b]; i >= 0; i = m->patterns[i].next) {
			const struct pattern *q = &m->patterns[i];
			if (q->len > len - start ||
			    memcmp(p + start, q->bytes, q->len) != 0)
				continue;
			hits++;
			if (found != NULL)
				found[i] = true;
		}
		at++;
	}
	return hits;
}
