/* test_policy_corners.c - the seldom cases: each condition of a rule for itself, and worlds that hardly ever occur. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

TestSuite(policy_corners, .init = world_setup, .fini = world_teardown);

/* ---- empty, converged, nothing to write: one condition at a time --------------------------------------- */

Test(policy_corners, one_trace_of_a_life_before_and_it_is_no_fresh_formation)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	for (int trace = 0; trace < 6; trace++) {
		struct rop_observed *world = fresh_world(topology);
		struct rop_node *node = &world->nodes[1];
		switch (trace) {
		case 0: node->keys = 1; break;
		case 1: node->functions = 1; break;
		case 2: node->others = 1; break;
		case 3: node->epoch = 1; break;
		case 4: node->role = ROP_ROLE_REPLICA; break;
		case 5: rop_slots_add(&node->slots, 7, 7); break;
		}
		cr_assert_neq(situation_of(topology, world)->kase, ROP_CASE_FORM, "trace %d", trace);
	}
	cr_assert_str_eq(rop_case_name(ROP_CASE_FORM), "form");
}

Test(policy_corners, one_thing_that_is_open_and_it_is_not_converged)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_situation *now = situation_of(topology, formed_world(topology));
	bool *const flags[] = { &now->all_answer,
				&now->refused,
				&now->views_agree,
				&now->slots_assigned,
				&now->replicas_attached,
				&now->links_up,
				&now->state_ok,
				&now->settings_as_declared,
				&now->temporaries_in_force,
				&now->temporaries_waiting };
	cr_assert(rop_situation_converged(now));
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		*flags[i] = !*flags[i];
		cr_assert_not(rop_situation_converged(now), "flag %zu", i);
		*flags[i] = !*flags[i];
	}
}

Test(policy_corners, one_thing_to_write_and_the_entry_is_not_empty)
{
	for (int part = 0; part <= 11; part++) {
		struct rop_entry entry = { .wall_ms = 1, .boot_ms = 1, .pid = 1, .ignore_pause = true };
		switch (part) {
		case 0: cr_assert(rop_entry_empty(&entry)); continue;
		case 1: rop_push(pool, &entry.resolutions); break;
		case 2: rop_push(pool, &entry.transitions); break;
		case 3: rop_push(pool, &entry.expects); break;
		case 4: rop_push(pool, &entry.temporaries_set); break;
		case 5: rop_push(pool, &entry.temporaries_gone); break;
		case 6: entry.members_changed = true; break;
		case 7: entry.state = "Ready"; break;
		case 8: entry.formed = true; break;
		case 9: entry.reached_revision = 1; break;
		case 10: entry.conditions_changed = true; break;
		case 11: entry.shards_changed = true; break;
		}
		cr_assert_not(rop_entry_empty(&entry), "part %d", part);
	}
}

/* ---- sentences in the singular ------------------------------------------------------------------------- */

Test(policy_corners, one_key_and_one_library_are_in_the_singular_and_no_address_is_unknown)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	world->nodes[0].keys = 1;
	world->nodes[1].functions = 1;
	rop_observed_add_foreign(world, 2, node_id(9), ":0", "noaddr", NULL);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(now->findings.n, 3);
	cr_assert_str_eq(now->findings.at[0].text, rop_printf(pool,
							      "10.0.0.3:6379 knows a peer that is not declared: %s at "
							      "an unknown address (noaddr)",
							      node_id(9)));
	cr_assert(strstr(now->findings.at[1].text, "holds 1 key but"), "%s", now->findings.at[1].text);
	cr_assert(strstr(now->findings.at[2].text, "holds 1 function library"), "%s", now->findings.at[2].text);
}

/* ---- nodes of which little is known -------------------------------------------------------------------- */

Test(policy_corners, nodes_without_an_id_are_no_twins)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	world->nodes[0].id[0] = world->nodes[1].id[0] = '\0';
	cr_assert_not(situation_of(topology, world)->refused);
}

Test(policy_corners, a_shard_that_nobody_can_lead_is_given_no_slots)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	world->nodes[1].role = ROP_ROLE_REPLICA;
	struct rop_situation *now = situation_of(topology, world);
	struct rop_batch batch = batch_of(now, "assign_slots");
	cr_assert_eq(batch.steps.n, 2);
	for (size_t i = 0; i < 2; i++)
		cr_assert_neq(batch.steps.at[i].node, 1);
}

