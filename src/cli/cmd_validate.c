/* cmd_validate.c - is the topology file right? Offline. */
#include "cli.h"

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	enum rop_code code = ROP_OK;
	json_t *files = json_array();
	for (int i = 0; i < argc; i++) {
		struct rop_diags diags;
		struct rop_topology *topology = NULL;
		rop_diags_init(&diags, cli->arena);
		bool right = rop_topology_load(cli->arena, argv[i], &diags, &topology);
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
		if (right && !topology->discovery_dns)
			printf("%s: ok, cluster '%s': %d shards, %zu nodes\n", argv[i], topology->name,
			       topology->shards, topology->nodes.n);
		else if (right)
			printf("%s: ok, cluster '%s': %d shards, nodes discovered as %s\n", argv[i], topology->name,
			       topology->shards, topology->discovery_dns);
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
};
