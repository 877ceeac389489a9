/*
 * s3.h: the S3 provider's own parts, shared by its files only.
 *
 *	provider.c   the vtable, open and close, scope of a key
 *	settings.c   the closeout file's keys, the endpoint
 *	credentials.c, profile.c, metadata.c   where credentials come from
 *	call.c       one signed request, errors, region redirects
 *	page.c       one page of a listing, read as it arrives
 *	walk.c       listing key ranges, many at once; split.c where to cut
 *	lock.c       retention and legal hold of one version
 *	lookup.c     finding known items by listing
 *	destroy.c    batches, single deletes, aborted uploads
 *	absent.c     check_absent
 *	describe.c   what the bucket says about itself
 *	bystanders.c what lies beside the prefix
 */
#ifndef QUIETUS_S3_H
#define QUIETUS_S3_H

#include "providers/http/http.h"
#include "providers/http/sigv4.h"
#include "providers/http/xml.h"
#include "providers/provider.h"

#define S3_KEY_MAX 1024
#define S3_VERSION_MAX 1024
#define S3_PAGE 1000 /* entries of a page, items of a batch: S3's maximum */

/* ---- credentials -------------------------------------------------------- */

struct s3_credentials {
	struct buf key_id;
	struct buf secret; /* wiped, like the token */
	struct buf token;
	char from[80];	 /* where they were found, for facts and messages */
	int64_t expires; /* 0: not known */
	bool renewable;	 /* a metadata service gives new ones */
};

/* What a profile says besides credentials. */
struct s3_profile {
	char region[64];
	char endpoint[512];
	char ca_file[512];
};

void s3_credentials_init(struct s3_credentials *c);
void s3_credentials_release(struct s3_credentials *c);

/* Walks the chain: the profile named in the closeout file (wanted, then
 * nothing else counts), the environment, the profile AWS_PROFILE or
 * "default", the container's service, the instance's service.  ERR_AUTH when
 * none has any, naming what was tried. */
int s3_credentials_find(struct s3_credentials *c, const char *wanted,
			const volatile sig_atomic_t *stop, struct err *e);

/* Reads a profile from the shared files.  0 and empty fields when it is not
 * there; ERR_AUTH when it needs something that is not spoken here (an assumed
 * role, single sign-on, a credential process). */
int s3_profile_read(struct s3_credentials *c, struct s3_profile *p,
		    const char *name, struct err *e);

/* Asks the container's or the instance's metadata service.  0 also when there
 * is none: then key_id is empty. */
int s3_metadata_read(struct s3_credentials *c,
		     const volatile sig_atomic_t *stop, struct err *e);

/* ---- the open source ---------------------------------------------------- */

struct s3_prefix {
	struct buf text;
	uint32_t rule; /* of a retention: its number from 1 */
};

enum s3_tristate { S3_UNKNOWN = 0, S3_NO, S3_YES };

struct s3 {
	const struct scope *scope;
	const char *bucket;
	const char *profile;
	const char *host_name; /* the setting `host`: who runs the store */
	struct buf prefix;
	bool bypass;
	bool follow;
	bool witness;
	bool insecure;
	struct s3_prefix *excluded, *retained;
	size_t n_excluded, n_retained;

	char scheme[8];
	char endpoint[256];  /* host and port without the bucket */
	char authority[330]; /* what requests name as host */
	char base[1100];     /* encoded path in front of the key */
	char region[64];
	bool path_style;
	bool amazon; /* an address of Amazon's own */
	char ca_file[512];
	char server[64]; /* the Server header of the first answer */
	bool ceph;

	struct http *http;
	struct s3_credentials credentials;
	struct sigv4 *signer;
	struct sha *sha;
	enum s3_tristate lock; /* Object Lock is enabled on the bucket */
};

/* settings.c */
extern const struct setting_spec s3_settings[];
int s3_settings_read(struct s3 *s, const struct scope *scope, struct err *e);
/* Sets authority and base from endpoint, bucket and addressing. */
void s3_address(struct s3 *s);

/* True when a key belongs to the source: inside the prefix, not excluded. */
bool s3_in_scope(const struct s3 *s, const unsigned char *key, size_t len);
/* The retention rule of a key, from 1, or 0. */
uint32_t s3_retention(const struct s3 *s, const unsigned char *key, size_t len);

