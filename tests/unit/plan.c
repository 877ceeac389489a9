/* The plan document: written, read back, and read strictly. */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "certs/closing.h"
#include "certs/plan.h"

#define PRINT_A                                                                \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PRINT_B                                                                \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char *const approvers[] = {PRINT_A, PRINT_B};
static const char *const same_twice[] = {PRINT_A, PRINT_A};
static const struct plan_class classes[] = {
	{CLASS_CURRENT, DISPOSITION_DESTROY, 10, 9007199254740993, 4},
	{CLASS_CURRENT, DISPOSITION_RETAIN, 2, 7, 0},
	{CLASS_SNAPSHOT, DISPOSITION_NONE, 0, 0, 0},
};
static struct plan_source sources[2];
static const struct plan_blocker blockers[] = {{"shared", 3}};
static struct plan plan;

static void honest(void)
{
	sources[0] = (struct plan_source){
		"app", "sqlite", "accounts", "destroy", 12, 9007199254741000,
		10,    2,	 {1, 2, 3},  classes,	3};
	sources[1] = (struct plan_source){"b-2", "s3", NULL, "return", 0, 0,
					  0,	 0,    {4},  NULL,     0};
	plan = (struct plan){.number = 1,
			     .mode = PLAN_FIRST,
			     .case_number = "0123456789abcdef0123456789abcdef",
			     .closeout = "acme",
			     .created = 1700000000,
			     .has_instruction = true,
			     .instruction_sha256 = {9},
			     .controller_certificate = PRINT_B,
			     .approvers = approvers,
			     .n_approvers = 2,
			     .approvals_required = 2,
			     .signer = PRINT_A,
			     .choice = "return",
			     .not_before = 1700000500,
			     .sources = sources,
			     .n_sources = 2,
			     .blockers = blockers,
			     .n_blockers = 1};
}

static void written(struct buf *out)
{
	struct err e = ERR_INIT;
	honest();
	buf_init(out, PLAN_MAX);
	CU_ASSERT_EQUAL_FATAL(plan_write(out, &plan, &e), 0);
}

static void everything_is_read_back(void)
{
	struct buf out;
	struct err e = ERR_INIT;
	struct plan *p = NULL;

	written(&out);
	CU_ASSERT_EQUAL_FATAL(plan_parse(&p, out.data, out.len, &e), 0);
	CU_ASSERT_EQUAL(p->number, 1);
	CU_ASSERT_EQUAL(p->mode, PLAN_FIRST);
	CU_ASSERT_STRING_EQUAL(p->case_number, plan.case_number);
	CU_ASSERT_STRING_EQUAL(p->closeout, "acme");
	CU_ASSERT_EQUAL(p->created, 1700000000);
	CU_ASSERT_EQUAL(p->not_before, 1700000500);
	CU_ASSERT_EQUAL(p->earliest_final, 0);
	CU_ASSERT(p->has_instruction && p->instruction_sha256[0] == 9);
	CU_ASSERT_FALSE(p->has_instruction_signature);
	CU_ASSERT_STRING_EQUAL(p->controller_certificate, PRINT_B);
	CU_ASSERT_PTR_NULL(p->recipient_certificate);
	CU_ASSERT_EQUAL(p->n_approvers, 2);
	CU_ASSERT(plan_approver(p, PRINT_B));
	CU_ASSERT_FALSE(plan_approver(p, "cc"));
	CU_ASSERT_EQUAL(p->n_sources, 2);
	const struct plan_source *s = plan_source(p, "app");
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->bytes, 9007199254741000);
	CU_ASSERT_EQUAL(s->classes[0].bytes, 9007199254740993);
	CU_ASSERT_EQUAL(s->classes[0].rows, 4);
	CU_ASSERT_EQUAL(s->classes[1].disposition, DISPOSITION_RETAIN);
	CU_ASSERT_EQUAL(s->root[2], 3);
	CU_ASSERT_PTR_NULL(plan_source(p, "b-2")->category);
	CU_ASSERT_PTR_NULL(plan_source(p, "b-3"));
	CU_ASSERT_EQUAL(p->n_blockers, 1);
	CU_ASSERT_EQUAL(p->blockers[0].count, 3);
	plan_free(p);
	buf_release(&out);
}

static void counts_beyond_2_53_are_text(void)
{
	struct buf out;
	written(&out);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(buf_str(&out), "\"bytes\": \"9007199254740993\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "\"items\": 10"));
	buf_release(&out);
}

