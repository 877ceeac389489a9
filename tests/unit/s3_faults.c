/*
 * s3_faults.c: a store that lies, stutters and breaks off.
 *
 * A child process answers on a loopback port; the bucket's name chooses what
 * goes wrong.  Each fault has to end in an error or in "unknown", never in a
 * listing that is taken for complete or an answer that is taken for absence.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "providers/provider.h"
#include "tests/unit/unit.h"

extern const struct provider provider_s3;

/* What both processes see. */
struct shared {
	unsigned requests, lists, posts, deletes;
	bool signed_elsewhere;
};

static struct shared *shared;
static int listener = -1, elsewhere = -1;
static unsigned port, other_port;
static pid_t child;

/* ---- the server --------------------------------------------------------- */

#define LIST_HEAD                                                              \
	"<?xml version=\"1.0\"?><ListVersionsResult>"                          \
	"<EncodingType>url</EncodingType>"
#define LIST_TAIL "</ListVersionsResult>"
#define WHOLE "<IsTruncated>false</IsTruncated>"
#define MORE "<IsTruncated>true</IsTruncated>"
#define ENTRY(key, version)                                                    \
	"<Version><Key>" key "</Key><VersionId>" version                       \
	"</VersionId><IsLatest>true</IsLatest>"                                \
	"<LastModified>2026-01-02T03:04:05.000Z</LastModified>"                \
	"<ETag>\"e\"</ETag><Size>3</Size></Version>"
#define OK_EMPTY LIST_HEAD WHOLE LIST_TAIL
#define OK_TWO LIST_HEAD WHOLE ENTRY("p/a", "v1") ENTRY("p/b", "v2") LIST_TAIL
#define NO_UPLOADS                                                             \
	"<ListMultipartUploadsResult>" WHOLE "</ListMultipartUploadsResult>"
#define ERROR(code) "<Error><Code>" code "</Code></Error>"

struct reply {
	int status;
	const char *headers;
	const char *body;
	long cut; /* close after so many bytes of the body; 0: whole */
};

/* The listing of each bucket; n counts the listings of this test. */
static struct reply listing(const char *bucket, unsigned n)
{
	struct reply r = {200, "", OK_TWO, 0};

	if (strcmp(bucket, "truncated") == 0)
		r.cut = 150;
	else if (strcmp(bucket, "half-xml") == 0)
		r.body = LIST_HEAD WHOLE ENTRY("p/a", "v1");
	else if (strcmp(bucket, "half-once") == 0 && n == 1)
		r.body = LIST_HEAD WHOLE ENTRY("p/a", "v1");
	else if (strcmp(bucket, "error-in-200") == 0)
		r.body = ERROR("AccessDenied");
	else if (strcmp(bucket, "busy-in-200") == 0 && n == 1)
		r.body = ERROR("InternalError");
	else if (strcmp(bucket, "repeats") == 0)
		r.body = LIST_HEAD MORE ENTRY("p/a", "v1") ENTRY("p/b", "v2")
			LIST_TAIL;
	else if (strcmp(bucket, "circles") == 0)
		r.body = n % 2 ? LIST_HEAD MORE ENTRY("p/a", "v1")
					 ENTRY("p/a", "v2") LIST_TAIL
			       : LIST_HEAD MORE ENTRY("p/a", "v3")
					 ENTRY("p/a", "v4") LIST_TAIL;
	else if (strcmp(bucket, "backwards") == 0)
		r.body = LIST_HEAD WHOLE ENTRY("p/b", "v1") ENTRY("p/a", "v2")
			LIST_TAIL;
	else if (strcmp(bucket, "outside") == 0)
		r.body = LIST_HEAD WHOLE ENTRY("p/a", "v1") ENTRY("q/a", "v2")
			LIST_TAIL;
	else if (strcmp(bucket, "endless") == 0)
		r.body = LIST_HEAD MORE LIST_TAIL;
	else if (strcmp(bucket, "no-end-said") == 0)
		r.body = LIST_HEAD ENTRY("p/a", "v1") LIST_TAIL;
	else if (strcmp(bucket, "no-size") == 0)
		r.body = LIST_HEAD WHOLE
			"<Version><Key>p/a</Key><VersionId>v</VersionId>"
			"<IsLatest>true</IsLatest></Version>" LIST_TAIL;
	else if (strcmp(bucket, "two-keys") == 0)
		r.body = LIST_HEAD WHOLE "<Version><Key>p/a</Key><Key>p/b</"
					 "Key></Version>" LIST_TAIL;
	else if (strcmp(bucket, "bad-escape") == 0)
		r.body = LIST_HEAD WHOLE ENTRY("p/%zz", "v1") LIST_TAIL;
	else if (strcmp(bucket, "zero-byte") == 0)
		r.body = LIST_HEAD WHOLE ENTRY("p/%00", "v1") LIST_TAIL;
	else if (strcmp(bucket, "doctype") == 0)
		r.body = "<!DOCTYPE x [<!ENTITY a \"p/a\">]>" OK_TWO;
	else if (strcmp(bucket, "slow-down") == 0 && n <= 2)
		r = (struct reply){503, "", ERROR("SlowDown"), 0};
	else if (strcmp(bucket, "expires") == 0)
		r = (struct reply){400, "", ERROR("ExpiredToken"), 0};
	else if (strcmp(bucket, "denied") == 0)
		r = (struct reply){403, "", ERROR("AccessDenied"), 0};
	else if (strcmp(bucket, "html") == 0)
		r.body = "<html><body>Please log in</body></html>";
	else if (strncmp(bucket, "gone-", 5) == 0 && n > 1)
		r.body = OK_EMPTY;
	return r;
}

