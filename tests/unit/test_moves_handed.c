/* test_moves_handed.c - slots that are handed over: what the greatest epoch would win, what an emptied primary throws
 * away, and what an importer has to be told. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../src/operator/sending.h"
#include "world.h"

TestSuite(moves_handed, .init = world_setup, .fini = world_teardown);

static void open_towards(struct rop_observed *world, size_t node, int slot, bool importing, size_t peer, int64_t keys)
{
	struct rop_open_slot open = { .slot = slot, .importing = importing, .keys = keys };
	memcpy(open.peer, world->nodes[peer].id, ROP_ID_SIZE);
	rop_node_set_open(world->arena, &world->nodes[node], &open);
	world->nodes[node].open_slots = (int)world->nodes[node].open.n;
}

/* Its keys are all there, and none is left behind. */
static void carry_all(struct rop_observed *world, size_t from, size_t to, int slot)
{
	open_towards(world, from, slot, false, to, 0);
	open_towards(world, to, slot, true, from, 5);
	world->nodes[to].keys += 5;
}

static struct rop_observed *three_full(struct rop_topology **ret_topology)
{
	*ret_topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(*ret_topology);
	for (size_t i = 0; i < world->n; i++)
		world->nodes[i].keys = 100;
	return world;
}

static void ask(const struct rop_situation *now, const char *action, struct rop_batch *batch)
{
	for (size_t m = 0; m < now->migrations.n; m++)
		if (now->migrations.at[m].in_hand)
			plan_action(rop_migration_words(), action, &now->migrations.at[m], batch);
}

static struct rop_node carried(int64_t of_slot, int64_t on_node)
{
	struct rop_topology *topology;
	struct rop_observed *world = three_full(&topology);
	open_towards(world, 0, 7, false, 1, of_slot);
	open_towards(world, 1, 7, true, 0, 0);
	world->nodes[0].keys = on_node;
	struct rop_expect carry = { .kind = ROP_STEP_CARRY, .value = "7" };
	memcpy(carry.node, world->nodes[0].id, ROP_ID_SIZE);
	memcpy(carry.peer, world->nodes[1].id, ROP_ID_SIZE);
	rop_step_effect(&carry, world);
	cr_assert_eq(world->nodes[1].keys, 100 + (on_node == 100 && of_slot > 0 ? of_slot : 0));
	return world->nodes[0];
}

Test(moves_handed, what_is_carried_is_there_afterwards_and_of_the_unknown_nothing_is_made)
{
	cr_assert_eq(carried(5, 100).keys, 95);
	cr_assert_eq(carried(0, 100).keys, 100);
	cr_assert_eq(carried(ROP_COUNT_UNKNOWN, 100).keys, 100);
	cr_assert_eq(carried(5, ROP_COUNT_UNKNOWN).keys, ROP_COUNT_UNKNOWN);
}

Test(moves_handed, of_no_slots_no_command_is_made)
{
	struct rop_topology *topology;
	struct rop_observed *world = three_full(&topology);
	static const char *const NONE[] = { NULL, "no slots" };
	for (size_t i = 0; i < 2; i++) {
		struct rop_step step = { .node = 1, .peer = 0 };
		step.expect.kind = ROP_STEP_IMPORT;
		step.expect.value = NONE[i];
		memcpy(step.expect.node, world->nodes[1].id, ROP_ID_SIZE);
		memcpy(step.expect.peer, world->nodes[0].id, ROP_ID_SIZE);
		rop_step_describe(pool, world, &step);
		cr_assert(step.n_commands == 0 && step.expect.command[0] == '\0');
	}
}

static size_t hand_overs(const struct rop_topology *topology, const struct rop_observed *world)
{
	const struct rop_situation *now = situation_of(topology, world);
	struct rop_batch batch = { .arena = pool, .state = "", .why = "" };
	ask(now, "close_at_target", &batch);
	return batch.steps.n;
}

Test(moves_handed, an_empty_chunk_is)
{
	struct rop_topology *topology;
	struct rop_observed *world = three_full(&topology);
	carry_all(world, 0, 1, 7);
	cr_assert_eq(hand_overs(topology, world), 1);
}

/* Valkey replicates SETSLOT: the replica of each side shows the slot as open, too. */
Test(moves_handed, what_a_replica_shows_as_open_is_its_primarys)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	for (size_t i = 0; i < world->n; i++)
		world->nodes[i].keys = 100;
	carry_all(world, 0, 1, 7);
	for (size_t i = 3; i < 6; i++) {
		if (world->nodes[i].primary == 0)
			open_towards(world, i, 7, false, 1, 0);
		if (world->nodes[i].primary == 1)
			open_towards(world, i, 7, true, 0, 5);
	}
	cr_assert_eq(hand_overs(topology, world), 1);
}

