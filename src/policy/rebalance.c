/* rebalance.c - weights that make the shards even, by keys, memory or slots; and what they would move: the very aim
 * that a plan would have with them.
 *
 * What goes from shard to shard is worked out as aim.c gives slots away (in the order of numbers, from who has too much
 * to who has too little), but in what is weighed: the slots that go follow from how full the giver's are.
 */
#include "rop/rebalance.h"

#include <stdlib.h>
#include <string.h>

#define ROUND_TO_PER_MILLE 5 /* weights are the smallest whole numbers whose shares are so near to what is wanted */
#define SMALL_WEIGHTS 200

static const char *const NAMES[ROP_BY_N] = { "memory", "keys", "slots" };

const char *rop_by_name(enum rop_by by)
{
	return NAMES[by];
}

bool rop_by_parse(const char *name, enum rop_by *ret)
{
	for (int by = 0; by < ROP_BY_N; by++) {
		if (strcmp(NAMES[by], name) != 0)
			continue;
		*ret = (enum rop_by)by;
		return true;
	}
	return false;
}

/* ---- what is there ---------------------------------------------------------------------------------------------- */

static const char *path_of(const struct rop_situation *now)
{
	return now->topology->path ? now->topology->path : "FILE";
}

static bool find_shards(const struct rop_situation *now, struct rop_rebalance *r, struct rop_err *err)
{
	int declared = now->topology->shards;
	size_t owning = 0;
	for (size_t i = 0; i < now->seen->n && !now->formed; i++)
		if (rop_answers(now->seen, i) && now->seen->nodes[i].open_slots)
			return rop_fail(err, ROP_REFUSED,
					"slots are on their way from one shard to another (%d at %s): what each holds "
					"is not settled\n  -> try again when they have arrived",
					now->seen->nodes[i].open_slots, now->seen->nodes[i].address);
	if (!now->formed)
		return rop_fail(err, ROP_REFUSED,
				"the cluster is not formed: there is nothing to weigh\n"
				"  -> `redis-operator apply %s` forms it",
				path_of(now));
	for (size_t k = 0; k < now->layout.n; k++) {
		int primary = now->layout.shards[k].primary;
		owning += primary >= 0 && !rop_slots_empty(&now->seen->nodes[primary].slots);
	}
	if (owning != (size_t)declared || now->layout.n != (size_t)declared)
		return rop_fail(err, ROP_REFUSED,
				"%d shards are declared, and %zu own slots: first they have to be as many\n"
				"  -> `redis-operator apply %s` moves slots until they are",
				declared, owning, path_of(now));
	r->n = now->layout.n;
	r->shards = rop_alloc_n(now->arena, r->n, sizeof *r->shards);
	for (size_t k = 0; k < r->n; k++) {
		const struct rop_shard *shard = &now->layout.shards[k];
		struct rop_rebalance_shard *to = &r->shards[shard->number - 1];
		const struct rop_node *node = &now->seen->nodes[shard->primary];
		to->number = shard->number;
		to->primary = shard->primary;
		to->slots = rop_slots_count(&node->slots);
		to->keys = rop_node_answers(node) ? node->keys : ROP_COUNT_UNKNOWN;
		r->open_slots += node->open_slots;
		if (!rop_node_answers(node))
			return rop_fail(err, ROP_UNREACHABLE, "%s, which leads shard %d, does not answer: %s",
					node->address, shard->number, node->reach_why ? node->reach_why : "");
	}
	return true;
}

/* Keys that were carried already count where the slot is owned. */
static void count_open_at_home(const struct rop_situation *now, struct rop_rebalance *r)
{
	for (size_t k = 0; k < r->n; k++) {
		const struct rop_node *node = &now->seen->nodes[r->shards[k].primary];
		for (size_t o = 0; o < node->open.n; o++) {
			const struct rop_open_slot *open = &node->open.at[o];
			int owner = now->owner ? now->owner[open->slot] : -1;
			int shard = owner >= 0 ? now->layout.shard_of[owner] : -1;
			if (!open->importing || open->keys <= 0 || shard < 0 || owner == r->shards[k].primary)
				continue;
			r->shards[k].has -= open->keys;
			r->shards[now->layout.shards[shard].number - 1].has += open->keys;
		}
	}
}

