/* takeover_story.c - most primaries died at once, and a person has replicas take over without a vote: looks, consents
 * to what it costs, and runs it as the command does, one shard after the other. And what must not come of it.
 */
#include <string.h>

#include "rop/leaving.h"
#include "rop/takeover.h"
#include "sim.h"

#define PATIENCE_MS 20000 /* until then somebody may come back */
#define ASKED_AGAIN_MS 5000

static struct rop_image load(struct sim *s, struct rop_arena *arena)
{
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	if (!rop_store_load(s->store, arena, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	return image;
}

/* ---- a person ------------------------------------------------------------------------------------------------- */

static const struct rop_situation *situation_of(struct sim *s, struct rop_observed *seen, const struct rop_image *image,
						const struct rop_wish *asked)
{
	struct rop_clock clock = world_clock(s->world);
	return rop_situation_make(
		&(struct rop_situation){ .arena = seen->arena,
					 .topology = rop_topology_leaving(seen->arena, s->topology, image),
					 .seen = seen,
					 .image = image,
					 .to_take_over = asked,
					 .wall_ms = clock.wall_ms,
					 .boot_ms = clock.boot_ms,
					 .looks_once = true });
}

static int a_lost_shard(struct sim *s, const struct rop_observed *seen, const struct rop_situation *now)
{
	size_t n = now->layout.n, first = chance_below(&s->takeovers, n);
	for (size_t k = 0; k < n; k++) {
		const struct rop_shard *shard = &now->layout.shards[(first + k) % n];
		if (shard->primary >= 0 && !rop_answers(seen, (size_t)shard->primary))
			return shard->number;
	}
	return -1;
}

/* As the command does it: the best replica is named, and its digest. */
static bool agree(struct sim *s, struct rop_observed *seen, struct rop_image *image, struct rop_wish *ret)
{
	struct rop_err err = { 0 };
	const struct rop_situation *now = situation_of(s, seen, image, NULL);
	int shard = a_lost_shard(s, seen, now);
	if (shard < 0 || now->refused || now->paused ||
	    !rop_wish_make(now, rop_printf(seen->arena, "%d", shard), ret, &err))
		return false;
	const struct rop_takeover *t = situation_of(s, seen, image, ret)->takeover;
	if (t->barred || t->heir < 0) {
		trace(s, "person", "has nobody take shard %d over: %s", shard,
		      t->barred ? t->barred : "nobody is there");
		return false;
	}
	memcpy(ret->node, seen->nodes[t->heir].id, ROP_ID_SIZE);
	ret->address = rop_strdup(s->arena, seen->nodes[t->heir].address);
	ret->primary_address = rop_strdup(s->arena, ret->primary_address);
	t = situation_of(s, seen, image, ret)->takeover;
	s->consent = rop_strdup(s->arena, t->losses.digest);
	trace(s, "person", "consents to %s: %s", s->consent, t->losses.list.at[0].text);
	return true;
}

void takeover_ask(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_wish *asked = rop_alloc(s->arena, sizeof *asked);
	if (s->world->now_ms < s->takeover_ms || s->failed || s->muted)
		return;
	s->takeover_ms = s->world->now_ms + ASKED_AGAIN_MS;
	struct rop_image image = load(s, scratch);
	struct rop_observed *seen = look_at_truth(s->world, rop_topology_leaving(scratch, s->topology, &image));
	bool agreed = agree(s, seen, &image, asked);
	rop_arena_free(seen->arena);
	if (!agreed)
		return;
	struct run_plan plan = { .timeout_ms = 60000, .stop_ms = NEVER };
	s->takeover = asked;
	struct run_end end = operator_run(s, plan);
	s->takeover = NULL;
	if (s->failed || s->muted || end.result.code != ROP_OK)
		return;
	int heir = rop_observed_find(s->world->truth, asked->node);
	if (heir >= 0 && s->world->servers[heir].up && s->world->truth->nodes[heir].role != ROP_ROLE_PRIMARY)
		sim_fail(s, "shard %d is said to be taken over, and %s leads nothing", asked->shard, asked->address);
	sim_lived(s, LIVED_UNVOTED);
}

/* ---- the plight ------------------------------------------------------------------------------------------------- */

static bool has_copy(const struct world *w, size_t primary)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->servers[i].up && w->truth->nodes[i].role == ROP_ROLE_REPLICA &&
		    w->truth->nodes[i].primary == (int)primary && w->truth->nodes[i].link_up)
			return true;
	return false;
}

/* Owners with a replica die until no majority is left; they stay dead, or come back when people have long acted. */
bool takeover_plight(struct world *w, struct chance *c)
{
	size_t owners = 0, dead = 0, with_copy = 0;
	bool back = chance_permille(c, 500);
	for (size_t i = 0; i < w->truth->n; i++) {
		bool owns = w->truth->nodes[i].role == ROP_ROLE_PRIMARY && !rop_slots_empty(&w->truth->nodes[i].slots);
		owners += owns;
		dead += owns && !w->servers[i].up;
		with_copy += owns && w->servers[i].up && has_copy(w, i);
	}
	if (owners < 2 || (owners - dead - with_copy) * 2 > owners)
		return false;
	for (size_t i = 0; i < w->truth->n && (owners - dead) * 2 > owners; i++) {
		const struct rop_node *node = &w->truth->nodes[i];
		if (node->role != ROP_ROLE_PRIMARY || rop_slots_empty(&node->slots) || !w->servers[i].up ||
		    !has_copy(w, i))
			continue;
		world_down(w, i, 0);
		w->servers[i].for_good |= !back;
		dead++;
		if (back)
			world_at(w, w->sim->faults_end_ms, (struct event){ .kind = EVENT_UP, .node = (int)i });
	}
	w->sim->takeover_ms = w->now_ms + PATIENCE_MS;
	return true;
}

/* ---- what must not come of it ----------------------------------------------------------------------------------- */

void judge_takeover_step(struct sim *s, const struct rop_expect *e, bool majority)
{
	const struct rop_observed *seen = s->judge.seen;
	int heir = rop_observed_find(seen, e->node), lost = rop_observed_find(seen, e->peer);
	if (!s->takeover || strcmp(s->takeover->node, e->node) != 0 || !s->consent) {
		sim_fail(s, "%s is to take over without a vote, and nobody asked for that", e->address);
		return;
	}
	if (heir < 0 || lost < 0) {
		sim_fail(s, "%s is to take over, and it or its primary is nobody that was seen", e->address);
		return;
	}
	if (majority)
		sim_fail(s, "%s is to take over without a vote, and a majority of the primaries answered", e->address);
	if (rop_answers(seen, (size_t)lost))
		sim_fail(s, "%s is to take over from %s, which answered", e->address, seen->nodes[lost].address);
	int at = rop_observed_find(s->world->truth, e->node), from = rop_observed_find(s->world->truth, e->peer);
	if (at >= 0 && from >= 0 && s->world->n_writes && s->world->aof &&
	    !data_same_root(s->world, (size_t)at, (size_t)from))
		sim_fail(s, "%s is to take over from %s, and never had its data", e->address,
			 seen->nodes[lost].address);
}
