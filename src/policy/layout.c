/* layout.c - who should be what, given what is: around the seats of the primaries (seats.c), whose replica everybody
 * else is; and the whole of it. */
#include <stdlib.h>

#include "placement.h"
#include "seats.h"

/* ---- replicas ---------------------------------------------------------------------------------------------- */

static int seat_of(const int *seats, size_t n, int node)
{
	for (size_t k = 0; k < n; k++)
		if (seats[k] == node)
			return (int)k;
	return -1;
}

/* Whom it follows, or will: a primary that gave its last slot away has become a replica, and its own go on from it. */
static int leader_of(const struct rop_observed *seen, size_t i)
{
	int at = seen->nodes[i].role == ROP_ROLE_REPLICA ? seen->nodes[i].primary : -1;
	for (size_t hops = 0; hops < 2 && at >= 0 && seen->nodes[at].role == ROP_ROLE_REPLICA; hops++)
		at = seen->nodes[at].primary;
	return at;
}

/* Places everybody else around the given primaries. */
static void place_replicas(struct maker *m, const int *seats, int *ret_share_of)
{
	size_t n = m->seen->n, n_free = 0;
	struct placement p;
	placement_init(&p, m->arena, m->topology, m->out->n, m->topology->replicas_per_shard);
	int *unplaced = rop_alloc_n(m->arena, n, sizeof(int));
	int *seat = rop_alloc_n(m->arena, n, sizeof(int));
	for (size_t i = 0; i < n; i++)
		ret_share_of[i] = seat[i] = -1;
	for (size_t k = 0; k < m->out->n; k++) {
		if (seats[k] < 0)
			continue;
		placement_add(&p, k, seats[k], true, true);
		if (seats_leaves(
			    m, (size_t)seats[k])) /* its heir's place is to be filled, too; one that goes takes none */
			p.more[k] = m->vanishes[k] ? -2 * (int)n : 1;
		seat[seats[k]] = (int)k;
	}
	for (size_t i = 0; i < n; i++) {
		const struct rop_node *node = &m->seen->nodes[i];
		if (seat[i] >= 0)
			continue;
		int label = seats_label(m, i), wanted = label ? seats_share_of_label(m, label) : -1;
		int leader = leader_of(m->seen, i), now = leader >= 0 ? seat[leader] : -1;
		if (seats_leaves(m, i)) {
			ret_share_of[i] = now;
			continue;
		}
		if (wanted >= 0 && rop_node_answers(node) && !seats_drained(m, i))
			now = wanted;
		if (now >= 0)
			placement_add(&p, (size_t)now, (int)i, false, true);
		else if (rop_node_answers(node) && !seats_drained(m, i))
			unplaced[n_free++] = (int)i;
	}
	size_t left = placement_run(&p, unplaced, n_free, 2);
	if (left > 0) { /* more nodes than the shape needs: they become extra replicas, evenly */
		p.capacity = (int)n;
		int *rest = rop_alloc_n(m->arena, n, sizeof(int));
		size_t n_rest = 0;
		bool *in = rop_alloc_n(m->arena, n, sizeof(bool));
		for (size_t k = 0; k < m->out->n; k++)
			for (size_t i = 0; i < p.members[k].n; i++)
				in[p.members[k].at[i].node] = true;
		for (size_t i = 0; i < n_free; i++)
			if (!in[unplaced[i]])
				rest[n_rest++] = unplaced[i];
		placement_run(&p, rest, n_rest, 2);
	}
	for (size_t k = 0; k < m->out->n; k++)
		for (size_t i = 0; i < p.members[k].n; i++)
			ret_share_of[p.members[k].at[i].node] = (int)k;
}

static bool is_apart_from_all(const struct placement *p, const struct maker *m, const int *share_of, size_t node,
			      size_t share, int level)
{
	for (size_t i = 0; i < m->seen->n; i++)
		if (share_of[i] == (int)share && !placement_apart(p, (int)i, (int)node, level))
			return false;
	return true;
}

/* A shard with fewer replicas than declared takes one from a shard with more; one that is apart from its own if it can.
 */
