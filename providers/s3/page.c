#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"

/* A page of 1000 entries with the longest keys, every byte escaped. */
#define TEXT_MAX ((size_t)S3_PAGE * (3 * S3_KEY_MAX + S3_VERSION_MAX + 8))

enum {
	HAS_KEY = 1,
	HAS_VERSION = 2,
	HAS_DATE = 4,
	HAS_SIZE = 8,
	HAS_ETAG = 16,
	HAS_LATEST = 32
};

void s3_page_init(struct s3_page *p, char want, struct sha *sha)
{
	memset(p, 0, sizeof(*p));
	p->want = want;
	p->sha = sha;
	buf_init(&p->text, TEXT_MAX);
}

void s3_page_release(struct s3_page *p)
{
	buf_release(&p->text);
	free(p->entries);
	p->entries = NULL;
	p->n = p->room = 0;
}

void s3_page_reset(struct s3_page *p)
{
	/* an unusually large page does not stay in memory */
	if (p->text.size > (1u << 20))
		buf_release(&p->text);
	else
		buf_reset(&p->text);
	p->n = 0;
	p->truncated = p->truncated_seen = p->encoded = false;
	p->next_key[0] = '\0';
	p->now = NULL;
}

static int begin_entry(struct s3_page *p, char kind)
{
	if (p->n == S3_PAGE)
		return -1; /* more than any store was asked for */
	if (p->n == p->room) {
		size_t room = p->room != 0 ? p->room * 4 : 16;
		struct s3_entry *more =
			realloc(p->entries, room * sizeof(*more));
		if (more == NULL)
			return -1;
		p->entries = more;
		p->room = room;
	}
	p->now = &p->entries[p->n++];
	memset(p->now, 0, sizeof(*p->now));
	p->now->kind = kind;
	p->seen = 0;
	p->etag[0] = p->modified[0] = '\0';
	return 0;
}

/* A field that was seen before in the same entry is refused: two readers
 * could take different ones. */
static int once(struct s3_page *p, unsigned bit)
{
	if (p->seen & bit)
		return -1;
	p->seen |= bit;
	return 0;
}

static int keep(struct s3_page *p, uint32_t *at, uint16_t *n, const char *text,
		size_t len, size_t max)
{
	if (len == 0 || len > max)
		return -1;
	*at = (uint32_t)p->text.len;
	*n = (uint16_t)len;
	return buf_put(&p->text, text, len);
}

static int bounded(char *out, size_t size, const char *text, size_t len)
{
	if (len >= size || memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(out, text, len + 1);
	return 0;
}

static int number(uint64_t *out, const char *text, size_t len)
{
	*out = 0;
	if (len == 0 || len > 19)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		*out = *out * 10 + (uint64_t)(text[i] - '0');
	}
	return 0;
}

static int boolean(bool *out, const char *text)
{
	*out = strcmp(text, "true") == 0;
	return *out || strcmp(text, "false") == 0 ? 0 : -1;
}

static int field(struct s3_page *p, const char *name, const char *text,
		 size_t len)
{
	struct s3_entry *n = p->now;

	switch (name[0]) {
	case 'K':
		if (strcmp(name, "Key") == 0)
			return once(p, HAS_KEY) != 0
				       ? -1
				       : keep(p, &n->key, &n->key_len, text,
					      len, 3 * S3_KEY_MAX);
		return 0;
	case 'V':
		if (strcmp(name, "VersionId") == 0 && n->kind != 'u')
			return once(p, HAS_VERSION) != 0
				       ? -1
				       : keep(p, &n->version, &n->version_len,
					      text, len, S3_VERSION_MAX);
		return 0;
	case 'U':
		if (strcmp(name, "UploadId") == 0 && n->kind == 'u')
			return once(p, HAS_VERSION) != 0
				       ? -1
				       : keep(p, &n->version, &n->version_len,
					      text, len, S3_VERSION_MAX);
		return 0;
	case 'I':
		if (strcmp(name, "IsLatest") == 0)
			return once(p, HAS_LATEST) != 0
				       ? -1
				       : boolean(&n->latest, text);
		if (strcmp(name, "Initiated") == 0 && n->kind == 'u')
			return once(p, HAS_DATE) != 0
				       ? -1
				       : bounded(p->modified,
						 sizeof(p->modified), text,
						 len);
		return 0;
	case 'L':
		if (strcmp(name, "LastModified") == 0)
			return once(p, HAS_DATE) != 0
				       ? -1
				       : bounded(p->modified,
						 sizeof(p->modified), text,
						 len);
		return 0;
	case 'E':
		if (strcmp(name, "ETag") == 0)
			return once(p, HAS_ETAG) != 0
				       ? -1
				       : bounded(p->etag, sizeof(p->etag), text,
						 len);
		return 0;
	case 'S':
		if (strcmp(name, "Size") == 0)
			return once(p, HAS_SIZE) != 0
				       ? -1
				       : number(&n->size, text, len);
		return 0;
	default:
		return 0;
	}
}

