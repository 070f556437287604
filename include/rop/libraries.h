/* libraries.h - the function libraries of a node, as one text: "name@digest name@digest", sorted by name. The digest is
 * of engine and code. "": none; NULL: not known. */
#ifndef ROP_LIBRARIES_H
#define ROP_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

#include "rop/mem.h"

struct rop_library {
	const char *name, *engine, *code;
	size_t engine_n, code_n;
};
/* Sorts them. NULL: one of them has a name that no server takes. */
const char *rop_libraries_text(struct rop_arena *arena, struct rop_library *libraries, size_t n);

/* Is each of `some` among `all`, with the same code? */
bool rop_libraries_hold(const char *all, const char *some);
/* The name of one that both have, with other code; NULL: there is none. */
const char *rop_libraries_clash(struct rop_arena *arena, const char *a, const char *b);
/* The name of one that only `all` has; NULL: there is none. */
const char *rop_libraries_beyond(struct rop_arena *arena, const char *all, const char *some);
const char *rop_libraries_names(struct rop_arena *arena, const char *libraries); /* "a, b" */
int rop_libraries_count(const char *libraries);

#endif
