/* The small XML answers of a store: errors, settings, batch results. */
#include "providers/http/xml.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {
		"Code",	  "Message",
		"Status", "Error/Key",
		"",	  "Rule/Destination/Bucket",
		"Region", "LoggingEnabled/TargetBucket"};
	struct xml_doc d;
	char *body = fuzz_copy(data, size, 0);

	xml_doc_init(&d);
	if (xml_doc_read(&d, body, size) != 0)
		MUST(d.paths.len == 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		size_t n = xml_doc_count(&d, paths[i]);
		MUST(xml_doc_get(&d, paths[i], n) == NULL);
		MUST(n == 0 || xml_doc_get(&d, paths[i], n - 1) != NULL);
	}
	xml_doc_release(&d);
	free(body);
	return 0;
}
