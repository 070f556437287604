/* test_shards.c - a shard stays the same shard: its number, and the memory of who had its data. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "hand.h"
#include "rop/report.h"
#include "rop/text.h"

TestSuite(shards, .init = world_setup, .fini = hand_teardown);

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

struct memory {
	ROP_LIST(struct rop_shard_memory) shards;
};

static void remember(struct memory *memory, int number, const struct rop_observed *world, int primary, int replica)
{
	struct rop_shard_memory *shard = rop_push(pool, &memory->shards);
	*shard = (struct rop_shard_memory){ .number = number,
					    .slots = rop_slots_text(pool, &world->nodes[primary].slots) };
	for (int led = 1; led >= 0; led--) {
		int node = led ? primary : replica;
		if (node < 0)
			continue;
		struct rop_copy_memory *copy = rop_push(pool, &shard->copies);
		*copy = (struct rop_copy_memory){ .address = world->nodes[node].address, .led = led };
		memcpy(copy->node, world->nodes[node].id, ROP_ID_SIZE);
	}
}

static struct rop_layout layout_with(const struct rop_topology *topology, const struct rop_observed *seen,
				     const struct memory *memory)
{
	struct rop_layout layout;
	rop_layout_make(pool, topology, seen, memory->shards.at, memory->shards.n, NULL, &layout);
	return layout;
}

static int number_of(const struct rop_layout *layout, size_t node)
{
	return layout->shard_of[node] < 0 ? 0 : layout->shards[layout->shard_of[node]].number;
}

static void expect_numbers(const struct rop_layout *layout, int a, int b, int c)
{
	cr_assert(number_of(layout, 0) == a && number_of(layout, 1) == b && number_of(layout, 2) == c, "%d %d %d",
		  number_of(layout, 0), number_of(layout, 1), number_of(layout, 2));
}

static void move_slots(struct rop_observed *world, size_t from, size_t to, int first, int last)
{
	struct rop_slots moved = { 0 };
	rop_slots_add(&moved, first, last);
	for (size_t w = 0; w < ROP_SLOTS / 64; w++) {
		world->nodes[to].slots.bits[w] |= world->nodes[from].slots.bits[w] & moved.bits[w];
		world->nodes[from].slots.bits[w] &= ~moved.bits[w];
	}
}

static void take_over(struct rop_observed *world, size_t replica, size_t primary)
{
	struct rop_node *n = &world->nodes[replica];
	n->role = ROP_ROLE_PRIMARY;
	n->primary = -1;
	n->primary_id[0] = '\0';
	n->slots = world->nodes[primary].slots;
	n->epoch = 100 + (int64_t)replica;
	world->nodes[primary].slots = (struct rop_slots){ 0 };
}

static struct rop_topology *topology;
static struct rop_observed *world;
static struct memory memory;

/* Three shards: 0-2 lead, 3-5 follow. */
static void formed_and_remembered(void)
{
	topology = topology_of(3, 1, 6);
	world = formed_world(topology);
	memory = (struct memory){ 0 };
	for (int k = 0; k < 3; k++)
		remember(&memory, k + 1, world, k, k + 3);
}

Test(shards, one_moved_slot_renumbers_nothing)
{
	formed_and_remembered();
	move_slots(world, 0, 2, 0, 0);
	struct rop_layout layout = layout_with(topology, world, &memory), without = layout_of(topology, world);
	expect_numbers(&layout, 1, 2, 3);
	expect_numbers(&without, 2, 3, 1);
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(layout.primary_of[i], world->nodes[i].primary, "and moves nobody");
}

Test(shards, whoever_takes_over_takes_the_number)
{
	formed_and_remembered();
	take_over(world, 4, 1);
	go_silent(world, 1);
	move_slots(world, 0, 2, 0, 9);
	struct rop_layout layout = layout_with(topology, world, &memory);
	cr_assert(number_of(&layout, 0) == 1 && number_of(&layout, 4) == 2 && number_of(&layout, 2) == 3);
	formed_and_remembered();
	take_over(world, 3, 0); /* two at once: that it is the only number left does not help */
	take_over(world, 5, 2);
	move_slots(world, 3, 5, 0, 9);
	layout = layout_with(topology, world, &memory);
	cr_assert(number_of(&layout, 3) == 1 && number_of(&layout, 1) == 2 && number_of(&layout, 5) == 3);
}

