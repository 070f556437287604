/* data.c - clients' writes, and which node has which: histories, replication with its lag, what a restart brings back.
 *
 * A primary acknowledges a write before its replicas have it. A node's data set is its place in a history (a log of
 * writes) and the set of writes that it holds; a replica follows its primary's log as long as its own place is on it,
 * else it takes over the whole set and throws its own away. Each write is a key of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define OFFSET_OF_A_WRITE 64
#define LAG_USUAL_MS 25
#define LAG_SLOW_MS 400
#define JOINED_FOR_MS 5000 /* two clusters that a person joined: until one has given up, both take writes */

static struct history *history_of(const struct world *w, size_t node)
{
	return &w->histories.at[w->servers[node].history];
}

static void add(struct writes *set, size_t k)
{
	set->bits[k / 64] |= (uint64_t)1 << (k % 64);
}

static int new_history(struct world *w, int parent, size_t fork)
{
	struct history h = { .parent = parent, .fork = fork, .root = (int)w->histories.n };
	if (parent >= 0) {
		h.root = w->histories.at[parent].root;
		for (size_t i = 0; i < fork; i++)
			*rop_push(w->arena, &h.log) = w->histories.at[parent].log.at[i];
	}
	*rop_push(w->arena, &w->histories) = h;
	return (int)w->histories.n - 1;
}

/* ---- shown ------------------------------------------------------------------------------------------------- */

static void name_of(int history, char ret_id[ROP_ID_SIZE])
{
	ret_id[0] = '\0';
	if (history >= 0)
		snprintf(ret_id, ROP_ID_SIZE, "%08x%032x", 0xda7a0000u + (unsigned)history, (unsigned)history + 1);
}

void data_show(struct world *w, size_t node)
{
	const struct server *server = &w->servers[node];
	struct rop_node *n = &w->truth->nodes[node];
	n->keys = 0;
	for (size_t i = 0; i < WRITES_MAX / 64; i++)
		n->keys += __builtin_popcountll(server->has.bits[i]);
	n->used_memory = 400000 + n->keys * 100;
	n->data_memory = n->keys * 100;
	n->max_memory = 0;
	n->offset = (int64_t)server->count * OFFSET_OF_A_WRITE;
	name_of(server->history, n->replid);
	name_of(history_of(w, node)->parent, n->replid2);
}

struct rop_slots data_slots(const struct world *w, size_t node)
{
	struct rop_slots slots = { 0 };
	for (size_t k = 0; k < w->n_writes; k++)
		if (writes_has(&w->servers[node].has, k))
			rop_slots_add(&slots, w->writes[k].slot, w->writes[k].slot);
	return slots;
}

/* ---- beginnings -------------------------------------------------------------------------------------------- */

void data_begin(struct world *w, size_t node)
{
	struct server *server = &w->servers[node];
	server->history = new_history(w, -1, 0);
	server->count = 0;
	memset(&server->has, 0, sizeof server->has);
	data_show(w, node);
}

static void take_in(struct world *w, size_t node, size_t k)
{
	struct server *server = &w->servers[node];
	*rop_push(w->arena, &history_of(w, node)->log) = (struct entry){ .write = (int)k, .at_ms = w->now_ms };
	server->count++;
	add(&server->has, k);
}

static void take_out(struct writes *set, size_t k)
{
	set->bits[k / 64] &= ~((uint64_t)1 << (k % 64));
}

void data_fill(struct world *w, size_t node, const struct rop_slots *slots, size_t n)
{
	int first = rop_slots_first(slots), last = first;
	for (; n > 0 && w->n_writes < WRITES_MAX && first < ROP_SLOTS; n--) {
		int from = (int)chance_below(&w->sim->chance, ROP_SLOTS);
		if (!rop_slots_run(slots, from, &first, &last))
			rop_slots_run(slots, 0, &first, &last);
		w->writes[w->n_writes] = (struct write){ .slot = first,
							 .acked = true,
							 .stray = rop_slots_empty(&w->truth->nodes[node].slots) };
		take_in(w, node, w->n_writes++);
	}
	data_show(w, node);
}

