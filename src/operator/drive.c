/* drive.c - gives the reconciler what it wants: looks, commits, sends, sleeps, until it is done.
 *
 * Happy path: look -> commit (off the loop) -> send -> look ... -> sleep. One of them is under way at a time (`busy`).
 * Failure modes: the journal cannot be written: the run ends, nothing more is sent. Another process holds the lock, or
 * has written since (`begin_anew`): what was decided is dropped, and the drive starts again from the database and a
 * fresh look.
 */
#include "rop/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rop/leaving.h"
#include "rop/log.h"
#include "rop/names.h"
#include "rop/permissions.h"
#include "rop/text.h"
#include "sending.h"

struct rop_drive {
	struct rop_drive_options options;
	struct rop_reconcile *r; /* NULL: before the image was loaded */
	struct rop_fleet *fleet;
	struct rop_timer *timer, *deadline;
	struct rop_write write;     /* what the database is being asked; closed first of all */
	struct rop_arena *arena;    /* of this drive */
	struct rop_arena *known;    /* the image this reconciler began with, and the fleet's endpoints */
	struct rop_arena *loading;  /* the next one, being read */
	struct rop_arena *look;     /* answers under way; handed over with the observed cluster */
	struct rop_arena *send;     /* commands under way */
	struct rop_arena *learning; /* pauses being read */
	struct rop_image image, loaded;
	const struct rop_topology *topology; /* with the nodes that leave */
	uint64_t asked;                      /* digest of the nodes that the fleet has */
	struct rop_pause *pauses;
	size_t n_pauses;
	const char **setting_names;
	size_t n_settings;
	struct rop_lock *lock;
	int64_t shards_next_ms;
	bool rights_hidden; /* a node would not say what it permits */
	int64_t pass;       /* the journal's newest transaction that this drive knows of */
	int64_t look_began_ms, look_took_ms;
	int64_t clients_next_ms; /* when connections of other operators are asked for again */
	bool wish_told;          /* ... and which wish is open in the database, as heard last: */
	int64_t wish;            /* 0: none */
	int64_t drains_told;     /* ... and how often people spoke of hosts */
	bool busy;               /* something is under way */
	bool held;               /* another process has the lock, and on_held was told */
	bool anew;               /* when it wakes: begin anew */
	bool rested;             /* slept as a converged cluster before */
	bool done;
	bool stop_asked;           /* when there was no reconciler to end */
	struct rop_result stopped; /* what it ends with then */
	struct rop_err err;
};

static void go_on(struct rop_drive *d);
static void begin_anew(struct rop_drive *d);

static struct rop_clock clock_now(void)
{
	return (struct rop_clock){ .wall_ms = rop_wall_ms(), .boot_ms = rop_boot_ms() };
}

static const char *name_of(const struct rop_drive *d)
{
	return d->options.reconcile.topology->name;
}

/* A node that does not answer is still known by its id. */
static void expect_members(struct rop_drive *d, const struct rop_member *members, size_t n)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	const struct rop_topology *topology = d->topology;
	struct rop_image image = { .members = { .at = (struct rop_member *)members, .n = n } };
	const struct rop_endpoint *endpoints = rop_endpoints_of(arena, topology, &image);
	for (size_t i = 0; i < topology->nodes.n; i++)
		rop_fleet_expect(d->fleet, i, endpoints[i].expected_id);
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

static void let_go(struct rop_drive *d)
{
	rop_lock_release(d->lock);
	d->lock = NULL;
}

static void finish(struct rop_drive *d)
{
	if (d->done)
		return;
	d->done = true;
	rop_timer_stop(d->deadline);
	rop_timer_stop(d->timer);
	let_go(d);
	struct rop_result result = d->stop_asked || !d->r ? d->stopped : rop_reconcile_result(d->r);
	d->options.on_done(d->options.arg, &result, d->err.code == ROP_OK ? NULL : &d->err);
}

