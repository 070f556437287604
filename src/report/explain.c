/* explain.c - what is open, which row holds now, which facts made it hold; who wants it, every fact. */
#include <jansson.h>
#include <string.h>

#include "rop/text.h"
#include "shared.h"

/* In a column of `width`, which colours do not count for. */
static const char *yes_no(const struct rop_report *r, bool holds, int width)
{
	const char *word = holds ? "holds" : "does not";
	int room = width > (int)strlen(word) ? width - (int)strlen(word) : 0;
	return rop_printf(r->arena, "%s%s%s%*s", report_paint(r, holds ? "green" : "dim"), word, report_paint(r, "off"),
			  room, "");
}

struct explaining {
	const struct rop_report *r;
	struct rop_text *out; /* or else: */
	json_t *path;
	int named; /* the state whose heading was printed last */
};

static void print_state(struct explaining *e, const struct rop_state *st)
{
	if (!e->out || e->named == (int)(st - e->r->machine->states))
		return;
	e->named = (int)(st - e->r->machine->states);
	rop_text_add(e->out, "%s%s%s  %s\n", report_paint(e->r, "bold"), st->name, report_paint(e->r, "off"), st->doc);
}

static void explain_missed(void *arg, const struct rop_row *row, const struct rop_literal *literal)
{
	struct explaining *e = arg;
	print_state(e, &e->r->machine->states[row->from]);
	rop_text_add(e->out, "    row %d to %s: '%s' does not hold\n", row->number, e->r->machine->states[row->to].name,
		     literal->text);
}

static void print_taken(struct explaining *e, const struct rop_row *taken)
{
	rop_text_add(e->out, "  row %d holds: to %s, because %s\n", taken->number,
		     e->r->machine->states[taken->to].name, taken->why);
	for (size_t w = 0; w < taken->n_when; w++)
		rop_text_add(e->out, "    %-28s %s\n", taken->when[w].text, yes_no(e->r, true, 0));
	for (size_t d = 0; d < taken->n_do; d++)
		rop_text_add(e->out, "    does %s\n", taken->does[d].text);
}

static bool explain_row(void *arg, const struct rop_state *st, const struct rop_row *taken)
{
	struct explaining *e = arg;
	print_state(e, st);
	if (!taken && e->out)
		rop_text_add(e->out, "  no row leaves it: it rests here\n");
	if (!taken)
		return false;
	if (e->path) {
		json_t *when = json_array();
		for (size_t w = 0; w < taken->n_when; w++)
			json_array_append_new(when, json_string(taken->when[w].text));
		json_array_append_new(e->path, rop_json("{s:s, s:i, s:s, s:s, s:o}", "state", st->name, "row",
							taken->number, "to", e->r->machine->states[taken->to].name,
							"why", taken->why, "when", when));
	} else {
		print_taken(e, taken);
	}
	return !taken->n_do;
}

/* From the initial state, the rows that would be taken now, until one acts, waits or rests. */
static void explain_rows(const struct rop_report *r, struct rop_situation *now, struct rop_text *out, json_t *path)
{
	struct explaining e = { .r = r, .out = out, .path = path, .named = -1 };
	const struct rop_walk walk = {
		.visit = explain_row,
		.missed = r->verbose && out ? explain_missed : NULL,
		.arg = &e,
	};
	struct rop_clock_in_state clock = { .in_state_ms = 0, .n_subjects = r->topology->nodes.n };
	rop_machine_walk(r->machine, r->machine->initial, now, clock, &walk);
}

static void explain_facts(const struct rop_report *r, struct rop_situation *now, struct rop_text *out, json_t *facts)
{
	const struct rop_vocabulary *words = rop_cluster_words();
	if (out)
		rop_text_add(out, "\nFacts\n");
	for (size_t i = 0; i < words->n_facts; i++) {
		const struct rop_fact *fact = &words->facts[i];
		if (fact->args[0].name)
			continue; /* true or false of a number that a row gives */
		bool holds = fact->holds(now, NULL);
		if (facts) {
			json_object_set_new(facts, fact->name, json_boolean(holds));
			continue;
		}
		rop_text_add(out, "  %-22s %s ", fact->name, yes_no(r, holds, 10));
		report_below(r, fact->doc, 36, out);
		rop_text_add(out, "\n");
	}
}

