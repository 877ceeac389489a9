/* casedir.c: opening and making cases.  Plans, approvals and the trail of a
 * case are in case_evidence.c. */
#include "tools/quietus/casedir.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/base/json.h"
#include "certs/base/wipe.h"

#define SECRET_LEN 32

const char *case_file(struct buf *out, const struct casedir *c, const char *fmt,
		      ...)
{
	char name[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	buf_release(out);
	buf_init(out, 8192);
	buf_putf(out, "%s/%s", c->path, name);
	return buf_str(out);
}

static bool is_case(const char *path)
{
	char *file = file_join(path, "case.json");
	bool yes = file != NULL && file_exists(file);
	free(file);
	return yes;
}

int case_locate(char **path, const char *name, struct err *e)
{
	struct buf inside;
	buf_init(&inside, 8192);
	*path = NULL;
	if (is_case(name)) {
		*path = strdup(name);
	} else if (strchr(name, '/') == NULL) {
		buf_putf(&inside, "cases/%s", name);
		if (is_case(buf_str(&inside)))
			*path = strdup(buf_str(&inside));
	}
	buf_release(&inside);
	if (*path != NULL) {
		/* no trailing slash in messages and joined names */
		size_t n = strlen(*path);
		while (n > 1 && (*path)[n - 1] == '/')
			(*path)[--n] = '\0';
		return 0;
	}
	return err_set(e, ERR_USAGE,
		       "%s is not a case directory, and there is no case of "
		       "that name in ./cases",
		       name);
}

void case_close(struct casedir *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->n_plans; i++) {
		plan_free(c->plans[i]);
		buf_release(&c->plan_bytes[i]);
	}
	free(c->plans);
	free(c->plan_bytes);
	leafer_free(c->leafer);
	ledger_close(c->ledger);
	closeout_free(c->closeout);
	buf_release(&c->closeout_bytes);
	if (c->lock >= 0)
		close(c->lock);
	free(c->id);
	free(c->path);
	free(c);
}

static struct casedir *fresh(void)
{
	struct casedir *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->lock = -1;
	buf_init(&c->closeout_bytes, CLOSEOUT_MAX);
	return c;
}

/* The closeout copy, parsed with the base folder that case.json names. */
static int read_closeout(struct casedir *c, struct err *e)
{
	static const char *const keys[] = {"type", "version", "id",
					   "base", "file",    NULL};
	struct buf name;
	int rc = -1;
	json_t *doc = NULL;
	const char *base, *file, *type, *id;

	buf_init(&name, 8192);
	doc = json_file(case_file(&name, c, "case.json"), 65536, NULL, e);
	if (doc == NULL || json_known(doc, keys, buf_str(&name), e) != 0 ||
	    json_get_str(&type, doc, "type", buf_str(&name), e) != 0 ||
	    json_get_str(&id, doc, "id", buf_str(&name), e) != 0 ||
	    json_get_str(&base, doc, "base", buf_str(&name), e) != 0 ||
	    json_get_str(&file, doc, "file", buf_str(&name), e) != 0)
		goto out;
	if (strcmp(type, "quietus/case") != 0 ||
	    json_integer_value(json_object_get(doc, "version")) != 1) {
		err_set(e, ERR_REFUSED,
			"%s: not a case that this version knows",
			buf_str(&name));
		goto out;
	}
	c->id = strdup(id);
	if (c->id == NULL) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (file_read(&c->closeout_bytes, case_file(&name, c, "closeout.cfg"),
		      e) != 0 ||
	    sha_once(c->closeout_sha, c->closeout_bytes.data,
		     c->closeout_bytes.len, e) != 0)
		goto out;
	rc = closeout_parse(&c->closeout, buf_str(&c->closeout_bytes),
			    c->closeout_bytes.len, buf_str(&name), base, e);
	if (rc != 0 && e->code == ERR_USAGE) {
		/* it was good when it was planned: the copy was edited, or a
		 * file that it names was moved or exchanged */
		err_add(e, "the closeout no longer reads as it was planned");
		e->code = ERR_REFUSED;
	}
out:
	json_decref(doc);
	buf_release(&name);
	return rc;
}

