/* test_reconcile_end.c - how the reconciler stops: pauses, being told to, and temporary settings put back in each case.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "hand.h"

TestSuite(reconcile_end, .init = world_setup, .fini = hand_teardown);

/* ---- pauses -------------------------------------------------------------------------------------------- */

Test(reconcile_end, a_pause_at_the_commit_leaves_everything_as_it_was)
{
	start_fresh();
	op->options.keep = true; /* a one-shot run ends */
	hand_start(op);
	hand_until(op, ROP_WANT_COMMIT);
	op->paused = true;
	hand_turn(op);
	cr_assert_str_eq(state(), "Observe", "as if the pass had not been");
	cr_assert(op->commits == 0 && op->sent.n == 0);
	hand_look(op);
	cr_assert_str_eq(state(), "Paused");
	cr_assert_eq(op->sent.n, 0);
	cr_assert_eq(op->image.pending.n, 0);
	rop_reconcile_pause_changed(op->r, false, 0, NULL);
	op->paused = false;
	for (int i = 0; i < 100; i++)
		hand_look(op);
	cr_assert_str_eq(state(), "Ready");
}

Test(reconcile_end, an_old_pause_that_is_over_does_not_hide_a_new_one)
{
	start_fresh();
	op->image.paused = true;
	op->image.paused_until_wall_ms = 5;
	hand_start(op);
	hand_until(op, ROP_WANT_COMMIT);
	op->paused = true;
	hand_turn(op);
	hand_look(op);
	cr_assert_str_eq(state(), "Paused", "it would observe and commit in turns, as fast as it can");
}

Test(reconcile_end, a_pause_puts_temporary_settings_back_and_nothing_else)
{
	start_fresh();
	op->options.keep = true;
	hand_start(op);
	while (hand_sent(op, ROP_STEP_MEET) == 0)
		hand_look(op);
	size_t sent = op->sent.n;
	op->paused = true;
	rop_reconcile_pause_changed(op->r, true, 0, "ann");
	for (int i = 0; i < 10; i++)
		hand_look(op);
	cr_assert_str_eq(state(), "Paused");
	cr_assert_eq(op->sent.n, sent + 12);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 12);
	cr_assert_eq(op->image.temporaries.n, 0);
	rop_reconcile_stop(op->r, ROP_TIMEOUT, NULL);
	struct rop_result result = hand_run(op);
	cr_assert(strstr(result.text, "cluster 'cart' is paused by ann\n  -> `redis-operator resume cart`"), "%s",
		  result.text);
}

Test(reconcile_end, a_batch_that_a_pause_kept_from_being_sent_is_known_not_executed)
{
	start_fresh();
	hand_start(op);
	hand_until(op, ROP_WANT_SEND);
	size_t n;
	rop_reconcile_steps(op->r, &n);
	struct rop_outcome *outcomes = rop_alloc_n(pool, n, sizeof *outcomes);
	for (size_t i = 0; i < n; i++)
		outcomes[i] = (struct rop_outcome){ .sent = ROP_SENT_ERROR,
						    .text = "not sent: the cluster was paused" };
	rop_reconcile_pause_changed(op->r, true, 0, NULL);
	rop_reconcile_sent(op->r, outcomes, op->clock);
	hand_look(op);
	cr_assert_eq(hand_ended(op, "refused"), 18);
	cr_assert_eq(op->image.pending.n, 0);
	cr_assert_str_eq(state(), "Paused");
}

/* ---- stops --------------------------------------------------------------------------------------------- */

Test(reconcile_end, told_to_stop_it_puts_temporary_settings_back_first)
{
	start_fresh();
	hand_start(op);
	while (hand_sent(op, ROP_STEP_MEET) == 0)
		hand_look(op);
	rop_reconcile_stop(op->r, ROP_TIMEOUT, "not converged after 1s");
	rop_reconcile_stop(op->r, ROP_FAIL, "said twice");
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_TIMEOUT && !result.reached);
	cr_assert(strncmp(result.text, "not converged after 1s\n", 23) == 0, "%s", result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 12);
	cr_assert(op->image.temporaries.n == 0 && op->image.pending.n == 0);
	cr_assert_eq(hand_sent(op, ROP_STEP_SLOTS), 0, "and nothing else");
	rop_reconcile_stop(op->r, ROP_FAIL, "after the end");
	cr_assert_eq(rop_reconcile_result(op->r).code, ROP_TIMEOUT);
}

