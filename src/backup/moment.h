/* moment.h - of this folder: threads that wait for each other, so that all shards' snapshots are of one moment.
 *
 * Each goes through three gates, and passes one when all have come to it:
 *   ready   its connections are made: nothing of the cluster is changed yet
 *   paused  its primary takes no writes: so the snapshots may begin
 *   begun   its snapshot has its moment: so writes may go on
 * The last two must be over before the shortest pause could end by itself; then the moments are one.
 */
#ifndef BACKUP_MOMENT_H
#define BACKUP_MOMENT_H

#include <stdint.h>

#include "crew.h"

enum moment_step { MOMENT_READY, MOMENT_PAUSED, MOMENT_BEGUN, MOMENT_STEPS_N };

struct moment;
struct moment *moment_new(size_t n, int64_t max_pause_ms);
void moment_free(struct moment *moment);
/* This thread has come to that gate. true: all have. false: some failed, are too late, or were told to stop. */
bool moment_pass(struct moment *moment, enum moment_step step, struct crew *crew, struct rop_err *err);
/* It failed, and the time was over: then that is why. Always false. */
bool moment_failed(struct moment *moment, struct rop_err *err);
/* Before a primary is asked to pause: from the first of these on time runs. */
void moment_pausing(struct moment *moment);
int64_t moment_left_ms(struct moment *moment);  /* until it is too late; 0: it is */
void moment_lifted(struct moment *moment);      /* a primary takes writes again */
int64_t moment_pause_us(struct moment *moment); /* from the first that was paused to the last that was lifted */
int64_t moment_max_ms(const struct moment *moment);

#endif
