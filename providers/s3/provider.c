/*
 * provider.c: the S3 provider's slots.
 *
 * An item is an object version, a delete marker or an unfinished upload; its
 * id is key, 0, kind ('v' 'm' 'u'), 0, version or upload id.  A key cannot
 * hold a zero byte, so ids sort as keys do.
 *
 * Versions are always listed, whatever the bucket's versioning status says:
 * a bucket whose versioning is suspended keeps its old versions.
 */
#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum copy_class s3_classes[] = {
	CLASS_CURRENT,		 CLASS_NONCURRENT, CLASS_DELETE_MARKER,
	CLASS_UNFINISHED_UPLOAD, CLASS_REPLICA,	   CLASS_ARCHIVED_LOG,
	CLASS_STAGING,		 CLASS_UNKNOWN,
};

int s3_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t n = a_len < b_len ? a_len : b_len;
	int order = n != 0 ? memcmp(a, b, n) : 0;

	if (order != 0)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

bool s3_begins(const void *key, size_t len, const struct buf *prefix)
{
	return len >= prefix->len &&
	       (prefix->len == 0 ||
		memcmp(key, prefix->data, prefix->len) == 0);
}

bool s3_in_scope(const struct s3 *s, const unsigned char *key, size_t len)
{
	if (!s3_begins(key, len, &s->prefix))
		return false;
	for (size_t i = 0; i < s->n_excluded; i++)
		if (s3_begins(key, len, &s->excluded[i].text))
			return false;
	return true;
}

uint32_t s3_retention(const struct s3 *s, const unsigned char *key, size_t len)
{
	for (size_t i = 0; i < s->n_retained; i++)
		if (s3_begins(key, len, &s->retained[i].text))
			return s->retained[i].rule;
	return 0;
}

/* ---- ids ---------------------------------------------------------------- */

int s3_id(struct buf *out, const unsigned char *key, size_t key_len, char kind,
	  const unsigned char *version, size_t version_len)
{
	buf_put(out, key, key_len);
	buf_putc(out, '\0');
	buf_putc(out, (unsigned char)kind);
	buf_putc(out, '\0');
	return buf_put(out, version, version_len);
}

int s3_name(struct s3_name *out, const unsigned char *id, size_t len)
{
	const unsigned char *zero = memchr(id, '\0', len);

	if (zero == NULL)
		return -1;
	out->key = id;
	out->key_len = (size_t)(zero - id);
	if (len - out->key_len < 4 || zero[2] != '\0')
		return -1;
	out->kind = (char)zero[1];
	out->version = zero + 3;
	out->version_len = len - out->key_len - 3;
	if (out->key_len == 0 || out->key_len > S3_KEY_MAX ||
	    out->version_len > S3_VERSION_MAX ||
	    memchr(out->version, '\0', out->version_len) != NULL ||
	    (out->kind != 'v' && out->kind != 'm' && out->kind != 'u'))
		return -1;
	return 0;
}

/* ---- open and close ----------------------------------------------------- */

static void s3_close(void *handle)
{
	struct s3 *s = handle;

	if (s == NULL)
		return;
	http_free(s->http);
	sigv4_free(s->signer);
	s3_credentials_release(&s->credentials);
	sha_free(s->sha);
	for (size_t i = 0; i < s->n_excluded; i++)
		buf_release(&s->excluded[i].text);
	for (size_t i = 0; i < s->n_retained; i++)
		buf_release(&s->retained[i].text);
	free(s->excluded);
	free(s->retained);
	buf_release(&s->prefix);
	free(s);
}

/* Follows a store that names another region.  Credentials go to the same
 * host, or, at Amazon, to the address derived from the region alone: what a
 * Location header or an <Endpoint> says is never used. */
