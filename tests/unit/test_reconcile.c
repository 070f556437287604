/* test_reconcile.c - the reconciler as a state machine, driven by hand: what it wants, writes, sends and forgets. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hand.h"

TestSuite(reconcile, .init = world_setup, .fini = hand_teardown);

/* ---- the main road ------------------------------------------------------------------------------------------------
 */

Test(reconcile, forms_a_cluster_and_says_so)
{
	start_fresh();
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert(result.reached && result.code == ROP_OK);
	cr_assert_str_eq(result.text, "");
	cr_assert_str_eq(state(), "Ready");
	cr_assert(rop_reconcile_converged(op->r));
	cr_assert(rop_situation_converged(situation_of(op->options.topology, op->world)));
	static const size_t SENT[] = {
		[ROP_STEP_LOWER] = 12, [ROP_STEP_RESTORE] = 12, [ROP_STEP_EPOCH] = 6,  [ROP_STEP_MEET] = 15,
		[ROP_STEP_SLOTS] = 3,  [ROP_STEP_ROLE] = 3,     [ROP_STEP_PERSIST] = 0
	};
	for (int kind = 0; kind < ROP_STEP_KINDS_N - 1; kind++)
		cr_assert_eq(hand_sent(op, (enum rop_step_kind)kind), kind > ROP_STEP_PERSIST ? 0 : SENT[kind], "%s",
			     rop_step_kind_name((enum rop_step_kind)kind));
	cr_assert_eq(result.steps, op->sent.n);
	cr_assert_eq(hand_ended(op, "met"), op->sent.n, "each was seen done");
	cr_assert(result.transitions == op->moves.n && result.passes == op->looks);
}

Test(reconcile, leaves_a_journal_without_pending_rows_or_temporary_settings)
{
	start_fresh();
	hand_start(op);
	hand_run(op);
	struct rop_image *image = &op->image;
	cr_assert(image->pending.n == 0 && image->temporaries.n == 0);
	cr_assert_str_eq(image->state, "Ready");
	cr_assert(image->formed_wall_ms > 0 && image->reached_revision == 1 && image->members.n == 6);
	for (size_t i = 0; i < 6; i++) {
		cr_assert_str_eq(image->members.at[i].node, node_id(i));
		cr_assert_eq(image->members.at[i].shard, (int)i % 3 + 1);
		cr_assert_str_eq(op->world->nodes[i].settings[0], "15000");
		cr_assert_str_eq(op->world->nodes[i].settings[1], "5");
	}
	cr_assert_eq(image->conditions[ROP_COND_CONVERGED].status, ROP_TRUE);
	cr_assert_eq(image->conditions[ROP_COND_BLOCKED].status, ROP_FALSE);
}

Test(reconcile, writes_before_it_sends)
{
	start_fresh();
	hand_start(op);
	while (rop_reconcile_want(op->r) != ROP_WANT_DONE) {
		if (rop_reconcile_want(op->r) == ROP_WANT_SEND) {
			size_t n;
			const struct rop_step *steps = rop_reconcile_steps(op->r, &n);
			for (size_t i = 0; i < n; i++) {
				bool written = false;
				for (size_t k = 0; k < op->image.pending.n; k++)
					written |= strcmp(op->image.pending.at[k].subject, steps[i].expect.subject) ==
							   0 &&
						   op->image.pending.at[k].id == steps[i].expect.id;
				cr_assert(written, "%s", steps[i].expect.subject);
			}
		}
		hand_turn(op);
	}
}

/* A node of a hundred handles a hundred times as much, and shares its machine with more of them. */
Test(reconcile, steps_of_many_nodes_have_more_time)
{
	struct rop_topology *topology = topology_of(50, 1, 100);
	op = hand_new(topology, fresh_world(topology));
	hand_start(op);
	hand_until(op, ROP_WANT_SEND);
	cr_assert_gt(op->image.pending.n, 0);
	for (size_t i = 0; i < op->image.pending.n; i++) {
		const struct rop_expect *e = &op->image.pending.at[i];
		cr_assert_eq(e->deadline_boot_ms, e->issued_boot_ms + rop_step_kind_deadline_ms(e->kind) + 2000, "%s",
			     e->subject);
	}
}

