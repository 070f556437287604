/* risk_settings.c - what a setting may cost: keys that the server deletes itself, files that it writes no more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "risks.h"
#include "rop/text.h"

static const char *declared(const struct rop_situation *now, const char *name)
{
	for (size_t i = 0; i < now->topology->settings.n; i++)
		if (strcasecmp(now->topology->settings.at[i].name, name) == 0)
			return now->topology->settings.at[i].value;
	return NULL;
}

struct limit {
	const char *policy, *maxmemory;
};

/* What is not known is taken for the worst. */
static bool evicts(const struct limit *limit, int64_t used, int64_t *ret_bytes)
{
	int64_t bytes = 0;
	if (limit->policy && strcasecmp(limit->policy, "noeviction") == 0)
		return false;
	if (limit->maxmemory && policy_memory_parse(limit->maxmemory, &bytes) &&
	    (bytes == 0 || (used >= 0 && used <= bytes)))
		return false;
	*ret_bytes = bytes;
	return true;
}

/* Keys go as soon as the limit is under what is used and the policy evicts: with what the node has now and this step,
 * and with all that is declared. Where only the former does it, the other of the two settings goes first. */
static struct guard eviction(const struct rop_situation *now, const struct rop_step *step)
{
	const struct rop_node *node = &now->seen->nodes[step->node];
	struct limit then = { rop_observed_value(now->seen, (size_t)step->node, "maxmemory-policy"),
			      rop_observed_value(now->seen, (size_t)step->node, "maxmemory") };
	struct limit at_last = { declared(now, "maxmemory-policy"), declared(now, "maxmemory") };
	if (!at_last.policy)
		at_last.policy = then.policy;
	if (!at_last.maxmemory)
		at_last.maxmemory = then.maxmemory;
	if (strcasecmp(step->expect.name, "maxmemory") == 0)
		then.maxmemory = step->expect.value;
	else
		then.policy = step->expect.value;
	int64_t bytes = 0;
	bool soon = evicts(&then, node->used_memory, &bytes), in_the_end = evicts(&at_last, node->used_memory, &bytes);
	if (node->keys == 0 || (!soon && !in_the_end))
		return guard_go;
	if (!in_the_end)
		return guard_wait(rop_printf(now->arena,
					     "%s of %s waits for the other limit of memory, or keys would be deleted "
					     "meanwhile",
					     step->expect.name, node->address));
	char used[32] = "an unknown number of";
	if (node->used_memory >= 0)
		snprintf(used, sizeof used, "%" PRId64, node->used_memory);
	const char *rule = at_last.policy ? at_last.policy : "that is not known";
	struct rop_risk risk = {
		.kind = ROP_RISK_LOSS,
		.what = "evict",
		.shard = now->layout.shard_of[step->node] + 1,
		.keys = -1,
		.nodes = node->address,
		.copies = rop_printf(now->arena, "%s %" PRId64 " %s", node->id, bytes, rule),
		.text = rop_printf(now->arena,
				   "%s holds keys and uses %s bytes of memory: maxmemory %s with maxmemory-policy %s "
				   "makes it delete keys until it uses %" PRId64 " bytes",
				   node->address, used, at_last.maxmemory ? at_last.maxmemory : "that is not known",
				   rule, bytes),
	};
	return guard_loss(now, &risk);
}

struct guard risk_of_setting(const struct rop_situation *now, const struct rop_step *step)
{
	const char *name = step->expect.name, *value = step->expect.value;
	const char *where = now->seen->nodes[step->node].address;
	if (strcasecmp(name, "maxmemory") == 0 || strcasecmp(name, "maxmemory-policy") == 0)
		return eviction(now, step);
	if (strcasecmp(name, "appendonly") == 0 && strcasecmp(value, "no") == 0)
		return guard_durability("persistence", 0,
					rop_printf(now->arena,
						   "%s writes its commands to no file any more (appendonly no)",
						   where));
	if (strcasecmp(name, "save") == 0 && !*value)
		return guard_durability("persistence", 0,
					rop_printf(now->arena, "%s writes no snapshots any more (save \"\")", where));
	if (strcasecmp(name, "appendfsync") == 0 && strcasecmp(value, "no") == 0)
		return guard_durability(
			"persistence", 0,
			rop_printf(now->arena,
				   "%s leaves it to its host when the append-only file reaches the disk "
				   "(appendfsync no)",
				   where));
	return guard_go;
}

struct guard risk_of_rewrite(const struct rop_situation *now, const struct rop_step *step)
{
	for (size_t t = 0; t < now->image->temporaries.n; t++)
		if (strcmp(now->image->temporaries.at[t].node, step->expect.node) == 0)
			return guard_wait(rop_printf(now->arena,
						     "%s of %s is still a temporary one, which must not be written to "
						     "its file",
						     now->image->temporaries.at[t].name,
						     now->seen->nodes[step->node].address));
	return guard_go;
}
