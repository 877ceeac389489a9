/* Signed notes (C2SP signed-note), verifier keys, checkpoints (C2SP
 * tlog-checkpoint).  Only Ed25519, signature type 0x01, is made or accepted;
 * lines by other keys (witnesses) are passed over. */
#include "certs/trail_parts.h"

#include <string.h>

#include "certs/base/hex.h"

#define ED25519_TYPE 0x01
#define SIGNATURE_LEN 64
#define SIG_PREFIX "\xe2\x80\x94 " /* em dash, space */

int base64_put(struct buf *out, const void *data, size_t len)
{
	size_t n = (len + 2) / 3 * 4;
	unsigned char *to = buf_reserve(out, n);

	if (to == NULL)
		return -1;
	EVP_EncodeBlock(to, data, (int)len);
	out->len += n;
	return 0;
}

int base64_get(struct buf *out, const char *text, size_t len)
{
	struct buf again;
	size_t pad = 0, start = out->len;

	if (len % 4 != 0)
		return -1;
	if (len == 0)
		return 0;
	unsigned char *to = buf_reserve(out, len / 4 * 3);
	if (to == NULL)
		return -1;
	if (EVP_DecodeBlock(to, (const unsigned char *)text, (int)len) !=
	    (int)(len / 4 * 3))
		return -1;
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	out->len += len / 4 * 3 - pad;
	out->data[out->len] = '\0';
	/* the library forgives white space and stray bits; this does not */
	buf_init(&again, len);
	int rc = base64_put(&again, out->data + start, out->len - start);
	if (rc == 0 && (again.len != len || memcmp(again.data, text, len) != 0))
		rc = -1;
	buf_release(&again);
	return rc;
}

