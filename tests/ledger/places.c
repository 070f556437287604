/* places.c - every primary is asked for all its keys: each key on one node, and that one owns its slot. */
#include "places.h"

#include <stdlib.h>
#include <string.h>

struct search {
	struct cluster *cluster;
	const struct books *books;
	struct verdict *verdict;
	struct places *places;
	struct names found;
	LIST(int) where; /* the node on which a found name was seen first */
};

static const char *text_of(const struct search *search, int node)
{
	return node == NOBODY ? "nobody" : search->cluster->map.nodes[node].text;
}

/* ---- who is a primary ---------------------------------------------------------------------------------------- */

static bool has_flag(const char *flags, const char *flag)
{
	size_t n = strlen(flag);
	for (const char *at = flags; (at = strstr(at, flag)); at += n)
		if ((at == flags || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
			return true;
	return false;
}

/* "ID HOST:PORT@BUS,NAME FLAGS ...": the number of a primary that is not known to have failed, or NOBODY. */
static int primary_of(struct cluster *cluster, char *line, int said_by)
{
	char *save = NULL, *id = strtok_r(line, " ", &save), *address = strtok_r(NULL, " ", &save),
	     *flags = strtok_r(NULL, " ", &save);
	if (!id || !address || !flags || !has_flag(flags, "master") || has_flag(flags, "fail") ||
	    has_flag(flags, "handshake") || has_flag(flags, "noaddr"))
		return NOBODY;
	return map_address(&cluster->map, address, strcspn(address, "@"), said_by);
}

/* The primaries as the first node that answers knows them: also those without slots, which no client's map has. */
static size_t find_primaries(struct search *search, int ret_nodes[NODES_MAX])
{
	struct cluster *cluster = search->cluster;
	struct text wire = { 0 }, lines = { 0 };
	struct resp_cursor reply;
	struct resp_item item;
	size_t n = 0;
	RESP_COMMAND(&wire, "CLUSTER", "NODES");
	for (int node = 0; node < (int)cluster->map.n && lines.n == 0; node++) {
		if (!cluster_ask(cluster, node, &wire, &reply) || !resp_next(&reply, &item) || item.type != RESP_BULK)
			continue;
		text_add(&lines, item.text, item.n);
		text_add(&lines, "", 1);
		char *save = NULL;
		for (char *line = strtok_r(lines.at, "\n", &save); line && n < NODES_MAX;
		     line = strtok_r(NULL, "\n", &save))
			if ((ret_nodes[n] = primary_of(cluster, line, node)) != NOBODY)
				n++;
	}
	text_free(&wire);
	text_free(&lines);
	return n;
}

/* ---- what it has --------------------------------------------------------------------------------------------- */

/* A key of the journal, or one half of a pair. */
static bool is_ours(const struct books *books, const char *key, size_t n)
{
	size_t account;
	if (names_find(&books->keys, key, n, &account))
		return books->accounts.at[account].kind != KIND_PAIR;
	return n > 0 && (key[n - 1] == 'a' || key[n - 1] == 'b') && names_find(&books->keys, key, n - 1, &account) &&
	       books->accounts.at[account].kind == KIND_PAIR;
}

static bool is_of_run(const struct books *books, const char *key, size_t n)
{
	size_t run = strlen(books->head.run);
	return n > run && memcmp(key, books->head.run, run) == 0 && key[run] == ':';
}

static void found(struct search *search, int node, const struct resp_item *key)
{
	unsigned slot = slot_of(key->text, key->n);
	int owner = search->cluster->map.owner[slot];
	size_t name = names_add(&search->found, key->text, key->n);
	const char *text = search->found.list.at[name].text;
	if (name < search->where.n) { /* SCAN may tell a key of one node twice */
		if (search->where.at[name] != node)
			verdict_add(search->verdict, FAULT_TWICE, "%s on %s and %s", text,
				    text_of(search, search->where.at[name]), text_of(search, node));
		else
			return;
	} else {
		*list_add(&search->where) = node;
		bool ours = is_ours(search->books, key->text, key->n);
		search->places->ours += ours;
		search->places->others += !ours;
		if (!ours && is_of_run(search->books, key->text, key->n))
			verdict_add(search->verdict, FAULT_NEVER_SENT, "the key %s on %s", text, text_of(search, node));
	}
	if (owner != node)
		verdict_add(search->verdict, FAULT_MISPLACED, "%s on %s; slot %u is of %s", text, text_of(search, node),
			    slot, text_of(search, owner));
}

/* [cursor, [key...]]; false when it is no such thing. */
static bool take_page(struct search *search, int node, struct resp_cursor page, char *cursor, size_t size)
{
	struct resp_item item, keys;
	if (!resp_next(&page, &item) || item.type != RESP_ARRAY || item.number != 2 || !resp_next(&page, &item) ||
	    item.type != RESP_BULK || item.n >= size || !resp_next(&page, &keys) || keys.type != RESP_ARRAY)
		return false;
	memcpy(cursor, item.text, item.n);
	cursor[item.n] = '\0';
	for (int64_t i = 0; i < keys.number && resp_next(&page, &item); i++)
		found(search, node, &item);
	return true;
}

static bool scan(struct search *search, int node)
{
	char cursor[32] = "0";
	struct text wire = { 0 };
	struct resp_cursor page;
	bool answered;
	do {
		wire.n = 0;
		RESP_COMMAND(&wire, "SCAN", cursor, "COUNT", "1000");
		answered = cluster_ask(search->cluster, node, &wire, &page) &&
			   take_page(search, node, page, cursor, sizeof cursor);
	} while (answered && strcmp(cursor, "0") != 0);
	text_free(&wire);
	return answered;
}

/* ---- what it believes ---------------------------------------------------------------------------------------- */

static bool compare_views(struct search *search, int node)
{
	struct cluster *cluster = search->cluster;
	struct text wire = { 0 };
	struct resp_cursor reply;
	struct map *view = zeroed(1, sizeof *view);
	RESP_COMMAND(&wire, "CLUSTER", "SLOTS");
	*view = cluster->map;
	bool answered = cluster_ask(cluster, node, &wire, &reply) && map_take(view, reply, node);
	for (unsigned slot = 0; answered && slot < SLOTS; slot++)
		if (view->owner[slot] != cluster->map.owner[slot])
			verdict_add(search->verdict, FAULT_DISPUTED, "slot %u is of %s, %s says", slot,
				    view->owner[slot] == NOBODY ? "nobody" : view->nodes[view->owner[slot]].text,
				    text_of(search, node));
	text_free(&wire);
	free(view);
	return answered;
}

void places_search(struct cluster *cluster, const struct books *books, struct verdict *verdict, struct places *ret)
{
	struct search search = { .cluster = cluster, .books = books, .verdict = verdict, .places = ret };
	int nodes[NODES_MAX];
	*ret = (struct places){ .primaries = find_primaries(&search, nodes) };
	if (ret->primaries == 0)
		verdict_add(verdict, FAULT_UNREADABLE, "CLUSTER NODES: no node tells who is a primary");
	for (size_t i = 0; i < ret->primaries; i++)
		if (!compare_views(&search, nodes[i]) || !scan(&search, nodes[i]))
			verdict_add(verdict, FAULT_UNREADABLE, "%s did not tell its keys", text_of(&search, nodes[i]));
	names_free(&search.found);
	free(search.where.at);
}
