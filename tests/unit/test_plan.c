/* test_plan.c - a plan is what a run will do: the same steps, node by node in the same order; and then nothing. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hand.h"

TestSuite(plan, .init = world_setup, .fini = world_teardown);

static struct rop_plan plan_of(struct hand *hand)
{
	struct rop_plan plan;
	rop_plan_make(pool, &hand->options, hand->world, hand->clock, &plan);
	return plan;
}

/* A step's identity: what, on what, with what. A repeated attempt is not a new step. */
static const char *identity(const struct rop_step *step)
{
	const struct rop_expect *e = &step->expect;
	return rop_printf(pool, "%s %s | %s", rop_step_kind_name(e->kind), e->subject, e->command);
}

static const char *steps_of_node(const struct rop_step *steps, size_t n, const char *id)
{
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < n; i++)
		if (strcmp(steps[i].expect.node, id) == 0)
			rop_text_add(&text, "%s\n", identity(&steps[i]));
	return rop_strndup(pool, text.n ? text.at : "", text.n);
}

static void expect_same_steps(uint64_t seed, const struct hand *hand, size_t from, const struct rop_plan *plan)
{
	for (size_t i = 0; i < hand->world->n; i++)
		cr_assert_str_eq(steps_of_node(hand->sent.at + from, hand->sent.n - from, node_id(i)),
				 steps_of_node(plan->steps.at, plan->steps.n, node_id(i)), "seed %" PRIu64 ", node %zu",
				 seed, i);
	cr_assert_eq(hand->sent.n - from, plan->steps.n, "seed %" PRIu64, seed);
}

static void expect_nothing_more(uint64_t seed, struct hand *hand)
{
	struct rop_plan plan = plan_of(hand);
	cr_assert_eq(plan.steps.n, 0, "seed %" PRIu64 ": %s", seed, plan.steps.n ? identity(&plan.steps.at[0]) : "");
	cr_assert(plan.result.reached && plan.result.code == ROP_OK, "seed %" PRIu64 ": %s", seed, plan.result.text);
}

static struct rop_topology *topology_for(uint64_t seed, uint64_t *random, int max_shards)
{
	struct rop_topology *topology = random_topology(random, (struct chances){ .max_shards = max_shards,
										  .max_replicas = 2,
										  .extra = seed % 3 ? 0 : 2,
										  .zones = seed / 3 % PLACINGS_N,
										  .hosts = seed / 9 % 2,
										  .labels = seed % 7 == 0 });
	if (seed % 4 == 0)
		manage_setting(topology, "maxmemory", "1gb");
	if (seed % 8 == 0)
		manage_setting(topology, "cluster-node-timeout", "5000");
	return topology;
}

/* ---- plan and run --------------------------------------------------------------------------------------------------
 */

Test(plan, a_run_on_a_faultless_world_takes_the_steps_that_the_plan_showed)
{
	EACH_SEED(seed, 60)
	{
		uint64_t random = seed;
		struct rop_topology *topology = topology_for(seed, &random, seed % 10 ? 6 : 25);
		struct hand *hand = hand_new(topology, fresh_world(topology));
		struct rop_plan plan = plan_of(hand);
		cr_assert(plan.result.reached, "seed %" PRIu64 ": %s", seed, plan.result.text);
		hand_start(hand);
		cr_assert(hand_run(hand).reached, "seed %" PRIu64 ": %s", seed, rop_reconcile_result(hand->r).text);
		expect_same_steps(seed, hand, 0, &plan);
		expect_nothing_more(seed, hand);
		hand_stop(hand);
	}
}

/* Some of a batch arrives, some does not, and nobody knows which: then the operator dies. */
static uint64_t luck;

static enum rop_sent lose_some(struct hand *hand, const struct rop_step *step, const char **ret_text)
{
	(void)hand;
	(void)step;
	*ret_text = "connection lost";
	return random_below(&luck, 2) ? ROP_SENT_OK : ROP_SENT_UNKNOWN;
}

