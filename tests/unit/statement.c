/* The certificate: kind, reservations and refusals follow from the lines. */
#define _GNU_SOURCE
#include "tests/tamper/set.h"
#include "tests/unit/unit.h"

static struct set_statement s;

static enum kind wrote(struct buf *out)
{
	struct err e = ERR_INIT;
	enum kind kind = KIND_NONE;
	buf_init(out, STATEMENT_MAX);
	int rc = statement_write(out, &kind, &s.st, &e);
	if (rc != 0)
		printf("# %s\n", e.msg);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	return kind;
}

/* The document as JSON; the caller lets go of it. */
static json_t *document(enum kind want)
{
	struct buf out;
	struct err e = ERR_INIT;
	CU_ASSERT_EQUAL(wrote(&out), want);
	json_t *doc = json_strict(buf_str(&out), out.len, "document", &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
	buf_release(&out);
	return doc;
}

static void kind_is(enum kind want)
{
	json_t *doc = document(want);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(doc, "kind")),
			       kind_name(want));
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(doc, "type")),
			       want == KIND_EXCEPTION
				       ? "quietus/exception-report"
				       : "quietus/certificate");
	json_decref(doc);
}

static void refused(const char *says)
{
	struct buf out;
	struct err e = ERR_INIT;
	enum kind kind;
	buf_init(&out, STATEMENT_MAX);
	CU_ASSERT_EQUAL(statement_write(&out, &kind, &s.st, &e), -1);
	CU_ASSERT_EQUAL(e.code, ERR_FAILED);
	CU_ASSERT_EQUAL(out.len, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, says));
	if (strstr(e.msg, says) == NULL)
		printf("# %s\n", e.msg);
	buf_release(&out);
}

/* ---- kind -----------------------------------------------------------------
 */

static void all_destroyed_or_kept_is_final(void)
{
	set_fill(&s);
	kind_is(KIND_FINAL);
}

static void scheduled_or_unchecked_is_interim(void)
{
	set_fill(&s);
	s.media[1].verdict = VERDICT_SCHEDULED;
	s.media[1].until = SET_CREATED + 9000;
	kind_is(KIND_INTERIM);
	set_fill(&s);
	s.media[1].verdict = VERDICT_DESTROYED;
	kind_is(KIND_INTERIM);
}

static void each_failing_verdict_is_an_exception_report(void)
{
	static const enum verdict bad[] = {VERDICT_PRESENT, VERDICT_REFUSED,
					   VERDICT_UNREACHABLE,
					   VERDICT_UNKNOWN};
	for (size_t i = 0; i < 4; i++) {
		set_fill(&s);
		s.media[1].verdict = bad[i];
		kind_is(KIND_EXCEPTION);
		set_fill(&s);
		/* a class without items counts as much as an item */
		s.media[3].verdict = bad[i];
		kind_is(KIND_EXCEPTION);
	}
}

static void nothing_destroyed_is_no_certificate(void)
{
	set_fill(&s);
	for (size_t i = 0; i < 4; i++) {
		if (s.app[i].verdict == VERDICT_DESTROYED_VERIFIED)
			s.app[i].verdict = VERDICT_ABSENT;
		if (s.media[i].verdict == VERDICT_DESTROYED_VERIFIED)
			s.media[i].verdict = VERDICT_ABSENT;
	}
	kind_is(KIND_EXCEPTION);
	s.media[1].verdict = VERDICT_DESTROYED_VERIFIED;
	kind_is(KIND_FINAL);
}

static void class_without_items_is_not_something_destroyed(void)
{
	set_fill(&s);
	for (size_t i = 0; i < 4; i++) {
		if (s.app[i].items > 0)
			s.app[i].verdict = VERDICT_ABSENT;
		if (s.media[i].items > 0)
			s.media[i].verdict = VERDICT_ABSENT;
	}
	s.app[1].retention = NULL;
	s.st.n_retention = 0;
	/* the log is called destroyed-verified: nothing was in it */
	CU_ASSERT(s.app[2].verdict == VERDICT_DESTROYED_VERIFIED);
	json_t *doc = document(KIND_EXCEPTION);
	const json_t *list = json_object_get(doc, "findings");
	CU_ASSERT_EQUAL(json_array_size(list), 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(list, 0)),
			       "nothing was found destroyed and verified");
	json_decref(doc);
	/* one item is enough */
	s.app[0].verdict = VERDICT_DESTROYED_VERIFIED;
	doc = document(KIND_FINAL);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(doc, "findings")), 0);
	json_decref(doc);
}

