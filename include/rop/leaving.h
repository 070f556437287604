/* leaving.h - nodes that an earlier revision of the topology declared, and this one does not. */
#ifndef ROP_LEAVING_H
#define ROP_LEAVING_H

#include "rop/journal.h"
#include "rop/topology.h"

/* A copy with the members that are not declared any more as its last nodes: they are to leave. `topology` may be such a
 * copy. Names are not looked up: a member declared by one is where it was last. */
struct rop_topology *rop_topology_leaving(struct rop_arena *arena, const struct rop_topology *topology,
					  const struct rop_image *image);

#endif
