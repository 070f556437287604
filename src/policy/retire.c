/* retire.c - nodes that an earlier revision declared and this one does not: what they are needed for, who lists them
 * still, and what stands against their leaving.
 *
 * As long as one of them is needed - it owns slots, or a node that stays follows it - it is a member like the others,
 * without a place in the layout. Then the situation is about those that stay.
 */
#include "retire.h"

#include <inttypes.h>
#include <string.h>

#include "copies.h"
#include "drained.h"
#include "lost.h"
#include "risks.h"
#include "rop/text.h"

/* ---- who is needed ------------------------------------------------------------------------------------------- */

static bool is_followed(const struct rop_observed *seen, size_t staying, const char *id)
{
	for (size_t i = 0; i < staying && id[0]; i++)
		if (rop_answers(seen, i) && seen->nodes[i].role == ROP_ROLE_REPLICA &&
		    strcmp(seen->nodes[i].primary_id, id) == 0)
			return true;
	return false;
}

static bool is_twin(const struct rop_observed *seen, size_t node)
{
	for (size_t i = 0; i < seen->asked && rop_answers(seen, node); i++)
		if (i != node && rop_answers(seen, i) && strcmp(seen->nodes[i].id, seen->nodes[node].id) == 0)
			return true;
	return false;
}

/* It moved: a declared node answers under that id. Nobody leaves, whatever the address was. */
static bool has_moved(const struct rop_observed *seen, size_t staying, const char *id)
{
	for (size_t i = 0; i < staying; i++)
		if (rop_answers(seen, i) && strcmp(seen->nodes[i].id, id) == 0)
			return true;
	return false;
}

static bool is_listed(const struct rop_observed *seen, size_t staying, size_t node)
{
	for (size_t i = 0; i < staying; i++)
		if (rop_answers(seen, i) && rop_bit(seen, seen->listed, i, node))
			return true;
	return false;
}

/* It answers, and is one of this cluster still: it lists a node that stays, or one of those lists it. At its address
 * there may be a server of somebody else by now, also under the id that it had (RESET SOFT keeps it). */
static bool is_present(const struct rop_observed *seen, size_t staying, size_t node)
{
	const struct rop_node *n = &seen->nodes[node];
	bool was_it = strcmp(n->id, n->leaving) == 0;
	for (size_t i = 0; i < staying && rop_node_answers(n); i++) {
		if (rop_answers(seen, i) && rop_bit(seen, seen->known, i, node))
			return true;
		if (was_it && (rop_bit(seen, seen->known, node, i) ||
			       (rop_answers(seen, i) && rop_bit(seen, seen->listed, i, node))))
			return true;
	}
	return false;
}

/* It has handed over what it owned, and one of those that stay has not heard of it. */
static bool is_owner_still(const struct rop_observed *seen, size_t staying, size_t node)
{
	for (size_t i = 0; i < staying && seen->nodes[node].named_owner; i++)
		if (rop_answers(seen, i) && rop_bit(seen, seen->known, i, node) &&
		    !rop_bit(seen, seen->agrees, i, node))
			return true;
	return false;
}

static bool is_drained(const struct rop_observed *seen, size_t staying, size_t node)
{
	const struct rop_node *n = &seen->nodes[node];
	for (size_t f = 0; f < seen->foreign.n; f++) /* it has another id now, and the old one still owns slots */
		if (strcmp(seen->foreign.at[f].id, n->leaving) == 0)
			return false;
	int open; /* to forget it would close them, and strand what was carried */
	if (policy_open_towards(seen, n->leaving, &open) >= 0 || policy_open_towards(seen, n->id, &open) >= 0)
		return false;
	if (is_followed(seen, staying, n->leaving) || is_followed(seen, staying, n->id) || is_twin(seen, node))
		return false;
	if (rop_node_answers(n) && !is_present(seen, staying, node))
		return true; /* whatever is there, it is none of ours */
	if (is_owner_still(seen, staying, node))
		return false;
	return rop_slots_empty(&n->slots) && !n->open_slots;
}

/* ---- without them ---------------------------------------------------------------------------------------------- */

static int others_that_stay(const struct rop_observed *seen, size_t staying, size_t viewer)
{
	int n = seen->nodes[viewer].strangers;
	for (size_t j = 0; j < staying; j++)
		n += j != viewer && rop_bit(seen, seen->known, viewer, j);
	return n;
}

