/* cmd_plan.c - what would apply do? Looks once, changes nothing. */
#include "cli.h"

static const struct cli_option OPTIONS[] = {
	{ "detailed-exitcode", 0, CLI_FLAG, NULL, "exit 2 when there are changes", CLI_VALUE(detailed_exitcode) },
	{ 0 },
};

static enum rop_code print(struct cli *cli, struct session *s)
{
	struct rop_reconcile_options options;
	struct rop_plan plan;
	session_reconcile_options(s, &options);
	rop_plan_make(cli->arena, &options, s->seen, (struct rop_clock){ rop_wall_ms(), rop_boot_ms() }, &plan);
	bool refused = plan.result.code != ROP_OK && plan.result.code != ROP_TIMEOUT;
	if (cli->values.output != CLI_TEXT) {
		json_t *json = plan_json(s, &plan);
		if (cli->values.output == CLI_JSON)
			cli_print_json(json);
		else
			cli_print_jsonl(json);
	} else if (!refused) {
		plan_print(cli, s, &plan);
		fflush(stdout);
		plan_warnings(cli, &plan);
	}
	if (refused) {
		cli_findings(plan.result.text);
		return plan.result.code;
	}
	return plan.steps.n && cli->values.detailed_exitcode ? ROP_CHANGES : ROP_OK;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	enum rop_code code;
	if (session_open_topology(&s, cli, argv[0], &err) && session_open_machine(&s, &err) &&
	    session_open_store(&s, ROP_STORE_READ, &err) && session_open_nodes(&s, &err) &&
	    session_look(&s, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL, &err))
		code = print(cli, &s);
	else
		code = cli_fail(&err);
	session_close(&s);
	return code;
}

const struct cli_command cli_plan = {
	.name = "plan", .operands = "FILE", .min_operands = 1, .max_operands = 1, .options = OPTIONS, .run = run,
	.summary = "What would apply do? Changes nothing",
	.about = "Looks at every node once, then runs the machine against the cluster as it is predicted to become.\n"
		 "Signs: + is made, ~ is changed. With -o json every command is listed, with its reason and expectation.\n",
};
