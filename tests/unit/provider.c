/* provider.c: settings, descriptions and the wrappers around a provider. */
#include "providers/provider.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

/* ---- settings ----------------------------------------------------------- */

static int expand(struct buf *out, const char *text, const char *client,
		  struct err *e)
{
	const struct setting at_ = {
		.name = "path", .str = text, .file = "c.cfg", .line = 4};
	err_clear(e);
	buf_reset(out);
	return setting_expand(out, &at_, client, e);
}

static void client_stands_for_one_plain_name(void)
{
	struct buf out;
	struct err e = ERR_INIT;

	buf_init(&out, 100);
	CU_ASSERT(expand(&out, "a/{client}/b/{client}", "7", &e) == 0);
	CU_ASSERT(strcmp(buf_str(&out), "a/7/b/7") == 0);
	CU_ASSERT(expand(&out, "no word", "", &e) == 0);
	CU_ASSERT(expand(&out, "{client}", "...", &e) == 0);
	static const char *const bad[] = {"", ".", "..", "a/b", "a\n", "a\x7f"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT(expand(&out, "x/{client}", bad[i], &e) != 0);
		CU_ASSERT(e.code == ERR_USAGE);
		CU_ASSERT(strncmp(e.msg, "c.cfg:4: ", 9) == 0);
	}
	buf_release(&out);
}

static void braces_hold_nothing_else(void)
{
	static const char *const bad[] = {"{other}", "{client", "}",
					  "{{client}}", "{}"};
	struct buf out;
	struct err e = ERR_INIT;

	buf_init(&out, 100);
	CU_ASSERT(expand(&out, "{client}", "7", &e) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT(expand(&out, bad[i], "7", &e) != 0);
		CU_ASSERT(e.code == ERR_USAGE);
	}
	buf_release(&out);
}

static void expansion_that_does_not_fit_is_refused(void)
{
	struct buf out;
	struct err e = ERR_INIT;

	buf_init(&out, 8);
	CU_ASSERT(expand(&out, "{client}", "1234567", &e) == 0);
	CU_ASSERT(expand(&out, "{client}", "123456789", &e) != 0);
	buf_release(&out);
}

static void members_are_found_by_name_and_type(void)
{
	const struct setting members[] = {
		{.name = "s", .type = SETTING_STRING, .str = "text"},
		{.name = "b", .type = SETTING_BOOL, .flag = true},
	};
	const struct setting group = {
		.type = SETTING_GROUP, .members = members, .n_members = 2};

	CU_ASSERT(setting_get(&group, "s") == &members[0]);
	CU_ASSERT(setting_get(&group, "t") == NULL);
	CU_ASSERT(setting_get(NULL, "s") == NULL);
	CU_ASSERT(strcmp(setting_str(&group, "s", "other"), "text") == 0);
	CU_ASSERT(strcmp(setting_str(&group, "b", "other"), "other") == 0);
	CU_ASSERT(setting_flag(&group, "b", false));
	CU_ASSERT(!setting_flag(&group, "s", false));
}

/* ---- descriptions ------------------------------------------------------- */

static void descriptions_hold_what_they_are_told(void)
{
	struct description d;
	struct err e = ERR_INIT;

	description_init(&d);
	for (int i = 0; i < DESCRIPTION_FACTS + 5; i++)
		description_fact(&d, "key", "value %d", i);
	CU_ASSERT(d.n_facts == DESCRIPTION_FACTS);
	CU_ASSERT(strcmp(d.facts[0].value, "value 0") == 0);
	for (int i = 0; i < 100; i++)
		CU_ASSERT(description_block(&d, &e, "kind", 3, "%d", i) == 0);
	CU_ASSERT(d.n_blockers == 100);
	CU_ASSERT(strcmp(d.blockers[99].text, "99") == 0);
	CU_ASSERT(d.blockers[99].count == 3);
	CU_ASSERT(d.classes[CLASS_REPLICA].presence == PRESENCE_UNKNOWN);
	description_class(&d, CLASS_REPLICA, PRESENCE_FOUND, 2, "two");
	CU_ASSERT(d.classes[CLASS_REPLICA].presence == PRESENCE_FOUND);
	CU_ASSERT(d.classes[CLASS_REPLICA].count == 2);
	description_release(&d);
	CU_ASSERT(d.blockers == NULL && d.n_facts == 0);
}

