/* passphrase.h: the passphrase of an encrypted private key. */
#ifndef QUIETUS_PASSPHRASE_H
#define QUIETUS_PASSPHRASE_H

#include <stddef.h>

#include "certs/base/err.h"

#define PASSPHRASE_MAX 1024 /* with its NUL */

/*
 * Reads a passphrase: the first line of fd when fd >= 0 (what follows the
 * line is left unread), else from the terminal without echo, asking for the
 * key called name.  ERR_USAGE when there is no terminal, no line, or a line
 * that is too long; ERR_STOPPED when the person gave up (Ctrl-C) or a signal
 * came.  The caller wipes out.
 */
int passphrase_read(char out[PASSPHRASE_MAX], int fd, const char *name,
		    struct err *e);

#endif
