/* test_lost.c - a shard that nobody is left of: offered to be given up, and nothing is done about it without that. */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/leaving.h"
#include "rop/report.h"
#include "rop/text.h"
#include "world.h"

TestSuite(lost, .init = world_setup, .fini = world_teardown);

/* Three shards with a replica each; the second one's servers were rebuilt, and are empty: nodes 1 and 4. */
#define LED 1
#define FOLLOWED 4
#define WAS_LED 51
#define WAS_FOLLOWER 54
#define SLOTS "5461-10922"

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_image *image;
static struct rop_consent *consent;

static size_t id_of(size_t node, bool rebuilt)
{
	if (rebuilt && node == LED)
		return WAS_LED;
	return rebuilt && node == FOLLOWED ? WAS_FOLLOWER : node;
}

static void remember(void)
{
	static const char *const RANGES[] = { "0-5460", SLOTS, "10923-16383" };
	image = rop_alloc(pool, sizeof *image);
	image->formed_wall_ms = 1;
	for (size_t i = 0; i < 6; i++)
		add_member(image, id_of(i, true), world->nodes[i].address);
	for (size_t s = 0; s < 3; s++) {
		struct rop_shard_memory *shard = rop_push(pool, &image->shards);
		*shard = (struct rop_shard_memory){ .number = (int)s + 1, .slots = RANGES[s] };
		for (size_t i = s; i < 6; i += 3) {
			struct rop_copy_memory *copy = rop_push(pool, &shard->copies);
			*copy = (struct rop_copy_memory){
				.address = world->nodes[i].address, .led = i < 3, .keys = 100, .offset = 7
			};
			memcpy(copy->node, node_id(id_of(i, true)), ROP_ID_SIZE);
		}
	}
}

static void is_blank_again(size_t node)
{
	lose_conf(world, node);
	world->nodes[node].keys = 0;
}

static void a_shard_was_rebuilt(void)
{
	topology = topology_of(3, 1, 6);
	world = formed_world(topology);
	for (size_t i = 0; i < 6; i++)
		world->nodes[i].keys = 100;
	consent = rop_alloc(pool, sizeof *consent);
	remember();
	is_blank_again(LED);
	is_blank_again(FOLLOWED);
	for (size_t i = 0; i < 6; i++)
		if (i != LED && i != FOLLOWED) {
			rop_observed_add_foreign(world, i, node_id(WAS_LED), ":0", "master,noaddr", SLOTS);
			rop_observed_add_foreign(world, i, node_id(WAS_FOLLOWER), ":0", "slave,noaddr", NULL);
		}
}

static struct rop_situation *situation(void)
{
	return rop_situation_make(&(struct rop_situation){
		.arena = pool,
		.topology = topology,
		.seen = rop_observed_with_ghosts(pool, world, image),
		.image = image,
		.consent = consent,
		.wall_ms = 100000,
		.boot_ms = 100000,
	});
}

static bool is_offered(void)
{
	struct rop_situation *now = situation();
	bool warned = false;
	for (size_t i = 0; i < now->warnings.n; i++)
		warned |= now->warnings.at[i].is == ROP_WHY_DATA_LOSS &&
			  strstr(now->warnings.at[i].advice, now->lost.digest);
	cr_assert_eq(warned, now->lost.list.n > 0, "it is said with the word that it takes, or not at all");
	return now->lost.list.n > 0;
}

static void given_up(void)
{
	consent->digest = rop_strdup(pool, situation()->lost.digest);
}

Test(lost, a_shard_that_nobody_is_left_of_is_offered_and_holds_nobody_up)
{
	a_shard_was_rebuilt();
	struct rop_situation *now = situation();
	cr_assert_eq(now->lost.list.n, 1);
	const struct rop_risk *loss = &now->lost.list.at[0];
	cr_assert_str_eq(loss->what, "slots");
	cr_assert_str_eq(loss->slots, SLOTS);
	cr_assert(loss->shard == 2 && loss->keys == 100);
	cr_assert(strstr(loss->text, "(100 keys when they were counted last,"));
	cr_assert(strstr(loss->text, "led it; rebuilt, and empty"));
	((struct rop_copy_memory *)rop_shard_led(&image->shards.at[1]))->keys = 0; /* as it was formed */
	cr_assert_null(strstr(situation()->lost.list.at[0].text, "0 keys"), "that says nothing of later");
	cr_assert(is_offered());
	cr_assert(!now->refused && now->in_view && now->formed && !now->all_answer);
	cr_assert_eq(batch_of(now, "forget_lost").steps.n, 0);
	cr_assert_eq(batch_of(now, "assign_slots").steps.n, 0);
}

