/* seats.c - which shards there are: their slots, their numbers, and who leads each, now or to be. */
#include "seats.h"

#include <stdlib.h>

#include "alike.h"

/* By their weights, in the order of numbers: what a shard is given is its share, and nothing is moved afterwards. */
static void share_out_by_weight(struct maker *m)
{
	int n = m->topology->shards, *shares = rop_alloc_n(m->arena, (size_t)n, sizeof *shares);
	m->first_slot = rop_alloc_n(m->arena, (size_t)n + 1, sizeof(int));
	rop_shares(m->topology->weights, n, shares);
	for (int k = 0; k < n; k++)
		m->first_slot[k + 1] = m->first_slot[k] + shares[k];
}

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

struct claim {
	int64_t epoch;
	size_t node;
};

static int greater_epoch_first(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	return (x->epoch < y->epoch) - (x->epoch > y->epoch);
}

/* Those stay owners that have a slot which nobody of a greater epoch claims. */
static void drop_losers(const struct rop_observed *seen, struct claim *claims, size_t n, bool *owner)
{
	struct rop_slots won = { 0 };
	qsort(claims, n, sizeof *claims, greater_epoch_first);
	for (size_t at = 0, next; at < n; at = next) {
		for (next = at; next < n && claims[next].epoch == claims[at].epoch; next++) {
			const struct rop_slots *own = &seen->nodes[claims[next].node].slots;
			owner[claims[next].node] = !rop_slots_within(own, &won);
		}
		for (size_t i = at; i < next; i++)
			rop_slots_join(&won, &seen->nodes[claims[i].node].slots);
	}
}

/* A claim that somebody with a greater epoch makes too is about to be given up: an old primary that came back and has
 * not heard of its fail-over yet. It does not make its node an owner. */
bool *policy_owners(struct rop_arena *arena, const struct rop_observed *seen)
{
	bool *owner = rop_alloc_n(arena, seen->n + 1, sizeof *owner), rivals = false;
	struct claim *claims = rop_alloc_n(arena, seen->n + 1, sizeof *claims);
	struct rop_slots so_far = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < seen->n; i++) {
		owner[i] = !rop_slots_empty(&seen->nodes[i].slots);
		if (!owner[i])
			continue;
		claims[n++] = (struct claim){ seen->nodes[i].epoch, i };
		rivals |= rop_slots_meet(&so_far, &seen->nodes[i].slots);
		rop_slots_join(&so_far, &seen->nodes[i].slots);
	}
	if (rivals)
		drop_losers(seen, claims, n, owner);
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
			int common = rop_slots_between(&seen->nodes[owners[o][0]].slots, m->first_slot[k],
						       m->first_slot[k + 1] - 1);
			if (m->owner_of[k] < 0 && common > best_common) {
				best = k;
				best_common = common;
			}
		}
		m->owner_of[best] = owners[o][0];
		m->is_primary[owners[o][0]] = true;
	}
}

/* All of its nodes leave, and as many shards are not declared: it goes, whatever its number is. */
static bool *find_vanishing(struct maker *m, int *ret_n)
{
	bool *vanishes = rop_alloc_n(m->arena, m->out->n + 1, sizeof *vanishes);
	int excess = (int)m->owners - m->topology->shards;
	*ret_n = 0;
	for (size_t k = m->out->n; k-- > 0 && excess > *ret_n;) {
		int owner = m->owner_of[k];
		if (owner < 0 || !seats_leaves(m, (size_t)owner))
			continue;
		vanishes[k] = true;
		for (size_t i = 0; i < m->seen->n; i++)
			vanishes[k] &= m->seen->nodes[i].primary != owner || seats_leaves(m, i);
		*ret_n += vanishes[k];
	}
	return vanishes;
}

/* The last numbers are for those that go. */
static void number_share(struct maker *m, bool *used, size_t share, int number)
{
	int n = (int)m->out->n, staying = n - m->n_vanishing;
	if (m->share_number[share] || number < 1 || number > n || used[number] ||
	    m->vanishes[share] != (number > staying))
		return;
	m->share_number[share] = number;
	used[number] = true;
}

/* Whoever led a shard when it was seen last, or else had a copy of it and has taken over, has its number. */
static void number_remembered(struct maker *m, bool *used, const int *share_of_owner, bool led, bool labelled)
{
	for (size_t s = 0; s < m->n_remembered; s++) {
		const struct rop_shard_memory *shard = &m->remembered[s];
		for (size_t c = 0; c < shard->copies.n; c++) {
			int node = shard->copies.at[c].led == led ? rop_observed_find(m->seen, shard->copies.at[c].node)
								  : -1;
			if (node < 0 || share_of_owner[node] < 0 ||
			    (labelled && seats_label(m, (size_t)node) != shard->number))
				continue;
			number_share(m, used, (size_t)share_of_owner[node], shard->number);
		}
	}
}