Test(shards, who_led_is_asked_before_who_followed)
{
	formed_and_remembered();
	topology->shards = 4;
	topology->replicas_per_shard = 0;
	take_over(world, 3, 0); /* all but one slot, which node 0 keeps */
	move_slots(world, 3, 0, 5000, 5000);
	struct rop_layout layout = layout_with(topology, world, &memory);
	expect_numbers(&layout, 1, 2, 3);
	cr_assert_eq(number_of(&layout, 3), 4);
}

Test(shards, labels_have_their_say_first)
{
	formed_and_remembered();
	topology->nodes.at[0].shard = 3;
	struct rop_layout layout = layout_with(topology, world, &memory);
	expect_numbers(&layout, 3, 2, 1);
	topology->nodes.at[0].shard = 0;
	/* a replica's label means the number, not the place in the order of slots */
	topology->nodes.at[3].shard = 1;
	topology->nodes.at[5].shard = 3;
	move_slots(world, 0, 2, 0, 0);
	layout = layout_with(topology, world, &memory);
	cr_assert_eq(layout.primary_of[3], 0);
	cr_assert_eq(layout.primary_of[5], 2);
}

/* Members that swapped their addresses: the other one's label is theirs now. Slots that move change nothing. */
Test(shards, of_two_owners_with_one_label_it_is_for_whoever_has_the_number)
{
	for (int turn = 0; turn < 2; turn++) {
		formed_and_remembered();
		for (int k = 0; k < 3; k++)
			topology->nodes.at[k].shard = topology->nodes.at[k + 3].shard = k + 1;
		topology->nodes.at[0].shard = 2;
		topology->weights = (int[]){ 1, 2, 3 };
		if (turn) /* node 1's are the lowest now */
			move_slots(world, 0, 1, 0, 9);
		struct rop_layout layout = layout_with(topology, world, &memory);
		expect_numbers(&layout, 1, 2, 3);
		take_over(world, 4, 1); /* a copy of it counts too */
		go_silent(world, 1);
		layout = layout_with(topology, world, &memory);
		cr_assert(number_of(&layout, 0) == 1 && number_of(&layout, 4) == 2 && number_of(&layout, 2) == 3);
	}
}

Test(shards, of_two_owners_with_one_label_and_nothing_remembered_it_is_for_who_has_its_share)
{
	for (int third = 1; third <= 10; third += 9) {
		formed_and_remembered();
		topology->nodes.at[1].shard = topology->nodes.at[2].shard = 3;
		topology->weights = (int[]){ 4, 4, third };
		move_slots(world, 2, 1, 10923, 13000);
		struct rop_layout layout = layout_of(topology, world);
		cr_assert_eq(number_of(&layout, third == 1 ? 2 : 1), 3, "%d", third);
		topology->weights = NULL;
		layout = layout_of(topology, world);
		cr_assert_eq(number_of(&layout, 1), 3, "the first");
	}
}

Test(shards, with_the_memory_lost_labels_say_it_and_then_the_order)
{
	formed_and_remembered();
	move_slots(world, 0, 2, 0, 0);
	topology->nodes.at[0].shard = 1;
	topology->nodes.at[2].shard = 3;
	struct rop_layout layout = layout_of(topology, world);
	expect_numbers(&layout, 1, 2, 3);
	topology->nodes.at[0].shard = topology->nodes.at[2].shard = 0;
	layout = layout_of(topology, world);
	expect_numbers(&layout, 2, 3, 1);
}

Test(shards, numbers_that_no_shard_can_have_any_more_are_given_up)
{
	formed_and_remembered();
	memory.shards.at[1].number = 7;
	struct rop_layout layout = layout_with(topology, world, &memory);
	expect_numbers(&layout, 1, 2, 3);
	memory.shards.at[1].number = -1;
	layout = layout_with(topology, world, &memory);
	expect_numbers(&layout, 1, 2, 3);
}

