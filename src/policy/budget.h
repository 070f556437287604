/* budget.h - of this folder: how much of a cluster what we do unforced may disturb (spec.disruption). The one place
 * that planners and the guard ask.
 *
 * Unforced is all that could as well be done tomorrow: that a person wants a shard led by another node, that a host is
 * drained, that a node leaves, that a replica changes its shard, that slots begin to move. What mends (a replica that
 * is attached, slots that nobody owns) is not, and what was begun is seen through.
 *
 * A shard is disturbed while its leadership is on its way by our doing, or a node of it is silent because somebody
 * drains its host. A hand-over takes no copy away: who led follows. Each answer is NULL where nothing stands against
 * it, else a sentence, in the situation's arena.
 */
#ifndef ROP_POLICY_BUDGET_H
#define ROP_POLICY_BUDGET_H

#include "policy.h"

/* How many shards at most: shardsAtOnce, and never as many as would be a majority of the primaries; at least one. */
int budget_shards(const struct rop_situation *now);
/* In-sync replicas that the shard which `primary` leads keeps besides it: keepCopies, where as many are declared. */
size_t budget_keeps(const struct rop_situation *now, size_t primary);
/* Those that it has, on hosts that nobody is about to stop; `but` not counted. */
size_t budget_copies(const struct rop_situation *now, size_t primary, size_t but);

/* That shard is to be disturbed, and others are. for_drain: its primary's host is drained, and what is silent there
 * already is part of the same. */
const char *budget_of_shard(const struct rop_situation *now, const struct rop_batch *batch, size_t primary,
			    bool for_drain);
/* `node` is to be taken from the copies of the shard that `primary` leads. */
const char *budget_of_copy(const struct rop_situation *now, size_t primary, size_t node);
/* `node` is to get a role that it does not have. */
const char *budget_of_role(const struct rop_situation *now, size_t node);
/* Something optional is to begin: slots that are to move, a node that is to leave. */
const char *budget_of_optional(const struct rop_situation *now);

#endif
