#include "certs/trail_entry.h"

#include <stdbool.h>
#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/json.h"
#include "certs/base/sha.h"
#include "certs/field.h"

static bool among(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* The names are a closed list too: a free word could be somebody's (I9). */
static int read_digests(struct trail_entry *en, struct err *e)
{
	static const char *const names[] = {
		"plan",	   "approval", "certificate", "closing",   "closeout",
		"package", "receipt",  "inventory",   "statement", NULL};
	const char *name;
	json_t *digest, *digests = json_object_get(en->doc, "digests");

	if (!json_is_object(digests) || json_object_size(digests) == 0)
		return err_set(e, ERR_INVALID, "it has no digests");
	json_object_foreach(digests, name, digest)
	{
		if (!among(name, names))
			return err_set(e, ERR_INVALID,
				       "it has a digest of a name that this "
				       "version does not know");
		if (!json_is_string(digest) ||
		    !hex_text(json_string_value(digest), 2 * SHA_LEN))
			return err_set(e, ERR_INVALID,
				       "its digest \"%s\" is not 64 lower-case "
				       "hexadecimal digits",
				       name);
	}
	en->digests = digests;
	return 0;
}

static int read_members(struct trail_entry *en, struct err *e)
{
	static const char *const keys[] = {"type", "version", "event", "case",
					   "time", "digests", NULL};
	static const char *const events[] = {
		"planned",   "approved",  "returned", "received",
		"destroyed", "certified", "closed",   NULL};
	const char *type;
	uint64_t version;

	struct err quiet = ERR_INIT; /* its message would quote the entry */

	if (json_known(en->doc, keys, "entry", &quiet) != 0)
		return err_set(e, ERR_INVALID,
			       "it has a key that this version does not know");
	if (json_get_str(&type, en->doc, "type", "entry", e) != 0 ||
	    json_get_u64(&version, en->doc, "version", "entry", e) != 0 ||
	    json_get_str(&en->event, en->doc, "event", "entry", e) != 0 ||
	    json_get_str(&en->number, en->doc, "case", "entry", e) != 0 ||
	    json_get_str(&en->time, en->doc, "time", "entry", e) != 0)
		return -1;
	if (strcmp(type, "quietus/trail-entry") != 0)
		return err_set(e, ERR_INVALID,
			       "its type is not quietus/trail-entry");
	if (version != 1)
		return err_set(e, ERR_INVALID, "its version is not 1");
	if (!among(en->event, events))
		return err_set(e, ERR_INVALID,
			       "its event is not one that this version knows");
	if (!hex_text(en->number, 32))
		return err_set(e, ERR_INVALID,
			       "its case is not 32 lower-case hexadecimal "
			       "digits");
	if (clock_parse(&en->at, en->time) != 0)
		return err_set(e, ERR_INVALID,
			       "its time is not a date in UTC with seconds");
	return read_digests(en, e);
}

int trail_entry_read(struct trail_entry *out, const void *data, size_t len,
		     struct err *e)
{
	struct err quiet = ERR_INIT;

	memset(out, 0, sizeof(*out));
	out->doc = json_strict(data, len, "entry", &quiet);
	if (out->doc == NULL)
		return err_set(e, ERR_INVALID, "it is not JSON, read strictly");
	if (!json_is_object(out->doc))
		err_set(e, ERR_INVALID, "it is not a JSON object");
	else if (read_members(out, e) == 0)
		return 0;
	trail_entry_release(out);
	e->code = ERR_INVALID;
	return -1;
}

void trail_entry_release(struct trail_entry *en)
{
	json_decref(en->doc);
	memset(en, 0, sizeof(*en));
}
