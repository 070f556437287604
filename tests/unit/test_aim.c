/* test_aim.c - where the slots should be: shares by weight, when they are asked for, the fewest moves, and that the aim
 * stays while it is walked to. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hand.h"

TestSuite(aim, .init = world_setup, .fini = hand_teardown);

/* ---- shares ----------------------------------------------------------------------------------------------------- */

static void expect_shares(const int *weights, int shards, const int *wanted)
{
	int shares[8];
	rop_shares(weights, shards, shares);
	for (int k = 0; k < shards; k++)
		cr_assert_eq(shares[k], wanted[k], "of %d shards, %d has %d, not %d", shards, k + 1, shares[k],
			     wanted[k]);
}

Test(aim, shares_go_by_weight_and_the_greatest_remainders_get_what_is_left)
{
	expect_shares(NULL, 3, (int[]){ 5462, 5461, 5461 });
	expect_shares((int[]){ 7, 7, 7 }, 3, (int[]){ 5462, 5461, 5461 });
	expect_shares((int[]){ 2, 1, 1 }, 3, (int[]){ 8192, 4096, 4096 });
	expect_shares((int[]){ 1, 1, 3 }, 3, (int[]){ 3277, 3277, 9830 });
	expect_shares((int[]){ 3, 2, 2 }, 3, (int[]){ 7022, 4681, 4681 });
	expect_shares((int[]){ 16384, 1, 1 }, 3, (int[]){ 16382, 1, 1 });
	expect_shares((int[]){ 5000, 6000, 5384 }, 3, (int[]){ 5000, 6000, 5384 });
	cr_assert_eq(rop_shares_too_small((int[]){ 16384, 1, 1 }, 3), 2);
	cr_assert_eq(rop_shares_too_small((int[]){ 16382, 1, 1 }, 3), 0);
}

static int *random_weights(uint64_t *seed, int shards)
{
	int *weights = rop_alloc_n(pool, (size_t)shards, sizeof *weights);
	int most = random_below(seed, 2) ? 3 : 100;
	for (int k = 0; k < shards; k++)
		weights[k] = 1 + (int)random_below(seed, (size_t)most);
	return weights;
}

Test(aim, all_slots_are_shared_out_and_nobody_is_a_slot_off)
{
	EACH_SEED(seed, 500)
	{
		uint64_t random = seed;
		int n = 1 + (int)random_below(&random, 500), sum = 0, all = 0;
		int *weights = random_weights(&random, n), *shares = rop_alloc_n(pool, (size_t)n, sizeof *shares);
		for (int k = 0; k < n; k++)
			sum += weights[k];
		rop_shares(weights, n, shares);
		for (int k = 0; k < n; k++) {
			int64_t off = (int64_t)shares[k] * sum - (int64_t)ROP_SLOTS * weights[k];
			cr_assert(off < sum && -off < sum, "seed %" PRIu64, seed);
			all += shares[k];
		}
		cr_assert_eq(all, ROP_SLOTS, "seed %" PRIu64, seed);
	}
}

/* ---- when, and how much ----------------------------------------------------------------------------------------- */

/* So many slots each, from the lowest on; all members of one cluster. */
static struct rop_observed *world_with(const struct rop_topology *topology, const int *owned)
{
	struct rop_observed *world = formed_world(topology);
	int from = 0;
	for (size_t i = 0; i < world->n; i++) {
		memset(&world->nodes[i].slots, 0, sizeof world->nodes[i].slots);
		if (owned[i])
			rop_slots_add(&world->nodes[i].slots, from, from + owned[i] - 1);
		from += owned[i];
	}
	cr_assert_eq(from, ROP_SLOTS);
	return world;
}

static struct rop_situation *aimed(const struct rop_topology *topology, const struct rop_observed *world, bool moving)
{
	return rop_situation_make(&(struct rop_situation){
		.arena = pool, .topology = topology, .seen = world, .image = &no_image, .moving = moving });
}

static void label_in_order(struct rop_topology *topology)
{
	for (size_t i = 0; i < topology->nodes.n && (int)i < topology->shards; i++)
		topology->nodes.at[i].shard = (int)i + 1;
}

struct row {
	const char *what;
	int shards;
	int weights[4]; /* 0 first: none are declared */
	int owned[4];
	bool moving;
	int moved;
};

