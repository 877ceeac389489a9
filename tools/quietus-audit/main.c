/* quietus-audit: reads an audit trail and says whether it is intact. */
#include "tools/quietus-audit/audit.h"

#include <stdio.h>
#include <string.h>

#include "certs/base/wipe.h"

static const struct audit_command commands[] = {
	{"verify", "TRAIL [--key KEY] [--checkpoint FILE] [--json]",
	 "recompute the whole trail and compare it with what was signed",
	 "  --key KEY          the verifier key to trust: a file, or the line "
	 "itself, as in\n"
	 "                     a certificate; without it the trail's own "
	 "key.vkey\n"
	 "  --checkpoint FILE  a checkpoint of this trail that was seen "
	 "earlier: the trail\n"
	 "                     must carry it on (finds truncation and forks)\n"
	 "  --json             one JSON document on standard output\n",
	 cmd_verify},
	{"list", "TRAIL [--case NUMBER] [--json]",
	 "list the entries: number, time, event, case, digests",
	 "  --case NUMBER      only the entries of that case (32 hexadecimal "
	 "digits)\n"
	 "  --json             one JSON document on standard output\n",
	 cmd_list},
	{"show", "TRAIL INDEX", "print one entry", "", cmd_show},
	{"prove", "TRAIL INDEX [--out FILE]",
	 "write a proof that an entry is in the trail, which needs no trail",
	 "  --out FILE         write it there instead of standard output; a "
	 "file that is\n"
	 "                     there already is not replaced\n",
	 cmd_prove},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *to)
{
	fputs("usage: quietus-audit COMMAND ...\n\n"
	      "Reads an audit trail of quietus; changes nothing and needs no "
	      "key of its own.\n\n",
	      to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %s %s\n      %s\n", commands[i].name,
			commands[i].arguments, commands[i].summary);
	fputs("\n  --help, --version\n\n"
	      "Exit status: 0 good, 2 not valid, 3 cannot be checked, 64 "
	      "usage.\n",
	      to);
}

int main(int argc, char **argv)
{
	wipe_no_core();
	if (argc < 2) {
		help(stderr);
		return AUDIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help(stdout);
		return audit_flush(AUDIT_GOOD);
	}
	if (strcmp(argv[1], "--version") == 0 ||
	    strcmp(argv[1], "version") == 0) {
		puts("quietus-audit " QUIETUS_VERSION);
		return audit_flush(AUDIT_GOOD);
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return audit_flush(commands[i].run(&commands[i],
							   argc - 1, argv + 1));
	fprintf(stderr, "quietus-audit: there is no command of that name; see "
			"quietus-audit --help\n");
	return AUDIT_USAGE;
}
