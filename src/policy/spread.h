/* spread.h - of this folder: from which hosts and zones shards had better be led. Numbers only. */
#ifndef ROP_POLICY_SPREAD_H
#define ROP_POLICY_SPREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "rop/mem.h"

struct spread_option { /* a node that could lead the shard, on another host than the one that does */
	int shard, host, node;
};

struct spread {
	struct rop_arena *arena;
	size_t n_shards, n_hosts, n_zones; /* n_zones 0: they do not count */
	const int *host_of;                /* [shard] that it is led from */
	const int *zone_of;                /* [host]; not read without zones */
	ROP_LIST(struct spread_option) options;
	int *host_load, *zone_load; /* shards that are led from there; spread_out leaves those of the end there */
};

struct spread_move {
	int shard, node;
};

/* Could it be that some host or zone leads two more than another? Else there is nothing to look for. */
bool spread_is_uneven(struct spread *s);
/* The fewest shards that have to change their leader so that the sum of the squares of the hosts' numbers is as small
 * as the options let it be, and with that the sum of the zones'; in an order in which each step makes as much of it as
 * it can. Whoever takes one of them and asks again gets one less: it comes to an end, whatever is taken first. In the
 * arena. */
const struct spread_move *spread_out(struct spread *s, size_t *ret_n);

#endif
