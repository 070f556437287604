/* main.c - the only place that exits. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "rop/log.h"

/* A closed 0, 1 or 2 would be given to the next file or socket that is opened. */
static void open_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(ROP_INTERNAL);
}

static bool wants_color(const struct cli *cli)
{
	const char *term = getenv("TERM");
	if (cli->values.color != CLI_COLOR_AUTO)
		return cli->values.color == CLI_COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	struct rop_err err = { 0 };
	char **operands;
	int n;
	cli_document_begin(cli_wanted_output(argc, argv)); /* also of an error in front of it */
	if (!cli_parse(cli, argc, argv, &operands, &n, &err))
		return cli_fail(&err);
	bool help = cli->values.help || cli->command == &cli_help_command;
	const struct cli_command *about = cli->values.help || !help ? cli->command : NULL;
	if (help && !cli->values.help && n && !cli_find_command(operands[0], &about, &err))
		return cli_fail(&err);
	if (cli->values.version || (cli->command == &cli_version_command && !help)) {
		cli_version(cli);
		return ROP_OK;
	}
	if (help || (!cli->command && argc < 2)) {
		cli_help(cli, about);
		return help ? ROP_OK : ROP_INVALID;
	}
	if (!cli->command) {
		rop_fail(&err, ROP_INVALID, "which command? see `redis-operator --help`");
		return cli_fail(&err);
	}
	if (cli->values.config && access(cli->values.config, R_OK) < 0) { /* what stands in it is for the daemon */
		rop_fail(&err, ROP_INVALID, "cannot read the configuration %s: %s", cli->values.config,
			 strerror(errno));
		return cli_fail(&err);
	}
	cli->color = wants_color(cli);
	cli->live = isatty(STDERR_FILENO) && !cli->values.quiet && cli->values.output == CLI_TEXT;
	if (cli->values.verbose)
		rop_log_set_level(cli->values.verbose > 1 ? ROP_LOG_DEBUG : ROP_LOG_INFO);
	return cli->command->run(cli, n, operands);
}

int main(int argc, char **argv)
{
	open_standard_descriptors();
	signal(SIGPIPE, SIG_IGN); /* sockets; stdout is looked at below */
	struct cli cli = { .arena = rop_arena_new(), .argc = argc, .argv = argv };
	rop_json_on_missing(cli_json_missing);
	enum rop_code code = run(&cli, argc, argv);
	cli_document_end(code);
	/* A reader that has seen enough (head, less) is no error; a full disk is. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE && code == ROP_OK) {
		fprintf(stderr, "redis-operator: cannot write to standard output: %s\n", strerror(errno));
		code = ROP_FAIL;
	}
	if (cli_json_failed())
		code = ROP_INTERNAL;
	rop_arena_free(cli.arena);
	return (int)code;
}
