/* shipped.c - a machine is loaded with the words of its name, and with the machines that it hosts. */
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

/* The machines that the cluster's hosts. */
static bool host(struct rop_arena *arena, const struct rop_shipped *shipped, struct rop_diags *diags,
		 struct rop_machine *machine)
{
	const char *const files[ROP_HOSTED_MAX][2] = { { "states/migration.yaml", shipped->migration },
						       { "states/retire.yaml", shipped->retire },
						       { "states/failover.yaml", shipped->failover } };
	struct rop_machine *hosted[ROP_HOSTED_MAX] = { NULL };
	bool itself = false; /* one of them was asked for */
	for (size_t i = 0; i < ROP_HOSTED_MAX; i++) {
		if (!parse(arena, files[i][0], files[i][1], diags, &hosted[i]))
			return false;
		itself |= strcmp(machine->name, hosted[i]->name) == 0;
	}
	for (size_t i = 0; i < ROP_HOSTED_MAX && !itself; i++)
		machine->hosted[i] = hosted[i];
	return true;
}

bool rop_shipped_load(struct rop_arena *arena, const char *path, const struct rop_shipped *shipped,
		      struct rop_diags *diags, struct rop_machine **ret_machine)
{
	struct rop_doc *doc = NULL;
	bool loaded = path ? rop_doc_load(arena, path, diags, &doc) && load(arena, doc, diags, ret_machine)
			   : parse(arena, "states/cluster.yaml", shipped->cluster, diags, ret_machine);
	return loaded && host(arena, shipped, diags, *ret_machine);
}
