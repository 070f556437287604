/* judge_moves.c - what must never be done with slots that move, and how a move must end. Held against the last answers
 * as they were given, and against the truth where a node would not say.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

struct asked_step {
	struct sim *s;
	const struct rop_expect *e;
	const struct rop_node *node, *peer; /* as they answered last */
	size_t at, peer_at;
};

/* ---- commands ---------------------------------------------------------------------------------------------- */

static bool is_open(const struct rop_node *node, int slot, bool importing, const char *peer)
{
	const struct rop_open_slot *open = rop_node_open(node, slot);
	return open && open->importing == importing && strcmp(open->peer, peer) == 0;
}

/* That it has: as it said, or where it would not say, as it is. */
static int64_t keys_of(const struct asked_step *a, const struct rop_node *node, size_t at, int slot)
{
	const struct rop_open_slot *open = rop_node_open(node, slot);
	return open && open->keys >= 0 ? open->keys : data_keys_in_slot(a->s->world, at, slot);
}

static bool would_not_say(const struct rop_node *node, int slot)
{
	const struct rop_open_slot *open = rop_node_open(node, slot);
	return open && open->keys < 0;
}

static void judge_take(const struct asked_step *a, int slot)
{
	struct sim *s = a->s;
	int64_t keys = keys_of(a, a->peer, a->peer_at, slot);
	if (rop_slots_has(&a->node->slots, slot))
		return;
	if (!is_open(a->peer, slot, false, a->node->id))
		sim_fail(s, "slot %d is to be handed to %s, and %s does not send its clients there: it takes new keys",
			 slot, a->node->address, a->peer->address);
	if (!is_open(a->node, slot, true, a->peer->id))
		sim_fail(s, "slot %d is to be handed to %s, which does not import it", slot, a->node->address);
	if (would_not_say(a->peer, slot) && keys)
		sim_fail(s, "slot %d is to be handed to %s, and %s did not say that it has no key of it", slot,
			 a->node->address, a->peer->address);
	if (keys)
		sim_fail(s, "slot %d is to be handed to %s, and %s still has %" PRId64 " keys of it", slot,
			 a->node->address, a->peer->address, keys);
}

/* It becomes a replica with its last slot, and throws away whatever it has. */
static void judge_last(const struct asked_step *a, const struct rop_slots *slots)
{
	struct rop_slots left = a->peer->slots;
	rop_slots_drop(&left, slots);
	int64_t keys = a->peer->keys >= 0 ? a->peer->keys : a->s->judge.true_keys[a->peer_at];
	/* Told to stay a primary it does, where who gets them owns others, too. */
	bool stays = !gossip_may_follow(a->s->world, a->peer_at) && !rop_slots_empty(&a->node->slots);
	if (rop_slots_empty(&left) && keys && !stays)
		sim_fail(a->s, "%s is to give its last slots away, and has %" PRId64 " keys, which it throws away then",
			 a->peer->address, keys);
}

/* The greatest epoch wins with whatever its node claims. */
static void judge_claims(const struct asked_step *a)
{
	const struct rop_observed *seen = a->s->judge.seen;
	for (size_t i = 0; i < seen->n; i++)
		if (i != a->at && seen->nodes[i].epoch > a->node->epoch &&
		    rop_slots_meet(&seen->nodes[i].slots, &a->node->slots))
			sim_fail(a->s, "%s is to take slots over, claims some that %s owns, and wins them back",
				 a->node->address, seen->nodes[i].address);
}

static void judge_release(const struct asked_step *a, int slot)
{
	bool here = is_open(a->node, slot, true, a->peer->id);
	const struct rop_node *importer = here ? a->node : a->peer;
	int64_t keys = keys_of(a, importer, here ? a->at : a->peer_at, slot);
	if (!rop_slots_has(&importer->slots, slot) && keys)
		sim_fail(a->s, "slot %d is released, and %" PRId64 " keys of it were carried to %s", slot, keys,
			 importer->address);
}