/* ---- of a slot that moves ---------------------------------------------------------------------------------- */

int64_t data_keys_in_slot(const struct world *w, size_t node, int slot)
{
	int64_t keys = 0;
	for (size_t k = 0; k < w->n_writes; k++)
		keys += w->writes[k].slot == slot && writes_has(&w->servers[node].has, k);
	return keys;
}

/* A person had it forget whose slot that is: nobody sees any more that it holds keys of it. */
void data_disowned(struct world *w, size_t node, int slot)
{
	for (size_t k = 0; k < w->n_writes; k++)
		w->writes[k].by_person |= w->writes[k].slot == slot && writes_has(&w->servers[node].has, k);
}

void data_copy_key(struct world *w, size_t k, size_t to)
{
	take_in(w, to, k);
}

void data_drop_key(struct world *w, size_t k, size_t from)
{
	struct server *server = &w->servers[from];
	struct entry entry = { .write = (int)k, .deleted = true, .at_ms = w->now_ms };
	*rop_push(w->arena, &history_of(w, from)->log) = entry;
	server->count++;
	take_out(&server->has, k);
}

/* ---- clients ----------------------------------------------------------------------------------------------- */

static bool serves(const struct world *w, size_t node, int slot)
{
	const struct rop_node *n = &w->truth->nodes[node];
	return w->servers[node].up && n->state_ok && n->role == ROP_ROLE_PRIMARY && rop_slots_has(&n->slots, slot) &&
	       w->now_ms >= w->servers[node].loading_until_ms && w->now_ms >= w->servers[node].held_until_ms;
}

/* Its successor is there already, and it has not heard of it: what it acknowledges now is lost with its leadership. */
static bool is_deposed(const struct world *w, size_t node, int slot)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->truth->nodes[i].epoch > w->truth->nodes[node].epoch &&
		    w->truth->nodes[i].role == ROP_ROLE_PRIMARY && rop_slots_has(&w->truth->nodes[i].slots, slot) &&
		    rop_bit(w->truth, w->truth->known, node, i))
			return true;
	return false;
}

/* What is drawn does not depend on what comes of it: the twin's clients try the same. */
void data_try(struct world *w)
{
	struct sim *s = w->sim;
	int slot = (int)chance_below(&s->clients, ROP_SLOTS);
	if (s->hot_n && chance_permille(&s->clients, 600))
		slot = s->hot_first + slot % s->hot_n;
	int64_t next = w->now_ms + chance_between(&s->clients, 5, chance_permille(&s->clients, 300) ? 800 : 120);
	if (w->n_writes == WRITES_MAX)
		return;
	size_t k = w->n_writes++;
	w->writes[k] = (struct write){ .slot = slot };
	s->stats->writes++;
	for (size_t i = 0; i < w->truth->n && !w->writes[k].acked; i++) {
		if (!serves(w, i, slot))
			continue;
		int at = moves_asked(w, i, slot);
		if (at < 0)
			continue;
		data_flow(w);
		w->writes[k].acked = true;
		w->writes[k].tail = is_deposed(w, i, slot) && !rop_slots_has(&w->moved, slot);
		w->writes[k].by_person = w->now_ms < w->joined_ms + JOINED_FOR_MS;
		take_in(w, (size_t)at, k);
		data_show(w, (size_t)at);
		s->stats->written++;
		if (at != (int)i)
			sim_lived(s, LIVED_ASKED);
		trace(s, "client", "write %zu to slot %d is acknowledged by node %d", k, slot, at);
	}
	if (next < w->writes_until_ms)
		world_at(w, next, (struct event){ .kind = EVENT_WRITE });
}

/* ---- replication ------------------------------------------------------------------------------------------- */