int decimal_get(uint64_t *out, const char *text, size_t len)
{
	uint64_t n = 0;

	if (len == 0 || (text[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*out = n;
	return 0;
}

/* ---- verifier keys ------------------------------------------------------ */

/* A name that could end its line, or that another reader would end at a
 * space or a plus, could make one signed text mean two things. */
static bool name_ok(const char *name, size_t len)
{
	if (len == 0 || len >= VKEY_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= 0x20 || name[i] > 0x7e || name[i] == '+')
			return false;
	return true;
}

static int set_id(struct vkey *k, struct err *e)
{
	unsigned char all[VKEY_NAME_MAX + 2 + ED25519_LEN], digest[SHA_LEN];
	size_t n = strlen(k->name);

	memcpy(all, k->name, n);
	all[n] = '\n';
	all[n + 1] = ED25519_TYPE;
	memcpy(all + n + 2, k->pub, ED25519_LEN);
	if (sha_once(digest, all, n + 2 + ED25519_LEN, e) != 0)
		return -1;
	memcpy(k->id, digest, sizeof(k->id));
	return 0;
}

int vkey_of_public(struct vkey *out, const unsigned char pub[ED25519_LEN],
		   struct err *e)
{
	static const char prefix[] = "quietus/";
	unsigned char digest[SHA_LEN];

	memset(out, 0, sizeof(*out));
	if (sha_once(digest, pub, ED25519_LEN, e) != 0)
		return -1;
	memcpy(out->name, prefix, sizeof(prefix) - 1);
	hex_encode(out->name + sizeof(prefix) - 1, digest, 8);
	memcpy(out->pub, pub, ED25519_LEN);
	return set_id(out, e);
}

int vkey_write(struct buf *out, const struct vkey *k)
{
	unsigned char typed[1 + ED25519_LEN];
	char id[2 * sizeof(k->id) + 1];

	typed[0] = ED25519_TYPE;
	memcpy(typed + 1, k->pub, ED25519_LEN);
	hex_encode(id, k->id, sizeof(k->id));
	buf_puts(out, k->name);
	buf_putc(out, '+');
	buf_puts(out, id);
	buf_putc(out, '+');
	return base64_put(out, typed, sizeof(typed));
}

static int vkey_read(struct vkey *k, const char *line, size_t len,
		     struct err *e)
{
	int rc = -1;
	struct buf typed, again;
	const char *plus = memchr(line, '+', len);

	buf_init(&typed, 1 + ED25519_LEN + 3);
	buf_init(&again, VKEY_LINE_MAX);
	if (plus == NULL || !name_ok(line, (size_t)(plus - line)))
		goto out;
	memcpy(k->name, line, (size_t)(plus - line));
	size_t rest = len - (size_t)(plus + 1 - line);
	/* 8 digits, a plus and the key */
	if (rest < 9 || plus[9] != '+' ||
	    base64_get(&typed, plus + 10, rest - 9) != 0 ||
	    typed.len != 1 + ED25519_LEN || typed.data[0] != ED25519_TYPE)
		goto out;
	memcpy(k->pub, typed.data + 1, ED25519_LEN);
	if (set_id(k, e) != 0)
		goto out;
	/* this compares the key id, too */
	if (vkey_write(&again, k) == 0 && again.len == len &&
	    memcmp(again.data, line, len) == 0)
		rc = 0;
out:
	buf_release(&typed);
	buf_release(&again);
	return rc;
}

int vkey_parse(struct vkey *out, const char *line, struct err *e)
{
	size_t len = strlen(line);

	memset(out, 0, sizeof(*out));
	if (len != 0 && line[len - 1] == '\n')
		len--;
	if (vkey_read(out, line, len, e) != 0)
		return err_set(e, ERR_INVALID,
			       "a verifier key must be one line: a name "
			       "without spaces, its key id in 8 lower-case "
			       "hexadecimal digits and an Ed25519 key in "
			       "base64, joined by plus signs");
	return 0;
}

bool vkey_equal(const struct vkey *a, const struct vkey *b)
{
	return strcmp(a->name, b->name) == 0 &&
	       memcmp(a->pub, b->pub, ED25519_LEN) == 0;
}

/* ---- notes -------------------------------------------------------------- */

int note_sign(struct buf *out, const char *text, size_t len,
	      const struct vkey *k, EVP_PKEY *signer, struct err *e)
{
	int rc = -1;
	unsigned char sig[4 + SIGNATURE_LEN];
	size_t n = SIGNATURE_LEN;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	memcpy(sig, k->id, 4);
	if (ctx == NULL ||
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, signer) != 1 ||
	    EVP_DigestSign(ctx, sig + 4, &n, (const unsigned char *)text,
			   len) != 1 ||
	    n != SIGNATURE_LEN) {
		err_openssl(e, ERR_FAILED, "signing a checkpoint");
		goto out;
	}
	buf_put(out, text, len);
	buf_puts(out, "\n" SIG_PREFIX);
	buf_puts(out, k->name);
	buf_putc(out, ' ');
	base64_put(out, sig, sizeof(sig));
	if (buf_putc(out, '\n') != 0) {
		err_set(e, ERR_FAILED, "signing a checkpoint: out of memory");
		goto out;
	}
	rc = 0;
out:
	EVP_MD_CTX_free(ctx);
	return rc;
}

/* One signature line without its newline: name and decoded bytes. */
static int signature_line(const char **name, size_t *name_len, struct buf *sig,
			  const char *line, size_t len)
{
	size_t prefix = sizeof(SIG_PREFIX) - 1;

	if (len < prefix || memcmp(line, SIG_PREFIX, prefix) != 0)
		return -1;
	line += prefix;
	len -= prefix;
	const char *space = memchr(line, ' ', len);
	if (space == NULL || space == line)
		return -1;
	*name = line;
	*name_len = (size_t)(space - line);
	buf_reset(sig);
	if (base64_get(sig, space + 1, len - *name_len - 1) != 0)
		return -1;
	return sig->len > 4 ? 0 : -1;
}

static bool signature_good(const struct vkey *k, const struct buf *sig,
			   const char *text, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *pub = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
						    k->pub, ED25519_LEN);
	bool good = ctx != NULL && pub != NULL &&
		    sig->len == 4 + SIGNATURE_LEN &&
		    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pub) == 1 &&
		    EVP_DigestVerify(ctx, sig->data + 4, SIGNATURE_LEN,
				     (const unsigned char *)text, len) == 1;
	EVP_PKEY_free(pub);
	EVP_MD_CTX_free(ctx);
	return good;
}

int note_split(size_t *text_len, const char *note, size_t len, struct err *e)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)note[i] < 0x20 && note[i] != '\n') ||
		    note[i] == 0x7f)
			return err_set(e, ERR_INVALID,
				       "checkpoint: it has a control "
				       "character at byte %zu",
				       i);
	if (len < 3 || note[len - 1] != '\n')
		return err_set(e, ERR_INVALID,
			       "checkpoint: it does not end in a newline");
	/* the last empty line divides text and signatures */
	for (size_t i = len - 2; i > 0; i--) {
		if (note[i] == '\n' && note[i - 1] == '\n') {
			*text_len = i;
			return 0;
		}
	}
	return err_set(e, ERR_INVALID,
		       "checkpoint: no empty line stands between its text and "
		       "its signature");
}