/* What a MEET causes takes some six round trips until it is seen. */
Test(reconcile, steps_on_a_slow_network_have_more_time)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	op = hand_new(topology, fresh_world(topology));
	op->world->nodes[1].rtt_ms = 400;
	hand_start(op);
	hand_until(op, ROP_WANT_SEND);
	cr_assert_gt(op->image.pending.n, 0);
	for (size_t i = 0; i < op->image.pending.n; i++) {
		const struct rop_expect *e = &op->image.pending.at[i];
		cr_assert_eq(e->deadline_boot_ms, e->issued_boot_ms + rop_step_kind_deadline_ms(e->kind) + 60 + 4000,
			     "%s", e->subject);
	}
}

Test(reconcile, goes_the_declared_way_through_the_states)
{
	start_fresh();
	hand_start(op);
	hand_run(op);
	static const char *const WAY[][2] = { { "Observe", "Configure" },  { "Configure", "Verify" },
					      { "Verify", "AssignSlots" }, { "AssignSlots", "Replicate" },
					      { "Replicate", "Verify" },   { "Verify", "Settle" },
					      { "Settle", "Verify" },      { "Verify", "Ready" } };
	for (size_t i = 0; i < sizeof WAY / sizeof *WAY; i++)
		cr_assert(hand_moved(op, WAY[i][0], WAY[i][1]), "%s -> %s", WAY[i][0], WAY[i][1]);
	for (size_t i = 0; i < op->moves.n; i++) {
		const struct rop_transition *t = &op->moves.at[i];
		cr_assert(strncmp(t->row, t->from, strlen(t->from)) == 0 && strchr(t->row, '#') && *t->why);
	}
}

Test(reconcile, believes_in_agreement_only_at_the_second_look)
{
	start_formed();
	hand_start(op);
	hand_look(op);
	cr_assert_str_eq(state(), "Verify");
	cr_assert_eq(rop_reconcile_situation(op->r)->agreed_ms, 0);
	rop_bit_clear(op->world, op->world->agrees, 0, 1);
	op->frozen = true;
	hand_look(op);
	rop_bit_set(op->world, op->world->agrees, 0, 1);
	op->frozen = false;
	int64_t since = op->clock.boot_ms;
	struct rop_result result = hand_run(op);
	cr_assert(result.reached && op->clock.boot_ms - since >= 100, "a break in the agreement begins it anew");
	cr_assert_eq(result.steps, 0);
}

Test(reconcile, a_declared_settle_time_is_waited_for)
{
	start_formed();
	((struct rop_topology *)op->options.topology)->settle_ms = 3000;
	hand_start(op);
	int64_t since = op->clock.boot_ms;
	hand_run(op);
	cr_assert_geq(op->clock.boot_ms - since, 3000);
}

Test(reconcile, what_breaks_while_it_settles_is_not_reached)
{
	start_formed();
	((struct rop_topology *)op->options.topology)->settle_ms = 3000;
	hand_start(op);
	while (strcmp(state(), "Confirm") != 0)
		hand_look(op);
	op->frozen = true;
	op->world->nodes[5].link_up = false; /* the last one is a replica, in every view */
	cr_assert_eq(op->world->nodes[5].role, ROP_ROLE_REPLICA);
	int64_t until = op->clock.boot_ms + 5000;
	while (op->clock.boot_ms < until)
		hand_look(op);
	cr_assert(!hand_moved(op, "Confirm", "Ready") && hand_moved(op, "Confirm", "Verify"));
	op->frozen = false;
	cr_assert(hand_run(op).reached);
}

/* It is longer than Verify may take: waiting for what a person asked for is not being overdue. */
Test(reconcile, also_a_settle_time_of_minutes)
{
	start_formed();
	((struct rop_topology *)op->options.topology)->settle_ms = 600000;
	hand_start(op);
	int64_t since = op->clock.boot_ms;
	cr_assert(hand_run(op).reached);
	cr_assert_geq(op->clock.boot_ms - since, 600000);
}

Test(reconcile, a_second_run_on_a_converged_cluster_sends_nothing_and_writes_nothing_new)
{
	start_fresh();
	hand_start(op);
	hand_run(op);
	size_t sent = op->sent.n;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->sent.n, sent);
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		cr_assert_lt(op->image.conditions[i].since_wall_ms, op->clock.wall_ms);
}

