/* Reading entries, and proofs that verify without the log (C2SP
 * tlog-proof). */
#include "certs/trail_parts.h"

#include <inttypes.h>
#include <string.h>

#include "certs/merkle.h"

#define PROOF_HEADER "c2sp.org/tlog-proof@v1"

static int in_range(const struct trail *t, uint64_t index, struct err *e)
{
	if (index < t->head.size)
		return 0;
	return err_set(e, ERR_USAGE,
		       "trail %s has %" PRIu64
		       " entries, numbered from 0: there is no entry %" PRIu64,
		       t->dir, t->head.size, index);
}

int trail_entry(struct buf *out, struct trail *t, uint64_t index, struct err *e)
{
	int rc = -1;
	unsigned char want[SHA_LEN], got[SHA_LEN];
	const unsigned char *data;
	size_t len;
	struct buf read;
	const struct buf *bundle = &read;
	uint64_t n = index / TILE_WIDTH;

	if (in_range(t, index, e) != 0)
		return -1;
	buf_init(&read, BUNDLE_MAX);
	if (tile_width(t->head.size, TILE_ENTRIES, n) < TILE_WIDTH) {
		bundle = &t->edge.bundle;
	} else if (tile_read(&read, t->dir, TILE_ENTRIES, n, TILE_WIDTH, e) !=
		   0) {
		if (e->code == ERR_MISSING)
			e->code = ERR_INVALID;
		goto out;
	}
	if (state_range(t, want, index, 1, e) != 0)
		goto out;
	if (bundle_entry(&data, &len, bundle, (unsigned)(index % TILE_WIDTH)) !=
	    0) {
		err_set(e, ERR_INVALID, "entry %" PRIu64 " is cut short",
			index);
		goto out;
	}
	merkle_leaf(t->sha, got, data, len);
	if (memcmp(got, want, SHA_LEN) != 0) {
		err_set(e, ERR_INVALID,
			"entry %" PRIu64 " of trail %s was changed: it does "
			"not have the hash that the tree has for it",
			index, t->dir);
		goto out;
	}
	if (buf_put(out, data, len) != 0) {
		err_set(e, ERR_FAILED,
			"entry %" PRIu64 " of %zu bytes is "
			"larger than is accepted here",
			index, len);
		goto out;
	}
	rc = 0;
out:
	buf_release(&read);
	return rc;
}

