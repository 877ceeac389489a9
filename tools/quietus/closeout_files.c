#include "tools/quietus/closeout_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/sign.h"

/* ---- paths ----------------------------------------------------------------
 */

/* dir/name, owned by the closeout. */
static const char *join(struct closeout_state *st, const char *dir,
			const char *name, struct err *e)
{
	char *path = file_join(dir, name);

	if (path == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		return NULL;
	}
	const char *copy = closeout_copy(st, path, e);
	free(path);
	return copy;
}

const char *closeout_base(struct closeout_state *st, const char *base,
			  struct err *e)
{
	char here[4096];

	if (base[0] == '/')
		return closeout_copy(st, base, e);
	if (getcwd(here, sizeof(here)) == NULL) {
		err_errno(e, "asking for the current folder");
		return NULL;
	}
	if (base[0] == '\0' || strcmp(base, ".") == 0)
		return closeout_copy(st, here, e);
	return join(st, here, base, e);
}

/* One path as written at `at`. */
static int locate(const char **out, struct closeout_state *st,
		  const struct setting *at, struct err *e)
{
	if (at->str[0] == '\0')
		return setting_refuse(at, e, "%s is empty", at->name);
	const char *path = join(st, st->pub.base, at->str, e);
	if (path == NULL)
		return -1;
	*out = path;
	return 0;
}

int closeout_path(const char **out, struct closeout_state *st,
		  const struct setting *group, const char *key, struct err *e)
{
	const struct setting *at = setting_get(group, key);

	return at == NULL ? 0 : locate(out, st, at, e);
}

/* ---- files ----------------------------------------------------------------
 */

/* what names the setting in messages: an approver has no key of its own. */
static int readable(const struct setting *at, const char *what,
		    const char *path, struct err *e)
{
	struct stat s;
	const char *why = NULL;

	if (stat(path, &s) != 0 || access(path, R_OK) != 0)
		why = strerror(errno);
	else if (!S_ISREG(s.st_mode))
		why = "not a regular file";
	if (why == NULL)
		return 0;
	return setting_refuse(at, e, "%s: %s cannot be read: %s", what, path,
			      why);
}

int closeout_file(const char **out, struct closeout_state *st,
		  const struct setting *group, const char *key, struct err *e)
{
	const struct setting *at = setting_get(group, key);

	if (at == NULL)
		return 0;
	if (locate(out, st, at, e) != 0)
		return -1;
	return readable(at, key, *out, e);
}

static int fingerprint_of(char out[FINGERPRINT_TEXT], const struct setting *at,
			  const char *what, const char *path, struct err *e)
{
	struct cert *cert = NULL;
	struct err why = ERR_INIT;

	if (readable(at, what, path, e) != 0)
		return -1;
	if (cert_read(&cert, path, &why) != 0)
		return setting_refuse(at, e,
				      "%s: %s is not a certificate that can "
				      "be read: %s",
				      what, path, why.msg);
	cert_fingerprint(out, cert);
	cert_free(cert);
	return 0;
}

int closeout_certificate(const char **out, char *fingerprint,
			 struct closeout_state *st, const struct setting *group,
			 const char *key, struct err *e)
{
	const struct setting *at = setting_get(group, key);
	char text[FINGERPRINT_TEXT];

	if (at == NULL)
		return 0;
	if (locate(out, st, at, e) != 0 ||
	    fingerprint_of(text, at, key, *out, e) != 0)
		return -1;
	if (fingerprint != NULL)
		memcpy(fingerprint, text, sizeof(text));
	return 0;
}

/* ---- approvers ------------------------------------------------------------
 */

/* Two people are asked so that one alone cannot destroy; the same certificate
 * under two names would be one person. */
static int different(const struct setting *list, size_t i,
		     char (*prints)[FINGERPRINT_TEXT], struct err *e)
{
	const struct setting *at = &list->members[i];

	for (size_t j = 0; j < i; j++) {
		const struct setting *other = &list->members[j];
		if (strcmp(at->str, other->str) == 0)
			return setting_refuse(
				at, e,
				"approvers names %s twice; every approver "
				"counts once",
				at->str);
		if (strcmp(prints[i], prints[j]) == 0)
			return setting_refuse(
				at, e,
				"approvers: %s and %s are the same "
				"certificate; every approver counts once",
				other->str, at->str);
	}
	return 0;
}

