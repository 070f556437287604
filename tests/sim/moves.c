/* moves.c - slots that go from one node to another: SETSLOT, MIGRATE and what servers make of them (clusterCommand,
 * clusterUpdateSlotsConfigWith, migrateCommand in 7.0).
 *
 * Which slots are open at a node is in its nodes.conf: a process that comes back has them, a replica that takes over
 * has not. Who imports a slot believes nobody about it while it does: it goes on listing whom it listed as its owner
 * when it was told to ("frozen"), and nobody once that one is a replica.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

static void refuse(struct world *w, struct delivery *d, const char *text)
{
	if (!d->ok)
		return; /* of several commands the first that went wrong tells */
	d->ok = false;
	d->text = text;
	w->sim->stats->refused++;
}

static void clear_bit(struct rop_slots *slots, int slot)
{
	slots->bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
}

/* ---- what an importer believes ------------------------------------------------------------------------------- */

static struct frozen *frozen_at(struct server *server, int slot)
{
	for (size_t k = 0; k < server->kept.n; k++)
		if (server->kept.at[k].slot == slot)
			return &server->kept.at[k];
	return NULL;
}

static void unfreeze(struct server *server, int slot)
{
	struct frozen *there = frozen_at(server, slot);
	if (there)
		*there = server->kept.at[--server->kept.n];
	server->news = true;
}

static void freeze(struct world *w, size_t node, int slot, int owner)
{
	struct frozen *there = frozen_at(&w->servers[node], slot);
	if (!there)
		there = rop_push(w->arena, &w->servers[node].kept);
	*there = (struct frozen){ slot, owner };
	w->contested = true; /* from now on views are worked out in full */
	w->servers[node].news = true;
}

void moves_seen_by(const struct frozen *frozen, size_t n, size_t subject, struct rop_slots *slots)
{
	for (size_t k = 0; k < n; k++)
		if (frozen[k].owner == (int)subject)
			rop_slots_add(slots, frozen[k].slot, frozen[k].slot);
		else
			clear_bit(slots, frozen[k].slot);
}

struct rop_slots moves_view(const struct world *w, size_t viewer, size_t subject)
{
	const uint64_t *known = &w->truth->known[viewer * w->truth->words];
	struct rop_slots slots = gossip_slots_of(w, &w->heard[AT(w, viewer, 0)], known, subject);
	moves_seen_by(w->servers[viewer].kept.at, w->servers[viewer].kept.n, subject, &slots);
	return slots;
}

/* Who owns it in this one's eyes; -1: nobody. */
static int owner_for(const struct world *w, size_t viewer, int slot)
{
	for (size_t j = 0; j < w->truth->n; j++) {
		if (j == viewer ? rop_slots_has(&w->truth->nodes[j].slots, slot)
				: rop_bit(w->truth, w->truth->known, viewer, j)) {
			struct rop_slots slots = moves_view(w, viewer, j);
			if (rop_slots_has(&slots, slot))
				return (int)j;
		}
	}
	return -1;
}

/* A replica owns nothing: who hears that a node has become one lists its slots as nobody's. */
void moves_heard_replica(struct world *w, size_t viewer, size_t subject)
{
	struct server *server = &w->servers[viewer];
	for (size_t k = 0; k < server->kept.n; k++)
		if (server->kept.at[k].owner == (int)subject)
			server->kept.at[k].owner = -1;
}

/* ---- open and closed ------------------------------------------------------------------------------------------- */

static void open_slot(struct world *w, size_t node, int slot, bool importing, const char *peer)
{
	struct rop_open_slot open = { .slot = slot, .importing = importing };
	struct rop_node *n = &w->truth->nodes[node];
	memcpy(open.peer, peer, ROP_ID_SIZE);
	if (importing && !frozen_at(&w->servers[node], slot))
		freeze(w, node, slot, owner_for(w, node, slot));
	rop_node_set_open(w->arena, n, &open);
	n->open_slots = (int)n->open.n;
}

