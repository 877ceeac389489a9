/*
 * directory.c: the directory provider's odd cases, on the real file system.
 *
 * Every test works in a fresh folder W with the client's folder W/files/7 and
 * another client's W/files/77.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "providers/directory/internal.h"
#include "tests/unit/unit.h"

extern const struct provider provider_directory;

/* ---- a world ------------------------------------------------------------- */

static char world[PATH_MAX];
static volatile sig_atomic_t stop_now;

struct ledger {
	struct item *items;
	size_t n, size;
};

struct opened {
	struct setting members[2], settings, rule_path, rule_group;
	struct setting ex_path, ex_group;
	struct retention_rule rule;
	struct scope scope;
	struct source source;
	struct err e;
};

static const char *at(const char *rel)
{
	static char text[8][2 * PATH_MAX];
	static unsigned turn;
	char *out = text[turn++ % 8];
	snprintf(out, sizeof(text[0]), "%s/%s", world, rel);
	return out;
}

static void put(const char *rel, const char *content)
{
	int fd = open(at(rel), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT(write(fd, content, strlen(content)) ==
		  (ssize_t)strlen(content));
	close(fd);
}

static bool holds(const char *rel, const char *content)
{
	struct buf b;
	struct err e = ERR_INIT;
	buf_init(&b, 1 << 20);
	bool same = file_read(&b, at(rel), &e) == 0 &&
		    strcmp(buf_str(&b), content) == 0;
	buf_release(&b);
	return same;
}

static bool is_there(const char *rel)
{
	struct stat st;
	return lstat(at(rel), &st) == 0;
}

static void begin(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(world, sizeof(world), "%s/quietus-directory-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	CU_ASSERT_FATAL(mkdtemp(world) != NULL);
	CU_ASSERT_FATAL(chmod(world, 0755) == 0);
	CU_ASSERT_FATAL(mkdir(at("files"), 0755) == 0);
	CU_ASSERT_FATAL(mkdir(at("files/7"), 0755) == 0);
	CU_ASSERT_FATAL(mkdir(at("files/77"), 0755) == 0);
	put("files/77/secret", "of another client");
	stop_now = 0;
}

static void end(void)
{
	struct err e = ERR_INIT;
	CU_ASSERT(holds("files/77/secret", "of another client"));
	CU_ASSERT(file_shred_tree(world, &e) == 0);
}

/* Opens W/path with an optional retained and an optional excluded path. */
static int try_open(struct opened *o, const char *path, const char *retained,
		    const char *excluded)
{
	memset(o, 0, sizeof(*o));
	o->members[0] = (struct setting){
		.name = "path", .str = path, .file = "closeout.cfg", .line = 3};
	o->ex_path = (struct setting){.name = "path", .str = excluded};
	o->ex_group = (struct setting){
		.type = SETTING_GROUP, .members = &o->ex_path, .n_members = 1};
	o->members[1] = (struct setting){.name = "excluded",
					 .type = SETTING_GROUPS,
					 .members = &o->ex_group,
					 .n_members = 1};
	o->settings = (struct setting){.type = SETTING_GROUP,
				       .members = o->members,
				       .n_members = excluded != NULL ? 2 : 1};
	o->rule_path = (struct setting){.name = "path",
					.str = retained,
					.file = "closeout.cfg",
					.line = 9};
	o->rule_group = (struct setting){.type = SETTING_GROUP,
					 .members = &o->rule_path,
					 .n_members = 1};
	o->rule = (struct retention_rule){"law", &o->rule_group};
	o->scope = (struct scope){.source = "files",
				  .client = "7",
				  .base = world,
				  .settings = &o->settings,
				  .retention = &o->rule,
				  .n_retention = retained != NULL,
				  .stop = &stop_now};
	return source_open(&o->source, &provider_directory, &o->scope, &o->e);
}

static void must_open(struct opened *o, const char *retained,
		      const char *excluded)
{
	if (try_open(o, "files/{client}", retained, excluded) != 0)
		printf("# %s\n", o->e.msg);
	CU_ASSERT_FATAL(o->source.handle != NULL);
}

static void done(struct opened *o)
{
	source_close(&o->source);
}

/* ---- a ledger ---------------------------------------------------------------
 */

static void *copy(const void *data, size_t len)
{
	unsigned char *to = malloc(len + 1);
	CU_ASSERT_FATAL(to != NULL);
	if (len != 0)
		memcpy(to, data, len);
	to[len] = '\0';
	return to;
}

static int keep(void *arg, const struct item *item, struct err *e)
{
	struct ledger *l = arg;
	(void)e;
	if (l->n == l->size) {
		l->size = l->size == 0 ? 64 : 2 * l->size;
		l->items = realloc(l->items, l->size * sizeof(*l->items));
		CU_ASSERT_FATAL(l->items != NULL);
	}
	l->items[l->n] = *item;
	l->items[l->n].id = copy(item->id, item->id_len);
	l->items[l->n].spec = copy(item->spec, item->spec_len);
	l->n++;
	return 0;
}

static void forget(struct ledger *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((void *)(uintptr_t)l->items[i].id);
		free((void *)(uintptr_t)l->items[i].spec);
	}
	free(l->items);
	memset(l, 0, sizeof(*l));
}

/* Items sort descending, as they are destroyed. */
static int down(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	size_t n = x->id_len < y->id_len ? x->id_len : y->id_len;
	int order = memcmp(y->id, x->id, n);
	if (order != 0)
		return order;
	return x->id_len < y->id_len ? 1 : x->id_len > y->id_len ? -1 : 0;
}

static void list(struct opened *o, struct ledger *l)
{
	forget(l);
	if (source_enumerate(&o->source, keep, l, &o->e) != 0)
		printf("# %s\n", o->e.msg);
	CU_ASSERT(o->e.code == ERR_NONE);
	if (l->n != 0)
		qsort(l->items, l->n, sizeof(*l->items), down);
}

static struct item *find(const struct ledger *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].id_len == strlen(id) &&
		    memcmp(l->items[i].id, id, strlen(id)) == 0)
			return &l->items[i];
	return NULL;
}

