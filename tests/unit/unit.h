/*
 * unit.h: how a test program runs its CUnit tests.
 *
 * Each tests/unit/NAME.c is a program of its own:
 *
 *   static void refused_delete_is_not_absence(void) { CU_ASSERT(...); }
 *   int main(void)
 *   {
 *           static const struct unit_test tests[] = {
 *                   UNIT(refused_delete_is_not_absence),
 *                   {NULL, NULL}};
 *           return unit_run("name", tests);
 *   }
 *
 * It prints "ok NAME" or "not ok NAME" per test, which tests/run counts.
 */
#ifndef QUIETUS_UNIT_H
#define QUIETUS_UNIT_H

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>

struct unit_test {
	const char *name;
	void (*fn)(void);
};

#define UNIT(fn)                                                               \
	{                                                                      \
#fn, fn                                                        \
	}

static const char *unit_suite_name;

static void unit_done(const CU_pTest test, const CU_pSuite suite,
		      const CU_pFailureRecord failure)
{
	(void)suite;
	printf("%s %s: %s\n", failure == NULL ? "ok" : "not ok",
	       unit_suite_name, test->pName);
	for (CU_pFailureRecord f = failure; f != NULL; f = f->pNext)
		printf("#   %s:%u: %s\n", f->strFileName, f->uiLineNumber,
		       f->strCondition);
	fflush(stdout);
}

/* Runs the NULL-ended list; the exit status of main: 0 when all passed. */
static int unit_run(const char *suite_name, const struct unit_test *tests)
{
	unit_suite_name = suite_name;
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
	if (suite == NULL)
		return 2;
	for (; tests->name != NULL; tests++)
		if (CU_add_test(suite, tests->name, tests->fn) == NULL)
			return 2;
	CU_set_test_complete_handler(unit_done);
	CU_run_all_tests();
	unsigned failed = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	return failed == 0 ? 0 : 1;
}

#endif