static void journal_failed(struct rop_drive *d, const struct rop_err *err)
{
	d->err = *err;
	rop_wrap(&d->err, "nothing more is changed");
	finish(d);
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
	struct rop_observed *seen = rop_observed_from_answers(arena, answers, n, d->setting_names, d->n_settings,
							      clock.boot_ms);
	seen->began_ms = d->look_began_ms;
	for (size_t i = 0; i < n; i++)
		d->rights_hidden |= answers[i].rights_hidden != NULL;
	rop_reconcile_observed(d->r, seen, clock);
	if (d->options.on_pass)
		d->options.on_pass(d->options.arg, d->r);
	go_on(d);
}

/* As long as something is to be done; who hides them is not asked again and again, which would fill its ACL LOG. */
static bool asks_rights(const struct rop_drive *d)
{
	return !d->rights_hidden && !rop_reconcile_converged(d->r);
}

/* Only where all else is as it should be: the answer is as long as a whole view. A synchronisation may take hours. */
#define SHARDS_EVERY_MS 1000
static bool asks_shards(const struct rop_drive *d)
{
	const struct rop_situation *now = rop_reconcile_situation(d->r);
	if (!now || !now->views_agree || rop_reconcile_converged(d->r))
		return false;
	for (size_t i = 0; i < now->seen->n; i++)
		if (now->seen->nodes[i].forbidden & ROP_PERMIT(CLUSTER_SHARDS))
			return false;
	return !now->synchronising || now->shards_apart || d->look_began_ms >= d->shards_next_ms;
}

/* Before the first slot goes: is there room for what comes with it? */
static bool asks_memory(const struct rop_drive *d)
{
	const struct rop_situation *now = rop_reconcile_situation(d->r);
	return now && now->slots_to_move && !now->moving;
}

static void look(struct rop_drive *d)
{
	d->busy = true;
	d->look_began_ms = rop_boot_ms();
	d->look = rop_arena_new();
	unsigned flags = ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | (asks_rights(d) ? ROP_OBSERVE_RIGHTS : 0) |
			 (asks_shards(d) ? ROP_OBSERVE_SHARDS : 0) | (asks_memory(d) ? ROP_OBSERVE_MEMORY : 0);
	if (flags & ROP_OBSERVE_SHARDS)
		d->shards_next_ms = d->look_began_ms + SHARDS_EVERY_MS;
	if (d->options.clients_every_ms && d->look_began_ms >= d->clients_next_ms) {
		flags |= ROP_OBSERVE_CLIENTS;
		d->clients_next_ms = d->look_began_ms + d->options.clients_every_ms;
	}
	rop_fleet_observe(d->fleet, d->look, flags, d->setting_names, d->n_settings, looked, d);
}

/* ---- commit ------------------------------------------------------------------------------------------------ */

static void take_pauses(struct rop_drive *d, const struct rop_pause *pauses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!pauses[i].wish && !pauses[i].drains_told && strcmp(pauses[i].cluster, name_of(d)) == 0) {
			rop_reconcile_pause_changed(d->r, true, pauses[i].until_wall_ms, pauses[i].by);
			return;
		}
	rop_reconcile_pause_changed(d->r, false, 0, NULL);
}

static bool read_pauses(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct rop_drive *d = ROP_OWNER(write, struct rop_drive, write);
	return rop_store_pauses(store, d->learning, &d->pauses, &d->n_pauses, err);
}

static void pauses_read(struct rop_write *write, const struct rop_err *err)
{
	struct rop_drive *d = ROP_OWNER(write, struct rop_drive, write);
	struct rop_arena *arena = d->learning;
	d->learning = NULL;
	d->busy = false;
	if (err) {
		journal_failed(d, err);
	} else {
		take_pauses(d, d->pauses, d->n_pauses);
		go_on(d);
	}
	rop_arena_free(arena);
}

/* Somebody paused it meanwhile: who, and until when? */
static void learn_of_pause(struct rop_drive *d)
{
	d->busy = true;
	d->learning = rop_arena_new();
	rop_writer_call(d->options.writer, &d->write, read_pauses, pauses_read);
}

