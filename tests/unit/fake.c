/* fake.c: the rehearsal store, its file and each of its faults. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "providers/fake/internal.h"
#include "tests/unit/unit.h"

extern const struct provider provider_fake;

static char path[PATH_MAX];
static volatile sig_atomic_t stop_now;

struct opened {
	struct setting words[8], members[3], settings;
	struct scope scope;
	struct source source;
	struct err e;
};

#define MAX_ITEMS 64

struct ledger {
	struct item items[MAX_ITEMS];
	char ids[MAX_ITEMS][60];
	size_t n;
};

static void put_text(const char *text)
{
	struct err e = ERR_INIT;
	CU_ASSERT(file_write(path, text, strlen(text), &e) == 0);
}

/* n items 7/00.. in scope, one neighbour. */
static void make(size_t n)
{
	struct buf b;
	const char *tmp = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/quietus-fake-unit.%ld",
		 tmp != NULL ? tmp : "/tmp", (long)getpid());
	buf_init(&b, 1 << 20);
	buf_puts(&b, "{\"type\":\"quietus/fake-store\",\"version\":1,"
		     "\"items\":[");
	for (size_t i = 0; i < n; i++)
		buf_putf(&b,
			 "{\"key\":\"7/%02zu\",\"version\":\"v\",\"class\":"
			 "\"current\",\"content\":\"client data %zu\"},",
			 i, i);
	buf_puts(&b, "{\"key\":\"77/x\",\"version\":\"v\",\"class\":"
		     "\"current\",\"content\":\"other\"}]}");
	put_text(buf_str(&b));
	buf_release(&b);
	stop_now = 0;
}

/* faults: words with blanks between, or NULL. */
static int try_open(struct opened *o, const char *faults)
{
	static char text[400];
	size_t n = 0;

	memset(o, 0, sizeof(*o));
	snprintf(text, sizeof(text), "%s", faults != NULL ? faults : "");
	char *save = NULL;
	for (char *w = strtok_r(text, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save))
		o->words[n++] = (struct setting){.str = w};
	o->members[0] = (struct setting){.name = "path", .str = path};
	o->members[1] = (struct setting){.name = "prefix", .str = "{client}/"};
	o->members[2] = (struct setting){.name = "faults",
					 .type = SETTING_STRINGS,
					 .file = "c.cfg",
					 .line = 5,
					 .members = o->words,
					 .n_members = n};
	o->settings = (struct setting){.type = SETTING_GROUP,
				       .members = o->members,
				       .n_members = faults != NULL ? 3 : 2};
	o->scope = (struct scope){.source = "rehearsal",
				  .client = "7",
				  .base = "/",
				  .settings = &o->settings,
				  .stop = &stop_now};
	return source_open(&o->source, &provider_fake, &o->scope, &o->e);
}

static void must_open(struct opened *o, const char *faults)
{
	CU_ASSERT(try_open(o, faults) == 0);
	if (o->e.code != ERR_NONE)
		printf("# %s\n", o->e.msg);
	CU_ASSERT_FATAL(o->source.handle != NULL);
}

static void done(struct opened *o)
{
	source_close(&o->source);
	unlink(path);
}

static int keep(void *arg, const struct item *item, struct err *e)
{
	struct ledger *l = arg;
	(void)e;
	CU_ASSERT_FATAL(l->n < MAX_ITEMS && item->id_len < 60);
	l->items[l->n] = *item;
	memcpy(l->ids[l->n], item->id, item->id_len);
	l->items[l->n].id = (unsigned char *)l->ids[l->n];
	l->n++;
	return 0;
}

/* How many items are listed (kept in l); -1 when the listing fails. */
static long list(struct opened *o, struct ledger *l)
{
	l->n = 0;
	err_clear(&o->e);
	return source_enumerate(&o->source, keep, l, &o->e) == 0 ? (long)l->n
								 : -1;
}

/* Destroys all of l; how many outcomes had that code, -1 when it failed. */
static long kill_all(struct opened *o, const struct ledger *l,
		     enum outcome_code code)
{
	struct outcome out[MAX_ITEMS];
	struct item down[MAX_ITEMS];
	long n = 0;

