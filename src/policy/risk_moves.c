/* risk_moves.c - what it may cost to open, carry, hand over and close slots, or to have servers do it, and whether it
 * may be done.
 *
 * The rules are of redis-facts' crash matrix: the target lets clients in before the source sends them on; the target
 * takes over only what the source has open towards it and has no key of, in any database, as counted in this look
 * (while it is open, a key that is not there cannot come to be); who is in doubt hands nothing over.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "alike.h"
#include "budget.h"
#include "by_server.h"
#include "copies.h"
#include "functions.h"
#include "migrations.h"
#include "risks.h"
#include "rop/text.h"
#include "rop/tries.h"

static bool is_open(const struct rop_node *node, int slot, bool importing, const char *peer)
{
	const struct rop_open_slot *open = rop_node_open(node, slot);
	return open && open->importing == importing && strcmp(open->peer, peer) == 0;
}

/* No slot of it is open on either side. */
static bool begins(const struct rop_situation *now, const struct rop_step *step)
{
	const struct rop_node *node = &now->seen->nodes[step->node], *peer = &now->seen->nodes[step->peer];
	struct rop_slots slots;
	if (step->expect.kind != ROP_STEP_IMPORT)
		return step->expect.kind == ROP_STEP_MOVE;
	if (!now->host_drained || !rop_slots_parse(step->expect.value, &slots))
		return false;
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last); from = last + 1)
		for (int s = first; s <= last; s++)
			if (rop_node_open(node, s) || rop_node_open(peer, s))
				return false;
	return true;
}

/* ---- both sides --------------------------------------------------------------------------------------------- */

static struct guard of_both_sides(const struct rop_situation *now, const struct rop_step *step)
{
	const size_t sides[] = { (size_t)step->node, (size_t)step->peer };
	const char *waits = begins(now, step) ? budget_of_optional(now) : NULL;
	if (waits)
		return guard_wait(waits);
	for (size_t k = 0; k < 2; k++) {
		const char *doubted = copies_doubted(now, sides[k]);
		if (doubted)
			return guard_wait(doubted);
		if (now->seen->nodes[sides[k]].role == ROP_ROLE_REPLICA)
			return guard_wait("a replica neither gives nor takes slots");
	}
	return guard_go;
}

/* Before the first slot comes to it: it can load what it gets, has its replicas, and the functions that clients call.
 */
static struct guard to_get_slots(const struct rop_situation *now, size_t to, size_t from)
{
	const struct rop_node *target = &now->seen->nodes[to], *source = &now->seen->nodes[from];
	const char *unlike = alike_cannot_load(now, to, from);
	if (unlike)
		return guard_wait(unlike);
	if (target->open.n) /* begun: it is gone on with */
		return guard_go;
	if (!policy_room_is_asked(now, to) || !policy_room_is_asked(now, from))
		return guard_wait("both sides are asked for their memory first");
	if (copies_ready(now, to, to) < copies_wanted(now, to))
		return guard_wait(rop_printf(now->arena, "%s waits for its replicas to be in sync before it gets slots",
					     target->address));
	if (source->functions == ROP_COUNT_UNKNOWN || target->functions == ROP_COUNT_UNKNOWN)
		return guard_unknown(now, source->functions == ROP_COUNT_UNKNOWN ? from : to,
				     "whether it holds functions");
	if (policy_lacks_functions(now, to, from))
		return guard_wait(rop_printf(now->arena,
					     "%s lacks function libraries that %s has, and clients would call them "
					     "there",
					     target->address, source->address));
	return guard_go;
}

/* ---- by the servers themselves ------------------------------------------------------------------------------ */

static bool owns_all(const struct rop_situation *now, int node, const struct rop_slots *slots)
{
	for (int from = 0, first, last; rop_slots_run(slots, from, &first, &last); from = last + 1)
		for (int s = first; s <= last; s++)
			if (now->owner[s] != node)
				return false;
	return true;
}

