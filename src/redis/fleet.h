/* fleet.h - of this folder: how a fleet is made, for fleet.c (turns, sending) and fleet_observe.c. */
#ifndef REDIS_FLEET_H
#define REDIS_FLEET_H

#include "gate.h"
#include "link.h"
#include "observe.h"
#include "rop/fleet.h"
#include "rop/mem.h"

struct slot_counts;
struct carry;
struct functions;
struct witnesses;
struct paced;

struct errand {
	struct errand *next; /* of the fleet's list of errands that are not told yet */
	struct rop_fleet *fleet;
	struct rop_arena *arena; /* the caller's: what `done` gets */
	struct rop_arena *own;   /* everything else; this errand too */
	size_t left;             /* jobs that are not over */
	size_t n;
	void (*finish)(struct errand *errand); /* after its last job, before it is told; NULL */
	void *arg;
	struct questions *questions; /* an observation; else NULL */
	struct rop_answer *answers;
	bool asked_names; /* answers go on behind the nodes: fleet.members */
	void (*observed)(void *arg, const struct rop_answer *answers, size_t n);
	struct rop_outcome *outcomes; /* a send */
	void (*sent)(void *arg, const struct rop_outcome *outcomes, size_t n);
	ROP_LIST(struct rop_timer *) timers; /* of its own */
};

struct job {              /* one exchange with one node, for one errand; owned by the errand's own arena */
	struct job *next; /* of its node's queue */
	struct errand *errand;
	size_t node;
	struct link_exchange exchange;
	ROP_LIST(size_t) commands;   /* a send: which of the errand's commands, in order */
	struct rop_text wire;        /* a send: being written; on the heap */
	struct carry *carry;         /* a send of that kind; NULL */
	struct functions *functions; /* a send of that kind; NULL */
	struct witnesses *witnesses; /* of that kind; NULL */
	struct paced *paced;         /* a send of that kind; NULL */
	struct slot_counts *counts;  /* an observation: of open slots; NULL: none */
	size_t replied;
};

struct member { /* one node */
	struct rop_fleet *fleet;
	struct rop_endpoint endpoint;
	struct link *link;
	struct gate_seat seat;
	struct job *first, *last; /* waiting, or (the first) under way */
	bool keeps_jobs;          /* does not tell what slots it moves by itself: it is not asked again */
	bool keeps_clients;       /* does not tell who is connected to it: it is not asked again */
	const char *several;      /* its name is that of two servers, and which; NULL: not known */
	struct member *next_ready;
	struct carry *carrying; /* keys from here: one after the other */
	int64_t rest_until_us;  /* ... and until then none: it belongs to its clients */
	int64_t carried_per_ms; /* what was learnt of its pace (carry_pace.h); 0: nothing */
};

struct rop_fleet {
	struct rop_loop *loop;
	struct rop_arena *arena;
	struct verdict_login login;
	/* The nodes; and behind them, for each address of a name that has several, whoever is there: asked once. */
	struct member *members;
	size_t n, n_all;
	size_t *node_of; /* [behind them]: whose name it is */
	bool asked_names;
	struct gate_party party;
	struct rop_gate *own_gate;               /* or NULL: it is shared */
	struct member *ready_first, *ready_last; /* have a job, wait for their turn */
	struct errand *errands;
	struct rop_timer *tell;
	int64_t keys_not_before_us; /* what a declared rate asks for */
};

/* Lives until its last job is over and it is told of: fleet.c. */
struct errand *errand_new(struct rop_fleet *fleet, struct rop_arena *arena, size_t n, void *arg);
struct job *job_new(struct errand *errand, size_t node);
void job_enqueue(struct job *job);
void job_over(struct job *job);
/* A timer that lives as long as the errand does. */
struct rop_timer *errand_timer(struct errand *errand, void (*fire)(void *arg), void *arg);
/* It is not over while somebody holds it, also where no job of it waits. */
void errand_hold(struct errand *errand);
void errand_let_go(struct errand *errand);
/* fleet_witness.c: have they got what that node has got until now? `done` is called once, with NULL, or why not. */
struct witnesses {
	size_t primary;
	const int *nodes; /* its replicas, n > 0 */
	size_t n;
	bool all; /* all of them have it; else one */
	void (*done)(void *arg, const char *why);
	void *arg;
	/* while they are asked: */
	struct errand *errand;
	char replid[41];
	int64_t offset, until_ms;
	enum witness_state { WITNESS_TO_ASK, WITNESS_ASKED, WITNESS_HAS_IT } * states;
	struct rop_timer *timer;
	const char *why;
	bool over;
};
void witnesses_ask(struct errand *errand, const struct witnesses *wanted); /* copied; the errand lives until then */
/* fleet_carry.c: enqueues what becomes the outcome of that command. */
void carry_enqueue(struct errand *errand, size_t command, size_t node, const struct rop_carry *carry);
/* fleet_functions.c: the same. */
void functions_enqueue(struct errand *errand, size_t command, size_t node, const struct rop_functions *functions,
		       int64_t not_after_ms);
void errand_begin(struct errand *errand);  /* after its jobs were enqueued */
void member_let_go(struct member *member); /* its connection is not needed any more */

#endif
