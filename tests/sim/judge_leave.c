/* judge_leave.c - what must never be done with nodes that leave, and how they must have left. Held against the last
 * answers as they were given; who has which write is taken from the truth.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

static bool stays(const struct sim *s, size_t node)
{
	return node < leave_staying(s);
}

/* Whose id that is, or was before it was reset; -1: nobody's. */
static int node_of(const struct sim *s, const char *id)
{
	const struct world *w = s->world;
	int node = rop_observed_find(w->truth, id);
	for (size_t g = 0; node < 0 && g < w->ghosts.n; g++)
		if (strcmp(w->ghosts.at[g].id, id) == 0)
			node = w->ghosts.at[g].node;
	return node;
}

static const struct rop_image *load(struct sim *s, struct rop_arena *arena)
{
	struct rop_image *image = rop_alloc(arena, sizeof *image);
	struct rop_err err = { 0 };
	if (!rop_store_load(s->store, arena, s->topology->name, image, &err))
		sim_fail(s, "load: %s", err.text);
	return image;
}

static bool was_member(struct sim *s, const char *id, const char *address)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	const struct rop_image *image = load(s, scratch);
	for (size_t m = 0; m < image->members.n; m++)
		if (strcmp(image->members.at[m].node, id) == 0 && strcmp(image->members.at[m].address, address) == 0)
			return true;
	return false;
}

static bool owns_something(const struct rop_observed *seen, const char *id)
{
	for (size_t f = 0; f < seen->foreign.n; f++)
		if (strcmp(seen->foreign.at[f].id, id) == 0 && seen->foreign.at[f].slots)
			return true;
	return false;
}

/* Of what was written to these slots, no node that is declared has anything any more, nor one that answers. */
static bool nothing_is_left(const struct sim *s, const struct rop_slots *slots)
{
	for (size_t k = 0; k < s->world->n_writes; k++) {
		const struct write *write = &s->world->writes[k];
		if (!write->acked || write->stray || !rop_slots_has(slots, write->slot))
			continue;
		for (size_t i = 0; i < s->world->truth->n; i++)
			if (writes_has(&s->world->servers[i].has, k) && judge_leave_knowable(s, i) &&
			    (stays(s, i) || s->world->servers[i].up))
				return false;
	}
	return true;
}

/* In truth nobody is it any more, nobody follows it, and of what was in its slots nothing is left; the database knows
 * it as who was at an address where another one answers, which holds nothing or has been taken in. */
bool judge_leave_is_ghost(struct sim *s, const char *id)
{
	const struct world *w = s->world;
	const struct rop_observed *seen = s->judge.seen;
	const struct ghost *ghost = NULL;
	for (size_t g = 0; g < w->ghosts.n; g++)
		if (strcmp(w->ghosts.at[g].id, id) == 0)
			ghost = &w->ghosts.at[g];
	for (size_t i = 0; i < seen->n; i++)
		if (rop_answers(seen, i) && strcmp(seen->nodes[i].primary_id, id) == 0)
			return false;
	if (ghost && owns_something(seen, id) && !nothing_is_left(s, &ghost->slots))
		return false;
	if (!ghost || !stays(s, (size_t)ghost->node) || !rop_answers(seen, (size_t)ghost->node))
		return false;
	bool taken_in = s->judge.true_keys[ghost->node] == 0;
	for (size_t i = 0; i < seen->n; i++)
		taken_in |= i != (size_t)ghost->node && rop_answers(seen, i) &&
			    rop_bit(seen, seen->known, i, (size_t)ghost->node);
	return taken_in && was_member(s, id, seen->nodes[ghost->node].address);
}

/* ---- commands ------------------------------------------------------------------------------------------------ */

/* Slots of another one's greater epoch are not its own any more. */
static bool owns(const struct rop_observed *seen, size_t node)
{
	struct rop_slots own = seen->nodes[node].slots;
	for (size_t k = 0; k < seen->n; k++)
		if (seen->nodes[k].epoch > seen->nodes[node].epoch)
			rop_slots_drop(&own, &seen->nodes[k].slots);
	return !rop_slots_empty(&own);
}

