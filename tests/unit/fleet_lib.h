/* fleet_lib.h - for the suites about the fleet: looking at nodes once, peers that misbehave, real servers.
 *
 * A peer is a listening socket on 127.0.0.1 with a thread that serves one connection after the other as a test tells
 * it to. It stands for what a real server does not do; everything else is tried on a redis-server.
 */
#ifndef TESTS_FLEET_LIB_H
#define TESTS_FLEET_LIB_H

#include <stdio.h>
#include <sys/types.h>

#include "rop/fleet.h"

#define LOOK_COMMANDS 7 /* of a look's first connection, with CLIENT SETNAME */
#define NODE_ID "0123456789012345678901234567890123456789"

/* ---- misbehaving peers ------------------------------------------------------------------------------------- */

struct peer {
	int port, listener, connections; /* connections: taken so far */
	void (*serve)(struct peer *peer, int fd);
	const char *say;      /* for serve */
	int fd;               /* being served; -1 */
	_Atomic int commands; /* read so far, over all connections */
	_Atomic bool stop;
	unsigned long thread;
};

void peer_start(struct peer *peer, void (*serve)(struct peer *peer, int fd), const char *say);
/* On the same port of another host: 127.0.0.2. */
void peer_start_beside(struct peer *peer, const struct peer *other, void (*serve)(struct peer *peer, int fd),
		       const char *say);
void peer_stop(struct peer *peer);
/* The next command's words, joined by blanks; false: the connection is closed. */
bool peer_command(struct peer *peer, int fd, char *name, size_t size);
/* false: the other side hung up. */
bool peer_say(int fd, const char *bytes, size_t n);
/* What a lone, empty node would say to that command. */
void peer_answer(int fd, const char *name);
void peer_wait_closed(int fd); /* until the other side hangs up */

/* ---- real servers ------------------------------------------------------------------------------------------ */

struct server {
	int port;
	pid_t pid;
	char folder[64];
	const char *args[16];
};

/* Starts redis-server on a free port below 22768 with these arguments besides; skips the test where there is none. */
void server_start(struct server *server, const char *const *args, size_t n);
void server_restart(struct server *server); /* after server_kill, on the same port */
void server_kill(struct server *server);
void server_stop(struct server *server);

/* ---- looking ----------------------------------------------------------------------------------------------- */

struct view {
	struct rop_loop *loop;
	struct rop_arena *arena;
	struct rop_fleet_options options;
	struct rop_fleet *fleet;
	const struct rop_answer *answers;
	const struct rop_outcome *outcomes;
	size_t n;
	int calls; /* of done */
};

/* Options default to 2 s to connect and 300 ms to answer; a test changes them before view_open. */
void view_init(struct view *view);
void view_open(struct view *view, const int *ports, size_t n);
void view_done(struct view *view);
/* Observes all; the first node's answer. */
const struct rop_answer *look(struct view *view, unsigned flags);
/* Sends them, and waits until all are told of. */
const struct rop_outcome *send_all(struct view *view, const struct rop_command *commands, size_t n);
/* Sends "SET-CONFIG-EPOCH 1" and the like, words split at blanks, to the first node, and waits. */
const struct rop_outcome *tell(struct view *view, const char *const *commands, size_t n);
/* At that pace; NULL: at once. */
const struct rop_outcome *tell_paced(struct view *view, const char *const *commands, size_t n,
				     const struct rop_pace *pace);
/* One node, one look, default options. */
struct rop_answer look_once(int port);

long memory_peak_kib(void);

#endif
