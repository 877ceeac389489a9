/*
 * The closeout file in a build that leaves providers out.  This program has a
 * registry of its own, so that the ordinary build can run it.
 */
#include "tests/unit/unit.h"

#include "tools/quietus/closeout.h"
#include "tools/quietus/closeout_private.h"

static const struct setting_spec no_settings[] = {
	{NULL, SETTING_STRING, false, NULL, NULL},
};
static const struct provider only = {.name = "directory",
				     .settings = no_settings};
static const struct provider *const built[] = {&only, NULL};
static const char *const left_out[] = {
	"sqlite: built without the SQLite library (libsqlite3-dev)",
	"s3: built without libcurl or expat (libcurl4-openssl-dev, "
	"libexpat1-dev)",
	NULL};

const struct provider *const *provider_list(void)
{
	return built;
}

const struct provider *provider_find(const char *name)
{
	return strcmp(name, only.name) == 0 ? &only : NULL;
}

const char *const *provider_missing(void)
{
	return left_out;
}

/* What is said of a source with that provider, on line 2. */
static void asked_for(const char *name, struct err *e)
{
	struct closeout *c = NULL;
	char text[400];

	snprintf(text, sizeof(text),
		 "sources = (\n  { name = \"app\"; provider = \"%s\"; } );",
		 name);
	err_clear(e);
	CU_ASSERT_EQUAL(closeout_parse(&c, text, strlen(text), "a.cfg", "/", e),
			-1);
	CU_ASSERT_EQUAL(e->code, ERR_USAGE);
	CU_ASSERT_PTR_NULL(c);
}

static void a_provider_left_out_is_named_with_its_library(void)
{
	struct err e = ERR_INIT;

	asked_for("sqlite", &e);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(e.msg, "a.cfg:2: this build leaves out provider sqlite: "
			      "built without the SQLite library "
			      "(libsqlite3-dev)"));
	asked_for("s3", &e);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "leaves out provider s3: "));
}

static void a_beginning_of_a_name_is_not_the_name(void)
{
	struct err e = ERR_INIT;

	asked_for("s", &e);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(e.msg, "a.cfg:2: unknown provider \"s\"; known are: "
			      "directory"));
	CU_ASSERT_PTR_NULL(strstr(e.msg, "leaves out"));
	asked_for("sqlite3", &e);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "unknown provider"));
}

static void a_provider_that_is_built_is_not_complained_of(void)
{
	struct err e = ERR_INIT;

	asked_for("directory", &e);
	CU_ASSERT_PTR_NULL(strstr(e.msg, "provider"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "missing key \"closeout\""));
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(a_provider_left_out_is_named_with_its_library),
		UNIT(a_beginning_of_a_name_is_not_the_name),
		UNIT(a_provider_that_is_built_is_not_complained_of),
		{NULL, NULL}};

	return unit_run("closeout_build", tests);
}
