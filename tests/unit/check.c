/* What the verifier says of documents that are not simply right or wrong. */
#define _GNU_SOURCE
#include "tests/tamper/set.h"
#include "tests/unit/unit.h"

#include "certs/check.h"

struct said {
	char text[64 * 1024];
	size_t n;
};

static struct said said;
static struct check_input in;
static const char *trust[1];
/* keys_path gives room for a while only */
static char certificate[400], inventory[400], anchor[400];

static void hear(void *arg, enum finding_grade grade, const char *code,
		 const char *text)
{
	struct said *s = arg;
	int n = snprintf(s->text + s->n, sizeof(s->text) - s->n, "%d %s: %s\n",
			 (int)grade, code, text);
	if (n > 0 && s->n + (size_t)n < sizeof(s->text))
		s->n += (size_t)n;
}

static bool heard(const char *part)
{
	return strstr(said.text, part) != NULL;
}

static enum check_result checked(void)
{
	said.n = 0;
	said.text[0] = '\0';
	return check_run(&in, NULL, hear, &said);
}

static void expect(enum check_result want)
{
	enum check_result r = checked();
	CU_ASSERT_EQUAL(r, want);
	if (r != want)
		printf("# %s", said.text);
}

static void honest(void)
{
	set_write();
	snprintf(anchor, sizeof(anchor), "%s", keys_path("processor.pem"));
	snprintf(inventory, sizeof(inventory), "%s",
		 keys_path("set/inventory"));
	snprintf(certificate, sizeof(certificate), "%s",
		 keys_path("set/certificate.json"));
	trust[0] = anchor;
	in = (struct check_input){
		.certificate = certificate, .trust = trust, .n_trust = 1};
}

/* Another certificate over the same plan and approvals, properly issued. */
static void issue(void (*bend)(struct set_statement *))
{
	static struct set_statement s;
	struct buf out;
	struct err e = ERR_INIT;
	enum kind kind;
	char sha[2 * SHA_LEN + 1];

	honest();
	set_fill(&s);
	s.approvals[0].signed_at =
		set_sign("plan.json", "approvals/alice.p7s", "alice");
	s.approvals[1].signed_at =
		set_sign("plan.json", "approvals/bob.p7s", "bob");
	set_sha(sha, s.plans[0].sha256, "plan.json");
	s.st.trail_origin = trail_origin(set_trail);
	s.st.trail_vkey = trail_vkey(set_trail);
	bend(&s);
	buf_init(&out, STATEMENT_MAX);
	if (statement_write(&out, &kind, &s.st, &e) != 0)
		set_die("certificate", &e);
	keys_put(keys_path("set/certificate.json"), out.data, out.len);
	buf_release(&out);
	set_issue("processor");
}

static void final_passes_and_strict_minds_reservations(void)
{
	honest();
	expect(CHECK_VALID_FINAL);
	in.strict = true;
	expect(CHECK_VALID_NOT_FINAL);
}

static void unreserved(struct set_statement *s)
{
	s->sources[1].bystanders = "unchanged";
	memset(s->sources[1].bystanders_commitment, 0x33, SHA_LEN);
	s->st.n_excluded = 0;
	s->app[1].verdict = VERDICT_SCHEDULED;
	s->app[1].retention = NULL;
	s->app[1].until = SET_CREATED + 90000;
	s->st.n_retention = 0;
}

static void interim_is_valid_and_not_final(void)
{
	issue(unreserved);
	expect(CHECK_VALID_NOT_FINAL);
	CU_ASSERT(heard("0 derivation"));
}

static void survivor(struct set_statement *s)
{
	s->media[1].verdict = VERDICT_PRESENT;
}

static void exception_report_is_valid_and_not_final(void)
{
	issue(survivor);
	expect(CHECK_VALID_NOT_FINAL);
}

static void more_gone(struct set_statement *s)
{
	/* one that the plan retains */
	s->app[0].items = 3;
	s->app[0].bytes = 5400;
	s->app[1].items = s->app[1].bytes = 0;
}

static void what_is_retained_may_not_be_destroyed(void)
{
	issue(more_gone);
	expect(CHECK_NOT_VALID);
	CU_ASSERT(heard("3 more-than-planned"));
}

static void without_trust_it_cannot_be_checked(void)
{
	honest();
	in.n_trust = 0;
	expect(CHECK_IMPOSSIBLE);
	CU_ASSERT(heard("2 trust-not-given"));
	trust[0] = keys_path("stranger.pem");
	in.n_trust = 1;
	expect(CHECK_NOT_VALID);
	trust[0] = keys_path("nobody.pem");
	expect(CHECK_IMPOSSIBLE);
	CU_ASSERT(heard("2 trust-unreadable"));
}

