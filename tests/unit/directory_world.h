/*
 * directory_world.h: what the tests of the directory provider share.
 *
 * Every test works in a fresh folder W with the client's folder W/files/7 and
 * another client's W/files/77, on the real file system.  A file that includes
 * this defines _GNU_SOURCE first.
 */
#ifndef QUIETUS_DIRECTORY_WORLD_H
#define QUIETUS_DIRECTORY_WORLD_H

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/base/file.h"
#include "providers/directory/internal.h"
#include "tests/unit/unit.h"

extern const struct provider provider_directory;

/* ---- a world ------------------------------------------------------------ */

static char world[PATH_MAX];
static volatile sig_atomic_t stop_now;
/* folders of quietus itself that a test declares, or NULL */
static const char *const *own_folders;

struct ledger {
	struct item *items;
	size_t n, size;
};

struct opened {
	struct setting members[2], settings, rule_path, rule_group;
	struct setting ex_path, ex_group;
	struct retention_rule rule;
	struct scope scope;
	struct source source;
	struct err e;
};

static inline const char *at(const char *rel)
{
	static char text[8][2 * PATH_MAX];
	static unsigned turn;
	char *out = text[turn++ % 8];
	snprintf(out, sizeof(text[0]), "%s/%s", world, rel);
	return out;
}

static inline void put(const char *rel, const char *content)
{
	int fd = open(at(rel), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT(write(fd, content, strlen(content)) ==
		  (ssize_t)strlen(content));
	close(fd);
}

static inline bool holds(const char *rel, const char *content)
{
	struct buf b;
	struct err e = ERR_INIT;
	buf_init(&b, 1 << 20);
	bool same = file_read(&b, at(rel), &e) == 0 &&
		    strcmp(buf_str(&b), content) == 0;
	buf_release(&b);
	return same;
}

static inline bool is_there(const char *rel)
{
	struct stat st;
	return lstat(at(rel), &st) == 0;
}

static inline void begin(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(world, sizeof(world), "%s/quietus-directory-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	CU_ASSERT_FATAL(mkdtemp(world) != NULL);
	CU_ASSERT_FATAL(chmod(world, 0755) == 0);
	CU_ASSERT_FATAL(mkdir(at("files"), 0755) == 0);
	CU_ASSERT_FATAL(mkdir(at("files/7"), 0755) == 0);
	CU_ASSERT_FATAL(mkdir(at("files/77"), 0755) == 0);
	put("files/77/secret", "of another client");
	stop_now = 0;
}

static inline void end(void)
{
	struct err e = ERR_INIT;
	CU_ASSERT(holds("files/77/secret", "of another client"));
	CU_ASSERT(file_shred_tree(world, &e) == 0);
}

/* Opens W/path with an optional retained and an optional excluded path. */
static inline int try_open(struct opened *o, const char *path,
			   const char *retained, const char *excluded)
{
	memset(o, 0, sizeof(*o));
	o->members[0] = (struct setting){
		.name = "path", .str = path, .file = "closeout.cfg", .line = 3};
	o->ex_path = (struct setting){.name = "path", .str = excluded};
	o->ex_group = (struct setting){
		.type = SETTING_GROUP, .members = &o->ex_path, .n_members = 1};
	o->members[1] = (struct setting){.name = "excluded",
					 .type = SETTING_GROUPS,
					 .members = &o->ex_group,
					 .n_members = 1};
	o->settings = (struct setting){.type = SETTING_GROUP,
				       .members = o->members,
				       .n_members = excluded != NULL ? 2 : 1};
	o->rule_path = (struct setting){.name = "path",
					.str = retained,
					.file = "closeout.cfg",
					.line = 9};
	o->rule_group = (struct setting){.type = SETTING_GROUP,
					 .members = &o->rule_path,
					 .n_members = 1};
	o->rule = (struct retention_rule){"law", &o->rule_group};
	o->scope = (struct scope){.source = "files",
				  .client = "7",
				  .base = world,
				  .settings = &o->settings,
				  .retention = &o->rule,
				  .n_retention = retained != NULL,
				  .ours = own_folders,
				  .stop = &stop_now};
	return source_open(&o->source, &provider_directory, &o->scope, &o->e);
}

static inline void must_open(struct opened *o, const char *retained,
			     const char *excluded)
{
	if (try_open(o, "files/{client}", retained, excluded) != 0)
		printf("# %s\n", o->e.msg);
	CU_ASSERT_FATAL(o->source.handle != NULL);
}

static inline void done(struct opened *o)
{
	source_close(&o->source);
}

/* ---- a ledger ----------------------------------------------------------- */

static inline void *copy(const void *data, size_t len)
{
	unsigned char *to = malloc(len + 1);
	CU_ASSERT_FATAL(to != NULL);
	if (len != 0)
		memcpy(to, data, len);
	to[len] = '\0';
	return to;
}

static inline int keep(void *arg, const struct item *item, struct err *e)
{
	struct ledger *l = arg;
	(void)e;
	if (l->n == l->size) {
		l->size = l->size == 0 ? 64 : 2 * l->size;
		l->items = realloc(l->items, l->size * sizeof(*l->items));
		CU_ASSERT_FATAL(l->items != NULL);
	}
	l->items[l->n] = *item;
	l->items[l->n].id = copy(item->id, item->id_len);
	l->items[l->n].spec = copy(item->spec, item->spec_len);
	l->n++;
	return 0;
}

static inline void forget(struct ledger *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((void *)(uintptr_t)l->items[i].id);
		free((void *)(uintptr_t)l->items[i].spec);
	}
	free(l->items);
	memset(l, 0, sizeof(*l));
}

/* Items sort descending, as they are destroyed. */
static inline int down(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	size_t n = x->id_len < y->id_len ? x->id_len : y->id_len;
	int order = memcmp(y->id, x->id, n);
	if (order != 0)
		return order;
	return x->id_len < y->id_len ? 1 : x->id_len > y->id_len ? -1 : 0;
}

static inline void list(struct opened *o, struct ledger *l)
{
	forget(l);
	if (source_enumerate(&o->source, keep, l, &o->e) != 0)
		printf("# %s\n", o->e.msg);
	CU_ASSERT(o->e.code == ERR_NONE);
	if (l->n != 0)
		qsort(l->items, l->n, sizeof(*l->items), down);
}

static inline struct item *find(const struct ledger *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].id_len == strlen(id) &&
		    memcmp(l->items[i].id, id, strlen(id)) == 0)
			return &l->items[i];
	return NULL;
}