static enum outcome_code kill_one(struct opened *o, const struct item *item)
{
	struct outcome out;
	err_clear(&o->e);
	CU_ASSERT_FATAL(item != NULL);
	if (source_destroy(&o->source, item, 1, &out, NULL, &o->e) != 0)
		return OUTCOME_UNKNOWN;
	return out.code;
}

static enum outcome_code kill_id(struct opened *o, const struct ledger *l,
				 const char *id)
{
	return kill_one(o, find(l, id));
}

/* Destroys all of l; how many outcomes were not DONE. */
static size_t kill_all(struct opened *o, const struct ledger *l)
{
	size_t bad = 0;
	struct outcome *out = calloc(l->n + 1, sizeof(*out));
	for (size_t i = 0; i < l->n; i += 512) {
		size_t n = l->n - i < 512 ? l->n - i : 512;
		CU_ASSERT(source_destroy(&o->source, l->items + i, n, out + i,
					 NULL, &o->e) == 0);
	}
	for (size_t i = 0; i < l->n; i++)
		bad += out[i].code != OUTCOME_DONE;
	free(out);
	return bad;
}

static enum answer ask(struct opened *o, const char *id,
		       const struct item *planned)
{
	struct item item = {.id = (const unsigned char *)id,
			    .id_len = id != NULL ? strlen(id) : 0};
	enum answer a;
	if (planned != NULL)
		item = *planned;
	err_clear(&o->e);
	if (source_check_absent(&o->source, &item, 1, &a, &o->e) != 0)
		return ANSWER_UNKNOWN;
	return a;
}