	for (size_t i = 0; i < l->n; i++)
		down[i] = l->items[l->n - 1 - i];
	err_clear(&o->e);
	int rc = source_destroy(&o->source, down, l->n, out, NULL, &o->e);
	for (size_t i = 0; i < l->n; i++)
		n += out[i].code == code;
	return rc == 0 || code == OUTCOME_DONE ? n : -1;
}

/* How many of l's items the check answers so. */
static size_t checked(struct opened *o, const struct ledger *l, enum answer a)
{
	enum answer out[MAX_ITEMS];
	size_t n = 0;

	err_clear(&o->e);
	CU_ASSERT(source_check_absent(&o->source, l->items, l->n, out, &o->e) ==
		  0);
	for (size_t i = 0; i < l->n; i++)
		n += out[i] == a;
	return n;
}

/* ---- the store ---------------------------------------------------------- */

static void honest_store_does_what_it_says(void)
{
	struct opened o;
	struct ledger l = {0}, after = {0};

	make(5);
	must_open(&o, NULL);
	CU_ASSERT(list(&o, &l) == 5);
	CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 5);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 5);
	CU_ASSERT(checked(&o, &l, ANSWER_ABSENT) == 5);
	CU_ASSERT(list(&o, &after) == 0);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_GONE) == 5);
	done(&o);
}

static void store_outlives_the_process(void)
{
	struct opened o;
	struct ledger l = {0}, after = {0};

	make(3);
	must_open(&o, NULL);
	CU_ASSERT(list(&o, &l) == 3);
	l.n = 1;
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 1);
	source_close(&o.source);
	must_open(&o, NULL);
	CU_ASSERT(list(&o, &after) == 2);
	done(&o);
}

static void it_says_that_it_is_no_real_data(void)
{
	struct opened o;
	struct description d;

	make(1);
	must_open(&o, NULL);
	description_init(&d);
	CU_ASSERT(source_describe(&o.source, PHASE_AFTER, &d, &o.e) == 0);
	CU_ASSERT(d.n_facts >= 1);
	CU_ASSERT(strstr(d.facts[0].value, "no real data") != NULL);
	CU_ASSERT(strstr(d.method, "Nothing real was destroyed") != NULL);
	description_release(&d);
	done(&o);
}

static void malformed_files_are_refused(void)
{
#define HEAD "{\"type\":\"quietus/fake-store\",\"version\":1"
#define ITEM "{\"key\":\"7/a\",\"version\":\"v\",\"class\":\"current\"}"
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"type\":\"other\",\"version\":1}",
		"{\"type\":\"quietus/fake-store\",\"version\":2}",
		HEAD ",\"more\":1}",
		HEAD ",\"items\":{}}",
		HEAD ",\"items\":[{\"version\":\"v\",\"class\":\"current\"}]}",
		HEAD ",\"items\":[{\"key\":\"a\",\"class\":\"nothing\"}]}",
		HEAD ",\"items\":[{\"key\":\"%\",\"class\":\"current\"}]}",
		HEAD ",\"items\":[{\"key\":\"a\",\"class\":\"current\","
		     "\"held\":1}]}",
		HEAD ",\"items\":[{\"key\":\"a\",\"class\":\"current\","
		     "\"locked_until\":\"soon\"}]}",
		HEAD ",\"items\":[{\"key\":\"a\",\"class\":\"current\","
		     "\"typo\":1}]}",
		HEAD ",\"items\":[" ITEM "," ITEM "]}",
		HEAD ",\"classes\":{\"nothing\":{}}}",
		HEAD ",\"classes\":{\"replica\":{\"presence\":\"maybe\","
		     "\"why\":\"x\"}}}",
	};
	struct opened o;

	make(0);
	put_text(HEAD ",\"items\":[" ITEM "]}");
	CU_ASSERT(try_open(&o, NULL) == 0);
	source_close(&o.source);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_text(bad[i]);
		CU_ASSERT(try_open(&o, NULL) != 0);
		CU_ASSERT(o.e.code == ERR_STORE);
		CU_ASSERT(strstr(o.e.msg, path) != NULL);
		source_close(&o.source);
	}
	unlink(path);
	CU_ASSERT(try_open(&o, NULL) != 0);
	CU_ASSERT(o.e.code == ERR_UNREACHABLE);
	source_close(&o.source);
}