Test(lost, a_check_names_what_is_lost_and_says_ok_of_nothing)
{
	a_shard_was_rebuilt();
	struct rop_report r = { .arena = pool, .topology = topology };
	ROP_OWN_TEXT text = { 0 };
	cr_assert_gt(rop_report_health(&r, situation(), &text), 0);
	cr_assert(strstr(text.at, "[ERR] shard 2: nobody is left who had slots 5461-10922"), "%s", text.at);
	cr_assert_null(strstr(text.at, "[OK]"), "%s", text.at);
}

Test(lost, given_up_it_is_forgotten_by_all_before_its_slots_go_to_an_empty_node)
{
	a_shard_was_rebuilt();
	given_up();
	struct rop_situation *now = situation();
	cr_assert(now->lost.list.n == 0 && consent->taken.list.n == 1);
	cr_assert(now->all_answer && !now->slots_assigned);
	struct rop_batch batch = batch_of(now, "forget_lost");
	cr_assert_eq(batch.steps.n, 4, "all that list it");
	for (size_t i = 0; i < batch.steps.n; i++) {
		cr_assert_str_eq(batch.steps.at[i].expect.peer, node_id(WAS_LED));
		cr_assert_eq(batch.steps.at[i].risk.kind, ROP_RISK_LOSS);
	}
	cr_assert_eq(batch_of(now, "assign_slots").steps.n, 0, "a node that lists it would call the slots busy");

	size_t kept = 0;
	for (size_t f = 0; f < world->foreign.n; f++)
		if (!world->foreign.at[f].slots)
			world->foreign.at[kept++] = world->foreign.at[f];
	world->foreign.n = kept;
	batch = batch_of(situation(), "assign_slots");
	cr_assert_eq(batch.steps.n, 1);
	cr_assert(batch.steps.at[0].node == LED && batch.steps.at[0].risk.kind == ROP_RISK_LOSS);
	cr_assert(batch.steps.at[0].expect.first == 5461 && batch.steps.at[0].expect.last == 10922);
}

Test(lost, another_word_gives_nothing_up)
{
	a_shard_was_rebuilt();
	consent->digest = "00000000";
	struct rop_situation *now = situation();
	cr_assert(now->lost.list.n == 1 && consent->taken.list.n == 0);
	cr_assert_eq(batch_of(now, "forget_lost").steps.n, 0);
}

Test(lost, what_may_be_left_of_it_is_not_offered)
{
	a_shard_was_rebuilt();
	cr_assert(is_offered());
	world->nodes[FOLLOWED].keys = 1;
	cr_assert_not(is_offered(), "where a copy was there are keys");
	world->nodes[FOLLOWED].keys = ROP_COUNT_UNKNOWN;
	cr_assert_not(is_offered(), "where a copy was nobody may count them");
	world->nodes[FOLLOWED].keys = 0;
	world->nodes[FOLLOWED].reach = ROP_REACH_SILENT;
	cr_assert_not(is_offered(), "a server that is declared is silent, and may be the old one again");
	world->nodes[FOLLOWED].reach = ROP_REACH_LOADING;
	cr_assert_not(is_offered(), "it reads what it has");
	world->nodes[FOLLOWED].reach = ROP_REACH_OK;
	give_slots(world, 2, 6000, 6000);
	cr_assert_not(is_offered(), "another one claims a slot of it");
	world->nodes[2].slots.bits[6000 / 64] &= ~((uint64_t)1 << (6000 % 64));
	cr_assert(is_offered());
	memcpy(image->shards.at[1].copies.at[1].node, node_id(0), ROP_ID_SIZE);
	cr_assert_not(is_offered(), "one that had a copy answers, and has keys");
	image->shards.n = 1;
	cr_assert_not(is_offered(), "nobody knows who had copies");
}