Test(reconcile_end, stopped_before_the_first_look_it_still_puts_an_earlier_process_settings_back)
{
	start_fresh();
	hand_start(op);
	while (hand_sent(op, ROP_STEP_MEET) == 0)
		hand_look(op);
	hand_start(op);
	rop_reconcile_stop(op->r, ROP_TIMEOUT, NULL);
	cr_assert_eq(rop_reconcile_want(op->r), ROP_WANT_OBSERVE);
	hand_run(op);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 12);
	cr_assert_eq(op->image.temporaries.n, 0);
}

Test(reconcile_end, stopped_with_nothing_to_put_back_it_is_done_at_once)
{
	start_formed();
	hand_start(op);
	rop_reconcile_stop(op->r, ROP_BUSY, NULL);
	cr_assert_eq(rop_reconcile_want(op->r), ROP_WANT_DONE);
	cr_assert_eq(rop_reconcile_result(op->r).code, ROP_BUSY);
	op->options.keep = true;
	hand_start(op);
	while (rop_reconcile_want(op->r) != ROP_WANT_SLEEP)
		hand_turn(op);
	rop_reconcile_stop(op->r, ROP_OK, "asked to");
	cr_assert_eq(rop_reconcile_want(op->r), ROP_WANT_DONE);
	struct rop_result result = rop_reconcile_result(op->r);
	cr_assert_eq(result.code, ROP_OK);
	cr_assert_str_eq(result.text, "asked to");
}

Test(reconcile_end, a_stop_does_not_wait_for_ever_for_a_node_that_is_gone)
{
	start_fresh();
	hand_start(op);
	while (hand_sent(op, ROP_STEP_MEET) == 0)
		hand_look(op);
	op->frozen = true;
	rop_reconcile_stop(op->r, ROP_TIMEOUT, "too long");
	int64_t since = op->clock.boot_ms;
	hand_run(op);
	cr_assert_leq(op->clock.boot_ms - since, 6000);
	cr_assert_eq(op->image.temporaries.n, 12, "the journal remembers what is still to be put back");
}

static enum rop_sent no_reply(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)h;
	(void)step;
	*ret_text = "the connection was closed";
	return ROP_SENT_UNKNOWN;
}

/* Also where nothing is to be put back: what was sent is told the end of, if it comes soon. */
Test(reconcile_end, a_stop_waits_for_the_end_of_what_was_sent)
{
	for (int seen = 0; seen < 2; seen++) {
		start_formed();
		op->world->nodes[5].role = ROP_ROLE_PRIMARY; /* is to follow again */
		op->world->nodes[5].primary = -1;
		op->world->nodes[5].primary_id[0] = '\0';
		hand_start(op);
		op->frozen = true;
		op->answer = no_reply;
		for (int turns = 0; op->sent.n == 0; turns++) {
			cr_assert_lt(turns, 50);
			hand_turn(op);
		}
		cr_assert(hand_sent(op, ROP_STEP_ROLE) == 1 && op->image.pending.n == 1);
		rop_reconcile_stop(op->r, ROP_FAIL, "told to");
		hand_turn(op);
		cr_assert_neq(rop_reconcile_want(op->r), ROP_WANT_DONE);
		op->frozen = !seen;
		for (size_t i = 0; seen && i < op->sent.n; i++)
			rop_step_effect(&op->sent.at[i].expect, op->world);
		hand_run(op);
		cr_assert_eq(op->image.pending.n, 0);
		cr_assert_gt(hand_ended(op, seen ? "met" : "expired"), 0);
		hand_stop(op);
	}
}

Test(reconcile_end, a_batch_that_was_written_is_sent_although_told_to_stop)
{
	start_fresh();
	hand_start(op);
	hand_until(op, ROP_WANT_SEND);
	rop_reconcile_stop(op->r, ROP_TIMEOUT, NULL);
	cr_assert_eq(rop_reconcile_want(op->r), ROP_WANT_SEND);
	hand_run(op);
	cr_assert_eq(op->image.temporaries.n, 0);
	cr_assert_str_eq(op->world->nodes[0].settings[0], "15000");
}

/* ---- temporary settings -------------------------------------------------------------------------------- */

Test(reconcile_end, a_persons_own_value_of_a_lowered_setting_is_left_alone)
{
	start_fresh();
	hand_start(op);
	while (hand_sent(op, ROP_STEP_MEET) == 0)
		hand_look(op);
	set_value(op->world, 2, "cluster-node-timeout", "7000");
	cr_assert(hand_run(op).reached);
	cr_assert_str_eq(op->world->nodes[2].settings[0], "7000");
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 11);
	cr_assert_eq(op->image.temporaries.n, 0);
}

