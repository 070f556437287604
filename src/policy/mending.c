/* mending.c - which of the shards that had better be led by another node is handed over next, unasked: by a wish, as of
 * a drain, so that all else is a fail-over's.
 */
#include <string.h>

#include "handover.h"
#include "misplaced.h"

#define TRY_AGAIN_MS 60000    /* after one that was not done */
#define FAILED_REST_MS 600000 /* ... because its attempts failed: each lets clients wait */

static bool failed_just_now(const struct rop_situation *now)
{
	const struct rop_wish *last = &now->image->last_wish;
	int64_t rest_ms = last->status == ROP_WISH_FAILED ? FAILED_REST_MS : TRY_AGAIN_MS;
	return last->id && rop_wish_is_repair(last) && last->status != ROP_WISH_MET &&
	       now->wall_ms - last->closed_wall_ms < rest_ms;
}

static struct rop_wish *wish_of(const struct rop_situation *now, const struct rop_misplaced *it)
{
	const struct rop_node *from = &now->seen->nodes[it->from], *to = &now->seen->nodes[it->to];
	struct rop_wish *wish = rop_alloc(now->arena, sizeof *wish);
	*wish = (struct rop_wish){ .id = INT64_MAX,
				   .shard = it->shard,
				   .address = to->address,
				   .primary_address = from->address,
				   .asked_wall_ms = now->wall_ms,
				   .by = { .what = ROP_DEED_FAILOVER,
					   .user = "redis-operator",
					   .host = "",
					   .uid = ROP_NOBODY,
					   .command = "spec.placement.repair: Auto",
					   .reason = it->why } };
	memcpy(wish->node, to->id, ROP_ID_SIZE);
	memcpy(wish->primary, from->id, ROP_ID_SIZE);
	return wish;
}

/* The first one whose turn it can be: whichever goes first, the others stay. */
void policy_find_placement_due(struct rop_situation *now)
{
	if (!now->topology->repair_placement || now->paused || now->only_wish || now->only_drain || now->ends ||
	    now->image->wish.id || failed_just_now(now))
		return;
	for (size_t i = 0; i < now->misplaced.n && !now->placement_due; i++) {
		struct rop_wish *wish = wish_of(now, &now->misplaced.at[i]);
		const struct rop_handover *h = handover_of(now, wish);
		if (h->barred || h->hopeless || h->under_way)
			continue;
		now->placement_wish = wish;
		now->placement_due = true;
	}
}
