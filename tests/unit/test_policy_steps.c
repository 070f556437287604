/* test_policy_steps.c - a step's words, command, effect and expectation agree; what settles by itself. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

TestSuite(policy_steps, .init = world_setup, .fini = world_teardown);

/* ---- every kind ----------------------------------------------------------------------------------------------- */

static struct rop_step step_of(const struct rop_observed *seen, enum rop_step_kind kind, int node, int peer)
{
	struct rop_step step = { .node = node, .peer = peer };
	step.expect.kind = kind;
	step.expect.first = step.expect.last = -1;
	memcpy(step.expect.node, seen->nodes[node].id, ROP_ID_SIZE);
	if (peer >= 0)
		memcpy(step.expect.peer, seen->nodes[peer].id, ROP_ID_SIZE);
	return step;
}

static struct rop_step setting_step(const struct rop_observed *seen, enum rop_step_kind kind, const char *name,
				    const char *was, const char *value)
{
	struct rop_step step = step_of(seen, kind, 1, -1);
	step.expect.name = name;
	step.expect.was = was;
	step.expect.value = value;
	return step;
}

static struct rop_step slots_step(const struct rop_observed *seen, int first, int last)
{
	struct rop_step step = step_of(seen, ROP_STEP_SLOTS, 1, -1);
	step.expect.first = first;
	step.expect.last = last;
	return step;
}

/* What is journalled is what is sent: the words of argv with a space between, quoted where one could not tell; of a
 * long one the first eight. */
static void expect_words_are_sent(const struct rop_step *step)
{
	struct rop_text joined = { 0 };
	for (size_t i = 0; i < step->commands[0].argc && i < 8; i++) {
		bool quoted = strlen(step->commands[0].argv[i]) == 0 || strchr(step->commands[0].argv[i], ' ');
		rop_text_add(&joined, "%s%s%s%s", i ? " " : "", quoted ? "\"" : "", step->commands[0].argv[i],
			     quoted ? "\"" : "");
	}
	if (step->commands[0].argc > 8)
		rop_text_add(&joined, " ... (%zu slots)", step->commands[0].argc - 2);
	cr_assert(step->commands[0].argc >= 2);
	cr_assert_str_eq(step->expect.command, joined.at);
	rop_text_done(&joined);
}

static size_t words_of(const struct rop_observed *seen, struct rop_step *step)
{
	rop_step_describe(pool, seen, step);
	return step->commands[0].argc;
}

/* Described as expected; not seen before, seen after its effect and what follows from it. */
static void expect_step(const struct rop_observed *before, struct rop_step step, const char *subject,
			const char *command, const char *precondition)
{
	struct rop_observed *after = rop_observed_copy(pool, before);
	rop_step_describe(pool, before, &step);
	cr_assert_str_eq(step.expect.subject, subject);
	cr_assert_str_eq(step.expect.command, command);
	expect_words_are_sent(&step);
	cr_assert_str_eq(step.expect.precondition, precondition);
	cr_assert_str_eq(step.expect.address, before->nodes[step.node].address);
	cr_assert_not(rop_expect_seen(&step.expect, before), "%s is seen before it was done", subject);
	rop_step_effect(&step.expect, after);
	rop_settle(after);
	cr_assert_eq(rop_expect_seen(&step.expect, after), step.expect.kind != ROP_STEP_PERSIST, "%s", subject);
	go_silent(after, (size_t)step.node);
	cr_assert_not(rop_expect_seen(&step.expect, after), "nothing is seen of a node that does not answer");
	after->nodes[step.node].reach = ROP_REACH_OK;
	after->nodes[step.node].id[0] = 'x';
	cr_assert_not(rop_expect_seen(&step.expect, after), "another node at that address is not the one");
	rop_step_effect(&step.expect, after);
}

#define SUBJECT(fmt, ...) rop_printf(pool, fmt, __VA_ARGS__)

