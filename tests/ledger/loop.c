/* loop.c - one epoll for all sockets. */
#include "loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base.h"

enum { EVENTS_PER_TURN = 64, LONGEST_WAIT_MS = 1000 };

void loop_open(struct loop *loop)
{
	*loop = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	if (loop->epoll < 0)
		die("epoll: %s", strerror(errno));
}

void loop_close(struct loop *loop)
{
	close(loop->epoll);
}

static void control(struct loop *loop, int operation, struct watch *watch, bool writing)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };
	if (writing)
		event.events |= EPOLLOUT;
	if (epoll_ctl(loop->epoll, operation, watch->fd, &event) < 0)
		die("epoll: %s", strerror(errno));
}

void loop_add(struct loop *loop, struct watch *watch, bool writing)
{
	watch->since = loop->turn;
	control(loop, EPOLL_CTL_ADD, watch, writing);
}

void loop_change(struct loop *loop, struct watch *watch, bool writing)
{
	control(loop, EPOLL_CTL_MOD, watch, writing);
}

void loop_remove(struct watch *watch)
{
	close(watch->fd);
	watch->fd = -1;
}

void loop_turn(struct loop *loop, int64_t until_us)
{
	struct epoll_event events[EVENTS_PER_TURN];
	int64_t left_ms = (until_us - now_us() + US_PER_MS - 1) / US_PER_MS;
	if (left_ms < 0)
		left_ms = 0;
	if (left_ms > LONGEST_WAIT_MS)
		left_ms = LONGEST_WAIT_MS;
	int n = epoll_wait(loop->epoll, events, EVENTS_PER_TURN, (int)left_ms);
	if (n < 0 && errno != EINTR)
		die("epoll: %s", strerror(errno));
	loop->turn++;
	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;
		/* Closed, or opened anew, by who was told before it in this turn: what was ready is the old socket. */
		if (watch->fd >= 0 && watch->since != loop->turn)
			watch->ready(watch);
	}
}
