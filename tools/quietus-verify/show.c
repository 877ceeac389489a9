#include "tools/quietus-verify/show.h"

#include <stdlib.h>
#include <string.h>

#include "certs/base/words.h"

/* ---- text from files, made harmless ------------------------------------- */

/* Length of the UTF-8 character at p (1 to 4) and its value; 0 when the bytes
 * are not UTF-8 (overlong forms and surrogates are not). */
static size_t utf8(unsigned long *out, const unsigned char *p)
{
	static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80		   ? 1
		   : (p[0] & 0xe0) == 0xc0 ? 2
		   : (p[0] & 0xf0) == 0xe0 ? 3
		   : (p[0] & 0xf8) == 0xf0 ? 4
					   : 0;
	unsigned long c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (n == 0 || c < least[n] || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

/* Characters that move, hide or reorder text on a screen. */
static bool hides(unsigned long c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad ||
	       c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x3164 ||
	       (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
	       (c >= 0xfff0 && c <= 0xfffb) || c >= 0xe0000;
}

void show_safe(struct buf *out, const char *s, bool ascii)
{
	const unsigned char *p = (const unsigned char *)s;
	while (*p != 0) {
		unsigned long c = 0;
		size_t n = utf8(&c, p);
		if (n == 0) {
			buf_putf(out, "\\x%02X", *p++);
			continue;
		}
		if (hides(c) || (ascii && c > 0x7e))
			buf_putf(out, "<U+%04lX>", c);
		else
			buf_put(out, p, n);
		p += n;
	}
}

/* ---- findings -------------------------------------------------------------
 */

void show_collect(void *arg, enum finding_grade grade, const char *code,
		  const char *text)
{
	struct shown *s = arg;
	struct buf safe;

	if (s->n == s->room) {
		size_t room = s->room * 2 + 16;
		struct shown_finding *list =
			realloc(s->list, room * sizeof(*list));
		if (list == NULL) {
			s->failed = true;
			return;
		}
		s->list = list;
		s->room = room;
	}
	buf_init(&safe, 65536);
	show_safe(&safe, text, s->ascii);
	struct shown_finding *f = &s->list[s->n];
	f->grade = grade;
	snprintf(f->code, sizeof(f->code), "%s", code);
	f->text = strdup(buf_str(&safe));
	buf_release(&safe);
	if (f->text == NULL)
		s->failed = true;
	else
		s->n++;
}

void show_release(struct shown *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i].text);
	free(s->list);
	memset(s, 0, sizeof(*s));
}

/* ---- for people ------------------------------------------------------------
 */

static void put_safe(FILE *to, const char *s, bool ascii)
{
	struct buf safe;
	buf_init(&safe, 65536);
	show_safe(&safe, s, ascii);
	fputs(buf_str(&safe), to);
	buf_release(&safe);
}

static const char *text_of(const json_t *obj, const char *key)
{
	const char *s = json_string_value(json_object_get(obj, key));
	return s != NULL ? s : "";
}

/* Prints text behind a label, folded at 78 columns. */
static void put_folded(FILE *to, const char *label, const char *text)
{
	size_t indent = strlen(label), column = indent;
	fputs(label, to);
	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		if (column > indent && column + 1 + n > 78) {
			fprintf(to, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', to);
			column++;
		}
		fwrite(text, 1, n, to);
		column += n;
		text += n;
		text += *text == ' ';
	}
	fputc('\n', to);
}

static void put_count(FILE *to, const json_t *v)
{
	if (json_is_integer(v))
		fprintf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		put_safe(to, json_is_string(v) ? json_string_value(v) : "0",
			 true);
}

static void put_reservations(FILE *to, const json_t *list, bool ascii)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		struct buf line;
		buf_init(&line, 1 << 20);
		show_safe(&line, text_of(r, "source"), ascii);
		if (*text_of(r, "class") != '\0') {
			buf_puts(&line, ", ");
			show_safe(&line, text_of(r, "class"), ascii);
		}
		buf_puts(&line, ": ");
		show_safe(&line, text_of(r, "verdict"), ascii);
		const json_t *items = json_object_get(r, "items");
		if (json_integer_value(items) > 0)
			buf_putf(&line, ", %" JSON_INTEGER_FORMAT " items",
				 json_integer_value(items));
		buf_puts(&line, ": ");
		show_safe(&line, text_of(r, "reason"), ascii);
		put_folded(to, "  - ", buf_str(&line));
		buf_release(&line);
	}
}

