/*
 * xml.h: reading a store's XML answers as they arrive (expat).
 *
 * Memory is constant: one element's text at a time.  A document type
 * declaration (and with it every entity of one's own) is refused, as are text,
 * depth and size beyond the stated maxima.
 */
#ifndef QUIETUS_XML_H
#define QUIETUS_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"

#define XML_DEPTH 12
#define XML_TEXT_MAX 16384		/* one element's text */
#define XML_SIZE_MAX (16 * 1024 * 1024) /* one document */

struct xml;

/* An element begins (text NULL) or ends (its own text, NUL-terminated, which
 * it may hold only if it has no child elements).  depth is 1 for the root.
 * Returns 0, or -1 to refuse the document. */
typedef int xml_fn(void *arg, int depth, const char *name, const char *text,
		   size_t len);

/* NULL when memory is exhausted; xml_free(NULL) is harmless. */
struct xml *xml_new(void);
void xml_free(struct xml *x);

/* Begins a document; whatever was read before is forgotten.  0 or -1. */
int xml_start(struct xml *x, xml_fn *fn, void *arg);
/* From here on reads a document although it holds characters that XML cannot
 * (a store that echoes a marker with control characters): each of them, and
 * everything that is not ASCII, becomes "?".  xml_replaced() says how many;
 * then texts that are not encoded otherwise must not be trusted. */
void xml_lenient(struct xml *x);
size_t xml_replaced(const struct xml *x);
/* The next bytes.  After a failure further bytes fail too. */
int xml_feed(struct xml *x, const void *data, size_t len);
/* The document ends here: 0 only if it was whole and well-formed. */
int xml_end(struct xml *x);
/* Why it failed. */
const char *xml_why(const struct xml *x);

/*
 * A small document read whole: its elements' texts by path
 * ("Rule/Destination/Bucket", without the root).  At most 64 KiB of names and
 * texts.
 */
struct xml_doc {
	char root[64]; /* "" when there was no element at all */
	struct buf paths;
};

void xml_doc_init(struct xml_doc *d);
void xml_doc_release(struct xml_doc *d);
/* 0, or -1 when the body is not one well-formed document; root is filled as
 * soon as it was read, also when the rest is broken. */
int xml_doc_read(struct xml_doc *d, const void *body, size_t len);
/* The n-th (from 0) text at that path, or NULL.  An element without text has
 * "". */
const char *xml_doc_get(const struct xml_doc *d, const char *path, size_t n);
/* How many elements have that path. */
size_t xml_doc_count(const struct xml_doc *d, const char *path);

#endif
