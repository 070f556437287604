/* test_policy_guard.c - what may cost data waits, or is told with its price; each story once. */
#include <criterion/criterion.h>
#include <string.h>

#include "world.h"

TestSuite(policy_guard, .init = world_setup, .fini = world_teardown);

/* Three shards with a replica each, 100 keys in each; replicas in sync. */
static struct rop_observed *full_world(struct rop_topology *topology)
{
	struct rop_observed *world = formed_world(topology);
	for (size_t i = 0; i < world->n; i++) {
		world->nodes[i].keys = 100;
		if (world->nodes[i].role == ROP_ROLE_REPLICA)
			rop_bit_set(world, world->online, (size_t)world->nodes[i].primary, i);
	}
	return world;
}

static void stand_aside(struct rop_observed *world, size_t node)
{
	set_value(world, node, "cluster-replica-no-failover", "yes");
}

static const char *held(const struct rop_situation *now, int node)
{
	for (size_t i = 0; i < now->held.n; i++)
		if (now->held.at[i].node == node)
			return now->held.at[i].why;
	cr_assert_fail("%s is not held", now->seen->nodes[node].address);
	return NULL;
}

/* Nodes 3 and 4 have each other's shard: the pins of an edited file. */
static struct rop_topology *swapped(void)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	static const int SHARDS[] = { 1, 2, 3, 2, 1, 3 };
	for (size_t i = 0; i < 6; i++)
		topology->nodes.at[i].shard = SHARDS[i];
	return topology;
}

Test(policy_guard, a_replica_is_not_attached_to_a_primary_that_does_not_answer)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = full_world(topology);
	make_replica(world, 4, 0);
	rop_bit_set(world, world->online, 0, 4);
	go_silent(world, 1);
	stand_aside(world, 4);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_not(now->refused);
	cr_assert(now->replicas_held && !now->replicas_attached);
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0);
	cr_assert_str_eq(held(now, 4), "10.0.0.2:6379 does not answer (connection refused)");
}

Test(policy_guard, a_replica_is_not_attached_to_a_primary_that_a_peer_sees_failing)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = full_world(topology);
	make_replica(world, 4, 0);
	rop_bit_set(world, world->online, 0, 4);
	stand_aside(world, 4);
	cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 1);
	rop_bit_set(world, world->failing, 5, 1);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0);
	cr_assert_str_eq(held(now, 4), "10.0.0.6:6379 sees 10.0.0.2:6379 failing");
	/* Whom the others see failing says nothing of others. */
	for (size_t i = 0; i < 3; i++)
		rop_bit_set(world, world->failing, i, 5);
	cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 1);
	/* Most of the owners: two of three, whichever; one is too few. */
	for (size_t trusts = 0; trusts < 3; trusts++) {
		rop_bit_clear(world, world->failing, trusts, 5);
		cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 1);
		rop_bit_clear(world, world->failing, (trusts + 1) % 3, 5);
		cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 0);
		rop_bit_set(world, world->failing, trusts, 5);
		rop_bit_set(world, world->failing, (trusts + 1) % 3, 5);
	}
}

/* The others go on: it is no reason to change nothing at all. */
Test(policy_guard, a_node_that_does_not_tell_a_setting_waits_alone)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = full_world(topology);
	make_replica(world, 4, 0);
	rop_bit_set(world, world->online, 0, 4);
	set_value(world, 4, "cluster-replica-no-failover", NULL);
	world->nodes[4].refused = "config|get";
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0);
	cr_assert_not_null(strstr(held(now, 4), "10.0.0.5:6379 would not tell its setting "
						"cluster-replica-no-failover"));
	cr_assert(now->held.n == 1 && now->held.at[0].denied);
	cr_assert(now->findings.n == 0 && !now->refused);
}

