/* migrating.c - the vocabulary of the machine `migration`: how one run of slots goes from one node to another. */
#include <string.h>

#include "by_server.h"
#include "functions.h"
#include "migrations.h"
#include "words.h"

#define STALLED_MS_PREDICTED 1000 /* of the predicted clock: a few looks in a row at which nothing moved */

WORDS_ON(struct rop_migration)

WORDS_FLAG(ours)
WORDS_FLAG(in_reach)
WORDS_FLAG(goes_home)
WORDS_FLAG(source_open)
WORDS_FLAG(taken_over)
WORDS_FLAG(empty)
WORDS_FLAG(job_runs)
WORDS_FLAG(job_rests)

static bool is_by_server(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->whole != NULL;
}

/* Where it is open already, it is gone on with. */
static bool is_functions_there(const void *subject, const int64_t *args)
{
	const struct rop_migration *m = on(subject);
	(void)args;
	return m->now->seen->nodes[m->target].open.n ||
	       !policy_lacks_functions(m->now, (size_t)m->target, (size_t)m->source);
}

static bool all_open_at_target(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->open_at_target;
}

static bool all_open_at_source(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->open_at_source;
}

static bool is_held(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->held != NULL;
}

/* Some of ours can be moved on. */
static bool has_others_to_move(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->migrations.n; i++)
		if (now->migrations.at[i].in_hand && now->migrations.at[i].ours && now->migrations.at[i].in_reach &&
		    !now->migrations.at[i].held)
			return true;
	return false;
}

/* Nobody has moved a slot or a key for so long. Who looks once cannot wait: there it is so when none of ours is left,
 * as it comes to be where time passes, or when none of those moves. */
static bool is_idle_for(const void *subject, const int64_t *args)
{
	const struct rop_situation *now = on(subject)->now;
	if (now->looks_once && (now->stalled_ms >= STALLED_MS_PREDICTED || !has_others_to_move(now)))
		return true;
	return now->stalled_ms >= args[0];
}

/* ---- steps -------------------------------------------------------------------------------------------------- */

/* One step about slots of the chunk, to one side; nothing where there is none. */
static void plan(const struct rop_migration *m, enum rop_step_kind kind, bool at_source, uint64_t slots, void *output)
{
	struct rop_batch *batch = output;
	struct rop_slots set = { 0 };
	if (!slots)
		return;
	set.bits[m->first / ROP_CHUNK] = slots;
	struct rop_step step = policy_step(m->now, kind, at_source ? m->source : m->target,
					   at_source ? m->target : m->source);
	step.expect.first = m->first + __builtin_ctzll(slots);
	step.expect.last = m->first + 63 - __builtin_clzll(slots);
	step.expect.value = rop_slots_text(batch->arena, &set);
	policy_add(m->now, batch, &step);
}

static bool is_targets(const struct rop_migration *m, int slot)
{
	return m->now->owner[slot] == m->target;
}

static bool is_open_the_right_way(const struct rop_migration *m, bool at_source, int slot)
{
	const struct rop_node *nodes = m->now->seen->nodes;
	const struct rop_open_slot *open = rop_node_open(&nodes[at_source ? m->source : m->target], slot);
	return open && open->importing == !at_source &&
	       strcmp(open->peer, nodes[at_source ? m->target : m->source].id) == 0;
}

static bool wants_opening_at_target(const struct rop_migration *m, int slot)
{
	return !is_targets(m, slot) && (!is_open_the_right_way(m, false, slot) ||
					policy_importer_is_misled(m->now->seen, (size_t)m->target, (size_t)m->source));
}

static bool wants_opening_at_source(const struct rop_migration *m, int slot)
{
	return !is_targets(m, slot) && !is_open_the_right_way(m, true, slot);
}

static bool has_keys(const struct rop_migration *m, int slot)
{
	const struct rop_open_slot *open = rop_node_open(&m->now->seen->nodes[m->source], slot);
	return !is_targets(m, slot) && open && open->keys != 0;
}

static bool is_to_be_taken(const struct rop_migration *m, int slot)
{
	return !is_targets(m, slot);
}

static bool is_open_at_source(const struct rop_migration *m, int slot)
{
	return rop_node_open(&m->now->seen->nodes[m->source], slot) != NULL;
}

static bool is_open_at_target(const struct rop_migration *m, int slot)
{
	return rop_node_open(&m->now->seen->nodes[m->target], slot) != NULL;
}

static uint64_t those_that(const struct rop_migration *m, bool (*wanted)(const struct rop_migration *m, int slot))
{
	uint64_t slots = 0;
	for (uint64_t left = m->slots; left; left &= left - 1)
		if (wanted(m, m->first + __builtin_ctzll(left)))
			slots |= left & -left;
	return slots;
}

