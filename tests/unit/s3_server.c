/*
 * s3_server.c: what only a real server shows (tests/servers/rgw-up): Object
 * Lock, null versions, thousands of versions of one key, wrong credentials.
 *
 * With the argument "disturb" (tests/faults/s3_rgw.sh) it runs what disturbs
 * the server: it is killed and throttled meanwhile.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "certs/base/clock.h"
#include "providers/provider.h"
#include "tests/servers/s3_client.h"
#include "tests/unit/unit.h"

extern const struct provider provider_s3;

struct kept {
	struct item *items;
	size_t n, size;
};

static struct s3_client client;
static char bucket[64], endpoint[128];
static volatile sig_atomic_t stop;

static int keep(void *arg, const struct item *item, struct err *e)
{
	struct kept *k = arg;

	(void)e;
	if (k->n == k->size) {
		k->size = k->size != 0 ? 2 * k->size : 64;
		k->items = realloc(k->items, k->size * sizeof(*k->items));
		if (k->items == NULL)
			abort();
	}
	struct item *to = &k->items[k->n++];
	unsigned char *id = malloc(item->id_len);
	if (id == NULL)
		abort();
	*to = *item;
	memcpy(id, item->id, item->id_len);
	to->id = id;
	return 0;
}

static void kept_release(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		free((void *)(uintptr_t)k->items[i].id);
	free(k->items);
	memset(k, 0, sizeof(*k));
}

static int order(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	size_t n = x->id_len < y->id_len ? x->id_len : y->id_len;
	int c = memcmp(x->id, y->id, n);
	return c != 0 ? c : (x->id_len > y->id_len) - (x->id_len < y->id_len);
}

static long ask(const char *method, const char *key, const char *query,
		const char *body)
{
	return s3_client_ask(&client, method, key,
			     key != NULL ? strlen(key) : 0, query, body, NULL);
}

/* Makes a bucket and names it for the next source. */
static void fresh(bool locks)
{
	static unsigned turn;

	snprintf(bucket, sizeof(bucket), "server-%ld-%u", (long)getpid(),
		 turn++);
	snprintf(client.url, sizeof(client.url), "%s/%s", endpoint, bucket);
	if (locks)
		client.header = "x-amz-bucket-object-lock-enabled: true";
	CU_ASSERT_EQUAL_FATAL(ask("PUT", NULL, NULL, NULL), 200);
}

static void versioning(const char *status)
{
	char body[200];

	snprintf(body, sizeof(body),
		 "<VersioningConfiguration><Status>%s</Status>"
		 "</VersioningConfiguration>",
		 status);
	CU_ASSERT_EQUAL_FATAL(ask("PUT", NULL, "versioning=", body), 200);
}

static int open_source(struct source *s, bool bypass, struct err *e)
{
	static struct setting m[5], g;
	static struct scope scope;

	m[0] = (struct setting){.name = "bucket", .str = bucket};
	m[1] = (struct setting){.name = "prefix", .str = "c/{client}/"};
	m[2] = (struct setting){.name = "endpoint", .str = endpoint};
	m[3] = (struct setting){.name = "region", .str = "us-east-1"};
	m[4] = (struct setting){.name = "bypass_governance",
				.type = SETTING_BOOL,
				.flag = bypass};
	g = (struct setting){
		.type = SETTING_GROUP, .members = m, .n_members = 5};
	scope = (struct scope){.source = "media",
			       .client = "7",
			       .base = ".",
			       .settings = &g,
			       .stop = &stop};
	return source_open(s, &provider_s3, &scope, e);
}

static void opened(struct source *s, bool bypass)
{
	struct err e = ERR_INIT;
	int rc = open_source(s, bypass, &e);
	if (rc != 0)
		printf("# %s\n", e.msg);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static void list(struct source *s, struct kept *k)
{
	struct err e = ERR_INIT;

	kept_release(k);
	int rc = source_enumerate(s, keep, k, &e);
	if (rc != 0)
		printf("# %s\n", e.msg);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	if (k->n != 0)
		qsort(k->items, k->n, sizeof(*k->items), order);
}

static const struct item *with_key(const struct kept *k, const char *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp((const char *)k->items[i].id, key) == 0)
			return &k->items[i];
	CU_FAIL_FATAL("a key is not listed");
	return NULL;
}

static struct outcome destroy_one(struct source *s, const struct item *item)
{
	struct outcome out = {0};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(source_destroy(s, item, 1, &out, NULL, &e), 0);
	return out;
}

