/* shards.c - servers with shard ids: a node that was just met is held for one of a shard of its own, until a packet of
 * it tells the right one. That takes a while, or a MEET from it. Of that follows when it is safe to end a server.
 */
#include <string.h>

#include "sim.h"

/* Whose shard has become untold: newly known, or made a replica. */
void shards_news(struct world *w, size_t node)
{
	for (size_t i = 0; w->shards_ms && i < w->truth->n; i++)
		if (i != node && rop_bit(w->truth, w->met, i, node))
			rop_bit_set(w->truth, w->untold, i, node);
}

/* true: some are still untold. */
bool shards_spread(struct world *w, int64_t passed_ms)
{
	struct rop_observed *t = w->truth;
	bool more = false;
	for (size_t i = 0; w->shards_ms && i < t->n; i++) {
		for (size_t word = 0; word < t->words; word++) {
			size_t at = i * t->words + word;
			w->untold[at] = (w->untold[at] | (t->known[at] & ~w->met[at])) & t->known[at];
			w->met[at] = t->known[at];
			for (uint64_t left = w->untold[at]; left; left &= left - 1) {
				size_t k = word * 64 + (size_t)__builtin_ctzll(left);
				uint64_t luck = world_luck(w, 's', i, k) % 1000;
				bool both = w->servers[i].up && w->servers[k].up;
				if (both && (k == i || (int64_t)luck * w->shards_ms < passed_ms * 1000))
					w->untold[at] &= ~(left & -left);
				else
					more |= both; /* the dead tell nothing: they wake it when they come back */
			}
		}
	}
	return more;
}

/* A MEET of `node` to `peer` carries its shard. */
void shards_greeted(struct world *w, size_t node, size_t peer)
{
	if (w->shards_ms && w->servers[peer].up)
		rop_bit_clear(w->truth, w->untold, peer, node);
}

/* What CLUSTER SHARDS of `viewer` shows. */
void shards_show(const struct world *w, struct rop_observed *seen, size_t viewer)
{
	for (size_t i = 0; w->shards_ms && i < seen->n; i++) {
		int primary = seen->nodes[i].primary;
		if (seen->nodes[i].role != ROP_ROLE_REPLICA || primary < 0 ||
		    !(rop_bit(w->truth, w->untold, viewer, i) || rop_bit(w->truth, w->untold, viewer, (size_t)primary)))
			continue;
		rop_bit_set(seen, seen->apart, viewer, i);
		seen->nodes[viewer].shards_apart++;
	}
}

int shards_apart(const struct world *w)
{
	const struct rop_observed *t = w->truth;
	int apart = 0;
	for (size_t v = 0; w->shards_ms && v < leave_staying(w->sim); v++)
		for (size_t i = 0; w->servers[v].up && i < leave_staying(w->sim); i++) {
			const struct rop_node *node = &t->nodes[i];
			apart += node->role == ROP_ROLE_REPLICA && node->primary >= 0 &&
				 (rop_bit(t, w->untold, v, i) || rop_bit(t, w->untold, v, (size_t)node->primary));
		}
	return apart;
}

/* Who knows somebody at the start was told long ago. */
void shards_begin(struct world *w)
{
	uint64_t luck = world_luck(w, 'h', 0, 0);
	w->shards_ms = luck % 1000 < 400 ? 100 + (int64_t)(luck / 1000 % 9000) : 0;
	memcpy(w->met, w->truth->known, w->truth->n * w->truth->words * sizeof *w->met);
}
