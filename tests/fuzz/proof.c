/* Log proofs: as they come, and with the checkpoint at their end signed. */
#include "tests/fuzz/note_key.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	note_key_make();
	return 0;
}

static void check(const char *proof, size_t len)
{
	struct buf entry;
	uint64_t index = 0, size = 0;
	struct err e = ERR_INIT;
	char *exact = fuzz_copy((const uint8_t *)proof, len, 0);

	buf_init(&entry, TRAIL_ENTRY_MAX);
	if (proof_check(&entry, &index, &size, exact, len,
			buf_str(&note_vkey_line), &e) == 0)
		MUST(index < size && entry.len != 0);
	else
		MUST(e.msg[0] != '\0');
	buf_release(&entry);
	free(exact);
}

/* Where the checkpoint begins: after the first empty line. */
static size_t checkpoint_at(const char *text, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (text[i] == '\n' && text[i - 1] == '\n')
			return i + 1;
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf proof;
	char *text = fuzz_copy(data, size, 1);
	size_t at = checkpoint_at(text, size);

	check(text, size);
	buf_init(&proof, 1 << 20);
	buf_put(&proof, text, at);
	note_make(&proof, text + at, size - at);
	check(buf_str(&proof), proof.len);
	buf_release(&proof);
	free(text);
	return 0;
}