Test(policy_guard, the_last_copy_of_a_silent_primary_is_not_moved)
{
	struct rop_topology *topology = swapped();
	struct rop_observed *world = full_world(topology_of(3, 1, 6));
	go_silent(world, 0);
	stand_aside(world, 3);
	stand_aside(world, 4);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0,
		     "3 holds the last copy, and 4 would follow the silent one");
	cr_assert_str_eq(held(now, 3), "10.0.0.1:6379 does not answer (connection refused); 10.0.0.4:6379 holds a copy "
				       "of its data and stays as it is");
}

Test(policy_guard, replicas_with_data_move_one_at_a_time_and_stand_aside_first)
{
	struct rop_topology *topology = swapped();
	struct rop_observed *world = full_world(topology_of(3, 1, 6));
	struct rop_batch batch = batch_of(situation_of(topology, world), "attach_replicas");
	cr_assert_eq(batch.steps.n, 1);
	cr_assert(batch.steps.at[0].expect.kind == ROP_STEP_LOWER && batch.steps.at[0].node == 3);
	cr_assert_str_eq(batch.steps.at[0].expect.name, "cluster-replica-no-failover");
	stand_aside(world, 3);
	batch = batch_of(situation_of(topology, world), "attach_replicas");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].expect.kind == ROP_STEP_ROLE && batch.steps.at[0].node == 3);
	cr_assert_eq(batch.steps.at[0].risk.kind, ROP_RISK_DURABILITY);
	cr_assert_str_eq(batch.steps.at[0].risk.text, "shard 1 has no replica in sync while 10.0.0.4:6379, its only "
						      "one, moves");
}

static const char *slots_of(const struct rop_situation *now)
{
	const char *text = "";
	for (size_t i = 0; i < now->losses.list.n; i++)
		text = rop_printf(pool, "%s%d:%s ", text, now->losses.list.at[i].shard, now->losses.list.at[i].slots);
	return text;
}

/* In the order of the shards, whoever is the first node: the digest a person consents to is over that. */
Test(policy_guard, losses_are_in_the_order_of_their_shards)
{
	for (size_t lost = 0; lost < 5; lost++) {
		struct rop_topology *topology = topology_of(5, 0, 5);
		struct rop_observed *world = full_world(topology);
		const char *want = "";
		for (int i = 0; i < 5; i++) {
			int first, last;
			rop_slots_run(&world->nodes[i].slots, 0, &first, &last);
			if (i == (int)lost)
				continue;
			want = rop_printf(pool, "%s%d:%d-%d ", want, i + 1, first, last);
			memset(&world->nodes[i].slots, 0, sizeof world->nodes[i].slots);
			world->nodes[i].keys = 0;
		}
		cr_assert_str_eq(slots_of(situation_of(topology, world)), want);
	}
}

Test(policy_guard, of_very_many_losses_some_are_told_and_the_others_counted)
{
	for (int lost = 5; lost <= 8; lost++) {
		struct rop_topology *topology = topology_of(9, 0, 9);
		struct rop_observed *world = full_world(topology);
		int slots = 0;
		for (int i = 0; i < lost; i++) {
			slots += rop_slots_count(&world->nodes[i].slots);
			memset(&world->nodes[i].slots, 0, sizeof world->nodes[i].slots);
			world->nodes[i].keys = 0;
		}
		const struct rop_situation *now = situation_of(topology, world);
		cr_assert_eq(now->losses.list.n, (size_t)lost);
		cr_assert_eq(now->findings.n, (size_t)(lost < 6 ? lost : 6));
		for (size_t i = 0; i < now->findings.n; i++) {
			const struct rop_finding *f = &now->findings.at[i];
			const char *more = strstr(f->text, "; and ");
			cr_assert(f->is == ROP_WHY_DATA_LOSS && f->node == -1);
			if (i == 5 && lost > 6)
				cr_assert_str_eq(more, rop_printf(pool,
								  "; and %d more losses, of %d slots in all "
								  "(`redis-operator plan -o json FILE` lists them)",
								  lost - 6, slots));
			else
				cr_assert_null(more, "%s", f->text);
		}
	}
}