static void committed(struct rop_write *write, enum rop_commit result, const struct rop_err *err)
{
	struct rop_drive *d = ROP_OWNER(write, struct rop_drive, write);
	d->busy = false;
	if (err) {
		journal_failed(d, err);
		return;
	}
	switch (result) {
	case ROP_COMMIT_WRITTEN:
		if (rop_reconcile_entry(d->r)->pass)
			d->pass = rop_reconcile_entry(d->r)->pass;
		if (rop_reconcile_entry(d->r)->wish_end.id)
			d->wish = 0; /* what one writes oneself is not told of */
		if (rop_reconcile_entry(d->r)->wish_begin.id)
			d->wish = rop_reconcile_entry(d->r)->wish_begin.id;
		if (rop_reconcile_entry(d->r)->members_changed)
			expect_members(d, rop_reconcile_entry(d->r)->members.at, rop_reconcile_entry(d->r)->members.n);
		if (d->options.on_written)
			d->options.on_written(d->options.arg, rop_reconcile_entry(d->r));
		rop_reconcile_committed(d->r, false);
		go_on(d);
		return;
	case ROP_COMMIT_PAUSED:
		rop_reconcile_committed(d->r, true);
		learn_of_pause(d);
		return;
	case ROP_COMMIT_OUTDATED:
	case ROP_COMMIT_REFUSED: /* comes with err */
		rop_log(ROP_LOG_DEBUG, "another process has changed it meanwhile: begins anew",
			ROP_FIELDS({ "cluster", name_of(d) }));
		begin_anew(d);
		return;
	}
}

/* Beside other processes: the lock is taken before anything is written. false: somebody has it; later, and from anew.
 */
static bool may_write(struct rop_drive *d)
{
	struct rop_err err = { 0 };
	if (!d->options.lock_path || d->lock)
		return true;
	if (rop_lock_take(d->options.lock_path, name_of(d), d->options.lock_command, &d->lock, &err)) {
		if (d->held && d->options.on_held)
			d->options.on_held(d->options.arg, NULL);
		d->held = false;
		return true;
	}
	if (err.code != ROP_BUSY) {
		journal_failed(d, &err);
		return false;
	}
	if (!d->held && d->options.on_held)
		d->options.on_held(d->options.arg, &err);
	d->held = d->anew = true;
	rop_timer_start(d->timer, d->options.reconcile.topology->interval_ms);
	return false;
}

/* The journal comes first: what cannot be written is not sent. In the same transaction it is asked whether somebody
 * paused the cluster, so that a pause takes effect before the next send. */
static void commit(struct rop_drive *d)
{
	struct rop_entry *entry = rop_reconcile_entry(d->r);
	if (!may_write(d))
		return;
	entry->check_pass = d->options.lock_path != NULL;
	entry->after_pass = d->pass;
	d->busy = true;
	rop_writer_commit(d->options.writer, &d->write, name_of(d), entry, committed);
}

/* ---- send -------------------------------------------------------------------------------------------------- */

static void sent(void *arg, const struct rop_outcome *of_commands, size_t n_commands)
{
	(void)n_commands;
	struct rop_drive *d = arg;
	struct rop_arena *arena = d->send;
	d->send = NULL;
	d->busy = false;
	if (!d->done) {
		size_t n;
		const struct rop_step *steps = rop_reconcile_steps(d->r, &n);
		rop_reconcile_sent(d->r, outcomes_of_steps(arena, steps, n, of_commands), clock_now());
	}
	rop_arena_free(arena);
	go_on(d);
}

static void send_batch(struct rop_drive *d)
{
	size_t n, n_commands;
	if (!rop_reconcile_sending(d->r, clock_now())) { /* the commit waited for too long: look again */
		go_on(d);
		return;
	}
	const struct rop_step *steps = rop_reconcile_steps(d->r, &n);
	d->send = rop_arena_new();
	const struct rop_command *commands = commands_of_steps(d->send, rop_reconcile_situation(d->r),
							       &d->options.reconcile.topology->migration, steps, n,
							       &n_commands);
	d->busy = true;
	rop_fleet_send(d->fleet, d->send, commands, n_commands, rop_reconcile_send_by_ms(d->r), sent, d);
}

