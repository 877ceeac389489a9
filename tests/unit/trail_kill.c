/* The audit trail under kills, and under several writers. */
#include "tests/unit/trail_kit.h"

/* ---- kills -------------------------------------------------------------- */

/* Opens, verifies, and finds the first `sure` entries; the size is returned. */
static uint64_t sound(const char *name, const char *key, uint64_t sure)
{
	struct buf entry;
	char text[256];
	struct trail *t = begin(name, key);
	uint64_t size = trail_size(t);

	CU_ASSERT(size >= sure);
	buf_init(&entry, TRAIL_ENTRY_MAX);
	for (uint64_t i = sure > 300 ? sure - 300 : 0; i < size; i++) {
		buf_reset(&entry);
		entry_text(text, i);
		GOOD(trail_entry(&entry, t, i, &last));
		CU_ASSERT_STRING_EQUAL(buf_str(&entry), text);
	}
	buf_release(&entry);
	trail_free(t);
	verifies(in(name));
	return size;
}

/* Counts what a killed writer left behind under the trail. */
static size_t asides(const char *name)
{
	const char *const argv[] = {"find", in(name), "-name", "*.new-*", NULL};
	char seen[4096];
	int fds[2], status;
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	size_t lines = 0;
	for (ssize_t n = read(fds[0], seen, sizeof(seen)); n > 0;
	     n = read(fds[0], seen, sizeof(seen)))
		for (ssize_t i = 0; i < n; i++)
			lines += seen[i] == '\n';
	close(fds[0]);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	return lines;
}

/* From a trail of `size` entries, stops a child at every step of appending
 * one, until it gets through. */
static void stop_at_every_step(uint64_t size)
{
	char text[256];
	size_t n = entry_text(text, size);
	int in_log = 0, not_in_log = 0, left = 0;

	skip_sync = true;
	const char *const rm[] = {"rm", "-rf", in("steps-base"), NULL};
	run(rm);
	struct trail *t = begin("steps-base", "key.pem");
	grow(t, size);
	trail_free(t);
	prune("steps-base", size);
	skip_sync = false;
	for (int at = 1;; at++) {
		int status;
		uint64_t index;
		copy(in("steps-base"), in("steps"));
		pid_t pid = fork();
		if (pid == 0) {
			struct err e = ERR_INIT;
			t = NULL;
			if (trail_open(&t, in("steps"), in("key.pem"), true,
				       &e) != 0)
				_exit(2);
			calls = 0;
			stop_at = at;
			if (trail_append(&index, t, text, n, 1, &e) != 0)
				_exit(3);
			_exit(0);
		}
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		if (WEXITSTATUS(status) == 0)
			break;
		CU_ASSERT_EQUAL_FATAL(WEXITSTATUS(status), 77);
		left += asides("steps") > 0;
		verifies(in("steps")); /* before anything is cleared up */
		uint64_t got = sound("steps", "key.pem", size);
		CU_ASSERT(got == size || got == size + 1);
		in_log += got == size + 1;
		not_in_log += got == size;
		CU_ASSERT_EQUAL(asides("steps"), 0);
		/* the rerun: the entry is there once */
		t = begin("steps", "key.pem");
		GOOD(trail_append(&index, t, text, n, 1, &last));
		CU_ASSERT_EQUAL(index, size);
		CU_ASSERT_EQUAL(trail_size(t), size + 1);
		/* and another entry in its place would do as well */
		grow(t, size + 3);
		trail_free(t);
		CU_ASSERT_EQUAL(sound("steps", "key.pem", size + 3), size + 3);
	}
	/* both sides of the commit were seen, and leftovers as well */
	CU_ASSERT(in_log > 0);
	CU_ASSERT(not_in_log > 10);
	CU_ASSERT(left > 0);
}

static void stopped_at_any_step_of_an_append_the_entry_is_in_or_out(void)
{
	base();
	stop_at_every_step(0);
	stop_at_every_step(5);
	stop_at_every_step(255);
	stop_at_every_step(256);
	stop_at_every_step(511);
}