static bool measure(const struct rop_situation *now, struct rop_rebalance *r, struct rop_err *err)
{
	for (size_t k = 0; k < r->n; k++) {
		struct rop_rebalance_shard *shard = &r->shards[k];
		const struct rop_node *node = &now->seen->nodes[shard->primary];
		switch (r->by) {
		case ROP_BY_MEMORY: shard->has = node->data_memory; break;
		case ROP_BY_KEYS: shard->has = node->keys; break;
		case ROP_BY_SLOTS:
		case ROP_BY_N: shard->has = shard->slots; break;
		}
		if (shard->has < 0)
			return rop_fail(err, ROP_REFUSED,
					"%s did not tell its %s (%s); what is unknown is not weighed\n"
					"  -> `redis-operator acl observer` prints what its user needs",
					node->address, rop_by_name(r->by),
					r->by == ROP_BY_MEMORY ? "INFO memory" : "INFO keyspace");
	}
	if (r->by == ROP_BY_KEYS)
		count_open_at_home(now, r);
	return true;
}

/* ---- what is wanted --------------------------------------------------------------------------------------------- */

static int64_t sum_of(const struct rop_rebalance *r)
{
	int64_t sum = 0;
	for (size_t k = 0; k < r->n; k++)
		sum += r->shards[k].has;
	return sum;
}

static bool is_even(const struct rop_rebalance *r)
{
	double mean = (double)sum_of(r) / (double)r->n;
	for (size_t k = 0; k < r->n; k++) {
		double off = (double)r->shards[k].has - mean;
		if ((off < 0 ? -off : off) * 100 > mean * ROP_TOLERANCE_PERCENT)
			return false;
	}
	return true;
}

/* Slots that each is to have, with fractions. */
static double *find_wanted(const struct rop_situation *now, const struct rop_rebalance *r)
{
	double *wanted = rop_alloc_n(now->arena, r->n, sizeof *wanted);
	double *off = rop_alloc_n(now->arena, r->n, sizeof *off); /* what it has too much */
	double mean = (double)sum_of(r) / (double)r->n;
	for (size_t k = 0; k < r->n; k++) {
		wanted[k] = r->shards[k].slots;
		off[k] = (double)r->shards[k].has - mean;
	}
	for (size_t from = 0, to = 0; from < r->n; from++) {
		double each = (double)r->shards[from].has / r->shards[from].slots; /* of a slot of it */
		while (off[from] > 0) {
			while (to < r->n && off[to] >= 0)
				to++;
			if (to == r->n)
				break;
			double goes = off[from] < -off[to] ? off[from] : -off[to];
			off[from] -= goes;
			off[to] = goes < -off[to] ? off[to] + goes : 0;
			wanted[from] -= goes / each;
			wanted[to] += goes / each;
		}
	}
	return wanted;
}

static int nearest(double x)
{
	return x < 1 ? 1 : (int)(x + 0.5);
}

static bool are_near(const int *shares, const double *wanted, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		double off = shares[k] - wanted[k];
		if ((off < 0 ? -off : off) * 1000 > wanted[k] * ROUND_TO_PER_MILLE + 1000)
			return false;
	}
	return true;
}

/* The smallest that do; at last the slots themselves. */
static int *find_weights(struct rop_arena *arena, const double *wanted, size_t n)
{
	int *weights = rop_alloc_n(arena, n, sizeof *weights), *shares = rop_alloc_n(arena, n, sizeof *shares);
	double least = ROP_SLOTS;
	for (size_t k = 0; k < n; k++)
		least = wanted[k] < least ? wanted[k] : least;
	least = least < 1 ? 1 : least;
	for (int by = 1; by <= SMALL_WEIGHTS; by++) {
		for (size_t k = 0; k < n; k++)
			weights[k] = nearest(wanted[k] * by / least);
		if (rop_shares_too_small(weights, (int)n))
			continue;
		rop_shares(weights, (int)n, shares);
		if (are_near(shares, wanted, n))
			return weights;
	}
	for (size_t k = 0; k < n; k++)
		weights[k] = nearest(wanted[k]);
	while (rop_shares_too_small(weights, (int)n)) /* rounded up to one too often: by a slot less for the greatest */
		for (size_t k = 0, most = 0; k < n; k++) {
			most = weights[k] > weights[most] ? k : most;
			if (k + 1 == n)
				weights[most]--;
		}
	return weights;
}

