/* faults.c: the script of a store that misbehaves. */
#include "providers/fake/internal.h"

#include <stdlib.h>
#include <string.h>

#include "certs/base/hex.h"

enum argument { ARGUMENT_NONE, ARGUMENT_TEXT, ARGUMENT_NUMBER };

/* times: how often it strikes when the closeout file does not say */
static const struct {
	const char *word;
	enum fault_kind kind;
	enum argument argument;
	uint64_t times;
} words[] = {
	{"refuse", FAULT_REFUSE, ARGUMENT_TEXT, 0},
	{"drift", FAULT_DRIFT, ARGUMENT_TEXT, 1},
	{"vanish", FAULT_VANISH, ARGUMENT_TEXT, 1},
	{"timeout", FAULT_TIMEOUT, ARGUMENT_NONE, 0},
	{"lost-answer", FAULT_LOST_ANSWER, ARGUMENT_NONE, 0},
	{"unreachable", FAULT_UNREACHABLE, ARGUMENT_NONE, 0},
	{"auth", FAULT_AUTH, ARGUMENT_NONE, 0},
	{"half-batch", FAULT_HALF_BATCH, ARGUMENT_NONE, 0},
	{"lie", FAULT_LIE, ARGUMENT_NONE, 0},
	{"lose-page", FAULT_LOSE_PAGE, ARGUMENT_NONE, 0},
	{"break-page", FAULT_BREAK_PAGE, ARGUMENT_NONE, 0},
	{"grow", FAULT_GROW, ARGUMENT_NONE, 1},
	{"resurrect", FAULT_RESURRECT, ARGUMENT_NONE, 1},
	{"resurrect-late", FAULT_RESURRECT_LATE, ARGUMENT_NONE, 1},
	{"mute", FAULT_MUTE, ARGUMENT_NONE, 0},
	{"harm-neighbour", FAULT_HARM_NEIGHBOUR, ARGUMENT_NONE, 1},
	{"residue", FAULT_RESIDUE, ARGUMENT_NONE, 0},
	{"residue-stays", FAULT_RESIDUE_STAYS, ARGUMENT_NONE, 0},
	{"blocker", FAULT_BLOCKER, ARGUMENT_TEXT, 0},
	{"slow", FAULT_SLOW, ARGUMENT_NUMBER, 0},
};

/* Digits only, at most 9 of them. */
static bool number_of(uint64_t *out, const char *text, size_t len)
{
	*out = 0;
	if (len == 0 || len > 9)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(text[i] - '0');
	}
	return true;
}

/* Takes a trailing MARK and number off text; false if it is malformed. */
static bool take_number(uint64_t *out, const char *text, size_t *len, char mark,
			bool may_be_text)
{
	size_t at = *len;
	while (at != 0 && text[at - 1] != mark)
		at--;
	if (at == 0)
		return true;
	uint64_t n;
	if (!number_of(&n, text + at, *len - at))
		return may_be_text;
	if (n == 0)
		return false;
	*out = n;
	*len = at - 1;
	return true;
}

static bool parse(struct fault *f, const char *text)
{
	size_t len = strlen(text), word = strcspn(text, ":@");
	size_t n_words = sizeof(words) / sizeof(words[0]), w = 0;

	while (w < n_words && (strlen(words[w].word) != word ||
			       memcmp(words[w].word, text, word) != 0))
		w++;
	if (w == n_words)
		return false;
	f->kind = words[w].kind;
	f->text = text;
	f->first = 1;
	f->times = words[w].times;
	const char *rest = text + word;
	len -= word;
	/* a key may hold an @ or a colon: only numbers behind them count */
	bool is_text = words[w].argument == ARGUMENT_TEXT;
	if (!take_number(&f->first, rest, &len, '@', is_text))
		return false;
	if (words[w].argument == ARGUMENT_NUMBER)
		return take_number(&f->number, rest, &len, ':', false) &&
		       len == 0 && f->number != 0;
	if (is_text) {
		/* the first colon begins the argument, a later one times */
		if (len < 2 || rest[0] != ':')
			return false;
		rest++;
		len--;
		if (!take_number(&f->times, rest, &len, ':', true) || len == 0)
			return false;
		f->argument = strndup(rest, len);
		return f->argument != NULL;
	}
	return take_number(&f->times, rest, &len, ':', false) && len == 0;
}

int faults_read(struct faults *f, const struct setting *at, struct err *e)
{
	memset(f, 0, sizeof(*f));
	if (at == NULL)
		return 0;
	f->list = calloc(at->n_members + 1, sizeof(*f->list));
	if (f->list == NULL)
		return err_set(e, ERR_FAILED, "out of memory");
	for (size_t i = 0; i < at->n_members; i++) {
		const struct setting *one = &at->members[i];
		f->n++;
		if (!parse(&f->list[i], one->str))
			return setting_refuse(
				at, e,
				"\"%s\" is not a fault of the rehearsal "
				"store; docs/providers/FAKE.md lists them",
				one->str);
	}
	return 0;
}

void faults_release(struct faults *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->list[i].argument);
	free(f->list);
	memset(f, 0, sizeof(*f));
}

const struct fault *faults_find(const struct faults *f, enum fault_kind kind)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].kind == kind)
			return &f->list[i];
	return NULL;
}

static struct fake_counter *counter(struct fake_store *s, const char *fault)
{
	for (size_t i = 0; i < s->n_counters; i++)
		if (strcmp(s->counters[i].fault, fault) == 0)
			return &s->counters[i];
	struct fake_counter *more = realloc(
		s->counters, (s->n_counters + 1) * sizeof(*s->counters));
	if (more == NULL)
		return NULL;
	s->counters = more;
	char *name = strdup(fault);
	if (name == NULL)
		return NULL;
	more[s->n_counters] = (struct fake_counter){name, 0};
	return &more[s->n_counters++];
}

uint64_t faults_occasions(const struct fault *f, const struct fake_store *s)
{
	for (size_t i = 0; i < s->n_counters; i++)
		if (strcmp(s->counters[i].fault, f->text) == 0)
			return s->counters[i].n;
	return 0;
}

static bool speaks_of(const struct fault *f, const struct fake_item *item)
{
	struct buf key;

	buf_init(&key, 3 * ITEM_ID_MAX);
	name_escape(&key, item->id, item->key_len);
	bool is = strcmp(buf_str(&key), f->argument) == 0;
	buf_release(&key);
	return is;
}

bool faults_strike(const struct faults *f, struct fake_store *s,
		   enum fault_kind kind, const struct fake_item *item)
{
	bool strikes = false;

	for (size_t i = 0; i < f->n; i++) {
		const struct fault *one = &f->list[i];
		if (one->kind != kind ||
		    (item != NULL && !speaks_of(one, item)))
			continue;
		struct fake_counter *c = counter(s, one->text);
		if (c == NULL)
			continue;
		c->n++;
		s->changed = true;
		strikes |= c->n >= one->first &&
			   (one->times == 0 || c->n < one->first + one->times);
	}
	return strikes;
}
