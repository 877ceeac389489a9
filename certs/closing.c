#include "certs/closing.h"

#include "certs/base/json.h"
#include "certs/field.h"

static const char *const always[] = {
	"The roots in the certificate cannot be recomputed by the processor "
	"any more; whoever holds the decrypted inventory still can.",
	"Whether a certain item was in the inventory can be told from the "
	"inventory only, by whoever holds it.",
	"The second look at the stores cannot be repeated against the list of "
	"what was destroyed.",
	"The values that the residue probe looked for are gone with the "
	"ledger.",
};

static int closing_check(const struct closing *c, struct err *e)
{
	if (c->case_number == NULL || !hex_text(c->case_number, 32) ||
	    c->signer == NULL || !hex_text(c->signer, 2 * SHA_LEN) ||
	    c->closeout == NULL || c->certificate == NULL || c->closed == 0)
		return err_set(e, ERR_FAILED,
			       "closing document: case, closeout, time, "
			       "certificate or signer is missing");
	if (c->n_destroyed == 0)
		return err_set(e, ERR_FAILED,
			       "closing document: it does not say what was "
			       "destroyed");
	return 0;
}

int closing_write(struct buf *out, const struct closing *c, struct err *e)
{
	struct maker m = {"closing document", e, false};
	const char *const *lines = c->no_longer != NULL ? c->no_longer : always;
	size_t n = c->no_longer != NULL ? c->n_no_longer
					: sizeof(always) / sizeof(always[0]);

	if (closing_check(c, e) != 0)
		return -1;
	json_t *o = json_object(), *certificate = json_object();
	json_t *destroyed = json_array(), *no_longer = json_array();
	make_str(&m, o, "type", "quietus/closing");
	make_u64(&m, o, "version", 1);
	make_str(&m, o, "case", c->case_number);
	make_str(&m, o, "closeout", c->closeout);
	make_time(&m, o, "closed", c->closed);
	make_str(&m, certificate, "file", c->certificate);
	make_sha(&m, certificate, "sha256", c->certificate_sha256);
	make_any(&m, o, "certificate", certificate);
	for (size_t i = 0; i < c->n_destroyed; i++) {
		json_t *x = json_object();
		make_str(&m, x, "what", c->destroyed[i].what);
		make_u64(&m, x, "files", c->destroyed[i].files);
		make_item(&m, destroyed, x);
	}
	make_any(&m, o, "destroyed", destroyed);
	for (size_t i = 0; i < n; i++)
		make_item(&m, no_longer, make_text(&m, "no_longer", lines[i]));
	make_any(&m, o, "no_longer", no_longer);
	make_str(&m, o, "signer", c->signer);
	make_str(&m, o, "tool_version", c->tool_version);
	int rc = m.failed ? -1 : json_write(out, o, e);
	json_decref(o);
	return rc;
}
