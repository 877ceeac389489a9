#include "tools/quietus/closeout_private.h"

#include <string.h>

/*
 * The keys of a closeout file (docs/man/quietus-closeout.5).  A table with the
 * key "provider" is completed by the provider's own table.
 */

static const char *const choices[] = {"destroy", "return", "return-to-designee",
				      NULL};
static const char *const ciphers[] = {"aes-256-gcm", "aes-256-cbc", NULL};
static const char *const table_formats[] = {"csv", NULL};
static const char *const parents[] = {"retain", NULL};

static const struct setting_spec contract_keys[] = {
	{"reference", SETTING_STRING, true, NULL, NULL},
	{"ended", SETTING_STRING, true, NULL, NULL},
	{"clause", SETTING_STRING, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec controller_keys[] = {
	{"name", SETTING_STRING, true, NULL, NULL},
	{"address", SETTING_STRING, false, NULL, NULL},
	{"contact", SETTING_STRING, false, NULL, NULL},
	{"certificate", SETTING_STRING, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec processor_keys[] = {
	{"name", SETTING_STRING, true, NULL, NULL},
	{"address", SETTING_STRING, false, NULL, NULL},
	{"contact", SETTING_STRING, false, NULL, NULL},
	{"dpo", SETTING_STRING, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec instruction_keys[] = {
	{"choice", SETTING_STRING, true, NULL, choices},
	{"by", SETTING_STRING, true, NULL, NULL},
	{"received", SETTING_STRING, true, NULL, NULL},
	{"document", SETTING_STRING, false, NULL, NULL},
	{"signature", SETTING_STRING, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec approvals_keys[] = {
	{"required", SETTING_INT, true, NULL, NULL},
	{"approvers", SETTING_STRINGS, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec closeout_keys[] = {
	{"id", SETTING_STRING, true, NULL, NULL},
	{"client", SETTING_STRING, true, NULL, NULL},
	{"contract", SETTING_GROUP, true, contract_keys, NULL},
	{"controller", SETTING_GROUP, true, controller_keys, NULL},
	{"processor", SETTING_GROUP, true, processor_keys, NULL},
	{"instruction", SETTING_GROUP, true, instruction_keys, NULL},
	{"not_before", SETTING_STRING, true, NULL, NULL},
	{"approvals", SETTING_GROUP, true, approvals_keys, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec destination_keys[] = {
	{"provider", SETTING_STRING, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec recipient_keys[] = {
	{"name", SETTING_STRING, true, NULL, NULL},
	{"certificate", SETTING_STRING, true, NULL, NULL},
	{"fingerprint", SETTING_STRING, true, NULL, NULL},
	{"confirmed", SETTING_STRING, true, NULL, NULL},
	{"country", SETTING_STRING, false, NULL, NULL},
	{"safeguard", SETTING_STRING, false, NULL, NULL},
	{"destination", SETTING_GROUP, false, destination_keys, NULL},
	{"part_size", SETTING_INT, false, NULL, NULL},
	{"cipher", SETTING_STRING, false, NULL, ciphers},
	{"table_format", SETTING_STRING, false, NULL, table_formats},
	{"trust", SETTING_STRING, false, NULL, NULL},
	{"receipt", SETTING_BOOL, false, NULL, NULL},
	{"receipt_certificate", SETTING_STRING, false, NULL, NULL},
	{"receipt_deadline", SETTING_STRING, false, NULL, NULL},
	{"also_to_controller", SETTING_BOOL, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec source_keys[] = {
	{"name", SETTING_STRING, true, NULL, NULL},
	{"provider", SETTING_STRING, true, NULL, NULL},
	{"category", SETTING_STRING, false, NULL, NULL},
	{"choice", SETTING_STRING, false, NULL, choices},
	{"may_be_empty", SETTING_BOOL, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec retention_keys[] = {
	{"name", SETTING_STRING, true, NULL, NULL},
	{"source", SETTING_STRING, true, NULL, NULL},
	{"table", SETTING_STRING, false, NULL, NULL},
	{"where", SETTING_STRING, false, NULL, NULL},
	{"whole", SETTING_BOOL, false, NULL, NULL},
	{"parents", SETTING_STRING, false, NULL, parents},
	{"prefix", SETTING_STRING, false, NULL, NULL},
	{"path", SETTING_STRING, false, NULL, NULL},
	{"ground", SETTING_STRING, true, NULL, NULL},
	{"until", SETTING_STRING, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec signing_keys[] = {
	{"certificate", SETTING_STRING, true, NULL, NULL},
	{"key", SETTING_STRING, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

static const struct setting_spec trail_keys[] = {
	{"directory", SETTING_STRING, true, NULL, NULL},
	{"key", SETTING_STRING, true, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

const struct setting_spec closeout_root_keys[] = {
	{"closeout", SETTING_GROUP, true, closeout_keys, NULL},
	{"recipient", SETTING_GROUP, false, recipient_keys, NULL},
	{"sources", SETTING_GROUPS, true, source_keys, NULL},
	{"retention", SETTING_GROUPS, false, retention_keys, NULL},
	{"signing", SETTING_GROUP, true, signing_keys, NULL},
	{"trail", SETTING_GROUP, true, trail_keys, NULL},
	{"cases", SETTING_STRING, false, NULL, NULL},
	{NULL, SETTING_STRING, false, NULL, NULL},
};

const struct setting_spec *closeout_spec(const struct setting_spec *table,
					 const char *name)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

const char *closeout_example(const char *key)
{
	static const char *const examples[][2] = {
		{"closeout", "closeout = { id = \"acme-2026-11\"; ... };"},
		{"id", "id = \"acme-2026-11\";"},
		{"client", "client = \"7\";"},
		{"contract", "contract = { reference = \"SUB-2021-0042\"; "
			     "ended = \"2026-11-30\"; };"},
		{"reference", "reference = \"SUB-2021-0042\";"},
		{"ended", "ended = \"2026-11-30\";"},
		{"controller", "controller = { name = \"Acme SAS\"; ... };"},
		{"processor", "processor = { name = \"Example SAS\"; ... };"},
		{"instruction", "instruction = { choice = \"destroy\"; "
				"by = \"data protection officer\"; "
				"received = \"2026-11-20\"; };"},
		{"choice", "choice = \"destroy\";"},
		{"by", "by = \"data protection officer\";"},
		{"received", "received = \"2026-11-20\";"},
		{"not_before", "not_before = \"2026-12-30T00:00:00Z\";"},
		{"approvals", "approvals = { required = 2; approvers = "
			      "[ \"alice.pem\", \"bob.pem\" ]; };"},
		{"required", "required = 2;"},
		{"approvers", "approvers = [ \"alice.pem\", \"bob.pem\" ];"},
		{"certificate", "certificate = \"FILE.pem\";"},
		{"fingerprint", "fingerprint = \"SHA-256 of the certificate, "
				"typed apart from the file\";"},
		{"confirmed", "confirmed = \"by telephone with the DPO, "
			      "2026-11-21\";"},
		{"sources", "sources = ( { name = \"app\"; provider = "
			    "\"sqlite\"; ... } );"},
		{"provider", "provider = \"sqlite\";"},
		{"source", "source = \"app\";"},
		{"ground", "ground = \"Code de commerce, art. L123-22\";"},
		{"until", "until = \"2036-12-31\";"},
		{"signing", "signing = { certificate = \"processor.pem\"; "
			    "key = \"processor.key\"; };"},
		{"trail", "trail = { directory = \"trail\"; "
			  "key = \"trail.key\"; };"},
		{"directory", "directory = \"trail\";"},
		{"key", "key = \"FILE.key\";"},
	};

	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		if (strcmp(examples[i][0], key) == 0)
			return examples[i][1];
	return NULL;
}
