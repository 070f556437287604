/* test_writer.c - the thread beside the loop, and the database behind it: order, groups, a database in use, the end. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
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

struct job {
	struct jobs *jobs;
	int number, more;
};

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
	sqlite3 *reader; /* another process's, as far as locks go */
	struct rop_timer *timer;
	int waited, freed; /* tries that found the database in use; times that it was free again */
	size_t pauses;
	int pauses_told;
};

/* Somebody who asks the writer: on the heap, so that whatever is touched after it was freed is found. */
struct asker {
	struct rop_write write;
	struct book *book;
	struct rop_entry *entry;
	struct asker *victim; /* freed when this one is told */
	int told, written, outdated, failed, worked;
	int *told_elsewhere;
	char text[200];
};

static void open_book(struct book *b)
{
	struct rop_err err = { 0 };
	*b = (struct book){ .folder = "/tmp/rop-writer-XXXXXX", .arena = rop_arena_new() };
	cr_assert(mkdtemp(b->folder));
	snprintf(b->path, sizeof b->path, "%s/state.db", b->folder);
	cr_assert(rop_store_open(b->path, ROP_STORE_WRITE, &b->store, &err), "%s", err.text);
	b->loop = rop_loop_new(&err);
	b->writer = rop_writer_new(b->loop, b->store, &err);
	cr_assert(b->writer);
}

static void close_book(struct book *b)
{
	char command[96];
	rop_writer_free(b->writer);
	rop_timer_free(b->timer);
	rop_loop_free(b->loop);
	rop_store_close(b->store);
	sqlite3_close(b->reader);
	rop_arena_free(b->arena);
	snprintf(command, sizeof command, "rm -rf %s", b->folder);
	cr_assert_eq(system(command), 0);
}