Test(policy_guard, what_gives_up_persistence_is_told_and_done)
{
	static const struct {
		const char *name, *was, *value, *text;
	} CASES[] = {
		{ "save", "3600 1", "", "10.0.0.1:6379 writes no snapshots any more (save \"\")" },
		{ "save", "", "3600 1", NULL },
		{ "notify-keyspace-events", "AKE", "", NULL },
		{ "appendonly", "yes", "no", "10.0.0.1:6379 writes its commands to no file any more (appendonly no)" },
		{ "appendonly", "no", "yes", NULL },
		{ "appendfsync", "always", "no",
		  "10.0.0.1:6379 leaves it to its host when the append-only file reaches the disk (appendfsync no)" },
		{ "appendfsync", "no", "everysec", NULL },
	};
	for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
		struct rop_topology *topology = topology_of(3, 0, 3);
		manage_setting(topology, CASES[c].name, CASES[c].value);
		struct rop_observed *world = formed_world(topology);
		for (size_t i = 0; i < 3; i++)
			set_value(world, i, CASES[c].name, CASES[c].was);
		struct rop_batch batch = batch_of(situation_of(topology, world), "apply_settings");
		cr_assert_geq(batch.steps.n, 1, "%s", CASES[c].name);
		const struct rop_risk *risk = &batch.steps.at[0].risk;
		cr_assert_eq(risk->kind, CASES[c].text ? ROP_RISK_DURABILITY : ROP_RISK_NONE, "%s %s", CASES[c].name,
			     CASES[c].value);
		if (CASES[c].text) {
			cr_assert_str_eq(risk->text, CASES[c].text);
			cr_assert_str_eq(risk->what, "persistence");
		}
	}
}

/* Whom a person would have to bring back: those who had these slots, and nobody else. */
Test(policy_guard, of_slots_that_nobody_owns_it_says_who_had_them)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = full_world(topology);
	struct rop_image image = { .formed_wall_ms = 1 };
	for (size_t k = 0; k < 3; k++) {
		struct rop_shard_memory *shard = rop_push(pool, &image.shards);
		*shard = (struct rop_shard_memory){ .number = (int)k + 1,
						    .slots = rop_slots_text(pool, &world->nodes[k].slots) };
		struct rop_copy_memory *copy = rop_push(pool, &shard->copies);
		*copy = (struct rop_copy_memory){ .address = world->nodes[k].address, .led = true, .keys = 100 };
		memcpy(copy->node, world->nodes[k].id, ROP_ID_SIZE);
	}
	memset(&world->nodes[1].slots, 0, sizeof world->nodes[1].slots);
	world->nodes[1].keys = 0;
	struct rop_situation *now = situation_with(topology, world, &image, NULL, 0);
	cr_assert_eq(now->losses.list.n, 1);
	const struct rop_risk *loss = &now->losses.list.at[0];
	cr_assert(strstr(loss->text, "slots 5461-10922 (shard 2) are owned by nobody; their data was last seen on "
				     "10.0.0.2:6379 (led them); all of these answer, and are empty now"),
		  "%s", loss->text);
	cr_assert_eq(loss->keys, 100);

	/* A standing consent is for slots of which no copy has a key any more. */
	topology->reform_on_total_loss = true;
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->losses.list.n, 0);
	struct rop_copy_memory *other = rop_push(pool, &image.shards.at[1].copies);
	*other = (struct rop_copy_memory){ .address = world->nodes[0].address, .keys = 100 };
	memcpy(other->node, world->nodes[0].id, ROP_ID_SIZE);
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->losses.list.n, 1);
}

