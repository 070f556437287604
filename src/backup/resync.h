/* resync.h - of this folder: a snapshot streamed by a server, as to a replica that wants nothing else. */
#ifndef BACKUP_RESYNC_H
#define BACKUP_RESYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/err.h"
#include "rop/observed.h"
#include "rop/talk.h"

struct resync;
struct resync_hooks {
	bool (*before)(void *arg, struct rop_talk *talk, struct rop_err *err);                /* it is asked for */
	bool (*begun)(void *arg, struct rop_talk *talk, int64_t offset, struct rop_err *err); /* that is its moment */
	void *arg;
};
/* Asks for a full synchronisation, and waits until the server begins it: its moment. hooks NULL: none. */
bool resync_open(const struct rop_talk_options *options, const char *flavour, const struct resync_hooks *hooks,
		 struct resync **ret_resync, struct rop_err *err);
void resync_close(struct resync *resync); /* NULL is fine */
const char *resync_replid(const struct resync *resync);
int64_t resync_offset(const struct resync *resync);
/* An input of rop/rdb.h: the snapshot's bytes and no others. */
ptrdiff_t resync_more(void *resync, const uint8_t **ret_at, struct rop_err *err);
/* The snapshot was read to its end: does the stream say so too? */
bool resync_end(struct resync *resync, struct rop_err *err);

#endif
