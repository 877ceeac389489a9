/*
 * Tampering as a table: name, mutilation, expected complaint and exit.  First
 * the proof that the untouched set passes, after every change of it too.
 *
 *   tamper               runs the table
 *   tamper --write DIR   leaves an honest set in DIR (tests/cli/verify.sh)
 */
#define _GNU_SOURCE
#include "tests/tamper/set.h"

#include "certs/check.h"

/* ---- what a run of the checks said -------------------------------------- */

struct said {
	char codes[200][40];
	char texts[200][400];
	enum finding_grade grades[200];
	size_t n;
};

static void hear(void *arg, enum finding_grade grade, const char *code,
		 const char *text)
{
	struct said *s = arg;
	if (s->n == 200)
		return;
	s->grades[s->n] = grade;
	snprintf(s->codes[s->n], sizeof(s->codes[0]), "%s", code);
	snprintf(s->texts[s->n++], sizeof(s->texts[0]), "%s", text);
}

static bool heard(const struct said *s, const char *code)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->codes[i], code) == 0 &&
		    (s->grades[i] == FINDING_BAD ||
		     s->grades[i] == FINDING_MISSING))
			return true;
	return false;
}

static bool with_trust = true;

static enum check_result run(struct said *s)
{
	const char *trust[1] = {keys_path("processor.pem")};
	struct check_input in = {
		.certificate = keys_path("set/certificate.json"),
		.trust = trust,
		.n_trust = with_trust ? 1 : 0,
		.inventory = keys_path("set/inventory"),
	};
	memset(s, 0, sizeof(*s));
	return check_run(&in, NULL, hear, s);
}

/* ---- ways to mutilate -----------------------------------------------------
 */

static const char cert[] = "certificate.json";
static const char p7s[] = "certificate.json.p7s";
static const char tlog[] = "certificate.json.tlog-proof";

static void load(struct buf *b, const char *file)
{
	buf_init(b, 1 << 24);
	keys_get(b, keys_path("set/%s", file));
}

static void store(struct buf *b, const char *file)
{
	keys_put(keys_path("set/%s", file), b->data, b->len);
	buf_release(b);
}

static void no_such(const char *what)
{
	fprintf(stderr, "the mutation found nothing to change: %s\n", what);
	exit(2);
}

/* Replaces the first `from` by `to`. */
static void replace(const char *file, const char *from, const char *to)
{
	struct buf b, out;
	load(&b, file);
	unsigned char *at = memmem(b.data, b.len, from, strlen(from));
	if (at == NULL)
		no_such(from);
	size_t head = (size_t)(at - b.data);
	buf_init(&out, 1 << 24);
	buf_put(&out, b.data, head);
	buf_puts(&out, to);
	buf_put(&out, at + strlen(from), b.len - head - strlen(from));
	buf_release(&b);
	store(&out, file);
}

static void cut(const char *file, size_t n)
{
	struct buf b;
	load(&b, file);
	b.len = n < b.len ? n : b.len - 1;
	store(&b, file);
}

static void cut_end(const char *file, size_t n)
{
	struct buf b;
	load(&b, file);
	b.len -= n;
	store(&b, file);
}

static void append(const char *file, const char *text)
{
	struct buf b;
	load(&b, file);
	buf_puts(&b, text);
	store(&b, file);
}

static void flip(const char *file, size_t from_end)
{
	struct buf b;
	load(&b, file);
	b.data[b.len - 1 - from_end] ^= 0x10;
	store(&b, file);
}

static void drop(const char *file)
{
	if (unlink(keys_path("set/%s", file)) != 0)
		no_such(file);
}

static void copy(const char *from, const char *to)
{
	struct buf b;
	load(&b, from);
	store(&b, to);
}

static json_t *parse(const char *file)
{
	struct err e = ERR_INIT;
	json_t *doc = json_file(keys_path("set/%s", file), 1 << 24, NULL, &e);
	if (doc == NULL)
		set_die(file, &e);
	return doc;
}

static void write_json(json_t *doc, const char *file)
{
	struct buf out;
	struct err e = ERR_INIT;
	buf_init(&out, 1 << 24);
	if (json_write(&out, doc, &e) != 0)
		set_die(file, &e);
	json_decref(doc);
	store(&out, file);
}

/* The certificate's member at a path like "sources/0/classes/1/items". */
static json_t *at(json_t *doc, const char *path)
{
	char part[64];
	while (*path != '\0') {
		size_t n = strcspn(path, "/");
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		doc = json_is_array(doc)
			      ? json_array_get(doc, strtoul(part, NULL, 10))
			      : json_object_get(doc, part);
		if (doc == NULL)
			no_such(path);
		path += n + (path[n] == '/');
	}
	return doc;
}

/* Sets a member and has the processor issue the document again: signature
 * and trail entry are then as good as the honest ones. */
static void edit(const char *path, const char *key, json_t *value)
{
	json_t *doc = parse(cert), *obj = at(doc, path);
	if (json_object_get(obj, key) == NULL)
		no_such(key);
	json_object_set_new(obj, key, value);
	write_json(doc, cert);
}

static void reissue(const char *path, const char *key, json_t *value)
{
	edit(path, key, value);
	set_issue("processor");
}

static void reissue_without(const char *path, const char *key)
{
	json_t *doc = parse(cert), *obj = at(doc, path);
	if (json_object_del(obj, key) != 0)
		no_such(key);
	write_json(doc, cert);
	set_issue("processor");
}

