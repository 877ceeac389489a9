/* s3.c: a bucket on a real server (tests/servers/rgw-up), spoken to with
 * libcurl's own signer and no part of the provider. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/contract/contract.h"
#include "tests/servers/s3_client.h"

extern const struct provider provider_s3;

struct store {
	struct s3_client client;
	char bucket[64];
	const char *endpoint;
	struct setting members[4], settings, keep_prefix, keep;
	struct retention_rule rule;
	unsigned planted;
};

static long ask(struct store *s, const char *method, const char *key,
		size_t key_len, const char *query, const char *body,
		struct buf *answer)
{
	return s3_client_ask(&s->client, method, key, key_len, query, body,
			     answer);
}

static int do_it(struct store *s, const char *method, const char *key,
		 const char *query, const char *body, struct err *e)
{
	long status = ask(s, method, key, key != NULL ? strlen(key) : 0, query,
			  body, NULL);
	if (status < 200 || status > 299)
		return err_set(e, ERR_FAILED, "%s %s?%s: status %ld", method,
			       key != NULL ? key : "",
			       query != NULL ? query : "", status);
	return 0;
}

static int put(struct store *s, const char *key, struct err *e)
{
	return do_it(s, "PUT", key, NULL, "content", e);
}

static int make_content(struct store *s, struct err *e)
{
	/* a key as long as keys can be */
	char longest[1025];
	static const char *const keys[] = {
		"clients/7/a.txt", "clients/7/", "clients/7/../7/up",
		"clients/7/tab\tand\nline\x01\x1f", "clients/7/plus+ %25 %",
		"clients/7/<Key>&amp;</Key><!-- ' \" -->",
		"clients/7/\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x97\x91",
		"clients/7/\x7f\xc2\x85", "clients/7/deep/er/x",
		"clients/7/deep/er/xy", "clients/7/keep/invoice",
		/* the neighbours */
		"clients/7", "clients/77/a.txt", "clients/77/b", "clients/8/x",
		"clients/6/x", "other", NULL};

	memset(longest, 'k', sizeof(longest));
	memcpy(longest, "clients/7/", 10);
	longest[1024] = '\0';
	if (do_it(s, "PUT", NULL, NULL, NULL, e) != 0)
		return -1;
	/* before versioning: null versions */
	for (size_t i = 0; keys[i] != NULL; i++)
		if (put(s, keys[i], e) != 0)
			return -1;
	if (do_it(s, "PUT", NULL, "versioning=",
		  "<VersioningConfiguration><Status>Enabled</Status>"
		  "</VersioningConfiguration>",
		  e) != 0)
		return -1;
	return put(s, "clients/7/a.txt", e) | put(s, "clients/7/a.txt", e) |
	       put(s, "clients/7/deep/er/x", e) | put(s, longest, e) |
	       put(s, "clients/7/keep/invoice", e) |
	       put(s, "clients/77/a.txt", e) |
	       do_it(s, "DELETE", "clients/7/deep/er/x", NULL, NULL, e) |
	       do_it(s, "DELETE", "clients/7/never", NULL, NULL, e) |
	       do_it(s, "DELETE", "clients/77/b", NULL, NULL, e) |
	       do_it(s, "POST", "clients/7/up load+1", "uploads=", "", e) |
	       do_it(s, "POST", "clients/77/upload", "uploads=", "", e);
}

