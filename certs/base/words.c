#include "certs/base/words.h"

#include <stddef.h>
#include <string.h>

static const char *const classes[CLASS_COUNT] = {
	"unknown",	     "current",	     "noncurrent",   "delete-marker",
	"unfinished-upload", "snapshot",     "soft-deleted", "replica",
	"write-ahead-log",   "archived-log", "binary-log",   "statistics",
	"full-text-index",   "staging",	     "backup",
};

static const char *const verdicts[VERDICT_COUNT] = {
	"unknown",   "none found", "destroyed-verified", "destroyed",
	"scheduled", "retained",   "attested",		 "absent",
	"present",   "refused",	   "unreachable",
};

static const char *const dispositions[DISPOSITION_COUNT] = {
	"none",
	"destroy",
	"return",
	"retain",
};

static const char *const kinds[KIND_COUNT] = {
	"none",
	"final",
	"interim",
	"exception-report",
};

static const char *name_of(const char *const *names, int count, int value)
{
	return names[value >= 0 && value < count ? value : 0];
}

static int value_of(const char *const *names, int count, const char *s)
{
	for (int i = 1; i < count; i++)
		if (strcmp(names[i], s) == 0)
			return i;
	return 0;
}

const char *class_name(enum copy_class c)
{
	return name_of(classes, CLASS_COUNT, (int)c);
}

const char *verdict_name(enum verdict v)
{
	return name_of(verdicts, VERDICT_COUNT, (int)v);
}

const char *disposition_name(enum disposition d)
{
	return name_of(dispositions, DISPOSITION_COUNT, (int)d);
}

const char *kind_name(enum kind k)
{
	return name_of(kinds, KIND_COUNT, (int)k);
}

enum copy_class class_parse(const char *s)
{
	return (enum copy_class)value_of(classes, CLASS_COUNT, s);
}

enum verdict verdict_parse(const char *s)
{
	return (enum verdict)value_of(verdicts, VERDICT_COUNT, s);
}

enum disposition disposition_parse(const char *s)
{
	return (enum disposition)value_of(dispositions, DISPOSITION_COUNT, s);
}

enum kind kind_parse(const char *s)
{
	return (enum kind)value_of(kinds, KIND_COUNT, s);
}

enum kind kind_derive(const _Bool seen[VERDICT_COUNT])
{
	if (seen[VERDICT_UNKNOWN] || seen[VERDICT_PRESENT] ||
	    seen[VERDICT_REFUSED] || seen[VERDICT_UNREACHABLE])
		return KIND_EXCEPTION;
	if (seen[VERDICT_SCHEDULED] || seen[VERDICT_DESTROYED])
		return KIND_INTERIM;
	if (seen[VERDICT_DESTROYED_VERIFIED])
		return KIND_FINAL;
	return KIND_EXCEPTION;
}