/* memcmp order of two byte strings. */
int s3_compare(const void *a, size_t a_len, const void *b, size_t b_len);
bool s3_begins(const void *key, size_t len, const struct buf *prefix);
bool s3_utf8(const unsigned char *p, size_t len);

/* ---- one request -------------------------------------------------------- */

struct s3_error {
	char code[64];
	char message[200];
	char region[64];
	char endpoint[256];
};

struct s3_call {
	struct http_call http;
	struct s3 *s3;
	struct buf url, path, query;
	const char *md5;   /* Content-MD5, for a batch */
	char body_sha[65]; /* of http.body */
	bool bypass;	   /* of governance mode */
	bool echoes;	   /* the answer repeats keys: see xml_lenient */
	bool lenient;	   /* set after an answer that could not be read */
	/* Reading the body of a 200 as XML; without, it is collected. */
	struct xml *xml;
	xml_fn *element;
	void *element_arg;
	/* Before each try: forget what element stored, make the body. */
	int (*begin)(struct s3_call *c);
	void (*done)(struct s3_call *c);
	void *arg;
	/* The answer. */
	struct buf body;       /* of s3_call_run, without xml */
	struct s3_error error; /* code "" when there is none */
	bool error_root;       /* a 200 whose root is <Error> */
};

void s3_call_init(struct s3_call *c, struct s3 *s);
void s3_call_release(struct s3_call *c);
/* Sets method and URL: key NULL for the bucket itself. */
int s3_call_target(struct s3_call *c, const char *method, const void *key,
		   size_t key_len, const struct sigv4_pair *query, size_t n);
/* Queues it. */
void s3_call_send(struct s3_call *c);
/* Sends it alone and waits. */
int s3_call_run(struct s3_call *c, struct err *e);
/* True for a 2xx that was understood. */
bool s3_call_ok(const struct s3_call *c);
/* Says what went wrong: "what: the store answered ...: what to do". */
int s3_call_failed(const struct s3_call *c, struct err *e, const char *what);
/* The code that such a failure has. */
enum err_code s3_call_code(const struct s3_call *c);
/* True when the failure ends the whole run (credentials, no connection). */
bool s3_call_fatal(const struct s3_call *c);

/* Before a series of requests: renews credentials that are about to expire. */
int s3_ready(struct s3 *s, struct err *e);
/* Makes the signer from credentials and region. */
int s3_signer(struct s3 *s, struct err *e);

/* ---- listings ----------------------------------------------------------- */

struct s3_entry {
	uint32_t key, version; /* offsets into the page's text */
	uint16_t key_len, version_len;
	char kind; /* 'v' 'm' 'u' */
	bool latest;
	bool held;
	uint64_t size;
	int64_t modified;
	int64_t locked_until;
	unsigned char digest[SHA_LEN];
};

struct s3_page {
	char want; /* 'v': versions and markers; 'u': uploads */
	struct buf text;
	struct s3_entry *entries;
	size_t n, room;
	bool truncated, truncated_seen, encoded;
	char next_key[3 * S3_KEY_MAX + 1];
	char owner[80];
	const struct xml *xml; /* that feeds it, borrowed like sha */
	struct sha *sha;
	/* while reading */
	struct s3_entry *now;
	unsigned seen;
	char etag[160], modified[48];
};

void s3_page_init(struct s3_page *p, char want, struct sha *sha);
void s3_page_release(struct s3_page *p);
void s3_page_reset(struct s3_page *p);
xml_fn s3_page_element;
/* After the last byte: decodes names.  -1 with a reason when the page is not
 * a whole listing. */
int s3_page_finish(struct s3_page *p, const char **why);
static inline const unsigned char *s3_key(const struct s3_page *p,
					  const struct s3_entry *n)
{
	return p->text.data + n->key;
}
static inline const unsigned char *s3_version(const struct s3_page *p,
					      const struct s3_entry *n)
{
	return p->text.data + n->version;
}

