/* --item: what the inventory says of one name (docs/formats/inventory.md). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/hex.h"
#include "certs/check_private.h"
#include "certs/record.h"

#define MATCHES 20 /* printed */
#define NAME_MAX_BYTES (256 * 1024)

/* Bytes of an id or of a name. */
struct part {
	const unsigned char *p;
	size_t n;
};

/* The range of rows of one table that begins last at or before the key. */
struct range {
	struct buf table; /* source, NUL, table */
	struct buf key;
	bool open, any; /* a table is being read; it has such a range */
};

struct wanted {
	struct check *c;
	const char *name;
	struct buf item;
	struct range range;
	uint64_t matches, tables;
	struct buf ranges; /* sentences about tables of that name */
};

static bool bytes_are(struct part a, const char *name)
{
	return a.n == strlen(name) && memcmp(a.p, name, a.n) == 0;
}

/* ---- keys of rows ------------------------------------------------------- */

static bool digit(struct part k, size_t i)
{
	return i < k.n && k.p[i] >= '0' && k.p[i] <= '9';
}

/* Compares the digits at *i and *j as numbers of any length, and steps over
 * them. */
static int numbers(struct part a, size_t *i, struct part b, size_t *j)
{
	size_t ai, bj;

	while (digit(a, *i + 1) && a.p[*i] == '0')
		(*i)++;
	while (digit(b, *j + 1) && b.p[*j] == '0')
		(*j)++;
	for (ai = *i; digit(a, ai); ai++)
		continue;
	for (bj = *j; digit(b, bj); bj++)
		continue;
	size_t n = ai - *i, m = bj - *j;
	int order = n != m ? (n > m ? 1 : -1) : memcmp(a.p + *i, b.p + *j, n);
	*i = ai;
	*j = bj;
	return order;
}

/* Key columns are joined by commas; numbers among them stand in equal widths
 * in ids, and as people write them in names: they compare as numbers. */
static int key_compare(struct part a, struct part b)
{
	size_t i = 0, j = 0;
	bool begins = true; /* a column begins here */

	while (i < a.n && j < b.n) {
		bool minus = begins && a.p[i] == '-' && b.p[j] == '-' &&
			     digit(a, i + 1) && digit(b, j + 1);
		i += minus;
		j += minus;
		if (begins && digit(a, i) && digit(b, j)) {
			int order = numbers(a, &i, b, &j);
			if (order != 0)
				return minus ? -order : order;
			begins = false;
			continue;
		}
		if (a.p[i] != b.p[j])
			return a.p[i] > b.p[j] ? 1 : -1;
		begins = a.p[i] == ',';
		i++;
		j++;
	}
	return (i < a.n) - (j < b.n);
}

/* Texts stand between quotes in ids; people leave them out. */
static struct part unquoted(struct part k)
{
	if (k.n >= 2 && k.p[0] == '\'' && k.p[k.n - 1] == '\'')
		return (struct part){k.p + 1, k.n - 2};
	return k;
}

/* A range of rows is "0003 table first-key": an order, the table (which has
 * no space in it), the key.  False for what is not. */
static bool row_parts(struct part *table, struct part *key, struct part id)
{
	size_t start = 0;
	while (digit(id, start))
		start++;
	if (start == 0 || start == id.n || id.p[start] != ' ')
		return false;
	start++;
	size_t end = start;
	while (end < id.n && id.p[end] != ' ')
		end++;
	*table = (struct part){id.p + start, end - start};
	end += end < id.n;
	*key = (struct part){id.p + end, id.n - end};
	return table->n > 0;
}

/* ---- ranges that may hold a row ----------------------------------------- */

/* The table is read to its end: keeps what there is to say of it. */
static void close_table(struct wanted *w)
{
	struct range *r = &w->range;

	if (!r->open)
		return;
	r->open = false;
	w->tables++;
	if (w->tables > MATCHES || buf_failed(&r->table))
		return;
	const char *source = buf_str(&r->table);
	const char *table = source + strlen(source) + 1;
	if (r->any)
		buf_putf(&w->ranges,
			 " Source %s, table %s: the range that begins with "
			 "\"%s\" may hold it.",
			 source, table, buf_str(&r->key));
	else
		buf_putf(&w->ranges,
			 " Source %s, table %s: all ranges begin after it.",
			 source, table);
}

/* A range of the table that was asked about, which begins with another key. */
static void may_hold(struct wanted *w, const char *source, struct part table,
		     struct part key, struct part asked)
{
	struct range *r = &w->range;
	size_t n = strlen(source) + 1;
	bool same = r->open && r->table.len == n + table.n &&
		    memcmp(r->table.data, source, n) == 0 &&
		    memcmp(r->table.data + n, table.p, table.n) == 0;

