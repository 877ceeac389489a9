/* medium.c: what overwriting is worth on the file system that is found. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum worth {
	WORTH_UNKNOWN = 0,
	WORTH_IN_PLACE,	 /* writes go to the blocks that hold the data */
	WORTH_ELSEWHERE, /* changed data is written to new blocks */
	WORTH_REMOTE,	 /* a server decides */
	WORTH_MEMORY
};

/* The numbers of statfs(2); the kernel's own headers have not all of them. */
static const struct {
	uint64_t magic;
	const char *name;
	enum worth worth;
} kinds[] = {
	{0xEF53, "ext4", WORTH_IN_PLACE}, /* ext2 and ext3 too */
	{0x58465342, "xfs", WORTH_IN_PLACE},
	{0x4d44, "vfat", WORTH_IN_PLACE},
	{0x2011BAB0, "exfat", WORTH_IN_PLACE},
	{0x3153464a, "jfs", WORTH_IN_PLACE},
	{0x5346544e, "ntfs", WORTH_IN_PLACE},
	{0x7366746e, "ntfs3", WORTH_IN_PLACE},
	{0x9123683E, "btrfs", WORTH_ELSEWHERE},
	{0x2FC12FC1, "zfs", WORTH_ELSEWHERE},
	{0xca451a4e, "bcachefs", WORTH_ELSEWHERE},
	{0xF2F52010, "f2fs", WORTH_ELSEWHERE},
	{0x3434, "nilfs", WORTH_ELSEWHERE},
	{0x24051905, "ubifs", WORTH_ELSEWHERE},
	{0x794c7630, "overlayfs", WORTH_UNKNOWN},
	{0x6969, "nfs", WORTH_REMOTE},
	{0x517B, "smb", WORTH_REMOTE},
	{0xFF534D42, "cifs", WORTH_REMOTE},
	{0xFE534D42, "smb2", WORTH_REMOTE},
	{0x01021997, "9p", WORTH_REMOTE},
	{0x00c36400, "ceph", WORTH_REMOTE},
	{0x65735546, "fuse", WORTH_REMOTE},
	{0x01021994, "tmpfs", WORTH_MEMORY},
	{0x858458f6, "ramfs", WORTH_MEMORY},
};

static int read_flag(const char *path)
{
	char c = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t n = read(fd, &c, 1);
	close(fd);
	return n == 1 && (c == '0' || c == '1') ? c - '0' : -1;
}

/* 1 rotating, 0 not, -1 not known. */
static int rotating(int fd)
{
	struct statx st;
	char path[128];

	if (look_fd(&st, fd) != 0 || st.stx_dev_major == 0)
		return -1;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/queue/rotational",
		 st.stx_dev_major, st.stx_dev_minor);
	int is = read_flag(path);
	if (is >= 0)
		return is;
	/* a partition: its disk is one step up */
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../queue/rotational",
		 st.stx_dev_major, st.stx_dev_minor);
	return read_flag(path);
}

static const char *method_of(enum worth worth, int spins)
{
	switch (worth) {
	case WORTH_IN_PLACE:
		return spins == 1 ? "This file system writes in place and "
				    "the disk is reported as rotating: the "
				    "blocks last used are reached, not copies "
				    "from earlier edits nor the journal. No "
				    "media sanitization claimed."
				  : "This file system writes in place, but "
				    "the device may be flash or virtual and "
				    "keep the old blocks: logical deletion, "
				    "no media sanitization claimed.";
	case WORTH_ELSEWHERE:
		return "This file system writes changes to new blocks, so "
		       "overwriting does not reach the old ones: logical "
		       "deletion, no media sanitization claimed.";
	case WORTH_REMOTE:
		return "The file system is served by another machine, whose "
		       "medium cannot be seen from here: logical deletion, "
		       "no media sanitization claimed.";
	case WORTH_MEMORY:
		return "The file system is in memory, so the content is "
		       "replaced; what was swapped out is not reached. No "
		       "media sanitization claimed.";
	default:
		return "What overwriting reaches on this kind of file system "
		       "is not known: logical deletion, no media "
		       "sanitization claimed.";
	}
}

void medium_describe(struct description *out, int fd)
{
	struct statfs fs;
	char host[128] = "";
	enum worth worth = WORTH_UNKNOWN;
	int spins = -1;

	if (gethostname(host, sizeof(host) - 1) == 0)
		description_fact(out, "host", "%s", host);
	description_fact(out, "engine", "directory");
	description_fact(out, "credentials", "operating system user %lu",
			 (unsigned long)geteuid());
	if (fd >= 0 && fstatfs(fd, &fs) == 0) {
		uint64_t magic = (uint64_t)fs.f_type & 0xffffffff;
		const char *name = NULL;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (kinds[i].magic == magic) {
				name = kinds[i].name;
				worth = kinds[i].worth;
			}
		if (name != NULL)
			description_fact(out, "file system", "%s", name);
		else
			description_fact(out, "file system",
					 "type number 0x%llx",
					 (unsigned long long)magic);
		description_fact(out, "copy on write", "%s",
				 worth == WORTH_ELSEWHERE  ? "yes"
				 : worth == WORTH_IN_PLACE ? "no"
							   : "not known");
		spins = rotating(fd);
	}
	description_fact(out, "device", "%s",
			 spins == 1   ? "reported as a rotating disk"
			 : spins == 0 ? "reported as not rotating (flash or "
					"virtual)"
				      : "not known");
	snprintf(out->method, sizeof(out->method),
		 "The allocated ranges of each file were overwritten with "
		 "zeros and synced, then its name was removed. %s",
		 method_of(worth, spins));
	snprintf(out->limits, sizeof(out->limits),
		 "Snapshots of the file system or of the volume, backups, "
		 "copies in swap or in other programs' caches, and names left "
		 "in folder blocks and in the journal are not visible here "
		 "and are not covered.");
}
