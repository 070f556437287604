/* election.c - who is failing in whose eyes, and who takes over (clusterCron, clusterHandleSlaveFailover in 7.0).
 *
 * A node is failing for a viewer after the viewer's node timeout, and for all once a majority of the owners says so.
 * Then its replicas stand: half a second, and up to as much again, and a second for each with a greater offset, later.
 * Owners that see the old primary fail and know the candidate as its replica vote; a majority of all is needed. Who has
 * data that is too old, never had a link, or may not (cluster-replica-no-failover) does not stand.
 * What data it has nobody asks: that is the servers' part of what a wrong REPLICATE does.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

#define STAND_MS 500
#define RANK_MS 1000
#define AGAIN_TIMEOUTS 4
#define UNDO_TIMEOUTS 2
#define VALIDITY_FACTOR 10
#define PING_PERIOD_MS 10000

struct victim {
	int node, ghost;
}; /* one of both; the other is -1 */

int64_t election_timeout_ms(const struct world *w, size_t node)
{
	return gossip_setting(w, node, "cluster-node-timeout", 15000);
}

/* ---- owners ------------------------------------------------------------------------------------------------ */

/* What it owns, all claims of greater epochs taken off: the truth of who would be asked to vote. */
static struct rop_slots owned(const struct world *w, const struct rop_slots *slots, int64_t epoch)
{
	struct rop_slots left = *slots;
	for (size_t k = 0; w->contested && k < w->truth->n; k++) {
		const struct rop_node *other = &w->truth->nodes[k];
		if (other->epoch > epoch && other->role == ROP_ROLE_PRIMARY)
			rop_slots_drop(&left, &other->slots);
	}
	return left;
}

static struct rop_slots owned_by(const struct world *w, struct victim v)
{
	if (v.ghost >= 0)
		return owned(w, &w->ghosts.at[v.ghost].slots, w->ghosts.at[v.ghost].epoch);
	return owned(w, &w->truth->nodes[v.node].slots, w->truth->nodes[v.node].epoch);
}

static bool is_owner(const struct world *w, size_t node)
{
	if (rop_slots_empty(&w->truth->nodes[node].slots) || w->truth->nodes[node].role != ROP_ROLE_PRIMARY)
		return false;
	struct rop_slots slots = owned_by(w, (struct victim){ (int)node, -1 });
	return !rop_slots_empty(&slots);
}

static size_t count_owners(const struct world *w)
{
	size_t n = 0;
	for (size_t i = 0; i < w->truth->n; i++)
		n += is_owner(w, i);
	for (size_t g = 0; g < w->ghosts.n; g++) {
		struct rop_slots slots = owned_by(w, (struct victim){ -1, (int)g });
		n += !w->ghosts.at[g].forgotten && !rop_slots_empty(&slots);
	}
	return n;
}

static bool sees_fail(const struct world *w, size_t viewer, struct victim v)
{
	if (v.ghost >= 0)
		return w->ghosts.at[v.ghost].failing[viewer / 64] >> (viewer % 64) & 1;
	return rop_bit(w->truth, w->truth->failing, viewer, (size_t)v.node);
}

static bool knows(const struct world *w, size_t viewer, struct victim v)
{
	if (v.ghost >= 0)
		return ghost_is_listed(&w->ghosts.at[v.ghost], viewer);
	return rop_bit(w->truth, w->truth->known, viewer, (size_t)v.node);
}

static int64_t *fail_ms_of(struct world *w, struct victim v)
{
	return v.ghost >= 0 ? &w->ghosts.at[v.ghost].fail_ms : &w->servers[v.node].fail_ms;
}

/* ---- failing ----------------------------------------------------------------------------------------------- */

static void mark(struct world *w, size_t viewer, struct victim v)
{
	w->servers[viewer].news = w->unsettled = true;
	if (v.ghost >= 0) {
		w->ghosts.at[v.ghost].failing[viewer / 64] |= (uint64_t)1 << (viewer % 64);
		return;
	}
	rop_bit_set(w->truth, w->truth->failing, viewer, (size_t)v.node);
	rop_bit_clear(w->truth, w->truth->linked, viewer, (size_t)v.node);
}

static void suspect(struct world *w, struct victim v, int64_t down_ms)
{
	for (size_t i = 0; i < w->truth->n; i++) {
		if (!w->servers[i].up || !knows(w, i, v) || sees_fail(w, i, v) || (int)i == v.node)
			continue;
		int64_t since = down_ms > w->servers[i].started_ms ? down_ms : w->servers[i].started_ms;
		if (w->lines && bus_line(w, i, (size_t)v.node)->tried_ms == NEVER) /* noaddr, or heard */
			continue;
		if (w->lines && bus_line(w, i, (size_t)v.node)->tried_ms > since)
			since = bus_line(w, i, (size_t)v.node)->tried_ms;
		if (w->now_ms >= since + election_timeout_ms(w, i) || *fail_ms_of(w, v) != NEVER)
			mark(w, i, v);
		else
			world_wake(w, since + election_timeout_ms(w, i));
	}
}

