/* test_misplaced.c - shards that had better be led by another node: which, what stands against it, and that it is done
 * unasked only where the file says so.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "hand.h"
#include "rop/permissions.h"

TestSuite(misplaced, .init = world_setup, .fini = hand_teardown);

#define SHARDS 3
#define NOW_MS 10000000

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_image image;

/* As the servers have it. */
static void fail_over_to(struct rop_observed *seen, size_t heir)
{
	struct rop_expect e = { .kind = ROP_STEP_FAILOVER };
	memcpy(e.node, seen->nodes[heir].id, ROP_ID_SIZE);
	memcpy(e.peer, seen->nodes[seen->nodes[heir].primary].id, ROP_ID_SIZE);
	rop_step_effect(&e, seen);
	rop_settle(seen);
}

/* Three shards on three hosts: nodes 0, 1, 2 lead, nodes 3, 4, 5 follow them. */
static void one_on_each(void)
{
	static const int HOSTS[] = { 0, 1, 2, 1, 0, 0 };
	topology = topology_of(SHARDS, 1, 6);
	topology->path = "cart.yaml";
	topology->disruption.shards_at_once = topology->disruption.keep_copies = 1;
	for (size_t i = 0; i < topology->nodes.n; i++)
		put_on_host(topology, i, HOSTS[i]);
	world = three_owners(topology);
	for (size_t i = SHARDS; i < world->n; i++)
		make_replica(world, i, i % SHARDS);
	for (size_t i = 0; i < world->n; i++) {
		world->nodes[i].keys = 100;
		world->nodes[i].priority = 100;
	}
	rop_settle(world);
	image = no_image;
}

/* Shard 2 was failed over from host 1 to host 0, which leads two now: nodes 0 and 4. */
static void two_on_one_host(void)
{
	one_on_each();
	fail_over_to(world, 4);
}

static struct rop_situation *now_is(void)
{
	return rop_situation_make(&(struct rop_situation){ .arena = pool,
							   .topology = topology,
							   .seen = world,
							   .image = &image,
							   .wall_ms = NOW_MS,
							   .boot_ms = NOW_MS,
							   .looks_once = true });
}

static void nothing_is_said(const char *why)
{
	const struct rop_situation *now = now_is();
	cr_assert(!now->misplaced.n && !now->placement_due, "%s", why);
	for (size_t i = 0; i < now->warnings.n; i++)
		cr_assert_neq(now->warnings.at[i].is, ROP_WHY_MISPLACED, "%s", why);
}

static const char *advice(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->warnings.n; i++)
		if (now->warnings.at[i].is == ROP_WHY_MISPLACED)
			return now->warnings.at[i].advice;
	return "";
}

static struct rop_condition placed(const struct rop_situation *now)
{
	struct rop_condition conditions[ROP_CONDITIONS_N];
	rop_conditions_make(now, rop_situation_converged(now), false, conditions);
	return conditions[ROP_COND_PLACED];
}

/* ---- said ---------------------------------------------------------------------------------------------------------
 */

Test(misplaced, who_had_better_hand_over_is_said_with_the_command_and_it_is_as_declared_all_the_same)
{
	two_on_one_host();
	const struct rop_situation *now = now_is();
	cr_assert(rop_situation_converged(now));
	cr_assert_eq(now->misplaced.n, 1);
	cr_assert(now->misplaced.at[0].shard == 2 && now->misplaced.at[0].from == 4 && now->misplaced.at[0].to == 1);
	cr_assert_str_eq(now->misplaced.at[0].text,
			 "2 of 3 shards are led from host 10.0.0.1, and none from 10.0.0.2: shard 2 had better be led "
			 "by 10.0.0.2:6380 than by 10.0.0.1:6383");
	cr_assert_str_eq(advice(now), "`redis-operator failover cart.yaml 10.0.0.2:6380`");
	cr_assert(placed(now).status == ROP_FALSE && !strcmp(placed(now).reason, "Misplaced"));
	cr_assert_not(now->placement_due, "it is only proposed");
}

