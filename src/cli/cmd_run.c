/* cmd_run.c - the daemon: its configuration, the command line's options over it, and then the loop. */
#include "cli.h"
#include "rop/config.h"
#include "rop/daemon.h"

static const struct cli_option OPTIONS[] = {
	{ "clusters", 0, CLI_STRING, "DIR", "the folder of topology files, *.yaml", CLI_VALUE(clusters) },
	{ 0 },
};

/* -v and -vv say more than the file. */
static enum rop_log_level level_of(const struct cli *cli, enum rop_log_level configured)
{
	if (cli->values.quiet)
		return ROP_LOG_ERROR;
	if (cli->values.verbose)
		return cli->values.verbose > 1 ? ROP_LOG_DEBUG : ROP_LOG_INFO;
	return configured;
}

static bool configure(void *arg, struct rop_arena *arena, struct rop_config *ret_config, struct rop_text *errors)
{
	struct cli *cli = arg;
	bool missing = false;
	const char *path = cli->values.config;
	if (!rop_config_load(arena, path ? path : ROP_CONFIG_PATH, path ? NULL : &missing, ret_config, errors))
		return false;
	if (cli->values.state)
		ret_config->state = cli->values.state;
	if (cli->values.clusters)
		ret_config->clusters = cli->values.clusters;
	if (cli->values.machines)
		ret_config->machines = cli->values.machines;
	ret_config->log_level = level_of(cli, ret_config->log_level);
	return true;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	struct rop_err err = { 0 };
	struct rop_config config;
	struct rop_machine *machine = NULL;
	ROP_OWN_TEXT errors = { 0 };
	if (!configure(cli, cli->arena, &config, &errors)) {
		fprintf(stderr, "%s%s", errors.at, errors.at[errors.n - 1] == '\n' ? "" : "\n");
		return ROP_INVALID;
	}
	cli->values.machines = config.machines[0] ? config.machines : NULL;
	if (!cli_machine_load(cli, NULL, &machine, &err))
		return cli_fail(&err);
	struct rop_daemon_options options = { .configure = configure, .arg = cli, .machine = machine };
	return rop_daemon_run(&options, &err) ? ROP_OK : cli_fail(&err);
}

const struct cli_command cli_run = {
	.name = "run",
	.operands = "",
	.min_operands = 0,
	.max_operands = 0,
	.options = OPTIONS,
	.run = run,
	.summary = "The daemon: keep every cluster in clusters.d/ converged",
	.about = "Works on all topology files of the folder at once, until SIGTERM. A file that is added or "
		 "changed is taken up; one that is removed is no longer managed, and nothing is deleted; one "
		 "with errors changes nothing. SIGHUP reads the configuration and all files again. Options win "
		 "over the configuration file.\n",
};
