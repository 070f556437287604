/* gossip.c - what rop_settle does at once, spread over time: acquaintance pair by pair, then links and agreement pair by
 * pair, then links of replicas and cluster states with their delays. honest.c holds the end against rop_settle. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define UNLINK_MS 1500        /* until a silent peer is seen as failing, about */
#define WRITABLE_MS 2000      /* a primary that was just started (CLUSTER_WRITABLE_DELAY) */
#define REJOIN_MIN_MS 500     /* clamp of the delay after it sees an owner of slots (clusterUpdateState) */
#define REJOIN_MAX_MS 5000

static bool up(const struct world *w, size_t i)
{
	return w->servers[i].up;
}

/* One draw for a thing that takes about tau_ms. */
static bool now_or_later(struct world *w, int64_t passed_ms, int64_t tau_ms)
{
	return chance_permille(&w->sim->chance, passed_ms >= tau_ms ? 1000 : passed_ms * 1000 / tau_ms);
}

void gossip_count_others(struct world *w)
{
	struct rop_observed *truth = w->truth;
	for (size_t i = 0; i < truth->n; i++) {
		int others = -1;
		for (size_t word = 0; word < truth->words; word++)
			others += __builtin_popcountll(truth->known[i * truth->words + word]);
		for (size_t f = 0; f < truth->foreign.n; f++)
			others += truth->foreign.at[f].viewer == (int)i;
		truth->nodes[i].others = others;
	}
}

/* ---- acquaintance ------------------------------------------------------------------------------------------ */

/* The one that is met dials back; whoever is known names third nodes. */
static bool acquaint(struct world *w, int64_t passed_ms)
{
	struct rop_observed *t = w->truth;
	bool more = false;
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 0; up(w, i) && k < t->n; k++) {
			if (k == i || !up(w, k))
				continue;
			if (rop_bit(t, t->known, k, i) && !rop_bit(t, t->known, i, k)) {
				more = true;
				if (now_or_later(w, passed_ms, w->tau_ms))
					rop_bit_set(t, t->known, i, k);
			}
			if (!rop_bit(t, t->known, i, k))
				continue;
			for (size_t word = 0; word < t->words; word++) {
				uint64_t news = t->known[k * t->words + word] & ~t->known[i * t->words + word];
				more |= news != 0;
				for (; news; news &= news - 1)
					if (now_or_later(w, passed_ms, 2 * w->tau_ms))
						t->known[i * t->words + word] |= news & -news;
			}
		}
	}
	if (more)
		gossip_count_others(w);
	return more;
}

/* ---- links and agreement ----------------------------------------------------------------------------------- */

static bool link_pair(struct world *w, size_t i, size_t j, int64_t passed_ms)
{
	struct rop_observed *t = w->truth;
	bool linked = rop_bit(t, t->linked, i, j);
	if (linked == up(w, j))
		return false;
	if (up(w, j) && now_or_later(w, passed_ms, w->tau_ms))
		rop_bit_set(t, t->linked, i, j);
	if (!up(w, j) && now_or_later(w, passed_ms, UNLINK_MS))
		rop_bit_clear(t, t->linked, i, j);
	return true;
}

/* The newest of j's claims that i can get: j's own header, or what somebody i knows has heard (an UPDATE packet). */
static int newest_claim(const struct world *w, size_t i, size_t j)
{
	const struct rop_observed *t = w->truth;
	if (up(w, j))
		return rop_bit(t, t->linked, i, j) ? (int)w->servers[j].claims.n - 1 : -1;
	int newest = -1;
	for (size_t k = 0; k < t->n; k++)
		if (up(w, k) && rop_bit(t, t->known, i, k) && w->heard[AT(w, k, j)] > newest)
			newest = w->heard[AT(w, k, j)];
	return newest;
}

/* Where two claim a slot and know each other, the greater config epoch has it (clusterUpdateSlotsConfigWith). */
static void yield_slots(struct world *w, size_t i, const struct claim *theirs)
{
	struct rop_node *node = &w->truth->nodes[i];
	if (!theirs->owns || node->role == ROP_ROLE_REPLICA || theirs->epoch <= node->epoch || !rop_slots_meet(&node->slots, &theirs->slots))
		return;
	for (size_t word = 0; word < ROP_SLOTS / 64; word++)
		node->slots.bits[word] &= ~theirs->slots.bits[word];
	trace(w->sim, "bus", "%zu gives slots up to a greater epoch", i);
	world_news(w, i);
}

