/* risk_failover.c - the guard's rules for a fail-over: nothing is lost by one that the primary has a part in, as long
 * as the shard is whole, and nothing else is under way.
 */
#include "budget.h"
#include "by_server.h"
#include "copies.h"
#include "drained.h"
#include "risks.h"
#include "rop/text.h"

/* Slots of the primary that are open, there or towards it, or that servers move by themselves: what was begun with one
 * node is not known to the other. */
static const char *slots_on_their_way(const struct rop_situation *now, size_t primary)
{
	const struct rop_node *node = &now->seen->nodes[primary];
	int slots;
	if (node->open_slots || policy_open_towards(now->seen, node->id, &slots) >= 0)
		return rop_printf(now->arena, "slots are on their way to or from %s", node->address);
	if (by_server_is_busy(now, primary))
		return rop_printf(now->arena, "slots are on their way to or from %s, by a job of the servers",
				  node->address);
	return NULL;
}

/* Two elections at a time split the votes. */
static const char *another_one(const struct rop_situation *now, const struct rop_batch *batch, size_t primary)
{
	for (size_t i = 0; i < batch->steps.n; i++)
		if (batch->steps.at[i].expect.kind == ROP_STEP_FAILOVER)
			return "another shard is being handed over";
	return guard_hands_over(now, (int)primary) ? "another shard is being handed over" : NULL;
}

/* The primary lets the replica catch up before it hands over (CLUSTER FAILOVER without FORCE). */
struct guard risk_of_failover(const struct rop_situation *now, const struct rop_batch *batch,
			      const struct rop_step *step)
{
	size_t heir = (size_t)step->node, primary = (size_t)step->peer;
	const char *open = copies_leadership_open(now, primary);
	if (open)
		return guard_wait(open);
	if (!copies_in_sync(now->seen, heir, primary))
		return guard_wait(rop_printf(now->arena, "%s is not in sync with %s", now->seen->nodes[heir].address,
					     now->seen->nodes[primary].address));
	open = budget_of_role(now, heir);
	if (!open)
		open = slots_on_their_way(now, primary);
	if (!open)
		open = another_one(now, batch, primary);
	if (!open)
		open = budget_of_shard(now, batch, primary, drained_is(now, primary));
	return open ? guard_wait(open) : guard_go;
}

/* In the place of an id that nobody has any more: orphans.c. */
struct guard risk_of_take_over(const struct rop_situation *now, const struct rop_step *step)
{
	const struct rop_orphan *orphan = now->orphan;
	if (!orphan || orphan->copy != step->node || strcmp(orphan->id, step->expect.peer) != 0)
		return guard_wait("nobody is known to be gone for good whom it followed");
	if (!orphan->due)
		return guard_wait("the servers may elect it by themselves");
	return guard_durability("failover", 0, orphan->price);
}
