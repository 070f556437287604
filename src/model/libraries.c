/* libraries.c - function libraries of nodes, compared by name and digest. */
#include "rop/libraries.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rop/text.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static int by_name(const void *a, const void *b)
{
	const struct rop_library *x = a, *y = b;
	return strcmp(x->name, y->name);
}

const char *rop_libraries_text(struct rop_arena *arena, struct rop_library *libraries, size_t n)
{
	ROP_OWN_TEXT text = { 0 };
	if (n)
		qsort(libraries, n, sizeof *libraries, by_name);
	for (size_t i = 0; i < n; i++) {
		const struct rop_library *l = &libraries[i];
		if (!l->name[0] || strspn(l->name, NAME_CHARS) != strlen(l->name))
			return NULL;
		uint64_t digest = rop_digest(rop_digest(ROP_DIGEST_START, l->engine, l->engine_n), l->code, l->code_n);
		rop_text_add(&text, "%s%s@%016" PRIx64, i ? " " : "", l->name, digest);
	}
	return rop_strndup(arena, text.at ? text.at : "", text.n);
}

/* One entry, and how long its name is. */
struct entry {
	const char *at;
	size_t n, name_n;
};

static bool next(const char **at, struct entry *ret_entry)
{
	*at += strspn(*at, " ");
	struct entry entry = { .at = *at, .n = strcspn(*at, " "), .name_n = strcspn(*at, "@ ") };
	*at += entry.n;
	*ret_entry = entry;
	return entry.n > 0;
}

static bool find(const char *libraries, const struct entry *name, struct entry *ret_entry)
{
	for (const char *at = libraries; at && next(&at, ret_entry);)
		if (ret_entry->name_n == name->name_n && memcmp(ret_entry->at, name->at, name->name_n) == 0)
			return true;
	return false;
}

static bool is_same(const struct entry *a, const struct entry *b)
{
	return a->n == b->n && memcmp(a->at, b->at, a->n) == 0;
}

bool rop_libraries_hold(const char *all, const char *some)
{
	struct entry one, other;
	for (const char *at = some; at && next(&at, &one);)
		if (!find(all, &one, &other) || !is_same(&one, &other))
			return false;
	return all && some;
}

const char *rop_libraries_clash(struct rop_arena *arena, const char *a, const char *b)
{
	struct entry one, other;
	for (const char *at = a; at && next(&at, &one);)
		if (find(b, &one, &other) && !is_same(&one, &other))
			return rop_strndup(arena, one.at, one.name_n);
	return NULL;
}

const char *rop_libraries_beyond(struct rop_arena *arena, const char *all, const char *some)
{
	struct entry one, other;
	for (const char *at = all; at && next(&at, &one);)
		if (!find(some, &one, &other))
			return rop_strndup(arena, one.at, one.name_n);
	return NULL;
}

const char *rop_libraries_names(struct rop_arena *arena, const char *libraries)
{
	ROP_OWN_TEXT text = { 0 };
	struct entry one;
	for (const char *at = libraries; at && next(&at, &one);)
		rop_text_add(&text, "%s%.*s", text.n ? ", " : "", (int)one.name_n, one.at);
	return rop_strndup(arena, text.at ? text.at : "", text.n);
}

int rop_libraries_count(const char *libraries)
{
	struct entry one;
	int n = 0;
	for (const char *at = libraries; at && next(&at, &one);)
		n++;
	return n;
}