static void writing_twice_gives_the_same_bytes(void)
{
	struct buf a, b;
	struct err e = ERR_INIT;
	struct plan *p = NULL;
	written(&a);
	CU_ASSERT_EQUAL_FATAL(plan_parse(&p, a.data, a.len, &e), 0);
	buf_init(&b, PLAN_MAX);
	CU_ASSERT_EQUAL(plan_write(&b, p, &e), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&a), buf_str(&b));
	plan_free(p);
	buf_release(&a);
	buf_release(&b);
}

/* The honest plan with `from` replaced by `to`. */
static int parsed_with(const char *from, const char *to, struct err *e)
{
	struct buf out, changed;
	struct plan *p = NULL;
	written(&out);
	const char *at = strstr(buf_str(&out), from);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	buf_init(&changed, PLAN_MAX);
	buf_put(&changed, out.data, (size_t)(at - buf_str(&out)));
	buf_puts(&changed, to);
	buf_puts(&changed, at + strlen(from));
	int rc = plan_parse(&p, changed.data, changed.len, e);
	plan_free(p);
	buf_release(&out);
	buf_release(&changed);
	return rc;
}

static void bad_texts_are_refused_one_by_one(void)
{
	static const struct {
		const char *from, *to, *says;
	} table[] = {
		{"\"version\": 1", "\"version\": 2", "version"},
		{"quietus/plan", "quietus/plot", "type"},
		{"\"number\": 1", "\"number\": 1, \"x\": 1", "unknown key"},
		{"\"number\": 1", "\"number\": 1, \"number\": 1", "duplicate"},
		{"\"number\": 1", "\"number\": 2", "mode"},
		{"\"number\": 1", "\"number\": -1", "count"},
		{"\"number\": 1", "\"number\": \"01\"", "count"},
		{"\"number\": 1", "\"number\": 1.0", "count"},
		{"\"mode\": \"first\"", "\"mode\": \"last\"", "mode"},
		{"0123456789abcdef0", "0123456789ABCDEF0", "case number"},
		{"\"closeout\": \"acme\",", "", "closeout"},
		{"\"closeout\": \"acme\"", "\"closeout\": \"a\\u0007\"",
		 "control"},
		{"\"closeout\": \"acme\"", "\"closeout\": \"a\\u009b\"",
		 "control"},
		{"\"closeout\": \"acme\"", "\"closeout\": \"a\\u0000\"", "NUL"},
		{"\"2023-11-14T22:13:20Z\"", "\"2023-11-14\"", "created"},
		{"\"2023-11-14T22:13:20Z\"", "\"2023-02-30T00:00:00Z\"",
		 "created"},
		{"\"approvals_required\": 2", "\"approvals_required\": 0",
		 "approvals"},
		{"\"approvals_required\": 2", "\"approvals_required\": 3",
		 "approvals"},
		{PRINT_B "\"\n  ]", PRINT_A "\"\n  ]", "twice"},
		{PRINT_B "\"\n  ]", "bb\"\n  ]", "fingerprint"},
		{"\"signer\": \"a", "\"signer\": \"A", "fingerprint"},
		{"\"choice\": \"return\"", "\"choice\": \"keep\"", "choice"},
		{"\"name\": \"b-2\"", "\"name\": \"app\"", "two sources"},
		{"\"name\": \"b-2\"", "\"name\": \"B/2\"", "a-z"},
		{"\"name\": \"b-2\"", "\"name\": \"b-2\", \"path\": \"x\"",
		 "unknown key"},
		{"\"items\": 12", "\"items\": 13", "add up"},
		{"\"destroy\": 10", "\"destroy\": 11", "agree"},
		{"\"destroy\": 10", "\"destroy\": 13", "agree"},
		{"\"retain\": 2", "\"retain\": 3", "agree"},
		{"\"class\": \"snapshot\"", "\"class\": \"cache\"", "class"},
		{"\"class\": \"snapshot\"", "\"class\": \"unknown\"", "class"},
		{"\"disposition\": \"none\"", "\"disposition\": \"lose\"",
		 "disposition"},
		{"\"disposition\": \"none\"", "\"disposition\": \"destroy\"",
		 "disposition"},
		{"\"disposition\": \"retain\"", "\"disposition\": \"destroy\"",
		 "twice"},
		{"\"count\": 3", "\"count\": 0", "blocker"},
		{"\"9007199254741000\"", "\"99999999999999999999\"", "count"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct err e = ERR_INIT;
		int rc = parsed_with(table[i].from, table[i].to, &e);
		CU_ASSERT_EQUAL(rc, -1);
		CU_ASSERT_EQUAL(e.code, ERR_INVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, table[i].says));
		if (rc == 0 || strstr(e.msg, table[i].says) == NULL)
			printf("# %zu %s: %s\n", i, table[i].to, e.msg);
	}
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL(parsed_with("acme", "acne", &e), 0);
}

