/* test_takeover.c - most primaries are lost: who may lead a shard without a vote, what that costs, what stands against
 * it; and that only a run which was asked for it, with consent to just that, does it.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "../../src/policy/risks.h"
#include "hand.h"
#include "rop/permissions.h"
#include "rop/takeover.h"

TestSuite(takeover, .init = world_setup, .fini = hand_teardown);

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_image image;
static struct rop_wish asked;
static struct rop_consent consent;

static void remember(size_t shard, size_t node, bool led, int64_t keys, int64_t offset)
{
	struct rop_copy_memory *copy = rop_push(pool, &image.shards.at[shard].copies);
	*copy = (struct rop_copy_memory){ .address = world->nodes[node].address,
					  .led = led,
					  .keys = keys,
					  .offset = offset,
					  .seen_wall_ms = 900000 };
	memcpy(copy->node, node_id(node), ROP_ID_SIZE);
}

static void die(size_t node)
{
	go_silent(world, node);
	for (size_t v = 0; v < world->n; v++) {
		if (v != node && rop_answers(world, v))
			rop_bit_set(world, world->failing, v, node);
		if (world->nodes[v].role == ROP_ROLE_REPLICA && world->nodes[v].primary == (int)node) {
			world->nodes[v].link_up = false;
			world->nodes[v].link_down_s = 12;
		}
	}
}

/* 0, 1, 2 lead with two replicas each; 0 and 1 are dead. What 3 and 6 have of shard 1 is remembered. */
static void two_of_three_are_lost(void)
{
	topology = topology_of(3, 2, 9);
	world = three_owners(topology);
	for (size_t i = 3; i < world->n; i++)
		make_replica(world, i, i % 3);
	for (size_t i = 0; i < world->n; i++)
		world->nodes[i].keys = 100;
	rop_settle(world);
	for (size_t i = 0; i < world->n; i++)
		world->nodes[i].offset = 5000;
	image = no_image;
	image.known = true;
	for (size_t k = 0; k < 3; k++) {
		struct rop_shard_memory *shard = rop_push(pool, &image.shards);
		*shard = (struct rop_shard_memory){ .number = (int)k + 1,
						    .slots = rop_slots_text(pool, &world->nodes[k].slots) };
		remember(k, k, true, 104, 5200);
		remember(k, k + 3, false, 100, 5000);
		remember(k, k + 6, false, 100, 5000);
	}
	asked = (struct rop_wish){ .shard = 1, .asked_wall_ms = 1000000 };
	memcpy(asked.primary, node_id(0), ROP_ID_SIZE);
	consent = (struct rop_consent){ 0 };
	die(0);
	die(1);
}

static void name_node(size_t node)
{
	memcpy(asked.node, node_id(node), ROP_ID_SIZE);
	asked.address = world->nodes[node].address;
}

static const struct rop_takeover *now_is(void)
{
	return rop_situation_make(&(struct rop_situation){ .arena = pool,
							   .topology = topology,
							   .seen = world,
							   .image = &image,
							   .consent = &consent,
							   .to_take_over = &asked,
							   .wall_ms = 1000000,
							   .boot_ms = 1000000,
							   .looks_once = true })
		->takeover;
}

static void barred(const char *why)
{
	const struct rop_takeover *t = now_is();
	cr_assert(t->barred && strstr(t->barred, why), "'%s' does not say '%s'", t->barred ? t->barred : "(nothing)",
		  why);
	cr_assert_not(t->now->takeover_due);
	cr_assert_eq(t->losses.list.n, 0, "nothing is offered at any price");
	struct rop_batch batch = batch_of(t->now, "take_over_unvoted");
	cr_assert_eq(batch.steps.n, 0);
}

/* Status does not advise what the command would refuse. */
Test(takeover, what_would_be_refused_is_not_advised)
{
	two_of_three_are_lost();
	const char *advice = now_is()->now->unserved_advice;
	cr_assert(strstr(advice, "`redis-operator takeover FILE 10.0.0.4:6379`"), "%s", advice);
	world->nodes[3].keys = 0;
	world->nodes[6].keys = 0;
	advice = now_is()->now->unserved_advice;
	cr_assert(!strstr(advice, "takeover FILE 10.0.0.4:6379") && !strstr(advice, "takeover FILE 10.0.0.7:6379"),
		  "%s", advice);
	cr_assert(strstr(advice, "bring 10.0.0.1:6379 back: 10.0.0."), "%s", advice);
	cr_assert(strstr(advice, " holds no key, and its primary had 104 when they were counted last"), "%s", advice);
}

