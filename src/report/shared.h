/* shared.h - what the files of this folder share among themselves. */
#ifndef ROP_REPORT_SHARED_H
#define ROP_REPORT_SHARED_H

#include "rop/report.h"

static inline const char *report_paint(const struct rop_report *r, const char *name)
{
	return rop_paint(r->color, name);
}

/* plan_text.c */
struct report_summary {
	int introduced, slots, replicas, settings, restores, moved;
};
struct report_summary report_summary(struct rop_arena *arena, const struct rop_plan *plan);
/* "who: what", as a person would group the steps. of_step[i]: the line that tells of step i. */
const char **report_plan_lines(const struct rop_report *r, const struct rop_plan *plan, int *of_step, size_t *ret_n);
bool report_is_paused(const struct rop_report *r, int64_t wall_ms);

/* plan_risk.c */
void report_risk(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out);
const char *report_risk_word(const struct rop_plan *plan);    /* the worst of its steps: "none", "durability", "loss" */
struct json_t *report_risk_json(const struct rop_risk *risk); /* null for none */
struct json_t *report_losses_json(const struct rop_losses *losses);

/* status_text.c */
/* What is owned and not served, and what only a person may do about it: said before all else. */
void report_unserved(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out);
const char *report_role(const struct rop_node *node);
const char *report_link(const struct rop_node *node);
int report_shard_of(const struct rop_situation *now, size_t i); /* its number; 0: none yet */
const char *report_state(const struct rop_report *r, const struct rop_situation *now);
void report_conditions(const struct rop_report *r, struct rop_situation *now,
		       struct rop_condition ret[ROP_CONDITIONS_N]);

#endif
