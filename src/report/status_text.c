/* status_text.c - how a cluster stands, for people: nodes, roles, slots, state, conditions, what is under way. */
#include <string.h>

#include "rop/text.h"
#include "shared.h"

struct standing {
	const struct rop_machine *machine;
	size_t moves;
	int state;
};

static bool stand(void *arg, const struct rop_state *state, const struct rop_row *row)
{
	struct standing *standing = arg;
	(void)state;
	if (row)
		standing->state = row->to;
	return ++standing->moves < standing->machine->n_states;
}

/* Where the declared cluster is: the state that a row with record_reached leads to. Machines may be edited, so its name
 * is not known here. -1: this machine reaches none. */
static int state_reached(const struct rop_machine *m)
{
	for (size_t s = 0; s < m->n_states; s++)
		for (size_t r = 0; r < m->states[s].n_rows; r++) {
			const struct rop_row *row = &m->states[s].rows[r];
			for (size_t d = 0; d < row->n_do; d++)
				if (strcmp(row->does[d].action->name, "record_reached") == 0)
					return row->to;
		}
	return -1;
}

/* The state the machine would be in now: from the last one written, by the rows that what is seen makes it take. Where
 * none was written nobody has begun: it has only been looked at. */
const char *report_state(const struct rop_report *r, const struct rop_situation *now)
{
	const struct rop_machine *m = r->machine;
	struct rop_clock_in_state clock = { .in_state_ms = 0, .n_subjects = r->topology->nodes.n };
	struct standing standing = { .machine = m,
				     .state = r->image->state ? rop_machine_find_state(m, r->image->state) : -1 };
	const struct rop_walk walk = { .visit = stand, .arg = &standing };
	/* What the conditions say, the state says too: who looks sees that it is as declared before the next run does.
	 */
	if (standing.state < 0 && now->refused)
		standing.state = m->initial; /* what keeps it from beginning is told as that */
	else if (standing.state < 0 ||
		 (rop_situation_converged(now) && !now->paused && !now->wish_due && !now->drain_due)) {
		int reached = rop_situation_converged(now) ? state_reached(m) : -1;
		return m->states[reached < 0 ? m->initial : reached].name;
	}
	rop_machine_walk(m, standing.state, now, clock, &walk);
	return m->states[standing.state].name;
}

void report_conditions(const struct rop_report *r, struct rop_situation *now,
		       struct rop_condition ret[ROP_CONDITIONS_N])
{
	bool converged = rop_situation_converged(now);
	if (!converged)
		rop_situation_open(now);
	/* What the last run ended with holds until it has been tried again. */
	bool stuck = !converged && r->image->conditions[ROP_COND_BLOCKED].status == ROP_TRUE;
	rop_conditions_make(now, converged, now->refused || !now->in_view || stuck, ret);
	struct report_refusals refusals;
	report_refusals(r, now, &refusals);
	if (!refusals.list.n || (ret[ROP_COND_BLOCKED].status == ROP_TRUE && !now->denied.n))
		return;
	ret[ROP_COND_BLOCKED].status = ROP_TRUE;
	ret[ROP_COND_BLOCKED].reason = refusals.list.at[0].reason;
	ret[ROP_COND_BLOCKED].message = rop_printf(now->arena, "apply %s: %s",
						   refusals.later ? "would be stopped on its way" : "is refused",
						   refusals.list.at[0].text);
	ret[ROP_COND_BLOCKED].since_wall_ms = now->wall_ms;
}

void report_unserved(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out)
{
	if (!now->unserved || !now->formed)
		return;
	rop_text_add(out, "%s%s%s\n", report_paint(r, "red"), now->unserved, report_paint(r, "off"));
	if (now->unserved_advice)
		rop_text_add(out, "  -> %s\n", now->unserved_advice);
}

void rop_report_file_errors(const struct rop_report *r, const struct rop_file_error *errors, size_t n_errors,
			    int64_t revision, struct rop_text *out)
{
	for (size_t i = 0; i < n_errors; i++) {
		const struct rop_file_error *e = &errors[i];
		rop_text_add(out, "%s  %s%s has errors%s since %s; ", i ? "" : "File\n", report_paint(r, "red"),
			     rop_text_visible(r->arena, e->path, strlen(e->path), SIZE_MAX), report_paint(r, "off"),
			     rop_time_text(r->arena, e->since_wall_ms));
		if (revision)
			rop_text_add(out, "revision %lld, the last good one, is in force\n", (long long)revision);
		else
			rop_text_add(out, "nothing is done for it\n");
		for (const char *line = e->text; *line;) {
			size_t n = strcspn(line, "\n");
			rop_text_add(out, "    %s\n", rop_text_visible(r->arena, line, n, SIZE_MAX));
			line += n + (line[n] == '\n');
		}
	}
}

void rop_report_file_errors_unknown(struct rop_file_error *errors, size_t *n_errors, const char *const *clusters,
				    size_t n_clusters)
{
	size_t kept = 0;
	for (size_t i = 0; i < *n_errors; i++) {
		bool known = false;
		for (size_t k = 0; k < n_clusters; k++)
			known |= rop_streq(errors[i].cluster, clusters[k]);
		if (!known)
			errors[kept++] = errors[i];
	}
	*n_errors = kept;
}

const char *report_leavers(const struct rop_report *r, const struct rop_situation *now)
{
	size_t n = rop_situation_leavers(now);
	if (!n)
		return "";
	return rop_printf(r->arena, ", %zu %s to leave", n, n == 1 ? "is" : "are");
}

