/* directory_drift.c: what is swapped or changed between plan and destroy. */
#define _GNU_SOURCE
#include <errno.h>
#include <time.h>
#include "tests/unit/directory_world.h"

/* ---- drift and swaps ---------------------------------------------------- */

static void folder_swapped_for_a_link_does_not_lead_outside(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/in"), 0755) == 0);
	put("files/7/in/secret", "of this client");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(ask(&o, NULL, find(&l, "/in/secret")) == ANSWER_PRESENT);
	CU_ASSERT(rename(at("files/7/in"), at("aside")) == 0);
	CU_ASSERT(symlink("../77", at("files/7/in")) == 0);
	CU_ASSERT(kill_id(&o, &l, "/in/secret") == OUTCOME_DRIFTED);
	CU_ASSERT(kill_id(&o, &l, "/in") == OUTCOME_DRIFTED);
	CU_ASSERT(ask(&o, NULL, find(&l, "/in/secret")) == ANSWER_UNKNOWN);
	CU_ASSERT(holds("files/77/secret", "of another client"));
	CU_ASSERT(holds("aside/secret", "of this client"));
	forget(&l);
	done(&o);
	end();
}

static void folder_swapped_for_a_file_or_folder_is_drift(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/in"), 0755) == 0);
	put("files/7/in/f", "of this client");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(rename(at("files/7/in"), at("aside")) == 0);
	put("files/7/in", "a file now");
	CU_ASSERT(kill_id(&o, &l, "/in/f") == OUTCOME_DRIFTED);
	CU_ASSERT(ask(&o, NULL, find(&l, "/in/f")) == ANSWER_UNKNOWN);
	CU_ASSERT(unlink(at("files/7/in")) == 0);
	CU_ASSERT(mkdir(at("files/7/in"), 0755) == 0);
	put("files/7/in/f", "of this client");
	CU_ASSERT(kill_id(&o, &l, "/in/f") == OUTCOME_DRIFTED);
	CU_ASSERT(kill_id(&o, &l, "/in") == OUTCOME_DRIFTED);
	CU_ASSERT(holds("files/7/in/f", "of this client"));
	forget(&l);
	done(&o);
	end();
}

static void file_replaced_or_changed_is_drift(void)
{
	struct opened o;
	struct ledger l = {0};
	struct stat st;

	begin();
	put("files/7/renamed", "same");
	put("files/7/appended", "same");
	put("files/7/quietly", "same");
	put("files/7/other", "same");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	/* another file of equal size under the name */
	CU_ASSERT(rename(at("files/7/renamed"), at("aside")) == 0);
	put("files/7/renamed", "emas");
	put("files/7/appended", "same and more");
	/* changed in place, size and time put back */
	CU_ASSERT(stat(at("files/7/quietly"), &st) == 0);
	int fd = open(at("files/7/quietly"), O_WRONLY);
	CU_ASSERT(pwrite(fd, "emas", 4, 0) == 4);
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	CU_ASSERT(futimens(fd, times) == 0);
	close(fd);
	CU_ASSERT(kill_id(&o, &l, "/renamed") == OUTCOME_DRIFTED);
	CU_ASSERT(kill_id(&o, &l, "/appended") == OUTCOME_DRIFTED);
	CU_ASSERT(kill_id(&o, &l, "/quietly") == OUTCOME_DRIFTED);
	CU_ASSERT(kill_id(&o, &l, "/other") == OUTCOME_DONE);
	CU_ASSERT(holds("files/7/renamed", "emas"));
	CU_ASSERT(holds("files/7/appended", "same and more"));
	CU_ASSERT(holds("files/7/quietly", "emas"));
	CU_ASSERT(holds("aside", "same"));
	forget(&l);
	done(&o);
	end();
}

static void folder_with_something_new_is_not_removed(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/d"), 0755) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	put("files/7/d/new", "after the plan");
	CU_ASSERT(kill_id(&o, &l, "/d") == OUTCOME_REFUSED);
	CU_ASSERT(holds("files/7/d/new", "after the plan"));
	CU_ASSERT(unlink(at("files/7/d/new")) == 0);
	/* and what came and went does not count as drift of the folder */
	CU_ASSERT(kill_id(&o, &l, "/d") == OUTCOME_DONE);
	CU_ASSERT(!is_there("files/7/d"));
	forget(&l);
	done(&o);
	end();
}

static void ids_that_climb_are_refused(void)
{
	static const char *const bad[] = {
		"/../77/secret", "/a/../../77/secret", "/..", "//77", "/.",
		"../77/secret",	 "files/77/secret",    "/a/",
	};
	struct opened o;
	struct ledger l = {0}, other = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/a"), 0755) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	/* with the digest that the file really has */
	struct opened theirs;
	CU_ASSERT(try_open(&theirs, "files/77", NULL, NULL) == 0);
	list(&theirs, &other);
	struct item item = *find(&other, "/secret");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		item.id = (const unsigned char *)bad[i];
		item.id_len = strlen(bad[i]);
		CU_ASSERT(kill_one(&o, &item) == OUTCOME_REFUSED);
	}
	item.id = (const unsigned char *)"/x\0y";
	item.id_len = 4;
	CU_ASSERT(kill_one(&o, &item) == OUTCOME_REFUSED);
	/* the plain id would have been destroyed by its own source */
	CU_ASSERT(find(&other, "/secret") != NULL);
	forget(&l);
	forget(&other);
	done(&o);
	done(&theirs);
	end();
}

static void steps_and_openat2_agree(void)
{
	static const char *const paths[] = {"",	      "a",	"a/b",
					    "a/none", "l",	"l/none",
					    "file",   "file/x", "up"};
	begin();
	CU_ASSERT(mkdir(at("files/7/a"), 0755) == 0);
	CU_ASSERT(mkdir(at("files/7/a/b"), 0755) == 0);
	CU_ASSERT(symlink("a", at("files/7/l")) == 0);
	CU_ASSERT(symlink("..", at("files/7/up")) == 0);
	put("files/7/file", "x");
	int root = open(at("files/7"), O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int one = open_below(root, paths[i]), why = errno;
		int two = open_below_by_steps(root, paths[i]), why2 = errno;
		CU_ASSERT((one < 0) == (two < 0));
		if (one < 0)
			CU_ASSERT((why == ENOENT) == (why2 == ENOENT));
		if (i < 3) {
			struct statx x, y;
			CU_ASSERT(look_fd(&x, one) == 0);
			CU_ASSERT(look_fd(&y, two) == 0);
			CU_ASSERT(x.stx_ino == y.stx_ino);
		} else {
			CU_ASSERT(one < 0);
		}
		if (one >= 0)
			close(one);
		if (two >= 0)
			close(two);
	}
	close(root);
	end();
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(folder_swapped_for_a_link_does_not_lead_outside),
		UNIT(folder_swapped_for_a_file_or_folder_is_drift),
		UNIT(file_replaced_or_changed_is_drift),
		UNIT(folder_with_something_new_is_not_removed),
		UNIT(ids_that_climb_are_refused),
		UNIT(steps_and_openat2_agree),
		{NULL, NULL}};
	return unit_run("directory_drift", tests);
}