static void close_slot(struct world *w, size_t node, int slot)
{
	struct rop_node *n = &w->truth->nodes[node];
	rop_node_close(n, slot);
	n->open_slots = (int)n->open.n;
	unfreeze(&w->servers[node], slot);
}

static bool is_exported(const struct world *w, int slot)
{
	for (size_t i = 0; i < w->truth->n; i++) {
		const struct rop_open_slot *open = rop_node_open(&w->truth->nodes[i], slot);
		if (open && !open->importing && w->servers[i].up)
			return true;
	}
	return false;
}

/* Its replica takes over, and knows nothing of what is open. What a person had carried to a node that does not import
 * it any more, nobody can tell from then on. */
void moves_inherit_nothing(struct world *w, size_t node)
{
	const struct rop_node *n = &w->truth->nodes[node];
	for (size_t k = 0; w->sim->person_opened && k < n->open.n; k++) {
		int peer = rop_observed_find(w->truth, n->open.at[k].peer);
		if (n->open.at[k].importing && !is_exported(w, n->open.at[k].slot))
			data_disowned(w, node, n->open.at[k].slot);
		if (!n->open.at[k].importing && peer >= 0 && !rop_node_open(&w->truth->nodes[peer], n->open.at[k].slot))
			data_disowned(w, (size_t)peer, n->open.at[k].slot);
	}
}

/* Who becomes a replica, or another one, has nothing open. */
void moves_close_all(struct world *w, size_t node)
{
	w->truth->nodes[node].open.n = 0;
	w->truth->nodes[node].open_slots = 0;
	w->servers[node].kept.n = 0;
	w->servers[node].news = true;
}

/* CLUSTER FORGET closes what is open with it; what was carried is elsewhere. Who was told to is not to blame. */
void moves_forget_at(struct world *w, size_t node, const char *id)
{
	struct rop_node *n = &w->truth->nodes[node];
	for (size_t k = n->open.n; k-- > 0;)
		if (strcmp(n->open.at[k].peer, id) == 0)
			close_slot(w, node, n->open.at[k].slot);
}

void moves_forget(struct world *w, const char *id, bool told)
{
	for (size_t i = 0; i < w->truth->n; i++) {
		struct rop_node *n = &w->truth->nodes[i];
		for (size_t k = n->open.n; k-- > 0;)
			if (strcmp(n->open.at[k].peer, id) == 0) {
				for (size_t j = 0; j < w->truth->n && !told; j++)
					if (j == i || !n->open.at[k].importing)
						data_disowned(w, j, n->open.at[k].slot);
				close_slot(w, i, n->open.at[k].slot);
			}
	}
}

/* verifyClusterConfigWithData: of keys that it holds and that are not its own it takes itself for the importer, or,
 * where nobody owns them, for the owner. */
void moves_returned(struct world *w, size_t node)
{
	struct rop_node *n = &w->truth->nodes[node];
	bool took = false;
	if (n->role != ROP_ROLE_PRIMARY)
		return;
	struct rop_slots held = data_slots(w, node);
	for (int from = 0, first, last; rop_slots_run(&held, from, &first, &last); from = last + 1)
		for (int slot = first; slot <= last; slot++) {
			const struct rop_open_slot *open = rop_node_open(n, slot);
			int owner = owner_for(w, node, slot);
			if (rop_slots_has(&n->slots, slot) || (open && open->importing))
				continue;
			if (owner < 0) {
				rop_slots_add(&n->slots, slot, slot);
				took = true;
				continue;
			}
			open_slot(w, node, slot, true, w->truth->nodes[owner].id);
			trace(w->sim, "node", "%zu has keys of slot %d: it imports it from %d", node, slot, owner);
		}
	if (took)
		world_news(w, node);
}

/* ---- SETSLOT ----------------------------------------------------------------------------------------------------- */

