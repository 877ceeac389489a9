#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const addressing_words[] = {"auto", "path", "virtual", NULL};
static const char *const replica_words[] = {"report", "follow", NULL};

static const struct setting_spec excluded_spec[] = {
	{"prefix", SETTING_STRING, true, NULL, NULL},
	{"reason", SETTING_STRING, true, NULL, NULL},
	{NULL, 0, false, NULL, NULL},
};

static const struct setting_spec witness_spec[] = {
	{"certificate", SETTING_STRING, true, NULL, NULL},
	{"key", SETTING_STRING, true, NULL, NULL},
	{"profile", SETTING_STRING, false, NULL, NULL},
	{NULL, 0, false, NULL, NULL},
};

const struct setting_spec s3_settings[] = {
	{"bucket", SETTING_STRING, true, NULL, NULL},
	{"prefix", SETTING_STRING, false, NULL, NULL},
	{"prefix_open", SETTING_BOOL, false, NULL, NULL},
	{"whole", SETTING_BOOL, false, NULL, NULL},
	{"endpoint", SETTING_STRING, false, NULL, NULL},
	{"host", SETTING_STRING, false, NULL, NULL},
	{"region", SETTING_STRING, false, NULL, NULL},
	{"profile", SETTING_STRING, false, NULL, NULL},
	{"addressing", SETTING_STRING, false, NULL, addressing_words},
	{"ca_file", SETTING_STRING, false, NULL, NULL},
	{"insecure", SETTING_BOOL, false, NULL, NULL},
	{"bypass_governance", SETTING_BOOL, false, NULL, NULL},
	{"replicas", SETTING_STRING, false, NULL, replica_words},
	{"witness", SETTING_GROUP, false, witness_spec, NULL},
	{"excluded", SETTING_GROUPS, false, excluded_spec, NULL},
	{NULL, 0, false, NULL, NULL},
};

/* For messages about a key that is missing: the line of one that is there. */
static const struct setting *at_bucket(const struct scope *scope)
{
	return setting_get(scope->settings, "bucket");
}

static int read_bucket(struct s3 *s, struct err *e)
{
	const struct setting *at = at_bucket(s->scope);

	if (at == NULL)
		return err_set(e, ERR_USAGE, "bucket is missing");
	size_t n = strlen(at->str);
	if (n < 3 || n > 255 || at->str[0] == '.' ||
	    strspn(at->str, "abcdefghijklmnopqrstuvwxyz0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._") != n)
		return setting_refuse(
			at, e, "bucket \"%s\" is not a bucket's name", at->str);
	s->bucket = at->str;
	return 0;
}

/* Every way in which a scope could be wider than its author meant is refused
 * here (I1 begins with the scope). */
static int read_prefix(struct s3 *s, struct err *e)
{
	const struct setting *g = s->scope->settings;
	const struct setting *at = setting_get(g, "prefix");
	const struct setting *whole = setting_get(g, "whole");
	bool all = setting_flag(g, "whole", false);

	if (at != NULL &&
	    setting_expand(&s->prefix, at, s->scope->client, e) != 0)
		return -1;
	if (s->prefix.len == 0) {
		if (all)
			return 0;
		return setting_refuse(at != NULL ? at : at_bucket(s->scope), e,
				      "%s: without a prefix the source is the "
				      "whole bucket; write prefix = \"...\", "
				      "or whole = true if that is meant",
				      at != NULL ? "prefix is empty"
						 : "prefix is missing");
	}
	if (all)
		return setting_refuse(whole, e,
				      "whole = true and a prefix contradict "
				      "each other: remove one of them");
	if (s->prefix.data[s->prefix.len - 1] != '/' &&
	    !setting_flag(g, "prefix_open", false))
		return setting_refuse(at, e,
				      "prefix \"%s\" does not end in \"/\", so "
				      "it also takes \"%s7/\"; add the slash, "
				      "or write prefix_open = true if that is "
				      "meant",
				      buf_str(&s->prefix), buf_str(&s->prefix));
	for (size_t i = 0; i < s->prefix.len; i++)
		if (s->prefix.data[i] < 0x20)
			return setting_refuse(at, e,
					      "prefix holds a control "
					      "character");
	if (s->prefix.len > S3_KEY_MAX ||
	    !s3_utf8(s->prefix.data, s->prefix.len))
		return setting_refuse(at, e,
				      "prefix is longer than %d bytes or not "
				      "UTF-8: no key can begin with it",
				      S3_KEY_MAX);
	return 0;
}

