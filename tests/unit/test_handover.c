/* test_handover.c - a shard that is to be led by another node: who is the best for it, what stands against it, how far
 * it is, and how it goes by the machine.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "../../src/policy/risks.h"
#include "hand.h"
#include "rop/permissions.h"

TestSuite(handover, .init = world_setup, .fini = hand_teardown);

#define PRIMARY 0
#define SHARDS 3
#define NOW_MS 1000000

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_image image;
static struct rop_tries *tries;

/* Three shards with `replicas` each: 0, 1, 2 lead, and every third node after them follows. */
static void three_shards(size_t replicas)
{
	topology = topology_of(SHARDS, (int)replicas, SHARDS * (1 + replicas));
	world = three_owners(topology);
	for (size_t i = SHARDS; i < world->n; i++)
		make_replica(world, i, i % SHARDS);
	for (size_t i = 0; i < world->n; i++) {
		world->nodes[i].keys = 100;
		world->nodes[i].priority = 100;
	}
	rop_settle(world);
	for (size_t i = 0; i < world->n; i++)
		world->nodes[i].offset = 1000000;
	image = no_image;
	tries = NULL;
}

static void want(int shard, int node)
{
	image.wish = (struct rop_wish){ .id = 5, .shard = shard, .asked_wall_ms = NOW_MS - 1000 };
	memcpy(image.wish.primary, node_id((size_t)shard - 1), ROP_ID_SIZE);
	if (node < 0)
		return;
	memcpy(image.wish.node, node_id((size_t)node), ROP_ID_SIZE);
	image.wish.address = world->nodes[node].address;
}

static struct rop_situation *situation_at(int64_t wall_ms)
{
	return rop_situation_make(&(struct rop_situation){ .arena = pool,
							   .topology = topology,
							   .seen = world,
							   .image = &image,
							   .tries = tries,
							   .wall_ms = wall_ms,
							   .boot_ms = wall_ms,
							   .looks_once = true });
}

static const struct rop_handover *now_is(void)
{
	return situation_at(NOW_MS)->handover;
}

static int best(void)
{
	return now_is()->to;
}

static void barred(const char *why)
{
	const struct rop_handover *h = now_is();
	cr_assert(h->barred && strstr(h->barred, why), "'%s' does not say '%s'", h->barred ? h->barred : "(nothing)",
		  why);
	cr_assert_not(h->now->wish_due);
}

/* ---- who is the best ----------------------------------------------------------------------------------------- */

Test(handover, without_a_wish_there_is_nothing_to_do)
{
	three_shards(1);
	cr_assert_null(now_is());
	cr_assert_not(situation_at(NOW_MS)->wish_due);
}

Test(handover, the_replica_that_lags_least_is_the_best_and_a_little_does_not_count)
{
	three_shards(3);
	want(1, -1);
	cr_assert_eq(best(), 3);
	world->nodes[3].offset -= 65536;
	cr_assert_eq(best(), 6);
	world->nodes[6].offset -= 65535;
	cr_assert_eq(best(), 6, "less than 64 KiB");
	world->nodes[6].offset -= 1;
	cr_assert_eq(best(), 9);
	world->nodes[9].offset = -1;
	cr_assert_eq(best(), 3, "unknown is the greatest");
	const struct rop_handover *h = now_is();
	cr_assert_eq(h->candidates.n, 3);
	cr_assert_eq(h->candidates.at[0].lag, 65536);
	cr_assert_eq(h->candidates.at[2].lag, -1);
	world->nodes[3].offset = 2000000;
	cr_assert_eq(now_is()->candidates.at[0].lag, 0, "it was asked later");
}

