/* cmd_apply.c - do it, once; return when the declared cluster is there and seen by all. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "rop/text.h"
#include "review.h"

static const struct cli_option OPTIONS[] = {
	{ "yes", 'y', CLI_FLAG, NULL, "do not ask", CLI_VALUE(yes) },
	{ "timeout", 0, CLI_DURATION, "TIME", "give up when not converged by then (default 5m)",
	  CLI_VALUE(timeout_ms) },
	{ "step", 0, CLI_FLAG, NULL, "one batch of steps, then stop (without temporary settings)", CLI_VALUE(step) },
	{ "allow-data-loss", 0, CLI_STRING, "CLUSTER@DIGEST",
	  "consent, for this run, to the loss that plan printed with it", CLI_VALUE(allow_data_loss) },
	{ 0 },
};

#define TIMEOUT_DEFAULT_MS 300000
#define PROGRESS_EVERY_MS 10000
#define PATIENCE_MS 60000 /* with another process that uses the database */

struct applying {
	struct cli *cli;
	const struct review *review;
	struct session *s;
	struct rop_drive *drive;
	struct rop_writer *writer;
	struct rop_timer *ticker;
	int64_t began_ms, said_ms;
	size_t asked;                /* steps sent */
	ROP_LIST(const char *) kept; /* values that the servers write their own way, as told */
	bool line_open;
	bool waiting; /* for the database */
	enum rop_code code;
	bool reached;
	int64_t took_ms;
};

/* ---- telling ----------------------------------------------------------------------------------------------- */

static bool jsonl(const struct applying *a)
{
	return a->cli->values.output != CLI_TEXT;
}

static void close_line(struct applying *a)
{
	if (a->line_open)
		fputs("\r\033[K", stderr);
	a->line_open = false;
}

static void on_transition(void *arg, const struct rop_transition *t)
{
	struct applying *a = arg;
	if (jsonl(a)) {
		cli_print_jsonl(rop_json("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "transition", "cluster",
					 a->s->topology->name, "from", t->from, "to", t->to, "row", t->row, "why",
					 t->why));
		return;
	}
	if (a->cli->values.verbose)
		close_line(a);
	rop_log_transition(a->s->topology->name, t);
}

/* Once, of all the nodes that do so. */
static void tell_kept(struct applying *a, const struct rop_expect *e, const char *note)
{
	const char *text = rop_printf(a->cli->arena, "%s: %s %s is %s", a->s->topology->name, e->name, e->value, note);
	for (size_t i = 0; i < a->kept.n; i++)
		if (strcmp(a->kept.at[i], text) == 0)
			return;
	*rop_push(a->cli->arena, &a->kept) = text;
	close_line(a);
	cli_tell(a->cli, "%s by the servers", text);
}

static void on_step(void *arg, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	struct applying *a = arg;
	const struct rop_expect *e = &step->expect;
	a->asked += status == ROP_EXPECT_PENDING;
	if (jsonl(a)) {
		const char *type = status == ROP_EXPECT_PENDING ? "step_start"
				   : status == ROP_EXPECT_MET   ? "step_done"
								: "step_failed";
		cli_print_jsonl(rop_json("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "type", type, "cluster",
					 a->s->topology->name, "action", rop_step_kind_name(e->kind), "subject",
					 e->subject, "node", e->address, "command", e->command, "attempts", e->attempts,
					 "status", rop_expect_status_name(status), "note", rop_json_text(note)));
		return;
	}
	if (status == ROP_EXPECT_MET && e->kind == ROP_STEP_SETTING && note)
		tell_kept(a, e, note);
	if (a->cli->values.verbose)
		close_line(a);
	rop_log_step(a->s->topology->name, step, status, note);
}

static bool may_step(void *arg, const struct rop_step *step)
{
	const struct applying *a = arg;
	return review_holds(a->review, step);
}

