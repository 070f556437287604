/* test_machine_run.c - running a machine, drawing it, checking its whole table. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toy.h"

#define FRESH ((struct rop_clock_in_state){ 0 })

/* Run until a final state finds no row, or `passes` are over; every pass is written down. A pass lasts one second. */
static void run(const struct rop_machine *m, struct toy_world *world, int state, int passes, struct rop_text *trace)
{
	int64_t in_state_ms = 0;
	for (int i = 0; i < passes; i++) {
		struct rop_clock_in_state clock = { .in_state_ms = in_state_ms, .n_subjects = 4 };
		const struct rop_row *row = rop_machine_pick(m, state, world, clock);
		if (!row) {
			cr_assert(m->states[state].final);
			rop_text_add(trace, "%s rests\n", m->states[state].name);
			return;
		}
		struct toy_orders orders = { .world = world };
		rop_row_plan(row, world, &orders);
		for (char *at = orders.text.at; at && *at; at++)
			if (*at == '\n')
				*at = at[1] ? ',' : '\0';
		rop_text_add(trace, "%s %d -> %s: %s\n", m->states[state].name, row->number, m->states[row->to].name,
			     orders.text.n ? orders.text.at : "");
		rop_text_done(&orders.text);
		in_state_ms = row->to == state ? in_state_ms + 1000 : 0;
		state = row->to;
	}
}

static void expect_run(struct toy_world world, const char *from, int passes, const char *expected)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	ROP_OWN_TEXT trace = { 0 };
	cr_assert(toy.machine, "%s", toy.printed.at);
	run(toy.machine, &world, rop_machine_find_state(toy.machine, from), passes, &trace);
	cr_assert_str_eq(trace.at, expected);
}

Test(machine_run, the_toy_washes)
{
	expect_run((struct toy_world){ .started = true, .degrees = 10 }, "Idle", 99,
		   "Idle 3 -> Filling: lock_door\n"
		   "Filling 5 -> Filling: fill 5\n"
		   "Filling 5 -> Filling: fill 5\n"
		   "Filling 5 -> Filling: fill 5\n"
		   "Filling 5 -> Filling: fill 5\n"
		   "Filling 3 -> Washing: \n"
		   "Washing 4 -> Washing: heat\n"
		   "Washing 4 -> Washing: heat\n"
		   "Washing 5 -> Washing: heat,turn 5 1000\n"
		   "Washing 6 -> Washing: turn 10 250\n"
		   "Washing 6 -> Washing: turn 10 250\n"
		   "Washing 6 -> Washing: turn 10 250\n"
		   "Washing 7 -> Draining: drain\n"
		   "Draining 3 -> Done: unlock_door\n"
		   "Done rests\n");
}

Test(machine_run, it_rests_and_is_interrupted)
{
	expect_run((struct toy_world){ 0 }, "Idle", 9, "Idle rests\n");
	expect_run((struct toy_world){ .power_cut = true, .door_open = true, .litres = 5 }, "Washing", 9,
		   "Washing 1 -> Stopped: \nStopped rests\n");
	expect_run((struct toy_world){ .door_open = true, .litres = 5, .degrees = 40 }, "Washing", 9,
		   "Washing 2 -> Broken: drain,beep\nBroken rests\n");
	expect_run((struct toy_world){ .turns = 11, .litres = 5 }, "Stopped", 9,
		   "Stopped 2 -> Draining: drain\nDraining 3 -> Done: unlock_door\nDone rests\n");
}