static void none_found_stands_alone(void)
{
	set_fill(&s);
	kind_is(KIND_FINAL);
	s.app[3].cls = CLASS_WRITE_AHEAD_LOG;
	refused("\"none found\" and something else");
}

static void unchanged_bystanders_have_a_commitment(void)
{
	set_fill(&s);
	kind_is(KIND_FINAL);
	memset(s.sources[0].bystanders_commitment, 0, SHA_LEN);
	refused("without the commitment");
	s.sources[0].bystanders = "not measured";
	kind_is(KIND_FINAL);
}

static void choice_is_one_of_three_words(void)
{
	static const char *const good[] = {"destroy", "return",
					   "return-to-designee"};
	set_fill(&s);
	for (size_t i = 0; i < 3; i++) {
		s.st.choice = s.sources[0].choice = good[i];
		kind_is(KIND_FINAL);
	}
	s.st.choice = "keep";
	refused("the controller's choice");
	s.st.choice = "destroy";
	s.sources[0].choice = "";
	refused("source app: the choice");
}

static void unplanned_things_prevent_a_certificate(void)
{
	set_fill(&s);
	s.sources[1].unplanned = 1;
	json_t *doc = document(KIND_EXCEPTION);
	const json_t *list = json_object_get(doc, "findings");
	CU_ASSERT_EQUAL(json_array_size(list), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		json_string_value(json_array_get(list, 0)), "no plan names"));
	json_decref(doc);
}

static void residue_found_again_prevents_a_certificate(void)
{
	set_fill(&s);
	s.sources[0].residue_after = 2;
	kind_is(KIND_EXCEPTION);
	/* also when nothing had been found before */
	s.sources[0].residue_before = 0;
	kind_is(KIND_EXCEPTION);
}

static void lost_bystanders_say_possible_breach(void)
{
	struct buf out;
	set_fill(&s);
	s.sources[0].bystanders = "lost";
	CU_ASSERT_EQUAL(wrote(&out), KIND_EXCEPTION);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		buf_str(&out), "possible personal data breach: tell the data "
			       "protection officer now"));
	buf_release(&out);
	set_fill(&s);
	CU_ASSERT_EQUAL(wrote(&out), KIND_FINAL);
	CU_ASSERT_PTR_NULL(strstr(buf_str(&out), "breach"));
	buf_release(&out);
}

/* ---- I8: claims that the check does not carry ------------------------------
 */

static void unchecked_source_claims_nothing(void)
{
	static const enum verdict claims[] = {
		VERDICT_DESTROYED_VERIFIED, VERDICT_ABSENT, VERDICT_NONE_FOUND};
	for (size_t i = 0; i < 3; i++) {
		set_fill(&s);
		s.sources[1].checked = 0;
		s.media[0].verdict = VERDICT_DESTROYED;
		s.media[1].verdict = VERDICT_DESTROYED;
		s.media[2].verdict = VERDICT_UNKNOWN;
		s.media[3].verdict = VERDICT_UNKNOWN;
		kind_is(KIND_EXCEPTION);
		s.media[i == 2 ? 2 : 0].verdict = claims[i];
		refused("not listed again");
	}
	set_fill(&s);
	s.sources[0].checked = 0;
	s.app[0].verdict = VERDICT_DESTROYED;
	s.app[2].verdict = VERDICT_UNKNOWN;
	s.app[3].verdict = VERDICT_UNKNOWN;
	refused("\"retained\"");
}

static void check_before_the_destruction_is_no_check(void)
{
	set_fill(&s);
	s.sources[0].checked = s.sources[0].started - 1;
	refused("checked before");
}

static void destruction_that_never_began_is_not_claimed(void)
{
	set_fill(&s);
	s.sources[1].started = 0;
	refused("no destruction was ever begun");
}

