/* unpack.h - of this folder: a stored snapshot read back: digested as it is stored, expanded where it is compressed. */
#ifndef BACKUP_UNPACK_H
#define BACKUP_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/err.h"

struct unpack;
/* Compressed or plain is told by its first bytes. `where`: the folder's path. */
bool unpack_open(const char *where, const char *name, struct unpack **ret_unpack, struct rop_err *err);
void unpack_close(struct unpack *unpack); /* NULL is fine */
/* An input of rop/rdb.h. */
ptrdiff_t unpack_more(void *unpack, const uint8_t **ret_at, struct rop_err *err);
/* Reads the rest, which should be nothing but what the digest counts. false: there was more in it, or it cannot be
 * read.
 */
bool unpack_end(struct unpack *unpack, char *ret_sha256, int64_t *ret_stored, struct rop_err *err);

#endif