static void reissue_text(const char *from, const char *to)
{
	replace(cert, from, to);
	set_issue("processor");
}

/* A signature by stock openssl with other options. */
static void stock(const char *to, const char *file, const char *name,
		  const char *a, const char *b, const char *c)
{
	if (keys_run("stock.out", "openssl", "cms", "-sign", "-binary", "-in",
		     keys_path("set/%s", file), "-out", keys_path("set/%s", to),
		     "-signer", keys_path("%s.pem", name), "-inkey",
		     keys_path("%s.key", name), "-outform", a, b, c,
		     (char *)NULL) != 0)
		no_such("openssl cms -sign");
}

/* ---- the certificate's bytes ------------------------------------------------
 */

static void cert_byte(void)
{
	replace(cert, "Acme SAS", "Acne SAS");
}

static void cert_no_newline(void)
{
	cut_end(cert, 1);
}

static void cert_space(void)
{
	append(cert, " ");
}

static void cert_crlf(void)
{
	replace(cert, "{\n", "{\r\n");
}

static void cert_duplicate(void)
{
	replace(cert, "  \"kind\": \"final\",",
		"  \"kind\": \"interim\",\n  \"kind\": \"final\",");
}

static void cert_tail(void)
{
	append(cert, "{}");
}

static void cert_cut(void)
{
	cut(cert, 700);
}

static void cert_empty(void)
{
	cut(cert, 0);
}

static void cert_missing(void)
{
	drop(cert);
}

static void cert_not_json(void)
{
	copy("plan.json", cert);
}

/* ---- the signature ------------------------------------------------------ */

static void sig_missing(void)
{
	drop(p7s);
}

static void sig_empty(void)
{
	cut(p7s, 0);
}

static void sig_flip(void)
{
	flip(p7s, 5);
}

static void sig_cut(void)
{
	cut_end(p7s, 1);
}

static void sig_tail(void)
{
	append(p7s, "x");
}

static void sig_foreign(void)
{
	copy("approvals/alice.p7s", p7s);
}

static void sig_stranger(void)
{
	set_sign(cert, p7s, "stranger");
}

static void sig_approver(void)
{
	set_sign(cert, p7s, "alice");
}

static void sig_pem(void)
{
	stock(p7s, cert, "processor", "PEM", "-cades", "-noindef");
}

static void sig_noattr(void)
{
	stock(p7s, cert, "processor", "DER", "-noattr", "-noindef");
}

static void sig_no_cades(void)
{
	stock(p7s, cert, "processor", "DER", "-nosmimecap", "-noindef");
}

static void sig_attached(void)
{
	stock(p7s, cert, "processor", "DER", "-cades", "-nodetach");
}

static void sig_expired(void)
{
	stock(p7s, cert, "expired", "DER", "-cades", "-noindef");
}

static void sig_no_certs(void)
{
	stock(p7s, cert, "processor", "DER", "-cades", "-nocerts");
}

static void sig_two(void)
{
	if (keys_run("stock.out", "openssl", "cms", "-sign", "-binary",
		     "-cades", "-in", keys_path("set/%s", cert), "-out",
		     keys_path("set/%s", p7s), "-outform", "DER", "-signer",
		     keys_path("processor.pem"), "-inkey",
		     keys_path("processor.key"), "-signer",
		     keys_path("stranger.pem"), "-inkey",
		     keys_path("stranger.key"), (char *)NULL) != 0)
		no_such("openssl cms -sign");
}

static void no_trust(void)
{
	with_trust = false;
}

/* ---- lies, signed by the right key -------------------------------------- */

/* A time of the set, so many seconds after the plan. */
static json_t *when(int64_t after)
{
	char text[CLOCK_TEXT];
	clock_text(text, SET_CREATED + after);
	return json_string(text);
}

static void lie_kind(void)
{
	reissue("", "kind", json_string("interim"));
}

