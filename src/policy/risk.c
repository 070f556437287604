/* risk.c - what each kind of step may cost in data, and whether it may go: pure, of the step and the situation.
 *
 * The rules are safety.md's: nothing about a shard whose leadership is open; never the last copy of anything; slots
 * with a history only with consent; unknown is never empty; a replica that is attached where there is data stands for
 * no election until it is in sync.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "alike.h"
#include "budget.h"
#include "by_server.h"
#include "copies.h"
#include "lost.h"
#include "risks.h"
#include "rop/text.h"

const char *rop_risk_kind_name(enum rop_risk_kind kind)
{
	static const char *const NAMES[] = {
#define X(id, name) name,
		ROP_RISK_KINDS(X)
#undef X
	};
	return NAMES[kind];
}

/* ---- in doubt ----------------------------------------------------------------------------------------------- */

/* In this look: which of two servers a command would reach, or a role or slots be told of, nobody knows. */
static const char *held_elsewhere(const struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	if (!node->elsewhere)
		return NULL;
	return rop_printf(now->arena, "a peer holds %s at another address, %s", node->address, node->elsewhere);
}

/* ---- MEET -------------------------------------------------------------------------------------------------- */

/* Two groups become one: what belongs to none yet must be known to be empty. */
static struct guard risk_of_meet(const struct rop_situation *now, const struct rop_step *step)
{
	if (now->group[step->node] == now->group[step->peer])
		return guard_go;
	const int both[] = { step->node, step->peer };
	for (size_t k = 0; k < 2; k++)
		if (policy_is_to_empty(now, (size_t)both[k]))
			return guard_wait("it kept a copy, and is emptied first");
	for (size_t k = 0; k < 2; k++) {
		const struct rop_node *node = &now->seen->nodes[both[k]];
		if (now->group[both[k]] == now->main_group && now->formed)
			continue;
		if (node->keys == ROP_COUNT_UNKNOWN)
			return guard_unknown(now, (size_t)both[k], "how many keys it holds");
		if (node->functions == ROP_COUNT_UNKNOWN)
			return guard_unknown(now, (size_t)both[k], "whether it holds functions");
	}
	return guard_go;
}

/* ---- ADDSLOTS ---------------------------------------------------------------------------------------------- */

/* Slots that nobody owns have had an owner, unless nothing here has ever held anything. */
static bool have_history(const struct rop_situation *now)
{
	int64_t epoch = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		if (now->seen->nodes[i].current_epoch > epoch)
			epoch = now->seen->nodes[i].current_epoch;
	/* A formation gives out epochs 1 to N; elections and hand-overs go on from there. */
	return now->data || now->image->formed_wall_ms || now->image->shards.n || epoch > 2 * (int64_t)now->seen->n;
}

static bool all_blank(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (!rop_answers(now->seen, i) || now->seen->nodes[i].keys != 0)
			return false;
	return true;
}

/* spec.onTotalLoss: Reform is a standing consent for one thing: slots whose every known copy answered and is empty. A
 * database of a version that did not remember copies knows of the whole cluster only. */
static bool is_given_up(const struct rop_situation *now, const struct remembered *r)
{
	if (!now->topology->reform_on_total_loss)
		return false;
	return r->n ? r->empty == r->n : !now->image->shards.n && now->image->formed_wall_ms && all_blank(now);
}

static const char *where_they_were(const struct rop_situation *now, const struct remembered *r)
{
	return r->nodes ? rop_printf(now->arena, "their data was last seen on %s", r->nodes)
			: "the cluster holds data, so they had an owner, which is not known here";
}

static const char *slots_sentence(const struct rop_situation *now, size_t node, const char *slots, int shard,
				  const struct remembered *r)
{
	const char *were = where_they_were(now, r);
	if (now->seen->nodes[node].keys > 0)
		return rop_printf(
			now->arena,
			"slots %s (shard %d) are claimed by nobody; %s; given to %s, which has no key of them, "
			"their keys are lost, if there were any",
			slots, shard, were, now->seen->nodes[node].address);
	const char *are = "";
	if (r->silent_nodes)
		are = rop_printf(now->arena, "%s does not answer and may come back with it; ", r->silent_nodes);
	else if (r->n && r->empty == r->n)
		are = "all of these answer, and are empty now; ";
	return rop_printf(now->arena,
			  "slots %s (shard %d) are owned by nobody; %s; %sgiven to an empty node, their keys are lost",
			  slots, shard, were, are);
}

