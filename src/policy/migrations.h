/* migrations.h - of this folder: where the slots should be, and what of that is left to be moved. */
#ifndef ROP_POLICY_MIGRATIONS_H
#define ROP_POLICY_MIGRATIONS_H

#include "policy.h"

/* aim.c: who owns which slot, the share of each shard of the layout, and who is to own which slot. */
void policy_aim(struct rop_situation *now);

/* migrations.c: fills in migrations and slots_in_place. */
void policy_find_migrations(struct rop_situation *now);
struct rop_slots policy_chunk_slots(const struct rop_migration *m);

#endif
