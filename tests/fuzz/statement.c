/*
 * certificate.json and exception-report.json: an accepted document whose
 * claims are allowed is written again as one that is accepted.
 */
#include "certs/base/json.h"
#include "certs/statement.h"
#include "tests/fuzz/fuzz.h"

static void derive(const struct statement *st)
{
	struct statement_doc *again = NULL;
	struct err e = ERR_INIT;
	struct buf out;
	enum kind kind = statement_kind(st), derived;

	/* the verifier derives it whatever the check says */
	json_t *doc = statement_json(&derived, st, &e);
	MUST(doc == NULL || derived == kind);
	json_decref(doc);
	err_clear(&e);
	if (statement_check(st, kind, &e) != 0) {
		MUST(e.msg[0] != '\0');
		return;
	}
	buf_init(&out, STATEMENT_MAX);
	MUST(statement_write(&out, &derived, st, &e) == 0);
	MUST(derived == kind);
	doc = json_strict(out.data, out.len, "certificate", &e);
	MUST(doc != NULL && statement_parse(&again, doc, &e) == 0);
	MUST(statement_kind(statement_of(again)) == kind);
	statement_free(again);
	json_decref(doc);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct statement_doc *doc = NULL;
	struct err e = ERR_INIT;
	char *text = fuzz_copy(data, size, 0);
	json_t *json = json_strict(text, size, "certificate", &e);

	if (json != NULL && statement_parse(&doc, json, &e) == 0)
		derive(statement_of(doc));
	else
		MUST(e.code != ERR_NONE && e.msg[0] != '\0');
	statement_free(doc);
	json_decref(json);
	free(text);
	return 0;
}
