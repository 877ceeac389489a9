/* ours.c: the folders of quietus itself (cases, trail), which are no data. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* path with all links of its existing part resolved, then the rest as it is
 * written, in fresh memory; NULL when memory is exhausted or path is odd. */
static char *canonical(const char *path)
{
	char *head = strdup(path), *whole = NULL;

	if (head == NULL)
		return NULL;
	size_t cut = strlen(head);
	for (;;) {
		char *real = realpath(cut == 0 ? "/" : head, NULL);
		if (real != NULL) {
			size_t size = strlen(real) + strlen(path) + 2;
			whole = malloc(size);
			const char *rest = path + cut;
			bool slash = strcmp(real, "/") != 0;
			if (whole != NULL)
				snprintf(whole, size, "%s%s", slash ? real : "",
					 rest);
			free(real);
			break;
		}
		while (cut != 0 && head[cut - 1] == '/')
			head[--cut] = '\0';
		while (cut != 0 && head[cut - 1] != '/')
			head[--cut] = '\0';
		while (cut > 1 && head[cut - 1] == '/')
			head[--cut] = '\0';
		if (cut <= 1) {
			cut = 0;
			head[0] = '\0';
		}
	}
	free(head);
	return whole;
}

/* True when path is folder or lies in it; both canonical. */
static bool lies_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	while (n != 0 && folder[n - 1] == '/')
		n--;
	return strncmp(path, folder, n) == 0 &&
	       (path[n] == '\0' || path[n] == '/');
}

int ours_refuse(const struct directory *d, const struct setting *at,
		struct err *e)
{
	int rc = 0;
	size_t size = strlen(d->anchor) + strlen(d->rest) + 2;
	char *text = malloc(size), *scope = NULL;

	if (text != NULL) {
		snprintf(text, size, "%s/%s", d->anchor, d->rest);
		scope = canonical(text);
	}
	if (scope == NULL)
		rc = err_set(e, ERR_FAILED, "out of memory");
	for (const char *const *o = d->scope->ours;
	     rc == 0 && o != NULL && *o != NULL; o++) {
		char *own = canonical(*o);
		if (own == NULL)
			rc = err_set(e, ERR_FAILED, "out of memory");
		else if (lies_in(own, scope))
			rc = setting_refuse(
				at, e,
				"\"%s\" holds %s, a folder of quietus itself, "
				"which would be destroyed with it: keep cases "
				"and trail elsewhere",
				at->str, *o);
		free(own);
	}
	free(scope);
	free(text);
	return rc;
}

struct ours {
	size_t n;
	struct {
		uint64_t dev, ino;
	} list[];
};

int ours_look(struct ours **out, const struct directory *d, struct err *e)
{
	size_t n = 0;

	while (d->scope->ours != NULL && d->scope->ours[n] != NULL)
		n++;
	struct ours *o = malloc(sizeof(*o) + n * sizeof(o->list[0]));
	*out = o;
	if (o == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	o->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct statx st;
		/* as written: the vendor may keep them behind a link */
		if (statx(AT_FDCWD, d->scope->ours[i], 0, STATX_BASIC_STATS,
			  &st) != 0)
			continue;
		o->list[o->n].dev = look_dev(&st);
		o->list[o->n++].ino = st.stx_ino;
	}
	return 0;
}

bool ours_is(const struct ours *o, const struct statx *st)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->list[i].ino == st->stx_ino &&
		    o->list[i].dev == look_dev(st))
			return true;
	return false;
}

void ours_free(struct ours *o)
{
	free(o);
}
