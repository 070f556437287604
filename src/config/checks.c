/* checks.c - what no single key can tell: enough nodes for the shape, no address twice, no ports that clash. */
#include <inttypes.h>
#include <string.h>

#include "address.h"
#include "documents.h"
#include "rop/text.h"
#include "walk.h"

static const struct rop_doc_node *spec_of(const struct config_walk *w)
{
	return rop_doc_find(w->doc->root, "spec");
}

static void check_source(struct config_walk *w)
{
	const struct rop_doc_node *spec = spec_of(w);
	if (!spec || spec->type != ROP_DOC_MAP)
		return;
	const struct rop_doc_node *nodes = rop_doc_find_key(spec, "nodes"),
				  *discovery = rop_doc_find_key(spec, "discovery");
	if (nodes && discovery)
		rop_diag_error(w->diags, w->doc, discovery, "keep one of them",
			       "both 'nodes' (line %d) and 'discovery'", nodes->mark.line);
	if (!nodes && !discovery)
		rop_diag_error(w->diags, w->doc, rop_doc_find_key(w->doc->root, "spec"),
			       "add 'nodes:' with the servers' addresses, or 'discovery: { dns: ..., port: ... }'",
			       "'spec' names no servers");
}

/* Keys that nobody knows have been complained about: one of them may be the one that is missing. */
static void check_auth(struct config_walk *w)
{
	const struct rop_doc_node *auth = rop_doc_find(spec_of(w), "auth");
	if (!auth || auth->type != ROP_DOC_MAP)
		return;
	const struct rop_doc_node *file = rop_doc_find_key(auth, "passwordFile");
	const struct rop_doc_node *credential = rop_doc_find_key(auth, "credential"),
				  *user = rop_doc_find_key(auth, "user");
	if (file && credential)
		rop_diag_error(w->diags, w->doc, credential, "keep one of them",
			       "both 'passwordFile' (line %d) and 'credential'", file->mark.line);
	if (!file && !credential && auth->n == (user ? 1 : 0))
		rop_diag_error(w->diags, w->doc, rop_doc_find_key(spec_of(w), "auth"),
			       "add 'passwordFile: /path' or, under systemd, 'credential: NAME'",
			       "'auth' names no password");
}

/* Pinned nodes beyond what a shard needs cannot help the others. */
static void check_pins(struct config_walk *w, int64_t per_shard)
{
	const struct rop_topology *t = w->topology;
	int *pinned = rop_alloc_n(w->arena, (size_t)t->shards + 1, sizeof *pinned);
	int64_t free_nodes = 0, wanting = 0;
	const struct rop_doc_node *surplus = NULL;
	int surplus_shard = 0;
	for (size_t i = 0; i < t->nodes.n; i++) {
		int shard = t->nodes.at[i].shard;
		if (shard < 1 || shard > t->shards) {
			free_nodes++;
			continue;
		}
		if (++pinned[shard] > per_shard && !surplus) {
			surplus = rop_doc_find(w->places.at[i], "shard");
			surplus_shard = shard;
		}
	}
	for (int shard = 1; shard <= t->shards; shard++)
		wanting += pinned[shard] < per_shard ? per_shard - pinned[shard] : 0;
	if (wanting > free_nodes && surplus)
		rop_diag_error(w->diags, w->doc, surplus, "give this node to another shard, or add nodes",
			       "shard %d takes %d nodes and needs %" PRId64 ": the other shards are short of %" PRId64
			       " node%s",
			       surplus_shard, pinned[surplus_shard], per_shard, wanting - free_nodes,
			       rop_plural(wanting - free_nodes));
}

