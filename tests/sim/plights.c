/* plights.c - what befalls a cluster as a whole: members that come back elsewhere, a second server with the identity of
 * one, every nodes.conf lost, a shard that dies, links that do not come up, addresses that lead elsewhere. One for a
 * seed at most, beside all other faults; drawn from a stream of its own.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

const char *const PLIGHT_NAMES[PLIGHTS_N] = {
#define X(id, text, least) text,
	PLIGHTS(X)
#undef X
};

/* ---- when -------------------------------------------------------------------------------------------------- */

static bool is_for(enum start start, enum plight plight)
{
	bool formed = (start_is_living(start) && start != START_LEAVE) || start == START_HEALTHY || start == START_JOIN;
	bool forming = start == START_FRESH || start == START_OURS || start == START_REDIS_CLI;
	return formed || (forming && plight != PLIGHT_ALL_CONF && plight != PLIGHT_REBUILT);
}

static bool keeps_data(enum plight plight)
{
	return plight == PLIGHT_ALL_MOVED || plight == PLIGHT_SWAPPED || plight == PLIGHT_ALL_CONF ||
	       plight == PLIGHT_MAJORITY;
}

static void at(struct sim *s, int64_t at_ms, int node, int peer, int64_t amount)
{
	world_at(s->world, at_ms, (struct event){ .kind = EVENT_PLIGHT, .node = node, .peer = peer, .amount = amount });
}

#define NODES_AT_MOST 12 /* in larger clusters nothing else happens, and all of it costs more */

/* amount of EVENT_PLIGHT: a draw, even where it begins, odd where it is over. */
void plights_schedule(struct sim *s)
{
	struct chance *c = &s->plights;
	size_t n = s->world->truth->n, one = chance_below(c, n), other = chance_below(c, n);
	enum plight plight = (enum plight)chance_between(c, 1, PLIGHT_MAJORITY - 1);
	if (chance_permille(&s->takeovers, 40)) /* a draw of its own: the others keep theirs */
		plight = PLIGHT_MAJORITY;
	bool happens = chance_permille(c, 250) || plight == PLIGHT_MAJORITY;
	if (!happens || !is_for(s->start, plight) || n < 2 || n > NODES_AT_MOST)
		return;
	other = other == one ? (one + 1) % n : other;
	int64_t now = s->world->now_ms, lasts = s->faults_end_ms - now;
	int64_t begins = now + chance_between(c, 0, chance_permille(c, 500) && lasts > 2500 ? 2500 : lasts - 1);
	int64_t ends = begins + chance_between(c, 500, 30000);
	int64_t draw = (int64_t)(chance_next(c) >> 1 & ~(uint64_t)1);
	s->plight = plight;
	s->world->aof |= keeps_data(plight) && chance_permille(c, 900);
	if (plight == PLIGHT_ALL_CONF || plight == PLIGHT_SHARD || plight == PLIGHT_REBUILT ||
	    plight == PLIGHT_MAJORITY)
		ends = begins;
	else
		bus_begin(s->world);
	at(s, begins, (int)one, (int)other, draw);
	if (ends > begins && chance_permille(c, 600))
		at(s, ends < s->faults_end_ms ? ends : s->faults_end_ms, (int)one, (int)other, draw + 1);
}

/* ---- members elsewhere ------------------------------------------------------------------------------------- */

static bool can_restart(const struct world *w, size_t node)
{
	return !w->servers[node].for_good && !w->servers[node].frozen;
}

static void swap_bytes(void *a, void *b, size_t size)
{
	unsigned char *x = a, *y = b;
	for (size_t i = 0; i < size; i++) {
		unsigned char kept = x[i];
		x[i] = y[i];
		y[i] = kept;
	}
}

static void swap_bits(const struct rop_observed *t, uint64_t *matrix, size_t v1, size_t s1, size_t v2, size_t s2)
{
	bool one = rop_bit(t, matrix, v1, s1), two = rop_bit(t, matrix, v2, s2);
	(two ? rop_bit_set : rop_bit_clear)(t, matrix, v1, s1);
	(one ? rop_bit_set : rop_bit_clear)(t, matrix, v2, s2);
}

