/* yaml.c - YAML into a tree that remembers its places: the one user of libyaml.
 *
 * Of YAML it takes maps, lists and scalars in all their spellings and refuses what makes a file mean something other
 * than what a reviewer reads: anchors, aliases, merge keys, tags, a key written twice, a second document. Errors of
 * that kind are collected and reading goes on; malformed YAML and the limits end it.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "malformed.h"
#include "documents.h"
#include "rop/text.h"

struct reader {
	yaml_parser_t parser;
	struct rop_arena *arena;
	struct rop_doc *doc;
	struct rop_diags *diags;
	int depth;
	size_t nodes;
};

static const char BROKEN[] = "";

bool config_is_broken(const struct rop_doc_node *node)
{
	return node->type == ROP_DOC_SCALAR && node->text == BROKEN;
}

static struct rop_mark mark_from(yaml_mark_t mark)
{
	return (struct rop_mark){ .line = (int)mark.line + 1, .column = (int)mark.column + 1 };
}

/* The byte at a place; 0 at the end. Columns count characters. */
static char byte_at(const struct rop_doc *doc, yaml_mark_t mark)
{
	size_t at = 0;
	uint32_t c;
	for (size_t i = 0; i < mark.index && at < doc->source_n; i++)
		at += rop_char(doc->source + at, doc->source_n - at, &c);
	return at < doc->source_n ? doc->source[at] : '\0';
}

static bool malformed(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	struct config_malformed what = {
		.problem = p->error == YAML_MEMORY_ERROR ? "out of memory" : p->problem,
		.at = mark_from(p->problem_mark),
		.character = byte_at(r->doc, p->problem_mark),
	};
	if (p->context)
		what.context = mark_from(p->context_mark);
	config_malformed(r->diags, r->doc, &what);
	return false;
}

static bool next(struct reader *r, yaml_event_t *event)
{
	return yaml_parser_parse(&r->parser, event) ? true : malformed(r);
}

static bool stop(struct reader *r, const struct rop_doc_node *node, const char *hint, const char *message)
{
	rop_diag_error(r->diags, r->doc, node, hint, "%s", message);
	return false;
}

/* For the caret. Of a text over several lines the first one is measured by its value, which is close enough. */
static int length_of(const yaml_event_t *event)
{
	size_t length = event->end_mark.column - event->start_mark.column;
	if (event->end_mark.line != event->start_mark.line) {
		yaml_scalar_style_t style = event->data.scalar.style;
		bool block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
		length = block ? 1 : strcspn((const char *)event->data.scalar.value, "\n") + 1;
	}
	return length > 1 ? (int)length : 1;
}

/* Anchors and tags; broken: the value cannot be taken at its word. */
static void refuse_properties(struct reader *r, const struct rop_doc_node *node, const yaml_char_t *anchor,
			      const yaml_char_t *tag)
{
	static const char CORE[] = "tag:yaml.org,2002:";
	if (anchor)
		rop_diag_at(r->diags, r->doc, node->mark, (int)strnlen((const char *)anchor, 40) + 1, false,
			    "write the value out where it is needed",
			    rop_printf(r->arena, "anchors are not allowed: '&%.40s'", (const char *)anchor));
	if (!tag)
		return;
	bool core = strncmp((const char *)tag, CORE, sizeof CORE - 1) == 0;
	rop_diag_error(r->diags, r->doc, node, "remove it: every key knows its type", "tags are not allowed: '%s%.40s'",
		       core ? "!!" : "", (const char *)tag + (core ? sizeof CORE - 1 : 0));
}

static struct rop_doc_node *new_node(struct reader *r, const yaml_event_t *event, enum rop_doc_type type)
{
	struct rop_doc_node *node = rop_alloc(r->arena, sizeof *node);
	node->type = type;
	node->mark = mark_from(event->start_mark);
	node->length = 1;
	return node;
}

/* Escapes in double quotes can name what the file itself may not hold. */
static bool has_hidden(const char *s, size_t n)
{
	for (size_t at = 0; at < n;) {
		uint32_t c;
		at += rop_char(s + at, n - at, &c);
		if (c != '\n' && c != '\t' && rop_char_hidden(c))
			return true;
	}
	return false;
}

static struct rop_doc_node *read_scalar(struct reader *r, const yaml_event_t *event)
{
	struct rop_doc_node *node = new_node(r, event, ROP_DOC_SCALAR);
	const char *value = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->length = length_of(event);
	node->text = BROKEN;
	if (n > CONFIG_SCALAR_MAX)
		rop_diag_error(r->diags, r->doc, node, NULL, "a text of %zu bytes is too long (at most %d)", n,
			       CONFIG_SCALAR_MAX);
	else if (has_hidden(value, n))
		rop_diag_error(r->diags, r->doc, node, NULL,
			       "hidden characters are not allowed, not as escapes either");
	else if (!event->data.scalar.tag)
		node->text = rop_strndup(r->arena, value, n);
	refuse_properties(r, node, event->data.scalar.anchor, event->data.scalar.tag);
	return node;
}

