/* doc.c - looking into a document, and collecting what is wrong with it. */
#include "rop/doc.h"

#include <string.h>

#define KEPT_MAX 20 /* what a person reads in one go; the rest is counted */

static size_t find(const struct rop_doc_node *map, const char *key)
{
	size_t i = 0;
	while (i < map->n && strcmp(map->keys[i]->text, key) != 0)
		i++;
	return i;
}

struct rop_doc_node *rop_doc_find(const struct rop_doc_node *map, const char *key)
{
	if (!map || map->type != ROP_DOC_MAP)
		return NULL;
	size_t i = find(map, key);
	return i < map->n ? map->items[i] : NULL;
}

struct rop_doc_node *rop_doc_find_key(const struct rop_doc_node *map, const char *key)
{
	if (!map || map->type != ROP_DOC_MAP)
		return NULL;
	size_t i = find(map, key);
	return i < map->n ? map->keys[i] : NULL;
}

void rop_diags_init(struct rop_diags *diags, struct rop_arena *arena)
{
	*diags = (struct rop_diags){ .arena = arena };
}

/* Where a new one belongs: among those of its document by place, behind its equals; documents in order of arrival. */
static size_t place_for(const struct rop_diags *diags, const struct rop_doc *doc, struct rop_mark mark)
{
	size_t place = diags->list.n;
	bool seen = false;
	for (size_t i = 0; i < diags->list.n; i++) {
		const struct rop_diag *d = &diags->list.at[i];
		if (d->doc != doc) {
			if (seen)
				return i;
			continue;
		}
		seen = true;
		if (d->mark.line > mark.line || (d->mark.line == mark.line && d->mark.column > mark.column))
			return i;
		place = i + 1;
	}
	return place;
}

/* Which of the kept ones gives way when there are too many: the last warning, or else the last of all. */
static size_t least_useful(const struct rop_diags *diags)
{
	for (size_t i = diags->list.n; i-- > 0;)
		if (diags->list.at[i].warning)
			return i;
	return diags->list.n - 1;
}

void rop_diag_at(struct rop_diags *diags, const struct rop_doc *doc, struct rop_mark mark, int length, bool warning,
		 const char *hint, const char *message)
{
	if (warning)
		diags->warnings++;
	else
		diags->errors++;
	size_t place = place_for(diags, doc, mark);
	if (diags->list.n == KEPT_MAX) {
		size_t victim = least_useful(diags);
		bool victim_warns = diags->list.at[victim].warning;
		if ((warning && !victim_warns) || (warning == victim_warns && place > victim))
			return;
		memmove(&diags->list.at[victim], &diags->list.at[victim + 1],
			(diags->list.n - victim - 1) * sizeof *diags->list.at);
		diags->list.n--;
		if (place > victim)
			place--;
	}
	(void)rop_push(diags->arena, &diags->list);
	memmove(&diags->list.at[place + 1], &diags->list.at[place],
		(diags->list.n - place - 1) * sizeof *diags->list.at);
	diags->list.at[place] = (struct rop_diag){
		.doc = doc,
		.mark = mark,
		.length = length > 1 ? length : 1,
		.warning = warning,
		.message = rop_strdup(diags->arena, message),
		.hint = rop_strdup(diags->arena, hint),
	};
}

static void __attribute__((format(printf, 6, 0)))
add(struct rop_diags *diags, const struct rop_doc *doc, const struct rop_doc_node *node, bool warning, const char *hint,
    const char *fmt, va_list ap)
{
	struct rop_mark mark = node ? node->mark : (struct rop_mark){ .line = 1, .column = 1 };
	rop_diag_at(diags, doc, mark, node ? node->length : 1, warning, hint, rop_vprintf(diags->arena, fmt, ap));
}

void rop_diag_error(struct rop_diags *diags, const struct rop_doc *doc, const struct rop_doc_node *node,
		    const char *hint, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(diags, doc, node, false, hint, fmt, ap);
	va_end(ap);
}

void rop_diag_warn(struct rop_diags *diags, const struct rop_doc *doc, const struct rop_doc_node *node,
		   const char *hint, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(diags, doc, node, true, hint, fmt, ap);
	va_end(ap);
}
