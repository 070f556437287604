/* retire.h - of this folder: nodes that are not declared any more, and how they leave. */
#ifndef ROP_POLICY_RETIRE_H
#define ROP_POLICY_RETIRE_H

#include "policy.h"

/* Where those that leave are needed for nothing any more, the situation is about the others: its topology and what it
 * sees are without them. Before all else. */
void policy_let_go(struct rop_situation *now);
/* What stands against their leaving, and the flags; after the shards are known. */
void policy_find_leaving(struct rop_situation *now);

/* Who has not left yet, as what is open. */
void policy_note_leaving(struct rop_situation *now);

#endif
