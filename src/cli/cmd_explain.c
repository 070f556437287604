/* cmd_explain.c - which row holds now, and which facts made it hold. */
#include <string.h>

#include "cli.h"

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
	struct rop_report report = session_report(s);
	ROP_OWN_TEXT text = { 0 };
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_explain_json(&report, now, node));
	else
		rop_report_explain(&report, now, node, &text);
	cli_print_lines(&text);
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
	.summary = "What is open, which row holds now, which facts made it hold",
	.about = "-v adds which rows were passed over for what does not hold, and every fact with what it means.\n",
};