static int start(void **handle, struct scope *scope, struct err *e)
{
	static unsigned turn;
	const char *endpoint = getenv("S3_ENDPOINT");
	const char *id = getenv("AWS_ACCESS_KEY_ID");
	const char *secret = getenv("AWS_SECRET_ACCESS_KEY");

	if (endpoint == NULL || id == NULL || secret == NULL) {
		err_set(e, ERR_FAILED,
			"S3_ENDPOINT, AWS_ACCESS_KEY_ID and "
			"AWS_SECRET_ACCESS_KEY are not set: "
			"see tests/servers/rgw-up");
		return CONTRACT_CANNOT;
	}
	struct store *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	*handle = s;
	s->client.curl = curl_easy_init();
	s->endpoint = endpoint;
	snprintf(s->bucket, sizeof(s->bucket), "contract-%ld-%u",
		 (long)getpid(), turn++);
	snprintf(s->client.url, sizeof(s->client.url), "%s/%s", endpoint,
		 s->bucket);
	snprintf(s->client.login, sizeof(s->client.login), "%s:%s", id, secret);
	if (make_content(s, e) != 0)
		return -1;
	s->members[0] = (struct setting){.name = "bucket", .str = s->bucket};
	s->members[1] =
		(struct setting){.name = "prefix", .str = "clients/{client}/"};
	s->members[2] = (struct setting){.name = "endpoint", .str = endpoint};
	s->members[3] = (struct setting){.name = "region", .str = "us-east-1"};
	s->settings = (struct setting){
		.type = SETTING_GROUP, .members = s->members, .n_members = 4};
	s->keep_prefix = (struct setting){.name = "prefix",
					  .str = "clients/{client}/keep/"};
	s->keep = (struct setting){.type = SETTING_GROUP,
				   .members = &s->keep_prefix,
				   .n_members = 1};
	s->rule = (struct retention_rule){"invoices", &s->keep};
	*scope = (struct scope){.source = "media",
				.client = "7",
				.base = ".",
				.settings = &s->settings,
				.retention = &s->rule,
				.n_retention = 1};
	return 0;
}

/* The bucket stays: the server is thrown away as a whole. */
static void stop(void *handle)
{
	struct store *s = handle;

	if (s == NULL)
		return;
	curl_easy_cleanup(s->client.curl);
	free(s);
}

static int plant(void *handle, enum copy_class cls, struct err *e)
{
	struct store *s = handle;
	char key[64];

	snprintf(key, sizeof(key), "clients/7/planted-%u", s->planted++);
	switch (cls) {
	case CLASS_CURRENT:
		return put(s, key, e);
	case CLASS_NONCURRENT:
		return put(s, key, e) | put(s, key, e);
	case CLASS_DELETE_MARKER:
		return do_it(s, "DELETE", key, NULL, NULL, e);
	case CLASS_UNFINISHED_UPLOAD:
		return do_it(s, "POST", key, "uploads=", "", e);
	default:
		return CONTRACT_CANNOT;
	}
}

/* key, 0, kind, 0, id: taken apart again, independently of the provider. */
static size_t parts(const struct item *item, char *kind, char id[1100])
{
	size_t n = strlen((const char *)item->id);

	*kind = (char)item->id[n + 1];
	snprintf(id, 1100, "%.*s", (int)(item->id_len - n - 3),
		 (const char *)item->id + n + 3);
	return n;
}

static int alter(void *handle, const struct item *item, struct err *e)
{
	struct store *s = handle;
	char kind, id[1100];
	size_t n = parts(item, &kind, id);

	if (kind != 'v')
		return CONTRACT_CANNOT;
	long status = ask(s, "PUT", (const char *)item->id, n, NULL,
			  "other content", NULL);
	return status == 200 ? 0 : err_set(e, ERR_FAILED, "PUT: %ld", status);
}

static int take_away(void *handle, const struct item *item, struct err *e)
{
	struct store *s = handle;
	char kind, id[1100], query[1200];
	size_t n = parts(item, &kind, id);

	snprintf(query, sizeof(query), "%s=%s",
		 kind == 'u' ? "uploadId" : "versionId", id);
	long status =
		ask(s, "DELETE", (const char *)item->id, n, query, NULL, NULL);
	return status == 204 ? 0
			     : err_set(e, ERR_FAILED, "DELETE: %ld", status);
}

static int listed(struct store *s, const char *query, const char *wanted,
		  bool *found, struct err *e)
{
	struct buf answer;

	buf_init(&answer, 1 << 24);
	long status = ask(s, "GET", NULL, 0, query, NULL, &answer);
	*found = strstr(buf_str(&answer), wanted) != NULL;
	buf_release(&answer);
	return status == 200 ? 0 : err_set(e, ERR_FAILED, "GET: %ld", status);
}