Test(policy_corners, settings_that_nobody_asked_for_are_neither_lowered_nor_as_declared)
{
	struct rop_topology *topology = topology_of(1, 0, 1);
	struct rop_observed *blind = rop_observed_new(pool, 1, NULL, 0);
	memcpy(blind->nodes[0].id, node_id(0), ROP_ID_SIZE);
	blind->nodes[0].address = "a:1";
	manage_setting(topology, "maxmemory", "1gb");
	struct rop_situation *now = situation_of(topology, blind);
	cr_assert_not(now->settings_as_declared);
	cr_assert_eq(batch_of(now, "lower_settings").steps.n, 0);
}

Test(policy_corners, settings_that_are_changed_for_a_while_can_be_managed_as_well)
{
	struct rop_topology *topology = topology_of(1, 0, 1);
	size_t n;
	manage_setting(topology, "repl-diskless-sync-delay", "1");
	manage_setting(topology, "cluster-node-timeout", "5000");
	manage_setting(topology, "maxmemory", "0");
	rop_settings_watched(pool, topology, &n);
	cr_assert_eq(n, 21);
	manage_setting(topology, "cluster-replica-no-failover", "yes");
	rop_settings_watched(pool, topology, &n);
	cr_assert_eq(n, 21);
}

Test(policy_corners, names_that_are_not_resolved_are_hosts_too)
{
	struct rop_topology *topology = topology_of(2, 1, 4);
	static const char *const NAMES[] = { "one", "two", "one", "two" };
	for (size_t i = 0; i < 4; i++) {
		topology->nodes.at[i].host = NAMES[i];
		topology->nodes.at[i].ip = NULL;
	}
	struct rop_layout layout = layout_of(topology, fresh_world(topology));
	cr_assert_eq(layout.primary_of[2], 1);
	cr_assert_eq(layout.primary_of[3], 0);
	cr_assert_eq(layout.warnings.n, 0);
}

Test(policy_corners, of_no_nodes_nothing_is_open)
{
	struct rop_topology *topology = topology_of(1, 0, 0);
	struct rop_situation *now = rop_alloc(pool, sizeof *now);
	*now = (struct rop_situation){
		.arena = pool, .topology = topology, .seen = rop_observed_new(pool, 0, NULL, 0), .image = &no_image
	};
	now->settings_as_declared = true;
	rop_slots_add(&now->owned, 0, ROP_SLOTS - 1);
	rop_situation_open(now);
	cr_assert_eq(now->open.n, 0);
}

/* ---- replicas and primaries in odd places -------------------------------------------------------------- */

/* Where there is data it first stands aside: no election while it has another shard's data. */
Test(policy_corners, a_replica_of_the_wrong_primary_is_told_the_right_one_once_it_stands_aside)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	make_replica(world, 5, 0);
	world->nodes[5].keys = world->nodes[0].keys = 100;
	rop_bit_set(world, world->online, 0, 5);
	struct rop_batch batch = batch_of(situation_of(topology, world), "attach_replicas");
	cr_assert_eq(batch.steps.n, 1);
	cr_assert(batch.steps.at[0].expect.kind == ROP_STEP_LOWER && batch.steps.at[0].node == 5 &&
		  batch.steps.at[0].peer == 2);
	set_value(world, 5, "cluster-replica-no-failover", "yes");
	batch = batch_of(situation_of(topology, world), "attach_replicas");
	cr_assert_eq(batch.steps.n, 1);
	cr_assert(batch.steps.at[0].expect.kind == ROP_STEP_ROLE && batch.steps.at[0].node == 5 &&
		  batch.steps.at[0].peer == 2);
}

Test(policy_corners, a_replica_of_nobody_is_attached_when_it_is_empty_and_else_kept)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	world->nodes[5].primary = -1;
	memcpy(world->nodes[5].primary_id, node_id(99), ROP_ID_SIZE);
	world->nodes[5].link_up = false;
	struct rop_batch batch = batch_of(situation_of(topology, world), "attach_replicas");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].node == 5 && batch.steps.at[0].peer == 2);
	world->nodes[5].keys = 100;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0);
	cr_assert(now->losses.list.n == 1 && now->refused, "it may hold the last copy of what its primary had");
}

