/* test_policy_open.c - what is not as declared yet, in sentences; the conditions; the words of the cluster machine. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

TestSuite(policy_open, .init = world_setup, .fini = world_teardown);

static struct rop_topology *six(void)
{
	return topology_of(3, 1, 6);
}

/* One line a point: "Reason: sentence". */
static const char *open_of(struct rop_situation *now)
{
	const char *text = "";
	rop_situation_open(now);
	for (size_t i = 0; i < now->open.n; i++) {
		cr_assert_eq(now->open.at[i].code, ROP_TIMEOUT);
		text = rop_printf(pool, "%s%s: %s\n", text, now->open.at[i].reason, now->open.at[i].text);
	}
	return text;
}

/* ---- what is open ------------------------------------------------------------------------------------------------ */

Test(policy_open, of_a_converged_cluster_nothing_is_open)
{
	struct rop_topology *topology = six();
	cr_assert_str_eq(open_of(situation_of(topology, formed_world(topology))), "");
}

static void fail_to_introduce(struct rop_tries *tries, size_t a, size_t b, const char *note)
{
	struct rop_expect expect = { .kind = ROP_STEP_MEET,
				     .subject = rop_printf(pool, "link:%s>%s", node_id(a), node_id(b)),
				     .note = note };
	rop_tries_ended(tries, &expect, note ? ROP_EXPECT_REFUSED : ROP_EXPECT_EXPIRED, 0);
}

Test(policy_open, fresh_nodes_simply_do_not_know_each_other_yet)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	const char *text = open_of(situation_of(topology, fresh_world(topology)));
	cr_assert(strncmp(text, "NotIntroduced: 3 of 3 nodes do not know all others yet\n", 55) == 0, "%s", text);
}

Test(policy_open, names_the_pair_that_could_not_be_introduced_and_the_port)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_tries *tries = rop_tries_new(pool);
	rop_bit_clear(world, world->known, 1, 4);
	rop_bit_clear(world, world->known, 2, 4);
	world->nodes[4].bus_port = 7777;
	fail_to_introduce(tries, 1, 4, NULL);
	fail_to_introduce(tries, 4, 2, NULL);
	struct rop_situation *now = situation_with(topology, world, &no_image, tries, 0);
	cr_assert_str_eq(open_of(now), "NotIntroduced: 10.0.0.2:6379, 10.0.0.3:6379 cannot reach the cluster bus of "
				       "10.0.0.5:6379 (port 7777)\n");
	cr_assert(strstr(now->open.at[0].advice, "cluster bus port"));
	cr_assert_str_eq(open_of(now), open_of(now), "asked twice, told once");
	cr_assert_eq(now->open.n, 1);
	rop_bit_clear(world, world->known, 0, 4);
	rop_bit_clear(world, world->known, 3, 4);
	fail_to_introduce(tries, 0, 4, NULL);
	fail_to_introduce(tries, 3, 4, "NOPERM");
	static const char WANTED[] = "Denied: 10.0.0.4:6379: user 'default' lacks a permission: NOPERM\n"
				     "NotIntroduced: 10.0.0.1:6379, 10.0.0.2:6379, 10.0.0.3:6379 cannot reach the "
				     "cluster bus of 10.0.0.5:6379 (port 7777)\n"
				     "NotIntroduced: 1 of 6 nodes do not know all others yet\n";
	cr_assert_str_eq(open_of(situation_with(topology, world, &no_image, tries, 0)), WANTED);
	fail_to_introduce(tries, 3, 4, NULL);
	cr_assert(strstr(open_of(situation_with(topology, world, &no_image, tries, 0)), "10.0.0.1:6379, 10.0.0.2:6379, "
											"10.0.0.3:6379 and 1 more "
											"cannot reach"));
}