static void leave_out(struct rop_situation *now, size_t staying)
{
	struct rop_topology *topology = rop_alloc(now->arena, sizeof *topology);
	struct rop_observed *seen = rop_alloc(now->arena, sizeof *seen);
	*topology = *now->topology;
	topology->nodes.n = staying;
	topology->n_leaving -= now->topology->nodes.n - staying;
	*seen = *now->seen;
	seen->nodes = rop_alloc_n(now->arena, seen->asked, sizeof *seen->nodes);
	memcpy(seen->nodes, now->seen->nodes, seen->asked * sizeof *seen->nodes);
	seen->n = staying;
	for (size_t i = 0; i < staying; i++) {
		if (!rop_node_answers(&seen->nodes[i]))
			continue;
		seen->nodes[i].others = others_that_stay(now->seen, staying, i);
	}
	now->topology = topology;
	now->seen = seen;
}

static int64_t forgotten_ms(const struct rop_situation *now, const char *id)
{
	for (size_t m = 0; m < now->image->members.n; m++) {
		int64_t since = now->image->members.at[m].forgotten_boot_ms;
		if (strcmp(now->image->members.at[m].node, id) == 0)
			return since && now->boot_ms > since ? now->boot_ms - since : 0;
	}
	return 0;
}

/* The last ones that are needed for nothing, one after the other: those that left already are the very last, and are
 * not to be taken in again because another one is needed still. */
static size_t needed_still(const struct rop_situation *now, size_t staying)
{
	size_t needed = now->seen->asked;
	while (needed > staying && now->retirements.at[needed - staying - 1].drained)
		needed--;
	return needed;
}

/* Ghosts come with a look: no file and no revision declares them where they are. */
static void take_ghosts_in(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	struct rop_topology *topology = rop_alloc(now->arena, sizeof *topology);
	if (seen->asked <= now->topology->nodes.n)
		return;
	*topology = *now->topology;
	memset(&topology->nodes, 0, sizeof topology->nodes);
	for (size_t i = 0; i < now->topology->nodes.n; i++)
		*rop_push(now->arena, &topology->nodes) = now->topology->nodes.at[i];
	for (size_t i = topology->nodes.n; i < seen->asked; i++, topology->n_leaving++)
		*rop_push(now->arena, &topology->nodes) = (struct rop_declared_node){
			.host = seen->nodes[i].ip ? seen->nodes[i].ip : "",
			.ip = seen->nodes[i].ip,
			.port = seen->nodes[i].port,
			.leaving = seen->nodes[i].leaving,
		};
	now->topology = topology;
}

static void drop_moved(struct rop_situation *now)
{
	size_t n = 0;
	for (size_t k = 0; k < now->retirements.n; k++)
		if (!now->retirements.at[k].moved)
			now->retirements.at[n++] = now->retirements.at[k];
	now->retirements.n = n;
}

void policy_let_go(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	take_ghosts_in(now);
	size_t staying = seen->asked - seen->n_leaving;
	for (size_t i = staying; i < seen->asked; i++) {
		struct rop_retirement *r = rop_push(now->arena, &now->retirements);
		*r = (struct rop_retirement){ .now = now, .node = (int)i, .id = seen->nodes[i].leaving, .heir = -1 };
		r->subject = rop_printf(now->arena, "node:%s", r->id);
		r->moved = has_moved(seen, staying, r->id);
	}
	lost_find(now);
	for (size_t k = 0; k < now->retirements.n; k++) {
		struct rop_retirement *r = &now->retirements.at[k];
		r->drained = r->moved || r->given_up || is_drained(seen, staying, (size_t)r->node);
	}
	size_t needed = needed_still(now, staying);
	for (size_t k = 0; k < now->retirements.n; k++) {
		struct rop_retirement *r = &now->retirements.at[k];
		size_t i = (size_t)r->node;
		r->drained = i >= needed;
		r->present = !r->moved && is_present(seen, staying, i);
		r->alone = !r->present || seen->nodes[i].others == 0;
		r->listed = !r->moved && is_listed(seen, needed, i);
		r->forgotten_ms = r->listed ? 0 : forgotten_ms(now, r->id);
	}
	if (needed < seen->asked)
		leave_out(now, needed);
	drop_moved(now);
}

/* ---- what stands against it ------------------------------------------------------------------------------------ */

/* Of the replicas that stay, in sync: the one that is furthest. */
static int heir_of(const struct rop_situation *now, size_t node)
{
	const struct rop_observed *seen = now->seen;
	int best = -1;
	for (size_t i = 0; i < seen->asked - seen->n_leaving; i++)
		if (copies_in_sync(seen, i, node) && !drained_is(now, i) &&
		    (best < 0 || seen->nodes[i].offset > seen->nodes[best].offset))
			best = (int)i;
	return best;
}

/* Its shard is one of those that stay: else its slots are moved away. */
static bool leads_one_that_stays(const struct rop_situation *now, size_t node)
{
	int shard = now->layout.shard_of[node];
	return shard >= 0 && now->layout.shards[shard].primary == (int)node && now->layout.shards[shard].share != 0 &&
	       !rop_slots_empty(&now->seen->nodes[node].slots);
}

