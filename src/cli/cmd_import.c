/* cmd_import.c - the topology file of a cluster that exists already. What the file could not say is refused, not left
 * out.
 *
 * The text is not trusted to be right because it was made with care: it is read back, a cluster formed anew from it is
 * laid out, and it is planned against the living nodes. Only a file that changes nothing is printed.
 */
#include "cli.h"
#include "rop/import.h"
#include "rop/look.h"

#define AGREE_MS 10000 /* how long nodes may take to come to agree by themselves */
#define LOOK_AGAIN_MS 100

/* As plan does it. What the nodes are about to settle by themselves is waited for, a little. */
static bool plan_it(struct session *s, struct rop_plan *ret_plan, struct rop_err *err)
{
	struct rop_reconcile_options options;
	int64_t until = rop_boot_ms() + AGREE_MS;
	bool told = false;
	if (!session_open_machine(s, err) || !session_open_nodes(s, err))
		return false;
	for (;; rop_look_wait(s->loop, LOOK_AGAIN_MS)) {
		session_look(s, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL);
		session_reconcile_options(s, &options);
		rop_plan_make(s->cli->arena, &options, s->seen, session_clock(), ret_plan);
		bool settling = ret_plan->steps.n == 0 && ret_plan->result.reached &&
				!rop_situation_converged(ret_plan->first);
		if (!settling || rop_boot_ms() >= until)
			return true;
		if (!told)
			cli_tell(s->cli, "waiting up to %d s for what the nodes settle by themselves ...",
				 AGREE_MS / 1000);
		told = true;
	}
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static enum rop_code refuse(const struct rop_findings *list)
{
	ROP_OWN_TEXT text = { 0 };
	enum rop_code code = rop_import_tell(list, &text);
	if (text.n)
		cli_findings(NULL, text.at);
	return code;
}

static enum rop_code describe(struct rop_import *im, struct session *s)
{
	struct rop_err err = { 0 };
	struct rop_plan plan;
	const char *text = NULL;
	struct rop_findings list = { 0 };
	ROP_OWN_TEXT notes = { 0 };
	rop_import_unfit(im, &list);
	if (list.n)
		return refuse(&list);
	rop_seed_shape(im->seed, &im->shape);
	if (!rop_import_write(im, &text, &s->topology, &err) || !plan_it(s, &plan, &err))
		return cli_fail(&err);
	if (plan.steps.n || !plan.result.reached || !rop_situation_converged(plan.first)) {
		rop_import_changes(im, &plan, &list);
		return refuse(&list);
	}
	rop_import_notes(im, &notes);
	cli_tell_text(s->cli, &notes);
	if (s->cli->values.output == CLI_TEXT)
		fputs(text, stdout);
	else
		cli_print_json(rop_json("{s:s, s:o, s:o}", "cluster", im->name, "topology", rop_json_text(text),
					"notes", rop_json_text(notes.n ? notes.at : NULL)));
	return ROP_OK;
}

static enum rop_code import(struct cli *cli, struct rop_seed *seed)
{
	const struct cli_values *values = &cli->values;
	struct session s = { .cli = cli };
	struct rop_import im = {
		.arena = cli->arena,
		.seed = seed,
		.name = values->name ? values->name : rop_printf(cli->arena, "cluster-%d", seed->port),
		.named = values->name != NULL,
		.user = values->user,
		.password_file = values->password_file,
	};
	size_t n_settings;
	const char **settings = rop_import_settings(cli->arena, &n_settings);
	ROP_OWN_TEXT warning = { 0 };
	rop_import_addresses(seed, rop_seed_choose_addresses(seed), &warning);
	cli_tell_text(cli, &warning);
	rop_seed_look(seed, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL, settings, n_settings);
	enum rop_code code = describe(&im, &s);
	session_close(&s);
	return code;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct rop_seed seed = { 0 };
	bool fine = rop_import_name_is_fine(cli->values.name, &err) &&
		    rop_seed_open(&seed, cli->arena, argv[0], cli->values.user, cli->values.password_file, &err);
	enum rop_code code = fine ? import(cli, &seed) : cli_fail(&err);
	rop_seed_close(&seed);
	return code;
}

static const struct cli_option OPTIONS[] = {
	{ "name", 0, CLI_STRING, "NAME", "the cluster's name (default: cluster-PORT)", CLI_VALUE(name) },
	CLI_SEED_OPTIONS,
	{ 0 },
};

const struct cli_command cli_import = {
	.name = "import",
	.operands = "HOST:PORT",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Print the topology file of a cluster that exists already",
	.about = "Asks every node that the one at HOST:PORT knows, and changes nothing. The file is printed "
		 "only if 'plan' of it says that there are no changes: a cluster that is not whole, or that "
		 "the file could not describe, is refused (exit 4).\n",
};
