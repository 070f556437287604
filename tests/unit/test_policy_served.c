/* test_policy_served.c - owned is not served: what is said of slots whose owner does not live, and what is not. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "rop/report.h"
#include "rop/text.h"
#include "world.h"

TestSuite(policy_served, .init = world_setup, .fini = world_teardown);

static struct rop_topology *six(void)
{
	return topology_of(3, 1, 6); /* 1, 2, 3 lead; 4, 5, 6 follow them in order */
}

static void see_failing(struct rop_observed *world, size_t node)
{
	for (size_t v = 0; v < world->n; v++)
		if (v != node && rop_answers(world, v))
			rop_bit_set(world, world->failing, v, node);
}

/* It does not answer in time; whether the others see that too is another thing. */
static void go_mute(struct rop_observed *world, size_t node)
{
	go_silent(world, node);
	world->nodes[node].reach_why = "no connection within 2s";
}

static struct rop_condition covered(const struct rop_situation *now)
{
	struct rop_condition conditions[ROP_CONDITIONS_N];
	rop_conditions_make(now, false, false, conditions);
	return conditions[ROP_COND_SLOTS_COVERED];
}

static const char *health_of(struct rop_topology *topology, struct rop_observed *world, size_t *ret_errors)
{
	struct rop_report r = { .arena = pool, .topology = topology, .image = &no_image };
	ROP_OWN_TEXT text = { 0 };
	*ret_errors = rop_report_health(&r, situation_of(topology, world), &text);
	return rop_strdup(pool, text.at);
}

Test(policy_served, a_shard_without_a_live_node_is_owned_and_not_served)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_report r = { .arena = pool, .topology = topology, .machine = shipped_machine(), .image = &no_image };
	static const char SAID[] = "5462 of 16384 slots are not served (shard 2: 10.0.0.2:6379 silent, its replica "
				   "10.0.0.5:6379 silent too)";
	ROP_OWN_TEXT status = { 0 };
	size_t errors;
	go_mute(world, 1);
	go_mute(world, 4);
	see_failing(world, 1);
	see_failing(world, 4);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->slots_assigned, "owned they are");
	cr_assert_eq(rop_slots_count(&now->served), ROP_SLOTS - 5462);
	cr_assert_str_eq(now->unserved, SAID);
	cr_assert_str_eq(
		now->unserved_advice,
		"start again, with its data: 10.0.0.2:6379 or a replica of it; first where the data is on disk: "
		"one that comes back empty wipes its replicas");
	struct rop_condition c = covered(now);
	cr_assert(c.status == ROP_FALSE && strcmp(c.reason, "NotServed") == 0 && strcmp(c.message, SAID) == 0);
	rop_report_status(&r, now, NULL, 0, &status);
	cr_assert_eq(strncmp(status.at, SAID, strlen(SAID)), 0, "the first line: %s", status.at);
	const char *health = health_of(topology, world, &errors);
	cr_assert_eq(strncmp(health, SAID, strlen(SAID)), 0, "%s", health);
	cr_assert(strstr(health, "[ERR] Not all 16384 slots are covered by nodes. (5462 are not)\n"), "%s", health);
	cr_assert_null(strstr(health, "10.0.0.2:6379 has no replica"), "it is lost already");
	json_t *json = rop_report_health_json(&r, situation_of(topology, world), "cart", &errors);
	json_t *first = json_array_get(json_object_get(json, "findings"), 0);
	cr_assert_str_eq(json_string_value(json_object_get(first, "message")), SAID);
	json_decref(json);
}

Test(policy_served, a_shard_without_a_replica_is_said_to_have_none)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(topology);
	go_mute(world, 1);
	see_failing(world, 1);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_str_eq(now->unserved, "5462 of 16384 slots are not served (shard 2: 10.0.0.2:6379 silent, without a "
					"replica)");
}

