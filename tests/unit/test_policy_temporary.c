/* test_policy_temporary.c - settings changed for a while: how a lowered value tells its original, what is found without
 * a row, and the condition under which one goes back. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "hand.h"

TestSuite(policy_temporary, .init = world_setup, .fini = hand_teardown);

#define TIMEOUT "cluster-node-timeout"
#define DELAY "repl-diskless-sync-delay"
#define NO_FAILOVER "cluster-replica-no-failover"

/* ---- the lowered value --------------------------------------------------------------------------------------- */

Test(policy_temporary, a_lowered_timeout_tells_its_original)
{
	static const struct {
		int64_t base, original, lowered;
	} CASES[] = {
		{ 500, 3000, 507 },    { 500, 15000, 531 },   { 500, 5000, 511 },
		{ 1000, 15000, 1031 }, { 2000, 15000, 2031 }, { 500, 1000, 503 },
		{ 500, 48500, 598 },   { 4000, 30000, 4061 }, { 500, 500, -1 },
		{ 1000, 1000, -1 },    { 500, 0, -1 },        { 500, 400, -1 },
		{ 500, -1000, -1 },    { 500, 5001, -1 },     { 500, 49500, -1 },
		{ 500, 60000, -1 },    { 500, 507, -1 },      { 500, 4500, -1 },
		{ 500, 12000, -1 },    { 500, 24500, -1 }, /* 510, 525 and 550 may be a person's */
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		int64_t lowered = rop_lowered_timeout(CASES[i].base, CASES[i].original);
		cr_assert_eq(lowered, CASES[i].lowered, "%" PRId64 " on %" PRId64, CASES[i].original, CASES[i].base);
		if (lowered > 0)
			cr_assert_eq(rop_lowered_original(lowered), CASES[i].original);
	}
	for (int64_t base = 100; base <= 4000; base += 100)
		for (int64_t original = 0; original <= 60000; original += 100) {
			int64_t lowered = rop_lowered_timeout(base, original);
			cr_assert(lowered == -1 || (lowered < original && rop_lowered_original(lowered) == original));
		}
}

Test(policy_temporary, what_a_person_chooses_is_not_taken_for_ours)
{
	for (int64_t value = 0; value <= 60000; value += 10)
		cr_assert_eq(rop_lowered_original(value), -1, "%" PRId64, value);
	for (int64_t value = 0; value <= 60000; value += 25)
		cr_assert_eq(rop_lowered_original(value), -1, "%" PRId64, value);
	static const int64_t OTHERS[] = { -507, 1,    7,    99,   501,   999,       256,      512,
					  1024, 2048, 4131, 5031, 15031, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
		cr_assert_eq(rop_lowered_original(OTHERS[i]), -1, "%" PRId64, OTHERS[i]);
}

/* ---- lowering ------------------------------------------------------------------------------------------------ */

static void expect_setting(const struct rop_batch *batch, size_t at, int node, const char *name, const char *was,
			   const char *value)
{
	cr_assert_lt(at, batch->steps.n, "%zu of %zu", at, batch->steps.n);
	const struct rop_step *step = &batch->steps.at[at];
	cr_assert_eq(step->node, node, "%zu", at);
	cr_assert_str_eq(step->expect.name, name);
	cr_assert_str_eq(step->expect.was, was);
	cr_assert_str_eq(step->expect.value, value);
}

Test(policy_temporary, the_delay_is_lowered_from_its_default_beside_the_timeout_and_after_it)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = fresh_world(topology);
	set_value(world, 1, DELAY, "0");
	set_value(world, 2, DELAY, "1");
	set_value(world, 3, TIMEOUT, "500");
	set_value(world, 4, TIMEOUT, "507"); /* of an interrupted formation */
	set_value(world, 5, TIMEOUT, "607");
	struct rop_batch batch = batch_of(situation_of(topology, world), "lower_settings");
	cr_assert_eq(batch.steps.n, 5);
	expect_setting(&batch, 0, 0, TIMEOUT, "15000", "531");
	expect_setting(&batch, 1, 0, DELAY, "5", "0");
	expect_setting(&batch, 2, 1, TIMEOUT, "15000", "631"); /* the 0 beside it is a person's */
	expect_setting(&batch, 3, 2, TIMEOUT, "15000", "531");
	expect_setting(&batch, 4, 4, DELAY, "5", "0");
}

