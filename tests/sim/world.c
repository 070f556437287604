/* world.c - the truth of one virtual cluster, the events on their way to it, and its clock. */
#include "sim.h"

#include <inttypes.h>

#define TICK_MS 40 /* gossip moves in steps of at most this */

const struct claim *world_claim(const struct world *w, size_t node)
{
	const struct server *server = &w->servers[node];
	return &server->claims.at[server->claims.n - 1];
}

void world_news(struct world *w, size_t node)
{
	struct rop_node *n = &w->truth->nodes[node];
	struct server *server = &w->servers[node];
	for (int s = 0; s < ROP_SLOTS; s += 64) /* only words that changed are looked at closer */
		for (int bit = 0; bit < 64; bit++) {
			uint64_t had = server->claims.n ? world_claim(w, node)->slots.bits[s / 64] : 0;
			uint64_t fresh = n->slots.bits[s / 64] & ~had;
			if (!fresh)
				break;
			if (fresh >> bit & 1)
				w->slot_since_ms[s + bit] = (int32_t)w->now_ms;
		}
	*rop_push(w->arena, &server->claims) =
		(struct claim){ .role = n->role, .primary = n->primary, .epoch = n->epoch, .slots = n->slots,
				.owns = rop_slots_first(&n->slots) < ROP_SLOTS };
	for (size_t i = 0; i < w->truth->n; i++)
		rop_bit_clear(w->truth, w->truth->agrees, i, node);
	rop_bit_set(w->truth, w->truth->agrees, node, node);
	w->heard[AT(w, node, node)] = (int)server->claims.n - 1;
	server->news = true;
	w->unsettled = true;
}

struct rop_clock world_clock(const struct world *w)
{
	return (struct rop_clock){ .wall_ms = w->wall_base_ms + w->now_ms, .boot_ms = w->now_ms - w->boot_base_ms };
}

/* ---- up and down ------------------------------------------------------------------------------------------- */

void world_down(struct world *w, size_t node)
{
	struct server *server = &w->servers[node];
	if (!server->up)
		return;
	server->up = false;
	server->deaths++;
	server->meeting = 0;
	server->link_ms = NEVER;
	server->hung_until_ms = 0;
	w->truth->nodes[node].reach = ROP_REACH_SILENT;
	w->truth->nodes[node].reach_why = "no connection";
	w->unsettled = true;
	trace(w->sim, "node", "%zu goes down%s", node, server->for_good ? ", for good" : "");
}

/* Its nodes.conf was kept; what CONFIG SET changed without CONFIG REWRITE was not. */
void world_up(struct world *w, size_t node)
{
	struct server *server = &w->servers[node];
	struct rop_node *n = &w->truth->nodes[node];
	if (server->up || server->for_good)
		return;
	server->up = true;
	server->started_ms = w->now_ms;
	server->owner_seen_ms = NEVER;
	server->loading_until_ms = w->now_ms + chance_between(&w->sim->chance, 0, 300);
	n->reach = ROP_REACH_OK;
	n->state_ok = n->link_up = n->syncing = false;
	for (size_t s = 0; s < w->truth->n_settings; s++) {
		n->settings[s] = server->file[s];
		server->raced[s] |= server->want[s] != server->keeps[s]; /* lowered meanwhile, a person's value may be put back */
		server->want[s] = server->keeps[s];
	}
	w->unsettled = true;
	trace(w->sim, "node", "%zu comes back", node);
}

/* ---- events ------------------------------------------------------------------------------------------------ */

void world_at(struct world *w, int64_t at_ms, struct event event)
{
	event.at_ms = at_ms;
	event.number = w->next_event++;
	*rop_push(w->arena, &w->events) = event;
}

static void introduce(struct world *w, const struct event *event)
{
	struct server *server = &w->servers[event->node];
	if (server->meeting > 0)
		server->meeting--;
	w->unsettled = true;
	if (!server->up || !w->servers[event->peer].up || event->amount)
		return; /* the handshake ends in nothing */
	rop_step_effect(&event->delivery->expect, w->truth);
	gossip_count_others(w);
	trace(w->sim, "bus", "%d has met %d", event->node, event->peer);
}

static void happen(struct world *w, const struct event *event)
{
	switch (event->kind) {
	case EVENT_COMMAND:
		server_execute(w, event->delivery);
		return;
	case EVENT_MEET:
		introduce(w, event);
		return;
	case EVENT_DOWN:
		w->sim->stats->deaths += w->servers[event->node].up;
		world_down(w, (size_t)event->node);
		return;
	case EVENT_UP:
		world_up(w, (size_t)event->node);
		return;
	case EVENT_PERSON:
		faults_person(w);
		return;
	case EVENT_WALL:
		w->wall_base_ms += event->amount;
		trace(w->sim, "clock", "the wall clock jumps by %" PRId64 " ms", event->amount);
		return;
	}
}

/* ---- the clock --------------------------------------------------------------------------------------------- */

static void flow(struct world *w, int64_t to_ms)
{
	while (w->now_ms < to_ms && w->unsettled) {
		int64_t step = to_ms - w->now_ms < TICK_MS ? to_ms - w->now_ms : TICK_MS;
		w->now_ms += step;
		gossip_step(w, step);
	}
	if (w->now_ms < to_ms)
		w->now_ms = to_ms;
}

static bool before(const struct event *a, const struct event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

void world_advance(struct world *w, int64_t to_ms)
{
	for (;;) {
		size_t next = w->events.n;
		for (size_t e = 0; e < w->events.n; e++)
			if (w->events.at[e].at_ms <= to_ms && (next == w->events.n || before(&w->events.at[e], &w->events.at[next])))
				next = e;
		if (next == w->events.n)
			break;
		struct event event = w->events.at[next];
		w->events.at[next] = w->events.at[--w->events.n];
		flow(w, event.at_ms);
		happen(w, &event);
	}
	flow(w, to_ms);
}
