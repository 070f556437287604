/* failing_over.c - the vocabulary of the machine `failover`: how a shard's leadership goes to another node. */
#include "handover.h"
#include "rop/permissions.h"
#include "words.h"

WORDS_ON(struct rop_handover)

WORDS_FLAG(handed_over)
WORDS_FLAG(confirmed)
WORDS_FLAG(under_way)
WORDS_FLAG(rests)

static bool is_barred(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->barred != NULL;
}

static bool is_hopeless(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->hopeless != NULL;
}

/* ---- actions ------------------------------------------------------------------------------------------------- */

static void hand_over(const void *subject, const int64_t *args, void *output)
{
	const struct rop_handover *h = on(subject);
	struct rop_step step;
	(void)args;
	if (handover_step(h, &step))
		policy_add(h->now, output, &step);
}

#define BROADCASTS_SINCE_VALKEY 80000 /* a role that changed */

/* The new primary tells all others of it, the old one does not before its next ping to each, which may be half a node
 * timeout away; a MEET carries its role at once. */
static void tell_others(const struct rop_handover *h, struct rop_batch *batch, size_t viewer)
{
	const struct rop_situation *now = h->now;
	int about = handover_unheard(h, viewer);
	const struct rop_node *node = about < 0 ? NULL : &now->seen->nodes[about];
	if (!node || node->forbidden & ROP_PERMIT(MEET) ||
	    (node->valkey && node->own_version >= BROADCASTS_SINCE_VALKEY) ||
	    (about != h->from && (node->role != ROP_ROLE_REPLICA || node->primary != h->from)))
		return;
	struct rop_step step = policy_step(now, ROP_STEP_GREET, about, (int)viewer);
	step.expect.name = ROP_GREET_ROLE;
	policy_add(now, batch, &step);
}

static void spread_news(const void *subject, const int64_t *args, void *output)
{
	const struct rop_handover *h = on(subject);
	(void)args;
	for (size_t v = 0; v < h->now->seen->n; v++)
		tell_others(h, output, v);
}

static void end(const struct rop_handover *h, struct rop_batch *batch, enum rop_wish_status status, const char *note)
{
	batch->wish_end = (struct rop_wish_end){ .id = h->wish->id, .status = status, .note = note };
}

static void close_met(const void *subject, const int64_t *args, void *output)
{
	const struct rop_handover *h = on(subject);
	(void)args;
	if (h->to >= 0)
		end(h, output, ROP_WISH_MET,
		    rop_printf(h->now->arena, "%s leads shard %d, as all nodes say", h->now->seen->nodes[h->to].address,
			       h->wish->shard));
}

static void close_not_done(const void *subject, const int64_t *args, void *output)
{
	const struct rop_handover *h = on(subject);
	const char *why = h->hopeless ? h->hopeless : h->barred;
	(void)args;
	if (h->handed_over && h->barred)
		why = rop_printf(h->now->arena, "%s leads shard %d, but %s", h->now->seen->nodes[h->to].address,
				 h->wish->shard, h->barred);
	end(h, output, h->hopeless ? h->ends_as : ROP_WISH_REFUSED, why ? why : "it did not come about in time");
}

/* ---- words --------------------------------------------------------------------------------------------------- */

static const struct rop_fact FACTS[] = {
	{ .name = "handed_over",
	  .doc = "the shard is led by the node that is to lead it, or by another one than before, where none was named",
	  .holds = is_handed_over,
	  .excludes = { "under_way" } },
	{ .name = "confirmed",
	  .doc = "every view that answers says so, and who led it before follows with its link up",
	  .holds = is_confirmed,
	  .implies = { "handed_over" },
	  .excludes = { "barred" } },
	{ .name = "under_way",
	  .doc = "a replica was asked to take over, and that is neither seen nor out of time",
	  .holds = is_under_way },
	{ .name = "rests",
	  .doc = "an attempt failed, or the primary gave slots away just now: servers may vote for no other one yet",
	  .holds = is_rests },
	{ .name = "barred",
	  .doc = "no replica is ready, or something in the shard has to settle first",
	  .holds = is_barred },
	{ .name = "hopeless",
	  .doc = "three attempts have failed, the shard or the node is not there any more, or it was asked for too "
		 "long ago",
	  .holds = is_hopeless,
	  .excludes = { "under_way" } },
};

static const struct rop_action ACTIONS[] = {
	{ .name = "hand_over",
	  .doc = "CLUSTER FAILOVER on the replica: its primary lets writes wait until it has caught up",
	  .plan = hand_over },
	{ .name = "spread_news",
	  .doc = "MEET again, of who led the shard and who leads it now, towards nodes that have not heard of it",
	  .plan = spread_news },
	{ .name = "close_met", .doc = "note that it is done as it was asked for", .plan = close_met },
	{ .name = "close_not_done", .doc = "note that it is not done, and why", .plan = close_not_done },
};

const struct rop_vocabulary *rop_failover_words(void)
{
	WORDS_VOCABULARY(WORDS, FACTS, ACTIONS);
	return &WORDS;
}
