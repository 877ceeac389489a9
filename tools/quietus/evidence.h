/*
 * evidence.h: what the ledger says, as lines of verdicts, plans and
 * certificates.
 *
 * I8 is kept here: a verdict enters a document only through
 * evidence_source(), which derives it from intents, notes and a completed
 * check; there is no other producer of statement lines.
 */
#ifndef QUIETUS_EVIDENCE_H
#define QUIETUS_EVIDENCE_H

#include "certs/statement.h"
#include "tools/quietus/casedir.h"

/* The lines of one source: per class and verdict. */
struct evidence {
	struct statement_line *lines;
	size_t n_lines;
	char (*why)[240]; /* owned sentences of the lines */
	uint64_t items, bytes, unplanned;
	bool checked;
	int64_t checked_at;
	unsigned char planned_root[SHA_LEN]; /* when roots were asked for */
	unsigned char outcome_root[SHA_LEN];
};

/* Receives one inventory line with its newline. */
typedef int evidence_line_fn(void *arg, const void *line, size_t len,
			     struct err *e);

/* Fills out for one source.  roots: compute both Merkle roots (a second or so
 * per million items).  fn (may be NULL): receives the inventory. */
int evidence_source(struct evidence *out, struct casedir *c, size_t source,
		    bool roots, evidence_line_fn *fn, void *arg, struct err *e);
void evidence_release(struct evidence *ev);

/* The kind that a certificate would have now. */
int evidence_kind(enum kind *kind, struct casedir *c, struct err *e);

/* plan.json: fills in from ledger and closeout and appends the bytes. */
int evidence_plan(struct buf *out, struct casedir *c, unsigned number,
		  enum plan_mode mode, struct err *e);

/* The certificate or exception report of now, appended to out. */
int evidence_certificate(struct buf *out, enum kind *kind, struct casedir *c,
			 unsigned number, struct err *e);

/* Writes the inventory, encrypted to the controller's certificate, as
 * inventory/NNNN.cms.  *parts is 0 when the controller has none. */
int evidence_inventory(size_t *parts, struct casedir *c, struct err *e);

#endif
