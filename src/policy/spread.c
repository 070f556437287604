/* spread.c - how leaders are spread best: a flow of least cost, from the leaders that there are. Who takes a shard over
 * from host to host is an arc; that a host leads one more or one less costs what the squares say, so that of many paths
 * those to the emptiest hosts win; each shard that moves costs a little, so that the fewest do. What can still be
 * gained is a circle of arcs that costs less than nothing (Bellman and Ford find it), and it is taken until there is
 * none.
 */
#include "spread.h"

#include <stdint.h>

/* One shard that moves less weighs less than anything of the zones, and that less than anything of the hosts. */
#define ZONE_WEIGHT ((int64_t)1 << 12)
#define HOST_WEIGHT ((int64_t)1 << 32)

enum { STAYS = -1, NO_SHARD = -1 };

struct arc { /* that was taken to a vertex: from where, and which shard goes to which option (STAYS: back) by it */
	int from, shard, option;
};

/* Vertices: the hosts, the zones, and the one that all of them end in. */
struct finder {
	struct spread *s;
	int *now; /* [shard] the option that leads it; STAYS: who led it at first */
	int n;
	int64_t *cost;   /* [vertex] of the cheapest way there so far */
	struct arc *arc; /* [vertex] its last one */
	int changed;     /* a vertex that got cheaper in this round; -1: none did */
};

static int host_now(const struct finder *f, int shard)
{
	return f->now[shard] == STAYS ? f->s->host_of[shard] : f->s->options.at[f->now[shard]].host;
}

static void count(struct finder *f)
{
	struct spread *s = f->s;
	for (size_t h = 0; h < s->n_hosts; h++)
		s->host_load[h] = 0;
	for (size_t z = 0; z < s->n_zones; z++)
		s->zone_load[z] = 0;
	for (size_t k = 0; k < s->n_shards; k++) {
		int host = host_now(f, (int)k);
		s->host_load[host]++;
		if (s->n_zones)
			s->zone_load[s->zone_of[host]]++;
	}
}

static void start(struct finder *f, struct spread *s)
{
	*f = (struct finder){ .s = s, .n = (int)(s->n_hosts + s->n_zones + 1) };
	f->now = rop_alloc_n(s->arena, s->n_shards + 1, sizeof(int));
	f->cost = rop_alloc_n(s->arena, (size_t)f->n, sizeof *f->cost);
	f->arc = rop_alloc_n(s->arena, (size_t)f->n, sizeof *f->arc);
	s->host_load = rop_alloc_n(s->arena, s->n_hosts + 1, sizeof(int));
	s->zone_load = rop_alloc_n(s->arena, s->n_zones + 1, sizeof(int));
	for (size_t k = 0; k < s->n_shards; k++)
		f->now[k] = STAYS;
	count(f);
}

static bool is_uneven(const int *load, size_t n)
{
	int least = n ? load[0] : 0, most = least;
	for (size_t i = 1; i < n; i++) {
		least = load[i] < least ? load[i] : least;
		most = load[i] > most ? load[i] : most;
	}
	return most - least > 1;
}

bool spread_is_uneven(struct spread *s)
{
	struct finder f;
	start(&f, s);
	return is_uneven(s->host_load, s->n_hosts) || is_uneven(s->zone_load, s->n_zones);
}

/* ---- what can still be gained -------------------------------------------------------------------------------------
 */

static void relax(struct finder *f, int from, int to, int64_t cost, int shard, int option)
{
	if (f->cost[from] + cost >= f->cost[to])
		return;
	f->cost[to] = f->cost[from] + cost;
	f->arc[to] = (struct arc){ from, shard, option };
	f->changed = to;
}

/* One more there, or one less. */
static void relax_load(struct finder *f, int at, int into, int load, int64_t weight)
{
	relax(f, at, into, weight * (2 * load + 1), NO_SHARD, STAYS);
	if (load > 0)
		relax(f, into, at, -weight * (2 * load - 1), NO_SHARD, STAYS);
}