static bool hear_pair(struct world *w, size_t i, size_t j, int64_t passed_ms)
{
	struct rop_observed *t = w->truth;
	int newest = newest_claim(w, i, j), *heard = &w->heard[AT(w, i, j)];
	if (newest <= *heard)
		return false;
	if (!now_or_later(w, passed_ms, w->tau_ms))
		return true;
	*heard = newest;
	w->servers[i].news = true;
	const struct claim *claim = &w->servers[j].claims.at[newest];
	if (newest == (int)w->servers[j].claims.n - 1)
		rop_bit_set(t, t->agrees, i, j);
	if (t->nodes[i].current_epoch < claim->epoch)
		t->nodes[i].current_epoch = claim->epoch;
	struct claim copy = *claim; /* what follows may add claims */
	yield_slots(w, i, &copy);
	return true;
}

/* ---- states ------------------------------------------------------------------------------------------------ */

static int64_t setting_number(const struct world *w, size_t node, const char *name, int64_t otherwise)
{
	int at = rop_observed_setting(w->truth, name);
	const char *value = at < 0 ? NULL : w->truth->nodes[node].settings[at];
	return value ? atoll(value) : otherwise;
}

static int64_t rejoin_ms(const struct world *w, size_t node)
{
	int64_t timeout = setting_number(w, node, "cluster-node-timeout", 15000);
	return timeout < REJOIN_MIN_MS ? REJOIN_MIN_MS : timeout > REJOIN_MAX_MS ? REJOIN_MAX_MS : timeout;
}

/* Covered, and most owners in reach, as this node has heard it. */
static bool would_be_ok(struct world *w, size_t i, bool *ret_sees_owner)
{
	const struct rop_observed *t = w->truth;
	struct server *server = &w->servers[i];
	struct rop_slots covered = { 0 };
	int owners = 0, owners_up = 0;
	for (size_t j = 0; j < t->n; j++) {
		int heard = w->heard[AT(w, i, j)];
		if (heard < 0 || !rop_bit(t, t->known, i, j) || !w->servers[j].claims.at[heard].owns)
			continue;
		if (server->news)
			rop_slots_join(&covered, &w->servers[j].claims.at[heard].slots);
		owners++;
		owners_up += rop_bit(t, t->linked, i, j);
	}
	if (server->news)
		server->covered = rop_slots_count(&covered) == ROP_SLOTS;
	server->news = false;
	*ret_sees_owner = owners > 0;
	return server->covered && owners_up * 2 > owners;
}

static bool turn_state(struct world *w, size_t i)
{
	struct server *server = &w->servers[i];
	struct rop_node *node = &w->truth->nodes[i];
	bool sees_owner, ok = would_be_ok(w, i, &sees_owner);
	if (!sees_owner)
		server->owner_seen_ms = NEVER;
	else if (server->owner_seen_ms == NEVER)
		server->owner_seen_ms = w->now_ms;
	if (!ok || node->state_ok) {
		node->state_ok = ok;
		return false;
	}
	if (node->role != ROP_ROLE_REPLICA && (w->now_ms < server->started_ms + WRITABLE_MS ||
					       w->now_ms < server->owner_seen_ms + rejoin_ms(w, i)))
		return true;
	node->state_ok = true;
	return true;
}

/* A first synchronisation waits for repl-diskless-sync-delay seconds, on the primary. */
static bool turn_link(struct world *w, size_t i)
{
	struct server *server = &w->servers[i];
	struct rop_node *node = &w->truth->nodes[i];
	if (node->role != ROP_ROLE_REPLICA || node->primary < 0)
		return false;
	size_t primary = (size_t)node->primary;
	if (!up(w, primary)) {
		node->link_up = node->syncing = false;
		server->link_ms = NEVER;
		return false;
	}
	bool more = node->epoch != w->truth->nodes[primary].epoch;
	node->epoch = w->truth->nodes[primary].epoch;
	if (node->link_up)
		return more;
	if (server->link_ms == NEVER)
		server->link_ms = w->now_ms + chance_between(&w->sim->chance, 20, 500) +
				  1000 * setting_number(w, primary, "repl-diskless-sync-delay", 5);
	node->syncing = w->now_ms + 100 > server->link_ms;
	if (w->now_ms >= server->link_ms) {
		node->link_up = true;
		node->syncing = false;
		node->keys = w->truth->nodes[primary].keys;
		server->link_ms = NEVER;
	}
	return true;
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

void gossip_step(struct world *w, int64_t passed_ms)
{
	const struct rop_observed *t = w->truth;
	bool more = acquaint(w, passed_ms);
	for (size_t i = 0; i < t->n; i++) {
		if (!up(w, i))
			continue;
		for (size_t j = 0; j < t->n; j++) {
			if (i == j || !rop_bit(t, t->known, i, j))
				continue;
			more |= link_pair(w, i, j, passed_ms);
			more |= hear_pair(w, i, j, passed_ms);
		}
		more |= turn_link(w, i);
		more |= turn_state(w, i);
		more |= w->servers[i].meeting > 0;
	}
	w->unsettled = more;
}
