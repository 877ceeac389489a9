#include "certs/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "certs/base/wipe.h"

static int from_fd(char out[PASSPHRASE_MAX], int fd, const char *name,
		   struct err *e)
{
	size_t n = 0;
	/* one byte at a time: the line after this one may be another key's */
	for (;;) {
		char c;
		ssize_t got = read(fd, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, "reading the passphrase of %s",
					 name);
		if (got == 0 || c == '\n')
			break;
		if (n + 1 >= PASSPHRASE_MAX)
			return err_set(e, ERR_USAGE,
				       "the passphrase of %s is longer than "
				       "%d bytes",
				       name, PASSPHRASE_MAX - 1);
		out[n++] = c;
	}
	if (n > 0 && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	if (n == 0)
		return err_set(e, ERR_USAGE,
			       "%s is encrypted, and --passphrase-fd gave an "
			       "empty line",
			       name);
	return 0;
}

static void say(int tty, const char *text)
{
	ssize_t n = write(tty, text, strlen(text));
	(void)n; /* a prompt that cannot be shown is no reason to fail */
}

/* One line, the terminal's own line editing being off. */
static int type_line(char out[PASSPHRASE_MAX], int tty, const char *name,
		     struct err *e)
{
	enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DEL = 127 };
	size_t n = 0;
	for (;;) {
		char c;
		ssize_t got = read(tty, &c, 1);
		if (got != 1 || c == CTRL_C || (c == CTRL_D && n == 0))
			return err_set(e, ERR_STOPPED,
				       "%s: no passphrase was given", name);
		if (c == '\n' || c == '\r')
			break;
		if (c == CTRL_U)
			n = 0;
		else if (c == BACKSPACE || c == DEL)
			n -= n > 0;
		else if (n + 1 < PASSPHRASE_MAX)
			out[n++] = c;
		else
			return err_set(e, ERR_USAGE,
				       "%s: the passphrase is too long", name);
	}
	out[n] = '\0';
	return 0;
}

static int from_terminal(char out[PASSPHRASE_MAX], const char *name,
			 struct err *e)
{
	struct termios old, quiet;
	char prompt[256];

	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0 || tcgetattr(tty, &old) != 0) {
		if (tty >= 0)
			close(tty);
		return err_set(e, ERR_USAGE,
			       "%s is encrypted and there is no terminal to "
			       "ask on: give its passphrase with "
			       "--passphrase-fd N",
			       name);
	}
	quiet = old;
	/* Ctrl-C comes as a byte, so that the echo is always restored */
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	snprintf(prompt, sizeof(prompt), "Passphrase of %.200s: ", name);
	say(tty, prompt);
	int rc = -1;
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
		err_errno(e, "switching the terminal's echo off");
	else
		rc = type_line(out, tty, name, e);
	tcsetattr(tty, TCSAFLUSH, &old);
	say(tty, "\n");
	close(tty);
	return rc;
}

int passphrase_read(char out[PASSPHRASE_MAX], int fd, const char *name,
		    struct err *e)
{
	int rc = fd >= 0 ? from_fd(out, fd, name, e)
			 : from_terminal(out, name, e);
	if (rc != 0)
		wipe(out, PASSPHRASE_MAX);
	return rc;
}