Test(moves_handed, not_to_whom_still_claims_what_another_has_won)
{
	struct rop_topology *topology;
	struct rop_observed *world = three_full(&topology);
	carry_all(world, 0, 1, 7);
	int slot = rop_slots_first(&world->nodes[1].slots);
	rop_slots_add(&world->nodes[2].slots, slot, slot);
	world->nodes[2].epoch = world->nodes[1].epoch + 1;
	open_towards(world, 1, slot, false, 2, 0); /* given away, and not told */
	cr_assert_eq(hand_overs(topology, world), 0);
}

Test(moves_handed, one_after_the_other_where_a_node_gives_and_takes)
{
	struct rop_topology *topology;
	struct rop_observed *world = three_full(&topology);
	carry_all(world, 0, 1, 7);
	carry_all(world, 1, 2, rop_slots_first(&world->nodes[1].slots) + 64);
	cr_assert_eq(hand_overs(topology, world), 1);
}

static void leave_one_slot(struct rop_observed *world, size_t node, size_t to, int slot)
{
	rop_slots_join(&world->nodes[to].slots, &world->nodes[node].slots);
	world->nodes[to].slots.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	memset(&world->nodes[node].slots, 0, sizeof world->nodes[node].slots);
	rop_slots_add(&world->nodes[node].slots, slot, slot);
}

Test(moves_handed, the_last_slot_only_by_whom_has_no_key)
{
	struct rop_topology *topology;
	struct rop_observed *world = three_full(&topology);
	leave_one_slot(world, 0, 1, 7);
	carry_all(world, 0, 1, 7);
	cr_assert_eq(hand_overs(topology, world), 0, "its 100 keys are thrown away when it becomes a replica");
	world->nodes[0].keys = ROP_COUNT_UNKNOWN;
	cr_assert_eq(hand_overs(topology, world), 0);
	world->nodes[0].keys = 0;
	cr_assert_eq(hand_overs(topology, world), 1);
	open_towards(world, 2, rop_slots_first(&world->nodes[2].slots), false, 0, 3);
	cr_assert_eq(hand_overs(topology, world), 0, "clients are sent there");
}

Test(moves_handed, who_stays_a_primary_gives_its_last_slot_also_with_keys)
{
	struct rop_topology *topology;
	struct rop_observed *world = three_full(&topology);
	leave_one_slot(world, 0, 1, 7);
	carry_all(world, 0, 1, 7);
	set_value(world, 0, ROP_REPLICA_MIGRATION, "no");
	cr_assert_eq(hand_overs(topology, world), 1, "it throws nothing away");
	set_value(world, 0, ROP_REPLICA_MIGRATION, "yes");
	cr_assert_eq(hand_overs(topology, world), 0);
	set_value(world, 0, ROP_REPLICA_MIGRATION, NULL);
	cr_assert_eq(hand_overs(topology, world), 0, "nobody knows");
}

Test(moves_handed, a_new_node_may_hold_what_came_into_its_open_slots_and_nothing_else)
{
	struct rop_topology *topology = topology_of(4, 0, 4);
	struct rop_observed *world = three_owners(topology);
	open_towards(world, 0, 7, false, 3, 4);
	open_towards(world, 3, 7, true, 0, 1);
	world->nodes[0].keys = 4;
	world->nodes[3].keys = 1;
	cr_assert_not(situation_of(topology, world)->refused, "its first key has arrived");
	world->nodes[3].keys = 2;
	cr_assert(situation_of(topology, world)->refused, "one of them is in no open slot");
}

Test(moves_handed, who_gives_its_last_slot_follows_and_its_replicas_go_on)
{
	struct rop_topology *topology = topology_of(2, 1, 4);
	struct rop_observed *world = formed_world(topology);
	size_t primary = 0, replica = 0, other = 0;
	for (size_t i = 0; i < world->n; i++)
		if (world->nodes[i].role == ROP_ROLE_PRIMARY && rop_slots_has(&world->nodes[i].slots, 0))
			primary = i;
	for (size_t i = 0; i < world->n; i++) {
		if (world->nodes[i].role == ROP_ROLE_PRIMARY && i != primary)
			other = i;
		if (world->nodes[i].role == ROP_ROLE_REPLICA && world->nodes[i].primary == (int)primary)
			replica = i;
	}
	leave_one_slot(world, primary, other, 7);
	rop_slots_add(&world->nodes[other].slots, 7, 7);
	open_towards(world, primary, 7, false, other, 0);
	struct rop_expect e = { .kind = ROP_STEP_YIELD, .first = 7, .last = 7, .value = "7" };
	memcpy(e.node, world->nodes[primary].id, ROP_ID_SIZE);
	memcpy(e.peer, world->nodes[other].id, ROP_ID_SIZE);
	rop_step_effect(&e, world);
	rop_settle(world);
	cr_assert_eq(world->nodes[primary].role, ROP_ROLE_REPLICA);
	cr_assert_eq(world->nodes[primary].primary, (int)other);
	cr_assert_eq(world->nodes[replica].primary, (int)other);
}

