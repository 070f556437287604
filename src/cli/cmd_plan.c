/* cmd_plan.c - what would apply do? Looks once, changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "rop/host.h"
#include "rop/saved_plan.h"
#include "rop/text.h"

static const struct cli_option OPTIONS[] = {
	{ "detailed-exitcode", 0, CLI_FLAG, NULL, "exit with what the cluster is: 10, 6, 2 (changes) or 0",
	  CLI_VALUE(detailed_exitcode) },
	{ "out", 0, CLI_STRING, "PLAN", "save the plan, for 'apply PLAN': mode 0600, no secrets", CLI_VALUE(out) },
	{ "allow-data-loss", 0, CLI_STRING, "CLUSTER@DIGEST", "show what would be done with this consent",
	  CLI_VALUE(allow_data_loss) },
	{ 0 },
};

static bool save(struct cli *cli, const struct session *s, const struct rop_plan *plan, struct rop_err *err)
{
	struct rop_saved_plan saved;
	const char *path = cli->values.out;
	if (strcmp(s->topology->path, CLI_STDIN) == 0)
		return rop_fail(err, ROP_INVALID,
				"--out: apply of a saved plan reads the topology file again, and this one "
				"came from standard input\n  -> write it to a file first");
	if (rop_is_same_file(path, s->topology->path))
		return rop_fail(err, ROP_INVALID, "--out %s is the topology file itself; name another", path);
	rop_saved_plan_make(cli->arena, s->topology, s->source, s->machine, &s->image, plan, &saved);
	saved.path = rop_full_path(cli->arena, saved.path);
	ROP_OWN_TEXT bytes = { 0 };
	if (!rop_saved_plan_bytes(cli->arena, path, &saved, &bytes, err))
		return false;
	if (!rop_plan_file_write(path, bytes.at, bytes.n, err))
		return false;
	ROP_OWN_TEXT written = { 0 };
	rop_saved_plan_written(&saved, path, &written);
	cli_tell_text(cli, &written);
	return true;
}

static void print(struct cli *cli, struct session *s, const struct rop_plan *plan, const struct rop_grade *grade,
		  bool refused)
{
	ROP_OWN_TEXT text = { 0 }, warnings = { 0 };
	struct rop_report report = session_report(s);
	if (cli->values.output != CLI_TEXT) {
		json_t *json = rop_report_plan_json(&report, plan);
		json_object_set_new(json, "verdict", rop_report_grade_json(grade));
		cli_print_json(json);
	} else if (!refused && !(cli->values.quiet && cli->values.detailed_exitcode)) {
		rop_report_plan(&report, plan, &text);
		cli_print_lines(&text);
		fflush(stdout);
		rop_report_plan_warnings(plan, false, &warnings);
		cli_tell_text(cli, &warnings);
	}
}

static enum rop_code make(struct cli *cli, struct session *s)
{
	struct rop_reconcile_options options;
	struct rop_plan plan;
	struct rop_err err = { 0 };
	session_reconcile_options(s, &options);
	struct rop_image going_on =
		s->image; /* one pauses in order to look: what would be done is shown all the same */
	going_on.paused = false;
	options.image = &going_on;
	rop_plan_make(cli->arena, &options, s->seen, session_clock(), &plan);
	bool refused = plan.result.code != ROP_OK && plan.result.code != ROP_TIMEOUT;
	struct rop_report report = session_report(s);
	struct rop_grade grade = rop_report_grade(&report, (struct rop_situation *)plan.first, &plan);
	print(cli, s, &plan, &grade, refused);
	if (refused) {
		cli_findings(plan_reason(&plan), plan.result.text);
		return plan.result.code;
	}
	if (cli->values.out && !save(cli, s, &plan, &err))
		return cli_fail(&err);
	return cli->values.detailed_exitcode ? grade.code : ROP_OK;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	enum rop_code code;
	if (session_open_to_look(&s, cli, argv[0], ROP_OBSERVE_RIGHTS, &err) && session_is_of_no_other(&s, &err) &&
	    consent_take(&s, &err))
		code = make(cli, &s);
	else
		code = cli_fail(&err);
	session_close(&s);
	return code;
}

const struct cli_command cli_plan = {
	.name = "plan",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "What would apply do? Changes nothing",
	.about = "Looks at every node once, then runs the machine against the cluster as it is predicted to "
		 "become.\n"
		 "Signs: + is made, ~ is changed, - goes. With -o json every command is listed, with its reason "
		 "and what is to be seen once it has worked.\n"
		 "With --out it is saved with all that it relied on: 'apply PLAN' does these steps, or refuses "
		 "with exit code 7 and what has changed.\n"
		 "With --detailed-exitcode: 10 when slots are not served, or 6 when something else is wrong, "
		 "that these changes do not mend; 2 when there are changes; 0 when there is nothing to do. -q "
		 "then prints nothing.\n",
};
