/* over.c - is a run over, or what does it wait for still? Of what the reconciler knows; nothing is changed here. */
#include "over.h"

#include "rop/takeover.h"

/* In a plan the world answers at once: what has not come after some looks does not come without something else, unless
 * an expectation that an earlier process left is still to expire. */
#define IDLE_PASSES_PREDICTED 8
#define IDLE_PASSES_LOST 3 /* what nobody has any more, nobody brings back in the next look */

bool over_is_foreseen(const struct rop_reconcile *r)
{
	return r->options.predict && r->idle_passes > IDLE_PASSES_PREDICTED && !r->pending.n;
}

/* A temporary setting that could not be put back at once is tried again before this ends. */
bool over_restores_later(const struct rop_reconcile *r)
{
	return r->now->temporaries_in_force && rop_tries_next_ms(r->tries, r->now->boot_ms) != INT64_MAX;
}

/* It was stopped by something that was seen (a node that did not answer, say), and by the time that it could end that
 * has passed: there is nothing to tell any more, and the machine goes on. */
bool over_has_passed(const struct rop_reconcile *r)
{
	return r->now->finding_gone && !r->now->paused && !r->options.predict;
}

bool over_all_rows_wait(const struct rop_reconcile *r)
{
	for (size_t i = 0; i < r->image.temporaries.n; i++)
		if (!r->now || !rop_temporary_waits(r->now, &r->image.temporaries.at[i]))
			return false;
	return true;
}

/* Told to stop: is there something that may have to go back then? */
bool over_owes_restore(const struct rop_reconcile *r)
{
	return r->image.temporaries.n || (r->now && r->now->temporaries_in_force);
}

/* Left as it is for a step that this run will not come to: the run is about to end. */
bool over_waits_in_vain(const struct rop_reconcile *r)
{
	struct rop_situation at_end = *r->now;
	at_end.ends = true;
	for (size_t i = 0; i < r->image.temporaries.n; i++)
		if (rop_temporary_waits(r->now, &r->image.temporaries.at[i]) &&
		    !rop_temporary_waits(&at_end, &r->image.temporaries.at[i]))
			return true;
	return false;
}

/* Slots that were opened here, and are on their way. */
bool over_any_open(const struct rop_reconcile *r)
{
	for (size_t i = 0; r->now && i < r->now->migrations.n; i++)
		if (r->now->migrations.at[i].open && r->now->migrations.at[i].ours)
			return true;
	return false;
}

/* What was to be seen through is, or time is up. */
bool over_has_stopped(const struct rop_reconcile *r)
{
	const struct rop_situation *now = r->now;
	bool goes_on = r->finishing && over_any_open(r) && now->in_view && !now->paused && !now->refused;
	return now->boot_ms >= r->stop_by_boot_ms || (!r->pending.n && !over_restores_later(r) && !goes_on);
}

#define DOUBTS_MAX 12

/* Two servers may have one identity. A run that had nothing to do says so only of looks that do not speak for it; one
 * of them that showed both is not forgotten because the next one does not. */
bool over_is_doubted(struct rop_reconcile *r)
{
	if (r->options.predict || r->batches || (r->image.wish.id && r->options.only_wish))
		return false;
	if (rop_situation_is_doubted(r->now))
		return true;
	return rop_observed_may_be_torn(r->now->seen) && r->doubts++ < DOUBTS_MAX;
}

/* Nobody is left who has a shard's slots: that is not over by itself, and all else has been done. */
bool over_waits_for_a_person(const struct rop_reconcile *r)
{
	return r->now->lost.list.n > 0 && r->idle_passes > IDLE_PASSES_LOST && !r->options.predict;
}

#define HELD_MS 10000 /* what keeps a host from being stopped may pass within that */

/* Whoever runs this for drains alone has nothing to wait for: they may be stopped, or something keeps them that does
 * not pass. */
bool over_is_drained(const struct rop_reconcile *r)
{
	const struct rop_situation *now = r->now;
	bool held = false;
	if (r->image.wish.id || r->pending.n || r->batch.wish_begin.shard)
		return false;
	for (size_t i = 0; i < now->drains.n; i++)
		held |= now->drains.at[i].holds != NULL;
	if (r->options.predict)
		return !held || r->idle_passes > IDLE_PASSES_LOST;
	return !held || now->boot_ms - r->idle_since_boot_ms >= HELD_MS;
}

/* Who is silent is expected to be, what is optional waits, and all else is as declared. */
bool over_rests_for_a_drain(const struct rop_reconcile *r)
{
	return !r->pending.n && !r->image.wish.id && r->idle_passes > IDLE_PASSES_LOST &&
	       rop_situation_waits_for_drain(r->now);
}

bool over_takeover(const struct rop_reconcile *r, enum rop_code *ret_code)
{
	const struct rop_takeover *t = r->now->takeover;
	bool final = r->options.machine->states[r->state].final;
	if (!t || r->pending.n || r->now->paused)
		return false;
	if (t->confirmed)
		*ret_code = ROP_OK;
	else if (t->done) /* the others hear of it in a moment, or do not */
		*ret_code = ROP_TIMEOUT;
	else if (t->barred)
		*ret_code = t->code;
	else
		*ret_code = r->now->takeover_due ? ROP_FAIL : ROP_STALE;
	return t->confirmed || final || (t->barred && !t->done);
}
