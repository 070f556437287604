/* seed_shape.c - the shards of a cluster that was found through one of its nodes, and the nodes in an order that is the
 * same whichever node was asked. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "rop/seed.h"

static bool owns(const struct rop_seed *seed, size_t i)
{
	return !rop_slots_empty(&seed->seen->nodes[i].slots);
}

static int compare_numbers(const void *a, const void *b)
{
	const int *x = a, *y = b;
	return (x[0] > y[0]) - (x[0] < y[0]);
}

static void find_shards(const struct rop_seed *seed, struct rop_seed_shape *shape)
{
	struct rop_arena *arena = seed->arena;
	const struct rop_observed *seen = seed->seen;
	int(*owners)[2] = rop_alloc_n(arena, seen->n, sizeof *owners);
	for (size_t i = 0; i < seen->n; i++) {
		if (!owns(seed, i))
			continue;
		owners[shape->n_shards][0] = rop_slots_first(&seen->nodes[i].slots);
		owners[shape->n_shards++][1] = (int)i;
	}
	qsort(owners, shape->n_shards, sizeof *owners, compare_numbers);
	shape->shards = rop_alloc_n(arena, shape->n_shards, sizeof *shape->shards);
	shape->shard_of = rop_alloc_n(arena, seen->n, sizeof(int));
	for (size_t k = 0; k < shape->n_shards; k++) {
		shape->shards[k].primary = owners[k][1];
		shape->shard_of[owners[k][1]] = (int)k;
	}
	for (size_t i = 0; i < seen->n; i++) {
		if (owns(seed, i))
			continue;
		shape->shard_of[i] = shape->shard_of[seen->nodes[i].primary];
		shape->shards[shape->shard_of[i]].replicas++;
	}
	shape->fewest = shape->most = shape->shards[0].replicas;
	for (size_t k = 1; k < shape->n_shards; k++) {
		shape->fewest = shape->shards[k].replicas < shape->fewest ? shape->shards[k].replicas : shape->fewest;
		shape->most = shape->shards[k].replicas > shape->most ? shape->shards[k].replicas : shape->most;
	}
}

struct place {                  /* of a node in the file */
	int node, round, shard; /* round: 0 the primaries, 1 the first replica of each shard, 2 the second ... */
	const char *address;
};

static int compare_addresses(const void *a, const void *b)
{
	return strverscmp(((const struct place *)a)->address, ((const struct place *)b)->address);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	return x->round != y->round ? x->round - y->round : x->shard - y->shard;
}

/* The same whichever node was asked. */
static void find_order(const struct rop_seed *seed, struct rop_seed_shape *shape)
{
	struct place *places = rop_alloc_n(seed->arena, seed->n, sizeof *places);
	int *next = rop_alloc_n(seed->arena, shape->n_shards, sizeof(int));
	shape->order = rop_alloc_n(seed->arena, seed->n, sizeof(int));
	for (size_t i = 0; i < seed->n; i++)
		places[i] = (struct place){ .node = (int)i,
					    .shard = shape->shard_of[i],
					    .address = seed->endpoints[i].address };
	qsort(places, seed->n, sizeof *places, compare_addresses);
	for (size_t i = 0; i < seed->n; i++)
		places[i].round = shape->shards[places[i].shard].primary == places[i].node ? 0
											   : ++next[places[i].shard];
	qsort(places, seed->n, sizeof *places, compare_places);
	for (size_t i = 0; i < seed->n; i++)
		shape->order[i] = places[i].node;
}

void rop_seed_shape(const struct rop_seed *seed, struct rop_seed_shape *ret)
{
	*ret = (struct rop_seed_shape){ 0 };
	find_shards(seed, ret);
	find_order(seed, ret);
}
