/* start.c - what is declared, and how a virtual cluster begins: fresh, half made by redis-cli, healthy, lost, strange.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

const char *const START_NAMES[STARTS_N] = { "fresh",
					    "interrupted by us",
					    "interrupted redis-cli --cluster create",
					    "healthy",
					    "healthy, and an empty node to join",
					    "total loss",
					    "a foreign peer",
					    "keys or functions on an empty node",
					    "two rival clusters",
					    "healthy, for long",
					    "healthy, with a bare shard",
					    "healthy, all nodes pinned",
					    "more shards declared than own slots",
					    "fewer shards declared than own slots",
					    "slots opened by a person",
					    "healthy, and the file loses lines" };

bool start_is_living(enum start start)
{
	return start == START_LIVING || start == START_BARE || start == START_PINNED || start == START_LEAVE ||
	       moves_is_start(start);
}

/* ---- what is declared -------------------------------------------------------------------------------------- */

static void make_shape(struct sim *s)
{
	static const int SHARDS[] = { 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 8, 10, 12 };
	static const int REPLICAS[] = { 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3 };
	struct chance *c = &s->chance;
	s->topology->shards = SHARDS[chance_below(c, sizeof SHARDS / sizeof *SHARDS)];
	s->topology->replicas_per_shard = REPLICAS[chance_below(c, sizeof REPLICAS / sizeof *REPLICAS)];
	if (s->start == START_JOIN && !s->topology->replicas_per_shard)
		s->topology->replicas_per_shard = 1;
	if (s->start == START_RIVALS && s->topology->shards < 2)
		s->topology->shards = 2;
	if (start_is_living(s->start)) { /* fewer than three owners do not fail over */
		s->topology->shards = (int)chance_between(c, chance_permille(c, 100) ? 1 : 3, 4);
		bool bare = chance_permille(c, s->start == START_LIVING ? 300 : 0);
		s->topology->replicas_per_shard = bare ? 0 : 1 + chance_permille(c, 250);
	}
	if (moves_is_start(s->start))
		moves_shape(s);
	if (s->start == START_LEAVE)
		leave_shape(s);
}

static void make_nodes(struct sim *s)
{
	struct rop_topology *t = s->topology;
	struct chance *c = &s->chance;
	int least = moves_is_start(s->start) ? moves_nodes(s) : t->shards * (1 + t->replicas_per_shard);
	int n = least + chance_permille(c, start_is_living(s->start) ? 300 : 100);
	if (s->start == START_LEAVE)
		n = (int)s->leave_nodes;
	int hosts = (int)chance_between(c, 1, n), zones = (int)chance_between(c, 0, 3);
	bool labels = s->start == START_FRESH && chance_permille(c, 150);
	for (int i = 0; i < n; i++) {
		struct rop_declared_node *node = rop_push(s->arena, &t->nodes);
		*node = (struct rop_declared_node){ .port = 7000 + i };
		node->host = node->ip = rop_printf(s->arena, "10.0.0.%zu", 1 + chance_below(c, (size_t)hosts));
		if (zones && chance_permille(c, 800))
			node->zone = rop_printf(s->arena, "z%zu", chance_below(c, (size_t)zones));
		if (labels)
			node->shard = 1 + i % t->shards;
	}
}

struct known_setting {
	const char *name, *values[3];
};
static const struct known_setting LOWERED[] = {
	{ "cluster-node-timeout", { "15000", "5000", "500" } },
	{ "repl-diskless-sync-delay", { "5", "0", "1" } },
};
static const struct known_setting OTHERS[] = {
	{ "maxmemory", { "0", "104857600", "1000000" } },
	{ "appendonly", { "no", "yes", "no" } },
	{ "maxmemory-policy", { "noeviction", "allkeys-lru", "noeviction" } },
	{ "cluster-replica-no-failover", { "no", "no", "no" } },
};
#define DECLARABLE 3 /* of those */

static void declare(struct sim *s, const char *name, const char *value)
{
	*rop_push(s->arena, &s->topology->settings) = (struct rop_setting){ name, value };
}

