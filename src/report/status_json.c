/* status_json.c - how a cluster stands, for programs. format_version 1.0: minor adds, major breaks. */
#include <jansson.h>

#include "shared.h"

json_t *rop_report_file_errors_json(const struct rop_file_error *errors, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++) {
		const struct rop_file_error *e = &errors[i];
		json_array_append_new(list, rop_json("{s:o, s:o, s:o, s:o}", "path", rop_json_text(e->path), "cluster",
						     rop_json_text(e->cluster), "message", rop_json_text(e->text),
						     "since", rop_json_time(e->since_wall_ms)));
	}
	return list;
}

static const char *wanted_role(int primary_of)
{
	if (primary_of == ROP_LEADS)
		return "primary";
	return primary_of == ROP_NO_PLACE ? "none" : "replica";
}

static json_t *nodes_json(const struct rop_report *r, const struct rop_situation *now)
{
	json_t *nodes = json_array();
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int shard = report_shard_of(now, i), planned = now->layout.shard_of[i];
		const struct rop_drained *drained = report_drained(now, i);
		bool silent = !rop_answers(now->seen, i);
		const char *want = wanted_role(now->layout.primary_of[i]);
		json_t *declared = rop_json("{s:s, s:o}", "role", want, "shard",
					    planned < 0 ? json_null()
							: json_integer(now->layout.shards[planned].number));
		json_t *observed = rop_json("{s:b, s:s, s:o, s:I, s:I, s:o, s:s}", "answers", rop_node_answers(node),
					    "role", report_role(node), "primary",
					    rop_json_text(node->primary_id[0] ? node->primary_id : NULL), "epoch",
					    (json_int_t)node->epoch, "keys", (json_int_t)node->keys, "version",
					    rop_json_text(node->flavour), "cluster_state",
					    node->state_ok ? "ok" : "fail");
		json_array_append_new(nodes,
				      rop_json("{s:o, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:o}", "id",
					       rop_json_text(node->id[0] ? node->id : NULL), "address", node->address,
					       "role", report_role(node), "shard",
					       shard ? json_integer(shard) : json_null(), "slots",
					       rop_slots_text(r->arena, &node->slots), "link", report_link(node), "why",
					       rop_json_text(node->reach_why), "declared", declared, "observed",
					       observed, "drained", drained != NULL, "silenceExpectedUntil",
					       silent && drained ? rop_json_time(drained->drain->until_wall_ms)
								 : json_null()));
	}
	return nodes;
}

static const char *how_far(const struct rop_retirement *r)
{
	if (r->held)
		return "held";
	if (!r->drained)
		return "needed";
	return !r->alone || r->listed ? "leaving" : "left";
}

static json_t *leaving_json(const struct rop_report *r, const struct rop_situation *now)
{
	json_t *list = json_array();
	for (size_t i = 0; i < now->retirements.n; i++) {
		const struct rop_retirement *leaves = &now->retirements.at[i];
		json_array_append_new(list, rop_json("{s:s, s:s, s:s, s:s}", "id", leaves->id, "address",
						     now->seen->nodes[leaves->node].address, "state", how_far(leaves),
						     "message", rop_retirement_sentence(r->arena, leaves)));
	}
	return list;
}

/* The open wish with how far it is; else null. */
static json_t *failover_json(const struct rop_report *r, const struct rop_situation *now)
{
	json_t *json = rop_report_wish_json(&r->image->wish);
	if (now->handover)
		json_object_set_new(json, "message", rop_json_text(rop_handover_sentence(r->arena, now->handover)));
	return json;
}

static json_t *warnings_json(const struct rop_situation *now)
{
	json_t *list = json_array();
	for (size_t i = 0; i < now->warnings.n; i++) {
		const struct rop_finding *w = &now->warnings.at[i];
		json_array_append_new(list, rop_json("{s:s, s:s, s:o}", "reason", w->reason, "message", w->text,
						     "advice", rop_json_text(w->advice)));
	}
	return list;
}

json_t *rop_report_status_json(const struct rop_report *r, struct rop_situation *now,
			       const struct rop_file_error *errors, size_t n_errors)
{
	struct rop_condition conditions[ROP_CONDITIONS_N];
	json_t *list = json_array(), *expectations = json_array(), *temporaries = json_array();
	report_conditions(r, now, conditions);
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		json_array_append_new(list, rop_json("{s:s, s:s, s:s, s:s, s:o}", "type",
						     rop_condition_type_name((enum rop_condition_type)i), "status",
						     rop_truth_name(conditions[i].status), "reason",
						     conditions[i].reason, "message", conditions[i].message,
						     "lastTransitionTime", rop_json_time(conditions[i].since_wall_ms)));
	for (size_t i = 0; i < r->image->pending.n; i++) {
		const struct rop_expect *e = &r->image->pending.at[i];
		json_array_append_new(expectations, rop_json("{s:s, s:s, s:s, s:o, s:i}", "subject", e->subject, "kind",
							     rop_step_kind_name(e->kind), "status",
							     rop_expect_status_name(e->status), "deadline",
							     rop_json_time(e->issued_wall_ms +
									   (e->deadline_boot_ms - e->issued_boot_ms)),
							     "attempts", e->attempts));
	}
	for (size_t i = 0; i < r->image->temporaries.n; i++) {
		const struct rop_temporary *t = &r->image->temporaries.at[i];
		json_array_append_new(temporaries, rop_json("{s:s, s:s, s:s, s:s, s:b}", "node", t->node, "name",
							    t->name, "original", t->original, "temporary", t->temporary,
							    "waits", rop_temporary_waits(now, t)));
	}
	return rop_json("{s:s, s:s, s:o, s:s, s:b, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"format_version", "1.0", "cluster", r->topology->name, "time", rop_json_time(now->wall_ms),
			"state", report_state(r, now), "converged", rop_situation_converged(now), "paused", now->paused,
			"revision", (json_int_t)r->image->revision, "observedRevision",
			(json_int_t)r->image->reached_revision, "conditions", list, "nodes", nodes_json(r, now),
			"leaving", leaving_json(r, now), "drains", rop_report_drains_json(r, now), "failover",
			failover_json(r, now), "last_failover", rop_report_wish_json(&r->image->last_wish),
			"expectations", expectations, "temporarySettings", temporaries, "warnings", warnings_json(now),
			"file_errors", rop_report_file_errors_json(errors, n_errors));
}
