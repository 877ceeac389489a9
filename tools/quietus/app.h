/*
 * app.h: what every command gets: options, output, exit codes.
 */
#ifndef QUIETUS_APP_H
#define QUIETUS_APP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "certs/base/err.h"

/* DESIGN section 6. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED_BEFORE = 1, /* failed, nothing was changed remotely */
	EXIT_BAD_USAGE = 2,
	EXIT_FAILED_AFTER = 3, /* failed after something was destroyed */
	EXIT_NOT_FINAL = 4,    /* finished, a verdict forbids "final" */
	EXIT_PRECONDITION = 5  /* refused: a precondition is not met */
};

struct app {
	bool json;
	int passphrase_fd; /* -1: ask on the terminal */
	/* Set by SIGINT and SIGTERM. */
	const volatile sig_atomic_t *stop;
	/* The case that is open holds an intent: a failure is code 3. */
	bool destroyed_something;
};

/* One line of `quietus help` and of the table in main.c. */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	int (*run)(struct app *app, int argc, char **argv);
	const char *help; /* more lines for `quietus help COMMAND`, or NULL */
};

int cmd_plan(struct app *app, int argc, char **argv);
int cmd_approve(struct app *app, int argc, char **argv);
int cmd_destroy(struct app *app, int argc, char **argv);
int cmd_certify(struct app *app, int argc, char **argv);
int cmd_close(struct app *app, int argc, char **argv);
int cmd_status(struct app *app, int argc, char **argv);
int cmd_run(struct app *app, int argc, char **argv);
int cmd_check(struct app *app, int argc, char **argv);
int cmd_providers(struct app *app, int argc, char **argv);

/* ---- arguments ------------------------------------------------------------
 */

/* An option of one command; a table ends with a NULL name. */
struct option_spec {
	const char *name;   /* "--certificate" */
	const char **value; /* where its argument goes, or NULL */
	bool *flag;	    /* what a bare option sets, or NULL */
};
/* Reads options and exactly n plain arguments into args; `what` names those
 * in the message.  0, or EXIT_BAD_USAGE after printing why. */
int app_arguments(struct app *app, const char **args, int n, const char *what,
		  const struct option_spec *options, int argc, char **argv);

/* ---- output ----------------------------------------------------------------
 */

/* A line on standard output, unless --json was given. */
void app_say(const struct app *app, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A line on standard error: what the operator must know. */
void app_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints the error (with --json also a document, unless one was printed) and
 * returns the exit code it asks for. */
int app_fail(const struct app *app, const struct err *e);
/* With --json: prints the document.  Takes the reference. */
void app_json(const struct app *app, json_t *doc);

/* Counts for people: "1,234,567" and "1.2 GiB". */
#define APP_NUMBER 32
const char *app_count(char out[APP_NUMBER], uint64_t n);
const char *app_bytes(char out[APP_NUMBER], uint64_t n);
/* An id from the data, escaped and cut for a terminal. */
#define APP_NAME 160
const char *app_name(char out[APP_NAME], const unsigned char *id, size_t len);

/* ---- progress ----------------------------------------------------------- */

/* One line on standard error, only when it is a terminal: done, total (0: not
 * known), rate and time left; drawn at most five times a second. */
struct progress {
	const char *label;
	uint64_t done, total;
	double begun, drawn;
	bool on;
};
void progress_start(struct progress *p, const struct app *app,
		    const char *label, uint64_t total);
void progress_add(struct progress *p, uint64_t n);
void progress_end(struct progress *p);

#endif
