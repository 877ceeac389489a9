/*
 * describe.c: what the bucket says about itself.
 *
 * A subresource that a store does not know may be answered by something else:
 * radosgw 16 answers ?replication with a listing of the bucket.  So "none" is
 * said only after a well-formed answer of the right root element, or the
 * error code that S3 has for "not configured".
 */
#include "providers/s3/s3.h"

#include <stdio.h>
#include <string.h>

enum reply {
	REPLY_UNKNOWN = 0, /* failed in a way that says nothing */
	REPLY_YES,	   /* a document with the right root */
	REPLY_NOT_SET,	   /* S3's own code for "not configured" */
	REPLY_FOREIGN,	   /* the store does not know the subresource */
	REPLY_DENIED
};

struct asked {
	enum reply reply;
	struct xml_doc doc;
	struct buf body;
	char said[100]; /* status and code, for messages */
};

static void asked_init(struct asked *a)
{
	memset(a, 0, sizeof(*a));
	xml_doc_init(&a->doc);
	buf_init(&a->body, HTTP_ANSWER_MAX);
}

static void asked_release(struct asked *a)
{
	xml_doc_release(&a->doc);
	buf_release(&a->body);
}

static void read_reply(struct asked *a, const struct s3_call *c,
		       const char *root, const char *not_set)
{
	const char *code = c->error.code;
	long status = c->http.status;

	snprintf(a->said, sizeof(a->said), "%ld %s", status, code);
	if (s3_call_ok(c)) {
		int rc = xml_doc_read(&a->doc, c->body.data, c->body.len);
		if (rc == 0 && strncmp(a->doc.root, root, strlen(root)) == 0)
			a->reply = REPLY_YES;
		else if (strcmp(a->doc.root, "ListBucketResult") == 0)
			a->reply = REPLY_FOREIGN; /* even if a key broke it */
		else if (rc == 0)
			a->reply = REPLY_FOREIGN;
		snprintf(a->said, sizeof(a->said), "200 with a %.60s",
			 a->doc.root[0] != '\0' ? a->doc.root : "?");
	} else if (c->http.failure != HTTP_ANSWERED) {
		snprintf(a->said, sizeof(a->said), "no answer");
	} else if (not_set != NULL && strcmp(code, not_set) == 0) {
		a->reply = REPLY_NOT_SET;
	} else if (status == 501 || status == 405 ||
		   strcmp(code, "NotImplemented") == 0 ||
		   strcmp(code, "MethodNotAllowed") == 0) {
		a->reply = REPLY_FOREIGN;
	} else if (status == 403) {
		a->reply = REPLY_DENIED;
	}
}

/* GET ?what.  -1 only when nothing more can be asked. */
static int ask(struct s3 *s, struct asked *a, const char *what,
	       const char *root, const char *not_set, struct err *e)
{
	struct s3_call c;
	/* should it be answered with a listing, then with a short one */
	const struct sigv4_pair q[] = {{what, "", 0}, {"max-keys", "1", 1}};
	int rc = -1;

	a->reply = REPLY_UNKNOWN;
	buf_reset(&a->body);
	s3_call_init(&c, s);
	if (s3_call_target(&c, "GET", NULL, 0, q, s->amazon ? 1 : 2) != 0) {
		err_set(e, ERR_FAILED, "out of memory");
		goto out;
	}
	if (s3_call_run(&c, e) != 0)
		goto out;
	if (s3_call_fatal(&c) && s3_call_code(&c) != ERR_UNREACHABLE) {
		s3_call_failed(&c, e, "reading the bucket's configuration");
		goto out;
	}
	read_reply(a, &c, root, not_set);
	buf_put(&a->body, c.body.data, c.body.len);
	rc = 0;
out:
	s3_call_release(&c);
	return rc;
}

/* ---- copies that a configuration makes ---------------------------------- */

/* What is asked for one such class, and what each answer means. */
struct copy {
	enum copy_class cls;
	const char *what, *root, *not_set;
	const char *each; /* path of one configuration */
	const char *permission;
	const char *found;	 /* for the certificate */
	const char *blocker;	 /* its kind */
	const char *destination; /* path of the bucket that gets the copies */
};