Test(policy_steps, of_every_kind_say_do_and_see_the_same)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	manage_setting(topology, "maxmemory-policy", "all keys");
	struct rop_observed *fresh = fresh_world(topology);
	expect_step(fresh, setting_step(fresh, ROP_STEP_LOWER, "cluster-node-timeout", "15000", "500"),
		    SUBJECT("setting:%s/cluster-node-timeout", node_id(1)), "CONFIG SET cluster-node-timeout 500",
		    "cluster-node-timeout is 15000");
	expect_step(fresh, setting_step(fresh, ROP_STEP_RESTORE, "repl-diskless-sync-delay", "0", "7"),
		    SUBJECT("setting:%s/repl-diskless-sync-delay", node_id(1)), "CONFIG SET repl-diskless-sync-delay 7",
		    "repl-diskless-sync-delay is 0");
	expect_step(fresh, setting_step(fresh, ROP_STEP_SETTING, "maxmemory-policy", NULL, "all keys"),
		    SUBJECT("setting:%s/maxmemory-policy", node_id(1)), "CONFIG SET maxmemory-policy \"all keys\"",
		    "maxmemory-policy is not as declared");
	struct rop_step epoch = step_of(fresh, ROP_STEP_EPOCH, 1, -1);
	epoch.expect.epoch = 5;
	expect_step(fresh, epoch, SUBJECT("epoch:%s", node_id(1)), "CLUSTER SET-CONFIG-EPOCH 5",
		    "knows no other node, config epoch 0");
	expect_step(fresh, step_of(fresh, ROP_STEP_MEET, 1, 4), SUBJECT("link:%s>%s", node_id(1), node_id(4)),
		    "CLUSTER MEET 10.0.0.5 6379", "does not know the peer");
	meet_all(fresh);
	expect_step(fresh, slots_step(fresh, 100, 5460), "slot:100-5460", "CLUSTER ADDSLOTSRANGE 100 5460",
		    "nobody owns these slots");
	expect_step(fresh, step_of(fresh, ROP_STEP_ROLE, 1, 4), SUBJECT("role:%s", node_id(1)),
		    rop_printf(pool, "CLUSTER REPLICATE %s", node_id(4)), "owns no slots; knows the primary");
	expect_step(fresh, step_of(fresh, ROP_STEP_PERSIST, 1, -1), SUBJECT("config:%s", node_id(1)), "CONFIG REWRITE",
		    "its settings were changed");
}

Test(policy_steps, a_setting_changes_nothing_but_itself)
{
	static const enum rop_step_kind KINDS[] = { ROP_STEP_LOWER, ROP_STEP_RESTORE, ROP_STEP_SETTING,
						    ROP_STEP_PERSIST };
	struct rop_topology *topology = topology_of(3, 1, 6);
	for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
		struct rop_observed *world = formed_world(topology), *before = rop_observed_copy(pool, world);
		struct rop_step step = setting_step(world, KINDS[k], "cluster-node-timeout", "15000", "500");
		rop_step_effect(&step.expect, world);
		const struct rop_node *a = &world->nodes[1], *b = &before->nodes[1];
		cr_assert(a->epoch == b->epoch && a->current_epoch == b->current_epoch && a->others == b->others &&
			  a->role == b->role && a->primary == b->primary);
		cr_assert(b->epoch > 0);
		cr_assert_arr_eq(&a->slots, &b->slots, sizeof a->slots);
	}
}

/* Whoever it was. */
Test(policy_steps, whom_a_replica_followed_before_lists_it_no_more)
{
	for (size_t before = 0; before < 3; before++) {
		struct rop_topology *topology = topology_of(3, 1, 6);
		struct rop_observed *world = formed_world(topology);
		size_t replica = 0, to = (before + 1) % 3;
		while (world->nodes[replica].role != ROP_ROLE_REPLICA || world->nodes[replica].primary != (int)before)
			replica++;
		cr_assert(rop_bit(world, world->online, before, replica));
		struct rop_step step = step_of(world, ROP_STEP_ROLE, (int)replica, (int)to);
		rop_step_effect(&step.expect, world);
		for (size_t i = 0; i < 6; i++)
			cr_assert_not(rop_bit(world, world->online, i, replica), "%zu", i);
		cr_assert(world->nodes[replica].primary == (int)to && !world->nodes[replica].link_up);
		rop_settle(world);
		cr_assert(rop_bit(world, world->online, to, replica) &&
			  !rop_bit(world, world->online, before, replica));
	}
}

