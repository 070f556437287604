/* saved_plan_file.h - a saved plan as a file: written whole and private, recognised by its content. */
#ifndef ROP_CLI_SAVED_PLAN_FILE_H
#define ROP_CLI_SAVED_PLAN_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "rop/err.h"
#include "rop/mem.h"

/* Is it a saved plan, by its first bytes and by saying so? Then its bytes, in the arena. *ret_bytes NULL: something
 * else, or nothing that can be read. false: a plan that is too large, or not the caller's alone. */
bool saved_plan_read(struct rop_arena *arena, const char *path, const char **ret_bytes, size_t *ret_n,
		     struct rop_err *err);
/* The text of the topology file of a plan; *ret_source NULL: it is gone. false: it cannot be read, or is not the
 * caller's alone: owned by the caller or root, writable by nobody else, named by its own path and not by a link. */
bool saved_plan_topology(struct rop_arena *arena, const char *path, const char **ret_source, struct rop_err *err);
/* Mode 0600; all of it or nothing; replaces regular files only, follows no link. */
bool saved_plan_write(const char *path, const char *bytes, size_t n, struct rop_err *err);

#endif
