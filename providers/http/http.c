/*
 * The loop.  A call is in one of three places: in `queue` (new, or waiting
 * for its next try), in a slot (in flight), or done.
 *
 *	send ──► queue ──► slot ──► judge ──► done
 *	           ▲                  │
 *	           └── again, slower ─┘
 *
 * Concurrency follows TCP's rule: `limit` grows by one for each round of
 * answers and is halved when the store says "slow down", at most once per
 * round, because one burst of refusals is one piece of news.
 */
#include "providers/http/http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <openssl/rand.h>

#include "certs/base/clock.h"

#define START_LIMIT 8.0
#define ROUND_MIN 0.25 /* seconds between two halvings */
#define POLL_MS 200    /* how late the stop flag may be noticed */
#define GRACE 15.0     /* seconds for answers once told to stop */

struct slot {
	CURL *easy;
	struct http *pool;
	struct http_call *call; /* NULL: idle */
	char error[CURL_ERROR_SIZE];
};

struct http {
	struct http_options o;
	char *ca_file;
	CURLM *multi;
	struct slot *slots;
	unsigned in_flight;
	double limit;
	double halved_at;
	bool cancelled;
	struct http_call *queue, **queue_end;
	unsigned queued;
	uint32_t random;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_rc;

static void global_start(void)
{
	global_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_options_init(struct http_options *o)
{
	memset(o, 0, sizeof(*o));
	o->connections = 32;
	o->tries = 9;
	o->backoff_ms = 100;
	o->backoff_max_ms = 20000;
	o->connect_ms = 10000;
	o->silence_s = 60;
}

struct http *http_new(const struct http_options *o, struct err *e)
{
	struct http *h = NULL;

	pthread_once(&once, global_start);
	if (global_rc != CURLE_OK) {
		err_set(e, ERR_FAILED, "starting libcurl: %s",
			curl_easy_strerror(global_rc));
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		goto memory;
	h->o = *o;
	h->queue_end = &h->queue;
	h->limit = o->connections < START_LIMIT ? o->connections : START_LIMIT;
	if (RAND_bytes((unsigned char *)&h->random, sizeof(h->random)) != 1)
		h->random = 1;
	h->random |= 1;
	h->slots = calloc(o->connections, sizeof(*h->slots));
	h->multi = curl_multi_init();
	if (o->ca_file != NULL)
		h->ca_file = strdup(o->ca_file);
	if (h->slots == NULL || h->multi == NULL ||
	    (o->ca_file != NULL && h->ca_file == NULL))
		goto memory;
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)o->connections);
	return h;
memory:
	err_set(e, ERR_FAILED, "out of memory");
	http_free(h);
	return NULL;
}

static void call_release(struct http_call *c)
{
	curl_slist_free_all(c->list);
	c->list = NULL;
	buf_release(&c->headers);
	buf_release(&c->answer);
}

void http_free(struct http *h)
{
	if (h == NULL)
		return;
	for (unsigned i = 0; h->slots != NULL && i < h->o.connections; i++) {
		struct slot *s = &h->slots[i];
		if (s->easy == NULL)
			continue;
		if (s->call != NULL) {
			curl_multi_remove_handle(h->multi, s->easy);
			call_release(s->call);
		}
		curl_easy_cleanup(s->easy);
	}
	for (struct http_call *c = h->queue; c != NULL; c = c->next)
		call_release(c);
	curl_multi_cleanup(h->multi);
	free(h->slots);
	free(h->ca_file);
	free(h);
}

/* ---- the queue ---------------------------------------------------------- */

static void enqueue(struct http *h, struct http_call *c)
{
	c->next = NULL;
	*h->queue_end = c;
	h->queue_end = &c->next;
	h->queued++;
}

void http_send(struct http *h, struct http_call *c)
{
	buf_init(&c->headers, HTTP_HEADERS_MAX);
	buf_init(&c->answer, HTTP_ANSWER_MAX);
	c->list = NULL;
	c->not_before = 0;
	c->tried = 0;
	c->failure = HTTP_ANSWERED;
	c->status = 0;
	c->broken = false;
	c->why[0] = '\0';
	enqueue(h, c);
}

unsigned http_room(const struct http *h)
{
	unsigned busy = h->in_flight + h->queued;
	return (unsigned)h->limit > busy ? (unsigned)h->limit - busy : 0;
}

/* Takes the first call that may begin now; *wait becomes the time until the
 * earliest that may not. */
static struct http_call *dequeue(struct http *h, double now, double *wait)
{
	struct http_call **at = &h->queue;

