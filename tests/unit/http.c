/* http.c: what the transport refuses, repeats and gives up.  What servers do
 * to it is in s3_faults.c. */
#include "providers/http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs/base/clock.h"
#include "tests/unit/unit.h"

struct seen {
	unsigned prepared, done;
	enum http_failure failure;
	unsigned tried;
	char why[256];
	const char *header;
	int header_rc;
};

static int prepare(struct http_call *c)
{
	struct seen *s = c->arg;

	s->prepared++;
	if (s->header != NULL)
		s->header_rc = http_header(c, "x-test", s->header);
	return s->header_rc;
}

static void done(struct http_call *c)
{
	struct seen *s = c->arg;

	s->done++;
	s->failure = c->failure;
	s->tried = c->tried;
	snprintf(s->why, sizeof(s->why), "%s", c->why);
}

/* One call to url; the options may be NULL. */
static void get(struct seen *s, const char *url, const struct http_options *o)
{
	struct http_options mine;
	struct err e = ERR_INIT;
	struct http_call c;

	http_options_init(&mine);
	mine.tries = 3;
	mine.backoff_ms = 10;
	mine.connect_ms = 300;
	struct http *h = http_new(o != NULL ? o : &mine, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	memset(&c, 0, sizeof(c));
	c.method = "GET";
	c.url = url;
	c.prepare = prepare;
	c.done = done;
	c.arg = s;
	http_send(h, &c);
	CU_ASSERT_EQUAL(http_wait(h, &e), 0);
	CU_ASSERT_EQUAL(s->done, 1);
	http_free(h);
}

static void plain_http_leaves_this_machine_only_when_told(void)
{
	static const char *const far[] = {"http://192.0.2.1/",
					  "http://s3.example.com/x",
					  "http://127.0.0.1.example.com/",
					  "http://user@192.0.2.1/",
					  "http://127.0.0.1@192.0.2.1/",
					  "ftp://127.0.0.1/",
					  "file:///etc/passwd",
					  NULL};

	for (size_t i = 0; far[i] != NULL; i++) {
		struct seen s = {0};
		get(&s, far[i], NULL);
		CU_ASSERT_EQUAL(s.failure, HTTP_REFUSED);
		CU_ASSERT_EQUAL(s.prepared, 0); /* nothing was signed */
		CU_ASSERT_EQUAL(s.tried, 0);
	}
	/* the same call to this machine is made, and tried again */
	struct seen s = {0};
	get(&s, "http://127.0.0.1:1/", NULL);
	CU_ASSERT_EQUAL(s.failure, HTTP_UNREACHABLE);
	CU_ASSERT_EQUAL(s.tried, 3);
	CU_ASSERT_EQUAL(s.prepared, 3); /* each try is signed anew */
	CU_ASSERT(s.why[0] != '\0');
}

static void header_that_would_end_its_line_is_refused(void)
{
	struct seen s = {0};

	s.header = "a\r\nx-other: b";
	get(&s, "http://127.0.0.1:1/", NULL);
	CU_ASSERT_EQUAL(s.header_rc, -1);
	CU_ASSERT_EQUAL(s.failure, HTTP_REFUSED);
	memset(&s, 0, sizeof(s));
	s.header = "a";
	get(&s, "http://127.0.0.1:1/", NULL);
	CU_ASSERT_EQUAL(s.header_rc, 0);
	CU_ASSERT_EQUAL(s.failure, HTTP_UNREACHABLE);
}

static void stop_flag_begins_nothing_new(void)
{
	static volatile sig_atomic_t stop = 1;
	struct http_options o;
	struct seen s = {0};

	http_options_init(&o);
	o.stop = &stop;
	get(&s, "http://127.0.0.1:1/", &o);
	CU_ASSERT_EQUAL(s.failure, HTTP_STOPPED);
	CU_ASSERT_EQUAL(s.prepared, 0);
}

static void server_that_never_answers_is_given_up(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	struct http_options o;
	struct seen s = {0};
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/",
		 (unsigned)ntohs(a.sin_port));
	http_options_init(&o);
	o.tries = 1;
	o.silence_s = 1;
	double start = clock_elapsed();
	get(&s, url, &o);
	CU_ASSERT_EQUAL(s.failure, HTTP_UNREACHABLE);
	CU_ASSERT(clock_elapsed() - start < 10);
	close(fd);
}

static void url_is_taken_apart_or_refused(void)
{
	static const struct {
		const char *url, *host, *path;
		bool loopback;
	} cases[] = {
		{"https://s3.example.com", "s3.example.com", "", false},
		{"https://s3.example.com:8443/a/b/", "s3.example.com:8443",
		 "/a/b", false},
		{"http://127.1.2.3:80", "127.1.2.3:80", "", true},
		{"http://[::1]:9000/", "[::1]:9000", "", true},
		{"http://localhost", "localhost", "", true},
		{"http://localhost.example.com", "localhost.example.com", "",
		 false},
		{"https://a:b@h", NULL, NULL, false},
		{"https://h?q", NULL, NULL, false},
		{"https://h#f", NULL, NULL, false},
		{"gopher://h", NULL, NULL, false},
		{"", NULL, NULL, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_url u;
		const char *why = NULL;
		int rc = http_url_split(&u, cases[i].url, &why);
		CU_ASSERT_EQUAL(rc, cases[i].host != NULL ? 0 : -1);
		if (cases[i].host == NULL) {
			CU_ASSERT_PTR_NOT_NULL(why);
			continue;
		}
		CU_ASSERT_STRING_EQUAL(u.host, cases[i].host);
		CU_ASSERT_STRING_EQUAL(u.path, cases[i].path);
		CU_ASSERT_EQUAL(u.loopback, cases[i].loopback);
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(plain_http_leaves_this_machine_only_when_told),
		UNIT(header_that_would_end_its_line_is_refused),
		UNIT(stop_flag_begins_nothing_new),
		UNIT(server_that_never_answers_is_given_up),
		UNIT(url_is_taken_apart_or_refused),
		{NULL, NULL}};
	return unit_run("http", tests);
}