Test(policy_temporary, how_far_it_is_lowered_depends_on_the_number_of_nodes)
{
	static const struct {
		int nodes;
		const char *value;
	} CASES[] = { { 3, "531" }, { 40, "531" }, { 41, "1031" }, { 150, "1031" }, { 151, "2031" }, { 160, "2031" } };
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct rop_topology *topology = topology_of(3, 0, (size_t)CASES[i].nodes);
		struct rop_batch batch = batch_of(situation_of(topology, fresh_world(topology)), "lower_settings");
		expect_setting(&batch, 0, 0, TIMEOUT, "15000", CASES[i].value);
	}
}

/* At a round trip of 400 ms a timeout of 500 won 8 elections among six nodes: see tests/live/latency.sh. */
Test(policy_temporary, how_far_it_is_lowered_depends_on_the_round_trip)
{
	static const struct {
		int rtt_ms, nodes;
		const char *value, *own_zero; /* NULL: it stays */
	} CASES[] = { { 0, 6, "531", "631" },      { 50, 6, "531", "631" },     { 51, 6, "1031", "1131" },
		      { 300, 6, "3031", "3131" },  { 351, 6, "4031", NULL },    { 400, 6, "4031", NULL },
		      { 401, 6, NULL, NULL },      { 60, 100, "1031", "1131" }, { 100, 100, "1031", "1131" },
		      { 120, 100, "1531", "1631" } };
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct rop_topology *topology = topology_of(3, 0, (size_t)CASES[i].nodes);
		struct rop_observed *world = fresh_world(topology);
		world->nodes[2].rtt_ms = CASES[i].rtt_ms;
		set_value(world, 1, DELAY, "0");
		struct rop_batch batch = batch_of(situation_of(topology, world), "lower_settings");
		if (!CASES[i].value) {
			cr_assert_eq(batch.steps.n, 0);
			continue;
		}
		expect_setting(&batch, 0, 0, TIMEOUT, "15000", CASES[i].value);
		if (CASES[i].own_zero)
			expect_setting(&batch, 2, 1, TIMEOUT, "15000", CASES[i].own_zero);
		else
			cr_assert_neq(batch.steps.at[2].node, 1);
	}
	struct rop_observed *world = fresh_world(topology_of(3, 0, 3));
	world->nodes[2].rtt_ms = 300;
	world->nodes[1].rtt_ms = 100;
	cr_assert_eq(rop_observed_rtt_ms(world), 300);
	go_silent(world, 2);
	cr_assert_eq(rop_observed_rtt_ms(world), 100, "of those that answer");
}

Test(policy_temporary, where_the_timeout_may_not_be_tried_the_delay_is_not_either)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect e = { .kind = ROP_STEP_LOWER,
				.subject = rop_printf(pool, "setting:%s/%s", node_id(0), TIMEOUT) };
	rop_tries_ended(tries, &e, ROP_EXPECT_REFUSED, 0);
	struct rop_batch batch = batch_of(situation_with(topology, world, &no_image, tries, 0), "lower_settings");
	cr_assert_eq(batch.steps.n, 4);
	expect_setting(&batch, 0, 1, TIMEOUT, "15000", "531");
}

/* ---- found without a row ------------------------------------------------------------------------------------- */

static struct rop_temporary *add_row(struct rop_image *image, size_t node, const char *name, const char *original,
				     const char *temporary)
{
	struct rop_temporary *t = rop_push(pool, &image->temporaries);
	*t = (struct rop_temporary){ .address = "x", .name = name, .original = original, .temporary = temporary };
	memcpy(t->node, node_id(node), ROP_ID_SIZE);
	return t;
}

