/* quietus-audit show: the bytes of one entry. */
#include "tools/quietus-audit/audit.h"

#include <stdio.h>

int cmd_show(const struct audit_command *c, int argc, char **argv)
{
	const char *args[2];
	struct audit_options o = {NULL};
	struct err e = ERR_INIT;
	struct trail *t = NULL;
	struct buf data;
	uint64_t index;
	int status = audit_arguments(c, argc, argv, &o, args, 2);

	if (status >= 0)
		return status;
	buf_init(&data, TRAIL_ENTRY_MAX);
	if (audit_index(&index, args[1], &e) != 0 ||
	    trail_read(&t, args[0], &e) != 0 ||
	    trail_entry(&data, t, index, &e) != 0) {
		status = audit_error(&e);
	} else {
		audit_print(data.data, data.len);
		putchar('\n');
		status = AUDIT_GOOD;
	}
	buf_release(&data);
	trail_free(t);
	return status;
}
