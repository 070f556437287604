/* reconcile.c - the reconciler as its drivers see it: what it wants next, and what it is told. */
#include "rop/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "over.h"
#include "rop/leaving.h"
#include "rop/text.h"

#define STOP_GRACE_MS 5000    /* for putting temporary settings back when told to stop */
#define FINISH_GRACE_MS 10000 /* for slots that are open then */

/* ---- made and freed ---------------------------------------------------------------------------------------- */

struct rop_reconcile *rop_reconcile_new(const struct rop_reconcile_options *options, struct rop_clock clock)
{
	struct rop_reconcile *r = rop_malloc(sizeof *r);
	r->options = *options;
	r->arena = rop_arena_new();
	r->tries = rop_tries_new(r->arena);
	r->want = ROP_WANT_OBSERVE;
	r->agreed_since_boot_ms = -1;
	r->consent_arena = rop_arena_new();
	r->consent.digest = rop_strdup(r->consent_arena, options->consent);
	r->state = options->machine->initial; /* observe first; what counts of the past is in the expectations */
	r->state_since_boot_ms = r->idle_since_boot_ms = clock.boot_ms;
	r->roaming.been = (uint64_t)1 << r->state;
	r->unwritten_since_boot_ms = clock.boot_ms;
	memory_take_image(r, options->image);
	return r;
}

void rop_reconcile_free(struct rop_reconcile *r)
{
	if (!r)
		return;
	rop_arena_free(r->pass);
	rop_arena_free(r->arena);
	rop_arena_free(r->consent_arena);
	free(r->before);
	rop_text_done(&r->text);
	free(r);
}

/* ---- what comes next --------------------------------------------------------------------------------------- */

static void finish(struct rop_reconcile *r, enum rop_code code)
{
	r->want = ROP_WANT_DONE;
	r->result.code = code;
}

/* Why it ends, and what is open then. */
static void say_stopped(struct rop_reconcile *r)
{
	why_not(r);
	if (!r->stop_why)
		return;
	ROP_OWN_TEXT open = r->text;
	r->text = (struct rop_text){ 0 };
	rop_text_add(&r->text, "%s%s%s", r->stop_why, open.n ? "\n" : "", open.n ? open.at : "");
}

/* What this run is for is over: how. */
static void end_with_wish(struct rop_reconcile *r)
{
	static const enum rop_code CODES[ROP_WISH_STATUSES_N] = { [ROP_WISH_MET] = ROP_OK,
								  [ROP_WISH_FAILED] = ROP_FAIL,
								  [ROP_WISH_REFUSED] = ROP_REFUSED,
								  [ROP_WISH_WITHDRAWN] = ROP_REFUSED };
	rop_text_done(&r->text);
	if (r->wish_note)
		rop_text_add(&r->text, "%s", r->wish_note);
	finish(r, CODES[r->result.wish]);
}

/* All that can be done while a host is drained is done: what is left, and for whom it waits. */
static void end_with_drain(struct rop_reconcile *r)
{
	bool held = false;
	rop_text_done(&r->text);
	for (size_t i = 0; i < r->now->drains.n; i++) {
		held |= r->now->drains.at[i].holds != NULL;
		rop_text_add(&r->text, "%s%s", i ? "\n" : "", rop_drained_sentence(r->pass, &r->now->drains.at[i]));
	}
	finish(r, held && r->options.only_drain ? ROP_TIMEOUT : ROP_OK);
}

