/* plan_lines.c - a plan as one line a change, for logs and mails; and which of them are done. A line is done when every
 * step of it was seen to be met, so that nothing is told before it is so.
 */
#include <string.h>

#include "rop/text.h"
#include "shared.h"

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

struct rop_plan_lines *rop_plan_lines_new(const struct rop_report *r, const struct rop_plan *plan)
{
	struct rop_plan_lines *lines = rop_alloc(r->arena, sizeof *lines);
	lines->cluster = r->topology->name;
	lines->arena = r->arena;
	lines->plan = plan;
	lines->of_step = rop_alloc_n(r->arena, plan->steps.n + 1, sizeof *lines->of_step);
	lines->at = report_plan_lines(r, plan, lines->of_step, &lines->after, &lines->n);
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
