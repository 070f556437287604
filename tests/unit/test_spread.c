/* test_spread.c - from which hosts shards are led best: against brute force, and to an end whatever is taken first. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "../../src/policy/spread.h"
#include "random.h"

#define SHARDS_MAX 6
#define HOSTS_MAX 5
#define OPTIONS_MAX 3

struct puzzle { /* option 0 of each shard is who leads it */
	int shards, hosts, zones, options[SHARDS_MAX], host[SHARDS_MAX][OPTIONS_MAX + 1], zone[HOSTS_MAX];
};

struct score {
	int hosts, zones, moved;
};

static struct puzzle random_puzzle(uint64_t *seed)
{
	struct puzzle p = { .shards = 1 + (int)random_below(seed, SHARDS_MAX),
			    .hosts = 1 + (int)random_below(seed, HOSTS_MAX),
			    .zones = (int)random_below(seed, 4) };
	for (int h = 0; h < p.hosts; h++)
		p.zone[h] = p.zones ? (int)random_below(seed, (size_t)p.zones) : 0;
	for (int k = 0; k < p.shards; k++) {
		p.options[k] = 1 + (int)random_below(seed, OPTIONS_MAX + 1);
		for (int o = 0; o < p.options[k]; o++)
			p.host[k][o] = (int)random_below(seed, (size_t)p.hosts);
	}
	return p;
}

static struct score score_of(const struct puzzle *p, const int *chosen)
{
	int hosts[HOSTS_MAX] = { 0 }, zones[HOSTS_MAX] = { 0 };
	struct score score = { 0 };
	for (int k = 0; k < p->shards; k++) {
		int host = p->host[k][chosen[k]];
		score.hosts += 2 * hosts[host]++ + 1;
		score.zones += p->zones ? 2 * zones[p->zone[host]]++ + 1 : 0;
		score.moved += chosen[k] != 0;
	}
	return score;
}

static bool is_better(struct score a, struct score b)
{
	if (a.hosts != b.hosts)
		return a.hosts < b.hosts;
	return a.zones != b.zones ? a.zones < b.zones : a.moved < b.moved;
}

static struct score best_of(const struct puzzle *p)
{
	int chosen[SHARDS_MAX] = { 0 }, k = 0;
	struct score best = score_of(p, chosen);
	while (k < p->shards) {
		for (k = 0; k < p->shards && ++chosen[k] == p->options[k]; k++)
			chosen[k] = 0;
		struct score is = score_of(p, chosen);
		if (k < p->shards && is_better(is, best))
			best = is;
	}
	return best;
}

static struct spread spread_of(const struct puzzle *p, struct rop_arena *arena)
{
	struct spread s = { .arena = arena,
			    .n_shards = (size_t)p->shards,
			    .n_hosts = (size_t)p->hosts,
			    .n_zones = (size_t)p->zones,
			    .zone_of = p->zone };
	int *host_of = rop_alloc_n(arena, SHARDS_MAX, sizeof *host_of);
	for (int k = 0; k < p->shards; k++) {
		host_of[k] = p->host[k][0];
		for (int o = 1; o < p->options[k]; o++)
			if (p->host[k][o] != host_of[k])
				*rop_push(arena, &s.options) = (struct spread_option){ k, p->host[k][o], o };
	}
	s.host_of = host_of;
	return s;
}

Test(spread, it_is_as_good_as_the_best_of_all_and_moves_the_fewest)
{
	for (uint64_t seed = 1; seed <= 4000; seed++) {
		ROP_OWN_ARENA arena = rop_arena_new();
		uint64_t random = seed;
		struct puzzle p = random_puzzle(&random);
		struct spread s = spread_of(&p, arena);
		size_t n;
		const struct spread_move *moves = spread_out(&s, &n);
		int chosen[SHARDS_MAX] = { 0 };
		for (size_t i = 0; i < n; i++) {
			cr_assert_eq(chosen[moves[i].shard], 0, "seed %" PRIu64 ": a shard moves once", seed);
			chosen[moves[i].shard] = moves[i].node;
		}
		struct score is = score_of(&p, chosen), best = best_of(&p);
		cr_assert_not(is_better(best, is), "seed %" PRIu64 ": %d %d %d, and %d %d %d is better", seed, is.hosts,
			      is.zones, is.moved, best.hosts, best.zones, best.moved);
		if (!spread_is_uneven(&s))
			cr_assert_eq(n, 0, "seed %" PRIu64 ": even already", seed);
	}
}

/* Who led it is one that could, from then on. */
static void lead(struct puzzle *p, int shard, int option)
{
	int host = p->host[shard][option];
	p->host[shard][option] = p->host[shard][0];
	p->host[shard][0] = host;
}

Test(spread, whichever_is_taken_first_one_less_is_left)
{
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		uint64_t random = seed;
		struct puzzle p = random_puzzle(&random);
		for (size_t left = SHARDS_MAX + 1, n = 1; n > 0; left = n) {
			ROP_OWN_ARENA arena = rop_arena_new();
			struct spread s = spread_of(&p, arena);
			const struct spread_move *moves = spread_out(&s, &n);
			cr_assert_lt(n, left, "seed %" PRIu64 ": %zu after %zu", seed, n, left);
			if (!n)
				break;
			size_t at = random_below(&random, n);
			lead(&p, moves[at].shard, moves[at].node);
		}
	}
}

Test(spread, a_chain_is_found_where_no_single_one_would_do)
{
	/* Host 0 leads two, host 2 none, and only host 1 has replicas of these two. */
	struct puzzle p = { .shards = 3, .hosts = 3, .options = { 2, 2, 2 }, .host = { { 0, 1 }, { 0, 1 }, { 1, 2 } } };
	ROP_OWN_ARENA arena = rop_arena_new();
	struct spread s = spread_of(&p, arena);
	size_t n;
	spread_out(&s, &n);
	cr_assert_eq(n, 2);
	cr_assert(s.host_load[0] == 1 && s.host_load[1] == 1 && s.host_load[2] == 1);
}

Test(spread, the_step_that_is_worth_most_comes_first)
{
	struct puzzle p = { .shards = 5,
			    .hosts = 4,
			    .options = { 2, 2, 2, 2, 2 },
			    .host = { { 3, 1 }, { 3, 2 }, { 0, 1 }, { 0, 2 }, { 0, 1 } } };
	ROP_OWN_ARENA arena = rop_arena_new();
	struct spread s = spread_of(&p, arena);
	size_t n;
	const struct spread_move *moves = spread_out(&s, &n);
	cr_assert_gt(n, 0);
	cr_assert_geq(moves[0].shard, 2, "of the host that leads three");
}

#define MANY 500

Test(spread, of_five_hundred_shards_on_one_host_it_comes_to_an_end)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	int *host_of = rop_alloc_n(arena, MANY, sizeof *host_of);
	struct spread s = { .arena = arena, .n_shards = MANY, .n_hosts = 20, .host_of = host_of };
	for (int k = 0; k < MANY; k++)
		*rop_push(arena, &s.options) = (struct spread_option){ k, 1 + k % 19, k };
	size_t n;
	spread_out(&s, &n);
	cr_assert_eq(n, MANY - MANY / 20);
	for (int h = 0; h < 20; h++)
		cr_assert_eq(s.host_load[h], MANY / 20, "host %d", h);
}
