/* table.c - a machine and its vocabulary as text for people. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rop/text.h"

void machine_print_when(const struct rop_row *row, struct rop_text *out)
{
	if (row->n_when == 0)
		rop_text_add(out, row->number == 1 ? "always" : "otherwise");
	for (size_t i = 0; i < row->n_when; i++)
		rop_text_add(out, "%s%s", i ? ", " : "", row->when[i].text);
}

void machine_print_does(const struct rop_row *row, struct rop_text *out)
{
	for (size_t i = 0; i < row->n_do; i++)
		rop_text_add(out, "%s%s", i ? ", " : "", row->does[i].text);
}

void machine_print_within(const struct rop_state *state, struct rop_text *out)
{
	char ms[24];
	if (state->within_ms)
		rop_text_add(out, "within %s", rop_duration_print(state->within_ms, ms, sizeof ms));
	if (state->within_per_subject_ms)
		rop_text_add(out, " + %s each", rop_duration_print(state->within_per_subject_ms, ms, sizeof ms));
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

enum column { STATE, NUMBER, WHEN, TO, DO, WHY, COLUMNS };

static const char *const TITLES[COLUMNS] = { "STATE", "#", "WHEN", "TO", "DO", "WHY" };

static void put_cell(const struct rop_machine *machine, const struct rop_row *row, enum column column,
		     struct rop_text *out)
{
	switch (column) {
	case STATE: rop_text_add(out, "%s", machine->states[row->from].name); break;
	case NUMBER: rop_text_add(out, "%d%s", row->number, row->everywhere ? "*" : ""); break;
	case WHEN: machine_print_when(row, out); break;
	case TO: rop_text_add(out, "%s", machine->states[row->to].name); break;
	case DO:
		machine_print_does(row, out);
		if (row->n_do == 0)
			rop_text_add(out, "-");
		break;
	case WHY: rop_text_add(out, "%s", row->why); break;
	case COLUMNS: break;
	}
}

/* All columns but the last are words of the machine: plain ASCII, a byte is a character. */
static void measure(const struct rop_machine *machine, int *widths)
{
	for (int c = 0; c < COLUMNS; c++)
		widths[c] = (int)strlen(TITLES[c]);
	for (size_t s = 0; s < machine->n_states; s++)
		for (size_t r = 0; r < machine->states[s].n_rows; r++)
			for (enum column c = STATE; c < WHY; c++) {
				ROP_OWN_TEXT cell = { 0 };
				put_cell(machine, &machine->states[s].rows[r], c, &cell);
				if ((int)cell.n > widths[c])
					widths[c] = (int)cell.n;
			}
}

static void put_line(const struct rop_machine *machine, const struct rop_row *row, const int *widths,
		     struct rop_text *out)
{
	for (enum column c = STATE; c < COLUMNS; c++) {
		ROP_OWN_TEXT cell = { 0 };
		if (row)
			put_cell(machine, row, c, &cell);
		else
			rop_text_add(&cell, "%s", TITLES[c]);
		rop_text_add(out, "%-*s%s", c == WHY ? 0 : widths[c], cell.at, c == WHY ? "\n" : "  ");
	}
}

/* A line of "# ..." before each state's rows, so that awk and grep still see one row a line. */
void rop_machine_table(const struct rop_machine *machine, struct rop_text *out)
{
	int widths[COLUMNS];
	measure(machine, widths);
	rop_text_add(out, "# machine %s, digest %s: %s\n", machine->name, machine->digest, machine->doc);
	rop_text_add(out, "# starts in %s; the first row that holds is taken; * is declared under everywhere\n",
		     machine->states[machine->initial].name);
	put_line(machine, NULL, widths, out);
	for (size_t s = 0; s < machine->n_states; s++) {
		const struct rop_state *state = &machine->states[s];
		ROP_OWN_TEXT within = { 0 };
		machine_print_within(state, &within);
		rop_text_add(out, "\n# %s%s%s%s: %s\n", state->name, state->final ? ", final" : "",
			     within.n ? ", " : "", within.n ? within.at : "", state->doc);
		for (size_t r = 0; r < state->n_rows; r++)
			put_line(machine, &state->rows[r], widths, out);
	}
}

/* ---- the same, for a terminal that is narrower than that ------------------------------------------------------ */

