/* quietus-audit list: a line for each entry. */
#include "tools/quietus-audit/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "certs/base/json.h"

static void print_entry(uint64_t index, const struct trail_entry *en)
{
	const char *name;
	const json_t *digest;

	printf("%8" PRIu64 "  %s  %-9s  %s", index, en->time, en->event,
	       en->number);
	json_object_foreach((json_t *)(uintptr_t)en->digests, name, digest)
	{
		fputs("  ", stdout);
		audit_print(name, strlen(name));
		printf("=%s", json_string_value(digest));
	}
	putchar('\n');
}

static json_t *json_entry(uint64_t index, const struct trail_entry *en)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:O}", "index", json_u64(index),
			 "time", en->time, "event", en->event, "case",
			 en->number, "digests", en->digests);
}

/* One entry; doc is NULL when it is printed. */
static void one(json_t *doc, uint64_t index, const struct buf *data,
		const char *number)
{
	struct trail_entry en;
	struct err e = ERR_INIT;

	if (trail_entry_read(&en, data->data, data->len, &e) != 0) {
		if (number != NULL)
			return;
		if (doc != NULL)
			json_array_append_new(
				doc, json_pack("{s:o, s:n}", "index",
					       json_u64(index), "event"));
		else
			printf("%8" PRIu64
			       "  not an entry this version knows\n",
			       index);
		return;
	}
	if (number == NULL || strcmp(number, en.number) == 0) {
		if (doc != NULL)
			json_array_append_new(doc, json_entry(index, &en));
		else
			print_entry(index, &en);
	}
	trail_entry_release(&en);
}

static int list(json_t *doc, struct trail *t, const char *number)
{
	int status = AUDIT_GOOD;
	struct buf data;

	buf_init(&data, TRAIL_ENTRY_MAX);
	for (uint64_t i = 0; i < trail_size(t); i++) {
		struct err e = ERR_INIT;
		buf_reset(&data);
		if (trail_entry(&data, t, i, &e) != 0) {
			/* says which, and goes on */
			status = audit_error(&e);
			continue;
		}
		one(doc, i, &data, number);
	}
	buf_release(&data);
	return status;
}

int cmd_list(const struct audit_command *c, int argc, char **argv)
{
	const char *dir, *number = NULL;
	bool json = false;
	struct audit_options o = {.number = &number, .json = &json};
	struct err e = ERR_INIT;
	struct trail *t = NULL;
	int status = audit_arguments(c, argc, argv, &o, &dir, 1);

	if (status >= 0)
		return status;
	if (number != NULL && !audit_case_number(number)) {
		err_set(&e, ERR_USAGE,
			"--case takes the number of a case as the "
			"certificate names it: 32 hexadecimal digits in lower "
			"case");
		return audit_error(&e);
	}
	if (trail_read(&t, dir, &e) != 0) {
		err_add(&e, "listing (quietus-audit verify names all defects)");
		return audit_error(&e);
	}
	json_t *entries = json ? json_array() : NULL;
	status = list(entries, t, number);
	if (json) {
		struct buf out;
		json_t *doc = json_pack(
			"{s:s, s:o, s:O}", "log", trail_origin(t), "size",
			json_u64(trail_size(t)), "entries", entries);
		buf_init(&out, (size_t)1 << 30);
		if (doc == NULL || json_write(&out, doc, &e) != 0) {
			err_set(&e, ERR_FAILED, "writing the list as JSON");
			status = audit_error(&e);
		} else {
			fputs(buf_str(&out), stdout);
		}
		buf_release(&out);
		json_decref(doc);
	}
	json_decref(entries);
	trail_free(t);
	return status;
}
