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
	size_t next;          /* of the plan's steps, after the one that was found last */
	size_t *steps, *done; /* [line] */
	int *after;           /* [line] of what it puts back; -1: nothing */
	bool *told;           /* [line] */
};

static const char *line_text(struct rop_arena *arena, const struct rop_plan *plan, const struct plan_group *group)
{
	struct plan_line line = plan_line_of(arena, plan, group);
	return line.shard ? rop_printf(arena, "%s: %s of shard %d", line.who, line.what, line.shard)
			  : rop_printf(arena, "%s: %s", line.who, line.what);
}

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
		lines->at[i] = line_text(lines->arena, plan, &groups.list.at[i]);
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

/* An introduction works both ways, whichever of the two is told. */
static bool is_same(const struct rop_step *a, const struct rop_step *b)
{
	const struct rop_expect *x = &a->expect, *y = &b->expect;
	if (x->kind != y->kind)
		return false;
	if (x->kind == ROP_STEP_MEET)
		return (strcmp(x->node, y->node) == 0 && strcmp(x->peer, y->peer) == 0) ||
		       (strcmp(x->node, y->peer) == 0 && strcmp(x->peer, y->node) == 0);
	return rop_streq(x->subject, y->subject) && rop_streq(x->address, y->address);
}

/* The planned step that this is: one that is not met yet, else one that is; -1: it came up on the way. Of hundreds of
 * nodes there are many thousands, which come about in the order of the plan. */
static int find(struct rop_plan_lines *lines, const struct rop_step *step)
{
	size_t n = lines->plan->steps.n;
	int met = -1;
	for (size_t k = 0; k < n; k++) {
		size_t i = (lines->next + k) % n;
		if (!is_same(&lines->plan->steps.at[i], step))
			continue;
		lines->next = i + 1;
		if (!lines->met[i])
			return (int)i;
		met = (int)i;
	}
	return met;
}

/* In the words of a plan of that step alone; where it is of nodes that the plan does not know, its command. */
static const char *came_up(const struct rop_plan_lines *lines, const struct rop_step *step)
{
	const struct rop_expect *e = &step->expect;
	const struct rop_observed *seen = lines->plan->first->seen;
	struct rop_plan alone = { .first = lines->plan->first };
	struct rop_step own = *step;
	struct plan_groups groups;
	own.node = rop_observed_find(seen, e->node);
	own.peer = rop_observed_find(seen, e->peer);
	if (own.node < 0 || (own.peer < 0 && step->peer >= 0) || e->kind == ROP_STEP_MOVE) /* that is only begun */
		return rop_printf(lines->arena, "%s: %s", e->address, e->command);
	if (e->kind == ROP_STEP_MEET)
		return rop_printf(lines->arena, "%s: introduced to %s", e->address, seen->nodes[own.peer].address);
	*rop_push(lines->arena, &alone.steps) = own;
	plan_groups_make(lines->arena, &alone, &groups);
	return line_text(lines->arena, &alone, &groups.list.at[0]);
}

/* A GREET only hastens what comes by itself; of a move it is told when the other side owns the slots. */
static bool is_news(enum rop_step_kind kind)
{
	return kind != ROP_STEP_GREET && kind != ROP_STEP_IMPORT && kind != ROP_STEP_EXPORT && kind != ROP_STEP_CARRY &&
	       kind != ROP_STEP_YIELD;
}

void rop_plan_lines_asked(struct rop_plan_lines *lines, const struct rop_step *step)
{
	int i = find(lines, step);
	if (i < 0 || !lines->met[i])
		return;
	lines->met[i] = false;
	lines->done[lines->of_step[i]]--;
}

void rop_plan_lines_met(struct rop_plan_lines *lines, const struct rop_step *step, struct rop_text *out)
{
	int i = find(lines, step);
	if (i < 0 && is_news(step->expect.kind))
		rop_text_add(out, "%s: %s\n", lines->cluster, came_up(lines, step));
	if (i < 0 || lines->met[i])
		return;
	lines->met[i] = true;
	size_t line = (size_t)lines->of_step[i];
	if (++lines->done[line] == lines->steps[line])
		tell(lines, line, out);
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
		bool done = lines->done[i] == lines->steps[i];
		if (!lines->steps[i] || (lines->told[i] && done) || !begun)
			continue;
		if (lines->told[i])
			rop_text_add(out, "%s: done, and not so any more: %s\n", lines->cluster, lines->at[i]);
		else if (lines->done[i])
			rop_text_add(out, "%s: done in part, %zu of %zu steps: %s\n", lines->cluster, lines->done[i],
				     lines->steps[i], lines->at[i]);
		else
			rop_text_add(out, "%s: not done: %s\n", lines->cluster, lines->at[i]);
	}
}
