/* plan.json: an accepted plan can be written, and says the same again. */
#include "certs/plan.h"
#include "tests/fuzz/fuzz.h"

static void write_again(const struct plan *p)
{
	struct buf once, twice;
	struct plan *again = NULL;
	struct err e = ERR_INIT;

	buf_init(&once, PLAN_MAX);
	buf_init(&twice, PLAN_MAX);
	MUST(plan_write(&once, p, &e) == 0);
	MUST(plan_parse(&again, once.data, once.len, &e) == 0);
	MUST(plan_write(&twice, again, &e) == 0);
	MUST(once.len == twice.len &&
	     memcmp(once.data, twice.data, once.len) == 0);
	plan_free(again);
	buf_release(&once);
	buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan *p = NULL;
	struct err e = ERR_INIT;
	char *text = fuzz_copy(data, size, 0);

	if (plan_parse(&p, text, size, &e) == 0) {
		for (size_t i = 0; i < p->n_sources; i++)
			MUST(plan_source(p, p->sources[i].name) != NULL);
		for (size_t i = 0; i < p->n_approvers; i++)
			MUST(plan_approver(p, p->approvers[i]));
		write_again(p);
	} else {
		MUST(p == NULL);
		MUST(e.code != ERR_NONE && e.msg[0] != '\0');
	}
	plan_free(p);
	free(text);
	return 0;
}