Test(lost, who_follows_it_may_have_it)
{
	a_shard_was_rebuilt();
	world->nodes[5].primary = -1;
	memcpy(world->nodes[5].primary_id, node_id(WAS_LED), ROP_ID_SIZE);
	cr_assert_not(is_offered());
}

Test(lost, who_reforms_gave_up_what_answers_and_is_empty)
{
	a_shard_was_rebuilt();
	topology->reform_on_total_loss = true;
	struct rop_situation *now = situation();
	cr_assert(now->lost.list.n == 0 && now->all_answer);
	cr_assert_eq(batch_of(now, "forget_lost").steps.n, 4);
	world->nodes[FOLLOWED].keys = 1;
	now = situation();
	cr_assert_eq(batch_of(now, "forget_lost").steps.n, 0, "a copy may be left");
}

/* ---- another way: the file names other servers ------------------------------------------------------------- */

#define OTHER 6

static void a_shard_was_replaced(void)
{
	struct rop_topology *declared = topology_of(3, 1, 7);
	topology = topology_of(3, 1, 6);
	world = formed_world(topology);
	remember();
	memcpy(image->members.at[LED].node, node_id(LED), ROP_ID_SIZE);
	memcpy(image->shards.at[1].copies.at[0].node, node_id(LED), ROP_ID_SIZE);
	image->members.n = 6;
	image->shards.at[1].copies.n = 1;
	declared->nodes.at[LED] = declared->nodes.at[OTHER]; /* the servers of the second shard are other ones now */
	consent = rop_alloc(pool, sizeof *consent);
	topology = declared;
	topology->nodes.n = 6;
	topology = rop_topology_leaving(pool, topology, image);
	struct rop_observed *seen = rop_observed_widened(pool, world, 1);
	seen->nodes[6] = world->nodes[LED];
	seen->nodes[6].leaving = node_id(LED);
	for (size_t i = 0; i < 6; i++) {
		seen->nodes[i].keys = 100;
		if (i == LED || i == FOLLOWED)
			continue;
		rop_bit_set(seen, seen->known, i, 6);
		rop_bit_set(seen, seen->listed, i, 6);
		rop_bit_set(seen, seen->failing, i, 6);
	}
	seen->n_leaving = 1;
	world = seen;
	is_blank_again(LED);
	memcpy(world->nodes[LED].id, node_id(OTHER), ROP_ID_SIZE);
	world->nodes[LED].address = "10.0.0.7:6379";
	is_blank_again(FOLLOWED);
	go_silent(world, 6);
}

Test(lost, servers_that_are_not_declared_any_more_and_silent_are_offered)
{
	a_shard_was_replaced();
	struct rop_situation *now = situation();
	cr_assert_eq(now->lost.list.n, 1);
	cr_assert(strstr(now->lost.list.at[0].text, "silent, and not declared any more"));
	rop_bit_clear(world, world->failing, 2, 6);
	cr_assert_not(is_offered(), "another node does not see it failing");
	rop_bit_set(world, world->failing, 2, 6);
	rop_bit_set(world, world->linked, 2, 6);
	cr_assert_not(is_offered(), "another node reaches it");
	rop_bit_clear(world, world->linked, 2, 6);
	world->nodes[6].reach = ROP_REACH_DENIED;
	cr_assert_not(is_offered(), "it is there, and does not let us ask");
	world->nodes[6].reach = ROP_REACH_SILENT;
	topology->reform_on_total_loss = true;
	cr_assert(is_offered(), "it does not answer: that it is empty is not known");
	topology->reform_on_total_loss = false;
	struct rop_copy_memory *copy = rop_push(pool, &image->shards.at[1].copies);
	*copy = (struct rop_copy_memory){ .address = "10.9.9.9:6379" };
	memcpy(copy->node, node_id(99), ROP_ID_SIZE);
	cr_assert_not(is_offered(), "one that had a copy was not asked");
	image->shards.at[1].copies.n--;
	given_up();
	now = situation();
	cr_assert_eq(batch_of(now, "forget_lost").steps.n, 4);
	cr_assert(now->retirements.at[0].given_up);
}
