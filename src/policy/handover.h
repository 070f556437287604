/* handover.h - of this folder: the wish that a shard be led by another node. */
#ifndef ROP_POLICY_HANDOVER_H
#define ROP_POLICY_HANDOVER_H

#include "policy.h"

/* Fills in `handover` and `wish_due`; once all else is known. */
void policy_find_handover(struct rop_situation *now);
/* What would become of that wish, if it were the open one. */
struct rop_handover *handover_of(const struct rop_situation *now, const struct rop_wish *wish);
/* choice.c: fills in the candidates, the best first; `from` is known. */
void handover_find_candidates(struct rop_handover *h);
/* Why that replica may not lead it, in words without their subject; NULL: it may. `now`, `wish` and `from` are known.
 */
const char *handover_why_not(const struct rop_handover *h, size_t replica);
/* Of those who led the shard and lead it now, one that this viewer holds for something else than it is; -1: none. */
int handover_unheard(const struct rop_handover *h, size_t viewer);
/* The shard of that number, as an index; -1: there is none. Who owns its slots, as far as anybody knows; -1: nobody. */
int handover_shard(const struct rop_situation *now, int number);
int handover_leader(const struct rop_situation *now, int shard);
/* What would be asked of the replica; false: there is nobody to ask. */
bool handover_step(const struct rop_handover *h, struct rop_step *ret_step);

#endif
