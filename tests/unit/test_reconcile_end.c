/* test_reconcile_end.c - how the reconciler stops: pauses, being told to, and temporary settings put back in each case. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "hand.h"

TestSuite(reconcile_end, .init = world_setup, .fini = hand_teardown);

/* ---- pauses ---------------------------------------------------------------------------------------------------------- */

Test(reconcile_end, a_pause_at_the_commit_leaves_everything_as_it_was)
{
	start_fresh();
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
	cr_assert_eq(rop_reconcile_want(op->r), ROP_WANT_DONE, "who waits for a pause to end does not know for how long");
	cr_assert_eq(rop_reconcile_result(op->r).code, ROP_REFUSED);
	op->paused = op->image.paused = false;
	hand_start(op);
	cr_assert(hand_run(op).reached, "the next run goes on");
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
	hand_start(op);
	while (hand_sent(op, ROP_STEP_MEET) == 0)
		hand_look(op);
	size_t sent = op->sent.n;
	op->paused = true;
	rop_reconcile_pause_changed(op->r, true, 0, "ann");
	struct rop_result result = hand_run(op);
	cr_assert_str_eq(state(), "Paused");
	cr_assert_eq(op->sent.n, sent + 12);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESTORE), 12);
	cr_assert_eq(op->image.temporaries.n, 0);
	cr_assert_eq(result.code, ROP_REFUSED);
	cr_assert(strstr(result.text, "cluster 'cart' is paused by ann\n  -> redis-operator resume cart"), "%s", result.text);
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
		outcomes[i] = (struct rop_outcome){ ROP_SENT_ERROR, "not sent: the cluster was paused" };
	rop_reconcile_pause_changed(op->r, true, 0, NULL);
	rop_reconcile_sent(op->r, outcomes, op->clock);
	hand_look(op);
	cr_assert_eq(hand_ended(op, "refused"), 18);
	cr_assert_eq(op->image.pending.n, 0);
	cr_assert_str_eq(state(), "Paused");
}

/* ---- stops ----------------------------------------------------------------------------------------------------------- */

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

/* ---- temporary settings ---------------------------------------------------------------------------------------------- */

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

static enum rop_sent refuse_one_lowering(struct hand *h, const struct rop_step *step, const char **ret_text)
{
	*ret_text = "ERR no";
	return step->expect.kind == ROP_STEP_LOWER && step->node == 1 && hand_ended(h, "refused") < 2 ? ROP_SENT_ERROR : ROP_SENT_OK;
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
