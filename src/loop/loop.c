/* loop.c - timers, descriptors and signals as callbacks on one thread, and the program's clocks: libuv, wrapped.
 *
 * A libuv handle may be freed only in its close callback, which runs later on the loop. So _free() marks and closes,
 * nothing more: after it no callback of the owner runs again, and the memory goes when libuv lets go of it.
 */
#include "rop/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"
#include "rop/io.h"

struct rop_timer {
	uv_timer_t handle; /* first: what the close callback frees */
	void (*fire)(void *arg);
	void *arg;
};

struct rop_watch {
	uv_poll_t handle; /* first */
	void (*ready)(void *arg, bool readable, bool writable);
	void *arg;
	int mask; /* as set last, so that nothing is asked of the kernel twice */
};

struct rop_signal {
	uv_signal_t handle; /* first */
	void (*fire)(void *arg, int signum);
	void *arg;
};

/* ---- the loop ---------------------------------------------------------------------------------------------- */

struct rop_loop *rop_loop_new(struct rop_err *err)
{
	struct rop_loop *loop = rop_malloc(sizeof *loop);
	int error = uv_loop_init(&loop->uv);
	if (error) {
		rop_fail(err, ROP_FAIL, "the event loop cannot be made: %s", uv_strerror(error));
		free(loop);
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN); /* a peer that hangs up is an error of one write, not the end of the program */
	return loop;
}

static void handle_closed(uv_handle_t *handle)
{
	free(handle);
}

void loop_close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, handle_closed);
}

static void close_left_over(uv_handle_t *handle, void *arg)
{
	(void)arg;
	loop_close_handle(handle);
}

void rop_loop_free(struct rop_loop *loop)
{
	if (!loop)
		return;
	loop->closing = true;
	for (struct resolving *r = loop->resolving; r; r = r->next)
		uv_cancel((uv_req_t *)&r->request); /* one that a thread works on already is waited for */
	uv_walk(&loop->uv, close_left_over, NULL);
	while (uv_loop_close(&loop->uv) == UV_EBUSY)
		uv_run(&loop->uv, UV_RUN_DEFAULT);
	free(loop);
}

void rop_loop_run(struct rop_loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void rop_loop_stop(struct rop_loop *loop)
{
	uv_stop(&loop->uv);
}

/* ---- clocks ------------------------------------------------------------------------------------------------ */

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t rop_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t rop_boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

const char *rop_boot_id(void)
{
	static char id[40];
	static bool asked;
	if (asked)
		return id;
	asked = true;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return id;
	ssize_t n = rop_read_all(fd, id, sizeof id - 1);
	close(fd);
	id[n > 0 ? n : 0] = '\0';
	id[strcspn(id, "\n")] = '\0';
	return id;
}

/* ---- timers ------------------------------------------------------------------------------------------------ */

struct rop_timer *rop_timer_new(struct rop_loop *loop, void (*fire)(void *arg), void *arg)
{
	struct rop_timer *timer = rop_malloc(sizeof *timer);
	timer->fire = fire;
	timer->arg = arg;
	uv_timer_init(&loop->uv, &timer->handle);
	return timer;
}

static void timer_fired(uv_timer_t *handle)
{
	struct rop_timer *timer = (struct rop_timer *)handle;
	timer->fire(timer->arg);
}

void rop_timer_start(struct rop_timer *timer, int64_t ms)
{
	/* libuv counts from when this turn of the loop began: a callback that computed for a second would else set
	 * its deadlines a second too early. */
	uv_update_time(timer->handle.loop);
	uv_timer_start(&timer->handle, timer_fired, ms > 0 ? (uint64_t)ms : 0, 0);
}

void rop_timer_stop(struct rop_timer *timer)
{
	uv_timer_stop(&timer->handle);
}

void rop_timer_free(struct rop_timer *timer)
{
	if (timer)
		loop_close_handle((uv_handle_t *)&timer->handle);
}

/* ---- descriptors ------------------------------------------------------------------------------------------- */

struct rop_watch *rop_watch_new(struct rop_loop *loop, int fd, void (*ready)(void *arg, bool readable, bool writable),
				void *arg)
{
	struct rop_watch *watch = rop_malloc(sizeof *watch);
	watch->ready = ready;
	watch->arg = arg;
	if (uv_poll_init(&loop->uv, &watch->handle, fd) != 0) {
		free(watch);
		return NULL;
	}
	return watch;
}

static void watch_ready(uv_poll_t *handle, int status, int events)
{
	struct rop_watch *watch = (struct rop_watch *)handle;
	if (status < 0) { /* the descriptor has an error: libuv watches no more, and who reads or writes is told */
		watch->mask = 0;
		watch->ready(watch->arg, true, true);
		return;
	}
	watch->ready(watch->arg, events & UV_READABLE, events & UV_WRITABLE);
}

void rop_watch_set(struct rop_watch *watch, bool read, bool write)
{
	int mask = (read ? UV_READABLE : 0) | (write ? UV_WRITABLE : 0);
	if (mask == watch->mask)
		return;
	watch->mask = mask;
	if (mask)
		uv_poll_start(&watch->handle, mask, watch_ready);
	else
		uv_poll_stop(&watch->handle);
}

void rop_watch_free(struct rop_watch *watch)
{
	if (watch)
		loop_close_handle((uv_handle_t *)&watch->handle);
}

/* ---- signals ----------------------------------------------------------------------------------------------- */

static void signal_fired(uv_signal_t *handle, int signum)
{
	struct rop_signal *watched = (struct rop_signal *)handle;
	watched->fire(watched->arg, signum);
}

struct rop_signal *rop_signal_new(struct rop_loop *loop, int signum, void (*fire)(void *arg, int signum), void *arg)
{
	struct rop_signal *watched = rop_malloc(sizeof *watched);
	watched->fire = fire;
	watched->arg = arg;
	uv_signal_init(&loop->uv, &watched->handle);
	uv_signal_start(&watched->handle, signal_fired, signum);
	uv_unref((uv_handle_t *)&watched->handle); /* waiting for a signal alone keeps nothing running */
	return watched;
}

void rop_signal_free(struct rop_signal *watched)
{
	if (watched)
		loop_close_handle((uv_handle_t *)&watched->handle);
}