static void time_is_said_to_be_the_vendors_word(void)
{
	honest();
	expect(CHECK_VALID_FINAL);
	CU_ASSERT(heard("1 time-is-vendors-word"));
}

static void companions_are_found_from_anywhere(void)
{
	char old[4096];
	honest();
	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(old, sizeof(old)));
	CU_ASSERT_EQUAL_FATAL(chdir(keys_path("set")), 0);
	in.certificate = "certificate.json";
	expect(CHECK_VALID_FINAL);
	CU_ASSERT_EQUAL(chdir(old), 0);
}

/* ---- more than one plan ---------------------------------------------------
 */

/* The message was edited after the first plan, and a file came. */
static const struct set_item two_items[] = {
	{"app", SET_ID("0001 client 0000"), CLASS_CURRENT, 100, 1,
	 DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
	{"app", SET_ID("0002 invoice 0000"), CLASS_CURRENT, 300, 12,
	 DISPOSITION_RETAIN, "invoices", VERDICT_RETAINED, 0},
	{"app", SET_ID("0003 message 0000"), CLASS_CURRENT, 5000, 70,
	 DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
	{"app", SET_ID("0003 message 0000"), CLASS_CURRENT, 77, 2,
	 DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 2},
	{"media", SET_ID("clients/7/a.jpg\0current\0v1"), CLASS_CURRENT, 11, 0,
	 DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
	{"media", SET_ID("clients/7/a.jpg\0noncurrent\0v0"), CLASS_NONCURRENT,
	 12, 0, DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
	{"media", SET_ID("clients/7/b\xc3\xa9.jpg\0current\0v1"), CLASS_CURRENT,
	 13, 0, DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
};
#define TWO_ITEMS (sizeof(two_items) / sizeof(two_items[0]))

/* What the certificate and the inventory are made of; the plans always are
 * of two_items. */
static struct set_item certified[TWO_ITEMS];
static size_t n_certified;
static int64_t delta_after; /* when the delta was made */

static void save_delta(struct plan *p, struct plan_source *sources)
{
	static const struct plan_class app[] = {
		{CLASS_CURRENT, DISPOSITION_DESTROY, 1, 77, 2},
		{CLASS_WRITE_AHEAD_LOG, DISPOSITION_NONE, 0, 0, 0}};
	static const struct plan_class media[] = {
		{CLASS_CURRENT, DISPOSITION_NONE, 0, 0, 0},
		{CLASS_NONCURRENT, DISPOSITION_NONE, 0, 0, 0},
		{CLASS_DELETE_MARKER, DISPOSITION_NONE, 0, 0, 0}};
	struct buf out;
	struct err e = ERR_INIT;

	p->number = 2;
	p->mode = PLAN_DELTA;
	p->created = SET_CREATED + delta_after;
	sources[0].items = sources[0].destroy = 1;
	sources[0].bytes = 77;
	sources[0].retain = 0;
	sources[0].classes = app;
	sources[0].n_classes = 2;
	sources[1].items = sources[1].bytes = sources[1].destroy = 0;
	sources[1].classes = media;
	buf_init(&out, PLAN_MAX);
	if (plan_write(&out, p, &e) != 0)
		set_die("plan-2", &e);
	keys_put(keys_path("set/plan-2.json"), out.data, out.len);
	buf_release(&out);
}

static void two_plans(struct set_statement *s)
{
	static struct statement_plan plans[2];
	static struct statement_approval more[2];
	char sha[2 * SHA_LEN + 1];
	struct statement_source *app = &s->sources[0];

	set_list = two_items;
	set_listed = TWO_ITEMS;
	set_of_plan = 2;
	set_plan(save_delta);
	set_of_plan = 0;
	mkdir(keys_path("set/approvals-2"), 0700);
	memcpy(more, s->approvals, sizeof(more));
	more[0].file = "approvals-2/alice.p7s";
	more[1].file = "approvals-2/bob.p7s";
	more[0].signed_at = set_sign("plan-2.json", more[0].file, "alice");
	more[1].signed_at = set_sign("plan-2.json", more[1].file, "bob");
	plans[0] = s->plans[0];
	plans[1] = (struct statement_plan){.file = "plan-2.json",
					   .created = SET_CREATED + delta_after,
					   .approvals = more,
					   .n_approvals = 2};
	set_sha(sha, plans[1].sha256, "plan-2.json");
	s->st.plans = plans;
	s->st.n_plans = 2;
	/* counts follow from what is certified */
	set_list = certified;
	set_listed = n_certified;
	set_inventory(NULL, "app", app->planned_root, app->outcome_root);
	app->items = app->bytes = 0;
	s->app[0].items = s->app[0].bytes = s->app[0].rows = 0;
	for (size_t i = 0; i < n_certified; i++) {
		const struct set_item *it = &certified[i];
		if (strcmp(it->source, "app") != 0)
			continue;
		app->items++;
		app->bytes += it->bytes;
		if (it->verdict != VERDICT_DESTROYED_VERIFIED)
			continue;
		s->app[0].items++;
		s->app[0].bytes += it->bytes;
		s->app[0].rows += it->rows;
	}
}

static void certify_all(void)
{
	memcpy(certified, two_items, sizeof(two_items));
	n_certified = TWO_ITEMS;
	delta_after = 1;
}

static void leave_out(size_t i)
{
	n_certified--;
	memmove(&certified[i], &certified[i + 1],
		(n_certified - i) * sizeof(certified[0]));
}

/* A certificate over both plans; then looked at with its inventory or not. */
static void issue_two(void)
{
	struct buf lines;
	unsigned char unused[SHA_LEN];

	issue(two_plans);
	buf_init(&lines, 1 << 20);
	set_inventory(&lines, "app", unused, unused);
	set_inventory(&lines, "media", unused, unused);
	keys_put(inventory, lines.data, lines.len);
	buf_release(&lines);
	set_list = set_items;
	set_listed = SET_ITEMS;
}

static void two_plans_pass_and_say_what_the_inventory_adds(void)
{
	certify_all();
	issue_two();
	expect(CHECK_VALID_FINAL);
	CU_ASSERT(heard("1 union-needs-inventory: Source app: 2 plans"));
	in.inventory = inventory;
	expect(CHECK_VALID_FINAL);
	CU_ASSERT_FALSE(heard("union-needs-inventory"));
	CU_ASSERT(heard("those of each plan to the root that was approved"));
}

static void less_than_the_largest_plan_is_seen_without_inventory(void)
{
	certify_all();
	leave_out(3);
	leave_out(0);
	issue_two();
	expect(CHECK_NOT_VALID);
	CU_ASSERT(heard("3 plan-counts: Source app, all classes"));
	CU_ASSERT(heard("3 plan-counts: Source app, current"));
}

static void one_item_left_out_of_two_plans_is_seen_with_inventory(void)
{
	for (size_t i = 0; i < 4; i++) {
		if (i == 1)
			continue; /* the retained one: its line would go too */
		certify_all();
		leave_out(i);
		issue_two();
		in.inventory = inventory;
		expect(CHECK_NOT_VALID);
		CU_ASSERT(heard("3 plan-root: Source app"));
		CU_ASSERT_FALSE(heard("planned-root"));
		CU_ASSERT(heard(i == 3 ? "gives to plan-2.json"
				       : "gives to plan.json"));
	}
}

static void item_moved_from_plan_to_plan_is_seen(void)
{
	certify_all();
	certified[0].plan = 2;
	issue_two();
	in.inventory = inventory;
	expect(CHECK_NOT_VALID);
	CU_ASSERT(heard("gives to plan.json"));
	CU_ASSERT(heard("gives to plan-2.json"));
}

static void plan_nobody_names_is_seen(void)
{
	certify_all();
	certified[3].plan = 3;
	issue_two();
	in.inventory = inventory;
	expect(CHECK_NOT_VALID);
	CU_ASSERT(heard("3 inventory-plan"));
}

static void same_item_of_two_plans_stands_in_their_order(void)
{
	certify_all();
	struct set_item third = certified[2];
	certified[2] = certified[3];
	certified[3] = third;
	issue_two();
	in.inventory = inventory;
	expect(CHECK_NOT_VALID);
	CU_ASSERT(heard("3 inventory-order"));
	certify_all();
	certified[3] = certified[2];
	issue_two();
	in.inventory = inventory;
	expect(CHECK_NOT_VALID);
	CU_ASSERT(heard("3 inventory-order"));
}

/* ---- times ----------------------------------------------------------------
 */

static void early_plan(struct plan *p, struct plan_source *sources)
{
	p->created = SET_CREATED - 9000;
	p->not_before = SET_CREATED - 8000;
	set_plan_save(p, sources);
}

/* The plan is older, and the destruction began before anybody signed. */
static void begun_early(struct set_statement *s)
{
	char sha[2 * SHA_LEN + 1];
	set_plan(early_plan);
	for (size_t i = 0; i < 2; i++)
		s->approvals[i].signed_at =
			set_sign("plan.json", s->approvals[i].file,
				 i == 0 ? "alice" : "bob");
	set_sha(sha, s->plans[0].sha256, "plan.json");
	s->plans[0].created = SET_CREATED - 9000;
	s->st.not_before = SET_CREATED - 8000;
	s->sources[0].started = s->st.started = SET_CREATED - 7000;
}

static void approval_after_the_start_does_not_count(void)
{
	issue(begun_early);
	expect(CHECK_NOT_VALID);
	CU_ASSERT(heard("3 approved-after-start: plan.json, source app"));
	CU_ASSERT_FALSE(heard("source media: 2"));
	CU_ASSERT_FALSE(heard("time-order"));
}

static void delta_is_approved_before_the_end_at_least(void)
{
	certify_all();
	delta_after = 2300; /* the destruction began at 2000 */
	issue_two();
	expect(CHECK_VALID_FINAL);
}

/* ---- what version 1 has no evidence for -----------------------------------
 */

static void attested(struct set_statement *s)
{
	s->app[3].verdict = VERDICT_ATTESTED;
	s->app[3].why = "attested by Acme itself";
}

static void attestation_cannot_be_checked(void)
{
	issue(attested);
	expect(CHECK_IMPOSSIBLE);
	CU_ASSERT(heard("2 attestation-missing"));
}

static void return_plan(struct plan *p, struct plan_source *sources)
{
	p->choice = sources[0].choice = "return";
	set_plan_save(p, sources);
}

static void returned(struct set_statement *s)
{
	char sha[2 * SHA_LEN + 1];
	set_plan(return_plan);
	for (size_t i = 0; i < 2; i++)
		s->approvals[i].signed_at =
			set_sign("plan.json", s->approvals[i].file,
				 i == 0 ? "alice" : "bob");
	set_sha(sha, s->plans[0].sha256, "plan.json");
	s->st.choice = s->sources[0].choice = "return";
}

static void return_without_package_cannot_be_checked(void)
{
	issue(returned);
	expect(CHECK_IMPOSSIBLE);
	CU_ASSERT(heard("2 package-missing: Source app"));
}

/* ---- texts and earlier documents ------------------------------------------
 */

static void limits_in_other_words_are_told_apart(void)
{
	honest();
	expect(CHECK_VALID_FINAL);
	CU_ASSERT_FALSE(heard("limits-own-words"));
	struct err e = ERR_INIT;
	struct buf out;
	json_t *doc = json_file(certificate, 1 << 24, NULL, &e);
	json_array_append_new(json_object_get(doc, "limits"),
			      json_string("All media were shredded."));
	buf_init(&out, 1 << 24);
	CU_ASSERT_EQUAL(json_write(&out, doc, &e), 0);
	json_decref(doc);
	keys_put(certificate, out.data, out.len);
	buf_release(&out);
	set_issue("processor");
	expect(CHECK_VALID_FINAL);
	CU_ASSERT(heard("1 limits-own-words: Among the limits stand the "
			"vendor's own words: \"All media were shredded.\""));
}

static void second(struct set_statement *s)
{
	static struct statement_earlier x = {.file = "certificate-1.json",
					     .kind = KIND_INTERIM};
	struct err e = ERR_INIT;
	sha_once(x.sha256, "earlier", 7, &e);
	s->st.number = 2;
	s->st.earlier = &x;
	s->st.n_earlier = 1;
}

static void earlier_document_is_the_one_that_was_meant(void)
{
	issue(second);
	expect(CHECK_VALID_FINAL);
	CU_ASSERT(heard("1 earlier: This document follows an earlier one, "
			"which is not here"));
	keys_put(keys_path("set/certificate-1.json"), "earlier", 7);
	expect(CHECK_VALID_FINAL);
	CU_ASSERT(heard("1 earlier: This document follows an earlier one: "));
	keys_put(keys_path("set/certificate-1.json"), "earlieR", 7);
	expect(CHECK_NOT_VALID);
	CU_ASSERT(heard("3 earlier-changed"));
	unlink(keys_path("set/certificate-1.json"));
}

/* ---- --item -----------------------------------------------------------------
 */

static enum check_result look(const char *name)
{
	in.inventory = inventory;
	in.item = name;
	return checked();
}

static void item_is_found_by_every_name_it_has(void)
{
	static const char *const names[] = {
		"clients/7/a.jpg",
		"media:clients/7/a.jpg",
		"clients/7/a.jpg%00current%00v1",
		"media:clients/7/a.jpg%00current%00v1",
		"clients/7/b\xc3\xa9.jpg",
		"clients/7/b%C3%A9.jpg%00current%00v1",
		"message",
		"app:message",
		"message 0000",
		"0003 message 0000",
	};
	honest();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CU_ASSERT_EQUAL(look(names[i]), CHECK_VALID_FINAL);
		CU_ASSERT(heard("0 item-proven"));
		CU_ASSERT(heard("0 item-covered"));
		if (!heard("0 item-proven"))
			printf("# %s\n", names[i]);
	}
}

/* The inventory with another id in it: no longer the certified one, but the
 * names are compared all the same. */
static bool found_as(const char *id, const char *name)
{
	static const char was[] = "clients/7/a.jpg%00current%00v1";
	struct buf b, out;
	honest();
	buf_init(&b, 1 << 20);
	buf_init(&out, 1 << 20);
	keys_get(&b, inventory);
	const char *at = strstr(buf_str(&b), was);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	buf_put(&out, b.data, (size_t)(at - buf_str(&b)));
	buf_puts(&out, id);
	buf_puts(&out, at + strlen(was));
	keys_put(inventory, out.data, out.len);
	buf_release(&b);
	buf_release(&out);
	CU_ASSERT_EQUAL(look(name), CHECK_NOT_VALID);
	CU_ASSERT(heard("1 item-unproven"));
	return heard("0 item-covered");
}

static void files_and_rows_are_found_by_what_people_call_them(void)
{
	CU_ASSERT(found_as("/sub/photo.jpg", "sub/photo.jpg"));
	CU_ASSERT(found_as("/sub/photo.jpg", "/sub/photo.jpg"));
	CU_ASSERT_FALSE(found_as("/sub/photo.jpg", "photo.jpg"));
	CU_ASSERT_FALSE(found_as("/sub/photo.jpg", "sub"));
	CU_ASSERT(found_as("0012 chat it is, a key", "chat"));
	CU_ASSERT(found_as("0012 chat it is, a key", "chat it is, a key"));
	CU_ASSERT_FALSE(found_as("0012 chat it is, a key", "chat it"));
	CU_ASSERT_FALSE(found_as("0012 chat it is, a key", "key"));
	CU_ASSERT_FALSE(found_as("0012 chat it is, a key", "0012"));
	CU_ASSERT(found_as("2026 report.pdf", "2026 report.pdf"));
	CU_ASSERT(found_as("0001 client 0000000000000000007", "client 7"));
	CU_ASSERT(
		found_as("0001 client 0000000000000000007", "media:client 7"));
	CU_ASSERT(found_as("0001 client 0000000000000000007", "client 007"));
	CU_ASSERT_FALSE(
		found_as("0001 client 0000000000000000007", "client 77"));
	CU_ASSERT_FALSE(
		found_as("0001 client 0000000000000000007", "client -7"));
	CU_ASSERT(found_as("0001 line -0000000000000000003,0000000000000000042",
			   "line -3,42"));
	CU_ASSERT(found_as("0001 user 'anna'", "user anna"));
	CU_ASSERT_FALSE(found_as("0001 user 'anna'", "user ann"));
}

static void row_inside_a_range_cannot_be_told_from_its_name(void)
{
	honest();
	CU_ASSERT_EQUAL(look("message 0"), CHECK_VALID_FINAL);
	CU_ASSERT(heard("0 item-proven"));
	CU_ASSERT_EQUAL(look("message 17"), CHECK_VALID_FINAL);
	CU_ASSERT(heard("1 item-cannot-tell: Whether \"message 17\" was "
			"covered cannot be told from the name alone: rows are "
			"kept in ranges. Source app, table message: the range "
			"that begins with \"0000\" may hold it."));
	CU_ASSERT_FALSE(heard("item-not-covered"));
	CU_ASSERT_FALSE(heard("item-covered"));
	CU_ASSERT_EQUAL(look("app:message -4"), CHECK_VALID_FINAL);
	CU_ASSERT(heard("table message: all ranges begin after it."));
	CU_ASSERT_EQUAL(look("messages 17"), CHECK_VALID_FINAL);
	CU_ASSERT(heard("1 item-not-covered"));
	CU_ASSERT_FALSE(heard("item-cannot-tell"));
}

static void item_that_was_not_there_is_not_covered(void)
{
	static const char *const names[] = {
		"clients/7/c.jpg", "clients/7/a", "app:clients/7/a.jpg",
		"essage",	   "media:",	  "",
		"clients/77/a.jpg"};
	honest();
	CU_ASSERT_EQUAL(look("clients/7/a.jpg"), CHECK_VALID_FINAL);
	CU_ASSERT(heard("0 item-proven"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CU_ASSERT_EQUAL(look(names[i]), CHECK_VALID_FINAL);
		CU_ASSERT(heard("1 item-not-covered"));
		CU_ASSERT_FALSE(heard("item-covered"));
	}
}

static void wrong_inventory_proves_nothing_about_items(void)
{
	struct buf b;
	honest();
	buf_init(&b, 1 << 20);
	keys_get(&b, keys_path("set/inventory"));
	b.data[1] = b.data[1] == 'a' ? 'b' : 'a';
	keys_put(keys_path("set/inventory"), b.data, b.len);
	buf_release(&b);
	CU_ASSERT_EQUAL(look("clients/7/zzz"), CHECK_NOT_VALID);
	CU_ASSERT(heard("1 item-unproven"));
	CU_ASSERT_FALSE(heard("item-not-covered"));
}

static void item_without_inventory_cannot_be_told(void)
{
	honest();
	in.item = "x";
	expect(CHECK_IMPOSSIBLE);
	CU_ASSERT(heard("2 item-unproven"));
}

/* ---- outside bytes ------------------------------------------------------ */

static void no_cut_of_any_file_passes_or_crashes(void)
{
	static const char *const files[] = {"certificate.json",
					    "certificate.json.p7s",
					    "certificate.json.tlog-proof",
					    "plan.json",
					    "approvals/alice.p7s",
					    "inventory"};
	honest();
	in.inventory = inventory;
	expect(CHECK_VALID_FINAL);
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		struct buf b;
		buf_init(&b, 1 << 24);
		keys_get(&b, keys_path("set/%s", files[f]));
		size_t step = b.len / 40 + 1, passed = 0;
		for (size_t n = 0; n < b.len; n += step) {
			keys_put(keys_path("set/%s", files[f]), b.data, n);
			passed += checked() != CHECK_NOT_VALID;
		}
		CU_ASSERT_EQUAL(passed, 0);
		keys_put(keys_path("set/%s", files[f]), b.data, b.len);
		buf_release(&b);
	}
	expect(CHECK_VALID_FINAL);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(final_passes_and_strict_minds_reservations),
		UNIT(interim_is_valid_and_not_final),
		UNIT(exception_report_is_valid_and_not_final),
		UNIT(what_is_retained_may_not_be_destroyed),
		UNIT(without_trust_it_cannot_be_checked),
		UNIT(time_is_said_to_be_the_vendors_word),
		UNIT(companions_are_found_from_anywhere),
		UNIT(two_plans_pass_and_say_what_the_inventory_adds),
		UNIT(less_than_the_largest_plan_is_seen_without_inventory),
		UNIT(one_item_left_out_of_two_plans_is_seen_with_inventory),
		UNIT(item_moved_from_plan_to_plan_is_seen),
		UNIT(plan_nobody_names_is_seen),
		UNIT(same_item_of_two_plans_stands_in_their_order),
		UNIT(approval_after_the_start_does_not_count),
		UNIT(delta_is_approved_before_the_end_at_least),
		UNIT(attestation_cannot_be_checked),
		UNIT(return_without_package_cannot_be_checked),
		UNIT(limits_in_other_words_are_told_apart),
		UNIT(earlier_document_is_the_one_that_was_meant),
		UNIT(item_is_found_by_every_name_it_has),
		UNIT(row_inside_a_range_cannot_be_told_from_its_name),
		UNIT(files_and_rows_are_found_by_what_people_call_them),
		UNIT(item_that_was_not_there_is_not_covered),
		UNIT(wrong_inventory_proves_nothing_about_items),
		UNIT(item_without_inventory_cannot_be_told),
		UNIT(no_cut_of_any_file_passes_or_crashes),
		{NULL, NULL}};

	keys_start();
	set_keys();
	int rc = unit_run("check", tests);
	trail_free(set_trail);
	keys_stop();
	return rc;
}