/* ---- a provider that answers as it is told ------------------------------ */

static struct {
	int rc;
	enum err_code code;
	size_t id_len;
	size_t spec_len;
	unsigned closed;
} told;

static int answer(struct err *e)
{
	return told.rc == 0 ? 0 : err_set(e, told.code, "the reason");
}

static int t_open(void **handle, const struct scope *scope, struct err *e)
{
	(void)scope;
	*handle = &told;
	return answer(e);
}

static void t_close(void *handle)
{
	(void)handle;
	told.closed++;
}

static int t_describe(void *handle, enum phase phase, struct description *d,
		      struct err *e)
{
	(void)handle;
	(void)phase;
	(void)d;
	return answer(e);
}

static int t_enumerate(void *handle, item_fn *fn, void *arg, struct err *e)
{
	static unsigned char bytes[ITEM_SPEC_MAX + 1];
	const struct item item = {.id = bytes,
				  .id_len = told.id_len,
				  .spec = bytes,
				  .spec_len = told.spec_len};
	(void)handle;
	if (fn(arg, &item, e) != 0)
		return -1;
	return answer(e);
}

static int t_destroy(void *handle, const struct item *items, size_t n,
		     struct outcome *out, struct bystanders *by, struct err *e)
{
	(void)handle;
	(void)items;
	(void)n;
	(void)out;
	(void)by;
	return answer(e);
}

static int t_check(void *handle, const struct item *items, size_t n,
		   enum answer *out, struct err *e)
{
	(void)handle;
	(void)items;
	(void)n;
	(void)out;
	return answer(e);
}

static const struct provider plain = {
	.name = "plain",
	.open = t_open,
	.close = t_close,
	.describe = t_describe,
	.enumerate = t_enumerate,
	.destroy = t_destroy,
	.check_absent = t_check,
};

static struct source opened(void)
{
	struct source s;
	const struct scope scope = {.source = "media", .client = "7"};
	struct err e = ERR_INIT;

	memset(&told, 0, sizeof(told));
	told.id_len = 1;
	CU_ASSERT(source_open(&s, &plain, &scope, &e) == 0);
	return s;
}

static int count(void *arg, const struct item *item, struct err *e)
{
	(void)item;
	(void)e;
	++*(size_t *)arg;
	return 0;
}

static void outputs_begin_as_unknown(void)
{
	struct source s = opened();
	struct item items[3] = {{0}};
	struct outcome out[3];
	enum answer answers[3] = {ANSWER_ABSENT, ANSWER_ABSENT, ANSWER_ABSENT};
	struct residue r;
	struct err e = ERR_INIT;

	for (int i = 0; i < 3; i++)
		out[i].code = OUTCOME_DONE;
	CU_ASSERT(source_destroy(&s, items, 3, out, NULL, &e) == 0);
	CU_ASSERT(source_check_absent(&s, items, 3, answers, &e) == 0);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT(out[i].code == OUTCOME_UNKNOWN);
		CU_ASSERT(answers[i] == ANSWER_UNKNOWN);
	}
	memset(&r, 0xff, sizeof(r));
	CU_ASSERT(source_residue(&s, "", 0, &r, &e) == 0);
	CU_ASSERT(!r.possible && r.hits == 0 && r.why[0] != '\0');
	source_close(&s);
}

static void slots_that_are_missing_are_harmless(void)
{
	struct source s = opened();
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 10);
	CU_ASSERT(source_purge(&s, &b, &e) == 0);
	CU_ASSERT(source_sample(&s, &b, &e) == 0);
	CU_ASSERT(b.len == 0);
	CU_ASSERT(source_measures_inside(&s));
	buf_release(&b);
	source_close(&s);
	CU_ASSERT(told.closed == 1);
	source_close(&s);
	CU_ASSERT(told.closed == 1);
}

