/* steps.c - how a step comes into a batch: weighed, not tried too often, one at a time about one thing. */
#include "guard.h"
#include "rop/text.h"

/* Two actions of one row may want the same: one thing at a time on one subject, the next look decides about the rest.
 * The batch remembers its subjects as tries do, which is quick also for thousands. */
static bool batch_holds(const struct rop_situation *now, struct rop_batch *batch, const struct rop_expect *e)
{
	if (!batch->claimed)
		batch->claimed = rop_tries_new(batch->arena);
	if (rop_tries_may(batch->claimed, e->subject, now->boot_ms) == ROP_MAY_PENDING)
		return true;
	return e->kind == ROP_STEP_SLOTS && rop_tries_slot_pending(batch->claimed, e->first, e->last);
}

bool policy_add(const struct rop_situation *now, struct rop_batch *batch, struct rop_step *step)
{
	struct rop_expect *e = &step->expect;
	if (!rop_node_answers(&now->seen->nodes[step->node]))
		return false;
	e->subject = policy_subject(batch->arena, e);
	struct guard guard = guard_step(now, batch, step);
	step->risk = guard.risk;
	if (batch->weighing) {
		policy_note_guard(batch->weighing, step, &guard);
		if (guard.verdict == GUARD_GO)
			*rop_push(batch->arena, &batch->steps) = *step;
		return false;
	}
	if (guard.verdict != GUARD_GO)
		return false;
	enum rop_may may = now->tries ? rop_tries_may(now->tries, e->subject, now->boot_ms) : ROP_MAY;
	step->goes_on = may == ROP_MAY_PENDING && e->kind == ROP_STEP_CARRY;
	if (may != ROP_MAY && !step->goes_on)
		return false;
	if (batch_holds(now, batch, e))
		return false;
	rop_tries_pending(batch->claimed, e);
	e->attempts = now->tries ? rop_tries_count(now->tries, e->subject) + 1 : 1;
	e->why = batch->why;
	e->address = now->seen->nodes[step->node].address;
	step->state = batch->state;
	*rop_push(batch->arena, &batch->steps) = *step;
	return true;
}

struct rop_expect rop_expect_dup(struct rop_arena *arena, const struct rop_expect *expect)
{
	struct rop_expect copy = *expect;
	const char **texts[] = { &copy.subject, &copy.name,         &copy.value, &copy.was,  &copy.address,
				 &copy.command, &copy.precondition, &copy.why,   &copy.note, &copy.shown };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = rop_strdup(arena, *texts[i]);
	return copy;
}

bool policy_gave_up(const struct rop_situation *now, const struct rop_step *step)
{
	return now->gave_up &&
	       rop_tries_may(now->tries, policy_subject(now->arena, &step->expect), now->boot_ms) == ROP_MAY_NEVER;
}