/* What is left over when all others have theirs is no proof: here nothing is remembered of the others. */
Test(shards, the_one_that_is_remembered_keeps_its_number_among_those_that_are_not)
{
	static const int WANTED[3][3] = { { 2, 1, 3 }, { 1, 3, 2 }, { 3, 2, 1 } };
	for (int k = 0; k < 3; k++) {
		formed_and_remembered();
		memory = (struct memory){ 0 };
		remember(&memory, WANTED[k][k], world, k, k + 3);
		struct rop_layout layout = layout_with(topology, world, &memory);
		expect_numbers(&layout, WANTED[k][0], WANTED[k][1], WANTED[k][2]);
	}
}

static void expect_each_number_once(uint64_t seed, const struct rop_layout *layout)
{
	bool *had = rop_alloc_n(pool, layout->n + 1, sizeof(bool));
	for (size_t k = 0; k < layout->n; k++) {
		int number = layout->shards[k].number;
		cr_assert(number >= 1 && number <= (int)layout->n && !had[number], "seed %" PRIu64 ": number %d", seed,
			  number);
		had[number] = true;
	}
}

Test(shards, whatever_the_numbers_were_they_stay_and_nobody_moves)
{
	EACH_SEED(seed, 300)
	{
		uint64_t random = seed;
		struct chances chances = {
			.max_shards = 12, .max_replicas = 2, .extra = 2, .zones = seed % PLACINGS_N
		};
		struct rop_topology *any = random_topology(&random, chances);
		struct rop_observed *seen = formed_world(any);
		struct rop_layout before = layout_of(any, seen);
		size_t n = before.n, shift = random_below(&random, n);
		memory = (struct memory){ 0 };
		for (size_t k = 0; k < n; k++)
			remember(&memory, 1 + (int)((k + shift) % n), seen, before.shards[k].primary, -1);
		for (size_t moves = random_below(&random, 8); moves; moves--) {
			size_t from = (size_t)before.shards[random_below(&random, n)].primary;
			int slot = (int)random_below(&random, ROP_SLOTS), last = slot + (int)random_below(&random, 40);
			if (!rop_slots_has(&seen->nodes[from].slots, slot))
				continue;
			size_t to = (size_t)before.shards[random_below(&random, n)].primary;
			move_slots(seen, from, to, slot, last < ROP_SLOTS ? last : slot);
		}
		struct rop_layout layout = layout_with(any, seen, &memory);
		expect_each_number_once(seed, &layout);
		for (size_t k = 0; k < n; k++)
			cr_assert_eq(number_of(&layout, (size_t)before.shards[k].primary), memory.shards.at[k].number,
				     "seed %" PRIu64, seed);
		for (size_t i = 0; i < seen->n; i++)
			cr_assert_eq(layout.primary_of[i], seen->nodes[i].primary, "seed %" PRIu64 ": node %zu", seed,
				     i);
	}
}

/* ---- what the reconciler remembers ------------------------------------------------------------------------------ */

static void all_online(struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		if (seen->nodes[i].primary >= 0)
			rop_bit_set(seen, seen->online, (size_t)seen->nodes[i].primary, i);
}

static void looks(int n)
{
	for (int i = 0; i < n; i++)
		hand_look(op);
}

/* Kept and converged; its memory is complete. Nothing settles by itself from then on. */
static void start_remembering(void)
{
	start_formed();
	all_online(op->world);
	for (size_t i = 0; i < 6; i++) {
		op->world->nodes[i].offset = 1000 + (int64_t)i;
		op->world->nodes[i].keys = 100;
	}
	op->options.keep = true;
	hand_start(op);
	looks(20);
	cr_assert_str_eq(state(), "Ready");
	op->frozen = true;
}

static const struct rop_shard_memory *shard(int number)
{
	for (size_t s = 0; s < op->image.shards.n; s++)
		if (op->image.shards.at[s].number == number)
			return &op->image.shards.at[s];
	cr_assert_fail("shard %d is not remembered", number);
	return NULL;
}