/* It came back with its keys and a nodes.conf that holds itself alone: it claims the slots of these keys. */
Test(policy_guard, slots_that_peers_hold_as_its_own_are_given_back_to_who_led_them)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = full_world(topology);
	struct rop_image image = { .formed_wall_ms = 1 };
	struct rop_shard_memory *shard = rop_push(pool, &image.shards);
	*shard = (struct rop_shard_memory){ .number = 2, .slots = "5461-10922" };
	struct rop_copy_memory *copy = rop_push(pool, &shard->copies);
	*copy = (struct rop_copy_memory){ .address = world->nodes[1].address, .led = true, .keys = 100 };
	memcpy(copy->node, world->nodes[1].id, ROP_ID_SIZE);
	memset(&world->nodes[1].slots, 0, sizeof world->nodes[1].slots);
	rop_slots_add(&world->nodes[1].slots, 5461, 6000);
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->losses.list.n, 1, "nobody says whose they are");
	struct rop_difference *differs = rop_push(pool, &world->differences);
	*differs = (struct rop_difference){
		.viewer = 0, .subject = 1, .in = ROP_DIFFERS_SLOTS, .slots = "6001-10922", .holder = 1
	};
	struct rop_situation *now = situation_with(topology, world, &image, NULL, 0);
	cr_assert(now->losses.list.n == 0 && !now->refused);
	struct rop_batch batch = batch_of(now, "assign_slots");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].node == 1 && batch.steps.at[0].expect.first == 6001);

	differs->holder = 2;
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->losses.list.n, 1, "they are another one's");
	differs->holder = 1;
	differs->slots = "6001-10921";
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->losses.list.n, 1, "not all of them");
	differs->slots = "6001-10922";
	world->nodes[1].keys = 0;
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->losses.list.n, 1, "it is empty");
	world->nodes[1].keys = 100;
	copy->led = false;
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->losses.list.n, 1, "it followed");
}

/* The nodes are empty and the database is lost: that there were elections is all that is left of what was there. */
Test(policy_guard, each_trace_of_a_history_alone_is_one)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(topology);
	memset(&world->nodes[1].slots, 0, sizeof world->nodes[1].slots);
	for (size_t i = 0; i < 3; i++) {
		world->nodes[i].keys = 0;
		world->nodes[i].current_epoch = 6;
	}
	cr_assert_eq(situation_of(topology, world)->losses.list.n, 0, "a formation gives out 1 to 3");
	world->nodes[2].current_epoch = 7;
	cr_assert_eq(situation_of(topology, world)->losses.list.n, 1);
	world->nodes[2].current_epoch = 6;
	struct rop_image formed = { .formed_wall_ms = 1 }, shards = { 0 };
	cr_assert_eq(situation_with(topology, world, &formed, NULL, 0)->losses.list.n, 1);
	*rop_push(pool, &shards.shards) = (struct rop_shard_memory){ .number = 2, .slots = "5461-10922" };
	cr_assert_eq(situation_with(topology, world, &shards, NULL, 0)->losses.list.n, 1);
}

Test(policy_guard, slots_with_a_history_are_given_out_with_consent_that_names_them)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = full_world(topology);
	memset(&world->nodes[1].slots, 0, sizeof world->nodes[1].slots);
	world->nodes[1].keys = 0;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->refused && now->losses.list.n == 1);
	cr_assert_eq(batch_of(now, "assign_slots").steps.n, 0);
	cr_assert_str_eq(now->losses.list.at[0].slots, "5461-10922");
	cr_assert_not_null(strstr(now->findings.at[0].advice, now->losses.digest));
	cr_assert_str_eq(now->losses.digest, "e8f9456e", "told by one version, it is consented to with the next");

	struct rop_consent consent = { .digest = now->losses.digest }, other = { .digest = "00000000" };
	struct rop_situation asked = {
		.arena = pool, .topology = topology, .seen = world, .image = &no_image, .consent = &other
	};
	rop_situation_assess(&asked);
	cr_assert(asked.refused, "consent to something else");
	asked = (struct rop_situation){
		.arena = pool, .topology = topology, .seen = world, .image = &no_image, .consent = &consent
	};
	rop_situation_assess(&asked);
	cr_assert_not(asked.refused);
	struct rop_batch batch = batch_of(&asked, "assign_slots");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].risk.kind == ROP_RISK_LOSS);
	/* A part of what was consented to, when the rest is done: covered. Another loss: not. */
	rop_slots_add(&world->nodes[1].slots, 5461, 9000);
	struct rop_situation rest = {
		.arena = pool, .topology = topology, .seen = world, .image = &no_image, .consent = &consent
	};
	rop_situation_assess(&rest);
	cr_assert_not(rest.refused);
	memset(&world->nodes[2].slots, 0, sizeof world->nodes[2].slots);
	world->nodes[2].keys = 0;
	struct rop_situation more = {
		.arena = pool, .topology = topology, .seen = world, .image = &no_image, .consent = &consent
	};
	rop_situation_assess(&more);
	cr_assert(more.refused);
}

