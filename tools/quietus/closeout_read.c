#include "tools/quietus/closeout_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"

/* ---- memory ---------------------------------------------------------------
 */

void *closeout_alloc(struct closeout_state *st, size_t count, size_t size,
		     struct err *e)
{
	struct closeout_block *b = NULL;

	/* everything here is bounded by CLOSEOUT_MAX bytes of text */
	if (count < SIZE_MAX / 2 / size)
		b = calloc(1, sizeof(*b) + count * size);
	if (b == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		return NULL;
	}
	b->next = st->blocks;
	st->blocks = b;
	return b->data;
}

char *closeout_copy(struct closeout_state *st, const char *s, struct err *e)
{
	size_t size = strlen(s) + 1;
	char *copy = closeout_alloc(st, size, 1, e);

	return copy == NULL ? NULL : memcpy(copy, s, size);
}

int closeout_note(struct closeout_state *st, const struct setting *at,
		  struct err *e, const char *fmt, ...)
{
	struct closeout *c = &st->pub;
	char text[600], line[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "%s:%d: %s", at->file, at->line, text);
	if (c->n_notes == st->notes_room) {
		size_t room = 2 * st->notes_room + 8;
		const char **more = closeout_alloc(st, room, sizeof(*more), e);
		if (more == NULL)
			return -1;
		if (c->n_notes != 0)
			memcpy(more, c->notes, c->n_notes * sizeof(*more));
		c->notes = more;
		st->notes_room = room;
	}
	c->notes[c->n_notes] = closeout_copy(st, line, e);
	return c->notes[c->n_notes++] == NULL ? -1 : 0;
}

void closeout_free(struct closeout *c)
{
	/* pub is the first member */
	struct closeout_state *st = (struct closeout_state *)c;

	if (st == NULL)
		return;
	while (st->blocks != NULL) {
		struct closeout_block *next = st->blocks->next;
		free(st->blocks);
		st->blocks = next;
	}
	free(st);
}

/* ---- the whole file -------------------------------------------------------
 */

int closeout_parse(struct closeout **out, const char *text, size_t len,
		   const char *name, const char *base, struct err *e)
{
	struct closeout_state *st = calloc(1, sizeof(*st));

	*out = NULL;
	if (st == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	st->pub.file = closeout_copy(st, name, e);
	st->pub.base = closeout_base(st, base, e);
	if (st->pub.file == NULL || st->pub.base == NULL)
		goto fail;
	if (len > CLOSEOUT_MAX) {
		closeout_scan(text, len, name, e);
		goto fail;
	}
	if (closeout_tree(st, text, len, e) != 0 || closeout_rules(st, e) != 0)
		goto fail;
	*out = &st->pub;
	return 0;
fail:
	closeout_free(&st->pub);
	return -1;
}

int closeout_read(struct closeout **out, const char *path, struct buf *raw,
		  struct err *e)
{
	int rc = -1;
	struct buf text;
	struct err why = ERR_INIT;
	char *base = file_dirname(path);

	*out = NULL;
	buf_init(&text, CLOSEOUT_MAX);
	if (base == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (file_read(&text, path, &why) != 0) {
		err_set(e, ERR_USAGE, "the closeout file cannot be read: %s",
			why.msg);
		goto out;
	}
	if (closeout_parse(out, buf_str(&text), text.len, path, base, e) != 0)
		goto out;
	if (raw != NULL && buf_put(raw, text.data, text.len) != 0) {
		closeout_free(*out);
		*out = NULL;
		err_set(e, ERR_FAILED, "%s: no room to keep its %zu bytes",
			path, text.len);
		goto out;
	}
	rc = 0;
out:
	buf_release(&text);
	free(base);
	return rc;
}
