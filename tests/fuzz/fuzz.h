/*
 * fuzz.h: what the fuzz targets share.  Each tests/fuzz/NAME.c gives bytes
 * that somebody else wrote to one reader.  A target does more than wait for a
 * crash: what the reader accepted must hold what its header promises, and
 * MUST() stops the program where it does not.
 */
#ifndef QUIETUS_FUZZ_H
#define QUIETUS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define MUST(claim)                                                            \
	do {                                                                   \
		if (!(claim)) {                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n",          \
				__FILE__, __LINE__, #claim);                   \
			abort();                                               \
		}                                                              \
	} while (0)

/* A copy of exactly that size, so that AddressSanitizer sees a read beyond
 * its end; with a NUL behind it where text is needed.  The caller frees it. */
static inline char *fuzz_copy(const uint8_t *data, size_t size, size_t nul)
{
	char *copy = malloc(size + nul + (size + nul == 0));
	if (copy == NULL)
		abort();
	if (size != 0)
		memcpy(copy, data, size);
	if (nul != 0)
		copy[size] = '\0';
	return copy;
}

#endif
