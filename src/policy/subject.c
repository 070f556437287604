/* subject.c - a step's skeleton, and what it is about: its canonical subject. */
#include <string.h>

#include "by_server.h"
#include "migrations.h"

struct rop_step policy_step(const struct rop_situation *now, enum rop_step_kind kind, int node, int peer)
{
	struct rop_step step = { .node = node, .peer = peer };
	step.expect.kind = kind;
	step.expect.first = step.expect.last = -1;
	memcpy(step.expect.node, now->seen->nodes[node].id, ROP_ID_SIZE);
	if (peer >= 0)
		memcpy(step.expect.peer, now->seen->nodes[peer].id, ROP_ID_SIZE);
	return step;
}

/* However much of the chunk is left. */
const char *policy_chunk_subject(struct rop_arena *arena, enum rop_step_kind kind, const char *node, const char *peer,
				 int slot)
{
	static const char *const VERBS[ROP_STEP_KINDS_N] = {
		[ROP_STEP_IMPORT] = "import", [ROP_STEP_EXPORT] = "export", [ROP_STEP_CARRY] = "carry",
		[ROP_STEP_TAKE] = "take",     [ROP_STEP_YIELD] = "yield",   [ROP_STEP_RELEASE] = "release",
	};
	if (kind == ROP_STEP_MOVE) /* all that go this way */
		return by_server_subject(arena, node, peer);
	return rop_printf(arena, "%s:%s>%s/%d", VERBS[kind], node, peer, slot / ROP_CHUNK * ROP_CHUNK);
}

const char *policy_subject(struct rop_arena *arena, const struct rop_expect *e)
{
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: return rop_printf(arena, "setting:%s/%s", e->node, e->name);
	case ROP_STEP_EPOCH: return rop_printf(arena, "epoch:%s", e->node);
	case ROP_STEP_MEET: return rop_printf(arena, "link:%s>%s", e->node, e->peer);
	case ROP_STEP_GREET: return rop_printf(arena, "greet:%s>%s", e->node, e->peer);
	case ROP_STEP_SLOTS: return rop_printf(arena, "slot:%d-%d", e->first, e->last);
	case ROP_STEP_ROLE: return rop_printf(arena, "role:%s", e->node);
	case ROP_STEP_PERSIST: return rop_printf(arena, "config:%s", e->node);
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_MOVE:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE: return policy_chunk_subject(arena, e->kind, e->node, e->peer, e->first);
	case ROP_STEP_FUNCTIONS: return rop_printf(arena, "functions:%s", e->node);
	case ROP_STEP_BUMP: return rop_printf(arena, "bump:%s", e->node);
	case ROP_STEP_FAILOVER: return rop_printf(arena, "failover:%s", e->peer);
	case ROP_STEP_TAKEOVER: return rop_printf(arena, "takeover:%s", e->peer);
	case ROP_STEP_RESET: return rop_printf(arena, "reset:%s", e->node);
	case ROP_STEP_EMPTY: return rop_printf(arena, "empty:%s", e->node);
	case ROP_STEP_FORGET: return rop_printf(arena, "forget:%s>%s", e->node, e->peer);
	case ROP_STEP_KINDS_N: break;
	}
	return "";
}
