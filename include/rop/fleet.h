/* fleet.h - connections to all nodes of one cluster: observe them, send them steps. hiredis inside; the loop outside.
 *
 * Connections stay open between passes. Every exchange with a node is one pipeline with one deadline; a node that
 * is slow, hung, silent or talks nonsense never delays the others, and its connection is dropped. Replies longer than
 * what was asked and the number of nodes can explain are cut off while they are read (questions_limit in
 * src/redis/observe.c). Connecting (later: TLS) happens in one place, src/redis/link.c.
 */
#ifndef ROP_FLEET_H
#define ROP_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/loop.h"
#include "rop/observed.h"
#include "rop/outcome.h"

struct rop_fleet;

/* Connections open at once, over all the fleets that share it. A node that needs one more than there may be waits for
 * its turn; connections that nobody uses are closed to make room, the one used longest ago first. Turns: within a fleet
 * in the order they asked, between fleets the one with the fewest nodes at work first; a fleet gets at most half of
 * them while it shares. Fewer than `limit` where the system's limit of descriptors allows no more. */
struct rop_gate;
struct rop_gate *rop_gate_new(int limit);
void rop_gate_free(struct rop_gate *gate); /* after its fleets; NULL is fine */

struct rop_fleet_options {
	const char *client_name;     /* CLIENT SETNAME; NULL: none. redis-operator:CLUSTER of those that only look,
				      * redis-operator:CLUSTER:INSTANCE of those that may change things */
	const char *user, *password; /* NULL: no AUTH; user NULL: the default user. Borrowed, not copied */
	int64_t connect_timeout_ms, command_timeout_ms;
	int concurrency;       /* connections being used at once; 0: 256 */
	struct rop_gate *gate; /* shared with other fleets; NULL: this fleet's own, connections stay open */
};

struct rop_fleet *rop_fleet_new(struct rop_loop *loop, const struct rop_fleet_options *options,
				const struct rop_endpoint *endpoints, size_t n);
void rop_fleet_free(struct rop_fleet *fleet); /* before its loop; drops what is under way, no callback afterwards */

/* The id that a node is known by from now on; copied. */
void rop_fleet_expect(struct rop_fleet *fleet, size_t node, const char *id);

#define ROP_OBSERVE_SETTINGS 1 /* CONFIG GET of the watched names */
#define ROP_OBSERVE_FULL 2     /* functions too */
/* Connections of operators, where the node tells: a second round trip, and a text as long as the node has clients, so
 * now and then is enough. Not asked where there are very many, nor again of one that refused; never makes a look fail.
 */
#define ROP_OBSERVE_CLIENTS 4
/* ACL DRYRUN of what may be needed: what is forbidden is known before anything is changed. */
#define ROP_OBSERVE_RIGHTS 8
#define ROP_OBSERVE_MEMORY 32 /* INFO memory, whatever settings are watched */
#define ROP_OBSERVE_SHARDS 16 /* CLUSTER SHARDS: a second view, as long as the first */

/* One pipeline to every node. `done` gets the answers as raw text in `arena` (which must live until then); it is called
 * once, from the loop, never from inside this call, and may free the fleet. The names are copied. Errands may overlap:
 * a node works on them one at a time, in the order they came. Open connections keep the loop running: stop it. */
void rop_fleet_observe(struct rop_fleet *fleet, struct rop_arena *arena, unsigned flags, const char **setting_names,
		       size_t n_settings, void (*done)(void *arg, const struct rop_answer *answers, size_t n),
		       void *arg);

/* Keys of slots that are open on both sides, from one node to another, for a while: each is measured and sent by
 * MIGRATE, a batch at a time, and the next batch only once a witness has all that the target was given. What is left
 * then is for the next call. The names of keys stay in here, but that of one that is too large. */
struct rop_carry {
	int to;               /* the node that gets them */
	const char *slots;    /* rop_slots_text */
	int databases;        /* of the nodes; each is gone through */
	const int *witnesses; /* replicas of `to` that are in sync */
	size_t n_witnesses;   /* 0: it has none */
	int64_t for_ms;       /* begin nothing more after so long */
	int64_t stall_ms;     /* how long the source may be kept from its other clients at a time */
	int64_t timeout_ms;   /* of a MIGRATE that makes no progress: the source does nothing else meanwhile */
	int64_t rate;         /* keys a second, of all carries of the fleet; 0: as many as go */
	int64_t rests;        /* after each batch the source has so many times as long for its clients */
	bool move_large;      /* keys that take longer than the stall allows, too */
};

struct rop_pace {             /* of those to one node, the first one's counts */
	const int *witnesses; /* replicas of the node: begun once they have all that the node has got */
	size_t n_witnesses;
	size_t at_a_time; /* at least 1 */
	int64_t rest_ms;  /* between them */
};

/* Function libraries, from another node: FUNCTION DUMP there, FUNCTION RESTORE here. */
struct rop_functions {
	int from;
	bool replace; /* of those it has too, which are the same */
};

struct rop_command { /* one command to one node */
	int node;
	size_t argc;
	const char **argv;
	const struct rop_carry *carry;         /* instead: its outcome says how many keys were moved; NULL */
	const struct rop_functions *functions; /* instead; NULL */
	const struct rop_pace *pace;           /* NULL: at once */
};
/* Pipelined per node in the order given, concurrent over nodes. `done` gets n outcomes in the order of the commands;
 * rules as above. On a new connection nothing is sent before the login is accepted. The commands are copied. */
/* not_after_ms, on the boot clock: a command whose turn has not come by then (no connection, a full gate) is not sent,
 * and its outcome is an ERROR; 0: whenever. */
void rop_fleet_send(struct rop_fleet *fleet, struct rop_arena *arena, const struct rop_command *commands, size_t n,
		    int64_t not_after_ms, void (*done)(void *arg, const struct rop_outcome *outcomes, size_t n),
		    void *arg);

#endif