static int inner_prefix(struct s3 *s, struct s3_prefix *out,
			const struct setting *at, const char *what,
			struct err *e)
{
	buf_init(&out->text, S3_KEY_MAX);
	if (setting_expand(&out->text, at, s->scope->client, e) != 0)
		return -1;
	if (out->text.len == 0 ||
	    !s3_begins(out->text.data, out->text.len, &s->prefix))
		return setting_refuse(at, e,
				      "%s prefix \"%s\" does not begin with "
				      "the source's prefix \"%s\"",
				      what, buf_str(&out->text),
				      buf_str(&s->prefix));
	return 0;
}

static int read_excluded(struct s3 *s, struct err *e)
{
	const struct setting *list =
		setting_get(s->scope->settings, "excluded");

	if (list == NULL || list->n_members == 0)
		return 0;
	s->excluded = calloc(list->n_members, sizeof(*s->excluded));
	if (s->excluded == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < list->n_members; i++) {
		const struct setting *at =
			setting_get(&list->members[i], "prefix");
		if (at == NULL)
			return setting_refuse(&list->members[i], e,
					      "an exclusion needs a prefix");
		s->n_excluded = i + 1;
		if (inner_prefix(s, &s->excluded[i], at, "excluded", e) != 0)
			return -1;
		if (s->excluded[i].text.len == s->prefix.len)
			return setting_refuse(at, e,
					      "the exclusion is the whole "
					      "source: remove the source");
	}
	return 0;
}

static int read_retention(struct s3 *s, struct err *e)
{
	const struct scope *scope = s->scope;

	if (scope->n_retention == 0)
		return 0;
	s->retained = calloc(scope->n_retention, sizeof(*s->retained));
	if (s->retained == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < scope->n_retention; i++) {
		const struct setting *at =
			setting_get(scope->retention[i].at, "prefix");
		if (at == NULL)
			return setting_refuse(scope->retention[i].at, e,
					      "retention \"%s\" speaks of an "
					      "S3 source, so it needs a prefix",
					      scope->retention[i].name);
		s->n_retained = i + 1;
		s->retained[i].rule = (uint32_t)i + 1;
		if (inner_prefix(s, &s->retained[i], at, "retention", e) != 0)
			return -1;
	}
	return 0;
}

/* ---- endpoint and region ------------------------------------------------ */

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);
	return n >= t && strcmp(s + n - t, tail) == 0;
}

