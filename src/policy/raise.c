/* raise.c - a greater config epoch for a primary that went back to an older one: epochs.c says where it may be. */
#include "policy.h"

void policy_raise_epochs(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	for (size_t i = 0; i < now->seen->n; i++) {
		if (!rop_node_is_behind(&now->seen->nodes[i]))
			continue;
		struct rop_step step = policy_step(now, ROP_STEP_BUMP, (int)i, -1);
		step.expect.epoch = now->seen->nodes[i].epoch_held;
		policy_add(now, output, &step);
	}
}
