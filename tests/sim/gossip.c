/* gossip.c - what rop_settle does at once, spread over time: acquaintance pair by pair, then links and agreement pair
 * by pair, then links of replicas and cluster states with their delays. honest.c holds the end against rop_settle. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define UNLINK_MS 1500    /* until a silent peer is seen as failing, about */
#define WRITABLE_MS 2000  /* a primary that was just started (CLUSTER_WRITABLE_DELAY) */
#define REJOIN_MIN_MS 500 /* clamp of the delay after it sees an owner of slots (clusterUpdateState) */
#define REJOIN_MAX_MS 5000

static bool up(const struct world *w, size_t i)
{
	return w->servers[i].up;
}

/* For a thing that takes about tau_ms: does it happen at this tick, between these two? */
static bool now_or_later(const struct world *w, uint64_t what, size_t a, size_t b, int64_t passed_ms, int64_t tau_ms)
{
	return passed_ms >= tau_ms || (int64_t)(world_luck(w, what, a, b) % 1000) < passed_ms * 1000 / tau_ms;
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
		for (size_t g = 0; g < w->ghosts.n; g++)
			others += ghost_is_listed(&w->ghosts.at[g], i);
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
			if (rop_bit(t, t->known, k, i) && !rop_bit(t, t->known, i, k) && bus_hears(w, k, i) &&
			    bus_can_meet(w, i, k) && leave_may_dial(w, i, k)) {
				more = true;
				if (now_or_later(w, 'd', i, k, passed_ms, w->tau_ms)) {
					rop_bit_set(t, t->known, i, k);
					leave_known(w, i, k);
				}
			}
			if (!rop_bit(t, t->known, i, k) || !(bus_hears(w, i, k) || bus_hears(w, k, i)))
				continue;
			for (size_t word = 0; word < t->words; word++) {
				uint64_t news = t->known[k * t->words + word] & ~t->known[i * t->words + word];
				for (; news; news &= news - 1) {
					size_t whom = word * 64 + (size_t)__builtin_ctzll(news);
					if (!bus_has_heard_of(w, i, k, whom) || !leave_may_hear(w, i, whom))
						continue;
					more = true;
					if (!now_or_later(w, 'g', i, k << 8 ^ whom, passed_ms, 2 * w->tau_ms))
						continue;
					t->known[i * t->words + word] |= news & -news;
					leave_known(w, i, whom);
				}
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
	bool heard = bus_hears(w, i, j);
	if (linked == heard)
		return false;
	if (heard && now_or_later(w, 'l', i, j, passed_ms, w->tau_ms) && !election_holds_fail(w, i, j)) {
		rop_bit_set(t, t->linked, i, j);
		rop_bit_clear(t, t->failing, i, j);
		w->servers[i].news = true;
	}
	if (!heard && now_or_later(w, 'u', i, j, passed_ms, UNLINK_MS))
		rop_bit_clear(t, t->linked, i, j);
	return true;
}

/* The newest of j's claims that i can get: j's own header, or what somebody i knows has heard (an UPDATE packet). */
static int newest_claim(const struct world *w, size_t i, size_t j)
{
	const struct rop_observed *t = w->truth;
	bool in_touch = rop_bit(t, t->linked, i, j) || (w->lines && rop_bit(t, t->linked, j, i));
	if (up(w, j) && (in_touch || !w->lines))
		return in_touch ? (int)w->servers[j].claims.n - 1 : -1;
	int newest = -1;
	for (size_t k = 0; k < t->n; k++)
		if (up(w, k) && rop_bit(t, t->known, i, k) && (!w->lines || rop_bit(t, t->linked, i, k)) &&
		    w->heard[AT(w, k, j)] > newest)
			newest = w->heard[AT(w, k, j)];
	return newest;
}

void gossip_follow(struct world *w, size_t node, size_t primary)
{
	struct rop_node *n = &w->truth->nodes[node];
	struct server *server = &w->servers[node];
	if (n->link_up)
		server->cut_ms = w->now_ms;
	n->role = ROP_ROLE_REPLICA;
	n->primary = (int)primary;
	memcpy(n->primary_id, w->truth->nodes[primary].id, ROP_ID_SIZE);
	n->epoch = w->truth->nodes[primary].epoch;
	n->link_up = n->syncing = false;
	server->ghost = -1;
	server->link_ms = server->fill_ms = server->stand_ms = NEVER;
	server->again_ms = 0;
	moves_close_all(w, node);
	world_news(w, node);
	trace(w->sim, "bus", "%zu follows %zu by itself", node, primary);
}

bool gossip_may_follow(const struct world *w, size_t node)
{
	int at = rop_observed_setting(w->truth, ROP_REPLICA_MIGRATION);
	const char *value = at < 0 ? NULL : w->truth->nodes[node].settings[at];
	return !value || strcmp(value, "no") != 0;
}

/* A fail-over: who claims them owns nothing else. That is followed always. */
static bool are_all_its_own(const struct rop_slots *lost, const struct claim *theirs)
{
	return rop_slots_common(lost, &theirs->slots) == rop_slots_count(&theirs->slots);
}

/* Where two claim a slot and know each other, the greater config epoch has it (clusterUpdateSlotsConfigWith). Who has
 * none left follows the winner; who has some deletes the keys of those that are gone. */
static void yield_slots(struct world *w, size_t i, size_t j, const struct claim *theirs)
{
	struct rop_node *node = &w->truth->nodes[i];
	if (!theirs->owns || node->role == ROP_ROLE_REPLICA || theirs->epoch <= node->epoch ||
	    !rop_slots_meet(&node->slots, &theirs->slots))
		return;
	struct rop_slots lost = theirs->slots;
	for (size_t word = 0; word < ROP_SLOTS / 64; word++) {
		lost.bits[word] &= node->slots.bits[word];
		node->slots.bits[word] &= ~theirs->slots.bits[word];
	}
	trace(w->sim, "bus", "%zu gives slots up to a greater epoch", i);
	if (w->elections && rop_slots_empty(&node->slots) &&
	    (gossip_may_follow(w, i) || are_all_its_own(&lost, theirs))) {
		gossip_follow(w, i, j);
		return;
	}
	data_drop_slots(w, i, &lost);
	world_news(w, i);
}

/* The slots of its primary are another's now, or its primary follows somebody itself: it follows there. */
static void follow_winner(struct world *w, size_t i, size_t j, const struct claim *theirs)
{
	const struct rop_observed *t = w->truth;
	const struct rop_node *node = &t->nodes[i];
	const struct server *server = &w->servers[i];
	int primary = node->primary;
	if (!w->elections || node->role != ROP_ROLE_REPLICA || primary == (int)j || !theirs->owns)
		return;
	if (server->ghost >= 0) {
		const struct ghost *ghost = &w->ghosts.at[server->ghost];
		if (rop_slots_meet(&ghost->slots, &theirs->slots) && theirs->epoch > ghost->epoch &&
		    (gossip_may_follow(w, i) || are_all_its_own(&ghost->slots, theirs)))
			gossip_follow(w, i, j);
		return;
	}
	if (primary < 0 || w->heard[AT(w, i, primary)] < 0)
		return;
	const struct claim *old = &w->servers[primary].claims.at[w->heard[AT(w, i, primary)]];
	struct rop_slots left = moves_view(w, i, (size_t)primary);
	if (rop_slots_empty(&left) && rop_slots_meet(&old->slots, &theirs->slots) &&
	    (gossip_may_follow(w, i) || are_all_its_own(&old->slots, theirs)))
		gossip_follow(w, i, j);
}

static void follow_further(struct world *w, size_t i, size_t j, const struct claim *theirs)
{
	if (w->elections && w->truth->nodes[i].role == ROP_ROLE_REPLICA && w->truth->nodes[i].primary == (int)j &&
	    theirs->role == ROP_ROLE_REPLICA && theirs->primary >= 0 && theirs->primary != (int)i)
		gossip_follow(w, i, (size_t)theirs->primary);
}

/* A primary that went back is not believed: clusterProcessPacket takes a greater config epoch only. */
static bool is_smaller_epoch(const struct claim *claim, const struct claim *heard)
{
	return claim->role != ROP_ROLE_REPLICA && heard->role != ROP_ROLE_REPLICA && claim->epoch < heard->epoch;
}

static bool hear_pair(struct world *w, size_t i, size_t j, int64_t passed_ms)
{
	struct rop_observed *t = w->truth;
	int newest = newest_claim(w, i, j), *heard = &w->heard[AT(w, i, j)];
	if (newest <= *heard)
		return false;
	if (*heard >= 0 && is_smaller_epoch(&w->servers[j].claims.at[newest], &w->servers[j].claims.at[*heard]))
		return false;
	if (!now_or_later(w, 'h', i, j, passed_ms, w->tau_ms))
		return true;
	*heard = newest;
	w->servers[i].news = true;
	const struct claim *claim = &w->servers[j].claims.at[newest];
	if (newest == (int)w->servers[j].claims.n - 1)
		rop_bit_set(t, t->agrees, i, j);
	if (t->nodes[i].current_epoch < claim->epoch)
		t->nodes[i].current_epoch = claim->epoch;
	struct claim copy = *claim; /* what follows may add claims */
	if (copy.role == ROP_ROLE_REPLICA)
		moves_heard_replica(w, i, j);
	yield_slots(w, i, j, &copy);
	follow_winner(w, i, j, &copy);
	follow_further(w, i, j, &copy);
	return true;
}

/* ---- states ------------------------------------------------------------------------------------------------ */

int64_t gossip_setting(const struct world *w, size_t node, const char *name, int64_t otherwise)
{
	int at = rop_observed_setting(w->truth, name);
	const char *value = at < 0 ? NULL : w->truth->nodes[node].settings[at];
	return value ? atoll(value) : otherwise;
}

static int64_t rejoin_ms(const struct world *w, size_t node)
{
	int64_t timeout = gossip_setting(w, node, "cluster-node-timeout", 15000);
	if (timeout < REJOIN_MIN_MS)
		return REJOIN_MIN_MS;
	return timeout > REJOIN_MAX_MS ? REJOIN_MAX_MS : timeout;
}

struct rop_slots gossip_slots_of(const struct world *w, const int *heard, const uint64_t *known, size_t subject)
{
	struct rop_slots slots = { 0 };
	if (heard[subject] < 0)
		return slots;
	const struct claim *claim = &w->servers[subject].claims.at[heard[subject]];
	slots = claim->slots;
	for (size_t k = 0; w->contested && claim->owns && k < w->truth->n; k++) {
		if (k == subject || heard[k] < 0 || !(known[k / 64] >> (k % 64) & 1))
			continue;
		const struct claim *other = &w->servers[k].claims.at[heard[k]];
		if (other->owns && other->epoch > claim->epoch)
			rop_slots_drop(&slots, &other->slots);
	}
	return slots;
}

static void count_ghosts(struct world *w, size_t i, struct rop_slots *all, struct rop_slots *covered)
{
	w->servers[i].ghosts_owning = 0;
	for (size_t g = 0; g < w->ghosts.n; g++) {
		struct ghost *ghost = &w->ghosts.at[g];
		if (!ghost_is_listed(ghost, i))
			continue;
		struct rop_slots left = ghost->slots;
		rop_slots_drop(&left, all);
		w->servers[i].ghosts_owning += !rop_slots_empty(&left);
		rop_slots_join(all, &left);
		if (!(ghost->failing[i / 64] >> (i % 64) & 1))
			rop_slots_join(covered, &left);
	}
}

/* After news: who owns slots, and are all owned by somebody that does not fail? */
static void take_stock(struct world *w, size_t i)
{
	const struct rop_observed *t = w->truth;
	struct server *server = &w->servers[i];
	struct rop_slots covered = { 0 }, all = { 0 }, left;
	memset(server->owners, 0, t->words * sizeof *server->owners);
	for (size_t j = 0; j < t->n; j++) {
		int heard = w->heard[AT(w, i, j)];
		if (heard < 0 || !rop_bit(t, t->known, i, j) || !w->servers[j].claims.at[heard].owns)
			continue;
		const struct rop_slots *slots = &w->servers[j].claims.at[heard].slots;
		if (w->contested) {
			left = moves_view(w, i, j);
			slots = &left;
		}
		if (rop_slots_empty(slots))
			continue;
		server->owners[j / 64] |= (uint64_t)1 << (j % 64);
		if (w->ghosts.n)
			rop_slots_join(&all, slots);
		bool suspected = w->lines && up(w, j) && w->servers[j].fail_ms == NEVER; /* "fail?" still covers */
		if (!rop_bit(t, t->failing, i, j) || suspected)
			rop_slots_join(&covered, slots);
	}
	count_ghosts(w, i, &all, &covered);
	server->covered = rop_slots_count(&covered) == ROP_SLOTS;
	server->news = false;
}

/* Covered, and most owners in reach, as this node has heard it. */
static bool would_be_ok(struct world *w, size_t i, bool *ret_sees_owner)
{
	const struct rop_observed *t = w->truth;
	struct server *server = &w->servers[i];
	int owners = 0, owners_up = 0;
	if (server->news)
		take_stock(w, i);
	for (size_t word = 0; word < t->words; word++) {
		uint64_t reached = w->elections ? ~t->failing[i * t->words + word] : t->linked[i * t->words + word];
		owners += __builtin_popcountll(server->owners[word]);
		owners_up += __builtin_popcountll(server->owners[word] & reached);
	}
	*ret_sees_owner = owners > 0;
	return server->covered && owners_up * 2 > owners + (int)server->ghosts_owning;
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
	if (node->role != ROP_ROLE_REPLICA &&
	    (w->now_ms < server->started_ms + WRITABLE_MS || w->now_ms < server->owner_seen_ms + rejoin_ms(w, i)))
		return true;
	node->state_ok = true;
	return true;
}

/* It asks where its entry of the primary says; noaddr leaves it where it asked before. */
static bool is_at_its_primary(const struct world *w, size_t i, int primary)
{
	return !w->lines || w->clone == primary || bus_line(w, i, (size_t)primary)->place == primary;
}

static int source_of(const struct world *w, size_t i)
{
	int ghost = w->servers[i].ghost;
	return ghost >= 0 ? w->ghosts.at[ghost].node : w->truth->nodes[i].primary;
}

static void cut_link(struct world *w, size_t i, int primary)
{
	struct rop_node *node = &w->truth->nodes[i];
	struct server *server = &w->servers[i];
	if (node->link_up)
		server->cut_ms = primary >= 0 && !up(w, (size_t)primary) ? w->servers[primary].down_ms : w->now_ms;
	node->link_up = node->syncing = false;
	server->link_ms = server->fill_ms = NEVER;
	for (size_t p = 0; p < w->truth->n; p++)
		rop_bit_clear(w->truth, w->truth->online, p, i);
}

/* It goes on where it was, which is quick; or it takes all of its primary's data over, which waits for
 * repl-diskless-sync-delay seconds on the primary. Data of another root is gone before the new one is there. */
static void begin_link(struct world *w, size_t i, size_t primary)
{
	struct server *server = &w->servers[i];
	int64_t soon = 20 + (int64_t)(world_luck(w, 'r', i, primary) % 480);
	if (data_can_continue(w, i, primary)) {
		server->link_ms = w->now_ms + soon;
		return;
	}
	int64_t fills = 100 +
			(int64_t)(world_luck(w, 'f', i, primary) % 4 == 0 ? world_luck(w, 'F', i, primary) % 3000 : 0);
	server->fill_ms = w->now_ms + soon + 1000 * gossip_setting(w, primary, "repl-diskless-sync-delay", 5);
	server->link_ms = server->fill_ms + fills;
}

/* Its primary is gone, and a clone of that one is there: it follows that, which is empty. While both are there it is
 * sent from one to the other, and where a synchronisation does not wait (repl-diskless-sync-delay 0) it may end. */
static bool follow_clone(struct world *w, size_t i, size_t primary)
{
	struct server *server = &w->servers[i];
	int64_t delay_ms = 1000 * gossip_setting(w, primary, "repl-diskless-sync-delay", 5);
	if (w->clone != (int)primary || w->truth->nodes[i].keys == 0)
		return false;
	if (up(w, primary)) {
		if (!delay_ms && world_luck(w, 'c', i, primary) % 50 == 0) {
			cut_link(w, i, (int)primary);
			data_follow_clone(w, i);
		}
		return delay_ms == 0;
	}
	if (server->fill_ms == NEVER)
		server->fill_ms = w->now_ms + delay_ms + 500;
	if (w->now_ms >= server->fill_ms)
		data_follow_clone(w, i);
	return true;
}

static bool turn_link(struct world *w, size_t i)
{
	struct server *server = &w->servers[i];
	struct rop_node *node = &w->truth->nodes[i];
	int source = source_of(w, i);
	if (node->role != ROP_ROLE_REPLICA)
		return false;
	bool torn = source >= 0 && follow_clone(w, i, (size_t)source);
	bool severed = w->now_ms < server->severed_until_ms;
	if (source < 0 || !up(w, (size_t)source) || severed ||
	    (server->ghost < 0 && !is_at_its_primary(w, i, source))) {
		int64_t fill_ms = server->fill_ms;
		cut_link(w, i, source);
		server->fill_ms = torn ? fill_ms : NEVER;
		if (severed && server->severed_until_ms != NEVER)
			world_wake(w, server->severed_until_ms);
		return torn;
	}
	size_t primary = (size_t)source;
	bool more = torn || (server->ghost < 0 && node->epoch != w->truth->nodes[primary].epoch);
	if (server->ghost < 0)
		node->epoch = w->truth->nodes[primary].epoch;
	if (node->link_up && server->history == w->servers[primary].history)
		return more;
	if (node->link_up)
		cut_link(w, i, source); /* its primary was started anew, or goes on in another history */
	if (server->link_ms == NEVER)
		begin_link(w, i, primary);
	if (w->now_ms >= server->fill_ms && !node->syncing) {
		node->syncing = true;
		if (!data_same_root(w, i, primary))
			data_throw_away(w, i);
	}
	if (w->now_ms >= server->link_ms) {
		node->link_up = true;
		node->syncing = false;
		server->link_ms = server->fill_ms = server->cut_ms = NEVER;
		rop_bit_set(w->truth, w->truth->online, primary, i);
		data_take_over(w, i, primary);
	}
	return true;
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

void gossip_step(struct world *w, int64_t passed_ms)
{
	const struct rop_observed *t = w->truth;
	bool more = acquaint(w, passed_ms);
	more |= shards_spread(w, passed_ms);
	more |= bus_step(w, passed_ms);
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
	if (w->ghosts.n)
		ghost_spread(w);
	w->unsettled = more; /* an election that comes later wakes it */
	election_step(w);
}
