/* seats.h - the shards of a layout while it is made: which there are, their slots and numbers, and who leads each. */
#ifndef ROP_POLICY_SEATS_H
#define ROP_POLICY_SEATS_H

#include "policy.h"

struct maker {
	struct rop_arena *arena;
	const struct rop_topology *topology;
	const struct rop_observed *seen;
	struct rop_layout *out;
	int *first_slot;   /* [share], and one more */
	int *owner_of;     /* [share]: node that owns slots and keeps them; -1 */
	int *share_number; /* [share]: the shard's number, which is also what `shard:` of the file means; from 1 */
	bool *vanishes;    /* [share]: all of its nodes leave, and fewer shards are declared */
	int n_vanishing;
	const struct rop_shard_memory *remembered;
	size_t n_remembered;
	const bool *drained; /* [node]: gets no role that it does not have; NULL: none */
	bool *is_primary;    /* [node] */
	const bool *owner;   /* [node]: owns slots now */
	size_t owners;
	bool mixed;    /* servers of which some cannot load what others send */
	int *seats;    /* [share]: its primary, now or to be; -1 */
	int *share_of; /* [node]; -1 */
};

/* From what is seen: shares of slots, their numbers, and the owners that keep theirs. `out` gets room for shards where
 * it has none yet. */
void seats_take(struct maker *m, const struct rop_observed *seen);
/* [share] the owner, or else who becomes its primary: those declared for a shard first, then those declared for none.
 */
void seats_new_primaries(struct maker *m, int *ret_seats);
/* Could become the primary of a shard that has none: answers, owns nothing, follows nobody. */
bool seats_is_candidate(const struct maker *m, size_t node);
bool seats_drained(const struct maker *m, size_t node);
bool seats_leaves(const struct maker *m, size_t node);      /* it is not declared any more */
int seats_label(const struct maker *m, size_t node);        /* the shard that the file declares it for; 0: none */
int seats_share_of_label(const struct maker *m, int label); /* -1: no share has that number */

#endif