static void lines_must_cover_the_inventory(void)
{
	set_fill(&s);
	s.media[0].items--;
	refused("add up");
	set_fill(&s);
	s.media[0].bytes++;
	refused("add up");
	set_fill(&s);
	s.media[0].items = UINT64_MAX;
	refused("overflow");
}

static void class_without_a_word_is_refused(void)
{
	set_fill(&s);
	s.sources[1].n_lines = 0;
	s.sources[1].items = s.sources[1].bytes = 0;
	refused("no class has a verdict");
	set_fill(&s);
	s.media[0].cls = CLASS_UNKNOWN;
	refused("without class");
	set_fill(&s);
	s.media[2].items = 1;
	refused("none found");
}

static void retained_needs_its_entry(void)
{
	set_fill(&s);
	s.app[1].retention = NULL;
	refused("retention entry");
	set_fill(&s);
	s.app[1].retention = "other";
	refused("retention entry");
	set_fill(&s);
	s.app[0].retention = "invoices";
	refused("retention entry");
	set_fill(&s);
	s.retention[0].until = 0;
	refused("no date");
	set_fill(&s);
	s.retention[0].source = "media";
	refused("retention entry");
}

static void scheduled_needs_a_date_or_a_reason(void)
{
	set_fill(&s);
	s.media[1].verdict = VERDICT_SCHEDULED;
	refused("without date");
	s.media[1].why = "leaves with the rotation of the logs";
	kind_is(KIND_INTERIM);
}

static void too_few_approvals_certify_nothing(void)
{
	set_fill(&s);
	s.plans[0].n_approvals = 1;
	refused("1 of 2 approvals");
	set_fill(&s);
	s.approvals[1].fingerprint = s.alice;
	refused("1 of 2 approvals");
	set_fill(&s);
	s.st.n_plans = 0;
	refused("no plan");
	set_fill(&s);
	s.st.approvals_required = 0;
	refused("no approval");
}

static void report_on_nothing_destroyed_needs_no_approval(void)
{
	set_fill(&s);
	s.plans[0].n_approvals = 0;
	for (size_t i = 0; i < 4; i++) {
		if (s.app[i].verdict == VERDICT_DESTROYED_VERIFIED)
			s.app[i].verdict = VERDICT_UNREACHABLE;
		if (s.media[i].verdict == VERDICT_DESTROYED_VERIFIED)
			s.media[i].verdict = VERDICT_UNREACHABLE;
	}
	kind_is(KIND_EXCEPTION);
}

static void control_bytes_are_refused_everywhere(void)
{
	set_fill(&s);
	s.st.controller.name = "Acme\nSAS";
	refused("control character");
	set_fill(&s);
	s.media[3].why = "\x1b[31m";
	refused("control character");
	set_fill(&s);
	s.facts[0].value = "a\x7f";
	refused("control character");
	set_fill(&s);
	s.facts[0].key = "a\tb";
	refused("control character");
	set_fill(&s);
	s.excluded[0].reason = "\xc2\x9b"
			       "31m";
	refused("control character");
	set_fill(&s);
	s.st.operator_name = "\xff";
	refused("UTF-8");
}

static void members_that_must_stand_are_missed(void)
{
	set_fill(&s);
	s.st.closeout = NULL;
	refused("closeout");
	set_fill(&s);
	s.st.signer_fingerprint = NULL;
	refused("signer");
	set_fill(&s);
	s.st.trail_vkey = NULL;
	refused("key");
	set_fill(&s);
	s.st.case_number = "12";
	refused("case number");
	set_fill(&s);
	s.st.issued = 0;
	refused("date of issue");
	set_fill(&s);
	s.st.number = 2;
	refused("earlier");
	set_fill(&s);
	s.sources[1].name = "app";
	refused("two sources");
	set_fill(&s);
	s.sources[1].name = "Media/7";
	refused("a-z");
	set_fill(&s);
	s.excluded[0].source = "nowhere";
	refused("unknown source");
	set_fill(&s);
	s.sources[1].bystanders = "fine";
	refused("bystanders");
}

/* ---- what is derived ---------------------------------------------------- */