/* A run that was stopped after the introduction has put everything back; or redis-cli introduced them. */
Test(reconcile_end, nodes_that_somebody_introduced_are_lowered_before_their_slots_and_only_once)
{
	start_fresh();
	meet_all(op->world);
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_LOWER), 12);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 12);
	cr_assert_eq(hand_sent(op, ROP_STEP_MEET), 0);
	cr_assert_eq(op->sent.at[0].expect.kind, ROP_STEP_LOWER);
	cr_assert_str_eq(op->world->nodes[3].settings[0], "15000");
}

Test(reconcile_end, a_lowering_that_arrives_late_is_put_back_too)
{
	start_fresh();
	hand_start(op);
	op->frozen = true;
	hand_look(op);
	for (int i = 0; i < 20; i++)
		hand_look(op);
	cr_assert_eq(op->image.temporaries.n, 12, "what is under way is not taken for a person's own value");
	for (size_t i = 0; i < op->sent.n; i++)
		rop_step_effect(&op->sent.at[i].expect, op->world);
	op->frozen = false;
	cr_assert(hand_run(op).reached);
	for (size_t i = 0; i < 6; i++)
		cr_assert_str_eq(op->world->nodes[i].settings[0], "15000");
}

static enum rop_sent refuse_one_lowering(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	*ret_text = "ERR no";
	return step->expect.kind == ROP_STEP_LOWER && step->node == 1 && hand_ended(h, "refused") < 2 ? ROP_SENT_ERROR
												      : ROP_SENT_OK;
}

Test(reconcile_end, the_first_original_value_is_the_one_that_is_put_back)
{
	start_fresh();
	op->answer = refuse_one_lowering;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_gt(hand_sent(op, ROP_STEP_LOWER), 12);
	for (size_t i = 0; i < 6; i++)
		cr_assert_str_eq(op->world->nodes[i].settings[0], "15000");
}

/* A formation of many nodes lowered the timeout to 1000; what remains of it is small and wants 500. */
Test(reconcile_end, a_setting_that_an_earlier_process_lowered_less_is_not_lowered_again_and_goes_back)
{
	start_fresh();
	struct rop_temporary *temporary = rop_push(pool, &op->image.temporaries);
	*temporary = (struct rop_temporary){
		.address = "x", .name = "cluster-node-timeout", .original = "15000", .temporary = "1000"
	};
	memcpy(temporary->node, node_id(2), ROP_ID_SIZE);
	set_value(op->world, 2, "cluster-node-timeout", "1000");
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_str_eq(op->world->nodes[2].settings[0], "15000");
	cr_assert_eq(op->image.temporaries.n, 0);
	for (size_t i = 0; i < op->sent.n; i++)
		cr_assert_not(op->sent.at[i].node == 2 && op->sent.at[i].expect.kind == ROP_STEP_LOWER &&
			      strcmp(op->sent.at[i].expect.name, "cluster-node-timeout") == 0);
}

Test(reconcile_end, temporary_settings_of_nodes_that_are_not_asked_any_more_stay_in_the_journal)
{
	start_formed();
	for (size_t i = 0; i < 3; i++) {
		struct rop_temporary *temporary = rop_push(pool, &op->image.temporaries);
		*temporary = (struct rop_temporary){ .address = "x",
						     .name = i ? "cluster-node-timeout" : "hz",
						     .original = "15000",
						     .temporary = "500" };
		memcpy(temporary->node, node_id(i == 1 ? 77 : 2 + i), ROP_ID_SIZE);
	}
	go_silent(op->world, 4);
	op->options.keep = true;
	hand_start(op);
	for (int i = 0; i < 3; i++)
		hand_look(op);
	cr_assert_eq(op->image.temporaries.n, 3);
}

Test(reconcile_end, says_how_long_a_pause_still_lasts)
{
	start_fresh();
	op->image.paused = op->paused = true;
	op->image.paused_until_wall_ms = op->clock.wall_ms + 90000;
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert_eq(result.code, ROP_REFUSED);
	cr_assert_str_eq(result.text, "cluster 'cart' is paused for another 90 s\n  -> `redis-operator resume cart`");
}