Test(policy_temporary, what_a_lost_database_left_lowered_is_found_and_goes_back_the_delay_first)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	set_value(world, 1, TIMEOUT, "507");
	set_value(world, 1, DELAY, "0");
	set_value(world, 2, TIMEOUT, "611"); /* its delay was 0 before */
	set_value(world, 2, DELAY, "0");
	set_value(world, 3, TIMEOUT, "500");
	set_value(world, 3, DELAY, "0");
	set_value(world, 4, TIMEOUT, "1031");
	set_value(world, 4, DELAY, "2");
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(now->found.n, 4);
	cr_assert(now->temporaries_in_force && !now->temporaries_waiting && !rop_situation_converged(now));
	cr_assert(rop_temporary_is_found(now, node_id(1), DELAY) && !rop_temporary_is_found(now, node_id(2), DELAY));
	struct rop_batch batch = batch_of(now, "restore_settings");
	cr_assert_eq(batch.steps.n, 4);
	expect_setting(&batch, 0, 1, DELAY, "0", "5");
	expect_setting(&batch, 1, 1, TIMEOUT, "507", "3000");
	expect_setting(&batch, 2, 2, TIMEOUT, "611", "5000");
	expect_setting(&batch, 3, 4, TIMEOUT, "1031", "15000");
	cr_assert_str_eq(batch.steps.at[1].expect.why, "507 -> 3000, left by an interrupted formation");
	cr_assert_eq(batch.steps.at[1].expect.kind, ROP_STEP_RESTORE);
	go_silent(world, 1);
	cr_assert_eq(situation_of(topology, world)->found.n, 2);
}

Test(policy_temporary, what_is_declared_or_has_a_row_is_not_found)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { 0 };
	set_value(world, 1, TIMEOUT, "507");
	set_value(world, 1, DELAY, "0");
	add_row(&image, 1, TIMEOUT, "3000", "507");
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->found.n, 0,
		     "the database knows what it did to this node");
	memset(&image.temporaries, 0, sizeof image.temporaries);
	add_row(&image, 1, DELAY, "5", "0");
	cr_assert_eq(situation_with(topology, world, &image, NULL, 0)->found.n, 1);
	manage_setting(topology, TIMEOUT, "3000");
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->found.n == 1 && !now->settings_as_declared, "a managed setting is brought to its value");
	cr_assert_str_eq(now->found.at[0].name, DELAY);
	now->warn_of_found = true;
	cr_assert_eq(batch_of(now, "restore_settings").steps.n, 1, "the declared timeout takes its only trace away");
	manage_setting(topology, DELAY, "0");
	cr_assert_eq(situation_of(topology, world)->found.n, 0);
	struct rop_topology *own = topology_of(3, 0, 3);
	manage_setting(own, TIMEOUT, "507");
	cr_assert_eq(situation_of(own, world)->found.n, 0, "whoever declares such a value wants it");
}

static struct rop_situation *as_keeper(const struct rop_topology *topology, const struct rop_observed *world,
				       const struct rop_image *image)
{
	struct rop_situation *now = rop_alloc(pool, sizeof *now);
	*now = (struct rop_situation){
		.arena = pool, .topology = topology, .seen = world, .image = image, .warn_of_found = true
	};
	rop_situation_assess(now);
	return now;
}

static const struct rop_finding *warning(const struct rop_situation *now, const char *reason)
{
	for (size_t i = 0; i < now->warnings.n; i++)
		if (strcmp(now->warnings.at[i].reason, reason) == 0)
			return &now->warnings.at[i];
	return NULL;
}

Test(policy_temporary, who_keeps_a_cluster_warns_of_what_it_finds)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	set_value(world, 2, TIMEOUT, "531");
	struct rop_situation *now = as_keeper(topology, world, &no_image);
	cr_assert(rop_situation_converged(now) && !now->temporaries_in_force);
	cr_assert_eq(batch_of(now, "restore_settings").steps.n, 0);
	const struct rop_finding *w = warning(now, "LeftLowered");
	cr_assert(w && w->node == 2 && w->code == ROP_OK && w->advice);
	cr_assert_str_eq(w->text, "10.0.0.3:6379: cluster-node-timeout is 531 instead of 15000, left by an interrupted "
				  "formation; the database does not know of it");
	cr_assert_null(warning(situation_of(topology, world), "LeftLowered"), "who puts it back need not warn");
}

Test(policy_temporary, a_node_that_never_takes_over_is_named_unless_that_is_declared_or_ours)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { 0 };
	set_value(world, 4, NO_FAILOVER, "yes");
	struct rop_situation *now = as_keeper(topology, world, &image);
	const struct rop_finding *w = warning(now, "NeverTakesOver");
	cr_assert(w && w->node == 4 && rop_situation_converged(now));
	cr_assert_str_eq(w->text, "10.0.0.5:6379 never takes over: cluster-replica-no-failover is yes and the file "
				  "does not declare it");
	add_row(&image, 4, NO_FAILOVER, "no", "yes");
	cr_assert_null(warning(as_keeper(topology, world, &image), "NeverTakesOver"));
	manage_setting(topology, NO_FAILOVER, "yes");
	cr_assert_null(warning(as_keeper(topology, world, &no_image), "NeverTakesOver"));
}