Test(handover, among_equals_another_zone_comes_before_another_host_and_that_before_an_idle_one)
{
	three_shards(4);
	want(1, -1);
	for (size_t i = 0; i < world->n; i++)
		put_in_zone(topology, i, i == 9 ? "b" : "a");
	put_on_host(topology, 0, 50);
	put_on_host(topology, 3, 50);
	put_on_host(topology, 6, 51);
	put_on_host(topology, 1, 51);
	put_on_host(topology, 12, 52);
	put_on_host(topology, 9, 50);
	cr_assert_eq(best(), 9, "the only one in zone b");
	put_in_zone(topology, 9, "a");
	cr_assert_eq(best(), 12, "another host, where nobody leads");
	put_on_host(topology, 12, 50);
	cr_assert_eq(best(), 6, "another host");
	put_on_host(topology, 6, 50);
	cr_assert_eq(best(), 3, "the first in the file");
	world->nodes[3].offset -= 65536;
	cr_assert_eq(best(), 6, "all that counts less than what is missing");
}

Test(handover, who_is_not_to_lead_unasked_may_be_named)
{
	three_shards(2);
	want(1, -1);
	world->nodes[3].priority = 0;
	cr_assert_eq(best(), 6);
	set_value(world, 6, "cluster-replica-no-failover", "yes");
	barred("no replica of shard 1 is ready");
	barred("10.0.0.4:6379 has replica-priority 0");
	barred("10.0.0.7:6379 has cluster-replica-no-failover set");
	want(1, 3);
	cr_assert_eq(best(), 3);
	want(1, 6);
	cr_assert_eq(best(), 6);
}

Test(handover, who_is_not_in_sync_is_named_with_the_reason)
{
	three_shards(2);
	want(1, -1);
	world->nodes[3].link_up = false;
	cr_assert_eq(best(), 6);
	const struct rop_handover *h = now_is();
	cr_assert(!h->candidates.at[1].ready && strstr(h->candidates.at[1].why, "no link"));
	cr_assert(strstr(rop_candidate_sentence(pool, h, &h->candidates.at[1]), "no link"));
	cr_assert(strstr(rop_candidate_sentence(pool, h, &h->candidates.at[0]), "takes over"));
	rop_bit_clear(world, world->online, PRIMARY, 6);
	barred("not listed as online");
	world->nodes[6].syncing = true;
	barred("taking over its primary's data");
	go_silent(world, 6);
	barred("does not answer");
}

Test(handover, a_replica_that_the_others_could_not_load_from_is_none_to_lead)
{
	three_shards(1);
	want(1, -1);
	world->nodes[3].version = world->nodes[3].own_version = 80000;
	barred("is newer than");
	want(1, 3);
	barred("is newer than");
}

Test(handover, who_is_declared_for_another_shard_is_none_to_lead_this_one)
{
	three_shards(2);
	want(1, -1);
	topology->nodes.at[3].shard = 1;
	cr_assert_eq(best(), 3);
	topology->nodes.at[3].shard = 2;
	cr_assert_eq(best(), 6);
	want(1, 3);
	barred("is declared for shard 2");
}

Test(handover, a_permission_that_is_missing_is_told_as_such)
{
	three_shards(2);
	want(1, -1);
	world->nodes[3].forbidden = ROP_PERMIT(FAILOVER);
	cr_assert_eq(best(), 6);
	world->nodes[6].forbidden = ROP_PERMIT(FAILOVER);
	barred("cluster|failover");
	cr_assert_eq(now_is()->code, ROP_DENIED);
}

/* ---- what stands against it ----------------------------------------------------------------------------------- */

Test(handover, a_silent_primary_bars_it)
{
	three_shards(1);
	want(1, -1);
	go_silent(world, PRIMARY);
	barred("10.0.0.1:6379 does not answer");
	cr_assert_eq(now_is()->code, ROP_REFUSED);
}

Test(handover, a_shard_without_a_replica_cannot_be_handed_over)
{
	three_shards(1);
	want(1, -1);
	make_replica(world, 3, 1);
	rop_settle(world);
	barred("has no replica");
}

static struct guard guard_now(struct rop_batch *batch)
{
	const struct rop_situation *now = situation_at(NOW_MS);
	struct rop_step step = policy_step(now, ROP_STEP_FAILOVER, 3, PRIMARY);
	return guard_step(now, batch, &step);
}

static void guard_waits(const char *why)
{
	struct rop_batch batch = { .arena = pool };
	struct guard guard = guard_now(&batch);
	cr_assert(guard.verdict == GUARD_WAIT && strstr(guard.why, why), "'%s'", guard.why ? guard.why : "it goes");
}