static void judge_slot(const struct asked_step *a, int slot)
{
	bool lets_in = is_open(a->peer, slot, true, a->node->id);
	switch (a->e->kind) {
	case ROP_STEP_EXPORT:
		if (!lets_in)
			sim_fail(a->s, "%s is told to send clients of slot %d on before %s lets them in",
				 a->node->address, slot, a->peer->address);
		return;
	case ROP_STEP_CARRY:
		if (!lets_in || !is_open(a->node, slot, false, a->peer->id))
			sim_fail(a->s, "keys of slot %d are carried from %s to %s, and it is not open on both sides",
				 slot, a->node->address, a->peer->address);
		return;
	case ROP_STEP_MOVE:
		if (!rop_slots_has(&a->node->slots, slot) || a->node->open.n || a->peer->open.n)
			sim_fail(a->s, "%s is told to move slot %d by itself, and it is not its own, or some are open",
				 a->node->address, slot);
		for (size_t i = 0; i < a->node->n_jobs; i++)
			if (a->node->jobs[i].state == ROP_JOB_RUNS && rop_slots_has(&a->node->jobs[i].slots, slot))
				sim_fail(a->s, "%s is told to move slots that are on their way already",
					 a->node->address);
		return;
	case ROP_STEP_TAKE: judge_take(a, slot); return;
	case ROP_STEP_YIELD:
		if (!rop_slots_has(&a->peer->slots, slot))
			sim_fail(a->s, "%s is told to give slot %d to %s, which does not own it", a->node->address,
				 slot, a->peer->address);
		return;
	case ROP_STEP_RELEASE: judge_release(a, slot); return;
	default: return;
	}
}

void judge_moves_step(struct sim *s, const struct rop_step *step)
{
	const struct rop_expect *e = &step->expect;
	struct rop_slots slots;
	int node = rop_observed_find(s->judge.seen, e->node), peer = rop_observed_find(s->judge.seen, e->peer);
	if (e->kind == ROP_STEP_SLOTS) { /* a lost shard's */
		judge_moves_forget(s);
		s->judge.gave_slots = true;
	}
	if (!rop_step_moves_slots(e->kind))
		return;
	if (node < 0 || peer < 0 || !e->value || !rop_slots_parse(e->value, &slots)) {
		sim_fail(s, "%s: of nodes or slots that nobody has seen", e->subject);
		return;
	}
	struct asked_step a = { .s = s,
				.e = e,
				.node = &s->judge.seen->nodes[node],
				.peer = &s->judge.seen->nodes[peer],
				.at = (size_t)node,
				.peer_at = (size_t)peer };
	if (a.node->reach != ROP_REACH_OK || a.peer->reach != ROP_REACH_OK)
		sim_fail(s, "%s: one of both did not answer the last look", e->subject);
	if (e->kind == ROP_STEP_TAKE)
		s->judge.handed += rop_slots_count(&slots);
	if (e->kind == ROP_STEP_TAKE)
		judge_claims(&a);
	if (e->kind == ROP_STEP_TAKE)
		judge_last(&a, &slots);
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last) && !s->failed; from = last + 1)
		for (int slot = first; slot <= last && !s->failed; slot++)
			judge_slot(&a, slot);
}

/* ---- the aim ---------------------------------------------------------------------------------------------------- */

void judge_moves_forget(struct sim *s)
{
	s->judge.left_to_move = 0;
	s->judge.may_grow = moves_open(s->world);
}

/* One that is to leave has taken over from its primary. */
static bool leads_by_election(const struct sim *s)
{
	bool leads = false;
	for (size_t i = leave_staying(s); i < s->world->truth->n; i++)
		leads |= s->lived[LIVED_FAILOVER] && !rop_slots_empty(&s->world->truth->nodes[i].slots);
	return leads;
}

/* What is left to be moved only shrinks, whatever was done first: for as long as the file stays, and nobody else
 * moves slots. (A lost database may number the shards anew.) What was open when the file was changed is seen through
 * first, whatever is aimed at now. */