static void items_out_of_bounds_never_reach_the_run(void)
{
	static const struct {
		size_t id, spec;
		bool good;
	} cases[] = {
		{0, 0, false},
		{1, 0, true},
		{ITEM_ID_MAX, ITEM_SPEC_MAX, true},
		{ITEM_ID_MAX + 1, 0, false},
		{1, ITEM_SPEC_MAX + 1, false},
	};
	struct source s = opened();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = ERR_INIT;
		size_t n = 0;
		told.id_len = cases[i].id;
		told.spec_len = cases[i].spec;
		int rc = source_enumerate(&s, count, &n, &e);
		CU_ASSERT((rc == 0) == cases[i].good);
		CU_ASSERT(n == (cases[i].good ? 1u : 0u));
		CU_ASSERT(e.code == (cases[i].good ? ERR_NONE : ERR_STORE));
	}
	source_close(&s);
}

static void errors_name_the_source_but_for_the_closeout_file(void)
{
	struct source s = opened();
	struct item item = {0};
	enum answer a;
	struct outcome out;
	struct description d;
	size_t n = 0;

	told.rc = -1;
	told.code = ERR_STORE;
	struct err e = ERR_INIT;
	CU_ASSERT(source_enumerate(&s, count, &n, &e) != 0);
	CU_ASSERT(strcmp(e.msg, "source media: the reason") == 0);
	err_clear(&e);
	CU_ASSERT(source_destroy(&s, &item, 1, &out, NULL, &e) != 0);
	CU_ASSERT(strcmp(e.msg, "source media: the reason") == 0);
	err_clear(&e);
	CU_ASSERT(source_check_absent(&s, &item, 1, &a, &e) != 0);
	CU_ASSERT(strcmp(e.msg, "source media: the reason") == 0);
	err_clear(&e);
	description_init(&d);
	CU_ASSERT(source_describe(&s, PHASE_BEFORE, &d, &e) != 0);
	CU_ASSERT(strcmp(e.msg, "source media: the reason") == 0);
	description_release(&d);
	/* file and line stay in front */
	told.code = ERR_USAGE;
	err_clear(&e);
	CU_ASSERT(source_enumerate(&s, count, &n, &e) != 0);
	CU_ASSERT(strcmp(e.msg, "the reason") == 0);
	source_close(&s);
}

/* ---- registry ----------------------------------------------------------- */

static void every_provider_is_complete(void)
{
	size_t n = 0;

	CU_ASSERT(provider_find("directory") != NULL);
	CU_ASSERT(provider_find("fake") != NULL);
	CU_ASSERT(provider_find("nothing") == NULL);
	for (const struct provider *const *p = provider_list(); *p != NULL;
	     p++, n++) {
		CU_ASSERT(provider_find((*p)->name) == *p);
		CU_ASSERT((*p)->summary != NULL && (*p)->settings != NULL);
		CU_ASSERT((*p)->batch_items > 0);
		CU_ASSERT((*p)->open != NULL && (*p)->close != NULL);
		CU_ASSERT((*p)->describe != NULL && (*p)->enumerate != NULL);
		CU_ASSERT((*p)->destroy != NULL && (*p)->check_absent != NULL);
		/* residue needs samples, and the other way round */
		CU_ASSERT(((*p)->sample == NULL) == ((*p)->residue == NULL));
		CU_ASSERT((*p)->classes[0] != CLASS_UNKNOWN);
		(*p)->close(NULL);
	}
	for (const char *const *m = provider_missing(); *m != NULL; m++, n++)
		CU_ASSERT(strchr(*m, ':') != NULL);
	CU_ASSERT(n >= 4);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(client_stands_for_one_plain_name),
		UNIT(braces_hold_nothing_else),
		UNIT(expansion_that_does_not_fit_is_refused),
		UNIT(members_are_found_by_name_and_type),
		UNIT(descriptions_hold_what_they_are_told),
		UNIT(outputs_begin_as_unknown),
		UNIT(slots_that_are_missing_are_harmless),
		UNIT(items_out_of_bounds_never_reach_the_run),
		UNIT(errors_name_the_source_but_for_the_closeout_file),
		UNIT(every_provider_is_complete),
		{NULL, NULL}};
	return unit_run("provider", tests);
}