/* clusterBumpConfigEpochWithoutConsensus; equal epochs are not modelled, so it is greater than any there is. */
static void bump_epoch(struct world *w, size_t node)
{
	struct rop_node *n = &w->truth->nodes[node];
	int64_t greatest = n->current_epoch, others = 0;
	for (size_t i = 0; i < w->truth->n; i++) {
		const struct rop_node *other = &w->truth->nodes[i];
		if (greatest < other->current_epoch)
			greatest = other->current_epoch;
		if (i != node && other->role == ROP_ROLE_PRIMARY && others < other->epoch)
			others = other->epoch;
	}
	for (size_t g = 0; g < w->ghosts.n; g++)
		if (others < w->ghosts.at[g].epoch)
			others = w->ghosts.at[g].epoch;
	if (greatest < others)
		greatest = others;
	if (n->epoch > others && n->epoch == greatest)
		return;
	n->epoch = n->current_epoch = greatest + 1;
}

/* A replica in the eyes of this one; as far as it has heard. */
static bool is_replica_for(const struct world *w, size_t viewer, size_t subject)
{
	int heard = w->heard[AT(w, viewer, subject)];
	return heard >= 0 && w->servers[subject].claims.at[heard].role == ROP_ROLE_REPLICA;
}

static bool is_known(const struct world *w, size_t viewer, int peer)
{
	return peer >= 0 && rop_bit(w->truth, w->truth->known, viewer, (size_t)peer);
}

static void retarget(struct world *w, const struct delivery *d, int slot, int peer)
{
	size_t node = (size_t)d->node;
	const struct rop_open_slot *open = rop_node_open(&w->truth->nodes[node], slot);
	if (open && open->importing && d->names_owner) /* SETSLOT NODE went before */
		freeze(w, node, slot, peer);
	open_slot(w, node, slot, d->expect.kind == ROP_STEP_IMPORT, d->expect.peer);
}

static void set_open(struct world *w, struct delivery *d, int slot)
{
	bool importing = d->expect.kind == ROP_STEP_IMPORT;
	size_t node = (size_t)d->node;
	int peer = rop_observed_find(w->truth, d->expect.peer);
	if (importing == rop_slots_has(&w->truth->nodes[node].slots, slot))
		refuse(w, d,
		       importing ? "ERR I'm already the owner of hash slot" : "ERR I'm not the owner of hash slot");
	else if (!is_known(w, node, peer))
		refuse(w, d, "ERR I don't know about node");
	else if (is_replica_for(w, node, (size_t)peer))
		refuse(w, d, "ERR Target node is not a master");
	else
		retarget(w, d, slot, peer);
}

/* SETSLOT NODE with its own id. Without the flag it claims the slot with the epoch that it has: who has a greater one
 * keeps it. */
static void take(struct world *w, size_t node, int slot, bool by_operator)
{
	struct rop_node *n = &w->truth->nodes[node];
	const struct rop_open_slot *open = rop_node_open(n, slot);
	rop_slots_add(&n->slots, slot, slot);
	rop_slots_add(&w->moved, slot, slot);
	if (by_operator)
		sim_lived(w->sim, LIVED_TAKEN);
	if (open && open->importing)
		bump_epoch(w, node);
	close_slot(w, node, slot);
}

static bool give(struct world *w, struct delivery *d, int slot)
{
	size_t node = (size_t)d->node;
	struct rop_node *n = &w->truth->nodes[node];
	const struct rop_open_slot *open = rop_node_open(n, slot);
	int peer = rop_observed_find(w->truth, d->expect.peer);
	int64_t keys = data_keys_in_slot(w, node, slot);
	bool was_mine = rop_slots_has(&n->slots, slot);
	if (!is_known(w, node, peer)) {
		refuse(w, d, "ERR Unknown node");
	} else if (is_replica_for(w, node, (size_t)peer)) {
		refuse(w, d, "ERR Target node is not a master");
	} else if (was_mine && keys) {
		refuse(w, d,
		       "ERR Can't assign hashslot to a different node while I still hold keys for this hash slot.");
	} else {
		if (!keys && open && !open->importing)
			close_slot(w, node, slot);
		if (frozen_at(&w->servers[node], slot))
			freeze(w, node, slot, peer);
		clear_bit(&n->slots, slot);
		return was_mine;
	}
	return false;
}