Test(machine_run, overdue_begins_at_within_and_grows_with_the_subjects)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	const struct rop_machine *m = toy.machine;
	int filling = rop_machine_find_state(m, "Filling"), broken = rop_machine_find_state(m, "Broken");
	const struct toy_world dry = { .started = true };
	cr_assert_eq(rop_state_within_ms(&m->states[filling], 0), 120000);
	cr_assert_eq(rop_state_within_ms(&m->states[filling], 10), 125000);
	cr_assert_eq(rop_state_within_ms(&m->states[filling], SIZE_MAX), INT64_MAX, "no overflow");
	cr_assert_eq(rop_state_within_ms(&m->states[broken], 10), 0, "never");
	static const struct {
		int64_t ms;
		size_t subjects;
		bool overdue;
	} CASES[] = {
		{ 0, 0, false },      { 119999, 0, false }, { 120000, 0, true },
		{ 120000, 1, false }, { 120500, 1, true },  { INT64_MAX, 1000, true },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct rop_clock_in_state clock = { .in_state_ms = CASES[i].ms, .n_subjects = CASES[i].subjects };
		const struct rop_row *row = rop_machine_pick(m, filling, &dry, clock);
		cr_assert_eq(row->to == broken, CASES[i].overdue, "case %zu", i);
		cr_assert_eq(rop_literal_holds(&m->states[filling], &m->states[filling].rows[3].when[0], &dry, clock),
			     CASES[i].overdue);
	}
	struct rop_literal overdue = { .fact = NULL };
	struct rop_clock_in_state late = { .in_state_ms = INT64_MAX };
	cr_assert_not(rop_literal_holds(&m->states[broken], &overdue, &dry, late), "no within, never overdue");
	overdue.negated = true;
	cr_assert(rop_literal_holds(&m->states[broken], &overdue, &dry, late));
}

Test(machine_run, within_saturates_when_the_sum_is_too_large)
{
	struct rop_state state = { .within_ms = INT64_MAX, .within_per_subject_ms = 1 };
	cr_assert_eq(rop_state_within_ms(&state, 1), INT64_MAX);
	cr_assert_eq(rop_state_within_ms(&state, 0), INT64_MAX);
}

/* ---- walks -------------------------------------------------------------------------------------------------- */

struct walked {
	const struct rop_machine *machine;
	struct rop_text text;
	const char *stop_at; /* NULL: goes on as long as it can */
};

static bool visited(void *arg, const struct rop_state *state, const struct rop_row *row)
{
	struct walked *w = arg;
	rop_text_add(&w->text, "%s%s", w->text.n ? " " : "", state->name);
	if (!row)
		rop_text_add(&w->text, " rests");
	return !w->stop_at || strcmp(state->name, w->stop_at) != 0;
}

static void missed(void *arg, const struct rop_row *row, const struct rop_literal *literal)
{
	struct walked *w = arg;
	rop_text_add(&w->text, "%s(%d: %s)", w->text.n ? " " : "", row->number, literal->text);
}

static const char *walk(struct walked *w, const char *from, const struct toy_world *world, int64_t in_state_ms,
			bool tell_missed)
{
	const struct rop_walk how = { .visit = visited, .missed = tell_missed ? missed : NULL, .arg = w };
	struct rop_clock_in_state clock = { .in_state_ms = in_state_ms };
	rop_text_done(&w->text);
	bool ended = rop_machine_walk(w->machine, rop_machine_find_state(w->machine, from), world, clock, &how);
	rop_text_add(&w->text, "%s", ended ? "" : " ...");
	return w->text.at;
}

Test(machine_run, a_walk_takes_rows_until_one_leads_back_none_holds_or_the_visitor_has_seen_enough)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	struct walked w = { .machine = toy.machine };
	const struct toy_world dry = { .started = true, .degrees = 10 }, idle = { 0 };
	cr_assert_str_eq(walk(&w, "Idle", &idle, 0, false), "Idle rests");
	cr_assert_str_eq(walk(&w, "Idle", &dry, 0, false), "Idle Filling");
	w.stop_at = "Idle";
	cr_assert_str_eq(walk(&w, "Idle", &dry, 0, false), "Idle");
	rop_text_done(&w.text);
}

Test(machine_run, a_walk_tells_the_conditions_that_rows_before_the_one_taken_lack)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	struct walked w = { .machine = toy.machine };
	const struct toy_world dry = { .started = true, .degrees = 10 };
	cr_assert_str_eq(walk(&w, "Filling", &dry, 0, true), "(1: power_cut) (2: door_open) (2: not empty) (3: full) "
							     "(4: overdue) Filling");
	rop_text_done(&w.text);
}

Test(machine_run, a_walk_enters_each_state_with_a_clock_of_its_own)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	struct walked w = { .machine = toy.machine };
	const struct toy_world dry = { .started = true, .degrees = 10 };
	cr_assert_str_eq(walk(&w, "Filling", &dry, 120000, false), "Filling Broken rests", "overdue");
	cr_assert_str_eq(walk(&w, "Idle", &dry, 120000, false), "Idle Filling", "not overdue: it was just entered");
	rop_text_done(&w.text);
}

