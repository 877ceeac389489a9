#include "certs/field.h"

#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/hex.h"
#include "certs/base/json.h"

bool hex_text(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

bool plain_text(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p != 0; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return false;
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			return false;
	}
	return true;
}

bool word_text(const char *s)
{
	return *s != '\0' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

/* ---- reading ------------------------------------------------------------ */

void field_fail(struct fields *f, const char *key, const char *why)
{
	f->failed = true;
	err_set(f->e, ERR_INVALID, "%s: \"%s\" %s", f->what, key, why);
}

void fields_init(struct fields *f, const json_t *obj, const char *const *keys,
		 const char *what, struct err *e)
{
	f->obj = obj;
	f->what = what;
	f->e = e;
	f->failed = false;
	if (!json_is_object(obj)) {
		f->failed = true;
		err_set(e, ERR_INVALID, "%s: not an object", what);
	} else if (json_known(obj, keys, what, e) != 0) {
		f->failed = true;
	}
}

bool field_has(const struct fields *f, const char *key)
{
	return json_object_get(f->obj, key) != NULL;
}

const char *field_str(struct fields *f, const char *key)
{
	const json_t *v = json_object_get(f->obj, key);
	if (!json_is_string(v)) {
		field_fail(f, key, v == NULL ? "is missing" : "is not text");
		return "";
	}
	if (!plain_text(json_string_value(v))) {
		field_fail(f, key, "has a control character");
		return "";
	}
	return json_string_value(v);
}

uint64_t field_u64(struct fields *f, const char *key)
{
	uint64_t n = 0;
	if (json_get_u64(&n, f->obj, key, f->what, f->e) != 0)
		f->failed = true;
	return n;
}

int64_t field_time(struct fields *f, const char *key)
{
	const char *text = field_str(f, key);
	int64_t t = 0;
	/* only the long form: one date has one spelling in what is signed */
	if (!f->failed &&
	    (strlen(text) != CLOCK_TEXT - 1 || clock_parse(&t, text) != 0))
		field_fail(f, key, "is not a date and time in UTC");
	return t;
}

void field_sha(struct fields *f, const char *key, unsigned char out[SHA_LEN])
{
	const char *text = field_hex(f, key, 2 * SHA_LEN);
	memset(out, 0, SHA_LEN);
	if (*text != '\0')
		hex_decode(out, SHA_LEN, text);
}

const json_t *field_object(struct fields *f, const char *key)
{
	const json_t *v = json_object_get(f->obj, key);
	if (json_is_object(v))
		return v;
	field_fail(f, key, v == NULL ? "is missing" : "is not an object");
	return NULL;
}

const json_t *field_array(struct fields *f, const char *key)
{
	const json_t *v = json_object_get(f->obj, key);
	if (json_is_array(v))
		return v;
	field_fail(f, key, v == NULL ? "is missing" : "is not a list");
	return NULL;
}

const char *field_hex(struct fields *f, const char *key, size_t n)
{
	const char *text = field_str(f, key);
	if (*text != '\0' && hex_text(text, n))
		return text;
	field_fail(f, key,
		   "is not a lower-case hexadecimal digest or number "
		   "of the expected length");
	return "";
}

void field_is(struct fields *f, const char *key, const char *value)
{
	if (strcmp(field_str(f, key), value) == 0)
		return;
	f->failed = true;
	err_set(f->e, ERR_INVALID, "%s: \"%s\" is not \"%s\"", f->what, key,
		value);
}

const char *field_str_opt(struct fields *f, const char *key)
{
	return field_has(f, key) ? field_str(f, key) : NULL;
}

uint64_t field_u64_opt(struct fields *f, const char *key)
{
	return field_has(f, key) ? field_u64(f, key) : 0;
}

int64_t field_time_opt(struct fields *f, const char *key)
{
	return field_has(f, key) ? field_time(f, key) : 0;
}

bool field_sha_opt(struct fields *f, const char *key,
		   unsigned char out[SHA_LEN])
{
	memset(out, 0, SHA_LEN);
	if (!field_has(f, key))
		return false;
	field_sha(f, key, out);
	return true;
}

bool field_flag(struct fields *f, const char *key)
{
	const json_t *v = json_object_get(f->obj, key);
	if (v == NULL)
		return false;
	if (!json_is_true(v))
		field_fail(f, key, "is not true (and false is left out)");
	return true;
}

/* ---- making ------------------------------------------------------------- */

void make_any(struct maker *m, json_t *obj, const char *key, json_t *value)
{
	if (value != NULL && json_object_set_new(obj, key, value) == 0)
		return;
	m->failed = true;
	err_set(m->e, ERR_FAILED, "%s: \"%s\": out of memory", m->what, key);
}

void make_item(struct maker *m, json_t *array, json_t *value)
{
	if (value != NULL && json_array_append_new(array, value) == 0)
		return;
	m->failed = true;
	err_set(m->e, ERR_FAILED, "%s: out of memory", m->what);
}

json_t *make_text(struct maker *m, const char *key, const char *s)
{
	json_t *v = plain_text(s) ? json_string(s) : NULL;
	if (v == NULL) {
		m->failed = true;
		err_set(m->e, ERR_FAILED,
			"%s: \"%s\" has a control character or is not UTF-8 "
			"text; mend it where it comes from",
			m->what, key);
	}
	return v;
}

void make_str(struct maker *m, json_t *obj, const char *key, const char *s)
{
	if (s != NULL)
		make_any(m, obj, key, make_text(m, key, s));
}

void make_u64(struct maker *m, json_t *obj, const char *key, uint64_t n)
{
	make_any(m, obj, key, json_u64(n));
}

void make_time(struct maker *m, json_t *obj, const char *key, int64_t t)
{
	char text[CLOCK_TEXT];
	if (t == 0)
		return;
	clock_text(text, t);
	make_str(m, obj, key, text);
}

void make_sha(struct maker *m, json_t *obj, const char *key,
	      const unsigned char sha[SHA_LEN])
{
	char text[2 * SHA_LEN + 1];
	hex_encode(text, sha, SHA_LEN);
	make_str(m, obj, key, text);
}
