/*
 * keys.h: keys, certificates, files and commands for tests of evidence.
 *
 * Everything lies in one temporary folder, made by keys_start() and removed
 * by keys_stop().
 */
#ifndef QUIETUS_TEST_KEYS_H
#define QUIETUS_TEST_KEYS_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "certs/base/buf.h"
#include "certs/base/err.h"
#include "certs/base/file.h"

#define KEYS_DAY (24 * 60 * 60L)

static char keys_dir[200];

static void __attribute__((unused)) keys_start(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(keys_dir, sizeof(keys_dir), "%s/quietus-test-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(keys_dir) == NULL) {
		perror(keys_dir);
		exit(2);
	}
}

static void __attribute__((unused)) keys_stop(void)
{
	struct err e = ERR_INIT;
	file_shred_tree(keys_dir, &e);
}

/* dir/name; eight results stay valid. */
static const char *__attribute__((unused)) keys_path(const char *fmt, ...)
{
	static char ring[8][400];
	static unsigned at;
	char name[160];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	char *out = ring[at++ % 8];
	snprintf(out, 400, "%s/%s", keys_dir, name);
	return out;
}

static void __attribute__((unused))
keys_put(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");
	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(2);
	}
}

static void __attribute__((unused)) keys_get(struct buf *out, const char *path)
{
	struct err e = ERR_INIT;
	if (file_read(out, path, &e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		exit(2);
	}
}

/* A key of one of: p256 p384 p521 rsa rsa1024 ed25519. */
static EVP_PKEY *__attribute__((unused)) keys_make(const char *kind)
{
	if (strcmp(kind, "p256") == 0)
		return EVP_EC_gen("P-256");
	if (strcmp(kind, "p384") == 0)
		return EVP_EC_gen("P-384");
	if (strcmp(kind, "p521") == 0)
		return EVP_EC_gen("P-521");
	if (strcmp(kind, "rsa") == 0)
		return EVP_RSA_gen(2048);
	if (strcmp(kind, "rsa1024") == 0)
		return EVP_RSA_gen(1024);
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static void keys_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

static EVP_PKEY *keys_read_key(const char *name)
{
	FILE *f = fopen(keys_path("%s.key", name), "rb");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (f != NULL)
		fclose(f);
	return key;
}

static X509 *keys_read_cert(const char *name)
{
	FILE *f = fopen(keys_path("%s.pem", name), "rb");
	X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	if (f != NULL)
		fclose(f);
	return x;
}

/* NAME.pem and NAME.key: a certificate for a fresh key, self-signed or by
 * issuer (another name), valid from `from` to `until` seconds from now. */
static void __attribute__((unused))
keys_cert(const char *name, const char *kind, const char *issuer, long from,
	  long until)
{
	static long serial = 1000;
	EVP_PKEY *key = keys_make(kind);
	EVP_PKEY *by = issuer ? keys_read_key(issuer) : key;
	X509 *x = X509_new();
	X509 *parent = issuer ? keys_read_cert(issuer) : x;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), from);
	X509_gmtime_adj(X509_getm_notAfter(x), until);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
				   MBSTRING_UTF8, (const unsigned char *)name,
				   -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(parent));
	bool ca = strncmp(name, "ca", 2) == 0;
	keys_extension(x, parent, NID_basic_constraints,
		       ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	keys_extension(x, parent, NID_subject_key_identifier, "hash");
	bool edwards = EVP_PKEY_get_base_id(by) == EVP_PKEY_ED25519;
	X509_sign(x, by, edwards ? NULL : EVP_sha256());

	FILE *f = fopen(keys_path("%s.pem", name), "wb");
	PEM_write_X509(f, x);
	fclose(f);
	f = fopen(keys_path("%s.key", name), "wb");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	if (issuer != NULL) {
		X509_free(parent);
		EVP_PKEY_free(by);
	}
	X509_free(x);
	EVP_PKEY_free(key);
}

/* Runs a program found on PATH; its exit status.  Output goes to OUT in the
 * folder, or nowhere. */
static int __attribute__((unused)) keys_run(const char *out, ...)
{
	char *argv[64];
	size_t n = 0;
	va_list ap;
	va_start(ap, out);
	while (n < 63 && (argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	va_end(ap);
	argv[n] = NULL;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(out != NULL ? keys_path("%s", out) : "/dev/null",
			      O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#endif
