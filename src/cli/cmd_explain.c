/* cmd_explain.c - which row holds now, and which facts made it hold. */
#include <string.h>

#include "cli.h"

static const char *yes_no(struct cli *cli, bool holds)
{
	return holds ? rop_printf(cli->arena, "%sholds%s", rop_paint(cli->color, "green"), rop_paint(cli->color, "off"))
		     : rop_printf(cli->arena, "%sdoes not%s", rop_paint(cli->color, "dim"),
				  rop_paint(cli->color, "off"));
}

struct explaining {
	struct cli *cli;
	const struct rop_machine *machine;
	json_t *path; /* NULL: text */
	int named;    /* the state whose heading was printed last */
};

static void print_state(struct explaining *e, const struct rop_state *st)
{
	if (e->path || e->named == (int)(st - e->machine->states))
		return;
	e->named = (int)(st - e->machine->states);
	printf("%s%s%s  %s\n", rop_paint(e->cli->color, "bold"), st->name, rop_paint(e->cli->color, "off"), st->doc);
}

static void explain_missed(void *arg, const struct rop_row *row, const struct rop_literal *literal)
{
	struct explaining *e = arg;
	print_state(e, &e->machine->states[row->from]);
	printf("    row %d to %s: '%s' does not hold\n", row->number, e->machine->states[row->to].name, literal->text);
}

static void print_taken(struct explaining *e, const struct rop_row *taken)
{
	printf("  row %d holds: to %s, because %s\n", taken->number, e->machine->states[taken->to].name, taken->why);
	for (size_t w = 0; w < taken->n_when; w++)
		printf("    %-28s %s\n", taken->when[w].text, yes_no(e->cli, true));
	for (size_t d = 0; d < taken->n_do; d++)
		printf("    does %s\n", taken->does[d].text);
}

static bool explain_row(void *arg, const struct rop_state *st, const struct rop_row *taken)
{
	struct explaining *e = arg;
	print_state(e, st);
	if (!taken && !e->path)
		printf("  no row leaves it: it rests here\n");
	if (!taken)
		return false;
	if (e->path) {
		json_t *when = json_array();
		for (size_t w = 0; w < taken->n_when; w++)
			json_array_append_new(when, json_string(taken->when[w].text));
		json_array_append_new(e->path, rop_json("{s:s, s:i, s:s, s:s, s:o}", "state", st->name, "row",
							taken->number, "to", e->machine->states[taken->to].name, "why",
							taken->why, "when", when));
	} else {
		print_taken(e, taken);
	}
	return !taken->n_do;
}

/* From the initial state, the rows that would be taken now, until one acts, waits or rests. */
static void explain_rows(struct cli *cli, const struct session *s, struct rop_situation *now, json_t *path)
{
	struct explaining e = { .cli = cli, .machine = s->machine, .path = path, .named = -1 };
	const struct rop_walk walk = {
		.visit = explain_row,
		.missed = cli->values.verbose && !path ? explain_missed : NULL,
		.arg = &e,
	};
	struct rop_clock_in_state clock = { .in_state_ms = 0, .n_subjects = s->topology->nodes.n };
	rop_machine_walk(s->machine, s->machine->initial, now, clock, &walk);
}

static void explain_facts(struct cli *cli, struct rop_situation *now, json_t *facts)
{
	const struct rop_vocabulary *words = rop_cluster_words();
	if (!facts)
		printf("\nFacts\n");
	for (size_t i = 0; i < words->n_facts; i++) {
		const struct rop_fact *fact = &words->facts[i];
		if (fact->args[0].name)
			continue; /* true or false of a number that a row gives */
		bool holds = fact->holds(now, NULL);
		if (facts)
			json_object_set_new(facts, fact->name, json_boolean(holds));
		else
			printf("  %-22s %-10s %s\n", fact->name, yes_no(cli, holds), fact->doc);
	}
}

static void explain_open(struct cli *cli, struct rop_situation *now, const char *node, json_t *open)
{
	(void)cli;
	rop_situation_open(now);
	size_t told = 0;
	for (size_t pass = 0; pass < 2; pass++) {
		size_t n = pass ? now->open.n : now->findings.n;
		const struct rop_finding *list = pass ? now->open.at : now->findings.at;
		for (size_t i = 0; i < n; i++) {
			if (node && (list[i].node < 0 || strcmp(now->seen->nodes[list[i].node].address, node) != 0))
				continue;
			if (open) {
				json_array_append_new(open,
						      rop_json("{s:s, s:s, s:o}", "reason", list[i].reason, "message",
							       list[i].text, "advice", rop_json_text(list[i].advice)));
				continue;
			}
			printf("%s  - %s\n", told++ ? "" : "\nNot as declared\n", list[i].text);
			if (list[i].advice)
				printf("    -> %s\n", list[i].advice);
		}
	}
	if (!open && !told)
		printf("\nNothing is open%s%s.\n", node ? " at " : "", node ? node : "");
}

static bool is_node(const struct session *s, const char *address)
{
	for (size_t i = 0; i < s->seen->n; i++)
		if (strcmp(s->seen->nodes[i].address, address) == 0)
			return true;
	return false;
}

static enum rop_code explain(struct cli *cli, struct session *s, const char *node)
{
	struct rop_situation *now = session_situation(s);
	struct rop_err err = { 0 };
	/* One look cannot tell for how long all views agree; that this revision was reached before can. */
	if (now->views_agree && s->image.revision && s->image.reached_revision == s->image.revision)
		now->agreed_ms = INT64_MAX;
	if (node && !is_node(s, node)) {
		rop_fail(&err, ROP_INVALID, "'%s' is no node of cluster '%s'", node, s->topology->name);
		return cli_fail(&err);
	}
	if (cli->values.output != CLI_TEXT) {
		json_t *path = json_array(), *facts = json_object(), *open = json_array();
		explain_rows(cli, s, now, path);
		explain_facts(cli, now, facts);
		explain_open(cli, now, node, open);
		cli_print_json(rop_json("{s:s, s:s, s:s, s:o, s:o, s:o}", "format_version", "1.0", "cluster",
					s->topology->name, "case", rop_case_name(now->kase), "rows", path, "facts",
					facts, "open", open));
		return ROP_OK;
	}
	printf("cluster %s: %s\n\n", s->topology->name, rop_case_name(now->kase));
	explain_rows(cli, s, now, NULL);
	explain_facts(cli, now, NULL);
	explain_open(cli, now, node, NULL);
	return ROP_OK;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	struct rop_err err = { 0 };
	struct session s = { 0 };
	enum rop_code code;
	if (session_open_to_look(&s, cli, argv[0], 0, &err))
		code = explain(cli, &s, argc > 1 ? argv[1] : NULL);
	else
		code = cli_fail(&err);
	session_close(&s);
	return code;
}

const struct cli_command cli_explain = {
	.name = "explain",
	.operands = "FILE|CLUSTER [NODE]",
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
	.summary = "Which row holds now, which facts made it hold, what is open",
};