Test(policy_steps, a_server_of_6_2_is_given_its_slots_one_by_one)
{
	struct rop_observed *world = fresh_world(topology_of(3, 0, 3));
	meet_all(world);
	world->nodes[1].version = 60214;
	struct rop_step step = slots_step(world, 16000, 16383);
	cr_assert_eq(words_of(world, &step), 2 + 384);
	cr_assert_str_eq(step.commands[0].argv[1], "ADDSLOTS");
	for (int i = 0; i < 384; i++)
		cr_assert_str_eq(step.commands[0].argv[2 + i], rop_printf(pool, "%d", 16000 + i));
	expect_step(world, step, "slot:16000-16383",
		    "CLUSTER ADDSLOTS 16000 16001 16002 16003 16004 16005 ... (384 slots)", "nobody owns these slots");
	world->nodes[1].version = 0;
	cr_assert_eq(words_of(world, &step), 4, "a server that hides its version is taken for a newer one");
	memcpy(step.expect.node, node_id(9), ROP_ID_SIZE);
	cr_assert_eq(words_of(world, &step), 4);
	memcpy(step.expect.node, node_id(0), ROP_ID_SIZE);
	world->nodes[0].version = 60214;
	cr_assert_eq(words_of(world, &step), 2 + 384, "the first node may be one too");
}

Test(policy_steps, a_bus_port_of_its_own_is_part_of_the_introduction)
{
	struct rop_observed *world = fresh_world(topology_of(3, 0, 3));
	world->nodes[2].bus_port = 7777;
	expect_step(world, step_of(world, ROP_STEP_MEET, 0, 2), SUBJECT("link:%s>%s", node_id(0), node_id(2)),
		    "CLUSTER MEET 10.0.0.3 6379 7777", "does not know the peer");
	world->nodes[2].ip = NULL;
	struct rop_step step = step_of(world, ROP_STEP_MEET, 0, 2);
	cr_assert_eq(words_of(world, &step), 5);
	cr_assert_str_eq(step.commands[0].argv[2], "?", "not resolved: the server refuses it");
	memcpy(step.expect.peer, node_id(9), ROP_ID_SIZE);
	words_of(world, &step);
	cr_assert_str_eq(step.commands[0].argv[2], "?");
	cr_assert_not(rop_expect_seen(&step.expect, world));
	rop_step_effect(&step.expect, world);
	cr_assert_eq(world->nodes[0].others, 0);
}

Test(policy_steps, an_introduction_is_seen_only_from_both_sides)
{
	struct rop_observed *world = fresh_world(topology_of(3, 0, 3));
	struct rop_step step = step_of(world, ROP_STEP_MEET, 0, 1);
	rop_step_effect(&step.expect, world);
	cr_assert_not(rop_expect_seen(&step.expect, world), "OK proves nothing");
	cr_assert_eq(world->nodes[0].others, 1);
	rop_step_effect(&step.expect, world);
	cr_assert_eq(world->nodes[0].others, 1, "told twice, it still knows one");
	rop_bit_set(world, world->known, 1, 0);
	cr_assert(rop_expect_seen(&step.expect, world));
}

Test(policy_steps, slots_are_seen_when_all_of_them_are_there)
{
	struct rop_observed *world = fresh_world(topology_of(3, 0, 3));
	struct rop_step step = slots_step(world, 10, 20);
	rop_slots_add(&world->nodes[1].slots, 0, 19);
	cr_assert_not(rop_expect_seen(&step.expect, world));
	rop_slots_add(&world->nodes[1].slots, 20, 20);
	cr_assert(rop_expect_seen(&step.expect, world));
}

