/* look.h - a look at nodes that is waited for: for commands, which have nothing else to do meanwhile. Each runs the
 * loop until it has what was asked for. */
#ifndef ROP_LOOK_H
#define ROP_LOOK_H

#include "rop/err.h"
#include "rop/fleet.h"
#include "rop/journal.h"
#include "rop/topology.h"

struct rop_look {
	struct rop_loop *loop;
	struct rop_arena *arena; /* of what is seen */
	const struct rop_fleet_options *fleet;
};

/* At all nodes of the topology; again and again for a moment where peers hold two servers for one. */
const struct rop_observed *rop_look_at(const struct rop_look *look, const struct rop_topology *topology,
				       const struct rop_image *image, unsigned flags);
/* Is there anything at all at that address that takes connections? */
bool rop_look_answers(const struct rop_look *look, const char *ip, int port);
/* Names of the topology's nodes become addresses, where it has names: rop_names_resolve. */
bool rop_look_names(struct rop_loop *loop, struct rop_arena *arena, struct rop_topology *topology,
		    const struct rop_image *image, struct rop_err *err);
void rop_look_wait(struct rop_loop *loop, int64_t ms);

#endif
