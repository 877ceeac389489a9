#include "certs/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/check_private.h"

void check_say(struct check *c, enum finding_grade grade, const char *code,
	       const char *fmt, ...)
{
	char text[1600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (grade == FINDING_BAD)
		c->bad = true;
	if (grade == FINDING_MISSING)
		c->missing = true;
	c->found(c->arg, grade, code, text);
}

/* Names in a certificate are somebody else's words: they may not lead out of
 * the folder that the reader pointed at. */
bool check_stays_inside(const char *name)
{
	if (*name == '\0' || *name == '/')
		return false;
	for (const char *p = name; p != NULL; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
			return false;
	}
	return true;
}

int check_companion(struct check *c, struct buf *out, const char *name,
		    const char *what)
{
	struct err e = ERR_INIT;
	char code[64];
	int rc = -1;

	if (!check_stays_inside(name)) {
		check_say(c, FINDING_BAD, "file-name",
			  "The certificate names a file outside its own "
			  "folder: \"%s\".",
			  name);
		return -1;
	}
	char *path = file_join(c->dir, name);
	if (path == NULL)
		err_set(&e, ERR_FAILED, "out of memory");
	else
		rc = file_read(out, path, &e);
	if (rc != 0 && e.code == ERR_MISSING) {
		snprintf(code, sizeof(code), "%s-missing", what);
		check_say(c, FINDING_MISSING, code,
			  "The file %s is not beside the certificate.", name);
	} else if (rc != 0) {
		snprintf(code, sizeof(code), "%s-unreadable", what);
		check_say(c, FINDING_MISSING, code, "%s cannot be read: %s",
			  name, e.msg);
	}
	free(path);
	return rc;
}

static enum check_result result(const struct check *c)
{
	if (c->bad)
		return CHECK_NOT_VALID;
	if (c->missing || c->st == NULL)
		return CHECK_IMPOSSIBLE;
	if (c->kind == KIND_FINAL && !(c->in->strict && c->reservations != 0))
		return CHECK_VALID_FINAL;
	return CHECK_VALID_NOT_FINAL;
}

static void release(struct check *c)
{
	for (size_t i = 0; c->plans != NULL && i < c->st->n_plans; i++)
		plan_free(c->plans[i]);
	free(c->plans);
	statement_free(c->parsed);
	json_decref(c->doc);
	buf_release(&c->certificate);
	free(c->dir);
}

enum check_result check_run(const struct check_input *in, json_t **doc,
			    check_finding_fn *found, void *arg)
{
	struct check c = {.in = in, .found = found, .arg = arg};
	struct err e = ERR_INIT;

	if (doc != NULL)
		*doc = NULL;
	buf_init(&c.certificate, STATEMENT_MAX);
	c.dir = file_dirname(in->certificate);
	if (c.dir == NULL ||
	    file_read(&c.certificate, in->certificate, &e) != 0) {
		check_say(&c, FINDING_MISSING, "certificate-unreadable",
			  "The certificate cannot be read: %s",
			  c.dir != NULL ? e.msg : "out of memory");
	} else {
		check_document(&c);
		check_signature(&c);
		if (c.st != NULL) {
			check_plans(&c);
			check_trail(&c);
			check_inventory(&c);
		}
	}
	if (doc != NULL)
		*doc = json_incref(c.doc);
	enum check_result r = result(&c);
	release(&c);
	return r;
}
