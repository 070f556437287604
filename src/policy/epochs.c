/* epochs.c - a primary that says a smaller config epoch than its peers hold for it.
 *
 * It came back with an older nodes.conf (a snapshot, a backup), or its last write of it was lost. Peers take a greater
 * epoch of it, never a smaller one (clusterProcessPacket in cluster.c), so the views stay apart for good, and what it
 * says of slots from then on may not be believed. CLUSTER BUMPEPOCH gives it one that is greater than all; with that it
 * would also win every slot that somebody else claims, and the loser deletes the keys. So it is done only where nobody
 * can be a loser: all nodes answer, there are no others, and every view gives this node, and no other, each slot that
 * it claims.
 */
#include <inttypes.h>
#include <string.h>

#include "copies.h"
#include "rop/text.h"

/* Its own line and those about it are not of one moment: twice the same is no accident of that. */
static bool was_so_before(const struct rop_situation *now, size_t i)
{
	const struct rop_before *before = now->before ? &now->before[i] : NULL;
	const struct rop_node *node = &now->seen->nodes[i];
	return now->looks_once || (before && before->answered && strcmp(before->id, node->id) == 0 &&
				   before->epoch == node->epoch && before->epoch_held > node->epoch);
}

const char *policy_bump_waits(const struct rop_situation *now, size_t i)
{
	const struct rop_observed *seen = now->seen;
	const struct rop_node *node = &seen->nodes[i];
	if (!rop_node_is_behind(node))
		return "no peer holds a greater config epoch for it";
	if (seen->foreign.n || seen->foreign_more)
		return "there are peers that are not declared, and one may claim the same slots";
	for (size_t j = 0; j < seen->n; j++) {
		if (!rop_answers(seen, j))
			return "not every node answers, and a silent one may claim the same slots";
		if (!rop_knows(seen, j, i) || !rop_bit(seen, seen->linked, j, i))
			return "some node has no link to it";
		if (seen->nodes[j].open_slots)
			return "slots are being moved";
	}
	if (node->named_otherwise)
		return "some view gives its slots to another node, or does not hold it for a primary";
	const char *open = copies_leadership_open(now, i);
	if (open)
		return open;
	return was_so_before(now, i) ? NULL : "a second look has to confirm it";
}

bool policy_any_behind(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_node_is_behind(&now->seen->nodes[i]) && !policy_bump_waits(now, i))
			return true;
	return false;
}
