/* directory.c: folders in a temporary folder, looked into with plain paths. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "certs/base/file.h"
#include "certs/base/sha.h"
#include "tests/contract/contract.h"

extern const struct provider provider_directory;

struct store {
	char base[PATH_MAX];
	struct setting path, settings, keep_path, keep;
	struct retention_rule rule;
	unsigned planted;
};

static int failed(struct err *e, const char *what)
{
	return err_errno(e, "%s", what);
}

/* base/files/7 + an id, as a path. */
static const char *path_of(const struct store *s, const char *id, size_t len)
{
	static char path[2 * PATH_MAX];
	snprintf(path, sizeof(path), "%s/files/7%.*s", s->base, (int)len, id);
	return path;
}

static const char *item_path(const struct store *s, const struct item *item)
{
	return path_of(s, (const char *)item->id, item->id_len);
}

static int put(const struct store *s, const char *id, const char *content)
{
	const char *path = path_of(s, id, strlen(id));
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t len = strlen(content);

	if (fd < 0)
		return -1;
	int rc = write(fd, content, len) == (ssize_t)len ? 0 : -1;
	close(fd);
	return rc;
}

static int folder(const struct store *s, const char *id)
{
	return mkdir(path_of(s, id, strlen(id)), 0755);
}

static int make_content(const struct store *s)
{
	char other[2 * PATH_MAX];
	int rc = 0;

	rc |= folder(s, "") | folder(s, "7") | folder(s, "7/deep");
	rc |= put(s, "7/secret", "another client's secret") |
	      put(s, "7/deep/x", "another client's file");
	rc |= put(s, ".txt", "a file beside the folder");
	rc |= put(s, "/a.txt", "client content") | put(s, "/empty", "");
	rc |= folder(s, "/sub") | folder(s, "/sub/deep") |
	      folder(s, "/sub/nothing in it");
	rc |= put(s, "/sub/deep/b.bin", "more client content");
	rc |= put(s, "/sub-file", "sorts between a folder and its content");
	rc |= put(s, "/odd \x01\n\xff\x80\"%\\ name", "bytes");
	rc |= folder(s, "/keep") | put(s, "/keep/invoice", "ten years");
	rc |= put(s, "/linked", "one content, two names");
	snprintf(other, sizeof(other), "%s", path_of(s, "/sub/linked2", 12));
	rc |= link(path_of(s, "/linked", 7), other);
	/* links that lead out, one to nowhere, and to another client */
	rc |= symlink("../77/secret", path_of(s, "/to-other", 9));
	rc |= symlink("../77", path_of(s, "/to-folder", 10));
	rc |= symlink("nowhere", path_of(s, "/dangling", 9));
	rc |= mkfifo(path_of(s, "/pipe", 5), 0600);
	rc |= put(s, "/sparse", "begin");
	rc |= truncate(path_of(s, "/sparse", 7), 64L * 1024 * 1024);
	/* where the file system has no attributes there is nothing to test */
	(void)setxattr(path_of(s, "/a.txt", 6), "user.note", "client", 6, 0);
	return rc;
}

static int start(void **handle, struct scope *scope, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct store *s = calloc(1, sizeof(*s));
	char files[PATH_MAX + 8];

	if (s == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	snprintf(s->base, sizeof(s->base), "%s/quietus-contract-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(s->base) == NULL) {
		free(s);
		return failed(e, "making a temporary folder");
	}
	*handle = s;
	snprintf(files, sizeof(files), "%s/files", s->base);
	if (mkdir(files, 0755) != 0 || make_content(s) != 0)
		return failed(e, "making the standard content");
	s->path = (struct setting){.name = "path", .str = "files/{client}"};
	s->settings = (struct setting){
		.type = SETTING_GROUP, .members = &s->path, .n_members = 1};
	s->keep_path = (struct setting){.name = "path", .str = "keep"};
	s->keep = (struct setting){.type = SETTING_GROUP,
				   .members = &s->keep_path,
				   .n_members = 1};
	s->rule = (struct retention_rule){"invoices", &s->keep};
	*scope = (struct scope){.source = "files",
				.client = "7",
				.base = s->base,
				.settings = &s->settings,
				.retention = &s->rule,
				.n_retention = 1};
	return 0;
}

static void stop(void *handle)
{
	struct store *s = handle;
	struct err e = ERR_INIT;

	if (s == NULL)
		return;
	file_shred_tree(s->base, &e);
	free(s);
}

static int plant(void *handle, enum copy_class cls, struct err *e)
{
	struct store *s = handle;
	char id[40];

	if (cls != CLASS_CURRENT)
		return CONTRACT_CANNOT;
	snprintf(id, sizeof(id), "/planted-%u", s->planted++);
	return put(s, id, "planted") == 0 ? 0 : failed(e, "planting");
}

static int alter(void *handle, const struct item *item, struct err *e)
{
	const char *path = item_path(handle, item);
	struct stat st;

	if (lstat(path, &st) != 0)
		return failed(e, path);
	if (!S_ISREG(st.st_mode))
		return CONTRACT_CANNOT;
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, "!", 1) != 1)
		return failed(e, path);
	close(fd);
	return 0;
}

