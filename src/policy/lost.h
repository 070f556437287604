/* lost.h - of this folder: shards that nobody is left of, and what a person gave up. */
#ifndef ROP_POLICY_LOST_H
#define ROP_POLICY_LOST_H

#include "guard.h"

/* Of all that leave: fills in loss and given_up, and the situation's `lost`, which nobody has given up; takes a consent
 * to them. Before anybody is let go. */
void lost_find(struct rop_situation *now);
/* It is nobody any more, or gone for good with what only it had: that it does not answer says nothing new. */
bool lost_is(const struct rop_situation *now, size_t node);
/* Did somebody give all of that up? Else it is among `lost`, and is named with the word that takes it. */
bool lost_is_given_up(struct rop_situation *now, const struct rop_risk *losses, size_t n);
/* Why these slots cannot go to another node yet; NULL: they can. */
const char *lost_is_listed(const struct rop_situation *now, const struct rop_slots *slots);

#endif
