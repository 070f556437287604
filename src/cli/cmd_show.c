/* cmd_show.c - a saved plan read back: what it was made of, and the commands it holds. Nobody is connected to. */
#include "cli.h"
#include "rop/host.h"
#include "rop/saved_plan.h"

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct rop_saved_plan plan;
	const char *bytes = NULL;
	size_t n = 0;
	if (!rop_plan_file_read(cli->arena, argv[0], &bytes, &n, &err))
		return cli_fail(&err);
	if (!bytes) {
		rop_fail(&err, ROP_INVALID,
			 "%s is no saved plan, or cannot be read\n  -> `redis-operator plan --out PLAN FILE`", argv[0]);
		return cli_fail(&err);
	}
	if (!rop_saved_plan_parse(cli->arena, argv[0], bytes, n, &plan, &err))
		return cli_fail(&err);
	if (cli->values.output != CLI_TEXT) {
		cli_print_json(rop_saved_plan_json(&plan));
		return ROP_OK;
	}
	ROP_OWN_TEXT text = { 0 };
	rop_saved_plan_print(cli->arena, &plan, cli->values.verbose > 0, &text);
	cli_print_lines(&text);
	cli_tell(cli, "to do exactly this, if nothing has changed since: `redis-operator apply %s`", argv[0]);
	return ROP_OK;
}

const struct cli_command cli_show = {
	.name = "show",
	.operands = "PLAN",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
	.summary = "A saved plan, read back",
	.about = "The commands that the plan holds, with their nodes; what goes together is one line, with --verbose "
		 "each\n"
		 "command, in order. Connects to nothing.\n",
};
