/* settle.c - what happens without a command: acquaintance spreads, views become equal, links come up, states turn ok.
 *
 * Written once; plans are made on it, the simulator spreads it over time, and live tests hold it against servers.
 */
#include <string.h>

#include "rop/policy.h"

static void become_acquainted(struct rop_observed *seen, size_t node, const uint64_t *with)
{
	uint64_t *row = &seen->known[node * seen->words];
	int others = 0;
	for (size_t w = 0; w < seen->words; w++) {
		row[w] |= with[w];
		others += __builtin_popcountll(row[w]);
	}
	others -= (int)rop_bit(seen, seen->known, node, node);
	seen->nodes[node].others = others + seen->nodes[node].strangers;
	seen->nodes[node].handshakes = 0;
}

/* Gossip: acquaintance becomes mutual (the one that is met dials back) and transitive (gossip names third nodes).
 * Nobody becomes acquainted with one that does not answer: that takes a handshake. */
static void spread_acquaintance(struct rop_observed *seen, struct rop_arena *arena)
{
	bool *done = rop_alloc_n(arena, seen->n, sizeof *done);
	size_t *group = rop_alloc_n(arena, seen->n, sizeof *group);
	uint64_t *mask = rop_alloc_n(arena, seen->words + 1, sizeof *mask);
	for (size_t start = 0; start < seen->n; start++) {
		if (done[start] || !rop_answers(seen, start))
			continue;
		size_t n = 0;
		group[n++] = start;
		done[start] = true;
		memset(mask, 0, seen->words * sizeof *mask);
		mask[start / 64] |= (uint64_t)1 << (start % 64);
		for (size_t at = 0; at < n; at++) {
			for (size_t j = 0; j < seen->n; j++) {
				bool linked = rop_bit(seen, seen->known, group[at], j) ||
					      (rop_answers(seen, j) && rop_bit(seen, seen->known, j, group[at]));
				if (!linked || (mask[j / 64] >> (j % 64) & 1))
					continue;
				mask[j / 64] |= (uint64_t)1 << (j % 64);
				if (rop_answers(seen, j)) {
					done[j] = true;
					group[n++] = j;
				}
			}
		}
		for (size_t j = 0; j < seen->n; j++)
			if (!rop_answers(seen, j))
				mask[j / 64] &= ~((uint64_t)1 << (j % 64));
		for (size_t at = 0; at < n; at++)
			become_acquainted(seen, group[at], mask);
	}
}

/* Of slots that it gives away it is told (SETSLOT NODE); that it may hear of it before that changes nothing. */
static struct rop_slots open_at(const struct rop_node *node)
{
	struct rop_slots slots = { 0 };
	for (size_t k = 0; k < node->open.n; k++)
		if (!node->open.at[k].importing)
			rop_slots_add(&slots, node->open.at[k].slot, node->open.at[k].slot);
	return slots;
}

/* Who claims slots; all that are claimed; and whether any slot is by two. */
struct claims {
	uint64_t *owners; /* [node] */
	struct rop_slots all;
	bool rivals;
};

static void find_claims(const struct rop_observed *seen, struct claims *ret)
{
	ret->rivals = false;
	memset(&ret->all, 0, sizeof ret->all);
	memset(ret->owners, 0, seen->words * sizeof *ret->owners);
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_slots *slots = &seen->nodes[i].slots;
		if (rop_slots_empty(slots))
			continue;
		ret->owners[i / 64] |= (uint64_t)1 << (i % 64);
		ret->rivals |= rop_slots_meet(&ret->all, slots);
		rop_slots_join(&ret->all, slots);
	}
}

/* Where two claim a slot and know each other, the greater config epoch has it (clusterUpdateSlotsConfigWith). */
static void settle_claims(struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		for (size_t j = 0; j < seen->n; j++) {
			struct rop_node *a = &seen->nodes[i];
			const struct rop_node *b = &seen->nodes[j];
			if (i == j || !rop_answers(seen, i) || !rop_bit(seen, seen->known, i, j) ||
			    b->epoch <= a->epoch || !rop_slots_meet(&a->slots, &b->slots))
				continue;
			struct rop_slots open = open_at(a);
			for (size_t w = 0; w < ROP_SLOTS / 64; w++)
				a->slots.bits[w] &= ~b->slots.bits[w] | open.bits[w];
		}
	}
}