static int64_t count(struct book *b, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	cr_assert_eq(sqlite3_open(b->path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static struct rop_entry *entry(struct book *b, const char *state)
{
	struct rop_entry *e = rop_alloc(b->arena, sizeof *e);
	*e = (struct rop_entry){
		.wall_ms = 1000, .boot_ms = 1000, .boot_id = "boot", .pid = 1, .state = state, .state_entered = true
	};
	struct rop_transition *t = rop_push(b->arena, &e->transitions);
	*t = (struct rop_transition){ .machine = "cluster",
				      .digest = "d",
				      .subject = "cluster",
				      .from = "Observe",
				      .to = state,
				      .row = "Observe#1",
				      .why = "a test" };
	return e;
}

static struct asker *asker(struct book *b)
{
	struct asker *a = rop_malloc(sizeof *a);
	a->book = b;
	a->entry = entry(b, "Ready");
	return a;
}

static void asker_free(struct asker *a)
{
	rop_write_close(&a->write);
	free(a);
}

static void committed(struct rop_write *write, enum rop_commit result, const struct rop_err *err)
{
	struct asker *a = ROP_OWNER(write, struct asker, write);
	cr_assert_not(rop_write_is_open(write));
	a->told++;
	a->written += !err && result == ROP_COMMIT_WRITTEN;
	a->outdated += !err && result == ROP_COMMIT_OUTDATED;
	a->failed += err != NULL;
	if (err)
		snprintf(a->text, sizeof a->text, "%.199s", err->text);
	if (a->told_elsewhere)
		++*a->told_elsewhere;
	if (a->victim)
		asker_free(a->victim);
	a->victim = NULL;
}

static void commit(struct asker *a, const char *cluster)
{
	rop_writer_commit(a->book->writer, &a->write, cluster, a->entry, committed);
}

static bool take_long(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct asker *a = ROP_OWNER(write, struct asker, write);
	(void)store, (void)err;
	for (int i = 0; i < 50; i++) {
		usleep(1000);
		__atomic_fetch_add(&a->worked, 1, __ATOMIC_RELAXED);
	}
	return true;
}

static void told(struct rop_write *write, const struct rop_err *err)
{
	committed(write, ROP_COMMIT_WRITTEN, err);
}

Test(writer, clusters_that_come_together_are_all_written)
{
	struct book b;
	struct asker *list[40];
	char names[40][16];
	open_book(&b);
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof names[i], "c%d", i);
		list[i] = asker(&b);
		commit(list[i], names[i]);
		cr_assert_eq(list[i]->told, 0);
	}
	rop_loop_run(b.loop);
	for (int i = 0; i < 40; i++) {
		cr_assert(list[i]->told == 1 && list[i]->written == 1);
		asker_free(list[i]);
	}
	cr_assert_eq(count(&b, "SELECT count(*) FROM pass"), 40);
	close_book(&b);
}

Test(writer, what_was_decided_on_an_old_view_of_the_journal_is_not_written)
{
	struct book b;
	open_book(&b);
	struct asker *a = asker(&b);
	commit(a, "cart");
	rop_loop_run(b.loop);
	int64_t pass = a->entry->pass;
	cr_assert(pass > 0);
	a->entry->check_pass = true;
	a->entry->after_pass = pass - 1;
	commit(a, "cart");
	rop_loop_run(b.loop);
	cr_assert_eq(a->outdated, 1);
	a->entry->after_pass = pass;
	commit(a, "cart");
	rop_loop_run(b.loop);
	cr_assert_eq(a->written, 2);
	asker_free(a);
	close_book(&b);
}

Test(writer, who_has_closed_is_not_called_and_may_go)
{
	struct book b;
	int others = 0;
	open_book(&b);
	struct asker *one = asker(&b), *waits = asker(&b), *under_way = asker(&b);
	waits->told_elsewhere = under_way->told_elsewhere = &others;
	commit(one, "one");
	commit(waits, "two"); /* for the next group */
	asker_free(waits);
	rop_loop_run(b.loop);
	cr_assert_eq(one->told, 1);
	commit(under_way, "three");
	asker_free(under_way);
	rop_loop_run(b.loop);
	cr_assert_eq(others, 0);
	cr_assert_eq(count(&b, "SELECT count(*) FROM cluster WHERE name = 'two'"), 0, "what only waited is dropped");
	asker_free(one);
	close_book(&b);
}

Test(writer, what_others_wait_for_is_still_written_and_told)
{
	struct book b;
	open_book(&b);
	struct asker *first = asker(&b), *a = asker(&b), *other = asker(&b), *call = asker(&b), *last = asker(&b);
	commit(first, "first"); /* under way, so that the others wait */
	commit(other, "other");
	commit(a, "a");
	rop_writer_call(b.writer, &call->write, take_long, told);
	commit(last, "last");
	asker_free(a);
	rop_loop_run(b.loop);
	cr_assert(first->written == 1 && other->written == 1 && last->written == 1);
	cr_assert(call->told == 1 && call->worked == 50);
	cr_assert_eq(count(&b, "SELECT count(*) FROM cluster WHERE name IN ('first', 'other', 'last')"), 3);
	commit(other, "other"); /* the queue is whole: its end, too */
	commit(last, "last");
	asker_free(last);
	commit(first, "first");
	rop_loop_run(b.loop);
	cr_assert(other->written == 2 && first->written == 2);
	asker_free(first);
	asker_free(other);
	asker_free(call);
	close_book(&b);
}

Test(writer, closing_waits_for_work_that_has_begun)
{
	struct book b;
	int others = 0;
	open_book(&b);
	for (int i = 0; i < 5; i++) {
		struct asker *a = asker(&b), *queued = asker(&b);
		a->told_elsewhere = queued->told_elsewhere = &others;
		rop_writer_call(b.writer, &a->write, take_long, told);
		rop_writer_call(b.writer, &queued->write, take_long, told);
		while (!__atomic_load_n(&a->worked, __ATOMIC_RELAXED)) /* until the thread is at it */
			usleep(100);
		rop_write_close(&a->write);
		cr_assert_eq(a->worked, 50, "it was at it, and was waited for");
		asker_free(a);
		asker_free(queued);
		rop_loop_run(b.loop); /* the turn ends here; then the next one begins */
	}
	cr_assert_eq(others, 0);
	close_book(&b);
}

Test(writer, one_that_is_told_may_end_another_of_its_group)
{
	struct book b;
	int others = 0;
	open_book(&b);
	struct asker *zero = asker(&b), *ender = asker(&b), *victim = asker(&b);
	victim->told_elsewhere = &others;
	ender->victim = victim;
	commit(zero, "zero");
	commit(ender, "one"); /* these two are one group */
	commit(victim, "two");
	rop_loop_run(b.loop);
	cr_assert(zero->told == 1 && ender->told == 1);
	cr_assert_eq(others, 0);
	asker_free(zero);
	asker_free(ender);
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
		cr_assert(rop_store_pause(second, "cart", 0, "a test", NULL, 1000, &failure), "%s", failure.text);
		rop_store_close(second);
	} else {
		rop_loop_stop(b->loop);
	}
}