static void agree_on_fail(struct world *w, struct victim v)
{
	size_t say_so = 0;
	if (*fail_ms_of(w, v) != NEVER)
		return;
	for (size_t i = 0; i < w->truth->n; i++)
		say_so += w->servers[i].up && sees_fail(w, i, v) && is_owner(w, i) && bus_is_in_touch(w, i);
	if (!say_so || say_so * 2 <= count_owners(w))
		return;
	*fail_ms_of(w, v) = w->now_ms;
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->servers[i].up && knows(w, i, v) && (int)i != v.node && bus_is_in_touch(w, i))
			mark(w, i, v);
	trace(w->sim, "bus", "%s%d is failing, a majority says", v.ghost >= 0 ? "the ghost of " : "",
	      v.ghost >= 0 ? w->ghosts.at[v.ghost].node : v.node);
}

bool election_holds_fail(const struct world *w, size_t viewer, size_t subject)
{
	const struct server *server = &w->servers[subject];
	if (server->fail_ms == NEVER || w->now_ms >= server->fail_ms + UNDO_TIMEOUTS * election_timeout_ms(w, viewer))
		return false;
	struct rop_slots slots = moves_view(w, viewer, subject);
	return !rop_slots_empty(&slots);
}

/* ---- standing ---------------------------------------------------------------------------------------------- */

static bool follows(const struct world *w, size_t node, struct victim v)
{
	const struct rop_node *n = &w->truth->nodes[node];
	if (n->role != ROP_ROLE_REPLICA)
		return false;
	return v.ghost >= 0 ? w->servers[node].ghost == v.ghost : n->primary == v.node && w->servers[node].ghost < 0;
}

static bool may_not(const struct world *w, size_t node)
{
	int at = rop_observed_setting(w->truth, "cluster-replica-no-failover");
	const char *value = at < 0 ? NULL : w->truth->nodes[node].settings[at];
	return value && strcmp(value, "yes") == 0;
}

static bool may_stand(const struct world *w, size_t node, struct victim v)
{
	const struct server *server = &w->servers[node];
	int64_t timeout = election_timeout_ms(w, node);
	if (!server->up || !follows(w, node, v) || !sees_fail(w, node, v) || may_not(w, node) ||
	    w->now_ms < server->again_ms || w->now_ms < server->loading_until_ms)
		return false;
	if (w->truth->nodes[node].link_up)
		return true;
	return server->cut_ms != NEVER &&
	       w->now_ms - server->cut_ms - timeout <= PING_PERIOD_MS + timeout * VALIDITY_FACTOR;
}

static int64_t rank_of(const struct world *w, size_t node, struct victim v)
{
	int64_t rank = 0;
	for (size_t i = 0; i < w->truth->n; i++)
		rank += i != node && w->servers[i].up && follows(w, i, v) &&
			w->servers[i].count > w->servers[node].count;
	return rank;
}

static bool votes_for(const struct world *w, size_t voter, size_t candidate)
{
	return w->servers[voter].up && is_owner(w, voter) && bus_is_in_touch(w, voter) &&
	       bus_is_in_touch(w, candidate) && rop_bit(w->truth, w->truth->known, voter, candidate) &&
	       rop_bit(w->truth, w->truth->known, candidate, voter) &&
	       w->heard[AT(w, voter, candidate)] == (int)w->servers[candidate].claims.n - 1;
}

static bool gives_vote(const struct world *w, size_t voter, size_t candidate, struct victim v)
{
	return sees_fail(w, voter, v) && votes_for(w, voter, candidate);
}

static void win(struct world *w, size_t node, struct victim v)
{
	struct rop_node *n = &w->truth->nodes[node];
	struct rop_slots slots = owned_by(w, v);
	int64_t epoch = 0;
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->truth->nodes[i].current_epoch > epoch)
			epoch = w->truth->nodes[i].current_epoch;
	if (v.node >= 0)
		moves_inherit_nothing(w, (size_t)v.node);
	data_flow(w);
	data_promote(w, node, (size_t)(v.ghost >= 0 ? w->ghosts.at[v.ghost].node : v.node));
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->servers[i].up && rop_bit(w->truth, w->truth->known, i, node))
			w->truth->nodes[i].current_epoch = epoch + 1;
	n->role = ROP_ROLE_PRIMARY;
	n->primary = w->servers[node].ghost = -1;
	n->primary_id[0] = '\0';
	n->epoch = n->current_epoch = epoch + 1;
	n->slots = slots;
	rop_slots_drop(&w->moved, &slots);
	n->link_up = n->syncing = false;
	w->servers[node].link_ms = w->servers[node].fill_ms = NEVER;
	w->servers[node].pointed = TOLD_NOBODY;
	w->contested = true;
	world_news(w, node);
	trace(w->sim, "bus", "%zu takes over from %s%d with epoch %" PRId64 " and %" PRId64 " keys", node,
	      v.ghost >= 0 ? "the ghost of " : "", v.ghost >= 0 ? w->ghosts.at[v.ghost].node : v.node, n->epoch,
	      n->keys);
}

