/* cmd_drain.c - a host is to be stopped: that is written down, and its shards are handed over by a run that does
 * nothing else; and the end of that. Killed in the middle, the next pass of apply or of the daemon goes on with it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "task.h"
#include "rop/text.h"

#define FOR_DEFAULT_MS ((int64_t)3600 * 1000)

static const struct cli_option DRAIN_OPTIONS[] = {
	{ "for", 0, CLI_DURATION, "TIME", "for how long; then it is over by itself (default 1h)", CLI_VALUE(for_ms) },
	{ "plan", 0, CLI_FLAG, NULL, "show what would be done, and what would be left; change nothing",
	  CLI_VALUE(plan) },
	{ "yes", 'y', CLI_FLAG, NULL, "do not ask", CLI_VALUE(yes) },
	{ "allow-fewer-copies", 0, CLI_STRING, "CLUSTER@DIGEST",
	  "shards may be left with fewer replicas than they are to keep, as was shown", CLI_VALUE(allow_fewer_copies) },
	{ "timeout", 0, CLI_DURATION, "TIME", "do not wait longer than that for it (default 5m)",
	  CLI_VALUE(timeout_ms) },
	CLI_REASON_OPTION,
	{ 0 },
};
static const struct cli_option UNDRAIN_OPTIONS[] = { CLI_REASON_OPTION, { 0 } };

struct asking {
	struct task task;
	struct rop_drain drain;            /* what the person's words mean */
	struct rop_image with;             /* the session's image, with the drain in it */
	const struct rop_drained *drained; /* of task.plan.first; NULL: it is not known yet */
};

/* ---- what is wanted ------------------------------------------------------------------------------------------- */

static bool is_any(const struct rop_topology *t, const struct rop_drain *drain)
{
	for (size_t i = 0; i < t->nodes.n; i++)
		if (rop_drain_is_of(drain, &t->nodes.at[i]))
			return true;
	return false;
}

/* A host comes first, then a zone. */
static bool find_target(const struct rop_topology *t, const char *target, struct rop_drain *drain, struct rop_err *err)
{
	drain->target = target;
	drain->zone = false;
	if (is_any(t, drain))
		return true;
	drain->zone = true;
	return is_any(t, drain) ||
	       rop_fail(err, ROP_INVALID,
			"'%s' is neither a host nor a zone of cluster '%s': a host is named as in its "
			"file, without the port",
			target, t->name);
}

/* One at a time: what the first one leaves is what the second one would take. */
static bool is_only_one(const struct asking *a, struct rop_err *err)
{
	const struct rop_image *image = &a->task.s->image;
	for (size_t i = 0; i < image->drains.n; i++) {
		const struct rop_drain *other = &image->drains.at[i];
		if (rop_drain_holds(other, rop_wall_ms()) && strcmp(other->target, a->drain.target) != 0)
			return rop_fail(err, ROP_REFUSED,
					"%s is drained until %s, by %s@%s: one at a time\n"
					"  -> `redis-operator undrain %s %s`",
					other->target, rop_time_text(a->task.cli->arena, other->until_wall_ms),
					other->by.user, other->by.host, a->task.s->topology->name, other->target);
	}
	return true;
}

static void plan(struct asking *a)
{
	struct rop_reconcile_options options;
	struct rop_image *with = &a->with;
	session_reconcile_options(a->task.s, &options);
	*with = a->task.s->image;
	memset(&with->drains, 0, sizeof with->drains);
	for (size_t i = 0; i < a->task.s->image.drains.n; i++)
		if (strcmp(a->task.s->image.drains.at[i].target, a->drain.target) != 0)
			*rop_push(a->task.cli->arena, &with->drains) = a->task.s->image.drains.at[i];
	*rop_push(a->task.cli->arena, &with->drains) = a->drain;
	with->paused &= !a->task.cli->values.plan; /* who only looks is shown what would be done */
	options.image = with;
	options.only_drain = true;
	rop_plan_make(a->task.cli->arena, &options, a->task.s->seen, session_clock(), &a->task.plan);
	a->drained = NULL;
	for (size_t d = 0; d < a->task.plan.first->drains.n; d++)
		if (a->task.plan.first->drains.at[d].drain->id == a->drain.id)
			a->drained = &a->task.plan.first->drains.at[d];
}

/* false: err says why it cannot be. */
static bool prepare(struct asking *a, struct rop_err *err)
{
	const char *fewer = a->drain.fewer;
	int64_t now = rop_wall_ms(), until = now + a->task.cli->values.for_ms;
	a->drain = (struct rop_drain){ .id = INT64_MAX, .asked_wall_ms = now, .until_wall_ms = until, .fewer = fewer };
	a->drain.by = cli_deed(a->task.cli, ROP_DEED_DRAIN, NULL);
	if (!find_target(a->task.s->topology, a->task.target, &a->drain, err) || !is_only_one(a, err))
		return false;
	plan(a);
	return true;
}

/* ---- told ----------------------------------------------------------------------------------------------------- */

