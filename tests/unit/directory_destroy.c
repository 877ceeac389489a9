/* directory_destroy.c: overwriting, hard links, refusals, kills. */
#define _GNU_SOURCE
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "certs/base/clock.h"
#include "tests/unit/directory_world.h"

/* ---- overwriting -------------------------------------------------------- */

/* True when the first n bytes behind fd are zeros. */
static bool zeros(int fd, size_t n)
{
	unsigned char block[65536];
	for (size_t at_ = 0; at_ < n;) {
		size_t want = n - at_ < sizeof(block) ? n - at_ : sizeof(block);
		ssize_t got = pread(fd, block, want, (off_t)at_);
		if (got <= 0)
			return false;
		for (ssize_t i = 0; i < got; i++)
			if (block[i] != 0)
				return false;
		at_ += (size_t)got;
	}
	return true;
}

static void make_big(const char *rel, size_t mib)
{
	static char block[1 << 20];
	memset(block, 'M', sizeof(block));
	int fd = open(at(rel), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CU_ASSERT_FATAL(fd >= 0);
	for (size_t i = 0; i < mib; i++)
		CU_ASSERT_FATAL(write(fd, block, sizeof(block)) ==
				(ssize_t)sizeof(block));
	close(fd);
}

static void content_is_zeros_before_the_name_goes(void)
{
	struct opened o;
	struct ledger l = {0};
	char first[16] = "";

	begin();
	put("files/7/small", "client marker");
	make_big("files/7/big", 3);
	int small = open(at("files/7/small"), O_RDONLY);
	int big = open(at("files/7/big"), O_RDONLY);
	CU_ASSERT(pread(small, first, 13, 0) == 13);
	CU_ASSERT(memcmp(first, "client marker", 13) == 0);
	CU_ASSERT(!zeros(big, 3 << 20));
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7/small"));
	CU_ASSERT(zeros(small, 13));
	CU_ASSERT(zeros(big, 3 << 20));
	close(small);
	close(big);
	forget(&l);
	done(&o);
	end();
}

static void sparse_file_is_overwritten_where_it_has_data(void)
{
	struct opened o;
	struct ledger l = {0};
	struct stat before, after;

	begin();
	put("files/7/sparse", "head");
	int fd = open(at("files/7/sparse"), O_RDWR);
	off_t far = (off_t)1 << 40; /* a tebibyte of hole */
	CU_ASSERT_FATAL(pwrite(fd, "tail", 4, far) == 4);
	CU_ASSERT(fstat(fd, &before) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(find(&l, "/sparse")->bytes == (uint64_t)far + 4);
	double start = clock_elapsed();
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(clock_elapsed() - start < 20);
	char tail[4] = "xxxx";
	CU_ASSERT(pread(fd, tail, 4, far) == 4);
	CU_ASSERT(memcmp(tail, "\0\0\0\0", 4) == 0);
	CU_ASSERT(zeros(fd, 4));
	CU_ASSERT(fstat(fd, &after) == 0);
	/* the holes were not filled (one block more for the mark at most) */
	CU_ASSERT(after.st_blocks <= before.st_blocks + 16);
	close(fd);
	forget(&l);
	done(&o);
	end();
}

static void attributes_are_wiped_before_the_name_goes(void)
{
	struct opened o;
	struct ledger l = {0};
	char value[40];

	begin();
	put("files/7/f", "");
	CU_ASSERT(mkdir(at("files/7/d"), 0755) == 0);
	if (setxattr(at("files/7/f"), "user.name", "client data", 11, 0) != 0) {
		printf("# no extended attributes on this file system\n");
		end();
		return;
	}
	CU_ASSERT(setxattr(at("files/7/d"), "user.name", "more", 4, 0) == 0);
	int f = open(at("files/7/f"), O_RDONLY);
	int d = open(at("files/7/d"), O_RDONLY);
	CU_ASSERT(fgetxattr(f, "user.name", value, sizeof(value)) == 11);
	CU_ASSERT(fgetxattr(d, "user.name", value, sizeof(value)) == 4);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(fgetxattr(f, "user.name", value, sizeof(value)) < 0);
	CU_ASSERT(fgetxattr(d, "user.name", value, sizeof(value)) < 0);
	close(f);
	close(d);
	forget(&l);
	done(&o);
	end();
}

/* ---- hard links --------------------------------------------------------- */

static void all_names_inside_the_content_goes_with_the_last(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	char text[8] = "";

	begin();
	put("files/7/a", "content");
	CU_ASSERT(link(at("files/7/a"), at("files/7/b")) == 0);
	int fd = open(at("files/7/a"), O_RDONLY);
	must_open(&o, NULL, NULL);
	CU_ASSERT(blocked(&o, "hard-link-outside") == 0);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/b") == OUTCOME_DONE);
	CU_ASSERT(pread(fd, text, 7, 0) == 7);
	CU_ASSERT(memcmp(text, "content", 7) == 0);
	/* a run that begins anew now does not take /a for drifted (I6) */
	list(&o, &again);
	CU_ASSERT(find(&again, "/b") == NULL);
	CU_ASSERT(same_digest(find(&again, "/a"), find(&l, "/a")));
	CU_ASSERT(kill_id(&o, &l, "/a") == OUTCOME_DONE);
	CU_ASSERT(zeros(fd, 7));
	CU_ASSERT(!is_there("files/7/a"));
	close(fd);
	forget(&l);
	forget(&again);
	done(&o);
	end();
}

static void name_outside_keeps_the_content_and_blocks(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	put("files/7/a", "content");
	CU_ASSERT(link(at("files/7/a"), at("files/7/b")) == 0);
	must_open(&o, NULL, NULL);
	CU_ASSERT(blocked(&o, "hard-link-outside") == 0);
	CU_ASSERT(link(at("files/7/a"), at("files/77/c")) == 0);
	CU_ASSERT(blocked(&o, "hard-link-outside") == 1);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/b") == OUTCOME_KEPT);
	CU_ASSERT(kill_id(&o, &l, "/a") == OUTCOME_KEPT);
	CU_ASSERT(!is_there("files/7/a") && !is_there("files/7/b"));
	CU_ASSERT(holds("files/77/c", "content"));
	forget(&l);
	done(&o);
	end();
}

static void name_made_outside_after_counting_is_seen(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	put("files/7/a", "content");
	CU_ASSERT(link(at("files/7/a"), at("files/7/b")) == 0);
	CU_ASSERT(link(at("files/7/a"), at("files/7/c")) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/c") == OUTCOME_DONE);
	/* one name goes and one comes: the count alone says nothing */
	CU_ASSERT(rename(at("files/7/b"), at("files/77/b")) == 0);
	CU_ASSERT(kill_id(&o, &l, "/b") == OUTCOME_GONE);
	CU_ASSERT(kill_id(&o, &l, "/a") != OUTCOME_UNKNOWN);
	CU_ASSERT(holds("files/77/b", "content"));
	forget(&l);
	done(&o);
	end();
}

static void retained_name_keeps_the_content(void)
{
	struct opened o;
	struct ledger l = {0}, after = {0};

	begin();
	put("files/7/a", "content");
	must_open(&o, NULL, NULL);
	CU_ASSERT(blocked(&o, "hard-link-retained") == 0);
	done(&o);
	CU_ASSERT(mkdir(at("files/7/law"), 0755) == 0);
	CU_ASSERT(link(at("files/7/a"), at("files/7/law/invoice")) == 0);
	must_open(&o, "law", NULL);
	CU_ASSERT(blocked(&o, "hard-link-retained") == 1);
	list(&o, &l);
	CU_ASSERT(find(&l, "/law/invoice")->retention == 1);
	CU_ASSERT(find(&l, "/a")->retention == 0);
	CU_ASSERT(kill_id(&o, &l, "/a") == OUTCOME_KEPT);
	CU_ASSERT(holds("files/7/law/invoice", "content"));
	list(&o, &after);
	CU_ASSERT(same_digest(find(&after, "/law/invoice"),
			      find(&l, "/law/invoice")));
	forget(&l);
	forget(&after);
	done(&o);
	end();
}

/* ---- the store says no -------------------------------------------------- */

static void immutable_file_is_refused_and_its_folder_stays(void)
{
	struct opened o;
	struct ledger l = {0};
	int flags = 0;

	begin();
	put("files/7/f", "stays");
	int fd = open(at("files/7/f"), O_RDONLY);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) {
		printf("# no file flags on this file system\n");
		goto out;
	}
	flags |= FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0) {
		printf("# may not set the immutable flag\n");
		goto out;
	}
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/f") == OUTCOME_REFUSED);
	CU_ASSERT(kill_id(&o, &l, "/") == OUTCOME_REFUSED);
	CU_ASSERT(holds("files/7/f", "stays"));
	flags &= ~FS_IMMUTABLE_FL;
	CU_ASSERT(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	list(&o, &l);
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7"));
	done(&o);
out:
	close(fd);
	forget(&l);
	end();
}

static void running_program_is_refused(void)
{
	struct opened o;
	struct ledger l = {0};
	struct buf b;
	struct err e = ERR_INIT;

	begin();
	buf_init(&b, 16 << 20);
	CU_ASSERT_FATAL(file_read(&b, "/bin/sleep", &e) == 0);
	int fd = open(at("files/7/prog"), O_WRONLY | O_CREAT, 0755);
	CU_ASSERT(write(fd, b.data, b.len) == (ssize_t)b.len);
	close(fd);
	buf_release(&b);
	int pipes[2];
	CU_ASSERT(pipe2(pipes, O_CLOEXEC) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl(at("files/7/prog"), "sleep", "60", (char *)NULL);
		_exit(1);
	}
	close(pipes[1]);
	char c;
	CU_ASSERT(read(pipes[0], &c, 1) == 0); /* exec has happened */
	close(pipes[0]);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(kill_id(&o, &l, "/prog") == OUTCOME_REFUSED);
	CU_ASSERT(is_there("files/7/prog"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CU_ASSERT(kill_id(&o, &l, "/prog") == OUTCOME_DONE);
	CU_ASSERT(!is_there("files/7/prog"));
	forget(&l);
	done(&o);
	end();
}

static void mounts_inside_block_and_are_not_crossed(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	CU_ASSERT(mkdir(at("files/7/mnt"), 0755) == 0);
	CU_ASSERT(mkdir(at("files/7/bind"), 0755) == 0);
	must_open(&o, NULL, NULL);
	CU_ASSERT(blocked(&o, "mount-point") == 0);
	if (mount("none", at("files/7/mnt"), "tmpfs", 0, NULL) != 0) {
		printf("# may not mount here\n");
		goto out;
	}
	/* a bind mount has the same device number */
	CU_ASSERT(mount(at("files/77"), at("files/7/bind"), NULL, MS_BIND,
			NULL) == 0);
	put("files/7/mnt/other", "on another file system");
	CU_ASSERT(holds("files/7/bind/secret", "of another client"));
	CU_ASSERT(blocked(&o, "mount-point") == 2);
	list(&o, &l);
	CU_ASSERT(l.n == 3);
	CU_ASSERT(find(&l, "/mnt")->held && find(&l, "/bind")->held);
	CU_ASSERT(!find(&l, "/")->held);
	CU_ASSERT(kill_id(&o, &l, "/mnt") == OUTCOME_REFUSED);
	CU_ASSERT(kill_id(&o, &l, "/bind") == OUTCOME_REFUSED);
	/* an id on the other side is not reached either */
	struct item item = *find(&l, "/bind");
	item.id = (const unsigned char *)"/bind/secret";
	item.id_len = 12;
	CU_ASSERT(kill_one(&o, &item) == OUTCOME_DRIFTED);
	CU_ASSERT(holds("files/7/mnt/other", "on another file system"));
	CU_ASSERT(umount(at("files/7/mnt")) == 0);
	CU_ASSERT(umount(at("files/7/bind")) == 0);
out:
	forget(&l);
	done(&o);
	end();
}

static void another_file_system_in_its_place_is_not_absence(void)
{
	struct opened o;
	struct ledger l = {0};

	begin();
	put("files/7/f", "x");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	CU_ASSERT(ask(&o, NULL, find(&l, "/f")) == ANSWER_PRESENT);
	if (mount("none", at("files"), "tmpfs", 0, NULL) != 0) {
		printf("# may not mount here\n");
		goto out;
	}
	CU_ASSERT(!is_there("files/7/f"));
	CU_ASSERT(ask(&o, NULL, find(&l, "/f")) == ANSWER_UNKNOWN);
	CU_ASSERT(kill_id(&o, &l, "/f") == OUTCOME_UNKNOWN);
	CU_ASSERT(umount(at("files")) == 0);
	CU_ASSERT(ask(&o, NULL, find(&l, "/f")) == ANSWER_PRESENT);
	CU_ASSERT(kill_id(&o, &l, "/f") == OUTCOME_DONE);
	CU_ASSERT(ask(&o, NULL, find(&l, "/f")) == ANSWER_ABSENT);
out:
	forget(&l);
	done(&o);
	end();
}

/* ---- killed and stopped ------------------------------------------------- */

static void half_destroyed_file_is_not_drift(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	struct identity id;
	struct statx st;

	begin();
	put("files/7/f", "client content");
	put("files/7/copied", "with an older time");
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	CU_ASSERT(utimensat(AT_FDCWD, at("files/7/copied"), old, 0) == 0);
	must_open(&o, NULL, NULL);
	list(&o, &l);
	/* what destroy does first, and then the process is killed */
	const char *const names[] = {"files/7/f", "files/7/copied"};
	for (size_t i = 0; i < 2; i++) {
		int fd = open(at(names[i]), O_RDWR);
		CU_ASSERT(look_fd(&st, fd) == 0);
		identity_of(&id, &st, 1, -1, NULL, fd);
		CU_ASSERT(id.settled == (i == 0));
		identity_doom(fd, &id);
		CU_ASSERT(pwrite(fd, "\0\0\0", 3, 0) == 3);
		close(fd);
	}
	list(&o, &again);
	for (size_t i = 0; i < l.n; i++) {
		CU_ASSERT(same_digest(&l.items[i], &again.items[i]));
		CU_ASSERT(l.items[i].bytes == again.items[i].bytes);
	}
	CU_ASSERT(kill_all(&o, &l) == 0);
	CU_ASSERT(!is_there("files/7"));
	forget(&l);
	forget(&again);
	done(&o);
	end();
}

static void foreign_mark_is_not_believed(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	struct identity id;
	struct statx st;
	struct buf b;
	struct err e = ERR_INIT;

	begin();
	put("files/7/a", "content");
	must_open(&o, NULL, NULL);
	list(&o, &l);
	int fd = open(at("files/7/a"), O_RDWR);
	CU_ASSERT(look_fd(&st, fd) == 0);
	identity_of(&id, &st, 1, -1, NULL, fd);
	identity_doom(fd, &id);
	close(fd);
	list(&o, &again);
	CU_ASSERT(same_digest(find(&l, "/a"), find(&again, "/a")));
	/* a copy of the marked file is another inode: the mark is content */
	buf_init(&b, 1000);
	CU_ASSERT(file_read(&b, at("files/7/a"), &e) == 0);
	fd = open(at("files/7/b"), O_WRONLY | O_CREAT, 0600);
	CU_ASSERT(write(fd, b.data, b.len) == (ssize_t)b.len);
	CU_ASSERT(fchmod(fd, DOOMED_MODE) == 0);
	close(fd);
	buf_release(&b);
	list(&o, &again);
	CU_ASSERT(find(&again, "/b")->bytes == 7 + DOOM_MARK_LEN);
	CU_ASSERT(find(&again, "/a")->bytes == 7);
	CU_ASSERT(kill_all(&o, &again) == 0);
	forget(&l);
	forget(&again);
	done(&o);
	end();
}

/* Kills a child that destroys, after that many microseconds. */
static void kill_during_destroy(struct opened *o, const struct ledger *l,
				long after)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct outcome *out = calloc(l->n, sizeof(*out));
		source_destroy(&o->source, l->items, l->n, out, NULL, &o->e);
		_exit(0);
	}
	struct timespec t = {.tv_nsec = after * 1000};
	nanosleep(&t, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void killed_at_any_time_the_rest_is_as_planned(void)
{
	struct opened o;
	struct ledger l = {0}, again = {0};
	size_t seen_partial = 0;

	for (int round = 0; round < 12; round++) {
		begin();
		make_big("files/7/big", 8);
		for (int i = 0; i < 30; i++) {
			char name[60];
			snprintf(name, sizeof(name), "files/7/f%02d", i);
			put(name, "client content");
		}
		CU_ASSERT(link(at("files/7/f01"), at("files/7/l1")) == 0);
		must_open(&o, NULL, NULL);
		list(&o, &l);
		kill_during_destroy(&o, &l, 300 + 900 * round);
		list(&o, &again);
		for (size_t i = 0; i < again.n; i++)
			CU_ASSERT(same_digest(
				&again.items[i],
				find(&l, (const char *)again.items[i].id)));
		seen_partial += again.n != 0 && again.n != l.n;
		CU_ASSERT(kill_all(&o, &again) == 0);
		CU_ASSERT(!is_there("files/7"));
		forget(&l);
		forget(&again);
		done(&o);
		end();
	}
	printf("# %zu of 12 kills hit half-way\n", seen_partial);
}

static void set_stop(int number)
{
	(void)number;
	stop_now = 1;
}

/* Destroys item with the stop flag set after that many microseconds; true
 * when that was before the end. */
static bool stopped_after(struct opened *o, const struct item *item, long usec)
{
	struct outcome out;
	struct itimerval soon = {.it_value = {.tv_usec = usec}};

	signal(SIGALRM, set_stop);
	CU_ASSERT(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	int rc = source_destroy(&o->source, item, 1, &out, NULL, &o->e);
	struct itimerval off = {.it_value = {.tv_usec = 0}};
	CU_ASSERT(setitimer(ITIMER_REAL, &off, NULL) == 0);
	signal(SIGALRM, SIG_IGN);
	stop_now = 0;
	if (rc == 0)
		return false;
	CU_ASSERT(o->e.code == ERR_STOPPED);
	CU_ASSERT(out.code == OUTCOME_UNKNOWN);
	CU_ASSERT(is_there("files/7/big"));
	err_clear(&o->e);
	return true;
}

static void stop_inside_a_large_file_is_resumed(void)
{
	static const long delays[] = {4000, 2000, 1000, 500, 200, 50};
	struct opened o;
	struct ledger l = {0}, again = {0};
	bool stopped = false;

	for (size_t i = 0; !stopped && i < 6; i++) {
		begin();
		make_big("files/7/big", 64);
		must_open(&o, NULL, NULL);
		list(&o, &l);
		stopped = stopped_after(&o, find(&l, "/big"), delays[i]);
		list(&o, &again);
		if (stopped)
			CU_ASSERT(same_digest(find(&l, "/big"),
					      find(&again, "/big")));
		CU_ASSERT(kill_all(&o, &again) == 0);
		CU_ASSERT(!is_there("files/7"));
		forget(&l);
		forget(&again);
		done(&o);
		end();
	}
	CU_ASSERT(stopped);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(content_is_zeros_before_the_name_goes),
		UNIT(sparse_file_is_overwritten_where_it_has_data),
		UNIT(attributes_are_wiped_before_the_name_goes),
		UNIT(all_names_inside_the_content_goes_with_the_last),
		UNIT(name_outside_keeps_the_content_and_blocks),
		UNIT(name_made_outside_after_counting_is_seen),
		UNIT(retained_name_keeps_the_content),
		UNIT(immutable_file_is_refused_and_its_folder_stays),
		UNIT(running_program_is_refused),
		UNIT(mounts_inside_block_and_are_not_crossed),
		UNIT(another_file_system_in_its_place_is_not_absence),
		UNIT(half_destroyed_file_is_not_drift),
		UNIT(foreign_mark_is_not_believed),
		UNIT(killed_at_any_time_the_rest_is_as_planned),
		UNIT(stop_inside_a_large_file_is_resumed),
		{NULL, NULL}};
	return unit_run("directory_destroy", tests);
}
