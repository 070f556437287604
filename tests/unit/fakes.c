/* fakes.c - see fakes.h. */
#include "fakes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX 5000
#define NAMES_MAX 16

/* One line for each call that is caught: it goes on to the real one while the fakes are off. */
#define CATCH(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

typedef void (*answered)(void *arg, const struct rop_answer *answers, size_t n);
typedef void (*sent)(void *arg, const struct rop_outcome *outcomes, size_t n);
typedef void (*fired)(void *arg);
typedef void (*resolved)(void *arg, const char *const *ips, size_t n, const char *why);

struct fakes fakes;

static struct fake_timer {
	fired fire;
	void *arg;
	int64_t due_ms; /* -1: stopped */
	struct fake_timer *next;
} * timers;
static struct {
	answered done;
	void *arg;
} looking;
static struct {
	sent done;
	void *arg;
	struct rop_arena *arena;
	size_t n;
} sending;
static struct rop_write *request; /* of the writer: a drive has one at a time */
static struct {
	const char *host;
	resolved found;
	void *arg;
} names[NAMES_MAX];

void fakes_begin(void)
{
	struct rop_err err = { 0 };
	fakes = (struct fakes){ .on = true, .now_ms = 1000000 };
	cr_assert(rop_store_open(":memory:", ROP_STORE_WRITE, &fakes.store, &err), "%s", err.text);
}

void fakes_end(void)
{
	cr_assert(fakes.fleets == 0 && fakes.timers == 0 && fakes.requests == 0, "left open: %d fleets, %d timers, %d",
		  fakes.fleets, fakes.timers, fakes.requests);
	rop_store_close(fakes.store);
	fakes.on = false;
}

/* ---- the clock, and timers --------------------------------------------------------------------------------- */

CATCH(int64_t, rop_boot_ms, void)
{
	return fakes.on ? fakes.now_ms : __real_rop_boot_ms();
}

CATCH(int64_t, rop_wall_ms, void)
{
	return fakes.on ? fakes.now_ms : __real_rop_wall_ms();
}

CATCH(struct rop_timer *, rop_timer_new, struct rop_loop *loop, fired fire, void *arg)
{
	if (!fakes.on)
		return __real_rop_timer_new(loop, fire, arg);
	struct fake_timer *timer = rop_malloc(sizeof *timer);
	*timer = (struct fake_timer){ fire, arg, -1, timers };
	timers = timer;
	fakes.timers++;
	return (struct rop_timer *)timer;
}

CATCH(void, rop_timer_start, struct rop_timer *timer, int64_t ms)
{
	if (!fakes.on) {
		__real_rop_timer_start(timer, ms);
		return;
	}
	cr_assert_geq(ms, 0);
	((struct fake_timer *)timer)->due_ms = fakes.now_ms + ms;
}

CATCH(void, rop_timer_stop, struct rop_timer *timer)
{
	if (fakes.on)
		((struct fake_timer *)timer)->due_ms = -1;
	else
		__real_rop_timer_stop(timer);
}

CATCH(void, rop_timer_free, struct rop_timer *timer)
{
	if (!fakes.on || !timer) {
		__real_rop_timer_free(timer);
		return;
	}
	struct fake_timer **at = &timers;
	while (*at != (struct fake_timer *)timer)
		at = &(*at)->next;
	*at = (*at)->next;
	free(timer);
	fakes.timers--;
}

static struct fake_timer *first_timer(void)
{
	struct fake_timer *first = NULL;
	for (struct fake_timer *i = timers; i; i = i->next)
		if (i->due_ms >= 0 && (!first || i->due_ms < first->due_ms))
			first = i;
	return first;
}

int64_t fake_timer_ms(void)
{
	const struct fake_timer *first = first_timer();
	return first ? first->due_ms - fakes.now_ms : -1;
}

static void fire(void)
{
	struct fake_timer *timer = first_timer();
	if (timer->due_ms > fakes.now_ms)
		fakes.now_ms = timer->due_ms;
	timer->due_ms = -1;
	if (!fakes.frozen && fakes.world)
		rop_settle(fakes.world);
	timer->fire(timer->arg);
}

