/* plan_lines.c - a plan as one line a change, for logs and mails; and which of them are done. A line is done when every
 * step of it was seen to be met, so that nothing is told before it is so.
 */
#include <string.h>

#include "plan_groups.h"
#include "rop/text.h"

struct rop_plan_lines {
	const char *cluster;
	struct rop_arena *arena;
	const struct rop_plan *plan;
	const char **at;
	size_t n;
	int *of_step;
	bool *met;            /* [step] */
	size_t *steps, *done; /* [line] */
	int *after;           /* [line] of what it puts back; -1: nothing */
	bool *told;           /* [line] */
};

/* "who: what" of each group, and of what is put back the line that tells of lowering it. */
static void make_lines(struct rop_plan_lines *lines, const struct rop_plan *plan)
{
	struct plan_groups groups;
	plan_groups_make(lines->arena, plan, &groups);
	lines->n = groups.list.n;
	lines->of_step = groups.of_step;
	lines->at = rop_alloc_n(lines->arena, lines->n + 1, sizeof *lines->at);
	lines->after = rop_alloc_n(lines->arena, lines->n + 1, sizeof *lines->after);
	for (size_t i = 0; i < lines->n; i++) {
		struct plan_line line = plan_line_of(lines->arena, plan, &groups.list.at[i]);
		lines->at[i] = line.shard
				       ? rop_printf(lines->arena, "%s: %s of shard %d", line.who, line.what, line.shard)
				       : rop_printf(lines->arena, "%s: %s", line.who, line.what);
		lines->after[i] = -1;
	}
	for (size_t i = 0; i < plan->steps.n; i++) {
		int lowering = plan_lowering_of(plan, &plan->steps.at[i]);
		if (lowering >= 0)
			lines->after[lines->of_step[i]] = lines->of_step[lowering];
	}
}

struct rop_plan_lines *rop_plan_lines_new(const struct rop_report *r, const struct rop_plan *plan)
{
	struct rop_plan_lines *lines = rop_alloc(r->arena, sizeof *lines);
	lines->cluster = r->topology->name;
	lines->arena = r->arena;
	lines->plan = plan;
	make_lines(lines, plan);
	lines->met = rop_alloc_n(r->arena, plan->steps.n + 1, sizeof *lines->met);
	lines->steps = rop_alloc_n(r->arena, lines->n + 1, sizeof *lines->steps);
	lines->done = rop_alloc_n(r->arena, lines->n + 1, sizeof *lines->done);
	lines->told = rop_alloc_n(r->arena, lines->n + 1, sizeof *lines->told);
	for (size_t i = 0; i < plan->steps.n; i++)
		lines->steps[lines->of_step[i]]++;
	return lines;
}

void rop_plan_lines_planned(const struct rop_plan_lines *lines, struct rop_text *out)
{
	for (size_t i = 0; i < lines->n; i++)
		if (lines->steps[i] && lines->after[i] < 0) /* that it is put back stands in the line of the LOWER */
			rop_text_add(out, "%s: planned: %s\n", lines->cluster, lines->at[i]);
}

static void tell(struct rop_plan_lines *lines, size_t line, struct rop_text *out)
{
	if (!lines->told[line])
		rop_text_add(out, "%s: %s\n", lines->cluster, lines->at[line]);
	lines->told[line] = true;
}

static bool is_same(const struct rop_step *a, const struct rop_step *b)
{
	return a->expect.kind == b->expect.kind && rop_streq(a->expect.subject, b->expect.subject) &&
	       rop_streq(a->expect.address, b->expect.address);
}

void rop_plan_lines_met(struct rop_plan_lines *lines, const struct rop_step *step, struct rop_text *out)
{
	bool planned = false;
	for (size_t i = 0; i < lines->plan->steps.n; i++) {
		if (!is_same(&lines->plan->steps.at[i], step))
			continue;
		planned = true;
		if (lines->met[i])
			continue;
		lines->met[i] = true;
		size_t line = (size_t)lines->of_step[i];
		if (++lines->done[line] == lines->steps[line])
			tell(lines, line, out);
		return;
	}
	/* What came up on the way has no line; a GREET only hastens what comes by itself, keys go with their slots. */
	if (!planned && step->expect.kind != ROP_STEP_GREET && step->expect.kind != ROP_STEP_CARRY)
		rop_text_add(out, "%s: %s: %s\n", lines->cluster, step->expect.address, step->expect.command);
}

void rop_plan_lines_reached(struct rop_plan_lines *lines, struct rop_text *out)
{
	for (size_t i = 0; i < lines->n; i++)
		if (lines->done[i])
			tell(lines, i, out);
}

void rop_plan_lines_not_done(const struct rop_plan_lines *lines, struct rop_text *out)
{
	for (size_t i = 0; i < lines->n; i++) {
		bool begun = lines->after[i] < 0 ||
			     lines->done[lines->after[i]]; /* else there is nothing to put back */
		if (!lines->steps[i] || lines->told[i] || !begun)
			continue;
		if (lines->done[i])
			rop_text_add(out, "%s: done in part, %zu of %zu steps: %s\n", lines->cluster, lines->done[i],
				     lines->steps[i], lines->at[i]);
		else
			rop_text_add(out, "%s: not done: %s\n", lines->cluster, lines->at[i]);
	}
}
