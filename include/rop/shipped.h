/* shipped.h - the machines that are compiled in, or one that a file holds in the place of the first of them. */
#ifndef ROP_SHIPPED_H
#define ROP_SHIPPED_H

#include "rop/doc.h"
#include "rop/machine.h"

struct rop_shipped { /* the files of states/, as texts */
	const char *cluster, *migration, *retire, *failover;
};

/* path: the machine's file; NULL: the cluster's that is shipped. With the machines that it hosts. false: diags. */
bool rop_shipped_load(struct rop_arena *arena, const char *path, const struct rop_shipped *shipped,
		      struct rop_diags *diags, struct rop_machine **ret_machine);

#endif