Test(reconcile_end, advice_that_findings_share_is_given_once)
{
	start_fresh();
	op->world->nodes[1].functions = op->world->nodes[2].functions = 2;
	op->world->nodes[3].reach = ROP_REACH_NOT_CLUSTER;
	hand_start(op);
	cr_assert_str_eq(hand_run(op).text, "10.0.0.4:6379 is not in cluster mode\n"
					    "  -> set 'cluster-enabled yes' in its configuration and restart it\n"
					    "10.0.0.2:6379 is not empty: it holds 2 function libraries\n"
					    "10.0.0.3:6379 is not empty: it holds 2 function libraries\n"
					    "  -> remove them (FUNCTION DELETE), or declare another node");
}

Test(reconcile_end, nobody_needs_to_listen)
{
	start_fresh();
	op->options.on_transition = NULL;
	op->options.on_step = NULL;
	hand_start(op);
	cr_assert_not(rop_reconcile_converged(op->r), "before the first look nothing is known");
	cr_assert(hand_run(op).reached);
}

Test(reconcile_end, a_node_that_was_replaced_is_a_member_from_then_on)
{
	start_formed();
	hand_start(op);
	hand_run(op);
	cr_assert_eq(op->image.members.n, 6);
	op->image.members.at[5].node[0] = 'x';
	op->image.members.at[4].shard = 3;
	hand_start(op);
	hand_run(op);
	cr_assert_str_eq(op->image.members.at[5].node, node_id(5));
	cr_assert_eq(op->image.members.at[4].shard, 2);
}

static enum rop_sent lose_it(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)h;
	(void)step;
	*ret_text = NULL;
	return ROP_SENT_UNKNOWN;
}

Test(reconcile_end, step_by_step_it_waits_for_what_it_sent_and_sends_no_second_batch)
{
	start_fresh();
	op->options.step = true;
	op->answer = lose_it;
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert(result.code == ROP_OK && !result.reached);
	cr_assert_eq(op->sent.n, 6);
	cr_assert_eq(hand_ended(op, "expired"), 6);
	hand_start(op);
	op->answer = NULL;
	hand_look(op);
	rop_reconcile_stop(op->r, ROP_TIMEOUT, NULL);
	hand_run(op);
	cr_assert_eq(op->image.pending.n, 0);
}

static bool no_slots(void *arg, const struct rop_step *step)
{
	(void)arg;
	return step->expect.kind != ROP_STEP_SLOTS;
}

static bool nothing(void *arg, const struct rop_step *step)
{
	(void)arg;
	(void)step;
	return false;
}

Test(reconcile_end, a_step_that_may_not_be_ends_the_run_before_it_is_written_down)
{
	start_fresh();
	op->options.may_step = no_slots;
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert_eq(result.code, ROP_STALE);
	cr_assert(strstr(result.text, "the plan does not hold 'CLUSTER ADDSLOTSRANGE 0 5460' to 10.0.0.1:6379"), "%s",
		  result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_MEET), 15);
	cr_assert_eq(hand_sent(op, ROP_STEP_SLOTS), 0);
	cr_assert(hand_sent(op, ROP_STEP_LOWER) > 0);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), hand_sent(op, ROP_STEP_LOWER),
		     "temporary settings are put back: %zu of %zu, %zu left; %s", hand_sent(op, ROP_STEP_RESTORE),
		     hand_sent(op, ROP_STEP_LOWER), op->image.temporaries.n, result.text);
	cr_assert(op->image.pending.n == 0 && op->image.temporaries.n == 0);
}

Test(reconcile_end, where_no_step_may_be_nothing_is_sent)
{
	start_fresh();
	op->options.may_step = nothing;
	hand_start(op);
	cr_assert_eq(hand_run(op).code, ROP_STALE);
	cr_assert(op->sent.n == 0 && op->image.pending.n == 0 && op->image.temporaries.n == 0);
	struct rop_plan plan;
	rop_plan_make(pool, &op->options, op->world, op->clock, &plan);
	cr_assert(plan.steps.n == 51, "a plan asks nobody");
}

static enum rop_sent refuse_without_words(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	(void)h;
	*ret_text = NULL;
	return step->expect.kind == ROP_STEP_PERSIST ? ROP_SENT_ERROR : ROP_SENT_OK;
}

Test(reconcile_end, a_refusal_without_words_is_a_refusal)
{
	start_formed();
	manage_setting((struct rop_topology *)op->options.topology, "maxmemory", "1gb");
	op->world = formed_world(op->options.topology);
	op->answer = refuse_without_words;
	hand_start(op);
	cr_assert_not(hand_run(op).reached);
	cr_assert_geq(hand_ended(op, "refused"), 5 * 8, "%zu", hand_ended(op, "refused"));
}