Test(policy_open, names_links_that_are_not_healthy_and_views_that_differ)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	rop_bit_clear(world, world->linked, 3, 0);
	cr_assert_str_eq(open_of(situation_of(topology, world)), "NotLinked: 10.0.0.4:6379: no healthy bus link to "
								 "10.0.0.1:6379 (port 16379)\n");
	rop_bit_set(world, world->linked, 3, 0);
	rop_bit_clear(world, world->agrees, 2, 1);
	cr_assert_str_eq(open_of(situation_of(topology, world)), "ViewsDiffer: 10.0.0.3:6379: another role, epoch or "
								 "slots for 10.0.0.2:6379 than it says itself\n");
}

Test(policy_open, names_two_that_claim_the_same_slots)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	rop_slots_add(&world->nodes[1].slots, 5, 7);
	world->nodes[1].epoch = world->nodes[0].epoch = 3;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_not(now->slots_assigned);
	cr_assert_str_eq(open_of(now), "DoubleClaim: 10.0.0.1:6379 and 10.0.0.2:6379 both claim the slots 5-7 (config "
				       "epochs 3 and 3)\n");
}

Test(policy_open, the_cause_comes_before_what_follows_from_it)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	for (size_t i = 0; i < 6; i++)
		world->nodes[i].state_ok = false;
	rop_bit_clear(world, world->linked, 3, 0);
	go_silent(world, 5);
	const char *text = open_of(situation_of(topology, world));
	const char *silent = strstr(text, "Unreachable"), *link = strstr(text, "NotLinked"),
		   *fails = strstr(text, "StateFail");
	cr_assert(silent && link && fails && silent < link && link < fails, "%s", text);
}

Test(policy_open, says_of_each_node_what_it_lacks)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	world->nodes[0].open_slots = 2;
	world->nodes[0].open_text = "[1->-x] [2->-x]";
	world->nodes[1].state_ok = false;
	world->nodes[3].link_up = false;
	world->nodes[4].syncing = true;
	world->nodes[5].role = ROP_ROLE_PRIMARY;
	world->nodes[5].primary = -1;
	cr_assert_str_eq(open_of(situation_of(topology, world)), "OpenSlots: 10.0.0.1:6379 has 2 open slots: [1->-x] "
								 "[2->-x]\n"
								 "LinkDown: 10.0.0.4:6379: its link to its primary "
								 "10.0.0.1:6379 is down\n"
								 "LinkDown: 10.0.0.5:6379: its link to its primary "
								 "10.0.0.2:6379 is still synchronising\n"
								 "NotAttached: 10.0.0.6:6379 is not a replica of "
								 "10.0.0.3:6379 yet\n"
								 "StateFail: 10.0.0.2:6379 reports "
								 "cluster_state:fail\n");
	world = formed_world(topology);
	world->nodes[1].state_ok = world->nodes[4].state_ok = false;
	cr_assert_str_eq(open_of(situation_of(topology, world)), "StateFail: 10.0.0.2:6379, 10.0.0.5:6379 report "
								 "cluster_state:fail\n");
	world = formed_world(topology);
	go_silent(world, 2);
	static const char UNSERVED[] = "SlotsUncovered: 5461 of 16384 slots are not served (shard 3: 10.0.0.3:6379 "
				       "dead, its replica 10.0.0.6:6379 answers)\n"
				       "Unreachable: 10.0.0.3:6379 does not answer: connection refused\n";
	cr_assert_str_eq(open_of(situation_of(topology, world)), UNSERVED);
	world->nodes[0].state_ok = world->nodes[1].state_ok = false; /* which follows from it */
	cr_assert_null(strstr(open_of(situation_of(topology, world)), "StateFail"));
}

Test(policy_open, also_the_first_node_of_the_file_lacks_its_replica)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	world->nodes[3].role = ROP_ROLE_PRIMARY;
	world->nodes[3].primary = -1;
	cr_assert_str_eq(open_of(situation_of(topology, world)), "NotAttached: 10.0.0.4:6379 is not a replica of "
								 "10.0.0.1:6379 yet\n");
}

