/* Tiles and entry bundles as files (C2SP tlog-tiles, height 8). */
#include "certs/trail_parts.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/base/file.h"
#include "certs/merkle.h"

void tile_name(char out[TILE_PATH_MAX], int level, uint64_t n, unsigned width)
{
	unsigned group[7];
	int groups = 0;
	size_t at;

	do {
		group[groups++] = (unsigned)(n % 1000);
		n /= 1000;
	} while (n != 0);
	if (level == TILE_ENTRIES)
		at = (size_t)snprintf(out, TILE_PATH_MAX, "tile/entries");
	else
		at = (size_t)snprintf(out, TILE_PATH_MAX, "tile/%d", level);
	while (groups-- > 0)
		at += (size_t)snprintf(out + at, TILE_PATH_MAX - at,
				       groups > 0 ? "/x%03u" : "/%03u",
				       group[groups]);
	if (width < TILE_WIDTH)
		snprintf(out + at, TILE_PATH_MAX - at, ".p/%u", width);
}

unsigned tile_width(uint64_t size, int level, uint64_t n)
{
	uint64_t hashes = size >> (level == TILE_ENTRIES ? 0 : 8 * level);

	if (n >= hashes / TILE_WIDTH + 1)
		return 0;
	uint64_t left = hashes - n * TILE_WIDTH;
	return left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH;
}

int bundle_entry(const unsigned char **data, size_t *len,
		 const struct buf *bundle, unsigned i)
{
	size_t at = 0;

	for (;; i--) {
		if (bundle->len - at < 2)
			return -1;
		size_t n = (size_t)bundle->data[at] << 8 | bundle->data[at + 1];
		if (bundle->len - at - 2 < n)
			return -1;
		if (i == 0) {
			*data = bundle->data + at + 2;
			*len = n;
			return 0;
		}
		at += 2 + n;
	}
}

int bundle_add(struct buf *bundle, const void *entry, size_t len)
{
	buf_putc(bundle, (unsigned char)(len >> 8));
	buf_putc(bundle, (unsigned char)len);
	return buf_put(bundle, entry, len);
}

/* How many bytes the first n entries take; 0 when they are not all there. */
static size_t bundle_length(const struct buf *b, unsigned n)
{
	size_t at = 0;

	while (n-- > 0) {
		if (b->len - at < 2)
			return 0;
		size_t len = (size_t)b->data[at] << 8 | b->data[at + 1];
		if (b->len - at - 2 < len)
			return 0;
		at += 2 + len;
	}
	return at;
}

/* Checks that the file held `held` items and keeps the first width. */
static int keep_first(struct buf *b, int level, unsigned held, unsigned width)
{
	size_t all, wanted;

	if (level == TILE_ENTRIES) {
		all = bundle_length(b, held);
		wanted = bundle_length(b, width);
	} else {
		all = (size_t)held * SHA_LEN;
		wanted = (size_t)width * SHA_LEN;
	}
	if (all == 0 || b->len != all)
		return -1;
	b->len = wanted;
	b->data[wanted] = '\0';
	return 0;
}

static int read_as(struct buf *out, const char *dir, int level, uint64_t n,
		   unsigned held, unsigned width, struct err *e)
{
	char name[TILE_PATH_MAX];

	tile_name(name, level, n, held);
	char *path = file_join(dir, name);
	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	buf_reset(out);
	int rc = file_read(out, path, e);
	/* larger than any tile: that is damage, not a failure to read */
	if (rc != 0 && buf_failed(out) && e->code == ERR_FAILED)
		e->code = ERR_INVALID;
	if (rc == 0 && keep_first(out, level, held, width) != 0)
		rc = err_set(e, ERR_INVALID,
			     "%s does not hold the %u %s its name promises",
			     path, held,
			     level == TILE_ENTRIES ? "entries" : "hashes");
	free(path);
	return rc;
}

int tile_read(struct buf *out, const char *dir, int level, uint64_t n,
	      unsigned width, struct err *e)
{
	struct err full = ERR_INIT;

	int rc = read_as(out, dir, level, n, width, width, e);
	if (rc == 0 || width == TILE_WIDTH || e->code != ERR_MISSING)
		return rc;
	/* somebody may have filled the tile since; what is missing keeps the
	 * name of the partial tile */
	if (read_as(out, dir, level, n, TILE_WIDTH, width, &full) == 0) {
		err_clear(e);
		return 0;
	}
	if (full.code != ERR_MISSING)
		*e = full;
	return -1;
}

