/* task.c - one thing done to a cluster by a run that does nothing else: what these commands share. */
#include "task.h"

#include <stdio.h>

#define LOOK (ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_CLIENTS | ROP_OBSERVE_RIGHTS)

static bool take_lock(struct task *task, struct rop_err *err)
{
	return task->lock ||
	       rop_lock_take(cli_state_path(task->cli), task->s->topology->name, task->command, &task->lock, err);
}

static bool is_known(const struct task *task, struct rop_err *err)
{
	const struct rop_image *image = &task->s->image;
	const struct rop_topology *t = task->s->topology;
	if (image->known && image->members.n)
		return true;
	return rop_fail(err, ROP_REFUSED,
			"cluster '%s' is not one that this database knows (%s): %s\n  -> `redis-operator apply %s`",
			t->name, cli_state_path(task->cli), task->unknown, t->path ? t->path : t->name);
}

bool task_open(struct task *task, const char *file, bool lock, struct rop_err *err)
{
	enum rop_store_mode mode = task->cli->values.plan ? ROP_STORE_READ : ROP_STORE_WRITE;
	struct session *s = task->s;
	if (!task->cli->values.timeout_ms)
		task->cli->values.timeout_ms = RUN_ONCE_TIMEOUT_MS;
	return session_open_topology(s, task->cli, file, err) && session_open_machine(s, err) &&
	       (!lock || take_lock(task, err)) && session_open_store(s, mode, err) && is_known(task, err) &&
	       session_open_nodes(s, err) && session_look(s, LOOK) && session_is_of_no_other(s, err);
}

void task_close(struct task *task)
{
	session_close(task->s);
	rop_lock_release(task->lock);
}

bool task_load(struct task *task, struct rop_err *err)
{
	return rop_store_load(task->s->store, task->cli->arena, task->s->topology->name, &task->s->image, err);
}

bool task_look_again(struct task *task, struct rop_err *err)
{
	return take_lock(task, err) && task_load(task, err) && session_look(task->s, LOOK);
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

/* Nothing else, also by a machine that somebody changed. (What tells others of it is not asked about.) */
static bool may_hand_over(void *arg, const struct rop_step *step)
{
	(void)arg;
	return step->expect.kind == ROP_STEP_FAILOVER || step->expect.kind == ROP_STEP_RESTORE;
}

void task_begin(struct task *task, struct run_once *once)
{
	const char *name = task->s->topology->name;
	*once = (struct run_once){ .s = task->s,
				   .progress = { .cli = task->cli, .cluster = name },
				   .tell_result = tell_result,
				   .interrupted = "interrupted",
				   .terminated = "told to stop" };
	for (size_t i = 0; task->cli->values.output != CLI_TEXT && i < task->plan.steps.n; i++)
		cli_print_event(rop_report_planned_json(name, &task->plan.steps.at[i]));
	session_reconcile_options(task->s, &once->reconcile);
	once->reconcile.may_step = may_hand_over;
	once->reconcile.revision = task->s->image.revision;
}
