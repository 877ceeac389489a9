/*
 * steps.h: the steps of a case, as the commands and `run` call them.
 */
#ifndef QUIETUS_STEPS_H
#define QUIETUS_STEPS_H

#include "tools/quietus/casedir.h"

/* Plans a closeout file; *out is the case, open. */
int step_plan(struct casedir **out, struct app *app, const char *file,
	      bool again, struct err *e);
/* Adds plan-N.json to an open case; *added is false when nothing is new. */
int step_delta(bool *added, struct app *app, struct casedir *c, struct err *e);
/* Prints plan number n, for people or as JSON. */
int step_show_plan(struct app *app, struct casedir *c, unsigned n,
		   struct err *e);

/* Destroys and checks; *kind is what a certificate would be. */
int step_destroy(enum kind *kind, struct app *app, struct casedir *c,
		 struct err *e);

/* Issues the document; *kind is its kind. */
int step_certify(enum kind *kind, struct app *app, struct casedir *c,
		 struct err *e);
/* Completes a document whose files a killed certify left unfinished. */
int step_publish(struct app *app, struct casedir *c, unsigned number,
		 struct err *e);

/* Where a case stands. */
enum state {
	STATE_PLANNED,	  /* approvals are missing, or a blocker */
	STATE_APPROVED,	  /* may be destroyed, perhaps from a date on */
	STATE_DESTROYING, /* begun and not gone through */
	STATE_DESTROYED,  /* gone through; no document says so yet */
	STATE_CERTIFIED,
	STATE_CLOSED
};
const char *state_name(enum state s);
struct standing {
	enum state state;
	enum kind document;	      /* KIND_NONE: none was issued */
	unsigned approvals, required; /* of the newest plan */
	uint64_t blockers;
	bool too_early; /* not_before has not come */
	bool stale;	/* checked again since the document was issued */
	bool returns;	/* some source is to be returned first */
};
int step_standing(struct standing *out, struct casedir *c, struct err *e);
/* Appends in words what happens next, who must act, and whether anything will
 * happen by itself. */
int step_next(struct buf *out, const struct standing *s, struct casedir *c,
	      struct err *e);

/* The table or JSON of `status`. */
int step_status(struct app *app, struct casedir *c, struct err *e);

/* Prints blockers of plan n to the terminal (names belong there and to the
 * ledger only, I9). */
int step_show_blockers(struct app *app, struct casedir *c, unsigned n,
		       struct err *e);
json_t *step_blockers_json(struct casedir *c, unsigned n, struct err *e);

#endif
