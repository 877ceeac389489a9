/*
 * words.h: the field words as enums, with their one spelling.
 *
 * Zero is always "unknown" or "none": a value that nobody set never reads as
 * good news.  The spellings are part of the certificate format.
 */
#ifndef QUIETUS_WORDS_H
#define QUIETUS_WORDS_H

/* A kind of place where a store keeps data. */
enum copy_class {
	CLASS_UNKNOWN = 0,
	CLASS_CURRENT,
	CLASS_NONCURRENT,
	CLASS_DELETE_MARKER,
	CLASS_UNFINISHED_UPLOAD,
	CLASS_SNAPSHOT,
	CLASS_SOFT_DELETED,
	CLASS_REPLICA,
	CLASS_WRITE_AHEAD_LOG,
	CLASS_ARCHIVED_LOG,
	CLASS_BINARY_LOG,
	CLASS_STATISTICS,
	CLASS_FULL_TEXT_INDEX,
	CLASS_STAGING,
	CLASS_BACKUP,
	CLASS_COUNT
};

/* What became of an item or a copy class. */
enum verdict {
	VERDICT_UNKNOWN = 0,
	VERDICT_NONE_FOUND,	    /* classes only: looked, nothing there */
	VERDICT_DESTROYED_VERIFIED, /* asked again by other means: gone */
	VERDICT_DESTROYED,	    /* carried out, nobody could check */
	VERDICT_SCHEDULED,	    /* gone, or first destroyable, on a date */
	VERDICT_RETAINED,	    /* kept by a retention entry */
	VERDICT_ATTESTED,	    /* a third party says so, signed */
	VERDICT_ABSENT,		    /* gone when we came, not by us */
	VERDICT_PRESENT,	    /* seen after the destruction */
	VERDICT_REFUSED,	    /* the store said no */
	VERDICT_UNREACHABLE,
	VERDICT_COUNT
};

enum disposition {
	DISPOSITION_NONE = 0,
	DISPOSITION_DESTROY,
	DISPOSITION_RETURN, /* return, then destroy */
	DISPOSITION_RETAIN,
	DISPOSITION_COUNT
};

/* What a document may be called; derived from verdicts, never typed. */
enum kind {
	KIND_NONE = 0,
	KIND_FINAL,
	KIND_INTERIM,
	KIND_EXCEPTION, /* an exception report, never called a certificate */
	KIND_COUNT
};

/* The spelling; "unknown" (or "none") for zero and for values out of range. */
const char *class_name(enum copy_class c);
const char *verdict_name(enum verdict v);
const char *disposition_name(enum disposition d);
const char *kind_name(enum kind k); /* none final interim exception-report */

/* The value of a spelling; zero when it is not one. */
enum copy_class class_parse(const char *s);
enum verdict verdict_parse(const char *s);
enum disposition disposition_parse(const char *s);
enum kind kind_parse(const char *s);

/*
 * The kind that a set of verdicts allows (DESIGN, section 2).  seen[v] is
 * true when any item or class has verdict v.
 *
 * exception-report while any is present, refused, unreachable or unknown, and
 * when nothing at all is destroyed-verified and nothing is scheduled or only
 * destroyed; interim when some are scheduled or only destroyed; final when
 * all the rest holds and at least one is destroyed-verified.
 */
enum kind kind_derive(const _Bool seen[VERDICT_COUNT]);

#endif
