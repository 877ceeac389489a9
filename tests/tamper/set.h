/*
 * set.h: a whole, honest set of evidence, made with the project's own writers
 * and fresh keys: plan, approvals, certificate, signature, trail, inventory.
 *
 * keys_start() first; set_keys() once; then set_write() as often as wanted.
 * All files lie in keys_dir/set.
 */
#ifndef QUIETUS_TEST_SET_H
#define QUIETUS_TEST_SET_H

#include "tests/unit/keys.h"

#include <jansson.h>

#include "certs/base/clock.h"
#include "certs/base/hex.h"
#include "certs/base/json.h"
#include "certs/base/sha.h"
#include "certs/merkle.h"
#include "certs/plan.h"
#include "certs/record.h"
#include "certs/sign.h"
#include "certs/statement.h"
#include "certs/trail.h"

#define SET_CASE "00112233445566778899aabbccddeeff"

static void set_die(const char *what, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", what, e->msg);
	exit(2);
}

/* Items of the two sources, in the order of their ids. */
struct set_item {
	const char *source, *id;
	size_t id_len;
	enum copy_class cls;
	uint64_t bytes, rows;
	enum disposition disposition;
	const char *retention;
	enum verdict verdict;
	unsigned plan; /* 0: the first */
};

#define SET_ID(text) text, sizeof(text) - 1