static void locked_and_held_items_say_so(void)
{
	struct opened o;
	struct ledger l = {0};
	struct outcome out;
	int64_t until;

	make(0);
	put_text(HEAD ",\"items\":["
		      "{\"key\":\"7/held\",\"class\":\"current\","
		      "\"held\":true},"
		      "{\"key\":\"7/locked\",\"class\":\"noncurrent\","
		      "\"locked_until\":\"2999-01-01\"},"
		      "{\"key\":\"7/old\",\"class\":\"noncurrent\","
		      "\"locked_until\":\"1999-01-01\"}]}");
	must_open(&o, NULL);
	CU_ASSERT(list(&o, &l) == 3);
	CU_ASSERT(clock_parse(&until, "2999-01-01") == 0);
	CU_ASSERT(l.items[0].held);
	CU_ASSERT(l.items[1].locked_until == until);
	CU_ASSERT(source_destroy(&o.source, &l.items[1], 1, &out, NULL, &o.e) ==
		  0);
	CU_ASSERT(out.code == OUTCOME_LOCKED && out.until == until);
	CU_ASSERT(source_destroy(&o.source, &l.items[0], 1, &out, NULL, &o.e) ==
		  0);
	CU_ASSERT(out.code == OUTCOME_REFUSED);
	CU_ASSERT(source_destroy(&o.source, &l.items[2], 1, &out, NULL, &o.e) ==
		  0);
	CU_ASSERT(out.code == OUTCOME_DONE);
	CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 2);
	done(&o);
}

static void classes_are_reported_as_the_file_says(void)
{
	struct opened o;
	struct description d;

	make(0);
	put_text(HEAD ",\"classes\":{\"replica\":{\"presence\":\"found\","
		      "\"after\":\"none\",\"count\":3,\"why\":\"a copy\"},"
		      "\"backup\":{\"presence\":\"scheduled\","
		      "\"until\":\"2030-01-01\",\"why\":\"rotation\"}}}");
	must_open(&o, NULL);
	description_init(&d);
	CU_ASSERT(source_describe(&o.source, PHASE_BEFORE, &d, &o.e) == 0);
	CU_ASSERT(d.classes[CLASS_REPLICA].presence == PRESENCE_FOUND);
	CU_ASSERT(d.classes[CLASS_REPLICA].count == 3);
	CU_ASSERT(d.classes[CLASS_BACKUP].presence == PRESENCE_SCHEDULED);
	CU_ASSERT(d.classes[CLASS_BACKUP].until > 0);
	CU_ASSERT(d.classes[CLASS_CURRENT].presence == PRESENCE_ITEMS);
	description_release(&d);
	description_init(&d);
	CU_ASSERT(source_describe(&o.source, PHASE_AFTER, &d, &o.e) == 0);
	CU_ASSERT(d.classes[CLASS_REPLICA].presence == PRESENCE_NONE);
	CU_ASSERT(d.classes[CLASS_BACKUP].presence == PRESENCE_SCHEDULED);
	description_release(&d);
	done(&o);
}

/* ---- faults ------------------------------------------------------------- */

static void words_that_are_no_faults_are_refused(void)
{
	static const char *const bad[] = {
		"lies",	  "lie:",   "lie:x",   "lie:0",	  "lie@0",
		"lie@",	  "refuse", "refuse:", "slow",	  "slow:x",
		"slow:0", "drift",  "lie:1:2", "lie@1:2",
	};
	static const char *const good[] = {
		"lie",	  "lie:2",	"lie@3",	  "lie:2@3",
		"slow:1", "refuse:a:b", "refuse:a@b:2@4", "drift:7/x",
	};
	struct opened o;

	make(1);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CU_ASSERT(try_open(&o, good[i]) == 0);
		source_close(&o.source);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT(try_open(&o, bad[i]) != 0);
		CU_ASSERT(o.e.code == ERR_USAGE);
		CU_ASSERT(strncmp(o.e.msg, "c.cfg:5: ", 9) == 0);
		source_close(&o.source);
	}
	unlink(path);
}