Test(misplaced, one_more_than_others_is_left_alone)
{
	two_on_one_host();
	put_on_host(topology, 4, 1);
	put_on_host(topology, 1, 0);
	nothing_is_said("one each");
	cr_assert_eq(placed(now_is()).status, ROP_TRUE);
	put_on_host(topology, 2, 1);
	put_on_host(topology, 3, 0);
	put_on_host(topology, 5, 0);
	nothing_is_said("two and one");
}

Test(misplaced, where_a_host_follows_only_who_has_none_to_spare_two_hand_over)
{
	two_on_one_host();
	static const int HOSTS[] = { 2, 0, 1, 0, 1, 0 };
	for (size_t i = 0; i < world->n; i++)
		put_on_host(topology, i, HOSTS[i]);
	fail_over_to(world, 3);
	const struct rop_situation *now = now_is();
	cr_assert_eq(now->misplaced.n, 2, "host 1 leads two, host 2 none: by way of host 0");
	cr_assert(strstr(placed(now).message, "; and 1 more"));
}

Test(misplaced, what_it_would_be_formed_as_is_good_enough)
{
	one_on_each();
	static const int HOSTS[] = { 0, 0, 0, 1, 2, 1 };
	for (size_t i = 0; i < world->n; i++)
		put_on_host(topology, i, HOSTS[i]);
	nothing_is_said("the file has the nodes of one host first");
	cr_assert_eq(placed(now_is()).status, ROP_TRUE);
	fail_over_to(world, 3);
	nothing_is_said("better than that");
}

Test(misplaced, without_another_host_there_is_nothing_to_be_had)
{
	two_on_one_host();
	for (size_t i = 0; i < world->n; i++)
		put_on_host(topology, i, 0);
	nothing_is_said("one host");
	cr_assert_eq(placed(now_is()).status, ROP_TRUE);
}

Test(misplaced, a_zone_that_leads_too_many_is_found_where_the_hosts_are_even)
{
	two_on_one_host();
	for (size_t i = 0; i < world->n; i++)
		put_on_host(topology, i, (int)i);
	nothing_is_said("each on a host of its own");
	static const char *const ZONES[] = { "a", "c", "b", "b", "a", "c" };
	for (size_t i = 0; i < world->n; i++)
		put_in_zone(topology, i, ZONES[i]);
	const struct rop_situation *now = now_is();
	cr_assert_eq(now->misplaced.n, 1);
	cr_assert(now->misplaced.at[0].from == 4 && now->misplaced.at[0].to == 1);
	cr_assert(strstr(now->misplaced.at[0].why, "2 of 3 shards are led from zone a, and none from zone c"), "%s",
		  now->misplaced.at[0].why);
	topology->nodes.at[5].zone = NULL;
	nothing_is_said("zones count where every node has one");
}

Test(misplaced, a_shard_that_is_all_on_one_host_is_told_who_could_change_places)
{
	one_on_each();
	static const int HOSTS[] = { 0, 1, 2, 0, 2, 1 };
	for (size_t i = 0; i < world->n; i++)
		put_on_host(topology, i, HOSTS[i]);
	const struct rop_situation *now = now_is();
	cr_assert(now->swaps.n == 1 && !now->misplaced.n);
	cr_assert(now->swaps.at[0].shard == 1 && now->swaps.at[0].from == 3 && now->swaps.at[0].to == 4);
	cr_assert(strstr(now->swaps.at[0].text, "all nodes of shard 1 are on host 10.0.0.1: 10.0.0.2:6382 and "
						"10.0.0.1:6383 of shard 2 had better change places"),
		  "%s", now->swaps.at[0].text); /* who moved keeps its address here */
	cr_assert(strstr(advice(now), "`shard: 2` for 10.0.0.2:6382 and `shard: 1` for 10.0.0.1:6383"));
	cr_assert(strstr(advice(now), "keepCopies: 0"), "neither has another replica");
	cr_assert(placed(now).status == ROP_FALSE && !strcmp(placed(now).reason, "Together"));
	topology->repair_placement = true;
	cr_assert_not(now_is()->placement_due, "it is only said");
	topology->disruption.keep_copies = 0;
	cr_assert_null(strstr(advice(now_is()), "keepCopies"));
	topology->nodes.at[4].shard = 2;
	cr_assert_eq(now_is()->swaps.at[0].to, 5, "who is pinned stays");
	topology->nodes.at[3].shard = 1;
	nothing_is_said("pinned where it is");
	cr_assert_eq(now_is()->swaps.n, 0);
}

