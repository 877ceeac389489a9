/* wipe.h: forgetting secrets. */
#ifndef QUIETUS_WIPE_H
#define QUIETUS_WIPE_H

#include <stddef.h>

/* Overwrites n bytes at p in a way the compiler may not remove. */
void wipe(void *p, size_t n);

/* Wipes and frees a C string; NULL is harmless. */
void wipe_free(char *s);

/* Forbids core dumps and debugger attachment for this process: a core file
 * would hold keys and the client's data.  Called first in every main(). */
void wipe_no_core(void);

#endif