static void check_shape(struct config_walk *w)
{
	const struct rop_topology *t = w->topology;
	const struct rop_doc_node *spec = spec_of(w), *nodes = rop_doc_find(spec, "nodes");
	if (t->shards < 1 || t->replicas_per_shard < 0)
		return;
	int64_t per_shard = 1 + t->replicas_per_shard, need = t->shards * per_shard;
	if (need > ROP_NODES_MAX) {
		rop_diag_error(w->diags, w->doc, rop_doc_find(spec, "shards"), NULL,
			       "%d shard%s with %d replica%s each need %" PRId64 " nodes, at most %d are supported",
			       t->shards, rop_plural(t->shards), t->replicas_per_shard,
			       rop_plural(t->replicas_per_shard), need, ROP_NODES_MAX);
		return;
	}
	if (!nodes || nodes->type != ROP_DOC_LIST || nodes->n == 0)
		return;
	int64_t missing = need - (int64_t)nodes->n;
	if (missing <= 0) {
		check_pins(w, per_shard);
		return;
	}
	rop_diag_error(w->diags, w->doc, rop_doc_find_key(spec, "nodes"),
		       rop_printf(w->arena, "add %" PRId64 ", or lower 'shards' or 'replicasPerShard'", missing),
		       "%d shard%s with %d replica%s each need %" PRId64 " nodes: %" PRId64 " missing", t->shards,
		       rop_plural(t->shards), t->replicas_per_shard, rop_plural(t->replicas_per_shard), need, missing);
}

static void warn_about_shape(struct config_walk *w)
{
	const struct rop_topology *t = w->topology;
	const struct rop_doc_node *spec = spec_of(w), *replicas = rop_doc_find(spec, "replicasPerShard");
	if (t->shards == 1 || t->shards == 2)
		rop_diag_warn(w->diags, w->doc, rop_doc_find(spec, "shards"), "3 or more can", ROP_FEW_PRIMARIES);
	if (t->replicas_per_shard == 0 && replicas)
		rop_diag_warn(w->diags, w->doc, replicas, NULL,
			      "without replicas, a node that fails takes its part of the data with it");
}

static void check_shard_number(struct config_walk *w, size_t i)
{
	const struct rop_topology *t = w->topology;
	int shard = t->nodes.at[i].shard;
	if (t->shards > 0 && shard > t->shards)
		rop_diag_error(w->diags, w->doc, rop_doc_find(w->places.at[i], "shard"), NULL,
			       "there is no shard %d: 'shards' is %d", shard, t->shards);
}

/* The table has put the text of the address into .host; here it is taken apart. */
static void check_address(struct config_walk *w, size_t i)
{
	struct rop_declared_node *node = &w->topology->nodes.at[i];
	const struct rop_doc_node *at = rop_doc_find(w->places.at[i], "address");
	struct config_address address;
	struct config_problem problem;
	const char *text = node->host;
	node->host = NULL;
	if (!text)
		return;
	if (!config_address_parse(w->arena, text, &address, &problem)) {
		rop_diag_error(w->diags, w->doc, at, problem.hint, "%s", problem.message);
		return;
	}
	if (address.port > 65535 - ROP_BUS_OFFSET && node->bus_port == 0) {
		rop_diag_error(w->diags, w->doc, at, "take a port up to 55535, or give 'busPort'",
			       "port %d leaves no room for the cluster bus, which is at port + %d", address.port,
			       ROP_BUS_OFFSET);
		return;
	}
	node->host = address.host;
	node->port = address.port;
	node->ip = address.ip;
}

/* One node as the others meet it. */
struct station {
	const char *host;                              /* comparable; NULL: not known */
	int port, bus;                                 /* bus 0: not known */
	const struct rop_doc_node *address, *bus_port; /* where they are written */
};

static struct station station_of(struct config_walk *w, size_t i)
{
	const struct rop_declared_node *node = &w->topology->nodes.at[i];
	if (!node->host)
		return (struct station){ 0 };
	int bus = node->bus_port > 0 ? node->bus_port : 0;
	if (node->bus_port == 0)
		bus = node->port + ROP_BUS_OFFSET;
	return (struct station){
		.host = config_host_key(w->arena, node->host),
		.port = node->port,
		.bus = bus,
		.address = rop_doc_find(w->places.at[i], "address"),
		.bus_port = rop_doc_find(w->places.at[i], "busPort"),
	};
}