/* The name of what was checked; only the checks' own word for the kind. */
static const char *called(const char *kind)
{
	switch (kind_parse(kind)) {
	case KIND_FINAL:
		return "final certificate of destruction";
	case KIND_INTERIM:
		return "interim certificate of destruction";
	case KIND_EXCEPTION:
		return "exception report";
	default:
		return "document";
	}
}

static void put_result(FILE *to, const struct shown *s, enum check_result r,
		       const json_t *doc, bool strict)
{
	const char *kind = text_of(doc, "kind");
	const json_t *list = json_object_get(doc, "reservations");
	size_t n = json_array_size(list);
	bool final = kind_parse(kind) == KIND_FINAL;

	switch (r) {
	case CHECK_VALID_FINAL:
	case CHECK_VALID_NOT_FINAL:
		fprintf(to, "VALID%s: %s, ",
			r == CHECK_VALID_FINAL ? "" : ", NOT FINAL",
			called(kind));
		if (n == 0)
			fputs("without reservations.\n", to);
		else
			fprintf(to, "with %zu reservation%s.\n", n,
				n == 1 ? "" : "s");
		if (final && r == CHECK_VALID_NOT_FINAL && strict)
			fputs("It is final in itself; --strict does not let "
			      "reservations pass.\n",
			      to);
		break;
	case CHECK_NOT_VALID:
		fprintf(to,
			"NOT VALID: do not rely on this document (it calls "
			"itself: %s%s).\n",
			called(kind), n != 0 ? ", with reservations" : "");
		break;
	default:
		fprintf(to,
			"CANNOT BE CHECKED: something needed is missing (it "
			"calls itself: %s, %zu reservation%s).\n",
			called(kind), n, n == 1 ? "" : "s");
	}
	put_reservations(to, list, s->ascii);
}

static void put_about(FILE *to, const struct shown *s, const json_t *doc)
{
	static const struct {
		const char *label, *member, *key;
	} rows[] = {
		{"controller", "controller", "name"},
		{"processor", "processor", "name"},
		{"contract", "contract", "reference"},
		{"instruction", "instruction", "choice"},
	};
	if (doc == NULL)
		return;
	fputs("\nAbout\n", to);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fprintf(to, "  %-12s ", rows[i].label);
		put_safe(to,
			 text_of(json_object_get(doc, rows[i].member),
				 rows[i].key),
			 s->ascii);
		fputc('\n', to);
	}
	fprintf(to, "  %-12s ", "case");
	put_safe(to, text_of(doc, "case"), s->ascii);
	fputs(" (", to);
	put_safe(to, text_of(doc, "closeout"), s->ascii);
	fputs(")\n", to);
	fprintf(to, "  %-12s ", "issued");
	put_safe(to, text_of(doc, "issued"), s->ascii);
	fprintf(to, "\n  %-12s ", "items");
	put_count(to, json_object_get(json_object_get(doc, "totals"), "items"));
	fputc('\n', to);
}

static void put_findings(FILE *to, const struct shown *s,
			 enum finding_grade grade, const char *title,
			 const char *label)
{
	bool any = false;
	for (size_t i = 0; i < s->n; i++) {
		if (s->list[i].grade != grade)
			continue;
		if (!any)
			fprintf(to, "\n%s\n", title);
		any = true;
		put_folded(to, label, s->list[i].text);
	}
}

