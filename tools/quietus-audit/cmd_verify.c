/* quietus-audit verify: the whole trail recomputed. */
#include "tools/quietus-audit/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "certs/base/file.h"
#include "certs/base/hex.h"
#include "certs/base/json.h"

struct report {
	json_t *findings; /* NULL: print them */
};

static void found(void *arg, const char *text)
{
	struct report *r = arg;

	if (r->findings != NULL) {
		json_array_append_new(r->findings, json_string(text));
		return;
	}
	fputs("NOT VALID: ", stdout);
	audit_print(text, strlen(text));
	putchar('\n');
}

/* I9: an entry of another shape could hold anything. */
static int judge(const void *data, size_t len, struct err *e)
{
	struct trail_entry en;

	if (trail_entry_read(&en, data, len, e) != 0)
		return -1;
	trail_entry_release(&en);
	return 0;
}

/* A file, or the line itself. */
static int read_key(struct buf *out, const char *key, struct err *e)
{
	if (file_exists(key) || strchr(key, '+') == NULL) {
		if (file_read(out, key, e) != 0)
			return -1;
		if (strlen(buf_str(out)) != out->len)
			return err_set(e, ERR_USAGE, "%s is not a verifier key",
				       key);
		return 0;
	}
	if (buf_puts(out, key) != 0)
		return err_set(e, ERR_USAGE, "--key is not a verifier key");
	return 0;
}

static const char *result_word(int status)
{
	if (status == AUDIT_GOOD)
		return "valid";
	return status == AUDIT_NOT_VALID ? "not valid" : "cannot be checked";
}

static void print_json(const struct trail_summary *sum, const char *trail,
		       json_t *findings, int status)
{
	char root[2 * SHA_LEN + 1];
	struct buf out;
	struct err e = ERR_INIT;

	hex_encode(root, sum->root, SHA_LEN);
	json_t *doc = json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:O}", "trail",
				trail, "result", result_word(status), "log",
				sum->origin, "entries", json_u64(sum->size),
				"root", root, "carries_on_checkpoint",
				(int)sum->compared, "findings", findings);
	buf_init(&out, 64 * 1024 * 1024);
	if (doc == NULL || json_write(&out, doc, &e) != 0)
		fprintf(stderr, "quietus-audit: the report could not be "
				"written as JSON\n");
	else
		fputs(buf_str(&out), stdout);
	buf_release(&out);
	json_decref(doc);
}

static void print_good(const struct trail_summary *sum, bool own_key)
{
	char root[2 * SHA_LEN + 1];

	hex_encode(root, sum->root, SHA_LEN);
	printf("The trail is intact: %" PRIu64
	       " %s, as the checkpoint signed by %s says.\n"
	       "Root of its tree: %s\n",
	       sum->size, sum->size == 1 ? "entry" : "entries", sum->origin,
	       root);
	if (sum->compared)
		printf("It carries on the earlier checkpoint of %" PRIu64
		       " entries.\n",
		       sum->older_size);
	else
		puts("No earlier checkpoint was given: that nothing was taken "
		     "off its end cannot be seen.");
	if (own_key)
		puts("The key is the trail's own: compare it with the "
		     "verifier key in a certificate, or give that with "
		     "--key.");
}

int cmd_verify(const struct audit_command *c, int argc, char **argv)
{
	const char *trail, *key = NULL, *checkpoint = NULL;
	bool json = false;
	struct audit_options o = {
		.key = &key, .checkpoint = &checkpoint, .json = &json};
	struct trail_summary sum;
	struct report r = {NULL};
	struct buf vkey, older;
	struct err e = ERR_INIT;
	int status = audit_arguments(c, argc, argv, &o, &trail, 1);

	if (status >= 0)
		return status;
	memset(&sum, 0, sizeof(sum));
	buf_init(&vkey, 4096);
	buf_init(&older, TRAIL_CHECKPOINT_MAX);
	if (json)
		r.findings = json_array();
	int rc = -1;
	if ((key == NULL || read_key(&vkey, key, &e) == 0) &&
	    (checkpoint == NULL || file_read(&older, checkpoint, &e) == 0))
		rc = trail_examine_entries(
			&sum, trail, key != NULL ? buf_str(&vkey) : NULL,
			checkpoint != NULL ? buf_str(&older) : NULL, older.len,
			judge, found, &r, &e);
	status = rc == 0 ? AUDIT_GOOD : audit_error(&e);
	if (json)
		print_json(&sum, trail, r.findings, status);
	else if (rc == 0)
		print_good(&sum, key == NULL);
	json_decref(r.findings);
	buf_release(&vkey);
	buf_release(&older);
	return status;
}