Test(policy_guard, unknown_keys_are_not_taken_for_none)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	world->nodes[1].keys = ROP_COUNT_UNKNOWN;
	world->nodes[1].refused = "INFO keyspace";
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->refused && now->findings.at[0].code == ROP_DENIED);
	cr_assert_not_null(strstr(now->findings.at[0].text, "user 'default' may not run INFO keyspace"));
	world->nodes[1].keys = 0;
	world->nodes[1].functions = ROP_COUNT_UNKNOWN;
	cr_assert(situation_of(topology, world)->refused);
	/* In a cluster that is there nothing needs to know: looking and settings go on. */
	world = full_world(topology);
	for (size_t i = 0; i < 3; i++)
		world->nodes[i].keys = world->nodes[i].functions = ROP_COUNT_UNKNOWN;
	now = situation_of(topology, world);
	cr_assert(!now->refused && rop_situation_converged(now));
}

Test(policy_guard, a_limit_under_what_is_used_with_an_evicting_policy_is_a_loss)
{
	struct rop_topology *topology = topology_of(1, 0, 1);
	manage_setting(topology, "maxmemory", "2mb");
	struct rop_observed *world = full_world(topology);
	set_value(world, 0, "maxmemory", "0");
	set_value(world, 0, "maxmemory-policy", "allkeys-lru");
	world->nodes[0].used_memory = 3 * 1024 * 1024;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->refused && now->losses.list.n == 1);
	cr_assert(strstr(now->losses.list.at[0].text, "uses 3145728 bytes"), "%s", now->losses.list.at[0].text);
	cr_assert_eq(batch_of(now, "apply_settings").steps.n, 0);
	set_value(world, 0, "maxmemory-policy", "noeviction");
	cr_assert_not(situation_of(topology, world)->refused);
	set_value(world, 0, "maxmemory-policy", "allkeys-lru");
	world->nodes[0].used_memory = 1024 * 1024;
	cr_assert_not(situation_of(topology, world)->refused);
	world->nodes[0].used_memory = 0;
	cr_assert_not(situation_of(topology, world)->refused, "nothing is known to be little");
	world->nodes[0].used_memory = -1;
	now = situation_of(topology, world);
	cr_assert(now->refused, "unknown is not little");
	cr_assert(strstr(now->losses.list.at[0].text, "uses an unknown number of bytes"), "%s",
		  now->losses.list.at[0].text);
}

/* Both are declared: the policy that keeps keys is in force before the limit comes down. */
Test(policy_guard, a_lower_limit_waits_for_the_policy_that_keeps_the_keys)
{
	struct rop_topology *topology = topology_of(1, 0, 1);
	manage_setting(topology, "maxmemory", "2mb");
	manage_setting(topology, "maxmemory-policy", "noeviction");
	struct rop_observed *world = full_world(topology);
	set_value(world, 0, "maxmemory", "0");
	set_value(world, 0, "maxmemory-policy", "allkeys-lru");
	world->nodes[0].used_memory = 3 * 1024 * 1024;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_not(now->refused);
	struct rop_batch batch = batch_of(now, "apply_settings");
	cr_assert_eq(batch.steps.n, 1);
	cr_assert_str_eq(batch.steps.at[0].expect.name, "maxmemory-policy");
	set_value(world, 0, "maxmemory-policy", "noeviction");
	batch = batch_of(situation_of(topology, world), "apply_settings");
	cr_assert_str_eq(batch.steps.at[0].expect.name, "maxmemory");
}