Test(handover, the_guard_lets_it_go_only_where_the_shard_is_whole)
{
	struct rop_batch batch = { .arena = pool };
	three_shards(1);
	cr_assert_eq(guard_now(&batch).verdict, GUARD_GO);
	world->nodes[3].syncing = true;
	guard_waits("not in sync");
	world->nodes[3].syncing = false;
	rop_bit_set(world, world->failing, 1, PRIMARY);
	guard_waits("failing");
	rop_bit_clear(world, world->failing, 1, PRIMARY);
	struct rop_open_slot open = { .slot = 7 };
	memcpy(open.peer, node_id(1), ROP_ID_SIZE);
	rop_node_set_open(pool, &world->nodes[PRIMARY], &open);
	world->nodes[PRIMARY].open_slots = 1;
	guard_waits("on their way");
	rop_node_close(&world->nodes[PRIMARY], 7);
	world->nodes[PRIMARY].open_slots = 0;
	memcpy(open.peer, node_id(PRIMARY), ROP_ID_SIZE);
	open.importing = true;
	rop_node_set_open(pool, &world->nodes[1], &open);
	world->nodes[1].open_slots = 1;
	guard_waits("on their way"); /* the other side has it open */
}

Test(handover, one_at_a_time)
{
	struct rop_batch batch = { .arena = pool };
	three_shards(1);
	const struct rop_situation *now = situation_at(NOW_MS);
	*rop_push(pool, &batch.steps) = policy_step(now, ROP_STEP_FAILOVER, 4, 1);
	cr_assert_eq(guard_now(&batch).verdict, GUARD_WAIT);
	tries = rop_tries_new(pool);
	struct rop_step other = policy_step(now, ROP_STEP_FAILOVER, 4, 1);
	other.expect.subject = policy_subject(pool, &other.expect);
	rop_tries_pending(tries, &other.expect);
	guard_waits("another shard is being handed over");
	want(1, -1);
	barred("another shard is being handed over");
}

Test(handover, what_is_barred_waits_and_what_is_over_or_can_be_gone_on_with_is_due)
{
	three_shards(1);
	want(1, -1);
	cr_assert(situation_at(NOW_MS)->wish_due);
	world->nodes[3].link_up = false;
	cr_assert_not(situation_at(NOW_MS)->wish_due);
	cr_assert_null(now_is()->hopeless);
	image.wish.failures = ROP_WISH_ATTEMPTS;
	image.wish.failure = "its effect was not seen in time";
	const struct rop_handover *h = now_is();
	cr_assert(h->now->wish_due && h->ends_as == ROP_WISH_FAILED && strstr(h->hopeless, "3 attempts have failed"));
	image.wish.failures = 2;
	cr_assert_null(now_is()->hopeless);
	h = situation_at(image.wish.asked_wall_ms + ROP_WISH_LASTS_MS)->handover;
	cr_assert(h->ends_as == ROP_WISH_REFUSED && strstr(h->hopeless, "15 minutes"), "%s", h->hopeless);
	cr_assert_null(situation_at(image.wish.asked_wall_ms + ROP_WISH_LASTS_MS - 1)->handover->hopeless);
	want(9, -1);
	memcpy(image.wish.primary, "gone", 5);
	cr_assert(strstr(now_is()->hopeless, "no shard 9"));
	want(1, 3);
	memcpy(image.wish.node, "gone", 5);
	cr_assert(strstr(now_is()->hopeless, "no node of the cluster"));
	want(1, 4);
	barred("is no replica of shard 1");
}