/* The leftovers of an entry that did not make it are those of another entry
 * than the one that comes next. */
static void leftovers_of_a_lost_entry_do_not_reach_the_log(void)
{
	char text[256];
	uint64_t index;
	int status, lost = 0;

	for (int at = 1; at < 40; at++) {
		copy(in("steps-base"), in("steps"));
		uint64_t size = sound("steps", "key.pem", 0);
		size_t n = entry_text(text, 424242);
		pid_t pid = fork();
		if (pid == 0) {
			struct err e = ERR_INIT;
			struct trail *t = NULL;
			if (trail_open(&t, in("steps"), in("key.pem"), true,
				       &e) != 0)
				_exit(2);
			calls = 0;
			stop_at = at;
			(void)trail_append(&index, t, text, n, 1, &e);
			_exit(0);
		}
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		struct trail *t = begin("steps", "key.pem");
		if (trail_size(t) == size) {
			lost++;
			grow(t, size + 3);
			CU_ASSERT_EQUAL(sound("steps", "key.pem", size + 3),
					size + 3);
		}
		trail_free(t);
	}
	CU_ASSERT(lost > 10);
}

static void stopped_at_any_step_of_its_making_a_trail_can_be_begun(void)
{
	int steps = 0;

	for (int at = 1;; at++) {
		int status;
		const char *const rm[] = {"rm", "-rf", in("made"),
					  in("made.pem"), NULL};
		run(rm);
		pid_t pid = fork();
		if (pid == 0) {
			struct err e = ERR_INIT;
			struct trail *t = NULL;
			calls = 0;
			stop_at = at;
			if (trail_open(&t, in("made"), in("made.pem"), true,
				       &e) != 0)
				_exit(2);
			_exit(0);
		}
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		if (WEXITSTATUS(status) == 0)
			break;
		CU_ASSERT_EQUAL_FATAL(WEXITSTATUS(status), 77);
		steps++;
		struct trail *t = begin("made", "made.pem");
		CU_ASSERT_EQUAL(trail_size(t), 0);
		grow(t, 1);
		trail_free(t);
		verifies(in("made"));
	}
	CU_ASSERT(steps > 10);
}

/* Appends for ever, writing down each number that came back. */
static void append_until_killed(int told)
{
	char text[256];
	struct err e = ERR_INIT;
	struct trail *t = NULL;

	if (trail_open(&t, in("kills"), in("kills.pem"), true, &e) != 0)
		_exit(2);
	for (uint64_t i = trail_size(t);; i++) {
		uint64_t at;
		size_t n = entry_text(text, i);
		if (trail_append(&at, t, text, n, 0, &e) != 0)
			_exit(3);
		if (write(told, &at, sizeof(at)) != (ssize_t)sizeof(at))
			_exit(4);
	}
}

static void killed_at_60_random_times_no_returned_entry_is_lost(void)
{
	uint64_t sure = 0, worked = 0;
	unsigned seed = (unsigned)time(NULL);

	printf("# seed %u\n", seed);
	srand(seed);
	/* a busy machine may kill many before they come to work */
	for (int kill_no = 0; kill_no < 60 || (worked <= 60 && kill_no < 600);
	     kill_no++) {
		int fds[2], status;
		uint64_t at;
		CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
		pid_t pid = fork();
		if (pid == 0) {
			close(fds[0]);
			append_until_killed(fds[1]);
		}
		close(fds[1]);
		struct timespec nap = {0, (long)(rand() % 30000) * 1000};
		nanosleep(&nap, NULL);
		CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFSIGNALED(status));
		while (read(fds[0], &at, sizeof(at)) == (ssize_t)sizeof(at)) {
			CU_ASSERT(at + 1 > sure);
			sure = at + 1;
			worked++;
		}
		close(fds[0]);
		if (file_exists(in("kills/checkpoint")))
			verifies(in("kills"));
		sure = sound("kills", "kills.pem", sure);
	}
	printf("# %" PRIu64 " appends returned, %" PRIu64 " entries\n", worked,
	       sure);
	CU_ASSERT(worked > 60);
	CU_ASSERT_EQUAL(asides("kills"), 0);
}

