/*
 * cmd_run.c: quietus run: every step that is allowed now, then what it waits
 * for.  It never begins a destruction, it only resumes one; closing destroys,
 * so it is not begun here either.
 */
#include "tools/quietus/steps.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "certs/base/file.h"

/* Opens the case of a closeout file when there is one with a plan. */
static int case_of(struct casedir **c, const char *file, struct err *e)
{
	struct closeout *k = NULL;
	struct buf plan;
	if (closeout_read(&k, file, NULL, e) != 0)
		return -1;
	char *path = file_join(k->cases, k->id);
	closeout_free(k);
	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	buf_init(&plan, 8192);
	buf_putf(&plan, "%s/plan.json", path);
	int rc = 0;
	*c = NULL;
	if (file_exists(buf_str(&plan)))
		rc = case_open(c, path, CASE_WORK, e);
	buf_release(&plan);
	free(path);
	return rc;
}

static int begin(struct casedir **c, struct app *app, const char *arg,
		 struct err *e)
{
	struct stat st;
	if (stat(arg, &st) != 0 || !S_ISREG(st.st_mode))
		return case_open(c, arg, CASE_WORK, e);
	if (case_of(c, arg, e) != 0)
		return -1;
	return *c != NULL ? 0 : step_plan(c, app, arg, false, e);
}

/* What is allowed now.  *kind: the document's, or what it would be. */
static int advance(enum kind *kind, struct app *app, struct casedir *c,
		   struct err *e)
{
	struct standing s;
	if (step_standing(&s, c, e) != 0)
		return -1;
	if (s.state == STATE_DESTROYING && step_destroy(kind, app, c, e) != 0)
		return -1;
	if (s.state == STATE_DESTROYING || s.state == STATE_DESTROYED)
		return step_certify(kind, app, c, e);
	*kind = s.document;
	return 0;
}

int cmd_run(struct app *app, int argc, char **argv)
{
	const char *arg;
	struct casedir *c = NULL;
	struct standing s;
	struct err e = ERR_INIT;
	enum kind kind = KIND_NONE;

	int rc = app_arguments(app, &arg, 1, "a closeout file or a case", NULL,
			       argc, argv);
	if (rc != 0)
		return rc;
	rc = begin(&c, app, arg, &e);
	if (rc == 0)
		rc = advance(&kind, app, c, &e);
	if (rc == 0)
		rc = step_status(app, c, &e);
	if (rc == 0)
		rc = step_standing(&s, c, &e);
	case_close(c);
	if (rc != 0)
		return app_fail(app, &e);
	if (s.state < STATE_CERTIFIED)
		return EXIT_PRECONDITION; /* it must wait */
	return s.document == KIND_FINAL ? EXIT_DONE : EXIT_NOT_FINAL;
}
