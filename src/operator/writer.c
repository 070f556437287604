/* writer.c - commits grouped and off the loop's thread; whatever else the store is asked, in order with them.
 *
 * The queue belongs to the loop. The thread has one turn at a time: a group of commits, or one call. So everything in
 * the queue can be dropped at any time, and closing a request waits for one turn at most.
 */
#include "rop/writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "rop/mem.h"

#define PAUSES_EVERY_MS 250
#define TRY_MS 1000  /* a try waits so long for another process's lock, ... */
#define AGAIN_MS 500 /* ... then readers that wait for us have their turn, and it is tried again */

struct turn { /* the thread's from rop_worker_do to its end, and nobody else's */
	struct rop_arena *arena;
	struct rop_write **of;               /* NULL: closed meanwhile. After the thread has ended only */
	struct rop_commit_request *requests; /* NULL: of[0] is a call */
	size_t n;                            /* 0: none is under way */
	bool worked, in_use;
	struct rop_err err;
};

struct rop_writer {
	struct rop_worker *worker;
	struct rop_store *store;
	struct rop_write *first, *last; /* waiting for their turn, in the order they came */
	struct turn turn;
	struct turn *telling; /* those being told, who may close each other */
	/* the database is in use by another process */
	struct rop_timer *again;
	bool held_up;            /* until `again` fires nothing is tried */
	int64_t in_use_since_ms; /* 0: it is not */
	int64_t patience_ms;
	void (*waiting_told)(void *arg, const struct rop_err *why);
	void *waiting_arg;
	/* pauses */
	rop_pauses_told told;
	void *told_arg;
	struct rop_timer *ask;
	struct rop_write asking;
	struct rop_arena *pauses_arena;
	struct rop_pause *pauses;
	size_t n_pauses;
	bool pauses_changed;
};

/* ---- the queue --------------------------------------------------------------------------------------------- */

static void append(struct rop_writer *w, struct rop_write *write)
{
	write->next = NULL;
	if (w->last)
		w->last->next = write;
	else
		w->first = write;
	w->last = write;
}

/* What is left behind `at` moves up. */
static void take_out(struct rop_writer *w, struct rop_write **at, struct rop_write *before)
{
	struct rop_write *write = *at;
	*at = write->next;
	if (w->last == write)
		w->last = before;
	write->next = NULL;
}

static bool drop_waiting(struct rop_writer *w, const struct rop_write *write)
{
	struct rop_write *before = NULL;
	for (struct rop_write **at = &w->first; *at; before = *at, at = &(*at)->next) {
		if (*at != write)
			continue;
		take_out(w, at, before);
		return true;
	}
	return false;
}

static size_t commits_waiting(const struct rop_writer *w)
{
	size_t n = 0;
	for (const struct rop_write *i = w->first; i; i = i->next)
		n += i->entry != NULL;
	return n;
}

static void put_back(struct rop_writer *w, const struct turn *turn)
{
	for (size_t i = turn->n; i-- > 0;) {
		struct rop_write *write = turn->of[i];
		if (!write)
			continue;
		write->next = w->first;
		w->first = write;
		if (!w->last)
			w->last = write;
	}
}

/* ---- a turn ------------------------------------------------------------------------------------------------ */

static void work(void *arg)
{
	struct rop_writer *w = arg;
	struct turn *turn = &w->turn;
	if (turn->requests)
		turn->worked = rop_store_commit_group(w->store, turn->requests, turn->n, &turn->err);
	else
		turn->worked = turn->of[0]->work(w->store, turn->of[0], &turn->err);
	turn->in_use = !turn->worked && rop_store_in_use(w->store);
}