static int how_far_off(const struct maker *m, size_t share, int wanted)
{
	int owned = m->owner_of[share] < 0 ? 0 : rop_slots_count(&m->seen->nodes[m->owner_of[share]].slots);
	return owned > wanted ? owned - wanted : wanted - owned;
}

/* Members that swapped their addresses: two owners may have one label. Where slots are moved by what the numbers say it
 * is for whoever has that number, or else for whoever has the slots of it; not for who has the lower ones, for those
 * change on the way. Else for the first: the same with and without the database. */
static void number_labelled(struct maker *m, bool *used, const int *share_of_owner)
{
	int *shares = rop_alloc_n(m->arena, (size_t)m->topology->shards, sizeof *shares);
	bool weighted = m->topology->weights != NULL;
	rop_shares(m->topology->weights, m->topology->shards, shares);
	if (weighted) {
		number_remembered(m, used, share_of_owner, true, true);
		number_remembered(m, used, share_of_owner, false, true);
	}
	for (int number = 1; number <= (int)m->out->n; number++) {
		int wanted = number > m->topology->shards ? 0 : shares[number - 1], best = -1;
		for (size_t k = 0; k < m->out->n; k++)
			if (m->owner_of[k] >= 0 && seats_label(m, (size_t)m->owner_of[k]) == number &&
			    (best < 0 ||
			     (weighted && how_far_off(m, k, wanted) < how_far_off(m, (size_t)best, wanted))))
				best = (int)k;
		if (best >= 0)
			number_share(m, used, (size_t)best, number);
	}
}

/* A shard keeps its number whatever becomes of its slots: it is the label of its owner, or what is remembered; where
 * neither says anything, by the share's place. Labels without an owner so name the shares left, in order. */
static void number_shares(struct maker *m)
{
	size_t n = m->out->n;
	bool *used = rop_alloc_n(m->arena, n + 1, sizeof(bool));
	int *share_of_owner = rop_alloc_n(m->arena, m->seen->n + 1, sizeof(int));
	m->vanishes = find_vanishing(m, &m->n_vanishing);
	for (size_t i = 0; i < m->seen->n; i++)
		share_of_owner[i] = -1;
	for (size_t k = 0; k < n; k++)
		if (m->owner_of[k] >= 0)
			share_of_owner[m->owner_of[k]] = (int)k;
	number_labelled(m, used, share_of_owner);
	number_remembered(m, used, share_of_owner, true, false);
	number_remembered(m, used, share_of_owner, false, false);
	for (size_t k = 0; k < n; k++)
		number_share(m, used, k, (int)k + 1);
	for (size_t k = 0; k < n; k++)
		for (int number = 1; !m->share_number[k] && number <= (int)n; number++)
			number_share(m, used, k, number);
}

bool seats_leaves(const struct maker *m, size_t node)
{
	return m->topology->nodes.at[node].leaving != NULL;
}

bool seats_drained(const struct maker *m, size_t node)
{
	return m->drained && m->drained[node];
}

int seats_label(const struct maker *m, size_t node)
{
	return m->topology->nodes.at[node].shard;
}

int seats_share_of_label(const struct maker *m, int label)
{
	for (size_t k = 0; k < m->out->n; k++)
		if (m->share_number[k] == label)
			return (int)k;
	return -1;
}

bool seats_is_candidate(const struct maker *m, size_t i)
{
	const struct rop_node *node = &m->seen->nodes[i];
	return rop_node_answers(node) && !m->is_primary[i] && node->role != ROP_ROLE_REPLICA && !seats_leaves(m, i) &&
	       !seats_drained(m, i);
}

/* The next of those declared for a shard (0: for none) in file order; the older servers first, for they cannot load
 * what newer ones send. -1: there is none. */
static int next_candidate(const struct maker *m, const bool *taken, int label)
{
	int best = -1;
	for (size_t i = 0; i < m->seen->n; i++) {
		if (taken[i] || !seats_is_candidate(m, i) || seats_label(m, i) != label)
			continue;
		if (best < 0 || alike_rank(&m->seen->nodes[i]) < alike_rank(&m->seen->nodes[best]))
			best = (int)i;
	}
	return best;
}

void seats_new_primaries(struct maker *m, int *ret_seats)
{
	bool *taken = rop_alloc_n(m->arena, m->seen->n, sizeof(bool));
	for (size_t k = 0; k < m->out->n; k++)
		ret_seats[k] = m->owner_of[k] >= 0 ? m->owner_of[k] : next_candidate(m, taken, m->share_number[k]);
	for (size_t k = 0; k < m->out->n; k++) {
		if (ret_seats[k] < 0)
			ret_seats[k] = next_candidate(m, taken, 0);
		if (ret_seats[k] >= 0)
			taken[ret_seats[k]] = true;
	}
}

void seats_take(struct maker *m, const struct rop_observed *seen)
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
	if (topology->weights && out->n == (size_t)topology->shards)
		share_out_by_weight(m);
	else
		share_out(m);
	seat_owners(m, out->n);
	number_shares(m);
}