Test(reconcile, kept_and_converged_a_hundred_passes_commit_nothing)
{
	start_fresh();
	op->options.keep = true;
	hand_start(op);
	for (int i = 0; i < 200 && strcmp(state(), "Ready") != 0; i++)
		hand_look(op);
	hand_look(op);
	cr_assert(rop_reconcile_converged(op->r));
	size_t commits = op->commits, sent = op->sent.n, looks = op->looks;
	for (int i = 0; i < 100; i++)
		hand_look(op);
	cr_assert_eq(op->commits, commits);
	cr_assert_eq(op->sent.n, sent);
	cr_assert_eq(op->looks, looks + 100);
	cr_assert_eq(rop_reconcile_sleep_ms(op->r), op->options.topology->interval_ms);
}

/* ---- expectations decide -------------------------------------------------------------------------------------------
 */

/* The same world; only the journal differs. */
Test(reconcile, a_pending_row_of_an_earlier_process_keeps_its_step_from_being_sent_again)
{
	start_fresh();
	hand_start(op);
	op->frozen = true;
	while (hand_sent(op, ROP_STEP_LOWER) == 0)
		hand_look(op);
	cr_assert_eq(op->image.pending.n, 18);

	hand_start(op); /* killed; another process on the same journal, the same boot */
	size_t sent = op->sent.n;
	hand_look(op);
	cr_assert_eq(op->sent.n, sent, "nothing is sent while its subject is pending");
	op->image.pending.n = 0; /* the rows are hidden */
	hand_start(op);
	hand_look(op);
	cr_assert_eq(op->sent.n, sent + 18, "without them, all is sent again");
}

Test(reconcile, after_a_reboot_pending_rows_are_due_at_once)
{
	start_fresh();
	hand_start(op);
	op->frozen = true;
	while (hand_sent(op, ROP_STEP_LOWER) == 0)
		hand_look(op);
	size_t sent = op->sent.n;
	op->options.boot_id = "boot-2";
	op->clock.boot_ms = 10; /* a clock that started anew: every old deadline lies in the future */
	hand_start(op);
	hand_look(op);
	cr_assert_eq(hand_ended(op, "expired"), sent);
	cr_assert_eq(op->image.pending.n, 0);
	op->options.boot_id = NULL;
	hand_start(op);
	hand_look(op);
}

Test(reconcile, what_is_seen_decides_even_after_a_reboot)
{
	start_fresh();
	hand_start(op);
	hand_until(op, ROP_WANT_SEND);
	hand_turn(op); /* the world has changed, nobody has looked */
	op->options.boot_id = "boot-2";
	hand_start(op);
	hand_look(op);
	cr_assert_eq(hand_ended(op, "met"), 18);
	cr_assert_eq(hand_ended(op, "expired"), 0);
}

Test(reconcile, nothing_is_sent_while_its_subject_is_pending)
{
	start_fresh();
	hand_start(op);
	op->frozen = true;
	hand_look(op);
	size_t sent = op->sent.n;
	cr_assert_eq(sent, 18);
	cr_assert(rop_reconcile_situation(op->r)->seen);
	int64_t deadline = op->clock.boot_ms + 1000;
	while (op->clock.boot_ms < deadline)
		hand_look(op);
	cr_assert_eq(op->sent.n, sent);
	cr_assert(rop_reconcile_situation(op->r)->waiting);
}

Test(reconcile, what_was_not_seen_in_time_is_tried_again_later_and_not_for_ever)
{
	start_fresh();
	hand_start(op);
	op->frozen = true;
	struct rop_result result = hand_run(op);
	cr_assert(!result.reached && result.code == ROP_TIMEOUT);
	cr_assert_str_eq(state(), "Blocked");
	int most = 0;
	for (size_t i = 0; i < op->sent.n; i++)
		most = op->sent.at[i].expect.attempts > most ? op->sent.at[i].expect.attempts : most;
	cr_assert(most > 1 && most <= 8, "%d attempts", most);
	cr_assert(hand_ended(op, "expired") > 18);
	cr_assert(strstr(result.text, "6 of 6 nodes do not know all others yet"), "%s", result.text);
}

static enum rop_sent refuse_roles(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	*ret_text = "ERR Unknown node";
	return step->expect.kind == ROP_STEP_ROLE && hand_ended(h, "refused") < 6 ? ROP_SENT_ERROR : ROP_SENT_OK;
}

