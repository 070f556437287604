/* workers.c - who writes: a write is drawn, sent by the worker's caller, and entered into the journal when it has
 * ended. */
#include "workers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_SIZE = 48, REFUSALS_TOLD = 10 };
#define LASTING_MS ((int64_t)3600 * 1000)
#define FLEETING_LEAST_MS 1000
#define FLEETING_SPREAD_MS 29000
#define PAUSE_AFTER_REFUSAL_US (100 * US_PER_MS)

static enum kind draw_kind(uint64_t *seed)
{
	uint64_t at = random_under(seed, 100);
	enum kind kind = 0;
	while (at >= KIND_SHARES[kind])
		at -= KIND_SHARES[kind++];
	return kind;
}

static int64_t draw_px(enum kind kind, uint64_t *seed)
{
	if (kind == KIND_LASTING)
		return LASTING_MS;
	if (kind == KIND_FLEETING)
		return FLEETING_LEAST_MS + (int64_t)random_under(seed, FLEETING_SPREAD_MS);
	return 0;
}

/* The commands of a write; returns how many replies they have. */
static size_t compose(struct worker *worker)
{
	const struct entry *entry = &worker->entry;
	const char *key = worker->key->name;
	char value[VALUE_SIZE], px[24], a[KEY_SIZE + 1], b[KEY_SIZE + 1];
	struct text *wire = &worker->wire;
	wire->n = 0;
	snprintf(value, sizeof value, "%" PRIu32 ":%" PRIu64, entry->worker, entry->number);
	switch (entry->kind) {
	case KIND_OWN:
	case KIND_SHARED: RESP_COMMAND(wire, "RPUSH", key, value); return 1;
	case KIND_REGISTER: RESP_COMMAND(wire, "SET", key, value); return 1;
	case KIND_LASTING:
	case KIND_FLEETING:
		snprintf(px, sizeof px, "%" PRId64, entry->px_ms);
		RESP_COMMAND(wire, "SET", key, value, "PX", px);
		return 1;
	case KIND_PAIR:
	case KINDS_N: break;
	}
	snprintf(a, sizeof a, "%sa", key);
	snprintf(b, sizeof b, "%sb", key);
	RESP_COMMAND(wire, "MULTI");
	RESP_COMMAND(wire, "RPUSH", a, value);
	RESP_COMMAND(wire, "RPUSH", b, value);
	RESP_COMMAND(wire, "EXEC");
	return 4;
}

static void begin_write(struct worker *worker)
{
	struct crew *crew = worker->crew;
	enum kind kind = draw_kind(&worker->seed);
	worker->begin_us = 0;
	worker->number++;
	worker->key = keys_draw(crew->keys, kind, worker->name, worker->number, &worker->seed, &worker->once);
	worker->entry = (struct entry){ .kind = kind,
					.begin_us = now_us(),
					.slot = worker->key->slot,
					.key = worker->key->name,
					.worker = worker->name,
					.number = worker->number,
					.px_ms = draw_px(kind, &worker->seed) };
	size_t replies = compose(worker);
	caller_begin(&worker->caller, worker->key->slot, &worker->wire, replies);
}

static void rest_until(struct worker *worker, int64_t at_us)
{
	worker->begin_us = at_us;
	cluster_due(worker->crew->cluster, at_us);
}

static void next_write(struct worker *worker, int64_t now)
{
	struct crew *crew = worker->crew;
	worker->begin_us = 0;
	if (crew->writes_max > 0 && crew->outcomes[ACKNOWLEDGED] >= crew->writes_max)
		crew->ending = true;
	if (crew->ending)
		return;
	if (crew->apart_us > 0) {
		int64_t at = crew->next_begin_us > now - US_PER_S ? crew->next_begin_us : now;
		crew->next_begin_us = at + crew->apart_us;
		if (at > now) {
			rest_until(worker, at);
			return;
		}
	}
	begin_write(worker);
}

/* ---- the end of a write -------------------------------------------------------------------------------------- */

/* An EXEC that was refused is an error and never comes here; one of its commands may still have failed. */
static bool executed(enum kind kind, struct resp_cursor replies)
{
	struct resp_item item;
	if (kind != KIND_PAIR)
		return resp_next(&replies, &item) && (item.type == RESP_NUMBER || resp_is(&item, RESP_SIMPLE, "OK"));
	for (int queued = 0; queued < 3; queued++)
		resp_skip(&replies);
	if (!resp_next(&replies, &item) || item.type != RESP_ARRAY || item.number != 2)
		return false;
	return resp_next(&replies, &item) && item.type == RESP_NUMBER && resp_next(&replies, &item) &&
	       item.type == RESP_NUMBER;
}

