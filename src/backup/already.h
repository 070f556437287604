/* already.h - of this folder: keys that a target has already: are they the backup's, or did a client write them? */
#ifndef BACKUP_ALREADY_H
#define BACKUP_ALREADY_H

#include "piece.h"
#include "rop/talk.h"

/* Those of the piece that are `there`; its values are kept. valkey: the target is one. true: each has the value that
 * the backup has, or has expired. Nothing that is there is changed. */
bool already_ours(struct rop_talk *talk, const char *address, bool valkey, struct piece *piece, struct rop_err *err);
/* A library, as FUNCTION RESTORE takes it, is there just so. */
bool already_has_library(struct rop_talk *talk, const void *payload, size_t n, bool *ret_has, struct rop_err *err);
/* A client wrote it: always false. */
bool already_other(const char *address, const struct piece *piece, size_t i, struct rop_err *err);

#endif
