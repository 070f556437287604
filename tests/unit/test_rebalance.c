/* test_rebalance.c - weights that make the shards even, what they would move, and how it is told. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "rop/rebalance.h"
#include "rop/report.h"
#include "world.h"

TestSuite(rebalance, .init = world_setup, .fini = world_teardown);

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_rebalance rebalance;
static struct rop_situation *now;
static struct rop_err err;

/* Three shards of 4096, 4096 and 8192 slots. */
static void three_shards(int64_t a, int64_t b, int64_t c)
{
	const int64_t keys[] = { a, b, c };
	topology = topology_of(3, 0, 3);
	world = formed_world(topology);
	for (size_t i = 0; i < 3; i++) {
		memset(&world->nodes[i].slots, 0, sizeof world->nodes[i].slots);
		rop_slots_add(&world->nodes[i].slots, (int)i * 4096, i < 2 ? (int)i * 4096 + 4095 : ROP_SLOTS - 1);
		world->nodes[i].keys = keys[i];
		world->nodes[i].data_memory = keys[i] * 100;
	}
}

static bool weigh(enum rop_by by)
{
	err = (struct rop_err){ 0 };
	now = situation_of(topology, world);
	return rop_rebalance_make(now, by, &rebalance, &err);
}

static void expect_weights(int a, int b, int c)
{
	const int wanted[] = { a, b, c };
	cr_assert_eq(rebalance.n, 3);
	for (size_t k = 0; k < 3; k++)
		cr_assert_eq(rebalance.shards[k].weight, wanted[k], "shard %zu: %d", k + 1, rebalance.shards[k].weight);
}

static void expect_move(size_t at, size_t from, size_t to, int slots, int64_t keys)
{
	cr_assert_lt(at, rebalance.moves.n);
	const struct rop_rebalance_move *move = &rebalance.moves.at[at];
	cr_assert(move->from == from && move->to == to && move->slots == slots && move->keys == keys,
		  "%zu -> %zu: %d slots, %d keys", move->from, move->to, move->slots, (int)move->keys);
}

Test(rebalance, by_slots_all_weigh_the_same)
{
	three_shards(0, 0, 0);
	cr_assert(weigh(ROP_BY_SLOTS), "%s", err.text);
	cr_assert_not(rebalance.even);
	expect_weights(1, 1, 1);
	cr_assert_eq(rebalance.moves.n, 2);
	expect_move(0, 2, 0, 1366, 0);
	expect_move(1, 2, 1, 1365, 0);
	cr_assert_eq(rebalance.shards[2].slots_then, 5461);
}

Test(rebalance, by_keys_slots_go_as_full_as_they_are_where_they_come_from)
{
	three_shards(6000, 3000, 3000); /* to 4000 each: a third of the slots of the first */
	cr_assert(weigh(ROP_BY_KEYS), "%s", err.text);
	cr_assert_not(rebalance.even);
	cr_assert_eq(rebalance.moves.n, 2);
	cr_assert_eq(rebalance.moves.at[0].from, 0);
	cr_assert_eq(rebalance.moves.at[1].from, 0);
	for (size_t k = 0; k < 3; k++)
		cr_assert_not(rop_share_is_off(rebalance.shards[k].has_then, 4000), "%d",
			      (int)rebalance.shards[k].has_then);
	cr_assert_not(rop_share_is_off(rebalance.shards[0].slots_then, 2731));
}

Test(rebalance, by_memory_as_by_keys)
{
	three_shards(6000, 3000, 3000);
	cr_assert(weigh(ROP_BY_KEYS));
	int first = rebalance.shards[0].weight;
	cr_assert(weigh(ROP_BY_MEMORY));
	cr_assert_eq(rebalance.shards[0].weight, first);
	cr_assert_eq(rebalance.shards[0].has, 600000);
	world->nodes[1].data_memory = -1;
	cr_assert_not(weigh(ROP_BY_MEMORY));
	cr_assert_eq(err.code, ROP_REFUSED);
	cr_assert_not_null(strstr(err.text, "did not tell its memory"), "%s", err.text);
}

Test(rebalance, within_two_percent_nothing_is_to_be_done)
{
	three_shards(1000, 1019, 981);
	cr_assert(weigh(ROP_BY_KEYS));
	cr_assert(rebalance.even);
	cr_assert_eq(rebalance.moves.n, 0);
	three_shards(1000, 1030, 970);
	cr_assert(weigh(ROP_BY_KEYS));
	cr_assert_not(rebalance.even);
	three_shards(0, 0, 0);
	cr_assert(weigh(ROP_BY_KEYS));
	cr_assert(rebalance.even, "nothing weighs nothing");
}

