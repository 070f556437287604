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

/* ---- modules ----------------------------------------------------------------------------------------------- */

Test(policy_alike, who_lacks_a_module_of_its_primary_is_not_made_its_replica)
{
	static const struct {
		const char *replica, *primary, *lacks;
	} PAIRS[] = {
		{ "", "", NULL },
		{ "ReJSON search ", "ReJSON search ", NULL },
		{ "ReJSON search ", "search ", NULL },
		{ "search ", "ReJSON search ", "ReJSON" },
		{ "", "search ", "search" },
		{ "research ", "search ", "search" },
		{ "searches ", "search ", "search" },
		{ "", "lua ", NULL }, /* Valkey's scripts */
		{ "", "lua search ", "search" },
		{ "search ", NULL, NULL },
	};
	for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
		struct rop_topology *topology = topology_of(1, 1, 2);
		struct rop_observed *world = fresh_world(topology);
		meet_all(world);
		give_slots(world, 0, 0, ROP_SLOTS - 1);
		world->nodes[0].modules = PAIRS[i].primary;
		world->nodes[1].modules = PAIRS[i].replica;
		struct rop_situation *now = situation_of(topology, world);
		const struct rop_finding *found = finding(now, "UnlikeServers");
		cr_assert_eq(found != NULL, PAIRS[i].lacks != NULL, "pair %zu", i);
		cr_assert_eq(batch_of(now, "attach_replicas").steps.n, PAIRS[i].lacks ? 0 : 1, "pair %zu", i);
		cr_assert_null(finding(now, "Unknown"));
		if (!found)
			continue;
		cr_assert_str_eq(found->text, rop_printf(pool,
							 "10.0.0.2:6379 lacks the module '%s' that 10.0.0.1:6379 has: "
							 "as its replica it cannot load what that module keeps, and "
							 "ends",
							 PAIRS[i].lacks));
		cr_assert_not_null(strstr(found->advice, "loadmodule"));
		make_replica(world, 1, 0); /* it is one already */
		now = situation_of(topology, world);
		cr_assert(!now->refused && warning(now, "UnlikeServers"), "pair %zu", i);
	}
}

Test(policy_alike, modules_that_are_not_told_of_count_where_the_primary_has_some)
{
	struct rop_topology *topology = topology_of(1, 1, 2);
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	give_slots(world, 0, 0, ROP_SLOTS - 1);
	world->nodes[0].modules = "search ";
	struct rop_situation *now = situation_of(topology, world);
	const struct rop_finding *found = finding(now, "Unknown");
	cr_assert(found && found->code == ROP_DENIED && found->node == 1);
	cr_assert_str_eq(found->text, "10.0.0.2:6379 would not tell which modules it has (user 'default' may not run "
				      "INFO modules), and 10.0.0.1:6379 has search: whether it can load what those "
				      "keep is not known");
	static const char *const FINE[] = { NULL, "", "lua " };
	for (size_t i = 0; i < sizeof FINE / sizeof *FINE; i++) {
		world->nodes[0].modules = FINE[i];
		cr_assert_not(situation_of(topology, world)->refused, "nothing says that there are any");
	}
	world->nodes[0].modules = "search ";
	make_replica(world, 1, 0);
	cr_assert_not(situation_of(topology, world)->refused, "it follows already");
}

Test(policy_alike, what_a_fail_over_would_do_to_a_primary_without_the_module_is_said)
{
	struct rop_topology *topology = topology_of(1, 1, 2);
	struct rop_observed *world = formed_world(topology);
	world->nodes[0].modules = "";
	world->nodes[1].modules = "search ";
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_not(now->refused);
	cr_assert_str_eq(warning(now, "UnlikeLater")->text, "after a fail-over of shard 1 10.0.0.1:6379 lacks the "
							    "module 'search' that 10.0.0.2:6379 has: as "
							    "its replica it cannot load what that module keeps, and "
							    "ends");
}
