/* kept.h - of this folder: servers that came back with another id and with the copy that they had. */
#ifndef ROP_POLICY_KEPT_H
#define ROP_POLICY_KEPT_H

#include "guard.h"

/* Who serves most of the slots that this one claims, and has no fewer keys; -1: nobody. */
int kept_server_of(const struct rop_situation *now, size_t node);
/* It answers, knows nobody, is followed by nobody, has keys and nothing else. */
bool kept_can_be_emptied(const struct rop_situation *now, size_t node);
/* What is lost with its copy, where that one serves the slots. */
struct rop_risk kept_loss(const struct rop_situation *now, size_t node, size_t server);
/* Somebody gave that up. */
void kept_is_to_empty(struct rop_situation *now, size_t node);

#endif