Test(policy_served, dead_silent_loading_failing_and_withheld_owners_are_told_apart)
{
	static const struct {
		enum rop_reach reach;
		const char *why;
		bool failing;
		enum rop_truth status;
		const char *said;
	} CASES[] = {
		{ ROP_REACH_SILENT, "connection refused", false, ROP_FALSE, "10.0.0.1:6379 dead, its replica" },
		{ ROP_REACH_SILENT, "no connection within 2s", true, ROP_FALSE, "10.0.0.1:6379 silent, its replica" },
		{ ROP_REACH_SILENT, "no connection within 2s", false, ROP_UNKNOWN,
		  "10.0.0.1:6379 silent to us, not to other nodes, its" },
		{ ROP_REACH_LOADING, "loading", false, ROP_FALSE, "10.0.0.1:6379 loading, its" },
		{ ROP_REACH_OK, NULL, true, ROP_FALSE, "10.0.0.1:6379 failing, its" },
		{ ROP_REACH_DENIED, "wrong password", false, ROP_UNKNOWN, "10.0.0.1:6379 does not let us ask, its" },
		{ ROP_REACH_NOT_REDIS, "HTTP", false, ROP_FALSE, "10.0.0.1:6379 no node of a cluster, its" },
	};
	for (size_t k = 0; k < sizeof CASES / sizeof *CASES; k++) {
		struct rop_topology *topology = six();
		struct rop_observed *world = formed_world(topology);
		size_t errors;
		if (CASES[k].reach != ROP_REACH_OK)
			go_silent(world, 0);
		world->nodes[0].reach = CASES[k].reach;
		world->nodes[0].reach_why = CASES[k].why;
		if (CASES[k].failing)
			see_failing(world, 0);
		struct rop_situation *now = situation_of(topology, world);
		cr_assert(now->unserved && strstr(now->unserved, CASES[k].said), "%s: %s", CASES[k].said,
			  now->unserved ? now->unserved : "served");
		cr_assert_eq(covered(now).status, CASES[k].status, "%s", CASES[k].said);
		cr_assert_null(strstr(health_of(topology, world, &errors), "[OK] All 16384"), "%s", CASES[k].said);
	}
}

Test(policy_served, one_who_sees_an_owner_failing_is_not_the_majority)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	rop_bit_set(world, world->failing, 1, 0);
	rop_bit_set(world, world->failing, 5, 0);
	cr_assert_null(situation_of(topology, world)->unserved);
	rop_bit_set(world, world->failing, 2, 0);
	cr_assert(situation_of(topology, world)->unserved);
}

Test(policy_served, who_was_succeeded_does_not_count_and_who_succeeded_does)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	world->nodes[3].role = ROP_ROLE_PRIMARY;
	world->nodes[3].primary = -1;
	world->nodes[3].epoch = 9;
	world->nodes[3].slots = world->nodes[0].slots;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_null(now->unserved, "%s", now->unserved);
	go_silent(world, 0);
	cr_assert_null(situation_of(topology, world)->unserved, "the old primary is not asked for it");
	world->nodes[0].reach = ROP_REACH_OK;
	go_silent(world, 3);
	cr_assert_eq(rop_slots_count(&situation_of(topology, world)->served), ROP_SLOTS - 5461,
		     "the successor has them, also where it is the one that does not answer");
}

Test(policy_served, slots_of_nobody_and_shards_beyond_the_third_are_counted)
{
	struct rop_topology *topology = topology_of(6, 1, 12);
	struct rop_observed *world = formed_world(topology);
	world->nodes[0].slots.bits[0] = 0;
	for (size_t i = 1; i < 6; i++)
		go_silent(world, i);
	const char *said = situation_of(topology, world)->unserved;
	cr_assert_eq(strncmp(said, "13717 of 16384 slots are not served (64 are owned by nobody; shard 2: ", 68), 0,
		     "%s", said);
	cr_assert(strstr(said, "; and 2 more shards)"), "%s", said);
}

