/* placement.c - which free node serves which shard: a matching, so that a placement is found where one exists.
 *
 * No two nodes of a shard share a declared zone or a host (level 0); where that cannot be for all, no host (level 1);
 * where that cannot be either, anywhere (level 2). What is placed at a stricter level stays a valid start for the
 * laxer one, so that augmenting reaches the most that the laxer one allows.
 *
 * With siblings to keep apart too, this is no longer a plain matching (hosts and zones may cut across each other), so
 * the search goes by pairs of node and shard. It is bounded: a placement where none is possible must not take for ever.
 */
#include "placement.h"

#include <stdlib.h>
#include <string.h>

#define PROBES_MAX 2000000 /* of a shard for a node; some 10 ms */

struct key {
	const char *text;
	int node;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = strcmp(x->text, y->text);
	return order ? order : (x->node > y->node) - (x->node < y->node);
}

/* Equal texts get equal numbers. */
static void number_equal(struct key *keys, size_t n, int *ret_numbers)
{
	int next = 0;
	qsort(keys, n, sizeof *keys, compare_keys);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(keys[i].text, keys[i - 1].text) != 0)
			next++;
		ret_numbers[keys[i].node] = next;
	}
}

void placement_init(struct placement *p, struct rop_arena *arena, const struct rop_topology *topology, size_t n_shards,
		    int capacity)
{
	size_t n = topology->nodes.n, zoned = 0;
	*p = (struct placement){ .arena = arena, .n = n, .n_shards = n_shards, .capacity = capacity };
	p->host = rop_alloc_n(arena, n, sizeof(int));
	p->zone = rop_alloc_n(arena, n, sizeof(int));
	p->members = rop_alloc_n(arena, n_shards, sizeof *p->members);
	p->more = rop_alloc_n(arena, n_shards, sizeof *p->more);
	p->visited = rop_alloc_n(arena, n * n_shards, sizeof *p->visited);
	p->probes_left = PROBES_MAX;
	struct key *keys = rop_alloc_n(arena, n, sizeof *keys);
	for (size_t i = 0; i < n; i++) {
		const struct rop_declared_node *node = &topology->nodes.at[i];
		keys[i] = (struct key){ node->ip ? node->ip : node->host, (int)i };
		p->zone[i] = -1;
	}
	number_equal(keys, n, p->host);
	p->one_host = n > 1;
	for (size_t i = 1; i < n; i++)
		p->one_host &= p->host[i] == p->host[0];
	for (size_t i = 0; i < n; i++)
		if (topology->nodes.at[i].zone)
			keys[zoned++] = (struct key){ topology->nodes.at[i].zone, (int)i };
	number_equal(keys, zoned, p->zone);
}

bool placement_apart(const struct placement *p, int a, int b, int level)
{
	if (level < 2 && p->host[a] == p->host[b] && !p->one_host)
		return false;
	return level > 0 || p->zone[a] < 0 || p->zone[a] != p->zone[b];
}

/* May `node` serve `shard`, not counting the member `except` (-1: none)? */
static bool allowed(const struct placement *p, int node, size_t shard, int except, int level)
{
	if (level == 2)
		return true;
	const struct placement_members *m = &p->members[shard];
	for (size_t i = 0; i < m->n; i++)
		if (m->at[i].node != except && !placement_apart(p, node, m->at[i].node, level))
			return false;
	return true;
}

static bool has_room(const struct placement *p, size_t shard)
{
	return (int)p->members[shard].n - p->members[shard].has_primary < p->capacity + p->more[shard];
}

void placement_add(struct placement *p, size_t shard, int node, bool primary, bool fixed)
{
	struct placement_members *m = &p->members[shard];
	*rop_push(p->arena, m) = (struct placement_member){ node, fixed };
	m->has_primary |= primary;
}

static unsigned *visit(struct placement *p, int node, size_t shard)
{
	return &p->visited[(size_t)node * p->n_shards + shard];
}

/* Shards with fewer members first, then in order: an even spread in file order. */
static bool place_where_room(struct placement *p, int node, int level)
{
	size_t best = p->n_shards;
	for (size_t k = 0; k < p->n_shards; k++) {
		if (*visit(p, node, k) == p->search || !has_room(p, k) ||
		    (best < p->n_shards && p->members[k].n >= p->members[best].n))
			continue;
		if (allowed(p, node, k, -1, level))
			best = k;
	}
	if (best == p->n_shards)
		return false;
	placement_add(p, best, node, false, false);
	return true;
}

/* An augmenting path: take another's place, if that one finds a new one. */
static bool place(struct placement *p, int node, int level)
{
	if (place_where_room(p, node, level))
		return true;
	if (level == 2 || p->probes_left < p->n_shards)
		return false;
	p->probes_left -= p->n_shards;
	for (size_t k = 0; k < p->n_shards; k++) {
		if (*visit(p, node, k) == p->search)
			continue;
		*visit(p, node, k) = p->search;
		struct placement_members *m = &p->members[k];
		for (size_t i = 0; i < m->n; i++) {
			int other = m->at[i].node;
			if (m->at[i].fixed || !allowed(p, node, k, other, level))
				continue;
			if (!has_room(p, k) || !allowed(p, node, k, -1, level)) {
				m->at[i].node = node;
				if (place(p, other, level))
					return true;
				m->at[i].node = other;
			}
		}
	}
	return false;
}

size_t placement_run(struct placement *p, const int *nodes, size_t n, int up_to_level)
{
	bool *placed = rop_alloc_n(p->arena, n, sizeof(bool));
	size_t left = n;
	for (int level = 0; level <= up_to_level && left > 0; level++) {
		for (size_t i = 0; i < n; i++) {
			if (placed[i])
				continue;
			p->search++;
			if (place(p, nodes[i], level)) {
				placed[i] = true;
				left--;
			}
		}
	}
	return left;
}
