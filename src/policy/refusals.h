/* refusals.h - of this folder: what was seen that makes every change unsafe. */
#ifndef ROP_POLICY_REFUSALS_H
#define ROP_POLICY_REFUSALS_H

#include "policy.h"

struct tally { /* of one group of nodes that know each other; [first node of the group] */
	struct rop_slots slots;
	int owners, owners_answering, members;
	int64_t keys;
};

void refusals_of_nodes(struct rop_situation *now); /* unfit, one id twice, undeclared peers */
/* Keys, functions, slots and shapes that do not fit; the case is decided already. */
void refusals_of_content(struct rop_situation *now, const struct tally *tally);
void refusals_of_silence(struct rop_situation *now); /* who does not answer, where that forbids to go on */

#endif