static int read_secrets(struct casedir *c, struct err *e)
{
	bool found;
	int rc = -1;
	struct buf value;
	buf_init_secret(&value, 256);
	if (ledger_get(&found, &value, c->ledger, "number", e) != 0)
		goto out;
	if (!found || value.len + 1 != sizeof(c->number)) {
		err_set(e, ERR_REFUSED, "the ledger of %s holds no case number",
			c->path);
		goto out;
	}
	memcpy(c->number, value.data, value.len + 1);
	buf_reset(&value);
	if (ledger_get(&found, &value, c->ledger, "secret", e) != 0)
		goto out;
	if (!found || value.len != SECRET_LEN) {
		err_set(e, ERR_REFUSED, "the ledger of %s holds no case secret",
			c->path);
		goto out;
	}
	c->leafer = leafer_new(value.data, value.len);
	rc = c->leafer != NULL ? 0 : err_set(e, ERR_FAILED, "out of memory");
out:
	buf_release(&value);
	return rc;
}

/* The plan's bytes as the ledger fixed them; a file that a kill or a hand took
 * away is written again, one that differs is refused. */
static int settle_plan(struct casedir *c, unsigned number, const char *path,
		       struct err *e)
{
	struct buf fixed, now;
	char key[32];
	bool found;
	int rc = -1;

	buf_init(&fixed, PLAN_MAX);
	buf_init(&now, PLAN_MAX);
	snprintf(key, sizeof(key), "plan/%u", number);
	if (ledger_get(&found, &fixed, c->ledger, key, e) != 0)
		goto out;
	if (!found) {
		err_set(e, ERR_REFUSED, "the ledger of %s lost plan %u",
			c->path, number);
		goto out;
	}
	if (!file_exists(path)) {
		rc = file_write(path, fixed.data, fixed.len, e);
		goto out;
	}
	if (file_read(&now, path, e) != 0)
		goto out;
	if (now.len != fixed.len ||
	    memcmp(now.data, fixed.data, fixed.len) != 0) {
		err_set(e, ERR_REFUSED,
			"%s is not the plan that was made: it was changed",
			path);
		goto out;
	}
	rc = 0;
out:
	buf_release(&fixed);
	buf_release(&now);
	return rc;
}