Test(misplaced, a_shard_in_one_zone_too_and_not_where_nothing_is_gained)
{
	one_on_each();
	static const char *const ZONES[] = { "a", "b", "b", "a", "a", "a" };
	for (size_t i = 0; i < world->n; i++) {
		put_on_host(topology, i, (int)i);
		put_in_zone(topology, i, ZONES[i]);
	}
	cr_assert_eq(now_is()->swaps.n, 0, "all replicas are in zone a");
	topology->nodes.at[0].zone = "b";
	topology->nodes.at[4].zone = "b";
	const struct rop_situation *now = now_is();
	cr_assert_eq(now->swaps.n, 0, "no other shard has a replica in zone a that it can spare");
	topology->nodes.at[0].zone = topology->nodes.at[4].zone = "a";
	topology->nodes.at[1].zone = "a";
	topology->nodes.at[4].zone = "b";
	topology->nodes.at[2].zone = "b";
	cr_assert_eq(now_is()->swaps.n, 0, "shard 2 would be in one zone then");
	put_in_zone(topology, 1, "c");
	now = now_is();
	cr_assert_eq(now->swaps.n, 1);
	cr_assert(strstr(now->swaps.at[0].text, "all nodes of shard 1 are in zone a"));
	go_silent(world, 5);
	cr_assert_eq(now_is()->swaps.n, 0, "somebody is silent");
}

/* ---- what stands against it -----------------------------------------------------------------------------------------
 */

Test(misplaced, who_may_not_take_over_unasked_is_not_proposed)
{
	two_on_one_host();
	topology->nodes.at[3].shard = 3;
	topology->nodes.at[5].shard = 1;
	nothing_is_said("pinned to another shard: not as declared");
	topology->nodes.at[3].shard = topology->nodes.at[5].shard = 0;
	world->nodes[1].priority = 0;
	cr_assert_eq(now_is()->misplaced.at[0].to, 3, "the other shard's");
	set_value(world, 3, "cluster-replica-no-failover", "yes");
	nothing_is_said("one has no priority, the other does not fail over");
	world->nodes[1].priority = 100;
	world->nodes[1].forbidden = ROP_PERMIT(FAILOVER);
	nothing_is_said("not permitted");
}

Test(misplaced, while_anything_else_goes_on_nothing_is_said_or_done)
{
	two_on_one_host();
	topology->repair_placement = true;
	cr_assert(now_is()->placement_due);
	image.wish = (struct rop_wish){ .id = 5, .shard = 3, .asked_wall_ms = NOW_MS };
	memcpy(image.wish.primary, node_id(2), ROP_ID_SIZE);
	nothing_is_said("a person wants something");
	image.wish = (struct rop_wish){ 0 };
	*rop_push(pool, &image.drains) = (struct rop_drain){ .id = 7,
							     .target = topology->nodes.at[2].host,
							     .until_wall_ms = NOW_MS + 3600000,
							     .by = { .user = "anna", .host = "desk" } };
	nothing_is_said("a host is drained");
	cr_assert_eq(placed(now_is()).status, ROP_UNKNOWN);
	image.drains.n = 0;
	world->nodes[5].link_up = false;
	nothing_is_said("a replica is not linked");
	world->nodes[5].link_up = true;
	cr_assert(now_is()->placement_due);
	image.paused = true;
	cr_assert_not(now_is()->placement_due);
	image.paused = false;
	go_silent(world, 5);
	nothing_is_said("somebody is silent");
}

Test(misplaced, after_one_that_failed_it_rests_and_for_longer_than_after_one_that_was_given_up)
{
	two_on_one_host();
	topology->repair_placement = true;
	image.last_wish = (struct rop_wish){
		.id = 5, .by.uid = ROP_NOBODY, .status = ROP_WISH_WITHDRAWN, .closed_wall_ms = NOW_MS - 59000
	};
	cr_assert_not(now_is()->placement_due);
	image.last_wish.closed_wall_ms = NOW_MS - 61000;
	cr_assert(now_is()->placement_due);
	image.last_wish.status = ROP_WISH_FAILED;
	cr_assert_not(now_is()->placement_due);
	image.last_wish.closed_wall_ms = NOW_MS - 601000;
	cr_assert(now_is()->placement_due);
	image.last_wish.closed_wall_ms = NOW_MS;
	image.last_wish.by.uid = 0;
	cr_assert(now_is()->placement_due, "a person's");
}

