/* fresh.c - whatever was declared one after the other, and whatever went wrong on the way: it ends as a fresh formation
 * of what was declared last would, but for the data. What that is the shipped plan says, made over blank nodes.
 *
 * Compared is what a person declares: who is a member, how many shards and how many replicas each, how many slots, who
 * shares a host or a zone. Who leads which slots is history's.
 */
#include <stdlib.h>
#include <string.h>

#include "rop/leaving.h"
#include "sim.h"

struct shape {
	size_t members, apart; /* pairs of members that do not list each other */
	int shards;
	int slots[ROP_NODES_MAX], replicas[ROP_NODES_MAX]; /* of the shards, each sorted by itself */
	size_t one_host, one_zone;                         /* pairs of one shard */
	size_t led_together;                               /* pairs of leaders on one host */
};

static int by_size(const void *a, const void *b)
{
	const int *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static int shard_of(const struct rop_observed *seen, size_t i)
{
	return seen->nodes[i].role == ROP_ROLE_REPLICA ? seen->nodes[i].primary : (int)i;
}

static void count_neighbours(const struct rop_topology *topology, const struct rop_observed *seen, struct shape *shape)
{
	for (size_t a = 0; a < topology->nodes.n; a++)
		for (size_t b = 0; b < a; b++) {
			const struct rop_declared_node *x = &topology->nodes.at[a], *y = &topology->nodes.at[b];
			shape->led_together += !rop_slots_empty(&seen->nodes[a].slots) &&
					       !rop_slots_empty(&seen->nodes[b].slots) && strcmp(x->host, y->host) == 0;
			if (shard_of(seen, a) != shard_of(seen, b))
				continue;
			shape->one_host += strcmp(x->host, y->host) == 0;
			shape->one_zone += x->zone && y->zone && strcmp(x->zone, y->zone) == 0;
		}
}

static struct shape shape_of(const struct rop_topology *topology, const struct rop_observed *seen)
{
	struct shape shape = { 0 };
	for (size_t i = 0; i < topology->nodes.n; i++) {
		int slots = rop_slots_count(&seen->nodes[i].slots), replicas = 0;
		bool member = false;
		for (size_t k = 0; k < topology->nodes.n; k++) {
			replicas += seen->nodes[k].role == ROP_ROLE_REPLICA && seen->nodes[k].primary == (int)i;
			member |= k != i && rop_bit(seen, seen->known, k, i);
			shape.apart += !rop_bit(seen, seen->known, k, i);
		}
		shape.members += member || topology->nodes.n == 1;
		if (!slots)
			continue;
		shape.slots[shape.shards] = slots;
		shape.replicas[shape.shards++] = replicas;
	}
	qsort(shape.slots, (size_t)shape.shards, sizeof(int), by_size);
	qsort(shape.replicas, (size_t)shape.shards, sizeof(int), by_size);
	count_neighbours(topology, seen, &shape);
	return shape;
}

/* A leader that is pinned to another shard stays where it leads until a person hands its shard over. */
static bool is_any_led_elsewhere(const struct sim *s)
{
	const struct rop_observed *t = s->world->truth;
	for (size_t a = 0; a < s->topology->nodes.n; a++)
		for (size_t b = 0; b < a; b++)
			if (s->topology->nodes.at[a].shard &&
			    s->topology->nodes.at[a].shard == s->topology->nodes.at[b].shard &&
			    t->nodes[a].role != ROP_ROLE_REPLICA && t->nodes[b].role != ROP_ROLE_REPLICA)
				return true;
	return false;
}

/* The declared nodes, as they were before anybody spoke to them. */
static struct rop_observed *blank(const struct sim *s, struct rop_arena *arena)
{
	const struct rop_observed *t = s->world->truth;
	struct rop_observed *seen = rop_observed_new(arena, s->topology->nodes.n, t->setting_names, t->n_settings);
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *like = &t->nodes[i];
		struct rop_node *node = &seen->nodes[i];
		node->address = like->address;
		node->ip = like->ip;
		node->port = like->port;
		node->bus_port = like->bus_port;
		memcpy(node->id, like->id, sizeof node->id);
		node->reach = ROP_REACH_OK;
		node->role = ROP_ROLE_PRIMARY;
		node->primary = -1;
		node->keys = 0;
		node->functions = 0;
		node->version = like->version;
		node->own_version = like->own_version;
		node->flavour = like->flavour;
		for (size_t at = 0; at < t->n_settings; at++)
			node->settings[at] = s->world->servers[i].keeps[at];
		rop_bit_set(seen, seen->known, i, i);
		rop_bit_set(seen, seen->linked, i, i);
		rop_bit_set(seen, seen->agrees, i, i);
	}
	return seen;
}

static bool form(struct sim *s, struct rop_arena *arena, struct shape *ret_shape)
{
	struct rop_image nothing = { 0 };
	struct rop_topology topology = *s->topology;
	topology.settle_ms = 0; /* a prediction waits for nothing */
	struct rop_reconcile_options options = {
		.machine = s->machine, .topology = &topology, .image = &nothing, .boot_id = "boot-0", .pid = 1
	};
	struct rop_plan plan;
	rop_plan_make(arena, &options, blank(s, arena), (struct rop_clock){ .boot_ms = 1, .wall_ms = 1 }, &plan);
	if (plan.result.reached)
		*ret_shape = shape_of(s->topology, plan.end);
	else
		sim_fail(s, "a fresh cluster of what is declared would not be formed (code %d): %s", plan.result.code,
			 plan.transitions.n ? plan.transitions.at[plan.transitions.n - 1].why : plan.result.text);
	return plan.result.reached;
}

void fresh_judge(struct sim *s)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct shape fresh = { 0 }, found = shape_of(s->topology, s->world->truth);
	if (s->failed || s->unknown_setting || !form(s, arena, &fresh))
		return;
	if (found.members != fresh.members || found.apart != fresh.apart)
		sim_fail(s, "%zu of the declared nodes are members, %zu pairs are apart; formed afresh %zu and %zu",
			 found.members, found.apart, fresh.members, fresh.apart);
	if (found.shards != fresh.shards)
		sim_fail(s, "it ends with %d shards, and formed afresh it would have %d", found.shards, fresh.shards);
	bool replicas = !is_any_led_elsewhere(s);
	for (int k = 0; k < fresh.shards && !s->failed; k++) {
		if (replicas && found.replicas[k] < fresh.replicas[k] &&
		    found.replicas[k] < s->topology->replicas_per_shard)
			sim_fail(s, "a shard ends with %d replicas, and formed afresh it would have %d",
				 found.replicas[k], fresh.replicas[k]);
		if (judge_moves_shares_known(s) && weights_off(found.slots[k], fresh.slots[k]))
			sim_fail(s, "a shard ends with %d slots, and formed afresh it would have %d", found.slots[k],
				 fresh.slots[k]);
	}
	/* What stands where it does is not moved for a better place, which would cost a copy for a while: it is warned
	 * of. Who placed them all may be asked for the best. */
	bool placed_all = s->calm && (s->start == START_FRESH || s->start == START_OURS);
	if (placed_all && (found.one_host > fresh.one_host || found.one_zone > fresh.one_zone))
		sim_fail(s, "%zu pairs share a host, %zu a zone; formed afresh it would be %zu and %zu", found.one_host,
			 found.one_zone, fresh.one_host, fresh.one_zone);
	judge_placement_end(s, found.led_together > fresh.led_together);
	sim_lived(s, LIVED_AFRESH);
}