/* The machine rests and nothing is to be sent: done, or look again later. */
static void rest(struct rop_reconcile *r)
{
	bool final = r->options.machine->states[r->state].final && !r->pending.n;
	enum rop_code code;
	if (r->stopping && !r->stop_decided &&
	    over_owes_restore(r)) { /* told after this pass: the next one puts them back */
		r->want = ROP_WANT_OBSERVE;
		return;
	}
	if (r->stopping && over_has_stopped(r)) {
		if (r->finishing)
			say_stopped(r);
		finish(r, r->stop_code);
		return;
	}
	r->want = ROP_WANT_SLEEP;
	if (r->stopping || r->options.keep)
		return;
	if (over_takeover(r, &code)) {
		why_not_taken_over(r);
		finish(r, code);
	} else if (r->options.only_wish && !r->image.wish.id) {
		end_with_wish(r);
	} else if (r->options.only_drain && over_is_drained(r)) {
		end_with_drain(r);
	} else if (final && over_rests_for_a_drain(r)) {
		end_with_drain(r);
	} else if (final && r->reached && over_is_doubted(r)) {
		return; /* and looks again */
	} else if (final && r->reached) {
		r->result.reached = true;
		finish(r, ROP_OK);
	} else if (final && (r->reported || r->now->paused || over_waits_for_a_person(r)) && !over_restores_later(r) &&
		   !over_has_passed(r)) {
		/* also where it is paused: who waits for a pause to end does not know for how long */
		why_not(r);
		if (!r->options.predict && over_waits_in_vain(r))
			rop_reconcile_stop(r, r->result.code, NULL);
		else
			r->want = ROP_WANT_DONE;
	} else if (r->options.step && r->batches > 0 && !r->pending.n) {
		finish(r, ROP_OK);
	} else if (over_is_foreseen(r)) {
		why_not(r);
		if (final)
			r->result.code = ROP_OK;
		r->want = ROP_WANT_DONE;
	}
}

static void after_commit(struct rop_reconcile *r)
{
	if (r->batch.steps.n)
		r->want = ROP_WANT_SEND;
	else
		rest(r);
}

enum rop_want rop_reconcile_want(const struct rop_reconcile *r)
{
	return r->want;
}

/* And the row that asked for it, where it leads nowhere else. */
static void drop_batch(struct rop_reconcile *r)
{
	const struct rop_row *last = r->held.n ? r->held.at[r->held.n - 1] : NULL;
	r->batch.steps.n = 0;
	r->entry.expects.n = r->entry.temporaries_set.n = 0;
	if (!last || last->to != last->from)
		return;
	r->held.n--;
	r->entry.transitions.n -= r->entry.transitions.n > 0;
}

/* Among members that know each other, what would come by itself: which of them need it depends on the moment. And the
 * keys of slots that are opened: how many there are, nobody knew before. */
static bool follows_by_itself(const struct rop_step *step)
{
	return step->expect.kind == ROP_STEP_GREET || step->expect.kind == ROP_STEP_CARRY;
}

static const struct rop_step *forbidden_step(const struct rop_reconcile *r)
{
	for (size_t i = 0; r->options.may_step && !r->stopping && i < r->batch.steps.n; i++)
		if (!follows_by_itself(&r->batch.steps.at[i]) &&
		    !r->options.may_step(r->options.arg, &r->batch.steps.at[i]))
			return &r->batch.steps.at[i];
	return NULL;
}

/* What was learnt meanwhile is still written; then temporary settings go back, and it ends. */
static void stop_at(struct rop_reconcile *r, const struct rop_step *step)
{
	const char *why = rop_printf(r->pass,
				     "the plan does not hold '%s' to %s, which is now to be done: %s; it was not sent",
				     step->expect.command, step->expect.address, step->expect.why);
	drop_batch(r);
	r->want = rop_entry_empty(&r->entry) ? ROP_WANT_SLEEP : ROP_WANT_COMMIT;
	rop_reconcile_stop(r, ROP_STALE, why);
}

void rop_reconcile_observed(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	struct rop_arena *last = r->pass;
	r->pass = seen->arena;
	memory_compact(r); /* now, when nobody holds anything of the last pass */
	pass_decide(r, rop_observed_with_ghosts(r->pass, seen, &r->image), clock);
	r->stop_decided = r->stopping;
	rop_arena_free(last);
	bool one_batch_done = r->options.step && r->batches > 0 && r->batch.steps.n && !r->stopping;
	if (one_batch_done) /* --step: the next batch is for the next call */
		drop_batch(r);
	const struct rop_step *forbidden = forbidden_step(r);
	if (forbidden)
		stop_at(r, forbidden);
	else if (!rop_entry_empty(&r->entry))
		r->want = ROP_WANT_COMMIT;
	else
		after_commit(r);
}

struct rop_entry *rop_reconcile_entry(struct rop_reconcile *r)
{
	return &r->entry;
}

