/* tally.h - of this folder: what is counted of a snapshot's records, and that each key is where it belongs. */
#ifndef BACKUP_TALLY_H
#define BACKUP_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "rop/backup.h"
#include "rop/observed.h"
#include "rop/rdb.h"

struct progress {          /* written by its thread, read by the one that tells */
	_Atomic int phase; /* enum rop_backup_phase */
	_Atomic int64_t bytes, keys;
};

/* As tell takes it; NULL is fine. */
void progress_tell(const struct progress *progress, const struct rop_backup *backup,
		   void (*tell)(void *arg, const struct rop_backup_progress *shards, size_t n), void *arg);

struct tally {
	struct rop_slots slots; /* of the shard */
	int64_t keys, expiring, functions;
};
/* false: its key is of another shard, named. */
bool tally_add(struct tally *tally, const struct rop_rdb_record *record, struct rop_err *err);

#endif