/* How long a replica takes to get a write: the same whatever else happens. */
static int64_t lag_ms(const struct world *w, int write, size_t replica)
{
	struct chance c = { w->sim->seed * 0x9e3779b97f4a7c15u ^ (uint64_t)write << 32 ^ replica };
	return chance_between(&c, 1, chance_permille(&c, 100) ? LAG_SLOW_MS : LAG_USUAL_MS);
}

static void flow_to(struct world *w, size_t node, size_t primary, bool at_once)
{
	struct server *server = &w->servers[node];
	const struct history *h = history_of(w, primary);
	bool moved = false;
	while (server->count < w->servers[primary].count) {
		const struct entry *e = &h->log.at[server->count];
		if (!at_once && e->at_ms + lag_ms(w, e->write, node) > w->now_ms)
			break;
		if (e->deleted)
			take_out(&server->has, (size_t)e->write);
		else if (writes_has(&w->servers[primary].has, (size_t)e->write))
			add(&server->has, (size_t)e->write);
		server->count++;
		moved = true;
	}
	if (moved)
		data_show(w, node);
}

static int source_of(const struct world *w, size_t node)
{
	int ghost = w->servers[node].ghost;
	return ghost >= 0 ? w->ghosts.at[ghost].node : w->truth->nodes[node].primary;
}

void data_flow(struct world *w)
{
	for (size_t i = 0; i < w->truth->n; i++) {
		int source = source_of(w, i);
		if (w->truth->nodes[i].role == ROP_ROLE_REPLICA && w->truth->nodes[i].link_up && w->servers[i].up &&
		    source >= 0 && w->servers[source].up && w->servers[i].history == w->servers[source].history)
			flow_to(w, i, (size_t)source, false);
	}
}

/* Somebody waits until it has all: no lag is as long as that. */
void data_catch_up(struct world *w, size_t node, size_t primary)
{
	if (w->truth->nodes[node].role == ROP_ROLE_REPLICA && w->truth->nodes[node].link_up && w->servers[node].up &&
	    source_of(w, node) == (int)primary && w->servers[primary].up &&
	    w->servers[node].history == w->servers[primary].history)
		flow_to(w, node, primary, true);
}

/* PSYNC: its place is on the primary's history, or on the part of another one that the primary's began with. */
bool data_can_continue(const struct world *w, size_t replica, size_t primary)
{
	const struct server *r = &w->servers[replica], *p = &w->servers[primary];
	const struct history *h = history_of(w, primary);
	return (r->history == p->history && r->count <= p->count) || (r->history == h->parent && r->count <= h->fork);
}

bool data_same_root(const struct world *w, size_t a, size_t b)
{
	return history_of(w, a)->root == history_of(w, b)->root;
}

void data_throw_away(struct world *w, size_t node)
{
	struct writes had = w->servers[node].has;
	data_begin(w, node);
	judge_data_gone(w, node, &had, GONE_THROWN_AWAY);
}

/* A second server with its primary's identity, which holds nothing. */
void data_follow_clone(struct world *w, size_t node)
{
	for (size_t k = 0; k < w->n_writes; k++)
		w->writes[k].cloned |= writes_has(&w->servers[node].has, k);
	trace(w->sim, "bus", "%zu follows the clone of its primary, and throws its data away", node);
	data_throw_away(w, node);
}

void data_take_over(struct world *w, size_t replica, size_t primary)
{
	struct server *r = &w->servers[replica];
	const struct server *p = &w->servers[primary];
	struct writes had = r->has;
	data_flow(w);
	r->history = p->history;
	r->count = p->count;
	r->has = p->has;
	r->pointed = TOLD_NOBODY;
	data_show(w, replica);
	judge_data_gone(w, replica, &had, GONE_THROWN_AWAY);
}

/* It goes on where it is, as a primary: a history of its own that begins like the old one. What the old primary
 * acknowledged and had not handed on is the price of asynchronous replication. */
