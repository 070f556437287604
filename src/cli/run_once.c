/* run_once.c - one run of the reconciler, waited for: looks, commits and commands on the loop, told as they come; a
 * signal ends it in good order.
 */
#include "run_once.h"

#include <signal.h>

#define PATIENCE_MS 60000

/* ---- what the drive tells -------------------------------------------------------------------------------------- */

static void on_transition(void *arg, const struct rop_transition *transition)
{
	progress_transition(&((struct run_once *)arg)->progress, transition);
}

static void on_step(void *arg, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	progress_step(&((struct run_once *)arg)->progress, step, status, note);
}

static void tick(void *arg)
{
	struct run_once *run = arg;
	rop_timer_start(run->ticker, progress_every_ms(&run->progress));
	progress_tick(&run->progress, rop_drive_reconcile(run->drive));
}

static void on_done(void *arg, const struct rop_result *result, const struct rop_err *err)
{
	struct run_once *run = arg;
	run->code = result->code;
	run->wish = result->wish;
	if (err) {
		progress_close_line(&run->progress);
		run->code = cli_fail(err);
		progress_not_done(&run->progress);
	} else if (run->drive) {
		run->tell_result(&run->progress, result, rop_reconcile_situation(rop_drive_reconcile(run->drive)));
	}
	rop_loop_stop(run->s->loop);
}

static void on_waiting(void *arg, const struct rop_err *why)
{
	progress_database(&((struct run_once *)arg)->progress, why);
}

static void on_pauses(void *arg, const struct rop_pause *pauses, size_t n, const struct rop_err *err)
{
	struct run_once *run = arg;
	if (!err) /* what cannot be read cannot be written either: the next commit tells */
		rop_drive_pauses(run->drive, pauses, n);
}

static void on_signal(void *arg, int signum)
{
	struct run_once *run = arg;
	progress_close_line(&run->progress);
	rop_writer_patience(run->writer, 0);
	rop_drive_stop(run->drive, ROP_FAIL, signum == SIGINT ? run->interrupted : run->terminated);
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

int64_t run_once_patience_ms(const struct cli *cli)
{
	return cli->values.timeout_ms < PATIENCE_MS ? cli->values.timeout_ms : PATIENCE_MS;
}

/* A terminal that goes away is told of by SIGHUP; who ignores that (nohup) goes on. */
static bool is_ignored(int signum)
{
	struct sigaction is;
	return sigaction(signum, NULL, &is) == 0 && is.sa_handler == SIG_IGN;
}

void run_once(struct run_once *run)
{
	struct rop_loop *loop = run->s->loop;
	struct rop_drive_options options = {
		.loop = loop,
		.fleet = &run->s->fleet,
		.reconcile = run->reconcile,
		.timeout_ms = run->s->cli->values.timeout_ms,
		.on_done = on_done,
		.arg = run,
	};
	struct rop_err err = { 0 };
	options.reconcile.on_transition = on_transition;
	options.reconcile.on_step = on_step;
	options.reconcile.arg = run;
	run->progress.began_ms = run->progress.said_ms = rop_boot_ms();
	struct rop_signal *interrupt = rop_signal_new(loop, SIGINT, on_signal, run);
	struct rop_signal *terminate = rop_signal_new(loop, SIGTERM, on_signal, run);
	struct rop_signal *hang_up = is_ignored(SIGHUP) ? NULL : rop_signal_new(loop, SIGHUP, on_signal, run);
	options.writer = run->writer = rop_writer_new(loop, run->s->store, &err);
	if (!options.writer) {
		run->code = cli_fail(&err);
		return;
	}
	rop_writer_patience(run->writer, run_once_patience_ms(run->s->cli));
	rop_writer_watch_waiting(run->writer, on_waiting, run);
	run->drive = rop_drive_start(&options);
	rop_writer_watch_pauses(run->writer, on_pauses, run);
	run->ticker = rop_timer_new(loop, tick, run);
	rop_timer_start(run->ticker, progress_every_ms(&run->progress));
	rop_loop_run(loop);
	rop_timer_free(run->ticker);
	rop_signal_free(interrupt);
	rop_signal_free(terminate);
	rop_signal_free(hang_up);
	rop_drive_free(run->drive);
	rop_writer_free(run->writer);
	rop_text_done(&run->progress.held);
}
