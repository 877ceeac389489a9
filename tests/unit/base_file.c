/* base_file.c: files that survive a crash, and strict JSON. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/base/json.h"
#include "certs/base/sha.h"
#include "tests/unit/unit.h"

/* a folder of this program's own, and paths in it */
static char room[200];

static const char *in_room(const char *name)
{
	static char path[4][300];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", room, name);
	return out;
}

static void plain_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_FATAL(f != NULL);
	fputs(text, f);
	fclose(f);
}

static bool holds(const char *path, const char *text)
{
	struct buf b;
	struct err e = ERR_INIT;

	buf_init(&b, 1 << 20);
	bool same =
		file_read(&b, path, &e) == 0 && strcmp(buf_str(&b), text) == 0;
	buf_release(&b);
	return same;
}

static int entries(const char *path)
{
	int n = 0;
	DIR *d = opendir(path);

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

/* ---- file -----------------------------------------------------------------
 */

static void written_file_is_private_and_whole(void)
{
	struct err e = ERR_INIT;
	struct stat st;

	umask(0);
	CU_ASSERT(file_write(in_room("w"), "one", 3, &e) == 0);
	CU_ASSERT(holds(in_room("w"), "one"));
	CU_ASSERT(stat(in_room("w"), &st) == 0);
	CU_ASSERT((st.st_mode & 07777) == 0600);
	CU_ASSERT(file_write(in_room("w"), "twotwo", 6, &e) == 0);
	CU_ASSERT(holds(in_room("w"), "twotwo"));
	CU_ASSERT(file_write(in_room("w"), "", 0, &e) == 0);
	CU_ASSERT(holds(in_room("w"), ""));
	/* nothing is left beside it */
	CU_ASSERT(entries(room) == 1);
	unlink(in_room("w"));
	umask(022);
}

static void a_link_is_replaced_not_followed(void)
{
	struct err e = ERR_INIT;
	struct stat st;

	plain_file(in_room("target"), "precious");
	CU_ASSERT_FATAL(symlink("target", in_room("link")) == 0);
	CU_ASSERT(file_write(in_room("link"), "new", 3, &e) == 0);
	CU_ASSERT(lstat(in_room("link"), &st) == 0 && S_ISREG(st.st_mode));
	CU_ASSERT(holds(in_room("target"), "precious"));
	unlink(in_room("link"));
	unlink(in_room("target"));
}

static void creating_never_replaces(void)
{
	struct err e = ERR_INIT;

	CU_ASSERT(file_create(in_room("c"), "first", 5, &e) == 0);
	CU_ASSERT(file_create(in_room("c"), "second", 6, &e) == -1);
	CU_ASSERT(e.code == ERR_REFUSED);
	CU_ASSERT(strstr(e.msg, "/c") != NULL);
	CU_ASSERT(holds(in_room("c"), "first"));
	CU_ASSERT(entries(room) == 1);
	unlink(in_room("c"));
	err_clear(&e);
	CU_ASSERT_FATAL(symlink("nowhere", in_room("c")) == 0);
	CU_ASSERT(file_create(in_room("c"), "x", 1, &e) == -1);
	CU_ASSERT(e.code == ERR_REFUSED);
	CU_ASSERT(!file_exists(in_room("nowhere")));
	unlink(in_room("c"));
}

static void failed_write_leaves_the_old_content(void)
{
	struct err e = ERR_INIT;

	CU_ASSERT(file_write(in_room("no/such"), "x", 1, &e) == -1);
	CU_ASSERT(e.code == ERR_MISSING);
	err_clear(&e);
	/* a folder cannot be replaced by a file */
	CU_ASSERT_FATAL(mkdir(in_room("d"), 0700) == 0);
	CU_ASSERT(file_write(in_room("d"), "x", 1, &e) == -1);
	CU_ASSERT(e.code == ERR_FAILED);
	CU_ASSERT(entries(room) == 1);
	rmdir(in_room("d"));
}

static void reading_appends_and_names_what_is_too_large(void)
{
	struct buf b;
	struct err e = ERR_INIT;

	plain_file(in_room("r"), "12345");
	buf_init(&b, 10);
	CU_ASSERT(file_read(&b, in_room("r"), &e) == 0);
	CU_ASSERT(file_read(&b, in_room("r"), &e) == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "1234512345");
	CU_ASSERT(file_read(&b, in_room("r"), &e) == -1);
	CU_ASSERT(strstr(e.msg, "10") != NULL);
	buf_release(&b);
	err_clear(&e);
	CU_ASSERT(file_read(&b, in_room("missing"), &e) == -1);
	CU_ASSERT(e.code == ERR_MISSING);
	err_clear(&e);
	CU_ASSERT(file_read(&b, room, &e) == -1);
	CU_ASSERT(e.code == ERR_FAILED);
	buf_release(&b);
	unlink(in_room("r"));
}

static void existence_does_not_follow_links(void)
{
	CU_ASSERT(!file_exists(in_room("x")));
	CU_ASSERT_FATAL(symlink("nowhere", in_room("x")) == 0);
	CU_ASSERT(file_exists(in_room("x")));
	unlink(in_room("x"));
	CU_ASSERT(!file_exists(in_room("x")));
}

static void folders_are_private(void)
{
	struct err e = ERR_INIT;
	struct stat st;

	umask(0);
	CU_ASSERT(file_mkdir(in_room("p"), &e) == 0);
	umask(022);
	CU_ASSERT(stat(in_room("p"), &st) == 0);
	CU_ASSERT((st.st_mode & 07777) == 0700);
	CU_ASSERT(file_mkdir(in_room("p"), &e) == 0);
	chmod(in_room("p"), 0777);
	CU_ASSERT(file_mkdir(in_room("p"), &e) == -1);
	CU_ASSERT(e.code == ERR_REFUSED);
	CU_ASSERT(strstr(e.msg, "chmod 700") != NULL);
	err_clear(&e);
	chmod(in_room("p"), 0770);
	CU_ASSERT(file_mkdir(in_room("p"), &e) == -1);
	rmdir(in_room("p"));
	err_clear(&e);
	plain_file(in_room("p"), "");
	CU_ASSERT(file_mkdir(in_room("p"), &e) == -1);
	CU_ASSERT(e.code == ERR_REFUSED);
	unlink(in_room("p"));
	err_clear(&e);
	CU_ASSERT(file_mkdir(in_room("no/such"), &e) == -1);
	CU_ASSERT(e.code == ERR_MISSING);
}

/* I11: the bytes are overwritten in the inode, not only unlinked; another
 * descriptor shows it. */
static void shredded_bytes_are_overwritten(void)
{
	struct err e = ERR_INIT;
	char got[12];

	plain_file(in_room("s"), "client data");
	int fd = open(in_room("s"), O_RDONLY);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT(pread(fd, got, 11, 0) == 11);
	CU_ASSERT(memcmp(got, "client data", 11) == 0);
	CU_ASSERT(file_shred(in_room("s"), &e) == 0);
	CU_ASSERT(!file_exists(in_room("s")));
	CU_ASSERT(pread(fd, got, 11, 0) == 11);
	CU_ASSERT(memcmp(got, "\0\0\0\0\0\0\0\0\0\0\0", 11) == 0);
	close(fd);
	CU_ASSERT(file_shred(in_room("s"), &e) == 0); /* not there: fine */
}

static void shredding_a_link_spares_its_target(void)
{
	struct err e = ERR_INIT;

	plain_file(in_room("t"), "precious");
	CU_ASSERT_FATAL(symlink("t", in_room("l")) == 0);
	CU_ASSERT(file_shred(in_room("l"), &e) == 0);
	CU_ASSERT(!file_exists(in_room("l")));
	CU_ASSERT(holds(in_room("t"), "precious"));
	/* a second name: ours goes, the content of the other stays */
	CU_ASSERT_FATAL(link(in_room("t"), in_room("h")) == 0);
	CU_ASSERT(file_shred(in_room("h"), &e) == 0);
	CU_ASSERT(!file_exists(in_room("h")));
	CU_ASSERT(holds(in_room("t"), "precious"));
	unlink(in_room("t"));
}

static void shredded_tree_is_gone_and_no_more(void)
{
	struct err e = ERR_INIT;

	CU_ASSERT_FATAL(mkdir(in_room("out"), 0700) == 0);
	plain_file(in_room("out/keep"), "precious");
	CU_ASSERT_FATAL(mkdir(in_room("tree"), 0700) == 0);
	CU_ASSERT_FATAL(mkdir(in_room("tree/sub"), 0700) == 0);
	plain_file(in_room("tree/sub/a"), "x");
	plain_file(in_room("tree/b"), "y");
	CU_ASSERT_FATAL(symlink("../out", in_room("tree/way-out")) == 0);
	CU_ASSERT(entries(in_room("tree")) == 3);
	CU_ASSERT(file_shred_tree(in_room("tree"), &e) == 0);
	CU_ASSERT(!file_exists(in_room("tree")));
	CU_ASSERT(holds(in_room("out/keep"), "precious"));
	CU_ASSERT(file_shred_tree(in_room("tree"), &e) == 0);
	/* a link in place of the tree is not followed */
	CU_ASSERT_FATAL(symlink("out", in_room("tree")) == 0);
	CU_ASSERT(file_shred_tree(in_room("tree"), &e) == -1);
	CU_ASSERT(holds(in_room("out/keep"), "precious"));
	unlink(in_room("tree"));
	unlink(in_room("out/keep"));
	rmdir(in_room("out"));
}

static void lock_is_held_by_one(void)
{
	struct err e = ERR_INIT;
	int a = -1, b = -1;

	CU_ASSERT_FATAL(file_lock(&a, in_room("lock"), &e) == 0);
	CU_ASSERT(a >= 0);
	CU_ASSERT(file_lock(&b, in_room("lock"), &e) == -1);
	CU_ASSERT(e.code == ERR_REFUSED && b == -1);
	close(a);
	err_clear(&e);
	CU_ASSERT(file_lock(&b, in_room("lock"), &e) == 0);
	close(b);
	unlink(in_room("lock"));
}

static void lock_of_a_dead_process_is_free(void)
{
	struct err e = ERR_INIT;
	int a = -1, ready[2];
	char c;

	CU_ASSERT_FATAL(pipe(ready) == 0);
	pid_t pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) {
		int held;
		if (file_lock(&held, in_room("lock"), &e) == 0 &&
		    write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	CU_ASSERT_FATAL(read(ready[0], &c, 1) == 1);
	CU_ASSERT(file_lock(&a, in_room("lock"), &e) == -1);
	CU_ASSERT(e.code == ERR_REFUSED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	err_clear(&e);
	CU_ASSERT(file_lock(&a, in_room("lock"), &e) == 0);
	close(a);
	close(ready[0]);
	close(ready[1]);
	unlink(in_room("lock"));
}

static void paths_join_and_part(void)
{
	static const struct {
		const char *dir, *name, *joined;
	} j[] = {{"a", "b", "a/b"}, {"/a", "/b", "/b"}, {".", "b", "./b"}};
	static const struct {
		const char *path, *dir;
	} d[] = {{"a/b", "a"}, {"/b", "/"}, {"b", "."}, {"a/b/c", "a/b"}};

	for (size_t i = 0; i < sizeof(j) / sizeof(*j); i++) {
		char *s = file_join(j[i].dir, j[i].name);
		CU_ASSERT_FATAL(s != NULL);
		CU_ASSERT_STRING_EQUAL(s, j[i].joined);
		free(s);
	}
	for (size_t i = 0; i < sizeof(d) / sizeof(*d); i++) {
		char *s = file_dirname(d[i].path);
		CU_ASSERT_FATAL(s != NULL);
		CU_ASSERT_STRING_EQUAL(s, d[i].dir);
		free(s);
	}
}

static void digest_of_a_file_is_that_of_its_bytes(void)
{
	unsigned char a[SHA_LEN], b[SHA_LEN];
	struct err e = ERR_INIT;

	CU_ASSERT(file_write(in_room("f"), "abc", 3, &e) == 0);
	CU_ASSERT(sha_file(a, in_room("f"), &e) == 0);
	CU_ASSERT(sha_once(b, "abc", 3, &e) == 0);
	CU_ASSERT(memcmp(a, b, SHA_LEN) == 0);
	unlink(in_room("f"));
	CU_ASSERT(sha_file(a, in_room("f"), &e) == -1);
	CU_ASSERT(e.code == ERR_MISSING);
	err_clear(&e);
	CU_ASSERT(sha_file(a, room, &e) == -1);
}

/* ---- json -----------------------------------------------------------------
 */

static bool accepted(const char *text, size_t len)
{
	struct err e = ERR_INIT;
	json_t *doc = json_strict(text, len, "the test", &e);

	if (doc == NULL) {
		CU_ASSERT(e.code == ERR_INVALID);
		CU_ASSERT(strncmp(e.msg, "the test: ", 10) == 0);
		return false;
	}
	json_decref(doc);
	return true;
}

static void only_one_plain_object_is_accepted(void)
{
	static const char *const good[] = {"{}", " {\"a\": 1}\n",
					   "{\"a\": {\"a\": 1}}"};
	static const char *const bad[] = {"",
					  "[]",
					  "1",
					  "null",
					  "\"a\"",
					  "{\"a\": 1, \"a\": 1}",
					  "{\"b\": {\"a\": 1, \"a\": 2}}",
					  "{} {}",
					  "{}x",
					  "{\"a\": 1,}",
					  "{\"a\": 01}",
					  "{\"a\": NaN}",
					  "{'a': 1}",
					  "{\"a\": \"\\u0000\"}",
					  "{\"a\": \"\xff\"}",
					  "{\"a\": 99999999999999999999}",
					  "{/**/}"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CU_ASSERT(accepted(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT(!accepted(bad[i], strlen(bad[i])));
	CU_ASSERT(!accepted("{}\0", 3));
}

static void depth_is_bounded(void)
{
	size_t n = 100000;
	struct buf b;

	buf_init(&b, 10 * n);
	for (size_t i = 0; i < n; i++)
		buf_puts(&b, "{\"a\":");
	CU_ASSERT(!accepted(buf_str(&b), b.len));
	buf_release(&b);
}

static void unknown_keys_are_named(void)
{
	static const char *const keys[] = {"a", "b", NULL};
	struct err e = ERR_INIT;
	json_t *doc = json_pack("{s:i, s:i}", "a", 1, "b", 2);

	CU_ASSERT_FATAL(doc != NULL);
	CU_ASSERT(json_known(doc, keys, "certificate", &e) == 0);
	json_object_set_new(doc, "extra", json_true());
	CU_ASSERT(json_known(doc, keys, "certificate", &e) == -1);
	CU_ASSERT(e.code == ERR_INVALID);
	CU_ASSERT_STRING_EQUAL(e.msg, "certificate: unknown key \"extra\"");
	json_decref(doc);
}

static void counts_are_exact_beyond_2_to_the_53(void)
{
	static const uint64_t n[] = {0,
				     1,
				     UINT64_C(9007199254740992),
				     UINT64_C(9007199254740993),
				     INT64_MAX,
				     UINT64_MAX};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(n) / sizeof(*n); i++) {
		uint64_t got = 42;
		json_t *doc = json_pack("{s:o}", "bytes", json_u64(n[i]));
		CU_ASSERT_FATAL(doc != NULL);
		const json_t *v = json_object_get(doc, "bytes");
		CU_ASSERT(json_is_string(v) == (n[i] > UINT64_C(1) << 53));
		CU_ASSERT(json_get_u64(&got, doc, "bytes", "x", &e) == 0);
		CU_ASSERT(got == n[i]);
		json_decref(doc);
	}
}

static void what_is_no_count_is_refused(void)
{
	static const char *const bad[] = {
		"{\"n\": -1}",
		"{\"n\": 1.0}",
		"{\"n\": \"\"}",
		"{\"n\": \"01\"}",
		"{\"n\": \"+1\"}",
		"{\"n\": \"-1\"}",
		"{\"n\": \" 1\"}",
		"{\"n\": \"1x\"}",
		"{\"n\": \"18446744073709551616\"}",
		"{\"n\": \"99999999999999999999999\"}",
		"{\"n\": true}",
		"{\"n\": null}",
		"{\"m\": 1}"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;
		uint64_t n = 42;
		json_t *doc = json_strict(bad[i], strlen(bad[i]), "x", &e);
		CU_ASSERT_FATAL(doc != NULL);
		CU_ASSERT(json_get_u64(&n, doc, "n", "x", &e) == -1);
		CU_ASSERT(e.code == ERR_INVALID);
		CU_ASSERT(strstr(e.msg, "\"n\"") != NULL);
		json_decref(doc);
	}
}

static void strings_are_strings(void)
{
	struct err e = ERR_INIT;
	const char *s = NULL;
	json_t *doc = json_pack("{s:s, s:i}", "a", "text", "b", 1);

	CU_ASSERT_FATAL(doc != NULL);
	CU_ASSERT(json_get_str(&s, doc, "a", "plan", &e) == 0);
	CU_ASSERT_STRING_EQUAL(s, "text");
	CU_ASSERT(json_get_str(&s, doc, "b", "plan", &e) == -1);
	CU_ASSERT(strstr(e.msg, "\"b\"") && strstr(e.msg, "wrong type"));
	err_clear(&e);
	CU_ASSERT(json_get_str(&s, doc, "c", "plan", &e) == -1);
	CU_ASSERT(strstr(e.msg, "\"c\"") && strstr(e.msg, "missing"));
	json_decref(doc);
}

static void documents_are_ascii_in_the_order_given(void)
{
	struct err e = ERR_INIT;
	struct buf b;
	json_t *doc = json_pack("{s:s, s:s}", "z", "\xc3\xa9\x1b", "a", "b");

	CU_ASSERT_FATAL(doc != NULL);
	buf_init(&b, 1000);
	CU_ASSERT(json_write(&b, doc, &e) == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "{\n  \"z\": \"\\u00E9\\u001B\",\n"
					    "  \"a\": \"b\"\n}\n");
	buf_release(&b);
	buf_init(&b, 10);
	CU_ASSERT(json_write(&b, doc, &e) == -1);
	buf_release(&b);
	json_decref(doc);
}

static void json_files_keep_their_bytes(void)
{
	static const char text[] = "{ \"a\" :1}\n\n";
	struct err e = ERR_INIT;
	struct buf raw;

	plain_file(in_room("j"), text);
	buf_init(&raw, 100);
	json_t *doc = json_file(in_room("j"), 100, &raw, &e);
	CU_ASSERT_FATAL(doc != NULL);
	CU_ASSERT_STRING_EQUAL(buf_str(&raw), text);
	json_decref(doc);
	buf_release(&raw);
	CU_ASSERT(json_file(in_room("j"), 5, NULL, &e) == NULL);
	CU_ASSERT(e.code == ERR_FAILED);
	err_clear(&e);
	CU_ASSERT(json_file(in_room("none"), 100, NULL, &e) == NULL);
	CU_ASSERT(e.code == ERR_MISSING);
	err_clear(&e);
	plain_file(in_room("j"), "");
	CU_ASSERT(json_file(in_room("j"), 100, NULL, &e) == NULL);
	CU_ASSERT(e.code == ERR_INVALID);
	unlink(in_room("j"));
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(written_file_is_private_and_whole),
		UNIT(a_link_is_replaced_not_followed),
		UNIT(creating_never_replaces),
		UNIT(failed_write_leaves_the_old_content),
		UNIT(reading_appends_and_names_what_is_too_large),
		UNIT(existence_does_not_follow_links),
		UNIT(folders_are_private),
		UNIT(shredded_bytes_are_overwritten),
		UNIT(shredding_a_link_spares_its_target),
		UNIT(shredded_tree_is_gone_and_no_more),
		UNIT(lock_is_held_by_one),
		UNIT(lock_of_a_dead_process_is_free),
		UNIT(paths_join_and_part),
		UNIT(digest_of_a_file_is_that_of_its_bytes),
		UNIT(only_one_plain_object_is_accepted),
		UNIT(depth_is_bounded),
		UNIT(unknown_keys_are_named),
		UNIT(counts_are_exact_beyond_2_to_the_53),
		UNIT(what_is_no_count_is_refused),
		UNIT(strings_are_strings),
		UNIT(documents_are_ascii_in_the_order_given),
		UNIT(json_files_keep_their_bytes),
		{NULL, NULL}};
	const char *tmp = getenv("TMPDIR");

	snprintf(room, sizeof(room), "%s/quietus-base-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(room) == NULL) {
		perror(room);
		return 2;
	}
	int rc = unit_run("base_file", tests);
	rmdir(room);
	return rc;
}