static bool follow_region(struct s3 *s, const struct s3_call *c)
{
	const char *region = c->error.region;
	size_t n = strlen(region);

	if (n == 0 || n >= sizeof(s->region) || strcmp(region, s->region) == 0)
		return false;
	if (strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		return false;
	if (c->http.status != 301 && c->http.status != 307 &&
	    c->http.status != 400 && c->http.status != 403)
		return false;
	snprintf(s->region, sizeof(s->region), "%s", region);
	if (s->amazon) {
		snprintf(s->endpoint, sizeof(s->endpoint),
			 "s3.%s.amazonaws.com%s", s->region,
			 strncmp(s->region, "cn-", 3) == 0 ? ".cn" : "");
		s3_address(s);
	}
	return true;
}

/* The first request: credentials, bucket, region, and the permission that
 * everything else rests on. */
static int first_request(struct s3 *s, struct err *e)
{
	struct s3_call c;
	struct xml_doc d;
	int rc = -1;
	const struct sigv4_pair q[] = {
		{"versions", "", 0},
		{"max-keys", "1", 1},
		{"encoding-type", "url", 3},
		{"prefix", buf_str(&s->prefix), s->prefix.len},
	};

	xml_doc_init(&d);
	for (int tries = 0; tries < 3; tries++) {
		s3_call_init(&c, s);
		if (s3_call_target(&c, "GET", NULL, 0, q, 4) != 0) {
			err_set(e, ERR_FAILED, "out of memory");
			goto out;
		}
		if (s3_call_run(&c, e) != 0)
			goto out;
		if (s3_call_ok(&c) || !follow_region(s, &c))
			break;
		s3_call_release(&c);
		if (s3_signer(s, e) != 0)
			return -1;
	}
	if (!s3_call_ok(&c)) {
		char what[400];
		snprintf(what, sizeof(what),
			 "listing the versions of bucket %.255s", s->bucket);
		s3_call_failed(&c, e, what);
		if (c.http.status == 404 &&
		    strcmp(c.error.code, "NoSuchBucket") == 0)
			e->code = ERR_MISSING;
		goto out;
	}
	/* the root alone counts: radosgw echoes a key's control characters,
	 * which no reader takes; walk.c reads pages with more care */
	(void)xml_doc_read(&d, c.body.data, c.body.len);
	if (strcmp(d.root, "ListVersionsResult") != 0) {
		err_set(e, ERR_STORE,
			"%s does not answer a listing of versions as S3 does "
			"(root element \"%s\"): without one nothing can be "
			"said about old versions",
			s->endpoint, d.root);
		goto out;
	}
	rc = 0;
out:
	xml_doc_release(&d);
	s3_call_release(&c);
	return rc;
}

/* DeleteBucket: S3 answers 409 BucketNotEmpty while any object, version, marker
 * or (at Amazon) unfinished upload is in it. */
static int s3_remove_place(void *handle, bool *removed, struct err *e)
{
	struct s3 *s = handle;
	struct s3_call c;
	int rc = -1;

	if (s->prefix.len != 0 || s->n_excluded != 0 || s->n_retained != 0)
		return 0;
	s3_call_init(&c, s);
	if (s3_call_target(&c, "DELETE", NULL, 0, NULL, 0) != 0) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (s3_call_run(&c, e) != 0)
		goto out;
	if (s3_call_ok(&c)) {
		*removed = true;
	} else if (c.http.status == 409) {
		err_set(e, ERR_DRIFT,
			"the store refuses to delete bucket %s (%s), although "
			"its listing shows nothing: something is in it",
			s->bucket, c.error.code);
		goto out;
	} else if (c.http.failure != HTTP_ANSWERED || c.http.status >= 500) {
		s3_call_failed(&c, e, "deleting the emptied bucket");
		goto out;
	}
	rc = 0;
out:
	s3_call_release(&c);
	return rc;
}

static int s3_open(void **handle, const struct scope *scope, struct err *e)
{
	struct http_options o;
	struct s3 *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	s3_credentials_init(&s->credentials);
	if (s3_settings_read(s, scope, e) != 0 ||
	    s3_credentials_find(&s->credentials, s->profile, scope->stop, e) !=
		    0)
		goto fail;
	http_options_init(&o);
	o.ca_file = s->ca_file[0] != '\0' ? s->ca_file : NULL;
	o.insecure = s->insecure;
	o.stop = scope->stop;
	s->sha = sha_new();
	s->http = http_new(&o, e);
	if (s->http == NULL || s->sha == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto fail;
	}
	if (s3_signer(s, e) != 0 || first_request(s, e) != 0)
		goto fail;
	*handle = s;
	return 0;
fail:
	s3_close(s);
	return -1;
}

/* ---- enumerate ---------------------------------------------------------- */

struct enumeration {
	item_fn *fn;
	void *arg;
	struct buf id;
	bool given;
};

static bool one_range(struct s3_walk *w, struct s3_range *r)
{
	struct enumeration *n = w->arg;

	if (n->given)
		return false;
	n->given = true;
	r->prefix = (const unsigned char *)buf_str(&w->s3->prefix);
	r->prefix_len = w->s3->prefix.len;
	return true;
}

static enum copy_class class_of(const struct s3_entry *n)
{
	switch (n->kind) {
	case 'u':
		return CLASS_UNFINISHED_UPLOAD;
	case 'm':
		return CLASS_DELETE_MARKER;
	default:
		return n->latest ? CLASS_CURRENT : CLASS_NONCURRENT;
	}
}

static int one_entry(struct s3_walk *w, void *range_arg,
		     const struct s3_page *p, const struct s3_entry *n,
		     struct err *e)
{
	struct enumeration *en = w->arg;
	const unsigned char *key = s3_key(p, n);
	struct item item;

	(void)range_arg;
	if (!s3_in_scope(w->s3, key, n->key_len))
		return 0;
	memset(&item, 0, sizeof(item));
	en->id.len = 0;
	s3_id(&en->id, key, n->key_len, n->kind, s3_version(p, n),
	      n->version_len);
	if (buf_failed(&en->id))
		return err_set(e, ERR_FAILED, "out of memory");
	item.id = en->id.data;
	item.id_len = en->id.len;
	item.cls = class_of(n);
	item.bytes = n->size;
	item.modified = n->modified;
	memcpy(item.digest, n->digest, sizeof(item.digest));
	item.retention = s3_retention(w->s3, key, n->key_len);
	item.locked_until = n->locked_until;
	item.held = n->held;
	return en->fn(en->arg, &item, e);
}

int s3_enumerate(void *handle, item_fn *fn, void *arg, struct err *e)
{
	struct s3 *s = handle;
	struct enumeration n = {fn, arg, {0}, false};
	struct s3_walk w;
	int rc = -1;

	buf_init(&n.id, ITEM_ID_MAX);
	memset(&w, 0, sizeof(w));
	w.s3 = s;
	w.want = 'v';
	w.split = true;
	w.locks = true;
	w.next = one_range;
	w.entry = one_entry;
	w.arg = &n;
	if (s3_ready(s, e) != 0 || s3_lock_known(s, e) != 0 ||
	    s3_walk(&w, e) != 0)
		goto out;
	n.given = false;
	w.want = 'u';
	w.split = false;
	w.locks = false;
	if (s3_walk(&w, e) != 0)
		goto out;
	rc = 0;
out:
	buf_release(&n.id);
	return rc;
}

const struct provider provider_s3 = {
	.name = "s3",
	.summary = "S3 buckets: Amazon, OVHcloud, Hetzner, Ceph (versions, "
		   "delete markers, unfinished uploads, Object Lock)",
	.settings = s3_settings,
	.classes = s3_classes,
	.batch_items = 16000,
	.open = s3_open,
	.close = s3_close,
	.describe = s3_describe,
	.enumerate = s3_enumerate,
	.destroy = s3_destroy,
	.check_absent = s3_check_absent,
	.remove_place = s3_remove_place,
	.bystanders = s3_bystanders,
};