/* A run of keys: after `from`, up to and including `to`. */
struct s3_range {
	unsigned char from[S3_KEY_MAX + 1];
	size_t from_len; /* 0: from the beginning */
	unsigned char to[S3_KEY_MAX + 1];
	size_t to_len;
	bool has_to;
	const unsigned char *prefix; /* given to the store; outlives the walk */
	size_t prefix_len;
	unsigned pages; /* at most so many; 0: no limit */
	void *arg;	/* for the callbacks */
};

struct s3_walk {
	struct s3 *s3;
	char want;
	bool split; /* cut ranges where that helps */
	bool locks; /* look retention and holds up */
	/* Fills the next range; false when there is none left. */
	bool (*next)(struct s3_walk *w, struct s3_range *r);
	/* One entry inside its range. */
	int (*entry)(struct s3_walk *w, void *range_arg,
		     const struct s3_page *p, const struct s3_entry *n,
		     struct err *e);
	/* A range ends.  When its page limit cut it, reached is the last key
	 * of which every version was seen, else NULL.  May be NULL. */
	void (*ended)(struct s3_walk *w, void *range_arg, bool cut,
		      const unsigned char *reached, size_t len);
	void *arg;
	uint64_t pages_read;
	bool enough; /* entry sets it to end the walk early, with success */
};

/* Lists all ranges.  0 only when every range was listed to its end (or
 * enough was set). */
int s3_walk(struct s3_walk *w, struct err *e);

/* A key somewhere between from and to (to_len 0 and has_to false: open end),
 * valid UTF-8, or -1 when there is none worth trying. */
int s3_split_key(unsigned char *out, size_t *len, const struct s3_range *r,
		 const unsigned char *from, size_t from_len);
/* How much of the space between two keys lies between two others, roughly;
 * skip bytes at the front are the same in all. */
double s3_split_width(const unsigned char *from, size_t from_len,
		      const unsigned char *to, size_t to_len, bool has_to,
		      size_t skip);

/* A key shortly before key: no key that matters lies between. */
size_t s3_key_before(unsigned char out[S3_KEY_MAX + 1],
		     const unsigned char *key, size_t len);

/* ---- items -------------------------------------------------------------- */

/* Appends the id of an entry. */
int s3_id(struct buf *out, const unsigned char *key, size_t key_len, char kind,
	  const unsigned char *version, size_t version_len);

struct s3_name {
	const unsigned char *key;
	size_t key_len;
	char kind;
	const unsigned char *version;
	size_t version_len;
};
/* Takes an id apart; -1 when it is none. */
int s3_name(struct s3_name *out, const unsigned char *id, size_t len);

/* lock.c: retention and legal hold of a version, asynchronously.  done gets
 * the lock; failed is set when neither call was answered. */
struct s3_lock {
	struct s3_call call;
	struct s3_name name; /* outlives it */
	int step;
	bool by_head;
	int64_t until;
	bool held;
	bool gone;
	bool failed;
	bool governance;
	char mode[16];
	void (*done)(struct s3_lock *l);
	void *arg;
};
int s3_lock_send(struct s3_lock *l, struct s3 *s, const struct s3_name *name,
		 void (*done)(struct s3_lock *l), void *arg);
void s3_lock_release(struct s3_lock *l);
/* Learns whether the bucket has Object Lock. */
int s3_lock_known(struct s3 *s, struct err *e);

/* lookup.c: what a listing says of known items. */
enum s3_found { S3_NOT_ASKED = 0, S3_ABSENT, S3_SAME, S3_OTHER };
/* found[i] for items[order[i]]; order ascends by id. */
int s3_lookup(struct s3 *s, const struct item *items, const uint32_t *order,
	      size_t n, enum s3_found *found, struct err *e);

/* the slots */
int s3_enumerate(void *handle, item_fn *fn, void *arg, struct err *e);
int s3_destroy(void *handle, const struct item *items, size_t n,
	       struct outcome *out, struct bystanders *by, struct err *e);
int s3_check_absent(void *handle, const struct item *items, size_t n,
		    enum answer *out, struct err *e);
int s3_describe(void *handle, enum phase phase, struct description *d,
		struct err *e);
int s3_bystanders(void *handle, uint64_t exact, uint64_t sampled, bool *all,
		  item_fn *fn, void *arg, struct err *e);

#endif