Test(policy_corners, a_replica_that_knows_nobody_gets_no_epoch)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	world->nodes[2].role = ROP_ROLE_REPLICA;
	cr_assert_eq(batch_of(situation_of(topology, world), "set_epochs").steps.n, 2);
}

Test(policy_corners, owners_keep_their_shards_although_their_labels_contradict_each_other)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(topology);
	topology->nodes.at[0].shard = topology->nodes.at[1].shard = 1;
	topology->nodes.at[2].shard = 9;
	struct rop_layout layout = layout_of(topology, world);
	for (int k = 0; k < 3; k++)
		cr_assert(layout.shards[k].primary == k && layout.primary_of[k] == ROP_LEADS);
	topology = topology_of(1, 1, 2);
	topology->nodes.at[1].shard = 9;
	layout = layout_of(topology, fresh_world(topology));
	cr_assert_eq(layout.primary_of[1], 0, "a label that no shard has means nothing");
}

Test(policy_corners, half_given_slots_among_zones_keep_their_owners)
{
	size_t apart = 0;
	EACH_SEED(seed, 400)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random,
								(struct chances){ .max_shards = 5,
										  .max_replicas = 2,
										  .zones = seed % 2 ? PLACING_BY_HOST
												    : PLACING_ANY,
										  .hosts = true });
		struct rop_observed *world = fresh_world(topology);
		meet_all(world);
		for (int k = 0; k < topology->shards; k++)
			if (random_below(&random, 2)) {
				size_t owner = random_below(&random, world->n);
				rop_slots_add(&world->nodes[owner].slots, k * ROP_SLOTS / topology->shards,
					      (k + 1) * ROP_SLOTS / topology->shards - 1);
			}
		rop_settle(world);
		struct rop_layout layout = layout_of(topology, world);
		for (size_t i = 0; i < world->n; i++) {
			bool owns = rop_slots_first(&world->nodes[i].slots) < ROP_SLOTS;
			cr_assert(!owns || layout.primary_of[i] == ROP_LEADS, "seed %" PRIu64, seed);
			cr_assert_neq(layout.primary_of[i], ROP_NO_PLACE, "seed %" PRIu64 ": node %zu has no place",
				      seed, i);
		}
		apart += layout.warnings.n == 0;
	}
	cr_assert_gt(apart, 50);
}

Test(policy_corners, a_replica_of_a_stranger_settles_without_a_link)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	world->nodes[1].role = ROP_ROLE_REPLICA;
	rop_settle(world);
	cr_assert_not(world->nodes[1].link_up);
}

/* 64 nodes fill the words of all sets of nodes: one too far is not a bit that is never set, but another's memory. */
Test(policy_corners, a_world_of_whole_words_is_as_any_other)
{
	for (int nodes = 64; nodes <= 128; nodes *= 2) {
		world_clear();
		struct rop_topology *topology = topology_of(nodes / 2, 1, (size_t)nodes);
		struct rop_observed *world = formed_world(topology), *copy = rop_observed_copy(pool, world);
		size_t n_names;
		const char **names = rop_settings_watched(pool, topology, &n_names);
		rop_settle(world);
		for (size_t i = 0; i < world->n; i++) {
			const struct rop_node *a = &world->nodes[i], *b = &copy->nodes[i];
			cr_assert(a->state_ok && a->epoch == b->epoch && a->current_epoch == b->current_epoch);
			cr_assert_arr_eq(&a->slots, &b->slots, sizeof a->slots);
		}
		struct rop_observed *seen = rop_observed_from_answers(pool, answers_of(world), world->n, names, n_names,
								      1000);
		struct rop_situation *now = situation_of(topology, seen);
		cr_assert(rop_situation_converged(now) && now->findings.n == 0 && now->warnings.n == 0);
		go_silent(seen, 0);
		now = situation_of(topology, seen);
		cr_assert(now->in_view && !now->all_answer);
		now = situation_of(topology, fresh_world(topology));
		cr_assert(now->kase == ROP_CASE_FORM && now->findings.n == 0);
		cr_assert_eq((int)now->layout.n, nodes / 2);
	}
}

