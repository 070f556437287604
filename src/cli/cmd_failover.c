/* cmd_failover.c - have a shard led by another node: the wish is written down, and seen through by a run that does
 * nothing else. Killed in the middle, the next pass of apply or of the daemon goes on with it.
 */
#include <stdio.h>
#include <string.h>

#include "task.h"
#include "rop/text.h"

static const struct cli_option OPTIONS[] = {
	{ "plan", 0, CLI_FLAG, NULL, "show what would be done, and why; change nothing", CLI_VALUE(plan) },
	{ "yes", 'y', CLI_FLAG, NULL, "do not ask", CLI_VALUE(yes) },
	{ "timeout", 0, CLI_DURATION, "TIME", "give up when it is not done by then (default 5m)",
	  CLI_VALUE(timeout_ms) },
	CLI_REASON_OPTION,
	{ 0 },
};

struct asking {
	struct task task;
	struct rop_wish wish;  /* what the person's words mean */
	bool goes_on;          /* an earlier call wanted the same, and was not finished */
	struct rop_image with; /* the session's image, with the wish in it */
};

/* ---- what is wanted ------------------------------------------------------------------------------------------- */

/* It is so already, and nobody is at it. */
static bool is_led_by(const struct asking *a)
{
	return a->wish.node[0] && strcmp(a->wish.node, a->wish.primary) == 0 && !a->goes_on;
}

/* Nobody came to see that it is too late for it: the cluster was blocked or paused, say. */
static bool is_over(const struct rop_wish *open)
{
	return rop_wall_ms() - open->asked_wall_ms >= ROP_WISH_LASTS_MS;
}

/* Who asks for it by now, where it is an earlier one that was not finished. */
static bool take_earlier(struct asking *a, struct rop_err *err)
{
	const struct rop_wish *open = &a->task.s->image.wish;
	a->goes_on = open->id && !is_over(open) && open->shard == a->wish.shard &&
		     strcmp(open->node, a->wish.node) == 0;
	if (a->goes_on)
		a->wish = *open;
	if (!open->id || is_over(open) || a->goes_on || is_led_by(a))
		return true;
	return rop_fail(err, ROP_REFUSED,
			"a fail-over of shard %d is under way, asked for by %s@%s: one at a time\n"
			"  -> `redis-operator apply` goes on with it, or this command with the same words",
			open->shard, open->by.user, open->by.host);
}

static bool is_against_all(const struct rop_situation *now)
{
	return now->findings.n || !now->in_view;
}

static void plan(struct asking *a, const struct rop_wish *wish)
{
	struct rop_reconcile_options options;
	session_reconcile_options(a->task.s, &options);
	a->with = a->task.s->image;
	a->with.wish = *wish;
	a->with.paused &= !a->task.cli->values.plan; /* who only looks is shown what would be done */
	options.image = &a->with;
	options.only_wish = a->wish.id != 0; /* else it is said what stands in the way of anything */
	rop_plan_make(a->task.cli->arena, &options, a->task.s->seen, session_clock(), &a->task.plan);
}

/* false: err says why it cannot be, or cannot be now. What stands against the whole cluster is in the plan, and one
 * judgement of it is asked throughout: another look at the same nodes may weigh what is fresh another way. */
static bool prepare(struct asking *a, struct rop_err *err)
{
	plan(a, &a->task.s->image.wish);
	const struct rop_situation *now = a->task.plan.first;
	a->goes_on = false;
	if (is_against_all(now)) /* said as apply says it */
		return true;
	if (!rop_wish_make(now, a->task.target, &a->wish, err) || !take_earlier(a, err))
		return false;
	if (!a->goes_on)
		a->wish.by = cli_deed(a->task.cli, ROP_DEED_FAILOVER, NULL);
	plan(a, &a->wish);
	return true;
}

/* ---- told ----------------------------------------------------------------------------------------------------- */

