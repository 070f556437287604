/* events.h - what happens in a run, as facts for the log: told through on_transition, on_step and on_written. */
#ifndef ROP_EVENTS_H
#define ROP_EVENTS_H

#include "rop/policy.h"

void rop_log_transition(const char *cluster, const struct rop_transition *transition);
void rop_log_step(const char *cluster, const struct rop_step *step, enum rop_expect_status status, const char *note);

#endif
