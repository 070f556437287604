/* risk_retire.c - what it may cost to hand a shard over, to reset a node that leaves, and to have it forgotten.
 *
 * CLUSTER RESET throws away what a replica has, and FORGET is for who must not come back: what the node holds must be
 * held by who leads its shard, and by as many replicas in sync as are declared; nobody follows it, and it owns nothing.
 */
#include <inttypes.h>
#include <string.h>

#include "budget.h"
#include "copies.h"
#include "risks.h"
#include "rop/text.h"

static const struct rop_retirement *retirement_of(const struct rop_situation *now, const char *id)
{
	int node = rop_observed_find_leaving(now->seen, id);
	for (size_t i = 0; i < now->retirements.n; i++)
		if (now->retirements.at[i].node == node)
			return &now->retirements.at[i];
	return NULL;
}

static struct guard of_replica(const struct rop_situation *now, size_t i)
{
	const struct rop_observed *seen = now->seen;
	const struct rop_node *node = &seen->nodes[i];
	if (node->primary < 0 || (size_t)node->primary >= seen->asked)
		return guard_wait(rop_printf(now->arena,
					     "%s holds data of a primary that is none of the declared nodes",
					     node->address));
	size_t primary = (size_t)node->primary;
	bool leaves = primary >= seen->n;
	const char *open = leaves ? NULL : copies_leadership_open(now, primary);
	if (open)
		return guard_wait(open);
	if (!copies_in_sync(seen, i, primary))
		return guard_wait(rop_printf(now->arena,
					     "%s is not in sync with %s: what it has that the others lack is not known",
					     node->address, seen->nodes[primary].address));
	if (leaves) /* it owns nothing any more, and goes only when it is empty, after this one */
		return guard_go;
	size_t ready = copies_ready(now, primary, i), wanted = copies_wanted(now, primary);
	if (ready < wanted)
		return guard_wait(rop_printf(now->arena, "%s would have %zu of %zu replicas in sync without %s",
					     seen->nodes[primary].address, ready, wanted, node->address));
	const char *why = budget_of_copy(now, primary, i);
	if (!why)
		why = budget_of_optional(now);
	return why ? guard_wait(why) : guard_go;
}

/* One that leaves too, and would lose with its primary whom to catch up with. */
static const char *follower_of(const struct rop_situation *now, const struct rop_node *node)
{
	for (size_t i = 0; i < now->retirements.n; i++) {
		const struct rop_retirement *r = &now->retirements.at[i];
		const struct rop_node *other = &now->seen->nodes[r->node];
		if (r->present && !r->alone && other->role == ROP_ROLE_REPLICA &&
		    strcmp(other->primary_id, node->id) == 0)
			return other->address;
	}
	return NULL;
}

struct guard risk_of_reset(const struct rop_situation *now, const struct rop_step *step)
{
	const struct rop_node *node = &now->seen->nodes[step->node];
	const struct rop_retirement *r = retirement_of(now, node->id);
	if (!r || !r->present)
		return guard_wait("it is no node that leaves");
	if (!r->drained || (size_t)step->node < now->seen->n || !rop_slots_empty(&node->slots))
		return guard_wait("it is needed still, or another one that leaves is");
	const char *follower = follower_of(now, node);
	if (follower)
		return guard_wait(rop_printf(now->arena, "%s, which leaves too, follows it and goes first", follower));
	if (node->keys == 0)
		return guard_go;
	if (node->role == ROP_ROLE_REPLICA)
		return of_replica(now, (size_t)step->node);
	if (node->keys == ROP_COUNT_UNKNOWN)
		return guard_unknown(now, (size_t)step->node, "how many keys it holds");
	return guard_wait(rop_printf(now->arena, "%s holds %" PRId64 " keys that no other node is known to have",
				     node->address, node->keys));
}

/* Who is silent is forgotten, too: it owns nothing in any view, and is looked at again when it comes back. */
struct guard risk_of_forget(const struct rop_situation *now, const struct rop_step *step)
{
	const struct rop_retirement *r = retirement_of(now, step->expect.peer);
	if (!r || !r->drained || (size_t)step->node >= now->seen->n)
		return guard_wait("it is needed still, or another one that leaves is");
	int declared = rop_observed_find(now->seen, step->expect.peer);
	if (declared >= 0 && (size_t)declared < now->seen->asked - now->seen->n_leaving)
		return guard_wait("a declared node has that id");
	if (!r->alone)
		return guard_wait("it still knows the others, and would come back");
	if (r->given_up)
		return now->all_answer ? (struct guard){ .verdict = GUARD_GO, .risk = *r->loss }
				       : guard_wait("not all nodes that stay answer");
	for (size_t i = 0; i < now->retirements.n; i++) /* who hands over knows it, and is reset next */
		if (now->retirements.at[i].leads && now->retirements.at[i].heir >= 0)
			return guard_wait("another one that leaves hands its shard over first");
	if (!now->all_answer || !now->slots_assigned || !now->state_ok)
		return guard_wait("the nodes that stay are not all well");
	return guard_go;
}
