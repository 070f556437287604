/* drained.h - of this folder: hosts that somebody is to stop. */
#ifndef ROP_POLICY_DRAINED_H
#define ROP_POLICY_DRAINED_H

#include "policy.h"

/* Which nodes: before there is a layout. */
void policy_find_drained(struct rop_situation *now);
/* draining.c: how far each is, what is to be handed over next, and what waits for it: once all else is known. */
void policy_find_drains(struct rop_situation *now);
static inline bool drained_is(const struct rop_situation *now, size_t node)
{
	return now->drained && now->drained[node];
}
/* "its host is drained by anna for another 52 min (kernel update)"; of a node that is. */
const char *drained_words(const struct rop_situation *now, size_t node);
/* "10.0.0.3:6379 is silent, which is expected: ..." */
const char *drained_silence(const struct rop_situation *now, size_t node);
/* The wish of a drain: not wanted any more when that one is over. */
bool drained_wants(const struct rop_situation *now, const struct rop_wish *wish);

#endif
