/* pass.c - one pass: match expectations with what is seen, run the machine, gather what is to be written and sent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pass.h"
#include "rop/text.h"

#define RECONCILE_SUBJECT "cluster"
#define HELD_MAX 64          /* transitions held in memory: so many are worth writing, whatever comes of them */
#define LINGER_MS 1000       /* not as declared for so long, without a word in the journal: it gets one */
#define TROUBLE_LOOK_MS 5000 /* where something may heal, it is seen within that time */

/* ---- expectations ------------------------------------------------------------------------------------------ */

void pass_end_step(struct rop_reconcile *r, size_t at, enum rop_expect_status status, const char *note, int64_t boot_ms)
{
	struct rop_step *step = &r->pending.at[at];
	step->expect.status = status;
	step->expect.note = rop_strdup(r->arena, note);
	*rop_push(r->arena, &r->ended) = (struct rop_resolution){ .id = step->expect.id,
								  .status = status,
								  .note = step->expect.note };
	rop_tries_ended(r->tries, &step->expect, status, boot_ms);
	if (r->options.on_step)
		r->options.on_step(r->options.arg, step, status, note);
	r->pending.at[at] = r->pending.at[--r->pending.n];
}

/* What a server made of the value that it took: `hz 1000` is shown as 500, `KEA` as AKE. Answered with OK, and the same
 * in two looks: that is as near as it comes. */
static const char *kept_as(struct rop_reconcile *r, struct rop_expect *e, const struct rop_observed *seen)
{
	int node = rop_observed_find(seen, e->node), at = e->name ? rop_observed_setting(seen, e->name) : -1;
	const char *value = node < 0 || at < 0 ? NULL : seen->nodes[node].settings[at];
	if (e->kind != ROP_STEP_SETTING || !e->accepted || !value)
		return NULL;
	if (rop_streq(e->shown, value))
		return rop_printf(r->arena, ROP_KEPT_AS "%s", value);
	e->shown = rop_strdup(r->arena, value);
	return NULL;
}

static void remember_kept(struct rop_reconcile *r, const struct rop_expect *e, const char *note)
{
	struct rop_expect *tried = NULL;
	for (size_t i = 0; !tried && i < r->image.tried.n; i++)
		if (strcmp(r->image.tried.at[i].node, e->node) == 0 && strcmp(r->image.tried.at[i].name, e->name) == 0)
			tried = &r->image.tried.at[i];
	if (!tried)
		tried = rop_push(r->arena, &r->image.tried);
	*tried = *e;
	tried->status = ROP_EXPECT_MET;
	tried->note = note;
}

static void match_pending(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	for (size_t i = r->pending.n; i-- > 0;) {
		struct rop_expect *expect = &r->pending.at[i].expect;
		const char *kept;
		if (rop_expect_seen(expect, seen))
			pass_end_step(r, i, ROP_EXPECT_MET, NULL, clock.boot_ms);
		else if ((kept = kept_as(r, expect, seen))) {
			remember_kept(r, expect, kept);
			pass_end_step(r, i, ROP_EXPECT_MET, kept, clock.boot_ms);
		} else if (clock.boot_ms >= expect->deadline_boot_ms)
			pass_end_step(r, i, ROP_EXPECT_EXPIRED, "its effect was not seen in time", clock.boot_ms);
	}
}

static bool subject_is_pending(const struct rop_reconcile *r, const struct rop_temporary *t)
{
	for (size_t i = 0; i < r->pending.n; i++) {
		const struct rop_expect *e = &r->pending.at[i].expect;
		if (e->name && strcmp(e->name, t->name) == 0 && strcmp(e->node, t->node) == 0)
			return true;
	}
	return false;
}

