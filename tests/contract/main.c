/*
 * main.c: `contract [NAME...]` runs the contract suite against the named
 * stores, or against all that are built in.  Exit status 0 when every claim
 * held; a store that cannot be started is skipped with its reason, or is a
 * failure when QUIETUS_REQUIRE_ALL=1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/contract.h"

/* A store whose file is not in this build leaves its symbol unset. */
#pragma weak contract_sqlite
#pragma weak contract_s3

struct entry {
	const char *name;
	const struct contract_store *store;
};

static const struct entry *find(const struct entry *list, const char *name)
{
	for (; list->name != NULL; list++)
		if (strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

/* Returns the number of failures. */
static unsigned run_one(const struct entry *entry)
{
	const char *all = getenv("QUIETUS_REQUIRE_ALL");
	bool required = all != NULL && strcmp(all, "1") == 0;
	char why[300] = "its provider is not in this build";
	bool skipped = entry->store == NULL;
	unsigned failed = 0;

	if (!skipped)
		failed = contract_run(entry->store, &skipped, why, sizeof(why));
	if (!skipped)
		return failed;
	if (required) {
		printf("not ok %s: must not be skipped: %s\n", entry->name,
		       why);
		return failed + 1;
	}
	printf("skip %s: %s\n", entry->name, why);
	return failed;
}

int main(int argc, char **argv)
{
	const struct entry list[] = {
		{"directory", &contract_directory},
		{"fake", &contract_fake},
#ifdef WITH_SQLITE
		{"sqlite", &contract_sqlite},
#else
		{"sqlite", NULL},
#endif
#ifdef WITH_S3
		{"s3", &contract_s3},
#else
		{"s3", NULL},
#endif
		{NULL, NULL},
	};
	unsigned failed = 0;

	if (argc == 1)
		for (const struct entry *s = list; s->name != NULL; s++)
			failed += run_one(s);
	for (int i = 1; i < argc; i++) {
		const struct entry *s = find(list, argv[i]);
		if (s == NULL) {
			fprintf(stderr,
				"contract: there is no store \"%s\"; "
				"known: directory fake sqlite s3\n",
				argv[i]);
			return 2;
		}
		failed += run_one(s);
	}
	return failed == 0 ? 0 : 1;
}