static const struct rop_doc_node *bus_place(const struct station *s)
{
	return s->bus_port ? s->bus_port : s->address;
}

/* true: there is something wrong between the two, and it has been said. */
static bool clash(struct config_walk *w, const struct station *first, const struct station *second)
{
	if (!first->host || !second->host || strcmp(first->host, second->host) != 0)
		return false;
	if (first->port == second->port) {
		bool same_text = strcmp(first->address->text, second->address->text) == 0;
		rop_diag_error(w->diags, w->doc, second->address, "remove one of them",
			       "the same address twice: '%.80s' %s (line %d, column %d)", second->address->text,
			       same_text ? "is declared before" : "is another spelling of one declared before",
			       first->address->mark.line, first->address->mark.column);
		return true;
	}
	if (!first->bus || !second->bus)
		return false;
	if (first->bus == second->bus)
		rop_diag_error(w->diags, w->doc, bus_place(second), "give each node of a host its own",
			       "bus port %d is also the bus port of '%.80s' (line %d)", second->bus,
			       first->address->text, first->address->mark.line);
	else if (second->bus == first->port)
		rop_diag_error(w->diags, w->doc, bus_place(second), "choose ports that keep apart",
			       "bus port %d is also the port of '%.80s' (line %d)", second->bus, first->address->text,
			       first->address->mark.line);
	else if (first->bus == second->port)
		rop_diag_error(w->diags, w->doc, second->address, "choose ports that keep apart",
			       "port %d is also the bus port of '%.80s' (line %d)", second->port, first->address->text,
			       first->address->mark.line);
	else
		return false;
	return true;
}

static void check_clashes(struct config_walk *w)
{
	size_t n = w->topology->nodes.n;
	struct station *stations = rop_alloc_n(w->arena, n, sizeof *stations);
	for (size_t i = 0; i < n; i++) {
		stations[i] = station_of(w, i);
		if (stations[i].host && stations[i].port == stations[i].bus)
			rop_diag_error(w->diags, w->doc, bus_place(&stations[i]),
				       "leave 'busPort' out for port + 10000", "the bus port is the port itself");
		bool said = false;
		for (size_t k = 0; k < i && !said; k++)
			said = clash(w, &stations[k], &stations[i]);
	}
}

/* Names are not judged: they may lead anywhere. */
static void warn_about_loopback(struct config_walk *w)
{
	const struct rop_topology *t = w->topology;
	int first = -1; /* is the first one loopback? */
	for (size_t i = 0; i < t->nodes.n; i++) {
		const struct rop_declared_node *node = &t->nodes.at[i];
		if (!node->host)
			continue;
		int loopback = config_is_loopback(node->host, node->ip);
		if (!node->ip && !loopback)
			continue;
		if (first < 0)
			first = loopback;
		if (loopback == first)
			continue;
		rop_diag_warn(w->diags, w->doc, rop_doc_find(w->places.at[i], "address"),
			      "give all nodes addresses that every machine can reach",
			      "loopback and other addresses are mixed: a node on another machine cannot reach "
			      "127.0.0.1 here");
		return;
	}
}

static void check_discovery(struct config_walk *w)
{
	const struct rop_doc_node *discovery = rop_doc_find(spec_of(w), "discovery");
	const char *dns = w->topology->discovery_dns;
	if (dns && !config_is_host_name(dns))
		rop_diag_error(w->diags, w->doc, rop_doc_find(discovery, "dns"), "list addresses under 'nodes'",
			       "'dns' must be a DNS name");
}

void config_checks(struct config_walk *w)
{
	check_source(w);
	check_auth(w);
	for (size_t i = 0; i < w->topology->nodes.n; i++) {
		check_shard_number(w, i);
		check_address(w, i);
	}
	check_shape(w);
	config_weights(w);
	check_clashes(w);
	check_discovery(w);
	warn_about_shape(w);
	warn_about_loopback(w);
}
