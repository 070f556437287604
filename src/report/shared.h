/* shared.h - what the files of this folder share among themselves. */
#ifndef ROP_REPORT_SHARED_H
#define ROP_REPORT_SHARED_H

#include "rop/report.h"

static inline const char *report_paint(const struct rop_report *r, const char *name)
{
	return rop_paint(r->color, name);
}

/* lines.c */
bool report_fits(const struct rop_report *r, size_t width);
bool report_is_narrow(const struct rop_report *r);
/* From where `out` stands; lines that go on begin at column `indent`. */
void report_wrap(const struct rop_report *r, const char *text, size_t indent, struct rop_text *out);
/* The same, beside what stands in the columns before; on a narrow terminal below it. */
void report_below(const struct rop_report *r, const char *text, size_t column, struct rop_text *out);
struct report_part {
	const char *before, *text, *color; /* before and color: or NULL */
};
/* One line of parts with room between them; what does not fit begins the next one. */
void report_parts(const struct rop_report *r, const struct report_part *parts, size_t n, struct rop_text *out);

/* blocked.c */
struct report_refusals {
	ROP_LIST(struct rop_finding) list;
	bool later; /* not at once, but further on the way */
};
void report_refusals(const struct rop_report *r, struct rop_situation *now, struct report_refusals *ret);
/* For who reads them below; NULL: there are none. */
const char *report_refused_below(const struct rop_report *r, struct rop_situation *now);
void report_put_refusals(const struct rop_report *r, struct rop_situation *now, struct rop_text *out);

/* status_nodes.c */
void report_nodes(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out);

/* plan_text.c */
struct report_summary {
	int introduced, slots, replicas, settings, restores, moved, failovers, leaving;
};
struct report_summary report_summary(struct rop_arena *arena, const struct rop_plan *plan);
/* plan_risk.c */
void report_risk(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out);
const char *report_risk_word(const struct rop_plan *plan);    /* the worst of its steps: "none", "durability", "loss" */
struct json_t *report_risk_json(const struct rop_risk *risk); /* null for none */
struct json_t *report_losses_json(const struct rop_losses *losses);

/* wishes.c */
struct json_t *report_node_json(const char *id, const char *address); /* null where nothing is known; address or NULL */
/* The open wish, and the last one that is over: lines of status */
void report_wishes(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out);

/* drains.c */
const char *report_drain_target(const struct rop_report *r, const struct rop_drain *drain); /* a host; "zone b" */
void report_fewer(const struct rop_report *r, const struct rop_drained *d, struct rop_text *out);
const char *report_drained_by(const struct rop_report *r, const struct rop_drain *drain); /* "drained by anna: why" */
const struct rop_drained *report_drained(const struct rop_situation *now, size_t node);   /* NULL: it is not */
void report_drains(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out);

/* placed.c: shards that had better be led by another node, and the commands for it; nothing where there are none */
void report_misplaced(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out);

/* plan_wording.c: of a short plan: a line each, after an empty one */
void report_plan_steps(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out);

/* any_look.c: told to everybody who looks, whatever else is asked: rop_report_second. */
bool report_is_of_any_look(const struct rop_finding *warning);

/* status_text.c */
/* What is owned and not served, and what only a person may do about it: said before all else. */
void report_unserved(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out);
/* ", 2 are to leave"; "": nobody is. */
const char *report_leavers(const struct rop_report *r, const struct rop_situation *now);
const char *report_role(const struct rop_node *node);
const char *report_link(const struct rop_node *node);
int report_shard_of(const struct rop_situation *now, size_t i); /* its number; 0: none yet */
const char *report_state(const struct rop_report *r, const struct rop_situation *now);
void report_conditions(const struct rop_report *r, struct rop_situation *now,
		       struct rop_condition ret[ROP_CONDITIONS_N]);

#endif
