/* drive.c - gives the reconciler what it wants: looks, commits, sends, sleeps, until it is done. */
#include "rop/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rop/text.h"

#define PAUSE_ASKED_EVERY_MS 250

struct rop_drive {
	struct rop_drive_options options;
	struct rop_reconcile *r;
	struct rop_fleet *fleet;
	struct rop_timer *timer, *deadline;
	struct rop_arena *arena;        /* of this drive */
	struct rop_arena *look;         /* answers under way; handed over with the observed cluster */
	struct rop_arena *send;         /* commands under way */
	const char **setting_names;
	size_t n_settings;
	int64_t look_began_ms, look_took_ms;
	int64_t pause_asked_boot_ms;    /* when the pause row was read last */
	bool busy;                      /* an exchange is under way */
	bool done;
	struct rop_err err;
};

static void go_on(struct rop_drive *d);

static struct rop_clock clock_now(void)
{
	return (struct rop_clock){ .wall_ms = rop_wall_ms(), .boot_ms = rop_boot_ms() };
}

struct rop_endpoint *rop_endpoints_of(struct rop_arena *arena, const struct rop_topology *topology, const struct rop_image *image)
{
	struct rop_endpoint *endpoints = rop_alloc_n(arena, topology->nodes.n, sizeof *endpoints);
	for (size_t i = 0; i < topology->nodes.n; i++) {
		const struct rop_declared_node *node = &topology->nodes.at[i];
		bool v6 = strchr(node->host, ':') != NULL;
		endpoints[i] = (struct rop_endpoint){
			.address = rop_printf(arena, v6 ? "[%s]:%d" : "%s:%d", node->host, node->port),
			.ip = node->ip, .port = node->port, .bus_port = node->bus_port,
		};
		for (size_t m = 0; image && m < image->members.n; m++)
			if (strcmp(image->members.at[m].address, endpoints[i].address) == 0)
				endpoints[i].expected_id = rop_strdup(arena, image->members.at[m].node);
	}
	return endpoints;
}

/* ---- look -------------------------------------------------------------------------------------------------- */

static void looked(void *arg, const struct rop_answer *answers, size_t n)
{
	struct rop_drive *d = arg;
	struct rop_clock clock = clock_now();
	struct rop_arena *arena = d->look;
	d->look = NULL;
	d->busy = false;
	d->look_took_ms = clock.boot_ms - d->look_began_ms;
	if (d->done) {
		rop_arena_free(arena);
		return;
	}
	rop_reconcile_observed(d->r, rop_observed_from_answers(arena, answers, n, d->setting_names, d->n_settings, clock.boot_ms),
			       clock);
	if (d->options.on_pass)
		d->options.on_pass(d->options.arg, d->r);
	go_on(d);
}

static void look(struct rop_drive *d)
{
	d->busy = true;
	d->look_began_ms = rop_boot_ms();
	d->look = rop_arena_new();
	rop_fleet_observe(d->fleet, d->look, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL, d->setting_names, d->n_settings, looked, d);
}

/* ---- commit ------------------------------------------------------------------------------------------------ */

static void finish(struct rop_drive *d)
{
	if (d->done)
		return;
	d->done = true;
	rop_timer_stop(d->deadline);
	struct rop_result result = rop_reconcile_result(d->r);
	d->options.on_done(d->options.arg, &result, d->err.code == ROP_OK ? NULL : &d->err);
}

static bool journal_failed(struct rop_drive *d)
{
	rop_wrap(&d->err, "nothing more is changed");
	finish(d);
	return false;
}

/* Somebody paused it meanwhile: who, and until when? */
static bool learn_of_pause(struct rop_drive *d)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct rop_image image = { 0 };
	if (!rop_store_load(d->options.store, arena, d->options.reconcile.topology->name, &image, &d->err))
		return journal_failed(d);
	rop_reconcile_pause_changed(d->r, image.paused, image.paused_until_wall_ms, image.paused_by);
	return true;
}

/* The journal comes first: what cannot be written is not sent. */
static bool commit(struct rop_drive *d)
{
	bool paused = false;
	if (!rop_store_commit(d->options.store, d->options.reconcile.topology->name, rop_reconcile_entry(d->r), &paused, &d->err))
		return journal_failed(d);
	rop_reconcile_committed(d->r, paused);
	return !paused || learn_of_pause(d);
}

/* ---- send -------------------------------------------------------------------------------------------------- */

static void sent(void *arg, const struct rop_outcome *outcomes, size_t n)
{
	(void)n;
	struct rop_drive *d = arg;
	struct rop_arena *arena = d->send;
	d->send = NULL;
	d->busy = false;
	if (!d->done)
		rop_reconcile_sent(d->r, outcomes, clock_now());
	rop_arena_free(arena);
	go_on(d);
}

static bool only_restores(const struct rop_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i].expect.kind != ROP_STEP_RESTORE)
			return false;
	return true;
}

/* A pause takes effect before the next send: the batch is dropped, known not executed. */
static bool paused_meanwhile(struct rop_drive *d, const struct rop_step *steps, size_t n, bool *ret_paused)
{
	bool paused = false;
	if (!rop_store_paused(d->options.store, d->options.reconcile.topology->name, rop_wall_ms(), &paused, &d->err))
		return journal_failed(d);
	*ret_paused = paused && !only_restores(steps, n);
	if (paused)
		return learn_of_pause(d);
	rop_reconcile_pause_changed(d->r, false, 0, NULL);
	return true;
}