/* ---- words of commands --------------------------------------------------------------------------------- */

Test(policy_corners, an_empty_value_is_shown_in_quotes)
{
	struct rop_topology *topology = topology_of(1, 0, 1);
	manage_setting(topology, "save", "");
	struct rop_batch batch = batch_of(situation_of(topology, fresh_world(topology)), "apply_settings");
	rop_step_describe(pool, fresh_world(topology), &batch.steps.at[0]);
	cr_assert_str_eq(batch.steps.at[0].expect.command, "CONFIG SET save \"\"");
}

Test(policy_corners, an_epoch_below_the_current_one_leaves_that_as_it_is)
{
	struct rop_observed *world = fresh_world(topology_of(1, 0, 1));
	struct rop_expect epoch = { .kind = ROP_STEP_EPOCH, .epoch = 3 };
	memcpy(epoch.node, node_id(0), ROP_ID_SIZE);
	world->nodes[0].current_epoch = 8;
	rop_step_effect(&epoch, world);
	cr_assert(world->nodes[0].epoch == 3 && world->nodes[0].current_epoch == 8);
}

Test(policy_corners, a_refusal_without_words_counts_as_one)
{
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect expect = { .kind = ROP_STEP_ROLE, .subject = "role:x" };
	rop_tries_ended(tries, &expect, ROP_EXPECT_REFUSED, 0);
	cr_assert_eq(rop_tries_count(tries, "role:x"), 1);
	cr_assert_str_eq(rop_tries_note(tries, "role:x"), "nothing was seen of it in time");
	cr_assert_null(rop_tries_note(tries, "role:y"));
	expect.note = "NOPERM no";
	rop_tries_ended(tries, &expect, ROP_EXPECT_REFUSED, 0);
	cr_assert_eq(rop_tries_may(tries, "role:x", 1000000), ROP_MAY_NEVER, "a denial is not asked again");
	expect.note = "ERR";
	rop_tries_ended(tries, &expect, ROP_EXPECT_REFUSED, 0);
	struct rop_expect met = { .subject = "role:x" };
	rop_tries_ended(tries, &met, ROP_EXPECT_MET, 0);
	cr_assert_not(rop_tries_gave_up(tries, NULL, NULL));
}

/* ---- texts of nodes ------------------------------------------------------------------------------------ */

Test(policy_corners, odd_but_readable_answers_are_read)
{
	struct rop_answer answer = { .address = "a:1",
				     .port = 1,
				     .reach = ROP_REACH_OK,
				     .cluster_info = "something:else\r\n",
				     .cluster_nodes = "07c37dfeb235213a872192d90877d0cd55635b91 :1@2 "
						      "myself,master,promotable - 0 0 1 connected 1  3-4 " };
	struct rop_observed *seen = rop_observed_from_answers(pool, &answer, 1, NULL, 0, 0);
	cr_assert_eq(seen->nodes[0].reach, ROP_REACH_OK);
	cr_assert_str_eq(rop_slots_text(pool, &seen->nodes[0].slots), "1 3-4");
	cr_assert(!seen->nodes[0].state_ok && seen->nodes[0].current_epoch == 0);
}

Test(policy_corners, nobody_is_introduced_to_whom_does_not_answer)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = fresh_world(topology);
	go_silent(world, 2);
	struct rop_batch batch = batch_of(situation_of(topology, world), "introduce_nodes");
	cr_assert_eq(batch.steps.n, 10, "each pair of the five others");
	for (size_t i = 0; i < batch.steps.n; i++)
		cr_assert(batch.steps.at[i].node != 2 && batch.steps.at[i].peer != 2);
	world = formed_world(topology); /* a member: that it is empty need not be known */
	rop_bit_clear(world, world->known, 0, 2);
	cr_assert_eq(batch_of(situation_of(topology, world), "introduce_nodes").steps.n, 1);
	go_silent(world, 2);
	cr_assert_eq(batch_of(situation_of(topology, world), "introduce_nodes").steps.n, 0);
}