int trail_prove(struct buf *out, struct trail *t, uint64_t index,
		const void *extra, size_t extra_len, struct err *e)
{
	unsigned char proof[PROOF_MAX][SHA_LEN], leaf[SHA_LEN], given[SHA_LEN];
	size_t n;

	if (in_range(t, index, e) != 0 ||
	    state_inclusion(t, proof, &n, leaf, index, e) != 0)
		return -1;
	if (extra != NULL) {
		merkle_leaf(t->sha, given, extra, extra_len);
		if (memcmp(given, leaf, SHA_LEN) != 0)
			return err_set(e, ERR_USAGE,
				       "entry %" PRIu64 " of trail %s is not "
				       "the one that was to be proven",
				       index, t->dir);
	}
	buf_puts(out, PROOF_HEADER "\n");
	if (extra != NULL) {
		buf_puts(out, "extra ");
		base64_put(out, extra, extra_len);
		buf_putc(out, '\n');
	}
	buf_puts(out, "index ");
	buf_put_u64(out, index);
	buf_putc(out, '\n');
	for (size_t i = 0; i < n; i++) {
		base64_put(out, proof[i], SHA_LEN);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
	if (buf_put(out, t->note.data, t->note.len) != 0)
		return err_set(e, ERR_FAILED,
			       "a proof does not fit the buffer for it");
	return 0;
}

/* ---- reading a proof ---------------------------------------------------- */

struct parsed {
	uint64_t index;
	unsigned char hash[PROOF_MAX][SHA_LEN];
	size_t n;
	const char *note;
	size_t note_len;
};

/* Takes one line; -1 at the end of the text. */
static int take_line(const char **line, size_t *len, const char **p,
		     const char *end)
{
	/* memchr may not be given NULL, not even for no bytes */
	const char *nl =
		*p == end ? NULL : memchr(*p, '\n', (size_t)(end - *p));
	if (nl == NULL)
		return -1;
	*line = *p;
	*len = (size_t)(nl - *p);
	*p = nl + 1;
	return 0;
}

/* What follows prefix in the line, or NULL when it begins otherwise. */
static const char *after(const char *prefix, const char *line, size_t *len)
{
	size_t n = strlen(prefix);
	if (*len < n || memcmp(line, prefix, n) != 0)
		return NULL;
	*len -= n;
	return line + n;
}

static int take_hashes(struct parsed *out, const char **p, const char *end)
{
	const char *line;
	size_t len;
	int rc = -1;
	struct buf hash;

	buf_init(&hash, SHA_LEN + 3);
	while (take_line(&line, &len, p, end) == 0) {
		if (len == 0) {
			rc = 0;
			break;
		}
		buf_reset(&hash);
		if (out->n == PROOF_MAX || base64_get(&hash, line, len) != 0 ||
		    hash.len != SHA_LEN)
			break;
		memcpy(out->hash[out->n++], hash.data, SHA_LEN);
	}
	buf_release(&hash);
	return rc;
}

static int parse_proof(struct parsed *out, struct buf *extra, const char *text,
		       size_t len, struct err *e)
{
	const char *p = text, *end = text + len, *line, *value;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (take_line(&line, &n, &p, end) != 0 || n != strlen(PROOF_HEADER) ||
	    memcmp(line, PROOF_HEADER, n) != 0)
		return err_set(e, ERR_INVALID,
			       "log proof: it does not begin with "
			       "\"" PROOF_HEADER "\"");
	if (take_line(&line, &n, &p, end) != 0)
		n = 0;
	value = after("extra ", line, &n);
	if (value == NULL)
		return err_set(e, ERR_INVALID,
			       "log proof: it does not carry the entry that it "
			       "proves (an \"extra\" line)");
	if (n == 0 || n > (TRAIL_ENTRY_MAX + 2) / 3 * 4 ||
	    base64_get(extra, value, n) != 0)
		return err_set(e, ERR_INVALID,
			       "log proof: its \"extra\" line is not an entry "
			       "in base64");
	if (take_line(&line, &n, &p, end) != 0)
		n = 0;
	value = after("index ", line, &n);
	if (value == NULL || decimal_get(&out->index, value, n) != 0)
		return err_set(e, ERR_INVALID,
			       "log proof: it has no \"index\" line");
	if (take_hashes(out, &p, end) != 0)
		return err_set(e, ERR_INVALID,
			       "log proof: a hash is malformed, or no empty "
			       "line stands before the checkpoint");
	out->note = p;
	out->note_len = (size_t)(end - p);
	return 0;
}

int proof_check(struct buf *entry, uint64_t *index, uint64_t *size,
		const void *proof, size_t len, const char *vkey, struct err *e)
{
	int rc = -1;
	struct parsed got;
	struct checkpoint c;
	struct vkey k;
	struct buf extra;
	unsigned char leaf[SHA_LEN];
	struct sha *sha = sha_new();

	buf_init(&extra, TRAIL_ENTRY_MAX + 3);
	if (sha == NULL) {
		err_openssl(e, ERR_FAILED, "starting SHA-256");
		goto out;
	}
	if (vkey_parse(&k, vkey, e) != 0 ||
	    parse_proof(&got, &extra, proof, len, e) != 0 ||
	    checkpoint_open(&c, got.note, got.note_len, &k, e) != 0)
		goto out;
	merkle_leaf(sha, leaf, extra.data, extra.len);
	if (merkle_check_inclusion(got.index, c.size, leaf,
				   (const unsigned char(*)[SHA_LEN])got.hash,
				   got.n, c.root, e) != 0)
		goto out;
	if (buf_put(entry, extra.data, extra.len) != 0) {
		err_set(e, ERR_FAILED,
			"log proof: its entry of %zu bytes is larger than is "
			"accepted here",
			extra.len);
		goto out;
	}
	*index = got.index;
	*size = c.size;
	rc = 0;
out:
	sha_free(sha);
	buf_release(&extra);
	return rc;
}