void data_promote(struct world *w, size_t node, size_t from)
{
	struct server *server = &w->servers[node];
	const struct server *old = &w->servers[from];
	bool heir = data_same_root(w, node, from);
	if (heir)
		witness_judge(w, node, from);
	for (size_t k = 0; k < w->n_writes; k++) {
		bool lacks = writes_has(&old->has, k) && !writes_has(&server->has, k);
		w->writes[k].tail |= lacks && heir;
		w->writes[k].by_person |= lacks && !heir && server->pointed == TOLD_PERSON;
	}
	if (!heir)
		sim_lived(w->sim, LIVED_POINTED_PROMOTED);
	server->history = new_history(w, server->history, server->count);
	data_show(w, node);
}

/* ---- processes and disks ----------------------------------------------------------------------------------- */

void data_died(struct world *w, size_t node)
{
	struct writes had = w->servers[node].has;
	if (w->aof)
		return;
	memset(&w->servers[node].has, 0, sizeof had);
	for (size_t k = 0; k < w->n_writes; k++)
		w->writes[k].unsaved |= writes_has(&had, k);
	judge_data_gone(w, node, &had, GONE_DIED);
}

/* A replication id does not outlive its process. */
void data_returned(struct world *w, size_t node)
{
	struct server *server = &w->servers[node];
	struct writes had = server->has;
	if (server->loses_data || !w->aof) {
		data_begin(w, node);
		if (w->truth->nodes[node].role == ROP_ROLE_PRIMARY &&
		    rop_slots_first(&w->truth->nodes[node].slots) < ROP_SLOTS)
			sim_lived(w->sim, LIVED_EMPTY_RETURN);
	} else {
		server->history = new_history(w, server->history, server->count);
		history_of(w, node)->parent = -1;
		data_show(w, node);
	}
	if (!server->loses_data)
		return;
	sim_lived(w->sim, LIVED_DISK_LOST);
	for (size_t k = 0; k < w->n_writes; k++)
		w->writes[k].disk |= writes_has(&had, k);
	judge_data_gone(w, node, &had, GONE_DISK);
}

/* A primary that gives some of its slots up deletes their keys. */
void data_drop_slots(struct world *w, size_t node, const struct rop_slots *slots)
{
	struct writes gone = { 0 };
	for (size_t k = 0; k < w->n_writes; k++)
		if (writes_has(&w->servers[node].has, k) && rop_slots_has(slots, w->writes[k].slot)) {
			take_out(&w->servers[node].has, k);
			add(&gone, k);
		}
	data_show(w, node);
	judge_data_gone(w, node, &gone, GONE_YIELDED);
}

/* Does another node serve it, or would take over with it? */
static bool stands_elsewhere(const struct world *w, size_t k, size_t but)
{
	for (size_t i = 0; i < w->truth->n; i++) {
		const struct rop_node *n = &w->truth->nodes[i];
		int source = source_of(w, i);
		if (i == but || !w->servers[i].up || !writes_has(&w->servers[i].has, k))
			continue;
		if (n->role == ROP_ROLE_PRIMARY ? rop_slots_has(&n->slots, w->writes[k].slot)
						: source >= 0 && w->servers[i].pointed == TOLD_NOBODY)
			return true;
	}
	return false;
}

void data_pointed(struct world *w, size_t node, enum told by)
{
	w->servers[node].pointed = by;
	for (size_t k = 0; k < w->n_writes; k++) {
		if (!writes_has(&w->servers[node].has, k))
			continue;
		w->writes[k].by_person |= by == TOLD_PERSON;
		w->writes[k].endangered |= by == TOLD_OPERATOR && !stands_elsewhere(w, k, node);
	}
}

/* A person makes two clusters one: what either holds may go by that. */
void data_joined(struct world *w, size_t a, size_t b)
{
	w->joined_ms = w->now_ms;
	for (size_t i = 0; i < w->truth->n; i++) {
		bool part = i == a || i == b || rop_bit(w->truth, w->truth->known, a, i) ||
			    rop_bit(w->truth, w->truth->known, b, i);
		for (size_t k = 0; part && k < w->n_writes; k++)
			w->writes[k].by_person |= writes_has(&w->servers[i].has, k);
	}
}
