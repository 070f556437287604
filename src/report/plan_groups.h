/* plan_groups.h - of this folder: the steps of a plan, grouped as a person would tell them; a group makes one line. */
#ifndef ROP_REPORT_PLAN_GROUPS_H
#define ROP_REPORT_PLAN_GROUPS_H

#include "shared.h"

struct plan_group {
	const struct rop_step *step; /* the first of them */
	bool *nodes;                 /* [asked] whom they concern */
	size_t n_nodes;
	struct rop_slots slots; /* that move, or are given out */
};
struct plan_groups {
	ROP_LIST(struct plan_group) list;
	int *of_step; /* [step] */
};
void plan_groups_make(struct rop_arena *arena, const struct rop_plan *plan, struct plan_groups *ret_groups);

/* Of slots that move: the node that gives them, and the one that gets them. Of those that stay: their owner is the
 * giver. */
int plan_giver(const struct rop_plan *plan, const struct rop_step *step);
int plan_taker(const struct rop_plan *plan, const struct rop_step *step);
/* A temporary setting that the nodes show and the database does not know; its `why` has both values and says so. */
bool plan_is_found(const struct rop_plan *plan, const struct rop_step *step);
/* Of a RESTORE the step of the same plan that lowers what it puts back; -1: there is none, or it is no RESTORE. */
int plan_lowering_of(const struct rop_plan *plan, const struct rop_step *step);
/* Of the nodes in MEETs: those that know nobody yet, where there are some; the others were there before. They are left
 * in `nodes`, and counted. */
size_t plan_newcomers(const struct rop_observed *seen, bool *nodes);

/* plan_wording.c */
struct plan_line {
	const char *heading, *sign, *who, *what; /* sign: "+", "~", "-" */
	int shard;                               /* 0: told elsewhere */
};
struct plan_line plan_line_of(struct rop_arena *arena, const struct rop_plan *plan, const struct plan_group *group);

#endif
