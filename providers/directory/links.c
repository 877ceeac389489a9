/* links.c: how many of an inode's names lie in the scope. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <stdlib.h>

/* Open addressing by inode number; an empty slot has links == 0. */
struct links {
	struct link_count *slots;
	size_t size, used; /* size is a power of two */
	struct seen_beside beside;
	struct directory *d;
};

static struct link_count *slot_of(struct link_count *slots, size_t size,
				  uint64_t ino)
{
	size_t i = (size_t)(ino * UINT64_C(0x9e3779b97f4a7c15)) & (size - 1);
	while (slots[i].links != 0 && slots[i].ino != ino)
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static int grow(struct links *l, struct err *e)
{
	size_t size = l->size == 0 ? 64 : 2 * l->size;
	struct link_count *slots = calloc(size, sizeof(*slots));

	if (slots == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < l->size; i++)
		if (l->slots[i].links != 0)
			*slot_of(slots, size, l->slots[i].ino) = l->slots[i];
	free(l->slots);
	l->slots = slots;
	l->size = size;
	return 0;
}

static int count_one(void *arg, const struct walked *w, struct err *e)
{
	struct links *l = arg;
	const struct kept *which;
	unsigned type = w->st->stx_mode & S_IFMT;

	if (w->mount) {
		l->beside.mounts++;
		return WALK_SKIP;
	}
	if (type == S_IFDIR)
		return WALK_ON;
	bool kept =
		kept_standing(&which, l->d, w->id, w->id_len) == STANDING_KEPT;
	l->beside.specials += !kept && type != S_IFREG && type != S_IFLNK;
	if (w->st->stx_nlink < 2)
		return WALK_ON;
	if (2 * l->used >= l->size && grow(l, e) != 0)
		return -1;
	struct link_count *c = slot_of(l->slots, l->size, w->st->stx_ino);
	l->used += c->links == 0;
	c->ino = w->st->stx_ino;
	c->links = w->st->stx_nlink;
	if (kept)
		c->kept++;
	else
		c->inside++;
	return WALK_ON;
}

int links_count(struct links **out, struct seen_beside *beside,
		struct directory *d, const struct place *p, struct err *e)
{
	struct links *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	l->d = d;
	if (grow(l, e) != 0 ||
	    (p->scope >= 0 && walk(p->scope, "", p->dev, d->scope->stop,
				   count_one, l, e) != 0)) {
		links_free(l);
		return -1;
	}
	if (beside != NULL)
		*beside = l->beside;
	*out = l;
	return 0;
}

struct link_count *links_find(const struct links *l, uint64_t ino)
{
	struct link_count *c = slot_of(l->slots, l->size, ino);
	return c->links != 0 ? c : NULL;
}

void links_sum(const struct links *l, uint64_t *outside, uint64_t *kept)
{
	*outside = *kept = 0;
	for (size_t i = 0; i < l->size; i++) {
		const struct link_count *c = &l->slots[i];
		if (c->inside == 0)
			continue;
		*outside += c->links > c->inside + c->kept;
		*kept += c->kept != 0;
	}
}

void links_free(struct links *l)
{
	if (l == NULL)
		return;
	free(l->slots);
	free(l);
}