/* ---- the fleet --------------------------------------------------------------------------------------------- */

CATCH(struct rop_fleet *, rop_fleet_new, struct rop_loop *loop, const struct rop_fleet_options *options,
      const struct rop_endpoint *endpoints, size_t n)
{
	if (!fakes.on)
		return __real_rop_fleet_new(loop, options, endpoints, n);
	fakes.fleets++;
	for (size_t i = 0; i < n; i++)
		snprintf(fakes.expected[i], ROP_ID_SIZE, "%s",
			 endpoints[i].expected_id ? endpoints[i].expected_id : "");
	return (struct rop_fleet *)&fakes;
}

CATCH(void, rop_fleet_free, struct rop_fleet *fleet)
{
	if (!fakes.on) {
		__real_rop_fleet_free(fleet);
		return;
	}
	fakes.fleets -= fleet != NULL;
	looking.done = NULL;
	sending.done = NULL;
}

CATCH(void, rop_fleet_expect, struct rop_fleet *fleet, size_t node, const char *id)
{
	if (fakes.on)
		snprintf(fakes.expected[node], ROP_ID_SIZE, "%s", id ? id : "");
	else
		__real_rop_fleet_expect(fleet, node, id);
}

CATCH(void, rop_fleet_observe, struct rop_fleet *fleet, struct rop_arena *arena, unsigned flags, const char **names_,
      size_t n, answered done, void *arg)
{
	if (!fakes.on) {
		__real_rop_fleet_observe(fleet, arena, flags, names_, n, done, arg);
		return;
	}
	cr_assert(!looking.done && !sending.done, "one thing at a time");
	fakes.looks++;
	fakes.look_flags = flags;
	fakes.look_began_ms = fakes.now_ms;
	looking.done = done;
	looking.arg = arg;
}

static void answer_look(void)
{
	answered done = looking.done;
	looking.done = NULL;
	fakes.now_ms += fakes.look_takes_ms;
	done(looking.arg, answers_of(fakes.world), fakes.world->n);
}

CATCH(void, rop_fleet_send, struct rop_fleet *fleet, struct rop_arena *arena, const struct rop_command *commands,
      size_t n, int64_t not_after_ms, sent done, void *arg)
{
	if (!fakes.on) {
		__real_rop_fleet_send(fleet, arena, commands, n, not_after_ms, done, arg);
		return;
	}
	cr_assert(!looking.done && !sending.done && !request, "one thing at a time");
	for (size_t i = 0; i < n; i++)
		cr_assert(commands[i].argc > 1 && commands[i].node < (int)fakes.world->n);
	fakes.sends++;
	fakes.commands += n;
	fakes.not_after_ms = not_after_ms;
	sending.done = done;
	sending.arg = arg;
	sending.arena = arena;
	sending.n = n;
}

static bool is_written(const struct rop_image *image, const struct rop_expect *e)
{
	for (size_t i = 0; i < image->pending.n; i++)
		if (image->pending.at[i].id == e->id && strcmp(image->pending.at[i].subject, e->subject) == 0)
			return true;
	return false;
}

static void answer_send(void)
{
	size_t n;
	struct rop_err err = { 0 };
	struct rop_image image;
	sent done = sending.done;
	const struct rop_step *steps = rop_reconcile_steps(rop_drive_reconcile(fakes.drive), &n);
	struct rop_outcome *outcomes = rop_alloc_n(sending.arena, n, sizeof *outcomes);
	cr_assert_eq(n, sending.n);
	cr_assert(rop_store_load(fakes.store, pool, "cart", &image, &err), "%s", err.text);
	for (size_t i = 0; i < n; i++) {
		fakes.unwritten += !is_written(&image, &steps[i].expect);
		struct rop_expect e = rop_expect_dup(pool, &steps[i].expect); /* the world keeps its texts */
		if (!fakes.frozen)
			rop_step_effect(&e, fakes.world);
	}
	if (!fakes.frozen)
		rop_settle(fakes.world);
	sending.done = NULL;
	done(sending.arg, outcomes, n);
}

