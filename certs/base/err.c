#include "certs/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

static void set_v(struct err *e, enum err_code code, const char *tail,
		  const char *fmt, va_list ap)
{
	if (e->code != ERR_NONE)
		return;
	e->code = code;
	int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	if (tail != NULL && n >= 0 && (size_t)n < sizeof(e->msg))
		snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", tail);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_v(e, code, NULL, fmt, ap);
	va_end(ap);
	return -1;
}

int err_add(struct err *e, const char *fmt, ...)
{
	char context[512], old[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	memcpy(old, e->msg, sizeof(old));
	/* a cut message is better than none; %.*s keeps it in bounds */
	snprintf(e->msg, sizeof(e->msg), "%s: %.*s", context,
		 (int)(sizeof(e->msg) - strlen(context) - 3), old);
	return -1;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	char why[128];
	va_list ap;

	if (strerror_r(saved, why, sizeof(why)) != 0)
		snprintf(why, sizeof(why), "system error %d", saved);
	va_start(ap, fmt);
	set_v(e, saved == ENOENT ? ERR_MISSING : ERR_FAILED, why, fmt, ap);
	va_end(ap);
	return -1;
}

int err_openssl(struct err *e, enum err_code code, const char *fmt, ...)
{
	unsigned long first = ERR_get_error();
	const char *why = first != 0 ? ERR_reason_error_string(first) : NULL;
	va_list ap;

	va_start(ap, fmt);
	set_v(e, code, why, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return -1;
}

void err_clear(struct err *e)
{
	e->code = ERR_NONE;
	e->msg[0] = '\0';
}