static void print_document(const struct asking *a, const struct rop_wish *wish)
{
	struct rop_report report = session_report(a->task.s);
	if (a->task.cli->values.output != CLI_TEXT && a->task.plan.first->handover)
		cli_print_json(rop_report_handover_json(&report, &a->task.plan, wish));
}

static void show(const struct asking *a)
{
	ROP_OWN_TEXT text = { 0 };
	struct rop_report report = session_report(a->task.s);
	if (a->task.cli->values.output != CLI_TEXT)
		return;
	rop_report_handover(&report, &a->task.plan, &text);
	cli_print_lines(&text);
	fflush(stdout);
}

/* It is so already: nothing is asked of anybody. */
static enum rop_code tell_nothing_to_do(struct asking *a)
{
	a->wish.status = ROP_WISH_MET;
	a->wish.note = rop_printf(a->task.cli->arena, "%s leads shard %d already", a->wish.address, a->wish.shard);
	print_document(a, &a->wish);
	cli_tell(a->task.cli, "%s: %s", a->task.s->topology->name, a->wish.note);
	return ROP_OK;
}

static enum rop_code refuse(struct asking *a, enum rop_code code, const char *why)
{
	struct rop_err err = { 0 };
	show(a);
	a->wish.status = ROP_WISH_REFUSED;
	a->wish.note = why;
	print_document(a, &a->wish);
	rop_fail(&err, code, "shard %d of '%s' is not handed over: %s", a->wish.shard, a->task.s->topology->name, why);
	return cli_fail(&err);
}

/* ROP_OK: it can be done. What stands against the whole cluster is said as apply says it. */
static enum rop_code judge(struct asking *a)
{
	const struct rop_handover *h = a->task.plan.first->handover;
	if (is_against_all(a->task.plan.first) || a->task.plan.first->paused) {
		cli_findings(plan_reason(&a->task.plan), a->task.plan.result.text);
		return a->task.plan.result.code == ROP_OK ? ROP_REFUSED : a->task.plan.result.code;
	}
	if (h->hopeless && !a->goes_on)
		return refuse(a, ROP_REFUSED, h->hopeless);
	if (h->barred && !a->goes_on && !is_led_by(a))
		return refuse(a, h->code, h->barred);
	return ROP_OK;
}

/* ---- done ----------------------------------------------------------------------------------------------------- */

/* Nobody holds the cluster up while a question stands. */
static bool may_go_on(const struct asking *a, struct rop_err *err)
{
	return cli_agreed(a->task.cli, "\nHand this shard over? Only 'yes' is taken for a yes: ", "yes",
			  "--plan shows what is done, --yes does it without asking",
			  "not confirmed; nothing was changed", err);
}

/* While the question stood others could change what they liked: who takes over must still be who was shown. */
static enum rop_code still_agreed(struct asking *a)
{
	struct rop_err err = { 0 };
	int to = a->task.plan.first->handover->to;
	if (a->task.lock)
		return ROP_OK;
	if (!task_look_again(&a->task, &err) || !prepare(a, &err))
		return cli_fail(&err);
	enum rop_code code = judge(a);
	if (code != ROP_OK)
		return code;
	if (a->task.plan.first->handover->to == to)
		return ROP_OK;
	rop_fail(&err, ROP_STALE, "who takes over would be another one than was shown: nothing was changed; ask again");
	return cli_fail(&err);
}

/* What this call did not come to the end of is not to be done behind a person's back, unless the servers are at it. */
static void withdraw(struct asking *a)
{
	struct rop_err err = { 0 };
	struct rop_wish_end end = { .status = ROP_WISH_WITHDRAWN, .note = "whoever asked for it did not wait for it" };
	if (!task_load(&a->task, &err) || !a->task.s->image.wish.id)
		return;
	for (size_t i = 0; i < a->task.s->image.pending.n; i++)
		if (a->task.s->image.pending.at[i].kind == ROP_STEP_FAILOVER) {
			cli_tell(a->task.cli,
				 "%s: a replica was asked to take over, and may do so yet; `redis-operator apply` sees "
				 "it through",
				 a->task.s->topology->name);
			return;
		}
	end.id = a->task.s->image.wish.id;
	if (rop_store_withdraw(a->task.s->store, a->task.s->topology->name, &end, rop_wall_ms(), &err))
		cli_tell(a->task.cli, "%s: the fail-over is not wanted any more", a->task.s->topology->name);
}

