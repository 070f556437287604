/* cmd_acl.c - the smallest ACL rule for each way to use the servers, as a command for redis-cli. Connects to nothing.
 */
#include <string.h>

#include "cli.h"
#include "rop/permissions.h"

/* The servers split a line at spaces, and a name that begins an argument with a quote would swallow the rest. */
static bool name_is_fine(const char *user, struct rop_err *err)
{
	for (const char *c = user; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"'\\", *c))
			return rop_fail(err, ROP_INVALID,
					"--user '%s': letters, digits and signs other than quotes and backslashes",
					user);
	return *user || rop_fail(err, ROP_INVALID, "--user: a name is missing");
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	int acl = rop_acl_find(argv[0]);
	const char *normal = acl == ROP_ACL_REPLICATION ? "replication" : "redis-operator";
	const char *user = cli->values.user ? cli->values.user : normal;
	if (acl < 0) {
		rop_fail(&err, ROP_INVALID, "acl: '%s' is none of observer, operator, mover, replication", argv[0]);
		return cli_fail(&err);
	}
	if (!name_is_fine(user, &err))
		return cli_fail(&err);
	const char *rule = rop_acl_rule(cli->arena, (enum rop_acl)acl, user);
	if (cli->values.output != CLI_TEXT) {
		cli_print_json(rop_report_acl_json((enum rop_acl)acl, user, rule));
		return ROP_OK;
	}
	printf("%s\n", rule);
	ROP_OWN_TEXT what_for = { 0 };
	rop_report_acl((enum rop_acl)acl, &what_for);
	if (cli->values.verbose)
		cli_tell_text(cli, &what_for);
	return ROP_OK;
}

static const struct cli_option OPTIONS[] = {
	{ "user", 0, CLI_STRING, "NAME", "the user's name (default: redis-operator; of replication: replication)",
	  CLI_VALUE(user) },
	{ 0 },
};

const struct cli_command cli_acl = {
	.name = "acl",
	.operands = "observer|operator|mover|replication",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Print the smallest ACL rule for that use",
	.about = "One command for redis-cli, to be given to every node:\n"
		 "  redis-operator acl operator | redis-cli -h HOST\n"
		 "It sets no password and takes none away: 'ACL SETUSER redis-operator >SECRET' does. Then "
		 "'ACL SAVE', where the servers have an aclfile, or 'CONFIG REWRITE'.\n"
		 "  observer     plan, status, check, explain, import: the servers themselves keep it from "
		 "changing anything\n"
		 "  operator     apply, run\n"
		 "  mover        apply, run, where slots are to be moved or nodes leave: it may move keys\n"
		 "  replication  masteruser: what a replica needs of its primary\n"
		 "-v says what each permission is for.\n",
};
