/* test_policy_layout.c - who should be what: shares of slots, primaries, and replicas apart from each other. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../../src/policy/placement.h"
#include "world.h"

TestSuite(policy_layout, .init = world_setup, .fini = world_teardown);

/* ---- shares ------------------------------------------------------------------------------------------------- */

/* clusterManagerCommandCreate of redis-cli.c, in its own floats. */
static void redis_cli_shares(int shards, int (*ret)[2])
{
	float slots_per_node = (float)ROP_SLOTS / (float)shards, cursor = 0;
	long first = 0;
	for (int k = 0; k < shards; k++) {
		long last = lroundf(cursor + slots_per_node - 1);
		if (k == shards - 1)
			last = ROP_SLOTS - 1;
		ret[k][0] = (int)first;
		ret[k][1] = (int)last;
		first = last + 1;
		cursor += slots_per_node;
	}
}

static void run_of(const struct rop_slots *slots, int *ret_first, int *ret_last)
{
	int more_first, more_last;
	cr_assert(rop_slots_run(slots, 0, ret_first, ret_last), "a share is empty");
	cr_assert_not(rop_slots_run(slots, *ret_last + 1, &more_first, &more_last), "a share has a gap");
}

Test(policy_layout, three_shards_get_5461_5462_and_5461_slots)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_layout layout = layout_of(topology, fresh_world(topology));
	static const int SIZES[] = { 5461, 5462, 5461 };
	cr_assert_eq(layout.n, 3);
	for (int k = 0; k < 3; k++)
		cr_assert_eq(rop_slots_count(&layout.shards[k].add), SIZES[k]);
	cr_assert_str_eq(rop_slots_text(pool, &layout.shards[1].add), "5461-10922");
}

Test(policy_layout, a_fresh_cluster_is_shared_out_evenly_and_as_redis_cli_rounds)
{
	for (int shards = 1; shards <= 500; shards += shards < 130 ? 1 : 37) {
		struct rop_topology *topology = topology_of(shards, 0, (size_t)shards);
		struct rop_layout layout = layout_of(topology, fresh_world(topology));
		int theirs[500][2], first, last, next = 0;
		redis_cli_shares(shards, theirs);
		cr_assert_eq((int)layout.n, shards);
		for (int k = 0; k < shards; k++) {
			run_of(&layout.shards[k].add, &first, &last);
			cr_assert_eq(first, next, "%d shards: a gap or an overlap before shard %d", shards, k + 1);
			cr_assert(first == theirs[k][0] && last == theirs[k][1],
				  "%d shards, shard %d: %d-%d, redis-cli says %d-%d", shards, k + 1, first, last,
				  theirs[k][0], theirs[k][1]);
			int size = last - first + 1, least = ROP_SLOTS / shards;
			cr_assert(size == least || size == least + 1, "%d shards, shard %d: %d slots", shards, k + 1,
				  size);
			cr_assert_eq(layout.shards[k].number, k + 1);
			next = last + 1;
		}
		cr_assert_eq(next, ROP_SLOTS);
	}
}

Test(policy_layout, the_first_nodes_of_the_file_become_the_primaries)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_layout layout = layout_of(topology, fresh_world(topology));
	for (int k = 0; k < 3; k++)
		cr_assert_eq(layout.shards[k].primary, k);
	for (size_t i = 0; i < 6; i++) {
		cr_assert_eq(layout.primary_of[i], i < 3 ? ROP_LEADS : (int)i - 3);
		cr_assert_eq(layout.shard_of[i], (int)i % 3);
	}
	cr_assert_eq(layout.warnings.n, 0);
}

Test(policy_layout, shard_labels_say_who_serves_where)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	static const int LABELS[] = { 3, 3, 1, 2, 0, 0 };
	for (size_t i = 0; i < 6; i++)
		topology->nodes.at[i].shard = LABELS[i];
	struct rop_layout layout = layout_of(topology, fresh_world(topology));
	static const int PRIMARIES[] = { 2, 3, 0 }, OF[] = { -1, 0, -1, -1, 2, 3 };
	for (int k = 0; k < 3; k++)
		cr_assert_eq(layout.shards[k].primary, PRIMARIES[k]);
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(layout.primary_of[i], OF[i], "node %zu", i);
}