Test(policy_open, a_replica_of_a_stranger_is_named_with_the_strangers_id)
{
	struct rop_topology *topology = topology_of(1, 0, 2);
	struct rop_observed *world = formed_world(topology);
	topology->replicas_per_shard = 1;
	world->nodes[1].role = ROP_ROLE_REPLICA;
	world->nodes[1].primary = -1;
	world->nodes[1].link_up = false;
	memcpy(world->nodes[1].primary_id, node_id(50), ROP_ID_SIZE);
	struct rop_situation *now = situation_of(topology, world);
	now->layout.primary_of[1] = ROP_NO_PLACE;
	cr_assert_str_eq(open_of(now), rop_printf(pool, "LinkDown: 10.0.0.2:6379: its link to its primary %s is down\n",
						  node_id(50)));
}

Test(policy_open, a_replica_that_is_turned_away_most_likely_has_no_password)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	world->nodes[3].link_up = false;
	world->nodes[3].syncing = true; /* so it shows itself every second, for a moment */
	rop_bit_set(world, world->unlisted, 0, 3);
	static const char DOWN[] = "LinkDown: 10.0.0.4:6379: its link to its primary 10.0.0.1:6379 is down";
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_str_eq(open_of(now), rop_printf(pool, "%s\n", DOWN), "nobody wants a password");
	topology->auth_password_file = "secret";
	now = situation_of(topology, world);
	cr_assert_not(now->synchronising);
	const char *text = open_of(now);
	cr_assert_eq(strncmp(text, DOWN, strlen(DOWN)), 0, "%s", text);
	cr_assert(strstr(text, "(masterauth, masteruser)") && strstr(now->open.at[0].advice, "set masterauth"));
	world->nodes[3].sync_idle_s = 3;
	memset(world->unlisted, 0, world->n * world->words * sizeof *world->unlisted);
	now = situation_of(topology, world);
	cr_assert(now->synchronising && strstr(open_of(now), "is still synchronising"));
}

Test(policy_open, a_replica_that_is_not_let_in_where_nobody_wants_a_password)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	world->nodes[3].link_up = false;
	rop_bit_set(world, world->unlisted, 0, 3);
	world->nodes[3].link_down_s = 2;
	cr_assert_null(strstr(open_of(situation_of(topology, world)), "most likely"), "it may be back in a moment");
	static const int64_t LASTS[] = { 3, -1 }; /* -1: it never was up */
	for (size_t i = 0; i < sizeof LASTS / sizeof *LASTS; i++) {
		world->nodes[3].link_down_s = LASTS[i];
		struct rop_situation *now = situation_of(topology, world);
		const char *text = open_of(now);
		cr_assert(strstr(text, "that one has no connection of it: most likely it refuses what this one logs in "
				       "with or may do (masterauth, masteruser), or its port cannot be reached"),
			  "%s", text);
		cr_assert(strstr(now->open.at[0].advice, "CONFIG SET masterauth") &&
			  strstr(now->open.at[0].advice, "open port 6379"));
	}
	topology->auth_password_file = "secret";
	cr_assert(strstr(open_of(situation_of(topology, world)), "which wants a password"));
}

Test(policy_open, a_synchronisation_that_stands_still_is_none)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	world->nodes[3].link_up = false;
	world->nodes[3].syncing = true;
	world->nodes[3].sync_idle_s = 59;
	cr_assert(situation_of(topology, world)->synchronising);
	world->nodes[3].sync_idle_s = 60;
	cr_assert_not(situation_of(topology, world)->synchronising, "longer than repl-timeout, 60 where it is not "
								    "known");
	set_value(world, 3, "repl-timeout", "3600");
	cr_assert(situation_of(topology, world)->synchronising);
	world->nodes[3].sync_idle_s = 3600;
	cr_assert_not(situation_of(topology, world)->synchronising);
}

Test(policy_open, counts_slots_that_nobody_owns_and_mentions_settings)
{
	struct rop_topology *topology = topology_of(1, 0, 1);
	manage_setting(topology, "maxmemory", "1gb");
	struct rop_observed *world = formed_world(topology);
	world->nodes[0].slots.bits[0] = 0;
	cr_assert_str_eq(open_of(situation_of(topology, world)),
			 "SlotsUncovered: 64 of 16384 slots are owned by nobody\n"
			 "Settings: maxmemory of 10.0.0.1:6379 is 0, not 1gb as declared\n");
}