/* CLUSTER FAILOVER: nobody sees the primary fail, and all vote as if. It is asked for by who has caught up. */
bool election_hand_over(struct world *w, size_t node, size_t primary)
{
	struct victim v = { (int)primary, -1 };
	size_t votes = 0;
	if (!w->servers[node].up || !w->servers[primary].up || !follows(w, node, v) || !w->truth->nodes[node].link_up ||
	    !is_owner(w, primary))
		return false;
	for (size_t i = 0; i < w->truth->n; i++)
		votes += votes_for(w, i, node);
	if (votes * 2 <= count_owners(w))
		return false;
	data_take_over(w, node, primary);
	win(w, node, v);
	return true;
}

/* CLUSTER FAILOVER FORCE, of who follows an id that nobody has any more: all vote as if it had failed. */
bool election_take_over(struct world *w, size_t node)
{
	struct victim v = { -1, w->servers[node].ghost };
	size_t votes = 0;
	if (v.ghost < 0 || w->ghosts.at[v.ghost].forgotten)
		return false;
	for (size_t i = 0; i < w->truth->n; i++)
		votes += votes_for(w, i, node);
	if (votes * 2 <= count_owners(w))
		return false;
	sim_lived(w->sim, LIVED_TAKEN_OVER);
	win(w, node, v);
	return true;
}

/* CLUSTER FAILOVER TAKEOVER */
bool election_take_over_unvoted(struct world *w, size_t node)
{
	struct victim v = { w->truth->nodes[node].primary, -1 };
	if (v.node < 0 || !follows(w, node, v))
		return false;
	win(w, node, v);
	return true;
}

int64_t election_again_ms(const struct world *w, size_t node)
{
	return w->now_ms + AGAIN_TIMEOUTS * election_timeout_ms(w, node);
}

static void stand(struct world *w, size_t node, struct victim v)
{
	struct server *server = &w->servers[node];
	size_t votes = 0;
	if (server->stand_ms == NEVER)
		server->stand_ms = w->now_ms + STAND_MS + (int64_t)(world_luck(w, 's', node, 0) % STAND_MS) +
				   RANK_MS * rank_of(w, node, v);
	if (w->now_ms < server->stand_ms) {
		world_wake(w, server->stand_ms);
		return;
	}
	server->stand_ms = NEVER;
	for (size_t i = 0; i < w->truth->n; i++)
		votes += gives_vote(w, i, node, v);
	if (votes * 2 > count_owners(w)) {
		sim_lived(w->sim, LIVED_FAILOVER);
		win(w, node, v);
		return;
	}
	server->again_ms = election_again_ms(w, node);
	world_wake(w, server->again_ms);
}

static void succeed(struct world *w, struct victim v)
{
	struct rop_slots slots = { 0 };
	if (*fail_ms_of(w, v) != NEVER)
		slots = owned_by(w, v);
	for (size_t i = 0; i < w->truth->n; i++) {
		if (!follows(w, i, v))
			continue;
		if (rop_slots_empty(&slots) || !may_stand(w, i, v)) {
			w->servers[i].stand_ms = NEVER;
			continue;
		}
		stand(w, i, v);
		if (w->truth->nodes[i].role == ROP_ROLE_PRIMARY)
			return;
	}
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

void election_step(struct world *w)
{
	if (!w->elections)
		return;
	for (size_t j = 0; j < w->truth->n; j++) {
		struct victim v = { (int)j, -1 };
		if (!bus_is_there(w, j) || bus_is_missed(w, j)) {
			suspect(w, v, w->servers[j].up ? 0 : w->servers[j].down_ms);
			agree_on_fail(w, v);
			succeed(w, v);
		} else if (w->servers[j].fail_ms != NEVER) {
			bool held = false;
			for (size_t i = 0; i < w->truth->n; i++)
				held |= w->servers[i].up && sees_fail(w, i, v);
			if (held) {
				succeed(w, v);
				continue;
			}
			w->servers[j].fail_ms = NEVER;
			w->unmarked_ms = w->now_ms;
		}
	}
	for (size_t g = 0; g < w->ghosts.n; g++) {
		struct victim v = { -1, (int)g };
		if (w->ghosts.at[g].forgotten)
			continue;
		agree_on_fail(w, v);
		succeed(w, v);
	}
}
