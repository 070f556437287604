/* cmd_apply.c - do it, once; return when the declared cluster is there and seen by all. */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "progress.h"
#include "rop/look.h"
#include "review.h"
#include "rop/host.h"
#include "run_once.h"

static const struct cli_option OPTIONS[] = {
	{ "yes", 'y', CLI_FLAG, NULL, "do not ask", CLI_VALUE(yes) },
	{ "timeout", 0, CLI_DURATION, "TIME", "give up when not converged by then (default 5m)",
	  CLI_VALUE(timeout_ms) },
	{ "step", 0, CLI_FLAG, NULL, "one batch of steps, then stop (without temporary settings)", CLI_VALUE(step) },
	{ "allow-data-loss", 0, CLI_STRING, "CLUSTER@DIGEST",
	  "consent, for this run, to the loss that plan printed with it", CLI_VALUE(allow_data_loss) },
	CLI_REASON_OPTION,
	{ 0 },
};

struct applying {
	struct run_once once; /* first: what it is told is about this */
	const struct review *review;
	bool planned;      /* there were steps in the plan */
	bool written_down; /* who does this */
};

static bool may_step(void *arg, const struct rop_step *step)
{
	const struct applying *a = arg;
	return rop_agreed_holds(&a->review->agreed, step);
}

/* ---- doing ------------------------------------------------------------------------------------------------- */

/* Before the writer's thread begins: this waits here, and a signal ends it. */
static bool accept(struct applying *a, int64_t *ret_revision, struct rop_err *err)
{
	const struct session *s = a->once.s;
	struct rop_arena *arena = s->cli->arena;
	const struct rop_topology *t = s->topology;
	const char *canonical = rop_topology_canonical(arena, t), *path = rop_full_path(arena, t->path);
	struct rop_store *store = s->store;
	while (!rop_store_accept(store, t->name, t->digest, canonical, s->source, path, rop_wall_ms(), ret_revision,
				 err)) {
		if (!rop_store_in_use(store) ||
		    rop_boot_ms() - a->once.progress.began_ms >= run_once_patience_ms(s->cli))
			return false;
		progress_database(&a->once.progress, err);
	}
	progress_database(&a->once.progress, NULL);
	return true;
}

/* Who does this, and who consented to what: once there is something to be done, so that a run over a cluster that is as
 * declared writes nothing. */
static bool write_down(struct applying *a, bool changes, struct rop_err *err)
{
	const struct session *s = a->once.s;
	struct rop_deed deeds[2] = { cli_deed(s->cli, ROP_DEED_APPLY, NULL) };
	size_t n = 1;
	if ((!changes && !s->consent) || a->written_down)
		return true;
	if (s->consent)
		deeds[n++] = cli_deed(s->cli, ROP_DEED_CONSENT,
				      rop_printf(s->cli->arena, "to %s@%s", s->topology->name, s->consent));
	a->written_down = rop_store_deeds(s->store, s->topology->name, deeds, n, rop_wall_ms(), err);
	return a->written_down;
}

static enum rop_code go(struct applying *a)
{
	struct rop_err err = { 0 };
	session_reconcile_options(a->once.s, &a->once.reconcile);
	a->once.reconcile.may_step = a->review->agreed.index ? may_step : NULL;
	a->once.progress.began_ms = rop_boot_ms();
	if (!accept(a, &a->once.reconcile.revision, &err))
		return cli_fail(&err);
	if (!write_down(a, a->planned, &err))
		return cli_fail(&err);
	run_once(&a->once);
	if (!write_down(a, a->once.progress.asked > 0, &err)) /* what came up on the way */
		return cli_fail(&err);
	return a->once.code;
}

/* ---- agreeing ---------------------------------------------------------------------------------------------- */

static bool may_go_on(const struct cli *cli, struct rop_err *err)
{
	return cli_agreed(cli, "\nMake these changes? Only 'yes' is taken for a yes: ", "yes",
			  "review the plan, then give --yes", "not confirmed; nothing was changed", err);
}

static void tell_of_second(const struct session *s, const struct rop_situation *now)
{
	for (size_t i = 0; i < now->warnings.n; i++) {
		const struct rop_finding *w = &now->warnings.at[i];
		if (rop_reason_kind(w->is) == ROP_REASON_SECOND)
			cli_print_event(rop_report_warning_json(s->topology->name, w));
	}
}

/* For a person: the plan as `plan` prints it. For logs and mails: a line a change, when it is done; and before, where
 * it is yet to be agreed upon. */
static void show(struct cli *cli, struct session *s, struct review *review, const struct rop_plan *plan)
{
	bool terminal = isatty(STDOUT_FILENO);
	ROP_OWN_TEXT text = { 0 }, warnings = { 0 };
	struct rop_report report = session_report(s);
	if (cli->values.output != CLI_TEXT) {
		tell_of_second(s, plan->first);
		for (size_t i = 0; i < plan->steps.n; i++)
			cli_print_event(rop_report_planned_json(s->topology->name, &plan->steps.at[i]));
		return;
	}
	if (terminal && (plan->steps.n || plan->result.reached))
		rop_report_plan(&report, plan, &text);
	review->lines = rop_plan_lines_new(&report, plan);
	if (!terminal && !cli->values.yes && !review->agreed.path)
		rop_plan_lines_planned(review->lines, &text);
	cli_print_lines(&text);
	fflush(stdout);
	if (plan->steps.n)
		rop_report_plan_warnings(plan, true, &warnings);
	cli_tell_text(cli, &warnings);
}