struct guard risk_of_asking(const struct rop_situation *now, const struct rop_step *step)
{
	struct rop_slots slots;
	const int sides[] = { step->node, step->peer };
	if (!now->owner || step->peer < 0 || !step->expect.value || !rop_slots_parse(step->expect.value, &slots))
		return guard_wait("nobody knows what is to be moved");
	struct guard guard = of_both_sides(now, step);
	if (guard.verdict != GUARD_GO)
		return guard;
	for (size_t k = 0; k < 2; k++) {
		const struct rop_node *node = &now->seen->nodes[sides[k]];
		if (!node->state_ok)
			return guard_wait("one of both sides reports cluster_state:fail");
		if (node->open_slots)
			return guard_wait("slots are open there: servers move none by themselves meanwhile");
		if (by_server_is_at(node, &slots))
			return guard_wait("a job is at work on some of the slots");
	}
	if (!owns_all(now, step->node, &slots))
		return guard_wait("it does not own the slots");
	return to_get_slots(now, (size_t)step->peer, (size_t)step->node);
}

/* ---- slot by slot ------------------------------------------------------------------------------------------- */

static struct guard to_import(const struct rop_situation *now, const struct rop_step *step)
{
	size_t to = (size_t)step->node, from = (size_t)step->peer;
	if (by_server_is_busy(now, to) || by_server_is_busy(now, from))
		return guard_wait("one of both sides moves slots by itself now");
	return to_get_slots(now, to, from);
}

static struct guard to_export(const struct rop_node *source, const struct rop_node *target, int slot)
{
	if (!rop_slots_has(&source->slots, slot))
		return guard_wait("it does not own the slots");
	return is_open(target, slot, true, source->id) ? guard_go
						       : guard_wait("the other side does not let clients in yet");
}

static struct guard open_on_both(const struct rop_node *source, const struct rop_node *target, int slot)
{
	bool open = is_open(source, slot, false, target->id) && is_open(target, slot, true, source->id);
	return open ? guard_go : guard_wait("the slots are not open on both sides");
}

/* What it is given is held by it alone until a replica of it has it, and only who is in sync is asked. */
static const char *has_no_witness(const struct rop_situation *now, size_t target)
{
	size_t n;
	rop_witnesses(now->arena, now, target, &n);
	if (copies_wanted(now, target) == 0 || n > 0)
		return NULL;
	return rop_printf(now->arena, "%s has no replica in sync: what it is given now would be held by it alone",
			  now->seen->nodes[target].address);
}

/* Who reports cluster_state:fail takes no key from anybody, and gives none. Where nobody counts the keys it would never
 * come to its end. */
static struct guard to_carry(const struct rop_situation *now, const struct rop_step *step, int slot)
{
	const struct rop_node *source = &now->seen->nodes[step->node], *target = &now->seen->nodes[step->peer];
	if (!source->state_ok || !target->state_ok)
		return guard_wait("one of both sides reports cluster_state:fail");
	const char *alone = has_no_witness(now, (size_t)step->peer);
	if (alone)
		return guard_wait(alone);
	struct guard guard = open_on_both(source, target, slot);
	if (guard.verdict == GUARD_GO && rop_node_open(source, slot)->keys < 0)
		return guard_unknown(now, (size_t)step->node, "how many keys it has of the slots");
	return guard;
}

static struct guard to_take(const struct rop_situation *now, const struct rop_step *step, int slot)
{
	const struct rop_node *target = &now->seen->nodes[step->node], *source = &now->seen->nodes[step->peer];
	struct guard guard = open_on_both(source, target, slot);
	if (guard.verdict != GUARD_GO)
		return guard;
	if (now->owner[slot] != step->peer)
		return guard_wait("the other side does not own the slots");
	int64_t keys = rop_node_open(source, slot)->keys;
	if (keys < 0)
		return guard_unknown(now, (size_t)step->peer, "how many keys it has of the slots");
	return keys ? guard_wait("the other side still has keys of the slots") : guard_go;
}

