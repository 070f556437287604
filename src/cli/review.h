/* review.h - what is given to apply: a topology, or a saved plan of one. */
#ifndef ROP_CLI_REVIEW_H
#define ROP_CLI_REVIEW_H

#include "cli.h"
#include "rop/saved_plan.h"

struct review {
	struct rop_agreed agreed;
	bool warned;                  /* of what everybody is told who looks: once, however often it is planned */
	bool planned;                 /* there is something to do */
	struct rop_plan_lines *lines; /* of what is about to be done, as text; NULL: not as text */
};

/* A saved plan, by its content, or a topology: the session gets its topology. Of a saved plan nothing is believed but
 * what it says of itself: nodes, user and password come from the topology file at its path, or from the accepted
 * revision where that file is gone, and only where plan and file belong to the caller or root and nobody else may write
 * to them. */
bool review_open(struct session *s, struct cli *cli, const char *operand, struct review *review, struct rop_err *err);

#endif
