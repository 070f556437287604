/* orphans.c - slots of an id that nobody has any more: its server was started anew under another one before the others
 * called it failed. Servers elect nobody in the place of an id without an address (7.0 and 8.0: measured, never), and
 * its replica asks at that address for data: what it has is the last copy, or was wiped already. It takes the slots
 * over (CLUSTER FAILOVER FORCE, which needs the others' votes).
 *
 * Where it still has keys it does so at once; else the servers have their time to elect it by themselves. And only
 * where the old one cannot come back: all declared nodes answer, one of them at its address, under another id, and
 * empty; and where nobody else claims its slots.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "rop/text.h"

#define ELECTION_MS 2000      /* beyond a node timeout: votes, and a second attempt */
#define TIMEOUT_UNKNOWN 15000 /* where a node does not tell cluster-node-timeout */

/* Of those that follow it, who has most keys, and then most of its stream. */
static int best_copy(const struct rop_observed *seen, const char *id)
{
	int best = -1;
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		if (node->role != ROP_ROLE_REPLICA || strcmp(node->primary_id, id) != 0)
			continue;
		if (node->keys < 0)
			return -1; /* unknown is never empty */
		const struct rop_node *other = best >= 0 ? &seen->nodes[best] : NULL;
		if (!other || node->keys > other->keys || (node->keys == other->keys && node->offset > other->offset))
			best = (int)i;
	}
	return best;
}

/* Most of those that own slots have to hear of it and vote for it, and the one that is gone counts. */
static bool have_votes(const struct rop_situation *now, const struct rop_slots *orphaned, int copy)
{
	size_t owners = 1, vote = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (rop_slots_empty(&node->slots))
			continue;
		if (rop_slots_meet(&node->slots, orphaned))
			return false;
		owners++;
		vote += rop_bit(now->seen, now->seen->linked, i, (size_t)copy) &&
			rop_bit(now->seen, now->seen->linked, (size_t)copy, i);
	}
	return vote * 2 > owners;
}

/* Besides the one that is new: then not all would hear of the election. */
static bool members_lost_each_other(const struct rop_observed *seen, int place)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = 0; j < seen->n; j++)
			if (i != j && (int)i != place && (int)j != place && !rop_knows(seen, i, j))
				return true;
	return false;
}

static bool is_empty(const struct rop_node *node)
{
	return node->keys == 0 && rop_slots_empty(&node->slots) && node->role == ROP_ROLE_PRIMARY && !node->open_slots;
}

/* What it has is wiped as soon as its link is up: then there is nothing to wait for. */
static bool is_due(const struct rop_situation *now, int copy)
{
	const struct rop_node *node = &now->seen->nodes[copy];
	const char *value = rop_observed_value(now->seen, (size_t)copy, "cluster-node-timeout");
	int64_t timeout = value ? strtoll(value, NULL, 10) : TIMEOUT_UNKNOWN;
	int64_t since = now->before ? now->before[copy].orphan_since_ms : 0;
	return now->looks_once || (node->keys > 0 && !node->link_up) ||
	       (since && now->boot_ms - since >= timeout + ELECTION_MS);
}

static const char *price(const struct rop_situation *now, const struct rop_node *copy)
{
	if (copy->keys == 0)
		return "it has no key left: it was wiped by the empty one; no other node has any";
	return rop_printf(now->arena,
			  "it has %" PRId64
			  " key%s; what was acknowledged in the last moments before, and had not come "
			  "to it, is gone",
			  copy->keys, rop_plural(copy->keys));
}

bool policy_find_orphan(struct rop_situation *now, const struct rop_foreign *peer, int place)
{
	const struct rop_observed *seen = now->seen;
	struct rop_slots slots;
	int open;
	if (!now->all_answer || !peer->slots || !rop_slots_parse(peer->slots, &slots) || peer->linked ||
	    peer->addresses_differ || seen->n != seen->asked - seen->n_leaving || seen->foreign_more ||
	    !is_empty(&seen->nodes[place]) || policy_open_towards(seen, peer->id, &open) >= 0)
		return false;
	int copy = best_copy(seen, peer->id);
	if (copy < 0 || seen->nodes[copy].named_otherwise || members_lost_each_other(seen, place) ||
	    !have_votes(now, &slots, copy))
		return false;
	struct rop_orphan *orphan = rop_alloc(now->arena, sizeof *orphan);
	*orphan = (struct rop_orphan){ .id = peer->id, .copy = copy, .place = place, .due = is_due(now, copy) };
	orphan->price = price(now, &seen->nodes[copy]);
	if (!now->orphan) /* one after the other: two elections at a time split the votes */
		now->orphan = orphan;
	policy_warn(
		now, copy, ROP_WHY_REPLACED,
		rop_printf(now->arena,
			   "%s was node %s when it was seen last, and answers as %s, empty: its nodes.conf was lost; "
			   "the old id owns the slots %.120s still, and %s, which followed it, takes them over: %s",
			   seen->nodes[place].address, peer->id, seen->nodes[place].id, peer->slots,
			   seen->nodes[copy].address, orphan->price),
		NULL);
	return true;
}

void policy_take_over(const void *subject, const int64_t *args, void *output)
{
	const struct rop_situation *now = subject;
	(void)args;
	if (!now->orphan || !now->orphan->due)
		return;
	struct rop_step step = policy_step(now, ROP_STEP_FAILOVER, now->orphan->copy, -1);
	memcpy(step.expect.peer, now->orphan->id, strlen(now->orphan->id) + 1);
	step.expect.value = ROP_FAILOVER_FORCE;
	policy_add(now, output, &step);
}