static struct rop_doc_node *read_alias(struct reader *r, const yaml_event_t *event)
{
	struct rop_doc_node *node = new_node(r, event, ROP_DOC_SCALAR);
	node->length = length_of(event);
	node->text = BROKEN;
	rop_diag_error(r->diags, r->doc, node, "write the value out", "aliases are not allowed: '*%.40s'",
		       (const char *)event->data.alias.anchor);
	return node;
}

static bool read_node(struct reader *r, const yaml_event_t *event, struct rop_doc_node **ret_node);

static bool read_list(struct reader *r, struct rop_doc_node *list)
{
	ROP_LIST(struct rop_doc_node *) items = { 0 };
	for (;;) {
		yaml_event_t event;
		if (!next(r, &event))
			return false;
		bool end = event.type == YAML_SEQUENCE_END_EVENT;
		struct rop_doc_node *item = NULL;
		bool ok = end || read_node(r, &event, &item);
		yaml_event_delete(&event);
		if (!ok)
			return false;
		if (end)
			break;
		*rop_push(r->arena, &items) = item;
	}
	list->items = items.at;
	list->n = items.n;
	return true;
}

/* false: the pair is dropped. */
static bool key_is_fine(struct reader *r, const struct rop_doc_node *key)
{
	if (config_is_broken(key))
		return false;
	if (key->type != ROP_DOC_SCALAR)
		rop_diag_error(r->diags, r->doc, key, "a key is a single word", "a %s cannot be a key",
			       key->type == ROP_DOC_LIST ? "list" : "map");
	else if (!key->quoted && strcmp(key->text, "<<") == 0)
		rop_diag_error(r->diags, r->doc, key, "write the keys out", "merge keys are not allowed");
	else if (!key->quoted && key->text[0] == '\0')
		rop_diag_error(r->diags, r->doc, key, NULL, "a key is missing before this ':'");
	else
		return true;
	return false;
}

struct pair {
	struct rop_doc_node *key, *value;
	size_t nth;
};

static int by_text(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;
	int order = strcmp(p->key->text, q->key->text);
	return order ? order : (p->nth > q->nth) - (p->nth < q->nth);
}

static int by_place(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;
	return p->nth < q->nth ? -1 : p->nth > q->nth;
}

/* Reports every key that was written before and keeps the first. Sorting, because a map may have 25,000 keys. */
static size_t drop_duplicates(struct reader *r, struct pair *pairs, size_t n)
{
	size_t kept = 0;
	qsort(pairs, n, sizeof *pairs, by_text);
	for (size_t i = 0; i < n; i++) {
		const struct rop_doc_node *first = kept ? pairs[kept - 1].key : NULL;
		if (first && strcmp(first->text, pairs[i].key->text) == 0)
			rop_diag_error(r->diags, r->doc, pairs[i].key, "remove one of them",
				       "duplicate key '%.60s' (first at line %d, column %d)", first->text,
				       first->mark.line, first->mark.column);
		else
			pairs[kept++] = pairs[i];
	}
	qsort(pairs, kept, sizeof *pairs, by_place);
	return kept;
}

static bool read_value(struct reader *r, struct rop_doc_node **ret_value)
{
	yaml_event_t event;
	if (!next(r, &event))
		return false;
	bool ok = read_node(r, &event, ret_value);
	yaml_event_delete(&event);
	return ok;
}

static bool read_map(struct reader *r, struct rop_doc_node *map)
{
	ROP_LIST(struct pair) pairs = { 0 };
	for (;;) {
		yaml_event_t event;
		if (!next(r, &event))
			return false;
		bool end = event.type == YAML_MAPPING_END_EVENT;
		struct pair pair = { .nth = pairs.n };
		bool ok = end || (read_node(r, &event, &pair.key) && read_value(r, &pair.value));
		yaml_event_delete(&event);
		if (!ok)
			return false;
		if (end)
			break;
		if (key_is_fine(r, pair.key))
			*rop_push(r->arena, &pairs) = pair;
	}
	map->n = pairs.n ? drop_duplicates(r, pairs.at, pairs.n) : 0;
	map->keys = rop_alloc_n(r->arena, map->n, sizeof(struct rop_doc_node *));
	map->items = rop_alloc_n(r->arena, map->n, sizeof(struct rop_doc_node *));
	for (size_t i = 0; i < map->n; i++) {
		map->keys[i] = pairs.at[i].key;
		map->items[i] = pairs.at[i].value;
	}
	return true;
}

