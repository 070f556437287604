/* ids.c - an id, whoever has it now: who follows it, who has slots open with it, and where it was as a member. */
#include <string.h>

#include "policy.h"

/* Who follows this id, of those that answer: it may hold the last copy of its data. -1: nobody. */
int policy_follower_of(const struct rop_observed *seen, const char *id)
{
	for (size_t i = 0; i < seen->n; i++)
		if (rop_node_answers(&seen->nodes[i]) && seen->nodes[i].role == ROP_ROLE_REPLICA &&
		    strcmp(seen->nodes[i].primary_id, id) == 0)
			return (int)i;
	return -1;
}

int policy_open_towards(const struct rop_observed *seen, const char *id, int *ret_slots)
{
	int node = -1;
	*ret_slots = 0;
	for (size_t i = 0; i < seen->n; i++)
		for (size_t k = 0; k < seen->nodes[i].open.n && rop_answers(seen, i); k++) {
			if (strcmp(seen->nodes[i].open.at[k].peer, id) != 0)
				continue;
			node = (int)i;
			++*ret_slots;
		}
	return node;
}

const char *policy_address_before(const struct rop_image *image, const char *id)
{
	for (size_t m = 0; m < image->members.n; m++)
		if (strcmp(image->members.at[m].node, id) == 0)
			return image->members.at[m].address;
	return NULL;
}

int policy_in_its_place(const struct rop_observed *seen, size_t n, const struct rop_image *image, const char *id)
{
	const char *before = policy_address_before(image, id);
	for (size_t i = 0; before && i < n; i++)
		if (rop_answers(seen, i) && strcmp(seen->nodes[i].address, before) == 0)
			return (int)i;
	return -1;
}