static void put_header(const struct rop_report *r, struct rop_situation *now, struct rop_text *out)
{
	size_t n = rop_situation_declared(now), answer = rop_situation_declared_answer(now);
	const struct report_part parts[] = {
		{ "cluster ", r->topology->name, "bold" },
		{ .text = report_state(r, now), .color = rop_situation_converged(now) ? "green" : "yellow" },
		{ .text = rop_printf(r->arena, "%d shard%s, %zu node%s, %zu answer%s%s", r->topology->shards,
				     rop_plural(r->topology->shards), n, rop_plural((int64_t)n), answer,
				     answer == 1 ? "s" : "", report_leavers(r, now)) },
		{ .text = rop_printf(r->arena, "revision %lld declared, %lld reached", (long long)r->image->revision,
				     (long long)r->image->reached_revision) },
	};
	report_parts(r, parts, r->image->revision ? 4 : 3, out);
}

/* What stands at the top, with its causes, is not told thrice. */
static const char *brief(const struct rop_report *r, const struct rop_situation *now, const char *message)
{
	const char *told = now->formed ? now->unserved : NULL, *causes = told ? strstr(told, " (") : NULL;
	if (!causes || !rop_streq(message, told))
		return message;
	return rop_printf(r->arena, "%.*s: see above", (int)(causes - told), told);
}

/* Below the nodes that are declared. */
static void put_leaving(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out)
{
	for (size_t i = 0; i < now->retirements.n; i++) {
		const struct rop_retirement *leaves = &now->retirements.at[i];
		rop_text_add(out, "%s   ", i ? "" : "\n");
		report_below(r, rop_retirement_sentence(r->arena, leaves), 3, out);
		rop_text_add(out, "\n");
	}
}

/* A node's id, as the table above has it. */
static const char *ids_cut(struct rop_arena *arena, const char *text)
{
	ROP_OWN_TEXT cut = { 0 };
	while (*text) {
		size_t hex = strspn(text, "0123456789abcdef"), n = hex ? hex : 1;
		rop_text_add(&cut, "%.*s", (int)(hex == ROP_ID_SIZE - 1 ? 8 : n), text);
		text += n;
	}
	return rop_strndup(arena, cut.at ? cut.at : "", cut.n);
}

#define DATE 11 /* "2026-03-01 ": a step takes seconds, or a minute */

static void put_pending(const struct rop_report *r, struct rop_text *out)
{
	for (size_t i = 0; i < r->image->pending.n; i++) {
		const struct rop_expect *e = &r->image->pending.at[i];
		const char *what = e->command ? e->command : e->subject;
		int64_t until = e->issued_wall_ms + (e->deadline_boot_ms - e->issued_boot_ms);
		rop_text_add(out, "%s%s  ", i ? "" : "\nUnder way\n", e->address ? e->address : e->node);
		if (e->attempts > 1)
			what = rop_printf(r->arena, "%s, attempt %d", what, e->attempts);
		report_below(r,
			     rop_printf(r->arena, "%s, until %s", ids_cut(r->arena, what),
					rop_time_text(r->arena, until) + DATE),
			     4, out);
		rop_text_add(out, "\n");
	}
}

void rop_report_status(const struct rop_report *r, struct rop_situation *now, const struct rop_file_error *errors,
		       size_t n_errors, struct rop_text *out)
{
	struct rop_condition conditions[ROP_CONDITIONS_N];
	report_conditions(r, now, conditions);
	const char *below = report_refused_below(r, now);
	report_unserved(r, now, out);
	put_header(r, now, out);
	rop_text_add(out, "\n");
	rop_report_file_errors(r, errors, n_errors, r->image->revision, out);
	if (n_errors)
		rop_text_add(out, "\n");
	report_nodes(r, now, out);
	put_leaving(r, now, out);
	rop_text_add(out, "\n");
	for (int i = 0; i < ROP_CONDITIONS_N; i++) {
		bool good = (i == ROP_COND_PAUSED || i == ROP_COND_BLOCKED || i == ROP_COND_DRAINED) ==
			    (conditions[i].status == ROP_FALSE);
		if (conditions[i].status == ROP_UNKNOWN)
			good = false;
		rop_text_add(out, "%-14s %s%-8s%s %-12s ", rop_condition_type_name((enum rop_condition_type)i),
			     report_paint(r, good ? "green" : "yellow"), rop_truth_name(conditions[i].status),
			     report_paint(r, "off"), conditions[i].reason);
		report_below(r, i == ROP_COND_BLOCKED && below ? below : brief(r, now, conditions[i].message), 37, out);
		rop_text_add(out, "\n");
	}
	report_put_refusals(r, now, out);
	put_pending(r, out);
	for (size_t i = 0; i < r->image->temporaries.n; i++) {
		const struct rop_temporary *t = &r->image->temporaries.at[i];
		rop_text_add(out, "%s%s  ", i ? "" : "\nTemporary settings in force\n", t->address);
		if (rop_temporary_waits(now, t))
			rop_text_add(out, "%s\n", rop_temporary_sentence(r->arena, now, t));
		else
			rop_text_add(out, "%s is %s, will be put back to %s\n", t->name, t->temporary, t->original);
	}
	report_drains(r, now, out);
	report_misplaced(r, now, out);
	report_wishes(r, now, out);
}