Test(policy_steps, a_role_is_seen_when_it_is_that_primary_and_no_other)
{
	struct rop_observed *world = formed_world(topology_of(3, 1, 6));
	struct rop_step step = step_of(world, ROP_STEP_ROLE, 3, 0);
	cr_assert(rop_expect_seen(&step.expect, world));
	memcpy(step.expect.peer, node_id(1), ROP_ID_SIZE);
	cr_assert_not(rop_expect_seen(&step.expect, world));
	world->nodes[3].role = ROP_ROLE_PRIMARY;
	memcpy(step.expect.peer, node_id(0), ROP_ID_SIZE);
	cr_assert_not(rop_expect_seen(&step.expect, world));
	memcpy(step.expect.peer, node_id(9), ROP_ID_SIZE);
	rop_step_effect(&step.expect, world);
	cr_assert(world->nodes[3].primary == -1 && rop_expect_seen(&step.expect, world), "a primary outside of what is "
											 "asked");
}

Test(policy_steps, values_that_mean_the_same_are_the_same)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	manage_setting(topology, "maxmemory", "100mb");
	struct rop_observed *world = fresh_world(topology);
	static const struct {
		const char *seen, *wanted;
		bool same;
	} VALUES[] = {
		{ "104857600", "100mb", true },
		{ "104857600", "100MB", true },
		{ "100000000", "100m", true },
		{ "0", "0b", true },
		{ "102400", "100kb", true },
		{ "100000", "100k", true },
		{ "1073741824", "1gb", true },
		{ "1000000000", "1g", true },
		{ "yes", "YES", true },
		{ "no", "yes", false },
		{ "104857601", "100mb", false },
		{ "100 mb", "100mb", false },
		{ "100tb", "100mb", false },
		{ "99999999999999gb", "1gb", false },
		{ "", "0", false },
	};
	for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
		struct rop_step step = setting_step(world, ROP_STEP_SETTING, "maxmemory", "0", VALUES[i].wanted);
		set_value(world, 1, "maxmemory", VALUES[i].seen);
		cr_assert_eq(rop_expect_seen(&step.expect, world), VALUES[i].same, "%s and %s", VALUES[i].seen,
			     VALUES[i].wanted);
	}
	struct rop_step step = setting_step(world, ROP_STEP_SETTING, "maxmemory", "0", "1");
	set_value(world, 1, "maxmemory", NULL);
	cr_assert_not(rop_expect_seen(&step.expect, world), "a value that was not told is not the wanted one");
	step.expect.name = "appendonly";
	cr_assert_not(rop_expect_seen(&step.expect, world));
	rop_step_effect(&step.expect, world);
}

Test(policy_steps, an_expectation_outlives_the_arena_it_was_made_in)
{
	struct rop_arena *elsewhere = rop_arena_new();
	struct rop_expect expect = { .kind = ROP_STEP_SETTING, .id = 7, .note = NULL };
	const char **texts[] = { &expect.subject, &expect.name,    &expect.value,        &expect.was,
				 &expect.address, &expect.command, &expect.precondition, &expect.why };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = rop_printf(elsewhere, "text %zu", i);
	struct rop_expect copy = rop_expect_dup(pool, &expect);
	rop_arena_free(elsewhere);
	const char *const copies[] = { copy.subject, copy.name,    copy.value,        copy.was,
				       copy.address, copy.command, copy.precondition, copy.why };
	for (size_t i = 0; i < sizeof copies / sizeof *copies; i++)
		cr_assert_str_eq(copies[i], rop_printf(pool, "text %zu", i));
	cr_assert(copy.id == 7 && copy.kind == ROP_STEP_SETTING && !copy.note);
}

/* ---- what settles by itself ----------------------------------------------------------------------------------- */

static bool alive(const struct rop_observed *world, size_t i)
{
	return world->nodes[i].reach == ROP_REACH_OK;
}