const char *guard_homeless_slots(const struct rop_situation *now, size_t k, const char **ret_silent)
{
	const struct rop_shard *shard = &now->layout.shards[k];
	if (shard->primary >= 0 || rop_slots_empty(&shard->add) || !have_history(now) ||
	    by_server_hands_over(now->seen, &shard->add) || guard_hands_over(now, -1))
		return NULL;
	struct remembered r = copies_remembered(now, &shard->add);
	*ret_silent = r.silent_nodes;
	return rop_printf(now->arena, "slots %s (shard %d) are owned by nobody, and no declared node can take them; %s",
			  rop_slots_text(now->arena, &shard->add), r.shard ? r.shard : (int)k + 1,
			  where_they_were(now, &r));
}

/* As the database has it, that node led them. */
static bool led_them(const struct rop_situation *now, const char *id, const struct rop_slots *slots)
{
	for (size_t s = 0; s < now->image->shards.n; s++) {
		const struct rop_copy_memory *led = rop_shard_led(&now->image->shards.at[s]);
		struct rop_slots had;
		if (led && strcmp(led->node, id) == 0 && rop_slots_parse(now->image->shards.at[s].slots, &had) &&
		    rop_slots_within(slots, &had))
			return true;
	}
	return false;
}

/* It came back with its identity and its keys, and an old nodes.conf: it claims the slots of these keys alone, and
 * peers hold it as the owner of all that it had. To give it the others again is no loss. */
static bool are_its_own(const struct rop_situation *now, size_t i, const struct rop_slots *slots)
{
	const struct rop_node *node = &now->seen->nodes[i];
	bool said = false;
	for (size_t d = 0; d < now->seen->differences.n; d++) {
		const struct rop_difference *differs = &now->seen->differences.at[d];
		struct rop_slots held;
		if (differs->subject != (int)i || differs->in != ROP_DIFFERS_SLOTS ||
		    !rop_slots_parse(differs->slots, &held) || !rop_slots_within(slots, &held))
			continue;
		if (differs->holder != (int)i)
			return false;
		said = true;
	}
	return said && node->keys > 0 && led_them(now, node->id, slots);
}

static struct guard risk_of_slots(const struct rop_situation *now, const struct rop_step *step)
{
	const struct rop_node *node = &now->seen->nodes[step->node];
	struct rop_slots range = { 0 };
	rop_slots_add(&range, step->expect.first, step->expect.last);
	if (node->keys == ROP_COUNT_UNKNOWN)
		return guard_unknown(now, (size_t)step->node, "how many keys it holds");
	const char *elsewhere = held_elsewhere(now, (size_t)step->node);
	if (elsewhere)
		return guard_wait(elsewhere);
	if (!have_history(now))
		return guard_go;
	const char *listed = lost_is_listed(now, &range);
	if (listed)
		return guard_wait(listed);
	if (guard_hands_over(now, -1))
		return guard_wait("a shard is being handed over");
	if (by_server_hands_over(now->seen, &range))
		return guard_wait("a server is about to hand them over");
	const char *drained = rop_slots_empty(&node->slots) ? budget_of_role(now, (size_t)step->node) : NULL;
	if (drained)
		return guard_wait(drained);
	if (!rop_slots_empty(&node->slots)) {
		const char *open = copies_leadership_open(now, (size_t)step->node);
		if (open)
			return guard_wait(open);
	}
	if (are_its_own(now, (size_t)step->node, &range))
		return guard_go;
	struct remembered r = copies_remembered(now, &range);
	int number = r.shard ? r.shard : now->layout.shard_of[step->node] + 1;
	const char *slots = rop_slots_text(now->arena, &range);
	struct rop_risk risk = { .kind = ROP_RISK_LOSS,
				 .what = "slots",
				 .shard = number,
				 .slots = slots,
				 .keys = r.keys,
				 .copies = r.ids,
				 .nodes = r.nodes,
				 .text = slots_sentence(now, (size_t)step->node, slots, number, &r) };
	if (is_given_up(now, &r)) {
		risk.text = rop_printf(now->arena, "%s (given up: onTotalLoss is Reform)", risk.text);
		return (struct guard){ .verdict = GUARD_GO, .risk = risk };
	}
	return guard_loss(now, &risk);
}

/* ---- REPLICATE --------------------------------------------------------------------------------------------- */