/* All commits that wait go together, or the call that waits longest. */
static void take_turn(struct rop_writer *w)
{
	struct turn *turn = &w->turn;
	size_t n = w->first->entry ? commits_waiting(w) : 1, taken = 0;
	struct rop_write *before = NULL;
	*turn = (struct turn){ .arena = rop_arena_new(), .n = n };
	turn->of = rop_alloc_n(turn->arena, n, sizeof(struct rop_write *));
	if (w->first->entry)
		turn->requests = rop_alloc_n(turn->arena, n, sizeof *turn->requests);
	for (struct rop_write **at = &w->first; taken < n;) {
		struct rop_write *write = *at;
		if (turn->requests && !write->entry) {
			before = write;
			at = &write->next;
			continue;
		}
		take_out(w, at, before);
		if (turn->requests)
			turn->requests[taken] = (struct rop_commit_request){ .cluster = write->cluster,
									     .entry = write->entry };
		turn->of[taken++] = write;
	}
}

static void turn_over(void *arg);

static void next_turn(struct rop_writer *w)
{
	if (w->turn.n || w->held_up || !w->first)
		return;
	take_turn(w);
	rop_worker_do(w->worker, work, turn_over, w);
}

static void time_to_try_again(void *arg)
{
	struct rop_writer *w = arg;
	w->held_up = false;
	next_turn(w);
}

/* The request is over before its owner is called: the owner may ask for the next thing, or go. */
static void tell_one(const struct turn *turn, size_t i)
{
	struct rop_write *write = turn->of[i];
	const struct rop_err *err = turn->worked ? NULL : &turn->err;
	write->writer = NULL;
	if (!turn->requests) {
		write->done(write, err);
		return;
	}
	const struct rop_commit_request *request = &turn->requests[i];
	if (!err && request->result == ROP_COMMIT_REFUSED)
		err = &request->err;
	write->committed(write, request->result, err);
}

static void tell(struct rop_writer *w, struct turn *turn)
{
	w->telling = turn;
	for (size_t i = 0; i < turn->n; i++)
		if (turn->of[i])
			tell_one(turn, i);
	w->telling = NULL;
}

static void tell_waiting(struct rop_writer *w, const struct rop_err *why)
{
	if (w->waiting_told)
		w->waiting_told(w->waiting_arg, why);
}

/* Is it to be tried again? */
static bool bears(struct rop_writer *w, const struct turn *turn)
{
	int64_t now = rop_boot_ms();
	if (!turn->in_use) {
		if (w->in_use_since_ms)
			tell_waiting(w, NULL);
		w->in_use_since_ms = 0;
		return false;
	}
	if (!w->in_use_since_ms)
		w->in_use_since_ms = now - TRY_MS;
	if (now - w->in_use_since_ms >= w->patience_ms)
		return false;
	tell_waiting(w, &turn->err);
	return true;
}