Test(machine_run, what_was_spent_on_earlier_visits_counts_where_it_is_told)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	struct walked w = { .machine = toy.machine };
	const struct toy_world dry = { .started = true, .degrees = 10 };
	int64_t spent_ms[ROP_STATES_MAX] = { 0 };
	const struct rop_walk how = { .visit = visited, .arg = &w };
	struct rop_clock_in_state clock = { .spent_ms = spent_ms };
	spent_ms[rop_machine_find_state(toy.machine, "Filling")] = 119999;
	cr_assert(rop_machine_walk(toy.machine, rop_machine_find_state(toy.machine, "Idle"), &dry, clock, &how));
	cr_assert_str_eq(w.text.at, "Idle Filling");
	rop_text_done(&w.text);
	spent_ms[rop_machine_find_state(toy.machine, "Filling")] = 120000;
	cr_assert(rop_machine_walk(toy.machine, rop_machine_find_state(toy.machine, "Idle"), &dry, clock, &how));
	cr_assert_str_eq(w.text.at, "Idle Filling Broken rests");
	rop_text_done(&w.text);
}

/* 60 states, one after the other: more than a pass could take when it counted to 32. */
Test(machine_run, a_walk_is_as_long_as_the_machine_and_no_circle_is_endless)
{
	struct rop_state states[60];
	struct rop_row rows[60];
	struct rop_machine machine = { .states = states, .n_states = 60 };
	struct walked w = { .machine = &machine };
	for (int i = 0; i < 60; i++) {
		rows[i] = (struct rop_row){ .from = i, .to = i + 1 };
		states[i] = (struct rop_state){ .name = i == 59 ? "last" : "x", .n_rows = i < 59, .rows = &rows[i] };
	}
	w.stop_at = "nowhere";
	const struct rop_walk how = { .visit = visited, .arg = &w };
	cr_assert(rop_machine_walk(&machine, 0, NULL, FRESH, &how));
	cr_assert(strstr(w.text.at, "x last rests"));
	states[59].n_rows = 1;
	rows[59].to = 0;
	cr_assert_not(rop_machine_walk(&machine, 0, NULL, FRESH, &how));
	rop_text_done(&w.text);
}

/* ---- drawings ----------------------------------------------------------------------------------------------- */

/* The committed file is what is drawn now. ROP_UPDATE_GOLDEN=1 writes it anew, for review. */
static void expect_golden(const char *name, const struct rop_text *drawn)
{
	char path[4096], committed[65536] = "";
	snprintf(path, sizeof path, TOP_SRCDIR "/tests/golden/%s", name);
	FILE *f = fopen(path, getenv("ROP_UPDATE_GOLDEN") ? "w+" : "r");
	cr_assert(f, "%s", path);
	if (getenv("ROP_UPDATE_GOLDEN")) {
		fputs(drawn->at, f);
		rewind(f);
	}
	committed[fread(committed, 1, sizeof committed - 1, f)] = '\0';
	fclose(f);
	cr_assert_str_eq(drawn->at, committed, "%s differs from what is drawn now", path);
}

Test(machine_run, the_drawings_are_those_that_were_reviewed)
{
	static const struct {
		const char *name;
		void (*draw)(const struct rop_machine *machine, struct rop_text *out);
	} DRAWINGS[] = {
		{ "toy.dot", rop_machine_dot },
		{ "toy.mmd", rop_machine_mermaid },
		{ "toy.txt", rop_machine_table },
	};
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	for (size_t i = 0; i < sizeof DRAWINGS / sizeof *DRAWINGS; i++) {
		ROP_OWN_TEXT drawn = { 0 };
		DRAWINGS[i].draw(toy.machine, &drawn);
		expect_golden(DRAWINGS[i].name, &drawn);
	}
	ROP_OWN_TEXT words = { 0 };
	rop_vocabulary_print(&TOY_WORDS, &words);
	expect_golden("toy.words", &words);
}

