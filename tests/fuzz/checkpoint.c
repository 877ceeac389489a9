/* Checkpoints and verifier keys: as they come, and signed. */
#include "tests/fuzz/note_key.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	note_key_make();
	return 0;
}

static int check(const struct buf *note)
{
	uint64_t size = 0;
	unsigned char root[SHA_LEN];
	struct err e = ERR_INIT;
	char *exact = fuzz_copy(note->data, note->len, 0);
	int rc = checkpoint_check(&size, root, exact, note->len,
				  buf_str(&note_vkey_line), &e);

	MUST(rc == 0 || (e.code == ERR_INVALID && e.msg[0] != '\0'));
	free(exact);
	return rc;
}

/* A changed byte of the text must not be taken for signed. */
static void break_it(struct buf *note, size_t text_len, size_t at)
{
	note->data[at % text_len] ^= 1;
	MUST(check(note) != 0);
}

static void read_vkey(const char *line)
{
	struct vkey k, again;
	struct buf out;
	struct err e = ERR_INIT;

	if (vkey_parse(&k, line, &e) != 0)
		return;
	buf_init(&out, VKEY_LINE_MAX);
	MUST(vkey_write(&out, &k) == 0);
	MUST(strncmp(buf_str(&out), line, out.len) == 0);
	MUST(vkey_parse(&again, buf_str(&out), &e) == 0);
	MUST(vkey_equal(&k, &again));
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf note;
	char *text = fuzz_copy(data, size, 1);

	if (strlen(text) == size)
		read_vkey(text);
	buf_init(&note, 1 << 20);
	buf_put(&note, text, size);
	(void)check(&note);
	buf_reset(&note);
	note_make(&note, text, size);
	if (check(&note) == 0)
		break_it(&note, size, size / 2);
	buf_release(&note);
	free(text);
	return 0;
}