/* ---- the condition under which one goes back ------------------------------------------------------------------ */

static struct rop_situation *with_row_of_4(const struct rop_topology *topology, const struct rop_observed *world,
					   size_t peer, struct rop_tries *tries)
{
	struct rop_image *image = rop_alloc(pool, sizeof *image);
	memcpy(add_row(image, 4, NO_FAILOVER, "no", "yes")->peer, node_id(peer), ROP_ID_SIZE);
	return situation_with(topology, world, image, tries, 0);
}

static void expect_waits(const struct rop_situation *now, bool waits, const char *when)
{
	cr_assert(now->temporaries_waiting == waits && now->temporaries_in_force == !waits, "%s", when);
	cr_assert_eq(batch_of(now, "restore_settings").steps.n, !waits, "%s", when);
	cr_assert_not(rop_situation_converged(now), "%s", when);
}

Test(policy_temporary, one_that_waits_is_enough_whichever_it_is)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	for (int first = 0; first < 2; first++) {
		struct rop_observed *world = formed_world(topology);
		struct rop_image image = { 0 };
		set_value(world, 3, NO_FAILOVER, "yes");
		set_value(world, 4, NO_FAILOVER, "yes");
		world->nodes[first ? 3 : 4].link_up = false;
		for (size_t i = 3; i < 5; i++)
			memcpy(add_row(&image, i, NO_FAILOVER, "no", "yes")->peer,
			       node_id((size_t)world->nodes[i].primary), ROP_ID_SIZE);
		struct rop_situation *now = situation_with(topology, world, &image, NULL, 0);
		cr_assert(now->temporaries_waiting && now->temporaries_in_force);
		struct rop_batch batch = batch_of(now, "restore_settings");
		cr_assert(batch.steps.n == 1 && batch.steps.at[0].node == (first ? 4 : 3));
	}
}

Test(policy_temporary, one_with_a_peer_goes_back_when_its_node_is_in_sync_or_follows_it_no_more)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	struct rop_tries *tries = rop_tries_new(pool);
	int primary = world->nodes[4].primary;
	cr_assert(primary >= 0 && primary != 0);
	size_t peer = (size_t)primary;
	set_value(world, 4, NO_FAILOVER, "yes");
	expect_waits(with_row_of_4(topology, world, peer, NULL), false, "in sync");
	world->nodes[4].link_up = false;
	expect_waits(with_row_of_4(topology, world, peer, NULL), true, "no link");
	world->nodes[4].link_up = world->nodes[4].syncing = true;
	expect_waits(with_row_of_4(topology, world, peer, NULL), true, "a synchronisation");
	world->nodes[4].syncing = false;
	rop_bit_clear(world, world->online, peer, 4);
	struct rop_situation *now = with_row_of_4(topology, world, peer, NULL);
	expect_waits(now, true, "the primary does not list it");
	rop_situation_open(now);
	cr_assert_eq(now->open.n, 1);
	cr_assert_str_eq(now->open.at[0].text, rop_printf(pool,
							  "cluster-replica-no-failover stays yes on 10.0.0.5:6379 "
							  "until it is in sync with %s, or follows it no more",
							  world->nodes[peer].address));
	expect_waits(with_row_of_4(topology, world, 0, tries), false, "it follows another one");
	struct rop_expect role = { .kind = ROP_STEP_ROLE, .subject = rop_printf(pool, "role:%s", node_id(4)) };
	rop_tries_pending(tries, &role);
	expect_waits(with_row_of_4(topology, world, 0, tries), true, "it is being told to follow");
	world->nodes[4].role = ROP_ROLE_PRIMARY;
	world->nodes[4].primary = -1;
	expect_waits(with_row_of_4(topology, world, peer, tries), true, "a primary that is told to follow");
	rop_tries_ended(tries, &role, ROP_EXPECT_EXPIRED, 0);
	world->nodes[4].primary_id[0] = '\0';
	now = with_row_of_4(topology, world, peer, tries);
	now->ends = true;
	cr_assert_not(rop_temporary_waits(now, &now->image->temporaries.at[0]), "a primary that is not told any more");
	world->nodes[4].role = ROP_ROLE_UNKNOWN;
	expect_waits(with_row_of_4(topology, world, peer, tries), true, "nothing known");
	go_silent(world, 4);
	now = with_row_of_4(topology, world, peer, tries);
	cr_assert(!now->temporaries_waiting && !now->temporaries_in_force &&
		  rop_temporary_waits(now, &now->image->temporaries.at[0]));
}

