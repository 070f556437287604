/* test_kept.c - a server that came back with another id and the copy that it had: emptied only when somebody gave it
 * up. */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/leaving.h"
#include "world.h"

TestSuite(kept, .init = world_setup, .fini = world_teardown);

#define KEPT 0 /* led the first shard, which 3 leads now */
#define SERVES 3
#define WAS 50

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_image *image;
static struct rop_consent *consent;

static void begin(struct rop_observed *of, size_t first_id)
{
	world = of;
	image = rop_alloc(pool, sizeof *image);
	consent = rop_alloc(pool, sizeof *consent);
	image->formed_wall_ms = 1;
	for (size_t i = 0; i < 6; i++)
		add_member(image, first_id + i, world->nodes[i].address);
}

static void a_copy_was_kept(void)
{
	topology = topology_of(3, 1, 6);
	begin(formed_world(topology), 0);
	memcpy(image->members.at[KEPT].node, node_id(WAS), ROP_ID_SIZE);
	struct rop_node *serves = &world->nodes[SERVES];
	serves->slots = world->nodes[KEPT].slots;
	serves->role = ROP_ROLE_PRIMARY;
	serves->primary = -1;
	serves->primary_id[0] = '\0';
	serves->epoch = 7;
	lose_conf(world, KEPT);
	rop_slots_add(&world->nodes[KEPT].slots, 0, 99);
	for (size_t i = 0; i < 6; i++) {
		world->nodes[i].keys = 100;
		if (i != KEPT)
			rop_observed_add_foreign(world, i, node_id(WAS), ":0", "master,fail,noaddr", NULL);
	}
}

static struct rop_situation *situation(void)
{
	return rop_situation_make(&(struct rop_situation){ .arena = pool,
							   .topology = topology,
							   .seen = rop_observed_with_ghosts(pool, world, image),
							   .image = image,
							   .consent = consent });
}

static bool is_offered(void)
{
	struct rop_situation *now = situation();
	cr_assert(now->refused && !now->to_empty, "nothing is done by itself");
	cr_assert_eq(batch_of(now, "empty_kept").steps.n, 0);
	for (size_t i = 0; i < now->findings.n; i++)
		if (now->findings.at[i].advice && strstr(now->findings.at[i].advice, "--allow-data-loss"))
			return true;
	return false;
}

Test(kept, it_is_offered_with_what_only_it_may_have)
{
	a_copy_was_kept();
	cr_assert(is_offered());
	struct rop_situation *now = situation();
	cr_assert_eq(now->lost.list.n, 1);
	cr_assert_str_eq(now->lost.list.at[0].what, "copy");
	cr_assert_str_eq(now->lost.list.at[0].copies, world->nodes[KEPT].id);
	cr_assert_eq(now->lost.list.at[0].keys, 100);
}

Test(kept, given_up_it_is_emptied_before_it_meets_anybody)
{
	a_copy_was_kept();
	consent->digest = rop_strdup(pool, situation()->lost.digest);
	struct rop_situation *now = situation();
	cr_assert(!now->refused && now->to_empty && !now->introduced);
	cr_assert_eq(batch_of(now, "introduce_nodes").steps.n, 0);
	struct rop_batch batch = batch_of(now, "empty_kept");
	cr_assert_eq(batch.steps.n, 1);
	const struct rop_step *step = &batch.steps.at[0];
	cr_assert(step->node == KEPT && step->risk.kind == ROP_RISK_LOSS && step->n_commands == 0);
	struct rop_step described = *step;
	rop_step_describe(pool, now->seen, &described);
	cr_assert_eq(described.n_commands, 2);
	cr_assert_str_eq(described.commands[0].argv[0], "FLUSHALL");
	cr_assert_str_eq(described.commands[1].argv[2], "SOFT");
	cr_assert_not(rop_expect_seen(&step->expect, world));
	rop_step_effect(&step->expect, world);
	cr_assert(rop_expect_seen(&step->expect, world));
	now = situation();
	cr_assert(!now->refused && !now->to_empty && now->retirements.n == 1, "it is taken in as any other");
	cr_assert_gt(batch_of(now, "introduce_nodes").steps.n, 0);
}

