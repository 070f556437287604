/* cmd_show.c - a saved plan read back: what it was made of, and the commands it holds. Nobody is connected to. */
#include <string.h>

#include "cli.h"
#include "rop/saved_plan.h"
#include "rop/text.h"
#include "saved_plan_file.h"

static const char *visible(struct cli *cli, const char *text)
{
	return text ? rop_text_visible(cli->arena, text, strlen(text), SIZE_MAX) : "?";
}

static void print(struct cli *cli, const struct rop_saved_plan *plan, const char *path)
{
	printf("saved plan of cluster %s   %zu node%s, %zu step%s   made by redis-operator %s\n",
	       visible(cli, plan->cluster), plan->nodes.n, rop_plural((int64_t)plan->nodes.n), plan->steps.n,
	       rop_plural((int64_t)plan->steps.n), visible(cli, plan->program));
	printf("of %s, digest %s\n\n", visible(cli, plan->path), visible(cli, plan->digest));
	for (size_t i = 0; i < plan->steps.n; i++)
		printf("  %-21s  %s\n", visible(cli, plan->steps.at[i].node), visible(cli, plan->steps.at[i].command));
	if (!plan->steps.n)
		printf("No changes.\n");
	cli_tell(cli, "whether it can still be done shows when it is: redis-operator apply %s", path);
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct rop_saved_plan plan;
	const char *bytes = NULL;
	size_t n = 0;
	if (!saved_plan_read(cli->arena, argv[0], &bytes, &n, &err))
		return cli_fail(&err);
	if (!bytes) {
		rop_fail(&err, ROP_INVALID,
			 "%s is no saved plan, or cannot be read\n  -> redis-operator plan --out PLAN FILE", argv[0]);
		return cli_fail(&err);
	}
	if (!rop_saved_plan_parse(cli->arena, argv[0], bytes, n, &plan, &err))
		return cli_fail(&err);
	if (cli->values.output == CLI_TEXT)
		print(cli, &plan, argv[0]);
	else
		cli_print_json(rop_saved_plan_json(&plan));
	return ROP_OK;
}

const struct cli_command cli_show = {
	.name = "show",
	.operands = "PLAN",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
	.summary = "A saved plan, read back",
	.about = "Each command that the plan holds, with its node, in order. Connects to nothing.\n",
};