static bool in_sync(const struct rop_observed *seen, size_t replica, size_t primary)
{
	const struct rop_node *node = &seen->nodes[replica];
	return rop_answers(seen, replica) && rop_answers(seen, primary) && node->role == ROP_ROLE_REPLICA &&
	       node->primary == (int)primary && node->link_up && !node->syncing &&
	       rop_bit(seen, seen->online, primary, replica);
}

static void judge_copies(struct sim *s, size_t leaver)
{
	const struct rop_observed *seen = s->judge.seen;
	const struct rop_node *node = &seen->nodes[leaver];
	int64_t keys = node->keys >= 0 ? node->keys : s->judge.true_keys[leaver];
	if (keys == 0)
		return;
	if (node->role != ROP_ROLE_REPLICA || node->primary < 0) {
		sim_fail(s, "%s is to be reset, and leads with %" PRId64 " keys", node->address, keys);
		return;
	}
	size_t primary = (size_t)node->primary, copies = 0;
	if (!in_sync(seen, leaver, primary))
		sim_fail(s, "%s is to be reset, and is not in sync with %s", node->address,
			 seen->nodes[primary].address);
	for (size_t i = 0; i < leave_staying(s); i++)
		copies += in_sync(seen, i, primary);
	if (s->topology->replicas_per_shard > 0 && !copies && owns(seen, primary))
		sim_fail(s, "%s is to be reset, and no replica of %s that stays is in sync", node->address,
			 seen->nodes[primary].address);
}

static void judge_reset(struct sim *s, const struct rop_expect *e)
{
	const struct rop_observed *seen = s->judge.seen;
	int leaver = rop_observed_find(seen, e->node);
	if (leaver < 0 || stays(s, (size_t)leaver) || !rop_answers(seen, (size_t)leaver)) {
		sim_fail(s, "%s is to be reset, and is none that answers and leaves", e->address);
		return;
	}
	const struct rop_node *node = &seen->nodes[leaver];
	if (!rop_slots_empty(&node->slots) || node->open.n)
		sim_fail(s, "%s is to be reset, and owns %d slots and has %zu open", node->address,
			 rop_slots_count(&node->slots), node->open.n);
	for (size_t i = 0; i < leave_staying(s); i++)
		if (rop_answers(seen, i) && seen->nodes[i].role == ROP_ROLE_REPLICA &&
		    strcmp(seen->nodes[i].primary_id, node->id) == 0)
			sim_fail(s, "%s is to be reset, and %s follows it", node->address, seen->nodes[i].address);
	for (size_t i = leave_staying(s); i < seen->n; i++)
		if (rop_answers(seen, i) && seen->nodes[i].role == ROP_ROLE_REPLICA && seen->nodes[i].keys &&
		    strcmp(seen->nodes[i].primary_id, node->id) == 0 && seen->nodes[i].leaving)
			sim_fail(s, "%s is to be reset, and %s, which follows it, is left with keys", node->address,
				 seen->nodes[i].address);
	if (!s->failed)
		judge_copies(s, (size_t)leaver);
}

