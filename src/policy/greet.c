/* greet.c - MEET again, among nodes that know each other, where one does not know yet who is in whose shard.
 *
 * A node that was just met gives each of its new peers a shard id of its own making, until a packet of that peer tells
 * the right one; meanwhile its nodes.conf has a replica in another shard than its primary, and Valkey 8.1 does not
 * start from such a file. On its own the packet comes within half a node timeout or more (measured: up to 13 s); a MEET
 * carries the shard id, and so ends it at once (0.1 s). Which of the two is wrong, replica or primary, is not told:
 * both greet.
 * A run that has nothing to change sends nothing: it waits.
 */
#include "policy.h"

#define GREETINGS_MAX 256 /* in one pass */

static void greet(const struct rop_situation *now, struct rop_batch *batch, int node, int viewer)
{
	if (node == viewer || !rop_answers(now->seen, (size_t)node))
		return;
	struct rop_step step = policy_step(now, ROP_STEP_GREET, node, viewer);
	policy_add(now, batch, &step);
}

void policy_greet_nodes(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	const struct rop_observed *seen = now->seen;
	struct rop_batch *batch = output;
	for (size_t v = 0; now->has_acted && v < seen->n && batch->steps.n < GREETINGS_MAX; v++) {
		if (!rop_answers(seen, v) || seen->nodes[v].shards_apart <= 0)
			continue;
		for (size_t r = 0; r < seen->n; r++)
			if (rop_bit(seen, seen->apart, v, r)) {
				greet(now, batch, (int)r, (int)v);
				greet(now, batch, seen->nodes[r].primary, (int)v);
			}
	}
}