Test(policy_open, a_step_that_fails_again_and_again_comes_first)
{
	struct rop_topology *topology = six();
	static const struct {
		const char *subject, *note, *told;
	} FAILURES[] = {
		{ "role:%s", "ERR busy", "StepFails: 10.0.0.3:6379: tried again and again, last: ERR busy\n" },
		{ "slot:0-5460", "ERR busy", "StepFails: slot:0-5460: tried again and again, last: ERR busy\n" },
		{ "odd", "ERR busy", "StepFails: odd: tried again and again, last: ERR busy\n" },
		{ "role:%s", "NOPERM no", "Denied: 10.0.0.3:6379: user 'default' lacks a permission: NOPERM no\n" },
	};
	struct rop_tries *tries;
	for (size_t k = 0; k < sizeof FAILURES / sizeof *FAILURES; k++) {
		tries = rop_tries_new(pool);
		bool of_node = strchr(FAILURES[k].subject, '%');
		struct rop_expect expect = { .kind = ROP_STEP_ROLE,
					     .subject = of_node ? rop_printf(pool, "role:%s", node_id(2))
								: FAILURES[k].subject,
					     .note = FAILURES[k].note };
		for (int i = 0; i < 8; i++)
			rop_tries_ended(tries, &expect, ROP_EXPECT_REFUSED, 0);
		struct rop_situation *now = situation_with(topology, formed_world(topology), &no_image, tries, 0);
		cr_assert(now->gave_up);
		cr_assert_str_eq(open_of(now), FAILURES[k].told);
	}
	topology->auth_user = "ops";
	cr_assert(strstr(open_of(situation_with(topology, formed_world(topology), &no_image, tries, 0)),
			 "user 'ops' lacks"));
	tries = rop_tries_new(pool);
	cr_assert_str_eq(open_of(situation_with(topology, formed_world(topology), &no_image, tries, 0)), "");
}

Test(policy_open, slots_that_were_refused_are_told_of_the_node_that_was_to_get_them)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect expect = { .kind = ROP_STEP_SLOTS, .subject = "slot:10923-16383", .note = "NOPERM no" };
	meet_all(world);
	rop_tries_ended(tries, &expect, ROP_EXPECT_REFUSED, 0);
	cr_assert(strstr(open_of(situation_with(topology, world, &no_image, tries, 0)), "Denied: 10.0.0.3:6379: user "
											"'default' lacks a permission: "
											"NOPERM no\n"));
}

Test(policy_open, a_dozen_points_are_enough)
{
	struct rop_topology *topology = topology_of(20, 0, 20);
	manage_setting(topology, "maxmemory", "1gb");
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_observed *world = fresh_world(topology);
	for (size_t i = 0; i < 20; i++)
		for (size_t j = 0; j < i; j++)
			fail_to_introduce(tries, i, j, NULL);
	struct rop_situation *now = situation_with(topology, world, &no_image, tries, 0);
	rop_situation_open(now);
	cr_assert(now->open.n <= 12);
	cr_assert_str_eq(now->open.at[5].text, "and so for 15 more nodes");
	world = formed_world(topology);
	for (size_t i = 0; i < 20; i++) {
		world->nodes[i].open_slots = 1;
		world->nodes[i].open_text = "[1->-x]";
		rop_bit_clear(world, world->linked, i, (i + 1) % 20);
		rop_bit_clear(world, world->agrees, i, (i + 2) % 20);
	}
	now = situation_of(topology, world);
	rop_situation_open(now);
	cr_assert_eq(now->open.n, 12);
	for (size_t i = 0; i < 20; i++) {
		rop_bit_set(world, world->linked, i, (i + 1) % 20);
		world->nodes[i].state_ok = false;
		world->nodes[i].open_slots = i % 2;
	}
	now = situation_of(topology, world);
	rop_situation_open(now);
	cr_assert_eq(now->open.n, 12);
}

/* ---- conditions -------------------------------------------------------------------------------------------------- */