static struct guard to_yield(const struct rop_situation *now, const struct rop_step *step, int slot)
{
	const struct rop_open_slot *open = rop_node_open(&now->seen->nodes[step->node], slot);
	if (now->owner[slot] != step->peer || !rop_slots_has(&now->seen->nodes[step->peer].slots, slot))
		return guard_wait("the other side does not own the slots");
	if (open && open->keys < 0)
		return guard_unknown(now, (size_t)step->node, "how many keys it has of the slots");
	return open && open->keys ? guard_wait("it still has keys of slots that it has given away") : guard_go;
}

/* Who takes over gets the greatest epoch, and wins with it whatever it claims: also slots that are another one's by
 * now, and of which it was not told yet. That one would delete their keys. */
static int whose_slots_it_claims(const struct rop_observed *seen, size_t target)
{
	for (size_t i = 0; i < seen->n; i++)
		if (i != target && seen->nodes[i].epoch > seen->nodes[target].epoch &&
		    rop_slots_meet(&seen->nodes[i].slots, &seen->nodes[target].slots))
			return (int)i;
	return -1;
}

/* Is it about to take slots over, or to lose some by that? In this batch, or by a command of which nobody knows yet. */
static bool is_side_of_hand_over(const struct rop_situation *now, const struct rop_batch *batch, int node, bool taker)
{
	for (size_t i = 0; i < batch->steps.n; i++) {
		const struct rop_step *other = &batch->steps.at[i];
		if (other->expect.kind == ROP_STEP_TAKE && (taker ? other->node : other->peer) == node)
			return true;
	}
	for (size_t i = 0; now->tries && i < now->migrations.n; i++) {
		const struct rop_migration *m = &now->migrations.at[i];
		if (!m->in_hand || (taker ? m->target : m->source) != node)
			continue;
		const char *subject = policy_chunk_subject(now->arena, ROP_STEP_TAKE, now->seen->nodes[m->target].id,
							   now->seen->nodes[m->source].id, m->first);
		if (rop_tries_may(now->tries, subject, now->boot_ms) == ROP_MAY_PENDING)
			return true;
	}
	return false;
}

/* All that it owns is on its way, and nothing of it is left there. */
static bool gives_its_last(const struct rop_node *source)
{
	struct rop_slots left = source->slots;
	for (size_t k = 0; k < source->open.n; k++)
		if (!source->open.at[k].importing)
			left.bits[source->open.at[k].slot / 64] &= ~((uint64_t)1 << (source->open.at[k].slot % 64));
	return rop_slots_empty(&left);
}

/* Somebody sends clients to this one. */
static const struct rop_node *who_sends_to(const struct rop_observed *seen, const struct rop_node *node)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t k = 0; k < seen->nodes[i].open.n; k++)
			if (!seen->nodes[i].open.at[k].importing &&
			    strcmp(seen->nodes[i].open.at[k].peer, node->id) == 0)
				return &seen->nodes[i];
	return NULL;
}

/* It stays a primary also without slots (clusterUpdateSlotsConfigWith, 7.0 on): told so, and the taker owns others. */
static bool stays_primary(const struct rop_situation *now, size_t source, size_t target)
{
	const char *may = rop_observed_value(now->seen, source, ROP_REPLICA_MIGRATION);
	return may && strcasecmp(may, "no") == 0 && !rop_slots_empty(&now->seen->nodes[target].slots);
}

/* Who gives its last slot away becomes a replica, and throws away what it has: also what it holds, or is about to get,
 * of slots that it does not own, of a move that somebody began. */
