/* sync_delay.h - of this folder: repl-diskless-sync-delay is 0 for a while on the nodes that a backup is taken from. */
#ifndef CLI_SYNC_DELAY_H
#define CLI_SYNC_DELAY_H

#include "cli.h"
#include "rop/snapshots.h"

/* --consistent and --max-pause: 0 without. */
int64_t max_pause_of(const struct cli *cli);
bool max_pause_fits(const struct cli *cli, struct rop_err *err);
/* As session_open_to_look, for a cluster whose settings are changed for a moment, and whose clients wait: its lock is
 * held, and the database is open for writing. command: who holds it. */
bool session_open_to_pause(struct session *s, struct cli *cli, const char *file, const char *command,
			   struct rop_lock **ret_lock, struct rop_err *err);

struct sync_delays {
	struct session *session;
	ROP_LIST(struct sync_delay {
		const struct rop_snapshot_source *source;
		const char *original;
	}) lowered;
};
/* On the first source of each shard. Each is written to the database (open for writing) before it is sent, so that
 * whoever comes after us puts it back if we die. */
bool sync_delays_lower(struct session *s, const struct rop_snapshots *snapshots, struct sync_delays *ret_delays,
		       struct rop_err *err);
/* All that were, in each case; false: some could not be, and stand in the database. */
bool sync_delays_put_back(struct sync_delays *delays, struct rop_err *err);

#endif
