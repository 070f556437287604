/* served.h - of this folder: which slots are served, and what is said of those that are not. */
#ifndef ROP_POLICY_SERVED_H
#define ROP_POLICY_SERVED_H

#include "policy.h"

/* Fills in served, all_served, unserved and unserved_advice; the layout and `owned` are there. */
void policy_find_served(struct rop_situation *now);
void policy_warn_of_few_primaries(struct rop_situation *now);

#endif