/* The answer to a batch delete. */
static struct reply batch(const char *bucket)
{
	struct reply r = {200, "", "<DeleteResult/>", 0};

	if (strcmp(bucket, "batch-empty-400") == 0)
		r = (struct reply){400, "", "", 0};
	else if (strcmp(bucket, "batch-garbage") == 0)
		r.body = "<DeleteResult><Err";
	else if (strcmp(bucket, "batch-mixed") == 0)
		r.body = "<DeleteResult><Error><Key>p/b</Key>"
			 "<VersionId>v2</VersionId><Code>AccessDenied</Code>"
			 "</Error></DeleteResult>";
	else if (strcmp(bucket, "batch-gone") == 0)
		r.body = "<DeleteResult><Error><Key>p/b</Key>"
			 "<VersionId>v2</VersionId><Code>NoSuchVersion</Code>"
			 "</Error></DeleteResult>";
	else if (strcmp(bucket, "batch-stranger") == 0)
		r.body = "<DeleteResult><Error><Key>p/zzz</Key>"
			 "<VersionId>v9</VersionId><Code>AccessDenied</Code>"
			 "</Error></DeleteResult>";
	else if (strcmp(bucket, "batch-busy") == 0)
		r.body = "<DeleteResult><Error><Key>p/a</Key>"
			 "<VersionId>v1</VersionId><Code>InternalError</Code>"
			 "</Error></DeleteResult>";
	return r;
}

static struct reply answer(const char *method, const char *bucket,
			   const char *query)
{
	static char location[200];

	if (strstr(query, "object-lock=") != NULL)
		return (struct reply){
			404, "", ERROR("ObjectLockConfigurationNotFoundError"),
			0};
	if (strcmp(method, "POST") == 0) {
		shared->posts++;
		return batch(bucket);
	}
	if (strcmp(method, "DELETE") == 0) {
		shared->deletes++;
		/* one by one, the second is refused */
		if (strstr(query, "v2") != NULL)
			return (struct reply){403, "", ERROR("AccessDenied"),
					      0};
		return (struct reply){204, "", "", 0};
	}
	if (strcmp(method, "HEAD") == 0)
		return (struct reply){strcmp(bucket, "gone-readable") == 0 ? 200
				      : strcmp(bucket, "gone-failing") == 0
					      ? 500
					      : 404,
				      "", "", 0};
	if (strstr(query, "uploads=") != NULL)
		return (struct reply){200, "", NO_UPLOADS, 0};
	if (strcmp(bucket, "redirects") == 0) {
		snprintf(location, sizeof(location),
			 "Location: http://127.0.0.1:%u/\r\n", other_port);
		return (struct reply){307, location,
				      "<Error><Code>TemporaryRedirect</Code>"
				      "<Endpoint>evil.example</Endpoint>"
				      "</Error>",
				      0};
	}
	if (strcmp(bucket, "elsewhere") == 0 && shared->requests == 1)
		return (struct reply){400, "",
				      "<Error><Code>AuthorizationHeaderMalforme"
				      "d</Code><Region>eu-west-3</Region>"
				      "</Error>",
				      0};
	if (strcmp(bucket, "foreign") == 0)
		return (struct reply){200, "", "<html/>", 0};
	if (strcmp(bucket, "noise") == 0)
		return (struct reply){200, "", "\x01\x02\xff not xml", 0};
	if (strstr(query, "max-keys=1&") != NULL)
		return (struct reply){200, "", OK_EMPTY, 0};
	return listing(bucket, ++shared->lists);
}

