/* cmd_failover.c - have a shard led by another node: the wish is written down, and seen through by a run that does
 * nothing else. Killed in the middle, the next pass of apply or of the daemon goes on with it.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "rop/text.h"
#include "run_once.h"

static const struct cli_option OPTIONS[] = {
	{ "plan", 0, CLI_FLAG, NULL, "show what would be done, and why; change nothing", CLI_VALUE(plan) },
	{ "yes", 'y', CLI_FLAG, NULL, "do not ask", CLI_VALUE(yes) },
	{ "timeout", 0, CLI_DURATION, "TIME", "give up when it is not done by then (default 5m)",
	  CLI_VALUE(timeout_ms) },
	CLI_REASON_OPTION,
	{ 0 },
};

#define LOOK (ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_CLIENTS | ROP_OBSERVE_RIGHTS)

struct asking {
	struct cli *cli;
	struct session *s;
	struct rop_lock *lock;
	const char *target;    /* the person's words */
	struct rop_wish wish;  /* what they mean */
	bool goes_on;          /* an earlier call wanted the same, and was not finished */
	struct rop_image with; /* the session's image, with the wish in it */
	struct rop_plan plan;  /* of nothing else */
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
	const struct rop_wish *open = &a->s->image.wish;
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

static bool is_known(const struct asking *a, struct rop_err *err)
{
	const struct rop_image *image = &a->s->image;
	const struct rop_topology *t = a->s->topology;
	if (image->known && image->members.n)
		return true;
	return rop_fail(err, ROP_REFUSED,
			"cluster '%s' is not one that this database knows (%s): who belongs to it was never seen as "
			"declared\n  -> `redis-operator apply %s`",
			t->name, cli_state_path(a->cli), t->path);
}

static void plan(struct asking *a)
{
	struct rop_reconcile_options options;
	session_reconcile_options(a->s, &options);
	a->with = a->s->image;
	a->with.wish = a->wish;
	a->with.paused &= !a->cli->values.plan; /* who only looks is shown what would be done */
	options.image = &a->with;
	options.only_wish = true;
	rop_plan_make(a->cli->arena, &options, a->s->seen, session_clock(), &a->plan);
}

/* false: err says why it cannot be, or cannot be now. */
static bool prepare(struct asking *a, struct rop_err *err)
{
	const struct rop_situation *now = session_situation(a->s);
	a->goes_on = false;
	if (now->findings.n || !now->in_view) { /* said as apply says it */
		plan(a);
		return true;
	}
	if (!rop_wish_make(now, a->target, &a->wish, err) || !take_earlier(a, err))
		return false;
	if (!a->goes_on)
		a->wish.by = cli_deed(a->cli, ROP_DEED_FAILOVER, NULL);
	plan(a);
	return true;
}

/* ---- told ----------------------------------------------------------------------------------------------------- */

static void print_document(const struct asking *a, const struct rop_wish *wish)
{
	struct rop_report report = session_report(a->s);
	if (a->cli->values.output != CLI_TEXT && a->plan.first->handover)
		cli_print_json(rop_report_handover_json(&report, &a->plan, wish));
}

static void show(const struct asking *a)
{
	ROP_OWN_TEXT text = { 0 };
	struct rop_report report = session_report(a->s);
	if (a->cli->values.output != CLI_TEXT)
		return;
	rop_report_handover(&report, &a->plan, &text);
	cli_print_lines(&text);
	fflush(stdout);
}

/* It is so already: nothing is asked of anybody. */
static enum rop_code tell_nothing_to_do(struct asking *a)
{
	a->wish.status = ROP_WISH_MET;
	a->wish.note = rop_printf(a->cli->arena, "%s leads shard %d already", a->wish.address, a->wish.shard);
	print_document(a, &a->wish);
	cli_tell(a->cli, "%s: %s", a->s->topology->name, a->wish.note);
	return ROP_OK;
}

static enum rop_code refuse(struct asking *a, enum rop_code code, const char *why)
{
	struct rop_err err = { 0 };
	show(a);
	a->wish.status = ROP_WISH_REFUSED;
	a->wish.note = why;
	print_document(a, &a->wish);
	rop_fail(&err, code, "shard %d of '%s' is not handed over: %s", a->wish.shard, a->s->topology->name, why);
	return cli_fail(&err);
}

/* ROP_OK: it can be done. What stands against the whole cluster is said as apply says it. */
static enum rop_code judge(struct asking *a)
{
	const struct rop_handover *h = a->plan.first->handover;
	if (a->plan.first->findings.n || !a->plan.first->in_view || a->plan.first->paused) {
		cli_findings(plan_reason(&a->plan), a->plan.result.text);
		return a->plan.result.code;
	}
	if (h->hopeless && !a->goes_on)
		return refuse(a, ROP_REFUSED, h->hopeless);
	if (h->barred && !a->goes_on && !is_led_by(a))
		return refuse(a, h->code, h->barred);
	return ROP_OK;
}

static void tell_result(struct progress *p, const struct rop_result *result, const struct rop_situation *now)
{
	int64_t took_ms = rop_boot_ms() - p->began_ms;
	progress_close_line(p);
	if (p->cli->values.output != CLI_TEXT)
		cli_print_event(rop_report_summary_json(p->cluster, result, took_ms));
	if (result->code != ROP_OK)
		cli_findings(now ? rop_situation_reason(now) : NULL, result->text);
	else if (p->cli->values.output == CLI_TEXT && !p->cli->values.quiet)
		printf("%s: %s, after %.2f s; all nodes say so\n", p->cluster, result->text, (double)took_ms / 1000);
}

/* ---- done ----------------------------------------------------------------------------------------------------- */

