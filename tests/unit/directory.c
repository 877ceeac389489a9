/* directory.c: what the directory provider lists, and what it refuses. */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "certs/base/clock.h"
#include "tests/unit/directory_world.h"

/* ---- opening ------------------------------------------------------------ */

static void paths_that_climb_or_name_no_folder_are_refused(void)
{
	static const char *const bad[] = {
		"files/{client}/../77", "files/{client}/..", "/",   "",
		"files/{other}",	"files/{client",     "./.",
	};
	struct opened o;

	begin();
	CU_ASSERT(try_open(&o, "files/{client}", NULL, NULL) == 0);
	done(&o);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT(try_open(&o, bad[i], NULL, NULL) != 0);
		CU_ASSERT(o.e.code == ERR_USAGE);
		CU_ASSERT(strncmp(o.e.msg, "closeout.cfg:3: ", 16) == 0);
		done(&o);
	}
	/* the client's own name may not climb either */
	CU_ASSERT(try_open(&o, "files/{client}", NULL, NULL) == 0);
	done(&o);
	o.scope.client = "..";
	err_clear(&o.e);
	CU_ASSERT(source_open(&o.source, &provider_directory, &o.scope, &o.e) !=
		  0);
	CU_ASSERT(o.e.code == ERR_USAGE);
	end();
}

static void kept_paths_must_lie_in_the_folder(void)
{
	static const char *const bad[] = {"/etc", "../77", "", "a/../b"};
	struct opened o;

	begin();
	CU_ASSERT(try_open(&o, "files/7", "a/b", "c") == 0);
	done(&o);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT(try_open(&o, "files/7", bad[i], NULL) != 0);
		CU_ASSERT(o.e.code == ERR_USAGE);
		done(&o);
	}
	end();
}

static void scope_that_is_a_link_or_a_file_is_refused(void)
{
	struct opened o;

	begin();
	put("files/file", "x");
	CU_ASSERT(symlink("77", at("files/link")) == 0);
	CU_ASSERT(try_open(&o, "files/link", NULL, NULL) != 0);
	CU_ASSERT(o.e.code == ERR_REFUSED);
	CU_ASSERT(strstr(o.e.msg, "symbolic link") != NULL);
	CU_ASSERT(strstr(o.e.msg, "source files") != NULL);
	done(&o);
	CU_ASSERT(try_open(&o, "files/file", NULL, NULL) != 0);
	CU_ASSERT(o.e.code == ERR_REFUSED);
	done(&o);
	/* a link behind the part that names the client */
	CU_ASSERT(symlink("../77", at("files/7/data")) == 0);
	CU_ASSERT(try_open(&o, "files/{client}/data", NULL, NULL) != 0);
	CU_ASSERT(o.e.code == ERR_REFUSED);
	done(&o);
	/* one before it is the vendor's own business */
	CU_ASSERT(symlink("files", at("srv")) == 0);
	CU_ASSERT(try_open(&o, "srv/{client}", NULL, NULL) == 0);
	done(&o);
	end();
}

static void missing_scope_is_empty_and_missing_anchor_unreachable(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT_FATAL(try_open(&o, "files/nobody", NULL, NULL) == 0);
	list(&o, &l);
	CU_ASSERT(l.n == 0);
	CU_ASSERT(blocked(&o, "mount-point") == 0);
	CU_ASSERT(ask(&o, "/x", NULL) == ANSWER_ABSENT);
	done(&o);
	CU_ASSERT(try_open(&o, "not-mounted/{client}", NULL, NULL) != 0);
	CU_ASSERT(o.e.code == ERR_UNREACHABLE);
	done(&o);
	forget(&l);
	end();
}