void rop_reconcile_committed(struct rop_reconcile *r, bool paused)
{
	if (!paused) {
		remember_written(r);
		after_commit(r);
		return;
	}
	/* Nothing was written: as if the pass had not been, but for the knowledge of the pause. */
	r->image.paused = true;
	r->image.paused_until_wall_ms = 0; /* the end we know of was another pause's */
	r->state = r->state_before;
	r->state_since_boot_ms = r->state_since_before;
	r->roaming = r->roaming_before;
	r->children.at = children_copy(r->arena, r->children_before, r->n_children_before);
	r->children.n = r->children.cap = r->n_children_before;
	r->held.n = 0;
	for (size_t i = 0; i < r->held_before.n; i++)
		*rop_push(r->arena, &r->held) = r->held_before.at[i];
	r->want = ROP_WANT_OBSERVE;
}

const struct rop_step *rop_reconcile_steps(const struct rop_reconcile *r, size_t *ret_n)
{
	*ret_n = r->batch.steps.n;
	return r->batch.steps.at;
}

#define LOOK_AGES_MS 1000

static bool only_restores(const struct rop_reconcile *r)
{
	for (size_t i = 0; i < r->batch.steps.n; i++)
		if (r->batch.steps.at[i].expect.kind != ROP_STEP_RESTORE)
			return false;
	return true;
}

/* Slow networks and large clusters must still move: a look that takes long may be old for longer. */
int64_t rop_reconcile_send_by_ms(const struct rop_reconcile *r)
{
	const struct rop_observed *seen = r->now->seen;
	int64_t took = seen->began_ms ? seen->boot_ms - seen->began_ms : 0;
	int64_t by = (seen->began_ms ? seen->began_ms : seen->boot_ms) + LOOK_AGES_MS + 2 * took;
	if (only_restores(r))
		return 0;
	for (size_t i = 0; i < r->batch.steps.n; i++) /* what goes on has its deadline in its row */
		if (!r->batch.steps.at[i].goes_on && r->batch.steps.at[i].expect.deadline_boot_ms < by)
			by = r->batch.steps.at[i].expect.deadline_boot_ms;
	return by;
}

static size_t pending_at(const struct rop_reconcile *r, const struct rop_step *step)
{
	for (size_t i = r->pending.n; i-- > 0;)
		if (step->goes_on ? strcmp(r->pending.at[i].expect.subject, step->expect.subject) == 0
				  : r->pending.at[i].expect.id == step->expect.id)
			return i;
	return r->pending.n;
}

/* Keys were carried: it has as long again for the rest. */
static void note_carried(struct rop_step *pending, const struct rop_outcome *outcome, struct rop_clock clock)
{
	int64_t later = clock.boot_ms + rop_step_kind_deadline_ms(ROP_STEP_CARRY);
	if (outcome->keys > 0 && later > pending->expect.deadline_boot_ms)
		pending->expect.deadline_boot_ms = later;
}

bool rop_reconcile_sending(struct rop_reconcile *r, struct rop_clock clock)
{
	int64_t by = rop_reconcile_send_by_ms(r);
	if (!by || clock.boot_ms < by)
		return true;
	for (size_t i = 0; i < r->batch.steps.n; i++) {
		size_t at = pending_at(r, &r->batch.steps.at[i]);
		if (at < r->pending.n && !r->batch.steps.at[i].goes_on)
			pass_end_step(r, at, ROP_EXPECT_SUPERSEDED, "not sent: the look it rests on had grown old",
				      clock.boot_ms);
	}
	r->want = ROP_WANT_OBSERVE;
	return false;
}

#define IN_VAIN_MS 50

/* Once may be that others were quicker. To look again at once, time and again, would keep the servers from what they
 * need to come to an end with them. */
static void look_again(struct rop_reconcile *r, bool carries, int64_t keys)
{
	r->carried_in_vain = carries && !keys ? r->carried_in_vain + 1 : 0;
	r->sleep_ms = IN_VAIN_MS;
	r->want = r->carried_in_vain > 1 ? ROP_WANT_SLEEP : ROP_WANT_OBSERVE;
}