static void argument_times_and_first_are_told_apart(void)
{
	const struct setting words[] = {{.str = "refuse:a:b:2@4"},
					{.str = "lie:2@3"},
					{.str = "slow:250"},
					{.str = "grow"}};
	const struct setting at = {.members = words, .n_members = 4};
	struct faults f;
	struct err e = ERR_INIT;

	CU_ASSERT(faults_read(&f, &at, &e) == 0);
	CU_ASSERT(strcmp(f.list[0].argument, "a:b") == 0);
	CU_ASSERT(f.list[0].times == 2 && f.list[0].first == 4);
	CU_ASSERT(f.list[1].times == 2 && f.list[1].first == 3);
	CU_ASSERT(f.list[2].number == 250);
	CU_ASSERT(f.list[3].times == 1 && f.list[3].first == 1);
	faults_release(&f);
}

static void refuse_keeps_that_key_only(void)
{
	struct opened o;
	struct ledger l = {0};

	make(4);
	must_open(&o, "refuse:7/02");
	CU_ASSERT(list(&o, &l) == 4);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_REFUSED) == 1);
	CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 1);
	CU_ASSERT(checked(&o, &l, ANSWER_ABSENT) == 3);
	done(&o);
}

static void timeout_does_nothing_and_lost_answer_everything(void)
{
	struct opened o;
	struct ledger l = {0};

	make(4);
	must_open(&o, "timeout:2");
	CU_ASSERT(list(&o, &l) == 4);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT(kill_all(&o, &l, OUTCOME_UNKNOWN) == 4);
		CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 4);
	}
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 4);
	CU_ASSERT(checked(&o, &l, ANSWER_ABSENT) == 4);
	done(&o);
	make(4);
	must_open(&o, "lost-answer:1");
	CU_ASSERT(list(&o, &l) == 4);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_UNKNOWN) == 4);
	CU_ASSERT(checked(&o, &l, ANSWER_ABSENT) == 4);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_GONE) == 4);
	done(&o);
}

static void half_batch_keeps_what_was_learned(void)
{
	struct opened o;
	struct ledger l = {0};

	make(6);
	must_open(&o, "half-batch:1");
	CU_ASSERT(list(&o, &l) == 6);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 3);
	CU_ASSERT(o.e.code == ERR_UNREACHABLE);
	CU_ASSERT(checked(&o, &l, ANSWER_ABSENT) == 3);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 3);
	CU_ASSERT(checked(&o, &l, ANSWER_ABSENT) == 6);
	done(&o);
}

static void whole_calls_fail_as_told(void)
{
	static const struct {
		const char *fault;
		enum err_code code;
	} cases[] = {{"unreachable:1", ERR_UNREACHABLE}, {"auth:1", ERR_AUTH}};

	for (size_t i = 0; i < 2; i++) {
		struct opened o;
		struct ledger l = {0};
		make(2);
		must_open(&o, cases[i].fault);
		CU_ASSERT(list(&o, &l) == 2);
		CU_ASSERT(kill_all(&o, &l, OUTCOME_UNKNOWN) == -1);
		CU_ASSERT(o.e.code == cases[i].code);
		CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 2);
		CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 2);
		done(&o);
	}
}

static void lie_says_done_and_does_nothing(void)
{
	struct opened o;
	struct ledger l = {0}, after = {0};

	make(3);
	must_open(&o, "lie");
	CU_ASSERT(list(&o, &l) == 3);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 3);
	CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 3);
	CU_ASSERT(list(&o, &after) == 3);
	done(&o);
}

