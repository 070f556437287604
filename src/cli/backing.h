/* backing.h - of this folder: what `backup` and `restore` say while threads are at work. */
#ifndef CLI_BACKING_H
#define CLI_BACKING_H

#include "cli.h"
#include "rop/backup.h"

struct backing {
	struct cli *cli;
	const char *what; /* "backup of cart" */
	int64_t began_ms, said_ms;
	int64_t of; /* bytes there are; -1: not known */
	bool line_open;
	struct session *session; /* of a backup: for the second look */
	const struct rop_snapshots *snapshots;
};
struct backing backing_begin(struct cli *cli, const char *what, int64_t of);
void backing_tell(void *backing, const struct rop_backup_progress *shards, size_t n);
void backing_end(struct backing *backing); /* before anything else is said */

#endif
