/* fake.c: the rehearsal store's file, edited with the JSON library only. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/base/hex.h"
#include "certs/base/sha.h"
#include "tests/contract/contract.h"

extern const struct provider provider_fake;

struct store {
	char path[PATH_MAX];
	struct setting members[2], settings, keep_prefix, keep;
	struct retention_rule rule;
	unsigned planted;
};

static json_t *load(const struct store *s, struct err *e)
{
	json_error_t je;
	json_t *doc = json_load_file(s->path, 0, &je);
	if (doc == NULL)
		err_set(e, ERR_FAILED, "%s: %s", s->path, je.text);
	return doc;
}

static int save(const struct store *s, json_t *doc, struct err *e)
{
	int rc = json_dump_file(doc, s->path, JSON_INDENT(1));
	json_decref(doc);
	return rc == 0 ? 0 : err_set(e, ERR_FAILED, "writing %s", s->path);
}

static json_t *entry(const char *key, const char *version, const char *cls,
		     const char *content)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "key", key, "version", version,
			 "class", cls, "content", content);
}

static void standard(json_t *items)
{
	static const char *const classes[] = {
		"noncurrent",	   "unfinished-upload", "snapshot",
		"soft-deleted",	   "replica",		"write-ahead-log",
		"archived-log",	   "binary-log",	"statistics",
		"full-text-index", "staging",		"backup",
	};
	json_array_append_new(items, entry("c/7/a", "v1", "current", "one"));
	json_array_append_new(items, entry("c/7/a", "v2", "delete-marker", ""));
	json_array_append_new(items, entry("c/7/odd%00%0A%FF%22", "", "current",
					   "bytes %00 inside"));
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		json_array_append_new(
			items, entry("c/7/b", classes[i], classes[i], "two"));
	json_array_append_new(items,
			      entry("c/7/keep/1", "v", "current", "kept"));
	json_t *pair = entry("c/7/pair", "1", "current", "first of a cycle");
	json_object_set_new(pair, "group", json_integer(5));
	json_object_set_new(pair, "rows", json_integer(2));
	json_array_append_new(items, pair);
	pair = entry("c/7/pair", "2", "current", "second of a cycle");
	json_object_set_new(pair, "group", json_integer(5));
	json_array_append_new(items, pair);
	json_array_append_new(items, entry("c/77/a", "v", "current", "other"));
	json_array_append_new(items, entry("c/70", "v", "current", "another"));
	json_array_append_new(items, entry("c/6/z", "v", "replica", "third"));
	json_t *inside = entry("c/7/not-ours", "v", "current", "marked");
	json_object_set_new(inside, "neighbour", json_true());
	json_array_append_new(items, inside);
}

static int start(void **handle, struct scope *scope, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	*handle = s;
	snprintf(s->path, sizeof(s->path), "%s/quietus-fake-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	int fd = mkstemp(s->path);
	if (fd < 0)
		return err_errno(e, "making %s", s->path);
	close(fd);
	json_t *items = json_array();
	standard(items);
	if (save(s,
		 json_pack("{s:s, s:i, s:o}", "type", "quietus/fake-store",
			   "version", 1, "items", items),
		 e) != 0)
		return -1;
	s->members[0] = (struct setting){.name = "path", .str = s->path};
	s->members[1] =
		(struct setting){.name = "prefix", .str = "c/{client}/"};
	s->settings = (struct setting){
		.type = SETTING_GROUP, .members = s->members, .n_members = 2};
	s->keep_prefix =
		(struct setting){.name = "prefix", .str = "c/{client}/keep/"};
	s->keep = (struct setting){.type = SETTING_GROUP,
				   .members = &s->keep_prefix,
				   .n_members = 1};
	s->rule = (struct retention_rule){"invoices", &s->keep};
	*scope = (struct scope){.source = "rehearsal",
				.client = "7",
				.base = "/",
				.settings = &s->settings,
				.retention = &s->rule,
				.n_retention = 1};
	return 0;
}

static void stop(void *handle)
{
	struct store *s = handle;
	if (s == NULL)
		return;
	unlink(s->path);
	free(s);
}

/* The index of an item in the file's list, or -1. */
static long index_of(const json_t *items, const struct item *item)
{
	struct buf id;
	long at = -1;

	buf_init(&id, 2 * ITEM_ID_MAX);
	for (size_t i = 0; at < 0 && i < json_array_size(items); i++) {
		const json_t *one = json_array_get(items, i);
		const char *key =
			json_string_value(json_object_get(one, "key"));
		const char *version =
			json_string_value(json_object_get(one, "version"));
		buf_reset(&id);
		name_unescape(&id, key, strlen(key));
		buf_putc(&id, '\0');
		name_unescape(&id, version, strlen(version));
		if (id.len == item->id_len &&
		    memcmp(id.data, item->id, id.len) == 0)
			at = (long)i;
	}
	buf_release(&id);
	return at;
}