static int read_plan(struct casedir *c, const char *path, struct err *e)
{
	struct plan **plans =
		realloc(c->plans, (c->n_plans + 1) * sizeof(*plans));
	if (plans != NULL)
		c->plans = plans;
	struct buf *bytes =
		realloc(c->plan_bytes, (c->n_plans + 1) * sizeof(*bytes));
	if (bytes != NULL)
		c->plan_bytes = bytes;
	if (plans == NULL || bytes == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	buf_init(&bytes[c->n_plans], PLAN_MAX);
	if (plan_file(&plans[c->n_plans], path, &bytes[c->n_plans], e) != 0) {
		buf_release(&bytes[c->n_plans]);
		/* a damaged plan is a precondition, not a usage */
		e->code = ERR_REFUSED;
		return -1;
	}
	c->n_plans++;
	return 0;
}

static void drop_plans(struct casedir *c)
{
	for (unsigned i = 0; i < c->n_plans; i++) {
		plan_free(c->plans[i]);
		buf_release(&c->plan_bytes[i]);
	}
	c->n_plans = 0;
}

int case_read_plans(struct casedir *c, struct err *e)
{
	struct buf path;
	int64_t fixed = 0;
	int rc = -1;
	buf_init(&path, 8192);
	drop_plans(c);
	/* the ledger knows how many there are; once it is gone, the files */
	if (c->ledger != NULL &&
	    ledger_get_i64(&fixed, c->ledger, "plans", e) != 0)
		goto out;
	for (;;) {
		char name[PLAN_NAME];
		plan_name(name, c->n_plans + 1);
		case_file(&path, c, "%s", name);
		if (c->ledger != NULL ? c->n_plans == (unsigned)fixed
				      : !file_exists(buf_str(&path)))
			break;
		if ((c->ledger != NULL &&
		     settle_plan(c, c->n_plans + 1, buf_str(&path), e) != 0) ||
		    read_plan(c, buf_str(&path), e) != 0)
			goto out;
	}
	rc = 0;
out:
	buf_release(&path);
	return rc;
}

/* What a killed or failed `plan --delta` left is not a plan: its items go, and
 * what they superseded is current again (I1). */
static int forget_unfinished(struct casedir *c, struct err *e)
{
	int64_t planning = 0;
	if (c->ledger == NULL ||
	    ledger_get_i64(&planning, c->ledger, "planning", e) != 0)
		return c->ledger == NULL ? 0 : -1;
	if (planning <= (int64_t)c->n_plans)
		return 0; /* it was fixed */
	if (ledger_forget_plan(c->ledger, (unsigned)planning, e) != 0 ||
	    ledger_begin(c->ledger, e) != 0)
		return -1;
	if (ledger_set_i64(c->ledger, "planning", 0, e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

int case_open(struct casedir **out, const char *name, enum case_use use,
	      struct err *e)
{
	struct buf path;
	struct casedir *c = fresh();
	buf_init(&path, 8192);
	if (c == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	if (case_locate(&c->path, name, e) != 0)
		goto fail;
	if (use == CASE_WORK &&
	    file_lock(&c->lock, case_file(&path, c, "lock"), e) != 0) {
		err_add(e, "case %s is in use", c->path);
		goto fail;
	}
	case_file(&path, c, "closing.json.p7s");
	c->closed = file_exists(buf_str(&path));
	/* a closed case is read-only: its evidence stands without the files
	 * that the closeout names */
	struct err moved = ERR_INIT;
	if (read_closeout(c, c->closed ? &moved : e) != 0 &&
	    (!c->closed || c->id == NULL)) {
		if (c->closed)
			*e = moved;
		goto fail;
	}
	case_file(&path, c, "ledger.db");
	if (!c->closed && file_exists(buf_str(&path))) {
		if (ledger_open(&c->ledger, buf_str(&path), e) != 0 ||
		    read_secrets(c, e) != 0)
			goto fail;
	} else if (!c->closed) {
		err_set(e, ERR_REFUSED,
			"%s holds no ledger: the case was not planned to the "
			"end; run: quietus plan FILE",
			c->path);
		goto fail;
	}
	if (case_read_plans(c, e) != 0 ||
	    (use == CASE_WORK && forget_unfinished(c, e) != 0))
		goto fail;
	buf_release(&path);
	*out = c;
	return 0;
fail:
	buf_release(&path);
	case_close(c);
	return -1;
}

int case_unsettled(struct casedir *c, struct err *e)
{
	if (ledger_set_i64(c->ledger, "changed", 1, e) != 0)
		return -1;
	for (size_t i = 0; i < c->closeout->n_sources; i++) {
		int64_t removed = 0;
		if (ledger_get_source_i64(&removed, c->ledger, i, "removed",
					  e) != 0)
			return -1;
		/* its place was removed after its check: that stands */
		if (removed != 0)
			continue;
		if (ledger_set_source_i64(c->ledger, i, "checked", 0, e) != 0 ||
		    ledger_set_source_i64(c->ledger, i, "roll-called", 0, e))
			return -1;
	}
	return 0;
}

int case_unsettle(struct casedir *c, struct err *e)
{
	if (ledger_begin(c->ledger, e) != 0)
		return -1;
	if (case_unsettled(c, e) != 0) {
		ledger_rollback(c->ledger);
		return -1;
	}
	return ledger_commit(c->ledger, e);
}

/* ---- making a case ------------------------------------------------------ */

static int write_case_json(struct casedir *c, struct err *e)
{
	struct buf text, path;
	int rc = -1;
	buf_init(&text, 65536);
	buf_init(&path, 8192);
	json_t *doc =
		json_pack("{s:s, s:i, s:s, s:s, s:s}", "type", "quietus/case",
			  "version", 1, "id", c->closeout->id, "base",
			  c->closeout->base, "file", c->closeout->file);
	if (doc == NULL) {
		err_set(e, ERR_FAILED,
			"the path of the closeout file is not valid UTF-8");
		goto out;
	}
	if (json_write(&text, doc, e) == 0)
		rc = file_write(case_file(&path, c, "case.json"), text.data,
				text.len, e);
out:
	json_decref(doc);
	buf_release(&text);
	buf_release(&path);
	return rc;
}

static int new_secrets(struct casedir *c, struct err *e)
{
	unsigned char number[16], secret[SECRET_LEN];
	if (RAND_bytes(number, sizeof(number)) != 1 ||
	    RAND_priv_bytes(secret, sizeof(secret)) != 1)
		return err_openssl(e, ERR_FAILED, "making random numbers");
	hex_encode(c->number, number, sizeof(number));
	int rc = -1;
	if (ledger_begin(c->ledger, e) == 0) {
		if (ledger_set(c->ledger, "number", c->number,
			       strlen(c->number), e) != 0 ||
		    ledger_set(c->ledger, "secret", secret, sizeof(secret),
			       e) != 0)
			ledger_rollback(c->ledger);
		else
			rc = ledger_commit(c->ledger, e);
	}
	if (rc == 0) {
		c->leafer = leafer_new(secret, sizeof(secret));
		if (c->leafer == NULL)
			rc = err_set(e, ERR_FAILED, "out of memory");
	}
	wipe(secret, sizeof(secret));
	return rc;
}

/* Whether what is there may be replaced by a fresh plan. */
static int may_replace(struct casedir *c, bool again, struct err *e)
{
	struct buf path;
	struct err why = ERR_INIT;
	bool any = false;
	unsigned valid = 0;
	int rc = -1;

	buf_init(&path, 8192);
	if (file_exists(case_file(&path, c, "closing.json"))) {
		err_set(e, ERR_REFUSED,
			"case %s is closed; a new closeout needs another id",
			c->path);
		goto out;
	}
	bool planned = file_exists(case_file(&path, c, "plan.json"));
	case_file(&path, c, "ledger.db");
	if (!file_exists(buf_str(&path)) ||
	    ledger_open(&c->ledger, buf_str(&path), &why) != 0) {
		/* killed while the ledger was being made: no plan rests on
		 * it.  But a plan without its ledger may have been carried
		 * out, and nobody knows how far (I7). */
		rc = 0;
		if (planned)
			rc = err_set(e, ERR_REFUSED,
				     "case %s has a plan and no readable "
				     "ledger: what was destroyed under it is "
				     "not known; bring the ledger back, or "
				     "plan under another id",
				     c->path);
		goto out;
	}
	if (ledger_any_intent(&any, c->ledger, e) != 0)
		goto out;
	if (any) {
		err_set(e, ERR_REFUSED,
			"in case %s the destruction has begun: its plan is "
			"not replaced; what is new or changed is planned "
			"with: quietus plan --delta",
			c->path);
		goto out;
	}
	/* approvals are files: whoever made one meant this very plan */
	if (case_read_plans(c, e) != 0)
		goto out;
	for (unsigned i = 0; i < c->n_plans; i++) {
		for (size_t a = 0; a < c->plans[i]->n_approvers; a++) {
			char name[128];
			approval_name(name, i + 1, c->plans[i]->approvers[a]);
			if (file_exists(case_file(&path, c, "%s", name)))
				valid++;
		}
	}
	if (valid != 0 && !again) {
		err_set(e, ERR_REFUSED,
			"case %s has a plan with %u approval%s; it is only "
			"replaced, and its approvals voided, by: quietus plan "
			"--again",
			c->path, valid, valid == 1 ? "" : "s");
		goto out;
	}
	rc = 0;
out:
	ledger_close(c->ledger);
	c->ledger = NULL;
	buf_release(&path);
	return rc;
}

/* Removes what an earlier, replaced plan left. */
static int sweep(struct casedir *c, struct err *e)
{
	struct buf path;
	int rc = -1;
	buf_init(&path, 8192);
	/* plans first: without its plan an approval means nothing */
	for (unsigned n = 1;; n++) {
		char name[PLAN_NAME];
		plan_name(name, n);
		if (!file_exists(case_file(&path, c, "%s", name)))
			break;
		if (file_shred(buf_str(&path), e) != 0)
			goto out;
	}
	if (file_shred_tree(case_file(&path, c, "approvals"), e) != 0 ||
	    ledger_shred(case_file(&path, c, "ledger.db"), e) != 0)
		goto out;
	rc = 0;
out:
	drop_plans(c);
	buf_release(&path);
	return rc;
}

int case_create(struct casedir **out, struct closeout *closeout,
		const struct buf *bytes, bool again, struct err *e)
{
	struct buf path;
	struct casedir *c = fresh();
	buf_init(&path, 8192);
	if (c == NULL) {
		closeout_free(closeout);
		return err_set(e, ERR_FAILED, "out of memory");
	}
	c->closeout = closeout;
	c->path = file_join(closeout->cases, closeout->id);
	c->id = strdup(closeout->id);
	if (c->path == NULL || c->id == NULL ||
	    buf_put(&c->closeout_bytes, bytes->data, bytes->len) != 0) {
		err_set(e, ERR_FAILED, "out of memory");
		goto fail;
	}
	if (sha_once(c->closeout_sha, bytes->data, bytes->len, e) != 0 ||
	    file_mkdir(closeout->cases, e) != 0 || file_mkdir(c->path, e) != 0)
		goto fail;
	if (file_lock(&c->lock, case_file(&path, c, "lock"), e) != 0) {
		err_add(e, "case %s is in use", c->path);
		goto fail;
	}
	if (may_replace(c, again, e) != 0 || sweep(c, e) != 0)
		goto fail;
	if (file_mkdir(case_file(&path, c, "approvals"), e) != 0 ||
	    file_write(case_file(&path, c, "closeout.cfg"), bytes->data,
		       bytes->len, e) != 0 ||
	    write_case_json(c, e) != 0 ||
	    ledger_create(&c->ledger, case_file(&path, c, "ledger.db"), e) !=
		    0 ||
	    new_secrets(c, e) != 0)
		goto fail;
	buf_release(&path);
	*out = c;
	return 0;
fail:
	buf_release(&path);
	case_close(c);
	return -1;
}