Test(kept, what_may_be_the_only_copy_is_not_offered)
{
	a_copy_was_kept();
	world->nodes[SERVES].keys = 99;
	cr_assert_not(is_offered(), "who serves has fewer keys");
	world->nodes[SERVES].keys = ROP_COUNT_UNKNOWN;
	cr_assert_not(is_offered(), "nobody knows how many who serves has");
	world->nodes[SERVES].keys = 100;
	cr_assert(is_offered());
	world->nodes[KEPT].keys = ROP_COUNT_UNKNOWN;
	cr_assert_not(is_offered(), "nobody knows how many it has");
	world->nodes[KEPT].keys = 100;
	world->nodes[KEPT].functions = 1;
	cr_assert_not(is_offered(), "it has functions too");
	world->nodes[KEPT].functions = 0;
	world->nodes[KEPT].others = 1;
	cr_assert_not(is_offered(), "it knows somebody");
	world->nodes[KEPT].others = 0;
	world->nodes[KEPT].slots = (struct rop_slots){ 0 };
	rop_slots_add(&world->nodes[KEPT].slots, 5361, 5560);
	cr_assert_not(is_offered(), "nobody serves most of what it claims");
	world->nodes[KEPT].slots = (struct rop_slots){ 0 };
	rop_slots_add(&world->nodes[KEPT].slots, 0, 99);
	rop_bit_set(world, world->failing, 1, SERVES);
	cr_assert_not(is_offered(), "who serves is in doubt");
	rop_bit_clear(world, world->failing, 1, SERVES);
	memcpy(image->members.at[KEPT].node, world->nodes[KEPT].id, ROP_ID_SIZE);
	cr_assert_not(is_offered(), "it was a member as it is");
}

/* ---- all of them --------------------------------------------------------------------------------------------- */

/* Every nodes.conf was lost, and each replica has kept its copy as well. */
static void all_copies_were_kept(void)
{
	static const char *const RANGES[] = { "0-5460", "5461-10922", "10923-16383" };
	topology = topology_of(3, 1, 6);
	begin(fresh_world(topology), 500);
	for (size_t i = 0; i < 6; i++) {
		rop_slots_add(&world->nodes[i].slots, (int)(i % 3) * 5461 + 1, (int)(i % 3) * 5461 + 100);
		world->nodes[i].keys = 7;
	}
	for (size_t s = 0; s < 3; s++) {
		struct rop_shard_memory *shard = rop_push(pool, &image->shards);
		*shard = (struct rop_shard_memory){ .number = (int)s + 1, .slots = RANGES[s] };
		struct rop_copy_memory *copy = rop_push(pool, &shard->copies);
		*copy = (struct rop_copy_memory){ .address = world->nodes[s].address, .led = true, .keys = 7 };
		memcpy(copy->node, node_id(500 + s), ROP_ID_SIZE);
	}
}

Test(kept, of_two_that_claim_the_same_slots_the_one_that_led_stays)
{
	all_copies_were_kept();
	struct rop_situation *now = situation();
	cr_assert_eq(now->lost.list.n, 4, "the slots that nobody claims, and a copy of each shard");
	for (size_t i = 0; i < now->findings.n; i++)
		cr_assert_str_eq(now->findings.at[i].reason, "IdentitiesLost");
	consent->digest = rop_strdup(pool, now->lost.digest);
	now = situation();
	cr_assert(!now->refused && now->to_empty && now->rejoins);
	struct rop_batch batch = batch_of(now, "empty_kept");
	cr_assert_eq(batch.steps.n, 3);
	for (size_t i = 0; i < batch.steps.n; i++) {
		cr_assert_geq(batch.steps.at[i].node, 3, "those that led keep what they have");
		rop_step_effect(&batch.steps.at[i].expect, world);
	}
	now = situation();
	cr_assert(!now->refused && !now->to_empty && now->rejoins, "the word still holds");
}

Test(kept, where_it_cannot_be_told_who_led_nobody_is_emptied)
{
	all_copies_were_kept();
	world->nodes[4].keys = 8;
	cr_assert_eq(situation()->lost.list.n, 0, "a replica has more keys than who led");
	world->nodes[4].keys = 7;
	image->shards.at[1].copies.n = 0;
	cr_assert_eq(situation()->lost.list.n, 0, "nobody knows who led");
}
