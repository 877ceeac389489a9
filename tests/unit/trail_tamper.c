/* The audit trail changed behind its back: every mutation is named. */
#include "tests/unit/trail_kit.h"

/* ---- tampering ---------------------------------------------------------- */

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

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(every_mutation_is_named),
		UNIT(two_logs_that_share_a_prefix_are_a_fork),
		UNIT(a_key_from_elsewhere_is_trusted_before_the_folder),
		{NULL, NULL}};
	return kit_run("trail_tamper", tests);
}
