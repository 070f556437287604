/* review.c - what is given to apply: a topology, or a saved plan; and whether that may be believed at all. */
#include "review.h"

#include <string.h>

#include "rop/host.h"
#include "rop/text.h"

static bool open_topology(struct session *s, struct cli *cli, const struct rop_saved_plan *plan, const char *operand,
			  const char **ret_said_by, struct rop_err *err)
{
	const char *source = NULL;
	if (!rop_plan_file_topology(cli->arena, plan->path, &source, err))
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

bool review_open(struct session *s, struct cli *cli, const char *operand, struct review *review, struct rop_err *err)
{
	const char *bytes = NULL;
	size_t n = 0;
	const char *said_by = NULL;
	struct rop_saved_plan *plan = &review->agreed.plan;
	if (session_is_file(operand) && strcmp(operand, CLI_STDIN) != 0 &&
	    !rop_plan_file_read(cli->arena, operand, &bytes, &n, err))
		return false;
	if (!bytes)
		return session_open_topology(s, cli, operand, err);
	/* A plan whose own parts do not fit each other was not written by this program. */
	struct session reviewed = { 0 };
	if (!rop_saved_plan_parse(cli->arena, operand, bytes, n, plan, err) ||
	    !session_open_source(&reviewed, cli, plan->path, plan->source, err) ||
	    !rop_saved_plan_holds_together(plan, reviewed.topology, operand, err) ||
	    !open_topology(s, cli, plan, operand, &said_by, err) ||
	    !rop_saved_plan_is_of(plan, s->topology, operand, said_by, err)) /* before anything is connected to */
		return false;
	review->agreed.path = operand;
	review->agreed.index = rop_saved_plan_index(cli->arena, plan);
	return true;
}
