/* assign.c - slots that nobody owns to the primaries of their shards, and replicas to their primaries. */
#include <string.h>
#include <strings.h>

#include "guard.h"

void policy_assign_slots(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	for (size_t k = 0; k < now->layout.n; k++) {
		const struct rop_shard *shard = &now->layout.shards[k];
		if (shard->primary < 0)
			continue;
		for (int from = 0, first, last; rop_slots_run(&shard->add, from, &first, &last); from = last + 1) {
			if (now->tries && rop_tries_slot_pending(now->tries, first, last))
				continue;
			struct rop_step step = policy_step(now, ROP_STEP_SLOTS, shard->primary, -1);
			step.expect.first = first;
			step.expect.last = last;
			policy_add(now, output, &step);
		}
	}
}

bool policy_follows_on(const struct rop_situation *now, size_t i)
{
	const struct rop_node *nodes = now->seen->nodes;
	int primary = nodes[i].primary;
	return nodes[i].role == ROP_ROLE_REPLICA && primary >= 0 && nodes[primary].role == ROP_ROLE_REPLICA &&
	       nodes[primary].primary == now->layout.primary_of[i] && rop_answers(now->seen, (size_t)primary) &&
	       !rop_bit(now->seen, now->seen->agrees, i, (size_t)primary);
}

/* A replica that is attached where there is data stands for no election until it is in sync; with a row of ours the
 * setting is put back then. */
static bool is_ready_to_follow(const struct rop_situation *now, size_t i, int primary)
{
	const char *value = rop_observed_value(now->seen, i, GUARD_NO_FAILOVER);
	if (!value || !guard_needs_no_failover(now, i, (size_t)primary))
		return true; /* where there is data and no value, the guard says what is missing */
	for (size_t t = 0; t < now->image->temporaries.n; t++) {
		const struct rop_temporary *temporary = &now->image->temporaries.at[t];
		if (strcmp(temporary->node, now->seen->nodes[i].id) == 0 &&
		    strcmp(temporary->name, GUARD_NO_FAILOVER) == 0)
			return strcmp(temporary->peer, now->seen->nodes[primary].id) == 0 &&
			       strcasecmp(value, "yes") == 0;
	}
	return strcasecmp(value, "yes") == 0;
}

static struct rop_step step_aside(const struct rop_situation *now, size_t i, int primary)
{
	struct rop_step step = policy_step(now, ROP_STEP_LOWER, (int)i, primary);
	step.expect.name = GUARD_NO_FAILOVER;
	step.expect.was = rop_observed_value(now->seen, i, GUARD_NO_FAILOVER);
	step.expect.value = "yes";
	return step;
}

static void attach(const struct rop_situation *now, size_t i, void *output)
{
	const struct rop_observed *seen = now->seen;
	const struct rop_node *node = &seen->nodes[i];
	int primary = now->layout.primary_of[i];
	if (primary < 0 || (node->role == ROP_ROLE_REPLICA && node->primary == primary) || policy_follows_on(now, i))
		return;
	/* The server refuses these; so do we, before asking: a primary that is unknown or not a primary, an
	 * owner of slots, a node with keys of its own (a replica's keys are its primary's). */
	if (!rop_bit(seen, seen->known, i, (size_t)primary) || seen->nodes[primary].role == ROP_ROLE_REPLICA ||
	    !rop_slots_empty(&node->slots) || (node->role != ROP_ROLE_REPLICA && node->keys > 0))
		return;
	struct rop_step step = is_ready_to_follow(now, i, primary) ? policy_step(now, ROP_STEP_ROLE, (int)i, primary)
								   : step_aside(now, i, primary);
	policy_add(now, output, &step);
}

void policy_attach_replicas(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	for (size_t i = 0; i < now->seen->n; i++)
		attach(now, i, output);
}

/* Whoever gave its last slots away is free while others still give theirs: a shard that gets them and has no replica
 * waits for one before it gets more. Shards that are to go need none. */
void policy_attach_idle(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int shard = now->layout.shard_of[i];
		if (node->role == ROP_ROLE_PRIMARY && rop_slots_empty(&node->slots) && !node->open_slots &&
		    shard >= 0 && now->layout.shards[shard].share > 0)
			attach(now, i, output);
	}
}
