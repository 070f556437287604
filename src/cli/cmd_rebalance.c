/* cmd_rebalance.c - which shardWeights would make the shards even? Looks, measures, changes nothing. */
#include "cli.h"
#include "rop/rebalance.h"

static const struct cli_option OPTIONS[] = {
	{ "by", 0, CLI_STRING, "memory|keys|slots", "what every shard is to hold as much of as the others",
	  CLI_VALUE(by) },
	{ 0 },
};

static bool take_by(const struct cli *cli, enum rop_by *ret, struct rop_err *err)
{
	if (!cli->values.by)
		return rop_fail(err, ROP_INVALID, "rebalance needs --by memory, --by keys or --by slots");
	return rop_by_parse(cli->values.by, ret) ||
	       rop_fail(err, ROP_INVALID, "--by: '%s' is not memory|keys|slots", cli->values.by);
}

static void print(struct cli *cli, const struct session *s, const struct rop_situation *now,
		  const struct rop_rebalance *rebalance)
{
	struct rop_report report = session_report(s);
	ROP_OWN_TEXT text = { 0 };
	if (cli->values.output != CLI_TEXT) {
		cli_print_json(rop_report_rebalance_json(&report, now, rebalance));
		return;
	}
	rop_report_rebalance(&report, now, rebalance, &text);
	cli_print_lines(&text);
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct rop_rebalance rebalance;
	enum rop_by by;
	enum rop_code code = ROP_OK;
	if (take_by(cli, &by, &err) && session_open_to_look(&s, cli, argv[0], 0, &err)) {
		struct rop_situation *now = session_situation(&s);
		session_warn_of_second(cli, now);
		if (rop_rebalance_make(now, by, &rebalance, &err))
			print(cli, &s, now, &rebalance);
		else
			code = cli_fail(&err);
	} else {
		code = cli_fail(&err);
	}
	session_close(&s);
	return code;
}

const struct cli_command cli_rebalance = {
	.name = "rebalance",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Which shardWeights would make the shards even? Changes nothing",
	.about = "Looks at every node once and measures what each shard holds: its keys, the memory that they take, or "
		 "its slots. Prints the lines of spec.shardWeights that ask for equal shards, and what they would "
		 "move; nothing where all shards are within 2 %. Keys are assumed to be spread evenly over a "
		 "shard's slots.\n"
		 "It changes neither the file nor the cluster: put the lines into the file, and plan and apply it.\n",
};