#define STEP(name, kind, at_source, which) \
	static void name(const void *subject, const int64_t *args, void *output) \
	{ \
		(void)args; \
		plan(on(subject), ROP_STEP_##kind, at_source, those_that(on(subject), which), output); \
	}
STEP(tell_target, IMPORT, false, wants_opening_at_target)
STEP(tell_source, EXPORT, true, wants_opening_at_source)
STEP(carry_keys, CARRY, true, has_keys)
STEP(close_at_target, TAKE, false, is_to_be_taken)
STEP(close_at_source, YIELD, true, is_open_at_source)
STEP(release_source, RELEASE, true, is_open_at_source)
STEP(release_target, RELEASE, false, is_open_at_target)

static void ask_source(const void *subject, const int64_t *args, void *output)
{
	const struct rop_migration *m = on(subject);
	struct rop_batch *batch = output;
	(void)args;
	if (!m->whole)
		return;
	struct rop_slots slots = policy_chunk_slots(m);
	struct rop_step step = policy_step(m->now, ROP_STEP_MOVE, m->source, m->target);
	step.expect.first = rop_slots_first(&slots);
	step.expect.last = ROP_SLOTS - 1;
	while (!rop_slots_has(&slots, step.expect.last))
		step.expect.last--;
	step.expect.value = rop_slots_text(batch->arena, &slots);
	step.expect.was = by_server_newest(m);
	policy_add(m->now, batch, &step);
}

static void give_functions(const void *subject, const int64_t *args, void *output)
{
	const struct rop_migration *m = on(subject);
	(void)args;
	struct rop_step step = policy_step(m->now, ROP_STEP_FUNCTIONS, m->target, m->source);
	step.expect.value = m->now->seen->nodes[m->source].libraries;
	policy_add(m->now, output, &step);
}

/* ---- gave up ------------------------------------------------------------------------------------------------ */

/* A step of this chunk failed as often as it may. */
static bool is_gave_up(const void *subject, const int64_t *args)
{
	const struct rop_migration *m = on(subject);
	(void)args;
	for (int kind = ROP_STEP_IMPORT; kind <= ROP_STEP_RELEASE; kind++)
		for (int at_source = 0; at_source < 2; at_source++) {
			struct rop_step step = policy_step(m->now, (enum rop_step_kind)kind,
							   at_source ? m->source : m->target,
							   at_source ? m->target : m->source);
			step.expect.first = m->first;
			if (policy_gave_up(m->now, &step))
				return true;
		}
	return false;
}

/* ---- words -------------------------------------------------------------------------------------------------- */

static const struct rop_fact FACTS[] = {
	{ .name = "ours",
	  .doc = "the slots go where the topology wants them, and it was begun here",
	  .holds = is_ours },
	{ .name = "idle_for",
	  .doc = "neither a slot nor a key has moved in the cluster for so long",
	  .args = { { .name = "time",
		      .doc = "since the last one moved, or open slots were seen first",
		      .type = ROP_ARG_DURATION,
		      .min = 1,
		      .max = 3600000 } },
	  .holds = is_idle_for },
	{ .name = "in_reach",
	  .doc = "both sides answer and lead their shards, and no node doubts it",
	  .holds = is_in_reach },
	{ .name = "goes_home",
	  .doc = "somebody opened the slots, no key was carried, and their owner is to keep them",
	  .holds = is_goes_home },
	{ .name = "by_server",
	  .doc = "both sides move slots by themselves (CLUSTER MIGRATESLOTS), none is open there, and it has not "
		 "failed too often lately",
	  .holds = is_by_server,
	  .excludes = { "goes_home", "source_open", "taken_over", "empty" } },
	{ .name = "job_runs", .doc = "a job of the servers is at work on some of the slots", .holds = is_job_runs },
	{ .name = "job_rests",
	  .doc = "the servers gave a job of these slots up not long ago, or somebody cancelled it",
	  .holds = is_job_rests },
	{ .name = "functions_there",
	  .doc = "the target has the function libraries of the source, or slots are on their way there already",
	  .holds = is_functions_there },
	{ .name = "open_at_target",
	  .doc = "the target lets clients in for each slot that it does not own yet (IMPORTING)",
	  .holds = all_open_at_target },
	{ .name = "open_at_source",
	  .doc = "the source sends clients on, for keys that it has not, of each slot that it still owns (MIGRATING)",
	  .holds = all_open_at_source },
	{ .name = "source_open", .doc = "the source has any of the slots open", .holds = is_source_open },
	{ .name = "taken_over",
	  .doc = "the target owns all of the slots",
	  .holds = is_taken_over,
	  .implies = { "open_at_target", "open_at_source", "empty" } },
	{ .name = "empty",
	  .doc = "the source has no key of the slots that it still owns; counted, in every database",
	  .holds = is_empty },
	{ .name = "held",
	  .doc = "the source does not tell how many keys it has; or it may not be left without slots: it has keys of "
		 "others, or gets some",
	  .holds = is_held },
	{ .name = "gave_up", .doc = "a step of these slots failed as often as it may be tried", .holds = is_gave_up },
};

static const struct rop_action ACTIONS[] = {
	{ .name = "ask_source",
	  .doc = "CLUSTER MIGRATESLOTS on the source: it moves the slots with their keys, and hands them over",
	  .plan = ask_source },
	{ .name = "give_functions",
	  .doc = "FUNCTION DUMP of the source, FUNCTION RESTORE on the target",
	  .plan = give_functions },
	{ .name = "tell_target", .doc = "SETSLOT IMPORTING on the target", .plan = tell_target },
	{ .name = "tell_source", .doc = "SETSLOT MIGRATING on the source", .plan = tell_source },
	{ .name = "carry_keys", .doc = "MIGRATE from the source to the target, for a moment", .plan = carry_keys },
	{ .name = "close_at_target", .doc = "SETSLOT NODE on the target: it owns the slots", .plan = close_at_target },
	{ .name = "close_at_source", .doc = "SETSLOT NODE on the source: it hears of it", .plan = close_at_source },
	{ .name = "release_source", .doc = "SETSLOT STABLE on the source", .plan = release_source },
	{ .name = "release_target", .doc = "SETSLOT STABLE on the target", .plan = release_target },
};

const struct rop_vocabulary *rop_migration_words(void)
{
	WORDS_VOCABULARY(WORDS, FACTS, ACTIONS);
	return &WORDS;
}
