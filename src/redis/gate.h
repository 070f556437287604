/* gate.h - who may have a connection open: the turns of the fleets that share one limit. Knows no link and no loop.
 *
 * A seat is a node's right to one connection. It is taken before connecting and kept while the connection stays; a
 * seat whose connection nobody uses at the moment is idle, and can be taken away. All structs are embedded in the
 * fleet's own; nothing here calls back but `start` and `vacate`, and those never call back into the gate.
 */
#ifndef REDIS_GATE_H
#define REDIS_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "rop/fleet.h"

struct gate_seat {                       /* one node */
	struct gate_seat *older, *newer; /* among the idle */
	bool held, idle;
	void (*vacate)(void *arg); /* its idle connection is to be closed, now */
	void *arg;
};

struct gate_party { /* one fleet */
	struct rop_gate *gate;
	struct gate_party *prev, *next; /* of those who wait for a turn */
	bool waiting;
	size_t working, most;                  /* nodes being asked; never more than `most` */
	struct gate_seat *(*first)(void *arg); /* the node whose turn is next; NULL: no node waits */
	void (*start)(void *arg);              /* that node works now */
	void *arg;
};

struct rop_gate *gate_new(size_t limit);
/* Raises the limit of descriptors so that there is room for so many connections; how many there is room for. */
size_t gate_make_room(size_t connections);
/* `gate`, `most`, `first`, `start` and `arg` are set. */
void gate_join(struct gate_party *party);
/* Its seats are given up first, each by gate_lost; others may be started from inside. */
void gate_leave(struct gate_party *party);
/* A node of this fleet waits for its turn. It may be started from inside this call, as may any other. */
void gate_wait(struct gate_party *party);
/* A node of this fleet is done; its connection stays open, or is gone. Followed by gate_wait or gate_pump. */
void gate_over(struct gate_party *party, struct gate_seat *seat, bool open);
/* A connection is gone, whatever it was doing; the seat is given up. */
void gate_lost(struct rop_gate *gate, struct gate_seat *seat);
/* Starts whoever may be started. */
void gate_pump(struct rop_gate *gate);

#endif