Test(reconcile, what_was_refused_is_tried_again_after_a_while)
{
	start_fresh();
	op->answer = refuse_roles;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_ended(op, "refused"), 6);
	cr_assert_eq(hand_sent(op, ROP_STEP_ROLE), 9);
	int64_t first = 0;
	for (size_t i = 0; i < op->sent.n; i++) {
		const struct rop_expect *e = &op->sent.at[i].expect;
		if (e->kind == ROP_STEP_ROLE && e->attempts == 1)
			first = e->issued_boot_ms;
		if (e->kind == ROP_STEP_ROLE && e->attempts == 2)
			cr_assert_geq(e->issued_boot_ms - first, 50, "it backs off");
	}
}

static enum rop_sent deny_config(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)h;
	*ret_text = "NOPERM this user has no permissions to run the 'config|set' command";
	return step->expect.kind == ROP_STEP_SETTING ? ROP_SENT_ERROR : ROP_SENT_OK;
}

Test(reconcile, a_step_that_is_refused_for_ever_ends_in_its_own_words)
{
	start_formed();
	manage_setting((struct rop_topology *)op->options.topology, "maxmemory", "1gb");
	op->world = formed_world(op->options.topology);
	op->answer = deny_config;
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert_eq(result.code, ROP_DENIED);
	cr_assert(strstr(result.text, "user 'default' lacks a permission: NOPERM this user"), "%s", result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_SETTING), 1, "it stays forbidden however often it is asked");
	cr_assert_str_eq(state(), "Blocked");
	cr_assert_eq(op->image.conditions[ROP_COND_BLOCKED].status, ROP_TRUE);
}

static enum rop_sent end_and_come_back(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)ret_text;
	if (step->expect.kind == ROP_STEP_SETTING)
		go_silent(h->world, (size_t)step->node);
	return ROP_SENT_OK;
}

/* What it shows then is what it was started with, not its own way to write the value. Found by seed 5597. */
Test(reconcile, a_node_that_came_back_without_the_value_is_not_taken_to_keep_it_so)
{
	start_formed();
	manage_setting((struct rop_topology *)op->options.topology, "maxmemory", "90mb");
	op->world = formed_world(op->options.topology);
	op->answer = end_and_come_back;
	op->frozen = true;
	hand_start(op);
	hand_until(op, ROP_WANT_SEND);
	int node = op->world->n ? (int)rop_reconcile_steps(op->r, &(size_t){ 0 })[0].node : -1;
	hand_turn(op);
	op->answer = NULL;
	hand_look(op);
	op->world->nodes[node].reach = ROP_REACH_OK;
	for (int i = 0; i < 3; i++)
		hand_look(op);
	for (size_t i = 0; i < op->image.tried.n; i++) /* another one is tried meanwhile */
		cr_assert_str_neq(op->image.tried.at[i].node, node_id((size_t)node));
}

static enum rop_sent cap_hz(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)ret_text;
	if (step->expect.kind == ROP_STEP_SETTING)
		set_value(h->world, (size_t)step->node, "hz", "500");
	return ROP_SENT_OK;
}

static enum rop_sent set_over_ours_once(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)ret_text;
	if (step->expect.kind == ROP_STEP_SETTING)
		set_value(h->world, (size_t)step->node, "hz", step->expect.attempts == 1 ? "77" : step->expect.value);
	return ROP_SENT_OK;
}

/* Somebody sets it right after us: that is not the server's way of writing ours. */
Test(reconcile, a_value_that_somebody_sets_over_ours_is_not_what_ours_is_kept_as)
{
	start_formed();
	manage_setting((struct rop_topology *)op->options.topology, "hz", "50");
	op->world = formed_world(op->options.topology);
	op->answer = set_over_ours_once;
	op->frozen = true;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert(hand_sent(op, ROP_STEP_SETTING) == 12 && hand_ended(op, "expired") == 6);
	cr_assert_eq(op->image.tried.n, 0);
	cr_assert_str_eq(rop_observed_value(op->world, 2, "hz"), "50");
}

/* `hz 1000` is shown as 500: answered with OK and the same in two looks, twice, it is as near as it comes. */
Test(reconcile, a_value_that_the_servers_write_their_own_way_is_set_twice_and_no_more)
{
	start_formed();
	manage_setting((struct rop_topology *)op->options.topology, "hz", "1000");
	op->world = formed_world(op->options.topology);
	op->answer = cap_hz;
	op->frozen = true; /* nothing but the answer changes anything */
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_SETTING), 12);
	cr_assert_eq(op->image.tried.n, 6);
	cr_assert_str_eq(op->image.tried.at[0].note, "kept as 500");

	op->sent.n = 0;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->sent.n, 0, "another process knows it from the journal");
	set_value(op->world, 2, "hz", "10");
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_SETTING), 1, "somebody else's value is not what was made of ours");
}

