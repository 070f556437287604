/* temporary.c - settings changed for the time of forming: lowered before, put back after, whatever happens.
 *
 * Why: a fresh primary stays in cluster_state:fail for clamp(cluster-node-timeout, 0.5 s, 5 s) after it got its slots
 * (clusterUpdateState), pings follow half that timeout, and a diskless synchronisation waits
 * repl-diskless-sync-delay seconds for more replicas. Lowered, a cluster is formed in under a second.
 */
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "rop/text.h"

/* Too low a timeout lets pings drown many servers on few cores (measured: 500 ms is best to some 40 nodes on two
 * cores, 1000 ms at 100, 2000 ms above). */
static int64_t node_timeout_for(size_t n)
{
	return n <= 40 ? 500 : n <= 150 ? 1000 : 2000;
}

struct lowered { const char *name; int64_t target; };

static size_t lowered_settings(const struct rop_situation *now, struct lowered ret[2])
{
	ret[0] = (struct lowered){ "cluster-node-timeout", node_timeout_for(now->seen->n) };
	ret[1] = (struct lowered){ "repl-diskless-sync-delay", 0 };
	return 2;
}

static bool is_lowered(const struct rop_situation *now, size_t node, const char *name)
{
	for (size_t t = 0; t < now->image->temporaries.n; t++)
		if (strcmp(now->image->temporaries.at[t].node, now->seen->nodes[node].id) == 0 &&
		    strcmp(now->image->temporaries.at[t].name, name) == 0)
			return true;
	return false;
}

/* The value the node has now, when it is one that should be lowered. One that we lowered already stays: lowered again
 * (a smaller cluster wants a smaller timeout) it would not be known for ours, nor put back. */
static const char *too_high(const struct rop_situation *now, size_t node, const struct lowered *setting)
{
	int at = rop_observed_setting(now->seen, setting->name);
	const char *value = at < 0 ? NULL : now->seen->nodes[node].settings[at];
	int64_t number;
	if (now->seen->nodes[node].reach != ROP_REACH_OK || !value || !rop_int_parse(value, 0, INT64_MAX / 2, &number))
		return NULL;
	return number > setting->target && !is_lowered(now, node, setting->name) ? value : NULL;
}

bool policy_all_lowered(const struct rop_situation *now)
{
	struct lowered settings[2];
	size_t n = lowered_settings(now, settings);
	for (size_t i = 0; now->may_lower && i < now->seen->n; i++)
		for (size_t s = 0; s < n; s++)
			if (too_high(now, i, &settings[s]))
				return false;
	return true;
}

void policy_lower_settings(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	struct rop_batch *batch = output;
	struct lowered settings[2];
	size_t n = lowered_settings(now, settings);
	for (size_t i = 0; now->may_lower && i < now->seen->n; i++) {
		for (size_t s = 0; s < n; s++) {
			const char *value = too_high(now, i, &settings[s]);
			if (!value)
				continue;
			struct rop_step step = policy_step(now, ROP_STEP_LOWER, (int)i, -1);
			step.expect.name = settings[s].name;
			step.expect.was = value;
			step.expect.value = rop_printf(batch->arena, "%lld", (long long)settings[s].target);
			policy_add(now, batch, &step);
		}
	}
}

void policy_restore_settings(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	struct rop_batch *batch = output;
	for (size_t t = 0; t < now->image->temporaries.n; t++) {
		const struct rop_temporary *temporary = &now->image->temporaries.at[t];
		int node = rop_observed_find(now->seen, temporary->node);
		if (node < 0)
			continue;
		struct rop_step step = policy_step(now, ROP_STEP_RESTORE, node, -1);
		step.expect.name = temporary->name;
		step.expect.was = temporary->temporary;
		step.expect.value = temporary->original;
		policy_add(now, batch, &step);
	}
}

void rop_plan_restore(const struct rop_situation *now, struct rop_batch *batch)
{
	policy_restore_settings(now, NULL, batch);
}
