/*
 * quietus-verify: checks a certificate of destruction, offline and without a
 * key.  Arguments and wording only; all knowledge is in certs/check.c.
 */
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/wipe.h"
#include "certs/check.h"
#include "tools/quietus-verify/show.h"

#define EXIT_USAGE 64
#define TRUST_MAX 64

static const char usage[] =
	"usage: quietus-verify [--trust FILE]... [--inventory FILE|-] "
	"[--item NAME]\n"
	"                      [--strict] [--json] CERTIFICATE\n";

static const char help[] =
	"\n"
	"Checks certificate.json (or exception-report.json) with what lies "
	"beside it:\n"
	"its signature (.p7s), the plans and approvals it names, and the proof "
	"that it\n"
	"stands in the processor's audit trail (.tlog-proof).\n"
	"\n"
	"  --trust FILE      certificate (PEM) that you trust: the processor's "
	"own, or\n"
	"                    that of its certification authority; repeatable\n"
	"  --inventory FILE  the decrypted inventory (- : standard input): "
	"everything is\n"
	"                    recomputed from it\n"
	"  --item NAME       with --inventory: was an item of that name "
	"covered?\n"
	"  --strict          reservations are not accepted either (exit 1)\n"
	"  --json            one JSON document on standard output\n"
	"\n"
	"Exit: 0 valid and final, 1 valid but not final, 2 not valid, 3 cannot "
	"be\n"
	"checked, 64 usage.\n";

static int misuse(const char *what)
{
	if (what != NULL)
		fprintf(stderr, "quietus-verify: %s\n", what);
	fputs(usage, stderr);
	fputs("Try quietus-verify --help.\n", stderr);
	return EXIT_USAGE;
}

enum {
	OPT_TRUST = 256,
	OPT_INVENTORY,
	OPT_ITEM,
	OPT_STRICT,
	OPT_JSON,
	OPT_HELP,
	OPT_VERSION
};

static const struct option options[] = {
	{"trust", required_argument, NULL, OPT_TRUST},
	{"inventory", required_argument, NULL, OPT_INVENTORY},
	{"item", required_argument, NULL, OPT_ITEM},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0}};

/* -1 to go on, else the exit status. */
static int arguments(struct check_input *in, const char **trust, bool *json,
		     int argc, char **argv)
{
	int opt;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case OPT_TRUST:
			if (in->n_trust == TRUST_MAX)
				return misuse("too many --trust");
			trust[in->n_trust++] = optarg;
			break;
		case OPT_INVENTORY:
			in->inventory = optarg;
			break;
		case OPT_ITEM:
			in->item = optarg;
			break;
		case OPT_STRICT:
			in->strict = true;
			break;
		case OPT_JSON:
			*json = true;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			fputs(help, stdout);
			return 0;
		case OPT_VERSION:
			puts("quietus-verify " QUIETUS_VERSION);
			return 0;
		default:
			return misuse(NULL);
		}
	}
	if (optind + 1 != argc)
		return misuse("name one certificate");
	if (in->item != NULL && in->inventory == NULL)
		return misuse("--item needs --inventory");
	in->certificate = argv[optind];
	return -1;
}

int main(int argc, char **argv)
{
	const char *trust[TRUST_MAX];
	struct check_input in = {.trust = trust};
	struct shown shown = {0};
	json_t *doc = NULL;
	bool json = false;

	wipe_no_core();
	setlocale(LC_CTYPE, "");
	shown.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	int done = arguments(&in, trust, &json, argc, argv);
	if (done >= 0)
		return done;
	enum check_result r = check_run(&in, &doc, show_collect, &shown);
	int rc = json ? show_json(stdout, &shown, r, doc)
		      : show_text(stdout, &shown, r, doc, in.strict);
	show_release(&shown);
	json_decref(doc);
	if (rc != 0) {
		fputs("quietus-verify: the result could not all be written\n",
		      stderr);
		return CHECK_IMPOSSIBLE;
	}
	return (int)r;
}