static void make_settings(struct sim *s)
{
	struct chance *c = &s->chance;
	for (size_t i = 0; i < DECLARABLE; i++)
		if (chance_permille(c, 200))
			declare(s, OTHERS[i].name,
				i == 0 && chance_permille(c, 500) ? "100mb" : OTHERS[i].values[chance_below(c, 3)]);
	for (size_t i = 0; i < sizeof LOWERED / sizeof *LOWERED; i++)
		if (chance_permille(c, 100))
			declare(s, LOWERED[i].name, LOWERED[i].values[chance_below(c, 3)]);
	s->version = chance_permille(c, 200) ? 60216 : 70015;
	s->mixed = s->start == START_FRESH && chance_permille(c, 50);
	s->unknown_setting = chance_permille(c, 15) && s->start != START_LEAVE; /* it would never have been reached */
	if (s->unknown_setting)
		declare(s, "no-such-setting", "yes");
	s->topology->settle_ms = chance_permille(c, 150) ? chance_between(c, 100, 2000) : 0;
	s->topology->interval_ms = 5000;
	s->topology->connect_timeout_ms = 2000;
	s->topology->command_timeout_ms = 5000;
	s->topology->disruption.shards_at_once = s->topology->disruption.keep_copies = 1;
	s->topology->reform_on_total_loss = chance_permille(c, 400);
}

/* ---- blank nodes ------------------------------------------------------------------------------------------- */

static void new_id(struct chance *c, char ret_id[ROP_ID_SIZE])
{
	for (int i = 0; i < ROP_ID_SIZE - 1; i++)
		ret_id[i] = "0123456789abcdef"[chance_below(c, 16)];
	ret_id[ROP_ID_SIZE - 1] = '\0';
}

static const char *original_value(struct sim *s, const char *name, size_t pick)
{
	for (size_t i = 0; i < sizeof LOWERED / sizeof *LOWERED; i++)
		if (strcmp(LOWERED[i].name, name) == 0)
			return LOWERED[i].values[pick];
	for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
		if (strcmp(OTHERS[i].name, name) == 0)
			return OTHERS[i].values[chance_below(&s->chance, 3)];
	if (strcmp(name, "cluster-databases") == 0)
		return "16";
	if (strcmp(name, "cluster-announce-ip") == 0)
		return "";
	if (strcmp(name, "cluster-announce-port") == 0)
		return "0";
	if (strcmp(name, ROP_REPLICA_MIGRATION) == 0)
		return s->version >= 70000 ? "yes" : NULL;
	return strcmp(name, "cluster-replica-no-failover") == 0 || strcmp(name, "tls-cluster") == 0 ? "no" : NULL;
}

static void make_server(struct world *w, size_t i, size_t pick)
{
	struct sim *s = w->sim;
	struct rop_node *node = &w->truth->nodes[i];
	struct server *server = &w->servers[i];
	*server = (struct server){ .up = true,
				   .started_ms = -60000,
				   .owner_seen_ms = NEVER,
				   .link_ms = NEVER,
				   .fill_ms = NEVER,
				   .cut_ms = NEVER,
				   .fail_ms = NEVER,
				   .stand_ms = NEVER,
				   .ghost = -1,
				   .news = true,
				   .has_file = !chance_permille(&s->chance, 100) };
	server->owners = rop_alloc_n(s->arena, w->truth->words, sizeof *server->owners);
	node->address = rop_printf(s->arena, "%s:%d", s->topology->nodes.at[i].host, s->topology->nodes.at[i].port);
	node->ip = s->topology->nodes.at[i].ip;
	node->port = s->topology->nodes.at[i].port;
	node->bus_port = node->port + ROP_BUS_OFFSET;
	node->role = ROP_ROLE_PRIMARY;
	node->functions = 0;
	node->moves_by_itself = moves_jobs_are_known(s);
	data_begin(w, i);
	node->version = node->own_version = s->mixed && i % 2 ? 80002 : s->version;
	node->flavour = rop_printf(s->arena, "redis %d", node->version);
	new_id(&s->chance, node->id);
	for (size_t at = 0; at < w->truth->n_settings; at++) {
		const char *name = w->truth->setting_names[at], *value = NULL;
		if (strcmp(name, ROP_MANUAL_TIMEOUT) != 0) /* none of these servers has it */
			value = original_value(s, name, chance_permille(&s->chance, 900) ? pick : 1);
		node->settings[at] = server->file[at] = server->want[at] = server->keeps[at] = value;
		server->person_ms[at] = -1;
	}
	rop_bit_set(w->truth, w->truth->known, i, i);
	rop_bit_set(w->truth, w->truth->linked, i, i);
	world_news(w, i);
}

