/* leave.c - CLUSTER RESET HARD, FORGET and FAILOVER, as servers do them (clusterReset, clusterBlacklistAddNode,
 * clusterStartHandshake in 7.0).
 *
 * Who forgets a node does not let it in again by gossip for a minute, as long as its process lives; a MEET gets
 * through. Afterwards it is let in again where somebody still lists it. One that nobody lists and that lists the others
 * comes back by itself with Valkey (8.1), not with Redis.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

#define BAN_MS 60000         /* CLUSTER_BLACKLIST_TTL */
#define HAND_OVER_MS 5000    /* CLUSTER_MF_TIMEOUT */
#define ADDRESS_KNOWN_MS 800 /* until all have found another id where the old one was */

static void refuse(struct world *w, struct delivery *d, const char *text)
{
	d->ok = false;
	d->text = text;
	w->sim->stats->refused++;
}

/* ---- who is let in again ------------------------------------------------------------------------------------- */

void leave_begin_world(struct world *w)
{
	w->banned_ms = rop_alloc_n(w->arena, w->truth->n * w->truth->n, sizeof *w->banned_ms);
	w->forgot = rop_alloc_n(w->arena, w->truth->n * w->truth->words, sizeof *w->forgot);
	w->remeets = world_luck(w, 'V', 0, 0) % 2;
}

bool leave_may_dial(const struct world *w, size_t viewer, size_t subject)
{
	return w->remeets || !rop_bit(w->truth, w->forgot, viewer, subject);
}

bool leave_may_hear(struct world *w, size_t viewer, size_t subject)
{
	int64_t until_ms = w->banned_ms[AT(w, viewer, subject)];
	if (w->now_ms < until_ms) {
		world_wake(w, until_ms);
		return false;
	}
	return w->servers[subject].up || !rop_bit(w->truth, w->forgot, viewer, subject);
}

void leave_known(struct world *w, size_t viewer, size_t subject)
{
	if (rop_bit(w->truth, w->forgot, viewer, subject)) {
		trace(w->sim, "bus", "%zu lists %zu again", viewer, subject);
		sim_lived(w->sim, LIVED_LISTED_AGAIN);
	}
	rop_bit_clear(w->truth, w->forgot, viewer, subject);
	rop_bit_clear(w->truth, w->forgot, subject, viewer);
	w->banned_ms[AT(w, viewer, subject)] = 0;
}

/* What a process has banned it does not write down. */
void leave_started(struct world *w, size_t node)
{
	for (size_t i = 0; i < w->truth->n; i++)
		w->banned_ms[AT(w, node, i)] = 0;
	for (size_t g = 0; g < w->ghosts.n; g++)
		w->ghosts.at[g].banned_ms[node] = 0;
}

/* It is another one now: what was forgotten was who it had been. */
void leave_renewed(struct world *w, size_t node, struct ghost *ghost)
{
	for (size_t i = 0; i < w->truth->n; i++) {
		ghost->banned_ms[i] = w->banned_ms[AT(w, i, node)];
		w->banned_ms[AT(w, i, node)] = w->banned_ms[AT(w, node, i)] = 0;
		rop_bit_clear(w->truth, w->forgot, i, node);
		rop_bit_clear(w->truth, w->forgot, node, i);
	}
}

/* Who hears of the old id asks at its address, and finds the new one there. */
bool leave_finds_new(struct world *w, const struct ghost *ghost, size_t viewer)
{
	size_t node = (size_t)ghost->node;
	if (!ghost->reset || w->now_ms > ghost->since_ms + ADDRESS_KNOWN_MS || !w->servers[node].up || viewer == node ||
	    rop_bit(w->truth, w->truth->known, viewer, node))
		return false;
	rop_bit_set(w->truth, w->truth->known, viewer, node);
	leave_known(w, viewer, node);
	sim_lived(w->sim, LIVED_NEW_LISTED);
	trace(w->sim, "bus", "%zu looks for %.8s, which was reset, and lists %zu as %.8s", viewer, ghost->id, node,
	      w->truth->nodes[node].id);
	return true;
}

/* ---- FORGET -------------------------------------------------------------------------------------------------- */