static void every_cut_is_refused(void)
{
	struct buf out;
	struct plan *p = NULL;
	written(&out);
	for (size_t n = 0; n + 2 < out.len; n++) {
		struct err e = ERR_INIT;
		CU_ASSERT_EQUAL(plan_parse(&p, out.data, n, &e), -1);
		CU_ASSERT_PTR_NULL(p);
	}
	buf_release(&out);
}

static void refused(const char *says)
{
	struct buf out;
	struct err e = ERR_INIT;
	buf_init(&out, PLAN_MAX);
	CU_ASSERT_EQUAL(plan_write(&out, &plan, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, says));
	CU_ASSERT_EQUAL(out.len, 0);
	buf_release(&out);
}

static void nothing_unreadable_is_written(void)
{
	honest();
	plan.approvers = same_twice;
	refused("twice");
	honest();
	plan.closeout = NULL;
	refused("closeout");
	honest();
	plan.closeout = "acme\n";
	refused("control");
	honest();
	plan.closeout = "\xff\xfe";
	refused("UTF-8");
	honest();
	sources[0].retain = 3;
	refused("agree");
	honest();
	plan.n_sources = 0;
	refused("no source");
	honest();
	plan.approvals_required = 0;
	refused("approvals");
	honest();
	plan.mode = PLAN_DELTA;
	refused("mode");
}

static void delta_has_a_number_above_one(void)
{
	struct buf out;
	struct err e = ERR_INIT;
	char name[PLAN_NAME];
	honest();
	plan.mode = PLAN_DELTA;
	plan.number = 3;
	buf_init(&out, PLAN_MAX);
	CU_ASSERT_EQUAL(plan_write(&out, &plan, &e), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "\"mode\": \"delta\""));
	buf_release(&out);
	plan_name(name, 1);
	CU_ASSERT_STRING_EQUAL(name, "plan.json");
	plan_name(name, 3);
	CU_ASSERT_STRING_EQUAL(name, "plan-3.json");
	CU_ASSERT_EQUAL(plan_mode_parse("again"), PLAN_AGAIN);
	CU_ASSERT_EQUAL((int)plan_mode_parse("none"), 0);
	CU_ASSERT_STRING_EQUAL(plan_mode_name(PLAN_AGAIN), "again");
}

static void missing_plan_file_is_missing(void)
{
	struct plan *p = NULL;
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL(plan_file(&p, "/nonexistent/plan.json", NULL, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_MISSING);
}

/* ---- the closing document ----------------------------------------------- */

static void closing_says_what_is_gone_and_what_cannot_be_checked(void)
{
	static const struct closing_item gone[] = {
		{"ledger", 3}, {"case secret", 1}, {"staging", 0}};
	struct closing c = {.case_number = "0123456789abcdef0123456789abcdef",
			    .closeout = "acme",
			    .closed = 1700000000,
			    .certificate = "certificate.json",
			    .certificate_sha256 = {0xab},
			    .destroyed = gone,
			    .n_destroyed = 3,
			    .signer = PRINT_A,
			    .tool_version = "0.1.0"};
	struct buf out;
	struct err e = ERR_INIT;

	buf_init(&out, 65536);
	CU_ASSERT_EQUAL_FATAL(closing_write(&out, &c, &e), 0);
	const char *text = buf_str(&out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"quietus/closing\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"case secret\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"ab000000"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "cannot be recomputed"));
	buf_reset(&out);
	c.n_destroyed = 0;
	CU_ASSERT_EQUAL(closing_write(&out, &c, &e), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "what was destroyed"));
	err_clear(&e);
	c.n_destroyed = 3;
	c.signer = NULL;
	CU_ASSERT_EQUAL(closing_write(&out, &c, &e), -1);
	err_clear(&e);
	c.signer = PRINT_A;
	c.closeout = "a\x1b";
	CU_ASSERT_EQUAL(closing_write(&out, &c, &e), -1);
	CU_ASSERT_EQUAL(out.len, 0);
	buf_release(&out);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(everything_is_read_back),
		UNIT(counts_beyond_2_53_are_text),
		UNIT(writing_twice_gives_the_same_bytes),
		UNIT(bad_texts_are_refused_one_by_one),
		UNIT(every_cut_is_refused),
		UNIT(nothing_unreadable_is_written),
		UNIT(delta_has_a_number_above_one),
		UNIT(missing_plan_file_is_missing),
		UNIT(closing_says_what_is_gone_and_what_cannot_be_checked),
		{NULL, NULL}};
	return unit_run("plan", tests);
}