static void scope_that_holds_our_own_folders_is_refused(void)
{
	struct opened o;
	char in[PATH_MAX + 40], beside[PATH_MAX + 40], is[PATH_MAX + 40];
	char later[PATH_MAX + 40], alike[PATH_MAX + 40];

	begin();
	snprintf(in, sizeof(in), "%s", at("files/7/cases"));
	snprintf(later, sizeof(later), "%s", at("files/7/a/b/cases"));
	snprintf(is, sizeof(is), "%s", at("files/link"));
	snprintf(beside, sizeof(beside), "%s", at("files/cases"));
	snprintf(alike, sizeof(alike), "%s", at("files/7cases"));
	CU_ASSERT(symlink("7", is) == 0); /* a link to the scope itself */
	const char *bad[] = {in, later, is};
	for (size_t i = 0; i < 3; i++) {
		const char *const list_[] = {beside, bad[i], NULL};
		own_folders = list_;
		CU_ASSERT(try_open(&o, "files/{client}", NULL, NULL) != 0);
		CU_ASSERT(o.e.code == ERR_USAGE);
		done(&o);
	}
	const char *const good[] = {beside, alike, NULL};
	own_folders = good;
	CU_ASSERT(try_open(&o, "files/{client}", NULL, NULL) == 0);
	done(&o);
	own_folders = NULL;
	end();
}

/* ---- listing ------------------------------------------------------------ */

static void children_sort_after_their_folder(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/a"), 0755) == 0);
	put("files/7/a/x", "1");
	put("files/7/a!", "sorts between a and a/x");
	put("files/7/ ", "a blank");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(l.n == 5);
	/* descending: whatever is in a folder comes before it */
	const char *const want[] = {"/a/x", "/a!", "/a", "/ ", "/"};
	for (size_t i = 0; i < 5 && l.n == 5; i++)
		CU_ASSERT(strcmp((const char *)l.items[i].id, want[i]) == 0);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7"));
	forget(&l);
	done(&o);
	end();
}

static void names_of_any_bytes_are_items(void)
{
	struct opened o;
	struct ledger l = {0};
	char name[300] = "files/7/";
	size_t n = strlen(name);

	begin();
	for (int c = 1; c < 256; c++)
		if (c != '/')
			name[n++] = (char)c;
	name[8 + 254] = '\0';
	put(name, "every byte");
	put("files/7/\xff\xfe", "not UTF-8");
	put("files/7/..." /* not ".." */, "dots");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(l.n == 4);
	CU_ASSERT(is_there(name));
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there(name) && !is_there("files/7"));
	forget(&l);
	done(&o);
	end();
}

