/* test_identities.c - all ids are new and the keys are there: the nodes come together again around what they claim. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

TestSuite(identities, .init = world_setup, .fini = world_teardown);

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_image *image;
static struct rop_consent *consent;

/* Three nodes that kept their keys and not their nodes.conf, alone, each with slots of its own; three that are empty.
 */
static void nodes_conf_were_lost(void)
{
	topology = topology_of(3, 1, 6);
	world = fresh_world(topology);
	for (size_t i = 0; i < 3; i++) {
		give_slots(world, i, (int)i * 5461, (int)i * 5461 + 99);
		world->nodes[i].keys = 7;
	}
	image = rop_alloc(pool, sizeof *image);
	image->formed_wall_ms = 1;
	for (size_t i = 0; i < 6; i++)
		add_member(image, 500 + i, world->nodes[i].address);
	consent = rop_alloc(pool, sizeof *consent);
}

static struct rop_situation *situation(void)
{
	return rop_situation_make(&(struct rop_situation){
		.arena = pool, .topology = topology, .seen = world, .image = image, .consent = consent });
}

Test(identities, the_finding_has_the_word_that_brings_them_together)
{
	nodes_conf_were_lost();
	struct rop_situation *now = situation();
	cr_assert(now->refused && !now->rejoins && now->lost.list.n == 1);
	cr_assert_str_eq(now->findings.at[0].reason, "IdentitiesLost");
	cr_assert(strstr(now->findings.at[0].text, "16084 slots nobody claims"));
	cr_assert(strstr(now->findings.at[0].advice, now->lost.digest));
	cr_assert_eq(batch_of(now, "introduce_nodes").steps.n, 15, "the planner knows no refusal: the machine does");
	cr_assert_str_eq(now->lost.list.at[0].slots, "100-5460 5561-10921 11022-16383");
}

Test(identities, with_it_each_gets_an_epoch_then_they_meet_then_the_rest_is_given_out)
{
	nodes_conf_were_lost();
	consent->digest = rop_strdup(pool, situation()->lost.digest);
	struct rop_situation *now = situation();
	cr_assert(!now->refused && now->rejoins && !now->introduced);
	struct rop_batch batch = batch_of(now, "set_epochs");
	cr_assert_eq(batch.steps.n, 6);
	for (size_t i = 0; i < 6; i++)
		rop_step_effect(&batch.steps.at[i].expect, world);
	now = situation();
	cr_assert(!now->refused && !now->rejoins, "each has its epoch now");
	batch = batch_of(now, "introduce_nodes");
	cr_assert_eq(batch.steps.n, 15);
	for (size_t i = 0; i < batch.steps.n; i++)
		rop_step_effect(&batch.steps.at[i].expect, world);
	rop_settle(world);
	now = situation();
	cr_assert(!now->refused && !now->rejoins && now->introduced);
	batch = batch_of(now, "assign_slots");
	int given = 0;
	for (size_t i = 0; i < batch.steps.n; i++) {
		const struct rop_step *step = &batch.steps.at[i];
		given += step->expect.last - step->expect.first + 1;
		cr_assert(step->node < 3 && step->risk.kind == ROP_RISK_LOSS);
	}
	cr_assert_eq(given, 16384 - 300);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(world->nodes[i].keys, 7);
}

Test(identities, the_word_is_for_these_nodes_and_these_slots)
{
	nodes_conf_were_lost();
	const char *digest = rop_strdup(pool, situation()->lost.digest);
	give_slots(world, 1, 5600, 5600);
	cr_assert_str_neq(situation()->lost.digest, digest, "another slot is claimed");
	nodes_conf_were_lost();
	memcpy(world->nodes[2].id, node_id(77), ROP_ID_SIZE);
	cr_assert_str_neq(situation()->lost.digest, digest, "another node");
	nodes_conf_were_lost();
	world->nodes[0].keys = 8;
	cr_assert_str_eq(situation()->lost.digest, digest, "clients may have written");
}
