/*
 * The headers of an answer, line by line as libcurl hands them over, and URLs
 * as a store names them.  The callback is private to the transport, so its
 * source is included here.
 */
#include "providers/http/http.c"
#include "tests/fuzz/fuzz.h"

static void examine(struct http *h, struct http_call *c)
{
	static const char *const names[] = {"server", "etag", "retry-after",
					    "x-amz-bucket-region", ""};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *v = http_answer_header(c, names[i]);
		/* a bare CR may stand inside: users of a value clean it */
		MUST(v != NULL && strchr(v, '\n') == NULL);
	}
	for (c->tried = 1; c->tried < 12; c->tried++) {
		double wait = backoff(h, c);
		MUST(wait >= 0 && wait <= 60);
	}
}

static void headers(const uint8_t *data, size_t size)
{
	struct http_call c = {0};
	struct http h = {.random = 1};
	struct slot s = {.call = &c, .pool = &h};
	size_t from = 0;

	http_options_init(&h.o);
	buf_init(&c.headers, HTTP_HEADERS_MAX);
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '\n' && i + 1 != size)
			continue;
		size_t n = i + 1 - from;
		char *line = fuzz_copy(data + from, n, 0);
		size_t took = on_header(line, 1, n, &s);
		free(line);
		if (took != n) {
			MUST(took == 0 && c.failure == HTTP_TOO_LARGE);
			break;
		}
		from = i + 1;
	}
	if (c.failure == HTTP_ANSWERED)
		examine(&h, &c);
	buf_release(&c.headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_url u;
	const char *why = NULL;
	char *text = fuzz_copy(data, size, 1);

	headers(data, size);
	if (http_url_split(&u, text, &why) == 0) {
		MUST(strcmp(u.scheme, "http") == 0 ||
		     strcmp(u.scheme, "https") == 0);
		MUST(u.host[0] != '\0' && strchr(u.host, '@') == NULL);
	} else {
		MUST(why != NULL);
	}
	free(text);
	return 0;
}
