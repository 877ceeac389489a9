/* The audit trail: notes, appends across tile boundaries, proofs, whose it is.
 */
#include "tests/unit/trail_kit.h"

/* ---- notes and keys --------------------------------------------------------
 */

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
		UNIT(the_page_s_steps_hold_across_tiles),
		{NULL, NULL}};
	return kit_run("trail", tests);
}
