/* test_policy_alike.c - who can load what whom sends, and what follows for primaries, replicas and members. */
#include <criterion/criterion.h>
#include <string.h>

#include "world.h"

TestSuite(policy_alike, .init = world_setup, .fini = world_teardown);

static void is_redis(struct rop_observed *world, size_t node, int version)
{
	world->nodes[node].version = world->nodes[node].own_version = version;
	world->nodes[node].valkey = false;
	world->nodes[node].flavour = rop_printf(pool, "redis %d", version);
}

static void is_valkey(struct rop_observed *world, size_t node, int version)
{
	world->nodes[node].version = 70204;
	world->nodes[node].own_version = version;
	world->nodes[node].valkey = true;
	world->nodes[node].flavour = rop_printf(pool, "valkey %d", version);
}

static const struct rop_finding *finding(const struct rop_situation *now, const char *reason)
{
	for (size_t i = 0; i < now->findings.n; i++)
		if (strcmp(now->findings.at[i].reason, reason) == 0)
			return &now->findings.at[i];
	return NULL;
}

static const struct rop_finding *warning(const struct rop_situation *now, const char *reason)
{
	for (size_t i = 0; i < now->warnings.n; i++)
		if (strcmp(now->warnings.at[i].reason, reason) == 0)
			return &now->warnings.at[i];
	return NULL;
}

Test(policy_alike, older_servers_become_primaries_where_the_file_leaves_the_choice)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = fresh_world(topology);
	for (size_t i = 0; i < 6; i++)
		is_redis(world, i, i < 3 ? 80006 : 70015);
	struct rop_situation *now = situation_of(topology, world);
	for (size_t k = 0; k < 3; k++)
		cr_assert_eq(now->layout.shards[k].primary, (int)(3 + k));
	cr_assert_null(finding(now, "UnlikeServers"));
	cr_assert_not_null(strstr(warning(now, "UnlikeLater")->text, "after a fail-over of shard 1 10.0.0.4:6379 "
								     "(redis 70015) cannot load what 10.0.0.1:6379"));
	for (size_t i = 0; i < 6; i++)
		is_redis(world, i, 70015);
	now = situation_of(topology, world);
	cr_assert(now->layout.shards[0].primary == 0 && !warning(now, "UnlikeLater"), "else the order of the file");
}

/* Who may follow whom: {replica, primary}, and whether that can be. */
Test(policy_alike, a_replica_must_load_what_its_primary_sends)
{
	static const struct {
		bool valkey;
		int version;
		bool of_valkey;
		int of_version;
		bool loads;
	} PAIRS[] = {
		{ false, 70015, false, 70015, true },  { false, 80002, false, 70015, true },
		{ false, 70015, false, 80002, false }, { false, 70015, false, 70204, false },
		{ false, 70400, false, 80002, true },  { true, 80101, true, 90102, true },
		{ true, 90102, true, 80101, true },    { true, 80101, false, 70015, true },
		{ true, 80101, false, 70204, true },   { true, 80101, false, 70400, false },
		{ true, 90102, false, 80002, false },  { false, 70015, true, 80101, false },
		{ false, 70204, true, 80101, true },   { false, 70204, true, 90102, false },
		{ false, 80002, true, 80101, false },  { false, 80002, true, 90102, false },
	};
	for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
		struct rop_topology *topology = topology_of(1, 1, 2);
		struct rop_observed *world = fresh_world(topology);
		meet_all(world);
		give_slots(world, 0, 0, ROP_SLOTS - 1);
		(PAIRS[i].valkey ? is_valkey : is_redis)(world, 1, PAIRS[i].version);
		(PAIRS[i].of_valkey ? is_valkey : is_redis)(world, 0, PAIRS[i].of_version);
		struct rop_situation *now = situation_of(topology, world);
		cr_expect_eq(finding(now, "UnlikeServers") == NULL, PAIRS[i].loads, "pair %zu", i);
		if (!PAIRS[i].loads)
			cr_expect_eq(batch_of(now, "attach_replicas").steps.n, 0, "pair %zu", i);
		make_replica(world, 1, 0);
		now = situation_of(topology, world);
		cr_expect_null(finding(now, "UnlikeServers"), "pair %zu is one already: nothing is refused", i);
		if (!PAIRS[i].loads)
			cr_expect_not_null(warning(now, "UnlikeServers"), "pair %zu is told", i);
	}
}

Test(policy_alike, a_version_that_is_not_known_forbids_nothing)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = fresh_world(topology);
	is_redis(world, 0, 80002);
	is_redis(world, 5, 0);
	cr_assert_null(finding(situation_of(topology, world), "UnlikeServers"));
}

Test(policy_alike, who_has_other_databases_does_not_become_a_member)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = fresh_world(topology);
	for (size_t i = 0; i < 6; i++)
		set_value(world, i, "cluster-databases", i == 4 ? "1" : "16");
	const struct rop_finding *told = finding(situation_of(topology, world), "UnlikeServers");
	cr_assert_not_null(told);
	cr_assert_eq(strncmp(told->text, "10.0.0.5:6379 has cluster-databases 1, the others 16: ", 54), 0);
	cr_assert_str_eq(told->advice, "set 'cluster-databases 16' in its configuration, and restart it");

	world = formed_world(topology);
	for (size_t i = 0; i < 6; i++)
		set_value(world, i, "cluster-databases", i == 4 ? "1" : "16");
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_null(finding(now, "UnlikeServers"), "it is a member: said, and the others are cared for");
	cr_assert_eq(warning(now, "UnlikeServers")->node, 4);
	set_value(world, 4, "cluster-databases", "16");
	set_value(world, 3, "cluster-databases", NULL);
	cr_assert_null(warning(situation_of(topology, world), "UnlikeServers"), "not known is not unlike");
}