/* It has told this node so, too, then. */
static void hear_of(struct world *w, size_t node, int peer)
{
	int *heard = &w->heard[AT(w, node, peer)];
	if (rop_slots_empty(&w->truth->nodes[peer].slots))
		return;
	*heard = (int)w->servers[peer].claims.n - 1;
	rop_bit_set(w->truth, w->truth->agrees, node, (size_t)peer);
	w->servers[node].news = true;
}

static void after_giving(struct world *w, size_t node, int peer)
{
	hear_of(w, node, peer);
	if (rop_slots_empty(&w->truth->nodes[node].slots) && w->elections && gossip_may_follow(w, node))
		gossip_follow(w, node, (size_t)peer);
	else
		world_news(w, node);
}

/* How far it comes: a connection that breaks takes what was not read yet with it. */
static int commands_done(const struct world *w, const struct delivery *d, int n)
{
	uint64_t luck = world_luck(w, 'S', (size_t)d->node, (size_t)(d->expect.first < 0 ? 0 : d->expect.first));
	return d->unanswered && luck % 3 == 0 ? (int)(luck / 3 % (uint64_t)(n + 1)) : n;
}

static void note_taken(struct world *w, size_t node, int slot)
{
	for (size_t k = 0; k < w->n_writes; k++)
		w->writes[k].taken |= w->writes[k].slot == slot && w->writes[k].travelled == (int)node + 1;
}

void moves_set_slots(struct world *w, struct delivery *d)
{
	struct rop_slots slots;
	size_t node = (size_t)d->node;
	bool took = false, gave = false;
	if (w->truth->nodes[node].role == ROP_ROLE_REPLICA) {
		refuse(w, d, "ERR You can use SETSLOT only with masters.");
		return;
	}
	if (!d->expect.value || !rop_slots_parse(d->expect.value, &slots))
		return;
	if (d->expect.kind == ROP_STEP_TAKE && d->decided_ms >= 0 && !witness_has(w, d, node, true)) {
		refuse(w, d, "not sent: its replicas have not got what it was given within 1s");
		return;
	}
	int left = commands_done(w, d, rop_slots_count(&slots));
	for (int from = 0, first, last; left > 0 && rop_slots_run(&slots, from, &first, &last); from = last + 1)
		for (int slot = first; slot <= last && left > 0; slot++, left--)
			switch (d->expect.kind) {
			case ROP_STEP_IMPORT:
			case ROP_STEP_EXPORT: set_open(w, d, slot); break;
			case ROP_STEP_TAKE:
				take(w, node, slot, d->decided_ms >= 0);
				note_taken(w, node, slot);
				took = true;
				break;
			case ROP_STEP_YIELD: gave |= give(w, d, slot); break;
			default: close_slot(w, node, slot); break;
			}
	if (took)
		world_news(w, node);
	if (gave)
		after_giving(w, node, rop_observed_find(w->truth, d->expect.peer));
}

/* ---- keys on their way ------------------------------------------------------------------------------------------- */

static bool has_open(const struct world *w, size_t node, int slot, bool importing)
{
	const struct rop_open_slot *open = rop_node_open(&w->truth->nodes[node], slot);
	return open && open->importing == importing;
}

/* RESTORE-ASKING there: NULL, or what it answers. */
static const char *lets_in(const struct world *w, size_t node, int slot)
{
	const struct rop_node *n = &w->truth->nodes[node];
	if (!w->servers[node].up)
		return "IOERR error or timeout connecting to the client";
	if (w->now_ms < w->servers[node].loading_until_ms)
		return "ERR Target instance replied with error: LOADING Redis is loading the dataset in memory";
	if (!n->state_ok)
		return "ERR Target instance replied with error: CLUSTERDOWN The cluster is down";
	if (n->role != ROP_ROLE_PRIMARY || (!rop_slots_has(&n->slots, slot) && !has_open(w, node, slot, true)))
		return "ERR Target instance replied with error: MOVED";
	return NULL;
}

static const char *lets_out(const struct world *w, size_t node, int slot)
{
	const struct rop_node *n = &w->truth->nodes[node];
	if (!n->state_ok)
		return "CLUSTERDOWN The cluster is down";
	if (n->role != ROP_ROLE_PRIMARY)
		return "MOVED";
	return rop_slots_has(&n->slots, slot) || has_open(w, node, slot, true) ? NULL : "MOVED";
}

