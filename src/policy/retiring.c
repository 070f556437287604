/* retiring.c - the vocabulary of the machine `retire`: how a node that is not declared any more leaves. */
#include <string.h>

#include "retire.h"
#include "words.h"

WORDS_ON(struct rop_retirement)

WORDS_FLAG(drained)
WORDS_FLAG(listed)
WORDS_FLAG(leads)

static bool knows_others(const void *subject, const int64_t *args)
{
	(void)args;
	return !on(subject)->alone;
}

static bool has_heir(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->heir >= 0;
}

static bool is_held(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->held != NULL;
}

static bool is_forgotten_for(const void *subject, const int64_t *args)
{
	const struct rop_retirement *r = on(subject);
	return !r->listed && r->forgotten_ms >= args[0];
}

/* ---- steps -------------------------------------------------------------------------------------------------- */

static void hand_over(const void *subject, const int64_t *args, void *output)
{
	const struct rop_retirement *r = on(subject);
	(void)args;
	if (r->heir < 0)
		return;
	struct rop_step step = policy_step(r->now, ROP_STEP_FAILOVER, r->heir, r->node);
	policy_add(r->now, output, &step);
}

static void reset(const void *subject, const int64_t *args, void *output)
{
	const struct rop_retirement *r = on(subject);
	(void)args;
	struct rop_step step = policy_step(r->now, ROP_STEP_RESET, r->node, -1);
	memcpy(step.expect.peer, r->id, strlen(r->id) + 1);
	policy_add(r->now, output, &step);
}

/* That viewer lists it under the id that it has now, or under the one that it had. */
static const char *listed_as(const struct rop_retirement *r, size_t viewer)
{
	const struct rop_observed *seen = r->now->seen;
	const struct rop_node *node = &seen->nodes[r->node];
	if (!rop_bit(seen, seen->listed, viewer, (size_t)r->node))
		return NULL;
	return r->present && rop_bit(seen, seen->known, viewer, (size_t)r->node) ? node->id : r->id;
}

/* false: that viewer does not list it. */
static bool is_to_forget(const struct rop_retirement *r, size_t viewer, struct rop_step *ret_step)
{
	const char *id = listed_as(r, viewer);
	if (!id)
		return false;
	*ret_step = policy_step(r->now, ROP_STEP_FORGET, (int)viewer, -1);
	memcpy(ret_step->expect.peer, id, strlen(id) + 1);
	return true;
}

static void forget_everywhere(const struct rop_retirement *r, struct rop_batch *output)
{
	struct rop_step step;
	for (size_t i = 0; i < r->now->seen->n; i++)
		if (is_to_forget(r, i, &step))
			policy_add(r->now, output, &step);
}

static void forget(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	forget_everywhere(on(subject), output);
}

void policy_forget_lost(const void *subject, const int64_t *args, void *output)
{
	const struct rop_situation *now = subject;
	(void)args;
	for (size_t k = 0; k < now->retirements.n; k++)
		if (now->retirements.at[k].given_up)
			forget_everywhere(&now->retirements.at[k], output);
}

static void strike_off(const void *subject, const int64_t *args, void *output)
{
	struct rop_batch *batch = output;
	(void)args;
	*rop_push(batch->arena, &batch->struck) = on(subject)->id;
}

static bool is_gave_up(const void *subject, const int64_t *args)
{
	const struct rop_retirement *r = on(subject);
	struct rop_step step = policy_step(r->now, ROP_STEP_RESET, r->node, -1);
	(void)args;
	bool gave_up = policy_gave_up(r->now, &step);
	if (r->heir >= 0) {
		step = policy_step(r->now, ROP_STEP_FAILOVER, r->heir, r->node);
		gave_up |= policy_gave_up(r->now, &step);
	}
	for (size_t i = 0; i < r->now->seen->n && !gave_up; i++)
		gave_up = is_to_forget(r, i, &step) && policy_gave_up(r->now, &step);
	return gave_up;
}

/* ---- words -------------------------------------------------------------------------------------------------- */

static const struct rop_fact FACTS[] = {
	{ .name = "drained",
	  .doc = "it owns no slot and has none open, and no node that stays follows it; of all that leave",
	  .holds = is_drained },
	{ .name = "leads", .doc = "it leads a shard that stays", .holds = is_leads, .excludes = { "drained" } },
	{ .name = "has_heir", .doc = "a replica of it that stays is in sync with it", .holds = has_heir },
	{ .name = "knows_others",
	  .doc = "it answers, as a node of this cluster, and lists others",
	  .holds = knows_others },
	{ .name = "listed", .doc = "a node that stays lists it", .holds = is_listed },
	{ .name = "held",
	  .doc = "it has what the others are not known to have, or leads and has no heir",
	  .holds = is_held },
	{ .name = "forgotten_for",
	  .doc = "no node has listed it for so long; over restarts of the operator, not of its host",
	  .args = { { .name = "time",
		      .doc = "since the last one did",
		      .type = ROP_ARG_DURATION,
		      .min = 1,
		      .max = 3600000 } },
	  .holds = is_forgotten_for,
	  .excludes = { "listed" } },
	{ .name = "gave_up", .doc = "a step of it failed as often as it may be tried", .holds = is_gave_up },
};

static const struct rop_action ACTIONS[] = {
	{ .name = "hand_over", .doc = "CLUSTER FAILOVER on its heir, which catches up first", .plan = hand_over },
	{ .name = "reset", .doc = "CLUSTER RESET HARD on it: it knows nobody, and has a new id", .plan = reset },
	{ .name = "forget", .doc = "CLUSTER FORGET on all that stay and list it", .plan = forget },
	{ .name = "strike_off", .doc = "note that it is no member any more", .plan = strike_off },
};

const struct rop_vocabulary *rop_retire_words(void)
{
	WORDS_VOCABULARY(WORDS, FACTS, ACTIONS);
	return &WORDS;
}