static int exists(void *handle, const struct item *item, bool *is_there,
		  struct err *e)
{
	struct store *s = handle;
	char kind, id[1100], query[5000], wanted[1200];
	size_t n = parts(item, &kind, id);

	if (kind == 'v') {
		snprintf(query, sizeof(query), "versionId=%s", id);
		long status = ask(s, "HEAD", (const char *)item->id, n, query,
				  NULL, NULL);
		*is_there = status == 200;
		return status == 200 || status == 404
			       ? 0
			       : err_set(e, ERR_FAILED, "HEAD: %ld", status);
	}
	/* a marker cannot be asked for by HEAD here: it is looked for in a
	 * listing of its key */
	char *key = curl_easy_escape(s->client.curl, (const char *)item->id,
				     (int)n);
	snprintf(query, sizeof(query), "prefix=%s&%s=", key,
		 kind == 'u' ? "uploads" : "versions");
	curl_free(key);
	snprintf(wanted, sizeof(wanted), ">%s</%s>", id,
		 kind == 'u' ? "UploadId" : "VersionId");
	return listed(s, query, wanted, is_there, e);
}

static int neighbours(void *handle, unsigned char digest[SHA_LEN],
		      struct err *e)
{
	static const char *const queries[] = {
		"prefix=clients%2F77&versions=", "prefix=clients%2F8&versions=",
		"prefix=clients%2F6&versions=",	 "prefix=other&versions=",
		"prefix=clients%2F77&uploads=",	 NULL};
	struct store *s = handle;
	struct buf all;
	long status =
		ask(s, "HEAD", "clients/7", 9, "versionId=null", NULL, NULL);

	if (status != 200)
		return err_set(e, ERR_FAILED, "HEAD clients/7: %ld", status);
	buf_init(&all, 1 << 24);
	for (size_t i = 0; queries[i] != NULL; i++) {
		status = ask(s, "GET", NULL, 0, queries[i], NULL, &all);
		if (status != 200) {
			buf_release(&all);
			return err_set(e, ERR_FAILED, "GET %s: %ld", queries[i],
				       status);
		}
	}
	int rc = sha_once(digest, all.data, all.len, e);
	buf_release(&all);
	return rc;
}

/* The right to look is taken away by a bucket policy, which binds the owner
 * too. */
static int cut(void *handle, struct err *e)
{
	struct store *s = handle;
	char policy[800];

	snprintf(policy, sizeof(policy),
		 "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
		 "\"Deny\",\"Principal\":\"*\",\"Action\":[\"s3:ListBucket\","
		 "\"s3:ListBucketVersions\",\"s3:GetObject\","
		 "\"s3:GetObjectVersion\",\"s3:ListBucketMultipartUploads\","
		 "\"s3:ListMultipartUploadParts\"],\"Resource\":["
		 "\"arn:aws:s3:::%s\",\"arn:aws:s3:::%s/*\"]}]}",
		 s->bucket, s->bucket);
	return do_it(s, "PUT", NULL, "policy=", policy, e);
}

static int mend(void *handle, struct err *e)
{
	return do_it(handle, "DELETE", NULL, "policy=", NULL, e);
}

static int bulk(void *handle, size_t n, struct err *e)
{
	struct store *s = handle;
	unsigned batch = s->planted++;

	for (size_t i = 0; i < n; i++) {
		char key[80];
		snprintf(key, sizeof(key), "clients/7/bulk-%u/%zu", batch, i);
		if (put(s, key, e) != 0)
			return -1;
	}
	return 0;
}

const struct contract_store contract_s3 = {
	.name = "s3",
	.provider = &provider_s3,
	.start = start,
	.stop = stop,
	.plant = plant,
	.alter = alter,
	.alter_makes_another = true,
	.remove = take_away,
	.exists = exists,
	.neighbours = neighbours,
	.cut = cut,
	.mend = mend,
	.bulk = bulk,
	.bulk_items = 6000,
};