static bool reserved(const json_t *doc, const char *source, const char *verdict)
{
	const json_t *list = json_object_get(doc, "reservations");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		if (strcmp(json_string_value(json_object_get(r, "source")),
			   source) == 0 &&
		    strcmp(json_string_value(json_object_get(r, "verdict")),
			   verdict) == 0 &&
		    *json_string_value(json_object_get(r, "reason")) != '\0')
			return true;
	}
	return false;
}

static void every_reservation_is_derived(void)
{
	set_fill(&s);
	json_t *doc = document(KIND_FINAL);
	CU_ASSERT(reserved(doc, "app", "retained"));
	CU_ASSERT(reserved(doc, "app", "excluded"));
	CU_ASSERT(reserved(doc, "media", "bystanders not measured"));
	CU_ASSERT_FALSE(reserved(doc, "media", "absent"));
	CU_ASSERT_FALSE(reserved(doc, "media", "attested"));
	CU_ASSERT_FALSE(reserved(doc, "media", "selected nothing"));
	CU_ASSERT_FALSE(reserved(doc, "app", "bystanders not measured"));
	json_decref(doc);
	s.media[1].verdict = VERDICT_ABSENT;
	s.media[3].verdict = VERDICT_ATTESTED;
	s.sources[1].selected_nothing = true;
	s.sources[0].bystanders = NULL;
	doc = document(KIND_FINAL);
	CU_ASSERT(reserved(doc, "media", "absent"));
	CU_ASSERT(reserved(doc, "media", "attested"));
	CU_ASSERT(reserved(doc, "media", "selected nothing"));
	CU_ASSERT(reserved(doc, "app", "bystanders not measured"));
	json_decref(doc);
}

static void clean_case_has_no_reservation(void)
{
	set_fill(&s);
	s.app[1].verdict = VERDICT_DESTROYED_VERIFIED;
	s.app[1].retention = NULL;
	s.st.n_retention = 0;
	s.st.n_excluded = 0;
	s.sources[1].bystanders = "unchanged";
	memset(s.sources[1].bystanders_commitment, 0x33, SHA_LEN);
	json_t *doc = document(KIND_FINAL);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(doc, "reservations")),
			0);
	json_decref(doc);
}

static const char *probe(size_t source)
{
	static char word[32];
	json_t *doc = document(statement_kind(&s.st));
	const json_t *v = json_object_get(
		json_array_get(json_object_get(doc, "sources"), source),
		"validation");
	snprintf(word, sizeof(word), "%s",
		 json_string_value(json_object_get(v, "probe")));
	json_decref(doc);
	return word;
}

static void no_hits_before_is_never_passed(void)
{
	set_fill(&s);
	CU_ASSERT_STRING_EQUAL(probe(0), "passed");
	CU_ASSERT_STRING_EQUAL(probe(1), "not possible");
	s.sources[0].residue_before = 0;
	CU_ASSERT_STRING_EQUAL(probe(0), "not possible");
	s.sources[0].residue_after = 1;
	CU_ASSERT_STRING_EQUAL(probe(0), "failed");
}

static void sums_are_derived(void)
{
	set_fill(&s);
	json_t *doc = document(KIND_FINAL);
	const json_t *t = json_object_get(doc, "totals");
	const json_t *by = json_object_get(t, "by_verdict");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(t, "items")), 6);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(t, "bytes")), 5436);
	CU_ASSERT_EQUAL(
		json_integer_value(json_object_get(by, "destroyed-verified")),
		5);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(by, "retained")), 1);
	CU_ASSERT_PTR_NULL(json_object_get(by, "absent"));
	const json_t *r = json_array_get(json_object_get(doc, "retained"), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(r, "bytes")), 300);
	json_decref(doc);
}

static void large_byte_counts_are_text(void)
{
	struct buf out;
	set_fill(&s);
	s.sources[1].bytes = s.sources[1].bytes - 24 + (UINT64_C(1) << 60);
	s.media[0].bytes = UINT64_C(1) << 60;
	CU_ASSERT_EQUAL(wrote(&out), KIND_FINAL);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(buf_str(&out), "\"bytes\": \"1152921504606846976\""));
	buf_release(&out);
}

