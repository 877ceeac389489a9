#include "certs/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "certs/base/file.h"

json_t *json_strict(const void *data, size_t len, const char *what,
		    struct err *e)
{
	json_error_t je;
	json_t *doc = json_loadb(data, len, JSON_REJECT_DUPLICATES, &je);
	if (doc == NULL) {
		err_set(e, ERR_INVALID, "%s: line %d: %s", what, je.line,
			je.text);
		return NULL;
	}
	if (!json_is_object(doc)) {
		json_decref(doc);
		err_set(e, ERR_INVALID, "%s: not a JSON object", what);
		return NULL;
	}
	return doc;
}

json_t *json_file(const char *path, size_t max, struct buf *raw, struct err *e)
{
	struct buf own;
	json_t *doc = NULL;

	buf_init(&own, max);
	if (file_read(&own, path, e) == 0) {
		doc = json_strict(own.data != NULL ? (char *)own.data : "",
				  own.len, path, e);
		if (doc != NULL && raw != NULL &&
		    buf_put(raw, own.data, own.len) != 0) {
			json_decref(doc);
			doc = NULL;
			err_set(e, ERR_FAILED, "%s: out of memory", path);
		}
	}
	buf_release(&own);
	return doc;
}

int json_known(const json_t *obj, const char *const *keys, const char *what,
	       struct err *e)
{
	/* jansson 2.14 iterates over non-const objects only */
	json_t *o = json_incref((json_t *)(uintptr_t)obj);
	const char *key;
	json_t *value;

	json_decref(o); /* the caller's reference keeps it */
	json_object_foreach(o, key, value)
	{
		const char *const *k = keys;
		while (*k != NULL && strcmp(*k, key) != 0)
			k++;
		if (*k == NULL)
			return err_set(e, ERR_INVALID,
				       "%s: unknown key \"%.80s\"", what, key);
	}
	return 0;
}

int json_get_str(const char **out, const json_t *obj, const char *key,
		 const char *what, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	if (!json_is_string(v))
		return err_set(e, ERR_INVALID, "%s: %s", what,
			       v == NULL ? "a key is missing"
					 : "a value has the wrong type"),
		       err_add(e, "\"%s\"", key);
	*out = json_string_value(v);
	return 0;
}

static int digits_u64(uint64_t *out, const char *s)
{
	uint64_t n = 0;
	if (s[0] == '\0' || (s[0] == '0' && s[1] != '\0'))
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		if (n > (UINT64_MAX - (uint64_t)(*s - '0')) / 10)
			return -1;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	*out = n;
	return 0;
}

int json_get_u64(uint64_t *out, const json_t *obj, const char *key,
		 const char *what, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	if (json_is_integer(v) && json_integer_value(v) >= 0) {
		*out = (uint64_t)json_integer_value(v);
		return 0;
	}
	if (json_is_string(v) && digits_u64(out, json_string_value(v)) == 0)
		return 0;
	return err_set(e, ERR_INVALID, "%s: \"%s\" is not a count", what, key);
}

json_t *json_u64(uint64_t n)
{
	if (n <= (UINT64_C(1) << 53))
		return json_integer((json_int_t)n);
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, n);
	return json_string(text);
}

static int append(const char *data, size_t len, void *arg)
{
	return buf_put(arg, data, len);
}

int json_write(struct buf *out, const json_t *doc, struct err *e)
{
	if (json_dump_callback(doc, append, out,
			       JSON_INDENT(2) | JSON_ENSURE_ASCII) != 0 ||
	    buf_putc(out, '\n') != 0)
		return err_set(e, ERR_FAILED,
			       "writing a JSON document: out of memory");
	return 0;
}
