/*
 * The closeout file.  Its certificates lie in a folder made at the start; in
 * the text "@PRINT@" stands for the recipient's fingerprint.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/keys.h"
#include "certs/sign.h"
#include "tools/quietus/closeout.h"

static char print[FINGERPRINT_TEXT];

/* libconfig 1.5 forgets a string that a syntax error follows; the program
 * ends then, and the leak is not ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\n";
}

static void gone(void)
{
	keys_stop();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const names[] = {"alice", "bob", "acme", "newco",
					    "processor"};
	struct cert *c = NULL;
	struct err e = ERR_INIT;

	(void)argc;
	(void)argv;
	keys_start();
	for (size_t i = 0; i < 5; i++)
		keys_cert(names[i], "p256", NULL, -KEYS_DAY, 30 * KEYS_DAY);
	keys_put(keys_path("instruction.pdf"), "please", 6);
	keys_put(keys_path("instruction.p7s"), "signed", 6);
	MUST(cert_read(&c, keys_path("newco.pem"), &e) == 0);
	cert_fingerprint(print, c);
	cert_free(c);
	atexit(gone);
	return 0;
}

static void examine(const struct closeout *c)
{
	static const volatile sig_atomic_t never;

	MUST(c->id != NULL && c->client != NULL && c->client[0] != '\0');
	MUST(c->n_sources != 0 && c->approvals_required <= c->n_approvers);
	MUST(c->cases[0] == '/' && c->trail_directory[0] == '/');
	for (size_t i = 0; i < c->n_sources; i++) {
		struct scope s;
		MUST(c->sources[i].provider != NULL);
		closeout_scope(&s, c, i, &never);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct closeout *c = NULL;
	struct err e = ERR_INIT;
	struct buf text;

	if (size > 20000)
		return -1;
	buf_init(&text, 1 << 21);
	for (size_t i = 0; i < size;) {
		if (size - i >= 7 && memcmp(data + i, "@PRINT@", 7) == 0) {
			buf_puts(&text, print);
			i += 7;
		} else {
			buf_putc(&text, data[i++]);
		}
	}
	if (closeout_parse(&c, buf_str(&text), text.len, "fuzz.cfg", keys_dir,
			   &e) == 0)
		examine(c);
	else
		MUST(c == NULL && e.code == ERR_USAGE && e.msg[0] != '\0');
	closeout_free(c);
	buf_release(&text);
	return 0;
}
