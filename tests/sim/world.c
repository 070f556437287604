/* world.c - the truth of one virtual cluster, the events on their way to it, and its clock. */
#include "sim.h"

#include <inttypes.h>

#define TICK_MS 40 /* gossip moves at multiples of this, whatever else happens when */

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
	*rop_push(w->arena, &server->claims) = (struct claim){ .role = n->role,
							       .primary = n->primary,
							       .epoch = n->epoch,
							       .slots = n->slots,
							       .owns = rop_slots_first(&n->slots) < ROP_SLOTS };
	for (size_t i = 0; i < w->truth->n; i++) {
		rop_bit_clear(w->truth, w->truth->agrees, i, node);
		w->contested |= i != node && rop_slots_meet(&n->slots, &w->truth->nodes[i].slots);
	}
	rop_bit_set(w->truth, w->truth->agrees, node, node);
	w->heard[AT(w, node, node)] = (int)server->claims.n - 1;
	server->news = true;
	w->unsettled = true;
}

struct rop_clock world_clock(const struct world *w)
{
	return (struct rop_clock){ .wall_ms = w->wall_base_ms + w->now_ms, .boot_ms = w->now_ms - w->boot_base_ms };
}

uint64_t world_luck(const struct world *w, uint64_t what, size_t a, size_t b)
{
	struct chance c = { w->sim->seed * 0xd1342543de82ef95u ^ what << 56 ^ (uint64_t)a << 40 ^ (uint64_t)b << 24 };
	c.state = chance_next(&c) + (uint64_t)w->now_ms * 0x2545f4914f6cdd1du;
	return chance_next(&c);
}

void world_wake(struct world *w, int64_t at_ms)
{
	for (size_t e = 0; e < w->events.n; e++)
		if (w->events.at[e].kind == EVENT_WAKE && w->events.at[e].at_ms <= at_ms &&
		    w->events.at[e].at_ms > w->now_ms)
			return; /* woken before, it looks again */
	world_at(w, at_ms, (struct event){ .kind = EVENT_WAKE });
}

/* ---- up and down ------------------------------------------------------------------------------------------- */

void world_down(struct world *w, size_t node, int64_t how)
{
	struct server *server = &w->servers[node];
	if (!server->up)
		return;
	data_flow(w);
	server->up = false;
	server->down_ms = w->now_ms;
	server->frozen = how & DOWN_FROZEN;
	server->loses_conf = how & DOWN_LOSES_CONF;
	server->loses_data = how & DOWN_LOSES_DATA;
	server->deaths++;
	moves_jobs_break(w, node);
	if (!server->frozen)
		data_died(w, node);
	server->meeting = 0;
	if (w->truth->nodes[node].link_up)
		server->cut_ms = w->now_ms;
	w->truth->nodes[node].link_up = false;
	for (size_t i = 0; i < w->truth->n; i++) {
		rop_bit_clear(w->truth, w->truth->online, i, node);
		rop_bit_clear(w->truth, w->truth->online, node, i);
	}
	server->link_ms = server->fill_ms = NEVER;
	server->hung_until_ms = 0;
	w->truth->nodes[node].reach = ROP_REACH_SILENT;
	w->truth->nodes[node].reach_why = "no connection";
	w->unsettled = true;
	const char *lasts = server->frozen ? ": it hangs" : "";
	trace(w->sim, "node", "%zu goes down%s", node, server->for_good ? ", for good" : lasts);
}

/* Without its nodes.conf it comes back as another one; what CONFIG SET changed without CONFIG REWRITE was lost. */
static void start_anew(struct world *w, size_t node)
{
	struct server *server = &w->servers[node];
	struct rop_node *n = &w->truth->nodes[node];
	server->started_ms = w->now_ms;
	server->loading_until_ms = w->now_ms + (int64_t)(world_luck(w, 'l', node, 0) % 300);
	for (size_t s = 0; s < w->truth->n_settings; s++) {
		n->settings[s] = server->file[s];
		server->raced[s] |= server->want[s] !=
				    server->keeps[s]; /* lowered meanwhile, a person's value may be put back */
		server->want[s] = server->keeps[s];
	}
	server->cut_ms = NEVER; /* it does not know that it ever had a link */
	data_returned(w, node);
	bus_started(w, node);
	leave_started(w, node);
	if (server->loses_conf)
		ghost_make(w, node);
	else
		moves_returned(w, node);
}

void world_up(struct world *w, size_t node)
{
	struct server *server = &w->servers[node];
	struct rop_node *n = &w->truth->nodes[node];
	if (server->up || server->for_good)
		return;
	server->up = true;
	server->owner_seen_ms = NEVER;
	server->stand_ms = NEVER;
	n->reach = ROP_REACH_OK;
	n->state_ok = n->link_up = n->syncing = false;
	trace(w->sim, "node", "%zu comes back", node);
	if (!server->frozen)
		start_anew(w, node);
	server->news = true;
	w->unsettled = true;
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
	if (!server->up || server->deaths != event->delivery->deaths || !w->servers[event->peer].up || event->amount ||
	    (w->lines && bus_is_deaf(w, (size_t)event->node, (size_t)event->peer)))
		return; /* the handshake ends in nothing */
	if (event->delivery->decided_ms < 0 &&
	    !rop_bit(w->truth, w->truth->known, (size_t)event->peer, (size_t)event->node))
		data_joined(w, (size_t)event->node, (size_t)event->peer);
	rop_step_effect(&event->delivery->expect, w->truth);
	bus_met(w, (size_t)event->node, (size_t)event->peer);
	leave_known(w, (size_t)event->node, (size_t)event->peer);
	gossip_count_others(w);
	trace(w->sim, "bus", "%d has met %d", event->node, event->peer);
}

static void happen(struct world *w, const struct event *event)
{
	switch (event->kind) {
	case EVENT_COMMAND: server_execute(w, event->delivery); return;
	case EVENT_MEET: introduce(w, event); return;
	case EVENT_DOWN:
		w->sim->stats->deaths += w->servers[event->node].up;
		world_down(w, (size_t)event->node, event->amount);
		return;
	case EVENT_UP: world_up(w, (size_t)event->node); return;
	case EVENT_JOB: moves_end_job(w, event); return;
	case EVENT_PERSON: faults_person(w, event); return;
	case EVENT_WRITE: data_try(w); return;
	case EVENT_PLIGHT: plights_happen(w, event); return;
	case EVENT_WAKE: w->unsettled = true; return;
	case EVENT_HAND_OVER: leave_handed_over(w, event); return;
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
		int64_t tick = (w->now_ms / TICK_MS + 1) * TICK_MS;
		if (tick > to_ms)
			break;
		w->now_ms = tick;
		gossip_step(w, TICK_MS);
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
			if (w->events.at[e].at_ms <= to_ms &&
			    (next == w->events.n || before(&w->events.at[e], &w->events.at[next])))
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
