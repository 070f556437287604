/* manifest.h - of this folder: the file that makes a backup of a folder. */
#ifndef BACKUP_MANIFEST_H
#define BACKUP_MANIFEST_H

#include "rop/backup.h"

/* Last of all: under a temporary name, synced, renamed. `where`: the folder's path. */
bool manifest_write(int folder, const char *where, const struct rop_backup *backup, struct rop_err *err);

/* Under a temporary name, synced, renamed; json may be NULL, which is an error. */
struct json_t;
bool manifest_write_json(int folder, const char *where, const char *name, struct json_t *json, struct rop_err *err);

/* Of what was verified: when, and which manifest it was. */
#define MANIFEST_VERIFIED "verified.json"
bool manifest_write_verified(int folder, const char *where, const struct rop_backup *backup, int64_t wall_ms,
			     struct rop_err *err);
/* Of a drill: the same, and with which server. rop_backup_write_drilled, rop_backup_drilled_ms. */
#define MANIFEST_DRILLED "drilled.json"
int64_t manifest_verified_ms(const char *where, const struct rop_backup *backup); /* 0: it was not, or is another */

#endif
