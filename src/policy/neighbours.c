/* neighbours.c - warnings of a layout: which nodes of one shard share a host or a zone. */
#include "placement.h"
#include "policy.h"

#define WARNINGS_MAX 5

static void warn(struct rop_arena *arena, struct rop_layout *layout, int node, enum rop_reason is, const char *text)
{
	*rop_push(arena, &layout->warnings) = policy_warning(node, is, text);
}

void policy_warn_of_neighbours(struct rop_arena *arena, const struct rop_topology *topology,
			       const struct rop_observed *seen, struct rop_layout *layout)
{
	struct placement p;
	placement_init(&p, arena, topology, 0, 0);
	size_t found = 0, there = 0;
	for (size_t i = 0; i < seen->n; i++)
		there += !seen->nodes[i].ghost;
	if (p.one_host && there > layout->n)
		warn(arena, layout, -1, ROP_WHY_ONE_HOST,
		     rop_printf(arena,
				"all %zu nodes are on one host (%s): its failure takes primaries and replicas together",
				there, topology->nodes.at[0].host));
	/* Nodes of one shard, primary first: each is held against those before it. */
	int *order = rop_alloc_n(arena, p.n, sizeof(int));
	for (size_t k = 0; k < layout->n; k++) {
		int primary = layout->shards[k].primary;
		size_t members = 0;
		if (primary >= 0)
			order[members++] = primary;
		for (size_t i = 0; i < p.n; i++)
			if (layout->shard_of[i] == (int)k && primary != (int)i)
				order[members++] = (int)i;
		for (size_t a = 1; a < members; a++) {
			for (size_t b = 0; b < a; b++) {
				if (placement_apart(&p, order[a], order[b], 0) || ++found > WARNINGS_MAX)
					continue;
				bool host = !p.one_host && p.host[order[a]] == p.host[order[b]];
				const char *shared = host ? "the host"
							  : rop_printf(arena, "zone %s",
								       topology->nodes.at[order[a]].zone);
				warn(arena, layout, order[a], host ? ROP_WHY_SHARED_HOST : ROP_WHY_SHARED_ZONE,
				     rop_printf(arena, "%s shares %s with %s, %s of its shard",
						seen->nodes[order[a]].address, shared, seen->nodes[order[b]].address,
						order[b] == primary ? "the primary" : "a replica"));
			}
		}
	}
	if (found > WARNINGS_MAX)
		warn(arena, layout, -1, ROP_WHY_SHARED_HOST,
		     rop_printf(arena, "and %zu more pairs of one shard that share a host or a zone",
				found - WARNINGS_MAX));
}