bool guard_needs_no_failover(const struct rop_situation *now, size_t x, size_t p)
{
	return copies_may_hold(&now->seen->nodes[p]) || copies_may_hold(&now->seen->nodes[x]);
}

static bool is_move(const struct rop_situation *now, size_t x, size_t p)
{
	const struct rop_node *node = &now->seen->nodes[x];
	return node->role == ROP_ROLE_REPLICA && copies_may_hold(node) && copies_root(now->seen, x) != (int)p;
}

/* Another node that is on its way from one shard to another: only one at a time gives up a copy that it has. */
static const char *other_move(const struct rop_situation *now, const struct rop_batch *batch, size_t x)
{
	for (size_t i = 0; i < batch->steps.n; i++) {
		const struct rop_step *other = &batch->steps.at[i];
		if (other->node != (int)x && other->peer >= 0 && other->expect.kind != ROP_STEP_MEET &&
		    is_move(now, (size_t)other->node, (size_t)other->peer))
			return now->seen->nodes[other->node].address;
	}
	for (size_t t = 0; t < now->image->temporaries.n; t++) {
		const struct rop_temporary *temporary = &now->image->temporaries.at[t];
		int node = rop_observed_find(now->seen, temporary->node),
		    peer = rop_observed_find(now->seen, temporary->peer);
		if (!temporary->peer[0] || node == (int)x || node < 0 || !rop_temporary_waits(now, temporary))
			continue; /* not waiting: it has arrived, or was given up; nobody: that identity is gone */
		if (peer < 0 || !copies_in_sync(now->seen, (size_t)node, (size_t)peer))
			return temporary->address ? temporary->address : temporary->node;
	}
	return NULL;
}

static struct guard last_copy(const struct rop_situation *now, size_t x, int shard, const char *why)
{
	const struct rop_node *node = &now->seen->nodes[x];
	struct rop_risk risk = { .kind = ROP_RISK_LOSS,
				 .what = "copy",
				 .shard = shard,
				 .keys = node->keys,
				 .copies = node->id,
				 .nodes = node->address,
				 .text = why };
	return guard_loss(now, &risk);
}

/* A replica that leaves one shard for another: what it holds must be held by who leads its shard now. */
static struct guard risk_of_move(const struct rop_situation *now, const struct rop_batch *batch, size_t x)
{
	const struct rop_observed *seen = now->seen;
	const struct rop_node *node = &seen->nodes[x];
	int root = copies_root(seen, x);
	if (root < 0)
		return last_copy(now, x, 0,
				 rop_printf(now->arena,
					    "%s holds data of a primary that nobody knows (%.40s): following another "
					    "one, it would give up what may be the last copy",
					    node->address, node->primary_id));
	const char *open = copies_leadership_open(now, (size_t)root);
	if (open)
		return guard_wait(rop_printf(now->arena, "%s; %s holds a copy of its data and stays as it is", open,
					     node->address));
	int shard = now->layout.shard_of[root] + 1;
	if (seen->nodes[root].keys == 0 && !copies_in_sync(seen, x, (size_t)root) && node->keys != 0)
		return last_copy(now, x, shard,
				 rop_printf(now->arena,
					    "%s holds %" PRId64 " keys, and its primary %s is empty: following another "
					    "one, it would give up the last copy",
					    node->address, node->keys, seen->nodes[root].address));
	const char *other = other_move(now, batch, x);
	if (other)
		return guard_wait(rop_printf(now->arena,
					     "%s is being moved to another primary; one replica moves at a time",
					     other));
	other = budget_of_copy(now, (size_t)root, x);
	if (!other)
		other = budget_of_shard(now, batch, (size_t)root, false);
	if (other)
		return guard_wait(other);
	if (copies_ready(now, (size_t)root, x) == 0)
		return guard_durability("copy", shard,
					rop_printf(now->arena,
						   "shard %d has no replica in sync while %s, its only one, moves",
						   shard, node->address));
	return guard_go;
}

