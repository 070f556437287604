/* findings.c - what stands against going on, noted in the situation: findings, losses, and what has to wait. */
#include <string.h>

#include "guard.h"
#include "rop/text.h"

void policy_find(struct rop_situation *now, enum rop_code code, int node, const char *reason, const char *text,
		 const char *advice)
{
	for (size_t i = 0; i < now->findings.n; i++)
		if (strcmp(now->findings.at[i].text, text) == 0)
			return;
	*rop_push(now->arena, &now->findings) = (struct rop_finding){
		.code = code, .node = node, .reason = reason, .text = text, .advice = advice
	};
}

/* Ranges of one shard are one loss. */
static void add_loss(struct rop_situation *now, const struct rop_risk *risk)
{
	for (size_t i = 0; i < now->losses.list.n; i++) {
		struct rop_risk *known = &now->losses.list.at[i];
		if (!rop_streq(known->what, risk->what) || known->shard != risk->shard)
			continue;
		if (!risk->slots && rop_streq(known->copies, risk->copies))
			return;
	}
	*rop_push(now->arena, &now->losses.list) = *risk;
}

void policy_note_guard(struct rop_situation *now, const struct rop_step *step, const struct guard *guard)
{
	switch (guard->verdict) {
	case GUARD_GO: return;
	case GUARD_WAIT:
		if (step->peer < 0) /* the order of settings, which comes by itself */
			return;
		*rop_push(now->arena, &now->held) = (struct rop_held){ .node = step->node, .why = guard->why };
		return;
	case GUARD_UNKNOWN:
		if (step->expect.kind == ROP_STEP_ROLE || step->expect.kind == ROP_STEP_LOWER) { /* the others go on */
			*rop_push(now->arena, &now->held) = (struct rop_held){ .node = step->node,
									       .why = guard->why,
									       .denied = true };
			return;
		}
		policy_find(now, ROP_DENIED, step->node, "Unknown", guard->why,
			    "allow it on every node (ACL SETUSER), or declare another user under spec.auth");
		return;
	case GUARD_LOSS: add_loss(now, &guard->risk); return;
	}
}
