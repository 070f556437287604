/* logic.c - a machine's facts as numbered variables and its rows as conjunctions, for the solver. */
#include "internal.h"

#include <string.h>

static bool same_fact(const struct logic_fact *a, const struct rop_fact *fact, const int64_t *args)
{
	return a->fact == fact && memcmp(a->args, args, ROP_ARGS_MAX * sizeof *args) == 0;
}

/* The variable of the fact with these arguments; it is added when new. */
static size_t variable(struct logic *logic, const struct rop_fact *fact, const int64_t *args, const char *text)
{
	for (size_t i = 0; i < logic->facts.n; i++)
		if (same_fact(&logic->facts.at[i], fact, args))
			return i;
	*rop_push(logic->sat.arena, &logic->facts) = (struct logic_fact){ .fact = fact, .args = args, .text = text };
	return logic->facts.n - 1;
}

/* Number the facts: overdue, those that rows name, and those that follow from them. */
static bool number_facts(struct logic *logic)
{
	static const int64_t NO_ARGS[ROP_ARGS_MAX];
	const struct rop_machine *machine = logic->machine;
	variable(logic, NULL, NO_ARGS, ROP_FACT_OVERDUE);
	for (size_t s = 0; s < machine->n_states; s++)
		for (size_t r = 0; r < machine->states[s].n_rows; r++)
			for (size_t i = 0; i < machine->states[s].rows[r].n_when; i++) {
				const struct rop_literal *literal = &machine->states[s].rows[r].when[i];
				variable(logic, literal->fact, literal->args,
					 literal->text + (literal->negated ? 4 : 0));
			}
	/* The list grows while it is walked: what follows from what follows is found too. */
	for (size_t i = 1; i < logic->facts.n; i++) {
		const char *const *implied = logic->facts.at[i].fact->implies;
		for (size_t k = 0; k < ROP_IMPLIES_MAX && implied[k]; k++) {
			const struct rop_fact *fact = machine_find_fact(machine->words, implied[k]);
			variable(logic, fact, NO_ARGS, fact->name);
		}
	}
	return logic->facts.n <= SAT_FACTS_MAX;
}

/* For each fact: "not this, or that" for what it implies, "not this, or not that" for what it excludes. */
static void add_clauses(struct logic *logic)
{
	for (size_t i = 1; i < logic->facts.n; i++) {
		const struct rop_fact *fact = logic->facts.at[i].fact;
		for (size_t j = 1; j < logic->facts.n; j++) {
			const char *other = logic->facts.at[j].fact->name;
			for (size_t k = 0; k < ROP_IMPLIES_MAX; k++) {
				struct sat_literals clause = { 0 };
				sat_set_add(&clause.negated, i);
				if (fact->implies[k] && strcmp(fact->implies[k], other) == 0) {
					struct sat_literals implication = clause;
					sat_set_add(&implication.plain, j);
					sat_add(&logic->sat, &implication);
				}
				if (fact->excludes[k] && strcmp(fact->excludes[k], other) == 0) {
					sat_set_add(&clause.negated, j);
					sat_add(&logic->sat, &clause);
				}
			}
		}
	}
}

static void add_row(struct logic *logic, const struct rop_row *row, struct sat_literals *when, struct sat_set *named)
{
	for (size_t i = 0; i < row->n_when; i++) {
		const struct rop_literal *literal = &row->when[i];
		size_t fact = variable(logic, literal->fact, literal->args, NULL);
		sat_set_add(literal->negated ? &when->negated : &when->plain, fact);
		sat_set_add(named, fact);
	}
}

bool logic_init(struct logic *logic, struct rop_arena *arena, const struct rop_machine *machine, size_t budget)
{
	*logic = (struct logic){ .machine = machine, .sat = { .arena = arena, .budget = budget } };
	if (!number_facts(logic))
		return false;
	add_clauses(logic);
	logic->when = rop_alloc_n(arena, machine->n_states, sizeof *logic->when);
	logic->named = rop_alloc_n(arena, machine->n_states, sizeof *logic->named);
	for (size_t s = 0; s < machine->n_states; s++) {
		const struct rop_state *state = &machine->states[s];
		logic->when[s] = rop_alloc_n(arena, state->n_rows, sizeof **logic->when);
		for (size_t r = 0; r < state->n_rows; r++)
			add_row(logic, &state->rows[r], &logic->when[s][r], &logic->named[s]);
	}
	return true;
}

/* Notes a question that was too hard, so that its answer is not taken for a no. */
bool logic_solve(struct logic *logic, const struct sat_literals *given, struct sat_literals *ret)
{
	enum sat_answer answer = sat_solve(&logic->sat, given, ret);
	logic->gave_up = logic->gave_up || answer == SAT_GAVE_UP;
	return answer == SAT_YES;
}

static void join(struct sat_literals *into, const struct sat_literals *more)
{
	sat_set_join(&into->plain, &more->plain);
	sat_set_join(&into->negated, &more->negated);
}

void logic_assume_taken(struct logic *logic, int state, size_t row, struct sat_literals *given)
{
	const struct rop_state *s = &logic->machine->states[state];
	if (s->within_ms == 0)
		sat_set_add(&given->negated, LOGIC_OVERDUE);
	if (row < s->n_rows)
		join(given, &logic->when[state][row]);
	for (size_t i = 0; i < row; i++) {
		struct sat_literals passed_over = sat_not(&logic->when[state][i]);
		sat_add(&logic->sat, &passed_over);
	}
}

bool logic_can_take(struct logic *logic, int state, size_t row, const struct sat_literals *given,
		    struct sat_literals *ret)
{
	size_t at_rest = logic->sat.clauses.n;
	struct sat_literals wanted = *given;
	logic_assume_taken(logic, state, row, &wanted);
	bool can = logic_solve(logic, &wanted, ret);
	logic->sat.clauses.n = at_rest;
	return can;
}

bool logic_can_hold(struct logic *logic, const struct sat_literals *a, const struct sat_literals *b)
{
	struct sat_literals both = *a;
	join(&both, b);
	return logic_solve(logic, &both, NULL);
}

const char *logic_print(const struct logic *logic, struct rop_arena *arena, const struct sat_literals *literals)
{
	const char *text = "";
	for (size_t i = 0; i < logic->facts.n; i++) {
		bool plain = sat_set_has(&literals->plain, i);
		if (plain || sat_set_has(&literals->negated, i))
			text = rop_printf(arena, "%s%s%s%s", text, *text ? ", " : "", plain ? "" : "not ",
					  logic->facts.at[i].text);
	}
	return text;
}