/* ---- what it would move ----------------------------------------------------------------------------------------- */

static size_t index_of(const struct rop_situation *now, int node)
{
	return (size_t)now->layout.shards[now->layout.shard_of[node]].number - 1;
}

static struct rop_rebalance_move *move_of(const struct rop_situation *now, struct rop_rebalance *r, size_t from,
					  size_t to)
{
	for (size_t i = r->moves.n; i-- > 0;)
		if (r->moves.at[i].from == from && r->moves.at[i].to == to)
			return &r->moves.at[i];
	struct rop_rebalance_move *move = rop_push(now->arena, &r->moves);
	*move = (struct rop_rebalance_move){ .from = from, .to = to };
	return move;
}

static int by_shards(const void *a, const void *b)
{
	const struct rop_rebalance_move *x = a, *y = b;
	if (x->from != y->from)
		return (x->from > y->from) - (x->from < y->from);
	return (x->to > y->to) - (x->to < y->to);
}

static int64_t part_of(int64_t all, int slots, int of)
{
	return (int64_t)((double)all * slots / of + 0.5);
}

static void take_aim(const struct rop_situation *now, const int16_t *aim, struct rop_rebalance *r)
{
	for (int s = 0; s < ROP_SLOTS && aim; s++)
		if (aim[s] != now->owner[s])
			move_of(now, r, index_of(now, now->owner[s]), index_of(now, aim[s]))->slots++;
	if (r->moves.n)
		qsort(r->moves.at, r->moves.n, sizeof *r->moves.at, by_shards);
	for (size_t k = 0; k < r->n; k++) {
		r->shards[k].slots_then = r->shards[k].slots;
		r->shards[k].has_then = r->shards[k].has;
	}
	for (size_t i = 0; i < r->moves.n; i++) {
		struct rop_rebalance_move *move = &r->moves.at[i];
		struct rop_rebalance_shard *from = &r->shards[move->from], *to = &r->shards[move->to];
		move->has = part_of(from->has, move->slots, from->slots);
		move->keys = from->keys < 0 ? ROP_COUNT_UNKNOWN : part_of(from->keys, move->slots, from->slots);
		from->slots_then -= move->slots;
		to->slots_then += move->slots;
		from->has_then -= move->has;
		to->has_then += move->has;
	}
}

static const int16_t *aim_with(const struct rop_situation *now, const int *weights)
{
	struct rop_topology *topology = rop_alloc(now->arena, sizeof *topology);
	*topology = *now->topology;
	topology->weights = weights;
	struct rop_situation with = { .arena = now->arena,
				      .topology = topology,
				      .seen = now->seen,
				      .image = now->image,
				      .instance = now->instance,
				      .wall_ms = now->wall_ms,
				      .boot_ms = now->boot_ms,
				      .looks_once = true };
	return rop_situation_make(&with)->aim;
}

bool rop_rebalance_make(const struct rop_situation *now, enum rop_by by, struct rop_rebalance *ret, struct rop_err *err)
{
	*ret = (struct rop_rebalance){ .by = by };
	if (!find_shards(now, ret, err) || !measure(now, ret, err))
		return false;
	int *weights = rop_alloc_n(now->arena, ret->n, sizeof *weights);
	ret->even = sum_of(ret) == 0 || is_even(ret);
	for (size_t k = 0; k < ret->n; k++)
		weights[k] = 1;
	if (by != ROP_BY_SLOTS && !ret->even)
		weights = find_weights(now->arena, find_wanted(now, ret), ret->n);
	for (size_t k = 0; k < ret->n; k++)
		ret->shards[k].weight = weights[k];
	take_aim(now, ret->even ? NULL : aim_with(now, weights), ret);
	ret->even |= ret->moves.n == 0;
	return true;
}
