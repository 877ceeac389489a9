/* Lines of an inventory: what is read is what would be written. */
#include "certs/record.h"
#include "tests/fuzz/fuzz.h"

static void line(const char *text, size_t len)
{
	struct inventory_line read;
	struct buf strings, again;
	struct err e = ERR_INIT;

	buf_init(&strings, len + 3);
	buf_init(&again, 2 * len + 200);
	if (inventory_parse(&read, &strings, text, len, &e) == 0) {
		MUST(inventory_write(&again, read.salt, read.verdict, read.text,
				     read.text_len) == 0);
		MUST(again.len == len + 1 &&
		     memcmp(again.data, text, len) == 0);
		buf_reset(&again);
		MUST(record_write(&again, &read.record) == 0);
		MUST(again.len == read.text_len &&
		     memcmp(again.data, read.text, again.len) == 0);
		buf_reset(&again);
		MUST(record_outcome(&again, read.text, read.text_len,
				    read.verdict) == 0);
	} else {
		MUST(e.code == ERR_INVALID && e.msg[0] != '\0');
	}
	buf_release(&strings);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t from = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && data[i] != '\n')
			continue;
		char *text = fuzz_copy(data + from, i - from, 0);
		line(text, i - from);
		free(text);
		from = i + 1;
	}
	return 0;
}
