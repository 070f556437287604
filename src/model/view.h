/* view.h - of this folder: a node's CLUSTER NODES, parsed, and the views of all held against each other. */
#ifndef ROP_MODEL_VIEW_H
#define ROP_MODEL_VIEW_H

#include "rop/observed.h"

struct view {
	struct rop_node_line *lines; /* an id once */
	size_t n;
	struct rop_node_line *own;
	int64_t clock_ms; /* the viewer's wall clock when it answered; 0: not told */
};

/* NULL: understood; else a sentence why not. Lines and their texts live in `work`. */
const char *view_parse(struct rop_arena *work, const char *text, size_t declared, struct view *ret_view);

enum rop_role view_role(const struct rop_node_line *line);
/* Where a line says that its node is; NULL: it does not say (":0", or a node that nobody has met yet). "::1:6379" is an
 * address. */
const char *view_address(struct rop_arena *arena, const struct rop_node_line *line);
/* The line's identity, role, epoch and open slots become the node's; not its slots (node_line_slots). */
void view_take_entry(struct rop_arena *arena, const struct rop_node_line *line, struct rop_node *node);

/* compare.c: what each node says of the others. Who did not answer takes its entry from a line about it, of those with
 * the greatest epoch. shards: [node] its CLUSTER SHARDS, as rop_answer.shards. */
void views_compare(struct rop_observed *seen, const struct view *views, const char *const *shards);

#endif
