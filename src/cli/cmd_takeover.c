/* cmd_takeover.c - have a replica lead its shard without a vote, where no majority of the primaries is left: what that
 * costs is shown, consented to by its digest or on a terminal, and done by a run that does nothing else. Nothing of it
 * stays wanted when this call is over.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "task.h"
#include "rop/takeover.h"
#include "rop/text.h"

static const struct cli_option OPTIONS[] = {
	{ "plan", 0, CLI_FLAG, NULL, "show what it would cost, and why it may or may not be; change nothing",
	  CLI_VALUE(plan) },
	{ "allow-data-loss", 0, CLI_STRING, "CLUSTER@DIGEST",
	  "consent to what it costs, as it was shown; CLUSTER alone: asks on a terminal", CLI_VALUE(allow_data_loss) },
	{ "timeout", 0, CLI_DURATION, "TIME", "give up when it is not done by then (default 5m)",
	  CLI_VALUE(timeout_ms) },
	CLI_REASON_OPTION,
	{ 0 },
};

struct taking_over {
	struct task task;
	struct rop_wish asked; /* what the person's words mean */
};

/* ---- what it would be ------------------------------------------------------------------------------------------ */

static void plan(struct taking_over *t)
{
	struct rop_reconcile_options options;
	session_reconcile_options(t->task.s, &options);
	options.takeover = &t->asked;
	rop_plan_make(t->task.cli->arena, &options, t->task.s->seen, session_clock(), &t->task.plan);
}

static const struct rop_takeover *takeover_of(const struct taking_over *t)
{
	return t->task.plan.first->takeover;
}

/* Of a shard the best replica is named from here on: it is that one which a person consents to. */
static bool prepare(struct taking_over *t, struct rop_err *err)
{
	if (!t->asked.id && !rop_wish_make(session_situation(t->task.s), t->task.target, &t->asked, err))
		return false;
	plan(t);
	const struct rop_takeover *now = takeover_of(t);
	if (!t->asked.node[0] && now->heir >= 0) {
		const struct rop_node *heir = &t->task.s->seen->nodes[now->heir];
		memcpy(t->asked.node, heir->id, ROP_ID_SIZE);
		t->asked.address = heir->address;
		plan(t);
	}
	return true;
}

static bool is_led_by(const struct taking_over *t)
{
	return t->asked.node[0] && strcmp(t->asked.node, t->asked.primary) == 0 && takeover_of(t)->lost >= 0 &&
	       rop_answers(t->task.plan.first->seen, (size_t)takeover_of(t)->lost);
}

/* ---- told ------------------------------------------------------------------------------------------------------ */

static void print_document(const struct taking_over *t, const char *result, const char *message)
{
	struct rop_report report = session_report(t->task.s);
	if (t->task.cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_takeover_json(&report, takeover_of(t), result, message));
}

static void show(const struct taking_over *t)
{
	ROP_OWN_TEXT text = { 0 };
	struct rop_report report = session_report(t->task.s);
	if (t->task.cli->values.output != CLI_TEXT)
		return;
	rop_report_takeover(&report, takeover_of(t), &text);
	cli_print_lines(&text);
	fflush(stdout);
}

static enum rop_code refuse(const struct taking_over *t)
{
	struct rop_err err = { 0 };
	const struct rop_takeover *now = takeover_of(t);
	show(t);
	print_document(t, "refused", now->barred);
	rop_fail(&err, now->code, "%s%s%s", rop_takeover_sentence(t->task.cli->arena, now),
		 now->advice ? "\n  -> " : "", now->advice ? now->advice : "");
	return cli_fail(&err);
}

static enum rop_code judge(const struct taking_over *t)
{
	const struct rop_situation *first = t->task.plan.first;
	if (first->paused || first->refused) { /* that most are silent is what it is for */
		cli_findings(plan_reason(&t->task.plan), t->task.plan.result.text);
		return t->task.plan.result.code;
	}
	return takeover_of(t)->barred ? refuse(t) : ROP_OK;
}

static enum rop_code tell_nothing_to_do(const struct taking_over *t)
{
	const char *note = rop_printf(t->task.cli->arena, "%s leads shard %d already", t->asked.address,
				      t->asked.shard);
	print_document(t, "met", note);
	cli_tell(t->task.cli, "%s: %s", t->task.s->topology->name, note);
	return ROP_OK;
}

/* ---- consent --------------------------------------------------------------------------------------------------- */

static const char *consenting_command(const struct taking_over *t)
{
	const char *path = t->task.s->topology->path, *name = t->task.s->topology->name;
	return rop_printf(t->task.cli->arena, "`redis-operator takeover --allow-data-loss=%s@%s %s %s`", name,
			  takeover_of(t)->losses.digest, path ? path : name, t->asked.address);
}