Test(writer, a_pause_by_another_process_is_heard_of, .timeout = 20)
{
	struct book b;
	open_book(&b);
	rop_writer_watch_pauses(b.writer, pauses_told, &b);
	rop_loop_run(b.loop);
	cr_assert_eq(b.pauses_told, 2);
	cr_assert_eq(b.pauses, 1);
	close_book(&b);
}

Test(writer, freed_while_a_request_is_open_it_ends_the_process, .signal = SIGABRT)
{
	struct book b;
	open_book(&b);
	cr_assert(freopen("/dev/null", "w", stderr)); /* its last words are for people */
	struct asker *a = asker(&b);
	commit(a, "cart");
	rop_writer_free(b.writer);
}

/* ---- a database that another process uses ------------------------------------------------------------------- */

static void keep_from(struct book *b, const char *begin)
{
	cr_assert_eq(sqlite3_open(b->path, &b->reader), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(b->reader, begin, NULL, NULL, NULL), SQLITE_OK);
}

static void let_go(void *arg)
{
	struct book *b = arg;
	cr_assert_eq(sqlite3_exec(b->reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

static void waiting(void *arg, const struct rop_err *why)
{
	struct book *b = arg;
	if (!why) {
		b->freed++;
		return;
	}
	cr_assert(strstr(why->text, "in use by another process"), "%s", why->text);
	cr_assert(strstr(why->text, "fuser "), "it says what to do: %s", why->text);
	if (++b->waited == 2)
		rop_timer_start(b->timer, 0);
}

/* Kept, tried again, written in the end, each once; also what was asked meanwhile. */
static void check_waits(const char *begin)
{
	struct book b;
	open_book(&b);
	struct asker *one = asker(&b), *two = asker(&b), *gone = asker(&b);
	b.timer = rop_timer_new(b.loop, let_go, &b);
	rop_writer_watch_waiting(b.writer, waiting, &b);
	keep_from(&b, begin);
	commit(one, "one");
	commit(gone, "gone");
	commit(two, "two");
	asker_free(gone);
	rop_loop_run(b.loop);
	cr_assert_geq(b.waited, 2);
	cr_assert_eq(b.freed, 1);
	cr_assert(one->told == 1 && one->written == 1 && two->told == 1 && two->written == 1, "%s", one->text);
	cr_assert_eq(count(&b, "SELECT count(*) FROM pass"), 2);
	asker_free(one);
	asker_free(two);
	close_book(&b);
}

Test(writer, a_reader_of_the_database_is_waited_for, .timeout = 30)
{
	check_waits("BEGIN; SELECT * FROM pass");
}

Test(writer, so_is_one_that_writes, .timeout = 30)
{
	check_waits("BEGIN IMMEDIATE");
}

Test(writer, and_one_that_has_it_alone, .timeout = 30)
{
	check_waits("BEGIN EXCLUSIVE");
}

static bool forget_all(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	bool more;
	ROP_OWNER(write, struct asker, write)->worked++;
	return rop_store_forget_before(store, 0, 1, &more, err);
}

Test(writer, a_call_is_done_again_until_it_works, .timeout = 30)
{
	struct book b;
	open_book(&b);
	struct asker *a = asker(&b);
	b.timer = rop_timer_new(b.loop, let_go, &b);
	rop_writer_watch_waiting(b.writer, waiting, &b);
	keep_from(&b, "BEGIN EXCLUSIVE");
	rop_writer_call(b.writer, &a->write, forget_all, told);
	rop_loop_run(b.loop);
	cr_assert(a->told == 1 && a->written == 1 && a->worked >= 3, "%s", a->text);
	asker_free(a);
	close_book(&b);
}

static void write_pause(void *arg)
{
	struct book *b = arg;
	cr_assert_eq(sqlite3_exec(b->reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

static void told_of_pause(void *arg, const struct rop_pause *pauses, size_t n, const struct rop_err *err)
{
	struct book *b = arg;
	(void)pauses;
	cr_assert(!err, "%s", err->text);
	b->pauses_told++;
	if (b->pauses_told == 1)
		keep_from(b, "BEGIN EXCLUSIVE; INSERT INTO cluster (name) VALUES ('cart'); UPDATE cluster SET paused = "
			     "1 WHERE name = 'cart'");
	if (n)
		rop_loop_stop(b->loop);
}

Test(writer, a_pause_that_had_to_be_waited_for_is_heard_of, .timeout = 30)
{
	struct book b;
	open_book(&b);
	b.timer = rop_timer_new(b.loop, write_pause, &b);
	rop_writer_watch_waiting(b.writer, waiting, &b);
	rop_writer_watch_pauses(b.writer, told_of_pause, &b);
	rop_loop_run(b.loop);
	cr_assert_eq(b.pauses_told, 2);
	close_book(&b);
}

Test(writer, patience_ends, .timeout = 30)
{
	struct book b;
	open_book(&b);
	struct asker *one = asker(&b), *two = asker(&b);
	rop_writer_patience(b.writer, 100);
	keep_from(&b, "BEGIN; SELECT * FROM pass");
	commit(one, "one");
	commit(two, "two");
	rop_loop_run(b.loop);
	cr_assert(one->failed == 1 && two->failed == 1);
	cr_assert(strstr(one->text, "in use by another process"), "%s", one->text);
	let_go(&b);
	commit(one, "one"); /* nothing is broken */
	rop_loop_run(b.loop);
	cr_assert_eq(one->written, 1);
	cr_assert_eq(count(&b, "SELECT count(*) FROM pass"), 1);
	asker_free(one);
	asker_free(two);
	close_book(&b);
}

/* A try itself waits for the lock for a second. */
Test(writer, a_patience_of_a_second_is_one_try, .timeout = 30)
{
	struct book b;
	open_book(&b);
	struct asker *a = asker(&b);
	b.timer = rop_timer_new(b.loop, let_go, &b);
	rop_writer_watch_waiting(b.writer, waiting, &b);
	rop_writer_patience(b.writer, 1000);
	keep_from(&b, "BEGIN EXCLUSIVE");
	commit(a, "a");
	rop_loop_run(b.loop);
	cr_assert(a->failed == 1 && b.waited == 0, "%d", b.waited);
	let_go(&b);
	asker_free(a);
	close_book(&b);
}

/* It was free in between: who has it the second time is waited for as long as the first. */
Test(writer, patience_begins_anew_when_the_database_is_in_use_again, .timeout = 30)
{
	struct book b;
	open_book(&b);
	struct asker *one = asker(&b), *two = asker(&b);
	b.timer = rop_timer_new(b.loop, let_go, &b);
	rop_writer_watch_waiting(b.writer, waiting, &b);
	rop_writer_patience(b.writer, 20000);
	for (int i = 1; i <= 2; i++) {
		b.waited = 0;
		keep_from(&b, "BEGIN EXCLUSIVE");
		commit(i == 1 ? one : two, i == 1 ? "one" : "two");
		rop_loop_run(b.loop);
		cr_assert_eq(b.freed, i, "%s%s", one->text, two->text);
		sqlite3_close(b.reader);
	}
	b.reader = NULL;
	cr_assert(one->written == 1 && two->written == 1, "%s%s", one->text, two->text);
	asker_free(one);
	asker_free(two);
	close_book(&b);
}

Test(writer, who_waits_for_another_process_may_close_at_any_time, .timeout = 30)
{
	struct book b;
	open_book(&b);
	keep_from(&b, "BEGIN; SELECT * FROM pass");
	struct asker *a = asker(&b);
	b.timer = rop_timer_new(b.loop, let_go, &b);
	rop_writer_watch_waiting(b.writer, waiting, &b);
	commit(a, "a");
	for (int i = 0; i < 10; i++) { /* begun, between two tries, or not begun */
		struct asker *other = asker(&b);
		if (i % 2)
			commit(other, "other");
		else
			rop_writer_call(b.writer, &other->write, forget_all, told);
		usleep((unsigned)i * 10000);
		asker_free(other);
	}
	asker_free(a);
	let_go(&b);
	rop_loop_run(b.loop);
	close_book(&b);
}
