/* run_once.h - one run of the reconciler from the command line, from its first look to its end, told as it goes. */
#ifndef ROP_CLI_RUN_ONCE_H
#define ROP_CLI_RUN_ONCE_H

#include "cli.h"
#include "progress.h"

#define RUN_ONCE_TIMEOUT_MS 300000 /* where --timeout does not say otherwise */

struct run_once {
	struct session *s;                      /* opened for writing, its nodes too; the cluster's lock is held */
	struct progress progress;               /* cli, cluster and lines are the caller's */
	struct rop_reconcile_options reconcile; /* but for who is told; `arg` is this structure */
	void (*tell_result)(struct progress *progress, const struct rop_result *result,
			    const struct rop_situation *now); /* it has ended, and the journal could be written */
	const char *interrupted, *terminated; /* what it ends with when it is told to: SIGINT; SIGTERM or SIGHUP */
	enum rop_code code;                   /* how it ended */
	enum rop_wish_status wish;            /* rop_result.wish */
	/* its own */
	struct rop_drive *drive;
	struct rop_writer *writer;
	struct rop_timer *ticker;
};

void run_once(struct run_once *run);
int64_t run_once_patience_ms(const struct cli *cli); /* with another process that uses the database */

#endif
