/* Files of X.509 certificates, PEM or DER: a party's, or an anchor. */
#include "certs/sign.h"
#include "tests/fuzz/folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	folder_start();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert *c = NULL;
	struct anchors *a = NULL;
	struct err e = ERR_INIT;
	char text[FINGERPRINT_TEXT];
	int64_t from, until;

	folder_put("cert.pem", data, size);
	if (cert_read(&c, folder_path("cert.pem"), &e) == 0) {
		cert_fingerprint(text, c);
		MUST(strlen(text) == FINGERPRINT_TEXT - 1);
		MUST(cert_subject(c) != NULL);
		for (const char *p = cert_subject(c); *p != '\0'; p++)
			MUST((unsigned char)*p >= 0x20 && *p != 0x7f);
		cert_validity(&from, &until, c);
	} else {
		MUST(c == NULL && e.msg[0] != '\0');
	}
	cert_free(c);
	err_clear(&e);
	MUST(anchors_new(&a, &e) == 0);
	if (anchors_add(a, folder_path("cert.pem"), &e) != 0)
		MUST(e.msg[0] != '\0');
	anchors_free(a);
	return 0;
}
