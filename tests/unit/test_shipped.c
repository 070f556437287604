/* test_shipped.c - the machine that is shipped: sound as a whole, uses its vocabulary, and is drawn as committed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

TestSuite(shipped, .init = world_setup, .fini = world_teardown);

Test(shipped, every_cell_of_the_whole_table_leads_somewhere_and_every_state_can_come_to_rest)
{
	const struct rop_machine *machine = shipped_machine();
	struct rop_err err = { 0 };
	size_t cells = 0;
	cr_assert(rop_machine_check_table(machine, &cells, &err), "%s", err.text);
	cr_assert_gt(cells, 500);
	cr_log_info("%zu cells", cells);
}

Test(shipped, has_the_states_that_people_were_told_of)
{
	const struct rop_machine *machine = shipped_machine();
	static const char *const STATES[] = { "Observe", "Configure", "Verify",  "AssignSlots", "Replicate",
					      "Ready",   "Degraded",  "Drained", "Blocked",     "Paused" };
	for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++)
		cr_assert_geq(rop_machine_find_state(machine, STATES[i]), 0, "%s", STATES[i]);
	cr_assert_str_eq(machine->states[machine->initial].name, "Observe");
	static const char *const FINAL[] = { "Ready", "Degraded", "Drained", "Blocked", "Paused" };
	for (size_t i = 0; i < sizeof FINAL / sizeof *FINAL; i++)
		cr_assert(machine->states[rop_machine_find_state(machine, FINAL[i])].final, "%s", FINAL[i]);
}

static bool uses(const struct rop_machine *machine, const char *fact, const char *action)
{
	for (size_t s = 0; s < machine->n_states; s++) {
		for (size_t r = 0; r < machine->states[s].n_rows; r++) {
			const struct rop_row *row = &machine->states[s].rows[r];
			for (size_t i = 0; fact && i < row->n_when; i++)
				if (row->when[i].fact && strcmp(row->when[i].fact->name, fact) == 0)
					return true;
			for (size_t i = 0; action && i < row->n_do; i++)
				if (strcmp(row->does[i].action->name, action) == 0)
					return true;
		}
	}
	return false;
}

Test(shipped, uses_every_action_and_every_fact)
{
	const struct rop_machine *machine = shipped_machine();
	const struct rop_vocabulary *words = rop_cluster_words();
	for (size_t i = 0; i < words->n_actions; i++)
		cr_assert(uses(machine, NULL, words->actions[i].name), "nothing does %s", words->actions[i].name);
	for (size_t i = 0; i < words->n_facts; i++)
		cr_assert(uses(machine, words->facts[i].name, NULL), "no row asks for %s", words->facts[i].name);
}

/* Rests for ever only where it was said that it may. */
Test(shipped, only_final_states_lack_a_limit_in_time_where_they_wait)
{
	const struct rop_machine *machine = shipped_machine();
	for (size_t s = 0; s < machine->n_states; s++) {
		const struct rop_state *state = &machine->states[s];
		for (size_t r = 0; r < state->n_rows; r++)
			cr_assert(state->rows[r].to != (int)s || state->final || state->within_ms > 0,
				  "%s waits for ever", state->name);
	}
}

static void expect_drawing(const char *path, void (*draw)(const struct rop_machine *machine, struct rop_text *out),
			   const char *how)
{
	ROP_OWN_TEXT now = { 0 };
	const char *committed = read_source(path);
	draw(shipped_machine(), &now);
	cr_assert(committed, "%s is missing", path);
	cr_assert_str_eq(now.at, committed,
			 "%s is not the machine any more: redis-operator machine graph states/cluster.yaml%s >%s", path,
			 how, path);
}

Test(shipped, the_drawings_beside_it_are_of_it)
{
	expect_drawing("states/cluster.dot", rop_machine_dot, "");
	expect_drawing("states/cluster.mmd", rop_machine_mermaid, " mermaid");
}