#define MAY_PASS_MS 5000 /* a link that comes up again, or for the first time after a fail-over */

/* What one look shows may be over at the next one. */
static bool may_pass(const struct rop_situation *now, int node)
{
	if (now->looks_once)
		return false;
	int64_t since = now->before ? now->before[node].barred_since_ms : 0;
	return !since || now->boot_ms - since < MAY_PASS_MS;
}

static void hold(struct rop_retirement *r, const char *why, const char *advice)
{
	r->barred = true;
	if (may_pass(r->now, r->node))
		return;
	r->held = why;
	r->advice = advice;
}

static void weigh_one(struct rop_situation *now, struct rop_retirement *r)
{
	const struct rop_node *node = &now->seen->nodes[r->node];
	if ((size_t)r->node < now->seen->n) { /* needed still */
		r->leads = leads_one_that_stays(now, (size_t)r->node);
		r->heir = r->leads ? heir_of(now, (size_t)r->node) : -1;
		if (r->leads && r->heir < 0 && rop_node_answers(node))
			hold(r, "no replica of it that stays is in sync, to take its shard over",
			     "declare a node more for its shard, or wait until its replica is in sync");
		return;
	}
	if (r->alone || (node->primary >= 0 && copies_leadership_open(now, (size_t)node->primary)))
		return; /* that settles by itself, or is told as what it is */
	struct rop_step step = policy_step(now, ROP_STEP_RESET, r->node, -1);
	struct guard guard = risk_of_reset(now, &step);
	if (guard.verdict != GUARD_GO)
		hold(r, guard.why,
		     "bring it back in sync with its shard; or, if what it has is not needed, stop it: it is then "
		     "forgotten by the others");
}

void policy_find_leaving(struct rop_situation *now)
{
	for (size_t i = 0; i < now->retirements.n; i++) {
		struct rop_retirement *r = &now->retirements.at[i];
		weigh_one(now, r);
		bool there = !r->drained || !r->alone || r->listed;
		now->leavers_held |= there && r->held;
		now->leaving |= there && !r->held;
		now->leavers_watched |= !there;
	}
}

/* ---- told ------------------------------------------------------------------------------------------------------ */

#define S_PER_MS 1000

static const char *what_keeps_it(struct rop_arena *arena, const struct rop_retirement *r)
{
	const struct rop_node *node = &r->now->seen->nodes[r->node];
	if (r->held)
		return rop_printf(arena, "cannot leave: %s", r->held);
	if (node->ghost && !rop_slots_empty(&node->slots))
		return rop_printf(arena, "is nobody any more, and owns %d slots still", rop_slots_count(&node->slots));
	if (node->ghost)
		return "is nobody any more, and is listed by others still";
	if (!rop_slots_empty(&node->slots))
		return rop_printf(arena, "is to leave, and owns %d slots still", rop_slots_count(&node->slots));
	if (!r->drained)
		return "is to leave, and is followed or needed still";
	if (r->listed && r->alone)
		return "is to leave, and is listed by others still";
	return "is to leave";
}

/* Of two that were members at one address, one after the other, the id tells which it is. */
static const char *called(struct rop_arena *arena, const struct rop_retirement *r)
{
	const char *address = r->now->seen->nodes[r->node].address;
	for (size_t k = 0; k < r->now->retirements.n; k++) {
		const struct rop_retirement *other = &r->now->retirements.at[k];
		if (other != r && rop_streq(r->now->seen->nodes[other->node].address, address))
			return rop_printf(arena, "%s (as %.8s)", address, r->id);
	}
	return address;
}

const char *rop_retirement_sentence(struct rop_arena *arena, const struct rop_retirement *r)
{
	const char *address = called(arena, r);
	if (!r->drained || !r->alone || r->listed)
		return rop_printf(arena, "%s %s", address, what_keeps_it(arena, r));
	if (!r->forgotten_ms)
		return rop_printf(arena, "%s has left: no node lists it", address);
	return rop_printf(arena, "%s has left: no node has listed it for %" PRId64 " s", address,
			  r->forgotten_ms / S_PER_MS);
}

void policy_note_leaving(struct rop_situation *now)
{
	for (size_t i = 0; i < now->retirements.n && now->open.n < POLICY_OPEN_MAX; i++) {
		const struct rop_retirement *r = &now->retirements.at[i];
		if (!r->drained || !r->alone || r->listed)
			policy_note_open(now, -1, r->held ? ROP_WHY_CANNOT_LEAVE : ROP_WHY_LEAVING,
					 rop_retirement_sentence(now->arena, r), r->advice);
	}
}
