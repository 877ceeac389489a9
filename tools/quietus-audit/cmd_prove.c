/* quietus-audit prove: a proof of one entry that stands alone. */
#include "tools/quietus-audit/audit.h"

#include <stdio.h>

#include "certs/base/file.h"

int cmd_prove(const struct audit_command *c, int argc, char **argv)
{
	const char *args[2], *out = NULL;
	struct audit_options o = {.out = &out};
	struct err e = ERR_INIT;
	struct trail *t = NULL;
	struct buf data, proof;
	uint64_t index;
	int rc = -1, status = audit_arguments(c, argc, argv, &o, args, 2);

	if (status >= 0)
		return status;
	buf_init(&data, TRAIL_ENTRY_MAX);
	buf_init(&proof, TRAIL_PROOF_MAX);
	if (audit_index(&index, args[1], &e) == 0 &&
	    trail_read(&t, args[0], &e) == 0 &&
	    trail_entry(&data, t, index, &e) == 0)
		rc = trail_prove(&proof, t, index, data.data, data.len, &e);
	if (rc == 0 && out != NULL)
		rc = file_create(out, proof.data, proof.len, &e);
	else if (rc == 0)
		fputs(buf_str(&proof), stdout);
	status = rc == 0 ? AUDIT_GOOD : audit_error(&e);
	buf_release(&data);
	buf_release(&proof);
	trail_free(t);
	return status;
}
