/*
 * The whole verifier on a certificate with its companions.  The input holds
 * the files one after the other, each begun by a line "@@ NAME".
 */
#include "certs/check.h"
#include "tests/fuzz/folder.h"

static const char *const names[] = {"certificate.json", "certificate.json.p7s",
				    "certificate.json.tlog-proof", "plan.json",
				    "inventory"};
#define NAMES (sizeof(names) / sizeof(names[0]))

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	folder_start();
	return 0;
}

static void found(void *arg, enum finding_grade grade, const char *code,
		  const char *text)
{
	MUST(code[0] != '\0' && text[0] != '\0');
	if (grade == FINDING_BAD)
		*(bool *)arg = true;
}

/* Writes the part that begins here, returns where the next one begins. */
static size_t part(const char *text, size_t len)
{
	size_t name = NAMES, begin = 0, end;

	for (size_t i = 0; i < NAMES && name == NAMES; i++) {
		size_t n = strlen(names[i]);
		if (len > n + 3 && memcmp(text, "@@ ", 3) == 0 &&
		    memcmp(text + 3, names[i], n) == 0 && text[n + 3] == '\n') {
			name = i;
			begin = n + 4;
		}
	}
	for (end = begin; end < len; end++)
		if (end > 0 && text[end - 1] == '\n' && len - end > 3 &&
		    memcmp(text + end, "@@ ", 3) == 0)
			break;
	if (name != NAMES)
		folder_put(names[name], text + begin, end - begin);
	return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char certificate[300], inventory[300];
	json_t *doc = NULL;
	bool bad = false;
	size_t at = 0;

	for (size_t i = 0; i < NAMES; i++)
		(void)unlink(folder_path(names[i]));
	while (at < size)
		at += part((const char *)data + at, size - at);
	snprintf(certificate, sizeof(certificate), "%s",
		 folder_path("certificate.json"));
	snprintf(inventory, sizeof(inventory), "%s", folder_path("inventory"));
	struct check_input in = {.certificate = certificate,
				 .inventory = inventory,
				 .item = "clients/7/0001"};
	enum check_result r = check_run(&in, &doc, found, &bad);
	/* nobody is trusted, so nothing can be valid */
	MUST(r == CHECK_NOT_VALID || r == CHECK_IMPOSSIBLE);
	MUST(bad == (r == CHECK_NOT_VALID));
	json_decref(doc);
	return 0;
}
