/* test_replicas_stay.c - spec.replicaMigration: who gets cluster-allow-replica-migration no, and when. */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/permissions.h"
#include "world.h"

TestSuite(replicas_stay, .init = world_setup, .fini = world_teardown);

static struct rop_observed *with_value(struct rop_observed *world, const char *value)
{
	for (size_t i = 0; i < world->n; i++)
		set_value(world, i, ROP_REPLICA_MIGRATION, value);
	return world;
}

static size_t set_by(const struct rop_situation *now, const char *action)
{
	size_t n = 0;
	struct rop_batch batch = batch_of(now, action);
	for (size_t i = 0; i < batch.steps.n; i++) {
		const struct rop_expect *e = &batch.steps.at[i].expect;
		n += e->kind == ROP_STEP_SETTING && strcmp(e->name, ROP_REPLICA_MIGRATION) == 0 &&
		     strcmp(e->value, "no") == 0;
	}
	return n;
}

Test(replicas_stay, a_cluster_that_is_formed_gets_it)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = with_value(fresh_world(topology), "yes");
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_not(now->replicas_stay);
	cr_assert_eq(set_by(now, "keep_replicas"), 3);
	topology->keep_replica_migration = true;
	cr_assert_eq(set_by(situation_of(topology, world), "keep_replicas"), 0);
}

Test(replicas_stay, where_servers_have_no_such_setting_or_it_may_not_be_set_nothing_is)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = with_value(fresh_world(topology), "yes");
	set_value(world, 1, ROP_REPLICA_MIGRATION, NULL);
	cr_assert_eq(set_by(situation_of(topology, world), "keep_replicas"), 0);
	set_value(world, 1, ROP_REPLICA_MIGRATION, "yes");
	world->nodes[2].forbidden = ROP_PERMIT(CONFIG_SET);
	cr_assert_eq(set_by(situation_of(topology, world), "keep_replicas"), 0);
}

Test(replicas_stay, a_cluster_that_is_there_already_is_left_alone_until_a_member_has_it)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = with_value(formed_world(topology), "yes");
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_not(now->replicas_stay);
	cr_assert(now->settings_as_declared);
	cr_assert_eq(set_by(now, "keep_replicas"), 0);
	set_value(world, 1, ROP_REPLICA_MIGRATION, "no");
	now = situation_of(topology, world);
	cr_assert(now->replicas_stay);
	cr_assert_not(now->settings_as_declared);
	cr_assert_eq(set_by(now, "keep_replicas"), 2);
	manage_setting(topology, ROP_REPLICA_MIGRATION, "yes");
	cr_assert_not(situation_of(topology, world)->replicas_stay, "what the file says of it comes first");
}

Test(replicas_stay, with_the_first_slots_that_move_it_gets_it)
{
	struct rop_topology *three = topology_of(3, 0, 4), *four = topology_of(4, 0, 4);
	struct rop_observed *world = with_value(formed_world(topology_of(3, 0, 3)), "yes");
	cr_assert_eq(three->nodes.n, 4);
	struct rop_observed *wider = with_value(fresh_world(four), "yes");
	meet_all(wider);
	for (size_t i = 0; i < 3; i++)
		give_slots(wider, i, rop_slots_first(&world->nodes[i].slots),
			   rop_slots_first(&world->nodes[i].slots) + rop_slots_count(&world->nodes[i].slots) - 1);
	rop_settle(wider);
	struct rop_situation *now = situation_of(four, wider);
	cr_assert_gt(now->slots_to_move, 0);
	cr_assert(now->replicas_stay);
	cr_assert_eq(set_by(now, "keep_replicas"), 4);
}

Test(replicas_stay, what_is_owed_to_a_file_is_known_from_the_journal)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	cr_assert(rop_setting_is_declared(topology, ROP_REPLICA_MIGRATION, "no"));
	cr_assert_not(rop_setting_is_declared(topology, ROP_REPLICA_MIGRATION, "yes"));
	topology->keep_replica_migration = true;
	cr_assert_not(rop_setting_is_declared(topology, ROP_REPLICA_MIGRATION, "no"));
}
