/* test_reconcile_keep.c - a reconciler that runs for months: what it writes, how often it looks, and that it does not
 * grow. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../../src/operator/pass.h"
#include "hand.h"

TestSuite(reconcile_keep, .init = world_setup, .fini = hand_teardown);

static void looks(int n)
{
	for (int i = 0; i < n; i++)
		hand_look(op);
}

static void start_kept_and_converged(void)
{
	start_formed();
	op->options.keep = true;
	hand_start(op);
	looks(20);
	cr_assert_str_eq(state(), "Ready");
	cr_assert(rop_reconcile_converged(op->r));
}

/* ---- what is written ----------------------------------------------------------------------------------- */

Test(reconcile_keep, a_run_over_a_converged_cluster_writes_nothing_at_all)
{
	start_formed();
	hand_start(op);
	cr_assert(hand_run(op).reached);
	size_t told = op->moves.n, commits = op->commits;
	cr_assert(commits > 0 && op->image.formed_wall_ms && op->image.reached_revision == 1, "a cluster never seen "
											      "before is written down");
	for (int run = 0; run < 3; run++) {
		op->options.keep = run == 2; /* the daemon's start too */
		op->clock.boot_ms += 1000;
		hand_start(op);
		if (run < 2)
			cr_assert(hand_run(op).reached);
		else
			looks(100);
	}
	cr_assert_eq(op->commits, commits);
	cr_assert_eq(op->moves.n, told + 3 * 2, "what it did is told nevertheless");
}

Test(reconcile_keep, nor_does_one_that_waits_for_a_declared_settle_time)
{
	start_formed();
	((struct rop_topology *)op->options.topology)->settle_ms = 10000;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	size_t commits = op->commits;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->commits, commits);
}

Test(reconcile_keep, where_a_node_with_a_name_was_last_is_written_once_and_when_it_has_moved)
{
	start_formed();
	((struct rop_topology *)op->options.topology)->nodes.at[2].host = "c.internal";
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_str_eq(op->image.members.at[2].ip, "10.0.0.3");
	cr_assert_null(op->image.members.at[1].ip, "its address is its name");
	size_t commits = op->commits;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->commits, commits);
	op->world->nodes[2].ip = "10.0.0.33";
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_str_eq(op->image.members.at[2].ip, "10.0.0.33");
	cr_assert_eq(op->commits, commits + 1);
}

static void expect_whole_way(void)
{
	cr_assert_eq(op->written.n, op->moves.n);
	for (size_t i = 0; i < op->moves.n; i++)
		cr_assert_str_eq(op->written.at[i].row, op->moves.at[i].row, "transition %zu", i);
}

Test(reconcile_keep, a_run_that_does_something_writes_its_whole_way_in_order)
{
	start_fresh();
	hand_start(op);
	cr_assert(hand_run(op).reached);
	expect_whole_way();
	cr_assert_str_eq(op->written.at[0].from, "Observe");
	cr_assert_str_eq(op->written.at[op->written.n - 1].to, "Ready");
	size_t before = op->written.n;
	op->world->nodes[4].role = ROP_ROLE_PRIMARY; /* somebody reset a replica */
	op->world->nodes[4].primary = -1;
	op->world->nodes[4].primary_id[0] = '\0';
	hand_start(op);
	cr_assert(hand_run(op).reached);
	expect_whole_way();
	cr_assert_str_eq(op->written.at[before].from, "Observe", "what led to the step is written with it");
}