Test(machine_run, rows_fit_a_terminal_and_none_is_left_out)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	ROP_OWN_TEXT rows = { 0 };
	rop_machine_rows(toy.machine, 60, &rows);
	for (const char *line = rows.at; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n");
		cr_assert_leq(n, 60, "%.*s", (int)n, line);
		line += n;
	}
	for (size_t s = 0; s < toy.machine->n_states; s++)
		for (size_t r = 0; r < toy.machine->states[s].n_rows; r++) {
			const struct rop_row *row = &toy.machine->states[s].rows[r];
			char head[200];
			snprintf(head, sizeof head, "  %3d%s to %s\n       when ", row->number,
				 row->everywhere ? "*" : " ", toy.machine->states[row->to].name);
			cr_assert(strstr(rows.at, head), "%s: %s", head, rows.at);
		}
}

Test(machine_run, texts_cannot_break_out_of_a_drawing)
{
	struct rop_row row = { .number = 2, .why = "a \"quoted\" \\ path & co" };
	struct rop_state state = { .name = "A", .doc = "first\nsecond", .n_rows = 1, .rows = &row, .final = true };
	struct rop_machine machine = {
		.name = "m", .doc = "ends; here: #1 {x} \"y\" <b> 5% a\\b &\nnew", .n_states = 1, .states = &state
	};
	ROP_OWN_TEXT dot = { 0 }, mermaid = { 0 };
	rop_machine_dot(&machine, &dot);
	cr_assert(strstr(dot.at, "tooltip=\"a \\\"quoted\\\" \\\\ path &amp; co\""), "%s", dot.at);
	cr_assert(strstr(dot.at, "tooltip=\"first\\nsecond\""));
	cr_assert(strstr(dot.at, "label=\"2: otherwise\""));
	rop_machine_mermaid(&machine, &mermaid);
	cr_assert(strstr(mermaid.at, "ends#59; here#58; #35;1 #123;x#125; #34;y#34; #60;b#62; 5#37; a#92;b "
				     "#38;#10;new"),
		  "%s", mermaid.at);
}

/* ---- the whole table ---------------------------------------------------------------------------------------- */

Test(machine_run, every_cell_of_the_toy_leads_somewhere)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	struct rop_err err = { 0 };
	size_t cells = 0;
	cr_assert(rop_machine_check_table(toy.machine, &cells, &err), "%s", err.text);
	/* Counted by hand. Idle: power_cut, door_open, empty, started: 2^4. Filling: power_cut, door_open, empty | full
	 * (3 ways), overdue: 2*2*3*2. Washing: power_cut, overdue and 10 ways that door_open, empty and turned allow
	 * times 3 ways of warm, hotter_than:  (door, empty, turned): 5 of 8 are allowed. Draining: power_cut,
	 * door_open, empty, overdue: 2^4. Done: power_cut, door_open, empty: 2^3. Stopped: 2^3. Broken: power_cut: 2.
	 */
	cr_assert_eq(cells, 16 + 24 + 2 * 2 * 5 * 3 + 16 + 8 + 8 + 2);
}

Test(machine_run, a_hole_or_a_trap_made_by_hand_is_found_by_the_whole_table)
{
	struct rop_err err = { 0 };
	size_t cells = 7;
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	struct rop_state *filling = &toy.machine->states[rop_machine_find_state(toy.machine, "Filling")];
	filling->n_rows--;
	cr_assert_not(rop_machine_check_table(toy.machine, &cells, &err));
	cr_assert_eq(err.code, ROP_INVALID);
	cr_assert_str_eq(err.text, "machine 'washer', state 'Filling': no row holds when not overdue, not power_cut, "
				   "not door_open, not empty, not full");
	filling->n_rows++;
	for (size_t i = 0; i < filling->n_rows; i++)
		filling->rows[i].to = filling->rows[i].from;
	cr_assert_not(rop_machine_check_table(toy.machine, &cells, &err));
	cr_assert_str_eq(err.text, "machine 'washer', state 'Filling': no path to a final state");
	cr_assert_eq(cells, 7, "a failed check leaves its output alone");
}

/* A state that names more facts than can be enumerated. */
static void add_many(struct rop_text *text, int facts)
{
	rop_text_add(text, "machine: many\ndoc: Many facts.\ninitial: A\nstates:\n  A:\n    doc: Choose.\n    rows:\n");
	for (int i = 0; i < facts; i++)
		rop_text_add(text, "      - { when: [hotter_than: %d], to: Z, why: hot }\n", 20 + i);
	rop_text_add(text, "      - { to: Z, why: cold }\n  Z: { doc: The end., final: true }\n");
}

