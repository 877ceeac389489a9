/* ~/.aws/credentials and ~/.aws/config: the same bytes as both. */
#include "providers/s3/s3.h"
#include "tests/fuzz/folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	folder_start();
	setenv("AWS_SHARED_CREDENTIALS_FILE", folder_path("file"), 1);
	setenv("AWS_CONFIG_FILE", folder_path("file"), 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"default", "closeout"};

	folder_put("file", data, size);
	for (size_t i = 0; i < 2; i++) {
		struct s3_credentials c;
		struct s3_profile p;
		struct err e = ERR_INIT;
		memset(&p, 0, sizeof(p));
		s3_credentials_init(&c);
		if (s3_profile_read(&c, &p, names[i], &e) == 0) {
			MUST(c.key_id.len == 0 || c.from[0] != '\0');
			MUST(strlen(p.region) < sizeof(p.region));
		} else {
			MUST(e.code != ERR_NONE && e.msg[0] != '\0');
		}
		s3_credentials_release(&c);
	}
	return 0;
}
