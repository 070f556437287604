/* verify.c - refuse a machine with holes, dead rows, unreachable states, traps, endless waiting or idle circles. */
#include "internal.h"

struct verify {
	const struct rop_machine *machine;
	const struct machine_place *places;
	const struct machine_reader *reader;
	struct logic logic;
	struct rop_arena *arena; /* for the time of the check */
	uint64_t *leads_to;      /* [state]: the states that its takeable rows lead to */
	ROP_LIST(const struct rop_doc_node *)
	refused; /* rows: one of `everywhere` is refused once, not in each state */
};

static const struct sat_literals ANYTHING;

/* Nothing is refused on the ground of an answer that the solver did not find. */
static void refuse(struct verify *v, const struct rop_doc_node *node, const char *message)
{
	if (!v->logic.gave_up)
		machine_error(v->reader, node, "%s", message);
}

static bool refused_before(struct verify *v, const struct rop_doc_node *row)
{
	for (size_t i = 0; i < v->refused.n; i++)
		if (v->refused.at[i] == row)
			return true;
	*rop_push(v->arena, &v->refused) = row;
	return false;
}

#define SAY(v, ...) rop_printf((v)->arena, __VA_ARGS__)

/* ---- rows that can never be taken --------------------------------------------------------------------------- */

/* Why the row is never the first that holds: itself, one earlier row, or several. */
static const char *explain_dead(struct verify *v, int s, size_t row)
{
	struct logic *logic = &v->logic;
	const struct rop_state *state = &v->machine->states[s];
	const struct sat_literals *when = &logic->when[s][row];
	if (!logic_can_hold(logic, when, &ANYTHING))
		return SAY(v, "row %zu of '%s' can never be taken: its facts contradict each other", row + 1,
			   state->name);
	for (size_t i = 0; i < row; i++) {
		struct sat_literals not_earlier = sat_not(&logic->when[s][i]);
		size_t at_rest = logic->sat.clauses.n;
		sat_add(&logic->sat, &not_earlier);
		bool gets_past = logic_can_hold(logic, when, &ANYTHING);
		logic->sat.clauses.n = at_rest;
		if (!gets_past)
			return SAY(v, "row %zu of '%s' can never be taken: row %zu (line %d) is always taken before it",
				   row + 1, state->name, i + 1, state->rows[i].line);
	}
	return SAY(v, "row %zu of '%s' can never be taken: the rows before it leave nothing over", row + 1,
		   state->name);
}

static bool names_overdue(const struct verify *v, int s, size_t row)
{
	const struct sat_literals *when = &v->logic.when[s][row];
	return sat_set_has(&when->plain, LOGIC_OVERDUE) || sat_set_has(&when->negated, LOGIC_OVERDUE);
}

static void check_rows(struct verify *v, int s)
{
	const struct rop_state *state = &v->machine->states[s];
	for (size_t r = 0; r < state->n_rows; r++) {
		const struct rop_doc_node *node = v->places[s].rows[r];
		bool takeable = logic_can_take(&v->logic, s, r, &ANYTHING, NULL);
		if (takeable)
			v->leads_to[s] |= (uint64_t)1 << state->rows[r].to;
		if (names_overdue(v, s, r) && state->within_ms == 0) {
			if (!refused_before(v, node))
				refuse(v, node,
				       SAY(v, "'overdue' never holds in '%s', which has no 'within'", state->name));
		} else if (!takeable && !refused_before(v, node)) {
			refuse(v, node, explain_dead(v, s, r));
		}
	}
}

/* ---- holes -------------------------------------------------------------------------------------------------- */

/* Does no row of the state hold, whatever the facts that `given` leaves open? */
static bool finds_no_row(struct verify *v, int s, const struct sat_literals *given)
{
	for (size_t r = 0; r < v->machine->states[s].n_rows; r++)
		if (logic_can_hold(&v->logic, given, &v->logic.when[s][r]))
			return false;
	return true;
}

/* Drop what the hole does not depend on, so that a person reads the reason and not a list of all facts. */
static void shorten(struct verify *v, int s, struct sat_literals *hole)
{
	for (size_t i = 0; i < v->logic.facts.n; i++) {
		struct sat_literals less = *hole;
		sat_set_drop(&less.plain, i);
		sat_set_drop(&less.negated, i);
		if (finds_no_row(v, s, &less))
			*hole = less;
	}
}