Test(policy_served, where_nobody_can_be_elected_the_takeover_is_named_with_its_price)
{
	struct rop_topology *topology = topology_of(2, 1, 4);
	struct rop_observed *world = formed_world(topology);
	go_silent(world, 0);
	cr_assert_null(situation_of(topology, world)->unserved_advice, "others see it healthy yet");
	see_failing(world, 0);
	world->nodes[2].link_up = false;
	world->nodes[2].keys = 812;
	world->nodes[2].offset = 7;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->unserved_advice);
	cr_assert_str_eq(now->unserved_advice,
			 "1 of 2 primaries is gone, and without a majority no replica is elected; only if "
			 "10.0.0.1:6379 is gone for good: `redis-operator takeover FILE 10.0.0.3:6379` (it "
			 "holds 812 keys; what was written to 10.0.0.1:6379 and had not reached it is lost then, also "
			 "where that comes back)");
	cr_assert_eq(covered(now).status, ROP_FALSE, "out of view, but this is known");
	world->nodes[2].syncing = true;
	cr_assert_null(situation_of(topology, world)->unserved_advice, "what is being filled is no copy");
}

Test(policy_served, of_two_replicas_the_one_that_is_furthest_on_takes_over)
{
	struct rop_topology *topology = topology_of(1, 2, 3);
	struct rop_observed *world = formed_world(topology);
	go_silent(world, 0);
	see_failing(world, 0);
	world->nodes[1].offset = 10;
	world->nodes[2].offset = 11;
	cr_assert(strstr(situation_of(topology, world)->unserved_advice, "FILE 10.0.0.3:6379`"));
	world->nodes[1].offset = 12;
	cr_assert(strstr(situation_of(topology, world)->unserved_advice, "FILE 10.0.0.2:6379`"));
}

Test(policy_served, where_a_majority_lives_it_elects_and_nobody_is_told_to)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	go_silent(world, 0);
	see_failing(world, 0);
	cr_assert_null(situation_of(topology, world)->unserved_advice);
	go_silent(world, 1);
	see_failing(world, 1);
	cr_assert(strstr(situation_of(topology, world)->unserved_advice, "2 of 3 primaries are gone"));
}

static bool warns_of_few(struct rop_topology *topology)
{
	struct rop_situation *now = situation_of(topology, formed_world(topology));
	for (size_t i = 0; i < now->warnings.n; i++)
		if (strcmp(now->warnings.at[i].reason, "FewPrimaries") == 0)
			return true;
	return false;
}

Test(policy_served, fewer_than_three_primaries_are_a_warning_of_check_too)
{
	size_t errors;
	cr_assert(warns_of_few(topology_of(1, 1, 2)) && warns_of_few(topology_of(2, 1, 4)) && !warns_of_few(six()));
	struct rop_topology *topology = topology_of(2, 1, 4);
	cr_assert(strstr(health_of(topology, formed_world(topology), &errors), "[WARNING] a cluster with fewer than 3 "
									       "primaries"));
	cr_assert_eq(errors, 0);
}

/* ---- a reshard under way ----------------------------------------------------------------------------------- */

Test(policy_served, an_open_slot_is_a_warning_of_check_and_no_disagreement)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	size_t errors;
	world->nodes[0].open_slots = 1;
	world->nodes[0].open_text = rop_printf(pool, "[7->-%s]", node_id(1));
	const char *health = health_of(topology, world, &errors);
	cr_assert_eq(errors, 0, "%s", health);
	cr_assert(strstr(health, "[OK] All nodes agree") && strstr(health, "in migrating or importing state"));
	rop_bit_clear(world, world->agrees, 2, 1);
	rop_bit_clear(world, world->agrees, 3, 4);
	health = health_of(topology, world, &errors);
	cr_assert_eq(errors, 0, "the other end of the move, and its replica: %s", health);
	cr_assert(strstr(health, "[WARNING] Not every node has heard"), "%s", health);
	rop_bit_clear(world, world->agrees, 0, 2);
	cr_assert(strstr(health_of(topology, world, &errors), "[ERR] Nodes don't agree"), "that is none of the move");
	cr_assert_gt(errors, 0);
}
