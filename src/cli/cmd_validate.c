/* cmd_validate.c - is the topology file right? Offline. */
#include <string.h>

#include "cli.h"
#include "rop/host.h"

/* false: err says why it is no topology file at all. */
static bool read_one(struct cli *cli, const char *path, struct rop_diags *diags, struct rop_topology **ret_topology,
		     bool *ret_right, struct rop_err *err)
{
	struct rop_doc *doc = NULL;
	const char *text;
	if (strcmp(path, CLI_STDIN) != 0) {
		if (!session_is_no_plan(cli, path, err))
			return false;
		*ret_right = rop_topology_load(cli->arena, path, diags, ret_topology);
		return true;
	}
	if (!rop_stdin_read(cli->arena, &text, err))
		return false;
	*ret_right = rop_doc_parse(cli->arena, CLI_STDIN, text, strlen(text), diags, &doc) &&
		     rop_topology_from_doc(cli->arena, doc, diags, ret_topology);
	return true;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	enum rop_code code = ROP_OK;
	json_t *files = json_array();
	for (int i = 0; i < argc; i++) {
		struct rop_diags diags;
		struct rop_topology *topology = NULL;
		rop_diags_init(&diags, cli->arena);
		struct rop_err err = { 0 };
		bool right;
		if (!read_one(cli, argv[i], &diags, &topology, &right, &err)) {
			code = cli_fail(&err);
			continue;
		}
		if (!right)
			code = ROP_INVALID;
		if (cli->values.output != CLI_TEXT) {
			json_t *file = rop_report_diagnostics_json(argv[i], right, &diags);
			if (cli->values.output == CLI_JSON)
				json_array_append_new(files, file);
			else
				cli_print_json(file);
			continue;
		}
		cli_print_diags(&diags);
		ROP_OWN_TEXT text = { 0 };
		if (right)
			rop_report_valid(argv[i], topology, &text);
		cli_print(&text);
	}
	if (cli->values.output == CLI_JSON)
		cli_print_json(rop_json("{s:o}", "files", files));
	else
		json_decref(files);
	return code;
}

const struct cli_command cli_validate = {
	.name = "validate",
	.operands = "FILE...",
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
	.summary = "Is the topology file right? Offline",
	.about = "- is standard input.\n",
};
