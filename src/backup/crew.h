/* crew.h - of this folder: the same work on many things, some at a time, each on a thread of its own.
 *
 * crew_run returns when the last one has ended. The first that fails has the others stop; so has a signal (SIGINT,
 * SIGTERM, SIGHUP), which is not delivered otherwise meanwhile. Whoever waits for something else waits for crew_stop_fd
 * too.
 */
#ifndef BACKUP_CREW_H
#define BACKUP_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "rop/err.h"

struct crew;

struct crew_job {
	size_t n, at_a_time;
	/* On a thread; index tells which. false: err, and all stop. */
	bool (*work)(void *arg, size_t index, struct crew *crew, struct rop_err *err);
	void (*tick)(void *arg); /* on the caller's thread, a few times a second and at the end; NULL */
	void *arg;
};

bool crew_run(const struct crew_job *job, struct rop_err *err); /* the error of the first that failed */
int crew_stop_fd(const struct crew *crew);                      /* readable: stop */
bool crew_stopped(struct crew *crew, struct rop_err *err);      /* true: err says so */

#endif