Test(policy_temporary, it_is_not_put_back_between_standing_aside_and_being_told_to_follow)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	size_t wanted = (size_t)world->nodes[4].primary;
	world->nodes[4].role = ROP_ROLE_PRIMARY;
	world->nodes[4].primary = -1;
	set_value(world, 4, NO_FAILOVER, "yes");
	struct rop_situation *now = with_row_of_4(topology, world, wanted, NULL);
	cr_assert_eq(now->layout.primary_of[4], (int)wanted);
	expect_waits(now, true, "it is about to follow");
	struct rop_image image = *now->image;
	image.paused = true;
	expect_waits(situation_with(topology, world, &image, NULL, 0), false, "nobody tells it now");
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect role = { .kind = ROP_STEP_ROLE,
				   .subject = rop_printf(pool, "role:%s", node_id(4)),
				   .note = "NOPERM" };
	rop_tries_ended(tries, &role, ROP_EXPECT_REFUSED, 0);
	expect_waits(with_row_of_4(topology, world, wanted, tries), false, "it may not be told");
	go_silent(world, wanted);
	expect_waits(with_row_of_4(topology, world, wanted, NULL), false, "it has to wait for its primary");
	world = formed_world(topology); /* the same of the first node's replica */
	size_t replica = 0;
	while (world->nodes[replica].primary != 0)
		replica++;
	world->nodes[replica].role = ROP_ROLE_PRIMARY;
	world->nodes[replica].primary = -1;
	set_value(world, replica, NO_FAILOVER, "yes");
	image = (struct rop_image){ 0 };
	memcpy(add_row(&image, replica, NO_FAILOVER, "no", "yes")->peer, node_id(0), ROP_ID_SIZE);
	expect_waits(situation_with(topology, world, &image, NULL, 0), true, "it is about to follow the first");
}

Test(policy_temporary, a_replica_that_is_told_to_follow_is_online_with_the_new_primary_only)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	size_t old = (size_t)world->nodes[4].primary;
	world->nodes[0].keys = 70;
	world->nodes[0].offset = 7000;
	memset(world->nodes[0].replid, 'a', ROP_ID_SIZE - 1);
	cr_assert(rop_bit(world, world->online, old, 4) && old != 0);
	struct rop_expect role = { .kind = ROP_STEP_ROLE };
	memcpy(role.node, node_id(4), ROP_ID_SIZE);
	memcpy(role.peer, node_id(0), ROP_ID_SIZE);
	rop_step_effect(&role, world);
	cr_assert(!rop_bit(world, world->online, old, 4) && !rop_bit(world, world->online, 0, 4));
	rop_settle(world);
	cr_assert(!rop_bit(world, world->online, old, 4) && rop_bit(world, world->online, 0, 4));
	cr_assert(world->nodes[4].link_up && world->nodes[4].keys == 70 && world->nodes[4].offset == 7000);
	cr_assert_str_eq(world->nodes[4].replid, world->nodes[0].replid);
}

/* ---- no file gets a temporary value --------------------------------------------------------------------------- */

static size_t count_kind(const struct rop_batch *batch, enum rop_step_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < batch->steps.n; i++)
		n += batch->steps.at[i].expect.kind == kind;
	return n;
}