static void make_plan(struct cli *cli, struct session *s, const struct review *review, struct rop_plan *ret_plan)
{
	struct rop_reconcile_options options;
	session_reconcile_options(s, &options);
	options.step &= !review->agreed.path; /* the saved plan is one of the whole way */
	rop_plan_make(cli->arena, &options, s->seen, session_clock(), ret_plan);
}

#define LOOK (ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_CLIENTS | ROP_OBSERVE_RIGHTS | ROP_OBSERVE_MEMORY)

#define LOOK_AGAIN_MS 500

/* One look cannot tell a second server from a node whose address was just put right: a run gives that a node timeout,
 * and so does who is about to refuse one. */
static void let_it_pass(struct cli *cli, struct session *s, const struct review *review, struct rop_plan *plan)
{
	int64_t ms = rop_situation_may_pass_ms(plan->first), timeout_ms = cli->values.timeout_ms;
	int64_t end_ms = rop_boot_ms() + (ms < timeout_ms ? ms : timeout_ms);
	if (ms)
		cli_tell(cli, "%s: %s; looking again, as that may be of before", s->topology->name,
			 plan->first->findings.at[0].text);
	while (rop_situation_may_pass_ms(plan->first) && rop_boot_ms() < end_ms) {
		rop_look_wait(s->loop, LOOK_AGAIN_MS);
		session_look(s, LOOK);
		make_plan(cli, s, review, plan);
	}
}

static bool is_refused(const struct rop_plan *plan)
{
	return plan->result.code != ROP_OK && plan->result.code != ROP_TIMEOUT;
}

static bool still_fits(const struct session *s, const struct review *review, const struct rop_plan *plan)
{
	ROP_OWN_TEXT text = { 0 };
	const struct rop_report report = session_report(s);
	bool fits = rop_agreed_fits(&review->agreed, &report, s->source, plan, &text);
	if (!fits)
		cli_fail_text(&text);
	return fits;
}

/* The plan is shown and, where somebody is there to be asked, agreed upon; a saved plan was agreed upon before. */
static enum rop_code agree(struct cli *cli, struct session *s, struct review *review, bool *ret_go)
{
	struct rop_plan *made = rop_alloc(cli->arena, sizeof *made); /* its lines are told as they are done */
	struct rop_err err = { 0 };
	make_plan(cli, s, review, made);
	let_it_pass(cli, s, review, made);
	const struct rop_plan plan = *made;
	const struct rop_report report = session_report(s);
	if (!review->warned)
		session_warn_of_second(cli, plan.first);
	review->warned = true;
	*ret_go = false;
	bool refused = is_refused(&plan);
	if (review->agreed.path && !(refused && plan.result.code == ROP_DENIED) && !still_fits(s, review, &plan))
		return ROP_STALE;
	if ((refused || plan.first->lost.list.n) && consent_ask(s, &plan))
		return ROP_CHANGES;
	if (refused && (review->agreed.path || (!plan.steps.n && !s->image.pending.n))) {
		cli_findings(plan_reason(&plan), plan.result.text);
		return plan.result.code;
	}
	show(cli, s, review, made);
	if (plan.steps.n && !review->agreed.path && !may_go_on(cli, &err))
		return cli_fail(&err);
	if (!review->agreed.path && !cli->values.yes) /* also of no steps: nobody said yes to what comes up later */
		rop_agreed_take(&report, s->source, &plan, &review->agreed);
	review->planned = plan.steps.n > 0;
	*ret_go = true;
	return ROP_OK;
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
	    !rop_store_load(s->store, cli->arena, s->topology->name, &s->image, &err) || !session_look(s, LOOK))
		return cli_fail(&err);
	make_plan(cli, s, review, &plan);
	return still_fits(s, review, &plan) ? ROP_OK : ROP_STALE;
}

/* Nobody holds the cluster up while a question stands on a terminal: for the yes, or for consent to a loss. */
static bool may_ask(const struct session *s, const struct review *review)
{
	const struct cli_values *values = &s->cli->values;
	return ((!values->yes && !review->agreed.path) || (values->allow_data_loss && !s->consent)) &&
	       isatty(STDIN_FILENO);
}

static enum rop_code apply(struct cli *cli, struct session *s, struct review *review, struct rop_lock **lock,
			   struct rop_err *err)
{
	bool agreed = false;
	if (!consent_take(s, err) || (!may_ask(s, review) && !take_lock(cli, s, lock, err)) ||
	    !session_open_store(s, ROP_STORE_WRITE, err) || !session_open_nodes(s, err) || !session_look(s, LOOK) ||
	    !session_is_of_no_other(s, err))
		return cli_fail(err);
	enum rop_code code = agree(cli, s, review, &agreed);
	if (!agreed && code == ROP_CHANGES) /* the loss was consented to: the plan is another one now */
		code = agree(cli, s, review, &agreed);
	if (agreed)
		code = still_agreed(cli, s, review, lock);
	if (!agreed || code != ROP_OK)
		return code;
	struct applying a = {
		.once = { .s = s,
			  .progress = { .cli = cli, .cluster = s->topology->name, .lines = review->lines },
			  .tell_result = progress_result,
			  .interrupted = "interrupted; apply again to go on",
			  .terminated = "told to stop; apply again to go on" },
		.review = review,
		.planned = review->planned,
	};
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
		cli->values.timeout_ms = RUN_ONCE_TIMEOUT_MS;
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
	.about = "Shows the plan, asks (or takes --yes), and goes on from whatever is there: an interrupted "
		 "run is finished by the next one. Silent, with exit code 0, when there is nothing to do; "
		 "without a terminal one line per change.\n"
		 "-o jsonl prints one object per event.\n"
		 "A PLAN saved by 'plan --out' is not asked about: exactly its steps are done. Exit code 7, "
		 "and what has changed, when anything that it relied on is not as it was.\n",
};