/* Strangers, acquaintances, claims and deaths at random. */
static struct rop_observed *random_world(uint64_t *random)
{
	struct rop_topology *topology = random_topology(random,
							(struct chances){ .max_shards = 20, .max_replicas = 3 });
	struct rop_observed *world = fresh_world(topology);
	size_t n = world->n;
	for (size_t i = 0; i < n; i++) {
		world->nodes[i].epoch = (int64_t)random_below(random, n + 1);
		if (random_below(random, 2)) {
			int first = (int)random_below(random, ROP_SLOTS),
			    last = first + (int)random_below(random, 4000);
			rop_slots_add(&world->nodes[i].slots, first, last);
		}
		if (!random_below(random, 6))
			world->nodes[i].reach = ROP_REACH_SILENT;
	}
	for (size_t i = random_below(random, 2 * n); i-- > 0;)
		rop_bit_set(world, world->known, random_below(random, n), random_below(random, n));
	for (size_t i = 1; i < n; i++) {
		if (random_below(random, 4))
			continue;
		struct rop_node *node = &world->nodes[i];
		*node = (struct rop_node){ .address = node->address,
					   .ip = node->ip,
					   .port = node->port,
					   .bus_port = node->bus_port,
					   .reach = node->reach,
					   .epoch = node->epoch,
					   .settings = node->settings,
					   .handshakes = 1 };
		memcpy(node->id, node_id(i), ROP_ID_SIZE);
		node->role = ROP_ROLE_REPLICA;
		for (node->primary = (int)random_below(random, i);
		     world->nodes[node->primary].role == ROP_ROLE_REPLICA;)
			node->primary--;
		memcpy(node->primary_id, node_id((size_t)node->primary), ROP_ID_SIZE);
	}
	return world;
}

static void expect_same_world(uint64_t seed, const struct rop_observed *a, const struct rop_observed *b)
{
	size_t matrix = a->n * a->words * sizeof(uint64_t);
	cr_assert(memcmp(a->known, b->known, matrix) == 0 && memcmp(a->linked, b->linked, matrix) == 0 &&
			  memcmp(a->agrees, b->agrees, matrix) == 0,
		  "seed %" PRIu64, seed);
	for (size_t i = 0; i < a->n; i++) {
		struct rop_node x = a->nodes[i], y = b->nodes[i];
		cr_assert(x.epoch == y.epoch && x.current_epoch == y.current_epoch && x.state_ok == y.state_ok &&
				  x.link_up == y.link_up && x.syncing == y.syncing && x.others == y.others &&
				  x.handshakes == y.handshakes && x.role == y.role,
			  "seed %" PRIu64 ", node %zu", seed, i);
		cr_assert_arr_eq(&x.slots, &y.slots, sizeof x.slots);
	}
}

Test(policy_steps, what_has_settled_stays_settled)
{
	EACH_SEED(seed, 400)
	{
		uint64_t random = seed;
		struct rop_observed *world = random_world(&random);
		rop_settle(world);
		struct rop_observed *once = rop_observed_copy(pool, world);
		rop_settle(world);
		expect_same_world(seed, world, once);
	}
}

/* Who is connected to whom by living nodes; worked out the slow way. */
static bool *connected(const struct rop_observed *world)
{
	size_t n = world->n;
	bool *way = rop_alloc_n(pool, n * n, sizeof *way);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			way[i * n + j] = alive(world, i) && alive(world, j) &&
					 (i == j || rop_bit(world, world->known, i, j) ||
					  rop_bit(world, world->known, j, i));
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				way[i * n + j] |= way[i * n + k] && way[k * n + j];
	return way;
}

