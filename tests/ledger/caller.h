/* caller.h - one client with one request in flight: it finds the slot's node, follows redirections, waits and tries
 * again as long as it is certain that nothing was executed.
 *
 * A request is one or more commands sent in one piece (a whole transaction, say). An error reply means that the server
 * executed nothing; a reply that did not come may mean anything, and the request is not sent again then.
 */
#ifndef LEDGER_CALLER_H
#define LEDGER_CALLER_H

#include "cluster.h"
#include "words.h"

enum call_end {
	CALL_ANSWERED, /* without an error that stands in the first level of the replies */
	CALL_REFUSED,  /* an error that does not pass, or given up while nothing had been executed */
	CALL_LOST      /* it was sent and no reply came: executed, not, or later */
};

struct caller {
	struct cluster *cluster;
	struct conn *conns[NODES_MAX]; /* by the node's number; NULL: never needed */
	struct conn *asked;            /* the one that has the request now, else NULL */

	const struct text *wire; /* the request: its owner's, until it has ended */
	size_t replies;
	unsigned slot;
	int node; /* which is asked */
	bool asking;
	unsigned waits;  /* in a row: each is longer */
	int64_t wake_us; /* the reply's deadline, or when it is tried again; 0: nothing to do */
	unsigned detours[DETOURS_N];

	void *owner;
	/* The last that a request does: the next may begin from within. `replies` are without ASKING's. */
	void (*ended)(struct caller *caller, enum call_end end, struct resp_cursor replies);
};

void caller_init(struct caller *caller, struct cluster *cluster, void *owner);
void caller_done(struct caller *caller);

void caller_begin(struct caller *caller, unsigned slot, const struct text *wire, size_t replies);
static inline bool caller_busy(const struct caller *caller)
{
	return caller->wake_us != 0;
}
/* Does what is due. */
void caller_tick(struct caller *caller, int64_t now);
/* Ends the request now, LOST if it was sent, REFUSED if it waits to be sent again. */
void caller_give_up(struct caller *caller);
/* The same, where nothing was sent: one whose reply is to come goes on waiting for it. */
void caller_give_up_waiting(struct caller *caller);

#endif
