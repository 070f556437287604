/* leave_broken.c - operators that are broken on purpose, in what they see of nodes that leave. */
#include <string.h>

#include "sim.h"

void leave_pretend_in_sync(struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if (!rop_answers(seen, i) || node->role != ROP_ROLE_REPLICA || node->primary < 0)
			continue;
		node->link_up = true;
		node->syncing = false;
		rop_bit_set(seen, seen->online, (size_t)node->primary, i);
		rop_bit_clear(seen, seen->unlisted, (size_t)node->primary, i);
	}
}

/* Its slots are another one's already. */
static void pretend_drained(struct rop_observed *seen, size_t leaver)
{
	struct rop_node *node = &seen->nodes[leaver];
	for (size_t i = 0; i < seen->n - seen->n_leaving; i++)
		if (rop_answers(seen, i) && seen->nodes[i].role == ROP_ROLE_PRIMARY &&
		    !rop_slots_empty(&seen->nodes[i].slots)) {
			rop_slots_join(&seen->nodes[i].slots, &node->slots);
			memset(&node->slots, 0, sizeof node->slots);
			return;
		}
}

void leave_hide(struct sim *s, struct rop_observed *seen)
{
	for (size_t f = 0; s->sabotage == SABOTAGE_GHOST_OWNS && f < seen->foreign.n; f++) {
		seen->foreign.at[f].slots = NULL;
		for (size_t i = 0; i < seen->n; i++)
			if (strcmp(seen->nodes[i].primary_id, seen->foreign.at[f].id) == 0)
				seen->nodes[i].primary_id[0] = '\0';
	}
	if (s->sabotage == SABOTAGE_RESET_EARLY && seen->n_leaving)
		leave_pretend_in_sync(seen);
	for (size_t i = seen->n - seen->n_leaving; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if (s->sabotage == SABOTAGE_FORGET_FIRST || s->sabotage == SABOTAGE_FORGET_OWNER)
			node->others = 0;
		if (s->sabotage == SABOTAGE_FORGET_OWNER && rop_answers(seen, i) && node->role == ROP_ROLE_PRIMARY)
			pretend_drained(seen, i);
	}
}