static enum answer check_one(struct source *s, const struct item *item)
{
	enum answer a = ANSWER_UNKNOWN;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(source_check_absent(s, item, 1, &a, &e), 0);
	return a;
}

/* ---- Object Lock -------------------------------------------------------- */

static void retain(const char *key, const char *mode, int64_t until)
{
	char body[300], text[CLOCK_TEXT];

	clock_text(text, until);
	snprintf(body, sizeof(body),
		 "<Retention><Mode>%s</Mode><RetainUntilDate>%s"
		 "</RetainUntilDate></Retention>",
		 mode, text);
	CU_ASSERT_EQUAL_FATAL(ask("PUT", key, NULL, "x"), 200);
	CU_ASSERT_EQUAL_FATAL(ask("PUT", key, "retention=", body), 200);
}

static void locked_version_is_locked_until_its_date_and_then_goes(void)
{
	struct source s;
	struct kept k = {0};
	int64_t until = clock_now() + 4;

	fresh(true);
	retain("c/7/compliance", "COMPLIANCE", until);
	opened(&s, false);
	list(&s, &k);
	const struct item *it = with_key(&k, "c/7/compliance");
	CU_ASSERT_EQUAL(it->locked_until, until);
	CU_ASSERT_FALSE(it->held);
	struct outcome o = destroy_one(&s, it);
	CU_ASSERT_EQUAL(o.code, OUTCOME_LOCKED);
	CU_ASSERT_EQUAL(o.until, until);
	CU_ASSERT_EQUAL(check_one(&s, it), ANSWER_PRESENT);
	while (clock_now() <= until)
		usleep(100000);
	o = destroy_one(&s, it);
	CU_ASSERT_EQUAL(o.code, OUTCOME_DONE);
	CU_ASSERT_EQUAL(check_one(&s, it), ANSWER_ABSENT);
	kept_release(&k);
	source_close(&s);
}

static void legal_hold_is_held_and_refused(void)
{
	struct source s;
	struct kept k = {0};

	fresh(true);
	CU_ASSERT_EQUAL(ask("PUT", "c/7/held", NULL, "x"), 200);
	CU_ASSERT_EQUAL(ask("PUT", "c/7/free", NULL, "x"), 200);
	CU_ASSERT_EQUAL(ask("PUT", "c/7/held", "legal-hold=",
			    "<LegalHold><Status>ON</Status></LegalHold>"),
			200);
	opened(&s, false);
	list(&s, &k);
	CU_ASSERT(with_key(&k, "c/7/held")->held);
	CU_ASSERT_FALSE(with_key(&k, "c/7/free")->held);
	struct outcome o = destroy_one(&s, with_key(&k, "c/7/held"));
	CU_ASSERT_EQUAL(o.code, OUTCOME_REFUSED);
	CU_ASSERT_STRING_EQUAL(o.why, "legal hold");
	CU_ASSERT_EQUAL(check_one(&s, with_key(&k, "c/7/held")),
			ANSWER_PRESENT);
	o = destroy_one(&s, with_key(&k, "c/7/free"));
	CU_ASSERT_EQUAL(o.code, OUTCOME_DONE);
	kept_release(&k);
	source_close(&s);
}

static void governance_is_bypassed_only_when_told(void)
{
	struct source s;
	struct kept k = {0};
	int64_t until = clock_now() + 86400;

	fresh(true);
	retain("c/7/governance", "GOVERNANCE", until);
	opened(&s, false);
	list(&s, &k);
	CU_ASSERT_EQUAL(with_key(&k, "c/7/governance")->locked_until, until);
	struct outcome o = destroy_one(&s, with_key(&k, "c/7/governance"));
	CU_ASSERT_EQUAL(o.code, OUTCOME_LOCKED);
	source_close(&s);
	opened(&s, true);
	list(&s, &k);
	CU_ASSERT_EQUAL(with_key(&k, "c/7/governance")->locked_until, 0);
	o = destroy_one(&s, with_key(&k, "c/7/governance"));
	CU_ASSERT_EQUAL(o.code, OUTCOME_DONE);
	CU_ASSERT_EQUAL(check_one(&s, with_key(&k, "c/7/governance")),
			ANSWER_ABSENT);
	kept_release(&k);
	source_close(&s);
}

/* ---- versions ----------------------------------------------------------- */