/* ---- unasked ----------------------------------------------------------------------------------------------------- */

Test(misplaced, auto_makes_a_wish_of_it_that_names_who_is_to_lead)
{
	two_on_one_host();
	topology->repair_placement = true;
	const struct rop_situation *now = now_is();
	cr_assert(now->placement_due);
	cr_assert_str_eq(advice(now), "`redis-operator apply cart.yaml` hands it over (spec.placement.repair)");
	struct rop_batch batch = batch_of(now, "begin_handover");
	cr_assert(batch.wish_begin.shard == 2 && rop_wish_is_repair(&batch.wish_begin));
	cr_assert_str_eq(batch.wish_begin.node, node_id(1));
	cr_assert_str_eq(batch.wish_begin.primary, node_id(4));
	cr_assert(strstr(batch.wish_begin.by.reason, "2 of 3 shards are led from host 10.0.0.1"));
}

static struct rop_handover *of_wish(void)
{
	image.wish = (struct rop_wish){ .id = 5, .shard = 2, .asked_wall_ms = NOW_MS, .by.uid = ROP_NOBODY };
	memcpy(image.wish.primary, node_id(4), ROP_ID_SIZE);
	memcpy(image.wish.node, node_id(1), ROP_ID_SIZE);
	return now_is()->handover;
}

Test(misplaced, its_wish_is_taken_back_as_soon_as_it_is_no_way_to_a_better_placement)
{
	two_on_one_host();
	topology->repair_placement = true;
	cr_assert_null(of_wish()->hopeless);
	world->nodes[5].link_up = false;
	cr_assert(of_wish()->hopeless && of_wish()->ends_as == ROP_WISH_WITHDRAWN, "something else goes on");
	world->nodes[5].link_up = true;
	put_on_host(topology, 4, 1);
	put_on_host(topology, 1, 0);
	cr_assert(of_wish()->hopeless, "even already");
	put_on_host(topology, 4, 0);
	put_on_host(topology, 1, 1);
	topology->repair_placement = false;
	cr_assert(of_wish()->hopeless, "the file does not want it any more");
}

static void hand_with(bool unasked)
{
	two_on_one_host();
	topology->repair_placement = unasked;
	op = hand_new(topology, world);
	op->image.formed_wall_ms = 1;
	hand_start(op);
}

Test(misplaced, a_run_hands_over_and_ends_as_declared)
{
	hand_with(true);
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_OK && result.reached, "%s", result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_FAILOVER), 1);
	cr_assert_eq(op->sent.n, 1);
	cr_assert_str_eq(op->sent.at[0].expect.node, node_id(1));
	cr_assert(hand_moved(op, "Ready", "HandOver") && hand_moved(op, "HandOver", "Observe"));
	cr_assert(op->image.last_wish.status == ROP_WISH_MET && rop_wish_is_repair(&op->image.last_wish));
	hand_start(op);
	result = hand_run(op);
	cr_assert(result.reached && op->sent.n == 1, "and then nothing more");
}

Test(misplaced, what_is_only_proposed_is_not_done_and_no_plan_holds_it)
{
	hand_with(false);
	struct rop_plan plan;
	rop_plan_make(pool, &op->options, op->world, op->clock, &plan);
	cr_assert(plan.result.reached && plan.steps.n == 0);
	struct rop_result result = hand_run(op);
	cr_assert(result.reached && op->sent.n == 0, "%s", result.text);
}

Test(misplaced, a_plan_holds_it_where_it_is_done_unasked)
{
	hand_with(true);
	struct rop_plan plan;
	rop_plan_make(pool, &op->options, op->world, op->clock, &plan);
	cr_assert(plan.result.reached && plan.steps.n == 1, "%zu: %s", plan.steps.n, plan.result.text);
	cr_assert_eq(plan.steps.at[0].expect.kind, ROP_STEP_FAILOVER);
}

