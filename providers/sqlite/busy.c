/* busy.c: who else has the database open, as far as /proc shows it. */
#include "providers/sqlite/store.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* True when one of the process's descriptors is the database file. */
static bool holds(const char *pid, const struct store *s)
{
	char dir[64], name[400];
	struct stat st;
	bool found = false;

	snprintf(dir, sizeof(dir), "/proc/%.20s/fd", pid);
	DIR *d = opendir(dir);
	if (d == NULL)
		return false;
	for (;;) {
		struct dirent *entry = readdir(d);
		if (entry == NULL || found)
			break;
		snprintf(name, sizeof(name), "%s/%s", dir, entry->d_name);
		found = stat(name, &st) == 0 && st.st_dev == s->dev &&
			st.st_ino == s->ino;
	}
	closedir(d);
	return found;
}

static void process_name(char out[64], const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	snprintf(out, 64, "unknown program");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, out, 63);
	close(fd);
	if (n <= 0)
		return;
	out[n] = '\0';
	for (char *p = out; *p != '\0'; p++)
		if (*p == '\n')
			*p = '\0';
		else if (!isprint((unsigned char)*p))
			*p = '?';
}

void busy_who(struct buf *out, const struct store *s)
{
	DIR *d = opendir("/proc");
	unsigned found = 0;

	while (d != NULL && found < 8) {
		struct dirent *entry = readdir(d);
		if (entry == NULL)
			break;
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    strtol(entry->d_name, NULL, 10) == (long)getpid() ||
		    !holds(entry->d_name, s))
			continue;
		char name[64];
		process_name(name, entry->d_name);
		buf_putf(out, "%sprocess %s (%s)", found++ == 0 ? "" : ", ",
			 entry->d_name, name);
	}
	if (d != NULL)
		closedir(d);
	if (found == 0)
		buf_puts(out, "no other process of this account has it open; "
			      "look at the application, at backups, and at "
			      "other accounts");
}
