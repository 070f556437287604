/* by_server.h - of this folder: slots that servers move by themselves (CLUSTER MIGRATESLOTS). */
#ifndef ROP_POLICY_BY_SERVER_H
#define ROP_POLICY_BY_SERVER_H

#include "policy.h"

/* Both can, nothing is open on either, it is not declared otherwise, and it did not fail too often lately. */
bool by_server_can(const struct rop_situation *now, size_t source, size_t target);
const char *by_server_subject(struct rop_arena *arena, const char *source, const char *target); /* of the step */
/* A job at work there. */
bool by_server_is_busy(const struct rop_situation *now, size_t node);
bool by_server_is_at(const struct rop_node *node, const struct rop_slots *slots); /* ... on some of these */
/* Fills in what is seen of the jobs of such a migration. */
void by_server_look_at(struct rop_migration *m);
/* The name of the newest job of such a migration that is over; "": there was none. */
const char *by_server_newest(const struct rop_migration *m);
/* Of jobs that servers gave up while slots are to be moved. */
void by_server_warn(struct rop_situation *now);

/* A node lists a job that is at work on some of these: where nobody claims them, the source has given them up and the
 * target was asked just before it took them over. */
bool by_server_hands_over(const struct rop_observed *seen, const struct rop_slots *slots);

#endif
