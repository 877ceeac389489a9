/* store.c: the rehearsal store's file (docs/providers/FAKE.md). */
#include "providers/fake/internal.h"

#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/base/json.h"

#define STORE_TYPE "quietus/fake-store"

static const char *const presences[] = {
	"unknown", "items", "none", "impossible", "found", "scheduled",
};

int fake_id_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t n = a_len < b_len ? a_len : b_len;
	int order = memcmp(a, b, n);

	if (order != 0)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

static int by_id(const void *a, const void *b)
{
	const struct fake_item *x = a, *y = b;
	return fake_id_compare(x->id, x->id_len, y->id, y->id_len);
}

static void item_release(struct fake_item *item)
{
	free(item->id);
	free(item->content);
	memset(item, 0, sizeof(*item));
}

void store_release(struct fake_store *s)
{
	for (size_t i = 0; i < s->n; i++)
		item_release(&s->items[i]);
	for (size_t i = 0; i < s->n_gone; i++)
		item_release(&s->gone[i]);
	for (size_t i = 0; i < s->n_ghosts; i++)
		free(s->ghosts[i]);
	for (size_t i = 0; i < s->n_counters; i++)
		free(s->counters[i].fault);
	free(s->items);
	free(s->gone);
	free(s->ghosts);
	free(s->counters);
	memset(s, 0, sizeof(*s));
}

/* ---- reading ------------------------------------------------------------ */

/* The unescaped text of an optional member; an empty buffer when it is not
 * there. */
static int get_bytes(struct buf *out, const json_t *obj, const char *key,
		     struct err *e)
{
	const json_t *v = json_object_get(obj, key);

	if (v == NULL)
		return 0;
	if (!json_is_string(v) || name_unescape(out, json_string_value(v),
						json_string_length(v)) != 0)
		return err_set(e, ERR_INVALID,
			       "\"%s\" is not a text escaped as %%XX", key);
	return 0;
}

static int get_count(uint64_t *out, const json_t *obj, const char *key,
		     struct err *e)
{
	*out = 0;
	if (json_object_get(obj, key) == NULL)
		return 0;
	return json_get_u64(out, obj, key, "an entry", e);
}

static int get_flag(bool *out, const json_t *obj, const char *key,
		    struct err *e)
{
	const json_t *v = json_object_get(obj, key);

	*out = json_is_true(v);
	if (v != NULL && !json_is_boolean(v))
		return err_set(e, ERR_INVALID, "\"%s\" is not a boolean", key);
	return 0;
}

static int get_date(int64_t *out, const json_t *obj, const char *key,
		    struct err *e)
{
	const json_t *v = json_object_get(obj, key);

	*out = 0;
	if (v == NULL)
		return 0;
	if (!json_is_string(v) || clock_parse(out, json_string_value(v)) != 0)
		return err_set(e, ERR_INVALID, "\"%s\" is not a date", key);
	return 0;
}

/* Fills item from obj; what it has taken is released by the caller's
 * item_release() on failure too. */
