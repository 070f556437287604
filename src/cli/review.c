/* review.c - a plan that was agreed upon, held against what is seen now; and whether a saved one may be believed at
 * all. */
#include "review.h"

#include <string.h>

#include "rop/text.h"
#include "saved_plan_file.h"

/* ---- opening: may it be believed at all? -------------------------------------------------------------------- */

static bool open_topology(struct session *s, struct cli *cli, const struct rop_saved_plan *plan, const char *operand,
			  const char **ret_said_by, struct rop_err *err)
{
	const char *source = NULL;
	if (!saved_plan_topology(cli->arena, plan->path, &source, err))
		return false;
	*ret_said_by = rop_printf(cli->arena, "the file %s", plan->path);
	if (source)
		return session_open_source(s, cli, plan->path, source, err);
	*ret_said_by = rop_printf(cli->arena, "the file %s is gone, and the newest accepted revision of cluster %s",
				  plan->path, plan->cluster);
	const char *missing = rop_printf(cli->arena, "cluster %s of %s: its topology file %s is gone", plan->cluster,
					 operand, plan->path);
	return session_open_accepted(s, cli, plan->cluster, missing, err);
}

/* Nothing is connected, and no password read, before this. */
static bool is_the_same(const struct session *s, const struct rop_saved_plan *plan, const char *operand,
			const char *said_by, struct rop_err *err)
{
	if (strcmp(s->topology->name, plan->cluster) == 0 && strcmp(s->topology->digest, plan->digest) == 0)
		return true;
	return rop_fail(err, ROP_STALE,
			"%s does not fit any more: since it was planned this has changed; nothing was sent\n- %s says "
			"something else now\n"
			"  -> redis-operator plan --out %s %s, and review it again",
			operand, said_by, operand, plan->path);
}

/* A plan whose own parts do not fit each other was not written by this program. */
static bool holds_together(struct cli *cli, const struct rop_saved_plan *plan, const char *operand, struct rop_err *err)
{
	struct session reviewed = { 0 };
	if (!session_open_source(&reviewed, cli, plan->path, plan->source, err))
		return false;
	if (strcmp(reviewed.topology->digest, plan->digest) == 0 && strcmp(reviewed.topology->name, plan->cluster) == 0)
		return true;
	return rop_fail(err, ROP_INVALID,
			"%s: not a plan that can be applied: its topology is not the one that it names", operand);
}

bool review_open(struct session *s, struct cli *cli, const char *operand, struct review *review, struct rop_err *err)
{
	const char *bytes = NULL;
	size_t n = 0;
	const char *said_by = NULL;
	struct rop_saved_plan *plan = &review->plan;
	if (session_is_file(operand) && strcmp(operand, CLI_STDIN) != 0 &&
	    !saved_plan_read(cli->arena, operand, &bytes, &n, err))
		return false;
	if (!bytes)
		return session_open_topology(s, cli, operand, err);
	if (!rop_saved_plan_parse(cli->arena, operand, bytes, n, plan, err) ||
	    !holds_together(cli, plan, operand, err) || !open_topology(s, cli, plan, operand, &said_by, err) ||
	    !is_the_same(s, plan, operand, said_by, err))
		return false;
	review->path = operand;
	review->index = rop_saved_plan_index(cli->arena, plan);
	return true;
}

/* ---- held against what is seen ----------------------------------------------------------------------------- */

void review_take(struct session *s, const struct rop_plan *plan, struct review *review)
{
	rop_saved_plan_make(s->cli->arena, s->topology, s->source, s->machine, &s->image, plan, &review->plan);
	review->index = rop_saved_plan_index(s->cli->arena, &review->plan);
}

bool review_fits(struct session *s, const struct review *review, const struct rop_plan *plan)
{
	struct rop_saved_plan now;
	struct rop_saved_lines lines = { 0 };
	if (!review->index)
		return true;
	rop_saved_plan_make(s->cli->arena, s->topology, s->source, s->machine, &s->image, plan, &now);
	rop_saved_plan_differences(s->cli->arena, &review->plan, &now, &lines);
	if (!review->path && !review->plan.steps.n && !now.steps.n)
		lines.n = 0; /* nobody was asked about the facts, and nothing comes of them */
	if (!lines.n)
		return true;
	ROP_OWN_TEXT text = { 0 };
	rop_saved_plan_outdated(&lines, review->path, review->plan.path, &text);
	cli_fail_text(&text);
	return false;
}

/* Putting a temporary setting back is part of lowering it, whoever did that. */
bool review_holds(const struct review *review, const struct rop_step *step)
{
	return !review->index || step->expect.kind == ROP_STEP_RESTORE ||
	       rop_saved_plan_holds(review->index, review->plan.steps.n, step);
}
