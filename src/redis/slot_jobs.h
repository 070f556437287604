/* slot_jobs.h - servers that move slots by themselves, and what they are at: an exchange of its own. */
#ifndef REDIS_SLOT_JOBS_H
#define REDIS_SLOT_JOBS_H

#include "observe.h"

#define SLOT_JOBS_REPLIES 2
extern const char *const slot_jobs_wire;

/* Worth asking: it has the setting that comes with them. */
bool slot_jobs_asked(const struct questions *questions, const struct rop_answer *answer);
size_t slot_jobs_limit(size_t i, const char **ret_asked);
/* false: it does not tell, and need not be asked again. */
bool slot_jobs_take(struct rop_arena *arena, size_t i, const struct redisReply *reply, struct rop_answer *answer);

#endif