static bool read_collection(struct reader *r, const yaml_event_t *event, struct rop_doc_node **ret_node)
{
	bool list = event->type == YAML_SEQUENCE_START_EVENT;
	struct rop_doc_node *node = new_node(r, event, list ? ROP_DOC_LIST : ROP_DOC_MAP);
	if (++r->depth > CONFIG_DEPTH_MAX)
		return stop(r, node, NULL, "nested too deeply (at most 32 levels)");
	if (list)
		refuse_properties(r, node, event->data.sequence_start.anchor, event->data.sequence_start.tag);
	else
		refuse_properties(r, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	if (!(list ? read_list(r, node) : read_map(r, node)))
		return false;
	r->depth--;
	*ret_node = node;
	return true;
}

static bool read_node(struct reader *r, const yaml_event_t *event, struct rop_doc_node **ret_node)
{
	if (++r->nodes > CONFIG_NODES_MAX) {
		struct rop_doc_node here = { .mark = mark_from(event->start_mark), .length = 1 };
		return stop(r, &here, NULL, "more than 50000 values in one file");
	}
	if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
		return read_collection(r, event, ret_node);
	*ret_node = event->type == YAML_ALIAS_EVENT ? read_alias(r, event) : read_scalar(r, event);
	return true;
}

/* After the root: the document's end, then the stream's. */
static bool read_rest(struct reader *r)
{
	for (;;) {
		yaml_event_t event;
		if (!next(r, &event))
			return false;
		yaml_event_type_t type = event.type;
		struct rop_doc_node here = { .mark = mark_from(event.start_mark), .length = 3 };
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			return true;
		if (type == YAML_DOCUMENT_START_EVENT) {
			stop(r, &here, "put it into a file of its own", "a second document begins here");
			return true; /* the first one can still be checked */
		}
	}
}

/* A document of nothing but comments, `---` or `~` is empty. */
static bool is_nothing(const struct rop_doc_node *node)
{
	return node->type == ROP_DOC_SCALAR && !node->quoted && !config_is_broken(node) &&
	       (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static bool read_document(struct reader *r)
{
	for (;;) {
		yaml_event_t event;
		if (!next(r, &event))
			return false;
		struct rop_doc_node here = { .mark = mark_from(event.start_mark), .length = 1 }, *root = NULL;
		yaml_event_type_t type = event.type;
		bool tags = type == YAML_DOCUMENT_START_EVENT && event.data.document_start.tag_directives.start !=
									 event.data.document_start.tag_directives.end;
		bool skip = type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT;
		bool ok = skip || type == YAML_STREAM_END_EVENT || read_node(r, &event, &root);
		yaml_event_delete(&event);
		if (tags)
			stop(r, &here, "remove the %TAG line", "tags are not allowed");
		if (!ok)
			return false;
		if (type == YAML_STREAM_END_EVENT)
			return true;
		if (!skip) {
			r->doc->root = is_nothing(root) ? NULL : root;
			return read_rest(r);
		}
	}
}

static bool parse(struct rop_arena *arena, struct rop_doc *doc, struct rop_diags *diags)
{
	if (!config_source_check(doc, diags))
		return false;
	struct reader r = { .arena = arena, .doc = doc, .diags = diags };
	if (!yaml_parser_initialize(&r.parser))
		return malformed(&r);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)doc->source, doc->source_n);
	bool ok = read_document(&r);
	yaml_parser_delete(&r.parser);
	return ok;
}

static struct rop_doc *new_doc(struct rop_arena *arena, const char *path)
{
	struct rop_doc *doc = rop_alloc(arena, sizeof *doc);
	doc->path = rop_strdup(arena, path);
	return doc;
}

bool config_doc_parse(struct rop_arena *arena, const char *name, const char *bytes, size_t n, struct rop_diags *diags,
		      struct rop_doc **ret_doc)
{
	struct rop_doc *doc = new_doc(arena, name);
	if (n > CONFIG_BYTES_MAX) {
		rop_diag_at(diags, doc, (struct rop_mark){ 0 }, 1, false, NULL, "the text is larger than 1 MiB");
		return false;
	}
	doc->source = rop_strndup(arena, n ? bytes : "", n);
	doc->source_n = n;
	if (!parse(arena, doc, diags))
		return false;
	*ret_doc = doc;
	return true;
}

bool config_doc_load(struct rop_arena *arena, const char *path, struct rop_diags *diags, struct rop_doc **ret_doc)
{
	struct rop_doc *doc = new_doc(arena, path);
	if (!config_source_load(arena, doc, diags) || !parse(arena, doc, diags))
		return false;
	*ret_doc = doc;
	return true;
}

bool rop_doc_load(struct rop_arena *arena, const char *path, struct rop_diags *diags, struct rop_doc **ret_doc)
{
	struct rop_doc *doc;
	size_t errors = diags->errors;
	if (!config_doc_load(arena, path, diags, &doc) || diags->errors > errors)
		return false;
	*ret_doc = doc;
	return true;
}

bool rop_doc_parse(struct rop_arena *arena, const char *name, const char *bytes, size_t n, struct rop_diags *diags,
		   struct rop_doc **ret_doc)
{
	struct rop_doc *doc;
	size_t errors = diags->errors;
	if (!config_doc_parse(arena, name, bytes, n, diags, &doc) || diags->errors > errors)
		return false;
	*ret_doc = doc;
	return true;
}