static void links_are_items_and_never_followed(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(symlink("../77", at("files/7/folder")) == 0);
	CU_ASSERT(symlink("../77/secret", at("files/7/file")) == 0);
	CU_ASSERT(symlink("/etc/passwd", at("files/7/system")) == 0);
	CU_ASSERT(symlink("loop", at("files/7/loop")) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(l.n == 5);
	CU_ASSERT(find(&l, "/folder") != NULL);
	CU_ASSERT(find(&l, "/folder/secret") == NULL);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7"));
	CU_ASSERT(holds("files/77/secret", "of another client"));
	forget(&l);
	done(&o);
	end();
}

static void special_files_are_unlinked_and_reported(void)
{
	struct opened o;
	struct ledger l = {0};
	struct description d;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t want = 3;

	begin();
	CU_ASSERT(mkfifo(at("files/7/pipe"), 0600) == 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%.90s/files/7/s",
		 world);
	CU_ASSERT(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	if (mknod(at("files/7/null"), S_IFCHR | 0600, makedev(1, 3)) == 0)
		want++;
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(l.n == want);
	description_init(&d);
	CU_ASSERT(source_describe(&o.source, PHASE_BEFORE, &d, &o.e) == 0);
	CU_ASSERT(strstr(d.classes[CLASS_CURRENT].why, "pipes, sockets") !=
		  NULL);
	description_release(&d);
	CU_ASSERT(is_there("files/7/pipe") && is_there("files/7/s"));
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7"));
	close(fd);
	forget(&l);
	done(&o);
	end();
}

/* Makes a chain of n folders called d below fd. */
static void make_chain(int fd, int n)
{
	fd = dup(fd);
	for (int i = 0; i < n; i++) {
		CU_ASSERT_FATAL(mkdirat(fd, "d", 0755) == 0);
		int next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		CU_ASSERT_FATAL(next >= 0);
		close(fd);
		fd = next;
	}
	int f = openat(fd, "bottom", O_WRONLY | O_CREAT, 0644);
	CU_ASSERT_FATAL(f >= 0);
	CU_ASSERT(write(f, "deep", 4) == 4);
	close(f);
	close(fd);
}

static void deep_tree_fits_in_few_descriptors(void)
{
	struct opened o;
	struct ledger l = {0};
	struct rlimit was, few;

	begin();
	int fd = open(at("files/7"), O_RDONLY | O_DIRECTORY);
	make_chain(fd, 2000);
	close(fd);
	/* siblings on the way: the listing must go on where it was */
	for (int i = 0; i < 300; i++) {
		char name[60];
		snprintf(name, sizeof(name), "files/7/d/d/d/sibling-%d", i);
		put(name, "x");
	}
	must_open(&o, NULL, NULL);
	CU_ASSERT(getrlimit(RLIMIT_NOFILE, &was) == 0);
	few = was;
	few.rlim_cur = 200;
	CU_ASSERT(setrlimit(RLIMIT_NOFILE, &few) == 0);
	list(&o, &l);
	CU_ASSERT(l.n == 2000 + 1 + 300 + 1);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7"));
	CU_ASSERT(setrlimit(RLIMIT_NOFILE, &was) == 0);
	forget(&l);
	done(&o);
	end();
}

static void wide_deep_tree_is_listed_once_each(void)
{
	struct opened o;
	struct ledger l = {0};
	char name[400] = "files/7";

	begin();
	/* 100 levels with 40 names in each, so that reopened levels have
	 * both names handed over and names still to come */
	for (int level = 0; level < 100; level++) {
		size_t n = strlen(name);
		for (int i = 0; i < 40; i++) {
			snprintf(name + n, sizeof(name) - n, "/%d", i);
			put(name, "");
		}
		snprintf(name + n, sizeof(name) - n, "/m");
		CU_ASSERT_FATAL(mkdir(at(name), 0755) == 0);
	}
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(l.n == 100 * 41 + 1);
	for (size_t i = 1; i < l.n; i++)
		if (down(&l.items[i - 1], &l.items[i]) >= 0)
			CU_FAIL("listed twice");
	forget(&l);
	done(&o);
	end();
}

static void path_beyond_the_limit_is_an_error_not_left_out(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	int fd = open(at("files/7"), O_RDONLY | O_DIRECTORY);
	make_chain(fd, 2100);
	close(fd);
	must_open(&o, NULL, NULL);
	CU_ASSERT(source_enumerate(&o.source, keep, &l, &o.e) != 0);
	CU_ASSERT(o.e.code == ERR_STORE);
	CU_ASSERT(strstr(o.e.msg, "longer than") != NULL);
	forget(&l);
	done(&o);
	end();
}

static void folder_that_cannot_be_listed_is_denied(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/closed"), 0700) == 0);
	put("files/7/closed/x", "x");
	if (geteuid() != 0) {
		CU_ASSERT(chmod(at("files/7/closed"), 0) == 0);
	} else {
		CU_ASSERT_FATAL(seteuid(65534) == 0);
	}
	must_open(&o, NULL, NULL);
	CU_ASSERT(source_enumerate(&o.source, keep, &l, &o.e) != 0);
	CU_ASSERT(o.e.code == ERR_DENIED);
	CU_ASSERT(strstr(o.e.msg, "/closed") != NULL);
	/* not "gone" either */
	CU_ASSERT(ask(&o, "/closed/x", NULL) == ANSWER_UNKNOWN);
	CU_ASSERT(ask(&o, "/closed", NULL) == ANSWER_PRESENT);
	if (getuid() == 0)
		CU_ASSERT_FATAL(seteuid(0) == 0);
	/* it may be opened, but nothing in it looked at */
	CU_ASSERT(chmod(at("files/7/closed"), geteuid() == 0 ? 0744 : 0400) ==
		  0);
	if (getuid() == 0)
		CU_ASSERT_FATAL(seteuid(65534) == 0);
	CU_ASSERT(ask(&o, "/closed/x", NULL) == ANSWER_UNKNOWN);
	CU_ASSERT(ask(&o, "/closed/never", NULL) == ANSWER_UNKNOWN);
	if (getuid() == 0)
		CU_ASSERT_FATAL(seteuid(0) == 0);
	CU_ASSERT(chmod(at("files/7/closed"), 0700) == 0);
	CU_ASSERT(ask(&o, "/closed/x", NULL) == ANSWER_PRESENT);
	forget(&l);
	done(&o);
	end();
}

static void without_the_right_to_write_it_is_refused(void)
{
	struct opened o;
	struct ledger l = {0};

	if (geteuid() != 0) {
		printf("# needs root to become somebody else\n");
		return;
	}
	begin();
	put("files/7/theirs", "not yours to write");
	CU_ASSERT(chmod(at("files/7"), 0777) == 0);
	CU_ASSERT_FATAL(seteuid(65534) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/theirs") == OUTCOME_REFUSED);
	CU_ASSERT(ask(&o, "/theirs", NULL) == ANSWER_PRESENT);
	CU_ASSERT_FATAL(seteuid(0) == 0);
	CU_ASSERT(holds("files/7/theirs", "not yours to write"));
	forget(&l);
	done(&o);
	end();
}

/* ---- kept paths --------------------------------------------------------- */

static void retained_subtree_keeps_its_parents_only(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/a"), 0755) == 0);
	CU_ASSERT(mkdir(at("files/7/a/law"), 0755) == 0);
	put("files/7/a/law/1", "kept");
	put("files/7/a/lawful", "only begins the same");
	must_open(&o, "a/law", NULL);
	list(&o, &l);
	CU_ASSERT(find(&l, "/")->retention == 1);
	CU_ASSERT(find(&l, "/a")->retention == 1);
	CU_ASSERT(find(&l, "/a/law")->retention == 1);
	CU_ASSERT(find(&l, "/a/law/1")->retention == 1);
	CU_ASSERT(find(&l, "/a/lawful")->retention == 0);
	CU_ASSERT(kill_all(&o, &l) == 4);
	CU_ASSERT(holds("files/7/a/law/1", "kept"));
	CU_ASSERT(!is_there("files/7/a/lawful"));
	/* a ledger that forgot the rule does not help */
	struct item item = *find(&l, "/a/law/1");
	item.retention = 0;
	CU_ASSERT(kill_one(&o, &item) == OUTCOME_REFUSED);
	CU_ASSERT(holds("files/7/a/law/1", "kept"));
	forget(&l);
	done(&o);
	end();
}

static void kept_path_that_selects_nothing_blocks(void)
{
	struct opened o;

	begin();
	put("files/7/there", "x");
	must_open(&o, "there", NULL);
	CU_ASSERT(blocked(&o, "retention-missing") == 0);
	done(&o);
	must_open(&o, "their", "nor this");
	CU_ASSERT(blocked(&o, "retention-missing") == 1);
	CU_ASSERT(blocked(&o, "exclusion-missing") == 1);
	done(&o);
	end();
}

static void excluded_is_no_item_but_a_bystander(void)
{
	struct opened o;
	struct ledger l = {0}, by = {0};
	bool all;

	begin();
	CU_ASSERT(mkdir(at("files/7/a"), 0755) == 0);
	CU_ASSERT(mkdir(at("files/7/a/shared"), 0755) == 0);
	put("files/7/a/own", "beside what is excluded");
	put("files/7/a/shared/x", "not this client's");
	put("files/7/own", "this client's");
	must_open(&o, NULL, "a/shared");
	list(&o, &l);
	/* the parents of what stays are no items either */
	CU_ASSERT(l.n == 2);
	CU_ASSERT(find(&l, "/own") != NULL && find(&l, "/a/own") != NULL);
	CU_ASSERT(source_bystanders(&o.source, 100, 10, &all, keep, &by,
				    &o.e) == 0);
	CU_ASSERT(all);
	CU_ASSERT(find(&by, "/a/shared/x") != NULL);
	CU_ASSERT(find(&by, "/own") == NULL);
	CU_ASSERT(find(&by, "../77/secret") != NULL);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(holds("files/7/a/shared/x", "not this client's"));
	CU_ASSERT(ask(&o, "/a/shared/x", NULL) == ANSWER_PRESENT);
	CU_ASSERT(ask(&o, "../77/secret", NULL) == ANSWER_PRESENT);
	forget(&l);
	forget(&by);
	done(&o);
	end();
}

static void our_own_folders_are_no_bystanders(void)
{
	struct opened o;
	struct ledger by = {0};
	bool all;
	char cases[PATH_MAX + 40];

	begin();
	CU_ASSERT(mkdir(at("files/cases"), 0700) == 0);
	put("files/cases/ledger.db", "changes all the time");
	snprintf(cases, sizeof(cases), "%s", at("files/cases"));
	must_open(&o, NULL, NULL);
	CU_ASSERT(source_bystanders(&o.source, 100, 10, &all, keep, &by,
				    &o.e) == 0);
	CU_ASSERT(find(&by, "../cases/ledger.db") != NULL);
	done(&o);
	const char *const list_[] = {cases, NULL};
	own_folders = list_;
	must_open(&o, NULL, NULL);
	forget(&by);
	CU_ASSERT(source_bystanders(&o.source, 100, 10, &all, keep, &by,
				    &o.e) == 0);
	CU_ASSERT(find(&by, "../cases/ledger.db") == NULL);
	CU_ASSERT(find(&by, "../cases") == NULL);
	CU_ASSERT(find(&by, "../77/secret") != NULL);
	own_folders = NULL;
	forget(&by);
	done(&o);
	end();
}

static void lost_neighbour_is_seen(void)
{
	struct opened o;

	begin();
	put("files/77/second", "x");
	must_open(&o, NULL, NULL);
	CU_ASSERT(ask(&o, "../77/second", NULL) == ANSWER_PRESENT);
	CU_ASSERT(unlink(at("files/77/second")) == 0);
	CU_ASSERT(ask(&o, "../77/second", NULL) == ANSWER_ABSENT);
	CU_ASSERT(ask(&o, "../../escape", NULL) == ANSWER_UNKNOWN);
	done(&o);
	end();
}

static void sample_of_neighbours_is_spread(void)
{
	struct opened o;
	struct ledger by = {0};
	bool all = true;
	size_t low = 0;

	begin();
	for (int i = 0; i < 2000; i++) {
		char name[60];
		snprintf(name, sizeof(name), "files/77/n%04d", i);
		put(name, "");
	}
	must_open(&o, NULL, NULL);
	CU_ASSERT(source_bystanders(&o.source, 500, 100, &all, keep, &by,
				    &o.e) == 0);
	CU_ASSERT(!all && by.n == 100);
	qsort(by.items, by.n, sizeof(*by.items), down);
	for (size_t i = 0; i < by.n; i++) {
		if (i != 0 && down(&by.items[i - 1], &by.items[i]) >= 0)
			CU_FAIL("sampled twice");
		low += strcmp((const char *)by.items[i].id, "../77/n1000") < 0;
	}
	/* half of them, give or take six standard deviations */
	CU_ASSERT(low > 20 && low < 80);
	/* a sample larger than what was exact */
	forget(&by);
	CU_ASSERT(source_bystanders(&o.source, 50, 100, &all, keep, &by,
				    &o.e) == 0);
	CU_ASSERT(!all && by.n == 100);
	forget(&by);
	done(&o);
	end();
}

/* ---- what it says of itself --------------------------------------------- */

static void description_is_honest_and_names_nothing(void)
{
	struct opened o;
	struct description d;
	bool system = false;

	begin();
	CU_ASSERT(mkdir(at("files/7/Martin-Dupont"), 0755) == 0);
	must_open(&o, NULL, NULL);
	for (int phase = PHASE_BEFORE; phase <= PHASE_AFTER; phase++) {
		description_init(&d);
		CU_ASSERT(source_describe(&o.source, (enum phase)phase, &d,
					  &o.e) == 0);
		CU_ASSERT(d.classes[CLASS_CURRENT].presence == PRESENCE_ITEMS);
		CU_ASSERT(strstr(d.method, "o media sanitization claimed") !=
			  NULL);
		CU_ASSERT(strstr(d.limits, "Snapshots") != NULL);
		CU_ASSERT(strlen(d.method) < sizeof(d.method) - 1);
		CU_ASSERT(strlen(d.limits) < sizeof(d.limits) - 1);
		for (size_t i = 0; i < d.n_facts; i++) {
			system |= strcmp(d.facts[i].key, "file system") == 0;
			CU_ASSERT(strstr(d.facts[i].value, world) == NULL);
			CU_ASSERT(strstr(d.facts[i].value, "Dupont") == NULL);
		}
		description_release(&d);
	}
	CU_ASSERT(system);
	/* for the approver's terminal only */
	description_init(&d);
	CU_ASSERT(source_describe(&o.source, PHASE_BEFORE, &d, &o.e) == 0);
	CU_ASSERT(strcmp(d.found, "7") == 0);
	description_release(&d);
	done(&o);
	end();
}

/* ---- size --------------------------------------------------------------- */

static int count(void *arg, const struct item *item, struct err *e)
{
	(void)item;
	(void)e;
	++*(size_t *)arg;
	return 0;
}

static long peak_kib(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void hundred_thousand_files_in_bounded_memory(void)
{
	struct opened o;
	struct ledger l = {0};
	size_t n = 0;

	begin();
	must_open(&o, NULL, NULL);
	CU_ASSERT(source_enumerate(&o.source, count, &n, &o.e) == 0);
	CU_ASSERT(n == 1);
	int dir = open(at("files/7"), O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 100000; i++) {
		char name[40];
		snprintf(name, sizeof(name), "file-%06d.attachment", i);
		int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
		CU_ASSERT_FATAL(fd >= 0);
		/* most are empty: the test is about names */
		if (i % 20 == 0)
			CU_ASSERT(write(fd, "client", 6) == 6);
		close(fd);
	}
	close(dir);
	long before = peak_kib();
	double start = clock_elapsed();
	n = 0;
	CU_ASSERT(source_enumerate(&o.source, count, &n, &o.e) == 0);
	CU_ASSERT(n == 100001);
	printf("# listed 100,001 items in %.2f s, %ld KiB more at the peak\n",
	       clock_elapsed() - start, peak_kib() - before);
#if !defined(__SANITIZE_ADDRESS__)
	CU_ASSERT(peak_kib() - before < 2048);
#endif
	list(&o, &l);
	start = clock_elapsed();
	CU_ASSERT(kill_all(&o, &l) == 0);
	printf("# destroyed them in %.2f s\n", clock_elapsed() - start);
	CU_ASSERT(!is_there("files/7"));
	forget(&l);
	done(&o);
	end();
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(paths_that_climb_or_name_no_folder_are_refused),
		UNIT(kept_paths_must_lie_in_the_folder),
		UNIT(scope_that_is_a_link_or_a_file_is_refused),
		UNIT(missing_scope_is_empty_and_missing_anchor_unreachable),
		UNIT(scope_that_holds_our_own_folders_is_refused),
		UNIT(children_sort_after_their_folder),
		UNIT(names_of_any_bytes_are_items),
		UNIT(links_are_items_and_never_followed),
		UNIT(special_files_are_unlinked_and_reported),
		UNIT(deep_tree_fits_in_few_descriptors),
		UNIT(wide_deep_tree_is_listed_once_each),
		UNIT(path_beyond_the_limit_is_an_error_not_left_out),
		UNIT(folder_that_cannot_be_listed_is_denied),
		UNIT(without_the_right_to_write_it_is_refused),
		UNIT(retained_subtree_keeps_its_parents_only),
		UNIT(kept_path_that_selects_nothing_blocks),
		UNIT(excluded_is_no_item_but_a_bystander),
		UNIT(our_own_folders_are_no_bystanders),
		UNIT(lost_neighbour_is_seen),
		UNIT(sample_of_neighbours_is_spread),
		UNIT(description_is_honest_and_names_nothing),
		UNIT(hundred_thousand_files_in_bounded_memory),
		{NULL, NULL}};
	return unit_run("directory", tests);
}