static void lie_kind_final(void)
{
	/* one class only scheduled, and still called final */
	json_t *doc = parse(cert), *l = at(doc, "sources/1/classes/1");
	json_object_set_new(l, "verdict", json_string("scheduled"));
	json_object_set_new(l, "until", json_string("2027-01-01T00:00:00Z"));
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_kind_stranger(void)
{
	edit("", "kind", json_string("interim"));
	set_issue("stranger");
}

static void lie_type(void)
{
	reissue("", "type", json_string("quietus/exception-report"));
}

static void lie_present(void)
{
	reissue("sources/0/classes/0", "verdict", json_string("present"));
}

static void lie_unknown(void)
{
	reissue("sources/1/classes/2", "verdict", json_string("unknown"));
}

static void lie_reservations(void)
{
	reissue("", "reservations", json_array());
}

static void lie_reservation_items(void)
{
	reissue("reservations/0", "items", json_integer(0));
}

static void lie_reservation_reason(void)
{
	reissue("reservations/2", "reason", json_string("nothing"));
}

static void lie_totals(void)
{
	reissue("totals", "items", json_integer(7));
}

static void lie_totals_verdict(void)
{
	reissue("totals/by_verdict", "destroyed-verified", json_integer(6));
}

static void lie_line_moved(void)
{
	/* the retained invoice, silently counted as destroyed */
	json_t *doc = parse(cert);
	json_t *a = at(doc, "sources/0/classes/0");
	json_t *b = at(doc, "sources/0/classes/1");
	json_object_set_new(a, "items", json_integer(3));
	json_object_set_new(a, "bytes", json_integer(5400));
	json_object_set_new(b, "items", json_integer(0));
	json_object_set_new(b, "bytes", json_integer(0));
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_line_dropped(void)
{
	json_t *doc = parse(cert);
	json_array_remove(at(doc, "sources/1/classes"), 1);
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_unchecked(void)
{
	reissue_without("sources/1", "checked");
}

static void lie_checked_early(void)
{
	reissue("sources/1", "checked", when(1800));
}

static void lie_unplanned(void)
{
	reissue("sources/1", "unplanned", json_integer(3));
}

static void lie_residue_after(void)
{
	reissue("sources/0/validation", "hits_after", json_integer(1));
}

static void lie_residue_before(void)
{
	reissue("sources/0/validation", "hits_before", json_integer(0));
}

static void lie_validation(void)
{
	reissue("sources/1/validation", "probe", json_string("passed"));
}

static void lie_verification(void)
{
	reissue("sources/1/verification", "outcome", json_string("failed"));
}

static void lie_bystanders(void)
{
	reissue("sources/0/bystanders", "outcome", json_string("lost"));
}

static void lie_retained(void)
{
	reissue("retained/0", "items", json_integer(0));
}

static void lie_scheduled(void)
{
	json_t *list = json_array();
	json_array_append_new(list, json_object());
	reissue("", "scheduled", list);
}

static void lie_findings(void)
{
	json_t *list = json_array();
	json_array_append_new(list, json_string("all is well"));
	reissue("", "findings", list);
}

static void lie_approved_by(void)
{
	reissue("excluded/0", "approved_by", json_array());
}

static void lie_planned_root(void)
{
	replace(cert, "\"planned_root\": \"", "\"planned_root\": \"0");
	json_t *doc = parse(cert), *s = at(doc, "sources/0");
	char root[65];
	snprintf(root, sizeof(root), "%.64s",
		 json_string_value(json_object_get(s, "planned_root")));
	json_object_set_new(s, "planned_root", json_string(root));
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_outcome_root(void)
{
	json_t *doc = parse(cert), *s = at(doc, "sources/1");
	json_object_set(s, "outcome_root", json_object_get(s, "planned_root"));
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_not_before(void)
{
	reissue("", "not_before", when(2040));
}

static void lie_case(void)
{
	reissue("", "case", json_string("ffffffffffffffffffffffffffffffff"));
}

static void lie_closeout(void)
{
	reissue("", "closeout_sha256",
		json_string("1111111111111111111111111111111111111111111111"
			    "111111111111111112"));
}

static void lie_choice(void)
{
	reissue("instruction", "choice", json_string("return"));
}

static void lie_signer(void)
{
	char print[FINGERPRINT_TEXT];
	set_print(print, "stranger");
	reissue("personnel", "signer", json_string(print));
}

static void lie_source_dropped(void)
{
	json_t *doc = parse(cert);
	json_array_remove(at(doc, "sources"), 1);
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_unknown_key(void)
{
	reissue_text("\"number\": 1,", "\"number\": 1,\n  \"note\": \"x\",");
}

static void lie_version(void)
{
	reissue("", "version", json_integer(2));
}

static void lie_verdict_word(void)
{
	reissue("sources/0/classes/0", "verdict", json_string("gone"));
}

static void lie_control(void)
{
	reissue("controller", "name", json_string("Acme\x1b[2J"));
}

static void lie_negative(void)
{
	reissue("sources/0", "items", json_integer(-3));
}

static void lie_fraction(void)
{
	reissue("sources/0", "items", json_real(3.0));
}

static void lie_sanitization(void)
{
	reissue("sources/0", "sanitization", json_string("NIST Purge"));
}

static void lie_path(void)
{
	reissue("plans/0", "file", json_string("../plan.json"));
}

static void lie_approval_path(void)
{
	reissue("plans/0/approvals/0", "file",
		json_string("approvals/../../alice.pem"));
}

static void lie_approvals_fewer(void)
{
	json_t *doc = parse(cert);
	json_array_remove(at(doc, "plans/0/approvals"), 1);
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_approvals_required(void)
{
	reissue("", "approvals_required", json_integer(1));
}

static void lie_approver_twice(void)
{
	json_t *doc = parse(cert), *list = at(doc, "plans/0/approvals");
	json_array_set(list, 1, json_array_get(list, 0));
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_approval_name(void)
{
	reissue("plans/0/approvals/0", "subject", json_string("CN=carol"));
}

static void lie_class_dropped(void)
{
	/* the log, whose line has no items */
	json_t *doc = parse(cert);
	json_array_remove(at(doc, "sources/0/classes"), 2);
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_none_beside(void)
{
	reissue("sources/0/classes/3", "class", json_string("write-ahead-log"));
}

static void lie_rows(void)
{
	reissue("sources/0/classes/0", "rows", json_integer(99999));
}

static void lie_rows_moved(void)
{
	/* rows of the retained invoice, counted as destroyed */
	json_t *doc = parse(cert);
	json_object_set_new(at(doc, "sources/0/classes/0"), "rows",
			    json_integer(83));
	json_object_del(at(doc, "sources/0/classes/1"), "rows");
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_no_limits(void)
{
	reissue("", "limits", json_array());
}

static void lie_standard(void)
{
	reissue("sources/0", "method",
		json_string("shredded according to DIN 66399 H-5"));
}

static void lie_standard_in_a_fact(void)
{
	reissue("sources/0/host", "engine", json_string("EN 15713 certified"));
}

static void lie_no_commitment(void)
{
	reissue_without("sources/0/bystanders", "commitment");
}

static void lie_choice_word(void)
{
	reissue("sources/0", "choice", json_string("keep"));
}

static void lie_issued_long_ago(void)
{
	json_t *doc = parse(cert);
	for (size_t i = 0; i < 2; i++) {
		json_t *s = json_array_get(at(doc, "sources"), i);
		json_object_del(s, "checked");
		json_object_set_new(s, "checked", when(2500));
	}
	json_object_set_new(doc, "issued", when(2400));
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_issued_in_the_future(void)
{
	reissue("", "issued", when(3 * KEYS_DAY));
}

static void lie_ended_first(void)
{
	reissue("sources/1", "ended", when(2050));
}

static void lie_all_ended_first(void)
{
	reissue("", "ended", when(1900));
}

static void lie_begun_unplanned(void)
{
	/* one second before the plan; not_before agrees */
	json_t *doc = parse(cert);
	json_object_set_new(at(doc, "sources/0"), "started", when(-1));
	json_object_set_new(doc, "started", when(-1));
	write_json(doc, cert);
	set_issue("processor");
}

static void lie_begun_unplanned_in_sum(void)
{
	reissue("", "started", when(-1));
}

/* ---- plan and approvals ------------------------------------------------- */

static void plan_byte(void)
{
	replace("plan.json", "acme-2026-11", "acme-2026-12");
}

static void plan_missing(void)
{
	drop("plan.json");
}

static void plan_space(void)
{
	append("plan.json", "\n");
}

/* Another plan, approved and certified as if nothing had happened. */
static void exchange_plan(void (*fn)(struct plan *, struct plan_source *))
{
	char sha[2 * SHA_LEN + 1];
	unsigned char raw[SHA_LEN];
	if (fn != NULL)
		set_plan(fn);
	json_t *doc = parse(cert), *p = at(doc, "plans/0");
	set_sha(sha, raw, "plan.json");
	json_object_set_new(p, "sha256", json_string(sha));
	for (size_t i = 0; i < 2; i++) {
		static const char *const names[] = {"alice", "bob"};
		char file[40], when[CLOCK_TEXT];
		snprintf(file, sizeof(file), "approvals/%s.p7s", names[i]);
		clock_text(when, set_sign("plan.json", file, names[i]));
		json_object_set_new(
			json_array_get(json_object_get(p, "approvals"), i),
			"signed", json_string(when));
	}
	write_json(doc, cert);
	set_issue("processor");
}

static void blocked(struct plan *p, struct plan_source *s)
{
	static const struct plan_blocker b[] = {{"uncovered", 2}};
	p->blockers = b;
	p->n_blockers = 1;
	set_plan_save(p, s);
}

static void plan_blocked(void)
{
	exchange_plan(blocked);
}

static void other_case(struct plan *p, struct plan_source *s)
{
	p->case_number = "ffffffffffffffffffffffffffffffff";
	set_plan_save(p, s);
}

static void plan_other_case(void)
{
	exchange_plan(other_case);
}

static void other_root(struct plan *p, struct plan_source *s)
{
	s[0].root[0] ^= 1;
	set_plan_save(p, s);
}

static void plan_other_root(void)
{
	exchange_plan(other_root);
}

static void one_approval(struct plan *p, struct plan_source *s)
{
	p->approvals_required = 1;
	set_plan_save(p, s);
}

static void plan_one_approval(void)
{
	exchange_plan(one_approval);
}

static void more_sources(struct plan *p, struct plan_source *s)
{
	struct plan_source three[3] = {s[0], s[1], s[1]};
	three[2].name = "backup";
	p->sources = three;
	p->n_sources = 3;
	set_plan_save(p, s);
}

static void plan_more_sources(void)
{
	exchange_plan(more_sources);
}

static void all_retained(struct plan *p, struct plan_source *s)
{
	static const struct plan_class classes[] = {
		{CLASS_CURRENT, DISPOSITION_RETAIN, 2, 24, 0},
		{CLASS_NONCURRENT, DISPOSITION_RETAIN, 1, 12, 0}};
	s[1].classes = classes;
	s[1].n_classes = 2;
	s[1].destroy = 0;
	s[1].retain = 3;
	set_plan_save(p, s);
}

static void plan_all_retained(void)
{
	exchange_plan(all_retained);
}

static void delta_number(struct plan *p, struct plan_source *s)
{
	p->number = 2;
	p->mode = PLAN_DELTA;
	set_plan_save(p, s);
}

static void plan_delta_as_first(void)
{
	exchange_plan(delta_number);
}

static void plan_unknown_key(void)
{
	replace("plan.json", "\"number\": 1", "\"number\": 1, \"also\": 2");
	exchange_plan(NULL);
}

static void plan_version(void)
{
	replace("plan.json", "\"version\": 1", "\"version\": 2");
	exchange_plan(NULL);
}

static void only_alice(struct plan *p, struct plan_source *s)
{
	const char *one[1] = {p->approvers[0]};
	p->approvers = one;
	p->n_approvers = 1;
	p->approvals_required = 1;
	set_plan_save(p, s);
}

static void plan_bob_not_listed(void)
{
	exchange_plan(only_alice);
}

static void approval_missing(void)
{
	drop("approvals/bob.p7s");
}

static void approval_stranger(void)
{
	set_sign("plan.json", "approvals/bob.p7s", "stranger");
}

static void approval_copied(void)
{
	copy("approvals/alice.p7s", "approvals/bob.p7s");
}

static void approval_of_other(void)
{
	set_sign(cert, "approvals/alice.p7s", "alice");
}

static void approval_flip(void)
{
	flip("approvals/alice.p7s", 3);
}

static void approval_no_cades(void)
{
	stock("approvals/alice.p7s", "plan.json", "alice", "DER", "-nosmimecap",
	      "-noindef");
}

static void approval_noattr(void)
{
	stock("approvals/bob.p7s", "plan.json", "bob", "DER", "-noattr",
	      "-noindef");
}

/* ---- the trail ---------------------------------------------------------- */

static void proof_missing(void)
{
	drop(tlog);
}

static void proof_cut(void)
{
	cut_end(tlog, 40);
}

static void proof_extra(void)
{
	/* the entry, in base64, with another first character */
	replace(tlog, "extra ey", "extra ez");
}

static void proof_index(void)
{
	replace(tlog, "index 0", "index 1");
}

static void proof_note(void)
{
	replace(tlog, "\xe2\x80\x94 quietus/", "\xe2\x80\x94 quietuz/");
}

static void proof_of(const char *event, const char *number)
{
	char sha[2 * SHA_LEN + 1];
	unsigned char raw[SHA_LEN];
	set_sha(sha, raw, cert);
	set_prove(set_trail, event, number, sha);
}

static void proof_other_case(void)
{
	proof_of("certified", "ffffffffffffffffffffffffffffffff");
}

static void proof_other_event(void)
{
	proof_of("planned", SET_CASE);
}

static void proof_other_document(void)
{
	set_prove(set_trail, "certified", SET_CASE,
		  "00000000000000000000000000000000000000000000000000000000"
		  "00000000");
}

/* An entry of its own making, properly logged and proven. */
static void proof_entry(const char *shape)
{
	struct buf text, proof;
	struct err e = ERR_INIT;
	char sha[2 * SHA_LEN + 1];
	unsigned char raw[SHA_LEN];
	uint64_t index;

	set_sha(sha, raw, cert);
	buf_init(&text, 4096);
	for (const char *p = shape; *p != '\0'; p++)
		if (*p == '@')
			buf_puts(&text, sha);
		else
			buf_putc(&text, (unsigned char)*p);
	buf_init(&proof, 1 << 20);
	if (trail_append(&index, set_trail, buf_str(&text), text.len, 0, &e) !=
		    0 ||
	    trail_prove(&proof, set_trail, index, buf_str(&text), text.len,
			&e) != 0)
		set_die("trail", &e);
	keys_put(keys_path("set/%s", tlog), proof.data, proof.len);
	buf_release(&text);
	buf_release(&proof);
}

#define ENTRY(version, more, time, digests)                                    \
	"{\"type\":\"quietus/trail-entry\",\"version\":" version               \
	",\"event\":\"certified\",\"case\":\"" SET_CASE "\"," more             \
	"\"time\":\"" time "\",\"digests\":{" digests "}}"

static void proof_entry_version(void)
{
	proof_entry(ENTRY("9", "", "2026-11-24T00:00:00Z",
			  "\"certificate\":\"@\""));
}

static void proof_entry_key(void)
{
	proof_entry(ENTRY("1", "\"void\":true,", "2026-11-24T00:00:00Z",
			  "\"certificate\":\"@\""));
}

static void proof_entry_time(void)
{
	proof_entry(ENTRY("1", "", "x", "\"certificate\":\"@\""));
}

static void proof_entry_more_digests(void)
{
	proof_entry(ENTRY("1", "", "2026-11-24T00:00:00Z",
			  "\"certificate\":\"@\",\"plan\":\"@\""));
}

static void proof_entry_no_certificate(void)
{
	proof_entry(ENTRY("1", "", "2026-11-24T00:00:00Z", "\"plan\":\"@\""));
}

static void proof_other_trail(void)
{
	struct trail *mine = set_trail, *t = NULL;
	struct err e = ERR_INIT;
	if (trail_open(&t, keys_path("trail2"), keys_path("trail2.key"), true,
		       &e) != 0)
		set_die("trail2", &e);
	set_trail = t;
	proof_of("certified", SET_CASE);
	set_trail = mine;
	trail_free(t);
}

static void proof_origin(void)
{
	reissue("trail", "origin", json_string("quietus/ffffffffffffffff"));
}

static void proof_empty_origin(void)
{
	reissue("trail", "origin", json_string(""));
}

/* ---- the inventory ------------------------------------------------------ */

static const char inv[] = "inventory";

/* The start of line n and its length with LF. */
static void line_at(const struct buf *b, size_t n, size_t *start, size_t *len)
{
	size_t i = 0;
	for (; n > 0; n--)
		i = (size_t)((unsigned char *)memchr(b->data + i, '\n',
						     b->len - i) -
			     b->data) +
		    1;
	*start = i;
	*len = (size_t)((unsigned char *)memchr(b->data + i, '\n', b->len - i) -
			(b->data + i)) +
	       1;
}

/* Writes the six lines in another order; -1 ends it. */
static void lines(int a, int b, int c, int d, int e, int f, int g)
{
	int order[] = {a, b, c, d, e, f, g, -1};
	struct buf in, out;
	load(&in, inv);
	buf_init(&out, 1 << 20);
	for (int i = 0; order[i] >= 0; i++) {
		size_t start, len;
		line_at(&in, (size_t)order[i], &start, &len);
		buf_put(&out, in.data + start, len);
	}
	buf_release(&in);
	store(&out, inv);
}

static void inv_missing(void)
{
	drop(inv);
}

static void inv_empty(void)
{
	keys_put(keys_path("set/%s", inv), "", 0);
}

static void inv_line_removed(void)
{
	lines(0, 1, 2, 3, 5, -1, -1);
}

static void inv_line_twice(void)
{
	lines(0, 1, 1, 2, 3, 4, 5);
}

static void inv_swapped(void)
{
	lines(1, 0, 2, 3, 4, 5, -1);
}

static void inv_torn(void)
{
	lines(0, 3, 4, 5, 1, 2, -1);
}

static void inv_verdict(void)
{
	replace(inv, " destroyed-verified {", " absent {");
}

static void inv_verdict_none(void)
{
	replace(inv, " destroyed-verified {", " none found {");
}

static void inv_retained_destroyed(void)
{
	replace(inv, " retained {", " destroyed-verified {");
}

static void inv_name(void)
{
	replace(inv, "clients/7/a.jpg", "clients/7/A.jpg");
}

static void inv_bytes(void)
{
	replace(inv, "\"bytes\":5000", "\"bytes\":5001");
}

static void inv_class(void)
{
	replace(inv, "\"class\":\"noncurrent\"", "\"class\":\"current\"");
}

static void inv_disposition(void)
{
	replace(inv, "\"disposition\":\"retain\"",
		"\"disposition\":\"destroy\"");
}

static void inv_salt(void)
{
	struct buf b;
	load(&b, inv);
	b.data[3] = b.data[3] == '0' ? '1' : '0';
	store(&b, inv);
}

static void inv_source(void)
{
	replace(inv, "\"source\":\"media\"", "\"source\":\"mediz\"");
}

static void inv_cut(void)
{
	cut_end(inv, 1);
}

static void inv_garbage(void)
{
	append(inv, "hello\n");
}

static void inv_long(void)
{
	struct buf b;
	load(&b, inv);
	for (int i = 0; i < 200000; i++)
		buf_putc(&b, 'x');
	buf_putc(&b, '\n');
	store(&b, inv);
}

static void inv_white_space(void)
{
	replace(inv, "{\"source\":\"app\"", "{ \"source\":\"app\"");
}

static void inv_plan_one(void)
{
	/* the first plan is not written */
	replace(inv, "\"disposition\":\"destroy\"}",
		"\"disposition\":\"destroy\",\"plan\":1}");
}

static void inv_plan_text(void)
{
	replace(inv, "\"disposition\":\"destroy\"}",
		"\"disposition\":\"destroy\",\"plan\":\"2\"}");
}

static void inv_plan_huge(void)
{
	replace(inv, "\"disposition\":\"destroy\"}",
		"\"disposition\":\"destroy\",\"plan\":4294967298}");
}

static void inv_plan_unnamed(void)
{
	replace(inv, "\"disposition\":\"destroy\"}",
		"\"disposition\":\"destroy\",\"plan\":2}");
}

static void missing_and_bad(void)
{
	drop(tlog);
	cert_byte();
}

/* ---- the table ---------------------------------------------------------- */

static const struct {
	const char *name;
	void (*fn)(void);
	const char *code;
	enum check_result exit;
} table[] = {
	{"one letter of the certificate", cert_byte, "signature-invalid", 2},
	{"final newline gone", cert_no_newline, "signature-invalid", 2},
	{"a space at the end", cert_space, "signature-invalid", 2},
	{"one line end of another system", cert_crlf, "signature-invalid", 2},
	{"a key twice", cert_duplicate, "format", 2},
	{"a second document behind", cert_tail, "format", 2},
	{"certificate cut", cert_cut, "format", 2},
	{"certificate empty", cert_empty, "format", 2},
	{"certificate missing", cert_missing, "certificate-unreadable", 3},
	{"a plan in its place", cert_not_json, "format", 2},

	{"signature missing", sig_missing, "signature-missing", 3},
	{"signature empty", sig_empty, "signature-invalid", 2},
	{"signature flipped", sig_flip, "signature-invalid", 2},
	{"signature cut", sig_cut, "signature-invalid", 2},
	{"signature with a tail", sig_tail, "signature-invalid", 2},
	{"signature of another file", sig_foreign, "signature-invalid", 2},
	{"signed by a stranger", sig_stranger, "not-trusted", 2},
	{"signed by a stranger, named", sig_stranger, "signer-differs", 2},
	{"signed by an approver", sig_approver, "signer-differs", 2},
	{"signature in PEM", sig_pem, "signature-invalid", 2},
	{"no signed attributes", sig_noattr, "signature-invalid", 2},
	{"no signing-certificate-v2", sig_no_cades, "signature-invalid", 2},
	{"signature with content", sig_attached, "signature-invalid", 2},
	{"two signers", sig_two, "signature-invalid", 2},
	{"no certificate in it", sig_no_certs, "signature-invalid", 2},
	{"signer expired before", sig_expired, "signer-not-valid", 2},
	{"no anchor given", no_trust, "trust-not-given", 3},

	{"final called interim", lie_kind, "kind-disagrees", 2},
	{"scheduled called final", lie_kind_final, "kind-disagrees", 2},
	{"kind changed by a stranger", lie_kind_stranger, "not-trusted", 2},
	{"certificate called report", lie_type, "kind-disagrees", 2},
	{"present in a certificate", lie_present, "kind-disagrees", 2},
	{"unknown in a certificate", lie_unknown, "kind-disagrees", 2},
	{"reservations hidden", lie_reservations, "reservations-disagree", 2},
	{"reservation made smaller", lie_reservation_items,
	 "reservations-disagree", 2},
	{"reservation reworded", lie_reservation_reason,
	 "reservations-disagree", 2},
	{"total raised", lie_totals, "totals-disagree", 2},
	{"total of a verdict raised", lie_totals_verdict, "totals-disagree", 2},
	{"retained called destroyed", lie_line_moved, "more-than-planned", 2},
	{"the same against inventory", lie_line_moved, "inventory-tally", 2},
	{"a line dropped", lie_line_dropped, "inconsistent", 2},
	{"never checked", lie_unchecked, "inconsistent", 2},
	{"checked before destroyed", lie_checked_early, "inconsistent", 2},
	{"unplanned things, yet final", lie_unplanned, "kind-disagrees", 2},
	{"residue after, yet passed", lie_residue_after, "kind-disagrees", 2},
	{"no hits before, yet passed", lie_residue_before, "sources-disagree",
	 2},
	{"no probe, yet passed", lie_validation, "sources-disagree", 2},
	{"verification word changed", lie_verification, "sources-disagree", 2},
	{"bystanders lost, yet final", lie_bystanders, "kind-disagrees", 2},
	{"retained list changed", lie_retained, "retained-disagrees", 2},
	{"something scheduled added", lie_scheduled, "scheduled-disagrees", 2},
	{"a finding added", lie_findings, "findings-disagree", 2},
	{"exclusion nobody approved", lie_approved_by, "excluded-disagrees", 2},
	{"planned root changed", lie_planned_root, "plan-root", 2},
	{"planned root, inventory", lie_planned_root, "planned-root", 2},
	{"outcome root changed", lie_outcome_root, "outcome-root", 2},
	{"destroyed too early", lie_not_before, "too-early", 2},
	{"another case number", lie_case, "plan-disagrees", 2},
	{"another closeout file", lie_closeout, "plan-disagrees", 2},
	{"another choice", lie_choice, "plan-disagrees", 2},
	{"another signer named", lie_signer, "signer-differs", 2},
	{"a source left out", lie_source_dropped, "source-dropped", 2},
	{"an unknown key", lie_unknown_key, "format", 2},
	{"an unknown version", lie_version, "format", 2},
	{"an unknown verdict", lie_verdict_word, "format", 2},
	{"a control character", lie_control, "format", 2},
	{"a negative count", lie_negative, "format", 2},
	{"a fraction as a count", lie_fraction, "format", 2},
	{"media sanitization claimed", lie_sanitization, "format", 2},
	{"plan outside the folder", lie_path, "file-name", 2},
	{"approval outside", lie_approval_path, "file-name", 2},
	{"one approval not named", lie_approvals_fewer, "approvals-too-few", 2},
	{"fewer approvals required", lie_approvals_required, "plan-disagrees",
	 2},
	{"one approver twice", lie_approver_twice, "approver-twice", 2},
	{"a class without a verdict", lie_class_dropped, "class-dropped", 2},
	{"none found, and something", lie_none_beside, "inconsistent", 2},
	{"more rows than planned", lie_rows, "plan-counts", 2},
	{"more rows than inventoried", lie_rows, "inventory-tally", 2},
	{"rows of another verdict", lie_rows_moved, "inventory-tally", 2},
	{"no limits", lie_no_limits, "limits-empty", 2},
	{"a standard claimed", lie_standard, "standard-claimed", 2},
	{"a standard as a fact", lie_standard_in_a_fact, "standard-claimed", 2},
	{"unchanged, uncommitted", lie_no_commitment, "inconsistent", 2},
	{"a choice nobody has", lie_choice_word, "inconsistent", 2},
	{"issued before the check", lie_issued_long_ago, "time-order", 2},
	{"issued in the future", lie_issued_in_the_future, "in-the-future", 2},
	{"signed before it was issued", lie_issued_in_the_future,
	 "signed-before-issue", 2},
	{"a source ended first", lie_ended_first, "time-order", 2},
	{"all ended before it began", lie_all_ended_first, "time-order", 2},
	{"begun before any plan", lie_begun_unplanned, "time-order", 2},
	{"begun before: the sum", lie_begun_unplanned_in_sum, "time-order", 2},
	{"approved after the start", lie_begun_unplanned,
	 "approved-after-start", 2},
	{"approver's name changed", lie_approval_name, "approval-disagrees", 2},

	{"plan changed", plan_byte, "plan-changed", 2},
	{"plan changed: approvals", plan_byte, "approval-invalid", 2},
	{"plan with a newline more", plan_space, "plan-changed", 2},
	{"plan missing", plan_missing, "plan-missing", 3},
	{"plan with blockers", plan_blocked, "plan-blocked", 2},
	{"plan of another case", plan_other_case, "plan-disagrees", 2},
	{"plan of another inventory", plan_other_root, "plan-root", 2},
	{"plan that needs one approval", plan_one_approval, "plan-disagrees",
	 2},
	{"plan with a third source", plan_more_sources, "source-dropped", 2},
	{"plan that retains it all", plan_all_retained, "more-than-planned", 2},
	{"delta plan as the first", plan_delta_as_first, "plan-disagrees", 2},
	{"plan with an unknown key", plan_unknown_key, "plan-format", 2},
	{"plan of a later version", plan_version, "plan-format", 2},
	{"approver whom nobody listed", plan_bob_not_listed,
	 "approver-not-listed", 2},
	{"approval missing", approval_missing, "approval-missing", 3},
	{"approval by a stranger", approval_stranger, "approver-differs", 2},
	{"approval copied", approval_copied, "approver-differs", 2},
	{"approval of another file", approval_of_other, "approval-invalid", 2},
	{"approval flipped", approval_flip, "approval-invalid", 2},
	{"approval without -cades", approval_no_cades, "approval-invalid", 2},
	{"approval without attributes", approval_noattr, "approval-invalid", 2},

	{"proof missing", proof_missing, "proof-missing", 3},
	{"proof cut", proof_cut, "proof-invalid", 2},
	{"proof of another entry", proof_extra, "proof-invalid", 2},
	{"proof of another place", proof_index, "proof-invalid", 2},
	{"checkpoint of another name", proof_note, "proof-invalid", 2},
	{"entry of another case", proof_other_case, "proof-entry", 2},
	{"entry of another event", proof_other_event, "proof-entry", 2},
	{"entry of another document", proof_other_document, "proof-entry", 2},
	{"entry of another version", proof_entry_version, "proof-entry", 2},
	{"entry with another key", proof_entry_key, "proof-entry", 2},
	{"entry without a time", proof_entry_time, "proof-entry", 2},
	{"entry about more", proof_entry_more_digests, "proof-entry", 2},
	{"entry about a plan", proof_entry_no_certificate, "proof-entry", 2},
	{"another trail", proof_other_trail, "proof-invalid", 2},
	{"another origin named", proof_origin, "proof-origin", 2},
	{"no origin named", proof_empty_origin, "proof-origin", 2},

	{"inventory missing", inv_missing, "inventory-missing", 3},
	{"inventory empty", inv_empty, "planned-root", 2},
	{"a line removed", inv_line_removed, "planned-root", 2},
	{"a line removed: count", inv_line_removed, "inventory-count", 2},
	{"a line twice", inv_line_twice, "inventory-order", 2},
	{"two lines exchanged", inv_swapped, "inventory-order", 2},
	{"sources mixed", inv_torn, "inventory-order", 2},
	{"a verdict changed", inv_verdict, "outcome-root", 2},
	{"a verdict no item has", inv_verdict_none, "inventory-line", 2},
	{"retained one destroyed", inv_retained_destroyed, "retained-destroyed",
	 2},
	{"a name changed", inv_name, "planned-root", 2},
	{"a size changed", inv_bytes, "inventory-count", 2},
	{"a class changed", inv_class, "inventory-tally", 2},
	{"a disposition changed", inv_disposition, "retained-unplanned", 2},
	{"a salt changed", inv_salt, "planned-root", 2},
	{"a source nobody knows", inv_source, "inventory-source", 2},
	{"end cut off", inv_cut, "inventory-line", 2},
	{"a line of garbage", inv_garbage, "inventory-line", 2},
	{"a line without end", inv_long, "inventory-line", 2},
	{"white space in a record", inv_white_space, "inventory-line", 2},

	{"the first plan written", inv_plan_one, "inventory-line", 2},
	{"a plan as a text", inv_plan_text, "inventory-line", 2},
	{"a plan beyond all numbers", inv_plan_huge, "inventory-line", 2},
	{"a plan nobody named", inv_plan_unnamed, "inventory-plan", 2},

	{"missing and wrong is wrong", missing_and_bad, "proof-missing", 2},
};

/* ---- running it --------------------------------------------------------- */

static const char *const files[] = {"certificate.json",
				    "certificate.json.p7s",
				    "certificate.json.tlog-proof",
				    "plan.json",
				    "approvals/alice.p7s",
				    "approvals/bob.p7s",
				    "inventory"};
#define FILES (sizeof(files) / sizeof(files[0]))

static struct buf honest[FILES];

static void remember(void)
{
	for (size_t i = 0; i < FILES; i++)
		load(&honest[i], files[i]);
}

static void restore(void)
{
	for (size_t i = 0; i < FILES; i++)
		keys_put(keys_path("set/%s", files[i]), honest[i].data,
			 honest[i].len);
	with_trust = true;
}

static int report(bool ok, const char *name, const struct said *s,
		  enum check_result r)
{
	printf("%s tamper: %s\n", ok ? "ok" : "not ok", name);
	if (ok)
		return 0;
	printf("#   exit %d\n", (int)r);
	for (size_t i = 0; i < s->n; i++)
		if (s->grades[i] >= FINDING_MISSING)
			printf("#   %s: %s\n", s->codes[i], s->texts[i]);
	return 1;
}

int main(int argc, char **argv)
{
	static struct said s;
	int failed = 0;

	keys_start();
	set_keys();
	set_write();
	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return rename(keys_dir, argv[2]) == 0 ? 0 : 2;
	remember();
	enum check_result r = run(&s);
	failed +=
		report(r == CHECK_VALID_FINAL, "the honest set passes", &s, r);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		table[i].fn();
		r = run(&s);
		failed += report(r == table[i].exit && heard(&s, table[i].code),
				 table[i].name, &s, r);
		restore();
		r = run(&s);
		if (r != CHECK_VALID_FINAL)
			failed +=
				report(false, "the set restored passes", &s, r);
	}
	for (size_t i = 0; i < FILES; i++)
		buf_release(&honest[i]);
	trail_free(set_trail);
	keys_stop();
	return failed == 0 ? 0 : 1;
}
