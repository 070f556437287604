/* ghost.c - a node that lost its nodes.conf comes back at its old address as another one. The others go on listing who
 * it was, with its slots: a ghost. Another id answers at its address, so they do not look for it any more (noaddr), and
 * who did not see it failing before never will (measured on 7.0: nobody takes over from it). What it kept of its keys
 * it claims, as servers do (verifyClusterConfigWithData).
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

bool ghost_is_listed(const struct ghost *ghost, size_t viewer)
{
	return !ghost->forgotten && (ghost->viewers[viewer / 64] >> (viewer % 64) & 1);
}

/* Another id answers where it was: its peers have no address for it any more. */
void ghost_show(const struct ghost *ghost, struct rop_observed *seen, size_t viewer, const char *slots)
{
	bool fails = ghost->failing[viewer / 64] >> (viewer % 64) & 1;
	const char *flags = ghost->replica ? "slave,noaddr" : "master,noaddr";
	if (fails)
		flags = ghost->replica ? "slave,fail,noaddr" : "master,fail,noaddr";
	rop_observed_add_foreign(seen, viewer, ghost->id, ":0", flags, slots);
}

static void list(struct world *w, struct ghost *ghost, size_t viewer)
{
	ghost->viewers[viewer / 64] |= (uint64_t)1 << (viewer % 64);
	w->servers[viewer].news = true;
}

static void unlist_row(struct world *w, size_t viewer)
{
	for (size_t g = 0; g < w->ghosts.n; g++) {
		w->ghosts.at[g].viewers[viewer / 64] &= ~((uint64_t)1 << (viewer % 64));
		w->ghosts.at[g].failing[viewer / 64] &= ~((uint64_t)1 << (viewer % 64));
	}
}

/* Its replicas go on asking its address for data, and list its old identity as their primary. */
static void leave_replicas(struct world *w, size_t node, int ghost)
{
	for (size_t i = 0; i < w->truth->n; i++) {
		if (i == node || w->truth->nodes[i].role != ROP_ROLE_REPLICA || w->truth->nodes[i].primary != (int)node)
			continue;
		w->servers[i].ghost = ghost;
		w->truth->nodes[i].primary = -1;
		world_news(w, i);
	}
}

static void forget_everybody(struct world *w, size_t node)
{
	struct rop_observed *t = w->truth;
	for (size_t i = 0; i < t->n; i++) {
		uint64_t *matrices[] = { t->known, t->linked, t->agrees, t->failing, t->online };
		for (size_t m = 0; m < sizeof matrices / sizeof *matrices; m++) {
			rop_bit_clear(t, matrices[m], i, node);
			rop_bit_clear(t, matrices[m], node, i);
		}
		w->heard[AT(w, i, node)] = w->heard[AT(w, node, i)] = -1;
		w->servers[i].news = true;
	}
	rop_bit_set(t, t->known, node, node);
	rop_bit_set(t, t->linked, node, node);
	bus_is_new(w, node);
	unlist_row(w, node);
}

static void new_identity(struct world *w, size_t node, bool reset)
{
	struct rop_node *n = &w->truth->nodes[node];
	for (int i = 0; i < ROP_ID_SIZE - 1; i++)
		n->id[i] = "0123456789abcdef"[world_luck(w, 'i', node, (size_t)i) % 16];
	n->role = ROP_ROLE_PRIMARY;
	n->primary = w->servers[node].ghost = -1;
	n->primary_id[0] = '\0';
	n->epoch = n->current_epoch = 0;
	moves_inherit_nothing(w, node);
	moves_close_all(w, node);
	memset(&n->slots, 0, sizeof n->slots);
	if (!reset)
		n->slots = data_slots(w, node);
	w->servers[node].fail_ms = NEVER;
	w->servers[node].pointed = TOLD_NOBODY;
	world_news(w, node);
}

void ghost_renew(struct world *w, size_t node, bool reset)
{
	struct rop_node *n = &w->truth->nodes[node];
	struct ghost ghost = { .node = (int)node,
			       .reset = reset,
			       .since_ms = w->now_ms,
			       .replica = n->role == ROP_ROLE_REPLICA,
			       .slots = n->slots,
			       .epoch = n->epoch,
			       .fail_ms = w->servers[node].fail_ms };
	ghost.viewers = rop_alloc_n(w->arena, w->truth->words, sizeof *ghost.viewers);
	ghost.failing = rop_alloc_n(w->arena, w->truth->words, sizeof *ghost.failing);
	ghost.banned_ms = rop_alloc_n(w->arena, w->truth->n, sizeof *ghost.banned_ms);
	leave_renewed(w, node, &ghost);
	memcpy(ghost.id, n->id, ROP_ID_SIZE);
	if (ghost.replica)
		memset(&ghost.slots, 0, sizeof ghost.slots);
	*rop_push(w->arena, &w->former) = rop_strdup(w->arena, n->id);
	bool anybody = false;
	for (size_t i = 0; i < w->truth->n; i++) {
		if (i == node || !rop_bit(w->truth, w->truth->known, i, node))
			continue;
		anybody = true;
		if (rop_bit(w->truth, w->truth->failing, i, node))
			ghost.failing[i / 64] |= (uint64_t)1 << (i % 64);
		list(w, &ghost, i);
	}
	if (anybody) {
		*rop_push(w->arena, &w->ghosts) = ghost;
		leave_replicas(w, node, (int)w->ghosts.n - 1);
	}
	forget_everybody(w, node);
	new_identity(w, node, reset);
	gossip_count_others(w);
}

void ghost_make(struct world *w, size_t node)
{
	const struct rop_node *n = &w->truth->nodes[node];
	ghost_renew(w, node, false);
	sim_lived(w->sim, LIVED_CONF_LOST);
	trace(w->sim, "node", "%zu has lost its nodes.conf: it is %s now, with %" PRId64 " keys", node, n->id, n->keys);
}

/* Who knows somebody that lists it comes to list it too. */
void ghost_spread(struct world *w)
{
	for (size_t g = 0; g < w->ghosts.n; g++) {
		struct ghost *ghost = &w->ghosts.at[g];
		for (size_t i = 0; i < w->truth->n && !ghost->forgotten; i++)
			for (size_t k = 0; w->servers[i].up && !ghost_is_listed(ghost, i) && k < w->truth->n; k++)
				if (k != i && w->servers[k].up && ghost_is_listed(ghost, k) &&
				    rop_bit(w->truth, w->truth->known, i, k) &&
				    rop_bit(w->truth, w->truth->known, k, i) && ghost->banned_ms[i] <= w->now_ms) {
					if (!leave_finds_new(w, ghost, i))
						list(w, ghost, i);
					gossip_count_others(w);
				}
	}
}

void ghost_forget(struct world *w, const char *id, bool told)
{
	for (size_t g = 0; g < w->ghosts.n; g++)
		if (strcmp(w->ghosts.at[g].id, id) == 0)
			w->ghosts.at[g].forgotten = true;
	for (size_t i = 0; i < w->truth->n; i++)
		w->servers[i].news = true;
	moves_forget(w, id, told);
	gossip_count_others(w);
	w->unsettled = true;
}
