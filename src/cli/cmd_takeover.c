/* cmd_takeover.c - have a replica lead its shard without a vote, where no majority of the primaries is left: what that
 * costs is shown, consented to by its digest or on a terminal, and done by a run that does nothing else. Nothing of it
 * stays wanted when this call is over.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "rop/takeover.h"
#include "rop/text.h"
#include "run_once.h"

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

#define LOOK (ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_CLIENTS | ROP_OBSERVE_RIGHTS)

struct taking_over {
	struct cli *cli;
	struct session *s;
	struct rop_lock *lock;
	const char *target;    /* the person's words */
	struct rop_wish asked; /* what they mean */
	struct rop_plan plan;
};

/* ---- what it would be ------------------------------------------------------------------------------------------ */

static void plan(struct taking_over *t)
{
	struct rop_reconcile_options options;
	session_reconcile_options(t->s, &options);
	options.takeover = &t->asked;
	rop_plan_make(t->cli->arena, &options, t->s->seen, session_clock(), &t->plan);
}

static const struct rop_takeover *takeover_of(const struct taking_over *t)
{
	return t->plan.first->takeover;
}

/* Of a shard the best replica is named from here on: it is that one which a person consents to. */
static bool prepare(struct taking_over *t, struct rop_err *err)
{
	const char *path = t->s->topology->path;
	if (!t->s->image.known || !t->s->image.members.n)
		return rop_fail(err, ROP_REFUSED,
				"cluster '%s' is not one that this database knows (%s): nobody knows who holds which "
				"data\n  -> `redis-operator apply %s`, once its nodes are back",
				t->s->topology->name, cli_state_path(t->cli), path ? path : t->s->topology->name);
	if (!t->asked.id && !rop_wish_make(session_situation(t->s), t->target, &t->asked, err))
		return false;
	plan(t);
	const struct rop_takeover *now = takeover_of(t);
	if (!t->asked.node[0] && now->heir >= 0) {
		const struct rop_node *heir = &t->s->seen->nodes[now->heir];
		memcpy(t->asked.node, heir->id, ROP_ID_SIZE);
		t->asked.address = heir->address;
		plan(t);
	}
	return true;
}

static bool is_led_by(const struct taking_over *t)
{
	return t->asked.node[0] && strcmp(t->asked.node, t->asked.primary) == 0 && takeover_of(t)->lost >= 0 &&
	       rop_answers(t->plan.first->seen, (size_t)takeover_of(t)->lost);
}

/* ---- told ------------------------------------------------------------------------------------------------------ */

static void print_document(const struct taking_over *t, const char *result, const char *message)
{
	struct rop_report report = session_report(t->s);
	if (t->cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_takeover_json(&report, takeover_of(t), result, message));
}

static void show(const struct taking_over *t)
{
	ROP_OWN_TEXT text = { 0 };
	struct rop_report report = session_report(t->s);
	if (t->cli->values.output != CLI_TEXT)
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
	rop_fail(&err, now->code, "%s%s%s", rop_takeover_sentence(t->cli->arena, now), now->advice ? "\n  -> " : "",
		 now->advice ? now->advice : "");
	return cli_fail(&err);
}

static enum rop_code judge(const struct taking_over *t)
{
	const struct rop_situation *first = t->plan.first;
	if (first->paused || first->refused) { /* that most are silent is what it is for */
		cli_findings(plan_reason(&t->plan), t->plan.result.text);
		return t->plan.result.code;
	}
	return takeover_of(t)->barred ? refuse(t) : ROP_OK;
}

static enum rop_code tell_nothing_to_do(const struct taking_over *t)
{
	const char *note = rop_printf(t->cli->arena, "%s leads shard %d already", t->asked.address, t->asked.shard);
	print_document(t, "met", note);
	cli_tell(t->cli, "%s: %s", t->s->topology->name, note);
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
		printf("%s: %s, after %.2f s\n", p->cluster, result->text, (double)took_ms / 1000);
}

/* ---- consent --------------------------------------------------------------------------------------------------- */