static inline enum outcome_code kill_one(struct opened *o,
					 const struct item *item)
{
	struct outcome out;
	err_clear(&o->e);
	CU_ASSERT_FATAL(item != NULL);
	if (source_destroy(&o->source, item, 1, &out, NULL, &o->e) != 0)
		return OUTCOME_UNKNOWN;
	return out.code;
}

static inline enum outcome_code kill_id(struct opened *o,
					const struct ledger *l, const char *id)
{
	return kill_one(o, find(l, id));
}

/* Destroys all of l; how many outcomes were not DONE. */
static inline size_t kill_all(struct opened *o, const struct ledger *l)
{
	size_t bad = 0;
	struct outcome *out = calloc(l->n + 1, sizeof(*out));
	for (size_t i = 0; i < l->n; i += 512) {
		size_t n = l->n - i < 512 ? l->n - i : 512;
		CU_ASSERT(source_destroy(&o->source, l->items + i, n, out + i,
					 NULL, &o->e) == 0);
	}
	for (size_t i = 0; i < l->n; i++)
		bad += out[i].code != OUTCOME_DONE;
	free(out);
	return bad;
}

static inline enum answer ask(struct opened *o, const char *id,
			      const struct item *planned)
{
	struct item item = {.id = (const unsigned char *)id,
			    .id_len = id != NULL ? strlen(id) : 0};
	enum answer a;
	if (planned != NULL)
		item = *planned;
	err_clear(&o->e);
	if (source_check_absent(&o->source, &item, 1, &a, &o->e) != 0)
		return ANSWER_UNKNOWN;
	return a;
}

/* How many things a blocker of that kind counts; 0: there is none. */
static inline uint64_t blocked(struct opened *o, const char *kind)
{
	struct description d;
	uint64_t n = 0;
	description_init(&d);
	CU_ASSERT(source_describe(&o->source, PHASE_BEFORE, &d, &o->e) == 0);
	for (size_t i = 0; i < d.n_blockers; i++)
		if (strcmp(d.blockers[i].kind, kind) == 0)
			n = d.blockers[i].count;
	description_release(&d);
	return n;
}

static inline bool same_digest(const struct item *a, const struct item *b)
{
	return a != NULL && b != NULL &&
	       memcmp(a->digest, b->digest, SHA_LEN) == 0;
}

#endif
