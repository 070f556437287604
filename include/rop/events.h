/* events.h - what happens in a run, as facts for the log: told through on_transition, on_step and on_written. */
#ifndef ROP_EVENTS_H
#define ROP_EVENTS_H

#include "rop/policy.h"

void rop_log_transition(const char *cluster, const struct rop_transition *transition);
/* What failed, and what was kept otherwise, at info; the rest at debug. */
void rop_log_step(const char *cluster, const struct rop_step *step, enum rop_expect_status status, const char *note);
/* The same, and at info also each step that was met and made a node another one: its role, its slots, its settings. Not
 * the many of a cluster that is formed (introductions, epochs, temporary settings), nor what goes before a slot moves.
 * For who has only the log. */
void rop_log_change(const char *cluster, const struct rop_step *step, enum rop_expect_status status, const char *note);

#endif
