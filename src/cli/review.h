/* review.h - a plan that was agreed upon: a saved one, or the one just shown. Nothing else is done. */
#ifndef ROP_CLI_REVIEW_H
#define ROP_CLI_REVIEW_H

#include "cli.h"
#include "rop/saved_plan.h"

struct review {
	const char *path; /* of the saved plan; NULL: it was shown, or --yes was said beforehand */
	struct rop_saved_plan plan;
	const struct rop_saved_step **index; /* NULL: --yes, all may be done */
	bool planned;                        /* there is something to do */
	struct rop_plan_lines *lines;        /* of what is about to be done, as text; NULL: not as text */
};

/* A saved plan, by its content, or a topology: the session gets its topology. Of a saved plan nothing is believed but
 * what it says of itself: nodes, user and password come from the topology file at its path, or from the accepted
 * revision where that file is gone, and only where plan and file belong to the caller or root and nobody else may write
 * to them. */
bool review_open(struct session *s, struct cli *cli, const char *operand, struct review *review, struct rop_err *err);
/* The plan just shown becomes the one that is agreed upon. */
void review_take(struct session *s, const struct rop_plan *plan, struct review *review);
/* Does what was agreed upon still fit what is seen? Else what has changed is told on stderr. */
bool review_fits(struct session *s, const struct review *review, const struct rop_plan *plan);
bool review_holds(const struct review *review, const struct rop_step *step);

#endif
