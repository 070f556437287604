/* commands.c - the list of commands: what parses them, what runs them and what lists them stand on it. */
#include "cli.h"

const struct cli_command *const CLI_COMMANDS[] = {
	&cli_validate,        &cli_plan,     &cli_apply,   &cli_show,    &cli_run,
	&cli_status,          &cli_check,    &cli_history, &cli_explain, &cli_rebalance,
	&cli_failover,        &cli_takeover, &cli_drain,   &cli_undrain, &cli_pause,
	&cli_resume,          &cli_forget,   &cli_backup,  &cli_restore, &cli_clone,
	&cli_import,          &cli_acl,      &cli_machine, &cli_demo,    &cli_help_command,
	&cli_version_command, NULL,
};