/* How many things a blocker of that kind counts; 0: there is none. */
static uint64_t blocked(struct opened *o, const char *kind)
{
	struct description d;
	uint64_t n = 0;
	description_init(&d);
	CU_ASSERT(source_describe(&o->source, PHASE_BEFORE, &d, &o->e) == 0);
	for (size_t i = 0; i < d.n_blockers; i++)
		if (strcmp(d.blockers[i].kind, kind) == 0)
			n = d.blockers[i].count;
	description_release(&d);
	return n;
}

static bool same_digest(const struct item *a, const struct item *b)
{
	return a != NULL && b != NULL &&
	       memcmp(a->digest, b->digest, SHA_LEN) == 0;
}

/* ---- opening
 * -------------------------------------------------------------------- */

static void paths_that_climb_or_name_no_folder_are_refused(void)
{
	static const char *const bad[] = {
		"files/../77",	 "files/{client}/..", "/",   "",
		"files/{other}", "files/{client",     "./.",
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

/* ---- listing
 * --------------------------------------------------------------------- */

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

/* ---- overwriting
 * -------------------------------------------------------------------- */

/* True when the first n bytes behind fd are zeros. */
static bool zeros(int fd, size_t n)
{
	unsigned char block[65536];
	for (size_t at_ = 0; at_ < n;) {
		size_t want = n - at_ < sizeof(block) ? n - at_ : sizeof(block);
		ssize_t got = pread(fd, block, want, (off_t)at_);
		if (got <= 0)
			return false;
		for (ssize_t i = 0; i < got; i++)
			if (block[i] != 0)
				return false;
		at_ += (size_t)got;
	}
	return true;
}

static void make_big(const char *rel, size_t mib)
{
	static char block[1 << 20];
	memset(block, 'M', sizeof(block));
	int fd = open(at(rel), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CU_ASSERT_FATAL(fd >= 0);
	for (size_t i = 0; i < mib; i++)
		CU_ASSERT_FATAL(write(fd, block, sizeof(block)) ==
				(ssize_t)sizeof(block));
	close(fd);
}

static void content_is_zeros_before_the_name_goes(void)
{
	struct opened o;
	struct ledger l = {0};
	char first[16] = "";

	begin();
	put("files/7/small", "client marker");
	make_big("files/7/big", 3);
	int small = open(at("files/7/small"), O_RDONLY);
	int big = open(at("files/7/big"), O_RDONLY);
	CU_ASSERT(pread(small, first, 13, 0) == 13);
	CU_ASSERT(memcmp(first, "client marker", 13) == 0);
	CU_ASSERT(!zeros(big, 3 << 20));
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7/small"));
	CU_ASSERT(zeros(small, 13));
	CU_ASSERT(zeros(big, 3 << 20));
	close(small);
	close(big);
	forget(&l);
	done(&o);
	end();
}

static void sparse_file_is_overwritten_where_it_has_data(void)
{
	struct opened o;
	struct ledger l = {0};
	struct stat before, after;

	begin();
	put("files/7/sparse", "head");
	int fd = open(at("files/7/sparse"), O_RDWR);
	off_t far = (off_t)1 << 40; /* a tebibyte of hole */
	CU_ASSERT_FATAL(pwrite(fd, "tail", 4, far) == 4);
	CU_ASSERT(fstat(fd, &before) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(find(&l, "/sparse")->bytes == (uint64_t)far + 4);
	double start = clock_elapsed();
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(clock_elapsed() - start < 20);
	char tail[4] = "xxxx";
	CU_ASSERT(pread(fd, tail, 4, far) == 4);
	CU_ASSERT(memcmp(tail, "\0\0\0\0", 4) == 0);
	CU_ASSERT(zeros(fd, 4));
	CU_ASSERT(fstat(fd, &after) == 0);
	/* the holes were not filled (one block more for the mark at most) */
	CU_ASSERT(after.st_blocks <= before.st_blocks + 16);
	close(fd);
	forget(&l);
	done(&o);
	end();
}

static void attributes_are_wiped_before_the_name_goes(void)
{
	struct opened o;
	struct ledger l = {0};
	char value[40];

	begin();
	put("files/7/f", "");
	CU_ASSERT(mkdir(at("files/7/d"), 0755) == 0);
	if (setxattr(at("files/7/f"), "user.name", "client data", 11, 0) != 0) {
		printf("# no extended attributes on this file system\n");
		end();
		return;
	}
	CU_ASSERT(setxattr(at("files/7/d"), "user.name", "more", 4, 0) == 0);
	int f = open(at("files/7/f"), O_RDONLY);
	int d = open(at("files/7/d"), O_RDONLY);
	CU_ASSERT(fgetxattr(f, "user.name", value, sizeof(value)) == 11);
	CU_ASSERT(fgetxattr(d, "user.name", value, sizeof(value)) == 4);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(fgetxattr(f, "user.name", value, sizeof(value)) < 0);
	CU_ASSERT(fgetxattr(d, "user.name", value, sizeof(value)) < 0);
	close(f);
	close(d);
	forget(&l);
	done(&o);
	end();
}

/* ---- hard links
 * ----------------------------------------------------------------------- */

static void all_names_inside_the_content_goes_with_the_last(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	char text[8] = "";

	begin();
	put("files/7/a", "content");
	CU_ASSERT(link(at("files/7/a"), at("files/7/b")) == 0);
	int fd = open(at("files/7/a"), O_RDONLY);
	must_open(&o, NULL, NULL);
	CU_ASSERT(blocked(&o, "hard-link-outside") == 0);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/b") == OUTCOME_DONE);
	CU_ASSERT(pread(fd, text, 7, 0) == 7);
	CU_ASSERT(memcmp(text, "content", 7) == 0);
	/* a run that begins anew now does not take /a for drifted (I6) */
	list(&o, &again);
	CU_ASSERT(find(&again, "/b") == NULL);
	CU_ASSERT(same_digest(find(&again, "/a"), find(&l, "/a")));
	CU_ASSERT(kill_id(&o, &l, "/a") == OUTCOME_DONE);
	CU_ASSERT(zeros(fd, 7));
	CU_ASSERT(!is_there("files/7/a"));
	close(fd);
	forget(&l);
	forget(&again);
	done(&o);
	end();
}

static void name_outside_keeps_the_content_and_blocks(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	put("files/7/a", "content");
	CU_ASSERT(link(at("files/7/a"), at("files/7/b")) == 0);
	must_open(&o, NULL, NULL);
	CU_ASSERT(blocked(&o, "hard-link-outside") == 0);
	CU_ASSERT(link(at("files/7/a"), at("files/77/c")) == 0);
	CU_ASSERT(blocked(&o, "hard-link-outside") == 1);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/b") == OUTCOME_KEPT);
	CU_ASSERT(kill_id(&o, &l, "/a") == OUTCOME_KEPT);
	CU_ASSERT(!is_there("files/7/a") && !is_there("files/7/b"));
	CU_ASSERT(holds("files/77/c", "content"));
	forget(&l);
	done(&o);
	end();
}

static void name_made_outside_after_counting_is_seen(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	put("files/7/a", "content");
	CU_ASSERT(link(at("files/7/a"), at("files/7/b")) == 0);
	CU_ASSERT(link(at("files/7/a"), at("files/7/c")) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/c") == OUTCOME_DONE);
	/* one name goes and one comes: the count alone says nothing */
	CU_ASSERT(rename(at("files/7/b"), at("files/77/b")) == 0);
	CU_ASSERT(kill_id(&o, &l, "/b") == OUTCOME_GONE);
	CU_ASSERT(kill_id(&o, &l, "/a") != OUTCOME_UNKNOWN);
	CU_ASSERT(holds("files/77/b", "content"));
	forget(&l);
	done(&o);
	end();
}

static void retained_name_keeps_the_content(void)
{
	struct opened o;
	struct ledger l = {0}, after = {0};

	begin();
	put("files/7/a", "content");
	must_open(&o, NULL, NULL);
	CU_ASSERT(blocked(&o, "hard-link-retained") == 0);
	done(&o);
	CU_ASSERT(mkdir(at("files/7/law"), 0755) == 0);
	CU_ASSERT(link(at("files/7/a"), at("files/7/law/invoice")) == 0);
	must_open(&o, "law", NULL);
	CU_ASSERT(blocked(&o, "hard-link-retained") == 1);
	list(&o, &l);
	CU_ASSERT(find(&l, "/law/invoice")->retention == 1);
	CU_ASSERT(find(&l, "/a")->retention == 0);
	CU_ASSERT(kill_id(&o, &l, "/a") == OUTCOME_KEPT);
	CU_ASSERT(holds("files/7/law/invoice", "content"));
	list(&o, &after);
	CU_ASSERT(same_digest(find(&after, "/law/invoice"),
			      find(&l, "/law/invoice")));
	forget(&l);
	forget(&after);
	done(&o);
	end();
}

/* ---- drift and swaps
 * ------------------------------------------------------------------- */

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

/* ---- the store says no
 * --------------------------------------------------------------------- */

static void immutable_file_is_refused_and_its_folder_stays(void)
{
	struct opened o;
	struct ledger l = {0};
	int flags = 0;

	begin();
	put("files/7/f", "stays");
	int fd = open(at("files/7/f"), O_RDONLY);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) {
		printf("# no file flags on this file system\n");
		goto out;
	}
	flags |= FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0) {
		printf("# may not set the immutable flag\n");
		goto out;
	}
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/f") == OUTCOME_REFUSED);
	CU_ASSERT(kill_id(&o, &l, "/") == OUTCOME_REFUSED);
	CU_ASSERT(holds("files/7/f", "stays"));
	flags &= ~FS_IMMUTABLE_FL;
	CU_ASSERT(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	list(&o, &l);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7"));
	done(&o);
out:
	close(fd);
	forget(&l);
	end();
}

static void running_program_is_refused(void)
{
	struct opened o;
	struct ledger l = {0};
	struct buf b;
	struct err e = ERR_INIT;

	begin();
	buf_init(&b, 16 << 20);
	CU_ASSERT_FATAL(file_read(&b, "/bin/sleep", &e) == 0);
	int fd = open(at("files/7/prog"), O_WRONLY | O_CREAT, 0755);
	CU_ASSERT(write(fd, b.data, b.len) == (ssize_t)b.len);
	close(fd);
	buf_release(&b);
	int pipes[2];
	CU_ASSERT(pipe2(pipes, O_CLOEXEC) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl(at("files/7/prog"), "sleep", "60", (char *)NULL);
		_exit(1);
	}
	close(pipes[1]);
	char c;
	CU_ASSERT(read(pipes[0], &c, 1) == 0); /* exec has happened */
	close(pipes[0]);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/prog") == OUTCOME_REFUSED);
	CU_ASSERT(is_there("files/7/prog"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CU_ASSERT(kill_id(&o, &l, "/prog") == OUTCOME_DONE);
	CU_ASSERT(!is_there("files/7/prog"));
	forget(&l);
	done(&o);
	end();
}

static void mounts_inside_block_and_are_not_crossed(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/mnt"), 0755) == 0);
	CU_ASSERT(mkdir(at("files/7/bind"), 0755) == 0);
	must_open(&o, NULL, NULL);
	CU_ASSERT(blocked(&o, "mount-point") == 0);
	if (mount("none", at("files/7/mnt"), "tmpfs", 0, NULL) != 0) {
		printf("# may not mount here\n");
		goto out;
	}
	/* a bind mount has the same device number */
	CU_ASSERT(mount(at("files/77"), at("files/7/bind"), NULL, MS_BIND,
			NULL) == 0);
	put("files/7/mnt/other", "on another file system");
	CU_ASSERT(holds("files/7/bind/secret", "of another client"));
	CU_ASSERT(blocked(&o, "mount-point") == 2);
	list(&o, &l);
	CU_ASSERT(l.n == 3);
	CU_ASSERT(find(&l, "/mnt")->held && find(&l, "/bind")->held);
	CU_ASSERT(!find(&l, "/")->held);
	CU_ASSERT(kill_id(&o, &l, "/mnt") == OUTCOME_REFUSED);
	CU_ASSERT(kill_id(&o, &l, "/bind") == OUTCOME_REFUSED);
	/* an id on the other side is not reached either */
	struct item item = *find(&l, "/bind");
	item.id = (const unsigned char *)"/bind/secret";
	item.id_len = 12;
	CU_ASSERT(kill_one(&o, &item) == OUTCOME_DRIFTED);
	CU_ASSERT(holds("files/7/mnt/other", "on another file system"));
	CU_ASSERT(umount(at("files/7/mnt")) == 0);
	CU_ASSERT(umount(at("files/7/bind")) == 0);
out:
	forget(&l);
	done(&o);
	end();
}

static void another_file_system_in_its_place_is_not_absence(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	put("files/7/f", "x");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(ask(&o, NULL, find(&l, "/f")) == ANSWER_PRESENT);
	if (mount("none", at("files"), "tmpfs", 0, NULL) != 0) {
		printf("# may not mount here\n");
		goto out;
	}
	CU_ASSERT(!is_there("files/7/f"));
	CU_ASSERT(ask(&o, NULL, find(&l, "/f")) == ANSWER_UNKNOWN);
	CU_ASSERT(kill_id(&o, &l, "/f") == OUTCOME_UNKNOWN);
	CU_ASSERT(umount(at("files")) == 0);
	CU_ASSERT(ask(&o, NULL, find(&l, "/f")) == ANSWER_PRESENT);
	CU_ASSERT(kill_id(&o, &l, "/f") == OUTCOME_DONE);
	CU_ASSERT(ask(&o, NULL, find(&l, "/f")) == ANSWER_ABSENT);
out:
	forget(&l);
	done(&o);
	end();
}

/* ---- kept paths
 * --------------------------------------------------------------------------------
 */

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

static int note_bystander(void *arg, const struct item *item, struct err *e)
{
	return keep(arg, item, e);
}

static void excluded_is_no_item_but_a_bystander(void)
{
	struct opened o;
	struct ledger l = {0}, by = {0};
	bool all;

	begin();
	CU_ASSERT(mkdir(at("files/7/shared"), 0755) == 0);
	put("files/7/shared/x", "not this client's");
	put("files/7/own", "this client's");
	must_open(&o, NULL, "shared");
	list(&o, &l);
	CU_ASSERT(l.n == 1 && find(&l, "/own") != NULL);
	CU_ASSERT(source_bystanders(&o.source, 100, 10, &all, note_bystander,
				    &by, &o.e) == 0);
	CU_ASSERT(all);
	CU_ASSERT(find(&by, "/shared/x") != NULL);
	CU_ASSERT(find(&by, "/own") == NULL);
	CU_ASSERT(find(&by, "../77/secret") != NULL);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(holds("files/7/shared/x", "not this client's"));
	CU_ASSERT(ask(&o, "/shared/x", NULL) == ANSWER_PRESENT);
	CU_ASSERT(ask(&o, "../77/secret", NULL) == ANSWER_PRESENT);
	forget(&l);
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
	CU_ASSERT(source_bystanders(&o.source, 500, 100, &all, note_bystander,
				    &by, &o.e) == 0);
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
	CU_ASSERT(source_bystanders(&o.source, 50, 100, &all, note_bystander,
				    &by, &o.e) == 0);
	CU_ASSERT(!all && by.n == 100);
	forget(&by);
	done(&o);
	end();
}

/* ---- killed and stopped
 * ------------------------------------------------------------------------ */

static void half_destroyed_file_is_not_drift(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	struct identity id;
	struct statx st;

	begin();
	put("files/7/f", "client content");
	put("files/7/copied", "with an older time");
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	CU_ASSERT(utimensat(AT_FDCWD, at("files/7/copied"), old, 0) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	/* what destroy does first, and then the process is killed */
	const char *const names[] = {"files/7/f", "files/7/copied"};
	for (size_t i = 0; i < 2; i++) {
		int fd = open(at(names[i]), O_RDWR);
		CU_ASSERT(look_fd(&st, fd) == 0);
		identity_of(&id, &st, 1, -1, NULL, fd);
		CU_ASSERT(id.settled == (i == 0));
		identity_doom(fd, &id);
		CU_ASSERT(pwrite(fd, "\0\0\0", 3, 0) == 3);
		close(fd);
	}
	list(&o, &again);
	for (size_t i = 0; i < l.n; i++) {
		CU_ASSERT(same_digest(&l.items[i], &again.items[i]));
		CU_ASSERT(l.items[i].bytes == again.items[i].bytes);
	}
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7"));
	forget(&l);
	forget(&again);
	done(&o);
	end();
}

static void foreign_mark_is_not_believed(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	struct identity id;
	struct statx st;
	struct buf b;
	struct err e = ERR_INIT;

	begin();
	put("files/7/a", "content");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	int fd = open(at("files/7/a"), O_RDWR);
	CU_ASSERT(look_fd(&st, fd) == 0);
	identity_of(&id, &st, 1, -1, NULL, fd);
	identity_doom(fd, &id);
	close(fd);
	list(&o, &again);
	CU_ASSERT(same_digest(find(&l, "/a"), find(&again, "/a")));
	/* a copy of the marked file is another inode: the mark is content */
	buf_init(&b, 1000);
	CU_ASSERT(file_read(&b, at("files/7/a"), &e) == 0);
	fd = open(at("files/7/b"), O_WRONLY | O_CREAT, 0600);
	CU_ASSERT(write(fd, b.data, b.len) == (ssize_t)b.len);
	CU_ASSERT(fchmod(fd, DOOMED_MODE) == 0);
	close(fd);
	buf_release(&b);
	list(&o, &again);
	CU_ASSERT(find(&again, "/b")->bytes == 7 + DOOM_MARK_LEN);
	CU_ASSERT(find(&again, "/a")->bytes == 7);
	CU_ASSERT(kill_all(&o, &again) == 0);
	forget(&l);
	forget(&again);
	done(&o);
	end();
}

/* Kills a child that destroys, after that many microseconds. */
static void kill_during_destroy(struct opened *o, const struct ledger *l,
				long after)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct outcome *out = calloc(l->n, sizeof(*out));
		source_destroy(&o->source, l->items, l->n, out, NULL, &o->e);
		_exit(0);
	}
	struct timespec t = {.tv_nsec = after * 1000};
	nanosleep(&t, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void killed_at_any_time_the_rest_is_as_planned(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	size_t seen_partial = 0;

	for (int round = 0; round < 12; round++) {
		begin();
		make_big("files/7/big", 8);
		for (int i = 0; i < 30; i++) {
			char name[60];
			snprintf(name, sizeof(name), "files/7/f%02d", i);
			put(name, "client content");
		}
		CU_ASSERT(link(at("files/7/f01"), at("files/7/l1")) == 0);
		must_open(&o, NULL, NULL);
		list(&o, &l);
		kill_during_destroy(&o, &l, 300 + 900 * round);
		list(&o, &again);
		for (size_t i = 0; i < again.n; i++)
			CU_ASSERT(same_digest(
				&again.items[i],
				find(&l, (const char *)again.items[i].id)));
		seen_partial += again.n != 0 && again.n != l.n;
		CU_ASSERT(kill_all(&o, &again) == 0);
		CU_ASSERT(!is_there("files/7"));
		forget(&l);
		forget(&again);
		done(&o);
		end();
	}
	printf("# %zu of 12 kills hit half-way\n", seen_partial);
}

static void set_stop(int number)
{
	(void)number;
	stop_now = 1;
}

static void stop_inside_a_large_file_is_resumed(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	struct outcome out;
	struct itimerval soon = {.it_value = {.tv_usec = 3000}};

	begin();
	make_big("files/7/big", 96);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	signal(SIGALRM, set_stop);
	CU_ASSERT(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	int rc = source_destroy(&o.source, find(&l, "/big"), 1, &out, NULL,
				&o.e);
	signal(SIGALRM, SIG_IGN);
	if (rc != 0) {
		CU_ASSERT(o.e.code == ERR_STOPPED);
		CU_ASSERT(out.code == OUTCOME_UNKNOWN);
		CU_ASSERT(is_there("files/7/big"));
	} else {
		printf("# 96 MiB were faster than the stop\n");
	}
	stop_now = 0;
	err_clear(&o.e);
	list(&o, &again);
	if (rc != 0)
		CU_ASSERT(same_digest(find(&l, "/big"), find(&again, "/big")));
	CU_ASSERT(kill_all(&o, &again) == 0);
	CU_ASSERT(!is_there("files/7"));
	forget(&l);
	forget(&again);
	done(&o);
	end();
}

/* ---- what it says of itself
 * ----------------------------------------------------------------------- */

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
	done(&o);
	end();
}

/* ---- size
 * -----------------------------------------------------------------------------------------
 */

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
		UNIT(children_sort_after_their_folder),
		UNIT(names_of_any_bytes_are_items),
		UNIT(links_are_items_and_never_followed),
		UNIT(special_files_are_unlinked_and_reported),
		UNIT(deep_tree_fits_in_few_descriptors),
		UNIT(wide_deep_tree_is_listed_once_each),
		UNIT(path_beyond_the_limit_is_an_error_not_left_out),
		UNIT(folder_that_cannot_be_listed_is_denied),
		UNIT(without_the_right_to_write_it_is_refused),
		UNIT(content_is_zeros_before_the_name_goes),
		UNIT(sparse_file_is_overwritten_where_it_has_data),
		UNIT(attributes_are_wiped_before_the_name_goes),
		UNIT(all_names_inside_the_content_goes_with_the_last),
		UNIT(name_outside_keeps_the_content_and_blocks),
		UNIT(name_made_outside_after_counting_is_seen),
		UNIT(retained_name_keeps_the_content),
		UNIT(folder_swapped_for_a_link_does_not_lead_outside),
		UNIT(folder_swapped_for_a_file_or_folder_is_drift),
		UNIT(file_replaced_or_changed_is_drift),
		UNIT(folder_with_something_new_is_not_removed),
		UNIT(ids_that_climb_are_refused),
		UNIT(steps_and_openat2_agree),
		UNIT(immutable_file_is_refused_and_its_folder_stays),
		UNIT(running_program_is_refused),
		UNIT(mounts_inside_block_and_are_not_crossed),
		UNIT(another_file_system_in_its_place_is_not_absence),
		UNIT(retained_subtree_keeps_its_parents_only),
		UNIT(kept_path_that_selects_nothing_blocks),
		UNIT(excluded_is_no_item_but_a_bystander),
		UNIT(lost_neighbour_is_seen),
		UNIT(sample_of_neighbours_is_spread),
		UNIT(half_destroyed_file_is_not_drift),
		UNIT(foreign_mark_is_not_believed),
		UNIT(killed_at_any_time_the_rest_is_as_planned),
		UNIT(stop_inside_a_large_file_is_resumed),
		UNIT(description_is_honest_and_names_nothing),
		UNIT(hundred_thousand_files_in_bounded_memory),
		{NULL, NULL}};
	return unit_run("directory", tests);
}
