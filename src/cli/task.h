/* task.h - of this folder: a command that has one thing done to a cluster, by a run that does nothing else (failover,
 * drain, takeover): opened, looked at, asked about, looked at once more under the lock, and done.
 */
#ifndef ROP_CLI_TASK_H
#define ROP_CLI_TASK_H

#include "cli.h"
#include "run_once.h"

struct task {
	const char *command; /* its name: what the lock says of who holds it */
	const char *target;  /* the person's words */
	const char *unknown; /* why it cannot be done for a cluster that the database does not know */
	struct cli *cli;
	struct session *s;
	struct rop_lock *lock; /* NULL: not taken yet */
	struct rop_plan plan;  /* of nothing else; the caller's to make */
};

/* The topology, the machine, the database, the nodes, and a look at them. LOCK: from the beginning, for nobody is going
 * to be asked. false: err says why not; task_close is due all the same. */
bool task_open(struct task *task, const char *file, bool lock, struct rop_err *err);
void task_close(struct task *task);

bool task_load(struct task *task, struct rop_err *err);
/* While a question stood others could change what they liked: the lock, what the database holds, and a look, anew. */
bool task_look_again(struct task *task, struct rop_err *err);

/* The run: what is shown of its plan, and what it has of the session. It may hand over, and put back what it lowered;
 * the rest is the caller's. */
void task_begin(struct task *task, struct run_once *once);

#endif