static void judge_forget(struct sim *s, const struct rop_expect *e)
{
	const struct rop_observed *seen = s->judge.seen;
	int gone = node_of(s, e->peer);
	if (gone >= 0 && stays(s, (size_t)gone) && judge_leave_is_ghost(s, e->peer)) {
		sim_lived(s, owns_something(seen, e->peer) ? LIVED_GIVEN_UP : LIVED_GHOST_GONE);
		if (owns_something(seen, e->peer) && !s->consent && !s->topology->reform_on_total_loss)
			sim_fail(s, "%.8s is to be forgotten with its slots, and nobody gave them up", e->peer);
		return;
	}
	if (gone < 0 || stays(s, (size_t)gone)) {
		sim_fail(s, "%.8s is to be forgotten, and is none that leaves", e->peer);
		return;
	}
	const struct rop_node *node = &seen->nodes[gone];
	bool is_it = strcmp(node->id, e->peer) == 0;
	if (is_it && s->consent && !rop_answers(seen, (size_t)gone) && owns(seen, (size_t)gone) && !node->open.n &&
	    nothing_is_left(s, &node->slots))
		sim_lived(s, LIVED_GIVEN_UP);
	else if (is_it && (owns(seen, (size_t)gone) || node->open.n))
		sim_fail(s, "%s is to be forgotten, and owns %d slots", node->address, rop_slots_count(&node->slots));
	for (size_t g = 0; g < s->world->ghosts.n; g++)
		if (strcmp(s->world->ghosts.at[g].id, e->peer) == 0 && !rop_slots_empty(&s->world->ghosts.at[g].slots))
			for (size_t f = 0; f < seen->foreign.n; f++)
				if (strcmp(seen->foreign.at[f].id, e->peer) == 0 && seen->foreign.at[f].slots)
					sim_fail(s, "%.8s is to be forgotten, and owned slots that nobody has taken",
						 e->peer);
	if (is_it && rop_answers(seen, (size_t)gone) && node->others > 0)
		sim_fail(s, "%s is to be forgotten, and answers and lists %d others", node->address, node->others);
	for (size_t i = 0; i < leave_staying(s); i++)
		if (rop_answers(seen, i) && seen->nodes[i].role == ROP_ROLE_REPLICA &&
		    strcmp(seen->nodes[i].primary_id, e->peer) == 0)
			sim_fail(s, "%s is to be forgotten, and %s follows it", node->address, seen->nodes[i].address);
}

static void judge_hand_over(struct sim *s, const struct rop_expect *e)
{
	const struct rop_observed *seen = s->judge.seen;
	int heir = rop_observed_find(seen, e->node), primary = rop_observed_find(seen, e->peer);
	if (heir < 0 || !stays(s, (size_t)heir))
		sim_fail(s, "%s is to take over, and does not stay itself", e->address);
	judge_handover_step(s, e, primary >= 0 && !stays(s, (size_t)primary));
}

/* Its server is another one now, as it was seen empty, and a replica of it was seen. */
bool judge_leave_takes_over(const struct sim *s, const struct rop_expect *e)
{
	const struct world *w = s->world;
	const struct rop_observed *seen = s->judge.seen;
	int heir = rop_observed_find(seen, e->node);
	if (e->kind != ROP_STEP_FAILOVER || !e->value || heir < 0 || strcmp(seen->nodes[heir].primary_id, e->peer) != 0)
		return false;
	for (size_t g = 0; g < w->ghosts.n; g++) {
		const struct rop_node *now = &seen->nodes[w->ghosts.at[g].node];
		if (strcmp(w->ghosts.at[g].id, e->peer) == 0)
			return now->reach == ROP_REACH_OK && now->keys == 0 && rop_slots_empty(&now->slots);
	}
	return false;
}

void judge_leave_step(struct sim *s, const struct rop_step *step)
{
	const struct rop_expect *e = &step->expect;
	if (e->kind == ROP_STEP_RESET)
		judge_reset(s, e);
	if (e->kind == ROP_STEP_FORGET)
		judge_forget(s, e);
	if (e->kind == ROP_STEP_FAILOVER && e->value && !judge_leave_takes_over(s, e))
		sim_fail(s, "%s is to take over by force, and its primary is there, or had keys", e->address);
	if (e->kind == ROP_STEP_FAILOVER && !e->value)
		judge_hand_over(s, e);
}

