/* takeover_text.c - how far a take-over is, and how each replica stands to it, in a sentence. */
#include <inttypes.h>

#include "policy.h"
#include "rop/takeover.h"
#include "rop/text.h"

const char *rop_takeover_sentence(struct rop_arena *arena, const struct rop_takeover *t)
{
	const struct rop_node *nodes = t->now->seen->nodes;
	const char *heir = t->heir >= 0 ? nodes[t->heir].address : "a replica";
	if (t->confirmed)
		return rop_printf(arena, "%s leads shard %d, as all say that answer", heir, t->asked->shard);
	if (t->done)
		return rop_printf(arena, "%s leads shard %d; not all that answer have heard of it yet", heir,
				  t->asked->shard);
	if (t->under_way)
		return rop_printf(arena, "%s was asked to take shard %d over", heir, t->asked->shard);
	if (t->barred)
		return rop_printf(arena, "shard %d is not taken over: %s", t->asked->shard, t->barred);
	return rop_printf(arena, "%s can take shard %d over, with consent to what that costs", heir, t->asked->shard);
}

const char *rop_takeover_candidate_sentence(struct rop_arena *arena, const struct rop_takeover *t,
					    const struct rop_candidate *c)
{
	const struct rop_node *node = &t->now->seen->nodes[c->node];
	const char *keys = "", *lag = "", *stands = c->why;
	if (c->ready)
		stands = c->node == t->heir ? "takes over" : "could take over";
	if (rop_node_answers(node) && node->keys >= 0)
		keys = rop_printf(arena, "%" PRId64 " key%s, ", node->keys, rop_plural(node->keys));
	if (c->lag >= 0)
		lag = rop_printf(arena, "%" PRId64 " byte%s behind, ", c->lag, rop_plural(c->lag));
	return rop_printf(arena, "%s%s%s", keys, lag, stands);
}
