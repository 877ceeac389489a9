/* sigv4.c: AWS's published vectors: the signature test suite (service
 * "service") and the examples of the S3 API reference. */
#include "providers/http/sigv4.h"
#include "tests/unit/unit.h"

#define SUITE_TIME "20150830T123600Z"
#define S3_TIME "20130524T000000Z"

static struct sigv4_pair pair(const char *name, const char *value)
{
	return (struct sigv4_pair){name, value, strlen(value)};
}

static struct sigv4 *suite(void)
{
	return sigv4_new("AKIDEXAMPLE",
			 "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
			 "us-east-1", "service");
}

static struct sigv4 *s3(void)
{
	return sigv4_new("AKIAIOSFODNN7EXAMPLE",
			 "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
			 "us-east-1", "s3");
}

/* True when the request's signature is the published one. */
static bool signs(struct sigv4 *s, const struct sigv4_request *rq,
		  const char *signature)
{
	struct buf auth;
	struct err e = ERR_INIT;
	char want[100];

	buf_init(&auth, 4096);
	snprintf(want, sizeof(want), ",Signature=%s", signature);
	bool same = sigv4_authorize(&auth, s, rq, &e) == 0 &&
		    strstr(buf_str(&auth), want) != NULL;
	if (!same)
		printf("# %s\n", buf_str(&auth));
	buf_release(&auth);
	return same;
}

static void get_vanilla_has_the_published_signature(void)
{
	struct sigv4 *s = suite();
	struct sigv4_pair h[] = {pair("host", "example.amazonaws.com"),
				 pair("x-amz-date", SUITE_TIME)};
	struct sigv4_request rq = {"GET", "/",	       "",	  h,
				   2,	  SIGV4_EMPTY, SUITE_TIME};

	CU_ASSERT(signs(s, &rq,
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aa"
			"e1d763fbf31"));
	/* one byte elsewhere is another signature */
	rq.path = "/x";
	CU_ASSERT(!signs(s, &rq,
			 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8"
			 "aae1d763fbf31"));
	sigv4_free(s);
}

static void query_is_sorted_as_published(void)
{
	struct sigv4 *s = suite();
	struct sigv4_pair h[] = {pair("host", "example.amazonaws.com"),
				 pair("x-amz-date", SUITE_TIME)};
	struct sigv4_pair q[] = {pair("Param2", "value2"),
				 pair("Param1", "value1")};
	struct buf query;

	buf_init(&query, 1000);
	CU_ASSERT_EQUAL(sigv4_query(&query, q, 2), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&query), "Param1=value1&Param2=value2");
	struct sigv4_request rq = {"GET", "/",	       buf_str(&query), h,
				   2,	  SIGV4_EMPTY, SUITE_TIME};
	CU_ASSERT(signs(s, &rq,
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219"
			"ec94cdf2500"));
	buf_release(&query);
	sigv4_free(s);
}

static void s3_get_with_range_has_the_published_signature(void)
{
	struct sigv4 *s = s3();
	struct sigv4_pair h[] = {pair("host", "examplebucket.s3.amazonaws.com"),
				 pair("range", "bytes=0-9"),
				 pair("x-amz-content-sha256", SIGV4_EMPTY),
				 pair("x-amz-date", S3_TIME)};
	struct sigv4_request rq = {"GET", "/test.txt", "",     h,
				   4,	  SIGV4_EMPTY, S3_TIME};

	CU_ASSERT(signs(s, &rq,
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd9103"
			"9c6036bdb41"));
	sigv4_free(s);
}

static void s3_put_encodes_the_path_once(void)
{
	static const char body[] = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4"
				   "e99e42034a8b803f8b072";
	struct sigv4 *s = s3();
	struct buf path;
	struct sigv4_pair h[] = {
		pair("date", "Fri, 24 May 2013 00:00:00 GMT"),
		pair("host", "examplebucket.s3.amazonaws.com"),
		pair("x-amz-content-sha256", body), pair("x-amz-date", S3_TIME),
		pair("x-amz-storage-class", "REDUCED_REDUNDANCY")};

	buf_init(&path, 100);
	sigv4_encode(&path, "/test$file.text", 15, true);
	CU_ASSERT_STRING_EQUAL(buf_str(&path), "/test%24file.text");
	struct sigv4_request rq = {"PUT", buf_str(&path), "",	  h,
				   5,	  body,		  S3_TIME};
	CU_ASSERT(signs(s, &rq,
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971"
			"af0ece108bd"));
	buf_release(&path);
	sigv4_free(s);
}

