/* misplaced.h - of this folder: shards that had better be led by another node. */
#ifndef ROP_POLICY_MISPLACED_H
#define ROP_POLICY_MISPLACED_H

#include "policy.h"

/* Fills in `misplaced`, with a warning for each: of a cluster that is as declared, while nothing else is going on. */
void policy_find_misplaced(struct rop_situation *now);
/* All is as declared, and nothing is going on. */
bool misplaced_is_quiet(const struct rop_situation *now);
/* swaps.c: fills in `swaps`, with a warning for each, as above */
void policy_find_swaps(struct rop_situation *now);
/* mending.c: which of them is to be handed over now, unasked: once what is wanted and drained is known. */
void policy_find_placement_due(struct rop_situation *now);
/* Is this wish still the way to a better placement? Of one that nobody asked for. */
bool misplaced_wants(const struct rop_situation *now, const struct rop_wish *wish);

#endif
