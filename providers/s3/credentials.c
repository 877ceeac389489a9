#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX 16384 /* session tokens have no stated maximum */

void s3_credentials_init(struct s3_credentials *c)
{
	memset(c, 0, sizeof(*c));
	buf_init(&c->key_id, 256);
	buf_init_secret(&c->secret, SECRET_MAX);
	buf_init_secret(&c->token, SECRET_MAX);
}

void s3_credentials_release(struct s3_credentials *c)
{
	buf_release(&c->key_id);
	buf_release(&c->secret);
	buf_release(&c->token);
	c->from[0] = '\0';
	c->expires = 0;
	c->renewable = false;
}

static const char *env(const char *name)
{
	const char *v = getenv(name);
	return v != NULL && v[0] != '\0' ? v : NULL;
}

static void from_environment(struct s3_credentials *c)
{
	const char *id = env("AWS_ACCESS_KEY_ID");
	const char *secret = env("AWS_SECRET_ACCESS_KEY");
	const char *token = env("AWS_SESSION_TOKEN");

	if (id == NULL || secret == NULL)
		return;
	buf_puts(&c->key_id, id);
	buf_puts(&c->secret, secret);
	if (token != NULL)
		buf_puts(&c->token, token);
	snprintf(c->from, sizeof(c->from), "the environment");
}

/* A header cannot carry line ends, and a cut secret signs nothing. */
static int check(const struct s3_credentials *c, struct err *e)
{
	if (c->secret.len == 0 || buf_failed(&c->key_id) ||
	    buf_failed(&c->secret) || buf_failed(&c->token) ||
	    strpbrk(buf_str(&c->key_id), "\r\n/ ,") != NULL ||
	    strpbrk(buf_str(&c->token), "\r\n ") != NULL)
		return err_set(e, ERR_AUTH,
			       "the credentials from %s are incomplete or hold "
			       "characters that credentials do not have",
			       c->from);
	return 0;
}

int s3_credentials_find(struct s3_credentials *c, const char *wanted,
			const volatile sig_atomic_t *stop, struct err *e)
{
	struct s3_profile p;

	memset(&p, 0, sizeof(p));
	s3_credentials_release(c);
	if (wanted != NULL) {
		if (s3_profile_read(c, &p, wanted, e) != 0)
			return -1;
		if (c->key_id.len == 0)
			return err_set(e, ERR_AUTH,
				       "profile \"%s\" is not in "
				       "~/.aws/credentials or ~/.aws/config, "
				       "or has no key there",
				       wanted);
		return check(c, e);
	}
	from_environment(c);
	if (c->key_id.len != 0)
		return check(c, e);
	const char *name = env("AWS_PROFILE");
	if (s3_profile_read(c, &p, name != NULL ? name : "default", e) != 0)
		return -1;
	if (c->key_id.len != 0)
		return check(c, e);
	if (s3_metadata_read(c, stop, e) != 0)
		return -1;
	if (c->key_id.len != 0)
		return check(c, e);
	return err_set(e, ERR_AUTH,
		       "no credentials: AWS_ACCESS_KEY_ID and "
		       "AWS_SECRET_ACCESS_KEY are not set, profile \"%s\" has "
		       "none, and no container or instance service answers; "
		       "set one of them",
		       name != NULL ? name : "default");
}
