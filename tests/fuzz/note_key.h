/*
 * note_key.h: a signature is a wall that random bytes never pass.  With a key
 * that is no secret the targets sign what they are given, so that the readers
 * behind the wall are reached too.
 */
#ifndef QUIETUS_FUZZ_NOTE_KEY_H
#define QUIETUS_FUZZ_NOTE_KEY_H

#include "certs/trail_parts.h"
#include "tests/fuzz/fuzz.h"

static EVP_PKEY *note_signer;
static struct vkey note_vkey;
static struct buf note_vkey_line;

static void note_key_make(void)
{
	static const unsigned char secret[ED25519_LEN] = "no secret at all";
	unsigned char pub[ED25519_LEN];
	size_t len = sizeof(pub);
	struct err e = ERR_INIT;

	note_signer = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						   secret, sizeof(secret));
	MUST(note_signer != NULL &&
	     EVP_PKEY_get_raw_public_key(note_signer, pub, &len) == 1);
	MUST(vkey_of_public(&note_vkey, pub, &e) == 0);
	buf_init(&note_vkey_line, VKEY_LINE_MAX);
	MUST(vkey_write(&note_vkey_line, &note_vkey) == 0);
}

/* The note of a text, in which "@LOG@" stands for the name of the key. */
static void note_make(struct buf *out, const char *text, size_t len)
{
	struct buf named;
	struct err e = ERR_INIT;

	buf_init(&named, 1 << 20);
	for (size_t i = 0; i < len;) {
		if (len - i >= 5 && memcmp(text + i, "@LOG@", 5) == 0) {
			buf_puts(&named, note_vkey.name);
			i += 5;
		} else {
			buf_putc(&named, (unsigned char)text[i++]);
		}
	}
	MUST(!buf_failed(&named));
	MUST(note_sign(out, buf_str(&named), named.len, &note_vkey, note_signer,
		       &e) == 0);
	buf_release(&named);
}

#endif