Test(handover, after_a_failed_attempt_it_waits_as_long_as_servers_lock_others_out)
{
	three_shards(1);
	want(1, -1);
	for (size_t i = 0; i < world->n; i++)
		set_value(world, i, "cluster-node-timeout", "2000");
	image.wish.failures = 1;
	image.wish.failed_boot_ms = NOW_MS - 8999;
	image.wish.locked = true;
	const struct rop_handover *h = now_is();
	cr_assert(h->rests && h->now->wish_due, "four node timeouts and a second");
	cr_assert_eq(h->rests_ms, 1);
	cr_assert(strstr(rop_handover_sentence(pool, h), "attempt 1 of 3"));
	image.wish.failed_boot_ms--;
	cr_assert_not(now_is()->rests);
	set_value(world, 3, "cluster-node-timeout", "100");
	image.wish.failed_boot_ms = NOW_MS - 4999;
	cr_assert(now_is()->rests, "four seconds at least");
	image.wish.locked = false;
	cr_assert_not(now_is()->rests, "what was refused at once locks nobody out");
	image.wish.failed_boot_ms = NOW_MS - 999;
	cr_assert(now_is()->rests);
	image.wish.locked = true;
	world->nodes[3].valkey = true;
	world->nodes[3].own_version = 80100;
	image.wish.failed_boot_ms = NOW_MS - 5000;
	cr_assert_not(now_is()->rests, "Valkey since 8.1 stands again");
	set_value(world, 3, "cluster-node-timeout", "15000");
	cr_assert_not(now_is()->rests);
}

Test(handover, who_gave_its_slots_away_is_not_asked_to_again_before_the_servers_vote)
{
	three_shards(1);
	want(1, -1);
	for (size_t i = 0; i < world->n; i++)
		set_value(world, i, "cluster-node-timeout", "2000");
	struct rop_handed handed = { .boot_ms = NOW_MS - 4999 };
	memcpy(handed.node, node_id(3), ROP_ID_SIZE);
	*rop_push(pool, &image.handed) = handed;
	cr_assert_not(now_is()->rests, "another one did");
	memcpy(handed.node, node_id(PRIMARY), ROP_ID_SIZE);
	*rop_push(pool, &image.handed) = handed;
	const struct rop_handover *h = now_is();
	cr_assert(h->rests && h->rests_ms == 1 && h->now->wish_due, "two node timeouts and a second");
	cr_assert(strstr(rop_handover_sentence(pool, h), "10.0.0.1:6379 gave slots away just now"));
	image.handed.at[1].boot_ms--;
	cr_assert_not(now_is()->rests);
	image.handed.at[1].boot_ms = NOW_MS;
	world->nodes[3].valkey = true;
	world->nodes[3].own_version = 80100;
	cr_assert_not(now_is()->rests);
	world->nodes[3].valkey = false;
	tries = rop_tries_new(pool);
	cr_assert_not(now_is()->rests, "a plan does not wait");
}

Test(handover, one_that_was_asked_for_is_under_way_and_never_hopeless_meanwhile)
{
	three_shards(1);
	want(1, -1);
	image.wish.failures = ROP_WISH_ATTEMPTS;
	tries = rop_tries_new(pool);
	struct rop_step step = policy_step(situation_at(NOW_MS), ROP_STEP_FAILOVER, 3, PRIMARY);
	step.expect.subject = policy_subject(pool, &step.expect);
	rop_tries_pending(tries, &step.expect);
	const struct rop_handover *h = now_is();
	cr_assert(h->under_way && !h->hopeless && h->now->wish_due);
	rop_tries_ended(tries, &step.expect, ROP_EXPECT_EXPIRED, NOW_MS);
	h = now_is();
	cr_assert(!h->under_way && h->hopeless);
}

/* ---- how far it is -------------------------------------------------------------------------------------------- */

static void hand_over_to(int heir)
{
	struct rop_expect e = { .kind = ROP_STEP_FAILOVER };
	memcpy(e.node, node_id((size_t)heir), ROP_ID_SIZE);
	memcpy(e.peer, node_id(PRIMARY), ROP_ID_SIZE);
	cr_assert_not(rop_expect_seen(&e, world));
	rop_step_effect(&e, world);
	cr_assert(rop_expect_seen(&e, world));
	world->nodes[PRIMARY].role = ROP_ROLE_PRIMARY; /* it has not heard of it */
	cr_assert_not(rop_expect_seen(&e, world));
	world->nodes[PRIMARY].role = ROP_ROLE_REPLICA;
}

