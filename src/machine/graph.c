/* graph.c - draw a machine: Graphviz and Mermaid. Same machine, same bytes, so that drawings can be committed. */
#include "internal.h"

#include <string.h>

/* ---- Graphviz ----------------------------------------------------------------------------------------------- */

/* In a quoted string of dot: quotes end it, backslashes and ampersands begin escapes, a line end is \n. */
static void put_dot(struct rop_text *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '"': rop_text_add(out, "\\\""); break;
		case '\\': rop_text_add(out, "\\\\"); break;
		case '&': rop_text_add(out, "&amp;"); break;
		case '\n': rop_text_add(out, "\\n"); break;
		default: rop_text_put(out, s, 1);
		}
	}
}

static void put_dot_attribute(struct rop_text *out, const char *name, const char *value)
{
	rop_text_add(out, "%s=\"", name);
	put_dot(out, value);
	rop_text_add(out, "\"");
}

static void put_dot_state(const struct rop_state *state, struct rop_text *out)
{
	ROP_OWN_TEXT label = { 0 };
	rop_text_add(&label, "%s", state->name);
	if (state->within_ms) {
		rop_text_add(&label, "\n");
		machine_print_within(state, &label);
	}
	rop_text_add(out, "\t\"%s\" [", state->name);
	put_dot_attribute(out, "label", label.at);
	rop_text_add(out, ", shape=%s, ", state->final ? "doublecircle" : "ellipse");
	put_dot_attribute(out, "tooltip", state->doc);
	rop_text_add(out, "];\n");
}

static void put_dot_row(const struct rop_machine *machine, const struct rop_row *row, struct rop_text *out)
{
	ROP_OWN_TEXT label = { 0 };
	rop_text_add(&label, "%d: ", row->number);
	machine_print_when(row, &label);
	if (row->n_do) {
		rop_text_add(&label, "\n/ ");
		machine_print_does(row, &label);
	}
	rop_text_add(out, "\t\"%s\" -> \"%s\" [", machine->states[row->from].name, machine->states[row->to].name);
	put_dot_attribute(out, "label", label.at);
	rop_text_add(out, ", ");
	put_dot_attribute(out, "tooltip", row->why);
	rop_text_add(out, ", ");
	put_dot_attribute(out, "labeltooltip", row->why);
	/* Rows of `everywhere` are drawn apart and do not bend the layout. */
	if (row->everywhere)
		rop_text_add(out, ", style=dashed, color=grey, fontcolor=grey, constraint=false");
	rop_text_add(out, "];\n");
}

void rop_machine_dot(const struct rop_machine *machine, struct rop_text *out)
{
	rop_text_add(out, "digraph \"%s\" {\n\tgraph [", machine->name);
	put_dot_attribute(out, "label", machine->doc);
	rop_text_add(out, ", labelloc=t, rankdir=TB, fontname=\"sans-serif\"];\n"
			  "\tnode [fontname=\"sans-serif\"];\n"
			  "\tedge [fontname=\"sans-serif\", fontsize=10];\n"
			  "\t\"\" [shape=point, tooltip=\"start\"];\n");
	for (size_t s = 0; s < machine->n_states; s++)
		put_dot_state(&machine->states[s], out);
	rop_text_add(out, "\t\"\" -> \"%s\" [tooltip=\"start\"];\n", machine->states[machine->initial].name);
	for (size_t s = 0; s < machine->n_states; s++)
		for (size_t r = 0; r < machine->states[s].n_rows; r++)
			put_dot_row(machine, &machine->states[s].rows[r], out);
	rop_text_add(out, "}\n");
}

/* ---- Mermaid ------------------------------------------------------------------------------------------------ */

/* In a label of a state diagram these characters end or begin something; written as entities they are text. */
static void put_mermaid(struct rop_text *out, const char *s)
{
	for (; *s; s++) {
		if (strchr("#;:\"<>{}%&\\\n", *s))
			rop_text_add(out, "#%d;", *s);
		else
			rop_text_put(out, s, 1);
	}
}

static void put_mermaid_row(const struct rop_machine *machine, const struct rop_row *row, struct rop_text *out)
{
	ROP_OWN_TEXT label = { 0 };
	machine_print_when(row, &label);
	if (row->n_do) {
		rop_text_add(&label, " / ");
		machine_print_does(row, &label);
	}
	rop_text_add(out, "    %s --> %s : %d. ", machine->states[row->from].name, machine->states[row->to].name,
		     row->number);
	put_mermaid(out, label.at);
	rop_text_add(out, "\n");
}

void rop_machine_mermaid(const struct rop_machine *machine, struct rop_text *out)
{
	rop_text_add(out, "stateDiagram-v2\n    accTitle: %s\n    accDescr: ", machine->name);
	put_mermaid(out, machine->doc);
	rop_text_add(out, "\n    [*] --> %s\n", machine->states[machine->initial].name);
	for (size_t s = 0; s < machine->n_states; s++) {
		const struct rop_state *state = &machine->states[s];
		for (size_t r = 0; r < state->n_rows; r++)
			put_mermaid_row(machine, &state->rows[r], out);
		if (state->final)
			rop_text_add(out, "    %s --> [*]\n", state->name);
	}
}
