/* history_lines.c - what happened: a transition or a step, from the journal. */
#include <jansson.h>
#include <string.h>

#include "rop/text.h"
#include "shared.h"

static json_t *deed_json(const struct rop_history_line *l)
{
	const struct rop_deed *d = l->deed;
	const char *note = l->wish ? l->wish->note : d->note;
	json_t *json = rop_json("{s:s, s:o, s:s, s:o, s:I, s:o, s:i, s:o, s:o, s:o}", "type", "deed", "time",
				rop_json_time(l->wall_ms), "what", rop_deed_name(d->what), "user",
				rop_json_text(d->user), "uid", (json_int_t)d->uid, "host", rop_json_text(d->host),
				"pid", d->pid, "command", rop_json_text(d->command), "reason", rop_json_text(d->reason),
				"note", rop_json_text(note));
	if (l->drain) {
		json_object_set_new(json, "target", json_string(l->drain->target));
		json_object_set_new(json, "until", rop_json_time(l->drain->until_wall_ms));
	}
	if (!l->wish)
		return json;
	json_t *wish = rop_json("{s:i, s:s, s:o, s:o, s:o}", "shard", l->wish->shard, "status",
				rop_wish_status_name(l->wish->status), "from", rop_json_text(l->wish->primary_address),
				"to", rop_json_text(l->wish->address), "resolved",
				rop_json_time(l->wish->closed_wall_ms));
	json_object_update(json, wish);
	json_decref(wish);
	return json;
}

json_t *rop_report_history_json(const struct rop_history_line *l)
{
	if (l->deed)
		return deed_json(l);
	if (!l->is_step)
		return rop_json("{s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:i}", "type", "transition", "time",
				rop_json_time(l->wall_ms), "subject", rop_json_text(l->subject), "node",
				rop_json_text(l->address), "from", l->from, "to", l->to, "row", rop_json_text(l->row),
				"why", rop_json_text(l->why), "pid", l->pid);
	return rop_json("{s:s, s:o, s:s, s:o, s:o, s:s, s:i, s:o, s:o, s:o}", "type", "step", "time",
			rop_json_time(l->wall_ms), "subject", l->subject, "node", rop_json_text(l->address), "command",
			rop_json_text(l->command), "status", l->status, "attempts", l->attempts, "note",
			rop_json_text(l->note), "resolved", rop_json_time(l->resolved_wall_ms), "why",
			rop_json_text(l->why));
}

/* ---- slots that moved ---------------------------------------------------------------------------------------- */

static bool has_verb(const struct rop_history_line *l, const char *verb)
{
	size_t n = strlen(verb);
	return l->subject && strncmp(l->subject, verb, n) == 0 && l->subject[n] == ':';
}

/* A step of a run of slots that did what it was to do. */
static bool is_of_a_move(const struct rop_history_line *l)
{
	return l->is_step && strcmp(l->status, "met") == 0 &&
	       (has_verb(l, "import") || has_verb(l, "export") || has_verb(l, "carry") || has_verb(l, "yield"));
}

/* The target owns them. */
static bool has_moved(const struct rop_history_line *l)
{
	return l->is_step && strcmp(l->status, "met") == 0 && has_verb(l, "take");
}

/* A run of slots is on its way, as is to be. */
static bool is_on_its_way(const struct rop_history_line *l)
{
	return !l->deed && !l->is_step && has_verb(l, "slots") && strcmp(l->to, "Held") != 0 &&
	       strcmp(l->from, "Held") != 0;
}

/* The way went on as the last row of a machine said. */
static bool goes_on(const struct rop_history_line *l, const struct rop_history_line *last)
{
	return last && !l->deed && !l->is_step && !l->subject && !last->subject && rop_streq(l->row, last->row) &&
	       strcmp(l->from, l->to) == 0 && strcmp(last->from, last->to) == 0;
}

size_t rop_report_history_told(const struct rop_report *r, const struct rop_history_line *lines, size_t n,
			       bool *ret_told)
{
	const struct rop_history_line *last = NULL;
	size_t told = 0;
	for (size_t i = 0; i < n; i++) {
		const struct rop_history_line *l = &lines[i];
		ret_told[i] = r->verbose || !(is_of_a_move(l) || is_on_its_way(l) || goes_on(l, last));
		told += ret_told[i];
		if (ret_told[i] && !l->deed && !l->is_step)
			last = l;
	}
	return told;
}

/* "CLUSTER SETSLOT 4096-4159 NODE ID": the slots; all of the command where it is none. */
static const char *moved_text(const struct rop_report *r, const char *command)
{
	static const char PREFIX[] = "CLUSTER SETSLOT ";
	if (strncmp(command, PREFIX, strlen(PREFIX)) != 0)
		return command;
	const char *slots = command + strlen(PREFIX), *end = strstr(slots, " NODE ");
	return end ? rop_printf(r->arena, "has slots %.*s now, with their keys", (int)(end - slots), slots) : command;
}

