#include "providers/http/http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

static bool is_loopback(const char *host)
{
	struct in_addr four;
	struct in6_addr six;
	char bare[64];

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return (ntohl(four.s_addr) >> 24) == 127;
	size_t n = strlen(host);
	if (n < 4 || n >= sizeof(bare) || host[0] != '[')
		return false;
	memcpy(bare, host + 1, n - 2);
	bare[n - 2] = '\0';
	return inet_pton(AF_INET6, bare, &six) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&six);
}

/* One part of the URL into out; 0 also when it is not there. */
static int part(char *out, size_t size, CURLU *u, CURLUPart what)
{
	char *text = NULL;
	int rc = 0;

	out[0] = '\0';
	if (curl_url_get(u, what, &text, 0) == CURLUE_OK) {
		int n = snprintf(out, size, "%s", text);
		rc = n < 0 || (size_t)n >= size ? -1 : 0;
	}
	curl_free(text);
	return rc;
}

int http_url_split(struct http_url *out, const char *url, const char **why)
{
	char text[512], port[8];
	CURLU *u = curl_url();
	int rc = -1;

	memset(out, 0, sizeof(*out));
	*why = "it is not a URL";
	if (u == NULL || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
		goto out;
	if (part(out->scheme, sizeof(out->scheme), u, CURLUPART_SCHEME) != 0 ||
	    (strcmp(out->scheme, "https") != 0 &&
	     strcmp(out->scheme, "http") != 0)) {
		*why = "only https:// and http:// are spoken";
		goto out;
	}
	part(text, sizeof(text), u, CURLUPART_USER);
	part(port, sizeof(port), u, CURLUPART_PASSWORD);
	if (text[0] != '\0' || port[0] != '\0' || strchr(url, '@') != NULL) {
		*why = "it carries user information; credentials come from "
		       "the environment or a profile";
		goto out;
	}
	if (strpbrk(url, "?#") != NULL) {
		*why = "it carries a query or a fragment";
		goto out;
	}
	if (part(out->host, sizeof(out->host), u, CURLUPART_HOST) != 0 ||
	    out->host[0] == '\0' ||
	    part(out->path, sizeof(out->path), u, CURLUPART_PATH) != 0 ||
	    part(port, sizeof(port), u, CURLUPART_PORT) != 0) {
		*why = "a part of it is missing or too long";
		goto out;
	}
	out->loopback = is_loopback(out->host);
	size_t n = strlen(out->host);
	if (port[0] != '\0')
		snprintf(out->host + n, sizeof(out->host) - n, ":%s", port);
	n = strlen(out->path);
	while (n > 0 && out->path[n - 1] == '/')
		out->path[--n] = '\0';
	rc = 0;
out:
	curl_url_cleanup(u);
	return rc;
}
