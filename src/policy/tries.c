/* tries.c - the memory of tries: one pending expectation per subject, and when to try again. */
#include <stdio.h>
#include <string.h>

#include "rop/tries.h"

#include "rop/observed.h"
#include "rop/outcome.h"
#include "rop/text.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 5000
#define ATTEMPTS_MAX 8
#define GAVE_UP_RETRY_MS 300000 /* what failed too often gets one more try after that: its reason may be gone */
#define FORGET_MS 600000        /* failures this long ago do not count any more */

struct try_entry {
	const char *subject; /* NULL: free */
	bool pending;
	bool final;   /* refused for good */
	bool no_help; /* it is not permitted, and a help that things go on without */
	bool taken;   /* a value of a setting that a node was seen to take */
	bool owed;    /* nothing that can be seen tells that it is still to be done: never forgotten */
	int attempts; /* ended without being met */
	int64_t not_before_ms, failed_ms;
	const char *note;
};

struct rop_tries {
	struct rop_arena *arena;
	struct try_entry *table;                                         /* open addressing; size a power of two */
	size_t size, used, n_pending, n_failovers, n_failed, n_given_up; /* n_failovers: of n_pending */
	struct rop_slots slots;                                          /* claimed by pending ranges */
};

struct rop_tries *rop_tries_new(struct rop_arena *arena)
{
	struct rop_tries *tries = rop_alloc(arena, sizeof *tries);
	tries->arena = arena;
	tries->size = 64;
	tries->table = rop_alloc_n(arena, tries->size, sizeof *tries->table);
	return tries;
}

static struct try_entry *slot_for(struct try_entry *table, size_t size, const char *subject)
{
	size_t at = rop_digest(ROP_DIGEST_START, subject, strlen(subject)) & (size - 1);
	while (table[at].subject && strcmp(table[at].subject, subject) != 0)
		at = (at + 1) & (size - 1);
	return &table[at];
}

static void grow(struct rop_tries *tries)
{
	size_t size = tries->size * 2;
	struct try_entry *table = rop_alloc_n(tries->arena, size, sizeof *table);
	for (size_t i = 0; i < tries->size; i++)
		if (tries->table[i].subject)
			*slot_for(table, size, tries->table[i].subject) = tries->table[i];
	tries->table = table;
	tries->size = size;
}

static struct try_entry *entry_for(struct rop_tries *tries, const char *subject)
{
	struct try_entry *entry = slot_for(tries->table, tries->size, subject);
	if (entry->subject)
		return entry;
	if ((tries->used + 1) * 3 > tries->size * 2) {
		grow(tries);
		entry = slot_for(tries->table, tries->size, subject);
	}
	tries->used++;
	entry->subject = rop_strdup(tries->arena, subject);
	return entry;
}

void rop_tries_pending(struct rop_tries *tries, const struct rop_expect *expect)
{
	struct try_entry *entry = entry_for(tries, expect->subject);
	tries->n_pending += !entry->pending;
	tries->n_failovers += !entry->pending && expect->kind == ROP_STEP_FAILOVER;
	entry->pending = true;
	entry->owed = entry->owed && entry->attempts > 0; /* of a failed one it is known that it may be needed again */
	if (expect->kind == ROP_STEP_SLOTS)
		rop_slots_add(&tries->slots, expect->first, expect->last);
}

static void count(struct rop_tries *tries, struct try_entry *entry, int attempts)
{
	tries->n_failed -= entry->attempts > 0;
	tries->n_given_up -= entry->attempts >= ATTEMPTS_MAX;
	entry->attempts = attempts;
	tries->n_failed += entry->attempts > 0;
	tries->n_given_up += entry->attempts >= ATTEMPTS_MAX;
}

/* Once its value is seen, the node's configuration is to be written: nothing that is seen would tell. */
void rop_tries_owe_rewrite(struct rop_tries *tries, const char *node)
{
	char subject[sizeof "config:" + ROP_ID_SIZE];
	snprintf(subject, sizeof subject, "config:%.40s", node);
	struct try_entry *entry = entry_for(tries, subject);
	entry->owed |= !entry->pending && !entry->final; /* final: there is no file to write to */
}

static const char *taken_subject(struct rop_arena *arena, const char *name, const char *value)
{
	return rop_printf(arena, "taken:%s=%s", name, value);
}

