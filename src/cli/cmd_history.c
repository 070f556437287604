/* cmd_history.c - every transition and step: when, what, why, result. From the database alone. */
#include <string.h>

#include "cli.h"

static const struct cli_option OPTIONS[] = {
	{ "limit", 'n', CLI_NUMBER, "N", "the newest N lines (default 200)", CLI_VALUE(limit) },
	{ 0 },
};

static json_t *line_json(const struct rop_history_line *l)
{
	if (!l->is_step)
		return rop_json("{s:s, s:o, s:s, s:s, s:o, s:o, s:i}", "type", "transition", "time",
				rop_json_time(l->wall_ms), "from", l->from, "to", l->to, "row", rop_json_text(l->row),
				"why", rop_json_text(l->why), "pid", l->pid);
	return rop_json("{s:s, s:o, s:s, s:o, s:o, s:s, s:i, s:o, s:o, s:o}", "type", "step", "time",
			rop_json_time(l->wall_ms), "subject", l->subject, "node", rop_json_text(l->address), "command",
			rop_json_text(l->command), "status", l->status, "attempts", l->attempts, "note",
			rop_json_text(l->note), "resolved", rop_json_time(l->resolved_wall_ms), "why",
			rop_json_text(l->why));
}

static const char *status_color(const char *status)
{
	return strcmp(status, "met") == 0 ? "green" : strcmp(status, "pending") == 0 ? "yellow" : "red";
}

static void print_line(struct cli *cli, const struct rop_history_line *l)
{
	const char *time = rop_time_text(cli->arena, l->wall_ms);
	if (!l->is_step) {
		printf("%s  %s%s -> %s%s  %s\n", time, rop_paint(cli->color, "bold"), l->from, l->to,
		       rop_paint(cli->color, "off"), l->why ? l->why : "");
		return;
	}
	printf("%s    %s%-8s%s %-21s %s", time, rop_paint(cli->color, status_color(l->status)), l->status,
	       rop_paint(cli->color, "off"), l->address ? l->address : "", l->command ? l->command : l->subject);
	if (l->resolved_wall_ms)
		printf("  (%lld ms)", (long long)(l->resolved_wall_ms - l->wall_ms));
	if (l->attempts > 1)
		printf("  attempt %d", l->attempts);
	if (l->note)
		printf("  %s", l->note);
	putchar('\n');
}

static bool print_cluster(struct cli *cli, struct rop_store *store, const char *name, json_t *into, struct rop_err *err)
{
	struct rop_history_line *lines = NULL;
	size_t n = 0, limit = cli->values.limit ? (size_t)cli->values.limit : 200;
	if (!rop_store_history(store, cli->arena, name, limit, &lines, &n, err))
		return false;
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++) {
		if (cli->values.output == CLI_JSON)
			json_array_append_new(list, line_json(&lines[i]));
		else if (cli->values.output == CLI_JSONL)
			cli_print_jsonl(line_json(&lines[i]));
		else
			print_line(cli, &lines[i]);
	}
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
};