	if (!same) {
		close_table(w);
		buf_reset(&r->table);
		buf_put(&r->table, source, n);
		buf_put(&r->table, table.p, table.n);
		r->open = true;
		r->any = false;
	}
	struct part plain = unquoted(key);
	if (key_compare(plain, unquoted(asked)) > 0)
		return;
	if (r->any) {
		struct part best = {r->key.data, r->key.len};
		if (key_compare(plain, unquoted(best)) < 0)
			return;
	}
	r->any = true;
	buf_reset(&r->key);
	buf_put(&r->key, key.p, key.n);
}

/* True when the range is called that; when only its table is, the range is
 * kept in mind. */
static bool row_is(struct wanted *w, const char *source, struct part id,
		   const char *name)
{
	struct part table, key;

	if (!row_parts(&table, &key, id))
		return false;
	if (bytes_are(table, name))
		return true;
	if (strncmp(name, (const char *)table.p, table.n) != 0 ||
	    name[table.n] != ' ')
		return false;
	const char *rest = name + table.n + 1;
	struct part asked = {(const unsigned char *)rest, strlen(rest)};
	if (key_compare(key, asked) == 0 ||
	    key_compare(unquoted(key), unquoted(asked)) == 0)
		return true;
	may_hold(w, source, table, key, asked);
	return false;
}

/* ---- names -------------------------------------------------------------- */

/* A file is "/dir/file" below the source's folder; people leave the first
 * slash out. */
static bool file_is(struct part id, const char *name)
{
	return id.n > 1 && id.p[0] == '/' &&
	       bytes_are((struct part){id.p + 1, id.n - 1}, name);
}

static bool name_matches(struct wanted *w, const struct record *r,
			 const char *name)
{
	struct part id = {r->id, r->id_len}, head = id;

	buf_reset(&w->item);
	if (name_escape(&w->item, r->id, r->id_len) == 0 &&
	    strcmp(buf_str(&w->item), name) == 0)
		return true;
	const unsigned char *nul = memchr(r->id, 0, r->id_len);
	if (nul != NULL)
		head.n = (size_t)(nul - r->id);
	return bytes_are(id, name) || bytes_are(head, name) ||
	       file_is(head, name) || row_is(w, r->source, head, name);
}

void wanted_line(struct wanted *w, const struct inventory_line *l,
		 uint64_t line)
{
	const char *source = l->record.source;
	size_t n = strlen(source);

	bool hit = name_matches(w, &l->record, w->name);
	if (!hit && strncmp(w->name, source, n) == 0 && w->name[n] == ':')
		hit = name_matches(w, &l->record, w->name + n + 1);
	if (!hit)
		return;
	w->matches++;
	if (w->matches > MATCHES)
		return;
	buf_reset(&w->item);
	buf_put(&w->item, l->text, l->text_len);
	check_say(w->c, FINDING_GOOD, "item-covered",
		  "Covered: class %s, verdict %s, line %" PRIu64 ": %s",
		  class_name(l->record.cls), verdict_name(l->verdict), line,
		  buf_str(&w->item));
}

/* What was found is worth what the inventory is worth. */
void wanted_result(struct wanted *w, bool whole)
{
	close_table(w);
	if (!whole)
		check_say(w->c, FINDING_NOTE, "item-unproven",
			  "About \"%s\" nothing is proven: the inventory is "
			  "not the one that the certificate is about.",
			  w->name);
	else if (w->matches != 0)
		check_say(w->c, FINDING_GOOD, "item-proven",
			  "%" PRIu64 " item(s) called \"%s\" are in the "
			  "inventory, which leads to the certificate's roots.",
			  w->matches, w->name);
	else if (w->tables != 0)
		check_say(w->c, FINDING_NOTE, "item-cannot-tell",
			  "Whether \"%s\" was covered cannot be told from the "
			  "name alone: rows are kept in ranges.%s",
			  w->name, buf_str(&w->ranges));
	else
		check_say(w->c, FINDING_NOTE, "item-not-covered",
			  "No item called \"%s\" was in the inventory. "
			  "(Compared with whole ids and with their readable "
			  "part; rows are items by ranges, called by their "
			  "table and first key.)",
			  w->name);
}

struct wanted *wanted_new(struct check *c)
{
	struct wanted *w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->c = c;
	w->name = c->in->item;
	buf_init(&w->item, NAME_MAX_BYTES);
	buf_init(&w->range.table, NAME_MAX_BYTES);
	buf_init(&w->range.key, NAME_MAX_BYTES);
	buf_init(&w->ranges, 64 * NAME_MAX_BYTES);
	return w;
}

void wanted_free(struct wanted *w)
{
	if (w == NULL)
		return;
	buf_release(&w->item);
	buf_release(&w->range.table);
	buf_release(&w->range.key);
	buf_release(&w->ranges);
	free(w);
}
