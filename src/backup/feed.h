/* feed.h - of this folder: one stored snapshot, record by record to the owners of its keys. */
#ifndef BACKUP_FEED_H
#define BACKUP_FEED_H

#include "crew.h"
#include "rop/backup.h"
#include "tally.h"

struct feed_job {
	const struct rop_restore_options *options;
	const char *folder;
	const struct rop_backup_shard *shard;
	const int16_t *owner; /* [slot]: index of its target */
	struct progress *progress;
	int64_t *given;    /* [slot] keys: a slot is of one snapshot, so nobody else writes it */
	int64_t *expiring; /* [slot] of those that were given, which expire some time; NULL: not counted; the same */
	/* Of what is no key: the snapshot's beginning, and its libraries. NULL: passed over. */
	bool (*other)(void *arg, const struct rop_rdb *rdb, const struct rop_rdb_record *record, struct rop_err *err);
	void *arg;
	int64_t *gone;                           /* [slot] keys that had expired; the same */
	int64_t expired, functions, keys, bytes; /* of this snapshot; out */
};
/* Each key to its target, as RESTORE with its expiry, idleness or frequency; with dry_run none is sent. What had
 * expired is passed over. */
bool feed_keys(struct feed_job *job, struct crew *crew, struct rop_err *err);
/* The same of a stream; `ended`: its records are over, does it say so too? */
bool feed_stream(struct feed_job *job, const struct rop_rdb_input *input,
		 bool (*ended)(void *arg, const struct tally *tally, struct rop_err *err), struct crew *crew,
		 struct rop_err *err);
/* For each library of it, which stand at its beginning. */
bool feed_functions(const char *folder, const struct rop_backup_shard *shard,
		    bool (*take)(void *arg, const struct rop_rdb_record *library, struct rop_err *err), void *arg,
		    struct rop_err *err);
/* Each key of it, without its value. */
bool feed_names(const char *folder, const struct rop_backup_shard *shard,
		bool (*take)(void *arg, const struct rop_rdb_record *key, struct rop_err *err), void *arg,
		struct progress *progress, struct rop_err *err);
/* How many keys of each slot are still there at that moment: added to ret_keys[slot]. */
bool feed_count_later(const char *folder, const struct rop_backup_shard *shard, int64_t wall_ms, int64_t *ret_keys,
		      struct rop_err *err);

#endif