static void swap_matrix(const struct rop_observed *t, uint64_t *matrix, size_t a, size_t b)
{
	for (size_t i = 0; i < t->n; i++)
		swap_bits(t, matrix, a, i, b, i);
	for (size_t i = 0; i < t->n; i++)
		swap_bits(t, matrix, i, a, i, b);
}

static int swapped(int node, size_t a, size_t b)
{
	if (node == (int)a)
		return (int)b;
	return node == (int)b ? (int)a : node;
}

static void swap_entries(struct world *w, size_t a, size_t b)
{
	size_t n = w->truth->n;
	for (size_t i = 0; i < n; i++) {
		swap_bytes(&w->heard[AT(w, a, i)], &w->heard[AT(w, b, i)], sizeof *w->heard);
		swap_bytes(bus_line(w, a, i), bus_line(w, b, i), sizeof *w->lines);
	}
	for (size_t i = 0; i < n; i++) {
		swap_bytes(&w->heard[AT(w, i, a)], &w->heard[AT(w, i, b)], sizeof *w->heard);
		swap_bytes(bus_line(w, i, a), bus_line(w, i, b), sizeof *w->lines);
	}
	for (size_t g = 0; g < w->ghosts.n; g++) {
		swap_bits(w->truth, w->ghosts.at[g].viewers, 0, a, 0, b);
		swap_bits(w->truth, w->ghosts.at[g].failing, 0, a, 0, b);
	}
}

/* Both are down. Folder and configuration change places: all of a server but where it listens. */
static void swap_places(struct world *w, size_t a, size_t b)
{
	struct rop_observed *t = w->truth;
	struct rop_node *x = &t->nodes[a], *y = &t->nodes[b], kept = *x;
	uint64_t *matrices[] = { t->known, t->linked, t->agrees, t->failing, t->online, w->met, w->untold };
	int deaths = w->servers[a].deaths > w->servers[b].deaths ? w->servers[a].deaths : w->servers[b].deaths;
	*x = *y;
	*y = kept;
	y->address = x->address;
	y->ip = x->ip;
	y->port = x->port;
	y->bus_port = x->bus_port;
	x->address = kept.address;
	x->ip = kept.ip;
	x->port = kept.port;
	x->bus_port = kept.bus_port;
	swap_bytes(&w->servers[a], &w->servers[b], sizeof *w->servers);
	w->servers[a].deaths = w->servers[b].deaths = deaths + 1;
	for (size_t m = 0; m < sizeof matrices / sizeof *matrices; m++)
		swap_matrix(t, matrices[m], a, b);
	swap_entries(w, a, b);
	for (size_t i = 0; i < t->n; i++) {
		t->nodes[i].primary = swapped(t->nodes[i].primary, a, b);
		for (size_t c = 0; c < w->servers[i].claims.n; c++)
			w->servers[i].claims.at[c].primary = swapped(w->servers[i].claims.at[c].primary, a, b);
		w->servers[i].news = true;
	}
	w->swapped_ms = w->now_ms;
}

static void lose_addresses(struct world *w, size_t one, enum plight plight)
{
	size_t n = w->truth->n;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++)
			if (i != j && (plight == PLIGHT_ALL_MOVED || j == one))
				bus_line(w, i, j)->place = (int)(n + j);
		w->old_name[i] |= plight == PLIGHT_ALL_MOVED || i == one;
	}
}

