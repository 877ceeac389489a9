/*
 * audit.h: what the commands of quietus-audit share.
 *
 * One file per command; main.c has the table.  The program holds no key and
 * changes no trail.
 */
#ifndef QUIETUS_AUDIT_H
#define QUIETUS_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/trail.h"
#include "certs/trail_entry.h"

enum audit_exit {
	AUDIT_GOOD = 0,
	AUDIT_NOT_VALID = 2,
	AUDIT_CANNOT = 3, /* something needed is missing or cannot be read */
	AUDIT_USAGE = 64
};

struct audit_command {
	const char *name;
	const char *arguments; /* for the help */
	const char *summary;
	const char *details; /* printed by COMMAND --help */
	/* argv[0] is the command's name; returns the exit status */
	int (*run)(const struct audit_command *c, int argc, char **argv);
};

int cmd_verify(const struct audit_command *c, int argc, char **argv);
int cmd_list(const struct audit_command *c, int argc, char **argv);
int cmd_show(const struct audit_command *c, int argc, char **argv);
int cmd_prove(const struct audit_command *c, int argc, char **argv);

/* The options a command takes; a NULL member is one it does not take. */
struct audit_options {
	const char **key, **checkpoint, **number, **out; /* with a value */
	bool *json;
};

/* Reads options and exactly n other arguments.  -1 to go on, else the exit
 * status: help was printed, or the usage is wrong and was explained. */
int audit_arguments(const struct audit_command *c, int argc, char **argv,
		    const struct audit_options *o, const char **args, int n);

/* The number of an entry; -1 with *e set. */
int audit_index(uint64_t *out, const char *text, struct err *e);

/* Prints the message and returns the exit status that its code stands for. */
int audit_error(const struct err *e);
/* The same for `when` the output could not be written. */
int audit_flush(int status);

/* Prints text that came from an entry: bytes outside 0x20 to 0x7e as %XX. */
void audit_print(const void *text, size_t len);

/* 32 lower-case hexadecimal digits. */
bool audit_case_number(const char *text);

#endif
