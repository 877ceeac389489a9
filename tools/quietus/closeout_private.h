/*
 * closeout_private.h: what the closeout_*.c files share and nobody else sees.
 *
 * Reading goes in steps, each of which may refuse with "name:line: ...":
 *
 *   closeout_text.c     the bytes, before libconfig sees them
 *   closeout.c          libconfig's tree becomes a tree of struct setting, by
 *                       the tables of closeout_schema.c and of the providers
 *   closeout_rules.c    the settings become a struct closeout
 *   closeout_sources.c  so do its sources and retention entries
 *   closeout_files.c    paths, and the files they lead to
 *   closeout_places.c   sources that are the same place
 *   closeout_keys.c     (for plan only) whether certificates and key will do
 *
 * closeout_read.c holds it together; closeout_words.c words the refusals.
 */
#ifndef QUIETUS_CLOSEOUT_PRIVATE_H
#define QUIETUS_CLOSEOUT_PRIVATE_H

#include "tools/quietus/closeout.h"

struct closeout_block {
	struct closeout_block *next;
	max_align_t data[];
};

/* A closeout and all its memory. */
struct closeout_state {
	struct closeout pub; /* first: closeout_free casts back */
	struct closeout_block *blocks;
	struct setting root;
	size_t notes_room;
};

/* Zeroed memory that lives as long as the closeout; NULL and *e on failure.
 * The array is count * size bytes and never NULL for count 0. */
void *closeout_alloc(struct closeout_state *st, size_t count, size_t size,
		     struct err *e);
char *closeout_copy(struct closeout_state *st, const char *s, struct err *e);
/* Adds a note about `at`. */
int closeout_note(struct closeout_state *st, const struct setting *at,
		  struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- closeout_text.c ------------------------------------------------------
 */

/*
 * Refuses what libconfig would take amiss or in silence: a file too large,
 * zero bytes, invalid UTF-8, @include, a comment or string that never ends
 * (libconfig 1.5 ignores the rest of the file after an open comment), escapes
 * that its releases read differently, "\x00" (dropped in silence), and numbers
 * beyond 32 bits (cut in silence: 4294967298 reads as 2).  text[len] is a NUL.
 */
int closeout_scan(const char *text, size_t len, const char *name,
		  struct err *e);

/* True for valid UTF-8 without control characters, line separators and
 * characters that turn the direction of writing. */
bool closeout_printable(const char *s);

/* True when a key of that name would hold a secret. */
bool closeout_secret_key(const char *key);
/* What kind of secret the value looks like ("a password"), or NULL. */
const char *closeout_secret_value(const char *value);

/* ---- closeout_words.c -----------------------------------------------------
 */

/* s in quotation marks, escaped and cut for a message. */
#define CLOSEOUT_QUOTED 96
const char *closeout_quote(char out[CLOSEOUT_QUOTED], const char *s);

/* 0 when the string is one of the words; else says which there are and which
 * was probably meant. */
int closeout_words(const struct setting *at, const struct setting_spec *spec,
		   struct err *e);
/* Says that the key is not known in `where`, and which are. */
int closeout_unknown(const struct setting *at, const char *where,
		     const struct setting_spec *const tables[2], struct err *e);
/* Says why this build has no provider of that name, and which it has. */
int closeout_no_provider(const struct setting *at, struct err *e);

/* ---- closeout.c -----------------------------------------------------------
 */

/* Parses the text and fills st->root, with every type, key and word checked
 * and no secret in it. */
int closeout_tree(struct closeout_state *st, const char *text, size_t len,
		  struct err *e);

/* ---- closeout_schema.c ----------------------------------------------------
 */

extern const struct setting_spec closeout_root_keys[];
/* How a key is written, for messages: `id = "acme-2026-11";`, or NULL. */
const char *closeout_example(const char *key);
/* The entry of that name in a NULL-ended table (which may be NULL). */
const struct setting_spec *closeout_spec(const struct setting_spec *table,
					 const char *name);

/* ---- closeout_rules.c, closeout_files.c -----------------------------------
 */

/* Fills st->pub from st->root. */
int closeout_rules(struct closeout_state *st, struct err *e);
/* The part that concerns sources and retention (closeout_sources.c). */
int closeout_sources(struct closeout_state *st, struct err *e);

/* The string of a member that the schema requires. */
const char *closeout_need(const struct setting *group, const char *key);
/* A date.  *out keeps its value when the key is not there. */
int closeout_date(int64_t *out, const struct setting *group, const char *key,
		  struct err *e);

/* An absolute folder from base, which may be relative. */
const char *closeout_base(struct closeout_state *st, const char *base,
			  struct err *e);
/* Joins the member's path with the base folder; *out stays when the key is
 * not there. */
int closeout_path(const char **out, struct closeout_state *st,
		  const struct setting *group, const char *key, struct err *e);
/* The same for a file that must exist and be readable. */
int closeout_file(const char **out, struct closeout_state *st,
		  const struct setting *group, const char *key, struct err *e);
/* The same for a certificate, which must parse.  fingerprint (with room for
 * FINGERPRINT_TEXT, or NULL) gets its fingerprint. */
int closeout_certificate(const char **out, char *fingerprint,
			 struct closeout_state *st, const struct setting *group,
			 const char *key, struct err *e);
/* The approvers' certificates, all different. */
int closeout_approvers(struct closeout_state *st,
		       const struct setting *approvals, struct err *e);
/* Refuses a source whose folder holds the evidence or its keys. */
int closeout_outside(const struct closeout *c, const struct setting *path,
		     struct err *e);
/* The real path of the first cut bytes of an absolute path, and the rest as
 * written, without "." and ".."; path[cut] is a slash or the end.  In fresh
 * memory; NULL when that part does not exist or memory is exhausted. */
char *closeout_real(const char *path, size_t cut);
/* True when path is the folder or below it; both as closeout_real writes. */
bool closeout_inside(const char *path, const char *folder);
/* Refuses two sources that are the same place or overlap. */
int closeout_places(struct closeout_state *st, struct err *e);

#endif