Test(rebalance, whatever_is_there_the_weights_are_such_as_a_file_may_hold_and_it_is_evener_then)
{
	EACH_SEED(seed, 60)
	{
		uint64_t random = seed;
		three_shards((int64_t)random_below(&random, 100000), (int64_t)random_below(&random, 100000),
			     (int64_t)random_below(&random, 1000000));
		cr_assert(weigh(ROP_BY_KEYS));
		int weights[3];
		int64_t most = 0, most_then = 0;
		for (size_t k = 0; k < 3; k++) {
			weights[k] = rebalance.shards[k].weight;
			cr_assert(weights[k] >= 1 && weights[k] <= ROP_SLOTS);
			most = rebalance.shards[k].has > most ? rebalance.shards[k].has : most;
			most_then = rebalance.shards[k].has_then > most_then ? rebalance.shards[k].has_then : most_then;
		}
		cr_assert_eq(rop_shares_too_small(weights, 3), 0);
		cr_assert_leq(most_then, most, "seed %d", (int)seed);
	}
}

Test(rebalance, keys_on_their_way_count_where_their_slot_is_owned)
{
	three_shards(1000, 1000, 1000);
	struct rop_open_slot open = { .slot = 1, .importing = true, .keys = 200 };
	memcpy(open.peer, world->nodes[0].id, ROP_ID_SIZE);
	rop_node_set_open(world->arena, &world->nodes[1], &open);
	world->nodes[1].open_slots = 1;
	cr_assert(weigh(ROP_BY_KEYS));
	cr_assert_eq(rebalance.shards[0].has, 1200);
	cr_assert_eq(rebalance.shards[1].has, 800);
	cr_assert_eq(rebalance.open_slots, 1);
}

Test(rebalance, what_cannot_be_told_is_not)
{
	three_shards(1, 2, 3);
	world->nodes[0].keys = ROP_COUNT_UNKNOWN;
	cr_assert_not(weigh(ROP_BY_KEYS));
	cr_assert(weigh(ROP_BY_SLOTS), "slots are known all the same");
	topology->shards = 2;
	cr_assert_not(weigh(ROP_BY_SLOTS));
	cr_assert_not_null(strstr(err.text, "2 shards are declared, and 3 own slots"), "%s", err.text);
	three_shards(1, 2, 3);
	go_silent(world, 1);
	cr_assert_not(weigh(ROP_BY_SLOTS));
	cr_assert_eq(err.code, ROP_UNREACHABLE);
	world = fresh_world(topology);
	cr_assert_not(weigh(ROP_BY_SLOTS));
	cr_assert_eq(err.code, ROP_REFUSED);
}

static struct rop_report report_of(size_t columns)
{
	return (struct rop_report){ .arena = pool, .topology = topology, .image = &no_image, .columns = columns };
}

Test(rebalance, the_text_has_lines_to_be_pasted_and_fits)
{
	three_shards(6000, 3000, 3000);
	cr_assert(weigh(ROP_BY_SLOTS));
	struct rop_report report = report_of(80);
	ROP_OWN_TEXT text = { 0 };
	rop_report_rebalance(&report, now, &rebalance, &text);
	cr_assert_not_null(strstr(text.at, "\n  shardWeights:\n    1: 1\n    2: 1\n    3: 1\n"), "%s", text.at);
	cr_assert_not_null(strstr(text.at, "  shard 3 -> shard 1: 1366 slots, ~500 keys\n"), "%s", text.at);
	for (const char *line = text.at; *line;) {
		size_t n = strcspn(line, "\n");
		cr_assert_leq(n, 80, "%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
	three_shards(1000, 1000, 1000);
	cr_assert(weigh(ROP_BY_KEYS));
	ROP_OWN_TEXT even = { 0 };
	rop_report_rebalance(&report, now, &rebalance, &even);
	cr_assert_not_null(strstr(even.at, "Nothing is to be done"), "%s", even.at);
	cr_assert_null(strstr(even.at, "shardWeights"));
}

Test(rebalance, as_json)
{
	three_shards(6000, 3000, 3000);
	cr_assert(weigh(ROP_BY_SLOTS));
	struct rop_report report = report_of(0);
	json_t *json = rop_report_rebalance_json(&report, now, &rebalance);
	cr_assert_eq(json_array_size(json_object_get(json, "shards")), 3);
	cr_assert_eq(json_array_size(json_object_get(json, "moves")), 2);
	cr_assert_eq(json_integer_value(json_object_get(json_object_get(json, "shardWeights"), "3")), 1);
	json_decref(json);
}
