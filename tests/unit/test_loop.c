/* test_loop.c - timers, descriptors, signals, names, clocks. */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rop/loop.h"

struct seen {
	struct rop_loop *loop;
	struct rop_timer *timer, *other;
	struct rop_watch *watch;
	char text[512];
	size_t n;
	int calls;
};

static void count_and_free(void *arg)
{
	struct seen *seen = arg;
	seen->calls++;
	rop_timer_free(seen->timer); /* from inside its own callback */
	seen->timer = NULL;
}

Test(loop, a_timer_fires_once_and_may_free_itself)
{
	struct seen seen = { .loop = rop_loop_new(NULL) };
	seen.timer = rop_timer_new(seen.loop, count_and_free, &seen);
	int64_t start = rop_boot_ms();
	rop_timer_start(seen.timer, 500);
	rop_timer_start(seen.timer, 30); /* starting again sets it anew */
	rop_loop_run(seen.loop);
	cr_assert_eq(seen.calls, 1);
	cr_assert_geq(rop_boot_ms() - start, 29);
	cr_assert_lt(rop_boot_ms() - start, 400);
	rop_loop_free(seen.loop);
}

static void compute_then_wait(void *arg)
{
	struct seen *seen = arg;
	if (seen->calls++ > 0)
		return;
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	seen->n = (size_t)rop_boot_ms();
	rop_timer_start(seen->timer, 60);
	rop_timer_start(seen->other, 1); /* makes the loop look at its clock */
}

static void nothing(void *arg)
{
	(void)arg;
}

Test(loop, a_timer_counts_from_when_it_is_started)
{
	struct seen seen = { .loop = rop_loop_new(NULL) };
	seen.timer = rop_timer_new(seen.loop, compute_then_wait, &seen);
	seen.other = rop_timer_new(seen.loop, nothing, NULL);
	rop_timer_start(seen.timer, 0);
	rop_loop_run(seen.loop);
	cr_assert_eq(seen.calls, 2);
	cr_assert_geq((size_t)rop_boot_ms() - seen.n, 59);
	rop_timer_free(seen.timer);
	rop_timer_free(seen.other);
	rop_loop_free(seen.loop);
}

