/* shipped.c - a machine is loaded with the words of its name, and with the machine that it hosts. */
#include "rop/shipped.h"

#include <string.h>

#include "rop/policy.h"

/* Of an unknown name, the cluster's words. */
static bool load(struct rop_arena *arena, struct rop_doc *doc, struct rop_diags *diags,
		 struct rop_machine **ret_machine)
{
	const struct rop_doc_node *name = rop_doc_find(doc->root, "machine");
	const struct rop_vocabulary *words = name && name->type == ROP_DOC_SCALAR ? rop_words_of(name->text) : NULL;
	return rop_machine_load(arena, doc, words ? words : rop_cluster_words(), diags, ret_machine);
}

static bool parse(struct rop_arena *arena, const char *name, const char *text, struct rop_diags *diags,
		  struct rop_machine **ret_machine)
{
	struct rop_doc *doc = NULL;
	return rop_doc_parse(arena, name, text, strlen(text), diags, &doc) && load(arena, doc, diags, ret_machine);
}

bool rop_shipped_load(struct rop_arena *arena, const char *path, const struct rop_shipped *shipped,
		      struct rop_diags *diags, struct rop_machine **ret_machine)
{
	struct rop_doc *doc = NULL;
	struct rop_machine *hosted = NULL;
	bool loaded = path ? rop_doc_load(arena, path, diags, &doc) && load(arena, doc, diags, ret_machine)
			   : parse(arena, "states/cluster.yaml", shipped->cluster, diags, ret_machine);
	if (!loaded || !parse(arena, "states/migration.yaml", shipped->migration, diags, &hosted))
		return false;
	if (strcmp((*ret_machine)->name, hosted->name) != 0)
		(*ret_machine)->hosted = hosted;
	return true;
}