static void no_standard_that_excludes_erasure_is_claimed(void)
{
	struct buf out;
	set_fill(&s);
	CU_ASSERT_EQUAL(wrote(&out), KIND_FINAL);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(buf_str(&out),
		       "logical deletion, no media sanitization claimed"));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&out), "15713"));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&out), "66399"));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&out), "27555"));
	buf_release(&out);
}

static void text_that_names_such_a_standard_is_refused(void)
{
	static const char *const bad[] = {"shredded, DIN 66399 H-5",
					  "as EN-15713 demands",
					  "din en 15713:2009",
					  "ISO/IEC 27555",
					  "iso 27555",
					  "ISO/IEC 21964-1"};
	static const char *const good[] = {"Golden 15713 rows", "en 157130",
					   "DIN 66398", "ISO/IEC 27001"};
	set_fill(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s.sources[1].method = bad[i];
		refused(bad[i]);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		s.sources[1].method = good[i];
		kind_is(KIND_FINAL);
	}
	s.sources[1].method = NULL;
	s.facts[1].key = "din 66399";
	refused("din 66399");
}

/* ---- reading back ------------------------------------------------------- */

static void read_back_and_written_again_is_the_same(void)
{
	struct buf a, b;
	struct err e = ERR_INIT;
	struct statement_doc *d = NULL;
	enum kind kind;

	set_fill(&s);
	s.st.n_earlier = 1;
	s.st.number = 2;
	struct statement_earlier earlier = {
		"exception-report.json", {7}, KIND_EXCEPTION};
	s.st.earlier = &earlier;
	s.st.has_instruction = true;
	s.sources[0].bystanders_sampled = true;
	s.sources[1].selected_nothing = true;
	s.media[1].verdict = VERDICT_SCHEDULED;
	s.media[1].until = SET_CREATED + 9000;
	wrote(&a);
	json_t *doc = json_strict(buf_str(&a), a.len, "document", &e);
	CU_ASSERT_EQUAL_FATAL(statement_parse(&d, doc, &e), 0);
	buf_init(&b, STATEMENT_MAX);
	CU_ASSERT_EQUAL(statement_write(&b, &kind, statement_of(d), &e), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&a), buf_str(&b));
	statement_free(d);
	json_decref(doc);
	buf_release(&a);
	buf_release(&b);
}

