/* engine.c - run a machine: which row holds now, when a state is overdue, what a row does, where the rows lead. */
#include <string.h>

#include "rop/machine.h"

const struct rop_machine *rop_machine_hosted(const struct rop_machine *machine, const char *name)
{
	const struct rop_machine *const *at = machine->hosted;
	while (*at && strcmp((*at)->name, name) != 0)
		at++;
	return *at;
}

int rop_machine_find_state(const struct rop_machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->n_states; i++)
		if (strcmp(machine->states[i].name, name) == 0)
			return (int)i;
	return -1;
}

int64_t rop_state_within_ms(const struct rop_state *state, size_t n_subjects)
{
	int64_t more, within;
	if (__builtin_mul_overflow(n_subjects, state->within_per_subject_ms, &more) ||
	    __builtin_add_overflow(state->within_ms, more, &within))
		return INT64_MAX;
	return within;
}

/* At `within` itself the state is overdue: a timer set for that moment need not fire twice. */
static bool is_overdue(const struct rop_state *state, struct rop_clock_in_state clock)
{
	int64_t within_ms = rop_state_within_ms(state, clock.n_subjects);
	return within_ms > 0 && clock.in_state_ms >= within_ms;
}

bool rop_literal_holds(const struct rop_state *state, const struct rop_literal *literal, const void *subject,
		       struct rop_clock_in_state clock)
{
	bool holds = literal->fact ? literal->fact->holds(subject, literal->args) : is_overdue(state, clock);
	return holds != literal->negated;
}

static bool row_holds(const struct rop_state *state, const struct rop_row *row, const void *subject,
		      struct rop_clock_in_state clock)
{
	for (size_t i = 0; i < row->n_when; i++)
		if (!rop_literal_holds(state, &row->when[i], subject, clock))
			return false;
	return true;
}

const struct rop_row *rop_machine_pick(const struct rop_machine *machine, int state, const void *subject,
				       struct rop_clock_in_state clock)
{
	const struct rop_state *s = &machine->states[state];
	for (size_t i = 0; i < s->n_rows; i++)
		if (row_holds(s, &s->rows[i], subject, clock))
			return &s->rows[i];
	return NULL;
}

void rop_row_plan(const struct rop_row *row, const void *subject, void *output)
{
	for (size_t i = 0; i < row->n_do; i++)
		row->does[i].action->plan(subject, row->does[i].args, output);
}

static void tell_missed(const struct rop_state *state, const struct rop_row *taken, const void *subject,
			struct rop_clock_in_state clock, const struct rop_walk *walk)
{
	for (size_t i = 0; i < state->n_rows && &state->rows[i] != taken; i++) {
		const struct rop_row *row = &state->rows[i];
		for (size_t w = 0; w < row->n_when; w++)
			if (!rop_literal_holds(state, &row->when[w], subject, clock))
				walk->missed(walk->arg, row, &row->when[w]);
	}
}

bool rop_machine_walk(const struct rop_machine *machine, int state, const void *subject,
		      struct rop_clock_in_state clock, const struct rop_walk *walk)
{
	for (size_t moves = 0; moves < 2 * machine->n_states; moves++) {
		const struct rop_row *row = rop_machine_pick(machine, state, subject, clock);
		if (walk->missed)
			tell_missed(&machine->states[state], row, subject, clock, walk);
		if (!walk->visit(walk->arg, &machine->states[state], row) || !row || row->to == state)
			return true;
		state = row->to;
		clock.in_state_ms = clock.spent_ms ? clock.spent_ms[state] : 0;
	}
	return false;
}
