/* events_json.c - what happens while a plan is carried out, for programs: one object an event (apply -o jsonl). */
#include <jansson.h>

#include "shared.h"

json_t *rop_report_transition_json(const char *cluster, const struct rop_transition *transition)
{
	return rop_json("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "transition", "cluster", cluster, "from",
			transition->from, "to", transition->to, "row", transition->row, "why", transition->why);
}

static const char *type_of(enum rop_expect_status status)
{
	if (status == ROP_EXPECT_PENDING)
		return "step_start";
	return status == ROP_EXPECT_MET ? "step_done" : "step_failed";
}

json_t *rop_report_step_event_json(const char *cluster, const struct rop_step *step, enum rop_expect_status status,
				   const char *note)
{
	const struct rop_expect *e = &step->expect;
	return rop_json("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "type", type_of(status), "cluster", cluster,
			"action", rop_step_kind_name(e->kind), "subject", e->subject, "node", e->address, "command",
			e->command, "attempts", e->attempts, "status", rop_expect_status_name(status), "note",
			rop_json_text(note));
}

json_t *rop_report_planned_json(const char *cluster, const struct rop_step *step)
{
	json_t *change = rop_report_step_json(step);
	json_object_set_new(change, "type", json_string("planned_change"));
	json_object_set_new(change, "cluster", json_string(cluster));
	return change;
}

json_t *rop_report_warning_json(const char *cluster, const struct rop_finding *warning)
{
	return rop_json("{s:s, s:s, s:s, s:s, s:o}", "type", "warning", "cluster", cluster, "reason", warning->reason,
			"message", warning->text, "advice", rop_json_text(warning->advice));
}

json_t *rop_report_waiting_json(const struct rop_waiting *waiting)
{
	int64_t left = waiting->timeout_ms - waiting->elapsed_ms;
	return rop_json("{s:s, s:s, s:s, s:s, s:I}", "type", "waiting", "cluster", waiting->cluster, "state",
			waiting->state, "for", waiting->what, "at_most_ms", (json_int_t)(left > 0 ? left : 0));
}

json_t *rop_report_database_json(const char *cluster, const char *why)
{
	return rop_json("{s:s, s:s, s:b, s:o}", "type", "database", "cluster", cluster, "in_use", why != NULL,
			"message", rop_json_text(why));
}

json_t *rop_report_summary_json(const char *cluster, const struct rop_result *result, int64_t elapsed_ms)
{
	return rop_json("{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:I, s:s}", "type", "summary", "cluster", cluster,
			"converged", result->reached, "exit_code", (int)result->code, "steps", (int)result->steps,
			"transitions", (int)result->transitions, "passes", (int)result->passes, "elapsed_ms",
			(json_int_t)elapsed_ms, "message", result->text);
}