static struct ghost *ghost_at(struct world *w, size_t viewer, const char *id)
{
	for (size_t g = 0; g < w->ghosts.n; g++)
		if (strcmp(w->ghosts.at[g].id, id) == 0 && ghost_is_listed(&w->ghosts.at[g], viewer))
			return &w->ghosts.at[g];
	return NULL;
}

static void forget_node(struct world *w, size_t viewer, size_t subject)
{
	const struct rop_observed *t = w->truth;
	uint64_t *matrices[] = { t->known, t->linked, t->agrees, t->failing };
	for (size_t m = 0; m < sizeof matrices / sizeof *matrices; m++)
		rop_bit_clear(t, matrices[m], viewer, subject);
	w->heard[AT(w, viewer, subject)] = -1;
	rop_bit_set(t, w->forgot, viewer, subject);
	w->banned_ms[AT(w, viewer, subject)] = w->now_ms + BAN_MS;
}

static void forget_ghost(struct world *w, size_t viewer, struct ghost *ghost)
{
	ghost->viewers[viewer / 64] &= ~((uint64_t)1 << (viewer % 64));
	ghost->failing[viewer / 64] &= ~((uint64_t)1 << (viewer % 64));
	ghost->banned_ms[viewer] = w->now_ms + BAN_MS;
}

/* A primary with a replica dies as FORGET is sent, which is executed late: while that replica stands for election. */
int64_t leave_race_ms(struct world *w, const struct rop_expect *forget, size_t node)
{
	if (forget->kind != ROP_STEP_FORGET || !w->elections || world_luck(w, 'f', node, 0) % 8)
		return 0;
	for (size_t i = 0; i < w->truth->n; i++) {
		const struct rop_node *replica = &w->truth->nodes[i];
		int primary = replica->primary;
		if (replica->role != ROP_ROLE_REPLICA || !replica->link_up || primary < 0 || primary == (int)node ||
		    !w->servers[i].up || !w->servers[primary].up ||
		    strcmp(w->truth->nodes[primary].id, forget->peer) == 0)
			continue;
		faults_death(w->sim, (size_t)primary);
		return election_timeout_ms(w, i) + (int64_t)(world_luck(w, 'f', node, 1) % 1500);
	}
	return 0;
}

static bool anybody_stands(const struct world *w)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->servers[i].up && w->servers[i].stand_ms != NEVER)
			return true;
	return false;
}

void leave_forget(struct world *w, struct delivery *d)
{
	size_t viewer = (size_t)d->node;
	const struct rop_node *node = &w->truth->nodes[viewer];
	const char *id = d->expect.peer;
	int subject = rop_observed_find(w->truth, id);
	struct ghost *ghost = ghost_at(w, viewer, id);
	if (subject == d->node) {
		refuse(w, d, "ERR I tried hard but I can't forget myself...");
		return;
	}
	if (!ghost && (subject < 0 || !rop_bit(w->truth, w->truth->known, viewer, (size_t)subject))) {
		refuse(w, d, "ERR Unknown node");
		return;
	}
	if (node->role == ROP_ROLE_REPLICA && strcmp(node->primary_id, id) == 0) {
		refuse(w, d, "ERR Can't forget my master!");
		return;
	}
	if (ghost)
		forget_ghost(w, viewer, ghost);
	else
		forget_node(w, viewer, (size_t)subject);
	moves_forget_at(w, viewer, id);
	w->servers[viewer].news = true;
	gossip_count_others(w);
	sim_lived(w->sim, LIVED_FORGOTTEN);
	if (anybody_stands(w))
		sim_lived(w->sim, LIVED_FORGET_RACES);
}

/* ---- RESET --------------------------------------------------------------------------------------------------- */

void leave_reset(struct world *w, struct delivery *d)
{
	size_t node = (size_t)d->node;
	struct rop_node *n = &w->truth->nodes[node];
	if (n->role != ROP_ROLE_REPLICA && n->keys > 0) {
		refuse(w, d, "ERR CLUSTER RESET can't be called with master nodes containing keys");
		return;
	}
	data_flow(w);
	bool replica = n->role == ROP_ROLE_REPLICA;
	if (replica)
		data_pointed(w, node, d->decided_ms < 0 ? TOLD_PERSON : TOLD_OPERATOR);
	n->link_up = n->syncing = n->state_ok = false;
	w->servers[node].cut_ms = w->servers[node].link_ms = w->servers[node].fill_ms = NEVER;
	ghost_renew(w, node, true);
	if (replica)
		data_throw_away(w, node);
	sim_lived(w->sim, LIVED_RESET);
}

