/* risks.h - of this folder: the guard's rules, a file for each subject; risk.c has the others, and asks them all. */
#ifndef ROP_POLICY_RISKS_H
#define ROP_POLICY_RISKS_H

#include "guard.h"

/* risk_moves.c: of the kinds for which rop_step_moves_slots holds; of slots that the servers are to move by themselves.
 */
struct guard risk_of_moving(const struct rop_situation *now, const struct rop_batch *batch,
			    const struct rop_step *step);
struct guard risk_of_asking(const struct rop_situation *now, const struct rop_step *step);
/* Why that one may not give its last slot away; NULL: it may, or it is not the last. */
const char *risk_of_the_last_slot(const struct rop_situation *now, size_t source, size_t target);

/* risk_retire.c */
struct guard risk_of_reset(const struct rop_situation *now, const struct rop_step *step);
struct guard risk_of_forget(const struct rop_situation *now, const struct rop_step *step);

/* risk_kept.c: of a server that kept a copy */
struct guard risk_of_emptying(const struct rop_situation *now, const struct rop_step *step);

/* risk_failover.c */
struct guard risk_of_take_over(const struct rop_situation *now, const struct rop_step *step);
struct guard risk_of_failover(const struct rop_situation *now, const struct rop_batch *batch,
			      const struct rop_step *step);

/* risk_takeover.c; and what stands against it in the shard that `lost` led, and in that replica; NULL: nothing */
struct guard risk_of_unvoted(const struct rop_situation *now, const struct rop_step *step);
const char *risk_takeover_of(const struct rop_situation *now, size_t lost, const char **ret_advice);
const char *risk_takeover_by(const struct rop_situation *now, size_t lost, size_t heir);
/* Bytes that it is behind what that primary had written when it was seen last; -1: not known. */
int64_t risk_takeover_lag(const struct rop_situation *now, size_t lost, size_t heir);

/* emptied.c: shards that were emptied by a start, into the losses; of no step. */
void risk_of_emptied(struct rop_situation *now);

/* risk_settings.c */
struct guard risk_of_setting(const struct rop_situation *now, const struct rop_step *step);
struct guard risk_of_rewrite(const struct rop_situation *now, const struct rop_step *step);

/* functions.c */
struct guard risk_of_functions(const struct rop_situation *now, const struct rop_step *step);

#endif