Test(policy_guard, a_configuration_with_a_temporary_setting_in_force_is_not_written_down)
{
	struct rop_topology *topology = topology_of(1, 1, 2);
	manage_setting(topology, "hz", "20");
	struct rop_observed *world = full_world(topology);
	struct rop_image image = { .known = true };
	set_value(world, 1, "hz", "20");
	struct rop_tries *tries = tries_that_took(topology);
	cr_assert_eq(batch_of(situation_with(topology, world, &image, tries, 0), "apply_settings").steps.n, 2);
	struct rop_temporary lowered = { .name = "cluster-node-timeout", .original = "15000", .temporary = "531" };
	memcpy(lowered.node, world->nodes[0].id, ROP_ID_SIZE);
	*rop_push(pool, &image.temporaries) = lowered;
	struct rop_batch batch = batch_of(situation_with(topology, world, &image, tries, 0), "apply_settings");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].expect.kind == ROP_STEP_SETTING);
}

Test(policy_guard, a_second_server_with_the_same_id_is_told_apart_from_a_node_that_moved)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = full_world(topology);
	set_value(world, 1, "cluster-node-timeout", "2000");
	world->nodes[1].own_address = "10.0.0.2:6379";
	world->nodes[1].elsewhere = "10.0.0.9:6379";
	struct rop_before before[3] = { 0 };
	struct rop_situation first = {
		.arena = pool, .topology = topology, .seen = world, .image = &no_image, .before = before
	};
	rop_situation_assess(&first);
	cr_assert_not(first.refused, "a new address is believed within a node timeout");
	before[1] = (struct rop_before){ .role = ROP_ROLE_PRIMARY,
					 .epoch = world->nodes[1].epoch,
					 .answered = true,
					 .elsewhere = "10.0.0.9:6379",
					 .elsewhere_since_ms = 1000,
					 .elsewhere_seen_ms = 2900 };
	memcpy(before[1].id, world->nodes[1].id, ROP_ID_SIZE);
	struct rop_situation later = first;
	later = (struct rop_situation){ .arena = pool,
					.topology = topology,
					.seen = world,
					.image = &no_image,
					.before = before,
					.boot_ms = 3000 };
	rop_situation_assess(&later);
	cr_assert(later.refused);
	cr_assert_str_eq(later.findings.at[0].reason, "SameNodeId");
	/* Peers that are torn between the two show it now and then. */
	world->nodes[1].elsewhere = NULL;
	before[1].elsewhere_seen_ms = 3000;
	struct rop_situation torn = { .arena = pool,
				      .topology = topology,
				      .seen = world,
				      .image = &no_image,
				      .before = before,
				      .boot_ms = 3500 };
	rop_situation_assess(&torn);
	cr_assert(torn.refused);
	/* Seen in one look and never again: a peer that was just started holds its old address for a moment. */
	before[1].elsewhere_seen_ms = before[1].elsewhere_since_ms;
	struct rop_situation glimpse = { .arena = pool,
					 .topology = topology,
					 .seen = world,
					 .image = &no_image,
					 .before = before,
					 .boot_ms = 20000 };
	rop_situation_assess(&glimpse);
	cr_assert_not(glimpse.refused);
	world->nodes[1].elsewhere = "10.0.0.9:6379";
	struct rop_situation once = {
		.arena = pool, .topology = topology, .seen = world, .image = &no_image, .looks_once = true
	};
	rop_situation_assess(&once);
	cr_assert(once.refused, "who looks only once tells at once");
}

