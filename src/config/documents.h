/* documents.h - inside config/: a document whose errors do not hide those that the topology's own checks would find. */
#ifndef CONFIG_DOCUMENTS_H
#define CONFIG_DOCUMENTS_H

#include "rop/doc.h"

#define CONFIG_BYTES_MAX ((size_t)1 << 20)
#define CONFIG_DEPTH_MAX 32
#define CONFIG_NODES_MAX 50000
#define CONFIG_SCALAR_MAX 4096

/* Like rop_doc_load() and rop_doc_parse(), but false only when no tree could be made. After `true` there may be errors
 * in diags all the same; what they are about is either missing in the tree or config_is_broken(). */
bool config_doc_load(struct rop_arena *arena, const char *path, struct rop_diags *diags, struct rop_doc **ret_doc);
bool config_doc_parse(struct rop_arena *arena, const char *name, const char *bytes, size_t n, struct rop_diags *diags,
		      struct rop_doc **ret_doc);

/* An alias, a tagged value ...: somebody has complained about it, nobody needs to do so again. */
bool config_is_broken(const struct rop_doc_node *node);

/* source.c: the bytes of a file, at most CONFIG_BYTES_MAX; and whether they are text that can be shown and reviewed
 * (UTF-8 without hidden characters). A byte order mark is dropped. false: said in diags. */
bool config_source_load(struct rop_arena *arena, struct rop_doc *doc, struct rop_diags *diags);
bool config_source_check(struct rop_doc *doc, struct rop_diags *diags);

/* A path written in `file`: relative ones begin at the file's folder. Absolute where it can be: the same file named by
 * another path means the same. NULL gives NULL. */
const char *config_beside(struct rop_arena *arena, const char *file, const char *path);

#endif