/* The same process, and the same shard. */
Test(misplaced, what_a_person_handed_over_is_handed_back_by_the_run_that_did_it)
{
	one_on_each();
	topology->repair_placement = true;
	world->nodes[3].priority = 0;
	op = hand_new(topology, world);
	op->image.formed_wall_ms = 1;
	op->image.wish = (struct rop_wish){ .id = 5, .shard = 2, .asked_wall_ms = op->clock.wall_ms };
	memcpy(op->image.wish.primary, node_id(1), ROP_ID_SIZE);
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_OK && result.reached, "%d: %s", result.code, result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_FAILOVER), 2);
	cr_assert_str_eq(op->sent.at[0].expect.node, node_id(4));
	cr_assert_str_eq(op->sent.at[1].expect.node, node_id(1));
	cr_assert_neq(op->image.last_wish.id, 5);
	cr_assert_eq(op->image.last_wish.status, ROP_WISH_MET);
}

Test(misplaced, where_the_servers_refuse_it_is_given_up_for_a_while_and_the_run_ends_as_declared)
{
	hand_with(true);
	op->answer = hand_refuses_failover;
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_OK && result.reached, "%d: %s", result.code, result.text);
	cr_assert_eq(op->image.last_wish.status, ROP_WISH_FAILED);
	cr_assert_leq(hand_sent(op, ROP_STEP_FAILOVER), ROP_WISH_ATTEMPTS);
	size_t sent = op->sent.n;
	hand_start(op);
	result = hand_run(op);
	cr_assert(result.reached && op->sent.n == sent, "not at once again");
}

/* ---- of many ------------------------------------------------------------------------------------------------------
 */

static int squares(const struct rop_topology *t, const struct rop_observed *seen)
{
	int sum = 0;
	for (size_t i = 0; i < seen->n; i++)
		for (size_t k = 0; k < seen->n; k++)
			sum += !rop_slots_empty(&seen->nodes[i].slots) && !rop_slots_empty(&seen->nodes[k].slots) &&
			       strcmp(t->nodes.at[i].host, t->nodes.at[k].host) == 0;
	return sum;
}

/* A fail-over for each shard that has a replica, as the servers would have it. */
static void fail_over_some(uint64_t *random, struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		int primary = seen->nodes[i].role == ROP_ROLE_REPLICA ? seen->nodes[i].primary : -1;
		if (primary < 0 || random_below(random, 3))
			continue;
		fail_over_to(seen, i);
	}
}

Test(misplaced, after_any_fail_overs_a_run_comes_to_an_end_no_worse_than_it_began_nor_than_formed_afresh)
{
	size_t handed = 0;
	EACH_SEED(seed, ROUNDS(160))
	{
		uint64_t random = seed;
		topology = random_topology(&random, (struct chances){ .max_shards = 6,
								      .max_replicas = 2,
								      .extra = 1,
								      .zones = seed % PLACINGS_N,
								      .hosts = true });
		topology->disruption.shards_at_once = topology->disruption.keep_copies = 1;
		topology->repair_placement = true;
		world = formed_world(topology);
		for (size_t i = 0; i < world->n; i++)
			world->nodes[i].priority = 100;
		int fresh = squares(topology, world);
		fail_over_some(&random, world);
		int before = squares(topology, world);
		op = hand_new(topology, world);
		op->image.formed_wall_ms = 1;
		hand_start(op);
		struct rop_result result = hand_run(op);
		cr_assert(result.code == ROP_OK && result.reached, "seed %" PRIu64 ": %s", seed, result.text);
		int after = squares(topology, op->world);
		cr_assert(after <= before && (after <= fresh || !op->sent.n || after < before),
			  "seed %" PRIu64 ": %d, %d formed afresh, then %d", seed, before, fresh, after);
		cr_assert_leq(hand_sent(op, ROP_STEP_FAILOVER), (size_t)topology->shards, "seed %" PRIu64, seed);
		handed += hand_sent(op, ROP_STEP_FAILOVER);
		world = op->world;
		nothing_is_said("all that could be had");
		hand_stop(op);
		op = NULL;
	}
	cr_assert_geq(handed, ROUNDS(160) / 16);
}
