/* guard.c - what a rule can answer: it may go, it waits, a thing is not known, something is lost; and consent. */
#include "guard.h"
#include "rop/text.h"

const struct guard guard_go = { .verdict = GUARD_GO };

struct guard guard_wait(const char *why)
{
	return (struct guard){ .verdict = GUARD_WAIT, .why = why };
}

struct guard guard_unknown(const struct rop_situation *now, size_t i, const char *what)
{
	const struct rop_node *node = &now->seen->nodes[i];
	return (struct guard){
		.verdict = GUARD_UNKNOWN,
		.why = node->refused
			       ? rop_printf(now->arena,
					    "%s would not tell %s: user '%s' may not run %s; what is unknown is not "
					    "taken for empty",
					    node->address, what, policy_user(now), node->refused)
			       : rop_printf(now->arena, "%s did not tell %s; what is unknown is not taken for empty",
					    node->address, what),
	};
}

static bool is_part_of(const char *slots, const char *whole)
{
	struct rop_slots a, b;
	return slots && whole && rop_slots_parse(slots, &a) && rop_slots_parse(whole, &b) && rop_slots_within(&a, &b);
}

static bool is_covered_by(const struct rop_risk *risk, const struct rop_risk *taken)
{
	if (!rop_streq(risk->what, taken->what))
		return false;
	if (risk->slots || taken->slots)
		return is_part_of(risk->slots, taken->slots);
	return rop_streq(risk->copies, taken->copies);
}

static bool is_consented(const struct rop_situation *now, const struct rop_risk *risk)
{
	for (size_t i = 0; now->consent && i < now->consent->taken.list.n; i++)
		if (is_covered_by(risk, &now->consent->taken.list.at[i]))
			return true;
	return false;
}

struct guard guard_loss(const struct rop_situation *now, const struct rop_risk *risk)
{
	struct guard guard = { .verdict = GUARD_LOSS, .risk = *risk, .why = risk->text };
	guard.risk.kind = ROP_RISK_LOSS;
	if (is_consented(now, risk))
		guard.verdict = GUARD_GO;
	return guard;
}

struct guard guard_durability(const char *what, int shard, const char *text)
{
	return (struct guard){
		.verdict = GUARD_GO,
		.risk = { .kind = ROP_RISK_DURABILITY, .what = what, .shard = shard, .keys = -1, .text = text }
	};
}
