/* children.c - machines that the cluster's machine hosts: one instance for each run of slots that is being moved, and
 * for each node that leaves, and for a shard that is to be led by another node.
 *
 * Nothing is spawned and nothing resumed: an instance lives as long as its task is seen. A new process finds the same
 * tasks, begins each in the initial state, and the rows lead on. All plan into the batch of the pass.
 */
#include <string.h>

#include "pass.h"
#include "rop/text.h"

struct task { /* of one instance */
	const struct rop_machine *machine;
	const char *subject;
	const void *facts;
	int64_t wish; /* that it is for; 0: for none */
};

struct run {
	struct rop_reconcile *r;
	const struct task *task;
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

static void begin(struct rop_reconcile *r, struct child *child, const struct task *task, struct rop_clock clock)
{
	*child = (struct child){ .subject = rop_strdup(r->arena, task->subject),
				 .wish = task->wish,
				 .state = task->machine->initial,
				 .since_boot_ms = clock.boot_ms };
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
	if (run->task->machine->states[state].final)
		memset(child->spent_ms, 0, sizeof child->spent_ms);
}

static void tell(const struct run *run, const struct rop_row *row)
{
	struct rop_reconcile *r = run->r;
	const struct rop_machine *m = run->task->machine;
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
	rop_row_plan(row, run->task->facts, &r->batch);
	bool acted = r->batch.steps.n > steps;
	if (row->to != row->from) {
		tell(run, row);
		enter(run, row->to);
	}
	return !acted;
}

static bool is_there(const struct rop_situation *now, const char *subject)
{
	for (size_t k = 0; k < now->migrations.n; k++)
		if (rop_streq(now->migrations.at[k].subject, subject))
			return true;
	for (size_t k = 0; k < now->retirements.n; k++)
		if (strcmp(now->retirements.at[k].subject, subject) == 0)
			return true;
	return now->handover && strcmp(now->handover->subject, subject) == 0;
}

static void forget_gone(struct rop_reconcile *r)
{
	for (size_t i = r->children.n; i-- > 0;) {
		if (is_there(r->now, r->children.at[i].subject))
			continue;
		memmove(&r->children.at[i], &r->children.at[i + 1], (r->children.n - i - 1) * sizeof *r->children.at);
		r->children.n--;
	}
}

static void run_one(struct rop_reconcile *r, const struct task *task, struct rop_clock clock)
{
	struct child *child = find(r, task->subject);
	bool anew = !child || child->wish != task->wish; /* of the same shard: the one before is over */
	if (!child)
		child = rop_push(r->arena, &r->children);
	if (anew)
		begin(r, child, task, clock);
	struct run run = { .r = r, .task = task, .child = child, .clock = clock };
	struct rop_clock_in_state in_state = {
		.in_state_ms = child->spent_ms[child->state] + this_visit_ms(child, clock), .spent_ms = child->spent_ms
	};
	const struct rop_walk walk = { .visit = take_row, .arg = &run };
	rop_machine_walk(task->machine, child->state, task->facts, in_state, &walk);
}

static void run_migrations(struct rop_reconcile *r, struct rop_clock clock)
{
	struct task task = { .machine = rop_machine_hosted(r->options.machine, "migration") };
	for (size_t i = 0; task.machine && i < r->now->migrations.n; i++) {
		const struct rop_migration *migration = &r->now->migrations.at[i];
		if (!migration->in_hand || (r->batch.children == ROP_CHILDREN_OPEN && !migration->open) ||
		    (r->stopping && !migration->ours))
			continue;
		task.subject = migration->subject;
		task.facts = migration;
		run_one(r, &task, clock);
	}
}

static void run_retirements(struct rop_reconcile *r, struct rop_clock clock)
{
	struct task task = { .machine = rop_machine_hosted(r->options.machine, "retire") };
	for (size_t i = 0; task.machine && i < r->now->retirements.n; i++) {
		task.subject = r->now->retirements.at[i].subject;
		task.facts = &r->now->retirements.at[i];
		run_one(r, &task, clock);
	}
}

static void run_failover(struct rop_reconcile *r, struct rop_clock clock)
{
	struct task task = { .machine = rop_machine_hosted(r->options.machine, "failover") };
	if (!task.machine || !r->now->handover)
		return;
	task.subject = r->now->handover->subject;
	task.facts = r->now->handover;
	task.wish = r->now->handover->wish->id;
	run_one(r, &task, clock);
}

void children_run(struct rop_reconcile *r, struct rop_clock clock)
{
	forget_gone(r);
	if (r->batch.children == ROP_CHILDREN_LEAVING)
		run_retirements(r, clock);
	else if (r->batch.children == ROP_CHILDREN_WISH)
		run_failover(r, clock);
	else
		run_migrations(r, clock);
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