static int plant(void *handle, enum copy_class cls, struct err *e)
{
	struct store *s = handle;
	char version[20];
	json_t *doc = load(s, e);

	if (doc == NULL)
		return -1;
	snprintf(version, sizeof(version), "p%u", s->planted++);
	json_array_append_new(
		json_object_get(doc, "items"),
		entry("c/7/planted", version, class_name(cls), "planted"));
	return save(s, doc, e);
}

static int alter(void *handle, const struct item *item, struct err *e)
{
	struct store *s = handle;
	json_t *doc = load(s, e);

	if (doc == NULL)
		return -1;
	json_t *items = json_object_get(doc, "items");
	long at = index_of(items, item);
	if (at < 0 || item->cls == CLASS_DELETE_MARKER) {
		json_decref(doc);
		return CONTRACT_CANNOT;
	}
	json_object_set_new(json_array_get(items, (size_t)at), "content",
			    json_string("altered"));
	return save(s, doc, e);
}

static int take_away(void *handle, const struct item *item, struct err *e)
{
	struct store *s = handle;
	json_t *doc = load(s, e);

	if (doc == NULL)
		return -1;
	json_t *items = json_object_get(doc, "items");
	long at = index_of(items, item);
	if (at < 0) {
		json_decref(doc);
		return err_set(e, ERR_FAILED, "it is not in the file");
	}
	json_array_remove(items, (size_t)at);
	return save(s, doc, e);
}

static int exists(void *handle, const struct item *item, bool *is_there,
		  struct err *e)
{
	json_t *doc = load(handle, e);

	if (doc == NULL)
		return -1;
	*is_there = index_of(json_object_get(doc, "items"), item) >= 0;
	json_decref(doc);
	return 0;
}

static bool ours(const json_t *one)
{
	const char *key = json_string_value(json_object_get(one, "key"));
	return strncmp(key, "c/7/", 4) == 0 &&
	       !json_is_true(json_object_get(one, "neighbour"));
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int neighbours(void *handle, unsigned char digest[SHA_LEN],
		      struct err *e)
{
	json_t *doc = load(handle, e);
	struct sha *sha = sha_new();
	char *texts[100];
	size_t n = 0;

	if (doc == NULL)
		return -1;
	json_t *items = json_object_get(doc, "items");
	for (size_t i = 0; i < json_array_size(items); i++)
		if (!ours(json_array_get(items, i)) && n < 100)
			texts[n++] = json_dumps(json_array_get(items, i),
						JSON_SORT_KEYS);
	qsort(texts, n, sizeof(*texts), text_order);
	sha_start(sha);
	for (size_t i = 0; i < n; i++) {
		sha_add(sha, texts[i], strlen(texts[i]) + 1);
		free(texts[i]);
	}
	sha_end(sha, digest);
	sha_free(sha);
	json_decref(doc);
	return n >= 4 ? 0 : err_set(e, ERR_FAILED, "%zu neighbours", n);
}

static int cut(void *handle, struct err *e)
{
	struct store *s = handle;
	char away[PATH_MAX + 8];

	snprintf(away, sizeof(away), "%s.away", s->path);
	return rename(s->path, away) == 0 ? 0 : err_errno(e, "moving");
}

static int mend(void *handle, struct err *e)
{
	struct store *s = handle;
	char away[PATH_MAX + 8];

	snprintf(away, sizeof(away), "%s.away", s->path);
	return rename(away, s->path) == 0 ? 0 : err_errno(e, "moving back");
}

/* bulk is NULL: the rehearsal store is read into memory as a whole. */
const struct contract_store contract_fake = {
	.name = "fake",
	.provider = &provider_fake,
	.start = start,
	.stop = stop,
	.plant = plant,
	.alter = alter,
	.remove = take_away,
	.exists = exists,
	.neighbours = neighbours,
	.cut = cut,
	.mend = mend,
};
