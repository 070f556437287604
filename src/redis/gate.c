/* gate.c - the turns of the fleets that share one limit on open connections.
 *
 * Within a fleet nodes come in the order they asked. Between fleets the one with the fewest nodes at work comes
 * first, then the one that waits longest: a node that hangs keeps its seat until its deadline, and without this rule
 * the seats would gather with the fleets whose nodes hang. For the same reason no fleet gets more than half of the
 * seats while it shares them. So a hung cluster costs the others half of the seats, and never a turn of more than
 * its own deadline.
 */
#include "gate.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "rop/mem.h"

#define DESCRIPTORS_BESIDE 128 /* kept free for the database, the log, DNS ... */

struct rop_gate {
	size_t limit, held, parties;
	struct gate_party *first, *last;   /* who waits, longest first */
	struct gate_seat *oldest, *newest; /* idle connections */
};

/* ---- idle connections -------------------------------------------------------------------------------------- */

static void idle_add(struct rop_gate *gate, struct gate_seat *seat)
{
	seat->idle = true;
	seat->older = gate->newest;
	seat->newer = NULL;
	if (gate->newest)
		gate->newest->newer = seat;
	else
		gate->oldest = seat;
	gate->newest = seat;
}

static void idle_remove(struct rop_gate *gate, struct gate_seat *seat)
{
	if (!seat->idle)
		return;
	seat->idle = false;
	*(seat->older ? &seat->older->newer : &gate->oldest) = seat->newer;
	*(seat->newer ? &seat->newer->older : &gate->newest) = seat->older;
}

static void give_back(struct rop_gate *gate, struct gate_seat *seat)
{
	idle_remove(gate, seat);
	if (seat->held)
		gate->held--;
	seat->held = false;
}

/* false: every connection is being used. */
static bool take(struct rop_gate *gate, struct gate_seat *seat)
{
	idle_remove(gate, seat);
	if (seat->held)
		return true;
	if (gate->held == gate->limit) {
		struct gate_seat *oldest = gate->oldest;
		if (!oldest)
			return false;
		give_back(gate, oldest);
		oldest->vacate(oldest->arg);
	}
	gate->held++;
	return seat->held = true;
}

/* ---- turns ------------------------------------------------------------------------------------------------- */

static void queue_add(struct rop_gate *gate, struct gate_party *party)
{
	party->waiting = true;
	party->prev = gate->last;
	party->next = NULL;
	*(gate->last ? &gate->last->next : &gate->first) = party;
	gate->last = party;
}

static void queue_remove(struct rop_gate *gate, struct gate_party *party)
{
	if (!party->waiting)
		return;
	party->waiting = false;
	*(party->prev ? &party->prev->next : &gate->first) = party->next;
	*(party->next ? &party->next->prev : &gate->last) = party->prev;
}

static struct gate_party *whose_turn(const struct rop_gate *gate)
{
	size_t share = gate->parties > 1 ? gate->limit / 2 + gate->limit % 2 : gate->limit;
	struct gate_party *best = NULL;
	for (struct gate_party *party = gate->first; party && !(best && best->working == 0); party = party->next)
		if (party->working < party->most && party->working < share && (!best || party->working < best->working))
			best = party;
	return best;
}

void gate_pump(struct rop_gate *gate)
{
	struct gate_party *party;
	while ((party = whose_turn(gate)) && take(gate, party->first(party->arg))) {
		party->working++;
		party->start(party->arg);
		queue_remove(gate, party);
		if (party->first(party->arg))
			queue_add(gate, party);
	}
}

void gate_wait(struct gate_party *party)
{
	if (!party->waiting)
		queue_add(party->gate, party);
	gate_pump(party->gate);
}

void gate_over(struct gate_party *party, struct gate_seat *seat, bool open)
{
	party->working--;
	if (open)
		idle_add(party->gate, seat);
	else
		give_back(party->gate, seat);
}

void gate_lost(struct rop_gate *gate, struct gate_seat *seat)
{
	give_back(gate, seat); /* an idle one is nobody's turn: it would have been closed for whoever waits */
}

/* ---- the gate ---------------------------------------------------------------------------------------------- */

size_t gate_make_room(size_t connections)
{
	struct rlimit limit;
	size_t wanted = connections + DESCRIPTORS_BESIDE;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return connections;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= wanted)
		return connections;
	return limit.rlim_cur > 2 * DESCRIPTORS_BESIDE ? limit.rlim_cur - DESCRIPTORS_BESIDE : limit.rlim_cur / 2 + 1;
}

struct rop_gate *gate_new(size_t limit)
{
	struct rop_gate *gate = rop_malloc(sizeof *gate);
	gate->limit = limit;
	return gate;
}

/* Without a descriptor a node would look silent; it waits instead. */
struct rop_gate *rop_gate_new(int limit)
{
	return gate_new(gate_make_room(limit > 0 ? (size_t)limit : 1));
}

void rop_gate_free(struct rop_gate *gate)
{
	free(gate);
}

void gate_join(struct gate_party *party)
{
	party->gate->parties++;
}

void gate_leave(struct gate_party *party)
{
	queue_remove(party->gate, party);
	party->gate->parties--;
	gate_pump(party->gate);
}