/* Also in the midst of giving them. */
Test(policy_guard, slots_are_not_given_to_a_node_that_peers_hold_elsewhere)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			know_each_other(world, i, k);
	size_t all = batch_of(situation_of(topology, world), "assign_slots").steps.n;
	world->nodes[1].elsewhere = "10.0.0.9:6379";
	struct rop_batch batch = batch_of(situation_of(topology, world), "assign_slots");
	cr_assert(all == 3 && batch.steps.n == 2, "%zu, then %zu", all, batch.steps.n);
	for (size_t i = 0; i < batch.steps.n; i++)
		cr_assert_neq(batch.steps.at[i].node, 1);
}

Test(policy_guard, nobody_is_made_a_replica_of_a_node_that_peers_hold_elsewhere_nor_is_that_one)
{
	struct rop_topology *topology = topology_of(1, 2, 3);
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	rop_slots_add(&world->nodes[0].slots, 0, ROP_SLOTS - 1);
	rop_settle(world);
	cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 2);
	world->nodes[2].elsewhere = "10.0.0.9:6379";
	struct rop_batch batch = batch_of(situation_of(topology, world), "attach_replicas");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].node == 1);
	world->nodes[0].elsewhere = "10.0.0.9:6379";
	cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 0);
}

/* Its primary was given a new id and follows no more under the old one: the data is the same, by its history. */
Test(policy_guard, a_replica_of_an_id_that_is_gone_goes_to_who_writes_its_history)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = full_world(topology);
	struct rop_node *lost = &world->nodes[4];
	lost->primary = -1;
	memset(lost->primary_id, 'f', sizeof lost->primary_id - 1);
	stand_aside(world, 4);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(now->losses.list.n, 1, "nobody has its history");
	cr_assert_str_eq(now->losses.list.at[0].copies, lost->id);
	cr_assert(now->losses.list.at[0].shard == 0 && now->losses.list.at[0].keys == 100, "of no shard that is known");
	cr_assert_not_null(strstr(now->losses.list.at[0].text, "10.0.0.5:6379 holds data of a primary that nobody "
							       "knows (ffff"));

	memset(lost->replid, 'a', sizeof lost->replid - 1);
	memset(world->nodes[1].replid, 'a', sizeof world->nodes[1].replid - 1);
	now = situation_of(topology, world);
	cr_assert(!now->losses.list.n && !now->refused);
	struct rop_batch batch = batch_of(now, "attach_replicas");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].node == 4 && batch.steps.at[0].peer == 1);

	memcpy(world->nodes[2].replid, lost->replid, sizeof lost->replid);
	cr_assert_eq(situation_of(topology, world)->losses.list.n, 1, "two claim to have written it");
	memset(world->nodes[2].replid, 0, sizeof world->nodes[2].replid);
	go_silent(world, 1);
	now = situation_of(topology, world);
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0);
	cr_assert_str_eq(held(now, 4), "10.0.0.2:6379 does not answer (connection refused)");
}

/* The slots' owner is gone, and every declared node has a place already: no step, and still a loss that is named. */
Test(policy_guard, slots_that_no_declared_node_can_take_are_a_loss_that_is_named)
{
	struct rop_topology *topology = topology_of(3, 1, 5);
	struct rop_observed *world = full_world(topology);
	memset(&world->nodes[2].slots, 0, sizeof world->nodes[2].slots);
	make_replica(world, 2, 0);
	world->nodes[2].keys = 100;
	rop_bit_set(world, world->online, 0, 2);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->refused && now->layout.shards[2].primary < 0);
	const struct rop_finding *finding = NULL;
	for (size_t i = 0; i < now->findings.n; i++)
		if (strstr(now->findings.at[i].text, "no declared node can take them"))
			finding = &now->findings.at[i];
	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->reason, "DataLoss");
	cr_assert_not_null(strstr(finding->text, "slots 10923-16383 (shard 3) are owned by nobody"));
}
