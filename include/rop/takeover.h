/* takeover.h - a replica that comes to lead its shard without a vote, because a person asked for that.
 *
 * Where no majority of the primaries is left nobody is elected, and no fail-over can be asked for: a copy that is there
 * stays a replica for ever. CLUSTER FAILOVER TAKEOVER makes it a primary by its own word. What had not reached it is
 * lost; and where the silent nodes live on the other side of a partition, they may serve still, or elect another one:
 * two primaries take writes, and one side's are thrown away when they meet. So it is a loss (rop/risk.h), with a
 * digest, for which a person's consent is needed. It is asked for by one run (rop_reconcile_options.takeover), stands
 * in no database, and is gone on with by nobody.
 */
#ifndef ROP_TAKEOVER_H
#define ROP_TAKEOVER_H

#include "rop/policy.h"

#define ROP_RISK_TAKEOVER "takeover" /* rop_risk.what */

struct rop_takeover {
	const struct rop_situation *now;
	const struct rop_wish *asked; /* shard; node: who is to lead, "": whoever is best; primary: who led it */
	int lost, heir;               /* nodes: who led it; who is to lead it; -1: nobody */
	/* Replicas of the shard. Those that may take over first: the one that got furthest, then as they are declared.
	 * `lag`: bytes behind what its primary had written when that was seen last; -1: not known. */
	ROP_LIST(struct rop_candidate) candidates;
	bool done;                /* the heir leads the shard */
	bool confirmed;           /* and every node that answers says so */
	bool under_way;           /* asked of it, and neither seen nor out of time */
	const char *barred;       /* why it cannot be, in a sentence; NULL: it can, with consent */
	const char *advice;       /* what else can be done; NULL */
	enum rop_code code;       /* of barred: REFUSED, or DENIED for a permission */
	struct rop_losses losses; /* what it costs, until it is done; none where it is barred */
};

/* How it is to be, and how far it is, in a sentence. */
const char *rop_takeover_sentence(struct rop_arena *arena, const struct rop_takeover *takeover);
/* "has 4021 keys, is 0 bytes behind": how a replica stands to it. */
const char *rop_takeover_candidate_sentence(struct rop_arena *arena, const struct rop_takeover *takeover,
					    const struct rop_candidate *candidate);

#endif