static void expect_copy(const struct rop_shard_memory *of, size_t at, size_t node, bool led)
{
	cr_assert_lt(at, of->copies.n, "shard %d has %zu copies", of->number, of->copies.n);
	cr_assert_str_eq(of->copies.at[at].node, node_id(node));
	cr_assert_eq(of->copies.at[at].led, led);
	cr_assert_str_eq(of->copies.at[at].address, op->world->nodes[node].address);
}

Test(shards, who_has_which_data_is_remembered_once_it_is_seen)
{
	start_remembering();
	cr_assert_eq(op->image.shards.n, 3);
	for (int k = 0; k < 3; k++) {
		cr_assert_eq(shard(k + 1)->copies.n, 2);
		cr_assert_str_eq(shard(k + 1)->slots, rop_slots_text(pool, &op->world->nodes[k].slots));
		expect_copy(shard(k + 1), 0, (size_t)k, true);
		expect_copy(shard(k + 1), 1, (size_t)k + 3, false);
		cr_assert_eq(shard(k + 1)->copies.at[1].offset, 1000 + k);
		cr_assert_eq(shard(k + 1)->copies.at[0].keys, 100);
		cr_assert_gt(shard(k + 1)->copies.at[0].seen_wall_ms, 0);
	}
}

Test(shards, a_cluster_that_is_formed_is_remembered_too)
{
	start_fresh();
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->image.shards.n, 3);
	for (size_t k = 0; k < 3; k++)
		expect_copy(shard((int)k + 1), 0, k, true);
	size_t commits = op->commits;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->commits, commits);
}

Test(shards, how_far_the_copies_are_is_no_news_and_goes_with_what_is)
{
	start_remembering();
	size_t commits = op->commits;
	for (int i = 0; i < 50; i++) {
		for (size_t n = 0; n < 6; n++) {
			op->world->nodes[n].offset += 10;
			op->world->nodes[n].keys++;
		}
		looks(1);
	}
	cr_assert_eq(op->commits, commits);
	cr_assert_eq(shard(1)->copies.at[0].offset, 1000);
	go_silent(op->world, 5);
	op->world->nodes[4].offset = -1;
	op->world->nodes[4].keys = ROP_COUNT_NOT_ASKED;
	looks(1);
	cr_assert_eq(op->commits, commits + 1);
	cr_assert_eq(shard(1)->copies.at[0].offset, 1500);
	cr_assert_eq(shard(1)->copies.at[0].keys, 150);
	cr_assert_eq(shard(1)->copies.at[0].seen_wall_ms, op->clock.wall_ms);
	cr_assert(shard(2)->copies.at[1].offset == -1 && shard(2)->copies.at[1].keys == -1, "unknown");
	expect_copy(shard(3), 1, 5, false);
	cr_assert_eq(shard(3)->copies.at[1].offset, 1002, "a silent copy is not a lost copy; it is as far as it was");
	looks(20);
	cr_assert_eq(op->commits, commits + 1);
}

/* Its process began anew without a data set, and its replica copied that. */
static void come_back_empty(int k)
{
	for (int i = k; i < 6; i += 3) {
		op->world->nodes[i].keys = 0;
		op->world->nodes[i].offset = 14;
		op->world->nodes[i].uptime_s = 1;
	}
}

static bool is_told_lost(int number)
{
	for (size_t i = 0; i < rop_reconcile_situation(op->r)->findings.n; i++)
		if (rop_reconcile_situation(op->r)->findings.at[i].is == ROP_WHY_DATA_LOSS &&
		    strstr(rop_reconcile_situation(op->r)->findings.at[i].text, rop_printf(pool, "shard %d: ", number)))
			return true;
	return false;
}

Test(shards, keys_that_come_to_be_and_go_are_news_and_twice_as_many_are)
{
	start_remembering();
	static const struct {
		int64_t keys;
		bool news;
	} COUNTS[] = { { 0, true }, { 100, true }, { 199, false }, { 202, true }, { 101, false }, { 0, true } };
	for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
		size_t commits = op->commits;
		op->world->nodes[0].keys = COUNTS[i].keys;
		looks(1);
		cr_assert_eq(op->commits, commits + COUNTS[i].news, "%d keys", (int)COUNTS[i].keys);
	}
	cr_assert_eq(shard(1)->copies.at[0].keys, 0);
}