static void even_out(struct maker *m, const int *seats, int *share_of)
{
	int want = m->topology->replicas_per_shard;
	int *count = rop_alloc_n(m->arena, m->out->n, sizeof(int));
	struct placement p;
	placement_init(&p, m->arena, m->topology, 0, 0);
	for (size_t k = 0; k < m->out->n; k++)
		if (seats[k] >= 0 &&
		    seats_leaves(m, (size_t)seats[k])) /* its heir is none of them; one that goes takes none */
			count[k] = m->vanishes[k] ? want : -1;
	for (size_t i = 0; i < m->seen->n; i++)
		if (share_of[i] >= 0 && seats[share_of[i]] != (int)i && !seats_leaves(m, i))
			count[share_of[i]]++;
	for (int level = 0; level <= 2; level++) {
		for (size_t k = 0; k < m->out->n; k++) {
			for (size_t i = m->seen->n; i-- > 0 && count[k] < want && seats[k] >= 0;) {
				int from = share_of[i];
				if (from < 0 || from == (int)k || seats[from] == (int)i || count[from] <= want ||
				    seats_label(m, i) != 0 || seats_leaves(m, i) || seats_drained(m, i) ||
				    !rop_answers(m->seen, i) || !is_apart_from_all(&p, m, share_of, i, k, level))
					continue;
				share_of[i] = (int)k;
				count[from]--;
				count[k]++;
			}
		}
	}
}

/* ---- when zones say otherwise ------------------------------------------------------------------------------ */

struct dealt {
	int zone, host, node;
};

static int compare_dealt(const void *a, const void *b)
{
	const struct dealt *x = a, *y = b;
	if (x->zone != y->zone)
		return (x->zone > y->zone) - (x->zone < y->zone);
	if (x->host != y->host)
		return (x->host > y->host) - (x->host < y->host);
	return (x->node > y->node) - (x->node < y->node);
}

/* Other primaries than the first in the file: deal the nodes, sorted by zone and host, to the shards in turn. Nodes of
 * one zone are neighbours there, so they meet in a shard only when the zone has more nodes than there are shards. Where
 * hosts and zones cut across each other that may not do; then `exact` finds what there is, at more expense. */
static bool deal(struct maker *m, bool exact, int *seats, int *share_of)
{
	size_t n = m->seen->n, shares = m->out->n;
	struct placement p;
	placement_init(&p, m->arena, m->topology, shares, 0);
	struct dealt *cards = rop_alloc_n(m->arena, n, sizeof *cards);
	int *order = rop_alloc_n(m->arena, n, sizeof(int)), *hand = rop_alloc_n(m->arena, n, sizeof(int));
	for (size_t i = 0; i < n; i++) {
		if (seats_label(m, i) || m->seen->nodes[i].role == ROP_ROLE_REPLICA || !rop_answers(m->seen, i) ||
		    seats_drained(m, i))
			return false;
		cards[i] = (struct dealt){ p.zone[i], p.host[i], (int)i };
	}
	qsort(cards, n, sizeof *cards, compare_dealt);
	for (size_t i = 0; i < n; i++) {
		order[i] = cards[i].node;
		hand[order[i]] = (int)(i % shares);
	}
	if (exact && !placement_colour(&p, order, hand))
		return false;
	int *lead = rop_alloc_n(m->arena, shares, sizeof(int));
	for (size_t k = 0; k < shares; k++)
		lead[k] = -1;
	for (size_t i = 0; i < n; i++) {
		int *first = &lead[hand[i]];
		if (m->is_primary[i] && *first >= 0 && m->is_primary[*first])
			return false;
		if (*first < 0 || m->is_primary[i])
			*first = (int)i;
	}
	for (size_t k = 0; k < shares; k++) {
		if (lead[k] < 0)
			return false;
		seats[k] = m->owner_of[k];
	}
	for (size_t taken = 0; taken < n; taken++) { /* the new ones in file order */
		int at = seat_of(lead, shares, (int)taken), free_seat = seat_of(seats, shares, -1);
		if (at >= 0 && !m->is_primary[taken] && free_seat >= 0)
			seats[free_seat] = (int)taken;
	}
	for (size_t i = 0; i < n; i++)
		share_of[i] = seat_of(seats, shares, lead[hand[i]]);
	return true;
}

/* ---- all together ------------------------------------------------------------------------------------------ */

static int primary_of(const int *seats, int share, int node)
{
	if (share < 0 || seats[share] < 0)
		return ROP_NO_PLACE;
	return seats[share] == node ? ROP_LEADS : seats[share];
}

static void write_shards(struct maker *m, const int *seats, const int *share_of)
{
	struct rop_layout *out = m->out;
	struct rop_slots owned = { 0 };
	for (size_t i = 0; i < m->seen->n; i++)
		rop_slots_join(&owned, &m->seen->nodes[i].slots);
	for (size_t k = 0; k < out->n; k++) {
		struct rop_shard *shard = &out->shards[k];
		shard->number = m->share_number[k];
		shard->primary = seats[k];
		rop_slots_add(&shard->add, m->first_slot[k], m->first_slot[k + 1] - 1);
		rop_slots_drop(&shard->add, &owned);
	}
	for (size_t i = 0; i < m->seen->n; i++) {
		int share = share_of[i];
		out->shard_of[i] = share;
		out->primary_of[i] = primary_of(seats, share, (int)i);
	}
}

