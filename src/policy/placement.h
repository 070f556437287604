/* placement.h - nodes onto shards, apart from each other where that can be done. Used by layout.c only. */
#ifndef ROP_POLICY_PLACEMENT_H
#define ROP_POLICY_PLACEMENT_H

#include "rop/mem.h"
#include "rop/topology.h"

struct placement_member {
	int node;
	bool fixed; /* is there already, or is the primary: stays */
};
struct placement_members {
	struct placement_member *at;
	size_t n, cap;
	int has_primary;
};

struct placement {
	struct rop_arena *arena;
	size_t n, n_shards;
	int capacity;                      /* replicas a shard takes */
	int *more;                         /* [shard]: so many more, or fewer */
	int *host, *zone;                  /* [node]: equal numbers are the same; zone -1: not declared */
	bool one_host;                     /* all nodes are on it: there is nothing to keep apart but zones */
	struct placement_members *members; /* [shard] */
	unsigned *visited;                 /* [node * n_shards + shard]: the last search that tried this pair */
	unsigned search;
	size_t probes_left;
};

void placement_init(struct placement *p, struct rop_arena *arena, const struct rop_topology *topology, size_t n_shards,
		    int capacity);
void placement_add(struct placement *p, size_t shard, int node, bool primary, bool fixed);
bool placement_apart(const struct placement *p, int a, int b, int level);
/* Places nodes, in order, up to the given level. Returns how many found no place. */
size_t placement_run(struct placement *p, const int *nodes, size_t n, int up_to_level);
/* colour.c: all nodes, in this order, onto shards of equal size (or one more) without a pair that shares host or zone,
 * primaries and replicas alike. false: that cannot be. */
bool placement_colour(const struct placement *p, const int *order, int *ret_shard);

#endif
