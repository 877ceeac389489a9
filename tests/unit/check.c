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
	CU_ASSERT(heard("1 approved-after-start"));
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
		UNIT(item_is_found_by_every_name_it_has),
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
