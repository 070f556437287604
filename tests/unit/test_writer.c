/* test_writer.c - the thread beside the loop, and the database behind it: order, groups, forgetting, the end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rop/writer.h"

/* ---- the worker -------------------------------------------------------------------------------------------- */

struct jobs {
	struct rop_loop *loop;
	struct rop_worker *worker;
	int worked[64], told[64];
	size_t n_worked, n_told;
};

struct job { struct jobs *jobs; int number, more; };

static void work(void *arg)
{
	struct job *job = arg;
	usleep(200);
	job->jobs->worked[job->jobs->n_worked++] = job->number;
}

static void done(void *arg)
{
	struct job *job = arg;
	struct jobs *jobs = job->jobs;
	jobs->told[jobs->n_told++] = job->number;
	if (job->more-- > 0)
		rop_worker_do(jobs->worker, work, done, job);
}

static struct jobs open_jobs(void)
{
	struct rop_err err = { 0 };
	struct jobs jobs = { .loop = rop_loop_new(&err) };
	jobs.worker = rop_worker_new(jobs.loop, &err);
	cr_assert(jobs.worker, "%s", err.text);
	return jobs;
}

Test(worker, jobs_are_done_in_order_and_told_on_the_loop)
{
	struct jobs jobs = open_jobs();
	struct job list[20];
	for (int i = 0; i < 20; i++) {
		list[i] = (struct job){ &jobs, i, 0 };
		rop_worker_do(jobs.worker, work, done, &list[i]);
	}
	cr_assert_eq(jobs.n_told, 0, "never from inside the call");
	rop_loop_run(jobs.loop); /* ends by itself: nothing is out any more */
	cr_assert_eq(jobs.n_told, 20);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(jobs.worked[i], i);
		cr_assert_eq(jobs.told[i], i);
	}
	rop_worker_free(jobs.worker);
	rop_loop_free(jobs.loop);
}

Test(worker, one_that_is_told_may_give_the_next)
{
	struct jobs jobs = open_jobs();
	struct job job = { &jobs, 7, 5 };
	rop_worker_do(jobs.worker, work, done, &job);
	rop_loop_run(jobs.loop);
	cr_assert_eq(jobs.n_told, 6);
	rop_worker_free(jobs.worker);
	rop_loop_free(jobs.loop);
}

Test(worker, waiting_waits_for_all_and_freeing_tells_nobody)
{
	struct jobs jobs = open_jobs();
	struct job list[10];
	for (int i = 0; i < 10; i++) {
		list[i] = (struct job){ &jobs, i, 0 };
		rop_worker_do(jobs.worker, work, done, &list[i]);
	}
	rop_worker_wait(jobs.worker);
	cr_assert_eq(jobs.n_worked, 10);
	rop_worker_free(jobs.worker);
	rop_loop_free(jobs.loop);
	cr_assert_eq(jobs.n_told, 0);
}

/* ---- the writer -------------------------------------------------------------------------------------------- */

struct book {
	char folder[64], path[96];
	struct rop_loop *loop;
	struct rop_store *store;
	struct rop_writer *writer;
	struct rop_arena *arena;
	int told, written, outdated, refused, failed;
	size_t pauses;
	int pauses_told;
};

static struct book open_book(void)
{
	struct rop_err err = { 0 };
	struct book b = { .folder = "/tmp/rop-writer-XXXXXX", .arena = rop_arena_new() };
	cr_assert(mkdtemp(b.folder));
	snprintf(b.path, sizeof b.path, "%s/state.db", b.folder);
	cr_assert(rop_store_open(b.path, ROP_STORE_WRITE, &b.store, &err), "%s", err.text);
	b.loop = rop_loop_new(&err);
	b.writer = rop_writer_new(b.loop, b.store, &err);
	cr_assert(b.writer);
	return b;
}

static void close_book(struct book *b)
{
	char command[96];
	rop_writer_free(b->writer);
	rop_loop_free(b->loop);
	rop_store_close(b->store);
	rop_arena_free(b->arena);
	snprintf(command, sizeof command, "rm -rf %s", b->folder);
	cr_assert_eq(system(command), 0);
}

static struct rop_entry *entry(struct book *b, const char *state)
{
	struct rop_entry *e = rop_alloc(b->arena, sizeof *e);
	*e = (struct rop_entry){ .wall_ms = 1000, .boot_ms = 1000, .boot_id = "boot", .pid = 1, .state = state, .state_entered = true };
	struct rop_transition *t = rop_push(b->arena, &e->transitions);
	*t = (struct rop_transition){ .machine = "cluster", .digest = "d", .subject = "cluster", .from = "Observe", .to = state,
				      .row = "Observe#1", .why = "a test" };
	return e;
}