int closeout_approvers(struct closeout_state *st,
		       const struct setting *approvals, struct err *e)
{
	struct closeout *c = &st->pub;
	const struct setting *list = setting_get(approvals, "approvers");
	const struct setting *required = setting_get(approvals, "required");
	size_t n = list->n_members;

	if (n == 0)
		return setting_refuse(list, e,
				      "approvers is empty: nothing is "
				      "destroyed without an approval");
	if (required->number < 1)
		return setting_refuse(required, e,
				      "required is %lld: nothing is destroyed "
				      "without an approval; write at least 1",
				      required->number);
	if ((unsigned long long)required->number > n)
		return setting_refuse(required, e,
				      "required is %lld, but there are only "
				      "%zu approvers",
				      required->number, n);
	char(*prints)[FINGERPRINT_TEXT] =
		closeout_alloc(st, n, sizeof(*prints), e);
	c->approvers = closeout_alloc(st, n, sizeof(*c->approvers), e);
	if (prints == NULL || c->approvers == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (locate(&c->approvers[i], st, &list->members[i], e) != 0 ||
		    fingerprint_of(prints[i], &list->members[i], "approvers",
				   c->approvers[i], e) != 0 ||
		    different(list, i, prints, e) != 0)
			return -1;
	c->n_approvers = n;
	c->approvals_required = (unsigned)required->number;
	return 0;
}

/* ---- our own files --------------------------------------------------------
 */

/* Single slashes, no "." and "..", no slash at the end; path is absolute. */
static void tidy(char *path)
{
	char *end = path; /* of what is kept */

	for (const char *p = path; *p != '\0';) {
		p += strspn(p, "/");
		size_t len = strcspn(p, "/");
		if (len == 2 && memcmp(p, "..", 2) == 0) {
			while (end > path && *--end != '/')
				;
		} else if (len != 0 && (len != 1 || *p != '.')) {
			*end++ = '/';
			memmove(end, p, len);
			end += len;
		}
		p += len;
	}
	if (end == path)
		*end++ = '/';
	*end = '\0';
}

char *closeout_real(const char *path, size_t cut)
{
	char *head = cut == 0 ? strdup("/") : strndup(path, cut);
	char *real = head == NULL ? NULL : realpath(head, NULL);
	char *whole = NULL;

	if (real != NULL) {
		size_t size = strlen(real) + strlen(path + cut) + 2;
		whole = malloc(size);
		if (whole != NULL) {
			snprintf(whole, size, "%s/%s", real, path + cut);
			tidy(whole);
		}
	}
	free(real);
	free(head);
	return whole;
}

/* The real path of the longest part of path that exists, with the rest as
 * written; in fresh memory, NULL when that is exhausted. */
static char *resolve(const char *path)
{
	size_t cut = strlen(path);
	char *real = closeout_real(path, cut);

	while (real == NULL && cut > 0) {
		while (path[--cut] != '/')
			;
		real = closeout_real(path, cut);
	}
	return real;
}

bool closeout_inside(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	while (len > 0 && folder[len - 1] == '/')
		len--;
	return strncmp(path, folder, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

int closeout_outside(const struct closeout *c, const struct setting *path,
		     struct err *e)
{
	const char *ours[] = {c->cases,
			      c->trail_directory,
			      c->trail_key,
			      c->signing_certificate,
			      c->signing_key,
			      c->controller.certificate,
			      c->recipient_certificate,
			      c->instruction_document,
			      c->instruction_signature};
	int rc = 0;
	struct buf text;

	buf_init(&text, CLOSEOUT_MAX);
	if (setting_expand(&text, path, c->client, e) != 0) {
		buf_release(&text);
		return -1;
	}
	char *joined = file_join(c->base, buf_str(&text));
	char *folder = joined == NULL ? NULL : resolve(joined);
	for (size_t i = 0; rc == 0 && folder != NULL &&
			   i < sizeof(ours) / sizeof(*ours) + c->n_approvers;
	     i++) {
		size_t more = sizeof(ours) / sizeof(*ours);
		const char *name = i < more ? ours[i] : c->approvers[i - more];
		char *own = name == NULL ? NULL : resolve(name);
		if (own != NULL && closeout_inside(own, folder))
			rc = setting_refuse(
				path, e,
				"the folder %s is to be destroyed, but %s, "
				"which this closeout needs, is inside it; keep "
				"it elsewhere",
				joined, name);
		free(own);
	}
	free(folder);
	free(joined);
	buf_release(&text);
	return rc;
}