void judge_moves_left(struct sim *s, const struct rop_situation *now)
{
	struct judge *j = &s->judge;
	/* What the file says of an address is of another member where two swapped theirs. */
	bool swapped = s->lived[LIVED_PLIGHTS + PLIGHT_SWAPPED];
	if (!now->aim || !now->slots_to_move || s->person_opened || s->person_assigned || swapped)
		return;
	if (s->start == START_LEAVE && !now->all_answer) /* of the silent the others may tell what was before */
		return;
	int more = j->left_to_move ? now->slots_to_move - j->left_to_move : 0;
	if (more > 0 && leads_by_election(s)) /* with its shard it may be another one that goes */
		more = 0;
	if (more > 0)
		j->may_grow -= more;
	if (more > 0 && j->may_grow < 0)
		sim_fail(s, "%d slots were left to be moved, and now %d are: the aim has moved", j->left_to_move,
			 now->slots_to_move);
	j->left_to_move = now->slots_to_move;
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

int moves_open(const struct world *w)
{
	int n = 0;
	for (size_t i = 0; i < w->truth->n; i++) {
		const struct rop_node *node = &w->truth->nodes[i];
		n += w->servers[i].up && judge_leave_knowable(w->sim, i) ? (int)node->open.n : 0;
		for (size_t k = 0; k < node->n_jobs; k++)
			n += node->jobs[k].state == ROP_JOB_RUNS ? rop_slots_count(&node->jobs[k].slots) : 0;
	}
	return n;
}

void judge_moves_said(struct sim *s, const struct rop_entry *entry)
{
	bool open = false;
	for (size_t i = 0; i < s->judge.seen->n; i++)
		open |= s->judge.seen->nodes[i].open.n > 0;
	if (open && (entry->reached_revision ||
		     (entry->conditions_changed && entry->conditions[ROP_COND_CONVERGED].status == ROP_TRUE)))
		sim_fail(s, "it is said to be converged, and a slot is open");
}

/* Who took over had not heard yet that the key had been carried away: a copy that nobody sees. */
static bool is_left_behind(const struct sim *s, size_t k)
{
	const struct world *w = s->world;
	for (size_t i = 0; i < w->truth->n && s->lived[LIVED_FAILOVER]; i++)
		if (w->servers[i].up && w->truth->nodes[i].role == ROP_ROLE_PRIMARY &&
		    rop_slots_has(&w->truth->nodes[i].slots, w->writes[k].slot) && writes_has(&w->servers[i].has, k))
			return true;
	return false;
}

static void judge_places(struct sim *s)
{
	const struct world *w = s->world;
	if ((!moves_is_start(s->start) && s->start != START_LEAVE) ||
	    s->lived[LIVED_POINTED_PROMOTED]) /* with keys of another shard */
		return;
	for (size_t k = 0; k < w->n_writes; k++)
		for (size_t i = 0; i < w->truth->n; i++)
			if (w->servers[i].up && !w->writes[k].by_person && writes_has(&w->servers[i].has, k) &&
			    w->truth->nodes[i].role == ROP_ROLE_PRIMARY &&
			    !rop_slots_has(&w->truth->nodes[i].slots, w->writes[k].slot) && !is_left_behind(s, k))
				sim_fail(s,
					 "all is converged, and node %zu holds write %zu of slot %d, which it does "
					 "not own",
					 i, k, w->writes[k].slot);
}

/* Nothing but moves gives slots out there. A lost database does not know any more that it was begun; nor did it begin
 * where the last weights were taken away. */
bool judge_moves_shares_known(const struct sim *s)
{
	bool known = (moves_is_start(s->start) || s->start == START_LEAVE) && !s->database_lost && !s->judge.gave_slots;
	bool weighed = s->topology->weights && moves_is_start(s->start) && !s->judge.gave_slots;
	return (known && !s->weights_dropped) || weighed;
}

static void judge_shares(struct sim *s)
{
	int shares[ROP_NODES_MAX];
	if (!judge_moves_shares_known(s))
		return;
	weights_shares(s, shares);
	for (size_t i = 0; i < leave_staying(s); i++) {
		int n = rop_slots_count(&s->world->truth->nodes[i].slots);
		int off = n > shares[i] ? n - shares[i] : shares[i] - n;
		if (n && weights_off(n, shares[i]))
			sim_fail(s, "all is converged, and node %zu owns %d slots, where its share is %d", i, n,
				 shares[i]);
		if (n && s->calm && !s->person_opened && s->start != START_OPENED && !s->only_weights && off > 1)
			sim_fail(s, "nothing went wrong, and node %zu owns %d slots, where its share is %d", i, n,
				 shares[i]);
	}
}

/* Where nothing went wrong, and nobody else moves slots. (What share the new shards get is told by their numbers, which
 * have no labels; so a few more may be needed.) */
static void judge_fewest(struct sim *s)
{
	if (s->calm && moves_is_start(s->start) && s->start != START_OPENED && !s->person_opened &&
	    s->judge.handed > s->judge.fewest + s->topology->shards)
		sim_fail(s, "%d slots were handed over, and %d had to be", s->judge.handed, s->judge.fewest);
}

void judge_moves_end(struct sim *s)
{
	int open = moves_open(s->world);
	if (open)
		sim_fail(s, "the operator says 'reached', and %d slots are open", open);
	judge_places(s);
	judge_shares(s);
	judge_fewest(s);
}

/* A primary has keys of slots that it neither owns nor has open: it is not emptied of its last slots then. */
static bool any_stray(const struct world *w)
{
	for (size_t i = 0; i < w->truth->n; i++)
		for (size_t k = 0; k < w->n_writes && w->truth->nodes[i].role == ROP_ROLE_PRIMARY; k++)
			if (w->servers[i].up && writes_has(&w->servers[i].has, k) &&
			    !rop_slots_has(&w->truth->nodes[i].slots, w->writes[k].slot) &&
			    !rop_node_open(&w->truth->nodes[i], w->writes[k].slot))
				return true;
	return false;
}

/* Slots that nobody but a person can say what to do with: two import or two export them, or one side is not there. */
bool moves_undecidable(const struct world *w)
{
	if (moves_open(w) && any_stray(w))
		return true;
	for (size_t i = 0; i < w->truth->n; i++)
		for (size_t k = 0; k < w->truth->nodes[i].open.n; k++) {
			const struct rop_open_slot *open = &w->truth->nodes[i].open.at[k];
			int peer = rop_observed_find(w->truth, open->peer);
			if (peer < 0 || w->truth->nodes[peer].primary == (int)i)
				return true;
			for (size_t j = 0; j < i; j++) {
				const struct rop_open_slot *other = rop_node_open(&w->truth->nodes[j], open->slot);
				if (other && other->importing == open->importing)
					return true;
				if (other && (strcmp(other->peer, w->truth->nodes[i].id) != 0 ||
					      strcmp(open->peer, w->truth->nodes[j].id) != 0))
					return true;
			}
		}
	return false;
}

/* So far from its end: shrinks with each slot and key that moves. */
int64_t moves_left(const struct sim *s)
{
	const struct world *w = s->world;
	int64_t left = moves_open(w), fewest = ROP_SLOTS;
	int n_owners = 0, shares[ROP_NODES_MAX];
	weights_shares(s, shares);
	for (size_t i = 0; i < w->truth->n; i++) {
		int n = rop_slots_count(&w->truth->nodes[i].slots);
		left += n > shares[i] ? 1000 * (n - shares[i]) : 0;
		n_owners += n > 0;
		fewest = n > 0 && n < fewest ? n : fewest;
		for (size_t k = 0; k < w->truth->nodes[i].open.n; k++)
			left += 100 * data_keys_in_slot(w, i, w->truth->nodes[i].open.at[k].slot) *
				!w->truth->nodes[i].open.at[k].importing;
	}
	if (n_owners > s->topology->shards) /* one of them is to have none */
		left += 1000 * fewest;
	return left;
}