static void committed(void *arg, enum rop_commit result, const struct rop_err *err)
{
	struct book *b = arg;
	b->told++;
	b->written += !err && result == ROP_COMMIT_WRITTEN;
	b->outdated += !err && result == ROP_COMMIT_OUTDATED;
	b->refused += err && result == ROP_COMMIT_REFUSED;
	b->failed += err != NULL;
}

Test(writer, clusters_that_come_together_are_all_written)
{
	struct book b = open_book();
	char names[40][16];
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof names[i], "c%d", i);
		rop_writer_commit(b.writer, names[i], entry(&b, "Ready"), committed, &b);
	}
	cr_assert_eq(b.told, 0);
	rop_loop_run(b.loop);
	cr_assert_eq(b.written, 40);
	close_book(&b);
}

Test(writer, what_was_decided_on_an_old_view_of_the_journal_is_not_written)
{
	struct book b = open_book();
	struct rop_entry *first = entry(&b, "Configure"), *second = entry(&b, "Ready");
	rop_writer_commit(b.writer, "cart", first, committed, &b);
	rop_loop_run(b.loop);
	cr_assert(first->pass > 0);
	second->check_pass = true;
	second->after_pass = first->pass - 1;
	rop_writer_commit(b.writer, "cart", second, committed, &b);
	rop_loop_run(b.loop);
	cr_assert_eq(b.outdated, 1);
	second->after_pass = first->pass;
	rop_writer_commit(b.writer, "cart", second, committed, &b);
	rop_loop_run(b.loop);
	cr_assert_eq(b.written, 2);
	close_book(&b);
}

Test(writer, who_is_forgotten_is_not_called)
{
	struct book b = open_book(), other = { .arena = b.arena };
	rop_writer_commit(b.writer, "one", entry(&b, "Ready"), committed, &b);
	rop_writer_commit(b.writer, "two", entry(&b, "Ready"), committed, &other); /* waits for the next group */
	rop_writer_forget(b.writer, &other);
	rop_loop_run(b.loop);
	cr_assert_eq(b.told, 1);
	cr_assert_eq(other.told, 0);
	rop_writer_commit(b.writer, "three", entry(&b, "Ready"), committed, &other); /* under way */
	rop_writer_forget(b.writer, &other);
	rop_loop_run(b.loop);
	cr_assert_eq(other.told, 0);
	close_book(&b);
}

static void forget_the_other(void *arg, enum rop_commit result, const struct rop_err *err)
{
	struct book *other = arg;
	(void)result, (void)err;
	rop_writer_forget(other->writer, other);
}

Test(writer, one_that_is_told_may_have_another_of_its_group_forgotten)
{
	struct book b = open_book(), other = b;
	rop_writer_commit(b.writer, "zero", entry(&b, "Ready"), committed, &b);
	/* these two are one group; the first one's answer ends the second, as a daemon that stops does */
	struct book *ender = &other;
	rop_writer_commit(b.writer, "one", entry(&b, "Ready"), forget_the_other, ender);
	rop_writer_commit(b.writer, "two", entry(&b, "Ready"), committed, ender);
	rop_loop_run(b.loop);
	cr_assert_eq(b.told, 1);
	cr_assert_eq(other.told, 0);
	close_book(&b);
}

static void pauses_told(void *arg, const struct rop_pause *pauses, size_t n, const struct rop_err *err)
{
	struct book *b = arg;
	cr_assert(!err, "%s", err->text);
	b->pauses = n;
	if (n)
		cr_assert_str_eq(pauses[0].cluster, "cart");
	if (++b->pauses_told == 1) { /* as another process would: with a connection of its own */
		struct rop_store *second;
		struct rop_err failure = { 0 };
		cr_assert(rop_store_open(b->path, ROP_STORE_WRITE, &second, &failure), "%s", failure.text);
		cr_assert(rop_store_pause(second, "cart", 0, "a test", 1000, &failure), "%s", failure.text);
		rop_store_close(second);
	} else {
		rop_loop_stop(b->loop);
	}
}

Test(writer, a_pause_by_another_process_is_heard_of, .timeout = 20)
{
	struct book b = open_book();
	rop_writer_watch_pauses(b.writer, pauses_told, &b);
	rop_loop_run(b.loop);
	cr_assert_eq(b.pauses_told, 2);
	cr_assert_eq(b.pauses, 1);
	close_book(&b);
}

Test(writer, freed_in_the_middle_it_writes_what_it_has_and_tells_nobody)
{
	struct book b = open_book();
	for (int i = 0; i < 5; i++)
		rop_writer_commit(b.writer, "cart", entry(&b, "Ready"), committed, &b);
	close_book(&b);
	cr_assert_eq(b.told, 0);
}