static const char *consenting_command(const struct taking_over *t)
{
	const char *path = t->s->topology->path, *name = t->s->topology->name;
	return rop_printf(t->cli->arena, "`redis-operator takeover --allow-data-loss=%s@%s %s %s`", name,
			  takeover_of(t)->losses.digest, path ? path : name, t->asked.address);
}

/* Only a digest, or the cluster's name typed after the price was shown; there is no --yes. */
static bool consented(struct taking_over *t, struct rop_err *err)
{
	const char *digest = takeover_of(t)->losses.digest, *name = t->s->topology->name;
	if (t->s->consent && strcmp(t->s->consent, digest) == 0)
		return true;
	if (t->s->consent)
		return rop_fail(err, ROP_REFUSED,
				"this is not what was consented to (%s@%s): nothing was changed\n  -> %s", name,
				t->s->consent, consenting_command(t));
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
	t->s->consent = rop_strdup(t->cli->arena, digest);
	return true;
}

static bool take_lock(struct taking_over *t, struct rop_err *err)
{
	return t->lock || rop_lock_take(cli_state_path(t->cli), t->s->topology->name, "takeover", &t->lock, err);
}

static bool load(struct taking_over *t, struct rop_err *err)
{
	return rop_store_load(t->s->store, t->cli->arena, t->s->topology->name, &t->s->image, err);
}

/* Whoever might have come back while the question stood is asked once more; what it costs must be what was shown. */
static enum rop_code still_agreed(struct taking_over *t)
{
	struct rop_err err = { 0 };
	if (!take_lock(t, &err) || !load(t, &err) || !session_look(t->s, LOOK) || !prepare(t, &err))
		return cli_fail(&err);
	enum rop_code code = judge(t);
	if (code != ROP_OK)
		return code;
	if (strcmp(takeover_of(t)->losses.digest, t->s->consent) == 0)
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
	const char *note = rop_printf(t->cli->arena, "to %s@%s: %s leads shard %d without a vote", t->s->topology->name,
				      t->s->consent, t->asked.address, t->asked.shard);
	struct rop_deed deed = cli_deed(t->cli, ROP_DEED_CONSENT, note);
	return rop_store_deeds(t->s->store, t->s->topology->name, &deed, 1, rop_wall_ms(), err);
}

static enum rop_code do_it(struct taking_over *t)
{
	struct rop_err err = { 0 };
	struct run_once once = { .s = t->s,
				 .progress = { .cli = t->cli, .cluster = t->s->topology->name },
				 .tell_result = tell_result,
				 .interrupted = "interrupted",
				 .terminated = "told to stop" };
	if (!write_down(t, &err) || !load(t, &err))
		return cli_fail(&err);
	session_reconcile_options(t->s, &once.reconcile);
	once.reconcile.takeover = &t->asked;
	once.reconcile.may_step = may_step;
	once.reconcile.revision = t->s->image.revision;
	run_once(&once);
	print_document(t, once.code == ROP_OK ? "met" : "failed", NULL);
	return once.code;
}

static enum rop_code take_over(struct taking_over *t)
{
	struct rop_err err = { 0 };
	if (!consent_take(t->s, &err) || !prepare(t, &err))
		return cli_fail(&err);
	session_warn_of_second(t->cli, t->plan.first);
	if (is_led_by(t))
		return tell_nothing_to_do(t);
	enum rop_code code = judge(t);
	if (code != ROP_OK)
		return code;
	show(t);
	if (t->cli->values.plan) {
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
	struct taking_over t = { .cli = cli, .s = &s, .target = argv[1] };
	if (!cli->values.timeout_ms)
		cli->values.timeout_ms = RUN_ONCE_TIMEOUT_MS;
	bool fine = session_open_topology(&s, cli, argv[0], &err) && session_open_machine(&s, &err) &&
		    session_open_store(&s, cli->values.plan ? ROP_STORE_READ : ROP_STORE_WRITE, &err) &&
		    session_open_nodes(&s, &err) && session_look(&s, LOOK) && session_is_of_no_other(&s, &err);
	enum rop_code code = fine ? take_over(&t) : cli_fail(&err);
	session_close(&s);
	rop_lock_release(t.lock);
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
