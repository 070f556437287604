/* server.c - a server's answer to one command: it changes the truth by the step's own effect, or refuses as real
 * servers do (clusterCommand, configSetCommand in 7.0). */
#include <inttypes.h>
#include <string.h>

#include "rop/libraries.h"
#include "sim.h"

static void refuse(struct world *w, struct delivery *d, const char *text)
{
	d->ok = false;
	d->text = text;
	w->sim->stats->refused++;
}

/* The claim this node has heard of another; NULL: none. */
static const struct claim *heard_of(const struct world *w, size_t viewer, size_t subject)
{
	int heard = w->heard[AT(w, viewer, subject)];
	bool known = rop_bit(w->truth, w->truth->known, viewer, subject);
	return heard < 0 || !known ? NULL : &w->servers[subject].claims.at[heard];
}

/* ---- settings ---------------------------------------------------------------------------------------------- */

static void set_setting(struct world *w, struct delivery *d)
{
	struct server *server = &w->servers[d->node];
	int at = rop_observed_setting(w->truth, d->expect.name);
	if (at < 0 || !w->truth->nodes[d->node].settings[at]) {
		refuse(w, d, "ERR Unknown option or number of arguments for CONFIG SET");
		return;
	}
	if (d->decided_ms >= 0 && server->person_ms[at] > d->decided_ms)
		server->raced[at] = true;
	rop_step_effect(&d->expect, w->truth);
}

static void rewrite(struct world *w, struct delivery *d)
{
	struct server *server = &w->servers[d->node];
	if (!server->has_file) {
		refuse(w, d, "ERR The server is running without a config file");
		return;
	}
	for (size_t at = 0; at < w->truth->n_settings; at++) {
		const char *value = server->file[at] = w->truth->nodes[d->node].settings[at];
		if (value && strcmp(value, server->want[at]) == 0)
			server->keeps[at] = server->want[at];
		server->file_orphaned[at] = server->orphaned[at];
	}
}

/* ---- the cluster ------------------------------------------------------------------------------------------- */

static void set_epoch(struct world *w, struct delivery *d)
{
	const struct rop_node *node = &w->truth->nodes[d->node];
	if (node->others > 0 || w->servers[d->node].meeting > 0) {
		refuse(w, d, "ERR The user can assign a config epoch only when the node does not know any other node.");
		return;
	}
	if (node->epoch != 0) {
		refuse(w, d, "ERR Node config epoch is already non-zero");
		return;
	}
	rop_step_effect(&d->expect, w->truth);
	world_news(w, (size_t)d->node);
}

static void bump(struct world *w, struct delivery *d)
{
	rop_step_effect(&d->expect, w->truth);
	world_news(w, (size_t)d->node);
}

/* +OK proves nothing: the handshake takes its time, and may end in nothing. */
static void meet(struct world *w, struct delivery *d)
{
	int peer = rop_observed_find(w->truth, d->expect.peer);
	if (peer < 0)
		return;
	struct chance luck = { world_luck(w, 'm', (size_t)d->node, (size_t)peer) }, *c = &luck;
	bool trouble = sim_trouble(w->sim) && chance_permille(c, w->sim->trouble),
	     nothing = trouble && chance_permille(c, 500);
	int64_t takes = trouble ? chance_between(c, 0, 3000) : chance_between(c, 5, 200);
	w->servers[d->node].meeting++;
	world_at(w, w->now_ms + takes,
		 (struct event){ .kind = EVENT_MEET, .node = d->node, .peer = peer, .delivery = d, .amount = nothing });
}

static void greet(struct world *w, struct delivery *d)
{
	int peer = rop_observed_find(w->truth, d->expect.peer);
	if (peer >= 0 && world_luck(w, 'G', (size_t)d->node, (size_t)peer) % 10)
		shards_greeted(w, (size_t)d->node, (size_t)peer);
}

static void add_slots(struct world *w, struct delivery *d)
{
	const struct rop_node *node = &w->truth->nodes[d->node];
	struct rop_slots range = { 0 };
	rop_slots_add(&range, d->expect.first, d->expect.last);
	bool busy = rop_slots_meet(&range, &node->slots);
	for (size_t j = 0; j < w->truth->n && !busy; j++) {
		const struct claim *claim = heard_of(w, (size_t)d->node, j);
		busy = claim && (int)j != d->node && rop_slots_meet(&range, &claim->slots);
	}
	/* A real replica would take them and own slots as a replica, which nothing here can say. */
	if (busy || node->role == ROP_ROLE_REPLICA) {
		refuse(w, d, busy ? "ERR Slot is already busy" : "ERR (simulated) a replica gets no slots");
		return;
	}
	rop_step_effect(&d->expect, w->truth);
	world_news(w, (size_t)d->node);
}