/* Killed at any moment after the first step: the journal holds every move so far, also of looks that sent nothing. */
Test(reconcile_keep, once_it_has_sent_something_the_journal_is_never_behind)
{
	start_fresh();
	((struct rop_topology *)op->options.topology)
		->settle_ms = 3000; /* a state that is entered long after the last step */
	hand_start(op);
	hand_until(op, ROP_WANT_SEND);
	size_t silent = 0;
	do {
		size_t moves = op->moves.n, sent = op->sent.n;
		hand_look(op);
		silent += op->moves.n > moves && op->sent.n == sent && strcmp(state(), "Ready") != 0;
		expect_whole_way();
		cr_assert_str_eq(op->image.state, state());
	} while (rop_reconcile_want(op->r) != ROP_WANT_DONE);
	cr_assert_gt(silent, 0, "a move that sent nothing, on the way, is what this is about");
}

Test(reconcile_keep, coming_to_rest_elsewhere_is_written_and_coming_back_too)
{
	start_kept_and_converged();
	size_t commits = op->commits;
	op->frozen = true;
	go_silent(op->world, 4);
	looks(1);
	cr_assert_str_eq(op->image.state, "Degraded");
	cr_assert_eq(op->commits, commits + 1);
	looks(100);
	cr_assert_eq(op->commits, commits + 1);
	op->world = formed_world(op->options.topology);
	looks(20);
	cr_assert_str_eq(op->image.state, "Ready");
	cr_assert_eq(op->commits, commits + 2);
	expect_whole_way();
}

Test(reconcile_keep, a_short_disagreement_is_told_and_not_written)
{
	start_kept_and_converged();
	size_t commits = op->commits, told = op->moves.n;
	op->frozen = true;
	rop_bit_clear(op->world, op->world->agrees, 0, 1);
	looks(3);
	cr_assert_str_eq(state(), "Verify");
	rop_bit_set(op->world, op->world->agrees, 0, 1);
	looks(20);
	cr_assert_str_eq(state(), "Ready");
	cr_assert_eq(op->moves.n, told + 2);
	cr_assert_eq(op->commits, commits);
}

Test(reconcile_keep, one_that_lasts_is_written_while_it_lasts)
{
	start_kept_and_converged();
	op->frozen = true;
	rop_bit_clear(op->world, op->world->linked, 0, 1);
	int64_t since = op->clock.boot_ms;
	while (op->clock.boot_ms - since < 12000 && strcmp(op->image.state, "Ready") == 0)
		looks(1);
	cr_assert_str_eq(op->image.state, "Verify");
	cr_assert_leq(op->clock.boot_ms - since, 5000 + 2000, "an interval until it is seen, and a second or two");
	cr_assert_eq(op->image.conditions[ROP_COND_CONVERGED].status, ROP_FALSE);
}

Test(reconcile_keep, blocked_for_hours_it_tries_again_and_writes_nothing_about_it)
{
	start_kept_and_converged();
	op->frozen = true;
	rop_bit_clear(op->world, op->world->linked, 0, 1);
	looks(300);
	size_t commits = op->commits, told = op->moves.n;
	int64_t since = op->clock.boot_ms;
	while (op->clock.boot_ms - since < ROUNDS(2 * 3600000))
		looks(1);
	cr_assert_gt(op->moves.n, told + ROUNDS(100), "it does try");
	cr_assert_eq(op->commits, commits);
	cr_assert_eq(op->image.conditions[ROP_COND_BLOCKED].status, ROP_TRUE);
	rop_bit_set(op->world, op->world->linked, 0, 1);
	looks(100);
	cr_assert_str_eq(op->image.state, "Ready");
	cr_assert_eq(op->image.conditions[ROP_COND_BLOCKED].status, ROP_FALSE);
}

/* Between two looks the link of a replica is now down, now being synchronised (a server that is refused and tries again
 * every second shows itself so): the machine goes to and fro. */
static void dance(int64_t for_ms, const char *until)
{
	int64_t since = op->clock.boot_ms;
	bool syncing = false;
	while (op->clock.boot_ms - since < for_ms && !(until && strcmp(state(), until) == 0)) {
		hand_until(op, ROP_WANT_OBSERVE);
		op->world->nodes[4].link_up = false;
		op->world->nodes[4].syncing = syncing = !syncing;
		hand_look(op);
	}
}