/* What it waits for, in a few words: the first thing that is open. *ret_open: is there such a thing? */
static const char *waits_for(struct applying *a, bool *ret_open)
{
	const struct rop_reconcile *r = rop_drive_reconcile(a->drive);
	struct rop_situation *now = (struct rop_situation *)rop_reconcile_situation(r);
	*ret_open = true;
	if (!now)
		return "the nodes' first answers";
	rop_situation_open(now);
	*ret_open = now->open.n > 0;
	return *ret_open ? now->open.at[0].text : "a second look that confirms it";
}

static void tick(void *arg)
{
	struct applying *a = arg;
	int64_t now = rop_boot_ms(), elapsed = now - a->began_ms;
	int64_t left = a->cli->values.timeout_ms - elapsed,
		left_s = left > 0 ? (left + 999) / 1000 : 0; /* at most: rounded up */
	rop_timer_start(a->ticker, a->cli->live ? 200 : 1000);
	const char *state = rop_reconcile_state(rop_drive_reconcile(a->drive)), *what;
	bool open, due = now - a->said_ms >= PROGRESS_EVERY_MS;
	if (!a->cli->live && !due)
		return;
	what = waits_for(a, &open);
	if (jsonl(a)) {
		a->said_ms = now;
		cli_print_jsonl(rop_json("{s:s, s:s, s:s, s:s, s:I}", "type", "waiting", "cluster",
					 a->s->topology->name, "state", state, "for", what, "at_most_ms",
					 (json_int_t)(left > 0 ? left : 0)));
	} else if (a->cli->live) {
		fprintf(stderr, "\r\033[K%s: %s, %.1f s, at most %lld s more: %.60s", a->s->topology->name, state,
			(double)elapsed / 1000, (long long)left_s, what);
		a->line_open = true;
	} else if (open || a->asked) { /* nothing to do, and a long `settle`: cron hears nothing of that */
		a->said_ms = now;
		cli_tell(a->cli, "%s: %s, for %lld s, at most %lld s more: %s", a->s->topology->name, state,
			 (long long)(elapsed / 1000), (long long)left_s, what);
	}
}

static void tell_result(struct applying *a, const struct rop_result *result)
{
	close_line(a);
	if (jsonl(a)) {
		cli_print_jsonl(rop_json("{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:I, s:s}", "type", "summary", "cluster",
					 a->s->topology->name, "converged", result->reached, "exit_code",
					 (int)result->code, "steps", (int)result->steps, "transitions",
					 (int)result->transitions, "passes", (int)result->passes, "elapsed_ms",
					 (json_int_t)a->took_ms, "message", result->text));
		if (result->code != ROP_OK)
			cli_findings(result->text);
		return;
	}
	if (result->code != ROP_OK) {
		cli_findings(result->text);
		return;
	}
	const struct rop_situation *now = rop_reconcile_situation(rop_drive_reconcile(a->drive));
	if (!result->reached)
		cli_tell(a->cli, "%s: one batch of %zu steps done; apply --step again, or without --step to go on",
			 a->s->topology->name, result->steps);
	else if (result->steps && !a->cli->values.quiet)
		printf("%s: converged in %.2f s, %zu steps: %zu nodes agree, 16384 slots owned, cluster_state ok "
		       "everywhere\n",
		       a->s->topology->name, (double)a->took_ms / 1000, result->steps, now->answering);
	else if (!result->steps && a->cli->live)
		cli_tell(a->cli, "%s: converged, nothing had to be done (waited %.1f s until all nodes agreed)",
			 a->s->topology->name, (double)a->took_ms / 1000);
}

static void on_done(void *arg, const struct rop_result *result, const struct rop_err *err)
{
	struct applying *a = arg;
	a->took_ms = rop_boot_ms() - a->began_ms;
	a->code = result->code;
	a->reached = result->reached;
	if (err) {
		close_line(a);
		a->code = cli_fail(err);
	} else if (a->drive) {
		tell_result(a, result);
	}
	rop_loop_stop(a->s->loop);
}