Test(shards, a_shard_that_comes_back_empty_is_told_and_what_it_had_stays_known)
{
	start_remembering();
	int64_t had = shard(1)->copies.at[0].keys;
	cr_assert_gt(had, 0);
	come_back_empty(0);
	for (int i = 0; i < 20; i++) {
		looks(1);
		cr_assert(is_told_lost(1) && !is_told_lost(2));
		cr_assert_not(rop_reconcile_converged(op->r));
		cr_assert_eq(shard(1)->copies.at[0].keys, had);
	}
	for (int n = 0; n < 6; n += 3)
		op->world->nodes[n].keys = 5; /* clients write again, before anybody could look */
	looks(1);
	cr_assert(is_told_lost(1));
	cr_assert_not_null(strstr(rop_reconcile_situation(op->r)->findings.at[0].text, "and has 5; its copies"), "%s",
			   rop_reconcile_situation(op->r)->findings.at[0].text);
	for (int n = 0; n < 6; n += 3)
		op->world->nodes[n].keys = had / 2;
	looks(1);
	cr_assert_not(is_told_lost(1), "half of what it was is no empty one");
}

static const char *check_says(size_t *ret_errors)
{
	const struct rop_image image = rop_report_health_image(&op->image);
	struct rop_report r = { .arena = pool, .topology = op->options.topology };
	ROP_OWN_TEXT text = { 0 };
	*ret_errors = rop_report_health(&r,
					rop_situation_make(&(struct rop_situation){ .arena = pool,
										    .topology = op->options.topology,
										    .seen = op->world,
										    .image = &image,
										    .wall_ms = op->clock.wall_ms,
										    .looks_once = true }),
					&text);
	return rop_strdup(pool, text.at);
}

/* redis-cli's phrases are true of it: every slot is covered, with nothing in it. */
Test(shards, a_check_of_a_cluster_that_lost_data_says_ok_of_nothing)
{
	size_t errors;
	start_remembering();
	cr_assert(strstr(check_says(&errors), "[OK] All 16384 slots covered.\n") && !errors);
	come_back_empty(0);
	looks(1);
	const char *text = check_says(&errors);
	cr_assert(errors == 1 && strstr(text, "[ERR] shard 1: 10.0.0.1:6379 was started anew without its keys"), "%s",
		  text);
	cr_assert_null(strstr(text, "[OK]"), "%s", text);
	cr_assert(strstr(text, "[WARNING] All 16384 slots covered. Data was lost all the same, see above.\n"), "%s",
		  text);
	cr_assert(strstr(text, "[ERR] shard 1: ") < strstr(text, "Data was lost"), "%s", text);
}

Test(shards, a_cache_that_clients_fill_again_is_given_up_also_before_it_is_empty)
{
	start_remembering();
	struct rop_topology cache = *op->options.topology;
	cache.reform_on_total_loss = true;
	op->options.topology = &cache;
	hand_start(op);
	come_back_empty(0);
	op->world->nodes[0].keys = op->world->nodes[3].keys = 5;
	looks(1);
	cr_assert_not(is_told_lost(1));
	cr_assert_eq(shard(1)->copies.at[0].keys, 5);
}

Test(shards, what_is_flushed_is_not_taken_for_lost)
{
	start_remembering();
	for (int i = 0; i < 6; i += 3) {
		op->world->nodes[i].keys = 0;
		op->world->nodes[i].offset += 100;
	}
	looks(3);
	cr_assert(!is_told_lost(1) && rop_reconcile_converged(op->r));
}