static void lost_pages_differ_from_listing_to_listing(void)
{
	struct opened o;
	struct ledger a = {0}, b = {0}, c = {0};

	make(9);
	must_open(&o, "lose-page");
	CU_ASSERT(list(&o, &a) == 6);
	CU_ASSERT(list(&o, &b) == 6);
	CU_ASSERT(memcmp(a.ids, b.ids, sizeof(a.ids)) != 0);
	CU_ASSERT(list(&o, &c) == 6);
	/* asked by name, all are there */
	CU_ASSERT(checked(&o, &a, ANSWER_PRESENT) == 6);
	CU_ASSERT(checked(&o, &b, ANSWER_PRESENT) == 6);
	source_close(&o.source);
	/* the count goes on in the next process */
	must_open(&o, "lose-page");
	CU_ASSERT(list(&o, &b) == 6);
	CU_ASSERT(memcmp(a.ids, b.ids, sizeof(a.ids)) == 0);
	source_close(&o.source);
	must_open(&o, "lose-page:1@3");
	CU_ASSERT(list(&o, &a) == 9);
	CU_ASSERT(list(&o, &a) == 9);
	CU_ASSERT(list(&o, &a) == 6);
	CU_ASSERT(list(&o, &a) == 9);
	done(&o);
}

static void broken_page_is_an_error(void)
{
	struct opened o;
	struct ledger l = {0};

	make(9);
	must_open(&o, "break-page:1");
	CU_ASSERT(list(&o, &l) == -1);
	CU_ASSERT(o.e.code == ERR_STORE);
	CU_ASSERT(l.n > 0 && l.n < 9);
	CU_ASSERT(list(&o, &l) == 9);
	done(&o);
}

static void grow_adds_one_item_once(void)
{
	struct opened o;
	struct ledger l = {0}, after = {0};

	make(2);
	must_open(&o, "grow");
	CU_ASSERT(list(&o, &l) == 2);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 2);
	CU_ASSERT(list(&o, &after) == 1);
	CU_ASSERT(kill_all(&o, &after, OUTCOME_DONE) == 1);
	CU_ASSERT(list(&o, &after) == 0);
	done(&o);
}

static void resurrect_brings_back_before_the_check_or_after(void)
{
	struct opened o;
	struct ledger l = {0}, after = {0};

	make(3);
	must_open(&o, "resurrect");
	CU_ASSERT(list(&o, &l) == 3);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 3);
	CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 1);
	CU_ASSERT(list(&o, &after) == 1);
	done(&o);
	make(3);
	must_open(&o, "resurrect-late");
	CU_ASSERT(list(&o, &l) == 3);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 3);
	CU_ASSERT(checked(&o, &l, ANSWER_ABSENT) == 3);
	CU_ASSERT(list(&o, &after) == 1);
	/* once only */
	CU_ASSERT(kill_all(&o, &after, OUTCOME_DONE) == 1);
	CU_ASSERT(checked(&o, &l, ANSWER_ABSENT) == 3);
	CU_ASSERT(list(&o, &after) == 0);
	done(&o);
}

static void mute_store_answers_nothing(void)
{
	struct opened o;
	struct ledger l = {0};

	make(3);
	must_open(&o, "mute:1");
	CU_ASSERT(list(&o, &l) == 3);
	CU_ASSERT(checked(&o, &l, ANSWER_UNKNOWN) == 3);
	CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 3);
	done(&o);
}

static void drift_and_vanish_strike_during_destroy(void)
{
	struct opened o;
	struct ledger l = {0};

	make(3);
	must_open(&o, "drift:7/00 vanish:7/01");
	CU_ASSERT(list(&o, &l) == 3);
	CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 3);
	struct ledger first = l;
	for (size_t i = 0; i < 3; i++)
		first.items[i].id = (unsigned char *)first.ids[i];
	CU_ASSERT(kill_all(&o, &first, OUTCOME_DRIFTED) == 1);
	CU_ASSERT(checked(&o, &l, ANSWER_PRESENT) == 1);
	/* it stays drifted, the vanished one gone */
	CU_ASSERT(kill_all(&o, &l, OUTCOME_GONE) == 2);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DRIFTED) == 1);
	done(&o);
}

static void harmed_neighbour_is_missed(void)
{
	struct opened o;
	struct ledger l = {0}, by = {0};
	bool all;

	make(1);
	must_open(&o, "harm-neighbour");
	CU_ASSERT(list(&o, &l) == 1);
	CU_ASSERT(source_bystanders(&o.source, 10, 1, &all, keep, &by, &o.e) ==
		  0);
	CU_ASSERT(by.n == 1 && all);
	CU_ASSERT(checked(&o, &by, ANSWER_PRESENT) == 1);
	CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 1);
	CU_ASSERT(checked(&o, &by, ANSWER_ABSENT) == 1);
	done(&o);
}