/* ---- sleep ------------------------------------------------------------------------------------------------- */

/* Looking costs the nodes what forming needs: at most a quarter of the time goes into it. */
#define LOOK_SHARE 3

/* Many clusters that were begun together are not looked at together for ever: each has its own place in the interval.
 */
static int64_t first_rest(const struct rop_drive *d, int64_t wanted)
{
	uint64_t place = rop_digest(ROP_DIGEST_START, name_of(d), strlen(name_of(d)));
	return wanted * (int64_t)(place % 1000) / 1000;
}

static int64_t time_to_sleep(struct rop_drive *d)
{
	int64_t wanted = rop_reconcile_sleep_ms(d->r), fair = LOOK_SHARE * d->look_took_ms;
	if (d->options.reconcile.keep && rop_reconcile_at_rest(d->r)) { /* an interval is from one look to the next */
		int64_t since = rop_boot_ms() - d->look_began_ms;
		int64_t whole = d->rested ? wanted : first_rest(d, wanted);
		d->rested = true;
		return whole > since ? whole - since : 0;
	}
	return fair > wanted && fair < 1000 ? fair : wanted;
}

static void rest(struct rop_drive *d)
{
	if (d->options.lock_path && rop_reconcile_at_rest(d->r))
		let_go(d);
	rop_timer_start(d->timer, time_to_sleep(d));
}

/* A person's wish has come up, or was taken back, that this drive does not know of. Who holds the lock all the time
 * hears of none. */
static bool has_new_wish(const struct rop_drive *d)
{
	return d->options.lock_path && d->wish_told && rop_reconcile_want(d->r) == ROP_WANT_SLEEP &&
	       (rop_reconcile_wish(d->r) != d->wish || rop_reconcile_drains_told(d->r) != d->drains_told);
}

static void take_wishes(struct rop_drive *d, const struct rop_pause *pauses, size_t n)
{
	d->wish_told = true;
	d->wish = d->drains_told = 0;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(pauses[i].cluster, name_of(d)) != 0)
			continue;
		if (pauses[i].wish)
			d->wish = pauses[i].wish;
		if (pauses[i].drains_told)
			d->drains_told = pauses[i].drains_told;
	}
}