static const struct copy copies[] = {
	{CLASS_REPLICA, "replication", "ReplicationConfiguration",
	 "ReplicationConfigurationNotFoundError", "Rule/Status",
	 "s3:GetReplicationConfiguration",
	 "replication to another bucket is configured; a deletion by version "
	 "is never replicated",
	 "replica", "Rule/Destination/Bucket"},
	{CLASS_ARCHIVED_LOG, "logging", "BucketLoggingStatus", NULL,
	 "LoggingEnabled/TargetBucket", "s3:GetBucketLogging",
	 "access logs of this bucket are written to another one; they name "
	 "its keys",
	 "access-log", "LoggingEnabled/TargetBucket"},
	{CLASS_STAGING, "inventory", "ListInventoryConfiguration", NULL,
	 "InventoryConfiguration/Id", "s3:GetInventoryConfiguration",
	 "inventory reports of this bucket are written to another one; they "
	 "name its keys",
	 "inventory",
	 "InventoryConfiguration/Destination/S3BucketDestination/Bucket"},
};

static int found(struct s3 *s, const struct copy *k, struct asked *a,
		 struct description *d, struct err *e)
{
	size_t n = xml_doc_count(&a->doc, k->each);
	const char *to = xml_doc_get(&a->doc, k->destination, 0);
	const char *more = s->follow && k->cls == CLASS_REPLICA
				   ? "; replicas = \"follow\" asks for it, so "
				     "name that bucket as a source of this "
				     "closeout, with the replication removed"
				   : "; end it and name that bucket as a "
				     "source of this closeout";

	if (n == 0) {
		description_class(d, k->cls, PRESENCE_NONE, 0,
				  "asked (%s): none is configured", k->what);
		return 0;
	}
	description_class(d, k->cls, PRESENCE_FOUND, n, "%s", k->found);
	return description_block(
		d, e, k->blocker, n, "bucket %.100s: %s (destination %.120s)%s",
		s->bucket, k->found, to != NULL ? to : "?", more);
}

static int describe_copy(struct s3 *s, const struct copy *k,
			 struct description *d, struct err *e)
{
	struct asked a;
	int rc = -1;

	asked_init(&a);
	if (ask(s, &a, k->what, k->root, k->not_set, e) != 0)
		goto out;
	rc = 0;
	switch (a.reply) {
	case REPLY_YES:
		rc = found(s, k, &a, d, e);
		break;
	case REPLY_NOT_SET:
		description_class(d, k->cls, PRESENCE_NONE, 0,
				  "asked (%s): none is configured", k->what);
		break;
	case REPLY_FOREIGN:
		if (s->amazon)
			description_class(d, k->cls, PRESENCE_UNKNOWN, 0,
					  "?%s was answered with %.60s",
					  k->what, a.said);
		else
			description_class(
				d, k->cls, PRESENCE_IMPOSSIBLE, 0,
				"the store's dialect%s has no %s "
				"configuration: its own answer to the "
				"question was %.60s",
				s->ceph ? " (Ceph)" : "", k->what, a.said);
		break;
	case REPLY_DENIED:
		description_class(d, k->cls, PRESENCE_UNKNOWN, 0,
				  "the credentials may not ask; permission "
				  "%s would settle it",
				  k->permission);
		break;
	default:
		description_class(d, k->cls, PRESENCE_UNKNOWN, 0,
				  "?%s could not be asked (%.60s); run the "
				  "command again",
				  k->what, a.said);
	}
out:
	asked_release(&a);
	return rc;
}

/* ---- facts -------------------------------------------------------------- */

static int describe_versioning(struct s3 *s, struct description *d,
			       struct err *e)
{
	struct asked a;
	int rc = -1;

	asked_init(&a);
	if (ask(s, &a, "versioning", "VersioningConfiguration", NULL, e) != 0)
		goto out;
	if (a.reply != REPLY_YES) {
		description_fact(d, "versioning", "could not be read (%s)",
				 a.said);
		rc = 0;
		goto out;
	}
	const char *status = xml_doc_get(&a.doc, "Status", 0);
	const char *mfa = xml_doc_get(&a.doc, "MfaDelete", 0);
	description_fact(d, "versioning", "%s",
			 status == NULL || status[0] == '\0' ? "never enabled"
			 : strcmp(status, "Enabled") == 0    ? "enabled"
							     : "suspended");
	if (mfa != NULL && strcmp(mfa, "Enabled") == 0) {
		description_fact(d, "mfa-delete", "enabled");
		if (description_block(
			    d, e, "mfa-delete", 1,
			    "bucket %.100s: MFA delete is enabled, so no "
			    "version can be deleted without the root "
			    "account's device; switch it off for the closeout",
			    s->bucket) != 0)
			goto out;
	}
	rc = 0;
out:
	asked_release(&a);
	return rc;
}