static void turn_over(void *arg)
{
	struct rop_writer *w = arg;
	struct turn turn = w->turn;
	w->turn = (struct turn){ 0 };
	if (bears(w, &turn)) {
		put_back(w, &turn);
		w->held_up = true;
		rop_timer_start(w->again, AGAIN_MS);
	} else {
		next_turn(w); /* the disk works while they are told */
		tell(w, &turn);
	}
	rop_arena_free(turn.arena);
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

static void mistake(const char *what)
{
	fprintf(stderr, "redis-operator: writer: %s\n", what);
	abort();
}

static void ask(struct rop_writer *w, struct rop_write *write)
{
	if (write->writer)
		mistake("a request was given twice");
	write->writer = w;
	append(w, write);
	next_turn(w);
}

void rop_writer_commit(struct rop_writer *w, struct rop_write *write, const char *cluster, struct rop_entry *entry,
		       rop_committed done)
{
	write->cluster = cluster;
	write->entry = entry;
	write->committed = done;
	ask(w, write);
}

void rop_writer_call(struct rop_writer *w, struct rop_write *write, rop_store_work job, rop_store_done done)
{
	write->entry = NULL;
	write->work = job;
	write->done = done;
	ask(w, write);
}

static bool take_from(struct turn *turn, const struct rop_write *write)
{
	for (size_t i = 0; turn && i < turn->n; i++)
		if (turn->of[i] == write) {
			turn->of[i] = NULL;
			return true;
		}
	return false;
}

static bool is_in(const struct turn *turn, const struct rop_write *write)
{
	for (size_t i = 0; i < turn->n; i++)
		if (turn->of[i] == write)
			return true;
	return false;
}

void rop_write_close(struct rop_write *write)
{
	struct rop_writer *w = write->writer;
	if (!w)
		return;
	write->writer = NULL;
	if (drop_waiting(w, write) || take_from(w->telling, write))
		return;
	if (!is_in(&w->turn, write))
		mistake("a request was copied or moved");
	rop_worker_wait(w->worker); /* the list of the turn is the thread's until then */
	take_from(&w->turn, write);
}

bool rop_write_is_open(const struct rop_write *write)
{
	return write->writer != NULL;
}

void rop_writer_patience(struct rop_writer *w, int64_t ms)
{
	w->patience_ms = ms;
}

void rop_writer_watch_waiting(struct rop_writer *w, void (*told)(void *arg, const struct rop_err *why), void *arg)
{
	w->waiting_told = told;
	w->waiting_arg = arg;
}

/* ---- pauses ------------------------------------------------------------------------------------------------ */

/* May be called again after half of it: what has changed stays changed until it was told. */
static bool read_pauses(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct rop_writer *w = ROP_OWNER(write, struct rop_writer, asking);
	bool changed = false;
	if (!rop_store_changed(store, &changed, err))
		return false;
	w->pauses_changed |= changed;
	if (!w->pauses_changed)
		return true;
	rop_arena_free(w->pauses_arena);
	w->pauses_arena = rop_arena_new();
	return rop_store_pauses(store, w->pauses_arena, &w->pauses, &w->n_pauses, err);
}

static void pauses_read(struct rop_write *write, const struct rop_err *err)
{
	struct rop_writer *w = ROP_OWNER(write, struct rop_writer, asking);
	struct rop_arena *arena = w->pauses_arena;
	bool changed = w->pauses_changed;
	w->pauses_arena = NULL;
	w->pauses_changed = false;
	if (err)
		w->told(w->told_arg, NULL, 0, err);
	else if (changed)
		w->told(w->told_arg, w->pauses, w->n_pauses, NULL);
	rop_arena_free(arena);
	if (!err)
		rop_timer_start(w->ask, PAUSES_EVERY_MS);
}

static void ask_for_pauses(void *arg)
{
	struct rop_writer *w = arg;
	rop_writer_call(w, &w->asking, read_pauses, pauses_read);
}

void rop_writer_watch_pauses(struct rop_writer *w, rop_pauses_told told, void *arg)
{
	w->told = told;
	w->told_arg = arg;
	w->pauses_changed = true; /* told at once */
	ask_for_pauses(w);
}

/* ---- made and freed ---------------------------------------------------------------------------------------- */

struct rop_writer *rop_writer_new(struct rop_loop *loop, struct rop_store *store, struct rop_err *err)
{
	struct rop_worker *worker = rop_worker_new(loop, err);
	if (!worker)
		return NULL;
	struct rop_writer *w = rop_malloc(sizeof *w);
	w->worker = worker;
	w->store = store;
	w->patience_ms = INT64_MAX;
	w->ask = rop_timer_new(loop, ask_for_pauses, w);
	w->again = rop_timer_new(loop, time_to_try_again, w);
	rop_store_wait_at_most(store, TRY_MS);
	return w;
}

void rop_writer_free(struct rop_writer *w)
{
	if (!w)
		return;
	rop_write_close(&w->asking);
	for (size_t i = 0; i < w->turn.n; i++)
		if (w->turn.of[i])
			mistake("freed while a request is open");
	if (w->first)
		mistake("freed while a request waits");
	rop_worker_free(w->worker);
	rop_timer_free(w->ask);
	rop_timer_free(w->again);
	rop_arena_free(w->turn.arena);
	rop_arena_free(w->pauses_arena);
	free(w);
}