bool judge_leave_word(const struct rop_step *step, const char *word)
{
	return (step->expect.kind == ROP_STEP_RESET && strcmp(word, "RESET") == 0) ||
	       (step->expect.kind == ROP_STEP_EMPTY && step->risk.kind == ROP_RISK_LOSS &&
		(strcmp(word, "FLUSHALL") == 0 || strcmp(word, "RESET") == 0)) ||
	       (step->expect.kind == ROP_STEP_FORGET && strcmp(word, "FORGET") == 0) ||
	       (step->expect.kind == ROP_STEP_TAKEOVER && strcmp(word, "FAILOVER") == 0) ||
	       (step->expect.kind == ROP_STEP_FAILOVER && strcmp(word, "FAILOVER") == 0);
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

bool judge_leave_listed(const struct sim *s, size_t node)
{
	const struct world *w = s->world;
	bool listed = false;
	for (size_t i = 0; i < leave_staying(s); i++) {
		listed |= w->servers[i].up && rop_bit(w->truth, w->truth->known, i, node);
		for (size_t g = 0; g < w->ghosts.n; g++)
			listed |= w->servers[i].up && w->ghosts.at[g].node == (int)node &&
				  ghost_is_listed(&w->ghosts.at[g], i);
	}
	return listed;
}

bool judge_leave_given_up(const struct sim *s, size_t node)
{
	return s->consent && !stays(s, node) && !s->world->servers[node].up;
}

bool judge_leave_knowable(const struct sim *s, size_t node)
{
	const struct rop_observed *seen = s->judge.seen;
	return stays(s, node) || (seen && seen->nodes[node].leaving) || judge_leave_listed(s, node);
}

/* It says that all is as declared: who was a member, and is not declared any more, has left. */
void judge_leave_end(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	const struct rop_image *image = load(s, scratch);
	const struct world *w = s->world;
	for (size_t i = leave_staying(s); i < w->truth->n && !s->failed; i++) {
		const struct rop_node *node = &w->truth->nodes[i];
		bool member = false;
		for (size_t m = 0; m < image->members.n; m++)
			member |= strcmp(image->members.at[m].address, node->address) == 0;
		if (judge_leave_listed(s, i))
			sim_fail(s, "it is said to be as declared, and a node lists %s, which is not declared",
				 node->address);
		for (size_t k = 0; member && w->servers[i].up && k < leave_staying(s); k++)
			if (rop_bit(w->truth, w->truth->known, i, k))
				sim_fail(s, "it is said to be as declared, and %s, which has left, lists %s",
					 node->address, w->truth->nodes[k].address);
		for (size_t k = 0; k < leave_staying(s); k++)
			if (w->truth->nodes[k].primary == (int)i)
				sim_fail(s, "it is said to be as declared, and %s follows %s, which has left",
					 w->truth->nodes[k].address, node->address);
	}
}

#define WATCH_MS 85000 /* the servers' minute, ours of 70 s, and some looks */

void judge_leave_watch(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct run_plan plan = { .keep = true, .timeout_ms = NEVER, .stop_ms = s->world->now_ms + WATCH_MS };
	if (leave_staying(s) == s->world->truth->n)
		return;
	operator_run(s, plan);
	if (s->failed || s->muted)
		return;
	judge_leave_end(s);
	const struct rop_image *image = load(s, scratch);
	for (size_t m = 0; m < image->members.n && !s->failed; m++) {
		bool declared = false;
		for (size_t i = 0; i < leave_staying(s); i++)
			declared |= strcmp(s->world->truth->nodes[i].address, image->members.at[m].address) == 0;
		if (!declared)
			sim_fail(s, "%s has left, was watched for %d ms, and is a member still",
				 image->members.at[m].address, WATCH_MS);
	}
	if (!s->failed)
		sim_lived(s, LIVED_STRUCK);
}

/* Somebody who is to leave cannot: what it has nobody else has, or nobody can take its shard over. */
bool judge_leave_held(const struct sim *s)
{
	const struct rop_observed *t = s->world->truth;
	bool held = false;
	for (size_t i = leave_staying(s); i < t->n; i++) {
		const struct rop_node *node = &t->nodes[i];
		bool leads = node->role == ROP_ROLE_PRIMARY;
		if (!s->world->servers[i].up || !judge_leave_listed(s, i))
			continue;
		held |= leads && (node->keys > 0 || !rop_slots_empty(&node->slots));
		held |= !leads && node->keys > 0 &&
			(!node->link_up || node->primary < 0 || !stays(s, (size_t)node->primary));
	}
	return held;
}
