/* view.c - a node's CLUSTER NODES: its lines, each node once, its own among them; and what a line says of its node. */
#include <string.h>

#include "rop/text.h"
#include "view.h"

#define OPEN_TEXT_MAX 1024
#define ADDRESS_MAX 128

/* ---- the whole of it --------------------------------------------------------------------------------------- */

static size_t count_lines(const char *text)
{
	size_t n = 0;
	for (const char *p = text; *p; n++) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return n;
}

/* Each id once, as in the servers' own table; NULL: so it is. Open addressing; ids are hexadecimal noise, and whoever
 * makes them collide has only so many lines to do it with. */
static const char *find_twice(struct rop_arena *work, const struct view *view)
{
	size_t size = 16;
	while (size < 2 * view->n)
		size *= 2;
	const char **table = rop_alloc_n(work, size, sizeof *table);
	for (size_t i = 0; i < view->n; i++) {
		const char *id = view->lines[i].id;
		size_t at = (size_t)rop_digest(ROP_DIGEST_START, id, ROP_ID_SIZE - 1) & (size - 1);
		for (; table[at]; at = (at + 1) & (size - 1))
			if (memcmp(table[at], id, ROP_ID_SIZE) == 0)
				return id;
		table[at] = id;
	}
	return NULL;
}

/* NULL: understood; else a sentence why not. Lines and their texts live in `work`. */
const char *view_parse(struct rop_arena *work, const char *text, size_t declared, struct view *ret_view)
{
	static const char NOT_UNDERSTOOD[] = "its CLUSTER NODES cannot be understood";
	struct view view = { 0 };
	if (!text)
		return NOT_UNDERSTOOD;
	size_t lines = count_lines(text);
	if (lines > ROP_VIEW_LINES_MAX(declared) || strlen(text) > ROP_VIEW_BYTES_MAX(declared))
		return "its CLUSTER NODES is longer than the declared nodes can explain";
	char *copy = rop_strdup(work, text);
	view.lines = rop_alloc_n(work, lines, sizeof *view.lines);
	for (char *line = copy, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		size_t n = strlen(line);
		if (n && line[n - 1] == '\r')
			line[--n] = '\0';
		if (!n)
			continue;
		if (!rop_node_line_parse(line, &view.lines[view.n++]))
			return NOT_UNDERSTOOD;
	}
	for (size_t i = 0; i < view.n; i++) {
		if (!view.lines[i].myself)
			continue;
		if (view.own)
			return "its CLUSTER NODES has two lines of its own";
		view.own = &view.lines[i];
	}
	if (!view.own)
		return NOT_UNDERSTOOD;
	if (find_twice(work, &view))
		return "its CLUSTER NODES lists a node twice";
	*ret_view = view;
	return NULL;
}

/* ---- one line ---------------------------------------------------------------------------------------------- */

const char *view_address(struct rop_arena *arena, const struct rop_node_line *line)
{
	return rop_address_is_unknown(line->address)
		       ? NULL
		       : rop_text_visible(arena, line->address, strlen(line->address), ADDRESS_MAX);
}

enum rop_role view_role(const struct rop_node_line *line)
{
	if (line->replica)
		return ROP_ROLE_REPLICA;
	return line->primary ? ROP_ROLE_PRIMARY : ROP_ROLE_UNKNOWN;
}

void view_take_entry(struct rop_arena *arena, const struct rop_node_line *line, struct rop_node *node)
{
	memcpy(node->id, line->id, ROP_ID_SIZE);
	node->role = view_role(line);
	node->primary_id[0] = '\0';
	if (line->primary_id[0] != '-')
		memcpy(node->primary_id, line->primary_id, ROP_ID_SIZE);
	node->epoch = line->epoch;
	const char *bracket = strchr(line->slots, '[');
	node->open_text = bracket ? rop_text_visible(arena, bracket, strlen(bracket), OPEN_TEXT_MAX) : NULL;
}