/* ---- PERSIST: its reply decides ------------------------------------------------------------------------ */

static enum rop_sent persist_sent;
static const char *persist_text;

static enum rop_sent answer_persist(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)h;
	*ret_text = persist_text;
	return step->expect.kind == ROP_STEP_PERSIST ? persist_sent : ROP_SENT_OK;
}

static void run_with_a_setting(enum rop_sent sent, const char *text)
{
	start_formed();
	manage_setting((struct rop_topology *)op->options.topology, "maxmemory", "1gb");
	op->world = formed_world(op->options.topology);
	persist_sent = sent;
	persist_text = text;
	op->answer = answer_persist;
	hand_start(op);
}

Test(reconcile, writing_the_configuration_down_is_met_by_its_reply)
{
	run_with_a_setting(ROP_SENT_OK, NULL);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_PERSIST), 6);
	cr_assert_eq(hand_ended(op, "met"), 12);
}

static size_t warnings_of(enum rop_reason reason)
{
	const struct rop_situation *now = rop_reconcile_situation(op->r);
	size_t n = 0;
	for (size_t i = 0; i < now->warnings.n; i++)
		n += now->warnings.at[i].is == reason;
	return n;
}

Test(reconcile, a_server_without_a_configuration_file_has_nothing_to_write_to)
{
	run_with_a_setting(ROP_SENT_ERROR, "ERR The server is running without a config file");
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_PERSIST), 6, "asked once, and not told as done");
	cr_assert_eq(hand_ended(op, "refused"), 6);
	cr_assert_eq(warnings_of(ROP_WHY_UNWRITTEN), 1, "nor forgotten");
}

Test(reconcile, where_a_server_says_that_it_has_no_configuration_file_it_is_not_asked_to_write_one)
{
	run_with_a_setting(ROP_SENT_ERROR, "ERR The server is running without a config file");
	for (size_t i = 0; i < op->world->n; i++)
		op->world->nodes[i].no_config_file = true;
	struct rop_plan plan;
	rop_plan_make(pool, &op->options, op->world, op->clock, &plan);
	cr_assert_eq(plan.steps.n, 6, "the settings alone");
	cr_assert(plan.result.reached);
	bool told = false;
	for (size_t i = 0; i < plan.first->warnings.n; i++)
		told |= strstr(plan.first->warnings.at[i].text, "maxmemory = 1gb is in no configuration file of "
								"10.0.0.1:6379") != NULL;
	cr_assert(told, "it is told before it is done");
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_PERSIST), 0);
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(warnings_of(ROP_WHY_UNWRITTEN), 1, "and after it");
}

Test(reconcile, that_it_could_not_be_written_is_remembered_by_the_next_process)
{
	run_with_a_setting(ROP_SENT_ERROR, "ERR Rewriting config file: Permission denied");
	cr_assert_not(hand_run(op).reached);
	struct rop_situation *now = situation_with(op->options.topology, op->world, &op->image, NULL, 0);
	cr_assert_not(rop_situation_converged(now), "who only looks knows it from the journal");
	rop_situation_open(now);
	cr_assert(strstr(now->open.at[0].text, "Permission denied"), "%s", now->open.at[0].text);
	cr_assert(strstr(now->warnings.at[0].text, "(ERR Rewriting config file: Permission denied)"), "%s",
		  now->warnings.at[0].text);
	op->sent.n = 0;
	hand_start(op);
	cr_assert_not(hand_run(op).reached, "no less than at first");
	cr_assert_geq(hand_sent(op, ROP_STEP_PERSIST), 6);
	cr_assert_eq(hand_sent(op, ROP_STEP_SETTING), 0);
	persist_sent = ROP_SENT_OK;
	persist_text = NULL;
	op->sent.n = 0;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->sent.n, 6);
	cr_assert_eq(op->image.unwritten.n, 0);
	op->sent.n = 0;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->sent.n, 0);
	cr_assert_eq(warnings_of(ROP_WHY_UNWRITTEN), 0);
}

