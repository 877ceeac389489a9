/* destroy.c: how the rehearsal store destroys, and fails to. */
#include "providers/fake/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base/clock.h"

static int says(struct outcome *out, enum outcome_code code, const char *why)
{
	out->code = code;
	snprintf(out->why, sizeof(out->why), "%s", why);
	return 0;
}

/* What happens to the item behind everybody's back, just before. */
static int behind_the_back(struct fake *f, struct fake_store *s,
			   const struct item *item, struct err *e)
{
	struct fake_item *it = store_find(s, item->id, item->id_len);

	if (it == NULL)
		return 0;
	if (faults_strike(&f->faults, s, FAULT_DRIFT, it)) {
		unsigned char *more = realloc(it->content, it->content_len + 1);
		if (more == NULL)
			return err_set(e, ERR_FAILED, "out of memory");
		more[it->content_len++] = '!';
		it->content = more;
	}
	if (faults_strike(&f->faults, s, FAULT_VANISH, it))
		return store_take(s, it, false, false, e);
	return 0;
}

static int destroy_one(struct fake *f, struct fake_store *s,
		       const struct item *item, bool lies, struct outcome *out,
		       struct err *e)
{
	unsigned char digest[SHA_LEN];
	struct fake_item *it;

	if (behind_the_back(f, s, item, e) != 0)
		return -1;
	it = store_find(s, item->id, item->id_len);
	if (it == NULL)
		return says(out, OUTCOME_GONE, "");
	if (!fake_in_scope(f, it) || fake_kept_by(f, it) != NULL ||
	    item->retention != 0)
		return says(out, OUTCOME_REFUSED,
			    "out of scope or kept by the closeout file");
	fake_digest(f, digest, it);
	if (memcmp(digest, item->digest, SHA_LEN) != 0)
		return says(out, OUTCOME_DRIFTED, "its content changed");
	if (it->held || faults_strike(&f->faults, s, FAULT_REFUSE, it))
		return says(out, OUTCOME_REFUSED, "the store says no");
	if (it->locked_until > clock_now()) {
		out->until = it->locked_until;
		return says(out, OUTCOME_LOCKED, "locked until a date");
	}
	if (lies)
		return says(out, OUTCOME_DONE, "");
	bool remember = faults_find(&f->faults, FAULT_RESURRECT) != NULL ||
			faults_find(&f->faults, FAULT_RESURRECT_LATE) != NULL;
	bool ghost = faults_find(&f->faults, FAULT_RESIDUE) != NULL ||
		     faults_find(&f->faults, FAULT_RESIDUE_STAYS) != NULL;
	if (store_take(s, it, remember, ghost, e) != 0)
		return -1;
	return says(out, OUTCOME_DONE, "");
}

static int grow(struct fake *f, struct fake_store *s, struct err *e)
{
	char id[ITEM_ID_MAX];
	const struct fault *fault = faults_find(&f->faults, FAULT_GROW);
	const char *prefix = f->prefix != NULL ? f->prefix : "";
	int key_len = snprintf(id, sizeof(id) - 2, "%sgrown-%llu", prefix,
			       (unsigned long long)faults_occasions(fault, s));

	if (key_len < 0 || (size_t)key_len >= sizeof(id) - 2)
		return err_set(e, ERR_FAILED, "the prefix is too long");
	id[key_len + 1] = '1';
	unsigned char content[] = "new";
	struct fake_item item = {.id = id,
				 .key_len = (size_t)key_len,
				 .id_len = (size_t)key_len + 2,
				 .cls = CLASS_CURRENT,
				 .content = content,
				 .content_len = sizeof(content) - 1};
	return store_add(s, &item, e);
}

static int harm(struct fake *f, struct fake_store *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++)
		if (!fake_in_scope(f, &s->items[i]))
			return store_take(s, &s->items[i], false, false, e);
	return 0;
}

static int destroy_items(struct fake *f, struct fake_store *s,
			 const struct item *items, size_t n,
			 struct outcome *out, struct err *e)
{
	bool lies = faults_strike(&f->faults, s, FAULT_LIE, NULL);
	bool half = faults_strike(&f->faults, s, FAULT_HALF_BATCH, NULL);
	bool lost = faults_strike(&f->faults, s, FAULT_LOST_ANSWER, NULL);

	for (size_t i = 0; i < n; i++) {
		if (half && i >= n / 2)
			return err_set(e, ERR_UNREACHABLE,
				       "the connection broke after %zu of %zu "
				       "items",
				       i, n);
		if (destroy_one(f, s, &items[i], lies, &out[i], e) != 0)
			return -1;
	}
	for (size_t i = 0; lost && i < n; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		says(&out[i], OUTCOME_UNKNOWN, "the answer was lost");
	}
	if (faults_strike(&f->faults, s, FAULT_GROW, NULL) &&
	    grow(f, s, e) != 0)
		return -1;
	if (faults_strike(&f->faults, s, FAULT_HARM_NEIGHBOUR, NULL))
		return harm(f, s, e);
	return 0;
}

int fake_destroy(void *handle, const struct item *items, size_t n,
		 struct outcome *out, struct bystanders *by, struct err *e)
{
	struct fake *f = handle;
	struct fake_store s;
	int rc;

	(void)by; /* listed by fake_bystanders() */
	if (fake_begin(f, &s, e) != 0)
		return -1;
	if (faults_strike(&f->faults, &s, FAULT_UNREACHABLE, NULL))
		rc = err_set(e, ERR_UNREACHABLE, "no connection");
	else if (faults_strike(&f->faults, &s, FAULT_AUTH, NULL))
		rc = err_set(e, ERR_AUTH, "the credentials have expired");
	else if (faults_strike(&f->faults, &s, FAULT_TIMEOUT, NULL)) {
		for (size_t i = 0; i < n; i++)
			says(&out[i], OUTCOME_UNKNOWN, "no answer in time");
		rc = 0;
	} else
		rc = destroy_items(f, &s, items, n, out, e);
	return fake_end(f, &s, rc, e);
}
