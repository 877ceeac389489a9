/*
 * trail_entry.h: an entry of the audit trail, read strictly
 * (docs/formats/trail.md, "An entry").
 *
 * A trail is kept for ever and shown to everybody: nothing stands in it but an
 * event, the random number of a case, a time and digests (I9).
 */
#ifndef QUIETUS_TRAIL_ENTRY_H
#define QUIETUS_TRAIL_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "certs/base/err.h"

struct trail_entry {
	json_t *doc; /* owns the texts */
	const char *event, *number, *time;
	int64_t at;
	const json_t *digests; /* name: 64 hexadecimal digits; at least one */
};

/* Reads the exact bytes of an entry of version 1.  ERR_INVALID says what is
 * not as it should be: not one line of JSON, an unknown key, type, version,
 * event or name of a digest, a case number or time or digest that is none.
 * Then there is nothing to free. */
int trail_entry_read(struct trail_entry *out, const void *data, size_t len,
		     struct err *e);
void trail_entry_release(struct trail_entry *en);

#endif