static bool come_back_elsewhere(struct world *w, size_t one, size_t other)
{
	enum plight plight = w->sim->plight;
	size_t n = w->truth->n;
	bool all = plight == PLIGHT_ALL_MOVED, both = plight == PLIGHT_SWAPPED || plight == PLIGHT_NOADDR;
	for (size_t i = 0; i < n; i++)
		if ((all || i == one || (both && i == other)) && !can_restart(w, i))
			return false;
	for (size_t i = 0; i < n; i++)
		if (all || i == one || (both && i == other))
			world_down(w, i, 0);
	if (plight == PLIGHT_SWAPPED)
		swap_places(w, one, other);
	else if (plight == PLIGHT_NOADDR)
		bus_line(w, one, other)->place = bus_line(w, other, one)->place = PLACE_NONE;
	else
		lose_addresses(w, one, plight);
	for (size_t i = 0; i < n; i++) {
		bool moves = all || i == one || (both && i == other);
		if (moves)
			world_at(w, w->now_ms + 100 + (int64_t)(world_luck(w, 'w', i, 0) % 2000),
				 (struct event){ .kind = EVENT_UP, .node = (int)i });
	}
	return true;
}

/* ---- others ------------------------------------------------------------------------------------------------ */

static bool lose_every_conf(struct world *w)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (!can_restart(w, i))
			return false;
	for (size_t i = 0; i < w->truth->n; i++) {
		world_down(w, i, DOWN_LOSES_CONF);
		w->servers[i].loses_conf = true;
		world_at(w, w->now_ms + 100 + (int64_t)(world_luck(w, 'w', i, 0) % 500),
			 (struct event){ .kind = EVENT_UP, .node = (int)i });
	}
	w->identities_lost = true;
	return true;
}

static int owner_of(const struct world *w, int slot)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->truth->nodes[i].role == ROP_ROLE_PRIMARY && rop_slots_has(&w->truth->nodes[i].slots, slot))
			return (int)i;
	return -1;
}

/* With all its copies; they come back after a while, one of them does, or none. */
static bool shard_dies(struct world *w, struct chance *c)
{
	int owner = owner_of(w, (int)chance_below(c, ROP_SLOTS));
	int64_t how = chance_permille(c, 200) ? DOWN_FROZEN : 0, for_ms = chance_between(c, 500, 30000);
	bool back = chance_permille(c, 600), one_back = chance_permille(c, 300);
	for (size_t i = 0; owner >= 0 && i < w->truth->n; i++) {
		const struct rop_node *node = &w->truth->nodes[i];
		if ((int)i != owner && !(node->role == ROP_ROLE_REPLICA && node->primary == owner))
			continue;
		bool returns = back || (one_back && world_luck(w, 'o', i, 0) % 2);
		int64_t at_ms = w->now_ms + for_ms + (int64_t)(world_luck(w, 'w', i, 0) % 1000);
		world_down(w, i, how);
		w->servers[i].for_good |= !returns;
		if (returns)
			world_at(w, at_ms < w->sim->faults_end_ms ? at_ms : w->sim->faults_end_ms,
				 (struct event){ .kind = EVENT_UP, .node = (int)i });
	}
	return owner >= 0;
}

/* With all its copies; they come back within seconds, without their nodes.conf and their data. */
static bool shard_is_rebuilt(struct world *w, struct chance *c)
{
	int owner = owner_of(w, (int)chance_below(c, ROP_SLOTS));
	for (size_t i = 0; owner >= 0 && i < w->truth->n; i++) {
		const struct rop_node *node = &w->truth->nodes[i];
		bool is_of_it = (int)i == owner || (node->role == ROP_ROLE_REPLICA && node->primary == owner);
		if (!is_of_it || !can_restart(w, i))
			continue;
		world_down(w, i, DOWN_LOSES_CONF | DOWN_LOSES_DATA);
		world_at(w, w->now_ms + 100 + (int64_t)(world_luck(w, 'w', i, 0) % 3000),
			 (struct event){ .kind = EVENT_UP, .node = (int)i });
	}
	return owner >= 0;
}