/* Another process uses the database. Said once, and once that it is over. */
static void on_waiting(void *arg, const struct rop_err *why)
{
	struct applying *a = arg;
	if (a->waiting == (why != NULL))
		return;
	a->waiting = why != NULL;
	close_line(a);
	if (jsonl(a))
		cli_print_jsonl(json_pack("{s:s, s:s, s:b, s:o}", "type", "database", "cluster", a->s->topology->name,
					  "in_use", a->waiting, "message", rop_json_text(why ? why->text : NULL)));
	else if (why)
		cli_tell(a->cli, "%s: waiting, nothing is sent meanwhile: %s", a->s->topology->name, why->text);
	else
		cli_tell(a->cli, "the database is free again");
}

static int64_t patience_ms(const struct applying *a)
{
	return a->cli->values.timeout_ms < PATIENCE_MS ? a->cli->values.timeout_ms : PATIENCE_MS;
}

static void on_pauses(void *arg, const struct rop_pause *pauses, size_t n, const struct rop_err *err)
{
	struct applying *a = arg;
	if (!err) /* what cannot be read cannot be written either: the next commit tells */
		rop_drive_pauses(a->drive, pauses, n);
}

static void on_signal(void *arg, int signum)
{
	struct applying *a = arg;
	close_line(a);
	rop_writer_patience(a->writer, 0);
	rop_drive_stop(a->drive, ROP_FAIL,
		       signum == SIGINT ? "interrupted; apply again to go on" : "told to stop; apply again to go on");
}

/* ---- doing ------------------------------------------------------------------------------------------------- */

/* Before the writer's thread begins: this waits here, and a signal ends it. */
static bool accept(struct applying *a, int64_t *ret_revision, struct rop_err *err)
{
	const struct rop_topology *t = a->s->topology;
	const char *canonical = rop_topology_canonical(a->cli->arena, t), *path = cli_full_path(a->cli, t->path);
	struct rop_store *store = a->s->store;
	while (!rop_store_accept(store, t->name, t->digest, canonical, a->s->source, path, rop_wall_ms(), ret_revision,
				 err)) {
		if (!rop_store_in_use(store) || rop_boot_ms() - a->began_ms >= patience_ms(a))
			return false;
		on_waiting(a, err);
	}
	on_waiting(a, NULL);
	return true;
}

static enum rop_code go(struct applying *a)
{
	struct rop_drive_options options = {
		.loop = a->s->loop,
		.fleet = &a->s->fleet,
		.timeout_ms = a->cli->values.timeout_ms,
		.on_done = on_done,
		.arg = a,
	};
	struct rop_err err = { 0 };
	session_reconcile_options(a->s, &options.reconcile);
	options.reconcile.on_transition = on_transition;
	options.reconcile.on_step = on_step;
	options.reconcile.may_step = a->review->index ? may_step : NULL;
	options.reconcile.arg = a;
	a->began_ms = rop_boot_ms();
	if (!accept(a, &options.reconcile.revision, &err))
		return cli_fail(&err);
	a->began_ms = a->said_ms = rop_boot_ms();
	struct rop_signal *interrupt = rop_signal_new(a->s->loop, SIGINT, on_signal, a);
	struct rop_signal *terminate = rop_signal_new(a->s->loop, SIGTERM, on_signal, a);
	options.writer = a->writer = rop_writer_new(a->s->loop, a->s->store, &err);
	if (!options.writer)
		return cli_fail(&err);
	rop_writer_patience(a->writer, patience_ms(a));
	rop_writer_watch_waiting(a->writer, on_waiting, a);
	a->drive = rop_drive_start(&options);
	rop_writer_watch_pauses(a->writer, on_pauses, a);
	a->ticker = rop_timer_new(a->s->loop, tick, a);
	rop_timer_start(a->ticker, a->cli->live ? 200 : 1000);
	rop_loop_run(a->s->loop);
	rop_timer_free(a->ticker);
	rop_signal_free(interrupt);
	rop_signal_free(terminate);
	rop_drive_free(a->drive);
	rop_writer_free(a->writer);
	return a->code;
}

