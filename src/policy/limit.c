/* limit.c - a maxmemory under what a server uses, where the policy evicts nothing: it would take no write any more. No
 * loss, so that it is not refused (an evicting policy is: risk_settings.c); but nobody wants it unsaid.
 */
#include <inttypes.h>
#include <strings.h>

#include "policy.h"
#include "rop/text.h"

#define SHOWN 3

static const char *declared(const struct rop_situation *now, const char *name)
{
	for (size_t i = 0; i < now->topology->settings.n; i++)
		if (strcasecmp(now->topology->settings.at[i].name, name) == 0)
			return now->topology->settings.at[i].value;
	return NULL;
}

static bool evicts_nothing(const struct rop_situation *now, size_t i)
{
	const char *policy = declared(now, "maxmemory-policy");
	if (!policy)
		policy = rop_observed_value(now->seen, i, "maxmemory-policy");
	return policy && strcasecmp(policy, "noeviction") == 0;
}

/* Replicas do not count their memory against it (replica-ignore-maxmemory). */
static bool takes_writes(const struct rop_situation *now, size_t i)
{
	return rop_answers(now->seen, i) && now->seen->nodes[i].role == ROP_ROLE_PRIMARY &&
	       now->layout.primary_of[i] < 0;
}

void policy_warn_of_limit(struct rop_situation *now)
{
	const char *limit = declared(now, "maxmemory");
	const char **over = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *over);
	size_t n = 0, in_force = 0;
	int first = -1;
	int64_t bytes;
	if (!limit || !policy_memory_parse(limit, &bytes) || !bytes)
		return;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!takes_writes(now, i) || !evicts_nothing(now, i) || node->used_memory <= bytes)
			continue;
		first = n ? -1 : (int)i;
		in_force += node->max_memory == bytes;
		over[n++] = rop_printf(now->arena, "%s uses %" PRId64 " bytes", node->address, node->used_memory);
	}
	if (!n)
		return;
	policy_warn(
		now, first, ROP_WHY_WRITES_REFUSED,
		rop_printf(now->arena,
			   "%s: with maxmemory %s (%" PRId64 " bytes) and maxmemory-policy noeviction, what clients "
			   "write %s (OOM)",
			   rop_text_some(now->arena, over, n, SHOWN), limit, bytes,
			   in_force == n ? "is refused" : "will be refused as soon as that is set"),
		"declare a larger maxmemory, or delete keys first; a maxmemory-policy that evicts would delete some");
}
