/* sink.h - of this folder: a file that is written once: compressed and digested on the way, under a temporary name. */
#ifndef BACKUP_SINK_H
#define BACKUP_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/err.h"

#define SINK_PART ".part" /* what it is called until it is whole */

struct sink;
/* In the folder with that descriptor; `where` is its path, for sentences. Mode 0600. */
bool sink_open(int folder, const char *where, const char *name, bool compress, struct sink **ret_sink,
	       struct rop_err *err);
bool sink_put(struct sink *sink, const void *bytes, size_t n, struct rop_err *err);
/* Synced, and called by its name. The sink is freed in each case; where it fails the file is removed. */
bool sink_close(struct sink *sink, char *ret_sha256, int64_t *ret_stored, struct rop_err *err);
void sink_drop(struct sink *sink); /* frees it and removes the file; NULL is fine */

bool folder_sync(int folder, const char *where, struct rop_err *err);

#endif