/* X is to follow P, or to be made ready for that. */
static struct guard risk_of_following(const struct rop_situation *now, const struct rop_batch *batch, size_t x,
				      size_t p)
{
	const struct rop_observed *seen = now->seen;
	const struct rop_node *node = &seen->nodes[x];
	if (guard_hands_over(now, -1))
		return guard_wait("a shard is being handed over");
	const char *drained = copies_root(seen, x) == (int)p ? NULL : budget_of_role(now, x);
	if (drained)
		return guard_wait(drained);
	const char *unlike = alike_cannot_load(now, x, p);
	if (unlike)
		return guard_wait(unlike);
	if (by_server_is_busy(now, x))
		return guard_wait(rop_printf(now->arena,
					     "slots are on their way to or from %s, by a job of the servers",
					     now->seen->nodes[x].address));
	const char *elsewhere = held_elsewhere(now, x);
	if (!elsewhere)
		elsewhere = held_elsewhere(now, p);
	if (elsewhere)
		return guard_wait(elsewhere);
	if (!now->data)
		return rop_answers(seen, p) ? guard_go : guard_wait(copies_leadership_open(now, p));
	const char *open = copies_leadership_open(now, p);
	if (open)
		return guard_wait(open);
	if (node->role != ROP_ROLE_REPLICA)
		return node->keys == ROP_COUNT_UNKNOWN ? guard_unknown(now, x, "how many keys it holds") : guard_go;
	return is_move(now, x, p) ? risk_of_move(now, batch, x) : guard_go;
}

static struct guard risk_of_role(const struct rop_situation *now, const struct rop_batch *batch,
				 const struct rop_step *step)
{
	size_t x = (size_t)step->node, p = (size_t)step->peer;
	struct guard guard = risk_of_following(now, batch, x, p);
	if (guard.verdict != GUARD_GO || !guard_needs_no_failover(now, x, p))
		return guard;
	const char *value = rop_observed_value(now->seen, x, GUARD_NO_FAILOVER);
	if (!value)
		return guard_unknown(now, x, "its setting " GUARD_NO_FAILOVER " (config|get)");
	if (strcasecmp(value, "yes") != 0)
		return guard_wait(GUARD_NO_FAILOVER " is not set there yet");
	return guard;
}

static struct guard risk_of_lower(const struct rop_situation *now, const struct rop_batch *batch,
				  const struct rop_step *step)
{
	if (step->peer < 0)
		return guard_go; /* only while the cluster is fresh: the planner's */
	return risk_of_following(now, batch, (size_t)step->node, (size_t)step->peer);
}

/* ---- BUMPEPOCH --------------------------------------------------------------------------------------------- */

/* With a new epoch it wins over whoever claims the same slots, who deletes their keys. */
static struct guard risk_of_bump(const struct rop_situation *now, const struct rop_step *step)
{
	const char *why = policy_bump_waits(now, (size_t)step->node);
	return why ? guard_wait(why) : guard_go;
}

/* ---- all kinds --------------------------------------------------------------------------------------------- */

struct guard guard_step(const struct rop_situation *now, const struct rop_batch *batch, const struct rop_step *step)
{
	switch (step->expect.kind) {
	case ROP_STEP_LOWER: return risk_of_lower(now, batch, step);
	case ROP_STEP_RESTORE:
		return guard_go; /* what was lent goes back: always, also paused, blocked and out of view */
	case ROP_STEP_EPOCH: return guard_go; /* only a node that knows nobody and has no epoch takes one */
	case ROP_STEP_MEET: return risk_of_meet(now, step);
	case ROP_STEP_GREET: /* the same to the data */ return risk_of_meet(now, step);
	case ROP_STEP_SLOTS: return risk_of_slots(now, step);
	case ROP_STEP_ROLE: return risk_of_role(now, batch, step);
	case ROP_STEP_SETTING: return risk_of_setting(now, step);
	case ROP_STEP_PERSIST: return risk_of_rewrite(now, step);
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE: return risk_of_moving(now, batch, step);
	case ROP_STEP_MOVE: return risk_of_asking(now, step);
	case ROP_STEP_BUMP: return risk_of_bump(now, step);
	case ROP_STEP_FAILOVER:
		if (step->peer < 0)
			return risk_of_take_over(now, step);
		return risk_of_failover(now, batch, step);
	case ROP_STEP_TAKEOVER: return risk_of_unvoted(now, step);
	case ROP_STEP_RESET: return risk_of_reset(now, step);
	case ROP_STEP_EMPTY: return risk_of_emptying(now, step);
	case ROP_STEP_FORGET: return risk_of_forget(now, step);
	case ROP_STEP_FUNCTIONS: return risk_of_functions(now, step);
	case ROP_STEP_KINDS_N: break;
	}
	return guard_wait("a kind of step that nobody has weighed");
}
