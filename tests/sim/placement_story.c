/* placement_story.c - shards that are led from too few hosts, as after fail-overs: in a third of the seeds the file
 * says that they are to be handed over unasked, in the others that is only proposed. And what must not come of it:
 * nothing is handed over that makes it no better, or while anything else goes on; and it comes to an end.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "rop/leaving.h"
#include "sim.h"

void placement_declare(struct sim *s)
{
	s->topology->repair_placement = world_luck(s->world, 'P', 0, 0) % 3 == 0;
}

static struct rop_image load(struct sim *s, struct rop_arena *arena)
{
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	if (!rop_store_load(s->store, arena, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	return image;
}

/* Shards that are led from that node's host. */
static int led_there(const struct sim *s, const struct rop_observed *seen, size_t node)
{
	const struct rop_declared_node *nodes = s->topology->nodes.at;
	int n = 0;
	for (size_t i = 0; i < leave_staying(s); i++)
		n += !rop_slots_empty(&seen->nodes[i].slots) && strcmp(nodes[i].host, nodes[node].host) == 0;
	return n;
}

/* ---- on the way ------------------------------------------------------------------------------------------------- */

static void judge_unasked(struct sim *s, const struct rop_expect *e)
{
	const struct rop_observed *seen = s->judge.seen;
	int heir = rop_observed_find(seen, e->node), primary = rop_observed_find(seen, e->peer);
	if (heir < 0 || primary < 0)
		return; /* judge_handover_step tells that */
	if (!s->topology->repair_placement)
		sim_fail(s, "%s is to take over for a better placement, and the file does not want that unasked",
			 e->address);
	for (size_t i = 0; i < leave_staying(s); i++)
		if (!rop_answers(seen, i))
			sim_fail(s, "%s is to take over for a better placement, while %s does not answer", e->address,
				 seen->nodes[i].address);
	if (led_there(s, seen, (size_t)heir) >= led_there(s, seen, (size_t)primary))
		sim_fail(s,
			 "%s is to take over for a better placement, and as many shards are led from its host as "
			 "from %s",
			 e->address, seen->nodes[primary].address);
	s->handed_unasked += !sim_trouble(s);
	if (s->handed_unasked > 2 * s->topology->shards)
		sim_fail(s, "%d shards were handed over for a better placement, and nothing goes wrong any more",
			 s->handed_unasked);
	sim_lived(s, LIVED_PLACED);
}

void judge_placement_entry(struct sim *s, const struct rop_entry *entry)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	bool hands_over = false;
	for (size_t i = 0; i < entry->expects.n; i++)
		hands_over |= entry->expects.at[i].kind == ROP_STEP_FAILOVER;
	if (!hands_over)
		return;
	const struct rop_image image = load(s, scratch);
	for (size_t i = 0; i < entry->expects.n && image.wish.id && rop_wish_is_repair(&image.wish); i++)
		if (entry->expects.at[i].kind == ROP_STEP_FAILOVER && !s->failed)
			judge_unasked(s, &entry->expects.at[i]);
}

/* ---- at the end -------------------------------------------------------------------------------------------------- */

static bool could_lead(const struct sim *s, const struct rop_observed *t, size_t replica)
{
	const struct rop_declared_node *nodes = s->topology->nodes.at;
	const struct rop_node *node = &t->nodes[replica];
	const char *set = rop_observed_value(t, replica, "cluster-replica-no-failover");
	size_t primary = node->role == ROP_ROLE_REPLICA && node->primary >= 0 ? (size_t)node->primary : replica;
	if (primary == replica || rop_slots_empty(&t->nodes[primary].slots) || (set && strcasecmp(set, "yes") == 0))
		return false;
	return nodes[replica].shard == nodes[primary].shard && led_there(s, t, primary) > led_there(s, t, replica) + 1;
}

/* What the operator may have let be: it failed just now, or who left may come back. */
static bool may_rest(struct sim *s, const struct rop_image *image, bool *ret_proposed)
{
	const struct rop_topology *topology = rop_topology_leaving(s->arena, s->topology, image);
	struct rop_observed *seen = look_at_truth(s->world, topology);
	struct rop_clock clock = world_clock(s->world);
	const struct rop_situation *now = rop_situation_make(
		&(struct rop_situation){ .arena = seen->arena,
					 .topology = topology,
					 .seen = rop_observed_with_ghosts(seen->arena, seen, image),
					 .image = image,
					 .wall_ms = clock.wall_ms,
					 .boot_ms = clock.boot_ms,
					 .looks_once = true });
	bool watched = now->leavers_watched, failed = image->last_wish.id && rop_wish_is_repair(&image->last_wish) &&
						      image->last_wish.status != ROP_WISH_MET;
	*ret_proposed = now->misplaced.n > 0;
	rop_arena_free(seen->arena);
	return watched || failed;
}

void judge_placement_end(struct sim *s, bool worse)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	const struct rop_observed *t = s->world->truth;
	const struct rop_image image = load(s, scratch);
	bool proposed;
	if (s->failed || image.wish.id)
		return;
	s->placement_rests = may_rest(s, &image, &proposed) && s->topology->repair_placement;
	if (s->mixed || s->placement_rests || !worse)
		return;
	if (proposed && !s->topology->repair_placement)
		sim_lived(s, LIVED_PROPOSED);
	for (size_t i = 0; i < leave_staying(s) && s->topology->repair_placement && !s->failed; i++)
		if (could_lead(s, t, i))
			sim_fail(s,
				 "it is said to be as declared, %d shards are led from one host, %d from another, "
				 "and %s there could lead one of them",
				 led_there(s, t, (size_t)t->nodes[i].primary), led_there(s, t, i), t->nodes[i].address);
}