static bool may_go_on(struct cli *cli, struct rop_err *err)
{
	char answer[16] = "";
	if (cli->values.yes)
		return true;
	if (!isatty(STDIN_FILENO))
		return rop_fail(err, ROP_REFUSED,
				"these changes need a person's yes, and there is no terminal to ask on\n  -> review "
				"the plan, then give --yes");
	fprintf(stderr, "\nMake these changes? Only 'yes' is taken for a yes: ");
	fflush(stderr);
	if (!fgets(answer, sizeof answer, stdin) || strcmp(answer, "yes\n") != 0)
		return rop_fail(err, ROP_REFUSED, "not confirmed; nothing was changed");
	return true;
}

static void tell_of_second(const struct session *s, const struct rop_situation *now)
{
	for (size_t i = 0; i < now->warnings.n; i++) {
		const struct rop_finding *w = &now->warnings.at[i];
		if (rop_reason_kind(w->is) != ROP_REASON_SECOND)
			continue;
		cli_print_jsonl(rop_json("{s:s, s:s, s:s, s:s, s:o}", "type", "warning", "cluster", s->topology->name,
					 "reason", w->reason, "message", w->text, "advice", rop_json_text(w->advice)));
	}
}

/* For a person: the plan as `plan` prints it. For logs and mails: a line a change, and none where there is none. */
static void show(struct cli *cli, struct session *s, const struct rop_plan *plan)
{
	bool terminal = isatty(STDOUT_FILENO);
	ROP_OWN_TEXT text = { 0 }, warnings = { 0 };
	struct rop_report report = session_report(s);
	if (cli->values.output != CLI_TEXT) {
		tell_of_second(s, plan->first);
		for (size_t i = 0; i < plan->steps.n; i++) {
			json_t *change = rop_report_step_json(&plan->steps.at[i]);
			json_object_set_new(change, "type", json_string("planned_change"));
			json_object_set_new(change, "cluster", json_string(s->topology->name));
			cli_print_jsonl(change);
		}
		return;
	}
	if (terminal && (plan->steps.n || plan->result.reached))
		rop_report_plan(&report, plan, &text);
	else if (!terminal)
		rop_report_plan_lines(&report, plan, &text);
	cli_print(&text);
	fflush(stdout);
	if (plan->steps.n)
		rop_report_plan_warnings(plan, &warnings);
	cli_tell_text(cli, &warnings);
}

static void make_plan(struct cli *cli, struct session *s, const struct review *review, struct rop_plan *ret_plan)
{
	struct rop_reconcile_options options;
	session_reconcile_options(s, &options);
	options.step &= !review->path; /* the saved plan is one of the whole way */
	rop_plan_make(cli->arena, &options, s->seen, (struct rop_clock){ rop_wall_ms(), rop_boot_ms() }, ret_plan);
}

static bool is_refused(const struct rop_plan *plan)
{
	return plan->result.code != ROP_OK && plan->result.code != ROP_TIMEOUT;
}

/* The plan is shown and, where somebody is there to be asked, agreed upon; a saved plan was agreed upon before. */
static enum rop_code agree(struct cli *cli, struct session *s, struct review *review, bool *ret_go)
{
	struct rop_plan plan;
	struct rop_err err = { 0 };
	make_plan(cli, s, review, &plan);
	session_warn_of_second(cli, plan.first);
	*ret_go = false;
	bool refused = is_refused(&plan);
	if (review->path && !(refused && plan.result.code == ROP_DENIED) && !review_fits(s, review, &plan))
		return ROP_STALE;
	if (refused && consent_ask(s, &plan))
		return ROP_CHANGES;
	if (refused && (review->path || (!plan.steps.n && !s->image.pending.n))) {
		cli_findings(plan.result.text);
		return plan.result.code;
	}
	show(cli, s, &plan);
	if (plan.steps.n && !review->path && !may_go_on(cli, &err))
		return cli_fail(&err);
	if (!review->path && !cli->values.yes) /* also of no steps: nobody said yes to what comes up later */
		review_take(s, &plan, review);
	*ret_go = true;
	return ROP_OK;
}

