/* bus.c - where each node looks for each other one, and who hears whom, where that is not simply so.
 *
 * As in 7.0's cluster.c, and measured there: a node is held at the address that its pings come from, or that it
 * announces (nodeUpdateAddressIfNeeded); who answers there with another id makes the entry noaddr, which nobody pings
 * any more and nobody calls failing; gossip corrects the address of a node that is seen failing. Who is met at its
 * right place is found, pings back, and is found by the other with that. Where nobody finds anybody, nothing heals.
 *
 * Of two servers with one identity the peers hear now this one, now that one: each packet of the one drops the link to
 * the other. That goes on several times a second, so it is not followed here but drawn when somebody looks (views.c).
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

#define HEARS_MS 150 /* from a link that stands to what is learned by it, about */

static bool up(const struct world *w, size_t i)
{
	return w->servers[i].up;
}

static bool luck(const struct world *w, uint64_t what, size_t a, size_t b, int64_t passed_ms)
{
	return (int64_t)(world_luck(w, what, a, b) % HEARS_MS) < passed_ms;
}

/* ---- places ------------------------------------------------------------------------------------------------ */

void bus_begin(struct world *w)
{
	size_t n = w->truth->n;
	if (w->lines)
		return;
	w->lines = rop_alloc_n(w->arena, n * n, sizeof *w->lines);
	w->deaf = rop_alloc_n(w->arena, n * w->truth->words, sizeof *w->deaf);
	w->says = rop_alloc_n(w->arena, n, sizeof *w->says);
	w->old_name = rop_alloc_n(w->arena, n, sizeof *w->old_name);
	for (size_t i = 0; i < n; i++) {
		w->says[i] = (int)i;
		for (size_t j = 0; j < n; j++)
			*bus_line(w, i, j) = (struct line){
				.place = (int)j, .tried_ms = NEVER, .heard_ms = w->now_ms, .found_ms = NEVER
			};
	}
	w->unsettled = true;
}

int bus_own_place(const struct world *w, size_t node)
{
	return w->old_name[node] ? (int)(w->truth->n + node) : w->says[node];
}

#define CLONE_PORT 100

const char *bus_place_text(const struct world *w, struct rop_arena *arena, int place)
{
	size_t n = w->truth->n, node = (size_t)place % n;
	if (place == PLACE_NONE)
		return ":0";
	if (place < (int)n)
		return rop_printf(arena, "%s:%d", w->truth->nodes[node].ip, w->truth->nodes[node].port);
	bool other_port = w->clone == (int)node && w->sim->seed % 2;
	return rop_printf(arena, "10.8.0.%zu:%d", node + 1, w->truth->nodes[node].port + other_port * CLONE_PORT);
}

bool bus_is_deaf(const struct world *w, size_t i, size_t j)
{
	return w->now_ms < w->deaf_until_ms && rop_bit(w->truth, w->deaf, i, j);
}

bool bus_is_there(const struct world *w, size_t node)
{
	return up(w, node) || w->clone == (int)node;
}

bool bus_hears(const struct world *w, size_t i, size_t j)
{
	if (!w->lines)
		return up(w, j);
	return bus_is_there(w, j) && !bus_is_deaf(w, i, j) &&
	       (w->clone == (int)j || bus_line(w, i, j)->place == (int)j);
}

bool bus_can_meet(const struct world *w, size_t i, size_t whom)
{
	return !w->lines || (!bus_is_deaf(w, i, whom) && w->says[whom] == (int)whom);
}

bool bus_has_heard_of(const struct world *w, size_t i, size_t j, size_t whom)
{
	return !w->lines || (bus_can_meet(w, i, whom) && bus_line(w, j, whom)->place == (int)whom);
}

/* ---- what is learned --------------------------------------------------------------------------------------- */

static void look_elsewhere(struct world *w, size_t i, size_t j, int place)
{
	bus_line(w, i, j)->place = place;
	rop_bit_clear(w->truth, w->truth->linked, i, j);
	w->servers[i].news = w->unsettled = true;
	trace(w->sim, "bus", "%zu holds %zu at %s", i, j, bus_place_text(w, w->arena, place));
}

/* Somebody that i hears finds the node that i sees failing: its address is in the gossip. */
static int told_by_others(const struct world *w, size_t i, size_t j)
{
	const struct rop_observed *t = w->truth;
	for (size_t k = 0; k < t->n; k++)
		if (k != i && k != j && up(w, k) && rop_bit(t, t->linked, i, k) && rop_bit(t, t->linked, k, j) &&
		    !rop_bit(t, t->failing, k, j) && bus_line(w, k, j)->place != bus_line(w, i, j)->place)
			return bus_line(w, k, j)->place;
	return PLACE_NONE;
}