static int read_item(struct fake_item *item, const json_t *obj, struct err *e)
{
	static const char *const keys[] = {
		"key",	"version", "class",	   "content", "neighbour",
		"held", "group",   "locked_until", "rows",    NULL,
	};
	struct buf id, content;
	const char *cls;
	uint64_t group;
	int rc = -1;

	buf_init(&id, ITEM_ID_MAX);
	buf_init(&content, STORE_MAX);
	if (json_known(obj, keys, "an item", e) != 0 ||
	    get_bytes(&id, obj, "key", e) != 0)
		goto out;
	item->key_len = id.len;
	buf_putc(&id, '\0');
	if (get_bytes(&id, obj, "version", e) != 0 ||
	    get_bytes(&content, obj, "content", e) != 0 ||
	    json_get_str(&cls, obj, "class", "an item", e) != 0 ||
	    get_flag(&item->neighbour, obj, "neighbour", e) != 0 ||
	    get_flag(&item->held, obj, "held", e) != 0 ||
	    get_count(&item->rows, obj, "rows", e) != 0 ||
	    get_count(&group, obj, "group", e) != 0 ||
	    get_date(&item->locked_until, obj, "locked_until", e) != 0)
		goto out;
	item->cls = class_parse(cls);
	item->group = (uint32_t)group;
	if (item->cls == CLASS_UNKNOWN) {
		err_set(e, ERR_INVALID, "\"%s\" is not a copy class", cls);
		goto out;
	}
	if (buf_failed(&id) || item->key_len == 0) {
		err_set(e, ERR_INVALID, "an item needs a key of 1 to %d bytes",
			ITEM_ID_MAX - 1);
		goto out;
	}
	item->id = malloc(id.len);
	item->content = malloc(content.len + 1);
	if (item->id == NULL || item->content == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	memcpy(item->id, id.data, id.len);
	item->id_len = id.len;
	if (content.len != 0)
		memcpy(item->content, content.data, content.len);
	item->content_len = content.len;
	rc = 0;
out:
	buf_release(&id);
	buf_release(&content);
	return rc;
}

static int read_items(struct fake_item **out, size_t *n, const json_t *list,
		      struct err *e)
{
	if (list == NULL)
		return 0;
	if (!json_is_array(list))
		return err_set(e, ERR_INVALID, "items must be a list");
	*out = calloc(json_array_size(list) + 1, sizeof(**out));
	if (*out == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < json_array_size(list); i++) {
		(*n)++;
		if (read_item(&(*out)[i], json_array_get(list, i), e) != 0)
			return -1;
	}
	return 0;
}

static int get_presence(enum presence *out, const json_t *obj, const char *key,
			enum presence fallback, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	const char *word = json_string_value(v);

	*out = fallback;
	if (v == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(presences) / sizeof(presences[0]); i++)
		if (word != NULL && strcmp(word, presences[i]) == 0) {
			*out = (enum presence)i;
			return 0;
		}
	return err_set(e, ERR_INVALID,
		       "\"%s\" must be unknown, items, none, impossible, "
		       "found or scheduled",
		       key);
}

static int read_class(struct fake_class *c, const json_t *obj, struct err *e)
{
	static const char *const keys[] = {"presence", "after", "count",
					   "until",    "why",	NULL};
	const char *why;

	if (json_known(obj, keys, "a class", e) != 0 ||
	    get_presence(&c->before, obj, "presence", PRESENCE_UNKNOWN, e) !=
		    0 ||
	    get_presence(&c->after, obj, "after", c->before, e) != 0 ||
	    get_count(&c->count, obj, "count", e) != 0 ||
	    get_date(&c->until, obj, "until", e) != 0 ||
	    json_get_str(&why, obj, "why", "a class", e) != 0)
		return -1;
	c->told = true;
	strncpy(c->why, why, sizeof(c->why) - 1);
	return 0;
}

static int read_classes(struct fake_store *s, json_t *classes, struct err *e)
{
	const char *name;
	json_t *obj;

	if (classes != NULL && !json_is_object(classes))
		return err_set(e, ERR_INVALID, "classes must be an object");
	json_object_foreach(classes, name, obj)
	{
		enum copy_class cls = class_parse(name);
		if (cls == CLASS_UNKNOWN)
			return err_set(e, ERR_INVALID,
				       "\"%s\" is not a copy class", name);
		if (read_class(&s->classes[cls], obj, e) != 0)
			return -1;
	}
	return 0;
}

static int read_rest(struct fake_store *s, const json_t *doc, struct err *e)
{
	json_t *ghosts = json_object_get(doc, "ghosts");
	json_t *counters = json_object_get(doc, "occasions"), *v;
	const char *name;

	s->ghosts = calloc(json_array_size(ghosts) + 1, sizeof(char *));
	s->counters =
		calloc(json_object_size(counters) + 1, sizeof(*s->counters));
	if (s->ghosts == NULL || s->counters == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < json_array_size(ghosts); i++) {
		const char *text = json_string_value(json_array_get(ghosts, i));
		s->ghosts[i] = strdup(text != NULL ? text : "");
		s->n_ghosts++;
		if (s->ghosts[i] == NULL)
			return err_set(e, ERR_FAILED, "out of memory");
	}
	json_object_foreach(counters, name, v)
	{
		struct fake_counter *c = &s->counters[s->n_counters++];
		c->n = (uint64_t)json_integer_value(v);
		c->fault = strdup(name);
		if (c->fault == NULL)
			return err_set(e, ERR_FAILED, "out of memory");
	}
	return 0;
}

static int read_document(struct fake_store *s, const json_t *doc, struct err *e)
{
	static const char *const keys[] = {"type",	"version", "items",
					   "classes",	"gone",	   "ghosts",
					   "occasions", NULL};
	const char *type;
	uint64_t version;

	if (json_known(doc, keys, "the store", e) != 0 ||
	    json_get_str(&type, doc, "type", "the store", e) != 0 ||
	    json_get_u64(&version, doc, "version", "the store", e) != 0)
		return -1;
	if (strcmp(type, STORE_TYPE) != 0 || version != 1)
		return err_set(e, ERR_INVALID,
			       "its type must be \"" STORE_TYPE
			       "\", version 1");
	if (read_items(&s->items, &s->n, json_object_get(doc, "items"), e) !=
		    0 ||
	    read_items(&s->gone, &s->n_gone, json_object_get(doc, "gone"), e) !=
		    0 ||
	    read_classes(s, json_object_get(doc, "classes"), e) != 0 ||
	    read_rest(s, doc, e) != 0)
		return -1;
	if (s->n != 0)
		qsort(s->items, s->n, sizeof(*s->items), by_id);
	for (size_t i = 1; i < s->n; i++)
		if (by_id(&s->items[i - 1], &s->items[i]) == 0)
			return err_set(e, ERR_INVALID,
				       "two items have the same key and "
				       "version");
	return 0;
}

int store_read(struct fake_store *s, const char *path, struct err *e)
{
	struct err why = ERR_INIT;
	json_t *doc = NULL;

	memset(s, 0, sizeof(*s));
	if (!file_exists(path))
		return err_set(e, ERR_UNREACHABLE,
			       "the rehearsal store %s is not there", path);
	doc = json_file(path, STORE_MAX, NULL, &why);
	if (doc == NULL || read_document(s, doc, &why) != 0) {
		err_set(e, ERR_STORE, "reading the rehearsal store %s: %s",
			path, why.msg);
		store_release(s);
		json_decref(doc);
		return -1;
	}
	json_decref(doc);
	return 0;
}

/* ---- writing --------------------------------------------------------------
 */

static void put_escaped(json_t *obj, const char *key, const void *data,
			size_t len)
{
	struct buf text;

	buf_init(&text, 3 * (size_t)STORE_MAX);
	name_escape(&text, data, len);
	json_object_set_new(obj, key, json_string(buf_str(&text)));
	buf_release(&text);
}

static json_t *item_json(const struct fake_item *item)
{
	json_t *obj = json_object();
	char date[CLOCK_TEXT];

	put_escaped(obj, "key", item->id, item->key_len);
	put_escaped(obj, "version", item->id + item->key_len + 1,
		    item->id_len - item->key_len - 1);
	json_object_set_new(obj, "class", json_string(class_name(item->cls)));
	put_escaped(obj, "content", item->content, item->content_len);
	if (item->neighbour)
		json_object_set_new(obj, "neighbour", json_true());
	if (item->held)
		json_object_set_new(obj, "held", json_true());
	if (item->rows != 0)
		json_object_set_new(obj, "rows", json_u64(item->rows));
	if (item->group != 0)
		json_object_set_new(obj, "group", json_u64(item->group));
	if (item->locked_until != 0) {
		clock_text(date, item->locked_until);
		json_object_set_new(obj, "locked_until", json_string(date));
	}
	return obj;
}

static json_t *items_json(const struct fake_item *items, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, item_json(&items[i]));
	return list;
}