static struct hand *interrupted(uint64_t seed, struct rop_topology *topology)
{
	struct hand *hand = hand_new(topology, fresh_world(topology));
	luck = seed;
	hand_start(hand);
	size_t turns = random_below(&luck, 30);
	for (size_t i = 0; i < turns && rop_reconcile_want(hand->r) != ROP_WANT_DONE; i++)
		hand_turn(hand);
	hand->answer = lose_some;
	for (size_t i = 0, last = random_below(&luck, 12); i < last && rop_reconcile_want(hand->r) != ROP_WANT_DONE;
	     i++)
		hand_turn(hand);
	hand->answer = NULL;
	rop_settle(hand->world);
	return hand;
}

/* The last 60 lose the database too: what is lowered then is told by the nodes alone. */
#define DATABASE_LOST_FROM 151

Test(plan, from_any_half_done_world_the_plan_is_what_the_next_run_does)
{
	size_t planned = 0, with_pending = 0;
	EACH_SEED(seed, 210)
	{
		uint64_t random = seed;
		struct hand *hand = interrupted(seed, topology_for(seed, &random, 5));
		if (seed >= DATABASE_LOST_FROM)
			hand->image = (struct rop_image){ 0 };
		size_t sent = hand->sent.n;
		with_pending += hand->image.pending.n > 0;
		struct rop_plan plan = plan_of(hand);
		hand_start(hand);
		struct rop_result result = hand_run(hand);
		cr_assert(result.reached, "seed %" PRIu64 ": %s", seed, result.text);
		cr_assert(plan.result.reached, "seed %" PRIu64 ": %s", seed, plan.result.text);
		expect_same_steps(seed, hand, sent, &plan);
		expect_nothing_more(seed, hand);
		planned += plan.steps.n > 0;
		hand_stop(hand);
	}
	cr_assert(planned > 60 && with_pending > 30, "%zu, %zu", planned, with_pending);
}

Test(plan, a_world_made_by_somebody_else_is_completed_as_planned)
{
	EACH_SEED(seed, 100)
	{
		uint64_t random = seed;
		struct rop_topology *topology = topology_for(0, &random, 5);
		struct rop_observed *world = fresh_world(topology);
		for (size_t i = random_below(&random, 2 * world->n); i-- > 0;)
			know_each_other(world, random_below(&random, world->n), random_below(&random, world->n));
		struct rop_layout layout = layout_of(topology, world);
		for (size_t k = 0; k < layout.n; k++)
			if (random_below(&random, 2))
				rop_slots_join(&world->nodes[layout.shards[k].primary].slots, &layout.shards[k].add);
		rop_settle(world);
		struct hand *hand = hand_new(topology, world);
		struct rop_plan plan = plan_of(hand);
		hand_start(hand);
		struct rop_result result = hand_run(hand);
		cr_assert_eq(result.reached, plan.result.reached, "seed %" PRIu64 ": %s", seed, result.text);
		cr_assert_eq(result.code, plan.result.code);
		expect_same_steps(seed, hand, 0, &plan);
		if (result.reached)
			expect_nothing_more(seed, hand);
		hand_stop(hand);
	}
}

Test(plan, step_by_step_the_plan_is_the_next_batch)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct hand *hand = hand_new(topology, fresh_world(topology));
	hand->options.step = true;
	for (int i = 0; i < 5; i++) {
		size_t sent = hand->sent.n;
		struct rop_plan plan = plan_of(hand);
		hand_start(hand);
		hand_run(hand);
		expect_same_steps((uint64_t)i, hand, sent, &plan);
	}
	hand_stop(hand);
}

/* ---- what a plan leaves alone ---------------------------------------------------------------------------------------
 */

