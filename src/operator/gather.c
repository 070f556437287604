/* gather.c - what one pass has to be written down, in one entry of the journal: before anything of it is sent. */
#include <string.h>

#include "pass.h"
#include "rop/text.h"

#define LINGER_MS 1000          /* not as declared for so long, without a word in the journal: it gets one */
#define DEADLINE_ROUND_TRIPS 10 /* a MEET is answered, greeted back and told of: some six of them */
#define DEADLINE_MS_PER_NODE 20 /* one node handles N MEETs, and N nodes share the machine that they are on */

static void take_expectations(struct rop_reconcile *r, struct rop_clock clock)
{
	for (size_t i = 0; i < r->batch.steps.n; i++) {
		struct rop_step *step = &r->batch.steps.at[i];
		struct rop_expect *e = &step->expect;
		rop_step_describe(r->pass, r->now->seen, step);
		if (step->goes_on) /* it is written already */
			continue;
		e->issued_wall_ms = clock.wall_ms;
		e->issued_boot_ms = clock.boot_ms;
		/* One node handles N MEETs, and N nodes share the machine that they are on: more nodes, more time. */
		e->deadline_boot_ms = clock.boot_ms + rop_step_kind_deadline_ms(e->kind) +
				      DEADLINE_MS_PER_NODE * (int64_t)r->now->seen->n +
				      DEADLINE_ROUND_TRIPS * rop_observed_rtt_ms(r->now->seen);
		e->status = ROP_EXPECT_PENDING;
		*rop_push(r->pass, &r->entry.expects) = *e;
		if (e->kind == ROP_STEP_LOWER) {
			struct rop_temporary t = {
				.address = e->address, .name = e->name, .original = e->was, .temporary = e->value
			};
			memcpy(t.node, e->node, ROP_ID_SIZE);
			memcpy(t.peer, e->peer, ROP_ID_SIZE);
			*rop_push(r->pass, &r->entry.temporaries_set) = t;
		}
	}
}

/* Slots begin to be moved, or are where they should be. */
static void take_moving(struct rop_reconcile *r)
{
	bool moving = r->moving;
	for (size_t i = 0; i < r->batch.steps.n; i++)
		moving |= r->batch.steps.at[i].expect.kind == ROP_STEP_IMPORT && r->now->slots_to_move > 0;
	for (size_t i = 0; i < r->batch.steps.n && !moving; i++)
		moving = r->batch.steps.at[i].expect.kind == ROP_STEP_MOVE;
	if (moving != r->image.moving)
		r->entry.moving = moving ? ROP_TRUE : ROP_FALSE;
}

static int shard_number(const struct rop_situation *now, size_t node) /* 0: of none */
{
	int shard = now->layout.shard_of[node];
	return shard < 0 ? 0 : now->layout.shards[shard].number;
}

/* Of a node that is declared by name. */
static const char *ip_to_remember(const struct rop_reconcile *r, size_t node)
{
	const char *host = r->options.topology->nodes.at[node].host, *ip = r->now->seen->nodes[node].ip;
	return ip && strcmp(host, ip) != 0 ? ip : NULL;
}

static struct rop_member member_of(const struct rop_reconcile *r, size_t node)
{
	struct rop_member member = { .address = r->now->seen->nodes[node].address,
				     .shard = shard_number(r->now, node),
				     .ip = ip_to_remember(r, node) };
	memcpy(member.node, r->now->seen->nodes[node].id, ROP_ID_SIZE);
	return member;
}

static const struct rop_member *find_member(const struct rop_reconcile *r, const char *id)
{
	for (size_t m = 0; m < r->image.members.n; m++)
		if (strcmp(r->image.members.at[m].node, id) == 0)
			return &r->image.members.at[m];
	return NULL;
}

static const struct rop_retirement *find_retirement(const struct rop_reconcile *r, const char *id)
{
	for (size_t i = 0; i < r->now->retirements.n; i++)
		if (strcmp(r->now->retirements.at[i].id, id) == 0)
			return &r->now->retirements.at[i];
	return NULL;
}

static bool is_struck(const struct rop_reconcile *r, const char *id)
{
	for (size_t i = 0; i < r->batch.struck.n; i++)
		if (strcmp(r->batch.struck.at[i], id) == 0)
			return true;
	return false;
}

/* Those that leave stay members until they are struck off: who forgot them, and since when, is known by that. One that
 * is declared anew at another address has its row there. */