bool rop_tries_was_taken(const struct rop_tries *tries, const char *name, const char *value)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	const struct try_entry *entry = slot_for(tries->table, tries->size, taken_subject(arena, name, value));
	return entry->subject && entry->taken;
}

static void note_taken(struct rop_tries *tries, const struct rop_expect *expect)
{
	if (expect->name && expect->value && !rop_tries_was_taken(tries, expect->name, expect->value))
		entry_for(tries, taken_subject(tries->arena, expect->name, expect->value))->taken = true;
}

/* "ERR CONFIG SET failed ...", "ERR Unknown option ...": not a passing state of the server (LOADING, BUSY, OOM ...). */
static bool is_verdict_on_value(const char *note)
{
	return note && strncmp(note, "ERR", 3) == 0;
}

/* There is nothing to write to, and will not be before it is started in another way. */
bool rop_has_no_file_note(const char *note)
{
	return note && strstr(note, "without a config file");
}

static bool is_of_large_key(const char *note)
{
	return note && strncmp(note, ROP_LARGE_KEY, strlen(ROP_LARGE_KEY)) == 0;
}

/* What things go on without, where it is not permitted. */
static bool is_a_help(const struct rop_expect *expect)
{
	if (expect->kind == ROP_STEP_LOWER)
		return !expect->peer[0];
	return expect->kind == ROP_STEP_SETTING && rop_streq(expect->name, ROP_REPLICA_MIGRATION);
}

void rop_tries_ended(struct rop_tries *tries, const struct rop_expect *expect, enum rop_expect_status status,
		     int64_t boot_ms)
{
	struct try_entry *entry = entry_for(tries, expect->subject);
	tries->n_pending -= entry->pending;
	tries->n_failovers -= entry->pending && expect->kind == ROP_STEP_FAILOVER;
	entry->pending = false;
	for (int s = expect->first; expect->kind == ROP_STEP_SLOTS && s <= expect->last; s++)
		tries->slots.bits[s / 64] &= ~((uint64_t)1 << (s % 64));
	if (status != ROP_EXPECT_REFUSED && status != ROP_EXPECT_EXPIRED) {
		count(tries, entry, 0);
		entry->note = NULL;
		entry->not_before_ms = 0;
		entry->final = entry->owed = false;
		if (status == ROP_EXPECT_MET && expect->kind == ROP_STEP_SETTING)
			note_taken(tries, expect);
		if (status == ROP_EXPECT_MET && expect->unwritten)
			rop_tries_owe_rewrite(tries, expect->node);
		return;
	}
	int doublings = entry->attempts < 10 ? entry->attempts : 10;
	int64_t backoff = (int64_t)BACKOFF_FIRST_MS << doublings;
	bool hopeless = status == ROP_EXPECT_REFUSED && /* it stays forbidden however often it is asked */
			(rop_is_denial(expect->note) || is_of_large_key(expect->note));
	const char *note = expect->note ? expect->note : "nothing was seen of it in time";
	bool no_file = expect->kind == ROP_STEP_PERSIST && status == ROP_EXPECT_REFUSED &&
		       rop_has_no_file_note(expect->note);
	entry->final = no_file || (expect->kind == ROP_STEP_SETTING && status == ROP_EXPECT_REFUSED &&
				   is_verdict_on_value(expect->note));
	entry->no_help = hopeless && is_a_help(expect);
	int attempts = hopeless ? ATTEMPTS_MAX : entry->attempts + 1;
	if (expect->kind == ROP_STEP_GREET && !hopeless && attempts == ATTEMPTS_MAX)
		attempts--; /* a help as well: what it hastens comes by itself */
	count(tries, entry, entry->final || entry->no_help ? 0 : attempts);
	entry->owed = expect->kind == ROP_STEP_PERSIST && !no_file;
	entry->failed_ms = boot_ms;
	entry->not_before_ms = boot_ms + (backoff < BACKOFF_MAX_MS ? backoff : BACKOFF_MAX_MS);
	if (!entry->note || strcmp(entry->note, note) != 0)
		entry->note = rop_strdup(tries->arena, note);
}

