/* risk_moves.h - of this folder: the guard's rules about slots that move. */
#ifndef ROP_POLICY_RISK_MOVES_H
#define ROP_POLICY_RISK_MOVES_H

#include "guard.h"

/* Of the kinds for which rop_step_moves_slots holds. */
struct guard risk_of_moving(const struct rop_situation *now, const struct rop_batch *batch,
			    const struct rop_step *step);

/* Why that one may not give its last slot away; NULL: it may, or it is not the last. */
const char *risk_of_the_last_slot(const struct rop_situation *now, size_t source, size_t target);

#endif