/* Nobody owns the first two shares, and their own numbers are the labels of those who own the others. */
Test(policy_layout, shares_whose_numbers_are_taken_get_those_that_are_left)
{
	struct rop_topology *topology = topology_of(4, 0, 4);
	topology->nodes.at[0].shard = 1;
	topology->nodes.at[1].shard = 2;
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	give_slots(world, 0, 8192, 12287);
	give_slots(world, 1, 12288, 16383);
	struct rop_layout layout = layout_of(topology, world);
	static const int NUMBERS[] = { 3, 4, 1, 2 };
	for (int k = 0; k < 4; k++)
		cr_assert_eq(layout.shards[k].number, NUMBERS[k], "share %d is number %d", k, layout.shards[k].number);
}

/* A shard changed hands, and one of its replicas still follows who led it; a node of the next one was made anew. */
Test(policy_layout, who_follows_a_former_primary_stays_in_its_shard)
{
	for (size_t former = 0; former < 3; former++) {
		struct rop_topology *topology = topology_of(3, 2, 9);
		struct rop_observed *world = formed_world(topology);
		size_t next = (former + 1) % 3, anew = next + 3;
		struct rop_node *was = &world->nodes[former], *leads = &world->nodes[former + 3];
		cr_assert(leads->primary == (int)former && world->nodes[former + 6].primary == (int)former);
		leads->role = ROP_ROLE_PRIMARY;
		leads->primary = -1;
		leads->primary_id[0] = '\0';
		leads->slots = was->slots;
		memset(&was->slots, 0, sizeof was->slots);
		make_replica(world, former, former + 3);
		world->nodes[former + 6].primary = (int)former;
		memcpy(world->nodes[former + 6].primary_id, node_id(former), ROP_ID_SIZE);
		world->nodes[anew].role = ROP_ROLE_PRIMARY;
		world->nodes[anew].primary = -1;
		world->nodes[anew].primary_id[0] = '\0';
		struct rop_layout layout = layout_of(topology, world);
		cr_assert_eq(layout.primary_of[former], (int)former + 3);
		cr_assert_eq(layout.primary_of[former + 6], (int)former + 3, "%zu", former);
		cr_assert_eq(layout.primary_of[anew], (int)next, "%zu", former);
	}
}

/* Whoever got only the first few of a share, because a run was killed, is given the others of it. */
Test(policy_layout, who_owns_the_edge_of_a_share_gets_that_one)
{
	static const struct {
		int first, last, share;
	} OWNED[] = { { 0, 0, 0 }, { 4095, 4095, 0 }, { 4096, 4097, 1 }, { 8190, 8191, 1 }, { 12288, 12288, 3 } };
	struct rop_topology *topology = topology_of(4, 0, 4);
	for (size_t i = 0; i < sizeof OWNED / sizeof *OWNED; i++) {
		struct rop_observed *world = fresh_world(topology);
		meet_all(world);
		give_slots(world, 2, OWNED[i].first, OWNED[i].last);
		cr_assert_eq(layout_of(topology, world).shard_of[2], OWNED[i].share, "%d-%d", OWNED[i].first,
			     OWNED[i].last);
	}
}

/* Whoever was placed before it was found that there are more stays where it is. */
Test(policy_layout, nodes_that_are_too_many_move_nobody)
{
	for (size_t surplus = 1; surplus <= 4; surplus++) {
		struct rop_topology *exact = topology_of(3, 1, 6), *more = topology_of(3, 1, 6 + surplus);
		struct rop_layout before = layout_of(exact, fresh_world(exact));
		struct rop_layout after = layout_of(more, fresh_world(more));
		for (size_t i = 0; i < 6; i++)
			cr_assert_eq(after.shard_of[i], before.shard_of[i],
				     "with %zu more, node %zu goes to shard %d, not %d", surplus, i, after.shard_of[i],
				     before.shard_of[i]);
		for (size_t i = 6; i < 6 + surplus; i++)
			cr_assert_eq(after.shard_of[i], (int)i % 3, "node %zu goes to shard %d", i, after.shard_of[i]);
	}
}

/* ---- what holds of every layout ------------------------------------------------------------------------------ */

/* Hosts and zones, taken from the topology without the help of the code under test. */
static bool apart(const struct rop_topology *topology, size_t a, size_t b)
{
	const struct rop_declared_node *x = &topology->nodes.at[a], *y = &topology->nodes.at[b];
	return strcmp(x->ip, y->ip) != 0 && !(x->zone && y->zone && strcmp(x->zone, y->zone) == 0);
}