/* A question whose answer is only a fact. */
static int describe_fact(struct s3 *s, struct description *d, const char *what,
			 const char *root, const char *not_set,
			 const char *each, struct err *e)
{
	struct asked a;

	asked_init(&a);
	int rc = ask(s, &a, what, root, not_set, e);
	if (rc == 0 && a.reply == REPLY_NOT_SET)
		description_fact(d, what, "none");
	else if (rc == 0 && a.reply == REPLY_YES)
		description_fact(d, what, "%zu rules",
				 xml_doc_count(&a.doc, each));
	else if (rc == 0)
		description_fact(d, what, "could not be read (%s)", a.said);
	asked_release(&a);
	return rc;
}

/* A policy is JSON: only whether there is one is said. */
static int describe_policy(struct s3 *s, struct description *d, struct err *e)
{
	struct asked a;

	asked_init(&a);
	int rc = ask(s, &a, "policy", "Policy", "NoSuchBucketPolicy", e);
	if (rc == 0 && a.reply == REPLY_NOT_SET)
		description_fact(d, "policy", "none");
	else if (rc == 0 && a.body.len != 0 && a.body.data[0] == '{')
		description_fact(d, "policy", "set");
	else if (rc == 0)
		description_fact(d, "policy", "could not be read (%s)", a.said);
	asked_release(&a);
	return rc;
}

static int describe_account(struct s3 *s, struct description *d, struct err *e)
{
	struct asked a;

	asked_init(&a);
	int rc = ask(s, &a, "acl", "AccessControlPolicy", NULL, e);
	const char *id = a.reply == REPLY_YES
				 ? xml_doc_get(&a.doc, "Owner/ID", 0)
				 : NULL;
	if (rc == 0 && id != NULL && id[0] != '\0')
		description_fact(d, "account", "%.100s", id);
	asked_release(&a);
	return rc;
}

static int describe_lock(struct s3 *s, struct description *d, struct err *e)
{
	if (s3_lock_known(s, e) != 0)
		return -1;
	description_fact(
		d, "object-lock", "%s%s",
		s->lock == S3_YES ? "enabled, or not readable" : "not enabled",
		s->lock == S3_YES && s->bypass ? "; governance mode is bypassed"
					       : "");
	return 0;
}

int s3_describe(void *handle, enum phase phase, struct description *d,
		struct err *e)
{
	struct s3 *s = handle;

	(void)phase; /* the same questions, before and after */
	if (s3_ready(s, e) != 0)
		return -1;
	description_fact(d, "host", "%s",
			 s->host_name != NULL ? s->host_name
			 : s->amazon	      ? "Amazon Web Services"
					      : s->endpoint);
	description_fact(d, "endpoint", "%s://%s", s->scheme, s->endpoint);
	description_fact(d, "region", "%s", s->region);
	description_fact(d, "credentials", "%s", s->credentials.from);
	if (s->server[0] != '\0' || s->ceph)
		description_fact(d, "engine", "%s",
				 s->server[0] != '\0' ? s->server
						      : "Ceph Object Gateway");
	description_class(d, CLASS_CURRENT, PRESENCE_ITEMS, 0,
			  "listed with their versions");
	description_class(d, CLASS_NONCURRENT, PRESENCE_ITEMS, 0,
			  "listed whatever the versioning status says");
	description_class(d, CLASS_DELETE_MARKER, PRESENCE_ITEMS, 0,
			  "listed with the versions");
	description_class(d, CLASS_UNFINISHED_UPLOAD, PRESENCE_ITEMS, 0,
			  "listed by themselves");
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		if (describe_copy(s, &copies[i], d, e) != 0)
			return -1;
	if (describe_account(s, d, e) != 0 ||
	    describe_versioning(s, d, e) != 0 || describe_lock(s, d, e) != 0 ||
	    describe_fact(s, d, "lifecycle", "LifecycleConfiguration",
			  "NoSuchLifecycleConfiguration", "Rule/Status",
			  e) != 0 ||
	    describe_policy(s, d, e) != 0)
		return -1;
	if (s->witness &&
	    description_block(d, e, "witness", 1,
			      "a witness is asked for, which this version "
			      "does not have: remove `witness`") != 0)
		return -1;
	snprintf(d->found, sizeof(d->found), "%s", buf_str(&s->prefix));
	snprintf(d->method, sizeof(d->method),
		 "Each object version and delete marker deleted by its version "
		 "id, each unfinished upload aborted, through the S3 "
		 "interface; absence asked for by listing again. Logical "
		 "deletion, no media sanitization claimed.");
	snprintf(d->limits, sizeof(d->limits),
		 "What the S3 interface does not show cannot be known: the "
		 "host's media, backups and internal copies%s, replicas and "
		 "reports made under a configuration since removed, and "
		 "copies that others made.",
		 s->amazon ? "" : ", replication below the interface");
	return 0;
}
