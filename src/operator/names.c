/* names.c - the addresses of nodes that are declared by name, or by discovery. */
#include <stdlib.h>
#include <string.h>

#include "rop/leaving.h"
#include "rop/names.h"
#include "rop/text.h"

struct naming {
	struct rop_arena *arena;
	struct rop_topology *topology;
	const struct rop_member *members;
	size_t n_members;
	void (*done)(void *arg, const struct rop_err *err);
	void *arg;
	size_t left;
	struct rop_err err;
};

struct lookup { /* one name */
	struct naming *naming;
	size_t node;
};

static void over(struct naming *naming)
{
	naming->done(naming->arg, naming->err.code == ROP_OK ? NULL : &naming->err);
}

static const char *last_known(const struct naming *naming, const struct rop_declared_node *node)
{
	const char *address = rop_address_join(naming->arena, node->host, node->port);
	for (size_t m = 0; m < naming->n_members; m++)
		if (naming->members[m].ip && strcmp(naming->members[m].address, address) == 0)
			return rop_strdup(naming->arena, naming->members[m].ip);
	return NULL;
}

/* ---- listed nodes ------------------------------------------------------------------------------------------ */

static void found(void *arg, const char *const *ips, size_t n, const char *why)
{
	struct lookup *lookup = arg;
	struct naming *naming = lookup->naming;
	struct rop_declared_node *node = &naming->topology->nodes.at[lookup->node];
	const char **all = rop_alloc_n(naming->arena, n + 1, sizeof *all);
	for (size_t i = 0; i < n; i++)
		all[i] = rop_strdup(naming->arena, ips[i]);
	node->ip = all[0];
	node->ips = n > 1 ? all : NULL;
	node->n_ips = n > 1 ? n : 0;
	if (!n) { /* a silent node, not the end of all: the others are looked at; and it may be where it was last */
		node->no_ip = rop_printf(naming->arena, "its name does not resolve: %s", why);
		node->ip = last_known(naming, node);
	}
	if (--naming->left == 0)
		over(naming);
}

/* ---- discovery --------------------------------------------------------------------------------------------- */

static int compare_hosts(const void *a, const void *b)
{
	return strcmp(((const struct rop_declared_node *)a)->host, ((const struct rop_declared_node *)b)->host);
}

/* Discovery may only add: an address that vanished from the answer is a missing node, not a leaving one. */
static void keep_members(struct naming *naming)
{
	struct rop_topology *t = naming->topology;
	size_t answered = t->nodes.n;
	for (size_t m = 0; m < naming->n_members; m++) {
		char *host;
		int port;
		if (!rop_address_split(naming->arena, naming->members[m].address, &host, &port))
			continue;
		bool known = false;
		for (size_t i = 0; i < answered && !known; i++)
			known = strcmp(t->nodes.at[i].host, host) == 0;
		if (!known)
			*rop_push(naming->arena,
				  &t->nodes) = (struct rop_declared_node){ .host = host, .ip = host, .port = port };
	}
}

static void discovered(void *arg, const char *const *ips, size_t n, const char *why)
{
	struct naming *naming = arg;
	struct rop_topology *t = naming->topology;
	int wanted = t->shards * (1 + t->replicas_per_shard);
	for (size_t i = 0; i < n; i++) {
		struct rop_declared_node *node = rop_push(naming->arena, &t->nodes);
		*node = (struct rop_declared_node){ .port = t->discovery_port };
		node->host = node->ip = rop_strdup(naming->arena, ips[i]);
	}
	if (t->nodes.n)
		qsort(t->nodes.at, t->nodes.n, sizeof *t->nodes.at, compare_hosts);
	keep_members(naming);
	if (!n && !naming->n_members)
		rop_fail(&naming->err, ROP_UNREACHABLE, "%s: discovery name '%s' does not resolve: %s", t->path,
			 t->discovery_dns, why);
	else if ((int)t->nodes.n < wanted)
		rop_fail(&naming->err, ROP_UNREACHABLE,
			 "discovery name '%s' has %zu addresses; %d shards with %d replicas each need %d nodes",
			 t->discovery_dns, t->nodes.n, t->shards, t->replicas_per_shard, wanted);
	over(naming);
}

/* ---- both -------------------------------------------------------------------------------------------------- */

struct rop_endpoint *rop_endpoints_of(struct rop_arena *arena, const struct rop_topology *topology,
				      const struct rop_image *image)
{
	struct rop_endpoint *endpoints = rop_alloc_n(arena, topology->nodes.n, sizeof *endpoints);
	for (size_t i = 0; i < topology->nodes.n; i++) {
		const struct rop_declared_node *node = &topology->nodes.at[i];
		endpoints[i] = (struct rop_endpoint){
			.address = rop_address_join(arena, node->host, node->port),
			.ip = node->ip,
			.ips = node->ips,
			.n_ips = node->n_ips,
			.no_ip = node->no_ip,
			.port = node->port,
			.bus_port = node->bus_port,
			.expected_id = node->leaving,
			.leaving = node->leaving != NULL,
		};
		/* The declared one comes before who left from there. */
		const struct rop_member *member = image ? rop_member_at(image, endpoints[i].address) : NULL;
		if (member && !node->leaving)
			endpoints[i].expected_id = rop_strdup(arena, member->node);
	}
	return endpoints;
}

bool rop_names_used(const struct rop_topology *topology)
{
	for (size_t i = 0; i < topology->nodes.n; i++)
		if (!topology->nodes.at[i].ip)
			return true;
	return topology->discovery_dns != NULL;
}

void rop_names_resolve(struct rop_loop *loop, struct rop_arena *arena, struct rop_topology *topology,
		       const struct rop_member *members, size_t n_members,
		       void (*done)(void *arg, const struct rop_err *err), void *arg)
{
	struct naming *naming = rop_alloc(arena, sizeof *naming);
	*naming = (struct naming){ .arena = arena,
				   .topology = topology,
				   .members = members,
				   .n_members = n_members,
				   .done = done,
				   .arg = arg };
	if (topology->discovery_dns) {
		rop_resolve(loop, topology->discovery_dns, discovered, naming);
		return;
	}
	for (size_t i = 0; i < topology->nodes.n; i++) {
		if (topology->nodes.at[i].ip)
			continue;
		struct lookup *lookup = rop_alloc(arena, sizeof *lookup);
		*lookup = (struct lookup){ .naming = naming, .node = i };
		naming->left++;
		rop_resolve(loop, topology->nodes.at[i].host, found, lookup);
	}
}
