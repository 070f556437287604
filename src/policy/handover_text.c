/* handover_text.c - how far a hand-over is, and how each replica stands to it, in a sentence. */
#include <inttypes.h>

#include "handover.h"
#include "rop/text.h"

#define MS_PER_S 1000

const char *rop_handover_sentence(struct rop_arena *arena, const struct rop_handover *h)
{
	const struct rop_node *nodes = h->now->seen->nodes;
	int shard = h->wish->shard;
	const char *to = h->to >= 0 ? nodes[h->to].address : "another node";
	if (h->hopeless)
		return rop_printf(arena, "shard %d is not handed over: %s", shard, h->hopeless);
	if (h->confirmed)
		return rop_printf(arena, "%s leads shard %d, as all nodes say", to, shard);
	if (h->handed_over)
		return rop_printf(arena, "%s leads shard %d; %s", to, shard, h->barred);
	if (h->under_way)
		return rop_printf(arena, "%s takes shard %d over from %s; writes wait meanwhile, %" PRId64 " s at most",
				  h->to >= 0 ? to : "a replica", shard, h->from >= 0 ? nodes[h->from].address : "?",
				  (rop_handover_pause_ms(h) + MS_PER_S - 1) / MS_PER_S);
	if (h->rests && !h->wish->failures)
		return rop_printf(arena,
				  "%s gave slots away just now; the servers vote for no other node in its place for "
				  "%" PRId64 " s",
				  nodes[h->from].address, (h->rests_ms + MS_PER_S - 1) / MS_PER_S);
	if (h->rests)
		return rop_printf(
			arena,
			"attempt %d of %d to hand shard %d over failed (%s); the servers take no other one for "
			"%" PRId64 " s",
			h->wish->failures, ROP_WISH_ATTEMPTS, shard,
			h->wish->failure ? h->wish->failure : "nothing was seen of it",
			(h->rests_ms + MS_PER_S - 1) / MS_PER_S);
	if (h->barred)
		return rop_printf(arena, "the fail-over of shard %d waits: %s", shard, h->barred);
	return rop_printf(arena, "%s is to take shard %d over from %s", to, shard, nodes[h->from].address);
}

const char *rop_candidate_sentence(struct rop_arena *arena, const struct rop_handover *h, const struct rop_candidate *c)
{
	const struct rop_declared_node *declared = &h->now->topology->nodes.at[c->node];
	const char *zone = declared->zone ? rop_printf(arena, ", zone %s", declared->zone) : "";
	const char *lag = c->lag < 0 ? "lag unknown"
				     : rop_printf(arena, "%" PRId64 " byte%s behind", c->lag, rop_plural(c->lag));
	if (!c->ready)
		return rop_printf(arena, "%s%s: %s", lag, zone, c->why);
	return rop_printf(arena, "%s%s: in sync%s", lag, zone, c->node == h->to ? ", takes over" : "");
}