static void send_batch(struct rop_drive *d)
{
	size_t n;
	bool paused = false;
	const struct rop_step *steps = rop_reconcile_steps(d->r, &n);
	if (!paused_meanwhile(d, steps, n, &paused))
		return;
	d->send = rop_arena_new();
	if (paused) {
		struct rop_outcome *outcomes = rop_alloc_n(d->send, n, sizeof *outcomes);
		for (size_t i = 0; i < n; i++)
			outcomes[i] = (struct rop_outcome){ ROP_SENT_ERROR, "not sent: the cluster was paused" };
		d->busy = true;
		sent(d, outcomes, n);
		return;
	}
	const struct rop_observed *seen = rop_reconcile_situation(d->r)->seen;
	struct rop_command *commands = rop_alloc_n(d->send, n, sizeof *commands);
	for (size_t i = 0; i < n; i++) {
		commands[i].node = steps[i].node;
		commands[i].argc = rop_step_command(d->send, &steps[i].expect, seen, &commands[i].argv);
	}
	d->busy = true;
	rop_fleet_send(d->fleet, d->send, commands, n, sent, d);
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

/* Looking costs the nodes what forming needs: at most a quarter of the time goes into it. */
#define LOOK_SHARE 3

static int64_t time_to_sleep(const struct rop_drive *d)
{
	int64_t wanted = rop_reconcile_sleep_ms(d->r), fair = LOOK_SHARE * d->look_took_ms;
	return fair > wanted && fair < 1000 ? fair : wanted;
}

/* While it only waits there is no send before which the pause would be read. */
static bool still_may_wait(struct rop_drive *d)
{
	int64_t now = rop_boot_ms();
	bool paused = false;
	if (now - d->pause_asked_boot_ms < PAUSE_ASKED_EVERY_MS)
		return true;
	d->pause_asked_boot_ms = now;
	if (!rop_store_paused(d->options.store, d->options.reconcile.topology->name, rop_wall_ms(), &paused, &d->err))
		return journal_failed(d);
	if (paused)
		return learn_of_pause(d);
	rop_reconcile_pause_changed(d->r, false, 0, NULL); /* somebody resumed it */
	return true;
}

static void woke(void *arg)
{
	struct rop_drive *d = arg;
	if (d->done || !still_may_wait(d))
		return;
	if (rop_reconcile_want(d->r) == ROP_WANT_SLEEP)
		rop_reconcile_woke(d->r);
	go_on(d);
}

static void go_on(struct rop_drive *d)
{
	while (!d->done && !d->busy) {
		switch (rop_reconcile_want(d->r)) {
		case ROP_WANT_OBSERVE:
			look(d);
			break;
		case ROP_WANT_COMMIT:
			if (!commit(d))
				return;
			break;
		case ROP_WANT_SEND:
			send_batch(d);
			break;
		case ROP_WANT_SLEEP:
			rop_timer_start(d->timer, time_to_sleep(d));
			return;
		case ROP_WANT_DONE:
			finish(d);
			return;
		}
	}
}

void rop_drive_stop(struct rop_drive *d, enum rop_code code, const char *why)
{
	if (d->done)
		return;
	rop_timer_stop(d->timer);
	rop_reconcile_stop(d->r, code, why);
	if (rop_reconcile_want(d->r) == ROP_WANT_DONE)
		finish(d);
	else
		go_on(d);
}

static void out_of_time(void *arg)
{
	struct rop_drive *d = arg;
	char why[96], duration[24];
	snprintf(why, sizeof why, "not converged after %s", rop_duration_print(d->options.timeout_ms, duration, sizeof duration));
	rop_drive_stop(d, ROP_TIMEOUT, why);
}

struct rop_drive *rop_drive_start(const struct rop_drive_options *options)
{
	const struct rop_topology *topology = options->reconcile.topology;
	struct rop_drive *d = rop_malloc(sizeof *d);
	d->options = *options;
	d->arena = rop_arena_new();
	d->setting_names = rop_settings_watched(d->arena, topology, &d->n_settings);
	d->fleet = rop_fleet_new(options->loop, options->fleet, rop_endpoints_of(d->arena, topology, options->reconcile.image),
				 topology->nodes.n);
	d->timer = rop_timer_new(options->loop, woke, d);
	d->deadline = rop_timer_new(options->loop, out_of_time, d);
	d->r = rop_reconcile_new(&options->reconcile, clock_now());
	if (options->timeout_ms)
		rop_timer_start(d->deadline, options->timeout_ms);
	go_on(d);
	return d;
}

const struct rop_reconcile *rop_drive_reconcile(const struct rop_drive *d)
{
	return d->r;
}

void rop_drive_free(struct rop_drive *d)
{
	if (!d)
		return;
	rop_fleet_free(d->fleet);
	rop_timer_free(d->timer);
	rop_timer_free(d->deadline);
	rop_reconcile_free(d->r);
	rop_arena_free(d->look);
	rop_arena_free(d->send);
	rop_arena_free(d->arena);
	free(d);
}
