/* node_line.h - of this folder: the slots of a line of CLUSTER NODES (rop_node_line_parse is in rop/observed.h). */
#ifndef ROP_MODEL_NODE_LINE_H
#define ROP_MODEL_NODE_LINE_H

#include "rop/observed.h"

/* "0-5460 6000 [7000->-id]" into a set and a count of open slots. false: not slots. */
bool node_line_slots(const char *text, struct rop_slots *ret_slots, int *ret_open);
/* Those of its open slots that can be understood, by slot, into the node. */
void node_line_open(struct rop_arena *arena, const char *text, struct rop_node *node);

#endif
