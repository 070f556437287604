/* cmd_pause.c - stop and go on changing a cluster. Observing continues; a pause takes effect before the next send. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct cli_option PAUSE_OPTIONS[] = {
	{ "for", 0, CLI_DURATION, "TIME", "end by itself after TIME", CLI_VALUE(for_ms) },
	CLI_REASON_OPTION,
	{ 0 },
};
static const struct cli_option RESUME_OPTIONS[] = { CLI_REASON_OPTION, { 0 } };

/* Whoever is stopped by it reads why. */
static const char *by(struct cli *cli, const struct rop_deed *deed)
{
	return deed->reason ? rop_printf(cli->arena, "%s (%s)", deed->user, deed->reason) : deed->user;
}

/* Only a cluster that is known can be paused: a misspelt name must not look like a pause. */
static bool is_known(struct cli *cli, struct rop_store *store, const char *name, struct rop_err *err)
{
	const char **names;
	size_t n;
	return cli_clusters(cli, store, name, &names, &n, err);
}

static enum rop_code pause_or_resume(struct cli *cli, const char *name, bool pause)
{
	struct rop_err err = { 0 };
	struct rop_store *store = NULL;
	int64_t now = rop_wall_ms(), until = cli->values.for_ms ? now + cli->values.for_ms : 0;
	const char *note = until ? rop_printf(cli->arena, "until %s", rop_time_text(cli->arena, until)) : NULL;
	struct rop_deed deed = cli_deed(cli, pause ? ROP_DEED_PAUSE : ROP_DEED_RESUME, note);
	bool was_paused = false;
	struct rop_image image = { 0 };
	bool done = rop_store_open(cli_state_path(cli), ROP_STORE_WRITE, &store, &err) &&
		    is_known(cli, store, name, &err) && rop_store_load(store, cli->arena, name, &image, &err) &&
		    rop_store_paused(store, name, now, &was_paused, &err) &&
		    (pause ? rop_store_pause(store, name, until, by(cli, &deed), &deed, now, &err)
			   : rop_store_resume(store, name, &deed, now, &err));
	rop_store_close(store);
	if (!done)
		return cli_fail(&err);
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_json("{s:s, s:b, s:o, s:s, s:o}", "cluster", name, "paused", pause, "until",
					rop_json_time(pause ? until : 0), "by", deed.user, "reason",
					rop_json_text(deed.reason)));
	if (pause && was_paused)
		cli_tell(cli, "%s: it was paused already, by %s, until %s; that is over", name,
			 image.paused_by ? image.paused_by : "a person",
			 image.paused_until_wall_ms ? rop_time_text(cli->arena, image.paused_until_wall_ms)
						    : "somebody resumes it");
	if (pause && until)
		cli_tell(cli, "%s: paused until %s", name, rop_time_text(cli->arena, until));
	else if (pause)
		cli_tell(cli, "%s: paused until `redis-operator resume %s`", name, name);
	else
		cli_tell(cli, "%s: %s", name, was_paused ? "goes on" : "goes on (it was not paused)");
	return ROP_OK;
}

static enum rop_code run_pause(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return pause_or_resume(cli, argv[0], true);
}

static enum rop_code run_resume(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return pause_or_resume(cli, argv[0], false);
}

const struct cli_command cli_pause = {
	.name = "pause",
	.operands = "CLUSTER",
	.min_operands = 1,
	.max_operands = 1,
	.options = PAUSE_OPTIONS,
	.run = run_pause,
	.summary = "Stop changing a cluster; observing continues",
};

const struct cli_command cli_resume = {
	.name = "resume",
	.operands = "CLUSTER",
	.min_operands = 1,
	.max_operands = 1,
	.options = RESUME_OPTIONS,
	.run = run_resume,
	.summary = "Go on changing a cluster",
};
