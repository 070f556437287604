/* worker.c - one thread beside the loop: jobs in, results back on the loop.
 *
 * The thread takes jobs from `given` and puts them on `over`; the async handle wakes the loop, which calls their
 * `done`. Only the two lists are shared, under one mutex; while jobs are out the handle keeps the loop running.
 */
#include <stdlib.h>

#include "loop.h"

struct job {
	struct job *next;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct jobs {
	struct job *first, *last;
};

struct rop_worker {
	uv_async_t woken; /* first: what the close callback frees */
	uv_thread_t thread;
	uv_mutex_t mutex;
	uv_cond_t news; /* a job was given, one is over, or the end has come */
	struct jobs given, over;
	size_t out; /* jobs given whose done was not called yet; the loop's own */
	bool busy, ending;
};

static void append(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	if (jobs->last)
		jobs->last->next = job;
	else
		jobs->first = job;
	jobs->last = job;
}

static struct job *take_first(struct jobs *jobs)
{
	struct job *job = jobs->first;
	jobs->first = job->next;
	if (!jobs->first)
		jobs->last = NULL;
	return job;
}

static void run(void *arg)
{
	struct rop_worker *worker = arg;
	uv_mutex_lock(&worker->mutex);
	for (;;) {
		while (!worker->given.first && !worker->ending)
			uv_cond_wait(&worker->news, &worker->mutex);
		if (!worker->given.first)
			break;
		struct job *job = take_first(&worker->given);
		worker->busy = true;
		uv_mutex_unlock(&worker->mutex);
		job->work(job->arg);
		uv_mutex_lock(&worker->mutex);
		worker->busy = false;
		append(&worker->over, job);
		uv_cond_broadcast(&worker->news);
		uv_async_send(&worker->woken);
	}
	uv_mutex_unlock(&worker->mutex);
}

/* The callee may give new jobs, and may free the worker only from elsewhere. */
static void tell(uv_async_t *handle)
{
	struct rop_worker *worker = (struct rop_worker *)handle;
	uv_mutex_lock(&worker->mutex);
	struct jobs over = worker->over;
	worker->over = (struct jobs){ 0 };
	uv_mutex_unlock(&worker->mutex);
	while (over.first) {
		struct job *job = take_first(&over);
		if (--worker->out == 0)
			uv_unref((uv_handle_t *)&worker->woken);
		job->done(job->arg);
		free(job);
	}
}

struct rop_worker *rop_worker_new(struct rop_loop *loop, struct rop_err *err)
{
	struct rop_worker *worker = rop_malloc(sizeof *worker);
	uv_async_init(&loop->uv, &worker->woken, tell);
	uv_unref((uv_handle_t *)&worker->woken);
	uv_mutex_init(&worker->mutex);
	uv_cond_init(&worker->news);
	int error = uv_thread_create(&worker->thread, run, worker);
	if (!error)
		return worker;
	uv_cond_destroy(&worker->news);
	uv_mutex_destroy(&worker->mutex);
	loop_close_handle((uv_handle_t *)&worker->woken);
	rop_fail(err, ROP_FAIL, "no thread can be started: %s", uv_strerror(error));
	return NULL;
}

void rop_worker_do(struct rop_worker *worker, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct job *job = rop_malloc(sizeof *job);
	*job = (struct job){ .work = work, .done = done, .arg = arg };
	if (worker->out++ == 0)
		uv_ref((uv_handle_t *)&worker->woken);
	uv_mutex_lock(&worker->mutex);
	append(&worker->given, job);
	uv_cond_broadcast(&worker->news);
	uv_mutex_unlock(&worker->mutex);
}

void rop_worker_wait(struct rop_worker *worker)
{
	uv_mutex_lock(&worker->mutex);
	while (worker->given.first || worker->busy)
		uv_cond_wait(&worker->news, &worker->mutex);
	uv_mutex_unlock(&worker->mutex);
}

void rop_worker_free(struct rop_worker *worker)
{
	if (!worker)
		return;
	uv_mutex_lock(&worker->mutex);
	worker->ending = true;
	uv_cond_broadcast(&worker->news);
	uv_mutex_unlock(&worker->mutex);
	uv_thread_join(&worker->thread);
	while (worker->over.first)
		free(take_first(&worker->over));
	uv_cond_destroy(&worker->news);
	uv_mutex_destroy(&worker->mutex);
	loop_close_handle((uv_handle_t *)&worker->woken);
}
