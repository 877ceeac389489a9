/* show.h: what quietus-verify prints. */
#ifndef QUIETUS_VERIFY_SHOW_H
#define QUIETUS_VERIFY_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "certs/base/buf.h"
#include "certs/check.h"

struct shown_finding {
	enum finding_grade grade;
	char code[40];
	char *text; /* safe to print */
};

/* Findings are kept so that the result can stand first. */
struct shown {
	struct shown_finding *list;
	size_t n, room;
	bool ascii;  /* the terminal is not UTF-8 */
	bool failed; /* out of memory: something would not be shown */
};

/* Appends s so that it cannot control a terminal or hide text: control and
 * direction-changing characters, and bytes that are not UTF-8 (or, with
 * ascii, not ASCII), become <U+XXXX> or \xNN. */
void show_safe(struct buf *out, const char *s, bool ascii);

/* A check_finding_fn; arg is the struct shown. */
void show_collect(void *arg, enum finding_grade grade, const char *code,
		  const char *text);
void show_release(struct shown *s);

/* For people, and for programs (one JSON document).  doc is the certificate
 * or NULL.  -1 when it could not all be written. */
int show_text(FILE *to, const struct shown *s, enum check_result r,
	      const json_t *doc, bool strict);
int show_json(FILE *to, const struct shown *s, enum check_result r,
	      const json_t *doc);

#endif
