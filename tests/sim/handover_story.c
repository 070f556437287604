/* handover_story.c - a person who wants a shard to be led by another node: by its number, or the node by its name;
 * while edits and faults go on, and once in a while though it cannot be now. And what must not come of it: held against
 * the last answers as they were given, and the rows of the database.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rop/leaving.h"
#include "sim.h"

/* ---- a person ------------------------------------------------------------------------------------------------ */

void wish_schedule(struct sim *s)
{
	struct chance *c = &s->wishes;
	bool formed = start_is_living(s->start) || s->start == START_HEALTHY || s->start == START_JOIN;
	s->wish_ms = NEVER;
	if (!formed || s->topology->replicas_per_shard == 0 || !chance_permille(c, 450))
		return;
	s->n_wishes = (int)chance_between(c, 1, 3);
	s->wish_ms = s->calm ? s->world->now_ms : chance_between(c, s->world->now_ms, s->faults_end_ms);
}

static struct rop_image load(struct sim *s, struct rop_arena *arena)
{
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	if (!rop_store_load(s->store, arena, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	return image;
}

static struct rop_situation *situation_of(struct sim *s, struct rop_observed *seen, const struct rop_image *image,
					  const struct rop_topology *topology)
{
	struct rop_clock clock = world_clock(s->world);
	return rop_situation_make(&(struct rop_situation){ .arena = seen->arena,
							   .topology = topology,
							   .seen = seen,
							   .image = image,
							   .wall_ms = clock.wall_ms,
							   .boot_ms = clock.boot_ms,
							   .looks_once = true });
}

/* A shard's number, or a node that is declared. */
static const char *some_words(struct sim *s)
{
	struct chance *c = &s->wishes;
	size_t node = chance_below(c, leave_staying(s));
	if (chance_permille(c, 500))
		return s->world->truth->nodes[node].address;
	return rop_printf(s->arena, "%d", (int)chance_between(c, 1, s->topology->shards));
}

/* As the command does it: what is barred is not asked for, where it is seen to be so in time. */
static bool may_be_asked(struct sim *s, struct rop_observed *seen, struct rop_image *image,
			 const struct rop_topology *topology, const struct rop_wish *wish)
{
	struct rop_image with = *image;
	with.wish = *wish;
	const struct rop_situation *now = situation_of(s, seen, &with, topology);
	return !now->refused && now->handover && !now->handover->hopeless && !now->handover->handed_over &&
	       (!now->handover->barred || chance_permille(&s->wishes, 300));
}

static void ask(struct sim *s, struct rop_observed *seen)
{
	struct rop_image image = load(s, seen->arena);
	const struct rop_topology *topology = rop_topology_leaving(seen->arena, s->topology, &image);
	struct rop_wish wish;
	struct rop_err err = { 0 };
	int64_t id = 0;
	const char *words = some_words(s);
	if (image.wish.id || !rop_wish_make(situation_of(s, seen, &image, topology), words, &wish, &err) ||
	    !may_be_asked(s, seen, &image, topology, &wish))
		return;
	if (!rop_store_wish(s->store, s->topology->name, &wish, world_clock(s->world).wall_ms, &id, &err)) {
		sim_fail(s, "write down a wish: %s", err.text);
		return;
	}
	trace(s, "person", "wants %s to lead shard %d", wish.node[0] ? wish.address : "the best replica", wish.shard);
	sim_lived(s, LIVED_WISHED);
}

void wish_ask(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	if (s->world->now_ms < s->wish_ms || s->failed)
		return;
	s->wish_ms = --s->n_wishes > 0 && !s->calm ? s->world->now_ms + chance_between(&s->wishes, 0, 20000) : NEVER;
	struct rop_image image = load(s, scratch);
	struct rop_observed *seen = look_at_truth(s->world, rop_topology_leaving(scratch, s->topology, &image));
	ask(s, seen);
	rop_arena_free(seen->arena);
}

/* ---- of an operator that is broken on purpose ------------------------------------------------------------------ */

void wish_hide(struct sim *s, struct rop_observed *seen)
{
	if (s->sabotage == SABOTAGE_HAND_OVER_STALE && s->lived[LIVED_WISHED])
		leave_pretend_in_sync(seen);
}

/* ---- what must not come of it ----------------------------------------------------------------------------------- */

static bool in_sync(const struct rop_observed *seen, size_t replica, size_t primary)
{
	const struct rop_node *node = &seen->nodes[replica];
	return rop_answers(seen, replica) && rop_answers(seen, primary) && node->role == ROP_ROLE_REPLICA &&
	       node->primary == (int)primary && node->link_up && !node->syncing &&
	       rop_bit(seen, seen->online, primary, replica);
}

static bool is_open_towards(const struct rop_observed *seen, const char *id)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t k = 0; rop_answers(seen, i) && k < seen->nodes[i].open.n; k++)
			if (strcmp(seen->nodes[i].open.at[k].peer, id) == 0)
				return true;
	return false;
}

