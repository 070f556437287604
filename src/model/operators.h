/* operators.h - of this folder: connections of operators among those of a node. */
#ifndef ROP_MODEL_OPERATORS_H
#define ROP_MODEL_OPERATORS_H

#include "rop/observed.h"

/* Lines of CLIENT LIST; each operator once, up to ROP_OPERATORS_MAX. */
void operators_take(struct rop_arena *arena, const char *lines, struct rop_node *node);

#endif
