/*
 * The audit trail: appends across tile boundaries, proofs, kills, tampering.
 *
 * rename, link, fsync, mkdir and unlinkat are wrapped here (the program's own
 * definitions come before the C library's), so that a child process can be
 * stopped dead right before or right after any of them.  Kills at random
 * times come on top.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/merkle.h"
#include "certs/trail.h"
#include "certs/trail_parts.h"
#include "tests/unit/unit.h"

/* ---- wrapped system calls ------------------------------------------------ */

static int calls, stop_at; /* 0: never */
static bool skip_sync;	   /* building large trails needs no durability */

/* Odd steps are before a call, even ones after it. */
static void step_here(void)
{
	if (++calls == stop_at)
		_exit(77);
}

#define WRAPPED(call)                                                          \
	step_here();                                                           \
	int rc_ = (int)(call);                                                 \
	step_here();                                                           \
	return rc_

int fsync(int fd)
{
	if (skip_sync)
		return 0;
	WRAPPED(syscall(SYS_fsync, fd));
}

int rename(const char *from, const char *to)
{
	WRAPPED(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int link(const char *from, const char *to)
{
	WRAPPED(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int mkdir(const char *path, mode_t mode)
{
	WRAPPED(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int unlinkat(int fd, const char *path, int flags)
{
	WRAPPED(syscall(SYS_unlinkat, fd, path, flags));
}

/* ---- helpers --------------------------------------------------------------
 */

static char top[64];
static struct err last; /* of the failing call */

#define GOOD(call)                                                             \
	do {                                                                   \
		err_clear(&last);                                              \
		if ((call) != 0) {                                             \
			printf("# %s: %s\n", #call, last.msg);                 \
			CU_FAIL(#call);                                        \
		}                                                              \
	} while (0)

#define BAD(call, want, words)                                                 \
	do {                                                                   \
		err_clear(&last);                                              \
		CU_ASSERT_EQUAL((call), -1);                                   \
		CU_ASSERT_EQUAL(last.code, want);                              \
		if (strstr(last.msg, words) == NULL) {                         \
			printf("# %s\n", last.msg);                            \
			CU_FAIL(words);                                        \
		}                                                              \
	} while (0)

static int run_status(const char *const *argv)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void run(const char *const *argv)
{
	CU_ASSERT_EQUAL_FATAL(run_status(argv), 0);
}

static void copy(const char *from, const char *to)
{
	const char *const rm[] = {"rm", "-rf", to, NULL};
	const char *const cp[] = {"cp", "-a", from, to, NULL};
	run(rm);
	run(cp);
}

/* Removes the partial tiles but the last, which nobody has to keep; copying a
 * trail is quicker then. */
static void prune(const char *name, uint64_t size)
{
	char tiles[256], bundles[256], width[16];
	snprintf(tiles, sizeof(tiles), "%s/%s/tile/0", top, name);
	snprintf(bundles, sizeof(bundles), "%s/%s/tile/entries", top, name);
	snprintf(width, sizeof(width), "%u", (unsigned)(size % 256));
	const char *const find[] = {"find",    tiles, bundles, "-path",
				    "*.p/*",   "!",   "-name", width,
				    "-delete", NULL};
	if (size != 0)
		run(find);
}

/* top/name in one of a few static places */
static const char *in(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *p = paths[next++ % 8];
	snprintf(p, 256, "%s/%s", top, name);
	return p;
}

static size_t entry_text(char out[256], uint64_t i)
{
	return (size_t)snprintf(
		out, 256,
		"{\"type\":\"quietus/trail-entry\",\"version\":1,\"event\":"
		"\"planned\",\"case\":\"%032" PRIx64
		"\",\"time\":\"2026-11-30T00:00:00Z\",\"digests\":{\"plan\":"
		"\"%064" PRIx64 "\"}}",
		i / 7, i);
}

/* Appends entries up to that size; their numbers are their content. */
static void grow(struct trail *t, uint64_t size)
{
	char text[256];
	for (uint64_t i = trail_size(t); i < size; i++) {
		uint64_t at = 0;
		size_t n = entry_text(text, i);
		GOOD(trail_append(&at, t, text, n, 0, &last));
		CU_ASSERT_EQUAL(at, i);
	}
}

static struct trail *begin(const char *name, const char *key)
{
	struct trail *t = NULL;
	GOOD(trail_open(&t, in(name), in(key), true, &last));
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	return t;
}

/* top/base holds 600 entries, made once. */
static void base(void)
{
	static bool made;
	if (made)
		return;
	made = true;
	skip_sync = true;
	struct trail *t = begin("base", "key.pem");
	grow(t, 600);
	trail_free(t);
	prune("base", 600);
	skip_sync = false;
}

static struct buf text_of(const char *path)
{
	struct buf b;
	buf_init(&b, BUNDLE_MAX);
	GOOD(file_read(&b, path, &last));
	return b;
}

static void findings(void *arg, const char *text)
{
	struct buf *b = arg;
	buf_puts(b, text);
	buf_putc(b, '\n');
}

/* All findings, a line each; the caller releases it. */
static struct buf examine(int *rc, const char *dir, const struct buf *older)
{
	struct buf out;
	struct trail_summary sum;
	buf_init(&out, 1 << 20);
	err_clear(&last);
	*rc = trail_examine(&sum, dir, NULL, older != NULL ? older->data : NULL,
			    older != NULL ? older->len : 0, findings, &out,
			    &last);
	return out;
}

static void verifies(const char *dir)
{
	int rc;
	struct buf out = examine(&rc, dir, NULL);
	CU_ASSERT_EQUAL(rc, 0);
	if (rc != 0)
		printf("# %s: %s %s\n", dir, last.msg, buf_str(&out));
	buf_release(&out);
}

/* ---- notes and keys --------------------------------------------------------
 */

#define PETER                                                                  \
	"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static const char peter_note[] =
	"If you think cryptography is the answer to your problem,\n"
	"then you don't know what your problem is.\n"
	"\n"
	"\xe2\x80\x94 PeterNeumann "
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf"
	"qdngotpRZb6KE6RyyBwJnAM=\n";

static void published_note_and_key_verify(void)
{
	struct vkey k;
	size_t n = 0;
	struct buf line;

	GOOD(vkey_parse(&k, PETER, &last));
	CU_ASSERT_STRING_EQUAL(k.name, "PeterNeumann");
	GOOD(note_check(&n, peter_note, strlen(peter_note), &k, &last));
	CU_ASSERT_EQUAL(n, 99);
	buf_init(&line, 256);
	CU_ASSERT_EQUAL(vkey_write(&line, &k), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&line), PETER);
	buf_release(&line);
}

static void every_flipped_bit_of_a_note_is_refused(void)
{
	struct vkey k;
	size_t n, len = strlen(peter_note);
	char bent[512];

	GOOD(vkey_parse(&k, PETER, &last));
	for (size_t i = 0; i < len * 8; i++) {
		memcpy(bent, peter_note, len);
		bent[i / 8] = (char)(bent[i / 8] ^ (1 << i % 8));
		struct err e = ERR_INIT;
		CU_ASSERT_EQUAL(note_check(&n, bent, len, &k, &e), -1);
		CU_ASSERT_EQUAL(e.code, ERR_INVALID);
	}
	for (size_t i = 0; i < len; i++) {
		struct err e = ERR_INIT;
		CU_ASSERT_EQUAL(note_check(&n, peter_note, i, &k, &e), -1);
	}
}

static void signatures_by_witnesses_are_passed_over(void)
{
	struct vkey k;
	size_t n;
	struct buf note;

	GOOD(vkey_parse(&k, PETER, &last));
	buf_init(&note, NOTE_MAX);
	buf_puts(&note, peter_note);
	for (int i = 0; i < 16; i++)
		buf_puts(&note,
			 "\xe2\x80\x94 witness.example/w1 AAAAAGFiY2RlZg==\n");
	GOOD(note_check(&n, buf_str(&note), note.len, &k, &last));
	/* a second line by the known key must be good as well */
	buf_puts(&note, "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBt"
			"iFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE"
			"6RyyBwJnAA=\n");
	BAD(note_check(&n, buf_str(&note), note.len, &k, &last), ERR_INVALID,
	    "signature by PeterNeumann is wrong");
	buf_reset(&note);
	buf_puts(&note, "text\n\n\xe2\x80\x94 witness.example/w1 "
			"AAAAAGFiY2RlZg==\n");
	BAD(note_check(&n, buf_str(&note), note.len, &k, &last), ERR_INVALID,
	    "not signed with the key of PeterNeumann");
	buf_release(&note);
}

static void malformed_verifier_keys_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a3+",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		/* another id */
		"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izW"
		"y10TW",
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izW"
		"y10TW",
		/* another name */
		"PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy"
		"10TW",
		/* a newline, a space, a control character in the name */
		"Peter\nNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4i"
		"zWy10TW",
		"Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4iz"
		"Wy10TW",
		"Peter\x1bNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE"
		"4izWy10TW",
		/* another type, a short key, two lines, base64 with a blank */
		"PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izW"
		"y10TW",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izW"
		"y",
		PETER "\n\n",
		PETER "x",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izW"
		"y10T ",
	};
	struct vkey k;

	GOOD(vkey_parse(&k, PETER "\n", &last));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		BAD(vkey_parse(&k, bad[i], &last), ERR_INVALID, "verifier key");
}

static void base64_has_one_spelling_only(void)
{
	static const char *const bad[] = {"A",	    "AA",   "AAA",  "AB==",
					  "AAB=",   "A===", "====", "AA=A",
					  "AA==\n", " AA=", "AA-_", "AA==AA=="};
	struct buf b, again;

	buf_init(&b, 64);
	buf_init(&again, 64);
	for (size_t n = 0; n < 9; n++) {
		buf_reset(&b);
		buf_reset(&again);
		CU_ASSERT_EQUAL(base64_put(&b, "\xff\x00\x10zz??~", n), 0);
		CU_ASSERT_EQUAL(b.len, (n + 2) / 3 * 4);
		CU_ASSERT_EQUAL(base64_get(&again, buf_str(&b), b.len), 0);
		CU_ASSERT_EQUAL(again.len, n);
		CU_ASSERT(n == 0 ||
			  memcmp(again.data, "\xff\x00\x10zz??~", n) == 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&b);
		CU_ASSERT_EQUAL(base64_get(&b, bad[i], strlen(bad[i])), -1);
	}
	buf_release(&b);
	buf_release(&again);
}

static void checkpoint_texts_that_say_something_else_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"\n0\n",
		"a log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"log\n\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"log\n00\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"log\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"log\n18446744073709551616\n"
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==\n",
		"log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"log\n0\n",
		"log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nx\n",
	};
	struct checkpoint c;
	const char *good =
		"log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nx\n";

	GOOD(checkpoint_parse(&c, good, strlen(good), &last));
	CU_ASSERT_STRING_EQUAL(c.origin, "log");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		BAD(checkpoint_parse(&c, bad[i], strlen(bad[i]), &last),
		    ERR_INVALID, "checkpoint: ");
}

static void tile_names_are_those_of_the_specification(void)
{
	char name[TILE_PATH_MAX];

	tile_name(name, 0, 0, 256);
	CU_ASSERT_STRING_EQUAL(name, "tile/0/000");
	tile_name(name, 0, 273, 112);
	CU_ASSERT_STRING_EQUAL(name, "tile/0/273.p/112");
	tile_name(name, 7, 1234067, 256);
	CU_ASSERT_STRING_EQUAL(name, "tile/7/x001/x234/067");
	tile_name(name, TILE_ENTRIES, 1000, 1);
	CU_ASSERT_STRING_EQUAL(name, "tile/entries/x001/000.p/1");
	tile_name(name, 0, UINT64_MAX, 255);
	CU_ASSERT_STRING_EQUAL(
		name, "tile/0/x018/x446/x744/x073/x709/x551/615.p/255");
	/* the example of tlog-tiles: a tree of 70,000 */
	CU_ASSERT_EQUAL(tile_width(70000, 0, 272), 256);
	CU_ASSERT_EQUAL(tile_width(70000, 0, 273), 112);
	CU_ASSERT_EQUAL(tile_width(70000, 0, 274), 0);
	CU_ASSERT_EQUAL(tile_width(70000, 1, 0), 256);
	CU_ASSERT_EQUAL(tile_width(70000, 1, 1), 17);
	CU_ASSERT_EQUAL(tile_width(70000, 2, 0), 1);
	CU_ASSERT_EQUAL(tile_width(70000, 3, 0), 0);
}

/* ---- appending and proving --------------------------------------------------
 */

static void proves(struct trail *t, uint64_t i)
{
	char text[256];
	size_t n = entry_text(text, i);
	uint64_t index = 0, size = 0;
	struct buf proof, entry;

	buf_init(&proof, TRAIL_PROOF_MAX);
	buf_init(&entry, TRAIL_ENTRY_MAX);
	GOOD(trail_prove(&proof, t, i, text, n, &last));
	GOOD(proof_check(&entry, &index, &size, proof.data, proof.len,
			 trail_vkey(t), &last));
	CU_ASSERT_EQUAL(index, i);
	CU_ASSERT_EQUAL(size, trail_size(t));
	CU_ASSERT_STRING_EQUAL(buf_str(&entry), text);
	buf_reset(&entry);
	GOOD(trail_entry(&entry, t, i, &last));
	CU_ASSERT_STRING_EQUAL(buf_str(&entry), text);
	buf_release(&proof);
	buf_release(&entry);
}

static void every_entry_of_600_is_proven_at_every_kind_of_size(void)
{
	struct trail *t = begin("grow", "grow.pem");
	struct merkle *m = merkle_new();
	struct sha *sha = sha_new();
	struct buf note, older[3];
	char text[256];

	skip_sync = true;
	buf_init(&note, NOTE_MAX);
	for (size_t i = 0; i < 3; i++)
		buf_init(&older[i], NOTE_MAX);
	for (uint64_t i = 0; i < 600; i++) {
		unsigned char leaf[SHA_LEN], want[SHA_LEN], got[SHA_LEN];
		uint64_t size = 0;
		merkle_leaf(sha, leaf, text, entry_text(text, i));
		merkle_add(m, leaf);
		merkle_root(m, want);
		grow(t, i + 1);
		buf_reset(&note);
		GOOD(trail_checkpoint(&note, t, &last));
		GOOD(checkpoint_check(&size, got, note.data, note.len,
				      trail_vkey(t), &last));
		CU_ASSERT_EQUAL(size, i + 1);
		CU_ASSERT_EQUAL(memcmp(got, want, SHA_LEN), 0);
		proves(t, i);
		proves(t, i * 7919 % (i + 1));
		if (i == 0 || i == 254 || i == 299)
			buf_put(&older[i == 0	  ? 0
				       : i == 254 ? 1
						  : 2],
				note.data, note.len);
		for (size_t k = 0; k < 3; k++)
			if (older[k].len != 0)
				GOOD(trail_extends(t, older[k].data,
						   older[k].len, &last));
	}
	for (uint64_t i = 0; i < 600; i++)
		proves(t, i);
	skip_sync = false;
	verifies(in("grow"));
	trail_free(t);
	for (size_t i = 0; i < 3; i++)
		buf_release(&older[i]);
	buf_release(&note);
	sha_free(sha);
	merkle_free(m);
}

static void a_trail_reopened_at_each_size_goes_on(void)
{
	skip_sync = true;
	trail_free(begin("reopen", "reopen.pem"));
	for (uint64_t size = 1; size <= 520; size++) {
		/* everywhere near the boundaries, elsewhere now and then */
		bool near = size < 4 || (size > 250 && size < 262) ||
			    (size > 508 && size < 518);
		if (!near && size % 50 != 0)
			continue;
		struct trail *t = begin("reopen", "reopen.pem");
		grow(t, size);
		trail_free(t);
		t = NULL;
		GOOD(trail_read(&t, in("reopen"), &last));
		CU_ASSERT_EQUAL(trail_size(t), size);
		proves(t, 0);
		proves(t, size - 1);
		trail_free(t);
		verifies(in("reopen"));
	}
	skip_sync = false;
}

static void layout_is_that_of_tlog_tiles(void)
{
	static const char *const present[] = {"grow/key.vkey",
					      "grow/checkpoint",
					      "grow/tile/0/000",
					      "grow/tile/0/001",
					      "grow/tile/0/002.p/88",
					      "grow/tile/1/000.p/2",
					      "grow/tile/entries/000",
					      "grow/tile/entries/001",
					      "grow/tile/entries/002.p/88",
					      "grow/tile/0/002.p/1"};
	static const char *const absent[] = {
		"grow/tile/0/002",	   "grow/tile/0/002.p/89",
		"grow/tile/1/000",	   "grow/tile/2/000.p/1",
		"grow/tile/0/000.p",	   "grow/tile/0/001.p",
		"grow/tile/entries/000.p", "grow/tile/entries/001.p"};
	struct stat st;

	for (size_t i = 0; i < sizeof(present) / sizeof(present[0]); i++)
		CU_ASSERT(file_exists(in(present[i])));
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		CU_ASSERT_FALSE(file_exists(in(absent[i])));
	CU_ASSERT_EQUAL(stat(in("grow"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
	CU_ASSERT_EQUAL(stat(in("grow.pem"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL(stat(in("grow/tile/0/000"), &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 8192);
}

static void origin_is_the_fingerprint_of_the_key(void)
{
	struct trail *t = NULL;
	struct vkey k;
	unsigned char digest[SHA_LEN];
	char want[32] = "quietus/";

	base();
	GOOD(trail_read(&t, in("base"), &last));
	GOOD(vkey_parse(&k, trail_vkey(t), &last));
	sha_once(digest, k.pub, sizeof(k.pub), NULL);
	hex_encode(want + 8, digest, 8);
	CU_ASSERT_STRING_EQUAL(trail_origin(t), want);
	CU_ASSERT_STRING_EQUAL(k.name, want);
	struct buf line = text_of(in("base/key.vkey"));
	CU_ASSERT_EQUAL(line.len, strlen(trail_vkey(t)) + 1);
	CU_ASSERT_EQUAL(memcmp(line.data, trail_vkey(t), strlen(trail_vkey(t))),
			0);
	buf_release(&line);
	trail_free(t);
	trail_free(NULL);
}

static void an_entry_appended_again_after_a_kill_is_not_doubled(void)
{
	char text[256];
	uint64_t at = 99;

	copy(in("base"), in("again"));
	struct trail *t = begin("again", "key.pem");
	for (uint64_t i = 597; i < 600; i++) {
		size_t n = entry_text(text, i);
		GOOD(trail_append(&at, t, text, n, 3, &last));
		CU_ASSERT_EQUAL(at, i);
		CU_ASSERT_EQUAL(trail_size(t), 600);
	}
	/* further back than it looks: appended, as asked */
	size_t n = entry_text(text, 596);
	GOOD(trail_append(&at, t, text, n, 3, &last));
	CU_ASSERT_EQUAL(at, 600);
	/* back into a full tile */
	n = entry_text(text, 300);
	GOOD(trail_append(&at, t, text, n, UINT64_MAX, &last));
	CU_ASSERT_EQUAL(at, 300);
	n = entry_text(text, 5000);
	GOOD(trail_append(&at, t, text, n, UINT64_MAX, &last));
	CU_ASSERT_EQUAL(at, 601);
	trail_free(t);
	verifies(in("again"));
}

static void two_handles_append_in_turn_without_losing_any(void)
{
	char text[256];
	uint64_t at;
	struct trail *t[2];

	skip_sync = true;
	t[0] = begin("turns", "turns.pem");
	t[1] = begin("turns", "turns.pem");
	for (uint64_t i = 0; i < 270; i++) {
		size_t n = entry_text(text, i);
		GOOD(trail_append(&at, t[i % 3 == 0], text, n, 0, &last));
		CU_ASSERT_EQUAL(at, i);
	}
	skip_sync = false;
	/* an older handle still proves what it knew */
	trail_free(t[0]);
	GOOD(trail_read(&t[0], in("turns"), &last));
	struct buf old = text_of(in("turns/checkpoint"));
	for (uint64_t i = 270; i < 530; i++) {
		size_t n = entry_text(text, i);
		GOOD(trail_append(&at, t[1], text, n, 0, &last));
		CU_ASSERT_EQUAL(at, i);
	}
	proves(t[0], 0);
	proves(t[0], 269);
	CU_ASSERT_EQUAL(trail_size(t[0]), 270);
	trail_free(t[0]);
	struct buf now = text_of(in("turns/checkpoint"));
	/* and one that reads a checkpoint whose partial tiles are gone takes
	 * them from the full ones */
	GOOD(file_write(in("turns/checkpoint"), old.data, old.len, &last));
	CU_ASSERT_FALSE(file_exists(in("turns/tile/0/001.p/14")));
	CU_ASSERT(file_exists(in("turns/tile/0/001")));
	GOOD(trail_read(&t[0], in("turns"), &last));
	CU_ASSERT_EQUAL(trail_size(t[0]), 270);
	proves(t[0], 269);
	trail_free(t[0]);
	GOOD(file_write(in("turns/checkpoint"), now.data, now.len, &last));
	buf_release(&old);
	buf_release(&now);
	trail_free(t[1]);
	verifies(in("turns"));
}

static void entries_that_are_not_one_json_object_on_a_line_are_refused(void)
{
	static const char *const bad[] = {"",
					  "x",
					  "[]",
					  "\"a\"",
					  "{}{}",
					  "{\"a\":1,\"a\":2}",
					  "{\"a\":1}\n",
					  "{\n}",
					  "{\"a\":\"\t\"}",
					  "{\"a\":1",
					  "{\"a\":\r1}",
					  "\x1b{}"};
	struct trail *t = begin("refuse", "refuse.pem");
	uint64_t at = 0;
	char *big = malloc(TRAIL_ENTRY_MAX + 2);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		BAD(trail_append(&at, t, bad[i], strlen(bad[i]), 0, &last),
		    ERR_USAGE, "a trail entry");
	BAD(trail_append(&at, t, "{}\0", 3, 0, &last), ERR_USAGE, "control");
	memset(big, ' ', TRAIL_ENTRY_MAX + 1);
	big[0] = '{';
	big[TRAIL_ENTRY_MAX] = '}';
	BAD(trail_append(&at, t, big, TRAIL_ENTRY_MAX + 1, 0, &last), ERR_USAGE,
	    "65536 bytes");
	CU_ASSERT_EQUAL(trail_size(t), 0);
	big[TRAIL_ENTRY_MAX - 1] = '}';
	GOOD(trail_append(&at, t, big, TRAIL_ENTRY_MAX, 0, &last));
	GOOD(trail_append(&at, t, "{}", 2, 0, &last));
	CU_ASSERT_EQUAL(at, 1);
	struct buf proof, entry;
	uint64_t size;
	buf_init(&proof, TRAIL_PROOF_MAX);
	buf_init(&entry, TRAIL_ENTRY_MAX);
	GOOD(trail_prove(&proof, t, 0, big, TRAIL_ENTRY_MAX, &last));
	GOOD(proof_check(&entry, &at, &size, proof.data, proof.len,
			 trail_vkey(t), &last));
	CU_ASSERT_EQUAL(entry.len, TRAIL_ENTRY_MAX);
	buf_release(&proof);
	buf_release(&entry);
	free(big);
	trail_free(t);
	GOOD(trail_read(&t, in("refuse"), &last));
	BAD(trail_append(&at, t, "{}", 2, 0, &last), ERR_USAGE,
	    "open for reading only");
	BAD(trail_prove(&proof, t, 2, NULL, 0, &last), ERR_USAGE,
	    "there is no entry 2");
	BAD(trail_prove(&proof, t, 1, "{ }", 3, &last), ERR_USAGE,
	    "not the one that was to be proven");
	trail_free(t);
	verifies(in("refuse"));
}

/* ---- whose trail it is ------------------------------------------------------
 */

static void a_trail_of_another_key_is_refused_with_both_names(void)
{
	struct trail *t = NULL, *mine, *other;

	base();
	mine = begin("mine", "mine.pem");
	other = begin("other", "other.pem");
	CU_ASSERT_STRING_NOT_EQUAL(trail_origin(mine), trail_origin(other));
	BAD(trail_open(&t, in("mine"), in("other.pem"), true, &last), ERR_USAGE,
	    trail_origin(mine));
	CU_ASSERT_PTR_NOT_NULL(strstr(last.msg, trail_origin(other)));
	BAD(trail_open(&t, in("mine"), in("other.pem"), false, &last),
	    ERR_USAGE, trail_origin(mine));
	/* the key's file is gone: no new one is made for an old trail */
	BAD(trail_open(&t, in("mine"), in("gone.pem"), true, &last), ERR_USAGE,
	    trail_origin(mine));
	CU_ASSERT_FALSE(file_exists(in("gone.pem")));
	/* nor when the file that names the key is gone as well */
	CU_ASSERT_EQUAL(unlink(in("mine/key.vkey")), 0);
	BAD(trail_open(&t, in("mine"), in("gone.pem"), true, &last),
	    ERR_MISSING, "gone.pem is not there");
	BAD(trail_open(&t, in("mine"), in("other.pem"), true, &last), ERR_USAGE,
	    trail_origin(mine));
	CU_ASSERT_FALSE(file_exists(in("mine/key.vkey")));
	/* with the right key it is named again */
	GOOD(trail_open(&t, in("mine"), in("mine.pem"), true, &last));
	CU_ASSERT(file_exists(in("mine/key.vkey")));
	trail_free(t);
	trail_free(mine);
	trail_free(other);
}

static void nothing_is_made_when_nothing_was_asked_to_be_made(void)
{
	struct trail *t = NULL;

	BAD(trail_open(&t, in("none"), in("none.pem"), false, &last),
	    ERR_MISSING, "there is no trail in");
	BAD(trail_read(&t, in("none"), &last), ERR_MISSING,
	    "there is no trail in");
	CU_ASSERT_FALSE(file_exists(in("none")));
	CU_ASSERT_FALSE(file_exists(in("none.pem")));
	/* and it would have been */
	t = begin("none", "none.pem");
	CU_ASSERT(file_exists(in("none")));
	CU_ASSERT(file_exists(in("none.pem")));
	CU_ASSERT_EQUAL(trail_size(t), 0);
	trail_free(t);
	verifies(in("none"));
}

static void keys_that_cannot_sign_a_trail_are_refused(void)
{
	struct trail *t = NULL;
	const char *const p256[] = {"openssl",
				    "genpkey",
				    "-quiet",
				    "-algorithm",
				    "EC",
				    "-pkeyopt",
				    "ec_paramgen_curve:P-256",
				    "-out",
				    in("p256.pem"),
				    NULL};
	const char *const encrypted[] = {
		"openssl",     "pkcs8",	   "-topk8",	  "-in",
		in("key.pem"), "-passout", "pass:secret", "-out",
		in("enc.pem"), NULL};

	base();
	run(p256);
	run(encrypted);
	BAD(trail_open(&t, in("k1"), in("p256.pem"), true, &last), ERR_USAGE,
	    "not an Ed25519 key");
	BAD(trail_open(&t, in("k2"), in("enc.pem"), true, &last), ERR_USAGE,
	    "it is encrypted");
	BAD(trail_open(&t, in("k3"), in("base/checkpoint"), true, &last),
	    ERR_USAGE, "reading the trail's key");
}

static void openssl_s_own_key_serves(void)
{
	const char *const gen[] = {"openssl",	  "genpkey", "-quiet",
				   "-algorithm",  "ed25519", "-out",
				   in("own.pem"), NULL};
	run(gen);
	struct trail *t = begin("own", "own.pem");
	grow(t, 2);
	proves(t, 1);
	trail_free(t);
}

static void a_lost_checkpoint_is_not_begun_anew(void)
{
	struct trail *t = NULL;

	base();
	copy(in("base"), in("lost"));
	CU_ASSERT_EQUAL(unlink(in("lost/checkpoint")), 0);
	BAD(trail_open(&t, in("lost"), in("key.pem"), true, &last), ERR_INVALID,
	    "taken away");
	CU_ASSERT_FALSE(file_exists(in("lost/checkpoint")));
	BAD(trail_read(&t, in("lost"), &last), ERR_MISSING, "checkpoint");
}

static void a_trail_put_back_while_it_is_open_is_noticed(void)
{
	char text[256];
	uint64_t at;

	base();
	copy(in("base"), in("back"));
	struct trail *t = begin("back", "key.pem");
	struct buf old = text_of(in("back/checkpoint"));
	grow(t, 602);
	GOOD(file_write(in("back/checkpoint"), old.data, old.len, &last));
	size_t n = entry_text(text, 602);
	BAD(trail_append(&at, t, text, n, 0, &last), ERR_INVALID,
	    "had 602 at the checkpoint seen before");
	buf_release(&old);
	trail_free(t);
}

/* ---- proofs that were changed -----------------------------------------------
 */

static int check_proof(const void *proof, size_t len, const char *vkey)
{
	struct buf entry;
	uint64_t index, size;

	buf_init(&entry, TRAIL_ENTRY_MAX);
	err_clear(&last);
	int rc = proof_check(&entry, &index, &size, proof, len, vkey, &last);
	buf_release(&entry);
	return rc;
}

static void every_changed_byte_of_a_proof_is_refused(void)
{
	struct trail *t = NULL;
	char text[256];
	struct buf proof;

	base();
	GOOD(trail_read(&t, in("base"), &last));
	buf_init(&proof, TRAIL_PROOF_MAX);
	size_t n = entry_text(text, 77);
	GOOD(trail_prove(&proof, t, 77, text, n, &last));
	CU_ASSERT_EQUAL(check_proof(proof.data, proof.len, trail_vkey(t)), 0);
	for (size_t i = 0; i < proof.len; i++) {
		proof.data[i] ^= 1;
		int rc = check_proof(proof.data, proof.len, trail_vkey(t));
		if (rc == 0)
			printf("# byte %zu of the proof does not matter\n", i);
		CU_ASSERT_EQUAL(rc, -1);
		CU_ASSERT_EQUAL(last.code, ERR_INVALID);
		proof.data[i] ^= 1;
		CU_ASSERT_EQUAL(check_proof(proof.data, i, trail_vkey(t)), -1);
	}
	CU_ASSERT_EQUAL(check_proof(proof.data, proof.len, trail_vkey(t)), 0);
	BAD(check_proof(proof.data, proof.len, PETER), ERR_INVALID,
	    "not signed with the key of PeterNeumann");
	/* a proof without its entry proves nothing here */
	buf_reset(&proof);
	GOOD(trail_prove(&proof, t, 77, NULL, 0, &last));
	BAD(check_proof(proof.data, proof.len, trail_vkey(t)), ERR_INVALID,
	    "does not carry the entry");
	buf_release(&proof);
	trail_free(t);
}

/* ---- tampering
 * ---------------------------------------------------------------- */

static void put_file(const char *path, const struct buf *b)
{
	GOOD(file_write(path, b->data, b->len, &last));
}

static void flip(const char *path, size_t at)
{
	struct buf b = text_of(path);
	CU_ASSERT_FATAL(at < b.len);
	b.data[at] ^= 1;
	put_file(path, &b);
	buf_release(&b);
}

static void edit_entry(void)
{
	struct buf b = text_of(in("t/tile/entries/001"));
	unsigned char *p = (unsigned char *)strstr(
		(char *)b.data + 2 + 2, "planned"); /* of entry 256 */
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	memcpy(p, "PLANNED", 7);
	put_file(in("t/tile/entries/001"), &b);
	buf_release(&b);
}

static void edit_last_entry(void)
{
	struct buf b = text_of(in("t/tile/entries/002.p/88"));
	b.data[b.len - 3] ^= 1;
	put_file(in("t/tile/entries/002.p/88"), &b);
	buf_release(&b);
}

static void swap_entries(void)
{
	struct buf b = text_of(in("t/tile/entries/000"));
	const unsigned char *p, *q;
	unsigned char hold[256];
	size_t n, m;
	CU_ASSERT_EQUAL_FATAL(bundle_entry(&p, &n, &b, 10), 0);
	CU_ASSERT_EQUAL_FATAL(bundle_entry(&q, &m, &b, 20), 0);
	CU_ASSERT_EQUAL_FATAL(n, m);
	memcpy(hold, p, n);
	memcpy(b.data + (p - b.data), q, n);
	memcpy(b.data + (q - b.data), hold, n);
	put_file(in("t/tile/entries/000"), &b);
	buf_release(&b);
}

/* entries and hashes exchanged alike: only the root tells */
static void swap_entries_and_hashes(void)
{
	swap_entries();
	struct buf b = text_of(in("t/tile/0/000"));
	unsigned char hold[SHA_LEN];
	memcpy(hold, b.data + 10 * SHA_LEN, SHA_LEN);
	memmove(b.data + 10 * SHA_LEN, b.data + 20 * SHA_LEN, SHA_LEN);
	memcpy(b.data + 20 * SHA_LEN, hold, SHA_LEN);
	put_file(in("t/tile/0/000"), &b);
	buf_release(&b);
}

static void swap_bundles(void)
{
	struct buf a = text_of(in("t/tile/entries/000"));
	struct buf b = text_of(in("t/tile/entries/001"));
	put_file(in("t/tile/entries/000"), &b);
	put_file(in("t/tile/entries/001"), &a);
	buf_release(&a);
	buf_release(&b);
}

static void truncate_bundle(void)
{
	struct buf b = text_of(in("t/tile/entries/002.p/88"));
	b.len -= 40;
	put_file(in("t/tile/entries/002.p/88"), &b);
	buf_release(&b);
}

static void lengthen_bundle(void)
{
	struct buf b = text_of(in("t/tile/entries/000"));
	bundle_add(&b, "{}", 2);
	put_file(in("t/tile/entries/000"), &b);
	buf_release(&b);
}

static void lengthen_tile(void)
{
	struct buf b = text_of(in("t/tile/0/000"));
	buf_put(&b, "0123456789abcdef0123456789abcdef", SHA_LEN);
	put_file(in("t/tile/0/000"), &b);
	buf_release(&b);
}

static void drop_bundle(void)
{
	CU_ASSERT_EQUAL(unlink(in("t/tile/entries/001")), 0);
}

static void drop_tile(void)
{
	CU_ASSERT_EQUAL(unlink(in("t/tile/0/001")), 0);
}

static void drop_bundle_and_tile(void)
{
	drop_bundle();
	drop_tile();
}

static void drop_upper_tile(void)
{
	CU_ASSERT_EQUAL(unlink(in("t/tile/1/000.p/2")), 0);
}

static void drop_last(void)
{
	CU_ASSERT_EQUAL(unlink(in("t/tile/0/002.p/88")), 0);
}

static void edit_hash(void)
{
	flip(in("t/tile/0/001"), 5 * SHA_LEN);
}

static void edit_upper_hash(void)
{
	flip(in("t/tile/1/000.p/2"), SHA_LEN + 3);
}

/* the size in the checkpoint, its signature left as it is */
static void forge_size(void)
{
	struct buf b = text_of(in("t/checkpoint"));
	char *size = strstr((char *)b.data, "\n600\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(size);
	memcpy(size, "\n599\n", 5);
	put_file(in("t/checkpoint"), &b);
	buf_release(&b);
}

static void forge_huge_size(void)
{
	struct buf b = text_of(in("t/checkpoint")), c;
	char *size = strstr((char *)b.data, "\n600\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(size);
	buf_init(&c, NOTE_MAX);
	buf_put(&c, b.data, (size_t)(size - (char *)b.data));
	buf_puts(&c, "\n18446744073709551615");
	buf_puts(&c, size + 4);
	put_file(in("t/checkpoint"), &c);
	buf_release(&b);
	buf_release(&c);
}

static void forge_root(void)
{
	struct buf b = text_of(in("t/checkpoint"));
	char *root = strstr((char *)b.data, "\n600\n") + 5;
	root[0] = root[0] == 'A' ? 'B' : 'A';
	put_file(in("t/checkpoint"), &b);
	buf_release(&b);
}

static void forge_signature(void)
{
	struct buf b = text_of(in("t/checkpoint"));
	char *p = (char *)b.data + b.len - 20;
	*p = *p == 'A' ? 'B' : 'A';
	put_file(in("t/checkpoint"), &b);
	buf_release(&b);
}

static void control_character(void)
{
	struct buf b = text_of(in("t/checkpoint"));
	b.data[3] = 0x1b;
	put_file(in("t/checkpoint"), &b);
	buf_release(&b);
}

/* a whole checkpoint by another key */
static void other_checkpoint(void)
{
	struct buf b;
	struct trail *t;
	skip_sync = true;
	copy(in("base"), in("t2"));
	CU_ASSERT_EQUAL(unlink(in("t2/key.vkey")), 0);
	const char *const rm[] = {"rm", "-rf", in("t2/tile"),
				  in("t2/checkpoint"), NULL};
	run(rm);
	t = begin("t2", "other-t.pem");
	grow(t, 600);
	trail_free(t);
	skip_sync = false;
	b = text_of(in("t2/checkpoint"));
	put_file(in("t/checkpoint"), &b);
	buf_release(&b);
}

static void other_vkey(void)
{
	other_checkpoint();
	struct buf b = text_of(in("base/checkpoint"));
	put_file(in("t/checkpoint"), &b);
	buf_release(&b);
	b = text_of(in("t2/key.vkey"));
	put_file(in("t/key.vkey"), &b);
	buf_release(&b);
}

/* the state of 590 entries put back over that of 600 */
static void put_old_checkpoint_back(void)
{
	char from[256];
	const char *const rm[] = {"rm", "-rf", in("t3"), NULL};
	const char *const cp[] = {"cp", "-a", from, in("t"), NULL};
	skip_sync = true;
	run(rm);
	struct trail *t = begin("t3", "key.pem");
	grow(t, 590);
	trail_free(t);
	skip_sync = false;
	snprintf(from, sizeof(from), "%s/t3/.", top);
	run(cp);
}

struct mutation {
	const char *name;
	void (*change)(void);
	const char *complaint;
	bool opens; /* reading the right edge alone does not show it */
};

static const struct mutation mutations[] = {
	{"an entry edited", edit_entry, "entry 256 does not have the hash",
	 true},
	{"the last entry edited", edit_last_entry,
	 "entry 599 does not have the hash", false},
	{"two entries swapped", swap_entries, "entry 10 does not have the hash",
	 true},
	{"two entries and their hashes swapped", swap_entries_and_hashes,
	 "the entries do not lead to the root", true},
	{"two bundles swapped", swap_bundles,
	 "entries 0 to 255 do not have the hashes", true},
	{"a bundle cut short", truncate_bundle,
	 "does not hold the 88 entries its name promises", false},
	{"an entry added to a bundle", lengthen_bundle,
	 "does not hold the 256 entries its name promises", true},
	{"a hash added to a tile", lengthen_tile, "tile/0/000", true},
	{"a bundle dropped", drop_bundle, "entries 256 to 511 cannot be read",
	 true},
	{"a tile dropped", drop_tile, "tile/0/001: No such file", true},
	{"a bundle and its tile dropped", drop_bundle_and_tile,
	 "entries 256 to 511 cannot be read", true},
	{"an upper tile dropped", drop_upper_tile, "tile/1/000.p/2: No such",
	 false},
	{"the last tile dropped", drop_last, "tile/0/002.p/88: No such", false},
	{"a hash edited", edit_hash, "entry 261 does not have the hash", true},
	{"an upper hash edited", edit_upper_hash,
	 "hash 1 of tile/1/000.p/2 is not that of the tile below it", false},
	{"a smaller size in the checkpoint", forge_size,
	 "changed after it was signed", false},
	{"a huge size in the checkpoint", forge_huge_size,
	 "the checkpoint counts 18446744073709551615", false},
	{"another root in the checkpoint", forge_root,
	 "changed after it was signed", false},
	{"another signature", forge_signature, "changed after it was signed",
	 false},
	{"a control character in the checkpoint", control_character,
	 "control character", false},
	{"a checkpoint by another key", other_checkpoint,
	 "it is not signed with the key of quietus/", false},
	{"another key.vkey", other_vkey,
	 "it is not signed with the key of quietus/", false},
	{"an old checkpoint put back", put_old_checkpoint_back,
	 "an old checkpoint was put back", true},
};

static void every_mutation_is_named(void)
{
	base();
	struct buf older = text_of(in("base/checkpoint"));
	verifies(in("base"));
	for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
		const struct mutation *m = &mutations[i];
		int rc;
		copy(in("base"), in("t"));
		verifies(in("t"));
		m->change();
		struct buf out = examine(&rc, in("t"), NULL);
		bool named = strstr(buf_str(&out), m->complaint) != NULL;
		if (rc != -1 || last.code != ERR_INVALID || !named)
			printf("# %s: %s\n%s\n", m->name, last.msg,
			       buf_str(&out));
		CU_ASSERT_EQUAL(rc, -1);
		CU_ASSERT_EQUAL(last.code, ERR_INVALID);
		CU_ASSERT(named);
		/* an edit is not called a fork */
		struct buf more = examine(&rc, in("t"), &older);
		CU_ASSERT_EQUAL(rc, -1);
		CU_ASSERT_PTR_NULL(strstr(buf_str(&more), "(a fork)"));
		buf_release(&out);
		buf_release(&more);
		struct trail *t = NULL;
		err_clear(&last);
		rc = trail_open(&t, in("t"), in("key.pem"), true, &last);
		if ((rc == 0) != m->opens)
			printf("# opening after: %s: %s\n", m->name, last.msg);
		CU_ASSERT_EQUAL(rc == 0, m->opens);
		CU_ASSERT(rc == 0 || last.code == ERR_INVALID ||
			  last.code == ERR_USAGE);
		trail_free(t);
	}
	buf_release(&older);
}

/* A trail of those two sizes whose entries differ from number `same` on. */
static void forked(const char *name, uint64_t same, uint64_t size)
{
	char text[256];
	uint64_t at;
	struct trail *t = begin(name, "key.pem");
	grow(t, same);
	for (uint64_t i = same; i < size; i++) {
		size_t n = entry_text(text, i + 100000);
		GOOD(trail_append(&at, t, text, n, 0, &last));
	}
	trail_free(t);
}

static void two_logs_that_share_a_prefix_are_a_fork(void)
{
	int rc;
	struct buf out;
	struct trail *t = NULL;

	base();
	skip_sync = true;
	forked("fork", 300, 400);
	forked("fork-long", 300, 700);
	struct trail *prefix = begin("prefix", "key.pem");
	grow(prefix, 300);
	trail_free(prefix);
	skip_sync = false;
	verifies(in("fork"));
	verifies(in("fork-long"));
	struct buf shared = text_of(in("prefix/checkpoint"));
	struct buf fork_400 = text_of(in("fork/checkpoint"));
	struct buf fork_700 = text_of(in("fork-long/checkpoint"));

	/* what both share is a prefix of each */
	out = examine(&rc, in("base"), &shared);
	CU_ASSERT_EQUAL(rc, 0);
	buf_release(&out);
	out = examine(&rc, in("fork"), &shared);
	CU_ASSERT_EQUAL(rc, 0);
	buf_release(&out);
	/* what only the other has is not */
	out = examine(&rc, in("base"), &fork_400);
	CU_ASSERT_EQUAL(rc, -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "(a fork)"));
	buf_release(&out);
	out = examine(&rc, in("base"), &fork_700);
	CU_ASSERT_EQUAL(rc, -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "had 700"));
	buf_release(&out);

	/* the same from a few tiles */
	GOOD(trail_read(&t, in("base"), &last));
	GOOD(trail_extends(t, shared.data, shared.len, &last));
	BAD(trail_extends(t, fork_400.data, fork_400.len, &last), ERR_INVALID,
	    "(a fork)");
	BAD(trail_extends(t, fork_700.data, fork_700.len, &last), ERR_INVALID,
	    "had 700");
	BAD(trail_extends(t, peter_note, strlen(peter_note), &last),
	    ERR_INVALID, "the checkpoint seen before");
	trail_free(t);
	buf_release(&shared);
	buf_release(&fork_400);
	buf_release(&fork_700);
}

static void a_key_from_elsewhere_is_trusted_before_the_folder(void)
{
	struct trail_summary sum;
	struct trail *t = NULL;
	struct buf out;

	base();
	buf_init(&out, 1 << 20);
	GOOD(trail_read(&t, in("base"), &last));
	GOOD(trail_examine(&sum, in("base"), trail_vkey(t), NULL, 0, findings,
			   &out, &last));
	CU_ASSERT_EQUAL(sum.size, 600);
	CU_ASSERT_EQUAL(sum.findings, 0);
	CU_ASSERT_STRING_EQUAL(sum.origin, trail_origin(t));
	GOOD(trail_verify(t, NULL, 0, findings, &out, &last));
	CU_ASSERT_EQUAL(out.len, 0);
	BAD(trail_examine(&sum, in("base"), PETER, NULL, 0, findings, &out,
			  &last),
	    ERR_INVALID, "2 defects");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(buf_str(&out), "the key to trust is that of"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(buf_str(&out), "not signed with the key of Peter"));
	BAD(trail_examine(&sum, in("base"), "nonsense", NULL, 0, findings, &out,
			  &last),
	    ERR_USAGE, "verifier key");
	BAD(trail_examine(&sum, in("nowhere"), PETER, NULL, 0, findings, &out,
			  &last),
	    ERR_MISSING, "checkpoint");
	BAD(trail_examine(&sum, in("nowhere"), NULL, NULL, 0, findings, &out,
			  &last),
	    ERR_MISSING, "key.vkey");
	buf_release(&out);
	trail_free(t);
}

/* ---- kills
 * ---------------------------------------------------------------------- */

/* Opens, verifies, and finds the first `sure` entries; the size is returned. */
static uint64_t sound(const char *name, const char *key, uint64_t sure)
{
	struct buf entry;
	char text[256];
	struct trail *t = begin(name, key);
	uint64_t size = trail_size(t);

	CU_ASSERT(size >= sure);
	buf_init(&entry, TRAIL_ENTRY_MAX);
	for (uint64_t i = sure > 300 ? sure - 300 : 0; i < size; i++) {
		buf_reset(&entry);
		entry_text(text, i);
		GOOD(trail_entry(&entry, t, i, &last));
		CU_ASSERT_STRING_EQUAL(buf_str(&entry), text);
	}
	buf_release(&entry);
	trail_free(t);
	verifies(in(name));
	return size;
}

/* Counts what a killed writer left behind under the trail. */
static size_t asides(const char *name)
{
	const char *const argv[] = {"find", in(name), "-name", "*.new-*", NULL};
	char seen[4096];
	int fds[2], status;
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	size_t lines = 0;
	for (ssize_t n = read(fds[0], seen, sizeof(seen)); n > 0;
	     n = read(fds[0], seen, sizeof(seen)))
		for (ssize_t i = 0; i < n; i++)
			lines += seen[i] == '\n';
	close(fds[0]);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	return lines;
}

/* From a trail of `size` entries, stops a child at every step of appending
 * one, until it gets through. */
static void stop_at_every_step(uint64_t size)
{
	char text[256];
	size_t n = entry_text(text, size);
	int in_log = 0, not_in_log = 0, left = 0;

	skip_sync = true;
	const char *const rm[] = {"rm", "-rf", in("steps-base"), NULL};
	run(rm);
	struct trail *t = begin("steps-base", "key.pem");
	grow(t, size);
	trail_free(t);
	prune("steps-base", size);
	skip_sync = false;
	for (int at = 1;; at++) {
		int status;
		uint64_t index;
		copy(in("steps-base"), in("steps"));
		pid_t pid = fork();
		if (pid == 0) {
			struct err e = ERR_INIT;
			t = NULL;
			if (trail_open(&t, in("steps"), in("key.pem"), true,
				       &e) != 0)
				_exit(2);
			calls = 0;
			stop_at = at;
			if (trail_append(&index, t, text, n, 1, &e) != 0)
				_exit(3);
			_exit(0);
		}
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		if (WEXITSTATUS(status) == 0)
			break;
		CU_ASSERT_EQUAL_FATAL(WEXITSTATUS(status), 77);
		left += asides("steps") > 0;
		verifies(in("steps")); /* before anything is cleared up */
		uint64_t got = sound("steps", "key.pem", size);
		CU_ASSERT(got == size || got == size + 1);
		in_log += got == size + 1;
		not_in_log += got == size;
		CU_ASSERT_EQUAL(asides("steps"), 0);
		/* the rerun: the entry is there once */
		t = begin("steps", "key.pem");
		GOOD(trail_append(&index, t, text, n, 1, &last));
		CU_ASSERT_EQUAL(index, size);
		CU_ASSERT_EQUAL(trail_size(t), size + 1);
		/* and another entry in its place would do as well */
		grow(t, size + 3);
		trail_free(t);
		CU_ASSERT_EQUAL(sound("steps", "key.pem", size + 3), size + 3);
	}
	/* both sides of the commit were seen, and leftovers as well */
	CU_ASSERT(in_log > 0);
	CU_ASSERT(not_in_log > 10);
	CU_ASSERT(left > 0);
}

static void stopped_at_any_step_of_an_append_the_entry_is_in_or_out(void)
{
	base();
	stop_at_every_step(0);
	stop_at_every_step(5);
	stop_at_every_step(255);
	stop_at_every_step(256);
	stop_at_every_step(511);
}

/* The leftovers of an entry that did not make it are those of another entry
 * than the one that comes next. */
static void leftovers_of_a_lost_entry_do_not_reach_the_log(void)
{
	char text[256];
	uint64_t index;
	int status, lost = 0;

	for (int at = 1; at < 40; at++) {
		copy(in("steps-base"), in("steps"));
		uint64_t size = sound("steps", "key.pem", 0);
		size_t n = entry_text(text, 424242);
		pid_t pid = fork();
		if (pid == 0) {
			struct err e = ERR_INIT;
			struct trail *t = NULL;
			if (trail_open(&t, in("steps"), in("key.pem"), true,
				       &e) != 0)
				_exit(2);
			calls = 0;
			stop_at = at;
			(void)trail_append(&index, t, text, n, 1, &e);
			_exit(0);
		}
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		struct trail *t = begin("steps", "key.pem");
		if (trail_size(t) == size) {
			lost++;
			grow(t, size + 3);
			CU_ASSERT_EQUAL(sound("steps", "key.pem", size + 3),
					size + 3);
		}
		trail_free(t);
	}
	CU_ASSERT(lost > 10);
}

static void stopped_at_any_step_of_its_making_a_trail_can_be_begun(void)
{
	int steps = 0;

	for (int at = 1;; at++) {
		int status;
		const char *const rm[] = {"rm", "-rf", in("made"),
					  in("made.pem"), NULL};
		run(rm);
		pid_t pid = fork();
		if (pid == 0) {
			struct err e = ERR_INIT;
			struct trail *t = NULL;
			calls = 0;
			stop_at = at;
			if (trail_open(&t, in("made"), in("made.pem"), true,
				       &e) != 0)
				_exit(2);
			_exit(0);
		}
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		if (WEXITSTATUS(status) == 0)
			break;
		CU_ASSERT_EQUAL_FATAL(WEXITSTATUS(status), 77);
		steps++;
		struct trail *t = begin("made", "made.pem");
		CU_ASSERT_EQUAL(trail_size(t), 0);
		grow(t, 1);
		trail_free(t);
		verifies(in("made"));
	}
	CU_ASSERT(steps > 10);
}

/* Appends for ever, writing down each number that came back. */
static void append_until_killed(int told)
{
	char text[256];
	struct err e = ERR_INIT;
	struct trail *t = NULL;

	if (trail_open(&t, in("kills"), in("kills.pem"), true, &e) != 0)
		_exit(2);
	for (uint64_t i = trail_size(t);; i++) {
		uint64_t at;
		size_t n = entry_text(text, i);
		if (trail_append(&at, t, text, n, 0, &e) != 0)
			_exit(3);
		if (write(told, &at, sizeof(at)) != (ssize_t)sizeof(at))
			_exit(4);
	}
}

static void killed_at_60_random_times_no_returned_entry_is_lost(void)
{
	uint64_t sure = 0, worked = 0;
	unsigned seed = (unsigned)time(NULL);

	printf("# seed %u\n", seed);
	srand(seed);
	/* a busy machine may kill many before they come to work */
	for (int kill_no = 0; kill_no < 60 || (worked <= 60 && kill_no < 600);
	     kill_no++) {
		int fds[2], status;
		uint64_t at;
		CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
		pid_t pid = fork();
		if (pid == 0) {
			close(fds[0]);
			append_until_killed(fds[1]);
		}
		close(fds[1]);
		struct timespec nap = {0, (long)(rand() % 30000) * 1000};
		nanosleep(&nap, NULL);
		CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFSIGNALED(status));
		while (read(fds[0], &at, sizeof(at)) == (ssize_t)sizeof(at)) {
			CU_ASSERT(at + 1 > sure);
			sure = at + 1;
			worked++;
		}
		close(fds[0]);
		if (file_exists(in("kills/checkpoint")))
			verifies(in("kills"));
		sure = sound("kills", "kills.pem", sure);
	}
	printf("# %" PRIu64 " appends returned, %" PRIu64 " entries\n", worked,
	       sure);
	CU_ASSERT(worked > 60);
	CU_ASSERT_EQUAL(asides("kills"), 0);
}

static void a_second_process_waits_for_the_lock(void)
{
	int fd = -1, status;
	char text[256];

	base();
	copy(in("base"), in("wait"));
	GOOD(file_lock(&fd, in("wait/lock"), &last));
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		struct trail *t = NULL;
		uint64_t at;
		close(fd);
		if (trail_open(&t, in("wait"), in("key.pem"), false, &e) != 0)
			_exit(2);
		size_t n = entry_text(text, 600);
		_exit(trail_append(&at, t, text, n, 0, &e) == 0 ? 0 : 3);
	}
	struct timespec nap = {0, 200 * 1000 * 1000};
	nanosleep(&nap, NULL);
	CU_ASSERT_EQUAL(waitpid(pid, &status, WNOHANG), 0);
	CU_ASSERT_EQUAL(sound("base", "key.pem", 600), 600);
	close(fd);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(sound("wait", "key.pem", 601), 601);
}

/* Four writers at once, and a reader that must never see a half. */
static void writers_at_once_lose_nothing_and_readers_see_no_half(void)
{
	enum { WRITERS = 4, EACH = 80 };
	pid_t pid[WRITERS];
	char text[256];
	int status, looked = 0;
	uint64_t at;
	bool seen[WRITERS * EACH] = {false};

	trail_free(begin("many", "many.pem"));
	for (int w = 0; w < WRITERS; w++) {
		pid[w] = fork();
		if (pid[w] != 0)
			continue;
		struct err e = ERR_INIT;
		struct trail *t = NULL;
		if (trail_open(&t, in("many"), in("many.pem"), true, &e) != 0)
			_exit(2);
		for (int i = 0; i < EACH; i++) {
			size_t n = entry_text(text, (uint64_t)(w * EACH + i));
			if (trail_append(&at, t, text, n, 0, &e) != 0)
				_exit(3);
		}
		_exit(0);
	}
	for (int w = 0; w < WRITERS;) {
		verifies(in("many"));
		struct trail *t = NULL;
		GOOD(trail_read(&t, in("many"), &last));
		trail_free(t);
		looked++;
		if (waitpid(pid[w], &status, WNOHANG) == pid[w]) {
			CU_ASSERT_EQUAL(status, 0);
			w++;
		}
	}
	printf("# read %d times meanwhile\n", looked);
	struct trail *t = begin("many", "many.pem");
	struct buf entry;
	buf_init(&entry, TRAIL_ENTRY_MAX);
	CU_ASSERT_EQUAL(trail_size(t), WRITERS * EACH);
	for (uint64_t i = 0; i < trail_size(t); i++) {
		buf_reset(&entry);
		GOOD(trail_entry(&entry, t, i, &last));
		for (uint64_t k = 0; k < WRITERS * EACH; k++) {
			entry_text(text, k);
			if (strcmp(text, buf_str(&entry)) == 0) {
				CU_ASSERT_FALSE(seen[k]);
				seen[k] = true;
			}
		}
	}
	for (size_t k = 0; k < WRITERS * EACH; k++)
		CU_ASSERT(seen[k]);
	buf_release(&entry);
	trail_free(t);
}

/* docs/formats/trail.md, its shell blocks as they are printed, over three
 * tiles; tests/cli/audit.sh does the same for a small trail. */
static void the_page_s_steps_hold_across_tiles(void)
{
	static const char script[] =
		"set -eu; sed -n '/^ *```sh$/,/^ *```$/p' "
		"docs/formats/trail.md "
		"| grep -v '```' > \"$1/steps.sh\"; "
		"test \"$(grep -c . \"$1/steps.sh\")\" -gt 25; "
		"cd \"$1\"; T=$1/base I=$2 sh -eu steps.sh > /dev/null; "
		"cat entry";
	static const char *const index[] = {"255", "511", "599"};

	base();
	for (size_t i = 0; i < 3; i++) {
		const char *const argv[] = {"sh", "-c",	    script, "sh",
					    top,  index[i], NULL};
		printf("# ");
		fflush(stdout);
		run(argv);
		puts("");
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(published_note_and_key_verify),
		UNIT(every_flipped_bit_of_a_note_is_refused),
		UNIT(signatures_by_witnesses_are_passed_over),
		UNIT(malformed_verifier_keys_are_refused),
		UNIT(base64_has_one_spelling_only),
		UNIT(checkpoint_texts_that_say_something_else_are_refused),
		UNIT(tile_names_are_those_of_the_specification),
		UNIT(every_entry_of_600_is_proven_at_every_kind_of_size),
		UNIT(a_trail_reopened_at_each_size_goes_on),
		UNIT(layout_is_that_of_tlog_tiles),
		UNIT(origin_is_the_fingerprint_of_the_key),
		UNIT(an_entry_appended_again_after_a_kill_is_not_doubled),
		UNIT(two_handles_append_in_turn_without_losing_any),
		UNIT(entries_that_are_not_one_json_object_on_a_line_are_refused),
		UNIT(a_trail_of_another_key_is_refused_with_both_names),
		UNIT(nothing_is_made_when_nothing_was_asked_to_be_made),
		UNIT(keys_that_cannot_sign_a_trail_are_refused),
		UNIT(openssl_s_own_key_serves),
		UNIT(a_lost_checkpoint_is_not_begun_anew),
		UNIT(a_trail_put_back_while_it_is_open_is_noticed),
		UNIT(every_changed_byte_of_a_proof_is_refused),
		UNIT(every_mutation_is_named),
		UNIT(two_logs_that_share_a_prefix_are_a_fork),
		UNIT(a_key_from_elsewhere_is_trusted_before_the_folder),
		UNIT(stopped_at_any_step_of_an_append_the_entry_is_in_or_out),
		UNIT(leftovers_of_a_lost_entry_do_not_reach_the_log),
		UNIT(stopped_at_any_step_of_its_making_a_trail_can_be_begun),
		UNIT(killed_at_60_random_times_no_returned_entry_is_lost),
		UNIT(a_second_process_waits_for_the_lock),
		UNIT(writers_at_once_lose_nothing_and_readers_see_no_half),
		UNIT(the_page_s_steps_hold_across_tiles),
		{NULL, NULL}};
	snprintf(top, sizeof(top), "/tmp/quietus-trail-XXXXXX");
	if (mkdtemp(top) == NULL)
		return 2;
	int rc = unit_run("trail", tests);
	const char *const rm[] = {"rm", "-rf", top, NULL};
	(void)run_status(rm);
	return rc;
}
