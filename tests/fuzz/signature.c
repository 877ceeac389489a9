/*
 * Detached CMS signatures over the text "quietus\n": a signature that is
 * accepted is not one over another text.
 */
#include "certs/sign.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/keys.h"

static const char content[] = "quietus\n";
static struct anchors *anchors;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e = ERR_INIT;

	(void)argc;
	(void)argv;
	keys_start();
	keys_cert("ca", "p256", NULL, -KEYS_DAY, 30 * KEYS_DAY);
	MUST(anchors_new(&anchors, &e) == 0);
	MUST(anchors_add(anchors, keys_path("ca.pem"), &e) == 0);
	keys_stop();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signature s;
	struct err e = ERR_INIT;
	char *der = fuzz_copy(data, size, 0);

	if (sign_verify(&s, der, size, content, sizeof(content) - 1, NULL,
			&e) == 0) {
		MUST(strlen(s.fingerprint) == FINGERPRINT_TEXT - 1);
		MUST(sign_verify(&s, der, size, "Quietus\n", 8, NULL, &e) != 0);
	} else {
		MUST(e.code != ERR_NONE && e.msg[0] != '\0');
	}
	err_clear(&e);
	/* made for this run: nobody can have signed under it */
	MUST(anchors_check(anchors, der, size, 1800000000, &e) != 0);
	free(der);
	return 0;
}