static size_t count_together(struct maker *m, const int *share_of)
{
	struct placement p;
	placement_init(&p, m->arena, m->topology, 0, 0);
	size_t together = 0;
	for (size_t a = 0; a < m->seen->n; a++)
		for (size_t b = 0; b < a; b++)
			together += share_of[a] >= 0 && share_of[a] == share_of[b] &&
				    !placement_apart(&p, (int)a, (int)b, 0);
	return together;
}

/* Seats and shares: the first of the file as primaries; others where that keeps more nodes apart. */
static void work_out(struct maker *m)
{
	seats_new_primaries(m, m->seats);
	place_replicas(m, m->seats, m->share_of);
	size_t together = count_together(m, m->share_of);
	/* Which server may follow which comes before which host it is on. */
	for (int exact = 0; exact < 2 && together > 0 && !m->mixed && m->owners < m->out->n; exact++) {
		int *seats = rop_alloc_n(m->arena, m->out->n, sizeof(int)),
		    *share_of = rop_alloc_n(m->arena, m->seen->n, sizeof(int));
		if (!deal(m, exact, seats, share_of))
			continue;
		if (!exact)
			place_replicas(m, seats, share_of);
		size_t then = count_together(m, share_of);
		if (then < together) {
			together = then;
			m->seats = seats;
			m->share_of = share_of;
		}
	}
	even_out(m, m->seats, m->share_of);
}

/* Is what is there a part of that? Then it is the rest that is missing. */
static bool is_part_of(const struct maker *m, const struct maker *whole)
{
	if (m->owners > (size_t)m->topology->shards)
		return false;
	for (size_t k = 0; k < m->out->n; k++) /* labels mean other shards there */
		if (m->share_number[k] != whole->share_number[k])
			return false;
	for (size_t k = 0; k < m->out->n; k++)
		if (m->owner_of[k] >= 0 ? m->owner_of[k] != whole->seats[k]
					: whole->seats[k] < 0 || !seats_is_candidate(m, (size_t)whole->seats[k]))
			return false;
	for (size_t i = 0; i < m->seen->n; i++) {
		const struct rop_node *node = &m->seen->nodes[i];
		int leader = leader_of(m->seen, i);
		int now = leader >= 0 ? seat_of(whole->seats, m->out->n, leader) : -1;
		if (now >= 0 && now != whole->share_of[i])
			return false;
		if (now < 0 && (!rop_node_answers(node) || seats_drained(m, i)) && !m->is_primary[i])
			whole->share_of[i] = -1; /* its place waits for it, unsaid */
	}
	return true;
}

struct rop_observed *policy_blank(struct rop_arena *arena, const struct rop_observed *seen)
{
	struct rop_observed *blank = rop_observed_new(arena, seen->n, NULL, 0);
	for (size_t i = 0; i < seen->n; i++) {
		blank->nodes[i].role = ROP_ROLE_PRIMARY;
		blank->nodes[i].version = seen->nodes[i].version;
		blank->nodes[i].valkey = seen->nodes[i].valkey;
		blank->nodes[i].own_version = seen->nodes[i].own_version;
	}
	return blank;
}

/* What a fresh cluster of this topology becomes is worked out first, from the topology alone: as long as what is seen
 * is a part of that, it stays the aim, whatever was done first. Else the best is made of what is there. */
void rop_layout_make(struct rop_arena *arena, const struct rop_topology *topology, const struct rop_observed *seen,
		     const struct rop_shard_memory *remembered, size_t n_remembered, const bool *drained,
		     struct rop_layout *ret_layout)
{
	struct maker found = { .arena = arena, .topology = topology, .out = ret_layout }, fresh = found;
	found.remembered = remembered;
	found.n_remembered = n_remembered;
	found.drained = drained;
	struct rop_observed *blank = policy_blank(arena, seen);
	*ret_layout = (struct rop_layout){ 0 };
	seats_take(&found, seen);
	seats_take(&fresh, blank);
	work_out(&fresh);
	if (is_part_of(&found, &fresh)) {
		found.seats = fresh.seats;
		found.share_of = fresh.share_of;
	} else {
		work_out(&found);
	}
	write_shards(&found, found.seats, found.share_of);
	policy_warn_of_neighbours(arena, topology, seen, ret_layout);
}
