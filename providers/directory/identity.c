/* identity.c: what a thing was, as a digest, and the mark of the doomed. */
#define _GNU_SOURCE
#include "providers/directory/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char mark_magic[16] = "quietus-doomed1\n";

static void put_u64(unsigned char *to, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		to[i] = (unsigned char)(n >> (56 - 8 * i));
}

static uint64_t get_u64(const unsigned char *from)
{
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n = n << 8 | from[i];
	return n;
}

/* The mark: magic, inode, then size and time as they were; zeros. */
static void mark_write(unsigned char mark[DOOM_MARK_LEN],
		       const struct identity *id)
{
	memset(mark, 0, DOOM_MARK_LEN);
	memcpy(mark, mark_magic, sizeof(mark_magic));
	put_u64(mark + 16, id->ino);
	put_u64(mark + 24, id->size);
	put_u64(mark + 32, (uint64_t)id->mtime);
	put_u64(mark + 40, id->mtime_nsec);
}

/* Takes size and time from the mark behind the content, if it is there and
 * speaks of this very inode. */
static void mark_read(struct identity *id, int fd)
{
	unsigned char mark[DOOM_MARK_LEN];

	if (id->size < DOOM_MARK_LEN)
		return;
	off_t at = (off_t)(id->size - DOOM_MARK_LEN);
	if (pread(fd, mark, sizeof(mark), at) != (ssize_t)sizeof(mark))
		return;
	if (memcmp(mark, mark_magic, sizeof(mark_magic)) != 0 ||
	    get_u64(mark + 16) != id->ino ||
	    get_u64(mark + 24) != id->size - DOOM_MARK_LEN)
		return;
	id->size -= DOOM_MARK_LEN;
	id->mtime = (int64_t)get_u64(mark + 32);
	id->mtime_nsec = (uint32_t)get_u64(mark + 40);
	id->marked = true;
}

void identity_of(struct identity *id, const struct statx *st, uint64_t volume,
		 int folder, const char *name, int fd)
{
	memset(id, 0, sizeof(*id));
	id->type = st->stx_mode & S_IFMT;
	id->volume = volume;
	id->ino = st->stx_ino;
	if (st->stx_mask & STATX_BTIME) {
		id->born = st->stx_btime.tv_sec;
		id->born_nsec = st->stx_btime.tv_nsec;
	}
	if (id->type == S_IFDIR)
		return;
	id->size = st->stx_size;
	id->mtime = st->stx_mtime.tv_sec;
	id->mtime_nsec = st->stx_mtime.tv_nsec;
	id->rdev = (uint64_t)st->stx_rdev_major << 32 | st->stx_rdev_minor;
	id->settled = st->stx_nlink == 1 && st->stx_ctime.tv_sec == id->mtime &&
		      st->stx_ctime.tv_nsec == id->mtime_nsec;
	unsigned mode = st->stx_mode & 07777;
	if (id->type != S_IFREG ||
	    (mode != DOOMED_MODE && mode != DOOMED_SETTLED_MODE))
		return;
	id->doomed = true;
	id->settled = mode == DOOMED_SETTLED_MODE;
	if (fd >= 0) {
		mark_read(id, fd);
		return;
	}
	fd = openat(folder, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	mark_read(id, fd);
	close(fd);
}

void identity_digest(struct sha *s, unsigned char digest[SHA_LEN],
		     const struct identity *id, const unsigned char *spec,
		     size_t spec_len)
{
	const uint64_t fields[] = {
		id->type,
		id->volume,
		id->ino,
		(uint64_t)id->born,
		id->born_nsec,
		id->size,
		(uint64_t)id->mtime,
		id->mtime_nsec,
		id->rdev,
		id->settled,
	};
	unsigned char bytes[sizeof(fields)];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		put_u64(bytes + 8 * i, fields[i]);
	sha_start(s);
	sha_add(s, bytes, sizeof(bytes));
	sha_add(s, spec, spec_len);
	sha_end(s, digest);
}

void identity_doom(int fd, const struct identity *id)
{
	unsigned char mark[DOOM_MARK_LEN];

	/* The mode first: it changes nothing that the digest covers, and says
	 * whether the file was settled.  From then on, and from the one write
	 * of the mark on, identity_of() gives the values from before. */
	if (!id->doomed &&
	    fchmod(fd, id->settled ? DOOMED_SETTLED_MODE : DOOMED_MODE) != 0)
		return;
	if (id->marked || id->size == 0)
		return;
	mark_write(mark, id);
	ssize_t n = pwrite(fd, mark, sizeof(mark), (off_t)id->size);
	if (n > 0 && n < (ssize_t)sizeof(mark) &&
	    ftruncate(fd, (off_t)id->size) != 0)
		return; /* unmarked: no harm, see internal.h */
}

void spec_write(unsigned char spec[SPEC_LEN], uint64_t volume)
{
	put_u64(spec, volume);
}

bool spec_elsewhere(const struct item *item, uint64_t volume)
{
	return item->spec_len == SPEC_LEN && get_u64(item->spec) != volume;
}