int note_check(size_t *text_len, const char *note, size_t len,
	       const struct vkey *k, struct err *e)
{
	int rc = -1;
	bool good = false;
	struct buf sig;

	buf_init(&sig, NOTE_MAX);
	if (note_split(text_len, note, len, e) != 0)
		goto out;
	const char *p = note + *text_len + 1, *end = note + len;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *name;
		size_t n;
		if (nl == NULL ||
		    signature_line(&name, &n, &sig, p, (size_t)(nl - p)) != 0) {
			err_set(e, ERR_INVALID,
				"checkpoint: a signature line is malformed");
			goto out;
		}
		p = nl + 1;
		if (n != strlen(k->name) || memcmp(name, k->name, n) != 0 ||
		    memcmp(sig.data, k->id, sizeof(k->id)) != 0)
			continue;
		if (!signature_good(k, &sig, note, *text_len)) {
			err_set(e, ERR_INVALID,
				"checkpoint: the signature by %s is wrong: "
				"the text was changed after it was signed",
				k->name);
			goto out;
		}
		good = true;
	}
	if (!good) {
		err_set(e, ERR_INVALID,
			"checkpoint: it is not signed with the key of %s",
			k->name);
		goto out;
	}
	rc = 0;
out:
	buf_release(&sig);
	return rc;
}

/* ---- checkpoints -------------------------------------------------------- */

int checkpoint_write(struct buf *out, const struct checkpoint *c)
{
	buf_puts(out, c->origin);
	buf_putc(out, '\n');
	buf_put_u64(out, c->size);
	buf_putc(out, '\n');
	base64_put(out, c->root, SHA_LEN);
	return buf_putc(out, '\n');
}

/* The next line of a text, without its newline; NULL at the end. */
static const char *next_line(const char **p, const char *end, size_t *len)
{
	const char *line = *p;
	const char *nl =
		line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
	if (nl == NULL)
		return NULL;
	*len = (size_t)(nl - line);
	*p = nl + 1;
	return line;
}

int checkpoint_parse(struct checkpoint *out, const char *text, size_t len,
		     struct err *e)
{
	const char *p = text, *end = text + len;
	size_t n;
	struct buf root;

	memset(out, 0, sizeof(*out));
	const char *line = next_line(&p, end, &n);
	if (line == NULL || !name_ok(line, n))
		return err_set(e, ERR_INVALID,
			       "checkpoint: its first line is not the name of "
			       "a log");
	memcpy(out->origin, line, n);
	line = next_line(&p, end, &n);
	if (line == NULL || decimal_get(&out->size, line, n) != 0)
		return err_set(e, ERR_INVALID,
			       "checkpoint: its second line is not a number "
			       "of entries");
	line = next_line(&p, end, &n);
	buf_init(&root, SHA_LEN + 3);
	bool good = line != NULL && base64_get(&root, line, n) == 0 &&
		    root.len == SHA_LEN;
	if (good)
		memcpy(out->root, root.data, SHA_LEN);
	buf_release(&root);
	if (!good)
		return err_set(e, ERR_INVALID,
			       "checkpoint: its third line is not a root hash "
			       "in base64");
	for (line = next_line(&p, end, &n); line != NULL;
	     line = next_line(&p, end, &n))
		if (n == 0)
			return err_set(e, ERR_INVALID,
				       "checkpoint: an extension line is "
				       "empty");
	return 0;
}

int checkpoint_open(struct checkpoint *out, const char *note, size_t len,
		    const struct vkey *k, struct err *e)
{
	size_t text_len;

	if (note_check(&text_len, note, len, k, e) != 0 ||
	    checkpoint_parse(out, note, text_len, e) != 0)
		return -1;
	if (strcmp(out->origin, k->name) != 0)
		return err_set(e, ERR_INVALID,
			       "checkpoint: it speaks for the log %s, its "
			       "signer is %s",
			       out->origin, k->name);
	return 0;
}

int checkpoint_check(uint64_t *size, unsigned char root[SHA_LEN],
		     const void *note, size_t len, const char *vkey,
		     struct err *e)
{
	struct vkey k;
	struct checkpoint c;

	if (vkey_parse(&k, vkey, e) != 0 ||
	    checkpoint_open(&c, note, len, &k, e) != 0)
		return -1;
	*size = c.size;
	memcpy(root, c.root, SHA_LEN);
	return 0;
}
