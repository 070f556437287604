/* emptied.c - a shard had keys, and all its copies are empty now: its primary was started anew without them, and its
 * replicas copied that before anybody could look. Said as a loss until a person gives the keys up.
 *
 * FLUSHALL is none: it is replicated, and offsets grow by it. Who is started anew without a data set begins at the
 * beginning: its offset is smaller than the one that was remembered with the keys.
 */
#include <inttypes.h>

#include "copies.h"
#include "guard.h"
#include "risks.h"
#include "rop/text.h"

#define UPTIME_SURE_MS 2000 /* it is told in whole seconds */

/* Who owns all of that, and answers; -1: nobody alone. */
static int owner_of(const struct rop_observed *seen, const struct rop_slots *slots)
{
	for (size_t i = 0; i < seen->n; i++)
		if (rop_answers(seen, i) && seen->nodes[i].role == ROP_ROLE_PRIMARY &&
		    rop_slots_common(&seen->nodes[i].slots, slots) == rop_slots_count(slots))
			return (int)i;
	return -1;
}

static const struct rop_copy_memory *who_led(const struct rop_shard_memory *shard)
{
	for (size_t c = 0; c < shard->copies.n; c++)
		if (shard->copies.at[c].led)
			return &shard->copies.at[c];
	return NULL;
}

static bool was_copy(const struct rop_shard_memory *shard, const char *id)
{
	for (size_t c = 0; c < shard->copies.n; c++)
		if (rop_streq(shard->copies.at[c].node, id))
			return true;
	return false;
}

static const char *how_long_ago(const struct rop_situation *now, int64_t wall_ms)
{
	char text[24];
	return rop_strdup(now->arena,
			  rop_duration_about(now->wall_ms > wall_ms ? now->wall_ms - wall_ms : 0, text, sizeof text));
}

/* Of the shard's copies, one that answers and has keys; -1: none. */
static int who_has_keys(const struct rop_situation *now, const struct rop_shard_memory *shard)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_answers(now->seen, i) && now->seen->nodes[i].keys != 0 &&
		    was_copy(shard, now->seen->nodes[i].id))
			return (int)i;
	return -1;
}

/* Who still has them, or may, must not follow the empty one: it would be emptied, too. */
static const char *where_else(const struct rop_situation *now, const struct rop_shard_memory *shard,
			      const struct remembered *r)
{
	int has = who_has_keys(now, shard);
	if (has >= 0)
		return rop_printf(
			now->arena,
			"%s still has its copy, and loses it as soon as it follows that one: let it take over "
			"first (redis-cli -h %s -p %d cluster failover force)",
			now->seen->nodes[has].address, now->seen->nodes[has].ip, now->seen->nodes[has].port);
	if (!r->silent_nodes)
		return "all its copies are empty";
	return rop_printf(
		now->arena,
		"%s, which had a copy, does not answer: before it is started again its files (RDB, AOF) are to "
		"be copied elsewhere, or it copies the empty one",
		r->silent_nodes);
}

/* Offsets tell, where they are counted: without a replica they may not be. */
static bool was_started_anew(const struct rop_situation *now, const struct rop_node *node,
			     const struct rop_copy_memory *led)
{
	if (led->offset > 0 && node->offset >= 0)
		return node->offset < led->offset;
	return node->uptime_s >= 0 && now->wall_ms - node->uptime_s * 1000 > led->seen_wall_ms + UPTIME_SURE_MS;
}

/* The shard's slots as one node owns them; -1: it was not emptied, or nobody can tell. */
static int emptied_owner(const struct rop_situation *now, const struct rop_shard_memory *shard)
{
	struct rop_slots slots;
	const struct rop_copy_memory *led = who_led(shard);
	int owner = led && led->keys > 0 && rop_slots_parse(shard->slots, &slots) ? owner_of(now->seen, &slots) : -1;
	if (owner < 0 || now->seen->nodes[owner].keys != 0 || !was_copy(shard, now->seen->nodes[owner].id) ||
	    !was_started_anew(now, &now->seen->nodes[owner], led))
		return -1;
	struct remembered r = copies_remembered(now, &slots);
	bool given_up = now->topology->reform_on_total_loss && r.empty == r.n;
	return given_up ? -1 : owner;
}

static const char *sentence(const struct rop_situation *now, const struct rop_shard_memory *shard, int owner,
			    const struct remembered *r)
{
	const struct rop_copy_memory *led = who_led(shard);
	return rop_printf(now->arena,
			  "shard %d: %s was started anew without its keys: it had %" PRId64
			  " when they were counted last, %s before, and has none; %s",
			  shard->number, now->seen->nodes[owner].address, led->keys,
			  how_long_ago(now, led->seen_wall_ms), where_else(now, shard, r));
}

void policy_find_emptied(struct rop_situation *now)
{
	for (size_t s = 0; now->formed && s < now->image->shards.n; s++)
		if (emptied_owner(now, &now->image->shards.at[s]) >= 0)
			*rop_push(now->arena, &now->emptied) = now->image->shards.at[s].number;
}

bool rop_shard_is_emptied(const struct rop_situation *now, int number)
{
	for (size_t i = 0; i < now->emptied.n; i++)
		if (now->emptied.at[i] == number)
			return true;
	return false;
}

/* A person did: what is there now is remembered from here on. */
static void give_up(struct rop_situation *now, int number)
{
	for (size_t i = now->emptied.n; i-- > 0;)
		if (now->emptied.at[i] == number)
			now->emptied.at[i] = now->emptied.at[--now->emptied.n];
}

void risk_of_emptied(struct rop_situation *now)
{
	for (size_t s = 0; s < now->image->shards.n; s++) {
		const struct rop_shard_memory *shard = &now->image->shards.at[s];
		struct rop_slots slots;
		if (!rop_shard_is_emptied(now, shard->number) || !rop_slots_parse(shard->slots, &slots))
			continue;
		struct remembered r = copies_remembered(now, &slots);
		struct rop_risk risk = {
			.what = ROP_RISK_EMPTIED,
			.shard = shard->number,
			.slots = shard->slots,
			.keys = who_led(shard)->keys,
			.copies = r.ids,
			.nodes = r.nodes,
			.text = sentence(now, shard, owner_of(now->seen, &slots), &r),
		};
		struct guard guard = guard_loss(now, &risk);
		if (guard.verdict == GUARD_LOSS)
			policy_note_guard(now, NULL, &guard);
		else
			give_up(now, shard->number);
	}
}