static void expect_dance_to_end(void)
{
	size_t commits = op->commits, n_looks = op->looks, written = op->written.n;
	dance(120000, "Blocked");
	cr_assert_str_eq(state(), "Blocked", "it is given up in the end");
	cr_assert(hand_moved(op, "Verify", "Synchronise") && hand_moved(op, "Synchronise", "Verify"));
	cr_assert_leq(op->commits, commits + 6, "%zu commits", op->commits - commits);
	cr_assert_leq(op->written.n, written + 12, "%zu moves written", op->written.n - written);
	cr_assert_leq(op->looks, n_looks + 400, "%zu looks", op->looks - n_looks);
	dance(2000, NULL); /* temporary settings go back first */
	cr_assert_eq(op->image.conditions[ROP_COND_BLOCKED].status, ROP_TRUE);
	commits = op->commits;
	dance(3600000, NULL);
	cr_assert_leq(op->commits, commits + 1, "an hour of trying in vain is no news");
	cr_assert_eq(op->image.conditions[ROP_COND_BLOCKED].status, ROP_TRUE);
}

Test(reconcile_keep, two_states_that_wait_for_each_other_do_not_dance_for_ever)
{
	start_kept_and_converged();
	op->frozen = true;
	expect_dance_to_end();
}

Test(reconcile_keep, nor_where_they_do_so_after_a_step)
{
	start_fresh();
	op->options.keep = true;
	hand_start(op);
	while (hand_sent(op, ROP_STEP_ROLE) == 0)
		looks(1);
	expect_dance_to_end();
}

Test(reconcile_keep, the_way_that_is_written_of_a_dance_has_no_gap_and_no_circle)
{
	start_fresh();
	op->options.keep = true;
	hand_start(op);
	while (hand_sent(op, ROP_STEP_ROLE) == 0)
		looks(1);
	dance(15000, NULL);
	op->world->nodes[4].link_up = true;
	op->world->nodes[4].syncing = false;
	looks(200);
	cr_assert_str_eq(state(), "Ready");
	cr_assert_str_eq(op->image.state, "Ready");
	for (size_t i = 1; i < op->written.n; i++)
		cr_assert_str_eq(op->written.at[i].from, op->written.at[i - 1].to, "transition %zu", i);
}

Test(reconcile_keep, what_only_counts_seconds_is_not_written_again)
{
	start_kept_and_converged();
	op->frozen = true;
	go_silent(op->world, 4);
	looks(2);
	size_t commits = op->commits;
	for (int left = 100; left > 0; left--) {
		op->world->nodes[4].reach_why = rop_printf(pool, "it answers again in %d s", left);
		looks(1);
	}
	cr_assert_eq(op->commits, commits);
	op->world->nodes[3].reach = ROP_REACH_DENIED;
	op->world->nodes[3].reach_why = "NOAUTH";
	looks(1);
	cr_assert_eq(op->commits, commits + 1, "another reason is news");
}

Test(reconcile_keep, a_pause_at_the_commit_leaves_what_was_held_held)
{
	start_fresh();
	op->options.keep = true;
	hand_start(op);
	hand_until(op, ROP_WANT_COMMIT);
	op->paused = true;
	hand_turn(op);
	looks(2);
	op->paused = false;
	rop_reconcile_pause_changed(op->r, false, 0, NULL);
	looks(100);
	cr_assert_str_eq(state(), "Ready");
	size_t observed = 0;
	for (size_t i = 0; i < op->written.n; i++) {
		observed += strcmp(op->written.at[i].from, "Observe") == 0;
		if (i)
			cr_assert_str_eq(op->written.at[i].from, op->written.at[i - 1].to, "transition %zu", i);
	}
	cr_assert_eq(observed, 2, "to Paused, and on from there");
}

