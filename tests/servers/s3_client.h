/*
 * s3_client.h: a few lines of S3 client for the tests, with libcurl's own
 * signer and no part of the provider.
 */
#ifndef QUIETUS_S3_CLIENT_H
#define QUIETUS_S3_CLIENT_H

#include <string.h>

#include <curl/curl.h>

#include "certs/base/buf.h"

struct s3_client {
	CURL *curl;
	char url[256]; /* of the bucket, path style */
	char login[256];
	const char *header; /* one more for the next request, or NULL */
};

static size_t s3_client_take(char *data, size_t one, size_t n, void *arg)
{
	return buf_put(arg, data, one * n) == 0 ? n : 0;
}

/* One request; the status, or -1. */
static long s3_client_ask(struct s3_client *s, const char *method,
			  const char *key, size_t key_len, const char *query,
			  const char *body, struct buf *answer)
{
	struct buf url, ignored;
	long status = -1;
	struct curl_slist *h = curl_slist_append(
		NULL, "x-amz-content-sha256: UNSIGNED-PAYLOAD");

	if (s->header != NULL)
		h = curl_slist_append(h, s->header);
	s->header = NULL;
	buf_init(&url, 16384);
	buf_init(&ignored, 1 << 24);
	buf_puts(&url, s->url);
	if (key != NULL)
		buf_putc(&url, '/');
	for (size_t i = 0; i < key_len; i++) {
		if (key[i] == '/') {
			buf_putc(&url, '/');
			continue;
		}
		char *one = curl_easy_escape(s->curl, key + i, 1);
		buf_puts(&url, one);
		curl_free(one);
	}
	if (query != NULL) {
		buf_putc(&url, '?');
		buf_puts(&url, query);
	}
	curl_easy_reset(s->curl);
	curl_easy_setopt(s->curl, CURLOPT_URL, buf_str(&url));
	curl_easy_setopt(s->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(s->curl, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
	curl_easy_setopt(s->curl, CURLOPT_USERPWD, s->login);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, h);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, s3_client_take);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA,
			 answer != NULL ? answer : &ignored);
	if (body != NULL)
		curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body);
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(s->curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, method);
	if (curl_easy_perform(s->curl) == CURLE_OK)
		curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(h);
	buf_release(&url);
	buf_release(&ignored);
	return status;
}

#endif
