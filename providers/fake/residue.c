/* residue.c: what stays in the rehearsal store's file, and purging it. */
#include "providers/fake/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/base/hex.h"

int fake_purge(void *handle, struct buf *did, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;

	if (fake_begin(f, &s, e) != 0)
		return -1;
	if (faults_find(&f->faults, FAULT_RESIDUE_STAYS) == NULL) {
		for (size_t i = 0; i < s.n_ghosts; i++)
			free(s.ghosts[i]);
		s.changed |= s.n_ghosts != 0;
		s.n_ghosts = 0;
	}
	buf_puts(did, "the rehearsal store was rewritten");
	return fake_end(f, &s, 0, e);
}

#define SAMPLES 8

int fake_sample(void *handle, struct buf *samples, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	size_t taken = 0;

	if (fake_begin(f, &s, e) != 0)
		return -1;
	/* one escaped content per line, as it stands in the file; short ones
	 * would be found in anything */
	for (size_t i = 0; i < s.n && taken < SAMPLES; i++) {
		const struct fake_item *it = &s.items[i];
		if (!fake_in_scope(f, it) || fake_kept_by(f, it) != NULL ||
		    it->content_len < 8)
			continue;
		name_escape(samples, it->content, it->content_len);
		buf_putc(samples, '\n');
		taken++;
	}
	int rc = buf_failed(samples)
			 ? err_set(e, ERR_FAILED, "no room for samples")
			 : 0;
	return fake_end(f, &s, rc, e);
}

static uint64_t count_in(const struct buf *raw, const char *text, size_t len)
{
	uint64_t hits = 0;
	const unsigned char *at = raw->data, *last = raw->data + raw->len;

	while (len != 0 && (size_t)(last - at) >= len) {
		at = memchr(at, text[0], (size_t)(last - at) - len + 1);
		if (at == NULL)
			break;
		hits += memcmp(at, text, len) == 0;
		at++;
	}
	return hits;
}

int fake_residue(void *handle, const void *samples, size_t len,
		 struct residue *r, struct err *e)
{
	struct fake *f = handle;
	const char *at = samples, *last = at + len;
	struct buf raw;
	int rc = -1;

	buf_init(&raw, STORE_MAX);
	if (file_read(&raw, f->path, e) != 0)
		goto out;
	while (at < last) {
		const char *line = memchr(at, '\n', (size_t)(last - at));
		if (line == NULL)
			break;
		r->hits += count_in(&raw, at, (size_t)(line - at));
		at = line + 1;
	}
	r->possible = true;
	r->bytes = raw.len;
	snprintf(r->regions, sizeof(r->regions), "the rehearsal store's file");
	rc = 0;
out:
	buf_release(&raw);
	return rc;
}
