/* children.c - machines that the cluster's machine hosts: one instance for each run of slots that is being moved.
 *
 * Nothing is spawned and nothing resumed: an instance lives as long as its task is seen. A new process finds the same
 * tasks, begins each in the initial state, and the rows lead on. All plan into the batch of the pass.
 */
#include <string.h>

#include "pass.h"
#include "rop/text.h"

struct run {
	struct rop_reconcile *r;
	const struct rop_migration *m;
	struct child *child;
	struct rop_clock clock;
};

static struct child *find(struct rop_reconcile *r, const char *subject)
{
	for (size_t i = 0; i < r->children.n; i++)
		if (strcmp(r->children.at[i].subject, subject) == 0)
			return &r->children.at[i];
	return NULL;
}

static struct child *begin(struct rop_reconcile *r, const char *subject, struct rop_clock clock)
{
	struct child *child = rop_push(r->arena, &r->children);
	*child = (struct child){ .subject = rop_strdup(r->arena, subject),
				 .state = r->options.machine->hosted->initial,
				 .since_boot_ms = clock.boot_ms };
	return child;
}

static int64_t this_visit_ms(const struct child *child, struct rop_clock clock)
{
	int64_t ms = clock.boot_ms - child->since_boot_ms;
	return ms > 0 ? ms : 0;
}

static void enter(struct run *run, int state)
{
	struct child *child = run->child;
	child->spent_ms[child->state] += this_visit_ms(child, run->clock);
	child->state = state;
	child->since_boot_ms = run->clock.boot_ms;
	if (run->r->options.machine->hosted->states[state].final)
		memset(child->spent_ms, 0, sizeof child->spent_ms);
}

static void tell(const struct run *run, const struct rop_row *row)
{
	struct rop_reconcile *r = run->r;
	const struct rop_machine *m = r->options.machine->hosted;
	struct rop_transition t = { .machine = m->name,
				    .digest = m->digest,
				    .subject = run->child->subject,
				    .from = m->states[row->from].name,
				    .to = m->states[row->to].name,
				    .row = rop_printf(r->pass, "%s#%d", m->states[row->from].name, row->number),
				    .why = row->why };
	*rop_push(r->pass, &r->child_moves) = t;
	r->result.transitions++;
	if (r->options.on_transition)
		r->options.on_transition(r->options.arg, &t);
}

static bool take_row(void *arg, const struct rop_state *state, const struct rop_row *row)
{
	struct run *run = arg;
	struct rop_reconcile *r = run->r;
	(void)state;
	if (!row)
		return false;
	size_t steps = r->batch.steps.n;
	r->batch.why = row->why;
	rop_row_plan(row, run->m, &r->batch);
	bool acted = r->batch.steps.n > steps;
	if (row->to != row->from) {
		tell(run, row);
		enter(run, row->to);
	}
	return !acted;
}

static void forget_gone(struct rop_reconcile *r)
{
	for (size_t i = r->children.n; i-- > 0;) {
		bool there = false;
		for (size_t k = 0; k < r->now->migrations.n && !there; k++)
			there = rop_streq(r->now->migrations.at[k].subject, r->children.at[i].subject);
		if (there)
			continue;
		memmove(&r->children.at[i], &r->children.at[i + 1], (r->children.n - i - 1) * sizeof *r->children.at);
		r->children.n--;
	}
}

void children_run(struct rop_reconcile *r, struct rop_clock clock)
{
	const struct rop_machine *m = r->options.machine->hosted;
	forget_gone(r);
	for (size_t i = 0; m && i < r->now->migrations.n; i++) {
		const struct rop_migration *migration = &r->now->migrations.at[i];
		if (!migration->in_hand || (r->batch.children == ROP_CHILDREN_OPEN && !migration->open))
			continue;
		struct child *child = find(r, migration->subject);
		if (!child)
			child = begin(r, migration->subject, clock);
		struct run run = { .r = r, .m = migration, .child = child, .clock = clock };
		struct rop_clock_in_state in_state = { .in_state_ms = child->spent_ms[child->state] +
								      this_visit_ms(child, clock),
						       .spent_ms = child->spent_ms };
		const struct rop_walk walk = { .visit = take_row, .arg = &run };
		rop_machine_walk(m, child->state, migration, in_state, &walk);
	}
}

struct child *children_copy(struct rop_arena *arena, const struct child *children, size_t n)
{
	struct child *copy = rop_alloc_n(arena, n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++) {
		copy[i] = children[i];
		copy[i].subject = rop_strdup(arena, children[i].subject);
	}
	return copy;
}