static void print_document(const struct asking *a, const struct rop_drained *d, const char *result, const char *message)
{
	struct rop_report report = session_report(a->task.s);
	if (a->task.cli->values.output != CLI_TEXT && d)
		cli_print_json(rop_report_drain_json(&report, &a->task.plan, d, result, message));
}

static void show(const struct asking *a)
{
	ROP_OWN_TEXT text = { 0 };
	struct rop_report report = session_report(a->task.s);
	if (a->task.cli->values.output != CLI_TEXT || !a->drained)
		return;
	rop_report_drain(&report, &a->task.plan, a->drained, &text);
	cli_print_lines(&text);
	fflush(stdout);
}

/* ROP_OK: it can be done. What stands against the whole cluster is said as apply says it. */
static enum rop_code judge(struct asking *a)
{
	const struct rop_situation *now = a->task.plan.first;
	struct rop_err err = { 0 };
	if (now->findings.n || !now->in_view || now->paused) {
		cli_findings(plan_reason(&a->task.plan), a->task.plan.result.text);
		return a->task.plan.result.code;
	}
	if (now->formed && a->drained)
		return ROP_OK;
	rop_fail(&err, ROP_REFUSED, "cluster '%s' is not formed: there is nothing to hand over",
		 a->task.s->topology->name);
	return cli_fail(&err);
}

/* ---- consent -------------------------------------------------------------------------------------------------- */

static const char *what_is_left(const struct asking *a)
{
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < a->drained->fewer.n; i++) {
		const struct rop_fewer *fewer = &a->drained->fewer.at[i];
		rop_text_add(&text,
			     "%sshard %d would have %zu replica%s in sync while %s is stopped, and is to keep %zu",
			     i ? "\n" : "", fewer->shard, fewer->left, rop_plural((int64_t)fewer->left), a->task.target,
			     fewer->keeps);
	}
	return rop_strndup(a->task.cli->arena, text.at, text.n);
}

static bool is_asked_for(const struct asking *a)
{
	for (size_t i = 0; i < a->drained->fewer.n; i++)
		if (!a->drained->fewer.at[i].consented)
			return true;
	return false;
}

/* The digest names what is left; without one only on a terminal, after it was shown there. */
static bool consent(struct asking *a, struct rop_err *err)
{
	const char *word = a->task.cli->values.allow_fewer_copies, *digest = NULL, *name = a->task.s->topology->name;
	if (word && !rop_consent_parse(a->task.cli->arena, word, name, &digest, err))
		return false;
	if (!is_asked_for(a))
		return true;
	bool given = digest && strcmp(digest, a->drained->digest) == 0;
	if (!given && !digest && !a->task.cli->values.yes && !a->task.cli->values.plan && isatty(STDIN_FILENO)) {
		cli_findings("FewerCopies", what_is_left(a));
		fprintf(stderr, "\nLeave them with so few? Only the cluster's name, '%s', is taken for a yes: ", name);
		given = cli_answered(name);
	}
	if (!given)
		return rop_fail(err, ROP_REFUSED,
				"%s\n  -> `redis-operator drain %s %s --allow-fewer-copies=%s@%s` leaves them so; "
				"spec.disruption.keepCopies says how many they are to keep",
				what_is_left(a), a->task.s->topology->path ? a->task.s->topology->path : name,
				a->task.target, name, a->drained->digest);
	a->drain.fewer = a->drained->fewer_text;
	plan(a);
	return true;
}

/* ---- done ----------------------------------------------------------------------------------------------------- */

static bool may_go_on(const struct asking *a, struct rop_err *err)
{
	return cli_agreed(a->task.cli, "\nDrain it? Only 'yes' is taken for a yes: ", "yes",
			  "--plan shows what is done, --yes does it without asking",
			  "not confirmed; nothing was changed", err);
}

/* While the question stood others could change what they liked. */
static enum rop_code still_agreed(struct asking *a)
{
	struct rop_err err = { 0 };
	const char *left = a->drained->fewer_text;
	size_t leads = a->drained->leads;
	if (a->task.lock)
		return ROP_OK;
	if (!task_look_again(&a->task, &err) || !prepare(a, &err))
		return cli_fail(&err);
	enum rop_code code = judge(a);
	if (code != ROP_OK)
		return code;
	if (a->drained->leads == leads && strcmp(a->drained->fewer_text, left) == 0)
		return ROP_OK;
	rop_fail(&err, ROP_STALE, "it is not any more as it was shown: nothing was changed; ask again");
	return cli_fail(&err);
}

/* As it is now, from a look of its own. */
static void print_end(struct asking *a, enum rop_code code)
{
	struct rop_err err = { 0 };
	if (a->task.cli->values.output == CLI_TEXT || !task_look_again(&a->task, &err))
		return;
	const struct rop_situation *now = session_situation(a->task.s);
	for (size_t d = 0; d < now->drains.n; d++)
		if (strcmp(now->drains.at[d].drain->target, a->drain.target) == 0)
			print_document(a, &now->drains.at[d], code == ROP_OK ? "drained" : "held",
				       now->drains.at[d].holds);
}