Test(aim, when_slots_are_moved_and_how_many)
{
	static const struct row ROWS[] = {
		{ "even ones", 3, { 0 }, { 5461, 5462, 5461 }, false, 0 },
		{ "uneven ones, as somebody wanted it", 3, { 0 }, { 9000, 4000, 3384 }, false, 0 },
		{ "uneven ones, while they are moved", 3, { 0 }, { 9000, 4000, 3384 }, true, 3538 },
		{ "weights that are all 1 ask for even shares", 3, { 1, 1, 1 }, { 9000, 4000, 3384 }, false, 3538 },
		{ "to double the first", 3, { 2, 1, 1 }, { 5462, 5461, 5461 }, false, 2730 },
		{ "there", 3, { 2, 1, 1 }, { 8192, 4096, 4096 }, false, 0 },
		{ "within 2 % it is let be", 3, { 2, 1, 1 }, { 8110, 4137, 4137 }, false, 0 },
		{ "at 2 %", 3, { 2, 1, 1 }, { 8192, 4096 + 81, 4096 - 81 }, false, 0 },
		{ "beyond 2 % of one share", 3, { 2, 1, 1 }, { 8192, 4096 + 82, 4096 - 82 }, false, 82 },
		{ "within 2 %, on its way", 3, { 2, 1, 1 }, { 8110, 4137, 4137 }, true, 82 },
		{ "a new shard gets its weight", 4, { 1, 1, 1, 3 }, { 5462, 5461, 5461, 0 }, false, 8192 },
		{ "and of those that are there too", 4, { 3, 1, 1, 3 }, { 5462, 5461, 5461, 0 }, false, 6826 },
		{ "a shard goes", 3, { 2, 1, 1 }, { 4096, 4096, 4096, 4096 }, false, 4096 },
		{ "a shard goes, evenly", 3, { 0 }, { 4096, 4096, 4096, 4096 }, false, 4096 },
	};
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		const struct row *row = &ROWS[i];
		struct rop_topology *topology = topology_of(4, 0, 4);
		struct rop_observed *world = world_with(topology, row->owned);
		topology->shards = row->shards;
		topology->weights = row->weights[0] ? row->weights : NULL;
		label_in_order(topology);
		if (row->shards == 3 && !row->owned[3]) /* one node more would be a replica of somebody */
			make_replica(world, 3, 0);
		const struct rop_situation *now = aimed(topology, world, row->moving);
		cr_assert_eq(now->slots_to_move, row->moved, "%s: %d slots are moved, not %d", row->what,
			     now->slots_to_move, row->moved);
		cr_assert_eq(now->slots_in_place, row->moved == 0, "%s", row->what);
	}
}

/* ---- the aim stays ---------------------------------------------------------------------------------------------- */

static void spread_at_random(uint64_t *random, struct rop_observed *world, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memset(&world->nodes[i].slots, 0, sizeof world->nodes[i].slots);
	for (int s = 0; s < ROP_SLOTS;) {
		size_t to = random_below(random, n);
		int last = s + (int)random_below(random, 700);
		if (last >= ROP_SLOTS)
			last = ROP_SLOTS - 1;
		rop_slots_add(&world->nodes[to].slots, s, last);
		s = last + 1;
	}
}

/* The surplus of those that have too much. */
static int fewest(const struct rop_situation *now)
{
	int n = 0;
	for (size_t k = 0; k < now->layout.n; k++) {
		const struct rop_shard *shard = &now->layout.shards[k];
		int owned = rop_slots_count(&now->seen->nodes[shard->primary].slots);
		n += owned > shard->share ? owned - shard->share : 0;
	}
	return n;
}

static void do_some(uint64_t *random, struct rop_observed *world, const struct rop_situation *now, size_t of_four)
{
	for (int s = 0; s < ROP_SLOTS; s++) {
		if (now->aim[s] == now->owner[s] || random_below(random, 4) >= of_four)
			continue;
		world->nodes[now->owner[s]].slots.bits[s / 64] &= ~((uint64_t)1 << (s % 64));
		rop_slots_add(&world->nodes[now->aim[s]].slots, s, s);
	}
}

