/* layout.c - who should be what, given what is: primaries, their slots, and whose replica everybody else is. */
#include <stdlib.h>
#include <string.h>

#include "alike.h"
#include "placement.h"
#include "policy.h"

struct maker {
	struct rop_arena *arena;
	const struct rop_topology *topology;
	const struct rop_observed *seen;
	struct rop_layout *out;
	int *first_slot;   /* [share], and one more */
	int *owner_of;     /* [share]: node that owns slots and keeps them; -1 */
	int *share_number; /* [share]: the shard's number, which is also what `shard:` of the file means; from 1 */
	const struct rop_shard_memory *remembered;
	size_t n_remembered;
	bool *is_primary;  /* [node] */
	const bool *owner; /* [node]: owns slots now */
	size_t owners;
	bool mixed;    /* servers of which some cannot load what others send */
	int *seats;    /* [share]: its primary, now or to be; -1 */
	int *share_of; /* [node]; -1 */
};

/* Even shares in redis-cli's own rounding, with its floats added up (clusterManagerCommandCreate), so that an
 * interrupted create of it is completed with the ranges that it would have given. */
static void share_out(struct maker *m)
{
	size_t n = m->out->n;
	float slots_per_node = (float)ROP_SLOTS / (float)n, cursor = 0;
	m->first_slot = rop_alloc_n(m->arena, n + 1, sizeof(int));
	for (size_t k = 1; k < n; k++) {
		m->first_slot[k] = (int)((double)(cursor + slots_per_node - 1) + 0.5) + 1;
		cursor += slots_per_node;
	}
	m->first_slot[n] = ROP_SLOTS;
}

/* A claim that somebody with a greater epoch makes too is about to be given up: an old primary that came back and has
 * not heard of its fail-over yet. It does not make its node an owner. */
bool *policy_owners(struct rop_arena *arena, const struct rop_observed *seen)
{
	bool *owner = rop_alloc_n(arena, seen->n + 1, sizeof *owner), rivals = false;
	struct rop_slots so_far = { 0 };
	for (size_t i = 0; i < seen->n; i++) {
		owner[i] = !rop_slots_empty(&seen->nodes[i].slots);
		if (!owner[i])
			continue;
		rivals |= rop_slots_meet(&so_far, &seen->nodes[i].slots);
		rop_slots_join(&so_far, &seen->nodes[i].slots);
	}
	for (size_t i = 0; rivals && i < seen->n; i++) {
		struct rop_slots won = { 0 };
		for (size_t j = 0; j < seen->n; j++)
			if (seen->nodes[j].epoch > seen->nodes[i].epoch)
				rop_slots_join(&won, &seen->nodes[j].slots);
		int own = rop_slots_count(&seen->nodes[i].slots);
		owner[i] = own > 0 && rop_slots_common(&won, &seen->nodes[i].slots) < own;
	}
	return owner;
}

static int compare_first_slot(const void *a, const void *b)
{
	const int *x = a, *y = b;
	return (x[1] > y[1]) - (x[1] < y[1]);
}

/* Owners, by lowest slot, take the share they overlap most; with as many owners as shares, simply in order. */
static void seat_owners(struct maker *m, size_t n_shares)
{
	const struct rop_observed *seen = m->seen;
	int(*owners)[2] = rop_alloc_n(m->arena, seen->n, sizeof *owners);
	size_t n = 0;
	for (size_t i = 0; i < seen->n; i++) {
		if (m->owner[i]) {
			owners[n][0] = (int)i;
			owners[n++][1] = rop_slots_first(&seen->nodes[i].slots);
		}
	}
	qsort(owners, n, sizeof *owners, compare_first_slot);
	for (size_t o = 0; o < n; o++) {
		size_t best = o;
		int best_common = -1;
		for (size_t k = 0; n < n_shares && k < n_shares; k++) {
			struct rop_slots share = { 0 };
			rop_slots_add(&share, m->first_slot[k], m->first_slot[k + 1] - 1);
			int common = rop_slots_common(&share, &seen->nodes[owners[o][0]].slots);
			if (m->owner_of[k] < 0 && common > best_common) {
				best = k;
				best_common = common;
			}
		}
		m->owner_of[best] = owners[o][0];
		m->is_primary[owners[o][0]] = true;
	}
}

static void number_share(struct maker *m, bool *used, size_t share, int number)
{
	if (m->share_number[share] || number < 1 || (size_t)number > m->out->n || used[number])
		return;
	m->share_number[share] = number;
	used[number] = true;
}

