/* hand.h - a reconciler driven by hand: a world that can be held still, a journal in memory, a clock that is told. */
#ifndef TEST_HAND_H
#define TEST_HAND_H

#include "world.h"

struct hand {
	struct rop_reconcile_options options; /* changed before hand_start */
	struct rop_reconcile *r;
	struct rop_observed *world; /* what the servers are */
	struct rop_image image;     /* what the journal holds: every commit is applied to it */
	struct rop_clock clock;
	int64_t next_id;
	bool paused; /* somebody paused: commits are refused as the store does it */
	bool frozen; /* commands arrive and change nothing; nothing settles */
	/* What the servers answer to a step; NULL: OK to all. */
	enum rop_sent (*answer)(struct hand *hand, const struct rop_step *step, const char **ret_text);
	size_t commits, looks;
	ROP_LIST(struct rop_step) sent;
	ROP_LIST(struct rop_transition) moves;   /* as told */
	ROP_LIST(struct rop_transition) written; /* as committed */
	ROP_LIST(const char *) ended;            /* "role:<id> met" */
};

/* The shipped machine, boot "boot-1", revision 1, one-shot, at clock 1,000,000. */
struct hand *hand_new(struct rop_topology *topology, struct rop_observed *world);
void hand_start(struct hand *hand);         /* makes the reconciler; again: another process on the same journal */
enum rop_want hand_turn(struct hand *hand); /* does the one thing that is wanted and says what it was */
void hand_until(struct hand *hand, enum rop_want want);
void hand_look(struct hand *hand);             /* from one look to the moment before the next: commits and sends */
struct rop_result hand_run(struct hand *hand); /* to the end, which must come */
void hand_stop(struct hand *hand);
/* For hand.answer: what a replica says whose primary is not there. */
enum rop_sent hand_refuses_failover(struct hand *hand, const struct rop_step *step, const char **ret_text);

size_t hand_sent(const struct hand *hand, enum rop_step_kind kind);
size_t hand_ended(const struct hand *hand, const char *status);
bool hand_moved(const struct hand *hand, const char *from, const char *to);

/* The operator under test, on a cluster of six: started by hand_start(op), freed by hand_teardown (TestSuite .fini). */
extern struct hand *op;
void start_fresh(void);
void start_formed(void);
const char *state(void); /* of op's machine */
void hand_teardown(void);

#endif