static size_t pairs_together(const struct rop_topology *topology, const struct rop_layout *layout)
{
	size_t n = 0;
	for (size_t a = 0; a < topology->nodes.n; a++)
		for (size_t b = 0; b < a; b++)
			n += layout->shard_of[a] >= 0 && layout->shard_of[a] == layout->shard_of[b] &&
			     !apart(topology, a, b);
	return n;
}

static void expect_consistent(uint64_t seed, const struct rop_topology *topology, const struct rop_observed *seen,
			      const struct rop_layout *layout)
{
	struct rop_slots owned = { 0 }, added = { 0 };
	bool everybody = true;
	for (size_t i = 0; i < seen->n; i++)
		rop_slots_join(&owned, &seen->nodes[i].slots);
	for (size_t k = 0; k < layout->n; k++) {
		const struct rop_shard *shard = &layout->shards[k];
		cr_assert_not(rop_slots_meet(&shard->add, &owned),
			      "seed %" PRIu64 ": shard %zu is given a slot that somebody owns", seed, k);
		cr_assert_not(rop_slots_meet(&shard->add, &added),
			      "seed %" PRIu64 ": shard %zu is given another's slot", seed, k);
		rop_slots_join(&added, &shard->add);
		everybody &= shard->primary >= 0;
		if (shard->primary >= 0) {
			cr_assert_eq(layout->primary_of[shard->primary], ROP_LEADS, "seed %" PRIu64, seed);
			cr_assert_eq(layout->shard_of[shard->primary], (int)k, "seed %" PRIu64, seed);
		}
	}
	cr_assert_eq(rop_slots_count(&owned) + rop_slots_count(&added), ROP_SLOTS,
		     "seed %" PRIu64 ": slots without a shard", seed);
	for (size_t i = 0; i < seen->n; i++) {
		int shard = layout->shard_of[i], primary = layout->primary_of[i];
		cr_assert(primary == -2 ||
				  (shard >= 0 && layout->shards[shard].primary == (primary == -1 ? (int)i : primary)),
			  "seed %" PRIu64 ": node %zu serves shard %d and follows %d", seed, i, shard, primary);
		if (everybody && seen->nodes[i].reach == ROP_REACH_OK)
			cr_assert_neq(primary, -2, "seed %" PRIu64 ": node %zu is left over", seed, i);
	}
	cr_assert_eq(layout->warnings.n > 0, pairs_together(topology, layout) > 0,
		     "seed %" PRIu64 ": %zu pairs together, %zu warnings", seed, pairs_together(topology, layout),
		     layout->warnings.n);
}

static void expect_same_layout(uint64_t seed, const struct rop_layout *a, const struct rop_layout *b, size_t n)
{
	cr_assert_eq(a->n, b->n, "seed %" PRIu64, seed);
	for (size_t k = 0; k < a->n; k++) {
		cr_assert_eq(a->shards[k].primary, b->shards[k].primary,
			     "seed %" PRIu64 ": primary of shard %zu is %d, was %d", seed, k, a->shards[k].primary,
			     b->shards[k].primary);
		cr_assert_arr_eq(&a->shards[k].add, &b->shards[k].add, sizeof(struct rop_slots));
	}
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(a->primary_of[i], b->primary_of[i], "seed %" PRIu64 ": node %zu follows %d, followed %d",
			     seed, i, a->primary_of[i], b->primary_of[i]);
}

static void expect_replicas(uint64_t seed, const struct rop_topology *topology, const struct rop_layout *layout)
{
	for (size_t k = 0; k < layout->n; k++) {
		int replicas = 0;
		for (size_t i = 0; i < topology->nodes.n; i++)
			replicas += layout->shard_of[i] == (int)k && layout->primary_of[i] >= 0;
		cr_assert_geq(replicas, topology->replicas_per_shard, "seed %" PRIu64 ": shard %zu has %d replicas",
			      seed, k + 1, replicas);
	}
}

