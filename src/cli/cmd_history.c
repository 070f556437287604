/* cmd_history.c - every transition and step: when, what, why, result. From the database alone. */
#include <string.h>

#include "cli.h"

static const struct cli_option OPTIONS[] = {
	{ "limit", 'n', CLI_NUMBER, "N", "the newest N lines (default 200)", CLI_VALUE(limit) },
	{ 0 },
};

#define LINES_OF_ONE 12 /* of the journal, for one that is told: what a run of slots takes that moves */

static void print_line(const char *cluster, const struct rop_history_line *line)
{
	json_t *json = rop_report_history_json(line);
	json_object_set_new(json, "cluster", rop_json_text(cluster));
	cli_print_json(json);
}

static bool print_cluster(struct cli *cli, struct rop_store *store, const char *name, json_t *into, struct rop_err *err)
{
	struct rop_history_line *lines = NULL;
	size_t n = 0, limit = cli->values.limit ? (size_t)cli->values.limit : 200;
	struct rop_report report = { .arena = cli->arena,
				     .color = cli->color,
				     .columns = cli_columns(stdout),
				     .verbose = cli->values.verbose > 0 || cli->values.output != CLI_TEXT };
	if (!rop_store_history(store, cli->arena, name, report.verbose ? limit : limit * LINES_OF_ONE, &lines, &n, err))
		return false;
	json_t *list = json_array();
	ROP_OWN_TEXT text = { 0 };
	bool *told = rop_alloc_n(cli->arena, n + 1, sizeof *told);
	size_t left = rop_report_history_told(&report, lines, n, told);
	for (size_t i = 0; i < n; i++) {
		if (!told[i] || left-- > limit)
			continue;
		if (cli->values.output == CLI_JSON)
			json_array_append_new(list, rop_report_history_json(&lines[i]));
		else if (cli->values.output == CLI_JSONL)
			print_line(name, &lines[i]);
		else
			rop_report_history(&report, &lines[i], &text);
	}
	cli_print_lines(&text);
	if (cli->values.output == CLI_JSON)
		json_object_set(into, name, list);
	json_decref(list);
	return true;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	struct rop_err err = { 0 };
	struct rop_store *store = NULL;
	const char **names = NULL;
	size_t n = 0;
	json_t *clusters = json_object();
	bool fine = rop_store_open(cli_state_path(cli), ROP_STORE_READ, &store, &err) &&
		    cli_clusters(cli, store, argc ? argv[0] : NULL, &names, &n, &err);
	if (fine && !n)
		cli_tell(cli, "no clusters in %s", cli_state_path(cli));
	for (size_t i = 0; fine && i < n; i++) {
		if (!argc && cli->values.output == CLI_TEXT)
			printf("%scluster %s\n", i ? "\n" : "", names[i]);
		fine = print_cluster(cli, store, names[i], clusters, &err);
	}
	if (fine && cli->values.output == CLI_JSON)
		cli_print_json(rop_json("{s:s, s:O}", "format_version", "1.0", "clusters", clusters));
	json_decref(clusters);
	rop_store_close(store);
	return fine ? ROP_OK : cli_fail(&err);
}

const struct cli_command cli_history = {
	.name = "history",
	.operands = "[CLUSTER]",
	.min_operands = 0,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Every transition and step: when, what, why, result",
	.about = "Slots that were moved are a line for each run of them; --verbose tells each command.\n",
};