/* Nobody holds the cluster up while a question stands. */
static bool may_go_on(const struct asking *a, struct rop_err *err)
{
	return cli_agreed(a->cli, "\nHand this shard over? Only 'yes' is taken for a yes: ", "yes",
			  "--plan shows what is done, --yes does it without asking",
			  "not confirmed; nothing was changed", err);
}

static bool take_lock(struct asking *a, struct rop_err *err)
{
	return a->lock || rop_lock_take(cli_state_path(a->cli), a->s->topology->name, "failover", &a->lock, err);
}

static bool load(struct asking *a, struct rop_err *err)
{
	return rop_store_load(a->s->store, a->cli->arena, a->s->topology->name, &a->s->image, err);
}

/* While the question stood others could change what they liked: who takes over must still be who was shown. */
static enum rop_code still_agreed(struct asking *a)
{
	struct rop_err err = { 0 };
	int to = a->plan.first->handover->to;
	if (a->lock)
		return ROP_OK;
	if (!take_lock(a, &err) || !load(a, &err) || !session_look(a->s, LOOK) || !prepare(a, &err))
		return cli_fail(&err);
	enum rop_code code = judge(a);
	if (code != ROP_OK)
		return code;
	if (a->plan.first->handover->to == to)
		return ROP_OK;
	rop_fail(&err, ROP_STALE, "who takes over would be another one than was shown: nothing was changed; ask again");
	return cli_fail(&err);
}

/* What this call did not come to the end of is not to be done behind a person's back, unless the servers are at it. */
static void withdraw(struct asking *a)
{
	struct rop_err err = { 0 };
	struct rop_wish_end end = { .status = ROP_WISH_WITHDRAWN, .note = "whoever asked for it did not wait for it" };
	if (!load(a, &err) || !a->s->image.wish.id)
		return;
	for (size_t i = 0; i < a->s->image.pending.n; i++)
		if (a->s->image.pending.at[i].kind == ROP_STEP_FAILOVER) {
			cli_tell(a->cli,
				 "%s: a replica was asked to take over, and may do so yet; `redis-operator apply` sees "
				 "it through",
				 a->s->topology->name);
			return;
		}
	end.id = a->s->image.wish.id;
	if (rop_store_withdraw(a->s->store, a->s->topology->name, &end, rop_wall_ms(), &err))
		cli_tell(a->cli, "%s: the fail-over is not wanted any more", a->s->topology->name);
}

/* Nothing but what was shown; also by a machine that somebody changed. (What tells others of it is not asked about.) */
static bool may_step(void *arg, const struct rop_step *step)
{
	(void)arg;
	return step->expect.kind == ROP_STEP_FAILOVER || step->expect.kind == ROP_STEP_RESTORE;
}

static bool write_down(struct asking *a, int64_t *ret_id, struct rop_err *err)
{
	const char *name = a->s->topology->name;
	struct rop_wish_end over = { .id = a->s->image.wish.id,
				     .status = ROP_WISH_REFUSED,
				     .note = "it was not done for too long" };
	if (a->goes_on)
		return true;
	return (!over.id || rop_store_withdraw(a->s->store, name, &over, rop_wall_ms(), err)) &&
	       rop_store_wish(a->s->store, name, &a->wish, rop_wall_ms(), ret_id, err);
}

static enum rop_code do_it(struct asking *a)
{
	struct rop_err err = { 0 };
	struct run_once once = { .s = a->s,
				 .progress = { .cli = a->cli, .cluster = a->s->topology->name },
				 .tell_result = tell_result,
				 .interrupted = "interrupted",
				 .terminated = "told to stop" };
	int64_t id = a->wish.id;
	if (!write_down(a, &id, &err) || !load(a, &err))
		return cli_fail(&err);
	for (size_t i = 0; a->cli->values.output != CLI_TEXT && i < a->plan.steps.n; i++)
		cli_print_event(rop_report_planned_json(a->s->topology->name, &a->plan.steps.at[i]));
	session_reconcile_options(a->s, &once.reconcile);
	once.reconcile.only_wish = true;
	once.reconcile.may_step = may_step;
	once.reconcile.revision = a->s->image.revision;
	run_once(&once);
	if (once.wish == ROP_WISH_OPEN)
		withdraw(a);
	if (load(a, &err) && a->s->image.last_wish.id == id)
		print_document(a, &a->s->image.last_wish);
	else
		print_document(a, &a->s->image.wish);
	return once.code;
}

static enum rop_code hand_over(struct asking *a)
{
	struct rop_err err = { 0 };
	if (!prepare(a, &err))
		return cli_fail(&err);
	session_warn_of_second(a->cli, a->plan.first);
	enum rop_code code = judge(a);
	if (code != ROP_OK)
		return code;
	if (is_led_by(a))
		return tell_nothing_to_do(a);
	if (a->cli->values.plan || !a->cli->values.yes)
		show(a);
	if (a->cli->values.plan) {
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
	struct asking a = { .cli = cli, .s = &s, .target = argv[1] };
	bool changes = !cli->values.plan;
	if (!cli->values.timeout_ms)
		cli->values.timeout_ms = RUN_ONCE_TIMEOUT_MS;
	bool fine = session_open_topology(&s, cli, argv[0], &err) && session_open_machine(&s, &err) &&
		    (!changes || !cli->values.yes || take_lock(&a, &err)) &&
		    session_open_store(&s, changes ? ROP_STORE_WRITE : ROP_STORE_READ, &err) && is_known(&a, &err) &&
		    session_open_nodes(&s, &err) && session_look(&s, LOOK) && session_is_of_no_other(&s, &err);
	enum rop_code code = fine ? hand_over(&a) : cli_fail(&err);
	session_close(&s);
	rop_lock_release(a.lock);
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