static void expect_rest(uint64_t seed, const struct rop_topology *topology, const struct rop_observed *seen)
{
	struct rop_layout layout = layout_of(topology, seen);
	for (size_t k = 0; k < layout.n; k++)
		cr_assert_eq(rop_slots_count(&layout.shards[k].add), 0, "seed %" PRIu64 ": shard %zu still wants slots",
			     seed, k);
	for (size_t i = 0; i < seen->n; i++)
		cr_assert_eq(layout.primary_of[i], seen->nodes[i].primary,
			     "seed %" PRIu64 ": node %zu follows %d and should follow %d", seed, i,
			     seen->nodes[i].primary, layout.primary_of[i]);
}

static void carry_out(struct rop_observed *world, const struct rop_layout *layout)
{
	for (size_t k = 0; k < layout->n; k++)
		rop_slots_join(&world->nodes[layout->shards[k].primary].slots, &layout->shards[k].add);
	for (size_t i = 0; i < world->n; i++) {
		if (layout->primary_of[i] < 0)
			continue;
		world->nodes[i].role = ROP_ROLE_REPLICA;
		world->nodes[i].primary = layout->primary_of[i];
		memcpy(world->nodes[i].primary_id, world->nodes[layout->primary_of[i]].id, ROP_ID_SIZE);
	}
	rop_settle(world);
}

static struct rop_observed *introduced_world(const struct rop_topology *topology)
{
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	return world;
}

static struct chances chances_for(uint64_t seed, int max_shards)
{
	return (struct chances){ .max_shards = max_shards,
				 .max_replicas = 3,
				 .extra = seed % 3 ? 0 : 4,
				 .zones = seed / 3 % PLACINGS_N,
				 .hosts = seed / 9 % 2,
				 .labels = seed / 18 % 4 == 3 };
}

Test(policy_layout, of_any_fresh_cluster_is_complete_deterministic_and_at_rest_once_carried_out)
{
	EACH_SEED(seed, 90)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random, chances_for(seed, 60));
		struct rop_observed *world = introduced_world(topology);
		struct rop_layout layout = layout_of(topology, world), again = layout_of(topology, world);
		expect_consistent(seed, topology, world, &layout);
		expect_same_layout(seed, &again, &layout, world->n);
		if (!chances_for(seed, 60).labels)
			expect_replicas(seed, topology, &layout);
		carry_out(world, &layout);
		expect_rest(seed, topology, world);
	}
}

/* ---- apart where that can be done ---------------------------------------------------------------------------- */

struct puzzle {
	const struct rop_topology *topology;
	const int *fixed; /* [node]: shard, or -1: may be anywhere */
	int shard[16], members[16];
};

/* Is there any assignment of all nodes in which no two of a shard are together, and no shard has too few? */
static bool solvable(struct puzzle *p, size_t node)
{
	size_t n = p->topology->nodes.n;
	int shards = p->topology->shards, used = 0;
	if (node == n) {
		for (int k = 0; k < shards; k++)
			if (p->members[k] < 1 + p->topology->replicas_per_shard)
				return false;
		return true;
	}
	for (size_t i = 0; i < node; i++)
		if (p->shard[i] >= used)
			used = p->shard[i] + 1;
	bool symmetric = true; /* empty shards are alike only when nobody is bound to one */
	for (size_t i = 0; i < n; i++)
		symmetric &= p->fixed[i] < 0;
	for (int k = 0; k < shards && !(symmetric && k > used); k++) {
		bool fits = p->fixed[node] < 0 || p->fixed[node] == k;
		for (size_t i = 0; i < node && fits; i++)
			fits = p->shard[i] != k || apart(p->topology, i, node);
		if (!fits)
			continue;
		p->shard[node] = k;
		p->members[k]++;
		if (solvable(p, node + 1))
			return true;
		p->members[k]--;
	}
	return false;
}

static bool can_be_apart(const struct rop_topology *topology, const int *fixed)
{
	struct puzzle puzzle = { .topology = topology, .fixed = fixed };
	return solvable(&puzzle, 0);
}