/* A replica whose primary has become one follows there, too. */
static void follow_further(struct rop_observed *seen)
{
	for (size_t hops = 0; hops < 2; hops++)
		for (size_t i = 0; i < seen->n; i++) {
			struct rop_node *node = &seen->nodes[i];
			const struct rop_node *primary = node->primary >= 0 ? &seen->nodes[node->primary] : NULL;
			if (!rop_answers(seen, i) || node->role != ROP_ROLE_REPLICA || !primary ||
			    primary->role != ROP_ROLE_REPLICA || primary->primary < 0 || primary->primary == (int)i)
				continue;
			node->primary = primary->primary;
			memcpy(node->primary_id, primary->primary_id, ROP_ID_SIZE);
		}
}

/* In sync: it holds what its primary holds. */
static void follow_primaries(struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if (!rop_answers(seen, i) || node->role != ROP_ROLE_REPLICA || node->primary < 0 ||
		    !rop_answers(seen, (size_t)node->primary))
			continue;
		const struct rop_node *primary = &seen->nodes[node->primary];
		node->link_up = true;
		node->syncing = false;
		node->epoch = primary->epoch;
		node->keys = primary->keys;
		node->offset = primary->offset;
		memcpy(node->replid, primary->replid, sizeof node->replid);
		rop_bit_set(seen, seen->online, (size_t)node->primary, i);
	}
}

/* Who is dialled learns where the other is. */
static void find_back(struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = 0; j < seen->n; j++)
			if (rop_answers(seen, i) && rop_answers(seen, j) && rop_knows(seen, i, j))
				rop_bit_clear(seen, seen->astray, j, i);
}

/* What it knows to be covered, and whether most of those that have slots are there. */
static bool is_covered(const struct rop_observed *seen, size_t viewer, const struct claims *claims, const uint64_t *up)
{
	const uint64_t *known = &seen->known[viewer * seen->words];
	int owners = 0, owners_up = 0;
	bool all = true;
	for (size_t w = 0; w < seen->words; w++) {
		owners += __builtin_popcountll(known[w] & claims->owners[w]);
		owners_up += __builtin_popcountll(known[w] & claims->owners[w] & up[w]);
		all &= !(claims->owners[w] & ~known[w]);
	}
	struct rop_slots covered = { 0 };
	for (size_t j = 0; j < seen->n && !all; j++)
		if (rop_bit(seen, seen->known, viewer, j))
			rop_slots_join(&covered, &seen->nodes[j].slots);
	return rop_slots_count(all ? &claims->all : &covered) == ROP_SLOTS && owners_up * 2 > owners;
}

void rop_settle(struct rop_observed *seen)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct claims claims = { .owners = rop_alloc_n(arena, seen->words + 1, sizeof *claims.owners) };
	spread_acquaintance(seen, arena);
	find_claims(seen, &claims);
	if (claims.rivals) {
		settle_claims(seen);
		find_claims(seen, &claims);
	}
	follow_further(seen);
	follow_primaries(seen);
	if (rop_observed_any_astray(seen))
		find_back(seen);
	uint64_t *up = rop_alloc_n(arena, seen->words + 1, sizeof *up);
	for (size_t i = 0; i < seen->n; i++)
		if (rop_answers(seen, i))
			up[i / 64] |= (uint64_t)1 << (i % 64);

	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if (!rop_answers(seen, i))
			continue;
		for (size_t w = 0; w < seen->words; w++) {
			size_t at = i * seen->words + w;
			seen->linked[at] |= seen->known[at] & up[w] & ~seen->astray[at];
			seen->agrees[at] |= seen->known[at] & up[w];
		}
		for (size_t j = 0; j < seen->n; j++) {
			const struct rop_node *other = &seen->nodes[j];
			if (i != j && rop_node_is_behind(other)) /* a smaller epoch than before is not believed */
				rop_bit_clear(seen, seen->agrees, i, j);
			if (node->current_epoch < other->epoch && rop_bit(seen, seen->known, i, j))
				node->current_epoch = other->epoch;
		}
		node->state_ok = is_covered(seen, i, &claims, up);
	}
}
