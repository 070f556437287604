/* moves.c - the machine moves: rows are taken until one asks for commands or none leads on. Told at once, written when
 * something comes of it. */
#include "pass.h"
#include "rop/text.h"

#define RECONCILE_SUBJECT "cluster"

static int64_t this_visit_ms(const struct rop_reconcile *r, struct rop_clock clock)
{
	int64_t ms = clock.boot_ms - r->state_since_boot_ms;
	return ms > 0 ? ms : 0;
}

/* `within:` counts all visits since the last action or rest: else two states that lead to each other wait for ever. */
static struct rop_clock_in_state clock_in_state(const struct rop_reconcile *r, struct rop_clock clock)
{
	return (struct rop_clock_in_state){ .in_state_ms = r->roaming.spent_ms[r->state] + this_visit_ms(r, clock),
					    .n_subjects = r->options.topology->nodes.n,
					    .spent_ms = r->roaming.spent_ms };
}

struct rop_transition moves_transition(const struct rop_reconcile *r, const struct rop_row *row)
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
	bool news = row->to == row->from || !(r->roaming.been >> row->to & 1);
	size_t at = 0;
	while (at < r->held.n && (row->to == row->from || r->held.at[at]->from != row->to))
		at++;
	if (at < r->held.n) {
		r->held.n = at; /* it closes a circle */
	} else {
		if (!r->held.n && news)
			r->unwritten_since_boot_ms = r->now->boot_ms;
		*rop_push(r->arena, &r->held) = row;
		r->held_news |= news;
	}
	r->result.transitions++;
	if (r->options.on_transition) {
		struct rop_transition t = moves_transition(r, row);
		r->options.on_transition(r->options.arg, &t);
	}
}

/* From here on it is a new way. What goes on in the state itself is no new visit: its time runs on. */
static void roam_anew(struct rop_reconcile *r)
{
	int64_t here_ms = r->roaming.spent_ms[r->state];
	r->roaming = (struct roaming){ .been = (uint64_t)1 << r->state };
	r->roaming.spent_ms[r->state] = here_ms;
}

static void enter(struct rop_reconcile *r, int state, struct rop_clock clock)
{
	r->roaming.spent_ms[r->state] += this_visit_ms(r, clock);
	r->news |= !(r->roaming.been >> state & 1);
	r->roaming.been |= (uint64_t)1 << state;
	r->state = state;
	if (r->options.machine->states[state].final) {
		r->roaming.spent_ms[state] = 0;
		roam_anew(r);
	}
	r->state_since_boot_ms = clock.boot_ms;
	r->reached = false; /* elsewhere it is not: from Ready a lost node leads to Degraded, which is final too */
	if (!r->options.machine->states[state].final)
		r->reported = false;
}

struct taking {
	struct rop_reconcile *r;
	struct rop_clock clock;
};

/* What only hastens what comes by itself is sent again and again while nothing comes of it. */
static bool is_action(const struct rop_reconcile *r, size_t first_step)
{
	for (size_t i = first_step; i < r->batch.steps.n; i++)
		if (r->batch.steps.at[i].expect.kind != ROP_STEP_GREET)
			return true;
	return false;
}

/* What goes on has its row in the journal: that it does is no news. */
static bool is_news(const struct rop_reconcile *r, size_t first_step)
{
	for (size_t i = first_step; i < r->batch.steps.n; i++)
		if (!r->batch.steps.at[i].goes_on)
			return true;
	return false;
}

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
	if (r->batch.children != ROP_NO_CHILDREN) {
		children_run(r, taking->clock);
		r->batch.children = ROP_NO_CHILDREN;
	}
	bool acted = r->batch.steps.n > steps;
	if (row->to != row->from || is_news(r, steps))
		record_transition(r, row);
	if (row->to != row->from)
		enter(r, row->to, taking->clock);
	if (is_action(r, steps))
		roam_anew(r);
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

void moves_run(struct rop_reconcile *r, struct rop_clock clock)
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

/* Asked to stop: temporary settings go back, slots that are open are seen through, nothing else; and not for ever. */
void moves_stopping(struct rop_reconcile *r, struct rop_clock clock)
{
	r->batch.state = r->options.machine->states[r->state].name;
	r->batch.why = "temporary settings are put back, whatever happens";
	if (clock.boot_ms < r->stop_by_boot_ms && r->now->temporaries_in_force)
		rop_plan_restore(r->now, &r->batch);
	if (clock.boot_ms < r->stop_by_boot_ms && r->finishing && !r->now->paused && !r->now->refused &&
	    r->now->in_view) {
		r->batch.children = ROP_CHILDREN_OPEN;
		children_run(r, clock);
		r->batch.children = ROP_NO_CHILDREN;
	}
	r->rests = !r->batch.steps.n;
}