#define ROW_INDENT 7

static void put_wrapped(struct rop_text *out, size_t indent, size_t columns, const struct rop_text *text)
{
	rop_text_wrap(out, text->at, indent, columns);
	rop_text_add(out, "\n");
}

static void put_part(const struct rop_machine *machine, const struct rop_row *row, const char *word, enum column column,
		     size_t columns, struct rop_text *out)
{
	ROP_OWN_TEXT cell = { 0 };
	put_cell(machine, row, column, &cell);
	rop_text_add(out, "%*s%-7s ", ROW_INDENT, "", word);
	put_wrapped(out, ROW_INDENT + 8, columns, &cell);
}

static void put_row(const struct rop_machine *machine, const struct rop_row *row, size_t columns, struct rop_text *out)
{
	rop_text_add(out, "  %3d%s to %s\n", row->number, row->everywhere ? "*" : " ", machine->states[row->to].name);
	put_part(machine, row, "when", WHEN, columns, out);
	if (row->n_do)
		put_part(machine, row, "do", DO, columns, out);
	put_part(machine, row, "why", WHY, columns, out);
}

void rop_machine_rows(const struct rop_machine *machine, size_t columns, struct rop_text *out)
{
	ROP_OWN_TEXT head = { 0 }, how = { 0 };
	rop_text_add(&head, "machine %s, digest %s: %s", machine->name, machine->digest, machine->doc);
	put_wrapped(out, 2, columns, &head);
	rop_text_add(&how, "starts in %s; the first row that holds is taken; * is declared under everywhere",
		     machine->states[machine->initial].name);
	put_wrapped(out, 2, columns, &how);
	for (size_t s = 0; s < machine->n_states; s++) {
		const struct rop_state *state = &machine->states[s];
		ROP_OWN_TEXT line = { 0 }, within = { 0 };
		machine_print_within(state, &within);
		rop_text_add(&line, "%s%s%s%s: %s", state->name, state->final ? ", final" : "", within.n ? ", " : "",
			     within.n ? within.at : "", state->doc);
		rop_text_add(out, "\n");
		put_wrapped(out, 2, columns, &line);
		for (size_t r = 0; r < state->n_rows; r++)
			put_row(machine, &state->rows[r], columns, out);
	}
}

/* ---- the vocabulary ----------------------------------------------------------------------------------------- */

static void put_args(const struct rop_arg *args, struct rop_text *out)
{
	for (size_t i = 0; i < machine_count_args(args); i++) {
		bool duration = args[i].type == ROP_ARG_DURATION;
		char low[24], high[24];
		snprintf(low, sizeof low, "%" PRId64, args[i].min);
		snprintf(high, sizeof high, "%" PRId64, args[i].max);
		rop_text_add(out, "      %s: %s; a %s from %s to %s\n", args[i].name, args[i].doc,
			     duration ? "duration" : "whole number",
			     duration ? rop_duration_print(args[i].min, low, sizeof low) : low,
			     duration ? rop_duration_print(args[i].max, high, sizeof high) : high);
	}
}

static void put_links(const char *title, const char *const *links, struct rop_text *out)
{
	for (size_t i = 0; i < ROP_IMPLIES_MAX && links[i]; i++)
		rop_text_add(out, "%s%s", i ? ", " : title, links[i]);
	if (links[0])
		rop_text_add(out, "\n");
}

void rop_vocabulary_print(const struct rop_vocabulary *words, struct rop_text *out)
{
	rop_text_add(out, "facts (in 'when:', also as 'not FACT')\n  %s\n      The state's 'within:' has passed.\n",
		     ROP_FACT_OVERDUE);
	for (size_t i = 0; i < words->n_facts; i++) {
		const struct rop_fact *fact = &words->facts[i];
		rop_text_add(out, "  %s\n      %s\n", fact->name, fact->doc);
		put_args(fact->args, out);
		put_links("      implies ", fact->implies, out);
		put_links("      never together with ", fact->excludes, out);
	}
	rop_text_add(out, "actions (in 'do:')\n");
	for (size_t i = 0; i < words->n_actions; i++) {
		rop_text_add(out, "  %s\n      %s\n", words->actions[i].name, words->actions[i].doc);
		put_args(words->actions[i].args, out);
	}
}
