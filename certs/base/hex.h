/* hex.h: bytes as lower-case hexadecimal and as percent-escaped names. */
#ifndef QUIETUS_HEX_H
#define QUIETUS_HEX_H

#include <stddef.h>

#include "certs/base/buf.h"

/* Writes 2*len digits and a NUL to out. */
void hex_encode(char *out, const unsigned char *in, size_t len);
/* Reads exactly len bytes from 2*len digits, either case.  -1 when the text
 * has another length or another character. */
int hex_decode(unsigned char *out, size_t len, const char *text);

/*
 * Escaped names.  An item's id is any bytes; wherever it is written as text
 * (records, inventory, messages) bytes outside 0x20-0x7e and the three
 * characters % " \ are written as %XX with upper-case digits.  The result is
 * plain ASCII, needs no escaping inside a JSON string, cannot control a
 * terminal, and reads back to the same bytes.
 */
int name_escape(struct buf *out, const void *name, size_t len);
/* The reverse; -1 on a malformed escape or a byte that must be escaped. */
int name_unescape(struct buf *out, const char *text, size_t len);

#endif
