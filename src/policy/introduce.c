/* introduce.c - unique config epochs first, then MEET: every node that lacks another is told of it.
 *
 * Order: SET-CONFIG-EPOCH is only accepted by a node that knows nobody (cluster.c), so all epochs are seen set before
 * the first MEET goes out. Without them, equal epochs collide and are resolved one write of nodes.conf at a time.
 * Schedule: MEET from i to every j > i, all at once. Measured against star, ring and a second push (redis-facts.md,
 * section 0): with the node timeout lowered the plain mesh is at least as fast as anything else.
 */
#include <string.h>

#include "policy.h"
#include "rop/text.h"

static bool needs_epoch(const struct rop_node *node)
{
	return rop_node_answers(node) && node->others == 0 && node->epoch == 0 && node->role != ROP_ROLE_REPLICA;
}

bool policy_needs_epoch(const struct rop_situation *now, size_t node)
{
	return now->seen->n > 1 && needs_epoch(&now->seen->nodes[node]);
}

bool policy_epochs_set(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (policy_needs_epoch(now, i))
			return false;
	return true;
}

void policy_set_epochs(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	size_t n = now->seen->n;
	int64_t highest = 0;
	bool *used = rop_alloc_n(now->arena, n + 1, sizeof *used);
	for (size_t i = 0; i < n; i++) {
		int64_t epoch = now->seen->nodes[i].epoch;
		if (epoch > 0 && epoch <= (int64_t)n)
			used[epoch] = true;
		if (epoch > highest)
			highest = epoch;
	}
	if (highest < (int64_t)n)
		highest = (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		if (!needs_epoch(&now->seen->nodes[i]))
			continue;
		struct rop_step step = policy_step(now, ROP_STEP_EPOCH, (int)i, -1);
		step.expect.epoch = used[i + 1] ? ++highest : (int64_t)i + 1;
		policy_add(now, output, &step);
	}
}

/* Who kept a copy that somebody gave up (kept.c) meets nobody with it. */
void policy_empty_kept(const void *subject, const int64_t *args, void *output)
{
	const struct rop_situation *now = subject;
	(void)args;
	for (size_t i = 0; i < now->seen->n; i++) {
		if (!policy_is_to_empty(now, i))
			continue;
		struct rop_step step = policy_step(now, ROP_STEP_EMPTY, (int)i, -1);
		policy_add(now, output, &step);
	}
}

/* An introduction works both ways: while one of the two is under way or waits for its next try, neither is sent. */
static bool being_introduced(const struct rop_situation *now, const struct rop_node *a, const struct rop_node *b)
{
	if (!now->tries)
		return false;
	const char *there = rop_printf(now->arena, "link:%s>%s", a->id, b->id);
	const char *back = rop_printf(now->arena, "link:%s>%s", b->id, a->id);
	return rop_tries_may(now->tries, there, now->boot_ms) != ROP_MAY ||
	       rop_tries_may(now->tries, back, now->boot_ms) != ROP_MAY;
}

/* Who is met learns its own address by that, which its clients are told: each that has moved must be met by somebody.
 */
static bool must_be_met(const struct rop_situation *now, size_t i, const bool *met)
{
	const struct rop_node *node = &now->seen->nodes[i];
	return !met[i] && node->astray_at && node->own_address && node->ip && !rop_node_is_at(node, node->own_address);
}

void policy_introduce_nodes(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	const struct rop_observed *seen = now->seen;
	bool *met = rop_alloc_n(now->arena, seen->n + 1, sizeof *met);
	for (size_t i = 0; i < seen->n; i++) {
		for (size_t j = i + 1; j < seen->n; j++) {
			bool ij = rop_knows(seen, i, j), ji = rop_knows(seen, j, i);
			if ((ij && ji) || !rop_answers(seen, i) || !rop_answers(seen, j) ||
			    being_introduced(now, &seen->nodes[i], &seen->nodes[j]))
				continue;
			/* The one that does not know the other is told; when neither does, the earlier one. */
			size_t told = ij || must_be_met(now, i, met) ? j : i, whom = told == i ? j : i;
			struct rop_step step = policy_step(now, ROP_STEP_MEET, (int)told, (int)whom);
			met[whom] = true;
			policy_add(now, output, &step);
		}
	}
}
