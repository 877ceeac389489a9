/*
 * closeout.h: the closeout file, read strictly (docs/man/quietus-closeout.5).
 * closeout.c is the only user of libconfig.
 */
#ifndef QUIETUS_CLOSEOUT_H
#define QUIETUS_CLOSEOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/words.h"
#include "providers/provider.h"

#define CLOSEOUT_MAX (1024 * 1024) /* bytes of a closeout file */

struct closeout_party {
	const char *name, *address, *contact, *dpo, *certificate;
};

struct closeout_exclusion {
	const char *kind; /* "table", "path" or "prefix": never the name */
	const char *reason;
};

struct closeout_source {
	const char *name, *category;
	const struct provider *provider;
	enum disposition choice; /* DESTROY or RETURN for this source */
	const char *choice_text; /* destroy return return-to-designee */
	bool may_be_empty;
	const struct setting *settings;
	struct retention_rule *retention; /* rules that name this source */
	size_t *retention_index;	  /* index in closeout->retention */
	size_t n_retention;
	struct closeout_exclusion *excluded;
	size_t n_excluded;
};

struct closeout_retention {
	const char *name, *source, *ground;
	int64_t until;
	const struct setting *at;
};

/* Who receives what is returned.  Optional keys that were left out are NULL,
 * 0 or false. */
struct closeout_recipient {
	const char *name, *certificate;
	/* 64 lower-case digits; equal to the certificate's own. */
	const char *fingerprint;
	const char *confirmed; /* how and by whom */
	const char *country;   /* two capital letters */
	const char *safeguard; /* of a transfer out of the EEA */
	const struct provider *destination_provider;
	const struct setting *destination; /* a group; owned */
	long long part_size;		   /* bytes */
	const char *cipher, *table_format;
	const char *trust, *receipt_certificate; /* paths */
	int64_t receipt_deadline;
	bool receipt, also_to_controller;
};

/* Every path is absolute: joined with the base folder, and that with the
 * current one.  Strings are owned by the closeout. */
struct closeout {
	const char *file; /* as given, for messages */
	const char *base;
	const char *id, *client;
	const char *contract_reference, *contract_clause;
	int64_t contract_ended;
	struct closeout_party controller, processor;
	const char *choice; /* destroy | return | return-to-designee */
	const char *instructed_by;
	int64_t instruction_received;
	const char *instruction_document, *instruction_signature;
	int64_t not_before;
	unsigned approvals_required;
	const char **approvers; /* paths of certificates */
	size_t n_approvers;
	bool has_recipient;
	const char *recipient_certificate;
	struct closeout_recipient recipient;
	struct closeout_source *sources;
	size_t n_sources;
	struct closeout_retention *retention;
	size_t n_retention;
	const char *signing_certificate, *signing_key;
	const char *trail_directory, *trail_key;
	const char *cases;
	const char *ours[3]; /* trail_directory, cases, NULL (scope) */
	/* What is allowed and still deserves a word: whole sentences, each
	 * with "name:line: ..." in front, for plan and check to print. */
	const char **notes;
	size_t n_notes;
};

/*
 * Parses text (len bytes, from a file called name in messages); relative paths
 * are taken from base.  Everything of DESIGN section 5 that can be decided
 * without a store is decided here: ERR_USAGE with "name:line: ...".
 * Certificates, keys and the instruction must exist; the approvers' are
 * compared by fingerprint.  A file that was accepted once is accepted again
 * when the sources' folders are gone.
 */
int closeout_parse(struct closeout **out, const char *text, size_t len,
		   const char *name, const char *base, struct err *e);
/* Reads the file (at most CLOSEOUT_MAX bytes), appends its bytes to *raw when
 * that is not NULL, and parses it with its own folder as base.  A file that
 * cannot be read is ERR_USAGE as well. */
int closeout_read(struct closeout **out, const char *path, struct buf *raw,
		  struct err *e);
void closeout_free(struct closeout *c);

/*
 * Whether what c names can sign, for `plan`: the signing certificate and every
 * approver's are valid now and of an allowed kind of key, and the signing key,
 * when it is not encrypted, belongs to its certificate.  ERR_USAGE with
 * "name:line: ...".  No part of closeout_parse, because a case must be read
 * when these have expired.  Never asks for a passphrase.
 */
int closeout_check_keys(const struct closeout *c, struct err *e);

/* The scope that source i is opened with. */
void closeout_scope(struct scope *out, const struct closeout *c, size_t i,
		    const volatile sig_atomic_t *stop);

#endif