Test(policy_steps, acquaintance_becomes_mutual_and_transitive_among_the_living)
{
	EACH_SEED(seed, 200)
	{
		uint64_t random = seed;
		struct rop_observed *world = random_world(&random), *before = rop_observed_copy(pool, world);
		size_t n = world->n;
		bool *way = connected(world);
		rop_settle(world);
		for (size_t i = 0; i < n; i++) {
			int others = -1;
			for (size_t j = 0; j < n; j++) {
				bool knows = rop_bit(world, world->known, i, j);
				others += knows;
				if (!alive(world, i))
					cr_assert_eq(knows, rop_bit(before, before->known, i, j),
						     "seed %" PRIu64 ": the dead learn nothing", seed);
				else if (alive(world, j))
					cr_assert_eq(knows, way[i * n + j], "seed %" PRIu64 ": %zu and %zu", seed, i,
						     j);
				else
					cr_assert_eq(knows, rop_bit(before, before->known, i, j),
						     "seed %" PRIu64 ": %zu met the dead %zu", seed, i, j);
				if (alive(world, i))
					cr_assert_eq(rop_bit(world, world->linked, i, j), knows && alive(world, j),
						     "seed %" PRIu64 ": %zu > %zu", seed, i, j);
			}
			if (alive(world, i))
				cr_assert(world->nodes[i].others == others && world->nodes[i].handshakes == 0,
					  "seed %" PRIu64, seed);
		}
	}
}

Test(policy_steps, dead_nodes_do_not_take_part)
{
	struct rop_observed *world = fresh_world(topology_of(3, 0, 3));
	rop_bit_set(world, world->known, 1, 0);
	rop_bit_set(world, world->known, 1, 2);
	world->nodes[1].reach = ROP_REACH_SILENT;
	rop_settle(world);
	cr_assert_not(rop_bit(world, world->known, 0, 1), "what a dead node knew reaches nobody");
	cr_assert_not(rop_bit(world, world->known, 0, 2) || rop_bit(world, world->known, 2, 0));
	rop_bit_set(world, world->known, 0, 1);
	rop_bit_set(world, world->known, 2, 1);
	rop_settle(world);
	cr_assert_not(rop_bit(world, world->known, 0, 2), "nobody is introduced by the dead");
	cr_assert_not(rop_bit(world, world->linked, 0, 1));
	cr_assert_eq(world->nodes[0].others, 1);
}

Test(policy_steps, of_two_who_claim_a_slot_the_greater_epoch_has_it)
{
	struct rop_observed *world = fresh_world(topology_of(3, 0, 3));
	meet_all(world);
	for (size_t i = 0; i < 3; i++)
		rop_slots_add(&world->nodes[i].slots, 100 * (int)i, 100 * (int)i + 149);
	rop_settle(world);
	cr_assert_str_eq(rop_slots_text(pool, &world->nodes[0].slots), "0-99");
	cr_assert_str_eq(rop_slots_text(pool, &world->nodes[1].slots), "100-199");
	cr_assert_str_eq(rop_slots_text(pool, &world->nodes[2].slots), "200-349");
	struct rop_observed *strangers = fresh_world(topology_of(2, 0, 2));
	rop_slots_add(&strangers->nodes[0].slots, 0, 9);
	rop_slots_add(&strangers->nodes[1].slots, 0, 9);
	strangers->nodes[1].epoch = 5;
	rop_settle(strangers);
	cr_assert_eq(rop_slots_count(&strangers->nodes[0].slots), 10, "strangers take nothing from each other");
	strangers->nodes[1].epoch = 0;
	know_each_other(strangers, 0, 1);
	cr_assert(rop_slots_count(&strangers->nodes[0].slots) == 10 &&
			  rop_slots_count(&strangers->nodes[1].slots) == 10,
		  "with equal epochs nobody yields");
	strangers->nodes[1].epoch = 5;
	rop_settle(strangers);
	cr_assert_eq(rop_slots_count(&strangers->nodes[0].slots), 0);
}

Test(policy_steps, the_state_turns_ok_with_all_slots_covered_and_a_majority_of_their_owners_up)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	rop_slots_add(&world->nodes[0].slots, 0, 5460);
	rop_slots_add(&world->nodes[1].slots, 5461, 10922);
	give_slots(world, 2, 10923, 16382);
	cr_assert_not(world->nodes[0].state_ok, "one slot is missing");
	give_slots(world, 2, 16383, 16383);
	for (size_t i = 0; i < 3; i++)
		cr_assert(world->nodes[i].state_ok && world->nodes[i].current_epoch == 3);
	go_silent(world, 2);
	rop_settle(world);
	cr_assert(world->nodes[0].state_ok);
	go_silent(world, 1);
	rop_settle(world);
	cr_assert_not(world->nodes[0].state_ok, "one of three owners is a minority");
	world = formed_world(topology_of(2, 0, 2));
	go_silent(world, 1);
	rop_settle(world);
	cr_assert_not(world->nodes[0].state_ok, "one of two is no majority");
}