static void s3_subresource_and_list_have_the_published_signatures(void)
{
	struct sigv4 *s = s3();
	struct sigv4_pair h[] = {pair("host", "examplebucket.s3.amazonaws.com"),
				 pair("x-amz-content-sha256", SIGV4_EMPTY),
				 pair("x-amz-date", S3_TIME)};
	struct sigv4_pair bare[] = {pair("lifecycle", "")};
	struct sigv4_pair list[] = {pair("prefix", "J"), pair("max-keys", "2")};
	struct buf q;

	buf_init(&q, 1000);
	sigv4_query(&q, bare, 1);
	CU_ASSERT_STRING_EQUAL(buf_str(&q), "lifecycle=");
	struct sigv4_request rq = {"GET", "/",	       buf_str(&q), h,
				   3,	  SIGV4_EMPTY, S3_TIME};
	CU_ASSERT(signs(s, &rq,
			"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200"
			"a0136783543"));
	buf_reset(&q);
	sigv4_query(&q, list, 2);
	rq.query = buf_str(&q);
	CU_ASSERT(signs(s, &rq,
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed57"
			"11ef69dc6f7"));
	buf_release(&q);
	sigv4_free(s);
}

static void every_byte_but_the_unreserved_is_encoded(void)
{
	struct buf out;

	buf_init(&out, 4096);
	for (int c = 0; c < 256; c++) {
		unsigned char b = (unsigned char)c;
		char want[4];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') ||
			     (c != 0 && strchr("-._~", c) != NULL);
		buf_reset(&out);
		sigv4_encode(&out, &b, 1, false);
		snprintf(want, sizeof(want), plain ? "%c" : "%%%02X", c);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), want);
	}
	buf_reset(&out);
	sigv4_encode(&out, "a/../b", 6, true);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "a/../b"); /* not normalised */
	buf_release(&out);
}

static void key_of_another_day_is_derived_anew(void)
{
	struct sigv4 *s = suite(), *fresh = suite();
	struct sigv4_pair h[] = {pair("host", "h")};
	struct sigv4_request one = {
		"GET", "/", "", h, 1, SIGV4_EMPTY, "20150830T235959Z"};
	struct sigv4_request two = one;
	struct buf a, b, c;
	struct err e = ERR_INIT;

	two.time = "20150831T000001Z";
	buf_init(&a, 4096);
	buf_init(&b, 4096);
	buf_init(&c, 4096);
	CU_ASSERT_EQUAL(sigv4_authorize(&a, s, &one, &e), 0);
	CU_ASSERT_EQUAL(sigv4_authorize(&b, s, &two, &e), 0);
	CU_ASSERT_EQUAL(sigv4_authorize(&c, fresh, &two, &e), 0);
	CU_ASSERT_STRING_NOT_EQUAL(buf_str(&a), buf_str(&b));
	CU_ASSERT_STRING_EQUAL(buf_str(&b), buf_str(&c));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&a), "wJalr"));
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
	sigv4_free(s);
	sigv4_free(fresh);
	sigv4_free(NULL);
}

static void time_has_the_form_that_is_signed(void)
{
	char t[SIGV4_TIME];

	sigv4_time(t, 1369353600);
	CU_ASSERT_STRING_EQUAL(t, S3_TIME);
	sigv4_time(t, 0);
	CU_ASSERT_STRING_EQUAL(t, "19700101T000000Z");
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(get_vanilla_has_the_published_signature),
		UNIT(query_is_sorted_as_published),
		UNIT(s3_get_with_range_has_the_published_signature),
		UNIT(s3_put_encodes_the_path_once),
		UNIT(s3_subresource_and_list_have_the_published_signatures),
		UNIT(every_byte_but_the_unreserved_is_encoded),
		UNIT(key_of_another_day_is_derived_anew),
		UNIT(time_has_the_form_that_is_signed),
		{NULL, NULL}};
	return unit_run("sigv4", tests);
}
