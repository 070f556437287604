/* test_drained.c - a host that somebody is to stop: what is handed over, what gets no role, what would be left, what
 * its silence means; and the budget of all that is done unforced (spec.disruption).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "../../src/policy/budget.h"
#include "../../src/policy/guard.h"
#include "../../src/policy/policy.h"
#include "rop/report.h"
#include "rop/text.h"
#include "world.h"

TestSuite(drained, .init = world_setup, .fini = world_teardown);

#define SHARDS 3
#define NOW_MS 1000000

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_image image;

/* Three shards with `replicas` each: 0, 1, 2 lead, and every third node after them follows; node i is on host i. */
static void three_shards(size_t replicas)
{
	topology = topology_of(SHARDS, (int)replicas, SHARDS * (1 + replicas));
	topology->disruption.shards_at_once = topology->disruption.keep_copies = 1;
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

static struct rop_drain *drain(size_t node)
{
	struct rop_drain *it = rop_push(pool, &image.drains);
	*it = (struct rop_drain){ .id = 7,
				  .target = topology->nodes.at[node].host,
				  .until_wall_ms = NOW_MS + 3600000,
				  .by = { .user = "anna", .host = "desk", .reason = "kernel update" } };
	return it;
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

static const struct rop_drained *drained_of(const struct rop_situation *now)
{
	cr_assert_eq(now->drains.n, 1);
	return &now->drains.at[0];
}

static void holds(const struct rop_situation *now, const char *why)
{
	const char *is = drained_of(now)->holds;
	cr_assert(is && strstr(is, why), "'%s' does not say '%s'", is ? is : "(nothing)", why);
}

/* ---- handed over ------------------------------------------------------------------------------------------------ */

Test(drained, who_leads_from_there_is_to_be_handed_over_by_a_wish)
{
	three_shards(2);
	struct rop_drain *it = drain(1);
	const struct rop_situation *now = now_is();
	cr_assert(now->host_drained && now->drain_due && !now->silence_expected && now->drain_wish);
	cr_assert_eq(now->drain_wish->shard, 2);
	cr_assert_str_eq(now->drain_wish->primary, node_id(1));
	cr_assert_eq(now->drain_wish->drain, it->id);
	cr_assert_str_eq(now->drain_wish->by.reason, "drain of 10.0.0.2: kernel update");
	holds(now, "leads shard 2");
	struct rop_batch batch = batch_of(now, "begin_handover");
	cr_assert_eq(batch.wish_begin.shard, 2);
}

Test(drained, one_wish_at_a_time_and_none_again_at_once_after_one_that_failed)
{
	three_shards(2);
	drain(1);
	image.wish = (struct rop_wish){ .id = 5, .shard = 3, .asked_wall_ms = NOW_MS };
	memcpy(image.wish.primary, node_id(2), ROP_ID_SIZE);
	cr_assert_not(now_is()->drain_due);
	image.wish = (struct rop_wish){ 0 };
	image.last_wish = (struct rop_wish){
		.id = 5, .drain = 7, .status = ROP_WISH_FAILED, .closed_wall_ms = NOW_MS - 59000
	};
	cr_assert_not(now_is()->drain_due);
	image.last_wish.closed_wall_ms = NOW_MS - 61000;
	cr_assert(now_is()->drain_due);
}

Test(drained, of_a_time_that_is_over_nothing_is_left)
{
	three_shards(2);
	drain(1)->until_wall_ms = NOW_MS;
	const struct rop_situation *now = now_is();
	cr_assert(!now->host_drained && !now->drain_due && !now->drains.n && !now->drained);
}

Test(drained, a_zone_is_all_of_its_hosts)
{
	three_shards(1);
	put_in_zone(topology, 0, "a");
	put_in_zone(topology, 4, "a");
	struct rop_drain *it = drain(0);
	it->target = "a";
	it->zone = true;
	const struct rop_drained *d = drained_of(now_is());
	cr_assert(d->nodes.n == 2 && d->nodes.at[0] == 0 && d->nodes.at[1] == 4 && d->leads == 1);
}

Test(drained, a_wish_of_a_drain_that_is_over_is_withdrawn)
{
	three_shards(1);
	image.wish = (struct rop_wish){ .id = 5, .shard = 2, .asked_wall_ms = NOW_MS, .drain = 7 };
	memcpy(image.wish.primary, node_id(1), ROP_ID_SIZE);
	const struct rop_handover *h = now_is()->handover;
	cr_assert(h->hopeless && h->ends_as == ROP_WISH_WITHDRAWN);
	drain(1);
	cr_assert_null(now_is()->handover->hopeless);
}

/* ---- no new role ------------------------------------------------------------------------------------------------- */

Test(drained, nobody_there_takes_a_shard_over_also_where_it_is_named)
{
	three_shards(1);
	drain(4);
	image.wish = (struct rop_wish){ .id = 5, .shard = 2, .asked_wall_ms = NOW_MS };
	memcpy(image.wish.primary, node_id(1), ROP_ID_SIZE);
	for (int named = 0; named < 2; named++) {
		const struct rop_handover *h = now_is()->handover;
		cr_assert(h->barred && strstr(h->barred, "its host is drained by anna"), "%s", h->barred);
		memcpy(image.wish.node, node_id(4), ROP_ID_SIZE);
		image.wish.address = world->nodes[4].address;
	}
	struct rop_situation *now = now_is();
	struct rop_batch batch = { .arena = pool };
	struct rop_step step = policy_step(now, ROP_STEP_FAILOVER, 4, 1);
	struct guard guard = guard_step(now, &batch, &step);
	cr_assert(guard.verdict == GUARD_WAIT && strstr(guard.why, "gets no new role"), "%s", guard.why);
}

Test(drained, of_a_fresh_cluster_nobody_there_becomes_a_primary_or_a_replica)
{
	topology = topology_of(SHARDS, 1, 7);
	world = fresh_world(topology);
	image = no_image;
	drain(0);
	drain(3);
	struct rop_situation *now = now_is();
	for (size_t k = 0; k < now->layout.n; k++)
		cr_assert(now->layout.shards[k].primary != 0 && now->layout.shards[k].primary != 3);
	cr_assert(now->layout.primary_of[0] == ROP_NO_PLACE && now->layout.primary_of[3] == ROP_NO_PLACE);
	struct rop_batch batch = { .arena = pool };
	struct rop_step slots = policy_step(now, ROP_STEP_SLOTS, 0, -1), role = policy_step(now, ROP_STEP_ROLE, 3, 1);
	slots.expect.first = 0;
	slots.expect.last = 99;
	cr_assert_eq(guard_step(now, &batch, &role).verdict, GUARD_WAIT);
	now->data = true; /* where nothing was ever held nobody asks whose they were */
	cr_assert_eq(guard_step(now, &batch, &slots).verdict, GUARD_WAIT);
}

Test(drained, who_has_a_role_there_keeps_it)
{
	three_shards(1);
	drain(4);
	const struct rop_situation *now = now_is();
	cr_assert_eq(now->layout.primary_of[4], 1);
	cr_assert(now->replicas_attached);
}

/* ---- what would be left ------------------------------------------------------------------------------------------ */

Test(drained, who_keeps_fewer_than_it_is_to_keep_takes_a_consent)
{
	three_shards(1);
	struct rop_drain *it = drain(4);
	const struct rop_drained *d = drained_of(now_is());
	cr_assert(d->fewer.n == 1 && d->fewer.at[0].shard == 2 && d->fewer.at[0].left == 0 &&
		  d->fewer.at[0].keeps == 1);
	cr_assert(!d->fewer.at[0].consented && strlen(d->digest) == 8);
	holds(d->now, "shard 2 would have 0 replicas in sync without it, and is to keep 1");
	it->fewer = "3:0 2:1";
	holds(now_is(), "shard 2 would have 0");
	it->fewer = "3:0 2:0";
	cr_assert_null(drained_of(now_is())->holds);
	it->fewer = NULL;
	topology->disruption.keep_copies = 0;
	cr_assert_null(drained_of(now_is())->holds, "nobody is to keep any");
}

Test(drained, another_consent_for_what_else_would_be_left)
{
	three_shards(2);
	put_on_host(topology, 1, 5);
	put_on_host(topology, 4, 5);
	struct rop_drain *it = drain(1);
	char first[9];
	const struct rop_drained *d = drained_of(now_is());
	cr_assert(d->fewer.n == 1 && d->fewer.at[0].left == 0);
	cr_assert_str_eq(d->fewer_text, "2:0");
	memcpy(first, d->digest, sizeof first);
	go_silent(world, 5);
	topology->disruption.keep_copies = 2;
	d = drained_of(now_is());
	cr_assert_str_neq(d->digest, first);
	cr_assert_null(it->fewer);
}

Test(drained, two_replicas_of_which_one_is_elsewhere_take_none)
{
	three_shards(2);
	drain(4);
	cr_assert_null(drained_of(now_is())->holds);
	go_silent(world, 7);
	holds(now_is(), "shard 2 would have 0");
}

Test(drained, a_primary_that_is_in_doubt_holds_the_host_of_its_replica)
{
	three_shards(2);
	drain(4);
	go_silent(world, 1);
	holds(now_is(), "does not answer");
}

/* Nodes stand in the file as they like; and a label gives a shard another number than its place. */
Test(drained, shards_are_told_and_handed_over_by_their_numbers)
{
	three_shards(1);
	topology->nodes.at[0].shard = 3;
	topology->nodes.at[2].shard = 1;
	put_on_host(topology, 1, 9);
	put_on_host(topology, 2, 9);
	put_on_host(topology, 3, 9);
	drain(1);
	const struct rop_situation *now = now_is();
	const struct rop_drained *d = drained_of(now);
	cr_assert(d->nodes.n == 3 && d->nodes.at[0] == 2 && d->nodes.at[1] == 1 && d->nodes.at[2] == 3);
	cr_assert_eq(now->drain_wish->shard, 1);
	cr_assert_eq(d->fewer.n, 3);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(d->fewer.at[i].shard, i + 1);
	cr_assert_str_eq(d->fewer_text, "1:0 2:0 3:0");
	struct rop_report r = { .arena = pool, .topology = topology, .image = &image };
	struct rop_plan plan = { .first = now };
	ROP_OWN_TEXT text = { 0 };
	rop_report_drain(&r, &plan, d, &text);
	cr_assert(strstr(text.at, "  10.0.0.3:6379          primary of shard 1\n"
				  "  10.0.0.2:6379          primary of shard 2\n"
				  "  10.0.0.4:6379          replica of shard 3\n"),
		  "%s", text.at);
}

/* ---- silence -------------------------------------------------------------------------------------------------------
 */

Test(drained, its_silence_is_expected_and_nobody_elses)
{
	three_shards(2);
	drain(4);
	go_silent(world, 4);
	struct rop_situation *now = now_is();
	cr_assert(now->silence_expected && !now->all_answer && !rop_situation_converged(now));
	cr_assert(rop_situation_waits_for_drain(now));
	struct rop_condition conditions[ROP_CONDITIONS_N];
	rop_situation_open(now);
	rop_conditions_make(now, false, false, conditions);
	cr_assert_str_eq(conditions[ROP_COND_REACHABLE].reason, "SilenceExpected");
	cr_assert(conditions[ROP_COND_REACHABLE].status == ROP_FALSE);
	cr_assert(strstr(conditions[ROP_COND_REACHABLE].message, "drained by anna"));
	cr_assert_str_eq(conditions[ROP_COND_DRAINED].reason, "MayBeStopped");
	cr_assert_eq(now->open.at[0].is, ROP_WHY_DRAINED);
	go_silent(world, 5);
	now = now_is();
	cr_assert(!now->silence_expected && !rop_situation_waits_for_drain(now));
}

Test(drained, its_silence_is_no_error_of_a_check_that_reads_the_database)
{
	three_shards(2);
	drain(4);
	go_silent(world, 4);
	struct rop_report r = { .arena = pool, .topology = topology };
	ROP_OWN_TEXT text = { 0 };
	image = rop_report_health_image(&image);
	struct rop_situation *now = now_is();
	size_t errors = rop_report_health(&r, now, &text);
	cr_assert_eq(errors, 0, "%s", text.at);
	cr_assert(strstr(text.at, "[WARNING] 10.0.0.5:6379 is silent, expected until "), "%s", text.at);
	cr_assert_eq(rop_report_check_grade(&r, now, errors, true).code, ROP_OK);
}

/* Told otherwise, and trusted no more: it may come back with its data. */
Test(drained, its_silence_is_no_evidence)
{
	three_shards(1);
	drain(4);
	go_silent(world, 4);
	const struct rop_situation *now = now_is();
	struct rop_batch batch = { .arena = pool };
	struct rop_step step = policy_step(now, ROP_STEP_ROLE, 5, 1);
	cr_assert_eq(budget_copies(now, 1, 1), 0);
	cr_assert_neq(guard_step(now, &batch, &step).verdict, GUARD_GO, "the last copy in sync of another shard");
}

/* ---- the budget -----------------------------------------------------------------------------------------------------
 */

Test(drained, not_more_shards_than_the_budget_says_and_never_a_majority)
{
	three_shards(1);
	for (int declared = 1; declared <= 3; declared++) {
		topology->disruption.shards_at_once = declared;
		cr_assert_eq(budget_shards(now_is()), 1, "of three shards two are a majority");
	}
	topology = topology_of(7, 0, 7);
	world = fresh_world(topology);
	for (int declared = 1; declared <= 9; declared++) {
		topology->disruption.shards_at_once = declared;
		cr_assert_eq(budget_shards(now_is()), declared < 3 ? declared : 3);
	}
}

Test(drained, no_other_shard_is_handed_over_while_one_misses_a_node)
{
	three_shards(2);
	struct rop_batch nothing = { .arena = pool };
	drain(4);
	cr_assert_null(budget_of_shard(now_is(), &nothing, 2, false), "it is there still");
	go_silent(world, 4);
	const char *why = budget_of_shard(now_is(), &nothing, 2, false);
	cr_assert(why && strstr(why, "of shard 2 is silent, as its host is drained; not more than 1 shard at once"),
		  "%s", why);
	cr_assert_null(budget_of_shard(now_is(), &nothing, 1, false), "its own shard");
	cr_assert_null(budget_of_shard(now_is(), &nothing, 2, true), "part of the same drain");
}

Test(drained, a_step_of_the_batch_counts)
{
	three_shards(2);
	const struct rop_situation *now = now_is();
	struct rop_batch batch = { .arena = pool };
	*rop_push(pool, &batch.steps) = policy_step(now, ROP_STEP_FAILOVER, 3, 0);
	cr_assert_not_null(budget_of_shard(now, &batch, 1, false));
	cr_assert_null(budget_of_shard(now, &batch, 0, false));
}

Test(drained, a_copy_that_is_to_be_kept_is_not_taken_away)
{
	three_shards(2);
	cr_assert_null(budget_of_copy(now_is(), 1, 4), "another one is left");
	drain(7);
	const char *why = budget_of_copy(now_is(), 1, 4);
	cr_assert(why && strstr(why, "shard 2 would have 0 replicas in sync, and is to keep 1"), "%s", why);
	image.drains.n = 0;
	topology->disruption.keep_copies = 2;
	cr_assert_not_null(budget_of_copy(now_is(), 1, 4));
	topology->disruption.keep_copies = 5;
	cr_assert_eq(budget_keeps(now_is(), 1), 2, "where as many are declared");
	topology->disruption.keep_copies = 0;
	cr_assert_null(budget_of_copy(now_is(), 1, 4));
}

Test(drained, what_is_optional_waits_and_says_for_what)
{
	three_shards(1);
	int weights[] = { 2, 1, 1 };
	cr_assert_null(budget_of_optional(now_is()));
	topology->weights = weights;
	drain(4);
	struct rop_situation *now = now_is();
	const char *why = budget_of_optional(now);
	cr_assert(why && strstr(why, "drained by anna"), "%s", why);
	cr_assert(now->slots_to_move > 0 && now->optional_waits);
	rop_situation_open(now);
	bool said = false;
	for (size_t i = 0; i < now->open.n; i++)
		said |= now->open.at[i].is == ROP_WHY_DRAINED;
	cr_assert(said);
}
