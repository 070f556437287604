/* daemon.c - wiring: signals, the folder watched, the tick, and the end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "daemon.h"
#include "rop/service.h"
#include "rop/text.h"

#define QUIET_MS 100        /* a folder that is being written to is left alone until it was quiet for that long */
#define SCAN_EVERY_MS 30000 /* for what inotify does not see: another machine's writes, a link's target */
#define READY_BY_MS 10000
#define RETENTION_MS (90 * INT64_C(86400000))
#define RETENTION_KEEP 1000
#define ENDING_PATIENCE_MS 5000 /* told to end, it does not wait for ever for another process to leave the database */
#define FORGET_FIRST_MS 60000
#define FORGET_EVERY_MS (6 * INT64_C(3600000))

/* ---- the folder -------------------------------------------------------------------------------------------- */

static int64_t tick_ms(const struct daemon *daemon)
{
	int64_t third = daemon->watchdog_ms / 3;
	return third && third < SCAN_EVERY_MS ? third : SCAN_EVERY_MS;
}

/* A folder that cannot be read now is no reason to let go of anything. */
static void scan(struct daemon *daemon, bool all)
{
	struct rop_err err = { 0 };
	if (daemon->ending)
		return;
	if (!files_scan(daemon, all, &err))
		rop_log(ROP_LOG_ERROR, "everything stays as it is", ROP_FIELDS({ "error", err.text }));
	rop_timer_start(daemon->tick, tick_ms(daemon));
	if (daemon->clusters)
		tell_status(daemon);
	else
		tell_pass(daemon); /* with no cluster to look at, this is the pass */
}

static void tick(void *arg)
{
	scan(arg, false);
}

static void folder_changed(void *arg, bool readable, bool writable)
{
	struct daemon *daemon = arg;
	char events[4096];
	(void)readable, (void)writable;
	while (read(daemon->watch_fd, events, sizeof events) > 0)
		;
	rop_timer_start(daemon->soon, QUIET_MS);
}

static void watch_folder(struct daemon *daemon)
{
	const char *folder = daemon->config.clusters;
	const uint32_t what = IN_CLOSE_WRITE | IN_MOVE | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_ONLYDIR;
	daemon->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (daemon->watch_fd < 0 || inotify_add_watch(daemon->watch_fd, folder, what) < 0) {
		rop_log(ROP_LOG_WARN, "the folder cannot be watched; it is read every 30 s",
			ROP_FIELDS({ "path", folder }, { "error", strerror(errno) }));
		return;
	}
	daemon->watch = rop_watch_new(daemon->loop, daemon->watch_fd, folder_changed, daemon);
	rop_watch_set(daemon->watch, true, false);
}

static void unwatch_folder(struct daemon *daemon)
{
	rop_watch_free(daemon->watch);
	daemon->watch = NULL;
	if (daemon->watch_fd >= 0)
		close(daemon->watch_fd);
	daemon->watch_fd = -1;
}

/* ---- configuration ----------------------------------------------------------------------------------------- */

static void use_log(const struct rop_config *config)
{
	rop_log_set_level(config->log_level);
	rop_log_set_clock(rop_wall_ms);
	if (config->log_format == ROP_LOG_AUTO && rop_service_has_journal())
		rop_log_set_sink(rop_service_journal);
	else
		rop_log_set_sink(config->log_format == ROP_LOG_JSON ? rop_log_json : rop_log_logfmt);
}

/* Read again: what was made of it once, and is not made anew. */
static void keep_what_is_in_use(const struct daemon *daemon, struct rop_arena *arena, struct rop_config *config)
{
	if (config->concurrency != daemon->config.concurrency)
		rop_log(ROP_LOG_WARN, "another concurrency needs a restart; this one stays in use",
			ROP_FIELDS({ "concurrency", rop_printf(arena, "%d", daemon->config.concurrency) }));
	if (strcmp(config->machines, daemon->config.machines) != 0)
		rop_log(ROP_LOG_WARN, "other machines need a restart; these stay in use",
			ROP_FIELDS({ "path", daemon->config.machines }));
	config->concurrency = daemon->config.concurrency;
	config->machines = rop_strdup(arena, daemon->config.machines);
}