void rop_tries_forgive(struct rop_tries *tries, int64_t boot_ms)
{
	for (size_t i = 0; tries->n_failed && i < tries->size; i++) {
		struct try_entry *entry = &tries->table[i];
		if (!entry->attempts || entry->pending)
			continue;
		if (boot_ms - entry->failed_ms >= FORGET_MS)
			count(tries, entry, entry->owed ? 1 : 0);
		else if (boot_ms - entry->failed_ms >= GAVE_UP_RETRY_MS && entry->attempts >= ATTEMPTS_MAX)
			count(tries, entry, ATTEMPTS_MAX - 1);
	}
}

struct rop_tries *rop_tries_copy(struct rop_arena *arena, const struct rop_tries *tries)
{
	struct rop_tries *copy = rop_tries_new(arena);
	for (size_t i = 0; i < tries->size; i++) {
		const struct try_entry *from = &tries->table[i];
		if (!from->subject || (!from->pending && !from->attempts && !from->final && !from->owed &&
				       !from->taken && !from->no_help))
			continue;
		struct try_entry *to = entry_for(copy, from->subject);
		const char *subject = to->subject;
		*to = *from;
		to->subject = subject;
		to->note = rop_strdup(arena, from->note);
	}
	copy->n_pending = tries->n_pending;
	copy->n_failovers = tries->n_failovers;
	copy->n_failed = tries->n_failed;
	copy->n_given_up = tries->n_given_up;
	copy->slots = tries->slots;
	return copy;
}

bool rop_tries_slot_pending(const struct rop_tries *tries, int first, int last)
{
	struct rop_slots range = { 0 };
	rop_slots_add(&range, first, last);
	return rop_slots_meet(&range, &tries->slots);
}

enum rop_may rop_tries_may(const struct rop_tries *tries, const char *subject, int64_t boot_ms)
{
	const struct try_entry *entry = slot_for(tries->table, tries->size, subject);
	if (!entry->subject)
		return ROP_MAY;
	if (entry->pending)
		return ROP_MAY_PENDING;
	if (entry->attempts >= ATTEMPTS_MAX || entry->final)
		return ROP_MAY_NEVER;
	return entry->not_before_ms > boot_ms ? ROP_MAY_LATER : ROP_MAY;
}

bool rop_tries_is_owed(const struct rop_tries *tries, const char *subject)
{
	const struct try_entry *entry = slot_for(tries->table, tries->size, subject);
	return entry->subject && entry->owed;
}

bool rop_tries_is_final(const struct rop_tries *tries, const char *subject)
{
	const struct try_entry *entry = slot_for(tries->table, tries->size, subject);
	return entry->subject && entry->final;
}

bool rop_tries_is_no_help(const struct rop_tries *tries, const char *subject)
{
	const struct try_entry *entry = slot_for(tries->table, tries->size, subject);
	return entry->subject && entry->no_help;
}

bool rop_is_denial(const char *note)
{
	return note && strncmp(note, "NOPERM", 6) == 0;
}

const char *rop_tries_note(const struct rop_tries *tries, const char *subject)
{
	const struct try_entry *entry = slot_for(tries->table, tries->size, subject);
	return entry->subject ? entry->note : NULL;
}

int rop_tries_count(const struct rop_tries *tries, const char *subject)
{
	const struct try_entry *entry = slot_for(tries->table, tries->size, subject);
	return entry->subject ? entry->attempts : 0;
}

bool rop_tries_fails_over(const struct rop_tries *tries)
{
	return tries->n_failovers > 0;
}

size_t rop_tries_n_pending(const struct rop_tries *tries)
{
	return tries->n_pending;
}

bool rop_tries_gave_up(const struct rop_tries *tries, const char **ret_subject, const char **ret_note)
{
	if (!tries->n_given_up)
		return false;
	for (size_t i = 0; i < tries->size; i++) {
		const struct try_entry *entry = &tries->table[i];
		if (!entry->subject || entry->attempts < ATTEMPTS_MAX)
			continue;
		if (ret_subject)
			*ret_subject = entry->subject;
		if (ret_note)
			*ret_note = entry->note;
		return true;
	}
	return false;
}

int64_t rop_tries_next_ms(const struct rop_tries *tries, int64_t boot_ms)
{
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < tries->size; i++) {
		const struct try_entry *entry = &tries->table[i];
		if (entry->subject && !entry->pending && entry->attempts > 0 && entry->attempts < ATTEMPTS_MAX &&
		    entry->not_before_ms > boot_ms && entry->not_before_ms < next)
			next = entry->not_before_ms;
	}
	return next;
}
