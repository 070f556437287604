/* step_seen.c - is what a step is for so by now, as far as this look tells? */
#include <string.h>

#include "policy.h"
#include "rop/libraries.h"
#include "rop/text.h"

/* Of a node and its replicas. */
static bool knows_shard_of(const struct rop_observed *seen, size_t viewer, size_t node)
{
	if (seen->nodes[viewer].shards_apart < 0)
		return false;
	for (size_t i = 0; i < seen->n; i++)
		if ((i == node || seen->nodes[i].primary == (int)node) && rop_bit(seen, seen->apart, viewer, i))
			return false;
	return true;
}

/* Every slot of it is as the command leaves it. */
static bool moves_seen(const struct rop_expect *e, const struct rop_node *node)
{
	struct rop_slots slots;
	if (!e->value || !rop_slots_parse(e->value, &slots))
		return false;
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last); from = last + 1)
		for (int s = first; s <= last; s++) {
			const struct rop_open_slot *open = rop_node_open(node, s);
			bool owns = rop_slots_has(&node->slots, s), towards = open && strcmp(open->peer, e->peer) == 0,
			     seen = false;
			switch (e->kind) {
			case ROP_STEP_IMPORT: seen = towards && open->importing; break;
			case ROP_STEP_EXPORT: seen = towards && !open->importing; break;
			case ROP_STEP_CARRY: seen = open && open->keys == 0; break;
			case ROP_STEP_TAKE: seen = owns && !open; break;
			case ROP_STEP_YIELD: seen = !owns && !open; break;
			case ROP_STEP_RELEASE: seen = !open; break;
			default: break;
			}
			if (!seen)
				return false;
		}
	return true;
}

/* It answers under another id, and knows nobody. */
static bool reset_seen(const struct rop_expect *e, const struct rop_observed *seen)
{
	int node = rop_observed_find_leaving(seen, e->peer);
	const struct rop_node *n = node >= 0 ? &seen->nodes[node] : NULL;
	return n && rop_node_answers(n) && strcmp(n->id, e->node) != 0 && n->others == 0;
}

/* It lists that id neither as one that leaves nor as one of nobody's. */
static bool forget_seen(const struct rop_expect *e, const struct rop_observed *seen, size_t node)
{
	int gone = rop_observed_find_leaving(seen, e->peer), back = rop_observed_find(seen, e->peer);
	if (gone >= 0)
		return !rop_bit(seen, seen->listed, node, (size_t)gone);
	for (size_t f = 0; f < seen->foreign.n; f++)
		if (strcmp(seen->foreign.at[f].id, e->peer) == 0)
			return !(seen->foreign.at[f].viewers[node / 64] >> (node % 64) & 1);
	return !seen->foreign_more && (back < 0 || !rop_bit(seen, seen->known, node, (size_t)back));
}

/* A new job of it is listed, whatever became of it; or the slots are gone already. */
static bool move_seen(const struct rop_expect *e, const struct rop_node *node)
{
	struct rop_slots slots;
	const struct rop_job *newest = NULL;
	if (!e->value || !rop_slots_parse(e->value, &slots))
		return false;
	for (size_t i = 0; i < node->n_jobs; i++) {
		const struct rop_job *job = &node->jobs[i];
		if (strcmp(job->source, e->node) == 0 && strcmp(job->target, e->peer) == 0 &&
		    (!newest || job->state == ROP_JOB_RUNS || job->created_s > newest->created_s))
			newest = job;
	}
	return !rop_slots_meet(&node->slots, &slots) || (newest && !rop_streq(newest->name, e->was));
}

bool rop_expect_seen(const struct rop_expect *e, const struct rop_observed *seen)
{
	if (e->kind == ROP_STEP_RESET)
		return reset_seen(e, seen);
	int node = rop_observed_find(seen, e->node);
	if (node < 0 || !rop_node_answers(&seen->nodes[node]))
		return false;
	const struct rop_node *n = &seen->nodes[node];
	int peer = rop_observed_find(seen, e->peer);
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: {
		const char *value = rop_observed_value(seen, (size_t)node, e->name);
		return value && policy_same_value(value, e->value);
	}
	case ROP_STEP_EPOCH: return n->epoch >= e->epoch;
	case ROP_STEP_MEET:
		return peer >= 0 && rop_knows(seen, (size_t)node, (size_t)peer) &&
		       rop_knows(seen, (size_t)peer, (size_t)node);
	case ROP_STEP_GREET:
		if (rop_streq(e->name, ROP_GREET_ROLE))
			return peer >= 0 && rop_bit(seen, seen->agrees, (size_t)peer, (size_t)node);
		return peer >= 0 && knows_shard_of(seen, (size_t)peer, (size_t)node);
	case ROP_STEP_SLOTS: {
		struct rop_slots range = { 0 };
		rop_slots_add(&range, e->first, e->last);
		return rop_slots_common(&range, &n->slots) == e->last - e->first + 1;
	}
	case ROP_STEP_ROLE: return n->role == ROP_ROLE_REPLICA && strcmp(n->primary_id, e->peer) == 0;
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE: return moves_seen(e, n);
	case ROP_STEP_BUMP: return n->epoch >= e->epoch;
	case ROP_STEP_EMPTY: return n->keys == 0 && rop_slots_empty(&n->slots);
	case ROP_STEP_FAILOVER: /* roles are swapped, as both say */
		return n->role == ROP_ROLE_PRIMARY && !rop_slots_empty(&n->slots) &&
		       (peer < 0 || !rop_answers(seen, (size_t)peer) || seen->nodes[peer].role == ROP_ROLE_REPLICA);
	case ROP_STEP_TAKEOVER: return n->role == ROP_ROLE_PRIMARY && !rop_slots_empty(&n->slots);
	case ROP_STEP_FORGET: return forget_seen(e, seen, (size_t)node);
	case ROP_STEP_MOVE: return move_seen(e, n);
	case ROP_STEP_FUNCTIONS: return n->functions > 0 && rop_libraries_hold(n->libraries, e->value);
	case ROP_STEP_RESET:
	case ROP_STEP_PERSIST: /* leaves no trace that can be asked for: its reply decides */
	case ROP_STEP_KINDS_N: break;
	}
	return false;
}
