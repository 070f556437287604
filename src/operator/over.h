/* over.h - of this folder: is a run over? */
#ifndef ROP_OPERATOR_OVER_H
#define ROP_OPERATOR_OVER_H

#include "pass.h"

/* Of a plan: what has not come by now does not come. */
bool over_is_foreseen(const struct rop_reconcile *r);
/* What it was stopped by has passed, and the machine goes on. */
bool over_has_passed(const struct rop_reconcile *r);
/* Whether two servers have one identity is not known yet: looked at once more. Counts. */
bool over_is_doubted(struct rop_reconcile *r);
/* Only a person can go on, and all else has been done. */
bool over_is_drained(const struct rop_reconcile *r);
bool over_rests_for_a_drain(const struct rop_reconcile *r);
bool over_waits_for_a_person(const struct rop_reconcile *r);

/* Temporary settings: one is tried again before this ends; each waits for its node; something may have to go back; one
 * is left for a step that this run will not come to. */
bool over_restores_later(const struct rop_reconcile *r);
bool over_all_rows_wait(const struct rop_reconcile *r);
bool over_owes_restore(const struct rop_reconcile *r);
bool over_waits_in_vain(const struct rop_reconcile *r);

/* Slots that were opened here are on their way. */
bool over_any_open(const struct rop_reconcile *r);
/* Told to stop: what was to be seen through is, or time is up. */
bool over_has_stopped(const struct rop_reconcile *r);

/* The take-over that this run is for is done, or cannot be: ret_code. */
bool over_takeover(const struct rop_reconcile *r, enum rop_code *ret_code);

#endif