static void gather_leaving(struct rop_reconcile *r, const struct rop_member *before)
{
	const struct rop_retirement *leaves = find_retirement(r, before->node);
	for (size_t i = 0; i < r->entry.members.n; i++)
		if (strcmp(r->entry.members.at[i].node, before->node) == 0)
			return;
	if (!leaves || is_struck(r, before->node))
		return;
	struct rop_member *member = rop_push(r->pass, &r->entry.members);
	*member = *before;
	if (leaves->listed || !leaves->alone)
		member->forgotten_boot_ms = 0;
	else if (!member->forgotten_boot_ms)
		member->forgotten_boot_ms = r->now->boot_ms;
}

static bool members_differ(const struct rop_reconcile *r)
{
	if (r->image.members.n != r->entry.members.n)
		return true;
	for (size_t i = 0; i < r->entry.members.n; i++) {
		const struct rop_member *member = &r->entry.members.at[i], *before = find_member(r, member->node);
		if (!before || member->shard != before->shard || !rop_streq(member->ip, before->ip) ||
		    !rop_streq(member->address, before->address) ||
		    member->forgotten_boot_ms != before->forgotten_boot_ms)
			return true;
	}
	return false;
}

/* Not one that has left from there, and is only watched. */
static bool is_member_at(const struct rop_reconcile *r, const char *address)
{
	for (size_t m = 0; m < r->image.members.n; m++)
		if (strcmp(r->image.members.at[m].address, address) == 0 && !r->image.members.at[m].forgotten_boot_ms)
			return true;
	return false;
}

/* Taken in on the way to what is declared: a file that does not name it any more is one that it leaves. Where another
 * one was a member, that one's row is needed still. */
static bool was_taken_in(const struct rop_reconcile *r, size_t i)
{
	const struct rop_observed *seen = r->now->seen;
	const struct rop_node *node = &seen->nodes[i];
	if (!r->image.formed_wall_ms || !rop_node_answers(node) || find_member(r, node->id) ||
	    is_member_at(r, node->address))
		return false;
	for (size_t v = 0; v < seen->n; v++)
		if (v != i && rop_answers(seen, v) && find_member(r, seen->nodes[v].id) &&
		    rop_bit(seen, seen->known, v, i) && rop_bit(seen, seen->known, i, v))
			return true;
	return false;
}

/* The members are those that are declared, once all is as declared; until then those that were and those that were
 * taken in since, and in any case those that leave. */
static void take_members(struct rop_reconcile *r)
{
	const struct rop_image *image = &r->image;
	size_t staying = r->now->seen->asked - r->now->seen->n_leaving;
	bool newcomers = false;
	for (size_t i = 0; i < staying && !newcomers && !r->batch.reached; i++)
		newcomers = was_taken_in(r, i);
	if (!r->batch.reached && !r->now->retirements.n && !newcomers)
		return;
	for (size_t i = 0; r->batch.reached && i < staying; i++)
		*rop_push(r->pass, &r->entry.members) = member_of(r, i);
	for (size_t m = 0; !r->batch.reached && m < image->members.n; m++)
		if (!find_retirement(r, image->members.at[m].node))
			*rop_push(r->pass, &r->entry.members) = image->members.at[m];
	for (size_t i = 0; !r->batch.reached && i < staying; i++)
		if (was_taken_in(r, i))
			*rop_push(r->pass, &r->entry.members) = member_of(r, i);
	for (size_t m = 0; m < image->members.n; m++)
		gather_leaving(r, &image->members.at[m]);
	r->entry.members_changed = members_differ(r);
	if (!r->entry.members_changed)
		r->entry.members.n = 0;
}

static void take_reached(struct rop_reconcile *r)
{
	if (r->batch.reached && r->image.reached_revision != r->options.revision)
		r->entry.reached_revision = r->options.revision;
	if (r->now->formed && r->now->all_answer && !r->image.formed_wall_ms)
		r->entry.formed = true;
	take_members(r);
}

static bool at_rest(const struct rop_reconcile *r)
{
	return r->rests && r->options.machine->states[r->state].final;
}

/* On its way for a while, neither there nor at rest: what people look at is brought up to date meanwhile. */
static bool lingers(const struct rop_reconcile *r)
{
	return !r->options.predict && r->now->boot_ms - r->unwritten_since_boot_ms >= LINGER_MS &&
	       !rop_situation_converged(r->now);
}

