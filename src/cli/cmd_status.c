/* cmd_status.c - nodes, roles, slots, state, conditions, what is under way. Reads only. */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "rop/text.h"

#define WATCH_EVERY_US 1000000

static const struct cli_option OPTIONS[] = {
	CLI_EXIT_CODE_OPTION,
	{ "watch", 'w', CLI_FLAG, NULL, "print again every second until interrupted", CLI_VALUE(watch) },
	{ 0 },
};

/* ---- files that the daemon could not take --------------------------------------------------------------------- */

struct file_errors {
	struct rop_file_error *at;
	size_t n;
};

static bool load_file_errors(struct cli *cli, struct rop_store *store, const char *cluster,
			     struct file_errors *ret_errors, struct rop_err *err)
{
	*ret_errors = (struct file_errors){ 0 };
	return !store || rop_store_file_errors(store, cli->arena, cluster, &ret_errors->at, &ret_errors->n, err);
}

/* ---- one cluster ----------------------------------------------------------------------------------------------- */

struct telling {
	struct cli *cli;
	enum rop_code code; /* the worst of the clusters told so far */
	json_t *list;       /* of every cluster's document; NULL: each is printed */
};

/* A run from here, as plan foresees it: what it would be refused for further on is said before it begins. */
static void foresee(struct session *s, const struct rop_situation *now, struct rop_plan *ret_plan)
{
	struct rop_reconcile_options options;
	*ret_plan = (struct rop_plan){ 0 };
	if (rop_situation_converged(now) || now->refused || !now->in_view || now->paused)
		return;
	session_reconcile_options(s, &options);
	rop_plan_make(s->cli->arena, &options, s->seen, session_clock(), ret_plan);
}

static void tell(struct telling *t, struct session *s, const struct file_errors *errors, struct rop_situation *now)
{
	struct cli *cli = t->cli;
	struct rop_report report = session_report(s);
	ROP_OWN_TEXT text = { 0 };
	struct rop_plan plan;
	foresee(s, now, &plan);
	report.foreseen = plan.last;
	bool stopped = plan.last && plan.result.code != ROP_OK && plan.result.code != ROP_TIMEOUT;
	struct rop_grade grade = rop_report_grade(&report, now, stopped ? &plan : NULL);
	t->code = rop_worse_code(t->code, grade.code);
	if (cli->values.output == CLI_TEXT) {
		if (cli->values.quiet && cli->values.exit_code)
			return;
		rop_report_status(&report, now, errors->at, errors->n, &text);
		cli_print_lines(&text);
		return;
	}
	json_t *json = rop_report_status_json(&report, now, errors->at, errors->n);
	json_object_set_new(json, "verdict", rop_report_grade_json(&grade));
	if (t->list)
		json_array_append_new(t->list, json);
	else
		cli_print_json(json);
}

static bool print_one(struct telling *t, const char *name, struct rop_err *err)
{
	struct cli *cli = t->cli;
	struct session s = { 0 };
	struct file_errors errors;
	bool fine = session_open_to_look(&s, cli, name, ROP_OBSERVE_CLIENTS | ROP_OBSERVE_RIGHTS, err) &&
		    load_file_errors(cli, s.store, s.topology->name, &errors, err);
	if (fine) {
		struct rop_situation *now = session_situation(&s);
		if (cli->values.watch && cli->values.output == CLI_TEXT && isatty(STDOUT_FILENO))
			printf("\033[H\033[2J%s\n\n", rop_time_text(cli->arena, rop_wall_ms()));
		tell(t, &s, &errors, now);
		fflush(stdout);
		session_warn_of_second(cli, now);
	}
	session_close(&s);
	return fine;
}

/* Every second anew, with memory of its own: it may run for days. A reader that went away ends it. */
static bool watch(struct cli *cli, const char *name, struct rop_err *err)
{
	struct telling t = { .cli = cli };
	struct rop_arena *whole_call = cli->arena;
	bool fine = true;
	while (fine && !ferror(stdout)) {
		cli->arena = rop_arena_new();
		fine = print_one(&t, name, err);
		rop_arena_free(cli->arena);
		if (fine && !ferror(stdout))
			usleep(WATCH_EVERY_US);
	}
	cli->arena = whole_call;
	return fine;
}

static void print_unknown(struct cli *cli, const struct file_errors *errors)
{
	if (cli->values.output == CLI_JSONL)
		cli_print_json(rop_json("{s:n, s:o}", "cluster", "file_errors",
					rop_report_file_errors_json(errors->at, errors->n)));
	struct rop_report report = { .arena = cli->arena, .color = cli->color };
	ROP_OWN_TEXT text = { 0 };
	if (cli->values.output == CLI_TEXT)
		rop_report_file_errors(&report, errors->at, errors->n, 0, &text);
	cli_print_lines(&text);
}

static bool print_all(struct telling *t, struct rop_err *err)
{
	struct cli *cli = t->cli;
	struct rop_store *store = NULL;
	const char **names = NULL;
	size_t n = 0;
	struct file_errors errors = { 0 };
	bool fine = rop_store_open(cli_state_path(cli), ROP_STORE_READ, &store, err) &&
		    (!store || rop_store_clusters(store, cli->arena, &names, &n, err)) &&
		    load_file_errors(cli, store, NULL, &errors, err);
	rop_store_close(store);
	if (!fine)
		return false;
	rop_report_file_errors_unknown(errors.at, &errors.n, names, n);
	if (!n && cli->values.exit_code)
		return rop_fail(
			err, ROP_INVALID,
			"no cluster is known in %s: nothing can be said of any\n"
			"  -> --state PATH names the database, `redis-operator status FILE` looks at one cluster",
			cli_state_path(cli));
	t->list = cli->values.output == CLI_JSON ? json_array() : NULL;
	if (!n && !errors.n)
		cli_tell(cli, "no clusters in %s; `redis-operator status FILE` looks at one", cli_state_path(cli));
	for (size_t i = 0; fine && i < n; i++) {
		if (i && cli->values.output == CLI_TEXT)
			printf("\n");
		fine = print_one(t, names[i], err);
	}
	if (n && errors.n && cli->values.output == CLI_TEXT)
		printf("\n");
	if (errors.n)
		print_unknown(cli, &errors);
	if (t->list)
		cli_print_json(rop_json("{s:o, s:o}", "clusters", t->list, "file_errors",
					rop_report_file_errors_json(errors.at, errors.n)));
	return fine;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	struct rop_err err = { 0 };
	struct telling t = { .cli = cli };
	bool fine;
	if (cli->values.watch && cli->values.output == CLI_JSON)
		fine = rop_fail(&err, ROP_INVALID,
				"--watch prints again and again, and -o json is one document\n"
				"  -> -o jsonl");
	else if (argc == 0)
		fine = print_all(&t, &err);
	else if (cli->values.watch)
		fine = watch(cli, argv[0], &err);
	else
		fine = print_one(&t, argv[0], &err);
	if (!fine)
		return cli_fail(&err);
	return cli->values.exit_code ? t.code : ROP_OK;
}

const struct cli_command cli_status = {
	.name = "status",
	.operands = "[FILE|CLUSTER]",
	.min_operands = 0,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Nodes, roles, slots, state, conditions, what is under way",
	.about = "Looks at the nodes and reads the database; changes neither. Without an operand: every "
		 "cluster of the database.\n"
		 "With --exit-code, for monitoring, the first that holds of: 9 not permitted, 8 too few nodes "
		 "answer, 4 refused, 10 some slots are not served, 6 degraded, 2 not as declared, 0; of "
		 "several clusters the worst. -q then prints nothing.\n",
};
