/* check.c - the whole table, cell by cell: a second opinion on a loaded machine.
 *
 * verify.c asks the solver; this enumerates. A cell is a state with one valuation of the facts that its rows name, of
 * those that implications and exclusions allow. Where there are too many, a cell is a state with one class of
 * valuations: those for which the same row is the first that holds. */
#include "internal.h"

#define ENUMERATE_FACTS_MAX 16
#define CHECK_BUDGET 200000

struct table {
	const struct rop_machine *machine;
	struct logic logic;
	struct sat_set *follows; /* [fact]: what holds whenever it holds, itself included */
	uint64_t *leads_to;      /* [state] */
	size_t cells;
};

/* Walk the implications until nothing is added; no use of the solver on this way. */
static void find_what_follows(struct table *table, struct rop_arena *arena)
{
	const struct logic *logic = &table->logic;
	table->follows = rop_alloc_n(arena, logic->facts.n, sizeof *table->follows);
	for (size_t i = 0; i < logic->facts.n; i++)
		sat_set_add(&table->follows[i], i);
	for (size_t round = 0; round < logic->facts.n; round++)
		for (size_t c = 0; c < logic->sat.clauses.n; c++) {
			const struct sat_literals *clause = &logic->sat.clauses.at[c];
			for (size_t i = 0; i < logic->facts.n; i++)
				if (sat_set_meets(&clause->negated, &table->follows[i]))
					sat_set_join(&table->follows[i], &clause->plain);
		}
}

/* May exactly these of the named facts be true? The facts that follow are true as well, all others can be false. */
static bool is_allowed(const struct table *table, const struct sat_set *named, const struct sat_set *chosen)
{
	const struct logic *logic = &table->logic;
	struct sat_set held = { 0 };
	for (size_t i = 0; i < logic->facts.n; i++)
		if (sat_set_has(chosen, i))
			sat_set_join(&held, &table->follows[i]);
	for (size_t i = 0; i < SAT_WORDS; i++)
		if (held.at[i] & named->at[i] & ~chosen->at[i])
			return false;
	for (size_t c = 0; c < logic->sat.clauses.n; c++) {
		const struct sat_literals *clause = &logic->sat.clauses.at[c];
		bool all_held = true;
		for (size_t i = 0; i < SAT_WORDS; i++)
			all_held = all_held && (clause->negated.at[i] & ~held.at[i]) == 0;
		if (all_held && !sat_set_meets(&clause->plain, &held))
			return false;
	}
	return true;
}

static size_t first_row(const struct table *table, int state, const struct sat_set *chosen)
{
	size_t row = 0;
	for (; row < table->machine->states[state].n_rows; row++) {
		const struct sat_literals *when = &table->logic.when[state][row];
		bool holds = !sat_set_meets(&when->negated, chosen);
		for (size_t i = 0; i < SAT_WORDS; i++)
			holds = holds && (when->plain.at[i] & ~chosen->at[i]) == 0;
		if (holds)
			break;
	}
	return row;
}

/* One cell, in which `row` is the first that holds. */
static bool count_cell(struct table *table, int state, size_t row, const struct sat_literals *facts,
		       struct rop_err *err)
{
	const struct rop_state *s = &table->machine->states[state];
	table->cells++;
	if (row < s->n_rows) {
		table->leads_to[state] |= (uint64_t)1 << s->rows[row].to;
		return true;
	}
	if (s->final)
		return true;
	ROP_OWN_ARENA arena = rop_arena_new();
	return rop_fail(err, ROP_INVALID, "machine '%s', state '%s': no row holds when %s", table->machine->name,
			s->name, logic_print(&table->logic, arena, facts));
}

static bool check_by_valuation(struct table *table, int state, const size_t *facts, size_t n, struct rop_err *err)
{
	const struct sat_set *named = &table->logic.named[state];
	for (uint32_t v = 0; v < (uint32_t)1 << n; v++) {
		struct sat_literals valuation = { 0 };
		for (size_t i = 0; i < n; i++)
			sat_set_add(v >> i & 1 ? &valuation.plain : &valuation.negated, facts[i]);
		if (is_allowed(table, named, &valuation.plain) &&
		    !count_cell(table, state, first_row(table, state, &valuation.plain), &valuation, err))
			return false;
	}
	return true;
}

static bool check_by_class(struct table *table, int state, struct rop_err *err)
{
	static const struct sat_literals ANYTHING;
	for (size_t r = 0; r <= table->machine->states[state].n_rows; r++) {
		struct sat_literals facts;
		if (!logic_can_take(&table->logic, state, r, &ANYTHING, &facts))
			continue;
		sat_set_keep(&facts.plain, &table->logic.named[state]);
		sat_set_keep(&facts.negated, &table->logic.named[state]);
		if (!count_cell(table, state, r, &facts, err))
			return false;
	}
	return !table->logic.gave_up ||
	       rop_fail(err, ROP_INVALID, "machine '%s', state '%s': too intricate to be decided", table->machine->name,
			table->machine->states[state].name);
}

static bool check_state(struct table *table, int state, struct rop_err *err)
{
	size_t facts[ENUMERATE_FACTS_MAX], n = 0;
	for (size_t i = 0; i < table->logic.facts.n; i++) {
		if (!sat_set_has(&table->logic.named[state], i))
			continue;
		if (n == ENUMERATE_FACTS_MAX)
			return check_by_class(table, state, err);
		facts[n++] = i;
	}
	return check_by_valuation(table, state, facts, n, err);
}

/* Walks backwards from the final states. */
static bool check_rest(const struct table *table, struct rop_err *err)
{
	const struct rop_machine *machine = table->machine;
	uint64_t rests = 0, before;
	for (size_t s = 0; s < machine->n_states; s++)
		rests |= (uint64_t)machine->states[s].final << s;
	do {
		before = rests;
		for (size_t s = 0; s < machine->n_states; s++)
			if (table->leads_to[s] & rests)
				rests |= (uint64_t)1 << s;
	} while (rests != before);
	for (size_t s = 0; s < machine->n_states; s++)
		if (!(rests >> s & 1))
			return rop_fail(err, ROP_INVALID, "machine '%s', state '%s': no path to a final state",
					machine->name, machine->states[s].name);
	return true;
}

bool rop_machine_check_table(const struct rop_machine *machine, size_t *ret_cells, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct table table = { .machine = machine };
	if (!logic_init(&table.logic, arena, machine, CHECK_BUDGET))
		return rop_fail(err, ROP_INVALID, "machine '%s': too many facts", machine->name);
	table.leads_to = rop_alloc_n(arena, machine->n_states, sizeof *table.leads_to);
	find_what_follows(&table, arena);
	for (size_t s = 0; s < machine->n_states; s++)
		if (!check_state(&table, (int)s, err))
			return false;
	if (!check_rest(&table, err))
		return false;
	*ret_cells = table.cells;
	return true;
}