/* What stood in the way without a reason that can be seen (it took too long, a step failed too often) stands there
 * until something is done about it or the machine rests elsewhere: trying again what fails again is no news. */
static bool still_stuck(const struct rop_reconcile *r)
{
	const struct rop_condition *blocked = &r->image.conditions[ROP_COND_BLOCKED];
	return blocked->status == ROP_TRUE && rop_streq(blocked->reason, ROP_REASON_STUCK) && !r->batch.steps.n &&
	       !rop_situation_converged(r->now);
}

/* Conditions follow the situation; they cause a commit of their own only where the machine rests or lingers, and only
 * when a status or a reason changes: messages may count seconds. */
static void take_conditions(struct rop_reconcile *r)
{
	bool final = at_rest(r), changed = false;
	if (rop_entry_empty(&r->entry) && !final && !lingers(r))
		return;
	if (!rop_situation_converged(r->now))
		rop_situation_open(r->now); /* which of it is said */
	/* A new process looks twice before it says so; what was converged and looks so still is not unsaid meanwhile.
	 */
	bool said = final ? r->reached : r->image.conditions[ROP_COND_CONVERGED].status == ROP_TRUE;
	rop_conditions_make(r->now, said && rop_situation_converged(r->now), final ? r->reported : still_stuck(r),
			    r->entry.conditions);
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		changed |= r->entry.conditions[i].status != r->image.conditions[i].status ||
			   !rop_streq(r->entry.conditions[i].reason, r->image.conditions[i].reason);
	r->entry.conditions_changed = changed;
}

/* The held transitions go with whatever is to be written, or by themselves where they led somewhere else. From its
 * first step until it rests again every move to where it has not been yet is written at once, so that a crash leaves
 * word of how far it came; and a one-shot run that lingers leaves word of it, because nobody else will. */
static void take_held(struct rop_reconcile *r)
{
	const char *state = r->options.machine->states[r->state].name;
	bool elsewhere = !rop_streq(r->image.state, state);
	bool tells = r->held.n && r->held_news && (r->at_work || (!r->options.keep && lingers(r)));
	if (at_rest(r) && !r->pending.n)
		r->at_work = false;
	if (rop_entry_empty(&r->entry) && !(at_rest(r) && elsewhere) && !tells) {
		if (at_rest(r)) {
			r->held.n = 0;
			r->held_news = false;
		}
		return;
	}
	for (size_t i = 0; i < r->held.n; i++)
		*rop_push(r->pass, &r->entry.transitions) = moves_transition(r, r->held.at[i]);
	if (elsewhere) {
		r->entry.state = state;
		r->entry.state_entered = true;
	}
}

/* What was set for a while on a node that has left for good is nobody's any more. */
static void drop_temporaries_of_struck(struct rop_reconcile *r)
{
	for (size_t i = r->image.temporaries.n; i-- > 0;) {
		struct rop_temporary *t = &r->image.temporaries.at[i];
		if (!is_struck(r, t->node))
			continue;
		*rop_push(r->arena, &r->gone) = *t;
		*t = r->image.temporaries.at[--r->image.temporaries.n];
	}
}

void gather_entry(struct rop_reconcile *r, struct rop_clock clock)
{
	r->entry.wall_ms = clock.wall_ms;
	r->entry.boot_ms = clock.boot_ms;
	r->entry.boot_id = r->options.boot_id;
	r->entry.pid = r->options.pid;
	drop_temporaries_of_struck(r);
	for (size_t i = 0; i < r->ended.n; i++)
		*rop_push(r->pass, &r->entry.resolutions) = r->ended.at[i];
	for (size_t i = 0; i < r->gone.n; i++)
		*rop_push(r->pass, &r->entry.temporaries_gone) = r->gone.at[i];
	r->entry.wish = r->image.wish.id;
	r->entry.wish_end = r->batch.wish_end;
	r->entry.wish_begin = r->batch.wish_begin;
	r->entry.drains_told = r->image.drains_told;
	take_expectations(r, clock);
	take_moving(r);
	take_reached(r);
	holders_take(r);
	take_conditions(r);
	for (size_t i = 0; i < r->child_moves.n; i++)
		*rop_push(r->pass, &r->entry.transitions) = r->child_moves.at[i];
	take_held(r);
	holders_refresh(r);
	r->entry.ignore_pause = r->now->paused || r->stopping || (!r->batch.steps.n && !r->batch.wish_begin.shard);
}
