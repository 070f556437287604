/* test_oom.c - memory that runs out at the first, second, ... nth allocation: the sentence, exit 70, nothing half
 * written.
 *
 * The program is linked so that calloc and realloc come by here first (--wrap). Each failure happens in a process of
 * its own, as it would in life: out of memory ends the process.
 */
#include <criterion/criterion.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hand.h"
#include "store_fixture.h"

void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static long until_failure; /* 0: none */

static bool fails_now(void)
{
	return until_failure && --until_failure == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

/* How a child ended that did the work with its nth allocation failing, and what it said on stderr. */
static int end_of(void (*work)(void), long nth, char *said, size_t size)
{
	int ends[2], status;
	size_t n = 0;
	cr_assert_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		until_failure = nth;
		work();
		_exit(0);
	}
	close(ends[1]);
	for (ssize_t got; n < size - 1 && (got = read(ends[0], said + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	said[n] = '\0';
	close(ends[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "allocation %ld: ended by signal %d: %s", nth, WTERMSIG(status), said);
	return WEXITSTATUS(status);
}

/* Fails more and more distant allocations until the work has fewer. Returns how many failures were tried. */
static int fail_each(void (*work)(void), void (*check)(long nth))
{
	char said[400];
	int tried = 0, code;
	for (long nth = 1; (code = end_of(work, nth, said, sizeof said)) != 0; nth += 1 + nth / 8, tried++) {
		cr_assert_eq(code, 70, "allocation %ld: exit %d: %s", nth, code, said);
		size_t wanted;
		cr_assert_eq(sscanf(said, "redis-operator: out of memory (%zu bytes wanted)", &wanted), 1, "%s", said);
		if (check)
			check(nth);
	}
	return tried;
}

/* ---- planning ---------------------------------------------------------------------------------------------------- */

static void plan(void)
{
	struct rop_plan plan;
	struct rop_arena *own = rop_arena_new();
	rop_plan_make(own, &op->options, op->world, op->clock, &plan);
	rop_arena_free(own);
	if (!plan.result.reached)
		_exit(1);
}

Test(oom, a_plan_that_runs_out_of_memory_says_so, .init = world_setup, .fini = hand_teardown)
{
	start_fresh();
	cr_assert_gt(fail_each(plan, NULL), 20);
}

/* ---- the store --------------------------------------------------------------------------------------------------- */

static void write_an_entry(void)
{
	struct rop_store *store;
	struct rop_err failed;
	bool paused;
	if (!rop_store_open(db_path, ROP_STORE_WRITE, &store, &failed))
		_exit(1);
	struct rop_entry entry = entry_at(1000);
	entry.state = "Configure";
	entry.state_entered = true;
	add_expect(&entry, expect_slots(0, 99));
	add_expect(&entry, expect_slots(100, 199));
	if (!rop_store_commit(store, "cart", &entry, &paused, &failed))
		_exit(1);
	rop_store_close(store);
}

static void is_all_or_nothing(long nth)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.pending.n == 0 || image.pending.n == 2, "allocation %ld: %zu rows", nth, image.pending.n);
	cr_assert_eq(image.known, image.pending.n == 2);
	rop_store_close(store);
	cr_assert(integrity_ok(db_path));
	unlink(db_path);
}

Test(oom, an_entry_is_written_whole_or_not_at_all, .init = store_setup, .fini = store_teardown)
{
	cr_assert_gt(fail_each(write_an_entry, is_all_or_nothing), 1);
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	cr_assert_eq(image_of(store, "cart").pending.n, 2);
	rop_store_close(store);
}

/* ---- the handler --------------------------------------------------------------------------------------------------
 */

static jmp_buf out;
static size_t asked_for;

static void jump(size_t size)
{
	asked_for = size;
	longjmp(out, 1);
}

static bool jumps_out(void (*allocate)(void), long nth)
{
	rop_set_oom_handler(jump);
	until_failure = nth;
	if (setjmp(out) == 0) {
		allocate();
		return false;
	}
	return true;
}

static void ask_for_77(void)
{
	free(rop_malloc(77));
}

static void ask_for_more(void)
{
	free(rop_realloc(NULL, 99));
}

static void ask_for_too_many(void)
{
	struct rop_arena *own = rop_arena_new();
	rop_alloc_n(own, SIZE_MAX / 4, 8);
}

static void test_handler(void)
{
	bool ok = jumps_out(ask_for_77, 1) && asked_for == 77 && jumps_out(ask_for_more, 1) && asked_for == 99 &&
		  !jumps_out(ask_for_77, 2) && jumps_out(ask_for_too_many, 0) && asked_for == SIZE_MAX;
	rop_set_oom_handler(NULL);
	if (!ok)
		_exit(1);
	until_failure = 1;
	rop_malloc(5); /* the default again */
}

Test(oom, a_handler_is_told_how_much_was_wanted_and_the_default_comes_back)
{
	char said[200];
	cr_assert_eq(end_of(test_handler, 0, said, sizeof said), 70);
	cr_assert_str_eq(said, "redis-operator: out of memory (5 bytes wanted)\n");
}
