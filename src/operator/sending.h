/* sending.h - of this folder: what the fleet is told to do for the steps of a batch, and what became of each step. */
#ifndef ROP_OPERATOR_SENDING_H
#define ROP_OPERATOR_SENDING_H

#include "rop/fleet.h"
#include "rop/policy.h"

/* In the order of the steps; of a step none, one or several. */
const struct rop_command *commands_of_steps(struct rop_arena *arena, const struct rop_situation *now,
					    const struct rop_declared_migration *declared, const struct rop_step *steps,
					    size_t n, size_t *ret_n);
/* [n], of the outcomes of those commands. */
const struct rop_outcome *outcomes_of_steps(struct rop_arena *arena, const struct rop_step *steps, size_t n,
					    const struct rop_outcome *of_commands);

#endif
