/* writer.c - commits grouped and off the loop's thread; whatever else the store is asked, in order with them. */
#include "rop/writer.h"

#include <stdlib.h>

#include "rop/mem.h"

#define PAUSES_EVERY_MS 250

struct waiting { /* for its turn, or for the transaction under way */
	struct waiting *next;
	const char *cluster;
	struct rop_entry *entry;
	rop_committed done; /* NULL: nobody wants to know any more */
	void *arg;
};

struct call {
	struct call *next; /* of the writer's list, so that it can be forgotten */
	struct rop_writer *writer;
	rop_store_work work;
	rop_store_done done;
	void *arg;
	bool worked;
	struct rop_err err;
};

struct rop_writer {
	struct rop_worker *worker;
	struct rop_store *store;
	struct waiting *waiting;       /* newest first; becomes the next group */
	/* the group under way: the thread's from the start of the transaction to its end */
	struct rop_arena *group_arena; /* NULL: none under way */
	struct waiting **group;
	struct rop_commit_request *requests;
	size_t n;
	bool group_worked;
	struct rop_err group_err;
	struct waiting **telling;      /* of the last group: those being told of it, who may forget each other */
	size_t n_telling;
	struct call *calls;
	/* pauses */
	rop_pauses_told told;
	void *told_arg;
	struct rop_timer *ask;
	struct rop_arena *pauses_arena;
	struct rop_pause *pauses;
	size_t n_pauses;
	bool pauses_changed, told_once;
};

/* ---- commits ----------------------------------------------------------------------------------------------- */

static void write_group(void *arg)
{
	struct rop_writer *w = arg;
	w->group_worked = rop_store_commit_group(w->store, w->requests, w->n, &w->group_err);
}

static void begin_group(struct rop_writer *w);

static void group_written(void *arg)
{
	struct rop_writer *w = arg;
	struct rop_arena *arena = w->group_arena;
	struct waiting **group = w->group;
	struct rop_commit_request *requests = w->requests;
	size_t n = w->n;
	bool worked = w->group_worked;
	struct rop_err failure = w->group_err;
	w->group_arena = NULL;
	begin_group(w);
	w->telling = group;
	w->n_telling = n;
	for (size_t i = 0; i < n; i++) {
		const struct rop_err *err = !worked ? &failure : requests[i].result == ROP_COMMIT_REFUSED ? &requests[i].err : NULL;
		if (group[i]->done)
			group[i]->done(group[i]->arg, requests[i].result, err);
	}
	w->telling = NULL;
	for (size_t i = 0; i < n; i++)
		free(group[i]);
	rop_arena_free(arena);
}

static void begin_group(struct rop_writer *w)
{
	if (w->group_arena || !w->waiting)
		return;
	size_t n = 0;
	for (struct waiting *i = w->waiting; i; i = i->next)
		n++;
	w->group_arena = rop_arena_new();
	w->group = rop_alloc_n(w->group_arena, n, sizeof(struct waiting *));
	w->requests = rop_alloc_n(w->group_arena, n, sizeof *w->requests);
	w->n = n;
	w->group_err = (struct rop_err){ 0 };
	for (struct waiting *i = w->waiting; i; i = i->next) {
		n--;
		w->group[n] = i; /* in the order they came */
		w->requests[n].cluster = i->cluster;
		w->requests[n].entry = i->entry;
	}
	w->waiting = NULL;
	rop_worker_do(w->worker, write_group, group_written, w);
}

void rop_writer_commit(struct rop_writer *w, const char *cluster, struct rop_entry *entry, rop_committed done, void *arg)
{
	struct waiting *waiting = rop_malloc(sizeof *waiting);
	*waiting = (struct waiting){ .next = w->waiting, .cluster = cluster, .entry = entry, .done = done, .arg = arg };
	w->waiting = waiting;
	begin_group(w);
}

/* ---- anything else ----------------------------------------------------------------------------------------- */

static void work_call(void *arg)
{
	struct call *call = arg;
	call->worked = call->work(call->writer->store, call->arg, &call->err);
}