static bool configure(struct daemon *daemon, struct rop_text *errors)
{
	struct rop_arena *arena = rop_arena_new();
	struct rop_config config = { 0 };
	if (!daemon->options->configure(daemon->options->arg, arena, &config, errors)) {
		rop_arena_free(arena);
		return false;
	}
	if (!daemon->state)
		daemon->state = rop_heap_strdup(config.state);
	if (strcmp(config.state, daemon->state) != 0)
		rop_log(ROP_LOG_WARN, "another database needs a restart; this one stays in use",
			ROP_FIELDS({ "path", config.state }));
	config.state = daemon->state;
	if (daemon->config_arena)
		keep_what_is_in_use(daemon, arena, &config);
	rop_arena_free(daemon->config_arena);
	daemon->config_arena = arena;
	daemon->config = config;
	use_log(&daemon->config);
	return true;
}

static void reload(void *arg, int signum)
{
	struct daemon *daemon = arg;
	ROP_OWN_TEXT errors = { 0 };
	(void)signum;
	rop_service_reloading();
	if (configure(daemon, &errors))
		rop_log(ROP_LOG_INFO, "configuration read again", NULL, 0);
	else
		rop_log(ROP_LOG_ERROR, "the configuration has errors: the one in force stays",
			ROP_FIELDS({ "error", errors.at }));
	unwatch_folder(daemon);
	watch_folder(daemon);
	scan(daemon, true);
	if (daemon->ready)
		rop_service_ready();
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

static void end(struct daemon *daemon)
{
	if (daemon->ending)
		return;
	daemon->ending = true;
	rop_service_stopping();
	tell_status(daemon);
	rop_timer_stop(daemon->tick);
	rop_timer_stop(daemon->soon);
	rop_writer_patience(daemon->writer, ENDING_PATIENCE_MS);
	for (struct cluster *c = daemon->clusters, *next; c; c = next) {
		next = c->next;
		cluster_want(c, NULL);
	}
	if (!daemon->clusters)
		rop_loop_stop(daemon->loop);
}

static void told_to_end(void *arg, int signum)
{
	struct daemon *daemon = arg;
	if (daemon->ending) { /* asked twice: what is under way is left to the next process */
		rop_loop_stop(daemon->loop);
		return;
	}
	rop_log(ROP_LOG_INFO, "stopping", ROP_FIELDS({ "why", signum == SIGTERM ? "SIGTERM" : "SIGINT" }));
	end(daemon);
}

/* ---- the journal ------------------------------------------------------------------------------------------- */

static void pauses_told(void *arg, const struct rop_pause *pauses, size_t n, const struct rop_err *err)
{
	struct daemon *daemon = arg;
	if (err) {
		daemon_fail(daemon, err);
		return;
	}
	for (struct cluster *c = daemon->clusters; c; c = c->next)
		if (c->drive)
			rop_drive_pauses(c->drive, pauses, n);
}

static void waiting(void *arg, const struct rop_err *why)
{
	tell_waiting(arg, why);
}

static bool forget(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct daemon *daemon = ROP_OWNER(write, struct daemon, forgetting);
	int64_t before = rop_wall_ms() - RETENTION_MS;
	return rop_store_forget_before(store, before, RETENTION_KEEP, &daemon->more_to_forget, err);
}

static void forgotten(struct rop_write *write, const struct rop_err *err)
{
	struct daemon *daemon = ROP_OWNER(write, struct daemon, forgetting);
	if (err)
		daemon_fail(daemon, err);
	else
		rop_timer_start(daemon->forget, daemon->more_to_forget ? 1000 : FORGET_EVERY_MS);
}

static void time_to_forget(void *arg)
{
	struct daemon *daemon = arg;
	rop_writer_call(daemon->writer, &daemon->forgetting, forget, forgotten);
}

/* ---- the run ----------------------------------------------------------------------------------------------- */

static void ready_anyway(void *arg)
{
	struct daemon *daemon = arg;
	if (daemon->ready || daemon->ending)
		return;
	daemon->ready = true;
	rop_service_ready();
}

static bool work(struct daemon *daemon, struct rop_err *err)
{
	daemon->hup = rop_signal_new(daemon->loop, SIGHUP, reload, daemon);
	daemon->term = rop_signal_new(daemon->loop, SIGTERM, told_to_end, daemon);
	daemon->interrupt = rop_signal_new(daemon->loop, SIGINT, told_to_end, daemon);
	rop_log(ROP_LOG_INFO, "started", ROP_FIELDS({ "state", daemon->state }, { "path", daemon->config.clusters }));
	rop_writer_watch_waiting(daemon->writer, waiting, daemon);
	if (!files_scan(daemon, true, err))
		return false;
	watch_folder(daemon);
	scan(daemon, false); /* once more: what was written before it was watched */
	daemon->forget = rop_timer_new(daemon->loop, time_to_forget, daemon);
	rop_timer_start(daemon->forget, FORGET_FIRST_MS);
	rop_timer_start(daemon->tick, tick_ms(daemon));
	rop_timer_start(daemon->ready_by, READY_BY_MS);
	rop_writer_watch_pauses(daemon->writer, pauses_told, daemon);
	tell_pass(daemon);
	rop_loop_run(daemon->loop);
	if (daemon->err.code != ROP_OK)
		*err = daemon->err;
	return daemon->err.code == ROP_OK;
}

static bool open_all(struct daemon *daemon, struct rop_lock **ret_lock, struct rop_err *err)
{
	if (!rop_store_open(daemon->state, ROP_STORE_WRITE, &daemon->store, err) ||
	    !rop_lock_take(daemon->state, NULL, "run", ret_lock, err) ||
	    !rop_store_instance(daemon->store, daemon->instance, err))
		return false;
	daemon->loop = rop_loop_new(err);
	daemon->writer = daemon->loop ? rop_writer_new(daemon->loop, daemon->store, err) : NULL;
	return daemon->writer != NULL;
}

static void close_all(struct daemon *daemon, struct rop_lock *lock)
{
	rop_timer_free(daemon->tick);
	rop_timer_free(daemon->soon);
	rop_timer_free(daemon->ready_by);
	rop_timer_free(daemon->forget);
	unwatch_folder(daemon);
	rop_write_close(&daemon->forgetting);
	while (daemon->clusters) {
		struct cluster *next = daemon->clusters->next;
		cluster_free(daemon->clusters);
		daemon->clusters = next;
	}
	files_free(daemon);
	rop_writer_free(daemon->writer);
	rop_gate_free(daemon->gate);
	rop_signal_free(daemon->hup); /* not before: told once more while a thread is waited for, it goes already */
	rop_signal_free(daemon->term);
	rop_signal_free(daemon->interrupt);
	if (daemon->loop)
		rop_loop_free(daemon->loop);
	rop_store_close(daemon->store);
	rop_lock_release(lock);
	rop_arena_free(daemon->config_arena);
	free(daemon->status);
	free(daemon->state);
}

bool rop_daemon_run(const struct rop_daemon_options *options, struct rop_err *err)
{
	struct daemon daemon = { .options = options, .watch_fd = -1 };
	struct rop_lock *lock = NULL;
	ROP_OWN_TEXT errors = { 0 };
	if (!configure(&daemon, &errors))
		return rop_fail(err, ROP_INVALID, "%s", errors.n ? errors.at : "the configuration cannot be read");
	bool ok = open_all(&daemon, &lock, err);
	if (ok) {
		daemon.watchdog_ms = rop_service_watchdog_ms();
		daemon.gate = rop_gate_new(daemon.config.concurrency);
		daemon.tick = rop_timer_new(daemon.loop, tick, &daemon);
		daemon.soon = rop_timer_new(daemon.loop, tick, &daemon);
		daemon.ready_by = rop_timer_new(daemon.loop, ready_anyway, &daemon);
		ok = work(&daemon, err);
	}
	close_all(&daemon, lock);
	return ok;
}
