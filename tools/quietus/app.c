#include "tools/quietus/app.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/base/buf.h"
#include "certs/base/clock.h"
#include "certs/base/hex.h"

static const struct option_spec *find_option(const struct option_spec *table,
					     const char *name)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* Takes argv[*i] and, when it has one, its value. */
static int take_option(struct app *app, const struct option_spec *options,
		       int *i, int argc, char **argv)
{
	const char *name = argv[*i];
	if (strcmp(name, "--json") == 0) {
		app->json = true;
		return 0;
	}
	const char *fd = NULL;
	const struct option_spec common = {"--passphrase-fd", &fd, NULL};
	const struct option_spec *o = find_option(options, name);
	if (o == NULL && strcmp(name, common.name) == 0)
		o = &common;
	if (o == NULL) {
		app_warn("quietus: unknown option %s", name);
		return EXIT_BAD_USAGE;
	}
	if (o->flag != NULL) {
		*o->flag = true;
		return 0;
	}
	if (*i + 1 == argc) {
		app_warn("quietus: %s needs a value", name);
		return EXIT_BAD_USAGE;
	}
	*o->value = argv[++*i];
	if (fd != NULL) {
		char *end;
		long n = strtol(fd, &end, 10);
		if (*fd == '\0' || *end != '\0' || n < 0 || n > 65535) {
			app_warn("quietus: --passphrase-fd: \"%s\" is not a "
				 "file descriptor",
				 fd);
			return EXIT_BAD_USAGE;
		}
		app->passphrase_fd = (int)n;
	}
	return 0;
}

int app_arguments(struct app *app, const char **args, int n, const char *what,
		  const struct option_spec *options, int argc, char **argv)
{
	int got = 0;
	bool plain = false;
	for (int i = 1; i < argc; i++) {
		if (!plain && strcmp(argv[i], "--") == 0) {
			plain = true;
		} else if (!plain && argv[i][0] == '-' && argv[i][1] != '\0') {
			int rc = take_option(app, options, &i, argc, argv);
			if (rc != 0)
				return rc;
		} else if (got == n) {
			app_warn("quietus %s: \"%s\" is one argument too many",
				 argv[0], argv[i]);
			return EXIT_BAD_USAGE;
		} else {
			args[got++] = argv[i];
		}
	}
	if (got < n) {
		app_warn("quietus %s: %s is missing; see: quietus help %s",
			 argv[0], what, argv[0]);
		return EXIT_BAD_USAGE;
	}
	return 0;
}

void app_say(const struct app *app, const char *fmt, ...)
{
	if (app->json)
		return;
	va_list ap;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void app_warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int exit_for(const struct app *app, const struct err *e)
{
	switch (e->code) {
	case ERR_USAGE:
		return EXIT_BAD_USAGE;
	case ERR_REFUSED:
	case ERR_DRIFT:
		return EXIT_PRECONDITION;
	default:
		return app->destroyed_something ? EXIT_FAILED_AFTER
						: EXIT_FAILED_BEFORE;
	}
}

/* --json promises one document, also when something went wrong. */
static bool json_said;

int app_fail(const struct app *app, const struct err *e)
{
	int rc = exit_for(app, e);
	app_warn("quietus: %s", e->msg);
	if (e->code == ERR_STOPPED)
		app_warn("quietus: stopped; nothing is lost: the same command "
			 "carries on");
	if (!json_said)
		app_json(app,
			 json_pack("{s:s*, s:i}", "error", e->msg, "exit", rc));
	return rc;
}

void app_json(const struct app *app, json_t *doc)
{
	if (app->json && doc != NULL) {
		json_said = true;
		json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	}
	json_decref(doc);
}

const char *app_count(char out[APP_NUMBER], uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), o = 0;
	for (int i = 0; i < len; i++) {
		if (i != 0 && (len - i) % 3 == 0)
			out[o++] = ',';
		out[o++] = digits[i];
	}
	out[o] = '\0';
	return out;
}

const char *app_bytes(char out[APP_NUMBER], uint64_t n)
{
	static const char *const units[] = {"bytes", "KiB", "MiB",
					    "GiB",   "TiB", "PiB"};
	double v = (double)n;
	size_t u = 0;
	while (v >= 1024 && u + 1 < sizeof(units) / sizeof(units[0])) {
		v /= 1024;
		u++;
	}
	if (u == 0)
		snprintf(out, APP_NUMBER, "%" PRIu64 " bytes", n);
	else
		snprintf(out, APP_NUMBER, "%.1f %s", v, units[u]);
	return out;
}

const char *app_name(char out[APP_NAME], const unsigned char *id, size_t len)
{
	struct buf text;
	buf_init(&text, 4 * len + 16);
	name_escape(&text, id, len);
	snprintf(out, APP_NAME, "%.*s%s", APP_NAME - 5, buf_str(&text),
		 text.len > APP_NAME - 5 ? "..." : "");
	buf_release(&text);
	return out;
}

/* ---- progress ----------------------------------------------------------- */

void progress_start(struct progress *p, const struct app *app,
		    const char *label, uint64_t total)
{
	memset(p, 0, sizeof(*p));
	p->label = label;
	p->total = total;
	p->begun = p->drawn = clock_elapsed();
	p->on = !app->json && isatty(STDERR_FILENO);
}

static void draw(struct progress *p, double now)
{
	char done[APP_NUMBER], total[APP_NUMBER] = "", rate[APP_NUMBER];
	double spent = now - p->begun;
	double per_second = spent > 0 ? (double)p->done / spent : 0;
	char left[48] = "";

	if (p->total != 0) {
		char t[APP_NUMBER];
		snprintf(total, sizeof(total), " of %.24s",
			 app_count(t, p->total));
		if (per_second > 0 && p->done < p->total)
			snprintf(left, sizeof(left), ", %.0f s left",
				 (double)(p->total - p->done) / per_second);
	}
	fprintf(stderr, "\r\033[K%s: %s%s, %s a second%s", p->label,
		app_count(done, p->done), total,
		app_count(rate, (uint64_t)per_second), left);
	fflush(stderr);
	p->drawn = now;
}

void progress_add(struct progress *p, uint64_t n)
{
	p->done += n;
	if (!p->on)
		return;
	double now = clock_elapsed();
	if (now - p->drawn >= 0.2)
		draw(p, now);
}

void progress_end(struct progress *p)
{
	if (p->on && p->drawn != p->begun)
		fputs("\r\033[K", stderr);
}
