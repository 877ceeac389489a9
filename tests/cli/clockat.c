/* clockat.c: preloaded, sets a program's clock CLOCK_AHEAD seconds ahead. */
#include <stdlib.h>
#include <time.h>

time_t time(time_t *out)
{
	struct timespec now;
	const char *ahead = getenv("CLOCK_AHEAD");
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += ahead != NULL ? strtol(ahead, NULL, 10) : 0;
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