static json_t *classes_json(const struct fake_store *s)
{
	json_t *all = json_object();
	char date[CLOCK_TEXT];

	for (int i = 0; i < CLASS_COUNT; i++) {
		const struct fake_class *c = &s->classes[i];
		if (!c->told)
			continue;
		json_t *obj = json_object();
		json_object_set_new(obj, "presence",
				    json_string(presences[c->before]));
		json_object_set_new(obj, "after",
				    json_string(presences[c->after]));
		if (c->count != 0)
			json_object_set_new(obj, "count", json_u64(c->count));
		if (c->until != 0) {
			clock_text(date, c->until);
			json_object_set_new(obj, "until", json_string(date));
		}
		json_object_set_new(obj, "why", json_string(c->why));
		json_object_set_new(all, class_name((enum copy_class)i), obj);
	}
	return all;
}

int store_write(struct fake_store *s, const char *path, struct err *e)
{
	struct buf text;

	if (!s->changed)
		return 0;
	json_t *doc = json_object();
	json_t *ghosts = json_array(), *counters = json_object();
	for (size_t i = 0; i < s->n_ghosts; i++)
		json_array_append_new(ghosts, json_string(s->ghosts[i]));
	for (size_t i = 0; i < s->n_counters; i++)
		json_object_set_new(counters, s->counters[i].fault,
				    json_u64(s->counters[i].n));
	json_object_set_new(doc, "type", json_string(STORE_TYPE));
	json_object_set_new(doc, "version", json_u64(1));
	json_object_set_new(doc, "items", items_json(s->items, s->n));
	json_object_set_new(doc, "classes", classes_json(s));
	json_object_set_new(doc, "gone", items_json(s->gone, s->n_gone));
	json_object_set_new(doc, "ghosts", ghosts);
	json_object_set_new(doc, "occasions", counters);
	buf_init(&text, STORE_MAX);
	int rc = json_write(&text, doc, e);
	if (rc == 0)
		rc = file_write(path, text.data, text.len, e);
	if (rc == 0)
		s->changed = false;
	buf_release(&text);
	json_decref(doc);
	return rc;
}

