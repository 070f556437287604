/* plan_json.c - a plan for programs. format_version 1.0: minor adds, major breaks. */
#include <jansson.h>

#include "rop/text.h"
#include "rop/libraries.h"
#include "shared.h"

static const char *expectation_text(struct rop_arena *arena, const struct rop_expect *e)
{
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: return rop_printf(arena, "%s shows %s = %s", e->address, e->name, e->value);
	case ROP_STEP_EPOCH: return rop_printf(arena, "%s shows config epoch %lld", e->address, (long long)e->epoch);
	case ROP_STEP_BUMP:
		return rop_printf(arena, "%s shows config epoch %lld or a greater one", e->address,
				  (long long)e->epoch);
	case ROP_STEP_MEET: return rop_printf(arena, "%s and node %s list each other", e->address, e->peer);
	case ROP_STEP_GREET:
		if (rop_streq(e->name, ROP_GREET_ROLE))
			return rop_printf(arena, "node %s knows the role of %s", e->peer, e->address);
		return rop_printf(arena, "node %s knows the shard of %s", e->peer, e->address);
	case ROP_STEP_SLOTS: return rop_printf(arena, "%s claims slots %d-%d", e->address, e->first, e->last);
	case ROP_STEP_ROLE: return rop_printf(arena, "%s is a replica of %s", e->address, e->peer);
	case ROP_STEP_PERSIST: return rop_printf(arena, "%s answers OK", e->address);
	case ROP_STEP_IMPORT: return rop_printf(arena, "%s imports slots %s from %s", e->address, e->value, e->peer);
	case ROP_STEP_EXPORT: return rop_printf(arena, "%s migrates slots %s to %s", e->address, e->value, e->peer);
	case ROP_STEP_CARRY: return rop_printf(arena, "%s has no key of slots %s", e->address, e->value);
	case ROP_STEP_MOVE:
		return rop_printf(arena, "%s lists a job that moves slots %s to %s", e->address, e->value, e->peer);
	case ROP_STEP_TAKE: return rop_printf(arena, "%s claims slots %s", e->address, e->value);
	case ROP_STEP_YIELD:
		return rop_printf(arena, "%s does not claim slots %s, nor has them open", e->address, e->value);
	case ROP_STEP_RELEASE: return rop_printf(arena, "%s has none of slots %s open", e->address, e->value);
	case ROP_STEP_FAILOVER:
	case ROP_STEP_TAKEOVER:
		return rop_printf(arena, "%s is a primary and claims the slots of %s", e->address, e->peer);
	case ROP_STEP_RESET: return rop_printf(arena, "%s has another id and lists nobody", e->address);
	case ROP_STEP_EMPTY: return rop_printf(arena, "%s has no key and claims no slot", e->address);
	case ROP_STEP_FORGET: return rop_printf(arena, "%s does not list %s", e->address, e->peer);
	case ROP_STEP_FUNCTIONS:
		return rop_printf(arena, "%s has the function libraries %s", e->address,
				  rop_libraries_names(arena, e->value));
	case ROP_STEP_KINDS_N: break;
	}
	return "";
}

json_t *rop_report_step_json(const struct rop_step *step)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	const struct rop_expect *e = &step->expect;
	return rop_json("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "state", step->state, "action",
			rop_step_kind_name(e->kind), "subject", e->subject, "node", e->address, "command", e->command,
			"why", e->why, "expectation", expectation_text(arena, e), "risk",
			report_risk_json(&step->risk));
}

static json_t *findings_json(const struct rop_finding *findings, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, rop_json("{s:i, s:s, s:s, s:o}", "code", (int)findings[i].code, "reason",
						     findings[i].reason, "message", findings[i].text, "advice",
						     rop_json_text(findings[i].advice)));
	return list;
}

json_t *rop_report_plan_json(const struct rop_report *r, const struct rop_plan *plan)
{
	struct report_summary sum = report_summary(r->arena, plan);
	json_t *changes = json_array();
	for (size_t i = 0; i < plan->steps.n; i++)
		json_array_append_new(changes, rop_report_step_json(&plan->steps.at[i]));
	json_t *summary = rop_json("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s}", "steps",
				   (int)plan->result.steps, "nodes_to_introduce", sum.introduced, "slots_to_assign",
				   sum.slots, "replicas_to_attach", sum.replicas, "settings_to_change", sum.settings,
				   "temporary_settings_to_restore", sum.restores, "slots_to_move", sum.moved,
				   "nodes_to_leave", sum.leaving, "failovers", sum.failovers, "restarts", 0, "risk",
				   report_risk_word(plan));
	const struct rop_losses *losses = &plan->first->losses;
	const char *consent = losses->list.n ? rop_printf(r->arena, "%s@%s", r->topology->name, losses->digest) : NULL;
	return rop_json("{s:s, s:s, s:s, s:b, s:b, s:i, s:i, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "format_version",
			"1.0", "cluster", r->topology->name, "case", rop_case_name(plan->first->kase), "converges",
			plan->result.reached, "paused", rop_image_is_paused(r->image, plan->first->wall_ms), "nodes",
			(int)rop_situation_declared(plan->first), "nodes_answering",
			(int)rop_situation_declared_answer(plan->first), "changes", changes, "summary", summary,
			"findings", findings_json(plan->first->findings.at, plan->first->findings.n), "warnings",
			findings_json(plan->first->warnings.at, plan->first->warnings.n), "not_converged_because",
			plan->result.text, "losses", report_losses_json(losses), "consent", rop_json_text(consent));
}
