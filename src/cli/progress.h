/* progress.h - what is told of a run while it goes on, and at its end: sentences on stderr, or an object an event. */
#ifndef ROP_CLI_PROGRESS_H
#define ROP_CLI_PROGRESS_H

#include "cli.h"

struct progress {
	struct cli *cli;
	const char *cluster;
	int64_t began_ms, said_ms;    /* boot clock; said: the last line of how it goes */
	size_t asked;                 /* steps sent */
	ROP_LIST(const char *) kept;  /* values that the servers write their own way, as told */
	struct rop_plan_lines *lines; /* of the plan; NULL: not as text */
	struct rop_text held;         /* of them what a terminal is told only where the rest is not done */
	bool line_open;               /* the line that is written over stands */
	bool waiting;                 /* for the database */
};

void progress_transition(struct progress *p, const struct rop_transition *transition);
void progress_step(struct progress *p, const struct rop_step *step, enum rop_expect_status status, const char *note);
/* Now and then: what it waits for. */
void progress_tick(struct progress *p, const struct rop_reconcile *r);
int64_t progress_every_ms(const struct progress *p); /* how often to call it */
/* Another process uses the database (why); NULL: no longer. Told when it changes. */
void progress_database(struct progress *p, const struct rop_err *why);
/* now: the situation at the end; NULL where nothing was seen. */
void progress_result(struct progress *p, const struct rop_result *result, const struct rop_situation *now);
/* It ended before its end: what was done and what was not. */
void progress_not_done(struct progress *p);
void progress_close_line(struct progress *p); /* before anything else is said on stderr */

#endif