Test(policy_layout, nodes_of_a_shard_are_apart_wherever_some_assignment_keeps_them_apart)
{
	size_t possible = 0, impossible = 0;
	EACH_SEED(seed, 3000)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random, (struct chances){ .max_shards = 4,
											   .max_replicas = 2,
											   .extra = seed % 4 ? 0 : 2,
											   .zones = seed % PLACINGS_N,
											   .hosts = seed / 3 % 2 });
		static const int ANYWHERE[16] = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };
		if (topology->nodes.n <= 9) {
			bool can = can_be_apart(topology, ANYWHERE);
			struct rop_layout layout = layout_of(topology, introduced_world(topology));
			size_t together = pairs_together(topology, &layout);
			cr_assert_eq(together == 0, can,
				     "seed %" PRIu64 ": %d shards of 1 + %d, %zu nodes: %zu pairs together", seed,
				     topology->shards, topology->replicas_per_shard, topology->nodes.n, together);
			cr_assert_eq(layout.warnings.n > 0, !can, "seed %" PRIu64, seed);
			expect_replicas(seed, topology, &layout);
			++*(can ? &possible : &impossible);
		}
	}
	cr_assert_gt(possible, 400, "only %zu could be solved", possible);
	cr_assert_gt(impossible, 150, "only %zu could not", impossible);
}

Test(policy_layout, with_primaries_given_replicas_are_apart_wherever_they_can_be)
{
	size_t possible = 0, impossible = 0;
	EACH_SEED(seed, 3000)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random, (struct chances){ .max_shards = 4,
											   .max_replicas = 2,
											   .zones = seed % PLACINGS_N,
											   .hosts = seed / 3 % 2 });
		if (topology->nodes.n <= 9) {
			struct rop_observed *world = introduced_world(topology);
			int fixed[16];
			for (size_t i = 0; i < topology->nodes.n; i++)
				fixed[i] = i < (size_t)topology->shards ? (int)i : -1;
			for (int k = 0; k < topology->shards; k++)
				give_slots(world, (size_t)k, k * ROP_SLOTS / topology->shards,
					   (k + 1) * ROP_SLOTS / topology->shards - 1);
			bool can = can_be_apart(topology, fixed);
			struct rop_layout layout = layout_of(topology, world);
			cr_assert_eq(pairs_together(topology, &layout) == 0, can,
				     "seed %" PRIu64 ": %d shards of 1 + %d: %zu pairs together", seed,
				     topology->shards, topology->replicas_per_shard, pairs_together(topology, &layout));
			expect_replicas(seed, topology, &layout);
			++*(can ? &possible : &impossible);
		}
	}
	cr_assert_gt(possible, 250, "only %zu could be solved", possible);
	cr_assert_gt(impossible, 150, "only %zu could not", impossible);
}

/* ---- step by step -------------------------------------------------------------------------------------------- */

struct act {
	size_t node;
	int primary, first, last;
};
struct acts {
	ROP_LIST(struct act) list;
};

static struct acts acts_of(const struct rop_layout *layout, size_t n, bool slots)
{
	struct acts acts = { 0 };
	for (size_t k = 0; slots && k < layout->n; k++) {
		const struct rop_shard *shard = &layout->shards[k];
		for (int from = 0, first, last; rop_slots_run(&shard->add, from, &first, &last); from = last + 1)
			*rop_push(pool, &acts.list) = (struct act){ (size_t)shard->primary, -1, first, last };
	}
	for (size_t i = 0; !slots && i < n; i++)
		if (layout->primary_of[i] >= 0)
			*rop_push(pool, &acts.list) = (struct act){ i, layout->primary_of[i], -1, -1 };
	return acts;
}

static void do_in_any_order(uint64_t seed, uint64_t *random, const struct rop_topology *topology,
			    struct rop_observed *world, struct acts acts, const struct rop_layout *wanted)
{
	while (acts.list.n) {
		size_t at = random_below(random, acts.list.n);
		struct act act = acts.list.at[at];
		acts.list.at[at] = acts.list.at[--acts.list.n];
		if (act.primary >= 0)
			make_replica(world, act.node, (size_t)act.primary);
		else
			give_slots(world, act.node, act.first, act.last);
		struct rop_layout layout = layout_of(topology, world);
		for (size_t i = 0; i < world->n; i++)
			cr_assert_eq(layout.primary_of[i], wanted->primary_of[i],
				     "seed %" PRIu64 ": after a step, node %zu should follow %d, was %d", seed, i,
				     layout.primary_of[i], wanted->primary_of[i]);
		expect_consistent(seed, topology, world, &layout);
	}
}

Test(policy_layout, stays_as_it_was_while_its_steps_are_taken_one_by_one)
{
	EACH_SEED(seed, 150)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random, chances_for(seed, 8));
		struct rop_observed *world = introduced_world(topology);
		struct rop_layout layout = layout_of(topology, world);
		do_in_any_order(seed, &random, topology, world, acts_of(&layout, world->n, true), &layout);
		do_in_any_order(seed, &random, topology, world, acts_of(&layout, world->n, false), &layout);
		expect_rest(seed, topology, world);
	}
}