Test(reconcile, a_setting_that_is_not_declared_any_more_need_not_be_written)
{
	run_with_a_setting(ROP_SENT_ERROR, "ERR Rewriting config file: Permission denied");
	cr_assert_not(hand_run(op).reached);
	struct rop_topology *without = rop_alloc(pool, sizeof *without);
	*without = *op->options.topology;
	memset(&without->settings, 0, sizeof without->settings);
	op->options.topology = without;
	cr_assert(rop_situation_converged(situation_with(without, op->world, &op->image, NULL, 0)));
	op->sent.n = 0;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->sent.n, 0);
}

Test(reconcile, a_configuration_that_cannot_be_written_blocks)
{
	run_with_a_setting(ROP_SENT_ERROR, "ERR Rewriting config file: Permission denied");
	struct rop_result result = hand_run(op);
	cr_assert(!result.reached && strstr(result.text, "Permission denied"), "%s", result.text);
	cr_assert_geq(hand_sent(op, ROP_STEP_PERSIST), 5 * 8, "%zu", hand_sent(op, ROP_STEP_PERSIST));
}

Test(reconcile, a_lost_reply_of_it_is_not_taken_for_done)
{
	run_with_a_setting(ROP_SENT_UNKNOWN, "connection reset");
	while (hand_ended(op, "expired") < 6)
		hand_look(op);
	persist_sent = ROP_SENT_OK;
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_PERSIST), 12);
}

/* Ready was entered while a row was pending; then a node died, then the row expired. */
Test(reconcile, what_was_reached_once_is_not_reached_any_more_when_a_node_dies)
{
	run_with_a_setting(ROP_SENT_UNKNOWN, "connection reset");
	while (strcmp(state(), "Ready") != 0)
		hand_look(op);
	go_silent(op->world, 5);
	for (int i = 0; i < 4000 && rop_reconcile_want(op->r) != ROP_WANT_DONE; i++)
		hand_turn(op);
	cr_assert_not(rop_reconcile_result(op->r).reached, "in state %s", state());
}

/* ---- one batch at a time ------------------------------------------------------------------------------- */

Test(reconcile, step_by_step_every_call_sends_one_batch_and_lowers_nothing)
{
	start_fresh();
	op->options.step = true;
	static const struct {
		enum rop_step_kind kind;
		size_t n;
	} BATCHES[] = {
		{ ROP_STEP_EPOCH, 6 },
		{ ROP_STEP_MEET, 15 },
		{ ROP_STEP_SLOTS, 3 },
		{ ROP_STEP_ROLE, 3 },
	};
	size_t sent = 0;
	for (size_t i = 0; i < sizeof BATCHES / sizeof *BATCHES; i++) {
		hand_start(op);
		struct rop_result result = hand_run(op);
		cr_assert(result.code == ROP_OK && !result.reached, "call %zu: %s", i, result.text);
		cr_assert_eq(op->sent.n - sent, BATCHES[i].n, "call %zu sent %zu", i, op->sent.n - sent);
		cr_assert_eq(hand_sent(op, BATCHES[i].kind), BATCHES[i].n);
		cr_assert_eq(op->image.pending.n, 0, "the batch is seen done");
		sent = op->sent.n;
	}
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(op->sent.n, sent);
	cr_assert_eq(hand_sent(op, ROP_STEP_LOWER), 0);
}

Test(reconcile, step_by_step_no_row_is_written_whose_batch_is_left_for_the_next_call)
{
	start_fresh();
	op->options.step = true;
	for (size_t calls = 1; calls <= 4; calls++) {
		size_t rows = 0;
		hand_start(op);
		hand_run(op);
		for (size_t i = 0; i < op->written.n; i++)
			rows += strcmp(op->written.at[i].from, op->written.at[i].to) == 0;
		cr_assert_eq(rows, calls, "%zu rows that ask for a batch, after %zu of them", rows, calls);
	}
}

/* ---- nodes that go and come ---------------------------------------------------------------------------- */

Test(reconcile, a_formed_cluster_without_one_node_is_degraded_and_recovers)
{
	start_formed();
	op->options.keep = true;
	hand_start(op);
	for (int i = 0; i < 40; i++)
		hand_look(op);
	cr_assert(rop_reconcile_converged(op->r));
	go_silent(op->world, 4);
	op->frozen = true;
	hand_look(op);
	cr_assert_str_eq(state(), "Degraded");
	cr_assert_not(rop_reconcile_converged(op->r));
	cr_assert_eq(op->image.conditions[ROP_COND_CONVERGED].status, ROP_FALSE);
	op->world = formed_world(op->options.topology);
	op->frozen = false;
	for (int i = 0; i < 40; i++)
		hand_look(op);
	cr_assert_str_eq(state(), "Ready");
	cr_assert(rop_reconcile_converged(op->r));
	cr_assert_eq(op->image.conditions[ROP_COND_CONVERGED].status, ROP_TRUE);
	cr_assert_eq(op->sent.n, 0);
}