/*
 * The digest says what a version was: kind, size, date and ETag.  Whether it
 * is the latest is left out: that changes when its neighbours go.
 */
static int end_entry(struct s3_page *p)
{
	struct s3_entry *n = p->now;
	char size[24];
	unsigned need = HAS_KEY | HAS_DATE;

	if (n->kind == 'v')
		need |= HAS_SIZE | HAS_ETAG | HAS_LATEST;
	if (n->kind == 'u')
		need |= HAS_VERSION;
	if ((p->seen & need) != need)
		return -1;
	if (!(p->seen & HAS_VERSION)) {
		/* a store without versioning may leave the id out */
		if (keep(p, &n->version, &n->version_len, "null", 4, 4) != 0)
			return -1;
	}
	/* to the second; a time that cannot be read is none */
	if (strlen(p->modified) >= 19) {
		char when[CLOCK_TEXT];
		memcpy(when, p->modified, 19);
		memcpy(when + 19, "Z", 2);
		if (clock_parse(&n->modified, when) != 0)
			n->modified = 0;
	}
	int len = snprintf(size, sizeof(size), "%llu",
			   (unsigned long long)n->size);
	sha_start(p->sha);
	sha_add(p->sha, &n->kind, 1);
	sha_add(p->sha, size, (size_t)len + 1);
	sha_add(p->sha, p->modified, strlen(p->modified) + 1);
	sha_add(p->sha, p->etag, strlen(p->etag) + 1);
	sha_end(p->sha, n->digest);
	p->now = NULL;
	return 0;
}

static int head_field(struct s3_page *p, const char *name, const char *text,
		      size_t len)
{
	if (strcmp(name, "IsTruncated") == 0) {
		if (p->truncated_seen)
			return -1;
		p->truncated_seen = true;
		return boolean(&p->truncated, text);
	}
	if (strcmp(name, "EncodingType") == 0) {
		p->encoded = strcmp(text, "url") == 0;
		return p->encoded || len == 0 ? 0 : -1;
	}
	if (strcmp(name, "NextKeyMarker") == 0)
		return bounded(p->next_key, sizeof(p->next_key), text, len);
	return 0;
}

int s3_page_element(void *arg, int depth, const char *name, const char *text,
		    size_t len)
{
	struct s3_page *p = arg;

	if (depth == 1)
		return strcmp(name, p->want == 'u'
					    ? "ListMultipartUploadsResult"
					    : "ListVersionsResult") == 0
			       ? 0
			       : -1;
	if (depth == 2 && text == NULL) {
		if (p->want == 'u')
			return strcmp(name, "Upload") == 0 ? begin_entry(p, 'u')
							   : 0;
		if (strcmp(name, "Version") == 0)
			return begin_entry(p, 'v');
		if (strcmp(name, "DeleteMarker") == 0)
			return begin_entry(p, 'm');
		return 0;
	}
	if (depth == 2)
		return p->now != NULL ? end_entry(p)
				      : head_field(p, name, text, len);
	if (p->now == NULL || text == NULL)
		return 0;
	if (depth == 3)
		return field(p, name, text, len);
	if (p->owner[0] == '\0' && depth == 4 && strcmp(name, "ID") == 0)
		/* an id that does not fit is no fact about the account */
		(void)bounded(p->owner, sizeof(p->owner), text, len);
	return 0;
}

static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place.  Amazon writes a space as "+", Ceph as "%20"; both write a plus
 * as "%2B".  An uploads' list of Ceph leaves "/" as it is. */
static int decode(unsigned char *p, uint16_t *len)
{
	size_t to = 0;

	for (size_t i = 0; i < *len; i++) {
		if (p[i] == '+') {
			p[to++] = ' ';
		} else if (p[i] != '%') {
			p[to++] = p[i];
		} else {
			if (i + 2 >= *len)
				return -1;
			int high = hex_value(p[i + 1]);
			int low = hex_value(p[i + 2]);
			if (high < 0 || low < 0)
				return -1;
			p[to++] = (unsigned char)(high << 4 | low);
			i += 2;
		}
	}
	*len = (uint16_t)to;
	return 0;
}

int s3_page_finish(struct s3_page *p, const char **why)
{
	if (!p->truncated_seen) {
		*why = "it does not say whether it is complete";
		return -1;
	}
	if (!p->encoded && p->xml != NULL && xml_replaced(p->xml) != 0) {
		*why = "it holds characters that XML cannot carry";
		return -1;
	}
	for (size_t i = 0; i < p->n; i++) {
		struct s3_entry *n = &p->entries[i];
		unsigned char *key = p->text.data + n->key;
		if (p->encoded && decode(key, &n->key_len) != 0) {
			*why = "a key is not encoded as it says";
			return -1;
		}
		if (n->key_len == 0 || n->key_len > S3_KEY_MAX ||
		    memchr(key, '\0', n->key_len) != NULL) {
			*why = "a key is empty, too long or holds a zero byte";
			return -1;
		}
	}
	return 0;
}