/* Makes every folder on the way to dir/name. */
static int make_folders(const char *dir, const char *name, bool settle,
			struct err *e)
{
	int rc = -1;
	char *path = file_join(dir, name);

	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	size_t above = strlen(dir);
	for (char *p = strchr(path + above + 1, '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		if (file_mkdir(path, e) != 0)
			goto out;
		if (settle) {
			char kept = path[above];
			path[above] = '\0';
			int synced = file_sync_dir(path, e);
			path[above] = kept;
			if (synced != 0)
				goto out;
		}
		above = (size_t)(p - path);
		*p = '/';
	}
	rc = 0;
out:
	free(path);
	return rc;
}

int tile_write(const char *dir, int level, uint64_t n, unsigned width,
	       const struct buf *data, bool settle, struct err *e)
{
	char name[TILE_PATH_MAX];

	tile_name(name, level, n, width);
	if (make_folders(dir, name, settle, e) != 0)
		return -1;
	char *path = file_join(dir, name);
	if (path == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	int rc = file_write(path, data->data, data->len, e);
	free(path);
	return rc;
}

void tile_root(struct sha *s, unsigned char out[SHA_LEN],
	       const unsigned char *hashes, unsigned n)
{
	unsigned char work[TILE_WIDTH / 2][SHA_LEN];

	if (n == 1) {
		memcpy(out, hashes, SHA_LEN);
		return;
	}
	for (unsigned i = 0; i < n / 2; i++)
		merkle_node(s, work[i], hashes + (size_t)2 * i * SHA_LEN,
			    hashes + (size_t)(2 * i + 1) * SHA_LEN);
	for (n /= 2; n > 1; n /= 2)
		for (unsigned i = 0; i < n / 2; i++)
			merkle_node(s, work[i], work[2 * i], work[2 * i + 1]);
	memcpy(out, work[0], SHA_LEN);
}

/* ---- clearing up -------------------------------------------------------- */

/* What certs/base/file.c calls the files that it writes aside. */
static bool is_aside(const char *name)
{
	size_t n = strlen(name);
	return n > 11 && strncmp(name + n - 11, ".new-", 5) == 0;
}

static bool is_width(const char *name)
{
	return name[0] != '\0' && strspn(name, "0123456789") == strlen(name);
}

/* Unlinks files of a folder: those written aside, and, where widths is set,
 * partial tiles.  Never follows a link out of the trail. */
static void clear_folder(const char *path, bool widths)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *ent = readdir(d); ent != NULL; ent = readdir(d))
		if (is_aside(ent->d_name) || (widths && is_width(ent->d_name)))
			(void)unlinkat(fd, ent->d_name, 0);
	closedir(d);
}

void tile_drop_partial(const char *dir, int level, uint64_t n)
{
	char name[TILE_PATH_MAX];

	tile_name(name, level, n, 1);
	name[strlen(name) - 2] = '\0'; /* without the width */
	char *path = file_join(dir, name);
	if (path == NULL)
		return;
	clear_folder(path, true);
	(void)rmdir(path);
	free(path);
}

/* The folder of tile n itself and that of its partial forms. */
static void sweep_tile(const char *dir, int level, uint64_t n)
{
	char name[TILE_PATH_MAX];

	tile_name(name, level, n, 1);
	for (int up = 0; up < 2; up++) {
		*strrchr(name, '/') = '\0';
		char *path = file_join(dir, name);
		if (path != NULL)
			clear_folder(path, false);
		free(path);
	}
}

void tile_sweep(const char *dir, uint64_t size)
{
	clear_folder(dir, false);
	for (int level = TILE_ENTRIES; level < TILE_LEVELS; level++) {
		int shift = level == TILE_ENTRIES ? 0 : 8 * level;
		uint64_t n = (size >> shift) / TILE_WIDTH;
		sweep_tile(dir, level, n);
		if (n != 0)
			tile_drop_partial(dir, level, n - 1);
	}
}
