/* agreed.c - a plan that was agreed upon, held against what is seen now. */
#include <string.h>

#include "rop/report.h"
#include "rop/saved_plan.h"

static bool is_of(const struct rop_saved_plan *plan, const struct rop_topology *topology)
{
	return strcmp(topology->name, plan->cluster) == 0 && strcmp(topology->digest, plan->digest) == 0;
}

bool rop_saved_plan_is_of(const struct rop_saved_plan *plan, const struct rop_topology *topology, const char *name,
			  const char *said_by, struct rop_err *err)
{
	if (is_of(plan, topology))
		return true;
	return rop_fail(err, ROP_STALE,
			"%s does not fit any more: since it was planned this has changed; nothing was sent\n- %s says "
			"something else now\n"
			"  -> `redis-operator plan --out %s %s`, and review it again",
			name, said_by, name, plan->path);
}

bool rop_saved_plan_holds_together(const struct rop_saved_plan *plan, const struct rop_topology *own, const char *name,
				   struct rop_err *err)
{
	if (is_of(plan, own))
		return true;
	return rop_fail(err, ROP_INVALID,
			"%s: not a plan that can be applied: its topology is not the one that it names", name);
}

static void save(const struct rop_report *r, const char *source, const struct rop_plan *plan,
		 struct rop_saved_plan *ret)
{
	rop_saved_plan_make(r->arena, r->topology, source, r->machine, r->image, plan, ret);
}

void rop_agreed_take(const struct rop_report *r, const char *source, const struct rop_plan *plan,
		     struct rop_agreed *ret)
{
	save(r, source, plan, &ret->plan);
	ret->index = rop_saved_plan_index(r->arena, &ret->plan);
}

bool rop_agreed_fits(const struct rop_agreed *agreed, const struct rop_report *r, const char *source,
		     const struct rop_plan *plan, struct rop_text *out)
{
	struct rop_saved_plan now;
	struct rop_saved_lines lines = { 0 };
	if (!agreed->index)
		return true;
	save(r, source, plan, &now);
	rop_saved_plan_differences(r->arena, &agreed->plan, &now, &lines);
	if (!agreed->path && !agreed->plan.steps.n && !now.steps.n)
		lines.n = 0; /* nobody was asked about the facts, and nothing comes of them */
	if (lines.n)
		rop_saved_plan_outdated(&lines, agreed->path, agreed->plan.path, out);
	return !lines.n;
}

/* Putting a temporary setting back is part of lowering it, whoever did that. */
bool rop_agreed_holds(const struct rop_agreed *agreed, const struct rop_step *step)
{
	return !agreed->index || step->expect.kind == ROP_STEP_RESTORE ||
	       rop_saved_plan_holds(agreed->index, agreed->plan.steps.n, step);
}