/* ---- found half done, or in any state -------------------------------------------------------------------------- */

Test(policy_layout, an_interrupted_create_is_completed_with_the_same_shares)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = introduced_world(topology);
	give_slots(world, 4, 10923, 16383);
	give_slots(world, 2, 0, 5460);
	struct rop_layout layout = layout_of(topology, world);
	cr_assert_eq(layout.shards[0].primary, 2);
	cr_assert_eq(layout.shards[2].primary, 4);
	cr_assert_eq(layout.shards[1].primary, 0, "the first in the file that is free");
	cr_assert_str_eq(rop_slots_text(pool, &layout.shards[1].add), "5461-10922");
	cr_assert_eq(rop_slots_count(&layout.shards[0].add) + rop_slots_count(&layout.shards[2].add), 0);
}

static struct rop_observed *world_in_any_state(uint64_t *random, const struct rop_topology *topology)
{
	struct rop_observed *world = introduced_world(topology);
	size_t n = world->n;
	for (int from = 0; from < ROP_SLOTS;) {
		int last = from + (int)random_below(random, ROP_SLOTS / 3);
		size_t owner = random_below(random, (size_t)topology->shards);
		if (random_below(random, 3))
			rop_slots_add(&world->nodes[owner].slots, from, last < ROP_SLOTS ? last : ROP_SLOTS - 1);
		from = last + 1;
	}
	for (size_t i = (size_t)topology->shards; i < n; i++)
		if (random_below(random, 2))
			make_replica(world, i, random_below(random, (size_t)topology->shards));
	rop_settle(world);
	return world;
}

Test(policy_layout, of_a_world_in_any_state_takes_nothing_from_anybody_and_comes_to_rest)
{
	EACH_SEED(seed, 300)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random, chances_for(seed, 12));
		struct rop_observed *world = world_in_any_state(&random, topology);
		for (size_t i = 0; seed % 3 == 0 && i < world->n; i++)
			if (!random_below(&random, 6))
				go_silent(world, i);
		struct rop_layout layout = layout_of(topology, world), again = layout_of(topology, world);
		expect_consistent(seed, topology, world, &layout);
		expect_same_layout(seed, &again, &layout, world->n);
		for (size_t i = 0; i < world->n; i++)
			if (rop_slots_first(&world->nodes[i].slots) < ROP_SLOTS)
				cr_assert_eq(layout.primary_of[i], ROP_LEADS,
					     "seed %" PRIu64 ": the owner %zu is to follow %d", seed, i,
					     layout.primary_of[i]);
		if (seed % 3 && !chances_for(seed, 12).labels) {
			expect_replicas(seed, topology, &layout);
			carry_out(world, &layout);
			expect_rest(seed, topology, world);
		}
	}
}

Test(policy_layout, a_shard_without_replicas_takes_one_from_a_shard_with_more_and_rather_from_another_zone)
{
	struct rop_topology *topology = topology_of(2, 1, 4);
	static const char *const ZONES[] = { "a", "b", "c", "b" };
	for (size_t i = 0; i < 4; i++)
		put_in_zone(topology, i, ZONES[i]);
	struct rop_observed *world = introduced_world(topology);
	give_slots(world, 0, 0, 8191);
	give_slots(world, 1, 8192, 16383);
	make_replica(world, 2, 0);
	make_replica(world, 3, 0);
	struct rop_layout layout = layout_of(topology, world);
	cr_assert_eq(layout.primary_of[2], 1, "node 3 would share zone b with its primary");
	cr_assert_eq(layout.primary_of[3], 0);
	cr_assert_eq(layout.warnings.n, 0);
	topology->nodes.at[2].shard = 1;
	layout = layout_of(topology, world);
	cr_assert_eq(layout.primary_of[2], 0, "its label keeps it");
	cr_assert_eq(layout.primary_of[3], 1);
	cr_assert_str_eq(layout.warnings.at[0].text, "10.0.0.4:6379 shares zone b with 10.0.0.2:6379, the primary of "
						     "its shard");
	go_silent(world, 3);
	layout = layout_of(topology, world);
	cr_assert_eq(layout.primary_of[3], 0, "nobody moves a node that does not answer");
}

