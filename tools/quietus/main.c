/* main.c: the command table. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "certs/base/wipe.h"
#include "tools/quietus/app.h"

#ifndef QUIETUS_BUILD
#define QUIETUS_BUILD "unknown"
#endif

static volatile sig_atomic_t stop_asked;

/* The first signal asks for a safe point; the default action of a second one
 * ends the program at once, which loses nothing (I6). */
static void on_signal(int sig)
{
	static const char text[] =
		"\nquietus: stopping at the next safe point\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)ignored;
	stop_asked = 1;
	signal(sig, SIG_DFL);
}

static int cmd_version(struct app *app, int argc, char **argv);
static int cmd_help(struct app *app, int argc, char **argv);

static const struct command commands[] = {
	{"plan", "[--again] FILE | --delta CASE",
	 "enumerate the client's data and write the plan", cmd_plan,
	 "  FILE is a closeout file (see quietus-closeout(5)).\n"
	 "  --again  replace an approved plan, before any destruction; its\n"
	 "           approvals are void\n"
	 "  --delta  plan only what is new or changed since the approved "
	 "plan;\n"
	 "           FILE may be the case or its closeout file\n"},
	{"approve", "CASE --certificate C --key K | CASE --signature FILE",
	 "sign the plan as one of its approvers", cmd_approve,
	 "  --signature takes a detached CMS made elsewhere:\n"
	 "    openssl cms -sign -binary -outform DER -md sha256 -cades \\\n"
	 "      -signer C -inkey K -in plan.json -out plan.json.p7s\n"},
	{"destroy", "CASE", "destroy what the approved plan names, and check",
	 cmd_destroy, "  Carries on where an interrupted run stopped.\n"},
	{"certify", "CASE", "issue the signed certificate or exception report",
	 cmd_certify,
	 "  0 when the certificate is final or interim, 4 for an exception\n"
	 "  report.\n"},
	{"close", "CASE",
	 "after a final certificate: destroy what quietus itself stored",
	 cmd_close, NULL},
	{"status", "CASE", "say where a case stands and who must act",
	 cmd_status, NULL},
	{"run", "FILE|CASE",
	 "do every step that is allowed now; never begins a destruction",
	 cmd_run, NULL},
	{"check", "FILE", "try credentials, permissions and blockers",
	 cmd_check, "  Changes nothing.\n"},
	{"providers", "", "list the stores this build can speak to",
	 cmd_providers, NULL},
	{"version", "", "print version and build", cmd_version, NULL},
	{"help", "[COMMAND]", "print this, or more about a command", cmd_help,
	 NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static const struct command *find(const char *name)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static int cmd_version(struct app *app, int argc, char **argv)
{
	const char *none[1];
	int rc = app_arguments(app, none, 0, "", NULL, argc, argv);
	if (rc != 0)
		return rc;
	app_say(app, "quietus %s (build %s)", QUIETUS_VERSION, QUIETUS_BUILD);
	app_json(app, json_pack("{s:s, s:s}", "version", QUIETUS_VERSION,
				"build", QUIETUS_BUILD));
	return EXIT_DONE;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: quietus COMMAND [--json] [--passphrase-fd N] "
		    "ARGUMENTS\n\n");
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(to, "  %-10s %s\n", c->name, c->summary);
	fprintf(to,
		"\nCASE is a case directory, or an id looked up in ./cases.\n"
		"Exit codes: 0 done; 1 failed, nothing changed remotely; 2 "
		"usage or closeout\nfile; 3 failed after something was "
		"destroyed; 4 a verdict forbids \"final\";\n5 refused, a "
		"precondition is not met.  More: quietus help COMMAND, "
		"quietus(1).\n");
}

static int help_command(const char *name)
{
	const struct command *c = find(name);
	if (c == NULL) {
		app_warn("quietus: there is no command \"%s\"; see: quietus "
			 "help",
			 name);
		return EXIT_BAD_USAGE;
	}
	printf("usage: quietus %s %s\n\n%s\n", c->name, c->arguments,
	       c->summary);
	if (c->help != NULL)
		printf("\n%s", c->help);
	return EXIT_DONE;
}

static int cmd_help(struct app *app, int argc, char **argv)
{
	(void)app;
	if (argc > 1)
		return help_command(argv[1]);
	usage(stdout);
	return EXIT_DONE;
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct app app = {.passphrase_fd = -1, .stop = &stop_asked};
	struct sigaction sa;

	wipe_no_core();
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);

	int at = 1;
	if (at < argc && strcmp(argv[at], "--json") == 0) {
		app.json = true;
		at++;
	}
	if (at == argc) {
		usage(stderr);
		return EXIT_BAD_USAGE;
	}
	const char *name = argv[at];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	const struct command *c = find(name);
	if (c == NULL) {
		app_warn("quietus: there is no command \"%s\"; see: quietus "
			 "help",
			 name);
		return EXIT_BAD_USAGE;
	}
	int rc = asks_help(argc - at, argv + at)
			 ? help_command(c->name)
			 : c->run(&app, argc - at, argv + at);
	if (fflush(stdout) != 0 && rc == EXIT_DONE) {
		app_warn("quietus: writing to standard output failed");
		rc = app.destroyed_something ? EXIT_FAILED_AFTER
					     : EXIT_FAILED_BEFORE;
	}
	return rc;
}
