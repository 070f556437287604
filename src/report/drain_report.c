/* drain_report.c - what `drain` answers: what is handed over, and what would be left. */
#include <jansson.h>

#include "rop/text.h"
#include "shared.h"

/* ---- the plan -------------------------------------------------------------------------------------------------- */

static void put_nodes(const struct rop_report *r, const struct rop_drained *d, struct rop_text *out)
{
	const struct rop_situation *now = d->now;
	for (size_t i = 0; i < d->nodes.n; i++) {
		const struct rop_node *node = &now->seen->nodes[d->nodes.at[i]];
		int shard = report_shard_of(now, (size_t)d->nodes.at[i]);
		rop_text_add(out, "  %-21s  %s%s%s\n", node->address, report_role(node),
			     shard ? rop_printf(r->arena, " of shard %d", shard) : "",
			     rop_node_answers(node) ? "" : ", does not answer");
	}
}

void rop_report_drain(const struct rop_report *r, const struct rop_plan *plan, const struct rop_drained *d,
		      struct rop_text *out)
{
	rop_text_add(out, "%scluster %s, %s%s, until %s\n", report_paint(r, "bold"), r->topology->name,
		     report_drain_target(r, d->drain), report_paint(r, "off"),
		     rop_time_text(r->arena, d->drain->until_wall_ms));
	put_nodes(r, d, out);
	report_plan_steps(r, plan, out);
	if (!plan->steps.n)
		rop_text_add(out, "%s\n", d->leads ? "Nothing can be handed over now." : "No shard is led from there.");
	report_fewer(r, d, out);
	rop_text_add(out, "\n");
	report_wrap(
		r,
		"Nothing gets a new role there until then, and that it is silent is expected. Slots are not begun to "
		"be moved meanwhile, and no node leaves.",
		0, out);
	rop_text_add(out, "\n");
}

json_t *rop_report_drain_json(const struct rop_report *r, const struct rop_plan *plan, const struct rop_drained *d,
			      const char *result, const char *message)
{
	json_t *json = rop_report_drained_json(r, d), *changes = json_array();
	for (size_t i = 0; plan && i < plan->steps.n; i++)
		json_array_append_new(changes, rop_report_step_json(&plan->steps.at[i]));
	json_object_set_new(json, "cluster", json_string(r->topology->name));
	json_object_set_new(json, "result", json_string(result));
	json_object_set_new(json, "message", rop_json_text(message));
	json_object_set_new(json, "changes", changes);
	return json;
}