static void serve(int fd)
{
	static char in[65536];
	char out[8192], method[8] = "", path[4096] = "", bucket[64] = "";
	size_t len = 0;
	char *end;

	do {
		ssize_t n = read(fd, in + len, sizeof(in) - 1 - len);
		if (n <= 0)
			return;
		len += (size_t)n;
		in[len] = '\0';
		end = strstr(in, "\r\n\r\n");
	} while (end == NULL);
	char *length = strstr(in, "Content-Length: ");
	size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
	while (len < (size_t)(end + 4 - in) + body) {
		ssize_t n = read(fd, in + len, sizeof(in) - 1 - len);
		if (n <= 0)
			return;
		len += (size_t)n;
	}
	sscanf(in, "%7s %4095s", method, path);
	char *query = strchr(path, '?');
	sscanf(path, "/%63[^/?]", bucket);
	shared->requests++;
	if (strcmp(bucket, "elsewhere") == 0)
		shared->signed_elsewhere = strstr(in, "/eu-west-3/s3/") != NULL;
	struct reply r = answer(method, bucket, query != NULL ? query : "");
	size_t n = strlen(r.body);
	int head = snprintf(out, sizeof(out),
			    "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n"
			    "Connection: close\r\n%s\r\n",
			    r.status, r.status == 204 ? 0 : n, r.headers);
	if (write(fd, out, (size_t)head) != head)
		return;
	if (strcmp(method, "HEAD") == 0)
		return;
	if (r.cut != 0 && (size_t)r.cut < n)
		n = (size_t)r.cut;
	if (n != 0 && write(fd, r.body, n) < 0)
		return;
}

static int bind_one(unsigned *out)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		return -1;
	*out = ntohs(a.sin_port);
	return fd;
}

static int start_server(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	listener = bind_one(&port);
	elsewhere = bind_one(&other_port);
	if (shared == MAP_FAILED || listener < 0 || elsewhere < 0)
		return -1;
	child = fork();
	if (child == 0) {
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int fd = accept(listener, NULL, NULL);
			if (fd < 0)
				_exit(0);
			serve(fd);
			shutdown(fd, SHUT_WR);
			close(fd);
		}
	}
	return child > 0 ? 0 : -1;
}

/* ---- the client --------------------------------------------------------- */

struct found {
	size_t n;
	char keys[16][64];
};

static int count(void *arg, const struct item *item, struct err *e)
{
	struct found *f = arg;

	(void)e;
	if (f->n < 16)
		snprintf(f->keys[f->n], sizeof(f->keys[0]), "%s",
			 (const char *)item->id);
	f->n++;
	return 0;
}

static struct setting members[3];
static struct setting settings;
static char endpoint[64];

static int open_bucket(struct source *s, const char *bucket, struct err *e)
{
	static volatile sig_atomic_t stop;

	memset(shared, 0, sizeof(*shared));
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", port);
	members[0] = (struct setting){.name = "bucket", .str = bucket};
	members[1] = (struct setting){.name = "prefix", .str = "p/"};
	members[2] = (struct setting){.name = "endpoint", .str = endpoint};
	settings = (struct setting){
		.type = SETTING_GROUP, .members = members, .n_members = 3};
	struct scope scope = {.source = "t",
			      .client = "7",
			      .base = ".",
			      .settings = &settings,
			      .stop = &stop};
	return source_open(s, &provider_s3, &scope, e);
}

/* Lists the bucket: the error's code, ERR_NONE when it worked. */
static enum err_code lists(const char *bucket, struct found *f)
{
	struct source s;
	struct err e = ERR_INIT;

	memset(f, 0, sizeof(*f));
	if (open_bucket(&s, bucket, &e) == 0) {
		source_enumerate(&s, count, f, &e);
		source_close(&s);
	}
	if (e.code != ERR_NONE)
		printf("# %s: %s\n", bucket, e.msg);
	return e.code;
}

static void good_listing_is_complete(void)
{
	struct found f;

	CU_ASSERT_EQUAL(lists("good", &f), ERR_NONE);
	CU_ASSERT_EQUAL(f.n, 2);
	CU_ASSERT_STRING_EQUAL(f.keys[0], "p/a");
	CU_ASSERT_STRING_EQUAL(f.keys[1], "p/b");
}

