/* clock.h: wall-clock time in UTC and elapsed time. */
#ifndef QUIETUS_CLOCK_H
#define QUIETUS_CLOCK_H

#include <stdint.h>

#define CLOCK_TEXT 21 /* "2026-12-30T00:00:00Z" and its NUL */

/* Seconds since 1970, UTC. */
int64_t clock_now(void);
/* Seconds of a clock that never goes back, for rates and time-outs. */
double clock_elapsed(void);
/* Writes t as RFC 3339 in UTC with second resolution. */
void clock_text(char out[CLOCK_TEXT], int64_t t);
/* Reads "YYYY-MM-DDThh:mm:ssZ" or "YYYY-MM-DD" (its first second, UTC).
 * Nothing else is accepted; days that do not exist are refused.  0 or -1. */
int clock_parse(int64_t *out, const char *text);

#endif