static void make_world(struct sim *s)
{
	struct world *w = s->world = rop_alloc(s->arena, sizeof *w);
	size_t n = s->topology->nodes.n, n_settings;
	const char **names = rop_settings_watched(s->arena, s->topology, &n_settings);
	assert(n_settings <= SETTINGS_MAX);
	w->sim = s;
	w->arena = s->arena;
	w->truth = rop_observed_new(s->arena, n, names, n_settings);
	w->servers = rop_alloc_n(s->arena, n, sizeof *w->servers);
	w->heard = rop_alloc_n(s->arena, n * n, sizeof *w->heard);
	w->tau_ms = chance_between(&s->chance, 20, chance_permille(&s->chance, 200) ? 600 : 150);
	w->wall_base_ms = 1700000000000;
	w->joined_ms = w->unmarked_ms = w->swapped_ms = -1000000;
	w->clone = -1;
	w->aof = chance_permille(&s->chance, 600);
	leave_begin_world(w);
	w->met = rop_alloc_n(s->arena, n * w->truth->words, sizeof *w->met);
	w->untold = rop_alloc_n(s->arena, n * w->truth->words, sizeof *w->untold);
	for (size_t i = 0; i < n * n; i++)
		w->heard[i] = -1;
	size_t pick = start_is_living(s->start) ? (size_t)chance_permille(&s->chance, 800)
						: chance_below(&s->chance, 3);
	for (size_t i = 0; i < n; i++)
		make_server(w, i, pick);
}

/* ---- beginnings -------------------------------------------------------------------------------------------- */

void start_remember(struct sim *s, enum rop_truth moving)
{
	struct rop_err err;
	bool paused;
	struct rop_entry entry = {
		.wall_ms = 1, .boot_ms = 1, .boot_id = "before", .pid = 1, .formed = true, .moving = moving
	};
	if (!rop_store_commit(s->store, s->topology->name, &entry, &paused, &err))
		sim_fail(s, "cannot write the start: %s", err.text);
}

static void share_of(size_t k, size_t n, int *ret_first, int *ret_last) /* redis-cli's rounding */
{
	double each = (double)ROP_SLOTS / (double)n;
	*ret_first = (int)((double)k * each + 0.5);
	*ret_last = k + 1 == n ? ROP_SLOTS - 1 : (int)((double)(k + 1) * each + 0.5) - 1;
}

static size_t *shuffled(struct sim *s, size_t n)
{
	size_t *order = rop_alloc_n(s->arena, n, sizeof *order);
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t j = chance_below(&s->chance, i), other = order[j];
		order[j] = order[i - 1];
		order[i - 1] = other;
	}
	return order;
}

void start_give_slots(struct world *w, size_t node, size_t k, size_t n)
{
	int first, last;
	share_of(k, n, &first, &last);
	rop_slots_add(&w->truth->nodes[node].slots, first, last);
}

void start_give_epoch(struct world *w, size_t node, int64_t epoch)
{
	w->truth->nodes[node].epoch = w->truth->nodes[node].current_epoch = epoch;
}

/* Slots on isolated primaries, then epochs 1..N, then MEETs from the first node; stopped somewhere. */
static void begin_redis_cli(struct sim *s)
{
	struct world *w = s->world;
	size_t n = w->truth->n, shards = (size_t)s->topology->shards;
	const size_t *order = shuffled(s, n);
	size_t stage = chance_below(&s->chance, 4);
	size_t assigned = stage == 0 ? chance_below(&s->chance, shards + 1) : shards;
	size_t epochs = stage == 0 ? 0 : n, met = stage < 2 ? 0 : n - 1;
	if (stage == 1)
		epochs = chance_below(&s->chance, n + 1);
	if (stage == 2)
		met = chance_below(&s->chance, n);
	for (size_t k = 0; k < assigned; k++)
		start_give_slots(w, order[k], k, shards);
	for (size_t k = 0; k < epochs; k++)
		start_give_epoch(w, order[k], (int64_t)k + 1);
	for (size_t k = 0; k < n; k++)
		world_news(w, order[k]);
	for (size_t k = 1; k <= met; k++)
		rop_bit_set(w->truth, w->truth->known, order[k], order[0]);
}

void start_follow(struct world *w, size_t replica, size_t primary)
{
	struct rop_node *node = &w->truth->nodes[replica];
	node->role = ROP_ROLE_REPLICA;
	node->primary = (int)primary;
	memcpy(node->primary_id, w->truth->nodes[primary].id, ROP_ID_SIZE);
	node->epoch = w->truth->nodes[primary].epoch;
	node->current_epoch = w->truth->nodes[primary].current_epoch;
	node->link_up = true;
	data_take_over(w, replica, primary);
	rop_bit_set(w->truth, w->truth->online, primary, replica);
}

