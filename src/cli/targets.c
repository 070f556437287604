/* targets.c - primaries that keys are given to. */
#include "targets.h"

#include "rop/snapshots.h"

bool targets_not_paused(const struct session *s, const char *then, struct rop_err *err)
{
	const char *name = s->topology->name;
	return !rop_image_is_paused(&s->image, rop_wall_ms()) ||
	       rop_fail(err, ROP_REFUSED, "cluster %s is paused\n  -> `redis-operator resume %s`, then %s", name, name,
			then);
}

bool targets_tells_keys(const struct rop_node *node, struct rop_err *err)
{
	return node->keys != ROP_COUNT_UNKNOWN ||
	       rop_fail(err, ROP_DENIED, "%s does not tell whether it holds keys%s%s", node->address,
			node->refused ? ": user may not " : "", node->refused ? node->refused : "");
}

bool targets_choose(struct session *s, struct rop_situation *now, const char *file, const char *then,
		    bool (*fits)(void *arg, const struct rop_node *node, struct rop_err *err), void *arg,
		    struct targets *ret_targets, struct rop_err *err)
{
	struct rop_snapshots shards;
	if (!now->owner)
		return rop_fail(err, ROP_REFUSED,
				"cluster %s is not formed yet\n  -> `redis-operator apply %s` forms it, then %s",
				s->topology->name, file, then);
	if (!rop_snapshots_choose(now, &shards, err))
		return false;
	struct rop_restore_target *targets = rop_alloc_n(s->cli->arena, shards.shards.n + 1, sizeof *targets);
	const char **ids = rop_alloc_n(s->cli->arena, shards.shards.n + 1, sizeof *ids);
	for (size_t i = 0; i < shards.shards.n; i++) {
		const struct rop_snapshot *shard = &shards.shards.at[i];
		const struct rop_snapshot_source *leads = &shard->sources.at[shard->sources.n - 1];
		int node = rop_observed_find(s->seen, leads->id);
		if (node < 0 || !fits(arg, &s->seen->nodes[node], err))
			return false;
		ids[i] = leads->id;
		targets[i] = (struct rop_restore_target){ .address = leads->address,
							  .ip = leads->ip,
							  .flavour = leads->flavour,
							  .port = leads->port,
							  .slots = shard->slots };
	}
	*ret_targets = (struct targets){ .at = targets, .ids = ids, .n = shards.shards.n };
	return true;
}