static int take_away(void *handle, const struct item *item, struct err *e)
{
	const char *path = item_path(handle, item);
	struct stat st;

	if (lstat(path, &st) != 0)
		return failed(e, path);
	if (S_ISDIR(st.st_mode))
		return CONTRACT_CANNOT;
	return unlink(path) == 0 ? 0 : failed(e, path);
}

static int exists(void *handle, const struct item *item, bool *is_there,
		  struct err *e)
{
	const char *path = item_path(handle, item);
	struct stat st;

	*is_there = lstat(path, &st) == 0;
	if (!*is_there && errno != ENOENT && errno != ENOTDIR)
		return failed(e, path);
	return 0;
}

/* Names, kinds and content below path, but for the client's folder. */
static int add_tree(struct sha *sha, const char *path, const char *but,
		    struct err *e)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, NULL, alphasort), rc = 0;

	if (n < 0)
		return failed(e, path);
	for (int i = 0; i < n; i++) {
		char below[PATH_MAX];
		const char *name = names[i]->d_name;
		struct stat st;
		unsigned char digest[SHA_LEN];
		snprintf(below, sizeof(below), "%s/%s", path, name);
		if (rc != 0 || strcmp(name, ".") == 0 ||
		    strcmp(name, "..") == 0 || strcmp(below, but) == 0)
			goto next;
		if (lstat(below, &st) != 0) {
			rc = failed(e, below);
			goto next;
		}
		sha_add(sha, below, strlen(below) + 1);
		sha_add(sha, &st.st_mode, sizeof(st.st_mode));
		sha_add(sha, &st.st_ino, sizeof(st.st_ino));
		if (S_ISDIR(st.st_mode)) {
			struct sha *inner = sha_new();
			sha_start(inner);
			rc = add_tree(inner, below, but, e);
			sha_end(inner, digest);
			sha_free(inner);
			sha_add(sha, digest, SHA_LEN);
		} else if (S_ISREG(st.st_mode)) {
			rc = sha_file(digest, below, e);
			sha_add(sha, digest, SHA_LEN);
		}
	next:
		free(names[i]);
	}
	free(names);
	return rc;
}

static int neighbours(void *handle, unsigned char digest[SHA_LEN],
		      struct err *e)
{
	struct store *s = handle;
	struct sha *sha = sha_new();
	char but[2 * PATH_MAX];

	snprintf(but, sizeof(but), "%s/files/7", s->base);
	sha_start(sha);
	int rc = add_tree(sha, s->base, but, e);
	sha_end(sha, digest);
	sha_free(sha);
	return rc;
}

/* The scope folder is moved away and a link to it put in its place. */
static int cut(void *handle, struct err *e)
{
	struct store *s = handle;
	char away[PATH_MAX + 8];

	snprintf(away, sizeof(away), "%s/away", s->base);
	if (rename(path_of(s, "", 0), away) != 0 ||
	    symlink(away, path_of(s, "", 0)) != 0)
		return failed(e, "putting a link in the folder's place");
	return 0;
}

static int mend(void *handle, struct err *e)
{
	struct store *s = handle;
	char away[PATH_MAX + 8];

	snprintf(away, sizeof(away), "%s/away", s->base);
	if (unlink(path_of(s, "", 0)) != 0 ||
	    rename(away, path_of(s, "", 0)) != 0)
		return failed(e, "putting the folder back");
	return 0;
}

static int bulk(void *handle, size_t n, struct err *e)
{
	struct store *s = handle;
	char id[80];
	unsigned batch = s->planted++;

	snprintf(id, sizeof(id), "/bulk-%u", batch);
	if (folder(s, id) != 0)
		return failed(e, "making a folder");
	for (size_t i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "/bulk-%u/file-%zu", batch, i);
		if (put(s, id, "x") != 0)
			return failed(e, "making many files");
	}
	return 0;
}

const struct contract_store contract_directory = {
	.name = "directory",
	.provider = &provider_directory,
	.start = start,
	.stop = stop,
	.plant = plant,
	.alter = alter,
	.remove = take_away,
	.exists = exists,
	.neighbours = neighbours,
	.cut = cut,
	.mend = mend,
	.bulk = bulk,
};