Test(handover, it_is_confirmed_by_all_views_and_the_link_of_who_led_before)
{
	three_shards(2);
	want(1, -1);
	hand_over_to(6);
	const struct rop_handover *h = now_is();
	cr_assert(h->handed_over && !h->confirmed && h->from == 6 && h->to == 6);
	cr_assert(strstr(h->barred, "does not follow it with its link up"), "%s", h->barred);
	rop_settle(world);
	h = now_is();
	cr_assert(h->handed_over && h->confirmed && !h->barred && h->now->wish_due);
	rop_bit_clear(world, world->agrees, 4, 6);
	cr_assert(!now_is()->confirmed && strstr(now_is()->barred, "10.0.0.5:6379 has not heard of it"));
	go_silent(world, 4);
	cr_assert(now_is()->confirmed, "of the views that answer");
	rop_bit_clear(world, world->agrees, 5, PRIMARY);
	cr_assert_not(now_is()->confirmed);
	rop_bit_set(world, world->agrees, 5, PRIMARY);
	world->nodes[PRIMARY].link_up = false;
	cr_assert_not(now_is()->confirmed);
	go_silent(world, PRIMARY);
	cr_assert(strstr(now_is()->barred, "10.0.0.1:6379 does not answer"));
}

/* While a primary that was handed over from does not come back, or takes its data over for hours, the rest is cared
 * for. */
Test(handover, what_is_long_in_being_confirmed_keeps_nothing_from_being_done)
{
	three_shards(2);
	want(1, -1);
	hand_over_to(6);
	rop_settle(world);
	go_silent(world, PRIMARY);
	const struct rop_handover *h = now_is();
	cr_assert(h->handed_over && !h->confirmed && !h->now->wish_due, "the servers' own, say");
	struct rop_handed handed = { .boot_ms = NOW_MS - 29999 };
	memcpy(handed.node, node_id(PRIMARY), ROP_ID_SIZE);
	*rop_push(pool, &image.handed) = handed;
	cr_assert(now_is()->now->wish_due, "we asked for it just now");
	image.handed.at[0].boot_ms--;
	cr_assert_not(now_is()->now->wish_due);
	h = situation_at(image.wish.asked_wall_ms + ROP_WISH_LASTS_MS)->handover;
	cr_assert(h->now->wish_due && h->ends_as == ROP_WISH_FAILED);
	image.handed.n = 0;
	tries = rop_tries_new(pool);
	struct rop_step step = policy_step(situation_at(NOW_MS), ROP_STEP_FAILOVER, 6, PRIMARY);
	step.expect.subject = policy_subject(pool, &step.expect);
	rop_tries_pending(tries, &step.expect);
	cr_assert(now_is()->now->wish_due, "one side says so");
}

Test(handover, what_is_confirmed_is_met_however_old_it_is)
{
	three_shards(2);
	want(1, -1);
	hand_over_to(6);
	rop_settle(world);
	const struct rop_handover *h = situation_at(image.wish.asked_wall_ms + 2 * ROP_WISH_LASTS_MS)->handover;
	cr_assert(h->confirmed && !h->hopeless && h->now->wish_due);
}

/* Who gave the shard away tells the others, where the servers leave it to their next ping. */
Test(handover, who_has_not_heard_of_it_is_told_by_who_led_before)
{
	three_shards(1);
	want(1, -1);
	hand_over_to(3);
	rop_settle(world);
	rop_bit_clear(world, world->agrees, 4, PRIMARY);
	struct rop_batch batch = { .arena = pool };
	plan_action(rop_failover_words(), "spread_news", now_is(), &batch);
	cr_assert_eq(batch.steps.n, 1);
	struct rop_step *step = &batch.steps.at[0];
	cr_assert(step->expect.kind == ROP_STEP_GREET && step->node == PRIMARY && step->peer == 4);
	rop_step_describe(pool, world, step);
	cr_assert_str_eq(step->expect.command, "CLUSTER MEET 10.0.0.5 6379");
	cr_assert_not(rop_expect_seen(&step->expect, world));
	rop_step_effect(&step->expect, world);
	cr_assert(rop_expect_seen(&step->expect, world) && now_is()->confirmed);
	rop_bit_clear(world, world->agrees, 4, PRIMARY);
	world->nodes[PRIMARY].valkey = true;
	world->nodes[PRIMARY].own_version = 80000;
	batch.steps.n = 0;
	plan_action(rop_failover_words(), "spread_news", now_is(), &batch);
	cr_assert_eq(batch.steps.n, 0, "that one tells all by itself");
}

