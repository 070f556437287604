/* leaving.h - nodes that an earlier revision of the topology declared, and this one does not. */
#ifndef ROP_LEAVING_H
#define ROP_LEAVING_H

#include "rop/journal.h"
#include "rop/observed.h"
#include "rop/topology.h"

/* A copy with the members that are not declared any more as its last nodes: they are to leave. `topology` may be such a
 * copy. Names are not looked up: a member declared by one is where it was last. */
struct rop_topology *rop_topology_leaving(struct rop_arena *arena, const struct rop_topology *topology,
					  const struct rop_image *image);

/* Whose row stands for that address: of several members there, one after the other, the one that is listed still, or
 * left last. NULL: there is none. */
const struct rop_member *rop_member_at(const struct rop_image *image, const char *address);

/* The same with those as its last nodes that members list and nobody is any more: another id answers where each was.
 * `seen` itself where there are none. A look is made so before a situation is made of it. */
const struct rop_observed *rop_observed_with_ghosts(struct rop_arena *arena, const struct rop_observed *seen,
						    const struct rop_image *image);

#endif
