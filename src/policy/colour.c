/* colour.c - all nodes onto shards so that no two of a shard share a host or a zone, whoever becomes its primary.
 *
 * Hosts and zones are the two sides of a graph, and each node is an edge between its host and its zone; one without a
 * zone has a zone of its own. Shards are colours, and edges that touch need different ones. By Koenig's theorem that
 * can be done exactly when no host and no zone has more nodes than there are shards. Alternating paths find it, and
 * make the shards differ by at most one node.
 */
#include <string.h>

#include "placement.h"

struct colouring {
	size_t n, colours;
	int *vertex[2]; /* [host, zone][node] */
	int *at[2];     /* [host, zone][vertex * colours + colour]: the node there; -1 */
	int *colour;    /* [node]; -1: none yet */
	int *path;
};

static int *at(const struct colouring *c, int side, int vertex, size_t colour)
{
	return &c->at[side][(size_t)vertex * c->colours + colour];
}

static void paint(struct colouring *c, int node, size_t colour)
{
	c->colour[node] = (int)colour;
	for (int side = 0; side < 2; side++)
		*at(c, side, c->vertex[side][node], colour) = node;
}

/* The edges of colours a, b, a, b ... from the vertex on. */
static size_t follow(struct colouring *c, int side, int vertex, size_t a, size_t b)
{
	size_t n = 0;
	for (int node; (node = *at(c, side, vertex, n % 2 ? b : a)) >= 0;) {
		c->path[n++] = node;
		side = !side;
		vertex = c->vertex[side][node];
	}
	return n;
}

static void swap_along(struct colouring *c, size_t n, size_t a, size_t b)
{
	for (size_t i = 0; i < n; i++)
		for (int side = 0; side < 2; side++)
			*at(c, side, c->vertex[side][c->path[i]], i % 2 ? b : a) = -1;
	for (size_t i = 0; i < n; i++)
		paint(c, c->path[i], i % 2 ? a : b);
}

static bool find_free(const struct colouring *c, int side, int node, size_t *ret_colour)
{
	for (size_t k = 0; k < c->colours; k++) {
		if (*at(c, side, c->vertex[side][node], k) < 0) {
			*ret_colour = k;
			return true;
		}
	}
	return false;
}

/* A colour that is free at the host is made free at the zone too. The path cannot come back to the host: it would
 * arrive there by that very colour. */
static bool paint_next(struct colouring *c, int node)
{
	size_t a, b;
	if (!find_free(c, 0, node, &a) || !find_free(c, 1, node, &b))
		return false;
	swap_along(c, follow(c, 1, c->vertex[1][node], a, b), a, b);
	paint(c, node, a);
	return true;
}

/* Where shard a has more nodes than b, some path of the two begins and ends with a. Such a path has one end at a host
 * and one at a zone: looking from the hosts finds it. */
static void move_one(struct colouring *c, size_t a, size_t b)
{
	for (size_t i = 0; i < c->n; i++) {
		int host = c->vertex[0][i];
		if (c->colour[i] != (int)a || *at(c, 0, host, b) >= 0)
			continue;
		size_t n = follow(c, 0, host, a, b);
		if (n % 2) {
			swap_along(c, n, a, b);
			return;
		}
	}
}

static void even_out(struct colouring *c, size_t *count)
{
	for (;;) {
		size_t most = 0, least = 0;
		memset(count, 0, c->colours * sizeof *count);
		for (size_t i = 0; i < c->n; i++)
			count[c->colour[i]]++;
		for (size_t k = 1; k < c->colours; k++) {
			most = count[k] > count[most] ? k : most;
			least = count[k] < count[least] ? k : least;
		}
		if (count[most] - count[least] < 2)
			return;
		move_one(c, most, least);
	}
}

bool placement_colour(const struct placement *p, const int *order, int *ret_shard)
{
	struct colouring c = { .n = p->n, .colours = p->n_shards, .colour = ret_shard };
	c.path = rop_alloc_n(p->arena, p->n, sizeof(int));
	for (int side = 0; side < 2; side++) {
		c.vertex[side] = rop_alloc_n(p->arena, p->n, sizeof(int));
		c.at[side] = rop_alloc_n(p->arena, 2 * p->n * p->n_shards, sizeof(int));
		memset(c.at[side], 0xff, 2 * p->n * p->n_shards * sizeof(int));
	}
	for (size_t i = 0; i < p->n; i++) {
		c.vertex[0][i] = p->one_host ? (int)i : p->host[i];
		c.vertex[1][i] = p->zone[i] >= 0 ? p->zone[i] : (int)(p->n + i);
		ret_shard[i] = -1;
	}
	for (size_t i = 0; i < p->n; i++)
		if (!paint_next(&c, order[i]))
			return false;
	even_out(&c, rop_alloc_n(p->arena, p->n_shards, sizeof(size_t)));
	return true;
}