/* Whoever led a shard when it was seen last, or else had a copy of it and has taken over, has its number. */
static void number_remembered(struct maker *m, bool *used, bool led)
{
	int *share_of_owner = rop_alloc_n(m->arena, m->seen->n + 1, sizeof(int));
	for (size_t i = 0; i < m->seen->n; i++)
		share_of_owner[i] = -1;
	for (size_t k = 0; k < m->out->n; k++)
		if (m->owner_of[k] >= 0)
			share_of_owner[m->owner_of[k]] = (int)k;
	for (size_t s = 0; s < m->n_remembered; s++) {
		const struct rop_shard_memory *shard = &m->remembered[s];
		for (size_t c = 0; c < shard->copies.n; c++) {
			int node = shard->copies.at[c].led == led ? rop_observed_find(m->seen, shard->copies.at[c].node)
								  : -1;
			if (node >= 0 && share_of_owner[node] >= 0)
				number_share(m, used, (size_t)share_of_owner[node], shard->number);
		}
	}
}

/* A shard keeps its number whatever becomes of its slots: it is the label of its owner, or what is remembered; where
 * neither says anything, by the share's place. Labels without an owner so name the shares left, in order. */
static void number_shares(struct maker *m)
{
	size_t n = m->out->n;
	bool *used = rop_alloc_n(m->arena, n + 1, sizeof(bool));
	for (size_t k = 0; k < n; k++)
		number_share(m, used, k, m->owner_of[k] >= 0 ? m->topology->nodes.at[m->owner_of[k]].shard : 0);
	number_remembered(m, used, true);
	number_remembered(m, used, false);
	for (size_t k = 0; k < n; k++)
		number_share(m, used, k, (int)k + 1);
	int next = 1;
	for (size_t k = 0; k < n; k++) {
		while (!m->share_number[k] && used[next])
			next++;
		number_share(m, used, k, next);
	}
}

static int label_of(const struct maker *m, size_t node)
{
	return m->topology->nodes.at[node].shard;
}

static int share_of_label(const struct maker *m, int label)
{
	for (size_t k = 0; k < m->out->n; k++)
		if (m->share_number[k] == label)
			return (int)k;
	return -1;
}

/* Could become the primary of a shard that has none: answers, owns nothing, follows nobody. */
static bool is_candidate(const struct maker *m, size_t i)
{
	const struct rop_node *node = &m->seen->nodes[i];
	return rop_node_answers(node) && !m->is_primary[i] && node->role != ROP_ROLE_REPLICA;
}

/* The next of those declared for a shard (0: for none) in file order; the older servers first, for they cannot load
 * what newer ones send. -1: there is none. */
static int next_candidate(const struct maker *m, const bool *taken, int label)
{
	int best = -1;
	for (size_t i = 0; i < m->seen->n; i++) {
		if (taken[i] || !is_candidate(m, i) || label_of(m, i) != label)
			continue;
		if (best < 0 || alike_rank(&m->seen->nodes[i]) < alike_rank(&m->seen->nodes[best]))
			best = (int)i;
	}
	return best;
}

/* Those declared for a shard first, then those declared for none. */
static void seat_new_primaries(struct maker *m, int *seats)
{
	bool *taken = rop_alloc_n(m->arena, m->seen->n, sizeof(bool));
	for (size_t k = 0; k < m->out->n; k++)
		seats[k] = m->owner_of[k] >= 0 ? m->owner_of[k] : next_candidate(m, taken, m->share_number[k]);
	for (size_t k = 0; k < m->out->n; k++) {
		if (seats[k] < 0)
			seats[k] = next_candidate(m, taken, 0);
		if (seats[k] >= 0)
			taken[seats[k]] = true;
	}
}

/* ---- replicas ---------------------------------------------------------------------------------------------- */