static const struct rop_condition *conditions_of(struct rop_situation *now, bool converged, bool blocked)
{
	struct rop_condition *conditions = rop_alloc_n(pool, ROP_CONDITIONS_N, sizeof *conditions);
	rop_conditions_make(now, converged, blocked, conditions);
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		cr_assert(conditions[i].reason && conditions[i].reason[0] >= 'A' && conditions[i].reason[0] <= 'Z' &&
			  conditions[i].message);
	return conditions;
}

Test(policy_open, of_a_converged_cluster_the_conditions_say_so)
{
	struct rop_topology *topology = six();
	const struct rop_condition *c = conditions_of(situation_of(topology, formed_world(topology)), true, false);
	static const enum rop_truth TRUTHS[] = { ROP_TRUE,  ROP_TRUE,  ROP_TRUE,  ROP_TRUE, ROP_TRUE,
						 ROP_FALSE, ROP_FALSE, ROP_FALSE, ROP_TRUE };
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		cr_assert_eq(c[i].status, TRUTHS[i], "%s", rop_condition_type_name((enum rop_condition_type)i));
	cr_assert_str_eq(c[ROP_COND_REACHABLE].message, "6 of 6 nodes answer");
	cr_assert_str_eq(c[ROP_COND_SLOTS_COVERED].message, "16384 of 16384 slots are served");
	cr_assert_str_eq(c[ROP_COND_CONVERGED].message, "the cluster matches its topology");
	cr_assert_str_eq(c[ROP_COND_BLOCKED].message, "nothing stands in the way");
}

Test(policy_open, where_not_all_answer_no_view_is_said_to_differ)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	go_silent(world, 5);
	const struct rop_condition *c = conditions_of(situation_of(topology, world), false, false);
	for (int i = ROP_COND_WELL_FORMED; i <= ROP_COND_REPLICAS_READY; i++)
		cr_assert(i == ROP_COND_SLOTS_COVERED || strcmp(c[i].reason, "SomeSilent") == 0, "%s", c[i].reason);
}

Test(policy_open, conditions_name_what_is_wrong_and_stay_unknown_out_of_view)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	world->nodes[0].reach = ROP_REACH_SILENT;
	world->nodes[0].reach_why = "timeout";
	struct rop_situation *now = situation_of(topology, world);
	const struct rop_condition *c = conditions_of(now, false, true);
	cr_assert_str_eq(c[ROP_COND_REACHABLE].reason, "SomeSilent");
	for (int i = ROP_COND_WELL_FORMED; i <= ROP_COND_REPLICAS_READY; i++)
		cr_assert(c[i].status == ROP_UNKNOWN && strcmp(c[i].reason, "OutOfView") == 0);
	cr_assert_str_eq(c[ROP_COND_BLOCKED].reason, "Unreachable");
	cr_assert_str_eq(c[ROP_COND_BLOCKED].message, "10.0.0.1:6379 does not answer: timeout");
	cr_assert_str_eq(c[ROP_COND_CONVERGED].message, "10.0.0.1:6379 does not answer: timeout");

	world->nodes[0].reach = ROP_REACH_OK;
	now = situation_of(topology, world);
	now->waiting = true;
	c = conditions_of(now, false, true);
	cr_assert_str_eq(c[ROP_COND_CONVERGED].reason, "InProgress");
	cr_assert_str_eq(c[ROP_COND_CONVERGED].message, "not as declared yet");
	cr_assert_str_eq(c[ROP_COND_BLOCKED].reason, "Stuck");
	cr_assert_str_eq(c[ROP_COND_WELL_FORMED].reason, "ViewsDiffer");
	cr_assert_str_eq(c[ROP_COND_REPLICAS_READY].message, "some replica is not attached");
	rop_situation_open(now);
	c = conditions_of(now, false, false);
	cr_assert_str_eq(c[ROP_COND_CONVERGED].message, "6 of 6 nodes do not know all others yet");
}