/* ---- items ------------------------------------------------------------------
 */

struct fake_item *store_find(const struct fake_store *s, const void *id,
			     size_t len)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t at = low + (high - low) / 2;
		int order = fake_id_compare(s->items[at].id,
					    s->items[at].id_len, id, len);
		if (order == 0)
			return &s->items[at];
		if (order < 0)
			low = at + 1;
		else
			high = at;
	}
	return NULL;
}

static int append(struct fake_item **list, size_t *n,
		  const struct fake_item *item, struct err *e)
{
	struct fake_item *more = realloc(*list, (*n + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	*list = more;
	more[(*n)++] = *item;
	return 0;
}

static int add_ghost(struct fake_store *s, const struct fake_item *item,
		     struct err *e)
{
	struct buf text;
	char **more =
		realloc(s->ghosts, (s->n_ghosts + 1) * sizeof(*s->ghosts));

	if (more == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	s->ghosts = more;
	buf_init(&text, 3 * (size_t)STORE_MAX);
	name_escape(&text, item->content, item->content_len);
	s->ghosts[s->n_ghosts] = strdup(buf_str(&text));
	buf_release(&text);
	if (s->ghosts[s->n_ghosts] == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	s->n_ghosts++;
	return 0;
}

int store_take(struct fake_store *s, struct fake_item *item, bool remember,
	       bool ghost, struct err *e)
{
	size_t at = (size_t)(item - s->items);

	if (ghost && add_ghost(s, item, e) != 0)
		return -1;
	if (remember) {
		if (append(&s->gone, &s->n_gone, item, e) != 0)
			return -1;
	} else {
		item_release(item);
	}
	memmove(item, item + 1, (s->n - at - 1) * sizeof(*item));
	s->n--;
	s->changed = true;
	return 0;
}

bool store_bring_back(struct fake_store *s)
{
	struct err e = ERR_INIT;

	if (s->n_gone == 0)
		return false;
	struct fake_item item = s->gone[s->n_gone - 1];
	if (store_find(s, item.id, item.id_len) != NULL ||
	    append(&s->items, &s->n, &item, &e) != 0)
		return false;
	s->n_gone--;
	qsort(s->items, s->n, sizeof(*s->items), by_id);
	s->changed = true;
	return true;
}

int store_add(struct fake_store *s, const struct fake_item *item, struct err *e)
{
	struct fake_item copy = *item;

	copy.id = malloc(item->id_len);
	copy.content = malloc(item->content_len + 1);
	if (copy.id == NULL || copy.content == NULL ||
	    store_find(s, item->id, item->id_len) != NULL) {
		free(copy.id);
		free(copy.content);
		return err_set(e, ERR_FAILED, "adding an item failed");
	}
	memcpy(copy.id, item->id, item->id_len);
	memcpy(copy.content, item->content, item->content_len);
	if (append(&s->items, &s->n, &copy, e) != 0) {
		item_release(&copy);
		return -1;
	}
	qsort(s->items, s->n, sizeof(*s->items), by_id);
	s->changed = true;
	return 0;
}
