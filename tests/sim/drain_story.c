/* drain_story.c - a person who drains a host, stops its servers as soon as that is said to be safe, starts them again,
 * and ends the drain or lets its time pass; while edits and faults go on. And what must not come of it: no drained host
 * gets a role, no shard is left with fewer copies than it keeps, no other one is disturbed meanwhile.
 */
#include <inttypes.h>
#include <string.h>

#include "rop/leaving.h"
#include "sim.h"

/* ---- a person ------------------------------------------------------------------------------------------------ */

void drain_schedule(struct sim *s)
{
	struct chance *c = &s->drains;
	bool formed = start_is_living(s->start) || s->start == START_HEALTHY || s->start == START_JOIN;
	s->drain_ms = s->stop_ms = s->undrain_ms = NEVER;
	s->topology->disruption.shards_at_once = chance_permille(c, 800) ? 1 : 2;
	s->topology->disruption.keep_copies = chance_permille(c, 700) ? 1 : (int)chance_below(c, 3);
	if (!formed || s->calm || !chance_permille(c, 600))
		return;
	s->drain_ms = chance_between(c, s->world->now_ms, s->faults_end_ms);
}

static struct rop_image load(struct sim *s, struct rop_arena *arena)
{
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	if (!rop_store_load(s->store, arena, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	return image;
}

/* As status sees it, of the truth; in the arena of what was looked at. */
static struct rop_situation *situation_of(struct sim *s, struct rop_observed *seen, const struct rop_image *image)
{
	struct rop_clock clock = world_clock(s->world);
	return rop_situation_make(&(struct rop_situation){
		.arena = seen->arena,
		.topology = rop_topology_leaving(seen->arena, s->topology, image),
		.seen = seen,
		.image = image,
		.wall_ms = clock.wall_ms,
		.boot_ms = clock.boot_ms,
		.looks_once = true,
	});
}

/* As the command does it: what is left is shown, and consented to. */
static void ask(struct sim *s, struct rop_observed *seen)
{
	struct chance *c = &s->drains;
	struct rop_image image = load(s, seen->arena);
	struct rop_err err = { 0 };
	int64_t wall_ms = world_clock(s->world).wall_ms, id;
	struct rop_drain drain = { .id = INT64_MAX,
				   .target = s->topology->nodes.at[chance_below(c, leave_staying(s))].host,
				   .until_wall_ms = wall_ms + chance_between(c, 3000, 90000) };
	*rop_push(seen->arena, &image.drains) = drain;
	const struct rop_situation *now = situation_of(s, seen, &image);
	if (now->refused || !now->in_view || !now->formed)
		return;
	for (size_t d = 0; d < now->drains.n; d++)
		if (now->drains.at[d].drain->id == drain.id)
			drain.fewer = now->drains.at[d].fewer_text;
	if (!rop_store_drain(s->store, s->topology->name, &drain, wall_ms, &id, &err)) {
		sim_fail(s, "write down a drain: %s", err.text);
		return;
	}
	trace(s, "person", "drains %s for %" PRId64 " ms; may be left: %s", drain.target, drain.until_wall_ms - wall_ms,
	      drain.fewer);
	sim_lived(s, LIVED_DRAINED);
	s->drained_host = rop_strdup(s->arena, drain.target);
	s->stop_ms = s->world->now_ms + chance_between(c, 0, 3000);
	s->undrain_ms = chance_permille(c, 500) ? s->world->now_ms + chance_between(c, 2000, 40000) : NEVER;
}

/* ---- stopped, where it is said that it may be ------------------------------------------------------------------ */

/* What it is said of, held against the truth: nobody there owns a slot, and somebody else who is up owns them all. */
static void judge_may_stop(struct sim *s)
{
	const struct rop_observed *truth = s->world->truth;
	for (size_t i = 0; i < truth->n && i < leave_staying(s); i++)
		if (strcmp(s->topology->nodes.at[i].host, s->drained_host) == 0 && s->world->servers[i].up &&
		    truth->nodes[i].role == ROP_ROLE_PRIMARY && !rop_slots_empty(&truth->nodes[i].slots))
			sim_fail(s, "%s may be stopped, it is said, and %s owns slots", s->drained_host,
				 truth->nodes[i].address);
}

static void stop(struct sim *s)
{
	struct chance *c = &s->drains;
	int64_t back_ms = s->world->now_ms + chance_between(c, 1000, 20000);
	for (size_t i = 0; i < leave_staying(s); i++) {
		if (strcmp(s->topology->nodes.at[i].host, s->drained_host) != 0 || !s->world->servers[i].up ||
		    s->world->servers[i].for_good)
			continue;
		world_at(s->world, s->world->now_ms + 1, (struct event){ .kind = EVENT_DOWN, .node = (int)i });
		world_at(s->world, back_ms < s->faults_end_ms ? back_ms : s->faults_end_ms,
			 (struct event){ .kind = EVENT_UP, .node = (int)i });
	}
	trace(s, "person", "stops the servers of %s, until %" PRId64 " ms", s->drained_host, back_ms);
	sim_lived(s, LIVED_DRAIN_STOPPED);
	s->stop_ms = NEVER;
}

static void stop_if_said(struct sim *s, struct rop_observed *seen)
{
	struct rop_image image = load(s, seen->arena);
	const struct rop_situation *now = situation_of(s, seen, &image);
	if (now->refused || !now->in_view)
		return;
	for (size_t d = 0; d < now->drains.n; d++)
		if (strcmp(now->drains.at[d].drain->target, s->drained_host) == 0 && !now->drains.at[d].holds &&
		    !now->drains.at[d].silent) {
			judge_may_stop(s);
			stop(s);
			return;
		}
}

void drain_end(struct sim *s)
{
	struct rop_err err = { 0 };
	bool ended = false;
	s->drain_ms = s->stop_ms = s->undrain_ms = NEVER;
	if (!s->drained_host || s->failed)
		return;
	if (!rop_store_undrain(s->store, s->topology->name, s->drained_host, NULL, world_clock(s->world).wall_ms,
			       &ended, &err))
		sim_fail(s, "undrain: %s", err.text);
	trace(s, "person", "undrains %s", s->drained_host);
	s->drained_host = NULL;
}

void drain_go_on(struct sim *s)
{
	if (s->failed || !sim_trouble(s))
		return;
	if (s->world->now_ms >= s->undrain_ms)
		drain_end(s);
	bool asks = s->world->now_ms >= s->drain_ms, stops = s->drained_host && s->world->now_ms >= s->stop_ms;
	if (!asks && !stops)
		return;
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_image image = load(s, scratch);
	struct rop_observed *seen = look_at_truth(s->world, rop_topology_leaving(scratch, s->topology, &image));
	if (asks) {
		s->drain_ms = NEVER;
		ask(s, seen);
	} else {
		stop_if_said(s, seen);
	}
	rop_arena_free(seen->arena);
}

/* ---- what must not come of it ----------------------------------------------------------------------------------- */

static bool is_drained(const struct sim *s, const struct rop_image *image, int node, int64_t wall_ms)
{
	if (node < 0 || (size_t)node >= leave_staying(s))
		return false;
	for (size_t d = 0; d < image->drains.n; d++)
		if (rop_drain_holds(&image->drains.at[d], wall_ms) &&
		    strcmp(image->drains.at[d].target, s->topology->nodes.at[node].host) == 0)
			return true;
	return false;
}

static bool in_sync(const struct rop_observed *seen, size_t replica, size_t primary)
{
	const struct rop_node *node = &seen->nodes[replica];
	return rop_answers(seen, replica) && node->role == ROP_ROLE_REPLICA && node->primary == (int)primary &&
	       node->link_up && !node->syncing && rop_bit(seen, seen->online, primary, replica);
}

/* Of what was begun the rest is done, too. */
static bool is_open(const struct rop_expect *e, int node, int peer, const struct rop_observed *seen)
{
	for (int slot = e->first; slot <= e->last; slot++)
		if (rop_node_open(&seen->nodes[node], slot) || (peer >= 0 && rop_node_open(&seen->nodes[peer], slot)))
			return true;
	return false;
}

static void judge_role(struct sim *s, const struct rop_expect *e, const struct rop_image *image, int64_t wall_ms)
{
	const struct rop_observed *seen = s->judge.seen;
	int node = rop_observed_find(seen, e->node), peer = rop_observed_find(seen, e->peer);
	bool drained = is_drained(s, image, node, wall_ms);
	if (!drained || (e->kind == ROP_STEP_SLOTS && !rop_slots_empty(&seen->nodes[node].slots)))
		return;
	bool begins = e->kind == ROP_STEP_IMPORT && !is_open(e, node, peer, seen);
	if (e->kind == ROP_STEP_FAILOVER || e->kind == ROP_STEP_SLOTS || begins)
		sim_fail(s, "%s, whose host is drained, gets a role: %s", e->address, rop_step_kind_name(e->kind));
	if (e->kind == ROP_STEP_ROLE && seen->nodes[node].role != ROP_ROLE_REPLICA)
		sim_fail(s, "%s, whose host is drained, is to follow %s", e->address,
			 peer < 0 ? e->peer : seen->nodes[peer].address);
}

/* A replica in sync leaves the shard of a primary that answers: as many as are to be kept are left. Who holds nothing
 * is no copy. */
static void judge_copies(struct sim *s, const struct rop_expect *e, const struct rop_image *image, int64_t wall_ms)
{
	const struct rop_observed *seen = s->judge.seen;
	int node = rop_observed_find(seen, e->node);
	int primary = e->kind == ROP_STEP_ROLE && node >= 0 ? seen->nodes[node].primary : -1;
	if (primary < 0 || (size_t)primary >= leave_staying(s) || seen->nodes[node].keys == 0 ||
	    !in_sync(seen, (size_t)node, (size_t)primary) || strcmp(seen->nodes[primary].id, e->peer) == 0 ||
	    rop_slots_empty(&seen->nodes[primary].slots))
		return;
	int left = 0, keeps = s->topology->disruption.keep_copies, wants = 0;
	for (size_t i = 0; i < leave_staying(s); i++)
		left += (int)i != node && in_sync(seen, i, (size_t)primary) && !is_drained(s, image, (int)i, wall_ms);
	struct rop_observed *copy = rop_observed_copy(s->judge.seen_arena, seen);
	const struct rop_situation *now = situation_of(s, copy, image);
	for (size_t i = 0; i < now->seen->n; i++) /* as the file has it */
		wants += now->layout.primary_of[i] == primary;
	if (wants > s->topology->replicas_per_shard)
		wants = s->topology->replicas_per_shard;
	if (left < (keeps < wants ? keeps : wants))
		sim_fail(s, "%s is taken from the shard of %s, which would have %d replicas in sync, and is to keep %d",
			 e->address, seen->nodes[primary].address, left, keeps);
}

/* Shards that miss a node because its host is drained, and not the one that is handed over now. */
static void judge_disturbed(struct sim *s, const struct rop_expect *e, const struct rop_image *image, int64_t wall_ms)
{
	const struct rop_observed *seen = s->judge.seen;
	int primary = rop_observed_find(seen, e->peer), n = 0;
	bool *counted = rop_alloc_n(s->judge.seen_arena, seen->n + 1, sizeof *counted);
	if (e->kind != ROP_STEP_FAILOVER || is_drained(s, image, primary, wall_ms))
		return;
	for (size_t i = 0; i < leave_staying(s); i++) {
		int of = seen->nodes[i].role == ROP_ROLE_REPLICA ? seen->nodes[i].primary : -1;
		if (rop_answers(seen, i) || !is_drained(s, image, (int)i, wall_ms) || of < 0 || of == primary ||
		    rop_slots_empty(&seen->nodes[of].slots) || counted[of])
			continue;
		counted[of] = true;
		n++;
	}
	if (n >= s->topology->disruption.shards_at_once)
		sim_fail(s, "%s is to take over from %s, and %d other shards miss a node that is drained", e->address,
			 primary < 0 ? e->peer : seen->nodes[primary].address, n);
}

void judge_drain_entry(struct sim *s, const struct rop_entry *entry)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	if (!entry->expects.n)
		return;
	const struct rop_image image = load(s, scratch);
	for (size_t i = 0; i < entry->expects.n && !s->failed; i++) {
		const struct rop_expect *e = &entry->expects.at[i];
		judge_role(s, e, &image, entry->wall_ms);
		judge_copies(s, e, &image, entry->wall_ms);
		judge_disturbed(s, e, &image, entry->wall_ms);
		if (e->kind == ROP_STEP_FAILOVER && image.wish.drain && !s->failed)
			sim_lived(s, LIVED_DRAIN_HANDED);
	}
}

/* ---- what waits for the budget ------------------------------------------------------------------------------------
 */

/* A replica that the file sends to another shard is one that its own is to keep. */
bool drain_is_kept(const struct sim *s, const char *text)
{
	const struct rop_observed *t = s->world->truth;
	if (!strstr(text, "spec.disruption.keepCopies"))
		return false;
	for (size_t i = 0; i < leave_staying(s); i++) {
		int primary = t->nodes[i].role == ROP_ROLE_REPLICA ? t->nodes[i].primary : -1, left = 0;
		for (size_t k = 0; primary >= 0 && k < leave_staying(s); k++)
			left += k != i && s->world->servers[k].up && t->nodes[k].role == ROP_ROLE_REPLICA &&
				t->nodes[k].primary == primary;
		if (primary >= 0 && left < s->topology->disruption.keep_copies)
			return true;
	}
	return false;
}

bool drain_follow_advice(struct sim *s, const char *text)
{
	if (!strstr(text, "keepCopies: 0") || !s->topology->disruption.keep_copies)
		return false;
	s->topology->disruption.keep_copies = 0;
	trace(s, "person", "lets shards be without a replica for a while, as told");
	sim_lived(s, LIVED_KEPT);
	return true;
}
