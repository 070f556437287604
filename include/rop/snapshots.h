/* snapshots.h - which nodes a backup is taken from: plain data. */
#ifndef ROP_SNAPSHOTS_H
#define ROP_SNAPSHOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "rop/err.h"
#include "rop/observed.h"

struct rop_situation;

struct rop_snapshot_source {
	const char *id, *address, *ip, *flavour;
	int port;
	bool replica;
};

struct rop_snapshot { /* of one shard */
	int number;
	struct rop_slots slots;
	ROP_LIST(struct rop_snapshot_source) sources; /* to be tried in this order: at least one */
};

struct rop_snapshots {
	ROP_LIST(struct rop_snapshot) shards; /* that own slots, by number */
};

/* Replicas in sync first, the one that lags least before the others; the primary last. false: the cluster is not such
 * that each key is in just one snapshot: slots without an owner or on their way, an owner that does not answer. In the
 * situation's arena. Codes: REFUSED, UNREACHABLE. */
bool rop_snapshots_choose(const struct rop_situation *now, struct rop_snapshots *ret_snapshots, struct rop_err *err);
/* Do the same shards have the same slots, and the nodes that lead them the same ids? Else what is other, in a sentence.
 */
bool rop_snapshots_same(const struct rop_snapshots *before, const struct rop_snapshots *after, struct rop_err *err);

#endif