static int seat_of(const int *seats, size_t n, int node)
{
	for (size_t k = 0; k < n; k++)
		if (seats[k] == node)
			return (int)k;
	return -1;
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
		seat[seats[k]] = (int)k;
	}
	for (size_t i = 0; i < n; i++) {
		const struct rop_node *node = &m->seen->nodes[i];
		if (seat[i] >= 0)
			continue;
		int label = label_of(m, i), wanted = label ? share_of_label(m, label) : -1;
		int now = node->role == ROP_ROLE_REPLICA && node->primary >= 0 ? seat[node->primary] : -1;
		if (wanted >= 0 && rop_node_answers(node))
			now = wanted;
		if (now >= 0)
			placement_add(&p, (size_t)now, (int)i, false, true);
		else if (rop_node_answers(node))
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
	for (size_t i = 0; i < m->seen->n; i++)
		if (share_of[i] >= 0 && seats[share_of[i]] != (int)i)
			count[share_of[i]]++;
	for (int level = 0; level <= 2; level++) {
		for (size_t k = 0; k < m->out->n; k++) {
			for (size_t i = m->seen->n; i-- > 0 && count[k] < want && seats[k] >= 0;) {
				int from = share_of[i];
				if (from < 0 || from == (int)k || seats[from] == (int)i || count[from] <= want ||
				    label_of(m, i) != 0 || !rop_answers(m->seen, i) ||
				    !is_apart_from_all(&p, m, share_of, i, k, level))
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
		if (label_of(m, i) || m->seen->nodes[i].role == ROP_ROLE_REPLICA || !rop_answers(m->seen, i))
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
		for (size_t w = 0; w < ROP_SLOTS / 64; w++)
			shard->add.bits[w] &= ~owned.bits[w];
	}
	for (size_t i = 0; i < m->seen->n; i++) {
		int share = share_of[i];
		out->shard_of[i] = share;
		out->primary_of[i] = primary_of(seats, share, (int)i);
	}
}

static void init(struct maker *m, const struct rop_observed *seen)
{
	struct rop_arena *arena = m->arena;
	const struct rop_topology *topology = m->topology;
	struct rop_layout *out = m->out;
	m->seen = seen;
	m->mixed = alike_ranks_differ(seen);
	m->owner = policy_owners(arena, seen);
	for (size_t i = 0; i < seen->n; i++)
		m->owners += m->owner[i];
	if (!out->shards) {
		out->n = (size_t)topology->shards > m->owners ? (size_t)topology->shards : m->owners;
		out->shards = rop_alloc_n(arena, out->n, sizeof *out->shards);
		out->primary_of = rop_alloc_n(arena, seen->n, sizeof(int));
		out->shard_of = rop_alloc_n(arena, seen->n, sizeof(int));
	}
	m->owner_of = rop_alloc_n(arena, out->n, sizeof(int));
	m->share_number = rop_alloc_n(arena, out->n, sizeof(int));
	m->is_primary = rop_alloc_n(arena, seen->n, sizeof(bool));
	m->seats = rop_alloc_n(arena, out->n, sizeof(int));
	m->share_of = rop_alloc_n(arena, seen->n, sizeof(int));
	for (size_t k = 0; k < out->n; k++)
		m->owner_of[k] = -1;
	share_out(m);
	seat_owners(m, out->n);
	number_shares(m);
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
	seat_new_primaries(m, m->seats);
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
					: whole->seats[k] < 0 || !is_candidate(m, (size_t)whole->seats[k]))
			return false;
	for (size_t i = 0; i < m->seen->n; i++) {
		const struct rop_node *node = &m->seen->nodes[i];
		int now = node->role == ROP_ROLE_REPLICA && node->primary >= 0
				  ? seat_of(whole->seats, m->out->n, node->primary)
				  : -1;
		if (now >= 0 && now != whole->share_of[i])
			return false;
		if (now < 0 && !rop_node_answers(node) && !m->is_primary[i])
			whole->share_of[i] = -1; /* its place waits for it, unsaid */
	}
	return true;
}

/* What a fresh cluster of this topology becomes is worked out first, from the topology alone: as long as what is seen
 * is a part of that, it stays the aim, whatever was done first. Else the best is made of what is there. */
void rop_layout_make(struct rop_arena *arena, const struct rop_topology *topology, const struct rop_observed *seen,
		     const struct rop_shard_memory *remembered, size_t n_remembered, struct rop_layout *ret_layout)
{
	struct maker found = { .arena = arena, .topology = topology, .out = ret_layout }, fresh = found;
	found.remembered = remembered;
	found.n_remembered = n_remembered;
	struct rop_observed *blank = rop_observed_new(arena, seen->n, NULL, 0);
	for (size_t i = 0; i < seen->n; i++) {
		blank->nodes[i].role = ROP_ROLE_PRIMARY;
		blank->nodes[i].version = seen->nodes[i].version;
		blank->nodes[i].valkey = seen->nodes[i].valkey;
		blank->nodes[i].own_version = seen->nodes[i].own_version;
	}
	*ret_layout = (struct rop_layout){ 0 };
	init(&found, seen);
	init(&fresh, blank);
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
