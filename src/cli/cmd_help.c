/* cmd_help.c - help and version, as commands: what --help and --version print. main.c runs them, as it does those. */
#include "cli.h"

const struct cli_command cli_help_command = {
	.name = "help",
	.operands = "[COMMAND]",
	.min_operands = 0,
	.max_operands = 1,
	.summary = "This text, or what a command is for and its options",
};

const struct cli_command cli_version_command = {
	.name = "version",
	.operands = "",
	.min_operands = 0,
	.max_operands = 0,
	.summary = "Print the version",
};