/* A temporary setting is over when its node shows another value: ours put back, or a person's own. */
static void match_temporaries(struct rop_reconcile *r, const struct rop_observed *seen)
{
	for (size_t i = r->image.temporaries.n; i-- > 0;) {
		struct rop_temporary *t = &r->image.temporaries.at[i];
		int node = rop_observed_find(seen, t->node), at = rop_observed_setting(seen, t->name);
		const char *value = node < 0 || at < 0 || !rop_node_answers(&seen->nodes[node])
					    ? NULL
					    : seen->nodes[node].settings[at];
		if (!value || strcmp(value, t->temporary) == 0 || subject_is_pending(r, t))
			continue;
		*rop_push(r->arena, &r->gone) = *t;
		r->image.temporaries.at[i] = r->image.temporaries.at[--r->image.temporaries.n];
	}
}

/* ---- the machine ------------------------------------------------------------------------------------------- */

static struct rop_clock_in_state clock_in_state(const struct rop_reconcile *r, struct rop_clock clock)
{
	int64_t in_state = clock.boot_ms - r->state_since_boot_ms;
	return (struct rop_clock_in_state){ .in_state_ms = in_state > 0 ? in_state : 0,
					    .n_subjects = r->options.topology->nodes.n };
}

static struct rop_transition transition_of(const struct rop_reconcile *r, const struct rop_row *row)
{
	const struct rop_machine *m = r->options.machine;
	return (struct rop_transition){
		.machine = m->name,
		.digest = m->digest,
		.subject = RECONCILE_SUBJECT,
		.from = m->states[row->from].name,
		.to = m->states[row->to].name,
		.row = rop_printf(r->pass, "%s#%d", m->states[row->from].name, row->number),
		.why = row->why,
	};
}

/* Told at once; written when it is known that something comes of it. */
static void record_transition(struct rop_reconcile *r, const struct rop_row *row)
{
	if (!r->held.n)
		r->unwritten_since_boot_ms = r->now->boot_ms;
	*rop_push(r->arena, &r->held) = row;
	r->result.transitions++;
	if (r->options.on_transition) {
		struct rop_transition t = transition_of(r, row);
		r->options.on_transition(r->options.arg, &t);
	}
}

static void enter(struct rop_reconcile *r, int state, struct rop_clock clock)
{
	r->state = state;
	r->state_since_boot_ms = clock.boot_ms;
	r->reached = false; /* elsewhere it is not: from Ready a lost node leads to Degraded, which is final too */
	if (!r->options.machine->states[state].final)
		r->reported = false;
}

struct taking {
	struct rop_reconcile *r;
	struct rop_clock clock;
};

/* Rows are taken until one asks for commands, or one leads back without asking for anything: it rests. */
static bool take_row(void *arg, const struct rop_state *state, const struct rop_row *row)
{
	struct taking *taking = arg;
	struct rop_reconcile *r = taking->r;
	if (!row) { /* a final state that no row leaves */
		r->rests = true;
		return false;
	}
	size_t steps = r->batch.steps.n;
	bool told = r->batch.report, reached = r->batch.reached;
	r->batch.report = r->batch.reached = false;
	r->batch.state = state->name;
	r->batch.why = row->why;
	rop_row_plan(row, r->now, &r->batch);
	bool acted = r->batch.steps.n > steps;
	if (row->to != row->from || acted)
		record_transition(r, row);
	if (row->to != row->from)
		enter(r, row->to, taking->clock);
	if (r->batch.report) {
		r->reported_finding = r->now->findings.n > 0;
		r->now->finding_gone = false; /* what was told before that */
	}
	r->reported |= r->batch.report;
	r->reached |= r->batch.reached;
	r->batch.report |= told;
	r->batch.reached |= reached;
	r->rests |= !acted && row->to == row->from;
	return !acted;
}

static void run_machine(struct rop_reconcile *r, struct rop_clock clock)
{
	const struct rop_machine *m = r->options.machine;
	struct taking taking = { .r = r, .clock = clock };
	const struct rop_walk walk = { .visit = take_row, .arg = &taking };
	if (rop_machine_walk(m, r->state, r->now, clock_in_state(r, clock), &walk))
		return;
	r->reported = r->rests = true;
	r->reported_finding = false;
	rop_text_done(&r->text);
	rop_text_add(&r->text, "machine '%s' does not come to rest in state %s", m->name, m->states[r->state].name);
	r->result.code = ROP_INTERNAL;
}