/* One at a time: what was asked for and has come about is no more under way. */
static void judge_others(struct sim *s, const struct rop_expect *e)
{
	for (size_t i = 0; i < s->judge.rows.n; i++) {
		const struct row *row = &s->judge.rows.at[i];
		if (row->pending && row->id != e->id && row->expect.kind == ROP_STEP_FAILOVER)
			sim_fail(s, "%s is to take over while %s is asked to", e->address, row->expect.address);
	}
}

void judge_handover_step(struct sim *s, const struct rop_expect *e, bool leaver)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	const struct rop_observed *seen = s->judge.seen;
	const struct rop_image image = load(s, scratch);
	int heir = rop_observed_find(seen, e->node), primary = rop_observed_find(seen, e->peer);
	if (heir < 0 || primary < 0) {
		sim_fail(s, "%s is to take over, and it or its primary is nobody that was seen", e->address);
		return;
	}
	if (!in_sync(seen, (size_t)heir, (size_t)primary))
		sim_fail(s, "%s is to take over from %s, and is not in sync with it", e->address,
			 seen->nodes[primary].address);
	if (seen->nodes[primary].open.n || is_open_towards(seen, e->peer))
		sim_fail(s, "%s is to take over from %s, which has slots open", e->address,
			 seen->nodes[primary].address);
	if (!leaver && !image.wish.id)
		sim_fail(s, "%s is to take over from %s, and nobody asked for that", e->address,
			 seen->nodes[primary].address);
	if (!leaver && image.wish.node[0] && strcmp(image.wish.node, e->node) != 0)
		sim_fail(s, "%s is to take over, and %s was asked for", e->address, image.wish.address);
	judge_others(s, e);
}

static void judge_met(struct sim *s, const struct rop_wish *wish)
{
	const struct rop_observed *seen = s->judge.seen;
	int before = rop_observed_find(seen, wish->primary), leader = -1;
	for (size_t i = 0; i < seen->n; i++)
		if (strcmp(seen->nodes[i].id, wish->node) == 0)
			leader = (int)i;
	if (!wish->node[0] && before >= 0)
		leader = seen->nodes[before].primary;
	if (leader < 0)
		return; /* who led it is not there any more */
	if (!rop_answers(seen, (size_t)leader) || seen->nodes[leader].role != ROP_ROLE_PRIMARY ||
	    rop_slots_empty(&seen->nodes[leader].slots))
		sim_fail(s, "shard %d is said to be handed over, and %s leads nothing", wish->shard,
			 seen->nodes[leader].address);
	for (size_t v = 0; v < seen->n && !s->failed; v++)
		if ((int)v != leader && v < leave_staying(s) && rop_answers(seen, v) && seen->nodes[v].others > 0 &&
		    !rop_bit(seen, seen->agrees, v, (size_t)leader))
			sim_fail(s, "shard %d is said to be handed over, and %s does not hold %s for its leader",
				 wish->shard, seen->nodes[v].address, seen->nodes[leader].address);
	if (before >= 0 && before != leader && (size_t)before < leave_staying(s) && rop_answers(seen, (size_t)before) &&
	    !in_sync(seen, (size_t)before, (size_t)leader))
		sim_fail(s, "shard %d is said to be handed over, and %s is not in sync with %s", wish->shard,
			 seen->nodes[before].address, seen->nodes[leader].address);
	sim_lived(s, LIVED_WISH_MET);
}

void judge_handover_entry(struct sim *s, const struct rop_entry *entry)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	if (!entry->wish_end.id || s->sabotage)
		return;
	const struct rop_image image = load(s, scratch);
	if (image.wish.id != entry->wish_end.id) {
		sim_fail(s, "wish %" PRId64 " is closed, and is not open", entry->wish_end.id);
		return;
	}
	trace(s, "operator", "closes the wish as %s: %s", rop_wish_status_name(entry->wish_end.status),
	      entry->wish_end.note);
	if (entry->wish_end.status == ROP_WISH_MET)
		judge_met(s, &image.wish);
	else
		sim_lived(s, LIVED_WISH_NOT_MET);
	if (entry->wish_end.status == ROP_WISH_FAILED)
		sim_lived(s, LIVED_WISH_FAILED);
}

/* All is as declared: what could be done of it has been. */
void judge_handover_end(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	const struct rop_image image = load(s, scratch);
	struct rop_err err = { 0 };
	if (!image.wish.id)
		return;
	const struct rop_topology *topology = rop_topology_leaving(scratch, s->topology, &image);
	struct rop_observed *seen = look_at_truth(s->world, topology);
	const struct rop_handover *h = situation_of(s, seen, &image, topology)->handover;
	if (h->hopeless || !h->barred)
		sim_fail(s, "it is said to be as declared, and a wish is open: %s", rop_handover_sentence(scratch, h));
	struct rop_wish_end end = { .id = image.wish.id, .status = ROP_WISH_WITHDRAWN, .note = "the seed is over" };
	rop_arena_free(seen->arena);
	if (!rop_store_withdraw(s->store, s->topology->name, &end, world_clock(s->world).wall_ms, &err))
		sim_fail(s, "take a wish back: %s", err.text);
}