static uint64_t residue(struct opened *o, const struct buf *samples)
{
	struct residue r;

	CU_ASSERT(source_residue(&o->source, samples->data, samples->len, &r,
				 &o->e) == 0);
	CU_ASSERT(r.possible && r.bytes > 0);
	return r.hits;
}

static void residue_goes_with_purge_or_stays(void)
{
	static const struct {
		const char *faults;
		bool after_destroy, after_purge;
	} cases[] = {
		{"slow:1", false, false},
		{"residue", true, false},
		{"residue-stays", true, true},
	};

	for (size_t i = 0; i < 3; i++) {
		struct opened o;
		struct ledger l = {0};
		struct buf samples, did;
		make(3);
		must_open(&o, cases[i].faults);
		buf_init(&samples, 4096);
		buf_init(&did, 4096);
		CU_ASSERT(list(&o, &l) == 3);
		CU_ASSERT(source_sample(&o.source, &samples, &o.e) == 0);
		CU_ASSERT(residue(&o, &samples) == 3);
		CU_ASSERT(kill_all(&o, &l, OUTCOME_DONE) == 3);
		CU_ASSERT((residue(&o, &samples) != 0) ==
			  cases[i].after_destroy);
		CU_ASSERT(source_purge(&o.source, &did, &o.e) == 0);
		CU_ASSERT(did.len != 0);
		CU_ASSERT((residue(&o, &samples) != 0) == cases[i].after_purge);
		buf_release(&samples);
		buf_release(&did);
		done(&o);
	}
}

static void blocker_is_reported_before_only(void)
{
	struct opened o;
	struct description d;

	make(1);
	must_open(&o, "blocker:wall");
	description_init(&d);
	CU_ASSERT(source_describe(&o.source, PHASE_BEFORE, &d, &o.e) == 0);
	CU_ASSERT(d.n_blockers == 1);
	CU_ASSERT(strcmp(d.blockers[0].kind, "wall") == 0);
	description_release(&d);
	description_init(&d);
	CU_ASSERT(source_describe(&o.source, PHASE_AFTER, &d, &o.e) == 0);
	CU_ASSERT(d.n_blockers == 0);
	description_release(&d);
	done(&o);
}

static void slow_takes_its_time(void)
{
	struct opened o;
	struct ledger l = {0};

	make(1);
	must_open(&o, "slow:50");
	double start = clock_elapsed();
	CU_ASSERT(list(&o, &l) == 1);
	CU_ASSERT(clock_elapsed() - start >= 0.045);
	done(&o);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(honest_store_does_what_it_says),
		UNIT(store_outlives_the_process),
		UNIT(it_says_that_it_is_no_real_data),
		UNIT(malformed_files_are_refused),
		UNIT(locked_and_held_items_say_so),
		UNIT(classes_are_reported_as_the_file_says),
		UNIT(words_that_are_no_faults_are_refused),
		UNIT(argument_times_and_first_are_told_apart),
		UNIT(refuse_keeps_that_key_only),
		UNIT(timeout_does_nothing_and_lost_answer_everything),
		UNIT(half_batch_keeps_what_was_learned),
		UNIT(whole_calls_fail_as_told),
		UNIT(lie_says_done_and_does_nothing),
		UNIT(lost_pages_differ_from_listing_to_listing),
		UNIT(broken_page_is_an_error),
		UNIT(grow_adds_one_item_once),
		UNIT(resurrect_brings_back_before_the_check_or_after),
		UNIT(mute_store_answers_nothing),
		UNIT(drift_and_vanish_strike_during_destroy),
		UNIT(harmed_neighbour_is_missed),
		UNIT(residue_goes_with_purge_or_stays),
		UNIT(blocker_is_reported_before_only),
		UNIT(slow_takes_its_time),
		{NULL, NULL}};
	return unit_run("fake", tests);
}