static void a_second_process_waits_for_the_lock(void)
{
	int fd = -1, status;
	char text[256];

	base();
	copy(in("base"), in("wait"));
	GOOD(file_lock(&fd, in("wait/lock"), &last));
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		struct trail *t = NULL;
		uint64_t at;
		close(fd);
		if (trail_open(&t, in("wait"), in("key.pem"), false, &e) != 0)
			_exit(2);
		size_t n = entry_text(text, 600);
		_exit(trail_append(&at, t, text, n, 0, &e) == 0 ? 0 : 3);
	}
	struct timespec nap = {0, 200 * 1000 * 1000};
	nanosleep(&nap, NULL);
	CU_ASSERT_EQUAL(waitpid(pid, &status, WNOHANG), 0);
	CU_ASSERT_EQUAL(sound("base", "key.pem", 600), 600);
	close(fd);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(sound("wait", "key.pem", 601), 601);
}

/* Four writers at once, and a reader that must never see a half. */
static void writers_at_once_lose_nothing_and_readers_see_no_half(void)
{
	enum { WRITERS = 4, EACH = 80 };
	pid_t pid[WRITERS];
	char text[256];
	int status, looked = 0;
	uint64_t at;
	bool seen[WRITERS * EACH] = {false};

	trail_free(begin("many", "many.pem"));
	for (int w = 0; w < WRITERS; w++) {
		pid[w] = fork();
		if (pid[w] != 0)
			continue;
		struct err e = ERR_INIT;
		struct trail *t = NULL;
		if (trail_open(&t, in("many"), in("many.pem"), true, &e) != 0)
			_exit(2);
		for (int i = 0; i < EACH; i++) {
			size_t n = entry_text(text, (uint64_t)(w * EACH + i));
			if (trail_append(&at, t, text, n, 0, &e) != 0)
				_exit(3);
		}
		_exit(0);
	}
	for (int w = 0; w < WRITERS;) {
		verifies(in("many"));
		struct trail *t = NULL;
		GOOD(trail_read(&t, in("many"), &last));
		trail_free(t);
		looked++;
		if (waitpid(pid[w], &status, WNOHANG) == pid[w]) {
			CU_ASSERT_EQUAL(status, 0);
			w++;
		}
	}
	printf("# read %d times meanwhile\n", looked);
	struct trail *t = begin("many", "many.pem");
	struct buf entry;
	buf_init(&entry, TRAIL_ENTRY_MAX);
	CU_ASSERT_EQUAL(trail_size(t), WRITERS * EACH);
	for (uint64_t i = 0; i < trail_size(t); i++) {
		buf_reset(&entry);
		GOOD(trail_entry(&entry, t, i, &last));
		for (uint64_t k = 0; k < WRITERS * EACH; k++) {
			entry_text(text, k);
			if (strcmp(text, buf_str(&entry)) == 0) {
				CU_ASSERT_FALSE(seen[k]);
				seen[k] = true;
			}
		}
	}
	for (size_t k = 0; k < WRITERS * EACH; k++)
		CU_ASSERT(seen[k]);
	buf_release(&entry);
	trail_free(t);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(stopped_at_any_step_of_an_append_the_entry_is_in_or_out),
		UNIT(leftovers_of_a_lost_entry_do_not_reach_the_log),
		UNIT(stopped_at_any_step_of_its_making_a_trail_can_be_begun),
		UNIT(killed_at_60_random_times_no_returned_entry_is_lost),
		UNIT(a_second_process_waits_for_the_lock),
		UNIT(writers_at_once_lose_nothing_and_readers_see_no_half),
		{NULL, NULL}};
	return kit_run("trail_kill", tests);
}
