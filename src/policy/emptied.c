/* emptied.c - a shard had keys, and its primary was started anew with less than half of them: its replicas copy that
 * before anybody can look. Said as a loss while it is so, until a person gives the keys up.
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
		    rop_slots_within(slots, &seen->nodes[i].slots))
			return (int)i;
	return -1;
}

/* Clients may have written since it was started. */
static bool has_lost_most(const struct rop_node *node, const struct rop_copy_memory *led)
{
	return node->keys >= 0 && node->keys < led->keys - node->keys;
}

/* Of the shard's copies, one that answers and still has what there was; -1: none. */
static int who_has_keys(const struct rop_situation *now, const struct rop_shard_memory *shard)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_answers(now->seen, i) && rop_shard_had(shard, now->seen->nodes[i].id) &&
		    !has_lost_most(&now->seen->nodes[i], rop_shard_led(shard)))
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
			"first: `redis-cli -h %s -p %d cluster failover force`",
			now->seen->nodes[has].address, now->seen->nodes[has].ip, now->seen->nodes[has].port);
	if (!r->silent_nodes)
		return "its copies have no more";
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

/* spec.onTotalLoss: Reform is a standing consent where no copy is left, nor one that may come back. */
static bool is_given_up(const struct rop_situation *now, const struct rop_shard_memory *shard,
			const struct rop_slots *slots)
{
	return now->topology->reform_on_total_loss && who_has_keys(now, shard) < 0 &&
	       copies_remembered(now, slots).silent == 0;
}

void policy_find_emptied(struct rop_situation *now)
{
	for (size_t s = 0; now->formed && s < now->image->shards.n; s++) {
		const struct rop_shard_memory *shard = &now->image->shards.at[s];
		const struct rop_copy_memory *led = rop_shard_led(shard);
		struct rop_slots slots;
		int owner = led && led->keys > 0 && rop_slots_parse(shard->slots, &slots) ? owner_of(now->seen, &slots)
											  : -1;
		if (owner < 0 || !has_lost_most(&now->seen->nodes[owner], led) ||
		    !rop_shard_had(shard, now->seen->nodes[owner].id) ||
		    !was_started_anew(now, &now->seen->nodes[owner], led) || is_given_up(now, shard, &slots))
			continue;
		*rop_push(now->arena, &now->emptied) = (struct rop_emptied){ .shard = shard, .owner = owner };
	}
}

bool rop_shard_is_emptied(const struct rop_situation *now, int number)
{
	for (size_t i = 0; i < now->emptied.n; i++)
		if (now->emptied.at[i].shard->number == number)
			return true;
	return false;
}

static struct guard weigh(const struct rop_situation *now, const struct rop_emptied *emptied)
{
	const struct rop_shard_memory *shard = emptied->shard;
	const struct rop_copy_memory *led = rop_shard_led(shard);
	const struct rop_node *node = &now->seen->nodes[emptied->owner];
	struct rop_slots slots = { 0 };
	rop_slots_parse(shard->slots, &slots); /* it was found by them */
	struct remembered r = copies_remembered(now, &slots);
	struct rop_risk risk = {
		.what = ROP_RISK_EMPTIED,
		.shard = shard->number,
		.slots = shard->slots,
		.keys = led->keys,
		.copies = r.ids,
		.nodes = r.nodes,
		.text = rop_printf(now->arena,
				   "shard %d: %s was started anew without its keys: it had %" PRId64
				   " when they were counted last, %s before, and has %s; %s",
				   shard->number, node->address, led->keys, copies_ago(now, led->seen_wall_ms),
				   node->keys ? rop_printf(now->arena, "%" PRId64, node->keys) : "none",
				   where_else(now, shard, &r)),
	};
	return guard_loss(now, &risk);
}

void risk_of_emptied(struct rop_situation *now)
{
	for (size_t i = now->emptied.n; i-- > 0;) {
		struct guard guard = weigh(now, &now->emptied.at[i]);
		if (guard.verdict == GUARD_LOSS)
			policy_note_guard(now, NULL, &guard);
		else /* a person gave them up: what is there now is remembered from here on */
			now->emptied.at[i] = now->emptied.at[--now->emptied.n];
	}
}