Test(loop, freeing_the_loop_frees_what_was_left)
{
	struct seen seen = { .loop = rop_loop_new(NULL) };
	int pair[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	rop_timer_start(rop_timer_new(seen.loop, count_and_free, &seen), 10000);
	rop_watch_set(rop_watch_new(seen.loop, pair[0], NULL, NULL), true, false);
	rop_signal_new(seen.loop, SIGUSR1, NULL, NULL);
	rop_loop_stop(seen.loop);
	rop_loop_free(seen.loop);
	cr_assert_eq(seen.calls, 0);
	close(pair[0]);
	close(pair[1]);
}

static void readable(void *arg, bool can_read, bool can_write)
{
	struct seen *seen = arg;
	(void)can_write;
	if (!can_read)
		return;
	seen->calls++;
	rop_watch_free(seen->watch);
}

Test(loop, a_descriptor_is_watched_until_it_is_freed)
{
	struct seen seen = { .loop = rop_loop_new(NULL) };
	int pair[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	seen.watch = rop_watch_new(seen.loop, pair[0], readable, &seen);
	rop_watch_set(seen.watch, true, false);
	cr_assert_eq(write(pair[1], "x", 1), 1);
	rop_loop_run(seen.loop);
	cr_assert_eq(seen.calls, 1);
	rop_loop_free(seen.loop);
	close(pair[0]);
	close(pair[1]);
}

static void signalled(void *arg, int signum)
{
	struct seen *seen = arg;
	seen->calls = signum;
	rop_loop_stop(seen->loop);
}

Test(loop, a_signal_is_an_event)
{
	struct seen seen = { .loop = rop_loop_new(NULL) };
	struct rop_signal *watched = rop_signal_new(seen.loop, SIGUSR1, signalled, &seen);
	struct rop_timer *alive = rop_timer_new(seen.loop, count_and_free, &seen);
	rop_timer_start(alive, 5000);
	raise(SIGUSR1);
	rop_loop_run(seen.loop);
	cr_assert_eq(seen.calls, SIGUSR1);
	rop_signal_free(watched);
	rop_timer_free(alive);
	rop_loop_free(seen.loop);
}

Test(loop, a_broken_pipe_does_not_end_the_program)
{
	struct rop_loop *loop = rop_loop_new(NULL);
	int pair[2];
	cr_assert_eq(pipe(pair), 0);
	close(pair[0]);
	cr_assert_lt(write(pair[1], "x", 1), 0);
	close(pair[1]);
	rop_loop_free(loop);
}

static void found(void *arg, const char *const *ips, size_t n, const char *why)
{
	struct seen *seen = arg;
	seen->calls++;
	seen->n = n;
	seen->text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(seen->text + strlen(seen->text), sizeof seen->text - strlen(seen->text), "%s ", ips[i]);
	if (n == 0)
		snprintf(seen->text, sizeof seen->text, "%s", why);
	else
		cr_assert_null(why);
}

static void resolve(struct seen *seen, const char *host)
{
	*seen = (struct seen){ .loop = rop_loop_new(NULL) };
	rop_resolve(seen->loop, host, found, seen);
	cr_assert_eq(seen->calls, 0, "never before rop_resolve has returned");
	rop_loop_run(seen->loop);
	cr_assert_eq(seen->calls, 1);
	rop_loop_free(seen->loop);
}

Test(loop, names_become_addresses_each_once)
{
	struct seen seen;
	resolve(&seen, "127.0.0.1");
	cr_assert_str_eq(seen.text, "127.0.0.1 ");
	resolve(&seen, "::1");
	cr_assert_str_eq(seen.text, "::1 ");
	resolve(&seen, "2001:db8:0:0::7");
	cr_assert_str_eq(seen.text, "2001:db8::7 ");
	resolve(&seen, "localhost");
	cr_assert_geq(seen.n, 1);
	char *first = strstr(seen.text, "127.0.0.1 ");
	cr_assert(first && !strstr(first + 1, "127.0.0.1 "), "%s", seen.text);
}

Test(loop, a_name_that_is_none_gets_a_reason)
{
	struct seen seen;
	char long_name[400];
	memset(long_name, 'a', sizeof long_name);
	long_name[sizeof long_name - 1] = '\0';
	const char *const NAMES[] = { "no-such-host.invalid", "", "1.2.3.4.5", long_name };
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		resolve(&seen, NAMES[i]);
		cr_assert_eq(seen.n, 0, "'%s' is %s", NAMES[i], seen.text);
		cr_assert_neq(seen.text[0], '\0');
	}
}

Test(loop, freeing_the_loop_forgets_names_being_looked_up)
{
	struct seen seen = { .loop = rop_loop_new(NULL) };
	for (int i = 0; i < 50; i++)
		rop_resolve(seen.loop, "localhost", found, &seen);
	rop_loop_free(seen.loop);
	cr_assert_eq(seen.calls, 0);
}

Test(loop, clocks_go_forward)
{
	int64_t boot = rop_boot_ms(), wall = rop_wall_ms();
	cr_assert_gt(boot, 0);
	cr_assert_gt(wall, 1600000000000);
	for (int i = 0; i < 60; i++) { /* the coarse clock is behind, by a tick or so, and never ahead */
		int64_t second = time(NULL);
		cr_assert_geq(rop_wall_ms(), second * 1000);
		cr_assert_lt(rop_wall_ms(), second * 1000 + 3000);
		int64_t last = rop_boot_ms();
		nanosleep(&(struct timespec){ .tv_nsec = 10500000 }, NULL);
		cr_assert_gt(rop_boot_ms(), last, "also within a second");
	}
	cr_assert_geq(rop_boot_ms(), boot);
	cr_assert_eq(strcspn(rop_boot_id(), "\n"), strlen(rop_boot_id()));
	cr_assert_eq(rop_boot_id(), rop_boot_id());
}
