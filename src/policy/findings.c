/* findings.c - what stands against going on, noted in the situation: findings, losses, and what has to wait. */
#include <string.h>

#include "guard.h"
#include "rop/text.h"

/* clang-format off */
static const struct {
	const char *word;
	enum rop_code code;
	enum rop_reason_kind kind;
} REASONS[ROP_REASONS_N] = {
#define X(id, word, code, kind) [ROP_WHY_##id] = { word, code, ROP_REASON_##kind },
	ROP_REASONS(X)
#undef X
};
/* clang-format on */

const char *rop_reason_word(enum rop_reason reason)
{
	return REASONS[reason].word;
}

enum rop_code rop_reason_code(enum rop_reason reason)
{
	return REASONS[reason].code;
}

enum rop_reason_kind rop_reason_kind(enum rop_reason reason)
{
	return REASONS[reason].kind;
}

const char *rop_situation_reason(const struct rop_situation *now)
{
	if (now->findings.n)
		return now->findings.at[0].reason;
	return now->lost.list.n ? rop_reason_word(ROP_WHY_DATA_LOSS) : NULL;
}

static struct rop_finding make(enum rop_code code, int node, enum rop_reason is, const char *text, const char *advice)
{
	return (struct rop_finding){
		.code = code, .node = node, .is = is, .reason = rop_reason_word(is), .text = text, .advice = advice
	};
}

void policy_find(struct rop_situation *now, int node, enum rop_reason is, const char *text, const char *advice)
{
	for (size_t i = 0; i < now->findings.n; i++)
		if (strcmp(now->findings.at[i].text, text) == 0)
			return;
	*rop_push(now->arena, &now->findings) = make(rop_reason_code(is), node, is, text, advice);
}

void policy_note_open(struct rop_situation *now, int node, enum rop_reason is, const char *text, const char *advice)
{
	if (now->open.n == POLICY_OPEN_MAX)
		return;
	*rop_push(now->arena, &now->open) = make(ROP_TIMEOUT, node, is, text, advice);
}

void policy_warn(struct rop_situation *now, int node, enum rop_reason is, const char *text, const char *advice)
{
	*rop_push(now->arena, &now->warnings) = make(ROP_OK, node, is, text, advice);
}

struct rop_finding policy_warning(int node, enum rop_reason is, const char *text)
{
	return make(ROP_OK, node, is, text, NULL);
}

const char *policy_user(const struct rop_situation *now)
{
	return now->topology->auth_user ? now->topology->auth_user : "default";
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
		policy_find(now, step->node, ROP_WHY_UNKNOWN, guard->why, POLICY_ALLOW);
		return;
	case GUARD_LOSS: add_loss(now, &guard->risk); return;
	}
}
