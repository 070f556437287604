/* walk.c - the document against the table: unknown keys, missing keys, and each value to where it belongs. */
#include "walk.h"

#include <string.h>

#include "documents.h"
#include "rop/text.h"

/* Beyond what is kept nobody reads hints, and they cost the most. */
static bool worth_a_hint(const struct config_walk *w)
{
	return w->diags->errors < 100;
}

static const char *hint_for_unknown(struct config_walk *w, const char *name, const char *parent)
{
	const char *candidates[32] = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < CONFIG_KEYS_N && n < sizeof candidates / sizeof *candidates; i++)
		if (config_key_in(&CONFIG_KEYS[i], parent))
			candidates[n++] = config_key_name(&CONFIG_KEYS[i]);
	const char *close = rop_suggest(name, candidates, n);
	if (close)
		return rop_printf(w->arena, "did you mean '%s'?", close);
	for (size_t i = 0; i < CONFIG_KEYS_N; i++) {
		const char *path = CONFIG_KEYS[i].path, *own = config_key_name(&CONFIG_KEYS[i]);
		if (own == path || strcmp(own, name) != 0)
			continue;
		return rop_printf(w->arena, "it belongs under '%.*s'", (int)(own - path - 1), path);
	}
	ROP_OWN_TEXT known = { 0 };
	for (size_t i = 0; i < n; i++)
		rop_text_add(&known, "%s%s", i ? ", " : "known here: ", candidates[i]);
	return rop_strdup(w->arena, known.at);
}

static const struct config_key *find_key(const char *name, const char *parent)
{
	for (size_t i = 0; i < CONFIG_KEYS_N; i++)
		if (config_key_in(&CONFIG_KEYS[i], parent) && strcmp(config_key_name(&CONFIG_KEYS[i]), name) == 0)
			return &CONFIG_KEYS[i];
	return NULL;
}

/* One mistake, one error: a key that is there in another spelling is not missing too. */
static bool is_misspelt(const struct rop_doc_node *map, const char *name, const char *parent)
{
	for (size_t i = 0; i < map->n && i < 50; i++)
		if (!find_key(map->keys[i]->text, parent) && rop_suggest(map->keys[i]->text, &name, 1))
			return true;
	return false;
}

/* at: the key that names the map, or the map itself. */
static void report_missing(struct config_walk *w, const struct rop_doc_node *map, const char *parent,
			   const struct rop_doc_node *at)
{
	for (size_t i = 0; i < CONFIG_KEYS_N; i++) {
		const struct config_key *key = &CONFIG_KEYS[i];
		const char *name = config_key_name(key);
		if (!key->required || !config_key_in(key, parent) || rop_doc_find_key(map, name) ||
		    is_misspelt(map, name, parent))
			continue;
		const char *dot = strrchr(parent, '.'), *owner = dot ? dot + 1 : parent;
		const char *hint = rop_printf(w->arena, "add '%s: %s'", name, key->example);
		if (parent[0] == '\0')
			rop_diag_error(w->diags, w->doc, map, hint, "missing key '%s'", name);
		else if (strcmp(owner, "nodes[]") == 0)
			rop_diag_error(w->diags, w->doc, at, hint, "this node has no '%s'", name);
		else
			rop_diag_error(w->diags, w->doc, at, hint, "missing key '%s' in '%s'", name, owner);
	}
}

static void walk_map(struct config_walk *w, const struct rop_doc_node *map, const char *parent,
		     const struct rop_doc_node *at, void *base);

static void walk_node(struct config_walk *w, const struct rop_doc_node *item)
{
	bool is_map = item->type == ROP_DOC_MAP;
	*rop_push(w->arena, &w->places) = is_map ? item : NULL;
	struct rop_declared_node *node = rop_push(w->arena, &w->topology->nodes);
	*node = (struct rop_declared_node){ 0 };
	if (is_map)
		walk_map(w, item, "spec.nodes[]", item, node);
	else if (!config_is_broken(item))
		rop_diag_error(w->diags, w->doc, item, "write { address: host:port }", "a node must be a map, not a %s",
			       item->type == ROP_DOC_LIST ? "list" : "single value");
}

static void walk_list(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
		      const struct rop_doc_node *list)
{
	if (list->type != ROP_DOC_LIST) {
		config_wrong_type(w, key, name, list);
		return;
	}
	if (list->n == 0)
		rop_diag_error(w->diags, w->doc, name, "add '- { address: host:port }' for each server",
			       "'%s' is empty", name->text);
	if (list->n > (size_t)key->max)
		rop_diag_error(w->diags, w->doc, name, NULL, "'%s' has %zu entries, at most %d", name->text, list->n,
			       (int)key->max);
	for (size_t i = 0; i < list->n && i < (size_t)key->max; i++)
		walk_node(w, list->items[i]);
}

static void walk_settings(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
			  const struct rop_doc_node *map)
{
	if (map->type != ROP_DOC_MAP) {
		config_wrong_type(w, key, name, map);
		return;
	}
	for (size_t i = 0; i < map->n; i++)
		config_setting(w, map->keys[i], map->items[i]);
}

static void walk_weights(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
			 const struct rop_doc_node *map)
{
	if (map->type != ROP_DOC_MAP) {
		config_wrong_type(w, key, name, map);
		return;
	}
	if (map->n == 0)
		rop_diag_error(w->diags, w->doc, name, "write { 1: 1 } for equal shares, or leave the key out",
			       "'%s' is empty", name->text);
	for (size_t i = 0; i < map->n; i++)
		config_weight(w, key, map->keys[i], map->items[i]);
}

static void walk_key(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
		     const struct rop_doc_node *value, void *base)
{
	switch (key->type) {
	case CONFIG_MAP:
		if (value->type == ROP_DOC_MAP)
			walk_map(w, value, key->path, name, base);
		else if (!config_is_broken(value))
			config_wrong_type(w, key, name, value);
		break;
	case CONFIG_LIST:
		if (!config_is_broken(value))
			walk_list(w, key, name, value);
		break;
	case CONFIG_SETTINGS:
		if (!config_is_broken(value))
			walk_settings(w, key, name, value);
		break;
	case CONFIG_WEIGHTS:
		if (!config_is_broken(value))
			walk_weights(w, key, name, value);
		break;
	case CONFIG_INT:
	case CONFIG_TEXT:
	case CONFIG_DURATION:
	case CONFIG_CHOICE: config_value(w, key, name, value, base); break;
	case CONFIG_TYPES: break;
	}
}

static void walk_map(struct config_walk *w, const struct rop_doc_node *map, const char *parent,
		     const struct rop_doc_node *at, void *base)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct rop_doc_node *name = map->keys[i];
		const struct config_key *key = find_key(name->text, parent);
		if (key)
			walk_key(w, key, name, map->items[i], base);
		else
			rop_diag_error(w->diags, w->doc, name,
				       worth_a_hint(w) ? hint_for_unknown(w, name->text, parent) : NULL,
				       "unknown key '%.60s'", name->text);
	}
	report_missing(w, map, parent, at);
}

void config_walk(struct config_walk *w)
{
	config_defaults(w->topology);
	walk_map(w, w->doc->root, "", w->doc->root, w->topology);
}