Test(machine_run, a_state_with_many_facts_is_checked_row_by_row)
{
	struct rop_err err = { 0 };
	for (int facts = 16; facts <= 17; facts++) {
		size_t cells = 0;
		ROP_OWN_TEXT text = { 0 };
		add_many(&text, facts);
		OWN_TOY many = toy_load_text(text.at, &TOY_WORDS);
		cr_assert(many.machine, "%s", many.printed.at);
		cr_assert(rop_machine_check_table(many.machine, &cells, &err));
		cr_assert_eq(cells, facts == 16 ? 65536 + 1 : 17 + 1 + 1, "%zu cells", cells);
		many.machine->states[0].n_rows--;
		cr_assert_not(rop_machine_check_table(many.machine, &cells, &err));
		cr_assert(strstr(err.text, "no row holds when not hotter_than 20, not hotter_than 21"), "%s", err.text);
	}
}

static bool never(const void *subject, const int64_t *args)
{
	(void)subject, (void)args;
	return false;
}

/* Ten pigeons and nine holes; a pigeon that is not awake needs none. Then all are awake: whether all can sit takes
 * longer to decide than anyone waits. */
Test(machine_run, a_question_that_is_too_hard_fails_the_check)
{
	static const struct rop_fact FACTS[] = {
		{ .name = "sits",
		  .doc = "It sits there.",
		  .holds = never,
		  .args = { { "p", "pigeon", ROP_ARG_INT, 0, 9 }, { "h", "hole", ROP_ARG_INT, 0, 9 } } },
		{ .name = "awake",
		  .doc = "It is awake.",
		  .holds = never,
		  .args = { { "p", "pigeon", ROP_ARG_INT, 0, 9 } } },
	};
	const struct rop_vocabulary words = { .facts = FACTS, .n_facts = 2 };
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "machine: pigeons\ndoc: Pigeons.\ninitial: A\nstates:\n  A:\n    doc: All sit.\n    "
			    "rows:\n");
	for (int p = 0; p < 10; p++) {
		rop_text_add(&text, "      - { to: Z, why: homeless, when: [awake: %d", p);
		for (int h = 0; h < 9; h++)
			rop_text_add(&text, ", { not sits: { p: %d, h: %d } }", p, h);
		rop_text_add(&text, "] }\n");
	}
	for (int h = 0; h < 9; h++)
		for (int p = 0; p < 10; p++)
			for (int q = 0; q < p; q++)
				rop_text_add(&text,
					     "      - { to: Z, why: crowded, when: [sits: { p: %d, h: %d }, sits: { p: "
					     "%d, h: %d }] }\n",
					     p, h, q, h);
	rop_text_add(&text, "      - { to: Z, why: all sit }\n  Z: { doc: The end., final: true }\n");
	OWN_TOY pigeons = toy_load_text(text.at, &words);
	cr_assert(pigeons.machine, "%s", pigeons.printed.at);
	struct rop_err err = { 0 };
	size_t cells = 0;
	cr_assert(rop_machine_check_table(pigeons.machine, &cells, &err), "%s", err.text);
	cr_assert_eq(cells, 10 + 9 * 45 + 1 + 1, "%zu", cells);
	for (int p = 0; p < 10; p++) {
		pigeons.machine->states[0].rows[p].when++;
		pigeons.machine->states[0].rows[p].n_when--;
	}
	cr_assert_not(rop_machine_check_table(pigeons.machine, &cells, &err));
	cr_assert(strstr(err.text, "state 'A': too intricate to be decided"), "%s", err.text);
}

Test(machine_run, more_facts_than_the_solver_holds_fail_the_check)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	struct rop_row *row = &toy.machine->states[0].rows[0];
	struct rop_literal when[300];
	struct rop_err err = { 0 };
	size_t cells = 0;
	for (int i = 0; i < 300; i++) {
		when[i] = row->when[0];
		when[i].args[0] = i;
	}
	row->when = when;
	row->n_when = 300;
	cr_assert_not(rop_machine_check_table(toy.machine, &cells, &err));
	cr_assert_str_eq(err.text, "machine 'washer': too many facts");
}