static void broken_listings_are_never_complete(void)
{
	static const struct {
		const char *bucket;
		enum err_code code;
	} cases[] = {
		{"half-xml", ERR_STORE},   {"error-in-200", ERR_STORE},
		{"repeats", ERR_STORE},	   {"circles", ERR_STORE},
		{"backwards", ERR_STORE},  {"outside", ERR_STORE},
		{"endless", ERR_STORE},	   {"no-end-said", ERR_STORE},
		{"no-size", ERR_STORE},	   {"two-keys", ERR_STORE},
		{"bad-escape", ERR_STORE}, {"zero-byte", ERR_STORE},
		{"doctype", ERR_STORE},	   {"html", ERR_STORE},
		{"denied", ERR_DENIED},	   {"expires", ERR_AUTH},
		{"foreign", ERR_STORE},	   {"noise", ERR_STORE},
	};
	struct found f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum err_code code = lists(cases[i].bucket, &f);
		if (code != cases[i].code)
			printf("# %s: code %d\n", cases[i].bucket, (int)code);
		CU_ASSERT_EQUAL(code, cases[i].code);
	}
}

static void passing_trouble_is_tried_again(void)
{
	struct found f;

	CU_ASSERT_EQUAL(lists("half-once", &f), ERR_NONE);
	CU_ASSERT_EQUAL(f.n, 2);
	CU_ASSERT_EQUAL(shared->lists, 2);
	CU_ASSERT_EQUAL(lists("busy-in-200", &f), ERR_NONE);
	CU_ASSERT_EQUAL(f.n, 2);
	CU_ASSERT_EQUAL(lists("slow-down", &f), ERR_NONE);
	CU_ASSERT_EQUAL(f.n, 2);
	CU_ASSERT_EQUAL(shared->lists, 3);
}

static void redirect_elsewhere_gets_no_credentials(void)
{
	struct found f;

	CU_ASSERT_EQUAL(lists("redirects", &f), ERR_STORE);
	CU_ASSERT(shared->requests >= 1);
	/* nobody knocked at the other port */
	fcntl(elsewhere, F_SETFL, O_NONBLOCK);
	CU_ASSERT_EQUAL(accept(elsewhere, NULL, NULL), -1);
}

static void another_region_is_signed_for_at_the_same_host(void)
{
	struct found f;

	CU_ASSERT_EQUAL(lists("elsewhere", &f), ERR_NONE);
	CU_ASSERT_EQUAL(f.n, 2);
	CU_ASSERT(shared->signed_elsewhere);
}

/* ---- deleting ----------------------------------------------------------- */

static struct item two[2];

static void make_items(void)
{
	static const unsigned char a[] = "p/a\0v\0v1", b[] = "p/b\0v\0v2";

	memset(two, 0, sizeof(two));
	two[0].id = a;
	two[0].id_len = sizeof(a) - 1;
	two[1].id = b;
	two[1].id_len = sizeof(b) - 1;
}

static int destroy(const char *bucket, struct outcome out[2])
{
	struct source s;
	struct err e = ERR_INIT;

	make_items();
	memset(out, 0, 2 * sizeof(*out));
	if (open_bucket(&s, bucket, &e) != 0) {
		printf("# %s\n", e.msg);
		return -1;
	}
	int rc = source_destroy(&s, two, 2, out, NULL, &e);
	source_close(&s);
	return rc;
}

static void batch_outcomes_are_per_key(void)
{
	struct outcome out[2];

	CU_ASSERT_EQUAL(destroy("batch-fine", out), 0);
	CU_ASSERT_EQUAL(out[0].code, OUTCOME_DONE);
	CU_ASSERT_EQUAL(out[1].code, OUTCOME_DONE);
	CU_ASSERT_EQUAL(shared->posts, 1);
	CU_ASSERT_EQUAL(shared->deletes, 0);
	CU_ASSERT_EQUAL(destroy("batch-mixed", out), 0);
	CU_ASSERT_EQUAL(out[0].code, OUTCOME_DONE);
	CU_ASSERT_EQUAL(out[1].code, OUTCOME_REFUSED);
	CU_ASSERT_STRING_EQUAL(out[1].why, "AccessDenied");
	CU_ASSERT_EQUAL(destroy("batch-gone", out), 0);
	CU_ASSERT_EQUAL(out[1].code, OUTCOME_GONE);
}

static void batch_that_says_nothing_is_repeated_one_by_one(void)
{
	static const char *const buckets[] = {
		"batch-empty-400", "batch-garbage", "batch-stranger", NULL};
	struct outcome out[2];

	for (size_t i = 0; buckets[i] != NULL; i++) {
		CU_ASSERT_EQUAL(destroy(buckets[i], out), 0);
		CU_ASSERT(shared->posts >= 1);
		CU_ASSERT_EQUAL(shared->deletes, 2);
		CU_ASSERT_EQUAL(out[0].code, OUTCOME_DONE);
		CU_ASSERT_EQUAL(out[1].code, OUTCOME_REFUSED);
	}
	/* only what failed in passing is repeated */
	CU_ASSERT_EQUAL(destroy("batch-busy", out), 0);
	CU_ASSERT_EQUAL(shared->deletes, 1);
	CU_ASSERT_EQUAL(out[0].code, OUTCOME_DONE);
	CU_ASSERT_EQUAL(out[1].code, OUTCOME_DONE);
}