static bool write_down(struct asking *a, int64_t *ret_id, struct rop_err *err)
{
	const char *name = a->task.s->topology->name;
	struct rop_wish_end over = { .id = a->task.s->image.wish.id,
				     .status = ROP_WISH_REFUSED,
				     .note = "it was not done for too long" };
	if (a->goes_on)
		return true;
	return (!over.id || rop_store_withdraw(a->task.s->store, name, &over, rop_wall_ms(), err)) &&
	       rop_store_wish(a->task.s->store, name, &a->wish, rop_wall_ms(), ret_id, err);
}

static enum rop_code do_it(struct asking *a)
{
	struct rop_err err = { 0 };
	struct run_once once;
	int64_t id = a->wish.id;
	if (!write_down(a, &id, &err) || !task_load(&a->task, &err))
		return cli_fail(&err);
	task_begin(&a->task, &once);
	once.reconcile.only_wish = true;
	run_once(&once);
	if (once.wish == ROP_WISH_OPEN)
		withdraw(a);
	if (task_load(&a->task, &err) && a->task.s->image.last_wish.id == id)
		print_document(a, &a->task.s->image.last_wish);
	else
		print_document(a, &a->task.s->image.wish);
	return once.code;
}

static enum rop_code hand_over(struct asking *a)
{
	struct rop_err err = { 0 };
	if (!prepare(a, &err))
		return cli_fail(&err);
	session_warn_of_second(a->task.cli, a->task.plan.first);
	enum rop_code code = judge(a);
	if (code != ROP_OK)
		return code;
	if (is_led_by(a))
		return tell_nothing_to_do(a);
	if (a->task.cli->values.plan || !a->task.cli->values.yes)
		show(a);
	if (a->task.cli->values.plan) {
		print_document(a, &a->wish);
		return ROP_OK;
	}
	if (!may_go_on(a, &err))
		return cli_fail(&err);
	code = still_agreed(a);
	return code == ROP_OK ? do_it(a) : code;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct asking a = { .task = { .command = "failover",
				      .target = argv[1],
				      .unknown = "who belongs to it was never seen as declared",
				      .cli = cli,
				      .s = &s } };
	bool lock = cli->values.yes && !cli->values.plan;
	enum rop_code code = task_open(&a.task, argv[0], lock, &err) ? hand_over(&a) : cli_fail(&err);
	task_close(&a.task);
	return code;
}

const struct cli_command cli_failover = {
	.name = "failover",
	.operands = "FILE|CLUSTER SHARD|NODE",
	.min_operands = 2,
	.max_operands = 2,
	.options = OPTIONS,
	.run = run,
	.summary = "Have a shard led by its best replica, or by the one that is named",
	.about =
		"SHARD is its number; NODE is named as in the file (host:port), or by its id. --plan shows every "
		"replica of the shard, how far behind it is, and why it may or may not take over.\n"
		"The primary lets writes wait until the replica has caught up (CLUSTER FAILOVER): none is lost. It is "
		"done when every node says so and the old primary follows. Nothing else of the cluster is changed.\n"
		"After a failed attempt servers take no other one for a while, which is waited for; the third one ends "
		"it. Killed in the middle, the next 'apply' or the daemon goes on with it, for a quarter of an hour.\n"
		"Refused, with the reasons, where no replica is in sync, the shard's primary does not answer or its "
		"slots are on their way.\n",
};
