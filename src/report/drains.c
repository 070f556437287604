/* drains.c - hosts that are to be stopped: what is handed over, what would be left, who asked and until when, and
 * whether they may be stopped.
 */
#include <jansson.h>

#include "plan_groups.h"
#include "rop/text.h"
#include "shared.h"

static const char *what(const struct rop_report *r, const struct rop_drain *drain)
{
	return drain->zone ? rop_printf(r->arena, "zone %s", drain->target) : drain->target;
}

const char *report_drained_by(const struct rop_report *r, const struct rop_drain *drain)
{
	return rop_printf(r->arena, "drained by %s%s%s", drain->by.user, drain->by.reason ? ": " : "",
			  drain->by.reason ? drain->by.reason : "");
}

const struct rop_drained *report_drained(const struct rop_situation *now, size_t node)
{
	for (size_t d = 0; d < now->drains.n; d++)
		for (size_t i = 0; i < now->drains.at[d].nodes.n; i++)
			if (now->drains.at[d].nodes.at[i] == (int)node)
				return &now->drains.at[d];
	return NULL;
}

/* ---- status ---------------------------------------------------------------------------------------------------- */

static void put_silent(const struct rop_report *r, const struct rop_drained *d, struct rop_text *out)
{
	for (size_t i = 0; i < d->nodes.n; i++) {
		if (rop_answers(d->now->seen, (size_t)d->nodes.at[i]))
			continue;
		report_wrap(r,
			    rop_printf(r->arena, "%s  silent, expected until %s (%s)",
				       d->now->seen->nodes[d->nodes.at[i]].address,
				       rop_time_text(r->arena, d->drain->until_wall_ms),
				       report_drained_by(r, d->drain)),
			    0, out);
		rop_text_add(out, "\n");
	}
}

static void put_fewer(const struct rop_report *r, const struct rop_drained *d, struct rop_text *out)
{
	for (size_t i = 0; i < d->fewer.n; i++) {
		const struct rop_fewer *fewer = &d->fewer.at[i];
		report_wrap(r,
			    rop_printf(r->arena,
				       "shard %d has %zu replica%s in sync without it, of %zu that it is to keep%s",
				       fewer->shard, fewer->left, rop_plural((int64_t)fewer->left), fewer->keeps,
				       fewer->consented ? "; somebody consented to that" : ""),
			    0, out);
		rop_text_add(out, "\n");
	}
}

void report_drains(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out)
{
	for (size_t i = 0; i < now->drains.n; i++) {
		const struct rop_drained *d = &now->drains.at[i];
		rop_text_add(out, "%s", i ? "" : "\nDrained\n");
		report_wrap(r,
			    rop_printf(r->arena, "%s until %s, by %s@%s%s%s: %s", what(r, d->drain),
				       rop_time_text(r->arena, d->drain->until_wall_ms), d->drain->by.user,
				       d->drain->by.host, d->drain->by.reason ? ": " : "",
				       d->drain->by.reason ? d->drain->by.reason : "",
				       d->holds ? rop_printf(r->arena, "may not be stopped yet: %s", d->holds)
						: "may be stopped"),
			    0, out);
		rop_text_add(out, "\n");
		put_silent(r, d, out);
		put_fewer(r, d, out);
	}
}

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

static void put_steps(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	struct plan_groups groups;
	plan_groups_make(r->arena, plan, &groups);
	for (size_t i = 0; i < groups.list.n; i++) {
		struct plan_line line = plan_line_of(r->arena, plan, &groups.list.at[i]);
		rop_text_add(out, "%s%s%s%s %s ", i ? "\n" : "", report_paint(r, "yellow"), line.sign,
			     report_paint(r, "off"), line.who);
		report_below(r, line.what, 2, out);
	}
	rop_text_add(out, "%s", groups.list.n ? "\n" : "");
}

void rop_report_drain(const struct rop_report *r, const struct rop_plan *plan, const struct rop_drained *d,
		      struct rop_text *out)
{
	rop_text_add(out, "%scluster %s, %s%s, until %s\n", report_paint(r, "bold"), r->topology->name,
		     what(r, d->drain), report_paint(r, "off"), rop_time_text(r->arena, d->drain->until_wall_ms));
	put_nodes(r, d, out);
	rop_text_add(out, "\n");
	put_steps(r, plan, out);
	if (!plan->steps.n)
		rop_text_add(out, "%s\n", d->leads ? "Nothing can be handed over now." : "No shard is led from there.");
	put_fewer(r, d, out);
	rop_text_add(out, "\n");
	report_wrap(
		r,
		"Nothing gets a new role there until then, and that it is silent is expected. Slots are not begun to "
		"be moved meanwhile, and no node leaves.",
		0, out);
	rop_text_add(out, "\n");
}

/* ---- for programs ---------------------------------------------------------------------------------------------- */

static json_t *nodes_json(const struct rop_drained *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->nodes.n; i++) {
		const struct rop_node *node = &d->now->seen->nodes[d->nodes.at[i]];
		json_array_append_new(list, rop_json("{s:s, s:s, s:b}", "address", node->address, "role",
						     report_role(node), "answers", rop_node_answers(node)));
	}
	return list;
}

static json_t *fewer_json(const struct rop_drained *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->fewer.n; i++) {
		const struct rop_fewer *fewer = &d->fewer.at[i];
		json_array_append_new(list, rop_json("{s:i, s:I, s:I, s:b}", "shard", fewer->shard, "left",
						     (json_int_t)fewer->left, "keeps", (json_int_t)fewer->keeps,
						     "consented", fewer->consented));
	}
	return list;
}

json_t *rop_report_drained_json(const struct rop_report *r, const struct rop_drained *d)
{
	const struct rop_drain *drain = d->drain;
	return rop_json("{s:s, s:b, s:o, s:o, s:s, s:I, s:s, s:s, s:o, s:b, s:o, s:I, s:o, s:o, s:o, s:s}", "target",
			drain->target, "zone", drain->zone, "asked", rop_json_time(drain->asked_wall_ms), "until",
			rop_json_time(drain->until_wall_ms), "user", drain->by.user ? drain->by.user : "", "uid",
			(json_int_t)drain->by.uid, "host", drain->by.host ? drain->by.host : "", "command",
			drain->by.command ? drain->by.command : "", "reason", rop_json_text(drain->by.reason),
			"may_stop", !d->holds, "holds", rop_json_text(d->holds), "leads", (json_int_t)d->leads, "nodes",
			nodes_json(d), "fewer", fewer_json(d), "digest",
			d->fewer.n ? json_string(d->digest) : json_null(), "message",
			rop_drained_sentence(r->arena, d));
}

json_t *rop_report_drains_json(const struct rop_report *r, const struct rop_situation *now)
{
	json_t *list = json_array();
	for (size_t i = 0; i < now->drains.n; i++)
		json_array_append_new(list, rop_report_drained_json(r, &now->drains.at[i]));
	return list;
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