static bool learn(struct world *w, size_t i, size_t j, int64_t passed_ms)
{
	const struct rop_observed *t = w->truth;
	int place = bus_line(w, i, j)->place, better = PLACE_NONE;
	if (w->clone == (int)j)
		return false;
	if (up(w, j) && rop_bit(t, t->linked, j, i) && bus_hears(w, j, i) && place != w->says[j])
		better = w->says[j]; /* its pings come in */
	else if (rop_bit(t, t->failing, i, j) && !bus_hears(w, i, j))
		better = told_by_others(w, i, j);
	bool another = place >= 0 && place < (int)t->n && place != (int)j && up(w, (size_t)place) &&
		       !bus_is_deaf(w, i, (size_t)place);
	if (better == PLACE_NONE && !another)
		return false;
	if (luck(w, 'b', i, j, passed_ms))
		look_elsewhere(w, i, j, better);
	return true;
}

static void note_waiting(struct world *w, size_t i, size_t j)
{
	struct line *line = bus_line(w, i, j);
	if (line->place == PLACE_NONE || bus_hears(w, i, j)) {
		line->tried_ms = NEVER;
	} else if (line->tried_ms == NEVER) {
		line->tried_ms = line->heard_ms = w->now_ms;
	}
	const struct rop_observed *t = w->truth;
	bool found = bus_hears(w, i, j) && rop_bit(t, t->linked, i, j) && w->clone < 0;
	if (!found)
		line->found_ms = NEVER;
	else if (line->found_ms == NEVER)
		line->found_ms = w->now_ms;
}

bool bus_step(struct world *w, int64_t passed_ms)
{
	bool more = false;
	for (size_t i = 0; w->lines && i < w->truth->n; i++)
		for (size_t j = 0; up(w, i) && j < w->truth->n; j++) {
			if (i == j || !rop_bit(w->truth, w->truth->known, i, j))
				continue;
			more |= learn(w, i, j, passed_ms);
			note_waiting(w, i, j);
		}
	return more;
}

void bus_met(struct world *w, size_t node, size_t peer)
{
	if (!w->lines)
		return;
	w->old_name[peer] = false;
	if (bus_line(w, node, peer)->place != (int)peer)
		look_elsewhere(w, node, peer, (int)peer);
}

/* ---- who comes, who goes ----------------------------------------------------------------------------------- */

/* It knows the addresses of its peers from its nodes.conf, and has no links yet. */
void bus_started(struct world *w, size_t node)
{
	for (size_t j = 0; w->lines && j < w->truth->n; j++) {
		if (j == node)
			continue;
		rop_bit_clear(w->truth, w->truth->linked, node, j);
		bus_line(w, node, j)->tried_ms = NEVER;
		bus_line(w, node, j)->heard_ms = w->now_ms; /* clusterLoadConfig takes it for heard just now */
	}
}

void bus_is_new(struct world *w, size_t node)
{
	for (size_t j = 0; w->lines && j < w->truth->n; j++) {
		*bus_line(w, node, j) = (struct line){
			.place = (int)j, .tried_ms = NEVER, .heard_ms = w->now_ms, .found_ms = NEVER
		};
		*bus_line(w, j, node) = (struct line){
			.place = (int)node, .tried_ms = NEVER, .heard_ms = w->now_ms, .found_ms = NEVER
		};
	}
	if (w->lines)
		w->old_name[node] = false;
}

void bus_stop_clone(struct world *w)
{
	if (w->clone < 0)
		return;
	trace(w->sim, "person", "stops the second server with the identity of %d", w->clone);
	w->clone = -1;
	w->unsettled = true;
}

/* ---- what the others make of it ---------------------------------------------------------------------------- */

bool bus_is_missed(const struct world *w, size_t node)
{
	for (size_t i = 0; w->lines && i < w->truth->n; i++)
		if (i != node && up(w, i) && rop_bit(w->truth, w->truth->known, i, node) &&
		    bus_line(w, i, node)->tried_ms != NEVER)
			return true;
	return false;
}

/* A vote, or a word on who fails, is worth something where it comes through. */
bool bus_is_in_touch(const struct world *w, size_t node)
{
	const struct rop_observed *t = w->truth;
	size_t owners = 0, heard = 0;
	for (size_t i = 0; w->lines && i < t->n; i++) {
		if (rop_slots_empty(&t->nodes[i].slots) || t->nodes[i].role != ROP_ROLE_PRIMARY)
			continue;
		owners++;
		heard += i == node || (up(w, i) && (rop_bit(t, t->linked, i, node) || rop_bit(t, t->linked, node, i)));
	}
	return !w->lines || heard * 2 > owners;
}