/* ---- the price -------------------------------------------------------------------------------------------------- */

Test(takeover, the_price_names_shard_node_keys_lag_and_the_other_partition)
{
	two_of_three_are_lost();
	const struct rop_takeover *t = now_is();
	cr_assert_null(t->barred, "%s", t->barred);
	cr_assert_eq(t->losses.list.n, 1);
	const struct rop_risk *risk = &t->losses.list.at[0];
	cr_assert_str_eq(risk->what, ROP_RISK_TAKEOVER);
	cr_assert_eq(risk->kind, ROP_RISK_LOSS);
	cr_assert_eq(risk->shard, 1);
	cr_assert_str_eq(risk->copies, node_id(3));
	cr_assert(strstr(risk->text, "10.0.0.4:6379 would lead shard 1 without a vote"), "%s", risk->text);
	cr_assert(strstr(risk->text, "has 100 keys, where 10.0.0.1:6379 had 104 when they were counted last"));
	cr_assert(strstr(risk->text, "200 bytes behind"), "%s", risk->text);
	cr_assert(strstr(risk->text, "cut off for 12 s"));
	cr_assert(strstr(risk->text, "two primaries take writes"));
}

Test(takeover, without_consent_nothing_is_done_and_with_that_digest_just_that)
{
	two_of_three_are_lost();
	const struct rop_takeover *t = now_is();
	cr_assert_not(t->now->takeover_due);
	consent = (struct rop_consent){ .digest = "00000000" };
	cr_assert_not(now_is()->now->takeover_due);
	consent = (struct rop_consent){ .digest = t->losses.digest };
	t = now_is();
	cr_assert(t->now->takeover_due);
	struct rop_batch batch = batch_of(t->now, "take_over_unvoted");
	cr_assert_eq(batch.steps.n, 1);
	struct rop_step *step = &batch.steps.at[0];
	cr_assert_eq(step->expect.kind, ROP_STEP_TAKEOVER);
	cr_assert_eq(step->node, 3);
	rop_step_describe(pool, world, step);
	cr_assert_str_eq(step->expect.command, "CLUSTER FAILOVER TAKEOVER");
	name_node(6);
	cr_assert_not(now_is()->now->takeover_due, "another node is another price");
}

Test(takeover, a_run_that_is_for_something_else_never_has_it)
{
	two_of_three_are_lost();
	const struct rop_situation *now = situation_with(topology, world, &image, NULL, 1000);
	cr_assert_null(now->takeover);
	cr_assert_not(now->takeover_due);
	cr_assert_eq(batch_of(now, "take_over_unvoted").steps.n, 0);
}

/* ---- who -------------------------------------------------------------------------------------------------------- */

Test(takeover, the_one_that_got_furthest_is_chosen_and_the_named_one_though_it_did_not)
{
	two_of_three_are_lost();
	world->nodes[6].offset = 5100;
	cr_assert_eq(now_is()->heir, 6);
	name_node(3);
	const struct rop_takeover *t = now_is();
	cr_assert_eq(t->heir, 3);
	cr_assert(strstr(t->losses.list.at[0].text, "10.0.0.7:6379 got further, by 100 bytes"), "%s",
		  t->losses.list.at[0].text);
}

Test(takeover, unknown_is_never_there)
{
	two_of_three_are_lost();
	name_node(3);
	world->nodes[3].keys = ROP_COUNT_UNKNOWN;
	barred("does not tell how many keys it holds");
	world->nodes[3].keys = 0;
	barred("holds no key, and its primary had 104");
	image.shards.at[0].copies.at[0].keys = -1;
	barred("holds no key, and nobody knows how many its primary had");
	image.shards.at[0].copies.at[0].keys = 0;
	cr_assert_null(now_is()->barred, "a shard without a key is led by one without a key");
	world->nodes[3].keys = 100;
	image.shards.at[0].copies.at[1].node[0] = 'x';
	barred("was never seen in sync with it");
	image.shards.n = 0;
	barred("was never seen in sync with it");
}