/* Only a digest, or the cluster's name typed after the price was shown; there is no --yes. */
static bool consented(struct taking_over *t, struct rop_err *err)
{
	const char *digest = takeover_of(t)->losses.digest, *name = t->task.s->topology->name;
	if (t->task.s->consent && strcmp(t->task.s->consent, digest) == 0)
		return true;
	if (t->task.s->consent)
		return rop_fail(err, ROP_REFUSED,
				"this is not what was consented to (%s@%s): nothing was changed\n  -> %s", name,
				t->task.s->consent, consenting_command(t));
	if (!isatty(STDIN_FILENO))
		return rop_fail(err, ROP_REFUSED,
				"this needs a person's consent, and there is no terminal to ask on\n  -> %s",
				consenting_command(t));
	fprintf(stderr,
		"\nTake it over at that price? It cannot be undone. Only the cluster's name, '%s', is taken for "
		"a yes: ",
		name);
	if (!cli_answered(name))
		return rop_fail(err, ROP_REFUSED, "not confirmed; nothing was changed");
	t->task.s->consent = rop_strdup(t->task.cli->arena, digest);
	return true;
}

/* Whoever might have come back while the question stood is asked once more; what it costs must be what was shown. */
static enum rop_code still_agreed(struct taking_over *t)
{
	struct rop_err err = { 0 };
	if (!task_look_again(&t->task, &err) || !prepare(t, &err))
		return cli_fail(&err);
	enum rop_code code = judge(t);
	if (code != ROP_OK)
		return code;
	if (strcmp(takeover_of(t)->losses.digest, t->task.s->consent) == 0)
		return ROP_OK;
	rop_fail(&err, ROP_STALE, "what it costs is not what was shown any more: nothing was changed; ask again");
	return cli_fail(&err);
}

/* ---- done ------------------------------------------------------------------------------------------------------ */

static bool may_step(void *arg, const struct rop_step *step)
{
	(void)arg;
	return step->expect.kind == ROP_STEP_TAKEOVER || step->expect.kind == ROP_STEP_RESTORE;
}

static bool write_down(struct taking_over *t, struct rop_err *err)
{
	const char *note = rop_printf(t->task.cli->arena, "to %s@%s: %s leads shard %d without a vote",
				      t->task.s->topology->name, t->task.s->consent, t->asked.address, t->asked.shard);
	struct rop_deed deed = cli_deed(t->task.cli, ROP_DEED_CONSENT, note);
	return rop_store_deeds(t->task.s->store, t->task.s->topology->name, &deed, 1, rop_wall_ms(), err);
}

static enum rop_code do_it(struct taking_over *t)
{
	struct rop_err err = { 0 };
	struct run_once once;
	if (!write_down(t, &err) || !task_load(&t->task, &err))
		return cli_fail(&err);
	task_begin(&t->task, &once);
	once.reconcile.takeover = &t->asked;
	once.reconcile.may_step = may_step;
	run_once(&once);
	print_document(t, once.code == ROP_OK ? "met" : "failed", NULL);
	return once.code;
}

static enum rop_code take_over(struct taking_over *t)
{
	struct rop_err err = { 0 };
	if (!consent_take(t->task.s, &err) || !prepare(t, &err))
		return cli_fail(&err);
	session_warn_of_second(t->task.cli, t->task.plan.first);
	if (is_led_by(t))
		return tell_nothing_to_do(t);
	enum rop_code code = judge(t);
	if (code != ROP_OK)
		return code;
	show(t);
	if (t->task.cli->values.plan) {
		print_document(t, "planned", NULL);
		return ROP_OK;
	}
	if (!consented(t, &err)) {
		print_document(t, "refused", NULL);
		return cli_fail(&err);
	}
	t->asked.id = 1; /* it is settled who is meant */
	code = still_agreed(t);
	return code == ROP_OK ? do_it(t) : code;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct taking_over t = { .task = { .command = "takeover",
					   .target = argv[1],
					   .unknown = "nobody knows who holds which data, until its nodes are back",
					   .cli = cli,
					   .s = &s } };
	enum rop_code code = task_open(&t.task, argv[0], false, &err) ? take_over(&t) : cli_fail(&err);
	task_close(&t.task);
	return code;
}

const struct cli_command cli_takeover = {
	.name = "takeover",
	.operands = "FILE|CLUSTER SHARD|NODE",
	.min_operands = 2,
	.max_operands = 2,
	.options = OPTIONS,
	.run = run,
	.summary = "Where most primaries are lost: have a replica lead its shard without a vote",
	.about =
		"SHARD is its number, for the replica that got furthest; NODE is named as in the file (host:port), or "
		"by its id. --plan shows every replica, how far behind it is, and what it would cost.\n"
		"CLUSTER FAILOVER TAKEOVER: what had not reached the replica is lost. Where the silent primary, or "
		"most of the others, live on in another part of the network, two primaries take writes, and one "
		"side's are thrown away when they meet. So it takes consent: the digest that was shown, or the "
		"cluster's name typed on a terminal. There is no --yes; neither apply nor the daemon ever does it.\n"
		"Refused where a majority of the primaries answers (the servers elect then), where the shard's primary "
		"is there or seen by a node that answers, and where the replica was never seen to hold the shard's "
		"data.\n",
};