const char *risk_of_the_last_slot(const struct rop_situation *now, size_t source, size_t target)
{
	const struct rop_node *node = &now->seen->nodes[source];
	if (!gives_its_last(node))
		return NULL;
	const struct rop_node *sender = who_sends_to(now->seen, node);
	if (sender)
		return rop_printf(now->arena, "%s would be left without slots, and %s sends clients there",
				  node->address, sender->address);
	if (node->keys == 0 || stays_primary(now, source, target))
		return NULL;
	if (node->keys < 0)
		return rop_printf(now->arena,
				  "%s would be left without slots, and did not tell how many keys it has; what is "
				  "unknown is not taken for empty",
				  node->address);
	return rop_printf(now->arena,
			  "%s would be left without slots, and still has %" PRId64 " keys, of slots that are "
			  "not its own",
			  node->address, node->keys);
}

static struct guard to_leave_empty(const struct rop_situation *now, const struct rop_step *step)
{
	const char *why = risk_of_the_last_slot(now, (size_t)step->peer, (size_t)step->node);
	return why ? guard_wait(why) : guard_go;
}

static struct guard to_take_over(const struct rop_situation *now, const struct rop_batch *batch,
				 const struct rop_step *step)
{
	int winner = whose_slots_it_claims(now->seen, (size_t)step->node);
	if (winner >= 0)
		return guard_wait(rop_printf(now->arena, "%s still claims slots that %s owns by now",
					     now->seen->nodes[step->node].address, now->seen->nodes[winner].address));
	if (is_side_of_hand_over(now, batch, step->node, false) || is_side_of_hand_over(now, batch, step->peer, true))
		return guard_wait("one of both sides gives and takes slots at once; one after the other");
	return to_leave_empty(now, step);
}

/* The source first: while it sends clients on, keys may come to the other side. */
static struct guard to_release(const struct rop_situation *now, const struct rop_step *step, int slot)
{
	const struct rop_node *node = &now->seen->nodes[step->node], *other = &now->seen->nodes[step->peer];
	const struct rop_open_slot *here = rop_node_open(node, slot), *there = rop_node_open(other, slot);
	const struct rop_open_slot *importing = here && here->importing ? here : there;
	if (here && here->importing && there && !there->importing)
		return guard_wait("the other side still sends clients here");
	if (!importing || !importing->importing)
		return guard_wait("what was carried is not known");
	if (importing->keys < 0)
		return guard_unknown(now, (size_t)(importing == here ? step->node : step->peer),
				     "how many keys it has of the slots");
	return importing->keys ? guard_wait("keys were carried") : guard_go;
}

static struct guard of_slot(const struct rop_situation *now, const struct rop_step *step, int slot)
{
	const struct rop_node *node = &now->seen->nodes[step->node], *peer = &now->seen->nodes[step->peer];
	switch (step->expect.kind) {
	case ROP_STEP_EXPORT: return to_export(node, peer, slot);
	case ROP_STEP_CARRY: return to_carry(now, step, slot);
	case ROP_STEP_TAKE: return to_take(now, step, slot);
	case ROP_STEP_YIELD: return to_yield(now, step, slot);
	case ROP_STEP_RELEASE: return to_release(now, step, slot);
	default: return guard_go;
	}
}

struct guard risk_of_moving(const struct rop_situation *now, const struct rop_batch *batch, const struct rop_step *step)
{
	struct rop_slots slots;
	if (!now->owner || step->peer < 0 || !step->expect.value || !rop_slots_parse(step->expect.value, &slots))
		return guard_wait("nobody knows what is to be moved");
	struct guard guard = of_both_sides(now, step);
	if (guard.verdict != GUARD_GO)
		return guard;
	if (step->expect.kind == ROP_STEP_IMPORT)
		return to_import(now, step);
	if (step->expect.kind == ROP_STEP_TAKE) {
		const char *alone = has_no_witness(now, (size_t)step->node);
		guard = alone ? guard_wait(alone) : to_take_over(now, batch, step);
		if (guard.verdict != GUARD_GO)
			return guard;
	}
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last); from = last + 1)
		for (int s = first; s <= last; s++) {
			guard = of_slot(now, step, s);
			if (guard.verdict != GUARD_GO)
				return guard;
		}
	return guard_go;
}