static void replicate(struct world *w, struct delivery *d)
{
	struct rop_node *node = &w->truth->nodes[d->node];
	int peer = rop_observed_find(w->truth, d->expect.peer);
	const struct claim *claim = peer < 0 || peer == d->node ? NULL : heard_of(w, (size_t)d->node, (size_t)peer);
	if (peer < 0 || peer == d->node || !rop_bit(w->truth, w->truth->known, (size_t)d->node, (size_t)peer)) {
		refuse(w, d, peer == d->node ? "ERR Can't replicate myself" : "ERR Unknown node");
		return;
	}
	if (claim && claim->role == ROP_ROLE_REPLICA) {
		refuse(w, d, "ERR I can only replicate a master, not a replica.");
		return;
	}
	if (node->role != ROP_ROLE_REPLICA && (rop_slots_first(&node->slots) < ROP_SLOTS || node->keys > 0)) {
		refuse(w, d, "ERR To set a master the node must be empty and without assigned slots.");
		return;
	}
	struct server *server = &w->servers[d->node];
	if (node->link_up)
		server->cut_ms = w->now_ms;
	data_flow(w);
	moves_close_all(w, (size_t)d->node);
	rop_step_effect(&d->expect, w->truth);
	node->syncing = false;
	server->link_ms = server->fill_ms = server->stand_ms = NEVER;
	server->again_ms = 0;
	server->ghost = -1;
	for (size_t p = 0; p < w->truth->n; p++)
		rop_bit_clear(w->truth, w->truth->online, p, (size_t)d->node);
	shards_news(w, (size_t)d->node);
	data_pointed(w, (size_t)d->node, d->decided_ms < 0 ? TOLD_PERSON : TOLD_OPERATOR);
	world_news(w, (size_t)d->node);
}

static void functions(struct world *w, struct delivery *d)
{
	struct rop_node *node = &w->truth->nodes[d->node];
	node->libraries = rop_strdup(w->arena, d->expect.value);
	node->functions = rop_libraries_count(node->libraries);
}

void server_execute(struct world *w, struct delivery *d)
{
	if (d->decided_ms >= 0 && d->expect.kind == ROP_STEP_ROLE && w->now_ms - d->decided_ms > 1000)
		sim_lived(w->sim, LIVED_STALE);
	if (!w->servers[d->node].up || w->servers[d->node].deaths != d->deaths) {
		trace(w->sim, "node", "%d went down: '%s' is lost", d->node,
		      d->expect.command ? d->expect.command : "?");
		return;
	}
	d->executed = d->ok = true;
	if (w->now_ms < w->servers[d->node].loading_until_ms) {
		refuse(w, d, "LOADING Redis is loading the dataset in memory");
		return;
	}
	switch (d->expect.kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: set_setting(w, d); break;
	case ROP_STEP_EPOCH: set_epoch(w, d); break;
	case ROP_STEP_BUMP: bump(w, d); break;
	case ROP_STEP_MEET: meet(w, d); break;
	case ROP_STEP_GREET: greet(w, d); break;
	case ROP_STEP_SLOTS: add_slots(w, d); break;
	case ROP_STEP_ROLE: replicate(w, d); break;
	case ROP_STEP_PERSIST: rewrite(w, d); break;
	case ROP_STEP_CARRY: moves_carry(w, d); break;
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE: moves_set_slots(w, d); break;
	case ROP_STEP_FAILOVER: leave_fail_over(w, d); break;
	case ROP_STEP_TAKEOVER: leave_take_over(w, d); break;
	case ROP_STEP_EMPTY: leave_emptied(w, d); break;
	case ROP_STEP_RESET: leave_reset(w, d); break;
	case ROP_STEP_FORGET: leave_forget(w, d); break;
	case ROP_STEP_FUNCTIONS: functions(w, d); break;
	case ROP_STEP_MOVE: moves_begin_job(w, d); break;
	case ROP_STEP_KINDS_N: break;
	}
	w->unsettled = true;
	trace(w->sim, "node", "%d executes '%s': %s", d->node,
	      d->expect.command ? d->expect.command : rop_step_kind_name(d->expect.kind), d->ok ? "OK" : d->text);
}