Test(takeover, one_that_is_being_filled_or_may_not_or_is_of_another_shard)
{
	two_of_three_are_lost();
	name_node(3);
	world->nodes[3].syncing = true;
	barred("what it had is gone, or going");
	asked.node[0] = '\0';
	cr_assert_eq(now_is()->heir, 6, "another one is chosen");
	name_node(4);
	barred("is no replica of shard 1");
	name_node(6);
	world->nodes[6].forbidden = ROP_PERMIT(FAILOVER);
	barred("cluster|failover");
	cr_assert_eq(now_is()->code, ROP_DENIED);
}

/* ---- what stands against it ---------------------------------------------------------------------------------------
 */

Test(takeover, where_a_majority_of_primaries_answers_the_servers_vote)
{
	two_of_three_are_lost();
	world->nodes[1].reach = ROP_REACH_OK;
	barred("2 of 3 primaries answer");
	cr_assert(now_is()->advice);
}

Test(takeover, a_primary_that_answers_or_is_there_or_is_in_touch_with_somebody)
{
	two_of_three_are_lost();
	world->nodes[0].reach = ROP_REACH_OK;
	barred("10.0.0.1:6379 answers, and leads it");
	world->nodes[0].reach = ROP_REACH_LOADING;
	world->nodes[0].reach_why = "it is loading its data set";
	barred("10.0.0.1:6379 is there: it is loading");
	world->nodes[0].reach = ROP_REACH_SILENT;
	world->nodes[6].link_up = true;
	barred("the link of 10.0.0.7:6379 to 10.0.0.1:6379 is up");
	world->nodes[6].link_up = false;
	rop_bit_clear(world, world->failing, 2, 0);
	barred("10.0.0.3:6379 does not see 10.0.0.1:6379 failing");
}

Test(takeover, where_another_one_leads_slots_of_it_already)
{
	two_of_three_are_lost();
	name_node(3);
	rop_slots_add(&world->nodes[6].slots, 0, 100);
	world->nodes[6].role = ROP_ROLE_PRIMARY;
	barred("10.0.0.7:6379 leads slots of that shard");
}

/* ---- done ------------------------------------------------------------------------------------------------------- */

static void run(const char *digest, struct rop_result *ret_result)
{
	struct hand *hand = op = hand_new(topology, world);
	hand->image = image;
	hand->options.takeover = &asked;
	hand->options.consent = digest;
	hand_start(hand);
	*ret_result = hand_run(hand);
}

Test(takeover, a_run_takes_it_over_and_does_nothing_else)
{
	two_of_three_are_lost();
	name_node(3);
	const char *digest = rop_strdup(pool, now_is()->losses.digest);
	struct rop_result result;
	run(digest, &result);
	cr_assert_eq(result.code, ROP_OK, "%s", result.text);
	cr_assert(strstr(result.text, "10.0.0.4:6379 leads shard 1"), "%s", result.text);
	cr_assert_eq(op->sent.n, 1);
	cr_assert_eq(hand_sent(op, ROP_STEP_TAKEOVER), 1);
	cr_assert(hand_moved(op, "Observe", "TakeOverUnvoted"));
	cr_assert_eq(op->world->nodes[6].primary, 3, "the other replica follows");
}

Test(takeover, with_another_digest_a_run_does_nothing)
{
	two_of_three_are_lost();
	name_node(3);
	struct rop_result result;
	run("12345678", &result);
	cr_assert_eq(result.code, ROP_STALE, "%s", result.text);
	cr_assert_eq(op->sent.n, 0);
}

Test(takeover, a_run_ends_refused_where_its_primary_came_back)
{
	two_of_three_are_lost();
	name_node(3);
	const char *digest = rop_strdup(pool, now_is()->losses.digest);
	world->nodes[0].reach = ROP_REACH_OK;
	struct rop_result result;
	run(digest, &result);
	cr_assert_eq(result.code, ROP_REFUSED, "%s", result.text);
	cr_assert_eq(op->sent.n, 0);
}

Test(takeover, a_daemon_that_finds_one_under_way_sees_it_and_asks_for_none)
{
	two_of_three_are_lost();
	struct hand *hand = op = hand_new(topology, world);
	hand->image = image;
	hand->options.keep = true;
	hand->options.consent = now_is()->losses.digest;
	hand_start(hand);
	for (int i = 0; i < 20; i++)
		hand_look(hand);
	cr_assert_eq(hand_sent(hand, ROP_STEP_TAKEOVER), 0);
	cr_assert_str_eq(state(), "Blocked");
}
