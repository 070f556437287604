/* cmd_machine.c - the machine as it is loaded: check it, draw it, list it. */
#include <string.h>

#include "cli.h"

static enum rop_code check(const struct cli *cli, const struct rop_machine *machine)
{
	size_t cells = 0;
	struct rop_err err = { 0 };
	if (!rop_machine_check_table(machine, &cells, &err))
		return cli_fail(&err);
	ROP_OWN_TEXT text = { 0 };
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_machine_json(machine, cells));
	else
		rop_report_machine(machine, cells, &text);
	cli_print(&text);
	return ROP_OK;
}

static void print(const struct cli *cli, const char *what, const char *format, const struct rop_text *text)
{
	bool is_drawing = strcmp(format, "dot") == 0 || strcmp(format, "mermaid") == 0;
	if (cli->values.output == CLI_TEXT && is_drawing)
		cli_print(text);
	else if (cli->values.output == CLI_TEXT)
		cli_print_lines(text);
	else
		cli_print_json(
			rop_json("{s:s, s:s, s:o}", "about", what, "format", format, "text", rop_json_text(text->at)));
}

static bool fits(const struct rop_text *text, size_t columns)
{
	for (const char *line = text->at; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n");
		if (n > columns)
			return false;
		line += n;
	}
	return true;
}

/* A row a line, for grep and awk; on a terminal that is too narrow for that, one below the other. */
static void list(const struct cli *cli, const struct rop_machine *machine, struct rop_text *out)
{
	size_t columns = cli->values.output == CLI_TEXT ? cli_columns(stdout) : 0;
	ROP_OWN_TEXT table = { 0 };
	rop_machine_table(machine, &table);
	if (columns > 40 && !fits(&table, columns))
		rop_machine_rows(machine, columns, out);
	else
		rop_text_put(out, table.at, table.n);
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	struct rop_err err = { 0 };
	struct rop_machine *machine;
	ROP_OWN_TEXT text = { 0 };
	const char *what = argv[0];
	bool mermaid = strcmp(what, "graph") == 0 && argc > 1 && strcmp(argv[argc - 1], "mermaid") == 0;
	if (strcmp(what, "words") == 0) {
		rop_vocabulary_print(rop_cluster_words(), &text);
		print(cli, what, "words", &text);
		return ROP_OK;
	}
	if (strcmp(what, "check") != 0 && strcmp(what, "graph") != 0 && strcmp(what, "table") != 0) {
		rop_fail(&err, ROP_INVALID, "machine: '%s' is none of check, graph, table, words", what);
		return cli_fail(&err);
	}
	if (!cli_machine_load(cli, argc - mermaid > 1 ? argv[1] : NULL, &machine, &err))
		return cli_fail(&err);
	if (strcmp(what, "check") == 0)
		return check(cli, machine);
	if (strcmp(what, "table") == 0)
		list(cli, machine, &text);
	else if (mermaid)
		rop_machine_mermaid(machine, &text);
	else
		rop_machine_dot(machine, &text);
	const char *graph = mermaid ? "mermaid" : "dot";
	print(cli, what, strcmp(what, "table") == 0 ? "table" : graph, &text);
	return ROP_OK;
}

const struct cli_command cli_machine = {
	.name = "machine",
	.operands = "check|graph|table|words [FILE]",
	.min_operands = 1,
	.max_operands = 3,
	.run = run,
	.summary = "Check, draw or list a machine, or explain its words",
	.about = "Without FILE: the machine in force (--machines DIR, or the one compiled in).\n"
		 "`machine graph | dot -Tsvg` draws it; `machine graph [FILE] mermaid` is for Markdown.\n",
};