static const struct set_item set_items[] = {
	{"app", SET_ID("0001 client 0000"), CLASS_CURRENT, 100, 1,
	 DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
	{"app", SET_ID("0002 invoice 0000"), CLASS_CURRENT, 300, 12,
	 DISPOSITION_RETAIN, "invoices", VERDICT_RETAINED, 0},
	{"app", SET_ID("0003 message 0000"), CLASS_CURRENT, 5000, 70,
	 DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
	{"media", SET_ID("clients/7/a.jpg\0current\0v1"), CLASS_CURRENT, 11, 0,
	 DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
	{"media", SET_ID("clients/7/a.jpg\0noncurrent\0v0"), CLASS_NONCURRENT,
	 12, 0, DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
	{"media", SET_ID("clients/7/b\xc3\xa9.jpg\0current\0v1"), CLASS_CURRENT,
	 13, 0, DISPOSITION_DESTROY, NULL, VERDICT_DESTROYED_VERIFIED, 0},
};
#define SET_ITEMS (sizeof(set_items) / sizeof(set_items[0]))

/* The items that are written, and of which plan (0: all). */
static const struct set_item *set_list = set_items;
static size_t set_listed = SET_ITEMS;
static unsigned set_of_plan;

/* Roots of one source and the lines of the inventory. */
static void __attribute__((unused))
set_inventory(struct buf *lines, const char *source,
	      unsigned char planned[SHA_LEN], unsigned char outcome[SHA_LEN])
{
	static const unsigned char secret[32] =
		"a case secret of 32 bytes .....";
	struct leafer *l = leafer_new(secret, sizeof(secret));
	struct merkle *p = merkle_new(), *o = merkle_new();
	struct buf text, after;
	unsigned char salt[SHA_LEN], leaf[SHA_LEN];

	buf_init(&text, 65536);
	buf_init(&after, 65536);
	for (size_t i = 0; i < set_listed; i++) {
		const struct set_item *it = &set_list[i];
		struct record r = {.source = it->source,
				   .id = (const unsigned char *)it->id,
				   .id_len = it->id_len,
				   .cls = it->cls,
				   .bytes = it->bytes,
				   .rows = it->rows,
				   .disposition = it->disposition,
				   .retention = it->retention,
				   .plan = it->plan};
		unsigned plan = it->plan > 1 ? it->plan : 1;
		if (strcmp(it->source, source) != 0 ||
		    (set_of_plan != 0 && set_of_plan != plan))
			continue;
		memset(r.digest, (int)it->bytes & 0xff, SHA_LEN);
		buf_reset(&text);
		buf_reset(&after);
		record_write(&text, &r);
		record_outcome(&after, buf_str(&text), text.len, it->verdict);
		leafer_salt(l, salt, it->source, r.id, r.id_len);
		leafer_leaf(l, leaf, salt, text.data, text.len);
		merkle_add(p, leaf);
		leafer_leaf(l, leaf, salt, after.data, after.len);
		merkle_add(o, leaf);
		if (lines != NULL)
			inventory_write(lines, salt, it->verdict,
					buf_str(&text), text.len);
	}
	merkle_root(p, planned);
	merkle_root(o, outcome);
	merkle_free(p);
	merkle_free(o);
	leafer_free(l);
	buf_release(&text);
	buf_release(&after);
}

static void set_print(char out[FINGERPRINT_TEXT], const char *name)
{
	struct cert *c = NULL;
	struct err e = ERR_INIT;
	if (cert_read(&c, keys_path("%s.pem", name), &e) != 0)
		set_die(name, &e);
	cert_fingerprint(out, c);
	cert_free(c);
}

/* FILE.p7s (or `to`) over FILE by NAME; both inside the set.  Returns the
 * signing time. */
static int64_t __attribute__((unused))
set_sign(const char *file, const char *to, const char *name)
{
	struct signer *s = NULL;
	struct signature sig;
	struct err e = ERR_INIT;
	struct buf bytes, der;

	buf_init(&bytes, STATEMENT_MAX);
	buf_init(&der, SIGNATURE_MAX);
	keys_get(&bytes, keys_path("set/%s", file));
	if (signer_open(&s, keys_path("%s.pem", name),
			keys_path("%s.key", name), -1, &e) != 0 ||
	    sign_detached(&der, s, bytes.data, bytes.len, &e) != 0 ||
	    sign_verify(&sig, der.data, der.len, bytes.data, bytes.len, NULL,
			&e) != 0)
		set_die(name, &e);
	keys_put(keys_path("set/%s", to), der.data, der.len);
	signer_free(s);
	buf_release(&bytes);
	buf_release(&der);
	return sig.signed_at;
}

static struct trail *set_trail;

/* An entry as tools/quietus writes it, and its proof, as the certificate's. */
static void __attribute__((unused))
set_prove(struct trail *t, const char *event, const char *number,
	  const char *digest)
{
	struct buf proof;
	struct err e = ERR_INIT;
	uint64_t index;
	json_t *doc =
		json_pack("{s:s, s:i, s:s, s:s, s:s, s:{s:s}}", "type",
			  "quietus/trail-entry", "version", 1, "event", event,
			  "case", number, "time", "2026-11-24T00:00:00Z",
			  "digests", "certificate", digest);
	char *text = json_dumps(doc, JSON_COMPACT);
	buf_init(&proof, 1 << 20);
	if (trail_append(&index, t, text, strlen(text), 0, &e) != 0 ||
	    trail_prove(&proof, t, index, text, strlen(text), &e) != 0)
		set_die("trail", &e);
	keys_put(keys_path("set/certificate.json.tlog-proof"), proof.data,
		 proof.len);
	free(text);
	json_decref(doc);
	buf_release(&proof);
}

static void set_sha(char out[2 * SHA_LEN + 1], unsigned char raw[SHA_LEN],
		    const char *file)
{
	struct err e = ERR_INIT;
	if (sha_file(raw, keys_path("set/%s", file), &e) != 0)
		set_die(file, &e);
	hex_encode(out, raw, SHA_LEN);
}

/* Signature and proof of the certificate as it is now. */
static void __attribute__((unused)) set_issue(const char *name)
{
	char sha[2 * SHA_LEN + 1];
	unsigned char raw[SHA_LEN];
	set_sign("certificate.json", "certificate.json.p7s", name);
	set_sha(sha, raw, "certificate.json");
	set_prove(set_trail, "certified", SET_CASE, sha);
}

/* Keys: processor, alice, bob, and stranger, whom nobody trusts. */
static void __attribute__((unused)) set_keys(void)
{
	struct err e = ERR_INIT;
	keys_cert("processor", "p256", NULL, -KEYS_DAY, 365 * KEYS_DAY);
	keys_cert("alice", "rsa", NULL, -KEYS_DAY, 365 * KEYS_DAY);
	keys_cert("bob", "p384", NULL, -KEYS_DAY, 365 * KEYS_DAY);
	keys_cert("stranger", "p256", NULL, -KEYS_DAY, 365 * KEYS_DAY);
	keys_cert("expired", "p256", NULL, -20 * KEYS_DAY, -10 * KEYS_DAY);
	if (trail_open(&set_trail, keys_path("trail"), keys_path("trail.key"),
		       true, &e) != 0)
		set_die("trail", &e);
}

/* ---- the plan ----------------------------------------------------------- */

static const struct plan_class set_app_classes[] = {
	{CLASS_CURRENT, DISPOSITION_DESTROY, 2, 5100, 71},
	{CLASS_CURRENT, DISPOSITION_RETAIN, 1, 300, 12},
	{CLASS_WRITE_AHEAD_LOG, DISPOSITION_NONE, 0, 0, 0},
};
static const struct plan_class set_media_classes[] = {
	{CLASS_CURRENT, DISPOSITION_DESTROY, 2, 24, 0},
	{CLASS_NONCURRENT, DISPOSITION_DESTROY, 1, 12, 0},
	{CLASS_DELETE_MARKER, DISPOSITION_NONE, 0, 0, 0},
};

/* The plan is made now, so that approvals signed now come after it and before
 * a destruction that begins half an hour later by its own account. */
static int64_t set_created(void)
{
	static int64_t now;
	if (now == 0)
		now = clock_now();
	return now;
}
#define SET_CREATED set_created()

/* Fills a plan and hands it to fn.  Everything lives during the call only. */
static void __attribute__((unused))
set_plan(void (*fn)(struct plan *p, struct plan_source *sources))
{
	char alice[FINGERPRINT_TEXT], bob[FINGERPRINT_TEXT],
		signer[FINGERPRINT_TEXT];
	unsigned char unused[SHA_LEN];
	const char *approvers[2] = {alice, bob};
	struct plan_source sources[2] = {
		{.name = "app",
		 .provider = "sqlite",
		 .category = "accounts",
		 .choice = "destroy",
		 .items = 3,
		 .bytes = 5400,
		 .destroy = 2,
		 .retain = 1,
		 .classes = set_app_classes,
		 .n_classes = 3},
		{.name = "media",
		 .provider = "s3",
		 .choice = "destroy",
		 .items = 3,
		 .bytes = 36,
		 .destroy = 3,
		 .classes = set_media_classes,
		 .n_classes = 3},
	};
	struct plan p = {.number = 1,
			 .mode = PLAN_FIRST,
			 .case_number = SET_CASE,
			 .closeout = "acme-2026-11",
			 .created = SET_CREATED,
			 .approvers = approvers,
			 .n_approvers = 2,
			 .approvals_required = 2,
			 .signer = signer,
			 .choice = "destroy",
			 .not_before = SET_CREATED + 1000,
			 .sources = sources,
			 .n_sources = 2,
			 .earliest_final = SET_CREATED + 1000};
	set_print(alice, "alice");
	set_print(bob, "bob");
	set_print(signer, "processor");
	memset(p.closeout_sha256, 0x11, SHA_LEN);
	set_inventory(NULL, "app", sources[0].root, unused);
	set_inventory(NULL, "media", sources[1].root, unused);
	fn(&p, sources);
}

static void __attribute__((unused))
set_plan_save(struct plan *p, struct plan_source *sources)
{
	struct buf out;
	struct err e = ERR_INIT;
	(void)sources;
	buf_init(&out, PLAN_MAX);
	if (plan_write(&out, p, &e) != 0)
		set_die("plan", &e);
	keys_put(keys_path("set/plan.json"), out.data, out.len);
	buf_release(&out);
}

/* ---- the certificate ------------------------------------------------------
 */

/* Everything a test may bend before it is written. */
struct set_statement {
	struct statement st;
	struct statement_source sources[2];
	struct statement_line app[4], media[4];
	struct statement_retention retention[1];
	struct statement_exclusion excluded[1];
	struct statement_plan plans[1];
	struct statement_approval approvals[2];
	struct statement_fact facts[2];
	char alice[FINGERPRINT_TEXT], bob[FINGERPRINT_TEXT],
		signer[FINGERPRINT_TEXT];
};

static void set_sources(struct set_statement *s)
{
	static const struct statement_line app[] = {
		{CLASS_CURRENT, VERDICT_DESTROYED_VERIFIED, 2, 5100, 71, 0,
		 NULL, NULL},
		{CLASS_CURRENT, VERDICT_RETAINED, 1, 300, 12, 0, NULL,
		 "invoices"},
		{CLASS_WRITE_AHEAD_LOG, VERDICT_DESTROYED_VERIFIED, 0, 0, 0, 0,
		 "truncated and read back", NULL},
		{CLASS_STATISTICS, VERDICT_NONE_FOUND, 0, 0, 0, 0, NULL, NULL},
	};
	static const struct statement_line media[] = {
		{CLASS_CURRENT, VERDICT_DESTROYED_VERIFIED, 2, 24, 0, 0, NULL,
		 NULL},
		{CLASS_NONCURRENT, VERDICT_DESTROYED_VERIFIED, 1, 12, 0, 0,
		 NULL, NULL},
		{CLASS_DELETE_MARKER, VERDICT_NONE_FOUND, 0, 0, 0, 0, NULL,
		 NULL},
		{CLASS_REPLICA, VERDICT_NONE_FOUND, 0, 0, 0, 0,
		 "no replication is configured", NULL},
	};
	struct statement_source *a = &s->sources[0], *m = &s->sources[1];

	memcpy(s->app, app, sizeof(app));
	memcpy(s->media, media, sizeof(media));
	s->facts[0] = (struct statement_fact){"engine", "SQLite 3.40.1"};
	s->facts[1] = (struct statement_fact){"region", "gra"};
	*a = (struct statement_source){.name = "app",
				       .provider = "sqlite",
				       .category = "accounts",
				       .choice = "destroy",
				       .facts = &s->facts[0],
				       .n_facts = 1,
				       .lines = s->app,
				       .n_lines = 4,
				       .items = 3,
				       .bytes = 5400,
				       .method = "rows deleted, pages zeroed",
				       .purge = "VACUUM",
				       .started = SET_CREATED + 2000,
				       .ended = SET_CREATED + 2600,
				       .checked = SET_CREATED + 2500,
				       .residue_possible = true,
				       .residue_before = 9,
				       .residue_regions = "database file, -wal",
				       .bystanders = "unchanged",
				       .limits = "the disk is not read"};
	memset(a->bystanders_commitment, 0x22, SHA_LEN);
	*m = (struct statement_source){.name = "media",
				       .provider = "s3",
				       .choice = "destroy",
				       .facts = &s->facts[1],
				       .n_facts = 1,
				       .lines = s->media,
				       .n_lines = 4,
				       .items = 3,
				       .bytes = 36,
				       .started = SET_CREATED + 2100,
				       .ended = SET_CREATED + 2600,
				       .checked = SET_CREATED + 2500,
				       .bystanders = "not measured"};
	set_inventory(NULL, "app", a->planned_root, a->outcome_root);
	set_inventory(NULL, "media", m->planned_root, m->outcome_root);
}

static void __attribute__((unused)) set_fill(struct set_statement *s)
{
	memset(s, 0, sizeof(*s));
	set_print(s->alice, "alice");
	set_print(s->bob, "bob");
	set_print(s->signer, "processor");
	set_sources(s);
	s->retention[0] = (struct statement_retention){
		"invoices", "app", "Code de commerce, art. L123-22",
		2114294400};
	s->excluded[0] = (struct statement_exclusion){"app", "table",
						      "no personal data"};
	s->approvals[0] = (struct statement_approval){s->alice, "CN=alice",
						      "approvals/alice.p7s", 0};
	s->approvals[1] = (struct statement_approval){s->bob, "CN=bob",
						      "approvals/bob.p7s", 0};
	s->plans[0] = (struct statement_plan){.file = "plan.json",
					      .created = SET_CREATED,
					      .approvals = s->approvals,
					      .n_approvals = 2};
	s->st = (struct statement){
		.number = 1,
		.case_number = SET_CASE,
		.closeout = "acme-2026-11",
		.controller = {"Acme SAS", "1 rue Exemple, Paris",
			       "privacy@acme.example", NULL},
		.processor = {"Example Self-Care SAS", NULL, NULL,
			      "dpo@example.test"},
		.contract_reference = "SUB-2021-0042",
		.contract_clause = "Appendix 1, section 9",
		.contract_ended = SET_CREATED,
		.choice = "destroy",
		.instructed_by = "data protection officer",
		.instruction_received = SET_CREATED,
		.not_before = SET_CREATED + 1000,
		.approvals_required = 2,
		.plans = s->plans,
		.n_plans = 1,
		.sources = s->sources,
		.n_sources = 2,
		.retention = s->retention,
		.n_retention = 1,
		.excluded = s->excluded,
		.n_excluded = 1,
		.started = SET_CREATED + 2000,
		.ended = SET_CREATED + 2600,
		.issued = SET_CREATED + 3000,
		.operator_name = "op",
		.signer_fingerprint = s->signer,
		.trail_origin = "quietus/0000000000000000",
		.trail_vkey = "quietus/0000000000000000+00000000+AA==",
		.inventory_parts = 1,
		.tool_version = "0.1.0",
		.tool_build = "test"};
	memset(s->st.closeout_sha256, 0x11, SHA_LEN);
}

/* Plan, approvals, certificate, signature, proof and inventory, all good. */
static void __attribute__((unused)) set_write(void)
{
	struct set_statement s;
	struct buf out;
	struct err e = ERR_INIT;
	enum kind kind;
	char sha[2 * SHA_LEN + 1];
	unsigned char unused[SHA_LEN];

	mkdir(keys_path("set"), 0700);
	mkdir(keys_path("set/approvals"), 0700);
	set_plan(set_plan_save);
	set_fill(&s);
	s.approvals[0].signed_at =
		set_sign("plan.json", "approvals/alice.p7s", "alice");
	s.approvals[1].signed_at =
		set_sign("plan.json", "approvals/bob.p7s", "bob");
	set_sha(sha, s.plans[0].sha256, "plan.json");
	s.st.trail_origin = trail_origin(set_trail);
	s.st.trail_vkey = trail_vkey(set_trail);
	buf_init(&out, STATEMENT_MAX);
	if (statement_write(&out, &kind, &s.st, &e) != 0)
		set_die("certificate", &e);
	keys_put(keys_path("set/certificate.json"), out.data, out.len);
	set_issue("processor");
	buf_reset(&out);
	set_inventory(&out, "app", unused, unused);
	set_inventory(&out, "media", unused, unused);
	keys_put(keys_path("set/inventory"), out.data, out.len);
	buf_release(&out);
}

#endif