static enum rop_code do_it(struct asking *a)
{
	struct rop_err err = { 0 };
	struct run_once once;
	int64_t id;
	if (!rop_store_drain(a->task.s->store, a->task.s->topology->name, &a->drain, rop_wall_ms(), &id, &err) ||
	    !task_load(&a->task, &err))
		return cli_fail(&err);
	task_begin(&a->task, &once);
	once.reconcile.only_drain = true;
	run_once(&once);
	print_end(a, once.code);
	cli_tell(a->task.cli, "%s: %s is drained until %s; `redis-operator undrain %s %s` ends it",
		 a->task.s->topology->name, a->drain.target, rop_time_text(a->task.cli->arena, a->drain.until_wall_ms),
		 a->task.s->topology->name, a->drain.target);
	return once.code;
}

static enum rop_code drain_host(struct asking *a)
{
	struct rop_err err = { 0 };
	if (!prepare(a, &err))
		return cli_fail(&err);
	session_warn_of_second(a->task.cli, a->task.plan.first);
	enum rop_code code = judge(a);
	if (code != ROP_OK)
		return code;
	if (a->task.cli->values.plan || !a->task.cli->values.yes)
		show(a);
	if (a->task.cli->values.plan) {
		bool fine = consent(a, &err);
		print_document(a, a->drained, "planned", fine ? NULL : err.text);
		return fine ? ROP_OK : cli_fail(&err);
	}
	if (!consent(a, &err) || !may_go_on(a, &err)) {
		print_document(a, a->drained, "refused", err.text);
		return cli_fail(&err);
	}
	code = still_agreed(a);
	return code == ROP_OK ? do_it(a) : code;
}

static enum rop_code run_drain(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct asking a = { .task = { .command = "drain",
				      .target = argv[1],
				      .unknown = "who belongs to it was never seen as declared",
				      .cli = cli,
				      .s = &s } };
	bool lock = cli->values.yes && !cli->values.plan;
	if (!cli->values.for_ms)
		cli->values.for_ms = FOR_DEFAULT_MS;
	enum rop_code code = task_open(&a.task, argv[0], lock, &err) ? drain_host(&a) : cli_fail(&err);
	task_close(&a.task);
	return code;
}

/* ---- the end of it --------------------------------------------------------------------------------------------- */

static bool end_it(struct session *s, const char *target, bool *ret_ended, struct rop_err *err)
{
	struct rop_deed deed = cli_deed(s->cli, ROP_DEED_UNDRAIN, NULL);
	return rop_store_undrain(s->store, s->topology->name, target, &deed, rop_wall_ms(), ret_ended, err);
}

/* No node is asked, and nobody's lock is needed: it forbids less, whoever is at work. */
static enum rop_code run_undrain(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct rop_drain drain = { 0 };
	bool ended = false;
	bool fine = session_open_topology(&s, cli, argv[0], &err) && session_open_store(&s, ROP_STORE_WRITE, &err) &&
		    end_it(&s, argv[1], &ended, &err) &&
		    (ended ||
		     find_target(s.topology, argv[1], &drain, &err)); /* a misspelt one must not look like one */
	const char *name = fine ? s.topology->name : NULL;
	if (fine && cli->values.output != CLI_TEXT)
		cli_print_json(rop_json("{s:s, s:s, s:b}", "cluster", name, "target", argv[1], "was_drained", ended));
	if (fine)
		cli_tell(cli, ended ? "%s: %s is not drained any more" : "%s: %s was not drained", name, argv[1]);
	enum rop_code code = fine ? ROP_OK : cli_fail(&err);
	session_close(&s);
	return code;
}

const struct cli_command cli_drain = {
	.name = "drain",
	.operands = "FILE|CLUSTER HOST|ZONE",
	.min_operands = 2,
	.max_operands = 2,
	.options = DRAIN_OPTIONS,
	.run = run_drain,
	.summary = "Hand over what is led from a host, so that it may be stopped for a while",
	.about =
		"HOST is named as in the file, without a port; ZONE is one of its zones. Each shard that is led from "
		"there is handed over to a replica elsewhere, one after the other, as 'failover' does it. Until --for "
		"has passed or 'undrain', nothing there gets a new role, and its silence is expected: 'status' says "
		"until when, and the cluster is not Degraded by that alone. Slots are not begun to be moved meanwhile, "
		"and no node leaves.\n"
		"It ends with 0 when the host may be stopped, with 6 while something keeps it: what, is said here and "
		"by 'status', whose --exit-code is 2 until then. A shard that would be left with fewer replicas in "
		"sync than spec.disruption.keepCopies takes a consent, --allow-fewer-copies, with the digest that is "
		"printed.\n"
		"Killed in the middle, the next 'apply' or the daemon goes on with it. One host at a time.\n",
};

const struct cli_command cli_undrain = {
	.name = "undrain",
	.operands = "FILE|CLUSTER HOST|ZONE",
	.min_operands = 2,
	.max_operands = 2,
	.options = UNDRAIN_OPTIONS,
	.run = run_undrain,
	.summary = "End a drain: the host may have roles again",
	.about = "Roles do not go back by themselves. That a node there is silent is trouble again.\n",
};