Test(moves_handed, an_importer_is_told_who_owns_it_after_a_fail_over)
{
	struct rop_topology *topology;
	struct rop_observed *world = three_full(&topology);
	struct rop_step step = { .node = 1, .peer = 0 };
	step.expect = (struct rop_expect){ .kind = ROP_STEP_IMPORT, .first = 7, .last = 7, .value = "7" };
	memcpy(step.expect.node, world->nodes[1].id, ROP_ID_SIZE);
	memcpy(step.expect.peer, world->nodes[0].id, ROP_ID_SIZE);
	rop_step_describe(pool, world, &step);
	cr_assert_eq(step.n_commands, 1);
	open_towards(world, 1, 7, true, 2, 0); /* from another one, which led there before */
	rop_step_describe(pool, world, &step);
	cr_assert_eq(step.n_commands, 2);
	cr_assert_str_eq(step.commands[0].argv[3], "NODE");
	cr_assert_str_eq(step.commands[0].argv[4], world->nodes[0].id);
	cr_assert_str_eq(step.commands[1].argv[3], "IMPORTING");
}

/* ---- what the fleet is told ------------------------------------------------------------------------------------ */

static struct rop_step step_of(enum rop_step_kind kind)
{
	static struct rop_words words[2];
	struct rop_step step = { .node = 0, .peer = 1, .commands = words, .n_commands = 2, .expect = { .kind = kind } };
	step.expect.value = "7";
	return step;
}

Test(moves_handed, keys_and_libraries_are_errands_and_all_else_is_commands)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	const struct rop_situation *now = situation_of(topology, formed_world(topology));
	const struct rop_step steps[] = { step_of(ROP_STEP_MEET), step_of(ROP_STEP_CARRY), step_of(ROP_STEP_FUNCTIONS),
					  step_of(ROP_STEP_TAKE) };
	static const size_t OF_STEP[] = { 0, 0, 1, 2, 3, 3 };
	size_t n;
	const struct rop_command *commands = commands_of_steps(pool, now, &topology->migration, steps, 4, &n);
	cr_assert_eq(n, 6);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(commands[i].node, 0);
		cr_assert_eq(commands[i].carry != NULL, OF_STEP[i] == 1, "command %zu", i);
		cr_assert_eq(commands[i].functions != NULL, OF_STEP[i] == 2, "command %zu", i);
		cr_assert_eq(commands[i].pace != NULL, OF_STEP[i] == 3, "command %zu", i);
	}
	cr_assert(commands[2].carry->to == 1 && strcmp(commands[2].carry->slots, "7") == 0);
	cr_assert_eq(commands[3].functions->from, 1);
	cr_assert(commands[2].carry->n_witnesses == 1 && commands[2].carry->witnesses[0] == 4, "of who gets the keys");
	cr_assert(commands[4].pace->n_witnesses == 1 && commands[4].pace->witnesses[0] == 3, "of who takes the slots");
	struct rop_outcome of_commands[6] = { 0 };
	of_commands[1] = (struct rop_outcome){ .sent = ROP_SENT_ERROR, .text = "no" };
	of_commands[2].text = "5 keys";
	of_commands[5] = (struct rop_outcome){ .sent = ROP_SENT_UNKNOWN, .text = "late" };
	const struct rop_outcome *outcomes = outcomes_of_steps(pool, steps, 4, of_commands);
	cr_assert(outcomes[0].sent == ROP_SENT_ERROR && strcmp(outcomes[0].text, "no") == 0);
	cr_assert(outcomes[1].sent == ROP_SENT_OK && strcmp(outcomes[1].text, "5 keys") == 0);
	cr_assert(outcomes[2].sent == ROP_SENT_OK && outcomes[3].sent == ROP_SENT_UNKNOWN);
}

static struct rop_carry carry_at(const char *node_timeout, const struct rop_declared_migration *declared)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(topology);
	const struct rop_step step = step_of(ROP_STEP_CARRY);
	size_t n;
	set_value(world, 0, "cluster-node-timeout", node_timeout);
	const struct rop_situation *now = situation_of(topology, world);
	return *commands_of_steps(pool, now, declared, &step, 1, &n)->carry;
}

/* While a MIGRATE waits its source does nothing else: nobody is to take it for dead. */
Test(moves_handed, a_migrate_waits_for_a_third_of_the_node_timeout_and_five_seconds_at_most)
{
	const struct rop_declared_migration gentle = { .stall_ms = 5 }, fast = { .fast = true, .rate = 9 };
	cr_assert_eq(carry_at("6000", &gentle).timeout_ms, 2000);
	cr_assert_eq(carry_at("60000", &gentle).timeout_ms, 5000);
	cr_assert_eq(carry_at("150", &gentle).timeout_ms, 100);
	cr_assert(carry_at("6000", &gentle).rests == 1 && carry_at("6000", &gentle).stall_ms == 5);
	cr_assert(carry_at("6000", &fast).rests == 0 && carry_at("6000", &fast).rate == 9);
}