Test(reconcile_keep, when_what_stood_in_the_way_is_gone_it_goes_on_at_once)
{
	start_fresh();
	((struct rop_topology *)op->options.topology)->interval_ms = 100; /* less than what Blocked waits by itself */
	op->world->nodes[4].keys = 9;
	op->options.keep = true;
	hand_start(op);
	looks(3);
	cr_assert_str_eq(state(), "Blocked");
	op->world->nodes[4].keys = 0;
	looks(1);
	cr_assert_str_eq(state(), "Configure");
}

/* ---- how often it looks -------------------------------------------------------------------------------- */

static int64_t longest_sleep(int n)
{
	int64_t longest = 0;
	for (int i = 0; i < n; i++) {
		hand_look(op);
		if (rop_reconcile_want(op->r) == ROP_WANT_SLEEP && rop_reconcile_sleep_ms(op->r) > longest)
			longest = rop_reconcile_sleep_ms(op->r);
	}
	return longest;
}

Test(reconcile_keep, a_long_interval_is_for_clusters_that_are_as_declared)
{
	start_formed();
	((struct rop_topology *)op->options.topology)->interval_ms = 3600000;
	op->options.keep = true;
	hand_start(op);
	looks(20);
	cr_assert_eq(rop_reconcile_sleep_ms(op->r), 3600000);
	op->frozen = true;
	go_silent(op->world, 4);
	cr_assert_eq(longest_sleep(50), 5000, "Degraded: it may heal");
	go_silent(op->world, 0);
	go_silent(op->world, 1);
	cr_assert_eq(longest_sleep(50), 5000);
	cr_assert_str_eq(state(), "Blocked");
	rop_reconcile_pause_changed(op->r, true, 0, "ann");
	cr_assert_eq(longest_sleep(50), 5000, "Paused: it may be resumed");
}

Test(reconcile_keep, a_watchdog_may_ask_for_more_looks)
{
	start_formed();
	((struct rop_topology *)op->options.topology)->interval_ms = 3600000;
	op->options.keep = true;
	op->options.look_at_most_ms = 700;
	hand_start(op);
	looks(20);
	cr_assert_eq(rop_reconcile_sleep_ms(op->r), 700);
	op->frozen = true;
	go_silent(op->world, 4);
	cr_assert_eq(longest_sleep(20), 700);
}

Test(reconcile_keep, a_synchronisation_of_hours_is_not_looked_at_four_times_a_second)
{
	start_formed();
	op->options.keep = true;
	op->frozen = true;
	op->world->nodes[4].link_up = false;
	op->world->nodes[4].syncing = true;
	hand_start(op);
	int64_t since = op->clock.boot_ms;
	size_t seen = op->looks;
	while (op->clock.boot_ms - since < 3600000)
		looks(1);
	cr_assert_str_eq(state(), "Synchronise");
	cr_assert_leq(op->looks - seen, 1000);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

#define BOUND ((size_t)96 * 1024) /* for six nodes */

Test(reconcile_keep, very_many_idle_passes_need_no_memory_and_no_commit)
{
	start_kept_and_converged();
	size_t bytes = rop_reconcile_bytes(op->r), commits = op->commits;
	for (int i = 0; i < ROUNDS(100000); i++) {
		if (i % 4 == 0) /* as the driver does before it looks again */
			rop_reconcile_pause_changed(op->r, false, 0, NULL);
		hand_look(op);
	}
	cr_assert_eq(rop_reconcile_bytes(op->r), bytes);
	cr_assert_eq(op->commits, commits);
}

Test(reconcile_keep, ten_thousand_times_a_node_goes_and_comes)
{
	start_kept_and_converged();
	op->frozen = true;
	struct rop_observed *whole = op->world, *lame = formed_world(op->options.topology);
	go_silent(lame, 4);
	size_t most = 0, told = op->moves.n;
	for (int i = 0; i < 10000; i++) {
		op->world = i % 5 == 0 ? lame : whole;
		lame->nodes[4].reach_why = i % 2 ? "connection refused" : "it did not answer in time";
		hand_look(op);
		most = rop_reconcile_bytes(op->r) > most ? rop_reconcile_bytes(op->r) : most;
	}
	cr_assert_gt(op->moves.n, told + 4000, "it was on its way most of the time");
	cr_assert_leq(most, BOUND, "%zu bytes", most);
}

static enum rop_sent refuse_with_a_number(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)step;
	*ret_text = rop_printf(pool, "BUSY, it is number %zu in the queue", h->sent.n);
	return ROP_SENT_ERROR;
}

