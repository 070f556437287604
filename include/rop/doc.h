/* doc.h - a declared document (YAML) as a tree that remembers where each thing was written, and diagnostics.
 *
 * config/yaml.c makes it (the only user of libyaml), machine/load.c and config/topology.c read it.
 * The reader itself refuses: malformed YAML, bad UTF-8, NUL, anchors, aliases, tags, merge keys, duplicate keys,
 * a second document, files over 1 MiB, depth over 32, over 50,000 nodes, scalars over 4 KiB.
 * Everything is owned by the document's arena.
 */
#ifndef ROP_DOC_H
#define ROP_DOC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "rop/err.h"
#include "rop/mem.h"

enum rop_doc_type { ROP_DOC_SCALAR, ROP_DOC_LIST, ROP_DOC_MAP };

struct rop_mark {
	int line, column;
}; /* both from 1; column counts characters; line 0: unknown */

struct rop_doc_node {
	enum rop_doc_type type;
	struct rop_mark mark;
	int length;       /* characters of a scalar as written on its first line, for the caret; at least 1 */
	const char *text; /* scalar: its text */
	bool quoted;      /* scalar: was written in quotes, so it is a string and not a number, bool or null */
	size_t n;         /* list: items; map: pairs */
	struct rop_doc_node **items; /* list: n items; map: n values */
	struct rop_doc_node **keys;  /* map: n keys, all scalars, all different */
};

struct rop_doc {
	const char *path;   /* as named by the caller; used in diagnostics */
	const char *source; /* the whole text */
	size_t source_n;
	struct rop_doc_node *root; /* NULL for an empty document */
};

/* A key's value in a map, or NULL. */
struct rop_doc_node *rop_doc_find(const struct rop_doc_node *map, const char *key);
/* The key's own node (its mark), or NULL. */
struct rop_doc_node *rop_doc_find_key(const struct rop_doc_node *map, const char *key);

/* Diagnostics: all errors of a file in one run, ordered by place, at most 20 kept (the rest are counted). */
struct rop_diag {
	const struct rop_doc *doc;
	struct rop_mark mark;
	int length;
	bool warning;
	const char *message; /* "unknown key 'replicas_per_shard'" */
	const char *hint;    /* "did you mean 'replicasPerShard'?", or NULL */
};

struct rop_diags {
	struct rop_arena *arena;
	ROP_LIST(struct rop_diag) list;
	size_t errors, warnings; /* counted, also those not kept */
};

void rop_diags_init(struct rop_diags *diags, struct rop_arena *arena);
/* hint may be NULL; node NULL points at line 1, column 1. */
void rop_diag_error(struct rop_diags *diags, const struct rop_doc *doc, const struct rop_doc_node *node,
		    const char *hint, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void rop_diag_warn(struct rop_diags *diags, const struct rop_doc *doc, const struct rop_doc_node *node,
		   const char *hint, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void rop_diag_at(struct rop_diags *diags, const struct rop_doc *doc, struct rop_mark mark, int length, bool warning,
		 const char *hint, const char *message);
/* Sorts by place and prints in the form of cli.md:  path:line:col: error: message / source line / caret and hint. */
void rop_diags_print(struct rop_diags *diags, struct rop_text *out);
/* The same, in lines of at most so many columns. */
void rop_diags_print_in(struct rop_diags *diags, size_t columns, struct rop_text *out);
/* The first error as one sentence ("path:line:col: message"), for callers that need an rop_err (code 3). */
bool rop_diags_fail(const struct rop_diags *diags, struct rop_err *err);

/* config/yaml.c: read and parse. false: at least one error in diags (also when the file cannot be read).
 * `path` is used as given. The text variant takes the bytes; name is what diagnostics call it. */
bool rop_doc_load(struct rop_arena *arena, const char *path, struct rop_diags *diags, struct rop_doc **ret_doc);
bool rop_doc_parse(struct rop_arena *arena, const char *name, const char *bytes, size_t n, struct rop_diags *diags,
		   struct rop_doc **ret_doc);

#endif
