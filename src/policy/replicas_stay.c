/* replicas_stay.c - spec.replicaMigration: Managed. Servers that move replicas from shard to shard by themselves are a
 * second author of the topology: cluster-allow-replica-migration is `no` then, where the servers have such a setting.
 *
 * A cluster gets it when it is formed, or with its first move of slots; from then on some member has it, and so all
 * are to have it. One that was formed otherwise, or adopted, is left as it is until then.
 */
#include <string.h>
#include <strings.h>

#include "policy.h"
#include "rop/permissions.h"

#define SETTING ROP_REPLICA_MIGRATION

/* The file does not leave it alone, nor says a value of its own. */
static bool is_managed(const struct rop_topology *topology)
{
	for (size_t s = 0; s < topology->settings.n; s++)
		if (strcasecmp(topology->settings.at[s].name, SETTING) == 0)
			return false;
	return !topology->keep_replica_migration;
}

/* A convenience: where a node refused it for a permission, it is left as it is in this run. */
static bool was_denied(const struct rop_situation *now)
{
	for (size_t i = 0; now->tries && i < now->seen->n; i++)
		if (rop_tries_is_no_help(now->tries,
					 rop_printf(now->arena, "setting:%s/%s", now->seen->nodes[i].id, SETTING)))
			return true;
	return false;
}

/* Every node that answers has told its value, and may be told another one. */
static bool can_be_set(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (rop_answers(now->seen, i) && (!rop_observed_value(now->seen, i, SETTING) ||
						  (now->seen->nodes[i].forbidden & ROP_PERMIT(CONFIG_SET))))
			return false;
	return is_managed(now->topology);
}

static bool a_member_has_it(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const char *value = rop_answers(now->seen, i) ? rop_observed_value(now->seen, i, SETTING) : NULL;
		if (value && now->formed && now->group[i] == now->main_group && strcasecmp(value, "no") == 0)
			return true;
	}
	return false;
}

void policy_take_replica_migration(struct rop_situation *now)
{
	if (!can_be_set(now) || was_denied(now) || !(now->slots_to_move || a_member_has_it(now)))
		return;
	struct rop_topology *topology = rop_alloc(now->arena, sizeof *topology);
	*topology = *now->topology;
	topology->settings.at = rop_alloc_n(now->arena, topology->settings.n + 1, sizeof *topology->settings.at);
	for (size_t s = 0; s < topology->settings.n; s++)
		topology->settings.at[s] = now->topology->settings.at[s];
	topology->settings.at[topology->settings.n++] = (struct rop_setting){ .name = SETTING, .value = "no" };
	topology->settings.cap = topology->settings.n;
	now->topology = topology;
	now->replicas_stay = true;
}

void policy_keep_replicas(const void *subject, const int64_t *args, void *output)
{
	const struct rop_situation *now = subject;
	(void)args;
	if (!now->replicas_stay && !(now->fresh && can_be_set(now) && !was_denied(now)))
		return;
	for (size_t i = 0; i < now->seen->n; i++) {
		const char *value = rop_answers(now->seen, i) ? rop_observed_value(now->seen, i, SETTING) : NULL;
		if (!value || strcasecmp(value, "no") == 0)
			continue;
		struct rop_step step = policy_step(now, ROP_STEP_SETTING, (int)i, -1);
		step.expect.name = SETTING;
		step.expect.value = "no";
		step.expect.was = value;
		policy_add(now, output, &step);
	}
}
