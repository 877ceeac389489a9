/* profile.c: the files that AWS's own tools share, ~/.aws/credentials and
 * ~/.aws/config. */
#include "providers/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"

#define FILE_MAX (1024 * 1024)

struct reader {
	struct s3_credentials *c;
	struct s3_profile *p;
	const char *name;
	bool config; /* its sections read "profile NAME" */
	bool inside; /* of the wanted section */
	bool found;
	bool foreign; /* it wants something that is not spoken here */
	char key[64]; /* which */
};

static char *trim(char *s)
{
	s += strspn(s, " \t\r");
	size_t n = strlen(s);
	while (n > 0 && strchr(" \t\r", s[n - 1]) != NULL)
		s[--n] = '\0';
	return s;
}

static void set(struct buf *b, const char *value)
{
	if (b->len == 0)
		buf_puts(b, value);
}

static void copy(char *out, size_t size, const char *value)
{
	if (out[0] == '\0')
		snprintf(out, size, "%s", value);
}

static void one_key(struct reader *r, const char *key, const char *value)
{
	static const char *const foreign[] = {
		"role_arn",	 "credential_process",	    "sso_session",
		"sso_start_url", "web_identity_token_file", NULL};

	if (strcmp(key, "aws_access_key_id") == 0)
		set(&r->c->key_id, value);
	else if (strcmp(key, "aws_secret_access_key") == 0)
		set(&r->c->secret, value);
	else if (strcmp(key, "aws_session_token") == 0)
		set(&r->c->token, value);
	else if (strcmp(key, "region") == 0)
		copy(r->p->region, sizeof(r->p->region), value);
	else if (strcmp(key, "endpoint_url") == 0)
		copy(r->p->endpoint, sizeof(r->p->endpoint), value);
	else if (strcmp(key, "ca_bundle") == 0)
		copy(r->p->ca_file, sizeof(r->p->ca_file), value);
	for (size_t i = 0; foreign[i] != NULL; i++)
		if (strcmp(key, foreign[i]) == 0) {
			r->foreign = true;
			copy(r->key, sizeof(r->key), key);
		}
}

static void one_line(struct reader *r, char *line)
{
	if (line[0] == '[') {
		char *name = line + 1, *end = strchr(name, ']');
		if (end == NULL)
			return;
		*end = '\0';
		name = trim(name);
		if (r->config && strncmp(name, "profile ", 8) == 0)
			name = trim(name + 8);
		else if (r->config && strcmp(name, "default") != 0)
			name = NULL;
		r->inside = name != NULL && strcmp(name, r->name) == 0;
		r->found = r->found || r->inside;
		return;
	}
	/* an indented line belongs to a nested group ("s3 =") */
	if (!r->inside || line[0] == ' ' || line[0] == '\t' || line[0] == '#' ||
	    line[0] == ';')
		return;
	char *eq = strchr(line, '=');
	if (eq == NULL)
		return;
	*eq = '\0';
	one_key(r, trim(line), trim(eq + 1));
}

static int one_file(struct reader *r, const char *path, struct err *e)
{
	struct buf text;
	struct err mine = ERR_INIT;
	int rc = -1;

	buf_init_secret(&text, FILE_MAX);
	r->inside = false;
	if (file_read(&text, path, &mine) != 0) {
		if (mine.code == ERR_MISSING)
			rc = 0;
		else
			err_set(e, ERR_AUTH, "%s", mine.msg);
		goto out;
	}
	for (char *p = (char *)text.data; p != NULL && *p != '\0';) {
		char *end = strchr(p, '\n');
		if (end != NULL)
			*end++ = '\0';
		one_line(r, p);
		p = end;
	}
	rc = 0;
out:
	buf_release(&text);
	return rc;
}

/* The file that the variable names, or ~/.aws/NAME. */
static int path_of(char *out, size_t size, const char *variable,
		   const char *name)
{
	const char *given = getenv(variable), *home = getenv("HOME");
	int n;

	if (given != NULL && given[0] != '\0')
		n = snprintf(out, size, "%s", given);
	else if (home != NULL && home[0] != '\0')
		n = snprintf(out, size, "%s/.aws/%s", home, name);
	else
		return -1;
	return n > 0 && (size_t)n < size ? 0 : -1;
}

int s3_profile_read(struct s3_credentials *c, struct s3_profile *p,
		    const char *name, struct err *e)
{
	char path[1024];
	struct reader r = {c, p, name, false, false, false, false, ""};

	if (path_of(path, sizeof(path), "AWS_SHARED_CREDENTIALS_FILE",
		    "credentials") == 0 &&
	    one_file(&r, path, e) != 0)
		return -1;
	r.config = true;
	if (path_of(path, sizeof(path), "AWS_CONFIG_FILE", "config") == 0 &&
	    one_file(&r, path, e) != 0)
		return -1;
	if (c->key_id.len == 0 && r.foreign)
		return err_set(e, ERR_AUTH,
			       "profile \"%s\" uses %s, which is not spoken "
			       "here; run: aws configure export-credentials "
			       "--profile %s --format env",
			       name, r.key, name);
	if (c->key_id.len != 0)
		snprintf(c->from, sizeof(c->from), "profile %.60s", name);
	return 0;
}