static void relax_all(struct finder *f)
{
	const struct spread *s = f->s;
	int zones = (int)s->n_hosts, end = f->n - 1;
	for (size_t o = 0; o < s->options.n; o++) {
		const struct spread_option *option = &s->options.at[o];
		int at = host_now(f, option->shard), is = f->now[option->shard];
		if (is != (int)o && at != option->host)
			relax(f, at, option->host, is == STAYS ? 1 : 0, option->shard, (int)o);
	}
	for (size_t k = 0; k < s->n_shards; k++)
		if (f->now[k] != STAYS)
			relax(f, host_now(f, (int)k), s->host_of[k], -1, (int)k, STAYS);
	for (size_t h = 0; h < s->n_hosts; h++)
		relax_load(f, (int)h, s->n_zones ? zones + s->zone_of[h] : end, s->host_load[h], HOST_WEIGHT);
	for (size_t z = 0; z < s->n_zones; z++)
		relax_load(f, zones + (int)z, end, s->zone_load[z], ZONE_WEIGHT);
}

/* false: there is nothing more to gain. */
static bool take_circle(struct finder *f)
{
	for (int v = 0; v < f->n; v++)
		f->cost[v] = 0;
	f->changed = 0;
	for (int round = 0; round < f->n && f->changed >= 0; round++) {
		f->changed = -1;
		relax_all(f);
	}
	if (f->changed < 0)
		return false;
	int at = f->changed;
	for (int i = 0; i < f->n; i++) /* back into the circle */
		at = f->arc[at].from;
	int first = at;
	do {
		if (f->arc[at].shard != NO_SHARD)
			f->now[f->arc[at].shard] = f->arc[at].option;
		at = f->arc[at].from;
	} while (at != first);
	count(f);
	return true;
}

/* ---- in which order -----------------------------------------------------------------------------------------------
 */

/* What it is worth, from these loads: the smaller the better. */
static int64_t worth(const struct spread *s, int from, int to)
{
	int64_t hosts = s->host_load[to] - s->host_load[from] + 1, zones = 0;
	if (s->n_zones && s->zone_of[to] != s->zone_of[from])
		zones = s->zone_load[s->zone_of[to]] - s->zone_load[s->zone_of[from]] + 1;
	return HOST_WEIGHT * hosts + ZONE_WEIGHT * zones;
}

static void shift(struct spread *s, int host, int by)
{
	s->host_load[host] += by;
	if (s->n_zones)
		s->zone_load[s->zone_of[host]] += by;
}

static int best_of(const struct finder *f, const bool *taken)
{
	const struct spread *s = f->s;
	int best = -1;
	int64_t least = 0;
	for (size_t k = 0; k < s->n_shards; k++) {
		if (f->now[k] == STAYS || taken[k])
			continue;
		int64_t is = worth(s, s->host_of[k], host_now(f, (int)k));
		if (best >= 0 && is >= least)
			continue;
		best = (int)k;
		least = is;
	}
	return best;
}

const struct spread_move *spread_out(struct spread *s, size_t *ret_n)
{
	struct finder f;
	start(&f, s);
	for (size_t left = 4 * s->n_shards + 4; left > 0 && take_circle(&f); left--)
		;
	struct spread_move *moves = rop_alloc_n(s->arena, s->n_shards + 1, sizeof *moves);
	bool *taken = rop_alloc_n(s->arena, s->n_shards + 1, sizeof *taken);
	for (size_t k = 0; k < s->n_shards; k++) { /* as it is now */
		shift(s, host_now(&f, (int)k), -1);
		shift(s, s->host_of[k], 1);
	}
	*ret_n = 0;
	for (int k = best_of(&f, taken); k >= 0; k = best_of(&f, taken)) {
		taken[k] = true;
		moves[(*ret_n)++] = (struct spread_move){ k, s->options.at[f.now[k]].node };
		shift(s, s->host_of[k], -1);
		shift(s, host_now(&f, k), 1);
	}
	return moves;
}