Test(policy_temporary, nothing_is_written_to_a_file_while_one_is_in_force)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	manage_setting(topology, "maxmemory", "100mb");
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { 0 };
	add_row(&image, 1, NO_FAILOVER, "no", "yes");
	set_value(world, 2, TIMEOUT, "507");
	set_value(world, 0, "maxmemory", "100mb");
	struct rop_situation *now = as_keeper(topology, world, &image);
	now->tries = tries_that_took(topology);
	struct rop_batch batch = batch_of(now, "apply_settings");
	cr_assert_eq(count_kind(&batch, ROP_STEP_SETTING), 5);
	cr_assert_eq(count_kind(&batch, ROP_STEP_PERSIST), 3);
	manage_setting(topology, TIMEOUT, "3000"); /* set by the same batch, before it is written */
	set_value(world, 0, TIMEOUT, "3000");
	struct rop_tries *tries = tries_that_took(topology);
	batch = batch_of(situation_with(topology, world, &no_image, tries, 0), "apply_settings");
	cr_assert_eq(count_kind(&batch, ROP_STEP_PERSIST), 5);
	struct rop_expect e = { .kind = ROP_STEP_SETTING,
				.subject = rop_printf(pool, "setting:%s/%s", node_id(2), TIMEOUT) };
	rop_tries_ended(tries, &e, ROP_EXPECT_REFUSED, 0);
	batch = batch_of(situation_with(topology, world, &no_image, tries, 0), "apply_settings");
	cr_assert_eq(count_kind(&batch, ROP_STEP_PERSIST), 4, "the timeout cannot be set now");
}

Test(policy_temporary, a_file_that_had_to_wait_is_written_when_the_setting_is_back)
{
	start_formed();
	manage_setting((struct rop_topology *)op->options.topology, "maxmemory", "100mb");
	op->world = formed_world(op->options.topology);
	memcpy(add_row(&op->image, 4, NO_FAILOVER, "no", "yes")->peer, op->world->nodes[4].primary_id, ROP_ID_SIZE);
	set_value(op->world, 4, NO_FAILOVER, "yes");
	set_value(op->world, 1, "maxmemory", "100mb"); /* node 1 was sent it and takes it: the others get it at once */
	struct rop_expect sent = { .id = ++op->next_id,
				   .kind = ROP_STEP_SETTING,
				   .first = -1,
				   .last = -1,
				   .name = "maxmemory",
				   .value = "100mb",
				   .subject = rop_printf(pool, "setting:%s/maxmemory", node_id(1)) };
	memcpy(sent.node, node_id(1), ROP_ID_SIZE);
	*rop_push(pool, &op->image.pending) = sent;
	op->world->nodes[0]
		.reach = ROP_REACH_SILENT; /* Degraded: settings are applied without all that leads to Verify */
	op->world->nodes[0].reach_why = "connection refused";
	op->world->nodes[4].syncing = true;
	op->world->nodes[4].link_up = false;
	op->options.keep = true;
	op->frozen = true;
	hand_start(op);
	hand_until(op, ROP_WANT_SEND);
	op->frozen = false;
	size_t n, persists = 0;
	const struct rop_step *steps = rop_reconcile_steps(op->r, &n);
	for (size_t i = 0; i < n; i++)
		persists += steps[i].expect.kind == ROP_STEP_PERSIST && steps[i].node == 4;
	cr_assert(n == 8 && persists == 0, "%zu", n); /* four set, and written with node 1, but for node 4 */
	for (int i = 0; i < 5; i++)                   /* it comes in sync */
		hand_look(op);
	for (size_t i = 0; i < op->sent.n; i++)
		persists += op->sent.at[i].expect.kind == ROP_STEP_PERSIST && op->sent.at[i].node == 4;
	cr_assert_eq(persists, 1);
	cr_assert_eq(op->image.temporaries.n, 0);
	cr_assert_eq(hand_sent(op, ROP_STEP_SETTING), 4);
	cr_assert_str_eq(op->sent.at[op->sent.n - 1].expect.command, "CONFIG REWRITE");
}

/* ---- whole runs ---------------------------------------------------------------------------------------------- */

static void lose_database(void)
{
	op->image = (struct rop_image){ 0 };
	hand_start(op);
}

static void until_introduced(void)
{
	hand_start(op);
	while (hand_sent(op, ROP_STEP_MEET) == 0)
		hand_look(op);
}

static void expect_originals(void)
{
	for (size_t i = 0; i < 6; i++) {
		cr_assert_str_eq(op->world->nodes[i].settings[rop_observed_setting(op->world, TIMEOUT)], "15000");
		cr_assert_str_eq(op->world->nodes[i].settings[rop_observed_setting(op->world, DELAY)], "5");
	}
}

Test(policy_temporary, a_formation_whose_database_is_lost_is_ended_and_everything_goes_back_at_its_end)
{
	start_fresh();
	until_introduced();
	lose_database();
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_LOWER), 12, "never lowered twice");
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 12);
	cr_assert_eq(op->sent.at[op->sent.n - 1].expect.kind, ROP_STEP_RESTORE);
	expect_originals();
}