Test(handover, who_is_not_a_member_yet_need_not_hold_it_for_the_leader)
{
	three_shards(1);
	want(1, -1);
	hand_over_to(3);
	rop_settle(world);
	cr_assert(now_is()->confirmed);
	for (size_t i = 0; i < world->n; i++) {
		uint64_t *const all[] = { world->known, world->linked, world->agrees };
		for (size_t m = 0; m < 3; m++) {
			rop_bit_clear(world, all[m], 5, i);
			rop_bit_clear(world, all[m], i, 5);
		}
	}
	cr_assert(now_is()->confirmed);
}

Test(handover, a_named_node_is_not_replaced_by_another_one_that_came_to_lead)
{
	three_shards(2);
	want(1, 3);
	hand_over_to(6);
	rop_settle(world);
	const struct rop_handover *h = now_is();
	cr_assert(!h->handed_over && h->from == 6 && h->to == 3 && !h->barred);
	want(1, 6);
	cr_assert(now_is()->confirmed);
}

/* A label names the shard of its owner, so that the number is another one's afterwards. */
Test(handover, the_shard_is_that_of_who_led_it_whatever_its_number_has_become)
{
	three_shards(2);
	want(1, -1);
	hand_over_to(6);
	rop_settle(world);
	topology->nodes.at[1].shard = 1; /* leads the second */
	cr_assert_eq(situation_at(NOW_MS)->layout.shards[0].primary, 6);
	const struct rop_handover *h = now_is();
	cr_assert(h->confirmed && h->from == 6);
	world->nodes[PRIMARY].role = ROP_ROLE_UNKNOWN;
	go_silent(world, PRIMARY);
	cr_assert(now_is()->handed_over);
}

/* ---- asked for -------------------------------------------------------------------------------------------------- */

Test(handover, words_name_a_shard_or_a_node)
{
	struct rop_wish wish;
	struct rop_err err;
	three_shards(1);
	const struct rop_situation *now = situation_at(NOW_MS);
	cr_assert(rop_wish_make(now, "2", &wish, &err));
	cr_assert(wish.shard == 2 && !wish.node[0] && !strcmp(wish.primary, node_id(1)));
	cr_assert(rop_wish_make(now, "10.0.0.5:6379", &wish, &err));
	cr_assert(wish.shard == 2 && !strcmp(wish.node, node_id(4)) && !strcmp(wish.primary, node_id(1)));
	cr_assert(rop_wish_make(now, node_id(4), &wish, &err) && wish.shard == 2);
	cr_assert(rop_wish_make(now, "10.0.0.2:6379", &wish, &err));
	cr_assert_str_eq(wish.node, wish.primary, "it leads already");
	static const char *const NONE[] = { "0", "4", "-1", "", "10.0.0.9:6379", "two", "10.0.0.5" };
	for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
		cr_assert(!rop_wish_make(now, NONE[i], &wish, &err) && err.code == ROP_INVALID, "%s", NONE[i]);
	topology = topology_of(3, 1, 6);
	world = fresh_world(topology);
	cr_assert(!rop_wish_make(situation_at(NOW_MS), "1", &wish, &err) && err.code == ROP_REFUSED);
}

/* ---- by the machine --------------------------------------------------------------------------------------------- */

static void wish_in_hand(bool only_wish)
{
	three_shards(1);
	want(1, -1);
	op = hand_new(topology, world);
	op->image.formed_wall_ms = 1;
	op->image.wish = image.wish;
	op->image.wish.asked_wall_ms = op->clock.wall_ms;
	op->options.only_wish = only_wish;
	hand_start(op);
}