static void put_texts(FILE *to, const struct shown *s, const json_t *list,
		      const char *title)
{
	if (json_array_size(list) != 0)
		fprintf(to, "\n%s\n", title);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct buf line;
		const char *text = json_string_value(json_array_get(list, i));
		buf_init(&line, 1 << 20);
		show_safe(&line, text != NULL ? text : "", s->ascii);
		put_folded(to, "  - ", buf_str(&line));
		buf_release(&line);
	}
}

static const char *const words_of_vendor[] = {
	"that the list of sources is complete: no other system holds the "
	"client's data",
	"that the stores answered truthfully, and that the program which "
	"asked them is the one it says it is",
	"the times: the clocks are the processor's",
	"the audit trail: its key is the processor's own, and a log that only "
	"its owner shows proves the order of its entries, not that they are "
	"all, unless you know an earlier checkpoint of it",
};

/* Without the inventory, its roots are just numbers. */
static bool inventory_checked(const struct shown *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->list[i].code, "inventory") == 0)
			return true;
	return false;
}

int show_text(FILE *to, const struct shown *s, enum check_result r,
	      const json_t *doc, bool strict)
{
	put_result(to, s, r, doc, strict);
	put_about(to, s, doc);
	put_texts(to, s, json_object_get(doc, "findings"),
		  "What the document itself reports as unfinished");
	put_findings(to, s, FINDING_BAD, "What is wrong", "  [bad]     ");
	put_findings(to, s, FINDING_MISSING, "What is missing", "  [missing] ");
	put_findings(to, s, FINDING_GOOD, "What was checked", "  [ok]      ");
	put_findings(to, s, FINDING_NOTE, "Worth knowing", "  [note]    ");
	if (r == CHECK_VALID_FINAL || r == CHECK_VALID_NOT_FINAL) {
		fputs("\nWhat still rests on the vendor's word\n", to);
		for (size_t i = 0;
		     i < sizeof(words_of_vendor) / sizeof(words_of_vendor[0]);
		     i++)
			put_folded(to, "  - ", words_of_vendor[i]);
		if (!inventory_checked(s))
			put_folded(to, "  - ",
				   "what was in the inventory: it was not "
				   "given (--inventory)");
	}
	put_texts(to, s, json_object_get(doc, "limits"),
		  "Limits that the document states");
	return fflush(to) == 0 && !ferror(to) && !s->failed ? 0 : -1;
}

/* ---- for programs -----------------------------------------------------------
 */

int show_json(FILE *to, const struct shown *s, enum check_result r,
	      const json_t *doc)
{
	static const char *const results[] = {"valid-final", "valid-not-final",
					      "not-valid", "cannot-be-checked"};
	static const char *const grades[] = {"good", "note", "missing", "bad"};
	json_t *o = json_object(), *list = json_array();
	json_t *reservations = json_object_get(doc, "reservations");

	json_object_set_new(o, "result", json_string(results[r]));
	json_object_set_new(o, "exit", json_integer((json_int_t)r));
	json_object_set_new(
		o, "kind",
		json_string(kind_name(kind_parse(text_of(doc, "kind")))));
	for (size_t i = 0; i < s->n; i++) {
		json_t *f = json_object();
		json_object_set_new(f, "grade",
				    json_string(grades[s->list[i].grade]));
		json_object_set_new(f, "code", json_string(s->list[i].code));
		json_object_set_new(f, "text", json_string(s->list[i].text));
		json_array_append_new(list, f);
	}
	json_object_set_new(o, "findings", list);
	if (json_is_array(reservations))
		json_object_set(o, "reservations", reservations);
	else
		json_object_set_new(o, "reservations", json_array());
	int rc = json_dumpf(o, to, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(o);
	fputc('\n', to);
	return rc == 0 && fflush(to) == 0 && !ferror(to) && !s->failed ? 0 : -1;
}