/* ---- what is to be written --------------------------------------------------------------------------------- */

static void take_expectations(struct rop_reconcile *r, struct rop_clock clock)
{
	for (size_t i = 0; i < r->batch.steps.n; i++) {
		struct rop_step *step = &r->batch.steps.at[i];
		struct rop_expect *e = &step->expect;
		rop_step_describe(r->pass, r->now->seen, step);
		e->issued_wall_ms = clock.wall_ms;
		e->issued_boot_ms = clock.boot_ms;
		/* One node handles N MEETs, and N nodes share the machine that they are on: more nodes, more time. */
		e->deadline_boot_ms = clock.boot_ms + rop_step_kind_deadline_ms(e->kind) +
				      20 * (int64_t)r->now->seen->n;
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

static int shard_number(const struct rop_situation *now, size_t node) /* 0: of none */
{
	int shard = now->layout.shard_of[node];
	return shard < 0 ? 0 : now->layout.shards[shard].number;
}

static bool members_differ(const struct rop_reconcile *r)
{
	const struct rop_observed *seen = r->now->seen;
	if (r->image.members.n != seen->n)
		return true;
	for (size_t i = 0; i < seen->n; i++)
		if (strcmp(r->image.members.at[i].node, seen->nodes[i].id) != 0 ||
		    r->image.members.at[i].shard != shard_number(r->now, i))
			return true;
	return false;
}

static void take_reached(struct rop_reconcile *r)
{
	if (r->batch.reached && r->image.reached_revision != r->options.revision)
		r->entry.reached_revision = r->options.revision;
	if (r->now->formed && r->now->all_answer && !r->image.formed_wall_ms)
		r->entry.formed = true;
	if (!r->batch.reached || !members_differ(r))
		return;
	r->entry.members_changed = true;
	for (size_t i = 0; i < r->now->seen->n; i++) {
		struct rop_member *member = rop_push(r->pass, &r->entry.members);
		memcpy(member->node, r->now->seen->nodes[i].id, ROP_ID_SIZE);
		member->address = r->now->seen->nodes[i].address;
		member->shard = shard_number(r->now, i);
	}
}

/* ---- who has which data ------------------------------------------------------------------------------------ */

struct holders { /* what is seen of them, for one pass */
	const struct rop_reconcile *r;
	const struct rop_observed *seen;
	struct rop_slots contested; /* claimed by more than one */
	struct rop_slots led; /* of owners that answer and are alone in their claim: that is known, not remembered */
};

static bool answers(const struct holders *h, size_t i)
{
	return rop_node_answers(&h->seen->nodes[i]);
}

static bool leads(const struct holders *h, size_t i)
{
	const struct rop_slots *slots = &h->seen->nodes[i].slots;
	return !rop_slots_empty(slots) && !rop_slots_meet(slots, &h->contested);
}

static struct holders find_holders(const struct rop_reconcile *r)
{
	struct holders h = { .r = r, .seen = r->now->seen };
	struct rop_slots once = { 0 };
	for (size_t i = 0; i < h.seen->n; i++) {
		const struct rop_slots *slots = &h.seen->nodes[i].slots;
		for (size_t w = 0; w < ROP_SLOTS / 64; w++)
			h.contested.bits[w] |= once.bits[w] & slots->bits[w];
		rop_slots_join(&once, slots);
	}
	for (size_t i = 0; i < h.seen->n; i++)
		if (answers(&h, i) && leads(&h, i))
			rop_slots_join(&h.led, &h.seen->nodes[i].slots);
	return h;
}

static struct rop_copy_memory copy_seen(const struct holders *h, size_t i, bool led)
{
	const struct rop_node *node = &h->seen->nodes[i];
	struct rop_copy_memory copy = { .address = node->address, .led = led, .offset = -1, .keys = -1 };
	memcpy(copy.node, node->id, ROP_ID_SIZE);
	if (!answers(h, i)) /* others told of it: nothing more is known */
		return copy;
	copy.offset = node->offset < 0 ? -1 : node->offset;
	copy.keys = node->keys < 0 ? -1 : node->keys;
	copy.seen_wall_ms = h->r->now->wall_ms;
	return copy;
}

static bool has_copy(const struct rop_shard_memory *shard, const char *node)
{
	for (size_t c = 0; c < shard->copies.n; c++)
		if (strcmp(shard->copies.at[c].node, node) == 0)
			return true;
	return false;
}

static bool follows(const struct holders *h, size_t i, size_t primary)
{
	const struct rop_node *node = &h->seen->nodes[i];
	return answers(h, i) && node->role == ROP_ROLE_REPLICA && node->primary == (int)primary && !node->syncing;
}

/* What a copy had it has until something else is seen of it: a node that is silent may come back with its data, a
 * replica that has lost its link has what it had. One that leads, follows somebody else or is being filled anew is none
 * any more; nor is one whose address is declared no longer, or answers as another node. */
static bool may_still_have_it(const struct holders *h, const struct rop_copy_memory *copy, size_t primary)
{
	int node = rop_observed_find(h->seen, copy->node);
	if (node >= 0)
		return !answers(h, (size_t)node) || follows(h, (size_t)node, primary);
	for (size_t i = 0; i < h->seen->n; i++)
		if (rop_streq(h->seen->nodes[i].address, copy->address))
			return !answers(h, i);
	return false;
}

static const struct rop_shard_memory *remembered_shard(const struct rop_reconcile *r, int number)
{
	for (size_t s = 0; s < r->image.shards.n; s++)
		if (r->image.shards.at[s].number == number)
			return &r->image.shards.at[s];
	return NULL;
}

/* Of what a shard had, the slots that nobody who answers leads now: it is the one that had them last. */
static struct rop_slots slots_left(const struct holders *h, const struct rop_shard_memory *before)
{
	struct rop_slots left = { 0 };
	if (!before || !rop_slots_parse(before->slots, &left))
		return left;
	for (size_t w = 0; w < ROP_SLOTS / 64; w++)
		left.bits[w] &= ~h->led.bits[w];
	return left;
}

static void take_copies(const struct holders *h, struct rop_shard_memory *shard, size_t primary,
			const struct rop_shard_memory *before)
{
	struct rop_arena *pass = h->r->pass;
	*rop_push(pass, &shard->copies) = copy_seen(h, primary, true);
	for (size_t i = 0; i < h->seen->n; i++)
		if (follows(h, i, primary) && h->seen->nodes[i].link_up &&
		    rop_bit(h->seen, h->seen->online, primary, i) && !has_copy(shard, h->seen->nodes[i].id))
			*rop_push(pass, &shard->copies) = copy_seen(h, i, false);
	for (size_t c = 0; before && c < before->copies.n; c++) {
		struct rop_copy_memory copy = before->copies.at[c];
		if (has_copy(shard, copy.node) || !may_still_have_it(h, &copy, primary))
			continue;
		copy.led = false;
		*rop_push(pass, &shard->copies) = copy;
	}
}

/* false: nothing is known of a shard with that number. Without an owner that answers, what is remembered stays as it
 * is; where nothing is remembered, the others' word counts for whom the slots belonged to. */
static bool take_shard(const struct holders *h, int number, int owner, struct rop_shard_memory *ret_shard)
{
	const struct rop_shard_memory *before = remembered_shard(h->r, number);
	struct rop_shard_memory shard = { .number = number };
	struct rop_slots slots = slots_left(h, before);
	if (owner >= 0 && (answers(h, (size_t)owner) || rop_slots_empty(&slots))) {
		rop_slots_join(&slots, &h->seen->nodes[owner].slots);
		take_copies(h, &shard, (size_t)owner, before);
	} else if (before) {
		shard.copies = before->copies;
	}
	shard.slots = rop_slots_text(h->r->pass, &slots);
	*ret_shard = shard;
	return !rop_slots_empty(&slots);
}

static void list_shards(struct rop_reconcile *r)
{
	struct holders h = find_holders(r);
	const struct rop_layout *layout = &r->now->layout;
	int last = r->image.shards.n ? r->image.shards.at[r->image.shards.n - 1].number : 0;
	if (last < (int)layout->n)
		last = (int)layout->n;
	int *owner_of = rop_alloc_n(r->pass, layout->n + 1, sizeof(int));
	for (size_t k = 0; k < layout->n; k++) {
		int primary = layout->shards[k].primary;
		owner_of[layout->shards[k].number] = primary >= 0 && leads(&h, (size_t)primary) ? primary + 1 : 0;
	}
	for (int number = 1; number <= last; number++) {
		struct rop_shard_memory shard;
		int owner = (size_t)number <= layout->n ? owner_of[number] - 1 : -1;
		if (take_shard(&h, number, owner, &shard))
			*rop_push(r->pass, &r->entry.shards) = shard;
	}
}

static bool same_shard(const struct rop_shard_memory *a, const struct rop_shard_memory *b)
{
	if (a->number != b->number || strcmp(a->slots, b->slots) != 0 || a->copies.n != b->copies.n)
		return false;
	for (size_t c = 0; c < a->copies.n; c++) {
		bool same = false;
		for (size_t d = 0; d < b->copies.n && !same; d++)
			same = strcmp(a->copies.at[c].node, b->copies.at[d].node) == 0 &&
			       a->copies.at[c].led == b->copies.at[d].led;
		if (!same)
			return false;
	}
	return true;
}

/* Who had which data is remembered while it can be seen. It is news when slots or copies are others than before; how
 * far they are is not. */
static void take_shards(struct rop_reconcile *r)
{
	if (!r->now->formed || !r->now->in_view)
		return;
	list_shards(r);
	bool same = r->entry.shards.n == r->image.shards.n;
	for (size_t s = 0; same && s < r->entry.shards.n; s++)
		same = same_shard(&r->entry.shards.at[s], &r->image.shards.at[s]);
	r->entry.shards_changed = !same;
}

/* Offsets, keys and times are written with whatever is written anyway. */
static void refresh_shards(struct rop_reconcile *r)
{
	if (r->entry.shards.n && !rop_entry_empty(&r->entry))
		r->entry.shards_changed = true;
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
	if (final && !r->reached)
		rop_situation_open(r->now);
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
 * first step until it rests again every move is written at once, so that a crash leaves word of how far it came; and a
 * one-shot run that lingers leaves word of it, because nobody else will. */
static void take_held(struct rop_reconcile *r)
{
	const char *state = r->options.machine->states[r->state].name;
	bool elsewhere = !rop_streq(r->image.state, state);
	bool tells = r->held.n && (r->at_work || r->held.n >= HELD_MAX || (!r->options.keep && lingers(r)));
	if (at_rest(r) && !r->pending.n)
		r->at_work = false;
	if (rop_entry_empty(&r->entry) && !(at_rest(r) && elsewhere) && !tells) {
		if (at_rest(r))
			r->held.n = 0;
		return;
	}
	for (size_t i = 0; i < r->held.n; i++)
		*rop_push(r->pass, &r->entry.transitions) = transition_of(r, r->held.at[i]);
	if (elsewhere) {
		r->entry.state = state;
		r->entry.state_entered = true;
	}
}

static void gather(struct rop_reconcile *r, struct rop_clock clock)
{
	r->entry.wall_ms = clock.wall_ms;
	r->entry.boot_ms = clock.boot_ms;
	r->entry.boot_id = r->options.boot_id;
	r->entry.pid = r->options.pid;
	for (size_t i = 0; i < r->ended.n; i++)
		*rop_push(r->pass, &r->entry.resolutions) = r->ended.at[i];
	for (size_t i = 0; i < r->gone.n; i++)
		*rop_push(r->pass, &r->entry.temporaries_gone) = r->gone.at[i];
	take_expectations(r, clock);
	take_reached(r);
	take_shards(r);
	take_conditions(r);
	take_held(r);
	refresh_shards(r);
	r->entry.ignore_pause = r->now->paused || r->stopping || !r->batch.steps.n;
}

/* ---- the pass ---------------------------------------------------------------------------------------------- */

/* On its way: often while something moves, more seldom the longer nothing does; who keeps a cluster need not hurry
 * where nothing has moved for minutes (a replica takes over much data, say). At rest: a one-shot run that is not done
 * waits for something, so it looks again soon. Who keeps a cluster looks at it every spec.intervals.observe; where it
 * is not as declared (Degraded, Blocked, Paused) within five seconds, however long the interval is, and when a step may
 * be tried again. Never later than look_at_most_ms. */
static int64_t time_to_look_again(const struct rop_reconcile *r, struct rop_clock clock)
{
	bool final = r->options.machine->states[r->state].final && !r->pending.n;
	int64_t soon = 250, interval = r->options.topology->interval_ms, idle = clock.boot_ms - r->idle_since_boot_ms;
	int64_t trouble = interval < TROUBLE_LOOK_MS ? interval : TROUBLE_LOOK_MS;
	int64_t most = !r->options.keep          ? soon
		       : final && r->reached     ? interval
		       : final || trouble > soon ? trouble
						 : soon;
	int64_t sleep = final ? most : 8 + (idle > 1000 ? idle / 20 : 0),
		next = rop_tries_next_ms(r->tries, clock.boot_ms);
	if (final && !r->reached && next != INT64_MAX && next - clock.boot_ms < sleep)
		sleep = next - clock.boot_ms > soon ? next - clock.boot_ms : soon;
	if (sleep > most)
		sleep = most;
	if (r->options.look_at_most_ms && sleep > r->options.look_at_most_ms)
		sleep = r->options.look_at_most_ms;
	return sleep;
}

/* A consent that was met in this pass holds for the run. */
static void keep_consent(struct rop_reconcile *r, const struct rop_consent *asked)
{
	struct rop_arena *arena = r->consent_arena;
	if (!asked->taken.list.n || r->consent.taken.list.n)
		return;
	for (size_t i = 0; i < asked->taken.list.n; i++) {
		struct rop_risk risk = asked->taken.list.at[i];
		const char **texts[] = { &risk.what, &risk.slots, &risk.copies, &risk.nodes, &risk.text };
		for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
			*texts[t] = rop_strdup(arena, *texts[t]);
		*rop_push(arena, &r->consent.taken.list) = risk;
	}
}

#define ELSEWHERE_COUNTS_MS 30000

static void remember_elsewhere(struct rop_before *before, const struct rop_node *node, int64_t boot_ms)
{
	if (before->elsewhere[0] && boot_ms - before->elsewhere_seen_ms > ELSEWHERE_COUNTS_MS)
		before->elsewhere[0] = '\0';
	if (!node->elsewhere)
		return;
	if (!before->elsewhere[0])
		before->elsewhere_since_ms = boot_ms;
	before->elsewhere_seen_ms = boot_ms;
	snprintf(before->elsewhere, sizeof before->elsewhere, "%s", node->elsewhere);
}

/* What the next look is held against. */
static void remember_look(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	if (!r->before) {
		r->before = rop_malloc((seen->n + 1) * sizeof *r->before);
		memset(r->before, 0, (seen->n + 1) * sizeof *r->before);
	}
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		struct rop_before *before = &r->before[i];
		if (strcmp(before->id, node->id) != 0)
			before->elsewhere[0] = '\0';
		before->role = node->role;
		before->epoch = node->epoch;
		before->answered = rop_node_answers(node);
		memcpy(before->id, node->id, ROP_ID_SIZE);
		remember_elsewhere(before, node, clock.boot_ms);
	}
}

static void make_situation(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	struct rop_consent consent = r->consent;
	r->now = rop_situation_make(&(struct rop_situation){
		.arena = r->pass,
		.topology = r->options.topology,
		.seen = seen,
		.image = &r->image,
		.tries = r->tries,
		.instance = r->options.instance,
		.wall_ms = clock.wall_ms,
		.boot_ms = clock.boot_ms,
		.may_lower = !r->options.step && !r->stopping,
		.looks_once = r->options.predict,
		.before = r->before,
		.consent = &consent,
		.warn_of_found = r->options.keep,
		.ends = r->stopping,
	});
	keep_consent(r, &consent);
	r->now->consent = &r->consent; /* for the planners of this pass */
	r->now->finding_gone = r->reported_finding && !r->now->findings.n;
	if (!r->now->views_agree)
		r->agreed_since_boot_ms = -1;
	else if (r->agreed_since_boot_ms < 0)
		r->agreed_since_boot_ms = clock.boot_ms;
	r->now->agreed_ms = r->now->views_agree ? clock.boot_ms - r->agreed_since_boot_ms : 0;
}

/* Asked to stop: temporary settings go back, nothing else; and not for ever. */
static void run_stopping(struct rop_reconcile *r, struct rop_clock clock)
{
	r->batch.state = r->options.machine->states[r->state].name;
	r->batch.why = "temporary settings are put back, whatever happens";
	if (clock.boot_ms < r->stop_by_boot_ms && r->now->temporaries_in_force)
		rop_plan_restore(r->now, &r->batch);
	r->rests = !r->batch.steps.n;
}

void pass_decide(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	r->result.passes++;
	r->state_before = r->state;
	r->state_since_before = r->state_since_boot_ms;
	r->held_before = r->held.n;
	r->entry = (struct rop_entry){ 0 };
	r->batch = (struct rop_batch){ .arena = r->pass };
	r->rests = false;
	match_pending(r, seen, clock);
	match_temporaries(r, seen);
	rop_tries_forgive(r->tries, clock.boot_ms);
	make_situation(r, seen, clock);
	if (r->stopping)
		run_stopping(r, clock);
	else
		run_machine(r, clock);
	bool moved = r->batch.steps.n || r->state != r->state_before || r->ended.n;
	r->idle_passes = moved ? 0 : r->idle_passes + 1;
	if (moved)
		r->idle_since_boot_ms = clock.boot_ms;
	r->sleep_ms = time_to_look_again(r, clock);
	gather(r, clock);
	remember_look(r, seen, clock);
}

/* ---- after the commit -------------------------------------------------------------------------------------- */

static void remember_temporaries(struct rop_reconcile *r)
{
	for (size_t i = 0; i < r->entry.temporaries_set.n; i++) {
		struct rop_temporary t = r->entry.temporaries_set.at[i];
		bool known = false;
		for (size_t k = 0; k < r->image.temporaries.n && !known; k++) {
			struct rop_temporary *before = &r->image.temporaries.at[k];
			known = strcmp(before->node, t.node) == 0 && strcmp(before->name, t.name) == 0;
			if (known) /* the first original value is the one to put back; whom it waits for is the newest
				    */
				memcpy(before->peer, t.peer, ROP_ID_SIZE);
		}
		if (known)
			continue;
		*rop_push(r->arena, &r->image.temporaries) = memory_temporary(r->arena, &t);
	}
}

static void remember_members(struct rop_reconcile *r)
{
	r->image.members.n = 0;
	for (size_t i = 0; i < r->entry.members.n; i++)
		*rop_push(r->arena, &r->image.members) = memory_member(r->arena, &r->entry.members.at[i]);
}

static bool batch_rewrites(const struct rop_reconcile *r, int node)
{
	for (size_t i = 0; i < r->batch.steps.n; i++)
		if (r->batch.steps.at[i].node == node && r->batch.steps.at[i].expect.kind == ROP_STEP_PERSIST)
			return true;
	return false;
}

void pass_remember(struct rop_reconcile *r)
{
	struct rop_image *image = &r->image;
	image->known = true;
	for (size_t i = 0; i < r->batch.steps.n; i++) {
		struct rop_step step = r->batch.steps.at[i];
		step.expect.id = r->batch.steps.at[i].expect.id = r->entry.expects.at[i].id;
		step.expect = rop_expect_dup(r->arena, &step.expect);
		step.argc = 0;
		step.argv = NULL; /* of this pass: what is pending was sent */
		step.expect.unwritten = step.expect.kind == ROP_STEP_SETTING && !batch_rewrites(r, step.node);
		*rop_push(r->arena, &r->pending) = step;
		rop_tries_pending(r->tries, &step.expect);
		if (r->options.on_step)
			r->options.on_step(r->options.arg, &r->batch.steps.at[i], ROP_EXPECT_PENDING, NULL);
	}
	r->sent_since_compact |= r->batch.steps.n > 0;
	r->at_work |= r->batch.steps.n > 0;
	remember_temporaries(r);
	if (r->entry.members_changed)
		remember_members(r);
	if (r->entry.shards_changed)
		memory_shards(r->arena, &r->image, r->entry.shards.at, r->entry.shards.n);
	if (r->entry.formed)
		image->formed_wall_ms = r->entry.wall_ms;
	if (r->entry.reached_revision)
		image->reached_revision = r->entry.reached_revision;
	if (r->entry.state)
		image->state = r->entry.state;
	for (int i = 0; r->entry.conditions_changed && i < ROP_CONDITIONS_N; i++) {
		image->conditions[i] = r->entry.conditions[i];
		image->conditions[i].reason = rop_strdup(r->arena, r->entry.conditions[i].reason);
		image->conditions[i].message = rop_strdup(r->arena, r->entry.conditions[i].message);
	}
	r->ended.n = 0;
	r->gone.n = 0;
	r->held.n = 0;
	r->unwritten_since_boot_ms = r->entry.boot_ms;
}

/* ---- why it ended ------------------------------------------------------------------------------------------ */

/* Advice that several findings share is given once, after the last of them. */
static void add_findings(struct rop_text *text, const struct rop_finding *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rop_text_add(text, "%s%s", text->n ? "\n" : "", list[i].text);
		if (list[i].advice &&
		    (i + 1 == n || !list[i + 1].advice || strcmp(list[i].advice, list[i + 1].advice) != 0))
			rop_text_add(text, "\n  -> %s", list[i].advice);
	}
}

void pass_explain(struct rop_reconcile *r)
{
	if (!r->now || r->result.code == ROP_INTERNAL)
		return;
	rop_text_done(&r->text);
	if (r->now->paused) {
		rop_text_add(&r->text, "cluster '%s' is paused", r->options.topology->name);
		if (r->image.paused_by)
			rop_text_add(&r->text, " by %s", r->image.paused_by);
		if (r->image.paused_until_wall_ms) {
			char left[24];
			rop_duration_print((r->image.paused_until_wall_ms - r->now->wall_ms + 999) / 1000 * 1000, left,
					   sizeof left);
			rop_text_add(&r->text, " for another %s", left);
		}
		rop_text_add(&r->text, "\n  -> redis-operator resume %s", r->options.topology->name);
		r->result.code = ROP_REFUSED;
		return;
	}
	add_findings(&r->text, r->now->findings.at, r->now->findings.n);
	r->result.code = r->now->findings.n ? r->now->findings.at[0].code : ROP_TIMEOUT;
	if (r->now->findings.n)
		return;
	rop_situation_open(r->now);
	add_findings(&r->text, r->now->open.at, r->now->open.n);
	for (size_t i = 0; i < r->now->open.n; i++)
		if (rop_reason_code(r->now->open.at[i].is) == ROP_DENIED)
			r->result.code = ROP_DENIED;
}
