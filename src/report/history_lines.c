/* history_lines.c - what happened: a transition or a step, from the journal. */
#include <jansson.h>
#include <string.h>

#include "shared.h"

json_t *rop_report_history_json(const struct rop_history_line *l)
{
	if (!l->is_step)
		return rop_json("{s:s, s:o, s:s, s:s, s:o, s:o, s:i}", "type", "transition", "time",
				rop_json_time(l->wall_ms), "from", l->from, "to", l->to, "row", rop_json_text(l->row),
				"why", rop_json_text(l->why), "pid", l->pid);
	return rop_json("{s:s, s:o, s:s, s:o, s:o, s:s, s:i, s:o, s:o, s:o}", "type", "step", "time",
			rop_json_time(l->wall_ms), "subject", l->subject, "node", rop_json_text(l->address), "command",
			rop_json_text(l->command), "status", l->status, "attempts", l->attempts, "note",
			rop_json_text(l->note), "resolved", rop_json_time(l->resolved_wall_ms), "why",
			rop_json_text(l->why));
}

static const char *status_color(const char *status)
{
	if (strcmp(status, "met") == 0)
		return "green";
	return strcmp(status, "pending") == 0 ? "yellow" : "red";
}

void rop_report_history(const struct rop_report *r, const struct rop_history_line *l, struct rop_text *out)
{
	const char *time = rop_time_text(r->arena, l->wall_ms);
	if (!l->is_step) {
		rop_text_add(out, "%s  %s%s -> %s%s  %s\n", time, report_paint(r, "bold"), l->from, l->to,
			     report_paint(r, "off"), l->why ? l->why : "");
		return;
	}
	rop_text_add(out, "%s    %s%-8s%s %-21s %s", time, report_paint(r, status_color(l->status)), l->status,
		     report_paint(r, "off"), l->address ? l->address : "", l->command ? l->command : l->subject);
	if (l->resolved_wall_ms)
		rop_text_add(out, "  (%lld ms)", (long long)(l->resolved_wall_ms - l->wall_ms));
	if (l->attempts > 1)
		rop_text_add(out, "  attempt %d", l->attempts);
	if (l->note)
		rop_text_add(out, "  %s", l->note);
	rop_text_add(out, "\n");
}