void start_acquaint(struct world *w, const size_t *order, size_t n, int64_t epoch)
{
	for (size_t a = 0; a < n; a++) {
		w->truth->nodes[order[a]].state_ok = true;
		w->truth->nodes[order[a]].current_epoch = epoch;
		w->servers[order[a]].owner_seen_ms = -60000;
		for (size_t b = 0; b < n; b++) {
			rop_bit_set(w->truth, w->truth->known, order[a], order[b]);
			rop_bit_set(w->truth, w->truth->linked, order[a], order[b]);
			rop_bit_set(w->truth, w->truth->agrees, order[a], order[b]);
			w->heard[AT(w, order[a], order[b])] = (int)w->servers[order[b]].claims.n - 1;
		}
	}
}

/* Nodes order[0..n) as a formed cluster; the first `shards` of them are its primaries. bare: the last of them has no
 * replica, those are the first one's. */
static void form(struct sim *s, const size_t *order, size_t n, size_t shards, int64_t first_epoch, bool keys, bool bare)
{
	struct world *w = s->world;
	for (size_t k = 0; k < shards; k++) {
		start_give_slots(w, order[k], k, shards);
		start_give_epoch(w, order[k], first_epoch + (int64_t)k);
		if (keys)
			data_fill(w, order[k], &w->truth->nodes[order[k]].slots, 1 + chance_below(&s->chance, 4));
		world_news(w, order[k]);
	}
	for (size_t k = shards; k < n; k++) {
		start_follow(w, order[k], order[bare && k % shards == shards - 1 ? 0 : k % shards]);
		world_news(w, order[k]);
	}
	start_acquaint(w, order, n, first_epoch + (int64_t)shards - 1);
}

static void begin_formed(struct sim *s, const size_t *order, size_t n, size_t shards, int64_t first_epoch, bool keys)
{
	form(s, order, n, shards, first_epoch, keys, false);
}

/* It had a greater epoch, of which all have heard, and came back with an older nodes.conf. */
static void go_back(struct sim *s, size_t node)
{
	struct world *w = s->world;
	int64_t epoch = w->truth->nodes[node].epoch;
	start_give_epoch(w, node, 1000 + (int64_t)node);
	world_news(w, node);
	for (size_t a = 0; a < w->truth->n; a++) {
		w->truth->nodes[a].current_epoch = 1000 + (int64_t)node;
		w->heard[AT(w, a, node)] = (int)w->servers[node].claims.n - 1;
	}
	w->truth->nodes[node].epoch = epoch;
	world_news(w, node);
	sim_lived(s, LIVED_WENT_BACK);
}

static void begin_living(struct sim *s)
{
	size_t n = s->world->truth->n, shards = (size_t)s->topology->shards;
	const size_t *order = shuffled(s, n);
	form(s, order, n, shards, 1, true, s->start == START_BARE);
	if (world_luck(s->world, 'b', 0, 0) % 8 == 0)
		go_back(s, order[world_luck(s->world, 'b', 1, 0) % shards]);
	if (s->start != START_PINNED)
		return;
	for (size_t k = 0; k < n; k++)
		s->topology->nodes.at[order[k]].shard = 1 + (int)(k % shards);
	if (n < shards + 2 || shards < 2)
		return;
	size_t one = shards + chance_below(&s->chance, n - shards),
	       other = shards + chance_below(&s->chance, n - shards);
	s->edit_nodes[0] = (int)order[one];
	s->edit_nodes[1] = (int)order[other];
}

static void begin_moves(struct sim *s)
{
	size_t n = s->world->truth->n, *order = shuffled(s, n);
	bool as_declared = chance_permille(&s->chance, 500);
	for (size_t i = 0; as_declared && i < n; i++)
		order[i] = i;
	moves_begin(s, order);
}

static void begin_healthy(struct sim *s, size_t left_out)
{
	size_t n = s->world->truth->n;
	begin_formed(s, shuffled(s, n), n - left_out, (size_t)s->topology->shards, 1, chance_permille(&s->chance, 600));
}

static void begin_foreign(struct sim *s)
{
	struct world *w = s->world;
	size_t viewer = chance_below(&s->chance, w->truth->n);
	if (chance_permille(&s->chance, 500))
		begin_healthy(s, 0);
	char id[ROP_ID_SIZE];
	new_id(&s->chance, id);
	rop_observed_add_foreign(w->truth, viewer, id, "10.9.9.9:6379", "master", NULL);
}