static void what_is_out_of_scope_is_not_touched_whoever_asks(void)
{
	static const unsigned char stray[] = "pp/x\0v\0v1";
	struct source s;
	struct err e = ERR_INIT;
	struct outcome out[2];

	make_items();
	memset(out, 0, sizeof(out));
	two[0].id = stray;
	two[0].id_len = sizeof(stray) - 1;
	two[1].retention = 1;
	CU_ASSERT_EQUAL_FATAL(open_bucket(&s, "batch-fine", &e), 0);
	CU_ASSERT_EQUAL(source_destroy(&s, two, 2, out, NULL, &e), 0);
	source_close(&s);
	CU_ASSERT_EQUAL(out[0].code, OUTCOME_REFUSED);
	CU_ASSERT_EQUAL(out[1].code, OUTCOME_REFUSED);
	CU_ASSERT_EQUAL(shared->posts + shared->deletes, 0);
}

/* ---- absence --------------------------------------------------------------
 */

static int check(const char *bucket, bool list_first, enum answer out[2])
{
	struct source s;
	struct err e = ERR_INIT;
	struct found f = {0};

	make_items();
	memset(out, 0, 2 * sizeof(*out));
	if (open_bucket(&s, bucket, &e) != 0)
		return -1;
	if (list_first && source_enumerate(&s, count, &f, &e) == 0)
		CU_ASSERT_EQUAL(f.n, 2);
	int rc = source_check_absent(&s, two, 2, out, &e);
	source_close(&s);
	return rc;
}

static void listed_is_present_and_not_listed_is_absent(void)
{
	enum answer a[2];

	CU_ASSERT_EQUAL(check("good", false, a), 0);
	CU_ASSERT_EQUAL(a[0], ANSWER_PRESENT);
	CU_ASSERT_EQUAL(a[1], ANSWER_PRESENT);
	CU_ASSERT_EQUAL(check("gone-really", true, a), 0);
	CU_ASSERT_EQUAL(a[0], ANSWER_ABSENT);
	CU_ASSERT_EQUAL(a[1], ANSWER_ABSENT);
}

static void readable_without_being_listed_is_present(void)
{
	enum answer a[2];

	CU_ASSERT_EQUAL(check("gone-readable", true, a), 0);
	CU_ASSERT_EQUAL(a[0], ANSWER_PRESENT);
	CU_ASSERT_EQUAL(a[1], ANSWER_PRESENT);
}

static void refusal_or_a_lie_is_unknown(void)
{
	static const char *const buckets[] = {"denied", "backwards",
					      "no-end-said", "outside", NULL};
	enum answer a[2];

	for (size_t i = 0; buckets[i] != NULL; i++) {
		check(buckets[i], false, a);
		CU_ASSERT_EQUAL(a[0], ANSWER_UNKNOWN);
		CU_ASSERT_EQUAL(a[1], ANSWER_UNKNOWN);
	}
	CU_ASSERT_EQUAL(check("expires", false, a), -1);
	CU_ASSERT_EQUAL(a[0], ANSWER_UNKNOWN);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(good_listing_is_complete),
		UNIT(broken_listings_are_never_complete),
		UNIT(passing_trouble_is_tried_again),
		UNIT(redirect_elsewhere_gets_no_credentials),
		UNIT(another_region_is_signed_for_at_the_same_host),
		UNIT(batch_outcomes_are_per_key),
		UNIT(batch_that_says_nothing_is_repeated_one_by_one),
		UNIT(what_is_out_of_scope_is_not_touched_whoever_asks),
		UNIT(listed_is_present_and_not_listed_is_absent),
		UNIT(readable_without_being_listed_is_present),
		UNIT(refusal_or_a_lie_is_unknown),
		{NULL, NULL}};

	setenv("AWS_ACCESS_KEY_ID", "TESTKEY", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "testsecret", 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("HOME", "/nonexistent", 1);
	unsetenv("AWS_SESSION_TOKEN");
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_REGION");
	unsetenv("AWS_DEFAULT_REGION");
	if (start_server() != 0) {
		printf("not ok s3_faults: the server did not start\n");
		return 2;
	}
	int rc = unit_run("s3_faults", tests);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return rc;
}