Test(policy_steps, a_replica_that_is_silent_comes_up_with_nothing)
{
	struct rop_observed *world = formed_world(topology_of(3, 1, 6));
	go_silent(world, 3);
	world->nodes[3].link_up = false;
	world->nodes[3].syncing = true;
	world->nodes[0].keys = 7;
	rop_bit_clear(world, world->online, 0, 3);
	rop_settle(world);
	cr_assert(!world->nodes[3].link_up && world->nodes[3].syncing && world->nodes[3].keys == ROP_COUNT_UNKNOWN);
	cr_assert_not(rop_bit(world, world->online, 0, 3), "its primary has no link to it");
	world->nodes[3].reach = ROP_REACH_OK;
	rop_settle(world);
	cr_assert(world->nodes[3].link_up && world->nodes[3].keys == 7 && rop_bit(world, world->online, 0, 3));
}

Test(policy_steps, a_replica_comes_up_when_its_primary_lives)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	cr_assert(world->nodes[3].link_up && world->nodes[3].epoch == world->nodes[0].epoch);
	world->nodes[3].link_up = false;
	world->nodes[3].syncing = true;
	go_silent(world, 0);
	rop_settle(world);
	cr_assert(!world->nodes[3].link_up && world->nodes[3].syncing);
	world->nodes[0].reach = ROP_REACH_OK;
	rop_settle(world);
	cr_assert(world->nodes[3].link_up && !world->nodes[3].syncing);
}

Test(policy_steps, a_foreign_peer_stays_counted)
{
	struct rop_observed *world = fresh_world(topology_of(2, 0, 2));
	rop_observed_add_foreign(world, 1, "x", "x", "x", NULL);
	know_each_other(world, 0, 1);
	cr_assert(world->nodes[0].others == 1 && world->nodes[1].others == 2);
}

/* ---- one thing at a time on one subject ------------------------------------------------------------------------ */

Test(policy_steps, two_actions_of_one_row_do_not_ask_for_the_same_subject_twice)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	manage_setting(topology, "cluster-node-timeout", "7000");
	manage_setting(topology, "maxmemory-policy", "allkeys-lru");
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { 0 };
	for (size_t i = 0; i < 3; i++) {
		struct rop_temporary *t = rop_push(pool, &image.temporaries);
		*t = (struct rop_temporary){ .address = world->nodes[i].address,
					     .name = "cluster-node-timeout",
					     .original = "15000",
					     .temporary = "500" };
		memcpy(t->node, world->nodes[i].id, ROP_ID_SIZE);
		set_value(world, i, "cluster-node-timeout", "500");
		set_value(world, i, "maxmemory-policy", "noeviction");
	}
	struct rop_situation *now = situation_with(topology, world, &image, NULL, 1000);
	struct rop_batch alone = batch_of(now, "apply_settings"), batch = batch_of(now, "restore_settings");
	size_t restored = batch.steps.n;
	cr_assert_eq(restored, 3);
	cr_assert_eq(alone.steps.n, 2, "and no CONFIG REWRITE while a temporary value is in force");
	const struct rop_vocabulary *words = rop_cluster_words();
	static const int64_t NO_ARGS[ROP_ARGS_MAX];
	for (size_t i = 0; i < words->n_actions; i++)
		if (strcmp(words->actions[i].name, "apply_settings") == 0)
			words->actions[i].plan(now, NO_ARGS, &batch);
	cr_assert_eq(batch.steps.n, restored + 1, "the other setting alone, and on one node first");
	for (size_t i = 0; i < batch.steps.n; i++)
		for (size_t k = 0; k < i; k++)
			cr_assert_str_neq(batch.steps.at[i].expect.subject, batch.steps.at[k].expect.subject);
}
