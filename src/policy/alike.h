/* alike.h - of this folder: servers that must be alike. */
#ifndef ROP_POLICY_ALIKE_H
#define ROP_POLICY_ALIKE_H

#include "policy.h"

/* Settings that only a restart changes, and that all members need alike: watched wherever they are known. */
#define ALIKE_SETTINGS_N 2
extern const char *const alike_settings[ALIKE_SETTINGS_N];

/* How new the RDB is that a server writes: primaries are the lowest. 0: unknown. */
int alike_rank(const struct rop_node *node);
bool alike_ranks_differ(const struct rop_observed *seen);
/* Can one load what the other sends? true also where a version is not known. */
bool alike_loads(const struct rop_node *replica, const struct rop_node *primary);
/* A sentence; NULL: it can, or one of them does not answer. */
const char *alike_cannot_load(const struct rop_situation *now, size_t replica, size_t primary);

/* Findings for who would become a member or a replica, warnings of those that are. */
void policy_find_unlike(struct rop_situation *now);

#endif