Test(plan, changes_nothing_that_it_was_given)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct hand *hand = hand_new(topology, fresh_world(topology));
	struct rop_observed *before = rop_observed_copy(pool, hand->world);
	struct rop_image image = hand->image;
	struct rop_plan plan = plan_of(hand);
	cr_assert_eq(plan.steps.n, 51);
	cr_assert_arr_eq(&hand->image, &image, sizeof image);
	for (size_t i = 0; i < 6; i++) {
		cr_assert_arr_eq(&hand->world->nodes[i].slots, &before->nodes[i].slots, sizeof(struct rop_slots));
		cr_assert_str_eq(hand->world->nodes[i].settings[0], "15000");
		cr_assert(hand->world->nodes[i].epoch == 0 && hand->world->nodes[i].others == 0);
	}
	cr_assert_eq(hand->sent.n + hand->moves.n + hand->ended.n, 0, "nobody is told of what did not happen");
}

Test(plan, shows_the_situation_that_was_seen_and_the_way)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct hand *hand = hand_new(topology, fresh_world(topology));
	struct rop_plan plan = plan_of(hand);
	cr_assert(plan.first->kase == ROP_CASE_FORM && plan.first->answering == 6);
	cr_assert_str_eq(plan.transitions.at[0].from, "Observe");
	cr_assert_str_eq(plan.transitions.at[plan.transitions.n - 1].to, "Ready");
	cr_assert_str_eq(plan.steps.at[0].state, "Configure");
	cr_assert_eq(plan.result.steps, plan.steps.n);
}

Test(plan, of_a_refused_world_is_empty_and_says_why)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct hand *hand = hand_new(topology, fresh_world(topology));
	hand->world->nodes[1].keys = 3;
	struct rop_plan plan = plan_of(hand);
	cr_assert(plan.steps.n == 0 && !plan.result.reached && plan.result.code == ROP_REFUSED);
	cr_assert(strstr(plan.result.text, "10.0.0.2:6379 holds 3 keys"), "%s", plan.result.text);
	go_silent(hand->world, 0);
	hand->world->nodes[1].keys = 0;
	plan = plan_of(hand);
	cr_assert_eq(plan.result.code, ROP_UNREACHABLE);
}

Test(plan, of_a_degraded_cluster_shows_what_can_be_done_and_ends)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct hand *hand = hand_new(topology, formed_world(topology));
	go_silent(hand->world, 4);
	struct rop_plan plan = plan_of(hand);
	cr_assert(plan.steps.n == 0 && !plan.result.reached && plan.result.code == ROP_OK);
	cr_assert(strstr(plan.result.text, "10.0.0.5:6379 does not answer"), "%s", plan.result.text);
	hand->world->nodes[3].role = ROP_ROLE_PRIMARY;
	hand->world->nodes[3].primary = -1;
	hand->world->nodes[3].primary_id[0] = '\0';
	plan = plan_of(hand);
	cr_assert(plan.steps.n == 1 && plan.steps.at[0].expect.kind == ROP_STEP_ROLE);
}

Test(plan, of_a_paused_cluster_says_that_it_is_paused)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct hand *hand = hand_new(topology, fresh_world(topology));
	hand->image.paused = true;
	struct rop_plan plan = plan_of(hand);
	cr_assert_eq(plan.steps.n, 0);
	cr_assert(strstr(plan.result.text, "cluster 'cart' is paused"), "%s", plan.result.text);
}

Test(plan, that_cannot_come_to_an_end_ends)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct hand *hand = hand_new(topology, formed_world(topology));
	hand->world->nodes[2].open_slots = 1; /* somebody else's slot migration: nothing that we do ends it */
	hand->world->nodes[2].open_text = "[5->-x]";
	struct rop_plan plan = plan_of(hand);
	cr_assert(plan.steps.n == 0 && !plan.result.reached && plan.result.code == ROP_TIMEOUT);
	cr_assert(strstr(plan.result.text, "redis-cli --cluster fix"), "%s", plan.result.text);
}
