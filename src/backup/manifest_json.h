/* manifest_json.h - of this folder: what writing and reading a manifest share. */
#ifndef BACKUP_MANIFEST_JSON_H
#define BACKUP_MANIFEST_JSON_H

#include <stdbool.h>

struct json_t;
/* false: out of memory. */
bool manifest_digest(struct json_t *manifest, char *ret_hex);

#endif
