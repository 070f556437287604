/* still.h - of this folder: a primary that takes no writes for a moment, while its shard's snapshot begins. */
#ifndef BACKUP_STILL_H
#define BACKUP_STILL_H

#include "moment.h"
#include "rop/talk.h"

struct still;
bool still_open(const struct rop_talk_options *primary, bool from_replica, struct moment *moment, struct crew *crew,
		struct still **ret_still, struct rop_err *err);
void still_close(struct still *still); /* writes go on, in each case; NULL is fine */
/* The source is ready to be asked for its snapshot: all primaries are paused, and it has what its primary has. */
bool still_before(struct still *still, struct rop_talk *source, struct rop_err *err);
/* The snapshot is of that place in the primary's history: writes go on, when all have begun. */
bool still_begun(struct still *still, struct rop_talk *source, int64_t offset, struct rop_err *err);

#endif