Test(policy_open, the_condition_says_who_paused_it_and_for_how_long)
{
	struct rop_topology *topology = six();
	struct rop_image image = { .paused = true };
	struct rop_observed *world = formed_world(topology);
	cr_assert_str_eq(
		conditions_of(situation_with(topology, world, &image, NULL, 0), false, false)[ROP_COND_PAUSED].message,
		"a person paused it");
	image.paused_by = "ann";
	image.paused_until_wall_ms = 1059001;
	cr_assert_str_eq(
		conditions_of(situation_with(topology, world, &image, NULL, 0), false, false)[ROP_COND_PAUSED].message,
		"ann paused it, for another 60 s");
}

Test(policy_open, the_condition_of_replicas_says_what_is_wrong_with_them)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	world->nodes[3].link_up = false;
	cr_assert_str_eq(conditions_of(situation_of(topology, world), false, false)[ROP_COND_REPLICAS_READY].message,
			 "some replica is not linked to its primary");
	go_silent(world, 3);
	const struct rop_condition *c = conditions_of(situation_of(topology, world), false, false);
	cr_assert(c[ROP_COND_REPLICAS_READY].status == ROP_FALSE && c[ROP_COND_WELL_FORMED].status == ROP_FALSE);
	cr_assert_str_eq(c[ROP_COND_WELL_FORMED].message, "not every node could be asked");
}

Test(policy_open, since_is_when_the_status_last_changed)
{
	struct rop_topology *topology = six();
	struct rop_image image = { 0 };
	image.conditions[ROP_COND_REACHABLE] = (struct rop_condition){ .status = ROP_TRUE, .since_wall_ms = 77 };
	image.conditions[ROP_COND_WELL_FORMED] = (struct rop_condition){ .status = ROP_FALSE, .since_wall_ms = 77 };
	image.conditions[ROP_COND_PAUSED] = (struct rop_condition){ .status = ROP_FALSE, .since_wall_ms = 0 };
	struct rop_situation *now = situation_with(topology, formed_world(topology), &image, NULL, 5);
	const struct rop_condition *c = conditions_of(now, true, false);
	cr_assert_eq(c[ROP_COND_REACHABLE].since_wall_ms, 77);
	cr_assert_eq(c[ROP_COND_WELL_FORMED].since_wall_ms, 1000005, "it was false before");
	cr_assert_eq(c[ROP_COND_PAUSED].since_wall_ms, 1000005, "it was never set before");
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static bool fact(const char *name, const void *now, int64_t arg)
{
	return fact_holds(rop_cluster_words(), name, now, arg);
}

Test(policy_open, each_fact_says_what_its_flag_says_and_nothing_else)
{
	struct rop_topology *topology = six();
	struct rop_situation now = { .topology = topology };
	const struct {
		const char *name;
		bool *flag;
	} FLAGS[] = {
		{ "paused", &now.paused },
		{ "all_answer", &now.all_answer },
		{ "in_view", &now.in_view },
		{ "refused", &now.refused },
		{ "prepared", &now.prepared },
		{ "introduced", &now.introduced },
		{ "members_agree", &now.members_agree },
		{ "slots_assigned", &now.slots_assigned },
		{ "replicas_attached", &now.replicas_attached },
		{ "links_up", &now.links_up },
		{ "synchronising", &now.synchronising },
		{ "state_ok", &now.state_ok },
		{ "views_agree", &now.views_agree },
		{ "views_equal", &now.views_equal },
		{ "slots_in_place", &now.slots_in_place },
		{ "shards_known", &now.shards_known },
		{ "shards_apart", &now.shards_apart },
		{ "temporaries_in_force", &now.temporaries_in_force },
		{ "temporaries_waiting", &now.temporaries_waiting },
		{ "settings_as_declared", &now.settings_as_declared },
		{ "gave_up", &now.gave_up },
		{ "finding_gone", &now.finding_gone },
		{ "replicas_held", &now.replicas_held },
		{ "settings_refused", &now.settings_refused },
		{ "epochs_behind", &now.epochs_behind },
		{ "rejoins", &now.rejoins },
		{ "leaving", &now.leaving },
		{ "leavers_held", &now.leavers_held },
		{ "leavers_watched", &now.leavers_watched },
		{ "wish_due", &now.wish_due },
		{ "host_drained", &now.host_drained },
		{ "drain_due", &now.drain_due },
		{ "placement_due", &now.placement_due },
		{ "silence_expected", &now.silence_expected },
		{ "optional_waits", &now.optional_waits },
		{ "takeover_due", &now.takeover_due },
	};
	cr_assert_eq(sizeof FLAGS / sizeof *FLAGS, rop_cluster_words()->n_facts - 6,
		     "all but empties, orphaned, agreed_for, settling, chunks_open and stalled_for");
	for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS; i++) {
		*FLAGS[i].flag = true;
		for (size_t k = 0; k < sizeof FLAGS / sizeof *FLAGS; k++)
			cr_assert_eq(fact(FLAGS[k].name, &now, 0), k == i, "%s and %s", FLAGS[i].name, FLAGS[k].name);
		*FLAGS[i].flag = false;
	}
}