static void null_version_that_was_overwritten_has_drifted(void)
{
	struct source s;
	struct kept k = {0};

	fresh(false);
	versioning("Enabled");
	CU_ASSERT_EQUAL(ask("PUT", "c/7/a", NULL, "kept by versioning"), 200);
	versioning("Suspended");
	CU_ASSERT_EQUAL(ask("PUT", "c/7/a", NULL, "one"), 200);
	opened(&s, false);
	list(&s, &k);
	/* a suspended bucket keeps its old versions, and they are listed */
	CU_ASSERT_EQUAL_FATAL(k.n, 2);
	CU_ASSERT_EQUAL(ask("PUT", "c/7/a", NULL, "other"), 200);
	for (size_t i = 0; i < k.n; i++) {
		const struct item *it = &k.items[i];
		bool null = it->id_len > 4 &&
			    memcmp(it->id + it->id_len - 4, "null", 4) == 0;
		struct outcome o = destroy_one(&s, it);
		CU_ASSERT_EQUAL(o.code, null ? OUTCOME_DRIFTED : OUTCOME_DONE);
		CU_ASSERT_EQUAL(check_one(&s, it),
				null ? ANSWER_PRESENT : ANSWER_ABSENT);
	}
	/* as it is now, it may go */
	list(&s, &k);
	CU_ASSERT_EQUAL_FATAL(k.n, 1);
	CU_ASSERT_EQUAL(destroy_one(&s, k.items).code, OUTCOME_DONE);
	CU_ASSERT_EQUAL(check_one(&s, k.items), ANSWER_ABSENT);
	CU_ASSERT_EQUAL(destroy_one(&s, k.items).code, OUTCOME_GONE);
	kept_release(&k);
	source_close(&s);
}

/* Destroys all that is listed in one call and checks it; how many. */
static size_t empty(struct source *s)
{
	struct kept k = {0};
	struct err e = ERR_INIT;

	list(s, &k);
	struct outcome *out = calloc(k.n + 1, sizeof(*out));
	enum answer *a = calloc(k.n + 1, sizeof(*a));
	size_t done = 0, absent = 0, n = k.n;
	for (size_t i = 1; i < n; i++)
		CU_ASSERT(order(&k.items[i - 1], &k.items[i]) < 0);
	CU_ASSERT_EQUAL(source_check_absent(s, k.items, n, a, &e), 0);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(a[i], ANSWER_PRESENT);
	int rc = source_destroy(s, k.items, n, out, NULL, &e);
	if (rc != 0)
		printf("# %s\n", e.msg);
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_EQUAL(source_check_absent(s, k.items, n, a, &e), 0);
	for (size_t i = 0; i < n; i++) {
		done += out[i].code == OUTCOME_DONE;
		absent += a[i] == ANSWER_ABSENT;
	}
	CU_ASSERT_EQUAL(done, n);
	CU_ASSERT_EQUAL(absent, n);
	free(out);
	free(a);
	list(s, &k);
	CU_ASSERT_EQUAL(k.n, 0);
	kept_release(&k);
	return n;
}

static void thousands_of_versions_of_one_key_all_go(void)
{
	struct source s;

	fresh(false);
	versioning("Enabled");
	for (int i = 0; i < 2600; i++)
		CU_ASSERT_EQUAL_FATAL(ask("PUT", "c/7/one", NULL, "x"), 200);
	CU_ASSERT_EQUAL(ask("PUT", "c/7/one2", NULL, "x"), 200);
	CU_ASSERT_EQUAL(ask("DELETE", "c/7/one", NULL, NULL), 204);
	opened(&s, false);
	CU_ASSERT_EQUAL(empty(&s), 2602);
	source_close(&s);
}

/* Keys whose every page ends in characters that XML cannot carry. */
static void pages_that_end_in_control_characters_are_listed_whole(void)
{
	struct source s;
	char key[64];

	fresh(false);
	for (int i = 0; i < 1100; i++) {
		snprintf(key, sizeof(key), "c/7/\x01%04d\x02+%%", i);
		CU_ASSERT_EQUAL_FATAL(ask("PUT", key, NULL, "x"), 200);
	}
	opened(&s, false);
	CU_ASSERT_EQUAL(empty(&s), 1100);
	source_close(&s);
}

/* ---- credentials -------------------------------------------------------- */

