/*
 * A page of an S3 listing, in pieces as the network brings them.  The first
 * byte chooses: bit 0 uploads, bit 1 the lenient reading, the rest the size
 * of the pieces.
 */
#include "providers/s3/s3.h"
#include "tests/fuzz/fuzz.h"

static void examine(const struct s3_page *p)
{
	struct buf id;

	buf_init(&id, 4 * (S3_KEY_MAX + S3_VERSION_MAX));
	MUST(p->n <= S3_PAGE && p->truncated_seen);
	for (size_t i = 0; i < p->n; i++) {
		const struct s3_entry *n = &p->entries[i];
		struct s3_name name;
		MUST(n->key_len != 0 && n->key_len <= S3_KEY_MAX);
		MUST((size_t)n->key + n->key_len <= p->text.len);
		MUST((size_t)n->version + n->version_len <= p->text.len);
		MUST(p->want == 'u' ? n->kind == 'u'
				    : n->kind == 'v' || n->kind == 'm');
		/* what an entry is called can be taken apart again */
		buf_reset(&id);
		MUST(s3_id(&id, s3_key(p, n), n->key_len, n->kind,
			   s3_version(p, n), n->version_len) == 0);
		MUST(s3_name(&name, id.data, id.len) == 0);
		MUST(s3_compare(name.key, name.key_len, s3_key(p, n),
				n->key_len) == 0);
		MUST(s3_compare(name.version, name.version_len,
				s3_version(p, n), n->version_len) == 0);
		MUST(name.kind == n->kind);
		(void)s3_utf8(s3_key(p, n), n->key_len);
	}
	buf_release(&id);
}

static int feed(struct xml *x, const uint8_t *data, size_t size, size_t piece)
{
	while (size != 0) {
		size_t n = size < piece ? size : piece;
		char *copy = fuzz_copy(data, n, 0);
		int rc = xml_feed(x, copy, n);
		free(copy);
		if (rc != 0)
			return -1;
		data += n;
		size -= n;
	}
	return xml_end(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct s3_page p;
	struct sha *sha = sha_new();
	struct xml *x = xml_new();
	const char *why = NULL;

	if (size == 0)
		goto out;
	s3_page_init(&p, data[0] & 1 ? 'u' : 'v', sha);
	p.xml = x;
	/* twice with the same page: nothing of the first may stay */
	for (int round = 0; round < 2; round++) {
		s3_page_reset(&p);
		MUST(xml_start(x, s3_page_element, &p) == 0);
		if (data[0] & 2)
			xml_lenient(x);
		if (feed(x, data + 1, size - 1, 1u + (data[0] >> 2) * 16u) != 0)
			MUST(xml_why(x)[0] != '\0');
		else if (s3_page_finish(&p, &why) == 0)
			examine(&p);
		else
			MUST(why != NULL);
	}
	s3_page_release(&p);
out:
	xml_free(x);
	sha_free(sha);
	return 0;
}