Test(reconcile_keep, steps_refused_for_days_are_tried_now_and_then_and_leave_nothing)
{
	start_formed();
	manage_setting((struct rop_topology *)op->options.topology, "maxmemory", "1gb");
	op->world = formed_world(op->options.topology);
	op->frozen = true;
	op->answer = refuse_with_a_number;
	op->options.keep = true;
	hand_start(op);
	size_t most = 0;
	int64_t since = op->clock.boot_ms, days = ROUNDS(8);
	while (op->clock.boot_ms - since < days * 24 * 3600000) {
		hand_look(op);
		most = rop_reconcile_bytes(op->r) > most ? rop_reconcile_bytes(op->r) : most;
	}
	cr_assert_leq(most, BOUND, "%zu bytes", most);
	cr_assert_gt(op->sent.n, 100 * (size_t)days, "it does not give up");
	cr_assert_lt(op->sent.n, 6000 * (size_t)days, "nor hammer: %zu steps", op->sent.n);
	op->answer = NULL;
	op->frozen = false;
	since = op->clock.boot_ms;
	while (op->clock.boot_ms - since < 400000)
		hand_look(op);
	cr_assert_str_eq(state(), "Ready", "within five minutes of the reason's end");
}

Test(reconcile_keep, a_pause_of_days_told_at_every_look_needs_no_memory)
{
	start_kept_and_converged();
	char by[32] = "ann (uid 1000)";
	rop_reconcile_pause_changed(op->r, true, 0, by);
	looks(2);
	cr_assert_str_eq(state(), "Paused");
	size_t bytes = rop_reconcile_bytes(op->r), commits = op->commits;
	for (int i = 0; i < ROUNDS(10000); i++) {
		rop_reconcile_pause_changed(op->r, true, op->clock.wall_ms + 1000000 - i, by);
		hand_look(op);
	}
	cr_assert_eq(rop_reconcile_bytes(op->r), bytes);
	cr_assert_eq(op->commits, commits);
	rop_reconcile_pause_changed(op->r, false, 0, NULL);
	looks(10);
	cr_assert_str_eq(state(), "Ready", "it goes on by itself");
}

Test(reconcile_keep, what_forming_many_nodes_needed_is_given_back)
{
	struct rop_topology *topology = topology_of(30, 1, 60);
	op = hand_new(topology, fresh_world(topology));
	op->options.keep = true;
	hand_start(op);
	size_t most = 0;
	for (int i = 0; i < 200; i++) {
		hand_look(op);
		most = rop_reconcile_bytes(op->r) > most ? rop_reconcile_bytes(op->r) : most;
	}
	cr_assert_str_eq(state(), "Ready");
	cr_assert_gt(most, 500000, "1770 introductions: %zu bytes", most);
	cr_assert_leq(rop_reconcile_bytes(op->r), BOUND, "%zu bytes", rop_reconcile_bytes(op->r));
}

