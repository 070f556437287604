/* digest.h - of this folder: SHA-256, of bytes as they come. */
#ifndef BACKUP_DIGEST_H
#define BACKUP_DIGEST_H

#include <stddef.h>

struct digest;
struct digest *digest_new(void);
void digest_add(struct digest *digest, const void *bytes, size_t n);
void digest_end(struct digest *digest, char *ret_hex); /* ROP_SHA256_SIZE; once */
void digest_free(struct digest *digest);               /* NULL is fine */

#endif
