/* migrations.h - of this folder: where the slots should be, and what of that is left to be moved. */
#ifndef ROP_POLICY_MIGRATIONS_H
#define ROP_POLICY_MIGRATIONS_H

#include "policy.h"

/* aim.c: who owns which slot, the share of each shard of the layout, and who is to own which slot. */
void policy_aim(struct rop_situation *now);

/* room.c: whether what is to come fits into the memory of who gets it: findings, and warnings where nobody knows. */
void policy_find_room(struct rop_situation *now);
bool policy_room_is_asked(const struct rop_situation *now, size_t node); /* or nothing hangs on it */

/* migrations.c: fills in migrations and slots_in_place. */
void policy_find_migrations(struct rop_situation *now);
/* subject.c: of a step about slots that move. */
const char *policy_chunk_subject(struct rop_arena *arena, enum rop_step_kind kind, const char *node, const char *peer,
				 int slot);
/* It imports slots from there, and alone lists another one, or nobody, as their owner. */
bool policy_importer_is_misled(const struct rop_observed *seen, size_t target, size_t source);
/* under_way.c: what is open between two nodes, as what is open; false: nothing is, or nobody knows between whom. */
bool policy_note_under_way(struct rop_situation *now);
struct rop_slots policy_chunk_slots(const struct rop_migration *m);

#endif