/* ---- the writer -------------------------------------------------------------------------------------------- */

static void ask(struct rop_writer *writer, struct rop_write *write)
{
	cr_assert(!request && !write->writer, "one request at a time");
	write->writer = writer ? writer : (struct rop_writer *)&fakes;
	request = write;
	fakes.requests++;
}

CATCH(void, rop_writer_commit, struct rop_writer *writer, struct rop_write *write, const char *cluster,
      struct rop_entry *entry, rop_committed done)
{
	if (!fakes.on) {
		__real_rop_writer_commit(writer, write, cluster, entry, done);
		return;
	}
	write->cluster = cluster;
	write->entry = entry;
	write->committed = done;
	ask(writer, write);
}

CATCH(void, rop_writer_call, struct rop_writer *writer, struct rop_write *write, rop_store_work work,
      rop_store_done done)
{
	if (!fakes.on) {
		__real_rop_writer_call(writer, write, work, done);
		return;
	}
	write->entry = NULL;
	write->work = work;
	write->done = done;
	ask(writer, write);
}

static void over(struct rop_write *write)
{
	fakes.requests--;
	request = NULL;
	write->writer = NULL;
}

CATCH(void, rop_write_close, struct rop_write *write)
{
	if (!fakes.on)
		__real_rop_write_close(write);
	else if (write->writer)
		over(write);
}

static void answer_request(void)
{
	struct rop_write *write = request;
	struct rop_err err = fakes.broken;
	over(write);
	if (!write->entry) {
		bool worked = err.code == ROP_OK && write->work(fakes.store, write, &err);
		fakes.calls++;
		write->done(write, worked ? NULL : &err);
		return;
	}
	struct rop_commit_request commit = { .cluster = write->cluster, .entry = write->entry };
	bool worked = err.code == ROP_OK && rop_store_commit_group(fakes.store, &commit, 1, &err);
	fakes.now_ms += fakes.commit_takes_ms;
	fakes.commits++;
	if (worked && commit.result == ROP_COMMIT_REFUSED)
		write->committed(write, commit.result, &commit.err);
	else
		write->committed(write, commit.result, worked ? NULL : &err);
}

/* ---- names ------------------------------------------------------------------------------------------------- */

CATCH(void, rop_resolve, struct rop_loop *loop, const char *host, resolved found, void *arg)
{
	if (!fakes.on) {
		__real_rop_resolve(loop, host, found, arg);
		return;
	}
	cr_assert(fakes.n_names < NAMES_MAX);
	names[fakes.n_names].host = host;
	names[fakes.n_names].found = found;
	names[fakes.n_names++].arg = arg;
}

void fake_resolves(const char *host, const char *const *ips, size_t n, const char *why)
{
	for (size_t i = 0; i < fakes.n_names; i++) {
		if (strcmp(names[i].host, host) != 0)
			continue;
		resolved found = names[i].found;
		void *arg = names[i].arg;
		names[i] = names[--fakes.n_names];
		found(arg, ips, n, why);
		return;
	}
	cr_assert_fail("nobody looks up '%s'", host);
}

/* ---- what is under way ------------------------------------------------------------------------------------- */

enum out fake_out(void)
{
	if (looking.done)
		return OUT_LOOK;
	if (sending.done)
		return OUT_SEND;
	if (request)
		return request->entry ? OUT_COMMIT : OUT_CALL;
	if (fakes.n_names)
		return OUT_NAME;
	return first_timer() ? OUT_TIMER : OUT_NOTHING;
}

void fake_turn(void)
{
	switch (fake_out()) {
	case OUT_LOOK: answer_look(); return;
	case OUT_SEND: answer_send(); return;
	case OUT_COMMIT:
	case OUT_CALL: answer_request(); return;
	case OUT_TIMER: fire(); return;
	case OUT_NAME:
	case OUT_NOTHING: break;
	}
	cr_assert_fail("nothing is under way");
}

void fake_until(enum out what)
{
	for (int turns = 0; fake_out() != what; turns++) {
		cr_assert_lt(turns, TURNS_MAX, "it never comes to %d", what);
		fake_turn();
	}
}