/* Copying costs as much as there is: once after work, and not at every look from then on. */
Test(reconcile_keep, what_lives_is_not_copied_again_while_nothing_happens)
{
	struct rop_topology *topology = topology_of(60, 1, 120);
	manage_setting(topology, "maxmemory-policy", "allkeys-lru");
	op = hand_new(topology, formed_world(topology));
	for (size_t i = 0; i < 120; i++)
		set_value(op->world, i, "maxmemory-policy", "noeviction");
	op->options.keep = true;
	hand_start(op);
	looks(20);
	cr_assert_str_eq(state(), "Ready");
	cr_assert_gt(op->sent.n, 119);
	cr_assert_gt(rop_reconcile_bytes(op->r), 64 * 1024);
	const void *members = rop_reconcile_situation(op->r)->image->members.at;
	cr_assert_not_null(members);
	for (int i = 0; i < 10; i++) {
		looks(1);
		cr_assert_eq(rop_reconcile_situation(op->r)->image->members.at, members);
	}
}

/* What is pending, put back later or still to be written lives on when memory is made anew. */
Test(reconcile_keep, nothing_that_counts_is_lost_when_memory_is_made_anew)
{
	struct rop_topology *topology = topology_of(30, 1, 60);
	op = hand_new(topology, fresh_world(topology));
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert(op->image.pending.n == 0 && op->image.temporaries.n == 0);
	for (size_t i = 0; i < 60; i++)
		cr_assert_str_eq(op->world->nodes[i].settings[0], "15000");
	expect_whole_way();
}

Test(reconcile_keep, moves_that_are_held_live_on_when_memory_is_made_anew)
{
	start_kept_and_converged();
	op->frozen = true;
	rop_bit_clear(op->world, op->world->linked, 0, 1);
	looks(1);
	cr_assert(strcmp(state(), "Verify") == 0 && strcmp(op->image.state, "Ready") == 0, "told and not written");
	op->r->compact_above_bytes = 0; /* as if there were much that is over */
	for (int i = 0; i < 1000 && strcmp(op->image.state, "Ready") == 0; i++)
		looks(1);
	cr_assert_gt(op->r->compact_above_bytes, 0, "it was made anew");
	cr_assert_str_eq(op->image.state, "Verify");
	expect_whole_way();
}

static enum rop_sent refuse_a_role(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)h;
	*ret_text = step->expect.kind == ROP_STEP_ROLE ? "ERR not now" : NULL;
	return *ret_text ? ROP_SENT_ERROR : ROP_SENT_OK;
}

Test(reconcile_keep, at_rest_in_trouble_a_step_is_tried_again_when_it_is_due)
{
	start_formed();
	op->options.keep = true;
	op->frozen = true;
	op->answer = refuse_a_role;
	go_silent(op->world, 4);
	op->world->nodes[3].role = ROP_ROLE_PRIMARY;
	op->world->nodes[3].primary = -1;
	op->world->nodes[3].primary_id[0] = '\0';
	hand_start(op);
	int64_t tried_ms[2] = { 0 };
	for (int looks_n = 0; looks_n < 60 && !tried_ms[1]; looks_n++) {
		hand_look(op);
		size_t n = hand_sent(op, ROP_STEP_ROLE);
		if (n && n <= 2 && !tried_ms[n - 1])
			tried_ms[n - 1] = op->clock.boot_ms;
	}
	cr_assert_str_eq(state(), "Degraded");
	cr_assert(tried_ms[0] && tried_ms[1]);
	cr_assert_lt(tried_ms[1] - tried_ms[0], 4000, "%lld", (long long)(tried_ms[1] - tried_ms[0]));
}

Test(reconcile_keep, a_look_is_too_old_from_the_moment_that_was_told)
{
	start_fresh();
	hand_start(op);
	while (rop_reconcile_want(op->r) != ROP_WANT_SEND)
		hand_turn(op);
	struct rop_clock clock = op->clock;
	int64_t by = rop_reconcile_send_by_ms(op->r);
	cr_assert_gt(by, clock.boot_ms);
	clock.boot_ms = by - 1;
	cr_assert(rop_reconcile_sending(op->r, clock));
	clock.boot_ms = by;
	cr_assert_not(rop_reconcile_sending(op->r, clock));
}