Test(policy_temporary, stopped_it_puts_back_what_it_found)
{
	start_fresh();
	until_introduced();
	lose_database();
	while (op->image.state == NULL || hand_sent(op, ROP_STEP_SLOTS) == 0)
		hand_look(op);
	rop_reconcile_stop(op->r, ROP_TIMEOUT, "told to");
	hand_run(op);
	expect_originals();
}

Test(policy_temporary, who_keeps_it_leaves_what_it_found)
{
	start_fresh();
	until_introduced();
	op->options.keep = true;
	lose_database();
	for (int i = 0; i < 20; i++)
		hand_look(op);
	cr_assert(rop_reconcile_converged(op->r));
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 0);
	cr_assert(warning(rop_reconcile_situation(op->r), "LeftLowered"));
}

static void start_waiting(void)
{
	start_formed();
	memcpy(add_row(&op->image, 4, NO_FAILOVER, "no", "yes")->peer, op->world->nodes[4].primary_id, ROP_ID_SIZE);
	add_row(&op->image, 1, TIMEOUT, "15000", "531");
	set_value(op->world, 4, NO_FAILOVER, "yes");
	set_value(op->world, 1, TIMEOUT, "531");
	op->world->nodes[4].link_up = false;
	op->world->nodes[0].reach = ROP_REACH_SILENT;
	op->world->nodes[0].reach_why = "connection refused";
	op->options.keep = true;
}

/* The world settles with every command and sleep; this keeps the replica out of sync. */
static enum rop_sent out_of_sync(struct hand *hand, const struct rop_step *step, const char **ret_text)
{
	*ret_text = NULL;
	rop_step_effect(&step->expect, hand->world);
	return ROP_SENT_OK;
}

Test(policy_temporary, the_lock_is_not_held_for_one_that_only_waits_and_a_stop_leaves_it)
{
	start_waiting();
	op->frozen = true;
	op->answer = out_of_sync;
	hand_start(op);
	for (int i = 0; i < 3; i++)
		hand_look(op);
	cr_assert_str_eq(state(), "Degraded");
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 1);
	cr_assert_eq(op->image.temporaries.n, 1);
	cr_assert(rop_reconcile_at_rest(op->r) && !rop_reconcile_converged(op->r));
	rop_reconcile_stop(op->r, ROP_FAIL, "told to");
	hand_run(op);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 1);
	cr_assert_eq(op->image.temporaries.n, 1, "for the next process");
	op->frozen = false;
	op->answer = NULL;
	rop_settle(op->world);
	hand_start(op);
	cr_assert_not(rop_reconcile_at_rest(op->r));
	for (int i = 0; i < 3; i++)
		hand_look(op);
	cr_assert_eq(op->image.temporaries.n, 0);
	cr_assert_str_eq(op->world->nodes[4].settings[rop_observed_setting(op->world, NO_FAILOVER)], "no");
}

Test(policy_temporary, stopped_at_once_it_puts_back_what_is_due_and_leaves_what_waits)
{
	start_waiting();
	op->frozen = true;
	op->answer = out_of_sync;
	hand_start(op);
	rop_reconcile_stop(op->r, ROP_FAIL, "told to");
	hand_run(op);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 1);
	cr_assert_eq(op->image.temporaries.n, 1);
	cr_assert_str_eq(op->image.temporaries.at[0].name, NO_FAILOVER);
}

Test(policy_temporary, a_run_is_not_done_before_the_last_one_is_back)
{
	start_formed();
	memcpy(add_row(&op->image, 4, NO_FAILOVER, "no", "yes")->peer, op->world->nodes[4].primary_id, ROP_ID_SIZE);
	set_value(op->world, 4, NO_FAILOVER, "yes");
	size_t peer = (size_t)op->world->nodes[4].primary;
	rop_bit_clear(op->world, op->world->online, peer, 4);
	op->frozen = true;
	hand_start(op);
	for (int i = 0; i < 5; i++)
		hand_look(op);
	cr_assert_str_eq(state(), "Verify");
	cr_assert_neq(rop_reconcile_want(op->r), ROP_WANT_DONE);
	op->frozen = false;
	rop_settle(op->world);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 1);
	cr_assert_eq(op->image.temporaries.n, 0);
}
