/* room.c - do the shards that get slots have the memory for what comes with them? Asked before the first slot moves;
 * what was begun is walked to its end, for a server that is full says so itself and nothing is lost by it.
 *
 * What comes is an even part of what the keys of its owner take; it is counted in full, also where the node gives some
 * away meanwhile: it gets the others first, maybe. Replicas get the same as their primary.
 */
#include "copies.h"
#include "migrations.h"
#include "rop/text.h"

#define TAKERS_SHOWN 4

struct coming {   /* to one shard */
	bool any; /* slot */
	double bytes;
	bool unknown; /* some giver does not tell how much it has */
};

static struct coming *what_comes(const struct rop_situation *now)
{
	struct coming *coming = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *coming);
	double *of_a_slot = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *of_a_slot);
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int slots = rop_slots_count(&node->slots);
		if (node->keys != 0 && slots)
			of_a_slot[i] = node->data_memory < 0 ? -1 : (double)node->data_memory / slots;
	}
	for (int s = 0; s < ROP_SLOTS; s++) {
		struct coming *to = &coming[now->aim[s]];
		double bytes = of_a_slot[now->owner[s]];
		if (now->owner[s] == now->aim[s])
			continue;
		to->any = true;
		to->unknown |= bytes < 0;
		to->bytes += bytes > 0 ? bytes : 0;
	}
	return coming;
}

static void find_too_small(struct rop_situation *now, size_t i, int64_t coming, int64_t would_use)
{
	const struct rop_node *node = &now->seen->nodes[i];
	policy_find(
		now, (int)i, ROP_WHY_NO_ROOM,
		rop_printf(now->arena,
			   "%s would get about %s with its slots and then use %s, and its maxmemory is %s: it would "
			   "%s",
			   node->address, rop_bytes_about(now->arena, coming), rop_bytes_about(now->arena, would_use),
			   rop_bytes_about(now->arena, node->max_memory),
			   node->evicts ? "delete keys to make room (maxmemory-policy)"
					: "refuse them, and what clients write"),
		"raise its maxmemory where its host has the memory, declare shardWeights that give it fewer slots, "
		"or more shards");
}

struct takers { /* of which it is not known, for one reason */
	const char **at;
	size_t n;
};

static struct takers takers_new(const struct rop_situation *now)
{
	return (struct takers){ .at = rop_alloc_n(now->arena, now->seen->n + 1, sizeof(char *)) };
}

static void look_at_taker(struct rop_situation *now, size_t i, const struct coming *coming, struct takers *unlimited,
			  struct takers *silent)
{
	const struct rop_node *node = &now->seen->nodes[i];
	if (!rop_node_answers(node) || node->used_memory == ROP_COUNT_NOT_ASKED)
		return;
	if (node->used_memory < 0 || node->max_memory < 0 || coming->unknown)
		silent->at[silent->n++] = node->address;
	else if (node->max_memory == 0 && coming->bytes > 0)
		unlimited->at[unlimited->n++] = node->address;
	else if (node->max_memory > 0 && (double)node->used_memory + coming->bytes > (double)node->max_memory)
		find_too_small(now, i, (int64_t)coming->bytes, node->used_memory + (int64_t)coming->bytes);
}

static void warn(struct rop_situation *now, const struct takers *takers, enum rop_reason is, const char *why,
		 const char *advice)
{
	if (!takers->n)
		return;
	policy_warn(now, -1, is,
		    rop_printf(now->arena,
			       "whether %s %s the memory for the keys that come with the slots is not known: %s",
			       rop_text_some(now->arena, takers->at, takers->n, TAKERS_SHOWN),
			       takers->n == 1 ? "has" : "have", why),
		    advice);
}

void policy_find_room(struct rop_situation *now)
{
	if (!now->aim || now->moving || !now->slots_to_move)
		return;
	struct takers unlimited = takers_new(now), silent = takers_new(now);
	const struct coming *coming = what_comes(now);
	for (size_t i = 0; i < now->seen->n; i++) {
		int leader = copies_root(now->seen, i);
		if (leader >= 0 && coming[leader].any)
			look_at_taker(now, i, &coming[leader], &unlimited, &silent);
	}
	warn(now, &unlimited, ROP_WHY_NO_LIMIT, "no maxmemory is set there",
	     "see that the hosts have it; 'maxmemory' below spec.settings sets a limit, which is then compared");
	warn(now, &silent, ROP_WHY_ROOM_UNKNOWN, "what is used there, or what comes, was not told (INFO memory)",
	     POLICY_ALLOW);
}

bool policy_room_is_asked(const struct rop_situation *now, size_t node)
{
	return now->moving || now->seen->nodes[node].used_memory != ROP_COUNT_NOT_ASKED;
}