static int read_region(struct s3 *s, const struct s3_profile *p, struct err *e)
{
	const struct setting *at = setting_get(s->scope->settings, "region");
	const char *region = at != NULL ? at->str : NULL;

	if (region == NULL && s->profile == NULL)
		region = getenv("AWS_REGION");
	if ((region == NULL || region[0] == '\0') && s->profile == NULL)
		region = getenv("AWS_DEFAULT_REGION");
	if (region == NULL || region[0] == '\0')
		region = p->region[0] != '\0' ? p->region : "us-east-1";
	size_t n = strlen(region);
	if (n == 0 || n >= sizeof(s->region) ||
	    strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-_"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != n)
		return setting_refuse(at, e, "region \"%s\" is not a region",
				      region);
	snprintf(s->region, sizeof(s->region), "%s", region);
	return 0;
}

static int read_endpoint(struct s3 *s, const struct s3_profile *p,
			 struct err *e)
{
	const struct setting *at = setting_get(s->scope->settings, "endpoint");
	const char *text = at != NULL ? at->str : NULL;
	const char *why;
	struct http_url u;

	if (text == NULL)
		text = getenv("AWS_ENDPOINT_URL_S3");
	if (text == NULL || text[0] == '\0')
		text = getenv("AWS_ENDPOINT_URL");
	if ((text == NULL || text[0] == '\0') && p->endpoint[0] != '\0')
		text = p->endpoint;
	if (text == NULL || text[0] == '\0') {
		snprintf(s->scheme, sizeof(s->scheme), "https");
		snprintf(s->endpoint, sizeof(s->endpoint),
			 "s3.%s.amazonaws.com%s", s->region,
			 strncmp(s->region, "cn-", 3) == 0 ? ".cn" : "");
		s->amazon = true;
		return 0;
	}
	if (http_url_split(&u, text, &why) != 0)
		/* the URL is not repeated: it may hold a password */
		return setting_refuse(at, e, "endpoint is refused: %s", why);
	if (strcmp(u.scheme, "http") == 0 && !u.loopback && !s->insecure)
		return setting_refuse(at, e,
				      "endpoint %s is plain HTTP: names and "
				      "signatures would cross the network in "
				      "the clear; use https://, or insecure = "
				      "true if that is meant",
				      text);
	snprintf(s->scheme, sizeof(s->scheme), "%s", u.scheme);
	snprintf(s->endpoint, sizeof(s->endpoint), "%s", u.host);
	if (u.path[0] != '\0')
		return setting_refuse(at, e,
				      "endpoint has a path (%s), which S3 "
				      "endpoints do not have",
				      u.path);
	s->amazon = ends_with(s->endpoint, ".amazonaws.com") ||
		    ends_with(s->endpoint, ".amazonaws.com.cn");
	return 0;
}

/* Virtual hosting needs a name that is one DNS label (a certificate's "*"
 * covers one) and a host that is a name. */
static bool one_label(const char *bucket)
{
	size_t n = strlen(bucket);
	return n <= 63 && strspn(bucket, "abcdefghijklmnopqrstuvwxyz"
					 "0123456789-") == n;
}

void s3_address(struct s3 *s)
{
	if (s->path_style) {
		snprintf(s->authority, sizeof(s->authority), "%s", s->endpoint);
		snprintf(s->base, sizeof(s->base), "/%s", s->bucket);
	} else {
		snprintf(s->authority, sizeof(s->authority), "%.63s.%s",
			 s->bucket, s->endpoint);
		s->base[0] = '\0';
	}
}

static int read_addressing(struct s3 *s, struct err *e)
{
	const struct setting *at =
		setting_get(s->scope->settings, "addressing");
	const char *how = at != NULL ? at->str : "auto";

	if (strcmp(how, "virtual") == 0 && !one_label(s->bucket))
		return setting_refuse(at, e,
				      "bucket \"%s\" cannot be part of a host "
				      "name: use addressing = \"path\"",
				      s->bucket);
	s->path_style = strcmp(how, "path") == 0 ||
			(strcmp(how, "auto") == 0 &&
			 (!s->amazon || !one_label(s->bucket)));
	s3_address(s);
	return 0;
}

static void read_ca_file(struct s3 *s, const struct s3_profile *p)
{
	const char *given = setting_str(s->scope->settings, "ca_file", NULL);
	const char *text = given;

	if (text == NULL)
		text = getenv("AWS_CA_BUNDLE");
	if (text == NULL || text[0] == '\0')
		text = p->ca_file;
	/* a path of the closeout file is relative to its folder */
	if (given != NULL && given[0] != '/' && s->scope->base != NULL)
		snprintf(s->ca_file, sizeof(s->ca_file), "%s/%s",
			 s->scope->base, given);
	else
		snprintf(s->ca_file, sizeof(s->ca_file), "%s", text);
}

int s3_settings_read(struct s3 *s, const struct scope *scope, struct err *e)
{
	const struct setting *g = scope->settings;
	struct s3_profile p;
	struct s3_credentials unused;

	memset(&p, 0, sizeof(p));
	s->scope = scope;
	s->profile = setting_str(g, "profile", NULL);
	s->host_name = setting_str(g, "host", NULL);
	s->insecure = setting_flag(g, "insecure", false);
	s->bypass = setting_flag(g, "bypass_governance", false);
	s->follow = strcmp(setting_str(g, "replicas", "report"), "follow") == 0;
	s->witness = setting_get(g, "witness") != NULL;
	buf_init(&s->prefix, S3_KEY_MAX + 1);
	if (read_bucket(s, e) != 0 || read_prefix(s, e) != 0 ||
	    read_excluded(s, e) != 0 || read_retention(s, e) != 0)
		return -1;
	/* region and endpoint may stand in the profile */
	const char *name =
		s->profile != NULL ? s->profile : getenv("AWS_PROFILE");
	s3_credentials_init(&unused);
	int rc = s3_profile_read(
		&unused, &p, name != NULL && name[0] != '\0' ? name : "default",
		e);
	s3_credentials_release(&unused);
	if (rc != 0 && s->profile == NULL) {
		err_clear(e); /* the environment may still have credentials */
		rc = 0;
	}
	if (rc != 0 || read_region(s, &p, e) != 0 ||
	    read_endpoint(s, &p, e) != 0 || read_addressing(s, e) != 0)
		return -1;
	read_ca_file(s, &p);
	return 0;
}
