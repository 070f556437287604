/* guard.h - of this folder: the one guard that every step passes before it is planned. */
#ifndef ROP_POLICY_GUARD_H
#define ROP_POLICY_GUARD_H

#include "policy.h"

enum guard_verdict {
	GUARD_GO,
	GUARD_WAIT,    /* not now: why says what it waits for */
	GUARD_UNKNOWN, /* it needs to know what a node would not tell: why names node and permission */
	GUARD_LOSS,    /* would lose what risk says, and nobody consented to that */
};
struct guard {
	enum guard_verdict verdict;
	struct rop_risk risk;
	const char *why;
};

/* guard.c: what a rule can answer. Of what a node would not tell: "how many keys it holds". Of a loss that somebody
 * consented to: it goes, and says what it costs. A smaller step of durability goes, and says so. */
extern const struct guard guard_go;
struct guard guard_wait(const char *why);
struct guard guard_unknown(const struct rop_situation *now, size_t node, const char *what);
struct guard guard_loss(const struct rop_situation *now, const struct rop_risk *risk);
struct guard guard_durability(const char *what, int shard, const char *text);

/* guard.c: a fail-over that we asked for is under way: one node may have answered this look before it, and another one
 * after it, so that slots seem to be nobody's, or a replica's primary nobody. */
bool guard_hands_over(const struct rop_situation *now, int but); /* not counting that primary's; -1: any */
bool guard_is_handing_over(const struct rop_situation *now, const char *primary); /* by its id */
const char *guard_failover_subject(const struct rop_situation *now, const char *primary);

/* risk.c. Pure: of the step, the situation, and what the batch holds already. */
struct guard guard_step(const struct rop_situation *now, const struct rop_batch *batch, const struct rop_step *step);

/* Slots of the K-th shard that have an owner no more, and that none of the declared nodes can take: a sentence; NULL:
 * there are none, or there never was a key. ret_silent: who may come back with them, or NULL. */
const char *guard_homeless_slots(const struct rop_situation *now, size_t k, const char **ret_silent);

/* Does attaching X to P need cluster-replica-no-failover on X meanwhile? (safety.md, "REPLICATE where there is data")
 */
bool guard_needs_no_failover(const struct rop_situation *now, size_t x, size_t p);
#define GUARD_NO_FAILOVER "cluster-replica-no-failover"

/* weigh.c: lets every planner that can cost data plan what it would, and notes what stands against it: findings for
 * what needs consent or a permission, held for what has to wait. */
void policy_weigh(struct rop_situation *now);
/* The consent of a person names losses by their digest: where it is just these, they are taken as consented to. */
bool policy_take_consent(struct rop_situation *now, const struct rop_losses *losses);
/* findings.c */
void policy_note_guard(struct rop_situation *now, const struct rop_step *step, const struct guard *guard);

#endif
