/* revision.c - one version of a topology file, frozen: parsed once, worked on until the next. */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

static void take_intervals(struct rop_topology *topology, const struct rop_config *config)
{
	if (!topology->interval_declared)
		topology->interval_ms = config->interval_ms;
	if (!topology->connect_timeout_declared)
		topology->connect_timeout_ms = config->connect_timeout_ms;
	if (!topology->command_timeout_declared)
		topology->command_timeout_ms = config->command_timeout_ms;
}

/* text NULL: read it from the file. */
static struct revision *make(const struct rop_config *config, const char *path, const char *text,
			     struct rop_text *errors)
{
	struct rop_arena *arena = rop_arena_new();
	struct rop_diags diags;
	struct rop_doc *doc = NULL;
	struct rop_topology *topology = NULL;
	const char *own = rop_strdup(arena, path);
	rop_diags_init(&diags, arena);
	bool read = text ? rop_doc_parse(arena, own, text, strlen(text), &diags, &doc)
			 : rop_doc_load(arena, own, &diags, &doc);
	if (!read || !rop_topology_from_doc(arena, doc, &diags, &topology)) {
		rop_diags_print(&diags, errors);
		rop_arena_free(arena);
		return NULL;
	}
	take_intervals(topology, config);
	struct revision *revision = rop_alloc(arena, sizeof *revision);
	*revision = (struct revision){
		.arena = arena, .topology = topology, .source = doc->source, .named = rop_names_used(topology)
	};
	return revision;
}

struct revision *revision_load(const struct rop_config *config, const char *path, struct rop_text *errors)
{
	return make(config, path, NULL, errors);
}

struct revision *revision_parse(const struct rop_config *config, const char *path, const char *text,
				struct rop_text *errors)
{
	return make(config, path, text, errors);
}

void revision_free(struct revision *revision)
{
	if (revision)
		rop_arena_free(revision->arena);
}
