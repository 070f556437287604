/* lowering.c - the steps that lower settings for a while and put them back: what is lowered, to what, and what may go
 * back is told by temporary.c. */
#include <string.h>

#include "policy.h"
#include "rop/text.h"

static bool lower(const struct rop_situation *now, struct rop_batch *batch, size_t node, const char *name,
		  const char *value)
{
	struct rop_step step = policy_step(now, ROP_STEP_LOWER, (int)node, -1);
	step.expect.name = name;
	step.expect.was = rop_observed_value(now->seen, node, name);
	step.expect.value = value;
	return policy_add(now, batch, &step);
}

void policy_lower_settings(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	struct rop_batch *batch = output;
	for (size_t i = 0; now->may_lower && i < now->seen->n; i++) {
		int64_t timeout = policy_timeout_wanted(now, i);
		if (timeout >= 0 && !lower(now, batch, i, policy_temporary_names[POLICY_NODE_TIMEOUT],
					   rop_printf(batch->arena, "%lld", (long long)timeout)))
			continue;
		if (policy_delay_is_wanted(now, i))
			lower(now, batch, i, policy_temporary_names[POLICY_SYNC_DELAY], POLICY_NO_DELAY);
	}
}

static void put_back(const struct rop_situation *now, struct rop_batch *batch, const struct rop_temporary *t,
		     const char *why)
{
	int node = rop_observed_find(now->seen, t->node);
	if (node < 0 || rop_temporary_waits(now, t))
		return;
	struct rop_step step = policy_step(now, ROP_STEP_RESTORE, node, -1);
	step.expect.name = t->name;
	step.expect.was = t->temporary;
	step.expect.value = t->original;
	if (policy_add(now, batch, &step) && why)
		batch->steps.at[batch->steps.n - 1].expect.why = why;
}

/* Node timeouts last: while one is lowered, it tells of the delay too. */
void policy_restore_settings(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	struct rop_batch *batch = output;
	for (int last = 0; last < 2; last++)
		for (size_t t = 0; t < now->image->temporaries.n; t++)
			if ((strcmp(now->image->temporaries.at[t].name, policy_temporary_names[POLICY_NODE_TIMEOUT]) ==
			     0) == (last == 1))
				put_back(now, batch, &now->image->temporaries.at[t], NULL);
	for (size_t t = 0; t < now->found.n; t++) {
		const struct rop_temporary *f = &now->found.at[t];
		if (policy_found_goes_back(now, f))
			put_back(now, batch, f,
				 rop_printf(batch->arena, "%s -> %s, left by an interrupted formation", f->temporary,
					    f->original));
	}
}

void rop_plan_restore(const struct rop_situation *now, struct rop_batch *batch)
{
	policy_restore_settings(now, NULL, batch);
}
