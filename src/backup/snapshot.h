/* snapshot.h - of this folder: one shard's snapshot, from a server into a file. */
#ifndef BACKUP_SNAPSHOT_H
#define BACKUP_SNAPSHOT_H

#include "moment.h"
#include "rop/backup.h"
#include "tally.h"

struct snapshot_job {
	const struct rop_backup_options *options;
	const struct rop_snapshot *shard;
	int folder;
	const char *where; /* its path */
	struct progress *progress;
	struct crew *crew;
	struct moment *moment; /* all shards of one moment; NULL: each of its own */
};
/* Asked of one source, which begins it: its moment. */
struct resync;
bool snapshot_begin(const struct snapshot_job *job, const struct rop_snapshot_source *from, struct resync **ret_resync,
		    struct rop_err *err);
/* The first source that gives a whole one is taken. Texts are in the arena or borrowed from the shard. */
bool snapshot_take(struct rop_arena *arena, const struct snapshot_job *job, struct rop_backup_shard *ret_shard,
		   struct rop_err *err);

#endif
