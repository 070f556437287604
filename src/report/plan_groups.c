/* plan_groups.c - the steps of a plan, grouped as a person would tell them: what is done to many nodes alike, and all
 * that it takes to move slots from one node to another.
 */
#include "plan_groups.h"

#include <string.h>

#include "rop/text.h"

int plan_giver(const struct rop_plan *plan, const struct rop_step *step)
{
	const int16_t *owner = plan->first->owner;
	if (step->expect.kind == ROP_STEP_RELEASE)
		return owner && owner[step->expect.first] == step->peer ? step->peer : step->node;
	bool at_target = step->expect.kind == ROP_STEP_IMPORT || step->expect.kind == ROP_STEP_TAKE;
	return at_target ? step->peer : step->node;
}

int plan_taker(const struct rop_plan *plan, const struct rop_step *step)
{
	return plan_giver(plan, step) == step->node ? step->peer : step->node;
}

/* All that is done for slots that go from one node to another. */
static bool is_one_move(const struct rop_plan *plan, const struct rop_step *a, const struct rop_step *b)
{
	bool back = a->expect.kind == ROP_STEP_RELEASE;
	return rop_step_moves_slots(a->expect.kind) && rop_step_moves_slots(b->expect.kind) &&
	       back == (b->expect.kind == ROP_STEP_RELEASE) && plan_giver(plan, a) == plan_giver(plan, b) &&
	       plan_taker(plan, a) == plan_taker(plan, b);
}

static bool one_line(const struct rop_plan *plan, const struct rop_step *a, const struct rop_step *b)
{
	if (is_one_move(plan, a, b))
		return true;
	if (a->expect.kind != b->expect.kind || strcmp(a->state, b->state) != 0)
		return false;
	switch (a->expect.kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING:
		return rop_streq(a->expect.name, b->expect.name) && rop_streq(a->expect.value, b->expect.value) &&
		       rop_streq(a->expect.was, b->expect.was);
	case ROP_STEP_EPOCH:
	case ROP_STEP_MEET:
	case ROP_STEP_GREET:
	case ROP_STEP_PERSIST: return true;
	case ROP_STEP_BUMP: return a->expect.epoch == b->expect.epoch;
	case ROP_STEP_FORGET: return rop_streq(a->expect.peer, b->expect.peer);
	case ROP_STEP_SLOTS: return a->node == b->node;
	case ROP_STEP_FAILOVER:
	case ROP_STEP_TAKEOVER:
	case ROP_STEP_RESET:
	case ROP_STEP_EMPTY:
	case ROP_STEP_ROLE:
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_MOVE:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE:
	case ROP_STEP_FUNCTIONS:
	case ROP_STEP_KINDS_N: break;
	}
	return false;
}

bool plan_is_found(const struct rop_plan *plan, const struct rop_step *step)
{
	return step->expect.kind == ROP_STEP_RESTORE &&
	       rop_temporary_is_found(plan->first, step->expect.node, step->expect.name);
}

int plan_lowering_of(const struct rop_plan *plan, const struct rop_step *step)
{
	for (size_t i = 0; step->expect.kind == ROP_STEP_RESTORE && i < plan->steps.n; i++) {
		const struct rop_expect *e = &plan->steps.at[i].expect;
		if (e->kind == ROP_STEP_LOWER && strcmp(e->name, step->expect.name) == 0 &&
		    strcmp(e->node, step->expect.node) == 0)
			return (int)i;
	}
	return -1;
}

static void add_node(struct plan_group *group, int node)
{
	if (node >= 0 && !group->nodes[node]) {
		group->nodes[node] = true;
		group->n_nodes++;
	}
}

size_t plan_newcomers(const struct rop_observed *seen, bool *nodes)
{
	size_t all = 0, alone = 0;
	for (size_t i = 0; i < seen->n; i++) {
		all += nodes[i];
		alone += nodes[i] && seen->nodes[i].others == 0;
	}
	for (size_t i = 0; alone && i < seen->n; i++)
		nodes[i] &= seen->nodes[i].others == 0;
	return alone ? alone : all;
}

/* Of several that could, the newest. */
static int group_of(const struct rop_plan *plan, const struct plan_groups *groups, const struct rop_step *step)
{
	for (size_t g = groups->list.n; g-- > 0;) {
		const struct rop_step *first = groups->list.at[g].step;
		if (one_line(plan, first, step) && plan_is_found(plan, first) == plan_is_found(plan, step))
			return (int)g;
	}
	return -1;
}

void plan_groups_make(struct rop_arena *arena, const struct rop_plan *plan, struct plan_groups *ret_groups)
{
	*ret_groups = (struct plan_groups){ .of_step = rop_alloc_n(arena, plan->steps.n + 1, sizeof(int)) };
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_step *step = &plan->steps.at[i];
		int found = group_of(plan, ret_groups, step);
		if (found < 0) {
			found = (int)ret_groups->list.n;
			*rop_push(arena, &ret_groups->list) = (struct plan_group){
				.step = step, .nodes = rop_alloc_n(arena, plan->first->seen->asked, sizeof(bool))
			};
		}
		struct plan_group *group = &ret_groups->list.at[found];
		ret_groups->of_step[i] = found;
		struct rop_slots moved;
		if (rop_step_moves_slots(step->expect.kind) && rop_slots_parse(step->expect.value, &moved))
			rop_slots_join(&group->slots, &moved);
		if (step->expect.kind == ROP_STEP_SLOTS)
			rop_slots_add(&group->slots, step->expect.first, step->expect.last);
		add_node(group, step->node);
		if (step->expect.kind == ROP_STEP_MEET)
			add_node(group, step->peer);
	}
	for (size_t g = 0; g < ret_groups->list.n; g++) {
		struct plan_group *group = &ret_groups->list.at[g];
		if (group->step->expect.kind == ROP_STEP_MEET)
			group->n_nodes = plan_newcomers(plan->first->seen, group->nodes);
	}
}
