/* Arguments, messages and entries: what every command needs. */
#include "tools/quietus-audit/audit.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "certs/field.h"

static void usage(FILE *to, const struct audit_command *c)
{
	fprintf(to, "usage: quietus-audit %s %s\n", c->name, c->arguments);
}

int audit_arguments(const struct audit_command *c, int argc, char **argv,
		    const struct audit_options *o, const char **args, int n)
{
	static const struct option known[] = {
		{"help", no_argument, NULL, 'h'},
		{"json", no_argument, NULL, 'j'},
		{"key", required_argument, NULL, 'k'},
		{"checkpoint", required_argument, NULL, 'c'},
		{"case", required_argument, NULL, 'n'},
		{"out", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0}};

	for (int opt = getopt_long(argc, argv, "h", known, NULL); opt != -1;
	     opt = getopt_long(argc, argv, "h", known, NULL)) {
		const char **value = NULL;
		switch (opt) {
		case 'h':
			usage(stdout, c);
			printf("\n%s\n%s", c->summary, c->details);
			return AUDIT_GOOD;
		case 'j':
			if (o->json != NULL) {
				*o->json = true;
				continue;
			}
			break;
		case 'k':
			value = o->key;
			break;
		case 'c':
			value = o->checkpoint;
			break;
		case 'n':
			value = o->number;
			break;
		case 'o':
			value = o->out;
			break;
		default: /* getopt_long has said what is wrong */
			usage(stderr, c);
			return AUDIT_USAGE;
		}
		if (value == NULL || *value != NULL) {
			fprintf(stderr,
				"quietus-audit: %s takes no such option, or "
				"not twice\n",
				c->name);
			usage(stderr, c);
			return AUDIT_USAGE;
		}
		*value = optarg;
	}
	if (argc - optind != n) {
		usage(stderr, c);
		return AUDIT_USAGE;
	}
	for (int i = 0; i < n; i++)
		args[i] = argv[optind + i];
	return -1;
}

int audit_index(uint64_t *out, const char *text, struct err *e)
{
	uint64_t n = 0;
	size_t len = strlen(text);

	if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
		return err_set(e, ERR_USAGE,
			       "INDEX is the number of an entry as list "
			       "prints it: 0, 1, 2, ...");
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	*out = n;
	return 0;
}

void audit_print(const void *text, size_t len)
{
	const unsigned char *p = text;

	for (size_t i = 0; i < len; i++) {
		if (p[i] >= 0x20 && p[i] <= 0x7e)
			putchar(p[i]);
		else
			printf("%%%02X", p[i]);
	}
}

int audit_error(const struct err *e)
{
	fprintf(stderr, "quietus-audit: %s\n", e->msg);
	switch (e->code) {
	case ERR_INVALID:
		return AUDIT_NOT_VALID;
	case ERR_USAGE:
	case ERR_REFUSED:
		return AUDIT_USAGE;
	default:
		return AUDIT_CANNOT;
	}
}

/* A verdict that was cut off by a full disk must not end as "good". */
int audit_flush(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "quietus-audit: the output could not be written\n");
	return status == AUDIT_GOOD ? AUDIT_CANNOT : status;
}

bool audit_case_number(const char *text)
{
	return hex_text(text, 32);
}