Test(policy_layout, replicas_stay_where_they_are)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = introduced_world(topology);
	for (int k = 0; k < 3; k++)
		give_slots(world, (size_t)k, k * 5462, k == 2 ? 16383 : k * 5462 + 5461);
	make_replica(world, 3, 2);
	make_replica(world, 4, 0);
	make_replica(world, 5, 1);
	expect_rest(0, topology, world);
}

Test(policy_layout, an_old_primary_that_came_back_becomes_the_replica_of_its_successor)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	struct rop_node *old = &world->nodes[1], *successor = &world->nodes[4];
	successor->role = ROP_ROLE_PRIMARY;
	successor->primary = -1;
	successor->primary_id[0] = '\0';
	successor->slots = old->slots;
	successor->epoch = 20;
	struct rop_layout layout = layout_of(topology, world);
	cr_assert_eq(layout.n, 3);
	cr_assert_eq(layout.shards[1].primary, 4);
	cr_assert_eq(layout.primary_of[1], 4);
}

Test(policy_layout, more_owners_than_declared_shards_all_remain_primaries)
{
	struct rop_topology *topology = topology_of(2, 0, 4);
	struct rop_observed *world = introduced_world(topology);
	for (int k = 0; k < 4; k++)
		give_slots(world, (size_t)k, k * 4096, k * 4096 + 4095);
	struct rop_layout layout = layout_of(topology, world);
	cr_assert_eq(layout.n, 4);
	for (int k = 0; k < 4; k++)
		cr_assert_eq(layout.shards[k].primary, k);
}

/* ---- warnings -------------------------------------------------------------------------------------------------- */

Test(policy_layout, warns_once_when_all_are_on_one_host)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	for (size_t i = 0; i < 6; i++)
		put_on_host(topology, i, 0);
	struct rop_layout layout = layout_of(topology, fresh_world(topology));
	cr_assert_eq(layout.warnings.n, 1);
	cr_assert_str_eq(layout.warnings.at[0].reason, "OneHost");
	cr_assert_eq(layout.warnings.at[0].node, -1, "it is about all of them");
	cr_assert_str_eq(layout.warnings.at[0].text, "all 6 nodes are on one host (10.0.0.1): its failure takes "
						     "primaries and replicas together");
}

/* Koenig: where no host and no zone has more nodes than there are shards it can be done, and it is. */
Test(policy_layout, nodes_are_coloured_so_that_no_shard_has_two_of_a_host_or_a_zone)
{
	size_t crossed = 0;
	EACH_SEED(seed, 400)
	{
		uint64_t random = seed;
		size_t shards = 2 + random_below(&random, 5), n = shards * (1 + random_below(&random, 4));
		size_t hosts = n / shards + random_below(&random, 3), zones = n / shards + random_below(&random, 3);
		int on_host[32] = { 0 }, in_zone[32] = { 0 }, order[64], shard[64], count[8] = { 0 };
		struct placement p;
		placement_init(&p, pool, topology_of((int)shards, 0, n), shards, (int)n);
		for (size_t i = 0; i < n; i++) {
			do
				p.host[i] = (int)random_below(&random, hosts);
			while (on_host[p.host[i]] == (int)shards);
			do
				p.zone[i] = (int)random_below(&random, zones);
			while (in_zone[p.zone[i]] == (int)shards);
			on_host[p.host[i]]++;
			in_zone[p.zone[i]]++;
			order[i] = (int)i;
		}
		for (size_t i = n; i-- > 1;) {
			size_t k = random_below(&random, i + 1);
			int swap = order[i];
			order[i] = order[k];
			order[k] = swap;
		}
		p.one_host = false;
		cr_assert(placement_colour(&p, order, shard), "seed %" PRIu64, seed);
		for (size_t i = 0; i < n; i++) {
			cr_assert(shard[i] >= 0 && shard[i] < (int)shards);
			count[shard[i]]++;
			for (size_t k = 0; k < i; k++)
				cr_assert(shard[i] != shard[k] || (p.host[i] != p.host[k] && p.zone[i] != p.zone[k]),
					  "seed %" PRIu64 ": nodes %zu and %zu", seed, k, i);
		}
		for (size_t k = 0; k < shards; k++)
			cr_assert(count[k] == (int)(n / shards), "seed %" PRIu64 ": %d in shard %zu of %zu", seed,
				  count[k], k, shards);
		crossed += n > shards;
	}
	cr_assert_gt(crossed, 200);
}

