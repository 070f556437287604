/* names.h - where the nodes of a topology are: addresses for a fleet, and names that are looked up off the loop. */
#ifndef ROP_NAMES_H
#define ROP_NAMES_H

#include "rop/err.h"
#include "rop/fleet.h"
#include "rop/journal.h"
#include "rop/loop.h"
#include "rop/topology.h"

/* The addresses of a topology's nodes for a fleet; expected ids from the image's members. In the arena. */
struct rop_endpoint *rop_endpoints_of(struct rop_arena *arena, const struct rop_topology *topology,
				      const struct rop_image *image);

bool rop_names_used(const struct rop_topology *topology); /* is there a name to look up? */
/* The addresses of the nodes that are declared by name, or by discovery (which may only add to the members).
 * Fills in topology->nodes, texts in `arena`. Names are looked up all at once, off the loop. `done` is called once,
 * never from inside the call. A name without an address leaves its node without ip, and no_ip says why: a silent
 * node. err: NULL, or why discovery found too few (code 8). Everything must live until then. Only where
 * rop_names_used. */
void rop_names_resolve(struct rop_loop *loop, struct rop_arena *arena, struct rop_topology *topology,
		       const struct rop_member *members, size_t n_members,
		       void (*done)(void *arg, const struct rop_err *err), void *arg);

#endif