static const struct rop_slots EVERY_SLOT = { { [0 ... ROP_SLOTS / 64 - 1] = UINT64_MAX } };

/* A node outside of everything that holds something: nobody may use it. */
static void begin_keys(struct sim *s)
{
	struct world *w = s->world;
	size_t n = w->truth->n, outsider = chance_below(&s->chance, n);
	size_t *order = shuffled(s, n);
	if (n > (size_t)s->topology->shards && chance_permille(&s->chance, 500)) {
		begin_formed(s, order, n - 1, (size_t)s->topology->shards, 1, true);
		outsider = order[n - 1];
	}
	if (chance_permille(&s->chance, 700))
		data_fill(w, outsider, &EVERY_SLOT, 1 + chance_below(&s->chance, 4));
	else
		w->truth->nodes[outsider].functions = 1;
	w->servers[outsider].hides_keys = chance_permille(&s->chance, 300);
}

/* Two clusters that know nothing of each other, each with all slots. */
static void begin_rivals(struct sim *s)
{
	size_t n = s->world->truth->n, half = n / 2;
	size_t *order = shuffled(s, n);
	size_t shards = half < (size_t)s->topology->shards ? half : (size_t)s->topology->shards;
	begin_formed(s, order, half, shards, 1, true);
	shards = n - half < (size_t)s->topology->shards ? n - half : (size_t)s->topology->shards;
	begin_formed(s, order + half, n - half, shards, 100, true); /* equal epochs are not modelled */
}

void start_make(struct sim *s)
{
	static const enum start STARTS[] = {
		START_FRESH,     START_FRESH,     START_FRESH,     START_FRESH,      START_FRESH,     START_OURS,
		START_OURS,      START_OURS,      START_REDIS_CLI, START_REDIS_CLI,  START_REDIS_CLI, START_HEALTHY,
		START_HEALTHY,   START_JOIN,      START_JOIN,      START_TOTAL_LOSS, START_FOREIGN,   START_KEYS,
		START_RIVALS,    START_LIVING,    START_LIVING,    START_LIVING,     START_BARE,      START_BARE,
		START_BARE,      START_PINNED,    START_PINNED,    START_PINNED,     START_SCALE_OUT, START_SCALE_OUT,
		START_SCALE_OUT, START_SCALE_OUT, START_SCALE_IN,  START_SCALE_IN,   START_SCALE_IN,  START_OPENED,
		START_OPENED
	};
	s->start = STARTS[chance_below(&s->chance, sizeof STARTS / sizeof *STARTS)];
	struct chance leaves = { s->seed ^
				 0x6c656176 }; /* not of the story's own: the other seeds stay what they are */
	if (chance_permille(&leaves, 90))
		s->start = START_LEAVE;
	s->topology = rop_alloc(s->arena, sizeof *s->topology);
	s->topology->name = "sim";
	s->topology->path = "sim.yaml";
	s->edit_ms = NEVER;
	make_shape(s);
	make_nodes(s);
	make_settings(s);
	make_world(s);
	switch (s->start) {
	case START_FRESH:
	case START_OURS: /* operator.c runs, and is killed, before the story begins */
	case STARTS_N: break;
	case START_REDIS_CLI: begin_redis_cli(s); break;
	case START_HEALTHY: begin_healthy(s, 0); break;
	case START_JOIN:
		begin_healthy(s, chance_below(&s->chance, s->world->truth->n - (size_t)s->topology->shards) + 1);
		break;
	case START_TOTAL_LOSS: start_remember(s, ROP_UNKNOWN); break;
	case START_FOREIGN: begin_foreign(s); break;
	case START_KEYS: begin_keys(s); break;
	case START_RIVALS: begin_rivals(s); break;
	case START_LIVING:
	case START_BARE:
	case START_PINNED:
	case START_LEAVE: begin_living(s); break;
	case START_SCALE_OUT:
	case START_SCALE_IN:
	case START_OPENED: begin_moves(s); break;
	}
	for (size_t i = 0; i < s->world->truth->n; i++)
		s->world->servers[i].hides_keys |= chance_permille(&s->chance, 10);
	uint64_t luck = world_luck(s->world, 'k', 0, 0);
	s->flickers = luck % 3 ? -1 : (int)(luck / 3 % s->world->truth->n);
	gossip_count_others(s->world);
	shards_begin(s->world);
	memset(s->world->slot_since_ms, 0, sizeof s->world->slot_since_ms);
	s->world->unsettled = true;
}
