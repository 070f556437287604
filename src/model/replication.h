/* replication.h - of this folder: INFO replication and INFO memory into the observed cluster. */
#ifndef ROP_MODEL_REPLICATION_H
#define ROP_MODEL_REPLICATION_H

#include "rop/observed.h"

void replication_take(const char *info, struct rop_node *node);
int64_t replication_used_memory(const char *info); /* bytes; -1: not told */
int64_t replication_data_memory(const char *info); /* what of it is of keys; -1: not told */
/* Needs every node's role, primary, link and address to be known already. */
void replication_take_online(struct rop_observed *seen, size_t primary, const char *info);

#endif