void rop_reconcile_sent(struct rop_reconcile *r, const struct rop_outcome *outcomes, struct rop_clock clock)
{
	bool carries = false;
	int64_t keys = 0;
	for (size_t i = 0; i < r->batch.steps.n; i++) {
		const struct rop_step *step = &r->batch.steps.at[i];
		carries |= step->expect.kind == ROP_STEP_CARRY;
		keys += outcomes[i].keys;
		size_t at = outcomes[i].sent == ROP_SENT_UNKNOWN ? r->pending.n : pending_at(r, step);
		if (at == r->pending.n)
			continue; /* no reply: what is seen decides */
		if (outcomes[i].sent == ROP_SENT_ERROR)
			pass_end_step(r, at, ROP_EXPECT_REFUSED, outcomes[i].text, clock.boot_ms);
		else if (step->expect.kind == ROP_STEP_PERSIST)
			pass_end_step(r, at, ROP_EXPECT_MET, outcomes[i].text, clock.boot_ms);
		else
			r->pending.at[at].expect.accepted = true;
		if (step->expect.kind == ROP_STEP_CARRY && outcomes[i].sent == ROP_SENT_OK)
			note_carried(&r->pending.at[at], &outcomes[i], clock);
		r->result.steps += rop_step_is_counted(step->expect.kind);
	}
	r->batches++;
	look_again(r, carries, keys);
}

int64_t rop_reconcile_sleep_ms(const struct rop_reconcile *r)
{
	return r->sleep_ms;
}

void rop_reconcile_woke(struct rop_reconcile *r)
{
	r->want = ROP_WANT_OBSERVE;
}

void rop_reconcile_stop(struct rop_reconcile *r, enum rop_code code, const char *why)
{
	if (r->want == ROP_WANT_DONE)
		return;
	if (r->stopping) { /* told twice: what is open stays so */
		r->finishing = false;
		say_stopped(r);
		return;
	}
	r->stop_why = rop_strdup(r->consent_arena, why);
	say_stopped(r);
	r->stopping = true;
	r->finishing = code != ROP_STALE && over_any_open(r);
	r->stop_code = code;
	r->stop_by_boot_ms = (r->now ? r->now->boot_ms
				     : r->idle_since_boot_ms) + /* before the first look: since the start */
			     (r->finishing ? FINISH_GRACE_MS : STOP_GRACE_MS);
	if (r->want == ROP_WANT_SLEEP)
		r->want = ROP_WANT_OBSERVE;
	if (!over_owes_restore(r) && !r->pending.n && !r->finishing && r->want == ROP_WANT_OBSERVE)
		finish(r, code);
}

/* ---- how it stands ----------------------------------------------------------------------------------------- */

const struct rop_situation *rop_reconcile_situation(const struct rop_reconcile *r)
{
	return r->now;
}

const char *rop_reconcile_state(const struct rop_reconcile *r)
{
	return r->options.machine->states[r->state].name;
}

bool rop_reconcile_converged(const struct rop_reconcile *r)
{
	return r->reached && r->now && rop_situation_converged(r->now);
}

bool rop_reconcile_paused(const struct rop_reconcile *r)
{
	return r->image.paused;
}

int64_t rop_reconcile_wish(const struct rop_reconcile *r)
{
	return r->image.wish.id;
}

int64_t rop_reconcile_drains_told(const struct rop_reconcile *r)
{
	return r->image.drains_told;
}

bool rop_reconcile_at_rest(const struct rop_reconcile *r)
{
	return r->want == ROP_WANT_SLEEP && r->options.machine->states[r->state].final && !r->pending.n &&
	       over_all_rows_wait(r);
}

void rop_reconcile_pause_changed(struct rop_reconcile *r, bool paused, int64_t until_wall_ms, const char *by)
{
	r->image.paused = paused;
	r->image.paused_until_wall_ms = until_wall_ms;
	if (!rop_streq(r->image.paused_by, by)) /* told again and again while it lasts */
		r->image.paused_by = rop_strdup(r->arena, by);
}

size_t rop_reconcile_bytes(const struct rop_reconcile *r)
{
	return rop_arena_bytes(r->arena);
}

struct rop_result rop_reconcile_result(const struct rop_reconcile *r)
{
	struct rop_result result = r->result;
	result.text = r->text.n ? r->text.at : "";
	return result;
}