Test(handover, a_run_for_the_wish_hands_over_and_does_nothing_else)
{
	wish_in_hand(true);
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_OK && result.wish == ROP_WISH_MET, "%s", result.text);
	cr_assert_eq(result.steps, 1);
	cr_assert_eq(hand_sent(op, ROP_STEP_FAILOVER), 1);
	cr_assert_str_eq(op->sent.at[0].expect.node, node_id(3));
	cr_assert(hand_moved(op, "Prepare", "Confirm") && hand_moved(op, "Confirm", "Met"));
	cr_assert(strstr(result.text, "10.0.0.4:6379 leads shard 1"));
}

Test(handover, any_run_does_it_first_and_goes_on_with_the_rest)
{
	wish_in_hand(false);
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_OK && result.reached, "%s", result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_FAILOVER), 1);
	cr_assert_eq(rop_reconcile_wish(op->r), 0);
	cr_assert(hand_moved(op, "Observe", "HandOver") && hand_moved(op, "HandOver", "Observe"));
}

Test(handover, a_plan_holds_it_and_nothing_else)
{
	three_shards(1);
	want(2, -1);
	struct rop_reconcile_options options = {
		.machine = shipped_machine(), .topology = topology, .image = &image, .only_wish = true
	};
	struct rop_plan plan;
	rop_plan_make(pool, &options, world, (struct rop_clock){ NOW_MS, NOW_MS }, &plan);
	cr_assert_eq(plan.steps.n, 1);
	cr_assert_eq(plan.steps.at[0].expect.kind, ROP_STEP_FAILOVER);
	cr_assert_str_eq(plan.steps.at[0].expect.address, "10.0.0.5:6379");
	cr_assert(plan.result.code == ROP_OK && plan.result.wish == ROP_WISH_MET);
}

Test(handover, the_third_failure_ends_it_with_its_reason)
{
	wish_in_hand(true);
	op->answer = hand_refuses_failover;
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_FAIL && result.wish == ROP_WISH_FAILED, "%d: %s", result.code, result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_FAILOVER), 3);
	cr_assert(strstr(result.text, "3 attempts have failed, the last one so: ERR Master is down"), "%s",
		  result.text);
	cr_assert(hand_moved(op, "Prepare", "Rest") && hand_moved(op, "Rest", "Prepare"));
	for (size_t i = 1; i < op->sent.n; i++)
		cr_assert_geq(op->sent.at[i].expect.issued_boot_ms - op->sent.at[i - 1].expect.issued_boot_ms, 1000);
}

Test(handover, what_comes_to_nothing_is_not_sent_again_before_the_servers_take_it)
{
	wish_in_hand(true);
	for (size_t i = 0; i < world->n; i++)
		set_value(op->world, i, "cluster-node-timeout", "15000");
	hand_until(op, ROP_WANT_SEND);
	op->frozen = true;
	struct rop_result result = hand_run(op);
	cr_assert_eq(result.wish, ROP_WISH_FAILED, "%s", result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_FAILOVER), 3);
	for (size_t i = 1; i < op->sent.n; i++)
		cr_assert_geq(op->sent.at[i].expect.issued_boot_ms - op->sent.at[i - 1].expect.issued_boot_ms, 61000);
}

Test(handover, a_replica_that_goes_out_of_sync_for_good_ends_it)
{
	wish_in_hand(true);
	hand_until(op, ROP_WANT_COMMIT);
	op->frozen = true; /* nothing settles */
	op->world->nodes[3].link_up = false;
	rop_bit_clear(op->world, op->world->online, PRIMARY, 3);
	hand_start(op); /* another process, before anything was written */
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_REFUSED && result.wish == ROP_WISH_REFUSED, "%d: %s", result.code, result.text);
	cr_assert(strstr(result.text, "no replica of shard 1 is ready"), "%s", result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_FAILOVER), 0);
}

Test(handover, another_process_goes_on_with_what_was_asked_for)
{
	wish_in_hand(true);
	hand_until(op, ROP_WANT_SEND);
	hand_turn(op); /* sent, and then it is killed */
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_OK && result.wish == ROP_WISH_MET, "%s", result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_FAILOVER), 1, "not twice");
}