static void woke(void *arg)
{
	struct rop_drive *d = arg;
	if (d->done || d->busy)
		return;
	if (d->anew || has_new_wish(d)) {
		begin_anew(d);
		return;
	}
	if (rop_reconcile_want(d->r) == ROP_WANT_SLEEP)
		rop_reconcile_woke(d->r);
	go_on(d);
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

static void go_on(struct rop_drive *d)
{
	if (d->done || d->busy)
		return;
	switch (rop_reconcile_want(d->r)) {
	case ROP_WANT_OBSERVE: look(d); return;
	case ROP_WANT_COMMIT: commit(d); return;
	case ROP_WANT_SEND: send_batch(d); return;
	case ROP_WANT_SLEEP: rest(d); return;
	case ROP_WANT_DONE: finish(d); return;
	}
}

void rop_drive_pauses(struct rop_drive *d, const struct rop_pause *pauses, size_t n)
{
	if (d->done || !d->r)
		return;
	bool before = rop_reconcile_paused(d->r);
	take_pauses(d, pauses, n);
	take_wishes(d, pauses, n);
	if (!d->busy && !d->anew && (rop_reconcile_paused(d->r) != before || has_new_wish(d)))
		rop_timer_start(d->timer, 0);
}

void rop_drive_stop(struct rop_drive *d, enum rop_code code, const char *why)
{
	if (d->done)
		return;
	if (!d->r || d->anew || d->loading) { /* nothing of this drive's own is under way */
		d->stop_asked = true;
		d->stopped = (struct rop_result){ .code = code, .text = rop_strdup(d->arena, why) };
		rop_write_close(&d->write); /* what is being read is nobody's any more */
		finish(d);
		return;
	}
	rop_timer_stop(d->timer);
	rop_reconcile_stop(d->r, code, why);
	if (rop_reconcile_want(d->r) == ROP_WANT_DONE) /* a look that is under way is nobody's any more */
		finish(d);
	else
		go_on(d);
}

static void out_of_time(void *arg)
{
	struct rop_drive *d = arg;
	char why[96], duration[24];
	snprintf(why, sizeof why, "not converged after %s",
		 rop_duration_print(d->options.timeout_ms, duration, sizeof duration));
	rop_drive_stop(d, ROP_TIMEOUT, why);
}

/* ---- begun ------------------------------------------------------------------------------------------------- */

static uint64_t digest_of_nodes(const struct rop_topology *topology)
{
	uint64_t digest = ROP_DIGEST_START;
	for (size_t i = 0; i < topology->nodes.n; i++) {
		const struct rop_declared_node *node = &topology->nodes.at[i];
		digest = rop_digest(digest, node->host, strlen(node->host) + 1);
		digest = rop_digest(digest, &node->port, sizeof node->port);
	}
	return digest;
}

static void begin(struct rop_drive *d, const struct rop_image *image)
{
	struct rop_reconcile_options options = d->options.reconcile;
	d->topology = options.topology = rop_topology_leaving(d->known ? d->known : d->arena, options.topology, image);
	options.image = image;
	d->pass = image->pass;
	rop_reconcile_free(d->r);
	d->r = rop_reconcile_new(&options, clock_now());
	uint64_t asked = digest_of_nodes(d->topology);
	if (d->fleet && d->asked != asked) { /* another one leaves, or one has left */
		rop_fleet_free(d->fleet);
		d->fleet = NULL;
	}
	d->asked = asked;
	if (!d->fleet)
		d->fleet = rop_fleet_new(d->options.loop, d->options.fleet,
					 rop_endpoints_of(d->arena, d->topology, image), d->topology->nodes.n);
	else
		expect_members(d, image->members.at, image->members.n);
	go_on(d);
}

static bool load(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct rop_drive *d = ROP_OWNER(write, struct rop_drive, write);
	return rop_store_load(store, d->loading, name_of(d), &d->loaded, err);
}

static void image_loaded(struct rop_write *write, const struct rop_err *err)
{
	struct rop_drive *d = ROP_OWNER(write, struct rop_drive, write);
	struct rop_arena *arena = d->loading;
	d->loading = NULL;
	d->busy = false;
	if (err) {
		rop_arena_free(arena);
		journal_failed(d, err);
		return;
	}
	rop_arena_free(d->known);
	d->known = arena;
	d->image = d->loaded;
	begin(d, &d->image);
}

static void begin_anew(struct rop_drive *d)
{
	d->anew = false;
	d->busy = true;
	d->loading = rop_arena_new();
	rop_writer_call(d->options.writer, &d->write, load, image_loaded);
}

struct rop_drive *rop_drive_start(const struct rop_drive_options *options)
{
	struct rop_drive *d = rop_malloc(sizeof *d);
	d->options = *options;
	d->arena = rop_arena_new();
	d->setting_names = rop_settings_watched(d->arena, options->reconcile.topology, &d->n_settings);
	d->timer = rop_timer_new(options->loop, woke, d);
	d->deadline = rop_timer_new(options->loop, out_of_time, d);
	if (options->timeout_ms)
		rop_timer_start(d->deadline, options->timeout_ms);
	if (options->lock_path)
		begin_anew(d);
	else
		begin(d, options->reconcile.image);
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
	rop_write_close(&d->write);
	let_go(d);
	rop_fleet_free(d->fleet);
	rop_timer_free(d->timer);
	rop_timer_free(d->deadline);
	rop_reconcile_free(d->r);
	rop_arena_free(d->loading);
	rop_arena_free(d->look);
	rop_arena_free(d->send);
	rop_arena_free(d->learning);
	rop_arena_free(d->known);
	rop_arena_free(d->arena);
	free(d);
}
