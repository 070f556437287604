/* loop.h - one epoll for all sockets. */
#ifndef LEDGER_LOOP_H
#define LEDGER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
	int fd;
	uint64_t since; /* the turn in which it was added */
	void (*ready)(struct watch *watch);
};

struct loop {
	int epoll;
	uint64_t turn;
};

void loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* Tells `ready` whenever there is something to read, the other end went away, or (writing) there is room to write. */
void loop_add(struct loop *loop, struct watch *watch, bool writing);
void loop_change(struct loop *loop, struct watch *watch, bool writing);
/* Closes its descriptor. */
void loop_remove(struct watch *watch);

/* Waits until something is ready, a signal came or it is `until_us`, and tells who is ready. */
void loop_turn(struct loop *loop, int64_t until_us);

#endif