static void set_announced(struct world *w, size_t node, bool wrong)
{
	int at = rop_observed_setting(w->truth, "cluster-announce-ip");
	struct server *server = &w->servers[node];
	const char *value = wrong ? rop_printf(w->arena, "10.8.0.%zu", node + 1) : "";
	w->says[node] = wrong ? (int)(w->truth->n + node) : (int)node;
	w->truth->nodes[node].settings[at] = server->file[at] = server->want[at] = server->keeps[at] = value;
}

static bool turn_deaf(struct world *w, size_t one, size_t other, struct chance *c)
{
	size_t third = chance_below(c, w->truth->n);
	rop_bit_set(w->truth, w->deaf, one, other);
	rop_bit_set(w->truth, w->deaf, other, one);
	if (chance_permille(c, 300) && third != one) {
		rop_bit_set(w->truth, w->deaf, one, third);
		rop_bit_set(w->truth, w->deaf, third, one);
	}
	w->deaf_until_ms = NEVER;
	return true;
}

static void it_is_over(struct world *w, size_t one)
{
	switch (w->sim->plight) {
	case PLIGHT_CLONE: bus_stop_clone(w); return;
	case PLIGHT_SEVERED: w->servers[one].severed_until_ms = 0; return;
	case PLIGHT_DEAF: w->deaf_until_ms = 0; return;
	case PLIGHT_ANNOUNCES: set_announced(w, one, false); return;
	case PLIGHT_NONE:
	case PLIGHT_MAJORITY:
	case PLIGHT_MOVED:
	case PLIGHT_ALL_MOVED:
	case PLIGHT_SWAPPED:
	case PLIGHT_NOADDR:
	case PLIGHT_ALL_CONF:
	case PLIGHT_SHARD:
	case PLIGHT_REBUILT:
	case PLIGHTS_N: break;
	}
}

static bool begin(struct world *w, size_t one, size_t other, struct chance *c)
{
	switch (w->sim->plight) {
	case PLIGHT_MOVED:
	case PLIGHT_ALL_MOVED:
	case PLIGHT_SWAPPED:
	case PLIGHT_NOADDR: return come_back_elsewhere(w, one, other);
	case PLIGHT_CLONE: w->clone = w->servers[one].up ? (int)one : -1; return w->clone >= 0;
	case PLIGHT_ALL_CONF: return lose_every_conf(w);
	case PLIGHT_SHARD: return shard_dies(w, c);
	case PLIGHT_REBUILT: return shard_is_rebuilt(w, c);
	case PLIGHT_SEVERED: w->servers[one].severed_until_ms = NEVER; return true;
	case PLIGHT_DEAF: return turn_deaf(w, one, other, c);
	case PLIGHT_ANNOUNCES: set_announced(w, one, true); return true;
	case PLIGHT_MAJORITY: return takeover_plight(w, c);
	case PLIGHT_NONE:
	case PLIGHTS_N: break;
	}
	return false;
}

void plights_happen(struct world *w, const struct event *event)
{
	struct chance own = { (uint64_t)event->amount };
	w->unsettled = true;
	if (event->amount & 1) {
		trace(w->sim, "plight", "is over: %s", PLIGHT_NAMES[w->sim->plight]);
		it_is_over(w, (size_t)event->node);
		return;
	}
	trace(w->sim, "plight", "%s: %d (%d)", PLIGHT_NAMES[w->sim->plight], event->node, event->peer);
	if (begin(w, (size_t)event->node, (size_t)event->peer, &own))
		sim_lived(w->sim, (enum lived)(LIVED_PLIGHTS + (int)w->sim->plight));
}

/* ---- afterwards -------------------------------------------------------------------------------------------- */

bool plights_last(const struct sim *s)
{
	const struct world *w = s->world;
	bool last = false;
	for (size_t i = 0; i < w->truth->n; i++) {
		last |= w->truth->nodes[i].role == ROP_ROLE_REPLICA && w->now_ms < w->servers[i].severed_until_ms;
		last |= w->lines && w->says[i] != (int)i;
		for (size_t j = 0; w->lines && j < w->truth->n; j++)
			last |= bus_is_deaf(w, i, j);
	}
	return last;
}