static void wrong_credentials_are_an_auth_error(void)
{
	struct source s;
	struct err e = ERR_INIT;
	char secret[200];

	fresh(false);
	opened(&s, false);
	source_close(&s);
	snprintf(secret, sizeof(secret), "%s", getenv("AWS_SECRET_ACCESS_KEY"));
	setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
	CU_ASSERT_EQUAL(open_source(&s, false, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_AUTH);
	CU_ASSERT_PTR_NULL(strstr(e.msg, secret));
	setenv("AWS_SECRET_ACCESS_KEY", secret, 1);
}

static void bucket_that_is_not_there_is_an_error_not_an_empty_source(void)
{
	struct source s;
	struct err e = ERR_INIT;

	fresh(false);
	snprintf(bucket, sizeof(bucket), "no-such-bucket-%ld", (long)getpid());
	CU_ASSERT_EQUAL(open_source(&s, false, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "NoSuchBucket"));
}

/* ---- a disturbed server ------------------------------------------------- */

/* tests/faults/s3_rgw.sh kills and restarts the gateway all the time, and it
 * admits four requests at once (503 SlowDown beyond). */
static void listing_and_deleting_survive_kills_and_throttling(void)
{
	struct source s;
	char key[64];

	fresh(false);
	versioning("Enabled");
	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "c/7/%05d", i);
		while (ask("PUT", key, NULL, "x") != 200)
			usleep(20000);
	}
	FILE *go = fopen(getenv("S3_KILL_FLAG"), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(go);
	fclose(go);
	opened(&s, false);
	for (int i = 0; i < 20; i++) {
		struct kept k = {0};
		list(&s, &k);
		CU_ASSERT(k.n >= 3000); /* an unanswered PUT may count too */
		kept_release(&k);
	}
	/* a batch that was cut off is repeated: done, or gone by then */
	struct kept k = {0};
	struct err e = ERR_INIT;
	list(&s, &k);
	struct outcome *out = calloc(k.n + 1, sizeof(*out));
	enum answer *a = calloc(k.n + 1, sizeof(*a));
	CU_ASSERT_EQUAL(source_destroy(&s, k.items, k.n, out, NULL, &e), 0);
	CU_ASSERT_EQUAL(source_check_absent(&s, k.items, k.n, a, &e), 0);
	for (size_t i = 0; i < k.n; i++) {
		CU_ASSERT(out[i].code == OUTCOME_DONE ||
			  out[i].code == OUTCOME_GONE);
		CU_ASSERT_EQUAL(a[i], ANSWER_ABSENT);
	}
	free(out);
	free(a);
	list(&s, &k);
	CU_ASSERT_EQUAL(k.n, 0);
	kept_release(&k);
	source_close(&s);
}

static const char *const needed[] = {"S3_ENDPOINT", "AWS_ACCESS_KEY_ID",
				     "AWS_SECRET_ACCESS_KEY", NULL};

int main(int argc, char **argv)
{
	static const struct unit_test tests[] = {
		UNIT(locked_version_is_locked_until_its_date_and_then_goes),
		UNIT(legal_hold_is_held_and_refused),
		UNIT(governance_is_bypassed_only_when_told),
		UNIT(null_version_that_was_overwritten_has_drifted),
		UNIT(thousands_of_versions_of_one_key_all_go),
		UNIT(pages_that_end_in_control_characters_are_listed_whole),
		UNIT(wrong_credentials_are_an_auth_error),
		UNIT(bucket_that_is_not_there_is_an_error_not_an_empty_source),
		{NULL, NULL}};
	static const struct unit_test disturb[] = {
		UNIT(listing_and_deleting_survive_kills_and_throttling),
		{NULL, NULL}};
	const char *all = getenv("QUIETUS_REQUIRE_ALL");

	for (size_t i = 0; needed[i] != NULL; i++) {
		if (getenv(needed[i]) != NULL)
			continue;
		if (all != NULL && strcmp(all, "1") == 0) {
			printf("not ok s3_server: %s is not set, and nothing "
			       "may be skipped\n",
			       needed[i]);
			return 1;
		}
		printf("skip s3_server: %s is not set, see "
		       "tests/servers/rgw-up\n",
		       needed[i]);
		return 0;
	}
	snprintf(endpoint, sizeof(endpoint), "%s", getenv("S3_ENDPOINT"));
	snprintf(client.login, sizeof(client.login), "%s:%s",
		 getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"));
	client.curl = curl_easy_init();
	int rc = argc > 1 && strcmp(argv[1], "disturb") == 0
			 ? unit_run("s3_disturbed", disturb)
			 : unit_run("s3_server", tests);
	curl_easy_cleanup(client.curl);
	return rc;
}
