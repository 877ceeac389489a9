#include "providers/http/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

struct xml {
	XML_Parser parser;
	xml_fn *fn;
	void *arg;
	int depth;
	bool leaf; /* no child seen since the last start tag */
	bool failed;
	size_t total;
	struct buf text;
	bool lenient;
	size_t replaced;
	char held[12]; /* the beginning of a character reference */
	size_t held_len;
	char why[120];
};

static void stop(struct xml *x, const char *why)
{
	if (x->failed)
		return;
	x->failed = true;
	snprintf(x->why, sizeof(x->why), "%s", why);
	XML_StopParser(x->parser, XML_FALSE);
}

/* "ns:name" counts as "name": stores differ in their prefixes. */
static const char *local(const char *name)
{
	const char *colon = strchr(name, ':');
	return colon != NULL ? colon + 1 : name;
}

static void XMLCALL on_start(void *arg, const XML_Char *name,
			     const XML_Char **attributes)
{
	struct xml *x = arg;

	(void)attributes;
	if (x->failed)
		return;
	if (++x->depth > XML_DEPTH) {
		stop(x, "elements are nested too deeply");
		return;
	}
	x->leaf = true;
	x->text.len = 0;
	if (x->fn(x->arg, x->depth, local(name), NULL, 0) != 0)
		stop(x, "an element is not where it belongs");
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct xml *x = arg;

	if (x->failed)
		return;
	size_t len = x->leaf ? x->text.len : 0;
	const char *text = len != 0 ? buf_str(&x->text) : "";
	if (x->fn(x->arg, x->depth, local(name), text, len) != 0)
		stop(x, "an element has a value that it cannot have");
	x->leaf = false;
	x->text.len = 0;
	x->depth--;
}

static void XMLCALL on_text(void *arg, const XML_Char *s, int len)
{
	struct xml *x = arg;

	if (x->failed || !x->leaf)
		return;
	if (buf_put(&x->text, s, (size_t)len) != 0)
		stop(x, "an element's text is too long");
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name,
			       const XML_Char *sysid, const XML_Char *pubid,
			       int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	stop(arg, "it declares a document type, which no store does");
}

struct xml *xml_new(void)
{
	struct xml *x = calloc(1, sizeof(*x));
	if (x == NULL)
		return NULL;
	buf_init(&x->text, XML_TEXT_MAX);
	x->parser = XML_ParserCreate("UTF-8");
	if (x->parser == NULL) {
		xml_free(x);
		return NULL;
	}
	return x;
}

void xml_free(struct xml *x)
{
	if (x == NULL)
		return;
	if (x->parser != NULL)
		XML_ParserFree(x->parser);
	buf_release(&x->text);
	free(x);
}

int xml_start(struct xml *x, xml_fn *fn, void *arg)
{
	if (XML_ParserReset(x->parser, "UTF-8") != XML_TRUE)
		return -1;
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	x->fn = fn;
	x->arg = arg;
	x->depth = 0;
	x->leaf = false;
	x->failed = false;
	x->total = 0;
	x->lenient = false;
	x->replaced = x->held_len = 0;
	x->why[0] = '\0';
	buf_reset(&x->text);
	return 0;
}

void xml_lenient(struct xml *x)
{
	x->lenient = true;
}

size_t xml_replaced(const struct xml *x)
{
	return x->replaced;
}

static int parse(struct xml *x, const void *data, size_t len)
{
	if (len != 0 &&
	    XML_Parse(x->parser, data, (int)len, 0) != XML_STATUS_OK)
		stop(x, XML_ErrorString(XML_GetErrorCode(x->parser)));
	return x->failed ? -1 : 0;
}

