/* replication.h - of this folder: INFO replication and INFO memory into the observed cluster. */
#ifndef ROP_MODEL_REPLICATION_H
#define ROP_MODEL_REPLICATION_H

#include "rop/observed.h"

void replication_take(const char *info, struct rop_node *node);
void replication_take_memory(const char *info, struct rop_node *node); /* of INFO memory */
/* Needs every node's role, primary, link and address to be known already. */
void replication_take_online(struct rop_observed *seen, size_t primary, const char *info);

#endif