/* Advice that the next one has too is given after that one. */
static void tell_open(const struct rop_finding *f, const struct rop_finding *next, size_t *told, struct rop_text *out,
		      json_t *open)
{
	if (open)
		json_array_append_new(open, rop_json("{s:s, s:s, s:o}", "reason", f->reason, "message", f->text,
						     "advice", rop_json_text(f->advice)));
	else
		rop_text_add(out, "%s  - %s\n", *told ? "" : "\nNot as declared\n", f->text);
	if (out && f->advice && !(next && rop_streq(next->advice, f->advice)))
		rop_text_add(out, "    -> %s\n", f->advice);
	(*told)++;
}

/* Settings of several nodes are one sentence, of none of them: one that is asked for gets its own. */
static void tell_settings(const struct rop_situation *now, size_t node, size_t *told, struct rop_text *out,
			  json_t *open)
{
	const char *off = rop_node_settings_off(now, node);
	if (off)
		tell_open(&(struct rop_finding){ .reason = rop_reason_word(ROP_WHY_SETTINGS), .text = off }, NULL, told,
			  out, open);
}

/* What is open may be a finding already. */
static bool is_told(const struct rop_situation *now, size_t i)
{
	for (size_t k = 0; i >= now->findings.n && k < now->findings.n; k++)
		if (strcmp(now->findings.at[k].text, now->open.at[i - now->findings.n].text) == 0)
			return true;
	return false;
}

static void explain_open(struct rop_situation *now, const char *node, struct rop_text *out, json_t *open)
{
	rop_situation_open(now);
	size_t told = 0;
	ROP_LIST(const struct rop_finding *) list = { 0 };
	for (size_t i = 0; i < now->findings.n + now->open.n; i++) {
		const struct rop_finding *f = i < now->findings.n ? &now->findings.at[i]
								  : &now->open.at[i - now->findings.n];
		if (is_told(now, i))
			continue;
		if (!node || (f->node >= 0 && strcmp(now->seen->nodes[f->node].address, node) == 0))
			*rop_push(now->arena, &list) = f;
	}
	for (size_t i = 0; i < list.n; i++)
		tell_open(list.at[i], i + 1 < list.n ? list.at[i + 1] : NULL, &told, out, open);
	for (size_t i = 0; node && i < now->seen->n; i++)
		if (strcmp(now->seen->nodes[i].address, node) == 0)
			tell_settings(now, i, &told, out, open);
	if (out && !told)
		rop_text_add(out, "\nNothing is open%s%s.\n", node ? " at " : "", node ? node : "");
}

void rop_report_explain(const struct rop_report *r, struct rop_situation *now, const char *node, struct rop_text *out)
{
	rop_text_add(out, "cluster %s: %s\n", r->topology->name, report_state(r, now));
	explain_open(now, node, out, NULL); /* the answer first, then how it is come to */
	report_misplaced(r, now, out);
	rop_text_add(out, "\nRows, from the first state on, as every run begins there\n");
	explain_rows(r, now, out, NULL);
	if (r->verbose)
		explain_facts(r, now, out, NULL);
}

json_t *rop_report_explain_json(const struct rop_report *r, struct rop_situation *now, const char *node)
{
	json_t *path = json_array(), *facts = json_object(), *open = json_array();
	explain_rows(r, now, NULL, path);
	explain_facts(r, now, NULL, facts);
	explain_open(now, node, NULL, open);
	return rop_json("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o}", "format_version", "1.0", "cluster",
			r->topology->name, "state", report_state(r, now), "node", rop_json_text(node), "case",
			rop_case_name(now->kase), "rows", path, "facts", facts, "open", open);
}