Test(shards, without_offsets_the_age_of_its_process_tells)
{
	start_remembering();
	op->world->nodes[0].offset = op->world->nodes[3].offset = 0;
	op->world->nodes[0].keys = 1000000; /* twice as many: written down with the offsets */
	looks(1);
	cr_assert_eq(shard(1)->copies.at[0].offset, 0);
	op->world->nodes[0].keys = op->world->nodes[3].keys = 0;
	op->world->nodes[0].uptime_s = 1000000;
	looks(1);
	cr_assert_not(is_told_lost(1), "it ran all the time: somebody flushed it");
	op->world->nodes[0].keys = 1000000;
	looks(1);
	op->clock.wall_ms += 60000;
	op->world->nodes[0].keys = 0;
	op->world->nodes[0].uptime_s = 30;
	looks(1);
	cr_assert(is_told_lost(1));
}

Test(shards, a_copy_that_is_silent_or_has_keys_is_named_and_the_loss_stays_told)
{
	start_remembering();
	come_back_empty(0);
	op->world->nodes[3].keys = 90;
	looks(1);
	cr_assert(is_told_lost(1));
	cr_assert_not_null(strstr(rop_reconcile_situation(op->r)->findings.at[0].text,
				  "10.0.0.4:6379 still has its copy, and loses it as soon as it follows that one"));
	go_silent(op->world, 3);
	looks(1);
	cr_assert(is_told_lost(1));
	cr_assert_not_null(strstr(rop_reconcile_situation(op->r)->findings.at[0].text,
				  "before it is started again its files"),
			   "%s", rop_reconcile_situation(op->r)->findings.at[0].text);
	memcpy(op->world->nodes[3].id, node_id(3), ROP_ID_SIZE);
	op->world->nodes[3].reach = ROP_REACH_OK;
	op->world->nodes[3].keys = 0;
	looks(1);
	cr_assert(is_told_lost(1), "also when it was emptied afterwards");
}

Test(shards, a_silent_owner_keeps_its_shard)
{
	start_remembering();
	const char *slots = shard(2)->slots;
	go_silent(op->world, 1);
	op->world->nodes[4].link_up = false;
	rop_bit_clear(op->world, op->world->online, 1, 4);
	looks(50);
	cr_assert_eq(op->image.shards.n, 3);
	cr_assert_str_eq(shard(2)->slots, slots);
	cr_assert_eq(shard(2)->copies.n, 2);
	expect_copy(shard(2), 0, 1, true);
	expect_copy(shard(2), 1, 4, false);
	cr_assert_eq(shard(2)->copies.at[0].keys, 100);
}

Test(shards, nor_is_it_forgotten_when_its_slots_are_nobody_s)
{
	start_remembering();
	const char *slots = shard(2)->slots;
	go_silent(op->world, 1);
	go_silent(op->world, 4);
	op->world->nodes[1].slots = (struct rop_slots){ 0 }; /* a person made the others forget it */
	for (size_t i = 0; i < 6; i++)
		rop_bit_clear(op->world, op->world->known, i, 1);
	looks(50);
	cr_assert_str_eq(shard(2)->slots, slots);
	expect_copy(shard(2), 0, 1, true);
}

Test(shards, after_a_fail_over_the_number_stays_and_who_led_has_a_copy_until_seen_otherwise)
{
	start_remembering();
	const char *slots = shard(2)->slots;
	take_over(op->world, 4, 1);
	go_silent(op->world, 1);
	looks(20);
	cr_assert_eq(op->image.shards.n, 3);
	cr_assert_str_eq(shard(2)->slots, slots);
	cr_assert_eq(shard(2)->copies.n, 2);
	expect_copy(shard(2), 0, 4, true);
	expect_copy(shard(2), 1, 1, false);
	op->world->nodes[1].reach = ROP_REACH_OK; /* it comes back, and is filled from its successor */
	make_replica(op->world, 1, 4);
	op->world->nodes[1].syncing = true;
	op->world->nodes[1].link_up = false;
	looks(3);
	cr_assert_eq(shard(2)->copies.n, 1);
	op->world->nodes[1].syncing = false;
	op->world->nodes[1].link_up = true;
	all_online(op->world);
	looks(3);
	cr_assert_eq(shard(2)->copies.n, 2);
	expect_copy(shard(2), 1, 1, false);
}