Test(policy_layout, names_the_pairs_that_share_a_host_or_a_zone_and_counts_the_rest)
{
	struct rop_topology *topology = topology_of(1, 1, 2);
	put_in_zone(topology, 0, "a");
	put_in_zone(topology, 1, "a");
	struct rop_layout layout = layout_of(topology, fresh_world(topology));
	cr_assert_str_eq(layout.warnings.at[0].reason, "SharedZone");
	cr_assert_str_eq(layout.warnings.at[0].text, "10.0.0.2:6379 shares zone a with 10.0.0.1:6379, the primary of "
						     "its shard");

	topology = topology_of(1, 2, 3);
	put_on_host(topology, 2, 1);
	layout = layout_of(topology, fresh_world(topology));
	cr_assert_eq(layout.warnings.n, 1);
	cr_assert_str_eq(layout.warnings.at[0].reason, "SharedHost");
	cr_assert_str_eq(layout.warnings.at[0].text, "10.0.0.2:6381 shares the host with 10.0.0.2:6379, a replica of "
						     "its shard");

	topology = topology_of(2, 4, 10);
	for (size_t i = 0; i < 10; i++)
		put_in_zone(topology, i, "a");
	layout = layout_of(topology, fresh_world(topology));
	cr_assert_eq(layout.warnings.n, 6);
	cr_assert_eq(layout.warnings.at[5].node, -1);
	cr_assert_str_eq(layout.warnings.at[5].text, "and 15 more pairs of one shard that share a host or a zone");
}

/* Whichever of the nodes it is. */
Test(policy_layout, names_each_replica_that_is_beside_its_primary)
{
	for (size_t replica = 0; replica < 6; replica++) {
		struct rop_topology *topology = topology_of(3, 1, 6);
		size_t owners[3], n = 0, spare[3], others = 0;
		for (size_t i = 0; i < 6; i++)
			if (i != replica && n < 3)
				owners[n++] = i;
			else if (i != replica)
				spare[others++] = i;
		put_on_host(topology, replica, (int)owners[0]);
		struct rop_observed *world = fresh_world(topology);
		meet_all(world);
		for (int k = 0; k < 3; k++)
			give_slots(world, owners[k], k * 5461, k < 2 ? k * 5461 + 5460 : ROP_SLOTS - 1);
		make_replica(world, replica, owners[0]);
		make_replica(world, spare[0], owners[1]);
		make_replica(world, spare[1], owners[2]);
		struct rop_layout layout = layout_of(topology, world);
		cr_assert_eq(layout.warnings.n, 1, "node %zu", replica);
		cr_assert_eq(layout.warnings.at[0].node, (int)replica);
		cr_assert_str_eq(layout.warnings.at[0].reason, "SharedHost");
	}
}

Test(policy_layout, a_node_alone_is_no_reason_to_warn)
{
	struct rop_topology *topology = topology_of(1, 0, 1);
	struct rop_layout layout = layout_of(topology, fresh_world(topology));
	cr_assert_eq(layout.warnings.n, 0);
	cr_assert_eq(rop_slots_count(&layout.shards[0].add), ROP_SLOTS);
}

/* Primaries gave their last slots away, one after the other, and their replicas have not heard of all of it. */
Test(policy_layout, whom_a_replica_follows_is_told_through_those_that_became_replicas)
{
	struct rop_topology *topology = topology_of(2, 1, 6);
	struct rop_observed *world = formed_world(topology);
	struct rop_layout straight = layout_of(topology, world);
	int leader = straight.primary_of[2];
	cr_assert(leader == 0 || leader == 1);
	/* 3 follows 4, which follows 2, which follows the leader */
	static const int CHAIN[] = { 4, 2 };
	world->nodes[4].primary = 2;
	memcpy(world->nodes[4].primary_id, world->nodes[2].id, ROP_ID_SIZE);
	world->nodes[3].primary = CHAIN[0];
	memcpy(world->nodes[3].primary_id, world->nodes[CHAIN[0]].id, ROP_ID_SIZE);
	struct rop_layout layout = layout_of(topology, world);
	cr_assert_eq(layout.primary_of[3], leader, "%d", layout.primary_of[3]);
}