/* FLUSHALL, then CLUSTER RESET SOFT. */
void leave_emptied(struct world *w, struct delivery *d)
{
	size_t node = (size_t)d->node;
	struct rop_node *n = &w->truth->nodes[node];
	if (n->role == ROP_ROLE_REPLICA) {
		refuse(w, d, "READONLY You can't write against a read only replica.");
		return;
	}
	data_flow(w);
	for (size_t k = 0; k < w->n_writes; k++) /* who consented named this copy */
		w->writes[k].by_person |= writes_has(&w->servers[node].has, k);
	data_throw_away(w, node);
	n->keys = 0;
	memset(&n->slots, 0, sizeof n->slots);
	sim_lived(w->sim, LIVED_EMPTIED);
	w->unsettled = true;
}

/* ---- FAILOVER ------------------------------------------------------------------------------------------------ */

/* The primary lets its clients wait, and the replica catch up; then that one is voted for. */
void leave_fail_over(struct world *w, struct delivery *d)
{
	size_t heir = (size_t)d->node;
	const struct rop_node *node = &w->truth->nodes[heir];
	if (node->role != ROP_ROLE_REPLICA || node->primary < 0) {
		bool forced = d->expect.value && node->role == ROP_ROLE_REPLICA;
		if (!forced)
			refuse(w, d, "ERR You should send CLUSTER FAILOVER to a replica");
		else if (!election_take_over(w, heir))
			trace(w->sim, "bus", "%zu has not the votes", heir);
		return;
	}
	if (!node->link_up || rop_bit(w->truth, w->truth->failing, heir, (size_t)node->primary)) {
		refuse(w, d, "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE");
		return;
	}
	if (w->now_ms < w->servers[heir].again_ms) { /* it does not stand again yet: the clients wait for nothing */
		w->servers[node->primary].held_until_ms = w->now_ms + HAND_OVER_MS;
		return;
	}
	struct chance luck = { world_luck(w, 'M', heir, 0) };
	bool trouble = sim_trouble(w->sim) && chance_permille(&luck, 2 * w->sim->trouble);
	if (trouble && chance_permille(&luck, 300))
		return; /* the packet is lost: OK proves nothing */
	w->servers[node->primary].held_until_ms = w->now_ms + HAND_OVER_MS;
	int64_t takes = trouble ? chance_between(&luck, 50, HAND_OVER_MS + 2000) : chance_between(&luck, 20, 400);
	world_at(w, w->now_ms + takes,
		 (struct event){ .kind = EVENT_HAND_OVER,
				 .node = d->node,
				 .peer = node->primary,
				 .delivery = d,
				 .amount = w->servers[node->primary].held_until_ms });
}

/* By its own word: nobody is asked. */
void leave_take_over(struct world *w, struct delivery *d)
{
	const struct rop_node *node = &w->truth->nodes[d->node];
	if (node->role != ROP_ROLE_REPLICA)
		refuse(w, d, "ERR You should send CLUSTER FAILOVER to a replica");
	else if (!election_take_over_unvoted(w, (size_t)d->node))
		refuse(w, d, "ERR I'm a replica but my master is unknown to me");
}

void leave_handed_over(struct world *w, const struct event *event)
{
	size_t heir = (size_t)event->node, primary = (size_t)event->peer;
	w->unsettled = true;
	bool in_time = w->now_ms <= event->amount && w->servers[heir].deaths == event->delivery->deaths;
	if (!in_time || !election_hand_over(w, heir, primary)) {
		trace(w->sim, "bus", "%zu does not take over from %zu: the fail-over is given up", heir, primary);
		w->servers[heir].again_ms = election_again_ms(w, heir);
		return;
	}
	sim_lived(w->sim, LIVED_HANDED);
}
