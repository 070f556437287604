/* node_words.c - a node in a few words: its role, its health, its shard. */
#include "shared.h"

const char *report_role(const struct rop_node *node)
{
	switch (node->role) {
	case ROP_ROLE_PRIMARY: return "primary";
	case ROP_ROLE_REPLICA: return "replica";
	case ROP_ROLE_UNKNOWN: break;
	}
	return "-";
}

const char *report_link(const struct rop_node *node)
{
	if (node->ghost)
		return "gone";
	switch (node->reach) {
	case ROP_REACH_OK: break;
	case ROP_REACH_SILENT: return "silent";
	case ROP_REACH_LOADING: return "loading";
	case ROP_REACH_DENIED: return "denied";
	case ROP_REACH_NOT_REDIS:
	case ROP_REACH_NOT_CLUSTER:
	case ROP_REACH_SENTINEL:
	case ROP_REACH_SEVERAL:
	case ROP_REACH_NO_COMMAND: return "unfit";
	}
	if (node->role != ROP_ROLE_REPLICA)
		return node->state_ok ? "ok" : "fail";
	if (node->syncing)
		return "syncing";
	return node->link_up ? "up" : "down";
}

/* A node that follows nobody and owns nothing belongs to no shard yet, whatever is planned for it. */
int report_shard_of(const struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	int owner = node->role == ROP_ROLE_REPLICA ? node->primary : (int)i;
	if (owner < 0 || rop_slots_empty(&now->seen->nodes[owner].slots) || now->layout.shard_of[owner] < 0)
		return 0;
	return now->layout.shards[now->layout.shard_of[owner]].number;
}