/* "&#x1;" and its like, which XML forbids even as a reference. */
static bool forbidden(const char *held, size_t len)
{
	unsigned long c;
	char text[13];

	memcpy(text, held, len);
	text[len] = '\0';
	c = text[2] == 'x' ? strtoul(text + 3, NULL, 16)
			   : strtoul(text + 2, NULL, 10);
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
	       (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff ||
	       c > 0x10ffff;
}

/* One byte of a lenient document into out (room for 12); how many came. */
static size_t filter(struct xml *x, char c, char *out)
{
	if (x->held_len != 0) {
		size_t n = x->held_len + 1;
		x->held[x->held_len++] = c;
		bool whole = c == ';';
		if (!whole && n < sizeof(x->held) && (n != 2 || c == '#'))
			return 0;
		x->held_len = 0;
		if (whole && n > 3 && x->held[1] == '#' &&
		    forbidden(x->held, n)) {
			x->replaced++;
			out[0] = '?';
			return 1;
		}
		memcpy(out, x->held, n);
		return n;
	}
	if (c == '&') {
		x->held[x->held_len++] = c;
		return 0;
	}
	unsigned char u = (unsigned char)c;
	if ((u < 0x20 && u != '\t' && u != '\n' && u != '\r') || u >= 0x80) {
		x->replaced++;
		c = '?';
	}
	out[0] = c;
	return 1;
}

int xml_feed(struct xml *x, const void *data, size_t len)
{
	char clean[4096];
	const char *p = data;
	size_t n = 0;

	if (x->failed)
		return -1;
	x->total += len;
	if (x->total > XML_SIZE_MAX) {
		stop(x, "it is too large");
		return -1;
	}
	if (!x->lenient)
		return parse(x, data, len);
	for (size_t i = 0; i < len; i++) {
		n += filter(x, p[i], clean + n);
		if (n + sizeof(x->held) > sizeof(clean)) {
			if (parse(x, clean, n) != 0)
				return -1;
			n = 0;
		}
	}
	return parse(x, clean, n);
}

int xml_end(struct xml *x)
{
	if (x->failed || parse(x, x->held, x->held_len) != 0)
		return -1;
	if (XML_Parse(x->parser, "", 0, 1) != XML_STATUS_OK)
		stop(x, XML_ErrorString(XML_GetErrorCode(x->parser)));
	return x->failed ? -1 : 0;
}

const char *xml_why(const struct xml *x)
{
	return x->why;
}

/* ---- small documents ---------------------------------------------------- */

#define DOC_MAX 65536

void xml_doc_init(struct xml_doc *d)
{
	memset(d, 0, sizeof(*d));
	buf_init(&d->paths, DOC_MAX);
}

void xml_doc_release(struct xml_doc *d)
{
	buf_release(&d->paths);
	d->root[0] = '\0';
}

struct doc_reader {
	struct xml_doc *d;
	char path[512];
	size_t ends[XML_DEPTH + 1]; /* length of path at each depth */
};

/* paths holds "path\0text\0" for each element, in the order of their ends. */
static int doc_element(void *arg, int depth, const char *name, const char *text,
		       size_t len)
{
	struct doc_reader *r = arg;

	if (depth == 1) {
		if (text == NULL)
			snprintf(r->d->root, sizeof(r->d->root), "%s", name);
		/* a root with text alone (LocationConstraint) has path "" */
		if (text != NULL) {
			buf_putc(&r->d->paths, '\0');
			buf_put(&r->d->paths, text, len);
			buf_putc(&r->d->paths, '\0');
		}
		return buf_failed(&r->d->paths) ? -1 : 0;
	}
	if (text == NULL) {
		size_t at = r->ends[depth - 1];
		int n = snprintf(r->path + at, sizeof(r->path) - at, "%s%s",
				 at != 0 ? "/" : "", name);
		if (n < 0 || (size_t)n >= sizeof(r->path) - at)
			return -1;
		r->ends[depth] = at + (size_t)n;
		return 0;
	}
	buf_put(&r->d->paths, r->path, r->ends[depth]);
	buf_putc(&r->d->paths, '\0');
	buf_put(&r->d->paths, text, len);
	buf_putc(&r->d->paths, '\0');
	return buf_failed(&r->d->paths) ? -1 : 0;
}

int xml_doc_read(struct xml_doc *d, const void *body, size_t len)
{
	int rc = -1;
	struct doc_reader r;
	struct xml *x = xml_new();

	memset(&r, 0, sizeof(r));
	r.d = d;
	buf_reset(&d->paths);
	d->root[0] = '\0';
	if (x == NULL || xml_start(x, doc_element, &r) != 0)
		goto out;
	if (xml_feed(x, body, len) != 0 || xml_end(x) != 0) {
		buf_reset(&d->paths);
		goto out;
	}
	rc = 0;
out:
	xml_free(x);
	return rc;
}

static const char *doc_find(const struct xml_doc *d, const char *path, size_t n,
			    size_t *count)
{
	const char *p = buf_str(&d->paths);
	const char *end = p + d->paths.len;

	*count = 0;
	while (p < end) {
		const char *text = p + strlen(p) + 1;
		if (strcmp(p, path) == 0 && (*count)++ == n)
			return text;
		p = text + strlen(text) + 1;
	}
	return NULL;
}

const char *xml_doc_get(const struct xml_doc *d, const char *path, size_t n)
{
	size_t count;
	return doc_find(d, path, n, &count);
}

size_t xml_doc_count(const struct xml_doc *d, const char *path)
{
	size_t count;
	doc_find(d, path, (size_t)-1, &count);
	return count;
}
