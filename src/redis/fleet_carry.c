/* fleet_carry.c - keys go from one node to another, batch by batch, for a while.
 *
 * The source does nothing else while it works on an exchange (carry_exchange.c): how long a batch took sizes the next
 * one (carry_pace.h). Between two exchanges a replica of the target must have all that the target was given, so that a
 * target that dies takes no more with it than the batch on its way. An error ends the carry, and is its outcome unless
 * keys were moved: then the next one tells.
 */
#include <string.h>

#include "carry.h"
#include "rop/loop.h"
#include "rop/text.h"

static void begin(struct carry *carry);
static void go_on(void *arg);

static int64_t now_us(void)
{
	return rop_boot_ms() * 1000;
}

/* The next one of the same source. */
static void begin_next(struct member *member)
{
	member->carrying = member->carrying->after;
	if (member->carrying)
		begin(member->carrying);
}

static void finish(struct carry *carry, bool answered, const char *why)
{
	struct errand *errand = carry->errand;
	struct rop_outcome *outcome = &errand->outcomes[carry->command];
	const char *error = carry->error ? carry->error : carry->large;
	*outcome = (struct rop_outcome){ .sent = ROP_SENT_OK, .keys = carry->moved };
	if (!answered && !carry->moved)
		*outcome = (struct rop_outcome){ .sent = ROP_SENT_UNKNOWN, .text = why };
	else if (error && !carry->moved)
		*outcome = (struct rop_outcome){ .sent = ROP_SENT_ERROR, .text = error };
	errand->fleet->members[carry->node].carried_per_ms = carry->pace.per_ms;
	begin_next(&errand->fleet->members[carry->node]);
	errand_let_go(errand);
}

/* What a batch took, and when the next one may go. */
static void take_pace(struct carry *carry)
{
	struct rop_fleet *fleet = carry->errand->fleet;
	struct member *member = &fleet->members[carry->node];
	int64_t now = now_us(), us = carry->batch_us > 0 ? carry->batch_us : now - carry->exchange_began_us;
	if (!carry->batch)
		return;
	carry_pace_took(&carry->pace, carry->weight, us);
	member->rest_until_us = now + us * carry->wanted.rests;
	fleet->keys_not_before_us = carry_rate_next_us(fleet->keys_not_before_us, now, (int64_t)carry->batch,
						       carry->wanted.rate);
}

static void carry_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct carry *carry = job->carry;
	struct rop_arena *arena = carry->errand->arena;
	if (verdict->reach != ROP_REACH_OK && !sent && !carry->error)
		carry->error = rop_printf(arena, "not sent: %s", verdict->why);
	rop_text_done(&job->wire);
	take_pace(carry);
	if (verdict->reach != ROP_REACH_OK)
		finish(carry, !sent, rop_strdup(arena, verdict->why));
	else if (carry->error || rop_boot_ms() - carry->began_ms >= carry->wanted.for_ms)
		finish(carry, true, NULL);
	else
		go_on(carry);
	job_over(job);
}

static void exchange(struct carry *carry)
{
	struct job *job = job_new(carry->errand, carry->node);
	job->carry = carry;
	job->exchange.careful = true;
	job->exchange.limit = carry_limit;
	job->exchange.reply = carry_reply;
	job->exchange.end = carry_end;
	carry->job = job;
	stock_tidy(&carry->stock);
	if (!carry_write(carry)) {
		rop_text_done(&job->wire);
		finish(carry, true, NULL);
		return;
	}
	carry->exchange_began_us = now_us();
	job_enqueue(job);
	errand_begin(carry->errand);
}

static void witnessed(void *arg, const char *why)
{
	struct carry *carry = arg;
	if (!why) {
		carry->unwitnessed = false;
		go_on(carry);
		return;
	}
	carry->error = why;
	finish(carry, true, NULL);
}

static bool has_measured(const struct carry *carry)
{
	for (const struct stock_slot *slot = carry->stock.first; slot; slot = slot->after)
		if (slot->next < slot->measured)
			return true;
	return false;
}

/* The next batch, as soon as it may go. */
static void go_on(void *arg)
{
	struct carry *carry = arg;
	const struct rop_fleet *fleet = carry->errand->fleet;
	int64_t now = now_us(), at = fleet->members[carry->node].rest_until_us;
	if (fleet->keys_not_before_us > at)
		at = fleet->keys_not_before_us;
	if (!has_measured(carry)) {
		exchange(carry);
	} else if (carry->unwitnessed && carry->wanted.n_witnesses) {
		witnesses_ask(carry->errand, &(struct witnesses){ .primary = (size_t)carry->wanted.to,
								  .nodes = carry->wanted.witnesses,
								  .n = carry->wanted.n_witnesses,
								  .done = witnessed,
								  .arg = carry });
	} else if (rop_boot_ms() - carry->began_ms >= carry->wanted.for_ms) {
		finish(carry, true, NULL);
	} else if (at > now) {
		rop_timer_start(carry->timer, (at - now + 999) / 1000);
	} else {
		exchange(carry);
	}
}

static void begin(struct carry *carry)
{
	int64_t learnt = carry->errand->fleet->members[carry->node].carried_per_ms;
	if (learnt)
		carry->pace.per_ms = learnt;
	exchange(carry);
}

void carry_enqueue(struct errand *errand, size_t command, size_t node, const struct rop_carry *wanted)
{
	struct rop_fleet *fleet = errand->fleet;
	struct rop_slots slots;
	if (wanted->to < 0 || (size_t)wanted->to >= fleet->n || !fleet->members[wanted->to].endpoint.ip ||
	    !rop_slots_parse(wanted->slots, &slots)) {
		errand->outcomes[command] = (struct rop_outcome){ .sent = ROP_SENT_ERROR,
								  .text = "not sent: nobody can take the keys" };
		return;
	}
	struct carry *carry = rop_alloc(errand->own, sizeof *carry);
	carry->errand = errand;
	carry->command = command;
	carry->node = node;
	carry->wanted = *wanted;
	int *witnesses = rop_alloc_n(errand->own, wanted->n_witnesses + 1, sizeof *witnesses);
	for (size_t i = 0; i < wanted->n_witnesses; i++)
		witnesses[i] = wanted->witnesses[i];
	carry->wanted.witnesses = witnesses;
	carry->began_ms = rop_boot_ms();
	carry->unwitnessed = true; /* what an earlier one sent last */
	carry->timer = errand_timer(errand, go_on, carry);
	stock_init(&carry->stock, errand->own, &slots, wanted->databases);
	carry_pace_init(&carry->pace, wanted->stall_ms * 1000, wanted->rests > 0);
	errand_hold(errand);
	struct carry **last = &fleet->members[node].carrying;
	while (*last)
		last = &(*last)->after;
	*last = carry;
	if (fleet->members[node].carrying == carry)
		begin(carry);
}