Test(policy_open, agreement_must_last_as_long_as_the_row_and_the_topology_ask)
{
	struct rop_topology *topology = six();
	struct rop_situation now = { .topology = topology, .views_agree = true, .agreed_ms = 100 };
	cr_assert(fact("agreed_for", &now, 100));
	cr_assert_not(fact("agreed_for", &now, 101));
	cr_assert_not(fact("settling", &now, 0));
	topology->settle_ms = 3000;
	cr_assert(fact("settling", &now, 0));
	now.agreed_ms = 2999;
	cr_assert(fact("settling", &now, 0));
	now.agreed_ms = 3000;
	cr_assert_not(fact("settling", &now, 0));
	now.agreed_ms = 1000;
	now.views_agree = false;
	cr_assert_not(fact("settling", &now, 0));
	cr_assert_not(fact("agreed_for", &now, 1));
}

Test(policy_open, chunks_are_open_when_any_of_them_is)
{
	struct rop_migration chunks[3] = { 0 };
	struct rop_situation now = { .topology = six() };
	now.migrations.at = chunks;
	cr_assert_not(fact("chunks_open", &now, 0), "there is none");
	now.migrations.n = 3;
	cr_assert_not(fact("chunks_open", &now, 0));
	for (int i = 0; i < 3; i++) {
		chunks[i].open = true;
		cr_assert(fact("chunks_open", &now, 0), "chunk %d", i);
		chunks[i].open = false;
	}
}

/* What one fact implies and what it excludes must be true of real situations, or the checks of machines are unsound. */
Test(policy_open, implications_and_exclusions_hold_in_every_situation)
{
	const struct rop_vocabulary *words = rop_cluster_words();
	EACH_SEED(seed, 300)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random, (struct chances){ .max_shards = 5,
											   .max_replicas = 2,
											   .extra = 1 });
		struct rop_observed *world = seed % 2 ? formed_world(topology) : fresh_world(topology);
		for (size_t i = 0; i < world->n; i++) {
			if (!random_below(&random, 12))
				go_silent(world, i);
			if (!random_below(&random, 12))
				rop_bit_clear(world, world->known, i, random_below(&random, world->n));
			if (!random_below(&random, 12))
				rop_bit_clear(world, world->linked, i, random_below(&random, world->n));
			if (!random_below(&random, 12))
				world->nodes[i].keys = 4;
			if (!random_below(&random, 12))
				give_slots(world, i, 0, (int)random_below(&random, ROP_SLOTS));
		}
		struct rop_situation *now = situation_of(topology, world);
		now->agreed_ms = 1000;
		for (size_t i = 0; i < words->n_facts; i++) {
			const struct rop_fact *f = &words->facts[i];
			if (!fact(f->name, now, 1))
				continue;
			for (size_t k = 0; k < ROP_IMPLIES_MAX; k++) {
				cr_assert(!f->implies[k] || fact(f->implies[k], now, 1),
					  "seed %" PRIu64 ": %s and not %s", seed, f->name, f->implies[k]);
				cr_assert(!f->excludes[k] || !fact(f->excludes[k], now, 1),
					  "seed %" PRIu64 ": %s and %s", seed, f->name, f->excludes[k]);
			}
		}
	}
}