static void unlink_call(struct call *call)
{
	struct call **at = &call->writer->calls;
	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
}

static void call_over(void *arg)
{
	struct call *call = arg;
	unlink_call(call);
	if (call->done)
		call->done(call->arg, call->worked ? NULL : &call->err);
	free(call);
}

void rop_writer_call(struct rop_writer *w, rop_store_work work, rop_store_done done, void *arg)
{
	struct call *call = rop_malloc(sizeof *call);
	*call = (struct call){ .next = w->calls, .writer = w, .work = work, .done = done, .arg = arg };
	w->calls = call;
	rop_worker_do(w->worker, work_call, call_over, call);
}

/* ---- pauses ------------------------------------------------------------------------------------------------ */

static bool read_pauses(struct rop_store *store, void *arg, struct rop_err *err)
{
	struct rop_writer *w = arg;
	w->pauses_changed = false;
	if (!rop_store_changed(store, &w->pauses_changed, err))
		return false;
	if (!w->pauses_changed && w->told_once)
		return true;
	w->pauses_changed = true;
	w->pauses_arena = rop_arena_new();
	return rop_store_pauses(store, w->pauses_arena, &w->pauses, &w->n_pauses, err);
}

static void pauses_read(void *arg, const struct rop_err *err)
{
	struct rop_writer *w = arg;
	struct rop_arena *arena = w->pauses_arena;
	w->pauses_arena = NULL;
	if (err)
		w->told(w->told_arg, NULL, 0, err);
	else if (w->pauses_changed)
		w->told(w->told_arg, w->pauses, w->n_pauses, NULL);
	rop_arena_free(arena);
	w->told_once = true;
	if (!err)
		rop_timer_start(w->ask, PAUSES_EVERY_MS);
}

static void ask_for_pauses(void *arg)
{
	struct rop_writer *w = arg;
	rop_writer_call(w, read_pauses, pauses_read, w);
}

void rop_writer_watch_pauses(struct rop_writer *w, rop_pauses_told told, void *arg)
{
	w->told = told;
	w->told_arg = arg;
	ask_for_pauses(w);
}

/* ---- made, left and freed ---------------------------------------------------------------------------------- */

struct rop_writer *rop_writer_new(struct rop_loop *loop, struct rop_store *store, struct rop_err *err)
{
	struct rop_worker *worker = rop_worker_new(loop, err);
	if (!worker)
		return NULL;
	struct rop_writer *w = rop_malloc(sizeof *w);
	w->worker = worker;
	w->store = store;
	w->ask = rop_timer_new(loop, ask_for_pauses, w);
	return w;
}

void rop_writer_forget(struct rop_writer *w, const void *arg)
{
	for (struct waiting **at = &w->waiting; *at;) {
		struct waiting *i = *at;
		if (i->arg != arg) {
			at = &i->next;
			continue;
		}
		*at = i->next;
		free(i);
	}
	bool under_way = false;
	for (size_t i = 0; w->group_arena && i < w->n; i++)
		if (w->group[i]->arg == arg) {
			w->group[i]->done = NULL;
			under_way = true;
		}
	for (size_t i = 0; w->telling && i < w->n_telling; i++)
		if (w->telling[i]->arg == arg)
			w->telling[i]->done = NULL;
	for (struct call *call = w->calls; call; call = call->next)
		if (call->arg == arg) {
			call->done = NULL;
			under_way = true;
		}
	if (under_way)
		rop_worker_wait(w->worker);
}

void rop_writer_free(struct rop_writer *w)
{
	if (!w)
		return;
	rop_worker_free(w->worker);
	rop_timer_free(w->ask);
	while (w->waiting) {
		struct waiting *next = w->waiting->next;
		free(w->waiting);
		w->waiting = next;
	}
	for (size_t i = 0; w->group_arena && i < w->n; i++)
		free(w->group[i]);
	rop_arena_free(w->group_arena);
	while (w->calls) {
		struct call *next = w->calls->next;
		free(w->calls);
		w->calls = next;
	}
	rop_arena_free(w->pauses_arena);
	free(w);
}