	while (*at != NULL) {
		struct http_call *c = *at;
		if (c->not_before <= now) {
			*at = c->next;
			if (h->queue_end == &c->next)
				h->queue_end = at;
			c->next = NULL;
			h->queued--;
			return c;
		}
		if (c->not_before - now < *wait)
			*wait = c->not_before - now;
		at = &c->next;
	}
	return NULL;
}

static void finish(struct http_call *c)
{
	/* done may free the call: what is ours is taken out first */
	void *list = c->list;
	struct buf headers = c->headers, answer = c->answer;

	c->list = NULL;
	c->done(c);
	curl_slist_free_all(list);
	buf_release(&headers);
	buf_release(&answer);
}

static void end_with(struct http_call *c, enum http_failure f, const char *why)
{
	c->failure = f;
	c->status = 0;
	if (why != NULL)
		snprintf(c->why, sizeof(c->why), "%s", why);
	finish(c);
}

/* ---- one try ------------------------------------------------------------ */

static bool stopping(const struct http *h)
{
	return h->cancelled || (h->o.stop != NULL && *h->o.stop != 0);
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
	struct slot *s = arg;
	struct http_call *c = s->call;

	(void)one;
	if (n >= 5 && memcmp(data, "HTTP/", 5) == 0)
		buf_reset(&c->headers); /* the final answer after a 100 */
	size_t len = n;
	while (len > 0 && (data[len - 1] == '\r' || data[len - 1] == '\n'))
		len--;
	if (memchr(data, '\0', len) != NULL ||
	    buf_put(&c->headers, data, len) != 0 ||
	    buf_putc(&c->headers, '\0') != 0) {
		c->failure = HTTP_TOO_LARGE;
		return 0;
	}
	return n;
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct slot *s = arg;
	struct http_call *c = s->call;
	long status = 0;

	(void)one;
	if (c->sink != NULL) {
		curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
		if (status == 200) {
			if (c->sink(c, data, n) != 0) {
				c->broken = true;
				return 0;
			}
			return n;
		}
	}
	if (buf_put(&c->answer, data, n) != 0) {
		c->failure = HTTP_TOO_LARGE;
		return 0;
	}
	return n;
}

int http_header(struct http_call *c, const char *name, const char *value)
{
	struct buf line;
	int rc = -1;

	buf_init(&line, HTTP_HEADERS_MAX);
	buf_puts(&line, name);
	/* libcurl sends an empty header only when it ends with ";" */
	buf_puts(&line, value[0] != '\0' ? ": " : ";");
	buf_puts(&line, value);
	if (!buf_failed(&line) && strpbrk(value, "\r\n") == NULL) {
		void *more = curl_slist_append(c->list, buf_str(&line));
		if (more != NULL) {
			c->list = more;
			rc = 0;
		}
	}
	buf_release(&line);
	return rc;
}

static bool plain_ok(const struct http *h, const struct http_call *c)
{
	struct http_url u;
	const char *why;
	char bare[320];

	if (strncmp(c->url, "https://", 8) == 0)
		return true;
	if (strncmp(c->url, "http://", 7) != 0)
		return false;
	if (h->o.insecure || c->plain_allowed)
		return true;
	size_t n = 7 + strcspn(c->url + 7, "/?#");
	if (n >= sizeof(bare))
		return false;
	memcpy(bare, c->url, n);
	bare[n] = '\0';
	return http_url_split(&u, bare, &why) == 0 && u.loopback;
}

static int slot_options(struct http *h, struct slot *s)
{
	CURL *z = s->easy;
	int bad = 0;

	bad |= curl_easy_setopt(z, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(z, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(z, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(z, CURLOPT_HTTP_VERSION,
				(long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(z, CURLOPT_SSLVERSION,
				(long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(z, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= curl_easy_setopt(z, CURLOPT_SSL_VERIFYHOST, 2L);
	bad |= curl_easy_setopt(z, CURLOPT_PATH_AS_IS, 1L);
	bad |= curl_easy_setopt(z, CURLOPT_HTTP09_ALLOWED, 0L);
	bad |= curl_easy_setopt(z, CURLOPT_CONNECTTIMEOUT_MS,
				(long)h->o.connect_ms);
	bad |= curl_easy_setopt(z, CURLOPT_LOW_SPEED_LIMIT, 1L);
	bad |= curl_easy_setopt(z, CURLOPT_LOW_SPEED_TIME,
				(long)h->o.silence_s);
	bad |= curl_easy_setopt(z, CURLOPT_BUFFERSIZE, 65536L);
	bad |= curl_easy_setopt(z, CURLOPT_TCP_NODELAY, 1L);
	bad |= curl_easy_setopt(z, CURLOPT_ERRORBUFFER, s->error);
	bad |= curl_easy_setopt(z, CURLOPT_HEADERFUNCTION, on_header);
	bad |= curl_easy_setopt(z, CURLOPT_HEADERDATA, s);
	bad |= curl_easy_setopt(z, CURLOPT_WRITEFUNCTION, on_body);
	bad |= curl_easy_setopt(z, CURLOPT_WRITEDATA, s);
	if (h->ca_file != NULL)
		bad |= curl_easy_setopt(z, CURLOPT_CAINFO, h->ca_file);
	return bad == 0 ? 0 : -1;
}

static int call_options(CURL *z, struct http_call *c)
{
	int bad = 0;

	bad |= curl_easy_setopt(z, CURLOPT_URL, c->url);
	/* a proxy would see a plain request whole */
	bool plain = strncmp(c->url, "http://", 7) == 0;
	bad |= curl_easy_setopt(z, CURLOPT_PROXY, plain ? "" : NULL);
	bad |= curl_easy_setopt(z, CURLOPT_HTTPHEADER, c->list);
	bad |= curl_easy_setopt(z, CURLOPT_HTTPGET, 1L);
	bad |= curl_easy_setopt(z, CURLOPT_CUSTOMREQUEST, NULL);
	if (strcmp(c->method, "HEAD") == 0) {
		bad |= curl_easy_setopt(z, CURLOPT_NOBODY, 1L);
	} else if (strcmp(c->method, "POST") == 0) {
		bad |= curl_easy_setopt(z, CURLOPT_POSTFIELDS,
					c->body_len != 0 ? c->body : "");
		bad |= curl_easy_setopt(z, CURLOPT_POSTFIELDSIZE_LARGE,
					(curl_off_t)c->body_len);
		bad |= curl_easy_setopt(z, CURLOPT_POST, 1L);
	} else if (strcmp(c->method, "GET") != 0) {
		/* DELETE, and PUT without a body (metadata tokens) */
		bad |= curl_easy_setopt(z, CURLOPT_CUSTOMREQUEST, c->method);
	}
	return bad == 0 ? 0 : -1;
}

static struct slot *idle_slot(struct http *h)
{
	for (unsigned i = 0; i < h->o.connections; i++)
		if (h->slots[i].call == NULL)
			return &h->slots[i];
	return NULL;
}

/* Begins a try of c, or ends the call. */
static void begin(struct http *h, struct http_call *c)
{
	struct slot *s = idle_slot(h);

	buf_reset(&c->headers);
	buf_reset(&c->answer);
	curl_slist_free_all(c->list);
	c->list = NULL;
	c->broken = false;
	c->failure = HTTP_ANSWERED;
	c->status = 0;
	if (!plain_ok(h, c)) {
		end_with(c, HTTP_REFUSED,
			 "plain HTTP to a host that is not this machine");
		return;
	}
	if (c->prepare != NULL && c->prepare(c) != 0) {
		end_with(c, HTTP_REFUSED,
			 c->why[0] != '\0' ? NULL : "not sent");
		return;
	}
	if (http_header(c, "Accept", "*/*") != 0 ||
	    http_header(c, "User-Agent", "quietus/" QUIETUS_VERSION) != 0) {
		end_with(c, HTTP_REFUSED, "out of memory");
		return;
	}
	/* "Expect: 100-continue" costs a round trip */
	void *list = curl_slist_append(c->list, "Expect:");
	if (list != NULL)
		c->list = list;
	if (s->easy == NULL) {
		s->pool = h;
		s->easy = curl_easy_init();
		if (s->easy == NULL || slot_options(h, s) != 0) {
			curl_easy_cleanup(s->easy);
			s->easy = NULL;
			end_with(c, HTTP_REFUSED, "libcurl refused an option");
			return;
		}
	}
	s->error[0] = '\0';
	s->call = c;
	if (call_options(s->easy, c) != 0 ||
	    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s) != CURLE_OK ||
	    curl_multi_add_handle(h->multi, s->easy) != CURLM_OK) {
		s->call = NULL;
		end_with(c, HTTP_REFUSED, "libcurl refused the request");
		return;
	}
	c->tried++;
	h->in_flight++;
}

/* ---- after a try -------------------------------------------------------- */

const char *http_answer_header(const struct http_call *c, const char *name)
{
	const char *p = buf_str(&c->headers);
	const char *end = p + c->headers.len;
	size_t n = strlen(name);

	for (; p < end; p += strlen(p) + 1) {
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1;
		return p + strspn(p, " \t");
	}
	return "";
}

enum http_next http_judge(struct http_call *c)
{
	switch (c->status) {
	case 429:
	case 503:
		return HTTP_SLOWER;
	case 408:
	case 500:
	case 502:
	case 504:
		return HTTP_AGAIN;
	default:
		return c->broken ? HTTP_AGAIN : HTTP_DONE;
	}
}

/* xorshift: jitter needs no secrecy */
static double jitter(struct http *h)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 17;
	h->random ^= h->random << 5;
	return 0.5 + (double)(h->random & 0xffff) / 131072.0;
}

static double backoff(struct http *h, const struct http_call *c)
{
	double ms = h->o.backoff_ms;

	for (unsigned i = 1; i < c->tried && ms < h->o.backoff_max_ms; i++)
		ms *= 2;
	if (ms > h->o.backoff_max_ms)
		ms = h->o.backoff_max_ms;
	ms *= jitter(h);
	/* seconds only: the date form depends on two clocks */
	const char *after = http_answer_header(c, "retry-after");
	if (after[0] >= '0' && after[0] <= '9' && strlen(after) <= 3) {
		double asked = 1000.0 * (double)strtoul(after, NULL, 10);
		if (asked > 60000)
			asked = 60000;
		if (asked > ms)
			ms = asked;
	}
	return ms / 1000;
}

static void adapt(struct http *h, enum http_next next, double now)
{
	if (next == HTTP_SLOWER) {
		if (now - h->halved_at < ROUND_MIN)
			return;
		h->halved_at = now;
		h->limit = h->limit / 2 < 1 ? 1 : h->limit / 2;
	} else if (next == HTTP_DONE) {
		/* quick until the first "slow down", then one per round */
		h->limit += h->halved_at > 0 ? 1 / h->limit : 1;
		if (h->limit > h->o.connections)
			h->limit = h->o.connections;
	}
}

/* libcurl's verdict on a transfer, in our words. */
static enum http_failure failure_of(CURLcode rc)
{
	switch (rc) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return HTTP_UNTRUSTED;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return HTTP_REFUSED;
	default:
		return HTTP_UNREACHABLE;
	}
}

static void transfer_done(struct http *h, struct slot *s, CURLcode rc)
{
	struct http_call *c = s->call;
	enum http_next next = HTTP_DONE;
	double now = clock_elapsed();

	curl_multi_remove_handle(h->multi, s->easy);
	s->call = NULL;
	h->in_flight--;
	if (rc == CURLE_OK) {
		curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &c->status);
		next = c->judge != NULL ? c->judge(c) : http_judge(c);
	} else if (c->broken) {
		c->status = 200; /* an answer that could not be used */
		next = c->judge != NULL ? c->judge(c) : http_judge(c);
	} else if (c->failure == HTTP_ANSWERED) {
		c->failure = failure_of(rc);
		snprintf(c->why, sizeof(c->why), "%s",
			 s->error[0] != '\0' ? s->error
					     : curl_easy_strerror(rc));
		if (c->failure == HTTP_UNREACHABLE)
			next = HTTP_AGAIN;
	} else {
		snprintf(c->why, sizeof(c->why),
			 "an answer larger than the maximum");
	}
	adapt(h, next, now);
	unsigned tries = c->tries != 0 ? c->tries : h->o.tries;
	if (next == HTTP_DONE || c->tried >= tries || stopping(h)) {
		finish(c);
		return;
	}
	c->not_before = now + backoff(h, c);
	enqueue(h, c);
}

static void drop_queue(struct http *h)
{
	struct http_call *c;

	while ((c = h->queue) != NULL) {
		h->queue = c->next;
		if (h->queue == NULL)
			h->queue_end = &h->queue;
		h->queued--;
		end_with(c, HTTP_STOPPED, "stopped");
	}
}

/* Gives up what is in flight. */
static void drop_flight(struct http *h)
{
	for (unsigned i = 0; i < h->o.connections; i++) {
		struct slot *s = &h->slots[i];
		struct http_call *c = s->call;
		if (c == NULL)
			continue;
		curl_multi_remove_handle(h->multi, s->easy);
		s->call = NULL;
		h->in_flight--;
		end_with(c, HTTP_STOPPED, "stopped before the answer came");
	}
}

void http_cancel(struct http *h)
{
	h->cancelled = true;
}

int http_wait(struct http *h, struct err *e)
{
	int rc = -1;
	double told = 0;

	while (h->queued != 0 || h->in_flight != 0) {
		double wait = POLL_MS / 1000.0;
		int running, left;
		CURLMsg *m;
		CURLMcode mc;

		if (stopping(h)) {
			if (told == 0)
				told = clock_elapsed();
			drop_queue(h);
			if (clock_elapsed() - told > GRACE)
				drop_flight(h);
		}
		while (h->in_flight < (unsigned)h->limit) {
			struct http_call *c =
				dequeue(h, clock_elapsed(), &wait);
			if (c == NULL)
				break;
			begin(h, c);
		}
		mc = curl_multi_perform(h->multi, &running);
		bool news = false;
		while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
			struct slot *s = NULL;
			if (m->msg != CURLMSG_DONE)
				continue;
			CURLcode result = m->data.result;
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s);
			transfer_done(h, s, result);
			news = true;
		}
		if (mc == CURLM_OK && !news)
			mc = curl_multi_poll(h->multi, NULL, 0,
					     (int)(wait * 1000) + 1, NULL);
		if (mc != CURLM_OK) {
			err_set(e, ERR_FAILED, "waiting for answers: %s",
				curl_multi_strerror(mc));
			/* nobody may be left waiting for an answer */
			h->cancelled = true;
			drop_queue(h);
			drop_flight(h);
			drop_queue(h);
			goto out;
		}
	}
	rc = 0;
out:
	h->cancelled = false;
	return rc;
}