Test(shards, a_link_that_breaks_and_comes_back_is_not_written)
{
	start_remembering();
	size_t commits = op->commits;
	for (int i = 0; i < 10; i++) {
		op->world->nodes[4].link_up = i % 2;
		(i % 2 ? rop_bit_set : rop_bit_clear)(op->world, op->world->online, 1, 4);
		looks(1);
	}
	cr_assert_eq(op->commits, commits);
	cr_assert_eq(shard(2)->copies.n, 2);
}

Test(shards, a_replica_counts_only_where_its_primary_says_so_too)
{
	start_formed();
	op->frozen = true;
	for (size_t i = 3; i < 6; i++)
		rop_bit_clear(op->world, op->world->online, i - 3, i);
	op->options.keep = true;
	hand_start(op);
	looks(3);
	cr_assert_eq(shard(2)->copies.n, 1, "its primary lists it as not online");
	all_online(op->world);
	op->world->nodes[4].syncing = true;
	looks(3);
	cr_assert(shard(1)->copies.n == 2 && shard(2)->copies.n == 1);
}

Test(shards, a_node_that_answers_as_another_one_has_lost_what_it_had)
{
	start_remembering();
	memcpy(op->world->nodes[4].id, node_id(40), ROP_ID_SIZE);
	op->world->nodes[4].role = ROP_ROLE_PRIMARY;
	op->world->nodes[4].primary = -1;
	looks(3);
	cr_assert_eq(shard(2)->copies.n, 1);
}

Test(shards, a_moved_slot_is_remembered_where_it_is_now)
{
	start_remembering();
	size_t commits = op->commits;
	move_slots(op->world, 0, 2, 0, 0);
	looks(3);
	cr_assert_eq(op->commits, commits + 1);
	cr_assert_str_eq(shard(1)->slots, "1-5460");
	cr_assert_str_eq(shard(3)->slots, "0 10923-16383");
	expect_copy(shard(3), 0, 2, true);
	hand_start(op); /* and another process knows them by the same numbers */
	looks(20);
	cr_assert_str_eq(shard(1)->slots, "1-5460");
	cr_assert_eq(op->image.members.at[0].shard, 1);
	cr_assert_eq(op->image.members.at[2].shard, 3);
}

Test(shards, what_two_claim_stays_as_it_was)
{
	start_remembering();
	const char *first = shard(1)->slots, *last = shard(3)->slots;
	rop_slots_add(&op->world->nodes[2].slots, 5, 5);
	looks(5);
	cr_assert_str_eq(shard(1)->slots, first);
	cr_assert_str_eq(shard(3)->slots, last);
}

Test(shards, an_owner_that_nobody_remembers_is_known_from_the_others)
{
	start_formed();
	op->frozen = true;
	go_silent(op->world, 1);
	hand_start(op);
	hand_look(op);
	cr_assert_str_eq(shard(2)->slots, "5461-10922");
	cr_assert_eq(shard(2)->copies.n, 1);
	expect_copy(shard(2), 0, 1, true);
	const struct rop_copy_memory *copy = &shard(2)->copies.at[0];
	cr_assert(copy->offset == -1 && copy->keys == -1 && copy->seen_wall_ms == 0);
}

Test(shards, without_a_majority_nothing_is_learnt)
{
	start_remembering();
	size_t commits = op->commits;
	go_silent(op->world, 0);
	go_silent(op->world, 1);
	move_slots(op->world, 0, 2, 0, 99);
	looks(5);
	cr_assert_gt(op->commits, commits, "that it is out of view is written");
	cr_assert_str_eq(shard(1)->slots, "0-5460");
}

Test(shards, a_plan_ends_with_it_as_without_it)
{
	start_remembering();
	struct rop_plan plan;
	rop_plan_make(pool, &op->options, op->world, op->clock, &plan);
	cr_assert(plan.result.reached && plan.steps.n == 0);
	op->image.shards.n = 0;
	rop_plan_make(pool, &op->options, op->world, op->clock, &plan);
	cr_assert(plan.result.reached && plan.steps.n == 0);
}