Test(aim, the_rest_is_the_same_whatever_was_done_first)
{
	EACH_SEED(seed, 120)
	{
		uint64_t random = seed;
		size_t n = 2 + random_below(&random, 9);
		struct rop_topology *topology = topology_of((int)n, 0, n);
		topology->weights = seed % 4 ? random_weights(&random, (int)n) : NULL;
		struct rop_observed *world = formed_world(topology);
		label_in_order(topology);
		spread_at_random(&random, world, n);
		const struct rop_situation *first = aimed(topology, world, true), *now = first;
		cr_assert_not_null(first->aim, "seed %" PRIu64, seed);
		cr_assert_eq(first->slots_to_move, fewest(first), "seed %" PRIu64, seed);
		for (size_t times = 1; times <= 4; times++) {
			do_some(&random, world, now, times);
			now = aimed(topology, world, true);
			cr_assert_eq(memcmp(now->aim, first->aim, ROP_SLOTS * sizeof *now->aim), 0,
				     "seed %" PRIu64 ": after %zu times another aim", seed, times);
		}
		cr_assert_eq(now->slots_to_move, 0, "seed %" PRIu64, seed);
		for (size_t k = 0; k < n; k++)
			cr_assert_eq(rop_slots_count(&world->nodes[now->layout.shards[k].primary].slots),
				     now->layout.shards[k].share, "seed %" PRIu64, seed);
		now = aimed(topology, world, false);
		cr_assert_eq(now->slots_to_move, 0, "seed %" PRIu64 ": and there it rests", seed);
	}
}

/* ---- the whole way ---------------------------------------------------------------------------------------------- */

static int owned_by(const struct rop_observed *world, size_t node)
{
	return rop_slots_count(&world->nodes[node].slots);
}

Test(aim, a_fresh_cluster_is_formed_by_weight_and_nothing_is_moved)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	topology->weights = (int[]){ 1, 2, 1 };
	op = hand_new(topology, fresh_world(topology));
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(owned_by(op->world, 0), 4096);
	cr_assert_eq(owned_by(op->world, 1), 8192);
	cr_assert_eq(owned_by(op->world, 2), 4096);
	cr_assert_eq(hand_sent(op, ROP_STEP_TAKE), 0);
}

/* Killed between writing that it begins and sending anything. */
static void begin_and_die(struct rop_topology *topology, int *weights)
{
	op = hand_new(topology, formed_world(topology));
	hand_start(op);
	cr_assert(hand_run(op).reached);
	topology->weights = weights;
	hand_start(op);
	for (int turns = 0; !op->image.moving && turns < 100; turns++)
		hand_turn(op);
	cr_assert(op->image.moving);
	cr_assert_eq(owned_by(op->world, 0), 5461, "nothing has moved yet");
}

static void somebody_moves(struct rop_observed *world, size_t from, size_t to, int n)
{
	for (int s = ROP_SLOTS - 1; s >= 0 && n > 0; s--) {
		if (!rop_slots_has(&world->nodes[from].slots, s))
			continue;
		world->nodes[from].slots.bits[s / 64] &= ~((uint64_t)1 << (s % 64));
		rop_slots_add(&world->nodes[to].slots, s, s);
		n--;
	}
}

Test(aim, what_was_begun_is_ended_by_another_process_although_it_is_within_the_tolerance)
{
	int weights[] = { 2, 1, 1 };
	struct rop_topology *topology = topology_of(3, 1, 6);
	begin_and_die(topology, weights);
	somebody_moves(op->world, 1, 0, 1366 - 20);
	somebody_moves(op->world, 2, 0, 1365 - 60);
	cr_assert_not(rop_share_is_off(owned_by(op->world, 0), 8192));
	hand_start(op);
	cr_assert(hand_run(op).reached);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(owned_by(op->world, i), i ? 4096 : 8192, "%zu", i);
	cr_assert_not(op->image.moving);

	somebody_moves(op->world, 0, 1, 80);
	size_t sent = op->sent.n;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->sent.n, sent, "within the tolerance, and nothing was begun");

	topology->weights = NULL;
	somebody_moves(op->world, 0, 1, 2000);
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->sent.n, sent, "without weights they stay where they are");
}

/* Two that have been introduced by now, with one epoch and one slot: until they have settled it, it is the same one's
 * in every look. */
Test(aim, of_two_that_claim_a_slot_with_one_epoch_it_is_the_first_ones)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(topology);
	int slot = 0, last;
	cr_assert(rop_slots_run(&world->nodes[2].slots, 0, &slot, &last));
	rop_slots_add(&world->nodes[1].slots, slot, slot);
	world->nodes[1].epoch = world->nodes[2].epoch = 7;
	cr_assert_eq(aimed(topology, world, false)->owner[slot], 1);
	world->nodes[2].epoch = 8;
	cr_assert_eq(aimed(topology, world, false)->owner[slot], 2, "a greater epoch counts more");
}