static bool look(struct session *s, struct rop_err *err)
{
	return session_look(s, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_CLIENTS, err);
}

static bool take_lock(struct cli *cli, const struct session *s, struct rop_lock **lock, struct rop_err *err)
{
	return *lock || rop_lock_take(cli_state_path(cli), s->topology->name, "apply", lock, err);
}

/* While the question stood others could change what they liked: the lock is taken after the yes, and what is seen then
 * must still be what was shown. */
static enum rop_code still_agreed(struct cli *cli, struct session *s, const struct review *review,
				  struct rop_lock **lock)
{
	struct rop_plan plan;
	struct rop_err err = { 0 };
	if (*lock)
		return ROP_OK;
	if (!take_lock(cli, s, lock, &err) ||
	    !rop_store_load(s->store, cli->arena, s->topology->name, &s->image, &err) || !look(s, &err))
		return cli_fail(&err);
	make_plan(cli, s, review, &plan);
	return review_fits(s, review, &plan) ? ROP_OK : ROP_STALE;
}

/* Nobody holds the cluster up while a question stands on a terminal: for the yes, or for consent to a loss. */
static bool may_ask(const struct session *s, const struct review *review)
{
	const struct cli_values *values = &s->cli->values;
	return ((!values->yes && !review->path) || (values->allow_data_loss && !s->consent)) && isatty(STDIN_FILENO);
}

static enum rop_code apply(struct cli *cli, struct session *s, struct review *review, struct rop_lock **lock,
			   struct rop_err *err)
{
	bool agreed = false;
	if (!consent_take(s, err) || (!may_ask(s, review) && !take_lock(cli, s, lock, err)) ||
	    !session_open_store(s, ROP_STORE_WRITE, err) || !session_open_nodes(s, err) || !look(s, err))
		return cli_fail(err);
	enum rop_code code = agree(cli, s, review, &agreed);
	if (!agreed && code == ROP_CHANGES) /* the loss was consented to: the plan is another one now */
		code = agree(cli, s, review, &agreed);
	if (agreed)
		code = still_agreed(cli, s, review, lock);
	if (!agreed || code != ROP_OK)
		return code;
	struct applying a = { .cli = cli, .s = s, .review = review };
	return go(&a);
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct review review = { 0 };
	struct rop_lock *lock = NULL;
	enum rop_code code;
	if (!cli->values.timeout_ms)
		cli->values.timeout_ms = TIMEOUT_DEFAULT_MS;
	if (review_open(&s, cli, argv[0], &review, &err) && session_open_machine(&s, &err)) {
		code = apply(cli, &s, &review, &lock, &err);
		session_close(&s);
		rop_lock_release(lock);
		return code;
	}
	code = cli_fail(&err);
	session_close(&s);
	return code;
}

const struct cli_command cli_apply = {
	.name = "apply",
	.operands = "FILE|PLAN",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Do it, once; return when the declared cluster is there and seen by all",
	.about = "Shows the plan, asks (or takes --yes), and goes on from whatever is there: an interrupted run is "
		 "finished by\n"
		 "the next one. Silent, with exit code 0, when there is nothing to do; without a terminal one line per "
		 "change.\n"
		 "-o jsonl prints one object per event.\n"
		 "A PLAN saved by 'plan --out' is not asked about: exactly its steps are done. Exit code 7, and what "
		 "has changed,\n"
		 "when anything that it relied on is not as it was.\n",
};