Test(reconcile, degraded_it_does_what_can_be_done_for_the_others)
{
	start_formed();
	struct rop_node *node = &op->world->nodes[3];
	node->role = ROP_ROLE_PRIMARY;
	node->primary = -1;
	node->primary_id[0] = '\0';
	go_silent(op->world, 4);
	op->options.keep = true;
	hand_start(op);
	for (int i = 0; i < 5; i++)
		hand_look(op);
	cr_assert_str_eq(state(), "Degraded");
	cr_assert_eq(hand_sent(op, ROP_STEP_ROLE), 1);
	cr_assert_eq(op->world->nodes[3].primary, 0);
}

Test(reconcile, a_refusal_is_told_with_its_advice_and_sends_nothing)
{
	start_fresh();
	op->world->nodes[4].keys = 9;
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert_eq(result.code, ROP_REFUSED);
	cr_assert_str_eq(result.text, "10.0.0.5:6379 holds 9 keys but owns no slots: they would be lost or served "
				      "wrongly\n"
				      "  -> save what is needed of it and empty the node, or declare another one");
	cr_assert_eq(op->sent.n, 0);
	cr_assert_str_eq(state(), "Blocked");
}

Test(reconcile, kept_and_blocked_it_tries_again_when_the_reason_is_gone)
{
	start_fresh();
	op->options.keep = true;
	op->world->nodes[4].keys = 9;
	hand_start(op);
	for (int i = 0; i < 20; i++)
		hand_look(op);
	cr_assert(strcmp(state(), "Blocked") == 0 && op->sent.n == 0);
	size_t commits = op->commits;
	hand_look(op);
	cr_assert_eq(op->commits, commits, "blocked as before: nothing new to write");
	op->world->nodes[4].keys = 0;
	for (int i = 0; i < 30; i++)
		hand_look(op);
	cr_assert_str_eq(state(), "Ready");
}

Test(reconcile, a_world_that_does_not_change_is_looked_at_less_and_less_often)
{
	start_fresh();
	op->frozen = true;
	hand_start(op);
	hand_until(op, ROP_WANT_SLEEP);
	int64_t soon = rop_reconcile_sleep_ms(op->r);
	while (hand_ended(op, "expired") == 0) {
		hand_look(op);
		if (rop_reconcile_want(op->r) == ROP_WANT_SLEEP)
			cr_assert_leq(rop_reconcile_sleep_ms(op->r), 250);
	}
	cr_assert_lt(soon, 20);
}

/* ---- machines that do not end -------------------------------------------------------------------------- */

Test(reconcile, a_machine_that_goes_round_is_stopped_and_named)
{
	/* Two states that lead to each other by actions that ask for nothing: the checks at load cannot know that. */
	static const char TEXT[] = "machine: round\ndoc: It goes round.\ninitial: A\nstates:\n"
				   "  A: { doc: One., rows: [{ when: [not paused], to: B, do: [report], why: on }, { "
				   "to: C, why: end }] }\n"
				   "  B: { doc: Two., rows: [{ to: A, do: [report], why: back }] }\n"
				   "  C: { doc: End., final: true }\n";
	struct rop_diags diags;
	struct rop_doc *doc;
	struct rop_machine *machine;
	start_formed();
	rop_diags_init(&diags, pool);
	cr_assert(rop_doc_parse(pool, "round.yaml", TEXT, sizeof TEXT - 1, &diags, &doc));
	cr_assert(rop_machine_load(pool, doc, rop_cluster_words(), &diags, &machine), "%s",
		  diags.list.n ? diags.list.at[0].message : "");
	op->options.machine = machine;
	hand_start(op);
	for (int i = 0; i < 5; i++)
		hand_turn(op);
	struct rop_result result = rop_reconcile_result(op->r);
	cr_assert_eq(result.code, ROP_INTERNAL);
	cr_assert_str_eq(result.text, "machine 'round' does not come to rest in state A");
	rop_reconcile_stop(op->r, ROP_TIMEOUT, NULL);
	cr_assert(strstr(rop_reconcile_result(op->r).text, "does not come to rest"));
}