/* Members that the format lets be left out without more. */
static bool optional(const char *key)
{
	static const char *const keys[] = {
		"address", "contact",	 "dpo",		"clause",
		"ended",   "by",	 "received",	"rows",
		"why",	   "until",	 "method",	"purge",
		"started", "category",	 "limits",	"checked",
		"regions", "not_before", "commitment",	"operator",
		"build",   "reference",	 "engine",	"region",
		"signed",  "retention",	 "hits_before", NULL};
	for (size_t i = 0; keys[i] != NULL; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static size_t names_of(json_t *v, char names[64][64])
{
	size_t n = 0;
	const char *key;
	json_t *member;
	json_object_foreach(v, key, member)
	{
		if (n < 64)
			snprintf(names[n++], 64, "%s", key);
	}
	return n;
}

/* Deletes every member in turn, wherever it stands: the reader refuses, or
 * the document differs from what is derived from the rest. */
static void drop_each(json_t *root, json_t *v, size_t *n, size_t *silent)
{
	if (json_is_array(v))
		for (size_t i = 0; i < json_array_size(v); i++)
			drop_each(root, json_array_get(v, i), n, silent);
	if (!json_is_object(v))
		return;
	/* putting a member back moves it to the end: names first */
	char names[64][64];
	size_t count = names_of(v, names);
	for (size_t i = 0; i < count; i++) {
		struct err e = ERR_INIT;
		struct statement_doc *d = NULL;
		const char *name = names[i];
		json_t *member = json_incref(json_object_get(v, name));
		json_object_del(v, name);
		++*n;
		if (statement_parse(&d, root, &e) == 0) {
			enum kind k;
			json_t *again = statement_json(&k, statement_of(d), &e);
			if (json_equal(again, root) && !optional(name)) {
				printf("# %s is not missed\n", name);
				++*silent;
			}
			json_decref(again);
		}
		statement_free(d);
		json_object_set_new(v, name, member);
		drop_each(root, member, n, silent);
	}
}

static void every_missing_member_is_missed(void)
{
	struct err e = ERR_INIT;
	struct statement_doc *d = NULL;
	set_fill(&s);
	json_t *doc = document(KIND_FINAL);
	size_t n = 0, silent = 0;
	drop_each(doc, doc, &n, &silent);
	CU_ASSERT(n > 150);
	CU_ASSERT_EQUAL(silent, 0);
	CU_ASSERT_EQUAL(statement_parse(&d, doc, &e), 0);
	statement_free(d);
	json_decref(doc);
}

/* The same with every member replaced by a value of each type. */
static void replace_each(json_t *root, json_t *v, size_t *n)
{
	if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v); i++)
			replace_each(root, json_array_get(v, i), n);
		return;
	}
	if (!json_is_object(v))
		return;
	char names[64][64];
	size_t count = names_of(v, names);
	for (size_t m = 0; m < count; m++) {
		const char *name = names[m];
		json_t *member = json_incref(json_object_get(v, name));
		json_t *others[] = {json_null(),     json_integer(-1),
				    json_real(1.5),  json_string("x"),
				    json_array(),    json_object(),
				    json_string(""), json_true()};
		for (size_t i = 0; i < 8; i++) {
			struct err e = ERR_INIT;
			struct statement_doc *d = NULL;
			json_object_set_new(v, name, others[i]);
			if (statement_parse(&d, root, &e) == 0) {
				enum kind k;
				struct err e2 = ERR_INIT;
				statement_check(statement_of(d), KIND_FINAL,
						&e2);
				json_decref(statement_json(&k, statement_of(d),
							   &e));
			} else {
				CU_ASSERT_EQUAL(e.code, ERR_INVALID);
			}
			statement_free(d);
			++*n;
		}
		json_object_set_new(v, name, member);
		replace_each(root, member, n);
	}
}

static void no_foreign_type_crashes_the_reader(void)
{
	size_t n = 0;
	set_fill(&s);
	json_t *doc = document(KIND_FINAL);
	replace_each(doc, doc, &n);
	CU_ASSERT(n > 1000);
	json_decref(doc);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(all_destroyed_or_kept_is_final),
		UNIT(scheduled_or_unchecked_is_interim),
		UNIT(each_failing_verdict_is_an_exception_report),
		UNIT(nothing_destroyed_is_no_certificate),
		UNIT(class_without_items_is_not_something_destroyed),
		UNIT(none_found_stands_alone),
		UNIT(unchanged_bystanders_have_a_commitment),
		UNIT(choice_is_one_of_three_words),
		UNIT(text_that_names_such_a_standard_is_refused),
		UNIT(unplanned_things_prevent_a_certificate),
		UNIT(residue_found_again_prevents_a_certificate),
		UNIT(lost_bystanders_say_possible_breach),
		UNIT(unchecked_source_claims_nothing),
		UNIT(check_before_the_destruction_is_no_check),
		UNIT(destruction_that_never_began_is_not_claimed),
		UNIT(lines_must_cover_the_inventory),
		UNIT(class_without_a_word_is_refused),
		UNIT(retained_needs_its_entry),
		UNIT(scheduled_needs_a_date_or_a_reason),
		UNIT(too_few_approvals_certify_nothing),
		UNIT(report_on_nothing_destroyed_needs_no_approval),
		UNIT(control_bytes_are_refused_everywhere),
		UNIT(members_that_must_stand_are_missed),
		UNIT(every_reservation_is_derived),
		UNIT(clean_case_has_no_reservation),
		UNIT(no_hits_before_is_never_passed),
		UNIT(sums_are_derived),
		UNIT(large_byte_counts_are_text),
		UNIT(no_standard_that_excludes_erasure_is_claimed),
		UNIT(read_back_and_written_again_is_the_same),
		UNIT(every_missing_member_is_missed),
		UNIT(no_foreign_type_crashes_the_reader),
		{NULL, NULL}};

	keys_start();
	set_keys();
	int rc = unit_run("statement", tests);
	trail_free(set_trail);
	keys_stop();
	return rc;
}
