/* identities.h - of this folder: a cluster all of whose nodes came back under other ids. */
#ifndef ROP_POLICY_IDENTITIES_H
#define ROP_POLICY_IDENTITIES_H

#include "refusals.h"

/* Is it that? Then it is a finding with the consent that brings them together again; or they come together, where
 * somebody gave that: first those that have none get epochs (`rejoins`). */
bool identities_lost(struct rop_situation *now, const struct tally *tally);

#endif