static void check_holes(struct verify *v, int s)
{
	const struct rop_state *state = &v->machine->states[s];
	struct sat_literals hole;
	if (state->final || !logic_can_take(&v->logic, s, state->n_rows, &ANYTHING, &hole))
		return;
	shorten(v, s, &hole);
	const char *facts = logic_print(&v->logic, v->arena, &hole);
	if (*facts)
		refuse(v, v->places[s].key,
		       SAY(v, "the state '%s' has no way on: no row holds when %s", state->name, facts));
	else
		refuse(v, v->places[s].key, SAY(v, "the state '%s' has no way on: it has no rows", state->name));
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static void check_waiting(struct verify *v, int s)
{
	const struct rop_state *state = &v->machine->states[s];
	struct sat_literals overdue = { 0 };
	sat_set_add(&overdue.plain, LOGIC_OVERDUE);
	if (state->within_ms && !sat_set_has(&v->logic.named[s], LOGIC_OVERDUE))
		refuse(v, v->places[s].within,
		       SAY(v, "'within' of '%s' changes nothing: no row names 'overdue'", state->name));
	for (size_t r = 0; r < state->n_rows && !state->final; r++) {
		if (state->rows[r].to != s)
			continue;
		if (state->within_ms == 0)
			refuse(v, v->places[s].rows[r],
			       SAY(v, "row %zu leads back to '%s', which has no 'within': it might wait for ever",
				   r + 1, state->name));
		else if (logic_can_take(&v->logic, s, r, &overdue, NULL))
			refuse(v, v->places[s].rows[r],
			       SAY(v, "row %zu may lead back to '%s' although it is overdue: it might wait for ever",
				   r + 1, state->name));
	}
}

/* ---- ways to get somewhere ---------------------------------------------------------------------------------- */

/* The states that can be reached from `from`, itself included. */
static uint64_t reach(const struct verify *v, int from)
{
	uint64_t reached = (uint64_t)1 << from, before;
	do {
		before = reached;
		for (size_t s = 0; s < v->machine->n_states; s++)
			if (reached >> s & 1)
				reached |= v->leads_to[s];
	} while (reached != before);
	return reached;
}

static void check_ways(struct verify *v)
{
	const struct rop_machine *machine = v->machine;
	uint64_t reached = reach(v, machine->initial), final = 0;
	for (size_t s = 0; s < machine->n_states; s++)
		final |= (uint64_t)machine->states[s].final << s;
	if (!final)
		refuse(v, rop_doc_find_key(v->reader->doc->root, "states"),
		       "no state is final: the machine can never rest");
	for (size_t s = 0; s < machine->n_states; s++) {
		const char *name = machine->states[s].name;
		if (!(reached >> s & 1))
			refuse(v, v->places[s].key,
			       SAY(v, "the state '%s' cannot be reached from '%s'", name,
				   machine->states[machine->initial].name));
		else if (final && !(reach(v, (int)s) & final))
			refuse(v, v->places[s].key,
			       SAY(v, "the state '%s' is a trap: no final state can be reached from it", name));
	}
}

/* ---- circles ------------------------------------------------------------------------------------------------ */

/* Rows taken one after the other for the same facts. */
struct trail {
	const struct rop_row *rows[ROP_STATES_MAX];
	size_t n;
	uint64_t seen; /* states */
	struct sat_set named;
};

static void refuse_circle(struct verify *v, const struct trail *trail, struct sat_literals facts)
{
	const struct rop_row *first = trail->rows[0];
	const char *way = v->machine->states[first->from].name;
	for (size_t i = 0; i < trail->n; i++)
		way = SAY(v, "%s -> %s", way, v->machine->states[trail->rows[i]->to].name);
	sat_set_keep(&facts.plain, &trail->named);
	sat_set_keep(&facts.negated, &trail->named);
	const char *when = logic_print(&v->logic, v->arena, &facts);
	refuse(v, v->places[first->from].rows[first->number - 1],
	       SAY(v, "these rows go round for ever without an action: %s%s%s", way, *when ? ", when " : "", when));
}

/* Follow all rows without actions from `at`, back to where the trail began. Each circle is found once, from its lowest
 * state. A row that leads back to its own state is waiting, not a circle: the pass ends there. */
static void walk(struct verify *v, struct trail *trail, int start, int at, const struct sat_literals *given)
{
	const struct rop_state *state = &v->machine->states[at];
	trail->seen |= (uint64_t)1 << at;
	for (size_t r = 0; r < state->n_rows && !v->logic.gave_up; r++) {
		const struct rop_row *row = &state->rows[r];
		bool closes = row->to == start;
		if (row->n_do || row->to == at || row->to < start || (!closes && trail->seen >> row->to & 1))
			continue;
		size_t at_rest = v->logic.sat.clauses.n;
		struct sat_literals known = *given, facts;
		struct sat_set named = trail->named;
		logic_assume_taken(&v->logic, at, r, &known);
		trail->rows[trail->n++] = row;
		sat_set_join(&trail->named, &v->logic.named[at]);
		if (logic_solve(&v->logic, &known, &facts)) {
			if (closes)
				refuse_circle(v, trail, facts);
			else
				walk(v, trail, start, row->to, &known);
		}
		trail->named = named;
		trail->n--;
		v->logic.sat.clauses.n = at_rest;
	}
	trail->seen &= ~((uint64_t)1 << at);
}

static void check_circles(struct verify *v)
{
	struct sat_literals fresh = { 0 };
	sat_set_add(&fresh.negated, LOGIC_OVERDUE); /* a state that was just entered is not overdue */
	for (size_t s = 0; s < v->machine->n_states; s++) {
		struct trail trail = { .n = 0 };
		walk(v, &trail, (int)s, (int)s, &fresh);
	}
}

void machine_verify(const struct rop_machine *machine, const struct machine_place *places,
		    const struct machine_reader *reader, size_t budget)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct verify v = { .machine = machine, .places = places, .reader = reader, .arena = arena };
	const struct rop_doc_node *states = rop_doc_find_key(reader->doc->root, "states");
	v.leads_to = rop_alloc_n(arena, machine->n_states, sizeof *v.leads_to);
	if (!logic_init(&v.logic, arena, machine, budget)) {
		machine_error(reader, states, "the rows name more than %d facts", SAT_FACTS_MAX - 1);
		return;
	}
	for (size_t s = 0; s < machine->n_states; s++) {
		check_rows(&v, (int)s);
		check_holes(&v, (int)s);
		check_waiting(&v, (int)s);
	}
	check_ways(&v);
	check_circles(&v);
	if (v.logic.gave_up)
		machine_error(reader, states,
			      "the rules are too intricate to be decided: name fewer facts in one state");
}