/* A client writes a new key where it is open: it is sent on to whom the owner names. -1: nobody takes it. */
int moves_asked(const struct world *w, size_t owner, int slot)
{
	const struct rop_open_slot *open = rop_node_open(&w->truth->nodes[owner], slot);
	if (!open || open->importing)
		return (int)owner;
	int to = rop_observed_find(w->truth, open->peer);
	return to >= 0 && is_known(w, owner, to) && !lets_in(w, (size_t)to, slot) ? to : -1;
}

void moves_carry(struct world *w, struct delivery *d)
{
	struct rop_slots slots;
	size_t node = (size_t)d->node;
	int to = rop_observed_find(w->truth, d->expect.peer);
	struct chance luck = { world_luck(w, 'C', node, (size_t)(to < 0 ? 0 : to)) }, *c = &luck;
	bool trouble = sim_trouble(w->sim) && chance_permille(c, 2 * w->sim->trouble);
	int64_t most = chance_permille(c, trouble ? 800 : 200) ? chance_between(c, 0, 3) : WRITES_MAX;
	if (to < 0 || !d->expect.value || !rop_slots_parse(d->expect.value, &slots)) {
		refuse(w, d, "not sent: nobody can take the keys");
		return;
	}
	data_flow(w);
	if (!witness_has(w, d, (size_t)to, false)) /* no batch goes, until its time is up */
		return;
	if (most > CARRY_BATCH && w->sim->sabotage != SABOTAGE_UNWITNESSED)
		most = CARRY_BATCH;
	for (size_t k = 0; k < w->n_writes; k++) {
		int slot = w->writes[k].slot;
		if (!rop_slots_has(&slots, slot) || !writes_has(&w->servers[node].has, k))
			continue;
		const char *error = lets_out(w, node, slot);
		if (!error)
			error = lets_in(w, (size_t)to, slot);
		if (!error && d->keys >= most && trouble) { /* it got there, and the answer did not come back */
			data_copy_key(w, k, (size_t)to);
			sim_lived(w->sim, LIVED_BOTH_SIDES);
			trace(w->sim, "node", "%zu has given write %zu to %d and keeps it: IOERR", node, k, to);
			error = "IOERR error or timeout reading to target instance";
		}
		if (error && !d->keys)
			refuse(w, d, error);
		if (error || d->keys >= most)
			break;
		data_copy_key(w, k, (size_t)to);
		data_drop_key(w, k, node);
		w->writes[k].travelled = to + 1;
		w->writes[k].taken = false;
		d->keys++;
		trace(w->sim, "node", "%zu gives write %zu (slot %d) to %d", node, k, slot, to);
	}
	data_show(w, node);
	data_show(w, (size_t)to);
	if (!d->keys)
		return;
	sim_lived(w->sim, LIVED_CARRIED);
	if (w->elections && chance_permille(c, 100)) /* before its replica has what it was given */
		faults_death(w->sim, (size_t)to);
}

/* At the end of a server's own job: the keys are there, then the target has the slots, and the source knows. */
void moves_hand_over(struct world *w, size_t source, size_t target, const struct rop_slots *slots)
{
	data_flow(w);
	for (size_t k = 0; k < w->n_writes; k++) {
		if (!rop_slots_has(slots, w->writes[k].slot) || !writes_has(&w->servers[source].has, k))
			continue;
		data_copy_key(w, k, target);
		data_drop_key(w, k, source);
	}
	for (int from = 0, first, last; rop_slots_run(slots, from, &first, &last); from = last + 1)
		for (int slot = first; slot <= last; slot++) {
			rop_slots_add(&w->truth->nodes[target].slots, slot, slot);
			rop_slots_add(&w->moved, slot, slot);
			clear_bit(&w->truth->nodes[source].slots, slot);
		}
	bump_epoch(w, target);
	world_news(w, target);
	after_giving(w, source, (int)target);
	data_show(w, source);
	data_show(w, target);
}