static enum outcome outcome_of(const struct worker *worker, enum call_end how, struct resp_cursor replies)
{
	if (how == CALL_REFUSED)
		return REFUSED;
	return how == CALL_ANSWERED && executed(worker->entry.kind, replies) ? ACKNOWLEDGED : UNKNOWN;
}

static void tell_refusal(const struct worker *worker, struct resp_cursor replies)
{
	struct resp_item item;
	while (resp_next(&replies, &item))
		if (item.type == RESP_ERROR)
			fprintf(stderr, "ledger: %s refused a write to %s: %.*s\n", worker->entry.node,
				worker->entry.key, (int)(item.n < 200 ? item.n : 200), item.text);
}

static void count(struct crew *crew, const struct entry *entry)
{
	crew->outcomes[entry->outcome]++;
	if (entry->outcome != ACKNOWLEDGED)
		return;
	for (size_t i = 0; i < DETOURS_N; i++)
		crew->detours[i] += entry->detours[i] > 0;
	if (crew->last_us && entry->end_us - crew->last_us > crew->longest_gap_us)
		crew->longest_gap_us = entry->end_us - crew->last_us;
	crew->last_us = entry->end_us;
}

static void ended(struct caller *caller, enum call_end how, struct resp_cursor replies)
{
	struct worker *worker = caller->owner;
	struct crew *crew = worker->crew;
	struct entry *entry = &worker->entry;
	entry->end_us = now_us();
	entry->outcome = outcome_of(worker, how, replies);
	entry->node = caller->node == NOBODY ? "nobody" : crew->cluster->map.nodes[caller->node].text;
	memcpy(entry->detours, caller->detours, sizeof entry->detours);
	journal_add(crew->journal, entry);
	count(crew, entry);
	if (entry->outcome == REFUSED && crew->outcomes[REFUSED] <= REFUSALS_TOLD)
		tell_refusal(worker, replies);
	if (entry->outcome == UNKNOWN && entry->kind == KIND_REGISTER)
		keys_retire(crew->keys, worker->key);
	if (entry->outcome == REFUSED && !crew->ending)
		rest_until(worker, entry->end_us + PAUSE_AFTER_REFUSAL_US);
	else
		next_write(worker, entry->end_us);
}

/* ---- all of them --------------------------------------------------------------------------------------------- */

void crew_init(struct crew *crew, size_t workers, uint64_t seed)
{
	crew->n = workers;
	crew->workers = zeroed(workers, sizeof *crew->workers);
	for (size_t i = 0; i < workers; i++) {
		struct worker *worker = &crew->workers[i];
		worker->crew = crew;
		worker->name = (uint32_t)i;
		worker->seed = random_word(&seed);
		caller_init(&worker->caller, crew->cluster, worker);
		worker->caller.ended = ended;
	}
}

void crew_done(struct crew *crew)
{
	for (size_t i = 0; i < crew->n; i++) {
		caller_done(&crew->workers[i].caller);
		text_free(&crew->workers[i].wire);
	}
	free(crew->workers);
}

void crew_begin(struct crew *crew)
{
	crew->next_begin_us = now_us();
	for (size_t i = 0; i < crew->n; i++)
		next_write(&crew->workers[i], now_us());
}

void crew_tick(struct crew *crew, int64_t now)
{
	for (size_t i = 0; i < crew->n; i++) {
		struct worker *worker = &crew->workers[i];
		caller_tick(&worker->caller, now);
		if (worker->begin_us == 0)
			continue;
		if (crew->ending)
			worker->begin_us = 0;
		else if (now >= worker->begin_us)
			begin_write(worker);
		else
			cluster_due(crew->cluster, worker->begin_us);
	}
}

void crew_end(struct crew *crew)
{
	crew->ending = true;
	for (size_t i = 0; i < crew->n; i++) {
		caller_give_up_waiting(&crew->workers[i].caller);
		crew->workers[i].begin_us = 0;
	}
}

void crew_give_up(struct crew *crew)
{
	for (size_t i = 0; i < crew->n; i++)
		caller_give_up(&crew->workers[i].caller);
}

bool crew_busy(const struct crew *crew)
{
	for (size_t i = 0; i < crew->n; i++)
		if (caller_busy(&crew->workers[i].caller))
			return true;
	return false;
}
