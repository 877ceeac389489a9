#include "certs/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec;
}

double clock_elapsed(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back; the usual
 * era arithmetic (Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_from_civil(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

void clock_text(char out[CLOCK_TEXT], int64_t t)
{
	struct tm tm;
	time_t when = (time_t)t;
	if (gmtime_r(&when, &tm) == NULL || tm.tm_year > 8099 ||
	    tm.tm_year < -1900)
		memset(&tm, 0, sizeof(tm));
	char text[64];
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec);
	memcpy(out, text, CLOCK_TEXT - 1);
	out[CLOCK_TEXT - 1] = '\0';
}

/* Reads exactly n digits. */
static int digits(int *out, const char **p, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	*out = v;
	return 0;
}

static int month_days(int y, int m)
{
	static const int days[] = {31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31};
	int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return m == 2 && leap ? 29 : days[m - 1];
}

int clock_parse(int64_t *out, const char *text)
{
	int y, mo, d, h = 0, mi = 0, s = 0;
	const char *p = text;

	if (digits(&y, &p, 4) != 0 || *p++ != '-' || digits(&mo, &p, 2) != 0 ||
	    *p++ != '-' || digits(&d, &p, 2) != 0)
		return -1;
	if (mo < 1 || mo > 12 || d < 1 || d > month_days(y, mo))
		return -1;
	if (*p != '\0') {
		if (*p++ != 'T' || digits(&h, &p, 2) != 0 || *p++ != ':' ||
		    digits(&mi, &p, 2) != 0 || *p++ != ':' ||
		    digits(&s, &p, 2) != 0 || *p++ != 'Z' || *p != '\0')
			return -1;
		if (h > 23 || mi > 59 || s > 59)
			return -1;
	}
	*out = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s;
	return 0;
}
