#include "tools/quietus/closeout_private.h"

#include <string.h>

#include "certs/base/clock.h"
#include "certs/base/file.h"
#include "certs/cert.h"
#include "certs/sign.h"

#define KEY_MAX (64 * 1024) /* bytes of a key file, as in certs/sign.c */

/* Valid now, and of a kind of key that can sign. */
static int check_certificate(const struct setting *at, const char *whose,
			     const char *path, struct err *e)
{
	int rc = 0;
	int64_t from, until, now = clock_now();
	char date[CLOCK_TEXT];
	struct cert *cert = NULL;
	struct err why = ERR_INIT;

	if (cert_read(&cert, path, &why) != 0)
		return setting_refuse(at, e,
				      "%s certificate %s is not a certificate "
				      "that can be read: %s",
				      whose, path, why.msg);
	cert_validity(&from, &until, cert);
	clock_text(date, now < from ? from : until);
	if (now < from)
		rc = setting_refuse(at, e,
				    "%s certificate %s is not valid before "
				    "%s: name one that is, or plan then",
				    whose, path, date);
	else if (now > until)
		rc = setting_refuse(at, e,
				    "%s certificate %s expired on %s, and what "
				    "it signs would be refused: name one that "
				    "is valid",
				    whose, path, date);
	else if (key_allowed(X509_get0_pubkey(cert_x509(cert)), path, ERR_USAGE,
			     &why) != 0)
		rc = setting_refuse(at, e, "%s certificate cannot sign: %s",
				    whose, why.msg);
	cert_free(cert);
	return rc;
}

/* An encrypted key is left to the command that signs: nobody is asked for a
 * passphrase here. */
static int check_pair(const struct closeout *c, const struct setting *at,
		      struct err *e)
{
	int rc = 0;
	struct buf pem;
	struct err why = ERR_INIT;
	struct signer *s = NULL;

	buf_init_secret(&pem, KEY_MAX);
	if (file_read(&pem, c->signing_key, &why) != 0)
		rc = setting_refuse(at, e, "the signing key: %s", why.msg);
	else if (strstr(buf_str(&pem), "ENCRYPTED") == NULL &&
		 signer_open(&s, c->signing_certificate, c->signing_key, -1,
			     &why) != 0)
		rc = setting_refuse(at, e,
				    "nothing could be signed with this key and "
				    "certificate: %s",
				    why.msg);
	signer_free(s);
	buf_release(&pem);
	return rc;
}

int closeout_check_keys(const struct closeout *c, struct err *e)
{
	/* pub is the first member */
	const struct closeout_state *st = (const struct closeout_state *)c;
	const struct setting *signing = setting_get(&st->root, "signing");
	const struct setting *approvers = setting_get(
		setting_get(setting_get(&st->root, "closeout"), "approvals"),
		"approvers");

	if (check_certificate(setting_get(signing, "certificate"),
			      "the signing", c->signing_certificate, e) != 0)
		return -1;
	for (size_t i = 0; i < c->n_approvers; i++)
		if (check_certificate(&approvers->members[i], "the approver's",
				      c->approvers[i], e) != 0)
			return -1;
	return check_pair(c, setting_get(signing, "key"), e);
}