/* ---- a line ---------------------------------------------------------------------------------------------------- */

static const char *status_color(const char *status)
{
	if (strcmp(status, "met") == 0)
		return "green";
	return strcmp(status, "pending") == 0 ? "yellow" : "red";
}

/* What goes on of it stands below what it says, not below its time. */
static void put_line(const struct rop_report *r, const char *line, struct rop_text *out)
{
	report_wrap(r, line, report_is_narrow(r) ? 4 : 31, out);
	rop_text_add(out, "\n");
}

/* What became of it, and when. */
static void put_end(const struct rop_report *r, const struct rop_wish *w, struct rop_text *line)
{
	const char *status = w->status == ROP_WISH_OPEN ? "pending" : rop_wish_status_name(w->status);
	rop_text_add(line, "  %s%s%s", report_paint(r, status_color(status)), status, report_paint(r, "off"));
	if (w->closed_wall_ms)
		rop_text_add(line, " (%lld ms)", (long long)(w->closed_wall_ms - w->asked_wall_ms));
	if (w->note)
		rop_text_add(line, ": %s", w->note);
}

static void put_deed(const struct rop_report *r, const struct rop_history_line *l, const char *time,
		     struct rop_text *out)
{
	const struct rop_deed *d = l->deed;
	ROP_OWN_TEXT line = { 0 };
	rop_text_add(&line, "%s  %s%s%s by %s", time, report_paint(r, "bold"), rop_deed_name(d->what),
		     report_paint(r, "off"), d->user);
	if (d->uid != ROP_NOBODY)
		rop_text_add(&line, "@%s (uid %lld)", d->host, (long long)d->uid);
	if (d->note)
		rop_text_add(&line, " %s", d->note);
	if (l->wish)
		rop_text_add(&line, " of shard %d from %s%s%s", l->wish->shard,
			     l->wish->primary_address ? l->wish->primary_address : l->wish->primary,
			     l->wish->address ? " to " : "", l->wish->address ? l->wish->address : "");
	if (l->drain)
		rop_text_add(&line, " of %s", l->drain->target);
	if (l->drain && d->what == ROP_DEED_DRAIN)
		rop_text_add(&line, " until %s", rop_time_text(r->arena, l->drain->until_wall_ms));
	if (d->reason)
		rop_text_add(&line, ": %s", d->reason);
	rop_text_add(&line, "  [%s]", d->command);
	if (l->wish)
		put_end(r, l->wish, &line);
	put_line(r, line.at, out);
}

/* Whose way it is, where the machine is one for a node or for some slots: "node:ID", "slots:0-63 ID>ID". */
static const char *whose(const struct rop_report *r, const struct rop_history_line *l)
{
	if (!l->subject)
		return "";
	if (strncmp(l->subject, "node:", 5) == 0)
		return rop_printf(r->arena, "%s: ", l->address ? l->address : l->subject + 5);
	if (strncmp(l->subject, "slots:", 6) == 0)
		return rop_printf(r->arena, "slots %.*s: ", (int)strcspn(l->subject + 6, " "), l->subject + 6);
	if (strncmp(l->subject, "shard:", 6) == 0)
		return rop_printf(r->arena, "shard %s: ", l->subject + 6);
	return rop_printf(r->arena, "%s: ", l->subject);
}

void rop_report_history(const struct rop_report *r, const struct rop_history_line *l, struct rop_text *out)
{
	const char *time = rop_time_exact(r->arena, l->wall_ms);
	if (l->deed) {
		put_deed(r, l, time, out);
		return;
	}
	ROP_OWN_TEXT line = { 0 };
	if (!l->is_step) {
		rop_text_add(&line, "%s  %s%s -> %s%s  %s%s", time, report_paint(r, "bold"), l->from, l->to,
			     report_paint(r, "off"), whose(r, l), l->why ? l->why : "");
		put_line(r, line.at, out);
		return;
	}
	const char *command = l->command ? l->command : l->subject;
	if (has_moved(l) && !r->verbose)
		command = moved_text(r, command);
	bool beside = report_fits(r, 65 + strlen(command)); /* else below its node */
	rop_text_add(&line, beside ? "%s    %s%-8s%s %-21s" : "%s    %s%-8s%s %s", time,
		     report_paint(r, status_color(l->status)), l->status, report_paint(r, "off"),
		     l->address ? l->address : "");
	rop_text_add(&line, beside ? " %s" : "\n%s", command);
	if (l->resolved_wall_ms)
		rop_text_add(&line, "  (%lld ms)", (long long)(l->resolved_wall_ms - l->wall_ms));
	if (l->attempts > 1)
		rop_text_add(&line, "  attempt %d", l->attempts);
	if (l->note)
		rop_text_add(&line, "  %s", l->note);
	put_line(r, line.at, out);
}
